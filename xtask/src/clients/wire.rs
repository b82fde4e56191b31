//! The wire formats of models: the APIs of four providers, as much of each as their clients need.

use hyper::HeaderMap;
use serde_json::{Value, json};

use super::program::{Call, Program};

/// Who asks the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asker {
    /// The agent.
    Main,
    /// Its helper.
    Helper,
    /// The client itself, for a title or a summary.
    Aside,
}

/// Who sends a request.
pub(super) fn asker(program: Program, headers: &HeaderMap, body: &Value) -> Asker {
    let tools = body["tools"].as_array().map_or(&[] as &[Value], Vec::as_slice);
    let declares = |name: &str| {
        let declared = tools.iter().flat_map(|tool| tool["functionDeclarations"].as_array().into_iter().flatten());
        declared.into_iter().any(|function| function["name"] == name)
    };
    let header = match program {
        Program::Claude => "x-claude-code-agent-id",
        Program::Codex => "x-openai-subagent",
        Program::OpenCode => "x-parent-session-id",
        Program::Gemini if declares("invoke_agent") => return Asker::Main,
        Program::Gemini if declares("complete_task") => return Asker::Helper,
        Program::Gemini => return Asker::Aside,
    };
    match headers.contains_key(header) {
        true => Asker::Helper,
        false if tools.is_empty() => Asker::Aside,
        false => Asker::Main,
    }
}

/// A turn of the model: text, or one call of a tool; and the type of the reply.
pub(super) fn reply(program: Program, n: usize, path: &str, body: &Value, call: Option<&Call>) -> (&'static str, String) {
    const EVENTS: &str = "text/event-stream";
    match program {
        Program::Claude => (EVENTS, messages(n, body, call)),
        Program::Codex => (EVENTS, responses(n, body, call)),
        Program::OpenCode => (EVENTS, chat(n, body, call)),
        Program::Gemini => {
            let reply = gemini(call).to_string();
            if path.contains("stream") { (EVENTS, format!("data: {reply}\r\n\r\n")) } else { ("application/json", reply) }
        }
    }
}

/// The model's words when it has nothing more to do.
const DONE: &str = "That is all.";

fn named_events(events: &[Value]) -> String {
    let line = |event: &Value| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default());
    events.iter().map(line).collect()
}

/// Anthropic's Messages.
fn messages(n: usize, body: &Value, call: Option<&Call>) -> String {
    let usage = json!({"input_tokens": 10, "output_tokens": 5, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0});
    let (block, delta, stop) = match call {
        Some(call) => (
            // Ids are of their own in every run: one that comes again counts as torn.
            json!({"type": "tool_use", "id": format!("toolu_{}_{n}", std::process::id()), "name": call.name, "input": {}}),
            json!({"type": "input_json_delta", "partial_json": call.input.to_string()}),
            "tool_use",
        ),
        None => (json!({"type": "text", "text": ""}), json!({"type": "text_delta", "text": DONE}), "end_turn"),
    };
    let message = json!({"id": format!("msg_{n}"), "type": "message", "role": "assistant", "model": body["model"], "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": usage});
    named_events(&[
        json!({"type": "message_start", "message": message}),
        json!({"type": "content_block_start", "index": 0, "content_block": block}),
        json!({"type": "content_block_delta", "index": 0, "delta": delta}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": null}, "usage": usage}),
        json!({"type": "message_stop"}),
    ])
}

/// OpenAI's Responses.
fn responses(n: usize, body: &Value, call: Option<&Call>) -> String {
    let call_id = format!("call_{}_{n}", std::process::id());
    let mut item = match call {
        Some(call) => match &call.input {
            Value::String(input) => json!({"type": "custom_tool_call", "id": format!("ctc_{n}"), "call_id": call_id, "name": call.name,
                "input": input, "status": "completed"}),
            input => json!({"type": "function_call", "id": format!("fc_{n}"), "call_id": call_id, "name": call.name,
                "arguments": input.to_string(), "status": "completed"}),
        },
        None => json!({"type": "message", "id": format!("msg_{n}"), "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": DONE, "annotations": []}]}),
    };
    if let Some(namespace) = call.and_then(|call| call.namespace) {
        item["namespace"] = namespace.into();
    }
    let usage = json!({"input_tokens": 10, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 15});
    let response = |status: &str, output: &[Value]| json!({"id": format!("resp_{n}"), "object": "response", "created_at": 1, "model": body["model"], "status": status, "output": output});
    let mut completed = response("completed", std::slice::from_ref(&item));
    completed["usage"] = usage;
    named_events(&[
        json!({"type": "response.created", "response": response("in_progress", &[])}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": item}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": item}),
        json!({"type": "response.completed", "response": completed}),
    ])
}

/// OpenAI's Chat, as others speak it too.
fn chat(n: usize, body: &Value, call: Option<&Call>) -> String {
    let chunk = |choices: Value| json!({"id": format!("c{n}"), "object": "chat.completion.chunk", "created": 1, "model": body["model"], "choices": choices});
    let delta = |delta: Value, finish: Option<&str>| chunk(json!([{"index": 0, "delta": delta, "finish_reason": finish}]));
    let mut chunks = vec![delta(json!({"role": "assistant", "content": ""}), None)];
    match call {
        Some(call) => {
            let id = format!("call_{}_{n}", std::process::id());
            let function = json!({"name": call.name, "arguments": ""});
            chunks.push(delta(json!({"tool_calls": [{"index": 0, "id": id, "type": "function", "function": function}]}), None));
            chunks.push(delta(json!({"tool_calls": [{"index": 0, "function": {"arguments": call.input.to_string()}}]}), None));
        }
        None => chunks.push(delta(json!({"content": DONE}), None)),
    }
    chunks.push(delta(json!({}), Some(if call.is_some() { "tool_calls" } else { "stop" })));
    let mut last = chunk(json!([]));
    last["usage"] = json!({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15});
    chunks.push(last);
    let lines: String = chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
    format!("{lines}data: [DONE]\n\n")
}

/// Google's generateContent.
fn gemini(call: Option<&Call>) -> Value {
    let part = match call {
        Some(call) => json!({"functionCall": {"name": call.name, "args": call.input}}),
        None => json!({"text": DONE}),
    };
    json!({
        "candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15}, "modelVersion": "fake",
    })
}

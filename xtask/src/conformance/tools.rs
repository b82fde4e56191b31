//! The tools the scenarios call.

use std::time::Duration;

use rmcp::model::{CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ProtocolVersion, Tool};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::{Value, json};

use super::content;
use super::rounds::{self, Step};
use super::shared::{Answer, Change, Shared, ask, notify};

/// Between two notifications of a tool.
const PAUSE: Duration = Duration::from_millis(50);

/// Name, description, and the arguments, which are texts and required.
const TOOLS: &[(&str, &str, &[&str])] = &[
    ("test_simple_text", "Says a text", &[]),
    ("test_image_content", "Shows an image", &[]),
    ("test_audio_content", "Plays a sound", &[]),
    ("test_embedded_resource", "Embeds a resource", &[]),
    ("test_multiple_content_types", "Mixes a text, an image and a resource", &[]),
    ("test_error_handling", "Always fails", &[]),
    ("test_tool_with_logging", "Logs while it works", &[]),
    ("test_logging_tool", "Logs when the request asks for it", &[]),
    ("test_tool_with_progress", "Tells its progress", &[]),
    ("test_sampling", "Asks the client's model", &["prompt"]),
    ("test_elicitation", "Asks the user", &["message"]),
    ("test_elicitation_sep1034_defaults", "Asks the user, with defaults", &[]),
    ("test_elicitation_sep1330_enums", "Asks the user to choose", &[]),
    ("test_missing_capability", "Needs a client that can sample", &[]),
    ("test_trigger_tool_change", "Announces that the tools have changed", &[]),
    ("test_trigger_prompt_change", "Announces that the prompts have changed", &[]),
    ("test_streaming_elicitation", "Needs an answer of the user", &[]),
    ("test_input_required_result_elicitation", "Needs the name of the user", &[]),
    ("test_input_required_result_sampling", "Needs an answer of the client's model", &[]),
    ("test_input_required_result_list_roots", "Needs the client's roots", &[]),
    ("test_input_required_result_request_state", "Needs an answer and its own state", &[]),
    ("test_input_required_result_multiple_inputs", "Needs three answers at once", &[]),
    ("test_input_required_result_multi_round", "Needs two answers, one after the other", &[]),
    ("test_input_required_result_tampered_state", "Takes no state but its own", &[]),
    ("test_input_required_result_capabilities", "Needs what the client can give", &[]),
];

/// All tools, always in this order.
pub(super) fn all() -> Vec<Tool> {
    let plain = TOOLS.iter().map(|(name, description, arguments)| {
        let properties: serde_json::Map<String, Value> =
            arguments.iter().map(|argument| ((*argument).to_owned(), json!({"type": "string"}))).collect();
        tool(name, description, json!({"type": "object", "properties": properties, "required": arguments}))
    });
    let region = json!({"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}});
    let with_header = tool("test_x_mcp_header", "Takes an argument that is a header, too", region);
    plain.chain([with_header, tool("json_schema_2020_12_tool", "Tool with JSON Schema 2020-12 features", rich_schema())]).collect()
}

fn tool(name: &'static str, description: &'static str, schema: Value) -> Tool {
    let schema = if let Value::Object(schema) = schema { schema } else { serde_json::Map::new() };
    Tool::new(name, description, schema)
}

fn rich_schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {"address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }},
        "properties": {
            "name": {"type": "string"},
            "address": {"$ref": "#/$defs/address"},
            "contactMethod": {"type": "string", "enum": ["phone", "email"]},
            "phone": {"type": "string"},
            "email": {"type": "string"},
        },
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
        "then": {"required": ["phone"]},
        "else": {"required": ["email"]},
        "additionalProperties": false,
    })
}

/// Calls a tool.
///
/// # Errors
/// There is no such tool, an argument or a capability of the client is missing, or the client does not answer.
pub(super) async fn call(
    shared: &Shared,
    request: &CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> Answer<CallToolResponse> {
    let name = request.name.as_ref();
    if let Some(contents) = content::of_tool(name) {
        return Ok(CallToolResult::success(contents).into());
    }
    let argument = |name: &str| -> Answer<&str> {
        let value = request.arguments.as_ref().and_then(|arguments| arguments.get(name)).and_then(Value::as_str);
        value.ok_or_else(|| ErrorData::invalid_params(format!("the argument {name} is missing"), None))
    };
    let text = match name {
        "test_error_handling" => {
            let text = "This tool intentionally returns an error for testing";
            return Ok(CallToolResult::error(vec![ContentBlock::text(text)]).into());
        }
        "test_tool_with_logging" | "test_logging_tool" => log(context).await?,
        "test_tool_with_progress" => progress(context).await?,
        "test_sampling" => {
            let answer = ask(context, rounds::sampling(argument("prompt")?, 100)).await?;
            format!("LLM response: {}", answer["content"]["text"].as_str().unwrap_or_default())
        }
        "test_elicitation" => {
            let answer = ask(context, rounds::elicitation(argument("message")?, &contact())).await?;
            format!("User response: action={}, content={}", answer["action"], answer["content"])
        }
        "test_elicitation_sep1034_defaults" => elicit(context, "Please look over the defaults", &defaults()).await?,
        "test_elicitation_sep1330_enums" => elicit(context, "Please choose", &enums()).await?,
        "test_missing_capability" => {
            rounds::require(context, "sampling")?;
            "The client can sample.".to_owned()
        }
        "test_trigger_tool_change" => announce(shared, Change::Tools),
        "test_trigger_prompt_change" => announce(shared, Change::Prompts),
        "test_x_mcp_header" | "json_schema_2020_12_tool" => format!("{}", Value::from(request.arguments.clone().unwrap_or_default())),
        _ => {
            let retry = (request.request_state.as_deref(), request.input_responses.as_ref());
            let is_known = TOOLS.iter().any(|(known, ..)| *known == name);
            match rounds::step(shared, name, retry, context)? {
                Some(Step::Ask(required)) if is_known => return Ok(required.into()),
                Some(Step::Done(text)) if is_known => text,
                _ => return Err(ErrorData::invalid_params(format!("there is no tool {name}"), None)),
            }
        }
    };
    Ok(CallToolResult::success(vec![ContentBlock::text(text)]).into())
}

/// Logs three times. From 2026 on only when the request asks for it.
async fn log(context: &RequestContext<RoleServer>) -> Answer<String> {
    let is_older = context.protocol_version().is_none_or(|version| version.as_str() < ProtocolVersion::V_2026_07_28.as_str());
    let level = json!(context.meta.log_level());
    let is_wanted = is_older || ["debug", "info"].map(Value::from).contains(&level);
    for (n, line) in ["Tool execution started", "Tool processing data", "Tool execution completed"].into_iter().enumerate() {
        if n > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        if is_wanted {
            notify(context, json!({"method": "notifications/message", "params": {"level": "info", "data": line}})).await?;
        }
    }
    Ok("The tool with logging has ended.".into())
}

/// Reports its progress three times to anyone who asks for it.
async fn progress(context: &RequestContext<RoleServer>) -> Answer<String> {
    let token = context.meta.get_progress_token();
    for (n, done) in [0, 50, 100].into_iter().enumerate() {
        if n > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        if let Some(token) = &token {
            let params = json!({"progressToken": token, "progress": done, "total": 100});
            notify(context, json!({"method": "notifications/progress", "params": params})).await?;
        }
    }
    Ok("The tool with progress has ended.".into())
}

async fn elicit(context: &RequestContext<RoleServer>, message: &str, schema: &Value) -> Answer<String> {
    let answer = ask(context, rounds::elicitation(message, schema)).await?;
    let action = answer["action"].as_str().unwrap_or_default();
    Ok(format!("Elicitation completed: action={action}, content={}", answer["content"]))
}

/// Nobody may listen.
fn announce(shared: &Shared, change: Change) -> String {
    let listening = shared.changes.send(change).unwrap_or_default();
    format!("Announced to {listening}.")
}

fn contact() -> Value {
    json!({
        "type": "object",
        "properties": {
            "username": {"type": "string", "description": "User's response"},
            "email": {"type": "string", "description": "User's email address"},
        },
        "required": ["username", "email"],
    })
}

fn defaults() -> Value {
    json!({
        "type": "object",
        "properties": {
            "name": {"type": "string", "default": "John Doe"},
            "age": {"type": "integer", "default": 30},
            "score": {"type": "number", "default": 95.5},
            "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
            "verified": {"type": "boolean", "default": true},
        },
        "required": [],
    })
}

fn enums() -> Value {
    let options = ["option1", "option2", "option3"];
    let titled = |what: &str| {
        let names = ["First", "Second", "Third"].into_iter().enumerate();
        names.map(|(n, name)| json!({"const": format!("value{}", n + 1), "title": format!("{name} {what}")})).collect::<Vec<_>>()
    };
    let names = ["Option One", "Option Two", "Option Three"];
    json!({
        "type": "object",
        "properties": {
            "untitledSingle": {"type": "string", "enum": options},
            "titledSingle": {"type": "string", "oneOf": titled("Option")},
            "legacyEnum": {"type": "string", "enum": ["opt1", "opt2", "opt3"], "enumNames": names},
            "untitledMulti": {"type": "array", "items": {"type": "string", "enum": options}},
            "titledMulti": {"type": "array", "items": {"anyOf": titled("Choice")}},
        },
        "required": [],
    })
}

//! Gemini CLI: `gemini -p … --output-format stream-json`. Lines: `init`, `message` (of the agent in pieces, `delta`), `tool_use`, `tool_result`, `error`, and at
//! the end `result` with the tokens. There is no cost in it. The format `json` prints one object at the end: `response`, `stats`, `error`.

use oarlock_model::usage::Usage;
use serde_json::Value;

use super::fact::{Fact, Line, Reader};
use super::text::{at, is_rate_limit, progress, text, tokens, tool, words};

/// Bytes of one message that are kept.
const MESSAGE_BYTES_MAX: usize = 1 << 20;

#[derive(Debug, Default)]
pub(super) struct Gemini {
    /// The message that comes in pieces.
    message: String,
}

impl Reader for Gemini {
    fn read(&mut self, line: &Line) -> Vec<Fact> {
        match text(line, &["type"]) {
            Some("message") if text(line, &["role"]) == Some("assistant") => self.message(line),
            Some("tool_use") => {
                self.message.clear();
                let name = text(line, &["tool_name"]).unwrap_or("a tool");
                let progress = Fact::Progress(tool(name, line.get("parameters")));
                // The tool that asks the person.
                let asked = (name == "ask_user").then(|| at(line, &["parameters"])?.pointer("/questions/0/question")?.as_str()).flatten();
                asked.map(|asked| Fact::Question(words(asked))).into_iter().chain([progress]).collect()
            }
            Some("tool_result") => {
                let kind = text(line, &["error", "type"]).unwrap_or_default().to_lowercase();
                let is_refused = kind.contains("policy") || kind.contains("denied") || kind.contains("not_registered");
                let why = text(line, &["error", "message"]).unwrap_or(&kind);
                if is_refused { vec![Fact::Question(words(&format!("permission: {why}")))] } else { Vec::new() }
            }
            Some("error") => {
                let message = text(line, &["message"]).unwrap_or("an error");
                let limit = is_rate_limit(message).then_some(Fact::RateLimit(None));
                let is_fatal = text(line, &["severity"]) != Some("warning");
                let fact = if is_fatal { Fact::Error(words(message)) } else { Fact::Progress(progress(message)) };
                limit.into_iter().chain([fact]).collect()
            }
            Some("result") => {
                let usage = Usage {
                    cost_usd: None,
                    input_tokens: tokens(line, &["stats", "input_tokens"]),
                    cached_tokens: tokens(line, &["stats", "cached"]),
                    output_tokens: tokens(line, &["stats", "output_tokens"]),
                };
                let mut facts = if usage.is_nothing() { Vec::new() } else { vec![Fact::Used(usage)] };
                let ok = text(line, &["status"]) != Some("error");
                if !ok {
                    facts.extend(failed(text(line, &["error", "message"]).unwrap_or("an error")));
                }
                facts.push(Fact::Ended { ok });
                facts
            }
            // The format `json`: one object.
            None if line.contains_key("stats") || line.contains_key("response") => whole(line),
            _ => Vec::new(),
        }
    }
}

impl Gemini {
    fn message(&mut self, line: &Line) -> Vec<Fact> {
        let piece = text(line, &["content"]).unwrap_or_default();
        if line.get("delta").and_then(Value::as_bool) != Some(true) {
            self.message.clear();
        }
        if self.message.len() + piece.len() <= MESSAGE_BYTES_MAX {
            self.message.push_str(piece);
        }
        let said = self.message.trim();
        if said.is_empty() { Vec::new() } else { vec![Fact::Progress(progress(said)), Fact::Answer(said.to_owned())] }
    }
}

fn failed(message: &str) -> Vec<Fact> {
    let limit = is_rate_limit(message).then_some(Fact::RateLimit(None));
    limit.into_iter().chain([Fact::Error(words(message))]).collect()
}

fn whole(line: &Line) -> Vec<Fact> {
    let mut usage = Usage::default();
    for model in at(line, &["stats", "models"]).and_then(Value::as_object).into_iter().flat_map(|models| models.values()) {
        let of = |key: &str| model.pointer(&format!("/tokens/{key}")).and_then(Value::as_u64).unwrap_or(0);
        usage = usage.plus(&Usage {
            cost_usd: None,
            input_tokens: of("prompt"),
            cached_tokens: of("cached"),
            output_tokens: of("candidates").saturating_add(of("thoughts")),
        });
    }
    let mut facts = if usage.is_nothing() { Vec::new() } else { vec![Fact::Used(usage)] };
    facts.extend(text(line, &["response"]).map(|said| Fact::Answer(said.trim().to_owned())));
    facts.extend(text(line, &["error", "message"]).map(failed).into_iter().flatten());
    facts.push(Fact::Ended { ok: text(line, &["error", "message"]).is_none() });
    facts
}

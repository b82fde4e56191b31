//! Codex: `codex exec --json`. Lines: `thread.started`, `turn.started`, `item.started`, `item.updated` and `item.completed` with an item, `turn.completed` with
//! the tokens of the thread so far, `turn.failed`, `error`, `request_user_input`. There is no cost in it.

use oarlock_model::usage::Usage;
use serde_json::Value;

use super::fact::{Fact, Line, Reader};
use super::text::{at, is_rate_limit, progress, text, tokens, words};

#[derive(Debug, Default)]
pub(super) struct Codex {
    sum: Usage,
}

impl Reader for Codex {
    fn read(&mut self, line: &Line) -> Vec<Fact> {
        match text(line, &["type"]) {
            Some("item.started") => item_progress(line).into_iter().collect(),
            Some("item.completed") => completed(line),
            Some("turn.completed") => {
                let usage = Usage {
                    cost_usd: None,
                    input_tokens: tokens(line, &["usage", "input_tokens"]),
                    cached_tokens: tokens(line, &["usage", "cached_input_tokens"]),
                    output_tokens: tokens(line, &["usage", "output_tokens"]),
                };
                self.sum = self.sum.or_more(&usage);
                vec![Fact::Used(self.sum), Fact::Ended { ok: true }]
            }
            Some("turn.failed") => failed(text(line, &["error", "message"]).unwrap_or("the turn failed"))
                .into_iter()
                .chain([Fact::Ended { ok: false }])
                .collect(),
            Some("error") => {
                let message = text(line, &["message"]).unwrap_or("an error");
                // It tries again by itself, and says so as an error.
                if message.starts_with("Reconnecting") { vec![Fact::Progress(progress(message))] } else { failed(message) }
            }
            Some("request_user_input") => {
                let asked = at(line, &["questions"]).and_then(|questions| questions.pointer("/0/question")).and_then(Value::as_str);
                vec![Fact::Question(words(asked.unwrap_or("a question")))]
            }
            _ => Vec::new(),
        }
    }
}

fn failed(message: &str) -> Vec<Fact> {
    let limit = is_rate_limit(message).then_some(Fact::RateLimit(None));
    limit.into_iter().chain([Fact::Error(words(message))]).collect()
}

fn item_progress(line: &Line) -> Option<Fact> {
    let of = |key| text(line, &["item", key]);
    let words = match of("type")? {
        "command_execution" => format!("$ {}", of("command")?),
        "mcp_tool_call" => format!("{} {}", of("server").unwrap_or("mcp"), of("tool")?),
        "web_search" => format!("searches {}", of("query")?),
        _ => return None,
    };
    Some(Fact::Progress(progress(&words)))
}

fn completed(line: &Line) -> Vec<Fact> {
    let of = |key| text(line, &["item", key]);
    match of("type") {
        Some("agent_message") => {
            let said = of("text").unwrap_or_default().trim();
            if said.is_empty() { Vec::new() } else { vec![Fact::Progress(progress(said)), Fact::Answer(said.to_owned())] }
        }
        Some("command_execution") if of("status") == Some("declined") => {
            vec![Fact::Question(words(&format!("permission for $ {}", of("command").unwrap_or("a command"))))]
        }
        Some("file_change") => {
            let paths = at(line, &["item", "changes"]).and_then(Value::as_array).into_iter().flatten();
            let paths: Vec<&str> = paths.filter_map(|change| change.get("path")?.as_str()).collect();
            vec![Fact::Progress(progress(&format!("changes {}", paths.join(", "))))]
        }
        // Not fatal: the turn goes on.
        Some("error") => vec![Fact::Progress(progress(of("message").unwrap_or("an error")))],
        _ => Vec::new(),
    }
}

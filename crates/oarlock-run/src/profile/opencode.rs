//! OpenCode: `opencode run --format json`. Lines: `step_start`, `text`, `reasoning`, `tool_use`, `step_finish` with tokens and cost of one step, `error`, each with a `part`.

use oarlock_model::usage::{Usage, Usd};
use serde_json::Value;

use super::fact::{Fact, Line, Reader};
use super::text::{at, is_rate_limit, progress, text, tokens, tool, words};

#[derive(Debug, Default)]
pub(super) struct OpenCode {
    sum: Usage,
    /// The texts of the step that goes on.
    said: String,
}

impl Reader for OpenCode {
    fn read(&mut self, line: &Line) -> Vec<Fact> {
        match text(line, &["type"]) {
            Some("step_start") => {
                self.said.clear();
                Vec::new()
            }
            Some("text") => {
                let piece = text(line, &["part", "text"]).unwrap_or_default().trim();
                if piece.is_empty() {
                    return Vec::new();
                }
                if !self.said.is_empty() {
                    self.said.push_str("\n\n");
                }
                self.said.push_str(piece);
                vec![Fact::Progress(progress(piece)), Fact::Answer(self.said.clone())]
            }
            Some("tool_use") => {
                let name = text(line, &["part", "tool"]).unwrap_or("a tool");
                let refused = text(line, &["part", "state", "error"]).filter(|why| is_refusal(why));
                let question = refused.map(|why| Fact::Question(words(&format!("permission for {name}: {why}"))));
                question.into_iter().chain([Fact::Progress(tool(name, at(line, &["part", "state", "input"])))]).collect()
            }
            Some("step_finish") => {
                let cached = tokens(line, &["part", "tokens", "cache", "read"]);
                let input = [cached, tokens(line, &["part", "tokens", "cache", "write"]), tokens(line, &["part", "tokens", "input"])];
                let output = [tokens(line, &["part", "tokens", "output"]), tokens(line, &["part", "tokens", "reasoning"])];
                let sum = |numbers: &[u64]| numbers.iter().fold(0_u64, |sum, number| sum.saturating_add(*number));
                let cost_usd = at(line, &["part", "cost"]).and_then(Value::as_f64).and_then(Usd::reported);
                let step = Usage { cost_usd, input_tokens: sum(&input), cached_tokens: cached, output_tokens: sum(&output) };
                self.sum = self.sum.plus(&step);
                vec![Fact::Used(self.sum)]
            }
            Some("error") => {
                let said = text(line, &["error", "data", "message"]).or_else(|| text(line, &["error", "message"]));
                let message = said.or_else(|| text(line, &["error", "name"])).unwrap_or("an error");
                let is_limit = is_rate_limit(message) || at(line, &["error", "data", "statusCode"]).and_then(Value::as_u64) == Some(429);
                let limit = is_limit.then_some(Fact::RateLimit(None));
                limit.into_iter().chain([Fact::Error(words(message))]).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// Whether the error of a tool says that it was not permitted.
fn is_refusal(why: &str) -> bool {
    let why = why.to_lowercase();
    ["rejected permission", "permission denied by", "prevents you from using", "user dismissed"].iter().any(|words| why.contains(words))
}

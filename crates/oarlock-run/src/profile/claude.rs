//! Claude Code: `claude -p … --output-format stream-json --verbose`. Lines: `system` (`init`, `api_retry`, hooks), `assistant` and `user` with a
//! message of the API, `rate_limit_event`, and at the end `result` with text, tokens, cost and refused permissions.

use std::collections::BTreeMap;

use oarlock_model::usage::{Usage, Usd};
use serde_json::Value;

use super::fact::{Fact, Line, Reader};
use super::text::{at, is_rate_limit, progress, text, tokens, tool, words};

/// Messages whose tokens are remembered: a message comes once for each of its blocks.
const MESSAGES_MAX: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct Claude {
    /// Tokens by message, until the result has the sum.
    messages: BTreeMap<String, Usage>,
    sum: Usage,
}

impl Reader for Claude {
    fn read(&mut self, line: &Line) -> Vec<Fact> {
        match text(line, &["type"]) {
            Some("assistant") => self.assistant(line),
            Some("rate_limit_event") => {
                let is_rejected = text(line, &["rate_limit_info", "status"]) == Some("rejected");
                let until = at(line, &["rate_limit_info", "resetsAt"]).and_then(Value::as_i64);
                if is_rejected { vec![Fact::RateLimit(until)] } else { Vec::new() }
            }
            Some("system") if text(line, &["subtype"]) == Some("api_retry") => {
                let why = text(line, &["error"]).unwrap_or("an error");
                vec![Fact::Progress(progress(&format!("waits for the API after {why}")))]
            }
            Some("result") => self.result(line),
            _ => Vec::new(),
        }
    }
}

impl Claude {
    fn assistant(&mut self, line: &Line) -> Vec<Fact> {
        let mut facts = Vec::new();
        if text(line, &["error"]) == Some("rate_limit") {
            facts.push(Fact::RateLimit(None));
        }
        if let Some(usage) = at(line, &["message", "usage"]).and_then(Value::as_object) {
            let id = text(line, &["message", "id"]).unwrap_or_default().to_owned();
            if self.messages.len() < MESSAGES_MAX || self.messages.contains_key(&id) {
                let known = self.messages.entry(id).or_default();
                *known = known.or_more(&usage_of(usage));
            }
            let sum = self.messages.values().fold(Usage::default(), |sum, usage| sum.plus(usage));
            self.sum = self.sum.or_more(&sum);
            facts.push(Fact::Used(self.sum));
        }
        // What a subagent says is not the answer of the agent.
        let is_main = !at(line, &["parent_tool_use_id"]).is_some_and(Value::is_string);
        for block in at(line, &["message", "content"]).and_then(Value::as_array).into_iter().flatten() {
            match block.get("type").and_then(Value::as_str) {
                Some("text") if is_main => {
                    if let Some(said) = block.get("text").and_then(Value::as_str).filter(|said| !said.trim().is_empty()) {
                        facts.extend([Fact::Progress(progress(said)), Fact::Answer(said.trim().to_owned())]);
                    }
                }
                Some("tool_use") => {
                    let name = block.get("name").and_then(Value::as_str).unwrap_or("a tool");
                    if name == "AskUserQuestion" {
                        let asked = block.pointer("/input/questions/0/question").and_then(Value::as_str).unwrap_or("a question");
                        facts.push(Fact::Question(words(asked)));
                    }
                    facts.push(Fact::Progress(tool(name, block.get("input"))));
                }
                _ => {}
            }
        }
        facts
    }

    fn result(&mut self, line: &Line) -> Vec<Fact> {
        let mut facts = Vec::new();
        let mut usage = line.get("usage").and_then(Value::as_object).map(usage_of).unwrap_or_default();
        // It counts subagents, too.
        if let Some(models) = line.get("modelUsage").and_then(Value::as_object) {
            let each = models.values().filter_map(Value::as_object).map(|model| {
                let cached = tokens(model, &["cacheReadInputTokens"]);
                let input = [cached, tokens(model, &["cacheCreationInputTokens"]), tokens(model, &["inputTokens"])];
                let input_tokens = input.into_iter().fold(0, u64::saturating_add);
                Usage { cost_usd: None, input_tokens, cached_tokens: cached, output_tokens: tokens(model, &["outputTokens"]) }
            });
            usage = usage.or_more(&each.fold(Usage::default(), |sum, model| sum.plus(&model)));
        }
        usage.cost_usd = line.get("total_cost_usd").and_then(Value::as_f64).and_then(Usd::reported);
        self.sum = self.sum.or_more(&usage);
        if !self.sum.is_nothing() {
            facts.push(Fact::Used(self.sum));
        }
        for denied in line.get("permission_denials").and_then(Value::as_array).into_iter().flatten() {
            let name = denied.get("tool_name").and_then(Value::as_str).unwrap_or("a tool");
            facts.push(Fact::Question(words(&format!("permission for {}", tool(name, denied.get("tool_input"))))));
        }
        let said = text(line, &["result"]).map(str::trim).filter(|said| !said.is_empty());
        let subtype = text(line, &["subtype"]).unwrap_or_default();
        let is_error = line.get("is_error").and_then(Value::as_bool).unwrap_or(false) || subtype.starts_with("error");
        if is_error {
            let errors = line.get("errors").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
            let why = said.map(str::to_owned).unwrap_or_else(|| errors.collect::<Vec<_>>().join("; "));
            if is_rate_limit(&why) {
                facts.push(Fact::RateLimit(why.rsplit('|').next().and_then(|at| at.trim().parse().ok())));
            }
            let why = if why.is_empty() { subtype.replace('_', " ") } else { why };
            facts.push(Fact::Error(words(&why)));
        } else if let Some(said) = said {
            facts.push(Fact::Answer(said.to_owned()));
        }
        facts.push(Fact::Ended { ok: !is_error });
        facts
    }
}

/// The tokens of a message: those written to a cache and read from it are not in `input_tokens`.
fn usage_of(usage: &Line) -> Usage {
    let cached = tokens(usage, &["cache_read_input_tokens"]);
    let input = [cached, tokens(usage, &["cache_creation_input_tokens"]), tokens(usage, &["input_tokens"])];
    let input_tokens = input.into_iter().fold(0, u64::saturating_add);
    Usage { cost_usd: None, input_tokens, cached_tokens: cached, output_tokens: tokens(usage, &["output_tokens"]) }
}

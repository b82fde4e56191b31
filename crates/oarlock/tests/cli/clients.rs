//! The clients of coding agents: setting them up and taking it back, and their hooks, driven by inputs as the real ones send them.

mod edits;
mod helpers;
mod life;
mod setup;

use crate::support::{Project, Reply};
use serde_json::{Value, json};

/// A session of a client, whose hooks are called with what the client would send.
pub(crate) struct Session<'p> {
    project: &'p Project,
    client: &'static str,
    id: String,
}

impl<'p> Session<'p> {
    pub(crate) fn new(project: &'p Project, client: &'static str, id: &str) -> Self {
        Self { project, client, id: id.to_owned() }
    }

    /// The name that its agent has.
    pub(crate) fn agent(&self) -> String {
        let plain: String = self.id.chars().filter(char::is_ascii_alphanumeric).collect();
        format!("{}-{}", self.client, &plain[plain.len().saturating_sub(8)..])
    }

    /// The reply of the hook of an event, with these fields added to those that each event has.
    pub(crate) fn raw(&self, event: &str, fields: Value) -> Reply {
        let mut told = json!({"session_id": self.id, "cwd": self.project.root(), "hook_event_name": event});
        for (name, value) in fields.as_object().expect("fields") {
            told[name] = value.clone();
        }
        self.project.call(&format!("hook {} {event}", self.client)).plain().input(told.to_string()).run()
    }

    /// Its answer; null when it says nothing.
    pub(crate) fn hook(&self, event: &str, fields: Value) -> Value {
        let reply = self.raw(event, fields);
        assert_eq!((reply.code, reply.stderr.as_str()), (0, ""), "hook {} {event}: {}", self.client, reply.stdout);
        if reply.stdout.is_empty() { Value::Null } else { serde_json::from_str(&reply.stdout).expect("JSON") }
    }

    /// Why a tool may not run, for the model; nothing when it may.
    pub(crate) fn refused(&self, tool: &str, input: Value) -> Option<String> {
        let event = if self.client == "gemini" { "BeforeTool" } else { "PreToolUse" };
        refusal(&self.hook(event, json!({"tool_name": tool, "tool_input": input, "tool_use_id": "toolu_1"})))
    }

    /// Text for the model after a tool.
    pub(crate) fn news(&self) -> Option<String> {
        let event = if self.client == "gemini" { "AfterTool" } else { "PostToolUse" };
        context(&self.hook(event, json!({"tool_name": "Bash", "tool_input": {"command": "true"}, "tool_response": "ok"})))
    }
}

/// The reason of a refusal, in any client's form.
pub(crate) fn refusal(answer: &Value) -> Option<String> {
    let specific = &answer["hookSpecificOutput"];
    let claude = (specific["permissionDecision"] == "deny").then(|| &specific["permissionDecisionReason"]);
    let gemini = (answer["decision"] == "deny").then(|| &answer["reason"]);
    let cursor = (answer["permission"] == "deny").then(|| &answer["agent_message"]);
    let opencode = answer.get("deny");
    claude.or(gemini).or(cursor).or(opencode).and_then(Value::as_str).map(str::to_owned)
}

/// Text for the model, in any client's form.
pub(crate) fn context(answer: &Value) -> Option<String> {
    let found = [&answer["hookSpecificOutput"]["additionalContext"], &answer["additional_context"], &answer["context"]];
    found.into_iter().find_map(Value::as_str).map(str::to_owned)
}

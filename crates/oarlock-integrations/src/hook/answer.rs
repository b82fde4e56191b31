//! How a hook answers each client.

use serde_json::{Value, json};

use super::{HookEvent, HookInput};
use crate::client::Client;
use crate::setup::REFUSED;

/// The answer of a hook.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum HookDecision {
    /// Nothing: the client goes on.
    #[default]
    Nothing,
    /// Text for the model.
    Context(String),
    /// The same at the beginning of a session, with the agent's name.
    Start(String, String),
    /// The tool must not run; why, for the model.
    Deny(String),
    /// The agent must not stop yet; why, for the model.
    Hold(String),
    /// Text for the person.
    Warn(String),
}

/// The exit of the hook's process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
    /// Its exit code.
    pub exit: u8,
}

impl HookDecision {
    /// The reply in the client's form. No client is ever answered by exit code 2: a mistake on a command line ends with it too, and would
    /// look like a refusal.
    pub fn reply(&self, client: Client, moment: HookEvent, input: &HookInput) -> Reply {
        let said = match client {
            Client::Git => return self.to_git(),
            Client::Claude | Client::Codex | Client::VsCode => self.in_claudes_form(moment, input),
            Client::Gemini => self.to_gemini(moment, input),
            Client::Cursor => self.to_cursor(),
            Client::OpenCode => self.to_opencode(),
        };
        let out = if said.is_null() { String::new() } else { format!("{said}\n") };
        Reply { out, ..Reply::default() }
    }

    fn to_git(&self) -> Reply {
        match self {
            Self::Deny(why) | Self::Hold(why) => Reply { err: format!("{why}\n"), exit: REFUSED, ..Reply::default() },
            Self::Context(text) | Self::Start(text, _) | Self::Warn(text) => Reply { err: format!("{text}\n"), ..Reply::default() },
            Self::Nothing => Reply::default(),
        }
    }

    fn in_claudes_form(&self, moment: HookEvent, input: &HookInput) -> Value {
        let event = input.event.as_deref().unwrap_or(match moment {
            HookEvent::SessionStart => "SessionStart",
            HookEvent::Prompt => "UserPromptSubmit",
            HookEvent::BeforeTool => "PreToolUse",
            HookEvent::AfterTool => "PostToolUse",
            HookEvent::SubagentStart => "SubagentStart",
            HookEvent::SubagentStop => "SubagentStop",
            HookEvent::Compact => "PreCompact",
            _ => "Stop",
        });
        match self {
            Self::Nothing => Value::Null,
            Self::Context(text) | Self::Start(text, _) => {
                json!({"hookSpecificOutput": {"hookEventName": event, "additionalContext": text}})
            }
            Self::Deny(why) => json!({"hookSpecificOutput": {
                "hookEventName": event, "permissionDecision": "deny", "permissionDecisionReason": why,
            }}),
            Self::Hold(why) => json!({"decision": "block", "reason": why}),
            Self::Warn(text) => json!({"systemMessage": text}),
        }
    }

    fn to_gemini(&self, moment: HookEvent, input: &HookInput) -> Value {
        let event = input.event.as_deref().unwrap_or(match moment {
            HookEvent::SessionStart => "SessionStart",
            HookEvent::Prompt => "BeforeAgent",
            _ => "AfterTool",
        });
        match self {
            Self::Nothing => Value::Null,
            Self::Context(text) | Self::Start(text, _) => {
                json!({"hookSpecificOutput": {"hookEventName": event, "additionalContext": text}})
            }
            Self::Deny(why) | Self::Hold(why) => json!({"decision": "deny", "reason": why}),
            Self::Warn(text) => json!({"systemMessage": text}),
        }
    }

    fn to_cursor(&self) -> Value {
        match self {
            Self::Nothing => Value::Null,
            Self::Context(text) => json!({"additional_context": text}),
            Self::Start(text, name) => json!({"additional_context": text, "env": {"OARLOCK_AGENT": name}}),
            Self::Deny(why) => json!({"permission": "deny", "user_message": why, "agent_message": why}),
            Self::Hold(why) => json!({"followup_message": why}),
            Self::Warn(text) => json!({"user_message": text}),
        }
    }

    /// For the plugin that `setup` writes.
    fn to_opencode(&self) -> Value {
        match self {
            Self::Nothing => Value::Null,
            Self::Context(text) => json!({"context": text}),
            Self::Start(text, name) => json!({"context": text, "name": name}),
            Self::Deny(why) => json!({"deny": why}),
            Self::Hold(why) => json!({"hold": why}),
            Self::Warn(text) => json!({"warn": text}),
        }
    }
}

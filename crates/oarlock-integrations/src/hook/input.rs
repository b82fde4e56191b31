//! The input of a hook: one JSON object on standard input, with the same facts under each client's own names.

use serde_json::Value;

/// The facts of one call of a hook. Whatever a client leaves out is empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HookInput {
    /// The event in the client's own spelling, which its answer has to repeat.
    pub event: Option<String>,
    /// The client's id of the session.
    pub session: Option<String>,
    /// The client's id of the helper that it is about, where it is about one.
    pub thread: Option<String>,
    /// How the session begins: `startup`, `resume`, `clear`, `compact`.
    pub source: Option<String>,
    /// The directory that the agent works in.
    pub cwd: Option<String>,
    /// The tool, by the name that the client gives it.
    pub tool: Option<String>,
    /// The client's id of this call of the tool.
    pub call: Option<String>,
    /// The input of the tool.
    pub tool_input: Value,
    /// The helper that this call of a tool starts or has started, where a client reports its helpers in no other way.
    pub starts_helper: Option<String>,
    /// Whether the agent goes on only because it was held back at its last stop.
    pub was_held: bool,
}

impl HookInput {
    /// Reads what a client sent. Fields that are unknown or of another type are passed over: clients add to them freely.
    ///
    /// # Errors
    /// Text that is no JSON object.
    pub fn read(text: &str) -> Result<Self, String> {
        // Some write a byte order mark first.
        let text = text.trim_start_matches('\u{FEFF}');
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let value: Value = serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
        let Value::Object(fields) = value else { return Err("it is not a JSON object".into()) };
        let word = |names: &[&str]| {
            let found = names.iter().find_map(|name| fields.get(*name).and_then(Value::as_str));
            found.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let mut input = fields.get("tool_input").or_else(|| fields.get("toolArgs")).cloned().unwrap_or_default();
        // Some write the arguments as a text of their own.
        if let Some(inner) = input.as_str().and_then(|text| serde_json::from_str(text).ok()).filter(Value::is_object) {
            input = inner;
        }
        let mut tool = word(&["tool_name", "toolName"]);
        if tool.is_none() && fields.contains_key("command") {
            // Cursor's events around a shell and an edit name no tool.
            tool = Some("Shell".into());
            input = Value::Object(fields.clone());
        } else if tool.is_none() && fields.contains_key("file_path") {
            tool = Some("Edit".into());
            input = Value::Object(fields.clone());
        }
        let is_start = tool.as_deref() == Some("invoke_agent");
        let starts_helper = input.get("agent_name").and_then(Value::as_str).filter(|_| is_start).map(str::to_owned);
        Ok(Self {
            starts_helper,
            event: word(&["hook_event_name", "hookEventName"]),
            session: word(&["session_id", "sessionId", "conversation_id", "sessionID"]),
            thread: word(&["agent_id", "subagent_id"]),
            source: word(&["source"]),
            cwd: word(&["cwd"]).or_else(|| {
                let roots = fields.get("workspace_roots").and_then(Value::as_array);
                roots.and_then(|roots| roots.first()).and_then(Value::as_str).map(str::to_owned)
            }),
            tool,
            call: word(&["tool_use_id", "tool_call_id", "callID"]),
            tool_input: input,
            was_held: fields.get("stop_hook_active").and_then(Value::as_bool).unwrap_or(false)
                || fields.get("loop_count").and_then(Value::as_u64).is_some_and(|count| count > 0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_is_passed_over() {
        let input = HookInput::read("\u{FEFF}{\"tool_name\":\"Edit\"}").expect("JSON behind its mark");
        assert_eq!(input.tool.as_deref(), Some("Edit"));
        assert_eq!(HookInput::read("\u{FEFF}\n"), Ok(HookInput::default()));
    }
}

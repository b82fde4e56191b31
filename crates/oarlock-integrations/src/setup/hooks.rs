//! Which hooks each client gets, and which commands it may run without asking.

use serde_json::json;

use super::SERVER;
use crate::client::Client;
use crate::json::JsonWant;

/// Commands that an agent may run without asking, as they stand in the file. Not among them is what runs other commands (`work`, `run`)
/// or changes foreign lines.
pub(super) const CLAUDE_RULES: [&str; 22] = [
    "\"Bash(oarlock prime:*)\"",
    "\"Bash(oarlock claim:*)\"",
    "\"Bash(oarlock renew:*)\"",
    "\"Bash(oarlock done:*)\"",
    "\"Bash(oarlock fail:*)\"",
    "\"Bash(oarlock release:*)\"",
    "\"Bash(oarlock reserve:*)\"",
    "\"Bash(oarlock unreserve:*)\"",
    "\"Bash(oarlock reservations:*)\"",
    "\"Bash(oarlock check:*)\"",
    "\"Bash(oarlock inbox:*)\"",
    "\"Bash(oarlock ack:*)\"",
    "\"Bash(oarlock send:*)\"",
    "\"Bash(oarlock sync:*)\"",
    "\"Bash(oarlock state:*)\"",
    "\"Bash(oarlock heartbeat:*)\"",
    "\"Bash(oarlock tasks:*)\"",
    "\"Bash(oarlock task:*)\"",
    "\"Bash(oarlock ready:*)\"",
    "\"Bash(oarlock agents:*)\"",
    "\"Bash(oarlock note:*)\"",
    "\"Bash(oarlock status:*)\"",
];

/// Seconds that a client waits for a hook.
const TIMEOUT_S: u64 = 30;

type Event = (&'static [&'static str], Option<&'static str>);

const CLAUDE_EVENTS: [Event; 9] = [
    (&["hooks", "SessionStart"], None),
    (&["hooks", "UserPromptSubmit"], None),
    (&["hooks", "PreToolUse"], Some("Edit|MultiEdit|Write|NotebookEdit|Bash|mcp__.*")),
    (&["hooks", "PostToolUse"], None),
    (&["hooks", "PostToolUseFailure"], None),
    (&["hooks", "Stop"], None),
    (&["hooks", "SessionEnd"], None),
    (&["hooks", "SubagentStart"], None),
    (&["hooks", "SubagentStop"], None),
];

const CODEX_EVENTS: [Event; 7] = [
    (&["hooks", "SessionStart"], None),
    (&["hooks", "UserPromptSubmit"], None),
    (&["hooks", "PreToolUse"], Some("Bash|apply_patch|Edit|Write|mcp__.*")),
    (&["hooks", "PostToolUse"], None),
    (&["hooks", "Stop"], None),
    (&["hooks", "SubagentStart"], None),
    (&["hooks", "SubagentStop"], None),
];

// Its PreCompress comes before every request, whether anything is compressed or not: it shows nothing.
const GEMINI_EVENTS: [Event; 6] = [
    (&["hooks", "SessionStart"], None),
    (&["hooks", "BeforeAgent"], None),
    (&["hooks", "BeforeTool"], Some("write_file|replace|run_shell_command|invoke_agent|mcp_.*")),
    (&["hooks", "AfterTool"], None),
    (&["hooks", "AfterAgent"], None),
    (&["hooks", "SessionEnd"], None),
];

const CURSOR_EVENTS: &[&[&str]] = &[
    &["hooks", "sessionStart"],
    &["hooks", "preToolUse"],
    &["hooks", "beforeShellExecution"],
    &["hooks", "postToolUse"],
    &["hooks", "preCompact"],
    &["hooks", "stop"],
    &["hooks", "subagentStart"],
    &["hooks", "subagentStop"],
    &["hooks", "sessionEnd"],
];

pub(super) const VSCODE_EVENTS: &[&[&str]] = &[
    &["hooks", "SessionStart"],
    &["hooks", "UserPromptSubmit"],
    &["hooks", "PreToolUse"],
    &["hooks", "PostToolUse"],
    &["hooks", "PreCompact"],
    &["hooks", "SubagentStart"],
    &["hooks", "SubagentStop"],
    &["hooks", "Stop"],
];

/// The hooks of Claude Code, for its settings and for a plugin.
pub fn claude_hooks(program: &str) -> Vec<JsonWant> {
    grouped_hooks(program, Client::Claude, &CLAUDE_EVENTS, TIMEOUT_S)
}

pub(super) fn codex_hooks(program: &str) -> Vec<JsonWant> {
    grouped_hooks(program, Client::Codex, &CODEX_EVENTS, TIMEOUT_S)
}

pub(super) fn gemini_hooks(program: &str) -> Vec<JsonWant> {
    // It counts in milliseconds.
    grouped_hooks(program, Client::Gemini, &GEMINI_EVENTS, TIMEOUT_S * 1_000)
}

fn hook_command(program: &str, client: Client, event: &str) -> String {
    let program = quoted(program);
    let call = format!("{program}{}{event}", mark(client));
    // These run hooks with a shell, and some of those who share a repository do not have Oarlock.
    let if_there = format!("command -v {program} >/dev/null 2>&1 || exit 0; {call}");
    match client {
        // It takes every exit code but 0 and 1 for a refusal.
        Client::Gemini => format!("{if_there} || exit 0"),
        Client::Claude | Client::Codex => if_there,
        _ => call,
    }
}

/// A program's path as a shell reads it.
pub(super) fn quoted(program: &str) -> String {
    let is_plain = program.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+".contains(c));
    if is_plain { program.to_owned() } else { format!("'{}'", program.replace('\'', "'\\''")) }
}

/// The mark by which Oarlock's hooks of a client are known.
fn mark(client: Client) -> &'static str {
    match client {
        Client::Claude => " hook claude ",
        Client::Codex => " hook codex ",
        Client::Gemini => " hook gemini ",
        Client::Cursor => " hook cursor ",
        _ => " hook vscode ",
    }
}

fn grouped_hooks(program: &str, client: Client, events: &[Event], timeout: u64) -> Vec<JsonWant> {
    let want = |(path, matcher): &Event| {
        let event = path.last().copied().unwrap_or_default();
        let mut hook = json!({"type": "command", "command": hook_command(program, client, event), "timeout": timeout});
        if client == Client::Gemini {
            hook["name"] = json!(SERVER);
        }
        let mut group = json!({ "hooks": [hook] });
        if let Some(matcher) = matcher {
            group["matcher"] = json!(matcher);
        }
        JsonWant::Element(path, group, mark(client))
    };
    // Each one is put before those that are there: the last one first, so that they stand in their order.
    events.iter().rev().map(want).collect()
}

pub(super) fn flat_hooks(program: &str, client: Client, events: &[&'static [&'static str]]) -> Vec<JsonWant> {
    let want = |path: &&'static [&'static str]| {
        let event = path.last().copied().unwrap_or_default();
        let mut hook = json!({"command": hook_command(program, client, event), "timeout": TIMEOUT_S});
        if client == Client::VsCode {
            hook["type"] = json!("command");
        }
        JsonWant::Element(path, hook, mark(client))
    };
    // Each one is put before those that are there: the last one first, so that they stand in their order.
    events.iter().rev().map(want).collect()
}

pub(super) fn cursor_hooks(program: &str) -> Vec<JsonWant> {
    let mut wants = vec![JsonWant::Frame(&["version"], json!(1))];
    wants.extend(flat_hooks(program, Client::Cursor, CURSOR_EVENTS));
    wants
}

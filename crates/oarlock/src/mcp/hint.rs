//! Errors as a model needs them: what its next step is, by the tools it has.

use oarlock_ops::OpError;
use serde_json::Value;

/// The error object, with a next step that names tools instead of commands.
pub(super) fn error_for_model(error: &OpError) -> Value {
    let mut object = error.json();
    let step = if error.is_all_done() { Some("everything is done: stop") } else { next_step(error.code().code) };
    if let Some(step) = step {
        object["error"]["hint"] = step.into();
    }
    object
}

/// What to do next, where the hint of the command line speaks of commands.
fn next_step(code: &str) -> Option<&'static str> {
    Some(match code {
        "nothing_ready" => "call claim with wait \"40s\", or look at tasks",
        "messages_waiting" => "act on these messages, answer with send, then ack, and claim again",
        "timed_out" => "call it again to go on waiting, or do something else",
        "lease_held" => "leave this task to its holder: claim without an id takes another; to ask the holder, send",
        "lease_lost" | "stale_token" => "stop this work and undo what is not committed; claim the next task",
        "stale_session" => "stop all work you held; the next call joins anew, then claim",
        "reservation_overlap" => "work on other files, or send the holder a message; reserve and claim can wait",
        "version_conflict" => "read the entry again and decide anew",
        "not_enough_agents" => "go on alone, or ask again later",
        "identity_required" => "this connection names no agent: set OARLOCK_AGENT for the server, or the header Oarlock-Agent",
        "not_found" => "tasks and agents show what there is",
        "state_conflict" => "look at the task with tasks; claim another one",
        "already_exists" => "it is there already: go on with it, or choose another name",
        "store_busy" => "call it again in a moment",
        _ => return None,
    })
}

//! Errors as a model needs them: what its next step is, by the tools it has.

use oarlock_model::ErrorCode;
use oarlock_ops::OpError;
use serde_json::{Value, json};

/// The error object, with a next step that names tools instead of commands.
pub(super) fn error_for_model(error: &OpError) -> Value {
    let mut object = error.object();
    let step = if error.is_all_done() { Some("everything is done: stop") } else { next_step(error.code()) };
    if let Some(step) = step {
        object.error.hint = step.into();
    }
    json!(object)
}

/// The next step, where the hint of the command line names commands.
fn next_step(code: ErrorCode) -> Option<&'static str> {
    Some(match code {
        ErrorCode::NothingReady => "call claim with wait \"40s\", or look at tasks",
        ErrorCode::MessagesWaiting => "act on these messages, answer with send, then ack, and claim again",
        ErrorCode::TimedOut => "call it again to go on waiting, or do something else",
        ErrorCode::LeaseHeld => "leave this task to its holder: claim without an id takes another; to ask the holder, send",
        ErrorCode::LeaseLost | ErrorCode::StaleToken => "stop this work and undo its uncommitted changes; claim the next task",
        ErrorCode::StaleSession => "stop all work you held; the next call joins again, then claim",
        ErrorCode::ReservationOverlap => "work on other files, or send the holder a message; reserve and claim can wait",
        ErrorCode::VersionConflict => "read the entry again, then decide again",
        ErrorCode::NotEnoughAgents => "go on alone, or ask again later",
        ErrorCode::IdentityRequired => "this connection names no agent: set OARLOCK_AGENT for the server, or the header Oarlock-Agent",
        ErrorCode::NotFound => "tasks and agents show what there is",
        ErrorCode::StateConflict => "look at the task with tasks; claim another one",
        ErrorCode::AlreadyExists => "it is there already: go on with it, or choose another name",
        ErrorCode::StoreBusy => "call it again in a moment",
        _ => return None,
    })
}

//! What has to be done about one task so that files and store say the same, while the lock of the files is held and everything that changed
//! before is known: pure.

use oarlock_model::task::{OutsideEnd, Task as StoreTask, TaskState};

use super::cursor::Past;
use crate::held;
use crate::in_files::InFiles;
use crate::reconcile::Stand;

/// One thing to do about a task.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Todo {
    /// Nothing.
    Nothing,
    /// Somebody took it in the files.
    Take,
    /// Somebody finished it there.
    Finish,
    /// The files are to show how it stands.
    Show(Stand),
}

/// Compares. What the files say against a lease or an end of the store is a conflict, which the next full comparison tells.
pub(crate) fn todo(known: &StoreTask, files: &InFiles<'_>, past: &Past) -> Todo {
    let in_files = files.state();
    match known.state {
        TaskState::Ready | TaskState::Blocked | TaskState::Scheduled => match in_files {
            "claimed" if is_of_past(known, files, past) => Todo::Show(Stand::Open),
            "claimed" if is_given_up(known, files) => Todo::Nothing,
            "claimed" => Todo::Take,
            "done" | "cancelled" | "blocked" if past.is_back => Todo::Show(Stand::Open),
            "done" if known.state != TaskState::Blocked => Todo::Finish,
            _ => Todo::Nothing,
        },
        TaskState::Claimed => match known.holder() {
            Some(grant) if in_files == "ready" || in_files == "claimed" && !shows(files, grant.agent.as_str()) && past.was_held => {
                Todo::Show(Stand::Claimed(grant.agent.clone(), grant.since.0))
            }
            Some(_) => Todo::Nothing,
            // Whoever has it outside of the store may have finished it there.
            None if in_files == "done" => Todo::Finish,
            None => Todo::Nothing,
        },
        _ if !past.is_of_store => Todo::Nothing,
        TaskState::Waiting if matches!(in_files, "ready" | "claimed") => Todo::Show(Stand::Split),
        TaskState::Done if !files.is_done_everywhere() => Todo::Show(Stand::Done),
        // One that nobody had may be held back because its file is gone: that is for the full comparison.
        TaskState::Cancelled if past.was_held && in_files != "cancelled" => Todo::Show(Stand::Cancelled),
        TaskState::Dead if in_files != "done" && in_files != "cancelled" && !files.says("failed") => Todo::Show(Stand::Failed),
        _ => Todo::Nothing,
    }
}

/// Whether the files show that this agent has the task: by name where an item has one.
pub(crate) fn shows(files: &InFiles<'_>, agent: &str) -> bool {
    files.state() == "claimed" && files.queue.is_none_or(|item| item.claimed_by.as_deref() == Some(agent))
}

/// Whether the files show it as taken only because somebody of the store had it.
fn is_of_past(known: &StoreTask, files: &InFiles<'_>, past: &Past) -> bool {
    let had_it = |claimer: &str| {
        known.grant.as_ref().is_some_and(|grant| grant.agent.as_str() == claimer)
            || past.holders.iter().any(|holder| holder.as_str() == claimer)
    };
    past.was_held && files.claimer().is_none_or(had_it)
}

/// Whether the files still show somebody whose hold was ended here, by force or after a long silence: that is no news, and anybody may take it.
fn is_given_up(known: &StoreTask, files: &InFiles<'_>) -> bool {
    known.outside.as_ref().is_some_and(|hold| {
        let is_ended_here = matches!(hold.end, Some(OutsideEnd::Abandoned | OutsideEnd::Forced));
        let is_since = files.queue.and_then(|item| item.taken_ms).is_some_and(|taken_ms| taken_ms > hold.seen.0);
        is_ended_here && !is_since && files.claimer().and_then(held::name) == hold.holder
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nouns::Task;
    use std::collections::BTreeSet;

    use oarlock_model::task::{Grant, GrantEnd, TaskSpec};
    use oarlock_model::{AgentName, SessionId, StoreTime, TaskId, Token, WallTime};

    const fn past(was_held: bool, is_back: bool, is_of_store: bool) -> Past {
        Past { was_held, is_back, is_of_store, holders: BTreeSet::new() }
    }

    const NONE: Past = past(false, false, false);
    const TOLD: Past = past(false, false, true);
    const HELD: Past = past(true, false, true);
    const BACK: Past = past(false, true, true);

    fn known(state: TaskState, end: Option<GrantEnd>) -> StoreTask {
        let mut task = StoreTask::new(TaskId::parse("T-1").expect("valid"), TaskSpec::new("t"), WallTime(0));
        task.state = state;
        task.grant = Some(Grant {
            token: Token(1),
            agent: AgentName::parse("ada").expect("valid"),
            session: SessionId::parse("ada.1-k3f9z2").expect("valid"),
            since: WallTime(5),
            renewed: StoreTime(0),
            ttl_ms: 1,
            reserve: false,
            intended: false,
            end,
        });
        task
    }

    fn item(state: &'static str, claimed_by: Option<&str>) -> Task {
        let status = if state == "ready" { "pending" } else { state };
        Task { id: "T-1".into(), state, status: Some(status.into()), claimed_by: claimed_by.map(Into::into), ..Task::default() }
    }

    #[test]
    fn what_others_took_stays_theirs_and_what_the_store_had_is_taken_back() {
        let mine = Todo::Show(Stand::Claimed(AgentName::parse("ada").expect("valid"), 5));
        let open = || Todo::Show(Stand::Open);
        for (state, in_files, by, past, want) in [
            (TaskState::Ready, "ready", None, HELD, Todo::Nothing),
            (TaskState::Ready, "claimed", Some("ada"), HELD, open()),
            (TaskState::Ready, "claimed", Some("ada"), NONE, Todo::Take),
            (TaskState::Ready, "claimed", Some("run-7"), HELD, Todo::Take),
            (TaskState::Ready, "claimed", Some("run-7"), NONE, Todo::Take),
            (TaskState::Ready, "claimed", None, HELD, open()),
            (TaskState::Ready, "claimed", None, NONE, Todo::Take),
            (TaskState::Ready, "done", None, NONE, Todo::Finish),
            (TaskState::Ready, "done", None, BACK, open()),
            (TaskState::Blocked, "done", None, NONE, Todo::Nothing),
            (TaskState::Claimed, "ready", None, HELD, mine.clone()),
            (TaskState::Claimed, "claimed", Some("ada"), HELD, Todo::Nothing),
            (TaskState::Claimed, "claimed", Some("run-7"), NONE, Todo::Nothing),
            (TaskState::Claimed, "done", Some("run-7"), NONE, Todo::Nothing),
            (TaskState::Done, "claimed", Some("ada"), HELD, Todo::Show(Stand::Done)),
            (TaskState::Done, "ready", None, NONE, Todo::Nothing),
            (TaskState::Done, "ready", None, TOLD, Todo::Show(Stand::Done)),
            (TaskState::Review, "claimed", Some("ada"), HELD, Todo::Nothing),
            (TaskState::Cancelled, "claimed", Some("ada"), HELD, Todo::Show(Stand::Cancelled)),
            (TaskState::Cancelled, "ready", None, TOLD, Todo::Nothing),
            (TaskState::Waiting, "claimed", Some("ada"), HELD, Todo::Show(Stand::Split)),
            (TaskState::Dead, "claimed", Some("ada"), HELD, Todo::Show(Stand::Failed)),
        ] {
            let end = (state != TaskState::Claimed).then_some(GrantEnd::Released);
            let queue = item(in_files, by);
            let files = InFiles { file: None, queue: Some(&queue) };
            assert_eq!(todo(&known(state, end), &files, &past), want, "{state} {in_files} {by:?} {past:?}");
        }
    }
}

//! The action for one task so that files and store agree, while the lock of the files is held and everything that changed
//! before is known: pure.

use oarlock_model::task::{OutsideEnd, Task as StoreTask, TaskState};

use super::cursor::Past;
use crate::displayed_state::DisplayedState;
use crate::file_view::FileView;
use crate::held;

/// One thing to do about a task.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Todo {
    /// Nothing.
    Nothing,
    /// Somebody took it in the files.
    Take,
    /// Somebody finished it there.
    Finish,
    /// Its item says that it is done, its folder not yet, as between the two steps of an old script: it is looked at again.
    Again,
    /// The files are to show how it is.
    Show(DisplayedState),
}

/// Compares. What the files say against a lease or an end of the store is a conflict, which the next full comparison reports.
pub(crate) fn todo(known: &StoreTask, files: &FileView<'_>, past: &Past) -> Todo {
    let file_state = files.state();
    match known.state {
        TaskState::Ready | TaskState::Blocked | TaskState::Scheduled => match file_state {
            "claimed" if is_of_past(known, files, past) => Todo::Show(DisplayedState::Open),
            "claimed" if past.is_forced && is_given_up(known, files, OutsideEnd::Forced) => Todo::Show(DisplayedState::Open),
            "claimed" if is_given_up(known, files, OutsideEnd::Abandoned) => Todo::Nothing,
            "claimed" => Todo::Take,
            "done" | "cancelled" | "blocked" if past.is_back => Todo::Show(DisplayedState::Open),
            "done" if known.state != TaskState::Blocked => Todo::Finish,
            "ready" if files.item_is_done() => Todo::Again,
            _ => Todo::Nothing,
        },
        TaskState::Claimed => match known.holder() {
            Some(grant) if file_state == "ready" || file_state == "claimed" && !files.shows(grant.agent.as_str()) && past.was_held => {
                Todo::Show(DisplayedState::Claimed(grant.agent.clone(), grant.since.0))
            }
            Some(_) => Todo::Nothing,
            // Anyone who has it outside of the store may have finished it there. Scripts mark the item, and move the folder without the lock.
            None if files.is_finished_there() => Todo::Finish,
            None => Todo::Nothing,
        },
        _ if !past.is_of_store => Todo::Nothing,
        TaskState::Waiting if matches!(file_state, "ready" | "claimed") => Todo::Show(DisplayedState::Split),
        // Where the files themselves say so by the folder, an item that says otherwise is left as it was written. Where the item says so, its folder
        // is the old side's to move, and both would do so at once; where it does not, the full comparison does.
        TaskState::Done if past.is_of_files && files.is_finished_there() => Todo::Nothing,
        // One that is put off was called off for that.
        TaskState::Cancelled if !past.was_held && !matches!(file_state, "ready" | "claimed") => Todo::Nothing,
        state => DisplayedState::of_end(state).filter(|displayed_state| !files.says_end(displayed_state)).map_or(Todo::Nothing, Todo::Show),
    }
}

/// Whether the files show it as taken only because somebody of the store had it.
fn is_of_past(known: &StoreTask, files: &FileView<'_>, past: &Past) -> bool {
    let had_it = |claimer: &str| {
        known.grant.as_ref().is_some_and(|grant| grant.agent.as_str() == claimer)
            || past.holders.iter().any(|holder| holder.as_str() == claimer)
    };
    past.was_held && files.claimer().is_none_or(had_it)
}

/// Whether the files still show somebody whose hold was ended here, by force or after a long silence.
fn is_given_up(known: &StoreTask, files: &FileView<'_>, how: OutsideEnd) -> bool {
    known.outside.as_ref().filter(|hold| hold.end == Some(how)).is_some_and(|hold| {
        let is_since = files.queue.and_then(|item| item.taken_ms).is_some_and(|taken_ms| taken_ms > hold.seen.0);
        !is_since && files.claimer().and_then(held::name) == hold.holder
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Task;
    use std::collections::BTreeSet;

    use oarlock_model::task::{Grant, GrantEnd, OutsideHold, TaskSpec};
    use oarlock_model::{AgentName, SessionId, StoreTime, TaskId, Token, WallTime};

    const fn past(was_held: bool, is_back: bool, is_of_store: bool) -> Past {
        Past { was_held, is_back, is_of_store, is_forced: false, is_of_files: false, holders: BTreeSet::new() }
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
    fn an_item_that_was_taken_and_is_done_counts_before_its_folder_has_moved() {
        let file = Task { id: "T-1".into(), state: "ready", status: Some("pending".into()), ..Task::default() };
        let queue = item("done", Some("run-7"));
        let files = FileView { file: Some(&file), queue: Some(&queue) };
        let mut held = known(TaskState::Claimed, None);
        held.grant = None;
        let theirs = Past { is_of_files: true, ..TOLD };
        for (task, past, want) in [
            (held, NONE, Todo::Finish),
            (known(TaskState::Ready, Some(GrantEnd::Released)), NONE, Todo::Again),
            (known(TaskState::Done, None), TOLD, Todo::Show(DisplayedState::Done)),
            (known(TaskState::Done, None), theirs, Todo::Nothing),
        ] {
            assert_eq!(todo(&task, &files, &past), want, "{} {past:?}", task.state);
        }
    }

    #[test]
    fn what_others_took_stays_theirs_and_what_the_store_had_is_taken_back() {
        let mine = Todo::Show(DisplayedState::Claimed(AgentName::parse("ada").expect("valid"), 5));
        let open = || Todo::Show(DisplayedState::Open);
        for (state, file_state, by, past, want) in [
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
            (TaskState::Done, "claimed", Some("ada"), HELD, Todo::Show(DisplayedState::Done)),
            (TaskState::Done, "ready", None, NONE, Todo::Nothing),
            (TaskState::Done, "ready", None, TOLD, Todo::Show(DisplayedState::Done)),
            (TaskState::Review, "claimed", Some("ada"), HELD, Todo::Nothing),
            (TaskState::Cancelled, "claimed", Some("ada"), HELD, Todo::Show(DisplayedState::Cancelled)),
            (TaskState::Cancelled, "ready", None, TOLD, Todo::Show(DisplayedState::Cancelled)),
            (TaskState::Cancelled, "claimed", Some("run-7"), TOLD, Todo::Show(DisplayedState::Cancelled)),
            (TaskState::Cancelled, "blocked", None, TOLD, Todo::Nothing),
            (TaskState::Cancelled, "ready", None, NONE, Todo::Nothing),
            (TaskState::Waiting, "claimed", Some("ada"), HELD, Todo::Show(DisplayedState::Split)),
            (TaskState::Dead, "claimed", Some("ada"), HELD, Todo::Show(DisplayedState::Failed)),
        ] {
            let end = (state != TaskState::Claimed).then_some(GrantEnd::Released);
            let queue = item(file_state, by);
            let files = FileView { file: None, queue: Some(&queue) };
            assert_eq!(todo(&known(state, end), &files, &past), want, "{state} {file_state} {by:?} {past:?}");
        }
    }

    #[test]
    fn a_hold_that_was_ended_here_is_taken_back_once_and_what_is_taken_after_that_stays() {
        let (then, later) = (Some(1_000), Some(2_000));
        for (end, is_forced, taken_ms, by, want) in [
            (OutsideEnd::Forced, true, then, "run-7", Todo::Show(DisplayedState::Open)),
            (OutsideEnd::Forced, true, later, "run-7", Todo::Take),
            (OutsideEnd::Forced, true, then, "run-8", Todo::Take),
            (OutsideEnd::Forced, false, None, "run-7", Todo::Take),
            (OutsideEnd::Abandoned, false, then, "run-7", Todo::Nothing),
            (OutsideEnd::Abandoned, false, later, "run-7", Todo::Take),
            (OutsideEnd::Free, false, None, "run-7", Todo::Take),
        ] {
            let mut task = known(TaskState::Ready, None);
            let source = oarlock_model::Label::parse("ralf").expect("a word");
            (task.grant, task.outside) = (
                None,
                Some(OutsideHold { holder: Some("run-7".into()), since: WallTime(1), seen: WallTime(1_500), source, end: Some(end) }),
            );
            let queue = Task { taken_ms, ..item("claimed", Some(by)) };
            let files = FileView { file: None, queue: Some(&queue) };
            let past = Past { is_forced, is_of_store: true, ..Past::default() };
            assert_eq!(todo(&task, &files, &past), want, "{end:?} {is_forced} {taken_ms:?} {by}");
        }
    }

    #[test]
    fn an_item_beside_a_file_that_the_files_finished_is_left() {
        let (queue, file) = (item("ready", None), Task { folder: Some(crate::task_file::Folder::Completed), ..item("done", None) });
        let files = FileView { file: Some(&file), queue: Some(&queue) };
        let done = known(TaskState::Done, Some(GrantEnd::Done));
        assert_eq!(todo(&done, &files, &TOLD), Todo::Show(DisplayedState::Done), "the store says so, and the item lacks it");
        assert_eq!(todo(&done, &files, &Past { is_of_files: true, ..TOLD }), Todo::Nothing);
    }
}

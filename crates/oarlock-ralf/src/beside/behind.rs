//! The events of the store since the files were last caught up with, by task.

use std::collections::BTreeMap;

use oarlock_model::event::Fact;
use oarlock_model::task::OutsideEnd;
use oarlock_model::{TaskId, limits};
use oarlock_ops::store::{EventFilter, StoreResult, TaskFilter, View};

use super::cursor::Past;
use crate::reconcile::PROGRAM;

/// The events after which a task may have been shown as taken: it was granted, or the grant ended.
const HELD: [&str; 10] = [
    "task_intended",
    "intent_dropped",
    "task_claimed",
    "task_released",
    "task_failed",
    "task_submitted",
    "task_rejected",
    "task_split",
    "task_died",
    "lease_lost",
];
/// The other events that the files show.
const SHOWN: [&str; 7] = ["task_done", "task_approved", "task_cancelled", "task_taken_outside", "task_left_outside", READIED, BACK];
/// Its parts are done, where it has any: until then it was shown as in progress.
const READIED: &str = "task_readied";
/// The task was brought back.
const BACK: &str = "task_requeued";

/// All tasks of the store, of none of which is known how far the files have it.
pub(super) fn all_tasks(view: &dyn View) -> StoreResult<BTreeMap<TaskId, Past>> {
    let filter = TaskFilter { limit: usize::MAX, bytes_max: usize::MAX, ..TaskFilter::default() };
    let past = || Past { is_of_store: true, ..Past::default() };
    Ok(view.tasks(&filter)?.into_iter().map(|task| (task.id, past())).collect())
}

/// The changes of tasks since the event with this number.
pub(super) fn events_since(view: &dyn View, seq: u64, behind: &mut BTreeMap<TaskId, Past>) -> StoreResult<()> {
    let kinds = HELD.iter().chain(&SHOWN).map(|kind| (*kind).to_owned()).collect();
    let mut filter =
        EventFilter { after_seq: seq, kinds, limit: limits::LIST_ITEMS_MAX, bytes_max: limits::PAGE_BYTES_MAX, ..EventFilter::default() };
    loop {
        let page = view.events(&filter)?;
        let Some(last) = page.last() else { return Ok(()) };
        filter.after_seq = last.seq;
        for event in &page {
            let Some(id) = event.fact.task().cloned() else { continue };
            let holder = match &event.fact {
                Fact::LeaseLost(lost) => Some(&lost.holder),
                _ => event.agent.as_ref(),
            };
            // Who is here for the files shows nothing in them.
            let is_whole = event.fact.kind() == READIED && !view.children(&id)?.is_empty();
            if !is_whole
                && holder
                    .map(|holder| view.agent(holder))
                    .transpose()?
                    .flatten()
                    .is_some_and(|agent| agent.program.as_deref() == Some(PROGRAM))
            {
                continue;
            }
            let past = behind.entry(id).or_default();
            past.is_of_store = true;
            past.was_held |= is_whole || HELD.contains(&event.fact.kind());
            past.holders.extend(holder.cloned());
            past.is_back |= event.fact.kind() == BACK;
            match &event.fact {
                // The last of them counts: anyone who has taken it again has it.
                Fact::TaskTakenOutside(_) => past.is_forced = false,
                Fact::TaskLeftOutside(left) => past.is_forced = left.reason == OutsideEnd::Forced,
                Fact::TaskDone(done) => past.is_of_files = done.token.is_none() && event.agent.is_none(),
                _ => {}
            }
        }
    }
}

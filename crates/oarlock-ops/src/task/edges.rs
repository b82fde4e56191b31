//! Whether new needs would close a cycle. Near tasks are looked at inside of the write lock, and if there are more, all of them
//! outside of it.

use oarlock_model::rules::graph::{self, Way};
use oarlock_model::task::TaskState;
use oarlock_model::{Rejection, TaskId, limits, seeded};
use std::collections::BTreeSet;

use crate::OpError;
use crate::context::Deciding;
use crate::search::edges::Edges;
use crate::search::{Asked, Found};
use crate::store::EventFilter;

/// Whether a search found that these edges close no cycle, and nothing has happened since that could.
fn are_known_to_be_safe(cx: &mut Deciding<'_>, edges: &Edges) -> Result<bool, OpError> {
    let Some(Found::NoWay(found, seq)) = cx.take_found() else { return Ok(false) };
    if found != *edges {
        return Ok(false);
    }
    if seeded::is(seeded::CYCLES_BELIEVED_ABSENT) {
        return Ok(true);
    }
    let max = limits::WAIT_EVENTS_MAX;
    let (after_seq, before_seq) = (seq, Some(cx.first_seq()));
    let filter = EventFilter { after_seq, before_seq, limit: max, bytes_max: limits::PAGE_BYTES_MAX, ..EventFilter::default() };
    let since = cx.view().events(&filter)?;
    let is_all = since.last().map_or(seq, |last| last.seq) + 1 == cx.first_seq();
    Ok(is_all && !since.iter().any(|event| graph::adds_edges(&event.fact)))
}

/// Refuses edges `id -> on` that would close a cycle. A task is finished after what it needs, after what the tasks above it need, and after
/// its parts: all these edges count, but those to tasks that are done. `new_parent` waits for the task since this call.
pub(crate) fn refuse_cycle(cx: &mut Deciding<'_>, id: &TaskId, on: &BTreeSet<TaskId>, new_parent: Option<&TaskId>) -> Result<(), OpError> {
    let mut open_needs = BTreeSet::new();
    for need in on {
        if cx.view().task_state(need)? != Some(TaskState::Done) {
            open_needs.insert(need.clone());
        }
    }
    if open_needs.is_empty() {
        return Ok(());
    }
    let mut inside: BTreeSet<TaskId> = cx.view().open_tree(id)?.into_iter().collect();
    inside.extend(new_parent.cloned());
    if !is_awaited(cx, id, &inside, &open_needs)? {
        return Ok(());
    }
    let edges = Edges { task: id.clone(), inside, on: open_needs };
    if are_known_to_be_safe(cx, &edges)? {
        return Ok(());
    }
    // Where others change the graph all the time, it is decided inside of the lock in the end.
    let is_last = cx.searches() >= limits::GRAPH_SEARCHES_MAX;
    match edges.way(cx.view(), if is_last { limits::GRAPH_VISITS_MAX } else { limits::GRAPH_READ_MAX })? {
        Way::None => Ok(()),
        Way::Back(cycle) => Err(Rejection::Cycle { cycle }.into()),
        Way::TooFar if is_last => Err(graph::too_far().into()),
        Way::TooFar => Err(cx.search_first(Asked::Way(edges))),
    }
}

/// Tasks of which each is asked whether somebody waits for it.
const ASKED_SINGLY_MAX: usize = 16;

/// Whether anybody may wait for one of these tasks. If not, no way leads back to them, however much lies behind the new needs.
fn is_awaited(cx: &Deciding<'_>, id: &TaskId, inside: &BTreeSet<TaskId>, needs: &BTreeSet<TaskId>) -> Result<bool, OpError> {
    let has_parent = cx.view().node(id)?.is_some_and(|node| node.parent.is_some());
    if has_parent || inside.len() > ASKED_SINGLY_MAX || needs.iter().any(|need| inside.contains(need)) {
        return Ok(true);
    }
    for part in inside {
        if !cx.view().dependants(part)?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

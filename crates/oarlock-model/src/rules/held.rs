//! What others may do to a task that a session holds: the one rule behind `add --parent`, `split`, `depend`,
//! `update --needs` and `requeue` of a dropped part. What may be cancelled is in `authority`.

use crate::Rejection;
use crate::agent::Agent;
use crate::ident::SessionId;
use crate::planted;
use crate::rules::fence::holder_facts;
use crate::task::Task;
use crate::time::Now;

/// A change of a task that its holder does not expect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It gets parts. Its holder could not finish it any more.
    Parts,
    /// It gets needs that are not done. Its holder goes on, and hears of it.
    Needs,
}

/// Whether `by` (absent: a caller without a session) may change the task; with the session to inform, if there is one. An expired
/// lease counts until the task is granted again.
///
/// # Errors
/// `lease_held`: a task that another session holds gets parts only from its holder.
pub fn check_change<'t>(
    task: &'t Task,
    change: Change,
    by: Option<&SessionId>,
    holder: Option<&Agent>,
    now: Now,
) -> Result<Option<&'t SessionId>, Rejection> {
    let Some(grant) = task.holder().filter(|grant| by != Some(&grant.session)) else { return Ok(None) };
    match change {
        Change::Parts if !planted::is(planted::PARTS_FROM_ANYBODY) => {
            Err(Rejection::LeaseHeld { task: task.id.clone(), holder: holder_facts(grant, holder, now) })
        }
        Change::Needs if planted::is(planted::NEEDS_WITHOUT_NOTICE) => Ok(None),
        Change::Parts | Change::Needs => Ok(Some(&grant.session)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::{AgentName, TaskId, Token};
    use crate::identity::StoreIdentity;
    use crate::task::{Grant, TaskSpec, TaskState};
    use crate::time::{StoreTime, WallTime};

    #[test]
    fn a_held_task_gets_parts_from_its_holder_and_needs_with_a_notice() {
        let now = Now { store: StoreTime(0), wall: WallTime(0) };
        let (ada, bob) = (AgentName::parse("ada").expect("valid"), AgentName::parse("bob").expect("valid"));
        let store = StoreIdentity::default();
        let (mine, other) = (SessionId::of(&ada, &store, 1), SessionId::of(&bob, &store, 2));
        let mut task = Task::new(TaskId::parse("T-1").expect("valid"), TaskSpec::new("t"), WallTime(0));
        for by in [None, Some(&mine), Some(&other)] {
            assert_eq!(check_change(&task, Change::Parts, by, None, now), Ok(None), "nobody holds it");
        }
        let (since, renewed) = (WallTime(0), StoreTime(0));
        task.grant =
            Some(Grant { token: Token(7), agent: ada, session: mine.clone(), since, renewed, ttl_ms: 500, reserve: false, end: None });
        task.state = TaskState::Claimed;
        for (change, by, outcome) in [
            (Change::Parts, Some(&mine), Ok(None)),
            (Change::Parts, Some(&other), Err("lease_held")),
            (Change::Parts, None, Err("lease_held")),
            (Change::Needs, Some(&mine), Ok(None)),
            (Change::Needs, Some(&other), Ok(Some(&mine))),
            (Change::Needs, None, Ok(Some(&mine))),
        ] {
            let checked = check_change(&task, change, by, None, now).map_err(|no| no.code());
            assert_eq!(checked, outcome, "{change:?} by {by:?}");
        }
    }
}

//! Permission to change a task: the one rule behind `add --parent`, `split`, `depend`, `update`, `cancel`, and the return of a
//! dropped part. A task that a session holds gets parts only from its holder. An agent's key changes only the agent's own tasks:
//! those that it holds or made, and their parts.

use crate::Rejection;
use crate::agent::Agent;
use crate::ident::{AgentName, SessionId};
use crate::rules::authority::{Authority, speaks_for};
use crate::rules::fence::holder_facts;
use crate::rules::outside;
use crate::seeded;
use crate::task::Task;
use crate::time::Now;

/// The change to the task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It gets parts. Its holder could not finish it any more.
    Parts,
    /// It gets needs. Its holder goes on, and hears of those that are not done.
    Needs,
    /// It loses needs, or other fields of it change. Its holder goes on.
    Fields,
    /// It is called off. Its holder hears of it.
    Cancel,
}

/// Who asks for the change.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    /// Its rights on the work of others.
    pub authority: Authority,
    /// Its name, where it gives one.
    pub name: Option<&'a AgentName>,
    /// Its session, where it has one.
    pub session: Option<&'a SessionId>,
}

/// Whether `by` may change the task; with the session to inform, if there is one. `above` has the tasks that it is a part of, the
/// nearest first; nothing is read of them for an operator. An expired lease counts until the task is granted again.
///
/// # Errors
/// `lease_held`, before anything else: the task gets parts, and another session or somebody outside of the store holds it. `denied`: the task is
/// not the agent's own.
pub fn check_change<'t>(
    task: &'t Task,
    above: &[Task],
    change: Change,
    by: By<'_>,
    holder: Option<&Agent>,
    now: Now,
) -> Result<Option<&'t SessionId>, Rejection> {
    let others = task.holder().filter(|grant| by.session != Some(&grant.session));
    if let (Change::Parts, Some(grant)) = (change, others)
        && !seeded::is(seeded::PARTS_FROM_ANYBODY)
    {
        return Err(Rejection::LeaseHeld { task: task.id.clone(), holder: holder_facts(grant, holder, now) });
    }
    if change == Change::Parts {
        outside::check_free(task, now)?;
    }
    if by.authority == Authority::Agent && !may_agent(task, above, change, by.name) && !seeded::is(seeded::AGENT_CHANGES_OTHERS) {
        return Err(denied(task, change));
    }
    Ok(if change == Change::Needs { to_inform(task, by.session) } else { None })
}

/// The session that hears of a new need of the task: its holder's, if that is another.
pub fn to_inform<'t>(task: &'t Task, by: Option<&SessionId>) -> Option<&'t SessionId> {
    let others = task.holder().filter(|grant| by != Some(&grant.session));
    others.map(|grant| &grant.session).filter(|_| !seeded::is(seeded::NEEDS_WITHOUT_NOTICE))
}

/// Whether a task is the agent's own: it, or a helper of it, holds or made it.
fn is_own(task: &Task, me: &AgentName) -> bool {
    let mine = |name: &AgentName| speaks_for(me, name);
    task.holder().is_some_and(|grant| mine(&grant.agent)) || task.created_by.as_ref().is_some_and(mine)
}

fn may_agent(task: &Task, above: &[Task], change: Change, me: Option<&AgentName>) -> bool {
    let Some(me) = me else { return false };
    // Work that another agent has begun is not called off, no matter who made the task.
    let is_begun_by_another = task.outside_holder().is_some() || task.holder().is_some_and(|grant| !speaks_for(me, &grant.agent));
    if change == Change::Cancel && is_begun_by_another {
        return false;
    }
    std::iter::once(task).chain(above).any(|task| is_own(task, me))
}

fn denied(task: &Task, change: Change) -> Rejection {
    let id = &task.id;
    let holder = task.holder().map(|grant| &grant.agent);
    let whose = holder.map_or_else(|| "is not yours".to_owned(), |holder| format!("is held by {holder}"));
    let what = match change {
        Change::Parts => "splitting it or adding parts to it",
        Change::Needs | Change::Fields => "changing it",
        Change::Cancel => "cancelling it",
    };
    let hint = match holder {
        Some(_) => "send its holder a message, or ask a person; `note` writes into its history",
        None => "claim it first, or ask a person; `note` writes into its history",
    };
    Rejection::Denied { message: format!("{id} {whose}: {what} needs the access of an operator"), hint }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::{TaskId, Token};
    use crate::identity::StoreIdentity;
    use crate::task::{Grant, TaskSpec, TaskState};
    use crate::time::{StoreTime, WallTime};

    const NOW: Now = Now { store: StoreTime(0), wall: WallTime(0) };

    fn name(text: &str) -> AgentName {
        AgentName::parse(text).expect("valid")
    }

    fn session(agent: &str) -> SessionId {
        SessionId::of(&name(agent), &StoreIdentity::default(), 1)
    }

    fn task(made_by: Option<&str>, held_by: Option<&str>) -> Task {
        let mut task = Task::new(TaskId::parse("T-1").expect("valid"), TaskSpec::new("t"), WallTime(0));
        task.created_by = made_by.map(name);
        if let Some(agent) = held_by {
            let (since, renewed) = (WallTime(0), StoreTime(0));
            let (agent, session) = (name(agent), session(agent));
            task.grant =
                Some(Grant { token: Token(7), agent, session, since, renewed, ttl_ms: 500, reserve: false, intended: false, end: None });
            task.state = TaskState::Claimed;
        }
        task
    }

    /// The outcome of a change: the agent to inform, `-`, or the code of the refusal.
    fn outcome(task: &Task, above: &[Task], change: Change, authority: Authority, by: Option<&str>) -> String {
        let (name, session) = (by.map(name), by.map(session));
        let by = By { authority, name: name.as_ref(), session: session.as_ref() };
        match check_change(task, above, change, by, None, NOW) {
            Ok(informed) => informed.and_then(SessionId::agent).map_or_else(|| "-".into(), |agent| agent.to_string()),
            Err(no) => no.code().to_string(),
        }
    }

    #[test]
    fn a_held_task_gets_parts_from_its_holder_and_needs_with_a_notice() {
        let held = task(None, Some("ada"));
        for by in [None, Some("ada"), Some("bob")] {
            assert_eq!(outcome(&task(None, None), &[], Change::Parts, Authority::Operator, by), "-", "nobody holds it");
        }
        for (change, by, expected) in [
            (Change::Parts, Some("ada"), "-"),
            (Change::Parts, Some("bob"), "lease_held"),
            (Change::Parts, None, "lease_held"),
            (Change::Needs, Some("ada"), "-"),
            (Change::Needs, Some("bob"), "ada"),
            (Change::Needs, None, "ada"),
            (Change::Fields, Some("bob"), "-"),
            (Change::Cancel, None, "-"),
        ] {
            assert_eq!(outcome(&held, &[], change, Authority::Operator, by), expected, "{change:?} by {by:?}");
        }
    }

    #[test]
    fn an_agents_key_changes_what_it_holds_or_made_and_the_parts_of_that() {
        use Change::{Cancel, Fields, Needs, Parts};
        let free = |made_by| task(made_by, None);
        for (what, task, above, changes, by, expected) in [
            ("held by it", task(None, Some("ada")), vec![], &[Parts, Needs, Fields, Cancel][..], "ada", "-"),
            ("made by it", free(Some("ada")), vec![], &[Parts, Needs, Fields, Cancel], "ada", "-"),
            ("made by its helper", free(Some("ada.tests")), vec![], &[Parts, Needs, Fields, Cancel], "ada", "-"),
            ("made by its parent", free(Some("ada")), vec![], &[Parts, Needs, Fields, Cancel], "ada.tests", "denied"),
            (
                "a part of a part of what it holds",
                free(None),
                vec![free(None), task(None, Some("ada"))],
                &[Parts, Needs, Fields, Cancel],
                "ada",
                "-",
            ),
            ("a part of what it made", free(Some("bob")), vec![free(Some("ada"))], &[Parts, Needs, Fields, Cancel], "ada", "-"),
            ("made by a person", free(None), vec![free(None)], &[Parts, Needs, Fields, Cancel], "ada", "denied"),
            ("made by another", free(Some("adam")), vec![], &[Parts, Needs, Fields, Cancel], "ada", "denied"),
            ("held by another", task(None, Some("bob")), vec![], &[Needs, Fields, Cancel], "ada", "denied"),
            ("held by another, and it gets parts", task(Some("ada"), Some("bob")), vec![], &[Parts], "ada", "lease_held"),
            ("made by it and held by another", task(Some("ada"), Some("bob")), vec![], &[Needs], "ada", "bob"),
            ("the same with another field", task(Some("ada"), Some("bob")), vec![], &[Fields], "ada", "-"),
            ("the same called off", task(Some("ada"), Some("bob")), vec![free(Some("ada"))], &[Cancel], "ada", "denied"),
        ] {
            for change in changes {
                assert_eq!(outcome(&task, &above, *change, Authority::Agent, Some(by)), expected, "{what}: {change:?} by {by}");
            }
        }
        assert_eq!(outcome(&free(None), &[], Fields, Authority::Agent, None), "denied", "a key without a name owns nothing");
    }
}

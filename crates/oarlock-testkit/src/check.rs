//! Checkers: what must hold at any moment of any store, whatever happened before. Each quotes the number
//! of the semantics that it watches over. They know the nouns, not the operations.

use std::collections::{BTreeMap, BTreeSet};

use oarlock_model::event::{Event, Fact};
use oarlock_model::reservation::{Mode, Reservation};
use oarlock_model::rules::derived::{self, Facts};
use oarlock_model::rules::graph::{self, Way};
use oarlock_model::rules::liveness;
use oarlock_model::rules::reserve::targets_overlap;
use oarlock_model::state::State;
use oarlock_model::task::{Task, TaskState};
use oarlock_model::{Now, Rejection, SessionId, TaskId};

/// The faults of a state, in words; empty when there are none.
pub fn faults(state: &State, now: Now) -> Vec<String> {
    let mut faults = Vec::new();
    for task in state.tasks.values() {
        faults.extend(one_holder(state, task));
        faults.extend(has_its_moment(task));
    }
    faults.extend(follows_from_the_graph(state));
    faults.extend(no_cycles(state));
    faults.extend(reservations_have_one_holder(state, now));
    faults.extend(leftovers(state));
    faults
}

/// The faults of a log, in words; empty when there are none.
pub fn log_faults(log: &[Event]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut last = 0;
    let mut done: BTreeSet<&TaskId> = BTreeSet::new();
    let mut intents = BTreeMap::new();
    for event in log {
        // Semantics 2 and 17: numbers rise, and a token is the number of its grant.
        if event.seq <= last {
            faults.push(format!("(17) event {} comes after {last}", event.seq));
        }
        last = event.seq;
        match &event.fact {
            Fact::TaskIntended(fact) => drop(intents.insert(&fact.id, fact.token)),
            Fact::TaskClaimed(fact) if fact.token.0 != event.seq && intents.remove(&fact.id) != Some(fact.token) => {
                faults.push(format!("(2) event {} grants token {}", event.seq, fact.token));
            }
            // Semantics 10: one completion, one event. A done task stays done.
            Fact::TaskDone(fact) if !done.insert(&fact.id) => faults.push(format!("(10) task {} is done twice", fact.id)),
            _ => {}
        }
    }
    faults
}

/// Semantics 1: who is claimed has one holder, a live session; who is not has none.
fn one_holder(state: &State, task: &Task) -> Option<String> {
    let Task { id, grant, .. } = task;
    let running = grant.as_ref().filter(|grant| grant.end.is_none());
    if task.outside_holder().is_some() {
        return running.map(|grant| format!("(1) task {id} is held outside and grant {} is not over", grant.token));
    }
    match (task.state, running) {
        (TaskState::Claimed, None) => Some(format!("(1) task {id} is claimed and its grant is over")),
        (TaskState::Claimed, Some(grant)) => {
            let holder = state.agents.get(&grant.agent).filter(|agent| agent.is_live() && agent.session == grant.session);
            holder.is_none().then(|| format!("(7) task {id} is held by {}, which is over", grant.session))
        }
        (other, Some(grant)) => Some(format!("(1) task {id} is {other} and grant {} is not over", grant.token)),
        (_, None) => None,
    }
}

/// Semantics 12: an unfinished task is where it is for a reason that still holds: what follows from needs, parts and the tasks above.
/// Semantics 13: its priority is what follows from its own, its parent's, and those of tasks that wait for it.
fn follows_from_the_graph(state: &State) -> Vec<String> {
    let facts = state.tasks.iter().map(|(id, task)| (id.clone(), Facts::from(task))).collect();
    derived::faults(&facts).into_iter().map(|fault| format!("(12) {fault}")).collect()
}

/// Semantics 12: what can be claimed, now or later, has a moment from which that is so.
fn has_its_moment(task: &Task) -> Option<String> {
    let lacks = match task.state {
        TaskState::Ready => task.ready_at.is_none(),
        TaskState::Scheduled => task.retry_at.is_none() && task.spec.not_before.is_none(),
        _ => false,
    };
    lacks.then(|| format!("(12) task {} is {} and nothing says since or until when", task.id, task.state))
}

/// Semantics 12: a cycle among needs and parts would wait for itself.
fn no_cycles(state: &State) -> Option<String> {
    state.tasks.values().filter(|task| task.state != TaskState::Done).find_map(|task| {
        let on = before(state, &task.id).into_iter().collect();
        let cycle = graph::cycle::<Rejection>(&task.id, &BTreeSet::from([task.id.clone()]), &on, usize::MAX, |id| Ok(before(state, id)));
        match cycle {
            Ok(Way::Back(cycle)) => Some(format!("(12) {cycle:?} wait for each other")),
            _ => None,
        }
    })
}

/// The unfinished work before a task: its needs, those of the tasks above it, and its parts.
fn before(state: &State, id: &TaskId) -> Vec<TaskId> {
    let is_open = |id: &&TaskId| state.tasks.get(*id).is_some_and(|task| task.state != TaskState::Done);
    let above = std::iter::successors(state.tasks.get(id), |task| task.spec.parent.as_ref().and_then(|parent| state.tasks.get(parent)));
    let needs = above.flat_map(|task| &task.needs);
    let parts = state.tasks.values().filter(|part| part.spec.parent.as_ref() == Some(id) && !part.dropped).map(|part| &part.id);
    needs.chain(parts).filter(is_open).cloned().collect()
}

/// Semantics 14: no path is held exclusively by one session and at all by another.
fn reservations_have_one_holder(state: &State, now: Now) -> Option<String> {
    let holding: Vec<&Reservation> = state.reservations.values().filter(|reservation| holds(state, reservation, now)).collect();
    holding.iter().enumerate().find_map(|(n, a)| {
        let other = holding[n + 1..].iter().find(|b| {
            let exclusive = a.mode == Mode::Exclusive || b.mode == Mode::Exclusive;
            a.session != b.session && exclusive && targets_overlap(&a.target, &b.target)
        });
        other.map(|b| format!("(14) {} of {} and {} of {} overlap", a.target, a.session, b.target, b.session))
    })
}

/// Whether a reservation's time has not run out: its own, or that of the lease it is tied to.
fn holds(state: &State, reservation: &Reservation, now: Now) -> bool {
    let holder = state.agents.get(&reservation.agent);
    let Some(task) = &reservation.task else {
        let beat = liveness::beat_for_reservation(reservation, holder);
        return liveness::reservation_ends_at(reservation, beat) > now.store;
    };
    let grant = state.tasks.get(task).and_then(Task::holder).filter(|grant| grant.session == reservation.session);
    grant.is_some_and(|grant| liveness::grant_ttl_ms(grant, holder, now) > 0)
}

/// Nothing is kept for sessions that are over, and no reservation outlives the lease it is tied to.
fn leftovers(state: &State) -> Vec<String> {
    let live: BTreeSet<&SessionId> = state.agents.values().filter(|agent| agent.is_live()).map(|agent| &agent.session).collect();
    let mut faults: Vec<String> = Vec::new();
    for reservation in state.reservations.values() {
        if !live.contains(&reservation.session) {
            faults.push(format!("(7) reservation {} belongs to {}, which is over", reservation.id, reservation.session));
        }
        let Some(task) = &reservation.task else { continue };
        if state.tasks.get(task).and_then(Task::holder).is_none_or(|grant| grant.session != reservation.session) {
            faults.push(format!("(13) reservation {} is tied to a lease of {task} that is over", reservation.id));
        }
    }
    for notice in state.notices.iter().filter(|notice| !live.contains(&notice.session)) {
        faults.push(format!("(9) a notice waits for {}, which is over: {:?}", notice.session, notice.kind));
    }
    faults
}

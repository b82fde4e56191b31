//! Checkers: what must hold at any moment of any store, whatever happened before. Each quotes the number
//! of the semantics that it watches over. They know the nouns, not the operations.

use std::collections::BTreeSet;

use oarlock_model::event::{Event, Fact};
use oarlock_model::reservation::{Mode, Reservation};
use oarlock_model::rules::graph;
use oarlock_model::rules::liveness;
use oarlock_model::rules::reserve::targets_overlap;
use oarlock_model::state::State;
use oarlock_model::task::{Task, TaskState};
use oarlock_model::{Now, Rejection, SessionId, TaskId};

/// What is wrong with a state, in words; empty when nothing is.
pub fn faults(state: &State, now: Now) -> Vec<String> {
    let mut faults = Vec::new();
    for task in state.tasks.values() {
        faults.extend(one_holder(state, task));
        faults.extend(nothing_is_lost(state, task));
    }
    faults.extend(no_cycles(state));
    faults.extend(reservations_have_one_holder(state, now));
    faults.extend(leftovers(state));
    faults
}

/// What is wrong with a log, in words; empty when nothing is.
pub fn log_faults(log: &[Event]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut last = 0;
    let mut done: BTreeSet<&TaskId> = BTreeSet::new();
    for event in log {
        // Semantics 2 and 17: numbers rise, and a token is the number of its grant.
        if event.seq <= last {
            faults.push(format!("(17) event {} comes after {last}", event.seq));
        }
        last = event.seq;
        match &event.fact {
            Fact::TaskClaimed(fact) if fact.token.0 != event.seq => {
                faults.push(format!("(2) event {} grants token {}", event.seq, fact.token))
            }
            // Semantics 10: one completion, one event. What is done is done for ever.
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

/// Semantics 12: an unfinished task is where it is for a reason that still holds.
fn nothing_is_lost(state: &State, task: &Task) -> Option<String> {
    let id = &task.id;
    let is_done = |id: &TaskId| state.tasks.get(id).is_some_and(|task| task.state == TaskState::Done);
    let unmet = task.needs.iter().any(|need| !is_done(need));
    let open_children = state.tasks.values().any(|child| child.spec.parent.as_ref() == Some(id) && child.state != TaskState::Done);
    let wrong = match task.state {
        TaskState::Ready => unmet || open_children || task.ready_at.is_none(),
        TaskState::Blocked => !unmet,
        TaskState::Waiting => !open_children,
        TaskState::Scheduled => task.retry_at.is_none() && task.spec.not_before.is_none(),
        TaskState::Claimed | TaskState::Review | TaskState::Done | TaskState::Dead | TaskState::Cancelled => false,
    };
    wrong
        .then(|| format!("(12) task {id} is {}: unmet needs {unmet}, open children {open_children}, retry {:?}", task.state, task.retry_at))
}

/// Semantics 12: a cycle among needs and parts would wait for itself.
fn no_cycles(state: &State) -> Option<String> {
    state.tasks.values().find_map(|task| {
        let on = before(state, &task.id).into_iter().collect();
        let cycle = graph::cycle::<Rejection>(&task.id, &on, |id| Ok(before(state, id)));
        cycle.ok().flatten().map(|cycle| format!("(12) {cycle:?} wait for each other"))
    })
}

/// What must be finished before a task: what it needs, and its parts.
fn before(state: &State, id: &TaskId) -> Vec<TaskId> {
    let needs = state.tasks.get(id).into_iter().flat_map(|task| task.needs.iter().cloned());
    let parts = state.tasks.values().filter(|part| part.spec.parent.as_ref() == Some(id)).map(|part| part.id.clone());
    needs.chain(parts).collect()
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
    grant.is_some_and(|grant| liveness::lease_ttl_ms(grant, liveness::beat_for(grant, holder), now) > 0)
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
        faults.push(format!("(9) a notice waits for {}, which is over: {:?}", notice.session, notice.news));
    }
    faults
}

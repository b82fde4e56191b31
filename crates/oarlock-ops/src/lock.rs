//! The locks that an operation takes before it reads. SQLite has one writer, which makes this trivial; a store
//! with many writers takes these locks in the order of [`Lock`], which is the same for everyone.

use oarlock_model::event::{Fact, Needs, Noun};
use oarlock_model::{AgentName, StateKey, TaskId};

/// Something an operation locks. The derived order is the order of locking.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lock {
    /// The whole store.
    Everything,
    /// An agent and its session.
    Agent(AgentName),
    /// The roster: names that do not exist yet.
    Roster,
    /// The graph of parents and dependencies.
    Graph,
    /// A task, and what its end can change: its dependants and its parents.
    Task(TaskId),
    /// Whatever tasks the operation picks from the ready queue, skipping those that others have locked.
    Queue,
    /// The set of reservations.
    Reservations,
    /// A state entry.
    Entry(StateKey),
    /// Messages.
    Messages,
    /// Proposals.
    Proposals,
}

/// Whether somebody who holds `locks` may append `fact`. Used by tests and debug builds to keep the
/// declarations true.
pub fn covers(locks: &[Lock], fact: &Fact) -> bool {
    let has = |wanted: &dyn Fn(&Lock) -> bool| locks.iter().any(|lock| *lock == Lock::Everything || wanted(lock));
    let is_of_noun = |lock: &Lock| match (lock, fact.about()) {
        (Lock::Agent(name), Noun::Agent(own)) => name == own,
        (Lock::Task(id), Noun::Task(own)) => id == own,
        (Lock::Entry(key), Noun::Entry(own)) => key == own,
        _ => false,
    };
    match fact.needs() {
        Needs::Nothing => true,
        Needs::Agent => has(&|lock| *lock == Lock::Roster || is_of_noun(lock)),
        Needs::Graph => has(&|lock| *lock == Lock::Graph),
        Needs::Choice => has(&|lock| *lock == Lock::Queue || is_of_noun(lock)),
        Needs::SomeTask => has(&|lock| matches!(lock, Lock::Task(_) | Lock::Agent(_) | Lock::Graph | Lock::Roster)),
        Needs::Reservations => has(&|lock| *lock == Lock::Reservations),
        Needs::Entry => has(&is_of_noun),
        Needs::Messages => has(&|lock| *lock == Lock::Messages),
        Needs::Proposals => has(&|lock| *lock == Lock::Proposals),
        Needs::Everything => has(&|_| false),
    }
}

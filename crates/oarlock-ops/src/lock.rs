//! What an operation locks before it reads. SQLite has one writer, which makes this trivial; a store
//! with many writers takes these locks in the order of [`Lock`], which is the same for everyone.

use oarlock_model::event::{Fact, SpecChange};
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
}

/// Whether somebody who holds `locks` may append `fact`. Used by tests and debug builds to keep the
/// declarations true.
pub fn covers(locks: &[Lock], fact: &Fact) -> bool {
    let has = |wanted: &dyn Fn(&Lock) -> bool| locks.iter().any(|lock| *lock == Lock::Everything || wanted(lock));
    match fact {
        Fact::AgentJoined(f) => has(&|l| *l == Lock::Roster || *l == Lock::Agent(f.name.clone())),
        Fact::AgentLeft(f) => has(&|l| *l == Lock::Roster || *l == Lock::Agent(f.name.clone())),
        // A death is settled by whoever finds it, before its own work.
        Fact::AgentLost(_) | Fact::LeaseLost(_) | Fact::IntentDropped(_) | Fact::TaskDied(_) | Fact::TaskReadied(_) => true,
        Fact::ReservationEnded(_) => true,
        // What follows for a task from others reaches any task.
        Fact::TaskUpdated(f) if f.change == SpecChange::default() => true,
        Fact::TaskAdded(_) | Fact::TaskSplit(_) | Fact::DependencyAdded(_) | Fact::DependencyRemoved(_) => has(&|l| *l == Lock::Graph),
        Fact::TaskClaimed(f) => has(&|l| *l == Lock::Queue || *l == Lock::Task(f.id.clone())),
        Fact::TaskIntended(f) => has(&|l| *l == Lock::Queue || *l == Lock::Task(f.id.clone())),
        Fact::TaskUpdated(_)
        | Fact::TaskNoted(_)
        | Fact::RalfEvent(_)
        | Fact::RalfConflict(_)
        | Fact::TaskProgressed(_)
        | Fact::TaskReleased(_)
        | Fact::TaskTakenOutside(_)
        | Fact::TaskLeftOutside(_)
        | Fact::TaskFailed(_)
        | Fact::TaskDone(_)
        | Fact::TaskSubmitted(_)
        | Fact::TaskApproved(_)
        | Fact::TaskRejected(_)
        | Fact::TaskCancelled(_)
        | Fact::TaskRequeued(_) => has(&|l| matches!(l, Lock::Task(_) | Lock::Agent(_) | Lock::Graph | Lock::Roster)),
        Fact::ReservationMade(_) => has(&|l| *l == Lock::Reservations),
        Fact::StateSet(f) => has(&|l| *l == Lock::Entry(f.key.clone())),
        Fact::StateDeleted(f) => has(&|l| *l == Lock::Entry(f.key.clone())),
        Fact::MessageSent(_) | Fact::MessageAcked(_) => has(&|l| *l == Lock::Messages),
        Fact::StoreRestored(_) => has(&|l| *l == Lock::Everything),
    }
}

//! The tasks that a claim chooses from.

use oarlock_model::task::{Task, TaskSpec, TaskState};
use oarlock_model::{StoreTime, TaskId};

/// A place in the ready queue: rank, then number.
pub type QueuePlace = (i64, u64);

/// A task that may be granted, as far as it takes to choose one: its texts are not read.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// Its id.
    pub id: TaskId,
    /// Its place in the queue.
    pub place: QueuePlace,
    /// Its state: ready, or claimed with a lease that has expired.
    pub state: TaskState,
    /// Its priority, with what follows from other tasks.
    pub priority: u8,
    /// The specification, without title and body.
    pub spec: TaskSpec,
}

impl From<&Task> for Offer {
    fn from(task: &Task) -> Self {
        let spec = TaskSpec { title: String::new(), body: String::new(), ..task.spec.clone() };
        Self { id: task.id.clone(), place: (task.rank(), task.seq), state: task.state, priority: task.priority, spec }
    }
}

/// Expired leases among the tasks that are held.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expired {
    /// Their tasks, in the order of their place.
    pub offers: Vec<Offer>,
    /// When the first of all leases ends or has ended, if all were read.
    pub first_end: Option<StoreTime>,
}

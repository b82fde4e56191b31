//! Searching outside of the write lock. What a call decides inside of the lock takes a bounded time: where it would have to read
//! without bound to find something, it asks for a search first. The search reads a snapshot, which holds nobody up, and the next
//! decision checks what it found again, because others may have been faster.

pub(crate) mod edges;

use oarlock_model::event::Fact;
use oarlock_model::rules::graph::{self, Way};
use oarlock_model::{AgentName, Rejection, ReservationId, StoreTime, TaskId, limits, seeded};
use std::collections::BTreeSet;

use crate::OpError;
use crate::portions::Progress;
use crate::store::{StoreError, View};
use crate::task::split::Planned;
use crate::topic::Topics;
use edges::Edges;

/// The outcome of one try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tried<T> {
    /// It is decided.
    Done(T),
    /// It has to be decided after a search; nothing was changed that is not true anyway.
    Search,
    /// One portion of it is done, or who is in its way is dead and to be ended. The next try goes on, without a search.
    Portion,
}

/// The facts that a call knows from outside the write lock. They go with the call from try to try.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// The reply of the first of two steps, as JSON, once that step is committed.
    pub(crate) first: Option<String>,
    /// The search that the last try asked for.
    pub(crate) asked: Option<Asked>,
    /// The findings of the last search, until a try takes them.
    pub(crate) found: Option<Found>,
    /// The progress of the call's portions, where it works in portions.
    pub(crate) progress: Progress,
    /// Sessions that are dead, and are ended before anything else is looked at.
    pub(crate) dying: Vec<AgentName>,
    /// The state that a waiting call saw in its last search.
    pub(crate) seen: Option<Seen>,
    /// Tasks that the files beside the store did not let it have: it looks for others until it is decided.
    pub(crate) unfit: BTreeSet<TaskId>,
    /// Whether anything was committed that tasks show.
    pub(crate) changes_tasks: bool,
    /// Why the first of them cannot be written there.
    pub(crate) unwritable: Option<OpError>,
    searches: usize,
}

/// The subject of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// The search that the request itself defines.
    ByRequest,
    /// Whether a way leads back from new needs.
    Way(Edges),
}

/// The result of a search.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    /// Tasks to claim, or none.
    Tasks(FoundTasks),
    /// The plan of a split.
    Plan(Box<Planned>),
    /// These needs close no cycle, as far as the log went up to this event.
    NoWay(Edges, u64),
    /// The call is refused, without another decision.
    Refused(OpError),
}

impl Found {
    /// The result of a search that visits all tasks behind the new needs.
    ///
    /// # Errors
    /// Store errors.
    pub(crate) fn of_way(edges: Edges, view: &dyn View) -> Result<Self, OpError> {
        Ok(match edges.way(view, limits::GRAPH_VISITS_MAX)? {
            Way::None => Self::NoWay(edges, view.last_seq()?),
            Way::Back(cycle) => Self::Refused(Rejection::Cycle { cycle }.into()),
            Way::TooFar => Self::Refused(graph::too_far().into()),
        })
    }
}

/// The tasks that a search found.
#[derive(Clone, Debug, Default)]
pub(crate) struct FoundTasks {
    /// Tasks that could be claimed, in claim order.
    pub(crate) candidates: Vec<TaskId>,
    /// The refusal, when there are none.
    pub(crate) nothing: Option<Rejection>,
    /// The first tasks that only reservations kept from the caller.
    pub(crate) in_vain: Vec<TaskId>,
    /// When all leases were read, and when the first of them ends.
    pub(crate) first_end: Option<(StoreTime, StoreTime)>,
}

/// The state that a search saw when it found nothing.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// The number of the last event.
    pub(crate) seq: u64,
    /// When.
    pub(crate) at: StoreTime,
    /// When claims in vain were noted last.
    pub(crate) noted: StoreTime,
    /// The reasons that kept ready tasks from the caller.
    pub(crate) blockers: Blockers,
    /// Tasks whose lease had expired, and that were not for the caller either.
    pub(crate) expired: BTreeSet<TaskId>,
}

/// One thing in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// Another session's reservation.
    Held(ReservationId),
    /// A task that waits for the same and goes first.
    GoesFirst(TaskId),
}

/// The reasons that keep ready tasks from a caller: while all of them hold, none of the tasks can be taken.
#[derive(Clone, Debug, Default)]
pub(crate) struct Blockers {
    /// A reservation for each of them.
    pub(crate) reservations: BTreeSet<ReservationId>,
    /// Or a task that waits for what they want and goes first.
    pub(crate) tasks: BTreeSet<TaskId>,
    /// Or an agent: the task is assigned to it, or it could take one that goes first.
    pub(crate) is_an_agent: bool,
    /// Whether there are more than are remembered, or there is no room for more reservations.
    pub(crate) is_cut: bool,
}

impl Blockers {
    /// Remembers a reservation.
    fn reservation(&mut self, id: ReservationId) {
        self.reservations.insert(id);
        self.cut();
    }

    /// Remembers a task.
    fn task(&mut self, id: TaskId) {
        self.tasks.insert(id);
        self.cut();
    }

    /// Remembers an obstacle.
    pub(crate) fn add(&mut self, obstacle: Obstacle) {
        match obstacle {
            Obstacle::Held(id) => self.reservation(id),
            Obstacle::GoesFirst(id) => {
                self.is_an_agent = true;
                self.task(id);
            }
        }
    }

    /// Whether this obstacle is one of them.
    pub(crate) fn has(&self, obstacle: &Obstacle) -> bool {
        match obstacle {
            Obstacle::Held(id) => self.reservations.contains(id),
            Obstacle::GoesFirst(id) => self.tasks.contains(id),
        }
    }

    /// Whether nothing is in the way.
    pub(crate) fn is_empty(&self) -> bool {
        !self.is_cut && !self.is_an_agent && self.reservations.is_empty() && self.tasks.is_empty()
    }

    /// Whether something in the way may be gone after this.
    pub(crate) fn ends_with(&self, fact: &Fact) -> bool {
        if seeded::is(seeded::BLOCKER_FORGOTTEN) {
            return false;
        }
        match fact {
            Fact::StoreRestored(_) => true,
            Fact::ReservationEnded(ended) => self.is_cut || self.reservations.contains(&ended.id),
            Fact::AgentLeft(_) | Fact::AgentLost(_) => self.is_an_agent,
            fact if self.is_cut => Topics::of(fact).meets(Topics::TASKS),
            fact => fact.task().is_some_and(|id| self.tasks.contains(id)),
        }
    }

    fn cut(&mut self) {
        if self.reservations.len() + self.tasks.len() > limits::WAIT_BLOCKERS_MAX {
            *self = Self { is_cut: true, is_an_agent: self.is_an_agent, ..Self::default() };
        }
    }
}

impl Findings {
    /// A search begins.
    ///
    /// # Errors
    /// `store_busy` when others took whatever the searches before found.
    pub(crate) fn begin_search(&mut self) -> Result<(), StoreError> {
        self.searches += 1;
        if self.searches > limits::CLAIM_SEARCHES_MAX {
            let searches = limits::CLAIM_SEARCHES_MAX;
            return Err(StoreError::Busy(format!("others were faster than each of {searches} searches")));
        }
        Ok(())
    }

    /// Searches since the call was decided last.
    pub(crate) fn searches(&self) -> usize {
        self.searches
    }

    /// The refusal that a search found.
    pub(crate) fn take_refusal(&mut self) -> Option<OpError> {
        match self.found.take() {
            Some(Found::Refused(refusal)) => Some(refusal),
            found => {
                self.found = found;
                None
            }
        }
    }

    /// The call was decided.
    pub(crate) fn decided(&mut self) {
        self.searches = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_searches_a_bounded_number_of_times_and_begins_again_once_it_is_decided() {
        let mut findings = Findings::default();
        for _ in 0..limits::CLAIM_SEARCHES_MAX {
            assert!(findings.begin_search().is_ok());
        }
        assert!(matches!(findings.begin_search(), Err(StoreError::Busy(_))));
        findings.decided();
        assert!(findings.begin_search().is_ok());
    }

    #[test]
    fn with_too_many_blockers_each_change_counts() {
        let mut blockers = Blockers::default();
        (0..=limits::WAIT_BLOCKERS_MAX as u64).for_each(|n| blockers.reservation(ReservationId::of(n)));
        assert!(blockers.is_cut && blockers.reservations.is_empty());
    }
}

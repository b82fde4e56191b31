//! What waiters can wait for: one bell for each topic.

use oarlock_model::event::Fact;

/// A set of topics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Topics(u8);

impl Topics {
    /// Nothing.
    pub const NONE: Topics = Topics(0);
    /// Tasks can be claimed, or changed their state.
    pub const TASKS: Topics = Topics(1);
    /// Messages were sent.
    pub const MESSAGES: Topics = Topics(2);
    /// Reservations ended.
    pub const RESERVATIONS: Topics = Topics(4);
    /// Anything was logged.
    pub const LOG: Topics = Topics(8);

    /// Each topic with the name of its bell.
    pub const NAMED: [(Topics, &'static str); 4] =
        [(Topics::TASKS, "tasks"), (Topics::MESSAGES, "messages"), (Topics::RESERVATIONS, "reservations"), (Topics::LOG, "log")];

    /// Both sets together.
    #[must_use]
    pub fn and(self, other: Topics) -> Topics {
        Topics(self.0 | other.0)
    }

    /// Whether the sets share a topic.
    pub fn meets(self, other: Topics) -> bool {
        self.0 & other.0 != 0
    }

    /// Whom an event concerns. Every kind is listed, so that a new one cannot be forgotten.
    pub fn of(fact: &Fact) -> Topics {
        let topics = match fact {
            Fact::TaskAdded(_)
            | Fact::TaskUpdated(_)
            | Fact::TaskSplit(_)
            | Fact::TaskReadied(_)
            | Fact::TaskReleased(_)
            | Fact::TaskLeftOutside(_)
            | Fact::TaskFailed(_)
            | Fact::TaskDone(_)
            | Fact::TaskSubmitted(_)
            | Fact::TaskApproved(_)
            | Fact::TaskRejected(_)
            | Fact::TaskCancelled(_)
            | Fact::TaskRequeued(_)
            | Fact::TaskDied(_)
            | Fact::DependencyAdded(_)
            | Fact::DependencyRemoved(_)
            | Fact::LeaseLost(_)
            | Fact::IntentDropped(_)
            | Fact::AgentLeft(_)
            | Fact::AgentLost(_)
            | Fact::StoreRestored(_) => Topics::TASKS,
            Fact::MessageSent(_) => Topics::MESSAGES,
            Fact::ReservationEnded(_) => Topics::RESERVATIONS,
            Fact::AgentJoined(_)
            | Fact::TaskNoted(_)
            | Fact::RalfEvent(_)
            | Fact::RalfConflict(_)
            | Fact::TaskIntended(_)
            | Fact::TaskClaimed(_)
            | Fact::TaskTakenOutside(_)
            | Fact::TaskProgressed(_)
            | Fact::StateSet(_)
            | Fact::StateDeleted(_)
            | Fact::ReservationMade(_)
            | Fact::MessageAcked(_) => Topics::NONE,
        };
        topics.and(Topics::LOG)
    }
}

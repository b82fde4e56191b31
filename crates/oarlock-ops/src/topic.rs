//! The topics that waiters can wait for: one notifier for each.

use oarlock_model::event::{Fact, Wakes};

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
    /// A proposal was closed.
    pub const PROPOSALS: Topics = Topics(16);

    /// Each topic with the name of its notifier.
    pub const NAMED: [(Topics, &'static str); 5] = [
        (Topics::TASKS, "tasks"),
        (Topics::MESSAGES, "messages"),
        (Topics::RESERVATIONS, "reservations"),
        (Topics::LOG, "log"),
        (Topics::PROPOSALS, "proposals"),
    ];

    /// Both sets together.
    #[must_use]
    pub fn union(self, other: Topics) -> Topics {
        Topics(self.0 | other.0)
    }

    /// Whether the sets share a topic.
    pub fn meets(self, other: Topics) -> bool {
        self.0 & other.0 != 0
    }

    /// Whom an event concerns.
    pub fn of(fact: &Fact) -> Topics {
        let topics = match fact.wakes() {
            Wakes::Nobody => Topics::NONE,
            Wakes::Tasks => Topics::TASKS,
            Wakes::Messages => Topics::MESSAGES,
            Wakes::Reservations => Topics::RESERVATIONS,
            Wakes::Proposals => Topics::PROPOSALS,
        };
        topics.union(Topics::LOG)
    }
}

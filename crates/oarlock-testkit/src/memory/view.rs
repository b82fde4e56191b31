//! The reading half: each question answered by a scan that says what it means.

mod agent;
mod entry;
mod graph;
mod log;
mod message;
mod moment;
mod proposal;
mod queue;
mod reservation;
mod task;

use oarlock_model::agent::Agent;
use oarlock_model::message::Message;
use oarlock_model::reservation::Reservation;
use oarlock_model::rules::inbox::Order;
use oarlock_model::rules::liveness;
use oarlock_model::task::{Grant, Task, TaskState};
use oarlock_model::{AgentName, StoreTime, TaskId};
use oarlock_ops::store::{InboxList, InboxPart};

use super::Moment;
use super::scan::sorted;

impl Moment {
    fn live_agents(&self) -> impl Iterator<Item = &Agent> {
        self.world.state.agents.values().filter(|agent| agent.is_live())
    }

    pub(super) fn all_tasks(&self) -> impl Iterator<Item = &Task> {
        self.world.state.tasks.values()
    }

    pub(super) fn task_ref(&self, id: &TaskId) -> Option<&Task> {
        self.world.state.tasks.get(id)
    }

    fn in_state(&self, state: TaskState) -> impl Iterator<Item = &Task> {
        self.all_tasks().filter(move |task| task.state == state)
    }

    fn lease_ttl_ms(&self, grant: &Grant) -> i64 {
        let holder = self.world.state.agents.get(&grant.agent);
        liveness::grant_ttl_ms(grant, holder, self.now)
    }

    /// When a reservation that is tied to no task ends.
    fn ends_at(&self, reservation: &Reservation) -> StoreTime {
        let holder = self.world.state.agents.get(&reservation.agent);
        liveness::reservation_ends_at(reservation, liveness::beat_for_reservation(reservation, holder))
    }

    /// The messages of a list beyond its place, in its order.
    fn inbox_part(&self, agent: &AgentName, part: &InboxPart<'_>) -> Vec<&Message> {
        let is_listed = |message: &&Message| match part.list {
            InboxList::All => message.to.contains(agent),
            InboxList::Open(senders) => message.to.contains(agent) && !message.acked_by.contains(agent) && senders.admits(message),
            InboxList::Unread(senders) => message.is_unread_by(agent) && senders.admits(message),
            InboxList::Urgent(senders) => message.is_unread_by(agent) && message.is_urgent() && senders.admits(message),
        };
        let order = part.list.order();
        let is_beyond = |message: &&Message| part.beyond.is_none_or(|beyond| order.is_beyond(message.seq, beyond));
        let mut messages: Vec<&Message> = self.all_messages().into_iter().filter(is_listed).filter(is_beyond).collect();
        if order == Order::NewestFirst {
            messages.reverse();
        }
        messages
    }

    fn all_messages(&self) -> Vec<&Message> {
        sorted(self.world.state.messages.values(), |message| message.seq)
    }
}

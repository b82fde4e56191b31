//! Messages.

use oarlock_model::message::Message;
use oarlock_model::rules::authority::speaks_for;
use oarlock_model::rules::inbox::Senders;
use oarlock_model::{AgentName, MessageId, limits};
use oarlock_ops::store::{InboxList, InboxPart, MessageView, StoreResult};

use crate::memory::Moment;
use crate::memory::scan::page;

impl MessageView for Moment {
    fn message(&self, id: &MessageId) -> StoreResult<Option<Message>> {
        Ok(self.world.state.messages.get(id).cloned())
    }

    fn inbox(&self, agent: &AgentName, part: &InboxPart<'_>) -> StoreResult<Vec<Message>> {
        Ok(page(self.inbox_part(agent, part).into_iter(), part.limit, limits::PAGE_BYTES_MAX, |message| message.text.len()))
    }

    fn inbox_count(&self, agent: &AgentName, part: &InboxPart<'_>) -> StoreResult<u64> {
        Ok(self.inbox_part(agent, part).len().min(part.limit) as u64)
    }

    fn open_from(&self, agent: &AgentName, from: &AgentName, limit: usize) -> StoreResult<Vec<u64>> {
        let part = InboxPart { list: InboxList::Open(Senders::Any), beyond: None, limit };
        let messages = self.inbox_part(agent, &part).into_iter();
        Ok(messages.filter(|message| speaks_for(from, &message.from)).map(|message| message.seq).take(limit).collect())
    }

    fn thread(&self, id: &MessageId, after: u64, limit: usize) -> StoreResult<Vec<Message>> {
        let messages = self.all_messages().into_iter().filter(|message| message.thread == *id && message.seq > after);
        Ok(page(messages, limit, limits::PAGE_BYTES_MAX, |message| message.text.len()))
    }
}

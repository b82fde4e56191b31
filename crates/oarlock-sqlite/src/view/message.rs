//! Messages.

use oarlock_model::message::Message;
use oarlock_model::{AgentName, MessageId};
use oarlock_ops::store::{InboxPart, MessageView, StoreResult};

use super::SqliteView;
use crate::error::store_error;
use crate::rows::{inbox, message};

impl MessageView for SqliteView<'_> {
    fn message(&self, id: &MessageId) -> StoreResult<Option<Message>> {
        message::get(self.conn, id).map_err(store_error)
    }

    fn inbox(&self, agent: &AgentName, part: &InboxPart<'_>) -> StoreResult<Vec<Message>> {
        inbox::page(self.conn, agent, part).map_err(store_error)
    }

    fn inbox_count(&self, agent: &AgentName, part: &InboxPart<'_>) -> StoreResult<u64> {
        inbox::count(self.conn, agent, part).map_err(store_error)
    }

    fn open_from(&self, agent: &AgentName, from: &AgentName, limit: usize) -> StoreResult<Vec<u64>> {
        inbox::open_from(self.conn, agent, from, limit).map_err(store_error)
    }

    fn thread(&self, id: &MessageId, after: u64, limit: usize) -> StoreResult<Vec<Message>> {
        message::thread(self.conn, id, after, limit).map_err(store_error)
    }
}

//! The log.

use oarlock_model::TaskId;
use oarlock_model::event::Event;
use oarlock_model::state::State;
use oarlock_ops::store::{EventFilter, LogView, ReplyKey, StoreResult, StoredReply};

use super::SqliteView;
use crate::error::store_error;
use crate::rows::{self, event, reply, task};

impl LogView for SqliteView<'_> {
    fn events(&self, filter: &EventFilter) -> StoreResult<Vec<Event>> {
        let Some(subject) = &filter.subject else { return event::page(self.conn, filter).map_err(store_error) };
        let key = match TaskId::parse(subject) {
            Ok(id) => task::key(self.conn, &id).map_err(store_error)?,
            Err(_) => None,
        };
        match key {
            Some(key) => event::of_task(self.conn, key.last_event, filter).map_err(store_error),
            None => Ok(Vec::new()),
        }
    }

    fn last_event_of(&self, subject: &str, kind: &str) -> StoreResult<Option<Event>> {
        let Some(id) = TaskId::parse(subject).ok() else { return Ok(None) };
        let Some(key) = task::key(self.conn, &id).map_err(store_error)? else { return Ok(None) };
        let mut found = None;
        let look = |link: &event::Link| {
            found = (link.kind == kind).then_some(link.seq);
            found.is_none()
        };
        event::walk_back(self.conn, key.last_event, look).map_err(store_error)?;
        match found {
            Some(seq) => event::get(self.conn, seq).map_err(store_error),
            None => Ok(None),
        }
    }

    fn last_seq(&self) -> StoreResult<u64> {
        Ok(event::end(self.conn).map_err(store_error)?.seq)
    }

    fn remembered(&self, key: &ReplyKey) -> StoreResult<Option<StoredReply>> {
        reply::get(self.conn, key, self.now.store).map_err(store_error)
    }

    fn state(&self) -> StoreResult<State> {
        rows::whole::state(self.conn).map_err(store_error)
    }
}

//! The log.

use oarlock_model::event::Event;
use oarlock_model::limits;
use oarlock_model::state::State;
use oarlock_ops::store::{EventFilter, LogView, ReplyKey, StoreResult, StoredReply};

use crate::memory::Moment;
use crate::memory::scan::{is_about_task, page};

impl LogView for Moment {
    fn events(&self, filter: &EventFilter) -> StoreResult<Vec<Event>> {
        let admits = |event: &&Event| {
            event.seq > filter.after_seq
                && filter.before_seq.is_none_or(|before| event.seq < before)
                && (filter.kinds.is_empty() || filter.kinds.iter().any(|kind| kind == event.fact.kind()))
                && filter.subject.as_ref().is_none_or(|subject| is_about_task(event, subject))
        };
        let bytes = |event: &Event| event.fact.data_text().map_or(0, |text| text.len());
        let events = self.world.log.iter().filter(admits);
        if !filter.newest {
            return Ok(page(events, filter.limit, filter.bytes_max, bytes));
        }
        let mut newest = page(events.rev(), filter.limit, filter.bytes_max, bytes);
        newest.reverse();
        Ok(newest)
    }

    fn last_event_of(&self, subject: &str, kind: &str) -> StoreResult<Option<Event>> {
        Ok(self.world.log.iter().rfind(|event| event.fact.kind() == kind && is_about_task(event, subject)).cloned())
    }

    fn last_seq(&self) -> StoreResult<u64> {
        Ok(self.world.state.last_seq)
    }

    fn remembered(&self, key: &ReplyKey) -> StoreResult<Option<StoredReply>> {
        let kept = self.world.replies.get(key).filter(|(at, _)| at.plus_ms(limits::IDEMPOTENCY_MS) > self.now.store);
        Ok(kept.map(|(_, remembered)| remembered.clone()))
    }

    fn state(&self) -> StoreResult<State> {
        Ok(self.world.state.clone())
    }
}

//! Following the log, at a store or at a gateway alike.

use oarlock_model::duration::Duration;
use oarlock_model::{ErrorCode, Rejection};
use oarlock_ops::OpError;
use oarlock_ops::caller::Caller;
use oarlock_ops::log::Events;
use oarlock_ops::shapes::EventShape;
use serde_json::Value;

use crate::backend::Backend;

/// The longest single wait for events, in milliseconds. Between two waits [`Reader::has_gone`] is asked.
const SLICE_MS: i64 = 2_000;

/// The consumer of a followed log.
pub trait Reader {
    /// Takes one event. Returns `false` to stop.
    ///
    /// # Errors
    /// Any error stops following and is returned by [`Backend::follow`].
    fn event(&mut self, event: &EventShape) -> Result<bool, OpError>;

    /// Whether the consumer is gone. Asked after each page and at least every two seconds.
    fn has_gone(&self) -> bool {
        false
    }
}

impl Backend<'_> {
    /// Passes the events that `asked` selects to `reader`, page by page. Stops when the reader wants no more, when `asked.limit` events were
    /// passed, or when nothing was logged for `asked.wait`; without `wait` it follows for ever.
    ///
    /// # Errors
    /// `timed_out` when `asked.wait` is over; errors of the calls and of the reader.
    pub fn follow(&mut self, caller: &Caller, asked: &Events, reader: &mut dyn Reader) -> Result<(), OpError> {
        let patience_ms = asked.wait.map(Duration::as_ms);
        let (mut told, mut silent_ms) = (0, 0);
        let mut cursor = asked.after.clone();
        loop {
            let left_ms = patience_ms.map_or(SLICE_MS, |patience_ms| patience_ms - silent_ms);
            let slice_ms = left_ms.clamp(1_000, SLICE_MS);
            let next = Events {
                after: cursor.clone(),
                wait: Some(Duration::from_ms(slice_ms)),
                limit: asked.limit.map(|limit| limit - told),
                ..asked.clone()
            };
            match self.ask(caller, next) {
                Ok(page) => {
                    for event in &page.events {
                        if !reader.event(event)? {
                            return Ok(());
                        }
                        told += 1;
                    }
                    silent_ms = 0;
                    cursor = Some(page.cursor);
                }
                Err(error) if error.code() == ErrorCode::TimedOut => {
                    silent_ms += slice_ms;
                    if patience_ms.is_some_and(|patience_ms| silent_ms >= patience_ms) {
                        let (what, facts) = ("nothing was logged".to_owned(), Value::Null);
                        return Err(Rejection::TimedOut { what, waited_ms: silent_ms, facts }.into());
                    }
                }
                Err(error) => return Err(error),
            }
            if asked.limit.is_some_and(|limit| told >= limit) || reader.has_gone() {
                return Ok(());
            }
        }
    }
}

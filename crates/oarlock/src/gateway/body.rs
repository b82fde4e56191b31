//! Bodies of requests: bounded in size, in number and in time.

use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Bytes, Incoming};
use oarlock_model::{Rejection, limits, planted};
use oarlock_ops::OpError;
use oarlock_ops::registry::Entry;
use oarlock_ops::store::StoreError;
use tokio::sync::Semaphore;

use super::routes::BODY_PATIENCE;

/// The largest request of most verbs, in bytes: the largest text, as JSON may write it, and some fields.
pub(super) const BODY_BYTES_MAX: usize = 2 * limits::BODY_BYTES_MAX + (64 << 10);

/// The same for a verb that takes a whole document.
pub(super) const DOCUMENT_BYTES_MAX: usize = 2 * limits::DOCUMENT_BYTES_MAX + (64 << 10);

/// Larger ones are read only so many at once.
const LARGE_BYTES: usize = 256 << 10;

/// Large requests in memory, at most.
const LARGE_MAX: usize = 4;

/// The largest request of a verb, in bytes.
pub(super) fn limit_of(entry: &Entry) -> usize {
    if entry.verb == "split" { DOCUMENT_BYTES_MAX } else { BODY_BYTES_MAX }
}

/// Reads bodies.
#[derive(Debug)]
pub(crate) struct Reader {
    large: Semaphore,
}

impl Default for Reader {
    fn default() -> Self {
        Self { large: Semaphore::new(LARGE_MAX) }
    }
}

impl Reader {
    /// The whole body.
    ///
    /// # Errors
    /// `limit_reached` when it is too large, `invalid_request` when it breaks off or takes too long, `store_busy` when too
    /// many large ones are on their way.
    pub(super) async fn read(&self, bytes_max: usize, body: Incoming) -> Result<Bytes, OpError> {
        let bytes_max = if planted::is(planted::BODY_UNBOUNDED) { usize::MAX } else { bytes_max };
        let hint = body.size_hint();
        let said = usize::try_from(hint.lower()).unwrap_or(usize::MAX);
        if said > bytes_max {
            return Err(too_large(bytes_max, said));
        }
        // A body that does not say its size may be large.
        let is_large = said > LARGE_BYTES || hint.exact().is_none();
        let _permit = match is_large {
            true => {
                let turn = tokio::time::timeout(BODY_PATIENCE, self.large.acquire()).await;
                Some(turn.ok().and_then(Result::ok).ok_or_else(|| StoreError::Busy("too many large requests are on their way".into()))?)
            }
            false => None,
        };
        match tokio::time::timeout(BODY_PATIENCE, Limited::new(body, bytes_max).collect()).await {
            Ok(Ok(collected)) => Ok(collected.to_bytes()),
            Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(too_large(bytes_max, bytes_max + 1)),
            Ok(Err(_)) => Err(Rejection::invalid("the request broke off", "send it again").into()),
            Err(_) => Err(Rejection::invalid("the request took too long to arrive", "send it at once").into()),
        }
    }
}

fn too_large(bytes_max: usize, bytes: usize) -> OpError {
    Rejection::limit("bytes of the request", bytes_max, bytes).into()
}

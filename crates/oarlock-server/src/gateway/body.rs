//! Bodies of requests: bounded in size, in number and in time.

use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Bytes, Incoming};
use oarlock_model::{Rejection, limits, seeded};
use oarlock_ops::OpError;
use oarlock_ops::registry::Entry;
use std::time::Duration;

use super::bounds::{Account, Of, Places};

/// The longest time a request's body may take to arrive.
const BODY_PATIENCE: Duration = Duration::from_secs(30);

/// The largest request of most verbs, in bytes: the largest text, as JSON may write it, and some fields.
pub(super) const BODY_BYTES_MAX: usize = 2 * limits::BODY_BYTES_MAX + (64 << 10);

/// The same for a verb that takes a whole document.
pub(super) const DOCUMENT_BYTES_MAX: usize = 2 * limits::DOCUMENT_BYTES_MAX + (64 << 10);

/// The largest request of a verb, in bytes.
pub(super) fn limit_of(entry: &Entry) -> usize {
    if entry.verb == "split" { DOCUMENT_BYTES_MAX } else { BODY_BYTES_MAX }
}

/// How many bytes a body says that it has; none when it does not say so.
pub(super) fn said(body: &Incoming) -> Option<usize> {
    body.size_hint().exact().map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX))
}

/// The whole body, and the places that it takes: of its sender's alone, so that who is slow keeps nobody else out.
///
/// # Errors
/// `limit_reached` when it is too large, or when its sender has too many on their way; `invalid_request` when it breaks off or takes
/// too long; `store_busy` when all senders together have too many.
pub(super) async fn read(account: &Account, bytes_max: usize, body: Incoming) -> Result<(Bytes, Places), OpError> {
    let bytes_max = if seeded::is(seeded::BODY_UNBOUNDED) { usize::MAX } else { bytes_max };
    let said = said(&body);
    if let Some(said) = said.filter(|said| *said > bytes_max) {
        return Err(too_large(bytes_max, said));
    }
    // One that does not say its size may have any that it may have at all.
    let places = account.wait_for(Of::RequestBytes, said.unwrap_or(bytes_max).min(DOCUMENT_BYTES_MAX), BODY_PATIENCE);
    let mut places = places.await?;
    match tokio::time::timeout(BODY_PATIENCE, Limited::new(body, bytes_max).collect()).await {
        Ok(Ok(collected)) => {
            let bytes = collected.to_bytes();
            places.shrink(bytes.len());
            Ok((bytes, places))
        }
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(too_large(bytes_max, bytes_max + 1)),
        Ok(Err(_)) => Err(Rejection::invalid("the request broke off", "send it again").into()),
        Err(_) => Err(Rejection::invalid("the request took too long to arrive", "send it at once").into()),
    }
}

fn too_large(bytes_max: usize, bytes: usize) -> OpError {
    Rejection::limit("bytes of the request", bytes_max, bytes).into()
}

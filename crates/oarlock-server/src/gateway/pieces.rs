//! The body of an answer that counts until it is taken: it is handed on in pieces, and its bytes are given back when the last of them has
//! gone into the socket.

use hyper::body::{Body, Bytes, Frame, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::bounds::Places;

/// The bytes of one piece: the buffered part of an answer that its client does not read.
const PIECE_BYTES: usize = 64 << 10;

/// Bytes whose memory is counted.
struct Counted<T> {
    bytes: T,
    _places: Option<Places>,
}

impl<T: AsRef<[u8]>> AsRef<[u8]> for Counted<T> {
    fn as_ref(&self) -> &[u8] {
        self.bytes.as_ref()
    }
}

/// The body.
pub(super) struct Pieces {
    rest: Bytes,
}

impl Pieces {
    /// An answer; its places are kept as long as any of its bytes.
    pub(super) fn new(bytes: impl AsRef<[u8]> + Send + 'static, places: Option<Places>) -> Self {
        Self { rest: Bytes::from_owner(Counted { bytes, _places: places }) }
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let n = self.rest.len().min(PIECE_BYTES);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(n)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

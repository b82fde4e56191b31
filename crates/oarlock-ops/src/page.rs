//! How much a page of a list holds. The cursors that lead from page to page are made in [`crate::cursor`].
//!
//! A list is cut by the number of its items or by the bytes of their texts. A reply says so with `next`, and the caller
//! passes that text back as `after`. The lists of `inbox` and of the history of `task` begin with the newest page.

use oarlock_model::{limits, seeded};

/// Whether a reply has to say where it goes on.
pub(crate) fn goes_on(is_cut: bool) -> bool {
    is_cut && !seeded::is(seeded::CUT_IN_SILENCE)
}

/// The room that is left on a page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filling {
    items_left: usize,
    bytes_left: usize,
    is_empty: bool,
}

impl Filling {
    /// A page of at most `limit` items.
    pub(crate) fn new(limit: usize) -> Self {
        Self { items_left: limit, bytes_left: limits::PAGE_BYTES_MAX, is_empty: true }
    }

    /// Shapes one more item; nothing when the page is full. The first always fits.
    ///
    /// # Errors
    /// Those of `shape`.
    pub(crate) fn take<T, S, E>(
        &mut self,
        item: T,
        shape: impl FnOnce(T) -> Result<S, E>,
        bytes_of: impl FnOnce(&S) -> usize,
    ) -> Result<Option<S>, E> {
        if self.items_left == 0 {
            return Ok(None);
        }
        let shape = shape(item)?;
        let bytes = bytes_of(&shape);
        if bytes > self.bytes_left && !self.is_empty {
            return Ok(None);
        }
        self.items_left -= 1;
        self.bytes_left = self.bytes_left.saturating_sub(bytes);
        self.is_empty = false;
        Ok(Some(shape))
    }
}

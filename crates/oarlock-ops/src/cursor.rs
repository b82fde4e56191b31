//! Cursors: where a list goes on. Callers hand them back as they got them; only this module makes and reads them.
//!
//! A list in the order of the log goes on after an event ([`after`], [`after_event`]). A list in another order goes on
//! after a place of its own, written as text ([`after_place`], [`place`]).

use oarlock_model::Rejection;
use oarlock_model::ident::shown;
use std::fmt::Display;
use std::str::FromStr;

use crate::OpError;
use crate::store::{StoreResult, View};

/// Bytes of a cursor: the longest place is a state key.
const CURSOR_BYTES_MAX: usize = 256;

/// The cursor of the event with this number: a list goes on after it.
///
/// # Errors
/// Store errors.
pub fn after(_view: &dyn View, seq: u64) -> StoreResult<String> {
    Ok(seq.to_string())
}

/// The number of the event after which a list goes on; 0 without a cursor.
///
/// # Errors
/// `invalid_request` when the text is no cursor of a list of events.
pub fn after_event(view: &dyn View, cursor: Option<&str>) -> Result<u64, OpError> {
    Ok(place(view, cursor)?.unwrap_or(0))
}

/// The cursor of an item in a list that is not in the order of the log: a list goes on after it. `place` says where the item
/// stands: letters, digits and `._/-`, read back by [`place`] as the same type.
///
/// # Errors
/// Store errors.
pub fn after_place(_view: &dyn View, place: &impl Display) -> StoreResult<String> {
    Ok(place.to_string())
}

/// The place after which a list goes on; none without a cursor.
///
/// # Errors
/// `invalid_request` when the text is no cursor of such a list.
pub fn place<T: FromStr>(_view: &dyn View, cursor: Option<&str>) -> Result<Option<T>, OpError> {
    let Some(text) = cursor else { return Ok(None) };
    check(cursor)?;
    text.parse().map(Some).map_err(|_| bad(text).into())
}

/// Checks what can be checked of a cursor without the store.
///
/// # Errors
/// `invalid_request`.
pub fn check(cursor: Option<&str>) -> Result<(), Rejection> {
    let is_fine = |text: &str| {
        (1..=CURSOR_BYTES_MAX).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'/'))
    };
    match cursor.filter(|text| !is_fine(text)) {
        Some(text) => Err(bad(text)),
        None => Ok(()),
    }
}

fn bad(text: &str) -> Rejection {
    Rejection::invalid(format!("\"{}\" is not a cursor", shown(text)), "pass a cursor exactly as a reply gave it, or leave it out")
}

//! Cursors: where a list goes on. Callers hand them back as they got them; only this module makes and reads them. Each ends with
//! the tag of its store, so that a cursor of another store is refused, and not taken for a place in this one.
//!
//! A list in the order of the log goes on after an event ([`after`], [`after_event`]). A list in another order goes on
//! after a place of its own, written as text ([`after_place`], [`place`]).

use oarlock_model::ident::shown;
use oarlock_model::{Rejection, StoreIdentity};
use std::fmt::Display;
use std::str::FromStr;

use crate::OpError;
use crate::store::{MomentView, StoreResult};

/// Bytes of a cursor: the longest place is a state key.
const CURSOR_BYTES_MAX: usize = 256;

/// The cursor of the event with this number: a list goes on after it.
///
/// # Errors
/// Store errors.
pub fn after(view: &dyn MomentView, seq: u64) -> StoreResult<String> {
    Ok(view.identity().give(seq))
}

/// The number of the event after which a list goes on; 0 without a cursor.
///
/// # Errors
/// `invalid_request` when the text is no cursor of a list of events, or one of another store.
pub fn after_event(view: &dyn MomentView, cursor: Option<&str>) -> Result<u64, OpError> {
    let Some(text) = cursor else { return Ok(0) };
    check(cursor)?;
    Ok(view.identity().read(text).ok_or_else(|| refused(text, view.identity()))?)
}

/// The cursor of an item in a list that is not in the order of the log: a list goes on after it. `place` says where the item
/// is: letters, digits and `._/-`, read back by [`place`] as the same type.
///
/// # Errors
/// Store errors.
pub fn after_place(view: &dyn MomentView, place: &impl Display) -> StoreResult<String> {
    Ok(view.identity().tagged(&place.to_string()))
}

/// The place after which a list goes on; none without a cursor.
///
/// # Errors
/// `invalid_request` when the text is no cursor of such a list, or one of another store.
pub fn place<T: FromStr>(view: &dyn MomentView, cursor: Option<&str>) -> Result<Option<T>, OpError> {
    let Some(text) = cursor else { return Ok(None) };
    check(cursor)?;
    let store = view.identity();
    // Before it had an identity, a store gave the place alone.
    let given = store.untagged(text).or_else(|| Some(text).filter(|text| store.untagged_to() > 0 && !text.contains('-')));
    let place = given.ok_or_else(|| refused(text, store))?;
    place.parse().map(Some).map_err(|_| bad(text).into())
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

/// Why a text of the right form is no cursor here.
fn refused(text: &str, store: &StoreIdentity) -> Rejection {
    let is_foreign = text.rsplit_once('-').is_some_and(|(_, tag)| tag != store.tag()) || text.bytes().all(|b| b.is_ascii_digit());
    if !is_foreign {
        return bad(text);
    }
    Rejection::invalid(
        format!("the cursor \"{}\" is of another store, or from before this one was restored", shown(text)),
        "begin again without it",
    )
}

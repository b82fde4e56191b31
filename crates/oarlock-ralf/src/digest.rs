//! Digests by which it is seen whether something has changed.

use serde::Serialize;

/// A digest of a value that serialises with ordered keys: 128 bits, as text.
pub(crate) fn digest(value: &impl Serialize) -> String {
    let text = serde_json::to_vec(value).unwrap_or_default();
    blake3::hash(&text).to_hex()[..32].to_owned()
}

/// A digest of a text.
pub(crate) fn digest_of(text: impl AsRef<[u8]>) -> String {
    blake3::hash(text.as_ref()).to_hex()[..32].to_owned()
}

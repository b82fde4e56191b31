//! The proof that anyone who listens knows the key, before the key is sent to it.
//!
//! A port of this machine belongs to the process that bound it first, and that may be another user. So a client that would send its key in plain text
//! first asks: it names the key's id and a number that it has never used before, and the listener answers with a code over both and over the
//! address, which only who knows the key's hash can make (BLAKE3 keyed mode, a MAC). The address is the one that the client has dialled: a
//! listener that hands the question on to the real gateway, at another port, gets a code for another address, or none.

use oarlock_model::seeded;
use oarlock_ops::OpError;

use super::key::Key;

/// The path that answers.
pub const PATH: &str = "/prove";

/// The header of the question: the id of a key, a dot, and the number in hexadecimal digits.
pub const HEADER: &str = "oarlock-challenge";

/// The purpose of the code: it is worth nothing anywhere else.
const CONTEXT: &[u8] = b"oarlock 1: this listener knows the key\0";

/// Bytes of the number.
const NONCE_BYTES: usize = 32;

/// A question that was asked once.
#[derive(Clone, Debug)]
pub struct Challenge {
    key_id: String,
    nonce: String,
}

impl Challenge {
    /// One that was never asked before.
    ///
    /// # Errors
    /// No randomness.
    pub fn random(key: &Key) -> Result<Self, OpError> {
        let mut bytes = [0; NONCE_BYTES];
        getrandom::fill(&mut bytes).map_err(|error| OpError::Internal(format!("no randomness: {error}")))?;
        Ok(Self { key_id: key.id().to_owned(), nonce: bytes.iter().map(|byte| format!("{byte:02x}")).collect() })
    }

    /// The one that a header asks; none if it has another form.
    pub fn parse(text: &str) -> Option<Self> {
        let (key_id, nonce) = text.split_once('.')?;
        let is_fine = nonce.len() == 2 * NONCE_BYTES && nonce.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_fine.then(|| Self { key_id: key_id.to_owned(), nonce: nonce.to_owned() })
    }

    /// The fields of the header.
    pub fn header(&self) -> String {
        format!("{}.{}", self.key_id, self.nonce)
    }

    /// The id of the key that is to be known.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The code that proves it, for a key of this hash and the address that was dialled.
    pub fn answer(&self, hash: &blake3::Hash, address: &str) -> blake3::Hash {
        let mut code = blake3::Hasher::new_keyed(hash.as_bytes());
        code.update(CONTEXT).update(self.nonce.as_bytes()).update(b"\0");
        if !seeded::is(seeded::PROOF_FOR_ANY_ADDRESS) {
            code.update(address.to_ascii_lowercase().as_bytes());
        }
        code.finalize()
    }

    /// Whether this text proves it. Two hashes of blake3 are compared in constant time.
    pub fn is_proven_by(&self, text: &str, key: &Key, address: &str) -> bool {
        seeded::is(seeded::LISTENER_BELIEVED) || blake3::Hash::from_hex(text).is_ok_and(|told| told == self.answer(&key.hash(), address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_knows_the_key_proves_it_and_only_for_the_address_that_was_dialled() {
        let (key, other) = (Key::random().expect("random"), Key::random().expect("random"));
        let asked = Challenge::random(&key).expect("random");
        let heard = Challenge::parse(&asked.header()).expect("its form is right");
        assert_eq!(heard.key_id(), key.id());
        let address = "127.0.0.1:7117";
        let code = |key: &Key, address: &str| heard.answer(&key.hash(), address).to_hex().to_string();
        assert!(asked.is_proven_by(&code(&key, "127.0.0.1:7117"), &key, address));
        assert!(!asked.is_proven_by(&code(&other, address), &key, address), "another key");
        assert!(!asked.is_proven_by(&code(&key, "127.0.0.1:7118"), &key, address), "a relay to another port");
        assert!(!asked.is_proven_by("", &key, address));
        let again = Challenge::random(&key).expect("random");
        assert!(!again.is_proven_by(&code(&key, address), &key, address), "an answer that was heard before");
        for bad in ["", "x", "x.", "x.00", &asked.header()[1..asked.header().len() - 1]] {
            assert!(Challenge::parse(bad).is_none(), "{bad}");
        }
    }
}

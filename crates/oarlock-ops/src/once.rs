//! Idempotency: a call with a key happens once, and anyone who makes it again gets the reply that was kept (semantics 18).

use oarlock_model::{AgentName, Rejection, limits};
use serde::Serialize;

use crate::OpError;
use crate::caller::Caller;
use crate::request::Request;
use crate::store::{LogView, ReplyKey, StoredReply, Transaction};

/// Refuses a key that is none.
///
/// # Errors
/// It is empty, has control characters, or is too long.
pub(crate) fn check_key(caller: &Caller) -> Result<(), Rejection> {
    match &caller.key {
        Some(key) if key.is_empty() || key.chars().any(char::is_control) => {
            Err(Rejection::invalid("the idempotency key is empty or has control characters", "use any other text, for example a UUID"))
        }
        Some(key) if key.chars().count() > limits::KEY_CHARS_MAX => {
            Err(Rejection::limit("characters of the idempotency key", limits::KEY_CHARS_MAX, key.chars().count()))
        }
        _ => Ok(()),
    }
}

/// The record that makes a call with a key happen once.
pub(crate) struct Once {
    key: String,
    reply_key: ReplyKey,
    request_hash: [u8; 16],
}

impl Once {
    /// The hash of a request covers who makes it, but not in which session: a key survives a new one.
    pub(crate) fn of<R: Request>(caller: &Caller, key: &str, request: &R) -> Result<Self, OpError> {
        #[derive(Serialize)]
        struct Hashed<'a, R> {
            agent: Option<&'a AgentName>,
            request: &'a R,
        }
        let agent = caller.agent_name();
        let agent = agent.as_ref();
        let text = if R::OUTSIDE_KEY.is_empty() {
            serde_json::to_vec(&Hashed { agent, request })?
        } else {
            let mut request = serde_json::to_value(request)?;
            if let Some(fields) = request.as_object_mut() {
                fields.retain(|name, _| !R::OUTSIDE_KEY.contains(&name.as_str()));
            }
            serde_json::to_vec(&Hashed { agent, request: &request })?
        };
        let reply_key = blake3::Hasher::new().update(R::VERB.as_bytes()).update(b"\0").update(key.as_bytes()).finalize();
        Ok(Self { key: key.to_owned(), reply_key: first_half(reply_key), request_hash: first_half(blake3::hash(&text)) })
    }

    /// The reply that is kept for the key, as JSON.
    pub(crate) fn kept<R: Request>(&self, view: &dyn LogView) -> Result<Option<String>, OpError> {
        match view.remembered(&self.reply_key)? {
            Some(kept) if kept.request_hash != self.request_hash => {
                Err(Rejection::KeyReused { key: self.key.clone(), verb: R::VERB.into() }.into())
            }
            kept => Ok(kept.map(|kept| kept.reply)),
        }
    }

    /// Keeps a reply for the key, and gives its JSON.
    pub(crate) fn keep<T: Serialize>(&self, tx: &mut dyn Transaction, reply: &T) -> Result<String, OpError> {
        let kept = StoredReply { request_hash: self.request_hash, reply: serde_json::to_string(reply)? };
        tx.remember(&self.reply_key, &kept)?;
        Ok(kept.reply)
    }
}

/// 128 bits: enough against accidents, and against anybody who looks for two keys with one hash.
fn first_half(hash: blake3::Hash) -> [u8; 16] {
    hash.as_bytes().first_chunk().copied().unwrap_or_default()
}

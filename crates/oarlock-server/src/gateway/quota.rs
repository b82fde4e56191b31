//! How much one agent may ask of a gateway that others use as well: calls and bytes in a time. How much it may hold is a
//! matter of the operations (`Settings`).

use oarlock_model::{Rejection, seeded};
use oarlock_ops::OpError;
use oarlock_ops::caller::Caller;
use oarlock_ops::registry::Entry;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::access::Principal;

/// Callers that are remembered, at most; the one that was silent for longest is forgotten.
const CALLERS_MAX: usize = 10_000;

/// The requests allowed to each agent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// Calls in a second, on the average; four times as many at once.
    pub calls_per_s: u32,
    /// Bytes of messages in a minute, on the average; four times as many at once.
    pub message_bytes_per_min: u32,
    /// Bytes of requests in a minute, on the average; four times as many at once.
    pub bytes_per_min: u32,
}

impl Default for Rates {
    fn default() -> Self {
        Self { calls_per_s: 1_000, message_bytes_per_min: 1 << 20, bytes_per_min: 64 << 20 }
    }
}

/// A bucket that fills with time and is emptied by requests (a token bucket, RFC 2697 section 3 with one rate).
#[derive(Clone, Copy, Debug)]
struct Bucket {
    level: f64,
    at: Instant,
}

/// This many times what comes in one unit of time fits into a bucket.
const BURST: f64 = 4.0;

impl Bucket {
    fn full(per_s: f64, unit_s: f64, at: Instant) -> Self {
        Self { level: per_s * unit_s * BURST, at }
    }

    /// Takes so much out of it, even if that is more than there is.
    fn charge(&mut self, amount: f64) {
        self.level -= amount;
    }

    /// Takes so much out of it; else how long it takes until there is enough, in milliseconds.
    fn take(&mut self, amount: f64, per_s: f64, unit_s: f64, now: Instant) -> Result<(), i64> {
        let filled = self.level + per_s * now.saturating_duration_since(self.at).as_secs_f64();
        self.level = filled.min(per_s * unit_s * BURST);
        self.at = now;
        if self.level < amount {
            return Err(((amount - self.level) / per_s * 1e3).ceil() as i64);
        }
        self.level -= amount;
        Ok(())
    }
}

#[derive(Debug)]
struct Asking {
    calls: Bucket,
    message_bytes: Bucket,
    bytes: Bucket,
}

/// The counted parts of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asks {
    /// The call and its bytes.
    Call,
    /// The bytes of a message in a call that was counted before.
    Message,
    /// Both.
    CallWithMessage,
}

/// The recent requests of everybody.
#[derive(Debug)]
pub(crate) struct Quotas {
    rates: Rates,
    asking: Mutex<HashMap<String, Asking>>,
}

impl Quotas {
    /// Nobody has asked anything.
    pub(crate) fn new(rates: Rates) -> Self {
        Self { rates, asking: Mutex::default() }
    }

    /// Counts a request of an agent with a key of its own before it is read, by the size that its head says. Its helpers share its part,
    /// also those with keys of their own. For operators see [`Quotas::admit`].
    ///
    /// # Errors
    /// `limit_reached`, with the time after which it would be admitted.
    pub(crate) fn admit_unread(&self, principal: &Principal, bytes: usize) -> Result<(), OpError> {
        match &principal.root {
            Some(root) => self.admit_at(root.to_string(), Asks::Call, bytes, Instant::now()).map_err(OpError::from),
            None => Ok(()),
        }
    }

    /// Counts the bytes of a request that did not say how many it has.
    pub(crate) fn charge(&self, principal: &Principal, bytes: usize) {
        let mut asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(asking) = principal.root.as_ref().and_then(|root| asking.get_mut(root.as_str())) {
            asking.bytes.charge(bytes as f64);
        }
    }

    /// Counts a call that was read: an agent's bytes of messages; for an operator's key all of it, by the name that the call gives.
    ///
    /// # Errors
    /// `limit_reached`, with the time after which it would be admitted.
    pub(crate) fn admit(&self, principal: &Principal, caller: &Caller, entry: &Entry, bytes: usize) -> Result<(), OpError> {
        let is_message = entry.verb == "send";
        let (who, asks) = match (&principal.root, is_message) {
            (Some(_), false) => return Ok(()),
            (Some(root), true) => (root.to_string(), Asks::Message),
            (None, _) => {
                let who = caller.agent_name().map_or_else(|| format!("key {}", principal.key_id), |name| name.to_string());
                (who, if is_message { Asks::CallWithMessage } else { Asks::Call })
            }
        };
        self.admit_at(who, asks, bytes, Instant::now()).map_err(OpError::from)
    }

    fn admit_at(&self, who: String, asks: Asks, bytes: usize, now: Instant) -> Result<(), Rejection> {
        if seeded::is(seeded::NO_QUOTA) {
            return Ok(());
        }
        let Rates { calls_per_s, message_bytes_per_min, bytes_per_min } = self.rates;
        let all_bytes_per_s = f64::from(bytes_per_min) / 60.0;
        let (calls_per_s, bytes_per_s) = (f64::from(calls_per_s), f64::from(message_bytes_per_min) / 60.0);
        let mut asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        if asking.len() >= CALLERS_MAX && !asking.contains_key(&who) {
            let silent = asking.iter().min_by_key(|(_, asking)| asking.calls.at).map(|(who, _)| who.clone());
            silent.map(|silent| asking.remove(&silent));
        }
        let asking = asking.entry(who).or_insert_with(|| Asking {
            calls: Bucket::full(calls_per_s, 1.0, now),
            message_bytes: Bucket::full(bytes_per_s, 60.0, now),
            bytes: Bucket::full(all_bytes_per_s, 60.0, now),
        });
        let over = |what: &str, limit: u32, after_ms| Rejection::QuotaReached { what: what.into(), limit: u64::from(limit), after_ms };
        if asks != Asks::Message {
            asking.calls.take(1.0, calls_per_s, 1.0, now).map_err(|ms| over("calls in a second", calls_per_s as u32, ms))?;
            let taken = asking.bytes.take(bytes as f64, all_bytes_per_s, 60.0, now);
            taken.map_err(|ms| over("bytes of requests in a minute", bytes_per_min, ms))?;
        }
        if asks != Asks::Call {
            let taken = asking.message_bytes.take(bytes as f64, bytes_per_s, 60.0, now);
            taken.map_err(|ms| over("bytes of messages in a minute", message_bytes_per_min, ms))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oarlock_model::ErrorCode;
    use std::time::Duration;

    #[test]
    fn who_asks_too_much_is_told_when_to_come_back_and_others_are_not_touched() {
        let quotas = Quotas::new(Rates { calls_per_s: 10, message_bytes_per_min: 600, ..Rates::default() });
        let start = Instant::now();
        for _ in 0..40 {
            quotas.admit_at("ada".into(), Asks::Call, 0, start).expect("a burst");
        }
        let refused = quotas.admit_at("ada".into(), Asks::Call, 0, start).expect_err("one too many");
        assert_eq!((refused.code(), refused.retry_after_ms()), (ErrorCode::LimitReached, Some(100)));
        quotas.admit_at("bob".into(), Asks::Call, 0, start).expect("another agent");
        quotas.admit_at("ada".into(), Asks::Call, 0, start + Duration::from_millis(100)).expect("when it was told");
        quotas.admit_at("bob".into(), Asks::CallWithMessage, 2_400, start).expect("a burst of bytes");
        assert!(quotas.admit_at("bob".into(), Asks::CallWithMessage, 100, start).is_err());
        quotas.admit_at("bob".into(), Asks::CallWithMessage, 100, start + Duration::from_secs(10)).expect("ten bytes a second");
    }

    #[test]
    fn not_more_callers_are_remembered_than_fit() {
        let quotas = Quotas::new(Rates::default());
        let start = Instant::now();
        for n in 0..CALLERS_MAX + 10 {
            quotas.admit_at(format!("a{n}"), Asks::Call, 0, start + Duration::from_micros(n as u64)).expect("its first call");
        }
        assert!(quotas.asking.lock().expect("alone").len() <= CALLERS_MAX);
    }
}

//! Waiting: a call tries again when a notifier rings, a process dies or something falls due (semantics 19).
//!
//! A door that has a thread for each call waits with `wait_for`; one that has not asks [`Patience`] how long to sleep.

use oarlock_model::{Now, Rejection, StoreTime};

use crate::OpError;
use crate::owners::OwnerLiveness;
use crate::reap;
use crate::request::Waiting;
use crate::search::Findings;
use crate::store::{Store, StoreResult};

/// How often a waiter looks again although nothing woke it, in milliseconds: the net in case a notification is lost.
const RECHECK_MS: i64 = 5_000;

/// How often one looks that may only read, in milliseconds.
const READ_ONLY_RECHECK_MS: i64 = 200;

/// How long one call goes on waiting.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    for_ms: Option<i64>,
    since: StoreTime,
}

impl Patience {
    /// That of a call which waits since a moment.
    pub fn since(waiting: Waiting, since: StoreTime) -> Self {
        Self { for_ms: waiting.for_ms, since }
    }

    /// How long it has waited, in milliseconds.
    pub fn waited_ms(&self, now: Now) -> i64 {
        now.store.since_ms(self.since)
    }

    /// How long to sleep before the next look, in milliseconds; nothing when it has waited for long enough.
    pub fn sleep_ms(&self, horizon: &Horizon) -> Option<i64> {
        let left_ms = self.for_ms.map_or(i64::MAX, |for_ms| for_ms - self.waited_ms(horizon.now));
        (left_ms > 0).then(|| left_ms.min(horizon.due_ms.unwrap_or(i64::MAX)).clamp(1, RECHECK_MS))
    }

    /// The message at the end of the wait: the last "not yet" was still true.
    pub fn over(&self, last: OpError, now: Now) -> OpError {
        let waited_ms = self.waited_ms(now);
        match last {
            OpError::Rejected(Rejection::TimedOut { what, facts, .. }) => Rejection::TimedOut { what, waited_ms, facts }.into(),
            OpError::Rejected(no) => Rejection::TimedOut { what: no.to_string(), waited_ms, facts: no.details() }.into(),
            error => error,
        }
    }
}

/// Tries, and while the answer is "not yet" waits for a notifier, a death or a due time and tries again.
pub(crate) fn wait_for<T>(
    store: &mut dyn Store,
    waiting: Option<Waiting>,
    attempt: &mut dyn FnMut(&mut dyn Store, &mut Findings) -> Result<T, OpError>,
    worth_trying: &mut dyn FnMut(&mut dyn Store, &mut Findings) -> Result<bool, OpError>,
) -> Result<T, OpError> {
    let mut findings = Findings::default();
    let first = attempt(store, &mut findings);
    let Some(waiting) = waiting else { return first };
    let mut last = match first {
        Err(error) if error.is_not_yet() => error,
        done => return done,
    };
    let mut listening = store.listen(waiting.topics)?;
    let patience = Patience::since(waiting, store.snapshot()?.now().store);
    loop {
        // The listener is in place, so whatever is committed from here on will ring it. What falls due or dies from
        // here on is either seen by the next try or waited for.
        let horizon = Horizon::of(store)?;
        if worth_trying(store, &mut findings)? {
            last = match attempt(store, &mut findings) {
                Err(error) if error.is_not_yet() => error,
                done => return done,
            };
        }
        match patience.sleep_ms(&horizon) {
            // Due work stays due where nobody may write.
            Some(sleep_ms) if store.is_read_only() => listening.wait(sleep_ms.max(READ_ONLY_RECHECK_MS), &horizon.owners)?,
            Some(sleep_ms) => listening.wait(sleep_ms, &horizon.owners)?,
            None => return Err(patience.over(last, horizon.now)),
        }
    }
}

/// A waiter's view of a store in one read, and its topics besides notifiers.
#[derive(Debug)]
pub struct Horizon {
    /// The moment of the look.
    pub now: Now,
    /// The number of the last event.
    pub seq: u64,
    /// Milliseconds until something happens by time alone.
    pub due_ms: Option<i64>,
    /// Processes whose death would free work.
    pub owners: Vec<String>,
    /// Whether one of them is dead and this has not been settled yet.
    pub has_dead: bool,
}

impl Horizon {
    /// Looks at a store.
    ///
    /// # Errors
    /// Store errors.
    pub fn of(store: &mut dyn Store) -> StoreResult<Self> {
        let owners = store.owners();
        let view = store.snapshot()?;
        let mut horizon = Self { now: view.now(), seq: view.last_seq()?, due_ms: view.next_due_ms()?, owners: Vec::new(), has_dead: false };
        for agent in reap::to_be_checked(&*view, &*owners)? {
            match (owners.liveness(&agent), agent.owner.process()) {
                (OwnerLiveness::Alive, Some(process)) => horizon.owners.push(process.to_owned()),
                (liveness, _) if liveness.is_dead() => horizon.has_dead = true,
                _ => {}
            }
        }
        Ok(horizon)
    }
}

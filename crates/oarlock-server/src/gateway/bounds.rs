//! How much of the gateway one principal may have at once, and all of them together: places and bytes that are given back when what they
//! were taken for has ended. Operators have places of their own, so no number of agents keeps one of them out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use oarlock_model::{Rejection, seeded};
use oarlock_ops::OpError;
use oarlock_ops::store::StoreError;
use tokio::sync::Notify;

use super::access::Principal;
use super::lanes::Lane;

/// The bounded resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// Open connections, after their first request with a key.
    Connections,
    /// Streams of events.
    Streams,
    /// Calls that wait.
    Waits,
    /// Bytes of requests that are read or worked on.
    RequestBytes,
    /// Bytes of answers that are made or not yet taken.
    AnswerBytes,
}

const KINDS: usize = 5;

impl Of {
    fn what(self) -> &'static str {
        match self {
            Of::Connections => "connections",
            Of::Streams => "streams of events",
            Of::Waits => "calls that wait",
            Of::RequestBytes => "bytes of requests at once",
            Of::AnswerBytes => "bytes of answers that are not taken",
        }
    }
}

/// The numbers of one principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Open connections.
    pub connections: usize,
    /// Streams of events.
    pub streams: usize,
    /// Calls that wait.
    pub waits: usize,
    /// Bytes of requests.
    pub request_bytes: usize,
    /// Bytes of answers.
    pub answer_bytes: usize,
}

impl Bounds {
    /// Those of an agent with a key of its own and its helpers, if nothing else is said.
    pub const OF_AGENTS: Self = Self { connections: 256, streams: 16, waits: 64, request_bytes: 8 << 20, answer_bytes: 8 << 20 };

    /// Those of an operator's key.
    const OF_OPERATORS: Self = Self { connections: 3_000, streams: 2_048, waits: 2_048, request_bytes: 80 << 20, answer_bytes: 80 << 20 };

    /// Those of all agents together: this many times what one gets, within what the gateway can bear.
    fn of_all(self) -> Self {
        let of = |one: usize, most: usize| most.max(one);
        Self {
            connections: of(self.connections, 2_048),
            streams: of(self.streams, 512),
            waits: of(self.waits, 2_048),
            request_bytes: of(self.request_bytes, 32 << 20),
            answer_bytes: of(self.answer_bytes, 32 << 20),
        }
    }

    fn of(&self, of: Of) -> usize {
        match of {
            Of::Connections => self.connections,
            Of::Streams => self.streams,
            Of::Waits => self.waits,
            Of::RequestBytes => self.request_bytes,
            Of::AnswerBytes => self.answer_bytes,
        }
    }
}

/// Whose places are taken: an agent and its helpers are one, and so is each operator's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Payer {
    /// Its lane in the queues.
    pub(super) lane: Lane,
    is_operator: bool,
}

impl Payer {
    /// Who pays for what this principal asks.
    pub(super) fn of(principal: &Principal) -> Self {
        match &principal.root {
            Some(root) => Self { lane: format!("agent {root}").into(), is_operator: false },
            None => Self { lane: format!("key {}", principal.key_id).into(), is_operator: true },
        }
    }
}

/// From whose places a call takes what it needs.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    ledger: Arc<Ledger>,
    payer: Payer,
}

impl Account {
    /// That of this principal.
    pub(crate) fn of(ledger: &Arc<Ledger>, principal: &Principal) -> Self {
        Self { ledger: Arc::clone(ledger), payer: Payer::of(principal) }
    }

    /// Its lane in the queues.
    pub(super) fn lane(&self) -> &Lane {
        &self.payer.lane
    }

    /// Whether both are one's.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.payer == other.payer
    }

    /// Takes places, if there are any.
    ///
    /// # Errors
    /// `limit_reached` when this one has too many, `store_busy` when all together have.
    pub(super) fn take(&self, of: Of, n: usize) -> Result<Places, OpError> {
        self.ledger.take(&self.payer, of, n)
    }

    /// The same, but waits until there are enough.
    ///
    /// # Errors
    /// As [`Account::take`], after `patience`; at once when it is more than one may have at all.
    pub(super) async fn wait_for(&self, of: Of, n: usize, patience: Duration) -> Result<Places, OpError> {
        self.ledger.wait_for(&self.payer, of, n, patience).await
    }

    /// Places for an answer that may have this many bytes; fewer where one may not have as many at all.
    ///
    /// # Errors
    /// As [`Account::wait_for`].
    pub(super) async fn for_answer(&self, bytes: usize) -> Result<Places, OpError> {
        let most = self.ledger.most(&self.payer, Of::AnswerBytes);
        self.wait_for(Of::AnswerBytes, bytes.min(most), ANSWER_PATIENCE).await
    }
}

/// The bytes of the answer to one request of a model, from the reply of the verb behind it until its client has taken it. A request has one
/// reply at a time: what the last one took is given back before the next is asked for, or the request would wait for itself.
#[derive(Clone, Debug)]
pub(crate) struct Tab {
    account: Account,
    held: Arc<Mutex<Option<Places>>>,
}

impl Tab {
    /// Nothing is held yet, and this one pays.
    pub(crate) fn of(account: Account) -> Self {
        Self { account, held: Arc::default() }
    }

    /// Who pays.
    pub(crate) fn account(&self) -> &Account {
        &self.account
    }

    /// Holds the places of a reply; none gives back the held places.
    pub(crate) fn hold(&self, places: Option<Places>) {
        let before = std::mem::replace(&mut *self.held.lock().unwrap_or_else(PoisonError::into_inner), places);
        drop(before);
    }

    /// Places for an answer of this many bytes: those that are held, as many of them as it takes.
    ///
    /// # Errors
    /// As [`Account::wait_for`].
    pub(super) async fn settle(&self, bytes: usize) -> Result<Places, OpError> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut places) = held {
            places.shrink(bytes);
            if places.grow(bytes) {
                return Ok(places);
            }
        }
        self.account.for_answer(bytes).await
    }
}

/// How long a call waits for the bytes of its answer while its principal leaves other answers unread.
const ANSWER_PATIENCE: Duration = Duration::from_secs(10);

/// The current use.
#[derive(Debug)]
pub(crate) struct Ledger {
    each: Bounds,
    taken: Mutex<Taken>,
    given_back: Notify,
}

#[derive(Debug, Default)]
struct Taken {
    by: HashMap<Lane, [usize; KINDS]>,
    by_agents: [usize; KINDS],
}

/// Places that are taken; they are given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Places {
    ledger: Arc<Ledger>,
    payer: Payer,
    of: Of,
    n: usize,
}

impl Ledger {
    /// Nothing is taken.
    pub(crate) fn new(each: Bounds) -> Arc<Self> {
        Arc::new(Self { each, taken: Mutex::default(), given_back: Notify::new() })
    }

    /// How many one may have at most.
    pub(super) fn most(&self, payer: &Payer, of: Of) -> usize {
        if payer.is_operator { Bounds::OF_OPERATORS.of(of).max(self.each.of(of)) } else { self.each.of(of) }
    }

    /// Takes places, if there are any.
    ///
    /// # Errors
    /// `limit_reached` when this one has too many, `store_busy` when all together have.
    pub(super) fn take(self: &Arc<Self>, payer: &Payer, of: Of, n: usize) -> Result<Places, OpError> {
        let most = self.most(payer, of);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.by.get(&payer.lane).map_or(0, |own| own[of as usize]);
        if own.saturating_add(n) > most && !seeded::is(seeded::PLACES_UNBOUNDED) {
            let what = format!("{} of one {}", of.what(), if payer.is_operator { "key" } else { "agent and its helpers" });
            return Err(match n > most {
                // No waiting helps.
                true => Rejection::limit(what, most, n).into(),
                false => Rejection::QuotaReached { what, limit: most as u64, after_ms: AFTER_MS }.into(),
            });
        }
        let all = self.each.of_all().of(of);
        if !payer.is_operator && taken.by_agents[of as usize].saturating_add(n) > all && !seeded::is(seeded::PLACES_UNBOUNDED) {
            return Err(StoreError::Busy(format!("all agents together have {all} {} at this gateway", of.what())).into());
        }
        taken.by.entry(Arc::clone(&payer.lane)).or_default()[of as usize] += n;
        if !payer.is_operator {
            taken.by_agents[of as usize] += n;
        }
        Ok(Places { ledger: Arc::clone(self), payer: payer.clone(), of, n })
    }

    /// The same, but waits until there are enough.
    ///
    /// # Errors
    /// As [`Ledger::take`], after `patience`; at once when it is more than one may have at all.
    pub(super) async fn wait_for(self: &Arc<Self>, payer: &Payer, of: Of, n: usize, patience: Duration) -> Result<Places, OpError> {
        let until = tokio::time::Instant::now() + patience;
        loop {
            // Listens before it looks: places given back in between are noticed.
            let given_back = self.given_back.notified();
            tokio::pin!(given_back);
            given_back.as_mut().enable();
            match self.take(payer, of, n) {
                Err(refused) if n > self.most(payer, of) => return Err(refused),
                Err(refused) => {
                    if tokio::time::timeout_at(until, given_back).await.is_err() {
                        return Err(refused);
                    }
                }
                taken => return taken,
            }
        }
    }
}

/// When to ask again for places that somebody has to give back first.
const AFTER_MS: i64 = 1_000;

impl Places {
    /// Takes more of them, to this many in all: as many as there are, or if its owner has taken none besides these.
    pub(super) fn grow(&mut self, n: usize) -> bool {
        let more = n.saturating_sub(self.n);
        let most = self.ledger.most(&self.payer, self.of);
        let mut taken = self.ledger.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.by.entry(Arc::clone(&self.payer.lane)).or_default();
        let at = self.of as usize;
        if own[at] + more > most && own[at] > self.n && !seeded::is(seeded::PLACES_UNBOUNDED) {
            return false;
        }
        own[at] += more;
        if !self.payer.is_operator {
            taken.by_agents[at] += more;
        }
        self.n += more;
        true
    }

    /// Gives back all but this many.
    pub(super) fn shrink(&mut self, n: usize) {
        if n < self.n {
            self.give_back(self.n - n);
            self.n = n;
        }
    }

    fn give_back(&self, n: usize) {
        let mut taken = self.ledger.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = taken.by.get_mut(&self.payer.lane) {
            own[self.of as usize] = own[self.of as usize].saturating_sub(n);
            if own.iter().all(|n| *n == 0) {
                taken.by.remove(&self.payer.lane);
            }
        }
        if !self.payer.is_operator {
            taken.by_agents[self.of as usize] = taken.by_agents[self.of as usize].saturating_sub(n);
        }
        drop(taken);
        self.ledger.given_back.notify_waiters();
    }
}

impl Drop for Places {
    fn drop(&mut self) {
        self.give_back(self.n);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oarlock_model::ErrorCode;

    fn agent(name: &str) -> Payer {
        Payer { lane: name.into(), is_operator: false }
    }

    fn operator() -> Payer {
        Payer { lane: "key own".into(), is_operator: true }
    }

    fn code<T>(result: Result<T, OpError>) -> Option<ErrorCode> {
        result.err().map(|error| error.code())
    }

    #[test]
    fn one_has_its_share_and_an_operator_always_gets_in() {
        let ledger = Ledger::new(Bounds { streams: 300, ..Bounds::OF_AGENTS });
        let ada: Vec<Places> = (0..300).map(|_| ledger.take(&agent("ada"), Of::Streams, 1).expect("its share")).collect();
        assert_eq!(code(ledger.take(&agent("ada"), Of::Streams, 1)), Some(ErrorCode::LimitReached));
        let bob: Vec<Places> = (0..212).map(|_| ledger.take(&agent("bob"), Of::Streams, 1).expect("the rest")).collect();
        assert_eq!(code(ledger.take(&agent("bob"), Of::Streams, 1)), Some(ErrorCode::StoreBusy), "all agents together");
        let own: Vec<Places> = (0..64).map(|_| ledger.take(&operator(), Of::Streams, 1).expect("an operator's")).collect();
        drop((ada, bob, own));
        assert!(ledger.taken.lock().expect("alone").by.is_empty(), "all was given back");
        assert_eq!(ledger.taken.lock().expect("alone").by_agents, [0; KINDS]);
    }

    #[test]
    fn what_is_shrunk_is_given_back_once() {
        let ledger = Ledger::new(Bounds { answer_bytes: 10, ..Bounds::OF_AGENTS });
        let mut places = ledger.take(&agent("ada"), Of::AnswerBytes, 10).expect("all of it");
        places.shrink(3);
        places.shrink(20);
        let mut rest = ledger.take(&agent("ada"), Of::AnswerBytes, 7).expect("what was given back");
        assert!(!rest.grow(8), "another answer is there");
        assert_eq!(code(ledger.take(&agent("ada"), Of::AnswerBytes, 1)), Some(ErrorCode::LimitReached));
        drop(places);
        assert!(rest.grow(1_000), "the only one may be larger");
        drop(rest);
        assert!(ledger.take(&agent("ada"), Of::AnswerBytes, 10).is_ok());
    }

    #[tokio::test]
    async fn who_waits_gets_what_is_given_back() {
        let ledger = Ledger::new(Bounds { request_bytes: 10, ..Bounds::OF_AGENTS });
        let taken = ledger.take(&agent("ada"), Of::RequestBytes, 8).expect("its share");
        let ada = agent("ada");
        let waits = ledger.wait_for(&ada, Of::RequestBytes, 5, Duration::from_secs(600));
        tokio::pin!(waits);
        assert!(is_pending(waits.as_mut()).await);
        drop(taken);
        assert!(waits.await.is_ok());
        let too_much = ledger.wait_for(&agent("ada"), Of::RequestBytes, 11, Duration::from_secs(600)).await;
        assert_eq!(code(too_much), Some(ErrorCode::LimitReached), "at once");
    }

    #[tokio::test]
    async fn the_reply_to_a_model_counts_until_its_answer_is_taken() {
        let ledger = Ledger::new(Bounds { answer_bytes: 10, ..Bounds::OF_AGENTS });
        let tab = Tab::of(Account { ledger: Arc::clone(&ledger), payer: agent("ada") });
        let take = |n: usize| ledger.take(&agent("ada"), Of::AnswerBytes, n);
        tab.hold(Some(take(9).expect("its share")));
        assert_eq!(code(take(2)), Some(ErrorCode::LimitReached), "it is still cut and written");
        // The next request replaces the former one.
        tab.hold(None);
        tab.hold(Some(take(8).expect("given back")));
        let answer = tab.settle(3).await.expect("of what is held");
        assert_eq!(code(take(8)), Some(ErrorCode::LimitReached));
        drop(take(7).expect("it takes three"));
        drop(answer);
        assert!(take(10).is_ok());
        // One that holds nothing waits as others do.
        assert!(tab.settle(10).await.is_ok());
    }

    /// Whether a future is pending when it is asked once.
    async fn is_pending<F: Future>(mut future: std::pin::Pin<&mut F>) -> bool {
        std::future::poll_fn(|cx| std::task::Poll::Ready(future.as_mut().poll(cx).is_pending())).await
    }
}

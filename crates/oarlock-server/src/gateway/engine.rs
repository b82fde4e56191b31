//! Calls without a thread each: a call is tried by the writer or a reader, and waits as a future in between.

use oarlock_client::{Options, StorePaths, open_alone};
use oarlock_model::identity::StoreId;
use oarlock_ops::OpError;
use oarlock_ops::request::Waiting;
use oarlock_ops::search::{Findings, Tried};
use oarlock_ops::settings::Settings;
use oarlock_ops::store::StoreError;
use oarlock_ops::wait::{Horizon, Patience};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

use super::asked::Asked;
use super::bounds::{Of, Places};
use super::claims::{CatchUp, Claims, Stores};
use super::identity::Identity;
use super::log_follower::LogFollower;
use super::metrics::{Gauges, Metrics};
use super::readers::Readers;
use super::writer::Writer;

/// A waiter that finds all readers taken looks again after this long.
const BUSY_PAUSE: Duration = Duration::from_millis(100);

/// How long the writer waits at the gate, and then for a store that a program beside the gateway writes, before it says so. Callers ask
/// again for as long as their own lock timeout says; a gateway that is silent for longer is taken for one that does not answer.
const BUSY_MAX: Duration = Duration::from_secs(1);

/// Reading threads, at most.
const READERS_MAX: usize = 8;

/// Frames in the log after which the writer moves them into the database (64 MB): a call writes about two, and of 64 that wait for
/// it at once fewer than one in a hundred meets it, however many are made.
const CHECKPOINT_FRAMES: u32 = 16_384;

/// A store that many callers share in one process.
pub(crate) struct Engine {
    writer: Writer,
    claims: Claims,
    readers: Readers,
    pub(super) log: LogFollower,
    pub(super) metrics: Arc<Metrics>,
    pub(super) identity: Arc<Identity>,
    settings: Settings,
    started: Instant,
    /// Whether the process is about to end, or its only client has gone: nobody waits any more.
    pub(super) stopping: watch::Receiver<bool>,
}

/// The outcome of a call.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Its reply, as JSON, and the places that its bytes take until they are sent.
    Reply(String, Option<Places>),
    /// It still waits, and has so for this many milliseconds in all: ask again.
    Waiting(i64),
}

impl Engine {
    /// Opens the store, which must be there, for its writer, this many readers (as many as there are processors, if nothing is
    /// said) and its log.
    ///
    /// # Errors
    /// Those of opening a store.
    pub(crate) fn start(
        place: &StorePaths,
        options: &Options,
        settings: Settings,
        stopping: watch::Receiver<bool>,
        readers: Option<usize>,
    ) -> Result<Arc<Self>, OpError> {
        let open = || open_alone(place, options.clone());
        let readers = readers.unwrap_or_else(|| std::thread::available_parallelism().map_or(2, usize::from).clamp(2, READERS_MAX));
        let stores = (0..readers).map(|_| open()).collect::<Result<Vec<_>, _>>()?;
        let busy = options.busy.min(BUSY_MAX);
        let writing = open_alone(place, Options { checkpoint_frames: CHECKPOINT_FRAMES, busy, ..options.clone() })?;
        let identity = Arc::new(Identity::of(writing.identity().clone()));
        let metrics = Arc::new(Metrics::default());
        let no_thread = |error: std::io::Error| OpError::Internal(format!("no thread can be started: {error}"));
        let notes = (Arc::clone(&metrics), Arc::clone(&identity));
        let beside = Stores::new(place, Options { busy, ..options.clone() });
        let files = CatchUp::start(beside.clone(), settings.clone()).map_err(no_thread)?;
        Ok(Arc::new(Self {
            writer: Writer::start(writing, open()?, settings.clone(), notes.clone(), files).map_err(no_thread)?,
            claims: Claims::new(beside, settings.clone(), notes),
            readers: Readers::start(stores, &identity).map_err(no_thread)?,
            log: LogFollower::start(open()?, settings.clone(), Arc::clone(&identity))?,
            metrics,
            identity,
            settings,
            started: Instant::now(),
            stopping,
        }))
    }

    /// Makes a call.
    ///
    /// # Errors
    /// Refusals and store errors; `store_busy` when too much is asked at once.
    pub(crate) async fn ask(&self, asked: &Asked) -> Result<Outcome, OpError> {
        let mut findings = Findings::default();
        let first = self.attempt(asked, &mut findings).await;
        match (asked.call.waiting(), first) {
            (Some(waiting), Err(error)) if error.is_not_yet() => match self.wait(asked, waiting, error, findings).await {
                Err(error @ OpError::Rejected(_)) if asked.call.goes_on() => {
                    let reply = self.writer.give_up(asked, error).await?;
                    Ok(Outcome::Reply(reply, None))
                }
                outcome => outcome,
            },
            (_, outcome) => outcome,
        }
    }

    /// Tries it once. What its answer takes is taken before it is made.
    async fn attempt(&self, asked: &Asked, findings: &mut Findings) -> Result<Outcome, OpError> {
        let places = match &asked.account {
            Some(account) => Some(account.for_answer(asked.copies * asked.answer_bytes()).await?),
            None => None,
        };
        let reply = self.made(asked, findings).await?;
        let places = match places {
            Some(mut places) => {
                let bytes = asked.copies * reply.len();
                places.shrink(bytes);
                if !places.grow(bytes) && asked.call.durability().is_none() {
                    let why = "the answer is larger than the space left by other unread answers";
                    return Err(StoreError::Busy(why.into()).into());
                }
                Some(places)
            }
            None => None,
        };
        Ok(Outcome::Reply(reply, places))
    }

    async fn made(&self, asked: &Asked, findings: &mut Findings) -> Result<String, OpError> {
        if asked.call.durability().is_some() && asked.call.needs_store() {
            return self.mutate(asked, findings).await;
        }
        let (call, caller) = (Arc::clone(&asked.call), asked.caller.clone());
        let settings = self.settings.clone();
        self.readers
            .read(asked.lane(), move |store| match call.without_store(&settings)? {
                Some(reply) => reply.to_text(),
                None => call.attempt(store, &caller, &settings),
            })
            .await
    }

    /// The writer decides, in bounded time; what it would have to search for, a reader finds meanwhile.
    async fn mutate(&self, asked: &Asked, findings: &mut Findings) -> Result<String, OpError> {
        loop {
            let writer = match asked.call.may_grant() {
                true => self.claims.writer()?.unwrap_or(&self.writer),
                false => &self.writer,
            };
            let (tried, after) = writer.call(asked, std::mem::take(findings)).await;
            *findings = after;
            match tried? {
                Tried::Done(reply) => return Ok(reply),
                Tried::Portion => continue,
                Tried::Search => {}
            }
            let (call, caller, settings) = (Arc::clone(&asked.call), asked.caller.clone(), self.settings.clone());
            let mut searching = std::mem::take(findings);
            *findings = self
                .readers
                .read(asked.lane(), move |store| {
                    call.search(store, &caller, &settings, &mut searching);
                    Ok(searching)
                })
                .await?;
        }
    }

    async fn wait(&self, asked: &Asked, waiting: Waiting, first: OpError, mut findings: Findings) -> Result<Outcome, OpError> {
        let _place = asked.account.as_ref().map(|account| account.take(Of::Waits, 1)).transpose()?;
        let mut last = first;
        let mut patience: Option<Patience> = None;
        let slice_ends = tokio::time::Instant::now() + asked.slice;
        loop {
            let (horizon, is_worth_trying) = match self.look(asked, findings.clone()).await {
                Ok((horizon, is_worth_trying, after)) => {
                    findings = after;
                    (horizon, is_worth_trying)
                }
                // Everybody was woken at once: this one looks a little later.
                Err(OpError::Store(StoreError::Busy(_))) => {
                    tokio::time::sleep(BUSY_PAUSE).await;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let patience = *patience.get_or_insert(Patience::since(waiting, horizon.now.store.plus_ms(-asked.waited_ms)));
            // Not for a client that has gone: it would get what it never hears of.
            if is_worth_trying && !self.is_stopping() {
                last = match self.attempt(asked, &mut findings).await {
                    Err(error) if error.is_not_yet() => error,
                    outcome => return outcome,
                };
            }
            let Some(sleep_ms) = patience.sleep_ms(&horizon) else { return Err(patience.over(last, horizon.now)) };
            if self.is_stopping() || slice_ends <= tokio::time::Instant::now() {
                return Ok(Outcome::Waiting(patience.waited_ms(horizon.now)));
            }
            let until = tokio::time::Instant::now() + Duration::from_millis(sleep_ms.unsigned_abs());
            // A line logged after the read wakes it, also when that was before it began to listen.
            let mut stopping = self.stopping.clone();
            tokio::select! {
                () = self.log.after(horizon.seq, waiting.topics) => {}
                () = tokio::time::sleep_until(until.min(slice_ends)) => {}
                _ = stopping.wait_for(|stopping| *stopping) => {}
            }
        }
    }

    async fn look(&self, asked: &Asked, mut findings: Findings) -> Result<(Horizon, bool, Findings), OpError> {
        let (call, caller, settings) = (Arc::clone(&asked.call), asked.caller.clone(), self.settings.clone());
        self.readers
            .read(asked.lane(), move |store| {
                let horizon = Horizon::of(store)?;
                let is_worth_trying = call.is_worth_trying(store, &caller, &settings, &mut findings)?;
                Ok((horizon, is_worth_trying, findings))
            })
            .await
    }

    /// Which store is served now.
    pub(crate) fn store_id(&self) -> StoreId {
        self.identity.now().id()
    }

    /// Whether the process is about to end.
    pub(super) fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// The current gauges.
    pub(super) fn gauges(&self) -> Gauges {
        Gauges { followers: self.log.followers(), uptime: self.started.elapsed() }
    }
}

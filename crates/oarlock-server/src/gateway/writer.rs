//! The one thread that writes: whatever has come in while the last commit was on its way to the disk goes into the next
//! one, and no reply leaves before its commit.

use oarlock_ops::OpError;
use oarlock_ops::caller::Caller;
use oarlock_ops::registry::Call;
use oarlock_ops::search::{Findings, Tried};
use oarlock_ops::settings::Settings;
use oarlock_ops::store::{Durability, ServedStore, Store, StoreError};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

use super::asked::Asked;
use super::claims::CatchUp;
use super::give_back;
use super::identity::Identity;
use super::lanes::{Lane, Lanes, Refused};
use super::metrics::Metrics;

/// Calls that may wait for the writer; more are asked to come back later.
pub(super) const QUEUE_MAX: usize = 1_024;

/// Calls of one commit, at most: the first of them waits for the last.
const GROUP_MAX: usize = 128;

/// Bytes of requests of one commit, about: their writes are synced with it.
const GROUP_BYTES: usize = 512 << 10;

/// No further call of a commit begins after this long.
const GROUP_PATIENCE: Duration = Duration::from_millis(10);

/// The cost of a byte of a request as work: writing it comes with the commit.
const WORK_OF_BYTE: Duration = Duration::from_nanos(10);

/// One call for the writer.
struct Write {
    /// The bytes of its request.
    bytes: usize,
    call: Arc<dyn Call>,
    caller: Caller,
    /// Why it does not go on, when its wait for its second step has ended.
    given_up: Option<OpError>,
    /// Whether its caller can ask for the reply again, by an idempotency key of its own.
    can_repeat: bool,
    /// Its results of searches, which readers make.
    findings: Findings,
    reply: oneshot::Sender<(Tries, Findings)>,
}

/// The outcome of one try of the writer.
type Tries = Result<Tried<String>, OpError>;

impl Write {
    fn attempt(&mut self, store: &mut dyn Store, settings: &Settings) -> Tries {
        match &self.given_up {
            None => self.call.try_once(store, &self.caller, settings, &mut self.findings),
            Some(refusal) => self.call.give_up(store, &self.caller, refusal.clone()).map(Tried::Done),
        }
    }
}

/// The way to the writing thread.
pub(super) struct Writer {
    queue: Arc<Lanes<Write>>,
}

impl Writer {
    /// Starts the thread on a handle of its own.
    pub(super) fn start(
        store: Box<dyn ServedStore>,
        ahead: Box<dyn ServedStore>,
        settings: Settings,
        notes: Notes,
        files: CatchUp,
    ) -> std::io::Result<Self> {
        Self::start_with(store, settings, notes, Some((Log::start(ahead)?, files)))
    }

    /// The same for calls that cannot share a commit: each is made alone, and may wait for more than the store.
    pub(super) fn start_alone(store: Box<dyn ServedStore>, settings: Settings, notes: Notes) -> std::io::Result<Self> {
        Self::start_with(store, settings, notes, None)
    }

    fn start_with(store: Box<dyn ServedStore>, settings: Settings, notes: Notes, helpers: Option<(Log, CatchUp)>) -> std::io::Result<Self> {
        let queue = Arc::new(Lanes::new(QUEUE_MAX));
        let calls = Arc::clone(&queue);
        std::thread::Builder::new().name("writer".into()).spawn(move || {
            // When it ends, all waiting and new calls are informed.
            let _ends = Ends(&calls);
            write_on(store, &settings, &calls, helpers, &notes);
        })?;
        Ok(Self { queue })
    }

    /// Makes one call, in one commit with others that are there.
    ///
    /// # Errors
    /// Those of the call; `store_busy` when too many wait.
    pub(super) async fn call(&self, asked: &Asked, findings: Findings) -> (Tries, Findings) {
        self.write(asked, None, findings).await
    }

    /// Ends the wait of a call for its second step: the reply shows what its first has done.
    ///
    /// # Errors
    /// The refusal, when the first step was not made; `store_busy` when too many wait.
    pub(super) async fn give_up(&self, asked: &Asked, refusal: OpError) -> Result<String, OpError> {
        match self.write(asked, Some(refusal.clone()), Findings::default()).await.0? {
            Tried::Done(reply) => Ok(reply),
            Tried::Search | Tried::Portion => Err(refusal),
        }
    }

    async fn write(&self, asked: &Asked, given_up: Option<OpError>, findings: Findings) -> (Tries, Findings) {
        let (reply, told) = oneshot::channel();
        let (call, caller) = (Arc::clone(&asked.call), asked.caller.clone());
        let write = Write { bytes: asked.bytes, call, caller, given_up, can_repeat: asked.can_repeat(), findings, reply };
        let refused = match self.queue.push(asked.lane(), write) {
            Ok(()) => None,
            Err(Refused::Full) => Some(StoreError::Busy(format!("{QUEUE_MAX} calls wait for the gateway")).into()),
            Err(Refused::Closed) => Some(gone()),
        };
        match refused {
            None => told.await.unwrap_or_else(|_| (Err(gone()), Findings::default())),
            Some(error) => (Err(error), Findings::default()),
        }
    }
}

/// The thread has ended: the process is about to.
pub(super) fn gone() -> OpError {
    StoreError::Unavailable { message: "the gateway is going down".into(), hint: "try again; with a key, nothing is done twice".into() }
        .into()
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// Ends the queue with the thread: what waits in it is dropped, which its callers hear.
struct Ends<'a>(&'a Lanes<Write>);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.close();
        while self.0.try_pop().is_some() {}
    }
}

type Notes = (Arc<Metrics>, Arc<Identity>);

fn write_on(
    mut store: Box<dyn ServedStore>,
    settings: &Settings,
    calls: &Lanes<Write>,
    helpers: Option<(Log, CatchUp)>,
    (metrics, identity): &Notes,
) {
    while let Some(first) = calls.pop() {
        let mut bytes = first.1.bytes;
        let mut group = vec![first];
        while group.len() < GROUP_MAX && bytes < GROUP_BYTES {
            let Some(next) = calls.try_pop() else { break };
            bytes += next.1.bytes;
            group.push(next);
        }
        // Who has gone away need not have it done any more.
        group.retain(|(_, write)| !write.reply.is_closed());
        if group.is_empty() {
            continue;
        }
        let made = match &helpers {
            Some(_) => commit(&mut *store, settings, group, calls, identity),
            None => alone(&mut *store, settings, group, calls, identity),
        };
        metrics.group(made);
        if let Some((log, files)) = &helpers {
            log.note(&mut *store);
            files.note();
        }
    }
}

/// The thread that tidies what commits leave while the writer goes on: else every call would wait for it now and then.
struct Log {
    wanted: SyncSender<()>,
}

impl Log {
    fn start(mut store: Box<dyn ServedStore>) -> std::io::Result<Self> {
        let (wanted, asked) = sync_channel(1);
        std::thread::Builder::new().name("log".into()).spawn(move || {
            while asked.recv().is_ok() {
                store.upkeep();
            }
        })?;
        Ok(Self { wanted })
    }

    /// The writer has committed.
    fn note(&self, store: &mut dyn ServedStore) {
        if store.wants_upkeep() {
            // One that is still at it will have this to do next, or the one after does.
            let _ = self.wanted.try_send(());
        }
    }
}

/// Makes the calls that fit into one commit, and puts the others back. Says how many it made.
fn commit(
    store: &mut dyn ServedStore,
    settings: &Settings,
    mut group: Vec<(Lane, Write)>,
    calls: &Lanes<Write>,
    identity: &Identity,
) -> usize {
    if let [_] = group.as_slice() {
        one_by_one(store, settings, group, calls, identity);
        return 1;
    }
    let durability = match group.iter().all(|(_, write)| write.call.durability() == Some(Durability::Presence)) {
        true => Durability::Presence,
        false => Durability::Full,
    };
    let mut outcomes = Vec::with_capacity(group.len());
    let before: Vec<Findings> = group.iter().map(|(_, write)| write.findings.clone()).collect();
    let committed = store.group(durability, &mut |store: &mut dyn Store| {
        let begun = Instant::now();
        for (lane, write) in &mut group {
            outcomes.push(timed(calls, lane, write.bytes, || write.attempt(store, settings)));
            if begun.elapsed() >= GROUP_PATIENCE {
                break;
            }
        }
        Ok(())
    });
    // Where none of them began, as the store cannot be had, all of them are informed so at once.
    let begun = if outcomes.is_empty() { group.len() } else { outcomes.len() };
    for (lane, write) in group.split_off(begun).into_iter().rev() {
        calls.put_back(&lane, write);
    }
    let made = group.len();
    // Before any answer leaves: it says which store it comes from.
    identity.note(store.identity());
    match committed {
        Ok(true) => {
            for ((_, write), outcome) in group.into_iter().zip(outcomes) {
                answer(store, settings, write, outcome);
            }
        }
        // What made one fail is nobody else's business: nothing was done, so each is asked for itself.
        Ok(false) => {
            // Findings from undone work are not true.
            group.iter_mut().zip(before).for_each(|((_, write), findings)| write.findings = findings);
            one_by_one(store, settings, group, calls, identity);
        }
        Err(error) => {
            for (_, write) in group {
                let _ = write.reply.send((Err(error.clone().into()), write.findings));
            }
        }
    }
    made
}

/// Makes calls that cannot share a commit. What one of them has waited for in vain, none of the others waits for.
fn alone(store: &mut dyn ServedStore, settings: &Settings, group: Vec<(Lane, Write)>, calls: &Lanes<Write>, identity: &Identity) -> usize {
    let (mut made, mut busy) = (0, None);
    for (lane, mut write) in group {
        let outcome = match &busy {
            Some(busy) => Err(OpError::Store(StoreError::Busy(String::clone(busy)))),
            None => {
                made += 1;
                timed(calls, &lane, write.bytes, || write.attempt(store, settings))
            }
        };
        if let Err(OpError::Store(StoreError::Busy(why))) = &outcome {
            busy = Some(why.clone());
        }
        identity.note(store.identity());
        answer(store, settings, write, outcome);
    }
    made
}

fn one_by_one(store: &mut dyn ServedStore, settings: &Settings, group: Vec<(Lane, Write)>, calls: &Lanes<Write>, identity: &Identity) {
    for (lane, mut write) in group {
        let outcome = timed(calls, &lane, write.bytes, || write.attempt(store, settings));
        identity.note(store.identity());
        answer(store, settings, write, outcome);
    }
}

/// Makes a call, and counts the work for its lane.
fn timed<T>(calls: &Lanes<Write>, lane: &Lane, bytes: usize, attempt: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let outcome = attempt();
    let of_bytes = WORK_OF_BYTE.saturating_mul(u32::try_from(bytes).unwrap_or(u32::MAX));
    calls.charge(lane, begun.elapsed() + of_bytes);
    outcome
}

/// Hands over the outcome. If the caller has gone away meanwhile, what it got is given back; not with an idempotency key, by which the
/// reply can be asked for again.
fn answer(store: &mut dyn ServedStore, settings: &Settings, write: Write, outcome: Tries) {
    let Write { call, caller, can_repeat, findings, reply, .. } = write;
    let Err((Ok(Tried::Done(unheard)), _)) = reply.send((outcome, findings)) else { return };
    if can_repeat {
        return;
    }
    let given = serde_json::from_str(&unheard).ok().and_then(|unheard| call.read_reply(unheard));
    for call in given.iter().flat_map(|given| give_back::calls(call.verb(), given)) {
        // It fails where the lease has been lost already; and at the latest, its time runs out.
        let _ = call.attempt(store, &caller, settings);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oarlock_model::AgentName;
    use oarlock_ops::registry;
    use oarlock_sqlite::{Options, SqliteStore, StorePaths};
    use serde_json::{Value, json};
    use tempfile::TempDir;

    /// A store with an agent, and two tasks.
    fn store() -> (TempDir, SqliteStore, Caller) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let place = StorePaths::of_file(dir.path().join("oarlock.db"));
        let (mut store, _) = SqliteStore::create(&place, "T", Options::default()).expect("a new store");
        let ada = Caller::named(AgentName::parse("ada").expect("a name"));
        for (verb, request) in
            [("join", json!({"name": "ada"})), ("add", json!({"title": "one", "writes": ["src/**"]})), ("add", json!({"title": "two"}))]
        {
            call(verb, request).run(&mut store, &ada, &Settings::default()).expect("it is done");
        }
        (dir, store, ada)
    }

    fn call(verb: &str, request: Value) -> Arc<dyn Call> {
        Arc::from((registry::find(verb).expect("a verb").from_json)(request).expect("a request"))
    }

    /// Makes a call whose caller goes away before the answer.
    fn unheard(store: &mut SqliteStore, call: &Arc<dyn Call>, caller: &Caller) {
        let outcome = call.attempt(store, caller, &Settings::default());
        assert!(outcome.is_ok(), "{outcome:?}");
        let (reply, told) = oneshot::channel();
        drop(told);
        answer(
            store,
            &Settings::default(),
            Write {
                bytes: 0,
                call: Arc::clone(call),
                caller: caller.clone(),
                given_up: None,
                can_repeat: caller.key.is_some(),
                findings: Findings::default(),
                reply,
            },
            outcome.map(Tried::Done),
        );
    }

    #[test]
    fn what_a_client_got_that_has_gone_is_given_back() {
        let (_dir, mut store, ada) = store();
        for (verb, request) in
            [("claim", json!({"reserve": true})), ("claim", json!({"count": 2})), ("reserve", json!({"globs": ["docs/**"]}))]
        {
            unheard(&mut store, &call(verb, request), &ada);
        }
        let mut ask = |verb: &str| {
            call(verb, json!({})).run(&mut store, &ada, &Settings::default()).and_then(|reply| reply.to_value()).expect("an answer")
        };
        assert_eq!((&ask("status")["tasks"]["ready"], &ask("reservations")["reservations"]), (&json!(2), &json!([])));
    }

    #[test]
    fn with_a_key_it_can_be_asked_for_again_and_is_kept() {
        let (_dir, mut store, ada) = store();
        let (ada, claim) = (Caller { key: Some("k".into()), ..ada }, call("claim", json!({})));
        unheard(&mut store, &claim, &ada);
        let again = claim.run(&mut store, &ada, &Settings::default()).and_then(|reply| reply.to_value()).expect("the kept reply");
        assert_eq!((&again["task"]["state"], &again["lease"]["task"]), (&json!("claimed"), &json!("T-1")));
    }
}

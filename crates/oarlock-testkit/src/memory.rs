//! [`MemoryStore`]: the specification as a store. Appending is `State::apply`, finding is scanning maps;
//! it is slow and obviously right, and every other store is compared with it.

mod graph;
mod group;
mod owners;
mod scan;
mod transaction;
mod view;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use oarlock_model::agent::Owner;
use oarlock_model::event::{Authors, Event};
use oarlock_model::rules::reserve::StarvedClaim;
use oarlock_model::state::State;
use oarlock_model::{AgentName, Now, SessionId, StoreIdentity, StoreTime, TaskId, WallTime};
use oarlock_ops::lock::Lock;
use oarlock_ops::outside::Outside;
use oarlock_ops::owners::{OwnerLiveness, Owners};
use oarlock_ops::store::{Durability, Listening, ReplyKey, Store, StoreResult, StoredReply, Transaction, View};
use oarlock_ops::topic::Topics;

use crate::virtual_wait::VirtualListening;
use owners::{MemoryOwners, Taken};
use transaction::MemoryTransaction;

/// The first store time ever, in milliseconds; not 0, so that "before the beginning" can be known.
const STORE_TIME_FIRST: StoreTime = StoreTime(1_000);

/// The wall time at which tests begin: 2026-01-01T00:00:00Z.
const WALL_TIME_FIRST: WallTime = WallTime(1_767_225_600_000);

/// Everything a store keeps, the state of the specification and its neighbours.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// The state that the log determines, with presence, renewals and notices written into it.
    pub state: State,
    /// The log.
    pub log: Vec<Event>,
    /// The number the next event gets.
    pub next_seq: u64,
    /// The identity of the store.
    pub identity: StoreIdentity,
    /// Claims in vain because of others' reservations.
    pub starved: BTreeMap<TaskId, StarvedClaim>,
    /// Replies by idempotency key, with the moment they were given.
    pub replies: BTreeMap<ReplyKey, (StoreTime, StoredReply)>,
    /// The known owners of sessions; of any other, nothing is known.
    pub owners: BTreeMap<SessionId, OwnerLiveness>,
}

/// One moment of the store: what a view sees.
#[derive(Clone, Debug)]
pub(crate) struct Moment {
    pub(crate) world: World,
    pub(crate) now: Now,
    pub(crate) prefix: String,
    /// Sessions whose lock was taken since the machine was last asked for.
    taken: Taken,
}

/// The clock of a test, shared by all who hold a clone.
#[derive(Clone, Debug)]
pub struct TestClock(Arc<Mutex<Now>>);

impl TestClock {
    fn new() -> Self {
        let now = Now { store: STORE_TIME_FIRST, wall: WALL_TIME_FIRST };
        Self(Arc::new(Mutex::new(now)))
    }

    /// The moment.
    pub fn now(&self) -> Now {
        *self.0.lock().expect("nobody panics while holding it")
    }

    /// Time passes on both clocks, `ms` milliseconds.
    pub fn pass_ms(&self, ms: i64) {
        self.set(|now| {
            now.store = now.store.plus_ms(ms);
            now.wall = now.wall.plus_ms(ms);
        });
    }

    fn set(&self, change: impl FnOnce(&mut Now)) {
        change(&mut self.0.lock().expect("nobody panics while holding it"));
    }
}

/// A store in memory whose time, boot and owners' lives a test decides.
#[derive(Debug)]
pub struct MemoryStore {
    world: World,
    clock: TestClock,
    boot_id: String,
    prefix: String,
    /// Counts the looks that all who share the store take in turn.
    turns: Arc<AtomicU64>,
    taken: Taken,
    outside: Option<Arc<dyn Outside>>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new("T")
    }
}

impl MemoryStore {
    /// An empty store on boot `boot-1` whose made-up task ids begin with `prefix`.
    #[must_use]
    pub fn new(prefix: &str) -> Self {
        Self::of(StoreIdentity::default(), prefix)
    }

    /// An empty store of this identity.
    #[must_use]
    pub fn of(identity: StoreIdentity, prefix: &str) -> Self {
        let world = World { next_seq: identity.base() + 1, identity, ..World::default() };
        let (turns, taken) = (Arc::default(), Taken::default());
        Self { world, clock: TestClock::new(), boot_id: "boot-1".to_owned(), prefix: prefix.to_owned(), turns, taken, outside: None }
    }

    /// The same store again, with a clock of its own: what happens to one does not happen to the other.
    #[must_use]
    pub fn forked(&self) -> Self {
        let clock = TestClock(Arc::new(Mutex::new(self.clock.now())));
        let (turns, taken) = (Arc::default(), Taken::default());
        Self { world: self.world.clone(), clock, boot_id: self.boot_id.clone(), prefix: self.prefix.clone(), turns, taken, outside: None }
    }

    /// Files beside it have tasks of it.
    pub fn set_outside(&mut self, outside: Arc<dyn Outside>) {
        self.outside = Some(outside);
    }

    /// The stored state.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Time passes: store time and wall time go on by `ms` milliseconds.
    pub fn advance_ms(&mut self, ms: i64) {
        self.clock.pass_ms(ms);
    }

    /// The wall clock steps, in either direction; store time is deaf to it (semantics 6).
    pub fn step_wall_ms(&mut self, ms: i64) {
        self.clock.set(|now| now.wall = now.wall.plus_ms(ms));
    }

    /// The machine starts again: sessions of the boot before are of another boot now, and store time
    /// goes on from the latest moment that anything in the store has seen.
    pub fn reboot(&mut self, boot_id: &str) {
        boot_id.clone_into(&mut self.boot_id);
        let latest = self.latest_moment();
        self.clock.set(|now| now.store = latest);
    }

    /// The owner of a session is known from now on.
    pub fn set_owner_sight(&mut self, session: &SessionId, liveness: OwnerLiveness) {
        self.world.owners.insert(session.clone(), liveness);
    }

    /// The owner of the agent's session dies, if a process owns it.
    pub fn kill(&mut self, name: &AgentName) {
        let Some(agent) = self.world.state.agents.get(name) else { return };
        if agent.owner != Owner::None {
            let session = agent.session.clone();
            self.set_owner_sight(&session, OwnerLiveness::Died);
        }
    }

    /// The log replayed into an empty state, as an import would.
    ///
    /// # Errors
    /// The first event that cannot follow those before it, in words.
    pub fn replayed(&self) -> Result<State, String> {
        replay(&self.world.log)
    }

    fn latest_moment(&self) -> StoreTime {
        let State { agents, tasks, .. } = &self.world.state;
        let logged = self.world.log.iter().map(|event| event.store_at);
        let seen = agents.values().flat_map(|agent| [agent.presence.seen, agent.presence.beat]);
        let renewed = tasks.values().filter_map(|task| task.holder()).map(|grant| grant.renewed);
        logged.chain(seen).chain(renewed).max().unwrap_or(STORE_TIME_FIRST).max(STORE_TIME_FIRST)
    }

    fn moment(&self) -> Moment {
        Moment { world: self.world.clone(), now: self.clock.now(), prefix: self.prefix.clone(), taken: Arc::clone(&self.taken) }
    }
}

/// Replays a log into an empty state.
///
/// # Errors
/// The first event that cannot follow those before it, in words.
pub fn replay(log: &[Event]) -> Result<State, String> {
    let (mut state, mut authors) = (State::default(), Authors::default());
    for event in log {
        authors.read(event).map_err(|why| format!("event {}: {why}", event.seq))?;
        state.apply(event).map_err(|error| error.to_string())?;
    }
    Ok(state)
}

impl Store for MemoryStore {
    fn is_read_only(&self) -> bool {
        false
    }

    fn owners(&mut self) -> Box<dyn Owners> {
        self.taken.lock().expect("nobody panics while holding it").clear();
        let (sights, taken) = (self.world.owners.clone(), Arc::clone(&self.taken));
        Box::new(MemoryOwners { boot_id: self.boot_id.clone(), sights, taken, turns: Arc::clone(&self.turns) })
    }

    fn outside(&self) -> Option<Arc<dyn Outside>> {
        self.outside.clone()
    }

    fn begin<'a>(&'a mut self, _locks: &[Lock], _durability: Durability) -> StoreResult<Box<dyn Transaction + 'a>> {
        let moment = self.moment();
        Ok(Box::new(MemoryTransaction::new(moment, &mut self.world)))
    }

    fn snapshot<'a>(&'a mut self) -> StoreResult<Box<dyn View + 'a>> {
        Ok(Box::new(self.moment()))
    }

    fn listen(&mut self, _topics: Topics) -> StoreResult<Box<dyn Listening>> {
        let clock = self.clock.clone();
        Ok(Box::new(VirtualListening::new(Arc::new(move |ms| clock.pass_ms(ms)))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oarlock_model::event::{StateSet, StoreRestored};
    use oarlock_ops::store::NewEvent;

    fn state_set(version: u64) -> NewEvent {
        let key = oarlock_model::StateKey::parse("a").expect("valid");
        let fact = StateSet { key, value: serde_json::json!(version), version }.into();
        NewEvent { at: WALL_TIME_FIRST, store_at: STORE_TIME_FIRST, agent: None, session: None, fact }
    }

    #[test]
    fn what_is_not_committed_leaves_no_trace() {
        let mut store = MemoryStore::default();
        let mut tx = store.begin(&[Lock::Everything], Durability::Full).expect("begins");
        tx.append(state_set(1)).expect("follows");
        drop(tx);
        assert_eq!(store.world().state, State::default());
    }

    #[test]
    fn undoing_goes_back_to_the_last_mark() {
        let mut store = MemoryStore::default();
        let mut tx = store.begin(&[Lock::Everything], Durability::Full).expect("begins");
        assert!(!tx.undo_to_mark().expect("nothing to undo"));
        tx.append(state_set(1)).expect("follows");
        tx.mark().expect("marks");
        tx.append(state_set(2)).expect("follows");
        assert!(tx.undo_to_mark().expect("undoes"));
        assert_eq!(tx.next_seq(), 2);
        tx.commit().expect("commits");
        assert_eq!(store.world().log.len(), 1);
    }

    #[test]
    fn an_event_that_cannot_follow_is_refused() {
        let mut store = MemoryStore::default();
        let mut tx = store.begin(&[Lock::Everything], Durability::Full).expect("begins");
        tx.append(state_set(5)).expect("follows");
        assert!(tx.append(state_set(5)).is_err());
    }

    #[test]
    fn a_reboot_goes_on_at_the_latest_moment_seen() {
        let mut store = MemoryStore::default();
        store.advance_ms(5_000);
        let mut tx = store.begin(&[Lock::Everything], Durability::Full).expect("begins");
        let now = tx.view().now();
        let fact = StoreRestored { epoch: 1, identity: None }.into();
        tx.append(NewEvent { at: now.wall, store_at: now.store, agent: None, session: None, fact }).expect("follows");
        tx.commit().expect("commits");
        store.advance_ms(60_000);
        store.reboot("boot-2");
        assert_eq!(store.snapshot().expect("reads").now().store, StoreTime(6_000));
    }
}

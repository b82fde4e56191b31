//! A store that counts what its writing transactions read, so that tests can say that a decision reads little whatever the store holds,
//! without measuring time.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;

use oarlock_model::agent::{Agent, Presence};
use oarlock_model::event::Event;
use oarlock_model::message::Message;
use oarlock_model::reservation::{Reservation, Target};
use oarlock_model::rules::holdings::Held;
use oarlock_model::rules::reserve::StarvedClaim;
use oarlock_model::rules::resting::RestingFacts;
use oarlock_model::rules::urgency::{Around, Node};
use oarlock_model::state::{Entry, Notice, State};
use oarlock_model::task::{Grant, Task, TaskState};
use oarlock_model::{AgentName, MessageId, Now, ReservationId, SessionId, StateKey, StoreIdentity, StoreTime, TaskId, WallTime};
use oarlock_ops::lock::Lock;
use oarlock_ops::store::{
    Counts, Durability, EntryPage, EventFilter, Expired, InboxPart, Listening, Offer, OwnerSight, QueuePlace, Remembered, ReplyKey, Store,
    StoreResult, TaskFilter, Transaction, View,
};
use oarlock_ops::topic::Topics;

/// What was read inside of writing transactions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// Tasks, to choose one.
    pub offers: usize,
    /// Reservations.
    pub reservations: usize,
    /// Sessions whose process the system was asked about.
    pub owners: usize,
}

/// A store whose reads are counted.
pub struct Counted<S> {
    inner: S,
    reads: Rc<Cell<Reads>>,
    snapshots: usize,
}

impl<S> Counted<S> {
    /// Counts into `reads`.
    pub fn new(inner: S, reads: Rc<Cell<Reads>>) -> Self {
        Self { inner, reads, snapshots: 0 }
    }

    /// The store itself.
    pub fn inner(&mut self) -> &mut S {
        &mut self.inner
    }

    /// How many snapshots were taken.
    pub fn snapshots(&self) -> usize {
        self.snapshots
    }
}

impl<S: Store> Store for Counted<S> {
    fn begin<'a>(&'a mut self, locks: &[Lock], durability: Durability) -> StoreResult<Box<dyn Transaction + 'a>> {
        let inner = self.inner.begin(locks, durability)?;
        Ok(Box::new(CountedTransaction { inner, reads: Rc::clone(&self.reads) }))
    }

    fn snapshot<'a>(&'a mut self) -> StoreResult<Box<dyn View + 'a>> {
        self.snapshots += 1;
        self.inner.snapshot()
    }

    fn is_read_only(&self) -> bool {
        self.inner.is_read_only()
    }

    fn listen(&mut self, topics: Topics) -> StoreResult<Box<dyn Listening>> {
        self.inner.listen(topics)
    }
}

struct CountedTransaction<'a> {
    inner: Box<dyn Transaction + 'a>,
    reads: Rc<Cell<Reads>>,
}

impl CountedTransaction<'_> {
    fn count(&self, offers: usize, reservations: usize) {
        let before = self.reads.get();
        self.reads.set(Reads { offers: before.offers + offers, reservations: before.reservations + reservations, ..before });
    }

    fn reservations_counted(&self, read: StoreResult<Vec<Reservation>>) -> StoreResult<Vec<Reservation>> {
        read.inspect(|found| self.count(0, found.len()))
    }
}

macro_rules! as_the_inner {
    ($(fn $name:ident(&self $(, $arg:ident: $type:ty)*) -> $returns:ty;)*) => {
        $(fn $name(&self $(, $arg: $type)*) -> $returns {
            self.inner.view().$name($($arg),*)
        })*
    };
}

impl View for CountedTransaction<'_> {
    as_the_inner! {
        fn now(&self) -> Now;
        fn identity(&self) -> &StoreIdentity;
        fn boot_id(&self) -> &str;
        fn turn(&self) -> Option<u64>;
        fn agent(&self, name: &AgentName) -> StoreResult<Option<Agent>>;
        fn agents(&self) -> StoreResult<Vec<Agent>>;
        fn owned_agents(&self, skip: usize, limit: usize) -> StoreResult<Vec<Agent>>;
        fn owned_agent_count(&self) -> StoreResult<usize>;
        fn agents_of_other_boots(&self, limit: usize) -> StoreResult<Vec<Agent>>;
        fn agents_of_processes(&self, processes: &[String]) -> StoreResult<Vec<Agent>>;
        fn agents_of_harness(&self, harness: &str) -> StoreResult<Vec<Agent>>;
        fn present_agents(&self, limit: usize) -> StoreResult<Vec<Agent>>;
        fn live_family(&self, root: &AgentName) -> StoreResult<Vec<Agent>>;
        fn holdings_of(&self, root: &AgentName) -> StoreResult<Held>;
        fn claims_of(&self, session: &SessionId) -> StoreResult<Vec<TaskId>>;
        fn first_claims_of(&self, session: &SessionId, limit: usize) -> StoreResult<Vec<TaskId>>;
        fn claim_count(&self, session: &SessionId) -> StoreResult<usize>;
        fn task(&self, id: &TaskId) -> StoreResult<Option<Task>>;
        fn task_state(&self, id: &TaskId) -> StoreResult<Option<TaskState>>;
        fn running_grant(&self, id: &TaskId) -> StoreResult<Option<Grant>>;
        fn next_task_seq(&self) -> StoreResult<u64>;
        fn tasks_of_file(&self, file: &str) -> StoreResult<Vec<TaskId>>;
        fn tasks(&self, filter: &TaskFilter) -> StoreResult<Vec<Task>>;
        fn children(&self, id: &TaskId) -> StoreResult<Vec<TaskId>>;
        fn open_children(&self, id: &TaskId, limit: usize) -> StoreResult<Vec<TaskId>>;
        fn tree(&self, id: &TaskId) -> StoreResult<Vec<(TaskId, TaskState)>>;
        fn dependants(&self, id: &TaskId) -> StoreResult<Vec<TaskId>>;
        fn dependants_of(&self, ids: &[TaskId]) -> StoreResult<Vec<(TaskId, TaskId)>>;
        fn needs(&self, id: &TaskId) -> StoreResult<Vec<TaskId>>;
        fn node(&self, id: &TaskId) -> StoreResult<Option<Node>>;
        fn around(&self, id: &TaskId) -> StoreResult<Option<Around>>;
        fn unmet_needs(&self, id: &TaskId) -> StoreResult<Vec<TaskId>>;
        fn parts_at_rest(&self, id: &TaskId) -> StoreResult<Vec<(TaskId, TaskState, RestingFacts)>>;
        fn ready_in_tree(&self, id: &TaskId) -> StoreResult<Vec<TaskId>>;
        fn may_be_due(&self) -> StoreResult<bool>;
        fn due_tasks(&self, limit: usize) -> StoreResult<Vec<TaskId>>;
        fn next_due_ms(&self) -> StoreResult<Option<i64>>;
        fn was_granted(&self, task: &TaskId, session: &SessionId) -> StoreResult<bool>;
        fn counts(&self) -> StoreResult<Counts>;
        fn dead_letters(&self, limit: usize) -> StoreResult<Vec<TaskId>>;
        fn stuck_tasks(&self, limit: usize) -> StoreResult<BTreeSet<TaskId>>;
        fn dead_ends(&self, id: &TaskId, limit: usize) -> StoreResult<Vec<TaskId>>;
        fn is_stuck(&self, id: &TaskId) -> StoreResult<bool>;
        fn outside_tasks(&self, limit: usize) -> StoreResult<Vec<Task>>;
        fn oldest_ready(&self) -> StoreResult<Option<(TaskId, StoreTime)>>;
        fn entry(&self, key: &StateKey) -> StoreResult<Option<Entry>>;
        fn entries(&self, prefix: &str, page: &EntryPage<'_>) -> StoreResult<Vec<Entry>>;
        fn reservation_count(&self) -> StoreResult<usize>;
        fn reservation_count_of(&self, session: &SessionId) -> StoreResult<usize>;
        fn reservation(&self, id: &ReservationId) -> StoreResult<Option<Reservation>>;
        fn reservations_of_task(&self, task: &TaskId) -> StoreResult<Vec<Reservation>>;
        fn expired_reservations(&self, limit: usize) -> StoreResult<Vec<ReservationId>>;
        fn starved_claims(&self) -> StoreResult<Vec<(TaskId, StarvedClaim)>>;
        fn message(&self, id: &MessageId) -> StoreResult<Option<Message>>;
        fn inbox(&self, agent: &AgentName, part: &InboxPart<'_>) -> StoreResult<Vec<Message>>;
        fn inbox_count(&self, agent: &AgentName, part: &InboxPart<'_>) -> StoreResult<u64>;
        fn open_from(&self, agent: &AgentName, from: &AgentName, limit: usize) -> StoreResult<Vec<u64>>;
        fn thread(&self, id: &MessageId, after: u64, limit: usize) -> StoreResult<Vec<Message>>;
        fn events(&self, filter: &EventFilter) -> StoreResult<Vec<Event>>;
        fn last_event_of(&self, subject: &str, kind: &str) -> StoreResult<Option<Event>>;
        fn last_seq(&self) -> StoreResult<u64>;
        fn task_prefix(&self) -> StoreResult<String>;
        fn remembered(&self, key: &ReplyKey) -> StoreResult<Option<Remembered>>;
        fn state(&self) -> StoreResult<State>;
    }

    fn owner_sight(&self, agent: &Agent) -> OwnerSight {
        let before = self.reads.get();
        self.reads.set(Reads { owners: before.owners + 1, ..before });
        self.inner.view().owner_sight(agent)
    }

    fn ready_offers(&self, after: Option<QueuePlace>, limit: usize) -> StoreResult<Vec<Offer>> {
        self.inner.view().ready_offers(after, limit).inspect(|found| self.count(found.len(), 0))
    }

    fn expired_offers(&self, read_max: usize) -> StoreResult<Option<Expired>> {
        self.inner.view().expired_offers(read_max).inspect(|found| self.count(found.as_ref().map_or(0, |found| found.offers.len()), 0))
    }

    fn offer(&self, id: &TaskId) -> StoreResult<Option<Offer>> {
        self.inner.view().offer(id).inspect(|_| self.count(1, 0))
    }

    fn reservations(&self) -> StoreResult<Vec<Reservation>> {
        self.reservations_counted(self.inner.view().reservations())
    }

    fn reservations_near(&self, targets: &[&Target]) -> StoreResult<Vec<Reservation>> {
        self.reservations_counted(self.inner.view().reservations_near(targets))
    }

    fn first_reservations_of(&self, session: &SessionId, untied: bool, limit: usize) -> StoreResult<Vec<Reservation>> {
        self.reservations_counted(self.inner.view().first_reservations_of(session, untied, limit))
    }

    fn reservations_of(&self, session: &SessionId) -> StoreResult<Vec<Reservation>> {
        self.reservations_counted(self.inner.view().reservations_of(session))
    }
}

impl Transaction for CountedTransaction<'_> {
    fn next_seq(&self) -> u64 {
        self.inner.next_seq()
    }

    fn skip_to(&mut self, seq: u64) {
        self.inner.skip_to(seq);
    }

    fn append(&mut self, event: &Event) -> StoreResult<()> {
        self.inner.append(event)
    }

    fn write_presence(&mut self, name: &AgentName, presence: &Presence) -> StoreResult<()> {
        self.inner.write_presence(name, presence)
    }

    fn write_shown(&mut self, agent: &AgentName, messages: &[MessageId]) -> StoreResult<()> {
        self.inner.write_shown(agent, messages)
    }

    fn write_renewal(&mut self, task: &TaskId, renewed: StoreTime, ttl_ms: i64) -> StoreResult<()> {
        self.inner.write_renewal(task, renewed, ttl_ms)
    }

    fn write_outside_seen(&mut self, task: &TaskId, seen: WallTime) -> StoreResult<()> {
        self.inner.write_outside_seen(task, seen)
    }

    fn take_notices(&mut self, session: &SessionId) -> StoreResult<Vec<Notice>> {
        self.inner.take_notices(session)
    }

    fn note_first_end(&mut self, read_at: StoreTime, first_end: StoreTime) -> StoreResult<()> {
        self.inner.note_first_end(read_at, first_end)
    }

    fn write_starved(&mut self, task: &TaskId, starved: Option<&StarvedClaim>) -> StoreResult<()> {
        self.inner.write_starved(task, starved)
    }

    fn remember(&mut self, key: &ReplyKey, remembered: &Remembered) -> StoreResult<()> {
        self.inner.remember(key, remembered)
    }

    fn take_owner_lock(&mut self, session: &SessionId) -> StoreResult<()> {
        self.inner.take_owner_lock(session)
    }

    fn mark(&mut self) -> StoreResult<()> {
        self.inner.mark()
    }

    fn undo_to_mark(&mut self) -> StoreResult<bool> {
        self.inner.undo_to_mark()
    }

    fn commit(self: Box<Self>) -> StoreResult<()> {
        self.inner.commit()
    }

    fn view(&self) -> &dyn View {
        self
    }
}

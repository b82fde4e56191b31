//! A store around a store: it passes on all that can be done to it, and calls hooks on the way. What counts, measures or fails is one of
//! these with hooks of its own.

use std::collections::BTreeSet;

use oarlock_model::agent::{Agent, Owner, Presence};
use oarlock_model::event::Event;
use oarlock_model::landing::BranchName;
use oarlock_model::message::Message;
use oarlock_model::proposal::Proposal;
use oarlock_model::reservation::{Reservation, Target};
use oarlock_model::rules::holdings::Held;
use oarlock_model::rules::reserve::StarvedClaim;
use oarlock_model::rules::urgency::{Around, Number, Waiter};
use oarlock_model::state::{Entry, Notice, State};
use oarlock_model::task::{Grant, Task, TaskState};
use oarlock_model::{
    AgentName, MessageId, Now, ProposalId, ReservationId, SessionId, StateKey, StoreIdentity, StoreTime, TaskId, WallTime,
};
use oarlock_ops::lock::Lock;
use oarlock_ops::owners::{OwnerLiveness, Owners};
use oarlock_ops::store::{
    AgentView, AtRest, ClosedPart, Counts, Durability, EntryPage, EntryView, EventFilter, Expired, GraphView, InboxPart, LandingCounts,
    Listening, LogView, MessageView, MomentView, Near, NewEvent, Offer, ProposalView, QueuePlace, QueueView, QueuedLanding, ReplyKey,
    ReservationView, Store, StoreResult, StoredReply, TaskFilter, TaskNode, TaskView, Transaction, View,
};
use oarlock_ops::topic::Topics;

/// Something that a writing transaction has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// This many tasks, to choose one.
    Candidates(usize),
    /// This many reservations.
    Reservations(usize),
    /// The system's answer about the process of a session.
    Owner,
    /// The answer to any other question.
    Answer,
}

/// The hooks called on the way. A clone of them goes with each transaction. Each hook only runs its call, unless it is given
/// otherwise.
pub trait Hooks: Clone {
    /// A snapshot is taken.
    fn snapshot(&mut self) {}

    /// A transaction begins.
    ///
    /// # Errors
    /// Those of `act`.
    fn begin<T>(&mut self, act: impl FnOnce() -> StoreResult<T>) -> StoreResult<T> {
        act()
    }

    /// Something is written, this many rows.
    ///
    /// # Errors
    /// Those of `act`.
    fn write<T>(&mut self, _rows: u64, act: impl FnOnce() -> StoreResult<T>) -> StoreResult<T> {
        act()
    }

    /// This many rows more were written by the last reported call.
    fn rows(&mut self, _more: u64) {}

    /// The writes are undone, as far as the last mark.
    ///
    /// # Errors
    /// Those of `act`.
    fn undo<T>(&mut self, act: impl FnOnce() -> StoreResult<T>) -> StoreResult<T> {
        act()
    }

    /// The lock of a process is taken.
    ///
    /// # Errors
    /// Those of `act`.
    fn take_lock<T>(&mut self, act: impl FnOnce() -> StoreResult<T>) -> StoreResult<T> {
        act()
    }

    /// A transaction is committed.
    ///
    /// # Errors
    /// Those of `act`.
    fn commit(&mut self, act: impl FnOnce() -> StoreResult<()>) -> StoreResult<()> {
        act()
    }

    /// A transaction ends without a commit.
    fn drop_it(&mut self) {}

    /// Something was read in a transaction.
    fn read(&self, _what: Read) {}
}

/// The store.
pub struct Wrapped<S, H> {
    inner: S,
    hooks: H,
}

impl<S, H> Wrapped<S, H> {
    /// Puts these hooks around a store.
    pub fn around(inner: S, hooks: H) -> Self {
        Self { inner, hooks }
    }

    /// The store itself.
    pub fn inner(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Its hooks.
    pub fn hooks(&self) -> &H {
        &self.hooks
    }
}

impl<S: Store, H: Hooks + 'static> Store for Wrapped<S, H> {
    fn owners(&mut self) -> Box<dyn Owners> {
        Box::new(Watched { inner: self.inner.owners(), hooks: self.hooks.clone() })
    }

    fn is_read_only(&self) -> bool {
        self.inner.is_read_only()
    }

    fn outside(&self) -> Option<std::sync::Arc<dyn oarlock_ops::outside::Outside>> {
        self.inner.outside()
    }

    fn begin<'a>(&'a mut self, locks: &[Lock], durability: Durability) -> StoreResult<Box<dyn Transaction + 'a>> {
        let mut hooks = self.hooks.clone();
        let inner = hooks.begin(|| self.inner.begin(locks, durability))?;
        Ok(Box::new(Inside { inner: Some(inner), hooks }))
    }

    fn snapshot<'a>(&'a mut self) -> StoreResult<Box<dyn View + 'a>> {
        self.hooks.snapshot();
        self.inner.snapshot()
    }

    fn listen(&mut self, topics: Topics) -> StoreResult<Box<dyn Listening>> {
        self.inner.listen(topics)
    }
}

/// The machine. Each question about it is reported.
struct Watched<H> {
    inner: Box<dyn Owners>,
    hooks: H,
}

impl<H: Hooks> Owners for Watched<H> {
    fn boot_id(&self) -> &str {
        self.inner.boot_id()
    }

    fn owner_liveness(&self, session: &SessionId, owner: &Owner) -> OwnerLiveness {
        self.hooks.read(Read::Owner);
        self.inner.owner_liveness(session, owner)
    }

    fn turn(&self) -> Option<u64> {
        self.inner.turn()
    }
}

struct Inside<'a, H: Hooks> {
    /// Absent once it is committed.
    inner: Option<Box<dyn Transaction + 'a>>,
    hooks: H,
}

/// Why a transaction is there.
const IS_OPEN: &str = "a transaction ends with its commit, which takes it";

impl<'a, H: Hooks> Inside<'a, H> {
    fn tx(&self) -> &(dyn Transaction + 'a) {
        &**self.inner.as_ref().expect(IS_OPEN)
    }

    fn both(&mut self) -> (&mut H, &mut (dyn Transaction + 'a)) {
        (&mut self.hooks, &mut **self.inner.as_mut().expect(IS_OPEN))
    }

    fn reservations_read(&self, read: StoreResult<Vec<Reservation>>) -> StoreResult<Vec<Reservation>> {
        read.inspect(|found| self.hooks.read(Read::Reservations(found.len())))
    }
}

impl<H: Hooks> Drop for Inside<'_, H> {
    fn drop(&mut self) {
        if self.inner.is_some() {
            self.hooks.drop_it();
        }
    }
}

macro_rules! as_the_inner {
    ($(fn $name:ident(&self $(, $arg:ident: $type:ty)*) -> $returns:ty;)*) => {
        $(fn $name(&self $(, $arg: $type)*) -> $returns {
            self.hooks.read(Read::Answer);
            self.tx().view().$name($($arg),*)
        })*
    };
}

impl<H: Hooks> MomentView for Inside<'_, H> {
    as_the_inner! {
        fn task_prefix(&self) -> StoreResult<String>;
    }

    fn now(&self) -> Now {
        self.tx().view().now()
    }

    fn identity(&self) -> &StoreIdentity {
        self.tx().view().identity()
    }
}

impl<H: Hooks> AgentView for Inside<'_, H> {
    as_the_inner! {
        fn agent(&self, name: &AgentName) -> StoreResult<Option<Agent>>;
        fn agents_named(&self, names: &[&AgentName]) -> StoreResult<Vec<Agent>>;
        fn agents(&self) -> StoreResult<Vec<Agent>>;
        fn owned_agents(&self, skip: usize, limit: usize) -> StoreResult<Vec<Agent>>;
        fn owned_agent_count(&self) -> StoreResult<usize>;
        fn agents_of_other_boots(&self, boot_id: &str, limit: usize) -> StoreResult<Vec<Agent>>;
        fn agents_of_processes(&self, processes: &[String]) -> StoreResult<Vec<Agent>>;
        fn agents_of_harness(&self, harness: &str) -> StoreResult<Vec<Agent>>;
        fn present_agents(&self, limit: usize) -> StoreResult<Vec<Agent>>;
        fn live_family(&self, root: &AgentName) -> StoreResult<Vec<Agent>>;
        fn holdings_of(&self, root: &AgentName) -> StoreResult<Held>;
    }
}

impl<H: Hooks> TaskView for Inside<'_, H> {
    as_the_inner! {
        fn claims_of(&self, session: &SessionId) -> StoreResult<Vec<TaskId>>;
        fn claims_of_all(&self, sessions: &[&SessionId]) -> StoreResult<Vec<(SessionId, TaskId)>>;
        fn first_held_by(&self, session: &SessionId, limit: usize) -> StoreResult<Vec<TaskId>>;
        fn claim_count(&self, session: &SessionId) -> StoreResult<usize>;
        fn task(&self, id: &TaskId) -> StoreResult<Option<Task>>;
        fn tasks_with(&self, ids: &[&TaskId], bytes_max: usize) -> StoreResult<Vec<Task>>;
        fn results_of(&self, ids: &[&TaskId]) -> StoreResult<Vec<(TaskId, String)>>;
        fn running_grants(&self, ids: &[&TaskId]) -> StoreResult<Vec<(TaskId, Grant)>>;
        fn task_state(&self, id: &TaskId) -> StoreResult<Option<TaskState>>;
        fn running_grant(&self, id: &TaskId) -> StoreResult<Option<Grant>>;
        fn next_task_seq(&self) -> StoreResult<u64>;
        fn tasks_of_file(&self, file: &str) -> StoreResult<Vec<TaskId>>;
        fn tasks(&self, filter: &TaskFilter) -> StoreResult<Vec<Task>>;
        fn was_granted(&self, task: &TaskId, session: &SessionId) -> StoreResult<bool>;
        fn counts(&self) -> StoreResult<Counts>;
        fn queued_landings(&self, onto: &BranchName, limit: usize) -> StoreResult<Vec<QueuedLanding>>;
        fn landing_targets(&self) -> StoreResult<Vec<BranchName>>;
        fn landing_counts(&self, onto: &BranchName) -> StoreResult<LandingCounts>;
        fn outside_tasks(&self, limit: usize) -> StoreResult<Vec<Task>>;
    }
}

impl<H: Hooks> GraphView for Inside<'_, H> {
    as_the_inner! {
        fn children(&self, id: &TaskId) -> StoreResult<Vec<TaskId>>;
        fn open_children(&self, id: &TaskId, limit: usize) -> StoreResult<Vec<TaskId>>;
        fn tree(&self, id: &TaskId) -> StoreResult<Vec<(TaskId, TaskState)>>;
        fn open_tree(&self, id: &TaskId) -> StoreResult<Vec<TaskId>>;
        fn dependants(&self, id: &TaskId) -> StoreResult<Vec<TaskId>>;
        fn node(&self, id: &TaskId) -> StoreResult<Option<TaskNode>>;
        fn task_number(&self, id: &TaskId) -> StoreResult<Option<Number>>;
        fn around(&self, task: Number) -> StoreResult<Option<Around>>;
        fn above(&self, task: Number) -> StoreResult<Option<Around>>;
        fn dependants_of(&self, tasks: &[Number]) -> StoreResult<Vec<(Number, Number)>>;
        fn waiters(&self, tasks: &[Number]) -> StoreResult<Vec<Waiter>>;
        fn waiting_parts(&self, task: Number) -> StoreResult<Vec<Waiter>>;
        fn unmet_needs(&self, id: &TaskId) -> StoreResult<Vec<TaskId>>;
        fn unmet_needs_of(&self, ids: &[&TaskId]) -> StoreResult<Vec<(TaskId, TaskId)>>;
        fn closed_parts(&self, ids: &[&TaskId]) -> StoreResult<Vec<ClosedPart>>;
        fn waits_for(&self, id: &TaskId) -> StoreResult<Vec<TaskId>>;
        fn at_rest(&self, near: Near<'_>, done: &[TaskId]) -> StoreResult<Vec<AtRest>>;
        fn ready_in_tree(&self, id: &TaskId) -> StoreResult<Vec<TaskId>>;
        fn stuck_tasks(&self, limit: usize) -> StoreResult<BTreeSet<TaskId>>;
        fn dead_ends(&self, id: &TaskId, limit: usize) -> StoreResult<Vec<TaskId>>;
        fn is_stuck(&self, id: &TaskId) -> StoreResult<bool>;
    }
}

impl<H: Hooks> QueueView for Inside<'_, H> {
    as_the_inner! {
        fn may_be_due(&self, boot_id: &str) -> StoreResult<bool>;
        fn due_tasks(&self, limit: usize) -> StoreResult<Vec<TaskId>>;
        fn next_due_ms(&self) -> StoreResult<Option<i64>>;
        fn dead_letters(&self, limit: usize) -> StoreResult<Vec<TaskId>>;
        fn oldest_ready(&self) -> StoreResult<Option<(TaskId, StoreTime)>>;
    }

    fn ready_offers(&self, after: Option<QueuePlace>, limit: usize) -> StoreResult<Vec<Offer>> {
        self.tx().view().ready_offers(after, limit).inspect(|found| self.hooks.read(Read::Candidates(found.len())))
    }

    fn expired_offers(&self, read_max: usize) -> StoreResult<Option<Expired>> {
        let read = |found: &Option<Expired>| Read::Candidates(found.as_ref().map_or(0, |found| found.offers.len()));
        self.tx().view().expired_offers(read_max).inspect(|found| self.hooks.read(read(found)))
    }

    fn offer(&self, id: &TaskId) -> StoreResult<Option<Offer>> {
        self.tx().view().offer(id).inspect(|_| self.hooks.read(Read::Candidates(1)))
    }
}

impl<H: Hooks> EntryView for Inside<'_, H> {
    as_the_inner! {
        fn entry(&self, key: &StateKey) -> StoreResult<Option<Entry>>;
        fn entries(&self, prefix: &str, page: &EntryPage<'_>) -> StoreResult<Vec<Entry>>;
    }
}

impl<H: Hooks> ReservationView for Inside<'_, H> {
    as_the_inner! {
        fn reservation_count(&self) -> StoreResult<usize>;
        fn reservation_count_of(&self, session: &SessionId) -> StoreResult<usize>;
        fn reservation(&self, id: &ReservationId) -> StoreResult<Option<Reservation>>;
        fn reservations_of_task(&self, task: &TaskId) -> StoreResult<Vec<Reservation>>;
        fn expired_reservations(&self, limit: usize) -> StoreResult<Vec<ReservationId>>;
        fn starved_claims(&self) -> StoreResult<Vec<(TaskId, StarvedClaim)>>;
    }

    fn reservations(&self) -> StoreResult<Vec<Reservation>> {
        self.reservations_read(self.tx().view().reservations())
    }

    fn reservations_near(&self, targets: &[&Target]) -> StoreResult<Vec<Reservation>> {
        self.reservations_read(self.tx().view().reservations_near(targets))
    }

    fn first_reservations_of(&self, session: &SessionId, untied: bool, limit: usize) -> StoreResult<Vec<Reservation>> {
        self.reservations_read(self.tx().view().first_reservations_of(session, untied, limit))
    }

    fn reservations_of(&self, session: &SessionId) -> StoreResult<Vec<Reservation>> {
        self.reservations_read(self.tx().view().reservations_of(session))
    }
}

impl<H: Hooks> MessageView for Inside<'_, H> {
    as_the_inner! {
        fn message(&self, id: &MessageId) -> StoreResult<Option<Message>>;
        fn inbox(&self, agent: &AgentName, part: &InboxPart<'_>) -> StoreResult<Vec<Message>>;
        fn inbox_count(&self, agent: &AgentName, part: &InboxPart<'_>) -> StoreResult<u64>;
        fn open_from(&self, agent: &AgentName, from: &AgentName, limit: usize) -> StoreResult<Vec<u64>>;
        fn thread(&self, id: &MessageId, after: u64, limit: usize) -> StoreResult<Vec<Message>>;
    }
}

impl<H: Hooks> ProposalView for Inside<'_, H> {
    as_the_inner! {
        fn proposal(&self, id: &ProposalId) -> StoreResult<Option<Proposal>>;
        fn open_proposals(&self, limit: usize) -> StoreResult<Vec<Proposal>>;
        fn due_proposals(&self, limit: usize) -> StoreResult<Vec<Proposal>>;
    }
}

impl<H: Hooks> LogView for Inside<'_, H> {
    as_the_inner! {
        fn events(&self, filter: &EventFilter) -> StoreResult<Vec<Event>>;
        fn last_event_of(&self, subject: &str, kind: &str) -> StoreResult<Option<Event>>;
        fn last_seq(&self) -> StoreResult<u64>;
        fn remembered(&self, key: &ReplyKey) -> StoreResult<Option<StoredReply>>;
        fn state(&self) -> StoreResult<State>;
    }
}

/// The methods that write: how many rows each does.
macro_rules! written {
    ($(fn $name:ident(&mut self $(, $arg:ident: $type:ty)*) -> $returns:ty, $rows:expr;)*) => {
        $(fn $name(&mut self $(, $arg: $type)*) -> StoreResult<$returns> {
            let rows = $rows;
            let (hooks, tx) = self.both();
            hooks.write(rows, || tx.$name($($arg),*))
        })*
    };
}

impl<H: Hooks> Transaction for Inside<'_, H> {
    written! {
        fn append(&mut self, event: NewEvent) -> u64, 1;
        fn write_presence(&mut self, name: &AgentName, presence: &Presence) -> (), 1;
        fn write_shown(&mut self, agent: &AgentName, messages: &[MessageId]) -> (), messages.len() as u64;
        fn write_renewal(&mut self, task: &TaskId, renewed: StoreTime, ttl_ms: i64) -> (), 1;
        fn write_outside_seen(&mut self, task: &TaskId, seen: WallTime) -> (), 1;
        fn note_first_end(&mut self, read_at: StoreTime, first_end: StoreTime) -> (), 1;
        fn write_starved(&mut self, task: &TaskId, starved: Option<&StarvedClaim>) -> (), 1;
        fn remember(&mut self, key: &ReplyKey, remembered: &StoredReply) -> (), 1;
    }

    fn take_notices(&mut self, session: &SessionId) -> StoreResult<Vec<Notice>> {
        let (hooks, tx) = self.both();
        hooks.write(0, || tx.take_notices(session)).inspect(|taken| hooks.rows(taken.len() as u64))
    }

    fn next_seq(&self) -> u64 {
        self.tx().next_seq()
    }

    fn skip_to(&mut self, seq: u64) {
        self.both().1.skip_to(seq);
    }

    fn take_owner_lock(&mut self, session: &SessionId) -> StoreResult<()> {
        let (hooks, tx) = self.both();
        hooks.take_lock(|| tx.take_owner_lock(session))
    }

    fn mark(&mut self) -> StoreResult<()> {
        self.both().1.mark()
    }

    fn undo_to_mark(&mut self) -> StoreResult<bool> {
        let (hooks, tx) = self.both();
        hooks.undo(|| tx.undo_to_mark())
    }

    fn commit(mut self: Box<Self>) -> StoreResult<()> {
        let inner = self.inner.take().expect(IS_OPEN);
        self.hooks.commit(|| inner.commit())
    }

    fn view(&self) -> &dyn View {
        self
    }
}

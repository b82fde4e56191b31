//! The port: what an operation may read and write, whatever the store.
//!
//! A [`View`] finds rows and never decides. A [`Transaction`] is a view that can append events and
//! write the few rows that are not in the log. `commit` makes everything lasting and wakes waiters.

mod counts;
mod offer;
mod rest;

use std::collections::BTreeSet;
use std::sync::Arc;

use oarlock_model::agent::{Agent, Presence};
use oarlock_model::event::Event;
use oarlock_model::message::Message;
use oarlock_model::reservation::{Reservation, Target};
use oarlock_model::rules::holdings::Held;
use oarlock_model::rules::inbox::{Order, Senders};
use oarlock_model::rules::reserve::StarvedClaim;
use oarlock_model::rules::urgency::{Around, Number, Waiter};
use oarlock_model::state::{Entry, Notice, State};
use oarlock_model::task::{Grant, Task, TaskState};
use oarlock_model::{AgentName, MessageId, Now, ReservationId, SessionId, StateKey, StoreIdentity, StoreTime, TaskId, WallTime, limits};
use thiserror::Error;

use crate::lock::Lock;
use crate::outside::Outside;
use crate::topic::Topics;
pub use counts::Counts;
pub use offer::{Expired, Offer, QueuePlace};
pub use rest::{AtRest, Near, Standing};

/// What can go wrong below an operation.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StoreError {
    /// Others held the store for longer than the caller wanted to wait.
    #[error("the store is busy: {0}")]
    Busy(String),
    /// The store cannot be reached or written now.
    #[error("{message}")]
    Unavailable {
        /// What happened.
        message: String,
        /// What to do.
        hint: String,
    },
    /// The store was deleted, or another one is in its place: trying again does not help.
    #[error("{message}")]
    Gone {
        /// What happened.
        message: String,
        /// What to do.
        hint: String,
    },
    /// The store cannot be read: damaged, or written by a newer version.
    #[error("{message}")]
    Damaged {
        /// What is wrong, and where.
        message: String,
        /// What to do.
        hint: String,
    },
    /// The caller does not want to wait any longer.
    #[error("interrupted")]
    Interrupted,
    /// A bug.
    #[error("{0}")]
    Internal(String),
}

/// The result of a store's method.
pub type StoreResult<T> = Result<T, StoreError>;

/// What is known of the process a session stands for (semantics 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnerSight {
    /// It lives.
    Alive,
    /// Its death is proven: its lock could be had, or its process is gone.
    Died,
    /// The session belongs to another boot of this machine.
    OtherBoot,
    /// Nothing can be said.
    Unknown,
}

/// Which tasks to list; every absent part admits all.
#[derive(Clone, Debug, Default)]
pub struct TaskFilter {
    /// In one of these states; empty admits all.
    pub states: Vec<TaskState>,
    /// Children of this task.
    pub parent: Option<TaskId>,
    /// Held by this agent, or last granted to it when finished.
    pub agent: Option<AgentName>,
    /// With this text in id, title or body, whatever its case.
    pub search: Option<String>,
    /// Created after the task with this number.
    pub after_seq: u64,
    /// At most this many.
    pub limit: usize,
    /// No more once their texts have this many bytes; the first always comes.
    pub bytes_max: usize,
}

/// Which events to list, oldest first.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// After the event with this number.
    pub after_seq: u64,
    /// Before the event with this number.
    pub before_seq: Option<u64>,
    /// The newest that fit into the page, instead of the oldest; their order stays that of the log.
    pub newest: bool,
    /// Of one of these kinds; empty admits all.
    pub kinds: Vec<String>,
    /// About this noun.
    pub subject: Option<String>,
    /// At most this many.
    pub limit: usize,
    /// Until the page holds this many bytes of data.
    pub bytes_max: usize,
}

/// A list of messages to an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InboxList<'a> {
    /// All of them, the newest first.
    All,
    /// Those that it has not acknowledged, the newest first.
    Open(Senders<'a>),
    /// Those of them that it has not been shown either, the oldest first.
    Unread(Senders<'a>),
    /// Those of these that end a claim which waits for messages, the oldest first.
    Urgent(Senders<'a>),
}

impl<'a> InboxList<'a> {
    /// The same list of the messages of these senders. The list of all messages has no senders.
    #[must_use]
    pub fn of(self, senders: Senders<'_>) -> InboxList<'_> {
        match self {
            InboxList::All => InboxList::All,
            InboxList::Open(_) => InboxList::Open(senders),
            InboxList::Unread(_) => InboxList::Unread(senders),
            InboxList::Urgent(_) => InboxList::Urgent(senders),
        }
    }

    /// Whose messages it has.
    pub fn senders(self) -> Senders<'a> {
        match self {
            InboxList::All => Senders::Any,
            InboxList::Open(senders) | InboxList::Unread(senders) | InboxList::Urgent(senders) => senders,
        }
    }

    /// From which end the list is walked.
    pub fn order(&self) -> Order {
        match self {
            InboxList::All | InboxList::Open(_) => Order::NewestFirst,
            InboxList::Unread(_) | InboxList::Urgent(_) => Order::OldestFirst,
        }
    }
}

/// Which part of such a list to read.
#[derive(Clone, Copy, Debug)]
pub struct InboxPart<'a> {
    /// The list.
    pub list: InboxList<'a>,
    /// Only what comes beyond the message with this number, in the order of the list.
    pub beyond: Option<u64>,
    /// At most this many.
    pub limit: usize,
}

/// Which part of a list of state entries to read.
#[derive(Clone, Copy, Debug)]
pub struct EntryPage<'a> {
    /// Keys after this one.
    pub after: Option<&'a StateKey>,
    /// At most this many.
    pub limit: usize,
    /// No more once their values have this many bytes; the first always comes.
    pub bytes_max: usize,
}

impl EntryPage<'_> {
    /// All of it.
    pub const WHOLE: Self = Self { after: None, limit: usize::MAX, bytes_max: usize::MAX };
}

/// A reply that was given for an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// The hash of the request.
    pub request_hash: [u8; 16],
    /// The reply, as JSON text.
    pub reply: String,
}

/// The hash of a verb and an idempotency key, 128 bits of it: where a reply is kept.
pub type ReplyKey = [u8; 16];

/// Reading. All of it sees one moment of the store. Every store answers every question itself: what passes questions on cannot forget one
/// that a store answers with less work than others would make of it.
pub trait View {
    /// The moment of this transaction, from the store's clock.
    fn now(&self) -> Now;
    /// The identity of the store: what it gives out counts from its base and carries its tag.
    fn identity(&self) -> &StoreIdentity;
    /// The boot of the machine the store is on, when it is known: sessions of another boot are lost.
    fn boot_id(&self) -> &str;
    /// What is known of the process behind a session.
    fn owner_sight(&self, agent: &Agent) -> OwnerSight;

    /// The agent of this name.
    fn agent(&self, name: &AgentName) -> StoreResult<Option<Agent>>;
    /// All agents by name, ended ones included.
    fn agents(&self) -> StoreResult<Vec<Agent>>;
    /// A number that rises by one with each look that takes it, by whoever shares the store; none where nobody can share one.
    fn turn(&self) -> Option<u64>;
    /// Live sessions that have a process: at most `limit` of them by name, after the first `skip`.
    fn owned_agents(&self, skip: usize, limit: usize) -> StoreResult<Vec<Agent>>;
    /// How many there are.
    fn owned_agent_count(&self) -> StoreResult<usize>;
    /// Live sessions without a process that belong to another boot of this machine, at most `limit`.
    fn agents_of_other_boots(&self, limit: usize) -> StoreResult<Vec<Agent>>;
    /// Live sessions whose process is one of these, by name.
    fn agents_of_processes(&self, processes: &[String]) -> StoreResult<Vec<Agent>>;
    /// Live sessions with a process that belong to this run of a client, by name.
    fn agents_of_harness(&self, harness: &str) -> StoreResult<Vec<Agent>>;
    /// Live sessions that were seen within their timeout or have a process, those seen last first, at most `limit`.
    fn present_agents(&self, limit: usize) -> StoreResult<Vec<Agent>>;
    /// The live sessions of an agent and its helpers, whose names begin with its own and a dot, by name.
    fn live_family(&self, root: &AgentName) -> StoreResult<Vec<Agent>>;
    /// What the live sessions of an agent and its helpers hold.
    fn holdings_of(&self, root: &AgentName) -> StoreResult<Held>;
    /// The tasks that a session holds, oldest grant first; intents are not among them.
    fn claims_of(&self, session: &SessionId) -> StoreResult<Vec<TaskId>>;
    /// The first tasks that a session holds or has an intent for, at most `limit`: what ends with the session.
    fn first_held_by(&self, session: &SessionId, limit: usize) -> StoreResult<Vec<TaskId>>;
    /// How many they are.
    fn claim_count(&self, session: &SessionId) -> StoreResult<usize>;

    /// The task with this id.
    fn task(&self, id: &TaskId) -> StoreResult<Option<Task>>;
    /// The state of the task with this id: less work than reading all of it.
    fn task_state(&self, id: &TaskId) -> StoreResult<Option<TaskState>>;
    /// The grant that holds a task now: less work than reading all of it.
    fn running_grant(&self, id: &TaskId) -> StoreResult<Option<Grant>>;
    /// The task with this id as far as a claim chooses by it, if it is ready or its lease has expired.
    fn offer(&self, id: &TaskId) -> StoreResult<Option<Offer>>;
    /// The number the next task gets.
    fn next_task_seq(&self) -> StoreResult<u64>;
    /// The tasks that were made from the document with this path, oldest first.
    fn tasks_of_file(&self, file: &str) -> StoreResult<Vec<TaskId>>;
    /// Tasks in the order of creation.
    fn tasks(&self, filter: &TaskFilter) -> StoreResult<Vec<Task>>;
    /// The children of a task in the order of creation.
    fn children(&self, id: &TaskId) -> StoreResult<Vec<TaskId>>;
    /// The children that a task waits for: not done and not dropped, at most `limit`, in no certain order.
    fn open_children(&self, id: &TaskId, limit: usize) -> StoreResult<Vec<TaskId>>;
    /// The task and its parts at any depth, with their states, in the order of creation; nothing when there is no such task.
    fn tree(&self, id: &TaskId) -> StoreResult<Vec<(TaskId, TaskState)>>;
    /// The task and the parts at any depth that it waits for: not done and not dropped, nor below such a one. In the order of creation.
    fn open_tree(&self, id: &TaskId) -> StoreResult<Vec<TaskId>>;
    /// The tasks that need this one.
    fn dependants(&self, id: &TaskId) -> StoreResult<Vec<TaskId>>;
    /// Where a task stands: less work than reading all of it.
    fn standing(&self, id: &TaskId) -> StoreResult<Option<Standing>>;
    /// The number of a task, by which [`oarlock_model::rules::urgency`] walks the graph.
    fn task_number(&self, id: &TaskId) -> StoreResult<Option<Number>>;
    /// The facts about the task with this number that its priority follows from, with its parts and what it needs, in no certain order.
    fn around(&self, task: Number) -> StoreResult<Option<Around>>;
    /// The same without its parts.
    fn above(&self, task: Number) -> StoreResult<Option<Around>>;
    /// Pairs of one of these tasks and a task that needs it, in any order.
    fn dependants_of(&self, tasks: &[Number]) -> StoreResult<Vec<(Number, Number)>>;
    /// Those of these tasks that there are, as far as the urgency of what they need follows from them, in no certain order.
    fn waiters(&self, tasks: &[Number]) -> StoreResult<Vec<Waiter>>;
    /// The parts of a task in the same way.
    fn waiting_parts(&self, task: Number) -> StoreResult<Vec<Waiter>>;
    /// What this task or a task above it needs and is not done, by id.
    fn unmet_needs(&self, id: &TaskId) -> StoreResult<Vec<TaskId>>;
    /// What must be done before this task: what it and the tasks above it need, and its parts; those that are not done.
    fn waits_for(&self, id: &TaskId) -> StoreResult<Vec<TaskId>>;
    /// A task, its parts or its dependants, in the order of creation, with what decides where each rests once all of `done` are done. Only
    /// needs of their own count as unmet, not those of the tasks above them.
    fn at_rest(&self, near: Near<'_>, done: &[TaskId]) -> StoreResult<Vec<AtRest>>;
    /// Ready tasks in the order of their place, after `after`; fewer than `limit` only at the end.
    fn ready_offers(&self, after: Option<QueuePlace>, limit: usize) -> StoreResult<Vec<Offer>>;
    /// The ready ones among a task and its parts at any depth, in the order of their place.
    fn ready_in_tree(&self, id: &TaskId) -> StoreResult<Vec<TaskId>>;
    /// Claimed tasks whose lease has ended, in the order of their place. Nothing when more than `read_max` leases would have to be read for it.
    fn expired_offers(&self, read_max: usize) -> StoreResult<Option<Expired>>;
    /// A cheap look before the thorough one: false only when no session can be proven dead, no task is
    /// due and no reservation has run out.
    fn may_be_due(&self) -> StoreResult<bool>;
    /// Scheduled tasks whose time has come.
    fn due_tasks(&self, limit: usize) -> StoreResult<Vec<TaskId>>;
    /// Milliseconds until something happens by time alone: a task falls due, a lease or a reservation ends.
    fn next_due_ms(&self) -> StoreResult<Option<i64>>;
    /// Whether the session was ever granted the task.
    fn was_granted(&self, task: &TaskId, session: &SessionId) -> StoreResult<bool>;
    /// How many tasks are in each state.
    fn counts(&self) -> StoreResult<Counts>;
    /// Dead tasks in the order of creation, at most `limit`.
    fn dead_letters(&self, limit: usize) -> StoreResult<Vec<TaskId>>;
    /// Unfinished tasks that wait, directly or not, for a dead or cancelled one.
    fn stuck_tasks(&self, limit: usize) -> StoreResult<BTreeSet<TaskId>>;
    /// The dead or cancelled tasks that this task waits for, directly or not, in the order of creation.
    fn dead_ends(&self, id: &TaskId, limit: usize) -> StoreResult<Vec<TaskId>>;
    /// Whether this task waits, directly or not, for a dead or cancelled one.
    fn is_stuck(&self, id: &TaskId) -> StoreResult<bool>;
    /// Tasks that somebody outside of the store has, or had last without finishing them, in the order of creation, at most `limit`.
    fn outside_tasks(&self, limit: usize) -> StoreResult<Vec<Task>>;
    /// The ready task that has been ready longest.
    fn oldest_ready(&self) -> StoreResult<Option<(TaskId, StoreTime)>>;

    /// The state entry with this key; a deleted one has no value.
    fn entry(&self, key: &StateKey) -> StoreResult<Option<Entry>>;
    /// Entries that have a value and whose key begins with `prefix`, by key.
    fn entries(&self, prefix: &str, page: &EntryPage<'_>) -> StoreResult<Vec<Entry>>;

    /// All reservations that have not ended, by the order of their making. Their time may have run out.
    fn reservations(&self) -> StoreResult<Vec<Reservation>>;
    /// Those that could overlap one of these targets, by the order of their making: all that do, and some that do not. They are found
    /// by [`oarlock_model::rules::near`], without reading the others.
    fn reservations_near(&self, targets: &[&Target]) -> StoreResult<Vec<Reservation>>;
    /// How many have not ended.
    fn reservation_count(&self) -> StoreResult<usize>;
    /// How many of them belong to this session.
    fn reservation_count_of(&self, session: &SessionId) -> StoreResult<usize>;
    /// The one with this id, unless it has ended.
    fn reservation(&self, id: &ReservationId) -> StoreResult<Option<Reservation>>;
    /// Those that belong to this session.
    fn reservations_of(&self, session: &SessionId) -> StoreResult<Vec<Reservation>>;
    /// The first of them, at most `limit`, by the order of their making; where `untied`, of those that are tied to no task.
    fn first_reservations_of(&self, session: &SessionId, untied: bool, limit: usize) -> StoreResult<Vec<Reservation>>;
    /// Those that are tied to a lease of this task.
    fn reservations_of_task(&self, task: &TaskId) -> StoreResult<Vec<Reservation>>;
    /// Those that are not tied to a lease and whose time has run out.
    fn expired_reservations(&self, limit: usize) -> StoreResult<Vec<ReservationId>>;
    /// Claims in vain because of others' reservations, by task.
    fn starved_claims(&self) -> StoreResult<Vec<(TaskId, StarvedClaim)>>;

    /// The message with this id.
    fn message(&self, id: &MessageId) -> StoreResult<Option<Message>>;
    /// Messages to this agent, as many as fit into a page, in the order of their list.
    fn inbox(&self, agent: &AgentName, part: &InboxPart<'_>) -> StoreResult<Vec<Message>>;
    /// How many messages `inbox` has there, counted up to `part.limit`.
    fn inbox_count(&self, agent: &AgentName, part: &InboxPart<'_>) -> StoreResult<u64>;
    /// The numbers of the messages to this agent that it has not acknowledged and that `from` or a helper of it has sent, the newest
    /// first, at most `limit`.
    fn open_from(&self, agent: &AgentName, from: &AgentName, limit: usize) -> StoreResult<Vec<u64>>;
    /// How many messages to this agent it has neither acknowledged nor been shown, counted up to [`limits::MESSAGES_COUNTED_MAX`].
    fn unread(&self, agent: &AgentName) -> StoreResult<u64> {
        self.inbox_count(agent, &InboxPart { list: InboxList::Unread(Senders::Any), beyond: None, limit: limits::MESSAGES_COUNTED_MAX })
    }
    /// Messages of a thread that were sent after this number, oldest first, as many as fit into a page.
    fn thread(&self, id: &MessageId, after: u64, limit: usize) -> StoreResult<Vec<Message>>;

    /// Events, oldest first.
    fn events(&self, filter: &EventFilter) -> StoreResult<Vec<Event>>;
    /// The last event of this kind about this noun.
    fn last_event_of(&self, subject: &str, kind: &str) -> StoreResult<Option<Event>>;
    /// The number of the last event.
    fn last_seq(&self) -> StoreResult<u64>;
    /// The prefix of made-up task ids.
    fn task_prefix(&self) -> StoreResult<String>;
    /// The reply given for an idempotency key.
    fn remembered(&self, key: &ReplyKey) -> StoreResult<Option<Remembered>>;
    /// Everything that lasts, for checks and replays; large.
    fn state(&self) -> StoreResult<State>;
}

/// Writing. Dropped without `commit`, it leaves no trace.
pub trait Transaction {
    /// The number the next event gets.
    fn next_seq(&self) -> u64;
    /// The next event gets at least this number: a new epoch begins.
    fn skip_to(&mut self, seq: u64);
    /// Appends an event and projects it.
    fn append(&mut self, event: &Event) -> StoreResult<()>;
    /// Writes an agent's presence.
    fn write_presence(&mut self, name: &AgentName, presence: &Presence) -> StoreResult<()>;
    /// Notes that these messages were shown to an agent.
    fn write_shown(&mut self, agent: &AgentName, messages: &[MessageId]) -> StoreResult<()>;
    /// Writes the renewal of one lease.
    fn write_renewal(&mut self, task: &TaskId, renewed: StoreTime, ttl_ms: i64) -> StoreResult<()>;
    /// Writes the last sign of life of who has a task outside of the store.
    fn write_outside_seen(&mut self, task: &TaskId, seen: WallTime) -> StoreResult<()>;
    /// Removes and returns the news of a session, in no certain order.
    fn take_notices(&mut self, session: &SessionId) -> StoreResult<Vec<Notice>>;
    /// Notes that no lease ended before `first_end` when all of them were read, at the moment `read_at`.
    fn note_first_end(&mut self, read_at: StoreTime, first_end: StoreTime) -> StoreResult<()>;
    /// Remembers (or forgets) that a claim of this task was in vain.
    fn write_starved(&mut self, task: &TaskId, starved: Option<&StarvedClaim>) -> StoreResult<()>;
    /// Keeps the reply for an idempotency key.
    fn remember(&mut self, key: &ReplyKey, remembered: &Remembered) -> StoreResult<()>;
    /// Takes the operating-system lock that stands for the life of `session` on behalf of this
    /// process; it is kept until the process dies or the store's handle is dropped.
    fn take_owner_lock(&mut self, session: &SessionId) -> StoreResult<()>;
    /// From here on, what is refused is undone; what was written before stays.
    fn mark(&mut self) -> StoreResult<()>;
    /// Undoes everything since the last mark. Whether anything written before it remains.
    fn undo_to_mark(&mut self) -> StoreResult<bool>;
    /// Makes everything lasting and wakes waiters.
    fn commit(self: Box<Self>) -> StoreResult<()>;
    /// Reading inside this transaction, its own writes included.
    fn view(&self) -> &dyn View;
}

/// Waits for others' commits; made before the condition is checked, so that no wake is lost.
pub trait Listening {
    /// Waits until a topic rings, one of the `owners` (process identities) dies, or `for_ms` have passed.
    fn wait(&mut self, for_ms: i64, owners: &[String]) -> StoreResult<()>;
}

/// How lasting a commit must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// It survives a loss of power once it is acknowledged.
    Full,
    /// It survives the death of its process. Enough for presence: after a loss of power no session lives. The next full commit presses it to the
    /// disk with itself.
    Presence,
}

/// A store.
pub trait Store {
    /// Begins a writing transaction that holds `locks`.
    fn begin<'a>(&'a mut self, locks: &[Lock], durability: Durability) -> StoreResult<Box<dyn Transaction + 'a>>;
    /// Begins a reading transaction.
    fn snapshot<'a>(&'a mut self) -> StoreResult<Box<dyn View + 'a>>;
    /// Whether nothing can be written: then what is due stays as it is, and only questions are answered.
    fn is_read_only(&self) -> bool;
    /// Files beside it that have tasks of it, as the program that opened it says.
    fn outside(&self) -> Option<Arc<dyn Outside>> {
        None
    }
    /// Begins to listen.
    fn listen(&mut self, topics: Topics) -> StoreResult<Box<dyn Listening>>;
}

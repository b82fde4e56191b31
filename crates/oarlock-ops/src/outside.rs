//! Tasks that stand in files beside the store too, where others take them under a lock of their own. A grant of such a task counts only
//! when the files show it: under that lock an intent is committed, the files are marked, and the grant is committed, before anybody is
//! reported. So no task is taken on both sides, whenever a call is killed: the next one that has the lock settles the rest.
//!
//! The death of a process loses nothing of this. A loss of power does: so anyone who is informed of a grant has waited until mark and grant are on the
//! disk. The intent is not waited for by itself: the log is one, and what presses the grant to the disk presses the intent before it too. If the
//! power goes in the milliseconds before that, nobody has been informed, and one of three things is found: neither of them; a grant without a
//! mark, whose session died with the power, and which the next full comparison marks or ends; or a mark without an intent, which reads as
//! somebody outside who has the task: it rests until that is ended by hand, or after the project's time for those who are silent. In none of
//! them do both sides run it.
//!
//! The lock of the files comes before that of the store, and is never waited for inside a transaction. What ends a grant takes effect in the
//! store at once, and reaches the files with the same call if their lock is free, else with the next call that has it: until then they show
//! the task as taken, which nobody is harmed by.

pub(crate) mod grant;

use std::sync::Arc;

use oarlock_model::{AgentName, TaskId, Token, WallTime};

use crate::OpError;
use crate::lock::Lock;
use crate::owners::Owners;
use crate::settings::Settings;
use crate::store::{Durability, Listening, Store, StoreResult, Transaction, View};
use crate::topic::Topics;

/// Files beside a store that have tasks of it.
pub trait Outside: std::fmt::Debug + Send + Sync {
    /// Whether there are any now: a project may be attached to a store that is open, and detached from it.
    fn is_there(&self) -> bool;

    /// Whether they have this task, as far as can be known without their lock.
    ///
    /// # Errors
    /// They cannot be read.
    fn knows(&self, task: &TaskId) -> StoreResult<bool>;

    /// Takes their lock; nothing when there are no files any more.
    ///
    /// # Errors
    /// `store_busy` when others hold it for too long; it cannot be taken.
    fn lock(&self, patience: Patience) -> StoreResult<Option<Box<dyn Held + '_>>>;
}

/// How long the lock of the files is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// As long as for the lock of the store.
    AsForTheStore,
    /// Not at all.
    None,
}

/// The files, while their lock is held.
pub trait Held {
    /// Brings over what has changed on either side since this was done last: what others took or finished into the store, what became of
    /// tasks of the store into the files. Intents that are left are settled. `also` are tasks that are compared whether or not they changed.
    ///
    /// # Errors
    /// Files or store fail; finished transfers stay.
    fn catch_up(&mut self, store: &mut dyn Store, settings: &Settings, also: &[TaskId]) -> Result<(), OpError>;

    /// Those of these tasks that somebody else has there by what no lock of theirs is taken for, as far as that can be seen at once: it is asked
    /// while a transaction is open.
    ///
    /// # Errors
    /// They cannot be read.
    fn taken(&self, intents: &[Intent]) -> StoreResult<Vec<TaskId>>;

    /// Marks these tasks as taken, all in one go, each of them only if nobody else has it there.
    ///
    /// # Errors
    /// They cannot be written; marked tasks are settled later.
    fn mark(&mut self, intents: &[Intent]) -> Result<Vec<Marked>, OpError>;

    /// These were granted after they were marked: that is nothing to be brought over. Returns whether something else is.
    fn granted(&mut self, store: &mut dyn Store, intents: &[Intent]) -> bool;
}

/// The intent to grant a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The task.
    pub task: TaskId,
    /// The token that the grant gets.
    pub token: Token,
    /// Who is to have it.
    pub agent: AgentName,
    /// Since when.
    pub since: WallTime,
    /// Whom the files may still show, though that one has it no more: whose lease was just lost, or who has abandoned it; empty where nobody was
    /// named.
    pub before: Option<String>,
}

/// The outcome of marking a task.
#[derive(Clone, Debug, PartialEq)]
pub enum Marked {
    /// The files show who has it, or do not have the task at all.
    Shown,
    /// Somebody else has it there, or it is over.
    Taken,
    /// It cannot be written there.
    Unwritable(OpError),
}

/// A store without its neighbours: for anyone who holds the lock of that already.
pub struct Beneath<'a>(pub &'a mut dyn Store);

impl Store for Beneath<'_> {
    fn owners(&mut self) -> Box<dyn Owners> {
        self.0.owners()
    }

    /// Reads beneath files see none of them.
    fn outside(&self) -> Option<Arc<dyn Outside>> {
        None
    }

    fn begin<'a>(&'a mut self, locks: &[Lock], durability: Durability) -> StoreResult<Box<dyn Transaction + 'a>> {
        self.0.begin(locks, durability)
    }

    fn snapshot<'a>(&'a mut self) -> StoreResult<Box<dyn View + 'a>> {
        self.0.snapshot()
    }

    fn is_read_only(&self) -> bool {
        self.0.is_read_only()
    }

    fn listen(&mut self, topics: Topics) -> StoreResult<Box<dyn Listening>> {
        self.0.listen(topics)
    }
}

/// Which tasks a mutation may grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grants {
    /// None.
    Nothing,
    /// This one.
    Task(TaskId),
    /// Whatever it finds.
    Any,
}

/// The files beside a store, if there are any now.
pub(crate) fn beside(store: &dyn Store) -> Option<Arc<dyn Outside>> {
    store.outside().filter(|outside| outside.is_there())
}

/// Shows in the files what a call has changed, if their lock is free. Returns false if that failed; the next call then does it.
pub fn catch_up(store: &mut dyn Store, settings: &Settings) -> bool {
    let Some(outside) = beside(store) else { return true };
    match outside.lock(Patience::None) {
        Ok(Some(mut held)) => held.catch_up(&mut Beneath(store), settings, &[]).is_ok(),
        Ok(None) => true,
        Err(_) => false,
    }
}

//! Tasks that stand in files beside the store too, where others take them under a lock of their own. A grant of such a task counts only
//! when the files show it: under that lock an intent is committed, the files are marked, and the grant is committed, before anybody is
//! told. So no task is taken on both sides, whenever a call is killed: the next one that has the lock settles what is left.
//!
//! The death of a process loses nothing of this. A loss of power does: so whoever is told of a grant has waited until mark and grant are on the
//! disk. The intent is not waited for by itself: the log is one, and what presses the grant to the disk presses the intent before it too. If the
//! power goes in the milliseconds before that, nobody has been told, and one of three things is found: neither of them; a grant without a
//! mark, whose session died with the power, and which the next full comparison marks or ends; or a mark without an intent, which reads as
//! somebody outside who has the task: it rests until that is ended by hand, or after the project's time for those who are silent. In none of
//! them do both sides run it.
//!
//! The lock of the files comes before that of the store, and is never waited for inside a transaction. What ends a grant takes effect in the
//! store at once, and reaches the files with the same call if their lock is free, else with the next call that has it: until then they show
//! the task as taken, which nobody is harmed by.

use std::cell::RefCell;
use std::sync::Arc;

use oarlock_model::{AgentName, TaskId, Token, WallTime, limits, planted};

use crate::OpError;
use crate::call::{self, Caller};
use crate::context::How;
use crate::lock::Lock;
use crate::search::{Findings, Tried};
use crate::settings::Settings;
use crate::store::{Durability, Listening, Store, StoreError, StoreResult, Transaction, View};
use crate::task::SettleIntents;
use crate::topic::Topics;

/// Files beside a store that have tasks of it.
pub trait Outside: std::fmt::Debug + Send + Sync {
    /// Whether there are any now: a project may be attached to a store that is open, and detached from it.
    fn is_there(&self) -> bool;

    /// Whether they have this task, as far as can be told without their lock.
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
    /// Files or store fail; what was brought over stays.
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
    /// They cannot be written; what is marked all the same is settled later.
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

/// What came of marking a task.
#[derive(Clone, Debug, PartialEq)]
pub enum Marked {
    /// The files show who has it, or do not have the task at all.
    Shown,
    /// Somebody else has it there, or it is over.
    Taken,
    /// It cannot be written there.
    Unwritable(OpError),
}

/// A store without what is beside it: for whoever holds the lock of that already.
pub struct Beneath<'a>(pub &'a mut dyn Store);

impl Store for Beneath<'_> {
    /// What is beneath files sees none of them.
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

/// One transaction of a call that may grant tasks.
#[derive(Default)]
pub(crate) struct Step<'a> {
    /// How it grants them.
    pub(crate) how: How,
    /// What it has granted, or intends to.
    pub(crate) granted: Vec<Intent>,
    /// What else must be so for it to be committed.
    pub(crate) check: Option<&'a Check<'a>>,
}

/// Whether what was granted may be.
pub(crate) type Check<'a> = dyn Fn(&[Intent]) -> Result<(), OpError> + 'a;

/// Makes one.
pub(crate) type Transact<'a, T> = dyn FnMut(&mut dyn Store, &mut Step<'_>, &mut Findings) -> Result<Tried<T>, OpError> + 'a;

/// A try of a call that may grant tasks which the files have.
///
/// # Errors
/// Those of the call; `store_busy` when others hold the lock of the files, and nothing has changed then; a task that cannot be written in
/// the files is not granted.
pub(crate) fn grant<T>(
    outside: &dyn Outside,
    store: &mut dyn Store,
    settings: &Settings,
    grants: &Grants,
    findings: &mut Findings,
    transact: &mut Transact<'_, T>,
) -> Result<Tried<T>, OpError> {
    let free = match (outside.lock(Patience::None), grants) {
        // What the files do not have needs no lock of theirs.
        (Err(StoreError::Busy(_)), Grants::Task(task)) if !outside.knows(task)? => return transact(store, &mut Step::default(), findings),
        (Err(StoreError::Busy(_)), _) => outside.lock(Patience::AsForTheStore),
        (free, _) => free,
    };
    let mut held = match free {
        Ok(Some(held)) => held,
        Ok(None) => return transact(store, &mut Step::default(), findings),
        // Held by others, or on a disk that takes none: what the files do not have can be claimed all the same.
        Err(error) => {
            let knows_none = |granted: &[Intent]| {
                for intent in granted {
                    if outside.knows(&intent.task)? {
                        return Err(error.clone().into());
                    }
                }
                Ok(())
            };
            return transact(store, &mut Step { check: Some(&knows_none), ..Step::default() }, findings);
        }
    };
    held.catch_up(&mut Beneath(store), settings, &[])?;
    let intents = match intend(&*held, store, findings, transact)? {
        Intended::Decided(tried, intents) if intents.is_empty() => return Ok(tried),
        Intended::Decided(_, intents) => intents,
        Intended::Taken(tasks) => return look_elsewhere(&mut *held, store, settings, findings, tasks),
    };
    match make_good(&mut *held, store, &intents, findings, transact) {
        Ok(Some(done)) => {
            // What else has changed is brought over while the lock is held anyway. Should that fail, the next call does it.
            if held.granted(&mut Beneath(store), &intents) {
                let _ = held.catch_up(&mut Beneath(store), settings, &[]);
            }
            findings.changes_tasks = false;
            Ok(done)
        }
        // Others have it: the store knows so from now on, and the call looks for another task.
        Ok(None) => {
            let tasks = intents.into_iter().map(|intent| intent.task).collect();
            look_elsewhere(&mut *held, store, settings, findings, tasks)
        }
        Err(error) => {
            // Whoever is told that it failed has not got anything; what cannot be undone now is settled by the next call.
            let unmarked = intents.into_iter().map(|intent| intent.task).collect();
            let drop_them = SettleIntents { unmarked, ..SettleIntents::default() };
            let _ = call::mutate(&mut Beneath(store), &Caller::default(), settings, &drop_them);
            let _ = held.catch_up(&mut Beneath(store), settings, &[]);
            Err(error)
        }
    }
}

/// What came of deciding whom tasks are intended for.
enum Intended<T> {
    /// It is decided, and these are intended.
    Decided(Tried<T>, Vec<Intent>),
    /// Others have these there: nothing is decided.
    Taken(Vec<TaskId>),
}

/// Decides. What the files show as taken is seen inside the transaction, which then has changed nothing.
fn intend<T>(
    held: &dyn Held,
    store: &mut dyn Store,
    findings: &mut Findings,
    transact: &mut Transact<'_, T>,
) -> Result<Intended<T>, OpError> {
    let taken = RefCell::new(Vec::new());
    let is_free = |intents: &[Intent]| {
        let tasks = held.taken(intents)?;
        if tasks.is_empty() {
            return Ok(());
        }
        *taken.borrow_mut() = tasks;
        Err(StoreError::Busy("others have it in the files".into()).into())
    };
    let mut step = Step { how: How::Intended, check: Some(&is_free), ..Step::default() };
    let tried = transact(store, &mut step, findings);
    let intents = std::mem::take(&mut step.granted);
    match taken.take() {
        tasks if tasks.is_empty() => Ok(Intended::Decided(tried?, intents)),
        tasks => Ok(Intended::Taken(tasks)),
    }
}

/// The store gets to know who has these tasks by the files, and the call tries others.
fn look_elsewhere<T>(
    held: &mut dyn Held,
    store: &mut dyn Store,
    settings: &Settings,
    findings: &mut Findings,
    tasks: Vec<TaskId>,
) -> Result<Tried<T>, OpError> {
    held.catch_up(&mut Beneath(store), settings, &tasks)?;
    findings.unfit.extend(tasks);
    if findings.unfit.len() > limits::CLAIM_SEARCHES_MAX {
        return Err(StoreError::Busy("others take every task in the files that this call finds".into()).into());
    }
    Ok(Tried::Portion)
}

/// Marks what is intended and grants what could be marked; nothing when nothing could.
fn make_good<T>(
    held: &mut dyn Held,
    store: &mut dyn Store,
    intents: &[Intent],
    findings: &mut Findings,
    transact: &mut Transact<'_, T>,
) -> Result<Option<Tried<T>>, OpError> {
    let marks = match planted::is(planted::GRANT_BEFORE_MARK) {
        true => intents.iter().map(|_| Marked::Shown).collect(),
        false => held.mark(intents)?,
    };
    let (mut shown, mut refused) = (Vec::new(), Vec::new());
    for (intent, mark) in intents.iter().zip(marks) {
        if mark == Marked::Shown {
            shown.push(intent.clone());
            continue;
        }
        refused.push(intent.clone());
        findings.unfit.insert(intent.task.clone());
        if let Marked::Unwritable(why) = mark {
            findings.unwritable.get_or_insert(why);
        }
    }
    let mut step = Step { how: How::Shown { shown, refused }, ..Step::default() };
    loop {
        match transact(store, &mut step, findings)? {
            // What had fallen due was more than one portion: the lock is held until all of it is done.
            Tried::Portion => {}
            Tried::Search => {
                findings.asked = None;
                return Ok(None);
            }
            done @ Tried::Done(_) => return Ok(Some(done)),
        }
    }
}

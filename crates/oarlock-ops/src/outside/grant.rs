//! Granting tasks that files beside the store have too: the intent, the marks in the files, and the grant, in this order and under the
//! lock of the files.

use std::cell::RefCell;

use oarlock_model::{TaskId, limits, seeded};

use super::{Beneath, Grants, Held, Intent, Marked, Outside, Patience};
use crate::OpError;
use crate::context::How;
use crate::search::{Findings, Tried};
use crate::settings::Settings;
use crate::store::{Store, StoreError};

/// One transaction of a call that may grant tasks.
#[derive(Default)]
pub(crate) struct Step<'a> {
    /// How it grants them.
    pub(crate) how: How,
    /// The grants that it has made or intends.
    pub(crate) granted: Vec<Intent>,
    /// The other conditions for its commit.
    pub(crate) check: Option<&'a Check<'a>>,
}

/// Whether the grants are allowed.
pub(crate) type Check<'a> = dyn Fn(&[Intent]) -> Result<(), OpError> + 'a;

/// Makes one.
pub(crate) type Transact<'a, T> = dyn FnMut(&mut dyn Store, &mut Step<'_>, &mut Findings) -> Result<Tried<T>, OpError> + 'a;

/// Drops the intents to grant these tasks, as far as that can be done now.
pub(crate) type DropIntents<'a> = dyn FnMut(&mut dyn Store, Vec<TaskId>) + 'a;

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
    drop_intents: &mut DropIntents<'_>,
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
        // Held by others, or on a disk that takes none: what the files do not have can be claimed anyway.
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
            // Anyone who is informed that it failed has not got anything; what cannot be undone now is settled by the next call.
            drop_intents(&mut Beneath(store), intents.into_iter().map(|intent| intent.task).collect());
            let _ = held.catch_up(&mut Beneath(store), settings, &[]);
            Err(error)
        }
    }
}

/// The outcome of deciding for whom tasks are intended.
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

/// Marks intended tasks and grants the marked ones; nothing when nothing could.
fn make_good<T>(
    held: &mut dyn Held,
    store: &mut dyn Store,
    intents: &[Intent],
    findings: &mut Findings,
    transact: &mut Transact<'_, T>,
) -> Result<Option<Tried<T>>, OpError> {
    let marks = match seeded::is(seeded::GRANT_BEFORE_MARK) {
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

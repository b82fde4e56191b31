//! Files beside a store, as a test has them: a list of tasks that old scripts take and finish without knowing of the store. It is
//! behind the same port as RALF's files, and its rules are as simple as they can be: the work of either side is found by comparing
//! everything. A hook is called at every point between the steps of a call, and may change the list there, or kill the call.

mod page;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use oarlock_model::TaskId;
use oarlock_ops::lock::Lock;
use oarlock_ops::outside::{Held, Intent, Outside, Patience};
use oarlock_ops::owners::Owners;
use oarlock_ops::store::{Durability, Listening, Store, StoreError, StoreResult, Transaction, View};
use oarlock_ops::topic::Topics;

use page::Page;

/// The list's text about a task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Item {
    /// Anybody may take it.
    #[default]
    Open,
    /// Somebody has it: an agent of the store, or an old script.
    Taken(String),
    /// It is finished. The store knows so, or is still to be reported.
    Done {
        /// The store knows.
        is_known: bool,
    },
    /// It will not be done, as the store says.
    Over,
    /// Its parts are worked on, as the store says.
    InParts,
}

impl Item {
    /// Who has it.
    #[must_use]
    pub fn holder(&self) -> Option<&str> {
        if let Item::Taken(by) = self { Some(by) } else { None }
    }

    /// Whether it is finished.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self, Item::Done { .. })
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Item::Open => f.write_str("open"),
            Item::Taken(by) => write!(f, "taken {by}"),
            Item::Done { .. } => f.write_str("done"),
            Item::Over => f.write_str("over"),
            Item::InParts => f.write_str("in parts"),
        }
    }
}

/// All that the list says, by task.
pub type Items = BTreeMap<TaskId, Item>;

/// A point in a call at which something else may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Point {
    /// The lock of the list is about to be taken.
    Lock,
    /// The store is about to be read.
    Snapshot,
    /// A transaction of the store is about to begin.
    Begin,
    /// Intents are committed, and nothing is marked.
    Intended,
    /// Some of them are marked, and some are not.
    Marking,
    /// All are marked, and none is granted.
    Marked,
    /// All are granted, and nobody is informed.
    Granted,
}

impl Point {
    /// All of them, in the order of a call.
    pub const ALL: [Point; 7] =
        [Point::Lock, Point::Snapshot, Point::Begin, Point::Intended, Point::Marking, Point::Marked, Point::Granted];
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Point::Lock => "lock",
            Point::Snapshot => "snapshot",
            Point::Begin => "begin",
            Point::Intended => "intended",
            Point::Marking => "marking",
            Point::Marked => "marked",
            Point::Granted => "granted",
        })
    }
}

/// Whether the process that makes the call lives on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It goes on.
    GoesOn,
    /// It is killed: it does nothing any more, and nobody is informed anything.
    Killed,
}

/// The text on the paper.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sheet {
    /// The tasks.
    pub items: Items,
    /// An old script has the lock.
    pub is_locked: bool,
    /// A call of the store has the lock.
    pub is_held: bool,
}

/// Called at each point of a call.
pub type Hook = Box<dyn FnMut(Point, &mut Sheet) -> Fate + Send>;

/// The state of a call that went through the port.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// It was killed there.
    pub killed: Option<Point>,
    /// It had the lock at least once, and settled what others had left.
    pub settled: bool,
    /// It brought over what had changed, the last time that it asked for the lock too.
    pub caught_up: bool,
    /// The last task that it was going to grant, and whether the list shows it.
    pub intents: Vec<(Intent, bool)>,
}

/// A list of tasks beside a store, on which both sides write.
pub trait List {
    /// Its items.
    fn items(&self) -> Items;
    /// Somebody who knows nothing of the store writes on it, or locks it.
    fn change(&self, change: &mut dyn FnMut(&mut Sheet));
    /// Makes a call on the store with the list beside it. The hook is called at its points.
    fn call(&self, store: &mut dyn Store, hook: Hook, call: &mut dyn FnMut(&mut dyn Store)) -> Trace;
}

/// The call that is under way: the plan for its points, and its state.
#[derive(Default)]
pub struct Way {
    hook: Option<Hook>,
    /// The state of the call.
    pub trace: Trace,
}

impl Way {
    /// A call begins.
    pub fn begin(&mut self, hook: Hook) {
        *self = Self { hook: Some(hook), trace: Trace::default() };
    }

    /// It has come to this point.
    ///
    /// # Errors
    /// It has been killed, here or before.
    pub fn reach(&mut self, point: Point, sheet: &mut Sheet) -> StoreResult<()> {
        if self.trace.killed.is_none() && self.hook.as_mut().is_some_and(|hook| hook(point, sheet) == Fate::Killed) {
            self.trace.killed = Some(point);
        }
        if self.trace.killed.is_some() { Err(killed()) } else { Ok(()) }
    }

    /// It has ended.
    pub fn end(&mut self) -> Trace {
        std::mem::take(self).trace
    }
}

/// The list in memory. A clone is the same one.
#[derive(Clone, Default)]
pub struct Paper(Arc<Mutex<Shared>>);

#[derive(Default)]
struct Shared {
    sheet: Sheet,
    way: Way,
}

impl fmt::Debug for Paper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Paper").field(&self.shared().sheet).finish()
    }
}

impl Paper {
    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, task: TaskId, item: Item) {
        self.shared().sheet.items.insert(task, item);
    }

    /// The call has come to this point.
    ///
    /// # Errors
    /// It has been killed.
    fn reach(&self, point: Point) -> StoreResult<()> {
        let Shared { sheet, way } = &mut *self.shared();
        way.reach(point, sheet)
    }
}

impl List for Paper {
    fn items(&self) -> Items {
        self.shared().sheet.items.clone()
    }

    fn change(&self, change: &mut dyn FnMut(&mut Sheet)) {
        change(&mut self.shared().sheet);
    }

    fn call(&self, store: &mut dyn Store, hook: Hook, call: &mut dyn FnMut(&mut dyn Store)) -> Trace {
        self.shared().way.begin(hook);
        let outside: Arc<dyn Outside> = Arc::new(self.clone());
        call(&mut Mortal::new(store, outside, &|point| self.reach(point)));
        self.shared().way.end()
    }
}

/// The outcome of a killed call, for any reader.
#[must_use]
pub fn killed() -> StoreError {
    StoreError::Unavailable { message: "killed".into(), hint: String::new() }
}

impl Outside for Paper {
    fn is_there(&self) -> bool {
        !self.shared().sheet.items.is_empty()
    }

    fn knows(&self, task: &TaskId) -> StoreResult<bool> {
        Ok(self.shared().sheet.items.contains_key(task))
    }

    fn lock(&self, _patience: Patience) -> StoreResult<Option<Box<dyn Held + '_>>> {
        self.shared().way.trace.caught_up = false;
        self.reach(Point::Lock)?;
        if self.shared().sheet.is_locked {
            return Err(StoreError::Busy("an old script has the lock of the list".into()));
        }
        self.shared().sheet.is_held = true;
        Ok(Some(Box::new(Page { paper: self })))
    }
}

/// A store with a list beside it, as a process sees it that can be killed.
pub struct Mortal<'a> {
    store: &'a mut dyn Store,
    outside: Arc<dyn Outside>,
    reach: &'a dyn Fn(Point) -> StoreResult<()>,
}

impl<'a> Mortal<'a> {
    /// Each transaction is a point of the call; where `reach` says so, it is the last.
    pub fn new(store: &'a mut dyn Store, outside: Arc<dyn Outside>, reach: &'a dyn Fn(Point) -> StoreResult<()>) -> Self {
        Self { store, outside, reach }
    }
}

impl Store for Mortal<'_> {
    fn is_read_only(&self) -> bool {
        self.store.is_read_only()
    }

    fn owners(&mut self) -> Box<dyn Owners> {
        self.store.owners()
    }

    fn outside(&self) -> Option<Arc<dyn Outside>> {
        Some(Arc::clone(&self.outside))
    }

    fn begin<'a>(&'a mut self, locks: &[Lock], durability: Durability) -> StoreResult<Box<dyn Transaction + 'a>> {
        (self.reach)(Point::Begin)?;
        self.store.begin(locks, durability)
    }

    fn snapshot<'a>(&'a mut self) -> StoreResult<Box<dyn View + 'a>> {
        (self.reach)(Point::Snapshot)?;
        self.store.snapshot()
    }

    fn listen(&mut self, topics: Topics) -> StoreResult<Box<dyn Listening>> {
        self.store.listen(topics)
    }
}

//! The list while its lock is held: everything is compared with the store, every time.

use oarlock_model::task::{OutsideEnd, Task, TaskState};
use oarlock_model::{AgentName, Label, TaskId};
use oarlock_ops::OpError;
use oarlock_ops::call;
use oarlock_ops::caller::Caller;
use oarlock_ops::outside::{Held, Intent, Marked};
use oarlock_ops::request::Mutation;
use oarlock_ops::settings::Settings;
use oarlock_ops::store::{Store, StoreResult, TaskFilter, View};
use oarlock_ops::task::{FinishOutside, SettleIntents, TakeOutside};

use super::{Item, List as _, Paper, Point};

/// The list, under its lock.
pub(super) struct Page<'a> {
    pub(super) paper: &'a Paper,
}

/// The action for an item.
enum Todo {
    Nothing,
    /// Somebody took it on paper.
    Take(String),
    /// Somebody finished it on paper.
    Finish(Option<String>),
    /// The paper is to say so.
    Show(Item),
}

impl Held for Page<'_> {
    /// An item on somebody's paper is seen when it is marked.
    fn taken(&self, _intents: &[Intent]) -> StoreResult<Vec<TaskId>> {
        Ok(Vec::new())
    }

    fn catch_up(&mut self, store: &mut dyn Store, settings: &Settings, _also: &[TaskId]) -> Result<(), OpError> {
        let settle = self.left(&*store.snapshot()?)?;
        if settle != SettleIntents::default() {
            call::mutate(store, &Caller::default(), settings, &settle)?;
        }
        self.paper.shared().way.trace.settled = true;
        let mut todos = Vec::new();
        let view = store.snapshot()?;
        for (id, item) in self.paper.items() {
            if let Some(task) = view.task(&id)? {
                todos.push((id, todo(&*view, &task, &item)?));
            }
        }
        drop(view);
        for (id, todo) in todos {
            match todo {
                Todo::Nothing => {}
                Todo::Take(by) => {
                    let take = TakeOutside { id, holder: Some(by), since_ms_ago: 0, seen_ms_ago: 0, source: source() };
                    tell(store, settings, &take)?;
                }
                Todo::Finish(holder) => tell(store, settings, &FinishOutside { id, holder, source: source() })?,
                Todo::Show(item) => self.paper.write(id, item),
            }
        }
        self.paper.shared().way.trace.caught_up = true;
        Ok(())
    }

    fn mark(&mut self, intents: &[Intent]) -> Result<Vec<Marked>, OpError> {
        let mut shared = self.paper.shared();
        // An agent that takes again what its lease has run out of is on the list already.
        let is_shown = |intent: &Intent| shared.sheet.items.get(&intent.task).and_then(Item::holder) == Some(intent.agent.as_str());
        shared.way.trace.intents = intents.iter().map(|intent| (intent.clone(), is_shown(intent))).collect();
        drop(shared);
        let mut marks = Vec::new();
        for (n, intent) in intents.iter().enumerate() {
            self.paper.reach(if n == 0 { Point::Intended } else { Point::Marking })?;
            let mut shared = self.paper.shared();
            let mark = match shared.sheet.items.get_mut(&intent.task) {
                None => Marked::Shown,
                Some(item) if is_free(item, intent.before.as_deref()) => {
                    *item = Item::Taken(intent.agent.to_string());
                    Marked::Shown
                }
                Some(_) => Marked::Taken,
            };
            shared.way.trace.intents[n].1 = mark == Marked::Shown && shared.sheet.items.contains_key(&intent.task);
            drop(shared);
            marks.push(mark);
        }
        self.paper.reach(Point::Marked)?;
        Ok(marks)
    }

    fn granted(&mut self, _store: &mut dyn Store, _intents: &[Intent]) -> bool {
        self.paper.reach(Point::Granted).is_ok()
    }
}

impl Drop for Page<'_> {
    fn drop(&mut self) {
        self.paper.shared().sheet.is_held = false;
    }
}

impl Page<'_> {
    /// Intents that killed calls have left.
    fn left(&self, view: &dyn View) -> StoreResult<SettleIntents> {
        let claimed = TaskFilter { states: vec![TaskState::Claimed], limit: usize::MAX, bytes_max: usize::MAX, ..TaskFilter::default() };
        let (items, mut settle) = (self.paper.items(), SettleIntents::default());
        for task in view.tasks(&claimed)? {
            let Some(intent) = task.intent() else { continue };
            let is_marked = items.get(&task.id).and_then(Item::holder) == Some(intent.agent.as_str());
            if is_marked { settle.marked.push(task.id) } else { settle.unmarked.push(task.id) }
        }
        Ok(settle)
    }
}

/// Whether it can be marked for somebody else than who had it before.
fn is_free(item: &Item, before: Option<&str>) -> bool {
    *item == Item::Open || item.holder().is_some_and(|by| before == Some(by))
}

fn todo(view: &dyn View, task: &Task, item: &Item) -> StoreResult<Todo> {
    Ok(match (task.state, item) {
        (TaskState::Ready | TaskState::Scheduled | TaskState::Blocked, Item::Taken(by)) => match ended_here(task, by) {
            // Anyone who is silent may still be there: it is shown until somebody else has the task.
            Some(OutsideEnd::Abandoned) => Todo::Nothing,
            Some(OutsideEnd::Forced) => Todo::Show(Item::Open),
            _ if is_agent(view, by)? => Todo::Show(Item::Open),
            _ => Todo::Take(by.clone()),
        },
        (TaskState::Ready | TaskState::Scheduled, Item::Done { is_known: false }) => Todo::Finish(None),
        // It was brought back.
        (TaskState::Ready | TaskState::Scheduled | TaskState::Blocked, Item::Done { is_known: true } | Item::Over | Item::InParts) => {
            Todo::Show(Item::Open)
        }
        (TaskState::Claimed, item) => match (task.holder(), item) {
            (Some(_), Item::Done { is_known: false }) => Todo::Nothing,
            (Some(grant), Item::Taken(by)) if *by == grant.agent.as_str() || !is_agent(view, by)? => Todo::Nothing,
            (Some(grant), _) => Todo::Show(Item::Taken(grant.agent.to_string())),
            (None, Item::Done { is_known: false }) => Todo::Finish(None),
            (None, _) => Todo::Nothing,
        },
        (TaskState::Done, Item::Done { is_known: true }) => Todo::Nothing,
        (TaskState::Done, _) => Todo::Show(Item::Done { is_known: true }),
        (TaskState::Waiting, Item::Open | Item::Taken(_)) => Todo::Show(Item::InParts),
        (TaskState::Cancelled | TaskState::Dead, Item::Open | Item::Taken(_) | Item::InParts) => Todo::Show(Item::Over),
        _ => Todo::Nothing,
    })
}

/// Whether the name is that of an agent of the store: it was shown because that one had the task.
fn is_agent(view: &dyn View, name: &str) -> StoreResult<bool> {
    AgentName::parse(name).map_or(Ok(false), |name| Ok(view.agent(&name)?.is_some()))
}

/// How the hold of this name was ended in the store: that the list still shows it is no news.
fn ended_here(task: &Task, by: &str) -> Option<OutsideEnd> {
    task.outside.as_ref().filter(|hold| hold.holder.as_deref() == Some(by))?.end
}

/// Reports to the store what the list says, unless it lawfully refuses it.
fn tell<M: Mutation>(store: &mut dyn Store, settings: &Settings, request: &M) -> Result<(), OpError> {
    match call::mutate(store, &Caller::default(), settings, request) {
        Err(OpError::Rejected(_)) => Ok(()),
        told => told.map(drop),
    }
}

fn source() -> Label {
    Label::parse("paper").expect("a word")
}

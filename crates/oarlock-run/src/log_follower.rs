//! Following the log of a store for one run: which events are about it, and what they say to people.

use std::collections::{BTreeMap, BTreeSet};

use oarlock_model::duration::words::to_the_second;
use oarlock_model::event::{AgentLost, Event, Fact, LossReason};
use oarlock_model::ident::shown;
use oarlock_model::landing::Landing;
use oarlock_model::task::{Gate, Resting};
use oarlock_model::usage::Usage;
use oarlock_model::{AgentName, StoreTime, TaskId, Token, limits};
use oarlock_ops::OpError;
use oarlock_ops::shapes::EventShape;
use oarlock_ops::store::{EventFilter, Store};

use crate::progress::{AtWork, Live, Tell};
use crate::text::first_line;
use crate::tree;

/// Characters of a failure's reason that a line repeats.
const REASON_CHARS_MAX: usize = 160;
/// The kind of events about what attempts used.
const USAGE_KIND: &str = "task_used";

/// A run's knowledge from the log.
pub(crate) struct LogFollower {
    root: TaskId,
    after_seq: u64,
    /// The tasks of the run with their titles and how they stand.
    tasks: BTreeMap<TaskId, Known>,
    /// The workers of the run with the short names that lines use.
    workers: BTreeMap<AgentName, String>,
    /// Those of them that have a live session.
    joined: BTreeSet<AgentName>,
    /// Tokens and money of each attempt, by task and grant.
    used: BTreeMap<(TaskId, Token), Usage>,
}

#[derive(Debug, Default)]
struct Known {
    title: String,
    holder: Option<(AgentName, StoreTime)>,
    is_done: bool,
    /// Whether it is done only by landing.
    lands: bool,
    /// Whether it waits to land.
    is_landing: bool,
}

impl LogFollower {
    /// The current knowledge of the tree of `root`; events after `after_seq` are reported.
    ///
    /// # Errors
    /// Store errors.
    pub(crate) fn new(store: &mut dyn Store, root: &TaskId, after_seq: u64) -> Result<Self, OpError> {
        let view = store.snapshot()?;
        let mut tasks = BTreeMap::new();
        for id in tree::tasks_of(&*view, root)? {
            if let Some(task) = view.task(&id)? {
                let is_done = task.state == oarlock_model::task::TaskState::Done;
                let lands = task.spec.gate == Some(Gate::Merge);
                let is_landing = task.landing.as_ref().is_some_and(Landing::is_open);
                tasks.insert(id, Known { title: task.spec.title, holder: None, is_done, lands, is_landing });
            }
        }
        Ok(Self { root: root.clone(), after_seq, tasks, workers: BTreeMap::new(), joined: BTreeSet::new(), used: BTreeMap::new() })
    }

    /// A worker of this run; lines call it by `label`.
    pub(crate) fn add_worker(&mut self, name: AgentName, label: String) {
        self.workers.insert(name, label);
    }

    /// Whether this worker has a live session, as far as was read.
    pub(crate) fn has_joined(&self, name: &AgentName) -> bool {
        self.joined.contains(name)
    }

    /// Takes into account what attempts had used before; it reads the whole log.
    ///
    /// # Errors
    /// Store errors.
    pub(crate) fn read_usage(&mut self, store: &mut dyn Store) -> Result<(), OpError> {
        let view = store.snapshot()?;
        let kinds = vec![USAGE_KIND.to_owned()];
        let mut filter = EventFilter {
            kinds,
            before_seq: Some(self.after_seq + 1),
            limit: 500,
            bytes_max: limits::PAGE_BYTES_MAX,
            ..EventFilter::default()
        };
        loop {
            let events = view.events(&filter)?;
            let Some(last) = events.last() else { return Ok(()) };
            filter.after_seq = last.seq;
            events.iter().for_each(|event| self.follow_usage(event));
        }
    }

    /// Tokens and money of all attempts of this run's tasks.
    pub(crate) fn usage(&self) -> Usage {
        self.used.values().fold(Usage::default(), |sum, usage| sum.plus(usage))
    }

    /// The agents that hold tasks of this run.
    pub(crate) fn holders(&self) -> BTreeSet<AgentName> {
        self.tasks.values().filter_map(|known| known.holder.as_ref()).map(|(agent, _)| agent.clone()).collect()
    }

    /// Whether anything goes on but landing: a task is held, or none waits to land.
    pub(crate) fn is_worked_on(&self) -> bool {
        self.tasks.values().any(|known| known.holder.is_some()) || !self.tasks.values().any(|known| known.is_landing)
    }

    /// Reads what came since and reports it. Whether anything of it was about this run.
    ///
    /// # Errors
    /// Store errors.
    pub(crate) fn read(&mut self, store: &mut dyn Store, tell: &dyn Tell) -> Result<bool, OpError> {
        let mut is_news = false;
        loop {
            let filter = EventFilter { after_seq: self.after_seq, limit: 500, bytes_max: limits::PAGE_BYTES_MAX, ..EventFilter::default() };
            let view = store.snapshot()?;
            let events = view.events(&filter)?;
            let Some(last) = events.last() else { return Ok(is_news) };
            self.after_seq = last.seq;
            for event in events {
                let is_ours = self.concerns(&event);
                let line = self.follow(&event);
                if is_ours {
                    is_news = true;
                    tell.event(&EventShape::of(&*view, event)?);
                }
                if let Some(line) = line {
                    tell.line(&line);
                }
            }
        }
    }

    /// How the run is.
    pub(crate) fn live(&self, now: StoreTime, workers: usize, wall_ms: i64) -> Live {
        // A task without parts is its own part.
        let parts = || self.tasks.iter().filter(|(id, _)| **id != self.root || self.tasks.len() == 1);
        let at_work = self.tasks.iter().filter_map(|(id, known)| {
            let (agent, since) = known.holder.as_ref()?;
            Some(AtWork { agent: agent.clone(), task: id.clone(), title: known.title.clone(), wall_ms: now.since_ms(*since) })
        });
        Live {
            done: parts().filter(|(_, known)| known.is_done).count(),
            parts: parts().count(),
            workers,
            at_work: at_work.collect(),
            wall_ms,
        }
    }

    fn concerns(&self, event: &Event) -> bool {
        let by_worker = event.agent.as_ref().is_some_and(|name| self.workers.contains_key(name));
        let subject = event.fact.subject();
        let is_part = match &event.fact {
            Fact::TaskAdded(added) => added.spec.parent.as_ref().is_some_and(|parent| self.tasks.contains_key(parent)),
            Fact::ReservationMade(made) => made.task.as_ref().is_some_and(|task| self.tasks.contains_key(task)),
            _ => false,
        };
        by_worker || is_part || self.tasks.contains_key(subject.as_str()) || self.workers.contains_key(subject.as_str())
    }

    /// Takes an event into account. The line it is worth, if it is.
    fn follow(&mut self, event: &Event) -> Option<String> {
        match &event.fact {
            Fact::TaskAdded(added) => {
                if added.spec.parent.as_ref().is_some_and(|parent| self.tasks.contains_key(parent)) {
                    self.tasks.insert(
                        added.id.clone(),
                        Known { title: added.spec.title.clone(), lands: added.spec.gate == Some(Gate::Merge), ..Known::default() },
                    );
                }
                None
            }
            Fact::AgentLost(AgentLost { name, .. }) => {
                self.joined.remove(name);
                self.workers.get(name).map(|label| format!("{label} died"))
            }
            Fact::AgentLeft(left) => {
                self.joined.remove(&left.name);
                None
            }
            Fact::AgentJoined(joined) => {
                self.joined.insert(joined.name.clone());
                None
            }
            _ => self.follow_task(event),
        }
    }

    fn follow_usage(&mut self, event: &Event) {
        if let Fact::TaskUsed(used) = &event.fact
            && self.tasks.contains_key(used.id.as_str())
        {
            let known = self.used.entry((used.id.clone(), used.token)).or_default();
            *known = known.or_more(&used.usage);
        }
    }

    fn follow_task(&mut self, event: &Event) -> Option<String> {
        self.follow_usage(event);
        let id = event.fact.task()?.clone();
        let who = event.agent.as_ref().map(|name| self.label(name));
        let who = who.as_deref().unwrap_or("somebody");
        let known = self.tasks.get_mut(id.as_str())?;
        match &event.fact {
            Fact::LandingQueued(_) => known.is_landing = true,
            Fact::LandingLanded(_) | Fact::LandingRefused(_) | Fact::TaskRejected(_) | Fact::TaskCancelled(_) => known.is_landing = false,
            _ => {}
        }
        let title = &known.title;
        match &event.fact {
            Fact::TaskClaimed(claimed) => {
                let again = if claimed.attempt > 1 { format!(" (attempt {})", claimed.attempt) } else { String::new() };
                let line = format!("{who} claimed {id} \"{title}\"{again}");
                known.holder = event.agent.clone().map(|agent| (agent, event.store_at));
                Some(line)
            }
            Fact::TaskDone(done) => {
                known.is_done = true;
                let took =
                    known.holder.take().filter(|_| done.token.is_some()).map(|(_, since)| to_the_second(event.store_at.since_ms(since)));
                Some(match took {
                    Some(took) => format!("{who} finished {id} \"{title}\" ({took})"),
                    None => format!("{id} \"{title}\" is done"),
                })
            }
            Fact::TaskSubmitted(_) => {
                known.holder = None;
                // What it hands in for landing, the next event says.
                (!known.lands).then(|| format!("{id} \"{title}\" waits for approval"))
            }
            Fact::LandingQueued(queued) if queued.submission.is_none() => Some(format!("{id} \"{title}\" waits to land")),
            Fact::TaskUpdated(updated) => {
                if updated.change.gate.is_some() {
                    known.lands = updated.change.gate == Some(Gate::Merge);
                }
                None
            }
            Fact::TaskFailed(failed) => {
                known.holder = None;
                let next = failed
                    .retry_at
                    .map(|at| format!("; tried again in {}", to_the_second(at.since_ms(event.store_at))))
                    .unwrap_or_default();
                Some(format!("{who} failed {id}: {}{next}", first_line(&failed.reason, REASON_CHARS_MAX)))
            }
            Fact::TaskDied(died) => {
                Some(format!("{id} \"{title}\" is dead after {} failed attempts and {} lost leases", died.failures, died.losses))
            }
            Fact::LeaseLost(lost) => {
                known.holder = None;
                let holder = self.label(&lost.holder);
                let next = if matches!(lost.resting, Some(Resting::Ready { .. })) { "; it is ready again" } else { "" };
                Some(match lost.reason {
                    LossReason::OwnerDied => format!("{holder} lost {id} with its process{next}"),
                    LossReason::Expired => format!("the lease of {holder} on {id} has run out{next}"),
                    LossReason::Restored => format!("the store was restored: {holder} lost {id}{next}"),
                })
            }
            Fact::TaskTakenOutside(taken) => {
                known.holder = None;
                let holder = taken.holder.as_deref().map_or_else(|| "somebody".to_owned(), shown);
                Some(format!("{holder} works on {id} \"{title}\" outside of the store"))
            }
            Fact::TaskLeftOutside(_) => Some(format!("{id} is no longer held outside of the store")),
            Fact::TaskReleased(_) => {
                known.holder = None;
                Some(format!("{who} gave back {id}"))
            }
            Fact::TaskSplit(split) => {
                known.holder = if split.waits { None } else { known.holder.take() };
                (id != self.root).then(|| format!("{id} was split into {} parts", split.children.len()))
            }
            Fact::TaskCancelled(_) => {
                known.holder = None;
                Some(format!("{id} was cancelled"))
            }
            Fact::TaskRequeued(_) | Fact::TaskRejected(_) => Some(format!("{id} \"{title}\" is to be done again")),
            _ => None,
        }
    }

    fn label(&self, name: &AgentName) -> String {
        self.workers.get(name).cloned().unwrap_or_else(|| name.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stores;
    use crate::testing::{Heard, TestStores, task_id};
    use oarlock_ops::agent::Join;
    use oarlock_ops::call;
    use oarlock_ops::caller::Caller;
    use oarlock_ops::settings::Settings;
    use oarlock_ops::task::{Add, Cancel, Claim, Done};

    #[test]
    fn a_run_hears_of_its_own_tasks_only() {
        let stores = TestStores::new();
        let add = |id: &str, parent: Option<&str>| {
            stores.order(&Add { title: format!("Title of {id}"), id: Some(task_id(id)), parent: parent.map(task_id), ..Add::default() })
        };
        add("P", None);
        add("A", Some("P"));
        add("other", None);
        let mut store = stores.open().expect("it opens");
        let mut log = LogFollower::new(&mut *store, &task_id("P"), 0).expect("it reads");
        let name: AgentName = "P-w1".parse().expect("a name");
        log.add_worker(name.clone(), "w1".into());
        let heard = Heard::default();
        let settings = Settings::default();
        let me = Caller::named(name.clone());
        call::mutate(&mut *store, &Caller::default(), &settings, &Join { name: Some(name), ..Join::default() }).expect("joins");
        for id in ["A", "other"] {
            call::mutate(&mut *store, &me, &settings, &Claim { id: Some(task_id(id)), ..Claim::default() }).expect("claims");
        }
        add("B", Some("P"));
        assert!(log.read(&mut *store, &heard).expect("it reads"));
        assert_eq!(heard.lines(), ["w1 claimed A \"Title of A\""]);
        let live = log.live(StoreTime(i64::MAX), 1, 5);
        assert_eq!((live.done, live.parts, live.at_work.len()), (0, 2, 1));
        call::mutate(&mut *store, &me, &settings, &Done::of(task_id("A"))).expect("finishes");
        stores.order(&Cancel { id: task_id("P"), drop: false });
        assert!(log.read(&mut *store, &heard).expect("it reads"));
        assert!(!log.read(&mut *store, &heard).expect("it reads"));
        let lines = heard.lines();
        assert!(lines[1].starts_with("w1 finished A \"Title of A\" ("), "{lines:?}");
        assert_eq!(lines[2..], ["P was cancelled", "B was cancelled"]);
    }
}

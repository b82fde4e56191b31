//! The oracle's reads of the store, in a simulation with a list beside it: which tasks are granted, what the list must show once a
//! call had its lock, what became of intents, and in the end everything that was finished.

use std::collections::{BTreeMap, BTreeSet};

use oarlock_model::event::Fact;
use oarlock_model::task::TaskState;
use oarlock_model::{TaskId, Token};
use oarlock_ops::store::{EventFilter, TaskFilter};

use super::{Judged, Struck, World};
use crate::check;
use crate::memory::replay;

impl World {
    pub(super) fn last_seq(&mut self) -> Result<u64, String> {
        self.harness.store("-").snapshot().and_then(|view| view.last_seq()).map_err(|error| error.to_string())
    }

    /// The tasks that are granted or intended, and the tokens.
    pub(super) fn running(&mut self) -> Result<BTreeMap<TaskId, Token>, String> {
        let view = self.harness.store("-").snapshot().map_err(|error| error.to_string())?;
        let claimed = TaskFilter { states: vec![TaskState::Claimed], limit: usize::MAX, bytes_max: usize::MAX, ..TaskFilter::default() };
        let tasks = view.tasks(&claimed).map_err(|error| error.to_string())?;
        Ok(tasks.into_iter().filter_map(|task| Some((task.id.clone(), task.holder()?.token))).collect())
    }

    /// The tokens that were granted.
    pub(super) fn granted(&mut self) -> Result<BTreeSet<Token>, String> {
        let kinds = vec!["task_claimed".to_owned()];
        let all = EventFilter { kinds, limit: usize::MAX, bytes_max: usize::MAX, ..EventFilter::default() };
        let events = self.harness.store("-").snapshot().and_then(|view| view.events(&all)).map_err(|error| error.to_string())?;
        let token = |fact: &Fact| if let Fact::TaskClaimed(fact) = fact { Some(fact.token) } else { None };
        Ok(events.iter().filter_map(|event| token(&event.fact)).collect())
    }

    /// Somebody had the lock since these calls were killed: the mark is its session's, if that lives, and the rest is nobody's.
    pub(super) fn check_struck(&mut self) -> Judged {
        if self.struck.is_empty() {
            return Ok(());
        }
        let granted = self.granted()?;
        for struck in std::mem::take(&mut self.struck) {
            let Struck { intent, is_marked, agent, session } = struck;
            if self.scene().ledger.is_astray(&intent.task) {
                continue;
            }
            self.scene().ledger.judged(2);
            let lives = session.is_some() && self.workers[agent].session == session;
            if granted.contains(&intent.token) != (is_marked && lives) {
                return Err(format!(
                    "(2) the intent {} of {} for {} was {}marked, its session {}, and it was {}granted",
                    intent.token,
                    intent.task,
                    intent.agent,
                    if is_marked { "" } else { "not " },
                    if lives { "lives" } else { "is over" },
                    if granted.contains(&intent.token) { "" } else { "not " },
                ));
            }
        }
        Ok(())
    }

    /// A call had the lock: the list shows what has become of tasks in the store, and no intent is left.
    pub(super) fn check_list(&mut self) -> Judged {
        let items = self.list.items();
        let view = self.harness.store("-").snapshot().map_err(|error| error.to_string())?;
        let state = view.state().map_err(|error| error.to_string())?;
        drop(view);
        let mut scene = self.scene();
        scene.ledger.judged(12);
        for (id, task) in &state.tasks {
            if let Some(intent) = task.intent() {
                return Err(format!("(2) a call had the lock, and {id} is still only intended for {}", intent.agent));
            }
            let Some(item) = items.get(id).filter(|_| !scene.ledger.is_astray(id)) else { continue };
            let is_agent = |by: &&str| state.agents.keys().any(|name| name.as_str() == *by);
            let fits = match (task.state, task.holder()) {
                (TaskState::Done, _) => item.is_done(),
                (TaskState::Claimed, Some(grant)) => item.holder() == Some(grant.agent.as_str()),
                _ => item.holder().filter(is_agent).is_none(),
            };
            if !fits {
                return Err(format!("(12) a call had the lock, {id} is {}, and the list says {item}", task.state));
            }
        }
        Ok(())
    }

    /// The store as it is, by the checkers that know its nouns.
    pub(super) fn look(&mut self) -> Judged {
        let view = self.harness.store("-").snapshot().map_err(|error| error.to_string())?;
        let faults = check::faults(&view.state().map_err(|error| error.to_string())?, view.now());
        faults.into_iter().next().map_or(Ok(()), Err)
    }

    pub(super) fn open_tasks(&mut self) -> Result<usize, String> {
        let view = self.harness.store("-").snapshot().map_err(|error| error.to_string())?;
        let state = view.state().map_err(|error| error.to_string())?;
        Ok(state.tasks.values().filter(|task| !matches!(task.state, TaskState::Done | TaskState::Dead)).count())
    }

    /// No completion of either side is lost, and the log is the cause of everything that is there.
    pub(super) fn look_back(&mut self) -> Result<usize, String> {
        let view = self.harness.store("-").snapshot().map_err(|error| error.to_string())?;
        let all = EventFilter { limit: usize::MAX, bytes_max: usize::MAX, ..EventFilter::default() };
        let log = view.events(&all).map_err(|error| error.to_string())?;
        let state = view.state().map_err(|error| error.to_string())?;
        drop(view);
        let items = self.list.items();
        for (task, by) in self.scene().ledger.finished() {
            let known = state.tasks.get(task.as_str()).map(|task| task.state);
            if known != Some(TaskState::Done) || items.get(task).is_some_and(|item| !item.is_done()) {
                return Err(format!("(10) {by} finished {task}, and the store says {known:?}, the list {:?}", items.get(task)));
            }
        }
        if let Some(fault) = check::log_faults(&log).first() {
            return Err(fault.clone());
        }
        let replayed = replay(&log).map_err(|error| format!("(17) the log cannot be replayed: {error}"))?;
        self.scene().ledger.judged(17);
        replayed.difference(&state).map_or(Ok(log.len()), |difference| Err(format!("(17) the log tells of another state: {difference}")))
    }
}

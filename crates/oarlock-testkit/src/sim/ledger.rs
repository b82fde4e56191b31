//! The oracle of a simulation with a list beside the store: who is at which task, on both sides, and who has finished it. It reads the
//! replies to agents and the work of old scripts, and knows nothing of the store.

use std::collections::{BTreeMap, BTreeSet};

use oarlock_model::TaskId;

use super::Judged;

/// The grants that an agent has been informed about.
#[derive(Clone, Debug)]
struct Holder {
    agent: String,
    /// Its lease holds at least until then.
    until_ms: i64,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    agents: BTreeMap<TaskId, Holder>,
    /// The old scripts that are at it, by the name they left on the list.
    scripts: BTreeMap<TaskId, String>,
    done_by_agents: BTreeSet<TaskId>,
    done_by_scripts: BTreeSet<TaskId>,
    /// Somebody wrote false entries about these on the list: nothing can be said of them but that they come to an end.
    astray: BTreeSet<TaskId>,
    /// How often each semantics was put to the test.
    pub(super) judged: BTreeMap<u8, usize>,
}

impl Ledger {
    pub(super) fn judged(&mut self, semantics: u8) {
        *self.judged.entry(semantics).or_default() += 1;
    }

    pub(super) fn is_astray(&self, task: &TaskId) -> bool {
        self.astray.contains(task)
    }

    /// Somebody wrote a false entry.
    pub(super) fn goes_astray(&mut self, task: &TaskId) {
        self.astray.insert(task.clone());
        self.scripts.remove(task);
        self.agents.remove(task);
    }

    /// An agent learns that it has a task.
    pub(super) fn agent_has(&mut self, task: &TaskId, agent: &str, until_ms: i64) -> Judged {
        if self.is_astray(task) {
            return Ok(());
        }
        self.judged(1);
        if let Some(script) = self.scripts.get(task) {
            return Err(format!("(1) {agent} is told that it has {task}, and {script} is at it"));
        }
        self.judged(10);
        if let Some(by) = self.finisher(task) {
            return Err(format!("(10) {agent} is told that it has {task}, which {by} finished"));
        }
        self.agents.insert(task.clone(), Holder { agent: agent.to_owned(), until_ms });
        Ok(())
    }

    /// An old script sees that a task is open, and takes it.
    pub(super) fn script_takes(&mut self, task: &TaskId, script: &str, now_ms: i64) -> Judged {
        if self.is_astray(task) {
            return Ok(());
        }
        self.judged(1);
        if let Some(told) = self.agents.get(task).filter(|told| told.until_ms > now_ms) {
            return Err(format!("(1) {script} finds {task} open on the list, and {} was told that it has it", told.agent));
        }
        if let Some(other) = self.scripts.get(task) {
            return Err(format!("(1) {script} finds {task} open on the list, and {other} is at it"));
        }
        self.judged(10);
        if let Some(by) = self.finisher(task) {
            return Err(format!("(10) {script} finds {task} open on the list, and {by} finished it"));
        }
        self.scripts.insert(task.clone(), script.to_owned());
        Ok(())
    }

    pub(super) fn script_finishes(&mut self, task: &TaskId) {
        if !self.is_astray(task) {
            self.scripts.remove(task);
            self.done_by_scripts.insert(task.clone());
        }
    }

    /// A person ends what a dead script has.
    pub(super) fn forced(&mut self, task: &TaskId) {
        self.scripts.remove(task);
    }

    pub(super) fn agent_finishes(&mut self, task: &TaskId) {
        if !self.is_astray(task) {
            self.agents.remove(task);
            self.done_by_agents.insert(task.clone());
        }
    }

    /// An agent has given a task back, or nobody knows whether it has.
    pub(super) fn agent_ends(&mut self, task: &TaskId) {
        self.agents.remove(task);
    }

    /// An agent is dead, or has left.
    pub(super) fn agent_gone(&mut self, agent: &str) {
        self.agents.retain(|_, told| told.agent != agent);
    }

    fn finisher(&self, task: &TaskId) -> Option<&'static str> {
        match (self.done_by_agents.contains(task), self.done_by_scripts.contains(task)) {
            (true, _) => Some("an agent"),
            (_, true) => Some("an old script"),
            _ => None,
        }
    }

    /// Everything that was finished, on either side.
    pub(super) fn finished(&self) -> impl Iterator<Item = (&TaskId, &'static str)> {
        let by_agents = self.done_by_agents.iter().map(|task| (task, "an agent"));
        by_agents.chain(self.done_by_scripts.iter().map(|task| (task, "an old script"))).filter(|(task, _)| !self.is_astray(task))
    }
}

//! The counts of tasks that are not ready: the facts of a claim that found nothing.

use std::collections::BTreeSet;

use oarlock_model::TaskId;
use oarlock_model::rejection::Unready;
use oarlock_model::rules::claim::is_all_done;
use oarlock_model::task::TaskState;

use crate::store::{Counts, StoreResult, View};

/// How many ids are named of those that are dead, or stuck.
const NAMED_MAX: usize = 5;

/// How many stuck tasks are counted, at most.
const STUCK_MAX: usize = 10_000;

/// The tasks of the store, or of one tree of it.
pub(super) struct Looked {
    counts: Counts,
    /// The tree, if only that counts.
    tree: Option<Vec<(TaskId, TaskState)>>,
}

impl Looked {
    /// Counts the tasks: all of them, or those of the tree below (and with) `within`.
    pub(super) fn at(view: &dyn View, within: Option<&TaskId>) -> StoreResult<Self> {
        let Some(within) = within else { return Ok(Self { counts: view.counts()?, tree: None }) };
        let tree = view.tree(within)?;
        let mut counts = Counts::default();
        tree.iter().for_each(|(_, state)| counts.shift(None, *state));
        Ok(Self { counts, tree: Some(tree) })
    }

    /// Whether there were tasks, and all are done or cancelled.
    pub(super) fn is_all_done(&self) -> bool {
        is_all_done(self.counts.total(), self.counts.of(TaskState::Done), self.counts.of(TaskState::Cancelled))
    }

    /// The facts about tasks, those that need somebody by name.
    pub(super) fn facts(&self, view: &dyn View) -> StoreResult<Unready> {
        let of = |state| self.counts.of(state);
        let dead = match &self.tree {
            _ if of(TaskState::Dead) == 0 => Vec::new(),
            Some(tree) => tree.iter().filter(|(_, state)| *state == TaskState::Dead).map(|(id, _)| id.clone()).take(NAMED_MAX).collect(),
            None => view.dead_letters(NAMED_MAX)?,
        };
        let stuck = self.stuck(view)?;
        Ok(Unready {
            blocked: of(TaskState::Blocked),
            claimed: of(TaskState::Claimed),
            scheduled: of(TaskState::Scheduled),
            waiting: of(TaskState::Waiting),
            review: of(TaskState::Review),
            dead: of(TaskState::Dead),
            stuck: stuck.len() as u64,
            dead_named: dead,
            stuck_named: stuck.into_iter().take(NAMED_MAX).collect(),
            all_done: self.is_all_done(),
            unread: 0,
        })
    }

    fn stuck(&self, view: &dyn View) -> StoreResult<BTreeSet<TaskId>> {
        // Most stores have no dead end at all, and then nothing is searched.
        if view.counts()?.dead_ends() == 0 || self.counts.of(TaskState::Blocked) + self.counts.of(TaskState::Waiting) == 0 {
            return Ok(BTreeSet::new());
        }
        let mut stuck = view.stuck_tasks(STUCK_MAX)?;
        if let Some(tree) = &self.tree {
            let tree: BTreeSet<&TaskId> = tree.iter().map(|(id, _)| id).collect();
            stuck.retain(|id| tree.contains(id));
        }
        Ok(stuck)
    }
}

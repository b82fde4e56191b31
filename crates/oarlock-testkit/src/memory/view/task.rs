//! Tasks and their holders.

use oarlock_model::landing::{BranchName, LandingState};
use oarlock_model::task::{Grant, Task, TaskState};
use oarlock_model::{SessionId, TaskId};
use oarlock_ops::store::{Counts, LandingCounts, QueuedLanding, StoreResult, TaskFilter, TaskView};
use std::collections::BTreeSet;

use crate::memory::Moment;
use crate::memory::scan::{contains_whatever_case, page, sorted};

impl TaskView for Moment {
    fn claims_of(&self, session: &SessionId) -> StoreResult<Vec<TaskId>> {
        let mut held = self.first_held_by(session, usize::MAX)?;
        held.retain(|id| self.task_ref(id).is_some_and(|task| task.intent().is_none()));
        Ok(held)
    }

    fn claims_of_all(&self, sessions: &[&SessionId]) -> StoreResult<Vec<(SessionId, TaskId)>> {
        let mut all = Vec::new();
        for session in sessions {
            all.extend(self.claims_of(session)?.into_iter().map(|task| ((*session).clone(), task)));
        }
        Ok(all)
    }

    fn first_held_by(&self, session: &SessionId, limit: usize) -> StoreResult<Vec<TaskId>> {
        let held = self.all_tasks().filter(|task| task.holder().is_some_and(|grant| grant.session == *session));
        let held = sorted(held, |task| task.grant.as_ref().map(|grant| grant.token));
        Ok(held.into_iter().take(limit).map(|task| task.id.clone()).collect())
    }

    fn claim_count(&self, session: &SessionId) -> StoreResult<usize> {
        Ok(self.first_held_by(session, usize::MAX)?.len())
    }

    fn running_grant(&self, id: &TaskId) -> StoreResult<Option<Grant>> {
        Ok(self.task_ref(id).and_then(|task| task.holder()).cloned())
    }

    fn task(&self, id: &TaskId) -> StoreResult<Option<Task>> {
        Ok(self.task_ref(id).cloned())
    }

    fn tasks_with(&self, ids: &[&TaskId], bytes_max: usize) -> StoreResult<Vec<Task>> {
        Ok(page(ids.iter().filter_map(|id| self.task_ref(id)), ids.len(), bytes_max, Task::text_bytes))
    }

    fn results_of(&self, ids: &[&TaskId]) -> StoreResult<Vec<(TaskId, String)>> {
        let tasks = ids.iter().filter_map(|id| self.task_ref(id));
        Ok(tasks.filter_map(|task| Some((task.id.clone(), task.result.clone()?))).collect())
    }

    fn running_grants(&self, ids: &[&TaskId]) -> StoreResult<Vec<(TaskId, Grant)>> {
        let tasks = ids.iter().filter_map(|id| self.task_ref(id));
        Ok(tasks.filter_map(|task| Some((task.id.clone(), task.holder()?.clone()))).collect())
    }

    fn task_state(&self, id: &TaskId) -> StoreResult<Option<TaskState>> {
        Ok(self.task_ref(id).map(|task| task.state))
    }

    fn tasks_of_file(&self, file: &str) -> StoreResult<Vec<TaskId>> {
        let tasks = self.all_tasks().filter(|task| task.spec.file.as_deref() == Some(file));
        Ok(sorted(tasks, |task| task.seq).into_iter().map(|task| task.id.clone()).collect())
    }

    fn next_task_seq(&self) -> StoreResult<u64> {
        Ok(self.world.state.tasks.len() as u64 + 1)
    }

    fn tasks(&self, filter: &TaskFilter) -> StoreResult<Vec<Task>> {
        let admits = |task: &&Task| {
            let texts = [task.id.as_str(), &task.spec.title, &task.spec.body];
            task.seq > filter.after_seq
                && (filter.states.is_empty() || filter.states.contains(&task.state))
                && filter.parent.as_ref().is_none_or(|parent| task.spec.parent.as_ref() == Some(parent))
                && filter.agent.as_ref().is_none_or(|agent| task.grant.as_ref().is_some_and(|grant| grant.agent == *agent))
                && filter.search.as_ref().is_none_or(|wanted| texts.iter().any(|text| contains_whatever_case(text, wanted)))
        };
        let tasks = sorted(self.all_tasks().filter(admits), |task| task.seq).into_iter();
        Ok(page(tasks, filter.limit, filter.bytes_max, Task::text_bytes))
    }

    fn was_granted(&self, task: &TaskId, session: &SessionId) -> StoreResult<bool> {
        Ok(self.world.state.grantees.get(task).is_some_and(|sessions| sessions.contains(session)))
    }

    fn counts(&self) -> StoreResult<Counts> {
        let mut counts = Counts::default();
        for state in TaskState::ALL {
            counts.set(state, self.in_state(state).count() as u64);
        }
        Ok(counts)
    }

    fn queued_landings(&self, onto: &BranchName, limit: usize) -> StoreResult<Vec<QueuedLanding>> {
        let is_for = |task: &&Task| task.spec.onto.as_ref().is_none_or(|target| target == onto);
        let open = self.all_tasks().filter(is_for).filter_map(|task| {
            let landing = task.open_landing()?.clone();
            Some(QueuedLanding { task: task.id.clone(), onto: task.spec.onto.clone(), landing })
        });
        let mut open: Vec<QueuedLanding> = open.collect();
        open.sort_by_key(|queued| queued.landing.submission);
        open.truncate(limit);
        Ok(open)
    }

    fn landing_targets(&self) -> StoreResult<Vec<BranchName>> {
        let unfinished = self.all_tasks().filter(|task| !task.state.is_finished());
        let targets: BTreeSet<BranchName> = unfinished.filter_map(|task| task.spec.onto.clone()).collect();
        Ok(targets.into_iter().collect())
    }

    fn landing_counts(&self, onto: &BranchName) -> StoreResult<LandingCounts> {
        let mut counts = LandingCounts::default();
        for task in self.all_tasks().filter(|task| task.spec.onto.as_ref() == Some(onto)) {
            match task.landing.as_ref().map(|landing| landing.state) {
                Some(LandingState::Landed) => counts.landed += 1,
                Some(LandingState::Refused) => counts.refused += 1,
                _ => {}
            }
        }
        Ok(counts)
    }

    fn outside_tasks(&self, limit: usize) -> StoreResult<Vec<Task>> {
        let outside = self.all_tasks().filter(|task| task.outside.is_some());
        Ok(sorted(outside, |task| task.seq).into_iter().take(limit).cloned().collect())
    }
}

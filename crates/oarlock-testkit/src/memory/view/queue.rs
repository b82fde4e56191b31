//! The ready queue, and what falls due.

use oarlock_model::task::{Task, TaskState};
use oarlock_model::{StoreTime, TaskId};
use oarlock_ops::store::{Expired, Offer, QueuePlace, QueueView, StoreResult};

use crate::memory::Moment;
use crate::memory::scan::{place, sorted};

impl QueueView for Moment {
    fn offer(&self, id: &TaskId) -> StoreResult<Option<Offer>> {
        let has_expired = |task: &Task| task.holder().is_some_and(|grant| self.lease_ttl_ms(grant) == 0);
        Ok(self.task_ref(id).filter(|task| task.state == TaskState::Ready || has_expired(task)).map(Offer::from))
    }

    fn ready_offers(&self, after: Option<QueuePlace>, limit: usize) -> StoreResult<Vec<Offer>> {
        let ready = self.in_state(TaskState::Ready).filter(|task| after.is_none_or(|after| place(task) > after));
        Ok(sorted(ready, place).into_iter().take(limit).map(Offer::from).collect())
    }

    fn expired_offers(&self, _read_max: usize) -> StoreResult<Option<Expired>> {
        let expired = self.all_tasks().filter(|task| task.holder().is_some_and(|grant| self.lease_ttl_ms(grant) == 0));
        let offers = sorted(expired, place).into_iter().map(Offer::from).collect();
        Ok(Some(Expired { offers, first_end: None }))
    }

    fn may_be_due(&self, _boot_id: &str) -> StoreResult<bool> {
        // The thorough look costs little here.
        Ok(true)
    }

    fn due_tasks(&self, limit: usize) -> StoreResult<Vec<TaskId>> {
        let scheduled = |with_retry: bool| self.in_state(TaskState::Scheduled).filter(move |task| task.retry_at.is_some() == with_retry);
        let date_has_come = |task: &&Task| task.spec.not_before.is_none_or(|at| at <= self.now.wall);
        let retries = scheduled(true).filter(|task| task.retry_at <= Some(self.now.store)).filter(date_has_come);
        let dates = scheduled(false).filter(|task| task.spec.not_before.is_some()).filter(date_has_come);
        let order = |task: &Task| (task.retry_at, task.spec.not_before, task.seq);
        let due = sorted(retries, order).into_iter().take(limit).chain(sorted(dates, order).into_iter().take(limit));
        Ok(due.map(|task| task.id.clone()).collect())
    }

    fn next_due_ms(&self) -> StoreResult<Option<i64>> {
        let scheduled = || self.in_state(TaskState::Scheduled);
        let retries = scheduled().filter_map(|task| task.retry_at).map(|at| at.0 - self.now.store.0);
        let dates = scheduled().filter_map(|task| task.spec.not_before).map(|at| at.0 - self.now.wall.0);
        let leases = self.all_tasks().filter_map(Task::holder).map(|grant| self.lease_ttl_ms(grant));
        let own = self.world.state.reservations.values().filter(|reservation| reservation.task.is_none());
        let reservations = own.map(|reservation| self.ends_at(reservation).0 - self.now.store.0);
        let deadlines = self.open().filter_map(|proposal| proposal.closes_at).map(|at| at.0 - self.now.store.0);
        Ok(retries.chain(dates).chain(leases).chain(reservations).chain(deadlines).filter(|ms| *ms > 0).min())
    }

    fn dead_letters(&self, limit: usize) -> StoreResult<Vec<TaskId>> {
        let dead = sorted(self.in_state(TaskState::Dead), |task| task.seq);
        Ok(dead.into_iter().take(limit).map(|task| task.id.clone()).collect())
    }

    fn oldest_ready(&self) -> StoreResult<Option<(TaskId, StoreTime)>> {
        let oldest = self.in_state(TaskState::Ready).min_by_key(|task| (task.ready_at, task.seq));
        Ok(oldest.map(|task| (task.id.clone(), task.ready_at.unwrap_or_default())))
    }
}

//! Reservations.

use oarlock_model::reservation::{Reservation, Target};
use oarlock_model::rules::reserve::{StarvedClaim, targets_overlap};
use oarlock_model::{ReservationId, SessionId, TaskId};
use oarlock_ops::store::{ReservationView, StoreResult};

use crate::memory::Moment;
use crate::memory::scan::sorted;

impl ReservationView for Moment {
    fn reservations(&self) -> StoreResult<Vec<Reservation>> {
        let reservations = self.world.state.reservations.values();
        Ok(sorted(reservations, |reservation| reservation.id.seq()).into_iter().cloned().collect())
    }

    fn reservations_near(&self, targets: &[&Target]) -> StoreResult<Vec<Reservation>> {
        // The index is allowed to find too much.
        let overlaps = |held: &Reservation| targets.iter().any(|target| targets_overlap(&held.target, target));
        Ok(self.reservations()?.into_iter().filter(overlaps).collect())
    }

    fn reservation_count(&self) -> StoreResult<usize> {
        Ok(self.world.state.reservations.len())
    }

    fn reservation_count_of(&self, session: &SessionId) -> StoreResult<usize> {
        Ok(self.reservations_of(session)?.len())
    }

    fn reservation(&self, id: &ReservationId) -> StoreResult<Option<Reservation>> {
        Ok(self.world.state.reservations.get(id).cloned())
    }

    fn reservations_of(&self, session: &SessionId) -> StoreResult<Vec<Reservation>> {
        Ok(self.reservations()?.into_iter().filter(|reservation| reservation.session == *session).collect())
    }

    fn first_reservations_of(&self, session: &SessionId, untied: bool, limit: usize) -> StoreResult<Vec<Reservation>> {
        let mut own = self.reservations_of(session)?;
        own.retain(|reservation| !untied || reservation.task.is_none());
        own.truncate(limit);
        Ok(own)
    }

    fn reservations_of_task(&self, task: &TaskId) -> StoreResult<Vec<Reservation>> {
        Ok(self.reservations()?.into_iter().filter(|reservation| reservation.task.as_ref() == Some(task)).collect())
    }

    fn expired_reservations(&self, limit: usize) -> StoreResult<Vec<ReservationId>> {
        let has_run_out = |r: &Reservation| r.task.is_none() && self.ends_at(r) <= self.now.store;
        Ok(self.reservations()?.into_iter().filter(has_run_out).map(|reservation| reservation.id).take(limit).collect())
    }

    fn starved_claims(&self) -> StoreResult<Vec<(TaskId, StarvedClaim)>> {
        Ok(self.world.starved.iter().map(|(task, starved)| (task.clone(), starved.clone())).collect())
    }
}

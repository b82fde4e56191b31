//! Reservations.

use oarlock_model::reservation::{Reservation, Target};
use oarlock_model::rules::reserve::StarvedClaim;
use oarlock_model::{ReservationId, SessionId, TaskId};
use oarlock_ops::store::{ReservationView, StoreResult};

use super::SqliteView;
use crate::error::store_error;
use crate::rows::reservation;
use crate::rows::reservation::RunOut;

impl ReservationView for SqliteView<'_> {
    fn reservations(&self) -> StoreResult<Vec<Reservation>> {
        reservation::list(self.conn).map_err(store_error)
    }

    fn reservations_near(&self, targets: &[&Target]) -> StoreResult<Vec<Reservation>> {
        reservation::near(self.conn, targets).map_err(store_error)
    }

    fn reservation_count(&self) -> StoreResult<usize> {
        reservation::count(self.conn).map_err(store_error)
    }

    fn reservation_count_of(&self, session: &SessionId) -> StoreResult<usize> {
        reservation::count_of_session(self.conn, session).map_err(store_error)
    }

    fn reservation(&self, id: &ReservationId) -> StoreResult<Option<Reservation>> {
        reservation::get(self.conn, id).map_err(store_error)
    }

    fn reservations_of(&self, session: &SessionId) -> StoreResult<Vec<Reservation>> {
        reservation::of_session(self.conn, session).map_err(store_error)
    }

    fn first_reservations_of(&self, session: &SessionId, untied: bool, limit: usize) -> StoreResult<Vec<Reservation>> {
        reservation::first_of_session(self.conn, session, untied, limit).map_err(store_error)
    }

    fn reservations_of_task(&self, task: &TaskId) -> StoreResult<Vec<Reservation>> {
        reservation::of_task(self.conn, task).map_err(store_error)
    }

    fn expired_reservations(&self, limit: usize) -> StoreResult<Vec<ReservationId>> {
        let RunOut { ids, first_end } = reservation::expired(self.conn, self.now.store, limit).map_err(store_error)?;
        if let Some(first_end) = first_end.filter(|_| !self.ends_with_view) {
            reservation::set_next_end(self.conn, first_end).map_err(store_error)?;
        }
        Ok(ids)
    }

    fn starved_claims(&self) -> StoreResult<Vec<(TaskId, StarvedClaim)>> {
        reservation::starved(self.conn).map_err(store_error)
    }
}

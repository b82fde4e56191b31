//! Reservations.

use oarlock_model::reservation::{Reservation, Target};
use oarlock_model::rules::reserve::StarvedClaim;
use oarlock_model::{ReservationId, SessionId, TaskId};

use super::StoreResult;

/// Reading reservations, and claims that wait for them.
pub trait ReservationView {
    /// All reservations that have not ended, by the order of their making. Their time may have run out.
    fn reservations(&self) -> StoreResult<Vec<Reservation>>;
    /// Those that could overlap one of these targets, by the order of their making: all that do, and some that do not. They are found
    /// by [`oarlock_model::rules::near`], without reading the others.
    fn reservations_near(&self, targets: &[&Target]) -> StoreResult<Vec<Reservation>>;
    /// How many have not ended.
    fn reservation_count(&self) -> StoreResult<usize>;
    /// How many of them belong to this session.
    fn reservation_count_of(&self, session: &SessionId) -> StoreResult<usize>;
    /// The one with this id, unless it has ended.
    fn reservation(&self, id: &ReservationId) -> StoreResult<Option<Reservation>>;
    /// Those that belong to this session.
    fn reservations_of(&self, session: &SessionId) -> StoreResult<Vec<Reservation>>;
    /// The first of them, at most `limit`, by the order of their making; where `untied`, of those that are tied to no task.
    fn first_reservations_of(&self, session: &SessionId, untied: bool, limit: usize) -> StoreResult<Vec<Reservation>>;
    /// Those that are tied to a lease of this task.
    fn reservations_of_task(&self, task: &TaskId) -> StoreResult<Vec<Reservation>>;
    /// Those that are not tied to a lease and whose time has run out.
    fn expired_reservations(&self, limit: usize) -> StoreResult<Vec<ReservationId>>;
    /// Claims in vain because of others' reservations, by task.
    fn starved_claims(&self) -> StoreResult<Vec<(TaskId, StarvedClaim)>>;
}

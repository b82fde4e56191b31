//! RESERVATION.

use oarlock_model::reservation::{Mode, Reservation};
use oarlock_model::rules::liveness;
use oarlock_model::{AgentName, Now, ReservationId, TaskId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::store::{StoreResult, View};

/// RESERVATION.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the fields are those of the contract")]
pub struct ReservationShape {
    pub id: ReservationId,
    pub pattern: String,
    pub mode: Mode,
    pub agent: AgentName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskId>,
    pub ttl_ms: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl ReservationShape {
    /// The shape of a reservation now.
    ///
    /// # Errors
    /// Store errors.
    pub fn of(view: &dyn View, now: Now, reservation: &Reservation) -> StoreResult<Self> {
        Ok(Self {
            id: reservation.id.shown_by(view.identity()),
            pattern: reservation.target.to_string(),
            mode: reservation.mode,
            agent: reservation.agent.clone(),
            task: reservation.task.clone(),
            ttl_ms: reservation_ttl_ms(view, now, reservation)?,
            reason: reservation.reason.clone(),
        })
    }
}

/// How long a reservation still holds, in milliseconds: its own time, or that of the lease it is tied to.
///
/// # Errors
/// Store errors.
pub fn reservation_ttl_ms(view: &dyn View, now: Now, reservation: &Reservation) -> StoreResult<i64> {
    let holder = view.agent(&reservation.agent)?;
    let grant = match &reservation.task {
        Some(task) => view.running_grant(task)?,
        None => None,
    };
    Ok(liveness::reservation_ttl_ms(reservation, holder.as_ref(), grant.as_ref(), now))
}

//! RESERVATION.

use oarlock_model::reservation::{Mode, Reservation};
use oarlock_model::rules::liveness;
use oarlock_model::task::Grant;
use oarlock_model::{AgentName, Now, ReservationId, TaskId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

use crate::store::{StoreResult, View, agents_by_name};

/// A reservation: RESERVATION of the contract.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReservationShape {
    /// The reservation id.
    pub id: ReservationId,
    /// The pattern of paths, rooted at the repository; for a resource, `resource:NAME`.
    pub pattern: String,
    /// Whether others may reserve the same paths in shared mode, or not at all.
    pub mode: Mode,
    /// The agent that has it.
    pub agent: AgentName,
    /// The task whose lease it ends with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskId>,
    /// The time until it ends, in milliseconds.
    pub ttl_ms: i64,
    /// The reason that its agent gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl ReservationShape {
    /// The shapes of reservations now.
    ///
    /// # Errors
    /// Store errors.
    pub fn of_all(view: &dyn View, now: Now, reservations: &[Reservation]) -> StoreResult<Vec<Self>> {
        let shape = |(reservation, ttl_ms): (&Reservation, i64)| Self {
            id: reservation.id.shown_by(view.identity()),
            pattern: reservation.target.to_string(),
            mode: reservation.mode,
            agent: reservation.agent.clone(),
            task: reservation.task.clone(),
            ttl_ms,
            reason: reservation.reason.clone(),
        };
        Ok(reservations.iter().zip(reservation_ttls_ms(view, now, reservations)?).map(shape).collect())
    }
}

/// How long reservations still hold, in milliseconds: their own time, or that of the lease that they are tied to.
///
/// # Errors
/// Store errors.
pub fn reservation_ttls_ms(view: &dyn View, now: Now, reservations: &[Reservation]) -> StoreResult<Vec<i64>> {
    let holders = agents_by_name(view, reservations.iter().map(|reservation| &reservation.agent).collect())?;
    let tasks: BTreeSet<&TaskId> = reservations.iter().filter_map(|reservation| reservation.task.as_ref()).collect();
    let tasks: Vec<&TaskId> = tasks.into_iter().collect();
    let grants = if tasks.is_empty() { Vec::new() } else { view.running_grants(&tasks)? };
    let grants: BTreeMap<TaskId, Grant> = grants.into_iter().collect();
    let ttl_ms = |reservation: &Reservation| {
        let grant = reservation.task.as_ref().and_then(|task| grants.get(task));
        liveness::reservation_ttl_ms(reservation, holders.get(&reservation.agent), grant, now)
    };
    Ok(reservations.iter().map(ttl_ms).collect())
}

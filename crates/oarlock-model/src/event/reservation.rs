//! Facts about reservations of files and resources.
//! Each struct is the data of the event of the same name; it is public as `event::NAME`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ident::{ReservationId, TaskId};
use crate::reservation::{Mode, Target};

/// See [`Fact::ReservationMade`](super::Fact::ReservationMade).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReservationMade {
    /// Its id.
    pub id: ReservationId,
    /// The paths or the resource that it covers.
    pub target: Target,
    /// Exclusive or shared.
    pub mode: Mode,
    /// The task whose lease it lives as long as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskId>,
    /// How long it holds, in milliseconds.
    pub ttl_ms: i64,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Why a reservation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReservationEnd {
    /// `unreserve`.
    Released,
    /// Its time ran out.
    Expired,
    /// The lease it came with ended.
    LeaseEnded,
    /// The session that held it ended.
    SessionEnded,
}

/// See [`Fact::ReservationEnded`](super::Fact::ReservationEnded).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReservationEnded {
    /// Its id.
    pub id: ReservationId,
    /// Why.
    pub reason: ReservationEnd,
}

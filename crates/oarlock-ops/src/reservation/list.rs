//! `reservations`: who has reserved what.

use clap::Args;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::context::Reading;
use crate::request::{Identity, Query, Request};
use crate::reservation::reserve::ReservationsReply;
use crate::shapes::ReservationShape;

/// Lists the reservations that hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Reservations {}

impl Request for Reservations {
    const VERB: &'static str = "reservations";
    const ABOUT: &'static str = "List the reservations that hold";
    const EXAMPLE: &'static [&'static str] = &[];
    const IDENTITY: Identity = Identity::Optional;
    type Reply = ReservationsReply;
}

impl Query for Reservations {
    fn answer(&self, cx: &Reading<'_>) -> Result<ReservationsReply, OpError> {
        let mut reservations = Vec::new();
        for reservation in cx.view.reservations()? {
            let shape = ReservationShape::of(cx, &reservation)?;
            if shape.ttl_ms > 0 {
                reservations.push(shape);
            }
        }
        Ok(ReservationsReply { reservations })
    }
}

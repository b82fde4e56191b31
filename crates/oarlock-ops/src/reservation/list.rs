//! `reservations`: who has reserved what.

use clap::Args;
use oarlock_model::Rejection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::caller::Identity;
use crate::context::Reading;
use crate::cursor;
use crate::page::{self, Filling};
use crate::request::{Query, Request, is_list};
use crate::shapes::ReservationShape;
use crate::task::values;

/// List the active reservations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Reservations {
    /// At most this many [default: 1000]
    #[arg(long, value_name = "N")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Continue after the `next` of a page
    #[arg(long, value_name = "CURSOR")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// The reply of [`Reservations`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReservationListReply {
    /// The reservations, in the order of their making.
    pub reservations: Vec<ReservationShape>,
    /// Where the next page begins; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl Request for Reservations {
    const VERB: &'static str = "reservations";
    const ABOUT: &'static str = "List the active reservations";
    const EXAMPLE: &'static [&'static str] = &[];
    const IDENTITY: Identity = Identity::Optional;
    type Reply = ReservationListReply;

    is_list!();

    fn check(&self) -> Result<(), Rejection> {
        values::page_limit(self.limit)?;
        cursor::check(self.after.as_deref())
    }
}

impl Query for Reservations {
    fn answer(&self, cx: &Reading<'_>) -> Result<ReservationListReply, OpError> {
        let after: u64 = cursor::place(cx.view, self.after.as_deref())?.unwrap_or(0);
        let limit = values::page_limit(self.limit)?;
        let mut filling = Filling::new(limit);
        let (mut reservations, mut last, mut next) = (Vec::new(), None, None);
        let mut all = cx.view.reservations()?;
        all.retain(|reservation| reservation.id.seq() > Some(after));
        // One more shows whether the list goes on.
        'page: for some in all.chunks(limit.saturating_add(1)) {
            for (reservation, shape) in some.iter().zip(ReservationShape::of_all(cx.view, cx.now, some)?) {
                if shape.ttl_ms == 0 {
                    continue;
                }
                let bytes = |shape: &ReservationShape| shape.pattern.len() + shape.reason.as_ref().map_or(0, String::len);
                let Some(shape) = filling.take(shape, Ok::<_, OpError>, bytes)? else {
                    next = last.filter(|_| page::goes_on(true)).map(|last| cursor::after_place(cx.view, &last)).transpose()?;
                    break 'page;
                };
                reservations.push(shape);
                last = Some(reservation.id.seq().unwrap_or(0));
            }
        }
        Ok(ReservationListReply { reservations, next })
    }
}

//! `unreserve`: gives reservations back.

use clap::Args;
use oarlock_model::Rejection;
use oarlock_model::event::{ReservationEnd, ReservationEnded};
use oarlock_model::pattern::Pattern;
use oarlock_model::reservation::Target;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::call::Caller;
use crate::context::Deciding;
use crate::lock::Lock;
use crate::request::{Identity, Mutation, Request};
use crate::reservation::reserve::ReservationsReply;
use crate::shapes::ReservationShape;
use crate::task::values;

/// Ends the caller's reservations: those named by id or by pattern, or all that are not tied to a task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Unreserve {
    /// Ids or patterns as `reservations` shows them; without any, all of one's own
    #[arg(value_name = "ID|GLOB")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub globs: Vec<String>,
}

impl Request for Unreserve {
    const VERB: &'static str = "unreserve";
    const ABOUT: &'static str = "End one's reservations";
    const EXAMPLE: &'static [&'static str] = &["src/parser/**"];
    const IDENTITY: Identity = Identity::Needed;
    type Reply = ReservationsReply;

    fn check(&self) -> Result<(), Rejection> {
        values::check_list("reservations", self.globs.len())
    }
}

impl Mutation for Unreserve {
    fn locks(&self, _caller: &Caller) -> Vec<Lock> {
        vec![Lock::Reservations]
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<ReservationsReply, OpError> {
        let own = cx.view().reservations_of(&cx.me()?.session.clone())?;
        let store = cx.view().identity().clone();
        let mut ending = Vec::new();
        if self.globs.is_empty() {
            ending.extend(own.into_iter().filter(|reservation| reservation.task.is_none()));
        } else {
            for wanted in &self.globs {
                let pattern = Pattern::parse_stored(wanted).ok();
                let is_same = |target: &Target| match (target, &pattern) {
                    (Target::Paths(held), Some(pattern)) => held.is_same_as(pattern),
                    _ => target.to_string() == *wanted,
                };
                let before = ending.len();
                ending.extend(own.iter().filter(|r| r.id.shown_by(&store).as_str() == wanted || is_same(&r.target)).cloned());
                if ending.len() == before {
                    return Err(not_mine(cx, wanted)?);
                }
            }
            ending.sort_by(|a, b| a.id.cmp(&b.id));
            ending.dedup_by(|a, b| a.id == b.id);
        }
        let mut reservations = Vec::new();
        for reservation in ending {
            reservations.push(ReservationShape::of(&cx.reading(), &reservation)?);
            cx.emit(ReservationEnded { id: reservation.id, reason: ReservationEnd::Released })?;
        }
        Ok(ReservationsReply { reservations })
    }
}

/// Why something named is not the caller's to end.
fn not_mine(cx: &Deciding<'_>, wanted: &str) -> Result<OpError, OpError> {
    let (others, store) = (cx.view().reservations()?, cx.view().identity());
    Ok(match others.iter().find(|r| r.id.shown_by(store).as_str() == wanted || r.target.to_string() == *wanted) {
        Some(other) => Rejection::Denied {
            message: format!("reservation {} belongs to {}", other.id.shown_by(store), other.agent),
            hint: "ask its holder to end it, or wait for its end",
        }
        .into(),
        None => Rejection::not_found("reservation", wanted).into(),
    })
}

//! `unreserve`: gives reservations back.

use clap::Args;
use oarlock_model::event::{ReservationEnd, ReservationEnded};
use oarlock_model::pattern::Pattern;
use oarlock_model::reservation::{Reservation, Target};
use oarlock_model::{Label, Rejection, ReservationId, StoreIdentity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::OpError;
use crate::caller::{Caller, Identity};
use crate::context::Deciding;
use crate::lock::Lock;
use crate::request::{Mutation, Request};
use crate::reservation::reserve::ReservationsReply;
use crate::shapes::ReservationShape;
use crate::task::values;

/// End your reservations: those named by id or pattern, or all that are not tied to a task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Unreserve {
    /// Ids or patterns as `reservations` shows them [default: all of your own that are not tied to a task]
    #[arg(value_name = "ID|GLOB")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub globs: Vec<String>,
}

impl Request for Unreserve {
    const VERB: &'static str = "unreserve";
    const ABOUT: &'static str = "End your reservations";
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
        if self.globs.is_empty() {
            return end_all(cx);
        }
        let own = cx.view().reservations_of(&cx.me()?.session.clone())?;
        let store = cx.view().identity().clone();
        let mut ending = Vec::new();
        let named = Named::of(&own, &store);
        for wanted in &self.globs {
            let before = ending.len();
            ending.extend(named.by(wanted).map(|at| own[at].clone()));
            if ending.len() == before {
                return Err(not_mine(cx, wanted)?);
            }
        }
        ending.sort_by(|a, b| a.id.cmp(&b.id));
        ending.dedup_by(|a, b| a.id == b.id);
        let mut reservations = Vec::new();
        end(cx, ending, &mut reservations)?;
        Ok(ReservationsReply { reservations })
    }
}

/// Ends all that are not tied to a task, a portion after another. Cut off between portions, some stand, and the same call again ends them.
fn end_all(cx: &mut Deciding<'_>) -> Result<ReservationsReply, OpError> {
    let session = cx.me()?.session.clone();
    let mut progress = cx.take_progress();
    let mut ending = cx.view().first_reservations_of(&session, true, cx.room() + 1)?;
    let is_part = ending.len() > cx.room();
    ending.truncate(cx.room());
    end(cx, ending, &mut progress.reservations)?;
    if is_part { Err(cx.go_on_later(progress)) } else { Ok(ReservationsReply { reservations: progress.reservations }) }
}

/// Ends these.
fn end(cx: &mut Deciding<'_>, ending: Vec<Reservation>, ended: &mut Vec<ReservationShape>) -> Result<(), OpError> {
    ended.append(&mut ReservationShape::of_all(cx.view(), cx.now(), &ending)?);
    for reservation in ending {
        cx.emit(ReservationEnded { id: reservation.id, reason: ReservationEnd::Released })?;
    }
    Ok(())
}

/// Reservations by what they can be called.
struct Named {
    by_word: BTreeMap<String, Vec<usize>>,
}

impl Named {
    fn of(own: &[Reservation], store: &StoreIdentity) -> Self {
        let mut by_word: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (at, held) in own.iter().enumerate() {
            by_word.entry(held.id.shown_by(store).to_string()).or_default().push(at);
            let word = match &held.target {
                Target::Paths(pattern) => pattern.essence(),
                target => target.to_string(),
            };
            by_word.entry(word).or_default().push(at);
        }
        Self { by_word }
    }

    /// Those that this word names: an id, or a pattern that covers the same.
    fn by(&self, word: &str) -> impl Iterator<Item = usize> {
        let essence = Pattern::parse_stored(word).ok().map(|pattern| pattern.essence()).filter(|essence| essence != word);
        [Some(word.to_owned()), essence].into_iter().flatten().filter_map(|word| self.by_word.get(&word)).flatten().copied()
    }
}

/// Why something named is not the caller's to end.
fn not_mine(cx: &Deciding<'_>, wanted: &str) -> Result<OpError, OpError> {
    let (view, store) = (cx.view(), cx.view().identity());
    let by_id = match wanted.parse::<ReservationId>().ok().and_then(|id| id.known_to(store)) {
        Some(id) => view.reservation(&id)?,
        None => None,
    };
    let resource = wanted.strip_prefix("resource:").and_then(|name| Label::parse(name).ok()).map(Target::Resource);
    let target = resource.or_else(|| Pattern::parse_stored(wanted).ok().map(Target::Paths));
    let near = target.as_ref().map(|target| view.reservations_near(&[target])).transpose()?.unwrap_or_default();
    Ok(match by_id.or_else(|| near.into_iter().find(|held| held.target.to_string() == *wanted)) {
        Some(other) => Rejection::Denied {
            message: format!("reservation {} belongs to {}", other.id.shown_by(store), other.agent),
            hint: "ask its holder to end it, or wait for its end",
        }
        .into(),
        None => Rejection::not_found("reservation", wanted).into(),
    })
}

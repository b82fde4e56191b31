//! A reply that nobody hears: what it gave is given back, so that a client which has gone holds no task and no file.

use oarlock_model::seeded;
use oarlock_ops::registry::{self, Call};
use oarlock_ops::reply::Reply;
use oarlock_ops::request::Request as _;
use oarlock_ops::reservation::{ReservationsReply, Reserve, Unreserve};
use oarlock_ops::task::{ClaimReply, DoneReply, Release};

/// The calls that take back what this reply of a verb gave: releases of the leases that it granted, or the end of the reservations
/// that it made. None for a verb that gives nothing.
pub(crate) fn calls(verb: &str, reply: &Reply) -> Vec<Box<dyn Call>> {
    if seeded::is(seeded::GONE_CLIENT_KEEPS) {
        return Vec::new();
    }
    // Completed work stays.
    let next = reply.get::<DoneReply>().and_then(|done| done.claimed.as_ref());
    if let Some(claim) = reply.get::<ClaimReply>().or(next) {
        return claim.claims().iter().map(|claim| Box::new(registry::ordered(release(claim))) as Box<dyn Call>).collect();
    }
    match reply.get::<ReservationsReply>().filter(|made| verb == Reserve::VERB && !made.reservations.is_empty()) {
        Some(made) => {
            let globs = made.reservations.iter().map(|made| made.id.to_string()).collect();
            vec![Box::new(registry::ordered(Unreserve { globs }))]
        }
        None => Vec::new(),
    }
}

fn release(claim: &oarlock_ops::task::Claimed) -> Release {
    Release { id: claim.lease.task.clone(), token: Some(claim.lease.token), result: None, force: false }
}

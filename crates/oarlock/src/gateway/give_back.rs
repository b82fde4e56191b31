//! A reply that nobody hears: what it gave is given back, so that a client which has gone holds no task and no file.

use oarlock_model::planted;
use oarlock_ops::OpError;
use oarlock_ops::registry::{self, Call};
use serde_json::{Value, json};

/// The calls that take back what this reply of a verb gave: releases of the leases that it granted, or the end of the reservations
/// that it made. None for a verb that gives nothing.
///
/// # Errors
/// None for a reply that a verb has given.
pub(crate) fn calls(verb: &str, reply: &Value) -> Result<Vec<Box<dyn Call>>, OpError> {
    let call = |verb: &str, request: Value| {
        let entry = registry::find(verb).ok_or_else(|| OpError::Internal(format!("{verb} is a verb")))?;
        (entry.from_json)(request)
    };
    if planted::is(planted::GONE_CLIENT_KEEPS) {
        return Ok(Vec::new());
    }
    match verb {
        "claim" => leases(reply).map(|lease| call("release", json!({"id": lease["task"], "token": lease["token"]}))).collect(),
        // What is done stays done.
        "done" => leases(&reply["claimed"]).map(|lease| call("release", json!({"id": lease["task"], "token": lease["token"]}))).collect(),
        "reserve" => {
            let ids: Vec<&Value> = reply["reservations"].as_array().into_iter().flatten().map(|made| &made["id"]).collect();
            if ids.is_empty() { Ok(Vec::new()) } else { Ok(vec![call("unreserve", json!({ "globs": ids }))?]) }
        }
        _ => Ok(Vec::new()),
    }
}

/// The leases of a reply of `claim`, one or many.
fn leases(reply: &Value) -> impl Iterator<Item = &Value> {
    let many = reply["claims"].as_array().into_iter().flatten().map(|claim| &claim["lease"]);
    many.chain(reply.get("lease"))
}

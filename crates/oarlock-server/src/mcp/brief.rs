//! Short replies for models: facts that the caller has already are left out. What stays has the place that it always has.

use serde_json::Value;

/// Fields of a task that say nothing new to the agent that claims it: they are in its lease, or of no use for the work.
const CLAIMED: &[&str] = &["attempt", "max_attempts", "created_at", "created_by", "updated_at"];
/// Fields of a task that its holder gets when it ends its work: the others it has had from its claim, or has just written.
const ENDED: &[&str] = &["id", "state", "stuck", "blocked_by", "failures", "retry_in_ms"];
/// Fields of a part that was just made from a document: the plan has the others.
const CREATED: &[&str] = &["id", "state", "blocked_by", "assigned"];
/// Fields of a message that its sender, or its reader, has not seen yet.
const MESSAGE: &[&str] = &["id", "thread", "from", "to", "ack_required", "acked"];
/// Fields of a reservation that came with a claim: it lasts as long as the lease.
const CLAIMED_FILES: &[&str] = &["id", "pattern", "mode"];
/// Fields of a reservation that was just made.
const RESERVED: &[&str] = &["id", "pattern", "mode", "ttl_ms"];

/// The short form of a tool's reply; that of a tool without one is whole.
pub(super) fn reply(verb: &str, mut reply: Value) -> Value {
    match verb {
        "claim" => {
            each(&mut reply, "claims", claim);
            claim(&mut reply);
        }
        "done" | "fail" => {
            if let Some(task) = reply.get_mut("task") {
                keep(task, ENDED);
            }
            if let Some(claimed) = reply.get_mut("claimed") {
                claim(claimed);
            }
        }
        "split" => each(&mut reply, "created", |task| keep(task, CREATED)),
        "send" | "ack" => each(&mut reply, "messages", |message| keep(message, MESSAGE)),
        "reserve" => each(&mut reply, "reservations", |reservation| keep(reservation, RESERVED)),
        "tasks" => each(&mut reply, "tasks", without_nothing),
        _ => {}
    }
    reply
}

/// A claim: the task's own text, and what its last holders left, are whole.
fn claim(claim: &mut Value) {
    if let Some(task) = claim.get_mut("task") {
        if let Value::Object(fields) = &mut *task {
            fields.retain(|name, _| !CLAIMED.contains(&name.as_str()));
            if fields.get("result").is_some_and(|result| fields.get("part_results") == Some(result)) {
                fields.remove("result");
            }
            // Its token and time are those of the lease.
            if let Some(holder) = fields.get_mut("holder") {
                keep(holder, &["agent", "session", "outside"]);
            }
        }
        without_nothing(task);
    }
    each(claim, "reservations", |reservation| keep(reservation, CLAIMED_FILES));
}

fn each(reply: &mut Value, list: &str, shorten: impl Fn(&mut Value)) {
    reply.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten().for_each(shorten);
}

/// Keeps these fields, and of them those that say something.
fn keep(object: &mut Value, fields: &[&str]) {
    if let Value::Object(object) = object {
        object.retain(|name, _| fields.contains(&name.as_str()));
    }
    without_nothing(object);
}

/// Takes out empty lists, and `false` where it is the usual.
fn without_nothing(object: &mut Value) {
    let is_nothing = |name: &str, value: &Value| match value {
        Value::Array(items) => items.is_empty(),
        Value::Bool(is_so) => !is_so && name == "stuck",
        _ => false,
    };
    if let Value::Object(fields) = object {
        fields.retain(|name, value| !is_nothing(name, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn task() -> Value {
        json!({"id": "T-1", "title": "t", "body": "the body", "state": "claimed", "stuck": false, "needs": [], "blocked_by": [],
               "writes": ["src/a.rs"], "attempt": 1, "max_attempts": 3, "created_at": "x", "updated_at": "x", "priority": 2,
               "holder": {"agent": "ada", "token": 4}, "rejected": "no tests", "result": "r", "part_results": "r", "integrates": ["T-2"]})
    }

    #[test]
    fn a_claim_keeps_its_token_the_text_and_what_was_left() {
        let long = json!({"task": task(), "lease": {"task": "T-1", "token": 4}, "unread": 0,
                          "reservations": [{"id": "R-5", "pattern": "src/a.rs", "mode": "exclusive", "agent": "ada", "ttl_ms": 9}]});
        let short = json!({
            "task": {"id": "T-1", "title": "t", "body": "the body", "state": "claimed", "writes": ["src/a.rs"], "priority": 2,
                     "holder": {"agent": "ada"}, "rejected": "no tests", "part_results": "r", "integrates": ["T-2"]},
            "lease": {"task": "T-1", "token": 4}, "unread": 0, "reservations": [{"id": "R-5", "pattern": "src/a.rs", "mode": "exclusive"}],
        });
        assert_eq!(reply("claim", long.clone()), short);
        assert_eq!(reply("claim", json!({"claims": [long]})), json!({"claims": [short]}));
    }

    #[test]
    fn the_end_of_work_repeats_neither_text_nor_result() {
        let done = json!({"task": {"id": "T-1", "state": "done", "title": "t", "body": "b", "result": "r", "stuck": false}, "unblocked": [], "unread": 2});
        assert_eq!(reply("done", done), json!({"task": {"id": "T-1", "state": "done"}, "unblocked": [], "unread": 2}));
        let failed = json!({"task": {"id": "T-1", "state": "scheduled", "last_failure": "why", "failures": 1, "retry_in_ms": 15_000}});
        assert_eq!(reply("fail", failed), json!({"task": {"id": "T-1", "state": "scheduled", "failures": 1, "retry_in_ms": 15_000}}));
        let sent = json!({"messages": [{"id": "M-1", "to": ["bob"], "text": "long", "subject": "s"}]});
        assert_eq!(reply("send", sent), json!({"messages": [{"id": "M-1", "to": ["bob"]}]}));
    }

    #[test]
    fn other_replies_are_whole() {
        for (verb, whole) in [("inbox", json!({"messages": [{"text": "hi"}]})), ("renew", json!({"lease": {"token": 1}, "unread": 0}))] {
            assert_eq!(reply(verb, whole.clone()), whole);
        }
    }
}

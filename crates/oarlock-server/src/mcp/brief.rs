//! Short replies for models: facts that the caller has already are left out. The other fields have the names and places that they always have.

mod task;

use oarlock_model::reservation::Mode;
use oarlock_model::{AgentName, MessageId, ReservationId, TaskId, Token};
use oarlock_ops::OpError;
use oarlock_ops::agent::{AgentsReply, Notices};
use oarlock_ops::message::{AckReply, MessagesReply};
use oarlock_ops::reply::Reply;
use oarlock_ops::reservation::ReservationsReply;
use oarlock_ops::shapes::{LeaseShape, MessageShape, ReservationShape};
use oarlock_ops::state::GetStateReply;
use oarlock_ops::task::{ClaimReply, Claimed, DoneReply, NextRefused, Plan, SplitReply, TaskReply, TasksReply};
use serde::Serialize;
use serde_json::{Value, json};

use task::{ClaimedTask, CreatedTask, EndedTask, ListedTask};

/// The short form of a tool's reply as JSON; the whole reply where it has none.
///
/// # Errors
/// `internal` when it cannot be written.
pub(super) fn reply(reply: &Reply) -> Result<Value, OpError> {
    let short = if let Some(claim) = reply.get::<ClaimReply>() {
        json!(Claim::of(claim))
    } else if let Some(done) = reply.get::<DoneReply>() {
        json!(Done::of(done))
    } else if let Some(TaskReply { task }) = reply.get() {
        json!({ "task": EndedTask::of(task) })
    } else if let Some(split) = reply.get::<SplitReply>() {
        json!(Split::of(split))
    } else if let Some(MessagesReply { messages, left_out }) = reply.get() {
        json!(Messages { messages: Message::all(messages), left_out: *left_out, acknowledged: None, more: false })
    } else if let Some(AckReply { messages, acknowledged, more }) = reply.get() {
        json!(Messages { messages: Message::all(messages), left_out: None, acknowledged: *acknowledged, more: *more })
    } else if let Some(ReservationsReply { reservations }) = reply.get() {
        json!({ "reservations": reservations.iter().map(Reserved::of).collect::<Vec<_>>() })
    } else if let Some(TasksReply { tasks, next }) = reply.get() {
        json!(Tasks { tasks: tasks.iter().map(ListedTask::of).collect(), next: next.as_ref() })
    } else {
        reply.to_value()?
    };
    Ok(short)
}

/// The items of a list that a model pages through, as [`reply`] shows them, or whole; nothing for other replies.
pub(super) fn items(reply: &Reply, is_whole: bool) -> Option<Vec<Value>> {
    if let Some(TasksReply { tasks, .. }) = reply.get() {
        Some(tasks.iter().map(|task| if is_whole { json!(task) } else { json!(ListedTask::of(task)) }).collect())
    } else if let Some(AgentsReply { agents, .. }) = reply.get() {
        Some(agents.iter().map(|agent| json!(agent)).collect())
    } else {
        reply.get().map(|GetStateReply { entries, .. }| entries.iter().map(|entry| json!(entry)).collect())
    }
}

/// A claim: the task's own text, and what its last holders left, are whole.
#[derive(Serialize)]
#[serde(untagged)]
enum Claim<'a> {
    Many {
        claims: Vec<Taken<'a>>,
        unread: u64,
        #[serde(flatten)]
        notices: &'a Notices,
    },
    One {
        #[serde(flatten)]
        claimed: Box<Taken<'a>>,
        unread: u64,
        #[serde(flatten)]
        notices: &'a Notices,
    },
}

impl<'a> Claim<'a> {
    fn of(reply: &'a ClaimReply) -> Self {
        match reply {
            ClaimReply::Many { claims, unread, notices } => {
                Self::Many { claims: claims.iter().map(Taken::of).collect(), unread: *unread, notices }
            }
            ClaimReply::One(one) => Self::One { claimed: Box::new(Taken::of(&one.claimed)), unread: one.unread, notices: &one.notices },
        }
    }
}

#[derive(Serialize)]
struct Taken<'a> {
    task: ClaimedTask<'a>,
    lease: &'a LeaseShape,
    reservations: Vec<Reserved<'a>>,
}

impl<'a> Taken<'a> {
    fn of(Claimed { task, lease, reservations }: &'a Claimed) -> Self {
        Self { task: ClaimedTask::of(task), lease, reservations: reservations.iter().map(Reserved::with_lease).collect() }
    }
}

#[derive(Serialize)]
struct Done<'a> {
    task: EndedTask<'a>,
    unblocked: &'a [TaskId],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    unmet_needs: &'a [TaskId],
    unread: u64,
    #[serde(flatten)]
    notices: &'a Notices,
    #[serde(skip_serializing_if = "Option::is_none")]
    claimed: Option<Claim<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nothing_ready: Option<&'a NextRefused>,
}

impl<'a> Done<'a> {
    fn of(reply: &'a DoneReply) -> Self {
        let DoneReply { task, unblocked, unmet_needs, unread, notices, claimed, nothing_ready, repeated: _ } = reply;
        let (claimed, nothing_ready) = (claimed.as_ref().map(Claim::of), nothing_ready.as_ref());
        Self { task: EndedTask::of(task), unblocked, unmet_needs, unread: *unread, notices, claimed, nothing_ready }
    }
}

#[derive(Serialize)]
struct Split<'a> {
    #[serde(flatten)]
    plan: &'a Plan,
    created: Vec<CreatedTask<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lease_ended: Option<Token>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    reservations_ended: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt: Option<&'a String>,
}

impl<'a> Split<'a> {
    fn of(SplitReply { plan, created, lease_ended, reservations_ended, prompt }: &'a SplitReply) -> Self {
        let created = created.iter().map(CreatedTask::of).collect();
        Self { plan, created, lease_ended: *lease_ended, reservations_ended, prompt: prompt.as_ref() }
    }
}

#[derive(Serialize)]
struct Tasks<'a> {
    tasks: Vec<ListedTask<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<&'a String>,
}

/// Messages that their sender wrote, or that their reader was shown before.
#[derive(Serialize)]
struct Messages<'a> {
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acknowledged: Option<u64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    more: bool,
}

#[derive(Serialize)]
struct Message<'a> {
    id: &'a MessageId,
    thread: &'a MessageId,
    from: &'a AgentName,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    to: &'a [AgentName],
    ack_required: bool,
    acked: bool,
}

impl<'a> Message<'a> {
    fn all(messages: &'a [MessageShape]) -> Vec<Self> {
        let short = |MessageShape { id, thread, from, to, ack_required, acked, .. }: &'a MessageShape| Self {
            id,
            thread,
            from,
            to,
            ack_required: *ack_required,
            acked: *acked,
        };
        messages.iter().map(short).collect()
    }
}

/// A reservation that was just made.
#[derive(Serialize)]
struct Reserved<'a> {
    id: &'a ReservationId,
    pattern: &'a str,
    mode: Mode,
    /// Absent for one that came with a claim: it lasts as long as the lease.
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl_ms: Option<i64>,
}

impl<'a> Reserved<'a> {
    fn of(ReservationShape { id, pattern, mode, ttl_ms, .. }: &'a ReservationShape) -> Self {
        Self { id, pattern, mode: *mode, ttl_ms: Some(*ttl_ms) }
    }

    fn with_lease(reservation: &'a ReservationShape) -> Self {
        Self { ttl_ms: None, ..Self::of(reservation) }
    }
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;

    use super::*;
    use oarlock_ops::message::InboxReply;
    use oarlock_ops::task::RenewReply;

    /// The short form of a reply that is given as JSON, and its whole form.
    fn forms<T: DeserializeOwned + Serialize + Send + 'static>(given: Value) -> (Value, Value) {
        let typed = Reply::new(serde_json::from_value::<T>(given).expect("a reply"));
        (reply(&typed).expect("JSON"), typed.to_value().expect("JSON"))
    }

    fn task() -> Value {
        json!({"id": "T-1", "title": "t", "body": "the body", "state": "claimed", "stuck": false, "needs": [], "blocked_by": [],
               "capabilities": [], "resources": [], "artifacts": [],
               "writes": ["src/a.rs"], "attempt": 1, "max_attempts": 3, "created_at": "x", "updated_at": "x", "priority": 2,
               "holder": {"agent": "ada", "session": "ada.1-k3f9z2", "token": 4, "since": "x", "ttl_ms": 9},
               "rejected": "no tests", "result": "r", "part_results": "r", "integrates": ["T-2"]})
    }

    #[test]
    fn a_claim_keeps_its_token_the_text_and_what_was_left() {
        let lease = json!({"task": "T-1", "token": 4, "ttl_ms": 9, "attempt": 1});
        let claim = json!({"task": task(), "lease": lease,
                           "reservations": [{"id": "R-5", "pattern": "src/a.rs", "mode": "exclusive", "agent": "ada", "ttl_ms": 9}]});
        let short = json!({
            "task": {"id": "T-1", "title": "t", "body": "the body", "state": "claimed", "writes": ["src/a.rs"], "priority": 2,
                     "holder": {"agent": "ada", "session": "ada.1-k3f9z2"}, "rejected": "no tests", "part_results": "r", "integrates": ["T-2"]},
            "lease": lease, "reservations": [{"id": "R-5", "pattern": "src/a.rs", "mode": "exclusive"}],
        });
        let mut one = claim.clone();
        let mut one_short = short.clone();
        (one["unread"], one_short["unread"]) = (0.into(), 0.into());
        assert_eq!(forms::<ClaimReply>(one).0, one_short);
        assert_eq!(forms::<ClaimReply>(json!({"claims": [claim], "unread": 1})).0, json!({"claims": [short], "unread": 1}));
    }

    #[test]
    fn the_end_of_work_repeats_neither_text_nor_result() {
        let with = |fields: Value| {
            let mut task = task();
            task.as_object_mut().expect("a task").extend(fields.as_object().expect("fields").clone());
            task
        };
        let done = json!({"task": with(json!({"state": "done"})), "unblocked": [], "unread": 2});
        assert_eq!(forms::<DoneReply>(done).0, json!({"task": {"id": "T-1", "state": "done"}, "unblocked": [], "unread": 2}));
        let failed = json!({"task": with(json!({"state": "scheduled", "last_failure": "why", "failures": 1, "retry_in_ms": 15_000}))});
        let short = json!({"task": {"id": "T-1", "state": "scheduled", "failures": 1, "retry_in_ms": 15_000}});
        assert_eq!(forms::<TaskReply>(failed).0, short);
        let sent = json!({"messages": [{"id": "M-1-k3f9z2", "thread": "M-1-k3f9z2", "from": "ada", "to": ["bob"], "text": "long",
                                        "subject": "s", "sent_at": "x", "ack_required": true, "acked": false}]});
        let short = json!({"messages": [{"id": "M-1-k3f9z2", "thread": "M-1-k3f9z2", "from": "ada", "to": ["bob"], "ack_required": true,
                                         "acked": false}]});
        assert_eq!(forms::<MessagesReply>(sent).0, short);
    }

    #[test]
    fn listed_tasks_say_everything_but_what_is_empty() {
        let (short, whole) = forms::<TasksReply>(json!({"tasks": [task()], "next": "5-k3"}));
        let mut expected = whole.clone();
        let fields = expected["tasks"][0].as_object_mut().expect("a task");
        fields.retain(|name, value| name != "stuck" && value.as_array().is_none_or(|items| !items.is_empty()));
        assert_eq!(short, expected);
    }

    #[test]
    fn other_replies_are_whole() {
        let (short, whole) = forms::<InboxReply>(json!({"messages": []}));
        assert_eq!(short, whole);
        let (short, whole) = forms::<RenewReply>(json!({"lease": {"task": "T-1", "token": 1, "ttl_ms": 5, "attempt": 1}, "unread": 0}));
        assert_eq!(short, whole);
    }
}

//! The measured cases: every verb of the registry in the situation that costs it the most. They run in this order on one store, so a
//! case may use what those before it left.

use oarlock_model::ErrorCode;
use serde_json::{Value, json};

use super::Bench;
use super::fill::{Sizes, id};
use crate::output::Outcome;
use oarlock_model::limits;

/// The required outcome of a call; anything else is a fault of the bench.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// A reply.
    Reply,
    /// A refusal with this code.
    Refused(ErrorCode),
}

/// The preparation of a call, unmeasured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// Nothing.
    Nothing,
    /// The process of the session `dying` ends.
    Death,
    /// So much time passes, in milliseconds.
    Time(i64),
}

/// A call and its situation.
pub(super) struct Case {
    pub(super) verb: &'static str,
    pub(super) what: &'static str,
    pub(super) by: &'static str,
    pub(super) request: fn(&mut Bench) -> Outcome<Value>,
    pub(super) expected: Expected,
    pub(super) before: Before,
    /// How often it is measured; the middle counts. Calls that leave the store as it was can be repeated.
    pub(super) times: usize,
    /// Whether it reads everything by design, so that only the lock counts.
    pub(super) reads_all: bool,
}

fn case(verb: &'static str, what: &'static str, by: &'static str, request: fn(&mut Bench) -> Outcome<Value>) -> Case {
    Case { verb, what, by, request, expected: Expected::Reply, before: Before::Nothing, times: 1, reads_all: false }
}

impl Case {
    fn refused(mut self, code: ErrorCode) -> Self {
        self.expected = Expected::Refused(code);
        self
    }

    fn after(mut self, before: Before) -> Self {
        self.before = before;
        self
    }

    fn repeated(mut self) -> Self {
        self.times = 5;
        self
    }
}

fn ids(group: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| id(group, n)).collect()
}

fn list_max(sizes: Sizes) -> usize {
    sizes.of(limits::LIST_ITEMS_MAX)
}

/// A document of this many bytes whose steps name files of their own, so that it can be split into as many parts as there may be.
fn document(bytes: usize, steps: usize) -> String {
    let mut text = String::from("# Move the readers\n\n");
    let line = "  The reader takes one line after another and says where it stopped.\n";
    for n in 0..steps {
        text.push_str(&format!("- [ ] Move the reader in `src/part{n}/reader.rs` (10 min)\n"));
        while text.len() + line.len() < bytes / steps * (n + 1) {
            text.push_str(line);
        }
    }
    text
}

/// Every case, in the order in which they run.
pub(super) fn all() -> Vec<Case> {
    vec![
        // Reading.
        case("agents", "those that are there", "boss", |_| Ok(json!({}))).repeated(),
        case("agents", "--all --limit 10000", "boss", |_| Ok(json!({"all": true, "limit": limits::PAGE_ITEMS_MAX}))).repeated(),
        case("agent", "holds as many leases as it can", "boss", |_| Ok(json!({"name": "holder"}))).repeated(),
        case("tasks", "a page", "boss", |_| Ok(json!({}))).repeated(),
        case("tasks", "--limit 10000", "boss", |_| Ok(json!({"limit": limits::PAGE_ITEMS_MAX}))).repeated(),
        case("tasks", "--search without a hit", "boss", |_| Ok(json!({"search": "nothing has this"}))).repeated(),
        case("tasks", "--agent of a few", "boss", |_| Ok(json!({"agent": "novice"}))).repeated(),
        case("tasks", "--state of a few", "boss", |_| Ok(json!({"state": ["review"]}))).repeated(),
        case("tasks", "--parent of thousands", "boss", |_| Ok(json!({"parent": "Felled"}))).repeated(),
        case("task", "with a long history", "boss", |_| Ok(json!({"id": "holder-0"}))).repeated(),
        case("task", "with thousands of parts", "boss", |_| Ok(json!({"id": "Joined"}))).repeated(),
        case("task", "that needs as many as it can", "boss", |_| Ok(json!({"id": "Needy"}))).repeated(),
        case("task", "at the end of a long chain", "boss", |b| Ok(json!({"id": id("Chain", b.sizes.of(10_000) - 1)}))).repeated(),
        case("ready", "a page", "boss", |_| Ok(json!({}))).repeated(),
        case("ready", "--limit 10000", "boss", |_| Ok(json!({"limit": limits::PAGE_ITEMS_MAX}))).repeated(),
        case("wait", "as many as it can, all done", "boss", |b| Ok(json!({"ids": ids("Past", list_max(b.sizes))}))).repeated(),
        case("wait", "as many as it can, all stuck", "boss", |b| Ok(json!({"ids": ids("DoomFan", list_max(b.sizes))})))
            .refused(ErrorCode::StateConflict)
            .repeated(),
        case("state", "a page of entries", "boss", |_| Ok(json!({"prefix": "deploy/"}))).repeated(),
        case("state", "one of 1 MiB", "boss", |_| Ok(json!({"key": "deploy/item1"}))).repeated(),
        case("reservations", "--limit 10000", "boss", |_| Ok(json!({"limit": limits::PAGE_ITEMS_MAX}))).repeated(),
        case("check", "one path", "boss", |_| Ok(json!({"paths": ["free/a.rs"]}))).repeated(),
        case("check", "as many paths as it can", "boss", |b| {
            Ok(json!({"paths": (0..list_max(b.sizes)).map(|n| format!("free/area{n}/a.rs")).collect::<Vec<_>>()}))
        })
        .repeated(),
        case("check", "as many held paths as it can", "boss", |b| {
            Ok(json!({"paths": (0..list_max(b.sizes)).map(|n| format!("held/area{n}/a.rs")).collect::<Vec<_>>()}))
        })
        .refused(ErrorCode::ReservationOverlap)
        .repeated(),
        case("thread", "of ten thousand messages", "reader", |b| {
            let first = b.first_message()?;
            Ok(json!({"id": first}))
        })
        .repeated(),
        case("events", "a page from the start", "boss", |_| Ok(json!({}))).repeated(),
        case("events", "of a kind that never was", "boss", |_| Ok(json!({"kind": ["ralf_conflict"]}))).repeated(),
        case("status", "", "boss", |_| Ok(json!({}))).repeated(),
        case("attention", "", "boss", |_| Ok(json!({}))).repeated(),
        case("prime", "holds as many leases as it can", "holder", |_| Ok(json!({}))).repeated(),
        // Before there is a task that anybody can do.
        case("claim", "nothing fits", "novice", |_| Ok(json!({}))).refused(ErrorCode::NothingReady).repeated(),
        // Agents.
        case("join", "a new name", "", |_| Ok(json!({"name": "newcomer"}))),
        case("join", "no name, known by its harness", "", |b| {
            let process = oarlock_host::process::ProcessId::current()?.to_text();
            let last = b.sizes.of(300) - 1;
            Ok(json!({"harness": id("harness", last), "owner": {"by": "process", "process": process}}))
        })
        .repeated(),
        case("heartbeat", "holds as many leases as it can", "holder", |_| Ok(json!({"action": "reading"}))).repeated(),
        case("renew", "holds as many leases as it can", "holder", |_| Ok(json!({}))).repeated(),
        case("renew", "one of many, with a note", "holder", |_| Ok(json!({"id": "holder-3", "note": "half"}))).repeated(),
        // Tasks.
        case("add", "a task", "boss", |_| Ok(json!({"title": "one more"}))).repeated(),
        case("add", "with a body of 1 MiB", "boss", |b| Ok(json!({"title": "one more", "body": "x".repeat(b.sizes.body())}))).repeated(),
        case("add", "needs as many as it can", "boss", |b| Ok(json!({"title": "one more", "needs": ids("Chain", list_max(b.sizes))})))
            .repeated(),
        case("add", "with as many patterns as it can", "boss", |b| {
            let writes: Vec<_> = (0..list_max(b.sizes)).map(|n| format!("free/x{n}/**")).collect();
            Ok(json!({"title": "one more", "writes": writes}))
        })
        .repeated(),
        case("add", "--parent of thousands", "boss", |_| Ok(json!({"title": "one more", "parent": "Felled"}))).repeated(),
        case("add", "--parent as deep as it can be", "boss", |_| {
            Ok(json!({"title": "one more", "parent": id("Deep", limits::PARENT_DEPTH_MAX - 2)}))
        })
        .repeated(),
        case("note", "to a long history", "boss", |_| Ok(json!({"id": "holder-0", "text": "one more"}))).repeated(),
        case("update", "a body of 1 MiB", "boss", |b| Ok(json!({"id": "Free-3", "body": "x".repeat(b.sizes.body())}))).repeated(),
        case("update", "as many needs as it can", "boss", |b| Ok(json!({"id": "Free-4", "needs": ids("Chain", list_max(b.sizes))}))),
        case("depend", "closes a long cycle", "boss", |b| Ok(json!({"id": id("Chain", 0), "on": [id("Chain", b.sizes.of(10_000) - 1)]})))
            .refused(ErrorCode::InvalidRequest)
            .repeated(),
        case("depend", "on the end of a long chain", "boss", |b| Ok(json!({"id": "Free-5", "on": [id("Chain", b.sizes.of(10_000) - 1)]}))),
        case("depend", "a tree of thousands gets a need", "boss", |_| Ok(json!({"id": "Felled", "on": ["Free-6"]}))),
        case("depend", "a tree of thousands loses its need", "boss", |_| Ok(json!({"id": "Felled", "on": ["Free-6"], "remove": true}))),
        case("add", "urgent, needs the end of a long chain", "boss", |b| {
            Ok(json!({"title": "one more", "id": "Urgent", "priority": 0, "needs": [id("Chain", b.sizes.of(10_000) - 1)]}))
        }),
        case("update", "urgent no more, of a long chain", "boss", |_| Ok(json!({"id": "Urgent", "priority": 4}))),
        case("update", "a tree of thousands becomes urgent", "boss", |_| Ok(json!({"id": "Felled", "priority": 0}))),
        case("cancel", "what a long chain owes its urgency to", "boss", |_| Ok(json!({"id": "Urgent"}))),
        case("requeue", "a task that thousands need", "boss", |_| Ok(json!({"id": "Doom"}))),
        case("requeue", "--parts of thousands", "boss", |_| Ok(json!({"id": "Fallen", "parts": true}))),
        case("cancel", "a tree of thousands", "boss", |_| Ok(json!({"id": "Felled"}))),
        case("approve", "thousands wait for it", "judge", |_| Ok(json!({"id": "Gate"}))),
        case("done", "thousands wait for it", "boss", |_| Ok(json!({"id": "Hub", "result": "there"}))),
        case("done", "the last of thousands of parts", "boss", |_| Ok(json!({"id": "Joined-0", "result": "there"}))),
        case("done", "with a result of 1 MiB", "holder", |b| Ok(json!({"id": "holder-1", "result": "x".repeat(b.sizes.body())}))),
        case("done", "--claim", "holder", |_| Ok(json!({"id": "holder-2", "claim": true}))),
        case("fail", "its last attempt", "holder", |_| Ok(json!({"id": "holder-3", "reason": "no", "no_retry": true}))),
        case("release", "one of many", "holder", |_| Ok(json!({"id": "holder-4"}))),
        case("reject", "one that others need", "judge", |b| {
            b.call("boss", "add", json!({"title": "gated", "id": "Gated", "gate": "human"}))?;
            b.call("boss", "claim", json!({"id": "Gated"}))?;
            b.call("boss", "done", json!({"id": "Gated"}))?;
            Ok(json!({"id": "Gated", "reason": "no tests"}))
        }),
        case("split", "a document of 1 MiB", "boss", |b| {
            let text = document(b.sizes.body(), list_max(b.sizes));
            Ok(json!({"id": "docs/readers.md", "document": text, "max_subtasks": list_max(b.sizes), "agents": 64}))
        }),
        case("split", "a document of 16 MiB", "boss", |b| {
            let text = document(limits::DOCUMENT_BYTES_MAX / b.scale, list_max(b.sizes));
            Ok(json!({"id": "docs/all.md", "document": text, "max_subtasks": list_max(b.sizes), "agents": 64}))
        }),
        // Claims.
        case("claim", "the best of ten thousand", "boss", |_| Ok(json!({}))).repeated(),
        case("claim", "--count 1000", "boss", |b| Ok(json!({"count": b.sizes.of(limits::CLAIM_COUNT_MAX)}))),
        case("claim", "--reserve, thousands below one reservation", "boss", |_| Ok(json!({"reserve": true}))).repeated(),
        case("claim", "--reserve --count 100, thousands below one reservation", "boss", |b| {
            Ok(json!({"reserve": true, "count": b.sizes.of(100)}))
        }),
        case("claim", "--subtree without a ready task", "boss", |_| Ok(json!({"subtree": "Joined"})))
            .refused(ErrorCode::NothingReady)
            .repeated(),
        // State.
        case("state-set", "a value of 1 MiB", "boss", |b| {
            Ok(json!({"key": "deploy/item1", "value": {"x": "x".repeat(b.sizes.body().saturating_sub(64).max(1))}, "replace": true}))
        })
        .repeated(),
        case("state-delete", "", "boss", |_| Ok(json!({"key": "deploy/item2"}))),
        case("sync", "a value of 1 MiB", "boss", |b| Ok(json!({"merge": {"x": "x".repeat(b.sizes.body().saturating_sub(64).max(1))}})))
            .repeated(),
        // Reservations.
        case("reserve", "one of ten thousand", "boss", |_| Ok(json!({"globs": ["mine/one.rs"]}))),
        case("reserve", "as many paths as it can, refused", "novice", |b| {
            Ok(json!({"globs": (0..list_max(b.sizes)).map(|n| format!("held/area{n}/a.rs")).collect::<Vec<_>>()}))
        })
        .refused(ErrorCode::ReservationOverlap)
        .repeated(),
        case("reserve", "as many paths as it can", "boss", |b| {
            Ok(json!({"globs": (1..list_max(b.sizes)).map(|n| format!("mine/{n}.rs")).collect::<Vec<_>>()}))
        }),
        case("unreserve", "as many as one call can reserve", "boss", |_| Ok(json!({}))),
        // Messages.
        case("send", "to one", "boss", |_| Ok(json!({"to": ["reader"], "text": "there"}))).repeated(),
        case("send", "1 MiB to a hundred", "boss", |b| {
            let to: Vec<_> = (0..b.sizes.of(300).min(100)).map(|n| id("owner", n)).collect();
            Ok(json!({"to": to, "text": "x".repeat(b.sizes.body())}))
        }),
        case("send", "to a role of thousands", "boss", |_| Ok(json!({"to": ["role:crew"], "text": "there"}))).repeated(),
        case("inbox", "twenty thousand messages", "reader", |_| Ok(json!({"limit": limits::PAGE_ITEMS_MAX}))).repeated(),
        case("inbox", "a page", "reader", |_| Ok(json!({}))).repeated(),
        case("ack", "as many as it can", "reader", |b| {
            let messages = b.call("reader", "inbox", json!({"limit": list_max(b.sizes)}))?;
            let ids: Vec<_> = messages["messages"].as_array().into_iter().flatten().map(|m| m["id"].clone()).collect();
            Ok(json!({"ids": ids}))
        }),
        // Proposals.
        case("propose", "with thousands of agents there", "boss", |_| Ok(json!({"question": "which?", "options": ["a", "b"]}))),
        case("vote", "with thousands of agents there", "boss", |b| {
            let opened = b.call("boss", "propose", json!({"question": "whose?", "options": ["a", "b"], "quorum": "all"}))?;
            Ok(json!({"id": opened["proposal"]["id"], "option": "a"}))
        })
        .repeated(),
        case("decision", "with thousands of agents there", "boss", |b| {
            let opened = b.call("boss", "events", json!({"kind": ["proposal_opened"], "limit": 1}))?;
            Ok(json!({"id": opened["events"][0]["subject"]}))
        })
        .repeated(),
        // Ends of sessions that hold as much as they can.
        case("leave", "holds as much as it can", "leaver", |_| Ok(json!({}))),
        case("join", "--take-over of one that holds as much as it can", "", |_| Ok(json!({"name": "old", "take_over": true}))),
        case("heartbeat", "the first call after the death of one that holds as much as it can", "holder", |_| Ok(json!({})))
            .after(Before::Death),
        case("claim", "the next call after that", "boss", |_| Ok(json!({}))),
        // Ten minutes on, thousands of tasks are due; twenty, the leases have run out; then the reservations have.
        case("heartbeat", "thousands of tasks are due", "holder", |_| Ok(json!({}))).after(Before::Time(11 * 60_000)),
        case("claim", "thousands of leases have run out", "boss", |_| Ok(json!({}))).after(Before::Time(16 * 60_000)),
        case("ready", "thousands of leases have run out", "boss", |_| Ok(json!({}))).repeated(),
        case("status", "thousands of leases have run out", "boss", |_| Ok(json!({}))).repeated(),
        case("heartbeat", "thousands of reservations have run out", "holder", |_| Ok(json!({}))).after(Before::Time(60 * 60_000)),
        case("claim", "the next call after that", "boss", |_| Ok(json!({}))),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_of_the_registry_is_measured() {
        let cases = all();
        for entry in oarlock_ops::registry::ENTRIES {
            assert!(cases.iter().any(|case| case.verb == entry.verb), "{} is not measured", entry.verb);
        }
    }
}

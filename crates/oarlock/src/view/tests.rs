use oarlock_ops::registry;
use serde_json::{Value, json};

use super::*;

/// Moves the cursor, turns the line around, hides, and ends a line.
const HOSTILE: &str = "x\u{1b}[2J\u{202e}\u{e0041}\r\ny";

/// The reply of a verb, read as a gateway's would be.
fn reply(verb: &str, request: Value, reply: Value) -> Reply {
    let entry = registry::find(verb).expect("a verb");
    let call = (entry.from_json)(request).expect("a request");
    call.read_reply(reply).expect(verb)
}

fn task() -> Value {
    json!({
        "id": "T-1", "title": HOSTILE, "body": HOSTILE, "priority": 2, "state": "claimed", "stuck": true, "needs": [], "blocked_by": [],
        "capabilities": [], "writes": [HOSTILE], "resources": [], "attempt": 1, "max_attempts": 3, "result": HOSTILE, "rejected": HOSTILE,
        "last_failure": HOSTILE, "part_results": format!("{HOSTILE}2"), "artifacts": [HOSTILE], "created_at": HOSTILE, "updated_at": HOSTILE,
        "holder": {"outside": true, "agent": HOSTILE, "since": HOSTILE, "last_seen": HOSTILE, "source": "ralf"}
    })
}

fn agent() -> Value {
    json!({
        "name": "ada", "session": "ada.1-k3f9z2", "capabilities": [], "program": HOSTILE, "state": "active", "activity": "idle",
        "status": HOSTILE, "action": HOSTILE, "last_seen": HOSTILE, "age_ms": 1, "timeout_ms": 1, "host": HOSTILE, "claims": ["T-1"]
    })
}

fn replies() -> Vec<(&'static str, Reply)> {
    let reserved = json!({"id": "R-1-k3f9z2", "pattern": HOSTILE, "mode": "shared", "agent": "ada", "ttl_ms": 1, "reason": HOSTILE});
    let message = json!({
        "id": "M-1-k3f9z2", "thread": "M-1-k3f9z2", "from": "bob", "to": ["ada"], "subject": HOSTILE, "text": HOSTILE, "sent_at": HOSTILE,
        "ack_required": true, "acked": false
    });
    let event = json!({
        "cursor": HOSTILE, "at": HOSTILE, "kind": HOSTILE, "subject": HOSTILE, "data": {HOSTILE: HOSTILE, "target": {"paths": HOSTILE}}
    });
    let lease = json!({"task": "T-1", "token": 7, "ttl_ms": 1, "attempt": 1});
    let claim = json!({"task": task(), "lease": lease, "reservations": [reserved]});
    let refused = json!({"code": "messages_waiting", "message": HOSTILE, "hint": HOSTILE, "messages": [message]});
    let entry = json!({"key": "k", "value": {"v": HOSTILE}, "version": 1, "updated_at": HOSTILE});
    let plan = json!({
        "task": HOSTILE, "parallelizable": true, "created": [task()], "warnings": [HOSTILE], "waves": [[HOSTILE]],
        "steps": [{"n": 1, "title": HOSTILE, "line": 1}], "edges": [{"from": 1, "to": 1, "reason": HOSTILE, "confidence": 0.5}],
        "subtasks": [{"id": HOSTILE, "title": HOSTILE, "steps": [1], "depends_on": [HOSTILE], "writes": [HOSTILE], "assigned": HOSTILE}],
        "lease_ended": 7, "reservations_ended": [HOSTILE]
    });
    let ended = json!([{"id": "R-1-k3f9z2", "pattern": HOSTILE, "reason": "expired"}]);
    let waits_for_a_person =
        json!({"reason": "task_dead", "subject": HOSTILE, "agent": HOSTILE, "age_ms": 1, "about": HOSTILE, "next": HOSTILE});
    let status = json!({
        "attention": [waits_for_a_person], "attention_more": 1,
        "agents": {}, "tasks": {"ready": 1}, "lost": [HOSTILE], "stuck": [], "dead_letters": [], "expired_leases": 1, "reservations": 1,
        "outside": [{"id": "T-1", "agent": HOSTILE, "age_ms": 1, "source": "ralf"}], "cursor": HOSTILE, "other_stores": [HOSTILE],
        "proposals": [{"id": "P-1-k3f9z2", "question": HOSTILE, "votes": 1, "closes_in_ms": 1}]
    });
    let proposal = json!({
        "id": "P-1-k3f9z2", "question": HOSTILE, "options": [HOSTILE, "b"], "quorum": "all", "votes": {HOSTILE: 1, "b": 0}, "state": "open", "closes_in_ms": 1,
        "counted": 2, "awaited": ["bob"], "voted": HOSTILE, "opened_at": HOSTILE
    });
    let decided = json!({
        "id": "P-1-k3f9z2", "question": HOSTILE, "options": [HOSTILE, "b"], "quorum": 1, "votes": {HOSTILE: 1, "b": 0}, "state": "closed",
        "decision": HOSTILE, "closed_by": "quorum", "opened_at": HOSTILE
    });
    let of = |verb, request, value| (verb, reply(verb, request, value));
    vec![
        of("tasks", json!({}), json!({"tasks": [task()], "next": HOSTILE})),
        of("add", json!({"title": "x"}), json!({"task": task()})),
        of("task", json!({"id": "T-1"}), json!({"task": task(), "events": [event], "next": HOSTILE})),
        of("claim", json!({}), claim.clone()),
        of("done", json!({"id": "T-1"}), json!({"task": task(), "unblocked": ["T-2"], "unread": 1, "claimed": claim})),
        of("done", json!({"id": "T-1"}), json!({"task": task(), "unblocked": [], "nothing_ready": refused})),
        of("agents", json!({}), json!({"agents": [agent()], "active": 1})),
        of("agent", json!({"name": "ada"}), json!({"agent": agent()})),
        of(
            "heartbeat",
            json!({}),
            json!({"agent": agent(), "renewed": 1, "lost": ["T-1"], "cancelled": [], "unread": 1, "reservations_ended": ended}),
        ),
        of("inbox", json!({}), json!({"messages": [message], "older": 3, "next": HOSTILE})),
        of("send", json!({"to": ["ada"], "text": "x"}), json!({"messages": [message]})),
        of("reserve", json!({"globs": ["src/**"]}), json!({"reservations": [reserved]})),
        of("check", json!({"paths": ["a"]}), json!({"reservations": [reserved]})),
        of("unreserve", json!({}), json!({"reservations": [reserved]})),
        of("state", json!({}), json!({"entries": [entry]})),
        of("sync", json!({"merge": {}}), json!({"state": entry})),
        of("propose", json!({"question": "x", "options": ["a", "b"]}), json!({"proposal": proposal})),
        of("vote", json!({"id": "P-1", "option": "a"}), json!({"proposal": proposal})),
        of("decision", json!({"id": "P-1"}), json!({"proposal": decided})),
        of("events", json!({}), json!({"events": [event], "cursor": HOSTILE})),
        of("split", json!({"id": "x.md"}), plan),
        of("attention", json!({}), json!({"items": [waits_for_a_person], "next": HOSTILE})),
        of("status", json!({}), status),
        of("prime", json!({}), json!({"text": HOSTILE})),
    ]
}

#[test]
fn no_word_of_a_reply_steers_a_terminal() {
    for full in [false, true] {
        for (verb, reply) in replies() {
            let mut page = Page::new(Paint::plain(), full);
            reply.show(verb, &mut page);
            let all = format!("{}{}{}", page.out, reply.ids().concat(), reply.rest(verb).unwrap_or_default());
            let bad = |c: char| c.is_control() && c != '\n' || c == '\u{202e}' || c == '\u{e0041}';
            assert!(!all.contains(bad), "{verb}: {all:?}");
            assert!(!page.out.is_empty(), "{verb}");
        }
    }
}

#[test]
fn every_verb_has_a_text() {
    for entry in registry::ENTRIES {
        let shown = |reply: &Reply| find(reply).is_some();
        // Those that the replies above do not have share their type with one of them, or are looked at here.
        let known = replies().iter().any(|(verb, reply)| *verb == entry.verb && shown(reply));
        let by_example = || {
            let reply = match entry.verb {
                "join" => json!({"agent": agent(), "session": "ada.1-k3f9z2", "resumed": false}),
                "leave" => json!({"released": []}),
                "update" => json!({"task": task(), "reservations": []}),
                "ready" | "wait" => json!({"tasks": [task()]}),
                "renew" => json!({"leases": []}),
                "requeue" => json!({"task": task(), "requeued": []}),
                "ack" | "thread" => json!({"messages": []}),
                "reservations" => json!({"reservations": []}),
                "state-set" | "state-delete" => json!({"state": {"key": "k", "version": 1, "updated_at": ""}}),
                _ => json!({"task": task()}),
            };
            let command = (entry.arguments)(clap::Command::new(entry.verb));
            let matches = command.try_get_matches_from(std::iter::once(&entry.verb).chain(entry.example)).expect(entry.verb);
            let call = (entry.from_matches)(&matches).expect("a working example");
            let mut page = Page::new(Paint::plain(), false);
            let reply = call.read_reply(reply).expect(entry.verb);
            reply.show(entry.verb, &mut page);
            shown(&reply) && !page.out.is_empty()
        };
        assert!(known || by_example(), "{}", entry.verb);
    }
}

#[test]
fn a_task_whose_claim_is_not_complete_does_not_look_held() {
    let shown = |intended: bool| {
        let mut task = task();
        task["holder"] =
            json!({"agent": "ada", "session": "ada.1-k3f9z2", "token": 7, "since": "", "ttl_ms": 60_000, "intended": intended});
        let list = reply("tasks", json!({}), json!({"tasks": [task]}));
        let one = reply("task", json!({"id": "T-1"}), json!({"task": task, "events": []}));
        let mut page = Page::new(Paint::plain(), true);
        list.show("tasks", &mut page);
        one.show("task", &mut page);
        page.out
    };
    let (held, intended) = (shown(false), shown(true));
    assert!(held.contains("held by ada with token 7") && !held.contains("claiming"), "{held}");
    assert!(intended.contains("ada (claiming)") && intended.contains("being claimed by ada") && !intended.contains("token"), "{intended}");
}

//! Idempotency keys: the same call again gives the same reply and changes nothing.

use crate::support::{Project, THREE_PARTS};

/// Every verb that changes something, in an order in which each can be done.
const VERBS: &[&str] = &[
    "join ada",
    "join bob",
    "add t --id T",
    "add u",
    "update T --priority 1",
    "note T text",
    "depend T --on T-2",
    "depend T --on T-2 --remove",
    "heartbeat --as ada --action x",
    "claim T --as ada",
    "renew T --progress 5 --as ada",
    "fail T --reason r --no-retry --as ada",
    "requeue T",
    "claim --as ada",
    "release T --as ada",
    "cancel T",
    "add g --id G --gate human",
    "claim G --as bob",
    "done G --result r --as bob",
    "reject G --reason r",
    "claim G --count 1 --as bob",
    "done G --as bob",
    "approve G",
    "split ./plan.md",
    "sync a=b --as ada",
    "state-set k {} --as ada",
    "state-delete k --as ada",
    "reserve src/** --as ada",
    "unreserve --as ada",
    "send bob --text t --as ada",
    "inbox --as bob",
    "propose q? --options a,b",
    "join ada --take-over",
    "leave --as bob",
];

#[test]
fn the_same_call_with_the_same_key_gives_the_same_reply() {
    let project = Project::new();
    project.write("plan.md", THREE_PARTS);
    for (n, line) in VERBS.iter().enumerate() {
        // One task by id and a count exclude each other; the rest of the line is as written.
        let line = format!("{} --key key-{n}", line.replace("claim G --count 1", "claim G"));
        let first = project.ok(&line);
        let cursor = project.ok("status")["cursor"].clone();
        assert_eq!(project.ok(&line), first, "{line}");
        assert_eq!(project.ok("status")["cursor"], cursor, "nothing happened twice: {line}");
    }
    let message = project.ok("events --kind message_sent")["events"][0]["subject"].clone();
    project.ok("join bob");
    let ack = format!("ack {} --key ack --as bob", message.as_str().expect("an id"));
    assert_eq!(project.ok(&ack), project.ok(&ack));
}

#[test]
fn a_key_belongs_to_one_request_of_one_verb() {
    let project = Project::with(&["ada"]);
    project.ok("add one --key k");
    project.fails("add two --key k", 4, "key_reused");
    let error = project.fails("add one --priority 0 --key k", 4, "key_reused");
    assert_eq!(error["details"]["key"], "k");
    // Another verb may have the same key.
    project.ok("sync a=b --key k --as ada");
    assert_eq!(project.ok("tasks")["tasks"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_key_survives_a_new_session() {
    let project = Project::with(&["ada"]);
    project.ok("add t --id T");
    let first = project.ok("claim T --key k --as ada");
    project.ok("join ada --take-over");
    assert_eq!(project.ok("claim T --key k --as ada"), first, "the reply is remembered, not asked for again");
    assert_eq!(project.task("T")["state"], "ready");
}

#[test]
fn a_refusal_is_not_remembered() {
    let project = Project::with(&["ada"]);
    project.fails("claim --key k --as ada", 8, "nothing_ready");
    project.ok("add t --id T");
    assert_eq!(project.ok("claim --key k --as ada")["task"]["id"], "T");
}

#[test]
fn many_processes_with_one_key_do_it_once() {
    let project = Project::new();
    let racing: Vec<_> = (0..8).map(|_| project.start("add t --key same")).collect();
    let ids: std::collections::BTreeSet<String> = racing.into_iter().map(|call| call.reply().ok()["task"]["id"].to_string()).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(project.ok("tasks")["tasks"].as_array().map(Vec::len), Some(1));
}

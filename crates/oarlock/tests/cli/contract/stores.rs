//! Numbers of one store are worth nothing in another, though it lies where the first lay.

use serde_json::Value;
use std::fs;

use crate::support::Project;

fn word(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

#[test]
fn a_store_that_is_made_anew_refuses_what_the_one_before_gave() {
    let project = Project::none();
    let make = |project: &Project| {
        assert_eq!(project.ok("init")["project"]["created"], true);
        let session = word(&project.ok("join w")["session"]);
        project.ok("add 'the work'");
        let token = project.claim("T-1", "w");
        let message = word(&project.ok("send w --text hello --as w")["messages"][0]["id"]);
        (session, token, message)
    };
    let (session, token, message) = make(&project);
    let cursor = word(&project.ok("events")["cursor"]);
    let first = word(&project.ok("events")["events"][0]["cursor"]);
    fs::remove_dir_all(project.root().join(".oarlock")).expect("it was made");
    let (new_session, new_token, new_message) = make(&project);
    assert!(new_session != session && new_token != token && new_message != message);

    project.fails(&format!("done T-1 --token {token} --session {session}"), 5, "stale_session");
    project.fails(&format!("done T-1 --token {token} --as w"), 5, "stale_token");
    project.call("done T-1").env("OARLOCK_AGENT", "w").env("OARLOCK_SESSION", &session).fails(5, "stale_session");
    project.fails(&format!("ack {message} --as w"), 3, "not_found");
    for old in [&cursor, &first] {
        let error = project.fails(&format!("events --after {old}"), 2, "invalid_request");
        assert!(error["message"].as_str().is_some_and(|text| text.contains("another store")), "{error}");
        project.fails(&format!("events --after {old} --wait 1s"), 2, "invalid_request");
        project.fails(&format!("events --after {old} --follow"), 2, "invalid_request");
    }
    assert_eq!(project.task("T-1")["state"], "claimed", "nobody took its holder's work");
    project.ok(&format!("done T-1 --token {new_token} --session {new_session}"));
}

#[test]
fn a_restored_store_refuses_what_it_gave_before() {
    let project = Project::with(&["w"]);
    let session = project.session("w");
    project.ok("add t");
    let token = project.claim("T-1", "w");
    let message = word(&project.ok("send w --text hello --as w")["messages"][0]["id"]);
    let cursor = word(&project.ok("events")["cursor"]);
    let file = project.beside("backup.db");
    project.ok(&format!("backup {}", file.display()));
    project.ok(&format!("restore {}", file.display()));
    project.fails("heartbeat --as w", 5, "stale_session");
    project.ok("join w");
    project.claim("T-1", "w");
    project.fails(&format!("done T-1 --session {session}"), 5, "stale_session");
    project.fails(&format!("done T-1 --token {token} --as w"), 5, "stale_token");
    project.fails(&format!("events --after {cursor}"), 2, "invalid_request");
    project.fails(&format!("ack {message} --as w"), 3, "not_found");
    // The message itself came back, and its id is of the restored store.
    let shown = word(&project.ok("inbox --as w")["messages"][0]["id"]);
    project.ok(&format!("ack {shown} --as w"));
    assert_eq!(project.ok("inbox --as w")["messages"], serde_json::json!([]));
    // `events` shows the same ids.
    assert_eq!(project.kinds_of(&shown), ["message_sent", "message_acked"]);
}

#[test]
fn ids_stay_short() {
    let project = Project::with(&["w"]);
    let session = project.session("w");
    let (number, tag) = session.strip_prefix("w.").expect("its name").split_once('-').expect("a tag");
    assert_eq!(number, "1", "{session}");
    assert!((1..=6).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase()), "{session}");
    let message = project.ok("send w --text hello --as w")["messages"][0].clone();
    assert_eq!((message["id"].as_str(), message["thread"].as_str()), (Some(&*format!("M-2-{tag}")), Some(&*format!("M-2-{tag}"))));
    let reserved = word(&project.ok("reserve src/** --as w")["reservations"][0]["id"]);
    assert_eq!(reserved, format!("R-3-{tag}"));
    project.ok(&format!("unreserve {reserved} --as w"));
    assert_eq!(word(&project.ok("events")["cursor"]), format!("4-{tag}"));
}

//! Messages: whom they reach, and that they stay until they are acknowledged.

use serde_json::{Value, json};

use crate::support::Project;

fn prepared() -> Project {
    let project = Project::new();
    project.ok("join ada --role planner");
    project.ok("join bob --can rust");
    project.ok("join carl --role planner --can rust,sql");
    project.ok("join left");
    project.ok("leave --as left");
    project
}

fn texts(project: &Project, line: &str) -> Vec<String> {
    let reply = project.ok(line);
    reply["messages"].as_array().expect("a list").iter().map(|m| m["text"].as_str().expect("a text").to_owned()).collect()
}

fn id(reply: &Value) -> String {
    reply["messages"][0]["id"].as_str().expect("an id").to_owned()
}

#[test]
fn recipients_are_names_roles_capabilities_and_all_that_are_there() {
    let project = prepared();
    for (to, reached) in [
        ("bob", json!(["bob"])),
        ("bob carl", json!(["bob", "carl"])),
        ("role:planner", json!(["carl"])),
        ("can:rust", json!(["bob", "carl"])),
        ("all", json!(["bob", "carl"])),
        ("role:planner bob", json!(["bob", "carl"])),
    ] {
        assert_eq!(project.ok(&format!("send {to} --text t --as ada"))["messages"][0]["to"], reached, "{to}");
    }
    project.fails("send nobody --text t --as ada", 3, "not_found");
    project.fails("send bob nobody --text t --as ada", 3, "not_found");
    assert_eq!(texts(&project, "inbox --as bob").len(), 5, "a refused message reaches nobody");
}

#[test]
fn reading_acknowledges_nothing_and_acknowledging_does() {
    let project = prepared();
    let first = id(&project.ok("send bob --text first --subject s --ack --as ada"));
    let second = id(&project.ok("send bob --text second --as ada"));
    assert_eq!(project.ok("heartbeat --as bob")["unread"], 2);
    for _ in 0..2 {
        assert_eq!(texts(&project, "inbox --as bob"), ["first", "second"]);
    }
    assert_eq!(project.ok("heartbeat --as bob")["unread"], 0);
    let shown = project.ok("inbox --as bob")["messages"][0].clone();
    assert_eq!(
        (&shown["ack_required"], &shown["acked"], &shown["from"], &shown["subject"]),
        (&true.into(), &false.into(), &"ada".into(), &"s".into())
    );
    assert_eq!(project.ok(&format!("ack {first} --as bob"))["messages"][0]["acked"], true);
    project.ok(&format!("ack {first} --as bob"));
    assert_eq!(texts(&project, "inbox --as bob"), ["second"]);
    assert_eq!(texts(&project, "inbox --all --as bob"), ["first", "second"]);
    project.ok(&format!("ack {first} {second} --as bob"));
    assert_eq!(texts(&project, "inbox --as bob"), [""; 0]);
    project.fails("ack M-999999 --as bob", 3, "not_found");
    project.fails(&format!("ack {first} --as carl"), 9, "denied");
    assert_eq!(project.ok("events --kind message_acked")["events"].as_array().map(Vec::len), Some(2));
}

#[test]
fn an_inbox_outlives_its_session() {
    let project = prepared();
    project.ok("send bob --text t --as ada");
    project.ok("join bob --take-over");
    assert_eq!(texts(&project, "inbox --as bob"), ["t"]);
    project.ok("leave --as bob");
    project.ok("send bob --text 'while away' --as ada");
    project.ok("join bob");
    assert_eq!(texts(&project, "inbox --as bob"), ["t", "while away"]);
}

#[test]
fn answers_stay_in_their_thread() {
    let project = prepared();
    let question = project.ok("send bob --text question --as ada")["messages"][0].clone();
    let (id, thread) = (question["id"].as_str().expect("an id"), question["thread"].as_str().expect("an id"));
    let answer = project.ok(&format!("send ada --text answer --reply-to {id} --as bob"))["messages"][0].clone();
    assert_eq!((&answer["thread"], &answer["reply_to"]), (&question["thread"], &question["id"]));
    project.ok(&format!("send carl --text more --thread {thread} --as ada"));
    assert_eq!(texts(&project, &format!("thread {thread}")), ["question", "answer", "more"]);
    project.fails("send ada --text t --reply-to M-999999 --as bob", 3, "not_found");
    project.fails("send ada --text t --thread M-999999 --as bob", 3, "not_found");
    project.fails("thread M-999999", 3, "not_found");
}

#[test]
fn waiting_for_a_message_ends_when_another_process_sends_one() {
    let project = prepared();
    let waiting = project.start("inbox --wait 60s --as bob");
    project.ok("send bob --text hello --as ada");
    assert_eq!(waiting.reply().ok()["messages"][0]["text"], "hello");
    project.fails("inbox --wait 1s --as carl", 8, "timed_out");
    assert_eq!(project.call("send bob --text - --as ada").input("two\nlines").ok()["messages"][0]["text"], "two\nlines");
}

#[test]
fn a_subject_is_one_line() {
    let project = Project::with(&["ada", "bob"]);
    let error =
        project.call_args(&["send", "bob", "--text", "x", "--subject", "hi\nM-99 root to bob", "--as", "ada"]).fails(2, "invalid_request");
    assert!(error["message"].as_str().is_some_and(|text| text.contains("subject")), "{error}");
}

//! Clients that go away while a call of theirs waits: nobody waits for them any more, and they get nothing that they cannot learn of.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use super::Client;
use crate::support::Project;

#[test]
fn a_client_that_closes_its_input_waits_no_longer_and_gets_nothing() {
    let project = Project::new();
    let mut ada = Client::start(&project, &[("OARLOCK_AGENT", "ada")]);
    ada.ok("inbox", &json!({}));
    ada.say(&json!({"jsonrpc": "2.0", "id": 99, "method": "tools/call", "params": {"name": "claim", "arguments": {"wait": "40s"}}}));
    let Client { server, input, output, .. } = &mut ada;
    let closed =
        std::mem::replace(input, Command::new("true").stdin(Stdio::piped()).spawn().expect("it starts").stdin.take().expect("piped"));
    drop(closed);
    let mut line = String::new();
    output.read_line(&mut line).expect("UTF-8");
    assert!(line.contains("timed_out"), "it is answered at once: {line}");
    assert!(server.wait().expect("it is ours").success());
    project.ok("add late");
    assert_eq!(project.ok("task T-1")["task"]["state"], "ready");
    assert_eq!(project.ok("events --kind task_claimed")["events"], json!([]));
}

#[test]
fn what_a_client_cannot_be_told_is_given_back() {
    let project = Project::new();
    let mut ada = Client::start(&project, &[("OARLOCK_AGENT", "ada")]);
    ada.ok("inbox", &json!({}));
    ada.say(&json!({"jsonrpc": "2.0", "id": 99, "method": "tools/call", "params": {"name": "claim", "arguments": {"wait": "40s", "reserve": true}}}));
    // Nobody reads any more, but the input stays open.
    let nobody = Command::new("true").stdout(Stdio::piped()).spawn().expect("it starts").stdout.take().expect("piped");
    drop(std::mem::replace(&mut ada.output, BufReader::new(nobody)));
    project.ok("add one --writes src/**");
    let released = project.ok("events --kind task_released --follow --limit 1 --wait 20s");
    assert_eq!(released["subject"], "T-1", "{released}");
    assert_eq!(project.ok("task T-1")["task"]["state"], "ready");
    assert_eq!(project.ok("reservations")["reservations"], json!([]));
}

#[test]
fn a_client_that_dies_waits_no_longer_although_its_pipes_stay_open() {
    let project = Project::new();
    let mut command = Command::new("sh");
    project.clean(&mut command);
    command
        .args(["-c", "exec 3<&0; \"$0\" mcp <&3 & wait", env!("CARGO_BIN_EXE_oarlock")])
        .current_dir(project.root())
        .env("OARLOCK_AGENT", "ada");
    let mut shell = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a shell starts");
    let mut ada = Client::greet(shell.stdin.take().expect("piped"), shell.stdout.take().expect("piped"), shell);
    ada.ok("inbox", &json!({}));
    ada.say(&json!({"jsonrpc": "2.0", "id": 99, "method": "tools/call", "params": {"name": "claim", "arguments": {"wait": "40s"}}}));
    ada.server.kill().expect("it runs");
    ada.server.wait().expect("it is ours");
    let mut line = String::new();
    ada.output.read_line(&mut line).expect("UTF-8");
    let answer: Value = serde_json::from_str(&line).expect("JSON");
    let error: Value = serde_json::from_str(answer["result"]["content"][0]["text"].as_str().expect("a text")).expect("JSON");
    assert!(error["error"]["details"]["waited_ms"].as_i64().is_some_and(|ms| ms < 30_000), "{error}");
    // Later requests come from somebody who is there.
    project.ok("add one");
    assert_eq!(ada.ok("claim", &json!({"wait": "5s"}))["task"]["id"], "T-1");
}

#[test]
fn a_client_of_a_gateway_that_disconnects_waits_no_longer_and_gets_nothing() {
    let project = Project::with(&["ada"]);
    // With everything done, nobody would wait.
    project.ok("add later --not-before 1h");
    let served = project.serve("");
    let http = served.http();
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "claim", "arguments": {"wait": "30s"}}});
    for (path, body) in [("/mcp", call), ("/v1/claim", json!({"as": "ada", "wait": "30s"}))] {
        let http_for = http.with("Accept", "application/json, text/event-stream").with("Oarlock-Agent", "ada");
        let waits = http_for.open("POST", path, body.to_string().as_bytes());
        while !http.get("/metrics").body.contains("oarlock_connections 2") {
            std::thread::yield_now();
        }
        drop(waits);
        while !http.get("/metrics").body.contains("oarlock_connections 1") {
            std::thread::yield_now();
        }
        let id = project.ok("add late")["task"]["id"].as_str().expect("an id").to_owned();
        // Behind whatever the writer still has to do.
        assert_eq!(http.post("note", &json!({"id": id, "text": "free"})).status, 200);
        assert_eq!(project.ok(&format!("task {id}"))["task"]["state"], "ready", "{path}");
        project.ok(&format!("cancel {id}"));
    }
}

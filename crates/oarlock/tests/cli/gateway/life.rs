//! A gateway lives beside other processes, wakes who waits, and dies without losing or doubling anything.

use rustix::process::Signal;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::thread;

use crate::support::{Http, Project};

#[test]
fn a_wait_ends_when_another_process_makes_it_true() {
    let project = Project::with(&["ada", "bob"]);
    let served = project.serve("");
    let through = |line: &str| project.call(line).env("OARLOCK_STORE", &served.url);
    // A direct write wakes callers that wait at the gateway, and the other way round.
    let waits = through("claim --wait 60s --as ada").start();
    project.ok("add first");
    assert_eq!(waits.reply().ok()["task"]["id"], "T-1");
    let waits = project.call("inbox --wait 60s --as bob").start();
    through("send bob --text hi --as ada").ok();
    assert_eq!(waits.reply().ok()["messages"][0]["text"], "hi");
    let waits = through("wait T-1 --timeout 60s").start();
    project.ok("done T-1 --as ada");
    assert_eq!(waits.reply().ok()["tasks"][0]["state"], "done");
    project.ok("add later --id LATER --not-before 1h");
    through("claim --wait 1s --as bob").fails(8, "timed_out");
    let waits = through("claim --wait 60s --or-message --as bob").start();
    project.ok("send bob --text hi --ack --as ada");
    assert_eq!(waits.reply().fails(8, "messages_waiting")["details"]["messages"][0]["text"], "hi");
    let waits = through("claim --wait 60s --as bob").start();
    project.ok("cancel LATER");
    assert_eq!(waits.reply().fails(8, "nothing_ready")["details"]["all_done"], true);
}

#[test]
fn the_next_task_is_waited_for_at_the_gateway_and_taken_once() {
    let project = Project::with(&["ada", "bob"]);
    let served = project.serve("");
    let through = |line: &str| project.call(line).env("OARLOCK_STORE", &served.url);
    for id in ["A", "B"] {
        project.ok(&format!("add t --id {id}"));
        project.claim(id, "ada");
    }
    let waits = through("done A --claim --wait 60s --as ada").start();
    project.ok("wait A");
    project.ok("add next --id NEXT");
    let reply = waits.reply().ok();
    assert_eq!((&reply["task"]["state"], &reply["claimed"]["task"]["id"]), (&json!("done"), &json!("NEXT")), "{reply}");
    // In pieces, by a program without a library: the same key says that it is the same call.
    let http = served.http();
    let request = json!({"as": "ada", "id": "B", "claim": true, "wait": "30s", "idempotency_key": "one"});
    let pieces = http.with("Prefer", "wait=0");
    for _ in 0..3 {
        let answer = pieces.post("done", &request);
        assert_eq!((answer.status, &answer.json()["waiting"]), (202, &json!(true)));
    }
    assert_eq!(project.task("B")["state"], "done");
    project.ok("add more --id MORE");
    let taken = pieces.post("done", &request).json();
    assert_eq!(taken["claimed"]["task"]["id"], "MORE");
    project.ok("add another --id ANOTHER");
    assert_eq!(http.post("done", &request).json(), taken);
    // Without a key, and when the wait is over: the reply is that of the end.
    project.ok("cancel ANOTHER");
    let answer = http.post("done", &json!({"as": "ada", "id": "MORE", "claim": true, "wait": "1s"}));
    assert_eq!((answer.status, &answer.json()["nothing_ready"]["claimed"]), (200, &json!(1)), "{answer:?}");
    let answer = http.with("Oarlock-Waited", "29999").post("done", &json!({"as": "ada", "id": "NEXT", "claim": true, "wait": "30s"}));
    assert_eq!((answer.status, &answer.json()["nothing_ready"]["all_done"]), (200, &json!(true)), "{answer:?}");
    project.ok("leave --as bob");
    assert_eq!(http.post("done", &json!({"as": "bob", "id": "A", "claim": true})).status, 410);
}

#[test]
fn a_wait_in_pieces_is_told_how_long_it_has_waited() {
    let project = Project::with(&["ada"]);
    let served = project.serve("");
    let http = served.http().with("Prefer", "wait=0");
    let answer = http.post("claim", &json!({"as": "ada", "wait": "30s"}));
    assert_eq!((answer.status, &answer.json()["waiting"]), (202, &json!(true)));
    // Anyone who says that it has waited for all of its time is not kept waiting.
    let answer = http.with("Oarlock-Waited", "29999").with("Prefer", "").post("claim", &json!({"as": "ada", "wait": "30s"}));
    let error = answer.json()["error"].clone();
    assert_eq!((answer.status, &error["code"]), (409, &json!("timed_out")));
    assert!(error["details"]["waited_ms"].as_i64() >= Some(30_000), "{error}");
}

#[test]
fn a_death_frees_work_for_who_waits_at_the_gateway() {
    let project = Project::with(&["bob"]);
    project.ok("add first");
    let served = project.serve("");
    let mut owner = project.call("work --as ada --once -- sh -c 'echo here > started; exec sleep 1000'").start();
    while !project.root().join("started").exists() {
        thread::yield_now();
    }
    let waits = project.call("claim --wait 60s --as bob").env("OARLOCK_STORE", &served.url).start();
    owner.close();
    owner.signal(Signal::KILL);
    assert_eq!(waits.reply().ok()["task"]["id"], "T-1");
}

#[test]
fn a_stream_goes_on_from_the_last_id() {
    let project = Project::with(&["ada"]);
    let served = project.serve("");
    let http = served.http();
    let mut seen = follow(&http, 1, 0);
    for n in 0..5 {
        project.ok(&format!("add task-{n}"));
    }
    let rest = follow(&http.with("Last-Event-ID", &seen[0].0), 5, 0);
    seen.extend(rest);
    let all = project.ok("events");
    let expected: Vec<_> = all["events"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|event| (event["cursor"].as_str().expect("a cursor").to_owned(), event.clone()))
        .collect();
    assert_eq!(seen, expected);
    assert_eq!(http.get("/v1/events?after=nonsense").status, 400);
    assert_eq!(http.get("/v1/events?kind=nonsense").status, 400);
}

/// This many events of a stream, while `adds` tasks are added directly.
fn follow(http: &Http, events: usize, adds: usize) -> Vec<(String, Value)> {
    assert_eq!(adds, 0);
    let mut lines = BufReader::new(http.open("GET", "/v1/events", b"")).lines().map(|line| line.expect("UTF-8"));
    let mut seen = Vec::new();
    let mut id = String::new();
    while seen.len() < events {
        let line = lines.next().expect("it goes on");
        if let Some(found) = line.strip_prefix("id: ") {
            id = found.to_owned();
        }
        if let Some(data) = line.strip_prefix("data: ") {
            seen.push((id.clone(), serde_json::from_str(data).expect("JSON")));
        }
    }
    seen
}

#[test]
fn a_stream_tells_what_happens_while_it_is_open() {
    let project = Project::with(&["ada"]);
    let served = project.serve("");
    let first = project.ok("events --limit 1")["cursor"].as_str().expect("a cursor").to_owned();
    let path = format!("/v1/events?kind=task_added&after={first}");
    let mut lines = BufReader::new(served.http().open("GET", &path, b"")).lines().map(|line| line.expect("UTF-8"));
    // The stream begins; from here on nothing is read from the store.
    assert!(lines.any(|line| line.starts_with("retry")));
    for n in 0..20 {
        project.ok(&format!("add task-{n}"));
        let data = lines.find_map(|line| line.strip_prefix("data: ").map(str::to_owned)).expect("it goes on");
        let event: Value = serde_json::from_str(&data).expect("JSON");
        assert_eq!((&event["kind"], &event["data"]["title"]), (&json!("task_added"), &json!(format!("task-{n}"))));
    }
}

#[test]
fn following_through_a_gateway_is_the_same() {
    let project = Project::with(&["ada"]);
    let served = project.serve("");
    let mut follows = project.call("events --follow --limit 2").env("OARLOCK_STORE", &served.url).start();
    assert!(follows.line().contains("agent_joined"));
    project.ok("add first");
    assert!(follows.line().contains("task_added"));
    assert!(follows.output().status.success());
}

#[test]
fn it_stops_in_good_order() {
    let project = Project::with(&["ada"]);
    let served = project.serve("");
    let http = served.http();
    let stream = http.open("GET", "/v1/events", b"");
    let waits = project.call("claim --wait 60s --as ada --busy 1s").env("OARLOCK_STORE", &served.url).start();
    while !http.get("/metrics").body.contains("oarlock_connections 3") {
        thread::yield_now();
    }
    let process = served.running;
    process.signal(Signal::TERM);
    assert!(process.output().status.success());
    drop(stream);
    // Who waited finds nobody there any more.
    waits.reply().fails(7, "store_unavailable");
    project.call("status --busy 1s").env("OARLOCK_STORE", &served.url).fails(7, "store_unavailable");
}

/// Clients that add, claim and finish with keys, and repeat what they have no answer to, while the gateway is killed again
/// and again. For hundreds of kills: `cargo xtask gateway`.
#[test]
fn nothing_acknowledged_is_lost_or_done_twice_when_it_is_killed() {
    const CLIENTS: usize = 4;
    let project = Project::new();
    let names: Vec<String> = (0..CLIENTS).map(|n| format!("agent-{n}")).collect();
    for name in &names {
        project.ok(&format!("join {name} --timeout 10m"));
    }
    let mut served = project.serve("");
    let url = served.url.clone();
    let bind = url.trim_start_matches("http://").to_owned();
    let acknowledged: Vec<BTreeSet<String>> = thread::scope(|scope| {
        let clients: Vec<_> = names
            .iter()
            .map(|name| {
                let (project, url) = (&project, &url);
                scope.spawn(move || {
                    let through = |line: &str| project.call(line).env("OARLOCK_STORE", url).ok();
                    (0..12)
                        .map(|n| {
                            let id = format!("{name}-{n}");
                            through(&format!("add {id} --id {id} --key add-{id}"));
                            through(&format!("claim {id} --as {name} --key claim-{id}"));
                            through(&format!("done {id} --as {name} --result r --key done-{id}"));
                            id
                        })
                        .collect()
                })
            })
            .collect();
        for _ in 0..12 {
            let before = project.ok("status")["tasks"].clone();
            // Something was done since it started, or all is done.
            while project.ok("status")["tasks"] == before && clients.iter().any(|client| !client.is_finished()) {}
            served.running.signal(Signal::KILL);
            drop(served);
            served = project.serve(&format!("--bind {bind}"));
        }
        clients.into_iter().map(|client| client.join().expect("all its calls succeed")).collect()
    });
    let events = project.ok("events --kind task_added,task_claimed,task_done --limit 10000");
    let mut told: Vec<(&str, &str)> = Vec::new();
    for event in events["events"].as_array().expect("a list") {
        told.push((event["kind"].as_str().expect("a kind"), event["subject"].as_str().expect("a task")));
    }
    let unique: BTreeSet<_> = told.iter().copied().collect();
    assert_eq!(unique.len(), told.len(), "nothing is done twice");
    for id in acknowledged.iter().flatten() {
        for kind in ["task_added", "task_claimed", "task_done"] {
            assert!(unique.contains(&(kind, id.as_str())), "{kind} {id} was acknowledged");
        }
    }
    assert_eq!(project.ok("doctor")["ok"], true);
}

#[test]
fn where_nobody_listens_that_is_what_is_told() {
    let project = Project::with(&["ada"]);
    for url in ["http://127.0.0.1:1", "unix:/nonexistent/socket"] {
        project.call("status --busy 1s").env("OARLOCK_STORE", url).fails(7, "store_unavailable");
    }
    let served = project.serve("");
    let nobodys = project.beside("no-key");
    project.call("status").env("OARLOCK_STORE", &served.url).env("OARLOCK_KEY_FILE", &nobodys).fails(9, "denied");
}

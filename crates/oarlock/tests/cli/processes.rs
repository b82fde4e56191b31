//! Several processes at once, and processes that die.

use rustix::process::Signal;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Project, fifo, gone, heard};

/// A waiter that is woken is far below this; one that is not would take its whole wait.
const SOON: Duration = Duration::from_secs(20);

#[test]
fn sixteen_processes_share_five_hundred_tasks_without_a_double_claim() {
    const TASKS: usize = 500;
    let project = Project::new();
    let parts: Vec<Value> = (1..=TASKS).map(|n| json!({"id": format!("P{n}"), "title": format!("part {n}"), "steps": [n]})).collect();
    let steps: String = (1..=TASKS).map(|n| format!("{n}. Write `out/{n}.txt`\n")).collect();
    project.write("many.md", format!("# M: many\n\n## Approach\n{steps}"));
    project.write("many.json", json!({"subtasks": parts}).to_string());
    assert_eq!(project.ok("split many.md --plan many.json --auto-finish")["created"].as_array().map(Vec::len), Some(TASKS));
    let finished: usize = thread::scope(|scope| {
        let workers: Vec<_> = (0..16)
            .map(|n| {
                scope.spawn({
                    let project = &project;
                    move || work_until_nothing_is_ready(project, &format!("w{n}"))
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().expect("a worker's calls succeed")).sum()
    });
    assert_eq!(finished, TASKS);

    let events = project.ok("events --kind task_claimed,task_done --limit 10000")["events"].clone();
    let (mut tokens, mut claimed, mut done) = (BTreeSet::new(), BTreeMap::new(), BTreeMap::new());
    for event in events.as_array().expect("a list") {
        let subject = event["subject"].as_str().expect("an id").to_owned();
        if event["kind"] == "task_claimed" {
            assert!(tokens.insert(event["data"]["token"].as_u64().expect("a number")), "a token was given twice: {event}");
            *claimed.entry(subject).or_insert(0) += 1;
        } else {
            *done.entry(subject).or_insert(0) += 1;
        }
    }
    assert_eq!(claimed.len(), TASKS);
    assert!(claimed.values().all(|times| *times == 1), "a task was claimed twice");
    // The parent finishes with its last part.
    assert_eq!(done.len(), TASKS + 1);
    assert!(done.values().all(|times| *times == 1), "a task was done twice");
    assert_eq!(project.task("many")["state"], "done");
    assert_eq!(project.ok("doctor")["ok"], true);
}

/// Claims and finishes, one process for each call; how many it finished.
fn work_until_nothing_is_ready(project: &Project, agent: &str) -> usize {
    project.ok(&format!("join {agent}"));
    let mut finished = 0;
    loop {
        let reply = project.call(&format!("claim --as {agent}")).run();
        if reply.code == 8 {
            return finished;
        }
        let claimed = reply.ok();
        let id = claimed["task"]["id"].as_str().expect("an id");
        project.ok(&format!("done {id} --token {} --as {agent}", claimed["lease"]["token"]));
        finished += 1;
    }
}

#[test]
fn of_eight_that_claim_one_task_exactly_one_gets_it() {
    let names: Vec<String> = (0..8).map(|n| format!("w{n}")).collect();
    let project = Project::with(&names.iter().map(String::as_str).collect::<Vec<_>>());
    for round in 0..5 {
        project.ok(&format!("add t --id T{round}"));
        let racing: Vec<_> = names.iter().map(|name| project.start(&format!("claim T{round} --as {name}"))).collect();
        let replies: Vec<_> = racing.into_iter().map(|call| call.reply()).collect();
        let won: Vec<Value> =
            replies.iter().filter(|reply| reply.code == 0).map(|reply| reply.ok()["task"]["holder"]["agent"].clone()).collect();
        assert_eq!(won.len(), 1, "{won:?}");
        for reply in replies.iter().filter(|reply| reply.code != 0) {
            assert_eq!(reply.fails(4, "lease_held")["details"]["holder"]["agent"], won[0]);
        }
    }
}

#[test]
fn a_worker_that_is_killed_frees_its_task_at_once_and_takes_its_child_along() {
    let project = Project::with(&["bob"]);
    project.ok("add t --id T");
    let (started, never) = (fifo(&project, "started"), fifo(&project, "never"));
    let script = format!("echo $$ $OARLOCK_TOKEN $OARLOCK_SESSION > {}; read x < {}", started.display(), never.display());
    let worker = project.call_args(&["work", "--as", "ada", "--", "sh", "-c", &script]).plain().start();
    let told = heard(&started);
    let [child, token, session] = told.split_whitespace().collect::<Vec<_>>().try_into().expect("three words");
    assert_eq!(project.ok("agent ada")["agent"]["state"], "active");
    project.fails("claim T --as bob", 4, "lease_held");

    worker.signal(Signal::KILL);
    drop(worker);
    // Not after a timeout, and without waiting: the task is bob's.
    let taken = project.ok("claim T --as bob");
    assert!(taken["lease"]["token"].as_u64().is_some_and(|new| new > token.parse().expect("a number")));
    assert_eq!(taken["lease"]["attempt"], 2, "the lost attempt counts");
    assert_eq!(project.ok("agent ada")["agent"]["state"], "lost");
    assert_eq!(project.ok("agents --all")["active"], 1);
    assert_eq!(project.ok("status")["lost"], json!(["ada"]));
    assert!(gone(child.parse().expect("a number")), "the child outlives its worker");

    for line in [
        format!("done T --token {token} --as ada --session {session}"),
        format!("done T --token {token} --as ada"),
        "done T --as ada".to_owned(),
        "heartbeat --as ada".to_owned(),
    ] {
        project.fails(&line, 5, "stale_session");
    }
    project.ok("join ada");
    project.fails(&format!("done T --token {token} --as ada"), 5, "stale_token");
    project.ok("done T --as bob");
    let kinds = project.kinds_of("T");
    assert_eq!(kinds, ["task_added", "task_claimed", "lease_lost", "task_claimed", "task_done"]);
}

#[test]
fn a_waiter_hears_of_the_death_of_an_owner() {
    let project = Project::with(&["bob"]);
    project.ok("add t --id T");
    let mut owner = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("a process");
    project.ok(&format!("join ada --pid {}", owner.id()));
    project.claim("T", "ada");
    let begun = Instant::now();
    let waiting = project.start("claim T --wait 60s --as bob");
    // Its input ends, so it does too.
    owner.stdin = None;
    owner.wait().expect("it is our child");
    assert_eq!(waiting.reply().ok()["task"]["holder"]["agent"], "bob");
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    assert_eq!(project.ok("agent ada")["agent"]["state"], "lost");
}

#[test]
fn waiters_are_woken_by_other_processes() {
    let project = Project::with(&["ada"]);
    project.ok("join bob --can sql");
    let begun = Instant::now();
    let waiting = project.start("claim --wait 60s --as ada");
    project.ok("add t --id T");
    assert_eq!(waiting.reply().ok()["task"]["id"], "T");
    project.ok("add never --id NEVER --can nobody");
    project.ok("add u --id U --needs T --can sql");
    let waiting = [
        project.start("wait T"),
        project.start("wait T NEVER --any --timeout 60s"),
        project.start("claim U --wait 60s --as bob"),
        project.start("claim --wait 60s --as ada"),
    ];
    project.ok("done T --as ada");
    project.ok("add v --id V");
    let [all, any, named, best] = waiting.map(|call| call.reply().ok());
    assert_eq!(all["tasks"][0]["state"], "done");
    assert_eq!((&any["tasks"][0]["state"], &any["tasks"][1]["state"]), (&"done".into(), &"ready".into()));
    assert_eq!((&named["task"]["id"], &best["task"]["id"]), (&"U".into(), &"V".into()));
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
}

#[test]
fn every_waiter_gets_one_of_many_tasks() {
    let names: Vec<String> = (0..6).map(|n| format!("w{n}")).collect();
    let project = Project::with(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let begun = Instant::now();
    let waiting: Vec<_> = names.iter().map(|name| project.start(&format!("claim --wait 60s --as {name}"))).collect();
    for n in 0..6 {
        project.ok(&format!("add t --id T{n}"));
    }
    let got: BTreeSet<String> = waiting.into_iter().map(|call| call.reply().ok()["task"]["id"].to_string()).collect();
    assert_eq!(got.len(), 6, "{got:?}");
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
}

#[test]
fn a_killed_call_leaves_the_store_usable() {
    let project = Project::with(&["ada"]);
    for n in 0..20 {
        let call = project.start(&format!("add t --id T{n}"));
        if n % 2 == 0 {
            call.signal(Signal::KILL);
        }
        drop(call);
    }
    project.ok("add last --id LAST --busy 5s");
    assert_eq!(project.ok("doctor")["ok"], true);
}

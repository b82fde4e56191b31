//! Who has a task by the files alone, and who is there.

use std::fs::{self, File, FileTimes};
use std::time::{Duration, SystemTime};

use oarlock_model::WallTime;
use oarlock_ops::shapes::rfc3339;
use serde_json::{Value, json};

use super::{BEATS, QUEUE, ralf, read, sync};
use crate::support::Project;

const DAY: u64 = 86_400;
const TASK: &str = "tasks/active/TASK-1/task.md";

/// TASK-1 is taken by this name, in the queue.
fn taken(project: &Project, by: &str, more: &str) {
    let queue = read(project, QUEUE);
    project.write(QUEUE, queue.replace("status: pending   #", &format!("status: in_progress\n    claimed_by: {by}{more} #")));
}

/// The task's own files were last changed this long ago.
fn silent_for(project: &Project, seconds: u64) {
    let at = SystemTime::now() - Duration::from_secs(seconds);
    for path in [TASK, "tasks/active/TASK-1"] {
        let times = FileTimes::new().set_modified(at).set_accessed(at);
        File::open(project.root().join(path)).and_then(|file| file.set_times(times)).expect("its time is set");
    }
}

/// The names of those who are active, by the verb.
fn active(project: &Project, verb: &str) -> Vec<String> {
    let reply = project.ok(verb);
    let agents = reply["agents"].as_array().cloned().unwrap_or_default();
    let mut names: Vec<String> =
        agents.iter().filter(|agent| agent["state"] == "active").filter_map(|agent| Some(agent["name"].as_str()?.to_owned())).collect();
    names.sort();
    names
}

fn kinds(project: &Project, task: &str) -> Vec<String> {
    let events = project.ok(&format!("task {task}"))["events"].as_array().cloned().unwrap_or_default();
    events.iter().filter_map(|event| Some(event["kind"].as_str()?.to_owned())).collect()
}

#[test]
fn what_the_files_call_in_progress_is_that_holders_and_no_agents() {
    let project = ralf();
    taken(&project, "run-test-005", "\n    claimed_at: '2026-02-01T12:00:00Z'");
    project.ok("ralf attach .");
    let task = project.task("TASK-1");
    assert_eq!(
        (&task["state"], &task["holder"]["outside"], &task["holder"]["agent"]),
        (&json!("claimed"), &json!(true), &json!("run-test-005"))
    );
    assert!(task["holder"]["since"].as_str().is_some_and(|since| since.starts_with("2026-02-01T12:00:0")), "{task}");
    assert_eq!(project.ok("agents --all")["agents"], json!([]), "a run is no agent");
    project.ok("join ada");
    let refused = project.fails("claim TASK-1 --as ada", 4, "lease_held");
    assert_eq!(refused["details"]["holder"]["agent"], "run-test-005", "{refused}");
    assert!(refused["hint"].as_str().is_some_and(|hint| hint.contains("release TASK-1 --force")), "{refused}");
    assert_eq!(project.ok("status")["outside"][0]["id"], "TASK-1");
    assert!(project.text("status").contains("held outside of the store: TASK-1 by run-test-005 (ralf)"));
    // A status line names nobody, and keeps everybody out anyway.
    let two = ".autonomous/tasks/active/TASK-2-two.md";
    project.write(two, "# TASK-2: Two\n\n**Status**: in_progress\n");
    assert_eq!(sync(&project).0, json!({"claims": 1}));
    assert!(project.text("task TASK-2-two").contains("held by somebody outside (ralf)"));
    project.fails("claim --as ada", 8, "nothing_ready");
    // Its own end there is the end here, once.
    fs::create_dir_all(project.root().join(".autonomous/tasks/completed")).expect("a folder");
    fs::rename(project.root().join(two), project.root().join(".autonomous/tasks/completed/TASK-2-two.md")).expect("moves");
    assert_eq!(sync(&project).0, json!({"completions": 1}));
    assert_eq!(sync(&project).0, json!({}));
    assert_eq!(kinds(&project, "TASK-2-two").iter().filter(|kind| *kind == "task_done").count(), 1);
}

#[test]
fn a_holder_that_was_silent_for_a_day_has_abandoned_its_task() {
    let project = ralf();
    taken(&project, "run-9", "\n    claimed_at: '2026-02-01T12:00:00Z'");
    silent_for(&project, DAY - 60);
    project.ok("ralf attach .");
    assert_eq!(project.task("TASK-1")["state"], "claimed", "not yet");
    silent_for(&project, DAY + 60);
    project.ok("ralf detach .");
    assert_eq!(project.task("TASK-1")["state"], "claimed", "what it had, it has");
    // A look of a new store: nothing was seen of it since.
    fs::remove_dir_all(project.root().join(".oarlock")).expect("removed");
    let reply = project.ok("ralf attach .");
    assert_eq!((&reply["imported"]["claims"], &reply["imported"]["abandoned"]), (&json!(1), &json!(1)), "{reply}");
    assert_eq!(project.ok("status")["abandoned"][0]["id"], "TASK-1");
    assert!(project.text("status").contains("abandoned outside of the store, to be claimed: TASK-1 by run-9 (ralf)"));
    assert_eq!(sync(&project).0, json!({}), "it is given up once");
    project.ok("join ada");
    project.ok("claim TASK-1 --as ada");
    assert_eq!(kinds(&project, "TASK-1"), ["task_added", "task_taken_outside", "task_left_outside", "task_intended", "task_claimed"]);
    assert!(project.ok("task TASK-1")["events"].to_string().contains("\"reason\":\"abandoned\""));
    assert!(project.ok("status").get("abandoned").is_none());
}

#[test]
fn who_gives_a_sign_of_life_has_its_task_again_and_the_project_says_how_long_silence_lasts() {
    let project = ralf();
    taken(&project, "run-9", "");
    silent_for(&project, 3 * DAY);
    project.ok("init");
    project.write(".oarlock/config.toml", "[ralf]\nabandoned_after = \"7d\"\n");
    project.ok("ralf attach .");
    assert_eq!(project.task("TASK-1")["state"], "claimed", "three days are not seven");
    project.write(".oarlock/config.toml", "[ralf]\nabandoned_after = \"1h\"\n");
    assert_eq!(sync(&project).0, json!({"abandoned": 1}));
    assert_eq!(project.task("TASK-1")["state"], "ready");
    // Its run writes on.
    project.write("runs/executor/run-9/THOUGHTS.md", "on");
    assert_eq!(sync(&project).0, json!({"claims": 1}));
    assert_eq!(project.task("TASK-1")["holder"]["agent"], "run-9");
    project.write(".oarlock/config.toml", "[ralf]\nabandoned = \"1h\"\n");
    let refused = project.fails("ralf sync .", 65, "data_damaged");
    assert!(refused.to_string().contains("known is abandoned_after"), "{refused}");
}

#[test]
fn a_person_ends_a_hold_by_force_and_the_files_say_so() {
    let project = ralf();
    taken(&project, "bob", "");
    project.ok("ralf attach .");
    project.ok("join ada");
    project.fails("release TASK-1 --as ada", 4, "lease_held");
    let task = project.ok("release TASK-1 --force")["task"].clone();
    assert_eq!(task["state"], "ready");
    let queue = read(&project, QUEUE);
    assert!(queue.contains("status: pending") && queue.contains("claimed_by: null") && !queue.contains("bob"), "{queue}");
    // Who takes it there again has it again, also before anybody has looked.
    project.write(QUEUE, queue.replace("claimed_by: null", "claimed_by: bob").replacen("status: pending", "status: in_progress", 1));
    assert_eq!(sync(&project).0, json!({"claims": 1}));
    assert!(kinds(&project, "TASK-1").ends_with(&["task_taken_outside".to_owned()]));
}

/// A heartbeat file with these blocks.
fn beats(blocks: &[(&str, &str, &str, &str)]) -> String {
    let block = |(name, seen, status, action): &(&str, &str, &str, &str)| {
        format!("  {name}:\n    last_seen: '{seen}'\n    status: {status}\n    current_action: {action}\n")
    };
    format!("heartbeats:\n{}metadata:\n  timeout_seconds: 120\n", blocks.iter().map(block).collect::<String>())
}

/// The time this many seconds ago, as shell scripts write it.
fn ago(seconds: i64) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs();
    rfc3339(WallTime((i64::try_from(now).expect("a time") - seconds) * 1_000))
}

#[test]
fn only_a_young_heartbeat_makes_an_agent_whoever_asks() {
    let project = ralf();
    taken(&project, "dead-run", "");
    let (young, old) = (ago(5), ago(600));
    project.write(
        BEATS,
        beats(&[
            ("planner", &young, "running", "planning"),
            ("ralf", &ago(6), "running", "looking"),
            ("executor", &old, "running", "executing"),
            ("scout", &ago(7), "'{STATUS}'", "x"),
            ("analyzer", &ago(8), "idle|running|sleeping|error", "x"),
            ("run-0053", &ago(9), "running", "x"),
            ("gone", &ago(10), "left", "x"),
        ]),
    );
    let expected = ["planner", "ralf"];
    assert_eq!(active(&project, "ralf agents ."), expected, "by the files alone");
    project.ok("ralf attach .");
    for verb in ["ralf agents .", "agents", "agents --all"] {
        assert_eq!(active(&project, verb), expected, "{verb}");
    }
    let names: Value = project.ok("agents --all")["agents"].as_array().expect("agents").iter().map(|agent| agent["name"].clone()).collect();
    assert_eq!(names, json!(["executor", "planner", "ralf"]), "nobody else came in; who was silent is known, and not there");
    assert!(project.ok("agent ralf")["agent"]["age_ms"].as_i64().is_some_and(|age| age >= 5_000), "it is as old as it says");
}

#[test]
fn a_script_that_sets_every_heartbeat_revives_nobody_who_has_left() {
    let project = ralf();
    let before = [("planner", ago(20), "running", "p"), ("gone", ago(30), "left", "g")];
    project.write(BEATS, beats(&before.each_ref().map(|(name, seen, status, action)| (*name, seen.as_str(), *status, *action))));
    project.ok("ralf attach .");
    // sed -i "s/last_seen: .*/…/; s/status: .*/…/"
    let now = ago(0);
    project.write(BEATS, beats(&[("planner", &now, "in_progress", "p"), ("gone", &now, "in_progress", "g")]));
    sync(&project);
    for verb in ["ralf agents .", "agents", "agents --all"] {
        assert_eq!(active(&project, verb), ["planner"], "{verb}");
    }
    // It comes back by itself.
    project.write(BEATS, beats(&[("planner", &now, "in_progress", "p"), ("gone", &ago(1), "running", "back")]));
    sync(&project);
    assert_eq!(active(&project, "agents"), ["gone", "planner"]);
    assert_eq!(active(&project, "ralf agents ."), ["gone", "planner"]);
}

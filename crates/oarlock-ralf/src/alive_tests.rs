use super::*;
use crate::types::{Clock, Source};
use serde_json::{Map, json};

const NOW: i64 = 1_769_947_200_000;
const TIMEOUT: i64 = 120_000;

/// A block of a heartbeat file that was seen this long ago.
fn block(name: &str, age_ms: i64, status: &str, more: &str) -> Agent {
    let last_seen = crate::time::shown(NOW - age_ms);
    let fields: Map<String, Value> = [("last_seen", json!(last_seen)), ("status", json!(status)), ("current_action", json!(more))]
        .into_iter()
        .map(|(field, value)| (field.to_owned(), value))
        .collect();
    Agent {
        name: name.to_owned(),
        state: "active",
        status: Some(status.to_owned()),
        action: Some(more.to_owned()),
        last_seen: Some(last_seen),
        age_ms: Some(age_ms),
        timeout_ms: TIMEOUT,
        clock: Clock::Fine,
        pid: None,
        loop_number: None,
        run_number: None,
        source: Source { file: "heartbeat.yaml".to_owned(), line: 1 },
        fields,
    }
}

fn there(agents: &[Agent], attached: &SyncState) -> Vec<String> {
    signs(agents, attached, NOW).iter().filter(|sign| sign.is_there(NOW, TIMEOUT)).map(|sign| sign.name.to_string()).collect()
}

/// The memory after a pass over these.
fn remembered(agents: &[Agent], attached: &SyncState, looked_ms: i64) -> SyncState {
    let heard = signs(agents, attached, looked_ms).into_iter().map(|sign| (sign.agent.name.clone(), sign.beat)).collect();
    SyncState { heard, looked_ms, ..attached.clone() }
}

#[test]
fn templates_runs_and_names_that_are_none_are_no_agents() {
    for (name, status, is_one) in [
        ("planner", json!("running"), true),
        ("executor", json!(null), true),
        ("ralf", json!("idle"), true),
        ("runner-7", json!("idle"), true),
        ("{AGENT_NAME}", json!("running"), false),
        ("AGENT_NAME", json!("running"), false),
        ("planner", json!({"STATUS": null}), false),
        ("planner", json!("{STATUS}"), false),
        ("planner", json!("idle|running|sleeping|error"), false),
        ("run-0053", json!("running"), false),
        ("run-20260204-105355", json!("running"), false),
        ("two words", json!("running"), false),
        ("", json!("running"), false),
    ] {
        assert_eq!(is_agent(name, Some(&status)), is_one, "{name} {status}");
    }
}

#[test]
fn only_the_age_of_a_heartbeat_makes_an_agent_active() {
    let agents = [block("ada", 119_000, "idle", "a"), block("bob", 121_000, "running", "b"), block("cy", 1_000, "stopped", "c")];
    assert_eq!(there(&agents, &SyncState::default()), ["ada"]);
    let mut without_time = block("dan", 0, "running", "d");
    without_time.age_ms = None;
    assert!(there(&[without_time], &SyncState::default()).is_empty());
}

#[test]
fn of_doubles_the_youngest_counts() {
    let mut older = block("ada", 500_000, "running", "a");
    older.source.file = "old/heartbeat.yaml".to_owned();
    let agents = [older, block("ada", 1_000, "running", "a")];
    assert_eq!(there(&agents, &SyncState::default()), ["ada"]);
    let mut judged = agents.to_vec();
    judge(&mut judged, &SyncState::default(), NOW, None);
    assert_eq!(judged.iter().map(|agent| agent.state).collect::<Vec<_>>(), ["stale", "active"]);
}

#[test]
fn a_script_that_sets_every_time_revives_nobody_who_has_left() {
    let before = [block("ada", 100_000, "running", "a"), block("bob", 90_000, LEFT, "b")];
    let known = remembered(&before, &SyncState::default(), NOW - 60_000);
    // The same moment and status for all, as `sed` leaves them.
    let swept = [block("ada", 1_000, "in_progress", "a"), block("bob", 1_000, "in_progress", "b")];
    assert_eq!(there(&swept, &known), ["ada"]);
    let known = remembered(&swept, &known, NOW);
    let again = [block("ada", 0, "idle", "a"), block("bob", 0, "idle", "b")];
    assert_eq!(there(&again, &known), ["ada"], "nor does it the second time");
    let mut judged = again.to_vec();
    judge(&mut judged, &known, NOW, None);
    assert_eq!(judged.iter().map(|agent| agent.state).collect::<Vec<_>>(), ["active", "left"]);
}

#[test]
fn who_has_left_comes_back_by_a_sign_of_its_own() {
    let before = [block("ada", 100_000, "running", "a"), block("bob", 90_000, LEFT, "b")];
    let known = remembered(&before, &SyncState::default(), NOW - 60_000);
    let moved = [block("ada", 1_000, "running", "a"), block("bob", 1_000, "running", "another")];
    assert_eq!(there(&moved, &known), ["ada", "bob"], "the rest of its block is another");
    let alone = [block("ada", 100_000, "running", "a"), block("bob", 1_000, "running", "b")];
    assert_eq!(there(&alone, &known).last().map(String::as_str), Some("bob"), "only its own time was set");
}

#[test]
fn a_clock_that_lies_behind_is_judged_by_changes() {
    let before = [block("ada", 7_200_000, "running", "a")];
    let known = remembered(&before, &SyncState::default(), NOW - 1_000);
    assert!(there(&before, &known).is_empty(), "nothing has changed");
    let after = [block("ada", 7_100_000, "running", "b")];
    let sign = signs(&after, &known, NOW).pop().expect("one");
    assert!(sign.is_behind && sign.is_there(NOW, TIMEOUT));
}

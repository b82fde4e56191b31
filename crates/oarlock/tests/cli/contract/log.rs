//! Events: which kinds in which order, and that a reader misses none.

use serde_json::Value;
use std::collections::BTreeSet;

use crate::support::Project;

/// The kinds of the contract that the verbs of one agent can cause.
const KINDS: [&str; 31] = [
    "agent_joined",
    "agent_left",
    "agent_lost",
    "task_added",
    "task_updated",
    "task_noted",
    "task_split",
    "task_readied",
    "task_claimed",
    "task_progressed",
    "task_released",
    "task_failed",
    "task_done",
    "task_submitted",
    "task_approved",
    "task_rejected",
    "task_cancelled",
    "task_requeued",
    "task_died",
    "dependency_added",
    "dependency_removed",
    "lease_lost",
    "state_set",
    "state_deleted",
    "reservation_made",
    "reservation_ended",
    "message_sent",
    "message_acked",
    "proposal_opened",
    "vote_cast",
    "proposal_closed",
];

#[test]
fn a_whole_life_is_told_in_order() {
    let project = Project::with(&["ada"]);
    for line in [
        "add n --id N",
        "add t --id T --gate human",
        "update T --priority 1",
        "note T text",
        "depend T --on N",
        "depend T --on N --remove",
        "claim T --as ada",
        "renew T --progress 10 --as ada",
        "release T --as ada",
        "claim T --as ada",
        "done T --as ada",
        "reject T --reason r",
        "claim T --as ada",
        "fail T --reason r --no-retry --as ada",
        "requeue T",
        "cancel T",
        "requeue T",
        "claim T --as ada",
        "done T --as ada",
        "approve T",
    ] {
        project.ok(line);
    }
    assert_eq!(
        project.kinds_of("T").join(" "),
        "task_added task_updated task_noted dependency_added dependency_removed task_readied task_claimed task_progressed task_released \
         task_claimed task_submitted task_rejected task_claimed task_failed task_died task_requeued task_cancelled task_requeued task_claimed \
         task_submitted task_approved task_done"
    );
    let shown = project.ok("task T")["events"].clone();
    assert_eq!(shown.as_array().map(Vec::len), Some(22), "`task` shows the same history");
    let by: BTreeSet<&str> =
        shown.as_array().into_iter().flatten().filter(|e| e["kind"] == "task_claimed").filter_map(|e| e["agent"].as_str()).collect();
    assert_eq!(by, BTreeSet::from(["ada"]));
}

#[test]
fn every_kind_can_be_asked_for_and_the_subject_is_the_nouns_id() {
    let project = Project::with(&["ada", "bob"]);
    for kind in KINDS {
        project.ok(&format!("events --kind {kind}"));
    }
    project.ok("sync a=b --as ada");
    project.ok("state-delete agent/ada --as ada");
    let reservation = project.ok("reserve src/** --as ada")["reservations"][0]["id"].clone();
    project.ok("unreserve --as ada");
    let message = project.ok("send bob --text t --as ada")["messages"][0]["id"].clone();
    project.ok(&format!("ack {} --as bob", message.as_str().expect("an id")));
    let proposal = project.ok("propose q? --options a,b --quorum 1")["proposal"]["id"].clone();
    project.ok(&format!("vote {} a --as bob", proposal.as_str().expect("an id")));
    project.ok("leave --as bob");
    for (kinds, subject) in [
        ("agent_joined,agent_left", &Value::from("bob")),
        ("state_set,state_deleted", &Value::from("agent/ada")),
        ("reservation_made,reservation_ended", &reservation),
        ("message_sent,message_acked", &message),
        ("proposal_opened,vote_cast,proposal_closed", &proposal),
    ] {
        let events = project.ok(&format!("events --kind {kinds}"))["events"].clone();
        let found: Vec<&str> =
            events.as_array().into_iter().flatten().filter(|e| e["subject"] == *subject).filter_map(|e| e["kind"].as_str()).collect();
        assert_eq!(found.join(","), kinds, "{events}");
    }
}

#[test]
fn a_reader_that_goes_on_from_its_cursor_sees_every_event_once() {
    let project = Project::with(&["ada"]);
    for n in 0..20 {
        project.ok(&format!("add t --id T{n}"));
        project.ok(&format!("claim T{n} --as ada"));
    }
    for (filter, expected) in [("", 41), (" --kind task_claimed", 20), (" --kind task_added,task_claimed", 40)] {
        let whole = project.ok(&format!("events{filter}"))["events"].clone();
        assert_eq!(whole.as_array().map(Vec::len), Some(expected));
        for limit in [1, 3, 7, 41] {
            let mut pages = Vec::new();
            let mut after = String::new();
            loop {
                let page = project.ok(&format!("events{filter} --limit {limit}{after}"));
                let events = page["events"].as_array().expect("a list");
                assert!(events.len() <= limit);
                after = format!(" --after {}", page["cursor"].as_str().expect("a cursor is a text"));
                if events.is_empty() {
                    break;
                }
                assert_eq!(page["events"].as_array().and_then(|e| e.last()).map(|e| e["cursor"].is_string()), Some(true));
                pages.extend(events.iter().cloned());
            }
            assert_eq!(Value::from(pages), whole, "limit {limit}{filter}");
        }
    }
    // The cursor of an event itself is a place to go on from as well.
    let second = project.ok("events --limit 2")["events"][1]["cursor"].clone();
    let rest = project.ok(&format!("events --after {}", second.as_str().expect("a text")));
    assert_eq!(rest["events"].as_array().map(Vec::len), Some(39));
}

#[test]
fn the_cursor_is_always_there_also_when_nothing_is_new() {
    let project = Project::new();
    let empty = project.ok("events");
    assert_eq!(empty["events"], serde_json::json!([]));
    let cursor = empty["cursor"].as_str().expect("a cursor").to_owned();
    project.ok("add t");
    let next = project.ok(&format!("events --after {cursor}"));
    assert_eq!(next["events"].as_array().map(Vec::len), Some(1));
    project.fails(&format!("events --after {} --wait 1s", next["cursor"].as_str().expect("a cursor")), 8, "timed_out");
}

#[test]
fn waiting_for_events_ends_with_the_first_one() {
    let project = Project::new();
    let cursor = project.ok("events")["cursor"].as_str().expect("a cursor").to_owned();
    let waiting = project.start(&format!("events --after {cursor} --wait 60s"));
    project.ok("add t --id T");
    assert_eq!(waiting.reply().ok()["events"][0]["subject"], "T");
}

#[test]
fn following_prints_an_event_a_line_as_it_happens() {
    let project = Project::new();
    project.ok("add t --id T0");
    let mut following = project.start("events --follow --kind task_added");
    for n in 0..4 {
        if n > 0 {
            project.ok(&format!("add t --id T{n}"));
        }
        let line = following.line();
        let event: Value = serde_json::from_str(&line).expect("each line is an object");
        assert_eq!((&event["kind"], &event["subject"]), (&"task_added".into(), &format!("T{n}").into()), "{line}");
        assert!(event["cursor"].is_string() && event["at"].is_string());
    }
    // Nobody reads on: it ends by itself with the next event, and quietly.
    following.close();
    project.ok("add last");
    let output = following.output();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn a_followed_log_ends_after_its_limit_or_after_a_silence() {
    let project = Project::with(&["ada"]);
    (0..5).for_each(|n| drop(project.ok(&format!("add t{n}"))));
    let first = project.ok("events --limit 1")["cursor"].as_str().expect("a cursor").to_owned();
    assert_eq!(project.text(&format!("events --follow --limit 3 --after {first}")).lines().count(), 3);
    let last = project.ok("events")["cursor"].as_str().expect("a cursor").to_owned();
    let error = project.fails(&format!("events --follow --wait 1s --after {last}"), 8, "timed_out");
    assert!(error["details"]["waited_ms"].as_i64() >= Some(1_000), "{error}");
}

#[test]
fn a_followed_log_ends_when_its_reader_has_gone() {
    let project = Project::with(&["ada"]);
    let mut command = std::process::Command::new("sh");
    project.clean(&mut command);
    // The one event is read, and then nothing is ever logged.
    let script = format!("{} events --follow | head -1", env!("CARGO_BIN_EXE_oarlock"));
    let output = command.args(["-c", &script]).current_dir(project.root()).output().expect("sh starts");
    assert_eq!(String::from_utf8_lossy(&output.stdout).matches("agent_joined").count(), 1, "{output:?}");
}

//! Calls that change more than fits into one transaction of theirs: what they come to in the end is the same on every store, and what
//! one transaction would have made of it.

use oarlock_model::limits::PORTION_ROWS_MAX;
use oarlock_testkit::harness::{Actor, Step};
use oarlock_testkit::{Lockstep, MemoryHarness};
use serde_json::{Value, json};

use crate::sqlite_harness::SqliteHarness;

/// A tree with as many parts as one split can make: with the task itself they are more than one portion.
fn with_tree() -> Lockstep {
    let mut harnesses = Lockstep::new(vec![Box::new(MemoryHarness::default()), Box::new(SqliteHarness::new())]);
    let parts = (0..PORTION_ROWS_MAX).map(|n| {
        json!({"id": format!("wide-SUB{}", n + 1), "title": format!("part {n}"), "steps": [n + 1], "depends_on": [],
            "writes": [format!("src/part{n}.rs")], "capabilities": []})
    });
    let steps = (0..PORTION_ROWS_MAX).map(|n| json!({"n": n + 1, "title": format!("part {n}"), "line": n + 3, "end": n + 3}));
    let plan = json!({"task": "wide", "parallelizable": true, "steps": steps.collect::<Value>(), "subtasks": parts.collect::<Value>()});
    let document: String = (0..PORTION_ROWS_MAX).map(|n| format!("- [ ] part {n}\n")).collect();
    harnesses.files().write("docs/wide.md", format!("# Wide\n\n{document}"));
    harnesses.files().write("plan.json", plan.to_string());
    let made = say(&mut harnesses, "-: split docs/wide.md --plan plan.json --agents 256 --max-subtasks 1000");
    assert_eq!(made["created"].as_array().map(Vec::len), Some(PORTION_ROWS_MAX), "{:?}", made["warnings"]);
    harnesses
}

fn say(harnesses: &mut Lockstep, line: &str) -> Value {
    let (actor, words) = line.split_once(": ").expect("an actor and its words");
    let words = words.split(' ').map(str::to_owned).collect();
    match harnesses.run(&Step::Call(Actor::parse(actor), words)) {
        Some(Ok(reply)) => reply,
        other => panic!("{line}: {other:?}"),
    }
}

fn tasks(harnesses: &mut Lockstep, state: &str) -> u64 {
    say(harnesses, "-: status")["tasks"][state].as_u64().expect("a number")
}

#[test]
fn a_wide_tree_is_cancelled_and_brought_back_whole() {
    let mut harnesses = with_tree();
    assert_eq!(say(&mut harnesses, "-: cancel wide")["task"]["state"], "cancelled");
    assert_eq!(tasks(&mut harnesses, "cancelled"), PORTION_ROWS_MAX as u64 + 1);
    let named = |reply: &Value, field: &str| reply[field].as_array().map_or(0, Vec::len);
    let alone = say(&mut harnesses, "-: requeue wide");
    assert_eq!((named(&alone, "still_cancelled"), named(&alone, "requeued")), (PORTION_ROWS_MAX, 0));
    assert_eq!((tasks(&mut harnesses, "cancelled"), tasks(&mut harnesses, "waiting")), (PORTION_ROWS_MAX as u64, 1));
    // One of them was called off by itself meanwhile: it stays so.
    say(&mut harnesses, "-: requeue wide-SUB7");
    say(&mut harnesses, "-: cancel wide-SUB7");
    let all = say(&mut harnesses, "-: requeue wide --parts");
    assert_eq!((named(&all, "still_cancelled"), named(&all, "requeued")), (0, PORTION_ROWS_MAX - 1));
    assert_eq!((tasks(&mut harnesses, "cancelled"), tasks(&mut harnesses, "ready")), (1, PORTION_ROWS_MAX as u64 - 1));
}

#[test]
fn a_session_that_holds_more_than_a_portion_leaves_is_taken_over_and_dies_whole() {
    let mut harnesses = with_tree();
    let ready = PORTION_ROWS_MAX as u64;
    for (by, end) in [("ada", "ada: leave"), ("bob", "bob: join --take-over")] {
        say(&mut harnesses, &format!("-: join {by}"));
        say(&mut harnesses, &format!("{by}: claim --count 1000 --reserve"));
        assert_eq!((tasks(&mut harnesses, "claimed"), tasks(&mut harnesses, "ready")), (ready, 0));
        let reply = say(&mut harnesses, end);
        if by == "ada" {
            assert_eq!(reply["released"].as_array().map(Vec::len), Some(PORTION_ROWS_MAX));
        }
        assert_eq!((tasks(&mut harnesses, "claimed"), tasks(&mut harnesses, "ready")), (0, ready), "{end}");
        assert_eq!(say(&mut harnesses, "-: reservations")["reservations"], json!([]), "{end}");
    }
    say(&mut harnesses, "cy: start");
    say(&mut harnesses, "cy: claim --count 1000 --reserve");
    harnesses.run(&Step::Kill("cy".to_owned()));
    // Anyone who calls next finds all of it settled.
    say(&mut harnesses, &format!("bob: claim wide-SUB{PORTION_ROWS_MAX}"));
    assert_eq!((tasks(&mut harnesses, "claimed"), tasks(&mut harnesses, "ready")), (1, ready - 1));
    assert_eq!(say(&mut harnesses, "-: agent cy")["agent"]["state"], "lost");
}

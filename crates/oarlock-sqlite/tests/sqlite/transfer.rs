//! Export and import (semantics 17): the log as lines, replayed into an empty store, all of it or nothing.

use oarlock_model::ErrorCode;
use oarlock_model::event::Fact;
use oarlock_model::identity::EPOCH_SHIFT;
use oarlock_model::rules::transition::{self, Hold};
use oarlock_model::task::TaskState;
use oarlock_ops::OpError;
use oarlock_ops::admin::Administration;
use oarlock_ops::store::Store;

use crate::home::{Home, assert_replays, code_of, log, ok, state};

fn exported(home: &Home) -> String {
    let mut text = Vec::new();
    home.admin().export(&mut text).expect("a store");
    String::from_utf8(text).expect("lines of JSON")
}

#[test]
fn what_was_exported_is_imported_event_by_event() {
    let (home, other) = (Home::lived_in(), Home::new());
    let mut store = home.open();
    for line in ["ada: join --take-over", "-: split A --dry-run", "bob: leave", "ada: state-delete build/last", "-: cancel A1"] {
        ok(&mut store, line);
    }
    let text = exported(&home);
    let reply = other.admin().import(&mut text.as_bytes()).expect("an export");
    let (before, mut imported) = (log(&mut store), other.open());
    let after = log(&mut imported);
    assert_eq!(after[..before.len()], before);
    // A new epoch follows, in which every session of before has ended.
    assert_eq!(after[before.len()].fact.kind(), "store_restored");
    assert!(after[before.len()].seq >> EPOCH_SHIFT == reply.epoch && reply.sessions_ended == 1, "{reply:?}");
    assert_replays(&mut imported);
    let (was, is) = (state(&mut store), state(&mut imported));
    assert_eq!((was.entries, was.messages), (is.entries, is.messages));
    assert_eq!(was.tasks.keys().collect::<Vec<_>>(), is.tasks.keys().collect::<Vec<_>>());
    assert!(other.admin().doctor(false, false).expect("looks").ok);
    ok(&mut imported, "ada: join");
    ok(&mut imported, "ada: claim");
    // An import can be exported and imported again.
    let third = Home::new();
    third.admin().import(&mut exported(&other).as_bytes()).expect("an export");
    assert_replays(&mut third.open());
}

#[test]
fn an_empty_log_is_exported_and_imported() {
    let (home, other) = (Home::new(), Home::new());
    other.admin().import(&mut exported(&home).as_bytes()).expect("an export");
    assert_replays(&mut other.open());
}

#[test]
fn damaged_lines_are_refused_with_their_number_and_nothing_is_imported() {
    let text = exported(&Home::lived_in());
    let lines: Vec<&str> = text.lines().collect();
    let joined = |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    let without = |at: usize| joined(&[&lines[..at], &lines[at + 1..]].concat());
    let swapped = {
        let mut swapped = lines.clone();
        swapped.swap(4, 5);
        joined(&swapped)
    };
    let last = lines.len();
    let changed = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    };
    let cases: Vec<(&str, Vec<u8>, Option<usize>)> = vec![
        ("empty", Vec::new(), Some(1)),
        ("no header", without(0).into(), Some(1)),
        ("another format", changed("\"oarlock_log\":1", "\"oarlock_log\":2").into(), Some(1)),
        ("cut off between lines", joined(&lines[..last - 1]).into(), Some(last)),
        ("cut off inside a line", text[..text.len() / 2].into(), None),
        ("a line is missing", without(5).into(), None),
        ("the first event is missing", without(1).into(), None),
        ("two lines have changed places", swapped.into(), Some(5)),
        ("a line stands twice", joined(&[&lines[..4], &lines[3..]].concat()).into(), Some(5)),
        ("a kind that is none", changed("task_added", "task_eaten").into(), Some(4)),
        ("data of another shape", changed("\"title\":\"one\"", "\"title\":1").into(), Some(4)),
        ("an id that is none", changed("\"id\":\"A\"", "\"id\":\"../A\"").into(), Some(4)),
        ("a brace is missing", changed("}\n", "\n").into(), Some(1)),
        ("a null byte", changed("\"title\":\"one\"", "\"title\":\"o\0e\"").into(), Some(4)),
        ("an event that cannot follow", changed("\"needs\":[\"A\"]", "\"needs\":[\"Z\"]").into(), Some(5)),
        ("a number that is too large", changed("\"seq\":14", "\"seq\":99999999999999999999").into(), None),
        ("not UTF-8", [&text.as_bytes()[..text.len() / 2], &[0xff, 0xfe], &text.as_bytes()[text.len() / 2..]].concat(), None),
        ("another number at the end", changed("\"end_of_log\":", "\"end_of_log\":1").into(), Some(last)),
    ];
    let home = Home::new();
    for (what, damaged, line) in cases {
        match home.admin().import(&mut damaged.as_slice()) {
            Err(OpError::Damaged { details, message, .. }) => {
                let found = details["line"].as_u64().expect("the line is told");
                assert!(line.is_none_or(|line| line as u64 == found), "{what}: {message}");
            }
            other => panic!("{what}: {other:?}"),
        }
        assert_eq!(state(&mut home.open()), oarlock_model::state::State::default(), "{what}");
    }
    home.admin().import(&mut text.as_bytes()).expect("it is still empty");
}

#[test]
fn an_import_does_not_mix_two_histories() {
    let home = Home::lived_in();
    let before = state(&mut home.open());
    assert_eq!(code_of(home.admin().import(&mut exported(&home).as_bytes())), ErrorCode::StateConflict);
    assert_eq!(state(&mut home.open()), before);
}

#[test]
fn time_goes_on_where_the_imported_log_ends() {
    let (home, other) = (Home::lived_in(), Home::new());
    let mut store = home.open();
    // Long after every session was last seen, an attempt fails.
    home.clock.advance_ms(10 * 86_400_000);
    ok(&mut store, "-: add late --id LATE");
    ok(&mut store, "bob: claim LATE --session bob.2");
    ok(&mut store, "bob: fail LATE --reason broken");
    let ended = store.snapshot().expect("reads").now().store;
    other.admin().import(&mut exported(&home).as_bytes()).expect("an export");
    let mut imported = other.open();
    assert!(imported.snapshot().expect("reads").now().store >= ended);
    // Its pause is some seconds, not ten days.
    ok(&mut imported, "cy: join");
    other.clock.advance_ms(60_000);
    ok(&mut imported, "cy: claim LATE");
}

/// The export of a lived-in store with one line more before its end: `kind` and `data` of an event that follows.
fn with_event(kind: &str, data: &serde_json::Value) -> (String, usize) {
    let text = exported(&Home::lived_in());
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.pop();
    let last: serde_json::Value = serde_json::from_str(lines.last().expect("events")).expect("JSON");
    let next = serde_json::json!({"seq": last["seq"].as_u64().expect("a number") + 1, "at": last["at"], "store_at": last["store_at"],
        "kind": kind, "data": data});
    lines.push(next.to_string());
    let number = lines.len();
    lines.push(serde_json::json!({"end_of_log": number - 1}).to_string());
    (lines.iter().map(|line| format!("{line}\n")).collect(), number)
}

#[test]
fn what_no_verb_would_write_is_refused_with_its_line_and_nothing_is_imported() {
    use serde_json::json;
    let title = "x".repeat(1_000_000);
    let body = "x".repeat((1 << 20) + 1);
    let added = |field: &str, value: serde_json::Value| {
        let mut added = json!({"id": "NEW", "title": "one", "priority": 2, "max_attempts": 3, "resting": {"state": "blocked"}});
        added[field] = value;
        ("task_added", added)
    };
    let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
    let cases = [
        added("title", json!(title)),
        added("max_attempts", json!(0)),
        added("priority", json!(200)),
        added("needs", json!(["NEW"])),
        added("resting", json!({"state": "ready", "ready_at": i64::MAX})),
        added("not_before", json!(i64::MAX)),
        ("task_updated", json!({"id": "A", "body": body})),
        ("state_set", json!({"key": "a/b", "value": deep, "version": 1})),
        ("state_set", json!({"key": "a/b", "value": 1, "version": u64::MAX})),
        ("dependency_added", json!({"id": "A", "on": ["A"]})),
        ("proposal_opened", json!({"id": "P-99", "question": "x", "options": ["a"], "quorum": "all"})),
        ("proposal_opened", json!({"id": "P-99", "question": "x", "options": ["a", "b"], "quorum": 0})),
        ("proposal_opened", json!({"id": "P-99", "question": "x", "options": ["a", "b"], "quorum": "all", "deadline_ms": -1})),
        ("vote_cast", json!({"id": "P-1", "voter": "ada", "option": "a"})),
        ("proposal_closed", json!({"id": "P-1", "by": "quorum", "decision": "a"})),
        ("store_restored", json!({"epoch": 1, "identity": {"id": "x", "base": 1}})),
    ];
    let home = Home::new();
    for (kind, data) in cases {
        let (text, number) = with_event(kind, &data);
        let what = data.to_string().chars().take(120).collect::<String>();
        match home.admin().import(&mut text.as_bytes()) {
            Err(OpError::Damaged { details, message, .. }) => {
                assert_eq!(details["line"], number, "{kind} {what}: {message}");
                assert!(message.len() < 1_000, "{kind} {what}");
            }
            other => panic!("{kind} {what}: {other:?}"),
        }
        assert_eq!(state(&mut home.open()), oarlock_model::state::State::default(), "{kind} {what}");
    }
    let (last, number) = with_event("task_noted", &json!({"id": "A", "text": "one more"}));
    // The greatest number there is, and the one above what any reader keeps.
    for seq in [u64::MAX, 1 << 53] {
        let line = last.lines().nth(number - 1).expect("the line");
        let mut event: serde_json::Value = serde_json::from_str(line).expect("JSON");
        event["seq"] = seq.into();
        let text = last.replace(line, &event.to_string());
        assert_eq!(code_of(home.admin().import(&mut text.as_bytes())), ErrorCode::DataDamaged);
    }
    home.admin().import(&mut last.as_bytes()).expect("what a verb would write");
}

/// How a task X gets into each state, and which of its events a log may have next.
const STATES: [(TaskState, &[&str]); 9] = [
    (TaskState::Blocked, &["-: add n --id N", "-: add x --id X --needs N"]),
    (TaskState::Ready, &["-: add x --id X"]),
    (TaskState::Scheduled, &["-: add x --id X", "ada: claim X", "ada: fail X --reason r"]),
    (TaskState::Claimed, &["-: add x --id X", "ada: claim X"]),
    (TaskState::Waiting, &["-: add x --id X", "-: add p --id P --parent X"]),
    (TaskState::Review, &["-: add x --id X --gate human", "ada: claim X", "ada: done X"]),
    (TaskState::Done, &["-: add x --id X", "ada: claim X", "ada: done X"]),
    (TaskState::Dead, &["-: add x --id X --max-attempts 1", "ada: claim X", "ada: fail X --reason r"]),
    (TaskState::Cancelled, &["-: add x --id X", "-: cancel X"]),
];

#[test]
fn a_change_of_state_that_no_verb_makes_is_refused_with_its_line() {
    use serde_json::{Value, json};
    let rests = json!({"state": "blocked"});
    let target = Home::new();
    let mut seen = [0, 0];
    for (state_of_x, lines) in STATES {
        let home = Home::new();
        let mut store = home.open();
        ok(&mut store, "ada: join");
        lines.iter().for_each(|line| drop(ok(&mut store, line)));
        let x = state(&mut store).tasks.into_values().find(|task| task.id.as_str() == "X").expect("it was added");
        assert_eq!(x.state, state_of_x);
        let session = state(&mut store).agents.into_values().next().expect("ada").session;
        drop(store);
        let text = exported(&home);
        let lines: Vec<&str> = text.lines().collect();
        let number = lines.len();
        let last: Value = serde_json::from_str(lines[number - 2]).expect("JSON");
        let seq = last["seq"].as_u64().expect("a number") + 1;
        let token = x.grant.as_ref().map_or(seq, |grant| grant.token.0);
        for (kind, data) in [
            ("task_claimed", json!({"token": seq, "ttl_ms": 60_000, "attempt": 1})),
            ("task_released", json!({"reason": "released", "resting": rests})),
            ("task_failed", json!({"token": token, "reason": "x", "failures": 1})),
            ("task_progressed", json!({"progress": 5})),
            ("task_done", json!({})),
            ("task_submitted", json!({})),
            ("task_approved", json!({})),
            ("task_rejected", json!({"reason": "x", "resting": rests})),
            ("task_readied", json!({})),
            ("task_died", json!({"reason": "failures", "failures": 1, "losses": 0})),
            ("task_requeued", json!({"resting": rests})),
            ("task_cancelled", json!({})),
            ("task_split", json!({"children": [], "waits": true})),
            ("task_updated", json!({"resting": rests})),
            ("dependency_added", json!({"on": [], "resting": rests})),
            ("dependency_removed", json!({"on": [], "resting": rests})),
            (
                "lease_lost",
                json!({"task": "X", "holder": "ada", "holder_session": session, "token": token, "reason": "expired", "losses": 1, "resting": rests}),
            ),
            ("task_taken_outside", json!({"since": 0, "seen": 0, "source": "ralf"})),
            ("task_left_outside", json!({"reason": "free", "seen": 0, "resting": rests})),
            ("task_noted", json!({"text": "x"})),
        ] {
            let mut data = data;
            if kind != "lease_lost" {
                data["id"] = "X".into();
            }
            let fact = Fact::parse(kind, &data.to_string()).unwrap_or_else(|error| panic!("{kind}: {error}"));
            let can_follow = transition::check(&fact, state_of_x, Hold::of(&x)).is_ok();
            let next = json!({"seq": seq, "at": last["at"], "store_at": last["store_at"], "kind": kind, "agent": "ada", "session": session, "data": data});
            let log = format!("{}\n{next}\n{}\n", lines[..number - 1].join("\n"), json!({"end_of_log": number - 1}));
            let target = if can_follow { &Home::new() } else { &target };
            match target.admin().import(&mut log.as_bytes()) {
                Ok(_) => assert!(can_follow, "{kind} after {state_of_x} was taken"),
                Err(OpError::Damaged { details, message, .. }) => {
                    assert!(!can_follow && message.contains("cannot follow"), "{kind} after {state_of_x}: {message}");
                    assert_eq!(details["line"], number, "{kind} after {state_of_x}: {message}");
                }
                other => panic!("{kind} after {state_of_x}: {other:?}"),
            }
            seen[usize::from(can_follow)] += 1;
        }
    }
    assert!(seen[0] > 90 && seen[1] > 40, "refused and taken: {seen:?}");
    assert_eq!(state(&mut target.open()), oarlock_model::state::State::default(), "nothing of it was imported");
}

#[test]
fn a_circle_of_needs_is_refused_with_the_line_that_closes_it() {
    let home = Home::new();
    let mut store = home.open();
    for line in ["-: add one --id A", "-: add two --id B --needs A", "-: add three --id C --needs B"] {
        ok(&mut store, line);
    }
    let text = exported(&home);
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut last: serde_json::Value = serde_json::from_str(&lines[3]).expect("JSON");
    last["seq"] = (last["seq"].as_u64().expect("a number") + 1).into();
    last["kind"] = "dependency_added".into();
    last["data"] = serde_json::json!({"id": "A", "on": ["C"], "resting": {"state": "blocked"}});
    lines[4] = last.to_string();
    lines.push(serde_json::json!({"end_of_log": 4}).to_string());
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    match Home::new().admin().import(&mut text.as_bytes()) {
        Err(OpError::Damaged { details, message, .. }) => {
            assert_eq!(details["line"], 5, "{message}");
            assert!(message.contains("A needs C needs B"), "{message}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_import_holds_nobody_up_while_it_reads() {
    struct Watched<'a> {
        text: &'a [u8],
        home: &'a Home,
        is_looked_at: bool,
    }
    impl std::io::Read for Watched<'_> {
        fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
            if !std::mem::replace(&mut self.is_looked_at, true) {
                // Somebody writes meanwhile: that works at once, and the import does not take it away.
                ok(&mut self.home.open(), "-: add mine --id MINE");
            }
            std::io::Read::read(&mut self.text, to)
        }
    }
    let home = Home::new();
    let text = exported(&Home::lived_in());
    let watched = Watched { text: text.as_bytes(), home: &home, is_looked_at: false };
    assert_eq!(code_of(home.admin().import(&mut std::io::BufReader::with_capacity(64, watched))), ErrorCode::StateConflict);
    assert_eq!(state(&mut home.open()).tasks.len(), 1);
    let left: Vec<_> = std::fs::read_dir(home.place().dir()).expect("a folder").flatten().map(|file| file.file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with("importing")), "{left:?}");
}

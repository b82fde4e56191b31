//! Every error code that can be caused, the form of errors, and mistakes in the command line itself.

use oarlock::ops::lock::Lock;
use oarlock::ops::store::{Durability, Store};
use std::collections::BTreeSet;

use crate::support::{Project, object};

/// Tasks and agents in every state that an error can come from.
fn prepared() -> Project {
    let project = Project::with(&["ada", "bob", "gone"]);
    project.ok("leave --as gone");
    for line in [
        "add held --id HELD",
        "claim HELD --as bob",
        "add lost --id LOST",
        "claim LOST --as ada",
        "release LOST --as ada",
        "update LOST --can nobody-can",
        "add done --id DONE",
        "claim DONE --as ada",
        "done DONE --as ada --result r",
        "add ready --id READY --can nobody-can",
        "reserve src/** --as bob",
        "state-set build/last {} --as ada",
        "add keyed --can nobody-can --key k1",
    ] {
        project.ok(line);
    }
    project.write("bad.md", b"# a\n\xff\n");
    project
}

#[test]
fn every_error_code_has_its_exit_code() {
    let project = prepared();
    let mut seen = BTreeSet::new();
    for (line, exit, code) in [
        ("nonsense", 2, "usage"),
        ("claim --nonsense --as ada", 2, "usage"),
        ("add x --priority 5", 2, "invalid_request"),
        ("claim", 2, "identity_required"),
        ("task NOPE", 3, "not_found"),
        ("claim --as never", 3, "not_found"),
        ("claim HELD --as ada", 4, "lease_held"),
        ("state-set build/last {} --if-version 7 --as ada", 4, "version_conflict"),
        ("reserve src/main.rs --as ada", 4, "reservation_overlap"),
        ("add x --id DONE", 4, "already_exists"),
        ("join ada", 4, "already_exists"),
        ("requeue DONE", 4, "state_conflict"),
        ("add otherwise --key k1", 4, "key_reused"),
        ("done LOST --token 1 --as ada", 5, "stale_token"),
        ("heartbeat --as gone", 5, "stale_session"),
        ("done LOST --as ada", 5, "lease_lost"),
        ("claim --as ada", 8, "nothing_ready"),
        ("claim --as ada --wait 1s", 8, "timed_out"),
        ("agents --at-least 9", 8, "not_enough_agents"),
        ("state-set agent/bob {} --as ada", 9, "denied"),
        ("split ./bad.md", 65, "data_damaged"),
        ("restore bad.md", 65, "data_damaged"),
        ("status --store sqlite:/nonexistent/o.db", 3, "not_found"),
    ] {
        project.fails(line, exit, code);
        seen.insert(code);
    }
    let long = "x".repeat(501);
    project.call_args(&["add", &long, "--json"]).fails(6, "limit_reached");
    seen.insert("limit_reached");
    // The three others need a store in a certain condition, or a bug.
    assert_eq!(seen.len(), 20 - 2 + 1, "{seen:?}");
}

#[test]
fn a_store_that_another_process_writes_is_busy_and_can_be_read() {
    let project = Project::new();
    let place = oarlock_sqlite::StorePaths::of_file(project.store());
    let mut store = oarlock_sqlite::SqliteStore::open(&place, oarlock_sqlite::Options::default()).expect("it opens");
    let writing = store.begin(&[Lock::Everything], Durability::Full).expect("nobody else writes");
    let error = project.call("add x --busy 1s").run().fails(7, "store_busy");
    assert_eq!(error["retryable"], true);
    assert!(error["retry_after_ms"].is_i64(), "{error}");
    project.ok("status");
    drop(writing);
    project.ok("add x --busy 1s");
}

#[test]
fn a_store_that_cannot_be_made_is_unavailable() {
    let project = Project::none();
    project.write(".oarlock", "a file where the directory should be");
    project.fails("init", 7, "store_unavailable");
    project.fails("init --store sqlite:/dev/null/o.db", 7, "store_unavailable");
}

#[test]
fn retryable_says_whether_waiting_can_help() {
    let project = prepared();
    for (line, retryable) in [
        ("claim --as ada", true),
        ("agents --at-least 9", true),
        ("claim --as ada --wait 1s", true),
        ("task NOPE", false),
        ("add x --priority 9", false),
        ("heartbeat --as gone", false),
        ("add x --id DONE", false),
    ] {
        let reply = project.call(line).run();
        assert_eq!(object(&reply.stderr, line)["error"]["retryable"], retryable, "{line}");
    }
    let held = project.fails("claim HELD --as ada", 4, "lease_held");
    let ttl_ms = held["retry_after_ms"].as_i64().expect("time alone may change the answer");
    assert!((1..=900_000).contains(&ttl_ms), "{held}");
}

#[test]
fn details_hold_the_facts_that_the_next_move_needs() {
    let project = prepared();
    let held = project.fails("claim HELD --as ada", 4, "lease_held");
    assert_eq!(held["details"]["holder"]["agent"], "bob");
    assert_eq!(held["details"]["holder"]["session"], project.session("bob"));
    assert!(held["details"]["holder"]["ttl_ms"].as_i64().is_some_and(|ms| ms > 0), "{held}");
    let version = project.fails("state-set build/last {} --if-version 7 --as ada", 4, "version_conflict");
    assert_eq!((&version["details"]["expected"], &version["details"]["actual"]), (&7.into(), &1.into()));
    let overlap = project.fails("reserve src/main.rs --as ada", 4, "reservation_overlap");
    let first = &overlap["details"]["overlaps"][0];
    assert_eq!((&first["agent"], &first["pattern"]), (&"bob".into(), &"src/**".into()), "{overlap}");
    let nothing = project.fails("claim --as ada", 8, "nothing_ready");
    assert_eq!((&nothing["details"]["claimed"], &nothing["details"]["blocked"]), (&1.into(), &0.into()), "{nothing}");
    let limit = project.call_args(&["add", &"x".repeat(501)]).fails(6, "limit_reached");
    assert_eq!((&limit["details"]["limit"], &limit["details"]["actual"]), (&500.into(), &501.into()));
    project.ok("add a --id A");
    project.ok("add b --id B --needs A");
    let cycle = project.fails("depend A --on B", 2, "invalid_request");
    let named: BTreeSet<&str> = cycle["details"]["cycle"].as_array().expect("a list").iter().filter_map(|id| id.as_str()).collect();
    assert_eq!(named, BTreeSet::from(["A", "B"]), "{cycle}");
}

#[test]
fn mistakes_in_the_command_line_are_json_too() {
    let project = Project::with(&["ada"]);
    for line in [
        "",
        "nonsense",
        "nonsense --json --as ada",
        "claim --nonsense",
        "claim a b c --as ada",
        "add",
        "add x --priority",
        "done --as ada",
        "fail T-1 --as ada",
        "split",
        "check",
        "send --as ada",
        "state-set k --as ada",
        "wait",
        "--nonsense",
        "work",
        "work --once",
        "run",
        "run plan.md",
        "add x --body a --body-file b",
    ] {
        project.fails(line, 2, "usage");
    }
    // The flag is found wherever it is, also behind what cannot be understood.
    project.call("nonsense --what --json").plain().run().fails(2, "usage");
    project.call("--json").plain().run().fails(2, "usage");
}

#[test]
fn bytes_that_are_no_text_are_refused_and_do_not_crash() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let project = Project::with(&["ada"]);
    let bad = OsStr::from_bytes(b"\xff\xfe");
    for args in
        [vec![OsStr::new("add"), bad], vec![bad], vec![OsStr::new("claim"), OsStr::new("--as"), bad], vec![OsStr::new("split"), bad]]
    {
        let reply = project.call_args(&args).run();
        assert_eq!(reply.code, 2, "{args:?}: {}", reply.stderr);
    }
    let reply = project.call("status").env("OARLOCK_AGENT", bad).run();
    assert!([0, 2].contains(&reply.code), "{}", reply.stderr);
}

#[test]
fn a_reply_that_cannot_be_written_is_told_as_json_too() {
    let project = Project::new();
    let full = std::fs::File::options().write(true).open("/dev/full").expect("the device is there");
    let reply = project.call("status").stdout(full).run();
    assert_ne!(reply.code, 70, "{}", reply.stderr);
    assert!(object(&reply.stderr, "status")["error"].is_object());
}

#[test]
fn people_get_an_error_and_a_hint_on_standard_error() {
    let project = Project::new();
    let reply = project.call("task NOPE").plain().run();
    assert_eq!((reply.code, reply.stdout.as_str()), (3, ""));
    assert!(reply.stderr.starts_with("error: ") && reply.stderr.contains("hint: "), "{}", reply.stderr);
    assert!(!reply.stderr.contains('\u{1b}'), "no colour where there is no terminal: {}", reply.stderr);
}

#[test]
fn a_wait_in_vain_tells_what_the_refusal_told() {
    let project = Project::with(&["ada", "bob"]);
    project.ok("add a --id A");
    project.ok("add b --id B --needs A");
    project.claim("A", "ada");
    let error = project.fails("claim --wait 1s --as bob", 8, "timed_out");
    assert_eq!((&error["details"]["blocked"], &error["details"]["claimed"]), (&1.into(), &1.into()), "{error}");
}

#[test]
fn a_reply_that_cannot_be_written_is_not_asked_for_again() {
    let project = Project::new();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
    let error = project.call("add t --id T").stdout(full).fails(7, "store_unavailable");
    assert_eq!(error["retryable"], false);
    assert_eq!(project.task("T")["state"], "ready");
}

#[test]
fn common_flags_may_be_said_twice() {
    let project = Project::new();
    project.ok("tasks --json --json");
}

//! How many statements a verb runs. A page must not cost a few of them for each of its items: the more agents ask, the more the store is asked
//! for what it could have said at once.

use std::cell::Cell;

use oarlock_model::{AgentName, ErrorCode};
use oarlock_ops::caller::Caller;
use oarlock_ops::settings::Settings;
use oarlock_testkit::say;
use serde_json::json;
use tempfile::TempDir;

use crate::{Options, SqliteStore, StorePaths, Synchronous};

thread_local! {
    static RUN: Cell<usize> = const { Cell::new(0) };
}

/// One more is run by this thread.
pub(crate) fn note() {
    RUN.set(RUN.get() + 1);
}

/// A store with `n` tasks in each of the forms in which lists show them, held by three agents, and as many messages and reservations.
fn filled(n: usize) -> (TempDir, SqliteStore) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let options = Options { synchronous: Synchronous::Off, ..Options::default() };
    let (mut store, _) = SqliteStore::create(&StorePaths::of_file(dir.path().join("oarlock.db")), "T", options).expect("a new store");
    let mut ok = |line: String| say(&mut store, &line).expect(&line);
    for name in ["ada", "bob", "cy", "dee"] {
        ok(format!("{name}: join"));
    }
    ok("-: add gate --id GATE --assign dee".into());
    let first = ok("ada: send bob --text hello".into())["messages"][0]["id"].as_str().expect("an id").to_owned();
    for i in 0..n {
        let holder = ["ada", "bob", "cy"][i % 3];
        ok(format!("-: add blocked --id B{i} --body text --needs GATE"));
        ok(format!("-: add ready --id R{i} --body text --assign dee"));
        ok(format!("-: add held --id H{i} --body text"));
        ok(format!("{holder}: claim H{i}"));
        // Its only part is done: anyone who takes the whole joins the results.
        ok(format!("-: add whole --id W{i} --assign dee"));
        ok(format!("-: add part --id W{i}-SUB1 --parent W{i} --assign {holder}"));
        ok(format!("{holder}: claim W{i}-SUB1"));
        ok(format!("{holder}: done W{i}-SUB1 --result fine"));
        ok(format!("ada: send bob --thread {first} --text more"));
        ok(format!("{holder}: reserve src/{i}/** docs/{i}/**"));
        ok(format!("helper{i}: join"));
        ok(format!("helper{i}: reserve lib/{i}/**"));
    }
    (dir, store)
}

/// The statements that these verbs run, one after the other.
fn counts(n: usize) -> Vec<(&'static str, usize)> {
    let (_dir, mut store) = filled(n);
    let (anybody, settings) = (Caller::default(), Settings::default());
    let bob = Caller::named(AgentName::parse("bob").expect("valid"));
    let dee = Caller::named(AgentName::parse("dee").expect("valid"));
    let mut counts = Vec::new();
    let mut counted = |verb: &'static str, caller: &Caller, request: serde_json::Value| {
        let call = (oarlock_ops::registry::find(verb).expect("a verb").from_json)(request).expect("a request");
        RUN.set(0);
        let reply = call.attempt(&mut store, caller, &settings).expect(verb);
        counts.push((verb, RUN.get()));
        reply
    };
    let tasks = counted("tasks", &anybody, json!({}));
    assert_eq!(tasks.matches("\"created_at\"").count(), 5 * n + 1);
    let ready = counted("ready", &anybody, json!({}));
    assert_eq!(ready.matches("\"integrates\"").count(), n);
    counted("status", &anybody, json!({}));
    counted("agents", &anybody, json!({}));
    let reservations = counted("reservations", &anybody, json!({}));
    assert_eq!(reservations.matches("\"pattern\"").count(), 3 * n);
    counted("inbox", &bob, json!({"all": true, "peek": true}));
    counted("claim", &dee, json!({}));
    // One pattern, and as many who hold something below it.
    let check = (oarlock_ops::registry::find("check").expect("a verb").from_json)(json!({"globs": ["lib/**"]})).expect("a request");
    RUN.set(0);
    let refused = check.attempt(&mut store, &anybody, &settings).expect_err("others hold them");
    assert_eq!(refused.code(), ErrorCode::ReservationOverlap);
    counts.push(("check", RUN.get()));
    counts
}

#[test]
fn a_page_runs_as_many_statements_whatever_stands_on_it() {
    let (few, many) = (counts(5), counts(60));
    assert_eq!(few, many);
    assert!(many.iter().all(|(_, statements)| *statements <= 20), "{many:?}");
}

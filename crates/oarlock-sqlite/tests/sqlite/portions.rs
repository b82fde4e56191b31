//! Calls in portions: no transaction of theirs is larger than a portion, others write between them, and one that is cut off leaves a
//! state from which the same call goes on.

use oarlock_model::ErrorCode;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use oarlock_model::AgentName;
use oarlock_model::limits::{GRAPH_READ_MAX, PORTION_ROWS_MAX};
use oarlock_ops::admin::Administration as _;
use oarlock_ops::caller::Caller;
use oarlock_ops::registry;
use oarlock_ops::search::{Findings, Tried};
use oarlock_ops::settings::Settings;
use oarlock_ops::store::{Durability, ServedStore as _, Store};
use oarlock_testkit::faulty::{FailPoint, Faulty, StoreStep};
use oarlock_testkit::metered::Metered;
use oarlock_testkit::say;
use serde_json::Value;

use crate::home::{Home, assert_replays, ok};

/// Parts of the tree, and leases of ada.
const PARTS: usize = 2 * PORTION_ROWS_MAX + 200;

/// A store with a tree of this many parts; ada holds all of them.
fn filled(is_held: bool) -> Home {
    let home = Home::new();
    let mut store = home.open();
    ok(&mut store, "ada: join");
    ok(&mut store, "-: add wide --id W");
    for n in 0..PARTS {
        ok(&mut store, &format!("-: add part --id W-{n} --parent W"));
    }
    while is_held && say(&mut store, "ada: claim --count 1000").is_ok() {}
    home
}

fn tasks(home: &Home, state: &str) -> u64 {
    ok(&mut home.open(), "-: status")["tasks"][state].as_u64().expect("a number")
}

#[test]
fn no_transaction_is_larger_than_a_portion() {
    let home = filled(true);
    ok(&mut home.open(), "bob: join");
    let paths: String = (0..PARTS).map(|n| format!(" src/{n}.rs")).collect();
    ok(&mut home.open(), &format!("bob: reserve{paths}"));
    let mut store = Metered::new(home.open());
    let meter = store.meter();
    let lengths = |reply: &Value, field: &str| reply[field].as_array().map_or(0, Vec::len);
    let mut measured = |line: &str| {
        let reply = say(&mut store, line).expect(line);
        let held = meter.take();
        // A part that fits in is refreshed with what follows from it: a portion may be a little larger.
        assert!(held.iter().all(|held| held.committed && held.rows <= PORTION_ROWS_MAX as u64 + 10), "{line}: {held:?}");
        assert!(held.len() >= PARTS / PORTION_ROWS_MAX, "{line}: {} transactions", held.len());
        reply
    };
    assert_eq!(lengths(&measured("ada: leave"), "released"), PARTS);
    assert_eq!(lengths(&measured("bob: unreserve"), "reservations"), PARTS);
    measured("-: cancel W");
    assert_eq!(lengths(&measured("-: requeue W --parts"), "requeued"), PARTS);
    assert_eq!((tasks(&home, "ready"), tasks(&home, "waiting")), (PARTS as u64, 1));
    assert!(home.admin().doctor(false, false).expect("it can be looked at").ok);
}

/// Runs a call in a process that dies after its first portion.
fn cut_off(home: &Home, line: &str) {
    let commits = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&commits);
    let at = Arc::new(move |here: FailPoint| {
        let is_first = here == FailPoint { step: StoreStep::Commit, after: true } && counted.fetch_add(1, Ordering::SeqCst) == 0;
        assert!(!is_first, "the process dies here");
    });
    let mut dying = Faulty::new(home.open(), at);
    assert!(catch_unwind(AssertUnwindSafe(|| say(&mut dying, line))).is_err(), "{line} has portions");
}

#[test]
fn a_call_that_is_cut_off_leaves_a_true_state_and_goes_on_when_it_is_repeated() {
    let home = filled(true);
    cut_off(&home, "ada: leave");
    let left = PARTS - PORTION_ROWS_MAX;
    assert_eq!(tasks(&home, "claimed"), left as u64);
    assert_eq!(ok(&mut home.open(), "-: agent ada")["agent"]["state"], "active");
    assert!(home.admin().doctor(false, false).expect("it can be looked at").ok);
    assert_eq!(ok(&mut home.open(), "ada: leave")["released"].as_array().map(Vec::len), Some(left));

    cut_off(&home, "-: cancel W");
    assert_eq!((tasks(&home, "cancelled"), tasks(&home, "waiting")), (PORTION_ROWS_MAX as u64, 1));
    assert!(home.admin().doctor(false, false).expect("it can be looked at").ok);
    ok(&mut home.open(), "-: cancel W");
    assert_eq!(tasks(&home, "cancelled"), PARTS as u64 + 1);

    cut_off(&home, "-: requeue W --parts");
    assert_eq!(tasks(&home, "waiting"), 1);
    assert!(home.admin().doctor(false, false).expect("it can be looked at").ok);
    ok(&mut home.open(), "-: requeue W --parts");
    assert_eq!((tasks(&home, "cancelled"), tasks(&home, "ready")), (0, PARTS as u64));
    assert_replays(&mut home.open());
}

#[test]
fn a_call_among_others_in_one_transaction_makes_one_portion_of_itself() {
    let home = filled(true);
    let mut store = home.open();
    let (ada, settings) = (Caller::named(AgentName::parse("ada").expect("a name")), Settings::default());
    let leave = (registry::find("leave").expect("a verb").from_json)(serde_json::json!({})).expect("a request");
    let (mut findings, mut rounds) = (Findings::default(), 0);
    let reply = loop {
        let mut tried = None;
        let committed = store.group(Durability::Full, &mut |store| {
            tried = Some(leave.try_once(store, &ada, &settings, &mut findings));
            Ok(())
        });
        assert_eq!(committed, Ok(true));
        match tried.expect("it was tried").expect("no refusal") {
            Tried::Done(reply) => break reply,
            tried => assert_eq!(tried, Tried::Portion, "nothing is searched for"),
        }
        rounds += 1;
        assert_eq!(tasks(&home, "claimed"), (PARTS - rounds * PORTION_ROWS_MAX) as u64);
    };
    let reply: Value = serde_json::from_str(&reply).expect("JSON");
    assert_eq!((reply["released"].as_array().map(Vec::len), rounds), (Some(PARTS), PARTS / PORTION_ROWS_MAX - 1));
}

#[test]
fn a_large_document_is_planned_before_the_lock_is_taken() {
    let home = Home::new();
    let mut store = Metered::new(home.open());
    let meter = store.meter();
    let text: String = (0..200).map(|n| format!("- [ ] Add `src/area{n}/a.rs` (1 h)\n")).collect();
    let split = serde_json::json!({"id": "docs/plan.md", "document": format!("# Plan\n\n{text}")});
    let call = (registry::find("split").expect("a verb").from_json)(split).expect("a request");
    let (caller, settings, mut findings) = (Caller::default(), Settings::default(), Findings::default());
    assert_eq!(call.try_once(&mut store, &caller, &settings, &mut findings), Ok(Tried::Search));
    let first = meter.take();
    assert!(first.iter().all(|held| held.rows == 0), "{first:?}");
    call.search(&mut store, &caller, &settings, &mut findings);
    assert!(meter.take().is_empty(), "planning takes no lock");
    assert!(matches!(call.try_once(&mut store, &caller, &settings, &mut findings), Ok(Tried::Done(_))));
    // A text that another call has split meanwhile is refused as ever.
    let again = call.run(&mut store, &caller, &settings).map(drop);
    assert_eq!(again.map_err(|error| error.code()), Err(ErrorCode::AlreadyExists));
}

/// A chain of this many tasks, of which each needs the one before it, made in one commit.
fn chain(length: usize) -> Home {
    let home = Home::new();
    let add = registry::find("add").expect("a verb").from_json;
    let mut make = |store: &mut dyn Store| {
        for n in 0..length {
            let needs: Vec<String> = n.checked_sub(1).map(|before| format!("C-{before}")).into_iter().collect();
            let call = add(serde_json::json!({"title": "next", "id": format!("C-{n}"), "needs": needs})).expect("a request");
            call.attempt(store, &Caller::default(), &Settings::default()).expect("it is added");
        }
        Ok(())
    };
    assert_eq!(home.open().group(Durability::Full, &mut make), Ok(true));
    home
}

#[test]
fn a_long_chain_is_searched_for_cycles_before_the_lock_is_taken_and_what_others_add_meanwhile_counts() {
    let last = GRAPH_READ_MAX + 10;
    let home = chain(last + 1);
    let mut store = home.open();
    ok(&mut store, "-: add one --id X");
    ok(&mut store, "-: add another --id Y --needs X");
    let depend = |id: &str, on: &str| {
        let request = serde_json::json!({"id": id, "on": [on]});
        (registry::find("depend").expect("a verb").from_json)(request).expect("a request")
    };
    let (caller, settings, mut findings) = (Caller::default(), Settings::default(), Findings::default());
    let call = depend("X", &format!("C-{last}"));
    assert_eq!(call.try_once(&mut store, &caller, &settings, &mut findings), Ok(Tried::Search));
    call.search(&mut store, &caller, &settings, &mut findings);
    // A missing edge changes nothing. This one, which nobody could refuse, makes the first one close a cycle.
    ok(&mut store, "-: note Y seen");
    ok(&mut store, "-: depend C-0 --on Y");
    assert_eq!(call.try_once(&mut store, &caller, &settings, &mut findings), Ok(Tried::Search));
    call.search(&mut store, &caller, &settings, &mut findings);
    let refused = call.try_once(&mut store, &caller, &settings, &mut findings).expect_err("a cycle");
    assert!(refused.to_string().contains("cycle: X -> C-"), "{refused}");
    // Without it, the search is enough.
    ok(&mut store, "-: depend C-0 --on Y --remove");
    assert_eq!(call.try_once(&mut store, &caller, &settings, &mut findings), Ok(Tried::Search));
    call.search(&mut store, &caller, &settings, &mut findings);
    ok(&mut store, "-: note Y seen");
    assert!(matches!(call.try_once(&mut store, &caller, &settings, &mut findings), Ok(Tried::Done(_))));
    // A part can close a cycle by its parent, which waits for it only from then on.
    let refused = say(&mut store, "-: add part --parent C-0 --needs Y").expect_err("a cycle");
    assert!(refused.to_string().contains("cycle"), "{refused}");
    assert_replays(&mut store);
}

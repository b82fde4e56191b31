//! Work inside the write lock is bounded, whatever the store holds; the results of searches outside of it are checked again inside.
//! Work is counted, not timed.

use oarlock_model::ErrorCode;
use std::cell::Cell;
use std::rc::Rc;

use oarlock_model::event::Fact;
use oarlock_model::pattern::Pattern;
use oarlock_model::reservation::{Reservation, Target};
use oarlock_model::rules::reserve::targets_overlap;
use oarlock_model::{AgentName, Label, limits};
use oarlock_ops::OpError;
use oarlock_ops::caller::Caller;
use oarlock_ops::registry::{self, Call};
use oarlock_ops::search::{Findings, Tried};
use oarlock_ops::settings::Settings;
use oarlock_ops::store::Store;
use oarlock_testkit::counted::{Counted, Reads};
use oarlock_testkit::{Harness, MemoryStore};
use serde_json::{Value, json};

use crate::sqlite_harness::SqliteHarness;

/// A store whose reads inside of writing transactions are counted.
struct World {
    store: Counted<MemoryStore>,
    reads: Rc<Cell<Reads>>,
}

impl World {
    fn new() -> Self {
        let reads = Rc::default();
        let mut world = Self { store: Counted::new(MemoryStore::default(), Rc::clone(&reads)), reads };
        for name in ["ada", "bob", "cy"] {
            world.done(name, "join", json!({"name": name}));
        }
        world
    }

    fn done(&mut self, name: &str, verb: &str, request: Value) -> Value {
        self.call(name, verb, request).expect("it is done")
    }

    fn call(&mut self, name: &str, verb: &str, request: Value) -> Result<Value, OpError> {
        self.reads.take();
        let text = call(verb, request).attempt(&mut self.store, &caller(name), &Settings::default())?;
        Ok(serde_json::from_str(&text)?)
    }

    fn try_once(&mut self, name: &str, call: &dyn Call, findings: &mut Findings) -> Result<Tried<String>, OpError> {
        call.try_once(&mut self.store, &caller(name), &Settings::default(), findings)
    }

    fn search(&mut self, name: &str, call: &dyn Call, findings: &mut Findings) {
        call.search(&mut self.store, &caller(name), &Settings::default(), findings);
    }

    fn is_worth_trying(&mut self, name: &str, call: &dyn Call, findings: &mut Findings) -> bool {
        call.is_worth_trying(&mut self.store, &caller(name), &Settings::default(), findings).expect("it can be asked")
    }

    /// Ready tasks that write below `src`, and one more.
    fn add_tasks(&mut self, count: usize, last: Value) {
        for n in 0..count {
            self.done("ada", "add", json!({"title": n.to_string(), "id": format!("S{n}"), "writes": [format!("src/{n}.rs")]}));
        }
        self.done("ada", "add", last);
    }
}

fn caller(name: &str) -> Caller {
    if name == "-" {
        return Caller::default();
    }
    Caller::named(AgentName::parse(name).expect("a name"))
}

fn call(verb: &str, request: Value) -> Box<dyn Call> {
    (registry::find(verb).expect("a verb").from_json)(request).expect("a request")
}

/// More tasks than a claim passes over inside of the lock.
const MANY: usize = limits::CLAIM_MISSES_MAX * 2;

#[test]
fn a_claim_finds_what_is_free_behind_many_reserved_tasks_and_reads_few_of_them_inside_the_lock() {
    let mut world = World::new();
    world.done("ada", "reserve", json!({"globs": ["src/**"]}));
    world.add_tasks(MANY, json!({"title": "free", "id": "F", "writes": ["docs/a.md"]}));
    assert_eq!(world.done("bob", "claim", json!({"reserve": true}))["task"]["id"], "F");
    let reads = world.reads.get();
    assert!(reads.offers <= 2 * limits::CLAIM_MISSES_MAX + 4, "{reads:?}");
    assert!(reads.reservations <= 2 * limits::CLAIM_MISSES_MAX + 4, "{reads:?}");
    let no = world.call("bob", "claim", json!({"reserve": true})).expect_err("all are below the reservation");
    assert_eq!(no.to_string(), format!("nothing is ready for bob: {MANY} tasks write files that others have reserved"));
    assert_eq!(world.store.inner().world().starved.len(), limits::STARVED_NOTED_MAX);
    assert!(world.reads.get().offers <= 2 * limits::CLAIM_MISSES_MAX + limits::STARVED_NOTED_MAX + 4, "{:?}", world.reads.get());
}

#[test]
fn so_does_one_behind_many_tasks_for_others() {
    let mut world = World::new();
    for n in 0..MANY {
        let for_whom = if n % 2 == 0 { json!({"requires": ["gpu"]}) } else { json!({"assign": "ada"}) };
        let mut task = json!({"title": n.to_string()});
        task.as_object_mut().expect("an object").extend(for_whom.as_object().expect("an object").clone());
        world.done("ada", "add", task);
    }
    world.done("ada", "add", json!({"title": "parent", "id": "P"}));
    world.done("ada", "add", json!({"title": "part", "id": "P1", "parent": "P"}));
    assert_eq!(world.done("bob", "claim", json!({"subtree": "P"}))["task"]["id"], "P1");
    world.done("bob", "release", json!({"id": "P1"}));
    assert_eq!(world.done("bob", "claim", json!({"count": 5}))["claims"][0]["task"]["id"], "P1");
    let no = world.call("cy", "claim", json!({})).expect_err("none is for cy");
    let half = MANY / 2;
    assert_eq!(
        no.to_string(),
        format!("nothing is ready for cy: {half} tasks need other capabilities, {half} tasks are assigned to others")
    );
}

#[test]
fn what_a_search_found_is_checked_again_before_it_is_taken() {
    let mut world = World::new();
    world.done("ada", "reserve", json!({"globs": ["src/**"]}));
    world.add_tasks(MANY, json!({"title": "first", "id": "F1", "writes": ["docs/a.md"]}));
    world.done("ada", "add", json!({"title": "second", "id": "F2", "writes": ["docs/b.md"]}));
    world.done("ada", "add", json!({"title": "third", "id": "F3", "writes": ["docs/c.md"]}));
    let (claim, mut findings) = (call("claim", json!({"reserve": true})), Findings::default());
    assert_eq!(world.try_once("bob", &*claim, &mut findings), Ok(Tried::Search));
    world.search("bob", &*claim, &mut findings);
    // Meanwhile one is taken, and what another writes is reserved.
    world.done("cy", "claim", json!({"id": "F1"}));
    world.done("cy", "reserve", json!({"globs": ["docs/b.md"]}));
    let Ok(Tried::Done(reply)) = world.try_once("bob", &*claim, &mut findings) else { panic!("the third is free") };
    let reply: Value = serde_json::from_str(&reply).expect("JSON");
    assert_eq!(reply["task"]["id"], "F3");
    // When no finding is left, it searches again.
    world.done("bob", "release", json!({"id": "F3"}));
    assert_eq!(world.try_once("bob", &*claim, &mut findings), Ok(Tried::Search));
    world.search("bob", &*claim, &mut findings);
    world.done("cy", "claim", json!({"id": "F3"}));
    assert_eq!(world.try_once("bob", &*claim, &mut findings), Ok(Tried::Search));
    world.search("bob", &*claim, &mut findings);
    assert!(matches!(world.try_once("bob", &*claim, &mut findings), Err(OpError::Rejected(_))));
}

#[test]
fn a_waiting_claim_searches_again_only_when_what_blocked_it_has_ended_or_a_changed_task_fits() {
    let mut world = World::new();
    let blocker = world.done("ada", "reserve", json!({"globs": ["src/a/**"]}))["reservations"][0]["id"].clone();
    let other = world.done("ada", "reserve", json!({"globs": ["lib/**"]}))["reservations"][0]["id"].clone();
    world.done("ada", "add", json!({"title": "blocked", "id": "B", "writes": ["src/a/x.rs"]}));
    let (claim, mut findings) = (call("claim", json!({"reserve": true, "wait": "10m"})), Findings::default());
    assert_eq!(world.try_once("bob", &*claim, &mut findings), Ok(Tried::Search));
    world.search("bob", &*claim, &mut findings);
    assert!(world.try_once("bob", &*claim, &mut findings).is_err_and(|no| no.is_not_yet()));
    // Nothing of this can matter.
    world.done("ada", "unreserve", json!({"globs": [other]}));
    world.done("ada", "add", json!({"title": "for others", "requires": ["gpu"]}));
    world.done("ada", "add", json!({"title": "blocked too", "writes": ["src/a/**"]}));
    world.reads.take();
    let before = world.store.snapshots();
    assert!(!world.is_worth_trying("bob", &*claim, &mut findings));
    assert_eq!(world.store.snapshots() - before, 1);
    // A task that fits can.
    world.done("ada", "add", json!({"title": "free", "id": "F"}));
    assert!(world.is_worth_trying("bob", &*claim, &mut findings));
    let Ok(Tried::Done(_)) = world.try_once("bob", &*claim, &mut findings) else { panic!("F is free") };
    assert!(!world.is_worth_trying("bob", &*claim, &mut findings));
    world.done("ada", "unreserve", json!({"globs": [blocker]}));
    assert!(world.is_worth_trying("bob", &*claim, &mut findings));
    assert!(matches!(world.try_once("bob", &*claim, &mut findings), Ok(Tried::Done(_))));
}

#[test]
fn a_refusal_lists_a_bounded_number_of_overlaps_and_counts_the_rest() {
    let mut world = World::new();
    let globs: Vec<String> = (0..limits::OVERLAPS_MAX + 30).map(|n| format!("src/{n}.rs")).collect();
    world.done("ada", "reserve", json!({"globs": globs}));
    for (verb, request) in [("check", json!({"paths": ["src/"]})), ("reserve", json!({"globs": ["src/**"]}))] {
        let no = world.call("bob", verb, request).expect_err("they are held").json();
        let details = &no["error"]["details"];
        assert_eq!(details["overlaps"].as_array().map(Vec::len), Some(limits::OVERLAPS_MAX), "{verb}");
        assert_eq!(details["more"], 30, "{verb}");
        assert_eq!(no["error"]["message"], "src/0.rs is reserved by ada (130 conflicts)", "{verb}");
    }
}

#[test]
fn a_store_remembers_a_bounded_number_of_claims_in_vain() {
    let mut world = World::new();
    world.done("ada", "reserve", json!({"globs": ["src/**"]}));
    world.add_tasks(limits::STARVED_MAX + 10, json!({"title": "last", "id": "L"}));
    for n in 0..limits::STARVED_MAX + 10 {
        assert!(world.call("bob", "claim", json!({"id": format!("S{n}"), "reserve": true})).is_err());
        world.store.inner().advance_ms(1);
    }
    let starved = &world.store.inner().world().starved;
    assert_eq!(starved.len(), limits::STARVED_MAX);
    assert!(
        !starved.keys().any(|id| id.as_str() == "S0") && starved.keys().any(|id| id.as_str() == format!("S{}", limits::STARVED_MAX + 9))
    );
}

#[test]
fn many_paths_are_checked_against_many_reservations_without_comparing_each_with_each() {
    let mut world = World::new();
    let count = limits::LIST_ITEMS_MAX / 10;
    let names = |folder: &str| (0..count).map(|n| format!("{folder}/{n}.rs")).collect::<Vec<_>>();
    for folder in ["a", "b", "c"] {
        world.done("ada", "reserve", json!({"globs": names(folder)}));
    }
    assert_eq!(world.done("bob", "check", json!({"paths": names("d")}))["reservations"], json!([]));
    let reserved = world.done("bob", "reserve", json!({"globs": names("d")}))["reservations"].as_array().map(Vec::len);
    assert_eq!(reserved, Some(count));
    assert_eq!(world.reads.get().reservations, 0, "none could overlap, so none is read");
}

/// A store with this many sessions that one call cannot check all of them.
fn with_processes(parts: usize) -> World {
    let mut world = World::new();
    for n in 0..limits::OWNERS_CHECKED_MAX * parts {
        let owner = json!({"by": "process", "process": format!("process-{n}")});
        world.done("-", "join", json!({"name": format!("w{n}"), "owner": owner}));
    }
    world
}

fn kill(world: &mut World, name: &str) {
    world.store.inner().kill(&AgentName::parse(name).expect("a name"));
}

fn is_lost(world: &mut World, name: &str) -> bool {
    let is_it = |fact: &Fact| matches!(fact, Fact::AgentLost(lost) if lost.name.as_str() == name);
    world.store.inner().world().log.iter().any(|event| is_it(&event.fact))
}

#[test]
fn one_call_checks_a_bounded_number_of_processes_and_any_death_is_found_after_a_bounded_number_of_calls() {
    let mut world = with_processes(3);
    for name in ["w7", "w100", "w191", "w0", "w64"] {
        kill(&mut world, name);
        // The parts are as many as are needed, and a few more.
        let calls = (1..=5).find(|_| {
            world.done("ada", "heartbeat", json!({}));
            let owners = world.reads.get().owners;
            // The reply says as well how the caller itself is.
            assert!(owners <= limits::OWNERS_CHECKED_MAX + 1, "{owners} processes in one call");
            is_lost(&mut world, name)
        });
        assert!(calls.is_some(), "{name} is dead, and five calls did not find it");
    }
    // So do calls that only read.
    kill(&mut world, "w33");
    assert!((1..=5).any(|_| {
        world.done("ada", "status", json!({}));
        is_lost(&mut world, "w33")
    }));
}

#[test]
fn the_dead_who_stand_in_the_way_of_a_call_are_ended_by_that_call() {
    let mut world = with_processes(10);
    for (n, id) in ["A", "B"].iter().enumerate() {
        world.done("ada", "add", json!({"title": id, "id": id, "writes": [format!("src/{n}.rs")]}));
    }
    world.done("w600", "claim", json!({"id": "A"}));
    world.done("w601", "reserve", json!({"globs": ["src/1.rs"]}));
    world.done("w602", "reserve", json!({"globs": ["docs/**"]}));
    assert_eq!(world.call("bob", "claim", json!({"id": "A"})).expect_err("it is held").code(), ErrorCode::LeaseHeld);
    for name in ["w600", "w601", "w602"] {
        kill(&mut world, name);
        assert!(!is_lost(&mut world, name));
    }
    // As long as nobody asks for what they hold, their turn comes as that of all others.
    assert_eq!(world.done("bob", "claim", json!({"id": "A"}))["lease"]["task"], "A");
    let reserved = world.done("bob", "claim", json!({"reserve": true}));
    assert_eq!(reserved["lease"]["task"], "B", "a reservation of the dead keeps no task from its first caller");
    world.done("bob", "reserve", json!({"globs": ["docs/a.md"]}));
    for name in ["w600", "w601", "w602"] {
        assert!(is_lost(&mut world, name), "{name}");
    }
    // Who lives is refused as before.
    world.done("ada", "add", json!({"title": "C", "id": "C"}));
    world.done("w603", "claim", json!({"id": "C"}));
    assert_eq!(world.call("bob", "claim", json!({"id": "C"})).expect_err("it is held").code(), ErrorCode::LeaseHeld);
}

#[test]
fn an_end_that_has_begun_is_finished_by_the_same_call() {
    let mut world = with_processes(6);
    for n in 0..2 * limits::PORTION_ROWS_MAX {
        world.done("ada", "add", json!({"title": "t", "id": format!("T{n}")}));
    }
    world.done("w300", "claim", json!({"count": 2 * limits::PORTION_ROWS_MAX}));
    kill(&mut world, "w300");
    let begun = |world: &mut World| world.store.inner().world().log.iter().any(|event| matches!(event.fact, Fact::LeaseLost(_)));
    let calls = (1..=11).find(|_| {
        world.done("ada", "heartbeat", json!({}));
        begun(&mut world)
    });
    assert!(calls.is_some(), "it was never found");
    assert!(is_lost(&mut world, "w300"), "its end was left to other calls");
}

#[test]
fn a_waiting_reservation_tries_again_only_when_what_blocked_it_has_changed() {
    let mut world = World::new();
    world.done("ada", "reserve", json!({"globs": ["src/a/**"]}));
    world.done("ada", "reserve", json!({"globs": ["lib/**"]}));
    let (reserve, mut findings) = (call("reserve", json!({"globs": ["src/**"], "wait": "10m"})), Findings::default());
    assert!(world.try_once("bob", &*reserve, &mut findings).is_err_and(|no| no.is_not_yet()));
    assert!(world.is_worth_trying("bob", &*reserve, &mut findings), "so that it knows what blocks it");
    world.done("ada", "unreserve", json!({"globs": ["lib/**"]}));
    assert!(!world.is_worth_trying("bob", &*reserve, &mut findings));
    // Another one takes the place of the first: the refusal has to name it.
    world.done("cy", "reserve", json!({"globs": ["src/b/**"]}));
    world.done("ada", "unreserve", json!({"globs": ["src/a/**"]}));
    assert!(world.is_worth_trying("bob", &*reserve, &mut findings));
    assert!(!world.is_worth_trying("bob", &*reserve, &mut findings));
    world.done("cy", "unreserve", json!({}));
    assert!(world.is_worth_trying("bob", &*reserve, &mut findings));
    assert!(matches!(world.try_once("bob", &*reserve, &mut findings), Ok(Tried::Done(_))));
}

#[test]
fn so_does_one_for_a_task_and_the_end_of_its_lease_ends_the_wait() {
    let mut world = World::new();
    world.done("ada", "add", json!({"title": "t", "id": "T"}));
    world.done("bob", "claim", json!({"id": "T"}));
    world.done("ada", "reserve", json!({"globs": ["src/a/**"]}));
    world.done("ada", "reserve", json!({"globs": ["lib/**"]}));
    let (reserve, mut findings) = (call("reserve", json!({"globs": ["src/**"], "task": "T", "wait": "10m"})), Findings::default());
    assert!(world.try_once("bob", &*reserve, &mut findings).is_err_and(|no| no.is_not_yet()));
    assert!(world.is_worth_trying("bob", &*reserve, &mut findings), "so that it knows what blocks it");
    world.done("ada", "unreserve", json!({"globs": ["lib/**"]}));
    assert!(!world.is_worth_trying("bob", &*reserve, &mut findings));
    world.done("bob", "release", json!({"id": "T"}));
    assert!(world.is_worth_trying("bob", &*reserve, &mut findings));
    assert!(world.try_once("bob", &*reserve, &mut findings).is_err_and(|no| !no.is_not_yet()));
}

/// How many questions a call asks inside of the lock, in a store that `fill` fills with this many tasks.
fn answers(tasks: usize, fill: fn(&mut World, usize), name: &str, verb: &str, request: &Value) -> usize {
    let mut world = World::new();
    fill(&mut world, tasks);
    world.done(name, verb, request.clone());
    world.reads.get().answers
}

/// A call that reaches many tasks reads them together: a hundred more of them are not one question more.
fn reads_them_together(fill: fn(&mut World, usize), name: &str, verb: &str, request: Value) {
    let (few, many) = (answers(20, fill, name, verb, &request), answers(120, fill, name, verb, &request));
    assert!(few > 0 && few == many, "{verb} {request} asks {few} questions where few tasks are reached, and {many} where many are");
}

/// `ada` has a task that this many others need: single ones, and the parts of one that needs it, too.
fn add_hub(world: &mut World, count: usize, hub: Value) {
    world.done("ada", "add", hub);
    world.done("ada", "claim", json!({"id": "H"}));
    world.done("ada", "add", json!({"title": "whole", "id": "W", "needs": ["H"]}));
    for n in 0..count {
        let needs = if n % 2 == 0 { vec![] } else { vec!["H"] };
        world.done("ada", "add", json!({"title": "needs it", "id": format!("D{n}"), "needs": ["H"]}));
        world.done("ada", "add", json!({"title": "a part", "id": format!("P{n}"), "parent": "W", "needs": needs}));
    }
}

/// A chain of this many tasks, each of which needs the one before, and a last one.
fn add_chain(world: &mut World, count: usize, priority: u8) {
    world.done("ada", "add", json!({"title": "first", "id": "C0"}));
    for n in 1..=count {
        world.done("ada", "add", json!({"title": "next", "id": format!("C{n}"), "needs": [format!("C{}", n - 1)]}));
    }
    world.done("ada", "add", json!({"title": "last", "id": "L", "priority": priority, "needs": [format!("C{count}")]}));
}

/// A task with this many parts, and one that it can need.
fn add_tree(world: &mut World, count: usize) {
    world.done("ada", "add", json!({"title": "need", "id": "N"}));
    world.done("ada", "add", json!({"title": "whole", "id": "W"}));
    for n in 0..count {
        world.done("ada", "add", json!({"title": "a part", "id": format!("P{n}"), "parent": "W"}));
    }
}

#[test]
fn the_end_of_a_task_reads_all_that_wait_for_it_together() {
    let held = |world: &mut World, count: usize| add_hub(world, count, json!({"title": "hub", "id": "H"}));
    reads_them_together(held, "ada", "done", json!({"id": "H"}));
    let submitted = |world: &mut World, count: usize| {
        add_hub(world, count, json!({"title": "hub", "id": "H", "gate": "human"}));
        world.done("ada", "done", json!({"id": "H"}));
    };
    reads_them_together(submitted, "bob", "approve", json!({"id": "H"}));
}

#[test]
fn a_need_of_a_task_reads_all_its_parts_together() {
    reads_them_together(add_tree, "ada", "depend", json!({"id": "W", "on": ["N"]}));
    let needing = |world: &mut World, count: usize| {
        add_tree(world, count);
        world.done("ada", "depend", json!({"id": "W", "on": ["N"]}));
    };
    reads_them_together(needing, "ada", "depend", json!({"id": "W", "on": ["N"], "remove": true}));
}

#[test]
fn a_task_that_comes_back_reads_all_that_wait_for_it_together() {
    let cancelled = |world: &mut World, count: usize| {
        add_hub(world, count, json!({"title": "hub", "id": "H"}));
        world.done("ada", "cancel", json!({"id": "H"}));
    };
    reads_them_together(cancelled, "ada", "requeue", json!({"id": "H"}));
}

#[test]
fn a_priority_that_spreads_asks_once_for_each_task_that_it_reaches() {
    let chain: fn(&mut World, usize) = |world, count| add_chain(world, count, 2);
    let urgent: fn(&mut World, usize) = |world, count| add_chain(world, count, 0);
    for (fill, request) in [(chain, json!({"id": "L", "priority": 0})), (urgent, json!({"id": "L", "priority": 4}))] {
        let asked = |count| answers(count, fill, "ada", "update", &request);
        assert_eq!(asked(105), asked(5) + 100, "{request}");
    }
}

/// Patterns and paths of every form over few names, so that many of them overlap.
fn random_pattern(rng: &mut fastrand::Rng) -> String {
    const NAMES: [&str; 15] = ["src", "a", "b", "a.rs", "srcfoo", "src0", "[[]x]", "*", "**", "a*", "?", "[ab]", "a-b", "**/a*", "**/a.rs"];
    let names: Vec<&str> = (0..rng.usize(1..5)).filter_map(|_| rng.choice(&NAMES)).copied().collect();
    names.join("/")
}

#[test]
fn the_index_of_the_store_finds_exactly_what_reading_all_reservations_finds() {
    let seed = fastrand::u64(..);
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut harness = SqliteHarness::new();
    let store = harness.store("test");
    let done = |store: &mut dyn Store, name: &str, verb: &str, request: Value| {
        call(verb, request).run(store, &caller(name), &Settings::default()).expect("it is done")
    };
    done(store, "ada", "join", json!({"name": "ada"}));
    for n in 0..30 {
        let globs: Vec<String> = (0..3).map(|_| random_pattern(&mut rng)).collect();
        done(store, "ada", "reserve", json!({"globs": globs, "shared": n % 2 == 0}));
        let resource = ["port", "src", "db"][n % 3];
        done(
            store,
            "ada",
            "add",
            json!({"title": "t", "id": format!("T{n}"), "resources": [resource], "writes": [random_pattern(&mut rng)]}),
        );
        done(store, "ada", "claim", json!({"id": format!("T{n}"), "reserve": true}));
        if n % 4 == 0 {
            done(store, "ada", "done", json!({"id": format!("T{n}")}));
        }
    }
    let view = store.snapshot().expect("it reads");
    let all = view.reservations().expect("it reads");
    for _ in 0..400 {
        let target = match rng.u8(0..6) {
            0 => Target::Resource(Label::parse(["port", "src", "db", "none"][rng.usize(0..4)]).expect("a label")),
            1 | 2 => match Pattern::of_path(&random_pattern(&mut rng)) {
                Ok(path) => Target::Paths(path),
                Err(_) => continue,
            },
            _ => Target::Paths(Pattern::parse(&random_pattern(&mut rng)).expect("a pattern")),
        };
        let overlapping = |held: &Reservation| targets_overlap(&held.target, &target);
        let expected: Vec<Reservation> = all.iter().filter(|held| overlapping(held)).cloned().collect();
        let mut found = view.reservations_near(&[&target]).expect("it reads");
        found.retain(overlapping);
        assert_eq!(found, expected, "{target} with seed {seed}");
    }
}

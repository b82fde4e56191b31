//! Many at once (semantics 1, 2, 10, 18, 19): threads with handles of their own, as processes have.

use oarlock_model::ErrorCode;
use oarlock_model::event::Fact;
use oarlock_model::task::TaskState;
use oarlock_sqlite::{Options, SqliteStore, StorePaths, Synchronous};
use oarlock_testkit::{check, say};
use std::collections::BTreeMap;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::home::{Home, assert_replays, log, ok, state};

/// Less than the slow look of a waiter, so that a notifier that was not heard is seen.
const AT_ONCE: Duration = Duration::from_secs(4);

fn options() -> Options {
    Options { synchronous: Synchronous::Off, ..Options::default() }
}

fn real_time_home() -> (Home, SqliteStore) {
    let home = Home::empty();
    let (store, _) = SqliteStore::create(&home.place(), "T", options()).expect("an empty directory");
    (home, store)
}

fn open(place: &StorePaths) -> SqliteStore {
    SqliteStore::open(place, options()).expect("opens")
}

#[test]
fn sixteen_workers_finish_five_hundred_tasks_and_none_twice() {
    const WORKERS: usize = 16;
    const TASKS: usize = 500;
    let (home, mut store) = real_time_home();
    for n in 0..TASKS {
        ok(&mut store, &format!("-: add t{n}"));
    }
    let workers = (0..WORKERS).map(|n| {
        let place = home.place();
        thread::spawn(move || {
            let mut store = open(&place);
            ok(&mut store, &format!("w{n}: join"));
            let mut done = 0;
            loop {
                match say(&mut store, &format!("w{n}: claim")) {
                    Ok(claim) => {
                        let id = claim["lease"]["task"].as_str().expect("a claim").to_owned();
                        ok(&mut store, &format!("w{n}: done {id} --token {}", claim["lease"]["token"]));
                        done += 1;
                    }
                    Err(error) => {
                        assert_eq!(error.code(), ErrorCode::NothingReady, "{error}");
                        return done;
                    }
                }
            }
        })
    });
    let workers: Vec<_> = workers.collect();
    let done: usize = workers.into_iter().map(|worker| worker.join().expect("no panic")).sum();
    assert_eq!(done, TASKS);
    let log = log(&mut store);
    assert_eq!(check::log_faults(&log), Vec::<String>::new());
    let mut claims: BTreeMap<String, u32> = BTreeMap::new();
    for event in &log {
        if let Fact::TaskClaimed(fact) = &event.fact {
            *claims.entry(fact.id.to_string()).or_default() += 1;
        }
    }
    assert!(claims.len() == TASKS && claims.values().all(|count| *count == 1), "{claims:?}");
    assert!(state(&mut store).tasks.values().all(|task| task.state == TaskState::Done));
    assert_replays(&mut store);
}

#[test]
fn without_a_common_gate_still_one_writes_at_a_time() {
    const WRITERS: usize = 4;
    const EACH: usize = 60;
    let (home, mut store) = real_time_home();
    // Handles that do not share a shared state do not queue for each other: only the lock of the database is left.
    let apart = || {
        std::fs::remove_file(home.place().dir().join("board")).expect("every handle makes one");
        open(&home.place())
    };
    let writers: Vec<_> = (0..WRITERS)
        .map(|n| {
            let mut store = apart();
            thread::spawn(move || (0..EACH).for_each(|m| drop(ok(&mut store, &format!("-: add t{n}-{m}")))))
        })
        .collect();
    writers.into_iter().for_each(|writer| writer.join().expect("no panic"));
    assert_eq!(state(&mut store).tasks.len(), WRITERS * EACH);
    assert_eq!(check::log_faults(&log(&mut store)), Vec::<String>::new());
}

/// Waits with `waiting` in a thread, again and again, while `acting` makes what it waits for.
fn woken_at_once(prepare: &[&str], waiting: &'static str, acting: &str, between: &[&str]) {
    let (home, mut store) = real_time_home();
    prepare.iter().for_each(|line| drop(ok(&mut store, line)));
    let (ready, waits) = mpsc::channel();
    let (go, goes) = mpsc::channel::<()>();
    let place = home.place();
    let waiter = thread::spawn(move || {
        let mut store = open(&place);
        let mut longest = Duration::ZERO;
        while goes.recv().is_ok() {
            ready.send(()).expect("somebody listens");
            let start = Instant::now();
            ok(&mut store, waiting);
            longest = longest.max(start.elapsed());
            ready.send(()).expect("somebody listens");
        }
        longest
    });
    for _ in 0..20 {
        go.send(()).expect("it waits");
        waits.recv().expect("it waits");
        ok(&mut store, acting);
        waits.recv().expect("it is woken");
        between.iter().for_each(|line| drop(ok(&mut store, line)));
    }
    drop(go);
    let longest = waiter.join().expect("no panic");
    assert!(longest < AT_ONCE, "{longest:?}");
}

#[test]
fn a_waiting_claim_is_woken_by_an_added_task() {
    woken_at_once(&["ada: join"], "ada: claim --wait 5m", "-: add x", &[]);
}

#[test]
fn a_waiting_claim_ends_when_the_last_task_is_done() {
    let (home, mut store) = real_time_home();
    for line in ["ada: join", "bob: join", "-: add x --id X", "ada: claim X"] {
        ok(&mut store, line);
    }
    let place = home.place();
    let (ready, waits) = mpsc::channel();
    let waiter = thread::spawn(move || {
        let mut store = open(&place);
        ready.send(()).expect("somebody listens");
        let start = Instant::now();
        (say(&mut store, "bob: claim --wait 5m"), start.elapsed())
    });
    waits.recv().expect("it waits");
    ok(&mut store, "ada: done X");
    let (ended, waited) = waiter.join().expect("no panic");
    let error = ended.expect_err("there is nothing left");
    assert!(error.code() == ErrorCode::NothingReady && error.is_all_done(), "{error}");
    assert!(waited < AT_ONCE, "{waited:?}");
}

#[test]
fn a_waiting_claim_is_woken_by_a_message() {
    let (home, mut store) = real_time_home();
    for line in ["ada: join", "bob: join", "-: add x --not-before 1h"] {
        ok(&mut store, line);
    }
    let place = home.place();
    let (ready, waits) = mpsc::channel();
    let waiter = thread::spawn(move || {
        let mut store = open(&place);
        ready.send(()).expect("somebody listens");
        let start = Instant::now();
        (say(&mut store, "bob: claim --wait 5m --or-message"), start.elapsed())
    });
    waits.recv().expect("it waits");
    // One that asks for nothing does not wake it.
    ok(&mut store, "ada: send bob --text hello");
    ok(&mut store, "ada: send bob --text stop --ack");
    let (ended, waited) = waiter.join().expect("no panic");
    let error = ended.expect_err("a message came");
    let facts = error.json()["error"]["details"].clone();
    assert_eq!((error.code(), &facts["messages"][0]["text"], &facts["unread"]), (ErrorCode::MessagesWaiting, &"stop".into(), &1.into()));
    assert!(waited < AT_ONCE, "{waited:?}");
}

#[test]
fn a_waiting_inbox_is_woken_by_a_message() {
    woken_at_once(
        &["ada: join", "bob: join"],
        "ada: inbox --wait 5m",
        "bob: send ada --text hi",
        &["ada: join --take-over", "bob: state-set x 1"],
    );
}

#[test]
fn a_waiting_reservation_is_woken_by_the_end_of_another() {
    woken_at_once(
        &["ada: join", "bob: join", "bob: reserve src/**"],
        "ada: reserve src/a.rs --wait 5m",
        "bob: unreserve",
        &["ada: unreserve", "bob: reserve src/**"],
    );
}

#[test]
fn waiting_for_a_task_is_woken_by_its_end() {
    let (home, mut store) = real_time_home();
    for line in ["ada: join", "-: add x --id X", "ada: claim X"] {
        ok(&mut store, line);
    }
    let place = home.place();
    let waiter = thread::spawn(move || {
        let start = Instant::now();
        ok(&mut open(&place), "-: wait X --timeout 5m");
        start.elapsed()
    });
    ok(&mut store, "ada: done X");
    let waited = waiter.join().expect("no panic");
    assert!(waited < AT_ONCE, "{waited:?}");
}

#[test]
fn a_key_that_many_use_at_once_makes_one_task() {
    let (home, mut store) = real_time_home();
    let callers = (0..8).map(|_| {
        let place = home.place();
        thread::spawn(move || ok(&mut open(&place), "-: add x --key one"))
    });
    let callers: Vec<_> = callers.collect();
    let replies: Vec<_> = callers.into_iter().map(|caller| caller.join().expect("no panic")).collect();
    assert!(replies.iter().all(|reply| *reply == replies[0]), "{replies:?}");
    assert_eq!(state(&mut store).tasks.len(), 1);
}

#[test]
fn one_of_many_joins_under_a_name() {
    let (home, mut store) = real_time_home();
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let place = home.place();
            thread::spawn(move || say(&mut open(&place), "ada: join").is_ok())
        })
        .collect();
    let joined = callers.into_iter().map(|caller| caller.join().expect("no panic")).filter(|joined| *joined).count();
    assert_eq!(joined, 1);
    assert_eq!(state(&mut store).agents.len(), 1);
}

#[test]
fn many_reserve_and_no_two_overlap() {
    let (home, mut store) = real_time_home();
    let callers: Vec<_> = (0..8)
        .map(|n| {
            let place = home.place();
            thread::spawn(move || {
                let mut store = open(&place);
                ok(&mut store, &format!("w{n}: join"));
                (0..8).filter(|glob| say(&mut store, &format!("w{n}: reserve src/{glob}/** docs/{glob}.md")).is_ok()).count()
            })
        })
        .collect();
    let made: usize = callers.into_iter().map(|caller| caller.join().expect("no panic")).sum();
    assert_eq!(made, 8);
    assert_eq!(state(&mut store).reservations.len(), 16);
}

//! Store time (semantics 6) and deaths (semantics 8) as the embedded store finds them out.

use oarlock_host::clock::ManualClock;
use oarlock_host::process::ProcessId;
use oarlock_model::ErrorCode;
use oarlock_model::StoreTime;
use oarlock_model::agent::{Owner, SessionEnd};
use oarlock_ops::agent::Join;
use oarlock_ops::call;
use oarlock_ops::caller::Caller;
use oarlock_ops::settings::Settings;
use oarlock_ops::store::Store;
use oarlock_sqlite::{Options, SqliteStore, Synchronous};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::home::{Home, ok, refused, state};

fn now(store: &mut SqliteStore) -> StoreTime {
    store.snapshot().expect("reads").now().store
}

#[test]
fn all_handles_tell_one_time() {
    let home = Home::new();
    let (mut one, mut two) = (home.open(), home.open());
    let start = now(&mut one);
    home.clock.advance_ms(5_000);
    home.clock.step_wall_ms(86_400_000);
    assert_eq!((now(&mut one), now(&mut two)), (start.plus_ms(5_000), start.plus_ms(5_000)));
    assert_eq!(now(&mut home.open()), start.plus_ms(5_000));
}

#[test]
fn another_time_namespace_tells_the_same_time() {
    let home = Home::new();
    let mut outside = home.open();
    home.clock.advance_ms(7_000);
    // A clock of the same boot that is ahead, as a container's can be.
    for (namespace, skew_ms) in [("2", 3_600_000), ("3", -500_000)] {
        let inside = ManualClock::new();
        inside.advance_ms(7_000);
        inside.enter_time_namespace(namespace, skew_ms);
        let options = Options { clock: Arc::new(inside.clone()), ..home.options() };
        let mut store = SqliteStore::open(&home.place(), options).expect("opens");
        assert_eq!(now(&mut store), now(&mut outside), "namespace {namespace}");
    }
}

#[test]
fn a_reboot_ends_sessions_and_time_goes_on() {
    let home = Home::lived_in();
    home.clock.advance_ms(3_600_000);
    ok(&mut home.open(), "ada: heartbeat");
    let before = now(&mut home.open());
    for boot in ["boot-2", "boot-3", "boot-4"] {
        home.clock.reboot(boot);
        let mut store = home.open();
        assert!(now(&mut store) >= before && now(&mut store).since_ms(before) < 1_000, "{boot}");
        assert_eq!(state(&mut store).agents.len(), 2);
    }
    let mut store = home.open();
    ok(&mut store, "-: status");
    assert!(state(&mut store).agents.values().all(|agent| agent.end == Some(SessionEnd::Lost)));
    refused(&mut store, "ada: done A", ErrorCode::StaleSession);
    home.clock.advance_ms(1_000);
    assert!(now(&mut store).since_ms(before) >= 1_000);
}

/// A process that somebody can own a session with.
struct Sleeper(Child);

impl Sleeper {
    fn start() -> Self {
        Self(Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().expect("sleep starts"))
    }

    fn join(&self, store: &mut SqliteStore, name: &str) {
        let process = ProcessId::of(self.0.id()).expect("proc is ours").expect("it lives").to_text();
        let join = Join { name: Some(name.parse().expect("valid")), owner: Owner::Process { process }, ..Join::default() };
        call::mutate(store, &Caller::default(), &Settings::default(), &join).expect("joins");
    }

    fn kill(&mut self) {
        self.0.kill().and_then(|()| self.0.wait()).expect("it is ours");
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_death_of_a_process_frees_its_work_at_once() {
    let home = Home::new();
    let mut store = home.open();
    let mut sleeper = Sleeper::start();
    sleeper.join(&mut store, "eve");
    ok(&mut store, "bob: join");
    ok(&mut store, "-: add x --id X");
    ok(&mut store, "eve: claim X --ttl 2h");
    refused(&mut store, "bob: claim X", ErrorCode::LeaseHeld);
    sleeper.kill();
    assert_eq!(ok(&mut store, "bob: claim X")["task"]["lost_leases"], 1);
    refused(&mut store, "eve: done X", ErrorCode::StaleSession);
}

#[test]
fn a_waiting_claim_is_woken_by_a_death() {
    let home = Home::empty();
    let options = || Options { synchronous: Synchronous::Off, ..Options::default() };
    let (mut store, _) = SqliteStore::create(&home.place(), "T", options()).expect("an empty directory");
    let mut sleeper = Sleeper::start();
    sleeper.join(&mut store, "eve");
    ok(&mut store, "bob: join");
    ok(&mut store, "-: add x --id X");
    ok(&mut store, "eve: claim X --ttl 2h");
    let place = home.place();
    let waiter = std::thread::spawn(move || {
        let mut store = SqliteStore::open(&place, options()).expect("opens");
        ok(&mut store, "bob: claim --wait 10m")
    });
    let start = Instant::now();
    sleeper.kill();
    assert_eq!(waiter.join().expect("no panic")["lease"]["task"], "X");
    // Less than the slow look that would find it in the end.
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
}

#[test]
fn an_owner_that_goes_in_good_order_is_not_taken_for_dead() {
    let home = Home::new();
    let mut owner = home.open();
    ok(&mut owner, "ada: start");
    let mut other = home.open();
    assert_eq!(ok(&mut other, "-: agent ada")["agent"]["state"], "active");
    ok(&mut owner, "ada: leave");
    drop(owner);
    assert_eq!(ok(&mut other, "-: agent ada")["agent"]["state"], "left");
}

/// Leases are judged by a clock that no hand moves.
#[test]
fn whatever_the_wall_clock_does_a_lease_ends_when_its_time_is_over() {
    const HOUR: i64 = 3_600_000;
    const YEAR: i64 = 365 * 24 * HOUR;
    for steps in [[HOUR, -HOUR], [-HOUR, -HOUR], [YEAR, -2 * YEAR], [-YEAR, 3 * YEAR]] {
        let home = Home::new();
        let mut store = home.open();
        for line in ["ada: join --timeout 1h", "bob: join --timeout 1h", "-: add x --id X", "ada: claim X --ttl 60s"] {
            ok(&mut store, line);
        }
        home.clock.step_wall_ms(steps[0]);
        home.clock.advance_ms(30_000);
        refused(&mut home.open(), "bob: claim X", ErrorCode::LeaseHeld);
        home.clock.step_wall_ms(steps[1]);
        home.clock.advance_ms(29_999);
        refused(&mut home.open(), "bob: claim X", ErrorCode::LeaseHeld);
        home.clock.advance_ms(1);
        assert_eq!(ok(&mut home.open(), "bob: claim X")["task"]["lost_leases"], 1, "{steps:?}");
        refused(&mut store, "ada: done X", ErrorCode::LeaseLost);
    }
}

/// While a machine sleeps, its monotonic clock is still and its wall clock goes on: nobody can have worked.
#[test]
fn a_suspended_machine_ends_no_lease_and_keeps_none_for_ever() {
    let home = Home::new();
    let mut store = home.open();
    for line in ["ada: join", "bob: join", "-: add x --id X", "ada: claim X --ttl 60s"] {
        ok(&mut store, line);
    }
    for _ in 0..3 {
        home.clock.advance_ms(15_000);
        home.clock.step_wall_ms(8 * 3_600_000);
        refused(&mut home.open(), "bob: claim X", ErrorCode::LeaseHeld);
    }
    home.clock.advance_ms(15_000);
    ok(&mut home.open(), "bob: claim X");
}

/// A clock that is read backwards, as some machines' are between processors, takes nothing back.
#[test]
fn two_handles_whose_clocks_differ_by_a_little_agree_on_who_holds() {
    let home = Home::new();
    let behind = ManualClock::new();
    let options = Options { clock: Arc::new(behind.clone()), ..home.options() };
    let mut late = SqliteStore::open(&home.place(), options).expect("opens");
    let mut store = home.open();
    for line in ["ada: join", "bob: join", "-: add x --id X", "ada: claim X --ttl 60s"] {
        ok(&mut store, line);
    }
    // One runs faster than the other by a thousandth: a lease ends at the faster one's time, and no earlier.
    for _ in 0..59 {
        home.clock.advance_ms(1_001);
        behind.advance_ms(1_000);
        refused(&mut store, "bob: claim X", ErrorCode::LeaseHeld);
        refused(&mut late, "bob: claim X", ErrorCode::LeaseHeld);
    }
    home.clock.advance_ms(1_001);
    behind.advance_ms(1_000);
    ok(&mut store, "bob: claim X");
    refused(&mut late, "ada: done X", ErrorCode::LeaseLost);
}

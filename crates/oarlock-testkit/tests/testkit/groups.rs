//! Many calls in one commit, on every store that a gateway may have: all of them last, or none.

use oarlock_ops::caller::Caller;
use oarlock_ops::registry;
use oarlock_ops::settings::Settings;
use oarlock_ops::store::{Durability, NewEvent, ServedStore, Store, StoreError};
use oarlock_ops::topic::Topics;
use oarlock_sqlite::{Options, SqliteStore, StorePaths, Synchronous};
use oarlock_testkit::MemoryStore;
use serde_json::json;

/// Hands each store to a test.
fn on_each(test: impl Fn(&mut dyn ServedStore)) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let options = Options { synchronous: Synchronous::Off, ..Options::default() };
    let (mut sqlite, _) = SqliteStore::create(&StorePaths::of_file(dir.path().join("oarlock.db")), "T", options).expect("a new store");
    test(&mut sqlite);
    test(&mut MemoryStore::new("T"));
}

fn add(store: &mut dyn Store, id: &str) -> bool {
    let call = (registry::find("add").expect("a verb").from_json)(json!({"title": "one", "id": id})).expect("a request");
    call.attempt(store, &Caller::default(), &Settings::default()).is_ok()
}

fn tasks(store: &mut dyn ServedStore) -> u64 {
    store.snapshot().expect("it can be read").counts().expect("counts").total()
}

#[test]
fn what_one_call_of_a_group_does_the_next_one_sees_and_a_refusal_undoes_only_its_own() {
    on_each(|store| {
        let mut made = Vec::new();
        let done = store.group(Durability::Full, &mut |store| {
            made = ["A", "A", "B"].map(|id| add(store, id)).to_vec();
            assert_eq!(store.snapshot()?.counts()?.total(), 2);
            assert!(store.outside().is_none() && store.listen(Topics::MESSAGES).is_err());
            Ok(())
        });
        assert_eq!((done, made, tasks(store)), (Ok(true), vec![true, false, true], 2));
    });
}

#[test]
fn nothing_of_a_group_is_left_when_its_work_ends_with_an_error() {
    on_each(|store| {
        let done = store.group(Durability::Full, &mut |store| {
            assert!(add(store, "A"));
            Err(StoreError::Internal("the work ends".into()))
        });
        assert_eq!((done, tasks(store)), (Ok(false), 0));
        assert!(add(store, "A"), "its numbers were not used");
    });
}

#[test]
fn nothing_of_a_group_is_left_when_the_store_fails_one_of_its_calls() {
    on_each(|store| {
        let done = store.group(Durability::Full, &mut |store| {
            assert!(add(store, "A"));
            let mut tx = store.begin(&[], Durability::Full)?;
            let now = tx.view().now();
            // There is no such reservation.
            let id = oarlock_model::ReservationId::of(1);
            let fact = oarlock_model::event::ReservationEnded { id, reason: oarlock_model::event::ReservationEnd::Released }.into();
            assert!(tx.append(NewEvent { at: now.wall, store_at: now.store, agent: None, session: None, fact }).is_err());
            drop(tx);
            Ok(())
        });
        assert_eq!((done, tasks(store)), (Ok(false), 0));
    });
}

#[test]
fn appending_tells_the_number_that_the_event_has_in_the_log() {
    on_each(|store| {
        let mut tx = store.begin(&[], Durability::Full).expect("it begins");
        let now = tx.view().now();
        let next = tx.next_seq();
        let key = oarlock_model::StateKey::parse("a").expect("a key");
        let mut numbers = Vec::new();
        for version in 1..=2 {
            let fact = oarlock_model::event::StateSet { key: key.clone(), value: json!(version), version }.into();
            let event = NewEvent { at: now.wall, store_at: now.store, agent: None, session: None, fact };
            numbers.push(tx.append(event).expect("it follows"));
        }
        assert_eq!((numbers, tx.view().last_seq()), (vec![next, next + 1], Ok(next + 1)));
    });
}

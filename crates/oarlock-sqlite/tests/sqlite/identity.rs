//! Numbers of one store mean nothing to another, nor to the same one after a restore (semantics 2, 7).

use oarlock_model::ErrorCode;
use oarlock_ops::admin::Administration;
use oarlock_ops::store::Store;
use oarlock_sqlite::{Births, Options, SqliteStore};
use serde_json::Value;

use crate::home::{Home, assert_replays, ok, refused};

/// A store as users get it.
fn born(home: &Home) -> SqliteStore {
    let options = Options { births: Births::Random, ..home.options() };
    SqliteStore::create(&home.place(), "T", options).expect("an empty directory").0
}

/// The numbers that a store has given out.
struct Given {
    session: String,
    token: u64,
    message: String,
    cursors: Vec<String>,
}

/// The same happens in each store.
fn live_in(store: &mut SqliteStore) -> Given {
    let word = |value: &Value| value.as_str().expect("a text").to_owned();
    let session = word(&ok(store, "ada: join")["session"]);
    ok(store, "-: add one --id A");
    ok(store, "-: add two --id B");
    ok(store, "-: add three --id C");
    let claimed = ok(store, "ada: claim A");
    let message = word(&ok(store, "ada: send ada --text hello")["messages"][0]["id"]);
    let events = ok(store, "-: events --limit 2");
    let tasks = ok(store, "-: tasks --limit 1");
    let cursors = vec![word(&events["cursor"]), word(&events["events"][0]["cursor"]), word(&tasks["next"])];
    Given { session, token: claimed["lease"]["token"].as_u64().expect("a number"), message, cursors }
}

fn is_nothing_to(store: &mut SqliteStore, given: &Given) {
    let Given { session, token, message, cursors } = given;
    refused(store, &format!("ada: done A --token {token}"), ErrorCode::StaleToken);
    refused(store, &format!("ada: done A --session {session}"), ErrorCode::StaleSession);
    refused(store, &format!("-: note A hello --session {session}"), ErrorCode::StaleSession);
    refused(store, &format!("ada: ack {message}"), ErrorCode::NotFound);
    refused(store, &format!("-: thread {message}"), ErrorCode::NotFound);
    refused(store, &format!("ada: send ada --text x --reply-to {message}"), ErrorCode::NotFound);
    refused(store, &format!("ada: send ada --text x --thread {message}"), ErrorCode::NotFound);
    for cursor in &cursors[..2] {
        refused(store, &format!("-: events --after {cursor}"), ErrorCode::InvalidRequest);
    }
    refused(store, &format!("-: tasks --after {}", cursors[2]), ErrorCode::InvalidRequest);
}

fn is_good_in(store: &mut SqliteStore, given: &Given) {
    let Given { session, token, message, cursors } = given;
    for cursor in &cursors[..2] {
        ok(store, &format!("-: events --after {cursor}"));
    }
    assert_eq!(ok(store, &format!("-: tasks --after {}", cursors[2]))["tasks"].as_array().map(Vec::len), Some(2));
    ok(store, &format!("ada: send ada --text x --reply-to {message}"));
    assert_eq!(ok(store, &format!("-: thread {message}"))["messages"].as_array().map(Vec::len), Some(2));
    ok(store, &format!("ada: ack {message} --session {session}"));
    ok(store, &format!("ada: done A --token {token} --session {session}"));
}

#[test]
fn what_a_store_gave_is_nothing_to_one_made_in_the_same_hour() {
    let (home, other_home) = (Home::empty(), Home::empty());
    let (mut store, mut other) = (born(&home), born(&other_home));
    assert_ne!(store.identity().id(), other.identity().id());
    let (given, of_other) = (live_in(&mut store), live_in(&mut other));
    assert_ne!(given.token, of_other.token);
    is_nothing_to(&mut store, &of_other);
    is_nothing_to(&mut other, &given);
    is_good_in(&mut store, &given);
    is_good_in(&mut other, &of_other);
    assert_replays(&mut store);
    let found = home.admin().doctor(false, false).expect("looks");
    assert!(found.ok, "{found:?}");
    for given in [given, of_other] {
        let tag = given.session.rsplit_once('-').expect("a tag").1;
        assert!(tag.len() <= 6 && given.session.len() <= "ada.".len() + 2 + tag.len(), "{} is short", given.session);
        assert!(given.token < 1 << 53);
    }
}

#[test]
fn an_agent_that_never_joined_this_store_has_a_stale_session() {
    let home = Home::empty();
    let mut store = born(&home);
    ok(&mut store, "-: add one --id A");
    refused(&mut store, "ada: claim A", ErrorCode::NotFound);
    refused(&mut store, "ada: claim A --session ada.1-zzzzzz", ErrorCode::StaleSession);
    refused(&mut store, "ada: claim A --session ada.1", ErrorCode::StaleSession);
    refused(&mut store, "-: note A x --session ada.1", ErrorCode::StaleSession);
}

#[test]
fn a_handle_that_is_open_while_the_store_is_restored_goes_on_in_the_new_one() {
    let home = Home::empty();
    let mut store = born(&home);
    let given = live_in(&mut store);
    let before = store.identity().clone();
    let backup = home.beside("backup.db");
    home.admin().backup(&backup).expect("a new file");
    ok(&mut store, "ada: send ada --text later");
    home.admin().restore(&backup).expect("a backup");
    let inbox = ok(&mut store, "ada: join --take-over");
    assert!(inbox["session"].as_str() != Some(given.session.as_str()));
    assert_ne!(store.identity().id(), before.id());
    assert!(store.identity().base() > before.base());
    is_nothing_to(&mut store, &given);
    // The restored message is there, under an id of this store.
    let inbox = ok(&mut store, "ada: inbox");
    let (id, text) = (inbox["messages"][0]["id"].as_str().expect("an id"), &inbox["messages"][0]["text"]);
    assert_eq!(text, "hello");
    ok(&mut store, &format!("ada: ack {id}"));
    // Nothing of the log before the restore is lost to who reads it.
    let mut after = String::new();
    let mut kinds = Vec::new();
    loop {
        let page = ok(&mut store, &format!("-: events --limit 3 {after}"));
        let events = page["events"].as_array().expect("a list");
        if events.is_empty() {
            break;
        }
        kinds.extend(events.iter().map(|event| event["kind"].as_str().expect("a word").to_owned()));
        after = format!("--after {}", page["cursor"].as_str().expect("a cursor"));
    }
    let log: Vec<String> = crate::home::log(&mut store).iter().map(|event| event.fact.kind().to_owned()).collect();
    assert_eq!(kinds, log);
    assert!(log.iter().any(|kind| kind == "store_restored") && log.iter().any(|kind| kind == "message_acked"), "{log:?}");
    assert_replays(&mut store);
}

#[test]
fn an_imported_log_and_a_new_epoch_have_identities_of_their_own() {
    let (home, target) = (Home::empty(), Home::empty());
    let mut store = born(&home);
    let given = live_in(&mut store);
    let mut exported = Vec::new();
    home.admin().export(&mut exported).expect("memory");
    // Whether its own numbers would begin below those of the log or above them.
    let mut imported = born(&target);
    let made = imported.identity().clone();
    target.admin().import(&mut exported.as_slice()).expect("an export");
    ok(&mut imported, "ada: join");
    assert!(imported.identity().id() != made.id() && imported.identity().id() != store.identity().id());
    assert!(imported.identity().base() > made.base().max(given.token));
    is_nothing_to(&mut imported, &given);
    let found = target.admin().doctor(false, false).expect("looks");
    assert!(found.ok, "{found:?}");
    let before = imported.identity().clone();
    target.admin().doctor(false, true).expect("a new epoch");
    ok(&mut imported, "ada: join");
    assert_ne!(imported.identity().id(), before.id());
    assert_replays(&mut imported);
}

#[test]
fn the_beginning_of_the_log_cannot_be_cut_off_unseen() {
    let home = Home::empty();
    let mut store = born(&home);
    ok(&mut store, "-: add one --id A");
    ok(&mut store, "-: add two --id B");
    drop(store);
    assert!(home.admin().doctor(false, false).expect("looks").ok);
    home.tamper("DELETE FROM events WHERE seq = (SELECT min(seq) FROM events)");
    let found = home.admin().doctor(false, false).expect("looks");
    assert!(!found.ok, "{found:?}");
}

#[test]
fn a_store_from_before_identities_keeps_its_sessions_its_messages_and_its_readers() {
    let home = Home::lived_in();
    // The store of a test has no tag, so that this is what an older program left.
    home.turn_back_to_the_first_schema();
    let mut store = home.open();
    let identity = store.identity().clone();
    assert!(!identity.tag().is_empty() && identity.base() == 0, "{identity:?}");
    // A session that lives goes on, and its lease with it.
    ok(&mut store, "ada: heartbeat --session ada.1");
    let held = ok(&mut store, "-: task A")["task"]["holder"].clone();
    assert_eq!(held["session"], "ada.1");
    let last = store.snapshot().expect("reads").last_seq().expect("reads");
    ok(&mut store, "-: events --after 3");
    ok(&mut store, "-: tasks --after 2");
    refused(&mut store, &format!("-: events --after {}", last + 40), ErrorCode::InvalidRequest);
    ok(&mut store, "ada: ack M-10");
    ok(&mut store, "-: thread M-10");
    let shown = ok(&mut store, "ada: inbox --all")["messages"][0]["id"].clone();
    assert_eq!(shown, format!("M-10-{}", identity.tag()));
    // New numbers have the tag.
    let joined = ok(&mut store, "carl: join");
    assert!(joined["session"].as_str().is_some_and(|session| session.ends_with(identity.tag())), "{joined}");
    let token = held["token"].as_u64().expect("a number");
    ok(&mut store, &format!("ada: done A --token {token} --session ada.1"));
    assert_replays(&mut store);
    let found = home.admin().doctor(false, false).expect("looks");
    assert!(found.ok, "{found:?}");
    // The same store is opened again with the same identity.
    drop(store);
    assert_eq!(*home.open().identity(), identity);
}

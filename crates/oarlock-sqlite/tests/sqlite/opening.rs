//! Making and opening stores, and files that are none.

use oarlock_model::ErrorCode;
use oarlock_ops::store::{Durability, Store, StoreError};
use oarlock_sqlite::{SqliteStore, StorePaths};
use oarlock_testkit::say;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::home::{Home, assert_replays, ok, refused, state};

fn assert_damaged(outcome: Result<SqliteStore, StoreError>, what: &str) {
    match outcome {
        Err(StoreError::Damaged { .. }) => {}
        other => panic!("{what}: {:?}", other.map(drop)),
    }
}

#[test]
fn a_store_that_is_there_is_opened_as_it_is() {
    let home = Home::new();
    ok(&mut home.open(), "-: add x");
    let (mut again, made) = SqliteStore::create(&home.place(), "OTHER", home.options()).expect("it is there");
    assert!(!made);
    assert_eq!(ok(&mut again, "-: add y")["task"]["id"], "T-2");
}

#[test]
fn a_store_that_is_not_there_is_unavailable() {
    let outcome = Home::empty().try_open();
    assert!(matches!(outcome, Err(StoreError::Gone { .. })), "{:?}", outcome.map(drop));
}

#[test]
fn a_newer_schema_is_refused_and_left_alone() {
    let home = Home::lived_in();
    let known = home.schema_version();
    home.tamper("PRAGMA user_version = 99");
    assert_damaged(home.try_open(), "open");
    assert_damaged(SqliteStore::create(&home.place(), "T", home.options()).map(|(store, _)| store), "create");
    home.tamper(&format!("PRAGMA user_version = {known}"));
    assert_eq!(state(&mut home.open()).tasks.len(), 4);
}

#[test]
fn a_store_of_the_first_schema_learns_from_its_log_why_tasks_were_tried_again() {
    let home = Home::lived_in();
    let mut store = home.open();
    for line in [
        "-: add rejected --id D --gate human",
        "ada: claim D",
        "ada: done D --result first",
        "-: reject D --reason 'no tests'",
        "-: add approved --id E --gate human",
        "ada: claim E",
        "ada: fail E --reason 'no network'",
    ] {
        ok(&mut store, line);
    }
    home.clock.advance_ms(60_000);
    for line in ["ada: claim E", "ada: done E", "-: reject E --reason again", "ada: claim E", "ada: done E", "-: approve E"] {
        ok(&mut store, line);
    }
    drop(store);
    home.turn_back_to_the_first_schema();
    let mut store = home.open();
    let tasks = state(&mut store).tasks;
    let reasons = |id: &str| {
        let task = tasks.values().find(|task| task.id.as_str() == id).expect("it is there");
        (task.rejected.clone(), task.last_failure.clone())
    };
    assert_eq!(reasons("C"), (None, Some("broken".into())));
    assert_eq!(reasons("D"), (Some("no tests".into()), None));
    assert_eq!(reasons("E"), (None, None));
    assert_replays(&mut store);
}

#[test]
fn a_database_of_another_program_is_refused_and_left_alone() {
    let home = Home::empty();
    home.tamper("CREATE TABLE songs (title TEXT); INSERT INTO songs VALUES ('x')");
    let before = fs::read(home.file()).expect("a file");
    assert_damaged(home.try_open(), "open");
    assert_damaged(SqliteStore::create(&home.place(), "T", home.options()).map(|(store, _)| store), "create");
    assert_eq!(fs::read(home.file()).expect("a file"), before);
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let home = Home::empty();
    fs::write(home.file(), "# Notes\n".repeat(1_000)).expect("writes");
    assert_damaged(home.try_open(), "open");
    assert_damaged(SqliteStore::create(&home.place(), "T", home.options()).map(|(store, _)| store), "create");
}

#[test]
fn an_empty_file_is_made_anew_but_not_opened() {
    let home = Home::empty();
    fs::write(home.file(), "").expect("writes");
    assert_damaged(home.try_open(), "open");
    let (mut store, made) = SqliteStore::create(&home.place(), "T", home.options()).expect("made anew");
    assert!(made);
    ok(&mut store, "-: add x");
}

#[test]
fn the_database_alone_in_another_place_is_a_store() {
    let (home, other) = (Home::lived_in(), Home::empty());
    home.settle_file();
    fs::copy(home.file(), other.file()).expect("copies");
    assert_eq!(state(&mut other.open()), state(&mut home.open()));
}

#[test]
fn two_stores_in_one_directory_do_not_meet() {
    let home = Home::new();
    let beside = StorePaths::of_file(home.beside("other.db"));
    let (mut other, made) = SqliteStore::create(&beside, "O", home.options()).expect("another name");
    assert!(made);
    ok(&mut other, "-: add x");
    assert!(state(&mut home.open()).tasks.is_empty());
}

#[test]
fn a_deleted_store_is_unavailable_to_those_who_have_it_open() {
    let home = Home::lived_in();
    let mut store = home.open();
    fs::remove_file(home.file()).expect("removes");
    refused(&mut store, "-: status", ErrorCode::StoreUnavailable);
    assert!(matches!(store.begin(&[], Durability::Full).map(drop), Err(StoreError::Gone { .. })));
}

#[test]
fn a_replaced_store_is_unavailable_to_those_who_have_it_open() {
    let home = Home::lived_in();
    let mut store = home.open();
    fs::rename(home.file(), home.beside("old.db")).expect("renames");
    SqliteStore::create(&home.place(), "T", home.options()).expect("a new one");
    refused(&mut store, "-: add lost", ErrorCode::StoreUnavailable);
}

#[test]
fn a_directory_that_cannot_be_written_is_unavailable() {
    let home = Home::lived_in();
    let dir = home.place().dir().to_owned();
    fs::set_permissions(home.file(), fs::Permissions::from_mode(0o400)).expect("ours");
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o500)).expect("ours");
    // Anyone who may write everywhere, as root may, cannot be kept from writing here.
    if fs::write(home.beside("probe"), "").is_err() {
        let code = home.try_open().map_err(Into::into).and_then(|mut store| say(&mut store, "-: add x"));
        assert_eq!(crate::home::code_of(code), ErrorCode::StoreUnavailable);
    }
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).expect("ours");
}

#[test]
fn the_whole_state_has_messages_of_any_total_size() {
    let home = Home::new();
    let mut store = home.open();
    ok(&mut store, "ada: join");
    let text = "x".repeat(1_000_000);
    for _ in 0..4 {
        ok(&mut store, &format!("ada: send ada --text {text}"));
    }
    assert_eq!(state(&mut store).messages.len(), 4);
}

#[test]
fn news_of_the_first_schema_are_carried_over() {
    let home = Home::empty();
    home.tamper(include_str!("../../migrations/0001_initial.sql"));
    home.tamper(
        "INSERT INTO meta (id, prefix, created_at) VALUES (1, 'T', 0);
         INSERT INTO agents (name, session, capabilities, timeout_ms, host, boot_id, seen, seen_wall, beat, progressed, read_mark)
           VALUES ('ada', 'ada.1', '[]', 120000, '{}', '', 0, 0, 0, 0, 0);
         INSERT INTO notices (session, task, cancelled) VALUES ('ada.1', 'T-1', 0), ('ada.1', 'T-2', 1);
         PRAGMA application_id = 0x4F41524C; PRAGMA user_version = 1",
    );
    let beat = ok(&mut home.open(), "ada: heartbeat");
    assert_eq!((&beat["lost"][0], &beat["cancelled"][0]), (&"T-1".into(), &"T-2".into()));
}

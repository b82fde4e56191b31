//! Backup and restore (semantics 2): the content goes back, tokens and time do not.

use oarlock_model::ErrorCode;
use oarlock_model::agent::SessionEnd;
use oarlock_model::identity::EPOCH_SHIFT;
use oarlock_model::task::TaskState;
use oarlock_ops::admin::Administration;
use oarlock_ops::store::Store;
use oarlock_testkit::check;
use std::fs;

use crate::home::{Home, assert_replays, code_of, log, ok, refused, state};

fn token_of(reply: &serde_json::Value) -> u64 {
    reply["lease"]["token"].as_u64().expect("a claim")
}

#[test]
fn restore_brings_the_content_back_ends_sessions_and_raises_tokens() {
    let home = Home::lived_in();
    let mut store = home.open();
    let backup = home.beside("backup.db");
    assert!(home.admin().backup(&backup).expect("a new file") > 0);
    // What happens after the backup is undone, but its tokens are never used again.
    ok(&mut store, "-: add later --id LATER");
    ok(&mut store, "bob: state-set build/last '{\"ok\":false}'");
    let before = token_of(&ok(&mut store, "bob: claim LATER"));
    let reply = home.admin().restore(&backup).expect("a backup");
    assert_eq!(reply.sessions_ended, 2);

    let restored = state(&mut store);
    assert!(!restored.tasks.contains_key("LATER"));
    assert!(restored.agents.values().all(|agent| agent.end == Some(SessionEnd::Lost)));
    // The lease is given up by nobody's fault, and its reservations are over.
    let task = &restored.tasks["A"];
    assert_eq!((task.state, task.losses), (TaskState::Ready, 0));
    assert!(restored.reservations.is_empty());
    refused(&mut store, "ada: done A", ErrorCode::StaleSession);
    ok(&mut store, "ada: join");
    let after = token_of(&ok(&mut store, "ada: claim A"));
    assert!(after > before && after >> EPOCH_SHIFT == reply.epoch && after < 1 << 53, "{after}");
    assert_replays(&mut store);
    assert_eq!(check::log_faults(&log(&mut store)), Vec::<String>::new());
    assert!(home.admin().doctor(false, false).expect("looks").ok);
}

#[test]
fn a_second_restore_within_the_hour_begins_a_later_epoch() {
    let home = Home::lived_in();
    let backup = home.beside("backup.db");
    home.admin().backup(&backup).expect("a new file");
    let first = home.admin().restore(&backup).expect("a backup");
    let mut store = home.open();
    ok(&mut store, "ada: join");
    let token = token_of(&ok(&mut store, "ada: claim A"));
    home.clock.step_wall_ms(-3_600_000);
    let second = home.admin().restore(&backup).expect("a backup");
    assert!(second.epoch > first.epoch, "{first:?} {second:?}");
    ok(&mut store, "ada: join");
    assert!(token_of(&ok(&mut store, "ada: claim A")) > token);
}

#[test]
fn store_time_does_not_go_back_with_a_restore() {
    let home = Home::lived_in();
    let mut store = home.open();
    let backup = home.beside("backup.db");
    home.admin().backup(&backup).expect("a new file");
    home.clock.advance_ms(86_400_000);
    ok(&mut store, "-: add later");
    let before = store.snapshot().expect("reads").now().store;
    home.admin().restore(&backup).expect("a backup");
    assert!(store.snapshot().expect("reads").now().store >= before);
    assert!(home.open().snapshot().expect("reads").now().store >= before);
    home.clock.reboot("boot-2");
    assert!(home.open().snapshot().expect("reads").now().store >= before);
}

#[test]
fn what_a_restore_replaces_is_kept_and_can_be_restored_itself() {
    let home = Home::lived_in();
    let backup = home.beside("backup.db");
    home.admin().backup(&backup).expect("a new file");
    ok(&mut home.open(), "-: add later --id LATER");
    home.clock.advance_ms(1);
    let kept = home.admin().restore(&backup).expect("a backup").kept.expect("kept");
    home.clock.advance_ms(1);
    home.admin().restore(kept.as_ref()).expect("a store");
    assert!(state(&mut home.open()).tasks.contains_key("LATER"));
}

#[test]
fn a_backup_overwrites_nothing() {
    let home = Home::lived_in();
    let file = home.beside("backup.db");
    fs::write(&file, "mine").expect("writes");
    assert_eq!(code_of(home.admin().backup(&file)), ErrorCode::AlreadyExists);
    assert_eq!(fs::read(&file).expect("a file"), b"mine");
}

#[test]
fn a_damaged_backup_is_refused_and_nothing_changes() {
    let home = Home::lived_in();
    let backup = home.beside("backup.db");
    home.admin().backup(&backup).expect("a new file");
    let bytes = fs::read(&backup).expect("a file");
    let before = state(&mut home.open());
    let cut = bytes[..bytes.len() / 2].to_vec();
    for (what, damaged) in [("cut off", cut), ("no database", b"# Notes".repeat(1_000)), ("empty", Vec::new())] {
        fs::write(&backup, damaged).expect("writes");
        assert_eq!(code_of(home.admin().restore(&backup)), ErrorCode::DataDamaged, "{what}");
        assert_eq!(state(&mut home.open()), before, "{what}");
    }
    assert_eq!(code_of(home.admin().restore(&home.beside("missing.db"))), ErrorCode::NotFound);
}

#[test]
fn a_restore_replaces_a_store_that_cannot_be_opened() {
    let home = Home::lived_in();
    let backup = home.beside("backup.db");
    home.admin().backup(&backup).expect("a new file");
    fs::write(home.file(), "ruined".repeat(1_000)).expect("writes");
    for suffix in ["-wal", "-shm"] {
        let _ = fs::remove_file(home.beside(&format!("oarlock.db{suffix}")));
    }
    home.admin().restore(&backup).expect("a backup");
    let mut store = home.open();
    assert_eq!(state(&mut store).tasks.len(), 4);
    ok(&mut store, "ada: join");
    assert_replays(&mut store);
}

//! Files that were cut or changed: a typed error or the truth, never a panic, and never a bug's code.

use oarlock_model::ErrorCode;
use oarlock_model::event::Event;
use oarlock_model::state::State;
use oarlock_ops::OpError;
use oarlock_ops::admin::Administration;
use oarlock_ops::store::StoreError;
use oarlock_sqlite::SqliteStore;
use oarlock_testkit::say;
use std::fs;

use crate::home::{Home, log, ok, refused, state};

/// Does something of everything with whatever the file holds.
fn use_it(home: &Home) -> Result<(), OpError> {
    let mut store = home.try_open()?;
    for line in [
        "-: status",
        "-: tasks",
        "-: task A",
        "-: events",
        "-: agents --all",
        "-: reservations",
        "-: state",
        "-: ready",
        "-: thread M-10",
        "cy: join",
        "cy: claim",
        "cy: inbox",
        "-: add x --needs A",
        "-: cancel A",
        "cy: state-set build/last 1",
    ] {
        match say(&mut store, line) {
            // A lawful no, or a damaged page: both are answers.
            Ok(_) | Err(OpError::Rejected(_) | OpError::Store(StoreError::Damaged { .. } | StoreError::Unavailable { .. })) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn check(home: &Home, what: &str) {
    match use_it(home) {
        Ok(()) | Err(OpError::Store(StoreError::Damaged { .. } | StoreError::Unavailable { .. })) => {}
        Err(error) => panic!("{what}: {error:?}"),
    }
    // Repaired or not, the report comes, and what it calls whole is whole.
    let report = home.admin().doctor(true, false).unwrap_or_else(|error| panic!("{what}: doctor --fix: {error:?}"));
    if report.ok {
        let again = home.admin().doctor(false, false).unwrap_or_else(|error| panic!("{what}: doctor: {error:?}"));
        assert!(again.ok, "{what}: mended, and then {again:?}");
    }
}

/// A home with these bytes as its store.
fn home_with(bytes: &[u8]) -> Home {
    let home = Home::empty();
    fs::write(home.file(), bytes).expect("writes");
    home
}

fn sound() -> Vec<u8> {
    let home = Home::lived_in();
    home.settle_file();
    fs::read(home.file()).expect("a file")
}

#[test]
fn a_file_cut_off_anywhere_is_never_a_panic() {
    let bytes = sound();
    let pages = bytes.len() / 4096;
    for length in [1, 99, 100, 512, 4095]
        .into_iter()
        .chain((1..pages).map(|page| page * 4096))
        .chain((1..pages).step_by(7).map(|page| page * 4096 + 17))
    {
        check(&home_with(&bytes[..length.min(bytes.len())]), &format!("cut off after {length} bytes"));
    }
}

#[test]
fn a_changed_byte_is_never_a_panic() {
    let bytes = sound();
    // A walk with a prime step reaches headers, cells and free space of every page.
    for at in (0..bytes.len()).step_by(613) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x55;
        check(&home_with(&changed), &format!("byte {at} changed"));
    }
}

/// A reader gets the truth, or learns that the store is damaged, or `doctor` says so.
fn is_silent(home: &Home, truth: &(Vec<Event>, State)) -> bool {
    let Ok(report) = home.admin().doctor(false, false) else { return false };
    if !report.ok {
        return false;
    }
    let mut store = home.open();
    // When an agent was last seen is not in the log, and is no truth for long.
    log(&mut store) != truth.0 || state(&mut store).difference(&truth.1).is_some()
}

#[test]
fn a_changed_byte_is_never_silent() {
    let bytes = sound();
    let home = home_with(&bytes);
    let truth = (log(&mut home.open()), state(&mut home.open()));
    drop(home);
    let mut silent = Vec::new();
    const EVERY: usize = 307;
    for at in (0..bytes.len()).step_by(EVERY) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x01;
        if is_silent(&home_with(&changed), &truth) {
            silent.push((at, String::from_utf8_lossy(&bytes[at.saturating_sub(40)..(at + 40).min(bytes.len())]).into_owned()));
        }
    }
    assert!(silent.is_empty(), "{} of {}: {silent:?}", silent.len(), bytes.len() / EVERY);
}

/// A store whose last events stand in the write-ahead log alone, and the content of both files.
fn unsettled() -> (Home, Vec<u8>, Vec<u8>) {
    let home = Home::lived_in();
    home.settle_file();
    let mut store = home.open();
    for line in ["-: add six --id F --body 'a longer text'", "bob: claim F", "bob: done F --result well", "ada: state-set k 1"] {
        ok(&mut store, line);
    }
    drop(store);
    let [database, log] = ["oarlock.db", "oarlock.db-wal"].map(|name| fs::read(home.beside(name)).expect("a file"));
    (home, database, log)
}

#[test]
fn a_changed_or_cut_write_ahead_log_is_never_silent() {
    let (home, database, frames) = unsettled();
    let truth = (log(&mut home.open()), state(&mut home.open()));
    let flips = (0..frames.len()).step_by(97).map(|at| {
        let mut changed = frames.clone();
        changed[at] ^= 0x04;
        (format!("byte {at} changed"), changed)
    });
    let cuts = (0..frames.len()).step_by(811).map(|length| (format!("cut off after {length} bytes"), frames[..length].to_vec()));
    for (what, changed) in flips.chain(cuts) {
        // In their places: another file is another store. Nobody has it open, so the log is read from its beginning.
        let _ = fs::remove_file(home.beside("oarlock.db-shm"));
        fs::write(home.file(), &database).and_then(|()| fs::write(home.beside("oarlock.db-wal"), &changed)).expect("writes");
        assert!(!is_silent(&home, &truth), "{what}");
        let said = home.try_open().map_err(OpError::from).and_then(|mut store| say(&mut store, "-: add seven").map(|_| log(&mut store)));
        match said {
            Ok(log) => assert!(log.starts_with(&truth.0), "{what}: it went on with less"),
            Err(error) => assert_eq!(error.code(), ErrorCode::DataDamaged, "{what}: {error}"),
        }
    }
    let fixed = home.admin().doctor(true, false).expect("doctor");
    assert!(fixed.ok && fixed.fixed[0].contains("epoch"), "{fixed:?}");
    ok(&mut home.open(), "-: add eight");
}

#[test]
fn an_older_copy_in_the_place_of_the_store_is_seen() {
    let (home, database, _) = unsettled();
    home.settle_file();
    fs::write(home.file(), &database).expect("writes");
    refused(&mut home.open(), "-: add seven", ErrorCode::DataDamaged);
    assert!(!home.admin().doctor(false, false).expect("doctor").ok);
    // Its numbers are above all that were ever given.
    assert!(home.admin().doctor(false, true).expect("doctor").fixed[0].contains("epoch"));
    ok(&mut home.open(), "-: add eight");
    assert!(home.admin().doctor(false, false).expect("doctor").ok);
}

#[test]
fn a_new_store_in_the_place_of_a_deleted_one_is_no_damage() {
    let (home, _, _) = unsettled();
    for name in ["oarlock.db", "oarlock.db-wal", "oarlock.db-shm"] {
        fs::remove_file(home.beside(name)).expect("it was there");
    }
    home.clock.step_wall_ms(1);
    let (mut store, made) = SqliteStore::create(&home.place(), "T", home.options()).expect("room for a new one");
    assert!(made);
    ok(&mut store, "-: add one");
}

#[test]
fn changed_words_in_rows_are_never_a_panic() {
    for sql in [
        "UPDATE events SET kind = 'eaten' WHERE seq = 3",
        "UPDATE events SET data = '{' WHERE seq = 3",
        "UPDATE events SET prev = 99 WHERE seq = 8",
        "UPDATE events SET prev = seq WHERE prev IS NOT NULL",
        "UPDATE tasks SET state = 77 WHERE id = 'A'",
        "UPDATE tasks SET spec = 'x' WHERE id = 'A'",
        "UPDATE tasks SET id = '../x' WHERE id = 'A'",
        "UPDATE tasks SET grant_end = 'eaten' WHERE id = 'A'",
        "UPDATE tasks SET parent = seq",
        "UPDATE tasks SET last_event = 0",
        "UPDATE tasks SET rank = 9223372036854775807",
        "UPDATE tasks SET grant_ttl = 9223372036854775807 WHERE grant_ttl IS NOT NULL",
        "UPDATE agents SET name = '', owner = 'x' WHERE name = 'ada'",
        "UPDATE agents SET capabilities = '{}'",
        "UPDATE entries SET value = '{'",
        "UPDATE reservations SET target = '{\"paths\":\"../x\"}'",
        "UPDATE messages SET thread = 'a b'",
        "DELETE FROM meta",
        "DELETE FROM clocks",
        "UPDATE events SET counts = '9 9'",
        "UPDATE events SET counts = '1 2 3 4 5 6 7 8 9'",
        "DELETE FROM events",
        "DELETE FROM tasks",
        "INSERT INTO dependencies SELECT b.seq, a.seq FROM tasks a, tasks b WHERE a.seq <> b.seq ON CONFLICT DO NOTHING",
        "DROP TABLE tasks",
        "DROP TABLE events",
        "DROP INDEX tasks_ready",
    ] {
        let home = Home::lived_in();
        home.tamper(sql);
        check(&home, sql);
    }
}

/// The second restore of one backup within the hour: its epoch is above that of the first although the store between them cannot be read.
#[test]
fn numbers_of_a_store_that_cannot_be_read_are_never_given_again() {
    let home = Home::lived_in();
    let backup = home.beside("backup");
    home.admin().backup(&backup).expect("backup");
    let first = home.admin().restore(&backup).expect("restore");
    let mut store = home.open();
    let last = (0..20).map(|n| ok(&mut store, &format!("-: add more --id N-{n}"))).count();
    assert_eq!(last, 20);
    drop(store);
    home.settle_file();
    let mut bytes = fs::read(home.file()).expect("a file");
    let half = bytes.len() / 2;
    bytes[half..].fill(0x5a);
    fs::write(home.file(), &bytes).expect("writes");
    let second = home.admin().restore(&backup).expect("restore");
    assert!(second.epoch > first.epoch, "{first:?} {second:?}");
    ok(&mut home.open(), "-: add after");
    assert!(home.admin().doctor(false, false).expect("doctor").ok);
}

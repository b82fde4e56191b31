//! Files that were cut or changed: a typed error or the truth, never a panic, and never a bug's code.

use oarlock_ops::OpError;
use oarlock_ops::admin::Administration;
use oarlock_ops::store::StoreError;
use oarlock_testkit::say;
use std::fs;

use crate::home::Home;

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
    // Mended or not, the report comes, and what it calls whole is whole.
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

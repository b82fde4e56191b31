//! `doctor`: what it finds, what it repairs, and what it leaves alone.

use oarlock_ops::admin::{Administration, DoctorReply};
use oarlock_ops::store::Store;
use std::fs;

use crate::home::{Home, assert_replays, ok, state};

fn wrong(report: &DoctorReply) -> Vec<&str> {
    report.checks.iter().filter(|check| !check.ok).map(|check| check.check.as_str()).collect()
}

#[test]
fn a_healthy_store_is_healthy_and_unchanged() {
    let home = Home::lived_in();
    let before = state(&mut home.open());
    for fix in [false, true] {
        let report = home.admin().doctor(fix, false).expect("looks");
        assert!(report.ok && report.fixed.is_empty(), "{report:?}");
    }
    assert_eq!(state(&mut home.open()), before);
    assert!(home.admin().doctor(false, false).expect("looks").checks.len() >= 5);
}

#[test]
fn tables_that_are_not_what_the_log_says_are_found_and_mended() {
    for sql in [
        "UPDATE tasks SET state = 6 WHERE id = 'B'",
        "UPDATE tasks SET priority = 0 WHERE id = 'B'",
        "UPDATE tasks SET grant_session = 'eve.1' WHERE id = 'A'",
        "UPDATE tasks SET rank = 0 WHERE id = 'B'",
        "UPDATE task_bodies SET body = 'other'",
        "DELETE FROM task_bodies",
        "INSERT INTO task_files (file, task) VALUES ('a.md', 1)",
        "DELETE FROM dependencies",
        "UPDATE events SET counts = '9 9 9 9 9 9 9 9 9' WHERE seq = (SELECT max(seq) FROM events)",
        "UPDATE meta SET next_lapse = 9223372036854775807",
        "UPDATE agents SET role = 'chief' WHERE name = 'ada'",
        "DELETE FROM agents WHERE name = 'bob'",
        "UPDATE entries SET value = '{}'",
        "DELETE FROM entries",
        "DELETE FROM reservations",
        "UPDATE messages SET text = 'goodbye'",
        "UPDATE deliveries SET acked = 0",
        "UPDATE deliveries SET urgent = 0",
        "INSERT INTO deliveries (agent, message, acked) VALUES ('bob', 10, 0)",
        "DELETE FROM tasks WHERE id = 'A1'",
    ] {
        let home = Home::lived_in();
        home.tamper(sql);
        let looked = home.admin().doctor(false, false).expect("looks");
        assert_eq!(wrong(&looked), ["tables"], "{sql}: {looked:?}");
        let mended = home.admin().doctor(true, false).expect("mends");
        assert!(mended.ok && !mended.fixed.is_empty(), "{sql}: {mended:?}");
        let mut store = home.open();
        assert_replays(&mut store);
        assert_eq!(state(&mut store).tasks.len(), 4, "{sql}");
        assert!(home.admin().doctor(false, false).expect("looks").ok, "{sql}");
        let kept = fs::read_dir(home.place().dir()).expect("a directory").filter_map(Result::ok);
        assert!(kept.into_iter().any(|file| file.file_name().to_string_lossy().contains("replaced-")), "{sql}");
    }
}

#[test]
fn votes_that_are_not_what_the_log_says_are_found_and_mended() {
    for sql in [
        "UPDATE votes SET choice = 'b'",
        "DELETE FROM votes",
        "INSERT INTO votes (proposal, voter, choice) SELECT seq, 'eve', 'a' FROM proposals",
        "UPDATE proposals SET closed_by = 'quorum', decision = 'b'",
        "UPDATE proposals SET quorum = '1'",
        "DELETE FROM proposals",
    ] {
        let home = Home::lived_in();
        let mut store = home.open();
        ok(&mut store, "ada: propose which? --options a,b --quorum all --deadline 1h --key asked");
        let id = state(&mut store).proposals.keys().next().expect("a proposal").to_string();
        ok(&mut store, &format!("ada: vote {id} a"));
        drop(store);
        home.tamper(sql);
        assert_eq!(wrong(&home.admin().doctor(false, false).expect("looks")), ["tables"], "{sql}");
        assert!(home.admin().doctor(true, false).expect("mends").ok, "{sql}");
        let mut store = home.open();
        assert_replays(&mut store);
        assert_eq!(state(&mut store).proposals.values().map(|proposal| proposal.votes.len()).collect::<Vec<_>>(), [1], "{sql}");
    }
}

#[test]
fn a_store_in_use_is_looked_at_in_one_moment() {
    let home = Home::lived_in();
    let before = state(&mut home.open()).tasks.len();
    let writer = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut store = home.open();
            (0..100).for_each(|n| drop(ok(&mut store, &format!("-: add t{n}"))));
        });
        let mut looks = 0;
        while !writer.is_finished() || looks == 0 {
            let report = home.admin().doctor(true, false).expect("looks");
            assert!(report.ok && report.fixed.is_empty(), "{report:?}");
            looks += 1;
        }
        writer.join()
    });
    writer.expect("no panic");
    assert_eq!(state(&mut home.open()).tasks.len(), before + 100);
}

#[test]
fn presence_and_renewals_are_not_in_the_log_and_no_fault() {
    let home = Home::lived_in();
    let mut store = home.open();
    home.clock.advance_ms(60_000);
    ok(&mut store, "ada: heartbeat --status busy");
    ok(&mut store, "ada: renew A --ttl 2h");
    ok(&mut store, "ada: inbox");
    let report = home.admin().doctor(false, false).expect("looks");
    assert!(report.ok, "{report:?}");
}

#[test]
fn a_gap_in_the_log_is_found_and_not_mended_away() {
    for sql in ["DELETE FROM events WHERE seq = 10", "DELETE FROM events WHERE seq = 1", "DELETE FROM events WHERE seq < 5"] {
        let home = Home::lived_in();
        home.tamper(sql);
        for fix in [false, true] {
            let report = home.admin().doctor(fix, false).expect("looks");
            assert!(!report.ok && wrong(&report).contains(&"log"), "{sql}: {report:?}");
        }
        assert_eq!(state(&mut home.open()).tasks.len(), 4, "{sql}: the tables are left alone");
    }
}

#[test]
fn a_cut_off_log_is_found_by_its_tables() {
    let home = Home::lived_in();
    home.tamper("DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)");
    let report = home.admin().doctor(false, false).expect("looks");
    assert!(!report.ok, "{report:?}");
}

#[test]
fn a_copied_file_gets_an_epoch_of_its_own() {
    let (home, copy) = (Home::lived_in(), Home::empty());
    home.settle_file();
    fs::copy(home.file(), copy.file()).expect("copies");
    let report = copy.admin().doctor(false, true).expect("looks");
    assert!(report.ok && !report.fixed.is_empty(), "{report:?}");
    let mut store = copy.open();
    ok(&mut store, "ada: join");
    assert!(ok(&mut store, "ada: claim A")["lease"]["token"].as_u64() > Some(1 << 32));
    assert!(copy.admin().doctor(false, false).expect("looks").ok);
}

#[test]
fn lock_files_of_ended_sessions_are_swept() {
    let home = Home::lived_in();
    let owners = home.beside("owners");
    fs::write(owners.join("eve.7.lock"), "").expect("writes");
    let report = home.admin().doctor(false, false).expect("looks");
    assert!(report.ok && owners.join("eve.7.lock").exists(), "{report:?}");
    let report = home.admin().doctor(true, false).expect("mends");
    assert!(report.ok && !owners.join("eve.7.lock").exists(), "{report:?}");
}

#[test]
fn a_store_that_is_not_there_is_reported() {
    let home = Home::empty();
    assert!(!home.admin().doctor(true, false).expect("looks").ok);
    assert!(!home.file().exists());
}

#[test]
fn time_does_not_go_back_when_a_store_is_rebuilt() {
    let home = Home::lived_in();
    let mut store = home.open();
    home.clock.advance_ms(10 * 86_400_000);
    ok(&mut store, "bob: add late --id LATE --session bob.2");
    ok(&mut store, "bob: claim LATE");
    ok(&mut store, "bob: fail LATE --reason broken");
    let before = store.snapshot().expect("reads").now().store;
    drop(store);
    // An index that lacks rows: SQLite's own check fails, so that the file is put aside as a whole.
    home.tamper(
        "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'WHERE state = 1', 'WHERE state = 2') WHERE name = 'tasks_ready'; PRAGMA writable_schema = OFF",
    );
    let report = home.admin().doctor(true, false).expect("mends");
    assert!(report.ok, "{report:?}");
    let mut store = home.open();
    assert!(store.snapshot().expect("reads").now().store >= before);
    home.clock.advance_ms(60_000);
    ok(&mut store, "cy: join");
    ok(&mut store, "cy: claim LATE");
}

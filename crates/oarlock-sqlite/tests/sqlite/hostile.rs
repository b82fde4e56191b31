//! Hostile remains in a store's place, from a repository, a backup of somebody else's or an older umask: refused by name, or closed.

use oarlock_model::ErrorCode;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use oarlock_ops::admin::Administration;
use oarlock_ops::store::{Store, StoreError};
use oarlock_sqlite::{Options, SqliteStore, StorePaths};
use oarlock_testkit::modes::open_to_others;
use rusqlite::Connection;

use crate::home::{Home, code_of, ok, state};

const ENDLESS: &str = "CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT * FROM n";
const TRIGGER: &str = "CREATE TRIGGER t AFTER INSERT ON events BEGIN DELETE FROM tasks; END";

fn refusal(outcome: Result<SqliteStore, StoreError>, what: &str) -> String {
    match outcome {
        Err(StoreError::Damaged { message, hint }) => format!("{message}\n{hint}"),
        other => panic!("{what}: {:?}", other.map(drop)),
    }
}

/// A directory called as that of a project, with a store in it.
fn project() -> (tempfile::TempDir, StorePaths) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let place = StorePaths::of_file(dir.path().join(".oarlock/oarlock.db"));
    SqliteStore::create(&place, "T", Options::default()).expect("a new store");
    (dir, place)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

#[test]
fn a_link_in_the_place_of_anything_of_the_store_is_named_and_not_followed() {
    for name in ["oarlock.db", "oarlock.db-wal", "oarlock.db-shm", "oarlock.db-journal", "board", "owners", "bells"] {
        for is_dangling in [false, true] {
            let home = Home::lived_in();
            let (at, other) = (home.beside(name), home.beside("elsewhere"));
            if at.exists() {
                fs::rename(&at, &other).expect("moved");
            } else if ["owners", "bells"].contains(&name) {
                fs::create_dir(&other).expect("a directory");
            } else {
                fs::write(&other, "").expect("a file");
            }
            if is_dangling {
                fs::rename(&other, home.beside("away")).expect("moved");
            }
            symlink("elsewhere", &at).expect("linked");
            let said = refusal(home.try_open(), name);
            assert!(said.contains(name) && said.contains("link to elsewhere") && said.contains("--store"), "{said}");
            refusal(SqliteStore::create(&home.place(), "T", home.options()).map(|(store, _)| store), name);
            let looked = home.admin().doctor(false, false).expect("it looks");
            assert!(!looked.ok, "{name}: {looked:?}");
            assert_eq!(other.exists(), !is_dangling, "{name}: nothing was made where the link leads");
        }
    }
}

#[test]
fn a_link_to_another_projects_directory_is_not_followed() {
    let (other, _) = project();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let link = dir.path().join(".oarlock");
    symlink(other.path().join(".oarlock"), &link).expect("linked");
    let place = StorePaths::of_file(link.join("oarlock.db"));
    let said = refusal(SqliteStore::open(&place, Options::default()), "open");
    assert!(said.contains(".oarlock is a link to") && said.contains("OARLOCK_STORE"), "{said}");
    refusal(SqliteStore::create(&place, "T", Options::default()).map(|(store, _)| store), "create");
    // A directory that is not a project's was named by its user.
    let named = dir.path().join("disk");
    symlink(other.path().join(".oarlock"), &named).expect("linked");
    SqliteStore::open(&StorePaths::of_file(named.join("oarlock.db")), Options::default()).expect("it was named");
}

#[test]
fn a_pipe_or_a_directory_in_the_place_of_a_file_is_refused_at_once() {
    for name in ["oarlock.db", "oarlock.db-wal", "oarlock.db-shm", "board"] {
        let home = Home::lived_in();
        let at = home.beside(name);
        fs::remove_file(&at).expect("a file");
        assert!(Command::new("mkfifo").arg(&at).status().expect("it runs").success());
        assert!(refusal(home.try_open(), name).contains("not a regular file"), "{name}");
        fs::remove_file(&at).expect("a pipe");
        fs::create_dir(&at).expect("a directory");
        assert!(refusal(home.try_open(), name).contains("not a regular file"), "{name}");
    }
}

#[test]
fn a_store_with_a_trigger_a_view_or_a_table_more_is_refused_by_every_way_in() {
    for (sql, name) in [(ENDLESS, "view endless"), (TRIGGER, "trigger t"), ("CREATE TABLE songs (title TEXT)", "table songs")] {
        let home = Home::lived_in();
        home.tamper(sql);
        assert!(refusal(home.try_open(), name).contains(name), "{name}");
        assert_eq!(code_of(home.admin().backup(&home.beside("copy"))), ErrorCode::DataDamaged);
        let looked = home.admin().doctor(false, false).expect("it looks");
        let wrong: Vec<_> =
            looked.checks.iter().filter(|check| !check.ok).map(|check| (&*check.check, check.found.contains(name))).collect();
        assert_eq!((looked.ok, wrong), (false, vec![("schema", true)]), "{looked:?}");
        // As a backup, it is not restored.
        home.settle_file();
        let (other, before) = (Home::lived_in(), Home::lived_in());
        let error = other.admin().restore(&home.file()).expect_err("refused");
        assert!(error.code() == ErrorCode::DataDamaged && error.to_string().contains(name), "{error}");
        assert_eq!(state(&mut other.open()).tasks, state(&mut before.open()).tasks, "the store was not touched");
    }
}

#[test]
fn doctor_rebuilds_a_store_whose_schema_is_another() {
    let home = Home::lived_in();
    let tasks = state(&mut home.open()).tasks.len();
    home.tamper(&format!("{ENDLESS}; {TRIGGER}"));
    let mended = home.admin().doctor(true, false).expect("it mends");
    assert!(mended.ok, "{mended:?}");
    let mut store = home.open();
    ok(&mut store, "-: add after");
    assert_eq!(state(&mut store).tasks.len(), tasks + 1);
    assert!(home.admin().doctor(false, false).expect("it looks").ok);
}

#[test]
fn an_older_store_with_a_trigger_more_is_not_upgraded() {
    let home = Home::empty();
    home.tamper(include_str!("../../migrations/0001_initial.sql"));
    home.tamper(
        "INSERT INTO meta (id, prefix, created_at) VALUES (1, 'T', 0);
         CREATE TRIGGER t AFTER UPDATE ON meta BEGIN DELETE FROM events; END;
         PRAGMA application_id = 0x4F41524C; PRAGMA user_version = 1",
    );
    assert!(refusal(home.try_open(), "open").contains("trigger t"));
    assert_eq!(home.schema_version(), 1);
}

#[test]
fn a_store_is_for_its_owner_alone_and_an_older_one_becomes_so() {
    let (dir, place) = project();
    let mut store = SqliteStore::open(&place, Options::default()).expect("opens");
    ok(&mut store, "ada: join");
    drop(store.listen(oarlock_ops::topic::Topics::NAMED[0].0).expect("it listens"));
    let admin = || oarlock_sqlite::SqliteAdministration::new(place.clone(), Options::default());
    let copy = dir.path().join("copy");
    admin().backup(&copy).expect("a backup");
    assert_eq!(mode(&copy), 0o600);
    let restored = admin().restore(&copy).expect("restored");
    assert!(restored.kept.is_some());
    assert_eq!(open_to_others(dir.path()), Vec::<PathBuf>::new());
    drop(store);
    // As an older program left it.
    let inside =
        [place.file().to_owned(), place.dir().join("oarlock.db-wal"), place.dir().join("oarlock.db-shm"), place.dir().join("board")];
    for (path, bits) in inside.iter().map(|path| (&**path, 0o644)).chain([(place.dir(), 0o755)]) {
        fs::set_permissions(path, fs::Permissions::from_mode(bits)).expect("ours");
    }
    drop(SqliteStore::open(&place, Options::default()).expect("opens"));
    for path in &inside {
        assert_eq!(mode(path), 0o600, "{}", path.display());
    }
    assert_eq!(mode(place.dir()), 0o700);
}

#[test]
fn a_lock_timeout_of_thirty_days_is_a_lock_timeout() {
    let home = Home::new();
    let busy = oarlock_model::duration::Duration::from_ms(oarlock_model::limits::DURATION_MS_MAX).as_std();
    let mut store = SqliteStore::open(&home.place(), Options { busy, ..home.options() }).expect("opens");
    ok(&mut store, "-: add x");
    let conn = Connection::open(home.file()).expect("a database");
    assert_eq!(conn.query_row("SELECT count(*) FROM tasks", [], |row| row.get::<_, i64>(0)).expect("a number"), 1);
}

#[test]
fn a_table_that_is_an_endless_view_ends_nothing_but_the_call() {
    for table in ["tasks", "events", "agents"] {
        let home = Home::lived_in();
        home.tamper(&format!("DROP TABLE {table}; {}", ENDLESS.replace("endless", table)));
        assert!(refusal(home.try_open(), table).contains(&format!("view {table}")));
        let looked = home.admin().doctor(false, false).expect("it looks");
        assert!(!looked.ok, "{looked:?}");
    }
}

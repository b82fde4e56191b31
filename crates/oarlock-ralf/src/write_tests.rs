//! Writers of both kinds beside each other.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::json;

use std::os::unix::fs::PermissionsExt as _;

use std::thread;

use super::*;
use crate::edit::{self, Append};
use crate::lock::while_waiting;
use crate::salvage;

const PATIENCE: Duration = Duration::from_secs(30);

fn event(who: &str, n: usize) -> Vec<(&'static str, serde_json::Value)> {
    vec![("timestamp", json!("2026-02-01T00:00:00Z")), ("type", json!(who)), ("n", json!(n))]
}

fn log(writer: &Writer, file: &Path, who: &str, n: usize) {
    let added = writer.edit(file, &|text| {
        Ok(match edit::append_items(text, "events", &[event(who, n).to_vec()])? {
            Append::AtEnd(more) => Change::Append(more),
            Append::Whole(text) => Change::Whole(text),
        })
    });
    assert!(added.expect("writes"));
}

#[test]
fn modes_stay_and_links_out_are_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let outside = tempfile::tempdir().expect("a folder");
    let writer = Writer::new(dir.path(), PATIENCE);
    let file = dir.path().join("heartbeat.yaml");
    fs::write(&file, "heartbeats: {}\n").expect("a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("a mode");
    assert!(writer.edit(&file, &|text| Ok(Change::Whole(format!("{text}# x\n")))).expect("writes"));
    assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o7777, 0o640);
    assert!(!writer.edit(&file, &|_| Ok(Change::Nothing)).expect("reads"));
    fs::write(outside.path().join("events.yaml"), "").expect("a file");
    std::os::unix::fs::symlink(outside.path().join("events.yaml"), dir.path().join("events.yaml")).expect("a link");
    let refused = writer.edit(&dir.path().join("events.yaml"), &|_| Ok(Change::Append("x".to_owned())));
    assert!(matches!(refused, Err(WriteError::Refused { .. })), "{refused:?}");
    let refused = writer.edit(&outside.path().join("events.yaml"), &|_| Ok(Change::Append("x".to_owned())));
    assert!(matches!(refused, Err(WriteError::Refused { .. })), "{refused:?}");
    let left: Vec<_> = fs::read_dir(dir.path()).expect("a folder").map(|entry| entry.expect("an entry").file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().ends_with(".tmp")), "{left:?}");
}

#[test]
fn a_lock_under_either_name_is_waited_for_and_not_for_ever() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("queue.yaml");
    for name in [".queue.lock", "queue.yaml.lock"] {
        let held = File::create(dir.path().join(name)).expect("a lock");
        held.lock().expect("locks");
        let refused = Writer::new(dir.path(), Duration::from_millis(20)).edit(&file, &|_| Ok(Change::Append("x\n".to_owned())));
        assert!(matches!(refused, Err(WriteError::Locked { .. })), "{refused:?}");
        drop(held);
        assert!(Writer::new(dir.path(), PATIENCE).edit(&file, &|_| Ok(Change::Append("x\n".to_owned()))).expect("writes"));
    }
}

#[test]
fn who_comes_in_between_without_a_lock_is_kept() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("heartbeat.yaml");
    fs::write(&file, "heartbeats:\n  a:\n    n: 0\n").expect("a file");
    let calls = AtomicUsize::new(0);
    let edited = Writer::new(dir.path(), PATIENCE).edit(&file, &|text| {
        if calls.fetch_add(1, Ordering::Relaxed) == 0 {
            // Another program writes while this one is at it.
            fs::write(&file, "heartbeats:\n  a:\n    n: 0\n  b:\n    n: 5\n").expect("a file");
        }
        Ok(Change::Whole(edit::set_block(text, "heartbeats", "a", &[("n", json!(1))])?))
    });
    assert!(edited.expect("writes"));
    assert_eq!(fs::read_to_string(&file).expect("a file"), "heartbeats:\n  a:\n    n: 1\n  b:\n    n: 5\n");
    assert_eq!(calls.load(Ordering::Relaxed), 2);
}

/// Old writers: append under one lock name, rewrite under the other, append without any; and ours, which edit and append.
#[test]
fn nobody_loses_an_event_or_a_heartbeat() {
    const EACH: usize = 40;
    let dir = tempfile::tempdir().expect("a folder");
    let (events, beats) = (dir.path().join("events.yaml"), dir.path().join("heartbeat.yaml"));
    fs::write(&events, "events:\n").expect("a file");
    fs::write(&beats, "heartbeats: {}\nmetadata:\n  timeout_seconds: 120\n").expect("a file");
    let broken = AtomicBool::new(false);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            // No reader ever sees a damaged or half-written heartbeat file.
            while !stop.load(Ordering::Relaxed) {
                let text = fs::read_to_string(&beats).expect("a file");
                broken.fetch_or(crate::yaml::parse(&text).is_err() || !text.contains("timeout_seconds"), Ordering::Relaxed);
                thread::yield_now();
            }
        });
        let workers: Vec<_> = (0..4)
            .flat_map(|k| {
                let (events, beats, root) = (&events, &beats, dir.path());
                let old = scope.spawn(move || {
                    for n in 0..EACH {
                        let item = format!("- timestamp: '2026-02-01T00:00:00Z'\n  type: old{k}\n  n: {n}\n");
                        let lock_name = [".events.lock", "events.yaml.lock"].get(k % 3);
                        let lock = lock_name.map(|name| File::create(root.join(name)).expect("a lock"));
                        if let Some(lock) = &lock {
                            lock.lock().expect("locks");
                        }
                        let mut file = OpenOptions::new().append(true).open(events).expect("a file");
                        file.write_all(item.as_bytes()).expect("writes");
                    }
                });
                let new = scope.spawn(move || {
                    let writer = Writer::new(root, PATIENCE);
                    for n in 0..EACH {
                        log(&writer, events, &format!("new{k}"), n);
                        let own =
                            |text: &str| Ok(Change::Whole(edit::set_block(text, "heartbeats", &format!("agent{k}"), &[("n", json!(n))])?));
                        assert!(writer.edit(beats, &own).expect("writes"));
                    }
                });
                [old, new]
            })
            .collect();
        let failed = workers.into_iter().map(|worker| worker.join().is_err()).fold(false, |a, b| a | b);
        stop.store(true, Ordering::Relaxed);
        assert!(!failed, "a writer failed");
    });
    let read = salvage::list(&fs::read_to_string(&events).expect("a file"), &["events"]);
    assert!(read.damages.is_empty(), "{:?}", read.damages);
    assert_eq!(read.items.len(), 8 * EACH);
    let beats = salvage::blocks(&fs::read_to_string(&beats).expect("a file"), &["heartbeats"]);
    assert_eq!(beats.items.iter().filter(|item| item.fields.get("n") == Some(&json!(EACH - 1))).count(), 4);
    assert!(!broken.load(Ordering::Relaxed), "a reader saw a damaged file");
}

#[test]
fn a_file_that_changes_at_every_look_is_left() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("queue.yaml");
    let writes = AtomicUsize::new(0);
    let refused = Writer::new(dir.path(), PATIENCE).edit(&file, &|text| {
        fs::write(&file, format!("queue: []  # {}\n", writes.fetch_add(1, Ordering::Relaxed))).expect("a file");
        Ok(Change::Whole(format!("{text}ours: 1\n")))
    });
    assert!(matches!(refused, Err(WriteError::Contended { .. })), "{refused:?}");
    assert_eq!(fs::read_to_string(&file).expect("a file"), format!("queue: []  # {}\n", writes.load(Ordering::Relaxed) - 1));
}

#[test]
fn what_is_moved_takes_a_free_name_and_nobody_elses() {
    let dir = tempfile::tempdir().expect("a folder");
    let writer = Writer::new(dir.path(), PATIENCE);
    let at = |name: &str| dir.path().join(name);
    fs::create_dir_all(at("done")).expect("a folder");
    for n in 0..3 {
        fs::write(at("x.md"), format!("{n}")).expect("a file");
        let place = writer.move_to(&at("x.md"), &at("done/x.md")).expect("moves");
        assert_eq!(fs::read_to_string(&place).expect("a file"), n.to_string());
        assert_eq!(place == at("done/x.md"), n == 0);
        assert!(place.extension().is_some_and(|extension| extension == "md"), "{}", place.display());
    }
    assert_eq!(fs::read_to_string(at("done/x.md")).expect("a file"), "0");
    fs::create_dir_all(at("TASK-1")).expect("a folder");
    fs::create_dir_all(at("done/TASK-1")).expect("a folder");
    let place = writer.move_to(&at("TASK-1"), &at("done/TASK-1")).expect("moves");
    assert!(place.to_string_lossy().contains("done/TASK-1.backup."), "{}", place.display());
}

#[test]
fn an_interruption_ends_a_wait_for_a_lock_at_once() {
    static IS_INTERRUPTED: AtomicBool = AtomicBool::new(false);
    while_waiting(|| IS_INTERRUPTED.load(Ordering::Relaxed));
    let dir = tempfile::tempdir().expect("a folder");
    let lock = dir.path().join("x.lock");
    let open = || fs::OpenOptions::new().create(true).append(true).open(&lock).expect("a file");
    let held = open();
    held.lock().expect("a lock");
    let waiting = thread::spawn({
        let file = open();
        move || locked(file, Duration::from_secs(3_600))
    });
    IS_INTERRUPTED.store(true, Ordering::Relaxed);
    let error = waiting.join().expect("no panic").expect_err("interrupted");
    assert!(error.to_string().contains("interrupted"), "{error}");
    IS_INTERRUPTED.store(false, Ordering::Relaxed);
}

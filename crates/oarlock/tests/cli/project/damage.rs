//! Stores that are damaged, of another program, of a newer version, or gone.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use crate::support::{Project, object};

/// A project, and a store in one file with something of everything in it.
fn prepared() -> (Project, Vec<u8>) {
    let project = Project::with(&["ada", "bob"]);
    for line in [
        "add a --id A",
        "add b --id B --needs A",
        "claim A --as ada",
        "sync x=y --as ada",
        "reserve src/** --as ada",
        "send bob --text t --as ada",
    ] {
        project.ok(line);
    }
    for n in 0..40 {
        project.ok(&format!("add 'task number {n}' --body '{}'", "text ".repeat(60)));
    }
    let copy = project.beside("copy.db");
    project.ok(&format!("backup {}", copy.display()));
    let bytes = fs::read(copy).expect("it was just written");
    assert!(bytes.len() > 40_000 && bytes.starts_with(b"SQLite format 3\0"));
    (project, bytes)
}

/// A store of its own with these bytes.
fn store_with(project: &Project, name: &str, bytes: &[u8]) -> PathBuf {
    let file = project.beside(name).join("oarlock.db");
    fs::create_dir_all(file.parent().expect("it has a directory")).expect("a new directory");
    fs::write(&file, bytes).expect("a new file");
    file
}

fn with_bytes(bytes: &[u8], at: usize, new: &[u8]) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    changed[at..at + new.len()].copy_from_slice(new);
    changed
}

#[test]
fn a_backup_is_a_store() {
    let (project, bytes) = prepared();
    let file = store_with(&project, "whole", &bytes);
    let tasks = project.ok(&format!("tasks --store sqlite:{}", file.display()));
    let ids = |reply: serde_json::Value| {
        reply["tasks"].as_array().map(|list| list.iter().map(|t| (t["id"].clone(), t["state"].clone())).collect::<Vec<_>>())
    };
    assert_eq!(ids(tasks), ids(project.ok("tasks")));
    project.fails(&format!("backup {}", project.beside("copy.db").display()), 4, "already_exists");
}

#[test]
fn a_backup_goes_through_pipes_and_leaves_nothing_behind() {
    let (project, _) = prepared();
    let piped = project.beside("piped.db");
    let script = format!("oarlock backup - > {0} && oarlock add later -q && cat {0} | oarlock restore - --json", piped.display());
    let output = project.shell(&script);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tasks = project.ok("tasks")["tasks"].as_array().map(Vec::len);
    assert_eq!(tasks, Some(42), "what came after the backup is gone");
    let of_pipes = |name: &str| name.starts_with("backup-") || name.starts_with("restore-input");
    let left: Vec<_> = fs::read_dir(project.root().join(".oarlock")).expect("a project").filter_map(Result::ok).collect();
    assert!(!left.iter().any(|entry| of_pipes(&entry.file_name().to_string_lossy())), "{left:?}");
    project.fails("backup -", 2, "usage");
    project.call("restore -").input("not a store").fails(65, "data_damaged");
    assert!(project.shell("oarlock backup - | head -c 1 > /dev/null; exit ${PIPESTATUS[0]}").status.success(), "a broken pipe is quiet");
}

#[test]
fn a_store_of_a_newer_version_or_another_program_is_refused_unchanged() {
    let (project, bytes) = prepared();
    // The file's header: user_version at 60, application_id at 68 (sqlite.org/fileformat2.html, section 1.3).
    for (name, at, new) in [("newer", 60, [0, 0, 0, 99]), ("newest", 60, [0x7f, 0xff, 0xff, 0xff]), ("other", 68, [1, 2, 3, 4])] {
        let changed = with_bytes(&bytes, at, &new);
        let file = store_with(&project, name, &changed);
        for verb in ["status", "add t", "init", "claim --as ada"] {
            project.fails(&format!("{verb} --store sqlite:{}", file.display()), 65, "data_damaged");
        }
        assert_eq!(fs::read(&file).expect("it is there"), changed, "{name}");
    }
    let file = store_with(
        &project,
        "text",
        b"this is a text and no database, and it is longer than a header of one hundred bytes, by a little bit more",
    );
    project.fails(&format!("status --store sqlite:{}", file.display()), 65, "data_damaged");
}

/// Whatever is done with a damaged store, the answer is the right one or `data_damaged`, never a crash.
#[track_caller]
fn survives(project: &Project, name: &str, bytes: &[u8]) -> bool {
    let mut damaged = false;
    for (n, verb) in ["status", "tasks", "claim --as bob", "events"].iter().enumerate() {
        let file = store_with(project, &format!("{name}-{n}"), bytes);
        let reply = project.call(&format!("{verb} --store sqlite:{}", file.display())).run();
        let told = reply.code != 0 && object(&reply.stderr, name)["error"]["code"] == "data_damaged";
        // An unreadable name or version of a task is reported as what it then is: not there.
        assert!(reply.code == 0 || told, "{name}: oarlock {}: exit {}: {}", reply.line, reply.code, reply.stderr);
        damaged |= told;
        fs::remove_dir_all(file.parent().expect("it has a directory")).expect("it is there");
    }
    damaged
}

#[test]
fn a_truncated_store_is_damaged_and_crashes_nothing() {
    let (project, bytes) = prepared();
    for len in [1, 99, 100, 512, 4_096, 4_097, 20_000, bytes.len() / 2, bytes.len() - 4_096] {
        assert!(survives(&project, &format!("cut-{len}"), &bytes[..len]), "{len} bytes of {} pass for a store", bytes.len());
    }
}

#[test]
fn flipped_bits_crash_nothing() {
    let (project, bytes) = prepared();
    let pages = bytes.len() / 4_096;
    let mut noticed = 0;
    // The header of each page, and a place in it that differs from page to page.
    for page in 0..pages {
        for at in [page * 4_096 + 3, page * 4_096 + (page * 701 + 40) % 4_096] {
            let flipped = with_bytes(&bytes, at, &[bytes[at] ^ 0x55]);
            noticed += usize::from(survives(&project, &format!("flip-{at}"), &flipped));
        }
    }
    assert!(noticed > 0, "of {} flips none was noticed", pages * 2);
}

#[test]
fn doctor_prints_its_findings_also_when_they_are_bad() {
    let (project, bytes) = prepared();
    let healthy = project.ok("doctor");
    assert_eq!(healthy["ok"], true);
    let file = store_with(&project, "cut", &bytes[..bytes.len() / 2]);
    let reply = project.call(&format!("doctor --store sqlite:{}", file.display())).run();
    assert_eq!(reply.code, 65, "{}", reply.stderr);
    assert_eq!(object(&reply.stdout, "doctor")["ok"], false);
    assert_eq!(fs::read(&file).expect("it is there"), bytes[..bytes.len() / 2], "it only looked");
}

#[test]
fn an_empty_file_is_a_store_that_was_not_finished() {
    let project = Project::none();
    let file = store_with(&project, "empty", b"");
    let reply = project.call(&format!("status --store sqlite:{}", file.display())).run();
    assert!([3, 65].contains(&reply.code), "{} {}", reply.code, reply.stderr);
    project.ok(&format!("init --store sqlite:{}", file.display()));
    project.ok(&format!("status --store sqlite:{}", file.display()));
}

#[test]
fn a_store_deleted_under_a_waiter_ends_its_waiting() {
    let project = Project::with(&["ada"]);
    let cursor = project.ok("status")["cursor"].as_str().expect("a cursor").to_owned();
    let waiting = [
        project.start("claim --wait 60s --as ada"),
        project.start(&format!("events --after {cursor} --wait 60s")),
        project.start("inbox --wait 60s --as ada"),
    ];
    // Anyone who has the store open may still make a file while the directory goes.
    while fs::remove_dir_all(project.root().join(".oarlock")).is_err_and(|error| error.kind() != ErrorKind::NotFound) {
        std::thread::yield_now();
    }
    for call in waiting {
        let reply = call.reply();
        assert!([3, 7].contains(&reply.code), "exit {}: {}", reply.code, reply.stderr);
    }
    project.fails("status", 3, "not_found");
    // Nothing was made again by somebody who only waited.
    assert!(!project.store().exists());
}

#[test]
fn a_store_survives_the_loss_of_what_lies_beside_it() {
    let project = Project::with(&["ada"]);
    project.ok("add t --id T");
    for dir in ["bells", "owners"] {
        fs::remove_dir_all(project.root().join(".oarlock").join(dir)).expect("it is there");
        project.ok("add more");
        project.fails("inbox --wait 1s --as ada", 8, "timed_out");
        assert!(project.root().join(".oarlock/bells").is_dir(), "who waits makes the bells");
    }
    if !cfg!(feature = "portable") {
        fs::remove_file(project.root().join(".oarlock/board")).expect("it is there");
    }
    project.ok("add more");
    project.ok("claim T --as ada");
    project.ok("done T --as ada");
}

#[test]
fn an_export_is_imported_into_an_empty_store_only_and_whole_or_not_at_all() {
    let (project, _) = prepared();
    let file = project.beside("log.jsonl");
    project.ok(&format!("export --out {}", file.display()));
    project.fails(&format!("import {}", file.display()), 4, "state_conflict");
    let other = Project::new();
    let text = fs::read_to_string(&file).expect("it is there");
    let cut: String = text.lines().take(5).map(|line| format!("{line}\n")).collect();
    other.call("import -").input(cut).fails(65, "data_damaged");
    other.call("import -").input("{}\n").fails(65, "data_damaged");
    other.fails("import nope.jsonl", 3, "not_found");
    assert_eq!(other.ok("tasks")["tasks"], serde_json::json!([]));
    other.ok(&format!("import {}", file.display()));
    let ids =
        |project: &Project| project.ok("tasks")["tasks"].as_array().map(|list| list.iter().map(|t| t["id"].clone()).collect::<Vec<_>>());
    assert_eq!(ids(&other), ids(&project));
    // Every session has ended, and tokens go on above all earlier ones.
    other.fails("heartbeat --as ada", 5, "stale_session");
    other.ok("join ada");
    let token = other.claim("A", "ada");
    assert!(token < 1 << 53 && token > project.task("A")["holder"]["token"].as_u64().expect("a number"));
}

#[test]
fn a_restored_store_ends_every_session_and_lease() {
    let project = Project::with(&["ada"]);
    project.ok("add t --id T");
    let old = project.claim("T", "ada");
    let copy = project.beside("copy.db");
    project.ok(&format!("backup {}", copy.display()));
    project.ok("add later --id LATER");
    project.ok(&format!("restore {}", copy.display()));
    project.fails("task LATER", 3, "not_found");
    project.fails(&format!("done T --token {old} --as ada"), 5, "stale_session");
    project.ok("join ada");
    assert!(project.claim("T", "ada") > old);
}

#[test]
fn a_backup_that_is_not_there_is_not_found() {
    Project::new().fails("restore nope.db", 3, "not_found");
}

#[test]
fn a_file_that_is_no_backup_is_named_and_the_store_is_not_blamed() {
    let project = Project::with(&["ada"]);
    project.write("notes.txt", "no database");
    let error = project.fails("restore notes.txt", 65, "data_damaged");
    assert!(error["message"].as_str().is_some_and(|text| text.contains("notes.txt cannot be restored")), "{error}");
    assert_eq!(project.ok("doctor")["ok"], true);
}

#[test]
fn an_export_to_a_dash_is_one_to_standard_output() {
    let project = Project::with(&["ada"]);
    let text = project.text("export --out -");
    assert!(text.lines().count() >= 3 && !project.root().join("-").exists(), "{text}");
}

//! `work` when the store, its directory or the agents around it are gone: no result is lost, and no queue is used up.

use std::fs;

use super::args;
use crate::support::{Project, object};

/// `work` with a shell script, once.
fn once(script: &str) -> Vec<&str> {
    args(&["--as", "ada", "--once"], script)
}

#[test]
fn a_worker_whose_directory_goes_away_gives_back_and_ends() {
    let project = Project::new();
    for n in 1..=3 {
        project.ok(&format!("add t --id T{n}"));
    }
    let dir = project.root().join("below");
    fs::create_dir(&dir).expect("a new directory");
    let error = project.call_args(&args(&["--as", "ada"], "rm -r \"$PWD\"; exit 1")).dir(&dir).fails(2, "invalid_request");
    assert!(error["message"].as_str().is_some_and(|text| text.contains("below is gone")), "{error}");
    for n in 1..=3 {
        let task = project.task(&format!("T{n}"));
        assert_eq!((&task["state"], &task["attempt"]), (&"ready".into(), &0.into()), "{task}");
    }
    assert_eq!(project.ok("agent ada")["agent"]["state"], "left");
}

#[test]
fn a_result_counts_though_its_directory_is_gone_and_nothing_more_is_claimed() {
    let project = Project::new();
    project.ok("add t --id T1");
    project.ok("add t --id T2");
    let dir = project.root().join("below");
    fs::create_dir(&dir).expect("a new directory");
    project.call_args(&args(&["--as", "ada"], "rm -r \"$PWD\"; echo fine")).dir(&dir).fails(2, "invalid_request");
    assert_eq!(project.task("T1")["result"], "fine");
    assert_eq!(project.kinds_of("T2"), ["task_added"]);
}

#[test]
fn a_result_outlives_its_store() {
    let project = Project::new();
    project.ok("add t --id T");
    let error = project.call_args(&once("rm -r .oarlock; echo precious")).fails(7, "store_unavailable");
    let path = error["details"]["kept"].as_str().expect("a path").to_owned();
    assert!(path.starts_with(&*project.home().to_string_lossy()) && error["message"].to_string().contains(&path), "{error}");
    assert_eq!(error["details"]["task"], "T");
    let text = fs::read_to_string(&path).expect("a file");
    let kept: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(kept["result"], "precious");
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::MetadataExt::mode(&fs::metadata(&path).expect("it is there")) & 0o777, 0o600);
    // Another store at the same place has another task of this name: neither is it done, nor does it get a note.
    project.ok("init");
    project.ok("add t --id T");
    project.call_args(&once("echo mine")).ok();
    assert_eq!(project.task("T")["result"], "mine");
    assert!(!project.kinds_of("T").contains(&"task_noted".to_owned()));
    assert!(fs::exists(&path).expect("it can be looked at"), "it stays for people");
}

#[test]
fn a_run_whose_store_goes_away_keeps_what_its_workers_finish() {
    let project = Project::new();
    project.ok("add t --id T");
    let script = "rm -r .oarlock; sleep 1; echo precious";
    let reply = project.call_args(&["run", "T", "--agents", "1", "--", "sh", "-c", script]).run();
    assert_eq!(reply.code, 7, "{}", reply.stderr);
    let kept: Vec<String> = fs::read_dir(project.home().join(".local/state/oarlock"))
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_file())
        .map(|path| fs::read_to_string(path).expect("a text"))
        .collect();
    assert!(kept.len() == 1 && kept[0].contains("precious"), "{kept:?}");
}

#[test]
fn a_run_ends_when_what_it_needs_from_outside_is_dead() {
    let project = Project::with(&["bob"]);
    for line in ["add x --id X", "add y --id Y --needs X", "add p --id P", "add a --id A --parent P --needs Y", "cancel X"] {
        project.ok(line);
    }
    // Somebody else is there who could do the ready tasks; nobody can do the stuck ones.
    let reply = project.call_args(&["run", "P", "--agents", "1", "--", "true"]).run();
    let error = reply.fails(4, "state_conflict");
    assert!(error["message"].as_str().is_some_and(|text| text.contains("A needs Y") && text.contains("stuck")), "{error}");
    assert_eq!(object(&reply.stdout, "run")["parts"][0]["id"], "A");
}

#[test]
fn a_run_waits_for_what_others_are_doing_outside_of_it() {
    let project = Project::with(&["bob"]);
    for line in ["add x --id X", "add p --id P", "add a --id A --parent P --needs X"] {
        project.ok(line);
    }
    project.claim("X", "bob");
    let running = project.call_args(&["run", "P", "--agents", "1", "--", "echo", "did it"]).start();
    // Its worker is there: it has looked at the tasks by now, or does so next.
    while project.ok("agents")["active"] != 2 {}
    project.ok("done X --as bob");
    let report = running.reply().ok();
    assert_eq!(report["parts"].as_array().map(|parts| parts.iter().all(|part| part["state"] == "done")), Some(true), "{report}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_path_that_is_no_text_is_handed_on_as_it_is() {
    use std::ffi::{OsStr, OsString};
    use std::os::unix::ffi::OsStrExt;
    let project = Project::none();
    let dir = project.root().join(OsStr::from_bytes(b"caf\xe9"));
    fs::create_dir(&dir).expect("a new directory");
    let call = |line: &str| project.call(line).dir(&dir);
    call("init").ok();
    call("add t --id T").ok();
    // From another directory only OARLOCK_STORE leads to the store.
    let script = r#"cd / && "$BIN" note T 'from inside' -q && "$BIN" task T -q && printf %s "$OARLOCK_STORE" | od -An -tx1 | tr -d ' \n'"#;
    project.call_args(&once(script)).dir(&dir).env("BIN", env!("CARGO_BIN_EXE_oarlock")).ok();
    let shown = call("task T").ok();
    let result = shown["task"]["result"].as_str().expect("a text");
    assert!(shown["task"]["state"] == "done" && result.contains("636166e9"), "{shown}");
    let mut url = OsString::from("sqlite:");
    url.push(dir.join(".oarlock/oarlock.db"));
    assert_eq!(project.call("tasks").env("OARLOCK_STORE", &url).ok()["tasks"][0]["id"], "T");
    let args = [OsStr::new("--store"), &url, OsStr::new("doctor")];
    assert_eq!(project.call_args(&args).ok()["ok"], true);
    project.write("plan.md", crate::support::THREE_PARTS);
    let report = call("run ../plan.md --agents 2 -- true").ok();
    assert_eq!(report["state"], "done", "{report}");
}

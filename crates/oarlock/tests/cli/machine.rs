//! Effects of a real machine on a store: full disks, file systems that become read-only, too few open files, and time namespaces. Where a
//! test may not make a namespace (`unshare` of util-linux, as root of its own), it says so and looks at nothing.

use serde_json::Value;
use std::io::Write;
use std::process::{Command, Stdio};

use crate::support::Project;

/// Runs a shell script in a namespace of its own, with the program as `$O` and the project's root as the current directory; what it printed, line by
/// line. None where no such namespace can be made.
fn inside(project: &Project, unshare: &[&str], script: &str) -> Option<Vec<String>> {
    let run = |script: &str| {
        let mut command = Command::new("unshare");
        project.clean(&mut command);
        command.args(unshare).args(["sh", "-c", script]).env("O", env!("CARGO_BIN_EXE_oarlock")).current_dir(project.root());
        command.stdin(Stdio::null()).output()
    };
    if !run("true").is_ok_and(|output| output.status.success()) {
        write!(std::io::stderr(), "skipped: no namespace can be made here: unshare {}", unshare.join(" ")).expect("writes");
        return None;
    }
    let output = run(script).expect("it could be started before");
    let (said, complaint) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{complaint}\n{said}");
    Some(said.lines().map(str::to_owned).collect())
}

fn json(line: &str) -> Value {
    serde_json::from_str(line).expect(line)
}

/// The refusal of a store that cannot be written, with its exit code in the next line.
fn assert_unavailable(lines: &[String]) {
    assert_eq!(json(&lines[0])["error"]["code"], "store_unavailable", "{lines:?}");
    assert_eq!(lines[1], "exit 7", "{lines:?}");
}

/// The next task is added, and the store is sound: both with their exit codes.
fn assert_goes_on(lines: &[String]) {
    assert_eq!((&json(&lines[0])["task"]["title"], &*lines[1]), (&Value::from("two"), "exit 0"), "{lines:?}");
    assert_eq!((&json(&lines[2])["ok"], &*lines[3]), (&Value::from(true), "exit 0"), "{lines:?}");
}

#[test]
fn a_full_disk_refuses_and_goes_on_when_there_is_room() {
    let project = Project::none();
    let script = r#"
        set -e
        mount -t tmpfs -o size=2m none .
        cd "$PWD"
        $O init >/dev/null
        $O add one >/dev/null
        head -c 200000 /dev/zero | tr '\0' x > big
        cat /dev/zero > fill 2>/dev/null || true
        set +e
        $O add two --body-file big --json 2>&1; echo "exit $?"
        $O tasks --json; echo "exit $?"
        rm fill
        $O add two --body-file big --json; echo "exit $?"
        $O doctor --json; echo "exit $?"
    "#;
    let Some(lines) = inside(&project, &["-rm"], script) else { return };
    assert_unavailable(&lines);
    assert_eq!((json(&lines[2])["tasks"].as_array().map(Vec::len), &*lines[3]), (Some(1), "exit 0"), "{lines:?}");
    assert_goes_on(&lines[4..]);
}

#[test]
fn a_result_is_not_lost_on_a_full_disk() {
    let project = Project::none();
    let script = r#"
        set -e
        mount -t tmpfs -o size=4m none .
        cd "$PWD"
        $O init >/dev/null
        $O add one --id ONE >/dev/null
        $O add two --id TWO >/dev/null
        set +e
        fill='cat /dev/zero > fill 2>/dev/null; head -c 200000 /dev/zero | tr "\0" x'
        full() { : >"$HOME/said"; $O work --as ada --once -- sh -c "$fill" >"$HOME/report" 2>"$HOME/said" & }
        full
        until grep -q 'trying again' "$HOME/said"; do :; done
        rm fill
        wait $!; echo "exit $?"
        $O task ONE --json
        full
        until grep -q 'trying again' "$HOME/said"; do :; done
        kill -TERM $!
        wait $!; echo "exit $?"
        tail -n 2 "$HOME/said" | head -n 1
        rm fill
        $O work --as bob --once --json -- echo again 2>&1; echo "exit $?"
        $O task TWO --json
    "#;
    let Some(lines) = inside(&project, &["-rm"], script) else { return };
    // It waits for room, and is done then.
    assert_eq!(lines[0], "exit 0", "{lines:?}");
    let result = |line: &str| json(line)["task"]["result"].as_str().map(str::len);
    assert_eq!(result(&lines[1]), Some(200_000));
    // Interrupted, it keeps the result where there is room; the next worker hands it in, that holder, and has nothing else to do.
    assert_eq!(lines[2], "exit 130", "{lines:?}");
    assert!(lines[3].contains("the result of TWO is kept in") && lines[3].contains("oarlock-result-"), "{}", lines[3]);
    assert_eq!((&json(&lines[4])["error"]["code"], &*lines[5]), (&Value::from("nothing_ready"), "exit 8"), "{lines:?}");
    assert_eq!((result(&lines[6]), &json(&lines[6])["task"]["state"]), (Some(200_000), &Value::from("done")));
    let kept = std::fs::read_dir(project.home().join(".local/state/oarlock")).into_iter().flatten().flatten();
    let kept = kept.filter(|entry| entry.path().is_file()).count();
    assert_eq!(kept, 0, "what was handed in is not kept");
}

#[test]
fn a_file_system_that_becomes_read_only_refuses_and_is_used_again() {
    let project = Project::none();
    let script = r#"
        set -e
        mount -t tmpfs -o size=9m none .
        cd "$PWD"
        $O init >/dev/null
        $O add one >/dev/null
        mount -o remount,ro "$PWD"
        set +e
        $O add two --json 2>&1; echo "exit $?"
        mount -o remount,rw "$PWD"
        $O add two --json; echo "exit $?"
        $O doctor --json; echo "exit $?"
    "#;
    let Some(lines) = inside(&project, &["-rm"], script) else { return };
    assert_unavailable(&lines);
    assert_goes_on(&lines[2..]);
}

/// Questions to a store, each with what its reply has.
const QUESTIONS: [(&str, &str); 12] = [
    ("tasks", "tasks"),
    ("status", "agents"),
    ("events", "events"),
    ("ready", "tasks"),
    ("agents --all", "agents"),
    ("task T-1", "task"),
    ("state", "entries"),
    ("reservations", "reservations"),
    ("check src/a.rs", "reservations"),
    ("prime --as ada", "text"),
    ("doctor", "ok"),
    ("init", "project"),
];

/// A shell's words for asking all of them, and for refusals.
fn asking() -> String {
    let mut script = String::from("set +e\n");
    for (line, _) in QUESTIONS {
        script.push_str(&format!("$O {line} --json 2>&1; echo \"exit $?\"\n"));
    }
    for line in ["add two", "claim --as ada", "heartbeat --as ada", "inbox --as ada", "doctor --fix"] {
        script.push_str(&format!("$O {line} --json 2>&1; echo \"exit $?\"\n"));
    }
    script
}

/// All were answered, and what would have had to be written was refused with what to do.
fn assert_is_read(lines: &[String]) {
    for (n, (line, field)) in QUESTIONS.iter().enumerate() {
        assert_eq!(lines[2 * n + 1], "exit 0", "{line}: {}", lines[2 * n]);
        assert!(!json(&lines[2 * n])[*field].is_null(), "{line}: {}", lines[2 * n]);
    }
    let tasks = json(&lines[0])["tasks"].clone();
    assert_eq!(tasks.as_array().map(Vec::len), Some(3), "{tasks}");
    assert_eq!(json(&lines[2 * 10])["ok"], true);
    let refused = &lines[2 * QUESTIONS.len()..];
    assert_eq!(refused.len(), 10, "{refused:?}");
    for pair in refused.chunks(2) {
        assert_unavailable(pair);
        let error = json(&pair[0])["error"].clone();
        assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("writable")), "{error}");
    }
}

/// The history of a store before it becomes read-only: also facts that time and death have made due since.
const LIVED: &str = r#"
    $O init >/dev/null
    $O join ada >/dev/null
    sh -c '$O join bob --pid $$ >/dev/null; $O add one >/dev/null; $O claim T-1 --as bob --ttl 1s >/dev/null'
    $O add later --not-before 1s >/dev/null
    $O add last >/dev/null
    $O reserve src/** --ttl 1s --as ada >/dev/null
    $O send ada --text hello --as ada >/dev/null
    while $O check src/a.rs >/dev/null 2>&1; [ $? = 4 ]; do $O inbox --new --wait 1s --as ada >/dev/null 2>&1 || true; done
    sh -c '$O join carl --pid $$ >/dev/null'
"#;

#[test]
fn a_read_only_store_answers_every_question_and_says_what_it_cannot_do() {
    // As it was left, without the memory that SQLite shares, and without its log.
    for left in
        ["true", "rm -f .oarlock/oarlock.db-shm", "$O backup b.db >/dev/null; rm -r .oarlock/oarlock.db*; mv b.db .oarlock/oarlock.db"]
    {
        let project = Project::none();
        let script = format!(
            "set -e\nmount -t tmpfs -o size=19m none .\ncd \"$PWD\"\n{LIVED}\n{left}\nmount -o remount,ro \"$PWD\"\n{}\nmount -o remount,rw \"$PWD\"\n$O add four --json\n",
            asking()
        );
        let Some(lines) = inside(&project, &["-rm"], &script) else { return };
        let (last, asked) = lines.split_last().expect("it said something");
        assert_is_read(asked);
        assert_eq!(json(last)["task"]["title"], "four", "it is written again");
    }
}

#[test]
fn who_may_only_read_sees_what_others_write() {
    let project = Project::none();
    let script = format!(
        r#"
        set -e
        mkdir rw ro
        mount --bind rw ro
        mount -o remount,bind,ro ro
        cd rw
        {LIVED}
        ($O events --follow --limit 9999 >/dev/null 2>&1 & echo $! >../writer)
        cd ../ro
        {}
        cursor="$($O status --json | sed 's/.*"cursor":"\([^"]*\)".*/\1/')"
        $O events --after "$cursor" --wait 20s --json &
        reader=$!
        (cd ../rw; $O add four >/dev/null)
        wait $reader; echo "exit $?"
        kill $(cat ../writer)
        "#,
        asking()
    );
    let Some(lines) = inside(&project, &["-rm"], &script) else { return };
    let (asked, heard) = lines.split_at(lines.len() - 2);
    assert_is_read(asked);
    assert_eq!((&json(&heard[0])["events"][0]["kind"], &*heard[1]), (&Value::from("task_added"), "exit 0"), "{heard:?}");
}

#[test]
fn tasks_of_files_on_a_read_only_disk_are_not_granted_and_others_are() {
    let project = Project::none();
    let script = r#"
        set -e
        queue=p/.autonomous/agents/communications/queue.yaml
        mkdir -p "$(dirname $queue)" p/tasks/active/TASK-1
        printf 'queue:\n  - id: TASK-2\n    status: pending\n' >$queue
        printf '# TASK-1: x\n\n**Status:** pending\n' >p/tasks/active/TASK-1/task.md
        export OARLOCK_STORE="sqlite:$PWD/store.db"
        $O ralf attach p >/dev/null
        $O join ada >/dev/null
        $O ralf sync p >/dev/null
        $O add own --id OWN-1 >/dev/null
        mount --bind p p
        mount -o remount,bind,ro p
        set +e
        $O claim TASK-1 --as ada --json 2>&1; echo "exit $?"
        $O claim TASK-2 --as ada --json 2>&1; echo "exit $?"
        $O task TASK-1 --json; $O task TASK-2 --json
        $O claim OWN-1 --as ada --json; echo "exit $?"
        umount p
        $O claim TASK-2 --as ada --json; echo "exit $?"
        grep -c in_progress $queue
    "#;
    let Some(lines) = inside(&project, &["-rm"], script) else { return };
    for refused in [&lines[0..2], &lines[2..4]] {
        assert_unavailable(refused);
        let message = json(&refused[0])["error"]["message"].to_string();
        assert!(message.contains("queue") && message.contains("Read-only"), "{message}");
    }
    assert_eq!([&lines[4], &lines[5]].map(|line| json(line)["task"]["state"].clone()), ["ready", "ready"], "{lines:?}");
    assert_eq!([&*lines[7], &*lines[9], &*lines[10]], ["exit 0", "exit 0", "1"], "{lines:?}");
    assert_eq!(json(&lines[8])["task"]["id"], "TASK-2");
}

#[test]
fn too_few_open_files_refuse_at_any_call_and_change_nothing() {
    let project = Project::with(&["ada"]);
    let (mut added, mut refused) = (0, 0);
    for files in 3..28 {
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("ulimit -n {files}; exec \"$O\" add task --json")])
            .env("O", env!("CARGO_BIN_EXE_oarlock"))
            .current_dir(project.root());
        project.clean(&mut command);
        let output = command.output().expect("a shell");
        match output.status.code() {
            Some(0) => added += 1,
            Some(7) => refused += 1,
            // With no file left to be opened not even the libraries of the program can be.
            code => assert_eq!(code, Some(127), "{files} files: {}", String::from_utf8_lossy(&output.stderr)),
        }
    }
    assert!(added > 5 && refused > 2, "{added} added, {refused} refused");
    assert_eq!(project.ok("tasks --limit 1000")["tasks"].as_array().map(Vec::len), Some(added));
    assert_eq!(project.ok("doctor")["ok"], true);
}

#[test]
#[cfg(not(feature = "portable"))]
fn a_time_namespace_with_another_offset_ends_no_lease_early_and_keeps_none() {
    for offset_s in ["100000000", "-10"] {
        let project = Project::with(&["ada", "bob"]);
        project.ok("add long --id L");
        project.ok("add short --id S");
        project.ok("claim L --ttl 1h --as ada");
        let script = "$O claim L --as bob --json 2>&1; echo \"exit $?\"; $O claim S --ttl 1s --as bob --json; $O agents --json";
        let Some(lines) = inside(&project, &["-rT", "--monotonic", offset_s, "--boottime", offset_s], script) else { return };
        assert_eq!((&json(&lines[0])["error"]["code"], &*lines[1]), (&Value::from("lease_held"), "exit 4"), "{offset_s}: {lines:?}");
        assert_eq!(json(&lines[2])["lease"]["task"], "S", "{offset_s}: {lines:?}");
        assert!(
            json(&lines[3])["agents"].as_array().is_some_and(|agents| agents.iter().all(|agent| agent["state"] == "active")),
            "{lines:?}"
        );
        // A claim made inside ends outside, after its second.
        let stolen = project.ok("claim --wait 20s --as ada");
        assert_eq!(stolen["lease"]["task"], "S", "{offset_s}");
        let out = project.ok("events --kind lease_lost")["events"][0].clone();
        assert_eq!(out["data"]["reason"], "expired", "{out}");
    }
}

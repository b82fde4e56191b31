//! Projects: where the store is, how it is configured, and what becomes of stores that are damaged or gone.

mod damage;
mod place;

use std::fs;
use std::process::Command;

use crate::support::{Project, words};

#[test]
fn init_is_safe_to_repeat() {
    let project = Project::none();
    let first = project.ok("init --prefix JOB")["project"].clone();
    assert_eq!(first["created"], true);
    let root = fs::canonicalize(project.root()).expect("it is there");
    assert_eq!(first["root"].as_str().map(fs::canonicalize).expect("a path").expect("it is there"), root);
    assert!(first["store"].as_str().is_some_and(|url| url.starts_with("sqlite:") && url.ends_with("/.oarlock/oarlock.db")), "{first}");
    assert_eq!(project.ok("add t")["task"]["id"], "JOB-1");
    let again = project.ok("init")["project"].clone();
    assert_eq!((&again["created"], &again["store"]), (&false.into(), &first["store"]));
    assert_eq!(project.ok("tasks")["tasks"].as_array().map(Vec::len), Some(1));
    let many: Vec<_> = (0..6).map(|_| project.start("init")).collect();
    for call in many {
        call.reply().ok();
    }
}

#[test]
fn init_refuses_another_prefix_than_the_projects() {
    let project = Project::none();
    assert_eq!(project.ok("init --prefix JOB")["project"]["created"], true);
    assert_eq!(project.ok("init --prefix JOB")["project"]["created"], false);
    let error = project.fails("init --prefix T", 4, "state_conflict");
    assert_eq!((&error["details"]["prefix"], &error["details"]["wanted"]), (&"JOB".into(), &"T".into()), "{error}");
    let message = error["message"].as_str().unwrap_or_default();
    assert!(message.contains("has the prefix JOB, not T"), "{message}");
    assert_eq!(project.ok("add t")["task"]["id"], "JOB-1", "nothing has changed");
    // The prefix that is used when none is given is refused as well, if it is asked for.
    let plain = Project::new();
    plain.ok("init --prefix T");
    plain.fails("init --prefix JOB", 4, "state_conflict");
}

#[test]
fn many_processes_that_make_one_project_make_it_once() {
    let project = Project::none();
    let many: Vec<_> = (0..8).map(|_| project.start("init")).collect();
    let made = many.into_iter().map(|call| call.reply().ok()).filter(|reply| reply["project"]["created"] == true).count();
    assert_eq!(made, 1);
}

#[test]
fn git_sees_nothing_of_the_project_but_its_configuration() {
    let project = Project::git();
    project.ok("init");
    project.ok("add t");
    let seen = || project.git_in(&project.root(), "status --porcelain --untracked-files=all");
    assert_eq!(seen(), "");
    project.write(".oarlock/config.toml", "agents = 2\n");
    assert_eq!(seen(), "?? .oarlock/config.toml\n");
    project.git_in(&project.root(), "check-ignore .oarlock/oarlock.db .oarlock/.gitignore .oarlock/oarlock.db-wal");
    // What a person changed there stays.
    project.write(".oarlock/.gitignore", "*\n");
    project.ok("init");
    assert_eq!(fs::read_to_string(project.root().join(".oarlock/.gitignore")).expect("it is there"), "*\n");
}

#[test]
fn a_project_is_found_from_below_and_belongs_to_the_repository() {
    let project = Project::git();
    let below = project.root().join("a/b");
    fs::create_dir_all(&below).expect("a new directory");
    project.call("init").dir(&below).ok();
    assert!(project.store().exists() && !below.join(".oarlock").exists());
    project.call("add t").dir(&below).ok();
    assert_eq!(project.ok("tasks")["tasks"].as_array().map(Vec::len), Some(1));
}

#[test]
fn linked_worktrees_share_the_store_of_the_main_one() {
    let project = Project::git();
    let linked = project.beside("linked");
    project.git_in(&project.root(), &format!("worktree add --quiet {}", linked.display()));
    project.call("init").dir(&linked).ok();
    assert!(project.store().exists() && !linked.join(".oarlock").exists());
    project.ok("add here");
    fs::create_dir_all(linked.join("x/y")).expect("a new directory");
    assert_eq!(project.call("tasks").dir(linked.join("x/y")).ok()["tasks"].as_array().map(Vec::len), Some(1));
    assert_eq!(project.git_in(&linked, "status --porcelain"), "");
}

#[test]
fn a_bare_repository_keeps_its_store_inside() {
    let project = Project::git();
    let bare = project.beside("bare.git");
    project.git_in(&project.root(), &format!("clone --quiet --bare . {}", bare.display()));
    project.call("init").dir(&bare).ok();
    assert!(bare.join(".oarlock/oarlock.db").exists());
    let linked = project.beside("of-bare");
    project.git_in(&bare, &format!("worktree add --quiet {}", linked.display()));
    project.call("add t").dir(&linked).ok();
    assert_eq!(project.call("tasks").dir(&bare).ok()["tasks"].as_array().map(Vec::len), Some(1));
}

#[test]
fn without_git_the_nearest_project_upward_counts() {
    let project = Project::new();
    let below = project.root().join("a/b");
    fs::create_dir_all(&below).expect("a new directory");
    project.call("add outer").dir(&below).ok();
    fs::create_dir_all(below.join(".oarlock")).expect("a new directory");
    project.call("init").dir(&below).ok();
    assert_eq!(project.call("tasks").dir(&below).ok()["tasks"], serde_json::json!([]));
    assert_eq!(project.ok("tasks")["tasks"].as_array().map(Vec::len), Some(1));
    let elsewhere = Project::none();
    let error = elsewhere.fails("tasks", 3, "not_found");
    assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("oarlock init")), "{error}");
    assert!(!elsewhere.root().join(".oarlock").exists());
}

#[test]
fn without_git_init_makes_a_project_in_the_current_directory() {
    let project = Project::new();
    let below = project.root().join("a/b");
    fs::create_dir_all(&below).expect("a new directory");
    project.call("init").dir(&below).ok();
    assert!(below.join(".oarlock/oarlock.db").exists());
}

#[test]
fn a_store_is_named_by_its_url() {
    let project = Project::none();
    let url = format!("sqlite:{}", project.beside("stores/s.db").display());
    fs::create_dir_all(project.beside("stores")).expect("a new directory");
    project.fails(&format!("tasks --store {url}"), 3, "not_found");
    assert_eq!(project.ok(&format!("init --store {url}"))["project"]["store"], url);
    project.ok(&format!("add t --store {url}"));
    // A relative path is seen from the current directory.
    let reply = project.call("tasks --store sqlite:s.db").dir(project.beside("stores")).ok();
    assert_eq!(reply["tasks"].as_array().map(Vec::len), Some(1));
    for url in ["mysql://x", "sqlite:", "s.db"] {
        project.fails(&format!("tasks --store {url}"), 2, "invalid_request");
    }
    // Two stores in one directory do not meet.
    let other = format!("sqlite:{}", project.beside("stores/t.db").display());
    project.ok(&format!("init --store {other}"));
    assert_eq!(project.ok(&format!("tasks --store {other}"))["tasks"], serde_json::json!([]));
}

#[test]
fn a_configuration_that_comes_with_a_repository_chooses_no_store_key_or_command() {
    let project = Project::new();
    for key in ["store", "key", "access_key", "command", "url"] {
        project.write(".oarlock/config.toml", format!("agents = 3\n{key} = \"x\"\n"));
        let error = project.fails("status", 9, "denied");
        assert!(error["message"].as_str().is_some_and(|text| text.contains("line 2")), "{error}");
    }
}

#[test]
fn a_damaged_configuration_is_told_with_its_line() {
    let project = Project::new();
    for (text, line) in [
        ("agents = 3\nlease_ttl = \"soon\"\n", 2),
        ("agents = \n", 1),
        ("\n\nagents = 0\n", 3),
        ("nonsense = 1\n", 1),
        ("lease_ttl = 5\n", 1),
        ("[a]\n[a]\n", 2),
    ] {
        project.write(".oarlock/config.toml", text);
        let error = project.fails("status", 65, "data_damaged");
        assert_eq!(error["details"]["line"], line, "{text}: {error}");
        assert!(error["message"].as_str().is_some_and(|message| message.contains("config.toml")), "{error}");
    }
    project.write(".oarlock/config.toml", b"\xff");
    project.fails("status", 65, "data_damaged");
    project.write(".oarlock/config.toml", "x = 1\n".repeat(100_000));
    project.fails("status", 65, "data_damaged");
    fs::remove_file(project.root().join(".oarlock/config.toml")).expect("it is there");
    project.ok("status");
}

#[test]
fn a_directory_that_cannot_be_written_is_said_to_be_so() {
    // A file is where the directory should be: that stops every user, the superuser too.
    let project = Project::none();
    project.write(".oarlock", "");
    let error = project.fails("init", 7, "store_unavailable");
    assert!(error["message"].as_str().is_some_and(|text| text.contains(".oarlock")), "{error}");
    let project = Project::none();
    project.write("file", "");
    project.fails("init --store sqlite:file/oarlock.db", 7, "store_unavailable");
}

#[test]
fn version_and_help_are_there() {
    let project = Project::none();
    let version = project.text("--version");
    assert!(version.starts_with("oarlock ") && version.trim().ends_with(env!("CARGO_PKG_VERSION")), "{version}");
    let help = project.text("--help");
    for verb in [
        "init",
        "join",
        "agents",
        "agent",
        "heartbeat",
        "leave",
        "add",
        "update",
        "note",
        "tasks",
        "task",
        "ready",
        "depend",
        "split",
        "claim",
        "renew",
        "done",
        "fail",
        "release",
        "requeue",
        "cancel",
        "approve",
        "reject",
        "wait",
        "sync",
        "state",
        "state-set",
        "state-delete",
        "reserve",
        "unreserve",
        "reservations",
        "check",
        "send",
        "inbox",
        "ack",
        "thread",
        "propose",
        "vote",
        "decision",
        "events",
        "status",
        "prime",
        "run",
        "work",
        "export",
        "import",
        "backup",
        "restore",
        "doctor",
    ] {
        assert!(help.lines().any(|line| line.trim_start().starts_with(&format!("{verb} "))), "{verb} is not in\n{help}");
        let own = project.text(&format!("{verb} --help"));
        assert!(own.contains("Usage: oarlock") && own.contains("--json"), "{own}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let project = Project::new();
    // More than a pipe holds.
    for n in 0..4 {
        project.call(&format!("add t{n} --body -")).input("x".repeat(200_000)).ok();
    }
    for line in ["events", "events --json", "tasks --json", "task T-1", "export"] {
        let mut running = project.call(line).plain().start();
        let _ = running.line();
        running.close();
        let output = running.output();
        assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""), "{line}");
    }
}

/// The output on a terminal, where a program that makes terminals is there.
fn on_terminal(project: &Project, line: &str, environment: &[(&str, &str)]) -> Option<String> {
    let inner = std::iter::once(env!("CARGO_BIN_EXE_oarlock").to_owned()).chain(words(line)).collect::<Vec<_>>().join(" ");
    let mut command = Command::new("script");
    project.clean(&mut command);
    command.args(["-q", "-e", "-c", &inner, "/dev/null"]).current_dir(project.root()).env("TERM", "xterm");
    command.envs(environment.iter().copied());
    let output = command.stdin(std::process::Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn colour_is_for_terminals_and_the_environment_is_respected() {
    let project = Project::new();
    project.ok("add t --id T");
    assert!(!project.text("tasks").contains('\u{1b}'));
    let forced = |line: &str, more: &str| {
        let reply = project.call(line).plain().env("CLICOLOR_FORCE", "1").env(more, "1").run();
        assert_eq!(reply.code, 0, "{}", reply.stderr);
        reply.stdout
    };
    assert!(forced("tasks", "X").contains("\u{1b}[1mT\u{1b}[0m"), "also into a pipe");
    assert!(!forced("tasks", "NO_COLOR").contains('\u{1b}') && !forced("tasks --json", "X").contains('\u{1b}'));
    if let Some(text) = on_terminal(&project, "tasks", &[]) {
        assert!(text.contains('T') && text.contains('\u{1b}'), "{text:?}");
        for unwanted in [("NO_COLOR", "1"), ("TERM", "dumb"), ("CLICOLOR", "0")] {
            let plain = on_terminal(&project, "tasks", &[unwanted]).expect("it worked before");
            assert!(plain.contains('T') && !plain.contains('\u{1b}'), "{unwanted:?}: {plain:?}");
        }
        let json = on_terminal(&project, "tasks --json", &[]).expect("it worked before");
        assert!(json.contains("\"tasks\"") && !json.contains('\u{1b}'), "{json:?}");
    }
}

#[test]
fn what_takes_a_while_is_named_on_a_terminal_until_it_is_done() {
    let project = Project::new();
    let Some(text) = on_terminal(&project, "selftest --seconds 2 --processes 2", &[]) else { return };
    let named = text.find("2 processes race for 2 s (").expect("it is named");
    let report = text.find("everything held").expect("it ends well");
    assert!(named < report && text[named..report].contains("\u{1b}[2K"), "the line is taken back: {text:?}");
    // A terminal that cannot take a line back gets none.
    let dumb = on_terminal(&project, "selftest --seconds 2 --processes 2", &[("TERM", "dumb")]).expect("it worked before");
    assert!(!dumb.contains("race for") && !dumb.contains('\u{1b}'), "{dumb:?}");
}

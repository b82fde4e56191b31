//! Common flags, the environment, and which of them counts.

use crate::support::{Project, object};

#[test]
fn common_flags_stand_before_or_after_the_verb() {
    let project = Project::with(&["ada"]);
    let url = format!("sqlite:{}", project.store().display());
    for line in [
        "--as ada --json heartbeat".to_owned(),
        "heartbeat --as ada --json".to_owned(),
        "--as ada heartbeat --json".to_owned(),
        format!("--store {url} --busy 5s heartbeat --as ada --json"),
        format!("--json heartbeat --as ada --busy 5s --store {url}"),
        "--as ada --session SESSION heartbeat --json".replace("SESSION", &project.session("ada")),
    ] {
        assert_eq!(project.call(&line).plain().run().ok()["agent"]["name"], "ada", "{line}");
    }
}

#[test]
fn the_environment_says_who_calls_and_a_flag_says_otherwise() {
    let project = Project::with(&["ada", "bob"]);
    assert_eq!(project.call("heartbeat").env("OARLOCK_AGENT", "ada").ok()["agent"]["name"], "ada");
    assert_eq!(project.call("heartbeat --as bob").env("OARLOCK_AGENT", "ada").ok()["agent"]["name"], "bob");
    project.call("heartbeat").env("OARLOCK_AGENT", "never").fails(3, "not_found");
    project.call("heartbeat").env("OARLOCK_AGENT", "../x").fails(2, "invalid_request");
    // An empty variable is none.
    project.call("heartbeat").env("OARLOCK_AGENT", "").fails(2, "identity_required");
    assert_eq!(project.call("join").env("OARLOCK_AGENT", "carl").ok()["agent"]["name"], "carl");
    assert_eq!(project.call("join dora").env("OARLOCK_AGENT", "carl").ok()["agent"]["name"], "dora");
}

#[test]
fn the_environment_says_which_session_and_a_flag_says_otherwise() {
    let project = Project::with(&["ada", "bob"]);
    let old = project.session("ada");
    project.ok("join ada --take-over");
    let new = project.session("ada");
    project.call("heartbeat --as ada").env("OARLOCK_SESSION", &old).fails(5, "stale_session");
    project.call("heartbeat --as ada").env("OARLOCK_SESSION", &new).ok();
    assert_eq!(project.call("heartbeat").env("OARLOCK_SESSION", &new).ok()["agent"]["name"], "ada");
    project.call(&format!("heartbeat --as ada --session {new}")).env("OARLOCK_SESSION", &old).ok();
    project.call(&format!("heartbeat --as ada --session {old}")).env("OARLOCK_SESSION", &new).fails(5, "stale_session");
    // Another agent is meant than the one whose environment this is.
    assert_eq!(project.call("heartbeat --as bob").env("OARLOCK_AGENT", "ada").env("OARLOCK_SESSION", &new).ok()["agent"]["name"], "bob");
}

#[test]
fn a_session_of_another_agent_is_a_call_to_be_mended_and_no_work_to_be_stopped() {
    let project = Project::with(&["ada", "bob"]);
    let (ada, bob) = (project.session("ada"), project.session("bob"));
    for call in [
        project.call("heartbeat").env("OARLOCK_AGENT", "bob").env("OARLOCK_SESSION", &ada),
        // Whether anybody of that name is there or not, and for calls that need no identity too.
        project.call("heartbeat").env("OARLOCK_AGENT", "never").env("OARLOCK_SESSION", &ada),
        project.call("add t").env("OARLOCK_AGENT", "bob").env("OARLOCK_SESSION", &ada),
        project.call("tasks").env("OARLOCK_AGENT", "bob").env("OARLOCK_SESSION", &ada),
        project.call(&format!("heartbeat --as bob --session {ada}")),
        project.call(&format!("heartbeat --session {ada}")).env("OARLOCK_AGENT", "bob"),
        project.call("heartbeat --as bob --session ada"),
    ] {
        let error = call.fails(2, "invalid_request");
        let message = error["message"].as_str().expect("a text");
        assert!(message.contains("ada") && (message.contains("bob") || message.contains("never")), "{message}");
    }
    // Both of one agent, or an older session of the same one.
    project.call("heartbeat").env("OARLOCK_AGENT", "bob").env("OARLOCK_SESSION", &bob).ok();
    project.ok("join bob --take-over");
    project.call("heartbeat").env("OARLOCK_AGENT", "bob").env("OARLOCK_SESSION", &bob).fails(5, "stale_session");
    // A bare name means its session of now.
    assert_eq!(project.ok("heartbeat --session bob")["agent"]["name"], "bob");
    assert_eq!(project.call("heartbeat --as bob").env("OARLOCK_SESSION", "bob").ok()["agent"]["name"], "bob");
}

#[test]
fn the_environment_says_which_store_and_a_flag_says_otherwise() {
    let project = Project::new();
    project.ok("add here");
    let other = format!("sqlite:{}", project.beside("other.db").display());
    project.ok(&format!("init --store {other}"));
    let tasks = |reply: serde_json::Value| reply["tasks"].as_array().map(Vec::len);
    assert_eq!(tasks(project.ok("tasks")), Some(1));
    assert_eq!(tasks(project.call("tasks").env("OARLOCK_STORE", &other).ok()), Some(0));
    let here = format!("sqlite:{}", project.store().display());
    assert_eq!(tasks(project.call(&format!("tasks --store {here}")).env("OARLOCK_STORE", &other).ok()), Some(1));
}

#[test]
fn configuration_is_for_defaults_and_the_project_goes_before_the_user() {
    let project = Project::with(&["ada"]);
    let ttl = |line: &str| project.ok(line)["lease"]["ttl_ms"].clone();
    for id in ["A", "B", "C", "D"] {
        project.ok(&format!("add t --id {id}"));
    }
    assert_eq!(ttl("claim A --as ada"), 15 * 60_000);
    let user = project.home().join("config/oarlock");
    std::fs::create_dir_all(&user).expect("a new directory");
    std::fs::write(user.join("config.toml"), "lease_ttl = \"7m\"\nmax_attempts = 9\n").expect("a new file");
    assert_eq!(ttl("claim B --as ada"), 7 * 60_000);
    project.write(".oarlock/config.toml", "lease_ttl = \"5m\"\n");
    assert_eq!(ttl("claim C --as ada"), 5 * 60_000);
    assert_eq!(ttl("claim D --ttl 3m --as ada"), 3 * 60_000);
    assert_eq!(project.ok("add t")["task"]["max_attempts"], 9);
}

#[test]
fn quiet_prints_ids_and_verbose_speaks_on_standard_error() {
    let project = Project::new();
    assert_eq!(project.text("add t --id A -q"), "A\n");
    assert_eq!(project.text("-q add t --id B"), "B\n");
    assert_eq!(project.text("tasks -q"), "A\nB\n");
    let verbose = project.call("status -v").plain().run();
    assert!(verbose.code == 0 && verbose.stderr.contains("oarlock.db"), "{}", verbose.stderr);
}

#[test]
fn with_json_nothing_but_an_error_stands_on_standard_error() {
    let project = Project::new();
    let both = project.call("status -v --json").plain().run();
    assert_eq!((both.code, both.stderr.as_str()), (0, ""));
    object(&both.stdout, "status");
}

#[test]
fn what_follows_two_dashes_is_no_flag_of_ours() {
    let project = Project::new();
    let reply = project.call("run -- echo --json").plain().run();
    assert_eq!(reply.code, 2);
    assert!(reply.stderr.starts_with("error: "), "it was not asked for JSON: {}", reply.stderr);
}

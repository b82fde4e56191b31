//! Who calls: which verbs need to know, and what becomes of names and sessions that are over.

use crate::support::Project;

/// Every verb that needs an identity, with arguments that would do.
const NEEDED: [&str; 17] = [
    "heartbeat",
    "leave",
    "claim",
    "renew T",
    "done T",
    "fail T --reason r",
    "release T",
    "sync a=b",
    "state-set k 1",
    "state-delete k",
    "reserve a",
    "unreserve",
    "send ada --text t",
    "inbox",
    "ack M-1",
    "vote P-1 a",
    "claim T",
];

#[test]
fn exactly_the_listed_verbs_need_an_identity() {
    let project = Project::with(&["ada"]);
    project.ok("add t --id T");
    project.ok("claim T --as ada");
    for line in NEEDED {
        project.fails(line, 2, "identity_required");
    }
    project.fails("split T", 2, "identity_required");
    for line in [
        "agents",
        "agent ada",
        "add t --id A",
        "add t --id G --gate human",
        "update A --priority 0",
        "note A text",
        "tasks",
        "task A",
        "ready",
        "depend A --on T",
        "depend A --on T --remove",
        "cancel A",
        "requeue A",
        "state",
        "reservations",
        "check src/x",
        "events",
        "status",
        "prime",
        "propose q? --options a,b",
        "join",
    ] {
        project.ok(line);
    }
    project.ok("split A");
    project.fails("approve A", 4, "state_conflict");
    project.fails("reject A --reason r", 4, "state_conflict");
    project.fails("thread M-1", 3, "not_found");
    project.fails("decision P-1", 3, "not_found");
    project.fails("wait A --timeout 1s", 8, "timed_out");
}

#[test]
fn a_name_that_never_joined_is_not_found() {
    let project = Project::with(&["ada"]);
    project.ok("add t --id T");
    project.ok("claim T --as ada");
    for line in NEEDED {
        project.fails(&format!("{line} --as never"), 3, "not_found");
    }
    project.fails("agent never", 3, "not_found");
    // Where no identity is needed, a name that nobody has yet is no obstacle.
    project.ok("add t --as never");
    project.ok("prime --as never");
}

#[test]
fn a_name_that_has_left_is_a_stale_session() {
    let project = Project::with(&["ada", "bob"]);
    project.ok("add t --id T");
    project.ok("claim T --as bob");
    project.ok("leave --as ada");
    for line in NEEDED {
        project.fails(&format!("{line} --as ada"), 5, "stale_session");
    }
    assert_eq!(project.ok("agent ada")["agent"]["state"], "left");
    project.ok("status --as ada");
}

#[test]
fn a_split_of_a_claimed_task_tells_an_unknown_name_from_one_that_left() {
    let project = Project::with(&["ada", "bob"]);
    project.ok("add t --id T");
    project.ok("claim T --as bob");
    project.ok("leave --as ada");
    project.fails("split T --as never", 3, "not_found");
    project.fails("split T --as ada", 5, "stale_session");
}

#[test]
fn a_bare_name_means_the_current_session_and_an_old_id_is_stale() {
    let project = Project::with(&["ada", "bob"]);
    let old = project.session("ada");
    project.ok("add t --id T");
    let token = project.claim("T", "ada");
    project.ok("join ada --take-over");
    project.ok("heartbeat --as ada");
    project.ok("add u --id U");
    project.ok("claim U --as bob");
    for line in ["heartbeat", "claim", "sync a=b", "inbox", "leave", "send bob --text t", &format!("done T --token {token}")] {
        let error = project.fails(&format!("{line} --as ada --session {old}"), 5, "stale_session");
        assert_eq!(error["details"]["current"], project.session("ada"), "{error}");
        project.fails(&format!("{line} --session {old}"), 5, "stale_session");
    }
    assert_ne!(old, project.session("ada"));
}

#[test]
fn a_live_name_is_taken_until_it_leaves_or_is_taken_over() {
    let project = Project::new();
    let first = project.ok("join ada --role planner --can rust,sql --program x --timeout 1h --max-claims 1");
    assert_eq!(first["resumed"], false);
    assert_eq!(first["session"], first["agent"]["session"]);
    project.fails("join ada", 4, "already_exists");
    project.ok("add t --id T");
    project.ok("claim T --as ada --reserve");
    project.ok("reserve src/** --as ada");
    let second = project.ok("join ada --take-over");
    assert_ne!(first["session"], second["session"]);
    assert_eq!(project.task("T")["state"], "ready", "the old session's lease is free");
    assert_eq!(project.ok("reservations")["reservations"], serde_json::json!([]));
    project.ok("leave --as ada");
    assert_eq!(project.ok("join ada")["resumed"], false);
}

#[test]
fn an_agent_past_its_timeout_is_stale_keeps_its_leases_and_can_be_replaced() {
    let project = Project::with(&["bob"]);
    project.ok("join ada --timeout 1s");
    project.ok("add t --id T");
    let token = project.claim("T", "ada");
    for _ in 0..2 {
        // A second passes while bob listens.
        project.fails("inbox --wait 1s --as bob", 8, "timed_out");
    }
    assert_eq!(project.ok("agent ada")["agent"]["state"], "stale");
    assert_eq!(project.ok("agents")["active"], 1);
    project.fails("claim T --as bob", 4, "lease_held");
    project.ok("renew T --as ada");
    // It came back, and nobody has to take over from one that does not.
    project.fails("inbox --wait 1s --as bob", 8, "timed_out");
    project.fails("inbox --wait 1s --as bob", 8, "timed_out");
    assert_eq!(project.ok("join ada")["resumed"], false);
    project.fails(&format!("done T --token {token} --as ada"), 5, "lease_lost");
    project.claim("T", "bob");
}

#[test]
fn the_same_harness_id_joins_its_session_again() {
    let project = Project::new();
    let first = project.ok("join ada --harness run-7");
    let again = project.ok("join ada --harness run-7");
    assert_eq!((&again["resumed"], &again["session"]), (&true.into(), &first["session"]));
    project.fails("join ada --harness run-8", 4, "already_exists");
}

#[test]
fn a_made_up_name_is_new_each_time() {
    let project = Project::new();
    let (a, b) = (project.ok("join")["agent"]["name"].clone(), project.ok("join")["agent"]["name"].clone());
    assert_ne!(a, b);
}

#[test]
fn a_session_that_owns_an_ancestor_is_found_without_a_name_and_two_are_none() {
    let project = Project::new();
    let me = std::process::id();
    project.ok(&format!("join ada --pid {me}"));
    assert_eq!(project.ok("heartbeat")["agent"]["name"], "ada");
    project.ok(&format!("join bob --pid {me}"));
    project.fails("heartbeat", 2, "identity_required");
    assert_eq!(project.ok("heartbeat --as bob")["agent"]["name"], "bob");
    project.fails("join carl --pid 4194305", 3, "not_found");
}

#[test]
fn the_list_of_agents_shows_the_active_ones_unless_asked_for_all() {
    let project = Project::new();
    project.ok("join ada --role planner --can rust");
    project.ok("join bob --can sql");
    project.ok("join carl");
    project.ok("leave --as carl");
    let names = |line: &str| {
        let reply = project.ok(line);
        let names: Vec<String> =
            reply["agents"].as_array().expect("a list").iter().map(|a| a["name"].as_str().expect("a name").to_owned()).collect();
        (names.join(" "), reply["active"].as_u64().expect("a number"))
    };
    assert_eq!(names("agents"), ("ada bob".to_owned(), 2));
    assert_eq!(names("agents --all"), ("ada bob carl".to_owned(), 2));
    assert_eq!(names("agents --role planner").0, "ada");
    assert_eq!(names("agents --can sql").0, "bob");
    assert_eq!(names("agents --at-least 2").1, 2);
    project.fails("agents --at-least 3", 8, "not_enough_agents");
    project.fails("agents --can sql --at-least 2", 8, "not_enough_agents");
}

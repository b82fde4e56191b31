//! Fences: whose token and whose session may still change a task.

use crate::support::Project;

/// The holder's verbs.
const VERBS: [&str; 4] = ["done ID", "fail ID --reason r", "release ID", "renew ID"];

#[track_caller]
fn all_fail(project: &Project, id: &str, rest: &str, exit: i32, code: &str) {
    for verb in VERBS {
        project.fails(&format!("{} {rest}", verb.replace("ID", id)), exit, code);
    }
}

#[test]
fn any_token_but_the_last_grants_is_stale_whatever_the_state() {
    let project = Project::with(&["ada", "bob"]);
    project.ok("add never --id N");
    all_fail(&project, "N", "--token 1 --as ada", 5, "stale_token");
    project.ok("add t --id T");
    let first = project.claim("T", "ada");
    all_fail(&project, "T", &format!("--token {} --as ada", first + 1), 5, "stale_token");
    project.ok("release T --as ada");
    let second = project.claim("T", "ada");
    assert!(second > first, "tokens rise: {first} {second}");
    all_fail(&project, "T", &format!("--token {first} --as ada"), 5, "stale_token");
    project.ok(&format!("done T --token {second} --as ada"));
    all_fail(&project, "T", &format!("--token {first} --as ada"), 5, "stale_token");
    all_fail(&project, "T", &format!("--token {first} --as bob"), 5, "stale_token");
    let error = project.fails(&format!("done T --token {first} --as ada"), 5, "stale_token");
    assert_eq!((&error["details"]["given"], &error["details"]["current"]), (&first.into(), &second.into()));
}

#[test]
fn a_lease_that_was_given_up_or_taken_away_is_lost() {
    let project = Project::with(&["ada", "bob"]);
    project.ok("add t --id T");
    let token = project.claim("T", "ada");
    project.ok("release T --as ada");
    all_fail(&project, "T", &format!("--token {token} --as ada"), 5, "lease_lost");
    all_fail(&project, "T", "--as ada", 5, "lease_lost");
    project.claim("T", "bob");
    all_fail(&project, "T", "--as ada", 5, "lease_lost");
    all_fail(&project, "T", &format!("--token {token} --as ada"), 5, "stale_token");
    // The one who holds it goes on.
    project.ok("renew T --as bob");
    project.ok("done T --as bob");
}

#[test]
fn who_never_held_a_task_is_told_who_does() {
    let project = Project::with(&["ada", "bob"]);
    project.ok("add t --id T");
    let token = project.claim("T", "ada");
    all_fail(&project, "T", "--as bob", 4, "lease_held");
    // Knowing the token does not make one the holder.
    for verb in VERBS {
        let reply = project.call(&format!("{} --token {token} --as bob", verb.replace("ID", "T"))).run();
        assert!([4, 5].contains(&reply.code), "{verb}: {} {}", reply.code, reply.stderr);
    }
    let error = project.fails("release T --as bob", 4, "lease_held");
    assert_eq!(error["details"]["holder"]["token"], token);
    assert_eq!(project.task("T")["holder"]["agent"], "ada");
}

#[test]
fn a_new_session_does_not_have_the_leases_of_the_old_one() {
    let project = Project::with(&["ada"]);
    project.ok("add t --id T");
    let (old, token) = (project.session("ada"), project.claim("T", "ada"));
    project.ok("join ada --take-over");
    all_fail(&project, "T", &format!("--token {token} --session {old} --as ada"), 5, "stale_session");
    all_fail(&project, "T", &format!("--token {token} --as ada"), 5, "lease_lost");
    assert_eq!(project.task("T")["state"], "ready");
    assert_eq!(project.task("T")["attempt"], 0, "a take-over counts as no attempt");
}

#[test]
fn done_again_gives_the_same_reply_and_another_result_is_refused() {
    let project = Project::with(&["ada", "bob"]);
    project.ok("add t --id T");
    project.ok("add u --id U --needs T");
    let token = project.claim("T", "ada");
    let first = project.ok(&format!("done T --token {token} --result r --as ada"));
    assert_eq!(project.ok(&format!("done T --token {token} --result r --as ada")), first);
    assert_eq!(project.ok("done T --result r --as ada"), first);
    project.fails(&format!("done T --token {token} --result other --as ada"), 4, "state_conflict");
    project.fails("done T --as bob", 4, "state_conflict");
    assert_eq!(project.kinds_of("T").iter().filter(|kind| *kind == "task_done").count(), 1);
}

#[test]
fn an_expired_lease_can_be_taken_and_until_then_nothing_is_lost() {
    let project = Project::with(&["ada", "bob"]);
    for id in ["T", "U"] {
        project.ok(&format!("add t --id {id}"));
    }
    let tokens = ["T", "U"].map(|id| project.ok(&format!("claim {id} --ttl 1s --as ada"))["lease"]["token"].as_u64().expect("a number"));
    // A second passes while bob listens.
    project.fails("inbox --wait 1s --as bob", 8, "timed_out");
    project.fails("inbox --wait 1s --as bob", 8, "timed_out");
    let task = project.task("T");
    assert_eq!((&task["state"], &task["holder"]["ttl_ms"]), (&"claimed".into(), &0.into()));
    let ready = project.ok("ready")["tasks"].clone();
    assert_eq!(ready.as_array().map(Vec::len), Some(2), "{ready}");
    // Expiry makes stealable, not void.
    project.ok(&format!("done U --token {} --as ada", tokens[1]));
    let taken = project.ok("claim T --as bob");
    assert!(taken["lease"]["token"].as_u64().is_some_and(|token| token > tokens[1]));
    all_fail(&project, "T", &format!("--token {} --as ada", tokens[0]), 5, "stale_token");
    all_fail(&project, "T", "--as ada", 5, "lease_lost");
    assert_eq!(project.ok("heartbeat --as ada")["lost"], serde_json::json!(["T"]));
    assert!(project.kinds_of("T").contains(&"lease_lost".to_owned()));
}

#[test]
fn a_heartbeat_renews_every_lease_of_its_session() {
    let project = Project::with(&["ada"]);
    for id in ["A", "B"] {
        project.ok(&format!("add t --id {id}"));
        project.ok(&format!("claim {id} --ttl 1h --as ada"));
    }
    assert_eq!(project.ok("heartbeat --as ada")["renewed"], 2);
    assert_eq!(project.ok("renew A --ttl 2h --as ada")["lease"]["ttl_ms"], 7_200_000);
    assert_eq!(project.ok("leave --as ada")["released"], serde_json::json!(["A", "B"]));
    assert_eq!(project.task("A")["state"], "ready");
}

//! Keys bound to names: what their bearers may do, and that they end.

use serde_json::{Value, json};

use crate::support::{Http, Project, Served};

fn key_of(project: &Project, flags: &str) -> String {
    project.ok(&format!("access create {flags}"))["key"].as_str().expect("shown once").to_owned()
}

fn with_key(served: &Served, key: &str) -> Http {
    Http::new(&served.url, key)
}

#[track_caller]
fn denied(http: &Http, verb: &str, request: &Value) {
    let answer = http.post(verb, request);
    assert_eq!((answer.status, &answer.json()["error"]["code"]), (403, &json!("denied")), "{verb} {request}: {answer:?}");
}

#[test]
fn an_agents_key_speaks_for_it_alone() {
    let project = Project::with(&["ada", "bob"]);
    let served = project.serve("");
    let ada = with_key(&served, &key_of(&project, "--name ada"));
    let bobs = project.session("bob");
    for request in [json!({"as": "bob"}), json!({"session": bobs}), json!({"as": "adam"})] {
        denied(&ada, "heartbeat", &request);
    }
    denied(&ada.with("Oarlock-Agent", "bob"), "heartbeat", &json!({}));
    // Whose session an id is, it says itself; one that does not say so is not another's.
    assert_eq!(ada.post("heartbeat", &json!({})).json()["agent"]["name"], "ada");
    for request in [json!({"name": "bob", "take_over": true}), json!({"name": "eve"})] {
        denied(&ada, "join", &request);
    }
    assert_eq!(ada.post("join", &json!({"name": "ada.tests"})).json()["agent"]["name"], "ada.tests");
    // What it makes is said to be its own.
    let task = ada.post("add", &json!({"title": "x"})).json();
    assert_eq!(task["task"]["created_by"], "ada");
    denied(&ada, "state-set", &json!({"key": "agent/bob", "value": {}}));
    let sent = ada.post("send", &json!({"to": ["bob"], "text": "hi"})).json();
    assert_eq!(sent["messages"][0]["from"], "ada");
}

#[test]
fn what_undoes_the_work_of_others_is_the_operators() {
    let project = Project::with(&["ada", "bob"]);
    for id in ["ours", "theirs", "free", "gated", "dead"] {
        project.ok(&format!("add {id} --id {id} --max-attempts 1"));
    }
    project.ok("update gated --gate human");
    project.claim("theirs", "bob");
    project.claim("gated", "ada");
    project.ok("done gated --as ada");
    project.claim("dead", "ada");
    project.ok("fail dead --reason x --as ada");
    let served = project.serve("");
    let ada = with_key(&served, &key_of(&project, "--name ada"));
    ada.post("claim", &json!({"id": "ours"}));
    for (verb, request) in [
        ("cancel", json!({"id": "theirs"})),
        ("cancel", json!({"id": "free"})),
        ("requeue", json!({"id": "dead"})),
        ("approve", json!({"id": "gated"})),
        ("reject", json!({"id": "gated", "reason": "x"})),
    ] {
        denied(&ada, verb, &request);
    }
    assert_eq!(ada.post("cancel", &json!({"id": "ours"})).status, 200, "what it holds is its own");
    let operator = with_key(&served, &key_of(&project, "--name boss --role operator"));
    for (verb, request) in [("cancel", json!({"id": "theirs"})), ("requeue", json!({"id": "dead"})), ("approve", json!({"id": "gated"}))] {
        assert_eq!(operator.post(verb, &request).status, 200, "{verb}");
    }
    assert_eq!(operator.post("heartbeat", &json!({"as": "bob"})).status, 200);
}

#[test]
fn a_key_ends_when_it_is_revoked_and_has_only_its_verbs() {
    let project = Project::with(&["ada"]);
    let served = project.serve("");
    let made = project.ok("access create --name ada --verbs claim,done,heartbeat");
    let ada = with_key(&served, made["key"].as_str().expect("shown once"));
    assert_eq!(ada.post("heartbeat", &json!({})).status, 200);
    denied(&ada, "add", &json!({"title": "x"}));
    assert_eq!(ada.get("/v1/events").status, 403);
    let id = made["access"]["id"].as_str().expect("an id");
    let listed = project.ok("access list");
    assert_eq!(listed["access"][0]["id"], id);
    assert!(!listed.to_string().contains(made["key"].as_str().expect("a key")));
    project.ok(&format!("access revoke {id}"));
    denied(&ada, "heartbeat", &json!({}));
    project.fails(&format!("access revoke {id}"), 3, "not_found");
    project.fails("access create --name ada --verbs nonsense", 2, "invalid_request");
}

#[test]
fn a_key_is_written_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let project = Project::with(&["ada"]);
    let served = project.serve("");
    let file = project.beside("ada.key");
    let made = project.ok(&format!("access create --name ada --out {}", file.display()));
    assert!(made["key"].is_null());
    assert_eq!(std::fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
    let call = |line: &str| project.call(line).env("OARLOCK_STORE", &served.url).env("OARLOCK_KEY_FILE", &file);
    assert_eq!(call("heartbeat").ok()["agent"]["name"], "ada", "the key says who it is");
    call("heartbeat --as bob").fails(9, "denied");
    project.fails(&format!("access create --name ada --out {}", file.display()), 4, "already_exists");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).expect("set");
    call("heartbeat").fails(9, "denied");
}

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
    // It names no process: anyone who calls from below that one would be taken for it.
    let mine = serde_json::to_value(std::process::id()).expect("a number");
    let reply = project.ok(&format!("join local --pid {mine}"));
    let owner =
        project.ok("events --kind agent_joined")["events"].as_array().expect("a list").last().expect("just joined")["data"]["owner"]
            .clone();
    assert_eq!((&reply["agent"]["pid"], &owner["by"]), (&mine, &json!("process")));
    let spy = ada.post("join", &json!({"name": "ada.spy", "owner": owner})).json();
    assert!(spy["agent"]["name"] == "ada.spy" && spy["agent"]["pid"].is_null(), "{spy}");
    project.ok("leave --as local");
    project.fails("heartbeat", 2, "identity_required");
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
        ("add", json!({"title": "part", "parent": "free"})),
        ("depend", json!({"id": "theirs", "on": ["ours"]})),
        ("depend", json!({"id": "free", "on": ["ours"]})),
        ("update", json!({"id": "theirs", "priority": 4})),
        ("split", json!({"id": "free"})),
        ("requeue", json!({"id": "dead"})),
        ("approve", json!({"id": "gated"})),
        ("reject", json!({"id": "gated", "reason": "x"})),
    ] {
        denied(&ada, verb, &request);
    }
    let part = ada.post("add", &json!({"title": "part", "parent": "theirs"}));
    assert_eq!((part.status, &part.json()["error"]["code"]), (409, &json!("lease_held")), "{part:?}");
    assert_eq!(ada.post("update", &json!({"id": "ours", "priority": 0})).status, 200, "what it holds is its own");
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

#[test]
fn an_agent_makes_narrower_keys_for_its_helpers() {
    let project = Project::with(&["ada"]);
    let served = project.serve("");
    let file = project.beside("ada.key");
    project.ok(&format!("access create --name ada --out {}", file.display()));
    let as_ada = |line: &str| project.call(line).env("OARLOCK_STORE", &served.url).env("OARLOCK_KEY_FILE", &file);
    let made = as_ada("access create --name ada.tests --verbs join,claim --for 1h").ok();
    let helper = with_key(&served, made["key"].as_str().expect("shown once"));
    assert_eq!(helper.post("join", &json!({})).json()["agent"]["name"], "ada.tests");
    denied(&helper, "add", &json!({"title": "x"}));
    denied(&helper, "access-create", &json!({"name": "ada.tests.x"}));
    for line in ["access create --name bob", "access create --name ada.x --role operator", "access create --name ada"] {
        as_ada(line).fails(9, "denied");
    }
    project.ok("access create --name bob");
    let known: Vec<Value> = as_ada("access list").ok()["access"].as_array().expect("a list").clone();
    assert_eq!(known.len(), 2, "its own and its helper's");
    as_ada("access revoke bob").fails(3, "not_found");
    as_ada("access revoke ada.tests").ok();
    denied(&helper, "claim", &json!({}));
    assert_eq!(project.ok("access list")["access"].as_array().expect("a list").len(), 2);
    let again = as_ada("access create --name ada.tests").ok();
    project.ok("access revoke ada");
    denied(&with_key(&served, again["key"].as_str().expect("shown once")), "claim", &json!({}));
}

#[test]
fn what_an_agent_may_hold_is_bounded() {
    let project = Project::with(&["ada"]);
    for n in 0..3 {
        project.ok(&format!("add task-{n}"));
    }
    let served = project.serve("--leases 2 --reservations 2");
    let ada = with_key(&served, &key_of(&project, "--name ada"));
    let limited = |verb: &str, request: Value| {
        let answer = ada.post(verb, &request);
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (422, &json!("limit_reached")), "{verb} {request}: {answer:?}");
    };
    limited("reserve", json!({"globs": ["**"]}));
    limited("reserve", json!({"globs": ["a", "b", "c"]}));
    assert_eq!(ada.post("reserve", &json!({"globs": ["**"], "shared": true})).status, 200);
    assert_eq!(ada.post("reserve", &json!({"globs": ["src/**"]})).status, 200);
    limited("reserve", json!({"globs": ["docs/**"]}));
    for _ in 0..2 {
        assert_eq!(ada.post("claim", &json!({})).status, 200);
    }
    limited("claim", json!({}));
    // Who opens the file is bound by the limits of the store only.
    project.ok("claim --as ada");
}

#[test]
fn helpers_share_what_their_agent_may_hold() {
    let project = Project::with(&["bob"]);
    for n in 0..8 {
        project.ok(&format!("add task-{n}"));
    }
    let served = project.serve("--leases 3 --reservations 3 --sessions 4 --keys 2 --calls-per-second 1000");
    let ada = with_key(&served, &key_of(&project, "--name ada"));
    let limited = |http: &Http, verb: &str, request: Value| {
        let answer = http.post(verb, &request);
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (422, &json!("limit_reached")), "{verb} {request}: {answer:?}");
    };
    ada.post("join", &json!({}));
    // A key of its own for a helper is no way to more, nor is a helper's key for its helper.
    let make = |http: &Http, name: &str| http.post("access-create", &json!({"name": name}));
    let key = make(&ada, "ada.x").json()["key"].as_str().expect("shown once").to_owned();
    let helper = with_key(&served, &key);
    assert_eq!(make(&helper, "ada.x.y").status, 200);
    limited(&helper, "access-create", json!({"name": "ada.x.z"}));
    helper.post("join", &json!({}));
    assert_eq!(ada.post("claim", &json!({"count": 5})).json()["claims"].as_array().expect("a list").len(), 3);
    limited(&helper, "claim", json!({}));
    assert_eq!(helper.post("reserve", &json!({"globs": ["a/x", "a/y"]})).status, 200);
    limited(&ada, "reserve", json!({"globs": ["a/z", "a/w"]}));
    ada.post("join", &json!({"name": "ada.one"}));
    ada.post("join", &json!({"name": "ada.two"}));
    limited(&ada, "join", json!({"name": "ada.three"}));
    limited(&helper, "join", json!({"name": "ada.x.three"}));
    // Others are not touched.
    let bob = with_key(&served, &key_of(&project, "--name bob"));
    assert_eq!(bob.post("claim", &json!({})).status, 200);
}

#[test]
fn a_revoked_key_follows_nothing_any_more() {
    use std::io::{BufRead, BufReader};
    let project = Project::with(&["ada"]);
    let served = project.serve("");
    let ada = with_key(&served, &key_of(&project, "--name ada"));
    let mut lines = BufReader::new(ada.open("GET", "/v1/events", b"")).lines();
    assert!(lines.any(|line| line.expect("UTF-8").contains("agent_joined")));
    let waits = ada.open("POST", "/v1/claim", br#"{"wait":"60s"}"#);
    project.ok("access revoke ada");
    // It ends by itself, and nobody was granted anything.
    assert!(lines.all(|line| !line.is_ok_and(|line| line.contains("task_added"))));
    let mut told = String::new();
    std::io::Read::read_to_string(&mut { waits }, &mut told).expect("an answer");
    assert!(told.starts_with("HTTP/1.1 403"), "{told}");
}

#[test]
fn the_key_of_an_agent_is_not_made_the_gateways_own() {
    let project = Project::with(&["ada"]);
    let file = project.beside("ada.key");
    project.ok(&format!("access create --name ada --out {}", file.display()));
    project.call("serve --bind 127.0.0.1:0").env("OARLOCK_KEY_FILE", &file).fails(9, "denied");
}

//! State entries: merging, versions, and whose they are.

use serde_json::json;

use crate::support::Project;

#[test]
fn versions_of_a_key_never_go_back() {
    let project = Project::with(&["ada", "bob"]);
    let version = |line: &str| project.ok(line)["state"]["version"].as_u64().expect("a number");
    assert_eq!(version("state-set k 1 --if-version 0 --as ada"), 1);
    assert_eq!(version("state-set k 2 --as bob"), 2);
    assert_eq!(version("state-set k 3 --if-version 2 --as ada"), 3);
    let error = project.fails("state-set k 4 --if-version 2 --as ada", 4, "version_conflict");
    assert_eq!((&error["details"]["expected"], &error["details"]["actual"]), (&2.into(), &3.into()));
    project.fails("state-delete k --if-version 1 --as ada", 4, "version_conflict");
    assert_eq!(version("state-delete k --if-version 3 --as ada"), 4);
    project.fails("state k", 3, "not_found");
    project.fails("state-delete k --as ada", 3, "not_found");
    project.fails("state-set k 5 --if-version 4 --as ada", 4, "version_conflict");
    assert_eq!(version("state-set k 5 --if-version 0 --as ada"), 5, "deleting does not turn the versions back");
    assert_eq!(project.ok("state k")["entries"][0]["value"], 5);
    assert_eq!(project.ok("state k")["entries"][0]["updated_by"], "ada");
}

#[test]
fn setting_merges_unless_it_replaces() {
    let project = Project::with(&["ada"]);
    for (line, value) in [
        ("state-set k '{\"a\":{\"b\":1,\"c\":2},\"l\":[1]}'", json!({"a": {"b": 1, "c": 2}, "l": [1]})),
        ("state-set k '{\"a\":{\"b\":null,\"d\":3},\"l\":[2]}'", json!({"a": {"c": 2, "d": 3}, "l": [2]})),
        ("state-set k '{\"x\":1}' --replace", json!({"x": 1})),
        ("state-set k '{\"y\":null}' --replace", json!({"y": null})),
        ("state-set k '\"text\"'", json!("text")),
        ("state-set k '{\"z\":{\"gone\":null}}'", json!({"z": {}})),
    ] {
        assert_eq!(project.ok(&format!("{line} --as ada"))["state"]["value"], value, "{line}");
        assert_eq!(project.ok("state k")["entries"][0]["value"], value, "{line}");
    }
}

#[test]
fn syncing_merges_into_ones_own_entry() {
    let project = Project::with(&["ada", "bob"]);
    let state = project.ok("sync phase=testing n:=12 gone=x --as ada")["state"].clone();
    assert_eq!((&state["key"], &state["version"]), (&"agent/ada".into(), &1.into()));
    let state = project.ok("sync gone:=null 'text=a = b' --merge '{\"deep\":{\"x\":[1]}}' --as ada")["state"].clone();
    assert_eq!(state["value"], json!({"phase": "testing", "n": 12, "text": "a = b", "deep": {"x": [1]}}));
    assert_eq!(state["version"], 2);
}

#[test]
fn only_its_owner_writes_an_agents_entry() {
    let project = Project::with(&["ada", "bob"]);
    project.ok("sync a=1 --as ada");
    for line in ["state-set agent/ada {}", "state-set agent/ada/more {}", "state-delete agent/ada", "state-set agent/nobody {}"] {
        project.fails(&format!("{line} --as bob"), 9, "denied");
    }
    project.ok("state-set agent/ada '{\"b\":2}' --as ada");
    project.ok("state agent/ada --as bob");
    project.ok("state-delete agent/ada --as ada");
}

#[test]
fn entries_are_read_by_key_by_prefix_and_all() {
    let project = Project::with(&["ada"]);
    for key in ["b/two", "a/one", "b/one"] {
        project.ok(&format!("state-set {key} 1 --as ada"));
    }
    let keys = |line: &str| {
        let reply = project.ok(line);
        reply["entries"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|e| e["key"].as_str().expect("a key").to_owned())
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(keys("state"), "a/one b/one b/two");
    assert_eq!(keys("state b/one"), "b/one");
    assert_eq!(keys("state --prefix b/"), "b/one b/two");
    assert_eq!(keys("state --prefix c"), "");
}

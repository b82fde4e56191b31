//! A client's hooks and its server act as one agent.

use serde_json::{Value, json};

use super::Client;
use crate::support::Project;

/// Calls a hook of a client, which this test means: it starts the hook as it starts the server.
fn hook(project: &Project, client: &str, event: &str, told: Value) {
    let mut told = told;
    told["session_id"] = json!("11112222-3333");
    told["cwd"] = json!(project.root());
    let reply = project.call(&format!("hook {client} {event}")).plain().input(told.to_string()).run();
    assert_eq!((reply.code, reply.stderr.as_str()), (0, ""), "{}", reply.stdout);
}

#[test]
fn the_hooks_of_a_client_and_its_server_are_one_agent() {
    let project = Project::new();
    for id in ["T-1", "T-2", "T-3", "T-4"] {
        project.ok(&format!("add x --id {id}"));
    }
    hook(&project, "claude", "SessionStart", json!({"source": "startup"}));
    let mut client = Client::start(&project, &[]);
    let holder = |claim: &Value| claim["task"]["holder"]["agent"].as_str().expect("a name").to_owned();
    let claim = client.ok("claim", &json!({"id": "T-1"}));
    assert_eq!(holder(&claim), "claude-22223333");
    hook(
        &project,
        "claude",
        "PreToolUse",
        json!({"agent_id": "a1", "tool_name": "mcp__oarlock__claim", "tool_input": {"id": "T-2"}, "tool_use_id": "toolu_9"}),
    );
    let helpers = client.call_with("claim", &json!({"id": "T-2"}), &json!({"claudecode/toolUseId": "toolu_9"})).expect("it is free");
    assert_eq!(holder(&helpers), "claude-22223333.a1", "the hook knew whose call it is");
    let own = client.call_with("claim", &json!({"id": "T-3"}), &json!({"claudecode/toolUseId": "toolu_10"})).expect("it is free");
    assert_eq!(holder(&own), "claude-22223333");
    // A client that gives its calls no id.
    hook(&project, "opencode", "before-tool", json!({"agent_id": "a2", "tool_name": "oarlock_claim", "tool_input": {"id": "T-4"}}));
    let helpers = client.ok("claim", &json!({"id": "T-4"}));
    assert_eq!(holder(&helpers), "opencode-22223333.a2");
    hook(&project, "claude", "SessionEnd", json!({"reason": "other"}));
    assert_eq!(client.fails("renew", &json!({"id": "T-1"}))["code"], "stale_session", "the session has ended for the server, too");
}

#[test]
fn a_name_that_is_given_is_one_agent_with_the_hooks() {
    let project = Project::new();
    project.ok("add x --id T-1");
    let told = json!({"session_id": "s", "cwd": project.root(), "source": "startup"});
    let started = project.call("hook claude SessionStart").plain().env("OARLOCK_AGENT", "ada").input(told.to_string()).run();
    assert!(started.stdout.contains("You are ada"), "{}", started.stdout);
    let mut client = Client::start(&project, &[("OARLOCK_AGENT", "ada")]);
    assert_eq!(client.ok("claim", &json!({}))["task"]["holder"]["agent"], "ada");
}

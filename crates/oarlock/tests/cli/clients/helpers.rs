//! Helpers that an agent starts: agents of their own, whatever their client reports them.

use super::{Session, context, refusal};
use crate::support::Project;
use serde_json::json;

#[test]
fn a_helper_is_an_agent_of_its_own() {
    let project = Project::with(&["bob"]);
    project.ok("add one --id T-1");
    let session = Session::new(&project, "claude", "s-1");
    session.hook("SessionStart", json!({"source": "startup"}));
    let helper = format!("{}.a1b2", session.agent());
    let start = context(&session.hook("SubagentStart", json!({"agent_id": "a1b2", "agent_type": "general-purpose"}))).expect("a start");
    assert!(start.contains(&format!("--as {helper}")), "{start}");
    project.claim("T-1", &helper);
    project.ok(&format!("reserve lib/x.rs --as {helper}"));
    assert!(session.refused("Edit", json!({"file_path": "lib/x.rs"})).is_some(), "its parent is another agent");
    let by_helper = |tool: &str, input: serde_json::Value| {
        refusal(&session.hook("PreToolUse", json!({"agent_id": "a1b2", "agent_type": "x", "tool_name": tool, "tool_input": input})))
    };
    assert_eq!(by_helper("Edit", json!({"file_path": "lib/x.rs"})), None);
    let why = by_helper("Bash", json!({"command": "oarlock done T-1"})).expect("it would act as its parent");
    assert!(why.contains(&format!("--as {helper}")), "{why}");
    assert_eq!(by_helper("Bash", json!({"command": format!("oarlock done T-1 --as {helper}")})), None);
    session.hook("SubagentStop", json!({"agent_id": "a1b2", "agent_type": "general-purpose"}));
    assert_eq!(project.task("T-1")["state"], "ready");
    assert_eq!(project.ok(&format!("agent {}", session.agent()))["agent"]["state"], "active", "its parent goes on");
    session.hook("SubagentStop", json!({"agent_id": "unknown", "agent_type": ""}));
    session.hook("SubagentStop", json!({}));
    assert_eq!(project.ok(&format!("agent {}", session.agent()))["agent"]["state"], "active");
}

#[test]
fn helpers_end_with_the_session_and_with_the_client() {
    let project = Project::new();
    let session = Session::new(&project, "claude", "s-1");
    session.hook("SessionStart", json!({"source": "startup"}));
    session.hook("SubagentStart", json!({"agent_id": "a1b2", "agent_type": "x"}));
    let helper = format!("{}.a1b2", session.agent());
    project.ok(&format!("reserve lib/x.rs --as {helper}"));
    session.hook("SessionEnd", json!({"reason": "other"}));
    assert_eq!(project.ok(&format!("agent {helper}"))["agent"]["state"], "left");
    project.ok("check lib/x.rs");
    // A client that ends without a word; what its shell runs is its own, and not its helper's.
    let script = r#"
        cp "$(command -v bash)" ../client
        ../client -c '
            told() { echo "{\"session_id\":\"aaaabbbb\",\"agent_id\":\"c3d4\",\"hook_event_name\":\"$1\"}"; }
            echo "{\"session_id\":\"aaaabbbb\"}" | oarlock hook claude SessionStart >/dev/null
            told SubagentStart | oarlock hook claude SubagentStart >/dev/null
            oarlock reserve lib/x.rs --as claude-aaaabbbb.c3d4 >/dev/null
            oarlock agent claude-aaaabbbb.c3d4 --json
            oarlock reserve lib/y.rs --json
            true'
    "#;
    let output = project.shell(script);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.contains("\"active\"") && told.contains("\"agent\":\"claude-aaaabbbb\""), "{told}");
    project.ok("check lib/x.rs lib/y.rs");
    let agents = project.ok("agents --all")["agents"].to_string();
    assert!(!agents.contains("\"active\""), "{agents}");
}

#[test]
fn a_helper_writes_what_its_parent_holds_and_not_what_others_hold() {
    let project = Project::with(&["bob"]);
    let session = Session::new(&project, "claude", "s-1");
    session.hook("SessionStart", json!({"source": "startup"}));
    project.ok(&format!("reserve 'lib/**' --as {}", session.agent()));
    project.ok("reserve 'src/**' --as bob");
    let edit = |path: &str| json!({"agent_id": "a1", "tool_name": "Edit", "tool_input": {"file_path": path}});
    assert_eq!(refusal(&session.hook("PreToolUse", edit("lib/a.rs"))), None);
    assert!(refusal(&session.hook("PreToolUse", edit("src/a.rs"))).is_some());
}

#[test]
fn gemini_s_helpers_are_known_by_the_tool_that_starts_them() {
    let project = Project::new();
    let session = Session::new(&project, "gemini", "g-1");
    session.hook("SessionStart", json!({"source": "startup"}));
    let starts = json!({"tool_name": "invoke_agent", "tool_input": {"agent_name": "generalist", "prompt": "go"}});
    session.hook("BeforeTool", starts.clone());
    let helper = format!("{}.generalist", session.agent());
    assert_eq!(project.ok(&format!("agent {helper}"))["agent"]["state"], "active");
    project.ok(&format!("reserve lib/x.rs --as {helper}"));
    assert_eq!(session.refused("write_file", json!({"file_path": "lib/x.rs"})), None, "it is the helper that writes");
    session.hook("AfterTool", starts);
    assert_eq!(project.ok(&format!("agent {helper}"))["agent"]["state"], "left");
    project.ok("join bob");
    project.ok("reserve lib/x.rs --as bob");
    assert!(session.refused("write_file", json!({"file_path": "lib/x.rs"})).is_some());
}

#[test]
fn what_a_client_calls_its_helpers_never_becomes_a_path() {
    let project = Project::new();
    let session = Session::new(&project, "claude", "../../x\n");
    for thread in ["../../../evil", "a/b\n\nc", "\u{202e}x", &"x".repeat(5_000)] {
        session.hook("SubagentStart", json!({"agent_id": thread}));
        let told = json!({"agent_id": thread, "tool_name": "mcp__oarlock__claim", "tool_input": {}, "tool_use_id": "../../../../evil"});
        session.hook("PreToolUse", told);
    }
    assert!(!project.beside("evil").exists() && !project.root().join("evil").exists());
    let found = project.shell("find \"$HOME\" . -name '*evil*'; ls \"$HOME\"/.local/state/oarlock/hooks/*");
    let names = String::from_utf8_lossy(&found.stdout).into_owned();
    assert!(names.lines().all(|name| name.starts_with("call-") || name.starts_with("run-")), "{names}");
}

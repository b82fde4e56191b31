//! The life of a session: it joins, hears, works, is held back, and leaves.

use super::{Session, context};
use crate::support::Project;
use serde_json::{Value, json};

#[test]
fn a_session_joins_reads_its_start_and_leaves() {
    let project = Project::new();
    project.ok("add one --id T-1");
    let session = Session::new(&project, "claude", "3f2a91bc-0000-4000-8000-1234567890ab");
    let start = context(&session.hook("SessionStart", json!({"source": "startup"}))).expect("a start");
    assert!(start.contains("You are claude-567890ab") && start.contains("T-1") && start.len() <= 3_000, "{start}");
    let agent = project.ok("agent claude-567890ab")["agent"].clone();
    assert_eq!((agent["state"].as_str(), agent["program"].as_str()), (Some("active"), Some("claude")));
    assert!(agent["pid"].is_u64(), "the session stands for the client's process: {agent}");
    project.claim("T-1", "claude-567890ab");
    let again = context(&session.hook("SessionStart", json!({"source": "compact"}))).expect("the start again");
    assert!(again.contains("You hold T-1"), "{again}");
    session.hook("SessionEnd", json!({"reason": "other"}));
    assert_eq!(project.ok("agent claude-567890ab")["agent"]["state"], "left");
    assert_eq!(project.task("T-1")["state"], "ready", "what it held is free");
    session.hook("SessionStart", json!({"source": "resume"}));
    assert_eq!(project.ok("agent claude-567890ab")["agent"]["state"], "active", "the same agent, a new session");
}

#[test]
fn commands_of_the_client_are_known_by_its_process() {
    let project = Project::with(&["bob"]);
    project.ok("add one --id T-1");
    project.ok("reserve 'lib/**' --as bob");
    // The shell means the client: it runs the hook and then a command of the model.
    let script = r#"
        cp "$(command -v bash)" ../client
        ../client -c '
            echo "{\"session_id\":\"aaaabbbb\",\"hook_event_name\":\"SessionStart\"}" | oarlock hook claude SessionStart >/dev/null
            oarlock claim --json
            oarlock reserve src/x.rs --json >/dev/null
            oarlock check src/x.rs --json
            oarlock prime
            true'
    "#;
    let output = project.shell(script);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.contains("\"agent\":\"claude-aaaabbbb\"") && told.contains("You are claude-aaaabbbb"), "{told}");
    // The client has ended without a word: its work is free.
    assert_eq!(project.ok("ready")["tasks"][0]["id"], "T-1");
}

#[test]
fn a_flood_of_one_agent_hides_no_message_from_a_hook() {
    let project = Project::with(&["bob", "bob.x", "cy"]);
    let session = Session::new(&project, "claude", "s-1");
    session.hook("SessionStart", json!({"source": "startup"}));
    let me = session.agent();
    for n in 0..12 {
        let from = if n % 2 == 0 { "bob" } else { "bob.x" };
        project.ok(&format!("send {me} --text 'flood-{n} {}' --as {from}", "x".repeat(700)));
    }
    project.ok(&format!("send {me} --text 'the build is broken' --as cy"));
    let news = session.news().expect("messages");
    assert!(news.contains("the build is broken") && news.contains("flood-0 ") && news.len() < 4_300, "{news}");
    // What had no room comes with the next ones, and nothing twice.
    let mut told = news;
    while let Some(more) = session.news() {
        told.push_str(&more);
    }
    assert_eq!(told.matches("flood-").count(), 12, "{told}");
}

#[test]
fn messages_and_ended_work_are_told_once() {
    let project = Project::with(&["bob"]);
    project.ok("add one --id T-1");
    let session = Session::new(&project, "claude", "s-1");
    session.hook("SessionStart", json!({"source": "startup"}));
    assert_eq!(session.news(), None, "nothing is new");
    project.ok(&format!("send {} --text 'stop that' --subject hi --ack --as bob", session.agent()));
    let news = session.news().expect("a message");
    assert!(news.contains("from bob, wants an ack [hi]: stop") && news.contains("not orders"), "{news}");
    assert_eq!(session.news(), None, "once");
    assert_eq!(
        project.ok(&format!("inbox --as {}", session.agent()))["messages"].as_array().map(Vec::len),
        Some(1),
        "not acknowledged by that"
    );
    project.ok(&format!("send {} --text second --as bob", session.agent()));
    let news = context(&session.hook("UserPromptSubmit", json!({"prompt": "go on"}))).expect("a message");
    assert!(news.contains("second") && !news.contains("stop"), "{news}");
    // Tools that run side by side, and so their hooks.
    project.ok(&format!("send {} --text third --as bob", session.agent()));
    let heard = std::thread::scope(|scope| {
        let hooks: Vec<_> = (0..6).map(|_| scope.spawn(|| session.news().is_some_and(|news| news.contains("third")))).collect();
        hooks.into_iter().map(|hook| usize::from(hook.join().expect("no panic"))).sum::<usize>()
    });
    assert_eq!(heard, 1, "one of them hands it over");
    // More than fits: the rest is not lost, but comes the next time.
    (1..=6).for_each(|n| drop(project.ok(&format!("send {} --text '{n}{}' --as bob", session.agent(), "x".repeat(1_200)))));
    let news = session.news().expect("some of them");
    assert!(news.contains(": 1xx") && news.contains("3 more") && !news.contains(": 4xx"), "{news}");
    let news = session.news().expect("the rest");
    assert!(news.contains(": 4xx") && news.contains(": 6xx") && !news.contains(": 3xx"), "{news}");
    assert_eq!(session.news(), None);
    project.claim("T-1", &session.agent());
    project.ok("cancel T-1");
    let news = session.news().expect("it was cancelled");
    assert!(news.contains("cancelled: T-1"), "{news}");
    assert_eq!(session.news(), None);
}

#[test]
fn a_tool_renews_what_the_agent_holds() {
    let project = Project::new();
    project.write(".oarlock/config.toml", "lease_ttl = \"1s\"\n");
    project.ok("add one --id T-1");
    let session = Session::new(&project, "claude", "s-1");
    session.hook("SessionStart", json!({"source": "startup"}));
    project.claim("T-1", &session.agent());
    // Without the hook the lease would end; with it, it never does.
    let mut told = 0;
    while project.ok("task T-1")["task"]["holder"]["since"] == project.ok("task T-1")["task"]["holder"]["since"] && told < 20 {
        assert_eq!(session.news(), None);
        told += 1;
    }
    assert_eq!(project.task("T-1")["holder"]["agent"], session.agent());
    assert!(project.task("T-1")["holder"]["ttl_ms"].as_u64().is_some_and(|ttl| ttl > 0));
}

#[test]
fn who_stops_with_work_in_hand_is_told() {
    let project = Project::new();
    project.ok("add one --id T-1");
    let session = Session::new(&project, "claude", "s-1");
    session.hook("SessionStart", json!({"source": "startup"}));
    let stop = |held: bool| session.hook("Stop", json!({"stop_hook_active": held, "last_assistant_message": "done"}));
    assert_eq!(stop(false), Value::Null, "nothing is held");
    project.claim("T-1", &session.agent());
    assert!(stop(false)["systemMessage"].as_str().is_some_and(|text| text.contains("T-1")), "the person is told");
    project.write(".oarlock/config.toml", "[hooks]\nhold = true\n");
    let held = stop(false);
    assert!(
        held["decision"] == "block" && held["reason"].as_str().is_some_and(|why| why.contains("T-1") && why.contains("oarlock done")),
        "{held}"
    );
    assert!(stop(true)["decision"].is_null(), "only once");
    let gemini = Session::new(&project, "gemini", "g-1");
    gemini.hook("SessionStart", json!({"source": "startup"}));
    project.ok("add two --id T-2");
    project.claim("T-2", &gemini.agent());
    assert_eq!(gemini.hook("AfterAgent", json!({"stop_hook_active": false}))["decision"], "deny");
}

#[test]
fn a_worker_that_was_started_by_oarlock_keeps_its_session() {
    let project = Project::new();
    project.ok("add one --id T-1");
    let script = r#"cat > ../client.sh <<'EOF'
cat >/dev/null
for event in SessionStart PostToolUse SessionEnd; do
  echo '{"session_id":"cccc","tool_name":"Bash"}' | oarlock hook claude $event >>../hooks.out || exit 1
done
EOF
oarlock work --as ada --once -- bash ../client.sh && cat ../hooks.out"#;
    let output = project.shell(script);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(project.task("T-1")["state"], "done", "the end of the client did not release the worker's task");
    assert!(String::from_utf8_lossy(&output.stdout).contains("You are ada"), "it is the worker's agent");
    assert!(!project.ok("agents --all")["agents"].to_string().contains("claude-"));
}

#[test]
fn a_name_that_another_live_session_has_is_left_to_it() {
    let project = Project::with(&["bob"]);
    project.ok("add one --id T-1");
    // Two clients that live: each has a process of its own.
    let script = r#"
        export OARLOCK_AGENT=ada
        cp "$(command -v bash)" ../one; cp "$(command -v bash)" ../two
        told() { echo "{\"session_id\":\"$1\",\"tool_name\":\"Edit\",\"tool_input\":{\"file_path\":\"lib/x.rs\"}}"; }
        export -f told
        ../one -c '
            told aaaa1111 | oarlock hook claude SessionStart >/dev/null
            oarlock claim T-1 --as ada >/dev/null; oarlock reserve lib/x.rs --as ada >/dev/null
            ../two -c "
                told bbbb2222 | oarlock hook claude SessionStart
                oarlock send ada --text hello --as bob >/dev/null
                told bbbb2222 | oarlock hook claude PreToolUse
                told bbbb2222 | oarlock hook claude PostToolUse
                told bbbb2222 | oarlock hook claude SessionEnd
                true"
            echo; echo AFTER
            oarlock task T-1 --json; oarlock agents --all
            told aaaa1111 | oarlock hook claude PostToolUse
            true'
    "#;
    let output = project.shell(script);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let (second, after) = told.split_once("AFTER").expect("it ran to its end");
    assert!(second.contains("You are claude-bbbb2222") && second.contains("Another live session is ada"), "{told}");
    assert!(second.contains("held by ada") && !second.contains("hello"), "{told}");
    assert!(after.contains("\"agent\":\"ada\"") && after.contains("hello"), "{told}");
}

#[test]
fn each_client_is_answered_in_its_form() {
    let project = Project::with(&["bob"]);
    project.ok("reserve 'src/**' --as bob");
    let start = |client: &'static str, event: &str| Session::new(&project, client, "s-1").hook(event, json!({"source": "startup"}));
    for client in ["claude", "codex", "gemini", "vscode"] {
        let answer = start(client, "SessionStart");
        assert_eq!(answer["hookSpecificOutput"]["hookEventName"], "SessionStart", "{client}: {answer}");
        assert!(context(&answer).is_some_and(|text| text.contains(&format!("{client}-"))), "{client}");
    }
    let answer = start("cursor", "sessionStart");
    assert!(answer["additional_context"].is_string() && answer["env"]["OARLOCK_AGENT"] == "cursor-s1", "{answer}");
    let answer = start("opencode", "session-start");
    assert!(answer["context"].is_string() && answer["name"] == "opencode-s1", "{answer}");
    let cursor = Session::new(&project, "cursor", "s-1");
    let shell = json!({"command": "echo > src/a.rs", "workspace_roots": [project.root()], "conversation_id": "s-1"});
    let answer = cursor.hook("beforeShellExecution", shell);
    assert!(answer["permission"] == "deny" && answer["user_message"].is_string(), "{answer}");
}

//! The server for models: as whom it calls, and what its clients see.

mod gone;
mod hooks;
mod texts;

use rustix::process::Signal;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::support::{Http, Project};

/// A client that started a server.
pub(super) struct Client {
    server: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    id: u64,
}

impl Client {
    pub(super) fn start(project: &Project, environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_oarlock"));
        project.clean(&mut command);
        command.arg("mcp").current_dir(project.root()).envs(environment.iter().copied());
        let mut server = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the binary starts");
        Self::greet(server.stdin.take().expect("piped"), server.stdout.take().expect("piped"), server)
    }

    /// A client of a server that `server` is, or has started.
    fn greet(input: ChildStdin, output: ChildStdout, server: Child) -> Self {
        let mut client = Self { server, input, output: BufReader::new(output), id: 0 };
        let hello = client.ask(
            "initialize",
            &json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}),
        );
        assert_eq!(hello["result"]["serverInfo"]["name"], "oarlock", "{hello}");
        assert_eq!(hello["result"]["protocolVersion"], "2025-06-18");
        client.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        client
    }

    fn say(&mut self, message: &Value) {
        writeln!(self.input, "{message}").and_then(|()| self.input.flush()).expect("it reads");
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.id += 1;
        let id = self.id;
        self.say(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        loop {
            let mut line = String::new();
            assert_ne!(self.output.read_line(&mut line).expect("UTF-8"), 0, "it answers");
            let answer: Value = serde_json::from_str(&line).expect("nothing but JSON is printed");
            if answer["id"] == id {
                return answer;
            }
        }
    }

    fn call_with(&mut self, tool: &str, arguments: &Value, meta: &Value) -> Result<Value, Value> {
        let answer = self.ask("tools/call", &json!({"name": tool, "arguments": arguments, "_meta": meta}));
        let result = &answer["result"];
        let text = result["content"][0]["text"].as_str().expect("a result has a text");
        let value: Value = serde_json::from_str(text).expect("JSON");
        if result["isError"] == true { Err(value["error"].clone()) } else { Ok(value) }
    }

    #[track_caller]
    fn ok(&mut self, tool: &str, arguments: &Value) -> Value {
        self.call_with(tool, arguments, &json!({})).expect("it succeeds")
    }

    #[track_caller]
    pub(super) fn fails(&mut self, tool: &str, arguments: &Value) -> Value {
        self.call_with(tool, arguments, &json!({})).expect_err("refused")
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[test]
fn a_model_gets_through_the_loop() {
    let project = Project::new();
    project.ok("add first --writes src/a.rs");
    let mut ada = Client::start(&project, &[("OARLOCK_AGENT", "ada")]);
    let claim = ada.ok("claim", &json!({"reserve": true}));
    let token = claim["lease"]["token"].clone();
    assert_eq!((&claim["task"]["id"], &claim["task"]["holder"]["agent"]), (&json!("T-1"), &json!("ada")));
    assert_eq!(claim["reservations"][0]["pattern"], "src/a.rs");
    ada.ok("renew", &json!({"id": "T-1", "token": token, "progress": 50}));
    ada.ok("sync", &json!({"merge": {"phase": "tests"}}));
    assert_eq!(ada.ok("done", &json!({"id": "T-1", "token": token, "result": "fine"}))["task"]["state"], "done");
    let error = ada.fails("claim", &json!({"wait": "30s"}));
    assert_eq!((&error["code"], &error["details"]["all_done"]), (&json!("nothing_ready"), &json!(true)));
    assert_eq!(error["hint"], "everything is done: stop");
    project.ok("add later --not-before 1h");
    let error = ada.fails("claim", &json!({}));
    assert!(error["code"] == "nothing_ready" && error["hint"].as_str().expect("a step").contains("wait"), "{error}");
    let error = ada.fails("claim", &json!({"wait": "1s"}));
    assert_eq!(error["code"], "timed_out");
    let error = ada.fails("claim", &json!({"wat": 1}));
    assert_eq!(error["code"], "invalid_request");
    // Its process is its owner: an end of the client is its death, after a time in which it may start again.
    let agent = project.ok("agent ada")["agent"].clone();
    assert_eq!((&agent["state"], &agent["pid"]), (&json!("active"), &json!(ada.server.id())));
}

/// Bytes of the answers in [`a_model_reads_few_bytes_in_its_loop`] before they were short, the claimed task's own text apart.
const LONG_LOOP_BYTES: usize = 6_925;

#[test]
fn a_model_reads_few_bytes_in_its_loop() {
    let project = Project::new();
    let body = format!("{}\n", &"Write the parser. ".repeat(100)[..1_499]);
    project.call("add 'Write the parser' --body - --writes src/parser.rs").input(body.clone()).ok();
    project.ok("add 'Write the printer'");
    let mut ada = Client::start(&project, &[("OARLOCK_AGENT", "ada")]);
    let result = "parser written: src/parser.rs, 12 tests pass, no open points";
    let mut bytes = 0;
    for (method, params) in [
        ("resources/read", json!({"uri": "oarlock://my-task"})),
        ("tools/call", json!({"name": "claim", "arguments": {"reserve": true}})),
        ("tools/call", json!({"name": "renew", "arguments": {"id": "T-1", "progress": 50, "note": "half"}})),
        ("tools/call", json!({"name": "done", "arguments": {"id": "T-1", "result": result}})),
        ("tools/call", json!({"name": "inbox", "arguments": {}})),
    ] {
        let answer = ada.ask(method, &params);
        assert_ne!(answer["result"]["isError"], true, "{answer}");
        bytes += answer.to_string().len();
        if params["name"] == "claim" {
            assert_eq!(answer["result"]["structuredContent"]["task"]["body"], body, "it is never cut");
            // It is there twice: as text and as content with a structure.
            bytes -= 2 * (body.len() - 1);
        }
    }
    assert!(bytes * 2 <= LONG_LOOP_BYTES, "{bytes} bytes");
}

#[test]
fn the_reason_of_a_rejection_reaches_the_next_attempt() {
    let project = Project::new();
    project.ok("add first --gate human");
    let mut ada = Client::start(&project, &[("OARLOCK_AGENT", "ada")]);
    ada.ok("claim", &json!({}));
    ada.ok("done", &json!({"id": "T-1", "result": "half"}));
    project.ok("reject T-1 --reason 'no test for empty input'");
    let task = ada.ok("claim", &json!({}))["task"].clone();
    assert_eq!((&task["rejected"], &task["result"]), (&json!("no test for empty input"), &json!("half")));
    ada.ok("done", &json!({"id": "T-1", "result": "whole"}));
    project.ok("reject T-1 --reason 'and none for tabs'");
    // A command reads it in its Markdown.
    let report = project.ok("work --once --as worker -- cat");
    assert_eq!(report["done"], 1, "{report}");
    let result = project.task("T-1")["result"].clone();
    assert!(result.as_str().is_some_and(|text| text.contains("and none for tabs")), "{result}");
}

#[test]
fn a_model_may_ask_for_all_of_a_reply() {
    let project = Project::new();
    project.ok("add first --body text");
    let mut ada = Client::start(&project, &[("OARLOCK_AGENT", "ada")]);
    assert!(ada.ok("claim", &json!({"full": true}))["task"]["created_at"].is_string());
    assert_eq!(ada.fails("done", &json!({"id": "T-1", "full": 1}))["code"], "invalid_request");
    let done = ada.ok("done", &json!({"id": "T-1", "result": "fine", "full": true}));
    assert_eq!((&done["task"]["body"], &done["task"]["result"]), (&json!("text"), &json!("fine")));
}

#[test]
fn a_model_ends_a_task_and_takes_the_next_by_one_call() {
    let project = Project::with(&["bob"]);
    let mut ada = Client::start(&project, &[("OARLOCK_AGENT", "ada")]);
    for id in ["A", "B", "C"] {
        project.ok(&format!("add t --id {id}"));
    }
    ada.ok("claim", &json!({"id": "A"}));
    let reply = ada.ok("done", &json!({"id": "A", "result": "fine", "claim": true, "reserve": true}));
    assert_eq!((&reply["task"]["state"], &reply["claimed"]["task"]["id"]), (&json!("done"), &json!("B")), "{reply}");
    project.claim("C", "bob");
    let reply = ada.ok("done", &json!({"id": "B", "claim": true, "wait": "1s"}));
    assert_eq!((&reply["task"]["state"], &reply["nothing_ready"]["claimed"]), (&json!("done"), &json!(1)), "{reply}");
    project.ok("add d --id D");
    ada.ok("claim", &json!({"id": "D"}));
    project.ok("send ada --text 'stop that' --ack --as bob");
    let reply = ada.ok("done", &json!({"id": "D", "claim": true, "wait": "30s"}));
    assert_eq!(reply["nothing_ready"]["messages"][0]["text"], "stop that", "{reply}");
}

#[test]
fn a_model_that_waits_hears_of_messages() {
    let project = Project::with(&["bob"]);
    project.ok("add later --not-before 1h");
    let mut ada = Client::start(&project, &[("OARLOCK_AGENT", "ada")]);
    assert_eq!(ada.ok("inbox", &json!({}))["messages"], json!([]));
    project.ok("send ada --text 'stop that' --ack --as bob");
    let error = ada.fails("claim", &json!({"wait": "1s", "or_message": false}));
    assert_eq!((&error["code"], &error["details"]["unread"]), (&json!("timed_out"), &json!(1)));
    let error = ada.fails("claim", &json!({"wait": "30s"}));
    assert_eq!((&error["code"], &error["details"]["messages"][0]["text"]), (&json!("messages_waiting"), &json!("stop that")));
    assert_eq!(ada.fails("claim", &json!({"wait": "1s"}))["code"], "timed_out", "it is shown once");
    // What a tool has shown counts as well.
    project.ok("send ada --text 'and this' --ack --as bob");
    assert_eq!(ada.ok("inbox", &json!({}))["messages"].as_array().map(Vec::len), Some(2));
    assert_eq!(ada.fails("claim", &json!({"wait": "1s"}))["code"], "timed_out");
}

#[test]
fn without_a_name_one_is_made_up_and_two_servers_are_two_agents() {
    let project = Project::new();
    let (mut one, mut two) = (Client::start(&project, &[]), Client::start(&project, &[]));
    one.ok("sync", &json!({"merge": {"n": 1}}));
    two.ok("sync", &json!({"merge": {"n": 2}}));
    one.ok("inbox", &json!({}));
    let agents = project.ok("agents")["agents"].clone();
    assert_eq!(agents.as_array().expect("a list").len(), 2, "{agents}");
}

#[test]
fn a_server_that_is_started_again_goes_on_with_its_session() {
    let project = Project::new();
    project.ok("add first");
    for name in [Some("ada"), None] {
        let environment: Vec<(&str, &str)> = name.map(|name| ("OARLOCK_AGENT", name)).into_iter().collect();
        let mut first = Client::start(&project, &environment);
        let claim = first.ok("claim", &json!({}));
        first.server.kill().expect("it runs");
        first.server.wait().expect("it is ours");
        let mut again = Client::start(&project, &environment);
        let renewed = again.ok("renew", &json!({"id": "T-1", "token": claim["lease"]["token"]}));
        assert_eq!(renewed["lease"]["token"], claim["lease"]["token"]);
        again.ok("fail", &json!({"id": "T-1", "reason": "next", "no_retry": true}));
        project.ok("requeue T-1");
        drop(again);
    }
}

#[test]
fn a_second_server_of_a_name_that_lives_is_told_so() {
    let project = Project::new();
    let mut first = Client::start(&project, &[("OARLOCK_AGENT", "ada")]);
    first.ok("inbox", &json!({}));
    let mut second = Client::start(&project, &[("OARLOCK_AGENT", "ada")]);
    assert_eq!(second.fails("inbox", &json!({}))["code"], "already_exists");
    first.ok("inbox", &json!({}));
}

#[test]
fn who_has_joined_by_hand_is_the_one_that_the_server_speaks_for() {
    let project = Project::with(&["ada"]);
    project.ok("add first");
    let session = project.session("ada");
    let mut ada = Client::start(&project, &[("OARLOCK_AGENT", "ada")]);
    assert_eq!(ada.ok("claim", &json!({}))["task"]["holder"]["session"], json!(session));
    let mut same = Client::start(&project, &[("OARLOCK_SESSION", &session)]);
    same.ok("done", &json!({"id": "T-1"}));
}

#[test]
fn a_sub_agent_on_the_same_connection_is_another_agent() {
    let project = Project::new();
    project.ok("add first");
    project.ok("add second");
    let mut client = Client::start(&project, &[("OARLOCK_AGENT", "ada")]);
    let parents = client.ok("claim", &json!({"id": "T-1"}));
    let codex = |thread: &str| json!({"x-codex-turn-metadata": {"session_id": "s1", "thread_id": thread}});
    for meta in [json!({"oarlock/thread": "tests"}), codex("t2")] {
        let token = parents["lease"]["token"].clone();
        for (tool, request) in [
            ("done", json!({"id": "T-1"})),
            ("renew", json!({"id": "T-1", "token": token})),
            ("fail", json!({"id": "T-1", "reason": "x"})),
            ("fail", json!({"id": "T-1", "reason": "x", "token": token})),
        ] {
            let error = client.call_with(tool, &request, &meta).expect_err("it is its parent's");
            assert!(["lease_held", "stale_token", "lease_lost"].iter().any(|code| error["code"] == *code), "{tool} {error}");
        }
        let claim = client.call_with("claim", &json!({"id": "T-2"}), &meta).expect("its own");
        let holder = claim["task"]["holder"]["agent"].as_str().expect("a name").to_owned();
        assert!(holder.starts_with("ada."), "{holder}");
        client.call_with("fail", &json!({"id": "T-2", "reason": "x"}), &meta).expect("its own");
        project.ok("update T-2 --max-attempts 9");
        let due = project.call("wait T-2 --timeout 1s").run();
        assert_ne!(due.code, 2);
        while project.task("T-2")["state"] != "ready" {
            std::thread::yield_now();
        }
    }
    client.ok("done", &json!({"id": "T-1", "token": parents["lease"]["token"]}));
}

#[test]
fn a_session_that_was_taken_over_is_told_to_stop_and_then_joins_anew() {
    let project = Project::new();
    project.ok("add first");
    let mut ada = Client::start(&project, &[("OARLOCK_AGENT", "ada")]);
    ada.ok("claim", &json!({}));
    let other = project.ok("join ada --take-over");
    assert_eq!(ada.fails("renew", &json!({"id": "T-1"}))["code"], "stale_session");
    assert_eq!(other["agent"]["name"], "ada");
    project.ok("leave --as ada");
    assert_eq!(ada.ok("claim", &json!({}))["task"]["id"], "T-1");
}

#[test]
fn pages_and_prompts_are_there() {
    let project = Project::new();
    project.ok("add first");
    let mut ada = Client::start(&project, &[("OARLOCK_AGENT", "ada")]);
    let mine = ada.ask("resources/read", &json!({"uri": "oarlock://my-task"}));
    assert!(mine["result"]["contents"][0]["text"].as_str().expect("text").contains("You are ada"), "{mine}");
    let status = ada.ask("resources/read", &json!({"uri": "oarlock://status"}));
    assert!(status["result"]["contents"][0]["text"].as_str().expect("text").contains("\"ready\":1"), "{status}");
    assert!(ada.ask("resources/read", &json!({"uri": "file:///etc/passwd"}))["error"].is_object());
    let plan =
        ada.ask("prompts/get", &json!({"name": "plan_document", "arguments": {"document": "# A\n1. Write `a.rs`\n2. Write `b.rs`\n"}}));
    assert!(plan["result"]["messages"][0]["content"]["text"].as_str().expect("text").contains("a.rs"), "{plan}");
    assert!(ada.ask("prompts/get", &json!({"name": "plan_document"}))["error"].is_object());
}

#[test]
fn it_ends_with_its_client_and_speaks_to_a_gateway_too() {
    let project = Project::new();
    project.ok("add first");
    let served = project.serve("");
    let mut ada = Client::start(&project, &[("OARLOCK_AGENT", "ada"), ("OARLOCK_STORE", &served.url)]);
    assert_eq!(ada.ok("claim", &json!({}))["task"]["id"], "T-1");
    assert_eq!(project.task("T-1")["holder"]["agent"], "ada");
    let Client { ref mut server, .. } = ada;
    rustix::process::kill_process(rustix::process::Pid::from_child(server), Signal::KILL).expect("it runs");
    server.wait().expect("it is ours");
    // Its process was named to the gateway, which sees its death.
    assert_eq!(project.call("claim --wait 60s --as bob").env("OARLOCK_STORE", &served.url).run().code, 3, "bob has not joined");
    project.ok("join bob");
    assert_eq!(project.call("claim --wait 60s --as bob").env("OARLOCK_STORE", &served.url).ok()["task"]["id"], "T-1");
}

#[test]
fn the_stateless_revision_is_spoken_too() {
    let project = Project::new();
    project.ok("add first");
    let served = project.serve("");
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let ask = |method: &str, name: &str, mut params: Value| {
        params["_meta"] = meta.clone();
        let http = served.http().with("Accept", "application/json, text/event-stream").with("MCP-Protocol-Version", "2026-07-28");
        let http = http.with("Mcp-Method", method).with("Mcp-Name", name).with("Oarlock-Agent", "ada");
        let answer =
            http.request("POST", "/mcp", json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string().as_bytes());
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(answer.header("mcp-session-id").is_none());
        answer.json()["result"].clone()
    };
    let found = ask("server/discover", "", json!({}));
    assert!(found["supportedVersions"].as_array().expect("a list").contains(&json!("2026-07-28")), "{found}");
    assert_eq!(ask("tools/list", "", json!({}))["tools"].as_array().expect("a list").len(), 12);
    let claim = ask("tools/call", "claim", json!({"name": "claim", "arguments": {}}));
    assert_eq!(claim["structuredContent"]["task"]["holder"]["agent"], "ada", "{claim}");
}

#[test]
fn a_key_is_as_narrow_over_this_protocol() {
    let project = Project::with(&["bob"]);
    project.ok("add first");
    let served = project.serve("");
    let key = project.ok("access create --name ada --verbs sync,join")["key"].as_str().expect("shown once").to_owned();
    let http =
        Http::new(&served.url, &key).with("Accept", "application/json, text/event-stream").with("MCP-Protocol-Version", "2025-06-18");
    let call = |http: &Http, tool: &str, arguments: Value, meta: Value| {
        let params = json!({"name": tool, "arguments": arguments, "_meta": meta});
        let answer = http.request(
            "POST",
            "/mcp",
            json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).to_string().as_bytes(),
        );
        answer.json()["result"].clone()
    };
    let is_denied =
        |result: &Value| result["isError"] == true && result["content"][0]["text"].as_str().is_some_and(|text| text.contains("\"denied\""));
    let plain = json!({});
    assert!(is_denied(&call(&http, "claim", json!({}), plain.clone())), "not one of its verbs");
    // A header that does not fit the key takes nothing of its bounds away.
    for name in ["bob", "!", "adam"] {
        for tool in ["claim", "sync"] {
            let result = call(&http.with("Oarlock-Agent", name), tool, json!({"merge": {"a": 1}}), plain.clone());
            assert_eq!(result["isError"], true, "{name}: {result}");
        }
    }
    // Nor does the run of somebody else's harness.
    let mut other = Client::start(&project, &[("OARLOCK_AGENT", "cod")]);
    let codex = json!({"x-codex-turn-metadata": {"session_id": "s1", "thread_id": "s1"}});
    other.call_with("sync", &json!({"merge": {"a": 1}}), &codex).expect("its own");
    let result = call(&http, "sync", json!({"merge": {"a": 2}}), codex);
    assert_eq!(result["structuredContent"]["state"]["key"], "agent/ada", "{result}");
}

#[test]
fn a_line_that_is_no_json_is_answered_and_the_next_one_is_read() {
    let project = Project::new();
    let mut client = Client::start(&project, &[("OARLOCK_AGENT", "ada")]);
    for line in ["nonsense", "{\"jsonrpc\": \"2.0\", \"id\": 7, \"method\": ", "[1, 2"] {
        writeln!(client.input, "{line}").and_then(|()| client.input.flush()).expect("it reads");
        let mut answer = String::new();
        client.output.read_line(&mut answer).expect("UTF-8");
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        assert_eq!((&answer["error"]["code"], answer.get("id")), (&json!(-32700), Some(&Value::Null)), "{answer}");
    }
    assert!(client.ok("agents", &json!({}))["agents"].is_array(), "it goes on");
}

/// Who holds what `claim` got by `/mcp` with this key, for a helper of this name; or the code of the refusal.
fn holder_by_http(http: &Http, thread: &str) -> String {
    let params = json!({"name": "claim", "arguments": {}, "_meta": {"oarlock/thread": thread}});
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
    let result = http.request("POST", "/mcp", request.to_string().as_bytes()).json()["result"].clone();
    let error =
        || serde_json::from_str::<Value>(result["content"][0]["text"].as_str().expect("a text")).expect("JSON")["error"]["code"].clone();
    let holder = &result["structuredContent"]["task"]["holder"]["agent"];
    holder.as_str().map_or_else(|| error().as_str().expect("a code").to_owned(), str::to_owned)
}

#[test]
fn a_helper_whose_name_does_not_fit_is_never_handed_anothers_session() {
    let project = Project::new();
    for n in 0..6 {
        project.ok(&format!("add task-{n}"));
    }
    let served = project.serve("");
    let key_of = |name: &str| project.ok(&format!("access create --name {name}"))["key"].as_str().expect("shown once").to_owned();
    let http = |name: &str| {
        let http = Http::new(&served.url, &key_of(name));
        http.with("Accept", "application/json, text/event-stream").with("MCP-Protocol-Version", "2025-06-18")
    };
    let (victim, longer, too_long) = ("v".repeat(50), format!("{}w", "v".repeat(50)), "v".repeat(64));
    let victims = http(&victim);
    assert_eq!(holder_by_http(&victims, "tests"), format!("{victim}.tests"));
    // Names that agree in their first 50 characters, and one that leaves no room.
    let others = holder_by_http(&http(&longer), "tests");
    assert!(others.starts_with(&format!("{longer}.")), "{others}");
    assert_eq!(holder_by_http(&http(&too_long), "tests"), "invalid_request");
    // Helpers that agree in their first 60 characters and in their last ones.
    let long = "h".repeat(60);
    let both = [1, 2].map(|n| holder_by_http(&victims, &format!("{long}{n}abcdefgh")));
    assert!(both[0] != both[1] && both.iter().all(|name| name.starts_with(&format!("{victim}."))), "{both:?}");
}

#[test]
fn a_session_that_ended_is_not_asked_for_for_ever() {
    let project = Project::with(&["ada"]);
    let session = project.session("ada");
    let mut ada = Client::start(&project, &[("OARLOCK_SESSION", &session)]);
    ada.ok("inbox", &json!({}));
    project.ok("leave --as ada");
    assert_eq!(ada.fails("inbox", &json!({}))["code"], "stale_session");
    ada.ok("inbox", &json!({}));
}

#[test]
fn in_a_repository_without_a_project_it_says_what_is_missing() {
    let project = Project::git();
    let mut client = Client::start(&project, &[]);
    let error = client.fails("tasks", &json!({}));
    assert!(error["code"] == "not_found" && error["message"].as_str().is_some_and(|text| text.contains("oarlock init")), "{error}");
}

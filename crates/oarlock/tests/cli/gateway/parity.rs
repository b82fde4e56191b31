//! One piece for every verb of the registry, played by the command line on the file, by the command line through a gateway,
//! by plain HTTP, and, where a verb is a tool, by the Model Context Protocol: nobody can distinguish the doors.

use oarlock::ops::registry;
use oarlock_model::ErrorCode;
use serde_json::{Value, json};
use std::collections::BTreeSet;

use crate::support::{Http, Project, words};

/// The piece: who (or nobody), and what. It begins in a project with nothing in it.
const PIECE: &[(&str, &str)] = &[
    ("", "join ada --role planner --can rust"),
    ("", "join bob --timeout 5m"),
    ("", "join ada"),
    ("", "agents"),
    ("", "agents --at-least 9"),
    ("", "agent ada"),
    ("", "agent nobody"),
    ("ada", "heartbeat --status busy --action reading"),
    ("", "add first --priority 1 --writes src/a.rs --estimate 45m"),
    ("ada", "add second --needs T-1 --assign bob"),
    ("", "add gated --id G --gate human"),
    ("", "add parent --id P --body '# P\n\n## Steps\n1. Create `x/a.rs`\n2. Create `y/b.rs`\n'"),
    ("", "add x --needs missing"),
    ("", "update T-1 --title First --resources db"),
    ("ada", "note T-1 'have a look'"),
    ("", "tasks"),
    ("", "tasks --state ready --limit 1"),
    ("", "task T-1"),
    ("", "task T-77"),
    ("", "ready"),
    ("", "depend T-2 --on G"),
    ("", "depend T-1 --on T-2"),
    ("", "depend T-2 --on G --remove"),
    ("ada", "split P --agents 2"),
    ("ada", "split P"),
    ("", "split plan.md --dry-run"),
    ("ada", "claim T-1 --reserve --key k1"),
    ("ada", "claim T-1 --reserve --key k1"),
    ("ada", "claim T-2 --key k1"),
    ("bob", "claim T-1"),
    ("nobody", "claim"),
    ("", "claim"),
    ("ada", "renew T-1 --progress 40 --note half"),
    ("bob", "renew T-1"),
    ("ada", "renew T-1 --token 1"),
    ("bob", "reserve src/** --reason mine"),
    ("bob", "reserve docs/** --shared --ttl 2h"),
    ("bob", "check src/a.rs"),
    ("ada", "check src/a.rs docs/x.md"),
    ("", "reservations"),
    ("bob", "unreserve docs/**"),
    ("ada", "done T-1 --result fine --artifact src/a.rs"),
    ("ada", "done T-1 --result fine --artifact src/a.rs"),
    ("ada", "done T-1 --result other"),
    ("bob", "claim --count 2"),
    ("bob", "fail T-2 --reason 'no time'"),
    ("bob", "claim"),
    ("ada", "claim G"),
    ("bob", "release G"),
    ("ada", "release G"),
    ("ada", "claim G"),
    ("ada", "done G"),
    ("", "reject G --reason more"),
    ("ada", "claim G"),
    ("ada", "done G"),
    ("", "approve G"),
    ("", "cancel P"),
    ("", "requeue P"),
    ("", "wait T-1 --timeout 1s"),
    ("", "wait T-2 P --any --timeout 1s"),
    ("ada", "sync phase=testing n:=3"),
    ("", "state agent/ada"),
    ("bob", "state-set agent/ada {}"),
    ("bob", "state-set shared '{\"a\":1}' --if-version 0"),
    ("bob", "state-set shared 7 --if-version 5"),
    ("bob", "state-delete shared"),
    ("ada", "send bob --text 'well done' --subject hi --ack"),
    ("ada", "send nobody --text x"),
    ("bob", "inbox"),
    ("bob", "inbox --wait 1s"),
    ("bob", "ack M-1"),
    ("", "thread M-1"),
    ("ada", "propose 'Which parser?' --options nom,chumsky --deadline 1h"),
    ("", "propose 'One?' --options nom"),
    ("ada", "vote P-1 nom"),
    ("ada", "vote P-1 yacc"),
    ("bob", "decision P-1 --wait 1s"),
    ("bob", "vote P-1 nom"),
    ("bob", "vote P-1 chumsky"),
    ("", "vote P-1 nom"),
    ("", "decision P-1 --wait 1s"),
    ("bob", "claim T-2 --wait 1s"),
    ("", "events --limit 3"),
    ("", "events --kind task_done,task_failed"),
    ("", "events --kind nonsense"),
    ("", "status"),
    ("", "attention"),
    ("ada", "prime"),
    ("", "add x --id X1"),
    ("", "add x --id X2 --writes x/**"),
    ("ada", "claim X1"),
    ("ada", "done X1 --claim --reserve"),
    ("ada", "done X1 --claim --reserve"),
    ("ada", "send bob --text 'come here' --ack"),
    ("bob", "claim X2 --wait 1s --or-message"),
    ("bob", "inbox --new"),
    ("", "add '' "),
    ("bob", "leave"),
    ("bob", "heartbeat"),
];

/// The outcome of one call: its exit code (that of the table for other doors) and its output.
type Outcome = (i64, Value);

fn outcome(code: i64, value: Value) -> Outcome {
    (code, normal(value))
}

/// Without values that differ each time: moments, ages, this machine.
fn normal(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(normal).collect(),
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .map(|(name, value)| {
                    let value = match name.as_str() {
                        "at" | "since" | "last_seen" | "boot_id" | "created_at" | "updated_at" | "sent_at" | "opened_at" | "ready_at" => {
                            json!("…")
                        }
                        "age_ms" | "ttl_ms" | "waited_ms" | "retry_after_ms" | "closes_in_ms" | "ready_ms" | "for_ms" | "retry_at" => {
                            json!("…")
                        }
                        "message" | "text" => json!(without_times(value.as_str().unwrap_or_default())),
                        _ => normal(value),
                    };
                    (name, value)
                })
                .collect(),
        ),
        other => other,
    }
}

/// A sentence without its numbers of milliseconds, seconds and minutes.
fn without_times(text: &str) -> String {
    let words: Vec<&str> = text.split(' ').collect();
    let unit = |n: usize| {
        words
            .get(n + 1)
            .is_some_and(|next| ["ms", "s", "min"].iter().any(|unit| next.trim_end_matches(['.', ',', ')', ';', '\n']).starts_with(unit)))
    };
    let shown =
        |(n, word): (usize, &&str)| if unit(n) && word.bytes().all(|b| b.is_ascii_digit()) { "…".to_owned() } else { (*word).to_owned() };
    words.iter().enumerate().map(shown).collect::<Vec<_>>().join(" ")
}

fn project() -> Project {
    let project = Project::new();
    project.write("plan.md", "# Plan\n\n## Steps\n1. Create `a.rs`\n2. Create `b.rs`\n");
    project
}

/// Two projects that begin as one: their stores have the same identity, so that they give the same ids.
fn twins() -> (Project, Project) {
    let (one, other) = (project(), project());
    for file in ["oarlock.db", "oarlock.db-wal", "oarlock.db-shm", "board"] {
        let (from, to) = [&one, &other].map(|project| project.store().with_file_name(file)).into();
        let _ = std::fs::remove_file(&to);
        if from.exists() && file.starts_with("oarlock") {
            std::fs::copy(from, to).expect("a copy");
        }
    }
    (one, other)
}

/// The message ids that a piece may name are those of its own store.
fn line(project: &Project, who: &str, line: &str) -> String {
    let mut line = line.to_owned();
    if line.contains("M-1") {
        let sent = project.ok("events --kind message_sent");
        line = line.replace("M-1", sent["events"][0]["subject"].as_str().expect("a message was sent"));
    }
    if line.contains("P-1") {
        let opened = project.ok("events --kind proposal_opened");
        line = line.replace("P-1", opened["events"][0]["subject"].as_str().expect("a proposal was opened"));
    }
    if who.is_empty() { line } else { format!("{line} --as {who}") }
}

fn by_command_line(project: &Project, url: Option<&str>) -> Vec<Outcome> {
    let run = |(who, text): &(&str, &str)| {
        let mut call = project.call(&line(project, who, text));
        if let Some(url) = url {
            call = call.env("OARLOCK_STORE", url);
        }
        let reply = call.run();
        let out = if reply.code == 0 { &reply.stdout } else { &reply.stderr };
        outcome(i64::from(reply.code), serde_json::from_str(out).expect("JSON"))
    };
    PIECE.iter().map(run).collect()
}

/// The verb of a line, its key, and its request as JSON.
fn request(text: &str) -> (&'static registry::Entry, Option<String>, Result<Value, Value>) {
    let mut words = words(text);
    let entry = registry::find(&words[0]).expect("a verb");
    let key = words.iter().position(|word| word == "--key").map(|at| {
        words.remove(at);
        words.remove(at)
    });
    let command = (entry.arguments)(clap::Command::new(entry.verb));
    let matches = command.try_get_matches_from(&words).expect("every line of the piece can be parsed");
    let request = (entry.from_matches)(&matches).map_err(|error| json!(error.to_string()));
    (entry, key, request.map(|call| call.to_json().expect("JSON")))
}

fn fields(project: &Project, who: &str, text: &str) -> (&'static registry::Entry, Value) {
    let (entry, key, request) = request(&line(project, "", text));
    let mut fields = request.expect("every line of the piece is a request");
    if let Some(document) = fields["id"].as_str().filter(|id| id.ends_with(".md")) {
        fields["document"] = std::fs::read_to_string(project.root().join(document)).expect("written").into();
    }
    if !who.is_empty() {
        fields["as"] = who.into();
    }
    if let Some(key) = key {
        fields["idempotency_key"] = key.into();
    }
    // What only the caller's machine would fill in.
    if entry.verb == "join" {
        fields.as_object_mut().expect("an object").retain(|name, _| name != "owner");
        fields["host"] = json!({"name": std::fs::read_to_string("/proc/sys/kernel/hostname").expect("Linux").trim()});
    }
    (entry, fields)
}

fn answer_by_http(http: &Http, entry: &registry::Entry, fields: &Value) -> Outcome {
    let answer = http.post(entry.verb, fields);
    let value = answer.json();
    let code = value["error"]["code"].as_str();
    let code = code.map(|word| ErrorCode::of_word(word).expect("a code of the table"));
    assert_eq!(answer.status, code.map_or(200, ErrorCode::http), "{answer:?}");
    outcome(code.map_or(0, |code| i64::from(code.exit())), value)
}

fn by_http(project: &Project, http: &Http) -> Vec<Outcome> {
    let run = |(who, text): &(&str, &str)| {
        let (entry, fields) = fields(project, who, text);
        answer_by_http(http, entry, &fields)
    };
    PIECE.iter().map(run).collect()
}

/// The tools that a gateway has.
fn tools(http: &Http) -> BTreeSet<String> {
    let reply = rpc(http, "tools/list", &json!({}));
    reply["result"]["tools"].as_array().expect("a list").iter().map(|tool| tool["name"].as_str().expect("a name").to_owned()).collect()
}

fn rpc(http: &Http, method: &str, params: &Value) -> Value {
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let answer = http.with("Accept", "application/json, text/event-stream").with("MCP-Protocol-Version", "2025-06-18").request(
        "POST",
        "/mcp",
        request.to_string().as_bytes(),
    );
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// Where a verb is a tool and somebody calls it, by the protocol for models, else by HTTP.
fn by_mcp(project: &Project, http: &Http) -> Vec<Outcome> {
    let tools = tools(http);
    let run = |(who, text): &(&str, &str)| {
        let (entry, mut fields) = fields(project, who, text);
        let is_known = matches!(*who, "ada" | "bob");
        let has_key = fields.get("idempotency_key").is_some();
        if !tools.contains(entry.verb) || !is_known || has_key || text.contains("--count") || *text == "heartbeat" {
            return answer_by_http(http, entry, &fields);
        }
        let object = fields.as_object_mut().expect("an object");
        object.remove("as");
        object.insert("full".into(), true.into());
        let reply = rpc(&http.with("Oarlock-Agent", who), "tools/call", &json!({"name": entry.verb, "arguments": fields}));
        let result = &reply["result"];
        if result["isError"] == false {
            assert_eq!(
                serde_json::from_str::<Value>(result["content"][0]["text"].as_str().expect("text")).expect("JSON"),
                result["structuredContent"]
            );
            return outcome(0, result["structuredContent"].clone());
        }
        let error: Value = serde_json::from_str(result["content"][0]["text"].as_str().expect("text")).expect("JSON");
        let code = error["error"]["code"].as_str().and_then(ErrorCode::of_word).expect("a code of the table");
        outcome(i64::from(code.exit()), error)
    };
    PIECE.iter().map(run).collect()
}

/// Hints name commands or tools, depending on who asks.
fn without_hints(outcome: &Outcome) -> Outcome {
    let mut outcome = outcome.clone();
    if let Some(error) = outcome.1.get_mut("error").and_then(Value::as_object_mut) {
        error.remove("hint");
    }
    outcome
}

#[test]
fn every_verb_is_in_the_piece() {
    let played: BTreeSet<&str> = PIECE.iter().map(|(_, line)| line.split(' ').next().expect("a verb")).collect();
    let known: BTreeSet<&str> = registry::ENTRIES.iter().map(|entry| entry.verb).collect();
    assert_eq!(played, known);
}

#[test]
fn the_command_line_tells_the_same_through_a_gateway() {
    let (direct, served) = twins();
    let gateway = served.serve("");
    let (direct, through) = (by_command_line(&direct, None), by_command_line(&served, Some(&gateway.url)));
    for (n, (who, line)) in PIECE.iter().enumerate() {
        assert_eq!(through[n], direct[n], "{n}: {who}: {line}");
    }
}

#[test]
fn plain_http_tells_the_same() {
    let (direct, served) = twins();
    let gateway = served.serve("");
    let (direct, through) = (by_command_line(&direct, None), by_http(&served, &gateway.http()));
    for (n, (who, line)) in PIECE.iter().enumerate() {
        assert_eq!(through[n], direct[n], "{n}: {who}: {line}");
    }
}

#[test]
fn tools_tell_the_same() {
    let (direct, served) = twins();
    let gateway = served.serve("");
    let (direct, through) = (by_command_line(&direct, None), by_mcp(&served, &gateway.http()));
    for (n, (who, line)) in PIECE.iter().enumerate() {
        assert_eq!(without_hints(&through[n]), without_hints(&direct[n]), "{n}: {who}: {line}");
    }
}

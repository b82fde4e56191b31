//! Others' texts as a model reads them.

use serde_json::{Value, json};

use super::Client;
use crate::support::Project;

/// Words that steer a line, hide, or are written in tag characters.
const HIDDEN: [char; 6] = ['\u{202e}', '\u{2066}', '\u{200b}', '\u{e0041}', '\u{feff}', '\u{ad}'];

fn hostile(word: &str) -> String {
    format!("{word}{}", HIDDEN.iter().collect::<String>())
}

/// An answer as the client gets it: and hidden characters become visible.
#[track_caller]
fn nothing_is_hidden(answer: &Value, words: &[&str]) {
    let text = answer.to_string();
    assert!(!text.contains(HIDDEN), "{text}");
    // JSON inside of a text doubles the backslashes.
    let plain = text.replace('\\', "");
    for word in words {
        assert!(plain.contains(&format!("{word}u{{202e}}")), "{word} in {text}");
    }
}

#[test]
fn nothing_hides_in_what_a_model_reads() {
    let project = Project::with(&["bob"]);
    project.call_args(&["add", "one", "--id", "T-1", "--body", &hostile("body")]).ok();
    project.call_args(&["send", "bob", "--ack", "--subject", &hostile("subject"), "--text", &hostile("text"), "--as", "bob"]).ok();
    project.call_args(&["reserve", "src/**", "--reason", &hostile("reason"), "--as", "bob"]).ok();
    project.call_args(&["state-set", "k", &json!({ (hostile("field")): hostile("value") }).to_string(), "--as", "bob"]).ok();
    let mut bob = Client::start(&project, &[("OARLOCK_AGENT", "bob")]);
    let tool = |client: &mut Client, name: &str, arguments: Value| client.ask("tools/call", &json!({"name": name, "arguments": arguments}));
    nothing_is_hidden(&tool(&mut bob, "inbox", json!({})), &["text", "subject"]);
    nothing_is_hidden(&tool(&mut bob, "claim", json!({})), &["body"]);
    nothing_is_hidden(&bob.ask("resources/read", &json!({"uri": "oarlock://state"})), &["value", "field"]);
    let mut eve = Client::start(&project, &[("OARLOCK_AGENT", "eve")]);
    let refused = tool(&mut eve, "reserve", json!({"globs": ["src/a.rs"]}));
    assert_eq!(refused["result"]["isError"], true, "{refused}");
    nothing_is_hidden(&refused, &["reason"]);
    let plan =
        bob.ask("prompts/get", &json!({"name": "plan_document", "arguments": {"document": format!("# A\n1. {}\n", hostile("step"))}}));
    nothing_is_hidden(&plan, &["step"]);
}

#[test]
fn a_prompt_and_the_words_of_verbose_steer_no_terminal() {
    let project = Project::new();
    project.write("plan.md", format!("# Plan\n\n1. {} `a.rs`\n2. \u{1b}[2Jwrite `b.rs`\n", hostile("step")));
    let told = project.call("split plan.md --prompt --dry-run").plain().run();
    assert!(told.code == 0 && told.stdout.contains("step\\u{202e}"), "{told:?}", told = told.stdout);
    assert!(!told.stdout.contains('\u{1b}') && !told.stdout.contains(HIDDEN), "{:?}", told.stdout);
    let odd = project.beside("a\u{1b}[2J\u{202e}");
    std::fs::create_dir_all(&odd).expect("a folder");
    let url = format!("sqlite:{}", odd.join("oarlock.db").display());
    for line in ["init", "add one -v"] {
        let told = project.call(line).env("OARLOCK_STORE", &url).plain().run();
        let text = format!("{}{}", told.stdout, told.stderr);
        assert!(told.code == 0 && !text.contains(['\u{1b}', '\u{202e}']), "{line}: {text:?}");
    }
}

/// The most that a model reads in one answer, in bytes: structured content and text together.
const ANSWER_BYTES_MAX: usize = 20_000;

#[test]
fn no_answer_to_a_model_is_longer_than_its_bound() {
    let project = Project::with(&["bob", "cy"]);
    let long = "\"quoted\"\n".repeat(20_000);
    let mut ada = Client::start(&project, &[("OARLOCK_AGENT", "ada")]);
    ada.ok("sync", &json!({"merge": {"notes": vec![&long[..500]; 300]}}));
    for n in 0..40 {
        project.call("send ada --text - --as cy").input(format!("{n} {}", &long[..3_000])).ok();
    }
    project.ok("send ada --text last --as bob");
    for n in 0..40 {
        project.call(&format!("add task-{n} --body -")).input(long.clone()).ok();
    }
    project.call("send ada --text - --ack --as cy").input(long.clone()).ok();
    let plan: String = (0..300).map(|n| format!("{}. Write `src/file-{n}.rs`, which has a long name and does much\n", n + 1)).collect();
    let mut ask = |name: &str, arguments: Value| {
        let answer = ada.ask("tools/call", &json!({"name": name, "arguments": arguments}));
        assert_ne!(answer["result"]["isError"], true, "{answer}");
        let reply = answer["result"]["structuredContent"].clone();
        (answer.to_string().len(), reply)
    };
    for (name, arguments) in [
        ("agents", json!({"all": true})),
        ("tasks", json!({})),
        ("tasks", json!({"full": true, "limit": 1_000})),
        ("split", json!({"id": "plan.md", "document": format!("# Plan\n\n{plan}"), "dry_run": true})),
        ("sync", json!({"merge": {"more": 1}})),
        ("inbox", json!({"limit": 1_000})),
    ] {
        let (bytes, reply) = ask(name, arguments.clone());
        assert!(bytes <= ANSWER_BYTES_MAX, "{name} {arguments}: {bytes} bytes");
        let is_cut = reply["cut"].as_str().is_some_and(|note| note.contains("oarlock ")) || reply["next"].is_string();
        assert!(is_cut || name == "agents", "{name}: {reply}");
    }
    // One that sends does not hide what another has sent, and pages lead to all of it.
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let (bytes, page) = ask("inbox", after.map_or_else(|| json!({}), |after: String| json!({ "after": after })));
        assert!(bytes <= ANSWER_BYTES_MAX, "{bytes} bytes");
        let messages = page["messages"].as_array().expect("a list");
        assert!(!seen.is_empty() || messages.iter().any(|message| message["text"] == "last"), "{page}");
        seen.extend(messages.iter().map(|message| message["id"].as_str().expect("an id").to_owned()));
        match page["next"].as_str() {
            Some(next) => after = Some(next.to_owned()),
            None => break,
        }
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 42);
    let (mut after, mut tasks) = (json!({}), Vec::new());
    loop {
        let (bytes, page) = ask("tasks", after);
        assert!(bytes <= ANSWER_BYTES_MAX, "{bytes} bytes");
        tasks.extend(page["tasks"].as_array().expect("a list").iter().map(|task| task["id"].clone()));
        match page["next"].as_str() {
            Some(next) => after = json!({ "after": next }),
            None => break,
        }
    }
    assert_eq!(tasks.len(), 40, "{tasks:?}");
    // Only a claimed task's body is whole.
    let (bytes, claim) = ask("claim", json!({}));
    assert_eq!(claim["task"]["body"], long);
    assert!(bytes > 2 * long.len());
    let state = ada.ask("resources/read", &json!({"uri": "oarlock://state"}));
    assert!(state.to_string().len() <= ANSWER_BYTES_MAX, "{} bytes", state.to_string().len());
    let acked = ada.ok("ack", &json!({"from": "cy"}));
    assert_eq!(acked["acknowledged"], 41, "{acked}");
}

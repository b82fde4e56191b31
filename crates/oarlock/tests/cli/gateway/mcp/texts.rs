//! What a model reads of others' texts.

use serde_json::{Value, json};

use super::Client;
use crate::support::Project;

/// Words that steer a line, hide, or are written in tag characters.
const HIDDEN: [char; 6] = ['\u{202e}', '\u{2066}', '\u{200b}', '\u{e0041}', '\u{feff}', '\u{ad}'];

fn hostile(word: &str) -> String {
    format!("{word}{}", HIDDEN.iter().collect::<String>())
}

/// An answer as the client gets it: nothing of it is hidden, and what was hidden can be read.
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

use super::*;
use crate::edit::undo;
use proptest::prelude::*;
use serde_json::json;

fn wants() -> Vec<JsonWant> {
    vec![
        JsonWant::Member(&["mcpServers", "oarlock"], json!({"command": "oarlock", "args": ["mcp"]})),
        JsonWant::Element(
            &["hooks", "PreToolUse"],
            json!({"matcher": "Edit", "hooks": [{"type": "command", "command": "oarlock hook claude before-edit"}]}),
            "oarlock hook ",
        ),
        JsonWant::Element(&["permissions", "allow"], json!("mcp__oarlock"), "\"mcp__oarlock\""),
        JsonWant::Among(&["context", "fileName"], "AGENTS.md", &["GEMINI.md", "AGENTS.md"]),
    ]
}

const FOUND: &[&str] = &[
    "",
    "{}",
    "{}\n",
    "{ }",
    "{\n}\n",
    "{\n  // nothing yet\n}\n",
    "// only a comment\n",
    "{\"a\":1}",
    "{ \"a\": 1 }\n",
    "{\n\t\"hooks\": {\n\t\t\"PreToolUse\": [\n\t\t\t{ \"matcher\": \"Bash\", \"hooks\": [] }\n\t\t],\n\t\t\"Stop\": []\n\t}\n}\n",
    "{ // settings\r\n    \"mcpServers\" : {\r\n        \"other\": {\"command\": \"x\"}, // mine\r\n    },\r\n    \"permissions\": {\"allow\": [\"Bash(ls:*)\"]}\r\n}\r\n",
    "{\n   \"context\": {\"fileName\": \"CONTEXT.md\"},\n /* odd */ \"mcpServers\": {}}",
    "{\"context\": {\"fileName\": [\"A.md\"]}, \"hooks\": {\"PreToolUse\": [ ]}}",
    "{\n  \"mcpServers\": { /* none */ },\n  \"hooks\": {\n    \"PreToolUse\": [ // all of them\n    ]\n  }\n}",
    "\u{feff}",
    "\u{feff}{}\r\n",
    "\u{feff}{\"a\": 1, \"hooks\": {\"Stop\": []}}",
    "{\n\n    \"mcpServers\": {\n\n\n    },\n\n}\n",
    "{\"hooks\": {\"PreToolUse\": 1}, \"hooks\": {\"Stop\": [], \"Stop\": [1]}, \"a\": 1, \"a\": 2}",
];

#[test]
fn what_is_put_in_is_there_and_can_be_taken_out_again() {
    for found in FOUND {
        let edited = put(found, &wants()).map_err(|error| format!("{found:?}: {error}")).expect("it fits");
        let text = &edited.text;
        assert_eq!(value_at(text, &["mcpServers", "oarlock", "command"]), Some(json!("oarlock")), "{text}");
        assert!(value_at(text, &["hooks", "PreToolUse"]).is_some_and(|hooks| hooks.to_string().contains("before-edit")), "{text}");
        assert!(value_at(text, &["permissions", "allow"]).is_some_and(|allow| allow.to_string().contains("mcp__oarlock")), "{text}");
        assert!(value_at(text, &["context", "fileName"]).is_some_and(|names| names.to_string().contains("AGENTS.md")), "{text}");
        assert_eq!(put(text, &wants()).map(|again| again.insertions), Ok(vec![]), "twice is once: {text}");
        assert_eq!(undo(text, &edited.insertions).as_deref(), Some(*found));
        if found.contains("\r\n") {
            assert!(!text.replace("\r\n", "").contains('\n'), "{text:?}");
        }
    }
}

#[test]
fn without_a_journal_it_is_known_by_what_it_looks_like() {
    for found in FOUND {
        let text = put(found, &wants()).expect("it fits").text;
        let left = take_out(&text, &wants()).expect("it is JSON");
        assert!(!left.as_deref().unwrap_or_default().contains("oarlock"), "{left:?}");
        let left = left.unwrap_or_default();
        for path in [&["mcpServers", "other"] as Path, &["hooks", "Stop"], &["a"]] {
            assert_eq!(value_at(&left, path), value_at(found, path), "{found:?} -> {left:?}");
        }
        assert!(left.is_empty() || read(without_mark(&left).1).is_ok(), "{left:?}");
    }
}

#[test]
fn a_byte_order_mark_stays_the_first_character() {
    let found = "\u{feff}{\"mcpServers\": {\"other\": {}}}";
    let text = put(found, &wants()[..1]).expect("it fits").text;
    assert!(text.starts_with("\u{feff}{\"mcpServers\"") && text.matches('\u{feff}').count() == 1, "{text:?}");
    assert!(has_any(&text, &wants()) && !has_any(found, &wants()));
    assert_eq!(take_out(&text, &wants()[..1]), Ok(Some(found.to_owned())));
    let error = put("\u{feff}{\"hooks\": 3}", &wants()[1..2]).expect_err("a number");
    assert_eq!((error.line, error.column), (1, 11), "as editors count");
}

#[test]
fn of_several_members_of_a_name_the_last_one_counts() {
    let found = "{\"mcpServers\": {\"oarlock\": {\"command\": \"oarlock\", \"args\": [\"mcp\"]}}, \"mcpServers\": {\"x\": 1}}";
    assert!(!has_any(found, &wants()), "readers do not see the first one");
    let text = put(found, &wants()[..1]).expect("it fits").text;
    let read: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(read["mcpServers"]["oarlock"]["command"], "oarlock", "{text}");
    assert!(has_any(&text, &wants()));
    assert_eq!(take_out(&text, &wants()[..1]), Ok(Some(found.to_owned())));
    // Somebody's own hides ours.
    let own = "{\"mcpServers\": {\"oarlock\": {\"command\": \"oarlock\", \"args\": [\"mcp\"]}, \"oarlock\": {\"command\": \"mine\"}}}";
    assert!(!has_any(own, &wants()));
    assert_eq!(take_out(own, &wants()[..1]), Ok(Some(own.to_owned())));
    // An empty one hides those before it.
    let hides = "{\"hooks\": {\"PreToolUse\": [1]}, \"hooks\": {}}";
    let text = put(hides, &wants()[1..2]).expect("it fits").text;
    let left = take_out(&text, &wants()[1..2]).expect("JSON").expect("something is left");
    assert_eq!(value_at(&left, &["hooks", "PreToolUse"]), None, "{left}");
    let group = "{\"hooks\": {\"PreToolUse\": [{\"hooks\": [1], \"hooks\": [2, {\"command\": \"oarlock hook claude x\"}]}]}}";
    let left = take_out(group, &wants()[1..2]).expect("JSON").expect("something is left");
    assert_eq!(value_at(&left, &["hooks", "PreToolUse"]), Some(json!([{"hooks": [2]}])), "{left}");
}

#[test]
fn the_layout_is_that_of_the_file() {
    let found = "{\n\t\"mcpServers\": {\n\t\t\"other\": {}\n\t}\n}\n";
    let text = put(found, &wants()[..1]).expect("it fits").text;
    let expected = "{\n\t\"mcpServers\": {\n\t\t\"oarlock\": {\n\t\t\t\"args\": [\"mcp\"],\n\t\t\t\"command\": \"oarlock\"\n\t\t},\n\t\t\"other\": {}\n\t}\n}\n";
    assert_eq!(text, expected);
}

#[test]
fn what_does_not_fit_is_told_with_its_place() {
    let error = put("{\n  \"hooks\": 3\n}", &wants()).expect_err("a number");
    assert_eq!((error.line, error.column, error.message.as_str()), (2, 12, "\"hooks\" is not an object"));
    let error = put("{\"a\": }", &wants()).expect_err("no JSON");
    assert_eq!((error.line, error.column), (1, 7), "{error}");
    assert!(put("[1]", &wants()).is_err() && put("{\"a\" 1}", &wants()).is_err());
}

#[test]
fn somebody_elses_entry_of_that_name_stays() {
    let found = "{\"mcpServers\": {\"oarlock\": {\"command\": \"my-oarlock\"}}}";
    assert_eq!(put(found, &wants()[..1]).expect("it fits").text, found);
}

/// JSON values with what our paths lead through.
fn any_json() -> impl Strategy<Value = Value> {
    let key = prop::sample::select(vec!["mcpServers", "hooks", "PreToolUse", "permissions", "allow", "context", "a b", "ü\"\\"]);
    let leaf = prop_oneof![Just(Value::Null), any::<i32>().prop_map(Value::from), "[a-z{}\\[\\],:\"]{0,6}".prop_map(Value::from)];
    leaf.prop_recursive(4, 40, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key.clone(), inner, 0..4)
                .prop_map(|map| map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
}

/// Whether a value has all of another one, in its order, with texts put before it.
fn has_all(all: &Value, part: &Value) -> bool {
    match (all, part) {
        (Value::Object(all), Value::Object(part)) => part.iter().all(|(key, part)| all.get(key).is_some_and(|all| has_all(all, part))),
        (Value::Array(all), Value::Array(part)) => all.ends_with(part),
        (Value::Array(all), Value::String(_)) => all.contains(part),
        _ => all == part,
    }
}

proptest! {
    #[test]
    fn nothing_else_changes(value in any_json(), pretty: bool, crlf: bool) {
        let found = if pretty { serde_json::to_string_pretty(&value).expect("JSON") } else { value.to_string() };
        let found = if crlf { found.replace('\n', "\r\n") } else { found };
        // A place that is taken by something else is refused, never overwritten.
        if let Ok(edited) = put(&found, &wants()) {
            let made = serde_json::from_str::<Value>(&edited.text);
            prop_assert!(made.is_ok_and(|made| has_all(&made, &value)), "{}", edited.text);
            prop_assert_eq!(undo(&edited.text, &edited.insertions), Some(found));
            let left = take_out(&edited.text, &wants()).expect("JSON").unwrap_or_else(|| "{}".into());
            prop_assert!(serde_json::from_str::<Value>(&left).is_ok() && !has_any(&left, &wants()), "{}", left);
        }
    }

    #[test]
    fn empty_lines_and_comments_are_kept(lines in prop::collection::vec(prop::sample::select(vec!["", "  ", "\t", "// one", "/* two */"]), 0..4)) {
        let lines = lines.join("\n");
        for found in [
            format!("{{{lines}\n}}\n"),
            format!("{{{lines}\n  \"a\": 1,\n{lines}\n}}"),
            format!("{lines}\n{{\"hooks\": {{{lines}\n}}}}{lines}\n"),
        ] {
            let edited = put(&found, &wants()).expect("it fits");
            prop_assert_eq!(undo(&edited.text, &edited.insertions), Some(found.clone()));
            let left = take_out(&edited.text, &wants()).expect("JSON").unwrap_or_default();
            for comment in ["// one", "/* two */"] {
                prop_assert_eq!(left.matches(comment).count(), found.matches(comment).count(), "{:?} -> {:?}", found, left);
            }
        }
    }
}

//! Every damage that was found in real files, in small.

use serde_json::json;

use super::*;

const EVENTS: &[&str] = &["events"];

fn fields(read: &Read) -> Vec<Value> {
    read.items.iter().map(|item| Value::Object(item.fields.clone())).collect()
}

fn lines(read: &Read) -> Vec<usize> {
    read.items.iter().map(|item| item.line).collect()
}

#[test]
fn valid_lists_of_every_shape() {
    let nested = list("# a comment\nevents:\n  - id: 1\n    type: a\n  - id: 2\n    files:\n      - x\nmetadata:\n  last: 2\n", EVENTS);
    assert_eq!(fields(&nested), [json!({"id": 1, "type": "a"}), json!({"id": 2, "files": ["x"]})]);
    assert_eq!((lines(&nested), nested.damages.len()), (vec![3, 5], 0));
    assert_eq!(nested.metadata.get("last"), Some(&json!(2)));
    let flat = list("- id: 1\n  files:\n  - x\n- id: 2\n", EVENTS);
    assert_eq!((fields(&flat).len(), lines(&flat)), (2, vec![1, 4]));
    for empty in ["", "events: []\n", "events:\n", "# nothing\n", "events: null\nmetadata: {}\n"] {
        let read = list(empty, EVENTS);
        assert!(read.items.is_empty() && read.damages.is_empty(), "{empty:?}");
    }
}

#[test]
fn an_item_behind_the_metadata_is_an_item() {
    let read = list("events:\n- id: 1\nmetadata:\n  last: 1\n- id: 2\n  type: b\n", EVENTS);
    assert_eq!(fields(&read), [json!({"id": 1}), json!({"id": 2, "type": "b"})]);
    assert_eq!(read.damages.len(), 1);
    assert_eq!((read.damages[0].line, read.damages[0].recovered, read.damages[0].lost), (5, 1, 0));
}

#[test]
fn a_colon_in_plain_text_damages_one_field() {
    let read = list("- id: 1\n  impact: done: all of it\n  type: a\n- id: 2\n", EVENTS);
    assert_eq!(fields(&read), [json!({"id": 1, "impact": "done: all of it", "type": "a"}), json!({"id": 2})]);
    assert_eq!((read.damages[0].line, read.damages[0].recovered), (2, 1));
}

#[test]
fn an_item_without_its_dash_is_an_item() {
    let read = list("events:\n- timestamp: '1'\n  type: a\ntimestamp: '2'\ntype: b\n- timestamp: '3'\n  type: c\n", EVENTS);
    assert_eq!(fields(&read).len(), 3, "{read:?}");
    assert_eq!(fields(&read)[1], json!({"timestamp": "2", "type": "b"}));
    let first = list("events:\ntimestamp: '1'\ntype: a\n- timestamp: '2'\n  type: b\n", EVENTS);
    assert_eq!(fields(&first).len(), 2, "{first:?}");
}

#[test]
fn two_indentations_are_one_list() {
    let read = list("events:\n  - timestamp: '1'\n    type: a\n\n- timestamp: '2'\n  files:\n  - x\n- timestamp: '3'\n", EVENTS);
    assert_eq!(
        fields(&read),
        [json!({"timestamp": "1", "type": "a"}), json!({"timestamp": "2", "files": ["x"]}), json!({"timestamp": "3"})]
    );
}

#[test]
fn quotes_in_quotes_damage_one_field() {
    let read = list("- id: 1\n  preview: \"test with \"quotes\" and $x\"\n- id: 2\n  preview: \"fine\"\n", EVENTS);
    assert_eq!(fields(&read)[0], json!({"id": 1, "preview": "test with \"quotes\" and $x"}));
    assert_eq!(fields(&read).len(), 2);
}

#[test]
fn a_quoted_head_of_a_plain_item_keeps_its_text() {
    let read = list(
        "queue:\n  - id: 1\n    criteria:\n      - fine\n      - \"Direct reads\" for a few files\n    status: pending\n  - id: 2\n",
        &["queue"],
    );
    assert_eq!(fields(&read)[0], json!({"id": 1, "criteria": ["fine", "\"Direct reads\" for a few files"], "status": "pending"}));
    assert_eq!(fields(&read).len(), 2);
}

#[test]
fn a_block_appended_at_the_end_is_read() {
    let text = "queue:\n  - task_id: A\n    status: done\nmetadata:\n  depth: 1\n  notes: |\n    Some notes:\n    - Run 63 (x): 1\n\n  - task_id: B\n    status: pending\n";
    let read = list(text, &["queue"]);
    assert_eq!(fields(&read), [json!({"task_id": "A", "status": "done"}), json!({"task_id": "B", "status": "pending"})], "{read:?}");
    assert_eq!(read.metadata.get("depth"), Some(&json!(1)));
}

#[test]
fn a_key_twice_counts_as_parsers_count_it_and_is_told() {
    let read = list("tasks:\n- id: A\n  status: completed\n  status: pending\n- id: B\n", &["tasks"]);
    assert_eq!(fields(&read), [json!({"id": "A", "status": "pending"}), json!({"id": "B"})]);
    assert!(read.damages[0].cause.contains("duplicate") && read.damages[0].line == 4, "{:?}", read.damages);
}

#[test]
fn blocks_survive_junk_behind_them() {
    let text = "heartbeats:\n  planner:\n    last_seen: '1'\n    status: running\n  executor:\n    last_seen: '2'\nmetadata:\n  timeout_seconds: 120\n  notes: \"x\\n\"\n10 (junk)\\n\"\n";
    let read = blocks(text, &["heartbeats", "agents"]);
    let names: Vec<_> = read.items.iter().map(|item| (item.name.clone().unwrap_or_default(), item.line)).collect();
    assert_eq!(names, [("planner".to_owned(), 2), ("executor".to_owned(), 5)]);
    assert_eq!(read.items[0].fields.get("status"), Some(&json!("running")));
    assert_eq!(read.metadata.get("timeout_seconds"), Some(&json!(120)));
    assert_eq!(read.damages.len(), 1, "{:?}", read.damages);
}

#[test]
fn a_damaged_block_leaves_the_others() {
    let read = blocks("heartbeats:\n  a:\n    status: x: y\n    last_seen: '1'\n  b:\n    status: idle\n", &["heartbeats"]);
    assert_eq!(read.items.len(), 2);
    assert_eq!(read.items[0].fields.get("status"), Some(&json!("x: y")));
}

#[test]
fn placeholders_are_no_damage() {
    let read =
        blocks("heartbeats:\n  planner:\n    last_seen: null\n    status: idle|running\n    current_action: null\n", &["heartbeats"]);
    assert_eq!((read.items.len(), read.damages.len()), (1, 0));
}

proptest::proptest! {
    /// Whatever is in a file, reading it ends and loses no line count.
    #[test]
    fn anything_can_be_read(text in "([ -]{0,4}(id|timestamp|events|metadata|x): ?[\"'a-z:{\\[|]{0,6}\n){0,12}") {
        let read = list(&text, EVENTS);
        let count = text.lines().count();
        proptest::prop_assert!(read.items.iter().all(|item| item.line <= count));
        let _ = blocks(&text, &["heartbeats", "events"]);
    }
}

//! Edits change what they are for and no other byte.

use serde_json::json;

use super::*;

const HEARTBEATS: &str = "# Agent Heartbeats\n\nheartbeats:\n  planner:\n    last_seen: '2026-02-01T13:37:14Z'  # by the loop\n    status: running\n    note: >\n      many\n      lines\n\n  executor:\n    last_seen: null\n    odd key: kept\n\n# the end\nmetadata:\n  timeout_seconds: 120\n";

/// The lines of `after` that are not in `before`, and the other way round.
fn changed<'a>(before: &'a str, after: &'a str) -> (Vec<&'a str>, Vec<&'a str>) {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.split('\n').collect(), after.split('\n').collect());
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(a, b)| a == b).count();
    (old[head..old.len() - tail].to_vec(), new[head..new.len() - tail].to_vec())
}

fn seen(at: &str) -> Vec<(&'static str, Value)> {
    vec![("last_seen", json!(at)), ("status", json!("busy: now"))]
}

#[test]
fn only_the_own_block_changes() {
    let after = set_block(HEARTBEATS, "heartbeats", "planner", &seen("x")).expect("edits");
    let (old, new) = changed(HEARTBEATS, &after);
    assert_eq!(old, ["    last_seen: '2026-02-01T13:37:14Z'  # by the loop", "    status: running"]);
    assert_eq!(new, ["    last_seen: 'x'  # by the loop", "    status: \"busy: now\""]);
    let other = set_block(HEARTBEATS, "heartbeats", "executor", &[("status", json!("idle"))]).expect("edits");
    assert_eq!(changed(HEARTBEATS, &other), (vec![], vec!["    status: \"idle\""]));
    let whole = set_block(HEARTBEATS, "heartbeats", "planner", &[("note", json!("one line"))]).expect("edits");
    assert_eq!(changed(HEARTBEATS, &whole), (vec!["    note: >", "      many", "      lines"], vec!["    note: \"one line\""]));
}

#[test]
fn a_new_block_goes_where_the_others_are() {
    let after = set_block(HEARTBEATS, "heartbeats", "scout", &seen("x")).expect("edits");
    assert_eq!(changed(HEARTBEATS, &after), (vec![], vec!["  scout:", "    last_seen: \"x\"", "    status: \"busy: now\""]));
    for (text, want) in [
        ("", "heartbeats:\n  a:\n    n: 1\n"),
        ("heartbeats: {}\n", "heartbeats:\n  a:\n    n: 1\n"),
        ("heartbeats: {} # none yet\nmetadata: {}\n", "heartbeats: # none yet\n  a:\n    n: 1\nmetadata: {}\n"),
        ("metadata: {}\n", "metadata: {}\nheartbeats:\n  a:\n    n: 1\n"),
        ("heartbeats:\n  a: {m: 2}\n", "heartbeats:\n  a:\n    \"m\": 2\n    n: 1\n"),
    ] {
        let want = want.replace("\"m\"", "m");
        assert_eq!(set_block(text, "heartbeats", "a", &[("n", json!(1))]), Ok(want), "{text:?}");
    }
}

#[test]
fn what_cannot_be_edited_is_refused_and_says_why() {
    let refused = |text: &str| set_block(text, "heartbeats", "a", &[("n", json!(1))]).expect_err("refused");
    assert!(matches!(refused("heartbeats: {a: {m: 1}}\n"), EditError::Form { line: 1, .. }));
    assert!(matches!(refused("heartbeats:\n  a: text\n"), EditError::Form { line: 2, .. }));
    assert!(matches!(refused("heartbeats:\r\n  b:\n    x: 1\r\n"), EditError::Form { .. }));
    assert_eq!(set_item("queue: []\n", "T", &[]), Err(EditError::Missing("T".to_owned())));
}

#[test]
fn line_ends_of_windows_stay() {
    let text = "heartbeats:\r\n  a:\r\n    n: 0\r\n  b:\r\n    n: 5\r\n";
    let after = set_block(text, "heartbeats", "a", &[("n", json!(1)), ("m", json!(2))]).expect("edits");
    assert_eq!(after, "heartbeats:\r\n  a:\r\n    n: 1\r\n    m: 2\r\n  b:\r\n    n: 5\r\n");
}

const QUEUE: &str = "queue:\n  - id: T-1\n    status: pending   # waits\n    acceptance:\n      - \"status: x\"\n\n  - task_id: T-2\n    status: 'pending'\n    approach: |\n      status: no field\n    claimed_by: null\nmetadata:\n  notes: |\n    status: x\n";

#[test]
fn the_fields_of_one_item_change() {
    let claim = [("status", json!("claimed")), ("claimed_by", json!("ada"))];
    let first = set_item(QUEUE, "T-1", &claim).expect("edits");
    let (old, new) = changed(QUEUE, &first);
    assert_eq!(old, ["    status: pending   # waits", "    acceptance:", "      - \"status: x\""]);
    assert_eq!(new, ["    status: claimed   # waits", "    acceptance:", "      - \"status: x\"", "    claimed_by: \"ada\""]);
    let second = set_item(QUEUE, "T-2", &claim).expect("edits");
    let (_, new) = changed(QUEUE, &second);
    assert_eq!(new, ["    status: 'claimed'", "    approach: |", "      status: no field", "    claimed_by: \"ada\""]);
    let flat = "tasks:\n- id: T-1\n  status: pending\n  roi:\n    status: 1\n- id: T-2\n";
    let after = set_item(flat, "T-1", &[("status", json!("done")), ("id", json!("T-1"))]).expect("edits");
    assert_eq!(changed(flat, &after).1, ["  status: done"]);
}

#[test]
fn items_in_braces_are_edited_where_they_are() {
    let claim = [("status", json!("claimed")), ("claimed_by", json!("ada"))];
    for (text, want) in [
        (
            "queue:\n  - {task_id: T-1, status: pending}   # a\n  - {task_id: T-2, status: pending}\n",
            "  - {task_id: T-2, status: claimed, claimed_by: \"ada\"}",
        ),
        ("tasks:\n- id: T-1\n  status: pending\n- {\n    id: T-2,\n    status: pending\n  }\n", "    status: claimed, claimed_by: \"ada\""),
        (
            "queue: [{id: T-1, status: pending}, {id: T-2, status: pending}]\nwaves:\n- x\n- y\n",
            "queue: [{id: T-1, status: pending}, {id: T-2, status: claimed, claimed_by: \"ada\"}]",
        ),
        ("tasks: []\nqueue:\n- { id: T-2 , status: pending }\n", "- { id: T-2 , status: claimed, claimed_by: \"ada\" }"),
        ("- {task_id: T-2, status: pending}\r\n", "- {task_id: T-2, status: claimed, claimed_by: \"ada\"}"),
    ] {
        let after = set_item(text, "T-2", &claim).expect("edits");
        let new: Vec<_> = changed(text, &after).1.into_iter().map(|line| line.trim_end_matches('\r').to_owned()).collect();
        assert_eq!(new, [want], "{text}");
        assert_eq!(after.matches("\r\n").count(), text.matches("\r\n").count());
    }
    // A map that is not closed is damaged, and stays what it is.
    assert!(set_item("queue:\n- {id: T-2, status: pending\n- id: T-3\n", "T-2", &claim).is_err());
}

fn event() -> Vec<(&'static str, Value)> {
    vec![
        ("timestamp", json!("2026-02-01T00:00:00Z")),
        ("type", json!("done: \"all\"")),
        ("files", json!(["a.rs", "b: c"])),
        ("n", json!(3)),
    ]
}

#[test]
fn an_event_is_one_item_at_the_end() {
    for text in [
        "",
        "events:\n",
        "# log\n",
        "- id: 1\n",
        "events:\n- id: 1\n  files:\n  - x\n",
        "events:\n  - id: 1\n",
        "- id: 1",
        "events:\n- id: 1\n\n# end\n",
    ] {
        match append_items(text, "events", &[event().to_vec()]).expect("appends") {
            Append::AtEnd(more) => assert!(
                salvage::list(&format!("{text}{more}"), &["events"]).items.len() == salvage::list(text, &["events"]).items.len() + 1,
                "{text:?}"
            ),
            Append::Whole(whole) => assert!(whole.is_empty(), "nothing follows the list in {text:?}"),
        }
    }
}

#[test]
fn an_event_goes_before_the_metadata() {
    let text = "events:\n- id: 1\n\nmetadata:\n  last_event_id: 1\n";
    let Ok(Append::Whole(after)) = append_items(text, "events", &[event().to_vec()]) else { unreachable!("the metadata follow") };
    assert_eq!(changed(text, &after).0, Vec::<&str>::new());
    assert_eq!(salvage::list(&after, &["events"]).items.len(), 2);
    let Ok(Append::Whole(empty)) = append_items("events: []\nmetadata: {}\n", "events", &[event().to_vec()]) else {
        unreachable!("it becomes a list")
    };
    assert!(empty.starts_with("events:\n- timestamp: ") && empty.ends_with("metadata: {}\n"), "{empty}");
}

#[test]
fn a_damaged_log_still_takes_events() {
    let text = "events:\n- id: 1\n  impact: a: b\n- id: 2\n";
    let Ok(Append::AtEnd(more)) = append_items(text, "events", &[event().to_vec()]) else { unreachable!("nothing follows") };
    assert_eq!(salvage::list(&format!("{text}{more}"), &["events"]).items.len(), 3);
}

proptest::proptest! {
    /// Whatever a heartbeat file has, an edit leaves all but its own block as it was, or is refused.
    #[test]
    fn edits_keep_every_other_byte(
        blocks in proptest::collection::vec(("[a-z]{1,4}", proptest::collection::vec(("[a-z]{1,3}", "[a-z'\"#: |>{}-]{0,8}"), 0..4)), 0..4),
        name in "[a-z]{1,4}", value in "\\PC{0,12}", blank in proptest::bool::ANY,
    ) {
        let mut text = String::from("heartbeats:\n");
        for (block, fields) in &blocks {
            text.push_str(&format!("  {block}:\n"));
            fields.iter().for_each(|(field, value)| text.push_str(&format!("    {field}: {value}\n")));
            if blank { text.push_str("\n  # between\n"); }
        }
        text.push_str("metadata:\n  x: 1\n");
        if let Ok(after) = set_block(&text, "heartbeats", &name, &[("status", json!(value))]) {
            let (old, new) = changed(&text, &after);
            proptest::prop_assert!(old.len() <= 1 || !blocks.iter().any(|(block, _)| old.contains(&format!("  {block}:").as_str())), "{old:?}");
            proptest::prop_assert!(new.len() <= 2 + old.len(), "{new:?}");
            if yaml::parse(&text).is_ok() {
                let read = yaml::parse(&after).map_err(|b| proptest::test_runner::TestCaseError::fail(format!("{b:?} in {after}")))?;
                proptest::prop_assert_eq!(&read["heartbeats"][&name]["status"], &json!(value));
            }
        }
    }
}

#[test]
fn quotes_brackets_and_marks_are_understood() {
    let set = |text: &str, value: Value| set_block(text, "agents", "a", &[("x", value)]);
    let twice = |text: &str, value: Value| {
        let once = set(text, value.clone()).expect("edits");
        assert_eq!(set(&once, value).as_ref(), Ok(&once), "the same again changes nothing");
        once
    };
    assert_eq!(
        twice("agents:\n  a:\n    x: [\"fix #2\", {b: '#'}] # why\n", json!(["fix #3"])),
        "agents:\n  a:\n    x: [\"fix #3\"] # why\n"
    );
    assert_eq!(twice("agents:\n  a:\n    x: 'it''s # so' # why\n", json!("a \"b\" # c")), "agents:\n  a:\n    x: 'a \"b\" # c' # why\n");
    assert_eq!(twice("agents:\n  a:\n    x: |\n      one\n      # two\n    y: 1\n", json!(1)), "agents:\n  a:\n    x: 1\n    y: 1\n");
    assert_eq!(twice("agents:\n  \"b: c\":\n    x: 1\n", json!(1)), "agents:\n  \"b: c\":\n    x: 1\n  a:\n    x: 1\n");
    assert_eq!(twice("\u{feff}agents:\r\n  b:\r\n    y: 1\r\n", json!(1)), "\u{feff}agents:\r\n  b:\r\n    y: 1\r\n  a:\r\n    x: 1\r\n");
    let windows = "events:\r\n- id: 1\r\n";
    let Ok(Append::AtEnd(more)) = append_items(windows, "events", &[event().to_vec()]) else { unreachable!("nothing follows") };
    assert!(append_items(&format!("{windows}{more}"), "events", &[event().to_vec()]).is_ok(), "{more:?}");
}

#[test]
fn in_a_damaged_text_too_only_the_own_piece_changes() {
    let beats = "heartbeats:\n  \"007\":\n    n: 1\n  b:\n    n: 1: 2\n";
    let after = set_block(beats, "heartbeats", "a", &[("n", json!(3))]).expect("edits");
    assert_eq!(after, format!("{beats}  a:\n    n: 3\n"));
    let queue = "queue:\n  -   task_id: T-1\n      status: pending\n  -   task_id: T-2\n      x: a: b\n";
    let after = set_item(queue, "T-1", &[("status", json!("claimed"))]).expect("edits");
    assert_eq!(after, queue.replace("pending", "claimed"));
    let twice = "queue:\n- id: T-1\n  status: done\n  status: pending\n";
    let after = set_item(twice, "T-1", &[("status", json!("claimed"))]).expect("edits");
    assert_eq!(after, twice.replace("pending", "claimed"), "the one that counts");
}

#[test]
fn a_mark_of_the_byte_order_hides_no_damage() {
    let text = "\u{feff}timestamp: '2026:\n  x' timestamp: '1'\n";
    let more = [vec![("type", json!("info"))]];
    assert!(append_items(text, "events", &more).is_err(), "what is read without the mark has no place for an item");
    assert_eq!(append_items(text, "events", &more), append_items(&text[3..], "events", &more));
}

//! The known state of an edited queue equals the state that reading it again gives.

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// The parser's result for the text, and the remembered one: the same, or nothing is remembered.
fn says_what_it_is(text: &str, edited: &str) {
    let read = |text: &str| yaml::read(unmarked(text)).expect("yaml");
    // Long enough to be remembered.
    let pad = |text: &str| format!("{text}{}", "# a comment\n".repeat(100));
    let (padded, again) = (pad(text), pad(edited));
    let _ = salvage::queue(unmarked(&padded));
    let Ok(new) = set_item(&padded, "T-1", &claim()) else { return };
    assert_eq!(new, again);
    // Debug builds compare the memory with the text; the next reader gets this.
    assert_eq!(*yaml::parse(unmarked(&new)).expect("yaml"), read(&new), "{new}");
    assert_eq!(*salvage::queue(unmarked(&new)), salvage::list(unmarked(&new), &QUEUES), "{new}");
}

fn claim() -> Vec<(&'static str, Value)> {
    vec![("status", json!("in_progress")), ("claimed_by", json!("ada")), ("claimed_at", json!("2026-02-01T12:00:00Z"))]
}

fn is_known_alone(text: &str) -> bool {
    let read = salvage::queue(text);
    let item = read.items.iter().find(|item| item.fields.get("id") == Some(&json!("T-1"))).expect("an item");
    let lines = lines_of(text, item.line).expect("a place");
    let new = with_fields(text, lines.clone(), item.line, &claim()).expect("edits");
    said_alone(text, &lines, &new, item, &claim()).is_some()
}

#[test]
fn an_item_is_known_alone_only_where_nothing_else_can_look_like_it() {
    const ITEM: &str = "  - id: T-1\n    status: pending\n    notes: 'it''s: fine'\n";
    let plain = format!("# next\nqueue:\n  - id: T-0\n    title: don't\n    tags: \"a b\"\n\n{ITEM}  - id: T-2\nmetadata:\n  a: [1]\n");
    assert!(is_known_alone(&plain));
    for (before, what) in [
        ("x: \"\nqueue:\n  - id: T-9\n\"\n", "a quoted text over several lines"),
        ("x: |\n  - id: T-1\n", "a block of text"),
        ("x: [a,\n  b]\n", "brackets"),
        ("x: &a 1\n", "an anchor"),
    ] {
        let text = format!("{before}queue:\n{ITEM}");
        let known = salvage::queue(&text).items.iter().any(|item| item.line > 0 && item.fields.get("id") == Some(&json!("T-1")));
        assert!(!known || !is_known_alone(&text), "{what}");
    }
    assert!(!is_known_alone(&format!("queue:\n{}  - *a\n", ITEM.replace("pending", "&a pending"))), "an alias of what is changed");
    const AT_MARGIN: &str = "- id: T-1\n  status: pending\n  notes: 'it''s: fine'\n";
    for other in [
        format!("tasks:\n{ITEM}queue:\n{ITEM}"),
        format!("\u{feff}tasks:\n{ITEM}queue:\n{ITEM}"),
        format!("tasks:\n{ITEM}\"queue\": [{{id: T-1, status: pending}}]\n"),
        format!("others:\n{AT_MARGIN}queue: # now\n{ITEM}"),
        format!("x:\n- 1\n{AT_MARGIN}- 2\n---\nid: T-1\n---\nz: 1\n"),
        format!("who/what: |\n queue:\n{ITEM}queue:\n{ITEM}"),
    ] {
        // Either the place is not known, or the edit is made where the list has the item.
        let Ok(edited) = set_item(&other, "T-1", &claim()) else { continue };
        let list = |text: &str| salvage::list(unmarked(text), &QUEUES).items;
        let now = list(&edited).into_iter().find(|item| item.fields.get("id") == Some(&json!("T-1"))).expect("an item");
        assert_eq!(now.fields.get("claimed_by"), Some(&json!("ada")), "{other:?} became {edited:?}");
    }
}

proptest! {
    /// Queues of many shapes: an edited item has the set values afterwards, and the memory equals the text.
    #[test]
    fn what_is_remembered_of_an_edited_queue_is_what_it_says(
        items in prop::collection::vec((0usize..6, 0usize..10, 0usize..7), 1..8),
        name in 0usize..4,
        column in 0usize..3,
        head in 0usize..8,
        tail in 0usize..4,
        own in 0usize..8,
    ) {
        const VALUES: [&str; 10] = ["pending", "'quoted'", "\"dou: ble\"", "don't", "|\n@text\n@  - id: T-1", ">-\n@folded", "[a, b]", "{a: 1}", "&x anchored", "\"over\n@lines\""];
        const FIELDS: [&str; 6] = ["status", "notes", "title", "claimed_by", "priority", "claimed_at"];
        const HEADS: [&str; 8] = ["", "# a comment\n", "---\n", "x: 'y'\n", "x: |\n  - id: T-1\n    status: pending\n", "\u{feff}",
            "others:\n- id: T-1\n  status: pending\n", "who/what: |\n queue:\n  - id: T-1\n"];
        const TAILS: [&str; 4] = ["", "metadata:\n  n: 1\n", "\n# end\n", "tasks:\n  - id: T-1\n    status: pending\n"];
        let margin = " ".repeat(column);
        let mut text = HEADS[head].to_owned();
        text.push_str(["queue:\n", "tasks:\n", "", "queue: # now\n"][name]);
        for (n, (field, value, more)) in items.iter().enumerate() {
            let id = if n == own % items.len() { 1 } else { n + 10 };
            let value = VALUES[*value].replace('@', &format!("{margin}      "));
            text.push_str(&format!("{margin}- id: T-{id}\n{margin}  {}: {value}\n", FIELDS[*field]));
            if *more > 3 {
                text.push_str(["\n", "# between\n", &format!("{margin}  more:\n{margin}    - id: T-1\n")][*more - 4]);
            }
        }
        text.push_str(TAILS[tail]);
        let is_yaml = yaml::read(unmarked(&text)).is_ok();
        if let Some(edited) = set_item(&text, "T-1", &claim()).ok().filter(|_| is_yaml) {
            says_what_it_is(&text, &edited);
        }
    }
}

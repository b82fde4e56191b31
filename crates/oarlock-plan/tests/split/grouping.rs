//! How steps are put together into parts, where it is said.

use oarlock_plan::{Grouping, Options, Plan, split};

use super::parts;

const LAYERS: &str = "# T\n## Approach\n\
    1. Create `store/users.sql`\n2. Create `store/rooms.sql`\n3. Create `web/users.css`\n4. Create `web/rooms.css`\n5. Create `tools/lint.sh`\n";

fn split_by(grouping: Grouping) -> Plan {
    split(LAYERS, &Options { grouping, agents: 2, ..Options::new("T-1") }).expect("a document")
}

#[test]
fn steps_are_put_together_as_was_asked() {
    assert_eq!(parts(&split_by(Grouping::Steps)), [vec![1], vec![2], vec![3], vec![4], vec![5]]);
    assert_eq!(parts(&split_by(Grouping::Component)), [vec![1, 2], vec![3, 4], vec![5]]);
    assert_eq!(parts(&split_by(Grouping::Layer)), [vec![1, 2], vec![3, 4], vec![5]]);
    for by in ["steps", "component", "feature", "layer", "auto"] {
        assert_eq!(by.parse::<Grouping>().expect("known").to_string(), by);
    }
    assert!("floor".parse::<Grouping>().is_err());
}

#[test]
fn what_must_be_done_in_between_keeps_parts_apart() {
    let document = "# T\n## Approach\n1. Create `a/one.rs`\n2. Create `b/two.rs`, after step 1\n3. Create `a/three.rs`, after step 2\n4. Create `c/four.rs`\n";
    let plan = split(document, &Options { grouping: Grouping::Component, ..Options::new("T-1") }).expect("a document");
    assert_eq!(parts(&plan), [vec![1], vec![2], vec![3], vec![4]]);
    assert_eq!(plan.subtasks[2].depends_on, ["T-1-SUB2"]);
}

#[test]
fn a_document_without_work_says_so_however_it_was_to_be_put_together() {
    let plan = split("", &Options { grouping: Grouping::Layer, ..Options::new("T-1") }).expect("a document");
    assert_eq!(plan.reason.as_deref(), Some("the document is empty"));
}

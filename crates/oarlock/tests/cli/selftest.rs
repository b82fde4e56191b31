//! The self-test tests itself: it finishes, it has tried something, and it leaves nothing behind.

use std::fs;

use crate::support::Project;

#[test]
fn a_short_selftest_holds_and_leaves_nothing() {
    let project = Project::new();
    let report = project.ok("selftest --seconds 2 --processes 3");
    assert_eq!(report["ok"], true, "{report}");
    for what in ["claims", "completions", "kills", "deaths", "wakes"] {
        assert!(report["tried"][what].as_u64() > Some(0), "{what}: {report}");
    }
    let left: Vec<_> = fs::read_dir(project.root().join(".oarlock")).expect("a project").filter_map(Result::ok).collect();
    assert!(left.iter().all(|entry| !entry.file_name().to_string_lossy().starts_with("selftest-")), "{left:?}");
    assert_eq!(project.ok("tasks")["tasks"], serde_json::json!([]), "the user's own store is not touched");
}

#[test]
fn a_selftest_needs_no_project_and_refuses_what_it_cannot_do() {
    let nowhere = Project::none();
    nowhere.fails("selftest --processes 0", 2, "invalid_request");
    nowhere.fails("selftest --seconds 100000", 2, "invalid_request");
    let text = nowhere.text("selftest --seconds 1s --processes 2");
    assert!(text.ends_with("everything held\n"), "{text}");
}

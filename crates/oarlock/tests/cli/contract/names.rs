//! Names of flags and fields: the present ones, and the former ones, which work and are not shown.

use serde_json::json;

use crate::support::Project;

#[test]
fn former_names_of_flags_do_what_the_present_ones_do() {
    let project = Project::new();
    for (n, (requires, stale_after, key, lock_timeout)) in
        [("--requires", "--stale-after", "--idempotency-key", "--lock-timeout"), ("--can", "--timeout", "--key", "--busy")]
            .into_iter()
            .enumerate()
    {
        let agent = project.ok(&format!("join a{n} --can sql {stale_after} 60s"));
        assert_eq!(agent["agent"]["timeout_ms"], 60_000, "{stale_after}");
        let added = project.ok(&format!("{key} k{n} {lock_timeout} 5s add t --id T{n} {requires} sql,rust"));
        assert_eq!(added["task"]["capabilities"], json!(["rust", "sql"]), "{requires}");
        assert_eq!(project.ok(&format!("{key} k{n} {lock_timeout} 5s add t --id T{n} {requires} sql,rust")), added, "{key}");
        let updated = project.ok(&format!("update T{n} {requires} sql"));
        assert_eq!(updated["task"]["capabilities"], json!(["sql"]), "{requires}");
        let clear = requires.trim_start_matches("--");
        assert_eq!(project.ok(&format!("update T{n} --clear {clear}"))["task"]["capabilities"], json!([]), "{clear}");
    }
    project.ok("add root --id ROOT");
    project.ok("add part --id PART --parent ROOT");
    for subtree in ["--subtree", "--within"] {
        assert_eq!(project.ok(&format!("claim {subtree} ROOT --as a0"))["task"]["id"], "PART", "{subtree}");
        project.ok("release PART --as a0");
    }
    project.write("plan.md", "# Plan\n\n1. Create `src/one.rs`.\n2. Create `src/two.rs`.\n");
    for group_by in ["--group-by", "--by"] {
        let plan = project.ok(&format!("split plan.md {group_by} steps --dry-run"));
        assert_eq!(plan["subtasks"].as_array().map(Vec::len), Some(2), "{group_by}");
    }
}

#[test]
fn help_shows_the_present_names_only() {
    let nowhere = Project::none();
    for (verb, present, former) in [
        ("add", "--requires", "--can"),
        ("update", "--requires", "--can"),
        ("split", "--group-by", "--by "),
        ("join", "--stale-after", "--timeout"),
        ("work", "--stale-after", "--timeout"),
        ("claim", "--subtree", "--within"),
        ("work", "--subtree", "--within"),
        ("claim", "--idempotency-key", "--key"),
        ("claim", "--lock-timeout", "--busy"),
    ] {
        let text = nowhere.text(&format!("{verb} --help"));
        assert!(text.contains(present) && !text.contains(former), "{verb}: {text}");
    }
}

//! `split`: from a document to tasks.

use serde_json::json;

use crate::support::{Project, THREE_PARTS};

#[test]
fn a_file_becomes_a_parent_and_its_parts() {
    let project = Project::new();
    project.write("docs/TASK-9.md", THREE_PARTS);
    let reply = project.ok("split docs/TASK-9.md");
    assert_eq!((&reply["task"], &reply["parallelizable"]), (&"TASK-9".into(), &true.into()));
    let ids: Vec<&str> = reply["created"].as_array().expect("a list").iter().filter_map(|t| t["id"].as_str()).collect();
    assert_eq!(ids, ["TASK-9-SUB1", "TASK-9-SUB2", "TASK-9-SUB3"]);
    let parent = project.task("TASK-9");
    assert_eq!((&parent["state"], &parent["title"], &parent["body"]), (&"waiting".into(), &"Three tools".into(), &THREE_PARTS.into()));
    for (n, file) in [(1, "src/one.rs"), (2, "src/two.rs"), (3, "src/three.rs")] {
        let part = project.task(&format!("TASK-9-SUB{n}"));
        assert_eq!((&part["state"], &part["parent"], &part["writes"]), (&"ready".into(), &"TASK-9".into(), &json!([file])));
        assert!(part["body"].as_str().is_some_and(|body| body.contains(file)), "{part}");
    }
    assert_eq!(project.kinds_of("TASK-9"), ["task_added", "task_split"]);
}

#[test]
fn each_step_has_its_lines_and_stands_in_exactly_one_part() {
    let project = Project::none();
    project.write("plan.md", THREE_PARTS);
    let plan = project.ok("split plan.md --dry-run");
    let lines: Vec<&str> = THREE_PARTS.lines().collect();
    let mut parts_of = vec![0; 4];
    for step in plan["steps"].as_array().expect("a list") {
        let (line, end) = (step["line"].as_u64().expect("a number") as usize, step["end"].as_u64().expect("a number") as usize);
        assert!(1 <= line && line <= end && end <= lines.len(), "{step}");
        assert!(lines[line - 1].starts_with(&format!("{}.", step["n"])), "{step}");
    }
    for part in plan["subtasks"].as_array().expect("a list") {
        for field in ["id", "title", "steps", "depends_on", "writes", "capabilities", "estimate_minutes"] {
            assert!(part.get(field).is_some(), "{field} of {part}");
        }
        for n in part["steps"].as_array().expect("a list") {
            parts_of[n.as_u64().expect("a number") as usize] += 1;
        }
    }
    assert_eq!(parts_of, [0, 1, 1, 1]);
    assert_eq!(plan["waves"], json!([["plan-SUB1", "plan-SUB2", "plan-SUB3"]]));
    assert!(plan.get("reason").is_none(), "{plan}");
    assert!(plan["makespan_minutes"].as_u64() < plan["serial_minutes"].as_u64());
}

#[test]
fn a_dry_run_needs_neither_project_nor_store() {
    let project = Project::none();
    project.write("plan.md", THREE_PARTS);
    let plan = project.ok("split plan.md --dry-run");
    assert_eq!((&plan["parallelizable"], &plan["created"]), (&true.into(), &json!([])));
    project.ok("split ./plan.md --dry-run --agents 2 --max-subtasks 2");
    assert!(!project.root().join(".oarlock").exists());
    project.fails("split plan.md", 3, "not_found");
    project.fails("split T --dry-run", 3, "not_found");
}

#[test]
fn splitting_twice_is_refused_and_changes_nothing() {
    let project = Project::new();
    project.write("plan.md", THREE_PARTS);
    project.ok("split plan.md");
    let cursor = project.ok("status")["cursor"].clone();
    project.fails("split plan.md", 4, "already_exists");
    project.fails("split plan", 4, "already_exists");
    assert_eq!(project.ok("split plan.md --dry-run")["parallelizable"], true);
    assert_eq!(project.ok("status")["cursor"], cursor);
}

#[test]
fn an_operand_is_a_file_when_it_looks_like_one() {
    let project = Project::new();
    project.fails("split NOPE", 3, "not_found");
    project.fails("split nope.md", 3, "not_found");
    project.fails("split ./nope", 3, "not_found");
    project.write("no-suffix", THREE_PARTS);
    assert_eq!(project.ok("split ./no-suffix")["task"], "no-suffix");
    project.write("TASK-7/task.md", THREE_PARTS);
    assert_eq!(project.ok("split TASK-7/task.md --dry-run")["task"], "TASK-7");
    project.write("a name with blanks.md", THREE_PARTS);
    let id = project.ok("split 'a name with blanks.md' --dry-run")["task"].as_str().expect("an id").to_owned();
    assert!(id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)), "{id}");
    let reply = project.call(&format!("split {}", project.root().display())).run();
    assert_ne!(reply.code, 70, "a directory is no document: {}", reply.stderr);
    assert_ne!(reply.code, 0);
}

#[test]
fn a_claimed_task_is_split_by_its_holder_only() {
    let project = Project::with(&["ada", "bob"]);
    project.write("plan.md", THREE_PARTS);
    for id in ["T", "U"] {
        project.ok(&format!("add t --id {id} --body-file plan.md"));
    }
    let token = project.claim("T", "ada");
    project.fails("split T", 2, "identity_required");
    project.fails("split T --as bob", 4, "lease_held");
    assert_eq!(project.ok("split T --as ada")["created"].as_array().map(Vec::len), Some(3));
    let task = project.task("T");
    assert_eq!(task["state"], "waiting");
    assert!(task.get("holder").is_none(), "{task}");
    // Its holder gave it up with that.
    project.fails(&format!("done T --token {token} --as ada"), 5, "lease_lost");
    project.ok("split U");
}

#[test]
fn what_is_not_parallelizable_stays_whole_and_is_no_error() {
    let project = Project::new();
    for (name, text) in [
        ("one.md", "# T: one\n\n1. Do the only thing in `src/a.rs`\n"),
        ("chain.md", "# T: chain\n\n1. Create `src/a.rs`\n2. Then extend `src/a.rs`\n3. After that, finish `src/a.rs`\n"),
        ("prose.md", "Please make it better.\n"),
        ("empty.md", ""),
        ("blank.md", "\n \n\n"),
        ("template.md", "# TASK-XXX: {Title}\n\n**Status:** {pending}\n\n## Approach\n1. {Step 1}\n2. {Step 2}\n"),
    ] {
        project.write(name, text);
        for flag in ["", " --dry-run"] {
            let reply = project.ok(&format!("split {name}{flag}"));
            assert_eq!((&reply["parallelizable"], &reply["created"]), (&false.into(), &json!([])), "{name}");
            assert!(reply["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{name}: {reply}");
        }
    }
    assert_eq!(project.ok("tasks")["tasks"], json!([]));
    assert_eq!(project.ok("events")["events"], json!([]));
}

#[test]
fn what_is_no_text_is_damaged_and_hostile_text_is_harmless() {
    let project = Project::new();
    project.write("latin.md", b"# T: caf\xe9\n\n1. a\n2. b\n");
    let error = project.fails("split latin.md", 65, "data_damaged");
    assert_eq!((&error["details"]["file"], &error["details"]["line"]), (&"latin.md".into(), &1.into()), "{error}");
    let reply = project.call("split latin.md --dry-run").run();
    assert_eq!(reply.code, 65, "{}", reply.stderr);
    project.write("nul.md", "# T: nul\0\n\n1. Create `src/a\0.rs`\n2. Create `src/b.rs`\n");
    let reply = project.call("split nul.md --dry-run").run();
    assert!([0, 2, 65].contains(&reply.code), "{}", reply.stderr);
    project.write("bidi.md", THREE_PARTS.replace("reader", "re\u{202e}der"));
    project.ok("split bidi.md");
    project.write("crlf.md", THREE_PARTS.replace('\n', "\r\n"));
    assert_eq!(project.ok("split crlf.md")["created"].as_array().map(Vec::len), Some(3));
    project.write("bom.md", format!("\u{feff}{THREE_PARTS}"));
    assert_eq!(project.ok("split bom.md")["created"].as_array().map(Vec::len), Some(3));
    project.write("climb.md", "# T: climb\n\n1. Create `../../etc/passwd`\n2. Create `/etc/shadow`\n3. Create `src/fine.rs`\n");
    let writes = project.ok("split climb.md --dry-run")["steps"].to_string();
    assert!(!writes.contains("\"../") && !writes.contains("\"/etc"), "{writes}");
}

#[test]
fn a_document_has_at_most_sixteen_mebibytes_and_its_parent_keeps_it_whole() {
    let project = Project::new();
    let over = "x\n".repeat((16 << 20) / 2) + "y";
    project.write("over.md", &over);
    let error = project.fails("split over.md --dry-run", 6, "limit_reached");
    assert_eq!((&error["details"]["limit"], &error["details"]["actual"]), (&(16 << 20).into(), &((16 << 20) + 1).into()));
    project.call("split - --dry-run").run();
    // Larger than a body may be, smaller than a document may be.
    let prose = "The quick brown fox jumps over the lazy dog and goes home again in the evening.\n".repeat(20_000);
    let large = format!("{THREE_PARTS}\n## Background\n\n{prose}");
    assert!(large.len() > 1 << 20);
    project.write("large.md", &large);
    assert_eq!(project.ok("split large.md")["parallelizable"], true);
    assert_eq!(project.task("large")["body"].as_str().map(str::len), Some(large.len()));
}

#[test]
fn parts_start_no_earlier_than_their_parent() {
    let project = Project::with(&["ada"]);
    project.write("plan.md", THREE_PARTS);
    project.ok("add n --id N");
    project.ok("add t --id T --needs N --body-file plan.md --priority 0");
    project.ok("split T");
    let part = project.task("T-SUB1");
    assert_eq!((&part["state"], &part["priority"]), (&"blocked".into(), &0.into()));
    project.claim("N", "ada");
    project.ok("done N --as ada");
    assert_eq!(project.task("T-SUB1")["state"], "ready");
}

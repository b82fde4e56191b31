//! `split --plan`: plans that an agent or a person has made.

use serde_json::json;

use crate::support::{Project, THREE_PARTS};

fn prepared() -> Project {
    let project = Project::with(&["ada"]);
    project.write("plan.md", THREE_PARTS);
    project
}

#[test]
fn a_given_plan_decides_the_parts() {
    let project = prepared();
    let plan = json!({"subtasks": [
        {"title": "first", "steps": [1, 2], "writes": ["src/one.rs", "src/two.rs"], "estimate_minutes": 20},
        {"id": "other", "title": "second", "steps": [3], "writes": ["src/three.rs"], "capabilities": [], "assigned": "ada"},
    ]});
    project.write("given.json", plan.to_string());
    let reply = project.ok("split plan.md --plan given.json");
    let ids: Vec<&str> = reply["created"].as_array().expect("a list").iter().filter_map(|t| t["id"].as_str()).collect();
    assert_eq!(ids, ["plan-SUB1", "other"]);
    assert_eq!(project.task("other")["assigned"], "ada");
    assert_eq!(project.task("plan-SUB1")["title"], "first");
}

#[test]
fn the_plan_that_split_prints_is_a_plan_that_split_takes() {
    let project = prepared();
    let printed = project.ok("split plan.md --dry-run");
    let again = project.call("split plan.md --dry-run --plan -").input(printed.to_string()).ok();
    assert_eq!(again["subtasks"], printed["subtasks"]);
    assert_eq!(project.call("split plan.md --plan -").input(printed.to_string()).ok()["created"].as_array().map(Vec::len), Some(3));
}

#[test]
fn each_problem_of_a_plan_is_told_with_its_place() {
    let project = prepared();
    let cursor = project.ok("status")["cursor"].clone();
    for (plan, places) in [
        ("{", &["line 1"][..]),
        ("[]", &[""]),
        ("{}", &["subtasks"]),
        (r#"{"subtasks":[{"title":"a","steps":[1]},{"title":"b","steps":[1,2,3]}]}"#, &["subtasks[1].steps"]),
        (r#"{"subtasks":[{"title":"a","steps":[1,2,9]},{"title":"b","steps":[3]}]}"#, &["subtasks[0].steps"]),
        (r#"{"subtasks":[{"title":"a","steps":[1]},{"title":"b","steps":[2]}]}"#, &["subtasks"]),
        (r#"{"subtasks":[{"id":"../x","title":"a","steps":[1,2]},{"title":"","steps":[3]}]}"#, &["subtasks[0].id", "subtasks[1].title"]),
        (
            r#"{"subtasks":[{"id":"a","title":"a","steps":[1,2],"depends_on":["b"]},{"id":"b","title":"b","steps":[3],"depends_on":["a"]}]}"#,
            &["subtasks"],
        ),
        (
            r#"{"subtasks":[{"title":"a","steps":[1,2],"writes":["/abs"]},{"title":"b","steps":[3],"depends_on":["nope"]}]}"#,
            &["subtasks[0].writes", "subtasks[1].depends_on"],
        ),
        (r#"{"subtasks":[{"title":"a","steps":[1,2],"writes":["src/x"]},{"title":"b","steps":[3],"writes":["src/**"]}]}"#, &["subtasks"]),
    ] {
        for flag in ["", " --dry-run"] {
            let error = project.call(&format!("split plan.md --plan -{flag}")).input(plan).fails(2, "invalid_request");
            let problems = error["details"]["problems"].as_array().unwrap_or(NONE).clone();
            for place in places {
                let found =
                    problems.iter().any(|p| p["place"].as_str().is_some_and(|at| at.starts_with(place)) && p["message"].is_string());
                assert!(found, "{place:?} of {plan}: {error}");
            }
        }
    }
    assert_eq!(project.ok("status")["cursor"], cursor, "nothing was changed");
    project.fails("split plan.md --plan nope.json", 3, "not_found");
    project.write("bad.json", b"\xff");
    project.fails("split plan.md --plan bad.json", 65, "data_damaged");
}

/// The value for a missing list.
static NONE: &Vec<serde_json::Value> = &Vec::new();

#[test]
fn a_deep_or_huge_plan_is_refused_and_does_not_crash() {
    let project = prepared();
    for plan in ["[".repeat(200_000), format!("{{\"subtasks\":{}", "[{\"a\":".repeat(50_000)), "1".repeat(1 << 20)] {
        let reply = project.call("split plan.md --dry-run --plan -").input(plan).run();
        assert_eq!(reply.code, 2, "{}", reply.stderr);
    }
}

//! Tests of plan checking: each problem at its place, all at once, and sound plans completed.

use super::*;

fn check(json: &str, known: &[&str]) -> Result<Plan, Vec<String>> {
    let known: Vec<String> = known.iter().map(|k| (*k).to_owned()).collect();
    validate(json, None, &Options::new("T"), &known)
        .map_err(|list| list.into_iter().map(|p| format!("{}: {}", p.place, p.message)).collect())
}

#[test]
fn a_sound_plan_is_completed() {
    let json = r#"{"unknown":1,"steps":[{"n":1},{"n":2},{"n":3}],"subtasks":[
        {"title":"a","steps":[1],"writes":["src/a/"],"estimate_minutes":20},
        {"id":"own","title":"b","steps":[2],"writes":["src/b.rs"],"estimate_minutes":30},
        {"title":"c","steps":[3],"depends_on":["T-SUB1","own"],"estimate_minutes":5}]}"#;
    let plan = check(json, &[]).expect("sound");
    let ids: Vec<_> = plan.subtasks.iter().map(|s| s.id.as_str()).collect();
    assert_eq!(ids, ["T-SUB1", "own", "T-SUB3"]);
    assert_eq!(plan.waves, [vec!["T-SUB1".to_owned(), "own".to_owned()], vec!["T-SUB3".to_owned()]]);
    assert_eq!((plan.makespan_minutes, plan.serial_minutes, plan.parallelizable), (35, 55, true));
}

#[test]
fn every_problem_has_its_place() {
    for (json, want) in [
        (r#"{"a": 1, "subtasks": [}"#, "line 1, column 23: expected value"),
        ("[]", ": the plan is a list, not an object"),
        ("{}", "subtasks: the plan has no sub-tasks"),
        (r#"{"subtasks":[]}"#, "subtasks: the list of sub-tasks is empty"),
        (r#"{"subtasks":[{"id":"a"}]}"#, "subtasks[0].title: a sub-task needs a title"),
        (r#"{"subtasks":[{"id":"a","title":" "}]}"#, "subtasks[0].title: the title is empty"),
        (r#"{"subtasks":[{"id":1,"title":"t"}]}"#, "subtasks[0].id: expected a text, found a number"),
        (r#"{"subtasks":[{"id":"../x","title":"t"}]}"#, r#"subtasks[0].id: "../x" is no identifier"#),
        (r#"{"subtasks":[{"id":"a","title":"t"},{"id":"a","title":"t"}]}"#, r#"subtasks[1].id: "a" is already the id of subtasks[0]"#),
        (r#"{"subtasks":[{"id":"T","title":"t"}]}"#, r#"subtasks[0].id: "T" is the id of the parent"#),
        (r#"{"subtasks":[{"id":"a","title":"t","depends_on":["a"]}]}"#, r#"subtasks[0].depends_on[0]: "a" depends on itself"#),
        (r#"{"subtasks":[{"id":"a","title":"t","depends_on":["b"]}]}"#, r#"subtasks[0].depends_on[0]: no sub-task has the id "b""#),
        (
            r#"{"subtasks":[{"id":"a","title":"t","depends_on":["b"]},{"id":"b","title":"t","depends_on":["a"]}]}"#,
            "subtasks[1].depends_on: the dependencies form a cycle: b -> a -> b (each must be done before the next)",
        ),
        (
            r#"{"subtasks":[{"title":"t","writes":["a/*"]},{"title":"t","writes":["a/b"]}]}"#,
            "subtasks[1].writes[0]: T-SUB1 and T-SUB2 can run at once, but a/* and a/b can name the same file",
        ),
        (
            r#"{"steps":[{"n":1},{"n":2}],"subtasks":[{"title":"t","steps":[1,1]}]}"#,
            "subtasks[0].steps[1]: step 1 is in subtasks[0] already",
        ),
        (r#"{"steps":[{"n":1},{"n":2}],"subtasks":[{"title":"t","steps":[1]}]}"#, "subtasks: step 2 is in no sub-task"),
        (r#"{"steps":[{"n":1}],"subtasks":[{"title":"t","steps":[1,7]}]}"#, "subtasks[0].steps[1]: there is no step 7"),
        (r#"{"subtasks":[{"title":"t","capabilities":["go"]}]}"#, r#"subtasks[0].capabilities[0]: no agent has the capability "go""#),
        (
            r#"{"subtasks":[{"title":"t","estimate_minutes":-1}]}"#,
            "subtasks[0].estimate_minutes: an estimate is a whole number of minutes from 0 to 43200",
        ),
        (
            r#"{"steps":[{"n":1},{"n":2}],"edges":[{"from":1,"to":2}],"subtasks":[{"title":"t","steps":[1]},{"title":"t","steps":[2]}]}"#,
            "edges[0]: step 2 needs step 1, but T-SUB2 does not depend on T-SUB1",
        ),
        (
            r#"{"edges":[{"from":1,"to":1,"confidence":2}],"subtasks":[{"title":"t"}]}"#,
            "edges[0].confidence: a confidence is a number from 0 to 1",
        ),
    ] {
        let found = check(json, &["rust"]).expect_err(json);
        assert!(found.iter().any(|p| p == want), "{json}\n{found:#?}");
    }
}

#[test]
fn bad_patterns_are_named_where_they_stand() {
    let found = check(r#"{"subtasks":[{"title":"t","writes":["ok","/etc/x","../y"]}]}"#, &[]).expect_err("two are bad");
    assert!(found[0].starts_with("subtasks[0].writes[1]:") && found[1].starts_with("subtasks[0].writes[2]:"), "{found:?}");
}

#[test]
fn ordered_parts_may_share_files() {
    let json = r#"{"subtasks":[{"id":"a","title":"t","writes":["x"]},{"id":"b","title":"t","writes":["x"],"depends_on":["a"]}]}"#;
    assert!(check(json, &[]).is_ok());
}

#[test]
fn all_problems_come_at_once_and_are_bounded() {
    let parts: Vec<String> = (0..300).map(|_| r#"{"id":"-"}"#.to_owned()).collect();
    let found = check(&format!(r#"{{"subtasks":[{}]}}"#, parts.join(",")), &[]).expect_err("bad");
    assert_eq!(found.len(), PROBLEMS_MAX);
}

#[test]
fn limits_are_kept() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    assert!(check(&deep, &[]).expect_err("deep")[0].contains("nested too deeply"));
    let many: Vec<&str> = (0..1_001).map(|_| r#"{"title":"t"}"#).collect();
    let found = check(&format!(r#"{{"subtasks":[{}]}}"#, many.join(",")), &[]).expect_err("many");
    assert!(found[0].contains("at most 1000"), "{found:?}");
    let long = format!("\"{}\"", "x".repeat(PLAN_BYTES_MAX));
    assert!(check(&long, &[]).is_err());
}

#[test]
fn steps_come_from_the_document_when_the_plan_lists_none() {
    let document = "# T\n## Approach\n1. Create `a.rs`\n2. Create `b.rs`\n";
    let json = r#"{"subtasks":[{"title":"x","steps":[1]},{"title":"y","steps":[2]}]}"#;
    let plan = validate(json, Some(document), &Options::new("T"), &[]).expect("sound");
    assert_eq!((plan.steps.len(), plan.steps[1].line), (2, 4));
    let off = r#"{"steps":[{"n":1,"line":9,"end":9}],"subtasks":[{"title":"x","steps":[1]}]}"#;
    let found = validate(off, Some(document), &Options::new("T"), &[]).expect_err("outside");
    assert_eq!(found[0].place, "steps[0].line");
}

#[test]
fn a_plan_of_the_splitter_is_valid() {
    let document = "# T\n## Approach\n1. Create `a.rs`\n2. Create `b.rs`\n3. Test both\n";
    let plan = split(document, &Options::new("T")).expect("small");
    let json = serde_json::to_string(&plan).expect("plain data");
    let again = validate(&json, Some(document), &Options::new("T"), &[]).expect("sound");
    assert_eq!((again.subtasks, again.waves, again.makespan_minutes), (plan.subtasks, plan.waves, plan.makespan_minutes));
}

#[test]
fn a_given_plan_in_sequence_is_used_as_asked() {
    let json = r#"{"parallelizable":false,"reason":"none","subtasks":[{"id":"a","title":"t","writes":["x"]},{"id":"b","title":"t","writes":["x"],"depends_on":["a"]}]}"#;
    let plan = check(json, &[]).expect("sound");
    assert_eq!((plan.parallelizable, plan.reason), (true, None));
    assert!(plan.warnings.iter().any(|w| w.contains("at once")), "{:?}", plan.warnings);
    let one = check(r#"{"subtasks":[{"title":"t"}]}"#, &[]).expect("sound");
    assert_eq!((one.parallelizable, one.reason.as_deref()), (false, Some("there is only one sub-task")));
}

//! The splitter from outside: each way of writing a task, what is split and what is not, and what holds of every plan.

#[path = "split/grouping.rs"]
mod grouping;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use oarlock_model::ident::is_identifier;
use oarlock_model::pattern::Pattern;
use oarlock_plan::{Grouping, Options, Plan, PlanError, split, subtask_documents};

fn plan(document: &str) -> Plan {
    let plan = split(document, &Options::new("T-1")).expect("a small document is read");
    holds(&plan, document, 3);
    plan
}

/// What holds of every plan.
fn holds(plan: &Plan, document: &str, agents: usize) {
    let lines = document.lines().count();
    for (k, step) in plan.steps.iter().enumerate() {
        assert_eq!(step.n, k + 1);
        assert!(1 <= step.line && step.line <= step.end && step.end <= lines, "{step:?}");
        assert!(!step.title.is_empty() && !step.title.contains('\n'), "{step:?}");
        assert!(step.writes.iter().all(|w| Pattern::parse(w).is_ok()), "{step:?}");
    }
    let mut all: Vec<usize> = plan.subtasks.iter().flat_map(|s| s.steps.clone()).collect();
    all.sort_unstable();
    assert_eq!(all, (1..=plan.steps.len()).collect::<Vec<_>>(), "each step is in exactly one part");
    assert!(plan.subtasks.iter().all(|s| is_identifier(&s.id) && !s.title.is_empty()));
    let above = ancestors(plan);
    let part_of = |n: usize| plan.subtasks.iter().position(|s| s.steps.contains(&n)).expect("in a part");
    for edge in &plan.edges {
        let (from, to) = (part_of(edge.from), part_of(edge.to));
        assert!(from == to || above[to].contains(&from), "{edge:?}");
        assert!((0.0..=1.0).contains(&edge.confidence) && !edge.reason.is_empty());
    }
    for (a, first) in plan.subtasks.iter().enumerate() {
        for (b, second) in plan.subtasks.iter().enumerate().skip(a + 1) {
            if above[a].contains(&b) || above[b].contains(&a) {
                continue;
            }
            for (x, y) in first.writes.iter().flat_map(|x| second.writes.iter().map(move |y| (x, y))) {
                let parse = |t: &str| Pattern::parse(t).expect("checked above");
                assert!(!parse(x).overlaps(&parse(y)), "{x} of {} and {y} of {}", first.id, second.id);
            }
        }
    }
    let wide = plan.waves.iter().any(|w| w.len() > 1);
    assert_eq!(wide, plan.parallelizable);
    assert_eq!(plan.reason.is_none(), plan.parallelizable);
    assert_eq!(plan.waves.iter().map(Vec::len).sum::<usize>(), plan.subtasks.len());
    assert!(plan.makespan_minutes <= plan.serial_minutes);
    assert!(plan.makespan_minutes * u64::try_from(agents).expect("few") >= plan.serial_minutes);
    let json = serde_json::to_string(plan).expect("plain data");
    assert!(!json.contains("null"), "absent rather than null");
    assert_eq!(&serde_json::from_str::<Plan>(&json).expect("its own shape"), plan);
}

/// For each part all parts before it; panics on a cycle or an unknown identifier.
fn ancestors(plan: &Plan) -> Vec<BTreeSet<usize>> {
    let at: BTreeMap<&str, usize> = plan.subtasks.iter().enumerate().map(|(k, s)| (s.id.as_str(), k)).collect();
    let mut out: Vec<Option<BTreeSet<usize>>> = vec![None; plan.subtasks.len()];
    for _ in 0..=plan.subtasks.len() {
        for (k, part) in plan.subtasks.iter().enumerate() {
            let needs: Vec<usize> = part.depends_on.iter().map(|d| at[d.as_str()]).collect();
            if needs.iter().all(|n| out[*n].is_some()) {
                let mut set: BTreeSet<usize> = needs.iter().copied().collect();
                needs.iter().for_each(|n| set.extend(out[*n].clone().expect("just seen")));
                out[k] = Some(set);
            }
        }
    }
    out.into_iter().map(|o| o.expect("no cycle")).collect()
}

fn titles(plan: &Plan) -> Vec<&str> {
    plan.steps.iter().map(|s| s.title.as_str()).collect()
}

fn parts(plan: &Plan) -> Vec<Vec<usize>> {
    plan.subtasks.iter().map(|s| s.steps.clone()).collect()
}

const KITCHEN: &str = "# TASK-9: Rebuild the kitchen tools

**Status:** pending
**Estimated Minutes:** 100

## Context
1. The old tools are slow
2. They break

## Approach
1. Define the message format
2. Create `tools/kettle.py` with the boiler
   - heats water
   - whistles
3. Create `tools/toaster.py`
   ```python
   ## not a heading
   1. not a step
   ```
4. Test both tools

## Rollback Strategy
1. Delete everything

## Success Criteria
- [ ] Water boils
";

#[test]
fn a_numbered_list_is_split_where_files_differ() {
    let plan = plan(KITCHEN);
    assert_eq!(
        titles(&plan),
        ["Define the message format", "Create tools/kettle.py with the boiler", "Create tools/toaster.py", "Test both tools"]
    );
    let spans: Vec<_> = plan.steps.iter().map(|s| (s.line, s.end)).collect();
    assert_eq!(spans, [(11, 11), (12, 14), (15, 19), (20, 20)]);
    assert!(plan.parallelizable);
    assert_eq!(parts(&plan), [vec![1], vec![2], vec![3], vec![4]]);
    assert_eq!(plan.subtasks[3].depends_on, ["T-1-SUB2", "T-1-SUB3"]);
    assert_eq!(plan.subtasks[1].writes, ["tools/kettle.py"]);
    assert_eq!((plan.makespan_minutes, plan.serial_minutes), (75, 100));
}

#[test]
fn a_part_gets_its_own_document() {
    let plan = plan(KITCHEN);
    let text = &subtask_documents(KITCHEN, &plan)[2];
    for want in [
        "# T-1-SUB3: Create tools/toaster.py\n",
        "**Parent:** T-1 (Rebuild the kitchen tools)\n",
        "**Depends on:** T-1-SUB1\n",
        "**Writes:** `tools/toaster.py`\n",
        "3. Create `tools/toaster.py`\n   ```python\n",
        "- [ ] Water boils",
    ] {
        assert!(text.contains(want), "{want}\n---\n{text}");
    }
    assert!(!text.contains("kettle") && !text.contains("Delete everything"));
}

#[test]
fn phases_are_steps_in_every_spelling() {
    for (open, close) in
        [("### Phase 1: ", ""), ("**Phase 1: ", "**"), ("### Step 1 - ", ""), ("### 1. ", ""), ("**Component 1: ", "**"), ("#### 1) ", "")]
    {
        let second = open.replace('1', "2");
        let document = format!(
            "# T\n## Implementation Plan\n{open}Kettle (20 min){close}\n1. Boil\n2. Pour\n\n{second}Toast (1 hour){close}\n- bread\n\n## Notes\n1. no\n"
        );
        let plan = plan(&document);
        assert_eq!(titles(&plan), ["Kettle", "Toast"], "{document}");
        assert_eq!(plan.steps.iter().map(|s| s.estimate_minutes).collect::<Vec<_>>(), [Some(20), Some(60)]);
        assert_eq!((plan.steps[0].line, plan.steps[0].end), (3, 5));
    }
}

#[test]
fn sections_may_be_steps_themselves() {
    let plan = plan("# T\n\n## Phase 1: Build `a/`\ntext\n\n## Phase 2: Build `b/`\n\n## Notes\nx\n");
    assert_eq!(titles(&plan), ["Build a/", "Build b/"]);
    assert_eq!(plan.steps[0].end, 4);
}

#[test]
fn parts_of_a_phase_are_split_when_their_files_differ() {
    let document = "# T\n## Approach\n### Phase 1: Analysis\n1. Read `x.md`\n\n### Phase 2: Changes\n**2.1 Kettle:**\nUpdate `src/kettle.rs`.\n\n**2.2 Toaster:**\nUpdate `src/toaster.rs`.\n\n### Phase 3: Testing\n1. Run it\n";
    let plan = plan(document);
    assert_eq!(titles(&plan), ["Analysis", "Kettle", "Toaster", "Testing"]);
    assert_eq!(plan.steps[1].phase.as_deref(), Some("Phase 2: Changes"));
    assert_eq!(parts(&plan), [vec![1], vec![2], vec![3], vec![4]]);
}

#[test]
fn check_boxes_are_steps_in_a_task_list_and_checks_in_criteria() {
    let plan = plan("# T\n## Tasks\n- [ ] Create `a.rs`\n- [x] Create `b.rs`\n## Success Criteria\n- [ ] it works\n");
    assert_eq!(titles(&plan), ["Create a.rs"], "what is done is no step");
    assert!(plan.warnings.iter().any(|w| w.contains("ticked")), "{:?}", plan.warnings);
}

#[test]
fn criteria_are_the_steps_of_a_document_without_a_plan() {
    let plan = plan("# T\n## Objective\nx\n## Success Criteria\n- [ ] Create `a.rs`\n- [ ] Create `b.rs`\n");
    assert_eq!(plan.steps.len(), 2);
    assert!(plan.warnings[0].contains("criteria"), "{:?}", plan.warnings);
}

#[test]
fn listed_files_go_to_the_steps_that_fit_their_names() {
    let document = "# T\n## Approach\n1. Create the kettle driver\n2. Create the toaster driver\n3. Write documentation\n\n## Files to Create\n- `src/kettle_driver.rs`\n- `src/toaster_driver.rs`\n- `docs/guide.md`\n- `src/odd.rs`\n";
    let plan = plan(document);
    let writes: Vec<_> = plan.steps.iter().map(|s| s.writes.join(",")).collect();
    assert_eq!(writes, ["src/kettle_driver.rs", "src/toaster_driver.rs", "docs/guide.md"]);
    assert_eq!(parts(&plan), [vec![1], vec![2], vec![3]]);
    assert!(plan.warnings.iter().any(|w| w.contains("src/odd.rs")), "{:?}", plan.warnings);
}

#[test]
fn what_writes_the_same_file_stays_in_one_part() {
    let plan = plan("# T\n## Approach\n1. Create `a.rs`\n2. Extend `a.rs`\n3. Create `b.rs`\n4. Create `c.rs` from `b.rs`\n");
    assert_eq!(parts(&plan), [vec![1, 2], vec![3, 4]]);
    assert_eq!(plan.conflicts.len(), 1);
    assert_eq!((plan.conflicts[0].steps, plan.conflicts[0].path.as_str()), ([1, 2], "a.rs"));
}

#[test]
fn a_directory_meets_the_files_in_it() {
    let plan = plan("# T\n## Approach\n1. Update `src/parser/`\n2. Update `src/parser/lex.rs`\n3. Update `web/intro.html`\n");
    assert_eq!(parts(&plan), [vec![1, 2], vec![3]]);
}

#[test]
fn steps_without_files_stay_in_order() {
    let plan = plan("# T\n## Approach\n1. Improve the kettle\n2. Improve the toaster\n");
    assert!(!plan.parallelizable);
    assert!(plan.reason.as_deref().is_some_and(|r| r.contains("steps 1, 2 name no files")), "{:?}", plan.reason);
    assert_eq!(parts(&plan), [vec![1, 2]]);
}

#[test]
fn stated_dependencies_are_kept() {
    let document = "# T\n## Tasks\n### Task 1: Kettle\nUpdate `a.rs`\n### Task 2: Toaster\nUpdate `b.rs`\n### Task 3: Oven\nUpdate `c.rs`. Depends on task 1.\n### Task 4: Sink\nUpdate `d.rs`\n**Depends on:** Toaster\n";
    let plan = plan(document);
    let stated: Vec<_> = plan.edges.iter().filter(|e| e.confidence > 0.94).map(|e| (e.from, e.to)).collect();
    assert_eq!(stated, [(1, 3), (2, 4)]);
    assert_eq!(parts(&plan), [vec![1, 3], vec![2, 4]]);
}

#[test]
fn stated_independence_is_believed() {
    for statement in ["Steps 1-3 can run in parallel.", "- Steps 1, 2 and 3 are independent of each other"] {
        let plan = plan(&format!("# T\n## Approach\n1. Kettle\n2. Toaster\n3. Oven\n4. Test all\n\n## Notes\n{statement}\n"));
        assert_eq!(parts(&plan), [vec![1], vec![2], vec![3], vec![4]], "{statement}");
    }
    let all = plan("# T\n\nThe items are independent of each other.\n\n## Items\n1. Kettle\n2. Toaster\n3. Test both\n");
    assert_eq!(parts(&all), [vec![1], vec![2], vec![3]]);
    assert_eq!(all.subtasks[2].depends_on.len(), 2, "tests come last all the same");
    let fields = plan(
        "# T\n## Steps\n### Step 1: Kettle\nDepends on: none\n### Step 2: Toaster\nDepends on: none\n### Step 3: Serve\nDepends on: Step 1, Step 2\n",
    );
    assert_eq!(parts(&fields), [vec![1], vec![2], vec![3]]);
    let phase = plan(
        "# T\n## Approach\n### Phase 1: Setup\n- x\n### Phase 2: Devices (parallel)\n1. Kettle\n2. Toaster\n### Phase 3: Testing\n- y\n",
    );
    assert_eq!(parts(&phase), [vec![1], vec![2], vec![3], vec![4]]);
}

#[test]
fn denied_independence_is_no_independence() {
    let plan = plan("# T\n## Approach\n1. Kettle\n2. Toaster\n\nSteps 1 and 2 cannot run in parallel.\n");
    assert!(!plan.parallelizable);
}

/// Three files and a step that needs all of them.
fn with_last(mark: &str, last: &str) -> Plan {
    let item = |n: usize, text: &str| format!("{}{text}\n", mark.replace('N', &n.to_string()));
    let makes = ["parser", "printer", "store"].iter().enumerate();
    let items: String = makes.map(|(n, name)| item(n + 1, &format!("Write the {name} in `src/{name}.rs`"))).collect();
    plan(&format!("# T\n## Approach\n{items}{}", item(4, last)))
}

#[test]
fn numbers_mean_the_steps_of_a_list_without_numbers_too() {
    for last in [
        "Write the integration tests in tests/all.rs (needs 1, 2 and 3)",
        "Write the integration tests in tests/all.rs, after steps 1, 2 and 3",
        "Write the command in src/main.rs (after steps 1-3)",
        "Write the command in src/main.rs, needs 1, 2 and 3",
    ] {
        for mark in ["- ", "- [ ] ", "N. "] {
            let plan = with_last(mark, last);
            assert_eq!(parts(&plan), [vec![1], vec![2], vec![3], vec![4]], "{mark}{last}");
            assert_eq!(plan.subtasks[3].depends_on, ["T-1-SUB1", "T-1-SUB2", "T-1-SUB3"], "{mark}{last}");
            assert!(plan.edges.iter().all(|e| e.confidence > 0.94) && plan.warnings.is_empty(), "{plan:?}");
        }
    }
}

#[test]
fn what_needs_something_unknown_waits_for_everything_before_it() {
    for last in
        ["Write the command in src/main.rs (needs 1 and 9)", "Create src/main.rs, depends on the moon", "Create src/main.rs after step 12"]
    {
        let plan = with_last("- ", last);
        assert_eq!(plan.subtasks[3].depends_on, ["T-1-SUB1", "T-1-SUB2", "T-1-SUB3"], "{last}");
        assert!(plan.warnings.iter().any(|w| w.contains("step 4")), "{:?}", plan.warnings);
    }
    let amount = with_last("- ", "Write the command in src/main.rs (needs 2 GB of memory)");
    assert!(amount.edges.is_empty() && amount.warnings.is_empty(), "{amount:?}");
}

#[test]
fn tests_and_parsers_are_things_that_are_written() {
    let plan = with_last("- ", "Write the integration tests in tests/all.rs");
    let writes: Vec<_> = plan.steps.iter().map(|s| s.writes.join(",")).collect();
    assert_eq!(writes, ["src/parser.rs", "src/printer.rs", "src/store.rs", "tests/all.rs"]);
    assert_eq!(plan.subtasks[3].depends_on.len(), 3);
}

#[test]
fn a_component_named_search_runs_beside_others() {
    let component = |n: usize, name: &str, file: &str| format!("**Component {n}: {name}**\n- Create `src/{file}.rs`\n\n");
    let document = format!(
        "# T\n## Plan\n{}{}{}**Component 4: Pages**\n- Create `src/pages.rs` over search and sharing\n",
        component(1, "Storage", "store"),
        component(2, "Search", "index"),
        component(3, "Sharing", "share")
    );
    let plan = plan(&document);
    assert!(!plan.edges.iter().any(|e| (e.from, e.to) == (2, 3)), "{:?}", plan.edges);
    assert!(plan.edges.iter().any(|e| (e.from, e.to) == (2, 4)), "what speaks of the search waits for it: {:?}", plan.edges);
}

#[test]
fn a_phase_of_one_component_keeps_its_estimate() {
    let document = "# T\n**Estimated Minutes:** 210\n## Approach\n### Phase 1: Foundation\n\n**Component 1: Model** (estimate: 30 minutes)\n\n- Create `src/model.rs`\n\n### Phase 2: Parts\n\n**Component 2: Store** (estimate: 60 minutes)\n\n- Create `src/store.rs`\n\n**Component 3: Pages** (estimate: 60 minutes)\n\n- Create `src/pages.rs`\n\n### Phase 3: Integration\n\n- Write `src/main.rs` (40 min)\n- Extend `src/main.rs` (20 min)\n";
    let plan = plan(document);
    let minutes: Vec<_> = plan.steps.iter().map(|s| s.estimate_minutes).collect();
    assert_eq!(minutes, [Some(30), Some(60), Some(60), Some(60)], "{:?}", titles(&plan));
}

#[test]
fn backward_and_circular_statements_do_not_break_the_plan() {
    let backward = plan("# T\n## Approach\n1. Update `a.rs`, needs step 3\n2. Update `b.rs`\n3. Update `c.rs`\n");
    assert!(backward.edges.iter().any(|e| (e.from, e.to) == (3, 1)));
    let circular = plan("# T\n## Approach\n1. Update `a.rs`, needs step 2\n2. Update `b.rs`, needs step 1\n");
    assert!(circular.warnings.iter().any(|w| w.contains("cycle")), "{:?}", circular.warnings);
}

#[test]
fn later_work_waits_for_what_it_stands_on() {
    let document = "# T\n## Approach\n1. Analyze `old.rs`\n2. Create the storage interface in `base.rs`\n3. Create `disk.rs`\n4. Create `memory.rs`\n5. Integrate both in `main.rs`\n6. Verify the result\n7. Document it in `docs/guide.md`\n8. Release\n";
    let plan = plan(document);
    // A guide is written while the result is checked.
    assert_eq!(parts(&plan), [vec![1, 2], vec![3], vec![4], vec![5], vec![6], vec![7], vec![8]]);
    assert!(!plan.edges.iter().any(|e| (e.from, e.to) == (6, 7)), "{:?}", plan.edges);
}

#[test]
fn things_to_look_at_are_dealt_out_and_end_in_one_report() {
    let document = "# T\n## Folders to Review\n- [ ] `a/` - one\n- [ ] `b/` - two\n- [ ] `c/` - three\n- [ ] `d/` - four\n\n## Deliverable\nCreate a report.\n";
    let plan = plan(document);
    assert_eq!(parts(&plan), [vec![1, 4], vec![2], vec![3], vec![5]]);
}

#[test]
fn little_work_is_not_split() {
    let small = plan("# T\n**Estimated:** 10 minutes\n## Approach\n1. Update `a.rs`\n2. Update `b.rs`\n");
    assert!(small.reason.as_deref().is_some_and(|r| r.contains("10 minutes")), "{:?}", small.reason);
    let lopsided = plan("# T\n## Approach\n1. Update `a.rs` (2 hours)\n2. Update `b.rs` (5 min)\n");
    assert!(lopsided.reason.as_deref().is_some_and(|r| r.contains("only 5 of 125")), "{:?}", lopsided.reason);
}

#[test]
fn documents_without_work_say_so() {
    for (document, want) in [
        ("", "empty"),
        (" \n\n", "empty"),
        ("# T\n\nJust prose.\n", "no steps"),
        ("# T\n## Approach\n1. One thing\n", "only one step"),
        ("# T\n## Tasks\n- [x] Create `a.rs`\n- [x] Create `b.rs`\n", "ticked"),
        ("# TASK-[ID]: {title}\n## Approach\n1. [First step]\n2. {second}\n3. FILL_ME\n", "template"),
    ] {
        let plan = plan(document);
        let reason = plan.reason.clone().unwrap_or_default();
        assert!(!plan.parallelizable && reason.contains(want), "{document:?}: {reason}");
    }
}

#[test]
fn options_shape_the_plan() {
    let items: String = (1..=12).map(|n| format!("{n}. Create `f{n}.rs`\n")).collect();
    let document = format!("# T\n## Approach\n{items}");
    for (agents, max, want) in [(3, None, 3), (5, None, 5), (5, Some(4), 4), (2, Some(99), 2)] {
        let options = Options { task: "T".to_owned(), agents, subtasks_max: max, grouping: Grouping::Auto, floor: None };
        let plan = split(&document, &options).expect("small");
        holds(&plan, &document, agents);
        assert_eq!(plan.subtasks.len(), want, "{agents} {max:?}");
    }
    let alone = Options { task: "T".to_owned(), agents: 1, subtasks_max: None, grouping: Grouping::Auto, floor: None };
    assert!(!split(&document, &alone).expect("small").parallelizable);
}

#[test]
fn options_outside_their_range_are_refused() {
    let with = |task: &str, agents, max| {
        split("x", &Options { task: task.to_owned(), agents, subtasks_max: max, grouping: Grouping::Auto, floor: None })
    };
    assert!(matches!(with("../x", 3, None), Err(PlanError::TaskInvalid { .. })));
    assert!(matches!(with(&"x".repeat(64), 3, None), Err(PlanError::TaskTooLong { .. })));
    assert!(matches!(with("T", 0, None), Err(PlanError::NoAgents)));
    assert!(matches!(with("T", 3, Some(0)), Err(PlanError::SubtasksMaxInvalid { .. })));
    assert!(matches!(split("a\nb\0c", &Options::new("T")), Err(PlanError::NulCharacter { line: 2 })));
    assert!(matches!(split(&"x".repeat((16 << 20) + 1), &Options::new("T")), Err(PlanError::DocumentTooLarge { .. })));
}

/// Documents that are made to cost much: each must end soon, with a plan or a refusal.
#[test]
fn hostile_documents_cost_little() {
    let many = 30_000;
    let documents = [
        "1. x\n".repeat(many),
        "- [ ] `a/b.rs` x\n".repeat(many),
        "#".repeat(many),
        "# x\n".repeat(many),
        "### Phase 1: x\n".repeat(many),
        "> ".repeat(many),
        "```a\n## x\n".repeat(many),
        "(".repeat(many),
        "[".repeat(many),
        "`".repeat(many),
        format!("## Approach\n1. {}\n2. b\n", "`a/b` ".repeat(many)),
        format!("## Approach\n1. {}\n2. b\n", "steps 1-2000 and ".repeat(many)),
        (0..many).map(|n| format!("{}- x\n", " ".repeat(n % 60))).collect(),
        format!("## Plan\n{}", (1..=1_000).map(|n| format!("{n}. Create `d{n}/f.rs`, after step {}\n", 1_001 - n)).collect::<String>()),
        format!("## Plan\n{}", (1..=1_000).map(|n| format!("{n}. Create `d{n}/*.rs` for all previous steps\n")).collect::<String>()),
        format!("## Plan\n{}", (1..=1_000).map(|n| format!("{n}. Create `d{n}/f.rs` (parallel)\n")).collect::<String>()),
        format!("## Plan\n{}", (1..=1_000).map(|n| format!("{n}. Update `x{}.rs`, depends on thing {n}\n", n % 7)).collect::<String>()),
        format!("## Plan\n{}", (1..=2_000).map(|n| format!("- Create `d{n}/f.rs`, needs 9{n}, day 7 and layer 8\n")).collect::<String>()),
        "\n".repeat(300_000),
    ];
    for document in documents {
        let start = Instant::now();
        if let Ok(plan) = split(&document, &Options::new("T")) {
            assert!(plan.steps.len() <= 2_000 && plan.subtasks.len() <= 99);
        }
        assert!(start.elapsed() < Duration::from_secs(20), "for {:?}…", document.chars().take(60).collect::<String>());
    }
}

#[test]
fn too_many_steps_are_refused() {
    let document = format!("# T\n## Approach\n{}", "1. x\n".repeat(2_001));
    assert_eq!(split(&document, &Options::new("T")), Err(PlanError::TooManySteps { limit: 2_000 }));
}

#[test]
fn too_many_headings_are_refused() {
    let headings = |n: usize| format!("# T\n{}", "## x\n".repeat(n));
    assert_eq!(split(&headings(200_000), &Options::new("T")), Err(PlanError::TooManyHeadings { limit: 200_000 }));
    assert!(split(&headings(2_000), &Options::new("T")).is_ok());
}

#[test]
fn damaged_documents_still_give_plans() {
    for document in [
        "## Approach\n1. Create `a.rs`\n```bash\nls\n\n## Notes\n1. no\n",
        "---\ntitle: x\n## Approach\n1. a\n2. b\n",
        "<!-- never closed\n## Approach\n1. a\n2. b\n",
        "## Approach\r\n1. a\r\n2. b\r\n",
        "\u{feff}## Approach\n1) a\n2) b\n",
        "## Approach\n7. a\n7. b\n7. c\n",
        "##Approach\n1.a\n",
        "## \n\n## Approach\n- \n- [ ] \n1. \n",
    ] {
        let _ = plan(document);
    }
}

#[test]
fn a_word_in_an_item_orders_its_phase() {
    let document = "# Yard\n\n## Plan\n\n### Component A: Importer\n1. Create `a/x.rs` with the loop\n2. Create the ledger in `a/y.rs` on the loop of `a/x.rs`\n\n### Component B: Viewer\n1. Create `b/p.rs` to show a ledger\n2. Create `b/q.rs` that uses `b/p.rs`\n";
    assert!(!plan(document).parallelizable, "the viewer shows the ledger");
}

#[test]
fn independence_of_other_things_is_not_that_of_the_steps() {
    let steps = "## Steps\n1. Create the token reader in `reader.rs`\n2. Create the builder in `builder.rs` on the reader and its tokens\n";
    let backends = plan(&format!("# J\n\nThe storage backends must stay independent of each other.\n\n{steps}"));
    assert!(!backends.parallelizable);
    let denied = plan("# J\n\n## Steps\n1. Write `a.rs`\n2. Write `b.rs`. This is not independent of step 1.\n");
    assert!(!denied.parallelizable);
    let waits = plan(
        "# J\n\nThe fixes are independent of each other.\n\n## Steps\n1. Fix `a.rs`\n2. Fix `b.rs`\n3. When all fixes are in, raise `Cargo.toml`\n",
    );
    assert_eq!(waits.subtasks.last().map(|part| part.depends_on.len()), Some(2));
}

#[test]
fn a_table_of_other_things_orders_no_steps() {
    let table = "| Crate | Dependencies |\n|---|---|\n| tide-chart | None |\n";
    let plan = plan(&format!(
        "# T\n\n{table}\n## Steps\n1. Create the reader in `reader.rs`\n2. Create the chart in `chart.rs` from the reader\n"
    ));
    assert!(!plan.parallelizable, "{:?}", plan.edges);
}

#[test]
fn lists_below_lists_of_files_are_read_once() {
    let plan = plan(
        "# J\n\n## Files to change\n\n### New files\n- `a.rs`: parser\n- `b.rs`: lexer\n\n### Modified files\n- `c.rs`: printer\n- `d.rs` (reference)\n",
    );
    let lines: Vec<_> = plan.steps.iter().map(|step| step.line).collect();
    assert_eq!(lines, [6, 7, 10]);
}

//! Documents of each format, in our own words: what their steps are, which of them wait, and which may run at once.

use std::collections::HashSet;

use oarlock_plan::{Options, Plan, split};

/// A document and its right answer. Steps are numbered from 1.
struct Case {
    format: &'static str,
    document: &'static str,
    titles: &'static [&'static str],
    /// Pairs of which the second waits for the first.
    ordered: &'static [(usize, usize)],
    /// Pairs that may run at once.
    apart: &'static [(usize, usize)],
}

fn plan(document: &str) -> Plan {
    split(document, &Options::new("T-1")).expect("a small document is read")
}

/// All pairs of which the second waits for the first, directly or not.
fn before(plan: &Plan) -> HashSet<(usize, usize)> {
    let mut pairs: HashSet<(usize, usize)> = plan.edges.iter().map(|edge| (edge.from, edge.to)).collect();
    let count = plan.steps.len();
    for middle in 1..=count {
        for from in 1..=count {
            for to in 1..=count {
                if pairs.contains(&(from, middle)) && pairs.contains(&(middle, to)) {
                    pairs.insert((from, to));
                }
            }
        }
    }
    pairs
}

fn holds(case: &Case) {
    let plan = plan(case.document);
    let titles: Vec<&str> = plan.steps.iter().map(|step| step.title.as_str()).collect();
    assert_eq!((plan.format.as_str(), titles.as_slice()), (case.format, case.titles), "{}", case.document);
    assert!(plan.steps.iter().all(|step| step.lines == [[step.line, step.end]]), "{plan:?}");
    let before = before(&plan);
    let edge = |from, to| plan.edges.iter().find(|edge| (edge.from, edge.to) == (from, to)).map_or("", |edge| edge.reason.as_str());
    for (from, to) in case.ordered {
        assert!(before.contains(&(*from, *to)), "{to} waits for {from} in {}", case.document);
    }
    for (a, b) in case.apart {
        assert!(
            !before.contains(&(*a, *b)) && !before.contains(&(*b, *a)),
            "{a} beside {b} ({}{}) in {}",
            edge(*a, *b),
            edge(*b, *a),
            case.document
        );
    }
}

#[test]
fn speckit_runs_marked_tasks_at_once_and_stories_beside_each_other() {
    holds(&Case {
        format: "speckit",
        document: "# Tasks: tide warnings\n\n## Phase 1: Setup\n\n- [ ] T001 Create the crate in `tide/Cargo.toml`\n- [ ] T002 [P] Read a table in \
                   `tide/src/table.rs`\n- [ ] T003 [P] Draw a curve in `tide/src/curve.rs`\n\n## Phase 2: User Story 1 - Print (Priority: P1)\n\n- [ ] T004 \
                   [US1] Print the day in `tide/src/print.rs`\n- [ ] T005 [US1] Print the week in `tide/src/week.rs`\n\n**Checkpoint**: it prints\n\n## \
                   Phase 3: User Story 2 - Warn (Priority: P2)\n\n- [ ] T006 [US2] Send a warning in `tide/src/warn.rs`\n\n## Phase 4: Polish\n\n- [ ] T007 \
                   Run all tests\n\n## Implementation Strategy\n\n1. Complete Phase 1\n2. Complete Phase 2\n",
        titles: &[
            "Create the crate in tide/Cargo.toml",
            "Read a table in tide/src/table.rs",
            "Draw a curve in tide/src/curve.rs",
            "Print the day in tide/src/print.rs",
            "Print the week in tide/src/week.rs",
            "Send a warning in tide/src/warn.rs",
            "Run all tests",
        ],
        ordered: &[(1, 2), (1, 3), (2, 4), (3, 4), (4, 5), (3, 6), (5, 7), (6, 7)],
        apart: &[(2, 3), (4, 6), (5, 6)],
    });
}

#[test]
fn stories_wait_for_stories_that_the_document_names() {
    holds(&Case {
        format: "speckit",
        document: "# Tasks\n\n## Phase 1: User Story 1 - Print\n\n- [ ] T001 [US1] Print in `a/print.rs`\n\n## Phase 2: User Story 2 - Warn\n\n- [ ] T002 \
                   [US2] Warn in `a/warn.rs`\n\n## Phase 3: User Story 3 - Sum\n\n- [ ] T003 [US3] Sum in `a/sum.rs`\n\n## Dependencies\n\n- **US1**: no \
                   dependencies\n- **User Story 2**: Depends on US1\n- **User Story 3 (P3)**: no dependencies on other stories\n",
        titles: &["Print in a/print.rs", "Warn in a/warn.rs", "Sum in a/sum.rs"],
        ordered: &[(1, 2)],
        apart: &[(1, 3), (2, 3)],
    });
}

#[test]
fn kiro_builds_one_task_on_the_other_and_keeps_optional_ones() {
    holds(&Case {
        format: "kiro",
        document: "# Implementation Plan\n\n- [ ] 1. Stores\n- [ ] 1.1 Create the base in `src/store/base.ts`\n  - Keep it small\n  - _Requirements: 1.1_\n- [ ] \
                   1.2 Create `PierStore` in `src/store/PierStore.ts`\n- [ ] 1.3 Create `BoatStore` in `src/store/BoatStore.ts`\n- [ ]* 1.4 Write property \
                   tests\n- [ ] 2. Checkpoint - all tests pass\n- [ ] 3. Draw the piers in `src/page.ts`\n",
        titles: &[
            "Create the base in src/store/base.ts",
            "Create PierStore in src/store/PierStore.ts",
            "Create BoatStore in src/store/BoatStore.ts",
            "Write property tests",
            "Checkpoint - all tests pass",
            "Draw the piers in src/page.ts",
        ],
        ordered: &[(1, 2), (1, 3), (2, 4), (3, 4), (4, 5), (5, 6)],
        apart: &[(2, 3)],
    });
}

#[test]
fn openspec_takes_every_box_of_every_section() {
    holds(&Case {
        format: "openspec",
        document: "## 1. Implementation\n- [ ] 1.1 Add the field to `src/boat.py`\n- [ ] 1.2 Show it in `src/page.py`\n\n## 2. Documentation Files\n- [ ] 2.1 \
                   Update `docs/boat.md`\n- [ ] 2.2 Update `docs/page.md`\n\n## 3. Validation\n- [ ] 3.1 Run the linter\n- [ ] 3.2 Run the tests\n",
        titles: &[
            "Add the field to src/boat.py",
            "Show it in src/page.py",
            "Update docs/boat.md",
            "Update docs/page.md",
            "Run the linter",
            "Run the tests",
        ],
        ordered: &[(1, 2), (2, 3), (2, 4), (3, 5), (4, 6)],
        apart: &[(3, 4), (5, 6)],
    });
}

#[test]
fn superpowers_numbers_the_pieces_of_a_task_from_one() {
    let document = "# Harbour Plan\n\n### Task 1: Berths\n\n**Files:**\n- Create: `src/berths.py`\n- Test: `tests/test_berths.py`\n\n- [ ] **Step 1: Write the \
                    failing test**\n- [ ] **Step 2: Run it**\n- [ ] **Step 3: Commit**\n\n### Task 2: Buoys\n\n**Files:**\n- Modify: `lib/buoys.py:12-40`\n- \
                    Test: `tests/test_buoys.py`\n\n- [ ] **Step 1: Write the failing test**\n- [ ] **Step 2: Run it**\n";
    holds(&Case { format: "superpowers", document, titles: &["Berths", "Buoys"], ordered: &[], apart: &[(1, 2)] });
    assert_eq!(plan(document).steps[1].writes, ["lib/buoys.py", "tests/test_buoys.py"]);
}

#[test]
fn issues_wait_for_the_issues_that_they_name() {
    holds(&Case {
        format: "issues",
        document: "# Issues\n\n### Issue #1: Layout\n- [ ] It builds\n\n### Issue #2: Client\n**Dependencies:**\n- Depends on: #1 (Layout)\n\n### Issue #3: Sensors\n                   **Dependencies:**\n- Depends on: #1\n\n### Issue #4: Switches\n**Dependencies:**\n- Depends on: #2, #3\n\n## Milestones\n\n- Issues: #1, #2\n",
        titles: &["Layout", "Client", "Sensors", "Switches"],
        ordered: &[(1, 2), (1, 3), (2, 4), (3, 4)],
        apart: &[(2, 3)],
    });
}

#[test]
fn a_drawn_graph_orders_the_tasks_of_an_epic() {
    holds(&Case {
        format: "issues",
        document: "# Epic: harbour\n\n## Task Breakdown\n\n- [ ] **Task 1: Client**\n  - Files: `lib/client.sh`\n- [ ] **Task 2: Settings**\n  - Files: \
                   `settings.json`\n- [ ] **Task 3: Report**\n  - Files: `report.md`\n\n**Graph**:\n```\nTask 1 (Client) → Task 3\nTask 2 → Task 3\n```\n\n## Tasks \
                   Created\n- [ ] #10 - Report (parallel: false)\n- [ ] #11 - Client (parallel: true)\n",
        titles: &["Client", "Settings", "Report"],
        ordered: &[(1, 3), (2, 3)],
        apart: &[(1, 2)],
    });
}

#[test]
fn a_list_of_issues_is_pieces_of_work_of_their_own() {
    holds(&Case {
        format: "issues",
        document: "# Harbour map\n\n## Sub-tasks\n\n- [ ] #21 **T4**: Draw the piers\n- [ ] [#22](https://example.org/a/b/issues/22) Show the \
                   tide\n- [ ] a/b#23 Book the berths, blocked by #21\n- [ ] #24 Add tests for the map\n\n## Acceptance Criteria\n\n- [ ] #1 It is fast\n",
        titles: &["Draw the piers", "Show the tide", "Book the berths, blocked by #21", "Add tests for the map"],
        ordered: &[(1, 3), (1, 4), (2, 4), (3, 4)],
        apart: &[(1, 2), (2, 3)],
    });
}

#[test]
fn a_group_that_is_said_to_run_at_once_does_so_and_no_other() {
    holds(&Case {
        format: "plain",
        document: "# Plan\n\n## Phase 1: Base\n\n- [ ] Set up the harbour\n- [ ] Name the piers\n\n## Phase 2: Screens\n\nThis phase implements the \
                   screens in parallel.\n\n- [ ] The chart\n- [ ] The book\n- [ ] The legend\n",
        titles: &["Set up the harbour", "Name the piers", "The chart", "The book", "The legend"],
        ordered: &[(1, 2), (2, 3), (2, 4), (2, 5)],
        apart: &[(3, 4), (3, 5), (4, 5)],
    });
}

#[test]
fn the_task_files_of_an_epic_run_at_once_where_they_are_marked() {
    holds(&Case {
        format: "issues",
        document: "---\nname: harbour\ngithub: none\n---\n# Epic: harbour\n\n## Tasks Created\n- [ ] 001.md - Draw piers (parallel: true)\n- [ ] 002.md - Show \
                   tides (parallel: true)\n- [ ] 003.md - Join the two (parallel: false)\n",
        titles: &["Draw piers (parallel: true)", "Show tides (parallel: true)", "Join the two (parallel: false)"],
        ordered: &[(1, 3), (2, 3)],
        apart: &[(1, 2)],
    });
}

#[test]
fn phases_are_gates_and_hold_headings_or_items() {
    holds(&Case {
        format: "plain",
        document: "# Phase 8 - Tracking\n\n## Phase 1: Base\n\n### Containers\n- 🔄 Write the file\n- 🔄 Try it\n\n### Notes\n- ✅ All said\n\n## Phase 2: \
                   Checks\n\n### Unit Tests\n- 🔄 Of piers\n- 🔄 Of tides\n\n### Integration Tests\n- 🔄 Of both\n\n### Documentation\n- 🔄 The \
                   handbook\n\n## Quality Gates\n\n### Phase 1 Completion Criteria\n- [ ] It starts\n",
        titles: &["Containers", "Unit Tests", "Integration Tests", "Documentation"],
        ordered: &[(1, 2), (1, 3), (1, 4)],
        apart: &[(2, 3)],
    });
}

#[test]
fn tasks_that_show_their_code_wait_for_the_names_that_they_use() {
    let task = |n: u32, title: &str, file: &str, code: &str| {
        format!("### Task {n}: {title}\n\n**Files:**\n- Create: `{file}`\n\n```ts\n{code}{}```\n\n", "step();\n".repeat(8))
    };
    let document = format!(
        "# Harbour Implementation Plan\n\n{}{}{}",
        task(1, "Pier window", "src/pier.ts", "export function openPier() {}\n"),
        task(2, "Tide window", "src/tide.ts", "export function readTide() {}\n"),
        task(3, "Menu", "src/menu.ts", "readTide();\n")
    );
    let plan = plan(&document);
    let edges: Vec<(usize, usize, &str)> = plan.edges.iter().map(|edge| (edge.from, edge.to, edge.reason.as_str())).collect();
    assert_eq!(edges, [(2, 3, "its code uses \"readtide\", which step 2 brings in")]);
}

#[test]
fn sections_that_do_the_same_to_two_things_run_at_once() {
    holds(&Case {
        format: "openspec",
        document: "## 1. Add the helper\n- [ ] 1.1 Write the helper\n\n## 2. Update PierStore lifecycle\n- [ ] 2.1 Add a field to PierStore\n- [ ] 2.2 Close \
                   it\n\n## 3. Update BoatStore lifecycle\n- [ ] 3.1 Add a field to BoatStore\n- [ ] 3.2 Close it\n\n## 4. Wire it\n- [ ] 4.1 Join the stores\n",
        titles: &["Write the helper", "Add a field to PierStore", "Close it", "Add a field to BoatStore", "Close it", "Join the stores"],
        ordered: &[(1, 2), (2, 3), (1, 4), (4, 5), (3, 6), (5, 6)],
        apart: &[(2, 4), (3, 5)],
    });
}

#[test]
fn stories_that_work_on_one_thing_keep_their_order() {
    holds(&Case {
        format: "speckit",
        document: "# Tasks\n\n## Phase 1: User Story 1 - Print\n\n- [ ] T001 [US1] Add a print method to BoatStore\n\n## Phase 2: User Story 2 - Warn\n\n- [ ] \
                   T002 [US2] Add a warn method to BoatStore\n\n## Phase 3: User Story 3 - Sum\n\n- [ ] T003 [US3] Sum in `a/sum.dart`\n\n## Dependencies\n\n\
                   | Story | Depends on | Note |\n|---|---|---|\n| US1 (print) | None | first |\n| US3 | US1 (needs its list) | US1 done |\n",
        titles: &["Add a print method to BoatStore", "Add a warn method to BoatStore", "Sum in a/sum.dart"],
        ordered: &[(1, 2), (1, 3)],
        apart: &[(2, 3)],
    });
}

#[test]
fn a_list_that_is_called_an_order_is_one() {
    let list = "1. Add the list in `src/a.py`\n2. Add the list in `src/b.py`\n3. Add the list in `src/c.py`\n";
    let pairs = |title: &str| before(&plan(&format!("# T\n\n## {title}\n\n{list}"))).len();
    assert_eq!((pairs("Implementation order"), pairs("Tasks")), (3, 0));
}

#[test]
fn groups_of_a_list_stand_apart_where_nothing_joins_them() {
    let document = |use_of_first: &str| {
        format!(
            "# Implementation Plan\n\n- [ ] 1. Create the tide reader\n  - [ ] 1.1 Create `services/tide/read.py`\n  - [ ] 1.2 Close `services/tide/read.py`\n  - \
             _Requirements: 1.1_\n- [ ] 2. Create the pier drawing\n  - [ ] 2.1 Create `web/pier.js`{use_of_first}\n- [ ] 3. Checkpoint - all tests pass\n"
        )
    };
    let pairs = |text: &str| {
        let before = before(&plan(text));
        [(1, 2), (1, 3), (2, 3), (3, 4), (2, 4)].map(|pair| before.contains(&pair))
    };
    assert_eq!(pairs(&document("")), [true, false, false, true, true]);
    assert_eq!(pairs(&document(" from what the tide reader finds")), [true; 5]);
    // Of a step without a file nothing is known.
    assert_eq!(pairs(&document("").replace("Close `services/tide/read.py`", "Persist what was picked")), [true; 5]);
}

#[test]
fn phases_run_in_order_whatever_labels_them() {
    for (one, two) in [("Phase A", "Phase B"), ("Wave 1", "Wave 2"), ("Phase 1.1", "Phase 1.2")] {
        let text = format!(
            "# T\n\n## {one}: Base\n\n1. Add `src/a.rs`\n2. Add `src/b.rs`\n\n## {two}: Views\n\n1. Add `web/c.js`\n2. Add `web/d.js`\n"
        );
        let before = before(&plan(&text));
        assert!([(1, 3), (2, 3), (1, 4), (2, 4)].iter().all(|pair| before.contains(pair)), "{one}: {before:?}");
    }
}

#[test]
fn todos_that_say_what_they_wait_for_are_the_plan() {
    let todos = "---\ntodos:\n  - id: base\n    content: Add `src/a.rs`\n  - id: page\n    content: Add `web/b.js`\n    dependencies: [base]\n---\n\n";
    for body in ["# T\n\n### 1. Add `src/a.rs`\n\n### 2. Add `web/b.js`\n", "# T\n\nSome words.\n"] {
        assert!(before(&plan(&format!("{todos}{body}"))).contains(&(1, 2)), "{body}");
    }
}

#[test]
fn silent_items_work_on_the_file_above_and_ids_of_tables_are_its_own() {
    let speckit = "# Tasks\n\n## Phase 1: User Story 1\n\n- [ ] T001 [US1] Create the tests in `test/tide_test.py`\n- [ ] T002 [P] [US1] Write a failing test \
                   `test_high()`\n- [ ] T003 [P] [US1] Write a failing test `test_low()`\n";
    let plan = plan(speckit);
    assert_eq!(plan.steps.iter().map(|step| step.writes.join(",")).collect::<Vec<_>>(), ["test/tide_test.py"; 3]);
    assert!(before(&plan).contains(&(2, 3)), "{:?}", plan.edges);
    holds(&Case {
        format: "issues",
        document: "# Epic: harbour\n\n## Task Breakdown\n\n- [ ] **Task 1: Client**\n- [ ] **Task 2: Settings**\n- [ ] **Task 3: Report**\n\n| # | Task | Depends \
                   on |\n|---|---|---|\n| 001 | Client | — |\n| 010 | Settings | 001 |\n| 020 | Report | 001 |\n",
        titles: &["Client", "Settings", "Report"],
        ordered: &[(1, 2), (1, 3)],
        apart: &[(2, 3)],
    });
}

#[test]
fn phases_beside_each_other_keep_their_own_order_and_tests_follow_their_file() {
    holds(&Case {
        format: "speckit",
        document: "# Tasks\n\n## Phase 1: User Story 1\n\n- [ ] T001 [US1] Show boats in `src/boats.ts`\n\n## Phase 2: User Story 2\n\n- [ ] T002 [US2] Sort \
                   piers in `src/piers.ts`\n- [ ] T003 [US2] Write tests in `src/boats.spec.ts`\n\n## Phase 3: User Story 3\n\n- [ ] T004 [US3] Sum in \
                   `src/sum.ts`\n\n## Dependencies\n\n- Phase 1 is a prerequisite for Phase 3.\n- Phase 2 and 3 can be executed in parallel.\n",
        titles: &["Show boats in src/boats.ts", "Sort piers in src/piers.ts", "Write tests in src/boats.spec.ts", "Sum in src/sum.ts"],
        ordered: &[(2, 3), (1, 3), (1, 4)],
        apart: &[(2, 4), (1, 2)],
    });
}

#[test]
fn types_come_first_and_what_is_given_away_last_wherever_they_stand() {
    let text = "# T\n\n## Tasks\n\n1. Add the reader in `src/reader.ts`\n2. Publish the package\n3. Add tests for the reader in `test/reader.ts`\n4. Update \
                `src/types.ts` with the answers\n";
    let before = before(&plan(text));
    assert!(before.contains(&(4, 1)) && before.contains(&(3, 2)), "{before:?}");
}

#[test]
fn bmad_follows_the_list_but_for_documents_of_their_own() {
    holds(&Case {
        format: "bmad",
        document: "# Story 1.2\n\n## Acceptance Criteria\n\n1. Docs are there\n\n## Tasks / Subtasks\n\n- [x] Task 1: Agree on names (AC: 1)\n- [ ] Task 2: Create \
                   SETUP.md (AC: 1)\n  - [ ] Add prerequisites\n- [ ] Task 3: Create HARBOUR.md (AC: 2)\n  - [ ] Add the chart\n- [ ] Task 4: Add the \
                   check in `src/check.rs`\n\n## Dev Notes\n\n- New files: `x.rs`\n",
        titles: &["Create SETUP.md (AC: 1)", "Create HARBOUR.md (AC: 2)", "Add the check in src/check.rs"],
        ordered: &[(1, 3), (2, 3)],
        apart: &[(1, 2)],
    });
}

#[test]
fn task_groups_wait_for_the_groups_that_they_name() {
    holds(&Case {
        format: "agentos",
        document: "## Task List\n\n#### Task Group 1: Tides\n**Dependencies:** None\n\n- [ ] 1.0 Complete tides\n  - [ ] 1.1 Write tests\n  - [ ] 1.2 Read \
                   `lib/tides.py`\n\n#### Task Group 2: Winds\n**Dependencies:** None (can run in parallel with Task Group 1)\n\n- [ ] 2.0 Complete winds\n  - \
                   [ ] 2.1 Write tests\n\n#### Task Group 3: Review\n**Dependencies:** Task Groups 1-2\n\n- [ ] 3.0 Review the tests\n",
        titles: &["Write tests", "Read lib/tides.py", "Write tests", "Review the tests"],
        ordered: &[(1, 2), (2, 4), (3, 4)],
        apart: &[(1, 3), (2, 3)],
    });
}

#[test]
fn a_fence_of_tasks_is_the_plan_of_a_prompt() {
    let document = "# PRP\n\n## Blueprint\n\n### List of tasks\n\n```yaml\nTask 1:\nCREATE src/tide.py:\n  - read a table\n\nTask 2:\nMODIFY src/wind.py:\n  - add \
                    gusts\n```\n\n## Validation Loop\n\n- [ ] tests pass\n";
    let plan = plan(document);
    let writes: Vec<&[String]> = plan.steps.iter().map(|step| step.writes.as_slice()).collect();
    assert_eq!((plan.format.as_str(), writes), ("prp", vec![&["src/tide.py".to_owned()][..], &["src/wind.py".to_owned()][..]]));
}

#[test]
fn the_tasks_of_a_gsd_plan_wait_for_what_they_use() {
    holds(&Case {
        format: "gsd",
        document: "---\nphase: 01\nwave: 2\n---\n<tasks>\n<task type=\"auto\">\n  <name>Task 1: Add PierStore</name>\n  <files>src/a.ts, src/c.ts</files>\n  \
                   <action>Write it.</action>\n</task>\n<task type=\"auto\">\n  <name>Task 2: Draw the chart</name>\n  <files>src/b.ts</files>\n  <action>Draw \
                   what PierStore holds.</action>\n</task>\n<task type=\"auto\">\n  <name>Task 3: Sound the horn</name>\n  <files>src/d.ts</files>\n</task>\n\
                   </tasks>\n<verification>\n- [ ] build passes\n</verification>\n",
        titles: &["Add PierStore", "Draw the chart", "Sound the horn"],
        ordered: &[(1, 2)],
        apart: &[(1, 3), (2, 3)],
    });
}

#[test]
fn tests_of_one_thing_check_that_thing() {
    let task = |n: u32, title: &str, file: &str| format!("### Task {n}: {title}\n\n**Files:**\n- Create: `{file}`\n\n");
    let document = format!(
        "# Harbour Plan\n\n{}{}{}{}",
        task(1, "Fix PierStore", "src/pier.dart"),
        task(2, "Write failing test for TideStore", "test/tide_test.dart"),
        task(3, "Fix TideStore", "src/tide.dart"),
        task(4, "Integration tests", "test/all_test.dart")
    );
    let mut edges: Vec<(usize, usize)> = plan(&document).edges.iter().map(|edge| (edge.from, edge.to)).collect();
    edges.sort_unstable();
    assert_eq!(edges, [(1, 4), (2, 3), (3, 4)]);
}

#[test]
fn bullets_of_phases_are_steps_and_phases_are_gates() {
    holds(&Case {
        format: "plain",
        document: "# Board\n\n### Phase 1 – Canvas\n\n* Render an empty canvas\n* Save the name of the user\n\n### Phase 2 – Screens\n\n* Add the \
                   toolbar\n* Implement the store\n",
        titles: &["Render an empty canvas", "Save the name of the user", "Add the toolbar", "Implement the store"],
        ordered: &[(1, 3), (2, 3), (1, 4), (2, 4)],
        apart: &[],
    });
}

#[test]
fn the_json_of_task_master_states_all_needs() {
    let task = |id: u32, title: &str, needs: &str| {
        format!(
            "    {{\n      \"id\": {id},\n      \"title\": \"{title}\",\n      \"status\": \"pending\",\n      \"dependencies\": [{needs}],\n      \"subtasks\": []\n    }}"
        )
    };
    let tasks = [task(1, "Layout", ""), task(2, "Tides", "1"), task(3, "Winds", "1"), task(4, "Report", "2, 3")].join(",\n");
    let plan = plan(&format!("{{\n  \"tasks\": [\n{tasks}\n  ]\n}}\n"));
    let titles: Vec<&str> = plan.steps.iter().map(|step| step.title.as_str()).collect();
    let mut edges: Vec<(usize, usize)> = plan.edges.iter().map(|edge| (edge.from, edge.to)).collect();
    edges.sort_unstable();
    assert_eq!((plan.format.as_str(), titles), ("taskmaster", vec!["Layout", "Tides", "Winds", "Report"]));
    assert_eq!((edges, plan.parallelizable), (vec![(1, 2), (1, 3), (2, 4), (3, 4)], true), "{plan:?}");
}

#[test]
fn sentences_about_order_name_codes_and_ranges() {
    for (sentence, needs) in [
        ("T004 depends on T001", &[1][..]),
        ("T004 requires T001, T002, T003", &[1, 2, 3]),
        ("T001, T002 and T003 before T004", &[1, 2, 3]),
        ("T001 → T004", &[1]),
        ("Depends on: T004 → T001", &[1]),
        ("T001 blocks T004", &[1]),
        ("T004 depends on T001–T003.", &[1, 2, 3]),
        ("T004 depends on T001 to T002", &[1, 2]),
        ("T001-T003 can run in parallel; then T004.", &[1, 2, 3]),
        ("After T002, T004", &[2]),
    ] {
        let list = |n: u32, name: &str| format!("- [ ] T00{n} Add the list in `src/{name}.py`\n");
        let document =
            format!("# Tasks\n\n{}{}{}{}\n## Dependencies\n\n- {sentence}\n", list(1, "a"), list(2, "b"), list(3, "c"), list(4, "d"));
        let plan = plan(&document);
        let before = before(&plan);
        let found: Vec<usize> = (1..4).filter(|from| before.contains(&(*from, 4))).collect();
        assert_eq!(found, needs, "{sentence}: {:?}", plan.edges);
    }
}

#[test]
fn a_phase_whose_boxes_are_all_ticked_is_done() {
    let document = "# T\n\n## Phase 1: Reader\n\n- [x] Create `src/a.rs`\n\n## Phase 2: Writer\n\n- [ ] Create `src/b.rs`\n\n## Phase 3: Page\n\n- [ ] Create `src/c.rs`\n";
    let titles = |text: &str| plan(text).steps.into_iter().map(|step| step.title).collect::<Vec<_>>();
    assert_eq!(titles(document), ["Writer", "Page"]);
    let all = plan(&document.replace("[ ]", "[x]"));
    assert_eq!(all.reason.as_deref(), Some("every step is ticked as done"));
}

#[test]
fn advice_names_the_smallest_number_of_agents_that_is_nearly_the_best() {
    let item = |n: usize| format!("{n}. Create the part in `src/{}/part.rs` (30 minutes)\n", ["oak", "elm", "ash", "fir"][n - 1]);
    let document = |count: usize| format!("# T\n\n## Plan\n\n{}", (1..=count).map(item).collect::<String>());
    for (count, agents, first, last) in [(4, 4, 120, 30), (2, 2, 60, 30)] {
        let advice = plan(&document(count)).advice.expect("a short plan");
        assert_eq!((advice.agents, advice.makespan_minutes[&1], advice.makespan_minutes[&8]), (agents, first, last), "{count}");
        assert_eq!(advice.makespan_minutes.len(), 8);
    }
    let chain = plan("# T\n\n## Plan\n\n1. Create `a.rs`\n2. Change `a.rs`\n").advice.expect("a short plan");
    assert_eq!((chain.agents, chain.makespan_minutes[&1]), (1, chain.makespan_minutes[&8]));
}

#[test]
fn what_a_step_begins_with_is_no_field_of_what_it_reads() {
    let text = "# Tasks\n\n## Phase 1: User Story 1\n\n- [ ] T001 [P] [US1] Validation: add the checks to `src/form.ts`\n- [ ] T002 [P] [US1] Pattern \
                matching: extend `src/form.ts`\n";
    assert!(before(&plan(text)).contains(&(1, 2)));
}

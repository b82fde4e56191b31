//! What each way of writing a plan makes a step of, and which files each step writes: documents in our own words.

use oarlock_plan::{Options, Plan, split};

fn plan(document: &str) -> Plan {
    split(document, &Options::new("T-1")).expect("a small document is read")
}

/// Checks the format, and title and files of each step.
#[track_caller]
fn reads(document: &str, format: &str, want: &[(&str, &[&str])]) {
    let plan = plan(document);
    let steps: Vec<(&str, Vec<&str>)> =
        plan.steps.iter().map(|step| (step.title.as_str(), step.writes.iter().map(String::as_str).collect())).collect();
    let want: Vec<(&str, Vec<&str>)> = want.iter().map(|(title, files)| (*title, files.to_vec())).collect();
    assert_eq!((plan.format.as_str(), steps), (format, want), "{document}");
}

const TODOS: &str = "---\nname: Tides\noverview: Show the tides\ntodos:\n  - id: table\n    content: Read the table in `src/table.rs`\n    status: \
                     completed\n  - id: curve\n    content: \"Create the curve: `src/curve.rs`\"\n    status: pending\n  - id: page\n    content: Show \
                     both in `src/page.rs`\n    status: pending\n    dependencies:\n      - curve\n---\n\n# Tides\n\n## Background\n\nPeople sail.\n";

#[test]
fn todos_of_cursor_are_steps_where_the_body_has_none() {
    reads(TODOS, "cursor", &[("Create the curve: src/curve.rs", &["src/curve.rs"]), ("Show both in src/page.rs", &["src/page.rs"])]);
    let plan = plan(TODOS);
    assert_eq!(plan.edges.iter().map(|edge| (edge.from, edge.to)).collect::<Vec<_>>(), [(1, 2)]);
    assert!(plan.warnings.iter().any(|warning| warning.contains("ticked as done")), "{:?}", plan.warnings);
    // Dependencies of all kinds, and fields that are not there.
    for list in ["dependencies: [curve]", "dependencies: []", "dependencies: [nobody, \"curve\"]", "dependencies:"] {
        let _ = split(&TODOS.replace("dependencies:\n      - curve", list), &Options::new("T-1")).expect("read");
    }
    for broken in [TODOS.replace("content:", ""), TODOS.replace("- id:", "id:"), "---\ntodos:\n---\n# T\n".to_owned()] {
        let _ = split(&broken, &Options::new("T-1")).expect("read");
    }
}

#[test]
fn headings_of_a_cursor_plan_explain_its_todos() {
    let document = format!(
        "{TODOS}\n## Steps\n\n### Step 0: Do not change\n\n- `src/main.rs`\n\n### Step 1: The table\n\nCreate `src/table.rs`.\n\n### Step 2: The \
         curve\n\nCreate `src/curve.rs`.\n\n### Step 3: The page\n\nCreate `src/page.rs`.\n"
    );
    reads(&document, "cursor", &[("The curve", &["src/curve.rs"]), ("The page", &["src/page.rs"])]);
}

#[test]
fn headings_of_files_are_a_plan_by_files() {
    let document = "# Plan: names of harbours\n\n## Files to create\n\n### 1. New: `[src/harbour.rs](src/harbour.rs)`\n\nReads `data/list.csv`, as \
                    `src/table.rs` does:\n\n- one line for each\n\n## Files to modify\n\n### 2. `src/page.rs`\n\n- show the name\n\n### 3. \
                    `docs/use.md`\n\n- tell of it\n\n## Implementation details\n\n### The page\n\nA cell.\n\n### The reader\n\nA loop.\n";
    reads(
        document,
        "plain",
        &[("New: src/harbour.rs", &["src/harbour.rs"]), ("src/page.rs", &["src/page.rs"]), ("docs/use.md", &["docs/use.md"])],
    );
}

#[test]
fn the_plan_of_a_backlog_task_is_a_list_or_a_table() {
    let front = "---\nid: task-3\ntitle: Tides\nstatus: To Do\nassignee: []\ndependencies: []\n---\n\n## Description\n\nShow the tides.\n\n## Acceptance \
                 Criteria\n<!-- AC:BEGIN -->\n- [ ] #1 It shows them\n- [ ] #2 It is quick\n<!-- AC:END -->\n\n";
    let list = format!(
        "{front}## Implementation Plan\n\n1. Create `src/table.rs`\n2. Create `src/curve.rs`\n\n### Effort\n\n- an hour\n\n## Definition of Done\n\n- \
         [ ] #1 Tests pass\n"
    );
    reads(&list, "backlog", &[("Create src/table.rs", &["src/table.rs"]), ("Create src/curve.rs", &["src/curve.rs"])]);
    let table = format!(
        "{front}## Files to Create\n\n1. **`src/table.rs`** - reads it\n\n## Implementation Sequence\n\n| Step | Task |\n|------|------|\n| 1 | Create \
         `table.rs` |\n| 2 | Create `src/curve.rs` |\n| 3 | Show both in `src/page.rs` |\n\n## Checks\n\n1. Run it\n"
    );
    reads(
        &table,
        "backlog",
        &[
            ("Create table.rs", &["src/table.rs"]),
            ("Create src/curve.rs", &["src/curve.rs"]),
            ("Show both in src/page.rs", &["src/page.rs"]),
        ],
    );
    assert!(!plan(&table).parallelizable, "a sequence is in order");
}

#[test]
fn a_roadmap_says_what_is_built_and_features_do_not() {
    let document = "<context>\n# Overview\nTides.\n\n# Core Features\n- A table\n- A curve\n\n# User Experience\n1) Opens it\n2) Reads \
                    it\n</context>\n<PRD>\n# Development Roadmap\nTwo tasks.\n\n1) Shared: the table of tides\n2) Page: the curve\n\n# Logical \
                    Dependency Chain\n1. The table\n2. The curve\n</PRD>\n";
    reads(document, "plain", &[("Shared: the table of tides", &[]), ("Page: the curve", &[])]);
}

#[test]
fn boxes_of_a_list_of_things_to_do_are_steps_below_any_heading() {
    let document = "# Tides TODO\n\n## Priority 1 — Verification of the first run\n\n### src/table.rs\n\n- [ ] Verify that an empty table is \
                    read\n  without a fault.\n\n## Priority 2 — Documentation and Polish\n\n### README.md\n\n- [ ] Tell of `src/curve.rs`\n\n### All \
                    files\n\n- [ ] Add a licence\n\n## Priority 3 — Release Gates\n\n- [ ] All tests pass\n\n## Deferred to the next year\n\n- [ ] Draw \
                    the moon\n";
    reads(
        document,
        "plain",
        &[("Verify that an empty table is read", &["src/table.rs"]), ("Tell of src/curve.rs", &["README.md"]), ("Add a licence", &[])],
    );
    assert!(!plan(document).warnings.iter().any(|warning| warning.contains("is in no step")), "{:?}", plan(document).warnings);
}

#[test]
fn the_list_of_steps_below_an_approach_is_the_plan() {
    let document = "# Tides\n\n## Solution Approach\n\nQuicker by:\n\n1. Reading once\n2. Drawing late\n\n### Implementation Steps\n\n1. Create \
                    `src/table.rs`\n2. Create `src/curve.rs`\n\n## Benefits\n\n- Quick\n";
    reads(document, "plain", &[("Create src/table.rs", &["src/table.rs"]), ("Create src/curve.rs", &["src/curve.rs"])]);
    assert!(!plan(document).warnings.iter().any(|warning| warning.contains("is in no step")), "{:?}", plan(document).warnings);
}

#[test]
fn containers_and_summaries_of_task_groups_are_no_steps() {
    let document = "# Tasks\n\n### Task Group 1: Table\n**Dependencies:** None\n\n- [ ] 1.0 Rework `src/table.rs` for weeks\n  - [ ] 1.1 Add a \
                    column\n  - [ ] 1.2 Write tests\n\n### Task Group 2: Curve\n**Dependencies:** Task Group 1\n\n- [ ] 2.0 Complete it\n  - [ ] 2.1 Draw \
                    it in `src/curve.rs`\n\n## Summary\n\n### Task Group 1: Table\n- Added a column\n";
    reads(
        document,
        "agentos",
        &[("Add a column", &["src/table.rs"]), ("Write tests", &[]), ("Draw it in src/curve.rs", &["src/curve.rs"])],
    );
}

#[test]
fn a_type_stands_for_the_file_that_is_called_after_it() {
    let document = "# Tasks: tides\n\n## Phase 1: User Story 1\n\n- [ ] T001 [US1] Create TideStore in lib/tide_store.dart per notes.md\n- [ ] T002 \
                    [US1] Create the show use case in lib/show.dart\n- [ ] T003 [US1] Add a page to TideStore\n- [ ] T004 [US1] Verify that it builds \
                    in `lib/`\n";
    reads(
        document,
        "speckit",
        &[
            ("Create TideStore in lib/tide_store.dart per notes.md", &["lib/tide_store.dart"]),
            ("Create the show use case in lib/show.dart", &["lib/show.dart"]),
            ("Add a page to TideStore", &["lib/tide_store.dart"]),
            ("Verify that it builds in lib/", &[]),
        ],
    );
}

#[test]
fn tasks_of_a_prompt_name_their_file_in_their_title() {
    let fence = "# PRP: tides\n\n### Implementation Tasks (ordered by dependencies)\n\n```yaml\nTask 1: CREATE src/tide.py\n  - IMPLEMENT: a table\n  - \
                 FOLLOW pattern: src/base.py\n\nTask 2: MODIFY src/page.py\n  - INTEGRATE: the table\n  - DEPENDENCIES: Task 1\n\nTask 3:\nCREATE \
                 docs/tide.md:\n  - MIRROR: docs/base.md\n```\n\n## Final Checklist\n\n- [ ] It runs\n";
    reads(
        fence,
        "prp",
        &[("CREATE src/tide.py", &["src/tide.py"]), ("MODIFY src/page.py", &["src/page.py"]), ("CREATE docs/tide.md", &["docs/tide.md"])],
    );
    assert!(plan(fence).edges.iter().any(|edge| (edge.from, edge.to) == (1, 2)), "{:?}", plan(fence).edges);
    let headings = "# Feature: tides\n\n## Step-by-Step Tasks\n\n### Task 1: CREATE `src/tide.ts`\n\n- **ACTION**: CREATE the table\n- **MIRROR**: \
                    `src/base.ts:10-20`\n- **VALIDATE**: `pnpm check`\n\n### Task 2: CREATE `src/tide.test.ts`\n\n- **ACTION**: CREATE the tests\n- \
                    **MIRROR**: `src/base.test.ts`\n\n### Task 3: UPDATE `src/page.ts`\n\n- **ACTION**: ADD a page\n\n## Completion Checklist\n\n- [ \
                    ] Task 1 completed\n";
    reads(
        headings,
        "prp",
        &[
            ("CREATE src/tide.ts", &["src/tide.ts"]),
            ("CREATE src/tide.test.ts", &["src/tide.test.ts"]),
            ("UPDATE src/page.ts", &["src/page.ts"]),
        ],
    );
    assert!(plan(headings).edges.iter().any(|edge| (edge.from, edge.to) == (1, 2)), "tests wait for what they test");
}

#[test]
fn a_task_file_of_an_epic_has_its_steps_in_its_approach() {
    let document = "---\nname: Tides\nstatus: open\ngithub: https://example.org/5\ndepends_on: [001, 002]\nparallel: false\nconflicts_with: \
                    []\n---\n\n# Task: Tides\n\n## Acceptance Criteria\n- [ ] Works\n- [ ] Is quick\n\n## Technical Details\n\n### Implementation \
                    Approach\n1. **Read the table**\n   - in `src/table.py`\n2. **Show it**\n   - in `src/page.py`\n\n## Dependencies\n- [ ] Task 001: \
                    settings\n- [ ] Task 002: client\n";
    reads(document, "issues", &[("Read the table", &["src/table.py"]), ("Show it", &["src/page.py"])]);
}

#[test]
fn a_feature_that_is_driven_by_tests_is_one_step() {
    let document = "---\nphase: 02-tides\nplan: 01\ntype: tdd\nwave: 1\n---\n\n<feature>\n  <name>Reading a table</name>\n  <files>src/table.ts, \
                    src/table.test.ts</files>\n  <behavior>1. reads</behavior>\n</feature>\n\n<verification>\n- [ ] it runs\n</verification>\n";
    reads(document, "gsd", &[("Reading a table", &["src/table.ts", "src/table.test.ts"])]);
}

#[test]
fn each_box_of_a_list_of_tasks_counts_with_numbers_or_without() {
    let document = "# Remove the diff - Tasks\n\n## 1. Remove it\n\n- [ ] Delete `src/diff.rs`\n- [ ] Delete `docs/diff.md`\n\n## 2. Testing and \
                    Validation\n\n- [ ] Run the tests\n";
    reads(
        document,
        "openspec",
        &[("Delete src/diff.rs", &["src/diff.rs"]), ("Delete docs/diff.md", &["docs/diff.md"]), ("Run the tests", &[])],
    );
    reads(
        &document.replace("1. ", "").replace("2. ", ""),
        "openspec",
        &[("Delete src/diff.rs", &["src/diff.rs"]), ("Delete docs/diff.md", &["docs/diff.md"]), ("Run the tests", &[])],
    );
    let details = "# Tasks\n\n## 1. Show it\n\n- [ ] 1.1 Update docs/page.md\n  - [ ] Fix the drawing\n  - [ ] Fix the table\n- [ ] 1.2 Update \
                   docs/list.md\n";
    reads(details, "openspec", &[("Update docs/page.md", &["docs/page.md"]), ("Update docs/list.md", &["docs/list.md"])]);
}

#[test]
fn a_backlog_task_may_be_given_to_several() {
    let document = "---\nid: BACK-7\ntitle: Notes\nstatus: Done\nassignee:\n  - '@a'\nlabels: []\n---\n\n## Acceptance Criteria\n\n- [x] It \
                    notes\n\n## Implementation Plan\n\n1. Add the notes to `src/cli.rs`\n2. Document them in README\n";
    reads(document, "backlog", &[("Add the notes to src/cli.rs", &["src/cli.rs"]), ("Document them in README", &["README.md"])]);
}

//! Forms that plans of any format may have: what states order or independence, labels in words and in other languages, signs of state, and items
//! outside of the list.

use oarlock_plan::{Options, Plan, split};

fn plan(document: &str) -> Plan {
    split(document, &Options::new("T-1")).expect("a small document is read")
}

fn titles(plan: &Plan) -> Vec<&str> {
    plan.steps.iter().map(|step| step.title.as_str()).collect()
}

/// Four tasks with files of their own that nothing joins.
const TASKS: &str = "### Task 1: Read tides\n\n**Files:**\n- Create: `src/tides.rs`\n\n### Task 2: Draw buoys\n\n**Files:**\n- Create: `src/buoys.rs`\n\n\
                     ### Task 3: Store ropes\n\n**Files:**\n- Create: `src/ropes.rs`\n\n### Task 4: Send flags\n\n**Files:**\n- Create: `src/flags.rs`\n";

#[test]
fn what_forbids_to_run_at_once_is_kept() {
    assert!(plan(&format!("# Plan\n\n{TASKS}")).parallelizable);
    for line in [
        "These tasks must never be done in parallel.",
        "Work on the tasks one after the other.",
        "The tasks are strictly sequential.",
        "Complete the steps strictly in order.",
    ] {
        let plan = plan(&format!("# Plan\n\n{line}\n\n{TASKS}"));
        assert!(!plan.parallelizable, "{line}");
        assert!(plan.edges.iter().any(|edge| (edge.from, edge.to) == (3, 4)), "{line} {:?}", plan.edges);
    }
    for line in ["The parser reads one line at a time.", "Requests are handled one after the other by the server."] {
        assert!(plan(&format!("# Plan\n\n{line}\n\n{TASKS}")).parallelizable, "{line}");
    }
}

#[test]
fn what_each_task_is_said_to_be_holds_for_all() {
    let said = |line: &str| {
        plan(&format!("# Plan\n\n{line}\n\n## Tasks\n\n1. Draw the chart of the tide table\n2. Mail the chart\n3. Print the chart table\n"))
    };
    for line in [
        "Each task is independent and can be addressed separately. Tasks 1-2 require code changes.",
        "The tasks can be done in any order.",
        "All tasks are independent of each other.",
    ] {
        assert!(said(line).parallelizable, "{line} {:?}", said(line).edges);
    }
    for line in [
        "Tasks within a phase can be done in any order.",
        "Each task should be tested independently.",
        "The views are independent of the store.",
    ] {
        assert!(!said(line).parallelizable, "{line}");
    }
}

#[test]
fn independence_on_a_condition_that_names_no_step_is_none() {
    let document = |line: &str| {
        format!(
            "# Plan\n\n## Phase 1: Store\n\n- [ ] Create `src/store.rs`\n- [ ] Create `src/log.rs`\n\n## Phase 2: Pages\n\n- [ ] Create `web/page.ts`\n- [ ] Create \
                 `web/list.ts`\n\n## Parallel\n\n- {line}\n"
        )
    };
    let waits = |line: &str| plan(&document(line)).edges.iter().any(|edge| edge.from <= 2 && edge.to > 2);
    assert!(!waits("Phase 1 and Phase 2 can be worked on in parallel"));
    assert!(waits("Phase 1 and Phase 2 can be worked on in parallel once the types are defined"));
}

#[test]
fn items_outside_of_the_list_are_steps_that_keep_their_place() {
    let plan = plan(&format!("# Plan\n\n{TASKS}\n## Rollout\n\n- [ ] Tell the harbour master\n"));
    assert_eq!(titles(&plan), ["Read tides", "Draw buoys", "Store ropes", "Send flags", "Tell the harbour master"]);
    assert!(plan.parallelizable);
    let last = plan.subtasks.iter().find(|part| part.steps.contains(&5)).expect("a part");
    assert!(!last.depends_on.is_empty(), "{plan:?}");
    let done = format!("# Plan\n\n{TASKS}\n## Rollout\n\n- [x] Tell the harbour master\n");
    assert_eq!(split(&done, &Options::new("T-1")).expect("a document").steps.len(), 4, "a ticked box is no work");
}

#[test]
fn labels_are_read_in_words_and_in_other_languages() {
    for (one, two) in [
        ("Phase One", "Phase Two"),
        ("Sprint 1", "Sprint 2"),
        ("Schritt 1", "Schritt 2"),
        ("Étape 1", "Étape 2"),
        ("Fase 1", "Fase 2"),
        ("阶段1", "阶段2"),
        ("步骤 1", "步骤 2"),
    ] {
        let plan = plan(&format!("# T\n\n## {one}: alpha\n\nText.\n\n## {two}: beta\n\nText.\n"));
        assert_eq!(titles(&plan), ["alpha", "beta"], "{one}");
    }
}

#[test]
fn headings_with_signs_of_their_state_are_steps() {
    let document =
        "# Features\n\n## Login ✅\n- done\n\n## F1 Tides ⬜\n- a table\n\n## F2 Buoys — 🟡\n- a map\n\n## F3 Ropes ⬜\n- a list\n";
    assert_eq!(titles(&plan(document)), ["F1 Tides", "F2 Buoys", "F3 Ropes"]);
}

#[test]
fn a_roadmap_may_nest_its_steps_below_bullets() {
    let document = "# Overview\n\nA shop.\n\n# Development Roadmap\n\n* MVP:\n  * Phase 1: Store:\n    1. Add the table\n    2. Add the model\n  * Phase 2: Web:\n    1. Add \
                    the page\n\n# Risks\n\n* Time\n";
    assert_eq!(titles(&plan(document)), ["Add the table", "Add the model", "Add the page"]);
}

#[test]
fn code_waits_for_the_packages_that_it_may_use() {
    let document = "# Plan\n\n## Steps\n\n1. Add `tide-lib` to `requirements.txt`\n2. Create the chart in `src/chart.py`\n3. Create the mailer in `src/mailer.py`\n4. Create the \
                    list in `src/list.py`\n";
    let plan = plan(document);
    for step in 2..=4 {
        assert!(plan.edges.iter().any(|edge| (edge.from, edge.to) == (1, step)), "{step} {:?}", plan.edges);
    }
}

#[test]
fn words_of_another_language_show_no_independence() {
    let german = "# Plan\n\n## Schritte\n\n1. Den Leser in `src/leser.rs` schreiben, der die Tabelle mit den Zeiten liest und prüft\n2. Die Karte in `src/karte.rs` zeichnen, die auf \
                  der Seite mit den Bojen steht\n3. Das Lager in `src/lager.rs` bauen, das die Seile nicht verliert und der Liste folgt\n";
    assert!(!plan(german).parallelizable);
}

//! Which Markdown files are tasks. In a task's own folder it is `task.md`, and what lies beside that are plans, results and notes. Elsewhere
//! it is a name or, whatever the name, the form: a heading, fields in bold type, and goals.

use crate::task_file;

/// The beginning of the names of task files.
const BEGINNINGS: [&str; 8] = ["TASK-", "SUBTASK-", "IMP-", "MASTER-TASK", "STOP_", "RALF-", "TEST-", "ACTION-PLAN"];
/// The ends of names of files that report about a task: such a file is a task file only by its form.
const ABOUT: [&str; 15] = [
    "ANALYSIS",
    "ASSUMPTIONS",
    "AUDIT",
    "DECISIONS",
    "LEARNINGS",
    "NOTES",
    "PLAN",
    "PROGRESS",
    "REPORT",
    "RESULTS",
    "REVIEW",
    "SUMMARY",
    "SYNTHESIS",
    "THOUGHTS",
    "TIMELINE",
];
/// Headings under which a task states its goals.
const AIMS: [&str; 5] = ["objective", "goal", "acceptance criteria", "success criteria", "description"];

/// The kind of a file by its name alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// It is a task.
    Task,
    /// It is none.
    Other,
    /// Its form has to be looked at.
    Unclear,
}

/// The kind of a Markdown file by its name. `is_loose`: it lies where tasks lie, and not in a folder of a task's own.
pub(crate) fn by_name(name: &str, is_loose: bool) -> Named {
    let Some(stem) = name.strip_suffix(".md") else {
        return if !is_loose && name.eq_ignore_ascii_case("task.md") { Named::Task } else { Named::Other };
    };
    if stem.eq_ignore_ascii_case("task") {
        return if is_loose { Named::Other } else { Named::Task };
    }
    let last = stem.rsplit(['-', '_']).next().unwrap_or(stem);
    if is_template(stem) || last == "CONTEXT" || last == "TEMPLATE" {
        return Named::Other;
    }
    let is_named = BEGINNINGS.iter().any(|begin| stem.starts_with(begin)) && stem.chars().any(|c| c.is_ascii_digit() || c == '-');
    match (is_named, ABOUT.contains(&last)) {
        (true, false) => Named::Task,
        // Notes of a task's own folder are known by names only.
        (true, true) => Named::Unclear,
        (false, _) if is_loose => Named::Unclear,
        (false, _) => Named::Other,
    }
}

/// A pattern for new tasks, by the name of a file or folder.
pub(crate) fn is_template(name: &str) -> bool {
    let lower = name.trim_start_matches('_').to_lowercase();
    lower.strip_prefix("template").is_some_and(|rest| rest.is_empty() || rest == "s" || rest.starts_with(['-', '_', '.']))
}

/// Whether a text has the form of a task: a heading that is no pattern, and fields with an aim, or both the fields that every task has.
pub(crate) fn has_form(text: &str) -> bool {
    let heading = text.lines().find_map(|line| line.strip_prefix("# "));
    if heading.is_none_or(|heading| heading.contains(['[', '{'])) {
        return false;
    }
    let read = task_file::read(text);
    let has_aim = || {
        let headings = text.lines().filter_map(|line| line.strip_prefix("## "));
        headings.map(|heading| heading.trim().to_lowercase()).any(|heading| AIMS.iter().any(|aim| heading.starts_with(aim)))
    };
    let fields = [&read.status, &read.priority].into_iter().filter(|field| field.is_some()).count();
    fields == 2 || (fields == 1 || read.kind.is_some()) && has_aim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_they_can() {
        for (name, loose, own) in [
            ("TASK-7-fix-x.md", Named::Task, Named::Task),
            ("task.md", Named::Other, Named::Task),
            ("TASK.md", Named::Other, Named::Task),
            ("TASK-1769913000-task-acceptance-criteria-template.md", Named::Task, Named::Task),
            ("TASK-CONTEXT.md", Named::Other, Named::Other),
            ("TASK-2026-01-18-005-CONTEXT.md", Named::Other, Named::Other),
            ("TASK-9-RESULTS.md", Named::Unclear, Named::Unclear),
            ("TEMPLATE.md", Named::Other, Named::Other),
            ("RESULTS.md", Named::Unclear, Named::Other),
            ("simple-test-task.md", Named::Unclear, Named::Other),
            ("notes.txt", Named::Other, Named::Other),
        ] {
            assert_eq!((by_name(name, true), by_name(name, false)), (loose, own), "{name}");
        }
        for (name, want) in
            [("TEMPLATE", true), ("_template", true), ("TEMPLATE-backup-1", true), ("TASK-TEMPLATE-001", false), ("temp", false)]
        {
            assert_eq!(is_template(name), want, "{name}");
        }
    }

    #[test]
    fn a_task_is_known_by_its_form() {
        let task = "# TASK-TEST: Simple\n\n**Type:** test\n**Priority:** low\n**Status:** pending\n\n## Objective\n\nDo it.\n";
        let report = "# Summary 2026-02-11\n\n## Task Completed\n\n**Status:** completed\n**Duration:** 4 minutes\n";
        let roadmap = "# Roadmap\n**Created:** 2026-02-10\n\n## Summary\n";
        let pattern = "# TASK-[ID]: [Title]\n\n**Status:** pending\n**Priority:** LOW\n\n## Objective\n";
        assert_eq!([task, report, roadmap, pattern, ""].map(has_form), [true, false, false, false, false]);
        assert!(has_form("# Mend it\n\n**Status:** open\n\n## Goal\n\nIt works.\n"));
    }
}

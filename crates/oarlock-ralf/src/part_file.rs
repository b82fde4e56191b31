//! Files of parts, in the layout of the task that they are parts of, with the bold fields that the scripts look for.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use oarlock_plan::{CRITERIA_OF_PART, CRITERIA_OF_WHOLE, OBJECTIVE_OF_WHOLE};

use crate::layout;
use crate::time;
use crate::write::{WriteError, Writer};

/// A part of a task, as its file reports it.
#[derive(Clone, Debug)]
pub(crate) struct PartFile<'a> {
    /// `TASK-x-SUB1`: an identifier, so that it leads nowhere as a name of a file.
    pub(crate) id: &'a str,
    pub(crate) title: &'a str,
    pub(crate) priority: Option<&'a str>,
    pub(crate) kind: Option<&'a str>,
    pub(crate) parent: &'a str,
    pub(crate) needs: Vec<&'a str>,
    /// The files that it writes, as globs.
    pub(crate) writes: Vec<&'a str>,
    pub(crate) assigned: Option<&'a str>,
    pub(crate) estimate_minutes: Option<u64>,
    /// Milliseconds since 1970.
    pub(crate) created_ms: i64,
    /// The text for its worker. Its head gives way to the fields, which say the same.
    pub(crate) document: &'a str,
}

/// Makes the files of parts beside that of their parent. One that is there, and says something, is left alone, and so is a part whose file would
/// not be taken for a task. Returns how many were made.
pub(crate) fn make(parts: &[PartFile<'_>], writer: &Writer, root: &Path, parent_file: &Path) -> Result<usize, WriteError> {
    let places = parts.iter().map(|part| (part.place(root, parent_file), part.text()));
    let files: Vec<(PathBuf, String)> = places.filter(|(file, text)| layout::would_be_task(file, text)).collect();
    writer.create(&files)
}

impl PartFile<'_> {
    /// `TASK-x-SUB1.md` beside `TASK-x.md`; `TASK-x-SUB1/task.md` beside `TASK-x/task.md`, where the scripts look for folders, or below
    /// its `subtasks/` when it has one.
    pub(crate) fn place(&self, root: &Path, parent_file: &Path) -> PathBuf {
        let unit = unit(parent_file);
        let beside = unit.parent().unwrap_or(root).to_owned();
        match (unit == parent_file, unit.join("subtasks").is_dir()) {
            (true, _) => beside.join(format!("{}.md", self.id)),
            (false, true) => unit.join("subtasks").join(self.id).join("task.md"),
            (false, false) => beside.join(self.id).join("task.md"),
        }
    }

    /// The head and the headings are those that the project's own task distribution writes, and that its agents look for.
    fn text(&self) -> String {
        let mut out = format!("# {}: {}\n\n", self.id, self.title);
        let needs = self.needs.join(", ");
        let estimate = self.estimate_minutes.map(|minutes| minutes.to_string());
        let created = time::shown(self.created_ms);
        let fields = [
            ("Parent Task", Some(self.parent)),
            ("Assigned To", self.assigned),
            ("Status", Some("pending")),
            ("Priority", self.priority),
            ("Type", self.kind),
            ("Depends On", Some(needs.as_str())),
            ("Estimated Minutes", estimate.as_deref()),
            ("Created", Some(created.as_str())),
        ];
        for (name, value) in fields {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                let _ = writeln!(out, "**{name}:** {value}");
            }
        }
        let said = Said::of(self.document);
        let _ = write!(out, "\n## Objective\n\n{}\n", self.title);
        for text in [said.objective, said.work] {
            if !text.is_empty() {
                let _ = write!(out, "\n{text}\n");
            }
        }
        out.push_str("\n## Success Criteria\n\n");
        let criteria = [said.own_criteria, said.common_criteria].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>();
        out.push_str(if criteria.is_empty() { "- [ ] Everything above is done" } else { "" });
        let _ = writeln!(out, "{}", criteria.join("\n"));
        out.push_str("\n## Files to Modify\n\n");
        for path in &self.writes {
            let _ = writeln!(out, "- `{path}`");
        }
        out.push_str(if self.writes.is_empty() { "- not stated\n" } else { "" });
        out
    }
}

/// The sections of a part's document, by their purpose.
#[derive(Debug, PartialEq, Eq)]
struct Said<'a> {
    objective: &'a str,
    /// The steps, under their own heading.
    work: &'a str,
    own_criteria: &'a str,
    common_criteria: &'a str,
}

impl<'a> Said<'a> {
    fn of(document: &'a str) -> Self {
        // From its end: steps that are copied from the task's own text may have any heading.
        let (rest, common_criteria) = cut_off(document, CRITERIA_OF_WHOLE);
        let (rest, own_criteria) = cut_off(rest, CRITERIA_OF_PART);
        let (rest, objective) = cut_off(rest, OBJECTIVE_OF_WHOLE);
        // The head says what the fields say.
        let work = rest.find("\n## ").map_or(if rest.starts_with("# ") { "" } else { rest }, |at| &rest[at..]).trim();
        Self { objective, work, own_criteria, common_criteria }
    }
}

/// A text without its last section of this heading, and the text of that section.
fn cut_off<'a>(text: &'a str, heading: &str) -> (&'a str, &'a str) {
    match text.rsplit_once(&format!("\n## {heading}\n")) {
        Some((before, section)) => (before, section.trim()),
        None => (text, ""),
    }
}

/// The files that belong to one task: `TASK-x/task.md` goes with its folder, `TASK-x.md` alone.
pub(crate) fn unit(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if file.file_name().is_some_and(|name| name.eq_ignore_ascii_case("task.md")) => folder.to_owned(),
        _ => file.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oarlock_plan::{Options, split, subtask_documents};

    const TASK: &str = "# Users\n\n## Objective\n\nUsers can be managed.\n\n## Steps\n\n1. Create the store in `src/store.rs`\n2. Create the page in \
                        `web/users.html`\n\n## Success Criteria\n\n- [ ] `src/store.rs` keeps users\n- [ ] No warnings\n";

    fn part<'a>(document: &'a str, title: &'a str) -> PartFile<'a> {
        PartFile {
            id: "TASK-1-SUB1",
            title,
            priority: Some("HIGH"),
            kind: None,
            parent: "TASK-1",
            needs: Vec::new(),
            writes: vec!["src/store.rs"],
            assigned: Some("executor"),
            estimate_minutes: Some(30),
            created_ms: 0,
            document,
        }
    }

    #[test]
    fn a_part_has_the_fields_and_headings_that_agents_look_for() {
        let plan = split(TASK, &Options::new("TASK-1")).expect("a document");
        let document = &subtask_documents(TASK, &plan)[0];
        let want = "# TASK-1-SUB1: Create the store in src/store.rs\n\n**Parent Task:** TASK-1\n**Assigned To:** executor\n**Status:** pending\n\
                    **Priority:** HIGH\n**Estimated Minutes:** 30\n**Created:** 1970-01-01T00:00:00.000Z\n\n## Objective\n\n\
                    Create the store in src/store.rs\n\nUsers can be managed.\n\n## Steps\n\n1. Create the store in `src/store.rs`\n\n\
                    ## Success Criteria\n\n- [ ] `src/store.rs` keeps users\n- [ ] No warnings\n\n## Files to Modify\n\n- `src/store.rs`\n";
        assert_eq!(part(document, "Create the store in src/store.rs").text(), want);
    }

    #[test]
    fn a_text_of_any_other_form_is_kept() {
        let file = PartFile { writes: Vec::new(), ..part("Just do it.", "Do it") };
        let text = file.text();
        assert!(text.contains("## Objective\n\nDo it\n\nJust do it.\n\n## Success Criteria\n\n- [ ] Everything above is done\n"), "{text}");
        assert!(text.ends_with("## Files to Modify\n\n- not stated\n"), "{text}");
        let heads = "# T\n\n## Steps\n\n## Success Criteria\n\nall\n";
        assert_eq!(Said::of(heads).work, "## Steps\n\n## Success Criteria\n\nall");
    }
}

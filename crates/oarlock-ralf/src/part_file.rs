//! Files of parts, in the layout of the task that they are parts of, with the bold fields that the scripts look for.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::layout;
use crate::time;
use crate::write::{WriteError, Writer};

/// A part of a task, as its file tells it.
#[derive(Clone, Debug)]
pub(crate) struct PartFile<'a> {
    /// `TASK-x-SUB1`: an identifier, so that it leads nowhere as a name of a file.
    pub(crate) id: &'a str,
    pub(crate) title: &'a str,
    pub(crate) priority: Option<&'a str>,
    pub(crate) kind: Option<&'a str>,
    pub(crate) parent: &'a str,
    pub(crate) needs: Vec<&'a str>,
    pub(crate) assigned: Option<&'a str>,
    pub(crate) estimate_minutes: Option<u64>,
    /// Milliseconds since 1970.
    pub(crate) created_ms: i64,
    /// What its worker reads. Its head gives way to the fields, which say the same.
    pub(crate) document: &'a str,
}

/// Makes the files of parts beside that of their parent. One that is there, and says something, is left alone, and so is a part whose file would
/// not be taken for a task. Returns how many were made.
pub(crate) fn make(parts: &[PartFile<'_>], writer: &Writer, root: &Path, parent_file: &Path) -> Result<usize, WriteError> {
    let places = parts.iter().map(|part| (part.place(root, parent_file), part.text()));
    let files: Vec<(PathBuf, String)> = places.filter(|(file, _)| layout::is_task_file(file)).collect();
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

    fn text(&self) -> String {
        let mut out = format!("# {}: {}\n\n**Status:** pending\n", self.id, self.title);
        let needs = self.needs.join(", ");
        let estimate = self.estimate_minutes.map(|minutes| minutes.to_string());
        let fields = [
            ("Priority", self.priority),
            ("Type", self.kind),
            ("Parent Task", Some(self.parent)),
            ("Depends On", Some(needs.as_str())),
            ("Assigned Agent", self.assigned),
            ("Estimated Minutes", estimate.as_deref()),
        ];
        for (name, value) in fields {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                let _ = writeln!(out, "**{name}:** {value}");
            }
        }
        let _ = writeln!(out, "**Created:** {}", time::shown(self.created_ms));
        let body = self.document.split_once("\n## ").map_or_else(|| self.document.to_owned(), |(_, body)| format!("## {body}"));
        if !body.trim().is_empty() {
            let _ = write!(out, "\n{}\n", body.trim_end());
        }
        out
    }
}

/// What belongs to one task: `TASK-x/task.md` goes with its folder, `TASK-x.md` alone.
pub(crate) fn unit(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if file.file_name().is_some_and(|name| name.eq_ignore_ascii_case("task.md")) => folder.to_owned(),
        _ => file.to_owned(),
    }
}

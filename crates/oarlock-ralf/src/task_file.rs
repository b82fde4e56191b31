//! Task files: Markdown whose fields are lines in bold type, sometimes front matter too. The folder decides whether a task is still open,
//! because the status line disagrees with it in a quarter of the files.

use oarlock_model::text::kept_line;
use oarlock_plan::minutes_of_field;
use serde::Serialize;

/// Lines in which fields are looked for; further down is prose that may look like them.
const HEAD_LINES_MAX: usize = 60;
/// Longest value of a field that is kept, in characters.
const VALUE_CHARS_MAX: usize = 300;
/// Identifiers that a task may name as needed.
const NEEDS_MAX: usize = 64;

/// Where a task file lies: its folder below `tasks/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Folder {
    /// Open.
    Active,
    /// Done.
    Completed,
    /// Called off.
    Cancelled,
    /// Waits for something.
    Blocked,
    /// Taken by an executor.
    Working,
    /// Proposed, not yet open.
    Improvements,
}

/// The names of these folders.
pub(crate) const FOLDERS: [&str; 6] = ["active", "completed", "cancelled", "blocked", "working", "improvements"];

impl Folder {
    /// By its name.
    pub(crate) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "active" => Self::Active,
            "completed" => Self::Completed,
            "cancelled" => Self::Cancelled,
            "blocked" => Self::Blocked,
            "working" => Self::Working,
            "improvements" => Self::Improvements,
            _ => return None,
        })
    }
}

/// The content of a task file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TaskText {
    pub(crate) title: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) priority: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) parent: Option<String>,
    pub(crate) needs: Vec<String>,
    pub(crate) estimate: Option<String>,
    pub(crate) created: Option<String>,
    /// Line of the status field, from 1.
    pub(crate) status_line: Option<usize>,
    /// Whether that line is in front matter, where the bold lines below count more.
    in_front: bool,
}

/// Reads the head of a task file.
pub(crate) fn read(text: &str) -> TaskText {
    let mut task = TaskText::default();
    let mut lines = text.lines().enumerate().peekable();
    let mut in_front = lines.next_if(|(_, line)| line.trim_end() == "---").is_some();
    let mut fields = 0;
    let (mut plain, mut empty) = (None, None);
    for (at, line) in lines {
        if at >= HEAD_LINES_MAX && fields > 0 {
            break;
        }
        if in_front {
            in_front = line.trim_end() != "---";
            if let Some((name, value)) = line.split_once(':').filter(|_| in_front) {
                // The bold lines below say it again, and count.
                task.take(name, value.trim().trim_matches(['"', '\'']), at + 1, true);
            }
            continue;
        }
        if task.title.is_none()
            && let Some(heading) = line.strip_prefix("# ")
        {
            task.title = Some(title(heading));
        }
        if let Some((name, value)) = bold_field(line) {
            fields += 1;
            if value.is_empty() && name.trim().eq_ignore_ascii_case("status") {
                empty.get_or_insert(at + 1);
            }
            task.take(name, value, at + 1, false);
        } else if let Some(value) = line.strip_prefix("Status:").filter(|_| at < HEAD_LINES_MAX) {
            plain.get_or_insert((value, at + 1));
        }
    }
    // Some write it without bold type. Where both are there, that one is prose.
    if let (Some((value, line)), None) = (plain, task.status_line) {
        task.take("status", value, line, false);
    }
    task.status_line = task.status_line.or(empty);
    task
}

/// The text with another status, and nothing else changed; nothing when it has no status line.
pub(crate) fn with_status(text: &str, status: &str) -> Option<String> {
    let line = read(text).status_line?;
    let at: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let whole = text[at..].split_inclusive('\n').next()?;
    let body = whole.trim_end_matches(['\n', '\r']);
    let value = match bold_field(body) {
        Some((_, value)) => value,
        None => body.split_once(':').map(|(_, value)| value.trim())?,
    };
    if value.is_empty() {
        // Scripts look for a space behind the colon.
        return Some(format!("{} {status}{}", &text[..at + body.trim_end().len()], &text[at + body.len()..]));
    }
    let start = at + (value.as_ptr() as usize - body.as_ptr() as usize);
    Some(format!("{}{status}{}", &text[..start], &text[start + value.len()..]))
}

/// The same of a text without a status line: one is added where the project's template has it, among the bold fields, else below the heading.
/// Nothing when it would not be read there.
pub(crate) fn with_new_status(text: &str, status: &str) -> Option<String> {
    if let Some(marked) = text.strip_prefix('\u{feff}') {
        return with_new_status(marked, status).map(|new| format!("\u{feff}{new}"));
    }
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let front = lines.first().filter(|line| line.trim_end() == "---");
    let body = front.and_then(|_| lines.iter().skip(1).position(|line| line.trim_end() == "---")).map_or(0, |end| end + 2);
    let head = lines.iter().skip(body).position(|line| line.starts_with("## ")).map_or(lines.len(), |end| body + end);
    let name = |line: &str| bold_field(line.trim_end()).map(|(name, _)| name.trim().to_lowercase());
    let field = |at: &usize| name(lines[*at]).is_some();
    let is_before_it = |at: &usize| name(lines[*at]).is_some_and(|name| ["task id", "type", "priority"].contains(&name.as_str()));
    let heading = (body..head).find(|at| lines[*at].starts_with("# "));
    let bold = format!("**Status:** {status}");
    let (at, new) = match ((body..head).rfind(is_before_it), (body..head).find(field), heading) {
        (Some(before), _, _) => (before + 1, format!("{bold}{newline}")),
        (None, Some(first), _) => (first, format!("{bold}{newline}")),
        (None, None, Some(heading)) => {
            let has_gap = lines.get(heading + 1).is_none_or(|line| line.trim().is_empty());
            (heading + 1, format!("{newline}{bold}{newline}{}", if has_gap { "" } else { newline }))
        }
        (None, None, None) => (body, format!("{bold}{newline}{newline}")),
    };
    let (before, after) = (lines[..at].concat(), lines[at..].concat());
    let end = if before.is_empty() || before.ends_with('\n') { "" } else { newline };
    let new = format!("{before}{end}{new}{after}");
    (read(&new).status.as_deref().unwrap_or_default() == status).then_some(new)
}

/// The content of a task file apart from its status, whether or not it has a line for it.
pub(crate) fn without_status(text: &str) -> String {
    with_status(text, "").or_else(|| with_new_status(text, "")).unwrap_or_else(|| text.to_owned())
}

/// `**Name:** value` and `**Name**: value`.
pub(crate) fn bold_field(line: &str) -> Option<(&str, &str)> {
    let inner = line.trim_start_matches(['-', ' ']).strip_prefix("**")?;
    let (name, value) = match inner.split_once(":**") {
        Some((name, value)) if !name.contains("**") => (name, value),
        _ => inner.split_once("**:")?,
    };
    (name.len() <= 40 && !name.is_empty()).then(|| (name, value.trim()))
}

/// A heading without the id in front: "TASK-7: Repair it" as "Repair it".
fn title(heading: &str) -> String {
    let heading = heading.trim();
    let rest = heading.split_once(": ").filter(|(id, _)| {
        let id = id.trim_matches(['`', '*']);
        !id.contains(' ') && id.chars().any(|c| c.is_ascii_uppercase() || "[{$".contains(c))
    });
    cut(rest.map_or(heading, |(_, rest)| rest))
}

fn cut(text: &str) -> String {
    kept_line(text, VALUE_CHARS_MAX)
}

impl TaskText {
    fn take(&mut self, name: &str, value: &str, line: usize, is_front: bool) {
        let value = value.trim();
        if value.is_empty() {
            return;
        }
        let name = name.trim().to_lowercase().replace('_', " ");
        let slot = match name.as_str() {
            "title" => &mut self.title,
            "status" => {
                // A second one is in the section about its completion, or in what a part says of the whole.
                if self.status_line.is_some() && !self.in_front {
                    return;
                }
                self.status_line = Some(line);
                self.in_front = is_front;
                &mut self.status
            }
            "priority" => &mut self.priority,
            "type" => &mut self.kind,
            "parent" | "parent task" => &mut self.parent,
            "estimated minutes" | "estimated effort" | "estimated time" | "estimated" | "estimate" => &mut self.estimate,
            "created" => &mut self.created,
            "depends on" | "dependencies" | "blocked by" | "blockedby" => {
                self.needs.extend(ids(value));
                self.needs.truncate(NEEDS_MAX);
                return;
            }
            _ => return,
        };
        *slot = Some(cut(value));
    }
}

/// Identifiers in a field: "TASK-ARCH-003A, TASK-2 (done)".
pub(crate) fn ids(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)));
    let is_id = |word: &&str| {
        word.contains('-')
            && word.len() <= 100
            && word.starts_with(|c: char| c.is_ascii_uppercase())
            && word.chars().any(|c| c.is_ascii_digit())
    };
    words.filter(is_id).map(str::to_owned).collect()
}

/// Minutes of an estimate: "45 minutes", "90", "2-3 hours", "1 week"; nothing for tokens.
pub(crate) fn minutes(text: &str) -> Option<u32> {
    minutes_of_field(text).and_then(|minutes| u32::try_from(minutes).ok()).filter(|minutes| *minutes > 0)
}

/// Whether a status says that a task may be taken: one that is not there, or is no known word, says nothing.
pub(crate) fn is_open(status: &str) -> bool {
    let status = status.trim().to_lowercase().replace([' ', '-'], "_");
    ["pending", "ready", "open", "todo", "not_started", "available", "queued", "backlog", "unclaimed"].contains(&status.as_str())
}

/// The state of the contract that folder and status line show together.
pub(crate) fn state(folder: Option<Folder>, status: Option<&str>) -> &'static str {
    let status = status.unwrap_or("").to_lowercase();
    let begins = |word: &str| status.starts_with(word);
    match folder {
        Some(Folder::Completed) => "done",
        Some(Folder::Cancelled) => "cancelled",
        Some(Folder::Blocked) => "blocked",
        Some(Folder::Working) => "claimed",
        None if begins("complete") || begins("done") => "done",
        _ if begins("cancelled") => "cancelled",
        // What failed or was put away waits for somebody to decide.
        _ if ["blocked", "failed", "archived"].iter().any(|word| begins(word)) => "blocked",
        _ if ["claimed", "in_progress", "in progress", "active", "partial"].iter().any(|word| begins(word)) => "claimed",
        _ => "ready",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_from_bold_lines_and_front_matter() {
        let text = "---\ntask_id: TASK-1\ntitle: \"Front\"\nstatus: done\n---\n\n# TASK-1: Mend it\n\n**Status:** pending\n**Priority**: HIGH (score: 5.0)\n**Depends On:** TASK-2, TASK-ARCH-003A\n**Estimated Effort:** 2-3 hours\n\n## Completion\n";
        let task = read(text);
        assert_eq!((task.title.as_deref(), task.status.as_deref(), task.status_line), (Some("Front"), Some("pending"), Some(9)));
        assert_eq!(task.needs, ["TASK-2", "TASK-ARCH-003A"]);
        assert_eq!(task.estimate.as_deref().and_then(minutes), Some(150));
        assert_eq!(read("# TASK: Do (x): y\n").title.as_deref(), Some("Do (x): y"));
        assert_eq!(read(""), TaskText::default());
    }

    #[test]
    fn a_status_without_bold_type_is_one_where_there_is_no_other() {
        let text = "# Automation\n\nStatus: pending\nNext: x\n";
        assert_eq!(read(text).status.as_deref(), Some("pending"));
        assert_eq!(with_status(text, "in_progress").as_deref(), Some("# Automation\n\nStatus: in_progress\nNext: x\n"));
        assert_eq!(read("Status: old\n\n**Status:** pending\n").status.as_deref(), Some("pending"));
    }

    #[test]
    fn a_status_line_is_added_where_the_template_has_it() {
        for (text, want) in [
            (
                "# T: x\n\n**Type:** fix\n**Priority:** HIGH\n**Created:** now\n\n## Objective\n\n**Type:** no field\n",
                "**Priority:** HIGH\n**Status:** in_progress\n**Created:**",
            ),
            ("# T: x\n\n**Created:** now\n", "# T: x\n\n**Status:** in_progress\n**Created:** now\n"),
            ("# T: x\n\nDo it.\n", "# T: x\n\n**Status:** in_progress\n\nDo it.\n"),
            ("# T: x\nDo it.", "# T: x\n\n**Status:** in_progress\n\nDo it."),
            ("# T: x", "# T: x\n\n**Status:** in_progress\n"),
            ("---\r\nid: 1\r\n---\r\nDo it.\r\n", "---\r\n**Status:** in_progress\r\n\r\nDo it.\r\n"),
            ("", "**Status:** in_progress\n\n"),
        ] {
            assert_eq!(with_status(text, "in_progress"), None, "{text:?} has none");
            let new = with_new_status(text, "in_progress").expect("a place");
            assert!(new.contains(want), "{new:?}");
            assert_eq!(read(&new).status.as_deref(), Some("in_progress"));
            assert_eq!(without_status(&new), without_status(text), "it asks for the same");
            let open = with_status(&new, "pending").expect("a line");
            assert_eq!((read(&open).status.as_deref(), without_status(&open)), (Some("pending"), without_status(text)));
        }
        let empty = "# T\n\n**Status:**\n**Priority:** LOW\n";
        assert_eq!(with_status(empty, "in_progress").as_deref(), Some("# T\n\n**Status:** in_progress\n**Priority:** LOW\n"));
        assert_eq!(read("**Status:**\n\n**Status:** done\n").status.as_deref(), Some("done"), "an empty line says nothing");
    }

    #[test]
    fn estimates_are_minutes() {
        for (text, want) in [
            ("45 minutes", Some(45)),
            ("90", Some(90)),
            ("180 minutes (~3 hours)", Some(180)),
            ("1 week", Some(2_400)),
            ("40K", None),
            ("", None),
            ("2-3 hours", Some(150)),
            ("1.5 hours", Some(90)),
        ] {
            assert_eq!(minutes(text), want, "{text}");
        }
    }

    #[test]
    fn the_folder_decides_whether_a_task_is_open() {
        for (folder, status, want) in [
            (Some(Folder::Completed), Some("pending"), "done"),
            (Some(Folder::Active), Some("completed ✅"), "ready"),
            (Some(Folder::Active), Some("in_progress"), "claimed"),
            (Some(Folder::Active), None, "ready"),
            (None, Some("COMPLETE - NO ACTION NEEDED"), "done"),
        ] {
            assert_eq!(state(folder, status), want, "{folder:?} {status:?}");
        }
    }
}

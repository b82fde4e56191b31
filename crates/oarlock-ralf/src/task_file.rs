//! Task files: Markdown whose fields are lines in bold type, sometimes front matter too. The folder decides whether a task is still open,
//! because the status line disagrees with it in a quarter of the files.

use oarlock_plan::minutes_of_field;
use serde::Serialize;

/// Lines in which fields are looked for; further down stands prose that may look like them.
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

/// What a task file says.
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
    /// Whether that line stands in front matter, where the bold lines below count more.
    in_front: bool,
}

/// Reads the head of a task file.
pub(crate) fn read(text: &str) -> TaskText {
    let mut task = TaskText::default();
    let mut lines = text.lines().enumerate().peekable();
    let mut in_front = lines.next_if(|(_, line)| line.trim_end() == "---").is_some();
    let mut fields = 0;
    let mut plain = None;
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
            task.take(name, value, at + 1, false);
        } else if let Some(value) = line.strip_prefix("Status:").filter(|_| at < HEAD_LINES_MAX) {
            plain.get_or_insert((value, at + 1));
        }
    }
    // Some write it without bold type. Where both are there, that one is prose.
    if let (Some((value, line)), None) = (plain, task.status_line) {
        task.take("status", value, line, false);
    }
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
    let start = at + (value.as_ptr() as usize - body.as_ptr() as usize);
    Some(format!("{}{status}{}", &text[..start], &text[start + value.len()..]))
}

/// What a task file says apart from its status.
pub(crate) fn without_status(text: &str) -> String {
    with_status(text, "").unwrap_or_else(|| text.to_owned())
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

/// A heading without the id in front: "TASK-7: Mend it" as "Mend it".
fn title(heading: &str) -> String {
    let heading = heading.trim();
    let rest = heading.split_once(": ").filter(|(id, _)| {
        let id = id.trim_matches(['`', '*']);
        !id.contains(' ') && id.chars().any(|c| c.is_ascii_uppercase() || "[{$".contains(c))
    });
    cut(rest.map_or(heading, |(_, rest)| rest))
}

fn cut(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(VALUE_CHARS_MAX).collect()
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
                // A second one stands in the section about its completion, or in what a part is told of the whole.
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

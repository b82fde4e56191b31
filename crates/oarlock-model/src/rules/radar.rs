//! The radar: which branches are compared, when a conflict is news, and the text of the notice about it.

use crate::conflict::{ConflictFile, ConflictHunk};
use crate::ident::{AgentName, TaskId};
use crate::landing::LandingState;
use crate::limits;
use crate::task::{Task, TaskState};
use crate::text::escaped_line;

/// Lines between two places of a file that count as one: an agent that goes on where it was is no news.
const NEAR_LINES: u32 = 3;
/// Bytes of a title in a notice.
const TITLE_BYTES_MAX: usize = 60;
/// Bytes of changed lines in a notice.
const SAMPLE_BYTES_MAX: usize = 120;
/// Places of a file that a notice names.
const PLACES_MAX: usize = 3;

/// Whether the branch of a task is still on its way: it has neither landed nor been given up.
pub fn is_live(task: &Task) -> bool {
    let has_landed = task.landing.as_ref().is_some_and(|landing| landing.state == LandingState::Landed);
    !has_landed && !matches!(task.state, TaskState::Cancelled | TaskState::Dead)
}

/// A branch that may be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate<'a> {
    /// The name of the commit that is on it now.
    pub commit: &'a str,
    /// The branch that it is to land on.
    pub target: &'a str,
    /// The agent that works on it.
    pub holder: Option<&'a AgentName>,
}

/// The pairs to compare, by their places in the list: both have one target, somebody works on one of the two, and one of them is not as it was when
/// they were compared last, which `last` says. A pair on which nobody works concerns nobody; an agent that has taken over has to hear of it.
pub fn pairs<'a>(live: &[Candidate<'a>], last: impl Fn(usize, usize) -> Option<(Candidate<'a>, Candidate<'a>)>) -> Vec<(usize, usize)> {
    let all = (0..live.len()).flat_map(|a| (a + 1..live.len()).map(move |b| (a, b)));
    let is_due = |(a, b): &(usize, usize)| {
        let (one, other) = (live[*a], live[*b]);
        one.target == other.target && (one.holder.is_some() || other.holder.is_some()) && last(*a, *b) != Some((one, other))
    };
    all.filter(is_due).collect()
}

/// The answer to a conflict of two tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Nothing: it is known.
    None,
    /// It is recorded, and both owners get a notice.
    Conflict,
    /// It is recorded that there is none any more.
    Gone,
}

/// Whether a conflict is another one than that of the last notice. It is where a file is new in it, or a place that is not beside a known one;
/// that places move or become fewer is no news.
pub fn news(known: &[ConflictFile], now: &[ConflictFile]) -> News {
    let is_known = |file: &ConflictFile| {
        let known = known.iter().find(|known| known.path == file.path);
        known.is_some_and(|known| {
            file.hunks.iter().all(|hunk| known.hunks.is_empty() || known.hunks.iter().any(|known| is_near(known, hunk)))
        })
    };
    match (known.is_empty(), now.is_empty()) {
        (true, true) => News::None,
        (false, true) => News::Gone,
        _ if now.iter().all(is_known) => News::None,
        _ => News::Conflict,
    }
}

fn is_near(a: &ConflictHunk, b: &ConflictHunk) -> bool {
    let reaches = |a: &ConflictHunk, b: &ConflictHunk| b.base.first <= a.base.last.saturating_add(1).saturating_add(NEAR_LINES);
    reaches(a, b) && reaches(b, a)
}

/// Whose notice it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// That of the first task.
    Ours,
    /// That of the second one.
    Theirs,
}

/// The facts of a notice.
#[derive(Clone, Copy, Debug)]
pub struct Notice<'a> {
    /// The reader's task.
    pub task: &'a TaskId,
    /// The other task.
    pub other: &'a TaskId,
    /// Its title.
    pub title: &'a str,
    /// The agent that works on it.
    pub agent: Option<&'a AgentName>,
    /// The files in conflict.
    pub files: &'a [ConflictFile],
    /// Which side of them is the reader's.
    pub side: Side,
    /// The other's lines at the first place.
    pub sample: &'a str,
}

impl Notice<'_> {
    /// Its text, on one line: at most [`limits::NOTICE_BYTES_MAX`] bytes, also where a `<` is written as `&lt;`. What does not fit is left out, the
    /// other's lines first, then files and the title.
    pub fn text(&self) -> String {
        let by = self.agent.map(|agent| format!(" by {agent}")).unwrap_or_default();
        let ask = self
            .agent
            .map_or_else(|| format!("see `oarlock task {}`", self.other), |agent| format!("agree with `oarlock send {agent} --text '…'`"));
        let head = format!("Your work on {} conflicts with {}", self.task, self.other);
        let tail = format!(". Nothing is blocked: keep out of these lines, or {ask}. `oarlock conflicts` checks it.");
        let mut room = Room(limits::NOTICE_BYTES_MAX.saturating_sub(cost(&head) + cost(&by) + cost(" in ") + cost(&tail)));
        // A path comes before the title: without it the notice is of no use.
        let first = self.files.first().map(|file| self.place(file)).unwrap_or_default();
        let first = room.take(&first, room.0);
        let title = escaped_line(self.title);
        let title = if title.is_empty() || room.0 < 20 {
            String::new()
        } else {
            room.take(&format!(" \"{}\"", cut(&title, TITLE_BYTES_MAX)), room.0)
        };
        let (files, left) = self.rest(&mut room);
        let more = if left == 0 {
            String::new()
        } else {
            room.take(&format!(" and {left} more file{}", if left == 1 { "" } else { "s" }), room.0)
        };
        let lines = self.sample.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
        let sample = escaped_line(&lines);
        let sample = if sample.is_empty() || room.0 < 30 { String::new() } else { room.quoted(&sample) };
        format!("{head}{title}{by} in {first}{files}{more}{sample}{tail}")
    }

    /// The files behind the first, as many as fit, and the number of the others.
    fn rest(&self, room: &mut Room) -> (String, usize) {
        let mut text = String::new();
        let mut left = self.files.len().saturating_sub(1);
        for file in self.files.iter().skip(1) {
            let place = format!("; {}", self.place(file));
            // The number of those that are left out has its place.
            if cost(&place) + 24 > room.0 {
                break;
            }
            text.push_str(&room.take(&place, room.0));
            left -= 1;
        }
        (text, left)
    }

    /// A file with the other's lines, and the reader's.
    fn place(&self, file: &ConflictFile) -> String {
        let path = escaped_line(&file.path);
        if file.hunks.is_empty() {
            return path.into_owned();
        }
        let shown: Vec<String> = file.hunks.iter().take(PLACES_MAX).map(|hunk| self.lines(hunk)).collect();
        let more = if file.hunks.len() > PLACES_MAX { ", …" } else { "" };
        format!("{path} lines {}{more}", shown.join(", "))
    }

    fn lines(&self, hunk: &ConflictHunk) -> String {
        let (own, other) = match self.side {
            Side::Ours => (hunk.ours, hunk.theirs),
            Side::Theirs => (hunk.theirs, hunk.ours),
        };
        format!("{other} (yours {own})")
    }
}

/// Bytes that are left.
struct Room(usize);

impl Room {
    /// As much of a text as fits, with a mark where it was cut.
    fn take(&mut self, text: &str, most: usize) -> String {
        let taken = cut(text, most.min(self.0));
        self.0 -= cost(&taken).min(self.0);
        taken
    }

    fn quoted(&mut self, text: &str) -> String {
        let frame = ", which has \"\"";
        let text = cut(text, SAMPLE_BYTES_MAX.min(self.0.saturating_sub(frame.len())));
        let quoted = format!(", which has \"{text}\"");
        self.take(&quoted, self.0)
    }
}

/// Bytes of a text where hooks show it: they escape what could look like a mark of the client's.
fn cost(text: &str) -> usize {
    text.chars().map(|c| if c == '<' { "&lt;".len() } else { c.len_utf8() }).sum()
}

/// A text of at most this many bytes, with `…` where it was cut.
fn cut(text: &str, most: usize) -> String {
    if cost(text) <= most {
        return text.to_owned();
    }
    let mut room = most.saturating_sub("…".len());
    let fits = text.chars().take_while(|c| {
        let bytes = if *c == '<' { "&lt;".len() } else { c.len_utf8() };
        let fits = bytes <= room;
        room -= bytes.min(room);
        fits
    });
    let fits: String = fits.collect();
    if most < "…".len() { String::new() } else { fits + "…" }
}

#[cfg(test)]
mod tests;

//! Which commands of a text run in a shell of their own: where they go is forgotten behind them.

use super::simple::Simple;

/// What stands between two commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Separator {
    /// `|`: both sides run in shells of their own.
    Pipe,
    /// `&&` or `||`.
    AndOr,
    /// `&`: the whole list before it runs in a shell of its own.
    Background,
    /// `;`
    Sequence,
    /// The end of a line.
    NewLine,
}

/// What opened a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opened {
    Text,
    Subshell,
    Braces,
    If,
    Loop,
    Case,
}

/// One level of nesting. Places are numbers of commands.
#[derive(Debug)]
struct Level {
    by: Opened,
    /// Where it begins.
    start: usize,
    /// Where its current list of pipes begins.
    list: usize,
    /// Where the current member of a pipe begins.
    member: usize,
    /// Whether a pipe leads into that member.
    is_piped: bool,
    /// Whether the line goes on behind its end.
    goes_on: bool,
}

impl Level {
    fn new(by: Opened, at: usize) -> Self {
        Self { by, start: at, list: at, member: at, is_piped: false, goes_on: false }
    }
}

/// The levels that are open, innermost last.
#[derive(Debug)]
pub(super) struct Nesting {
    outermost: Level,
    inner: Vec<Level>,
}

impl Default for Nesting {
    fn default() -> Self {
        Self { outermost: Level::new(Opened::Text, 0), inner: Vec::new() }
    }
}

impl Nesting {
    /// A separator behind these commands.
    pub(super) fn separate(&mut self, separator: Separator, out: &mut [Simple]) {
        let now = out.len();
        let level = self.inner.last_mut().unwrap_or(&mut self.outermost);
        if separator == Separator::NewLine && level.goes_on && level.member == now {
            return;
        }
        if level.is_piped || separator == Separator::Pipe {
            own_shell(out, level.member);
        }
        if separator == Separator::Background {
            own_shell(out, level.list);
        }
        level.is_piped = separator == Separator::Pipe;
        level.goes_on = matches!(separator, Separator::Pipe | Separator::AndOr);
        level.member = now;
        if !level.goes_on {
            level.list = now;
        }
    }

    /// A word where a command begins, behind so many commands: some open a level or close one.
    pub(super) fn word(&mut self, word: &str, at: usize) {
        let (by, opens) = match word {
            "{" => (Opened::Braces, true),
            "}" => (Opened::Braces, false),
            "if" => (Opened::If, true),
            "fi" => (Opened::If, false),
            "while" | "until" | "for" | "select" => (Opened::Loop, true),
            "done" => (Opened::Loop, false),
            "case" => (Opened::Case, true),
            "esac" => (Opened::Case, false),
            _ => return,
        };
        if opens {
            self.inner.push(Level::new(by, at));
            return;
        }
        // A word does not close what is around a bracket.
        let nearest = self.inner.iter().rposition(|level| level.by == by || level.by == Opened::Subshell);
        if let Some(at) = nearest.filter(|at| self.inner.get(*at).is_some_and(|level| level.by == by)) {
            self.inner.truncate(at);
        }
    }

    /// A `(` behind so many commands.
    pub(super) fn open(&mut self, at: usize) {
        self.inner.push(Level::new(Opened::Subshell, at));
    }

    /// A `)` behind these commands. Whether it belongs to what was opened here.
    pub(super) fn close(&mut self, out: &mut [Simple]) -> bool {
        let now = out.len();
        let Some(at) = self.inner.iter().rposition(|level| matches!(level.by, Opened::Subshell | Opened::Case)) else { return false };
        match self.inner.get_mut(at) {
            // It ends a pattern, whose `|` is no pipe into what follows.
            Some(level) if level.by == Opened::Case => *level = Level { list: now, member: now, ..Level::new(Opened::Case, level.start) },
            Some(level) => {
                own_shell(out, level.start);
                self.inner.truncate(at);
            }
            None => {}
        }
        true
    }
}

/// The commands from one on run in a shell of their own.
fn own_shell(out: &mut [Simple], from: usize) {
    if let Some(first) = out.get_mut(from) {
        first.enters += 1;
        if let Some(last) = out.last_mut() {
            last.leaves += 1;
        }
    }
}

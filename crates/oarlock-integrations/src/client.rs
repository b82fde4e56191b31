//! Which clients there are.

use std::fmt;
use std::str::FromStr;

/// A program that coding agents run in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Client {
    /// Claude Code.
    Claude,
    /// Codex.
    Codex,
    /// Gemini CLI.
    Gemini,
    /// OpenCode.
    OpenCode,
    /// Cursor.
    Cursor,
    /// Visual Studio Code.
    VsCode,
    /// Git itself, for commits and pushes of any program.
    Git,
}

impl Client {
    /// All of them, in the order in which they are reported.
    pub const ALL: [Self; 7] = [Self::Claude, Self::Codex, Self::Gemini, Self::OpenCode, Self::Cursor, Self::VsCode, Self::Git];

    /// Its name on the command line, which the names of its agents begin with, too.
    pub fn name(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Codex => "codex",
            Self::Gemini => "gemini",
            Self::OpenCode => "opencode",
            Self::Cursor => "cursor",
            Self::VsCode => "vscode",
            Self::Git => "git",
        }
    }

    /// Its name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Claude => "Claude Code",
            Self::Codex => "Codex",
            Self::Gemini => "Gemini CLI",
            Self::OpenCode => "OpenCode",
            Self::Cursor => "Cursor",
            Self::VsCode => "VS Code",
            Self::Git => "git",
        }
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Client {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|client| client.name() == text).ok_or_else(|| {
            let known: Vec<&str> = Self::ALL.iter().map(|client| client.name()).collect();
            format!("there is no client of that name; the known clients are {}", known.join(", "))
        })
    }
}

/// Whether a command is this program, wherever it is and on whatever system.
pub(crate) fn is_our_program(command: &str) -> bool {
    let name = command.rsplit(['/', '\\']).next().unwrap_or(command);
    name.strip_suffix(".exe").unwrap_or(name) == "oarlock"
}

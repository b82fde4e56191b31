//! The planned writes, and the place in which a tool runs.

/// Known facts about the place in which a tool runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Surroundings<'a> {
    /// The absolute path of the directory that the agent works in.
    pub cwd: Option<&'a str>,
    /// The absolute path of the user's home.
    pub home: Option<&'a str>,
    /// The absolute path of the top of the git worktree around `cwd`.
    pub top: Option<&'a str>,
    /// The absolute path of the directory that the client calls its project; the top where it names none.
    pub project: Option<&'a str>,
}

impl Surroundings<'_> {
    /// The value of a variable that clients and systems set, where it is known.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        let value = match name {
            "HOME" => Some(self.home.unwrap_or("~")),
            "CLAUDE_PROJECT_DIR" | "GEMINI_PROJECT_DIR" | "CURSOR_PROJECT_DIR" | "CODEX_PROJECT_DIR" => self.project.or(self.top),
            "GEMINI_CWD" => self.cwd,
            "TMPDIR" | "TMP" | "TEMP" => Some("/tmp"),
            _ => None,
        };
        value.map(str::to_owned)
    }

    /// The rest of a path behind the name of the project's folder.
    pub(super) fn below_project<'p>(&self, path: &'p str) -> Option<&'p str> {
        let name = self.top?.trim_end_matches('/').rsplit('/').next()?;
        let rest = path.strip_prefix(name)?;
        match rest.strip_prefix('/') {
            Some(rest) => Some(rest),
            None => rest.is_empty().then_some("."),
        }
    }

    /// Something seen from the top of the worktree.
    pub(super) fn at_top(&self, written: Written) -> Written {
        Written { path: format!("{}/{}", self.top.unwrap_or_default().trim_end_matches('/'), written.path), ..written }
    }
}

/// Something that is going to be written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Written {
    /// The path, absolute or from the directory that the agent works in.
    pub path: String,
    /// The part of it that is meant.
    pub reach: Reach,
    /// Whether it is meant only if it is there: the same word could be something else, such as a branch.
    pub only_if_there: bool,
    /// Whether git only throws changes of this worktree away, or puts them away: nothing to anybody where nobody else works in it.
    pub only_undoes: bool,
    /// Whether the name itself is meant, because it is removed or replaced, or not followed: where it is a link, what that leads to stays as
    /// it is.
    pub is_entry: bool,
    /// By what it is known.
    pub by: By,
}

/// By what it is known that something is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// A tool's input, a redirection, or a program that writes what it is called with.
    Call,
    /// A program that formats or repairs files.
    Formatter,
    /// An option that names an output.
    Output,
}

/// How much of a path is written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// The file itself.
    File,
    /// It, with everything below it.
    Tree,
    /// Everything below it that matches this pattern of Oarlock's.
    Below(String),
}

/// Build products and caches that nobody writes by hand: a command that removes all of them does not mean anybody's files.
const WASTE: [&str; 18] = [
    "node_modules",
    "__pycache__",
    "*.pyc",
    "*.pyo",
    "*.py[co]",
    "*.py?",
    ".DS_Store",
    "Thumbs.db",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    "*.swp",
    "*.swo",
    "*~",
    ".coverage",
    "*.egg-info",
    "target",
    "dist",
];

impl Written {
    pub(super) fn file(path: impl Into<String>) -> Self {
        Self::of(path.into(), Reach::File)
    }

    pub(super) fn tree(path: impl Into<String>) -> Self {
        Self::of(path.into(), Reach::Tree)
    }

    pub(super) fn below(path: impl Into<String>, pattern: impl Into<String>) -> Self {
        Self::of(path.into(), Reach::Below(pattern.into()))
    }

    /// Whether it is what programs leave behind, wherever that is.
    pub(super) fn is_waste(&self) -> bool {
        let is_here = self.path.split('/').all(|part| matches!(part, "" | "." | ".."));
        let Reach::Below(pattern) = &self.reach else { return false };
        let pattern = pattern.trim_end_matches("/**");
        is_here && pattern.rsplit_once('/').is_some_and(|(before, name)| before.starts_with('*') && WASTE.contains(&name))
    }

    pub(super) fn by(self, by: By) -> Self {
        Self { by, ..self }
    }

    /// The name itself, and not what a link of that name leads to. A pattern's names are below it, also where it is a link.
    pub(super) fn entry(self) -> Self {
        let is_entry = self.is_entry || !matches!(self.reach, Reach::Below(_));
        Self { is_entry, ..self }
    }

    fn of(path: String, reach: Reach) -> Self {
        Self { path, reach, only_if_there: false, only_undoes: false, is_entry: false, by: By::Call }
    }
}

//! Which files a tool is going to write.

use serde_json::Value;

use super::tools::{PATHS, SOURCES, Tool, by_its_verb, kind_of};
use super::{patch, shell};

/// What is known of the place in which a tool runs.
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

    /// What follows the name of the project's folder in a path that begins with it.
    fn below_project<'p>(&self, path: &'p str) -> Option<&'p str> {
        let name = self.top?.trim_end_matches('/').rsplit('/').next()?;
        let rest = path.strip_prefix(name)?;
        match rest.strip_prefix('/') {
            Some(rest) => Some(rest),
            None => rest.is_empty().then_some("."),
        }
    }

    /// Something seen from the top of the worktree.
    fn at_top(&self, written: Written) -> Written {
        Written { path: format!("{}/{}", self.top.unwrap_or_default().trim_end_matches('/'), written.path), ..written }
    }
}

/// Something that is going to be written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Written {
    /// The path, absolute or from the directory that the agent works in.
    pub path: String,
    /// What is meant of it.
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
    /// A program that formats or mends files.
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
    /// What is below it and matches this pattern of Oarlock's.
    Below(String),
}

/// What programs leave behind, and nobody writes by hand: who clears all of it away does not mean anybody's files.
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

/// Fields in which patches are.
const PATCHES: [&str; 6] = ["command", "input", "patch", "patchText", "patch_text", "diff"];

/// Fields in which the directory of a command is.
const DIRECTORIES: [&str; 8] = ["workdir", "dir_path", "directory", "cwd", "Cwd", "exec_dir", "working_directory", "workingDirectory"];

/// Fields in which texts of programs are.
const CODES: [&str; 6] = ["code", "source", "cell_source", "cell", "script", "content"];

/// What a tool with this input is going to write, as far as it can be told beforehand; each path once.
pub fn writes(tool: &str, input: &Value, around: &Surroundings<'_>) -> Vec<Written> {
    let mut found = Vec::new();
    match kind_of(tool, input) {
        Some(Tool::Patch) => {
            for text in PATCHES.iter().filter_map(|field| input.get(*field)).chain([input]) {
                found.extend(patch::paths(&command_text(text)).map(Written::file));
            }
        }
        Some(Tool::Shell) => {
            let call = input.get("action").or(input.get("task")).unwrap_or(input);
            let dir = DIRECTORIES.iter().find_map(|field| call.get(*field).and_then(Value::as_str));
            // Zed calls a folder by the name of its project.
            let dir = dir.or_else(|| call.get("cd").and_then(Value::as_str).map(|dir| around.below_project(dir).unwrap_or(dir)));
            if let Some(command) = command_of(call) {
                found = shell::writes(&command, dir, around);
            }
        }
        Some(Tool::Code) => {
            let language = ["language", "lang"].iter().find_map(|field| input.get(*field).and_then(Value::as_str));
            if let Some(code) = CODES.iter().find_map(|field| input.get(*field).and_then(Value::as_str)) {
                found = shell::code_writes(language.unwrap_or("python"), code, around);
            }
        }
        None if !only_looks(input) => by_its_verb(tool, input, &mut found),
        Some(kind) if !only_looks(input) => {
            if kind != Tool::Copy || SOURCES.iter().any(|field| input.get(*field).is_some()) {
                named(&PATHS, kind, input, &mut found);
            }
            if kind == Tool::Move {
                named(&SOURCES, kind, input, &mut found);
            }
        }
        _ => {}
    }
    if is_of_zed(tool, input) {
        let own =
            found.iter().filter_map(|written| Some(Written { path: around.below_project(&written.path)?.to_owned(), ..written.clone() }));
        let own: Vec<Written> = own.map(|written| around.at_top(written)).collect();
        found.extend(own);
    }
    found.sort();
    found.dedup();
    found
}

/// Whether a tool is one of Zed's, whose paths begin with the name of the project's folder.
fn is_of_zed(tool: &str, input: &Value) -> bool {
    matches!(tool, "move_path" | "delete_path" | "copy_path") || (tool == "edit_file" && input.get("display_description").is_some())
}

/// Whether a tool runs an `oarlock` command that does not say on whose behalf.
pub fn calls_oarlock(tool: &str, input: &Value) -> bool {
    let is_shell = kind_of(tool, input) == Some(Tool::Shell);
    let call = input.get("action").unwrap_or(input);
    command_of(call).filter(|_| is_shell).is_some_and(|command| shell::calls_oarlock(&command))
}

/// Whether an editor's tool is asked for something that changes nothing.
fn only_looks(input: &Value) -> bool {
    let is_view = matches!(input.get("command").and_then(Value::as_str), Some("view" | "open" | "read" | "list" | "find"));
    is_view || ["dryRun", "dry_run", "preview"].iter().any(|field| input.get(*field).and_then(Value::as_bool) == Some(true))
}

fn command_of(call: &Value) -> Option<String> {
    ["command", "cmd", "script", "code", "CommandLine", "chars", "input"].iter().find_map(|field| call.get(*field)).map(command_text)
}

/// A command as one text. One that is given in words is run without a shell, unless its first word is one.
fn command_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(words) => {
            let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
            shell::quoted(&words)
        }
        _ => String::new(),
    }
}

fn named(fields: &[&str], kind: Tool, input: &Value, found: &mut Vec<Written>) {
    let plain = |path: &str| path.strip_prefix("file://").unwrap_or(path).to_owned();
    let written = |path: &str| match kind {
        Tool::Edit => Written::file(plain(path)),
        Tool::Delete | Tool::Move => Written::tree(plain(path)).entry(),
        _ => Written::tree(plain(path)),
    };
    for field in fields {
        found.extend(input.get(*field).and_then(Value::as_str).filter(|path| !path.is_empty()).map(written));
    }
    if let Some(args) = input.get("args").filter(|args| args.is_object()) {
        named(fields, kind, args, found);
    }
    for list in ["files", "file", "replacements", "edits", "diffs", "paths", "file_paths"]
        .iter()
        .filter_map(|field| input.get(*field).and_then(Value::as_array))
    {
        for item in list {
            match item {
                Value::String(path) => found.push(written(path)),
                item => named(fields, kind, item, found),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn paths(tool: &str, input: Value) -> Vec<String> {
        writes(tool, &input, &Surroundings::default())
            .into_iter()
            .map(|written| format!("{}{}", written.path, if written.reach == Reach::Tree { "/" } else { "" }))
            .collect()
    }

    #[test]
    fn each_clients_tools_are_read() {
        let patch =
            "*** Begin Patch\n*** Update File: src/a.rs\n*** Move to: src/b.rs\n@@\n-x\n+y\n*** Add File: c d.md\n+hi\n*** End Patch\n";
        let cases = [
            ("Edit", json!({"file_path": "/r/a.rs", "old_string": "x", "new_string": "y"}), vec!["/r/a.rs"]),
            ("Write", json!({"file_path": "/r/a.rs", "content": "path"}), vec!["/r/a.rs"]),
            ("NotebookEdit", json!({"notebook_path": "n.ipynb"}), vec!["n.ipynb"]),
            ("write_file", json!({"file_path": "a"}), vec!["a"]),
            ("replace", json!({"file_path": "a"}), vec!["a"]),
            ("edit", json!({"filePath": "/r/a"}), vec!["/r/a"]),
            ("apply_patch", json!({"command": patch}), vec!["c d.md", "src/a.rs", "src/b.rs"]),
            ("apply_patch", json!({"patchText": patch}), vec!["c d.md", "src/a.rs", "src/b.rs"]),
            (
                "Bash",
                json!({"command": format!("cd sub && apply_patch <<'EOF'\n{patch}EOF\n")}),
                vec!["sub/c d.md", "sub/src/a.rs", "sub/src/b.rs"],
            ),
            ("shell", json!({"command": ["bash", "-lc", "echo hi > out.txt"], "workdir": "/r/x"}), vec!["/r/x/out.txt"]),
            ("shell", json!({"command": ["apply_patch", patch]}), vec!["c d.md", "src/a.rs", "src/b.rs"]),
            ("run_shell_command", json!({"command": "sed -i s/a/b/ x y"}), vec!["x", "y"]),
            ("multi_replace_string_in_file", json!({"replacements": [{"filePath": "a"}, {"filePath": "b"}]}), vec!["a", "b"]),
            ("editFiles", json!({"files": ["a", "b"]}), vec!["a", "b"]),
            ("mcp__filesystem__write_file", json!({"path": "a"}), vec!["a"]),
            ("Read", json!({"file_path": "a"}), vec![]),
            ("mcp__oarlock__claim", json!({"id": "T-1"}), vec![]),
            ("Edit", json!(null), vec![]),
            ("Bash", json!({"command": 7}), vec![]),
        ];
        for (tool, input, expected) in cases {
            assert_eq!(paths(tool, input.clone()), expected, "{tool} {input}");
        }
    }
}

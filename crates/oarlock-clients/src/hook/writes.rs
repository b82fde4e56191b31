//! Which files a tool is going to write.

use serde_json::Value;

use super::{patch, shell};

/// Something that is going to be written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Written {
    /// The path, absolute or from the directory that the agent works in.
    pub path: String,
    /// What is meant of it.
    pub reach: Reach,
    /// Whether it is meant only if it is there: the same word could be something else, such as a branch.
    pub only_if_there: bool,
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

    /// Whether no name of it is known: all that is right where the command runs.
    pub(super) fn is_anything(&self) -> bool {
        let is_wild = |part: &str| part.chars().all(|c| matches!(c, '*' | '?'));
        let is_here = self.path.split('/').all(|part| matches!(part, "" | "." | ".."));
        is_here && matches!(&self.reach, Reach::Below(pattern) if pattern.split('/').next().is_some_and(is_wild))
    }

    fn of(path: String, reach: Reach) -> Self {
        Self { path, reach, only_if_there: false }
    }
}

/// Tools that write the files they name, by the last part of their names in lower case.
const EDITS: [&str; 22] = [
    "edit",
    "write",
    "multiedit",
    "notebookedit",
    "write_file",
    "replace",
    "create_file",
    "insert_edit_into_file",
    "replace_string_in_file",
    "multi_replace_string_in_file",
    "edit_notebook_file",
    "editfiles",
    "createfile",
    "create",
    "delete",
    "delete_file",
    "edit_file",
    "str_replace",
    "str_replace_editor",
    "search_replace",
    "move_file",
    "insert",
];

/// Tools that run a command.
const SHELLS: [&str; 11] = [
    "bash",
    "shell",
    "run_shell_command",
    "exec_command",
    "local_shell",
    "run_in_terminal",
    "powershell",
    "execute",
    "terminal",
    "run_command",
    "shell_command",
];

/// Fields in which tools name the files they write.
const PATHS: [&str; 8] = ["file_path", "filePath", "notebook_path", "notebookPath", "path", "absolute_path", "destination", "target_file"];

/// Fields in which patches are.
const PATCHES: [&str; 5] = ["command", "input", "patch", "patchText", "patch_text"];

/// What a tool with this input is going to write, as far as it can be told beforehand; each path once. `cwd` is the absolute path of the
/// directory that the agent works in, if it is known.
pub fn writes(tool: &str, input: &Value, cwd: Option<&str>) -> Vec<Written> {
    let name = short_name(tool);
    let mut found = Vec::new();
    if matches!(name.as_str(), "apply_patch" | "applypatch" | "patch") {
        for text in PATCHES.iter().filter_map(|field| input.get(*field)).chain([input]) {
            let text = command_text(text);
            found.extend(patch::paths(&text).map(Written::file));
        }
    }
    if let Some(command) = command_of(&name, input) {
        let dir = ["workdir", "dir_path", "directory", "cwd"].iter().find_map(|field| input.get(*field).and_then(Value::as_str));
        found.extend(shell::writes(&command, dir, cwd));
    } else if EDITS.contains(&name.as_str()) {
        named(input, &mut found);
    }
    found.sort();
    found.dedup();
    found
}

/// Whether a tool runs an `oarlock` command that does not say on whose behalf.
pub fn calls_oarlock(tool: &str, input: &Value) -> bool {
    command_of(&short_name(tool), input).is_some_and(|command| shell::calls_oarlock(&command))
}

/// The last part of a tool's name: servers' tools are called `mcp__server__tool`.
fn short_name(tool: &str) -> String {
    tool.rsplit("__").next().unwrap_or(tool).to_ascii_lowercase()
}

fn command_of(name: &str, input: &Value) -> Option<String> {
    let is_shell = SHELLS.contains(&name);
    is_shell.then(|| ["command", "cmd", "script"].iter().find_map(|field| input.get(*field)).map(command_text)).flatten()
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

fn named(input: &Value, found: &mut Vec<Written>) {
    for field in PATHS {
        found.extend(input.get(field).and_then(Value::as_str).map(Written::file));
    }
    for list in ["files", "replacements", "edits", "paths"].iter().filter_map(|field| input.get(*field).and_then(Value::as_array)) {
        for item in list {
            match item {
                Value::String(path) => found.push(Written::file(path.as_str())),
                item => named(item, found),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn paths(tool: &str, input: Value) -> Vec<String> {
        writes(tool, &input, None)
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

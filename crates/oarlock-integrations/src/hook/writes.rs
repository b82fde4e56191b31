//! Which files a tool is going to write.

use serde_json::Value;

use super::tools::{PATHS, SOURCES, Tool, by_its_verb, kind_of};
use super::written::{Surroundings, Written};
use super::{patch, shell};

/// Fields in which patches are.
const PATCHES: [&str; 6] = ["command", "input", "patch", "patchText", "patch_text", "diff"];

/// Fields in which the directory of a command is.
const DIRECTORIES: [&str; 8] = ["workdir", "dir_path", "directory", "cwd", "Cwd", "exec_dir", "working_directory", "workingDirectory"];

/// Fields in which texts of programs are.
const CODES: [&str; 6] = ["code", "source", "cell_source", "cell", "script", "content"];

/// The paths that a tool with this input is going to write, as far as they can be known beforehand; each path once.
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
    use crate::hook::Reach;
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

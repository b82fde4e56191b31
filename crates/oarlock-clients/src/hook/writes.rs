//! Which files a tool is going to write.

use serde_json::Value;

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

    fn of(path: String, reach: Reach) -> Self {
        Self { path, reach, only_if_there: false, only_undoes: false, by: By::Call }
    }
}

/// What a tool does with the files that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tool {
    /// Writes them.
    Edit,
    /// Takes them away, with all below them.
    Delete,
    /// Moves one to another place.
    Move,
    /// Writes only the place to which it copies.
    Copy,
    /// Runs a command.
    Shell,
    /// Applies a patch.
    Patch,
}

/// Tools by their names in lower case, without their server's. A name of one word means a file only with clients themselves and with servers
/// for files.
static TOOLS: &[(Tool, &str)] = &[
    (
        Tool::Edit,
        "edit write multiedit notebookedit replace create insert append patch_file update editfiles createfile write_file edit_file create_file \
         update_file append_file append_to_file overwrite_file write_to_file replace_in_file apply_diff insert_content search_and_replace \
         insert_edit_into_file replace_string_in_file multi_replace_string_in_file edit_notebook_file edit_notebook create_new_jupyter_notebook \
         str_replace str_replace_editor str_replace_based_edit_tool search_replace edit_block edit_lines write_text_file write_files \
         edit_text_file_contents append_text_file_contents create_text_file create_new_file create_new_file_with_text replace_text_in_file \
         replace_file_text_by_path replace_specific_text reformat_file replace_symbol_body insert_after_symbol insert_before_symbol \
         insert_at_symbol replace_regex replace_content replace_lines delete_lines insert_at_line rename_symbol rename_refactoring safe_delete_symbol \
         multi_edit multiedit_file smart_edit file_edit file_write file_create text_editor save_file undo_edit replace_file_content multi_replace_file_content fs_append fsappend fsreplace fs_write fswrite strreplace write_pdf \
         edit_existing_file single_find_and_replace create_rule_block propose_code edit_file_content insert_text replace_text write_code",
    ),
    (
        Tool::Delete,
        "delete remove delete_file delete_files remove_file delete_directory remove_directory delete_path remove_files rm file_delete deletefile",
    ),
    (Tool::Move, "move rename move_file rename_file move_path rename_path file_move move_directory"),
    (Tool::Copy, "copy copy_file copy_path copy_directory file_copy"),
    (
        Tool::Shell,
        "bash shell run_shell_command exec_command local_shell run_in_terminal powershell execute terminal run_command shell_command \
         run_terminal_cmd run_terminal_command execute_command execute_shell_command execute_terminal_command start_process runinterminal \
         shell_exec bash_command pwsh executepwsh executebash execute_bash run_bash run_commands launch_process run_terminal_command_v2",
    ),
    (Tool::Patch, "apply_patch applypatch patch apply_unified_diff"),
];

/// Servers whose tools are for files of this machine, by words in their names.
const FILE_SERVERS: [&str; 23] = [
    "developer",
    "filesystem",
    "fs",
    "file",
    "files",
    "serena",
    "commander",
    "jetbrains",
    "intellij",
    "idea",
    "webstorm",
    "pycharm",
    "goland",
    "editor",
    "text",
    "acp",
    "codemcp",
    "ide",
    "shell",
    "terminal",
    "bash",
    "code",
    "vscode",
];

/// Servers of which it is known that their files are elsewhere, by words in their names.
const FAR_SERVERS: [&str; 69] = [
    "gdocs",
    "google",
    "googledrive",
    "onedrive",
    "sharepoint",
    "box",
    "contentful",
    "wordpress",
    "vercel",
    "netlify",
    "cloudflare",
    "stripe",
    "zapier",
    "huggingface",
    "replit",
    "airtable",
    "monday",
    "clickup",
    "miro",
    "canva",
    "discord",
    "telegram",
    "gmail",
    "outlook",
    "calendar",
    "todoist",
    "evernote",
    "posthog",
    "grafana",
    "datadog",
    "firebase",
    "mongodb",
    "postgres",
    "mysql",
    "redis",
    "snowflake",
    "bigquery",
    "docker",
    "browser",
    "playwright",
    "puppeteer",
    "github",
    "gitlab",
    "gitea",
    "bitbucket",
    "linear",
    "notion",
    "jira",
    "atlassian",
    "confluence",
    "slack",
    "gdrive",
    "drive",
    "dropbox",
    "figma",
    "sentry",
    "asana",
    "trello",
    "memory",
    "supabase",
    "s3",
    "aws",
    "azure",
    "kubernetes",
    "k8s",
    "ssh",
    "sftp",
    "oarlock",
    "e2b",
];

/// Fields that only tools for files elsewhere have.
const FAR_FIELDS: [&str; 9] = ["owner", "repo", "repository", "project_id", "projectId", "branch", "bucket", "sandbox_id", "host"];

/// Fields in which tools name the files they write.
const PATHS: [&str; 22] = [
    "uri",
    "file_path",
    "filePath",
    "filepath",
    "notebook_path",
    "notebookPath",
    "path",
    "absolute_path",
    "absolutePath",
    "destination",
    "destination_path",
    "target_file",
    "targetFile",
    "TargetFile",
    "relative_path",
    "relativePath",
    "pathInProject",
    "path_in_project",
    "filename",
    "new_path",
    "newPath",
    "to",
];

/// Fields in which they name what they move away.
const SOURCES: [&str; 7] = ["source", "source_path", "sourcePath", "old_path", "oldPath", "from", "src"];

/// Fields in which patches are.
const PATCHES: [&str; 6] = ["command", "input", "patch", "patchText", "patch_text", "diff"];

/// Fields in which the directory of a command is.
const DIRECTORIES: [&str; 6] = ["workdir", "dir_path", "directory", "cwd", "working_directory", "workingDirectory"];

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
            let call = input.get("action").unwrap_or(input);
            let dir = DIRECTORIES.iter().find_map(|field| call.get(*field).and_then(Value::as_str));
            if let Some(command) = command_of(call) {
                found = shell::writes(&command, dir, around);
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
    found.sort();
    found.dedup();
    found
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

/// What a tool does, by its name: `Edit`, `mcp__server__edit_file`, `mcp_server_edit_file`, `server_edit_file`.
fn kind_of(tool: &str, input: &Value) -> Option<Tool> {
    let name = tool.to_ascii_lowercase().replace('-', "_");
    let of = |name: &str| TOOLS.iter().find(|(_, names)| names.split_whitespace().any(|one| one == name)).map(|(kind, _)| *kind);
    let (server, kind) = match name.strip_prefix("mcp__").unwrap_or(&name).rsplit_once("__") {
        Some((server, last)) => (server, of(last).filter(|_| last.contains('_') || is_of(server, &FILE_SERVERS))?),
        None => match of(&name) {
            Some(kind) => return Some(kind),
            None => {
                // The longest name of several words that it ends with.
                let rest = name.strip_prefix("mcp_").unwrap_or(&name);
                rest.match_indices('_')
                    .find_map(|(at, _)| Some((&rest[..at], of(&rest[at + 1..]).filter(|_| rest[at + 1..].contains('_'))?)))?
            }
        },
    };
    let is_far = is_of(server, &FAR_SERVERS) || FAR_FIELDS.iter().any(|field| input.get(*field).is_some());
    (!is_far).then_some(kind)
}

/// Fields in which tools name what they make of something else.
const OUTPUTS: [&str; 20] = [
    "output_file",
    "outputFile",
    "output_path",
    "outputPath",
    "output",
    "target",
    "target_path",
    "targetPath",
    "dest",
    "dest_path",
    "destination",
    "destination_path",
    "destinationPath",
    "local_path",
    "localPath",
    "save_path",
    "savePath",
    "save_to",
    "saveTo",
    "to_path",
];

/// What a tool writes that is only known by the verb in its name and the path in its input.
fn by_its_verb(tool: &str, input: &Value, found: &mut Vec<Written>) {
    let words = words_of(tool.rsplit("__").next().unwrap_or(tool));
    let has = |all: &str| words.iter().any(|word| all.split(' ').any(|one| one == word));
    let begins = |all: &str| words.first().is_some_and(|word| all.split(' ').any(|one| one == word));
    let of_others = "branch issue issues worktree pull release comment task tasks project session terminal process window tab directory folder \
                     dir todo memory entity entities relation relations page event message ticket";
    if words.len() < 2
        || begins("get list read search find view show check count describe query grep glob diff validate lint analyze preview")
        || has(of_others)
        || FAR_FIELDS.iter().any(|field| input.get(*field).is_some())
    {
        return;
    }
    let makes = has("convert export screenshot render download save pdf record snapshot capture");
    let kind = match () {
        () if has("delete remove unlink trash") => Tool::Delete,
        () if has("move rename") => Tool::Move,
        () if has(
            "write overwrite patch replace insert append prepend edit create update modify apply copy put touch truncate rewrite refactor",
        ) || makes =>
        {
            Tool::Edit
        }
        () => return,
    };
    let all_words = words_of(tool);
    let is_far = all_words.iter().any(|word| FAR_SERVERS.contains(&word.as_str()));
    // A browser is elsewhere, but its pictures are files here, where their path says so.
    let is_browser = all_words.iter().any(|word| matches!(word.as_str(), "browser" | "playwright" | "puppeteer" | "chrome"));
    let from_afar = is_far && !is_browser;
    if is_far && !makes {
        return;
    }
    let is_path = |path: &&str| {
        let is_plain = !path.contains("://") && !path.contains('\n') && path.len() < 4_096 && path.contains(['/', '.', '\\']);
        is_plain
    };
    // A bare name is one in the browser's own folder.
    let is_here = |field: &str, path: &&str| match from_afar {
        true => matches!(field, "local_path" | "localPath"),
        false => !is_browser || path.starts_with('/') || field != "filename",
    };
    let text = |field: &&str| input.get(*field).and_then(Value::as_str).filter(is_path).filter(|path| is_here(field, path));
    let tree = kind != Tool::Edit;
    let written = |path: &str| if tree { Written::tree(path) } else { Written::file(path) };
    let outputs: Vec<&str> = OUTPUTS.iter().filter_map(text).collect();
    if has("convert copy") || (makes && !outputs.is_empty()) {
        found.extend(outputs.into_iter().map(written));
        return;
    }
    found.extend(outputs.into_iter().map(written));
    found.extend(PATHS.iter().chain(&["file", "file_name", "fileName", "document_path", "documentPath"]).filter_map(text).map(written));
    if kind == Tool::Move {
        found.extend(SOURCES.iter().filter_map(text).map(written));
    }
}

/// The words of a name, in lower case: they are divided by signs, or begin with a capital.
fn words_of(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    for part in name.split(|c: char| !c.is_ascii_alphanumeric()) {
        let mut word = String::new();
        let mut was_lower = false;
        for c in part.chars() {
            if c.is_ascii_uppercase() && was_lower {
                words.push(std::mem::take(&mut word));
            }
            was_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
            word.push(c.to_ascii_lowercase());
        }
        words.push(word);
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether one of these words is in a server's name.
fn is_of(server: &str, words: &[&str]) -> bool {
    server.split(|c: char| !c.is_ascii_alphanumeric()).any(|part| words.contains(&part))
}

fn command_of(call: &Value) -> Option<String> {
    ["command", "cmd", "script", "code", "CommandLine"].iter().find_map(|field| call.get(*field)).map(command_text)
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
    let written = |path: &str| if kind == Tool::Edit { Written::file(plain(path)) } else { Written::tree(plain(path)) };
    for field in fields {
        found.extend(input.get(*field).and_then(Value::as_str).filter(|path| !path.is_empty()).map(written));
    }
    for list in
        ["files", "replacements", "edits", "paths", "file_paths"].iter().filter_map(|field| input.get(*field).and_then(Value::as_array))
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

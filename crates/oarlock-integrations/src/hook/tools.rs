//! The effect of clients' and servers' tools on files, by their names and their fields.

use serde_json::Value;

use super::Written;

/// The effect of a tool on the files that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tool {
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
    /// Runs a text of Python, or of the language that it says.
    Code,
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
         reapply editnotebook multistrreplace json_edit_tool edit_files apply_file_diffs edit_existing_file single_find_and_replace create_rule_block propose_code edit_file_content insert_text replace_text write_code",
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
         shell_exec bash_command pwsh executepwsh executebash execute_bash run_bash run_commands launch_process run_terminal_command_v2 write_stdin write_bash \
         interact_with_process create_and_run_task send_terminal_text",
    ),
    (
        Tool::Code,
        "execute_ipython_cell run_ipython_cell run_ipython ipython executecode execute_code run_code execute_python run_python run_python_code python_exec \
         execute_cell run_cell execute_notebook_cell insert_execute_code_cell",
    ),
    (Tool::Patch, "apply_patch applypatch patch apply_unified_diff"),
];

/// Servers whose tools are for files of this machine, by words in their names.
const FILE_SERVERS: [&str; 25] = [
    "jupyter",
    "notebook",
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
const FAR_SERVERS: [&str; 71] = [
    "sandbox",
    "interpreter",
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
pub(super) const PATHS: [&str; 24] = [
    "target_notebook",
    "notebookUri",
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
pub(super) const SOURCES: [&str; 7] = ["source", "source_path", "sourcePath", "old_path", "oldPath", "from", "src"];

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

/// The effect of a tool, by its name: `Edit`, `mcp__server__edit_file`, `mcp_server_edit_file`, `server_edit_file`.
pub(super) fn kind_of(tool: &str, input: &Value) -> Option<Tool> {
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

/// The writes of a tool that is known only by the verb in its name and the path in its input.
pub(super) fn by_its_verb(tool: &str, input: &Value, found: &mut Vec<Written>) {
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
    // Of something else, of which the path is no output.
    let packs = has("generate pack compile build bundle extract unzip unpack compress archive resize crop optimize transform");
    let makes = packs || has("convert export screenshot render download save pdf record snapshot capture");
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
    let is_path = |path: &&str| !path.contains("://") && !path.contains('\n') && path.len() < 4_096 && path.contains(['/', '.', '\\']);
    // A bare name is one in the browser's own folder.
    let is_here = |field: &str, path: &&str| match from_afar {
        true => matches!(field, "local_path" | "localPath"),
        false => !is_browser || path.starts_with('/') || field != "filename",
    };
    let text = |field: &&str| input.get(*field).and_then(Value::as_str).filter(is_path).filter(|path| is_here(field, path));
    let tree = kind != Tool::Edit;
    let written = |path: &str| if tree { Written::tree(path).entry() } else { Written::file(path) };
    let outputs: Vec<&str> = OUTPUTS.iter().filter_map(text).collect();
    if packs || has("convert copy") || (makes && !outputs.is_empty()) {
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

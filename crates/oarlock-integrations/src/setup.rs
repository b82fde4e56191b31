//! The needs of each client so that its agents work with Oarlock: a server, hooks, permissions, a few lines of instruction. Which
//! file, which place in it; reading and writing them is the caller's.

mod hooks;

use serde_json::{Value, json};

use crate::block::{self, Comment};
use crate::client::Client;
use crate::edit::{EditError, Edited, newline_of};
use crate::json::{self, JsonWant};
use crate::toml::{self, TomlWant};
pub use hooks::claude_hooks;
use hooks::{CLAUDE_RULES, VSCODE_EVENTS, codex_hooks, cursor_hooks, flat_hooks, gemini_hooks, quoted};

/// The name of the server and of Oarlock's own entries.
pub const SERVER: &str = "oarlock";

/// The instructions of the block in `AGENTS.md`.
pub const INSTRUCTIONS: &str = include_str!("../assets/block.md");

/// The exit code by which a hook of git refuses: no other failure of it has the same.
pub const REFUSED: u8 = 9;

/// The plugin of OpenCode.
const OPENCODE_PLUGIN: &str = include_str!("../assets/opencode.js");

/// Whose set-up it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Of the repository, for all who work on it.
    Project,
    /// Of the user, for all repositories.
    User,
}

/// Where a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// The top of the worktree.
    Project,
    /// The user's own directory.
    Home,
    /// The client's directory of the user's configuration.
    Client,
    /// The directory of git's hooks.
    GitHooks,
}

/// The required content of a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Members and elements of a JSON file.
    Json(Vec<JsonWant>),
    /// Tables and elements of a TOML file.
    Toml(Vec<TomlWant>),
    /// A marked block of a Markdown file.
    Block(String),
    /// A marked block of a shell script, behind its first line.
    Script(String),
    /// The whole file.
    Whole(String),
}

/// A file that a client reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Where it is.
    pub base: Base,
    /// Its path from there, and others by which the client knows it as well: the first one that exists is meant.
    pub names: &'static [&'static str],
    /// The required content.
    pub content: Content,
    /// Only when the file is there.
    pub only_if_there: bool,
    /// Several clients read it: it stays as long as one of them is set up.
    pub is_shared: bool,
}

/// The facts that a set-up depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The program, as a client finds it.
    pub program: String,
    /// The directory of the store, which Codex's sandbox must let commands write, as its configuration names it: absolute, or from the
    /// directory of that file (Codex resolves `writable_roots` so). Where there is a project.
    pub store_dir: Option<String>,
}

impl Content {
    /// The text with the wanted content in it.
    ///
    /// # Errors
    /// Text that cannot be edited; a whole file that is somebody else's.
    pub fn put(&self, text: &str) -> Result<Edited, EditError> {
        match self {
            Self::Json(wants) => json::put(text, wants),
            Self::Toml(wants) => toml::put(text, wants),
            Self::Block(body) => Ok(block::put(text, Comment::Markdown, &block::block(Comment::Markdown, body))),
            Self::Script(body) => put_script(text, body),
            Self::Whole(whole) if text == whole => Ok(Edited::of(text)),
            Self::Whole(whole) if text.is_empty() => {
                let mut edited = Edited::of("");
                edited.insert(0, whole.clone());
                Ok(edited)
            }
            Self::Whole(_) => Err(EditError::at(text, 0, "this file is written by Oarlock as a whole, and has something else in it")),
        }
    }

    /// Whether a text has something of Oarlock's.
    pub fn is_in(&self, text: &str) -> bool {
        match self {
            Self::Json(wants) => json::has_any(text, wants),
            Self::Toml(wants) => toml::has_any(text, wants),
            Self::Block(_) => block::has(text, Comment::Markdown),
            Self::Script(_) => block::has(text, Comment::Hash),
            // An older version of it begins as this one does.
            Self::Whole(whole) => !text.is_empty() && whole.lines().next() == text.lines().next(),
        }
    }

    /// The text without Oarlock's parts, known by their form; nothing when nothing is left.
    ///
    /// # Errors
    /// Text that cannot be edited.
    pub fn take_out(&self, text: &str) -> Result<Option<String>, EditError> {
        let filled = |text: String| (!text.trim().is_empty()).then_some(text);
        match self {
            Self::Json(wants) => json::take_out(text, wants),
            Self::Toml(wants) => toml::take_out(text, wants),
            Self::Block(body) => {
                Ok(filled(block::take_out(text, Comment::Markdown, |inside| block::foreign_lines(inside, body, |_| false))))
            }
            Self::Script(body) => {
                // The same script of a program that is somewhere else is ours as well.
                let left =
                    block::take_out(text, Comment::Hash, |inside| block::foreign_lines(inside, body, |line| line.contains("oarlock")));
                Ok(filled(left).filter(|text| text.trim() != SHEBANG.trim()))
            }
            Self::Whole(_) => Ok((!self.is_in(text)).then(|| text.to_owned())),
        }
    }

    /// The rest of a text that contains nothing but Oarlock's, where its file has to stay.
    pub fn emptied(&self, text: &str) -> String {
        let newline = newline_of(text);
        match self {
            Self::Json(_) => format!("{{}}{newline}"),
            Self::Script(_) => format!("{}{newline}", text.lines().next().filter(|line| line.starts_with("#!")).unwrap_or_default()),
            _ => String::new(),
        }
    }

    /// Whether a text that insertions were taken out of still says everything that the text without Oarlock's parts says, in its place. In a
    /// TOML file, a key that somebody has put below a header of Oarlock's belongs to another table when the header is gone.
    pub fn keeps_all(&self, undone: &str, taken_out: &str) -> bool {
        match self {
            Self::Toml(_) => toml::has_all(undone, taken_out),
            _ => true,
        }
    }

    /// Whether the file has to be executable.
    pub fn is_program(&self) -> bool {
        matches!(self, Self::Script(_))
    }
}

const SHEBANG: &str = "#!/bin/sh\n";

/// Behind the first line, so that it runs whatever the script does afterwards.
fn put_script(text: &str, body: &str) -> Result<Edited, EditError> {
    let block = block::block(Comment::Hash, body);
    let mut edited = Edited::of(text);
    if text.is_empty() {
        edited.insert(0, format!("{SHEBANG}{block}"));
        return Ok(edited);
    }
    if block::has(text, Comment::Hash) {
        return Ok(edited);
    }
    let first = text.lines().next().unwrap_or_default();
    let Some(interpreter) = first.strip_prefix("#!") else {
        // Git has a shell run what does not say who runs it.
        edited.insert(0, block);
        return Ok(edited);
    };
    let mut names = interpreter.split_whitespace().map(|path| path.rsplit('/').next().unwrap_or(path));
    let name = match names.next() {
        Some("env") => names.find(|name| !name.starts_with('-') && !name.contains('=')),
        name => name,
    };
    if !matches!(name, Some("sh" | "bash" | "dash" | "zsh" | "ksh" | "ash")) {
        return Err(EditError::at(text, 0, "this hook is not a shell script: call `oarlock hook git …` from it"));
    }
    match text.find('\n') {
        Some(end) => edited.insert(end + 1, block),
        None => edited.insert(text.len(), format!("\n{block}")),
    }
    Ok(edited)
}

/// The files of a client.
pub fn targets(client: Client, scope: Scope, facts: &Facts) -> Vec<Target> {
    let is_project = scope == Scope::Project;
    let base = if is_project { Base::Project } else { Base::Client };
    let file = |base: Base, names: &'static [&'static str], content: Content| Target {
        base,
        names,
        content,
        only_if_there: false,
        is_shared: false,
    };
    // The path in a repository, or in the client's own directory.
    let at = |project: &'static [&'static str], user: &'static [&'static str], content: Content| {
        file(base, if is_project { project } else { user }, content)
    };
    let server = json!({"command": facts.program, "args": ["mcp"]});
    let agents = || {
        let mut target = file(Base::Project, &["AGENTS.md"], Content::Block(INSTRUCTIONS.into()));
        target.is_shared = true;
        target
    };
    let mut targets = match client {
        Client::Claude => {
            let servers = Content::Json(vec![JsonWant::Member(&["mcpServers", SERVER], typed(&server, "stdio"))]);
            let mut settings = claude_hooks(&facts.program);
            settings.push(JsonWant::Element(&["permissions", "allow"], json!("mcp__oarlock"), "\"mcp__oarlock\""));
            for rule in CLAUDE_RULES {
                settings.push(JsonWant::Element(&["permissions", "allow"], json!(rule.trim_matches('"')), rule));
            }
            if is_project {
                settings.push(JsonWant::Element(&["enabledMcpjsonServers"], json!(SERVER), "\"oarlock\""));
            }
            let servers =
                if is_project { file(Base::Project, &[".mcp.json"], servers) } else { file(Base::Home, &[".claude.json"], servers) };
            let mut targets = vec![servers, at(&[".claude/settings.json"], &["settings.json"], Content::Json(settings))];
            if is_project {
                // Claude Code reads AGENTS.md by itself only where there is no CLAUDE.md.
                let import = Content::Block("@AGENTS.md".into());
                targets.push(Target { only_if_there: true, ..file(Base::Project, &["CLAUDE.md"], import) });
            }
            targets
        }
        Client::Codex => {
            // Codex passes on to a server only named variables.
            let env = "env_vars = [\"OARLOCK_AGENT\", \"OARLOCK_SESSION\", \"OARLOCK_STORE\"]";
            let table = format!("command = {}\nargs = [\"mcp\"]\n{env}", json!(facts.program));
            let mut wants = vec![TomlWant::Table("mcp_servers", SERVER, table)];
            if let Some(dir) = &facts.store_dir {
                wants.push(TomlWant::Element("sandbox_workspace_write", "writable_roots", dir.clone()));
            }
            let hooks = Content::Json(codex_hooks(&facts.program));
            vec![at(&[".codex/config.toml"], &["config.toml"], Content::Toml(wants)), at(&[".codex/hooks.json"], &["hooks.json"], hooks)]
        }
        Client::Gemini => {
            let mut server = server;
            // Gemini CLI keeps from servers what looks like a secret, unless it is named.
            server["env"] =
                json!({"OARLOCK_AGENT": "$OARLOCK_AGENT", "OARLOCK_SESSION": "$OARLOCK_SESSION", "OARLOCK_STORE": "$OARLOCK_STORE"});
            server["trust"] = json!(true);
            let mut wants = vec![JsonWant::Member(&["mcpServers", SERVER], server)];
            wants.extend(gemini_hooks(&facts.program));
            if is_project {
                wants.push(JsonWant::Among(&["context", "fileName"], "AGENTS.md", &["GEMINI.md", "AGENTS.md"]));
            }
            vec![at(&[".gemini/settings.json"], &["settings.json"], Content::Json(wants))]
        }
        Client::OpenCode => {
            let server = json!({"type": "local", "command": [facts.program, "mcp"], "enabled": true});
            // It writes its schema into a file that has none, which would not be ours to take out again.
            let schema = JsonWant::Frame(&["$schema"], json!("https://opencode.ai/config.json"));
            let wants = vec![schema, JsonWant::Member(&["mcp", SERVER], server)];
            let plugin = OPENCODE_PLUGIN.replace("spawn(\"oarlock\"", &format!("spawn({}", json!(facts.program)));
            vec![
                at(&["opencode.json", "opencode.jsonc"], &["opencode.json", "opencode.jsonc"], Content::Json(wants)),
                at(&[".opencode/plugin/oarlock.js"], &["plugin/oarlock.js"], Content::Whole(plugin)),
            ]
        }
        Client::Cursor => vec![
            at(&[".cursor/mcp.json"], &["mcp.json"], Content::Json(vec![JsonWant::Member(&["mcpServers", SERVER], server)])),
            at(&[".cursor/hooks.json"], &["hooks.json"], Content::Json(cursor_hooks(&facts.program))),
        ],
        Client::VsCode => {
            let servers = Content::Json(vec![JsonWant::Member(&["servers", SERVER], typed(&server, "stdio"))]);
            let mut targets = vec![at(&[".vscode/mcp.json"], &["mcp.json"], servers)];
            if is_project {
                let hooks = Content::Json(flat_hooks(&facts.program, Client::VsCode, VSCODE_EVENTS));
                targets.push(file(Base::Project, &[".github/hooks/oarlock.json"], hooks));
            }
            targets
        }
        Client::Git => {
            let script = |event: &str| {
                let program = quoted(&facts.program);
                // Git lists the pushed commits on standard input: whatever follows in the script has to get it, too.
                let (take, pass, again) = match event {
                    "pre-push" => (
                        "  oarlock_refs=$(cat)\n",
                        "printf '%s\\n' \"$oarlock_refs\" | ",
                        "\n  if [ -z \"$oarlock_refs\" ]; then exec </dev/null; else exec <<oarlock_refs_end\n$oarlock_refs\noarlock_refs_end\n  fi",
                    ),
                    _ => ("", "", ""),
                };
                Content::Script(format!(
                    "if command -v {program} >/dev/null 2>&1; then\n  oarlock_said=0\n{take}  {pass}{program} hook git {event} || oarlock_said=$?\n  \
                     if [ \"$oarlock_said\" -eq {REFUSED} ]; then exit 1; fi{again}\nfi"
                ))
            };
            // A merge, a pick or a rebase brings commits that were checked when they were made.
            vec![file(Base::GitHooks, &["pre-commit"], script("pre-commit")), file(Base::GitHooks, &["pre-push"], script("pre-push"))]
        }
    };
    if is_project && client != Client::Git {
        targets.push(agents());
    }
    targets
}

fn typed(server: &Value, kind: &str) -> Value {
    let mut server = server.clone();
    server["type"] = json!(kind);
    server
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::undo;

    fn facts() -> Facts {
        Facts { program: "oarlock".into(), store_dir: Some("/r/.oarlock".into()) }
    }

    #[test]
    fn every_file_of_every_client_is_written_and_taken_back() {
        for client in Client::ALL {
            for scope in [Scope::Project, Scope::User] {
                for target in targets(client, scope, &facts()) {
                    let what = format!("{client} {scope:?} {:?}", target.names);
                    let edited = target.content.put("").map_err(|error| format!("{what}: {error}")).expect("it fits");
                    assert!(target.content.is_in(&edited.text), "{what}: {}", edited.text);
                    assert_eq!(target.content.put(&edited.text).expect("what we wrote").insertions, vec![], "{what}: twice is once");
                    assert_eq!(undo(&edited.text, &edited.insertions).as_deref(), Some(""), "{what}");
                    assert_eq!(target.content.take_out(&edited.text), Ok(None), "{what}");
                }
            }
        }
    }

    #[test]
    fn the_plugin_has_the_same_hooks_and_server() {
        let of_plugin = |text: &str| -> Value { serde_json::from_str(text).expect("JSON") };
        let made = json::put("", &claude_hooks("oarlock")).expect("it fits").text;
        assert_eq!(of_plugin(include_str!("../../../integrations/claude/hooks/hooks.json")), of_plugin(&made), "expected:\n{made}");
        let server = &targets(Client::Claude, Scope::Project, &facts())[0].content;
        let made = server.put("").expect("it fits").text;
        assert_eq!(of_plugin(include_str!("../../../integrations/claude/.mcp.json")), of_plugin(&made));
        let plugin = of_plugin(include_str!("../../../integrations/claude/.claude-plugin/plugin.json"));
        assert_eq!(plugin["version"], env!("CARGO_PKG_VERSION"));
    }

    #[test]
    fn a_block_is_short() {
        let block = block::block(Comment::Markdown, INSTRUCTIONS);
        assert!(block.len() <= 1_200, "{} bytes", block.len());
    }

    #[test]
    fn a_script_of_git_keeps_what_it_does() {
        let content = &targets(Client::Git, Scope::Project, &facts())[0].content;
        let found = "#!/usr/bin/env bash\nset -e\nmake check\n";
        let edited = content.put(found).expect("a script");
        assert!(
            edited.text.starts_with("#!/usr/bin/env bash\n# oarlock:begin") && edited.text.ends_with("make check\n"),
            "{}",
            edited.text
        );
        assert_eq!(content.take_out(&edited.text), Ok(Some(found.to_owned())));
        assert!(content.put("#!/usr/bin/env python3\n").is_err());
    }

    #[test]
    fn a_program_with_a_strange_path_is_quoted() {
        assert_eq!(quoted("/home/a b/oar'lock"), "'/home/a b/oar'\\''lock'");
        assert_eq!(quoted("/usr/bin/oarlock"), "/usr/bin/oarlock");
    }
}

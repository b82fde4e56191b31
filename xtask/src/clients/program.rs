//! The clients: what each is called, how it is started without a person, how its model calls tools.

use std::path::{Path, PathBuf};

use clap::builder::PossibleValue;
use serde_json::{Value, json};

use crate::output::warn;

/// A client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Program {
    Claude,
    Codex,
    Gemini,
    OpenCode,
}

/// The actions of the model.
#[derive(Clone, Debug)]
pub(super) enum Act {
    /// A tool of Oarlock's server.
    Oarlock(&'static str, Value),
    /// Writes a file of the repository.
    Write(&'static str),
    /// Runs a command.
    Shell(String),
    /// Starts a helper and waits for it.
    Help,
    /// A helper says that it is done.
    Helped,
}

/// A call of a tool, as the model writes it.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) name: String,
    pub(super) input: Value,
    /// Where Codex keeps its tools apart.
    pub(super) namespace: Option<&'static str>,
}

impl clap::ValueEnum for Program {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()))
    }
}

impl Program {
    pub(super) const ALL: [Self; 4] = [Self::Claude, Self::Codex, Self::Gemini, Self::OpenCode];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Codex => "codex",
            Self::Gemini => "gemini",
            Self::OpenCode => "opencode",
        }
    }

    /// The package of npm, with the version that the scenarios were written for.
    pub(super) fn package(self) -> &'static str {
        match self {
            Self::Claude => "@anthropic-ai/claude-code@2.1.330",
            Self::Codex => "@openai/codex@0.169.0",
            Self::Gemini => "@google/gemini-cli@0.61.0",
            Self::OpenCode => "opencode-ai@1.18.33",
        }
    }

    pub(super) fn is_installed(self, dir: &Path) -> bool {
        has_package(dir, self.package())
    }

    /// The program itself. Where a package's own script would have put it in place, it is taken from where it lies.
    pub(super) fn file(self, dir: &Path) -> PathBuf {
        let modules = dir.join("node_modules");
        let arch = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
        match self {
            Self::Claude => modules.join(format!("@anthropic-ai/claude-code-linux-{arch}/claude")),
            Self::Codex => modules.join(".bin/codex"),
            Self::Gemini => modules.join(".bin/gemini"),
            Self::OpenCode => modules.join(format!("opencode-linux-{arch}/bin/opencode")),
        }
    }

    /// Its variables.
    pub(super) fn environment(self, url: &str) -> Vec<(&'static str, String)> {
        let fixed = |pairs: &[(&'static str, &str)]| pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect::<Vec<_>>();
        let mut variables = match self {
            Self::Claude => fixed(&[("ANTHROPIC_API_KEY", "x"), ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")]),
            Self::Codex => fixed(&[("FAKE_KEY", "x")]),
            Self::Gemini => fixed(&[("GEMINI_API_KEY", "x"), ("GEMINI_CLI_TRUST_WORKSPACE", "true")]),
            Self::OpenCode => fixed(&[
                ("OPENCODE_DISABLE_AUTOUPDATE", "1"),
                ("OPENCODE_DISABLE_MODELS_FETCH", "1"),
                ("OPENCODE_DISABLE_LSP_DOWNLOAD", "1"),
                // Without a network its own install for plugins would be waited for.
                ("npm_config_offline", "true"),
            ]),
        };
        match self {
            Self::Claude => variables.push(("ANTHROPIC_BASE_URL", url.to_owned())),
            Self::Gemini => variables.push(("GOOGLE_GEMINI_BASE_URL", url.to_owned())),
            Self::Codex | Self::OpenCode => {}
        }
        variables
    }

    /// The user's own files: which model, and that this repository is trusted.
    pub(super) fn home_files(self, url: &str, repo: &Path) -> Vec<(&'static str, String)> {
        match self {
            Self::Claude => {
                let trust =
                    json!({"projects": {repo.display().to_string(): {"hasTrustDialogAccepted": true}}, "hasCompletedOnboarding": true});
                vec![(".claude.json", trust.to_string())]
            }
            Self::Codex => vec![(
                ".codex/config.toml",
                format!(
                    "model = \"gpt-5.5\"\nmodel_provider = \"fake\"\n[model_providers.fake]\nname = \"fake\"\nbase_url = \"{url}/v1\"\n\
                     env_key = \"FAKE_KEY\"\nwire_api = \"responses\"\nrequest_max_retries = 0\nstream_max_retries = 0\n\
                     [projects.{}]\ntrust_level = \"trusted\"\n",
                    json!(repo.display().to_string())
                ),
            )],
            Self::Gemini => {
                let settings = json!({"security": {"auth": {"selectedType": "gemini-api-key"}}, "general": {"disableAutoUpdate": true},
                    "privacy": {"usageStatisticsEnabled": false}, "telemetry": {"enabled": false}});
                vec![(".gemini/settings.json", settings.to_string())]
            }
            Self::OpenCode => {
                let models = json!({"m1": {"name": "m1", "tool_call": true, "limit": {"context": 200_000, "output": 8_000}}});
                let provider = json!({"npm": "@ai-sdk/openai-compatible", "name": "Fake",
                    "options": {"baseURL": format!("{url}/v1"), "apiKey": "x"}, "models": models});
                let settings = json!({"model": "fake/m1", "small_model": "fake/m1", "autoupdate": false, "share": "disabled",
                    "permission": {"*": "allow"}, "provider": {"fake": provider}});
                vec![(".config/opencode/opencode.json", settings.to_string())]
            }
        }
    }

    /// Its arguments for one prompt, in a new session or the last one.
    pub(super) fn arguments(self, prompt: &str, resumes: bool) -> Vec<String> {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        match self {
            Self::Claude => {
                let mut arguments = words(&["-p", prompt, "--output-format", "stream-json", "--verbose", "--include-hook-events"]);
                arguments.extend(words(&["--allowedTools", "Write,Edit,Bash,Agent,Task"]));
                if resumes {
                    arguments.push("--continue".into());
                }
                arguments
            }
            Self::Codex => {
                let mut arguments = words(&["exec", "--dangerously-bypass-hook-trust", "--json", "--skip-git-repo-check"]);
                arguments.extend(words(&["-s", "danger-full-access", "--enable", "multi_agent_v2"]));
                if resumes {
                    arguments.extend(words(&["resume", "--last"]));
                }
                arguments.push(prompt.into());
                arguments
            }
            Self::Gemini => {
                let mut arguments = words(&["-p", prompt, "-o", "stream-json", "--approval-mode", "yolo", "-m", "gemini-2.5-flash"]);
                if resumes {
                    arguments.extend(words(&["--resume", "latest"]));
                }
                arguments
            }
            Self::OpenCode => {
                let mut arguments = words(&["run", "--format", "json"]);
                if resumes {
                    arguments.push("--continue".into());
                }
                arguments.push(prompt.into());
                arguments
            }
        }
    }

    /// The calls by which its model does something: one turn each.
    pub(super) fn calls(self, act: &Act, repo: &Path) -> Vec<Call> {
        let call = |name: &str, input: Value| Call { name: name.to_owned(), input, namespace: None };
        let apart = |namespace: &'static str, name: &str, input: Value| Call { name: name.to_owned(), input, namespace: Some(namespace) };
        let text = "written by the model\n";
        let path = |file: &str| repo.join(file).display().to_string();
        let task = "do your part";
        vec![match (self, act) {
            (Self::Claude, Act::Oarlock(tool, input)) => call(&format!("mcp__oarlock__{tool}"), input.clone()),
            (Self::Codex, Act::Oarlock(tool, input)) => apart("mcp__oarlock", tool, input.clone()),
            (Self::Gemini, Act::Oarlock(tool, input)) => call(&format!("mcp_oarlock_{tool}"), input.clone()),
            (Self::OpenCode, Act::Oarlock(tool, input)) => call(&format!("oarlock_{tool}"), input.clone()),
            (Self::Claude, Act::Write(file)) => call("Write", json!({"file_path": path(file), "content": text})),
            (Self::Codex, Act::Write(file)) => {
                call("apply_patch", Value::from(format!("*** Begin Patch\n*** Add File: {file}\n+{text}*** End Patch\n")))
            }
            (Self::Gemini, Act::Write(file)) => call("write_file", json!({"file_path": path(file), "content": text})),
            (Self::OpenCode, Act::Write(file)) => call("write", json!({"filePath": path(file), "content": text})),
            (Self::Claude, Act::Shell(command)) => call("Bash", json!({"command": command, "description": "x"})),
            (Self::Codex, Act::Shell(command)) => call("exec_command", json!({"cmd": command})),
            (Self::Gemini, Act::Shell(command)) => call("run_shell_command", json!({"command": command, "description": "x"})),
            (Self::OpenCode, Act::Shell(command)) => call("bash", json!({"command": command, "description": "x"})),
            (Self::Claude, Act::Help) => call(
                "Agent",
                json!({"description": "a part", "prompt": task, "subagent_type": "general-purpose", "run_in_background": false}),
            ),
            (Self::Codex, Act::Help) => {
                let start = apart("collaboration", "spawn_agent", json!({"task_name": "part", "message": task, "fork_turns": "none"}));
                let wait = apart("collaboration", "wait_agent", json!({"timeout_ms": 20_000}));
                return vec![start, wait];
            }
            (Self::Gemini, Act::Help) => call("invoke_agent", json!({"agent_name": "generalist", "prompt": task})),
            (Self::OpenCode, Act::Help) => call("task", json!({"description": "a part", "prompt": task, "subagent_type": "general"})),
            (Self::Gemini, Act::Helped) => call("complete_task", json!({"result": {"response": "done"}})),
            (_, Act::Helped) => return Vec::new(),
        }]
    }
}

/// Whether a package is below a folder in this version.
fn has_package(dir: &Path, package: &str) -> bool {
    let Some((name, version)) = package.rsplit_once('@') else { return false };
    let manifest = std::fs::read(dir.join("node_modules").join(name).join("package.json")).unwrap_or_default();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap_or_default();
    let found = manifest["version"] == version;
    if !found {
        warn(format_args!("{package} is missing in {}", dir.display()));
    }
    found
}

//! Where a client runs: a repository and a home of its own, a clean environment, the scripted model.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::endpoint::Endpoint;
use super::program::{Act, Program};
use super::wire::Asker;
use crate::output::{Outcome, say};

/// Seconds that a client may take.
const PATIENCE_S: u32 = 120;

pub(super) struct Harness {
    pub(super) program: Program,
    pub(super) repo: PathBuf,
    pub(super) endpoint: Endpoint,
    pub(super) oarlock: PathBuf,
    file: PathBuf,
    path: String,
    temp: tempfile::TempDir,
}

impl Harness {
    /// A repository with a project, bob in it, and the client's own files in a home.
    ///
    /// # Errors
    /// Files that cannot be made, git or oarlock that fail.
    pub(super) fn new(program: Program, dir: &Path, node: &Path, oarlock: &Path, endpoint: Endpoint) -> Outcome<Self> {
        let temp = tempfile::Builder::new().prefix("oarlock-clients-").tempdir()?;
        let (repo, home, bin) = (temp.path().join("repo"), temp.path().join("home"), temp.path().join("bin"));
        for dir in [&repo, &home, &bin, &temp.path().join("tmp")] {
            fs::create_dir_all(dir)?;
        }
        std::os::unix::fs::symlink(oarlock, bin.join("oarlock"))?;
        for (name, text) in program.home_files(&endpoint.url, &repo) {
            let file = home.join(name);
            fs::create_dir_all(file.parent().unwrap_or(&home))?;
            fs::write(file, text)?;
        }
        let path = format!("{}:{}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", bin.display(), node.display());
        let oarlock = bin.join("oarlock");
        let harness = Self { program, repo, endpoint, oarlock, file: program.file(dir), path, temp };
        harness.shell(
            "git init -q -b main && git config user.name n && git config user.email n@example.org && git commit -q --allow-empty -m first",
        )?;
        harness.ok("init")?;
        harness.ok("join bob --stale-after 30d")?;
        Ok(harness)
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().current_dir(&self.repo).stdin(Stdio::null());
        command.env("PATH", &self.path).env("HOME", self.temp.path().join("home")).env("TMPDIR", self.temp.path().join("tmp"));
        command.env("TERM", "dumb").env("LANG", "C.UTF-8");
        command
    }

    /// A script of the shell in the repository.
    ///
    /// # Errors
    /// It fails.
    pub(super) fn shell(&self, script: &str) -> Outcome<String> {
        let output = self.command(Path::new("bash")).args(["-c", script]).output()?;
        if !output.status.success() {
            return Err(format!("{script}: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// A command of oarlock and its reply.
    ///
    /// # Errors
    /// It fails, or its reply is no JSON.
    pub(super) fn ok(&self, line: &str) -> Outcome<Value> {
        Ok(serde_json::from_str(&self.shell(&format!("oarlock {line} --json"))?)?)
    }

    /// Runs the client once, with what its model and the helper of its model do.
    ///
    /// # Errors
    /// It fails, or does not ask for every turn.
    pub(super) fn run(&self, prompt: &str, resumes: bool, main: &[Act], helper: &[Act]) -> Outcome<()> {
        let calls = |acts: &[Act]| acts.iter().flat_map(|act| self.program.calls(act, &self.repo)).collect::<Vec<_>>();
        let (main, helper) = (calls(main), calls(helper));
        for (who, calls) in [("model", &main), ("helper", &helper)] {
            for call in calls {
                let input = call.input.to_string().replace(&self.temp.path().display().to_string(), "…");
                say(format_args!("  {who} calls {} {}", call.name, cut(&input, 160)));
            }
        }
        self.endpoint.load(main, helper);
        let mut command = self.command(Path::new("timeout"));
        command.arg("--kill-after=2").arg(PATIENCE_S.to_string()).arg(&self.file).args(self.program.arguments(prompt, resumes));
        command.envs(self.program.environment(&self.endpoint.url));
        let output = command.output()?;
        let said = || {
            format!("{}\n{}", cut(&String::from_utf8_lossy(&output.stdout), 3_000), cut(&String::from_utf8_lossy(&output.stderr), 3_000))
        };
        if !output.status.success() {
            return Err(format!("{} ends with {}: {}", self.program.name(), output.status, said()).into());
        }
        match self.endpoint.left() {
            0 => Ok(()),
            left => Err(format!("{} turns were not asked for: {}", left, said()).into()),
        }
    }

    /// The first text with `words` in it that the model was given, as it was given.
    pub(super) fn seen(&self, by: Asker, words: &str) -> Option<String> {
        let heard = self.endpoint.heard();
        heard.iter().filter(|(asker, _)| *asker == by).find_map(|(_, body)| text_with(body, words))
    }

    /// The events of a kind: who, and about what.
    ///
    /// # Errors
    /// The log cannot be read.
    pub(super) fn events(&self, kind: &str) -> Outcome<Vec<(String, String)>> {
        let reply = self.ok(&format!("events --kind {kind} --limit 1000"))?;
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Ok(reply["events"].as_array().into_iter().flatten().map(|event| (word(&event["agent"]), word(&event["subject"]))).collect())
    }
}

/// The first text in a value with these words in it.
fn text_with(value: &Value, words: &str) -> Option<String> {
    match value {
        Value::String(text) if text.contains(words) => Some(text.clone()),
        Value::Array(items) => items.iter().find_map(|item| text_with(item, words)),
        Value::Object(fields) => fields.values().find_map(|field| text_with(field, words)),
        _ => None,
    }
}

/// The beginning of a text.
pub(super) fn cut(text: &str, chars: usize) -> String {
    let short: String = text.chars().take(chars).collect();
    if short.len() < text.len() { format!("{short}…") } else { short }
}

//! The shared parts of the tests: a project of their own, calls of the binary, and the checks that every reply has to pass.

mod door;
mod form;
mod http;
mod pipes;
mod process;
mod words;

pub(crate) use door::Served;
pub(crate) use form::{error_in, object};
pub(crate) use http::{Answer, Http};
pub(crate) use pipes::{fifo, gone, heard};
pub(crate) use process::Running;
pub(crate) use words::words;

use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use tempfile::TempDir;

/// A document whose three parts are independent.
pub(crate) const THREE_PARTS: &str = "\
# TASK-9: Three tools

## Approach
1. Create `src/one.rs` with the reader
2. Create `src/two.rs` with the writer
3. Create `src/three.rs` with the clock
";

/// The root of the repository.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("crates/oarlock lies in it").to_owned()
}

/// A directory with a clean environment, and in most tests a project in it.
pub(crate) struct Project {
    served: OnceLock<Served>,
    temp: TempDir,
}

impl Project {
    /// A project without git.
    pub(crate) fn new() -> Self {
        let project = Self::none();
        project.ok("init");
        project
    }

    /// A project in which these agents have joined.
    pub(crate) fn with(agents: &[&str]) -> Self {
        let project = Self::new();
        for agent in agents {
            project.ok(&format!("join {agent}"));
        }
        project
    }

    /// A directory without a project.
    pub(crate) fn none() -> Self {
        let temp = tempfile::Builder::new().prefix("oarlock-cli-").tempdir().expect("a temporary directory");
        let project = Self { temp, served: OnceLock::new() };
        fs::create_dir_all(project.root()).expect("a new directory");
        fs::create_dir_all(project.home()).expect("a new directory");
        project
    }

    /// A directory that is a git repository with one commit.
    pub(crate) fn git() -> Self {
        let project = Self::none();
        project.git_in(&project.root(), "init --quiet .");
        project.git_in(&project.root(), "commit --quiet --allow-empty -m first");
        project
    }

    /// Where commands run when nothing else is said.
    pub(crate) fn root(&self) -> PathBuf {
        self.temp.path().join("root")
    }

    /// A place beside the root, outside of the project.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.temp.path().join("home")
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.root().join(".oarlock/oarlock.db")
    }

    /// Writes a file below the root and returns its path.
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.root().join(name);
        fs::create_dir_all(path.parent().expect("it is below the root")).expect("a new directory");
        fs::write(&path, text).expect("a new file");
        path
    }

    /// Runs git and returns what it printed.
    pub(crate) fn git_in(&self, dir: &Path, line: &str) -> String {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=t", "-c", "user.email=t@example.org"]).args(words(line)).current_dir(dir);
        self.clean(&mut command);
        let output = command.output().expect("git is there");
        assert!(output.status.success(), "git {line}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Any command in the root, with the clean environment.
    pub(crate) fn clean(&self, command: &mut Command) {
        for (name, _) in std::env::vars_os() {
            // A seeded fault is for the program under test.
            let is_ours = name.to_string_lossy().starts_with("OARLOCK_") && name != "OARLOCK_SEEDED_FAULT";
            let of_clients = ["CLAUDE", "CODEX", "GEMINI", "CURSOR", "OPENCODE"];
            let is_clients = of_clients.iter().any(|client| name.to_string_lossy().starts_with(client));
            let is_others = ["GIT_", "RALF_"].iter().any(|begin| name.to_string_lossy().starts_with(begin));
            if is_ours || is_clients || is_others {
                command.env_remove(name);
            }
        }
        command
            .env("HOME", self.home())
            .env("XDG_CONFIG_HOME", self.home().join("config"))
            .env_remove("XDG_STATE_HOME")
            .env_remove("NO_COLOR")
            .env_remove("CLICOLOR")
            .env_remove("CLICOLOR_FORCE")
            // Counts as a terminal that shows colours, whatever its name.
            .env_remove("CI");
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    }

    /// A call of the binary, written as in a shell (see [`words`]).
    pub(crate) fn call(&self, line: &str) -> Call {
        let args = words(line);
        Call { line: line.to_owned(), ..self.call_args(&args) }
    }

    /// A call with these very arguments.
    pub(crate) fn call_args<S: AsRef<OsStr>>(&self, args: &[S]) -> Call {
        let mut command = Command::new(env!("CARGO_BIN_EXE_oarlock"));
        self.clean(&mut command);
        if let Some(served) = self.through_gateway(args) {
            command.env("OARLOCK_STORE", &served.url);
        }
        command.args(args).current_dir(self.root()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let line = args.iter().map(|a| a.as_ref().to_string_lossy().chars().take(200).collect()).collect::<Vec<String>>().join(" ");
        Call { command, line, input: None, json: true }
    }

    /// The JSON reply of a call that succeeds.
    #[track_caller]
    pub(crate) fn ok(&self, line: &str) -> Value {
        self.call(line).ok()
    }

    /// The error of a call that fails with this exit code and error code.
    #[track_caller]
    pub(crate) fn fails(&self, line: &str, exit: i32, code: &str) -> Value {
        self.call(line).fails(exit, code)
    }

    /// The text for people when the call succeeds.
    #[track_caller]
    pub(crate) fn text(&self, line: &str) -> String {
        let reply = self.call(line).plain().run();
        assert_eq!((reply.code, reply.stderr.as_str()), (0, ""), "oarlock {line}");
        reply.stdout
    }

    /// The output of a shell script in the project, with the program under its name.
    pub(crate) fn shell(&self, script: &str) -> std::process::Output {
        let folder = Path::new(env!("CARGO_BIN_EXE_oarlock")).parent().expect("a folder");
        let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
        let mut command = Command::new("bash");
        self.clean(&mut command);
        command.args(["-c", script]).env("PATH", path).current_dir(self.root()).output().expect("bash")
    }

    /// Starts a call that goes on while the test does other things.
    pub(crate) fn start(&self, line: &str) -> Running {
        self.call(line).start()
    }

    /// TASK as it is now.
    #[track_caller]
    pub(crate) fn task(&self, id: &str) -> Value {
        self.ok(&format!("task {id}"))["task"].clone()
    }

    /// The kinds of all events of one subject, oldest first.
    #[track_caller]
    pub(crate) fn kinds_of(&self, subject: &str) -> Vec<String> {
        let events = self.ok("events --limit 10000")["events"].clone();
        let of = |event: &&Value| event["subject"] == subject;
        events.as_array().expect("a list").iter().filter(of).map(|event| event["kind"].as_str().expect("a word").to_owned()).collect()
    }

    /// The session that an agent has now.
    #[track_caller]
    pub(crate) fn session(&self, agent: &str) -> String {
        let reply = self.ok(&format!("agent {agent}"));
        reply["agent"]["session"].as_str().expect("a session").to_owned()
    }

    /// Claims a task by id and returns its token.
    #[track_caller]
    pub(crate) fn claim(&self, id: &str, agent: &str) -> u64 {
        let claimed = self.ok(&format!("claim {id} --as {agent}"));
        assert_eq!(claimed["task"]["id"], id);
        claimed["lease"]["token"].as_u64().expect("a number")
    }
}

/// A call that has not been made yet. With `--json`, unless it is made [`Call::plain`].
pub(crate) struct Call {
    command: Command,
    line: String,
    input: Option<Vec<u8>>,
    json: bool,
}

impl Call {
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.command.current_dir(dir);
        self
    }

    pub(crate) fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = Some(bytes.into());
        self
    }

    /// Prints into a file instead of the test's hands.
    pub(crate) fn stdout(mut self, file: fs::File) -> Self {
        self.line.push_str(" > file");
        self.command.arg("--json").stdout(file);
        self
    }

    /// Without `--json`: as people call it.
    pub(crate) fn plain(mut self) -> Self {
        self.json = false;
        self
    }

    /// Makes the call and checks the form of what comes back, but not whether it succeeded.
    #[track_caller]
    pub(crate) fn run(self) -> Reply {
        let (line, json) = (self.line.clone(), self.json);
        let reply = Reply::of(self.start().output(), line);
        if json {
            reply.check_form();
        }
        reply
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        self.run().ok()
    }

    #[track_caller]
    pub(crate) fn fails(self, exit: i32, code: &str) -> Value {
        self.run().fails(exit, code)
    }

    /// Starts it.
    pub(crate) fn start(self) -> Running {
        let mut running = self.start_open();
        running.end_input();
        running
    }

    /// Starts it, with more input to come.
    pub(crate) fn start_open(mut self) -> Running {
        if self.json && !is_json(&self.command) {
            // What follows `--` belongs to another program, so the flag goes in front.
            let args: Vec<_> = self.command.get_args().map(OsStr::to_owned).collect();
            let mut command = Command::new(self.command.get_program());
            command.arg("--json").args(args);
            for (name, value) in self.command.get_envs() {
                match value {
                    Some(value) => command.env(name, value),
                    None => command.env_remove(name),
                };
            }
            command.current_dir(self.command.get_current_dir().expect("every call has a directory"));
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
            self.command = command;
        }
        if self.input.is_some() {
            self.command.stdin(Stdio::piped());
        }
        let mut child = self.command.spawn().expect("the binary starts");
        if let (Some(input), Some(stdin)) = (self.input, child.stdin.as_mut()) {
            // A program that refuses its input before it has read all of it closes the pipe.
            let _ = stdin.write_all(&input);
        }
        Running::new(child, self.line)
    }
}

fn is_json(command: &Command) -> bool {
    command.get_args().take_while(|arg| *arg != "--").any(|arg| arg == "--json")
}

/// The reply.
pub(crate) struct Reply {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) line: String,
}

impl Reply {
    pub(crate) fn of(output: Output, line: String) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
            line,
        }
    }

    /// The checks of every call with `--json`: one object on one stream and nothing on the other.
    #[track_caller]
    pub(crate) fn check_form(&self) {
        let shown = format!("oarlock {}\nexit {}\nstdout {}\nstderr {}", self.line, self.code, self.stdout, self.stderr);
        // `doctor`, `ralf doctor`, `run` and `merge` print what they found also when they fail.
        let replies_anyway = self.code != 0
            && !self.stdout.is_empty()
            && ["doctor", "ralf doctor", "run ", "merge "].iter().any(|verb| self.line.starts_with(verb));
        // 1 is no error: an attempt of `work --once` failed, and its report says so.
        let is_report = self.code == 1 && self.line.starts_with("work ");
        if self.code == 0 || replies_anyway || is_report {
            form::check_reply(&object(&self.stdout, &shown), &shown);
        } else {
            assert_eq!(self.stdout, "", "{shown}");
        }
        if self.code == 0 || is_report {
            assert_eq!(self.stderr, "", "{shown}");
        } else if !(replies_anyway && self.stderr.is_empty()) {
            form::check_error(&object(&self.stderr, &shown), self.code, &shown);
        }
    }

    /// The JSON reply of a call that succeeded.
    #[track_caller]
    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.code, 0, "oarlock {}\n{}", self.line, self.stderr);
        object(&self.stdout, &self.line)
    }

    /// The error of a call that failed so.
    #[track_caller]
    pub(crate) fn fails(&self, exit: i32, code: &str) -> Value {
        assert_ne!(self.code, 0, "oarlock {} should fail with {code}\n{}", self.line, self.stdout);
        let error = error_in(&self.stderr, &self.line);
        assert_eq!((self.code, error["code"].as_str()), (exit, Some(code)), "oarlock {}\n{error}", self.line);
        error
    }
}

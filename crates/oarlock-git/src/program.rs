//! Starting git.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use oarlock_host::process::guard;

/// Environment variables that make git use another repository, worktree, index or attributes than those of its directory. Hooks and aliases of git
/// set them for what they start.
pub const REPOSITORY_VARIABLES: [&str; 9] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_PREFIX",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_ATTR_SOURCE",
];

/// The oldest git that merges without a worktree (`git merge-tree --write-tree`).
pub(crate) const OLDEST: (u32, u32) = (2, 38);

/// No process stays behind to tidy the repository up, which could hold its locks: git as people start it does that.
const WITHOUT_MAINTENANCE: [&str; 2] = ["-c", "maintenance.auto=false"];

/// The longest error of git that is passed on, in characters. Its end is kept: the reason is in the last lines.
const ERROR_CHARS_MAX: usize = 2_000;

/// How long a git may take that runs hooks of the repository: one that hangs would hold a task, or a queue, for ever.
pub(crate) const HOOKS_MAX: Duration = Duration::from_secs(10 * 60);
/// How long a git that is too slow may take to put its files in order when it is asked to end.
const END_GRACE: Duration = Duration::from_secs(2);
/// How often a git with a time limit is looked after.
const LOOK: Duration = Duration::from_millis(2);

/// How often git is asked again where another process was just making or removing a worktree.
const AGAIN_MAX: u32 = 20;
/// The pause before it.
const AGAIN_PAUSE: Duration = Duration::from_millis(25);

/// Why git did not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitFailed(pub(crate) String);

impl GitFailed {
    /// A failure that was found out otherwise, in words.
    #[must_use]
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl fmt::Display for GitFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for GitFailed {}

/// The first two numbers of `git version 2.47.3`.
pub(crate) fn version_of(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split_whitespace().nth(2)?.split('.').map(|part| part.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

/// The output of git, asked in `dir`, or in the current directory.
///
/// # Errors
/// There is no git, or it ends with an error, whose text is reported.
pub(crate) fn ask(dir: Option<&Path>, args: &[&str]) -> Result<String, GitFailed> {
    let mut command = Command::new("git");
    if let Some(dir) = dir {
        command.arg("-C").arg(dir);
    }
    answer(command.args(args))
}

/// The same of the repository around `dir`, whatever repository the environment names.
pub(crate) fn ask_around(dir: &Path, args: &[&str]) -> Result<String, GitFailed> {
    let mut command = Command::new("git");
    for variable in REPOSITORY_VARIABLES {
        command.env_remove(variable);
    }
    answer(command.arg("-C").arg(dir).args(args))
}

/// Runs git, and runs it again a few times where it met a worktree that another process had half made or half removed: git writes the files of
/// a worktree one after the other, reads those of all, and ends before it has done anything when one is empty.
pub(crate) fn output_of(command: &mut Command) -> io::Result<Output> {
    let mut output = command.output()?;
    for _ in 0..AGAIN_MAX {
        if output.status.success() || !is_half_made(&output.stderr) {
            break;
        }
        thread::sleep(AGAIN_PAUSE);
        output = command.output()?;
    }
    Ok(output)
}

/// Whether git complains about a file of a worktree that it could not read, in whatever language.
fn is_half_made(error: &[u8]) -> bool {
    let error = String::from_utf8_lossy(error);
    error.lines().any(|line| line.starts_with("fatal: ") && line.contains("/worktrees/") && line.contains("/commondir"))
}

/// Runs a git that may run hooks, and ends it with all that it has started after `limit`, or when this process ends. None when it was too slow.
pub(crate) fn output_within(mut command: Command, limit: Duration) -> io::Result<Option<Output>> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut guarded = guard::spawn(command)?;
    let (_, stdout, stderr) = guarded.streams();
    let (stdout, stderr) = (read_aside(stdout), read_aside(stderr));
    let until = Instant::now() + limit;
    let mut pause = LOOK;
    while !guarded.has_ended() {
        if Instant::now() >= until {
            guarded.terminate_all();
            guarded.all_ended_within(END_GRACE);
            drop(guarded);
            return Ok(None);
        }
        guarded.all_ended_within(pause);
        pause = (pause * 2).min(LOOK * 16);
    }
    // What a hook has left in the background goes on for no longer than git: it would have the lock, and the streams.
    let status = guarded.collect()?;
    Ok(Some(Output { status, stdout: stdout.join().unwrap_or_default(), stderr: stderr.join().unwrap_or_default() }))
}

/// The same for a git that is to go on when this process is killed, because it moves files of a person: only one that is too slow is ended.
pub(crate) fn output_that_survives(mut command: Command, limit: Duration) -> io::Result<Option<Output>> {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (stdout, stderr) = (read_aside(child.stdout.take()), read_aside(child.stderr.take()));
    let until = Instant::now() + limit;
    let mut pause = LOOK;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(Output { status, stdout: stdout.join().unwrap_or_default(), stderr: stderr.join().unwrap_or_default() }));
        }
        if Instant::now() >= until {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(LOOK * 16);
    }
}

/// Reads a stream to its end, meanwhile.
fn read_aside(stream: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What came until it broke is what there is.
        let _ = stream.map(|mut stream| stream.read_to_end(&mut bytes));
        bytes
    })
}

fn answer(command: &mut Command) -> Result<String, GitFailed> {
    let run = output_of(command).map_err(|error| GitFailed(error.to_string()))?;
    if !run.status.success() {
        return Err(GitFailed(String::from_utf8_lossy(&run.stderr).trim().to_owned()));
    }
    Ok(String::from_utf8_lossy(&run.stdout).into_owned())
}

/// Git, started in one directory. It uses the repository of that directory, whatever the environment names, and never asks a person.
#[derive(Clone, Debug)]
pub(crate) struct Git {
    dir: PathBuf,
    variables: Vec<(OsString, OsString)>,
    /// Kept open by the started program, so that a lock on it lasts as long as that lives, also when we are killed.
    lock: Option<Arc<File>>,
}

/// The answer of git, whether it succeeded or not.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// The exit status; none when a signal ended it.
    pub(crate) code: Option<i32>,
    /// The output. Names that are not UTF-8 are damaged here.
    pub(crate) printed: String,
    /// The error output, cut to its last 2,000 characters.
    pub(crate) error: String,
}

impl Git {
    pub(crate) fn at(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), variables: Vec::new(), lock: None }
    }

    /// With this variable in its environment.
    pub(crate) fn with(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// With a lock that is kept while git runs.
    pub(crate) fn holding(mut self, lock: &Arc<File>) -> Self {
        self.lock = Some(Arc::clone(lock));
        self
    }

    /// The output of git, without the end of its last line.
    ///
    /// # Errors
    /// There is no git, or it fails; its own words are the error.
    pub(crate) fn ask<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<String, GitFailed> {
        let answer = self.run(args)?;
        match answer.code {
            Some(0) => Ok(answer.printed.trim_end_matches(['\n', '\r']).to_owned()),
            _ => Err(answer.failed()),
        }
    }

    /// Whether git says yes (exit 0) or no (exit 1).
    ///
    /// # Errors
    /// There is no git, or it ends in another way.
    pub(crate) fn says<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<bool, GitFailed> {
        let answer = self.run(args)?;
        match answer.code {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            _ => Err(answer.failed()),
        }
    }

    /// Runs git and returns how it ended.
    ///
    /// # Errors
    /// There is no git.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<Answer, GitFailed> {
        Ok(Answer::of(output_of(&mut self.command(args)).map_err(unstartable)?))
    }

    /// Runs a git that runs hooks of the repository, and ends it with all of them when they take too long. It dies with us, too.
    ///
    /// # Errors
    /// There is no git.
    pub(crate) fn run_with_hooks<S: AsRef<OsStr>>(&self, args: &[S]) -> Result<Answer, GitFailed> {
        self.run_within(args, HOOKS_MAX)
    }

    fn run_within<S: AsRef<OsStr>>(&self, args: &[S], limit: Duration) -> Result<Answer, GitFailed> {
        match output_within(self.command(args), limit).map_err(unstartable)? {
            Some(output) => Ok(Answer::of(output)),
            None => Ok(Answer { code: None, printed: String::new(), error: too_slow() }),
        }
    }

    fn command<S: AsRef<OsStr>>(&self, args: &[S]) -> Command {
        let mut command = Command::new("git");
        for variable in REPOSITORY_VARIABLES {
            command.env_remove(variable);
        }
        command.env("GIT_TERMINAL_PROMPT", "0").env("GIT_EDITOR", "true").envs(self.variables.iter().map(|(name, value)| (name, value)));
        // An empty file: what reads it finds its end at once.
        match self.lock.as_deref().and_then(|lock| lock.try_clone().ok()) {
            Some(lock) => command.stdin(Stdio::from(lock)),
            None => command.stdin(Stdio::null()),
        };
        command.arg("-C").arg(&self.dir).args(WITHOUT_MAINTENANCE).args(args);
        command
    }
}

fn unstartable(error: io::Error) -> GitFailed {
    let what = if error.kind() == io::ErrorKind::NotFound {
        "git is not installed, or not in PATH".to_owned()
    } else {
        format!("git cannot be started: {error}")
    };
    GitFailed(what)
}

/// The message about a git that was ended because it, or a hook, took too long.
pub(crate) fn too_slow() -> String {
    format!("git did not end within {} s, most likely because of a hook, and was ended", HOOKS_MAX.as_secs())
}

impl Answer {
    fn of(Output { status, stdout, stderr }: Output) -> Self {
        let error = String::from_utf8_lossy(&stderr).trim().to_owned();
        let cut = error.char_indices().rev().nth(ERROR_CHARS_MAX - 1).map_or(0, |(at, _)| at);
        Self { code: status.code(), printed: String::from_utf8_lossy(&stdout).into_owned(), error: error[cut..].to_owned() }
    }

    /// The failure that this answer is.
    pub(crate) fn failed(&self) -> GitFailed {
        let said = match (self.error.is_empty(), self.printed.trim().is_empty()) {
            (false, _) => self.error.clone(),
            (true, false) => self.printed.trim().chars().take(ERROR_CHARS_MAX).collect(),
            (true, true) => {
                self.code.map_or_else(|| "git was ended by a signal".to_owned(), |code| format!("git ended with exit status {code}"))
            }
        };
        GitFailed(said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merge::testing::Sandbox;

    #[test]
    fn a_worktree_that_is_half_made_is_waited_for() {
        let sandbox = Sandbox::new();
        sandbox.commit("a", "1\n");
        let half = sandbox.dir().join(".git/worktrees/half");
        std::fs::create_dir_all(&half).expect("ours");
        for (name, text) in [("commondir", ""), ("gitdir", "/half/.git\n"), ("HEAD", "ref: refs/heads/half\n")] {
            std::fs::write(half.join(name), text).expect("ours");
        }
        let git = Git::at(sandbox.dir());
        let words = ["for-each-ref", "--format=%(worktreepath)"];
        let failed = git.ask(&words).expect_err("it is never made");
        assert!(is_half_made(failed.0.as_bytes()), "{failed}");
        thread::scope(|scope| {
            let asked = scope.spawn(|| git.ask(&words));
            std::fs::write(half.join("commondir"), "../..\n").expect("ours");
            assert!(asked.join().is_ok_and(|answer| answer.is_ok()));
        });
    }

    #[cfg(unix)]
    #[test]
    fn a_hook_that_hangs_is_ended_with_its_git() {
        use std::os::unix::fs::PermissionsExt;
        let sandbox = Sandbox::new();
        sandbox.commit("a", "1\n");
        let hook = sandbox.path(".git/hooks/pre-commit");
        std::fs::write(&hook, "#!/bin/sh\necho $$ > \"$(git rev-parse --git-dir)/hook\"\nexec sleep 600\n").expect("written");
        std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).expect("ours");
        let git = Git::at(sandbox.dir());
        let begun = Instant::now();
        let answer = git.run_within(&["commit", "--quiet", "--allow-empty", "-m", "b"], Duration::from_secs(1)).expect("it starts");
        assert_eq!(answer.code, None);
        assert!(answer.error.contains("because of a hook"), "{}", answer.error);
        assert!(begun.elapsed() < Duration::from_secs(60), "it was not waited for");
        let pid: u32 = std::fs::read_to_string(sandbox.path(".git/hook")).expect("it began").trim().parse().expect("a number");
        let process = oarlock_host::process::ProcessId::of(pid).expect("it can be asked");
        assert_eq!(process, None, "the hook has ended");
        // Without the hook it goes on.
        std::fs::remove_file(&hook).expect("there");
        let answer = git.run_with_hooks(&["commit", "--quiet", "--allow-empty", "-m", "b"]).expect("it starts");
        assert_eq!((answer.code, answer.error.as_str()), (Some(0), ""));
    }
}

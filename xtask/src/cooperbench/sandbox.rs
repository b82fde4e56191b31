//! A repository with the base of a task as its only commit. It has no history: a base that only a shallow clone has will do.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use super::dataset::Task;
use crate::output::Outcome;

/// It goes away with this.
pub(super) struct Sandbox {
    temp: TempDir,
}

/// Variables that would lead git or Oarlock elsewhere.
const VARIABLES: [&str; 6] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "OARLOCK_STORE", "OARLOCK_AGENT", "OARLOCK_SESSION"];

impl Sandbox {
    /// With `main` checked out.
    pub(super) fn make(task: &Task, upstream: &Path) -> Outcome<Self> {
        let objects = git(upstream, &["rev-parse", "--path-format=absolute", "--git-path", "objects"])?;
        let sandbox = Self { temp: tempfile::tempdir()? };
        fs::create_dir(sandbox.repo())?;
        sandbox.git(&["init", "--quiet", "--initial-branch=main", "."])?;
        fs::write(sandbox.repo().join(".git/objects/info/alternates"), format!("{objects}\n"))?;
        for (key, value) in [
            ("user.name", "CooperBench"),
            ("user.email", "cooperbench@example.org"),
            ("core.autocrlf", "false"),
            ("core.hooksPath", "/dev/null"),
            ("gc.auto", "0"),
            ("maintenance.auto", "false"),
            // Large files stay what the commit has: names of objects that are elsewhere.
            ("filter.lfs.smudge", "cat"),
            ("filter.lfs.clean", "cat"),
            ("filter.lfs.process", ""),
            ("filter.lfs.required", "false"),
        ] {
            sandbox.git(&["config", key, value])?;
        }
        sandbox.git(&["read-tree", &format!("{}^{{tree}}", task.base)])?;
        sandbox.drop_missing()?;
        let tree = sandbox.git(&["write-tree"])?;
        let base = sandbox.git(&["commit-tree", &tree, "-m", &format!("base of {}", task.name)])?;
        sandbox.git(&["update-ref", "refs/heads/main", &base])?;
        sandbox.git(&["reset", "--quiet", "--hard"])?;
        Ok(sandbox)
    }

    /// Takes the files out of the index whose contents the upstream repository does not have: a partial clone is without large ones.
    fn drop_missing(&self) -> Outcome<()> {
        let listed = self.git(&["ls-files", "--stage", "-z"])?;
        let files: Vec<(&str, &str)> = listed
            .split('\0')
            .filter_map(|entry| entry.split_once('\t'))
            .filter(|(info, _)| !info.starts_with("160000"))
            .filter_map(|(info, path)| Some((info.split(' ').nth(1)?, path)))
            .collect();
        let asked: String = files.iter().flat_map(|(object, _)| [object, "\n"]).collect();
        let checked = self.feed(&["cat-file", "--batch-check=%(objectname)"], &asked)?;
        let gone = files.iter().zip(checked.lines()).filter(|(_, line)| line.ends_with(" missing"));
        let dropped: String = gone.map(|((object, path), _)| format!("0 {}\t{path}\0", "0".repeat(object.len()))).collect();
        if !dropped.is_empty() {
            self.feed(&["update-index", "-z", "--index-info"], &dropped)?;
        }
        Ok(())
    }

    /// The output of git when it reads an input.
    fn feed(&self, args: &[&str], input: &str) -> Outcome<String> {
        let file = self.beside("input");
        fs::write(&file, input)?;
        let mut command = clean(Command::new("git"));
        let run = command.arg("-C").arg(self.repo()).args(args).stdin(fs::File::open(&file)?).output()?;
        if run.status.success() {
            return Ok(String::from_utf8_lossy(&run.stdout).into_owned());
        }
        Err(format!("git {}: {}", args.join(" "), String::from_utf8_lossy(&run.stderr).trim()).into())
    }

    pub(super) fn repo(&self) -> PathBuf {
        self.temp.path().join("repo")
    }

    /// A path beside the repository.
    pub(super) fn beside(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    pub(super) fn git(&self, args: &[&str]) -> Outcome<String> {
        git(&self.repo(), args)
    }

    /// Makes a branch from `from` with these patches as one commit, in the main worktree; whether all of them apply.
    pub(super) fn branch(&self, name: &str, from: &str, patches: &[Vec<u8>]) -> Outcome<bool> {
        self.git(&["checkout", "--quiet", "--force", "-B", name, from])?;
        self.git(&["clean", "-ffdxq", "-e", ".oarlock"])?;
        let mut applies = true;
        for patch in patches {
            applies &= self.apply(&self.repo(), patch)?;
        }
        self.git(&["add", "--all"])?;
        self.git(&["commit", "--quiet", "--allow-empty", "--no-verify", "-m", name])?;
        self.git(&["checkout", "--quiet", "--force", "main"])?;
        Ok(applies)
    }

    /// Applies a patch as the data set does: leniently about white space, else by merging it. What does not apply is left as git leaves it.
    pub(super) fn apply(&self, dir: &Path, patch: &[u8]) -> Outcome<bool> {
        if patch.iter().all(u8::is_ascii_whitespace) {
            return Ok(true);
        }
        let file = self.beside("patch");
        fs::write(&file, patch)?;
        let file = file.to_string_lossy();
        Ok([&["apply", "--ignore-whitespace"][..], &["apply", "--3way"]]
            .iter()
            .any(|words| git(dir, &[words, &[&*file][..]].concat()).is_ok()))
    }
}

/// The output of git in a directory.
pub(super) fn git<S: AsRef<OsStr>>(dir: &Path, args: &[S]) -> Outcome<String> {
    let run = raw_git(dir, args)?;
    if run.status.success() {
        return Ok(String::from_utf8_lossy(&run.stdout).trim_end().to_owned());
    }
    let words: Vec<_> = args.iter().map(|arg| arg.as_ref().to_string_lossy()).collect();
    Err(format!("git {}: {}", words.join(" "), String::from_utf8_lossy(&run.stderr).trim()).into())
}

/// How git ends.
pub(super) fn raw_git<S: AsRef<OsStr>>(dir: &Path, args: &[S]) -> Outcome<Output> {
    Ok(clean(Command::new("git")).env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0").arg("-C").arg(dir).args(args).output()?)
}

/// A command that works where it is started, whatever the developer's environment names.
pub(super) fn clean(mut command: Command) -> Command {
    for variable in VARIABLES {
        command.env_remove(variable);
    }
    command.stdin(Stdio::null());
    command
}

//! The repository that worktrees are made of: where the caller is in it, and the branch that tasks begin at.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use oarlock_host::file::{WithoutTraps as _, canonical, private_dir};

use super::names::is_branch;
use super::refusal::Refusal;
use super::shared::Shared;
use crate::program::{Git, GitFailed, OLDEST, version_of};
use crate::repository::Repository;

/// The directory of a project beside its repository's common directory.
const PROJECT_DIR: &str = ".oarlock";
/// The directory of the worktrees in it.
pub(crate) const HOME: &str = "worktrees";
/// Files that a warning names.
const NAMED_MAX: usize = 3;

/// The worktrees of a repository's agents: `.oarlock/worktrees/AGENT`.
#[derive(Clone, Debug)]
pub struct Worktrees {
    /// The top of the worktree that the caller is in, links resolved.
    pub(crate) top: PathBuf,
    /// The caller's directory in it.
    pub(crate) below: PathBuf,
    /// The directory that all worktrees of the repository share, links resolved.
    pub(crate) common: PathBuf,
    /// Where agents' worktrees are.
    pub(crate) home: PathBuf,
    /// The branch that tasks begin at.
    pub(crate) target: String,
    /// The commit that is checked out without a branch, where new branches begin then. Nothing else can be done before there is one.
    detached: Option<String>,
    /// The files of the caller's worktree that agents' worktrees share.
    pub(crate) shared: Shared,
}

/// A branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Branch {
    /// The commit at its tip.
    pub(crate) commit: String,
    /// The top of the worktree that has it checked out.
    pub(crate) checked_out: Option<PathBuf>,
}

impl Worktrees {
    /// The worktrees of the repository around `here`. Tasks begin at the branch `onto`, or at the one that is checked out there. Returns
    /// warnings, too, about what worktrees will not have.
    ///
    /// # Errors
    /// There is no git, it is too old, `here` is in no worktree, HEAD is detached, or the branch is missing or has no commit.
    pub fn open(here: &Path, onto: Option<&str>, shared: Shared) -> Result<(Self, Vec<String>), Refusal> {
        Self::open_at(here, onto, shared, false)
    }

    /// The same, also where HEAD is detached: only [`Worktrees::make_branch`] is of use then.
    ///
    /// # Errors
    /// As [`Worktrees::open`], but for a detached HEAD.
    pub fn open_for_new_branch(here: &Path, onto: Option<&str>, shared: Shared) -> Result<(Self, Vec<String>), Refusal> {
        Self::open_at(here, onto, shared, true)
    }

    fn open_at(here: &Path, onto: Option<&str>, shared: Shared, may_be_detached: bool) -> Result<(Self, Vec<String>), Refusal> {
        let (top, common) = around(here)?;
        let real = canonical(here).map_err(|error| {
            Refusal::of_worktree(format!("{} cannot be reached: {error}", here.display()), "start it again in a directory that is there")
        })?;
        let below = real.strip_prefix(&top).map(Path::to_owned).unwrap_or_default();
        let root = Repository::at(&top).map_or_else(|| top.clone(), |repository| repository.root());
        let home = root.join(PROJECT_DIR).join(HOME);
        let git = Git::at(&top);
        let is_detached = may_be_detached && onto.is_none() && !git.says(&["symbolic-ref", "--quiet", "HEAD"])?;
        let detached = is_detached.then(|| git.ask(&["rev-parse", "--verify", "HEAD^{commit}"])).transpose()?;
        let target = if is_detached { String::new() } else { target(&top, onto)? };
        let worktrees = Self { top, below, common, home, target, detached, shared };
        let warnings = if onto.is_none() { worktrees.warnings()? } else { Vec::new() };
        Ok((worktrees, warnings))
    }

    /// The top of the worktree that the caller is in, links resolved.
    #[must_use]
    pub fn top(&self) -> &Path {
        &self.top
    }

    /// The directory of the project beside the repository, which the first worktree makes.
    #[must_use]
    pub fn project_dir(&self) -> &Path {
        self.home.parent().unwrap_or(&self.home)
    }

    /// The branch that tasks begin at.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Makes a branch at the newest commit of [`Worktrees::target`], or at a detached HEAD, unless it is there.
    ///
    /// # Errors
    /// Git refuses: a branch or directory of such a name is in its way, among others.
    pub fn make_branch(&self, name: &str) -> Result<(), Refusal> {
        if !is_branch(name) {
            return Err(Refusal::of_worktree(format!("{name:?} cannot be the name of a branch"), "choose another id with --id"));
        }
        let git = Git::at(&self.top);
        let found = branches(&git, &[name, &self.target])?;
        let begins = self.detached.as_deref().or_else(|| found.get(&self.target).map(|target| target.commit.as_str()));
        match (found.get(name), begins) {
            (Some(_), _) => Ok(()),
            (None, Some(commit)) => {
                let made = git.ask(&["update-ref", "-m", "oarlock: begin a run", &format!("refs/heads/{name}"), commit, ""]);
                made.map(drop).map_err(|failed| {
                    Refusal::of_worktree(
                        format!("the branch {name} cannot be made: {failed}"),
                        "rename the branch that is in its way (`git branch --move`), or name another branch with --onto",
                    )
                })
            }
            (None, None) => Err(Refusal::of_worktree(
                format!("the branch {} is gone", self.target),
                "make it again, or name another with --onto BRANCH",
            )),
        }
    }

    /// Makes the directory of the worktrees, hidden from git.
    pub(crate) fn make_home(&self) -> Result<(), Refusal> {
        let project = self.home.parent().unwrap_or(&self.home);
        for dir in [project, &self.home] {
            if dir.symlink_metadata().is_ok_and(|found| !found.is_dir()) {
                return Err(Refusal::of_worktree(
                    format!("{} is not a directory", dir.display()),
                    "remove it: a repository can bring links, and they are not followed",
                ));
            }
        }
        let failed = |error: std::io::Error| {
            Refusal::of_worktree(format!("{} cannot be made: {error}", self.home.display()), "make the directory writable for this user")
        };
        private_dir().recursive(true).create(&self.home).map_err(failed)?;
        let ignore = project.join(".gitignore");
        if ignore.symlink_metadata().is_ok() {
            return Ok(());
        }
        let written = OpenOptions::new()
            .write(true)
            .create_new(true)
            .without_traps()
            .open(&ignore)
            .and_then(|mut file| file.write_all(b"*\n!config.toml\n"));
        match written {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(failed(error)),
            _ => Ok(()),
        }
    }

    /// The files that worktrees made from commits will not have.
    fn warnings(&self) -> Result<Vec<String>, Refusal> {
        let mut warnings = Vec::new();
        let changed = Git::at(&self.top).ask(&["status", "--porcelain=v1", "-z", "--untracked-files=no", "--no-renames"])?;
        let changed: Vec<&str> = changed.split('\0').filter_map(|entry| entry.get(3..)).collect();
        if !changed.is_empty() {
            let names = changed.iter().take(NAMED_MAX).copied().collect::<Vec<_>>().join(", ");
            let more = if changed.len() > NAMED_MAX { ", …" } else { "" };
            let (n, s) = (changed.len(), if changed.len() == 1 { "" } else { "s" });
            warnings.push(format!(
                "{n} changed file{s} in {} ({names}{more}): agents do not see these changes; commit the files that they need",
                self.top.display()
            ));
        }
        if self.top.join(".gitmodules").is_file() {
            warnings.push("submodules are empty in new worktrees: a command that needs them runs `git submodule update --init`".to_owned());
        }
        Ok(warnings)
    }
}

/// The top of the worktree around a directory and the common directory of its repository, links resolved.
///
/// # Errors
/// There is no git, it is too old, or the directory is in no worktree.
pub(crate) fn around(here: &Path) -> Result<(PathBuf, PathBuf), Refusal> {
    let git = Git::at(here);
    let version = git.run(&["version"]).and_then(|answer| match answer.code {
        Some(0) | None => Ok(answer),
        Some(_) => Err(answer.failed()),
    });
    let version = version.map_err(|failed| {
        Refusal::of_worktree(format!("{failed}"), format!("install git {}.{} or newer, or work without worktrees", OLDEST.0, OLDEST.1))
    })?;
    if version.code.is_none() {
        return Err(Refusal::of_worktree(version.failed().to_string(), "start it again"));
    }
    let version = version.printed.trim();
    if version_of(version).is_none_or(|version| version < OLDEST) {
        return Err(Refusal::of_worktree(
            format!("{version} is too old for worktrees"),
            format!("install git {}.{} or newer, or work without worktrees", OLDEST.0, OLDEST.1),
        ));
    }
    let found = git.ask(&["rev-parse", "--path-format=absolute", "--show-toplevel", "--git-common-dir"]).map_err(|failed| {
        Refusal::of_worktree(
            format!("{} is not in a worktree of a git repository: {failed}", here.display()),
            "start it inside a repository that has a commit, or work without worktrees",
        )
    })?;
    let real = |path: &str| canonical(Path::new(path)).ok();
    let mut lines = found.lines().map(real);
    match (lines.next().flatten(), lines.next().flatten()) {
        (Some(top), Some(common)) => Ok((top, common)),
        _ => Err(Refusal::of_worktree(
            format!("git reports a directory that cannot be reached: {found:?}"),
            "paths with line ends in them are not supported: move the repository",
        )),
    }
}

/// The branch that tasks begin at.
fn target(top: &Path, onto: Option<&str>) -> Result<String, Refusal> {
    let git = Git::at(top);
    let name = match onto {
        Some(name) if is_branch(name) => name.to_owned(),
        Some(name) => {
            return Err(Refusal::of_worktree(
                format!("{name:?} cannot be the name of a branch"),
                "name a local branch, for example --onto main",
            ));
        }
        None => {
            let head = git.run(&["symbolic-ref", "--quiet", "HEAD"])?;
            let named = head.printed.trim().strip_prefix("refs/heads/").map(str::to_owned);
            named.filter(|_| head.code == Some(0)).ok_or_else(|| {
                Refusal::of_worktree(
                    format!("HEAD is detached in {}, so tasks have no branch to start from", top.display()),
                    "check out a branch (`git switch BRANCH`, or `git switch -c NEW`), or name one with --onto BRANCH",
                )
            })?
        }
    };
    if branches(&git, &[&name])?.contains_key(&name) {
        return Ok(name);
    }
    Err(match onto {
        Some(_) if !git.ask(&["symbolic-ref", "--quiet", "--short", "HEAD"]).is_ok_and(|head| head == name) => {
            Refusal::of_worktree(format!("there is no local branch {name}"), format!("make it first, for example `git branch {name}`"))
        }
        _ => Refusal::of_worktree(
            format!("the branch {name} has no commit yet, so tasks cannot start from it"),
            "make the first commit, for example `git commit --allow-empty -m start`",
        ),
    })
}

/// Those of these branches that exist.
///
/// # Errors
/// Git fails.
pub(crate) fn branches(git: &Git, names: &[&str]) -> Result<BTreeMap<String, Branch>, GitFailed> {
    let wanted: Vec<String> = names.iter().map(|name| format!("refs/heads/{name}")).collect();
    let mut words = vec!["for-each-ref", "--format=%(refname)%00%(objectname)%00%(worktreepath)%00"];
    words.extend(wanted.iter().map(String::as_str));
    let listed = git.ask(&words)?;
    let fields: Vec<&str> = listed.split('\0').collect();
    let read = |chunk: &[&str]| {
        let [name, commit, path] = chunk else { return None };
        let name = name.trim_start_matches('\n').strip_prefix("refs/heads/")?;
        let checked_out = (!path.is_empty()).then(|| PathBuf::from(path));
        Some((name.to_owned(), Branch { commit: (*commit).to_owned(), checked_out }))
    };
    Ok(fields.chunks_exact(3).filter_map(read).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_they_are_written() {
        for (text, version) in [
            ("git version 2.47.3", Some((2, 47))),
            ("git version 2.38.1.windows.1", Some((2, 38))),
            ("git version 2.39.5 (Apple Git-154)", Some((2, 39))),
            ("git version 2.37.0", Some((2, 37))),
            ("git version", None),
            ("git version next", None),
        ] {
            assert_eq!(version_of(text), version, "{text}");
        }
    }
}

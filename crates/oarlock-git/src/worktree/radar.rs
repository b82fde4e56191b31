//! Snapshots of agents' worktrees and their merges, again and again while agents work. Neither an index is touched, nor do objects stay in the
//! repository.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use oarlock_host::file::{canonical, private_dir};

use super::names::{BRANCHES, is_branch};
use super::refusal::Refusal;
use super::repo::{HOME, around};
use crate::merge::{Clash, MergeRepository};
use crate::program::{Git, GitFailed};
use crate::repository::{Repository, git_dir_of};

/// Snapshots of worktrees after which the objects of them are thrown away: each is as large as what has changed.
const SNAPSHOTS_MAX: usize = 500;
/// Pairs whose verdict is remembered.
const VERDICTS_MAX: usize = 10_000;
/// Settings of the user that could make a snapshot fail, start a process that stays, or write into the worktree's own directory.
const SNAPSHOT_SETTINGS: [&str; 8] =
    ["-c", "core.fsmonitor=false", "-c", "core.splitIndex=false", "-c", "core.safecrlf=false", "-c", "advice.addEmbeddedRepo=false"];

/// Looks at branches of tasks and at what is not committed on them yet.
#[derive(Debug)]
pub struct Radar {
    top: PathBuf,
    common: PathBuf,
    version: (u32, u32),
    /// Where agents' worktrees are: only those are looked into.
    home: Option<PathBuf>,
    scratch: PathBuf,
    /// By the directory of a worktree.
    snapshots: BTreeMap<PathBuf, Snapshot>,
    made: usize,
    /// By two commits.
    verdicts: BTreeMap<(String, String), Vec<Clash>>,
}

/// A branch, as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Live {
    /// Its name, without `refs/heads/`.
    pub name: String,
    /// Its tip, or a commit of what is not committed yet on top of it.
    pub commit: String,
    /// The tree of the tip.
    tree: String,
    /// The top of the worktree that has it checked out.
    checked_out: Option<PathBuf>,
}

/// The copy of an index.
#[derive(Debug)]
struct Snapshot {
    tip: String,
    /// The time and size of the index that it is a copy of.
    original: (SystemTime, u64),
    index: PathBuf,
}

impl Radar {
    /// A radar for the repository around `here`. `scratch` is a directory of its own, for objects and indexes: it is emptied at the beginning, and
    /// removed at the end.
    ///
    /// # Errors
    /// There is no git, it is too old, `here` is in no worktree, or `scratch` cannot be written.
    pub fn open(here: &Path, scratch: &Path) -> Result<Self, Refusal> {
        let (top, common) = around(here)?;
        let home = Repository::at(&top).map(|repository| repository.root().join(".oarlock").join(HOME));
        let home = home.and_then(|home| canonical(&home).ok());
        let scratch = scratch.to_owned();
        let version = MergeRepository::at(&common).version()?;
        let mut radar = Self { top, common, version, home, scratch, snapshots: BTreeMap::new(), made: 0, verdicts: BTreeMap::new() };
        radar.clear()?;
        Ok(radar)
    }

    /// The directory that all worktrees of the repository around `here` share.
    ///
    /// # Errors
    /// As [`Radar::open`].
    pub fn common_dir(here: &Path) -> Result<PathBuf, Refusal> {
        around(here).map(|(_, common)| common)
    }

    /// The branches of tasks with work that is in none of these branches, committed or not; branches that are missing contain nothing.
    ///
    /// # Errors
    /// Git fails.
    pub fn live(&mut self, onto: &[&str]) -> Result<Vec<Live>, Refusal> {
        let targets = self.listed(&onto.iter().map(|name| format!("refs/heads/{name}")).collect::<Vec<_>>(), &[])?;
        self.not_in(&targets.iter().map(|target| target.commit.as_str()).collect::<Vec<_>>())
    }

    /// [`Radar::live`] by the names of commits.
    pub(crate) fn not_in(&mut self, commits: &[&str]) -> Result<Vec<Live>, Refusal> {
        let of_tasks = [format!("refs/heads/{BRANCHES}")];
        let merged: Vec<String> = commits.iter().map(|commit| format!("--no-merged={commit}")).collect();
        let unmerged: BTreeSet<String> = self.listed(&of_tasks, &merged)?.into_iter().map(|branch| branch.name).collect();
        let of_runs = format!("{BRANCHES}run/");
        let mut live = Vec::new();
        for mut branch in self.listed(&of_tasks, &[])? {
            let is_unmerged = unmerged.contains(&branch.name);
            if branch.name.starts_with(&of_runs) || !(is_unmerged || self.is_agents(&branch)) {
                continue;
            }
            // Most often the work of an attempt is committed at its end only: until then its branch is in the target.
            if self.with_uncommitted(&mut branch) || is_unmerged {
                live.push(branch);
            }
        }
        Ok(live)
    }

    /// The checked-out commit of the caller's worktree; none before the first one.
    pub(crate) fn head(&self) -> Result<Option<String>, Refusal> {
        let head = Git::at(&self.top).run(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])?;
        Ok(Some(head.printed.trim().to_owned()).filter(|commit| head.code == Some(0) && !commit.is_empty()))
    }

    /// A branch by its name, or by the id of its task.
    ///
    /// # Errors
    /// There is none, or git fails.
    pub fn named(&self, name: &str) -> Result<Live, Refusal> {
        if !is_branch(name) {
            return Err(Refusal::of_task(format!("{name:?} cannot be the name of a branch"), "name a local branch, for example main"));
        }
        let of_task = format!("{BRANCHES}{name}");
        let found = self.listed(&[format!("refs/heads/{name}"), format!("refs/heads/{of_task}")], &[])?;
        [name, &of_task].into_iter().find_map(|name| found.iter().find(|branch| branch.name == name)).cloned().ok_or_else(|| {
            Refusal::of_task(format!("there is no local branch {name}"), format!("`git branch --list '{BRANCHES}*'` lists those of tasks"))
        })
    }

    /// Puts a commit of what an agent has not committed yet on top of its branch; the same files give the same commit. Whether there is any. A
    /// worktree that cannot be read in this moment counts as it is committed.
    pub(crate) fn with_uncommitted(&mut self, branch: &mut Live) -> bool {
        let Some(dir) = branch.checked_out.clone().filter(|_| self.is_agents(branch)) else { return false };
        let Ok(Some(commit)) = self.snapshot(&dir, branch) else { return false };
        branch.commit = commit;
        true
    }

    fn is_agents(&self, branch: &Live) -> bool {
        let above = branch.checked_out.as_deref().and_then(Path::parent).and_then(|dir| canonical(dir).ok());
        above.is_some() && above == self.home
    }

    /// Where two commits conflict; asked of git once for each two.
    ///
    /// # Errors
    /// Git fails: the commits have nothing in common, or objects are missing.
    pub fn compare(&mut self, a: &str, b: &str) -> Result<&[Clash], GitFailed> {
        let key = (a.to_owned(), b.to_owned());
        if !self.verdicts.contains_key(&key) {
            let clashes = self.merges().clashes(a, b)?;
            if self.verdicts.len() >= VERDICTS_MAX {
                self.verdicts.clear();
            }
            self.verdicts.insert(key.clone(), clashes);
        }
        Ok(self.verdicts.get(&key).map_or(&[], Vec::as_slice))
    }

    /// The files in which two commits conflict, without their places.
    pub(crate) fn conflicting_files(&self, a: &str, b: &str) -> Result<Vec<String>, GitFailed> {
        self.merges().conflicting_files(a, b)
    }

    fn merges(&self) -> MergeRepository {
        MergeRepository::taken_for(&self.common, self.version).with_objects(&self.objects())
    }

    fn objects(&self) -> PathBuf {
        self.scratch.join("objects")
    }

    /// Begins with an empty directory that knows the repository's objects.
    fn clear(&mut self) -> Result<(), Refusal> {
        self.snapshots.clear();
        self.made = 0;
        let failed = |error: std::io::Error| {
            Refusal::of_worktree(
                format!("{} cannot be written: {error}", self.scratch.display()),
                "make the repository writable for this user",
            )
        };
        match fs::remove_dir_all(&self.scratch) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let info = self.objects().join("info");
        private_dir().recursive(true).create(&info).map_err(failed)?;
        let mut known = self.common.join("objects").into_os_string().into_encoded_bytes();
        known.push(b'\n');
        fs::write(info.join("alternates"), known).map_err(failed)
    }

    fn listed(&self, patterns: &[String], filters: &[String]) -> Result<Vec<Live>, Refusal> {
        if patterns.is_empty() {
            return Ok(Vec::new());
        }
        let mut words = vec!["for-each-ref".to_owned(), "--format=%(refname)%00%(objectname)%00%(tree)%00%(worktreepath)%00".to_owned()];
        words.extend(filters.iter().chain(patterns).cloned());
        let listed = Git::at(&self.top).ask(&words)?;
        let fields: Vec<&str> = listed.split('\0').collect();
        let read = |chunk: &[&str]| {
            let [name, commit, tree, path] = chunk else { return None };
            let name = name.trim_start_matches('\n').strip_prefix("refs/heads/")?.to_owned();
            let checked_out = (!path.is_empty()).then(|| PathBuf::from(path));
            Some(Live { name, commit: (*commit).to_owned(), tree: (*tree).to_owned(), checked_out })
        };
        Ok(fields.chunks_exact(4).filter_map(read).collect())
    }

    fn snapshot(&mut self, dir: &Path, branch: &Live) -> Result<Option<String>, GitFailed> {
        if self.made >= SNAPSHOTS_MAX {
            self.clear().map_err(|refusal| GitFailed(refusal.message))?;
        }
        let io = |error: std::io::Error| GitFailed(error.to_string());
        let Some(original) = git_dir_of(dir).map(|admin| admin.join("index")) else { return Ok(None) };
        let found = fs::metadata(&original).map_err(io)?;
        let stamp = (found.modified().map_err(io)?, found.len());
        let is_known = self.snapshots.get(dir).is_some_and(|known| known.tip == branch.commit && known.original == stamp);
        if !is_known {
            let index = self.scratch.join(format!("index-{}", self.snapshots.len()));
            let index = self.snapshots.remove(dir).map_or(index, |known| known.index);
            fs::copy(&original, &index).map_err(io)?;
            // Git takes a file that is as old as its index for one that may have changed after it.
            File::options().write(true).open(&index).and_then(|file| file.set_modified(stamp.0)).map_err(io)?;
            self.snapshots.insert(dir.to_owned(), Snapshot { tip: branch.commit.clone(), original: stamp, index });
        }
        let Some(known) = self.snapshots.get(dir) else { return Ok(None) };
        let git = Git::at(dir)
            .with("GIT_OPTIONAL_LOCKS", "0")
            .with("GIT_INDEX_FILE", known.index.clone())
            .with("GIT_OBJECT_DIRECTORY", self.objects());
        // What cannot be read, such as a repository without a commit inside, is left out.
        git.run(&[&SNAPSHOT_SETTINGS[..], &["add", "--all", "--sparse", "--ignore-errors", "--", ":(top)"]].concat())?;
        let tree = git.ask(&[&SNAPSHOT_SETTINGS[..], &["write-tree"]].concat())?;
        if tree == branch.tree {
            return Ok(None);
        }
        self.made += 1;
        // The same commit for the same tree, at any time.
        let fixed = ["AUTHOR", "COMMITTER"].iter().flat_map(|role| {
            [("NAME", "oarlock"), ("EMAIL", "oarlock@oarlock.invalid"), ("DATE", "@0 +0000")]
                .map(|(what, value)| (format!("GIT_{role}_{what}"), value))
        });
        let git = fixed.fold(git, |git, (name, value)| git.with(name, value));
        super::tree::commit(&git, &tree, &[&branch.commit], "uncommitted").map(Some)
    }
}

impl Drop for Radar {
    fn drop(&mut self) {
        // What stays is emptied by the next one, and goes away with the project.
        let _ = fs::remove_dir_all(&self.scratch);
    }
}

//! Finding a project: the nearest repository, whose worktrees share one, or the nearest `.oarlock` directory.

use oarlock_host::file::{WithoutTraps as _, private_dir};
use oarlock_model::{Rejection, seeded};
use oarlock_ops::OpError;
use oarlock_ops::store::StoreError;
use oarlock_sqlite::StorePaths;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::paths::PROJECT_DIR;
use crate::trust;
use oarlock_git::Repository;

/// Prefix of generated task ids when none is chosen.
pub const TASK_PREFIX: &str = "T";

/// The files of the project's directory that git must not see: everything but the configuration.
const IGNORE: &str = "*\n!config.toml\n";

/// A project: a root directory with a `.oarlock` directory in it.
#[derive(Clone, Debug)]
pub struct Project {
    root: PathBuf,
    /// Directories in which another store of the same repository may lie: from an older program, or left by a move.
    others: Vec<PathBuf>,
}

impl PartialEq for Project {
    fn eq(&self, other: &Self) -> bool {
        self.root == other.root
    }
}

impl Eq for Project {}

impl Project {
    /// The project that a directory belongs to, which need not have been made yet: of the nearest
    /// repository upward, so that its linked worktrees share one; else the nearest `.oarlock` upward.
    pub fn around(dir: &Path) -> Option<Self> {
        let is_one = |dir: &Path| dir.is_dir() || dir.is_symlink();
        let of_project = || dir.ancestors().find(|above| is_one(&above.join(PROJECT_DIR))).map(Self::at);
        Self::of_repository(dir).or_else(of_project)
    }

    /// The same; where there is none, the one that would be made in this directory.
    pub fn around_or_at(dir: &Path) -> Self {
        Self::around(dir).unwrap_or_else(|| Self::at(dir))
    }

    /// The project of the nearest repository upward. Its root is the directory beside the common directory when that, links
    /// resolved, is called `.git`; the worktree that its `core.worktree` names (a submodule); else the common directory itself
    /// (`--separate-git-dir`, a `.git` that is a link, a bare repository).
    pub fn of_repository(dir: &Path) -> Option<Self> {
        let repository = dir.ancestors().find_map(Repository::at)?;
        Some(Self { root: repository.root(), others: repository.other_roots() })
    }

    /// Stores of the same repository that lie elsewhere.
    pub fn other_stores(&self) -> Vec<PathBuf> {
        let stores = self.others.iter().map(|root| Self::at(root).store_file());
        stores.filter(|store| store.exists()).collect()
    }

    /// Refuses to make a second store for a repository that has one elsewhere.
    ///
    /// # Errors
    /// `state_conflict` that names it.
    pub fn check_single(&self) -> Result<(), OpError> {
        match self.other_stores().first() {
            Some(other) if !self.store_file().exists() => Err(Rejection::Conflict {
                message: format!("this repository has a store at {}, and its place is {}", other.display(), self.dir().display()),
                hint: moving(other, &self.dir()),
                details: serde_json::json!({"store": other.display().to_string(), "place": self.dir().display().to_string()}),
            }
            .into()),
            _ => Ok(()),
        }
    }

    /// The project that a directory belongs to, when it has been made.
    ///
    /// # Errors
    /// `not_found`.
    pub fn find(dir: &Path) -> Result<Self, OpError> {
        let around = Self::around(dir);
        if let Some(project) = &around {
            // A link would be taken for its target, or for nothing, and a file closed to this user for a lost one.
            let place = StorePaths::of_file(project.store_file());
            place.check_dir()?;
            trust::check_owner(&place)?;
        }
        match around {
            Some(project) if project.store_file().exists() => Ok(project),
            Some(project) if !project.other_stores().is_empty() => {
                let other = project.other_stores().swap_remove(0);
                Err(Rejection::Missing {
                    message: format!(
                        "the store of this repository is at {}, and its place is {}",
                        other.display(),
                        project.dir().display()
                    ),
                    hint: moving(&other, &project.dir()),
                }
                .into())
            }
            Some(project) if project.dir().is_dir() => Err(Rejection::Missing {
                message: format!("the project in {} has lost its store", project.root.display()),
                hint: "was it deleted, by `git clean` perhaps? `oarlock init` makes a new one, `oarlock restore F` takes a backup".into(),
            }
            .into()),
            _ => Err(Rejection::Missing {
                message: "there is no Oarlock project here".into(),
                hint: "make one with `oarlock init`, or name a store with --store sqlite:PATH".into(),
            }
            .into()),
        }
    }

    /// The project whose root is this directory.
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_owned(), others: Vec::new() }
    }

    /// The project whose store is this file, when it lies where a project's store does.
    pub fn of_store(file: &Path) -> Option<Self> {
        let dir = file.parent().filter(|dir| dir.ends_with(PROJECT_DIR))?;
        let root = dir.parent()?;
        file.ends_with(oarlock_sqlite::STORE_FILE).then(|| Self::at(root))
    }

    /// The root directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The project's own directory.
    pub fn dir(&self) -> PathBuf {
        self.root.join(PROJECT_DIR)
    }

    /// The database.
    pub fn store_file(&self) -> PathBuf {
        self.dir().join(oarlock_sqlite::STORE_FILE)
    }

    /// Makes the project's directory, hidden from git except for its configuration.
    ///
    /// # Errors
    /// `store_unavailable` when it cannot be written.
    pub fn make_dir(&self) -> Result<(), OpError> {
        let dir = self.dir();
        let ignore = dir.join(".gitignore");
        StorePaths::of_file(self.store_file()).check_dir()?;
        let found = ignore.symlink_metadata();
        if found.as_ref().is_ok_and(|found| !found.is_file()) && !seeded::is(seeded::LINKS_FOLLOWED) {
            return Err(StoreError::Damaged {
                message: format!("{} is not a regular file; nothing was written", ignore.display()),
                hint: "remove it: a repository can bring links, and they are not followed".into(),
            }
            .into());
        }
        let write =
            || OpenOptions::new().write(true).create_new(true).without_traps().made_with(0o600).open(&ignore)?.write_all(IGNORE.as_bytes());
        let made = private_dir().recursive(true).create(&dir).and_then(|()| if found.is_ok() { Ok(()) } else { write() });
        match made {
            // Another one makes the project in this moment.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            made => made.map_err(|error| {
                StoreError::Unavailable {
                    message: format!("failed to make {}: {error}", dir.display()),
                    hint: "make the directory writable for this user, or keep the store elsewhere with --store sqlite:PATH".into(),
                }
                .into()
            }),
        }
    }
}

/// How a store gets to its place.
fn moving(store: &Path, place: &Path) -> String {
    let from = store.parent().unwrap_or(store);
    format!(
        "end what uses it, then move it: mkdir -p '{}' && mv '{}' '{}'; or name it with --store sqlite:{}",
        place.parent().unwrap_or(place).display(),
        from.display(),
        place.display(),
        store.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn git_dir(dir: &Path, config: &str) {
        fs::create_dir_all(dir.join("objects")).expect("temporary");
        fs::write(dir.join("HEAD"), "ref: refs/heads/main\n").expect("temporary");
        fs::write(dir.join("config"), config).expect("temporary");
    }

    #[test]
    fn linked_worktrees_share_the_project_of_the_main_one() {
        let temp = tempfile::tempdir().expect("temporary");
        let (main, linked) = (temp.path().join("main"), temp.path().join("linked"));
        git_dir(&main.join(".git"), "[core]\n\tbare = false\n");
        let link = main.join(".git/worktrees/linked");
        fs::create_dir_all(&link).expect("temporary");
        fs::write(link.join("commondir"), "../..\n").expect("temporary");
        fs::create_dir_all(linked.join("deep/er")).expect("temporary");
        fs::write(linked.join(".git"), format!("gitdir: {}\n", link.display())).expect("temporary");
        for dir in [main.clone(), linked.clone(), linked.join("deep/er")] {
            assert_eq!(Project::around(&dir), Some(Project::at(&main)), "{}", dir.display());
        }
    }

    #[test]
    fn a_bare_repository_keeps_its_project_inside() {
        let temp = tempfile::tempdir().expect("temporary");
        let bare = temp.path().join("repo.git");
        git_dir(&bare, "[core]\n\tbare = true\n");
        let link = bare.join("worktrees/w");
        fs::create_dir_all(&link).expect("temporary");
        fs::write(link.join("commondir"), "../..\n").expect("temporary");
        let linked = temp.path().join("w");
        fs::create_dir_all(&linked).expect("temporary");
        fs::write(linked.join(".git"), format!("gitdir: {}\n", link.display())).expect("temporary");
        assert_eq!(Project::around(&bare), Some(Project::at(&bare)));
        assert_eq!(Project::around(&linked), Some(Project::at(&bare)));
    }

    #[test]
    fn without_git_the_nearest_project_directory_counts() {
        let temp = tempfile::tempdir().expect("temporary");
        let below = temp.path().join("a/b");
        fs::create_dir_all(&below).expect("temporary");
        fs::create_dir_all(temp.path().join("a").join(PROJECT_DIR)).expect("temporary");
        assert_eq!(Project::around(&below), Some(Project::at(&temp.path().join("a"))));
    }
}

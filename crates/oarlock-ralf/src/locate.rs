//! Which project is meant: the one that RALF's own variables name, the one around a directory, or the only one below its repository.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::layout;

/// The variables by which RALF's scripts name their project, the stronger one first.
pub const VARIABLES: [&str; 2] = ["RALF_PROJECT_DIR", "RALF_PROJECT_ROOT"];
/// How deep below a repository's root a project is looked for.
const DEPTH_MAX: usize = 4;
/// How many files and folders that search looks at.
const ENTRIES_MAX: usize = 50_000;
/// Projects that an error lists.
const LISTED_MAX: usize = 20;
/// The folder in which a repository of RALF's has its projects.
const MEMORY: &str = "5-project-memory";

/// A project that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// Its root.
    pub root: PathBuf,
    /// Whether it is not around the directory, but the only one below the directory's repository.
    pub is_below: bool,
}

/// Why there is no one project.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LocateError {
    /// A variable names something else.
    #[error("{variable} names {}, which has no files of RALF agents", path.display())]
    Named {
        /// The variable.
        variable: &'static str,
        /// The path in it.
        path: PathBuf,
    },
    /// There is none.
    #[error("there are no files of RALF agents around {} or below {}", dir.display(), searched.display())]
    None {
        /// The directory.
        dir: PathBuf,
        /// The folder below which they were looked for.
        searched: PathBuf,
    },
    /// There are several.
    #[error("there are several projects of RALF agents below {}: {}", searched.display(), listed(roots))]
    Several {
        /// The folder below which they lie.
        searched: PathBuf,
        /// Their roots.
        roots: Vec<PathBuf>,
    },
}

fn listed(roots: &[PathBuf]) -> String {
    let shown: Vec<String> = roots.iter().take(LISTED_MAX).map(|root| root.display().to_string()).collect();
    let more = roots.len().saturating_sub(LISTED_MAX);
    if more == 0 { shown.join(", ") } else { format!("{}, and {more} more", shown.join(", ")) }
}

/// The project that is meant in `dir`. `named` has what the variables say, the stronger one first: they win over the directory, as in all of
/// RALF's scripts. Else it is the nearest folder upward that has files of RALF agents, else the only one below the repository that `dir` is
/// in, so that a repository's root and its engine find the project that they serve.
///
/// # Errors
/// A variable names no project, or there is none, or there are several.
pub fn locate(dir: &Path, named: &[(&'static str, PathBuf)]) -> Result<Located, LocateError> {
    if let Some((variable, path)) = named.first() {
        let root = dir.join(path);
        return if is_named(&root) { Ok(Located { root, is_below: false }) } else { Err(LocateError::Named { variable, path: root }) };
    }
    if let Some(root) = dir.ancestors().find(|above| has_own_files(above)) {
        return Ok(Located { root: root.to_owned(), is_below: false });
    }
    let searched = dir.ancestors().find(|above| is_repository(above)).unwrap_or(dir).to_owned();
    let mut roots = below(&searched);
    match roots.len() {
        0 => Err(LocateError::None { dir: dir.to_owned(), searched }),
        1 => Ok(Located { root: roots.swap_remove(0), is_below: true }),
        _ => Err(LocateError::Several { searched, roots }),
    }
}

/// Whether a folder has files of RALF agents: a communications folder with YAML in it, or a folder of tasks that is not empty.
#[must_use]
pub fn is_project(dir: &Path) -> bool {
    has_own_files(dir) || layout::COMMUNICATIONS.iter().any(|folder| layout::has_yaml(&dir.join(folder)))
}

/// The projects below a folder, the nearest first. Projects within projects are theirs; links are not followed.
#[must_use]
pub fn below(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut entries) = (Vec::new(), 0);
    let mut open = VecDeque::from([(folder.to_owned(), 0)]);
    while let Some((dir, depth)) = open.pop_front() {
        let Ok(names) = fs::read_dir(&dir) else { continue };
        let (mut folders, mut may_be) = (Vec::new(), false);
        for entry in names.flatten() {
            entries += 1;
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            let name = entry.file_name();
            may_be |= name == ".autonomous" || name == "tasks";
            if !name.to_str().is_none_or(is_passed_over) {
                folders.push(entry.path());
            }
        }
        if may_be && has_own_files(&dir) {
            found.push(dir);
        } else if depth < DEPTH_MAX && entries < ENTRIES_MAX {
            folders.sort();
            open.extend(folders.into_iter().map(|folder| (folder, depth + 1)));
        }
    }
    found
}

/// Folders in which nobody keeps a project: hidden ones, what programs make, and patterns for new projects.
fn is_passed_over(name: &str) -> bool {
    name.starts_with(['.', '_']) || ["node_modules", "target"].contains(&name) || layout::is_template(name)
}

/// A variable is believed as soon as the folder is laid out as a project: its first files may still be to be written.
fn is_named(dir: &Path) -> bool {
    dir.join(".autonomous").is_dir() || dir.join("tasks/active").is_dir() || is_project(dir)
}

/// Whether a folder has files of its own agents. An engine has communications too, but serves a project that lies elsewhere.
fn has_own_files(dir: &Path) -> bool {
    let folders = layout::OWN_COMMUNICATIONS.map(|folder| dir.join(folder));
    // Most projects are known by their usual files, and most folders on the way up have nothing in which such files could lie.
    folders.iter().any(|folder| layout::has_usual_yaml(folder))
        || [layout::HIDDEN, layout::TASKS[0]].iter().any(|name| dir.join(name).is_dir())
            && (folders.iter().any(|folder| layout::has_yaml(folder)) || layout::has_tasks(dir))
}

fn is_repository(dir: &Path) -> bool {
    dir.join(oarlock_git::DOT_GIT).exists() || dir.join(MEMORY).is_dir()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, file: &str) {
        let file = root.join(file);
        fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        fs::write(file, "x").expect("written");
    }

    fn temporary() -> tempfile::TempDir {
        tempfile::tempdir().expect("temporary")
    }

    #[test]
    fn the_only_project_below_a_repository_is_found_from_everywhere_in_it() {
        let dir = temporary();
        let root = dir.path();
        let project = root.join("5-project-memory/one");
        write(root, "5-project-memory/one/.autonomous/agents/communications/queue.yaml");
        write(root, "5-project-memory/one/.autonomous/swarm/tasks/active/TASK-1.md");
        write(root, "5-project-memory/_template/tasks/working/x/task.md");
        write(root, "5-project-memory/one.old/tasks/active.txt");
        write(root, "node_modules/a/tasks/active/TASK-1.md");
        write(root, "target/a/tasks/active/TASK-1.md");
        write(root, ".autonomous/health/state.db");
        write(root, "2-engine/connections/communications/queue.yaml");
        fs::create_dir_all(root.join("2-engine/.autonomous/config")).expect("made");
        fs::create_dir_all(root.join("empty/tasks/active")).expect("made");
        for from in ["", "2-engine", "2-engine/.autonomous/config", "5-project-memory"] {
            assert_eq!(locate(&root.join(from), &[]), Ok(Located { root: project.clone(), is_below: true }), "{from}");
        }
        let inside = project.join(".autonomous/agents");
        assert_eq!(locate(&inside, &[]), Ok(Located { root: project.clone(), is_below: false }));
        // Who names the engine itself means it.
        assert!(is_project(&root.join("2-engine")) && !is_project(root) && !is_project(&root.join("empty")));
    }

    #[test]
    fn several_are_listed_and_none_is_said() {
        let dir = temporary();
        let root = dir.path();
        fs::create_dir_all(root.join(".git")).expect("made");
        assert_eq!(locate(root, &[]), Err(LocateError::None { dir: root.to_owned(), searched: root.to_owned() }));
        write(root, "b/tasks/completed/TASK-1.md");
        write(root, "a/c/.autonomous/communications/events.yaml");
        let error = locate(&root.join("b/src"), &[]).expect("the nearest upward");
        assert_eq!(error.root, root.join("b"));
        let error = locate(root, &[]).expect_err("two").to_string();
        let (a, b) = (root.join("a/c").display().to_string(), root.join("b").display().to_string());
        assert!(error.contains(&a) && error.contains(&b), "{error}");
    }

    #[test]
    fn what_a_variable_names_wins_and_must_be_one() {
        let dir = temporary();
        let root = dir.path();
        write(root, "a/tasks/active/TASK-1.md");
        write(root, "b/tasks/active/TASK-1.md");
        let named = |path: &str| vec![(VARIABLES[0], PathBuf::from(path)), (VARIABLES[1], root.join("a"))];
        let found = locate(&root.join("a"), &named(&root.join("b").display().to_string())).expect("named");
        assert_eq!(found, Located { root: root.join("b"), is_below: false });
        assert_eq!(locate(root, &named("b")).expect("from here").root, root.join("b"));
        let error = locate(&root.join("a"), &named("c")).expect_err("none there").to_string();
        assert!(error.contains("RALF_PROJECT_DIR names") && error.contains("/c"), "{error}");
    }

    #[test]
    fn a_deep_tree_ends_the_search() {
        let dir = temporary();
        write(dir.path(), "a/b/c/d/tasks/active/TASK-1.md");
        write(dir.path(), "a/b/c/d/e/tasks/active/TASK-1.md");
        assert_eq!(below(dir.path()), [dir.path().join("a/b/c/d")]);
        write(dir.path(), "1/2/3/4/5/tasks/active/TASK-1.md");
        assert_eq!(below(dir.path()).len(), 1);
    }
}

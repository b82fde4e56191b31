//! A snapshot of a repository with its work tree, and the questions about it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::output::Outcome;

/// The programs that are used.
pub(super) struct Tools {
    pub(super) program: PathBuf,
    pub(super) python: PathBuf,
}

/// Folders in which projects lie, below a repository's root; the first that has one is meant.
const PROJECTS: [&str; 4] = ["5-project-memory/blackbox5", "5-project-memory/ralf-core", "5-project-memory/siso-internal", "."];

/// A work tree at one commit.
pub(super) struct Tree<'a> {
    tools: &'a Tools,
    pub(super) repository: PathBuf,
    /// The project's folder in it.
    pub(super) project: PathBuf,
}

/// Runs git in a repository; what it prints.
///
/// # Errors
/// It fails.
pub(super) fn git(repository: &Path, arguments: &[&str]) -> Outcome<String> {
    let mut command = Command::new("git");
    command.args([
        "-c",
        "user.name=trees",
        "-c",
        "user.email=trees@example.invalid",
        "-c",
        "commit.gpgsign=false",
        "-c",
        "core.quotepath=off",
    ]);
    let output = command.arg("-C").arg(repository).args(arguments).stdin(Stdio::null()).output()?;
    if !output.status.success() {
        return Err(format!("git {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim()).into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The folder of the project in a commit, if there is one with communication files or open tasks.
///
/// # Errors
/// Git fails.
pub(super) fn project_in(repository: &Path, commit: &str) -> Outcome<Option<&'static str>> {
    for project in PROJECTS {
        let at = |folder: &str| if project == "." { folder.to_owned() } else { format!("{project}/{folder}") };
        let folders =
            [".autonomous/agents/communications", ".autonomous/communications", "tasks/active", ".autonomous/tasks/active"].map(at);
        let mut arguments = vec!["ls-tree", "--name-only", commit, "--"];
        arguments.extend(folders.iter().map(String::as_str));
        if !git(repository, &arguments)?.trim().is_empty() {
            return Ok(Some(project));
        }
    }
    Ok(None)
}

/// Writes the project's files as they were in a commit. A file whose content the repository lacks is left out.
fn write_out(repo: &Path, commit: &str, project: &str, place: &Path) -> Outcome<()> {
    let index = tempfile::tempdir()?;
    let repo = std::path::absolute(repo)?;
    let run = |script: &str| {
        let mut command = Command::new("sh");
        command.args(["-c", script]).current_dir(place).env("GIT_DIR", &repo).env("GIT_INDEX_FILE", index.path().join("index"));
        command.stdin(Stdio::null()).stderr(Stdio::null()).status()
    };
    if !run(&format!("git --work-tree=. read-tree {commit}"))?.success() {
        return Err(format!("{commit} cannot be read").into());
    }
    run(&format!("git --work-tree=. ls-files -z -- '{project}' .gitignore | git --work-tree=. checkout-index --force -z --stdin"))?;
    Ok(())
}

impl<'a> Tree<'a> {
    /// Makes a repository at `place` with the project as it was in `commit`, on the branch `work`, and in `other`, on the branch `other`.
    /// It has objects of its own: the repository that is given may lack its largest files.
    ///
    /// # Errors
    /// Git fails, or there is no project.
    pub(super) fn make(tools: &'a Tools, repo: &Path, commit: &str, other: &str, place: &Path) -> Outcome<Self> {
        let project = project_in(repo, commit)?.ok_or_else(|| format!("{commit} has no project"))?;
        fs::create_dir_all(place)?;
        git(place, &["init", "--quiet", "-b", "other"])?;
        for (branch, commit) in [("other", other), ("work", commit)] {
            if branch == "work" {
                git(place, &["checkout", "--quiet", "-b", branch])?;
                git(place, &["rm", "-r", "--quiet", "--force", "--ignore-unmatch", "."])?;
            }
            write_out(repo, commit, project, place)?;
            // Files that are ignored and were committed anyway are part of it.
            git(place, &["add", "--all", "--force"])?;
            git(place, &["commit", "--quiet", "--allow-empty", "-m", commit])?;
        }
        Ok(Self { tools, repository: place.to_owned(), project: place.join(project) })
    }

    pub(super) fn git(&self, arguments: &[&str]) -> Outcome<String> {
        git(&self.repository, arguments)
    }

    /// A call of the program in the project; its reply, or the error's message with its code.
    pub(super) fn oarlock(&self, arguments: &[&str]) -> Outcome<Value> {
        let mut command = Command::new(&self.tools.program);
        command.args(arguments).arg("--json").current_dir(&self.project).stdin(Stdio::null());
        for variable in ["OARLOCK_AGENT", "OARLOCK_SESSION", "OARLOCK_STORE", "RALF_PROJECT_DIR", "RALF_PROJECT_ROOT"] {
            command.env_remove(variable);
        }
        let output = command.output()?;
        if output.status.success() {
            return Ok(serde_json::from_slice(&output.stdout)?);
        }
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let error: Value = serde_json::from_str(&text).unwrap_or_default();
        let (code, message) = (error["error"]["code"].as_str(), error["error"]["message"].as_str());
        Err(format!("{}: {}: {}", arguments.join(" "), code.unwrap_or("error"), message.unwrap_or(text.trim())).into())
    }

    /// The YAML files of the project, and whether PyYAML can read each: all documents of it.
    pub(super) fn yaml(&self) -> Outcome<BTreeMap<String, Yaml>> {
        let output = Command::new(&self.tools.python).args(["-c", READER]).arg(&self.project).stdin(Stdio::null()).output()?;
        if !output.status.success() {
            return Err("PyYAML could not be run".into());
        }
        let mut files = BTreeMap::new();
        for line in String::from_utf8(output.stdout)?.lines() {
            let mut parts = line.splitn(3, ' ');
            if let (Some(readable), Some(digest), Some(path)) = (parts.next(), parts.next(), parts.next()) {
                files.insert(path.to_owned(), Yaml { is_readable: readable == "1", digest: digest.to_owned() });
            }
        }
        Ok(files)
    }
}

/// A YAML file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Yaml {
    pub(super) is_readable: bool,
    pub(super) digest: String,
}

/// Files that could be read before and cannot now: by their path, or, where the path is new, by their content.
pub(super) fn damaged(before: &BTreeMap<String, Yaml>, now: &BTreeMap<String, Yaml>) -> Vec<String> {
    let was_damaged = |path: &String, yaml: &Yaml| match before.get(path) {
        Some(known) => !known.is_readable,
        None => before.values().any(|known| !known.is_readable && known.digest == yaml.digest),
    };
    now.iter().filter(|(path, yaml)| !yaml.is_readable && !was_damaged(path, yaml)).map(|(path, _)| path.clone()).collect()
}

/// Prints for each YAML file whether it can be read, the hash of its content, and its path.
const READER: &str = r#"
import hashlib, os, sys, yaml
loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
root = sys.argv[1]
for folder, folders, files in os.walk(root):
    folders[:] = [name for name in folders if name not in (".git", ".oarlock")]
    for name in files:
        if name.endswith((".yaml", ".yml")):
            path = os.path.join(folder, name)
            if os.path.islink(path) and not os.path.exists(path):
                continue
            data = open(path, "rb").read()
            try:
                list(yaml.load_all(data, Loader=loader))
                readable = 1
            except Exception:
                readable = 0
            print(readable, hashlib.sha256(data).hexdigest(), os.path.relpath(path, root))
"#;

#[cfg(test)]
mod tests {
    use super::*;

    fn files(of: &[(&str, bool, &str)]) -> BTreeMap<String, Yaml> {
        of.iter()
            .map(|(path, readable, digest)| ((*path).to_owned(), Yaml { is_readable: *readable, digest: (*digest).to_owned() }))
            .collect()
    }

    #[test]
    fn only_new_damage_counts() {
        let before = files(&[("a", true, "1"), ("b", false, "2"), ("c", false, "3")]);
        assert!(damaged(&before, &before).is_empty());
        // Moved as it was.
        assert!(damaged(&before, &files(&[("d/b", false, "2")])).is_empty());
        assert_eq!(damaged(&before, &files(&[("a", false, "9"), ("b", false, "8"), ("new", false, "7")])), ["a", "new"]);
    }
}

//! The data set as it lies on the disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::sandbox::git;
use crate::output::Outcome;

/// Where the data set comes from.
pub(super) const URL: &str = "https://github.com/cooperbench/CooperBench";
/// Marks of files that the data set takes for tests, and leaves out of features when it asks for conflicts.
const TESTS: [&str; 5] = ["/test_", "/tests/", "_test.py", "/test/", "tests.py"];

/// The data set, and the repositories beside it.
pub(super) struct Dataset {
    dir: PathBuf,
    root: PathBuf,
}

/// Features that were made for one commit of a project.
pub(super) struct Task {
    /// `REPOSITORY_task/taskN`.
    pub(super) name: String,
    /// `OWNER/NAME` of the upstream repository.
    pub(super) repository: String,
    /// The commit that the features begin at.
    pub(super) base: String,
    /// The numbers of the features.
    pub(super) features: Vec<u32>,
    dir: PathBuf,
}

/// A task with its upstream repository.
pub(super) type Found = (Task, PathBuf);

/// Whether two features of a task conflict.
pub(super) type Gold = BTreeMap<(String, u32, u32), bool>;

impl Dataset {
    pub(super) fn open(dir: &Path) -> Outcome<Self> {
        let dir = std::path::absolute(dir)?;
        let found = [dir.join("CooperBench/dataset"), dir.join("dataset")].into_iter().find(|root| root.is_dir());
        let root = found.ok_or_else(|| format!("{} has no data set: git clone {URL} {}/CooperBench", dir.display(), dir.display()))?;
        Ok(Self { dir, root })
    }

    /// The tasks by name; those whose names begin so, if any are named.
    pub(super) fn tasks(&self, only: &[String]) -> Outcome<Vec<Task>> {
        let mut tasks = Vec::new();
        for repository in folders(&self.root)? {
            for dir in folders(&repository)? {
                let name = format!("{}/{}", name_of(&repository), name_of(&dir));
                if only.is_empty() || only.iter().any(|wanted| name.starts_with(wanted.as_str())) {
                    tasks.extend(Task::read(name, dir)?);
                }
            }
        }
        Ok(tasks)
    }

    /// Which pairs conflict.
    pub(super) fn gold(&self) -> Outcome<Gold> {
        let file = self.root.join("gold_conflict_report.json");
        let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let report: Value = serde_json::from_str(&text)?;
        let number = |pair: &Value, name: &str| pair[name].as_u64().and_then(|number| u32::try_from(number).ok());
        let read = |pair: &Value| {
            let name = format!("{}/task{}", pair["repo"].as_str()?, pair["task_id"]);
            Some(((name, number(pair, "f1")?, number(pair, "f2")?), pair["has_conflict"].as_bool()?))
        };
        Ok(report["all_results"].as_array().into_iter().flatten().filter_map(read).collect())
    }

    /// The repository that has the task's base.
    pub(super) fn upstream(&self, task: &Task) -> Option<PathBuf> {
        let (joined, name) = (task.repository.replace('/', "+"), task.repository.rsplit('/').next().unwrap_or_default());
        let places = [joined.clone(), format!("{joined}/repo"), name.to_owned(), format!("{name}.git"), task.repository.clone()];
        let object = format!("{}^{{tree}}", task.base);
        places.into_iter().map(|place| self.dir.join(place)).find(|dir| dir.is_dir() && git(dir, &["cat-file", "-e", &object]).is_ok())
    }

    pub(super) fn missing(&self, task: &Task) -> String {
        let (url, dir) = (format!("https://github.com/{}", task.repository), self.dir.join(task.repository.replace('/', "+")));
        format!("no repository there has {}: git clone {url} {}", task.base, dir.display())
    }
}

/// Clones a repository that is not there yet.
pub(super) fn fetch(dir: &Path, url: &str, name: &str) -> Outcome<()> {
    let target = dir.join(name);
    if target.exists() {
        return Ok(());
    }
    let status = Command::new("git").args(["clone", "--quiet", url]).arg(&target).status()?;
    if status.success() { Ok(()) } else { Err(format!("git clone {url}: {status}").into()) }
}

impl Task {
    /// None for a folder without features, or without a commit to begin at.
    fn read(name: String, dir: PathBuf) -> Outcome<Option<Self>> {
        let text = |file: &str| fs::read_to_string(dir.join(file)).unwrap_or_default();
        let (docker, setup) = (text("Dockerfile"), text("setup.sh"));
        let base = after_checkout(&docker).or_else(|| setup.lines().find_map(|line| hash_in(line.strip_prefix("BASE_COMMIT=")?)));
        let repository = [&docker, &setup].into_iter().find_map(|text| repository_in(text));
        let numbers = folders(&dir)?.into_iter().filter_map(|dir| name_of(&dir).strip_prefix("feature")?.parse().ok());
        let mut features: Vec<u32> = numbers.collect();
        features.retain(|feature| dir.join(format!("feature{feature}/feature.patch")).is_file());
        features.sort_unstable();
        Ok(match (base, repository) {
            (Some(base), Some(repository)) if !features.is_empty() => Some(Self { name, repository, base, features, dir }),
            _ => None,
        })
    }

    /// The bytes of a feature, as its author made it.
    pub(super) fn feature(&self, feature: u32) -> Outcome<Vec<u8>> {
        self.file(&format!("feature{feature}/feature.patch"))
    }

    /// The same without files that the data set takes for tests: what its verdicts are about.
    pub(super) fn feature_without_tests(&self, feature: u32) -> Outcome<Vec<u8>> {
        Ok(without_tests(&self.feature(feature)?))
    }

    /// The tests of a feature.
    pub(super) fn tests(&self, feature: u32) -> Outcome<Vec<u8>> {
        self.file(&format!("feature{feature}/tests.patch"))
    }

    /// All features in one; none where the task has none.
    pub(super) fn combined(&self) -> Option<Vec<u8>> {
        fs::read(self.dir.join("combined.patch")).ok().filter(|bytes| !bytes.is_empty())
    }

    fn file(&self, name: &str) -> Outcome<Vec<u8>> {
        let file = self.dir.join(name);
        fs::read(&file).map_err(|error| format!("{}: {error}", file.display()).into())
    }
}

fn without_tests(patch: &[u8]) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut skips = false;
    for line in patch.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b"diff --git") {
            let line = String::from_utf8_lossy(line);
            skips = TESTS.iter().any(|mark| line.contains(mark));
        }
        if !skips {
            kept.extend_from_slice(line);
        }
    }
    if kept.last().is_some_and(|last| *last != b'\n') {
        kept.push(b'\n');
    }
    kept
}

fn folders(dir: &Path) -> Outcome<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> = fs::read_dir(dir)?.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    found.sort();
    Ok(found)
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn after_checkout(text: &str) -> Option<String> {
    text.split("git checkout").skip(1).find_map(hash_in)
}

/// The 40 digits that a text begins with, behind blanks and quotes.
fn hash_in(text: &str) -> Option<String> {
    let text = text.trim_start_matches([' ', '"', '\'']);
    let hash: String = text.chars().take_while(char::is_ascii_hexdigit).collect();
    (hash.len() == 40).then_some(hash)
}

fn repository_in(text: &str) -> Option<String> {
    text.split("github.com/").skip(1).find_map(|rest| {
        let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_./".contains(*c)).collect();
        let name = name.trim_end_matches('/').trim_end_matches(".git");
        let parts: Vec<&str> = name.split('/').collect();
        (parts.len() == 2 && parts.iter().all(|part| !part.is_empty())).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_s_files_say_where_it_begins() {
        let docker = "RUN git clone https://github.com/go-chi/chi.git repo && \\\n cd repo && \\\n git checkout 9436cc85db0d35be06e66b91b4f74bbc0295b07b\n";
        assert_eq!(repository_in(docker).as_deref(), Some("go-chi/chi"));
        assert_eq!(after_checkout(docker).as_deref(), Some("9436cc85db0d35be06e66b91b4f74bbc0295b07b"));
        assert_eq!(after_checkout("git checkout \"$BASE\"\ngit checkout main"), None);
        assert_eq!(repository_in("https://github.com/${OWNER}/${NAME}\nhttps://github.com/a/b/"), Some("a/b".into()));
    }

    #[test]
    fn tests_are_left_out_of_features() {
        let patch = b"diff --git a/a.py b/a.py\n+x\r\ndiff --git a/tests/a.py b/tests/a.py\n+y\ndiff --git a/b.py b/b.py\n+z";
        assert_eq!(without_tests(patch), b"diff --git a/a.py b/a.py\n+x\r\ndiff --git a/b.py b/b.py\n+z\n");
    }
}

//! The suite itself: where it lies, how it is installed, and what it says.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use crate::node::Node;
use crate::output::Outcome;

/// The suite, with the version whose scenarios the fixtures were written for.
const PACKAGE: &str = "@modelcontextprotocol/conformance@0.2.0-alpha.12";

/// An installed suite.
pub(super) struct Suite {
    dir: PathBuf,
    node: Node,
}

/// The suite's result for one revision.
#[derive(Default)]
pub(super) struct Report {
    /// Its summary, as it prints it.
    pub(super) text: String,
    /// The tests it ran.
    pub(super) scenarios: Vec<Scenario>,
    /// Where it put the details.
    pub(super) results: PathBuf,
}

/// A scenario that was run.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Scenario {
    /// Its name.
    pub(super) name: String,
    /// The revision requires it. Others are extensions, newer than the revision, or not finished.
    pub(super) is_scored: bool,
    /// None of its checks failed.
    pub(super) has_passed: bool,
    /// This many of its checks say that they passed: none when the scenario does not apply.
    pub(super) checks: usize,
}

impl Suite {
    /// The suite below `dir`, installed there when it is missing.
    ///
    /// # Errors
    /// There is no Python, or a package cannot be fetched.
    pub(super) fn find_or_install(dir: &Path) -> Outcome<Self> {
        let suite = Self { dir: dir.to_owned(), node: Node::find_or_install()? };
        if !suite.is_installed() {
            suite.node.install(dir, &[PACKAGE])?;
        }
        Ok(suite)
    }

    fn program(&self) -> PathBuf {
        self.dir.join("node_modules/.bin/conformance")
    }

    /// Another version has other scenarios.
    fn is_installed(&self) -> bool {
        let manifest = self.dir.join("node_modules/@modelcontextprotocol/conformance/package.json");
        let manifest: Option<Value> = std::fs::read(manifest).ok().and_then(|text| serde_json::from_slice(&text).ok());
        let version = manifest.as_ref().and_then(|manifest| manifest["version"].as_str());
        self.program().is_file() && version.is_some() && version == PACKAGE.rsplit('@').next()
    }

    /// Runs what a revision requires against the server at `url`.
    ///
    /// # Errors
    /// It cannot be run, or says nothing that can be understood.
    pub(super) fn run(&self, url: &str, revision: &str) -> Outcome<Report> {
        let results = self.dir.join("results").join(revision);
        if results.exists() {
            std::fs::remove_dir_all(&results)?;
        }
        let mut command = self.node.command(&self.program())?;
        command.current_dir(&self.dir);
        command.args(["server", "--url", url, "--requirements", revision, "--output-dir"]).arg(&results);
        let output = command.stdin(Stdio::null()).output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        let understood = understand(&said).filter(|(_, scenarios)| scenarios.iter().any(|scenario| scenario.is_scored));
        let Some((text, scenarios)) = understood else {
            return Err(format!("the suite gives no summary:\n{said}\n{}", String::from_utf8_lossy(&output.stderr)).into());
        };
        let has_failed = scenarios.iter().any(|scenario| scenario.is_scored && !scenario.has_passed);
        if has_failed == output.status.success() {
            return Err(format!("the suite ends with {}, its summary says something else:\n{text}", output.status).into());
        }
        Ok(Report { text, scenarios, results })
    }
}

impl Report {
    /// The checks of a scenario that failed, each with its reason.
    pub(super) fn failed_checks(&self, scenario: &str) -> Vec<String> {
        let prefix = format!("server-{scenario}-2");
        let dirs = std::fs::read_dir(&self.results).into_iter().flatten().flatten();
        let files = dirs.filter(|dir| dir.file_name().to_string_lossy().starts_with(&prefix)).map(|dir| dir.path().join("checks.json"));
        let texts = files.filter_map(|file| std::fs::read(file).ok());
        let checks = texts.filter_map(|text| serde_json::from_slice::<Vec<Value>>(&text).ok()).flatten();
        let failed = checks.filter(|check| check["status"] == "FAILURE");
        failed.map(|check| format!("{}: {}", word(&check["id"]), word(&check["errorMessage"]))).collect()
    }
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}

/// The summary in the output of the suite, and its scenarios.
fn understand(output: &str) -> Option<(String, Vec<Scenario>)> {
    let (_, text) = output.split_once("=== SUMMARY ===")?;
    let (scored, others) = text.split_once("Not scored for ").unwrap_or((text, ""));
    let not_scored: Vec<&str> = others.lines().filter_map(marked).filter_map(|(_, rest)| rest.split(' ').next()).collect();
    let scenario = |line| {
        let (has_passed, rest) = marked(line)?;
        let (name, counts) = rest.split_once(": ")?;
        let checks = counts.split(' ').next()?.parse().ok()?;
        Some(Scenario { name: name.to_owned(), is_scored: !not_scored.contains(&name), has_passed, checks })
    };
    Some((text.trim().to_owned(), scored.lines().filter_map(scenario).collect()))
}

/// A line with a mark, and what the mark says.
fn marked(line: &str) -> Option<(bool, &str)> {
    let line = line.trim();
    let passed = line.strip_prefix("✓ ").map(|rest| (true, rest));
    passed.or_else(|| line.strip_prefix("✗ ").map(|rest| (false, rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_understood() {
        let output = "Running…\n✓ no line of the summary\n\n=== SUMMARY ===\n✓ ping: 1 passed, 0 failed\n✗ caching: 3 passed, 2 failed\n\
                      ✗ tasks: 0 passed, 1 failed\n\nTotal: 4 passed, 3 failed\n\nNot scored for 2026-07-28: 1 scenario(s) run, 1 failing.\n  \
                      ✗ tasks (extension)\n";
        let (text, scenarios) = understand(output).expect("a summary");
        assert!(text.starts_with("✓ ping") && text.ends_with("(extension)"));
        let scenario = |name: &str, is_scored, has_passed, checks| Scenario { name: name.into(), is_scored, has_passed, checks };
        let expected = [scenario("ping", true, true, 1), scenario("caching", true, false, 3), scenario("tasks", false, false, 0)];
        assert_eq!(scenarios, expected);
        assert!(understand("nothing").is_none());
    }
}

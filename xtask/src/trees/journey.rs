//! The steps with one snapshot, and the conditions after each.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::tree::{self, Tree};
use crate::output::Outcome;

/// The outcome of one snapshot: a word for each step, and all faults.
#[derive(Debug, Default)]
pub(super) struct Journey {
    agents: usize,
    tasks: usize,
    verbs: usize,
    yaml: (usize, usize),
    /// The steps that were passed, in their order.
    steps: Vec<(&'static str, bool)>,
    pub(super) faults: Vec<String>,
}

/// The steps, as the table's head names them.
const STEPS: [&str; 6] = ["no-op", "again", "work", "switch", "detach", "yaml"];
/// Tasks of which a split is tried.
const SPLITS_MAX: usize = 12;

/// The head of the table.
pub(super) fn heading() -> String {
    let steps = STEPS.map(|step| format!("{step:>8}")).concat();
    format!("{:<30}{:>7}{:>7}{:>7}{steps}{:>12}{:>8}", "snapshot", "agents", "tasks", "verbs", "readable", "s")
}

/// Takes a snapshot through all steps.
pub(super) fn take(tree: &Tree<'_>) -> Journey {
    let mut journey = Journey::default();
    if let Err(error) = journey.run(tree) {
        journey.faults.push(error.to_string());
    }
    journey
}

impl Journey {
    /// A line of the table.
    pub(super) fn row(&self, name: &str, took: Duration) -> String {
        let word = |step: &str| match self.steps.iter().find(|(known, _)| *known == step) {
            Some((_, true)) => "ok",
            Some((_, false)) => "WRONG",
            None => "-",
        };
        let steps = STEPS.map(|step| format!("{:>8}", word(step))).concat();
        let yaml = format!("{}/{}", self.yaml.0, self.yaml.1);
        format!("{name:<30}{:>7}{:>7}{:>7}{steps}{yaml:>12}{:>8.1}", self.agents, self.tasks, self.verbs, took.as_secs_f64())
    }

    /// Does a step, and writes down its faults.
    fn step(&mut self, name: &'static str, what: impl FnOnce(&mut Self) -> Outcome<()>) {
        let before = self.faults.len();
        if let Err(error) = what(self) {
            self.faults.push(format!("{name}: {error}"));
        }
        self.steps.push((name, self.faults.len() == before));
    }

    fn run(&mut self, tree: &Tree<'_>) -> Outcome<()> {
        let before = tree.yaml()?;
        self.step("no-op", |journey| {
            tree.oarlock(&["ralf", "attach", "."])?;
            tree.oarlock(&["ralf", "detach", "."])?;
            journey.expect_nothing(&tree.git(&["status", "--porcelain"])?, "attach and detach without work changed");
            Ok(())
        });
        self.step("again", |journey| {
            tree.oarlock(&["ralf", "attach", "."])?;
            journey.agents = tree.oarlock(&["agents"])?["agents"].as_array().map_or(0, Vec::len);
            journey.tasks = states(tree)?.len();
            journey.nothing_to_do(tree, "a second sync after attach")
        });
        self.step("work", |journey| journey.work(tree));
        self.step("switch", |journey| journey.switch(tree));
        self.step("detach", |_| {
            // Who goes gives back what it holds.
            for agent in ["ada", "bob"] {
                tree.oarlock(&["leave", "--as", agent])?;
            }
            tree.oarlock(&["ralf", "detach", "."])?;
            Ok(())
        });
        self.step("yaml", |journey| {
            let now = tree.yaml()?;
            journey.yaml = (now.values().filter(|yaml| yaml.is_readable).count(), now.len());
            let damaged = tree::damaged(&before, &now);
            journey.expect_nothing(&damaged.join("\n"), "PyYAML can no longer read");
            Ok(())
        });
        Ok(())
    }

    fn expect_nothing(&mut self, found: &str, what: &str) {
        let found: Vec<&str> = found.lines().collect();
        if !found.is_empty() {
            let few = found.iter().take(4).copied().collect::<Vec<_>>().join(", ");
            self.faults.push(format!("{what} {} files: {few}", found.len()));
        }
    }

    /// A sync that finds nothing to do.
    fn nothing_to_do(&mut self, tree: &Tree<'_>, what: &str) -> Outcome<()> {
        let synced = tree.oarlock(&["ralf", "sync", "."])?;
        for side in ["imported", "exported"] {
            if synced[side].as_object().is_some_and(|counts| !counts.is_empty()) {
                self.faults.push(format!("{what} {side} {}", synced[side]));
            }
        }
        Ok(())
    }

    /// Every verb once or more, as far as there are tasks; then files and store must say the same.
    fn work(&mut self, tree: &Tree<'_>) -> Outcome<()> {
        for agent in ["ada", "bob"] {
            tree.oarlock(&["join", agent])?;
        }
        let claimed = |verbs: &mut usize| -> Outcome<Option<String>> {
            match tree.oarlock(&["claim", "--as", "ada"]) {
                Ok(reply) => {
                    *verbs += 1;
                    Ok(reply["task"]["id"].as_str().map(str::to_owned))
                }
                Err(error) if error.to_string().contains("nothing_ready") => Ok(None),
                Err(error) => Err(error),
            }
        };
        let plain: [&[&str]; 8] = [
            &["done"],
            &["fail", "--reason", "it does not build"],
            &["release"],
            &["done"],
            &["renew"],
            &["update", "--priority", "1"],
            &["cancel"],
            &["done"],
        ];
        for verb in plain {
            let Some(id) = claimed(&mut self.verbs)? else { break };
            let arguments: Vec<&str> = [&verb[..1], &[id.as_str()], &verb[1..], &["--as", "ada"]].concat();
            self.verb(tree, &arguments);
        }
        for arguments in [
            &["heartbeat", "--status", "working: \"hard\"", "--as", "ada"][..],
            &["sync", "progress:=50", "note=it's: \"half\" done", "--as", "ada"],
            &["send", "bob", "--text", "is it: \"ready\"?", "--as", "ada"],
            &["inbox", "--as", "bob"],
            &["reserve", "src/**", "--as", "bob"],
            &["unreserve", "--as", "bob"],
            &["add", "a task of the store", "--as", "bob"],
        ] {
            self.verb(tree, arguments);
        }
        self.split(tree)?;
        let synced = tree.oarlock(&["ralf", "sync", "."])?;
        self.nothing_to_do(tree, "a second sync after work")?;
        self.agreed(tree, "after work", &synced)
    }

    fn verb(&mut self, tree: &Tree<'_>, arguments: &[&str]) {
        match tree.oarlock(arguments) {
            Ok(_) => self.verbs += 1,
            Err(error) => self.faults.push(error.to_string()),
        }
    }

    /// A task that can be split is, and one of its parts is done.
    fn split(&mut self, tree: &Tree<'_>) -> Outcome<()> {
        let ready = states(tree)?.into_iter().filter(|(_, state)| state == "ready").map(|(id, _)| id);
        for id in ready.take(SPLITS_MAX) {
            let reply = match tree.oarlock(&["split", &id, "--as", "ada"]) {
                Ok(reply) => reply,
                // A task with nothing in it.
                Err(error) if error.to_string().contains("invalid_request") => continue,
                Err(error) => return Err(error),
            };
            self.verbs += 1;
            if let Some(part) = reply["created"][0]["id"].as_str() {
                tree.oarlock(&["ralf", "sync", "."])?;
                tree.oarlock(&["claim", part, "--as", "bob"])?;
                tree.oarlock(&["done", part, "--as", "bob"])?;
                self.verbs += 2;
                return Ok(());
            }
        }
        Ok(())
    }

    /// Another branch and back: completed work stays, and no file of a finished task is touched.
    fn switch(&mut self, tree: &Tree<'_>) -> Outcome<()> {
        tree.git(&["add", "--all"])?;
        tree.git(&["commit", "--quiet", "--allow-empty", "-m", "work"])?;
        let before = states(tree)?;
        let is_finished = |state: &str| matches!(state, "done" | "cancelled");
        for (branch, what) in [("other", "on the other branch"), ("work", "back again")] {
            tree.git(&["checkout", "--quiet", "--detach", branch])?;
            tree.oarlock(&["ralf", "sync", "."])?;
            self.nothing_to_do(tree, &format!("a second sync {what}"))?;
            let now = states(tree)?;
            let reopened: Vec<String> = before
                .iter()
                .filter(|(id, state)| is_finished(state) && now.get(*id).is_some_and(|now| !is_finished(now)))
                .map(|(id, _)| id.clone())
                .collect();
            self.expect_nothing(&reopened.join("\n"), &format!("{what} tasks are open again,"));
            let changed = tree.git(&["status", "--porcelain", "--untracked-files=no"])?;
            let finished: Vec<&str> = changed
                .lines()
                .filter(|line| line.contains("tasks/") && before.iter().any(|(id, state)| is_finished(state) && line.contains(id.as_str())))
                .collect();
            self.expect_nothing(&finished.join("\n"), &format!("{what} the sync changed files of finished tasks,"));
            // What else it wrote, the heartbeats of those who are there, does not go with the branch. New files would be in the way of the next one.
            tree.git(&["checkout", "--quiet", "--", "."])?;
        }
        let synced = tree.oarlock(&["ralf", "sync", "."])?;
        self.agreed(tree, "back again", &synced)
    }

    /// Tasks finished in the store are finished in the files, and open ones are not. Tasks finished on another branch stay so, and the
    /// look has reported of it.
    fn agreed(&mut self, tree: &Tree<'_>, what: &str, synced: &Value) -> Outcome<()> {
        let store = states(tree)?;
        let reply = tree.oarlock(&["ralf", "tasks", "."])?;
        let said: Vec<Said> = reply["tasks"].as_array().into_iter().flatten().map(Said::of).collect();
        let mut files: BTreeMap<&str, Vec<&Said>> = BTreeMap::new();
        for one in &said {
            files.entry(one.of_task(&said)).or_default().push(one);
        }
        let warned = synced["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let warned: Vec<&str> = warned.filter(|warning| warning.contains("open in the files as they are now")).collect();
        let is_told = |id: &str| warned.iter().any(|warning| warning.contains(id) || warning.contains(" and others: "));
        let mut wrong = Vec::new();
        for (id, said) in &files {
            let Some(known) = store.get(*id) else { continue };
            let all = |wanted: &str| said.iter().all(|one| one.state == wanted);
            let is_right = match known.as_str() {
                "done" => said.iter().all(|one| one.is_done(said)) || is_told(id),
                "cancelled" => all("cancelled") || is_told(id),
                "claimed" => said.iter().any(|one| one.state == "claimed"),
                // One of them says that it is to be done; others may be of an earlier life of it.
                "ready" => !all("done") && !all("cancelled"),
                _ => true,
            };
            if !is_right {
                let said: Vec<String> = said.iter().map(|one| format!("{} in {}", one.state, one.file)).collect();
                wrong.push(format!("{id} is {known} in the store and {}", said.join(" and ")));
            }
        }
        self.expect_nothing(&wrong.join("\n"), &format!("{what} files and store differ in"));
        Ok(())
    }
}

/// The text of one file about one task.
struct Said {
    id: String,
    state: String,
    /// Whether its status is a word for done.
    says_done: bool,
    file: String,
}

impl Said {
    fn of(task: &Value) -> Self {
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let status = word(&task["status"]).to_lowercase();
        let says_done = ["completed", "complete", "done"].contains(&status.as_str());
        Self { id: word(&task["id"]), state: word(&task["state"]), says_done, file: word(&task["source"]["file"]) }
    }

    fn is_item(&self) -> bool {
        !self.file.ends_with(".md")
    }

    /// The task that it is about: an item may have a shorter id than the file, which goes on with a slug.
    fn of_task<'a>(&'a self, all: &'a [Self]) -> &'a str {
        let ids = || all.iter().filter(|other| !other.is_item()).map(|other| other.id.as_str());
        if !self.is_item() || ids().any(|id| id == self.id) {
            return &self.id;
        }
        let is_slug = |rest: &str| rest.starts_with(|c: char| c.is_ascii_alphabetic()) && !rest.contains("SUB");
        let mut longer = ids().filter(|id| id.strip_prefix(self.id.as_str()).and_then(|rest| rest.strip_prefix('-')).is_some_and(is_slug));
        match (longer.next(), longer.next()) {
            (Some(only), None) => only,
            _ => &self.id,
        }
    }

    /// By its folder, or by its line where the item says so too.
    fn is_done(&self, of_task: &[&Self]) -> bool {
        self.state == "done" || self.says_done && of_task.iter().any(|other| other.is_item() && other.state == "done")
    }
}

/// The tasks of the store by id, each with its state.
fn states(tree: &Tree<'_>) -> Outcome<BTreeMap<String, String>> {
    let mut states = BTreeMap::new();
    let mut after: Option<String> = None;
    loop {
        let mut arguments = vec!["tasks", "--limit", "1000"];
        if let Some(after) = &after {
            arguments.extend(["--after", after.as_str()]);
        }
        let reply = tree.oarlock(&arguments)?;
        for task in reply["tasks"].as_array().into_iter().flatten() {
            let word = |name: &str| task[name].as_str().unwrap_or_default().to_owned();
            states.insert(word("id"), word("state"));
        }
        after = match &reply["next"] {
            Value::String(next) => Some(next.clone()),
            _ => return Ok(states),
        };
    }
}

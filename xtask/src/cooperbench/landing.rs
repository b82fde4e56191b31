//! Part b: features that are submitted at once, and a landing queue that tests them. Every third run loses its queue or a worker to SIGKILL.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use fastrand::Rng;
use serde_json::Value;

use super::dataset::Found;
use super::sandbox::{Sandbox, clean, git, raw_git};
use super::testing::{Tests, Tools};
use crate::output::{Outcome, say};

/// The target branch.
const TARGET: &str = "landing";
/// An agent applies the patch of its feature and commits. An attempt after a kill may find it applied, or in part.
const AGENT: &str = r#"set -eu
patch="$CASES/$OARLOCK_TASK.patch"
git apply --reverse --check --ignore-whitespace "$patch" 2>/dev/null ||
    git apply --ignore-whitespace "$patch" 2>/dev/null ||
    git read-tree -u --reset "$OARLOCK_TASK"
git add --all
git diff --cached --quiet || git commit --quiet -m "$OARLOCK_TASK"
"#;
/// The longest moment before a kill, in milliseconds.
const KILL_WITHIN_MS: u64 = 1_500;

/// Sums over the cases of one task and number of agents.
#[derive(Default)]
struct Sums {
    cases: usize,
    killed: usize,
    landed: usize,
    refused: usize,
    tests: u64,
    wrong_green: usize,
    lost_lines: usize,
    /// Refused ones without a brief, and landings that differ from those of one by one.
    unbriefed: usize,
    differing: usize,
}

/// Lands combinations of features of all tasks and shows the table; the faults.
pub(super) fn run(program: &Path, tools: &Tools, tasks: &[Found], agents: &[usize], cases: usize, seed: u64) -> Outcome<Vec<String>> {
    say("(b) landings with the features' tests; in every third run the queue or a worker is killed");
    say(format_args!(
        "{:<28} {:>2} {:>5} {:>6} {:>6} {:>7} {:>12} {:>11} {:>10} {:>8} {:>7}",
        "task", "N", "runs", "killed", "landed", "refused", "tests/landed", "wrong green", "lost lines", "no brief", "differ"
    ));
    let (mut faults, mut random, mut played) = (Vec::new(), Rng::with_seed(seed), 0_usize);
    for (task, upstream) in tasks {
        let sandbox = Sandbox::make(task, upstream)?;
        let tests = match Tests::write(tools, task, &sandbox)? {
            Ok(tests) => tests,
            Err(why) => {
                say(format_args!("{:<28} left out: {why}", task.name));
                continue;
            }
        };
        let sound = sound(&sandbox, &tests, &task.features, &|feature| task.feature(feature))?;
        if sound.len() < task.features.len() {
            let unsound: Vec<u32> = task.features.iter().copied().filter(|feature| !sound.contains(feature)).collect();
            say(format_args!("{:<28} left out, because their own tests fail on them alone: {unsound:?}", task.name));
        }
        for n in agents.iter().copied() {
            let mut sums = Sums::default();
            for chosen in combinations(&sound, n, cases, &mut random) {
                let kills = played % 3 == 2;
                let case = Case { program, tests: &tests, sandbox: &sandbox, features: &chosen, name: format!("{} {chosen:?}", task.name) };
                case.begin()?;
                // The queue and a worker in turns.
                case.play(kills.then_some(&mut random), played % 2 == 0)?;
                played += 1;
                let found = case.judge(&mut sums)?;
                found.iter().for_each(|fault| say(format_args!("    {fault}")));
                faults.extend(found);
                sums.killed += usize::from(kills);
            }
            if sums.cases > 0 {
                sums.show(&task.name, n);
            }
        }
    }
    Ok(faults)
}

/// The features that pass their own tests on the base; each becomes a branch, `F` and its number.
pub(super) fn sound(sandbox: &Sandbox, tests: &Tests<'_>, features: &[u32], patch: &dyn Fn(u32) -> Outcome<Vec<u8>>) -> Outcome<Vec<u32>> {
    let mut sound = Vec::new();
    for feature in features.iter().copied() {
        let branch = format!("F{feature}");
        if sandbox.branch(&branch, "main", &[patch(feature)?])? && tests.pass(sandbox, &branch, &[feature])? {
            sound.push(feature);
        }
    }
    Ok(sound)
}

/// At most this many combinations of `n` features, in an order of chance.
pub(super) fn combinations(features: &[u32], n: usize, most: usize, random: &mut Rng) -> Vec<Vec<u32>> {
    let mut all: Vec<Vec<u32>> = vec![Vec::new()];
    for feature in features {
        let more: Vec<Vec<u32>> = all.iter().filter(|chosen| chosen.len() < n).map(|chosen| [&chosen[..], &[*feature]].concat()).collect();
        all.extend(more);
    }
    all.retain(|chosen| chosen.len() == n);
    random.shuffle(&mut all);
    all.truncate(most);
    all
}

/// Features that are submitted at once.
pub(super) struct Case<'a> {
    pub(super) program: &'a Path,
    pub(super) tests: &'a Tests<'a>,
    pub(super) sandbox: &'a Sandbox,
    pub(super) features: &'a [u32],
    pub(super) name: String,
}

impl Case<'_> {
    /// A new project with a task for each feature.
    pub(super) fn begin(&self) -> Outcome<()> {
        let _ = self.oarlock(&["forget", "--force"]).output();
        for feature in self.features {
            let _ = raw_git(&self.sandbox.repo(), &["branch", "-D", &format!("oarlock/F{feature}")]);
        }
        self.sandbox.git(&["branch", "--force", TARGET, "main"])?;
        self.ok(&["init"])?;
        for feature in self.features {
            self.ok(&["add", &format!("feature {feature}"), "--id", &format!("F{feature}"), "--gate", "merge"])?;
        }
        let agent = self.tests.cases().join("agent.sh");
        fs::write(agent, AGENT)?;
        Ok(())
    }

    /// Works on all of them at once, and lands. With a kill, the queue or one of the workers dies at a moment of chance, and is started again.
    fn play(&self, kill: Option<&mut Rng>, kills_queue: bool) -> Outcome<()> {
        let mut workers = Vec::new();
        for feature in self.features {
            workers.push(self.worker(&format!("a{feature}"))?);
        }
        let moment = kill.map(|random| Duration::from_millis(random.u64(..KILL_WITHIN_MS)));
        if let (Some(moment), false, Some(worker)) = (moment, kills_queue, workers.first_mut()) {
            thread::sleep(moment / 3);
            // One that has ended is not killed.
            let _ = worker.kill();
            worker.wait()?;
            *worker = self.worker("again")?;
        }
        workers.into_iter().try_for_each(|mut worker| worker.wait().map(drop))?;
        if let (Some(moment), true) = (moment, kills_queue) {
            let mut queue = self.queue().stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
            thread::sleep(moment);
            let _ = queue.kill();
            queue.wait()?;
        }
        self.land()
    }

    /// Works the queue until it is empty.
    pub(super) fn land(&self) -> Outcome<()> {
        let landed = self.queue().output()?;
        if landed.status.success() {
            Ok(())
        } else {
            Err(format!("{}: merge: {}", self.name, String::from_utf8_lossy(&landed.stderr)).into())
        }
    }

    fn queue(&self) -> Command {
        self.oarlock(&["merge", "--onto", TARGET, "--once", "--slots", "2", "--json", "--test", &self.tests.command()])
    }

    fn worker(&self, name: &str) -> Outcome<Child> {
        let script = self.tests.cases().join("agent.sh");
        let mut command = self.oarlock(&["work", "--as", name, "--once", "--worktree", "--onto", TARGET, "--", "sh"]);
        Ok(command.arg(script).env("CASES", self.tests.cases()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?)
    }

    /// The program in the repository.
    pub(super) fn oarlock(&self, words: &[&str]) -> Command {
        let mut command = clean(Command::new(self.program));
        command.args(words).env("PATH", self.tests.path()).current_dir(self.sandbox.repo());
        command
    }

    pub(super) fn ok(&self, words: &[&str]) -> Outcome<Value> {
        let run = self.oarlock(&[words, &["--json"]].concat()).output()?;
        if !run.status.success() {
            return Err(format!("{}: {}: {}", self.name, words.join(" "), String::from_utf8_lossy(&run.stderr)).into());
        }
        Ok(serde_json::from_slice(&run.stdout)?)
    }

    pub(super) fn task(&self, feature: u32) -> Outcome<Value> {
        Ok(self.ok(&["task", &format!("F{feature}")])?["task"].clone())
    }

    /// Adds what came of it, and says what is wrong.
    fn judge(&self, sums: &mut Sums) -> Outcome<Vec<String>> {
        let mut faults = Vec::new();
        let (mut landed, mut refused) = (Vec::new(), Vec::new());
        for feature in self.features.iter().copied() {
            let task = self.task(feature)?;
            match (task["state"].as_str(), task["landing"]["state"].as_str()) {
                (Some("done"), Some("landed")) => landed.push(feature),
                (Some("ready" | "review"), Some("refused")) => {
                    refused.push(feature);
                    if !has_brief(&task) {
                        sums.unbriefed += 1;
                        faults.push(format!("{}: F{feature} has no brief: {task}", self.name));
                    }
                }
                _ => faults.push(format!("{}: F{feature} is neither landed nor refused: {task}", self.name)),
            }
        }
        if !landed.is_empty() && !self.tests.pass(self.sandbox, TARGET, &landed)? {
            sums.wrong_green += 1;
            faults.push(format!("{}: {landed:?} landed, and their tests fail", self.name));
        }
        for feature in &landed {
            let lost = self.lost_lines(*feature)?;
            sums.lost_lines += lost.len();
            faults.extend(lost.into_iter().map(|line| format!("{}: F{feature} landed without {line}", self.name)));
        }
        let expected = self.one_by_one()?;
        if expected != landed {
            sums.differing += 1;
            faults.push(format!("{}: {landed:?} landed, one by one {expected:?}", self.name));
        }
        let tested = self.ok(&["events", "--kind", "landing_tested", "--limit", "10000"])?;
        sums.tests += tested["events"].as_array().into_iter().flatten().filter_map(|event| event["data"]["tests"].as_u64()).sum::<u64>();
        sums.cases += 1;
        sums.landed += landed.len();
        sums.refused += refused.len();
        Ok(faults)
    }

    /// Lines that a feature adds and that are not in the target; those of other features' patches may have replaced some.
    fn lost_lines(&self, feature: u32) -> Outcome<Vec<String>> {
        let repo = self.sandbox.repo();
        let others: Vec<String> = self.features.iter().filter(|other| **other != feature).map(|other| format!("F{other}")).collect();
        let diff = |branch: &str| git(&repo, &["diff", "-U0", "--no-renames", "--no-color", "main", branch]);
        let mut removed = String::new();
        for other in &others {
            removed.push_str(&diff(other)?);
        }
        let mut lost = Vec::new();
        for (file, lines) in added(&diff(&format!("F{feature}"))?) {
            let found = raw_git(&repo, &["show", &format!("{TARGET}:{file}")])?;
            let found = String::from_utf8_lossy(&found.stdout).into_owned();
            let branch = git(&repo, &["show", &format!("F{feature}:{file}")])?;
            for line in lines {
                let count = |text: &str| text.lines().filter(|found| *found == line).count();
                let is_removed = removed.lines().any(|gone| gone.strip_prefix('-') == Some(&line));
                if !is_removed && count(&found) < count(&branch) {
                    lost.push(format!("{file}: {line}"));
                }
            }
        }
        Ok(lost)
    }

    /// The features that land when each is merged and tested by hand, in the order in which they were submitted.
    fn one_by_one(&self) -> Outcome<Vec<u32>> {
        let queued = self.ok(&["events", "--kind", "landing_queued", "--limit", "10000"])?;
        let mut order: Vec<u32> = Vec::new();
        for event in queued["events"].as_array().into_iter().flatten() {
            let feature = event["subject"].as_str().and_then(|id| id.strip_prefix('F')?.parse().ok());
            order.extend(feature.filter(|feature| !order.contains(feature)));
        }
        let (mut tip, mut landed) = (self.sandbox.git(&["rev-parse", "main"])?, Vec::new());
        for feature in order {
            let branch = format!("F{feature}");
            let merged = raw_git(&self.sandbox.repo(), &["merge-tree", "--write-tree", &tip, &branch])?;
            if !merged.status.success() {
                continue;
            }
            let tree = String::from_utf8_lossy(&merged.stdout).trim().to_owned();
            let commit = self.sandbox.git(&["commit-tree", &tree, "-p", &tip, "-p", &branch, "-m", &branch])?;
            let with = [&landed[..], &[feature]].concat();
            if self.tests.pass(self.sandbox, &commit, &with)? {
                (tip, landed) = (commit, with);
            }
        }
        landed.sort_unstable();
        Ok(landed)
    }
}

/// Whether a refused task has its brief: the files in conflict with their hunks, or the end of the test's output.
pub(super) fn has_brief(task: &Value) -> bool {
    let brief = task["rejected"].as_str().unwrap_or_default();
    let files: Vec<&str> = task["landing"]["files"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    !brief.is_empty() && files.iter().all(|file| brief.contains(file)) && (task["landing"]["reason"] != "conflict" || !files.is_empty())
}

/// The lines that a diff adds, by file; blank ones say nothing.
fn added(diff: &str) -> BTreeMap<String, Vec<String>> {
    let mut added: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut file = None;
    for line in diff.lines() {
        if let Some(name) = line.strip_prefix("+++ ") {
            file = name.strip_prefix("b/").map(str::to_owned);
        } else if let (Some(file), Some(text)) = (&file, line.strip_prefix('+'))
            && !text.trim().is_empty()
        {
            added.entry(file.clone()).or_default().push(text.to_owned());
        }
    }
    added
}

impl Sums {
    fn show(&self, name: &str, n: usize) {
        let per_landing = self.tests * 100 / u64::try_from(self.landed.max(1)).unwrap_or(1);
        say(format_args!(
            "{name:<28} {n:>2} {:>5} {:>6} {:>6} {:>7} {:>12} {:>11} {:>10} {:>8} {:>7}",
            self.cases,
            self.killed,
            self.landed,
            self.refused,
            format!("{}.{:02}", per_landing / 100, per_landing % 100),
            self.wrong_green,
            self.lost_lines,
            self.unbriefed,
            self.differing
        ));
    }
}

//! Part a: the verdict on every pair of features.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::dataset::{Dataset, Found, Gold, Task};
use super::sandbox::{Sandbox, clean, raw_git};
use crate::output::{Outcome, say};

/// The precision and the recall to reach, in thousandths.
const REACHED: u64 = 990;

/// Pairs by what the data set says and what `conflicts` says.
#[derive(Default)]
struct Counts {
    both: u64,
    only_ours: u64,
    only_gold: u64,
    neither: u64,
}

/// The result of one task.
struct Compared {
    counts: Counts,
    disagreements: Vec<String>,
    /// Features that do not apply to the base.
    unapplied: Vec<u32>,
    /// The time of `conflicts` for all pairs, and that of git typed by hand.
    ours: Duration,
    by_hand: Duration,
}

/// Compares all pairs of all tasks and shows the table; the faults.
pub(super) fn run(program: &Path, dataset: &Dataset, tasks: &[Found], uncommitted: bool) -> Outcome<Vec<String>> {
    let gold = dataset.gold()?;
    say("(a) verdicts on pairs, against gold_conflict_report.json");
    say(format_args!(
        "{:<38} {:>5} {:>5} {:>5} {:>5} {:>5} {:>9} {:>9}",
        "task", "pairs", "both", "ours", "gold", "none", "ms/pair", "git"
    ));
    let mut all = Counts::default();
    let mut disagreements = Vec::new();
    for (task, upstream) in tasks {
        let compared = compare(program, &gold, task, upstream, uncommitted)?;
        let Counts { both, only_ours, only_gold, neither } = &compared.counts;
        let pairs = compared.counts.pairs();
        say(format_args!(
            "{:<38} {pairs:>5} {both:>5} {only_ours:>5} {only_gold:>5} {neither:>5} {:>9} {:>9}",
            task.name,
            per_pair(compared.ours, pairs),
            per_pair(compared.by_hand, pairs)
        ));
        if !compared.unapplied.is_empty() {
            say(format_args!("    features that do not apply to the base: {:?}", compared.unapplied));
        }
        disagreements.extend(compared.disagreements);
        all.add(&compared.counts);
    }
    disagreements.iter().for_each(|disagreement| say(format_args!("    {disagreement}")));
    let (precision, recall) = (all.of(all.only_ours), all.of(all.only_gold));
    say(format_args!(
        "{} pairs: {} conflict in both, {} only for conflicts, {} only in the data set, {} in neither; precision {}, recall {}",
        all.pairs(),
        all.both,
        all.only_ours,
        all.only_gold,
        all.neither,
        in_thousandths(precision),
        in_thousandths(recall)
    ));
    let fault = (precision < REACHED || recall < REACHED).then(|| "precision or recall is below .990".to_owned());
    Ok(fault.into_iter().collect())
}

fn compare(program: &Path, gold: &Gold, task: &Task, upstream: &Path, uncommitted: bool) -> Outcome<Compared> {
    let sandbox = Sandbox::make(task, upstream)?;
    let mut unapplied = Vec::new();
    for feature in &task.features {
        let patch = task.feature_without_tests(*feature)?;
        let branch = format!("oarlock/F{feature}");
        let applies = if uncommitted {
            let dir = sandbox.repo().join(format!(".oarlock/worktrees/F{feature}"));
            sandbox.git(&["worktree", "add", "--quiet", "-b", &branch, &dir.to_string_lossy(), "main"])?;
            sandbox.apply(&dir, &patch)?
        } else {
            sandbox.branch(&branch, "main", &[patch])?
        };
        if !applies {
            unapplied.push(*feature);
        }
    }
    let names: Vec<String> = task.features.iter().map(|feature| format!("F{feature}")).collect();
    let begun = Instant::now();
    let asked = clean(Command::new(program)).args(["conflicts", "--json"]).args(&names).current_dir(sandbox.repo()).output()?;
    let ours = begun.elapsed();
    if !asked.status.success() {
        return Err(format!("{}: conflicts: {}", task.name, String::from_utf8_lossy(&asked.stderr)).into());
    }
    let reply: Value = serde_json::from_slice(&asked.stdout)?;
    let mut compared = Compared { counts: Counts::default(), disagreements: Vec::new(), unapplied, ours, by_hand: Duration::ZERO };
    for pair in reply["pairs"].as_array().into_iter().flatten() {
        let number = |name: &str| pair[name].as_str().and_then(|name| name.strip_prefix("oarlock/F")?.parse().ok());
        let (Some(a), Some(b)) = (number("a"), number("b")) else { continue };
        let Some(expected) = gold.get(&(task.name.clone(), a, b)).or_else(|| gold.get(&(task.name.clone(), b, a))) else { continue };
        let found = pair["conflict"].as_bool().unwrap_or_default();
        let begun = Instant::now();
        raw_git(&sandbox.repo(), &["merge-tree", "--write-tree", "--name-only", &format!("oarlock/F{a}"), &format!("oarlock/F{b}")])?;
        compared.by_hand += begun.elapsed();
        match (found, *expected) {
            (true, true) => compared.counts.both += 1,
            (true, false) => compared.counts.only_ours += 1,
            (false, true) => compared.counts.only_gold += 1,
            (false, false) => compared.counts.neither += 1,
        }
        if found != *expected {
            let (one, other) = if found { ("conflict", "clean") } else { ("clean", "conflict") };
            compared.disagreements.push(format!("{} F{a} F{b}: {one} here, {other} in the data set; {}", task.name, pair["files"]));
        }
    }
    Ok(compared)
}

impl Counts {
    fn pairs(&self) -> u64 {
        self.both + self.only_ours + self.only_gold + self.neither
    }

    fn add(&mut self, other: &Self) {
        self.both += other.both;
        self.only_ours += other.only_ours;
        self.only_gold += other.only_gold;
        self.neither += other.neither;
    }

    /// The share of the common conflicts beside these others, in thousandths.
    fn of(&self, others: u64) -> u64 {
        (self.both * 1_000).checked_div(self.both + others).unwrap_or(1_000)
    }
}

fn per_pair(all: Duration, pairs: u64) -> String {
    let micros = all.as_micros().checked_div(u128::from(pairs)).unwrap_or_default();
    format!("{}.{}", micros / 1_000, micros % 1_000 / 100)
}

fn in_thousandths(share: u64) -> String {
    format!("{}.{:03}", share / 1_000, share % 1_000)
}

//! The race's ledger, the store and the files agree on each task: it ran on one side only, and a completion is one everywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use oarlock_ralf::Project;
use serde_json::Value;

use super::super::shared::call;
use super::shared::{Locking, Place};
use crate::output::{Outcome, say};

/// One line of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    what: String,
    side: String,
    who: String,
}

/// The faults of the runs of tasks.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    /// Runs that were begun, by side.
    runs: BTreeMap<String, usize>,
    /// Tasks that an old script and an agent of ours had at once, or one after the other had done it.
    on_both_sides: Vec<String>,
    /// The same, both of ours.
    twice_with_us: Vec<String>,
    /// The same, both old scripts.
    twice_with_them: Vec<String>,
    /// Work of an old script whose claim was no longer its own when it came to complete it.
    robbed: Vec<String>,
    /// Work of ours whose end was refused.
    refused: Vec<String>,
    /// Tasks that failed once or more, and are to be tried again later.
    failed: BTreeSet<String>,
    /// Calls of ours that were to be repeated, as somebody kept the store or a file busy.
    busy: usize,
    /// Tasks that some worker completed, and who did last.
    completed: BTreeMap<String, String>,
}

/// Reads the ledger: lines of what, side, who and task, in the order in which they were written.
fn count(ledger: &str) -> Counts {
    let mut counts = Counts::default();
    // Who has begun or completed a task last, and has not given it back.
    let mut having: BTreeMap<String, Entry> = BTreeMap::new();
    for line in ledger.lines() {
        let mut words = line.split(' ').map(str::to_owned);
        let (Some(what), Some(side), Some(who), Some(task)) = (words.next(), words.next(), words.next(), words.next()) else { continue };
        let entry = Entry { what, side, who };
        match entry.what.as_str() {
            "busy" => counts.busy += 1,
            "start" => {
                *counts.runs.entry(entry.side.clone()).or_insert(0) += 1;
                if let Some(other) = having.get(&task) {
                    let told =
                        format!("{task} ({} {}, then {})", other.who, if other.what == "start" { "had it" } else { "did it" }, entry.who);
                    match (other.side == "old", entry.side == "old") {
                        (true, true) => counts.twice_with_them.push(told),
                        (false, false) => counts.twice_with_us.push(told),
                        _ => counts.on_both_sides.push(told),
                    }
                }
                having.insert(task, entry);
            }
            "done" | "ended" => {
                counts.completed.insert(task.clone(), entry.who.clone());
                having.insert(task, entry);
            }
            "release" | "fail" => {
                if entry.what == "fail" {
                    counts.failed.insert(task.clone());
                }
                if having.get(&task).is_some_and(|other| other.who == entry.who) {
                    having.remove(&task);
                }
            }
            "robbed" => counts.robbed.push(format!("{task} ({})", entry.who)),
            refused => counts.refused.push(format!("{task} ({}: {refused})", entry.who)),
        }
    }
    counts
}

/// Compares the ledger with store and files, and says what it finds.
///
/// # Errors
/// A task ran twice or a completion is lost, where the old scripts take their lock; or something else went wrong.
pub(super) fn check(place: &Place, locking: Locking, seconds: f64, mut faults: Vec<String>) -> Outcome<()> {
    let counts = count(&fs::read_to_string(place.root.join("ledger"))?);
    let reply = call(&place.program, &place.root, &["tasks", "--limit", "10000"])?;
    let reply: Value = serde_json::from_str(&reply)?;
    let in_store: BTreeMap<&str, &str> =
        reply["tasks"].as_array().into_iter().flatten().filter_map(|task| Some((task["id"].as_str()?, task["state"].as_str()?))).collect();
    let project = Project::read(&place.root, i64::MAX / 2)?;
    // The old scripts put fields into an item that has them already, as those of the project do.
    let ours = project.faults.iter().filter(|fault| !fault.cause.starts_with("duplicate mapping key"));
    faults.extend(ours.map(|fault| format!("{}:{}: {}", fault.file, fault.line, fault.cause)));
    let mut lost = Vec::new();
    for (task, who) in &counts.completed {
        let mut says: Vec<String> = Vec::new();
        match in_store.get(task.as_str()) {
            // A task that came and was over between two passes need not be in the store.
            Some(&"done") | None => {}
            Some(other) => says.push(format!("the store says {other}")),
        }
        let of_files = project.queue.iter().filter(|item| item.id == *task).map(|item| ("its queue item", item));
        for (what, said) in of_files.chain(project.tasks.iter().filter(|file| file.id == *task).map(|file| ("its file", file))) {
            if said.state != "done" {
                says.push(format!("{what} says {}", said.state));
            }
        }
        if !says.is_empty() {
            lost.push(format!("{task} (done by {who}, {})", says.join(", ")));
        }
    }
    let has_run = |id: &str| {
        // One that failed waits for its next attempt, perhaps until after the end.
        counts.completed.contains_key(id)
            || counts.failed.contains(id)
            || counts.robbed.iter().chain(&counts.refused).any(|told| told.starts_with(&format!("{id} ")))
    };
    let ids: BTreeSet<&str> = project.queue.iter().chain(&project.tasks).map(|task| task.id.as_str()).collect();
    // The task in parts is done by its parts, and the delayed retries have run.
    let never: Vec<String> = ids
        .into_iter()
        .filter(|id| *id != "TASK-PARTS" && !has_run(id) && !matches!(in_store.get(id), Some(&"scheduled" | &"dead")))
        .map(|id| format!("{id} ({})", in_store.get(id).unwrap_or(&"not in the store")))
        .collect();
    let runs: Vec<String> = counts.runs.iter().map(|(side, runs)| format!("{side} {runs}")).collect();
    say(format_args!(
        "race: tasks of {} s for {seconds:.0} s, old scripts {}: {} runs ({}), {} tasks completed, {} calls repeated as something was busy",
        place.task_time,
        match locking {
            Locking::Locked => "under their lock",
            Locking::Written => "choosing before their lock, as written",
            Locking::Unlocked => "without a lock",
        },
        counts.runs.values().sum::<usize>(),
        runs.join(", "),
        counts.completed.len(),
        counts.busy,
    ));
    let found = [
        ("ran on both sides", counts.on_both_sides),
        ("ran twice on ours", counts.twice_with_us),
        ("ran twice on the old side", counts.twice_with_them),
        ("completions lost", lost),
        ("claims of old scripts taken away", counts.robbed),
        ("ends of ours refused", counts.refused),
        ("tasks that never ran", never),
        ("other faults", faults),
    ];
    for (what, which) in &found {
        let few = which.iter().take(3).cloned().collect::<Vec<_>>().join("; ");
        say(format_args!("  {what:<34}{:>4}  {few}", which.len()).to_string().trim_end());
    }
    let wrong: usize = found.iter().map(|(_, which)| which.len()).sum();
    match (locking, wrong) {
        (_, 0) => Ok(()),
        (Locking::Locked, wrong) => Err(format!("{wrong} faults").into()),
        // Reported, as nothing on this side can close it.
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(ledger: &str) -> (usize, usize, usize, usize, usize) {
        let counts = count(ledger);
        (counts.on_both_sides.len(), counts.twice_with_us.len(), counts.twice_with_them.len(), counts.robbed.len(), counts.refused.len())
    }

    #[test]
    fn a_task_that_is_begun_while_another_has_it_ran_twice() {
        assert_eq!(counts("start old a T-1\nstart claim b T-1\n"), (1, 0, 0, 0, 0));
        assert_eq!(counts("start claim a T-1\nstart mcp b T-1\n"), (0, 1, 0, 0, 0));
        assert_eq!(counts("start old a T-1\nstart old b T-1\n"), (0, 0, 1, 0, 0));
        assert_eq!(counts("start old a T-1\ndone old a T-1\nstart work b T-1\n"), (1, 0, 0, 0, 0));
        assert_eq!(counts("start work a T-1\nended work a T-1\nstart old b T-1\n"), (1, 0, 0, 0, 0));
        assert_eq!(counts("start work a T-1\nstart old b T-2\n"), (0, 0, 0, 0, 0));
    }

    #[test]
    fn what_was_given_back_may_be_begun_again() {
        assert_eq!(counts("start old a T-1\nrelease old a T-1\nstart claim b T-1\nfail claim b T-1\nstart old a T-1\n"), (0, 0, 0, 0, 0));
        // Only by its holder.
        assert_eq!(counts("start old a T-1\nrelease claim c T-1\nstart claim b T-1\n"), (1, 0, 0, 0, 0));
    }

    #[test]
    fn work_that_could_not_be_ended_is_counted() {
        assert_eq!(counts("start old a T-1\nrobbed old a T-1\nrefused:stale_token mcp b T-2\n"), (0, 0, 0, 1, 1));
        assert!(count("start old a T-1\nrobbed old a T-1\n").completed.is_empty());
        assert_eq!(count("start old a T-1\ndone old a T-1\nbusy claim - -\n").busy, 1);
    }
}

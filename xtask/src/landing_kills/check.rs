//! The promises that must hold after a run, however its processes were killed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::arena::{Arena, Shape};
use super::shared::{LOOK, PARTS};
use super::victim::processes;
use crate::output::Outcome;

/// How long processes may take to end after those that started them.
const END_WITHIN: Duration = Duration::from_secs(10);

/// The lock that a merge of an agent's own takes for a moment, in the directory of all worktrees: who kills that git leaves it, with Oarlock or without.
/// It is removed once it is older than any git that could have it.
const OF_AGENTS: &str = "packed-refs.lock";

/// The counts of one run.
pub(super) struct Found {
    /// Landing commits.
    pub(super) landed: usize,
    /// Moves of the branch.
    pub(super) moves: usize,
    /// Submissions that were refused.
    pub(super) refused: usize,
}

/// Checks everything.
///
/// # Errors
/// The first promise that was broken.
pub(super) fn all(arena: &Arena) -> Outcome<Found> {
    no_process_is_left(arena)?;
    let landed = each_part_landed_once(arena)?;
    let moves = every_tree_was_tested(arena)?;
    everything_is_committed(arena)?;
    let refused = arena.ask("events --kind landing_refused --limit 10000")?["events"].as_array().map_or(0, Vec::len);
    nothing_is_left(arena)?;
    Ok(Found { landed, moves, refused })
}

fn no_process_is_left(arena: &Arena) -> Outcome<()> {
    let until = Instant::now() + END_WITHIN;
    loop {
        let left = processes(arena.dir());
        if left.is_empty() {
            return Ok(());
        }
        if Instant::now() >= until {
            return Err(format!("processes are left: {left:?}").into());
        }
        thread::sleep(LOOK);
    }
}

/// By the trailers of the branch and by the events of the store.
fn each_part_landed_once(arena: &Arena) -> Outcome<usize> {
    let target = arena.shape.target();
    let listed = arena.git_with(&["log", "--first-parent", "--format=%(trailers:key=Oarlock-Task,valueonly,separator=%x2C)", target])?;
    let mut by_task: BTreeMap<&str, usize> = BTreeMap::new();
    for task in listed.lines().filter(|line| !line.is_empty()) {
        *by_task.entry(task).or_default() += 1;
    }
    let parts = arena.parts()?;
    let is_each = parts.len() > 1 && parts.iter().map(String::as_str).eq(by_task.keys().copied());
    if !is_each || by_task.values().any(|times| *times != 1) {
        return Err(format!("landing commits of {target}: {by_task:?}").into());
    }
    for kind in ["landing_landed", "task_done"] {
        let events = arena.ask(&format!("events --kind {kind} --limit 10000"))?;
        let mut subjects: Vec<&str> =
            events["events"].as_array().into_iter().flatten().filter_map(|event| event["subject"].as_str()).collect();
        subjects.retain(|subject| by_task.contains_key(subject));
        let is_once = subjects.len() == parts.len() && subjects.iter().collect::<BTreeSet<_>>().len() == parts.len();
        if !is_once {
            return Err(format!("{kind}: {subjects:?}").into());
        }
    }
    Ok(parts.len())
}

/// By the reference's log, which git writes at each move.
fn every_tree_was_tested(arena: &Arena) -> Outcome<usize> {
    let target = arena.shape.target();
    let tested = fs::read_to_string(arena.dir().join("tested"))?;
    let tested: BTreeSet<&str> = tested.lines().collect();
    let log = fs::read_to_string(arena.repo().join(".git/logs/refs/heads").join(target))?;
    let moves: Vec<&str> = log.lines().filter_map(|line| line.split(' ').nth(1)).collect();
    let trees: Vec<String> =
        moves.iter().map(|commit| arena.git_with(&["rev-parse", &format!("{commit}^{{tree}}")])).collect::<Result<_, _>>()?;
    // The first is where it began.
    for (n, tree) in trees.iter().enumerate().skip(1) {
        if !tested.contains(tree.as_str()) && trees[n - 1] != *tree {
            return Err(format!("{target} was at {}, whose tree {tree} was not tested", moves[n]).into());
        }
    }
    Ok(moves.len() - 1)
}

/// Every note that an agent recorded is in a commit of some reference.
fn everything_is_committed(arena: &Arena) -> Outcome<()> {
    let objects = arena.git("rev-list --all --objects")?;
    let paths: BTreeSet<&str> = objects.lines().filter_map(|line| line.split_once(' ')).map(|(_, path)| path).collect();
    let notes = fs::read_to_string(arena.dir().join("notes"))?;
    match notes.lines().find(|note| !paths.contains(format!("notes/{note}").as_str())) {
        Some(lost) => Err(format!("notes/{lost}, which an agent wrote, is in no commit").into()),
        None => Ok(()),
    }
}

/// Worktrees of tests are gone, those of agents hold nothing that is not in a commit, and with the project goes everything.
fn nothing_is_left(arena: &Arena) -> Outcome<()> {
    let worktrees = |most: usize| {
        let listed = arena.git("worktree list --porcelain")?;
        let paths: Vec<&str> = listed.lines().filter_map(|line| line.strip_prefix("worktree ")).skip(1).collect();
        let of_agents = |path: &&&str| path.contains("/.oarlock/worktrees/");
        match paths.len() > most || paths.iter().any(|path| !of_agents(&path)) {
            true => Err(format!("worktrees are left: {paths:?}").into()),
            false => Ok::<_, Box<dyn std::error::Error>>(()),
        }
    };
    // A queue that was killed at its last landing leaves the worktree of its test to the next one.
    arena.ask(&format!("merge --onto {} --once", arena.shape.target()))?;
    // A run that was killed may have left names that its next start did not take.
    worktrees(PARTS * 8)?;
    let status = arena.git("status --porcelain")?;
    if !status.is_empty() {
        return Err(format!("files are left: {status}").into());
    }
    if arena.shape == Shape::Run {
        // People merge the branch of a run when they are content with it.
        arena.git(&format!("merge --quiet --ff-only {}", arena.shape.target()))?;
    }
    arena.ask("forget")?;
    worktrees(0)?;
    // The locks in the worktree of an agent that was killed are removed by its next attempt, or with it.
    let mut locks = Vec::new();
    find_locks(&arena.repo().join(".git"), &mut locks)?;
    if !locks.is_empty() {
        return Err(format!("locks are left: {locks:?}").into());
    }
    // A queue that was killed after its last landing leaves its references to the next one, or to this.
    let pinned = arena.git("for-each-ref refs/oarlock/submitted refs/oarlock/judged")?;
    // While the lock of an agent's own git is there, which was killed with it, git removes no reference.
    let is_locked = arena.repo().join(".git").join(OF_AGENTS).exists();
    if !pinned.is_empty() && !is_locked {
        return Err(format!("references are left: {pinned}").into());
    }
    match arena.repo().join(".oarlock").exists() {
        true => Err("the project is left".into()),
        false => Ok(()),
    }
}

/// Locks of git, whose own name ends so. Those of landing queues are locked, and removed with the project.
fn find_locks(dir: &Path, found: &mut Vec<String>) -> Outcome<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_dir() {
            find_locks(&entry.path(), found)?;
        } else if name.ends_with(".lock") && !name.starts_with("oarlock-") && name != OF_AGENTS {
            found.push(entry.path().display().to_string());
        }
    }
    Ok(())
}

//! Comparing the branches of agents at work, uncommitted files included, beside the same git commands typed by hand.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use super::cold::timed;
use super::given::{Bench, plain};
use super::measure::{self, Spread};
use super::table::{Row, Target, Unit};
use crate::output::Outcome;

/// Agents at work, and the pairs of their branches.
const AGENTS: usize = 8;
const PAIRS: usize = AGENTS * (AGENTS - 1) / 2;
/// The longest time of a pair, in milliseconds.
const PAIR_MS_MAX: f64 = 50.0;
/// A tree of each worktree by a copy of its index, a commit of it, and a merge of every pair.
const BY_HAND: &str = "set -e
for a in 1 2 3 4 5 6 7 8; do
    index=$PWD/.git/by-hand-$a
    cp .git/worktrees/a$a/index $index
    GIT_INDEX_FILE=$index git -C .oarlock/worktrees/a$a add --all
    tree=$(GIT_INDEX_FILE=$index git -C .oarlock/worktrees/a$a write-tree)
    eval c$a=$(git commit-tree $tree -p oarlock/T$a -m uncommitted)
done
for a in 1 2 3 4 5 6 7 8; do
    for b in 1 2 3 4 5 6 7 8; do
        [ $a -ge $b ] || eval \"git merge-tree --write-tree \\$c$a \\$c$b\" > .git/by-hand-merged || [ $? -eq 1 ]
    done
done";

/// A look at 28 pairs of branches in a repository of 10,000 files.
///
/// # Errors
/// A command fails.
pub(super) fn radar(bench: &Bench) -> Outcome<Vec<Row>> {
    bench.program()?;
    let (rounds, each, files) = bench.pick((3, 1, 1_000), (5, 2, 10_000));
    let root = bench.fresh_dir()?;
    let dir = root.path();
    make(dir, files)?;
    let mut ours = || timed(bench.oarlock(dir, &["conflicts", "--json"])?, Stdio::null());
    let mut by_hand = || {
        let mut command = plain(Path::new("sh"), dir);
        command.args(["-c", BY_HAND]);
        timed(command, Stdio::null())
    };
    let medians = measure::in_turns(rounds, each, &mut [&mut ours, &mut by_hand])?;
    let [ours, by_hand] = medians.as_slice() else { return Err("two sides".into()) };
    let per_pair = |samples: &[f64]| Spread::of(&samples.iter().map(|seconds| seconds * 1e3 / PAIRS as f64).collect::<Vec<_>>());
    let note = format!("{files} files, {AGENTS} worktrees with uncommitted work, {PAIRS} pairs");
    Ok(vec![
        Row::of("a pair of branches at work", per_pair(ours)?, Unit::Milliseconds, Target::AtMost(PAIR_MS_MAX)).note(note),
        Row::ratio("a look at branches to git by hand", measure::ratio(ours, by_hand)?, Target::AtMost(1.5))
            .note(format!("{:.2} ms a pair by hand", per_pair(by_hand)?.median)),
    ])
}

/// A repository with worktrees of agents who all change one file, another one each, and make a new one.
fn make(dir: &Path, files: usize) -> Outcome<()> {
    for at in 0..files {
        let folder = dir.join(format!("d{}/s{}", at % 100, at / 1_000));
        fs::create_dir_all(&folder)?;
        let text: String = (0..40).map(|line| format!("line {line} of {at}\n")).collect();
        fs::write(folder.join(format!("f{at}.txt")), text)?;
    }
    git(dir, &["init", "--quiet", "--initial-branch=main", "."])?;
    for (key, value) in [("user.name", "bench"), ("user.email", "bench@example.org"), ("gc.auto", "0"), ("maintenance.auto", "false")] {
        git(dir, &["config", key, value])?;
    }
    git(dir, &["add", "--all"])?;
    git(dir, &["commit", "--quiet", "--message", "base"])?;
    for agent in 1..=AGENTS {
        let worktree = format!(".oarlock/worktrees/a{agent}");
        git(dir, &["worktree", "add", "--quiet", "-b", &format!("oarlock/T{agent}"), &worktree, "main"])?;
        let worktree = dir.join(worktree);
        for (file, at) in [(format!("d{agent}/s0/f{agent}.txt"), agent), ("d50/s0/f50.txt".to_owned(), 50)] {
            let text = fs::read_to_string(worktree.join(&file))?;
            fs::write(worktree.join(&file), text.replace(&format!("line 7 of {at}\n"), &format!("agent {agent}\n")))?;
        }
        fs::write(worktree.join(format!("new{agent}")), "new\n")?;
    }
    Ok(())
}

fn git(dir: &Path, args: &[&str]) -> Outcome<()> {
    let mut command = plain(Path::new("git"), dir);
    command.args(args);
    timed(command, Stdio::null()).map(drop)
}

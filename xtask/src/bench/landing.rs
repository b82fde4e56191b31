//! Landing and worktrees: many green parts behind one slow test, the time that a part costs besides its command, and a reused worktree of a large
//! repository beside the same git commands typed by hand.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::given::{Bench, plain};
use super::measure::{self, Spread};
use super::table::{Row, Target, Unit};
use crate::output::Outcome;

/// Parts that land together.
const PARTS: usize = 8;
/// How long their test takes, in seconds.
const TEST_SECONDS: f64 = 2.0;
/// Parts of a run without worktrees.
const PLAIN_PARTS: usize = 20;
/// Files of the large repository.
const FILES: usize = 10_000;

/// The bounds are those that users were promised.
///
/// # Errors
/// Git or the program fails.
pub(super) fn landing(bench: &Bench) -> Outcome<Vec<Row>> {
    Ok(vec![together(bench)?, without_worktrees(bench)?, reused(bench)?])
}

/// A repository with a project in it.
struct Repo<'a> {
    bench: &'a Bench,
    _dir: tempfile::TempDir,
    root: PathBuf,
}

impl<'a> Repo<'a> {
    fn new(bench: &'a Bench, files: usize) -> Outcome<Self> {
        let dir = bench.fresh_dir()?;
        let root = dir.path().join("repo");
        fs::create_dir_all(&root)?;
        for n in 0..files {
            let folder = root.join(format!("d{}", n % 100));
            fs::create_dir_all(&folder)?;
            fs::write(folder.join(format!("f{n}")), format!("file {n}\n"))?;
        }
        let repo = Self { bench, _dir: dir, root };
        for line in ["init --quiet --initial-branch=main .", "config user.name b", "config user.email b@example.org", "add -A"] {
            repo.git(&repo.root, line)?;
        }
        repo.git(&repo.root, "commit --quiet --allow-empty -m start")?;
        repo.git(&repo.root, "branch target")?;
        repo.call(&["init"])?;
        Ok(repo)
    }

    fn call(&self, words: &[&str]) -> Outcome<String> {
        checked(&words.join(" "), self.bench.oarlock(&self.root, words)?.output()?)
    }

    fn git(&self, dir: &Path, line: &str) -> Outcome<String> {
        checked(line, plain(Path::new("git"), dir).args(line.split(' ')).output()?)
    }
}

fn checked(what: &str, output: Output) -> Outcome<String> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!("{what}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim()).into())
}

/// All are submitted, then the queue begins.
fn together(bench: &Bench) -> Outcome<Row> {
    let repo = Repo::new(bench, 10)?;
    repo.call(&["join", "a"])?;
    for n in 0..PARTS {
        let (id, branch) = (format!("T{n}"), format!("oarlock/T{n}"));
        repo.call(&["add", &id, "--id", &id, "--gate", "merge"])?;
        repo.call(&["claim", &id, "--as", "a"])?;
        repo.git(&repo.root, &format!("checkout --quiet -b {branch} main"))?;
        fs::write(repo.root.join(format!("new{n}")), "new\n")?;
        repo.git(&repo.root, "add -A")?;
        repo.git(&repo.root, "commit --quiet -m new")?;
        repo.call(&["done", &id, "--as", "a"])?;
    }
    let test = format!("sleep {TEST_SECONDS}");
    let seconds = measure::seconds(|| repo.call(&["merge", "--onto", "target", "--once", "--slots", "8", "--test", &test]).map(drop))?;
    let landed = repo.git(&repo.root, "rev-list --first-parent --count main..target")?;
    if landed.trim() != PARTS.to_string() {
        return Err(format!("{} of {PARTS} parts landed", landed.trim()).into());
    }
    let what = format!("landing {PARTS} green parts to the time of their test");
    Ok(Row::ratio(what, Spread::only(seconds / TEST_SECONDS), Target::AtMost(1.3))
        .note(format!("{seconds:.2} s, one by one {PARTS} tests")))
}

/// One worker, whose command does nothing.
fn without_worktrees(bench: &Bench) -> Outcome<Row> {
    let repo = Repo::new(bench, 10)?;
    repo.call(&["add", "all", "--id", "P"])?;
    for n in 0..PLAIN_PARTS {
        let id = format!("P{n}");
        repo.call(&["add", &id, "--id", &id, "--parent", "P"])?;
    }
    // The parent is joined by the worker, too: one more part.
    let seconds = measure::seconds(|| repo.call(&["run", "P", "--agents", "1", "--", "true"]).map(drop))?;
    let floor = measure::seconds(|| (0..=PLAIN_PARTS).try_for_each(|_| Ok(Command::new("true").status().map(drop)?)))?;
    let each_ms = (seconds - floor) * 1e3 / (PLAIN_PARTS + 1) as f64;
    let note = format!("{} parts in {seconds:.2} s, start and end of the run included", PLAIN_PARTS + 1);
    Ok(Row::of("a part without a worktree, besides its command", Spread::only(each_ms), Unit::Milliseconds, Target::AtMost(50.0))
        .note(note))
}

/// The same in a worktree that is there, and by hand.
fn reused(bench: &Bench) -> Outcome<Row> {
    let repo = Repo::new(bench, bench.pick(1_000, FILES))?;
    let hand = repo.root.with_file_name("hand");
    repo.git(&repo.root, &format!("worktree add --quiet --detach {} main", hand.display()))?;
    let (mut n, mut m) = (0, 0);
    let mut ours = || {
        n += 1;
        let id = format!("T{n}");
        repo.call(&["add", &id, "--id", &id])?;
        measure::seconds(|| repo.call(&["work", "--as", "a", "--once", "--worktree", "--", "sh", "-c", "echo x >> d1/f1"]).map(drop))
    };
    let mut by_hand = || {
        m += 1;
        measure::seconds(|| {
            repo.git(&hand, &format!("checkout --quiet -b hand{m} main"))?;
            checked("sh", plain(Path::new("sh"), &hand).args(["-c", "echo x >> d1/f1"]).output()?)?;
            repo.git(&hand, "add --all")?;
            repo.git(&hand, "commit --quiet -m new")?;
            repo.git(&hand, "checkout --quiet --detach")?;
            Ok(())
        })
    };
    let times = measure::in_turns(bench.pick(3, 9), 1, &mut [&mut ours, &mut by_hand])?;
    let milliseconds = |side: &[f64]| Spread::of(side).map(|spread| spread.median * 1e3);
    let note = format!("{:.0} ms, by hand {:.0} ms; at most 250 ms will do", milliseconds(&times[0])?, milliseconds(&times[1])?);
    let what = "a part in a reused worktree to the same git commands by hand";
    Ok(Row::ratio(what, measure::ratio(&times[0], &times[1])?, Target::AtMost(1.5)).note(note))
}

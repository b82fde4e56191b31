//! `cargo xtask landing-kills`: runs of several parts that land on one branch, while agents, workers, queues and whole runs are killed at random
//! moments. Each run is started again until it is done; then every part has landed once, on trees that were tested, and nothing is left over.

mod arena;
mod check;
mod shared;
mod victim;

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use oarlock_host::process::children::die_with_parent;
use rustix::process::{Pid, Signal, kill_process};

use crate::output::{Outcome, say, warn};
use crate::workspace;
use arena::{Arena, Shape};
use shared::LOOK;
use victim::{Kind, victims};

/// The longest time of a run, starting again included.
const RUN_MAX: Duration = Duration::from_secs(180);
/// The first kill comes after at most this time, and each further one after the one before.
const KILL_WITHIN_MS: u64 = 800;
/// The most kills of a run: an attempt that is killed counts as failed, and a task has three.
const KILLS_MAX: usize = 6;

/// Kill agents, workers, landing queues and whole runs while parts of a plan land on one branch.
///
/// Fails unless every part has landed exactly once, the branch was only ever at a tree that was tested, no worktree, process, lock or reference
/// is left over, and everything that an agent wrote is in a commit.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Number of runs.
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    runs: usize,
    /// Decides who is killed when; by chance, and printed, unless it is named.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Keep the directory of a run that fails.
    #[arg(long)]
    keep: bool,
}

/// The sums over the runs of one shape.
#[derive(Default)]
struct Tally {
    runs: usize,
    kills: BTreeMap<Kind, usize>,
    starts: usize,
    requeued: usize,
    landed: usize,
    moves: usize,
    conflicts: usize,
    seconds: f64,
}

/// Runs what the arguments ask for.
///
/// # Errors
/// A promise that was broken, with its run.
pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..1 << 40));
    warn(format_args!("seed {seed} decides who is killed when; the processors decide the rest"));
    let oarlock = workspace::program()?;
    let mut tallies: BTreeMap<Shape, Tally> = BTreeMap::new();
    for n in 0..arguments.runs {
        let shape = Shape::ALL[n % Shape::ALL.len()];
        let arena = Arena::new(&oarlock, shape)?;
        let tally = tallies.entry(shape).or_default();
        let mut rng = fastrand::Rng::with_seed(seed.wrapping_add(n as u64));
        if let Err(error) = one(&arena, &mut rng, tally) {
            let place = arena.dir().display().to_string();
            if arguments.keep {
                arena.keep();
                warn(format_args!("its directory is {place}"));
            }
            return Err(format!("run {n} ({shape}), seed {seed}: {error}").into());
        }
    }
    report(&tallies);
    Ok(())
}

/// One run, to its end, and the check of what it left.
fn one(arena: &Arena, rng: &mut fastrand::Rng, tally: &mut Tally) -> Outcome<()> {
    let begun = Instant::now();
    let mut slots: Vec<Slot> = arena.commands().into_iter().map(|words| Slot { words, child: None, starts: 0 }).collect();
    let mut kills = 0;
    let mut next_kill = begun + Duration::from_millis(rng.u64(..KILL_WITHIN_MS));
    let finished = loop {
        if begun.elapsed() > RUN_MAX {
            break Err(format!("not done within {} s: {}", RUN_MAX.as_secs(), arena.tasks()?).into());
        }
        for slot in &mut slots {
            slot.keep_up(arena)?;
        }
        if kills < KILLS_MAX && Instant::now() >= next_kill {
            if let Some((kind, pid)) = one_of(&victims(arena.dir()), rng) {
                // It may have ended by itself meanwhile.
                if kill_process(pid, Signal::KILL).is_ok() {
                    *tally.kills.entry(kind).or_default() += 1;
                    kills += 1;
                }
            }
            next_kill = Instant::now() + Duration::from_millis(rng.u64(..KILL_WITHIN_MS));
        }
        match arena.is_done() {
            Ok(true) => break Ok(()),
            Ok(false) => tally.requeued += arena.requeue_given_up()?,
            Err(error) => break Err(error),
        }
        thread::sleep(LOOK);
    };
    for slot in &mut slots {
        slot.end();
        tally.starts += slot.starts;
    }
    finished?;
    let found = check::all(arena)?;
    tally.runs += 1;
    tally.landed += found.landed;
    tally.moves += found.moves;
    tally.conflicts += found.refused;
    tally.seconds += begun.elapsed().as_secs_f64();
    Ok(())
}

/// A kind that is there, and one of its processes: there are many more of some kinds than of others.
fn one_of(candidates: &[(Kind, Pid)], rng: &mut fastrand::Rng) -> Option<(Kind, Pid)> {
    let kinds: BTreeSet<Kind> = candidates.iter().map(|(kind, _)| *kind).collect();
    let kind = rng.choice(kinds)?;
    rng.choice(candidates.iter().copied().filter(|(of, _)| *of == kind).collect::<Vec<_>>())
}

/// A process that is started again when it has ended.
struct Slot {
    words: Vec<String>,
    child: Option<Child>,
    starts: usize,
}

impl Slot {
    fn keep_up(&mut self, arena: &Arena) -> Outcome<()> {
        if let Some(child) = &mut self.child
            && child.try_wait()?.is_none()
        {
            return Ok(());
        }
        let mut command = arena.oarlock();
        command.args(&self.words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(arena.log()?);
        die_with_parent(&mut command);
        self.child = Some(command.spawn()?);
        self.starts += 1;
        Ok(())
    }

    /// Asks it to end, and waits for it.
    fn end(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = kill_process(Pid::from_child(&child), Signal::TERM);
            let _ = child.wait();
        }
    }
}

fn report(tallies: &BTreeMap<Shape, Tally>) {
    say("processes             runs  killed: agent  worker  queue  run  test   starts  landings  moves  refused  requeued  s/run");
    for (shape, tally) in tallies {
        let killed = |kind| tally.kills.get(&kind).copied().unwrap_or(0);
        say(format_args!(
            "{:<22}{:>4}  {:>13}  {:>6}  {:>5}  {:>3}  {:>4}  {:>7}  {:>8}  {:>5}  {:>7}  {:>8}  {:>5.1}",
            shape.to_string(),
            tally.runs,
            killed(Kind::Agent),
            killed(Kind::Worker),
            killed(Kind::Queue),
            killed(Kind::Run),
            killed(Kind::Test),
            tally.starts,
            tally.landed,
            tally.moves,
            tally.conflicts,
            tally.requeued,
            tally.seconds / tally.runs.max(1) as f64
        ));
    }
    let (runs, kills) =
        tallies.values().fold((0, 0), |(runs, kills), tally| (runs + tally.runs, kills + tally.kills.values().sum::<usize>()));
    say(format_args!(
        "{runs} runs with {kills} kills: every part landed exactly once, the branch was only ever at a tested tree, no worktree, process, lock or \
         reference was left over, and everything that an agent wrote is in a commit"
    ));
}

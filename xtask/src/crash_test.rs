//! `cargo xtask crash-test`: processes use one store while they are killed and stopped, at random moments and at every fail point; then the
//! history of each task and each entry must be linearizable, and the store sound.

mod doom;
mod history;
mod shared;
mod worker;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use oarlock_host::process::children::die_with_parent;
use oarlock_model::event::{Fact, LossReason};
use oarlock_ops::admin::Administration;
use oarlock_ops::store::{EventFilter, Store};
use oarlock_sqlite::{SqliteAdministration, SqliteStore, StorePaths};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

use oarlock_testkit::faulty::StoreStep;

use crate::output::{Outcome, say, warn};
use doom::{Doom, KillPoint};
use history::History;
use shared::{now_ns, options};

/// The first argument of a process of the crash test.
pub(crate) const WORKER: &str = "crash-worker";

/// This many kills come to every fail point, and to leases that end.
const SHORT: usize = 300;

/// Longer than a lease.
const STOP_FOR: Duration = Duration::from_millis(1_200);

/// A process is killed from outside within this time of its start.
const LIFE_MAX: Duration = Duration::from_millis(120);

/// One in this many of those that are killed from outside lives longer than a lease, by up to this time.
const LONG_LIFE_IN: u8 = 3;
const LONG_LIFE: Duration = Duration::from_millis(2_500);

/// One that has not come to its fail point by then is killed from outside too.
const PATIENCE: Duration = Duration::from_secs(3);

/// Works as a process of the crash test.
///
/// # Errors
/// Those of the store.
pub(crate) fn work(arguments: &[String]) -> Outcome<()> {
    worker::run(arguments)
}

/// Kill processes that use one store, and check the replies they got.
///
/// Half of them die at fail points, and some are stopped for longer than their leases. Fails when their replies fit no order,
/// or when the store is not sound.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How many are killed.
    #[arg(long, value_name = "COUNT", default_value_t = 5_000)]
    kills: usize,
    /// How many use the store at a time, at least 2.
    #[arg(long, value_name = "N", default_value_t = 6)]
    processes: usize,
    /// Decides who dies where; by chance, and reported, unless it is named.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

struct Plan {
    kills: usize,
    processes: usize,
    seed: u64,
}

/// Runs what the arguments ask for.
///
/// # Errors
/// A promise that was broken.
pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..1 << 40));
    let plan = Plan { kills: arguments.kills, processes: arguments.processes.max(2), seed };
    warn(format_args!("seed {} decides who dies where; the processors decide the rest", plan.seed));
    crash_and_check(&plan)
}

fn crash_and_check(plan: &Plan) -> Outcome<()> {
    let dir = tempfile::tempdir()?;
    let place = StorePaths::of_file(dir.path().join("oarlock.db"));
    drop(SqliteStore::create(&place, "T", options())?);
    let begun = Instant::now();
    let lives = Lives { plan, file: place.file(), begun_ns: now_ns(), next: AtomicUsize::new(0), ended: Mutex::default() };
    thread::scope(|scope| {
        (0..plan.processes).for_each(|_| drop(scope.spawn(|| lives.live())));
    });
    let Ended { said, deaths, stops, fault } = lives.ended.into_inner().unwrap_or_default();
    if let Some(fault) = fault {
        return Err(fault.into());
    }
    let seconds = begun.elapsed().as_secs_f64();
    let mut history = History::default();
    said.iter().try_for_each(|lines| history.add(lines))?;
    history.check()?;
    let doctor = SqliteAdministration::new(place.clone(), options()).doctor(false, false)?;
    if !doctor.ok {
        return Err(format!("the store is not sound: {:?}", doctor.checks).into());
    }
    let (tasks, entries) = history.objects();
    let expired = expired(&place)?;
    // A crash test that tried too little has shown nothing.
    if plan.kills >= SHORT && (deaths.len() <= 2 * StoreStep::ALL.len() || expired == 0 || history.stale == 0) {
        return Err(format!("too little was tried: {deaths:?}, {expired} leases ended, {} holders refused", history.stale).into());
    }
    let killed: usize = deaths.values().sum();
    say(format!(
        "{killed} kills and {stops} stops of {} processes in {seconds:.0} s: {} calls, {} of them refused, {} of these to holders that had lost their task, \
         {} without a known outcome; {expired} leases ended; the histories of {tasks} tasks and {entries} entries are linearizable, the store is sound",
        plan.processes, history.calls, history.refused, history.stale, history.unknown
    ));
    say(format!("killed: {}", deaths.iter().map(|(place, times)| format!("{place} {times}")).collect::<Vec<_>>().join(", ")));
    Ok(())
}

/// How many leases were taken over after their end.
fn expired(place: &StorePaths) -> Outcome<usize> {
    let filter =
        EventFilter { kinds: vec!["lease_lost".to_owned()], limit: usize::MAX >> 1, bytes_max: usize::MAX, ..EventFilter::default() };
    let events = SqliteStore::open(place, options())?.snapshot()?.events(&filter)?;
    Ok(events.iter().filter(|event| matches!(&event.fact, Fact::LeaseLost(lost) if lost.reason == LossReason::Expired)).count())
}

/// All lives of the crash test.
struct Lives<'a> {
    plan: &'a Plan,
    file: &'a Path,
    begun_ns: u64,
    next: AtomicUsize,
    ended: Mutex<Ended>,
}

#[derive(Default)]
struct Ended {
    said: Vec<Vec<String>>,
    deaths: BTreeMap<String, usize>,
    stops: usize,
    fault: Option<String>,
}

impl Lives<'_> {
    /// One process after another, until there were enough.
    fn live(&self) {
        loop {
            let n = self.next.fetch_add(1, Ordering::SeqCst);
            let is_over = self.ended.lock().map_or(true, |ended| ended.fault.is_some());
            if n >= self.plan.kills || is_over {
                return;
            }
            let lived = self.one(n);
            let Ok(mut ended) = self.ended.lock() else { return };
            match lived {
                Ok((said, place, stops)) => {
                    ended.said.push(said);
                    ended.stops += stops;
                    *ended.deaths.entry(place).or_default() += 1;
                }
                Err(error) => ended.fault = Some(format!("process {n}: {error}")),
            }
        }
    }

    /// One life: what it said, where it ended, and how often it was stopped.
    fn one(&self, n: usize) -> Outcome<(Vec<String>, String, usize)> {
        let mut rng = fastrand::Rng::with_seed(self.plan.seed.wrapping_add(n as u64));
        let doom = Doom::nth(n, &mut rng);
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(WORKER).arg(self.file).args([format!("p{n}"), self.begun_ns.to_string(), doom.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        die_with_parent(&mut command);
        let mut child = command.spawn()?;
        let (output, errors) = (child.stdout.take().ok_or("a pipe was asked for")?, child.stderr.take().ok_or("a pipe was asked for")?);
        let life_max = if rng.u8(..LONG_LIFE_IN) == 0 { LONG_LIFE } else { LIFE_MAX };
        let life = Duration::from_micros(rng.u64(..life_max.as_micros() as u64));
        let (said, outcome) = thread::scope(|scope| {
            let reader = scope.spawn(|| BufReader::new(output).lines().map_while(Result::ok).collect::<Vec<_>>());
            let outcome = end(&child, doom, life);
            (reader.join().unwrap_or_default(), outcome)
        });
        let (by_itself, stops) = outcome?;
        let status = child.wait()?;
        let complaint = std::io::read_to_string(errors)?;
        if !complaint.is_empty() || std::os::unix::process::ExitStatusExt::signal(&status) != Some(libc::SIGKILL) {
            return Err(format!("{status}: {complaint}").into());
        }
        let place = if by_itself { doom.to_string().split(':').next().unwrap_or_default().to_owned() } else { "outside".to_owned() };
        Ok((said, place, stops))
    }
}

/// Sees the process to its end: whether it came by itself, and how often the process was stopped.
fn end(child: &Child, doom: Doom, life: Duration) -> Outcome<(bool, usize)> {
    let pid = Pid::from_child(child);
    let begun = Instant::now();
    let (mut patience, mut stops) = (if doom.place == KillPoint::Outside { life } else { PATIENCE }, 0);
    loop {
        let options = WaitIdOptions::EXITED | WaitIdOptions::STOPPED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match waitid(WaitId::Pid(pid), options)? {
            Some(status) if status.stopped() => {
                stops += 1;
                thread::sleep(STOP_FOR);
                // It goes on for as long as it would have lived, with what it takes for its own.
                patience = begun.elapsed() + life.max(LIFE_MAX);
                kill_process(pid, Signal::CONT)?;
                // The report of the stop goes with its collection.
                let _ = waitid(WaitId::Pid(pid), WaitIdOptions::STOPPED | WaitIdOptions::NOHANG)?;
            }
            Some(_) => return Ok((true, stops)),
            None if begun.elapsed() >= patience && doom.stops && doom.place == KillPoint::Outside && stops == 0 => {
                kill_process(pid, Signal::STOP)?;
                // Seen in the next turn.
                thread::sleep(Duration::from_micros(200));
            }
            None if begun.elapsed() >= patience => {
                kill_process(pid, Signal::KILL)?;
                return Ok((false, stops));
            }
            None => thread::sleep(Duration::from_micros(200)),
        }
    }
}

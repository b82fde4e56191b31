//! `selftest`: shows on the user's own machine and disk that the promises hold. In a scratch store, real processes race for tasks
//! while others of them are killed and stopped; then the replies that each of them got are compared with the log, by an oracle that
//! knows nothing of the store.

mod oracle;
mod worker;

use oarlock_client::{Oarlock, Options, StorePaths, administration, open};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use oarlock_host::process::children::{die_with_parent, set_stopped};
use oarlock_ops::OpError;
use oarlock_ops::admin::{Administration, DoctorReply};
use oarlock_ops::store::{EventFilter, StoreError};
use oarlock_ops::task::Add;
use serde::Serialize;

pub(crate) use worker::run as work;

/// The parameters of a self-test.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Where the scratch store is made; it is gone afterwards.
    pub(crate) dir: PathBuf,
    /// How long the race lasts.
    pub(crate) race: Duration,
    /// How many processes race.
    pub(crate) processes: usize,
}

/// How often a waiting process is woken before the race.
const WAKES: usize = 30;

/// How long a lease of the race holds; the shortest there is.
pub(crate) const TTL_MS: i64 = 1_000;

/// One worker is killed, and now and then one stopped, after each of these.
const FAULT_EVERY: Duration = Duration::from_millis(120);

/// Longer than a lease: anyone who is stopped for this long loses what it holds.
const STOP_FOR: Duration = Duration::from_millis(1_300);

/// The finding of a self-test.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    /// Whether everything held.
    pub(crate) ok: bool,
    /// How long the race lasted, in seconds.
    pub(crate) seconds: u64,
    /// How many processes raced.
    pub(crate) processes: usize,
    /// The calls, and how often each was tried.
    pub(crate) tried: BTreeMap<&'static str, u64>,
    /// From a commit to the claim that waited for it, in milliseconds: half of them, and all but one in a hundred.
    pub(crate) wake_ms: [f64; 2],
    /// The checks.
    pub(crate) checks: Vec<Check>,
}

/// One promise and what became of it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Check {
    pub(crate) check: &'static str,
    pub(crate) ok: bool,
    pub(crate) found: String,
}

/// The reply of a worker.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) agent: String,
    pub(crate) words: Vec<String>,
    pub(crate) at: Instant,
}

/// Runs a self-test.
///
/// # Errors
/// The scratch store cannot be made or read, or no process can be started. What does not hold is no error but in the report.
pub(crate) fn run(plan: &Plan) -> Result<Report, OpError> {
    let scratch = Scratch::make(&plan.dir)?;
    let file = scratch.0.join("oarlock.db");
    let mut adder = Oarlock::open(&file)?;
    // Nobody gets it: with everything done, a claim would not wait.
    let far = oarlock_model::duration::Duration::from_ms(oarlock_model::limits::DURATION_MS_MAX);
    let fields = oarlock_ops::task::TaskFields { not_before: Some(far), ..Default::default() };
    adder.order(&Add { title: "keeps the work open".into(), fields, ..Add::default() })?;
    let wakes_ms = wakes(&mut adder, &file)?;
    let (mut tried, said) = race(plan, &mut adder, &file)?;
    tried.insert("wakes", wakes_ms.len() as u64);
    drop(adder);

    let place = StorePaths::of_file(&file);
    let mut checks = oracle::checks(&said, &log(&place)?, &mut tried);
    checks.push(Check {
        check: "wakes",
        ok: wakes_ms.len() == WAKES,
        found: format!("{} of {WAKES} waits were woken by a commit", wakes_ms.len()),
    });
    let looked = administration(&place, Options::default()).doctor(false, false)?;
    checks.push(doctors(&looked));
    let at = |share: usize| wakes_ms.get((wakes_ms.len() * share / 100).min(wakes_ms.len().saturating_sub(1))).copied().unwrap_or(0.0);
    let wake_ms = [at(50), at(99)].map(|ms| (ms * 100.0).round() / 100.0);
    let ok = checks.iter().all(|check| check.ok);
    Ok(Report { ok, seconds: plan.race.as_secs(), processes: plan.processes, tried, wake_ms, checks })
}

fn doctors(looked: &DoctorReply) -> Check {
    let wrong: Vec<String> =
        looked.checks.iter().filter(|check| !check.ok).map(|check| format!("{}: {}", check.check, check.found)).collect();
    let found = if wrong.is_empty() { "every page is sound and every table matches the log".to_owned() } else { wrong.join("; ") };
    Check { check: "store", ok: looked.ok, found }
}

fn log(place: &StorePaths) -> Result<Vec<oarlock_model::event::Event>, OpError> {
    let mut store = open(place, Options::default())?;
    let all = EventFilter { limit: i64::MAX as usize, bytes_max: usize::MAX, ..EventFilter::default() };
    Ok(store.snapshot()?.events(&all)?)
}

/// A directory that is gone when it is dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn make(dir: &Path) -> Result<Self, OpError> {
        let path = dir.join(format!("selftest-{}", std::process::id()));
        std::fs::create_dir(&path).map_err(|error| cannot("make a scratch store in", dir, &error))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn cannot(doing: &str, path: &Path, error: &std::io::Error) -> OpError {
    StoreError::Unavailable {
        message: format!("failed to {doing} {}: {error}", path.display()),
        hint: "look at the permissions, the free space, and the limits of processes and open files".into(),
    }
    .into()
}

/// A worker process and the thread that reads what it says.
struct Member {
    name: String,
    child: Child,
}

impl Member {
    fn start(file: &Path, name: &str, mode: &str, said: &Sender<Said>) -> Result<Self, OpError> {
        let program = std::env::current_exe().map_err(|error| cannot("find", Path::new("this program"), &error))?;
        let mut command = Command::new(&program);
        command.args(["selftest", "--worker", name, "--mode", mode, "--scratch"]).arg(file);
        command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        die_with_parent(&mut command);
        let mut child = command.spawn().map_err(|error| cannot("start", &program, &error))?;
        let Some(output) = child.stdout.take() else { return Err(OpError::Internal("a pipe was asked for".into())) };
        let (agent, said) = (name.to_owned(), said.clone());
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let words = line.split(' ').map(str::to_owned).collect();
                if said.send(Said { agent: agent.clone(), words, at: Instant::now() }).is_err() {
                    break;
                }
            }
        });
        Ok(Self { name: name.to_owned(), child })
    }

    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.kill();
    }
}

/// From each commit to the claim of a process that waited for it, in milliseconds, sorted. Ends early when one was not woken.
fn wakes(adder: &mut Oarlock, file: &Path) -> Result<Vec<f64>, OpError> {
    /// Far more than a wake-up takes, and less than the slow look of a waiter that was not woken.
    const PATIENCE: Duration = Duration::from_secs(4);
    let (sender, said) = channel();
    let _waiter = Member::start(file, "waiter", "wait", &sender)?;
    let mut wakes_ms = Vec::new();
    expect(&said, "ready", Duration::from_secs(30));
    for n in 0..WAKES {
        // The waiter says so before it waits; it may not sleep yet, and need not.
        if expect(&said, "waits", PATIENCE).is_none() {
            break;
        }
        adder.order(&Add { title: format!("wake {n}"), ..Add::default() })?;
        let committed = Instant::now();
        let Some(claimed) = expect(&said, "woken", PATIENCE) else { break };
        wakes_ms.push(claimed.at.saturating_duration_since(committed).as_secs_f64() * 1e3);
    }
    wakes_ms.sort_unstable_by(f64::total_cmp);
    Ok(wakes_ms)
}

fn expect(said: &Receiver<Said>, word: &str, patience: Duration) -> Option<Said> {
    let until = Instant::now() + patience;
    loop {
        let said = said.recv_timeout(until.saturating_duration_since(Instant::now())).ok()?;
        if said.words.first().is_some_and(|first| first == word) {
            return Some(said);
        }
    }
}

/// Workers race for tasks, and are killed and stopped meanwhile; the tried calls, and the replies they got.
fn race(plan: &Plan, adder: &mut Oarlock, file: &Path) -> Result<(BTreeMap<&'static str, u64>, Vec<Said>), OpError> {
    let (sender, receiver) = channel();
    let names: Vec<String> = (0..plan.processes).map(|n| format!("racer-{n}")).collect();
    let mut crew = names.iter().map(|name| Member::start(file, name, "race", &sender)).collect::<Result<Vec<_>, _>>()?;
    let mut tried: BTreeMap<&'static str, u64> = BTreeMap::new();
    let (begun, mut turn) = (Instant::now(), 0);
    let mut said = Vec::new();
    while begun.elapsed() < plan.race {
        // Anyone who finishes a task adds another; this is for those that were killed in between.
        for n in 0..plan.processes {
            adder.order(&Add { title: format!("race {turn}-{n}"), ..Add::default() })?;
        }
        let until = Instant::now() + FAULT_EVERY;
        while let Ok(words) = receiver.recv_timeout(until.saturating_duration_since(Instant::now())) {
            said.push(words);
        }
        let victim = turn * 7 % crew.len();
        if turn % 4 == 3 && set_stopped(&crew[victim].child, true) {
            thread::sleep(STOP_FOR);
            let _ = set_stopped(&crew[victim].child, false);
            *tried.entry("stops").or_default() += 1;
        } else {
            crew[victim].kill();
            let name = crew[victim].name.clone();
            crew[victim] = Member::start(file, &name, "race", &sender)?;
            *tried.entry("kills").or_default() += 1;
        }
        turn += 1;
    }
    crew.iter_mut().for_each(Member::kill);
    drop((crew, sender));
    // The pipes are closed: the output is complete.
    said.extend(receiver.iter());
    Ok((tried, said))
}

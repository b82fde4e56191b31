//! `cargo xtask gateway`: clients use a gateway while it is killed again and again, and repeat with their keys whatever they
//! have no answer to. Then nothing that was acknowledged may be missing, and nothing may have been done twice.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use oarlock_model::event::Fact;
use oarlock_ops::admin::Administration;
use oarlock_ops::store::{EventFilter, Store};
use oarlock_sqlite::{Options, SqliteAdministration, SqliteStore, StorePaths};
use serde_json::{Value, json};

use crate::output::{Outcome, say, warn};
use crate::served::{Served, answer, open};
use crate::workspace;

/// The gateway lives at most this long between two kills.
const LIFE_MAX: Duration = Duration::from_millis(150);

/// Who gets no answer asks again after this long.
const PAUSE: Duration = Duration::from_millis(5);

/// Clients that are answered by nothing for this long have given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// The replies to the clients.
#[derive(Default)]
struct Answers {
    /// Acknowledged calls: verb and task.
    acknowledged: BTreeSet<(&'static str, String)>,
    repeated: usize,
    wrong: Vec<String>,
}

/// Kill a gateway under clients that repeat what they have no answer to.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How often it is killed.
    #[arg(long, value_name = "COUNT", default_value_t = 200)]
    kills: usize,
    /// Clients that add, claim and complete.
    #[arg(long, value_name = "N", default_value_t = 16)]
    clients: usize,
    /// Decides when it is killed; by chance, and reported, unless it is named.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

/// Runs what the arguments ask for.
///
/// # Errors
/// A promise that was broken.
pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    let Arguments { kills, clients, seed } = *arguments;
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    warn(format_args!("{kills} kills under {clients} clients, seed {seed}"));
    let program = workspace::program()?;
    let dir = tempfile::tempdir()?;
    prepare(&program, dir.path(), clients)?;
    let begun = Instant::now();
    let told = crash_and_check(&program, dir.path(), kills, clients, seed)?;
    let seconds = begun.elapsed().as_secs_f64();
    check(dir.path(), &told)?;
    say(format_args!(
        "gateway: {kills} kills in {seconds:.0} s; {} calls of {clients} clients acknowledged, {} asked again without an answer\n  \
         none of them is lost, none was done twice, the log replays to the tables",
        told.acknowledged.len(),
        told.repeated
    ));
    Ok(())
}

fn prepare(program: &Path, root: &Path, clients: usize) -> Outcome<()> {
    let call = |arguments: &[&str]| -> Outcome<()> {
        let done = Command::new(program).args(arguments).arg("-q").env_clear().env("HOME", root).current_dir(root).output()?;
        if done.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&done.stderr).into_owned().into()) }
    };
    call(&["init"])?;
    (0..clients).try_for_each(|n| call(&["join", &format!("a{n}"), "--stale-after", "1h"]))
}

fn crash_and_check(program: &Path, root: &Path, kills: usize, clients: usize, seed: u64) -> Outcome<Answers> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let first = Served::gateway(program, root, "127.0.0.1:0")?;
    let (authority, key) = (first.authority.clone(), std::fs::read_to_string(&first.key)?);
    let mut served = Some(first);
    let (told, stop, answers) = (Mutex::new(Answers::default()), AtomicBool::new(false), AtomicUsize::new(0));
    let stormed = thread::scope(|scope| -> Outcome<()> {
        for n in 0..clients {
            let (authority, key, told, stop, answers) = (&authority, &key, &told, &stop, &answers);
            scope.spawn(move || Client { authority, key, agent: format!("a{n}"), told, stop, answers }.work());
        }
        let killed = (0..kills).try_for_each(|_| -> Outcome<()> {
            let before = answers.load(Ordering::Relaxed);
            let until = Instant::now() + LIFE_MAX.mul_f64(rng.f64());
            // It has answered at least once before it dies, or nothing would ever be done.
            while Instant::now() < until || answers.load(Ordering::Relaxed) == before {
                if until.elapsed() > PATIENCE {
                    return Err("nobody is answered any more".into());
                }
                thread::sleep(Duration::from_micros(200));
            }
            // Dropping kills it, without a word; the next one takes its place.
            served = None;
            served = Some(Served::gateway(program, root, &authority)?);
            Ok(())
        });
        stop.store(true, Ordering::Relaxed);
        killed
    });
    drop(served);
    // A wrong reply to a client says more than that nobody was answered.
    let told = told.into_inner().unwrap_or_default();
    match (stormed, told.wrong.is_empty()) {
        (Err(error), true) => Err(error),
        _ => Ok(told),
    }
}

struct Client<'a> {
    authority: &'a str,
    key: &'a str,
    agent: String,
    told: &'a Mutex<Answers>,
    stop: &'a AtomicBool,
    answers: &'a AtomicUsize,
}

impl Client<'_> {
    /// Task after task, each with three calls, each with a key.
    fn work(&self) {
        for n in 0.. {
            let id = format!("{}-{n}", self.agent);
            let done = self.call("add", &id, json!({"id": id, "title": id}))
                && self.call("claim", &id, json!({"id": id, "as": self.agent}))
                && self.call("done", &id, json!({"id": id, "as": self.agent, "result": "r"}));
            if !done || self.stop.load(Ordering::Relaxed) {
                return;
            }
        }
    }

    /// Asks until there is an answer. False when the crash test is over and nobody answers any more, or the answer is wrong.
    fn call(&self, verb: &'static str, id: &str, mut request: Value) -> bool {
        request["idempotency_key"] = format!("{verb}-{id}").into();
        let asked_for = Instant::now();
        loop {
            match self.ask(verb, &request) {
                Ok((200, _)) => {
                    self.answers.fetch_add(1, Ordering::Relaxed);
                    self.with(|told| {
                        told.acknowledged.insert((verb, id.to_owned()));
                    });
                    return true;
                }
                Ok((503, _)) | Err(_) if asked_for.elapsed() < Duration::from_secs(30) => {
                    self.with(|told| told.repeated += 1);
                    thread::sleep(PAUSE);
                }
                other => {
                    self.with(|told| told.wrong.push(format!("{verb} {id}: {other:?}")));
                    return false;
                }
            }
        }
    }

    fn ask(&self, verb: &str, request: &Value) -> Result<(u16, Value), String> {
        let ask = || -> Outcome<(u16, Value)> {
            let mut text = String::new();
            open(self.authority, self.key, "POST", &format!("/v1/{verb}"), &request.to_string())?.read_to_string(&mut text)?;
            answer(&text)
        };
        ask().map_err(|error| error.to_string())
    }

    fn with(&self, change: impl FnOnce(&mut Answers)) {
        change(&mut self.told.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }
}

/// The comparison of the replies with the log.
fn check(root: &Path, told: &Answers) -> Outcome<()> {
    if let Some(wrong) = told.wrong.first() {
        return Err(format!("{} calls were refused or never answered; the first: {wrong}", told.wrong.len()).into());
    }
    let place = StorePaths::of_file(root.join(".oarlock/oarlock.db"));
    let mut store = SqliteStore::open(&place, Options::default())?;
    let mut seen: BTreeSet<(&'static str, String)> = BTreeSet::new();
    let mut after_seq = 0;
    loop {
        let filter = EventFilter { after_seq, limit: 10_000, bytes_max: usize::MAX, ..EventFilter::default() };
        let events = store.snapshot()?.events(&filter)?;
        let Some(last) = events.last() else { break };
        after_seq = last.seq;
        for event in events {
            let done = match event.fact {
                Fact::TaskAdded(fact) => ("add", fact.id.to_string()),
                Fact::TaskClaimed(fact) => ("claim", fact.id.to_string()),
                Fact::TaskDone(fact) => ("done", fact.id.to_string()),
                _ => continue,
            };
            if seen.contains(&done) {
                return Err(format!("{} {} was done twice", done.0, done.1).into());
            }
            seen.insert(done);
        }
    }
    if let Some((verb, id)) = told.acknowledged.iter().find(|call| !seen.contains(*call)) {
        return Err(format!("{verb} {id} was acknowledged and is lost").into());
    }
    drop(store);
    let found = SqliteAdministration::new(place, Options::default()).doctor(false, false)?;
    if found.ok { Ok(()) } else { Err(format!("the store is not sound: {:?}", found.checks).into()) }
}

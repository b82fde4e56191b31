//! A process of the crash test: it asks for small things in turn, and says before each what it asks and after it the reply. A line
//! is written at once and whole, so that a kill cannot take back a printed line.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use oarlock_faultdisk::{Failure, Fault, Watch, watch};
use oarlock_model::AgentName;
use oarlock_model::agent::Owner;
use oarlock_ops::OpError;
use oarlock_ops::agent::Join;
use oarlock_ops::call;
use oarlock_ops::caller::Caller;
use oarlock_ops::registry;
use oarlock_ops::settings::Settings;
use oarlock_sqlite::{SqliteStore, StorePaths};
use oarlock_testkit::faulty::{FailPoint, Faulty, StoreStep};
use serde_json::{Value, json};

use super::doom::{Doom, KillPoint};
use super::shared::{ROUND_MS, TTL_MS, now_ns, options};
use crate::output::{Outcome, say};

/// Tasks of this many rounds are claimed: together they are longer than a lease and a stop.
const ROUNDS_BACK: u64 = 6;

/// Tasks and entries of a round: enough that work is left, and few enough that all meet.
const TASKS: usize = 12;
const ENTRIES: usize = 3;

struct Worker {
    store: Faulty<SqliteStore>,
    caller: Caller,
    at: oarlock_testkit::faulty::AtFailPoint,
    rng: fastrand::Rng,
    asked: u32,
    held: Vec<(String, u64)>,
    left_alone: BTreeSet<String>,
    late: Vec<(String, u64)>,
    /// The entry that was seen last, and its version.
    seen: (String, u64),
}

/// Works until it is killed, or meets its doom.
///
/// # Errors
/// The store fails; a refusal is what the crash test is about, and is said.
pub(super) fn run(arguments: &[String]) -> Outcome<()> {
    let [file, name, begun_ns, doom] = arguments else { return Err("a worker is started by the crash test".into()) };
    let (doom, begun_ns): (Doom, u64) = (doom.parse()?, begun_ns.parse()?);
    let place = StorePaths::of_file(file);
    let _watch = doom_on_disk(&doom, place.dir());
    let left = AtomicU32::new(doom.after);
    let at: oarlock_testkit::faulty::AtFailPoint = Arc::new(move |point: FailPoint| {
        if doom.place == KillPoint::Point(point) && left.fetch_sub(1, Ordering::SeqCst) == 0 {
            doom.meet();
        }
    });
    let mut store = Faulty::new(SqliteStore::open(&place, options())?, Arc::clone(&at));
    let process = oarlock_host::process::ProcessId::current()?.to_text();
    let name = AgentName::parse(name)?;
    let join = Join { name: Some(name.clone()), owner: Owner::Lock { process, grace_ms: 0 }, ..Join::default() };
    let joined = call::mutate(&mut store, &Caller::default(), &Settings::default(), &join)?;
    let rng = fastrand::Rng::with_seed(name.as_str().bytes().fold(7, |seed: u64, byte| seed.wrapping_mul(31) + u64::from(byte)));
    let caller = Caller { name: Some(name), session: Some(joined.session), ..Caller::default() };
    let mut worker = Worker {
        store,
        caller,
        at,
        rng,
        asked: 0,
        held: Vec::new(),
        left_alone: BTreeSet::new(),
        late: Vec::new(),
        seen: (String::new(), 0),
    };
    loop {
        let round = now_ns().saturating_sub(begun_ns) / 1_000_000 / ROUND_MS;
        if worker.rng.bool() { worker.use_task(round)? } else { worker.use_entry(round)? }
    }
}

/// A disk on which a call is the last one, if that is the doom.
fn doom_on_disk(doom: &Doom, dir: &Path) -> Option<Watch> {
    let KillPoint::Disk { after } = doom.place else { return None };
    let watch = watch(dir);
    watch.fail(Some(Fault { after: doom.after.into(), failure: Failure::Signal { signal: doom.signal(), after }, lasts: false }));
    Some(watch)
}

impl Worker {
    fn use_task(&mut self, round: u64) -> Result<(), OpError> {
        // Then it comes back to it: perhaps somebody else has it by now.
        if !self.late.is_empty() && self.rng.u8(..24) == 0 {
            let (id, token) = self.late.swap_remove(self.rng.usize(..self.late.len()));
            return self.ask("done", json!({"id": id, "token": token})).map(drop);
        }
        if !self.held.is_empty() && self.rng.u8(..3) > 0 {
            return self.use_held();
        }
        // Also what others may have held for longer than a lease.
        let round = round.saturating_sub(self.rng.u64(..ROUNDS_BACK));
        let id = format!("T-{round}-{}", self.rng.usize(..TASKS));
        if self.left_alone.contains(&id) || self.held.iter().any(|(held, _)| *held == id) {
            return Ok(());
        }
        match self.ask("claim", json!({"id": id, "ttl": format!("{}s", TTL_MS / 1_000)}))? {
            Ok(claimed) => self.held.push((id, claimed["lease"]["token"].as_u64().unwrap_or(0))),
            Err(code) if code == "not_found" => {
                self.ask("add", json!({"title": "crash", "id": id, "max_attempts": 1_000}))?.ok();
            }
            Err(_) => {}
        }
        Ok(())
    }

    fn use_held(&mut self) -> Result<(), OpError> {
        let (id, token) = self.held.swap_remove(self.rng.usize(..self.held.len()));
        let verb = ["renew", "done", "release", "", ""][self.rng.usize(..5)];
        // Now and then it leaves alone what it has, often until the lease has ended.
        if verb.is_empty() {
            self.left_alone.insert(id.clone());
            self.late.push((id, token));
            return Ok(());
        }
        let outcome = self.ask(verb, json!({"id": id, "token": token}))?;
        if verb == "renew" && outcome.is_ok() {
            self.held.push((id, token));
        }
        Ok(())
    }

    fn use_entry(&mut self, round: u64) -> Result<(), OpError> {
        let key = format!("k-{round}-{}", self.rng.usize(..ENTRIES));
        if self.rng.u8(..3) == 0 {
            let version = match self.ask("state", json!({"key": key}))? {
                Ok(read) => read["entries"][0]["version"].as_u64().unwrap_or(0),
                Err(_) => 0,
            };
            self.seen = (key, version);
            return Ok(());
        }
        let mut set = json!({"key": key, "value": self.rng.u32(..), "replace": true});
        if self.seen.0 == key && self.rng.bool() {
            set["if_version"] = json!(self.seen.1);
        }
        self.ask("state-set", set).map(drop)
    }

    /// Asks, and says so before and after. A refusal is its code.
    fn ask(&mut self, verb: &str, request: Value) -> Result<Result<Value, String>, OpError> {
        self.asked += 1;
        say(format!("ask {} {} {verb} {request}", self.asked, now_ns()));
        let entry = registry::find(verb).ok_or_else(|| OpError::Internal(format!("no verb {verb}")))?;
        let outcome =
            (entry.from_json)(request)?.run(&mut self.store, &self.caller, &Settings::default()).and_then(|reply| reply.to_value());
        (self.at)(FailPoint { step: StoreStep::Reply, after: false });
        let (told, line) = match outcome {
            Ok(reply) => (Ok(reply.clone()), reply),
            Err(error @ OpError::Rejected(_)) => {
                let told = error.json()["error"].clone();
                let line = json!({"refused": told["code"], "state": told["details"]["state"]});
                (Err(error.code().to_string()), line)
            }
            Err(error) => {
                say(format!("broken {} {} {error}", self.asked, now_ns()));
                return Err(error);
            }
        };
        say(format!("told {} {} {line}", self.asked, now_ns()));
        (self.at)(FailPoint { step: StoreStep::Reply, after: true });
        Ok(told)
    }
}

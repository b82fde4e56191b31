//! Deterministic simulation: agents that crash, pause for longer than their leases, repeat themselves, speak late, and
//! whose machine's clocks jump, on any store, from one seed. Their requests and the replies go to an `oracle` that
//! knows the contract and not the store.
//!
//! The same seed and number of steps give the same history on every machine.

mod actor;
mod ballots;
mod beside;
mod landing;
mod ledger;
mod old;
mod oracle;
mod slow;
mod together;
mod worker;

use std::collections::BTreeMap;
use std::fmt;

use fastrand::Rng;
use oarlock_model::event::Event;
use oarlock_ops::OpError;
use oarlock_ops::caller::Caller;
use oarlock_ops::registry;
use oarlock_ops::settings::Settings;
use oarlock_ops::store::{EventFilter, StoreResult};
use serde_json::{Value, json};

use crate::check;
use crate::harness::Harness;
use crate::memory::replay;
use crate::paper::Point;
use actor::{Actor, Letter};
pub use beside::run_beside;
pub use landing::{LandingCounts, run_landing};
use oracle::Oracle;
use slow::Slow;

/// The parameters of a simulation.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Everything that is left to chance comes from it.
    pub seed: u64,
    /// How many things happen at least; more, until every kind of fault has happened often enough.
    pub steps: usize,
}

/// How often a fault has to happen in each simulation, at least.
const QUOTAS: [(Fault, usize); 5] =
    [(Fault::Steal, 20), (Fault::Crash, 10), (Fault::LongPause, 10), (Fault::Repeat, 5), (Fault::ClockJump, 2)];

/// The same for a harness with a gateway.
const GATEWAY_KILLS_MIN: usize = 10;

/// After this many times the steps, a fault that did not happen often enough will not happen any more.
const STEPS_FACTOR_MAX: usize = 20;

/// Every this many steps the store itself is looked at.
const LOOK_EVERY: usize = 50;

/// Steps in which healthy agents must be through with everything that can be done.
const CALM_STEPS_MAX: usize = 4_000;

/// The faults of a simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A task is granted again because its lease has ended.
    Steal,
    /// An agent's process dies without a word.
    Crash,
    /// An agent does nothing for longer than a lease it holds, and then goes on as if nothing had happened.
    LongPause,
    /// A request is delivered twice.
    Repeat,
    /// A request is delivered after those that were made later.
    Late,
    /// The wall clock jumps.
    ClockJump,
    /// The machine starts again.
    Reboot,
    /// A commit takes long.
    SlowCommit,
    /// A living session is taken over.
    TakeOver,
    /// A gateway dies before its commit, or before its replies.
    GatewayKilled,
    /// Somebody who knows nothing of the store takes a task on the list beside it.
    Taken,
    /// Somebody does so while a call has the lock.
    Unlocked,
    /// An old script keeps the lock of the list.
    LockKept,
    /// An old script dies over a task.
    ScriptDied,
    /// Somebody writes a false entry on the list.
    Scribbled,
    /// A call is killed at this point.
    KilledAt(Point),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::KilledAt(point) => return write!(f, "calls killed ({point})"),
            Fault::Taken => "tasks taken by others",
            Fault::Unlocked => "of these without a lock, inside of calls",
            Fault::LockKept => "locks kept",
            Fault::ScriptDied => "scripts that died over a task",
            Fault::Scribbled => "untrue items",
            Fault::Steal => "steals",
            Fault::Crash => "crashes",
            Fault::LongPause => "long pauses",
            Fault::Repeat => "repeated requests",
            Fault::Late => "late requests",
            Fault::ClockJump => "clock jumps",
            Fault::Reboot => "reboots",
            Fault::SlowCommit => "slow commits",
            Fault::TakeOver => "take-overs",
            Fault::GatewayKilled => "kills of the gateway",
        })
    }
}

/// The counts of a simulation that went well.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How many things happened.
    pub steps: usize,
    /// How often each fault happened.
    pub faults: BTreeMap<Fault, usize>,
    /// How often each semantics was put to the test, by its number.
    pub judged: BTreeMap<u8, usize>,
    /// How many events the log has.
    pub events: usize,
}

/// The finding of a simulation.
#[derive(Clone, Debug)]
pub struct Violation {
    /// The seed and the steps by which it is found again.
    pub plan: Plan,
    /// The step at which it was seen.
    pub step: usize,
    /// Which semantics, and how.
    pub what: String,
    /// The last events.
    pub history: Vec<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {} steps {}: at step {}: {}", self.plan.seed, self.plan.steps, self.step, self.what)?;
        self.history.iter().try_for_each(|line| writeln!(f, "  {line}"))
    }
}

/// Runs one simulation under a harness that nobody has used.
///
/// # Errors
/// The first violation.
///
/// # Panics
/// The store fails where nothing was done to it.
pub fn run(plan: Plan, harness: Box<dyn Harness>) -> Result<Report, Box<Violation>> {
    let mut world = World::new(plan, harness);
    let outcome = world.live().and_then(|()| world.calm_down()).and_then(|()| world.look_back());
    match outcome {
        Ok(()) => Ok(world.report()),
        Err(what) => Err(Box::new(Violation { plan, step: world.step, what, history: world.told.split_off(0) })),
    }
}

type Judged = Result<(), String>;

/// How many lines of history a violation shows.
const TOLD_MAX: usize = 40;

struct World {
    plan: Plan,
    rng: Rng,
    harness: Box<dyn Harness>,
    actors: Vec<Actor>,
    /// Requests that are on their way, with the step at which they arrive.
    late: Vec<(usize, Letter)>,
    oracle: Oracle,
    /// Milliseconds that have passed for the machine while it was on.
    now_ms: i64,
    boots: u32,
    step: usize,
    told: Vec<String>,
    /// How far a reader of the log has come, and what it has seen.
    cursor: Option<String>,
    read: Vec<Value>,
}

impl World {
    fn new(plan: Plan, harness: Box<dyn Harness>) -> Self {
        let mut rng = Rng::with_seed(plan.seed);
        let actors = ["ada", "bob", "cy", "dan", "eve"].into_iter().map(|name| Actor::new(name, rng.u64(..))).collect();
        Self {
            plan,
            rng,
            harness,
            actors,
            late: Vec::new(),
            oracle: Oracle::default(),
            now_ms: 0,
            boots: 1,
            step: 0,
            told: Vec::new(),
            cursor: None,
            read: Vec::new(),
        }
    }

    /// Everybody acts, and everything goes wrong.
    fn live(&mut self) -> Judged {
        (0..6).try_for_each(|n| self.ask(&Letter::anonymous("add", json!({"title": format!("t{n}"), "max_attempts": 1_000}))).map(drop))?;
        while self.step < self.plan.steps || self.lacks_faults() {
            if self.step > self.plan.steps * STEPS_FACTOR_MAX {
                return Err(format!("not enough went wrong: {:?}", self.oracle.faults));
            }
            self.step += 1;
            self.deliver_late()?;
            match self.rng.u32(..100) {
                0..24 if self.harness.has_gateway() => self.act_together()?,
                0..64 => self.act()?,
                64..88 => self.pass_between(1, 4_000),
                88..90 => self.pass_between(4_000, 40_000),
                90..91 => self.crash(),
                91..95 => self.pause(),
                95..96 => self.add_task()?,
                96..97 => self.jump(),
                97..98 => self.take_over()?,
                98 => self.cancel_or_requeue()?,
                _ if self.rng.u32(..8) == 0 => self.reboot(),
                _ => self.read_on()?,
            }
            if self.step.is_multiple_of(LOOK_EVERY) {
                self.look()?;
            }
        }
        Ok(())
    }

    fn lacks_faults(&self) -> bool {
        let lacks_kills = self.harness.has_gateway() && self.oracle.times(Fault::GatewayKilled) < GATEWAY_KILLS_MIN;
        lacks_kills || QUOTAS.iter().any(|(fault, least)| self.oracle.times(*fault) < *least)
    }

    /// Somebody who is there does what it does next.
    fn act(&mut self) -> Judged {
        let n = self.rng.usize(..self.actors.len());
        let Some(letter) = self.actors[n].next(&mut self.rng, self.now_ms) else { return Ok(()) };
        match self.rng.u32(..100) {
            // It arrives after later messages; anyone who wrote it waits no longer.
            0..3 => {
                self.late.push((self.step + self.rng.usize(1..40), letter));
                Ok(())
            }
            // The reply is lost, and the same is asked again, at once or later.
            3..8 => {
                self.oracle.note(Fault::Repeat);
                let first = self.ask(&letter)?;
                self.late.push((self.step + self.rng.usize(0..30), letter.clone()));
                self.hear(n, &letter, &first);
                Ok(())
            }
            _ => {
                let reply = self.ask(&letter)?;
                self.hear(n, &letter, &reply);
                Ok(())
            }
        }
    }

    fn hear(&mut self, n: usize, letter: &Letter, reply: &Result<Value, OpError>) {
        self.actors[n].hear(letter, reply, self.now_ms);
    }

    fn deliver_late(&mut self) -> Judged {
        let (due, waiting) = self.late.drain(..).partition(|(step, _)| *step <= self.step);
        self.late = waiting;
        for (_, letter) in due {
            self.oracle.note(Fault::Late);
            // Nobody listens to the reply any more.
            let _ = self.ask(&letter)?;
        }
        Ok(())
    }

    /// Delivers a request and shows the oracle what came of it.
    fn ask(&mut self, letter: &Letter) -> Result<Result<Value, OpError>, String> {
        let begun_ms = self.now_ms;
        let slow_ms = if self.rng.u32(..40) == 0 { self.rng.i64(100..3_000) } else { 0 };
        if slow_ms > 0 {
            self.oracle.note(Fault::SlowCommit);
        }
        let outcome = self.run(letter, slow_ms);
        self.tell(|| format!("{begun_ms} ms {letter} -> {}", shown(&outcome)));
        self.oracle.hear(letter, &outcome, begun_ms, self.now_ms)?;
        Ok(outcome)
    }

    fn run(&mut self, letter: &Letter, slow_ms: i64) -> Result<Value, OpError> {
        let entry = registry::find(letter.verb).expect("the simulator knows the verbs");
        let request = (entry.from_json)(letter.request.clone())?;
        let caller = Caller { name: letter.name(), session: letter.session(), key: letter.key.clone(), ..Caller::default() };
        let mut slow = Slow::new(&mut *self.harness, letter.process(), slow_ms);
        let outcome = request.run(&mut slow, &caller, &Settings::default()).and_then(|reply| reply.to_value());
        self.now_ms += slow.passed_ms;
        outcome
    }

    fn pass_between(&mut self, least_ms: i64, most_ms: i64) {
        let ms = self.rng.i64(least_ms..most_ms);
        self.pass(ms);
    }

    fn pass(&mut self, ms: i64) {
        self.harness.advance_ms(ms);
        self.now_ms += ms;
    }

    fn crash(&mut self) {
        let n = self.rng.usize(..self.actors.len());
        if self.actors[n].is_here() {
            self.oracle.note(Fault::Crash);
            let name = self.actors[n].name().to_owned();
            self.tell(|| format!("{name} is killed"));
            self.harness.kill(&name);
            self.oracle.died(&name);
            self.actors[n].forget();
        }
    }

    fn pause(&mut self) {
        let now_ms = self.now_ms;
        // Only who holds something can pause for longer than it holds.
        let holders: Vec<usize> = (0..self.actors.len()).filter(|n| self.actors[*n].holds_something()).collect();
        let Some(n) = self.rng.choice(holders) else { return };
        if let Some(ms) = self.actors[n].pause(&mut self.rng, now_ms) {
            self.oracle.note(Fault::LongPause);
            let name = self.actors[n].name().to_owned();
            self.tell(|| format!("{name} pauses for {ms} ms"));
            self.pass(ms / 3);
        }
    }

    /// An hour or a year, in both directions.
    fn jump(&mut self) {
        const HOUR_MS: i64 = 3_600_000;
        self.oracle.note(Fault::ClockJump);
        let ms = *self.rng.choice([HOUR_MS, -HOUR_MS, 8_760 * HOUR_MS, -8_760 * HOUR_MS].iter()).expect("four");
        self.tell(|| format!("the wall clock jumps by {ms} ms"));
        self.harness.step_wall_ms(ms);
    }

    fn reboot(&mut self) {
        self.oracle.note(Fault::Reboot);
        self.boots += 1;
        self.tell(|| "the machine starts anew".to_owned());
        self.harness.reboot(&format!("boot-{}", self.boots));
        self.actors.iter_mut().for_each(Actor::forget);
        self.oracle.rebooted();
    }

    /// Somebody starts under a name whose session lives.
    fn take_over(&mut self) -> Judged {
        let n = self.rng.usize(..self.actors.len());
        let letter = self.actors[n].start_letter(true);
        self.oracle.note(Fault::TakeOver);
        let reply = self.ask(&letter)?;
        // The old one goes on as if nothing had happened for a while; here it is the same actor, which knows.
        self.hear(n, &letter, &reply);
        Ok(())
    }

    fn add_task(&mut self) -> Judged {
        let request = json!({"title": "more", "max_attempts": self.rng.u32(2..6), "writes": [format!("src/{}.rs", self.rng.u32(..4))]});
        self.ask(&Letter::anonymous("add", request)).map(drop)
    }

    fn cancel_or_requeue(&mut self) -> Judged {
        let Some(task) = self.oracle.some_task(&mut self.rng) else { return Ok(()) };
        let verb = if self.rng.bool() { "cancel" } else { "requeue" };
        self.ask(&Letter::anonymous(verb, json!({"id": task}))).map(drop)
    }

    /// A reader of the log goes on from its cursor.
    fn read_on(&mut self) -> Judged {
        let limit = self.rng.u32(1..60);
        let reply = self.ask(&Letter::anonymous("events", json!({"after": self.cursor, "limit": limit})))?;
        let reply = reply.map_err(|error| format!("(17) the log cannot be read: {error}"))?;
        self.cursor = reply["cursor"].as_str().map(str::to_owned);
        self.read.extend(reply["events"].as_array().into_iter().flatten().map(|event| event["cursor"].clone()));
        Ok(())
    }

    /// The store as it is, by the checkers that know its nouns.
    fn look(&mut self) -> Judged {
        let view = self.harness.store("-").snapshot().expect("a store that was just used can be read");
        let faults = check::faults(&view.state().expect("as above"), view.now());
        drop(view);
        let ready = self.ask(&Letter::anonymous("ready", json!({"limit": 10_000})))?;
        self.oracle.offered(&ready, self.now_ms)?;
        faults.first().map_or(Ok(()), |fault| Err(fault.clone()))
    }

    /// Nothing goes wrong any more, and all work must come to an end (semantics 12).
    fn calm_down(&mut self) -> Judged {
        self.late.clear();
        self.actors.iter_mut().for_each(Actor::be_diligent);
        for _ in 0..CALM_STEPS_MAX {
            self.step += 1;
            let n = self.step % self.actors.len();
            self.pass_between(1, 2_000);
            if let Some(letter) = self.actors[n].next(&mut self.rng, self.now_ms) {
                let reply = self.ask(&letter)?;
                self.hear(n, &letter, &reply);
            }
            if self.step.is_multiple_of(LOOK_EVERY) && self.open_tasks()? == 0 {
                return self.look();
            }
        }
        Err(format!("(12) {} tasks are not finished, although everybody is well", self.open_tasks()?))
    }

    fn open_tasks(&mut self) -> Result<usize, String> {
        let states = ["ready", "scheduled", "claimed", "review", "waiting", "blocked"];
        let reply = self.ask(&Letter::anonymous("tasks", json!({"state": states, "limit": 10_000})))?;
        Ok(reply.map_err(|error| error.to_string())?["tasks"].as_array().map_or(0, Vec::len))
    }

    /// The whole log: in order, complete for its reader, and the cause of everything that is there.
    fn look_back(&mut self) -> Judged {
        while {
            let before = self.read.len();
            self.read_on()?;
            self.read.len() > before
        } {}
        let (log, state) = self.log_and_state().map_err(|error| error.to_string())?;
        if let Some(fault) = check::log_faults(&log).first() {
            return Err(fault.clone());
        }
        let written: Vec<Value> = log.iter().map(|event| json!(event.seq.to_string())).collect();
        if self.read != written {
            return Err(format!("(17) a reader saw {} events of {}", self.read.len(), written.len()));
        }
        let replayed = replay(&log).map_err(|error| format!("(17) the log cannot be replayed: {error}"))?;
        self.oracle.judged(17);
        replayed.difference(&state).map_or(Ok(()), |difference| Err(format!("(17) the log tells of another state: {difference}")))
    }

    fn log_and_state(&mut self) -> StoreResult<(Vec<Event>, oarlock_model::state::State)> {
        let view = self.harness.store("-").snapshot()?;
        let all = EventFilter { limit: usize::MAX, bytes_max: usize::MAX, ..EventFilter::default() };
        Ok((view.events(&all)?, view.state()?))
    }

    fn tell(&mut self, line: impl FnOnce() -> String) {
        if self.told.len() == TOLD_MAX {
            self.told.remove(0);
        }
        self.told.push(line());
    }

    fn report(self) -> Report {
        Report { steps: self.step, events: self.read.len(), faults: self.oracle.faults, judged: self.oracle.judged }
    }
}

fn shown(outcome: &Result<Value, OpError>) -> String {
    match outcome {
        Ok(reply) => short(&reply.to_string()),
        Err(error) => format!("{} {}", error.code(), short(&error.to_string())),
    }
}

/// As much of a line as one can read.
fn short(text: &str) -> String {
    const CHARS_MAX: usize = 200;
    match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

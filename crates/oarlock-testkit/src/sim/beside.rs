//! A simulation with a list of tasks beside the store, which old scripts take and finish without knowing of the store. They act between the
//! calls of the store's agents and in the middle of them, calls are killed at every point, and an oracle sees to it that no task is worked on
//! on both sides, that no completion is lost, that intents come to what they must, and that ends reach the list.

mod looks;

use oarlock_model::ErrorCode;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use fastrand::Rng;
use oarlock_model::{TaskId, Token};
use oarlock_ops::OpError;
use oarlock_ops::caller::Caller;
use oarlock_ops::outside::Intent;
use oarlock_ops::registry;
use oarlock_ops::settings::Settings;
use serde_json::{Value, json};

use super::actor::Letter;
use super::old::Scene;
use super::worker::{Worker, leases_of};
use super::{Fault, Judged, Plan, Report, TOLD_MAX, Violation, shown};
use crate::harness::Harness;
use crate::paper::{Fate, Hook, Item, List, Point, Trace, killed};

/// How often each thing has to happen in each simulation, at least.
const QUOTAS: [(Fault, usize); 9] = [
    (Fault::Taken, 10),
    (Fault::Unlocked, 1),
    (Fault::LockKept, 3),
    (Fault::ScriptDied, 1),
    (Fault::Scribbled, 1),
    (Fault::KilledAt(Point::Intended), 1),
    (Fault::KilledAt(Point::Marking), 1),
    (Fault::KilledAt(Point::Marked), 1),
    (Fault::KilledAt(Point::Granted), 1),
];

/// After this many times the steps, what did not happen often enough will not happen any more.
const STEPS_FACTOR_MAX: usize = 20;
/// Every this many steps the store itself is looked at.
const LOOK_EVERY: usize = 25;
/// Tasks that nobody has finished, at least.
const OPEN_MIN: usize = 8;
/// Steps in which healthy agents must be through with everything that can be done.
const CALM_STEPS_MAX: usize = 4_000;
/// A task that an agent has learned of otherwise than by a claim holds at least this long.
const TTL_MS_MIN: i64 = 5_000;

/// Runs one simulation under a harness that nobody has used, with a list beside it.
///
/// # Errors
/// The first violation.
///
/// # Panics
/// The store fails where nothing was done to it.
pub fn run_beside(plan: Plan, harness: Box<dyn Harness>, list: Box<dyn List>) -> Result<Report, Box<Violation>> {
    let mut world = World::new(plan, harness, list);
    match world.live().and_then(|()| world.calm_down()).and_then(|()| world.look_back()) {
        Ok(events) => {
            let scene = world.scene();
            Ok(Report { steps: world.step, events, faults: scene.faults.clone(), judged: scene.ledger.judged.clone() })
        }
        Err(what) => Err(Box::new(Violation { plan, step: world.step, what, history: world.told.split_off(0) })),
    }
}

/// An intent whose call was killed before it was granted.
struct Struck {
    intent: Intent,
    is_marked: bool,
    /// The agent, and the session that is to get it.
    agent: usize,
    session: Option<String>,
}

struct World {
    plan: Plan,
    rng: Rng,
    harness: Box<dyn Harness>,
    list: Box<dyn List>,
    scene: Arc<Mutex<Scene>>,
    workers: Vec<Worker>,
    struck: Vec<Struck>,
    /// When each call with a key was first made, in store time: a kept reply speaks of that moment.
    first_made: BTreeMap<String, i64>,
    tasks: usize,
    step: usize,
    /// Nothing is left to chance any more.
    is_calm: bool,
    told: Vec<String>,
}

impl World {
    fn new(plan: Plan, harness: Box<dyn Harness>, list: Box<dyn List>) -> Self {
        let workers = ["ada", "bob", "cy"].into_iter().map(Worker::new).collect();
        Self {
            plan,
            rng: Rng::with_seed(plan.seed),
            harness,
            list,
            scene: Arc::default(),
            workers,
            struck: Vec::new(),
            first_made: BTreeMap::new(),
            tasks: 0,
            step: 0,
            is_calm: false,
            told: Vec::new(),
        }
    }

    fn scene(&self) -> std::sync::MutexGuard<'_, Scene> {
        self.scene.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn live(&mut self) -> Judged {
        while self.step < self.plan.steps || !self.lacking().is_empty() {
            if self.step > self.plan.steps * STEPS_FACTOR_MAX {
                return Err(format!("not enough went wrong: {:?}", self.scene().faults));
            }
            self.step += 1;
            if self.step % 4 == 1 && self.open_on_the_list() < OPEN_MIN {
                self.add_task()?;
            }
            match self.rng.u32(..100) {
                0..50 => self.act()?,
                50..80 => self.script_acts()?,
                80..95 => self.pass_between(1, 3_000),
                95..97 => self.pass_between(3_000, 150_000),
                97..98 => self.force()?,
                98 => self.die(),
                _ => self.look()?,
            }
            if self.step.is_multiple_of(LOOK_EVERY) {
                self.look()?;
            }
        }
        Ok(())
    }

    /// The events that have not happened often enough yet.
    fn lacking(&self) -> Vec<Fault> {
        let scene = self.scene();
        let lacks = QUOTAS.iter().filter(|(fault, least)| scene.faults.get(fault).copied().unwrap_or(0) < *least);
        lacks.map(|(fault, _)| *fault).collect()
    }

    fn open_on_the_list(&self) -> usize {
        self.list.items().values().filter(|item| **item == Item::Open).count()
    }

    /// A new task, mostly of both sides.
    fn add_task(&mut self) -> Judged {
        self.tasks += 1;
        let id = format!("T-{}", self.tasks);
        let request = json!({"id": id, "title": "t", "max_attempts": 1_000});
        let is_listed = self.rng.u32(..6) > 0;
        if is_listed {
            let task = TaskId::parse(&id).map_err(|error| error.to_string())?;
            self.list.change(&mut |sheet| drop(sheet.items.insert(task.clone(), Item::Open)));
        }
        // Nobody kills it: a task is to be there on both sides.
        self.say(&Letter::anonymous("add", request))
    }

    /// Something that a person asks, and that nobody kills.
    fn say(&mut self, letter: &Letter) -> Judged {
        let (outcome, _) = self.run(letter, Box::new(|_, _| Fate::GoesOn));
        self.tell(format!("{letter} -> {}", shown(&outcome)));
        outcome.map(drop).map_err(|error| format!("{letter} ends with {error}"))
    }

    fn script_acts(&mut self) -> Judged {
        let scene = Arc::clone(&self.scene);
        let rng = &mut self.rng;
        self.list.change(&mut |sheet| scene.lock().unwrap_or_else(PoisonError::into_inner).step(rng, sheet));
        self.hear_the_scene()
    }

    /// The replies, and the findings on the other side.
    fn hear_the_scene(&mut self) -> Judged {
        let (told, violation) = {
            let mut scene = self.scene();
            (std::mem::take(&mut scene.told), scene.violation.take())
        };
        told.into_iter().for_each(|line| self.tell(line));
        violation.map_or(Ok(()), Err)
    }

    /// An agent asks for something, and things happen on the way.
    fn act(&mut self) -> Judged {
        let n = self.rng.usize(..self.workers.len());
        let letter = self.workers[n].next(&mut self.rng, self.tasks);
        self.ask(n, letter)
    }

    fn ask(&mut self, n: usize, letter: Letter) -> Judged {
        let before = self.workers[n].session.clone();
        self.gives_up(n, &letter);
        let hook = self.hook();
        let seq = self.last_seq()?;
        let (outcome, trace) = self.run(&letter, hook);
        let fate = trace.killed.map_or_else(|| shown(&outcome), |point| format!("killed ({point})"));
        self.tell(format!("{letter} -> {fate}"));
        self.hear_the_scene()?;
        if trace.killed.is_none() {
            self.hear(n, &letter, &outcome)?;
        }
        if trace.settled {
            self.check_struck()?;
        }
        match trace.killed {
            Some(point) => self.killed(n, &letter, point, before, &trace)?,
            None if trace.caught_up => self.check_list()?,
            None => {}
        }
        if outcome.as_ref().is_err_and(|error| error.code() == ErrorCode::StoreBusy) && trace.killed.is_none() {
            self.scene().ledger.judged(13);
            if let Some((task, _)) = self.running()?.into_iter().find(|(_, token)| token.0 > seq) {
                return Err(format!("(1) {letter} did not get the lock, and {task} was granted"));
            }
        }
        Ok(())
    }

    /// Anyone who asks for an end works on it no more, whatever comes of that.
    fn gives_up(&mut self, n: usize, letter: &Letter) {
        let task = letter.task().and_then(|task| TaskId::parse(task).ok());
        let mut scene = self.scene();
        match (letter.verb, task) {
            ("fail" | "release", Some(task)) => scene.ledger.agent_ends(&task),
            ("join" | "leave", _) => scene.ledger.agent_gone(&self.workers[n].name),
            _ => {}
        }
    }

    /// Others act at the points of a call, and one of them may be its end.
    fn hook(&mut self) -> Hook {
        if self.is_calm {
            return Box::new(|_, _| Fate::GoesOn);
        }
        let (scene, mut rng) = (Arc::clone(&self.scene), self.rng.fork());
        let lacking = self.lacking();
        let points: Vec<Point> =
            Point::ALL.into_iter().filter(|point| lacking.is_empty() || lacking.contains(&Fault::KilledAt(*point))).collect();
        let deadly = rng.choice(points).filter(|_| rng.u32(..5) == 0);
        // The store is asked often; the other points come once or twice.
        let mut spared = if matches!(deadly, Some(Point::Begin | Point::Snapshot)) { rng.u32(..6) } else { rng.u32(..10) / 8 };
        let interferes = rng.u32(..3) == 0;
        Box::new(move |point, sheet| {
            if deadly == Some(point) {
                if spared == 0 {
                    return Fate::Killed;
                }
                spared -= 1;
            }
            if interferes && rng.bool() {
                scene.lock().unwrap_or_else(PoisonError::into_inner).step(&mut rng, sheet);
            }
            Fate::GoesOn
        })
    }

    fn run(&mut self, letter: &Letter, hook: Hook) -> (Result<Value, OpError>, Trace) {
        if let Some(key) = &letter.key {
            let now_ms = self.scene().now_ms;
            self.first_made.entry(key.clone()).or_insert(now_ms);
        }
        let entry = registry::find(letter.verb).expect("the simulator knows the verbs");
        let request = (entry.from_json)(letter.request.clone()).expect("the simulator knows the requests");
        let caller = Caller { name: letter.name(), session: letter.session(), key: letter.key.clone(), ..Caller::default() };
        let mut outcome = Err(killed().into());
        let trace = self.list.call(self.harness.store(letter.process()), hook, &mut |store| {
            outcome = request.run(store, &caller, &Settings::default()).and_then(|reply| reply.to_value());
        });
        (outcome, trace)
    }

    /// The reply to an agent.
    fn hear(&mut self, n: usize, letter: &Letter, outcome: &Result<Value, OpError>) -> Judged {
        let reply = match outcome {
            Ok(reply) => reply,
            Err(error) => return self.refused(n, letter, error),
        };
        let task = letter.task().and_then(|task| TaskId::parse(task).ok());
        match (letter.verb, task) {
            ("join", _) => {
                self.workers[n].forget();
                self.workers[n].session = reply["session"].as_str().map(str::to_owned);
            }
            ("leave", _) => self.workers[n].forget(),
            ("heartbeat", _) => {
                let has = reply["agent"]["claims"].as_array().into_iter().flatten().filter_map(|id| id.as_str().map(str::to_owned));
                let has: Vec<String> = has.collect();
                self.workers[n].has_only(&has);
                for task in &has {
                    let now_ms = self.scene().now_ms;
                    self.agent_has(n, task, now_ms + TTL_MS_MIN)?;
                }
            }
            ("done", Some(task)) => {
                self.scene().ledger.agent_finishes(&task);
                self.workers[n].has_no_more(task.as_str());
            }
            ("fail" | "release", Some(task)) => self.workers[n].has_no_more(task.as_str()),
            _ => {}
        }
        for (task, token, ttl_ms) in leases_of(reply) {
            // A kept reply reports a lease that may have ended since.
            let id = TaskId::parse(&task).map_err(|error| error.to_string())?;
            if self.running()?.get(&id) == Some(&Token(token)) {
                self.workers[n].has(&task, token);
                // A repeated call gets the reply that was kept: its `ttl_ms` counts from when the call was first made.
                let made_ms = letter.key.as_ref().and_then(|key| self.first_made.get(key)).copied();
                let made_ms = made_ms.unwrap_or_else(|| self.scene().now_ms);
                self.agent_has(n, &task, made_ms + ttl_ms)?;
            }
        }
        Ok(())
    }

    fn agent_has(&mut self, n: usize, task: &str, until_ms: i64) -> Judged {
        let id = TaskId::parse(task).map_err(|error| error.to_string())?;
        self.scene().ledger.agent_has(&id, &self.workers[n].name, until_ms)
    }

    fn refused(&mut self, n: usize, letter: &Letter, error: &OpError) -> Judged {
        match error.code() {
            ErrorCode::Internal | ErrorCode::DataDamaged | ErrorCode::StoreUnavailable | ErrorCode::Usage | ErrorCode::InvalidRequest => {
                return Err(format!("{letter} ends with {error}"));
            }
            // It learns that it is not who it was.
            ErrorCode::StaleSession => self.workers[n].forget(),
            ErrorCode::LeaseLost | ErrorCode::StaleToken | ErrorCode::StateConflict | ErrorCode::LeaseHeld if letter.verb != "claim" => {
                self.workers[n].has_no_more(letter.task().unwrap_or_default());
            }
            ErrorCode::StoreBusy if letter.verb != "claim" => {
                return Err(format!("{letter}, which grants nothing, waits for the lock: {error}"));
            }
            _ => {}
        }
        Ok(())
    }

    /// A call was killed: nobody knows what came of it.
    fn killed(&mut self, n: usize, letter: &Letter, point: Point, before: Option<String>, trace: &Trace) -> Judged {
        self.scene().note(Fault::KilledAt(point));
        let running = self.running()?;
        let granted = self.granted()?;
        for (intent, is_marked) in &trace.intents {
            if running.get(&intent.task) == Some(&intent.token) && !granted.contains(&intent.token) {
                self.struck.push(Struck { intent: intent.clone(), is_marked: *is_marked, agent: n, session: before.clone() });
            }
        }
        let name = self.workers[n].name.clone();
        if let Some(task) = letter.task().and_then(|task| TaskId::parse(task).ok()) {
            self.scene().ledger.agent_ends(&task);
        }
        if self.workers[n].is_mortal || matches!(letter.verb, "join" | "leave") {
            self.dies(n);
        } else {
            // Whatever it has, it may have lost with this call; it asks again, or looks what it has.
            self.tell(format!("{name} lives on"));
            self.workers[n].heard_nothing(letter.clone());
        }
        Ok(())
    }

    fn die(&mut self) {
        let n = self.rng.usize(..self.workers.len());
        if self.workers[n].is_mortal {
            self.dies(n);
        }
    }

    fn dies(&mut self, n: usize) {
        let name = self.workers[n].name.clone();
        self.scene().note(Fault::Crash);
        self.tell(format!("{name} dies"));
        self.harness.kill(&name);
        self.scene().ledger.agent_gone(&name);
        self.workers[n].forget();
    }

    /// A person ends what a dead script has.
    fn force(&mut self) -> Judged {
        let view = self.harness.store("-").snapshot().map_err(|error| error.to_string())?;
        let held = view.outside_tasks(100).map_err(|error| error.to_string())?;
        drop(view);
        let is_over = |by: &str| !self.scene().is_at_work(by);
        let holders = held.iter().filter_map(|task| Some((task.id.clone(), task.outside_holder()?.holder.clone().unwrap_or_default())));
        let dead: Vec<TaskId> = holders.filter(|(_, by)| is_over(by)).map(|(task, _)| task).collect();
        for task in dead {
            self.scene().ledger.forced(&task);
            let letter = Letter::anonymous("release", json!({"id": task, "force": true}));
            let (outcome, _) = self.run(&letter, Box::new(|_, _| Fate::GoesOn));
            self.tell(format!("{letter} -> {}", shown(&outcome)));
            // A later entry of the list may have ended it.
            if let Err(error) = outcome.as_ref()
                && error.code() != ErrorCode::StateConflict
            {
                return Err(format!("{letter} ends with {error}"));
            }
        }
        Ok(())
    }

    fn pass_between(&mut self, least_ms: i64, most_ms: i64) {
        let ms = self.rng.i64(least_ms..most_ms);
        self.harness.advance_ms(ms);
        self.scene().now_ms += ms;
    }

    /// Nothing goes wrong any more, and all work must come to an end on both sides.
    fn calm_down(&mut self) -> Judged {
        self.is_calm = true;
        let scene = Arc::clone(&self.scene);
        self.list.change(&mut |sheet| scene.lock().unwrap_or_else(PoisonError::into_inner).calm_down(sheet));
        self.hear_the_scene()?;
        self.workers.iter_mut().for_each(Worker::be_diligent);
        for _ in 0..CALM_STEPS_MAX {
            self.step += 1;
            self.pass_between(1, 10_000);
            let n = self.step % self.workers.len();
            let letter = self.workers[n].next(&mut self.rng, self.tasks);
            self.ask(n, letter)?;
            if self.step.is_multiple_of(LOOK_EVERY) {
                self.force()?;
                if self.running()?.is_empty() && self.open_tasks()? == 0 {
                    return self.look();
                }
            }
        }
        Err(format!("(12) {} tasks are not finished, although everybody is well", self.open_tasks()?))
    }

    fn tell(&mut self, line: String) {
        if self.told.len() == TOLD_MAX {
            self.told.remove(0);
        }
        self.told.push(format!("{} ms {line}", self.scene().now_ms));
    }
}

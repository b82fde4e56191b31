//! A store under a harness: calls by several processes, time that passes, deaths and reboots, all at the word
//! of a test. [`Lockstep`] runs the same piece on several harnesses and insists that nobody can distinguish them.

mod call;

use oarlock_model::AgentName;
use oarlock_model::rules::holdings::Holdings;
use oarlock_model::state::State;
use oarlock_ops::OpError;
use oarlock_ops::caller::Caller;
use oarlock_ops::settings::Settings;
use oarlock_ops::store::{Store, StoreResult};
use serde_json::Value;

use crate::MemoryStore;
use crate::compare;
use crate::paper::{Fate, Hook, List as _, Paper, Point, killed};
pub use call::{Actor, Files, Step, Writing};

/// A store in a world that a test controls.
pub trait Harness {
    /// The name of the harness when it disagrees with another.
    fn name(&self) -> &'static str;
    /// The store as the process of this name has it open.
    fn store(&mut self, process: &str) -> &mut dyn Store;
    /// Whether some calls go through a gateway, which commits them together.
    fn has_gateway(&self) -> bool {
        false
    }
    /// Calls in one commit of the gateway, if there is one; an error undoes them all, which false reports.
    fn group(&mut self, _work: &mut dyn FnMut(&mut dyn Store) -> StoreResult<()>) -> Option<StoreResult<bool>> {
        None
    }
    /// Both clocks go on.
    fn advance_ms(&mut self, ms: i64);
    /// The wall clock steps; the monotonic clock does not.
    fn step_wall_ms(&mut self, ms: i64);
    /// The process of this name dies without a word, and its locks with it.
    fn kill(&mut self, process: &str);
    /// The machine starts again under this boot id; no process lives on.
    fn reboot(&mut self, boot_id: &str);
}

/// The specification under a harness.
#[derive(Debug, Default)]
pub struct MemoryHarness {
    store: MemoryStore,
}

impl Harness for MemoryHarness {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn store(&mut self, _process: &str) -> &mut dyn Store {
        &mut self.store
    }

    fn advance_ms(&mut self, ms: i64) {
        self.store.advance_ms(ms);
    }

    fn step_wall_ms(&mut self, ms: i64) {
        self.store.step_wall_ms(ms);
    }

    fn kill(&mut self, process: &str) {
        if let Ok(name) = AgentName::parse(process) {
            self.store.kill(&name);
        }
    }

    fn reboot(&mut self, boot_id: &str) {
        self.store.reboot(boot_id);
    }
}

/// The process that looks on and is nobody.
const ONLOOKER: &str = "-";

/// Several harnesses that run the same piece. They disagree by a panic that says how.
pub struct Lockstep {
    harnesses: Vec<Box<dyn Harness>>,
    /// The list beside each of them.
    papers: Vec<Paper>,
    /// Where the next call is killed.
    strike: Option<Point>,
    boots: u32,
    files: Files,
}

impl Lockstep {
    /// Runs on these harnesses; the first speaks for all.
    #[must_use]
    pub fn new(harnesses: Vec<Box<dyn Harness>>) -> Self {
        assert!(!harnesses.is_empty(), "a piece needs a harness");
        let papers = harnesses.iter().map(|_| Paper::default()).collect();
        Self { harnesses, papers, strike: None, boots: 1, files: Files::default() }
    }

    /// The files that requests may name.
    pub fn files(&mut self) -> &mut Files {
        &mut self.files
    }

    /// Does what `step` says on every harness. A call has an outcome, time and death have none.
    ///
    /// # Panics
    /// When two harnesses do not do the same.
    pub fn run(&mut self, step: &Step) -> Option<Result<Value, OpError>> {
        let outcome = match step {
            Step::Call(actor, words) => {
                let state = self.state();
                let words: Vec<String> = words.iter().map(|word| call::fill_in(word, &state)).collect();
                Some(self.call(actor, &words, &state))
            }
            Step::Tick(ms) => self.everywhere(|harness| harness.advance_ms(*ms)),
            Step::Wall(ms) => self.everywhere(|harness| harness.step_wall_ms(*ms)),
            Step::Kill(process) => self.everywhere(|harness| harness.kill(process)),
            Step::Reboot => {
                self.boots += 1;
                let boot_id = format!("boot-{}", self.boots);
                self.everywhere(|harness| harness.reboot(&boot_id))
            }
            Step::Paper(writing) => self.write(writing),
            Step::Strike(point) => {
                self.strike = Some(*point);
                None
            }
        };
        self.compare_stores(step);
        outcome
    }

    /// The state of the first harness.
    pub fn state(&mut self) -> State {
        state_of(&mut *self.harnesses[0])
    }

    /// Looks at the store of the first harness.
    ///
    /// # Errors
    /// Those of the store.
    pub fn look<T>(&mut self, look: impl FnOnce(&dyn oarlock_ops::store::View) -> StoreResult<T>) -> StoreResult<T> {
        look(&*self.harnesses[0].store(ONLOOKER).snapshot()?)
    }

    fn everywhere(&mut self, act: impl Fn(&mut dyn Harness)) -> Option<Result<Value, OpError>> {
        self.harnesses.iter_mut().for_each(|harness| act(&mut **harness));
        None
    }

    /// Somebody writes on the list beside each harness.
    fn write(&mut self, writing: &Writing) -> Option<Result<Value, OpError>> {
        for paper in &self.papers {
            paper.change(&mut |sheet| match writing {
                Writing::Item(task, item) => drop(sheet.items.insert(task.clone(), item.clone())),
                Writing::Erased(task) => drop(sheet.items.remove(task)),
                Writing::Lock(is_locked) => sheet.is_locked = *is_locked,
                Writing::Shown => {}
            });
        }
        let items = || self.papers[0].items().iter().map(|(task, item)| format!("{task} {item}\n")).collect::<String>();
        (*writing == Writing::Shown).then(|| Ok(serde_json::json!({"items": items()})))
    }

    fn call(&mut self, actor: &Actor, words: &[String], state: &State) -> Result<Value, OpError> {
        let (caller, words) = call::common_flags(actor, words, state)?;
        let process = actor.process();
        let (files, strike) = (&self.files, self.strike.take());
        let harnesses = self.harnesses.iter_mut().zip(&self.papers);
        let outcomes = harnesses.map(|(harness, paper)| {
            let name = harness.name();
            let mut outcome = Err(killed().into());
            let trace = paper.call(harness.store(process), deadly(strike), &mut |store| {
                outcome = run(store, &caller, &words, process, files);
            });
            (name, if trace.killed.is_some() { Err(killed().into()) } else { outcome })
        });
        let mut outcomes: Vec<_> = outcomes.collect();
        let (first, outcome) = outcomes.remove(0);
        for (other, different) in outcomes {
            assert!(
                told(&outcome) == told(&different),
                "{actor}: {} gives\n{:#} on {first} and\n{:#} on {other}",
                words.join(" "),
                told(&outcome),
                told(&different)
            );
        }
        outcome
    }

    fn compare_stores(&mut self, step: &Step) {
        let mut seen = self.harnesses.iter_mut().map(|harness| {
            let name = harness.name();
            let store = harness.store(ONLOOKER);
            let owners = store.owners();
            (name, compare::facts(&*store.snapshot().expect("a store that was just used can be read"), &*owners))
        });
        let Some((first, facts)) = seen.next() else { return };
        let items = self.papers[0].items();
        for paper in &self.papers[1..] {
            assert!(
                paper.items() == items,
                "after {step}, the lists beside {first} and another say different things: {:?} and {paper:?}",
                items
            );
        }
        for (other, different) in seen {
            let difference = compare::difference(&facts, &different);
            assert!(difference.is_none(), "after {step}, {first} and {other} see different things: {}", difference.unwrap_or_default());
        }
    }
}

/// Kills a call at this point.
fn deadly(strike: Option<Point>) -> Hook {
    Box::new(move |point, _| if strike == Some(point) { Fate::Killed } else { Fate::GoesOn })
}

fn state_of(harness: &mut dyn Harness) -> State {
    let view = harness.store(ONLOOKER).snapshot().expect("a store that was just used can be read");
    view.state().expect("a store that was just used can be read")
}

fn run(store: &mut dyn Store, caller: &Caller, words: &[String], process: &str, files: &Files) -> Result<Value, OpError> {
    let call = call::read(words, process, files)?;
    // Few enough for a script to reach.
    let agent_holdings = Holdings { leases: 3, reservations: 3, sessions: 3, named_components: 1 };
    let settings = Settings { agent_holdings, ..Settings::default() };
    let reply = match call.without_store(&settings)? {
        Some(reply) => reply,
        None => call.run(store, caller, &settings)?,
    };
    reply.to_value()
}

/// Says one line to a store, `ada: claim T-1` or `-: add x`, without any harness around it.
///
/// # Errors
/// The operation's refusal; `usage` when the line is not a command.
pub fn say(store: &mut dyn Store, line: &str) -> Result<Value, OpError> {
    let Ok(Step::Call(actor, words)) = crate::script::step(line) else { return Err(call::usage(format!("nothing is said: {line}"))) };
    let state = store.snapshot()?.state()?;
    let (caller, words) = call::common_flags(&actor, &words, &state)?;
    run(store, &caller, &words, actor.process(), &Files::default())
}

/// An outcome as callers see it.
fn told(outcome: &Result<Value, OpError>) -> Value {
    match outcome {
        Ok(reply) => reply.clone(),
        Err(error) => error.json(),
    }
}

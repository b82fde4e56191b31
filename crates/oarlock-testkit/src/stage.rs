//! A store on a stage: calls by several processes, time that passes, deaths and reboots, all at the word
//! of a test. [`Lockstep`] plays the same piece on several stages and insists that nobody can tell them apart.

mod call;

use oarlock_model::agent::Owner;
use oarlock_model::rules::holdings::Holdings;
use oarlock_model::state::State;
use oarlock_model::{AgentName, SessionId};
use oarlock_ops::OpError;
use oarlock_ops::call::Caller;
use oarlock_ops::settings::Settings;
use oarlock_ops::store::{Store, StoreResult};
use serde_json::Value;

use crate::MemoryStore;
use crate::compare;
pub use call::{Files, Play, Voice};

/// A store in a world that a test controls.
pub trait Stage {
    /// What the stage is called when it disagrees with another.
    fn name(&self) -> &'static str;
    /// The store as the process of this name has it open.
    fn store(&mut self, process: &str) -> &mut dyn Store;
    /// Whether some calls go through a gateway, which commits them together.
    fn has_gateway(&self) -> bool {
        false
    }
    /// Calls in one commit of the gateway, if there is one; an error undoes them all, which is told by false.
    fn group(&mut self, _work: &mut dyn FnMut(&mut dyn Store) -> StoreResult<()>) -> Option<StoreResult<bool>> {
        None
    }
    /// Both clocks go on.
    fn advance_ms(&mut self, ms: i64);
    /// The wall clock steps; the monotonic clock does not.
    fn step_wall_ms(&mut self, ms: i64);
    /// The process of this name dies without a word, and its locks with it.
    fn kill(&mut self, process: &str);
    /// The machine starts anew under this boot id; no process lives on.
    fn reboot(&mut self, boot_id: &str);
}

/// The specification on a stage.
#[derive(Debug, Default)]
pub struct MemoryStage {
    store: MemoryStore,
}

impl Stage for MemoryStage {
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

/// Several stages that play the same piece. They disagree by a panic that says how.
pub struct Lockstep {
    stages: Vec<Box<dyn Stage>>,
    boots: u32,
    files: Files,
}

impl Lockstep {
    /// Plays on these stages; the first speaks for all.
    #[must_use]
    pub fn new(stages: Vec<Box<dyn Stage>>) -> Self {
        assert!(!stages.is_empty(), "a piece needs a stage");
        Self { stages, boots: 1, files: Files::default() }
    }

    /// The files that requests may name.
    pub fn files(&mut self) -> &mut Files {
        &mut self.files
    }

    /// Does what `play` says on every stage. A call has an outcome, time and death have none.
    ///
    /// # Panics
    /// When two stages do not do the same.
    pub fn play(&mut self, play: &Play) -> Option<Result<Value, OpError>> {
        let outcome = match play {
            Play::Call(voice, words) => {
                let state = self.state();
                let words: Vec<String> = words.iter().map(|word| call::fill_in(word, &state)).collect();
                Some(self.call(voice, &words, &state))
            }
            Play::Tick(ms) => self.everywhere(|stage| stage.advance_ms(*ms)),
            Play::Wall(ms) => self.everywhere(|stage| stage.step_wall_ms(*ms)),
            Play::Kill(process) => self.everywhere(|stage| stage.kill(process)),
            Play::Reboot => {
                self.boots += 1;
                let boot_id = format!("boot-{}", self.boots);
                self.everywhere(|stage| stage.reboot(&boot_id))
            }
        };
        self.compare_stores(play);
        outcome
    }

    /// The state of the first stage.
    pub fn state(&mut self) -> State {
        state_of(&mut *self.stages[0])
    }

    /// Looks at the store of the first stage.
    ///
    /// # Errors
    /// Those of the store.
    pub fn look<T>(&mut self, look: impl FnOnce(&dyn oarlock_ops::store::View) -> StoreResult<T>) -> StoreResult<T> {
        look(&*self.stages[0].store(ONLOOKER).snapshot()?)
    }

    fn everywhere(&mut self, act: impl Fn(&mut dyn Stage)) -> Option<Result<Value, OpError>> {
        self.stages.iter_mut().for_each(|stage| act(&mut **stage));
        None
    }

    fn call(&mut self, voice: &Voice, words: &[String], state: &State) -> Result<Value, OpError> {
        let (caller, words) = call::common_flags(voice, words, state)?;
        let process = voice.process();
        let files = &self.files;
        let outcomes = self.stages.iter_mut().map(|stage| (stage.name(), run(stage.store(process), &caller, &words, process, files)));
        let mut outcomes: Vec<_> = outcomes.collect();
        let (first, outcome) = outcomes.remove(0);
        for (other, different) in outcomes {
            assert!(
                told(&outcome) == told(&different),
                "{voice}: {} gives\n{:#} on {first} and\n{:#} on {other}",
                words.join(" "),
                told(&outcome),
                told(&different)
            );
        }
        outcome
    }

    fn compare_stores(&mut self, play: &Play) {
        let mut seen = self.stages.iter_mut().map(|stage| {
            let name = stage.name();
            (name, compare::facts(&*stage.store(ONLOOKER).snapshot().expect("a store that was just used can be read")))
        });
        let Some((first, facts)) = seen.next() else { return };
        for (other, different) in seen {
            let difference = compare::difference(&facts, &different);
            assert!(difference.is_none(), "after {play}, {first} and {other} see different things: {}", difference.unwrap_or_default());
        }
    }
}

fn state_of(stage: &mut dyn Stage) -> State {
    let view = stage.store(ONLOOKER).snapshot().expect("a store that was just used can be read");
    view.state().expect("a store that was just used can be read")
}

fn run(store: &mut dyn Store, caller: &Caller, words: &[String], process: &str, files: &Files) -> Result<Value, OpError> {
    let mut call = call::read(words, process, files)?;
    call.localise(&mut files.local())?;
    // Few enough for a script to reach.
    let agent_holdings = Holdings { leases: 3, reservations: 3, sessions: 3, named_components: 1 };
    let settings = Settings { agent_holdings, ..Settings::default() };
    match call.without_store(&settings)? {
        Some(reply) => Ok(reply),
        None => call.run(store, caller, &settings),
    }
}

/// Says one line to a store, `ada: claim T-1` or `-: add x`, without any stage around it.
///
/// # Errors
/// What the operation refuses; `usage` when the line is none.
pub fn say(store: &mut dyn Store, line: &str) -> Result<Value, OpError> {
    let Ok(Play::Call(voice, words)) = crate::script::play(line) else { return Err(call::usage(format!("nothing is said: {line}"))) };
    let state = store.snapshot()?.state()?;
    let (caller, words) = call::common_flags(&voice, &words, &state)?;
    run(store, &caller, &words, voice.process(), &Files::default())
}

/// An outcome as callers see it.
fn told(outcome: &Result<Value, OpError>) -> Value {
    match outcome {
        Ok(reply) => reply.clone(),
        Err(error) => error.json(),
    }
}

/// The identity of the process that plays this name, as text of the host.
fn process_text(process: &str, state: &State) -> Option<String> {
    let agent = AgentName::parse(process).ok().and_then(|name| state.agents.get(&name).cloned())?;
    match agent.owner {
        Owner::None => None,
        owner => owner.process().map(str::to_owned),
    }
}

/// The current session of the agent with this name.
fn session_of(process: &str, state: &State) -> Option<SessionId> {
    let name = AgentName::parse(process).ok()?;
    state.agents.get(&name).map(|agent| agent.session.clone())
}

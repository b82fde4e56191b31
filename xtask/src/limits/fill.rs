//! Fills a store: every noun to its limit, in the states that cost the most to read. The store is what its log says it is: `doctor`
//! finds nothing in it.

use std::collections::BTreeSet;
use std::sync::Arc;

use oarlock_host::clock::{Clock, ManualClock};
use oarlock_host::process::ProcessId;
use oarlock_model::agent::{Host, Owner};
use oarlock_model::event::{
    AgentJoined, AgentLeft, DeathReason, Fact, LeaveReason, MessageSent, ReservationMade, StateSet, TaskAdded, TaskCancelled, TaskClaimed,
    TaskDied, TaskDone, TaskFailed, TaskNoted, TaskSplit, TaskSubmitted,
};
use oarlock_model::pattern::Pattern;
use oarlock_model::reservation::{Mode, Target};
use oarlock_model::task::{Gate, Resting, TaskSpec};
use oarlock_model::{AgentName, Label, MessageId, ReservationId, SessionId, StateKey, TaskId, Token, limits};
use oarlock_ops::lock::Lock;
use oarlock_ops::store::{Durability, NewEvent, Store, Transaction};
use oarlock_sqlite::{Births, Options, SqliteStore, StorePaths, Synchronous};

use crate::output::Outcome;

/// How much of everything there is: the limits divided by `scale`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    scale: usize,
}

impl Sizes {
    pub(super) fn new(scale: usize) -> Self {
        Self { scale: scale.max(1) }
    }

    /// This many of something, but some.
    pub(super) fn of(self, full: usize) -> usize {
        (full / self.scale).max(5)
    }

    /// Leases that one session holds.
    pub(super) fn leases(self) -> usize {
        self.of(limits::LEASES_PER_SESSION_MAX)
    }

    /// Bytes of the largest body.
    pub(super) fn body(self) -> usize {
        (limits::BODY_BYTES_MAX / self.scale).max(64)
    }
}

/// A task id of a group.
pub(super) fn id(group: &str, n: usize) -> String {
    format!("{group}-{n}")
}

/// The options of a store for measuring: no syncs, and a clock that the measurement moves.
pub(super) fn options(clock: &ManualClock) -> Options {
    Options { clock: Arc::new(clock.clone()), synchronous: Synchronous::Off, births: Births::Fixed(0), ..Options::default() }
}

/// Makes the store at `place` and fills it. The session `dying` means `mortal`, a process that can be ended.
///
/// # Errors
/// Those of the store.
pub(super) fn make(place: &StorePaths, clock: &ManualClock, sizes: Sizes, mortal: &ProcessId) -> Outcome<()> {
    let (mut store, _) = SqliteStore::create(place, "T", options(clock))?;
    // One transaction for each noun: a log of a gigabyte would be read by every later one.
    let steps: [fn(&mut Filler<'_>) -> Outcome<()>; 7] = [
        |filler| filler.agents(),
        |filler| filler.held(),
        |filler| filler.trees(),
        |filler| filler.graph(),
        |filler| filler.queue(),
        |filler| filler.reservations(),
        |filler| filler.rest(),
    ];
    let mut sessions = Vec::new();
    for step in steps {
        let tx = store.begin(&[Lock::Everything], Durability::Full)?;
        let mut filler = Filler { tx, clock, sizes, mortal, sessions };
        step(&mut filler)?;
        sessions = std::mem::take(&mut filler.sessions);
        filler.tx.commit()?;
    }
    Ok(())
}

/// A session by its agent's name.
type Session = (AgentName, SessionId);

struct Filler<'a> {
    tx: Box<dyn Transaction + 'a>,
    clock: &'a ManualClock,
    sizes: Sizes,
    mortal: &'a ProcessId,
    sessions: Vec<Session>,
}

/// Sessions that hold as many leases as one can: one goes on, one leaves, one is taken over, one dies, and one lets all run out.
const HOLDERS: [&str; 5] = ["holder", "leaver", "old", "dying", "idle"];

/// More reservations than the claims that are measured make.
const MADE_BEFORE: usize = 500;

impl Filler<'_> {
    fn emit(&mut self, who: Option<Session>, fact: impl Into<Fact>) -> Outcome<u64> {
        let now = self.tx.view().now();
        let (agent, session) = who.unzip();
        Ok(self.tx.append(NewEvent { at: now.wall, store_at: now.store, agent, session, fact: fact.into() })?)
    }

    fn session(&self, name: &str) -> Outcome<Session> {
        let found = self.sessions.iter().find(|(known, _)| known.as_str() == name);
        Ok(found.cloned().ok_or_else(|| format!("{name} has not joined"))?)
    }

    fn join(&mut self, name: &str, owner: Owner, harness: Option<String>) -> Outcome<()> {
        let capabilities = if name == "novice" { BTreeSet::new() } else { BTreeSet::from([Label::parse("rust")?]) };
        let name = AgentName::parse(name)?;
        let session = SessionId::of(&name, self.tx.view().identity(), self.tx.next_seq());
        let who = (name.clone(), session.clone());
        let host = Host { boot_id: self.clock.host().boot_id, ..Host::default() };
        let joined = AgentJoined {
            name,
            session,
            role: Some(Label::parse("crew")?),
            capabilities,
            program: None,
            timeout_ms: limits::HEARTBEAT_TIMEOUT_MS_DEFAULT,
            max_claims: None,
            owner,
            host,
            harness,
        };
        self.emit(Some(who.clone()), joined)?;
        self.sessions.push(who);
        Ok(())
    }

    /// Ten thousand agents: a third is there, a few hundred of these stand for processes, and the rest has left.
    fn agents(&mut self) -> Outcome<()> {
        let alive = Owner::Process { process: ProcessId::current()?.to_text() };
        for name in ["boss", "reader", "judge"].into_iter().chain(HOLDERS) {
            let owner = if name == "dying" { Owner::Process { process: self.mortal.to_text() } } else { Owner::None };
            self.join(name, owner, None)?;
        }
        for n in 0..self.sizes.of(300) {
            self.join(&id("owner", n), alive.clone(), Some(id("harness", n)))?;
        }
        for n in 0..self.sizes.of(9_500) {
            self.join(&id("crowd", n), Owner::None, None)?;
            if n % 3 != 0 {
                let Some((name, session)) = self.sessions.pop() else { continue };
                self.emit(Some((name.clone(), session.clone())), AgentLeft { name, session, reason: LeaveReason::Left })?;
            }
        }
        // Somebody without the capability that the queue asks for.
        self.join("novice", Owner::None, None)
    }

    fn add(&mut self, id: &str, spec: TaskSpec, needs: &[String], resting: Resting) -> Outcome<()> {
        let needs = needs.iter().map(|need| TaskId::parse(need)).collect::<Result<_, _>>()?;
        self.emit(None, TaskAdded { id: TaskId::parse(id)?, spec, needs, effective_priority: None, resting })?;
        Ok(())
    }

    fn ready(&self) -> Resting {
        Resting::Ready { ready_at: self.tx.view().now().store }
    }

    fn claim(&mut self, id: &str, who: &Session) -> Outcome<Token> {
        let token = Token(self.tx.next_seq());
        let id = TaskId::parse(id)?;
        let ttl_ms = limits::LEASE_TTL_MS_DEFAULT;
        self.emit(Some(who.clone()), TaskClaimed { id, token, ttl_ms, attempt: 1, reserve: false, after: None })?;
        Ok(token)
    }

    /// A task that `who` holds.
    fn add_held(&mut self, id: &str, who: &Session) -> Outcome<Token> {
        let resting = self.ready();
        self.add(id, spec(), &[], resting)?;
        self.claim(id, who)
    }

    /// The leases of the holders, and a task with a long history.
    fn held(&mut self) -> Outcome<()> {
        for name in HOLDERS {
            let who = self.session(name)?;
            for n in 0..self.sizes.leases() {
                self.add_held(&id(name, n), &who)?;
            }
        }
        let task = TaskId::parse(&id("holder", 0))?;
        for n in 0..self.sizes.of(10_000) {
            self.emit(None, TaskNoted { id: task.clone(), text: format!("note {n}"), as_result: false })?;
        }
        Ok(())
    }

    /// A parent that waits for all its parts. Each part rests where `resting` says.
    fn tree(&mut self, parent: &str, parts: usize) -> Outcome<()> {
        let resting = self.ready();
        self.add(parent, spec(), &[], resting)?;
        self.emit(None, TaskSplit { id: TaskId::parse(parent)?, children: Vec::new(), auto_finish: true, waits: true })?;
        for n in 0..parts {
            let resting = self.ready();
            self.add(&id(parent, n), part_of(parent)?, &[], resting)?;
        }
        Ok(())
    }

    /// Wide trees: one to cancel, one that was cancelled, one whose last part is about to be done. And a deep one.
    fn trees(&mut self) -> Outcome<()> {
        let parts = self.sizes.of(8_000);
        self.tree("Felled", parts)?;
        self.tree("Fallen", parts)?;
        self.cancel("Fallen", None)?;
        for n in 0..parts {
            self.cancel(&id("Fallen", n), Some("Fallen"))?;
        }
        let boss = self.session("boss")?;
        self.tree("Joined", parts)?;
        for n in 0..parts {
            let token = self.claim(&id("Joined", n), &boss)?;
            if n > 0 {
                self.done(&id("Joined", n), token, &boss)?;
            }
        }
        let mut above: Option<String> = None;
        for level in 0..limits::PARENT_DEPTH_MAX {
            let name = id("Deep", level);
            let resting = self.ready();
            let spec = above.as_deref().map_or_else(|| Ok(spec()), part_of)?;
            self.add(&name, spec, &[], resting)?;
            if let Some(above) = &above {
                let children = vec![TaskId::parse(&name)?];
                self.emit(None, TaskSplit { id: TaskId::parse(above)?, children, auto_finish: false, waits: true })?;
            }
            above = Some(name);
        }
        Ok(())
    }

    fn cancel(&mut self, task: &str, with_parent: Option<&str>) -> Outcome<()> {
        let with_parent = with_parent.map(TaskId::parse).transpose()?;
        self.emit(None, TaskCancelled { id: TaskId::parse(task)?, with_parent, drop: false })?;
        Ok(())
    }

    /// The holder gives the task up for good.
    fn fail_for_good(&mut self, task: &str, who: &Session, token: Token) -> Outcome<()> {
        let task = TaskId::parse(task)?;
        let reason = "no such interface".to_owned();
        self.emit(Some(who.clone()), TaskFailed { id: task.clone(), token, reason, failures: 1, retry_at: None })?;
        self.emit(None, TaskDied { id: task, reason: DeathReason::NoRetry, failures: 1, losses: 0 })?;
        Ok(())
    }

    fn done(&mut self, task: &str, token: Token, who: &Session) -> Outcome<()> {
        let result = Some("parser written, 12 tests".to_owned());
        let (artifacts, unblocked, unmet_needs) = (Vec::new(), Vec::new(), Vec::new());
        self.emit(Some(who.clone()), TaskDone { id: TaskId::parse(task)?, token: Some(token), result, artifacts, unblocked, unmet_needs })?;
        Ok(())
    }

    /// Needs: two tasks that thousands need, one that needs as many as it can, a long chain, and one that is dead with all that need it.
    fn graph(&mut self) -> Outcome<()> {
        let boss = self.session("boss")?;
        let fans = self.sizes.of(5_000);
        self.add_held("Hub", &boss)?;
        let resting = self.ready();
        self.add("Gate", TaskSpec { gate: Some(Gate::Human), ..spec() }, &[], resting)?;
        let token = Some(self.claim("Gate", &boss)?);
        let (result, artifacts, unmet_needs) = (None, Vec::new(), Vec::new());
        self.emit(Some(boss.clone()), TaskSubmitted { id: TaskId::parse("Gate")?, token, result, artifacts, unmet_needs })?;
        let doom = self.add_held("Doom", &boss)?;
        for n in 0..fans {
            self.add(&id("HubFan", n), spec(), &["Hub".into()], Resting::Blocked)?;
            self.add(&id("GateFan", n), spec(), &["Gate".into()], Resting::Blocked)?;
            self.add(&id("DoomFan", n), spec(), &["Doom".into()], Resting::Blocked)?;
        }
        self.fail_for_good("Doom", &boss, doom)?;
        for n in 0..self.sizes.of(3_000) {
            let token = self.add_held(&id("Dead", n), &boss)?;
            self.fail_for_good(&id("Dead", n), &boss, token)?;
        }
        let resting = self.ready();
        self.add(&id("Chain", 0), spec(), &[], resting)?;
        for n in 1..self.sizes.of(10_000) {
            self.add(&id("Chain", n), spec(), &[id("Chain", n - 1)], Resting::Blocked)?;
        }
        let many: Vec<String> = (0..self.sizes.of(limits::LIST_ITEMS_MAX)).map(|n| id("Chain", n)).collect();
        self.add("Needy", spec(), &many, Resting::Blocked)
    }

    /// The ready queue: first thousands below one reservation, then as many that are free; and tasks that are due later.
    fn queue(&mut self) -> Outcome<()> {
        for n in 0..self.sizes.of(4_000) {
            let writes = vec![Pattern::parse(&format!("held/area{n}/**"))?];
            let resting = self.ready();
            self.add(&id("Below", n), TaskSpec { writes, ..spec() }, &[], resting)?;
        }
        for n in 0..self.sizes.of(6_000) {
            let writes = vec![Pattern::parse(&format!("free/area{n}/**"))?];
            let resting = self.ready();
            self.add(&id("Free", n), TaskSpec { writes, ..spec() }, &[], resting)?;
        }
        for n in 0..self.sizes.of(3_000) {
            let not_before = Some(self.tx.view().now().wall.plus_ms(600_000));
            self.add(&id("Later", n), TaskSpec { not_before, ..spec() }, &[], Resting::Scheduled { retry_at: None })?;
        }
        let body = "x".repeat(self.sizes.body());
        for n in 0..5 {
            let resting = self.ready();
            self.add(&id("Large", n), TaskSpec { body: body.clone(), ..spec() }, &[], resting)?;
        }
        Ok(())
    }

    /// Reservations of every kind, as many short of their limit as one call can make, and some that calls before it make.
    fn reservations(&mut self) -> Outcome<()> {
        let room = limits::RESERVATIONS_MAX - limits::LIST_ITEMS_MAX - MADE_BEFORE;
        let each = self.sizes.of(1_000);
        for name in ["leaver", "old", "dying", "idle"] {
            let who = self.session(name)?;
            for n in 0..each {
                self.reserve(&who, Target::Paths(Pattern::parse(&format!("{name}/{n}.rs"))?))?;
            }
        }
        let holder = self.session("holder")?;
        self.reserve(&holder, Target::Paths(Pattern::parse("held")?))?;
        let crowd: Vec<Session> = self.sessions.iter().filter(|(name, _)| name.as_str().starts_with("crowd")).cloned().collect();
        for n in 0..self.sizes.of(room).saturating_sub(4 * each + 1) {
            let target = match n % 5 {
                0 | 1 => Target::Paths(Pattern::parse(&format!("src/module{}/file{n}.rs", n % 97))?),
                2 => Target::Paths(Pattern::parse(&format!("lib/part{n}"))?),
                3 => Target::Paths(Pattern::parse(&format!("**/made{n}-*.rs"))?),
                _ => Target::Resource(Label::parse(&format!("port-{n}"))?),
            };
            self.reserve(&crowd[n % crowd.len()], target)?;
        }
        Ok(())
    }

    fn reserve(&mut self, who: &Session, target: Target) -> Outcome<()> {
        let id = ReservationId::of(self.tx.next_seq());
        let made =
            ReservationMade { id, target, mode: Mode::Exclusive, task: None, ttl_ms: limits::RESERVATION_TTL_MS_DEFAULT, reason: None };
        self.emit(Some(who.clone()), made)?;
        Ok(())
    }

    /// Messages in one inbox, half of them in one thread; state entries, some as large as they may be; done tasks.
    fn rest(&mut self) -> Outcome<()> {
        let boss = self.session("boss")?;
        let reader = AgentName::parse("reader")?;
        let large = "x".repeat(self.sizes.body());
        let mut thread = None;
        for n in 0..self.sizes.of(20_000) {
            let id = MessageId::of(self.tx.next_seq());
            let thread = if n % 2 == 0 { thread.get_or_insert(id.clone()).clone() } else { id.clone() };
            let text = if n % 2_000 == 1 { large.clone() } else { format!("message {n}: the reader of headers has moved") };
            let to = vec![reader.clone()];
            self.emit(
                Some(boss.clone()),
                MessageSent { id, thread, to, subject: None, text, reply_to: None, ack_required: n % 4 == 0, counts_as: None },
            )?;
        }
        for n in 0..self.sizes.of(20_000) {
            let value = if n % 2_000 == 1 { large.clone() } else { format!("value {n}") };
            let key = StateKey::parse(&format!("deploy/item{n}"))?;
            self.emit(Some(boss.clone()), StateSet { key, value: value.into(), version: 1 })?;
        }
        for n in 0..self.sizes.of(5_000) {
            let token = self.add_held(&id("Past", n), &boss)?;
            self.done(&id("Past", n), token, &boss)?;
        }
        Ok(())
    }
}

/// Every task asks for a capability that all have but the novice.
fn spec() -> TaskSpec {
    let capabilities = Label::parse("rust").into_iter().collect();
    TaskSpec { capabilities, ..TaskSpec::new("move the reading of headers into a module of its own") }
}

fn part_of(parent: &str) -> Outcome<TaskSpec> {
    Ok(TaskSpec { parent: Some(TaskId::parse(parent)?), priority: None, ..spec() })
}

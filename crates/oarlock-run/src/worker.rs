//! `work`: one agent that claims tasks and runs a command for each of them.

mod commands;
mod followed;
mod following;
mod handing;
mod isolated;
mod stillness;
mod supervising;
mod trying;

use std::ffi::OsString;
use std::path::Path;
use std::sync::Mutex;
use std::thread::{self, Scope};
use std::time::{Duration as StdDuration, Instant};

use oarlock_host::process::ProcessId;
use oarlock_model::agent::{Host, Owner};
use oarlock_model::duration::Duration;
use oarlock_model::duration::words::to_the_second;
use oarlock_model::{AgentName, Label, Rejection, SessionId, TaskId, limits};
use oarlock_ops::OpError;
use oarlock_ops::agent::{Join, JoinReply, Leave};
use oarlock_ops::call;
use oarlock_ops::caller::Caller;
use oarlock_ops::settings::Settings;
use oarlock_ops::store::{Store, StoreError};
use oarlock_ops::task::{Claim, Claimed, Ready};
use oarlock_ops::topic::Topics;
use oarlock_ops::wait::Horizon;
use serde::Serialize;

use crate::Stores;
use crate::attempt::{self, Held};
use crate::directory::WorkingDirectory;
use crate::duration::ms;
use crate::heartbeat::{self, Heart};
use crate::isolation::{Cell, Isolation, unless_stopped};
use crate::kept::{self, Shelf};
use crate::orders::Orders;
use crate::outcome::Outcome;
use crate::pace::Pace;
use crate::profile::Profile;
use crate::progress::{Progress, Tell};
use crate::radar::Radar;
use crate::signals::Signals;
use crate::text::clean_line;
use crate::watch::{SLICE_MS, Watch, is_busy};
use commands::Commands;

/// How often an idle worker tries again although nothing seems to have changed: the net in case a notification is lost.
const RECHECK: StdDuration = StdDuration::from_secs(5);
/// How long a program may go on when its store is gone: it may be about to finish, and its result can be kept.
pub(crate) const GONE_GRACE: StdDuration = StdDuration::from_secs(3);
/// Tasks that a report lists; the numbers count all.
const REPORTED_MAX: usize = 1_000;

/// How a worker works.
#[derive(Clone, Debug, Default)]
pub struct Work {
    /// The agent's name; without it one is generated.
    pub name: Option<AgentName>,
    /// Its purpose; counts as a capability.
    pub role: Option<Label>,
    /// Its capabilities.
    pub can: Vec<Label>,
    /// The heartbeat timeout of the agent; the settings' without it.
    pub timeout: Option<Duration>,
    /// The TTL of its leases; the settings' without it. They are renewed while the program runs.
    pub ttl: Option<Duration>,
    /// Only this task and its parts.
    pub within: Option<TaskId>,
    /// One task only; none ready is an error then.
    pub once: bool,
    /// The agent has a worktree of its own; without it programs run in the current directory.
    pub isolation: Option<Isolation>,
    /// Orders come on standard input: a run has started this worker.
    pub is_ordered: bool,
    /// The machine, for people.
    pub host: Host,
    /// How the output of the program is read.
    pub profile: Profile,
    /// How long a program may show no sign of life; without it a known client 30 minutes, and others without a limit.
    pub stuck_after: Option<Duration>,
    /// The command that takes over while the provider of the first one takes no requests.
    pub fallback: Option<Vec<OsString>>,
    /// The program and its arguments.
    pub command: Vec<OsString>,
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WorkedTask {
    /// The task.
    pub id: TaskId,
    /// Its title.
    pub title: String,
    /// The number of the attempt.
    pub attempt: u32,
    /// Its outcome.
    pub outcome: Outcome,
    /// How long it took, in milliseconds.
    pub wall_ms: i64,
}

/// The work of a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WorkReport {
    /// The agent.
    pub agent: AgentName,
    /// Its session.
    pub session: SessionId,
    /// Tasks it finished, those that wait for approval included.
    pub done: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Attempts that ended in another way.
    pub other: u64,
    /// The attempts, at most the last 1,000.
    pub tasks: Vec<WorkedTask>,
    /// How long it worked and waited, in milliseconds.
    pub wall_ms: i64,
}

/// Joins, and runs a command for each task that it claims until it is asked to stop (or once). Call it from a thread that
/// lives as long: the programs it starts die with it.
///
/// # Errors
/// `interrupted` after a signal, when everything that was held has been given back; `nothing_ready` with `once`;
/// `invalid_request` when the command cannot be started; `stale_session` when another session took its name; those of
/// joining and of the store.
pub fn work(stores: &dyn Stores, settings: &Settings, work: &Work, progress: &mut dyn Progress) -> Result<WorkReport, OpError> {
    let signals = Signals::install()?;
    let orders = if work.is_ordered { Orders::from_stdin() } else { Orders::default() };
    work_until(&signals, &orders, stores, settings, work, progress)
}

/// [`work`] with the signals and orders of the caller.
pub(crate) fn work_until(
    signals: &Signals,
    orders: &Orders,
    stores: &dyn Stores,
    settings: &Settings,
    work: &Work,
    progress: &mut dyn Progress,
) -> Result<WorkReport, OpError> {
    if work.command.is_empty() {
        return Err(Rejection::invalid("no command is given", "pass it after --, for example: oarlock work -- sh agent.sh").into());
    }
    let begun = Instant::now();
    let directory = WorkingDirectory::current()?;
    let tell = Mutex::new(progress);
    // Whatever keeps worktrees from being made is said before a task is taken.
    let worktrees = work.isolation.as_ref().map(|isolation| isolation.open(&tell)).transpose();
    let worktrees = worktrees.map_err(|error| unless_stopped(error, signals))?;
    let mut store = stores.open()?;
    let shelf = Shelf::new(&stores.file(), stores.refuges());
    let joined = join(&mut *store, settings, work)?;
    let caller = Caller { name: Some(joined.agent.name.clone()), session: Some(joined.session.clone()), ..Caller::default() };
    let interval = heartbeat::interval(joined.agent.timeout_ms, work.ttl.unwrap_or(settings.lease_ttl).as_ms());
    let heart = Heart::new(caller.clone(), interval);
    let report =
        WorkReport { agent: joined.agent.name, session: joined.session, done: 0, failed: 0, other: 0, tasks: Vec::new(), wall_ms: 0 };
    tell.line(&format!("{} is ready for work (session {})", report.agent, report.session));
    kept::deliver_all(&mut *store, &caller, settings, &shelf, &tell);
    let cell = match worktrees.map(|worktrees| Cell::take(worktrees, &report.agent)).transpose() {
        Ok(cell) => cell,
        Err(error) => {
            // Nothing was claimed; should leaving fail, our death ends the session.
            let _ = call::mutate(&mut *store, &caller, settings, &Leave {});
            return Err(error);
        }
    };
    let radar = cell.as_ref().map(|cell| Radar::of(&cell.worktrees));
    thread::scope(|scope| {
        scope.spawn(|| heart.beat(stores, settings));
        let _stopper = heart.stopper();
        if let Some(radar) = &radar {
            scope.spawn(|| radar.watch(stores, settings, &tell));
        }
        let _radar_stopper = radar.as_ref().map(Radar::stopper);
        let url = stores.url();
        let (heart, tell, pace) = (&heart, &tell, Pace::default());
        let commands = Commands::new(&work.command, work.profile, work.fallback.as_ref());
        let mut worker = Worker {
            scope,
            store,
            caller,
            settings,
            work,
            commands,
            directory,
            cell,
            shelf,
            url,
            signals,
            orders,
            heart,
            tell,
            report,
            pace,
        };
        let worked = worker.work();
        worker.leave(&worked);
        worked.map(|()| WorkReport { wall_ms: ms(begun.elapsed()), ..worker.report })
    })
}

fn join(store: &mut dyn Store, settings: &Settings, work: &Work) -> Result<JoinReply, OpError> {
    let process = ProcessId::current().map_err(|error| StoreError::unidentified_process(&error))?;
    let join = Join {
        name: work.name.clone(),
        role: work.role.clone(),
        can: work.can.clone(),
        stale_after: work.timeout,
        program: work.command.first().map(program_name),
        owner: Owner::Lock { process: process.to_text(), grace_ms: 0 },
        host: Host { pid: Some(process.pid), ..work.host.clone() },
        ..Join::default()
    };
    call::mutate(store, &Caller::default(), settings, &join)
}

/// The command's file name, for people.
fn program_name(program: &OsString) -> String {
    let name = Path::new(program).file_name().unwrap_or(program);
    clean_line(name.as_encoded_bytes()).chars().take(limits::IDENTIFIER_CHARS_MAX).collect()
}

struct Worker<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    /// The handle that joined: it holds the lock that means this process.
    store: Box<dyn Store>,
    caller: Caller,
    settings: &'env Settings,
    work: &'env Work,
    commands: Commands,
    directory: WorkingDirectory,
    /// The agent's own worktree.
    cell: Option<Cell>,
    /// Where results are kept that cannot be handed in.
    shelf: Shelf,
    url: OsString,
    signals: &'env Signals,
    orders: &'env Orders,
    heart: &'env Heart,
    tell: &'env dyn Tell,
    report: WorkReport,
    pace: Pace,
}

impl Worker<'_, '_> {
    fn work(&mut self) -> Result<(), OpError> {
        let mut watch = Watch::new(&mut *self.store, Topics::TASKS.union(Topics::RESERVATIONS))?;
        loop {
            let Some(claimed) = self.next_claim(&mut watch)? else { return Ok(()) };
            self.attempt(&mut watch, &claimed)?;
            if self.work.once {
                return Ok(());
            }
            if let Some(warning) = self.pace.warning() {
                self.tell.warning(&format!("{}: {warning}", self.report.agent));
            }
        }
    }

    /// Ends the session, unless it is over already. Its holdings are free then; should this fail, our death frees it.
    fn leave(&mut self, worked: &Result<(), OpError>) {
        if matches!(worked, Err(OpError::Rejected(Rejection::StaleSession { .. }))) {
            return;
        }
        if let Err(error) = call::mutate(&mut *self.store, &self.caller, self.settings, &Leave {}) {
            self.tell.line(&format!("{} could not leave: {error}", self.report.agent));
        }
    }

    /// Waits for a task; none when the run wants this worker to leave.
    fn next_claim(&mut self, watch: &mut Watch) -> Result<Option<Claimed>, OpError> {
        let not_before =
            self.pace.pause().and_then(|pause| Instant::now().checked_add(pause)).max(self.commands.choose(Instant::now()).err());
        let mut tried: Option<(u64, Instant)> = None;
        let mut due_at: Option<Instant> = None;
        loop {
            if self.signals.taken() {
                return Err(OpError::Interrupted);
            }
            if self.orders.is_leaving() {
                return Ok(None);
            }
            if let Some(fault) = self.heart.take_fault() {
                return Err(fault);
            }
            self.directory.check()?;
            let look = Horizon::of(&mut *self.store)?;
            let now = Instant::now();
            let is_due = due_at.is_some_and(|at| at <= now) || look.has_dead;
            let is_worth = tried.is_none_or(|(seq, at)| seq != look.seq || is_due || now.duration_since(at) >= RECHECK);
            if is_worth && not_before.is_none_or(|at| at <= now) {
                tried = Some((look.seq, now));
                match self.claim() {
                    Ok(claimed) => return Ok(Some(claimed)),
                    Err(OpError::Rejected(Rejection::NothingReady { .. })) if !self.work.once => {}
                    Err(error) if is_busy(&error) => {}
                    Err(error) => return Err(error),
                }
            }
            let due_ms = look.due_ms.unwrap_or(i64::MAX).clamp(1, limits::DURATION_MS_MAX);
            due_at = now.checked_add(StdDuration::from_millis(due_ms.unsigned_abs()));
            watch.wait(due_ms.min(SLICE_MS), &look.owners)?;
        }
    }

    fn claim(&mut self) -> Result<Claimed, OpError> {
        // Reading first: a crowd of idle workers does not queue up to write. A worker that tries once wants the refusal with its facts.
        if !self.work.once {
            let ready = call::query(&mut *self.store, &self.caller, self.settings, &Ready { limit: Some(1), ..Ready::default() })?;
            if ready.tasks.is_empty() {
                let agent = self.report.agent.clone();
                return Err(Rejection::NothingReady { agent, rest: Box::default(), why: None }.into());
            }
        }
        let claim = Claim { ttl: self.work.ttl, reserve: true, subtree: self.work.within.clone(), ..Claim::default() };
        let reply = call::mutate(&mut *self.store, &self.caller, self.settings, &claim)?;
        reply.into_claims().pop().ok_or_else(|| OpError::Internal("a claim granted nothing".into()))
    }

    /// The tasks that the program claimed in its worker's name and did not finish are given back: nobody works on them any more.
    fn release_leftovers(&mut self) -> Result<(), OpError> {
        let left = self.store.snapshot()?.claims_of(&self.report.session)?;
        for id in left {
            self.tell.line(&format!("{id} is given back: its program has ended"));
            attempt::release_own(&mut *self.store, &self.caller, self.settings, &id)?;
        }
        Ok(())
    }

    fn record(&mut self, held: Held, outcome: Outcome, wall_ms: i64) {
        let time = to_the_second(wall_ms);
        let line = match outcome {
            Outcome::Done => format!("finished {} ({time})", held.id),
            Outcome::Submitted if held.lands => format!("submitted {}, which waits for its landing ({time})", held.id),
            Outcome::Submitted => format!("finished {}, which waits for approval ({time})", held.id),
            Outcome::Failed => format!("failed {} ({time}); `oarlock task {}` shows why", held.id, held.id),
            Outcome::Released => format!("{} was given back ({time})", held.id),
            Outcome::Split => format!("{} waits for its parts ({time})", held.id),
            Outcome::Cancelled => format!("{} was cancelled; its program was stopped ({time})", held.id),
            Outcome::Lost => format!("{} was lost; its program was stopped ({time})", held.id),
        };
        self.tell.line(&line);
        match outcome {
            Outcome::Done | Outcome::Submitted => self.report.done += 1,
            Outcome::Failed => self.report.failed += 1,
            _ => self.report.other += 1,
        }
        self.pace.saw(outcome);
        if self.report.tasks.len() == REPORTED_MAX {
            self.report.tasks.remove(0);
        }
        let Held { id, title, attempt, .. } = held;
        self.report.tasks.push(WorkedTask { id, title, attempt, outcome, wall_ms });
    }
}

#[cfg(test)]
mod tests;

//! `run`: splits a task, starts workers on its parts, and watches until it is finished or cannot go on.

mod budget;
mod queue;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration as StdDuration, Instant};

use oarlock_model::landing::BranchName;
use oarlock_model::rules::budget::{Level, Mark};
use oarlock_model::rules::crew;
use oarlock_model::task::TaskState;
use oarlock_model::{AgentName, Rejection, TaskId, limits};
use oarlock_ops::OpError;
use oarlock_ops::budget::MarkBudget;
use oarlock_ops::call;
use oarlock_ops::caller::Caller;
use oarlock_ops::settings::Settings;
use oarlock_ops::store::{Store, StoreError};
use oarlock_ops::topic::Topics;
use oarlock_ops::wait::Horizon;
use serde_json::json;

use crate::Stores;
use crate::directory::WorkingDirectory;
use crate::duration::ms;
use crate::isolation::{Isolation, as_error};
use crate::landing::MergeEnd;
use crate::launch::{Run, WorkerProgram};
use crate::log_follower::LogFollower;
use crate::pool::Pool;
use crate::prepare::Preparing;
use crate::progress::{Progress, Tell};
use crate::report::{self, RunReport};
use crate::signals::Signals;
use crate::tree::{self, Obstacle, TreeProgress};
use crate::watch::{SLICE_MS, Watch, is_passing};

use budget::Purse;
use queue::Queue;

/// How often the state of the tasks is looked at although nothing was logged: capabilities come and go with agents.
const RECHECK: StdDuration = StdDuration::from_secs(1);
/// Obstacles that an error names.
const NAMED_MAX: usize = 10;
/// How long there must have been too little work before workers leave.
const IDLE_GRACE: StdDuration = StdDuration::from_secs(10);

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub struct RunEnd {
    /// The report.
    pub report: RunReport,
    /// Why it is not all done, if it is not: `state_conflict` when nothing can go on, `interrupted` after a signal.
    pub error: Option<OpError>,
    /// Whether workers were started; otherwise the report shows the task that is there.
    pub is_begun: bool,
}

/// Splits the target (or goes on with it), starts workers on its parts, and returns when the parent is finished, when nothing
/// can go on, or after a signal; the workers have left then. Call it from a thread that lives as long: the workers die with it.
///
/// # Errors
/// Nothing was begun: the target is missing (`not_found`) or cannot be split; a value is out of range; the workers cannot be started. Or the
/// store is gone, so that there is nothing to report from.
pub fn run(
    stores: &dyn Stores,
    settings: &Settings,
    run: &Run,
    program: &WorkerProgram,
    progress: &mut dyn Progress,
) -> Result<RunEnd, OpError> {
    let signals = Signals::install()?;
    run_until(&signals, stores, settings, run, program, progress)
}

/// [`run`] with the signals of the caller.
pub(crate) fn run_until(
    signals: &Signals,
    stores: &dyn Stores,
    settings: &Settings,
    run: &Run,
    program: &WorkerProgram,
    progress: &mut dyn Progress,
) -> Result<RunEnd, OpError> {
    check(run)?;
    let begun = Instant::now();
    let mut store = stores.open()?;
    let tell = Mutex::new(progress);
    // Whatever keeps worktrees from being made is said before anything is split.
    let open = if run.landing.is_some() { Isolation::open_for_new_branch } else { Isolation::open };
    let worktrees = run.isolation.as_ref().map(|isolation| open(isolation, &tell)).transpose()?;
    let mut onto = worktrees.as_ref().map(|worktrees| worktrees.target().to_owned());
    let watch = Watch::new(&mut *store, Topics::LOG)?;
    let after_seq = store.snapshot()?.last_seq()?;
    let prepared = Preparing { store: &mut *store, run, settings, signals, tell: &tell }.prepare()?;
    if let Some(error) = prepared.refusal {
        let report = report::report(&*store.snapshot()?, &prepared.task, &[], ms(begun.elapsed()))?;
        return Ok(RunEnd { report, error: Some(error), is_begun: false });
    }
    let mut merge = None;
    if let (Some(landing), Some(worktrees)) = (&run.landing, &worktrees) {
        let target = match run.isolation.as_ref().and_then(|isolation| isolation.onto.as_deref()) {
            Some(name) => BranchName::parse(name)?,
            None => queue::branch_of(&prepared.task)?,
        };
        worktrees.make_branch(target.as_str()).map_err(as_error)?;
        queue::gate(&mut *store, &run.caller, settings, &prepared.task, &target)?;
        Tell::line(&tell, &format!("parts land on the branch {target}"));
        onto = Some(target.to_string());
        merge = Some(queue::request(landing, target, WorkingDirectory::current()?.path().to_owned()));
    }
    let mut log = LogFollower::new(&mut *store, &prepared.task, after_seq)?;
    if run.budget.cost.is_some() || run.budget.tokens.is_some() {
        log.read_usage(&mut *store)?;
    }
    let url = stores.url();
    thread::scope(|scope| {
        let store_dir = stores.file().parent().map_or_else(|| PathBuf::from("."), PathBuf::from);
        let task = prepared.task.clone();
        let (slots, names) = (Vec::new(), Vec::new());
        let pool = Pool { scope, tell: &tell, program, run, task, onto, url, store_dir, names, slots, is_closing: false };
        let purse = Purse::new(run.budget, run.handover, begun);
        let (task, caller) = (prepared.task, &run.caller);
        let range = run.agents_min.filter(|_| prepared.has_parts).map(|min| (min, prepared.agents));
        let (tell, checked, idle_since): (&dyn Tell, _, _) = (&tell, None, None);
        let mut supervisor = Supervisor {
            store,
            settings,
            caller,
            signals,
            tell,
            task,
            watch,
            log,
            pool,
            queue: None,
            purse,
            begun,
            checked,
            range,
            idle_since,
        };
        supervisor.queue = merge.map(|merge| Queue::start(scope, stores, settings, merge, tell));
        supervisor.spend()?;
        // What earlier runs have used may be all there is.
        if supervisor.purse.exhausted().is_none() {
            let most = if prepared.has_parts { prepared.agents } else { 1 };
            let wanted = supervisor.wanted()?.unwrap_or(most);
            supervisor.start(wanted)?;
        }
        let ended = supervisor.supervise();
        let wall_ms = ms(begun.elapsed());
        if ended.is_err() {
            // The store is gone, as each worker sees too: what it is about to finish it keeps.
            supervisor.pool.linger(signals);
        }
        supervisor.pool.dismiss(signals);
        let landed = supervisor.queue.take().map(Queue::stop);
        supervisor.finish(ended, landed, wall_ms)
    })
}

fn check(run: &Run) -> Result<(), OpError> {
    if run.command.is_empty() {
        return Err(
            Rejection::invalid("no command is given", "pass it after --, for example: oarlock run FILE --agents 3 -- sh agent.sh").into()
        );
    }
    if !(1..=limits::RUN_AGENTS_MAX).contains(&run.agents) {
        return Err(Rejection::invalid(
            format!("--agents {} is out of range", run.agents),
            format!("agents go from 1 to {}", limits::RUN_AGENTS_MAX),
        )
        .into());
    }
    if run.agents_min.is_some_and(|min| min == 0 || min > run.agents) {
        return Err(Rejection::invalid(
            format!("--agents {}..{} is not a range", run.agents_min.unwrap_or_default(), run.agents),
            "give the fewest and the most agents, for example 1..8",
        )
        .into());
    }
    Ok(run.budget.check()?)
}

/// Why supervising ended.
enum End {
    Finished(TaskState),
    Stalled(Vec<Obstacle>),
    NoWorkers,
    /// Nothing lands any more.
    NoQueue,
    /// A limit of the budget is reached, and the workers have left.
    Exhausted(Mark),
    Interrupted,
}

struct Supervisor<'scope, 'env> {
    store: Box<dyn Store>,
    settings: &'env Settings,
    caller: &'env Caller,
    signals: &'env Signals,
    tell: &'env dyn Tell,
    task: TaskId,
    watch: Watch,
    log: LogFollower,
    pool: Pool<'scope, 'env>,
    /// The queue that lands its parts.
    queue: Option<Queue<'scope>>,
    purse: Purse,
    begun: Instant,
    checked: Option<Instant>,
    /// The fewest and the most workers, where their number follows the work.
    range: Option<(usize, usize)>,
    /// Since when there are more workers than work.
    idle_since: Option<Instant>,
}

impl Supervisor<'_, '_> {
    fn start(&mut self, workers: usize) -> Result<(), OpError> {
        self.pool.start(&mut *self.store, workers)?;
        for slot in &self.pool.slots {
            self.log.add_worker(slot.name.clone(), slot.label.clone());
        }
        Ok(())
    }

    fn supervise(&mut self) -> Result<End, OpError> {
        loop {
            if self.signals.taken() {
                return Ok(End::Interrupted);
            }
            match self.turn() {
                Ok(Some(end)) => return Ok(end),
                Ok(None) => {}
                // The workers go on, and hold what they have finished.
                Err(error) if is_passing(&error) => {}
                Err(error) => return Err(error),
            }
            let look = match Horizon::of(&mut *self.store) {
                Err(StoreError::Busy(_) | StoreError::Unavailable { .. }) => None,
                look => Some(look?),
            };
            let (due_ms, owners) = look.map(|look| (look.due_ms, look.owners)).unwrap_or_default();
            // Workers are known by their process from their start on, by their session only once they have joined.
            let processes: BTreeSet<String> = self.pool.processes().into_iter().chain(owners).collect();
            let processes: Vec<String> = processes.into_iter().collect();
            let for_ms = due_ms.into_iter().chain(self.purse.due_ms()).min().unwrap_or(SLICE_MS);
            match self.watch.wait(for_ms, &processes) {
                Err(error) if !is_passing(&error) => return Err(error),
                _ => {}
            }
        }
    }

    /// Looks at everything once.
    fn turn(&mut self) -> Result<Option<End>, OpError> {
        self.settle()?;
        let is_new = self.log.read(&mut *self.store, self.tell)?;
        for (name, label) in self.pool.reap(&mut *self.store)? {
            self.log.add_worker(name, label);
        }
        let has_workers = self.pool.living().next().is_some();
        let is_due = self.checked.is_none_or(|at| at.elapsed() >= RECHECK);
        if is_new || is_due || !has_workers {
            self.checked = Some(Instant::now());
            let owners = self.store.owners();
            let progress = tree::progress(&*self.store.snapshot()?, &*owners, &self.task, &self.pool.names(), self.queue.is_some())?;
            match progress {
                TreeProgress::Finished(state) => return Ok(Some(End::Finished(state))),
                TreeProgress::Stalled(obstacles) if self.purse.exhausted().is_none() && self.is_final(&obstacles) => {
                    return Ok(Some(End::Stalled(obstacles)));
                }
                TreeProgress::Stalled(_) | TreeProgress::Open => {}
            }
        }
        self.spend()?;
        if let Some(mark) = self.purse.exhausted()
            && (self.purse.is_over() || self.pool.living().next().is_none())
        {
            return Ok(Some(End::Exhausted(mark)));
        }
        if !has_workers {
            return Ok(Some(End::NoWorkers));
        }
        if self.queue.as_ref().is_some_and(Queue::has_ended) {
            return Ok(Some(End::NoQueue));
        }
        if is_new || is_due {
            self.follow_work()?;
        }
        let now = self.store.snapshot()?.now().store;
        self.tell.live(&self.log.live(now, self.pool.living().count(), ms(self.begun.elapsed())));
        Ok(None)
    }

    /// How many workers there should be now, where that follows the work.
    fn wanted(&mut self) -> Result<Option<usize>, OpError> {
        let Some(range) = self.range else { return Ok(None) };
        let ready = self.store.snapshot()?.ready_in_tree(&self.task)?.len();
        Ok(Some(crew::wanted(range, self.log.holders().len(), ready)))
    }

    /// Starts workers where there is more work, and lets idle ones leave where there has been less for a while.
    fn follow_work(&mut self) -> Result<(), OpError> {
        let Some(wanted) = self.wanted()?.filter(|_| !self.pool.is_closing) else { return Ok(()) };
        let staying = self.pool.staying().count();
        if staying <= wanted {
            self.idle_since = None;
        }
        if staying < wanted {
            self.tell.line(&format!("{wanted} workers instead of {staying}: more parts are ready"));
            for (name, label) in self.pool.grow(&mut *self.store, wanted - staying)? {
                self.log.add_worker(name, label);
            }
        }
        if staying > wanted && self.idle_since.get_or_insert_with(Instant::now).elapsed() >= IDLE_GRACE {
            self.idle_since = None;
            let holders = self.log.holders();
            // The last ones go first: their names are those that come back.
            let idle: Vec<AgentName> = self.pool.staying().filter(|name| !holders.contains(*name)).cloned().collect();
            let leaving: Vec<AgentName> = idle.into_iter().rev().take(staying - wanted).collect();
            self.tell.line(&format!("{} workers instead of {staying}: there is no work for more", staying - leaving.len()));
            self.pool.shrink(&leaving);
        }
        Ok(())
    }

    /// Takes into account what was used, and lets everybody know when a limit is near or reached.
    fn spend(&mut self) -> Result<(), OpError> {
        let marks = self.purse.look(self.log.is_worked_on(), self.log.usage());
        for mark in marks {
            self.pool.is_closing |= mark.level == Level::Exhausted;
            // Before the event, which wakes the workers: none of them claims in between.
            self.purse.orders(&mark).iter().for_each(|order| self.pool.order(order));
            self.tell.warning(&self.purse.line(&mark));
            let marked = MarkBudget::of(self.task.clone(), mark);
            match call::mutate(&mut *self.store, self.caller, self.settings, &marked) {
                // Everything but the log knows it.
                Err(error) if is_passing(&error) => {}
                marked => drop(marked?),
            }
        }
        Ok(())
    }

    /// The effects of time and death become visible: the first call of anybody applies them, and while all workers are busy
    /// nobody else calls.
    fn settle(&mut self) -> Result<(), OpError> {
        call::reap_if_due(&mut *self.store, self.settings)
    }

    /// A capability that is missing may be that of a worker which has not joined yet.
    fn is_final(&self, obstacles: &[Obstacle]) -> bool {
        let waits = obstacles.iter().any(|obstacle| matches!(obstacle, Obstacle::Capability(..)));
        !waits || self.pool.living().all(|name| self.log.has_joined(name))
    }

    fn finish(mut self, ended: Result<End, OpError>, landed: Option<Result<MergeEnd, OpError>>, wall_ms: i64) -> Result<RunEnd, OpError> {
        let end = ended?;
        let (landed, fault) = match landed {
            Some(Ok(MergeEnd { report, error })) => (Some(report), error),
            Some(Err(error)) => (None, Some(error)),
            None => (None, None),
        };
        // The last worker may have died after the last look: what it held is ready again, and the report says so.
        match self.settle() {
            Err(error) if !is_passing(&error) => return Err(error),
            _ => {}
        }
        self.log.read(&mut *self.store, self.tell)?;
        let names: Vec<AgentName> = self.pool.names();
        let mut report = report::report(&*self.store.snapshot()?, &self.task, &names, wall_ms)?;
        report.landing = landed;
        report.budget = self.purse.report();
        let error = match end {
            End::Finished(TaskState::Done) => None,
            End::Finished(state) => Some(Rejection::StateConflict { verb: "run", task: self.task.clone(), state, why: None }.into()),
            // It may have been finished while its workers left.
            End::Stalled(_) | End::NoWorkers | End::NoQueue | End::Exhausted(_) | End::Interrupted if report.state == TaskState::Done => {
                None
            }
            End::Stalled(obstacles) => Some(stalled(&self.task, &obstacles)),
            End::NoWorkers => Some(no_workers(&self.task, &self.pool.exit_reasons())),
            End::NoQueue => fault.or(Some(OpError::Internal("the landing queue has ended".into()))),
            End::Exhausted(mark) => Some(budget::exhausted(&self.task, &mark, &report)),
            End::Interrupted => Some(OpError::Interrupted),
        };
        Ok(RunEnd { report, error, is_begun: true })
    }
}

fn stalled(task: &TaskId, obstacles: &[Obstacle]) -> OpError {
    let words: Vec<String> = obstacles.iter().take(NAMED_MAX).map(Obstacle::in_words).collect();
    let more = obstacles.len().saturating_sub(NAMED_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let why = if words.is_empty() { "no part is ready".to_owned() } else { words.join(", ") };
    Rejection::Conflict {
        message: format!("nothing of {task} can go on: {why}{more}"),
        hint: obstacles.first().map_or_else(|| format!("`oarlock tasks --parent {task}` shows the parts"), Obstacle::remedy),
        details: json!({"task": task, "obstacles": words}),
    }
    .into()
}

fn no_workers(task: &TaskId, exit_reasons: &[String]) -> OpError {
    let shown = exit_reasons.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join("; ");
    Rejection::Conflict {
        message: format!("no worker is left for {task}: {shown}"),
        hint: "read their last output, then run it again: it continues where it stopped".into(),
        details: json!({"task": task, "workers": exit_reasons}),
    }
    .into()
}

#[cfg(test)]
mod tests;

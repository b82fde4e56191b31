//! Working a queue: its lock, its worktree, one submission after the other, and the waits between.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration as StdDuration, Instant};

use oarlock_git::merge::MergeRepository;
use oarlock_model::landing::BranchName;
use oarlock_model::{Rejection, TaskId};
use oarlock_ops::OpError;
use oarlock_ops::call;
use oarlock_ops::caller::Caller;
use oarlock_ops::landing::{LandingStatus, QueuedTask, TakeLandings};
use oarlock_ops::request::Mutation;
use oarlock_ops::settings::Settings;
use oarlock_ops::store::{Store, StoreError};
use oarlock_ops::topic::Topics;
use serde_json::json;

use super::known::Known;
use super::lock::{digest, take};
use super::report::{Merge, MergeEnd, MergeReport, Rungs, git_failed};
use super::sizing::Sizing;
use super::trial::Tests;
use crate::Stores;
use crate::progress::{Progress, Tell};
use crate::signals::Signals;
use crate::watch::{SLICE_MS, Watch, is_busy, is_passing};

/// How often a busy store is asked again; each time it is waited for by itself.
const BUSY_TRIES: u32 = 4;
/// After how long a target whose worktree is in the way is tried again, at first; doubled with each try.
const BLOCKED_FIRST: StdDuration = StdDuration::from_secs(1);
/// The longest pause between two such tries.
const BLOCKED_MAX: StdDuration = StdDuration::from_secs(30);

/// The longest time that a batch is waited for.
const GATHERING_MAX: StdDuration = StdDuration::from_secs(2);
/// A batch is waited for during one of this number of parts of the time of its test.
const GATHERING_PART: u32 = 10;

/// How long a batch is waited for, by the time that its test took before.
fn gathering(took: Option<StdDuration>) -> StdDuration {
    took.map_or(StdDuration::ZERO, |took| (took / GATHERING_PART).min(GATHERING_MAX))
}

/// How one submission went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It landed, was refused, or was taken out of the queue.
    Settled,
    /// The target's worktree is in the way: nothing has moved.
    Blocked { worktree: PathBuf, why: String },
    /// A signal came.
    Interrupted,
}

/// The worker of one target branch.
pub(super) struct Worker<'a> {
    pub(super) store: Box<dyn Store>,
    pub(super) settings: &'a Settings,
    pub(super) caller: Caller,
    pub(super) repository: MergeRepository,
    pub(super) onto: BranchName,
    pub(super) tests: Option<Tests>,
    pub(super) signals: &'a Signals,
    pub(super) tell: &'a dyn Tell,
    pub(super) report: MergeReport,
    /// Whether what a dead worker has left is settled.
    pub(super) is_settled: bool,
    /// How large the next batch is.
    pub(super) sizing: Sizing,
    /// Whether files of the target's worktree were in the way of the last move.
    pub(super) was_blocked: bool,
    /// The submitted commits that have a reference of their own, by task.
    pub(super) pinned: BTreeMap<String, String>,
}

pub(super) fn work(
    stores: &dyn Stores,
    settings: &Settings,
    merge: &Merge,
    signals: Option<&Signals>,
    progress: &mut dyn Progress,
) -> Result<MergeEnd, OpError> {
    let mut store = stores.open()?;
    // Its key, if it has one, is for one call.
    let caller = Caller { key: None, ..merge.caller.clone() };
    let status = call::query(&mut *store, &caller, settings, &LandingStatus { onto: merge.onto.clone() })?;
    let onto = status.onto;
    let mut repository =
        MergeRepository::around(&merge.directory).map_err(|error| git_failed("landing needs git and a repository here", &error))?;
    if repository.tip(onto.as_str()).map_err(|error| git_failed("the target branch cannot be read", &error))?.is_none() {
        return Err(Rejection::Missing {
            message: format!("there is no branch \"{onto}\" with a commit in this repository"),
            hint: format!("make it first, for example with `git branch {onto}`"),
        }
        .into());
    }
    let tell = Mutex::new(progress);
    let own;
    let signals = match signals {
        Some(signals) => signals,
        None => {
            own = Signals::install()?;
            &own
        }
    };
    let lock = take(repository.common_dir(), &onto, &|| signals.taken(), &mut || {
        Tell::line(&tell, &format!("another `oarlock merge` works the queue of {onto}: waiting for it to end"));
    })?;
    repository.hold(lock);
    let file = stores.file();
    let dir = file.parent().map_or_else(|| PathBuf::from("."), PathBuf::from).join("landing");
    let trees = dir.join(digest(onto.as_str()));
    let new = |test: &String| Tests::new(&repository, &trees, Known::new(&dir, test), test, merge.test_timeout, merge.slots);
    let tests = merge.test.as_ref().map(new);
    let report = MergeReport {
        onto: onto.clone(),
        landed: Vec::new(),
        refused: Vec::new(),
        tests_run: 0,
        tested: tests.is_some(),
        rungs: Rungs::default(),
    };
    let mut worker = Worker {
        store,
        settings,
        caller,
        repository,
        onto,
        tests,
        signals,
        tell: &tell,
        report,
        is_settled: false,
        sizing: Sizing::default(),
        was_blocked: false,
        pinned: BTreeMap::new(),
    };
    worker.sweep_pins();
    let ended = worker.run(merge.once);
    if let Some(tests) = &worker.tests {
        tests.clean_up();
    }
    worker.report.count_rungs();
    Ok(MergeEnd { error: ended.err(), report: worker.report })
}

impl Worker<'_> {
    /// # Errors
    /// Why it ended before the queue was empty.
    fn run(&mut self, once: bool) -> Result<(), OpError> {
        let mut watch = Watch::new(&mut *self.store, Topics::LOG)?;
        let (mut told_blocked, mut pause) = (None, BLOCKED_FIRST);
        loop {
            if self.signals.taken() {
                return Err(OpError::Interrupted);
            }
            match self.turn() {
                Ok(None) if once => return Ok(()),
                Ok(None) => {
                    self.wait(&mut watch, SLICE_MS)?;
                    match self.gather(&mut watch) {
                        Err(error) if is_passing(&error) => {}
                        gathered => gathered?,
                    }
                }
                Ok(Some((_, Step::Settled))) => (told_blocked, pause) = (None, BLOCKED_FIRST),
                Ok(Some((_, Step::Interrupted))) => return Err(OpError::Interrupted),
                Ok(Some((task, Step::Blocked { worktree, why }))) => {
                    let message =
                        format!("{} cannot move to the merge of {task}: in its worktree {}: {why}", self.onto, worktree.display());
                    if once {
                        return Err(Rejection::Conflict {
                            message,
                            hint: "commit, stash or remove that, then call `oarlock merge` again; the task is still queued".into(),
                            details: json!({"task": task, "onto": self.onto, "worktree": worktree, "why": why}),
                        }
                        .into());
                    }
                    if told_blocked.as_ref() != Some(&message) {
                        self.tell.warning(&message);
                        told_blocked = Some(message);
                    }
                    let until = Instant::now() + pause;
                    while Instant::now() < until && !self.signals.pending() {
                        self.wait(&mut watch, SLICE_MS)?;
                    }
                    pause = (pause * 2).min(BLOCKED_MAX);
                }
                Err(error) if !once && is_passing(&error) => self.wait(&mut watch, SLICE_MS)?,
                Err(error) => return Err(error),
            }
        }
    }

    /// Lets a batch come together after an idle time: parts that are finished at about the same time are tested as one, where the first would
    /// otherwise have a whole test to itself.
    fn gather(&mut self, watch: &mut Watch) -> Result<(), OpError> {
        let Some(tests) = &self.tests else { return Ok(()) };
        let window = gathering(tests.known.took());
        if window.is_zero() || self.order(&TakeLandings { onto: self.onto.clone() })?.queue.is_empty() {
            return Ok(());
        }
        let until = Instant::now() + window;
        while let Some(left) = until.checked_duration_since(Instant::now()).filter(|_| !self.signals.pending()) {
            self.wait(watch, i64::try_from(left.as_millis()).unwrap_or(i64::MAX).max(1))?;
        }
        Ok(())
    }

    fn wait(&self, watch: &mut Watch, for_ms: i64) -> Result<(), OpError> {
        match watch.wait(for_ms, &[]) {
            Err(error) if !is_passing(&error) => Err(error),
            _ => Ok(()),
        }
    }

    /// One batch of the queue: its first task, and how it went; none when the queue is empty.
    fn turn(&mut self) -> Result<Option<(TaskId, Step)>, OpError> {
        let queue = self.order(&TakeLandings { onto: self.onto.clone() })?.queue;
        if self.settle(&queue)? {
            return Ok(queue.first().map(|first| (first.task.clone(), Step::Settled)));
        }
        let Some(first) = queue.first() else { return Ok(None) };
        self.pin(&queue);
        let step = self.land(&queue)?;
        Ok(Some((first.task.clone(), step)))
    }

    /// Orders something, asking a busy store more than once: a commit may be in the target already.
    pub(super) fn order<M: Mutation>(&mut self, request: &M) -> Result<M::Reply, OpError> {
        for _ in 1..BUSY_TRIES {
            match call::mutate(&mut *self.store, &self.caller, self.settings, request) {
                Err(error) if is_busy(&error) => {}
                answer => return answer,
            }
        }
        call::mutate(&mut *self.store, &self.caller, self.settings, request)
    }

    /// Orders a step of a submission; none when it is not in the queue any more.
    pub(super) fn order_step<M: Mutation>(&mut self, queued: &QueuedTask, request: &M) -> Result<Option<M::Reply>, OpError> {
        match self.order(request) {
            Ok(reply) => Ok(Some(reply)),
            Err(OpError::Rejected(refused @ (Rejection::StateConflict { .. } | Rejection::NotFound { .. }))) => {
                self.tell.line(&format!("{} is out of the queue: {refused}", queued.task));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The title and result of a task, for a brief.
    pub(super) fn described(&mut self, id: &str) -> Result<(String, Option<String>), StoreError> {
        let task = match TaskId::parse(id) {
            Ok(id) => self.store.snapshot()?.task(&id)?,
            Err(_) => None,
        };
        Ok(task.map(|task| (task.spec.title, task.result)).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_waited_for_in_proportion_to_its_test() {
        for (took_ms, expected_ms) in [(None, 0), (Some(0), 0), (Some(1_000), 100), (Some(600_000), 2_000)] {
            assert_eq!(gathering(took_ms.map(StdDuration::from_millis)), StdDuration::from_millis(expected_ms), "{took_ms:?}");
        }
    }
}

//! The radar of workers with worktrees: while agents work, their branches are compared again and again, committed or not, and the owners of two that
//! would conflict get a notice. Nothing is blocked, and nothing here ends a worker: a look that fails is made again.
//!
//! Each worker has one, and one at a time looks for all of a target branch: it holds a lock, which the kernel frees at its death.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use oarlock_git::merge::{Clash, Place, Span};
use oarlock_git::{BRANCHES, Compared, Live, Pairs, Refusal, Worktrees};
use oarlock_model::conflict::{ConflictFile, ConflictHunk, LineRange};
use oarlock_model::landing::BranchName;
use oarlock_model::rules::radar::{self, Candidate};
use oarlock_model::task::{Task, TaskState};
use oarlock_model::{AgentName, TaskId, limits};
use oarlock_ops::OpError;
use oarlock_ops::call;
use oarlock_ops::caller::Caller;
use oarlock_ops::landing::PredictConflict;
use oarlock_ops::settings::Settings;
use oarlock_ops::store::{Store, StoreResult, View};

use crate::Stores;
use crate::directory::WorkingDirectory;
use crate::isolation::as_error;
use crate::landing::digest;
use crate::progress::Tell;
use crate::watch::is_passing;

/// The shortest pause between two looks, and the longest.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// The pause, in times of what a look took: it takes at most a twentieth of one core.
const PAUSE_TIMES: u32 = 20;

/// The radar of one worker.
#[derive(Debug)]
pub(crate) struct Radar {
    top: PathBuf,
    /// Its lock, and what git needs.
    dir: PathBuf,
    target: String,
    is_over: Mutex<bool>,
    changed: Condvar,
}

/// The state of a radar that has the lock.
struct Looking {
    git: oarlock_git::Radar,
    /// The two tasks of each pair, as they were compared last.
    last: BTreeMap<(TaskId, TaskId), Last>,
    /// Held as long as this looks.
    _lock: File,
}

/// Two tasks, as they were when they were compared last.
struct Last {
    a: OfTask,
    b: OfTask,
    /// Whether they conflicted.
    conflicted: bool,
}

/// The branch of a task.
#[derive(Clone, Debug)]
struct OfTask {
    id: TaskId,
    commit: String,
    target: String,
    holder: Option<AgentName>,
}

impl OfTask {
    fn candidate(&self) -> Candidate<'_> {
        Candidate { commit: &self.commit, target: &self.target, holder: self.holder.as_ref() }
    }
}

impl Radar {
    /// The radar for the branches of these worktrees.
    pub(crate) fn of(worktrees: &Worktrees) -> Self {
        let target = worktrees.target().to_owned();
        let dir = worktrees.project_dir().join("radar").join(digest(&target));
        Self { top: worktrees.top().to_owned(), dir, target, is_over: Mutex::new(false), changed: Condvar::new() }
    }

    /// Looks until it is stopped, or until the store is gone.
    pub(crate) fn watch(&self, stores: &dyn Stores, settings: &Settings, tell: &dyn Tell) {
        let (mut store, mut looking) = (None, None);
        let mut pause = PAUSE_MIN;
        while !self.ends_within(pause) {
            let begun = Instant::now();
            match self.turn(stores, settings, tell, &mut store, &mut looking) {
                Err(error) if !is_passing(&error) => {
                    tell.warning(&format!("conflicts are not watched any more: {error}"));
                    return;
                }
                _ => {}
            }
            pause = (begun.elapsed() * PAUSE_TIMES).clamp(PAUSE_MIN, PAUSE_MAX);
        }
    }

    /// Ends [`Radar::watch`] when it is dropped.
    pub(crate) fn stopper(&self) -> Stopper<'_> {
        Stopper(self)
    }

    fn turn(
        &self,
        stores: &dyn Stores,
        settings: &Settings,
        tell: &dyn Tell,
        store: &mut Option<Box<dyn Store>>,
        looking: &mut Option<Looking>,
    ) -> Result<(), OpError> {
        let store = match store {
            Some(store) => store,
            None => store.insert(stores.open()?),
        };
        // Where nobody works, nobody gets a notice.
        if store.snapshot()?.counts()?.of(TaskState::Claimed) == 0 {
            return Ok(());
        }
        if looking.is_none() {
            *looking = self.begin();
        }
        // Git that fails now may not the next time: a worktree is being made or removed.
        looking.as_mut().map_or(Ok(()), |looking| looking.look(&mut **store, settings, tell, &self.target))
    }

    /// Takes the lock; none while another worker has it.
    fn begin(&self) -> Option<Looking> {
        fs::create_dir_all(&self.dir).ok()?;
        let lock = File::options().create(true).truncate(false).write(true).read(true).open(self.dir.join("lock")).ok()?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => return None,
        }
        let git = oarlock_git::Radar::open(&self.top, &self.dir.join("scratch")).ok()?;
        Some(Looking { git, last: BTreeMap::new(), _lock: lock })
    }

    fn ends_within(&self, pause: Duration) -> bool {
        let (is_over, _) =
            self.changed.wait_timeout_while(self.is_over(), pause, |is_over| !*is_over).unwrap_or_else(PoisonError::into_inner);
        *is_over
    }

    fn is_over(&self) -> MutexGuard<'_, bool> {
        self.is_over.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// See [`Radar::stopper`].
pub(crate) struct Stopper<'a>(&'a Radar);

impl Drop for Stopper<'_> {
    fn drop(&mut self) {
        *self.0.is_over() = true;
        self.0.changed.notify_all();
    }
}

impl Looking {
    fn look(&mut self, store: &mut dyn Store, settings: &Settings, tell: &dyn Tell, target: &str) -> Result<(), OpError> {
        let Ok(live) = self.git.live(&[target]) else { return Ok(()) };
        let of_tasks = with_tasks(&*store.snapshot()?, live, target)?;
        let is_there = |id: &TaskId| of_tasks.iter().any(|branch| branch.id == *id);
        self.last.retain(|(a, b), _| is_there(a) && is_there(b));
        let candidates: Vec<Candidate<'_>> = of_tasks.iter().map(OfTask::candidate).collect();
        let last = |a: usize, b: usize| {
            let last = self.last.get(&(of_tasks[a].id.clone(), of_tasks[b].id.clone()));
            last.map(|last| (last.a.candidate(), last.b.candidate()))
        };
        for (a, b) in radar::pairs(&candidates, last) {
            self.compare(store, settings, tell, &of_tasks[a], &of_tasks[b])?;
        }
        Ok(())
    }

    fn compare(&mut self, store: &mut dyn Store, settings: &Settings, tell: &dyn Tell, a: &OfTask, b: &OfTask) -> Result<(), OpError> {
        // Commits without a common ancestor, or objects that are missing: landing says what is wrong.
        let Ok(clashes) = self.git.compare(&a.commit, &b.commit) else { return Ok(()) };
        let key = (a.id.clone(), b.id.clone());
        let conflicted = self.last.get(&key).is_some_and(|last| last.conflicted);
        if conflicted || !clashes.is_empty() {
            let request = request(&a.id, &b.id, clashes);
            match call::mutate(store, &Caller::default(), settings, &request) {
                Ok(reply) if reply.is_news => say(tell, &request, &reply.notified),
                // It was known, or one of the two was removed in this moment.
                Ok(_) | Err(OpError::Rejected(_)) => {}
                Err(error) => return Err(error),
            }
        }
        self.last.insert(key, Last { a: a.clone(), b: b.clone(), conflicted: !clashes.is_empty() });
        Ok(())
    }
}

/// The branches whose tasks are still on their way: to their own target, or else to this one.
fn with_tasks(view: &dyn View, live: Vec<Live>, target: &str) -> StoreResult<Vec<OfTask>> {
    let mut of_tasks = Vec::new();
    for live in live {
        let Some(task) = task_of(view, &live.name)? else { continue };
        if radar::is_live(&task) {
            let target = task.spec.onto.as_ref().map_or(target, BranchName::as_str).to_owned();
            let holder = task.holder().map(|grant| grant.agent.clone());
            of_tasks.push(OfTask { id: task.id, commit: live.commit, target, holder });
        }
    }
    Ok(of_tasks)
}

/// The task whose branch this is.
fn task_of(view: &dyn View, branch: &str) -> StoreResult<Option<Task>> {
    let id = branch.strip_prefix(BRANCHES).and_then(|id| TaskId::parse(id).ok());
    id.map(|id| view.task(&id)).transpose().map(Option::flatten)
}

fn request(a: &TaskId, b: &TaskId, clashes: &[Clash]) -> PredictConflict {
    let lines = |Span { first, last }: Span| LineRange { first, last };
    let hunk = |place: &Place| ConflictHunk { base: lines(place.base), ours: lines(place.ours), theirs: lines(place.theirs) };
    let file = |clash: &Clash| ConflictFile {
        path: clash.path.chars().take(limits::LANDING_PATH_BYTES_MAX / 4).collect(),
        hunks: clash.places.iter().take(limits::CONFLICT_HUNKS_MAX).map(hunk).collect(),
    };
    let first = clashes.first().and_then(|clash| clash.places.first());
    PredictConflict {
        id: a.clone(),
        with: b.clone(),
        files: clashes.iter().take(limits::LANDING_FILES_MAX).map(file).collect(),
        ours: first.map(|place| place.ours_text.clone()).unwrap_or_default(),
        theirs: first.map(|place| place.theirs_text.clone()).unwrap_or_default(),
    }
}

fn say(tell: &dyn Tell, request: &PredictConflict, notified: &[AgentName]) {
    let PredictConflict { id, with, files, .. } = request;
    let Some(first) = files.first() else {
        tell.line(&format!("{id} and {with} do not conflict any more"));
        return;
    };
    let more = if files.len() > 1 { format!(" and {} more", files.len() - 1) } else { String::new() };
    let notified: Vec<&str> = notified.iter().map(|agent| agent.as_str()).collect();
    let notified = if notified.is_empty() { String::new() } else { format!("; {} got a notice", notified.join(" and ")) };
    tell.line(&format!("{id} and {with} would conflict in {}{more}{notified}", crate::text::clean_line(first.path.as_bytes())));
}

/// Compares branches in the repository around the current directory: see [`Pairs`]. With a store, what landed or was given up is not live, and without
/// a target those of unfinished tasks count, if any has one.
///
/// # Errors
/// `invalid_request`: there is no repository, a branch is missing, or git fails; store errors.
pub fn conflicts(mut pairs: Pairs, store: Option<&mut dyn Store>) -> Result<Compared, OpError> {
    let here = WorkingDirectory::current()?;
    let Some(store) = store else { return pairs.compare(here.path(), &|_| false).map_err(as_error) };
    let view = store.snapshot()?;
    if pairs.onto.is_empty() {
        pairs.onto = existing(here.path(), &view.landing_targets()?).map_err(as_error)?;
    }
    let is_over = |branch: &str| matches!(task_of(&*view, branch), Ok(Some(task)) if !radar::is_live(&task));
    pairs.compare(here.path(), &is_over).map_err(as_error)
}

/// Those of these branches that are there: the first worker makes that of a run.
fn existing(here: &Path, targets: &[BranchName]) -> Result<Vec<String>, Refusal> {
    Pairs::existing(here, &targets.iter().map(BranchName::as_str).collect::<Vec<_>>())
}

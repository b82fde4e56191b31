//! The questions of RALF's agents about each other: who is there, a task in parts, and how each of them is. From the store, when their project is
//! attached to one, else of its files: callers need not know which.

mod present;
mod together;
mod which;

use oarlock_host::file::{canonical, identity_behind, identity_in};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use oarlock_model::agent::Agent;
use oarlock_model::{AgentName, Rejection, TaskId, limits};
use oarlock_ops::OpError;
use oarlock_ops::call;
use oarlock_ops::caller::Caller;
use oarlock_ops::presence;
use oarlock_ops::request::{Mutation, Query};
use oarlock_ops::settings::Settings;
use oarlock_ops::shapes::rfc3339;
use oarlock_ops::state::{GetState, ReportState, Sync};
use oarlock_ops::store::{StoreResult, View};
use oarlock_ops::task::Split;
use oarlock_plan::Plan;
pub use oarlock_plan::Subtask;
pub use oarlock_ralf::age_ms;
use oarlock_ralf::{Bridge, FLOOR, Files, FilesError, SyncState, TaskDocument, workers};
use oarlock_sqlite::{Options, Synchronous};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::config;
use crate::opening::{self, OpenStore};
use crate::project::Project;
use crate::trust;
use crate::whereabouts::StoreTarget;

use present::Joined;
pub use present::judge_agents;
pub use together::{Aim, Together};
pub(crate) use which::floor;
pub use which::{around, attached_beside, find_root, here, locate, unreadable, without_files};

/// Why a request came to nothing.
#[derive(Debug)]
pub enum RalfError {
    /// The files.
    Files(FilesError),
    /// The store.
    Store(OpError),
}

impl From<FilesError> for RalfError {
    fn from(error: FilesError) -> Self {
        Self::Files(error)
    }
}

impl From<OpError> for RalfError {
    fn from(error: OpError) -> Self {
        Self::Store(error)
    }
}

impl From<Rejection> for RalfError {
    fn from(rejection: Rejection) -> Self {
        Self::Store(rejection.into())
    }
}

impl std::fmt::Display for RalfError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Files(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for RalfError {}

/// An agent that is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AgentSeen {
    /// Its name.
    pub agent_id: String,
    /// When, RFC 3339 in UTC; empty when it never was.
    pub last_seen: String,
    /// Free text.
    pub status: String,
    /// Its own description of its work.
    pub current_action: String,
    /// How often its loop has gone round; 0 where it does not say.
    pub loop_number: i64,
    /// The number of its run; 0 where it does not say.
    pub run_number: i64,
    /// Milliseconds since it was seen.
    pub age_ms: Option<i64>,
    /// Whether it is there: it beats, and has neither left nor died.
    pub is_active: bool,
}

/// A project of RALF's.
pub struct Ralf {
    root: PathBuf,
    /// The Oarlock project that would have the store; where it is does not change.
    project: Project,
    synchronous: Synchronous,
    store: Option<Opened>,
}

/// The store of an attached project.
struct Opened {
    store: OpenStore,
    settings: Settings,
    /// The files of heartbeats as they were when they were last taken into the store.
    heartbeats: Vec<Identity>,
    /// The loop and run that each agent of that file is in, which the store does not know.
    numbers: BTreeMap<String, (i64, i64)>,
    /// Who had joined when all agents were read last.
    joined: Joined,
}

/// Frames in the log after which a call moves them into the database (16 MB). A caller that uses a handle that stays open writes a dozen
/// with each split, and would wait for the disk at every sixtieth.
const CHECKPOINT_FRAMES: u32 = 4_096;

/// Longer ago than any agent was seen.
const EVER_MS: i64 = i64::MAX / 4;

/// Distinguishes two versions of a file, as long as nobody sets its time back: device and number, size, and time.
type Identity = ((u64, u64), u64, SystemTime);

impl Ralf {
    /// The project at `root`. Its store is opened by the first call that needs it. Commits are as lasting as `synchronous` says; only
    /// measurements use another than FULL.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>, synchronous: Synchronous) -> Self {
        let root = root.into();
        let project = Project::around_or_at(&root);
        Self { root, project, synchronous, store: None }
    }

    /// Where locks of files are waited for no longer than this.
    fn files(&self, patience: Duration) -> Files {
        Files::new(&self.root, patience)
    }

    /// Whether the project is attached to a store.
    ///
    /// # Errors
    /// The store cannot be opened.
    pub fn is_attached(&mut self) -> Result<bool, RalfError> {
        Ok(self.opened()?.is_some())
    }

    /// The store, if the project is attached to one now.
    fn opened(&mut self) -> Result<Option<&mut Opened>, RalfError> {
        let project = &self.project;
        if !SyncState::file(&project.dir()).exists() {
            self.store = None;
            return Ok(None);
        }
        if self.store.is_none() {
            let attached = attached_beside(&project.dir())?;
            let root = canonical(&self.root).unwrap_or_else(|_| self.root.clone());
            if attached.is_none_or(|attached| attached.root != root) {
                return Ok(None);
            }
            let target = StoreTarget::of(project.clone());
            trust::check_owner(target.place())?;
            let settings = target.settings()?;
            let options =
                Options { synchronous: self.synchronous, checkpoint_frames: CHECKPOINT_FRAMES, ..opening::options(&settings, None) };
            let store = target.open(options)?;
            self.store = Some(Opened { store, settings, heartbeats: Vec::new(), numbers: BTreeMap::new(), joined: Joined::default() });
        }
        Ok(self.store.as_mut())
    }

    /// The agents that were seen within `timeout_ms`, by name; without it, within what the project says. `file` is another file of
    /// heartbeats, which is then all that is looked at.
    ///
    /// # Errors
    /// The file cannot be read, or the store fails.
    pub fn agents(&mut self, timeout_ms: Option<i64>, file: Option<&Path>) -> Result<Vec<AgentSeen>, RalfError> {
        let files = self.files(Duration::ZERO);
        let file = other(file, || files.heartbeat_file());
        let (root, dir) = (self.root.clone(), self.project.dir());
        let opened = if file.is_none() { self.opened()? } else { None };
        let Some(opened) = opened else {
            let agents = match file {
                Some(file) => files.agents(file, timeout_ms)?,
                None => files.all_agents(timeout_ms, &SyncState::default())?,
            };
            return Ok(agents.into_iter().filter(|agent| agent.state == "active").map(of_file).collect());
        };
        let remembered = || SyncState::read(&dir).ok().flatten().unwrap_or_default();
        let now: Vec<Identity> = files.heartbeat_places().filter_map(|file| identity(&file)).collect();
        if !now.is_empty() && now != opened.heartbeats {
            let attached = remembered();
            let agents = files.all_agents(None, &attached)?;
            Bridge::new(root, &mut *opened.store, &opened.settings).take_heartbeats(&agents, &attached)?;
            let of =
                |agent: oarlock_ralf::Agent| (agent.name, (agent.loop_number.unwrap_or_default(), agent.run_number.unwrap_or_default()));
            opened.numbers = agents.into_iter().map(of).collect();
            opened.heartbeats = now;
        }
        let owners = opened.store.owners();
        let view = opened.store.snapshot().map_err(OpError::from)?;
        let now = view.now();
        let mut found = Vec::new();
        let agents = view.agents().map_err(OpError::from)?;
        opened.joined.renew(&*view, || Ok(Cow::Borrowed(&agents))).map_err(OpError::from)?;
        for agent in agents {
            let age_ms = now.store.since_ms(agent.presence.seen);
            let is_there = match timeout_ms {
                Some(timeout_ms) => agent.is_live() && presence::death_proof(&*owners, &agent, now).is_none() && age_ms <= timeout_ms,
                None => presence::is_there(&*owners, &agent, now),
            };
            if is_there {
                let (loop_number, run_number) = opened.numbers.get(agent.name.as_str()).copied().unwrap_or_default();
                found.push(AgentSeen { loop_number, run_number, ..of_store(agent, age_ms) });
            }
        }
        if timeout_ms.is_some_and(|timeout_ms| timeout_ms > limits::HEARTBEAT_TIMEOUT_MS_DEFAULT) {
            // The store does not know who was gone already when the project was attached.
            let agents = files.all_agents(timeout_ms, &remembered())?.into_iter().filter(|agent| agent.state == "active");
            found.extend(agents.filter(|agent| !opened.joined.knows(&agent.name)).map(of_file));
        }
        Ok(found)
    }

    /// The project's own file of heartbeats, where it is or belongs.
    #[must_use]
    pub fn heartbeat_file(&self) -> PathBuf {
        self.files(Duration::ZERO).heartbeat_file()
    }

    /// The project's own file of agents' states, where it is or belongs.
    #[must_use]
    pub fn state_file(&self) -> PathBuf {
        self.files(Duration::ZERO).state_file()
    }

    /// The files of the open tasks.
    ///
    /// # Errors
    /// A folder cannot be read.
    pub fn open_tasks(&self) -> Result<Vec<PathBuf>, RalfError> {
        Ok(self.files(Duration::ZERO).open_tasks()?)
    }

    /// The plan of a task file's parts for these agents. Nothing is made.
    ///
    /// # Errors
    /// There is no such file, or it cannot be split at all; the files of heartbeats cannot be read.
    pub fn plan(&mut self, task: &Path, agents: &[String], subtasks_max: Option<usize>) -> Result<Plan, RalfError> {
        let agents = self.who_may_work(agents)?;
        let workers = self.workers(&agents, subtasks_max)?;
        Ok(self.files(Duration::ZERO).task(task)?.plan(&agents, workers, subtasks_max)?)
    }

    /// How many agents a plan is made for: where nobody is named, as many as `split` makes one for in this project.
    fn workers(&self, agents: &[String], subtasks_max: Option<usize>) -> Result<usize, OpError> {
        let otherwise = if agents.is_empty() { config::load(Some(&self.project.dir().join("config.toml")))?.agents } else { 0 };
        Ok(workers(agents, otherwise, subtasks_max))
    }

    /// Splits a task file and gives its parts to these agents. The parts get files beside it; in an attached project they are tasks of the
    /// store, and get their files by the next look of `ralf sync`. A task that is better done as a whole comes back with `parallelizable`
    /// false, and nothing is made.
    ///
    /// # Errors
    /// There is no such file, the task of an attached project was split before, or files or store fail.
    pub fn distribute(
        &mut self,
        task: &Path,
        agents: &[String],
        subtasks_max: Option<usize>,
        patience: Duration,
    ) -> Result<Plan, RalfError> {
        let files = self.files(patience);
        let file = files.task_file(task)?;
        let id = TaskDocument::id_of(&file)?;
        let mut is_known = false;
        let agents = &match self.opened()? {
            Some(opened) => {
                let id = TaskId::parse(&id)?;
                is_known = opened.look(|view| Ok(view.task_state(&id)?.is_some()))?;
                self.those_who_may_work(agents)?
            }
            None => self.those_who_may_work(agents)?,
        };
        let workers = self.workers(agents, subtasks_max)?;
        let Some(opened) = &mut self.store else {
            let task = TaskDocument::read(file)?;
            let plan = task.plan(agents, workers, subtasks_max)?;
            if plan.parallelizable {
                files.make_parts(&task, &plan)?;
            }
            return Ok(plan);
        };
        let split = Split {
            id: if is_known { id } else { format!("{id}.md") },
            // A task that the store knows has its text there.
            document: (!is_known).then(|| TaskDocument::read(file)).transpose()?.map(|task| task.text),
            agents: Some(workers),
            max_subtasks: subtasks_max,
            assign_to: agents.iter().map(|name| AgentName::parse(name)).collect::<Result<_, _>>()?,
            floor: Some(FLOOR),
            ..Split::default()
        };
        Ok(opened.order(&Caller::default(), &split)?.plan)
    }

    /// Merges fields into an agent's state. `file` is another file of states, which is then all that is written.
    ///
    /// # Errors
    /// The file is locked for longer than `patience` or cannot be edited, the name is none, or the store fails.
    pub fn sync_state(
        &mut self,
        agent: &str,
        fields: Map<String, Value>,
        file: Option<&Path>,
        patience: Duration,
    ) -> Result<(), RalfError> {
        let files = self.files(patience);
        let file = other(file, || files.state_file());
        let opened = if file.is_none() { self.opened()? } else { None };
        match opened {
            Some(opened) => {
                opened.tell(&AgentName::parse(agent)?, Some(Value::Object(fields)))?;
            }
            None => files.set_state(&file.map_or_else(|| files.state_file(), Path::to_owned), agent, Some(&fields))?,
        }
        Ok(())
    }

    /// All agents' states, by name.
    ///
    /// # Errors
    /// The file cannot be read or is damaged, or the store fails.
    pub fn states(&mut self, file: Option<&Path>) -> Result<BTreeMap<String, Map<String, Value>>, RalfError> {
        let files = self.files(Duration::ZERO);
        let file = other(file, || files.state_file());
        let opened = if file.is_none() { self.opened()? } else { None };
        let Some(opened) = opened else { return Ok(files.states(&file.map_or_else(|| files.state_file(), Path::to_owned))?) };
        let (mut entries, mut next) = (Vec::new(), None);
        loop {
            let page = opened.ask(&GetState { prefix: Some("agent/".to_owned()), after: next, ..GetState::default() })?;
            entries.extend(page.entries);
            next = page.next;
            if next.is_none() {
                break;
            }
        }
        let state = |entry: oarlock_ops::shapes::EntryShape| match (entry.key.as_str().strip_prefix("agent/"), entry.value) {
            (Some(name), Some(Value::Object(fields))) if !name.contains('/') => Some((name.to_owned(), fields)),
            _ => None,
        };
        Ok(entries.into_iter().filter_map(state).collect())
    }

    /// Takes an agent's state away; one that is not there is no error.
    ///
    /// # Errors
    /// As [`Ralf::sync_state`].
    pub fn clear_state(&mut self, agent: &str, file: Option<&Path>, patience: Duration) -> Result<(), RalfError> {
        let files = self.files(patience);
        let file = other(file, || files.state_file());
        let opened = if file.is_none() { self.opened()? } else { None };
        match opened {
            Some(opened) => {
                opened.tell(&AgentName::parse(agent)?, None)?;
            }
            None => files.set_state(&file.map_or_else(|| files.state_file(), Path::to_owned), agent, None)?,
        }
        Ok(())
    }

    /// Takes all agents' states away. A file that cannot be understood is kept beside the new one.
    ///
    /// # Errors
    /// As [`Ralf::sync_state`].
    pub fn reset_states(&mut self, file: Option<&Path>, patience: Duration) -> Result<(), RalfError> {
        let files = self.files(patience);
        let file = other(file, || files.state_file());
        if file.is_none() && self.opened()?.is_some() {
            for agent in self.states(None)?.into_keys() {
                self.clear_state(&agent, None, patience)?;
            }
            return Ok(());
        }
        Ok(files.reset_states(&file.map_or_else(|| files.state_file(), Path::to_owned))?)
    }
}

impl Opened {
    fn ask<Q: Query>(&mut self, request: &Q) -> Result<Q::Reply, OpError> {
        call::query(&mut *self.store, &Caller::default(), &self.settings, request)
    }

    fn order<M: Mutation>(&mut self, caller: &Caller, request: &M) -> Result<M::Reply, OpError> {
        call::mutate(&mut *self.store, caller, &self.settings, request)
    }

    /// Merges into the state of an agent, or takes it away. Who has a session is seen by it; for an agent without one it is written anyway, and
    /// makes no agent of it.
    fn tell(&mut self, who: &AgentName, value: Option<Value>) -> Result<(), OpError> {
        let mut sync = Sync { merge: value, ..Sync::default() };
        let said = |store: &mut Self, sync: &Sync| store.order(&Caller::named(who.clone()), sync).map(drop);
        // Who was there at the last look is there still, nearly always. Who is not is refused, and nothing has changed.
        let was_live = sync.merge.is_some() && self.joined.is_live(who.as_str());
        if was_live {
            match said(self, &sync) {
                Err(OpError::Rejected(_)) => {}
                done => return done,
            }
        }
        let is_live = self.store.snapshot()?.agent(who)?.is_some_and(|agent| agent.is_live());
        if sync.merge.is_some() && is_live {
            return said(self, &sync);
        }
        self.order(&Caller::default(), &ReportState { name: who.clone(), value: sync.merge.take(), merge: true }).map(drop)
    }

    /// One look at the store, by which it is also known who has joined.
    fn look<T>(&mut self, ask: impl FnOnce(&dyn View) -> StoreResult<T>) -> Result<T, OpError> {
        let view = self.store.snapshot()?;
        self.joined.renew(&*view, || view.agents().map(Cow::Owned))?;
        Ok(ask(&*view)?)
    }
}

/// Nothing where there is no such file.
fn identity(file: &Path) -> Option<Identity> {
    let meta = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
    Some((identity_in(&meta).or_else(|| identity_behind(file).ok())?, meta.len(), meta.modified().ok()?))
}

/// A file that a caller names, if it is another one than the project's own.
fn other(file: Option<&Path>, own: impl Fn() -> PathBuf) -> Option<&Path> {
    let place = |file: &Path| {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        canonical(file).ok().or_else(|| Some(canonical(folder).ok()?.join(file.file_name()?)))
    };
    file.filter(|file| place(file).is_none_or(|there| Some(there) != place(&own())))
}

fn of_file(agent: oarlock_ralf::Agent) -> AgentSeen {
    AgentSeen {
        agent_id: agent.name,
        last_seen: agent.last_seen.unwrap_or_default(),
        status: agent.status.unwrap_or_default(),
        current_action: agent.action.unwrap_or_default(),
        loop_number: agent.loop_number.unwrap_or_default(),
        run_number: agent.run_number.unwrap_or_default(),
        age_ms: agent.age_ms,
        is_active: true,
    }
}

fn of_store(agent: Agent, age_ms: i64) -> AgentSeen {
    AgentSeen {
        agent_id: agent.name.to_string(),
        last_seen: rfc3339(agent.presence.seen_wall),
        status: agent.presence.status.unwrap_or_default(),
        current_action: agent.presence.action.unwrap_or_default(),
        loop_number: 0,
        run_number: 0,
        age_ms: Some(age_ms),
        is_active: true,
    }
}

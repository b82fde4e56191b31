//! What has to be done so that files and store say the same: a pure comparison of the two. It looks at states and not at changes, so that a
//! second look finds nothing left to do, and one that was interrupted goes on where it was.
//!
//! A live lease of an agent that uses the store beats what a file says. For everything else the store follows the files, because old scripts
//! know nothing of it.

use std::collections::BTreeMap;

use oarlock_model::agent::Agent as StoreAgent;
use oarlock_model::event::Event;
use oarlock_model::task::{Task as StoreTask, TaskState};
use oarlock_model::{AgentName, TaskId};
use serde::Serialize;

use crate::project::{Agent, Project, Task};

/// The program under which agents of the files stand in the store.
pub(crate) const PROGRAM: &str = "ralf-files";
/// Who acts for a file that names nobody.
pub(crate) const BRIDGE: &str = "ralf";
/// A heartbeat in a file is written anew when it is older than this, in milliseconds.
const BEAT_EVERY_MS: i64 = 15_000;

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// An agent of the files joins.
    Join(AgentName),
    /// It was seen.
    Beat { agent: AgentName, status: Option<String>, action: Option<String> },
    /// A task of the files is added.
    Add(Box<Task>, TaskId),
    /// An old script has taken a task.
    Claim { task: TaskId, agent: AgentName },
    /// It has given it back.
    Release { task: TaskId, agent: AgentName },
    /// A file says that a task is done.
    Finish { task: TaskId, agent: AgentName },
    /// A file says that a task is called off.
    Cancel(TaskId),
    /// The files are to show who holds a task.
    ShowClaim { task: TaskId, agent: AgentName, since_ms: i64 },
    /// That it is done.
    ShowDone(TaskId),
    /// That it is open again.
    ShowOpen(TaskId),
    /// That its parts are worked on, and not the task itself.
    ShowSplit(TaskId),
    /// A part of a task of the files gets a file of its own.
    MakePart(Box<StoreTask>, Box<Task>),
    /// That an agent is there.
    ShowAgent { agent: AgentName, status: String, action: Option<String>, seen_ms: i64 },
}

/// Files and store contradict each other, and one of them is not followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Conflict {
    /// The task.
    pub task: String,
    /// What the files say.
    pub files: String,
    /// What the store says.
    pub store: String,
    /// Which of them counts.
    pub kept: &'static str,
}

/// What is to be done, in order, and what cannot be brought together.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Plan {
    pub(crate) actions: Vec<Action>,
    pub(crate) conflicts: Vec<Conflict>,
    /// Tasks and agents whose names the store does not take.
    pub(crate) unnamed: Vec<String>,
}

/// What the store holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot {
    pub(crate) tasks: BTreeMap<String, StoreTask>,
    pub(crate) agents: BTreeMap<String, StoreAgent>,
    /// Wall clock, milliseconds since 1970.
    pub(crate) now_ms: i64,
}

impl Snapshot {
    fn agent(&self, name: &AgentName) -> Option<&StoreAgent> {
        self.agents.get(name.as_str())
    }

    /// Whether an agent uses the store itself.
    fn is_native(&self, name: &AgentName) -> bool {
        self.agent(name).is_some_and(|agent| agent.is_live() && agent.program.as_deref() != Some(PROGRAM))
    }

    /// Whether an agent may act at all.
    pub(crate) fn is_live(&self, name: &AgentName) -> bool {
        self.agent(name).is_some_and(StoreAgent::is_live)
    }

    /// Whether an event was made for the files, and need not be told to them.
    pub(crate) fn is_of_files(&self, event: &Event) -> bool {
        let is_theirs = |agent: &AgentName| {
            agent.as_str() == BRIDGE || self.agent(agent).is_some_and(|agent| agent.program.as_deref() == Some(PROGRAM))
        };
        event.agent.as_ref().is_none_or(is_theirs)
    }

    /// The parts of a task that are still to be done.
    fn open_parts<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a StoreTask> {
        let is_open = |task: &&StoreTask| !matches!(task.state, TaskState::Done | TaskState::Cancelled | TaskState::Dead);
        self.parts(id).filter(is_open)
    }

    fn parts<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a StoreTask> {
        self.tasks.values().filter(move |task| task.spec.parent.as_ref().is_some_and(|parent| parent.as_str() == id))
    }

    fn is_bridged(&self, name: &AgentName) -> bool {
        self.agent(name).is_some_and(|agent| agent.is_live() && agent.program.as_deref() == Some(PROGRAM))
    }
}

/// What the files say of one task: its own file, and its item in a queue.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct InFiles<'a> {
    pub(crate) file: Option<&'a Task>,
    pub(crate) queue: Option<&'a Task>,
}

impl InFiles<'_> {
    fn state(&self) -> &'static str {
        match (self.file.map(|file| file.state), self.queue.map(|queue| queue.state)) {
            // Who claims through the queue leaves the file as it is, and the other way round.
            (Some("ready"), Some("claimed")) => "claimed",
            (Some(file), _) => file,
            (None, Some(queue)) => queue,
            (None, None) => "ready",
        }
    }

    fn claimer(&self) -> Option<&str> {
        self.queue.or(self.file).and_then(|task| task.claimed_by.as_deref())
    }

    fn shown(&self) -> String {
        match self.claimer() {
            Some(claimer) => format!("{} by {claimer}", self.state()),
            None => self.state().to_owned(),
        }
    }
}

/// The tasks of a project by id; of doubles the first, which is the newest layout's.
pub(crate) fn by_id(project: &Project) -> BTreeMap<&str, InFiles<'_>> {
    let mut all: BTreeMap<&str, InFiles<'_>> = BTreeMap::new();
    for task in &project.tasks {
        all.entry(&task.id).or_default().file.get_or_insert(task);
    }
    for item in &project.queue {
        // A queue names the task, the file's name may go on with a slug.
        let known =
            all.keys().copied().find(|id| *id == item.id || id.strip_prefix(item.id.as_str()).is_some_and(|rest| rest.starts_with('-')));
        all.entry(known.unwrap_or(&item.id)).or_default().queue.get_or_insert(item);
    }
    all
}

/// Only what the heartbeats of the files say.
pub(crate) fn heartbeats(project: &Project, store: &Snapshot) -> Vec<Action> {
    let (mut plan, mut joining) = (Plan::default(), Vec::new());
    project.agents.iter().for_each(|agent| agent_of_files(agent, store, &mut joining, &mut plan));
    plan.actions
}

/// Compares.
pub(crate) fn plan(project: &Project, store: &Snapshot) -> Plan {
    let mut plan = Plan::default();
    let mut joining = Vec::new();
    for agent in &project.agents {
        agent_of_files(agent, store, &mut joining, &mut plan);
    }
    for agent in store.agents.values() {
        agent_of_store(agent, project, store, &mut plan);
    }
    let tasks = by_id(project);
    for (id, files) in &tasks {
        let Ok(task) = TaskId::parse(id) else {
            plan.unnamed.push((*id).to_owned());
            continue;
        };
        match store.tasks.get(*id) {
            None => unknown_task(task, files, store, &mut joining, &mut plan),
            Some(known) => known_task(task, known, files, store, &mut joining, &mut plan),
        }
        if let Some(file) = files.file {
            let parts = store.open_parts(id).filter(|part| !tasks.contains_key(part.id.as_str()));
            plan.actions.extend(parts.map(|part| Action::MakePart(Box::new(part.clone()), Box::new(file.clone()))));
        }
    }
    plan
}

fn agent_of_files(agent: &Agent, store: &Snapshot, joining: &mut Vec<AgentName>, plan: &mut Plan) {
    let Ok(name) = AgentName::parse(&agent.name) else {
        plan.unnamed.push(agent.name.clone());
        return;
    };
    if agent.state != "active" || store.is_native(&name) || joining.contains(&name) {
        return;
    }
    let seen_ms = store.now_ms - agent.age_ms.unwrap_or(0);
    let known = store.agent(&name).filter(|_| store.is_bridged(&name));
    // One heartbeat of the file is one here: a look alone renews nothing.
    if known.is_some_and(|known| known.presence.seen_wall.0 >= seen_ms) {
        return;
    }
    join(&name, store, joining, plan);
    plan.actions.push(Action::Beat { agent: name, status: agent.status.clone(), action: agent.action.clone() });
}

fn join(name: &AgentName, store: &Snapshot, joining: &mut Vec<AgentName>, plan: &mut Plan) {
    let is_there = store.is_bridged(name) || store.is_native(name);
    if !is_there && !joining.contains(name) {
        joining.push(name.clone());
        plan.actions.push(Action::Join(name.clone()));
    }
}

fn agent_of_store(agent: &StoreAgent, project: &Project, store: &Snapshot, plan: &mut Plan) {
    let seen_ms = agent.presence.seen_wall.0;
    if !store.is_native(&agent.name) || agent.name.as_str() == BRIDGE || store.now_ms - seen_ms > agent.timeout_ms {
        return;
    }
    let status = agent.presence.status.clone().unwrap_or_else(|| "running".to_owned());
    let shown = project.agents.iter().find(|shown| shown.name == agent.name.as_str());
    let is_fresh = shown.is_some_and(|shown| {
        shown.status.as_deref() == Some(&status)
            && shown.action.as_deref() == agent.presence.action.as_deref()
            && shown.age_ms.is_some_and(|age| store.now_ms - age + BEAT_EVERY_MS >= seen_ms)
    });
    if !is_fresh {
        plan.actions.push(Action::ShowAgent { agent: agent.name.clone(), status, action: agent.presence.action.clone(), seen_ms });
    }
}

/// Who has taken a task, as an agent of the store.
fn claimer(files: &InFiles<'_>) -> AgentName {
    let named = files.claimer().and_then(|name| AgentName::parse(name).ok());
    named.unwrap_or_else(|| AgentName::parse(BRIDGE).expect("a name"))
}

fn unknown_task(task: TaskId, files: &InFiles<'_>, store: &Snapshot, joining: &mut Vec<AgentName>, plan: &mut Plan) {
    let Some(text) = files.file.or(files.queue).filter(|_| !matches!(files.state(), "done" | "cancelled")) else { return };
    plan.actions.push(Action::Add(Box::new(text.clone()), task.clone()));
    if files.state() == "claimed" {
        let agent = claimer(files);
        join(&agent, store, joining, plan);
        plan.actions.push(Action::Claim { task, agent });
    }
}

fn known_task(task: TaskId, known: &StoreTask, files: &InFiles<'_>, store: &Snapshot, joining: &mut Vec<AgentName>, plan: &mut Plan) {
    let conflict = |kept, store: String| Conflict { task: task.to_string(), files: files.shown(), store, kept };
    match (known.state, files.state()) {
        (TaskState::Done, "done") | (TaskState::Cancelled, "cancelled") => {}
        (TaskState::Done, _) => plan.actions.push(Action::ShowDone(task)),
        (TaskState::Cancelled | TaskState::Dead, _) => {}
        // Nobody is to begin with what its parts already do.
        (TaskState::Waiting, "ready") => plan.actions.push(Action::ShowSplit(task)),
        (TaskState::Waiting, "claimed") if files.claimer().is_none() => {}
        // Its parts are done: somebody may put them together.
        (TaskState::Ready, "claimed") if files.claimer().is_none() && store.parts(task.as_str()).next().is_some() => {
            plan.actions.push(Action::ShowOpen(task));
        }
        (TaskState::Claimed, in_files) => {
            let Some(grant) = known.holder() else { return };
            let held = || format!("claimed by {}", grant.agent);
            if store.is_bridged(&grant.agent) || grant.agent.as_str() == BRIDGE {
                let agent = grant.agent.clone();
                let other = files.claimer().is_some_and(|claimer| claimer != grant.agent.as_str());
                match in_files {
                    "done" => plan.actions.push(Action::Finish { task, agent }),
                    "claimed" if other => {
                        plan.actions.push(Action::Release { task: task.clone(), agent });
                        let next = claimer(files);
                        join(&next, store, joining, plan);
                        plan.actions.push(Action::Claim { task, agent: next });
                    }
                    "claimed" => {}
                    "cancelled" => plan.actions.push(Action::Cancel(task)),
                    _ => plan.actions.push(Action::Release { task, agent }),
                }
            } else {
                let shows_it =
                    in_files == "claimed" && files.queue.is_none_or(|queue| queue.claimed_by.as_deref() == Some(grant.agent.as_str()));
                let is_taken = files.claimer().is_some_and(|claimer| claimer != grant.agent.as_str());
                if in_files == "done" || (in_files == "claimed" && is_taken) {
                    plan.conflicts.push(conflict("store", held()));
                }
                if !shows_it && in_files != "done" {
                    plan.actions.push(Action::ShowClaim { task, agent: grant.agent.clone(), since_ms: grant.since.0 });
                }
            }
        }
        (TaskState::Ready | TaskState::Scheduled, "done") => {
            let agent = AgentName::parse(BRIDGE).expect("a name");
            join(&agent, store, joining, plan);
            plan.actions.push(Action::Claim { task: task.clone(), agent: agent.clone() });
            plan.actions.push(Action::Finish { task, agent });
        }
        (_, "cancelled") => plan.actions.push(Action::Cancel(task)),
        (state, "done") => plan.conflicts.push(conflict("store", state.to_string())),
        (TaskState::Ready | TaskState::Scheduled, "claimed") => {
            let agent = claimer(files);
            // What an agent of the store had, and has given back, may still stand in the files.
            let had = known.grant.as_ref().filter(|grant| files.claimer().is_none_or(|claimer| claimer == grant.agent.as_str()));
            let was_native = had.is_some_and(|grant| {
                grant.agent.as_str() != BRIDGE && store.agent(&grant.agent).is_none_or(|agent| agent.program.as_deref() != Some(PROGRAM))
            });
            if store.is_native(&agent) && agent.as_str() != BRIDGE || was_native {
                plan.actions.push(Action::ShowOpen(task));
            } else {
                join(&agent, store, joining, plan);
                plan.actions.push(Action::Claim { task, agent });
            }
        }
        (state, "claimed") => plan.conflicts.push(conflict("store", state.to_string())),
        _ => {}
    }
}

//! What has to be done so that files and store say the same: a pure comparison of the two, with what is remembered of the last look. It looks
//! at states and not at changes, so that a second look finds nothing left to do, and one that was interrupted goes on where it was.
//!
//! A live lease of an agent that uses the store beats what a file says, and so does a task's end in the store. For everything else the store
//! follows the files, because old scripts know nothing of it; but what a damaged file does not say is not taken for said.

use std::collections::{BTreeMap, BTreeSet};

use oarlock_model::Now;
use oarlock_model::agent::Agent as StoreAgent;
use oarlock_model::event::Event;
use oarlock_model::rules::liveness;
use oarlock_model::task::{Grant, Task as StoreTask, TaskState};
use oarlock_model::{AgentName, TaskId};
use serde::Serialize;

use crate::attached::{Attached, Claimed, digest};
use crate::in_files::{InFiles, by_id};
use crate::moved::{Gone, Moved};
use crate::nouns::{Agent, Task};
use crate::project::{CLOCK_SLACK_MS, Project};
use crate::task_file;

/// The program under which agents of the files stand in the store.
pub const PROGRAM: &str = "ralf-files";
/// Who acts for a file that names nobody.
pub(crate) const BRIDGE: &str = "ralf";
/// The status of an agent that has gone: no sign of life.
const LEFT: &str = "left";
/// A heartbeat in a file is written anew when it is older than this, in milliseconds.
const BEAT_EVERY_MS: i64 = 15_000;
/// Longest text of a conflict that is told, in characters.
const TOLD_CHARS_MAX: usize = 300;

/// How a task stands in the store, for the files to show.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Stand {
    /// Nobody has it.
    Open,
    /// An agent has it since then, in milliseconds since 1970.
    Claimed(AgentName, i64),
    /// Its parts are worked on, and not the task itself.
    Split,
    /// It is done.
    Done,
    /// It was called off.
    Cancelled,
    /// It failed too often.
    Failed,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// An agent of the files joins.
    Join(AgentName),
    /// It was seen.
    Beat { agent: AgentName, status: Option<String>, action: Option<String> },
    /// A task of the files is added.
    Add(Box<Task>, TaskId),
    /// What a task's file asks for has changed.
    Update(Box<Task>, TaskId),
    /// An old script has taken a task, in the queue or by its status line.
    Claim { task: TaskId, agent: AgentName, by_queue: bool },
    /// It has given it back.
    Release { task: TaskId, agent: AgentName },
    /// A file says that a task is done.
    Finish { task: TaskId, agent: AgentName },
    /// A file says that a task is called off.
    Cancel(TaskId),
    /// The file that asked for a task is gone, or put off.
    HoldBack(TaskId, Gone),
    /// It is there again.
    BringBack(TaskId),
    /// The files are to show how a task stands.
    Show(TaskId, Stand),
    /// A part of a task of the files gets a file of its own.
    MakePart(Box<StoreTask>, Box<Task>),
    /// The heartbeat file is to show that an agent is there, or how it went.
    ShowAgent { agent: AgentName, status: String, action: Option<String>, seen_ms: i64 },
}

/// Files and store contradict each other, and one of them is not followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Conflict {
    /// The task, or the key of the state.
    pub task: String,
    /// What the files say.
    pub files: String,
    /// What the store says.
    pub store: String,
    /// Which of them counts.
    pub kept: &'static str,
}

impl Conflict {
    /// A conflict in which the store counts; long texts are cut.
    pub(crate) fn kept_by_store(task: String, files: &str, store: &str) -> Self {
        let cut = |text: &str| text.chars().take(TOLD_CHARS_MAX).collect();
        Self { task, files: cut(files), store: cut(store), kept: "store" }
    }
}

/// What is to be done, in order, and what cannot be brought together.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Plan {
    pub(crate) actions: Vec<Action>,
    pub(crate) conflicts: Vec<Conflict>,
    /// What was left out, or looks wrong.
    pub(crate) warnings: Vec<String>,
    /// Tasks that the files show as taken, as the store has them.
    pub(crate) displayed: Vec<String>,
    /// Claims that were made for the files and forgotten: a look was killed before it could remember them.
    pub(crate) adopted: Vec<(String, Claimed)>,
}

impl Plan {
    /// What was found before the comparison comes first.
    pub(crate) fn begin_with(&mut self, moved: &Moved) {
        self.actions.splice(0..0, moved.actions.iter().cloned());
        self.conflicts.splice(0..0, moved.conflicts.iter().cloned());
        self.warnings.splice(0..0, moved.warnings.iter().cloned());
    }
}

/// What the store holds.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) tasks: BTreeMap<String, StoreTask>,
    pub(crate) agents: BTreeMap<String, StoreAgent>,
    /// The ids of parts, by the task that they are parts of.
    pub(crate) parts: BTreeMap<String, Vec<String>>,
    /// The store's moment.
    pub(crate) now: Now,
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

    /// Whether an agent is none of those that stand here for the files.
    fn is_of_store(&self, name: &AgentName) -> bool {
        name.as_str() != BRIDGE && self.agent(name).is_none_or(|agent| agent.program.as_deref() != Some(PROGRAM))
    }

    /// Whether an agent may act at all.
    pub(crate) fn is_live(&self, name: &AgentName) -> bool {
        self.agent(name).is_some_and(StoreAgent::is_live)
    }

    /// Whether an event was made for the files, and need not be told to them.
    pub(crate) fn is_of_files(&self, event: &Event) -> bool {
        // What an earlier session of that name did is another matter.
        let is_session = |agent: &&StoreAgent| event.session.as_ref() == Some(&agent.session);
        let is_theirs = |agent: &AgentName| {
            agent.as_str() == BRIDGE || self.agent(agent).filter(is_session).is_some_and(|agent| agent.program.as_deref() == Some(PROGRAM))
        };
        event.agent.as_ref().is_none_or(is_theirs)
    }

    /// Whether a lease still holds.
    pub(crate) fn holds(&self, grant: &Grant) -> bool {
        liveness::lease_ttl_ms(grant, liveness::beat_for(grant, self.agent(&grant.agent)), self.now) > 0
    }

    /// The parts of a task that are still to be done.
    fn open_parts(&self, id: &str) -> impl Iterator<Item = &StoreTask> {
        let is_open = |task: &&StoreTask| !matches!(task.state, TaskState::Done | TaskState::Cancelled | TaskState::Dead);
        self.parts.get(id).into_iter().flatten().filter_map(|part| self.tasks.get(part)).filter(is_open)
    }
}

/// The agents of the files, of doubles the first, which is the newest layout's.
pub(crate) fn first_of_each(agents: &[Agent]) -> impl Iterator<Item = &Agent> {
    let mut seen = BTreeSet::new();
    agents.iter().filter(move |agent| seen.insert(agent.name.as_str()))
}

/// Only what the heartbeats of the files say.
pub(crate) fn heartbeats(agents: &[Agent], store: &Snapshot, attached: &Attached) -> Vec<Action> {
    let mut compare = Comparing { store, attached, joining: Vec::new(), plan: Plan::default() };
    first_of_each(agents).for_each(|agent| compare.agent_of_files(agent));
    compare.plan.actions
}

/// Compares. `heartbeats` is the file in which agents of the store are shown.
pub(crate) fn plan(project: &Project, store: &Snapshot, attached: &Attached, heartbeats: &str) -> Plan {
    let mut compare = Comparing { store, attached, joining: Vec::new(), plan: Plan::default() };
    first_of_each(&project.agents).for_each(|agent| compare.agent_of_files(agent));
    let shown: BTreeMap<&str, &Agent> =
        project.agents.iter().filter(|shown| shown.source.file == heartbeats).map(|shown| (shown.name.as_str(), shown)).collect();
    for agent in store.agents.values() {
        compare.agent_of_store(agent, shown.get(agent.name.as_str()).copied());
    }
    let tasks = by_id(project);
    for (id, files) in &tasks {
        let Ok(task) = TaskId::parse(id) else {
            compare.plan.warnings.push(format!("\"{}\" is no name that the store takes", oarlock_model::ident::shown(id)));
            continue;
        };
        match store.tasks.get(*id) {
            None => compare.unknown_task(task, files),
            Some(known) => compare.known_task(task, known, files, project),
        }
        if let Some(file) = files.file {
            let parts = store.open_parts(id).filter(|part| !tasks.contains_key(part.id.as_str()));
            compare.plan.actions.extend(parts.map(|part| Action::MakePart(Box::new(part.clone()), Box::new(file.clone()))));
        }
    }
    compare.plan
}

/// A comparison under way.
struct Comparing<'a> {
    store: &'a Snapshot,
    attached: &'a Attached,
    joining: Vec<AgentName>,
    plan: Plan,
}

impl Comparing<'_> {
    fn agent_of_files(&mut self, agent: &Agent) {
        let Ok(name) = AgentName::parse(&agent.name) else {
            self.plan.warnings.push(format!("\"{}\" is no name that the store takes", oarlock_model::ident::shown(&agent.name)));
            return;
        };
        let known = self.attached.beats.get(&agent.name);
        // One heartbeat of the file is one here: a look alone renews nothing, and what the bridge wrote is no sign of life.
        let has_left = agent.status.as_deref() == Some(LEFT);
        let is_told =
            has_left || known == Some(&digest(&agent.fields)) || self.attached.shown.get(&agent.name) == Some(&agent.own_digest());
        if self.store.is_native(&name) || self.joining.contains(&name) || is_told {
            return;
        }
        let stated_ms = agent.age_ms.map(|age| self.store.now_ms - age);
        // It has changed since the last look, whatever its clock says.
        let changed_ms = known.map(|_| self.attached.looked_ms);
        let Some(seen_ms) = stated_ms.max(changed_ms) else { return };
        if self.store.now_ms - seen_ms > agent.timeout_ms {
            return;
        }
        let is_behind = changed_ms.is_some_and(|changed| stated_ms.is_some_and(|stated| stated + CLOCK_SLACK_MS < changed));
        if is_behind && !self.store.is_live(&name) {
            self.plan.warnings.push(format!("the clock of {name} lies behind: it counts as seen when its heartbeat changes"));
        }
        self.join(&name);
        self.plan.actions.push(Action::Beat { agent: name, status: agent.status.clone(), action: agent.action.clone() });
    }

    fn join(&mut self, name: &AgentName) {
        if !self.store.is_live(name) && !self.joining.contains(name) {
            self.joining.push(name.clone());
            self.plan.actions.push(Action::Join(name.clone()));
        }
    }

    fn agent_of_store(&mut self, agent: &StoreAgent, shown: Option<&Agent>) {
        let seen_ms = agent.presence.seen_wall.0;
        if agent.program.as_deref() == Some(PROGRAM) || agent.name.as_str() == BRIDGE {
            return;
        }
        let show = |status: String, action| Action::ShowAgent { agent: agent.name.clone(), status, action, seen_ms };
        if !agent.is_live() {
            // Who has gone is shown as gone, where it was shown as there.
            let is_ours = shown.is_some_and(|shown| self.attached.shown.get(&shown.name) == Some(&shown.own_digest()));
            if is_ours && shown.is_some_and(|shown| shown.status.as_deref() != Some(LEFT)) {
                let action = shown.and_then(|shown| shown.action.clone());
                self.plan.actions.push(show(LEFT.to_owned(), action));
            }
            return;
        }
        if self.store.now_ms - seen_ms > agent.timeout_ms {
            return;
        }
        let said = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let (status, action) = (said(&agent.presence.status).unwrap_or_else(|| "running".to_owned()), said(&agent.presence.action));
        let is_fresh = shown.is_some_and(|shown| {
            shown.status.as_deref() == Some(&status)
                && shown.action == action
                && shown.age_ms.is_some_and(|age| self.store.now_ms - age + BEAT_EVERY_MS >= seen_ms)
        });
        if !is_fresh {
            self.plan.actions.push(show(status, action));
        }
    }

    fn unknown_task(&mut self, task: TaskId, files: &InFiles<'_>) {
        let Some(text) = files.file.or(files.queue).filter(|_| files.is_open()) else { return };
        self.plan.actions.push(Action::Add(Box::new(text.clone()), task.clone()));
        if files.state() == "claimed" {
            self.claim(task, files);
        }
    }

    /// What the files say is taken is claimed here in that name.
    fn claim(&mut self, task: TaskId, files: &InFiles<'_>) {
        let agent = files.agent();
        self.join(&agent);
        self.plan.actions.push(Action::Claim { task, agent, by_queue: files.is_claimed_by_queue() });
    }

    fn show(&mut self, task: TaskId, stand: Stand) {
        self.plan.actions.push(Action::Show(task, stand));
    }

    fn known_task(&mut self, task: TaskId, known: &StoreTask, files: &InFiles<'_>, project: &Project) {
        let in_files = files.state();
        // What was shown as ended, and is open again, is shown so.
        if let Some(ended) = self.attached.ended.get(task.as_str())
            && !matches!(known.state, TaskState::Done | TaskState::Cancelled | TaskState::Dead)
            && (ended == "failed" || in_files == "cancelled")
        {
            return self.show(task, Stand::Open);
        }
        if let (Some(file), TaskState::Ready | TaskState::Blocked | TaskState::Scheduled) = (files.file, known.state)
            && self.attached.tasks.get(task.as_str()).is_some_and(|digest| *digest != file.digest)
        {
            self.plan.actions.push(Action::Update(Box::new(file.clone()), task.clone()));
        }
        // What stands in the files as taken because the bridge wrote it there.
        let is_displayed = self.attached.displayed.contains(task.as_str());
        match (known.state, in_files) {
            (TaskState::Done, "done") if files.is_done_everywhere() => {}
            (TaskState::Cancelled, "cancelled") => {}
            (TaskState::Done, _) => self.show(task, Stand::Done),
            (TaskState::Cancelled, _) => self.show(task, Stand::Cancelled),
            (TaskState::Dead, "claimed") if !is_displayed => self.conflict(&task, files, "dead".to_owned()),
            (TaskState::Dead, "done" | "cancelled") => {}
            (TaskState::Dead, _) if files.says("failed") => {}
            (TaskState::Dead, _) => self.show(task, Stand::Failed),
            (TaskState::Claimed, _) => {
                let Some(grant) = known.holder() else { return };
                let is_known = self.attached.claims.get(task.as_str()).is_some_and(|claimed| claimed.token == grant.token.0);
                let is_bridged = self.store.agent(&grant.agent).is_some_and(|agent| agent.program.as_deref() == Some(PROGRAM));
                let is_theirs = is_bridged && (in_files == "done" || in_files == "claimed" && files.agent() == grant.agent);
                if is_theirs && !is_known {
                    let claimed = Claimed { token: grant.token.0, by_queue: files.is_claimed_by_queue() };
                    self.plan.adopted.push((task.to_string(), claimed));
                }
                if is_known || is_theirs {
                    self.held_for_files(task, grant, files, project)
                } else {
                    self.held_by_agent(task, grant, files)
                }
            }
            // Nobody is to begin with what its parts already do.
            (TaskState::Waiting, "ready") => self.show(task, Stand::Split),
            (TaskState::Waiting, "claimed") if is_displayed && files.claimer().is_some() => self.show(task, Stand::Split),
            (TaskState::Waiting | TaskState::Review, "claimed") if is_displayed || files.claimer().is_none() => {}
            (_, "cancelled") => self.plan.actions.push(Action::Cancel(task)),
            (TaskState::Ready | TaskState::Scheduled, "done") => self.finish(task, files),
            (state, "done") => self.conflict(&task, files, state.to_string()),
            (TaskState::Ready | TaskState::Scheduled, "claimed") => {
                // What an agent of the store had, and has given back, still stands in the files.
                let is_for_files =
                    |grant: &Grant| self.attached.claims.get(task.as_str()).is_some_and(|claimed| claimed.token == grant.token.0);
                let had_it = known
                    .grant
                    .as_ref()
                    .is_some_and(|grant| grant.agent == files.agent() && self.store.is_of_store(&grant.agent) && !is_for_files(grant));
                if is_displayed || had_it {
                    self.show(task, Stand::Open);
                } else {
                    self.claim(task, files);
                }
            }
            (state, "claimed") => self.conflict(&task, files, state.to_string()),
            _ => {}
        }
    }

    /// A task that nobody holds is done.
    fn finish(&mut self, task: TaskId, files: &InFiles<'_>) {
        let agent = AgentName::parse(BRIDGE).expect("a name");
        self.join(&agent);
        self.plan.actions.push(Action::Claim { task: task.clone(), agent: agent.clone(), by_queue: false });
        self.finished(task, agent, files);
    }

    /// Item and status line follow the folder, or the other way round.
    fn finished(&mut self, task: TaskId, agent: AgentName, files: &InFiles<'_>) {
        self.plan.actions.push(Action::Finish { task: task.clone(), agent });
        if !files.is_done_everywhere() {
            self.show(task, Stand::Done);
        }
    }

    /// A task that is held here for somebody who knows only the files: it follows them.
    fn held_for_files(&mut self, task: TaskId, grant: &Grant, files: &InFiles<'_>, project: &Project) {
        let agent = grant.agent.clone();
        match files.state() {
            "done" => self.finished(task, agent, files),
            "cancelled" => self.plan.actions.push(Action::Cancel(task)),
            "claimed" if files.claimer().is_none() || files.agent() == agent => {}
            "claimed" => {
                self.plan.actions.push(Action::Release { task: task.clone(), agent });
                self.claim(task, files);
            }
            // An item that is gone says nothing, and neither does a file that is damaged: who is late gives back more than was given back.
            _ => {
                let by_queue = self.attached.claims.get(task.as_str()).is_some_and(|claimed| claimed.by_queue);
                let said_in = if by_queue { files.queue } else { files.file };
                let is_said = |said: &Task| said.status.as_deref().is_some_and(task_file::is_open) && !project.is_faulty(&said.source.file);
                if said_in.is_some_and(is_said) {
                    self.plan.actions.push(Action::Release { task, agent });
                }
            }
        }
    }

    /// A task that an agent of the store holds: its lease counts.
    fn held_by_agent(&mut self, task: TaskId, grant: &Grant, files: &InFiles<'_>) {
        let in_files = files.state();
        if !self.store.holds(grant) {
            // It can be had by anybody, old scripts included.
            match in_files {
                "claimed" if self.attached.displayed.contains(task.as_str()) => self.show(task, Stand::Open),
                "claimed" => self.claim(task, files),
                "done" => self.finish(task, files),
                "cancelled" => self.plan.actions.push(Action::Cancel(task)),
                _ => {}
            }
            return;
        }
        let is_taken = in_files == "claimed" && files.claimer().is_some_and(|claimer| claimer != grant.agent.as_str());
        if matches!(in_files, "done" | "cancelled") || is_taken {
            self.conflict(&task, files, format!("claimed by {}", grant.agent));
        }
        let shows_it = in_files == "claimed" && files.queue.is_none_or(|queue| queue.claimed_by.as_deref() == Some(grant.agent.as_str()));
        if shows_it {
            self.plan.displayed.push(task.to_string());
        } else if !matches!(in_files, "done" | "cancelled") {
            self.show(task, Stand::Claimed(grant.agent.clone(), grant.since.0));
        }
    }

    fn conflict(&mut self, task: &TaskId, files: &InFiles<'_>, store: String) {
        self.plan.conflicts.push(Conflict::kept_by_store(task.to_string(), &files.shown(), &store));
    }
}

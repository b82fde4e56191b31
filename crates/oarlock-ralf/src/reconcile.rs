//! The actions that make files and store agree: a pure comparison of the two, with the memory of the last pass. It compares
//! states and not changes. So a second pass finds nothing left to do, and an interrupted one continues where it was.
//!
//! A live lease of an agent that uses the store beats what a file says, and so does a task's end in the store. For everything else the store
//! follows the files, because old scripts know nothing of it; but what a damaged file does not say is not taken for said.

mod outside;

use std::collections::BTreeMap;

use oarlock_model::Now;
use oarlock_model::agent::Agent as StoreAgent;
use oarlock_model::event::Event;
use oarlock_model::rules::liveness;
use oarlock_model::task::{Grant, Task as StoreTask, TaskState};
use oarlock_model::{AgentName, TaskId};

use crate::actions::{Action, Conflict, Plan};
use crate::alive::{self, LEFT, Sign};
use crate::displayed_state::DisplayedState;
use crate::file_view::FileView;
use crate::held::Held;
use crate::project::Project;
use crate::sync_state::SyncState;
use crate::types::Agent;

/// The program under which agents of the files stand in the store.
pub const PROGRAM: &str = "ralf-files";
/// The system that reports in the store for those who have tasks by the files alone.
pub(crate) const SOURCE: &str = "ralf";
/// A heartbeat in a file is written again when it is older than this, in milliseconds.
const BEAT_EVERY_MS: i64 = 15_000;

/// The content of the store.
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
    /// After this long without a sign of life, what somebody has by the files counts as abandoned, in milliseconds.
    pub(crate) abandoned_after_ms: i64,
}

impl Snapshot {
    fn agent(&self, name: &AgentName) -> Option<&StoreAgent> {
        self.agents.get(name.as_str())
    }

    /// Whether an agent uses the store itself.
    fn is_native(&self, name: &AgentName) -> bool {
        self.agent(name).is_some_and(|agent| agent.is_live() && agent.program.as_deref() != Some(PROGRAM))
    }

    /// Whether the agent of this name, as a file has it, is none of those that stand here for the files.
    fn is_of_store(&self, name: &str) -> bool {
        self.agents.get(name).is_none_or(|agent| agent.program.as_deref() != Some(PROGRAM))
    }

    /// Whether an agent may act at all.
    pub(crate) fn is_live(&self, name: &AgentName) -> bool {
        self.agent(name).is_some_and(StoreAgent::is_live)
    }

    /// Whether an event was made for the files, and need not be reported to them.
    pub(crate) fn is_of_files(&self, event: &Event) -> bool {
        // What an earlier session of that name did is another matter.
        let is_session = |agent: &&StoreAgent| event.session.as_ref() == Some(&agent.session);
        let is_theirs =
            |agent: &AgentName| self.agent(agent).filter(is_session).is_some_and(|agent| agent.program.as_deref() == Some(PROGRAM));
        event.agent.as_ref().is_none_or(is_theirs)
    }

    /// Whether a lease still holds.
    pub(crate) fn holds(&self, grant: &Grant) -> bool {
        liveness::grant_ttl_ms(grant, self.agent(&grant.agent), self.now) > 0
    }

    /// The parts of a task that are still to be done.
    fn open_parts(&self, id: &str) -> impl Iterator<Item = &StoreTask> {
        let is_open = |task: &&StoreTask| !task.state.is_finished();
        self.parts.get(id).into_iter().flatten().filter_map(|part| self.tasks.get(part)).filter(is_open)
    }
}

/// Only what the heartbeats of the files say.
pub(crate) fn heartbeats(agents: &[Agent], store: &Snapshot, attached: &SyncState) -> Vec<Action> {
    let mut compare = Comparing { store, attached, plan: Plan::default() };
    alive::signs(agents, attached, store.now_ms).iter().for_each(|sign| compare.agent_of_files(sign));
    compare.plan.actions
}

/// The two sides of the comparison.
pub(crate) struct Compared<'a> {
    pub(crate) project: &'a Project,
    /// Its tasks by id.
    pub(crate) tasks: &'a BTreeMap<&'a str, FileView<'a>>,
    pub(crate) signs: &'a [Sign<'a>],
    /// Who has those that the files call in progress.
    pub(crate) held: &'a BTreeMap<String, Held>,
    /// The file in which agents of the store are shown.
    pub(crate) heartbeats: &'a str,
}

/// Compares.
pub(crate) fn plan(compared: &Compared<'_>, store: &Snapshot, attached: &SyncState) -> Plan {
    let Compared { project, tasks, signs, held, heartbeats } = *compared;
    let mut compare = Comparing { store, attached, plan: Plan::default() };
    for sign in signs {
        compare.agent_of_files(sign);
        compare.plan.heard.insert(sign.agent.name.clone(), sign.beat.clone());
    }
    let shown: BTreeMap<&str, &Agent> =
        project.agents.iter().filter(|shown| shown.source.file == heartbeats).map(|shown| (shown.name.as_str(), shown)).collect();
    for agent in store.agents.values() {
        compare.agent_of_store(agent, shown.get(agent.name.as_str()).copied());
        if !signs.iter().any(|sign| sign.name == agent.name) {
            compare.agent_without_heartbeat(agent);
        }
    }
    for (id, files) in tasks {
        let Ok(task) = TaskId::parse(id) else {
            compare.plan.warnings.push(format!("\"{}\" is not a valid name in the store", oarlock_model::ident::shown(id)));
            continue;
        };
        let known = held.get(*id).cloned();
        if known.is_some() {
            compare.plan.taken.insert((*id).to_owned(), files.is_claimed_by_queue());
        }
        let files = Said { files, held: known.unwrap_or_default(), project };
        match store.tasks.get(*id) {
            None => compare.unknown_task(task, &files),
            Some(known) => compare.known_task(task, known, &files),
        }
        if let Some(file) = files.file {
            let parts = store.open_parts(id).filter(|part| !tasks.contains_key(part.id.as_str()));
            compare.plan.actions.extend(parts.map(|part| Action::MakePart(Box::new(part.clone()), Box::new(file.clone()))));
        }
    }
    compare.plan
}

/// The view of one task in the files, and its holder there.
struct Said<'a> {
    files: &'a FileView<'a>,
    held: Held,
    project: &'a Project,
}

impl<'a> std::ops::Deref for Said<'a> {
    type Target = FileView<'a>;

    fn deref(&self) -> &FileView<'a> {
        self.files
    }
}

/// A comparison under way.
struct Comparing<'a> {
    store: &'a Snapshot,
    attached: &'a SyncState,
    plan: Plan,
}

impl Comparing<'_> {
    fn agent_of_files(&mut self, sign: &Sign<'_>) {
        let Sign { agent, name, .. } = sign;
        // One heartbeat of the file is one here: a look alone renews nothing, and what the bridge wrote is no sign of life.
        let is_told = self.attached.heard.get(&agent.name).is_some_and(|known| known.whole == sign.beat.whole);
        // Who beat once is known from then on, so that messages reach it; that makes it no younger.
        let is_there = sign.is_there(self.store.now_ms, agent.timeout_ms) || (self.store.agent(name).is_none() && !sign.beat.has_left);
        if self.store.is_native(name) || sign.is_of_store || is_told || !is_there {
            return;
        }
        let Some(seen_ms) = sign.beat.seen_ms else { return };
        let is_new = !self.store.is_live(name);
        let was_silent = self.store.agent(name).is_none_or(|known| self.store.now_ms - known.presence.seen_wall.0 > known.timeout_ms);
        if sign.is_behind && was_silent {
            self.plan.warnings.push(format!("the clock of {name} lies behind: it counts as seen when its heartbeat changes"));
        }
        let (status, action) = (agent.status.clone(), agent.action.clone());
        self.plan.actions.push(Action::Seen { agent: name.clone(), is_new, seen_ms, timeout_ms: agent.timeout_ms, status, action });
    }

    /// A name that is in the store for the files, and has no heartbeat there: it came in because something was claimed in that name, when
    /// that made an agent of it. A file that is empty for a moment is no reason: its agents are still young.
    fn agent_without_heartbeat(&mut self, agent: &StoreAgent) {
        let is_silent = self.store.now.store.since_ms(agent.presence.seen) > agent.timeout_ms;
        if agent.is_live() && agent.program.as_deref() == Some(PROGRAM) && is_silent {
            self.plan.actions.push(Action::Leave(agent.name.clone()));
        }
    }

    fn agent_of_store(&mut self, agent: &StoreAgent, shown: Option<&Agent>) {
        let seen_ms = agent.presence.seen_wall.0;
        if agent.program.as_deref() == Some(PROGRAM) {
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

    fn unknown_task(&mut self, task: TaskId, files: &Said<'_>) {
        let Some(text) = files.file.or(files.queue).filter(|_| files.is_open()) else { return };
        self.plan.actions.push(Action::Add(Box::new(text.clone()), task.clone()));
        if files.state() == "claimed" {
            self.take(task, files, None);
        }
    }

    fn show(&mut self, task: TaskId, displayed_state: DisplayedState) {
        self.plan.actions.push(Action::Show(task, displayed_state));
    }

    fn known_task(&mut self, task: TaskId, known: &StoreTask, files: &Said<'_>) {
        let file_state = files.state();
        // A task shown as ended that is open again is shown as open.
        if let Some(ended) = self.attached.ended.get(task.as_str())
            && !matches!(known.state, TaskState::Done | TaskState::Cancelled | TaskState::Dead)
            && (ended == "failed" || file_state == "cancelled")
        {
            return self.show(task, DisplayedState::Open);
        }
        if let (Some(file), TaskState::Ready | TaskState::Blocked | TaskState::Scheduled) = (files.file, known.state)
            && self.attached.tasks.get(task.as_str()).is_some_and(|digest| *digest != file.digest)
        {
            self.plan.actions.push(Action::Update(Box::new(file.clone()), task.clone()));
        }
        // Tasks that the bridge itself has marked as taken in the files.
        let is_displayed = self.attached.displayed.contains(task.as_str());
        match (known.state, file_state) {
            (TaskState::Dead, "claimed") if !is_displayed => self.conflict(&task, files, "dead".to_owned()),
            (TaskState::Done | TaskState::Cancelled | TaskState::Dead, _) => {
                if let Some(displayed_state) =
                    DisplayedState::of_end(known.state).filter(|displayed_state| !files.says_end(displayed_state))
                {
                    self.show(task, displayed_state);
                }
            }
            (TaskState::Claimed, _) => match (known.outside_holder(), known.holder()) {
                (Some(hold), _) => self.held_outside(task, hold, files),
                (None, Some(grant)) if self.attached.claims.get(task.as_str()).is_some_and(|claimed| claimed.token == grant.token.0) => {
                    self.turn_over(task, known, grant, files);
                }
                (None, Some(grant)) => self.held_by_agent(task, known, grant, files),
                (None, None) => {}
            },
            // Nobody is to begin with what its parts already do.
            (TaskState::Waiting, "ready") => self.show(task, DisplayedState::Split),
            (TaskState::Waiting, "claimed") if is_displayed && files.claimer().is_some() => self.show(task, DisplayedState::Split),
            (TaskState::Waiting | TaskState::Review, "claimed") if is_displayed || files.claimer().is_none() => {}
            (_, "cancelled") => self.plan.actions.push(Action::Cancel(task)),
            (TaskState::Ready | TaskState::Scheduled, "done") => self.finished(task, files),
            (state, "done") => self.conflict(&task, files, state.to_string()),
            (TaskState::Ready | TaskState::Scheduled | TaskState::Blocked, "claimed") => {
                // What an agent of the store had, and has given back, still is in the files.
                let claimer = files.claimer();
                let had_it = known.grant.as_ref().is_some_and(|grant| {
                    let is_for_files = self.attached.claims.get(task.as_str()).is_some_and(|claimed| claimed.token == grant.token.0);
                    claimer == Some(grant.agent.as_str()) && self.store.is_of_store(grant.agent.as_str()) && !is_for_files
                });
                if is_displayed || had_it || self.is_forced(known) {
                    self.show(task, DisplayedState::Open);
                } else {
                    self.take(task, files, known.outside.as_ref());
                }
            }
            (state, "claimed") => self.conflict(&task, files, state.to_string()),
            _ => {}
        }
    }

    /// A task that an agent of the store holds: its lease counts.
    fn held_by_agent(&mut self, task: TaskId, known: &StoreTask, grant: &Grant, files: &Said<'_>) {
        let file_state = files.state();
        if !self.store.holds(grant) {
            // It can be had by anybody, old scripts included.
            match file_state {
                "claimed" if self.attached.displayed.contains(task.as_str()) => self.show(task, DisplayedState::Open),
                "claimed" => self.take(task, files, known.outside.as_ref()),
                "done" => self.finished(task, files),
                "cancelled" => self.plan.actions.push(Action::Cancel(task)),
                _ => {}
            }
            return;
        }
        let is_taken = file_state == "claimed" && files.claimer().is_some_and(|claimer| claimer != grant.agent.as_str());
        if matches!(file_state, "done" | "cancelled") || is_taken {
            self.conflict(&task, files, format!("claimed by {}", grant.agent));
        }
        if files.shows(grant.agent.as_str()) {
            self.plan.displayed.push(task.to_string());
        } else if !matches!(file_state, "done" | "cancelled") {
            self.show(task, DisplayedState::Claimed(grant.agent.clone(), grant.since.0));
        }
    }

    fn conflict(&mut self, task: &TaskId, files: &FileView<'_>, store: String) {
        self.plan.conflicts.push(Conflict::kept_by_store(task.to_string(), &files.shown(), &store));
    }
}

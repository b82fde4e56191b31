//! Bringing files and store together: reads both, does what the comparison asks for, writes the files in place.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration as StdDuration;

use oarlock_model::duration::Duration;
use oarlock_model::event::Fact;
use oarlock_model::{AgentName, Rejection, TaskId, limits};
use oarlock_ops::OpError;
use oarlock_ops::agent::{Heartbeat, Join, Leave};
use oarlock_ops::call::{self, Caller};
use oarlock_ops::request::Mutation;
use oarlock_ops::settings::Settings;
use oarlock_ops::store::{EventFilter, Store, TaskFilter};
use oarlock_ops::task::{Add, Cancel, Claim, Done, Note, Release, TaskFields};
use serde::Serialize;
use serde_json::{Value, json};

use crate::edit::{self, Append, EditError};
use crate::project::{Project, Task};
use crate::reconcile::{self, Action, BRIDGE, Conflict, InFiles, PROGRAM, Plan, Snapshot};
use crate::task_file::{self, Folder};
use crate::time;
use crate::write::{Change, WriteError, Writer};

/// How long a lock of others is waited for.
const PATIENCE: StdDuration = StdDuration::from_secs(5);
/// Tasks that are compared.
const TASKS_MAX: usize = 100_000;
/// Events of the store that one look writes into the files.
const EVENTS_MAX: usize = 1_000;
/// Lists of tasks that a queue file has.
const QUEUES: [&str; 2] = ["queue", "tasks"];

/// What a look did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Synced {
    /// From the files into the store, by what it was.
    pub imported: BTreeMap<&'static str, usize>,
    /// From the store into the files.
    pub exported: BTreeMap<&'static str, usize>,
    /// What contradicts.
    pub conflicts: Vec<Conflict>,
    /// What was left out, and why.
    pub warnings: Vec<String>,
}

impl Synced {
    /// Whether there was nothing to do.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.imported.is_empty() && self.exported.is_empty()
    }
}

/// A project's files beside a store.
pub struct Bridge<'a> {
    root: PathBuf,
    store: &'a mut dyn Store,
    settings: &'a Settings,
    writer: Writer,
}

impl<'a> Bridge<'a> {
    /// Between the project at `root` and `store`.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>, store: &'a mut dyn Store, settings: &'a Settings) -> Self {
        let root = root.into();
        Self { writer: Writer::new(root.clone(), PATIENCE), root, store, settings }
    }

    /// One look: what the files say goes into the store, what the store says into the files. With `dry_run` nothing is changed. `log_from`
    /// is the number of the last event of the store that the files have; the new one is returned.
    ///
    /// # Errors
    /// The files cannot be read, or the store fails. What one file or one task refuses becomes a warning, and the rest goes on.
    pub fn sync(&mut self, log_from: u64, dry_run: bool) -> Result<(Synced, u64), OpError> {
        let snapshot = self.snapshot()?;
        let project = Project::read(&self.root, snapshot.now_ms).map_err(|error| unreadable(&self.root, &error))?;
        let plan = reconcile::plan(&project, &snapshot);
        let mut synced = Synced { conflicts: plan.conflicts.clone(), ..Synced::default() };
        for name in plan.unnamed.iter().take(20) {
            synced.warnings.push(format!("\"{}\" is no name that the store takes", oarlock_model::ident::shown(name)));
        }
        if dry_run {
            plan.actions.iter().for_each(|action| synced.count(action));
            return Ok((synced, log_from));
        }
        self.note_conflicts(&plan, &snapshot)?;
        let tasks = reconcile::by_id(&project);
        let mut added: BTreeSet<String> = snapshot.tasks.keys().cloned().collect();
        for action in in_order(plan.actions) {
            match self.act(&action, &project, &tasks, &mut added) {
                Ok(()) => synced.count(&action),
                Err(Trouble::Warning(warning)) => synced.warnings.push(warning),
                Err(Trouble::Fatal(error)) => return Err(error),
            }
        }
        let seq = self.export_events(log_from, &project, &snapshot, &mut synced)?;
        Ok((synced, seq))
    }

    /// The agents that stood in the store for those of the files leave it. Returns how many.
    ///
    /// # Errors
    /// The store fails.
    pub fn leave(&mut self) -> Result<usize, OpError> {
        let agents = self.store.snapshot()?.agents()?;
        let ours: Vec<AgentName> =
            agents.into_iter().filter(|a| a.is_live() && a.program.as_deref() == Some(PROGRAM)).map(|a| a.name).collect();
        for agent in &ours {
            self.order(agent, &Leave {})?;
        }
        Ok(ours.len())
    }

    /// The number of the store's last event.
    ///
    /// # Errors
    /// The store fails.
    pub fn last_event(&mut self) -> Result<u64, OpError> {
        Ok(self.store.snapshot()?.last_seq()?)
    }

    fn snapshot(&mut self) -> Result<Snapshot, OpError> {
        let view = self.store.snapshot()?;
        let filter = TaskFilter { limit: TASKS_MAX, bytes_max: usize::MAX, ..TaskFilter::default() };
        Ok(Snapshot {
            tasks: view.tasks(&filter)?.into_iter().map(|task| (task.id.to_string(), task)).collect(),
            agents: view.agents()?.into_iter().map(|agent| (agent.name.to_string(), agent)).collect(),
            now_ms: view.now().wall.0,
        })
    }

    fn order<M: Mutation>(&mut self, who: &AgentName, request: &M) -> Result<M::Reply, OpError> {
        call::mutate(self.store, &Caller::named(who.clone()), self.settings, request)
    }

    /// Every conflict is told once, in the history of its task, with both values.
    fn note_conflicts(&mut self, plan: &Plan, snapshot: &Snapshot) -> Result<(), OpError> {
        for conflict in &plan.conflicts {
            let Ok(task) = TaskId::parse(&conflict.task) else { continue };
            if !snapshot.tasks.contains_key(&conflict.task) {
                continue;
            }
            let text = format!("the RALF files say {}, the store says {}: the {} counts", conflict.files, conflict.store, conflict.kept);
            let last = self.store.snapshot()?.last_event_of(task.as_str(), "task_noted")?;
            let is_told = last.is_some_and(|event| matches!(&event.fact, Fact::TaskNoted(note) if note.text == text));
            if !is_told {
                call::mutate(self.store, &Caller::default(), self.settings, &Note { id: task, text })?;
            }
        }
        Ok(())
    }

    fn act(
        &mut self,
        action: &Action,
        project: &Project,
        tasks: &BTreeMap<&str, InFiles<'_>>,
        added: &mut BTreeSet<String>,
    ) -> Result<(), Trouble> {
        match action {
            Action::Join(name) => {
                let join = Join { name: Some(name.clone()), program: Some(PROGRAM.to_owned()), take_over: false, ..Join::default() };
                call::mutate(self.store, &Caller::default(), self.settings, &join)?;
            }
            Action::Beat { agent, status, action } => {
                let short = |text: &Option<String>| text.as_ref().map(|text| text.chars().filter(|c| !c.is_control()).take(200).collect());
                self.order(agent, &Heartbeat { status: short(status), action: short(action) })?;
            }
            Action::Add(task, id) => {
                let body = self.body_of(task, project);
                let needs =
                    task.needs.iter().filter(|need| added.contains(*need) && **need != task.id).filter_map(|need| TaskId::parse(need).ok());
                let add = Add {
                    title: title_of(task),
                    id: Some(id.clone()),
                    fields: TaskFields {
                        body,
                        priority: task.priority.as_deref().and_then(priority),
                        estimate: task.estimate_minutes.map(|minutes| Duration::from_ms(i64::from(minutes) * 60_000)),
                        ..TaskFields::default()
                    },
                    needs: needs.collect(),
                    parent: None,
                };
                call::mutate(self.store, &Caller::default(), self.settings, &add)?;
                added.insert(id.to_string());
            }
            Action::Claim { task, agent } => {
                self.order(agent, &Claim { id: Some(task.clone()), ..Claim::default() })?;
            }
            Action::Release { task, agent } => {
                self.order(agent, &Release { id: task.clone(), token: None })?;
            }
            Action::Finish { task, agent } => {
                let done = Done { id: task.clone(), token: None, result: None, result_file: None, artifact: Vec::new() };
                self.order(agent, &done)?;
            }
            Action::Cancel(task) => {
                call::mutate(self.store, &Caller::default(), self.settings, &Cancel { id: task.clone() })?;
            }
            Action::ShowClaim { task, agent, since_ms } => {
                let at = time::shown(*since_ms);
                let fields = [("status", json!("claimed")), ("claimed_by", json!(agent.as_str())), ("claimed_at", json!(at))];
                self.show(task, tasks, &fields, "in_progress")?;
            }
            Action::ShowOpen(task) => {
                let fields = [("status", json!("pending")), ("claimed_by", Value::Null), ("claimed_at", Value::Null)];
                self.show(task, tasks, &fields, "pending")?;
            }
            Action::ShowDone(task) => {
                let at = time::shown(self.store.snapshot().map_err(OpError::from)?.now().wall.0);
                self.show(task, tasks, &[("status", json!("completed")), ("completed_at", json!(at))], "completed")?;
                if let Some(file) = tasks.get(task.as_str()).and_then(|task| task.file) {
                    self.move_to_completed(file)?;
                }
            }
            Action::ShowAgent { agent, status, action, seen_ms } => {
                let mut fields = vec![("last_seen", json!(time::shown(*seen_ms))), ("status", json!(status))];
                fields.extend(action.as_ref().map(|action| ("current_action", json!(action))));
                let file = self.communications("heartbeat.yaml", project);
                let edit = |text: &str| {
                    let section = if text.lines().any(|line| line.starts_with("agents:")) { "agents" } else { "heartbeats" };
                    Ok(Change::Whole(edit::set_block(text, section, agent.as_str(), &fields)?))
                };
                self.writer.edit(&file, &edit)?;
            }
        }
        Ok(())
    }

    /// Shows a task's state in its queue item and in the status line of its file.
    fn show(&self, task: &TaskId, tasks: &BTreeMap<&str, InFiles<'_>>, fields: &edit::Fields, status: &str) -> Result<(), Trouble> {
        let Some(files) = tasks.get(task.as_str()) else { return Ok(()) };
        if let Some(item) = files.queue {
            let file = self.root.join(&item.source.file);
            self.writer.edit(&file, &|text| Ok(Change::Whole(edit::set_item(text, &QUEUES, &item.id, fields)?)))?;
        }
        if let Some(file) = files.file {
            self.writer.edit(&self.root.join(&file.source.file), &|text| Ok(with_status(text, status)))?;
        }
        Ok(())
    }

    /// Moves a finished task where finished tasks lie, as who finishes one does. What is there already is left alone.
    fn move_to_completed(&self, task: &Task) -> Result<(), Trouble> {
        let file = self.root.join(&task.source.file);
        let is_whole = task.folder.is_some_and(|folder| folder != Folder::Completed);
        let (from, active) = match file.parent() {
            // `active/TASK-x/task.md` moves with its folder, `active/TASK-x.md` alone.
            Some(folder) if file.file_name().is_some_and(|name| name.eq_ignore_ascii_case("task.md")) => {
                (folder.to_owned(), folder.parent())
            }
            parent => (file.clone(), parent),
        };
        let Some(active) =
            active.filter(|active| is_whole && active.file_name().is_some_and(|name| Folder::of(&name.to_string_lossy()).is_some()))
        else {
            // A part of another task stays beside its sisters.
            return Ok(());
        };
        let Some(name) = from.file_name() else { return Ok(()) };
        let completed = active.with_file_name("completed");
        let to = completed.join(name);
        if to.exists() {
            return Err(Trouble::Warning(format!("{} is there already, so {} stays where it is", to.display(), from.display())));
        }
        let io = |error: std::io::Error| Trouble::Warning(format!("{} cannot be moved: {error}", from.display()));
        fs::create_dir_all(&completed).map_err(io)?;
        fs::rename(&from, &to).map_err(io)
    }

    fn body_of(&self, task: &Task, project: &Project) -> Option<String> {
        let is_file = project.tasks.iter().any(|known| known.source == task.source);
        let text = fs::read_to_string(self.root.join(&task.source.file)).ok().filter(|_| is_file)?;
        (text.len() <= limits::BODY_BYTES_MAX).then_some(text)
    }

    /// Where a communication file is, or belongs.
    fn communications(&self, name: &str, project: &Project) -> PathBuf {
        let known = project.files.iter().find(|file| file.file_name().is_some_and(|found| found == name));
        known.cloned().unwrap_or_else(|| {
            let new = self.root.join(".autonomous/agents/communications");
            let folder = if new.is_dir() { new } else { self.root.join(".autonomous/communications") };
            folder.join(name)
        })
    }

    /// Writes what agents of the store did since event `from` into the events file.
    fn export_events(&mut self, from: u64, project: &Project, snapshot: &Snapshot, synced: &mut Synced) -> Result<u64, OpError> {
        let kinds = EVENTS.iter().map(|(kind, _)| (*kind).to_owned()).collect();
        let filter = EventFilter { after_seq: from, kinds, limit: EVENTS_MAX, bytes_max: usize::MAX, ..EventFilter::default() };
        let view = self.store.snapshot()?;
        let (events, last) = (view.events(&filter)?, view.last_seq()?);
        drop(view);
        let file = self.communications("events.yaml", project);
        let is_full = events.len() == EVENTS_MAX;
        let mut seq = from;
        for event in events {
            let is_theirs = event.agent.as_ref().is_none_or(|agent| {
                agent.as_str() == BRIDGE
                    || snapshot.agents.get(agent.as_str()).is_some_and(|agent| agent.program.as_deref() == Some(PROGRAM))
            });
            let kind = EVENTS.iter().find(|(kind, _)| *kind == event.fact.kind()).map(|(_, name)| *name);
            if let (false, Some(kind)) = (is_theirs, kind) {
                let agent = event.agent.as_ref().map(ToString::to_string).unwrap_or_default();
                let fields = [
                    ("timestamp", json!(time::shown(event.at.0))),
                    ("task_id", json!(event.fact.subject())),
                    ("type", json!(kind)),
                    ("agent", json!(agent)),
                    ("source", json!("oarlock")),
                ];
                match self.writer.edit(&file, &|text| appended(text, &fields)) {
                    Ok(_) => *synced.exported.entry("events").or_insert(0) += 1,
                    Err(error) => {
                        // It is tried again at the next look.
                        synced.warnings.push(error.to_string());
                        return Ok(seq);
                    }
                }
            }
            seq = event.seq;
        }
        Ok(if is_full { seq } else { last.max(seq) })
    }
}

/// Kinds of events that old agents know, and what they call them.
const EVENTS: [(&str, &str); 4] =
    [("task_claimed", "started"), ("task_done", "completed"), ("task_failed", "failed"), ("task_released", "unclaimed")];

fn appended(text: &str, fields: &edit::Fields) -> Result<Change, EditError> {
    Ok(match edit::append_event(text, fields)? {
        Append::AtEnd(more) => Change::Append(more),
        Append::Whole(text) => Change::Whole(text),
    })
}

/// What went wrong with one action.
enum Trouble {
    /// This one only.
    Warning(String),
    /// Everything.
    Fatal(OpError),
}

impl From<OpError> for Trouble {
    fn from(error: OpError) -> Self {
        match error {
            OpError::Rejected(rejection) => Self::Warning(rejection.to_string()),
            other => Self::Fatal(other),
        }
    }
}

impl From<WriteError> for Trouble {
    fn from(error: WriteError) -> Self {
        Self::Warning(error.to_string())
    }
}

impl Synced {
    fn count(&mut self, action: &Action) {
        let (side, name) = match action {
            Action::Join(_) => (&mut self.imported, "agents"),
            Action::Beat { .. } => (&mut self.imported, "heartbeats"),
            Action::Add(..) => (&mut self.imported, "tasks"),
            Action::Claim { .. } => (&mut self.imported, "claims"),
            Action::Release { .. } => (&mut self.imported, "releases"),
            Action::Finish { .. } => (&mut self.imported, "completions"),
            Action::Cancel(_) => (&mut self.imported, "cancellations"),
            Action::ShowClaim { .. } => (&mut self.exported, "claims"),
            Action::ShowDone(_) => (&mut self.exported, "completions"),
            Action::ShowOpen(_) => (&mut self.exported, "releases"),
            Action::ShowAgent { .. } => (&mut self.exported, "heartbeats"),
        };
        *side.entry(name).or_insert(0) += 1;
    }
}

/// Tasks after those that they need; everything else as it was planned.
fn in_order(actions: Vec<Action>) -> Vec<Action> {
    let (mut adds, rest): (Vec<Action>, Vec<Action>) = actions.into_iter().partition(|action| matches!(action, Action::Add(..)));
    let ids: BTreeSet<String> =
        adds.iter().filter_map(|action| if let Action::Add(_, id) = action { Some(id.to_string()) } else { None }).collect();
    let mut placed = BTreeSet::new();
    let mut ordered = Vec::with_capacity(adds.len());
    while !adds.is_empty() {
        let before = adds.len();
        adds.retain(|action| {
            let Action::Add(task, id) = action else { return true };
            let waits = task.needs.iter().any(|need| *need != task.id && ids.contains(need) && !placed.contains(need));
            if !waits {
                placed.insert(id.to_string());
                ordered.push(action.clone());
            }
            waits
        });
        if adds.len() == before {
            // They need each other: such needs are left out.
            ordered.append(&mut adds);
        }
    }
    // Agents join before tasks are claimed in their names.
    let (joins, others): (Vec<Action>, Vec<Action>) =
        rest.into_iter().partition(|action| matches!(action, Action::Join(_) | Action::Beat { .. }));
    joins.into_iter().chain(ordered).chain(others).collect()
}

/// The text with another status; untouched when it has no status line.
fn with_status(text: &str, status: &str) -> Change {
    let Some(line) = task_file::read(text).status_line else { return Change::Nothing };
    let mut at = 0;
    for (n, whole) in text.split_inclusive('\n').enumerate() {
        if n + 1 == line {
            let body = whole.trim_end_matches(['\n', '\r']);
            let Some(value) = status_value(body) else { return Change::Nothing };
            if value.eq_ignore_ascii_case(status) {
                return Change::Nothing;
            }
            let start = at + (value.as_ptr() as usize - body.as_ptr() as usize);
            return Change::Whole(format!("{}{status}{}", &text[..start], &text[start + value.len()..]));
        }
        at += whole.len();
    }
    Change::Nothing
}

/// The value of a status line, in bold type or in front matter.
fn status_value(line: &str) -> Option<&str> {
    match task_file::bold_field(line) {
        Some((_, value)) => Some(value),
        None => line.split_once(':').map(|(_, value)| value.trim()),
    }
}

fn title_of(task: &Task) -> String {
    let title: String =
        task.title.as_deref().unwrap_or(&task.id).chars().filter(|c| !c.is_control()).take(limits::TITLE_CHARS_MAX).collect();
    if title.trim().is_empty() { task.id.clone() } else { title }
}

/// A priority from 0, most urgent, to 4.
fn priority(text: &str) -> Option<u8> {
    let lower = text.to_lowercase();
    let word: String = lower.chars().take_while(|c| c.is_alphanumeric() || *c == '-').collect();
    match word.as_str() {
        "critical" | "p0" | "urgent" => Some(0),
        "high" | "p1" | "medium-high" => Some(1),
        "medium" | "p2" | "normal" => Some(2),
        "low" | "p3" | "medium-low" => Some(3),
        "p4" | "lowest" => Some(4),
        _ => None,
    }
}

fn unreadable(root: &Path, error: &std::io::Error) -> OpError {
    Rejection::Missing { message: format!("{} cannot be read: {error}", root.display()), hint: "name the project's root".into() }.into()
}

//! Bringing files and store together: reads both, does what the comparison asks for, writes the files in place.

mod away;
mod chat;
mod claims;
mod count;
mod log;
mod order;
mod put_off;
mod rounds;
pub(crate) mod show;
pub(crate) mod states;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration as StdDuration;

use oarlock_model::duration::Duration;
use oarlock_model::task::{Task as StoreTask, TaskState};
use oarlock_model::text::kept_line;
use oarlock_model::{AgentName, Label, Rejection, TaskId, limits, seeded};
use oarlock_ops::OpError;
use oarlock_ops::agent::{Agents, Heartbeat, Join, Leave, Sighting};
use oarlock_ops::call;
use oarlock_ops::caller::Caller;
use oarlock_ops::log::Record;
use oarlock_ops::request::Mutation;
use oarlock_ops::settings::Settings;
use oarlock_ops::store::{Store, TaskFilter};
use oarlock_ops::task::{Add, Cancel, FinishOutside, LeaveOutside, Release, TakeOutside, TaskFields, Update};
use serde::Serialize;
use serde_json::json;

use crate::actions::{Action, Conflict};
use crate::alive;
use crate::beside::Beside;
use crate::detach::Left;
use crate::displayed_state::DisplayedState;
use crate::edit;
use crate::external;
use crate::file_view::{self, FileView};
use crate::held::{self, Held};
use crate::layout;
use crate::moved;
use crate::project::{Project, shown_path};
use crate::reconcile::{self, Compared, PROGRAM, SOURCE, Snapshot};
use crate::sync_state::SyncState;
use crate::time;
use crate::types::{Agent, Task, own_digest};
use crate::write::{Change, WriteError, Writer};

/// How long a lock of others is waited for.
const PATIENCE: StdDuration = StdDuration::from_secs(5);
/// Warnings about files and names that one look gives.
const WARNINGS_MAX: usize = 20;
/// Tasks that are compared.
const TASKS_MAX: usize = 100_000;
/// Characters of what a heartbeat says.
const SAYS_CHARS_MAX: usize = 200;

/// The work of a pass, done or planned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Synced {
    /// From the files into the store, by what it was.
    pub imported: BTreeMap<&'static str, usize>,
    /// From the store into the files.
    pub exported: BTreeMap<&'static str, usize>,
    /// The contradictions.
    pub conflicts: Vec<Conflict>,
    /// The skipped items, and why.
    pub warnings: Vec<String>,
    /// The changes of the store that the files lack, because they could not be written.
    #[serde(skip)]
    pub left: Vec<Left>,
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
    beside: Option<Beside>,
    /// Files that another commit has.
    away: BTreeSet<PathBuf>,
}

impl<'a> Bridge<'a> {
    /// Between the project at `root` and `store`.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>, store: &'a mut dyn Store, settings: &'a Settings) -> Self {
        let root = root.into();
        Self { writer: Writer::new(root.clone(), PATIENCE), root, store, settings, beside: None, away: BTreeSet::new() }
    }

    /// The project is attached to the store in `dir`, whose calls write their claims through to the files: a look has the files to itself.
    /// The store must be one [`Beneath`](oarlock_ops::outside::Beneath) them.
    #[must_use]
    pub fn beside(self, dir: &Path) -> Self {
        Self { beside: Some(Beside::new(dir, PATIENCE)), ..self }
    }

    fn compare(&mut self, attached: &mut SyncState, dry_run: bool) -> Result<(Synced, bool), OpError> {
        // Any question settles deaths first.
        call::query(self.store, &Caller::default(), self.settings, &Agents::default())?;
        attached.meet(self.store.snapshot()?.identity());
        let mut snapshot = self.snapshot()?;
        let mut project = Project::read(&self.root, snapshot.now_ms).map_err(|error| unreadable(&self.root, &error))?;
        let moved = moved::settle(&mut project, &mut snapshot, attached);
        let goes_on = moved.goes_on;
        let heartbeats = shown_path(&self.communications("heartbeat.yaml", &project), &self.root);
        let (tasks, now_ms) = (project.by_id(), snapshot.now_ms);
        let signs = alive::signs(&project.agents, attached, now_ms);
        // Anyone who has left gives no sign of life by a heartbeat that others wrote.
        let alive: Vec<&Agent> = signs.iter().filter(|sign| !sign.beat.has_left).map(|sign| sign.agent).collect();
        let held = held::by_id(&self.root, &tasks, &alive, now_ms);
        let compared = Compared { project: &project, tasks: &tasks, signs: &signs, held: &held, heartbeats: &heartbeats };
        let mut plan = reconcile::plan(&compared, &snapshot, attached);
        plan.begin_with(&moved);
        let mut synced = Synced { conflicts: plan.conflicts.clone(), ..Synced::default() };
        self.find_away(&project, attached, moved.head.as_deref(), &mut synced);
        // What no agent reads is for `ralf doctor` to report.
        let faults = project
            .faults
            .iter()
            .filter(|fault| !fault.unread)
            .map(|fault| format!("{}, line {}: {}", fault.file, fault.line, fault.cause));
        synced.warnings.extend(plan.warnings.iter().cloned().chain(faults).take(WARNINGS_MAX));
        if dry_run {
            plan.actions.iter().for_each(|action| synced.count(action));
            self.sync_states(&project, &snapshot, attached, &mut synced, true)?;
            self.count_logs(&project, &snapshot, attached, &mut synced)?;
            return Ok((synced, goes_on));
        }
        self.note_conflicts(&plan.conflicts)?;
        attached.displayed.extend(plan.displayed.iter().cloned());
        let mut look = Look { tasks, added: snapshot.tasks.keys().cloned().collect(), project: &project, now_ms, attached };
        for action in order::in_order(plan.actions, &look.tasks) {
            match self.act(&action, &mut look) {
                Ok(true) => synced.count(&action),
                // The goal was reached already.
                Ok(false) => {}
                Err(Trouble::Warning(warning)) => synced.warnings.push(warning),
                Err(Trouble::Unwritten(error)) => synced.fail(&error, &self.root),
                Err(Trouble::Fatal(error)) => return Err(error),
            }
        }
        let attached = look.attached;
        self.sync_states(&project, &snapshot, attached, &mut synced, false)?;
        self.import_events(&project, attached, &mut synced)?;
        let sent = self.import_messages(&project, attached, &mut synced)?;
        // Agents may have joined for imported entries.
        let snapshot = self.snapshot()?;
        self.export_events(&project, &snapshot, attached, &mut synced)?;
        self.export_messages(&project, &snapshot, &sent, attached, &mut synced)?;
        (attached.heard, attached.taken) = (plan.heard, plan.taken);
        for task in project.tasks.iter().rev() {
            // What changes while somebody has it is taken over when it is open again.
            let is_open = |known: &StoreTask| matches!(known.state, TaskState::Ready | TaskState::Blocked | TaskState::Scheduled);
            if snapshot.tasks.get(&task.id).is_none_or(is_open) || !attached.tasks.contains_key(&task.id) {
                attached.tasks.insert(task.id.clone(), task.digest.clone());
            }
        }
        attached.remember(moved, |id| snapshot.tasks.get(id).map(|task| task.state));
        self.remember_there(&project, attached);
        attached.looked_ms = snapshot.now_ms;
        attached.is_new = false;
        Ok((synced, goes_on))
    }

    /// Only the heartbeats of these agents of the files go into the store: whom the files show as there is there.
    ///
    /// # Errors
    /// The store fails. What one agent refuses is passed over.
    pub fn take_heartbeats(&mut self, agents: &[Agent], attached: &SyncState) -> Result<(), OpError> {
        let view = self.store.snapshot()?;
        let known = view.agents()?.into_iter().map(|agent| (agent.name.to_string(), agent)).collect();
        let (now, now_ms, abandoned_after_ms) = (view.now(), view.now().wall.0, self.settings.abandoned_after.as_ms());
        let snapshot = Snapshot { agents: known, tasks: BTreeMap::new(), parts: BTreeMap::new(), now, now_ms, abandoned_after_ms };
        drop(view);
        let (project, mut attached) = (Project::default(), attached.clone());
        let actions = reconcile::heartbeats(agents, &snapshot, &attached);
        let mut look = Look { tasks: BTreeMap::new(), added: BTreeSet::new(), project: &project, now_ms, attached: &mut attached };
        for action in actions {
            match self.act(&action, &mut look) {
                Ok(_) | Err(Trouble::Warning(_) | Trouble::Unwritten(_)) => {}
                Err(Trouble::Fatal(error)) => return Err(error),
            }
        }
        Ok(())
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

    /// The remembered state of the project that is about to be attached to the store in `dir`.
    ///
    /// # Errors
    /// The store fails.
    pub fn attached(&mut self, dir: &Path) -> Result<SyncState, OpError> {
        let view = self.store.snapshot()?;
        Ok(SyncState::new(&self.root, view.last_seq()?).again(dir, view.identity().id()))
    }

    fn snapshot(&mut self) -> Result<Snapshot, OpError> {
        let view = self.store.snapshot()?;
        let filter = TaskFilter { limit: TASKS_MAX, bytes_max: usize::MAX, ..TaskFilter::default() };
        let tasks: BTreeMap<String, StoreTask> = view.tasks(&filter)?.into_iter().map(|task| (task.id.to_string(), task)).collect();
        let mut parts: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (id, task) in &tasks {
            if let Some(parent) = &task.spec.parent {
                parts.entry(parent.to_string()).or_default().push(id.clone());
            }
        }
        Ok(Snapshot {
            tasks,
            parts,
            now: view.now(),
            agents: view.agents()?.into_iter().map(|agent| (agent.name.to_string(), agent)).collect(),
            now_ms: view.now().wall.0,
            abandoned_after_ms: self.settings.abandoned_after.as_ms(),
        })
    }

    fn order<M: Mutation>(&mut self, who: &AgentName, request: &M) -> Result<M::Reply, OpError> {
        call::mutate(self.store, &Caller::named(who.clone()), self.settings, request)
    }

    /// A request that nobody in particular makes.
    fn tell<M: Mutation>(&mut self, request: &M) -> Result<M::Reply, OpError> {
        call::mutate(self.store, &Caller::default(), self.settings, request)
    }

    /// An agent of the files joins the store.
    fn join(&mut self, name: &AgentName, timeout_ms: Option<i64>) -> Result<(), OpError> {
        let stale_after = timeout_ms.map(Duration::from_ms);
        let join = Join { name: Some(name.clone()), program: Some(PROGRAM.to_owned()), stale_after, ..Join::default() };
        self.tell(&join).map(drop)
    }

    /// Conflicts are reported in the history of their tasks, with both values.
    fn note_conflicts(&mut self, conflicts: &[Conflict]) -> Result<(), OpError> {
        for page in conflicts.chunks(limits::LIST_ITEMS_MAX) {
            let conflicts = page.iter().map(external::conflict).collect::<Result<_, _>>()?;
            let record = Record { conflicts, ..Record::default() };
            self.tell(&record)?;
        }
        Ok(())
    }

    /// Does one thing. Returns whether it changed anything.
    fn act(&mut self, action: &Action, look: &mut Look<'_>) -> Result<bool, Trouble> {
        match action {
            Action::Seen { agent, is_new, seen_ms, timeout_ms, status, action } => {
                if *is_new {
                    self.join(agent, Some(*timeout_ms))?;
                    look.attached.shown.remove(agent.as_str());
                }
                let short = |text: &Option<String>| text.as_ref().map(|text| kept_line(text, SAYS_CHARS_MAX));
                let seen_ms_ago = look.now_ms - seen_ms;
                let says = Heartbeat { status: short(status), action: short(action) };
                self.tell(&Sighting { name: agent.clone(), seen_ms_ago, is_first: *is_new, says })?;
            }
            Action::Leave(name) => {
                self.order(name, &Leave {})?;
            }
            Action::Add(task, id) => {
                let needs = task.needs.iter().filter_map(|need| file_view::resolve(need, &look.tasks));
                let needs = needs.filter(|need| look.added.contains(*need) && *need != task.id).filter_map(|need| TaskId::parse(need).ok());
                let add =
                    Add { title: title_of(task), id: Some(id.clone()), fields: self.fields_of(task), needs: needs.collect(), parent: None };
                self.tell(&add)?;
                look.added.insert(id.to_string());
            }
            Action::Update(task, id) => {
                let (title, fields) = (Some(title_of(task)), self.fields_of(task));
                let update = Update { id: id.clone(), title, fields, needs: None, clear: Vec::new() };
                self.tell(&update)?;
            }
            Action::Take { task, held, is_new } => {
                let Held { holder, since_ms, seen_ms } = held;
                let ago = |ms: &Option<i64>| ms.map_or(0, |ms| look.now_ms - ms);
                // Where nothing says since when, it is known since now.
                let (since_ms_ago, seen_ms_ago) = (ago(since_ms), ago(seen_ms));
                if let Some(name) = holder.as_deref().and_then(|name| AgentName::parse(name).ok())
                    && seeded::is(seeded::HOLDERS_JOIN)
                {
                    self.join(&name, None)?;
                }
                self.tell(&TakeOutside { id: task.clone(), holder: holder.clone(), since_ms_ago, seen_ms_ago, source: source() })?;
                return Ok(*is_new);
            }
            Action::Free { task, abandoned, seen_ms } => {
                let seen_ms_ago = seen_ms.map(|seen_ms| look.now_ms - seen_ms);
                self.tell(&LeaveOutside { id: task.clone(), abandoned: *abandoned, seen_ms_ago })?;
            }
            Action::Release { task, agent } => {
                self.order(agent, &Release { id: task.clone(), token: None, result: None, force: false })?;
            }
            Action::Finish { task, holder } => {
                self.tell(&FinishOutside { id: task.clone(), holder: holder.clone(), source: source() })?;
                if look.tasks.get(task.as_str()).is_none_or(|files| files.state() == "done") {
                    look.attached.finished.insert(task.to_string());
                }
            }
            Action::HoldBack(task, gone) => return self.hold_back(task, gone, look.attached),
            Action::BringBack(task) => return self.bring_back(task, look.attached),
            Action::Cancel(task) => {
                self.tell(&Cancel { id: task.clone(), drop: false })?;
            }
            Action::Show(task, displayed_state) => {
                if *displayed_state == DisplayedState::Cancelled && self.was_held_back(task, look.attached)? {
                    return Ok(false);
                }
                let is_changed = self.show(task, &look.tasks, displayed_state, look.now_ms)?;
                look.attached.note_shown(task, displayed_state);
                return Ok(is_changed);
            }
            Action::MakePart(part, parent) => return self.make_part(part, parent, look.attached),
            Action::ShowAgent { agent, status, action, seen_ms } => {
                let Some(file) = self.to_write("heartbeat.yaml", look.project) else { return Ok(false) };
                let path = shown_path(&file, &self.root);
                let known = look.project.agents.iter().find(|shown| shown.name == agent.as_str() && shown.source.file == path);
                let mut fields = vec![("last_seen", json!(time::shown(*seen_ms))), ("status", json!(status))];
                if action.is_some() || known.is_some_and(|known| known.fields.contains_key("current_action")) {
                    fields.push(("current_action", json!(action)));
                }
                let edit = |text: &str| {
                    let has = |section: &str| text.lines().any(|line| line.strip_prefix(section).is_some_and(|rest| rest.starts_with(':')));
                    let section = if !has("heartbeats") && has("agents") { "agents" } else { "heartbeats" };
                    Ok(Change::Whole(edit::set_block(text, section, agent.as_str(), &fields)?))
                };
                self.writer.edit(&file, &edit)?;
                let mut block = known.map(|known| known.fields.clone()).unwrap_or_default();
                block.extend(fields.into_iter().map(|(name, value)| (name.to_owned(), value)));
                look.attached.shown.insert(agent.to_string(), own_digest(&block));
            }
        }
        Ok(true)
    }

    /// The specification of a task in the files.
    fn fields_of(&self, task: &Task) -> TaskFields {
        TaskFields {
            body: self.body_of(task),
            priority: task.priority.as_deref().and_then(priority),
            estimate: task.estimate_minutes.map(|minutes| Duration::from_ms(i64::from(minutes) * 60_000)),
            ..TaskFields::default()
        }
    }

    /// The text of a task that has a file of its own.
    fn body_of(&self, task: &Task) -> Option<String> {
        let text = fs::read_to_string(self.root.join(&task.source.file)).ok().filter(|_| !task.digest.is_empty())?;
        (text.len() <= limits::BODY_BYTES_MAX).then_some(text)
    }

    /// Where a communication file is, or belongs: in the newest folder that the project has.
    fn communications(&self, name: &str, project: &Project) -> PathBuf {
        let known = || project.files.iter().find(|file| file.file_name().is_some_and(|found| found == name)).cloned();
        let newest = layout::communications(&self.root).map(|folder| folder.join(name));
        newest.or_else(known).unwrap_or_else(|| layout::new_communications(&self.root).join(name))
    }
}

/// The shared state of the actions of one pass.
struct Look<'a> {
    project: &'a Project,
    tasks: BTreeMap<&'a str, FileView<'a>>,
    /// Tasks that the store has.
    added: BTreeSet<String>,
    now_ms: i64,
    attached: &'a mut SyncState,
}

/// The fault of one action.
enum Trouble {
    /// This one only.
    Warning(String),
    /// The same, and the files lack something that the store has.
    Unwritten(WriteError),
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
        Self::Unwritten(error)
    }
}

fn source() -> Label {
    Label::parse(SOURCE).expect("a word")
}

fn title_of(task: &Task) -> String {
    let title = kept_line(task.title.as_deref().unwrap_or(&task.id), limits::TITLE_CHARS_MAX);
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

//! A project as its files show it: agents, tasks, queue, events, messages, and the faults of the files.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use oarlock_host::file::WithoutTraps as _;
use oarlock_model::TaskId;
use serde_json::{Map, Value};

use crate::alive;
use crate::digest::digest;
use crate::fault::Fault;
use crate::file_view::{self, FileView};
use crate::held;
use crate::in_place;
use crate::layout::{self, FILE_BYTES_MAX, Layout, Role};
use crate::salvage::{self, Item, Read};
use crate::sync_state::SyncState;
use crate::task_file::{self, Folder};
use crate::time::{self, CLOCK_SLACK_MS};
use crate::types::{Agent, AgentState, Clock, Event, Message, Source, Task};
use crate::values::{self, text, unmarked};

/// Seconds without a heartbeat after which an agent counts as gone, when the file does not say.
const TIMEOUT_S_DEFAULT: i64 = 120;

/// A project.
#[derive(Clone, Debug, Default)]
pub struct Project {
    /// Its root.
    pub root: PathBuf,
    /// Which form its files have: `3` today's, `2`, `1` templates, `engine`, `swarm`, or `files` for single ones.
    pub generation: &'static str,
    /// Agents as found, doubles included.
    pub agents: Vec<Agent>,
    /// Task files.
    pub tasks: Vec<Task>,
    /// Items of queues.
    pub queue: Vec<Task>,
    /// Events in the order of the files.
    pub events: Vec<Event>,
    /// Messages of chat logs in the order of the files.
    pub messages: Vec<Message>,
    /// The agents' own reports in `agent-state.yaml`.
    pub states: Vec<AgentState>,
    /// The problem.
    pub faults: Vec<Fault>,
    /// The YAML files that were read, those of the newest layout first.
    pub(crate) files: Vec<PathBuf>,
}

impl Project {
    /// Reads the project at `path`: its root, a folder of its files, or one of them. A damaged file is no error, it is in `faults`.
    ///
    /// `now_ms` is the wall clock in milliseconds since 1970, against which agents are judged.
    ///
    /// # Errors
    /// The path is not there or cannot be read.
    pub fn read(path: &Path, now_ms: i64) -> io::Result<Self> {
        let (layout, mut forms) = (layout::find(path)?, Forms::default());
        let mut project = Self::taken(&layout, Some(path), now_ms, &mut forms);
        project.generation = forms.generation(&layout);
        Ok(project)
    }

    /// Reads what a layout has, whatever generation it is of.
    pub(crate) fn of(layout: &Layout, now_ms: i64) -> Self {
        Self::taken(layout, None, now_ms, &mut Forms::default())
    }

    /// `asked` is the path that was asked for.
    fn taken(layout: &Layout, asked: Option<&Path>, now_ms: i64, forms: &mut Forms) -> Self {
        let mut project = Self { root: layout.root.clone(), files: layout.yaml.clone(), ..Self::default() };
        for file in &layout.yaml {
            let known = project.faults.len();
            project.take_yaml(file, None, layout, now_ms, forms);
            // The request was for a single file.
            let is_unread = Some(file.as_path()) != asked && !layout.is_of_agents(file);
            project.faults[known..].iter_mut().for_each(|fault| fault.unread = is_unread);
        }
        for (file, folder) in &layout.tasks {
            project.take_task(file, *folder, layout);
        }
        for link in &layout.refused {
            project.fault_of(
                shown_path(link, &layout.root),
                "it is a link that is not followed: it leads out of the project, or to other tasks",
            );
        }
        for folder in &layout.unreadable {
            project.fault_of(shown_path(folder, &layout.root), "the folder cannot be read");
        }
        if layout.is_cut {
            project.fault_of(String::new(), "there are more task files than are read");
        }
        project.judge_agents(&SyncState::default(), now_ms);
        project
    }

    /// Reads one file as what it is said to be, whatever its name.
    pub(crate) fn read_as(file: &Path, role: Role, now_ms: i64) -> io::Result<Self> {
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file"));
        }
        let layout = Layout { root: file.parent().unwrap_or(Path::new("")).to_owned(), ..Layout::default() };
        let mut project = Self { root: layout.root.clone(), files: vec![file.to_owned()], ..Self::default() };
        project.take_yaml(file, Some(role), &layout, now_ms, &mut Forms::default());
        Ok(project)
    }

    /// Judges who is there with the remembered heartbeats.
    pub fn judge_agents(&mut self, attached: &SyncState, now_ms: i64) {
        alive::judge(&mut self.agents, attached, now_ms, None);
    }

    /// Whether something is wrong with a file, so that what it does not say may have been lost.
    pub(crate) fn is_faulty(&self, file: &str) -> bool {
        self.faults.iter().any(|fault| fault.file == file)
    }

    /// Whether nothing of RALF's was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.tasks.is_empty() && self.faults.is_empty()
    }

    /// Its tasks by id, a file and its item in a queue as one.
    pub(crate) fn by_id(&self) -> BTreeMap<&str, FileView<'_>> {
        file_view::by_id(&self.tasks, &self.queue)
    }

    /// How many tasks there are in each state, a file and its item in a queue as one.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        self.by_id().values().for_each(|files| *counts.entry(if files.is_put_off() { "blocked" } else { files.state() }).or_insert(0) += 1);
        counts
    }

    /// The tasks that attaching would bring into an empty store, and how many of them somebody has already.
    #[must_use]
    pub fn would_bring(&self) -> BTreeMap<&'static str, usize> {
        let tasks = self.by_id();
        let is_open = |(id, files): &(&&str, &FileView<'_>)| TaskId::parse(id).is_ok() && files.is_open();
        let open: Vec<_> = tasks.iter().filter(is_open).collect();
        let claimed = open.iter().filter(|(_, files)| files.state() == "claimed").count();
        BTreeMap::from([("tasks", open.len()), ("claims", claimed)])
    }

    fn fault_of(&mut self, file: String, cause: &str) {
        self.faults.push(Fault { file, line: 0, column: 0, cause: cause.to_owned(), recovered: 0, lost: 0, unread: false });
    }

    fn take_yaml(&mut self, file: &Path, role: Option<Role>, layout: &Layout, now_ms: i64, forms: &mut Forms) {
        let shown = shown_path(file, &layout.root);
        // States are written in place: a reader waits for who is writing, and sees what a broken write will be.
        let is_states = role == Some(Role::States) || file.file_name().is_some_and(|name| name == "agent-state.yaml");
        let guard = is_states.then(|| in_place::shared(file));
        let (text, changed_ms) = match text_of(file) {
            Ok((text, changed_ms)) if is_states => (in_place::pending(file, &text).unwrap_or(text), changed_ms),
            Ok(read) => read,
            Err(cause) => return self.fault_of(shown, &cause),
        };
        drop(guard);
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let role = role.unwrap_or_else(|| Role::of(name, &text));
        forms.see(role, &text);
        let read = match role {
            Role::Heartbeats => Arc::new(salvage::blocks(&text, &["heartbeats", "agents"])),
            Role::Events => Arc::new(salvage::list(&text, &["events"])),
            Role::Queue => salvage::queue(&text),
            Role::Chat => Arc::new(salvage::list(&text, &["messages"])),
            Role::States => Arc::new(salvage::blocks(&text, &["agents"])),
            Role::Other => Arc::new(salvage::blocks(&text, &[])),
        };
        for damage in &read.damages {
            self.faults.push(Fault {
                file: shown.clone(),
                line: damage.line,
                column: damage.column,
                cause: damage.cause.clone(),
                recovered: damage.recovered,
                lost: damage.lost,
                unread: false,
            });
        }
        let source = |item: &Item| Source { file: shown.clone(), line: item.line };
        match role {
            Role::Heartbeats => {
                let clock = FileClock { changed_ms, now_ms, timeout_ms: timeout_ms(&read) };
                let agents =
                    read.items.iter().filter(|item| alive::is_agent(item.name.as_deref().unwrap_or_default(), item.fields.get("status")));
                self.agents.extend(agents.map(|item| agent(item, &clock, source(item))));
            }
            Role::Events => self.events.extend(read.items.iter().map(|item| event(item, source(item)))),
            Role::Queue if name == "spawn-queue.yaml" => {}
            Role::Queue => {
                // Who only asks who has what has no moment.
                let latest_ms = if now_ms == 0 { changed_ms } else { changed_ms.min(now_ms) };
                let slot = slot(&read, &shown, latest_ms);
                let ids: Vec<Option<String>> = read.items.iter().map(|item| values::id(&item.fields)).collect();
                let wanted = layout.wanted.as_ref().filter(|wanted| slot.is_empty() && wanted.is_by_whole_id(ids.iter().flatten()));
                let is_wanted = |id: &Option<String>| wanted.is_none_or(|wanted| id.as_deref().is_some_and(|id| wanted.has(id)));
                let items = read.items.iter().zip(&ids).filter(|(_, id)| is_wanted(id)).map(|(item, _)| item);
                self.queue.extend(items.filter_map(|item| queued(item, source(item), latest_ms)));
                // A piece whose id is lost is no item.
                let nameless = ids.iter().filter(|id| id.is_none()).count();
                if let Some(fault) = self.faults.iter_mut().rev().find(|fault| fault.file == shown).filter(|_| nameless > 0) {
                    fault.lost += nameless;
                    fault.recovered = fault.recovered.saturating_sub(nameless);
                }
                self.queue.extend(slot);
            }
            Role::Chat => self.messages.extend(read.items.iter().map(|item| Message { fields: item.fields.clone(), source: source(item) })),
            Role::States => self.states.extend(
                read.items
                    .iter()
                    .filter_map(|item| Some(AgentState { agent: item.name.clone()?, fields: item.fields.clone(), source: source(item) })),
            ),
            Role::Other => {}
        }
    }

    fn take_task(&mut self, file: &Path, folder: Option<Folder>, layout: &Layout) {
        let shown = shown_path(file, &layout.root);
        let text = match text_of(file) {
            Ok((text, _)) => text,
            Err(cause) => return self.fault_of(shown, &cause),
        };
        let read = task_file::read(&text);
        let is_part = file.components().any(|part| part.as_os_str() == "subtasks");
        // A part stays beside its sisters when it is done, so its folder does not say.
        let is_done = is_part && task_file::state(None, read.status.as_deref()) == "done";
        let state = if is_done { "done" } else { task_file::state(folder, read.status.as_deref()) };
        let above = file.ancestors().skip(2).filter(|_| is_part);
        let parent_folder = above.filter_map(|p| p.file_name()?.to_str()).find(|name| *name != "subtasks").map(str::to_owned);
        self.tasks.push(Task {
            id: layout::id_of(file),
            title: read.title,
            state,
            status: read.status,
            priority: read.priority,
            kind: read.kind,
            parent: parent_folder.or_else(|| read.parent.and_then(|parent| task_file::ids(&parent).into_iter().next())),
            needs: read.needs,
            estimate_minutes: read.estimate.as_deref().and_then(task_file::minutes),
            claimed_by: None,
            folder,
            source: Source { file: shown, line: 1 },
            digest: digest(&task_file::without_status(&text)),
            taken_ms: None,
            moved_ms: None,
        });
    }
}

/// The forms of files that were seen.
#[derive(Debug, Default)]
struct Forms {
    slot: bool,
    swarm: bool,
    heartbeat: bool,
    seen: bool,
}

impl Forms {
    fn see(&mut self, role: Role, text: &str) {
        let has = |key: &str| text.match_indices(key).any(|(at, _)| at == 0 || text.as_bytes()[at - 1] == b'\n');
        self.slot |= role == Role::Queue && has("next_task:");
        self.swarm |= has("swarm_heartbeat:") || has("swarm_metrics:");
        if role == Role::Heartbeats {
            self.heartbeat = true;
            self.seen |= text.lines().any(|line| line.trim_start().strip_prefix("last_seen:").is_some_and(|value| value.trim() != "null"));
        }
    }

    fn generation(&self, layout: &Layout) -> &'static str {
        let has = |folder: &str| layout.root.join(folder).is_dir();
        match () {
            () if self.slot => "engine",
            () if has(".autonomous/agents/communications") || has("tasks/active") => "3",
            () if self.swarm => "swarm",
            () if has(".autonomous/communications") && self.heartbeat && !self.seen => "1",
            () if has(".autonomous/communications") => "2",
            () if has(".autonomous/tasks") => "0",
            () => "files",
        }
    }
}

/// The text of a file and when it was changed; or why it cannot be had.
fn text_of(file: &Path) -> Result<(String, i64), String> {
    // A pipe would be waited for, for ever.
    let opened = OpenOptions::new().read(true).without_waiting().open(file);
    let opened = opened.map_err(|error| format!("it cannot be read: {error}"))?;
    let meta = opened.metadata().map_err(|error| format!("it cannot be read: {error}"))?;
    if !meta.is_file() {
        return Err("it is not a file".to_owned());
    }
    if meta.len() > FILE_BYTES_MAX {
        return Err(format!("it has {} bytes; at most {FILE_BYTES_MAX} are read", meta.len()));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(meta.len()).unwrap_or_default() + 1);
    opened.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| format!("it cannot be read: {error}"))?;
    let changed = meta.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok()).and_then(|at| i64::try_from(at.as_millis()).ok());
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].iter().filter(|b| **b == b'\n').count() + 1;
        format!("line {line} is not UTF-8 text")
    })?;
    let text = match unmarked(&text) {
        unmarked if unmarked.len() < text.len() => unmarked.to_owned(),
        _ => text,
    };
    Ok((text, changed.unwrap_or(0)))
}

pub(crate) fn shown_path(file: &Path, root: &Path) -> String {
    file.strip_prefix(root).unwrap_or(file).to_string_lossy().into_owned()
}

/// A number, also where it is written in quotes.
fn number(fields: &Map<String, Value>, name: &str) -> Option<i64> {
    match fields.get(name)? {
        Value::String(text) => text.trim().parse().ok(),
        value => value.as_i64(),
    }
}

fn timeout_ms(read: &Read) -> i64 {
    let stated = read.metadata.get("timeout_seconds").and_then(Value::as_i64).filter(|s| (1..=86_400).contains(s));
    stated.unwrap_or(TIMEOUT_S_DEFAULT) * 1_000
}

/// The clocks against which the times of one file are held.
struct FileClock {
    changed_ms: i64,
    now_ms: i64,
    timeout_ms: i64,
}

fn agent(item: &Item, file: &FileClock, source: Source) -> Agent {
    let stated = item.fields.get("last_seen").and_then(time::of);
    let latest = file.changed_ms.min(file.now_ms);
    // A time behind the file's own change was generated: who wrote it can be no younger than the file.
    let (seen, clock) = match stated {
        None => (None, Clock::None),
        Some(stated) if stated.unix_ms > latest + CLOCK_SLACK_MS => (Some(latest), Clock::Future),
        Some(stated) => (Some(stated.unix_ms.min(latest)), if stated.has_zone { Clock::Fine } else { Clock::NoZone }),
    };
    let age_ms = seen.map(|seen| (file.now_ms - seen).max(0));
    Agent {
        name: item.name.clone().unwrap_or_default(),
        state: if age_ms.is_some_and(|age| age <= file.timeout_ms) { "active" } else { "stale" },
        status: text(&item.fields, &["status"]),
        action: text(&item.fields, &["current_action", "current_work", "current_task"]),
        loop_number: number(&item.fields, "loop_number"),
        run_number: number(&item.fields, "run_number"),
        last_seen: seen.map(time::shown),
        age_ms,
        timeout_ms: file.timeout_ms,
        clock,
        pid: item.fields.get("pid").and_then(Value::as_u64),
        source,
        fields: item.fields.clone(),
    }
}

fn event(item: &Item, source: Source) -> Event {
    let fields = &item.fields;
    Event {
        at: fields.get("timestamp").and_then(time::of).map(|at| time::shown(at.unix_ms)),
        kind: text(fields, &["type", "event"]),
        agent: text(fields, &["agent", "agent_type", "agent_id"]),
        task: text(fields, &["task_id", "task", "parent_task"]),
        data: fields.clone(),
        source,
    }
}

/// The items of the text of a queue.
pub(crate) fn queue_of(text: &str) -> Vec<Task> {
    salvage::queue(unmarked(text)).items.iter().filter_map(|item| queued(item, Source::default(), i64::MAX)).collect()
}

/// The first item with this id.
pub(crate) fn queued_as(text: &str, id: &str) -> Option<Task> {
    let read = salvage::queue(unmarked(text));
    let item = read.items.iter().find(|item| values::id(&item.fields).as_deref() == Some(id))?;
    queued(item, Source::default(), i64::MAX)
}

fn queued(item: &Item, source: Source, latest_ms: i64) -> Option<Task> {
    let fields = &item.fields;
    let times = |names: &'static [&'static str]| names.iter().filter_map(move |name| held::stated_ms(fields.get(*name)?, latest_ms));
    let status = text(fields, &["status"]);
    let ids_of = |name: &str| match fields.get(name) {
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::String(text)) => task_file::ids(text),
        _ => Vec::new(),
    };
    let mut needs: Vec<String> = ids_of("blockedBy");
    needs.extend(ids_of("dependencies"));
    Some(Task {
        id: values::id(fields)?,
        title: text(fields, &["title"]),
        state: task_file::state(None, status.as_deref()),
        status,
        priority: text(fields, &["priority"]),
        kind: text(fields, &["type"]),
        parent: text(fields, &["parent", "parent_task"]),
        needs,
        estimate_minutes: text(fields, &["estimated_minutes"]).as_deref().and_then(task_file::minutes),
        claimed_by: text(fields, &["claimed_by"]),
        folder: None,
        source,
        digest: String::new(),
        taken_ms: times(&held::TAKEN_AT).next(),
        moved_ms: times(&held::MOVED_AT).max(),
    })
}

/// The one task of a queue that has room for no more, and the one that its executor is at.
fn slot(read: &Read, file: &str, latest_ms: i64) -> Vec<Task> {
    let next = match read.fields.get("next_task") {
        Some(Value::Object(fields)) => Some(fields.clone()),
        Some(Value::String(id)) => Some(Map::from_iter([("task_id".to_owned(), Value::String(id.clone()))])),
        _ => None,
    };
    let active = read.fields.get("active_execution").and_then(Value::as_object).map(|active| {
        let mut fields = active.clone();
        fields.insert("status".to_owned(), Value::from("in_progress"));
        let beat = read.fields.get("heartbeat").and_then(|beat| beat.get("last_seen")).cloned();
        fields.extend(beat.map(|seen| ("heartbeat".to_owned(), seen)));
        fields
    });
    // The one that is worked on first: of doubles the first counts.
    let queued = |fields| queued(&Item { line: 0, name: None, fields }, Source { file: file.to_owned(), line: 0 }, latest_ms);
    active.into_iter().chain(next).filter_map(queued).collect()
}

#[cfg(test)]
#[path = "project_tests.rs"]
mod tests;

//! The files of a project that no store is attached to: who is there, splitting a task into files of parts, and agents' states. What
//! [`Bridge`](crate::Bridge) does for an attached project, for one that has nothing but its files.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use oarlock_plan::{Floor, Options, Plan, Subtask, assign_to, split, subtask_documents, task_id_from_file_name};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::alive;
use crate::bridge::states::{empty_states, with_state};
use crate::fault::Fault;
use crate::layout::{self, Role};
use crate::part_file::{self, PartFile};
use crate::project::{Project, shown_path};
use crate::salvage;
use crate::sync_state::SyncState;
use crate::task_file::{self, Folder};
use crate::time;
use crate::types::{Agent, AgentState, Source};
use crate::values::unmarked;
use crate::write::{WriteError, Writer};

/// When a task of RALF's is split, as its guide has it: below, handing out costs more than it gains.
pub const FLOOR: Floor = Floor { chars: 2_001, steps: 5, minutes: 30 };

/// Why a request to the files alone came to nothing.
#[derive(Debug, Error)]
pub enum FilesError {
    /// A file cannot be read.
    #[error("{file}: {error}")]
    Unreadable {
        /// The file.
        file: String,
        /// The operating system's error.
        error: io::Error,
    },
    /// A file is there and cannot be understood; nothing was changed.
    #[error("{}, line {}: {}", .0.file, .0.line, .0.cause)]
    Damaged(Fault),
    /// A file could not be written, or is locked.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The task's document cannot be split at all.
    #[error("{file}: {error}")]
    Plan {
        /// The file.
        file: String,
        /// Why.
        error: oarlock_plan::PlanError,
    },
    /// There is no such file.
    #[error("there is no task file {0}")]
    NoTask(String),
    /// Its parts have files already.
    #[error("task {0} was split before: its parts have files")]
    SplitBefore(String),
}

impl FilesError {
    /// Whether somebody else held a lock for too long: it may go better another time.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        matches!(self, Self::Write(WriteError::Locked { .. }))
    }

    /// Whether the request was carried out before.
    #[must_use]
    pub fn is_repeated(&self) -> bool {
        matches!(self, Self::SplitBefore(_))
    }

    /// Whether the named thing is missing.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::NoTask(_))
    }
}

/// A project that has only its files.
#[derive(Clone, Debug)]
pub struct Files {
    root: PathBuf,
    patience: Duration,
}

impl Files {
    /// The project at `root`; locks are waited for as long as `patience`.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>, patience: Duration) -> Self {
        Self { root: root.into(), patience }
    }

    /// The root of the project that `dir` lies in: the nearest folder upward with `.autonomous` or `tasks/active` in it.
    #[must_use]
    pub fn find_root(dir: &Path) -> Option<PathBuf> {
        dir.ancestors().find(|dir| is_root(dir)).map(Path::to_owned)
    }

    /// The file of heartbeats that [`Files::agents`] reads: of the newest layout that has one.
    #[must_use]
    pub fn heartbeat_file(&self) -> PathBuf {
        self.communication("heartbeat.yaml")
    }

    /// Where files of heartbeats may lie, the newest layout's first: loops of different age write different ones.
    pub fn heartbeat_places(&self) -> impl Iterator<Item = PathBuf> + '_ {
        layout::COMMUNICATIONS.iter().map(|folder| self.root.join(folder).join("heartbeat.yaml"))
    }

    /// The agents of all of them, each once, by their memory in `attached`.
    ///
    /// # Errors
    /// As [`Files::agents`].
    pub fn all_agents(&self, timeout_ms: Option<i64>, attached: &SyncState) -> Result<Vec<Agent>, FilesError> {
        let now_ms = now_ms();
        let mut agents = Vec::new();
        for file in self.heartbeat_places().filter(|file| file.is_file()) {
            let source = shown_path(&file, &self.root);
            let found = in_file(&file, now_ms)?;
            agents.extend(found.into_iter().map(|agent| Agent { source: Source { file: source.clone(), ..agent.source }, ..agent }));
        }
        alive::judge(&mut agents, attached, now_ms, timeout_ms);
        // Of doubles the youngest, at the place of the first: callers know the order of the files.
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        let mut each: Vec<Agent> = Vec::with_capacity(agents.len());
        for agent in agents {
            match places.get(&agent.name) {
                Some(&place) if agent.age_ms.unwrap_or(i64::MAX) < each[place].age_ms.unwrap_or(i64::MAX) => each[place] = agent,
                Some(_) => {}
                None => {
                    places.insert(agent.name.clone(), each.len());
                    each.push(agent);
                }
            }
        }
        Ok(each)
    }

    /// The file of agents' states.
    #[must_use]
    pub fn state_file(&self) -> PathBuf {
        self.communication("agent-state.yaml")
    }

    fn communication(&self, name: &str) -> PathBuf {
        let folders = || layout::COMMUNICATIONS.iter().map(|folder| self.root.join(folder));
        let new = || layout::communications(&self.root).unwrap_or_else(|| layout::new_communications(&self.root));
        folders().map(|folder| folder.join(name)).find(|file| file.is_file()).unwrap_or_else(|| new().join(name))
    }

    /// The agents of a file of heartbeats, by name; a file that is not there has none. Each is judged by `timeout_ms`, else by what the
    /// file says.
    ///
    /// # Errors
    /// The file cannot be read. A damaged one is read as far as it can be.
    pub fn agents(&self, file: &Path, timeout_ms: Option<i64>) -> Result<Vec<Agent>, FilesError> {
        let now_ms = now_ms();
        let mut agents = in_file(file, now_ms)?;
        alive::judge(&mut agents, &SyncState::default(), now_ms, timeout_ms);
        Ok(agents)
    }

    /// All agents' states of a file, by name; a file that is not there has none.
    ///
    /// # Errors
    /// The file cannot be read or is damaged.
    pub fn states(&self, file: &Path) -> Result<BTreeMap<String, Map<String, Value>>, FilesError> {
        let project = match Project::read_as(file, Role::States, now_ms()) {
            Ok(project) => project,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            Err(error) => return Err(unreadable(file, error)),
        };
        match project.faults.into_iter().next() {
            Some(fault) => Err(FilesError::Damaged(Fault { file: file.display().to_string(), ..fault })),
            None => Ok(states_of(&project.states)),
        }
    }

    /// Sets fields of an agent's state in place, or with none takes its block away; every other byte of the file stays.
    ///
    /// # Errors
    /// The file is locked for longer than the patience, cannot be written, or is in a form that is not edited.
    pub fn set_state(&self, file: &Path, agent: &str, fields: Option<&Map<String, Value>>) -> Result<(), FilesError> {
        if fields.is_none() && !file.exists() {
            return Ok(());
        }
        let file = &absolute(file);
        let now = time::shown(now_ms());
        self.writer(file).edit_in_place(file, &|text| with_state(text, agent, fields, false, &now))?;
        Ok(())
    }

    /// Begins the file of states again, empty. One that cannot be understood is kept beside it under another name.
    ///
    /// # Errors
    /// As [`Files::set_state`].
    pub fn reset_states(&self, file: &Path) -> Result<(), FilesError> {
        let now = now_ms();
        let file = &absolute(file);
        let text = empty_states(&time::shown(now));
        let kept = file.with_extension(format!("yaml.damaged-{now}"));
        self.writer(file).begin_anew(file, &text, &kept, &is_damaged)?;
        Ok(())
    }

    /// A writer that may write this file: one outside the project is named by the caller, and is a project of its own.
    fn writer(&self, file: &Path) -> Writer {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // Of a folder that is not there yet, where it will lie.
        let there = folder.ancestors().find(|above| above.exists()).unwrap_or(Path::new("."));
        let root = if layout::is_inside(there, &self.root) { &self.root } else { there };
        Writer::new(root, self.patience)
    }

    /// The files of the project's open tasks, the newest layout's first.
    ///
    /// # Errors
    /// A folder cannot be read.
    pub fn open_tasks(&self) -> Result<Vec<PathBuf>, FilesError> {
        let layout = layout::find(&self.root).map_err(|error| unreadable(&self.root, error))?;
        Ok(layout.tasks.into_iter().filter(|(_, folder)| *folder == Some(Folder::Active)).map(|(file, _)| file).collect())
    }

    /// The text of a task file, and the task's id. A bare name is looked for in the project's folders of active tasks.
    ///
    /// # Errors
    /// There is no such file, or it cannot be read.
    pub fn task(&self, file: &Path) -> Result<TaskDocument, FilesError> {
        TaskDocument::read(self.task_file(file)?)
    }

    /// Whether this is a task of the project: the path of its file, or the name of one that is open.
    #[must_use]
    pub fn is_task(&self, named: &Path) -> bool {
        self.task_file(named).is_ok_and(|file| layout::is_task_file(&file) && layout::lies_among_tasks(&file, &self.root))
    }

    /// The file that is named so: a path, or a name in the project's folders of active tasks.
    ///
    /// # Errors
    /// There is no such file.
    pub fn task_file(&self, named: &Path) -> Result<PathBuf, FilesError> {
        if named.is_file() {
            return Ok(named.to_owned());
        }
        let name = named.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let places = layout::active(&self.root).flat_map(|folder| {
            let folder_of_task = folder.join(name.strip_suffix(".md").unwrap_or(&name));
            [folder.join(named), folder.join(format!("{name}.md")), folder_of_task.join("task.md")]
        });
        let mut found = places.filter(|place| place.is_file() && layout::is_inside(place, &self.root));
        found.next().ok_or_else(|| FilesError::NoTask(named.display().to_string()))
    }

    /// Makes the files of a plan's parts beside that of their task.
    ///
    /// # Errors
    /// A file cannot be written; those that were made stay.
    pub fn make_parts(&self, task: &TaskDocument, plan: &Plan) -> Result<(), FilesError> {
        let read = task_file::read(&task.text);
        let documents = subtask_documents(&task.text, plan);
        let file = |(part, document)| {
            let part: &Subtask = part;
            let document: &String = document;
            PartFile {
                id: &part.id,
                title: &part.title,
                priority: read.priority.as_deref(),
                kind: read.kind.as_deref(),
                parent: &task.id,
                needs: part.depends_on.iter().map(String::as_str).collect(),
                writes: part.writes.iter().map(String::as_str).collect(),
                assigned: part.assigned.as_deref(),
                estimate_minutes: part.estimate_minutes,
                created_ms: now_ms(),
                document,
            }
        };
        let files: Vec<PartFile<'_>> = plan.subtasks.iter().zip(&documents).map(file).collect();
        if files.iter().any(|file| file.place(&self.root, &task.file).exists()) {
            return Err(FilesError::SplitBefore(task.id.clone()));
        }
        part_file::make(&files, &self.writer(&task.file), &self.root, &task.file)?;
        Ok(())
    }
}

/// A task file and what it says.
#[derive(Clone, Debug)]
pub struct TaskDocument {
    /// The file.
    pub file: PathBuf,
    /// The task's id, of its file or folder.
    pub id: String,
    /// Its Markdown.
    pub text: String,
}

impl TaskDocument {
    /// The task that this file has.
    ///
    /// # Errors
    /// It cannot be read, or its name is that of no task.
    pub fn read(file: PathBuf) -> Result<Self, FilesError> {
        let text = fs::read_to_string(&file).map_err(|error| unreadable(&file, error))?;
        Ok(Self { id: Self::id_of(&file)?, file, text })
    }

    /// The id of the task that this file has.
    ///
    /// # Errors
    /// Its name is that of no task.
    pub fn id_of(file: &Path) -> Result<String, FilesError> {
        task_id_from_file_name(&layout::id_of(file)).ok_or_else(|| FilesError::NoTask(file.display().to_string()))
    }

    /// A plan of its parts, at most `subtasks_max`, made for this many [`workers`] and given out to `agents`, if there are any.
    ///
    /// # Errors
    /// The document cannot be read at all: it is too large, or is no text.
    pub fn plan(&self, agents: &[String], workers: usize, subtasks_max: Option<usize>) -> Result<Plan, FilesError> {
        let options = Options { agents: workers, subtasks_max, floor: Some(FLOOR), ..Options::new(&self.id) };
        let mut plan = split(&self.text, &options).map_err(|error| FilesError::Plan { file: self.file.display().to_string(), error })?;
        if plan.parallelizable {
            assign_to(&mut plan, agents);
        }
        Ok(plan)
    }
}

/// The agents of a file of heartbeats; one that is not there has none.
fn in_file(file: &Path, now_ms: i64) -> Result<Vec<Agent>, FilesError> {
    match Project::read_as(file, Role::Heartbeats, now_ms) {
        Ok(project) => Ok(project.agents),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(unreadable(file, error)),
    }
}

/// How many agents a plan is made for: at least two of those who are named, `otherwise` where nobody is, and no more than there may be parts.
#[must_use]
pub fn workers(agents: &[String], otherwise: usize, subtasks_max: Option<usize>) -> usize {
    let wanted = if agents.is_empty() { otherwise } else { agents.len().max(2) };
    wanted.min(subtasks_max.unwrap_or(usize::MAX)).max(1)
}

/// Whether a folder is a project's root.
fn is_root(dir: &Path) -> bool {
    let is_inner = dir.file_name().is_some_and(|name| name == ".autonomous");
    dir.join(".autonomous").is_dir() || (dir.join("tasks/active").is_dir() && !is_inner)
}

/// Whether a file of states cannot be understood as a whole.
fn is_damaged(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).map_or(true, |text| !salvage::blocks(unmarked(text), &["agents"]).damages.is_empty())
}

fn states_of(states: &[AgentState]) -> BTreeMap<String, Map<String, Value>> {
    states.iter().map(|state| (state.agent.clone(), state.fields.clone())).collect()
}

/// A file that is not there yet has a folder only by its whole path.
fn absolute(file: &Path) -> PathBuf {
    std::path::absolute(file).unwrap_or_else(|_| file.to_owned())
}

fn unreadable(file: &Path, error: io::Error) -> FilesError {
    FilesError::Unreadable { file: file.display().to_string(), error }
}

/// The wall clock, in milliseconds since 1970.
fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| i64::try_from(now.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;

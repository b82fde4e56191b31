//! `ralf`: what RALF's files say and what is wrong with them, which needs neither a project nor a store; and keeping them and a store alike.

use clap::{Args, ValueEnum};
use oarlock_model::Rejection;
use oarlock_ops::OpError;
use oarlock_ralf::{Bridge, Project, Synced};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::args::{Common, environment};
use super::exec::{Absent, Where, options};
use super::init::Init;
use super::output::Output;
use crate::project::{self, current_dir};

/// How often `sync --watch` looks.
const WATCH_EVERY: Duration = Duration::from_secs(1);
/// The file beside the store that says which project is attached.
const ATTACHED: &str = "ralf.json";

/// Exit code when files are damaged, as for `doctor`.
const DAMAGED: u8 = 65;

/// Reads the files of RALF agents as they are: heartbeats, events, queues, chat and task files of every generation, damaged ones item by
/// item. With `attach` and `sync` agents that know only the files work beside agents that use the store.
#[derive(Clone, Debug, Args)]
pub(crate) struct Ralf {
    /// What to show
    action: Action,
    /// A project's root, a folder of its files, or one file [default: the project around the current directory]
    path: Option<PathBuf>,
    /// With sync: go on looking every second until it is stopped
    #[arg(long)]
    watch: bool,
    /// With attach and sync: say what would be done, and change nothing
    #[arg(long, conflicts_with = "watch")]
    dry_run: bool,
}

/// What is kept of an attached project.
#[derive(Debug, Serialize, Deserialize)]
struct Attached {
    /// The project's root.
    root: PathBuf,
    /// The last event of the store that its files have.
    log_from: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Action {
    /// One screen: agents, tasks, counts, and what is wrong
    Status,
    /// The agents of the heartbeat files
    Agents,
    /// The task files, and the items of the queue
    Tasks,
    /// The events, in the order of the files
    Events,
    /// What is wrong with the files, with file, line and column
    Doctor,
    /// Make a store for the project and bring its tasks and agents in; safe to repeat
    Attach,
    /// Bring files and store together, both ways
    Sync,
    /// Bring the files up to date once more, and keep them and the store apart from then on
    Detach,
}

impl Ralf {
    pub(crate) fn run(&self, common: &Common, output: &Output) -> Result<u8, OpError> {
        if (self.watch || self.dry_run) && !matches!(self.action, Action::Sync | Action::Attach) {
            return Err(Rejection::invalid("--watch and --dry-run belong to sync", "write: oarlock ralf sync [PATH] --dry-run").into());
        }
        let path = match &self.path {
            Some(path) => path.clone(),
            None => around(&current_dir()?)?,
        };
        match self.action {
            Action::Attach | Action::Sync | Action::Detach => self.bring_together(&path, common, output),
            _ => self.show(&path, output),
        }
    }

    fn show(&self, path: &Path, output: &Output) -> Result<u8, OpError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| i64::try_from(now.as_millis()).unwrap_or(i64::MAX));
        let project = Project::read(path, now).map_err(|error| unreadable(path, &error))?;
        let (name, reply) = self.reply(&project);
        let code = output.reply(name, &reply);
        let is_damaged = self.action == Action::Doctor && !project.faults.is_empty();
        Ok(if is_damaged { DAMAGED } else { code })
    }

    /// Attaches, syncs or detaches the project at `path`.
    fn bring_together(&self, path: &Path, common: &Common, output: &Output) -> Result<u8, OpError> {
        let root = path.canonicalize().map_err(|error| unreadable(path, &error))?;
        let target = place_of(&root, common)?;
        let settings = target.settings()?;
        let marker = target.place().dir().join(ATTACHED);
        let mut attached = read_marker(&marker)?;
        if self.action == Action::Attach {
            Init { prefix: None }.run(&target, options(common, &settings))?;
        } else if attached.as_ref().is_none_or(|attached| attached.root != root) {
            let message = format!("{} is not attached", root.display());
            return Err(Rejection::Missing { message, hint: "attach it first: oarlock ralf attach [PATH]".into() }.into());
        }
        let mut store = target.open(options(common, &settings))?;
        let mut bridge = Bridge::new(&root, &mut store, &settings);
        let mut log_from = match attached.take() {
            Some(attached) => attached.log_from,
            None => bridge.last_event()?,
        };
        loop {
            let (synced, seq) = bridge.sync(log_from, self.dry_run)?;
            if !self.dry_run && (seq != log_from || self.action == Action::Attach) {
                log_from = seq;
                write_marker(&marker, &Attached { root: root.clone(), log_from })?;
            }
            if self.watch {
                if !synced.is_nothing() && !output.line(&told(&synced, output)?) {
                    return Ok(0);
                }
                thread::sleep(WATCH_EVERY);
                continue;
            }
            if self.action == Action::Detach {
                bridge.leave()?;
                fs::remove_file(&marker).map_err(|error| unreadable(&marker, &error))?;
            }
            return Ok(output.reply("ralf sync", &serde_json::to_value(&synced)?));
        }
    }

    fn reply(&self, project: &Project) -> (&'static str, Value) {
        match self.action {
            Action::Status => (
                "ralf status",
                json!({
                    "root": project.root,
                    "generation": project.generation,
                    "agents": project.agents,
                    "tasks": project.counts(),
                    "events": project.events.len(),
                    "messages": project.messages,
                    "queue": project.queue.len(),
                    "faults": project.faults,
                }),
            ),
            Action::Agents => ("ralf agents", json!({"agents": project.agents})),
            Action::Tasks => {
                let tasks: Vec<_> = project.tasks.iter().chain(&project.queue).collect();
                ("ralf tasks", json!({"tasks": tasks}))
            }
            Action::Events => ("ralf events", json!({"events": project.events})),
            Action::Doctor | Action::Attach | Action::Sync | Action::Detach => ("ralf doctor", json!({"faults": project.faults})),
        }
    }
}

/// One line about a look: JSON where JSON is wanted.
fn told(synced: &Synced, output: &Output) -> Result<String, OpError> {
    let value = serde_json::to_value(synced)?;
    Ok(if output.json { value.to_string() } else { super::render::reply("ralf sync", &value, output.colour).trim_end().to_owned() })
}

/// The store of the project at `root`: the one that is named, else that of the repository it is in.
fn place_of(root: &Path, common: &Common) -> Result<Where, OpError> {
    if common.store.is_some() {
        return Where::find(common, Absent::Made);
    }
    let around = project::Project::around(root).or_else(|| project::Project::of_repository(root));
    Ok(Where::of(around.unwrap_or_else(|| project::Project::at(root))))
}

fn read_marker(marker: &Path) -> Result<Option<Attached>, OpError> {
    match fs::read(marker) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| OpError::Damaged {
            message: format!("{}: line {}, column {}: {error}", marker.display(), error.line(), error.column()),
            hint: "remove the file and attach the project again".into(),
            details: json!({"file": marker, "line": error.line(), "column": error.column()}),
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(marker, &error)),
    }
}

/// Written whole or not at all: a look that is killed in between begins where the last one ended.
fn write_marker(marker: &Path, attached: &Attached) -> Result<(), OpError> {
    let part = marker.with_extension("json.part");
    let write = || -> std::io::Result<()> {
        let mut file = fs::File::create(&part)?;
        file.write_all(serde_json::to_string(attached)?.as_bytes())?;
        file.sync_all()?;
        fs::rename(&part, marker)
    };
    write().map_err(|error| unreadable(marker, &error))
}

/// The project that `dir` is in, or the one that the agents' own variables name.
fn around(dir: &Path) -> Result<PathBuf, OpError> {
    let has_files = |dir: &&Path| dir.join(".autonomous").is_dir() || dir.join("tasks/active").is_dir();
    if let Some(found) = dir.ancestors().find(has_files) {
        return Ok(found.to_owned());
    }
    let named = ["RALF_PROJECT_DIR", "RALF_PROJECT_ROOT"].iter().find_map(|name| environment(name)).map(PathBuf::from);
    named.filter(|named| has_files(&named.as_path())).ok_or_else(|| {
        Rejection::Missing {
            message: format!("there are no RALF files around {}", dir.display()),
            hint: "name the project's root, which has a folder .autonomous or tasks/active".into(),
        }
        .into()
    })
}

fn unreadable(path: &Path, error: &std::io::Error) -> OpError {
    if error.kind() == ErrorKind::NotFound {
        return Rejection::not_found("file or folder", path.display()).into();
    }
    OpError::Damaged {
        message: format!("{} cannot be read: {error}", path.display()),
        hint: "look at its permissions".into(),
        details: json!({"file": path}),
    }
}

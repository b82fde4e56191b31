//! `ralf`: what RALF's files say, and what is wrong with them. It needs neither a project nor a store.

use clap::{Args, ValueEnum};
use oarlock_model::Rejection;
use oarlock_ops::OpError;
use oarlock_ralf::Project;
use serde_json::{Value, json};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::args::environment;
use super::output::Output;
use crate::project::current_dir;

/// Exit code when files are damaged, as for `doctor`.
const DAMAGED: u8 = 65;

/// Reads the files of RALF agents as they are: heartbeats, events, queues, chat and task files of every generation. A damaged file is read
/// item by item, and nothing is changed.
#[derive(Clone, Debug, Args)]
pub(crate) struct Ralf {
    /// What to show
    action: Action,
    /// A project's root, a folder of its files, or one file [default: the project around the current directory]
    path: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
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
}

impl Ralf {
    pub(crate) fn run(&self, output: &Output) -> Result<u8, OpError> {
        let path = match &self.path {
            Some(path) => path.clone(),
            None => around(&current_dir()?)?,
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| i64::try_from(now.as_millis()).unwrap_or(i64::MAX));
        let project = Project::read(&path, now).map_err(|error| unreadable(&path, &error))?;
        let (name, reply) = self.reply(&project);
        let code = output.reply(name, &reply);
        let is_damaged = matches!(self.action, Action::Doctor) && !project.faults.is_empty();
        Ok(if is_damaged { DAMAGED } else { code })
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
            Action::Doctor => ("ralf doctor", json!({"faults": project.faults})),
        }
    }
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

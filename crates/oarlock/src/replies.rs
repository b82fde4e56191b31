//! Replies of verbs that are the command line's own.

use std::collections::BTreeMap;
use std::path::PathBuf;

use oarlock_client::gateway::Access;
use oarlock_ralf::{Agent, Event, Fault, Hook, Left, Project, Synced, Task};
use serde::Serialize;

/// The reply of `help`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Help {
    /// The text.
    pub(crate) text: String,
}

/// The reply of `setup`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SetUp {
    pub(crate) changes: Vec<SetUpFile>,
    pub(crate) dry_run: bool,
    /// The remaining work for the person.
    pub(crate) notes: Vec<String>,
}

/// A file that a set-up is about.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SetUpFile {
    pub(crate) client: &'static str,
    pub(crate) file: String,
    /// `create`, `edit`, `delete` or `unchanged`.
    pub(crate) action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) diff: Option<String>,
}

/// The reply of `graph` and `timeline`.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Picture {
    /// How many tasks the picture has.
    pub(crate) tasks: usize,
    /// The ids of the chain of unfinished tasks that takes longest, first to last, for a graph.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) critical_path: Option<Vec<String>>,
    /// How many attempts a timeline has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) attempts: Option<usize>,
    /// The time from the first claim to the last end, in milliseconds, for a timeline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) wall_ms: Option<i64>,
    /// The time of all attempts one after another, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) serial_ms: Option<i64>,
    /// The picture; absent where it went into a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) picture: Option<String>,
    /// The file that has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
}

/// The reply of `conflicts`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Conflicts {
    /// The branches that were compared.
    pub(crate) branches: Vec<String>,
    /// Every pair of them.
    pub(crate) pairs: Vec<ConflictPair>,
}

/// Two branches.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ConflictPair {
    pub(crate) a: String,
    pub(crate) b: String,
    /// Whether they conflict.
    pub(crate) conflict: bool,
    /// The files in which they do.
    pub(crate) files: Vec<String>,
}

/// The reply of `forget`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Forgotten {
    pub(crate) forgotten: ForgottenProject,
}

/// The removed files.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ForgottenProject {
    /// The root directory of the project.
    pub(crate) root: String,
    /// How many worktrees there were.
    pub(crate) worktrees: usize,
    /// The files that stay because git tracks them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) kept: Vec<String>,
}

/// The reply of `access create --out`: the key is in the file, and only there.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct KeptKey {
    /// The new key, without its secret.
    pub(crate) access: Access,
    /// The file that contains the secret.
    pub(crate) key_file: String,
}

/// The reply of `ralf status`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RalfStatus {
    /// The project's root.
    pub(crate) root: PathBuf,
    /// The form of its files.
    pub(crate) generation: &'static str,
    /// Agents as found, doubles included.
    pub(crate) agents: Vec<Agent>,
    /// The number of tasks in each state.
    pub(crate) tasks: BTreeMap<&'static str, usize>,
    /// The number of tasks and claims that `ralf attach` would bring into an empty store.
    pub(crate) attach: BTreeMap<&'static str, usize>,
    /// The number of events.
    pub(crate) events: usize,
    /// The number of chat messages.
    pub(crate) messages: usize,
    /// The number of items in queues.
    pub(crate) queue: usize,
    /// Faults of the files.
    pub(crate) faults: Vec<Fault>,
}

impl RalfStatus {
    pub(crate) fn of(project: Project) -> Self {
        Self {
            tasks: project.counts(),
            attach: project.would_bring(),
            events: project.events.len(),
            messages: project.messages.len(),
            queue: project.queue.len(),
            root: project.root,
            generation: project.generation,
            agents: project.agents,
            faults: project.faults,
        }
    }
}

/// The reply of `ralf agents`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RalfAgents {
    /// The project's root.
    pub(crate) root: PathBuf,
    /// Agents as found, doubles included.
    pub(crate) agents: Vec<Agent>,
}

/// The reply of `ralf tasks`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RalfTasks {
    /// The project's root.
    pub(crate) root: PathBuf,
    /// Task files, then items of queues.
    pub(crate) tasks: Vec<Task>,
}

/// The reply of `ralf events`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RalfEvents {
    /// The project's root.
    pub(crate) root: PathBuf,
    /// Events in the order of the files.
    pub(crate) events: Vec<Event>,
}

/// The reply of `ralf doctor`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RalfFaults {
    /// The project's root.
    pub(crate) root: PathBuf,
    /// Faults of the files.
    pub(crate) faults: Vec<Fault>,
}

/// The reply of `ralf attach`, `sync` and `detach`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RalfSynced {
    /// The project's root.
    pub(crate) root: PathBuf,
    /// Changes of the store and of the files.
    #[serde(flatten)]
    pub(crate) synced: Synced,
    /// With `detach`: changes that could not be written to the files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) left: Option<Vec<Left>>,
}

/// The reply of `ralf hooks`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RalfHooks {
    /// Lines for the loops of the project's agents.
    pub(crate) hooks: Vec<Hook>,
}

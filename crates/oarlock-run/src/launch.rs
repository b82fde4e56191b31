//! The request of a run: its target, and how its workers start.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration as StdDuration;

use oarlock_model::duration::Duration;
use oarlock_model::rules::budget::Budget;
use oarlock_model::{Label, TaskId};
use oarlock_ops::caller::Caller;
use oarlock_ops::local::{Floor, Local};

use crate::planning::PlanningAgent;
use crate::profile::Profile;

use crate::isolation::Isolation;

/// How long running programs have to hand over when a limit is reached, unless it is said.
pub const HANDOVER_DEFAULT: StdDuration = StdDuration::from_secs(60);

/// The target of the work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A Markdown file: the parent's id comes from its name.
    File {
        /// Its path as given.
        path: String,
        /// Its text.
        document: String,
        /// Its path in the repository, or an absolute one outside.
        file: Option<String>,
        /// The id of its task, where one was chosen.
        id: Option<TaskId>,
    },
    /// A task that exists.
    Task(TaskId),
}

/// An agent that plans what a run splits.
#[derive(Clone)]
pub struct Planning {
    /// How it is asked.
    pub agent: PlanningAgent,
    /// The caller's machine, where the repository is.
    pub local: Arc<dyn Local + Send + Sync>,
}

impl fmt::Debug for Planning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Planning").field("agent", &self.agent).finish_non_exhaustive()
    }
}

/// How parts of a run land.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunLanding {
    /// The test of a merged tree, run by `sh -c`: the operator's own words. Absent when nothing is tested.
    pub test: Option<String>,
    /// How long one run of it may take.
    pub test_timeout: StdDuration,
    /// How many tests may run at once.
    pub slots: usize,
}

/// How a run runs.
#[derive(Clone, Debug)]
pub struct Run {
    /// The target of the work.
    pub target: Target,
    /// How many workers, from 1 to 256.
    pub agents: usize,
    /// The fewest workers, where their number follows the work: then `agents` is the most.
    pub agents_min: Option<usize>,
    /// Whether there are as many workers as the plan advises; then `agents` is their number where no plan says it.
    pub is_auto: bool,
    /// Who plans, where that is not left to the rules.
    pub planning: Option<Planning>,
    /// The least that the document must have to be split.
    pub floor: Option<Floor>,
    /// The program that works on a part, and its arguments.
    pub command: Vec<OsString>,
    /// The capabilities of the workers; parts may need them.
    pub can: Vec<Label>,
    /// The TTL of the workers' leases; the settings' without it.
    pub ttl: Option<Duration>,
    /// The limits of the run. Time counts from its start; money and tokens are those of all attempts, earlier runs included.
    pub budget: Budget,
    /// How long running programs may go on when a limit is reached, before they are stopped.
    pub handover: StdDuration,
    /// How the output of the program is read.
    pub profile: Profile,
    /// How long a program may show no sign of life; without it a known client 30 minutes, and others without a limit.
    pub stuck_after: Option<Duration>,
    /// Each worker has a worktree of its own; without it all work in the current directory.
    pub isolation: Option<Isolation>,
    /// Parts land on one branch; only with worktrees.
    pub landing: Option<RunLanding>,
    /// On whose behalf the task is split.
    pub caller: Caller,
}

/// How to start a worker: `PROGRAM ARGS… work --as NAME --subtree ID --ordered [--can …] [--ttl …] [--worktree --onto BRANCH] -- COMMAND…`, with the store in
/// OARLOCK_STORE. Its standard error is passed on line by line; what it claims and finishes is reported from the log, so a worker
/// need not say that itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerProgram {
    /// The program.
    pub program: PathBuf,
    /// Its arguments before the verb.
    pub args: Vec<OsString>,
}

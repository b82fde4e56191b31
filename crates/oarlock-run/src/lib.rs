//! Starting and supervising agent processes: [`work`] runs a command for each task it claims, [`run`] splits a task and
//! starts several such workers, and [`merge`] works the landing queue of a branch. It decides no rule of coordination: everything it knows and changes goes through the
//! operations, and what it does about a death is what the store already says about it.

mod attempt;
mod capture;
mod child;
mod directory;
mod duration;
mod heartbeat;
mod history;
mod isolation;
mod kept;
mod landing;
mod launch;
mod log_follower;
mod observed;
mod orders;
mod outcome;
mod pace;
mod planning;
mod pool;
mod prepare;
mod profile;
mod progress;
mod radar;
mod report;
mod run;
mod signals;
mod stdio;
mod text;
mod tree;
mod watch;
mod worker;
mod worker_names;

#[cfg(test)]
mod testing;

pub use isolation::{Isolation, forget_worktrees, worktrees_held};
pub use landing::{
    IdleQueues, Landed, Merge, MergeEnd, MergeReport, Refused, Rungs, TEST_TIMEOUT_DEFAULT, hold_landing_queues, merge, merge_until,
};
pub use launch::{HANDOVER_DEFAULT, Planning, Run, RunLanding, Target, WorkerProgram};
pub use oarlock_git::{Compared, Pair, Pairs, Shared, Stocked};
pub use outcome::Outcome;
pub use planning::{PlanningAgent, plan_split};
pub use profile::{Client, Profile};
pub use progress::{AtWork, Live, Progress};
pub use radar::conflicts;
pub use report::{
    AgentReport, AttemptEnd, AttemptReport, BudgetReport, FullPart, FullReport, LandingReport, PartReport, RefusalReport, Resolution,
    RunReport, UsageReport, full_report,
};
pub use run::{RunEnd, run};
pub use signals::Signals;
pub use worker::{Work, WorkReport, WorkedTask, work};

use std::ffi::OsString;
use std::path::PathBuf;

use oarlock_ops::OpError;
use oarlock_ops::store::Store;

/// Opens further handles of one store. Each thread and each process has its own.
pub trait Stores: Send + Sync {
    /// A new handle.
    ///
    /// # Errors
    /// Those of opening the store.
    fn open(&self) -> Result<Box<dyn Store>, OpError>;

    /// The store's URL, as OARLOCK_STORE has it: a program started with it finds the same store. A path in it need not be text.
    fn url(&self) -> OsString;

    /// The store's file: its path distinguishes its kept results from those of other stores.
    fn file(&self) -> PathBuf;

    /// Directories in which a result may be kept while the store cannot be written, the best first. Those that are missing are passed over.
    fn refuges(&self) -> Vec<PathBuf>;
}

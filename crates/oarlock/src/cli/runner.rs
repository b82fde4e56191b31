//! `work` and `run`: the doors of the runner.

use clap::Args;
use oarlock_ops::OpError;
use std::ffi::OsString;

use super::args::Common;
use super::output::Output;

/// Claims tasks and runs a command for each, with the task's Markdown on standard input.
#[derive(Clone, Debug, Args)]
pub(crate) struct WorkArgs {
    /// One task only; exit 8 when there is none
    #[arg(long)]
    pub(crate) once: bool,
    /// Only this task and its parts
    #[arg(long, value_name = "ID")]
    pub(crate) within: Option<String>,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    pub(crate) command: Vec<OsString>,
}

/// Splits a file or task and works on its parts with several workers.
#[derive(Clone, Debug, Args)]
pub(crate) struct RunArgs {
    /// A Markdown file (with a / in it, or ending in .md), or a task
    #[arg(value_name = "FILE|ID")]
    pub(crate) target: String,
    /// How many workers
    #[arg(long, value_name = "N")]
    pub(crate) agents: Option<usize>,
    /// Print what happens as it happens; the report comes last
    #[arg(long)]
    pub(crate) follow: bool,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    pub(crate) command: Vec<OsString>,
}

pub(crate) fn work(_args: WorkArgs, _common: &Common, _output: &Output) -> Result<u8, OpError> {
    Err(OpError::Internal("pending".into()))
}
pub(crate) fn run(_args: RunArgs, _common: &Common, _output: &Output) -> Result<u8, OpError> {
    Err(OpError::Internal("pending".into()))
}

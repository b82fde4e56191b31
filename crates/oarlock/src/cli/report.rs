//! `report`: the door of the report on a task and its parts.

use clap::{Args, ValueEnum};
use oarlock_client::{IfMissing, StoreTarget};
use oarlock_model::TaskId;
use oarlock_ops::OpError;
use oarlock_ops::reply::Reply;
use oarlock_run::Stores as _;

use super::common::Common;
use super::output::Output;
use super::runner::handles;

/// Show the work on a task and its parts: agents, attempts, waits, conflicts and how they were resolved, tests, and the time against the best possible
/// one.
#[derive(Clone, Debug, Args)]
pub(crate) struct ReportArgs {
    /// The task [default: the newest one that has parts]
    #[arg(value_name = "ID")]
    id: Option<TaskId>,
    /// md: Markdown for people; json: as with --json [default: md]
    #[arg(long, value_name = "FORMAT", value_enum)]
    format: Option<Format>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Md,
    Json,
}

pub(crate) fn report(args: &ReportArgs, common: &Common, output: &Output) -> Result<u8, OpError> {
    let (handles, _) = handles(common, IfMissing::Refused, StoreTarget::settings)?;
    let report = oarlock_run::full_report(&mut *handles.open()?, args.id.as_ref())?;
    let output = Output { json: output.json || args.format == Some(Format::Json), ..*output };
    Ok(output.reply("report", &Reply::new(report)))
}

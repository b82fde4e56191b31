//! `selftest`: the door of the self-test.

use clap::Args;
use oarlock_model::Rejection;
use oarlock_ops::OpError;
use serde_json::Value;
use std::path::PathBuf;

use super::args::Common;
use super::exec::{Absent, Where};
use super::output::Output;
use crate::project::current_dir;
use crate::selftest::{self, Plan};

/// The most processes of a self-test.
const PROCESSES_MAX: u64 = 256;

/// Races, kills and waits in a scratch store beside yours, to show that what is promised holds on this machine and disk.
#[derive(Clone, Debug, Args)]
pub(crate) struct Selftest {
    /// How long the race lasts, in seconds
    #[arg(long, value_name = "T", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// How many processes race
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=PROCESSES_MAX))]
    processes: u64,
    /// Be one of the racing processes.
    #[arg(long, value_name = "NAME", hide = true, requires_all = ["mode", "scratch"])]
    worker: Option<String>,
    #[arg(long, value_name = "MODE", hide = true)]
    mode: Option<String>,
    #[arg(long, value_name = "FILE", hide = true)]
    scratch: Option<PathBuf>,
}

impl Selftest {
    pub(crate) fn run(&self, common: &Common, output: &Output) -> Result<u8, OpError> {
        if let (Some(name), Some(mode), Some(file)) = (&self.worker, &self.mode, &self.scratch) {
            selftest::work(file, name, mode)?;
            return Ok(0);
        }
        let target = Where::find(common, Absent::Expected)?;
        let beside = target.place().dir();
        let dir = if beside.is_dir() { beside.to_owned() } else { current_dir()? };
        let processes = usize::try_from(self.processes).map_err(|_| Rejection::invalid("too many processes", "ask for fewer"))?;
        let report = selftest::run(&Plan { dir, race: std::time::Duration::from_secs(self.seconds), processes })?;
        let reply: Value = serde_json::to_value(&report)?;
        let code = output.reply("selftest", &reply);
        Ok(if report.ok { code } else { 70 })
    }
}

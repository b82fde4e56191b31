//! `selftest`: the door of the self-test.

use clap::Args;
use oarlock_client::IfMissing;
use oarlock_client::paths::current_dir;
use oarlock_model::Rejection;
use oarlock_model::duration::Duration;
use oarlock_model::ident::shown;
use oarlock_ops::OpError;
use oarlock_ops::reply::Reply;
use std::path::PathBuf;

use super::common::Common;
use super::output::Output;
use crate::selftest::{self, Plan};

/// The seconds of a race when none are asked for, and at most.
const SECONDS_DEFAULT: u64 = 10;
const SECONDS_MAX: u64 = 86_400;

/// The most processes of a self-test.
const PROCESSES_MAX: u64 = 256;

/// Race, kill and stop processes in a scratch store beside yours, and check every promise on this machine and disk.
#[derive(Clone, Debug, Args)]
pub(crate) struct Selftest {
    /// How long the race lasts: a number of seconds, or a duration such as 2m [default: 10]
    #[arg(long, value_name = "T", value_parser = seconds)]
    seconds: Option<u64>,
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

/// Seconds as a number, or as a duration.
fn seconds(text: &str) -> Result<u64, Rejection> {
    let number = match text.bytes().all(|b| b.is_ascii_digit()) {
        true => text.parse().ok(),
        false => Some(text.parse::<Duration>()?.as_std().as_secs()),
    };
    let wrong = || {
        Rejection::invalid(format!("--seconds {} is out of range", shown(text)), format!("a race lasts from 1 to {SECONDS_MAX} seconds"))
    };
    number.filter(|number| (1..=SECONDS_MAX).contains(number)).ok_or_else(wrong)
}

impl Selftest {
    pub(crate) fn run(&self, common: &Common, output: &Output) -> Result<u8, OpError> {
        if let (Some(name), Some(mode), Some(file)) = (&self.worker, &self.mode, &self.scratch) {
            selftest::work(file, name, mode)?;
            return Ok(0);
        }
        let target = common.target(IfMissing::Expected)?;
        let beside = target.place().dir();
        let dir = if beside.is_dir() { beside.to_owned() } else { current_dir()? };
        let processes = usize::try_from(self.processes).map_err(|_| Rejection::invalid("too many processes", "ask for fewer"))?;
        let seconds = self.seconds.unwrap_or(SECONDS_DEFAULT);
        let plan = Plan { dir, race: std::time::Duration::from_secs(seconds), processes };
        let report = output.during(format!("{processes} processes race for {seconds} s"), || selftest::run(&plan))?;
        let ok = report.ok;
        let code = output.reply("selftest", &Reply::new(report));
        Ok(if ok { code } else { 70 })
    }
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn a_race_lasts_seconds_or_a_duration() {
        for (text, wanted) in [("2", 2), ("2s", 2), ("3m", 180), ("1d", 86_400), ("86400", 86_400)] {
            assert_eq!(seconds(text).ok(), Some(wanted), "{text}");
        }
        for bad in ["", "0", "0s", "2d", "86401", "99999999999999999999", "2x", "-1", "1.5"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}

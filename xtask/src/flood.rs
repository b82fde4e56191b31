//! `cargo xtask flood`: eight agents work through a gateway while another one, with a key of its own, floods one noun after another. The
//! others must hardly notice, and the gateway must not grow.

mod honest;
mod nouns;
mod wire;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::output::{Outcome, say, warn};
use crate::served::Served;
use crate::workspace;
use honest::Times;
use nouns::Noun;
use wire::Wire;

/// Agents that work.
const AGENTS: usize = 8;

/// Nobody else's 99th percentile may be longer than this, or than this many times its own without the flood, whichever is more.
const P99_MAX: Duration = Duration::from_millis(100);
const P99_TIMES_MAX: f64 = 20.0;

/// The gateway's memory, at most, in megabytes.
const MEMORY_MB_MAX: f64 = 100.0;

/// The name of the flooder.
const FLOODER: &str = "flo";

/// The result of a flood.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Requests that were granted.
    pub(crate) granted: AtomicU64,
    /// Requests that were refused with an answer.
    pub(crate) refused: AtomicU64,
    /// Connections that the gateway ended, or that broke.
    pub(crate) ended: AtomicU64,
}

/// Let an agent flood a gateway while others work.
///
/// Eight agents work through a gateway while another floods each noun. Shows what the eight feel and what the gateway needs.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The flooded nouns; all unless some are named.
    #[arg(value_name = "NOUN", value_enum)]
    nouns: Vec<Noun>,
    /// How long it takes in all.
    #[arg(long, value_name = "N", default_value_t = 600)]
    seconds: u64,
    /// Another program than that of this tree.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// A few seconds, without limits of time.
    #[arg(long)]
    smoke: bool,
}

/// Runs what the arguments ask for.
///
/// # Errors
/// A gateway that does not work, or others who suffer.
pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    let program = match &arguments.program {
        Some(program) => std::path::absolute(program)?,
        None => workspace::program()?,
    };
    let is_smoke = arguments.smoke;
    let nouns = if arguments.nouns.is_empty() { &Noun::ALL } else { arguments.nouns.as_slice() };
    let share = if is_smoke { Duration::from_millis(700) } else { Duration::from_secs(arguments.seconds) / u32::try_from(nouns.len())? };
    // Held connections are open files of this process, too.
    oarlock_host::file::raise_limit();
    let header = "p50 alone  p99 alone  p50 flood  p99 flood   calls  peak MB   granted   refused     ended";
    say(format_args!("{:<14}{header}", "noun"));
    let mut faults = Vec::new();
    for &noun in nouns {
        let came = flood(&program, noun, share)?;
        say(came.row());
        faults.extend(came.faults(is_smoke));
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n").into()) }
}

/// The outcome of one noun.
struct Came {
    noun: Noun,
    alone: Times,
    flooded: Times,
    peak_mb: f64,
    granted: u64,
    refused: u64,
    ended: u64,
}

impl Came {
    fn row(&self) -> String {
        let ms = |nanos: u64| format!("{:>8.2} ms", nanos as f64 / 1e6);
        let times = [&self.alone, &self.flooded].map(|times| format!("{}{}", ms(times.quantile(0.5)), ms(times.quantile(0.99)))).concat();
        let counts = format!("{:>10}{:>10}{:>10}", self.granted, self.refused, self.ended);
        format!("{:<10}{times}{:>8}{:>9.1}{counts}", self.noun.name(), self.flooded.len(), self.peak_mb)
    }

    fn faults(&self, is_smoke: bool) -> Vec<String> {
        let mut faults = Vec::new();
        let mut fault = |what: String| faults.push(format!("{}: {what}", self.noun.name()));
        for (when, times) in [("alone", &self.alone), ("beside the flood", &self.flooded)] {
            if times.len() == 0 {
                fault(format!("nobody was answered {when}"));
            }
            if let Some(first) = &times.first_error {
                fault(format!("{} calls of others failed {when}, first: {first}", times.errors));
            }
        }
        if self.granted + self.refused + self.ended == 0 {
            fault("the flood did nothing".into());
        }
        if self.noun.is_bounded() && self.refused + self.ended == 0 {
            fault("nothing was refused".into());
        }
        // The smoke runs a debug build, which needs more.
        let most_mb = if is_smoke { 2.0 * MEMORY_MB_MAX } else { MEMORY_MB_MAX };
        if self.peak_mb > most_mb {
            fault(format!("the gateway took {:.1} MB", self.peak_mb));
        }
        let most = P99_MAX.max(Duration::from_nanos(self.alone.quantile(0.99)).mul_f64(P99_TIMES_MAX));
        let p99 = Duration::from_nanos(self.flooded.quantile(0.99));
        if !is_smoke && p99 > most {
            fault(format!("the 99th percentile of others was {p99:?}, at most {most:?}"));
        }
        faults
    }
}

/// A gateway of a fresh project, eight agents that work alone for a third of the time, and then beside the flood.
fn flood(program: &Path, noun: Noun, share: Duration) -> Outcome<Came> {
    warn(format_args!("{} …", noun.name()));
    let dir = tempfile::tempdir()?;
    let init = Command::new(program).args(["init", "-q"]).env_clear().env("HOME", dir.path()).current_dir(dir.path()).output()?;
    if !init.status.success() {
        return Err(String::from_utf8_lossy(&init.stderr).into_owned().into());
    }
    let served = Served::gateway_as_it_is(program, dir.path(), "127.0.0.1:0")?;
    let key_of = |name: &str| -> Outcome<String> {
        let made = served.call("access-create", &json!({"name": name}))?;
        served.call("join", &json!({"name": name, "stale_after": "1h"}))?;
        Ok(made["key"].as_str().ok_or("no key")?.to_owned())
    };
    let agents = (0..AGENTS).map(|n| key_of(&format!("a{n}"))).collect::<Outcome<Vec<_>>>()?;
    let wire = Wire { authority: served.authority.clone(), key: key_of(FLOODER)? };
    noun.prepare(&|verb: &str, request: &Value| served.call(verb, request).map(drop))?;
    let alone = honest::work(&served.authority, &agents, share / 3)?;
    let (counts, stop) = (Arc::new(Counts::default()), Arc::new(AtomicBool::new(false)));
    let flooding = {
        let (counts, stop) = (Arc::clone(&counts), Arc::clone(&stop));
        std::thread::spawn(move || nouns::run(noun, &wire, &counts, &stop).map_err(|error| error.to_string()))
    };
    // It has begun before anything is measured.
    let begun = Instant::now();
    let did = || [&counts.granted, &counts.refused, &counts.ended].iter().map(|n| n.load(Ordering::Relaxed)).sum::<u64>();
    while did() == 0 && begun.elapsed() < Duration::from_secs(20) && !flooding.is_finished() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let flooded = honest::work(&served.authority, &agents, share * 2 / 3);
    stop.store(true, Ordering::Relaxed);
    flooding.join().map_err(|_| "the flood has panicked")??;
    let count = |n: &AtomicU64| n.load(Ordering::Relaxed);
    Ok(Came {
        noun,
        alone,
        flooded: flooded?,
        peak_mb: served.peak_mb()?,
        granted: count(&counts.granted),
        refused: count(&counts.refused),
        ended: count(&counts.ended),
    })
}

//! `cargo xtask bench`: compares Oarlock with a bare floor, in one run on one machine. Ratios count; absolute
//! numbers are small print. Built in another profile than the released programs, it builds itself and
//! the program again and hands over.

mod cold;
mod crew;
mod floor;
mod gateway;
mod given;
mod hook;
mod inprocess;
mod landing;
mod measure;
mod os;
mod ours;
mod processes;
mod radar;
mod ralf;
mod runs;
mod scale;
mod side;
mod splitting;
mod table;
mod wakeup;
mod worker;

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser};

use crate::output::{Outcome, say, warn};
use crate::workspace;
use given::Bench;
use table::Row;

pub(crate) use given::WORKER;
pub(crate) use worker::run as work;

/// One bench: its name, what it is about, and how it runs.
type Entry = (&'static str, &'static str, fn(&Bench) -> Outcome<Vec<Row>>);

/// Every bench, in the order of the table.
const BENCHES: &[Entry] = &[
    ("size", "size of the program, packages it is built from", cold::size),
    ("cold", "a one-shot claim beside the floor's and beside `true`", cold::cold),
    ("hook", "the hooks around a tool beside a cold check", hook::hook),
    ("syncs", "syncs of a cold and of a warm claim", cold::syncs),
    ("single", "claim and done in process", inprocess::single),
    ("batch", "many claims in one call", inprocess::batch),
    ("heartbeat", "a heartbeat that renews 100 leases", inprocess::heartbeat),
    ("processes", "8 and 64 processes on one store", processes::processes),
    ("lanes", "8 and 64 command lines side by side", processes::lanes),
    ("runs", "runs of 1-second parts beside the best schedule of whole parts", runs::runs),
    ("wakeup", "from a commit to the claim that waited for it", wakeup::wakeup),
    ("idle", "what waiting costs", wakeup::idle),
    ("scale", "a thousand tasks against very many: time and memory", scale::scale),
    ("split", "splitting documents: many, a large one, hostile ones", splitting::splitting),
    ("gateway", "64 clients of a gateway beside a bare loop that commits in groups", gateway::throughput),
    ("watchers", "a thousand idle streams of events, and waking a waiter by HTTP", gateway::watchers),
    ("ralf", "discover, split and sync from Python, beside PyYAML on files", ralf::ralf),
    ("landing", "green parts behind a slow test, and a part with and without a worktree", landing::landing),
    ("radar", "branches of agents at work, beside git typed by hand", radar::radar),
    ("log", "bytes of log that the life of a task leaves", scale::log),
];

/// Compare Oarlock with a bare floor, in one run.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Which; all of them unless some are named.
    #[arg(value_name = "NAME", value_parser = names())]
    names: Vec<String>,
    /// Small numbers, which say less.
    #[arg(long)]
    quick: bool,
    /// Where stores are made; their disk is measured.
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// Another program than that of this tree.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

fn names() -> PossibleValuesParser {
    BENCHES.iter().map(|(name, about, _)| PossibleValue::new(*name).help(*about)).into()
}

/// Runs the benches that are named, or all.
///
/// # Errors
/// The build fails. What cannot be measured is a row that says so.
pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    // The released program is measured.
    if workspace::profile()? != workspace::DIST {
        return workspace::run_in(workspace::DIST);
    }
    let program = match &arguments.program {
        Some(program) => std::path::absolute(program)?,
        None => workspace::program()?,
    };
    let dir = arguments.dir.clone().unwrap_or_else(std::env::temp_dir);
    let bench = Bench { quick: arguments.quick, dir, program };
    let is_asked = |name: &str| arguments.names.is_empty() || arguments.names.iter().any(|asked| asked == name);
    let mut rows = Vec::new();
    for (name, _, measure) in BENCHES.iter().filter(|(name, ..)| is_asked(name)) {
        warn(format_args!("{name} …"));
        rows.extend(measure(&bench).unwrap_or_else(|error| vec![Row::missing(*name, error)]));
    }
    say(table::render(&rows).trim_end());
    Ok(())
}

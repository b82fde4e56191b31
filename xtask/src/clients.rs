//! `cargo xtask clients`: the real clients of coding agents, offline, against a model that says what a script has it say. It shows
//! that set-up, server and hooks do with them what they are for; what a real model would choose to do, it cannot show.

mod endpoint;
mod harness;
mod program;
mod scenario;
mod wire;

use std::process::Command;

use crate::node::Node;
use crate::output::{Outcome, say};
use crate::workspace;
use endpoint::Endpoint;
use harness::Harness;
use program::Program;

/// Run the real clients of coding agents against a scripted model.
///
/// They run in a network of their own without a way out. The first time, they and a Node for them are installed below
/// target/clients (1.2 GB).
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Which; all of them unless some are named.
    #[arg(value_name = "NAME", value_enum)]
    names: Vec<Program>,
    /// Says that the network has been left behind.
    #[arg(long, hide = true)]
    inside: bool,
}

/// Runs the clients that are named, or all.
///
/// # Errors
/// A client that cannot be installed or started, a scenario that fails.
pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    let programs = if arguments.names.is_empty() { &Program::ALL } else { arguments.names.as_slice() };
    let node = Node::find_or_install()?;
    let dir = workspace::target_dir()?.join("clients");
    if !arguments.inside {
        let packages: Vec<&str> =
            Program::ALL.iter().filter(|program| !program.is_installed(&dir)).map(|program| program.package()).collect();
        if !packages.is_empty() {
            node.install(&dir, &packages)?;
        }
        // Where nobody can be reached, nothing can be built.
        workspace::program()?;
        return leave_the_network();
    }
    let oarlock = workspace::program()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut faults = Vec::new();
    for &program in programs {
        // A model of its own for each: what an earlier client still asks reaches nobody.
        let endpoint = Endpoint::start(&runtime, program)?;
        let mut harness = Harness::new(program, &dir, &node.bin, &oarlock, endpoint)?;
        faults.extend(scenario::all(&mut harness)?);
    }
    if faults.is_empty() {
        say(format_args!("every scenario passes"));
        return Ok(());
    }
    Err(format!("{} scenarios fail:\n  {}", faults.len(), faults.join("\n  ")).into())
}

/// The same again, where nothing but this machine's own loopback can be reached.
fn leave_the_network() -> Outcome<()> {
    let program = std::env::current_exe()?;
    let status = Command::new("unshare")
        .args(["--map-root-user", "--net", "--", "sh", "-c", "ip link set lo up && exec \"$0\" \"$@\""])
        .arg(&program)
        .args(std::env::args_os().skip(1))
        .arg("--inside")
        .current_dir(workspace::root())
        .status()
        .map_err(|error| format!("unshare cannot be run, and the clients must not reach anybody: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{status}").into()) }
}

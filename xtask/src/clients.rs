//! `cargo xtask clients`: the real clients of coding agents, offline, against a model that says what a script has it say. It shows
//! that set-up, server and hooks do with them what they are for; what a real model would choose to do, it cannot show.

mod endpoint;
mod program;
mod scenario;
mod stage;
mod wire;

use std::path::Path;
use std::process::Command;

use crate::node::Node;
use crate::output::{Outcome, say, warn};
use crate::workspace;
use endpoint::Endpoint;
use program::Program;
use stage::Stage;

const USAGE: &str = "usage: cargo xtask clients [claude|codex|gemini|opencode…]
  runs the real clients, in a network of their own without a way out, against a scripted model;
  the first time it installs them, and a Node for them, below target/clients (1.2 GB)";

/// Says that the network has been left behind.
const INSIDE: &str = "--inside";

/// Runs the clients that are named, or all.
///
/// # Errors
/// An argument, a client that cannot be installed or started, a scenario that fails.
pub(crate) fn run(arguments: &[String]) -> Outcome<()> {
    let is_inside = arguments.first().is_some_and(|first| first == INSIDE);
    let names = if is_inside { &arguments[1..] } else { arguments };
    let mut programs = Vec::new();
    for name in names {
        programs.push(Program::named(name).ok_or(USAGE)?);
    }
    if programs.is_empty() {
        programs.extend(Program::ALL);
    }
    let node = Node::find_or_install()?;
    let dir = workspace::target_dir()?.join("clients");
    if !is_inside {
        let packages: Vec<&str> =
            Program::ALL.iter().filter(|program| !program.is_installed(&dir)).map(|program| program.package()).collect();
        if !packages.is_empty() {
            node.install(&dir, &packages)?;
        }
        return leave_the_network(names);
    }
    let oarlock = workspace::target_dir()?.join("debug/oarlock");
    if !oarlock.is_file() {
        return Err("there is no target/debug/oarlock: run `cargo build` first".into());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut faults = Vec::new();
    for program in programs {
        // A model of its own for each: what an earlier client still asks reaches nobody.
        let endpoint = Endpoint::start(&runtime, program)?;
        let mut stage = Stage::new(program, &dir, &node.bin, &oarlock, endpoint)?;
        faults.extend(scenario::all(&mut stage)?);
    }
    if faults.is_empty() {
        say(format_args!("every scenario passes"));
        return Ok(());
    }
    Err(format!("{} scenarios fail:\n  {}", faults.len(), faults.join("\n  ")).into())
}

/// The same again, where nothing but this machine's own loopback can be reached.
fn leave_the_network(names: &[String]) -> Outcome<()> {
    let program = std::env::current_exe()?;
    let status = Command::new("unshare")
        .args(["--map-root-user", "--net", "--", "sh", "-c", "ip link set lo up && exec \"$0\" \"$@\""])
        .arg(&program)
        .args(["clients", INSIDE])
        .args(names)
        .current_dir(workspace::root())
        .status()
        .map_err(|error| format!("unshare cannot be run, and the clients must not reach anybody: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{status}").into()) }
}

/// Whether a package stands below a folder in this version.
fn has_package(dir: &Path, package: &str) -> bool {
    let Some((name, version)) = package.rsplit_once('@') else { return false };
    let manifest = std::fs::read(dir.join("node_modules").join(name).join("package.json")).unwrap_or_default();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap_or_default();
    let found = manifest["version"] == version;
    if !found {
        warn(format_args!("{package} is missing in {}", dir.display()));
    }
    found
}

//! `cargo xtask seeded-faults`: builds the tests with one fault after another and requires the tests to catch each; the table says which of them did, and
//! how soon. Tests that catch nothing would pass as well as good ones otherwise.

use std::process::{Command, Stdio};
use std::time::Instant;

use clap::builder::PossibleValuesParser;
use oarlock_model::seeded::{self, Breaks, Fault};

use crate::output::{Outcome, say, warn};
use crate::workspace;

/// The families of tests, and how nextest finds them.
const FAMILIES: [(&str, &str); 6] = [
    ("scripts", "package(oarlock-testkit) and test(/^scripts::/)"),
    ("simulation", "package(oarlock-testkit) and test(/^simulation::/)"),
    ("histories", "package(oarlock-testkit) and test(/^differential::/)"),
    ("exhaustive", "package(oarlock-testkit) and test(/^exhaustive::/)"),
    ("store", "package(oarlock-sqlite)"),
    ("rules", "package(oarlock-model) or package(oarlock-ops)"),
];

/// The tests of the gateway and of hooks, which look for their own faults alone: they need the program.
const GATEWAY: &str =
    "(package(oarlock) and test(/^gateway::(access|bounds|client|connections|guard|key|lanes|listener|mcp|proof|quota|writer)::/))
  or (package(/^oarlock-(client|server)$/) and test(/^gateway::/))";
const HOOKS: &str =
    "(package(oarlock) and test(/^(clients|cli::hook)::/)) or (package(oarlock-integrations) and test(/^(answering|installing)::/))";
/// Those of the runner: its own, and of the program.
const RUNNER: &str = "package(oarlock-run) or (package(oarlock) and test(/^runner::/))";

/// Those of what a repository, a clone or another user brings.
const TRUST: &str = "(package(oarlock-sqlite) and test(/^hostile::/)) or (package(oarlock) and test(/^(hostile|gateway::access)::/))
  or (package(oarlock-client) and test(/^(config|trust)::/)) or (package(oarlock-server) and test(/^gateway::access::/))";

/// Those of tasks that stand in files beside the store too.
const FILES: &str = "package(oarlock-ralf) or (package(oarlock-model) and test(/^rules::intent::/))
  or (package(oarlock-testkit) and test(/^(simulation::with_a_list|scripts)/))";
/// Those of RALF's files: their own, and of the program.
const RALF: &str = "package(oarlock-ralf) or (package(oarlock) and test(/^ralf::/))";

/// The faults of `--smoke`: one of the rules, one of an operation, one of the store.
const SMOKE: [Fault; 3] = [seeded::NO_TOKEN_CHECK, seeded::POLLING_RENEWS, seeded::BOUND_NOT_LOWERED];

/// Seed faults and require the tests to catch them.
///
/// Runs the scripts, the random histories, the simulations, and the tests of the store and of the rules with each fault, and
/// fails when one of them is caught by none.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Which; all of them unless some are named.
    #[arg(value_name = "FAULT", value_parser = names())]
    faults: Vec<String>,
    /// Takes three faults, and stops at the first catch.
    #[arg(long)]
    smoke: bool,
}

fn names() -> PossibleValuesParser {
    seeded::ALL.iter().map(|fault| fault.name).into()
}

/// Seeds what the arguments ask for.
///
/// # Errors
/// The tests cannot be built, or a fault that nothing catches.
pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    let is_smoke = arguments.smoke;
    let faults = match (arguments.faults.as_slice(), is_smoke) {
        ([], true) => SMOKE.to_vec(),
        ([], false) => seeded::ALL.to_vec(),
        (named, _) => seeded::ALL.iter().filter(|fault| named.iter().any(|name| name == fault.name)).copied().collect(),
    };
    if !tests(&["--no-run"]).status()?.success() {
        return Err("the tests cannot be built".into());
    }
    // Whatever fails without a fault would be taken for a catch.
    let are_needed = faults.iter().any(|fault| matches!(fault.breaks, Breaks::Semantics(_)));
    let families = if is_smoke { 2 } else { FAMILIES.len() };
    for (family, filter) in FAMILIES.iter().take(families).filter(|_| are_needed) {
        if catches(filter, None)?.is_some() {
            return Err(format!("the {family} fail without any fault").into());
        }
    }
    for (what, filter) in [
        (Breaks::Gateway, GATEWAY),
        (Breaks::Hooks, HOOKS),
        (Breaks::Runner, RUNNER),
        (Breaks::Trust, TRUST),
        (Breaks::Files, FILES),
        (Breaks::Ralf, RALF),
    ] {
        if faults.iter().any(|fault| fault.breaks == what) && catches(filter, None)?.is_some() {
            return Err(format!("the tests {filter} fail without any fault").into());
        }
    }
    let mut missed = Vec::new();
    say(format!("{:<26}{:>10}{}", "fault", "semantics", FAMILIES.map(|(family, _)| format!("{family:>12}")).concat()));
    for fault in faults {
        warn(format_args!("{} …", fault.name));
        let (own, what) = match fault.breaks {
            Breaks::Gateway => (Some(GATEWAY), "gateway".to_owned()),
            Breaks::Hooks => (Some(HOOKS), "hooks".to_owned()),
            Breaks::Runner => (Some(RUNNER), "runner".to_owned()),
            Breaks::Trust => (Some(TRUST), "trust".to_owned()),
            Breaks::Files => (Some(FILES), "files".to_owned()),
            Breaks::Ralf => (Some(RALF), "ralf".to_owned()),
            Breaks::Semantics(number) => (None, number.to_string()),
        };
        if let Some(filter) = own {
            let seconds = catches(filter, Some(fault))?;
            say(format!("{:<26}{what:>10}{}", fault.name, seconds.map_or("           -".into(), |seconds| format!("{seconds:>10.1} s"))));
            if seconds.is_none() {
                missed.push(fault.name);
            }
            continue;
        }
        let mut row = format!("{:<26}{what:>10}", fault.name);
        let mut is_caught = false;
        for (_, filter) in FAMILIES {
            let seconds = if is_smoke && is_caught { None } else { catches(filter, Some(fault))? };
            is_caught |= seconds.is_some();
            row.push_str(&seconds.map_or(format!("{:>12}", "-"), |seconds| format!("{seconds:>10.1} s")));
        }
        say(&row);
        if !is_caught {
            missed.push(fault.name);
        }
    }
    if missed.is_empty() { Ok(()) } else { Err(format!("not caught: {}", missed.join(", ")).into()) }
}

/// How soon a family of tests catches the fault, in seconds, if it does.
fn catches(filter: &str, fault: Option<Fault>) -> Outcome<Option<f64>> {
    let mut command = tests(&["--filterset", filter]);
    // The program is built with the others only where it is needed.
    if [GATEWAY, HOOKS, RUNNER, TRUST, RALF].contains(&filter) {
        let packages = ["oarlock", "oarlock-client", "oarlock-integrations", "oarlock-server", "oarlock-run", "oarlock-ralf"];
        command.args(packages.iter().flat_map(|package| ["--package", package]));
    }
    if filter == FILES {
        command.args(["--package", "oarlock-ralf"]);
    }
    if let Some(fault) = fault {
        command.env("OARLOCK_SEEDED_FAULT", fault.name);
    }
    let begun = Instant::now();
    let passed = command.stdout(Stdio::null()).stderr(Stdio::null()).status()?.success();
    Ok((!passed).then(|| begun.elapsed().as_secs_f64()))
}

fn tests(arguments: &[&str]) -> Command {
    let mut command = workspace::cargo();
    command.args(["nextest", "run", "--cargo-quiet", "--features", "oarlock-model/seeded-faults"]);
    command.args(["oarlock-model", "oarlock-ops", "oarlock-sqlite", "oarlock-testkit"].iter().flat_map(|package| ["--package", package]));
    command.args(arguments);
    command
}

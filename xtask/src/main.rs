//! Development commands, run as `cargo xtask NAME`: checks that keep the tree tidy, counts, and benches.
//!
//! Nothing here is part of what users run.

mod bench;
mod ci;
mod clients;
mod conformance;
mod flood;
mod fuzz;
mod gateway;
mod limits;
mod lines;
mod node;
mod output;
mod package;
mod planted;
mod power;
mod scripts;
mod served;
mod simulate;
mod storm;
mod targets;
mod tidy;
mod trees;
mod workspace;

use std::process::ExitCode;

use output::Outcome;

const USAGE: &str = "usage: cargo xtask COMMAND
  tidy                     check crate edges, where SQL stands, lengths, and what is left unfinished
  limits [--scale N]       fill a store to its limits and measure every verb there; --help tells more
  lines                    count lines of code of each crate, tests apart
  ci                       formatting, lints and tidy: what has to pass beside the tests
  planted [BUG…]           plant bugs and require the tests to catch them; --help tells more
  simulate [--seed N] …    run seeded simulations; --help tells more
  storm [--kills N]        kill processes that use one store, and judge what they were told
  clients [NAME…]          run the real clients of coding agents against a scripted model
  conformance              run the conformance suite of MCP against the gateway's stack
  gateway [--kills N]      kill a gateway under clients that repeat what they have no answer to; --help tells more
  flood [--seconds N] …    an agent floods a gateway while others work; --help tells more
  scripts [--seconds N] …  old writers of RALF's files beside agents of a store; --race: who runs each task; --help tells more
  trees --repo GITDIR …    real projects of RALF's agents, attached, worked on, moved and detached; --help tells more
  targets                  test the portable answers of oarlock-host, and check the program for Windows and macOS
  package                  build what is handed out: archive, .deb, wheel, packages of npm
  fuzz [TARGET…]           feed what reads with made-up inputs, guided by coverage
  power [--cuts N]         let the power go below stores on a simulated disk
  bench [NAME…] [--quick]  compare Oarlock with a bare floor in one run; --help lists the names";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::warn(format_args!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Outcome<()> {
    let rest = arguments.get(1..).unwrap_or_default();
    match arguments.first().map(String::as_str) {
        Some("tidy") => tidy::run(),
        Some("lines") => lines::run(),
        Some("limits") => limits::run(rest),
        Some("ci") => ci::run(),
        Some("bench") => bench::run(rest),
        Some("package") => package::run(rest),
        Some("planted") => planted::run(rest),
        Some("power") => power::run(rest),
        Some("storm") => storm::run(rest),
        Some(storm::WORKER) => storm::work(rest),
        Some("scripts") => scripts::run(rest),
        Some("trees") => trees::run(rest),
        Some(scripts::WORKER) => scripts::work(rest),
        Some("flood") => flood::run(rest),
        Some("gateway") => gateway::run(rest),
        Some("clients") => clients::run(rest),
        Some("targets") => targets::run(rest),
        Some("conformance") => conformance::run(rest),
        Some("fuzz") => fuzz::run(rest),
        Some("simulate") => simulate::run(rest),
        Some(bench::WORKER) => bench::work(rest),
        Some("help" | "--help" | "-h") => {
            output::say(USAGE);
            Ok(())
        }
        _ => Err(USAGE.into()),
    }
}

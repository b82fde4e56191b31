//! Development commands, run as `cargo xtask NAME`: checks that keep the tree tidy, counts, and benches.
//!
//! Nothing here is part of what users run.

mod bench;
mod ci;
mod clients;
mod conformance;
mod cooperbench;
mod crash_test;
mod docs;
mod flood;
mod fuzz;
mod gateway;
mod landing_kills;
mod limits;
mod lines;
mod node;
mod output;
mod package;
mod power;
mod python;
mod scripts;
mod seeded_faults;
mod served;
mod simulate;
mod steady;
mod targets;
mod tidy;
mod trees;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use output::Outcome;

/// Development commands of this workspace. Each builds what it needs.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct CommandLine {
    #[command(subcommand)]
    verb: Verb,
}

/// The commands; the text of each is with its arguments.
#[derive(Subcommand)]
enum Verb {
    Tidy(tidy::Arguments),
    Limits(limits::Arguments),
    Lines(lines::Arguments),
    Ci(ci::Arguments),
    Docs(docs::Arguments),
    SeededFaults(seeded_faults::Arguments),
    Simulate(simulate::Arguments),
    Steady(steady::Arguments),
    CrashTest(crash_test::Arguments),
    LandingKills(landing_kills::Arguments),
    Clients(clients::Arguments),
    Conformance(conformance::Arguments),
    Cooperbench(cooperbench::Arguments),
    Gateway(gateway::Arguments),
    Flood(flood::Arguments),
    Scripts(scripts::Arguments),
    Trees(trees::Arguments),
    Targets(targets::Arguments),
    Package(package::Arguments),
    Fuzz(fuzz::Arguments),
    Power(power::Arguments),
    Bench(bench::Arguments),
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::warn(format_args!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Outcome<()> {
    // Processes that benches and crash tests start pay for no parser: what they are compared with has none.
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        Some((crash_test::WORKER, rest)) => return crash_test::work(rest),
        Some((steady::WORKER, _)) => steady::work(),
        Some((scripts::WORKER, rest)) => return scripts::work(rest),
        Some((bench::WORKER, rest)) => return bench::work(rest),
        _ => {}
    }
    match CommandLine::parse().verb {
        Verb::Tidy(_) => tidy::run(),
        Verb::Limits(arguments) => limits::run(&arguments),
        Verb::Lines(_) => lines::run(),
        Verb::Ci(_) => ci::run(),
        Verb::Docs(arguments) => docs::run(&arguments),
        Verb::SeededFaults(arguments) => seeded_faults::run(&arguments),
        Verb::Simulate(arguments) => simulate::run(&arguments),
        Verb::Steady(arguments) => steady::run(&arguments),
        Verb::CrashTest(arguments) => crash_test::run(&arguments),
        Verb::LandingKills(arguments) => landing_kills::run(&arguments),
        Verb::Clients(arguments) => clients::run(&arguments),
        Verb::Conformance(_) => conformance::run(),
        Verb::Cooperbench(arguments) => cooperbench::run(&arguments),
        Verb::Gateway(arguments) => gateway::run(&arguments),
        Verb::Flood(arguments) => flood::run(&arguments),
        Verb::Scripts(arguments) => scripts::run(&arguments),
        Verb::Trees(arguments) => trees::run(&arguments),
        Verb::Targets(_) => targets::run(),
        Verb::Package(_) => package::run(),
        Verb::Fuzz(arguments) => fuzz::run(&arguments),
        Verb::Power(arguments) => power::run(&arguments),
        Verb::Bench(arguments) => bench::run(&arguments),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn every_command_says_what_it_is_for() {
        let command = CommandLine::command();
        command.clone().debug_assert();
        for verb in command.get_subcommands() {
            assert!(verb.get_about().is_some(), "{}", verb.get_name());
            for argument in verb.get_arguments() {
                assert!(argument.get_help().is_some(), "{} {}", verb.get_name(), argument.get_id());
            }
        }
    }

    #[test]
    fn what_the_documents_show_is_understood() {
        for line in [
            "bench processes --quick --dir /tmp --program target/dist/oarlock",
            "limits claim --scale 100 --json",
            "seeded-faults --smoke",
            "docs",
            "docs --book",
            "docs --sentences",
            "seeded-faults no-token-check",
            "simulate --seed 7 --steps 1200 --store gateway --beside",
            "steady contract --runs 3 --busy 4 --portable",
            "crash-test --kills 60",
            "landing-kills --runs 3 --seed 7 --keep",
            "gateway --kills 20 --clients 4 --seed 1",
            "flood --smoke tasks",
            "flood --seconds 60",
            "scripts --seconds 5 --unlocked",
            "scripts --race --seconds 5 --task-time 0.3,2 --old none --keep x",
            "trees --repo a --repo b --count 4 --only abc --keep x",
            "clients claude opencode",
            "fuzz --seconds 5 --keep",
            "power --seed 1 --cuts 10",
        ] {
            let words = std::iter::once("cargo xtask").chain(line.split(' '));
            let parsed = CommandLine::try_parse_from(words);
            assert!(parsed.is_ok(), "{line}: {}", parsed.err().map(|error| error.to_string()).unwrap_or_default());
        }
        for line in [
            "trees",
            "scripts --old none",
            "scripts --race --unlocked",
            "crash-test --kills many",
            "flood nothing",
            "seeded-faults nothing",
        ] {
            let words = std::iter::once("cargo xtask").chain(line.split(' '));
            assert!(CommandLine::try_parse_from(words).is_err(), "{line}");
        }
    }
}

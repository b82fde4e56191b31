//! The command line: parses, asks the registry, prints. It decides nothing.

#[cfg(feature = "gateway")]
mod access;
mod admin;
mod args;
mod by_agent;
mod common;
mod complete;
mod exec;
mod gather;
mod help;
mod hook;
mod init;
mod man;
#[cfg(feature = "gateway")]
mod mcp;
mod merge;
mod output;
mod own_args;
mod pictures;
mod progress;
mod ralf;
mod report;
mod runner;
mod selftest;
#[cfg(feature = "gateway")]
mod serve;
mod setup;
mod signals;
mod usage;
pub mod verbs;
mod worktrees;

use clap::error::ErrorKind;
use oarlock_ops::OpError;
use std::ffi::OsString;

use common::Common;
use output::Output;
use usage::usage_error;

/// Runs a command line and returns its exit code.
pub fn run(argv: impl IntoIterator<Item = OsString>) -> u8 {
    let argv: Vec<OsString> = argv.into_iter().collect();
    if let Some(code) = complete::answer(&argv) {
        return code;
    }
    // Errors of the command line itself are reported in JSON too, so this is looked up before it is parsed.
    let json = argv.iter().skip(1).take_while(|arg| *arg != "--").any(|arg| arg == "--json");
    let matches = match args::command(&argv).try_get_matches_from(&argv) {
        Ok(matches) => matches,
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            return Output::plain(json).text(&error.render().to_string());
        }
        Err(error) => return hook::not_a_refusal(&argv, Output::plain(json).fail(&usage_error(error))),
    };
    let common = match Common::read(&matches) {
        Ok(common) => common,
        Err(error) => return hook::not_a_refusal(&argv, Output::plain(json).fail(&error)),
    };
    let output = Output::new(common.json, common.quiet, common.full);
    match exec::execute(&matches, &common, &output) {
        Ok(code) => code,
        Err(error) => output.fail(&error),
    }
}

/// A panic is a bug: say so in the form that was asked for, with the exit code of the contract.
pub fn install_panic_report() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(|at| format!("{}:{}", at.file(), at.line())).unwrap_or_default();
        let message =
            info.payload().downcast_ref::<&str>().map(|s| (*s).to_owned()).or_else(|| info.payload().downcast_ref::<String>().cloned());
        let error = OpError::Internal(format!("{} ({place})", message.unwrap_or_else(|| "unknown".into())));
        let json = std::env::args_os().skip(1).take_while(|arg| *arg != "--").any(|arg| arg == "--json");
        std::process::exit(i32::from(Output::plain(json).fail(&error)));
    }));
}

//! The command line: parses, asks the registry, prints. It decides nothing.

mod access;
mod args;
mod complete;
mod exec;
mod gather;
mod hook;
mod init;
mod man;
mod mcp;
mod output;
mod ralf;
mod runner;
mod selftest;
mod serve;
mod setup;
mod signals;
mod stewardship;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use oarlock_model::Rejection;
use oarlock_ops::OpError;
use std::ffi::OsString;

use args::Common;
pub(crate) use exec::Help;
use output::Output;
pub(crate) use setup::SetUp;

/// Runs a command line and returns its exit code.
pub fn run(argv: impl IntoIterator<Item = OsString>) -> u8 {
    let argv: Vec<OsString> = argv.into_iter().collect();
    if let Some(code) = complete::answer(&argv) {
        return code;
    }
    // Errors of the command line itself are told in JSON too, so this is looked up before it is parsed.
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

/// The hint for a flag that this verb does not have and others have; to pass it as a value, as clap advises, is not what was meant.
fn foreign_flag(error: &clap::Error) -> Option<String> {
    let (ErrorKind::UnknownArgument, Some(ContextValue::String(flag))) = (error.kind(), error.get(ContextKind::InvalidArg)) else {
        return None;
    };
    let verbs = args::verbs_with(flag.strip_prefix("--")?.split('=').next()?);
    if verbs.is_empty() {
        return None;
    }
    let text = error.render().to_string();
    let usage = text.lines().find_map(|line| line.trim().strip_prefix("Usage: ")).unwrap_or_default().to_owned();
    Some(format!("{flag} is a flag of {}; usage here: {usage}", verbs.join(", ")))
}

/// What clap refused, in the words of the contract: a bad value is `invalid_request`, the rest `usage`.
fn usage_error(error: clap::Error) -> OpError {
    let source = std::error::Error::source(&error);
    if let Some(rejection) = source.and_then(|source| source.downcast_ref::<Rejection>()) {
        return rejection.clone().into();
    }
    if let Some(op) = source.and_then(|source| source.downcast_ref::<OpError>()) {
        return op.clone();
    }
    let text = error.render().to_string();
    // The first paragraph says what is wrong, the rest what to do.
    let (what, rest) = text.split_once("\n\n").unwrap_or((&text, ""));
    let joined = |text: &str, with: &str| text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(with);
    let message = joined(what.trim_start_matches("error: "), " ");
    let hint = foreign_flag(&error).unwrap_or_else(|| joined(rest, "; "));
    let has_value = matches!(error.get(ContextKind::InvalidValue), Some(ContextValue::String(value)) if !value.is_empty());
    match error.kind() {
        ErrorKind::ValueValidation => Rejection::invalid(message, hint).into(),
        ErrorKind::InvalidValue if has_value => Rejection::invalid(message, hint).into(),
        _ => OpError::Usage { message, hint },
    }
}

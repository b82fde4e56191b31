//! The command line's shape: common flags, the registry's verbs, and the verbs that need this machine.

use clap::{Args, Command};
use oarlock_ops::OpError;
use oarlock_ops::admin::{Backup, Doctor, Export, Import, Restore};
use oarlock_ops::registry;
use oarlock_ops::teaching::{self, Speech};
use std::ffi::OsString;
use std::path::PathBuf;

#[cfg(feature = "gateway")]
use super::access::AccessArgs;
use super::common::flags;
use super::hook::HookArgs;
use super::init::Init;
#[cfg(feature = "gateway")]
use super::mcp::McpArgs;
use super::ralf::Ralf;
use super::runner::{RunArgs, WorkArgs};
use super::selftest::Selftest;
#[cfg(feature = "gateway")]
use super::serve::ServeArgs;
use super::setup::SetupArgs;

/// A verb, its line of help, and its arguments.
type LocalVerb = (&'static str, &'static str, fn(Command) -> Command);

/// The verbs that need more than a store: who they are and what they do.
const LOCAL_VERBS: &[LocalVerb] = &[
    ("init", "Make the project; safe to repeat", registry::arguments::<Init>),
    ("work", "Claim tasks and run a command for each", registry::arguments::<WorkArgs>),
    ("run", "Split a file or task and work on its parts with several workers", registry::arguments::<RunArgs>),
    ("export", "Write the log to a file or to standard output", registry::arguments::<Export>),
    ("import", "Replay an exported log into an empty store", registry::arguments::<Import>),
    ("backup", "Copy the store while others go on working", registry::arguments::<Backup>),
    ("restore", "Replace the store by a backup; all sessions and leases end", registry::arguments::<Restore>),
    ("ralf", "Read the files of RALF agents, damaged ones too", registry::arguments::<Ralf>),
    ("selftest", "Show that the promises hold on this machine, in a scratch store", registry::arguments::<Selftest>),
    #[cfg(feature = "gateway")]
    ("serve", "Serve the store over HTTP", registry::arguments::<ServeArgs>),
    #[cfg(feature = "gateway")]
    ("mcp", "Serve the Model Context Protocol to the agent that starts it", registry::arguments::<McpArgs>),
    #[cfg(feature = "gateway")]
    ("access", "Make, list and revoke the keys by which others may use the gateway", registry::arguments::<AccessArgs>),
    ("setup", "Set up coding agents' clients, and take it back with --remove", registry::arguments::<SetupArgs>),
    ("hook", "Answer the hook of a coding agent's client, or of git", registry::arguments::<HookArgs>),
    ("completions", "Print what makes a shell complete verbs, flags, ids and names", registry::arguments::<CompletionsArgs>),
    ("man", "Print a page of the manual", registry::arguments::<ManArgs>),
    ("doctor", "Look for damage in the store, and mend it with --fix", registry::arguments::<Doctor>),
];

/// The whole command. Only the verbs that stand in `argv` get their arguments: a one-shot command
/// spends its time on its own, and building forty verbs would cost more than claiming a task.
pub(crate) fn command(argv: &[OsString]) -> Command {
    let named = |verb: &str| argv.iter().any(|arg| arg == verb);
    let verb_command = |verb: &'static str, about: &'static str, arguments: fn(Command) -> Command| {
        let command = Command::new(verb).about(about);
        if named(verb) { arguments(command).args(flags()) } else { command }
    };
    let local = LOCAL_VERBS.iter().map(|(verb, about, arguments)| verb_command(verb, about, *arguments));
    let registered = registry::ENTRIES.iter().map(|entry| verb_command(entry.verb, entry.about, entry.arguments));
    let asks_for_help = argv.iter().skip(1).any(|arg| arg == "--help" || arg == "-h" || arg == "help");
    let the_loop = if asks_for_help { format!("The loop of an agent:\n{}", teaching::the_loop(Speech::Commands)) } else { String::new() };
    // `init` comes first, then the registry, then what works on whole stores.
    Command::new("oarlock")
        .after_help(the_loop)
        .about("Lets many coding agents work on one repository without fouling each other")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .disable_help_subcommand(true)
        .args(flags())
        .subcommands(local.clone().take(1))
        .subcommands(registered)
        .subcommands(local.skip(1))
        .subcommand(verb_command("help", "Print this help, or that of a verb", registry::arguments::<HelpArgs>))
}

/// Print this help, or that of a verb.
#[derive(Clone, Debug, Args)]
pub(crate) struct HelpArgs {
    /// The verb; without it all verbs are listed
    #[arg(value_name = "VERB")]
    verb: Option<String>,
}

impl HelpArgs {
    /// The text that `--help` prints there.
    ///
    /// # Errors
    /// `usage` for what is no verb.
    pub(crate) fn text(&self) -> Result<String, OpError> {
        let line: Vec<OsString> = ["oarlock"].into_iter().chain(self.verb.as_deref()).chain(["--help"]).map(OsString::from).collect();
        match command(&line).try_get_matches_from(&line) {
            Err(help) if help.kind() == clap::error::ErrorKind::DisplayHelp => Ok(help.render().to_string()),
            _ => Err(no_verb(self.verb.as_deref().unwrap_or_default())),
        }
    }
}

/// Prints a script for a shell: with it, the shell completes verbs, flags, ids of tasks and names of agents.
#[derive(Clone, Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_parser = ["bash", "elvish", "fish", "powershell", "zsh"])]
    pub(crate) shell: String,
}

/// Prints a page of the manual: of the program or of a verb.
#[derive(Clone, Debug, Args)]
pub(crate) struct ManArgs {
    /// The verb; without it the page of the program
    #[arg(value_name = "VERB")]
    pub(crate) verb: Option<String>,
    /// Write all pages into this folder instead
    #[arg(long, value_name = "DIR", conflicts_with = "verb")]
    pub(crate) out: Option<PathBuf>,
}

/// What is no verb.
pub(crate) fn no_verb(word: &str) -> OpError {
    let message = format!("there is no command {}", oarlock_model::ident::shown(word));
    OpError::Usage { message, hint: "`oarlock help` lists them".into() }
}

/// A line on which every verb stands, for a [`command`] with the arguments of all of them.
pub(crate) fn every_verb() -> Vec<OsString> {
    let local = LOCAL_VERBS.iter().map(|(verb, ..)| *verb);
    local.chain(registry::ENTRIES.iter().map(|entry| entry.verb)).map(OsString::from).collect()
}

/// The verbs that have a flag of this name, without its dashes.
pub(crate) fn verbs_with(flag: &str) -> Vec<&'static str> {
    let all = LOCAL_VERBS.iter().map(|(verb, _, arguments)| (*verb, *arguments));
    let all = all.chain(registry::ENTRIES.iter().map(|entry| (entry.verb, entry.arguments)));
    let has = |arguments: fn(Command) -> Command, verb: &'static str| {
        arguments(Command::new(verb)).get_arguments().any(|arg| arg.get_long() == Some(flag) && !arg.is_hide_set())
    };
    all.filter(|(verb, arguments)| has(*arguments, verb)).map(|(verb, _)| verb).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_verb_is_well_formed() {
        let verbs: Vec<String> = super::command(&[]).get_subcommands().map(|verb| verb.get_name().to_owned()).collect();
        assert!(verbs.len() > 40, "{verbs:?}");
        for verb in verbs {
            let argv = ["oarlock".into(), verb.clone().into(), "--help".into()];
            let error = super::command(&argv).try_get_matches_from(&argv).expect_err("help ends the parse");
            assert_eq!(error.kind(), clap::error::ErrorKind::DisplayHelp, "{verb}");
        }
    }
}

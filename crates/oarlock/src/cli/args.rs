//! The command line's shape: common flags, the registry's verbs, and the verbs that need this machine.

use clap::{Arg, ArgAction, ArgMatches, Args, Command};
use oarlock_model::duration::Duration;
use oarlock_model::{AgentName, Rejection, SessionId};
use oarlock_ops::OpError;
use oarlock_ops::admin::{Backup, Doctor, Export, Import, Restore};
use oarlock_ops::registry;

use super::init::Init;
use super::runner::{RunArgs, WorkArgs};

/// The verbs that need more than a store: who they are and what they do.
const LOCAL_VERBS: &[(&str, &str, fn(Command) -> Command)] = &[
    ("init", "Make the project; safe to repeat", Init::augment_args),
    ("work", "Claim tasks and run a command for each", WorkArgs::augment_args),
    ("run", "Split a file or task and work on its parts with several workers", RunArgs::augment_args),
    ("export", "Write the log to a file or to standard output", Export::augment_args),
    ("import", "Replay an exported log into an empty store", Import::augment_args),
    ("backup", "Copy the store while others go on working", Backup::augment_args),
    ("restore", "Replace the store by a backup; all sessions and leases end", Restore::augment_args),
    ("doctor", "Look for damage in the store, and mend it with --fix", Doctor::augment_args),
];

/// The whole command. The arguments of a verb are only built when it is used: a one-shot command
/// spends its time on its own.
pub(crate) fn command() -> Command {
    let mut root = Command::new("oarlock")
        .about("Lets many coding agents work on one repository without fouling each other")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .disable_help_subcommand(true)
        .infer_long_args(false)
        .args(common());
    let (init, rest) = LOCAL_VERBS.split_at(1);
    root = root.subcommands(init.iter().map(|(verb, about, arguments)| verb_command(verb, about, *arguments)));
    root = root.subcommands(registry::ENTRIES.iter().map(|entry| verb_command(entry.verb, entry.about, entry.arguments)));
    root.subcommands(rest.iter().map(|(verb, about, arguments)| verb_command(verb, about, *arguments)))
}

fn verb_command(verb: &'static str, about: &'static str, arguments: fn(Command) -> Command) -> Command {
    Command::new(verb).about(about).defer(arguments)
}

fn common() -> [Arg; 8] {
    let value = |id: &'static str, name: &'static str, help: &'static str| Arg::new(id).long(id).value_name(name).help(help).global(true).help_heading("Common options");
    let flag = |id: &'static str, short: Option<char>, help: &'static str| {
        let arg = Arg::new(id).long(id).action(ArgAction::SetTrue).help(help).global(true).help_heading("Common options");
        if let Some(short) = short { arg.short(short) } else { arg }
    };
    [
        value("store", "URL", "The store: sqlite:PATH [env OARLOCK_STORE; default: that of the repository]"),
        value("as", "NAME", "Who is calling [env OARLOCK_AGENT]"),
        value("session", "ID", "The session meant [env OARLOCK_SESSION]"),
        value("key", "KEY", "Idempotency key: the same call again gives the same reply"),
        value("busy", "D", "How long to wait for a busy store [default: 30s]"),
        flag("json", None, "Print one JSON object, errors too"),
        flag("quiet", Some('q'), "Print only ids"),
        flag("verbose", Some('v'), "Say on standard error which store is used and how long it took"),
    ]
}

/// The common flags, with the environment where a flag is not given.
#[derive(Clone, Debug)]
pub(crate) struct Common {
    pub(crate) store: Option<String>,
    pub(crate) name: Option<AgentName>,
    pub(crate) session: Option<SessionId>,
    pub(crate) key: Option<String>,
    pub(crate) busy: Option<Duration>,
    pub(crate) json: bool,
    pub(crate) quiet: bool,
    pub(crate) verbose: bool,
}

impl Common {
    pub(crate) fn read(root: &ArgMatches) -> Result<Self, OpError> {
        // Global arguments are seen from the verb's matches, wherever they stood.
        let matches = root.subcommand().map_or(root, |(_, matches)| matches);
        let text = |id: &str| matches.get_one::<String>(id).cloned();
        let given_name = text("as").map(|name| AgentName::parse(&name)).transpose()?;
        let name = match &given_name {
            Some(name) => Some(name.clone()),
            None => environment("OARLOCK_AGENT").map(|name| AgentName::parse(&name)).transpose()?,
        };
        let session = match text("session") {
            Some(session) => Some(SessionId::parse(&session)?),
            None => environment("OARLOCK_SESSION").map(|session| SessionId::parse(&session)).transpose()?.filter(|session| {
                // A name given by hand is another agent than the one this environment was made for.
                given_name.as_ref().is_none_or(|name| session.agent().as_ref() == Some(name))
            }),
        };
        Ok(Self {
            store: text("store").or_else(|| environment("OARLOCK_STORE")),
            name,
            session,
            key: text("key"),
            busy: text("busy").map(|busy| busy.parse::<Duration>()).transpose().map_err(|error: Rejection| error)?,
            json: matches.get_flag("json"),
            quiet: matches.get_flag("quiet"),
            verbose: matches.get_flag("verbose"),
        })
    }
}

/// An environment variable; empty counts as unset.
pub(crate) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_well_formed() {
        super::command().debug_assert();
    }
}

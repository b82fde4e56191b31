//! The command line's shape: common flags, the registry's verbs, and the verbs that need this machine.

use clap::{Arg, ArgAction, ArgMatches, Args, Command};
use oarlock_model::duration::Duration;
use oarlock_model::{AgentName, Rejection, SessionId};
use oarlock_ops::OpError;
use oarlock_ops::admin::{Backup, Doctor, Export, Import, Restore};
use oarlock_ops::registry;
use oarlock_ops::teaching::{self, Speech};
use std::ffi::OsString;

use super::access::AccessArgs;
use super::complete::CompletionsArgs;
use super::hook::HookArgs;
use super::init::Init;
use super::man::ManArgs;
use super::mcp::McpArgs;
use super::ralf::Ralf;
use super::runner::{RunArgs, WorkArgs};
use super::selftest::Selftest;
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
    ("serve", "Serve the store over HTTP", registry::arguments::<ServeArgs>),
    ("mcp", "Serve the Model Context Protocol to the agent that starts it", registry::arguments::<McpArgs>),
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
        if named(verb) { arguments(command).args(common()) } else { command }
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
        .args(common())
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

/// What the ids of common flags begin with.
const COMMON: &str = "common-";

fn common() -> [Arg; 9] {
    // Ids of their own: a verb may have an operand called "key" or "session".
    let value = |id: &'static str, name: &'static str, help: &'static str| {
        Arg::new(id).long(id.trim_start_matches(COMMON)).value_name(name).help(help).help_heading("Common options")
    };
    let flag = |id: &'static str, short: Option<char>, help: &'static str| {
        let arg = Arg::new(id)
            .long(id.trim_start_matches(COMMON))
            .action(ArgAction::SetTrue)
            .overrides_with(id)
            .help(help)
            .help_heading("Common options");
        if let Some(short) = short { arg.short(short) } else { arg }
    };
    [
        value(
            "common-store",
            "URL",
            "The store: sqlite:PATH, or a gateway, http(s)://HOST:PORT or unix:PATH [env OARLOCK_STORE; default: that of the repository]",
        )
        .value_parser(clap::value_parser!(OsString)),
        value("common-as", "NAME", "Who is calling [env OARLOCK_AGENT]"),
        value("common-session", "ID", "The session meant [env OARLOCK_SESSION]"),
        value("common-idempotency-key", "KEY", "The same call again with the same key gives the same reply").alias("key"),
        value("common-lock-timeout", "D", "How long to wait for a busy store [default: 30s]").alias("busy"),
        flag("common-json", None, "Print one JSON object, errors too"),
        flag("common-quiet", Some('q'), "Print only ids"),
        flag("common-full", None, "Print all of a reply, also the parts that you have already"),
        flag("common-verbose", Some('v'), "Say on standard error which store is used and how long it took"),
    ]
}

/// The common flags, with the environment where a flag is not given.
#[derive(Clone, Debug)]
pub(crate) struct Common {
    /// A path in it need not be text.
    pub(crate) store: Option<OsString>,
    pub(crate) name: Option<AgentName>,
    pub(crate) session: Option<SessionId>,
    pub(crate) key: Option<String>,
    pub(crate) busy: Option<Duration>,
    pub(crate) json: bool,
    pub(crate) quiet: bool,
    pub(crate) full: bool,
    pub(crate) verbose: bool,
}

impl Common {
    pub(crate) fn read(root: &ArgMatches) -> Result<Self, OpError> {
        // Common flags may stand before the verb or after it; the later one counts.
        let verb = root.subcommand().map_or(root, |(_, matches)| matches);
        let text = |id: &str| verb.get_one::<String>(id).or_else(|| root.get_one::<String>(id)).cloned();
        let store = verb.get_one::<OsString>("common-store").or_else(|| root.get_one::<OsString>("common-store"));
        let flag = |id: &str| verb.get_flag(id) || root.get_flag(id);
        let given_name = text("common-as").map(|name| AgentName::parse(&name)).transpose()?;
        let name = match &given_name {
            Some(name) => Some(name.clone()),
            None => environment("OARLOCK_AGENT").map(|name| AgentName::parse(&name)).transpose()?,
        };
        let session = match text("common-session") {
            Some(session) => Some(SessionId::parse(&session)?),
            None => environment("OARLOCK_SESSION").map(|session| SessionId::parse(&session)).transpose()?.filter(|session| {
                // A name given by hand is another agent than the one this environment was made for.
                given_name.as_ref().is_none_or(|name| session.agent().or_else(|| session.bare_name()).as_ref() == Some(name))
            }),
        };
        Ok(Self {
            store: store.cloned().or_else(oarlock_client::named_by_environment),
            name,
            session,
            key: text("common-idempotency-key"),
            busy: text("common-lock-timeout").map(|busy| busy.parse::<Duration>()).transpose().map_err(|error: Rejection| error)?,
            json: flag("common-json"),
            quiet: flag("common-quiet"),
            full: flag("common-full"),
            verbose: flag("common-verbose"),
        })
    }
}

impl Common {
    /// The store as text: any URL but that of a file whose path is none.
    pub(crate) fn store_text(&self) -> Option<&str> {
        self.store.as_ref()?.to_str()
    }
}

/// An environment variable; empty counts as unset.
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
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

//! The common flags of all verbs, and what each verb does with them: where the store is, how it is opened, who calls.

use clap::{Arg, ArgAction, ArgMatches};
use oarlock_client::caller::caller;
use oarlock_client::gateway::Client;
use oarlock_client::{Backend, IfMissing, Options, StoreTarget};
use oarlock_model::duration::Duration;
use oarlock_model::{AgentName, Rejection, SessionId};
use oarlock_ops::OpError;
use oarlock_ops::caller::{Caller, Identity};
use oarlock_ops::settings::Settings;
use std::ffi::OsString;

use super::output::note;

/// The prefix of the ids of common flags.
const COMMON: &str = "common-";

/// The flags themselves.
pub(crate) fn flags() -> [Arg; 9] {
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
        value("common-as", "NAME", "The caller's name [env OARLOCK_AGENT]"),
        value("common-session", "ID", "The caller's session [env OARLOCK_SESSION]"),
        value("common-idempotency-key", "KEY", "Make a repeated call with the same key return the first reply").alias("key"),
        value("common-lock-timeout", "D", "How long to wait for a busy store [default: 30s]").alias("busy"),
        flag("common-json", None, "Print one JSON object, errors too"),
        flag("common-quiet", Some('q'), "Print only ids"),
        flag("common-full", None, "Print the whole reply, also texts that the caller sent"),
        flag("common-verbose", Some('v'), "Print the store and the time taken on standard error"),
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
    /// The given values, by flags or by the environment.
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
    /// Where the store is.
    pub(crate) fn target(&self, absent: IfMissing) -> Result<StoreTarget, OpError> {
        StoreTarget::find(self.store.as_deref(), absent)
    }

    /// How the store is opened for this call.
    pub(crate) fn options(&self, settings: &Settings) -> Options {
        oarlock_client::options(settings, self.busy.map(Duration::as_std))
    }

    /// The store of this place, opened for calls.
    pub(crate) fn at_store(&self, target: &StoreTarget, settings: Settings) -> Result<Backend<'static>, OpError> {
        Backend::at_store(target, self.options(&settings), settings)
    }

    /// The gateway that is named as the store, if one is.
    pub(crate) fn gateway(&self) -> Result<Option<Client>, OpError> {
        Client::named(self.store_text(), self.busy.map(Duration::as_std))
    }

    /// Who calls.
    pub(crate) fn caller(&self, identity: Identity) -> Caller {
        caller(self.name.clone(), self.session.clone(), self.key.clone(), identity)
    }

    /// The store as text: any URL but that of a file whose path is none.
    pub(crate) fn store_text(&self) -> Option<&str> {
        self.store.as_ref()?.to_str()
    }
}

/// An environment variable; empty counts as unset.
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The defaults for a command that takes its number of agents from there: people are informed that a project's file may not have this many.
pub(crate) fn settings_with_agents(target: &StoreTarget) -> Result<Settings, OpError> {
    let config = target.config()?;
    if let Some(about) = config.about_agents() {
        note(&about);
    }
    Ok(config.settings)
}

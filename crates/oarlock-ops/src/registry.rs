//! The registry: every operation with its verb. Doors walk it; none of them lists verbs itself.

mod erased;
mod group;

use clap::{Arg, ArgMatches, Command};
use oarlock_model::{Rejection, limits};
use serde_json::Value;

use crate::OpError;
use crate::caller::Identity;
use crate::local::Local;
use crate::request::{Mutation, Query, Request, TextFile};
use crate::schema::{self, SchemaOf};

pub use erased::{Call, asked, ordered};
use erased::{MutationCall, QueryCall};
pub use group::Group;

/// One operation, with its types erased.
#[derive(Clone, Copy)]
pub struct Entry {
    /// The verb, as typed.
    pub verb: &'static str,
    /// One line of help.
    pub about: &'static str,
    /// Where lists of verbs have it.
    pub group: Group,
    /// Whether short help shows it with its line of help, and not by name only.
    pub is_everyday: bool,
    /// Arguments of a working example.
    pub example: &'static [&'static str],
    /// Names that fields of its request had before and that still work.
    pub former_fields: &'static [&'static str],
    /// The flag by which a text of its request may come from a file.
    pub text_file: Option<TextFile>,
    /// Whether it may change something.
    pub mutates: bool,
    /// Whether it needs to know who calls.
    pub identity: Identity,
    /// Adds its arguments to a command.
    pub arguments: fn(Command) -> Command,
    /// Reads it from a parsed command line.
    pub from_matches: fn(&ArgMatches) -> Result<Box<dyn Call>, clap::Error>,
    /// Reads it from JSON.
    pub from_json: fn(Value) -> Result<Box<dyn Call>, OpError>,
    /// The schema of its request.
    pub request_schema: SchemaOf,
    /// The schema of its reply.
    pub reply_schema: SchemaOf,
}

impl Entry {
    /// Reads it from a parsed command line, and fills in what only the caller's machine knows: the texts of files, paths, processes.
    ///
    /// # Errors
    /// `misread` makes an error of the command line's; those of reading files and paths.
    pub fn from_line(
        &self,
        matches: &ArgMatches,
        local: &mut dyn Local,
        misread: impl FnOnce(clap::Error) -> OpError,
    ) -> Result<Box<dyn Call>, OpError> {
        let mut call = (self.from_matches)(matches).map_err(misread)?;
        let file = self.text_file.and_then(|file| matches.get_one::<String>(file.id));
        if let (Some("-"), Some(text)) = (file.map(String::as_str), call.file_text()) {
            *text = Some("-".to_owned());
        }
        call.localise(local)?;
        if let (Some(path), Some(text)) = (file.filter(|path| *path != "-"), call.file_text()) {
            *text = Some(local.read_text(path, limits::BODY_BYTES_MAX)?);
        }
        Ok(call)
    }
}

/// The arguments of a request of the registry: its fields, and the flag for the file of a text.
fn arguments_of<R: Request>(command: Command) -> Command {
    let file = |file: TextFile| {
        let argument = Arg::new(file.id).long(file.flag).value_name("F").help(file.about);
        argument.conflicts_with(file.field).allow_hyphen_values(true)
    };
    arguments::<R>(command).args(R::TEXT_FILE.map(file))
}

/// The arguments of a request, where what follows a flag is its value: `--ttl -1s` is a duration out of
/// range and not an unknown flag.
pub fn arguments<A: clap::Args>(command: Command) -> Command {
    A::augment_args(command).mut_args(|arg| match arg.get_action().takes_values() {
        true if arg.is_positional() => arg.allow_negative_numbers(true),
        // A flag that takes many values ends where the next flag begins.
        true if arg.get_num_args().is_some_and(|values| values.max_values() > 1) => arg.allow_negative_numbers(true),
        true => arg.allow_hyphen_values(true),
        false => arg,
    })
}

/// Reads a request from JSON.
///
/// # Errors
/// `invalid_request` when it is not one of this verb.
pub fn read<R: Request>(value: Value) -> Result<R, OpError> {
    serde_json::from_value(value).map_err(|error| {
        let message = format!("the request of {} cannot be read: {error}", R::VERB);
        Rejection::invalid(message, "correct the field; `oarlock help VERB` shows the forms of values").into()
    })
}

const fn entry<R: Request>(
    group: Group,
    mutates: bool,
    from_matches: fn(&ArgMatches) -> Result<Box<dyn Call>, clap::Error>,
    from_json: fn(Value) -> Result<Box<dyn Call>, OpError>,
) -> Entry {
    Entry {
        verb: R::VERB,
        about: R::ABOUT,
        group,
        is_everyday: false,
        example: R::EXAMPLE,
        former_fields: R::FORMER_FIELDS,
        text_file: R::TEXT_FILE,
        mutates,
        identity: R::IDENTITY,
        arguments: arguments_of::<R>,
        from_matches,
        from_json,
        request_schema: schema::of::<R>,
        reply_schema: schema::of::<R::Reply>,
    }
}

const fn asks<Q: Query>(group: Group) -> Entry {
    entry::<Q>(
        group,
        false,
        |matches| Ok(Box::new(QueryCall(Q::from_arg_matches(matches)?))),
        |value| Ok(Box::new(QueryCall(read::<Q>(value)?))),
    )
}

const fn orders<M: Mutation>(group: Group) -> Entry {
    entry::<M>(
        group,
        true,
        |matches| Ok(Box::new(MutationCall(M::from_arg_matches(matches)?))),
        |value| Ok(Box::new(MutationCall(read::<M>(value)?))),
    )
}

impl Entry {
    /// The same, with its line of help in short help too.
    const fn everyday(mut self) -> Self {
        self.is_everyday = true;
        self
    }
}

/// Every operation, in the order in which help lists them.
pub const ENTRIES: &[Entry] = &[
    orders::<crate::agent::Join>(Group::Agents).everyday(),
    asks::<crate::agent::Agents>(Group::Agents).everyday(),
    asks::<crate::agent::ShowAgent>(Group::Agents),
    orders::<crate::agent::Heartbeat>(Group::Agents),
    orders::<crate::agent::Leave>(Group::Agents),
    orders::<crate::task::Add>(Group::Tasks).everyday(),
    orders::<crate::task::Update>(Group::Tasks),
    orders::<crate::task::Note>(Group::Tasks),
    asks::<crate::task::Tasks>(Group::Tasks).everyday(),
    asks::<crate::task::ShowTask>(Group::Tasks).everyday(),
    asks::<crate::task::Ready>(Group::Tasks),
    orders::<crate::task::Depend>(Group::Tasks),
    orders::<crate::task::Split>(Group::Tasks).everyday(),
    orders::<crate::task::Claim>(Group::Tasks).everyday(),
    orders::<crate::task::Renew>(Group::Tasks).everyday(),
    orders::<crate::task::Done>(Group::Tasks).everyday(),
    orders::<crate::task::Fail>(Group::Tasks).everyday(),
    orders::<crate::task::Release>(Group::Tasks).everyday(),
    orders::<crate::task::Requeue>(Group::Tasks),
    orders::<crate::task::Cancel>(Group::Tasks),
    orders::<crate::task::Approve>(Group::Tasks),
    orders::<crate::task::Reject>(Group::Tasks),
    asks::<crate::task::Wait>(Group::Tasks).everyday(),
    orders::<crate::state::Sync>(Group::State).everyday(),
    asks::<crate::state::GetState>(Group::State).everyday(),
    orders::<crate::state::StateSet>(Group::State),
    orders::<crate::state::StateDelete>(Group::State),
    orders::<crate::reservation::Reserve>(Group::Files).everyday(),
    orders::<crate::reservation::Unreserve>(Group::Files),
    asks::<crate::reservation::Reservations>(Group::Files),
    asks::<crate::reservation::Check>(Group::Files).everyday(),
    orders::<crate::message::Send>(Group::Messages).everyday(),
    orders::<crate::message::Inbox>(Group::Messages).everyday(),
    orders::<crate::message::Ack>(Group::Messages).everyday(),
    asks::<crate::message::Thread>(Group::Messages),
    orders::<crate::proposal::Propose>(Group::Messages),
    orders::<crate::proposal::Vote>(Group::Messages),
    asks::<crate::proposal::ShowDecision>(Group::Messages),
    asks::<crate::log::Events>(Group::Project).everyday(),
    asks::<crate::log::Status>(Group::Project).everyday(),
    asks::<crate::log::Attention>(Group::Project).everyday(),
    asks::<crate::log::Prime>(Group::Project).everyday(),
];

/// Operations that no door lists: only the bridge to RALF's files, the landing queue and runs order them.
pub const OF_BRIDGES: &[Entry] = &[
    orders::<crate::task::TakeOutside>(Group::Tasks),
    orders::<crate::task::LeaveOutside>(Group::Tasks),
    orders::<crate::task::FinishOutside>(Group::Tasks),
    orders::<crate::agent::Sighting>(Group::Agents),
    orders::<crate::state::ReportState>(Group::State),
    orders::<crate::landing::TakeLandings>(Group::Tasks),
    orders::<crate::landing::StartLanding>(Group::Tasks),
    orders::<crate::landing::TestedLanding>(Group::Tasks),
    orders::<crate::landing::RequeueLanding>(Group::Tasks),
    orders::<crate::landing::Land>(Group::Tasks),
    orders::<crate::landing::RefuseLanding>(Group::Tasks),
    asks::<crate::landing::LandingStatus>(Group::Tasks),
    orders::<crate::budget::ReportUsage>(Group::Tasks),
    orders::<crate::budget::AskPerson>(Group::Tasks),
    orders::<crate::budget::MarkBudget>(Group::Tasks),
    orders::<crate::landing::PredictConflict>(Group::Tasks),
];

/// The operation of this verb.
pub fn find(verb: &str) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.verb == verb)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_stand_once() {
        for (n, entry) in ENTRIES.iter().enumerate() {
            assert!(ENTRIES[n + 1..].iter().all(|other| other.verb != entry.verb), "{}", entry.verb);
        }
    }

    #[test]
    fn what_says_nothing_is_no_reply_of_any_verb() {
        for entry in ENTRIES {
            let command = (entry.arguments)(Command::new(entry.verb));
            let matches = command.try_get_matches_from(std::iter::once(&entry.verb).chain(entry.example)).expect(entry.verb);
            let call = (entry.from_matches)(&matches).expect("a working example");
            for strange in ["{}", "[]", "null", "true", "0", "\"ok\"", r#"{"ok":true}"#, r#"{"error":"x"}"#, r#"{"data":[]}"#, "[{}]"] {
                assert!(call.read_reply(serde_json::from_str(strange).expect("JSON")).is_none(), "{}: {strange}", entry.verb);
            }
        }
    }

    #[test]
    fn every_example_parses() {
        for entry in ENTRIES {
            let command = (entry.arguments)(Command::new(entry.verb));
            let matches = command.try_get_matches_from(std::iter::once(&entry.verb).chain(entry.example)).expect(entry.verb);
            assert!((entry.from_matches)(&matches).is_ok(), "{}", entry.verb);
        }
    }
}

//! The registry: every operation with its verb. Doors walk it; none of them lists verbs itself.

use clap::{ArgMatches, Command};
use oarlock_model::Rejection;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::OpError;
use crate::call::{self, Caller};
use crate::local::Local;
use crate::outside::Grants;
use crate::request::{Identity, Mutation, Query, Request, Waiting};
use crate::schema::{self, SchemaOf};
use crate::search::{Findings, Tried};
use crate::settings::Settings;
use crate::steps;
use crate::store::{Durability, Store};

/// One operation, with its types erased.
#[derive(Clone, Copy)]
pub struct Entry {
    /// The verb, as typed.
    pub verb: &'static str,
    /// One line of help.
    pub about: &'static str,
    /// Arguments of a working example.
    pub example: &'static [&'static str],
    /// Names that fields of its request had before and that still work.
    pub former_fields: &'static [&'static str],
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

/// A request that has been read.
pub trait Call: Send + Sync {
    /// The verb.
    fn verb(&self) -> &'static str;

    /// Fills in what only the caller's machine knows.
    ///
    /// # Errors
    /// Those of the request.
    fn localise(&mut self, local: &mut dyn Local) -> Result<(), OpError>;

    /// Checks that it asks for nothing that only a door on the caller's own machine can give.
    ///
    /// # Errors
    /// `invalid_request`.
    fn check_remote(&self) -> Result<(), Rejection>;

    /// Whether this request needs an identity.
    fn identity(&self) -> Identity;

    /// How long it is willing to wait.
    fn waiting(&self) -> Option<Waiting>;

    /// Whether it cannot be answered without a store.
    fn needs_store(&self) -> bool;

    /// There is no project around the caller.
    fn has_no_project(&mut self);

    /// The reply, when no store is needed for it.
    ///
    /// # Errors
    /// Refusals.
    fn without_store(&self, settings: &Settings) -> Result<Option<Value>, OpError>;

    /// Runs it, and waits as long as it wants to.
    ///
    /// # Errors
    /// Refusals and store errors.
    fn run(&self, store: &mut dyn Store, caller: &Caller, settings: &Settings) -> Result<Value, OpError>;

    /// Tries it once, whether or not it would wait, with as many searches as it takes; the reply as JSON.
    ///
    /// # Errors
    /// Refusals and store errors.
    fn attempt(&self, store: &mut dyn Store, caller: &Caller, settings: &Settings) -> Result<String, OpError> {
        let mut findings = Findings::default();
        loop {
            match self.try_once(store, caller, settings, &mut findings)? {
                Tried::Done(reply) => return Ok(reply),
                Tried::Search => self.search(store, caller, settings, &mut findings),
                Tried::Portion => {}
            }
        }
    }

    /// One try, which holds the write lock for a bounded time and may ask for a search before the next one; the reply as JSON.
    ///
    /// # Errors
    /// Refusals and store errors.
    fn try_once(
        &self,
        store: &mut dyn Store,
        caller: &Caller,
        settings: &Settings,
        findings: &mut Findings,
    ) -> Result<Tried<String>, OpError>;

    /// Searches for what the last try asked for. It reads only; should it fail, the next try says so.
    fn search(&self, _store: &mut dyn Store, _caller: &Caller, _settings: &Settings, _findings: &mut Findings) {}

    /// While waiting: whether another try may go better. Whoever asks is noted as there.
    ///
    /// # Errors
    /// Refusals and store errors.
    fn is_worth_trying(
        &self,
        store: &mut dyn Store,
        caller: &Caller,
        settings: &Settings,
        findings: &mut Findings,
    ) -> Result<bool, OpError>;

    /// Whether it goes on in a second step: then a refusal of that, or the end of its wait, is a reply.
    fn goes_on(&self) -> bool {
        false
    }

    /// The reply of a call that goes on, when its wait is over or was refused.
    ///
    /// # Errors
    /// The refusal, when its first step was not made; store errors.
    fn give_up(&self, _store: &mut dyn Store, _caller: &Caller, refusal: OpError) -> Result<String, OpError> {
        Err(refusal)
    }

    /// Whether it may grant tasks: on a store that has files beside it, it waits for their lock.
    fn may_grant(&self) -> bool {
        false
    }

    /// How lasting its effects must be; nothing when it has none.
    fn durability(&self) -> Option<Durability>;

    /// Whether a JSON value is a reply of this operation.
    fn is_reply(&self, reply: &Value) -> bool;

    /// The request as JSON, for another door of the same operation.
    ///
    /// # Errors
    /// `internal`.
    fn to_json(&self) -> Result<Value, OpError>;
}

struct Asked<Q>(Q);
struct Ordered<M>(M);

impl<Q: Query> Call for Asked<Q> {
    fn verb(&self) -> &'static str {
        Q::VERB
    }

    fn localise(&mut self, local: &mut dyn Local) -> Result<(), OpError> {
        self.0.localise(local)
    }

    fn check_remote(&self) -> Result<(), Rejection> {
        self.0.check_remote()
    }

    fn identity(&self) -> Identity {
        self.0.identity()
    }

    fn waiting(&self) -> Option<Waiting> {
        self.0.waiting()
    }

    fn needs_store(&self) -> bool {
        true
    }

    fn has_no_project(&mut self) {}

    fn without_store(&self, _settings: &Settings) -> Result<Option<Value>, OpError> {
        Ok(None)
    }

    fn run(&self, store: &mut dyn Store, caller: &Caller, settings: &Settings) -> Result<Value, OpError> {
        Ok(serde_json::to_value(call::query(store, caller, settings, &self.0)?)?)
    }

    fn try_once(
        &self,
        store: &mut dyn Store,
        caller: &Caller,
        settings: &Settings,
        _findings: &mut Findings,
    ) -> Result<Tried<String>, OpError> {
        Ok(Tried::Done(serde_json::to_string(&call::query_once(store, caller, settings, &self.0)?)?))
    }

    fn is_worth_trying(
        &self,
        _store: &mut dyn Store,
        _caller: &Caller,
        _settings: &Settings,
        _findings: &mut Findings,
    ) -> Result<bool, OpError> {
        Ok(true)
    }

    fn durability(&self) -> Option<Durability> {
        None
    }

    fn is_reply(&self, reply: &Value) -> bool {
        reads_as::<Q::Reply>(reply)
    }

    fn to_json(&self) -> Result<Value, OpError> {
        Ok(serde_json::to_value(&self.0)?)
    }
}

impl<M: Mutation> Call for Ordered<M> {
    fn verb(&self) -> &'static str {
        M::VERB
    }

    fn localise(&mut self, local: &mut dyn Local) -> Result<(), OpError> {
        self.0.localise(local)
    }

    fn check_remote(&self) -> Result<(), Rejection> {
        self.0.check_remote()
    }

    fn identity(&self) -> Identity {
        self.0.identity()
    }

    fn waiting(&self) -> Option<Waiting> {
        self.0.waiting()
    }

    fn needs_store(&self) -> bool {
        self.0.needs_store()
    }

    fn has_no_project(&mut self) {
        self.0.has_no_project();
    }

    fn without_store(&self, settings: &Settings) -> Result<Option<Value>, OpError> {
        self.0.without_store(settings)?.map(|reply| Ok(serde_json::to_value(reply)?)).transpose()
    }

    fn run(&self, store: &mut dyn Store, caller: &Caller, settings: &Settings) -> Result<Value, OpError> {
        Ok(serde_json::to_value(call::mutate(store, caller, settings, &self.0)?)?)
    }

    fn try_once(
        &self,
        store: &mut dyn Store,
        caller: &Caller,
        settings: &Settings,
        findings: &mut Findings,
    ) -> Result<Tried<String>, OpError> {
        let tried = match self.0.goes_on() {
            true => steps::try_once(store, caller, settings, &self.0, findings),
            false => call::try_step(store, caller, settings, &self.0, None, findings),
        };
        Ok(match tried? {
            Tried::Done(reply) => Tried::Done(as_text(reply)?),
            Tried::Search => Tried::Search,
            Tried::Portion => Tried::Portion,
        })
    }

    fn search(&self, store: &mut dyn Store, caller: &Caller, settings: &Settings, findings: &mut Findings) {
        call::search(store, caller, settings, &self.0, findings);
    }

    fn goes_on(&self) -> bool {
        self.0.goes_on()
    }

    fn give_up(&self, store: &mut dyn Store, caller: &Caller, refusal: OpError) -> Result<String, OpError> {
        as_text(steps::give_up(store, caller, &self.0, refusal)?)
    }

    fn is_worth_trying(
        &self,
        store: &mut dyn Store,
        caller: &Caller,
        settings: &Settings,
        findings: &mut Findings,
    ) -> Result<bool, OpError> {
        call::is_worth_trying(store, caller, settings, &self.0, findings)
    }

    fn may_grant(&self) -> bool {
        self.0.grants(false) != Grants::Nothing || (self.0.goes_on() && self.0.grants(true) != Grants::Nothing)
    }

    fn durability(&self) -> Option<Durability> {
        Some(M::DURABILITY)
    }

    fn is_reply(&self, reply: &Value) -> bool {
        reads_as::<M::Reply>(reply)
    }

    fn to_json(&self) -> Result<Value, OpError> {
        Ok(serde_json::to_value(&self.0)?)
    }
}

/// A reply as JSON, written once.
fn as_text<T: serde::Serialize>((reply, text): (T, Option<String>)) -> Result<String, OpError> {
    text.map_or_else(|| Ok(serde_json::to_string(&reply)?), Ok)
}

/// Whether a JSON value reads as this reply and says anything of what it has: a reply that may leave out all of its fields would be read
/// from any object.
fn reads_as<T: DeserializeOwned + Serialize>(reply: &Value) -> bool {
    let Some(fields) = reply.as_object() else { return false };
    let read = T::deserialize(reply).ok().and_then(|reply| serde_json::to_value(reply).ok());
    read.as_ref().and_then(Value::as_object).is_some_and(|known| known.keys().any(|name| fields.contains_key(name)))
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
        Rejection::invalid(message, "compare it with the reference of this verb").into()
    })
}

const fn entry<R: Request>(
    mutates: bool,
    from_matches: fn(&ArgMatches) -> Result<Box<dyn Call>, clap::Error>,
    from_json: fn(Value) -> Result<Box<dyn Call>, OpError>,
) -> Entry {
    Entry {
        verb: R::VERB,
        about: R::ABOUT,
        example: R::EXAMPLE,
        former_fields: R::FORMER_FIELDS,
        mutates,
        identity: R::IDENTITY,
        arguments: arguments::<R>,
        from_matches,
        from_json,
        request_schema: schema::of::<R>,
        reply_schema: schema::of::<R::Reply>,
    }
}

const fn asks<Q: Query>() -> Entry {
    entry::<Q>(false, |matches| Ok(Box::new(Asked(Q::from_arg_matches(matches)?))), |value| Ok(Box::new(Asked(read::<Q>(value)?))))
}

const fn orders<M: Mutation>() -> Entry {
    entry::<M>(true, |matches| Ok(Box::new(Ordered(M::from_arg_matches(matches)?))), |value| Ok(Box::new(Ordered(read::<M>(value)?))))
}

/// Every operation, in the order in which help lists them.
pub const ENTRIES: &[Entry] = &[
    orders::<crate::agent::Join>(),
    asks::<crate::agent::Agents>(),
    asks::<crate::agent::ShowAgent>(),
    orders::<crate::agent::Heartbeat>(),
    orders::<crate::agent::Leave>(),
    orders::<crate::task::Add>(),
    orders::<crate::task::Update>(),
    orders::<crate::task::Note>(),
    asks::<crate::task::Tasks>(),
    asks::<crate::task::ShowTask>(),
    asks::<crate::task::Ready>(),
    orders::<crate::task::Depend>(),
    orders::<crate::task::Split>(),
    orders::<crate::task::Claim>(),
    orders::<crate::task::Renew>(),
    orders::<crate::task::Done>(),
    orders::<crate::task::Fail>(),
    orders::<crate::task::Release>(),
    orders::<crate::task::Requeue>(),
    orders::<crate::task::Cancel>(),
    orders::<crate::task::Approve>(),
    orders::<crate::task::Reject>(),
    asks::<crate::task::Wait>(),
    orders::<crate::state::Sync>(),
    asks::<crate::state::GetState>(),
    orders::<crate::state::StateSet>(),
    orders::<crate::state::StateDelete>(),
    orders::<crate::reservation::Reserve>(),
    orders::<crate::reservation::Unreserve>(),
    asks::<crate::reservation::Reservations>(),
    asks::<crate::reservation::Check>(),
    orders::<crate::message::Send>(),
    orders::<crate::message::Inbox>(),
    orders::<crate::message::Ack>(),
    asks::<crate::message::Thread>(),
    asks::<crate::log::Events>(),
    asks::<crate::log::Status>(),
    asks::<crate::log::Prime>(),
];

/// Operations that no door lists: only the bridge to RALF's files orders them.
pub const OF_BRIDGES: &[Entry] = &[
    orders::<crate::task::TakeOutside>(),
    orders::<crate::task::LeaveOutside>(),
    orders::<crate::task::FinishOutside>(),
    orders::<crate::agent::Sighting>(),
    orders::<crate::state::TellState>(),
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
                assert!(!call.is_reply(&serde_json::from_str(strange).expect("JSON")), "{}: {strange}", entry.verb);
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

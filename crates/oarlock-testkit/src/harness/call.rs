//! One line of a piece: who speaks, and the words, read as the command line reads it.

use std::collections::BTreeMap;
use std::fmt;

use clap::{Args, Command, FromArgMatches};
use oarlock_model::agent::{Host, Owner};
use oarlock_model::duration::Duration;
use oarlock_model::landing::{BranchName, ObjectId};
use oarlock_model::rules::authority::Authority;
use oarlock_model::state::State;
use oarlock_model::{AgentName, Rejection, SessionId, TaskId};
use oarlock_ops::OpError;
use oarlock_ops::agent::Join;
use oarlock_ops::caller::Caller;
use oarlock_ops::local::{Existing, Floor, Local, Search};
use oarlock_ops::registry::{self, Call};

use crate::paper::{Item, Point};

/// Who speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The agent of this name, who has the store's file: an operator.
    Agent(String),
    /// The agent of this name, by an agent's key of a gateway.
    Keyed(String),
    /// A process below that of this agent, or of these with a `+` between, which gives no name.
    Below(String),
    /// Nobody in particular.
    Nobody,
}

impl Actor {
    /// Reads `ada`, `@ada` (by a key), `^ada`, `^ada+bob` or `-`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match (text.strip_prefix('^'), text.strip_prefix('@')) {
            (Some(name), _) => Actor::Below(name.to_owned()),
            (_, Some(name)) => Actor::Keyed(name.to_owned()),
            _ if text == "-" => Actor::Nobody,
            _ => Actor::Agent(text.to_owned()),
        }
    }

    /// The process that speaks.
    pub(super) fn process(&self) -> &str {
        match self {
            Actor::Agent(name) | Actor::Keyed(name) | Actor::Below(name) => name,
            Actor::Nobody => "-",
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Actor::Agent(name) => f.write_str(name),
            Actor::Keyed(name) => write!(f, "@{name}"),
            Actor::Below(name) => write!(f, "^{name}"),
            Actor::Nobody => f.write_str("-"),
        }
    }
}

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Somebody calls with these words. `{token:T-1}`, `{session:ada}`, `{message}` and `{reservation}`
    /// stand for the last grant's token, the current session, and the last message and reservation.
    Call(Actor, Vec<String>),
    /// This many milliseconds pass.
    Tick(i64),
    /// The wall clock steps by this many milliseconds.
    Wall(i64),
    /// The process of this name dies.
    Kill(String),
    /// The machine starts again.
    Reboot,
    /// Somebody who knows nothing of the store writes on the list beside it.
    Paper(Writing),
    /// The next call is killed when it comes to this point.
    Strike(Point),
}

/// The text on the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Writing {
    /// So it is with a task.
    Item(TaskId, Item),
    /// Nothing is there of it any more.
    Erased(TaskId),
    /// An old script takes the lock, or gives it back.
    Lock(bool),
    /// Nothing: it is shown.
    Shown,
}

impl fmt::Display for Writing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Writing::Item(task, item) => write!(f, " {task} {item}"),
            Writing::Erased(task) => write!(f, " {task} -"),
            Writing::Lock(is_locked) => f.write_str(if *is_locked { " lock" } else { " unlock" }),
            Writing::Shown => Ok(()),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Call(actor, words) => {
                write!(f, "{actor}:")?;
                words.iter().try_for_each(|word| {
                    if word.is_empty() || word.contains([' ', '\n', '"']) { write!(f, " '{word}'") } else { write!(f, " {word}") }
                })
            }
            Step::Tick(ms) => write!(f, "tick {ms}ms"),
            Step::Wall(ms) => write!(f, "wall {ms:+}ms"),
            Step::Kill(process) => write!(f, "kill {process}"),
            Step::Reboot => f.write_str("reboot"),
            Step::Paper(writing) => write!(f, "paper{writing}"),
            Step::Strike(point) => write!(f, "strike {point}"),
        }
    }
}

/// The files of a piece, by name.
#[derive(Clone, Debug, Default)]
pub struct Files(BTreeMap<String, String>);

impl Files {
    /// Writes a file.
    pub fn write(&mut self, name: &str, text: impl Into<String>) {
        self.0.insert(name.to_owned(), text.into());
    }

    pub(super) fn local(&self) -> impl Local + '_ {
        FilesOnly { files: self }
    }
}

struct FilesOnly<'a> {
    files: &'a Files,
}

impl Local for FilesOnly<'_> {
    fn read_text(&mut self, path: &str, bytes_max: usize) -> Result<String, OpError> {
        match self.files.0.get(path) {
            Some(text) if text.len() > bytes_max => Err(Rejection::limit("bytes of the file", bytes_max, text.len()).into()),
            Some(text) => Ok(text.clone()),
            None => Err(Rejection::not_found("file", path).into()),
        }
    }

    fn is_file(&self, path: &str) -> bool {
        self.files.0.contains_key(path)
    }

    fn document_path(&self, path: &str) -> Result<Option<String>, OpError> {
        Ok(Some(path.trim_start_matches("./").to_owned()))
    }

    fn floor(&self, _named: &str) -> Option<Floor> {
        None
    }

    fn repository_path(&self, path: &str) -> Result<String, OpError> {
        match path.starts_with("../") {
            true => Err(Rejection::invalid(format!("{path} is outside the repository"), "name a path inside it").into()),
            false => Ok(path.to_owned()),
        }
    }

    fn look_for(&self, _search: Search) -> Result<Option<Existing>, OpError> {
        Ok(None)
    }

    /// A branch is a file of this name, and its tip the text of it.
    fn submission(&self, _task: &TaskId, branch: Option<&BranchName>) -> Result<Option<(Option<BranchName>, ObjectId)>, OpError> {
        let Some(branch) = branch else { return Ok(None) };
        match self.files.0.get(&branch.reference()) {
            Some(commit) => Ok(Some((Some(branch.clone()), ObjectId::parse(commit.trim())?))),
            None => Err(Rejection::not_found("branch", branch).into()),
        }
    }

    fn process(&self, pid: u32) -> Result<String, OpError> {
        Err(Rejection::not_found("process", pid).into())
    }

    fn host(&self) -> Host {
        Host::default()
    }
}

/// Takes the flags that every verb has out of the words: the caller, and the rest.
pub(super) fn common_flags(actor: &Actor, words: &[String], state: &State) -> Result<(Caller, Vec<String>), OpError> {
    let mut caller = Caller::default();
    match actor {
        Actor::Agent(name) => caller.name = Some(AgentName::parse(name)?),
        Actor::Keyed(name) => {
            caller.name = Some(AgentName::parse(name)?);
            caller.authority = Authority::Agent;
        }
        Actor::Below(names) => caller.ancestors.extend(names.split('+').filter_map(|name| process_text(name, state))),
        Actor::Nobody => {}
    }
    let mut rest = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().cloned().ok_or_else(|| usage(format!("{word} needs a value")));
        match word.as_str() {
            "--idempotency-key" | "--key" => caller.key = Some(value()?),
            // As an agent with a key of this name would call through a gateway.
            "--by-key" => {
                caller.root = Some(AgentName::parse(&value()?)?);
                caller.authority = Authority::Agent;
            }
            "--session" => caller.session = Some(SessionId::parse(&value()?)?),
            _ => rest.push(word.clone()),
        }
    }
    Ok((caller, rest))
}

/// Reads the words of a call, and what only its machine knows.
pub(super) fn read(words: &[String], process: &str, files: &Files) -> Result<Box<dyn Call>, OpError> {
    let Some((verb, arguments)) = words.split_first() else { return Err(usage("nothing is said".to_owned())) };
    if verb == "start" {
        let mut call = start(arguments, process, files)?;
        call.localise(&mut files.local())?;
        return Ok(call);
    }
    let of_bridges = || registry::OF_BRIDGES.iter().find(|entry| entry.verb == verb);
    let entry = registry::find(verb).or_else(of_bridges).ok_or_else(|| usage(format!("there is no verb {verb}")))?;
    let matches = (entry.arguments)(Command::new(entry.verb)).try_get_matches_from(words).map_err(|error| misread(&error))?;
    entry.from_line(&matches, &mut files.local(), |error| misread(&error))
}

/// `start` is what `work` and `mcp` do before anything else: a join whose session means a process,
/// which holds the session's lock. `--grace D` is how long its death takes to count.
fn start(arguments: &[String], process: &str, files: &Files) -> Result<Box<dyn Call>, OpError> {
    let mut grace_ms = 0;
    let mut words = vec!["join".to_owned()];
    let mut rest = arguments.iter();
    while let Some(word) = rest.next() {
        match word.as_str() {
            "--grace" => grace_ms = rest.next().ok_or_else(|| usage("--grace needs a value".to_owned()))?.parse::<Duration>()?.as_ms(),
            _ => words.push(word.clone()),
        }
    }
    let matches = Join::augment_args(Command::new("join")).try_get_matches_from(&words).map_err(|error| misread(&error))?;
    let mut join = Join::from_arg_matches(&matches).map_err(|error| misread(&error))?;
    join.host = files.local().host();
    join.owner = Owner::Lock { process: format!("played:1:{}:1", pid_of(process)), grace_ms };
    let entry = registry::find("join").ok_or_else(|| usage("there is no verb join".to_owned()))?;
    (entry.from_json)(serde_json::to_value(&join)?)
}

/// A process id for each name, the same on every harness.
fn pid_of(process: &str) -> u32 {
    process.bytes().fold(7, |pid: u32, byte| pid.wrapping_mul(31).wrapping_add(u32::from(byte))) % 30_000 + 2
}

/// The code of a command line that cannot be read: a wrong value is `invalid_request`, the rest `usage`.
fn misread(error: &clap::Error) -> OpError {
    use clap::error::ErrorKind;
    let text = error.to_string();
    let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    match error.kind() {
        ErrorKind::ValueValidation | ErrorKind::InvalidValue => Rejection::invalid(message, "").into(),
        _ => usage(message),
    }
}

pub(super) fn usage(message: String) -> OpError {
    OpError::Usage { message, hint: String::new() }
}

/// Puts what the state knows into the holes of a word.
pub(super) fn fill_in(word: &str, state: &State) -> String {
    let Some(hole) = word.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else { return word.to_owned() };
    let filled = match hole.split_once(':') {
        Some(("token", task)) => state.tasks.get(task).and_then(|task| task.grant.as_ref()).map(|grant| grant.token.to_string()),
        Some(("session", name)) => session_of(name, state).map(|session| session.to_string()),
        None if hole == "message" => state.messages.values().max_by_key(|message| message.seq).map(|message| message.id.to_string()),
        None if hole == "proposal" => {
            state.proposals.values().max_by_key(|proposal| proposal.id.seq()).map(|proposal| proposal.id.to_string())
        }
        None if hole == "reservation" => state.reservations.keys().next_back().map(ToString::to_string),
        // Not a hole, but a value in braces, for example JSON.
        _ => return word.to_owned(),
    };
    filled.unwrap_or_else(|| "0".to_owned())
}

/// The identity of the process that plays this name, as text of the host.
fn process_text(process: &str, state: &State) -> Option<String> {
    let agent = AgentName::parse(process).ok().and_then(|name| state.agents.get(&name).cloned())?;
    match agent.owner {
        Owner::None => None,
        owner => owner.process().map(str::to_owned),
    }
}

/// The current session of the agent with this name.
fn session_of(process: &str, state: &State) -> Option<SessionId> {
    let name = AgentName::parse(process).ok()?;
    state.agents.get(&name).map(|agent| agent.session.clone())
}

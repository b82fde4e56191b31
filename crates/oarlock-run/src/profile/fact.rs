//! The facts that streams of clients consist of.

use oarlock_model::usage::Usage;
use serde_json::{Map, Value};

/// A fact of a client's stream.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fact {
    /// The agent does something.
    Progress(String),
    /// All that the attempt has used so far.
    Used(Usage),
    /// The agent asks, or wants a permission, and nobody is there who could answer.
    Question(String),
    /// The provider refuses requests at present; until a moment in seconds of Unix time, if it says so.
    RateLimit(Option<i64>),
    /// The last thing that the agent said: its result so far.
    Answer(String),
    /// The client could not do it.
    Error(String),
    /// The client is at its end, and will do nothing more.
    Ended {
        /// Whether it says that it has succeeded.
        ok: bool,
    },
}

/// A line of a stream, as JSON.
pub(super) type Line = Map<String, Value>;

/// The reader of one client's stream: it remembers what it needs from line to line.
pub(super) trait Reader: std::fmt::Debug + Send {
    /// The facts of one line.
    fn read(&mut self, line: &Line) -> Vec<Fact>;
}

//! Identifiers: one type for each kind, so that a swap fails to compile.
//! An identifier is safe as a file name, in a URL and in a table: it never needs escaping.

mod parse;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use std::borrow::Borrow;
use std::fmt;

use crate::identity::StoreIdentity;
use crate::limits;
use crate::schema::text_schema;
use crate::text::escaped_line;

/// Checks `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`, the form of every identifier a user may choose.
pub fn is_identifier(text: &str) -> bool {
    text.len() <= limits::IDENTIFIER_CHARS_MAX && has_identifier_form(text)
}

fn has_identifier_form(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphanumeric()) && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// A text inside a message: on one line, escaped, and cut after 80 characters.
pub fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", escaped_line(&text[..end])),
        None => escaped_line(text).into_owned(),
    }
}

/// Characters of a foreign text that a message shows.
const SHOWN_CHARS_MAX: usize = 80;

macro_rules! text_identifier {
    ($(#[$doc:meta])* $name:ident, $noun:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The text of the identifier.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        text_schema!($name, $noun);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

text_identifier!(
    /// The name of an agent; it stays the same over restarts.
    AgentName, "agent name"
);
text_identifier!(
    /// The id of a task.
    TaskId, "task id"
);
text_identifier!(
    /// A capability, role, task type or resource name.
    Label, "label"
);
text_identifier!(
    /// One incarnation of an agent: its name, a dot, the number of the event that joined it, and the store's tag.
    SessionId, "session id"
);
text_identifier!(
    /// The id of a message (`M-` and the number of its event).
    MessageId, "message id"
);
text_identifier!(
    /// The id of a reservation (`R-` and the number of its event).
    ReservationId, "reservation id"
);
text_identifier!(
    /// The id of a proposal (`P-` and the number of its event).
    ProposalId, "proposal id"
);
text_identifier!(
    /// The key of a state entry: identifiers joined by `/`, for example `agent/ada` or `build/last`.
    StateKey, "state key"
);

impl AgentName {
    /// The name up to its first dot: nearly always the agent's whose helper it is. Which one it is, `rules::authority::root_of` says.
    pub fn first_name(&self) -> &str {
        self.0.split('.').next().unwrap_or(&self.0)
    }
}

impl SessionId {
    /// The session that `name` gets in a store from the join event with number `seq`: unique because numbers are, and no
    /// session of another store.
    pub fn of(name: &AgentName, store: &StoreIdentity, seq: u64) -> Self {
        Self(format!("{name}.{}", store.give(seq)))
    }

    /// The agent's name inside the id, when the id has the form `NAME.NUMBER-TAG`, or `NAME.NUMBER` as stores without a tag gave it.
    pub fn agent(&self) -> Option<AgentName> {
        let (name, given) = self.0.rsplit_once('.')?;
        let (number, tag) = given.split_once('-').unwrap_or((given, "0"));
        let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
        let is_tag = !tag.is_empty() && tag.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase());
        (is_number && is_tag).then(|| AgentName::parse(name).ok())?
    }

    /// The agent whose session of now a bare name means.
    pub fn bare_name(&self) -> Option<AgentName> {
        if self.agent().is_some() { None } else { AgentName::parse(&self.0).ok() }
    }
}

impl StateKey {
    /// The entry that belongs to one agent and that only it may write: `agent/NAME`.
    pub fn of_agent(name: &AgentName) -> Self {
        Self(format!("agent/{name}"))
    }

    /// The agent that owns this entry, when it is one of the `agent/NAME` entries.
    pub fn owner(&self) -> Option<&str> {
        self.0.strip_prefix("agent/").map(|rest| rest.split('/').next().unwrap_or(rest))
    }
}

macro_rules! numbered_identifier {
    ($name:ident, $letter:literal, $noun:literal) => {
        impl $name {
            #[doc = concat!("The id, in the log, of the ", $noun, " that the event with number `seq` made.")]
            pub fn of(seq: u64) -> Self {
                Self(format!(concat!($letter, "-{}"), seq))
            }

            /// The number of its event; none when it is of another form.
            pub fn seq(&self) -> Option<u64> {
                let number = self.0.strip_prefix(concat!($letter, "-"))?;
                // One number has one form: 007 is not 7.
                number.parse().ok().filter(|seq| Self::of(*seq) == *self)
            }

            #[doc = concat!("The id by which a store shows the ", $noun, ": short, and that of no other store.")]
            #[must_use]
            pub fn shown_by(&self, store: &StoreIdentity) -> Self {
                self.seq().map_or_else(|| self.clone(), |seq| Self(format!(concat!($letter, "-{}"), store.give(seq))))
            }

            #[doc = concat!("The id in the log of the ", $noun, " that a store shows by this one; none for what another store gave.")]
            pub fn known_to(&self, store: &StoreIdentity) -> Option<Self> {
                Some(Self::of(store.read(self.0.strip_prefix(concat!($letter, "-"))?)?))
            }
        }
    };
}

numbered_identifier!(MessageId, "M", "message");
numbered_identifier!(ReservationId, "R", "reservation");
numbered_identifier!(ProposalId, "P", "proposal");

/// A fencing token: the number of the event that granted a lease. It rises with every grant in the
/// store and is never used twice (Kleppmann, "How to do distributed locking", 2016).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct Token(pub u64);

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::StoreId;

    #[test]
    fn identifiers_keep_to_their_form() {
        for good in ["a", "T-12", "0.x_y-z", &"a".repeat(64)] {
            assert!(TaskId::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", ".a", "../../x", "a/b", "a b", "é", "a\n", &"a".repeat(65)] {
            assert!(TaskId::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_session_names_its_agent() {
        let name = AgentName::parse("a.b").expect("valid");
        for (store, text) in [(StoreIdentity::default(), "a.b.17"), (StoreIdentity::new(StoreId(10), 3, 0), "a.b.14-a")] {
            let session = SessionId::of(&name, &store, 17);
            assert_eq!(session.as_str(), text);
            assert_eq!((session.agent(), session.bare_name()), (Some(name.clone()), None));
        }
        for bare in ["nodot", "a.b", "a.5-", "a.-x", "a.5-X"] {
            let session = SessionId::parse(bare).expect("valid");
            assert_eq!((session.agent(), session.bare_name()), (None, AgentName::parse(bare).ok()), "{bare}");
        }
    }

    #[test]
    fn a_store_shows_its_messages_by_ids_that_no_other_store_reads() {
        let (one, other) = (StoreIdentity::new(StoreId(10), 100, 0), StoreIdentity::new(StoreId(11), 100, 0));
        let id = MessageId::of(105);
        let shown = id.shown_by(&one);
        assert_eq!(shown.as_str(), "M-5-a");
        assert_eq!((shown.known_to(&one), shown.known_to(&other)), (Some(id.clone()), None));
        assert_eq!((id.known_to(&one), ReservationId::of(105).shown_by(&one).as_str()), (None, "R-5-a"));
        let before = MessageId::of(7).shown_by(&one);
        assert_eq!(before.known_to(&one), Some(MessageId::of(7)), "{before}");
        assert_eq!(MessageId::parse("M-007").expect("valid").seq(), None);
    }

    #[test]
    fn state_keys_cannot_climb() {
        assert!(StateKey::parse("agent/ada").is_ok());
        for bad in ["", "/a", "a/", "a//b", "../a", "a/..", "a b"] {
            assert!(StateKey::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(StateKey::parse("agent/ada/x").expect("valid").owner(), Some("ada"));
        assert_eq!(StateKey::parse("build/last").expect("valid").owner(), None);
    }

    #[test]
    fn hostile_text_is_escaped_in_messages() {
        assert_eq!(shown("a\u{202E}b\n"), "a\\u{202e}b\\u{a}");
        assert_eq!(shown("می\u{200C}خواهم 👨\u{200D}👩\u{200D}👧"), "می\u{200C}خواهم 👨\u{200D}👩\u{200D}👧");
    }
}

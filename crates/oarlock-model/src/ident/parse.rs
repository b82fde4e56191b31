//! Reading identifiers: the form of each, and the message about a text of another form.

use std::str::FromStr;

use super::{
    AgentName, Label, MessageId, ProposalId, ReservationId, SessionId, StateKey, TaskId, Token, has_identifier_form, is_identifier, shown,
};
use crate::limits;
use crate::rejection::Rejection;

macro_rules! parsed {
    ($name:ident, $noun:literal, $check:expr, $form:literal) => {
        impl $name {
            /// Checks the form of `text`.
            ///
            /// # Errors
            /// [`Rejection::Invalid`] that quotes the text and says which form is wanted.
            pub fn parse(text: &str) -> Result<Self, Rejection> {
                let check: fn(&str) -> bool = $check;
                if check(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(Rejection::invalid(format!(concat!("\"{}\" is not a valid ", $noun), shown(text)), concat!("use ", $form)))
                }
            }
        }

        impl FromStr for $name {
            type Err = Rejection;
            fn from_str(text: &str) -> Result<Self, Rejection> {
                Self::parse(text)
            }
        }
    };
}

parsed!(AgentName, "agent name", is_identifier, "1 to 64 of A-Z a-z 0-9 . _ - and a letter or digit first");
parsed!(TaskId, "task id", is_identifier, "1 to 64 of A-Z a-z 0-9 . _ - and a letter or digit first");
parsed!(Label, "label", is_identifier, "1 to 64 of A-Z a-z 0-9 . _ - and a letter or digit first");
parsed!(
    SessionId,
    "session id",
    |text| text.len() <= limits::SESSION_CHARS_MAX && has_identifier_form(text),
    "the id that `join` replied, as in OARLOCK_SESSION"
);
parsed!(MessageId, "message id", is_identifier, "an id as `inbox` shows it");
parsed!(ReservationId, "reservation id", is_identifier, "an id as `reservations` shows it");
parsed!(ProposalId, "proposal id", is_identifier, "an id as `propose` replies it");
parsed!(
    StateKey,
    "state key",
    |text| text.len() <= limits::STATE_KEY_CHARS_MAX && text.split('/').all(is_identifier),
    "identifiers joined by `/`, for example build/last"
);

impl FromStr for Token {
    type Err = Rejection;
    fn from_str(text: &str) -> Result<Self, Rejection> {
        text.parse().map(Token).map_err(|_| {
            Rejection::invalid(format!("\"{}\" is not a token", shown(text)), "use the number that `claim` replied as lease.token")
        })
    }
}

//! Proposals: questions that agents decide by vote. Their texts are untrusted data. When one closes, `rules/vote.rs` says.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use crate::ident::{AgentName, ProposalId, shown};
use crate::limits;
use crate::rejection::Rejection;
use crate::seeded;
use crate::text::{is_bidi_or_invisible, is_visible};
use crate::time::{StoreTime, WallTime};

/// How many votes close a proposal before its deadline. In JSON: `"majority"`, `"all"` or a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Quorum {
    /// More than half of all agents that count, for one option; or the votes of all of them.
    #[default]
    Majority,
    /// The votes of all agents that count and are still there.
    All,
    /// This many votes, from 1 to [`limits::QUORUM_MAX`].
    Votes(u32),
}

impl Quorum {
    fn of_number(votes: u64) -> Result<Self, Rejection> {
        match u32::try_from(votes) {
            Ok(votes) if (1..=limits::QUORUM_MAX).contains(&votes) => Ok(Quorum::Votes(votes)),
            _ => Err(Rejection::invalid(format!("a quorum of {votes} is out of range"), Self::form())),
        }
    }

    fn form() -> String {
        format!("use majority, all, or a number of votes from 1 to {}", limits::QUORUM_MAX)
    }
}

impl fmt::Display for Quorum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Quorum::Majority => f.write_str("majority"),
            Quorum::All => f.write_str("all"),
            Quorum::Votes(votes) => votes.fmt(f),
        }
    }
}

impl FromStr for Quorum {
    type Err = Rejection;

    fn from_str(text: &str) -> Result<Self, Rejection> {
        match text {
            "majority" => Ok(Quorum::Majority),
            "all" => Ok(Quorum::All),
            _ => match text.parse() {
                Ok(votes) => Self::of_number(votes),
                Err(_) => Err(Rejection::invalid(format!("\"{}\" is not a quorum", shown(text)), Self::form())),
            },
        }
    }
}

impl Serialize for Quorum {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Quorum::Votes(votes) => serializer.serialize_u32(*votes),
            word => serializer.collect_str(word),
        }
    }
}

impl<'de> Deserialize<'de> for Quorum {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a quorum is \"majority\", \"all\" or a number of votes")]
        enum Given {
            Number(u64),
            Word(String),
        }
        match Given::deserialize(deserializer)? {
            Given::Number(votes) => Self::of_number(votes),
            Given::Word(word) => word.parse(),
        }
        .map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Quorum {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "quorum".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"anyOf": [{"type": "string"}, {"type": "integer"}]})
    }
}

/// The cause by which a proposal was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClosedBy {
    /// Its quorum was reached.
    Quorum,
    /// Its deadline passed first.
    Deadline,
}

impl ClosedBy {
    /// The word in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ClosedBy::Quorum => "quorum",
            ClosedBy::Deadline => "deadline",
        }
    }
}

impl FromStr for ClosedBy {
    type Err = Rejection;

    fn from_str(text: &str) -> Result<Self, Rejection> {
        [ClosedBy::Quorum, ClosedBy::Deadline]
            .into_iter()
            .find(|by| by.as_str() == text)
            .ok_or_else(|| Rejection::invalid(format!("\"{}\" closes no proposal", shown(text)), "use quorum or deadline"))
    }
}

/// How a proposal was closed. It is never opened again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// The cause.
    pub by: ClosedBy,
    /// The option with the most votes; absent when nobody voted, or when several have the most.
    pub decision: Option<String>,
}

/// A question, its options, and the votes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// Its id.
    pub id: ProposalId,
    /// The question.
    pub question: String,
    /// The options, as they were given; at least two, and no two alike.
    pub options: Vec<String>,
    /// How many votes close it.
    pub quorum: Quorum,
    /// The agents that were present when it opened.
    pub electors: BTreeSet<AgentName>,
    /// Who opened it; absent for a caller without identity.
    pub opened_by: Option<AgentName>,
    /// When.
    pub opened_at: WallTime,
    /// The moment of its deadline; absent without one.
    pub closes_at: Option<StoreTime>,
    /// The last vote of each voter: one of the options.
    pub votes: BTreeMap<AgentName, String>,
    /// How it was closed; absent while it is open.
    pub closed: Option<Closing>,
}

impl Proposal {
    /// Whether votes are still taken.
    pub fn is_open(&self) -> bool {
        self.closed.is_none() || seeded::is(seeded::CLOSED_TAKES_VOTES)
    }
}

/// A fault in the options of a proposal: fewer than two, too many, one that is not a line of text, or two that are alike.
///
/// # Errors
/// `invalid_request`, `limit_reached`.
pub fn check_options(options: &[String]) -> Result<(), Rejection> {
    if options.len() < 2 {
        return Err(Rejection::invalid(
            format!("a proposal needs at least 2 options, not {}", options.len()),
            "separate them with commas: --options yes,no",
        ));
    }
    if options.len() > limits::PROPOSAL_OPTIONS_MAX {
        return Err(Rejection::limit("options", limits::PROPOSAL_OPTIONS_MAX, options.len()));
    }
    let mut seen = BTreeSet::new();
    for option in options {
        let chars = option.chars().count();
        if chars > limits::OPTION_CHARS_MAX {
            return Err(Rejection::limit("characters of an option", limits::OPTION_CHARS_MAX, chars));
        }
        let is_bad = |c: char| c.is_control() || is_bidi_or_invisible(c);
        if !option.chars().any(is_visible) || option.trim() != option || option.chars().any(is_bad) {
            let message = format!("\"{}\" is not an option", shown(option));
            return Err(Rejection::invalid(message, "an option is one line of visible text without spaces at its ends"));
        }
        // A vote for `Yes` must not be lost to somebody who typed `yes`.
        if !seen.insert(option.to_lowercase()) {
            return Err(Rejection::invalid(format!("the option \"{}\" is given twice", shown(option)), "give each option once"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorCode;

    #[test]
    fn a_quorum_reads_back_from_text_and_json() {
        for (text, quorum, json) in [
            ("majority", Quorum::Majority, "\"majority\""),
            ("all", Quorum::All, "\"all\""),
            ("3", Quorum::Votes(3), "3"),
            ("1000", Quorum::Votes(1_000), "1000"),
        ] {
            assert_eq!(text.parse::<Quorum>().expect("a quorum"), quorum);
            assert_eq!((quorum.to_string().as_str(), serde_json::to_string(&quorum).expect("plain")), (text, json.to_owned()));
            for form in [json.to_owned(), format!("\"{text}\"")] {
                assert_eq!(serde_json::from_str::<Quorum>(&form).expect("a quorum"), quorum, "{form}");
            }
        }
        for bad in ["", "0", "-1", "1001", "most", "All", "99999999999999999999", "1.5"] {
            assert_eq!(bad.parse::<Quorum>().expect_err("refused").code(), ErrorCode::InvalidRequest, "{bad}");
            assert!(serde_json::from_str::<Quorum>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn options_are_at_least_two_different_lines() {
        let check = |options: &[&str]| check_options(&options.iter().map(|option| (*option).to_owned()).collect::<Vec<_>>());
        for good in [&["a", "b"][..], &["use tabs", "use spaces", "both"], &["ja", "näh"]] {
            assert!(check(good).is_ok(), "{good:?}");
        }
        for bad in [
            &[][..],
            &["a"],
            &["a", "a"],
            &["Yes", "yes"],
            &["a", ""],
            &["a", " b"],
            &["a", "b\nc"],
            &["a", "b\u{202e}"],
            &["a", "\u{200b}"],
        ] {
            assert_eq!(check(bad).expect_err("refused").code(), ErrorCode::InvalidRequest, "{bad:?}");
        }
        let many: Vec<String> = (0..=limits::PROPOSAL_OPTIONS_MAX).map(|n| n.to_string()).collect();
        assert_eq!(check_options(&many).expect_err("refused").code(), ErrorCode::LimitReached);
        assert_eq!(check(&["a", &"x".repeat(limits::OPTION_CHARS_MAX + 1)]).expect_err("refused").code(), ErrorCode::LimitReached);
    }
}

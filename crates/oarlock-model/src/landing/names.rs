//! The names that git gives: branches, and objects by their hash.

use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::str::FromStr;

use crate::ident::shown;
use crate::limits;
use crate::rejection::Rejection;
use crate::schema::text_schema;

macro_rules! git_name {
    ($(#[$doc:meta])* $name:ident, $noun:literal, $check:expr, $form:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Checks the form of `text`.
            ///
            /// # Errors
            /// `invalid_request` that quotes the text and says which form is wanted.
            pub fn parse(text: &str) -> Result<Self, Rejection> {
                let check: fn(&str) -> bool = $check;
                if check(text) {
                    return Ok(Self(text.to_owned()));
                }
                Err(Rejection::invalid(format!(concat!("\"{}\" is not a valid ", $noun), shown(text)), concat!("use ", $form)))
            }

            /// The text of the name.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = Rejection;
            fn from_str(text: &str) -> Result<Self, Rejection> {
                Self::parse(text)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }

        text_schema!($name, $noun);
    };
}

git_name!(
    /// The short name of a branch, for example `main`, in the form that `git check-ref-format` asks for.
    BranchName,
    "branch name",
    is_branch,
    "the short name of a branch, for example main or feature/parser"
);
git_name!(
    /// The full hash of a commit or tree: 40 or 64 hexadecimal digits, in lower case.
    ObjectId,
    "object id",
    |text| matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)),
    "all 40 or 64 hexadecimal digits of a commit, in lower case, as `git rev-parse` prints them"
);

/// Whether git takes the text for a branch: the rules of `git check-ref-format --branch`.
fn is_branch(text: &str) -> bool {
    let is_component =
        |part: &str| !part.is_empty() && !part.starts_with('.') && !part.to_ascii_lowercase().ends_with(".lock") && !part.ends_with('.');
    let is_forbidden = |c: char| c.is_control() || " ~^:?*[\\".contains(c);
    text.len() <= limits::BRANCH_BYTES_MAX
        && !text.starts_with('-')
        && text != "@"
        && text != "HEAD"
        && !text.contains("..")
        && !text.contains("@{")
        && !text.chars().any(is_forbidden)
        && text.split('/').all(is_component)
}

impl BranchName {
    /// The full name of its reference.
    #[must_use]
    pub fn reference(&self) -> String {
        format!("refs/heads/{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_keep_to_the_rules_of_git() {
        for good in ["main", "feature/parser", "oarlock/T-1", "oarlock/run/plan", "ä", "a.b", "a@b", "x#1"] {
            assert!(BranchName::parse(good).is_ok(), "{good}");
        }
        let long = "x".repeat(limits::BRANCH_BYTES_MAX + 1);
        for bad in [
            "", "-x", "@", "HEAD", "a..b", "a b", "a~1", "a^", "a:b", "a?", "a*", "a[", "a\\b", "/a", "a/", "a//b", ".a", "a/.b", "a.lock",
            "a.lock/b", "a.", "a@{1}", "a\n", "../../x", &long,
        ] {
            assert!(BranchName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn objects_are_full_hashes() {
        assert!(ObjectId::parse(&"0a".repeat(20)).is_ok());
        assert!(ObjectId::parse(&"0a".repeat(32)).is_ok());
        for bad in ["", "HEAD", "0a0a", &"0A".repeat(20), &"0g".repeat(20), &"0".repeat(41)] {
            assert!(ObjectId::parse(bad).is_err(), "{bad}");
        }
    }
}

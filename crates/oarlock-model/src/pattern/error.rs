//! Why a text is not a pattern or path: the fault, its place, and the right form.

use std::fmt;

use crate::limits::{PATTERN_CHARS_MAX, PATTERN_COMPONENTS_MAX};

/// Most patterns that a message proposes in place of braces.
const SHOWN_MAX: usize = 4;

/// Why a text is not a pattern or path. Positions count characters from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PatternError {
    /// Nothing was given.
    Empty,
    /// More than [`PATTERN_CHARS_MAX`] characters.
    TooLong,
    /// More than [`PATTERN_COMPONENTS_MAX`] components.
    TooManyComponents,
    /// It starts with `/`, but is to be rooted at the repository.
    Absolute,
    /// It starts with `!`; there are no negated patterns.
    Negated,
    /// The path of a file was wanted, and this names the whole repository.
    WholeRepository,
    /// A `..` at this position.
    Parent {
        /// Where it is.
        at: usize,
    },
    /// A control character at this position.
    Control {
        /// Where it is.
        at: usize,
        /// Which one.
        character: char,
    },
    /// A backslash at this position.
    Backslash {
        /// Where it is.
        at: usize,
    },
    /// A brace outside a class at this position.
    Brace {
        /// Where it is.
        at: usize,
        /// The patterns that a shell would make of it; empty when it would make none.
        instead: Vec<String>,
    },
    /// `**` as a part of a component.
    PartialDoubleStar {
        /// Where it is.
        at: usize,
    },
    /// A `[` without its `]` in the same component.
    UnclosedClass {
        /// Where the `[` is.
        at: usize,
    },
    /// A class that starts with `^`, which other tools read in two ways.
    CaretClass {
        /// Where the `[` is.
        at: usize,
    },
    /// A range in a class that runs backwards, such as `[z-a]`.
    ReversedRange {
        /// Where the range starts.
        at: usize,
    },
    /// A component that no file name can match, such as `[.]`.
    MatchesNothing {
        /// Where the component starts.
        at: usize,
    },
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "it is empty; name a path, or `**` for the whole repository"),
            Self::TooLong => {
                write!(f, "it is longer than {PATTERN_CHARS_MAX} characters; use a shorter pattern with `*` or `**`")
            }
            Self::TooManyComponents => {
                write!(f, "it has more than {PATTERN_COMPONENTS_MAX} components; use `**` for the deep part")
            }
            Self::Absolute => {
                write!(f, "it starts with `/`; write it from the root of the repository, such as `src/a.rs`")
            }
            Self::Negated => write!(
                f,
                "it starts with `!`, and there are no negated patterns; name what is wanted (a name with a `!` is written `./!name`)"
            ),
            Self::WholeRepository => write!(f, "it names the whole repository; name a file or directory in it"),
            Self::Parent { at } => {
                write!(f, "`..` at character {at}; write the path from the root of the repository, without `..`")
            }
            Self::Control { at, character } => {
                write!(f, "control character U+{:04X} at character {at}; use `?` in its place", u32::from(*character))
            }
            Self::Backslash { at } => {
                write!(f, "backslash at character {at}; use `/` between components")
            }
            Self::Brace { at, instead } if instead.is_empty() => {
                write!(f, "brace at character {at}; patterns have no braces; write `[{{]` or `[}}]` for the character itself")
            }
            Self::Brace { at, instead } => {
                let shown: Vec<String> = instead.iter().take(SHOWN_MAX).map(|pattern| format!("`{pattern}`")).collect();
                let more = if instead.len() > SHOWN_MAX { " and so on" } else { "" };
                write!(f, "brace at character {at}; patterns have no braces; write {} patterns: {}{more}", instead.len(), shown.join(", "))
            }
            Self::PartialDoubleStar { at } => {
                write!(f, "`**` at character {at} is not a whole component; use `*` inside a name, or `**/` before it")
            }
            Self::UnclosedClass { at } => {
                write!(f, "`[` at character {at} has no `]` in its component; close it, or write `[[]` for the character itself")
            }
            Self::CaretClass { at } => {
                write!(f, "`[^` at character {at}; write `[!` to negate a class, or put the `^` later in it")
            }
            Self::ReversedRange { at } => {
                write!(f, "the range at character {at} runs backwards; put the lower character first")
            }
            Self::MatchesNothing { at } => {
                write!(f, "no file name can match the component at character {at}; remove or widen it")
            }
        }
    }
}

impl std::error::Error for PatternError {}

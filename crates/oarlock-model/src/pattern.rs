//! Rooted glob patterns of repository paths: parsing, normal form, matching, and the exact question
//! "could one path match both?". Pure text: symlinks and letter case are the business of the doors,
//! and whether an overlap is a conflict is the business of the reservation rules.

mod braces;
mod error;
mod file_name;
mod name;
mod overlap;
mod place;

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

pub use braces::{expanded, listed};
pub use error::PatternError;
pub use file_name::{KNOWN_FILE_NAMES, is_file_extension, is_file_name, is_known_file_name};
use name::{Braces, Component};
pub use place::Place;

use crate::limits::{PATH_CHARS_MAX, PATTERN_CHARS_MAX, PATTERN_COMPONENTS_MAX};
use crate::seeded;

/// A glob pattern rooted at the repository, in normal form.
///
/// `*` is any run of characters inside a name, `?` one character, `[a-z]` and `[!a-z]` one character
/// of a set (a `]` that comes first and a `-` that comes last stand for themselves), and `**` as a whole
/// component is zero or more components. `[*]`, `[?]`, `[[]`, `[{]` and `[}]` stand for the character itself; braces
/// without brackets are refused, because elsewhere they mean alternatives.
///
/// A pattern whose last name has no wildcard covers each path that it matches and all below it: `src` covers `src/a`, and
/// `crates/*/src` covers `crates/x/src/lib.rs`. One whose last name has a wildcard covers only the paths it matches:
/// `src/*` does not cover `src/a/b`. `src/**` covers `src` and all below it.
///
/// Normal form: `./a` and `a//b` lose what says nothing, `src/` and `src/.` become `src/**`, `.` becomes
/// `**`, and `a/**/**/b` becomes `a/**/b`. Equality, order and hash are those of the normal text.
#[derive(Clone)]
pub struct Pattern {
    text: String,
    components: Vec<Component>,
    extent: Extent,
    /// Whether its last name is that of a file: each comparison asks.
    is_file: bool,
}

/// How far a pattern reaches beyond the paths that it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    /// Not at all.
    Matched,
    /// To all below them.
    Below,
    /// It is a path that somebody asks about: it meets the patterns that cover it and those that lie wholly below it.
    Path,
}

impl Pattern {
    /// Reads a pattern and brings it into normal form.
    ///
    /// # Errors
    /// Says the fault, its place, and the right form: see [`PatternError`].
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        Self::read(text, Braces::Refused).map_err(|error| match error {
            PatternError::Brace { at, .. } => PatternError::Brace { at, instead: expanded(text).unwrap_or_default() },
            error => error,
        })
    }

    /// Reads a pattern that an older version may have stored: braces stood for themselves then. Its text stays as it was stored.
    ///
    /// # Errors
    /// As [`Pattern::parse`], braces apart.
    pub fn parse_stored(text: &str) -> Result<Self, PatternError> {
        Self::read(text, Braces::Literal)
    }

    fn read(text: &str, braces: Braces) -> Result<Self, PatternError> {
        let split = split(text, Form::Pattern)?;
        if text.starts_with('!') {
            return Err(PatternError::Negated);
        }
        let mut components = Vec::with_capacity(split.names.len() + 1);
        for (at, name) in split.names {
            let component = if name == "**" { Component::AnyDepth } else { Component::parse(at, name, braces)? };
            push_component(&mut components, component);
        }
        if split.directory {
            push_component(&mut components, Component::AnyDepth);
        }
        Self::from_components(components)
    }

    /// The pattern of one concrete path that somebody asks about: characters with a meaning in patterns
    /// (`app/[id]/page.tsx`) stand for themselves, and a trailing `/` means nothing. It matches that path alone, and
    /// overlaps the patterns that cover the path, and those that lie wholly below it. Its text, read again, is the
    /// pattern that covers all below the path as well.
    ///
    /// # Errors
    /// As [`normalise_path`].
    pub fn of_path(path: &str) -> Result<Self, PatternError> {
        let path = normalise_path(path)?;
        let components: Vec<Component> = path.split('/').map(|name| Component::of_name(name, false)).collect();
        Ok(Self::made(text_of(&components), components, Extent::Path))
    }

    /// The pattern to reserve one concrete path with: it covers the path and all below it. Where the path has a character that
    /// no pattern can hold, such as a tab, any character is meant.
    ///
    /// # Errors
    /// As [`normalise_path`], and too long or too deep for a pattern.
    pub fn covering_path(path: &str) -> Result<Self, PatternError> {
        let path = normalise_path(path)?;
        Self::from_components(path.split('/').map(|name| Component::of_name(name, true)).collect())
    }

    /// The normal text; parsing it gives an equal pattern.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it has no wildcard, so that it names one path.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        self.components.iter().all(Component::is_literal)
    }

    /// Whether its last name is that of a file and has no wildcard: see [`is_file_name`].
    #[must_use]
    pub fn names_file(&self) -> bool {
        self.is_file
    }

    /// The one path it names, without escapes, if it has no wildcard.
    #[must_use]
    pub fn literal_path(&self) -> Option<String> {
        self.is_literal().then(|| self.literal_prefix())
    }

    /// The path that everything it matches is, or is below: its leading components without wildcards,
    /// without escapes, joined by `/`; empty when the first one has a wildcard. A door resolves
    /// symlinks in it.
    #[must_use]
    pub fn literal_prefix(&self) -> String {
        let names = self.components.iter().map_while(Component::literal);
        names.collect::<Vec<_>>().join("/")
    }

    /// The same pattern below another prefix: `prefix` (a concrete path; empty for the root) takes the place
    /// of [`Pattern::literal_prefix`].
    ///
    /// # Errors
    /// The prefix is refused by [`normalise_path`], or the result is too long, too deep or empty.
    pub fn with_literal_prefix(&self, prefix: &str) -> Result<Self, PatternError> {
        let mut components = if prefix.is_empty() { Vec::new() } else { Self::covering_path(prefix)?.components };
        components.extend(self.components.iter().skip_while(|component| component.is_literal()).cloned());
        Self::from_components(components)
    }

    /// A text that is the same for patterns that cover the same paths because one spells out what the other means: `src` and
    /// `src/**` have one.
    #[must_use]
    pub fn essence(&self) -> String {
        let components = match self.components.as_slice() {
            [names @ .., Component::AnyDepth] if names.last().is_some_and(Component::is_literal) => names,
            components => components,
        };
        text_of(components)
    }

    /// Whether it covers this concrete path, which is to be in the form that [`normalise_path`] gives;
    /// a path in another form is not covered.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        // `here[i]`: the first `i` components can match the names seen so far.
        let count = self.components.len();
        let mut here = vec![false; count + 1];
        here[0] = true;
        for name in path.split('/') {
            if !name::is_name(name) {
                return false;
            }
            skip_any_depth(&self.components, &mut here);
            let mut next = vec![false; count + 1];
            for (i, component) in self.components.iter().enumerate().filter(|(i, _)| here[*i]) {
                match component {
                    Component::AnyDepth => next[i] = true,
                    Component::Name(pattern) => next[i + 1] |= pattern.matches(name),
                }
            }
            next[count] |= here[count] && self.reaches_below();
            here = next;
        }
        skip_any_depth(&self.components, &mut here);
        here[count]
    }

    fn reaches_below(&self) -> bool {
        self.extent == Extent::Below && !seeded::is(seeded::BELOW_UNCOVERED)
    }

    fn from_components(components: Vec<Component>) -> Result<Self, PatternError> {
        if components.is_empty() {
            return Err(PatternError::Empty);
        }
        if components.len() > PATTERN_COMPONENTS_MAX {
            return Err(PatternError::TooManyComponents);
        }
        let text = text_of(&components);
        if text.chars().nth(PATTERN_CHARS_MAX).is_some() {
            return Err(PatternError::TooLong);
        }
        let extent = if components.last().is_some_and(Component::is_literal) { Extent::Below } else { Extent::Matched };
        Ok(Self::made(text, components, extent))
    }

    fn made(text: String, components: Vec<Component>, extent: Extent) -> Self {
        let is_file = components.last().and_then(Component::literal).is_some_and(|name| is_file_name(&name));
        Self { text, components, extent, is_file }
    }
}

/// The text of these components.
fn text_of(components: &[Component]) -> String {
    let mut text = components.iter().map(Component::text).collect::<Vec<_>>().join("/");
    if text.starts_with('!') {
        text.insert_str(0, "./");
    }
    text
}

/// The normal form of one concrete path relative to the root of the repository: `./a//b/` is `a/b`. No character
/// has a meaning as a pattern, and each but `/` and NUL may be in a name. It is plain text: nothing is looked up on a disk.
///
/// # Errors
/// Empty, absolute, with a `..` or a NUL, or longer than [`PATH_CHARS_MAX`]; `.` is [`PatternError::WholeRepository`].
pub fn normalise_path(path: &str) -> Result<String, PatternError> {
    let names = split(path, Form::Path)?.names;
    if names.is_empty() {
        return Err(PatternError::WholeRepository);
    }
    Ok(names.into_iter().map(|(_, name)| name).collect::<Vec<_>>().join("/"))
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pattern").field(&self.text).finish()
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl Hash for Pattern {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl Ord for Pattern {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl PartialOrd for Pattern {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Pattern {
    type Error = PatternError;

    fn try_from(text: String) -> Result<Self, PatternError> {
        Self::parse(&text)
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.text
    }
}

struct Split<'a> {
    /// Each name and the position of its first character.
    names: Vec<(usize, &'a str)>,
    /// It ended in `/` or `.`, so it says "this directory".
    directory: bool,
}

/// The parsed form of a text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// A pattern, as somebody types it.
    Pattern,
    /// A path, as it is.
    Path,
}

fn split(text: &str, form: Form) -> Result<Split<'_>, PatternError> {
    if text.is_empty() {
        return Err(PatternError::Empty);
    }
    let (is_path, chars_max) = (form == Form::Path, if form == Form::Path { PATH_CHARS_MAX } else { PATTERN_CHARS_MAX });
    if text.chars().nth(chars_max).is_some() {
        return Err(PatternError::TooLong);
    }
    for (at, character) in (1..).zip(text.chars()) {
        if character == '\0' || (character.is_control() && !is_path) || (character.is_control() && seeded::is(seeded::ODD_NAMES_PASS)) {
            return Err(PatternError::Control { at, character });
        }
        if character == '\\' && !is_path {
            return Err(PatternError::Backslash { at });
        }
    }
    if text.starts_with('/') {
        return Err(PatternError::Absolute);
    }
    let mut split = Split { names: Vec::new(), directory: false };
    let mut at = 1;
    for part in text.split('/') {
        split.directory = matches!(part, "" | ".");
        match part {
            "" | "." => {}
            ".." => return Err(PatternError::Parent { at }),
            name => split.names.push((at, name)),
        }
        at += part.chars().count() + 1;
    }
    if split.names.len() > PATTERN_COMPONENTS_MAX && !is_path {
        return Err(PatternError::TooManyComponents);
    }
    Ok(split)
}

/// Two `**` in a row say no more than one.
fn push_component(components: &mut Vec<Component>, component: Component) {
    if !matches!((components.last(), &component), (Some(Component::AnyDepth), Component::AnyDepth)) {
        components.push(component);
    }
}

fn skip_any_depth(components: &[Component], here: &mut [bool]) {
    for (i, component) in components.iter().enumerate() {
        if here[i] && matches!(component, Component::AnyDepth) {
            here[i + 1] = true;
        }
    }
}

#[cfg(test)]
mod tests;

//! Rooted glob patterns of repository paths: parsing, normal form, matching, and the exact question
//! "could one path match both?". Pure text: symlinks and letter case are the business of the doors,
//! and whether an overlap is a conflict is the business of the reservation rules.

mod error;
mod name;

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

pub use error::PatternError;
use name::Component;

/// The longest pattern or path, in characters (Unicode scalar values), before and after normalisation.
pub const PATTERN_CHARS_MAX: usize = 1_024;

/// The most components (names between slashes) of a pattern or path after normalisation.
pub const PATTERN_COMPONENTS_MAX: usize = 64;

/// A glob pattern rooted at the repository, in normal form.
///
/// `*` is any run of characters inside a name, `?` one character, `[a-z]` and `[!a-z]` one character
/// of a set (a `]` that comes first and a `-` that comes last stand for themselves), and `**` as a whole
/// component is zero or more components. `[*]`, `[?]` and `[[]` stand for the character itself. A plain
/// pattern names exactly one path: `src` does not cover `src/a`, while `src/**` covers `src` and all below it.
///
/// Normal form: `./a` and `a//b` lose what says nothing, `src/` and `src/.` become `src/**`, `.` becomes
/// `**`, and `a/**/**/b` becomes `a/**/b`. Equality, order and hash are those of the normal text.
#[derive(Clone)]
pub struct Pattern {
    text: String,
    components: Vec<Component>,
}

impl Pattern {
    /// Reads a pattern and brings it into normal form.
    ///
    /// # Errors
    /// Says what stands where and what to write instead: see [`PatternError`].
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let split = split(text)?;
        if text.starts_with('!') {
            return Err(PatternError::Negated);
        }
        let mut components = Vec::with_capacity(split.names.len() + 1);
        for (at, name) in split.names {
            let component = if name == "**" { Component::AnyDepth } else { Component::parse(at, name)? };
            push_component(&mut components, component);
        }
        if split.directory {
            push_component(&mut components, Component::AnyDepth);
        }
        Self::from_components(components)
    }

    /// The plain pattern of one concrete path: characters with a meaning in patterns (`app/[id]/page.tsx`)
    /// stand for themselves, and a trailing `/` means nothing.
    ///
    /// # Errors
    /// As [`normalise_path`], and too long when the escaped text is.
    pub fn of_path(path: &str) -> Result<Self, PatternError> {
        let path = normalise_path(path)?;
        Self::from_components(path.split('/').map(Component::of_name).collect())
    }

    /// The normal text; parsing it gives an equal pattern.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it names exactly one path.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        self.components.iter().all(Component::is_literal)
    }

    /// The one path it names, without escapes, if it names exactly one.
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
        let mut components = if prefix.is_empty() { Vec::new() } else { Self::of_path(prefix)?.components };
        components.extend(self.components.iter().skip_while(|component| component.is_literal()).cloned());
        Self::from_components(components)
    }

    /// How much work it is to compare it: the characters of its names with wildcards. Comparing it with another takes at most
    /// so many steps for each character of that one, and next to nothing where it has none.
    #[must_use]
    pub fn work(&self) -> u64 {
        self.components.iter().map(Component::work).sum()
    }

    /// Whether some path could match both. Exact for paths of any length: it errs on the side of "yes" only
    /// where the shortest common path would itself be over the limits of a path.
    ///
    /// Time is bounded by the product of the two lengths, whatever the patterns: each pair of components
    /// and each pair of positions in them is looked at once (an intersection of automata by dynamic programming).
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let (a, b) = (&self.components, &other.components);
        let width = b.len() + 1;
        let mut here = vec![false; width];
        here[0] = true;
        for i in 0..=a.len() {
            let mut below = vec![false; width];
            for j in 0..width {
                if !here[j] {
                    continue;
                }
                // `**` may stand for nothing, or take one more name; every name can be matched (checked at
                // parsing), so taking a name means skipping it.
                match (a.get(i), b.get(j)) {
                    (None, None) => return true,
                    (Some(Component::AnyDepth), None) => below[j] = true,
                    (None, Some(Component::AnyDepth)) => here[j + 1] = true,
                    (Some(Component::AnyDepth), Some(_)) | (Some(_), Some(Component::AnyDepth)) => {
                        below[j] = true;
                        here[j + 1] = true;
                    }
                    (Some(Component::Name(x)), Some(Component::Name(y))) => below[j + 1] |= x.overlaps(y),
                    (None, Some(_)) | (Some(_), None) => {}
                }
            }
            if !below.contains(&true) {
                return false;
            }
            here = below;
        }
        false
    }

    /// Whether it matches this concrete path, which is to be in the form that [`normalise_path`] gives;
    /// a path in another form is not matched.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        // `here[i]`: the first `i` components can match the names seen so far.
        let mut here = vec![false; self.components.len() + 1];
        here[0] = true;
        for name in path.split('/') {
            if !name::is_name(name) {
                return false;
            }
            skip_any_depth(&self.components, &mut here);
            let mut next = vec![false; here.len()];
            for (i, component) in self.components.iter().enumerate().filter(|(i, _)| here[*i]) {
                match component {
                    Component::AnyDepth => next[i] = true,
                    Component::Name(pattern) => next[i + 1] |= pattern.matches(name),
                }
            }
            here = next;
        }
        skip_any_depth(&self.components, &mut here);
        here[self.components.len()]
    }

    fn from_components(components: Vec<Component>) -> Result<Self, PatternError> {
        if components.is_empty() {
            return Err(PatternError::Empty);
        }
        if components.len() > PATTERN_COMPONENTS_MAX {
            return Err(PatternError::TooManyComponents);
        }
        let mut text = components.iter().map(Component::text).collect::<Vec<_>>().join("/");
        if text.starts_with('!') {
            text.insert_str(0, "./");
        }
        if text.chars().nth(PATTERN_CHARS_MAX).is_some() {
            return Err(PatternError::TooLong);
        }
        Ok(Self { text, components })
    }
}

/// The normal form of one concrete path relative to the root of the repository: `./a//b/` is `a/b`. No character
/// has a meaning as a pattern. It is plain text: nothing is looked up on a disk.
///
/// # Errors
/// The refusals of [`Pattern::parse`] that concern paths; `.` is [`PatternError::WholeRepository`].
pub fn normalise_path(path: &str) -> Result<String, PatternError> {
    let names = split(path)?.names;
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

fn split(text: &str) -> Result<Split<'_>, PatternError> {
    if text.is_empty() {
        return Err(PatternError::Empty);
    }
    if text.chars().nth(PATTERN_CHARS_MAX).is_some() {
        return Err(PatternError::TooLong);
    }
    for (at, character) in (1..).zip(text.chars()) {
        if character.is_control() {
            return Err(PatternError::Control { at, character });
        }
        if character == '\\' {
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
    if split.names.len() > PATTERN_COMPONENTS_MAX {
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

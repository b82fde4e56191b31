//! Where a pattern looks for those that it could overlap, besides its leading names: see [`crate::rules::near`].

use super::Pattern;
use super::name::Component;

/// The kinds of places that a pattern can name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// `**/NAME` where the name has a wildcard: whatever has such a name, anywhere. The characters before the wildcard.
    NamesLike(String),
    /// `**/NAME` without a wildcard: whatever has that name, anywhere, and all below it.
    Name(String),
    /// One path, with its names, and nothing below it that a `**` leads to: that of a file, or one that somebody asks about.
    Path(Vec<String>),
    /// Anything else.
    Other,
}

impl Pattern {
    /// The kind of place that it names. Two rules follow from the definition of [`Pattern::overlaps`]. A [`Place::Path`] and a [`Place::NamesLike`]
    /// overlap only if the last name of the path begins with those characters; a [`Place::Path`] and a [`Place::Name`] only if the
    /// path has that name in it.
    #[must_use]
    pub fn place(&self) -> Place {
        if let Some(name) = self.anywhere() {
            return Place::NamesLike(name.head());
        }
        if let [Component::AnyDepth, name] = self.components.as_slice()
            && let Some(name) = name.literal()
        {
            return Place::Name(name);
        }
        let names: Option<Vec<String>> = self.components.iter().map(Component::literal).collect();
        match names {
            Some(names) if self.is_file || !self.reaches_below() => Place::Path(names),
            _ => Place::Other,
        }
    }
}

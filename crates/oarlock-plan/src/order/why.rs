//! Why steps wait for each other.

/// Why one step waits for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// The document says so.
    Stated,
    /// It states a need that no step answers to.
    Unclear,
    /// Both touch a file that one of them writes.
    File,
    /// The format runs them in order.
    Format,
    /// The code of the second uses a module of the first.
    Import,
    /// Their roles tell; the text says how, with a place for the number of the first.
    Role(&'static str),
    /// The second speaks of a thing that the first makes, by a word of this number.
    Word(u32),
    /// The code of the second uses this name, which the first brings in.
    Name(u32),
    /// Both work on a thing of this name.
    Thing(u32),
    /// The second makes a thing that the first speaks of.
    Spoken(u32),
    /// Nothing shows that they are independent.
    Unknown,
    /// One of them stands outside of the list of steps.
    Place,
    /// The first declares packages.
    Manifest,
}

impl Why {
    /// Whether it rests on the words or files of the steps, and not on their kinds.
    pub(crate) fn is_by_content(self) -> bool {
        matches!(self, Why::Stated | Why::Unclear | Why::File | Why::Import | Why::Word(_) | Why::Name(_) | Why::Thing(_) | Why::Spoken(_))
    }
}

/// How many direct orders there are of each kind.
#[derive(Debug, Default)]
pub(crate) struct Causes {
    /// The document says so, or roles and words show it.
    pub(crate) shown: usize,
    /// The same file.
    pub(crate) files: usize,
    /// Nothing shows that the steps are independent.
    pub(crate) unknown: usize,
}

impl Causes {
    /// Counts one.
    pub(crate) fn count(&mut self, why: Why) {
        match why {
            Why::File => self.files += 1,
            Why::Unknown | Why::Place => self.unknown += 1,
            Why::Stated
            | Why::Unclear
            | Why::Format
            | Why::Import
            | Why::Role(_)
            | Why::Word(_)
            | Why::Name(_)
            | Why::Thing(_)
            | Why::Manifest
            | Why::Spoken(_) => self.shown += 1,
        }
    }
}

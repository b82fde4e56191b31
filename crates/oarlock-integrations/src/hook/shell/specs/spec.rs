//! The lines of the table of programs, and how they are written.

/// Which operands of a program are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operands {
    /// None.
    Nothing,
    /// Each, as a file.
    Files,
    /// Each, with all below it.
    Trees,
    /// Files with these endings below each, or below where it runs when there is none.
    Below(&'static str),
    /// Files with these endings below where it runs; operands are none of them.
    Here(&'static str),
    /// As [`Operands::Below`], but nothing without operands.
    Named(&'static str),
    /// The last of several.
    Last,
    /// The last, also where it is the only one.
    Final,
    /// `IN:OUT`, or the last of several.
    Pairs,
    /// The second.
    Second,
    /// The first.
    First,
}

/// A program, or one of its verbs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spec {
    /// Its names, with spaces between them.
    pub(super) names: &'static str,
    /// Its verbs that this is about; `a/b` is the verb `b` behind `a`.
    pub(super) verbs: &'static str,
    /// Options that take a value in the next word.
    pub(super) valued: &'static str,
    /// Options that take one in the same word only.
    pub(super) attached: &'static str,
    /// Whether long options have one dash.
    pub(super) single: bool,
    /// Options of which one has to be given for operands to be written.
    pub(super) when: &'static str,
    /// Options with which nothing is written, or `option=value`.
    pub(super) unless: &'static str,
    /// Options with which the operands are left as they are, since the output goes elsewhere.
    pub(super) spares: &'static str,
    /// Words behind the verb that belong to it.
    pub(super) more: &'static str,
    /// How many operands before the files are none.
    pub(super) skip: usize,
    /// Options with which there are none of those.
    pub(super) skip_unless: &'static str,
    pub(super) operands: Operands,
    /// Options whose values are written.
    pub(super) outputs: &'static str,
    /// Options whose values are written where the operands are.
    pub(super) edits: &'static str,
    /// Options whose values are directories in which something is written.
    pub(super) within: &'static str,
    /// Files that are written where it runs.
    pub(super) fixed: &'static str,
    /// Whether these are only where there are operands.
    pub(super) with_operands: bool,
    /// Whether these are only where there are none.
    pub(super) without_operands: bool,
    /// Whether it says nothing of a call that has none of the options in `when`.
    pub(super) is_only: bool,
    /// Options that name the directory it runs in.
    pub(super) dir: &'static str,
    /// Whether its first operand names that directory.
    pub(super) enters: bool,
    /// Whether an operand that is a link is removed or replaced itself.
    pub(super) is_entry: bool,
    /// Options with which it is not.
    pub(super) follows: &'static str,
    /// Options with which it is, where it is not otherwise.
    pub(super) entries: &'static str,
}

/// A program that is known to write nothing that its options or operands name.
pub(super) const fn reads(names: &'static str) -> Spec {
    Spec {
        names,
        verbs: "",
        valued: "",
        attached: "",
        single: false,
        when: "",
        unless: "",
        spares: "",
        more: "",
        skip: 0,
        skip_unless: "",
        operands: Operands::Nothing,
        outputs: "",
        edits: "",
        within: "",
        fixed: "",
        with_operands: false,
        without_operands: false,
        is_only: false,
        dir: "",
        enters: false,
        is_entry: false,
        follows: "",
        entries: "",
    }
}

pub(super) const fn writes(names: &'static str, operands: Operands) -> Spec {
    Spec { operands, ..reads(names) }
}

pub(super) const fn puts(names: &'static str, outputs: &'static str) -> Spec {
    Spec { outputs, ..reads(names) }
}

impl Spec {
    pub(super) const fn verbs(self, verbs: &'static str) -> Self {
        Self { verbs, ..self }
    }
    pub(super) const fn valued(self, valued: &'static str) -> Self {
        Self { valued, ..self }
    }
    pub(super) const fn attached(self, attached: &'static str) -> Self {
        Self { attached, ..self }
    }
    pub(super) const fn single(self) -> Self {
        Self { single: true, ..self }
    }
    pub(super) const fn when(self, when: &'static str) -> Self {
        Self { when, ..self }
    }
    pub(super) const fn unless(self, unless: &'static str) -> Self {
        Self { unless, ..self }
    }
    pub(super) const fn spares(self, spares: &'static str) -> Self {
        Self { spares, ..self }
    }
    pub(super) const fn skip(self, skip: usize, skip_unless: &'static str) -> Self {
        Self { skip, skip_unless, ..self }
    }
    /// A second verb behind the first, where one of these is there.
    pub(super) const fn skip_verb(self, more: &'static str) -> Self {
        Self { more, ..self }
    }
    pub(super) const fn operands(self, operands: Operands) -> Self {
        Self { operands, ..self }
    }
    pub(super) const fn outputs(self, outputs: &'static str) -> Self {
        Self { outputs, ..self }
    }
    pub(super) const fn edits(self, edits: &'static str) -> Self {
        Self { edits, ..self }
    }
    pub(super) const fn within(self, within: &'static str) -> Self {
        Self { within, ..self }
    }
    pub(super) const fn fixed(self, fixed: &'static str) -> Self {
        Self { fixed, ..self }
    }
    pub(super) const fn with_operands(self) -> Self {
        Self { with_operands: true, ..self }
    }
    pub(super) const fn without_operands(self) -> Self {
        Self { without_operands: true, ..self }
    }
    /// Of other calls another line reports.
    pub(super) const fn only(self) -> Self {
        Self { is_only: true, ..self }
    }
    pub(super) const fn dir(self, dir: &'static str) -> Self {
        Self { dir, ..self }
    }
    pub(super) const fn enters(self) -> Self {
        Self { enters: true, ..self }
    }

    /// Operands that are links are removed or replaced themselves.
    pub(super) const fn entries(self) -> Self {
        Self { is_entry: true, ..self }
    }
    /// The same, but for these options.
    pub(super) const fn entries_unless(self, follows: &'static str) -> Self {
        Self { is_entry: true, follows, ..self }
    }
    /// Operands that are links are written themselves with these options.
    pub(super) const fn entries_when(self, entries: &'static str) -> Self {
        Self { entries, ..self }
    }
}

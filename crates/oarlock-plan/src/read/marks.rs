//! What a line may say, told by one look at it: which readings of it could find something. Nearly all lines of a long document say
//! nothing of the kind, and are not taken apart. A mark that is there promises nothing; one that is not there is certain.

use std::sync::LazyLock;

use oarlock_model::pattern::KNOWN_FILE_NAMES;

use crate::read::label;
use crate::read::paths;
use crate::text::phrases::{BRACKET, DIGIT, Groups, OF_CLASS, Phrases};
use crate::text::titles;

/// What may stand in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marks(Groups);

/// A path, or a part of one.
const PATH: Groups = 1;
/// A language, as in "Python files".
const LANGUAGE: Groups = 1 << 1;
/// What follows it.
const FILES: Groups = 1 << 2;
/// A digit.
const NUMBER: Groups = 1 << 3;
/// A word of labels: "step".
const LABEL: Groups = 1 << 4;
/// That something needs something.
const NEED: Groups = 1 << 5;
/// That something runs beside something.
const BESIDE: Groups = 1 << 6;
/// What stands before: "all previous steps".
const EARLIER: Groups = 1 << 7;
/// "after", and an opening bracket: together they may be "(after step 3)".
const AFTER: Groups = 1 << 8;
const OPENS: Groups = 1 << 9;
/// That something begins at the end of all.
const AWAITS: Groups = 1 << 10;
/// "the", "these", "those".
const DEFINITE: Groups = 1 << 11;

/// What says that steps run at once, or may.
pub(crate) const PARALLEL: [&str; 8] =
    ["parallel", "independent", "concurrent", "simultaneous", "at the same time", "side by side", "in any order", "separately"];
/// What names all that stands before a step.
pub(crate) const ALL_EARLIER: [&str; 7] =
    ["all previous", "all above", "everything above", "all other steps", "all preceding", "all earlier", "previous steps"];
/// What names the one before it.
pub(crate) const ONE_EARLIER: [&str; 4] = ["previous step", "preceding step", "step above", "previous phase"];

static PHRASES: LazyLock<Phrases> = LazyLock::new(|| {
    let of = |group: Groups| move |phrase: &'static str| (phrase.as_bytes().to_vec(), group);
    let documents = paths::DOCUMENTS_IN_CAPITALS.iter().map(|(name, _)| *name);
    let words = KNOWN_FILE_NAMES.iter().copied().chain(documents).map(of(PATH));
    let words = words.chain(paths::LANGUAGES.iter().map(|(name, _)| *name).map(of(LANGUAGE)));
    let words = words.chain(paths::FILES_BEHIND.into_iter().map(of(FILES)));
    let words = words.chain(label::words().map(of(LABEL)));
    let words = words.chain(PARALLEL.into_iter().map(of(BESIDE)));
    let words = words.chain(ALL_EARLIER.into_iter().chain(ONE_EARLIER).map(of(EARLIER)));
    let words = words.chain(titles::WHEN_ALL.into_iter().chain([titles::AT_THE_END]).map(of(AWAITS)));
    let words = words.chain(["the", "those"].into_iter().map(of(DEFINITE)));
    let words = words.chain(["need", "require", "depend", "blocked by", "prerequisite", "builds on "].into_iter().map(of(NEED)));
    let words = words.chain([("after ".as_bytes().to_vec(), AFTER)]);
    // A full stop before a blank, or at the end, ends a sentence and no name. Alternatives in braces may join to a name.
    let in_names = OF_CLASS.iter().filter(|class| !matches!(**class, b' ' | b'.')).map(|class| (vec![b'.', *class], PATH));
    let single = [(vec![b'/'], PATH), (vec![b'{'], PATH), (vec![DIGIT], NUMBER), (vec![BRACKET], OPENS)];
    // Their small letters are of ASCII: they may be a part of any phrase.
    let odd = ["\u{212a}", "\u{130}"].into_iter().map(of(Groups::MAX));
    Phrases::new(words.chain(in_names).chain(single).chain(odd))
});

impl Marks {
    /// Those of a line that says nothing.
    pub(crate) const NONE: Self = Self(0);
    /// Those of a line that may say anything.
    #[cfg(test)]
    pub(crate) const ALL: Self = Self(Groups::MAX);

    /// Those of each line, told with its number.
    pub(crate) fn of_each<'t>(lines: impl Iterator<Item = &'t str>, mut tell: impl FnMut(usize, Self)) {
        PHRASES.in_each(lines, |at, groups| tell(at, Self(groups)));
    }

    fn has(self, groups: Groups) -> bool {
        self.0 & groups != 0
    }

    /// Whether it may name a file.
    pub(crate) fn path(self) -> bool {
        self.has(PATH) || (self.has(LANGUAGE) && self.has(FILES))
    }

    /// Whether it may name a step by a label, a number or an identifier.
    pub(crate) fn names_step(self, line: &str) -> bool {
        self.has(NUMBER) || (self.has(LABEL) && has_single_letter(line))
    }

    /// Whether it may say that something is needed.
    pub(crate) fn need(self) -> bool {
        self.has(NEED) || (self.has(AFTER) && self.has(OPENS))
    }

    /// Whether it may say that things run at once, or are independent.
    pub(crate) fn beside(self) -> bool {
        self.has(BESIDE)
    }

    /// Whether it may speak of the step before it, or of all of them.
    pub(crate) fn earlier(self) -> bool {
        self.has(EARLIER)
    }

    /// Whether it may say that something comes at the end of all.
    pub(crate) fn awaits(self) -> bool {
        self.has(AWAITS)
    }

    /// Whether it may speak of something as being there.
    pub(crate) fn definite(self) -> bool {
        self.has(DEFINITE)
    }
}

/// Whether a line has a letter that stands alone, as in "step b".
fn has_single_letter(line: &str) -> bool {
    let bytes = line.as_bytes();
    let is_apart = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_none_or(|byte| !byte.is_ascii_alphanumeric());
    (0..bytes.len()).any(|at| bytes[at].is_ascii_alphabetic() && is_apart(at.checked_sub(1)) && is_apart(Some(at + 1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step_info::references;
    use crate::text::words;

    /// Pieces of which lines are made.
    const PIECES: [&str; 48] = [
        "the",
        "Step",
        "steps",
        "2",
        "b",
        "a",
        "and",
        "to",
        "#3",
        "T012",
        "task-4a",
        "needs",
        "Requires:",
        "depends on",
        "(after",
        "after",
        "[after the tasks]",
        "blocked by",
        "builds on the lexer",
        "all previous",
        "steps",
        "previous step",
        "step above",
        "in parallel",
        "independent of the other",
        "does not need it",
        "none",
        ",",
        ")",
        "Makefile",
        "{Make,x}file",
        "src/a.rs",
        "`b.md`",
        "a.b",
        "e.g.",
        "end.",
        "Python",
        "files",
        "scripts",
        "docs/",
        "at the end",
        "once all of it",
        "is green",
        "tas\u{212a} b",
        "\u{130}tem 2",
        "those",
        "—",
        "é",
    ];

    fn marks(line: &str) -> Marks {
        let mut marks = Marks::NONE;
        Marks::of_each([line].into_iter(), |_, found| marks = found);
        marks
    }

    /// Lines of two pieces, and every seventh of three.
    fn lines() -> impl Iterator<Item = String> {
        let pairs = PIECES.iter().flat_map(|one| PIECES.iter().map(move |two| format!("{one} {two}")));
        let joined = PIECES.iter().flat_map(|one| PIECES.iter().map(move |two| format!("{one}{two}")));
        let triples = pairs.clone().flat_map(|pair| PIECES.iter().map(move |three| format!("{pair} {three}"))).step_by(7);
        pairs.chain(joined).chain(triples)
    }

    #[test]
    fn a_line_without_a_mark_says_nothing() {
        for line in lines() {
            let marks = marks(&line);
            assert!(marks.path() || paths::find(&line, 16).is_empty(), "a path: {line}");
            assert!(marks.definite() || words::definite_stems(&line).is_empty(), "something that is there: {line}");
            assert!(marks.awaits() || !titles::says_wait("", std::iter::once(line.as_str())), "a wait: {line}");
            assert_eq!(
                references::statements_of_line(&line, marks),
                references::statements_of_line(&line, Marks::ALL),
                "about other steps: {line}"
            );
        }
    }
}

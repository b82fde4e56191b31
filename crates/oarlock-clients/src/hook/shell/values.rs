//! Variables whose values the text itself gives: by an assignment, or as what a loop goes through.

use std::collections::HashMap;

use super::lexer;
use super::simple::{Simple, Word, is_assignment};

/// How many values of a loop are looked at; of more, none is known.
const VALUES_MAX: usize = 16;

/// How many variables are known at once.
const NAMES_MAX: usize = 64;

/// The longest value or word that is looked into, in bytes; there is no longer path.
const BYTES_MAX: usize = 4_096;

/// Commands that only give values.
const DECLARES: [&str; 5] = ["export", "local", "readonly", "declare", "typeset"];

/// The values of a shell's variables, as far as its text tells them.
#[derive(Clone, Debug, Default)]
pub(super) struct Values {
    known: HashMap<String, Vec<String>>,
}

impl Values {
    /// Notes what a command makes of variables.
    pub(super) fn note(&mut self, simple: &Simple) {
        let Some((program, args)) = simple.program().split_first() else { return self.assign(&simple.words) };
        match (program.known(), args) {
            (Some("for"), [name, among, values @ ..]) if among.is("in") => self.set(&name.text, values.iter().map(value).collect()),
            (Some("read"), names) => names.iter().for_each(|name| drop(self.known.remove(&name.text))),
            (Some(program), args) if DECLARES.contains(&program) => self.assign(args),
            _ => {}
        }
    }

    fn assign(&mut self, words: &[Word]) {
        for word in words.iter().filter(|word| is_assignment(&word.text)) {
            if let Some((name, text)) = word.text.split_once('=') {
                let text = word.is_known.then(|| Word::of(text)).as_ref().and_then(value);
                self.set(name, text.map(|text| vec![text]));
            }
        }
    }

    /// Values that are not all known make none known.
    fn set(&mut self, name: &str, values: Option<Vec<String>>) {
        match values.filter(|values| (1..=VALUES_MAX).contains(&values.len())) {
            Some(values) if self.known.len() < NAMES_MAX => drop(self.known.insert(name.to_owned(), values)),
            _ => drop(self.known.remove(name)),
        }
    }

    /// The commands that one is, with values for its variables: one for each value of a loop.
    pub(super) fn resolved(&self, simple: &Simple) -> Vec<Simple> {
        let of = |words: &[Word]| -> Vec<Vec<Word>> { words.iter().map(|word| self.choices(word)).collect() };
        let (words, outputs) = (of(&simple.words), of(&simple.outputs));
        let count = words.iter().chain(&outputs).map(Vec::len).max().unwrap_or(1);
        // A word without variables is the same each time.
        let pick = |words: &[Vec<Word>], at: usize| words.iter().filter_map(|word| word.get(at).or(word.last())).cloned().collect();
        (0..count).map(|at| Simple { words: pick(&words, at), outputs: pick(&outputs, at), ..simple.clone() }).collect()
    }

    /// A word with the values of its first variable that is known, or as it is.
    fn choices(&self, word: &Word) -> Vec<Word> {
        let same = || vec![word.clone()];
        if word.spelled.len() > BYTES_MAX || self.known.is_empty() || word.spelled.contains('\'') {
            return same();
        }
        let found = word.spelled.match_indices('$').find_map(|(at, _)| {
            let rest = &word.spelled[at + 1..];
            let (rest, is_braced) = rest.strip_prefix('{').map_or((rest, false), |rest| (rest, true));
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            let values = self.known.get(&rest[..end])?;
            let behind = if is_braced { rest[end..].strip_prefix('}')? } else { &rest[end..] };
            Some((&word.spelled[..at], values, behind))
        });
        let Some((before, values, behind)) = found else { return same() };
        let put = |value: &String| {
            let text = format!("{before}{value}{behind}");
            // What a wildcard has found is a name, also in quotes; with blanks in them it would be several.
            match value.contains(['*', '?', '[']) {
                true if text.contains(char::is_whitespace) => word.clone(),
                true => lexer::word(&text.replace('"', "")),
                false => lexer::word(&text),
            }
        };
        values.iter().map(put).collect()
    }
}

/// A value as it can be put into a word: plain characters and wildcards, or it is not known.
fn value(word: &Word) -> Option<String> {
    let text = word.known().unwrap_or(&word.spelled);
    let is_plain = |c: char| c.is_alphanumeric() || "_./+,=@%:-".contains(c) || (!word.is_known && "*?[]".contains(c));
    (!text.is_empty() && text.len() <= BYTES_MAX && text.chars().all(is_plain)).then(|| text.to_owned())
}

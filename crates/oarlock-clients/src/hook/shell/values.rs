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
        let words = &simple.words[simple.words.iter().position(|word| !is_reserved(word)).unwrap_or(simple.words.len())..];
        match words.first().and_then(Word::known) {
            Some("for") => {
                if let [_, name, among, values @ ..] = words
                    && among.is("in")
                {
                    self.set(&name.text, values.iter().map(value).collect());
                }
            }
            Some("read") => words[1..].iter().for_each(|name| drop(self.known.remove(&name.text))),
            Some(first) if DECLARES.contains(&first) => self.assign(&words[1..]),
            _ if simple.program().is_empty() => self.assign(words),
            _ => {}
        }
    }

    fn assign(&mut self, words: &[Word]) {
        for word in words.iter().filter(|word| is_assignment(&word.text)) {
            if let Some((name, text)) = word.text.split_once('=') {
                let text = if word.is_known { value(&Word::of(text)) } else { None };
                self.set(name, Some(vec![text]).and_then(|values| values.into_iter().collect::<Option<Vec<String>>>()));
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
        let words = || simple.words.iter().chain(&simple.outputs);
        let count = words().map(|word| self.choices(word).len()).max().unwrap_or(0);
        let with = |at: usize| {
            let of = |word: &Word| {
                let choices = self.choices(word);
                choices.get(at.min(choices.len().saturating_sub(1))).map_or_else(|| word.clone(), |text| lexer::word(text))
            };
            Simple { words: simple.words.iter().map(of).collect(), outputs: simple.outputs.iter().map(of).collect(), ..simple.clone() }
        };
        if count == 0 { vec![simple.clone()] } else { (0..count).map(with).collect() }
    }

    /// How a word would be spelled with the values of its first variable that is known; nothing without one.
    fn choices(&self, word: &Word) -> Vec<String> {
        if word.spelled.len() > BYTES_MAX || self.known.is_empty() || word.spelled.contains('\'') {
            return Vec::new();
        }
        let found = word.spelled.match_indices('$').find_map(|(at, _)| {
            let rest = &word.spelled[at + 1..];
            let (rest, is_braced) = rest.strip_prefix('{').map_or((rest, false), |rest| (rest, true));
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            let values = self.known.get(&rest[..end])?;
            let behind = if is_braced { rest[end..].strip_prefix('}')? } else { &rest[end..] };
            Some((&word.spelled[..at], values, behind))
        });
        let Some((before, values, behind)) = found else { return Vec::new() };
        let put = |value: &String| {
            let text = format!("{before}{value}{behind}");
            // What a wildcard has found is a name, also in quotes.
            if value.contains(['*', '?', '[']) { text.replace('"', "") } else { text }
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

fn is_reserved(word: &Word) -> bool {
    ["do", "then", "else", "{", "!"].iter().any(|reserved| word.is(reserved))
}

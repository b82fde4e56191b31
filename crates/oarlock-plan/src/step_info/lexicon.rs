//! The words of a document by numbers, so that comparing those of two steps is cheap.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::text::words;

/// The words of a document by numbers.
#[derive(Debug, Default)]
pub(crate) struct Lexicon {
    numbers: HashMap<String, u32, RandomState>,
    /// The words; each has its place for a number.
    pub(crate) words: Vec<String>,
    /// What words of prose come to, as they stand there in lower case: the numbers of their stems, and nothing for those that name no thing.
    said: HashMap<String, Option<u32>, RandomState>,
}

impl Lexicon {
    /// The number of a word.
    pub(crate) fn number(&mut self, word: String) -> u32 {
        if let Some(n) = self.numbers.get(&word) {
            return *n;
        }
        let n = u32::try_from(self.words.len()).expect("words are bounded by steps");
        self.words.push(word.clone());
        self.numbers.insert(word, n);
        n
    }

    /// Adds the numbers of the stems of `text` that may mean a thing, each once. Nearly every word of a document was met before.
    pub(crate) fn said(&mut self, text: &str, out: &mut Vec<u32>) {
        let from = out.len();
        if !self.said_before(text, out) {
            out.truncate(from);
            let stems = words::said_stems(text);
            out.extend(stems.into_iter().map(|stem| self.number(stem)));
            words::each_word(text, |word| {
                if !self.said.contains_key(word) {
                    let number = words::said_stem(word).map(|stem| self.number(stem.to_owned()));
                    self.said.insert(word.to_owned(), number);
                }
            });
            return;
        }
        out[from..].sort_unstable();
        let mut kept = from;
        for at in from..out.len() {
            if kept == from || out[at] != out[kept - 1] {
                out[kept] = out[at];
                kept += 1;
            }
        }
        out.truncate(kept);
    }

    /// The same for a text whose words were all met before; false when one was not.
    fn said_before(&self, text: &str, out: &mut Vec<u32>) -> bool {
        let mut are_known = true;
        words::each_word(text, |word| match self.said.get(word) {
            Some(number) => out.extend(*number),
            None => are_known = false,
        });
        are_known
    }
}

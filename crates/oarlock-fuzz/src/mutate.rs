//! Changes of inputs for the short runs, without a guide: what tends to break readers.

use fastrand::Rng;

/// The longest input that is made, in bytes.
const LENGTH_MAX: usize = 4_096;

/// Words that readers look for, and numbers at their edges.
const WORDS: [&str; 40] = [
    "\n",
    "\n\n",
    "```",
    "~~~",
    "---\n",
    "# ",
    "## ",
    "- ",
    "* ",
    "1. ",
    "  ",
    "\t",
    "- [ ] ",
    "**",
    "`",
    "|",
    ":",
    ",",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "\\",
    "null",
    "-1",
    "0",
    "9223372036854775807",
    "18446744073709551616",
    "1e999",
    "\u{0}",
    "\u{202e}",
    "é",
    "../",
    "/**",
    "*",
    "?",
    "--",
    "depends on step 1",
    "9999999999d",
];

/// Makes inputs out of others, the same ones for the same seed.
#[derive(Debug)]
pub struct Mutator {
    rng: Rng,
}

impl Mutator {
    /// One for this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { rng: Rng::with_seed(seed) }
    }

    /// A changed input, or a mixture of two.
    pub fn next(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut input = self.one_of(corpus);
        for _ in 0..self.rng.usize(1..6) {
            self.change(&mut input, corpus);
        }
        input.truncate(LENGTH_MAX);
        input
    }

    fn one_of(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        if corpus.is_empty() { Vec::new() } else { corpus[self.rng.usize(..corpus.len())].clone() }
    }

    fn change(&mut self, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let at = self.rng.usize(..=input.len());
        let end = self.rng.usize(at..=input.len());
        match self.rng.u8(..8) {
            0 if at < input.len() => input[at] ^= 1 << self.rng.u8(..8),
            1 if at < input.len() => input[at] = self.rng.u8(..),
            2 => drop(input.drain(at..end)),
            3 => {
                let part = input[at..end].to_vec();
                let times = self.rng.usize(1..8);
                input.splice(at..at, part.repeat(times));
            }
            4 => {
                let other = self.one_of(corpus);
                let from = self.rng.usize(..=other.len());
                input.splice(at..end, other[from..].iter().copied());
            }
            5 => input.truncate(at),
            _ => {
                let word = WORDS[self.rng.usize(..WORDS.len())];
                let times = if self.rng.u8(..16) == 0 { 200 } else { 1 };
                input.splice(at..at, word.repeat(times).into_bytes());
            }
        }
    }
}

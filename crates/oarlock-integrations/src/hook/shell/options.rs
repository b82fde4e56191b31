//! The words behind a program's name, distinguished as most programs do: `-o F`, `-oF`, `-xo F`, `--output F`, `--output=F`, `--`; or, as some
//! do, with whole words behind one dash.

use super::word::Word;

/// Options and operands. An option is named without its dashes: by one letter, or by a long name.
#[derive(Debug, Default)]
pub(super) struct Options<'a> {
    /// The arguments that are neither an option nor the value of one.
    pub(super) operands: Vec<&'a Word>,
    given: Vec<(&'a str, Option<Word>)>,
}

/// Whether a name is one of those in a list with spaces between them; `*x` means all that end so.
pub(super) fn is_among(all: &str, name: &str) -> bool {
    let is_it = |one: &str| one == name || one.strip_prefix('*').is_some_and(|end| name.ends_with(end));
    // Most lists have nothing like it in them.
    !name.is_empty() && (all.contains(name) || all.contains('*')) && all.split(' ').any(is_it)
}

impl<'a> Options<'a> {
    /// Reads words. Options in `valued`, with spaces between them, take a value, those in `attached` only one in the same word.
    pub(super) fn read(args: &'a [Word], valued: &str, attached: &str) -> Self {
        let mut options = Self::default();
        let mut rest = args.iter();
        while let Some(word) = rest.next() {
            if word.is("--") {
                options.operands.extend(rest.by_ref());
            } else if let Some(long) = word.text.strip_prefix("--") {
                options.long(word, long, valued, &mut rest);
            } else if word.text.starts_with('-') && !word.is("-") {
                for (at, letter) in word.text.char_indices().skip(1) {
                    let end = at + letter.len_utf8();
                    let name = &word.text[at..end];
                    let own = (end < word.text.len() || !word.is_known).then(|| word.after(end));
                    let takes_next = is_among(valued, name);
                    if takes_next || is_among(attached, name) {
                        let value = if own.is_none() && takes_next { rest.next().cloned() } else { own };
                        options.given.push((name, value));
                        break;
                    }
                    options.given.push((name, None));
                }
            } else {
                options.operands.push(word);
            }
        }
        options
    }

    /// Reads words of a program whose long options have one dash, or two.
    pub(super) fn read_single(args: &'a [Word], valued: &str) -> Self {
        let mut options = Self::default();
        let mut rest = args.iter();
        while let Some(word) = rest.next() {
            if word.is("--") {
                options.operands.extend(rest.by_ref());
            } else if word.text.starts_with('-') && !word.is("-") {
                options.long(word, word.text.trim_start_matches('-'), valued, &mut rest);
            } else {
                options.operands.push(word);
            }
        }
        options
    }

    fn long(&mut self, word: &Word, long: &'a str, valued: &str, rest: &mut std::slice::Iter<'a, Word>) {
        let (name, value) = match long.split_once('=') {
            Some((name, value)) => {
                let dashes = word.text.len() - long.len();
                (name, Some(word.after(dashes + long.len() - value.len())))
            }
            None if word.is_known && is_among(valued, long) => (long, rest.next().cloned()),
            None => (long, None),
        };
        self.given.push((name, value));
    }

    /// Whether one of these options is given.
    pub(super) fn has(&self, names: &[&str]) -> bool {
        self.given.iter().any(|(name, _)| names.contains(name))
    }

    /// Whether one of the options in this list, with spaces between them, is given.
    pub(super) fn has_any(&self, names: &str) -> bool {
        !names.is_empty() && self.given.iter().any(|(name, _)| is_among(names, name))
    }

    /// As [`Options::has_any`]; `option=value` asks for this very value.
    pub(super) fn says_any(&self, all: &str) -> bool {
        let says = |one: &str| match one.split_once('=') {
            Some((name, wanted)) => {
                self.given.iter().any(|(given, value)| *given == name && value.as_ref().is_some_and(|value| value.is(wanted)))
            }
            None => self.given.iter().any(|(given, _)| is_among(one, given)),
        };
        all.split(' ').any(says)
    }

    /// Whether an option that begins so is given.
    pub(super) fn has_beginning(&self, beginning: &str) -> bool {
        self.given.iter().any(|(name, _)| name.starts_with(beginning))
    }

    /// The values of one option, by all its names.
    pub(super) fn values(&self, names: &[&str]) -> Vec<&Word> {
        self.given.iter().filter(|(name, _)| names.contains(name)).filter_map(|(_, value)| value.as_ref()).collect()
    }

    /// The values of the options in this list, with spaces between them.
    pub(super) fn values_of_any(&self, names: &str) -> Vec<&Word> {
        self.given.iter().filter(|(name, _)| is_among(names, name)).filter_map(|(_, value)| value.as_ref()).collect()
    }
}

//! `$PWD` and `$(pwd)`: the directory that a shell is in.

use super::simple::{Simple, Word, escaped};

/// Stands in words for the directory that the shell is in, until the command is looked at. No file name has this character.
pub(super) const HERE: char = '\u{FDD0}';

/// Whether an expansion gives that directory: `${PWD}`, where `is_variable`, or `$(pwd)`.
pub(super) fn is_here(inner: &str, is_variable: bool) -> bool {
    match is_variable {
        true => inner == "PWD",
        false => matches!(inner.split_whitespace().collect::<Vec<_>>().as_slice(), ["pwd"] | ["pwd", "-P" | "-L"]),
    }
}

/// The directory of a shell that is in `dir`, seen from `cwd`: absolute where that is known.
pub(super) fn absolute(dir: &str, cwd: Option<&str>) -> Option<String> {
    if dir.starts_with(['/', '~']) {
        return Some(dir.to_owned());
    }
    let cwd = cwd.filter(|cwd| cwd.starts_with('/'))?.trim_end_matches('/');
    Some(if dir.is_empty() { cwd.to_owned() } else { format!("{cwd}/{dir}") })
}

/// A command with `dir` in place of each [`HERE`]; without one, what these words mean is not known.
pub(super) fn put(simple: &Simple, dir: Option<&str>) -> Simple {
    let of = |words: &[Word]| words.iter().map(|word| put_into(word, dir)).collect();
    Simple { words: of(&simple.words), outputs: of(&simple.outputs), ..simple.clone() }
}

fn put_into(word: &Word, dir: Option<&str>) -> Word {
    if !word.text.contains(HERE) && !word.tail.contains(HERE) && !word.pattern.contains(HERE) {
        return word.clone();
    }
    let Some(dir) = dir else {
        let (before, _) = word.text.split_once(HERE).unwrap_or((&word.text, ""));
        let last = if word.is_known { &word.text } else { &word.tail };
        let tail = last.rsplit_once(HERE).map_or(last.as_str(), |(_, behind)| behind);
        return Word { tail: tail.to_owned(), spelled: word.spelled.clone(), ..Word::beginning(before) };
    };
    Word {
        text: word.text.replace(HERE, dir),
        tail: word.tail.replace(HERE, dir),
        pattern: word.pattern.replace(HERE, &escaped(dir)),
        ..word.clone()
    }
}

//! Small work on text: markup off, placeholders known, lengths bounded.
//!
//! The files below know what English says: words and their stems, verbs, titles of steps, durations. [`phrases`] looks
//! for many phrases at once. Nothing here knows of documents or steps.

pub(crate) mod durations;
pub(crate) mod language;
pub(crate) mod phrases;
pub(crate) mod titles;
pub(crate) mod verbs;
pub(crate) mod words;

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::OnceLock;

use foldhash::fast::RandomState;
use oarlock_model::text::is_bidi_or_invisible;

/// Longest line that is looked at, in bytes; what follows is copied but not read.
const CLIP_BYTES: usize = 4_000;
/// Links of a title that are resolved.
const LINKS_MAX: usize = 16;
/// Longest title of a step, in characters.
const TITLE_CHARS_MAX: usize = 160;

/// A list of words or phrases in one text, with commas between: easier to read and to extend than a column of strings.
#[derive(Debug)]
pub(crate) struct List {
    text: &'static str,
    /// Every word of a document is asked for in several lists: the set is made once.
    words: OnceLock<HashSet<&'static str, RandomState>>,
}

impl List {
    /// The list that `text` writes out.
    pub(crate) const fn new(text: &'static str) -> Self {
        Self { text, words: OnceLock::new() }
    }

    /// Whether `word` is one of them.
    pub(crate) fn has(&self, word: &str) -> bool {
        self.words.get_or_init(|| self.iter().collect()).contains(word)
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.text.split(',').map(str::trim_start)
    }
}

/// The beginning of a line, so that one endless line costs no more than others.
pub(crate) fn clip(text: &str) -> &str {
    if text.len() <= CLIP_BYTES {
        return text;
    }
    let end = (0..=CLIP_BYTES).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
    &text[..end]
}

/// One line of Markdown as a title: no emphasis, code marks, link targets, control characters or closing colon.
pub(crate) fn plain(text: &str) -> String {
    let text = without_links(without_estimate(text)).replace("**", "").replace(['`', '\u{feff}'], "");
    let mut out = String::with_capacity(text.len().min(4 * TITLE_CHARS_MAX));
    let mut count = 0;
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()) {
        // What cannot be seen is not of ASCII.
        let word = if word.is_ascii() { Cow::Borrowed(word) } else { word.chars().filter(|c| !is_bidi_or_invisible(*c)).collect() };
        count += word.chars().count() + 1;
        if count > TITLE_CHARS_MAX {
            if out.is_empty() {
                out.extend(word.chars().take(TITLE_CHARS_MAX - 1));
            }
            out.push('…');
            return out;
        }
        if !out.is_empty() && !word.is_empty() {
            out.push(' ');
        }
        out.push_str(&word);
    }
    out.trim_end_matches([':', '-', '–', '—', ' ']).trim_start_matches([':', ' ']).to_owned()
}

/// "Design (20 min)" as "Design": the minutes stand in a field of their own.
fn without_estimate(text: &str) -> &str {
    let trimmed = text.trim_end_matches(|c: char| c.is_whitespace() || "*:".contains(c));
    let Some((before, inner)) = trimmed.strip_suffix(')').and_then(|t| t.rsplit_once('(')) else {
        return text;
    };
    let tells = inner.len() < 40 && (durations::minutes_in(inner).is_some() || inner.ends_with("tokens"));
    if tells && before.chars().any(char::is_alphanumeric) { before } else { text }
}

/// `[text](target)` as `text`.
fn without_links(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    for _ in 0..LINKS_MAX {
        let Some(open) = rest.find('[') else { break };
        let link = rest[open..].find("](").and_then(|mid| rest[open + mid..].find(')').map(|close| (open + mid, open + mid + close)));
        let Some((mid, close)) = link.filter(|(mid, _)| !rest[open + 1..*mid].contains('[')) else {
            out.push_str(&rest[..=open]);
            rest = &rest[open + 1..];
            continue;
        };
        out.push_str(&rest[..open]);
        out.push_str(&rest[open + 1..mid]);
        rest = &rest[close + 1..];
    }
    out.push_str(rest);
    out
}

/// Whether a text is the blank of a form: `FILL_ME`, `{title}`, `[criterion]`, `${X}`, `...`.
pub(crate) fn is_placeholder(text: &str) -> bool {
    if text.contains("FILL_ME") || text.contains("FILL ME") {
        return true;
    }
    let mut depth = 0_usize;
    let mut left = String::new();
    for c in text.chars() {
        match c {
            '{' | '[' | '<' => depth += 1,
            '}' | ']' | '>' => depth = depth.saturating_sub(1),
            _ if depth == 0 => left.push(c),
            _ => {}
        }
    }
    let words: Vec<&str> = left.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    words
        .iter()
        .all(|w| ["TODO", "TBD", "XXX", "XX", "N", "TASK", "Step", "step", "task"].contains(w) || w.chars().all(|c| c.is_ascii_digit()))
}

/// The folder and the name of a path or of a pattern's text; the folder is empty at the top.
pub(crate) fn folder_and_name(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// Its name alone.
pub(crate) fn name_of(path: &str) -> &str {
    folder_and_name(path).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_lose_their_markup() {
        assert_eq!(plain("**Update** [the guide](docs/a.md):"), "Update the guide");
        assert_eq!(plain("a\u{202e}b\u{7}c  `x`"), "ab c x");
        assert_eq!(plain(&"x".repeat(1_000)).chars().count(), TITLE_CHARS_MAX);
        assert_eq!(plain("**Design (20 min)**"), "Design");
        assert_eq!(plain("Add it (new)"), "Add it (new)");
        assert_eq!(plain("[a [b](c"), "[a [b](c");
    }

    #[test]
    fn placeholders_are_known() {
        for text in ["FILL_ME - [criterion]", "{what}", "[Step 1]", "${X}", "TODO", "...", ""] {
            assert!(is_placeholder(text), "{text}");
        }
        for text in ["Rename [name].template.md", "Update `{id}.yaml` files", "Add a parser"] {
            assert!(!is_placeholder(text), "{text}");
        }
    }

    #[test]
    fn long_lines_are_cut_between_characters() {
        assert!(clip(&"é".repeat(5_000)).len() <= CLIP_BYTES);
    }
}

//! Texts of others made safe to print: control characters, direction marks and characters that cannot be seen are written as escapes.
//! Every door uses this one function: terminals, answers to models, hooks, error messages, logs.

use serde_json::Value;
use std::borrow::Cow;

/// Characters that change the direction of a line or cannot be seen; they can make hostile text look like something else
/// (Unicode Technical Report 36, section 2.8), or carry words that a model reads and a person does not: the tags U+E0000 to U+E007F
/// repeat ASCII invisibly. Joiners and variation selectors are not in this set: scripts and emoji need them, but only one at a time;
/// [`escaped`] escapes the others.
pub fn is_bidi_or_invisible(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180E}' | '\u{200B}'
        | '\u{200E}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}'
        | '\u{FFF9}'..='\u{FFFB}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E00FF}' | '\u{E01F0}'..='\u{E0FFF}')
}

/// Whether something is to be seen of it. Joiners and variations only change what they stand between.
pub fn is_visible(c: char) -> bool {
    !c.is_whitespace() && !matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0020}'..='\u{e007f}')
}

/// A text of several lines as it may be printed: line ends and tabs stay.
pub fn escaped(text: &str) -> Cow<'_, str> {
    escape(text, |c| matches!(c, '\n' | '\t'))
}

/// All texts of a JSON value, the names of fields included, as [`escaped`].
pub fn escape_json(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(safe) = escaped(text) {
                *text = safe;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(escape_json),
        Value::Object(fields) => {
            if fields.keys().any(|name| matches!(escaped(name), Cow::Owned(_))) {
                *fields = std::mem::take(fields).into_iter().map(|(name, value)| (escaped(&name).into_owned(), value)).collect();
            }
            fields.values_mut().for_each(escape_json);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The same on one line.
pub fn escaped_line(text: &str) -> Cow<'_, str> {
    escape(text, |_| false)
}

/// A text of others as it is kept on one line, of at most this many characters: without control characters.
pub fn kept_line(text: &str, chars_max: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(chars_max).collect()
}

/// The same for a name or a title that people choose by: also without what changes the direction of a line or cannot be seen.
pub fn visible_line(text: &str, chars_max: usize) -> String {
    text.chars().filter(|c| !c.is_control() && !is_bidi_or_invisible(*c)).take(chars_max).collect()
}

fn escape(text: &str, stays: impl Fn(char) -> bool) -> Cow<'_, str> {
    // Nothing is copied as long as nothing is bad: almost every text.
    let mut out: Option<String> = None;
    let mut before = None;
    for (at, c) in text.char_indices() {
        // A line end of Windows is a line end.
        let is_end = c == '\r' && text[at + 1..].starts_with('\n') && stays('\n');
        let is_bad = !is_end && !stays(c) && (c.is_control() || is_bidi_or_invisible(c) || !may_follow(c, before));
        before = Some(c);
        match (is_bad, &mut out) {
            (true, out) => out.get_or_insert_with(|| text[..at].to_owned()).extend(c.escape_unicode()),
            (false, Some(out)) => out.push(c),
            (false, None) => {}
        }
    }
    out.map_or(Cow::Borrowed(text), Cow::Owned)
}

/// Whether a joiner or a variation selector has something visible before it to act on. A row of them is a hidden message.
fn may_follow(c: char, before: Option<char>) -> bool {
    match c {
        '\u{200C}' | '\u{200D}' => before.is_some_and(|before| !is_joiner(before)),
        // Those of text and of emoji follow anything, also a digit or `#`.
        '\u{FE0E}' | '\u{FE0F}' => before.is_some_and(|before| !is_joiner(before) && !is_selector(before)),
        // The others are for scripts that have variants.
        c if is_selector(c) => before.is_some_and(|before| before >= '\u{1000}' && !is_joiner(before) && !is_selector(before)),
        _ => true,
    }
}

fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200C}' | '\u{200D}')
}

fn is_selector(c: char) -> bool {
    matches!(c, '\u{180B}'..='\u{180D}' | '\u{180F}' | '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_and_emoji_stay_as_they_are() {
        for text in [
            "Zwölf\n\tBoxkämpfer 日本 ✅",
            "می\u{200C}خواهم",
            "👨\u{200D}👩\u{200D}👧",
            "❤\u{FE0F}\u{200D}🔥 1\u{FE0F}\u{20E3}",
            "葛\u{E0100}城",
        ] {
            assert!(matches!(escaped(text), Cow::Borrowed(same) if same == text), "{text:?}");
        }
    }

    #[test]
    fn what_steers_or_hides_is_written_out() {
        for (text, shown) in [
            ("a\u{1b}[2Jb\r\u{7}\u{9b}", "a\\u{1b}[2Jb\\u{d}\\u{7}\\u{9b}"),
            ("\u{202E}txt.exe\u{2066}", "\\u{202e}txt.exe\\u{2066}"),
            ("hi\u{E0049}\u{E0067}\u{E007F}", "hi\\u{e0049}\\u{e0067}\\u{e007f}"),
            ("x\u{200B}\u{FEFF}\u{2063}\u{3164}\u{AD}", "x\\u{200b}\\u{feff}\\u{2063}\\u{3164}\\u{ad}"),
            // Rows of joiners and selectors carry bits; a selector of ideographs on a letter carries a byte.
            ("a\u{200D}\u{200C}\u{200D}b", "a\u{200D}\\u{200c}\\u{200d}b"),
            ("😀\u{FE00}\u{FE01}\u{E0101}", "😀\u{FE00}\\u{fe01}\\u{e0101}"),
            ("a\u{E0148}\u{200D}", "a\\u{e0148}\u{200D}"),
            ("\u{FE0F}\u{200D}", "\\u{fe0f}\u{200D}"),
            ("one\u{2028}two\u{2029}", "one\\u{2028}two\\u{2029}"),
        ] {
            assert_eq!(escaped(text), shown);
        }
        assert_eq!(escaped_line("one\ntwo\tthree"), "one\\u{a}two\\u{9}three");
    }

    #[test]
    fn all_texts_of_a_value_are_escaped() {
        let mut value = serde_json::json!({"a\u{202E}": ["\u{1b}[2J", {"b": "\u{E0041}"}], "fine": 1, "c": "x\r\ny\rz"});
        escape_json(&mut value);
        assert_eq!(value, serde_json::json!({"a\\u{202e}": ["\\u{1b}[2J", {"b": "\\u{e0041}"}], "fine": 1, "c": "x\r\ny\\u{d}z"}));
    }

    #[test]
    fn escaping_what_is_escaped_changes_nothing() {
        for text in ["a\u{202E}\u{200D}\u{200D}\u{1b}\r\n", "😀\u{FE00}\u{FE01}"] {
            let once = escaped(text).into_owned();
            assert_eq!(escaped(&once), once.as_str());
        }
    }
}

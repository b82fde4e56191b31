//! Checks of single values, shared by all requests (semantics 20).

use oarlock_model::text::{is_bidi_or_invisible, is_visible};
use oarlock_model::{Rejection, limits, seeded};

use crate::OpError;
use crate::number;

/// A title: one line, not empty, at most 500 characters.
///
/// # Errors
/// `invalid_request`, `limit_reached`.
pub fn check_title(title: &str) -> Result<(), Rejection> {
    if !title.chars().any(is_visible) {
        return Err(Rejection::invalid("the title is empty", "give the task a title of one line"));
    }
    let chars = title.chars().count();
    if chars > limits::TITLE_CHARS_MAX && !seeded::is(seeded::NO_TITLE_LIMIT) {
        return Err(Rejection::limit("characters of the title", limits::TITLE_CHARS_MAX, chars));
    }
    if let Some(at) = hidden_at(title) {
        return Err(Rejection::invalid(
            format!("the title has a control or invisible character at position {}", at + 1),
            "a title is one line of plain text; put the rest into the body",
        ));
    }
    Ok(())
}

/// Where the title has a control or invisible character that is part of no flag. A flag of a region (Unicode TS #51, emoji tag sequences) is
/// a black flag, at most six tags and their end; more tags spell text that only a model reads.
fn hidden_at(title: &str) -> Option<usize> {
    const TAGS_MAX: usize = 6;
    let mut tags_left = None;
    for (at, c) in title.chars().enumerate() {
        tags_left = match (c, tags_left) {
            ('\u{1f3f4}', _) => Some(TAGS_MAX),
            ('\u{e007f}', Some(_)) => None,
            ('\u{e0020}'..='\u{e007e}', Some(left @ 1..)) => Some(left - 1),
            _ if c.is_control() || is_bidi_or_invisible(c) => return Some(at),
            _ => None,
        };
    }
    None
}

/// A body, result or message: at most `bytes_max` bytes, no control characters but tab and line ends.
///
/// # Errors
/// `limit_reached`, `invalid_request`.
pub fn check_text(what: &str, text: &str, bytes_max: usize) -> Result<(), Rejection> {
    if text.len() > bytes_max {
        return Err(Rejection::limit(format!("bytes of the {what}"), bytes_max, text.len()));
    }
    let is_bad = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if let Some((at, c)) = text.char_indices().find(|(_, c)| is_bad(*c)) {
        let line = text[..at].matches('\n').count() + 1;
        return Err(Rejection::invalid(format!("the {what} has the control character {} in line {line}", c.escape_unicode()), "remove it"));
    }
    Ok(())
}

/// A short text, if there is one.
///
/// # Errors
/// `limit_reached`, `invalid_request`.
pub fn check_note(what: &str, text: Option<&str>) -> Result<(), Rejection> {
    let Some(text) = text else { return Ok(()) };
    let chars = text.chars().count();
    if chars > limits::NOTE_CHARS_MAX {
        return Err(Rejection::limit(format!("characters of the {what}"), limits::NOTE_CHARS_MAX, chars));
    }
    check_text(what, text, limits::BODY_BYTES_MAX)
}

/// The length of a list in a request.
///
/// # Errors
/// `limit_reached`.
pub fn check_list(what: &str, items: usize) -> Result<(), Rejection> {
    if items > limits::LIST_ITEMS_MAX { Err(Rejection::limit(what, limits::LIST_ITEMS_MAX, items)) } else { Ok(()) }
}

/// A priority: 0 to 4.
///
/// # Errors
/// `invalid_request`.
pub fn check_priority(priority: Option<u8>) -> Result<(), Rejection> {
    match priority {
        Some(p) if p > limits::PRIORITY_MAX => {
            Err(Rejection::invalid(format!("priority {p} is out of range"), "priorities go from 0 (most urgent) to 4"))
        }
        _ => Ok(()),
    }
}

/// A number of attempts: 1 to 1,000.
///
/// # Errors
/// `invalid_request`.
pub fn check_attempts(attempts: Option<u32>) -> Result<(), Rejection> {
    match attempts {
        Some(n) if n == 0 || n > limits::ATTEMPTS_MAX => Err(Rejection::invalid(
            format!("--max-attempts {n} is out of range"),
            format!("attempts go from 1 to {}", limits::ATTEMPTS_MAX),
        )),
        _ => Ok(()),
    }
}

/// The number of items wanted in a page.
///
/// # Errors
/// `invalid_request`.
pub fn page_limit(limit: Option<usize>) -> Result<usize, Rejection> {
    match limit {
        Some(n) if n == 0 || n > limits::PAGE_ITEMS_MAX => {
            Err(Rejection::invalid(format!("--limit {n} is out of range"), format!("limits go from 1 to {}", limits::PAGE_ITEMS_MAX)))
        }
        Some(n) => Ok(n),
        None => Ok(limits::PAGE_ITEMS_DEFAULT),
    }
}

/// Parses JSON that a user typed, with a bounded depth.
///
/// # Errors
/// `invalid_request` with line and column, `limit_reached`.
pub fn parse_json(what: &str, text: &str) -> Result<serde_json::Value, OpError> {
    if text.len() > limits::BODY_BYTES_MAX {
        return Err(Rejection::limit(format!("bytes of {what}"), limits::BODY_BYTES_MAX, text.len()).into());
    }
    let value = serde_json::from_str(text).map_err(|error| {
        Rejection::invalid(
            format!("{what} is not JSON: {error}"),
            "quote it for the shell, for example '{\"done\": true}'; a plain text is '\"text\"'",
        )
    })?;
    number::check_text(what, text)?;
    check_json(what, &value)?;
    Ok(value)
}

/// A JSON value: bounded in size and depth.
///
/// # Errors
/// `limit_reached`.
pub fn check_json(what: &str, value: &serde_json::Value) -> Result<(), Rejection> {
    let depth = oarlock_model::rules::merge::depth(value);
    if depth > limits::JSON_DEPTH_MAX {
        return Err(Rejection::limit(format!("levels of {what}"), limits::JSON_DEPTH_MAX, depth));
    }
    let bytes = value.to_string().len();
    if bytes > limits::BODY_BYTES_MAX {
        return Err(Rejection::limit(format!("bytes of {what}"), limits::BODY_BYTES_MAX, bytes));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_one_visible_line() {
        for good in [
            "fine — über",
            "план",
            "日本語",
            "می\u{200C}خواهم",
            "क्\u{200D}ष",
            "👨\u{200D}👩\u{200D}👧 ❤\u{FE0F}",
            "🏴\u{E0067}\u{E0062}\u{E007F}",
        ] {
            assert!(check_title(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "  ",
            "a\nb",
            "a\u{0}b",
            "a\u{202E}b",
            "a\u{200B}b",
            "a\u{2066}b",
            "a\u{FEFF}b",
            "\u{200C}\u{200D}",
            "\u{FE0F}",
            "a\u{E0041}b",
        ] {
            assert!(check_title(bad).is_err(), "{bad:?}");
        }
        let spelled = format!("🏴{}\u{E007F}", "\u{E0061}".repeat(7));
        assert!(check_title(&spelled).is_err());
        assert!(matches!(check_title(&"x".repeat(501)), Err(Rejection::LimitReached { .. })));
        assert!(check_title(&"ü".repeat(500)).is_ok());
    }

    #[test]
    fn limits_of_pages_and_attempts_hold() {
        assert!(page_limit(Some(0)).is_err() && page_limit(Some(10_001)).is_err() && page_limit(Some(10_000)).is_ok());
        assert!(check_attempts(Some(0)).is_err() && check_attempts(Some(1_001)).is_err() && check_attempts(Some(1)).is_ok());
        assert!(check_priority(Some(5)).is_err() && check_priority(Some(4)).is_ok());
    }
}

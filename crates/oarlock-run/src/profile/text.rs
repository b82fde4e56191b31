//! Reading JSON of clients: what is missing or of another type is nothing, and texts become short lines.

use serde_json::Value;

use super::fact::Line;
use crate::text::{clean, first_line};

/// Characters of a progress line.
const PROGRESS_CHARS_MAX: usize = 120;
/// Characters of a question or an error.
const WORDS_CHARS_MAX: usize = 500;

/// The text at a path of keys.
pub(super) fn text<'a>(line: &'a Line, path: &[&str]) -> Option<&'a str> {
    at(line, path)?.as_str()
}

/// The value at a path of keys.
pub(super) fn at<'a>(line: &'a Line, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(line.get(*first)?, |value, key| value.get(key))
}

/// A number of tokens; a negative one, a fraction or another type is 0.
pub(super) fn tokens(line: &Line, path: &[&str]) -> u64 {
    at(line, path).and_then(Value::as_u64).unwrap_or(0)
}

/// One short line for people.
pub(super) fn progress(text: &str) -> String {
    first_line(&clean(text.as_bytes()), PROGRESS_CHARS_MAX)
}

/// The words of a question or an error, in one line.
pub(super) fn words(text: &str) -> String {
    let joined = clean(text.as_bytes()).split_whitespace().collect::<Vec<_>>().join(" ");
    first_line(&joined, WORDS_CHARS_MAX)
}

/// Progress of a tool: its name, and what it works on if that is one of the usual arguments.
pub(super) fn tool(name: &str, input: Option<&Value>) -> String {
    const USUAL: [&str; 8] = ["file_path", "filePath", "path", "absolute_path", "command", "pattern", "url", "description"];
    let on = input.and_then(|input| USUAL.iter().find_map(|key| input.get(key)?.as_str()));
    progress(&on.map_or_else(|| name.to_owned(), |on| format!("{name} {on}")))
}

/// Whether a message of a client says that the provider refuses requests at present. Clients pass such messages on in words only.
pub(super) fn is_rate_limit(message: &str) -> bool {
    let message = message.to_lowercase();
    let said = [
        "rate limit",
        "rate_limit",
        "ratelimit",
        "usage limit",
        "hit your limit",
        "hit your session limit",
        "hit your weekly limit",
        "too many requests",
        "resource_exhausted",
        "quota exceeded",
        "exceeded your current quota",
        "exhausted your capacity",
        "exhausted your daily quota",
        "status 429",
        "error 429",
        "http 429",
        "overloaded_error",
    ];
    said.iter().any(|words| message.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_about_limits_are_recognised() {
        for message in [
            "Claude AI usage limit reached|1767225600",
            "You've hit your session limit · resets 3pm",
            "exceeded retry limit, last status: 429 Too Many Requests",
            "[API Error: RESOURCE_EXHAUSTED]",
            "You exceeded your current quota",
        ] {
            assert!(is_rate_limit(message), "{message}");
        }
        for message in ["the file has 429 lines", "limit the rate of requests", "context limit reached", ""] {
            assert!(!is_rate_limit(message), "{message}");
        }
    }
}

//! Text for the developer. A closed pipe ends nothing and is not worth a message.

use std::fmt::Display;
use std::io::Write;

/// The result of a development command: its error is text for the developer.
pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// A line on standard output.
pub(crate) fn say(text: impl Display) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// A line on standard error.
pub(crate) fn warn(text: impl Display) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

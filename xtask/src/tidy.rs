//! `cargo xtask tidy`: cheap checks that hold the shape of the house. Each of them is a test here too.

mod edges;
mod source;

use std::fmt;

use crate::output::{Outcome, say};

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The file, from the workspace's root.
    file: String,
    /// The line from 1; 0 when the whole file is meant.
    line: usize,
    /// What is wrong, and what to do.
    what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.what),
            line => write!(f, "{}:{line}: {}", self.file, self.what),
        }
    }
}

/// Runs every check and shows all faults.
///
/// # Errors
/// There are faults, or a file cannot be read.
pub(crate) fn run() -> Outcome<()> {
    let mut faults = edges::faults()?;
    let sources = source::read_all()?;
    for check in source::CHECKS {
        sources.iter().for_each(|source| check(source, &mut faults));
    }
    faults.iter().for_each(say);
    if faults.is_empty() {
        say(format_args!("tidy: {} files", sources.len()));
        return Ok(());
    }
    Err(format!("tidy found {} faults", faults.len()).into())
}

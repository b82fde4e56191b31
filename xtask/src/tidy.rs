//! `cargo xtask tidy`: cheap checks that hold the shape of the house. Each of them is a test here too.

mod circles;
mod edges;
mod fault;
mod imports;
mod shared;
mod source;
mod words;

use crate::output::{Outcome, say};
use crate::workspace;

/// Check crate edges, dependencies that are shared, circles of imports, where SQL is, lengths, unfinished work, and retired words.
#[derive(clap::Args)]
pub(crate) struct Arguments {}

/// Runs every check and shows all faults.
///
/// # Errors
/// There are faults, or a file cannot be read.
pub(crate) fn run() -> Outcome<()> {
    let metadata = workspace::metadata()?;
    let mut faults = edges::faults(&metadata);
    faults.extend(shared::faults(&metadata));
    let sources = source::read_all()?;
    for check in source::CHECKS.iter().chain([&(words::in_comments as source::Check)]) {
        sources.iter().for_each(|source| check(source, &mut faults));
    }
    faults.extend(circles::faults(&sources));
    faults.extend(words::faults()?);
    faults.iter().for_each(say);
    if faults.is_empty() {
        say(format_args!("tidy: {} files", sources.len()));
        return Ok(());
    }
    Err(format!("tidy found {} faults", faults.len()).into())
}

//! `cargo xtask ci`: what has to pass beside the tests. Steps go from cheap to dear, and the first failure ends it.

use crate::output::{Outcome, say};
use crate::{tidy, workspace};

/// Cargo's part of it.
const STEPS: &[&[&str]] = &[&["fmt", "--all", "--check"], &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]];

/// Runs every step.
///
/// # Errors
/// The first step that fails.
pub(crate) fn run() -> Outcome<()> {
    tidy::run()?;
    for step in STEPS {
        let shown = format!("cargo {}", step.join(" "));
        say(&shown);
        let status = workspace::cargo().args(*step).status()?;
        if !status.success() {
            return Err(format!("{shown} failed").into());
        }
    }
    Ok(())
}

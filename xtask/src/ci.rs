//! `cargo xtask ci`: what has to pass beside the tests. Steps go from cheap to dear, and the first failure ends it.

use std::process::{Command, Stdio};

use crate::output::{Outcome, say};
use crate::{tidy, workspace};

/// The other steps: a program, its arguments, and its effect. Missing programs are left out.
const STEPS: &[(&str, &[&str], &[&str])] = &[
    ("cargo", &["fmt", "--version"], &["fmt", "--all", "--check"]),
    ("typos", &["--version"], &[]),
    // Advisories change without us: the workflow looks at them each day.
    ("cargo", &["deny", "--version"], &["deny", "--workspace", "check", "bans", "licenses", "sources"]),
    ("cargo", &["clippy", "--version"], &["clippy", "--quiet", "--workspace", "--all-targets", "--locked", "--", "--deny", "warnings"]),
];

/// Formatting, lints, tidy, and spelling and licenses where their tools are installed.
#[derive(clap::Args)]
pub(crate) struct Arguments {}

/// Runs every step.
///
/// # Errors
/// The first step that fails.
pub(crate) fn run() -> Outcome<()> {
    tidy::run()?;
    for (program, asked, step) in STEPS {
        let command = || match *program {
            "cargo" => workspace::cargo(),
            other => {
                let mut command = Command::new(other);
                command.current_dir(workspace::root());
                command
            }
        };
        let shown = [&[*program], *step].concat().join(" ");
        if !command().args(*asked).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
            say(format_args!("left out, because it is not installed: {shown}"));
            continue;
        }
        say(&shown);
        if !command().args(*step).status()?.success() {
            return Err(format!("{shown} failed").into());
        }
    }
    Ok(())
}

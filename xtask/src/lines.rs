//! `cargo xtask lines`: lines of code of each crate, tests apart. Blank lines and comments do not count.

use std::path::Path;

use crate::output::{Outcome, say};
use crate::workspace;

/// Counted lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Lines {
    code: usize,
    tests: usize,
}

impl std::ops::AddAssign for Lines {
    fn add_assign(&mut self, other: Self) {
        self.code += other.code;
        self.tests += other.tests;
    }
}

/// Count lines of code of each crate, tests apart.
#[derive(clap::Args)]
pub(crate) struct Arguments {}

/// Prints the table.
///
/// # Errors
/// A file cannot be read.
pub(crate) fn run() -> Outcome<()> {
    say(format_args!("{:<20}{:>8}{:>8}", "crate", "code", "tests"));
    let mut total = Lines::default();
    for dir in workspace::crate_dirs()? {
        let lines = of_crate(&dir)?;
        say(row(&dir.file_name().unwrap_or_default().to_string_lossy(), lines));
        total += lines;
    }
    say(row("all", total));
    Ok(())
}

fn row(name: &str, lines: Lines) -> String {
    format!("{name:<20}{:>8}{:>8}", lines.code, lines.tests)
}

fn of_crate(dir: &Path) -> Outcome<Lines> {
    let mut lines = Lines::default();
    for path in workspace::files_below(dir, "rs")? {
        let inside = path.strip_prefix(dir)?;
        lines += of_text(&std::fs::read_to_string(&path)?, is_test_file(inside));
    }
    Ok(lines)
}

/// Whether a file, named from its crate's folder, only serves tests.
fn is_test_file(inside: &Path) -> bool {
    let is_source = inside.starts_with("src") || inside.starts_with("build.rs");
    let stem = inside.file_stem().unwrap_or_default().to_string_lossy();
    !is_source || matches!(&*stem, "tests" | "testing")
}

/// Counts one file. Test modules stand last, so from the first of them on everything is tests.
fn of_text(text: &str, is_test_file: bool) -> Lines {
    let mut lines = Lines::default();
    let mut in_tests = is_test_file;
    let mut all = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")).peekable();
    while let Some(line) = all.next() {
        in_tests |= line == "#[cfg(test)]" && all.peek().is_some_and(|next| next.contains("mod ") && next.ends_with('{'));
        *(if in_tests { &mut lines.tests } else { &mut lines.code }) += 1;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_blank_lines_do_not_count() {
        let text = "//! What it is.\n\nfn a() {\n    // why\n    b();\n}\n";
        assert_eq!(of_text(text, false), Lines { code: 3, tests: 0 });
    }

    #[test]
    fn tests_are_counted_apart() {
        let text = "fn a() {}\n#[cfg(test)]\nuse b::c;\n#[cfg(test)]\nmod tests {\n    fn d() {}\n}\n";
        assert_eq!(of_text(text, false), Lines { code: 3, tests: 4 });
        assert_eq!(of_text(text, true), Lines { code: 0, tests: 7 });
        assert!(is_test_file(Path::new("tests/all.rs")) && is_test_file(Path::new("src/pattern/tests.rs")));
        assert!(!is_test_file(Path::new("src/task.rs")));
    }
}

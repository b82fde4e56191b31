//! The book: the pages of `docs`, with the pages and files beside that folder to which they link, so that their links work in the book too.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::output::{Outcome, say};
use crate::workspace;

/// Pages beside `docs`, with their titles in the book.
const BESIDE: [(&str, &str); 4] = [
    ("ARCHITECTURE.md", "Architecture"),
    ("CONTRIBUTING.md", "Contributing"),
    ("CHANGELOG.md", "Changelog"),
    ("python/README.md", "The Python package"),
];

/// Files and folders beside `docs` that pages link to.
const LINKED: [&str; 2] = ["examples", "crates/oarlock/examples/seed_calls.rs"];

/// Builds the book into target/book. Its source is a copy in target/book-source.
///
/// # Errors
/// mdbook is not installed or fails, or a file cannot be copied.
pub(super) fn build() -> Outcome<()> {
    let installed = Command::new("mdbook").arg("--version").output();
    if !installed.is_ok_and(|output| output.status.success()) {
        return Err("mdbook is not installed: run `cargo install mdbook`, or read the pages in docs/ as they are".into());
    }
    let target = workspace::target_dir()?;
    let source = target.join("book-source");
    copy(&source)?;
    let status = Command::new("mdbook").args(["build", "--dest-dir"]).arg(target.join("book")).arg(&source).status()?;
    if !status.success() {
        return Err(format!("mdbook: {status}").into());
    }
    say(format_args!("the book is {}", target.join("book/docs/quick-start.html").display()));
    Ok(())
}

/// Copies the pages and the linked files, with one summary for all of them.
fn copy(to: &Path) -> Outcome<()> {
    let root = workspace::root();
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    for name in ["docs"].into_iter().chain(LINKED).chain(BESIDE.map(|(page, _)| page)) {
        copy_tree(&root.join(name), &to.join(name))?;
    }
    fs::rename(to.join("docs/book.toml"), to.join("book.toml"))?;
    fs::write(to.join("SUMMARY.md"), summary(&fs::read_to_string(to.join("docs/SUMMARY.md"))?))?;
    Ok(fs::remove_file(to.join("docs/SUMMARY.md"))?)
}

/// The summary of `docs` as seen from the folder above, with the pages beside it.
fn summary(of_docs: &str) -> String {
    let mut text = of_docs.replace("](", "](docs/");
    text.push_str("\n# Development\n\n");
    for (page, title) in BESIDE {
        let _ = writeln!(text, "- [{title}]({page})");
    }
    text
}

fn copy_tree(from: &Path, to: &Path) -> Outcome<()> {
    if !from.is_dir() {
        fs::create_dir_all(to.parent().unwrap_or(to))?;
        fs::copy(from, to)?;
        return Ok(());
    }
    for entry in fs::read_dir(from)? {
        let name = entry?.file_name();
        copy_tree(&from.join(&name), &to.join(&name))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_link_of_a_page_leads_to_a_file_of_the_book() {
        let dir = workspace::target_dir().expect("there is one").join(format!("book-source-{}", std::process::id()));
        copy(&dir).expect("it is copied");
        let mut broken = Vec::new();
        for page in workspace::files_below(&dir, "md").expect("they are read") {
            let text = fs::read_to_string(&page).expect("it is read");
            for target in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
                let is_path = !target.is_empty() && !target.contains("://") && !target.contains([' ', '\n', '`']);
                if is_path && !page.parent().expect("a folder").join(target).exists() {
                    broken.push(format!("{}: {target}", page.display()));
                }
            }
        }
        fs::remove_dir_all(&dir).expect("it is removed");
        assert!(broken.is_empty(), "{}", broken.join("\n"));
    }
}

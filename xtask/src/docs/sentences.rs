//! How long the sentences of documents and of the help are, in words.

use std::path::PathBuf;
use std::process::Command;

use crate::output::{Outcome, say};
use crate::workspace;

/// Sentences longer than this are counted apart.
const LONG: usize = 30;

/// The words of every sentence of a text.
struct Measured {
    name: String,
    words: Vec<usize>,
}

impl Measured {
    fn of(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), words: sentences(text) }
    }

    fn line(&self) -> String {
        let (count, sum) = (self.words.len(), self.words.iter().sum::<usize>());
        let long = self.words.iter().filter(|words| **words > LONG).count();
        format!("{:44} {count:6} {:8.1} {long:10}", self.name, sum as f64 / count.max(1) as f64)
    }
}

/// Prints a line for each document, for the help, and for all of them.
///
/// # Errors
/// A document cannot be read, or the program cannot be built.
pub(super) fn show() -> Outcome<()> {
    let mut all = Vec::new();
    for path in documents()? {
        let name = path.strip_prefix(workspace::root())?.to_string_lossy().replace('\\', "/");
        all.push(Measured::of(&name, &std::fs::read_to_string(&path)?));
    }
    all.push(Measured::of("help of all verbs", &help()?));
    say(format_args!("{:44} {:>6} {:>8} {:>10}", "text", "count", "words", format!("over {LONG}")));
    all.iter().for_each(|one| say(one.line()));
    let total = Measured { name: "all".into(), words: all.into_iter().flat_map(|one| one.words).collect() };
    say(total.line());
    Ok(())
}

/// The documents that people read: those of the book, generated pages left out, and those at the root.
fn documents() -> Outcome<Vec<PathBuf>> {
    let docs = workspace::root().join("docs");
    let mut found: Vec<PathBuf> = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"].map(|name| workspace::root().join(name)).into();
    found.extend(workspace::files_below(&docs, "md")?.into_iter().filter(|path| !path.starts_with(docs.join("reference"))));
    Ok(found)
}

/// The help of the program and of each verb, one after the other.
fn help() -> Outcome<String> {
    let program = workspace::program()?;
    let ask = |line: &[&str]| -> Outcome<String> {
        let output = Command::new(&program).args(line).env("COLUMNS", "1000").output()?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let whole = ask(&["--help"])?;
    let verbs = whole.lines().filter_map(|line| line.strip_prefix("  ")?.split_once(' ')).map(|(verb, _)| verb);
    let mut text = String::new();
    for verb in verbs.filter(|verb| verb.starts_with(|c: char| c.is_ascii_lowercase())) {
        for line in ask(&[verb, "--help"])?.lines() {
            // The text of a flag is after two or more spaces; flags of every verb are repeated in each.
            if line.starts_with("Common options") {
                break;
            }
            text.push_str(line.trim().rsplit("  ").next().unwrap_or_default().trim());
            text.push_str("\n\n");
        }
    }
    Ok(text)
}

/// The number of words of each sentence of Markdown prose. Code blocks, headings and rows of tables are left out; an item of a list ends a
/// sentence. Texts of one or two words are no sentences.
fn sentences(markdown: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let mut paragraph = String::new();
    let mut is_code = false;
    for line in markdown.lines().map(str::trim).chain([""]) {
        if line.starts_with("```") {
            is_code = !is_code;
        }
        let begins = line.is_empty() || ["```", "#", "|", "- ", "* ", "<"].iter().any(|mark| line.starts_with(mark)) || is_item(line);
        if begins || is_code {
            count(&paragraph, &mut found);
            paragraph.clear();
        }
        if !is_code && !["```", "#", "|", "<"].iter().any(|mark| line.starts_with(mark)) {
            paragraph.push_str(line);
            paragraph.push(' ');
        }
    }
    found
}

/// Whether the line is an item of a numbered list.
fn is_item(line: &str) -> bool {
    line.split_once(". ").is_some_and(|(number, _)| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

fn count(paragraph: &str, found: &mut Vec<usize>) {
    let mut words = 0;
    let mut end = |words: &mut usize| {
        if *words > 2 {
            found.push(*words);
        }
        *words = 0;
    };
    for word in paragraph.split_whitespace() {
        words += usize::from(word.contains(char::is_alphanumeric));
        let bare = word.trim_end_matches([')', '"', '*', '`']);
        if bare.ends_with(['.', '!', '?']) {
            end(&mut words);
        }
    }
    end(&mut words);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_at_marks_items_and_paragraphs() {
        assert_eq!(sentences("One two three. Four five six seven!\n\nEight nine ten"), [3, 4, 3]);
        assert_eq!(sentences("- one two three\n- four five six\n1. seven eight nine\n"), [3, 3, 3]);
        assert_eq!(sentences("# A heading of words\n\n| a table | of | words |\n\n```\nsome code here\n```\nOne line\nof prose.\n"), [4]);
        assert_eq!(sentences("Yes. It is so: that and `this.md` stay.\n"), [7]);
    }
}

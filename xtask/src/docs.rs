//! `cargo xtask docs`: the generated reference, the book, and how long the sentences of the documents are.

mod book;
mod sentences;

use crate::output::{Outcome, say};
use crate::workspace;

/// Write the reference in docs/reference from the program, build the book, or measure the documents.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Build the book with mdbook, into target/book
    #[arg(long)]
    book: bool,
    /// Count the words of sentences in the documents and the help, and change nothing
    #[arg(long, conflicts_with = "book")]
    sentences: bool,
}

/// Writes the reference, and builds or measures as asked.
///
/// # Errors
/// The reference cannot be made, mdbook is not installed or fails, or a document cannot be read.
pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    if arguments.sentences {
        return sentences::show();
    }
    // The pages are made where the program's own types are: in its tests, which also compare them.
    let mut tests = workspace::cargo();
    tests.args(["test", "--quiet", "--package", "oarlock", "--test", "cli", "reference::"]).env("UPDATE_EXPECT", "1");
    if !tests.status()?.success() {
        return Err("the reference cannot be made".into());
    }
    say("docs/reference is written");
    if arguments.book {
        book::build()?;
    }
    Ok(())
}

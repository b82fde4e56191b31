//! Words that documents, help and comments no longer use. `docs/glossary.md` has the words to use instead.

use super::fault::Fault;
use super::source::Source;
use crate::output::Outcome;
use crate::workspace;

/// A retired word or phrase, in lower case, and what to write. A hyphen or an underscore is part of a word, so names of seeded faults and of
/// fields are left alone.
const RETIRED: &[(&str, &str)] = &[
    ("whoever", "a caller that, an agent that"),
    ("anew", "again"),
    ("so many", "N, or the number"),
    ("so long", "up to D, or the time"),
    ("as often", "as many times"),
    ("twice is once", "running it again changes nothing"),
    ("tell", "report, print, show"),
    ("tells", "reports, prints, shows"),
    ("told", "reported, printed, shown"),
    ("telling", "reporting"),
    ("stands", "is, is in, belongs to"),
    ("fouling", "getting in each other's way"),
    ("the bytes that were", "byte for byte"),
    ("needs a look", "problems"),
    ("has none", "has no …"),
    ("mend", "repair"),
    ("mends", "repairs"),
    ("mended", "repaired"),
    ("all the same", "anyway"),
    ("made up", "generated"),
];

/// Documents where they may be, each with the reason.
const EXCEPT: &[(&str, &str)] = &[
    ("docs/glossary.md", "it lists them"),
    ("docs/reference/json.md", "it is made of the comments of types, which have their own pace"),
    ("docs/reference/events.md", "it is made of the comments of types, which have their own pace"),
];

/// Phrases that are retired in pages only: in a comment the noun is a line away.
const IN_PAGES_ONLY: &[&str] = &["has none"];

/// Crates whose comments are not rewritten yet.
const LATER: &[&str] = &["crates/oarlock-plan/"];

/// Retired words in the comments of a source, and doc comments that begin with a headless clause ("What came of it").
pub(super) fn in_comments(source: &Source, faults: &mut Vec<Fault>) {
    if source.file.ends_with("tidy/words.rs") || LATER.iter().any(|dir| source.file.starts_with(dir)) {
        return;
    }
    for (n, _, comment) in source.lines() {
        let mut fault = |what: String| faults.push(Fault { file: source.file.clone(), line: n, what });
        if ["/// What ", "//! What "].iter().any(|opening| comment.starts_with(opening)) {
            fault("a doc comment begins with the thing it describes, not with \"What\"".into());
        }
        // Quoted code is a name.
        let prose: String = comment.to_lowercase().split('`').step_by(2).collect::<Vec<_>>().join("`");
        for (word, instead) in RETIRED.iter().filter(|(word, _)| !IN_PAGES_ONLY.contains(word)) {
            if has_phrase(&prose, word) {
                fault(format!("\"{word}\" is retired; write: {instead}"));
            }
        }
    }
}

/// Retired words in the documents. The help is part of them: docs/reference/commands.md is made of it.
///
/// # Errors
/// A document cannot be read.
pub(super) fn faults() -> Outcome<Vec<Fault>> {
    let root = workspace::root();
    let mut files = vec![root.join("README.md"), root.join("ARCHITECTURE.md"), root.join("CONTRIBUTING.md")];
    files.extend(workspace::files_below(&root.join("docs"), "md")?);
    let mut faults = Vec::new();
    for path in files {
        let file = path.strip_prefix(root)?.to_string_lossy().replace('\\', "/");
        if EXCEPT.iter().all(|(except, _)| *except != file) {
            faults.extend(faults_in(&file, &std::fs::read_to_string(&path)?));
        }
    }
    Ok(faults)
}

fn faults_in(file: &str, text: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut is_code = false;
    for (n, line) in text.lines().enumerate() {
        is_code ^= line.trim_start().starts_with("```");
        if is_code {
            continue;
        }
        let line = line.to_lowercase();
        for (word, instead) in RETIRED {
            if has_phrase(&line, word) {
                faults.push(Fault { file: file.into(), line: n + 1, what: format!("\"{word}\" is retired; write: {instead}") });
            }
        }
    }
    faults
}

/// Whether a phrase is in a line as whole words.
fn has_phrase(line: &str, phrase: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    line.match_indices(phrase).any(|(at, _)| !line[..at].ends_with(is_word) && !line[at + phrase.len()..].starts_with(is_word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retired_words_are_found_as_words() {
        let count = |text: &str| faults_in("a.md", text).len();
        assert_eq!(count("Whoever asks is told so.\n"), 2);
        assert_eq!(count("`time-starts-anew`, a foretold `stands_for`\n```\nit stands so many times\n```\n"), 0);
        assert_eq!(count("```\n```\nTwice is once.\n"), 1);
    }

    #[test]
    fn retired_words_and_headless_clauses_are_found_in_comments_and_not_in_code() {
        let count = |text: &str| {
            let mut faults = Vec::new();
            in_comments(&Source::sample("a.rs", text), &mut faults);
            faults.len()
        };
        assert_eq!(count("/// What it is.\n//! What it is.\n// What it is.\n"), 2);
        assert_eq!(count("fn tell() {} // tell it\nlet told = \"told\";\n/// `tell` has none\n"), 1);
    }

    #[test]
    fn no_document_has_one() {
        let faults = faults().expect("the documents can be read");
        assert!(faults.is_empty(), "{}", faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    }
}

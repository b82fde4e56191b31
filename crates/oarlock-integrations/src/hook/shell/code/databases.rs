//! Statements of databases: which change something, and which write files.

use crate::hook::Written;
use crate::hook::shell::paths::is_file_name;

/// Whether a text begins with a statement that changes a database, or has one behind a `;`.
pub(super) fn changes(text: &str) -> bool {
    const CHANGES: [&str; 13] = [
        "insert", "update", "delete", "create", "drop", "alter", "replace", "vacuum", ".import", ".restore", "begin", "reindex", "truncate",
    ];
    let begins = |statement: &str| {
        let statement = statement.trim_start();
        let first = statement.split(|c: char| c.is_whitespace()).next().unwrap_or_default();
        let is_whole = first.len() == statement.trim_end().len() && !first.eq_ignore_ascii_case("vacuum");
        !is_whole && CHANGES.iter().any(|change| first.eq_ignore_ascii_case(change))
    };
    text.split([';', '\n']).take(200).any(begins)
}

/// The files that statements and a client's own commands write: `COPY … TO 'FILE'`, `EXPORT DATABASE 'DIR'`, `INTO OUTFILE 'FILE'`,
/// `\\copy … to FILE`, `\\o FILE`, `.output FILE`. `is_here` says that statements write here, and not where a server is.
pub(in crate::hook::shell) fn written(text: &str, is_here: bool) -> Vec<Written> {
    let mut found = Vec::new();
    for line in text.split([';', '\n']).take(200) {
        let line = line.trim();
        let lower = line.to_ascii_lowercase();
        let words: Vec<&str> = line.split_whitespace().collect();
        let behind = |mark: &str| {
            let at = lower.find(mark)? + mark.len();
            let rest = line.get(at..)?.trim_start();
            let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '"'));
            match quote {
                Some(quote) => rest[1..].split(quote).next(),
                None => rest.split_whitespace().next(),
            }
        };
        let file = match words.first().map(|first| first.to_ascii_lowercase()).as_deref() {
            Some("\\copy") => behind(" to "),
            Some("\\o" | "\\out" | "\\g" | "\\w" | "\\write" | "\\s") => words.get(1).copied(),
            Some(".output" | ".once" | ".backup" | ".save" | ".clone" | ".excel" | ".log") => {
                words.last().copied().filter(|_| words.len() > 1)
            }
            Some("copy") if is_here => behind(" to "),
            Some("export") if is_here => behind("database "),
            Some("attach") if is_here => None,
            Some(_) if is_here && lower.contains("into outfile ") => behind("into outfile "),
            _ => None,
        };
        let file = file.map(|file| file.trim_matches(['\'', '"', ')'])).filter(|file| is_file_name(file) && !file.starts_with('|'));
        let is_stream = |file: &&str| matches!(file.to_ascii_lowercase().as_str(), "stdout" | "pstdout" | "stdin" | "program");
        found.extend(file.filter(|file| !is_stream(file)).map(Written::tree));
    }
    found
}

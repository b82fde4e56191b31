//! Whether a merge kept every added line: a driver such as `merge=ours` makes a clean tree that lacks one side's work.

use std::collections::HashMap;

use super::git::{MergeRepository, output};
use crate::program::GitFailed;

/// Bytes of a file whose lines are compared; a larger file is not text that agents write together.
const COMPARED_BYTES_MAX: usize = 16 << 20;

impl MergeRepository {
    /// Those of these files that lack a line in the last of four trees, base, ours, theirs and merged, which one of the two sides has added. A file
    /// that one of them has and another lacks was renamed: what the driver made of it is elsewhere and is not known, so it counts as lost.
    pub(super) fn lost_lines(&self, trees: [&str; 4], files: &[String]) -> Result<Vec<String>, GitFailed> {
        let mut lost = Vec::new();
        for path in files {
            let [base, ours, theirs, merged] = trees.map(|tree| self.file(tree, path));
            let (ours, theirs, merged) = match (ours?, theirs?, merged?) {
                (Some(ours), Some(theirs), Some(merged)) => (ours, theirs, merged),
                (None, None, None) => continue,
                _ => {
                    lost.push(path.clone());
                    continue;
                }
            };
            let base = base?.unwrap_or_default();
            let is_text = |bytes: &[u8]| bytes.len() <= COMPARED_BYTES_MAX && !bytes.contains(&0);
            if [&base, &ours, &theirs, &merged].iter().all(|bytes| is_text(bytes)) && is_lost(&base, &ours, &theirs, &merged) {
                lost.push(path.clone());
            }
        }
        Ok(lost)
    }

    /// The bytes of a file in a commit or tree; none when it is not there.
    fn file(&self, of: &str, path: &str) -> Result<Option<Vec<u8>>, GitFailed> {
        let read = output(&mut self.git(&["cat-file", "blob", &format!("{of}:{path}")]))?;
        Ok(read.status.success().then_some(read.stdout))
    }
}

/// Whether a line is there less often than it was, plus what the side that added most of it added, less what both sides took away.
fn is_lost(base: &[u8], ours: &[u8], theirs: &[u8], merged: &[u8]) -> bool {
    let (base, merged) = (counted(base), counted(merged));
    let (ours, theirs) = (counted(ours), counted(theirs));
    let of = |lines: &HashMap<&[u8], i64>, line: &[u8]| lines.get(line).copied().unwrap_or(0);
    ours.keys().chain(theirs.keys()).any(|line| {
        let before = of(&base, line);
        let (one, other) = (of(&ours, line) - before, of(&theirs, line) - before);
        let added = one.max(other).max(0);
        added > 0 && of(&merged, line) < before + added + one.min(0) + other.min(0)
    })
}

/// How often each line is there, whatever ends it.
fn counted(bytes: &[u8]) -> HashMap<&[u8], i64> {
    let mut lines = HashMap::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        *lines.entry(line.strip_suffix(b"\r").unwrap_or(line)).or_insert(0) += 1;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_lost_when_an_added_one_is_missing() {
        for (base, ours, theirs, merged, lost) in [
            ("a\n", "a\nb\n", "c\na\n", "c\na\nb\n", false),
            ("a\n", "a\nb\n", "c\na\n", "a\nb\n", true),
            // Both added the same line, which is there once.
            ("a\n", "a\nb\n", "a\nb\n", "a\nb\n", false),
            // One took a brace away, the other added one.
            ("}\n}\n", "}\n}\nx\n}\n", "}\n", "}\nx\n}\n", false),
            // A line that was changed on one side is not there any more.
            ("a\nb\n", "A\nb\n", "a\nB\n", "A\nB\n", false),
            ("a\nb\n", "A\nb\n", "a\nB\n", "A\nb\n", true),
            ("", "x\n", "y\n", "x\ny\n", false),
            ("", "x\r\n", "y\n", "x\ny\n", false),
        ] {
            let [base, ours, theirs, merged] = [base, ours, theirs, merged].map(str::as_bytes);
            assert_eq!(is_lost(base, ours, theirs, merged), lost, "{:?}", String::from_utf8_lossy(merged));
        }
    }
}

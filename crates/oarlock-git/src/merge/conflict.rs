//! Both sides of a file in conflict, as text for the agent that resolves it.

use super::git::MergeRepository;
use crate::program::GitFailed;

/// Bytes of a file whose hunks are shown; of a larger one only its name is.
const FILE_BYTES_MAX: usize = 4 << 20;

/// A file in conflict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Its path.
    pub path: String,
    /// The message of git, on one line.
    pub message: String,
    /// Where the two sides differ; empty for a file that has no lines: binary, deleted on one side, or a directory.
    pub hunks: Vec<Hunk>,
}

/// One place in a file where the two sides conflict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hunk {
    /// The lines in the target branch.
    pub ours: String,
    /// The lines before both.
    pub base: String,
    /// The lines of the submission.
    pub theirs: String,
}

/// The versions of a file in conflict.
#[derive(Clone, Debug)]
pub(super) struct Stages {
    pub(super) path: String,
    /// Mode and object of the base, ours and theirs.
    pub(super) blobs: [Option<(String, String)>; 3],
    pub(super) message: String,
}

impl Stages {
    pub(super) fn of(path: &str) -> Self {
        Self { path: path.to_owned(), blobs: [None, None, None], message: String::new() }
    }
}

/// Marks that no text has: lines that begin with 31 of one character separate the sides of a conflict.
const MARK: usize = 31;

impl MergeRepository {
    pub(super) fn conflict(&self, stages: Stages, sides: [&str; 3]) -> Result<Conflict, GitFailed> {
        let Stages { path, blobs, message } = stages;
        let hunks = match blobs {
            [base, Some(ours), Some(theirs)] if [&ours.0, &theirs.0].iter().all(|mode| mode.starts_with("100")) => {
                self.hunks(base.map(|(_, object)| object).as_deref(), &ours.1, &theirs.1)?
            }
            _ => Vec::new(),
        };
        let said = if message.is_empty() { format!("it conflicts between {} and {}", short(sides[1]), short(sides[2])) } else { message };
        Ok(Conflict { path, message: said.lines().collect::<Vec<_>>().join(" "), hunks })
    }

    fn hunks(&self, base: Option<&str>, ours: &str, theirs: &str) -> Result<Vec<Hunk>, GitFailed> {
        let dir = self.common_dir().join(format!("oarlock-merge-file-{}", std::process::id()));
        let merged = self.merged_file(&dir, [Some(ours), base, Some(theirs)]);
        let removed = std::fs::remove_dir_all(&dir);
        drop(removed);
        Ok(merged?.map(|text| hunks_of(&text)).unwrap_or_default())
    }

    /// The text with marks of conflicts; none for what has no lines.
    fn merged_file(&self, dir: &std::path::Path, sides: [Option<&str>; 3]) -> Result<Option<String>, GitFailed> {
        std::fs::create_dir_all(dir).map_err(|error| GitFailed(format!("{}: {error}", dir.display())))?;
        let mut files = Vec::new();
        for (name, object) in ["ours", "base", "theirs"].into_iter().zip(sides) {
            let bytes = match object {
                Some(object) => {
                    let read = super::git::output(&mut self.git(&["cat-file", "blob", object]))?;
                    if !read.status.success() {
                        return Err(super::git::failed(&read));
                    }
                    read.stdout
                }
                None => Vec::new(),
            };
            if bytes.len() > FILE_BYTES_MAX || bytes.contains(&0) {
                return Ok(None);
            }
            let file = dir.join(name);
            std::fs::write(&file, bytes).map_err(|error| GitFailed(format!("{}: {error}", file.display())))?;
            files.push(file);
        }
        let size = format!("--marker-size={MARK}");
        let mut command = self.git(&["merge-file", "-p", "-q", "--diff3", &size]);
        let merged = super::git::output(command.args(files))?;
        // The exit status is the number of conflicts, at most 127; a failure is above.
        match merged.status.code() {
            Some(0..=127) => Ok(Some(String::from_utf8_lossy(&merged.stdout).into_owned())),
            _ => Ok(None),
        }
    }
}

/// The hunks of a text with marks.
fn hunks_of(text: &str) -> Vec<Hunk> {
    let is_mark = |line: &str, mark: char| line.chars().take_while(|c| *c == mark).count() == MARK;
    let mut hunks = Vec::new();
    let mut open: Option<(Hunk, u8)> = None;
    for line in text.split_inclusive('\n') {
        open = match open.take() {
            None if is_mark(line, '<') => Some((Hunk { ours: String::new(), base: String::new(), theirs: String::new() }, 0)),
            None => None,
            Some((hunk, 0)) if is_mark(line, '|') => Some((hunk, 1)),
            Some((hunk, 0 | 1)) if is_mark(line, '=') => Some((hunk, 2)),
            Some((hunk, 2)) if is_mark(line, '>') => {
                hunks.push(hunk);
                None
            }
            Some((mut hunk, side)) => {
                match side {
                    0 => hunk.ours.push_str(line),
                    1 => hunk.base.push_str(line),
                    _ => hunk.theirs.push_str(line),
                }
                Some((hunk, side))
            }
        };
    }
    hunks
}

fn short(hash: &str) -> &str {
    hash.get(..10).unwrap_or(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_are_taken_apart_by_marks_that_no_text_has() {
        let mark = |c: char| c.to_string().repeat(MARK);
        let (open, base, middle, close) = (mark('<'), mark('|'), mark('='), mark('>'));
        let text = format!("a\n{open} ours\n=======\nx\n{base} base\nb\n{middle}\n>>>>>>> y\n{close} theirs\nz\n");
        assert_eq!(hunks_of(&text), [Hunk { ours: "=======\nx\n".into(), base: "b\n".into(), theirs: ">>>>>>> y\n".into() }]);
        assert_eq!(hunks_of("nothing\n"), []);
    }
}

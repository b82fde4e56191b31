//! Merging two commits into a tree, without a worktree.

use std::collections::BTreeSet;

use super::attributes::gives_attributes;
use super::conflict::{Conflict, Stages};
use super::git::{MergeRepository, failed, output};
use crate::program::GitFailed;

/// The outcome of a merge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merged {
    /// It is clean.
    Clean {
        /// The merged tree.
        tree: String,
        /// Files that a merge driver put together: `union`, or a program that the user has configured. Only a test says whether they are right.
        driven: Vec<String>,
        /// Files in which a line that one side has added is missing. Git's own merge loses none; a driver may.
        lost: Vec<String>,
    },
    /// The two sides conflict.
    Conflicting(Vec<Conflict>),
    /// The first commit has the second one already: there is nothing to merge.
    Contained,
    /// The two commits have no common ancestor.
    Unrelated,
}

impl MergeRepository {
    /// Merges `theirs` into `ours`. Attributes are read from the merged tree: where the merge changes them, it is made again with the new ones.
    ///
    /// # Errors
    /// Git fails.
    pub fn merge(&self, ours: &str, theirs: &str) -> Result<Merged, GitFailed> {
        let Some(base) = self.merge_base(ours, theirs)? else { return Ok(Merged::Unrelated) };
        if base == theirs {
            return Ok(Merged::Contained);
        }
        let (tree, conflicts) = self.merge_with_attributes(ours, theirs)?;
        if conflicts.is_empty() {
            let (one, other) = (self.changed(&base, ours)?, self.changed(&base, theirs)?);
            let both: Vec<String> = one.intersection(&other).cloned().collect();
            let driven = self.driven(&tree, &both)?;
            // Git's own merge of text loses nothing.
            let lost = self.lost_lines([&base, ours, theirs, &tree], &driven)?;
            return Ok(Merged::Clean { tree, driven, lost });
        }
        let sides = [&*base, ours, theirs];
        Ok(Merged::Conflicting(conflicts.into_iter().map(|stages| self.conflict(stages, sides)).collect::<Result<_, _>>()?))
    }

    /// The merged tree, and the files in conflict.
    pub(super) fn merge_with_attributes(&self, ours: &str, theirs: &str) -> Result<(String, Vec<Stages>), GitFailed> {
        let first = self.merge_once(ours, theirs, ours)?;
        if self.changed(ours, &first.0)?.iter().all(|path| !gives_attributes(path)) {
            return Ok(first);
        }
        self.merge_once(ours, theirs, &first.0)
    }

    /// One merge, with the attributes of this tree: the tree, and the files in conflict.
    fn merge_once(&self, ours: &str, theirs: &str, attributes: &str) -> Result<(String, Vec<Stages>), GitFailed> {
        let mut git = self.attributed(&["merge-tree", "--write-tree", "-z", "--messages", "--end-of-options", ours, theirs], attributes)?;
        let merged = output(&mut git.command)?;
        match merged.status.code() {
            Some(0 | 1) => {}
            _ => return Err(failed(&merged)),
        }
        let is_clean = merged.status.code() == Some(0);
        let text = String::from_utf8_lossy(&merged.stdout).into_owned();
        let mut fields = text.split('\0');
        let tree = fields.next().unwrap_or_default().trim().to_owned();
        if is_clean {
            return Ok((tree, Vec::new()));
        }
        let mut conflicts: Vec<Stages> = Vec::new();
        // Lines of mode, object, stage and name end with an empty one; behind it come the messages.
        for line in fields.by_ref().take_while(|line| !line.is_empty()) {
            let Some((info, path)) = line.split_once('\t') else { continue };
            let words: Vec<&str> = info.split(' ').collect();
            let [mode, object, stage] = words[..] else { continue };
            let at = conflicts.iter().position(|known| known.path == path).unwrap_or_else(|| {
                conflicts.push(Stages::of(path));
                conflicts.len() - 1
            });
            if let (Some(stages), Ok(stage @ 1..=3)) = (conflicts.get_mut(at), stage.parse::<usize>()) {
                stages.blobs[stage - 1] = Some((mode.to_owned(), object.to_owned()));
            }
        }
        let rest: Vec<&str> = fields.collect();
        let mut rest = &rest[..];
        while let [count, after @ ..] = rest {
            let Ok(count) = count.trim().parse::<usize>() else { break };
            let Some((paths, [kind, message, after @ ..])) = after.split_at_checked(count) else { break };
            rest = after;
            if !kind.starts_with("CONFLICT") {
                continue;
            }
            for path in paths {
                let at = conflicts.iter().position(|known| known.path == *path).unwrap_or_else(|| {
                    conflicts.push(Stages::of(path));
                    conflicts.len() - 1
                });
                if let Some(stages) = conflicts.get_mut(at) {
                    stages.message = message.trim().to_owned();
                }
            }
        }
        if conflicts.is_empty() {
            // Never take a conflict for none.
            conflicts.push(Stages::of("(unknown)"));
        }
        Ok((tree, conflicts))
    }

    /// Those of these files, which both sides have changed, that a merge driver has put together.
    fn driven(&self, tree: &str, both: &[String]) -> Result<Vec<String>, GitFailed> {
        let mut driven = Vec::new();
        for paths in both.chunks(100) {
            let mut git = self.attributed(&["check-attr", "-z", "merge", "--"], tree)?;
            let said = super::git::text(git.command.args(paths))?;
            let fields: Vec<&str> = said.split('\0').collect();
            for file in fields.chunks_exact(3) {
                if let [path, _, value] = file
                    && !matches!(*value, "unspecified" | "set" | "unset" | "text" | "binary")
                {
                    driven.push((*path).to_owned());
                }
            }
        }
        Ok(driven)
    }

    /// The files that differ between two commits.
    ///
    /// # Errors
    /// Git fails.
    pub fn changed(&self, from: &str, to: &str) -> Result<BTreeSet<String>, GitFailed> {
        let listed = self.ask(&["diff-tree", "-r", "-z", "--name-only", "--no-renames", from, to])?;
        Ok(listed.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect())
    }
}

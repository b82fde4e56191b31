//! Facts that only the caller's own machine knows: its files, its processes, its place in the repository.

use oarlock_model::agent::Host;
use oarlock_model::landing::{BranchName, ObjectId};
use oarlock_model::{TaskId, limits};
pub use oarlock_plan::{Existing, Floor, Search};

use crate::OpError;

/// Whether a text is the path of a file by its form.
pub fn names_file(text: &str) -> bool {
    text.contains('/') || text.ends_with(".md")
}

/// The task that a text means which may also be a file in the directory of the caller; none for a path by its form.
pub fn task_named(text: &str) -> Option<TaskId> {
    if names_file(text) { None } else { TaskId::parse(text).ok() }
}

/// The document that a text names, if it names a file. One that may mean a task too need not be readable: a program may have the name of
/// the task that is meant.
///
/// # Errors
/// As [`Local::read_text`].
pub fn document_named(local: &mut dyn Local, text: &str) -> Result<Option<String>, OpError> {
    if !names_file(text) && !local.is_file(text) {
        return Ok(None);
    }
    let read = local.read_text(text, limits::DOCUMENT_BYTES_MAX);
    if task_named(text).is_some() { Ok(read.ok()) } else { read.map(Some) }
}

/// The caller's side of a request. A door on the caller's machine implements it; a gateway's does not.
pub trait Local {
    /// The text of a file, or of standard input for `-`; at most `bytes_max` bytes.
    ///
    /// # Errors
    /// A file that cannot be read or is not UTF-8 (`data_damaged`, with the place), or is too large
    /// (`limit_reached`).
    fn read_text(&mut self, path: &str, bytes_max: usize) -> Result<String, OpError>;

    /// Replaces a text that is only `-` by standard input, at most as long as a body.
    ///
    /// # Errors
    /// As [`Local::read_text`].
    fn read_if_dash(&mut self, text: &mut String) -> Result<(), OpError> {
        if text == "-" {
            *text = self.read_text("-", limits::BODY_BYTES_MAX)?;
        }
        Ok(())
    }

    /// Whether this names a file.
    fn is_file(&self, path: &str) -> bool;

    /// Where a document is, which then means the same from every directory: its path in the repository, or the absolute one of a file outside. None
    /// when it is not a file of its own (standard input), or its path is not UTF-8.
    ///
    /// # Errors
    /// The current directory was deleted.
    fn document_path(&self, path: &str) -> Result<Option<String>, OpError>;

    /// The least that a document must have to be split, where this file, or the file of the task with this id, belongs to a project that has
    /// such a rule.
    fn floor(&self, named: &str) -> Option<Floor>;

    /// A path as the caller wrote it, relative to the repository's root and with symlinks resolved
    /// as far as the path exists.
    ///
    /// # Errors
    /// `invalid_request` for a path outside the repository.
    fn repository_path(&self, path: &str) -> Result<String, OpError>;

    /// The files that match the patterns of a plan in the caller's repository; nothing outside of a repository.
    ///
    /// # Errors
    /// A folder that cannot be read.
    fn look_for(&self, search: Search) -> Result<Option<Existing>, OpError>;

    /// The files of the repository that the caller is in, by their paths from its root, as far as a list of them is bounded; none outside
    /// any.
    ///
    /// # Errors
    /// The current directory was deleted.
    fn list_files(&self) -> Result<Vec<String>, OpError> {
        Ok(Vec::new())
    }

    /// The commit that a task submits for landing from here: the tip of `branch`; without one that of `oarlock/TASK`, else the checked-out one where
    /// the caller is. None outside of a repository, or where there is no such commit.
    ///
    /// # Errors
    /// `not_found` for a branch that is named and not there; git fails.
    fn submission(&self, _task: &TaskId, _branch: Option<&BranchName>) -> Result<Option<(Option<BranchName>, ObjectId)>, OpError> {
        Ok(None)
    }

    /// The identity of a running process of this machine.
    ///
    /// # Errors
    /// `not_found` when there is none.
    fn process(&self, pid: u32) -> Result<String, OpError>;

    /// This machine.
    fn host(&self) -> Host;
}

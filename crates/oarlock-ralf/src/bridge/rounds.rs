//! Looking as many times as one thing can only follow another, so that one call settles everything.

use oarlock_ops::OpError;

use super::{Bridge, Synced};
use crate::sync_state::SyncState;

/// How often is looked in one call where one thing can only follow another.
const LOOKS_MAX: usize = 32;

impl Bridge<'_> {
    /// One look: what the files say goes into the store, what the store says into the files. `attached` is the memory of the last
    /// look, and then of this one. With `dry_run` nothing is changed.
    ///
    /// # Errors
    /// The files cannot be read, or the store fails. What one file or one task refuses becomes a warning, and the rest goes on.
    pub fn sync(&mut self, attached: &mut SyncState, dry_run: bool) -> Result<Synced, OpError> {
        let (mut synced, mut goes_on) = self.look(attached, dry_run)?;
        // Tasks that need each other end one after the other.
        for _ in 1..LOOKS_MAX {
            if dry_run || !goes_on || synced.imported.is_empty() {
                break;
            }
            let (more, is_on) = self.look(attached, dry_run)?;
            goes_on = is_on && !more.imported.is_empty();
            synced.add(more);
        }
        Ok(synced)
    }
}

impl Synced {
    /// Another pass's work is added: its contradictions and warnings replace these, as they are newer.
    fn add(&mut self, more: Self) {
        for (all, more) in [(&mut self.imported, more.imported), (&mut self.exported, more.exported)] {
            more.into_iter().for_each(|(name, count)| *all.entry(name).or_insert(0) += count);
        }
        (self.conflicts, self.warnings, self.left) = (more.conflicts, more.warnings, more.left);
    }
}

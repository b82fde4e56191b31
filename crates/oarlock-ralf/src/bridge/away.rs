//! Files of agents that another commit has, and the one that is checked out has not: they are not made there, where they would be in the way of
//! going back. What the store has for them is written when they are there again.

use std::path::PathBuf;

use super::{Bridge, Synced};
use crate::project::{Project, shown_path};
use crate::sync_state::SyncState;

/// The files that are written for agents of the store, by name.
const WRITTEN: [&str; 4] = ["heartbeat.yaml", "events.yaml", "chat-log.yaml", "agent-state.yaml"];

impl Bridge<'_> {
    /// Finds them, and reports them. `head` is what git has checked out.
    pub(super) fn find_away(&mut self, project: &Project, attached: &SyncState, head: Option<&str>, synced: &mut Synced) {
        let is_of_another = |file: &PathBuf| {
            let known = attached.there.get(&shown_path(file, &self.root));
            known.is_some_and(|known| head.is_some_and(|head| head != known)) && !file.exists()
        };
        self.away = WRITTEN.map(|name| self.communications(name, project)).into_iter().filter(is_of_another).collect();
        if !self.away.is_empty() {
            let named: Vec<String> = self.away.iter().map(|file| shown_path(file, &self.root)).collect();
            let warning = format!(
                "{}: missing from the current checkout, and not created again: changes are written when it is back",
                named.join(", ")
            );
            synced.warnings.push(warning);
        }
    }

    /// Remembers the present state, with what git has checked out.
    pub(super) fn remember_there(&self, project: &Project, attached: &mut SyncState) {
        let Some(head) = attached.head.clone() else { return };
        for file in WRITTEN.map(|name| self.communications(name, project)).into_iter().filter(|file| file.exists()) {
            attached.there.insert(shown_path(&file, &self.root), head.clone());
        }
    }

    /// The file of this name that is written for agents; none while it is one of them.
    pub(super) fn to_write(&self, name: &str, project: &Project) -> Option<PathBuf> {
        Some(self.communications(name, project)).filter(|file| !self.away.contains(file))
    }
}

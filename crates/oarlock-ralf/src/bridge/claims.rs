//! The claims that calls have written through to the files, and the work they left, before everything is compared.

use oarlock_model::TaskId;
use oarlock_model::task::OutsideEnd;
use oarlock_ops::OpError;

use super::{Bridge, Synced};
use crate::beside::{ToBeLocked, Ways};
use crate::sync_state::SyncState;

impl Bridge<'_> {
    /// Looks once. Also shows whether something can be followed only after what that did.
    pub(super) fn look(&mut self, attached: &mut SyncState, dry_run: bool) -> Result<(Synced, bool), OpError> {
        self.writer.begin();
        let free = self.writer.clone();
        // Where others hold the lock for too long, what cannot be written is reported.
        let held = self.beside.as_ref().filter(|_| !dry_run).and_then(|_| ToBeLocked::in_project(&self.root).held_by(free.clone()).ok());
        let Some(held) = held else { return self.compare(attached, dry_run) };
        self.writer = held;
        let done = self.catch_up(attached).and_then(|()| self.compare(attached, false));
        self.writer = free;
        done
    }

    /// The work that calls left is done first. Tasks that the files show as taken after that are held by somebody who knows only the files.
    fn catch_up(&mut self, attached: &mut SyncState) -> Result<(), OpError> {
        let Some(beside) = &self.beside else { return Ok(()) };
        let files = beside.held_by(self.root.clone(), self.writer.clone());
        if attached.is_new {
            // All of it is about to be compared. What calls brought over before the project was detached says nothing.
            return Ok(files.begin(&*self.store.snapshot()?)?);
        }
        let left = files.look(self.store, self.settings, &[], Ways::IntoFiles)?;
        let shown: Vec<TaskId> = attached.displayed.iter().chain(attached.ended.keys()).filter_map(|id| TaskId::parse(id).ok()).collect();
        let project = files.read(shown.iter());
        let there = project.by_id();
        let view = self.store.snapshot()?;
        // Whose hold was ended by force is not shown any more: who is shown now has taken it since.
        let mut forced = Vec::new();
        for id in attached.taken.keys().filter(|id| !left.contains_key(id.as_str())) {
            let hold = TaskId::parse(id).ok().map(|id| view.task(&id)).transpose()?.flatten().and_then(|task| task.outside);
            forced.extend(hold.filter(|hold| hold.end == Some(OutsideEnd::Forced)).map(|_| id.clone()));
        }
        attached.taken.retain(|id, _| !forced.contains(id));
        // A task that is missing under its name may be shown under another.
        for id in shown.iter().filter(|id| there.contains_key(id.as_str()) && !left.contains_key(*id)) {
            attached.note_caught_up(id.as_str(), view.task_state(id)?);
        }
        Ok(())
    }
}

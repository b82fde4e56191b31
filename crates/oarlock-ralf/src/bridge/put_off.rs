//! Tasks that the files ask for no more are called off in the store, and brought back when they do again.

use oarlock_model::TaskId;
use oarlock_model::task::TaskState;
use oarlock_ops::OpError;
use oarlock_ops::call;
use oarlock_ops::caller::Caller;
use oarlock_ops::log::Record;
use oarlock_ops::task::{Cancel, Requeue};

use super::{Bridge, Trouble};
use crate::actions::Gone;
use crate::sync_state::SyncState;
use crate::{external, moved};

impl Bridge<'_> {
    /// Calls a task off, with the reason in its history. One that went with its whole is remembered alike, so that it comes back with it.
    pub(super) fn hold_back(&mut self, task: &TaskId, gone: &Gone, attached: &mut SyncState) -> Result<bool, Trouble> {
        let state = self.state_of(task)?;
        let is_open = state.is_some_and(|state| !state.is_finished());
        if is_open {
            let told = external::event(&gone.file, Some(task.clone()), gone.fields(task))?;
            let record = Record { events: vec![told], ..Record::default() };
            call::mutate(self.store, &Caller::default(), self.settings, &record)?;
            call::mutate(self.store, &Caller::default(), self.settings, &Cancel { id: task.clone(), drop: false })?;
        }
        if is_open || state == Some(TaskState::Cancelled) {
            attached.gone.insert(task.to_string(), gone.why.clone());
        }
        Ok(is_open)
    }

    /// Brings a task back whose file is there again, and the parts that were called off with it.
    pub(super) fn bring_back(&mut self, task: &TaskId, attached: &mut SyncState) -> Result<bool, Trouble> {
        let is_off = self.state_of(task)? == Some(TaskState::Cancelled);
        if is_off {
            call::mutate(self.store, &Caller::default(), self.settings, &Requeue { id: task.clone(), parts: true })?;
        }
        attached.gone.remove(task.as_str());
        Ok(is_off)
    }

    /// Whether a task was called off because its file had gone, by a look that could not remember it any more. Then it is remembered now.
    pub(super) fn was_held_back(&mut self, task: &TaskId, attached: &mut SyncState) -> Result<bool, Trouble> {
        let view = self.store.snapshot().map_err(OpError::from)?;
        let was = moved::is_held_back(&*view, task).map_err(OpError::from)?;
        if was {
            attached.gone.insert(task.to_string(), "its file had gone".to_owned());
        }
        Ok(was)
    }

    fn state_of(&mut self, task: &TaskId) -> Result<Option<TaskState>, OpError> {
        Ok(self.store.snapshot()?.task_state(task)?)
    }
}

//! References of submitted commits. The submitter makes one; the queue makes those that are missing, and takes them away when a submission
//! is over. Nothing depends on them but that no commit is lost, so what fails here is done again by a later worker.

use oarlock_model::TaskId;
use oarlock_ops::landing::QueuedTask;
use oarlock_ops::store::StoreError;

use super::queue::Worker;
use super::sizing::BATCH_MAX;

impl Worker<'_> {
    /// Reads the references that there are, and lets go of those of finished tasks: a worker has died before it did that.
    pub(super) fn sweep_pins(&mut self) {
        self.pinned = self.repository.pinned().unwrap_or_default().into_iter().collect();
        for task in self.pinned.keys().cloned().collect::<Vec<_>>() {
            if let Ok(true) = self.is_finished(&task) {
                self.let_go(&task);
            }
        }
    }

    /// Whether the store has the task, finished.
    fn is_finished(&mut self, task: &str) -> Result<bool, StoreError> {
        let Ok(id) = TaskId::parse(task) else { return Ok(false) };
        Ok(self.store.snapshot()?.task_state(&id)?.is_some_and(|state| state.is_finished()))
    }

    /// Makes the references of the next submissions that have none: a gateway sees no repository.
    pub(super) fn pin(&mut self, queue: &[QueuedTask]) {
        for queued in queue.iter().take(BATCH_MAX) {
            let (task, commit) = (queued.task.as_str(), queued.commit.as_str());
            if self.pinned.get(task).map(String::as_str) != Some(commit) {
                // A commit that is not there is refused later.
                let _ = self.repository.pin(task, commit);
                self.pinned.insert(task.to_owned(), commit.to_owned());
            }
        }
    }

    /// Lets go of submissions that are in the branch, all at once.
    pub(super) fn unpin_landed(&mut self, landed: &[&QueuedTask]) {
        let mut words = Vec::new();
        for queued in landed {
            if self.pinned.remove(queued.task.as_str()).is_some() {
                words.push((queued.task.as_str(), queued.commit.as_str()));
            }
        }
        if !words.is_empty() {
            let _ = self.repository.unpin_landed(&words);
        }
    }

    /// Lets go of a submission that is over.
    pub(super) fn unpin(&mut self, queued: &QueuedTask) {
        self.let_go(queued.task.as_str());
    }

    fn let_go(&mut self, task: &str) {
        if let Some(commit) = self.pinned.remove(task) {
            let _ = self.repository.unpin(task, &commit);
        }
    }
}

//! Tasks that somebody holds by the files alone: they stay with that holder until the files say otherwise, or until it was silent for too long.

use oarlock_model::rules::outside::is_abandoned;
use oarlock_model::task::{Grant, OutsideEnd, OutsideHold, Task as StoreTask};
use oarlock_model::{TaskId, WallTime};

use super::{Comparing, Said};
use crate::actions::Action;
use crate::task_file;
use crate::types::Task;

impl Comparing<'_> {
    /// By the files somebody has a task that nobody has in the store. `before` is who had it last by the files.
    pub(super) fn take(&mut self, task: TaskId, files: &Said<'_>, before: Option<&OutsideHold>) {
        let held = &files.held;
        let is_silent = held.seen_ms.is_some_and(|seen_ms| self.is_silent(seen_ms));
        if let Some(before) = before.filter(|before| before.holder == held.holder && before.end == Some(OutsideEnd::Abandoned)) {
            // The files still have the given-up claim: only a sign of life since then is news.
            let is_back = held.seen_ms.is_some_and(|seen_ms| seen_ms > before.seen.0) && !is_silent;
            if !is_back {
                return;
            }
        }
        self.plan.actions.push(Action::Take { task: task.clone(), held: held.clone(), is_new: true });
        if is_silent {
            self.plan.actions.push(Action::Free { task, abandoned: true, seen_ms: held.seen_ms });
        }
    }

    /// A task that somebody has by the files: it follows them.
    pub(super) fn held_outside(&mut self, task: TaskId, hold: &OutsideHold, files: &Said<'_>) {
        let held = &files.held;
        match files.state() {
            "cancelled" => self.plan.actions.push(Action::Cancel(task)),
            // Where only the item says so, its holder is about to move the folder: should it not, the next look does.
            _ if files.is_finished_there() && !self.attached.is_older_end(task.as_str(), files) => self.finished(task, files),
            "claimed" => {
                let seen_ms = held.seen_ms.map_or(hold.seen.0, |seen_ms| seen_ms.max(hold.seen.0));
                // Where nobody is named any more, it is still the same one.
                let is_another = held.holder.is_some() && held.holder != hold.holder;
                if !is_another && self.is_silent(seen_ms) {
                    self.plan.actions.push(Action::Free { task, abandoned: true, seen_ms: Some(seen_ms) });
                } else if is_another || seen_ms > hold.seen.0 {
                    let holder = if is_another { held.holder.clone() } else { hold.holder.clone() };
                    let held = super::Held { holder, seen_ms: Some(seen_ms), ..held.clone() };
                    self.plan.actions.push(Action::Take { task, held, is_new: is_another });
                }
            }
            // An item that is gone says nothing, and neither does a file that is damaged: who is late gives back more than was given back.
            _ => {
                let by_queue = self.attached.taken.get(task.as_str()).copied().unwrap_or(files.queue.is_some());
                let said_in = if by_queue { files.queue } else { files.file };
                let is_said =
                    |said: &Task| said.status.as_deref().is_some_and(task_file::is_open) && !files.project.is_faulty(&said.source.file);
                if said_in.is_some_and(is_said) {
                    self.plan.actions.push(Action::Free { task, abandoned: false, seen_ms: None });
                } else if self.is_silent(hold.seen.0) && !files.is_put_off() {
                    self.plan.actions.push(Action::Free { task, abandoned: true, seen_ms: None });
                } else {
                    self.plan.taken.insert(task.to_string(), by_queue);
                }
            }
        }
    }

    /// A task that an agent of the store held for the files, because names in the files became agents, is held outside from now on.
    pub(super) fn turn_over(&mut self, task: TaskId, known: &StoreTask, grant: &Grant, files: &Said<'_>) {
        self.plan.actions.push(Action::Release { task: task.clone(), agent: grant.agent.clone() });
        match files.state() {
            "done" => self.finished(task, files),
            "cancelled" => self.plan.actions.push(Action::Cancel(task)),
            "claimed" => self.take(task, files, known.outside.as_ref()),
            _ => {}
        }
    }

    /// By the files a task is done that nobody has in the store. They say so: what an item says beside a file in `completed/` is left.
    pub(super) fn finished(&mut self, task: TaskId, files: &Said<'_>) {
        self.plan.actions.push(Action::Finish { task, holder: files.held.holder.clone() });
    }

    /// Whether its hold was ended by force, and the files have not said since that it is free.
    pub(super) fn is_forced(&self, known: &StoreTask) -> bool {
        known.outside.as_ref().is_some_and(|hold| hold.end == Some(OutsideEnd::Forced))
            && self.attached.taken.contains_key(known.id.as_str())
    }

    fn is_silent(&self, seen_ms: i64) -> bool {
        is_abandoned(WallTime(seen_ms), self.store.abandoned_after_ms, self.store.now.wall)
    }
}

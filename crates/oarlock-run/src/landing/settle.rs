//! After a crash: which submissions are in the target although the store does not say so. What counts is the branch's own line of landing
//! commits; their trailers name the task and the token, and their second parent the commit.

use std::collections::BTreeMap;

use oarlock_git::merge::LandedCommit;
use oarlock_ops::OpError;
use oarlock_ops::landing::{Land, QueuedTask, RequeueLanding, TestedLanding};

use super::queue::Worker;
use super::report::{Landed, git_failed, object};

/// Commits of the target that are read back: a store that was restored from a backup may be behind by some landings.
const READ_BACK_MAX: usize = 1_000;

impl Worker<'_> {
    /// Settles what a dead worker has left, or this one when the store could not be written. Whether anything has changed, so that the queue is another one.
    ///
    /// # Errors
    /// Git fails, store errors.
    pub(super) fn settle(&mut self, queue: &[QueuedTask]) -> Result<bool, OpError> {
        let is_left = queue.iter().any(|queued| queued.candidate.is_some());
        if queue.is_empty() || (std::mem::replace(&mut self.is_settled, true) && !is_left) {
            return Ok(false);
        }
        let failed = |error| git_failed("the landing commits of the target cannot be read", &error);
        let Some(tip) = self.repository.tip(self.onto.as_str()).map_err(failed)? else { return Ok(false) };
        let landed = self.repository.landed(&tip, None, None, READ_BACK_MAX).map_err(failed)?;
        let mut by_submission: BTreeMap<(String, String), LandedCommit> = BTreeMap::new();
        for commit in landed {
            by_submission.insert((commit.task.clone(), commit.token.clone()), commit);
        }
        let mut is_changed = false;
        for queued in queue {
            let token = queued.token.map(|token| token.to_string()).unwrap_or_default();
            let is_its = |commit: &&LandedCommit| commit.parents.last().map(String::as_str) == Some(queued.commit.as_str());
            let found = by_submission.get(&(queued.task.to_string(), token)).filter(is_its);
            match (found, &queued.candidate) {
                (Some(commit), candidate) => {
                    let commit = object(&commit.commit)?;
                    if candidate.is_none() {
                        let (id, submission, candidate) = (queued.task.clone(), queued.submission, Some(commit.clone()));
                        let tested = TestedLanding { id, submission, tests: 0, flaky: false, tree: None, candidate };
                        self.order_step(queued, &tested)?;
                    }
                    let land = Land { id: queued.task.clone(), submission: queued.submission, commit: commit.clone() };
                    if self.order_step(queued, &land)?.is_some() {
                        self.unpin(queued);
                        self.tell.line(&format!("{} had landed before a crash, as {commit}", queued.task));
                        let landed =
                            Landed { task: queued.task.clone(), commit, tests: 0, flaky: false, unchanged: false, driven: Vec::new() };
                        self.report.landed.push(landed);
                    }
                    is_changed = true;
                }
                (None, Some(_)) => {
                    self.order_step(queued, &RequeueLanding { id: queued.task.clone(), submission: queued.submission })?;
                    is_changed = true;
                }
                (None, None) => {}
            }
        }
        Ok(is_changed)
    }
}

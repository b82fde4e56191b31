//! One submission: its candidate on top of others, and its refusal.

use oarlock_git::merge::{Conflict, Merged, Message};
use oarlock_model::landing::{LandingRefusal, ObjectId};
use oarlock_model::limits;
use oarlock_model::task::TaskState;
use oarlock_ops::OpError;
use oarlock_ops::landing::{QueuedTask, RefuseLanding};

use super::brief::{self, Clash, Other};
use super::queue::Worker;
use super::report::{Refused, git_failed, object};

/// Landings that a brief about a failed test names.
const OTHERS_MAX: usize = 10;

/// The merged result of a submission and the commit below it.
pub(super) enum Candidate {
    /// A commit that may land once its tree has passed.
    Made(Made),
    /// It cannot land.
    Refused { files: Vec<String>, brief: String },
}

/// A merge commit that is in no branch yet.
pub(super) struct Made {
    pub(super) commit: ObjectId,
    pub(super) tree: ObjectId,
    /// Files that a merge driver put together.
    pub(super) driven: Vec<String>,
    /// Whether what it is on top of has the submitted commit already.
    pub(super) is_unchanged: bool,
}

impl Worker<'_> {
    pub(super) fn tip(&self) -> Result<String, OpError> {
        let tip = self.repository.tip(self.onto.as_str()).map_err(|error| git_failed("the target branch cannot be read", &error))?;
        tip.ok_or_else(|| {
            git_failed("the target branch is gone", &oarlock_git::GitFailed::new(format!("there is no branch {}", self.onto)))
        })
    }

    /// The merge of a submission into `target`: the branch's tip, or the candidate of the submission before it.
    pub(super) fn candidate(&mut self, target: &str, queued: &QueuedTask) -> Result<Candidate, OpError> {
        let failed = |error| git_failed(&format!("{} cannot be merged", queued.task), &error);
        let submitted = queued.commit.as_str();
        let refused = |why: &str, onto| Candidate::Refused { files: Vec::new(), brief: brief::of_commit(queued, onto, why) };
        if self.repository.commit(submitted).map_err(failed)?.is_none() {
            return Ok(refused("this repository does not have it", &self.onto));
        }
        let merged = self.repository.merge(target, submitted).map_err(failed)?;
        let is_unchanged = merged == Merged::Contained;
        let (tree, driven, lost) = match merged {
            Merged::Contained => (self.repository.tree_of(target).map_err(failed)?, Vec::new(), Vec::new()),
            Merged::Clean { tree, driven, lost } => (tree, driven, lost),
            Merged::Unrelated => return Ok(refused("it has no commit in common with the branch", &self.onto)),
            Merged::Conflicting(conflicts) => return self.conflicting(target, queued, &conflicts),
        };
        if !lost.is_empty() || (!driven.is_empty() && self.tests.is_none()) {
            let (files, why) = match lost.is_empty() {
                true => (driven, "Only a test can show whether that is right."),
                false => (lost, "That loses lines which one side has added."),
            };
            let brief = brief::of_drivers(queued, &self.onto, &files, why);
            return Ok(Candidate::Refused { files: bounded(files), brief });
        }
        let message = Message {
            task: queued.task.to_string(),
            title: queued.title.clone(),
            agent: queued.agent.as_ref().map(ToString::to_string),
            token: queued.token.map(|token| token.0),
        };
        let commit = self.repository.commit_merge(&tree, target, submitted, &message).map_err(failed)?;
        Ok(Candidate::Made(Made { commit: object(&commit)?, tree: object(&tree)?, driven, is_unchanged }))
    }

    fn conflicting(&mut self, target: &str, queued: &QueuedTask, conflicts: &[Conflict]) -> Result<Candidate, OpError> {
        let failed = |error| git_failed("the history of the target cannot be read", &error);
        let base = self.repository.merge_base(target, queued.commit.as_str()).map_err(failed)?;
        let mut clashes = Vec::new();
        for conflict in conflicts {
            let landed = self.repository.landed(target, base.as_deref(), Some(&conflict.path), OTHERS_MAX).map_err(failed)?;
            let others = landed.into_iter().map(|landed| self.other(landed.task)).collect::<Result<Vec<_>, _>>()?;
            clashes.push(Clash { conflict, others });
        }
        let files = bounded(conflicts.iter().map(|conflict| conflict.path.clone()).collect());
        Ok(Candidate::Refused { files, brief: brief::of_conflict(queued, &self.onto, &clashes) })
    }

    pub(super) fn brief_of_test(&mut self, queued: &QueuedTask, target: &str, how: &str, output: &str) -> Result<String, OpError> {
        let failed = |error| git_failed("the history of the target cannot be read", &error);
        let base = self.repository.merge_base(target, queued.commit.as_str()).map_err(failed)?;
        let landed = self.repository.landed(target, base.as_deref(), None, OTHERS_MAX).map_err(failed)?;
        let others = landed.into_iter().map(|landed| self.other(landed.task)).collect::<Result<Vec<_>, _>>()?;
        let test = self.tests.as_ref().map(|tests| tests.command.clone()).unwrap_or_default();
        Ok(brief::of_test(queued, &self.onto, &test, how, output, &others))
    }

    fn other(&mut self, id: String) -> Result<Other, OpError> {
        let (title, result) = self.described(&id)?;
        Ok(Other { id, title, result })
    }

    pub(super) fn refuse(&mut self, queued: &QueuedTask, reason: LandingRefusal, files: Vec<String>, brief: String) -> Result<(), OpError> {
        let refusal = RefuseLanding {
            id: queued.task.clone(),
            submission: queued.submission,
            conflict: reason == LandingRefusal::Conflict,
            files: files.clone(),
            brief,
        };
        if let Some(reply) = self.order_step(queued, &refusal)? {
            self.unpin(queued);
            let waits_for_person = reply.task.state == TaskState::Review;
            let then = if waits_for_person { "it waits for a person" } else { "it is ready again" };
            self.tell.line(&format!("{} \"{}\" does not land ({reason}): {then}", queued.task, queued.title));
            self.report.refused.push(Refused { task: queued.task.clone(), reason, files, waits_for_person });
        }
        Ok(())
    }
}

/// As many files as a refusal names, with paths of a size that it takes.
fn bounded(mut files: Vec<String>) -> Vec<String> {
    files.retain(|path| path.len() <= limits::LANDING_PATH_BYTES_MAX);
    files.truncate(limits::LANDING_FILES_MAX);
    files
}

//! Landing one submission: candidate, test, target, store.

use oarlock_git::merge::{Conflict, Merged, Message, Moved};
use oarlock_model::landing::{LandingRefusal, ObjectId};
use oarlock_model::limits;
use oarlock_model::task::TaskState;
use oarlock_ops::OpError;
use oarlock_ops::landing::{Land, QueuedTask, RefuseLanding, RequeueLanding, StartLanding, TestedLanding};

use super::brief::{self, Clash, Other};
use super::queue::{Step, Worker};
use super::report::{Landed, Refused, git_failed, object};
use super::trial::Verdict;

/// How often a target that others move is tried before the queue goes on with what comes next.
const STALE_TRIES: u32 = 20;
/// Landings that a brief about a failed test names.
const OTHERS_MAX: usize = 10;

/// What a submission and the target make together.
enum Candidate {
    /// A commit that may land once its tree has passed.
    Made(Made),
    /// It cannot land.
    Refused { files: Vec<String>, brief: String },
}

struct Made {
    commit: String,
    tree: ObjectId,
    /// The tree is the target's: there is nothing to test.
    is_empty: bool,
    driven: Vec<String>,
}

impl Worker<'_> {
    /// Takes one submission from its place in the queue to its end.
    ///
    /// # Errors
    /// Git fails, store errors.
    pub(super) fn land(&mut self, queued: &QueuedTask) -> Result<Step, OpError> {
        let (id, submission) = (queued.task.clone(), queued.submission);
        if self.order_step(queued, &StartLanding { id: id.clone(), submission })?.is_none() {
            return Ok(Step::Settled);
        }
        let (mut tests, mut is_flaky) = (0, false);
        for _ in 0..STALE_TRIES {
            let target = self.tip()?;
            let made = match self.candidate(&target, queued)? {
                Candidate::Made(made) => made,
                Candidate::Refused { files, brief } => return self.refuse(queued, LandingRefusal::Conflict, files, brief),
            };
            match self.judge(&made)? {
                Verdict::Passed { runs, is_flaky: flaky } => (tests, is_flaky) = (tests + runs, is_flaky || flaky),
                Verdict::Failed { runs, how, output } => {
                    tests += runs;
                    let brief = self.brief_of_test(queued, &target, &how, &output)?;
                    let failed = TestedLanding { id, submission, tests, flaky: false, tree: Some(made.tree), candidate: None };
                    if self.order_step(queued, &failed)?.is_none() {
                        return Ok(Step::Settled);
                    }
                    return self.refuse(queued, LandingRefusal::Test, Vec::new(), brief);
                }
                Verdict::Interrupted => {
                    self.order_step(queued, &RequeueLanding { id, submission })?;
                    return Ok(Step::Interrupted);
                }
            }
            let commit = object(&made.commit)?;
            let candidate = Some(commit.clone());
            let tested = TestedLanding { id: id.clone(), submission, tests, flaky: is_flaky, tree: Some(made.tree), candidate };
            if self.order_step(queued, &tested)?.is_none() {
                return Ok(Step::Settled);
            }
            // From here to `Land` the store keeps the task in the queue, whatever becomes of this process.
            let moved = self.repository.move_branch(self.onto.as_str(), &made.commit, &target);
            match moved {
                Ok(Moved::Moved) => {
                    self.order(&Land { id: id.clone(), submission, commit: commit.clone() })?;
                    self.tell.line(&format!("{id} \"{}\" has landed on {} as {commit}", queued.title, self.onto));
                    self.report.landed.push(Landed { task: id, commit, tests, flaky: is_flaky, driven: made.driven });
                    return Ok(Step::Settled);
                }
                Ok(Moved::Stale) => {
                    self.order_step(queued, &RequeueLanding { id: id.clone(), submission })?;
                }
                Ok(Moved::Blocked { worktree, why }) => {
                    self.order_step(queued, &RequeueLanding { id, submission })?;
                    return Ok(Step::Blocked { worktree, why });
                }
                Err(error) => {
                    self.order_step(queued, &RequeueLanding { id, submission })?;
                    return Err(git_failed(&format!("{} cannot be moved", self.onto), &error));
                }
            }
        }
        Ok(Step::Settled)
    }

    fn tip(&self) -> Result<String, OpError> {
        let tip = self.repository.tip(self.onto.as_str()).map_err(|error| git_failed("the target branch cannot be read", &error))?;
        tip.ok_or_else(|| {
            git_failed("the target branch is gone", &oarlock_git::GitFailed::new(format!("there is no branch {}", self.onto)))
        })
    }

    fn candidate(&mut self, target: &str, queued: &QueuedTask) -> Result<Candidate, OpError> {
        let failed = |error| git_failed(&format!("{} cannot be merged", queued.task), &error);
        let submitted = queued.commit.as_str();
        let refused = |why: &str, onto| Candidate::Refused { files: Vec::new(), brief: brief::of_commit(queued, onto, why) };
        if self.repository.commit(submitted).map_err(failed)?.is_none() {
            return Ok(refused("this repository does not have it", &self.onto));
        }
        let before = self.repository.tree_of(target).map_err(failed)?;
        let (tree, driven, lost) = if self.repository.is_in(submitted, target).map_err(failed)? {
            (before.clone(), Vec::new(), Vec::new())
        } else {
            match self.repository.merge(target, submitted).map_err(failed)? {
                Merged::Clean { tree, driven, lost } => (tree, driven, lost),
                Merged::Unrelated => return Ok(refused("it has no commit in common with the branch", &self.onto)),
                Merged::Conflicting(conflicts) => return self.conflicting(target, queued, &conflicts),
            }
        };
        if !lost.is_empty() || (!driven.is_empty() && self.trial.is_none()) {
            let (files, why) = match lost.is_empty() {
                true => (driven, "Without a test nothing tells whether that is right."),
                false => (lost, "That loses lines which one of the two has added."),
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
        Ok(Candidate::Made(Made { commit, is_empty: tree == before, tree: object(&tree)?, driven }))
    }

    /// The test of a candidate, unless its tree has passed before or is the target's own.
    fn judge(&mut self, made: &Made) -> Result<Verdict, OpError> {
        let untested = Verdict::Passed { runs: 0, is_flaky: false };
        let Some((trial, known)) = &self.trial else { return Ok(untested) };
        if made.is_empty || known.has_passed(&made.tree) {
            return Ok(untested);
        }
        let verdict = trial.judge(&made.commit, self.signals)?;
        match &verdict {
            Verdict::Passed { runs, is_flaky } => {
                self.report.tests_run += runs;
                if *is_flaky {
                    self.tell.warning("the test failed, and passed when it was repeated on the same tree: it is flaky");
                }
                known.note_passed(&made.tree);
            }
            Verdict::Failed { runs, .. } => self.report.tests_run += runs,
            Verdict::Interrupted => {}
        }
        Ok(verdict)
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

    fn brief_of_test(&mut self, queued: &QueuedTask, target: &str, how: &str, output: &str) -> Result<String, OpError> {
        let failed = |error| git_failed("the history of the target cannot be read", &error);
        let base = self.repository.merge_base(target, queued.commit.as_str()).map_err(failed)?;
        let landed = self.repository.landed(target, base.as_deref(), None, OTHERS_MAX).map_err(failed)?;
        let others = landed.into_iter().map(|landed| self.other(landed.task)).collect::<Result<Vec<_>, _>>()?;
        let test = self.trial.as_ref().map(|(trial, _)| trial.test().to_owned()).unwrap_or_default();
        Ok(brief::of_test(queued, &self.onto, &test, how, output, &others))
    }

    fn other(&mut self, id: String) -> Result<Other, OpError> {
        let (title, result) = self.described(&id)?;
        Ok(Other { id, title, result })
    }

    fn refuse(&mut self, queued: &QueuedTask, reason: LandingRefusal, files: Vec<String>, brief: String) -> Result<Step, OpError> {
        let refusal = RefuseLanding {
            id: queued.task.clone(),
            submission: queued.submission,
            conflict: reason == LandingRefusal::Conflict,
            files: files.clone(),
            brief,
        };
        if let Some(reply) = self.order_step(queued, &refusal)? {
            let waits_for_person = reply.task.state == TaskState::Review;
            let then = if waits_for_person { "it waits for a person" } else { "it is ready again" };
            self.tell.line(&format!("{} \"{}\" does not land ({reason}): {then}", queued.task, queued.title));
            self.report.refused.push(Refused { task: queued.task.clone(), reason, files, waits_for_person });
        }
        Ok(Step::Settled)
    }
}

/// As many files as a refusal names, with paths of a size that it takes.
fn bounded(mut files: Vec<String>) -> Vec<String> {
    files.retain(|path| path.len() <= limits::LANDING_PATH_BYTES_MAX);
    files.truncate(limits::LANDING_FILES_MAX);
    files
}

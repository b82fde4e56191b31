//! Landing a batch: the first submissions of the queue, each merged on top of the one before, tested as one tree and landed by one move of the
//! branch. A batch that fails is cut into prefixes, which are tested side by side; the longest that passes lands, and the rest is a smaller batch
//! of the next turn. Only a submission that fails alone on top of the target is refused.

use std::time::Instant;

use oarlock_git::merge::Moved;
use oarlock_model::landing::{LandingRefusal, ObjectId};
use oarlock_ops::OpError;
use oarlock_ops::landing::{Land, QueuedTask, RequeueLanding, StartLanding, TestedLanding};

use super::queue::{Step, Worker};
use super::report::{Landed, git_failed};
use super::sizing::BATCH_MAX;
use super::step::{Candidate, Made};
use super::trial::{Tests, Verdict};

/// A submission in a batch.
struct Member<'q> {
    queued: &'q QueuedTask,
    made: Made,
}

/// The tests' verdict on a batch.
enum Judged<'q> {
    /// The first this many may land.
    Pass {
        count: usize,
        runs: u32,
        is_flaky: bool,
    },
    /// The only one failed.
    Fail {
        runs: u32,
        how: String,
        output: String,
    },
    /// None of the prefixes passed.
    Split,
    /// None of the prefixes passed, and those behind the first one do without it: they may land before it.
    Overtaken {
        rest: Vec<Member<'q>>,
        runs: u32,
    },
    Interrupted,
}

/// The lengths at which a batch that failed is cut, for this many slots.
fn cuts(len: usize, slots: usize) -> Vec<usize> {
    let parts = slots.max(1) + 1;
    let mut cuts: Vec<usize> = (1..parts).map(|part| len * part / parts).filter(|cut| (1..len).contains(cut)).collect();
    cuts.dedup();
    if cuts.is_empty() && len > 1 {
        cuts.push(1);
    }
    cuts
}

impl Worker<'_> {
    /// Takes the first submissions of the queue to their end, or some of them.
    ///
    /// # Errors
    /// Git fails, store errors.
    pub(super) fn land(&mut self, queue: &[QueuedTask]) -> Result<Step, OpError> {
        let target = self.tip()?;
        let mut members: Vec<Member<'_>> = Vec::new();
        for queued in queue.iter().take(self.sizing.size()) {
            let below = members.last().map_or_else(|| target.clone(), |member| member.made.commit.to_string());
            match self.candidate(&below, queued)? {
                Candidate::Made(made) => members.push(Member { queued, made }),
                // With the submissions before it, that is not yet sure to land.
                Candidate::Refused { .. } if !members.is_empty() => break,
                Candidate::Refused { files, brief } => {
                    let start = StartLanding { id: queued.task.clone(), submission: queued.submission };
                    if self.order_step(queued, &start)?.is_some() {
                        self.refuse(queued, LandingRefusal::Conflict, files, brief)?;
                    }
                    return Ok(Step::Settled);
                }
            }
        }
        if let (true, Some(last)) = (self.was_blocked, members.last()) {
            // Trying it again would write the same events again. What is tested stays known, so nothing else is lost.
            let seen = self.repository.in_the_way(self.onto.as_str(), last.made.commit.as_str(), &target);
            if let Some((worktree, why)) = seen.map_err(|error| git_failed("the target's worktree cannot be read", &error))? {
                return Ok(Step::Blocked { worktree, why });
            }
            self.was_blocked = false;
        }
        for (n, member) in members.iter().enumerate() {
            let start = StartLanding { id: member.queued.task.clone(), submission: member.queued.submission };
            if self.order_step(member.queued, &start)?.is_none() {
                // It is out of the queue: the others are merged again without it.
                self.requeue(members.get(..n).unwrap_or_default())?;
                return Ok(Step::Settled);
            }
        }
        match self.judge(&members, &target)? {
            Judged::Pass { count, runs, is_flaky } => {
                let landing: Vec<Member<'_>> = members.drain(..count).collect();
                self.requeue(&members)?;
                self.move_to(&target, landing, runs, is_flaky)
            }
            Judged::Fail { runs, how, output } => {
                if let Some(Member { queued, made }) = members.pop() {
                    let brief = self.brief_of_test(queued, &target, &how, &output)?;
                    let (id, submission, tree) = (queued.task.clone(), queued.submission, Some(made.tree));
                    let failed = TestedLanding { id, submission, tests: runs, flaky: false, tree, candidate: None };
                    if self.order_step(queued, &failed)?.is_some() {
                        self.refuse(queued, LandingRefusal::Test, Vec::new(), brief)?;
                    }
                    self.sizing.settled(0, 1);
                    self.sizing.limit = BATCH_MAX;
                }
                Ok(Step::Settled)
            }
            Judged::Split => {
                self.requeue(&members)?;
                Ok(Step::Settled)
            }
            Judged::Overtaken { rest, runs } => {
                // The first one, and those that are not in the rest.
                let is_left = |member: &&Member<'_>| rest.iter().all(|other| other.queued.task != member.queued.task);
                let left: Vec<&QueuedTask> = members.iter().filter(is_left).map(|member| member.queued).collect();
                self.requeue_all(&left)?;
                self.move_to(&target, rest, runs, false)
            }
            Judged::Interrupted => {
                self.requeue(&members)?;
                Ok(Step::Interrupted)
            }
        }
    }

    /// Puts submissions back to their places in the queue.
    fn requeue(&mut self, members: &[Member<'_>]) -> Result<(), OpError> {
        self.requeue_all(&members.iter().map(|member| member.queued).collect::<Vec<_>>())
    }

    fn requeue_all(&mut self, queue: &[&QueuedTask]) -> Result<(), OpError> {
        queue.iter().try_for_each(|queued| {
            let again = RequeueLanding { id: queued.task.clone(), submission: queued.submission };
            self.order_step(queued, &again).map(drop)
        })
    }

    fn judge<'q>(&mut self, members: &[Member<'q>], target: &str) -> Result<Judged<'q>, OpError> {
        let Some(Member { made: whole, .. }) = members.last() else { return Ok(Judged::Split) };
        let Some(tests) = &self.tests else { return Ok(Judged::Pass { count: members.len(), runs: 0, is_flaky: false }) };
        let before = self.repository.tree_of(target).map_err(|error| git_failed("the target cannot be read", &error))?;
        if whole.tree.as_str() == before || tests.known.has_passed(&whole.tree) {
            return Ok(Judged::Pass { count: members.len(), runs: 0, is_flaky: false });
        }
        let is_alone = members.len() == 1;
        let begun = Instant::now();
        let verdict = tests.judge(&whole.commit, is_alone, self.signals)?;
        match verdict {
            Verdict::Interrupted => Ok(Judged::Interrupted),
            Verdict::Passed { runs, is_flaky } => {
                tests.known.note_took(begun.elapsed() / runs.max(1));
                tests.known.note_passed(&whole.tree);
                self.report.tests_run += runs;
                if is_flaky {
                    self.tell.warning("the test failed, and passed when it was repeated on the same tree: it is flaky");
                }
                Ok(Judged::Pass { count: members.len(), runs, is_flaky })
            }
            Verdict::Failed { runs, how, output } if is_alone => {
                self.report.tests_run += runs;
                Ok(Judged::Fail { runs, how, output })
            }
            Verdict::Failed { runs, .. } => {
                self.report.tests_run += runs;
                self.split(members, target)
            }
        }
    }

    /// Those behind the first of a batch, merged without it, up to the one that cannot be.
    fn rest_of<'q>(&mut self, members: &[Member<'q>], target: &str) -> Result<Vec<Member<'q>>, OpError> {
        let mut rest: Vec<Member<'q>> = Vec::new();
        for Member { queued, .. } in members.get(1..).unwrap_or_default() {
            let below = rest.last().map_or_else(|| target.to_owned(), |member| member.made.commit.to_string());
            match self.candidate(&below, queued)? {
                Candidate::Made(made) => rest.push(Member { queued, made }),
                Candidate::Refused { .. } => break,
            }
        }
        Ok(rest)
    }

    /// Tests prefixes of a batch that failed as a whole, side by side; with more than one slot also those behind the first one without it, so that one
    /// that fails does not keep the others waiting until that is sure.
    fn split<'q>(&mut self, members: &[Member<'q>], target: &str) -> Result<Judged<'q>, OpError> {
        let slots = self.tests.as_ref().map_or(1, Tests::slots);
        let rest = if slots > 1 { self.rest_of(members, target)? } else { Vec::new() };
        let Some(tests) = &self.tests else { return Ok(Judged::Split) };
        let cuts = cuts(members.len(), if rest.is_empty() { slots } else { slots - 1 });
        let mut commits: Vec<&ObjectId> = cuts.iter().filter_map(|cut| members.get(cut - 1)).map(|member| &member.made.commit).collect();
        commits.extend(rest.last().map(|member| &member.made.commit));
        let mut verdicts = tests.judge_all(&commits, self.signals)?;
        let of_rest = if rest.is_empty() { None } else { verdicts.pop() };
        let mut longest = None;
        let mut is_interrupted = false;
        let mut failing = members.len();
        let mut runs_in_all = 0;
        for (cut, verdict) in cuts.iter().zip(verdicts).rev() {
            match verdict {
                Verdict::Interrupted => is_interrupted = true,
                Verdict::Passed { runs, .. } => {
                    runs_in_all += runs;
                    if let Some(member) = members.get(cut - 1) {
                        tests.known.note_passed(&member.made.tree);
                    }
                    longest = longest.or(Some((*cut, failing)));
                }
                Verdict::Failed { runs, .. } => {
                    runs_in_all += runs;
                    failing = *cut;
                }
            }
        }
        let mut passes_without_first = false;
        match (of_rest, rest.last()) {
            (Some(Verdict::Interrupted), _) => is_interrupted = true,
            (Some(Verdict::Passed { runs, .. }), Some(last)) => {
                runs_in_all += runs;
                tests.known.note_passed(&last.made.tree);
                passes_without_first = true;
            }
            (Some(Verdict::Failed { runs, .. }), _) => runs_in_all += runs,
            _ => {}
        }
        self.report.tests_run += runs_in_all;
        if is_interrupted {
            return Ok(Judged::Interrupted);
        }
        if longest.is_none() && passes_without_first {
            self.sizing.limit = 1;
            return Ok(Judged::Overtaken { rest, runs: 1 });
        }
        // What failed is between the longest prefix that passed and the next one, or in the shortest.
        self.sizing.limit = longest.map_or(failing, |(passed, next)| next - passed).max(1);
        Ok(longest.map_or(Judged::Split, |(count, _)| Judged::Pass { count, runs: 1, is_flaky: false }))
    }

    /// Moves the target to the last of these, which has passed, and records what has landed.
    fn move_to(&mut self, target: &str, members: Vec<Member<'_>>, runs: u32, is_flaky: bool) -> Result<Step, OpError> {
        for (n, Member { queued, made }) in members.iter().enumerate() {
            let tested = TestedLanding {
                id: queued.task.clone(),
                submission: queued.submission,
                tests: runs,
                flaky: is_flaky,
                tree: Some(made.tree.clone()),
                candidate: Some(made.commit.clone()),
            };
            if self.order_step(queued, &tested)?.is_none() {
                // A person took it out: the submissions before it need not wait for another test, but it has had none of its own.
                self.requeue(members.get(..n).unwrap_or_default())?;
                self.requeue(members.get(n + 1..).unwrap_or_default())?;
                return Ok(Step::Settled);
            }
        }
        let Some(last) = members.last() else { return Ok(Step::Settled) };
        // From here to `Land` the store keeps them in the queue, whatever becomes of this process.
        match self.repository.move_branch(self.onto.as_str(), last.made.commit.as_str(), target) {
            Ok(Moved::Moved) => {}
            Ok(Moved::Stale) => {
                self.requeue(&members)?;
                return Ok(Step::Settled);
            }
            Ok(Moved::Blocked { worktree, why }) => {
                self.requeue(&members)?;
                self.was_blocked = true;
                return Ok(Step::Blocked { worktree, why });
            }
            Err(error) => {
                // Where it cannot be known that nothing has moved, the trailers in the branch decide later (`settle`).
                match self.repository.tip(self.onto.as_str()) {
                    Ok(Some(tip)) if tip == target => self.requeue(&members)?,
                    _ => self.is_settled = false,
                }
                return Err(git_failed(&format!("{} cannot be moved", self.onto), &error));
            }
        }
        self.sizing.settled(members.len(), 0);
        let queued: Vec<&QueuedTask> = members.iter().map(|member| member.queued).collect();
        for Member { queued, made: Made { commit, driven, is_unchanged, .. } } in members {
            let id = queued.task.clone();
            self.order(&Land { id: id.clone(), submission: queued.submission, commit: commit.clone() })?;
            let without = if is_unchanged { ", without changes" } else { "" };
            self.tell.line(&format!("{id} \"{}\" has landed on {} as {commit}{without}", queued.title, self.onto));
            self.report.landed.push(Landed { task: id, commit, tests: runs, flaky: is_flaky, unchanged: is_unchanged, driven });
        }
        self.unpin_landed(&queued);
        Ok(Step::Settled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_batch_is_cut_into_as_many_prefixes_as_there_are_slots() {
        for (len, slots, expected) in [
            (2, 1, vec![1]),
            (3, 1, vec![1]),
            (8, 1, vec![4]),
            (8, 3, vec![2, 4, 6]),
            (3, 8, vec![1, 2]),
            (16, 4, vec![3, 6, 9, 12]),
            (1, 4, vec![]),
        ] {
            assert_eq!(cuts(len, slots), expected, "{len} with {slots}");
        }
    }
}

//! The log of one task as a report shows it: its attempts, how long it waited for an agent, and its way to the target branch.

use oarlock_model::event::{Event, Fact};
use oarlock_model::landing::{LandingRefusal, ObjectId};
use oarlock_model::task::Resting;
use oarlock_model::{AgentName, StoreTime, TaskId};
use serde::Serialize;

/// How one attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptEnd {
    /// Its work was done.
    Done,
    /// Its work was submitted, for landing or for a person.
    Submitted,
    /// It failed.
    Failed,
    /// Its holder died, or its lease ended.
    Lost,
    /// It was given back, cancelled, or split into parts.
    GivenBack,
    /// It has not ended.
    Running,
}

/// One attempt at a part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AttemptReport {
    /// The part.
    pub task: TaskId,
    /// The agent.
    pub agent: AgentName,
    /// How it ended.
    pub end: AttemptEnd,
    /// How long it took, in milliseconds; 0 while it runs.
    pub wall_ms: i64,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A submission that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RefusalReport {
    /// The part.
    pub task: TaskId,
    /// Why.
    pub reason: LandingRefusal,
    /// The files in conflict.
    pub files: Vec<String>,
    /// How it was resolved: `another_attempt` when the part has landed since, `person` when a person accepted it, absent while it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved: Option<Resolution>,
}

/// How a refusal was resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// Another attempt of an agent landed.
    AnotherAttempt,
    /// A person approved the part as it was.
    Person,
}

/// The landing of a part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LandingReport {
    /// The part.
    pub task: TaskId,
    /// Submissions, refused ones included.
    pub submissions: u32,
    /// Runs of the test of the batches that it was tested in, successful and not.
    pub tests: u32,
    /// Whether a test failed and then passed on the same tree.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub flaky: bool,
    /// The time between its first submission and its landing, work on further attempts not counted, in milliseconds.
    pub waited_ms: i64,
    /// The merge commit in the target branch; absent until it has landed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<ObjectId>,
}

/// All that the log says of one task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Story {
    pub(crate) attempts: Vec<AttemptReport>,
    pub(crate) refusals: Vec<RefusalReport>,
    pub(crate) landing: Option<LandingReport>,
    /// How long it could be claimed and nobody did, in milliseconds.
    pub(crate) waited_ms: i64,
    /// The first grant.
    pub(crate) begun: Option<StoreTime>,
    /// The last event that belongs to the work.
    pub(crate) ended: Option<StoreTime>,
    ready_since: Option<StoreTime>,
    granted_at: Option<StoreTime>,
    queued_at: Option<StoreTime>,
}

impl Story {
    /// Takes one more event of the task into account.
    pub(crate) fn follow(&mut self, task: &TaskId, event: &Event) {
        let at = event.store_at;
        match &event.fact {
            Fact::TaskAdded(added) if matches!(added.resting, Resting::Ready { .. }) => self.ready_since = Some(at),
            Fact::TaskReadied(_) | Fact::TaskRequeued(_) => self.ready_since = Some(at),
            Fact::TaskClaimed(_) => {
                if let Some(since) = self.ready_since.take() {
                    self.waited_ms = self.waited_ms.saturating_add(at.since_ms(since).max(0));
                }
                self.begun = self.begun.or(Some(at));
                self.granted_at = Some(at);
                if let Some(agent) = event.agent.clone() {
                    let (task, end) = (task.clone(), AttemptEnd::Running);
                    self.attempts.push(AttemptReport { task, agent, end, wall_ms: 0, reason: None });
                }
            }
            Fact::TaskDone(done) if done.token.is_some() => self.end(at, AttemptEnd::Done, None),
            Fact::TaskSubmitted(_) => self.end(at, AttemptEnd::Submitted, None),
            Fact::TaskFailed(failed) => {
                self.end(at, AttemptEnd::Failed, Some(failed.reason.clone()));
                self.ready_since = failed.retry_at;
            }
            Fact::TaskReleased(_) => {
                self.end(at, AttemptEnd::GivenBack, None);
                self.ready_since = Some(at);
            }
            Fact::LeaseLost(_) => {
                self.end(at, AttemptEnd::Lost, None);
                self.ready_since = Some(at);
            }
            Fact::TaskSplit(split) if split.waits => self.end(at, AttemptEnd::GivenBack, None),
            Fact::TaskCancelled(_) => self.end(at, AttemptEnd::GivenBack, None),
            Fact::TaskRejected(_) => self.ready_since = Some(at),
            Fact::TaskApproved(_) if self.landing.as_ref().is_none_or(|landing| landing.commit.is_none()) => {
                self.resolve(Resolution::Person)
            }
            Fact::LandingQueued(queued) if queued.submission.is_none() => {
                self.queued_at = Some(at);
                let first = LandingReport { task: task.clone(), submissions: 0, tests: 0, flaky: false, waited_ms: 0, commit: None };
                self.landing.get_or_insert(first).submissions += 1;
            }
            Fact::LandingTested(tested) => {
                if let Some(landing) = &mut self.landing {
                    landing.tests += tested.tests;
                    landing.flaky |= tested.flaky;
                }
            }
            Fact::LandingRefused(refused) => {
                self.leave_queue(at);
                let (reason, files) = (refused.reason, refused.files.clone());
                self.refusals.push(RefusalReport { task: task.clone(), reason, files, resolved: None });
            }
            Fact::LandingLanded(landed) => {
                self.leave_queue(at);
                self.resolve(Resolution::AnotherAttempt);
                if let Some(landing) = &mut self.landing {
                    landing.commit = Some(landed.commit.clone());
                }
            }
            _ => return,
        }
        if self.begun.is_some() {
            self.ended = Some(at);
        }
    }

    fn end(&mut self, at: StoreTime, end: AttemptEnd, reason: Option<String>) {
        let Some(granted_at) = self.granted_at.take() else { return };
        if let Some(attempt) = self.attempts.last_mut() {
            (attempt.end, attempt.wall_ms, attempt.reason) = (end, at.since_ms(granted_at), reason);
        }
    }

    fn leave_queue(&mut self, at: StoreTime) {
        if let (Some(queued_at), Some(landing)) = (self.queued_at.take(), &mut self.landing) {
            landing.waited_ms = landing.waited_ms.saturating_add(at.since_ms(queued_at).max(0));
        }
    }

    fn resolve(&mut self, how: Resolution) {
        self.refusals.iter_mut().filter(|refusal| refusal.resolved.is_none()).for_each(|refusal| refusal.resolved = Some(how));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oarlock_model::event::{LandingLanded, LandingQueued, LandingRefused, LandingTested, TaskClaimed, TaskReadied, TaskSubmitted};
    use oarlock_model::{Token, WallTime};

    #[test]
    fn a_refused_submission_is_resolved_by_the_landing_that_follows() {
        let id: TaskId = "T-1".parse().expect("an id");
        let commit = ObjectId::parse(&"a".repeat(40)).expect("valid");
        let mut story = Story::default();
        let mut at = |ms: i64, fact: Fact| {
            let agent = Some("ada".parse().expect("a name"));
            story.follow(&id, &Event { seq: 1, at: WallTime(0), store_at: StoreTime(ms), agent, session: None, fact });
        };
        let claimed = || Fact::from(TaskClaimed { id: id.clone(), token: Token(1), ttl_ms: 1, attempt: 1, reserve: false, after: None });
        let (result, artifacts, unmet_needs) = (None, Vec::new(), Vec::new());
        let submitted = TaskSubmitted { id: id.clone(), token: Some(Token(1)), result, artifacts, unmet_needs };
        let queued = || Fact::from(LandingQueued { id: id.clone(), branch: None, commit: commit.clone(), submission: None });
        let tested = |passed| LandingTested { id: id.clone(), passed, tests: 2, flaky: false, tree: None, candidate: None }.into();
        at(0, TaskReadied { id: id.clone() }.into());
        at(10, claimed());
        at(30, submitted.clone().into());
        at(30, queued());
        at(50, tested(false));
        let (reason, files) = (LandingRefusal::Conflict, vec!["a.rs".to_owned()]);
        at(60, LandingRefused { id: id.clone(), reason, files: files.clone(), failures: 1, brief: None }.into());
        at(60, TaskReadied { id: id.clone() }.into());
        at(65, claimed());
        at(75, submitted.into());
        at(75, queued());
        at(80, tested(true));
        at(85, LandingLanded { id: id.clone(), commit: commit.clone() }.into());
        assert_eq!((story.waited_ms, story.begun, story.ended), (15, Some(StoreTime(10)), Some(StoreTime(85))));
        let attempts: Vec<_> = story.attempts.iter().map(|attempt| (attempt.end, attempt.wall_ms)).collect();
        assert_eq!(attempts, [(AttemptEnd::Submitted, 20), (AttemptEnd::Submitted, 10)]);
        let resolved = Some(Resolution::AnotherAttempt);
        assert_eq!(story.refusals, [RefusalReport { task: id.clone(), reason, files, resolved }]);
        let landing =
            LandingReport { task: id.clone(), submissions: 2, tests: 4, flaky: false, waited_ms: 40, commit: Some(commit.clone()) };
        assert_eq!(story.landing, Some(landing));
    }
}

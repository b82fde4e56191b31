//! Situations that wait for a person: what no agent can or may settle by itself, the most pressing first.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::landing::LandingState;
use crate::task::{Gate, Task, TaskState};
use crate::time::StoreTime;

/// Why something needs a person. The order is that of lists: first where somebody waits for a decision, then where work has stopped for good,
/// then where it may go on by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttentionReason {
    /// A task waits for `approve` or `reject`.
    Review,
    /// An agent at work asks something, or wants a permission, and nobody was there to answer.
    AgentAsks,
    /// A submission was refused so often that its task waits for a person.
    LandingRefused,
    /// A submission has waited for [`LANDING_WAITS_MS`], and nothing of its target branch is being tested: no `merge` works the queue.
    LandingWaits,
    /// A task has failed or was lost too often, or its holder gave it up for good.
    TaskDead,
    /// A task was cancelled, and others wait for it.
    TaskCancelled,
    /// No active agent has the capabilities that a ready task asks for.
    NobodyAble,
    /// An agent holds work and has shown no progress for [`crate::limits::STUCK_AFTER_MS`].
    AgentStuck,
    /// Somebody outside of the store had a task and gave no sign of life for too long.
    Abandoned,
    /// An agent that held work has died within the last day.
    AgentLost,
}

impl AttentionReason {
    /// All reasons, in their order.
    pub const ALL: [Self; 10] = [
        Self::Review,
        Self::AgentAsks,
        Self::LandingRefused,
        Self::LandingWaits,
        Self::TaskDead,
        Self::TaskCancelled,
        Self::NobodyAble,
        Self::AgentStuck,
        Self::Abandoned,
        Self::AgentLost,
    ];

    /// The reason's word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Review => "review",
            Self::AgentAsks => "agent_asks",
            Self::LandingRefused => "landing_refused",
            Self::LandingWaits => "landing_waits",
            Self::TaskDead => "task_dead",
            Self::TaskCancelled => "task_cancelled",
            Self::NobodyAble => "nobody_able",
            Self::AgentStuck => "agent_stuck",
            Self::Abandoned => "abandoned",
            Self::AgentLost => "agent_lost",
        }
    }
}

/// How long a lost agent is worth a person's look, in milliseconds: a day. What it held is free long before.
pub const LOST_SHOWN_MS: i64 = 24 * 3_600_000;

/// How long a submission waits before somebody should see that nobody lands it, in milliseconds.
pub const LANDING_WAITS_MS: i64 = 60_000;

/// Why a task in review waits for a person; nothing while the landing queue works on it. `is_worked` says whether something of its target branch
/// is being tested.
pub fn in_review(task: &Task, is_worked: bool, now: StoreTime) -> Option<AttentionReason> {
    if task.state != TaskState::Review {
        return None;
    }
    match (task.spec.gate, task.landing.as_ref().map(|landing| landing.state)) {
        (Some(Gate::Merge), Some(LandingState::Refused)) => Some(AttentionReason::LandingRefused),
        (Some(Gate::Merge), Some(LandingState::Queued)) => {
            let waited_ms = task.landing.as_ref().map_or(0, |landing| now.since_ms(landing.since));
            (!is_worked && waited_ms >= LANDING_WAITS_MS).then_some(AttentionReason::LandingWaits)
        }
        (Some(Gate::Merge), Some(_)) => None,
        _ => Some(AttentionReason::Review),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::TaskId;
    use crate::landing::{Landing, LandingRefusal, ObjectId};
    use crate::task::TaskSpec;
    use crate::time::WallTime;

    fn task(state: TaskState, gate: Option<Gate>, landing: Option<LandingState>) -> Task {
        let spec = TaskSpec { gate, ..TaskSpec::new("t") };
        let mut task = Task::new(TaskId::parse("T-1").expect("valid"), spec, WallTime(0));
        task.state = state;
        task.landing = landing.map(|state| {
            let commit = "a".repeat(40).parse::<ObjectId>().expect("an id");
            let mut landing = Landing::queued(None, commit.clone(), 1, StoreTime(0));
            match state {
                LandingState::Queued => {}
                LandingState::Testing => landing.start(),
                LandingState::Landed => landing.land(commit),
                LandingState::Refused => landing.refuse(LandingRefusal::Test, Vec::new()),
            }
            landing
        });
        task
    }

    #[test]
    fn a_review_waits_for_a_person_unless_the_landing_queue_has_it() {
        use AttentionReason::{LandingRefused, Review};
        let (human, merge) = (Some(Gate::Human), Some(Gate::Merge));
        let cases = [
            (TaskState::Review, human, None, Some(Review)),
            (TaskState::Review, merge, Some(LandingState::Queued), None),
            (TaskState::Review, merge, Some(LandingState::Testing), None),
            (TaskState::Review, merge, Some(LandingState::Refused), Some(LandingRefused)),
            // A gate that was changed while the task waited.
            (TaskState::Review, human, Some(LandingState::Refused), Some(Review)),
            (TaskState::Review, merge, None, Some(Review)),
            (TaskState::Ready, human, None, None),
            (TaskState::Done, human, None, None),
        ];
        for (state, gate, landing, expected) in cases {
            assert_eq!(in_review(&task(state, gate, landing), false, StoreTime(0)), expected, "{state:?} {gate:?} {landing:?}");
        }
    }

    #[test]
    fn a_submission_that_nobody_lands_is_shown_after_a_minute() {
        let task = task(TaskState::Review, Some(Gate::Merge), Some(LandingState::Queued));
        for (is_worked, now, expected) in
            [(false, 59_999, None), (false, 60_000, Some(AttentionReason::LandingWaits)), (true, 3_600_000, None)]
        {
            assert_eq!(in_review(&task, is_worked, StoreTime(now)), expected, "{is_worked} {now}");
        }
    }

    #[test]
    fn reasons_stand_in_their_order() {
        assert!(AttentionReason::ALL.is_sorted());
        for reason in AttentionReason::ALL {
            assert_eq!(serde_json::to_value(reason).expect("JSON"), reason.as_str());
        }
    }
}

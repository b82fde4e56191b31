//! From which states of a task which events can follow (docs/reference/states.md shows them). The verbs keep to it by themselves; a log that
//! came from elsewhere is held against it event by event.

use crate::event::Fact;
use crate::seeded;
use crate::task::Task;
use crate::task::TaskState::{self, Blocked, Cancelled, Claimed, Dead, Ready, Review, Scheduled, Waiting};

/// Where a task can be moved to another place to rest, because of what it needs, its parts, or time.
const RESTING: [TaskState; 4] = [Blocked, Ready, Scheduled, Waiting];

/// Who holds a task that is claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Its last grant has ended: the lease was lost, and the task is to be taken again at once.
    Nobody,
    /// A session is to get it, and does not know yet.
    Intent,
    /// A session.
    Session,
    /// Somebody outside of the store.
    Outside,
}

impl Hold {
    /// Who holds this one.
    pub fn of(task: &Task) -> Self {
        match (task.outside_holder(), &task.grant) {
            (Some(_), _) => Hold::Outside,
            (None, Some(grant)) if grant.is_intent() => Hold::Intent,
            (None, Some(grant)) if grant.end.is_none() => Hold::Session,
            _ => Hold::Nobody,
        }
    }
}

/// Who may split a task into parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaySplit {
    /// Everybody: nobody works on it, and its work has not begun.
    Anybody,
    /// Only the session that holds it.
    Holder,
    /// Nobody.
    Nobody,
}

/// Who may split a task that is in this state.
#[must_use]
pub fn may_split(state: TaskState) -> MaySplit {
    match state {
        Ready | Blocked => MaySplit::Anybody,
        Claimed => MaySplit::Holder,
        _ => MaySplit::Nobody,
    }
}

/// Whether the event can follow for its task, which is in this state.
///
/// # Errors
/// The reason against it, in words.
pub fn check(fact: &Fact, state: TaskState, hold: Hold) -> Result<(), String> {
    let claimed_by = |by: Hold| state == Claimed && hold == by;
    let (lost, held, outside) = (claimed_by(Hold::Nobody), claimed_by(Hold::Session), claimed_by(Hold::Outside));
    let intended = claimed_by(Hold::Intent);
    let one_of = |states: &[TaskState]| states.contains(&state);
    let can_follow = match fact {
        Fact::TaskIntended(_) => state == Ready || lost,
        Fact::IntentDropped(_) => intended,
        Fact::TaskClaimed(_) => state == Ready || lost || intended,
        // A session that leaves gives back what it was to get, too.
        Fact::TaskReleased(_) => held || intended,
        Fact::TaskFailed(_) | Fact::LeaseLost(_) | Fact::TaskProgressed(_) => held,
        // Parts that are done finish their parent, and an approval ends a review.
        Fact::TaskDone(_) => held || outside || one_of(&[Waiting, Review]),
        Fact::TaskSubmitted(_) => held || outside || state == Waiting,
        Fact::TaskTakenOutside(_) => lost || outside || one_of(&[Blocked, Ready, Scheduled]),
        Fact::TaskLeftOutside(_) => outside,
        Fact::TaskApproved(_) | Fact::TaskRejected(_) => state == Review,
        Fact::LandingQueued(_) | Fact::LandingStarted(_) | Fact::LandingTested(_) | Fact::LandingLanded(_) | Fact::LandingRefused(_) => {
            state == Review
        }
        Fact::TaskReadied(_) => one_of(&[Blocked, Scheduled, Waiting]),
        // After the last failure it rests for no time at all, and after the last loss it is nobody's.
        Fact::TaskDied(_) => lost || state == Scheduled,
        Fact::TaskRequeued(_) => one_of(&[Dead, Cancelled]),
        Fact::TaskCancelled(fact) => !state.is_finished() || state == Dead || (fact.drop && state == Cancelled),
        Fact::TaskSplit(fact) if fact.waits => held || one_of(&RESTING),
        Fact::TaskSplit(_) => !state.is_finished() && state != Review,
        Fact::TaskUpdated(fact) => fact.resting.is_none() || one_of(&RESTING),
        Fact::DependencyAdded(fact) => fact.resting.is_none() || one_of(&RESTING),
        Fact::DependencyRemoved(fact) => fact.resting.is_none() || one_of(&RESTING),
        _ => true,
    };
    if can_follow || seeded::is(seeded::ANY_TRANSITION) {
        return Ok(());
    }
    let holds = match hold {
        _ if state != Claimed => "",
        Hold::Nobody => ", and its lease was lost",
        Hold::Intent => " and meant for a session",
        Hold::Session => " and held",
        Hold::Outside => " and held outside",
    };
    Err(format!("the task is {state}{holds}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each event with the states that it may follow: `claimed` by a session, `outside` by somebody outside of the store, `lost`
    /// by a lease that was lost.
    const TABLE: &[(&str, &str, &str)] = &[
        ("task_claimed", r#"{"token": 1, "ttl_ms": 1, "attempt": 1}"#, "ready lost intended"),
        ("task_intended", r#"{"token": 1, "ttl_ms": 1, "attempt": 1}"#, "ready lost"),
        ("intent_dropped", r#"{"token": 1}"#, "intended"),
        ("task_released", r#"{"reason": "released", "resting": {"state": "blocked"}}"#, "claimed intended"),
        ("task_failed", r#"{"token": 1, "reason": "x", "failures": 1}"#, "claimed"),
        ("task_progressed", "{}", "claimed"),
        ("task_done", "{}", "claimed outside waiting review"),
        ("task_submitted", "{}", "claimed outside waiting"),
        ("task_taken_outside", r#"{"since": 0, "seen": 0, "source": "ralf"}"#, "blocked ready scheduled outside lost"),
        ("task_left_outside", r#"{"reason": "free", "seen": 0, "resting": {"state": "blocked"}}"#, "outside"),
        ("task_approved", "{}", "review"),
        ("task_rejected", r#"{"reason": "x", "resting": {"state": "blocked"}}"#, "review"),
        ("landing_queued", r#"{"commit": "0000000000000000000000000000000000000000"}"#, "review"),
        ("landing_started", "{}", "review"),
        ("landing_tested", r#"{"passed": true, "tests": 1}"#, "review"),
        ("landing_landed", r#"{"commit": "0000000000000000000000000000000000000000"}"#, "review"),
        ("landing_refused", r#"{"reason": "test", "failures": 1}"#, "review"),
        ("task_readied", "{}", "blocked scheduled waiting"),
        ("task_died", r#"{"reason": "failures", "failures": 1, "losses": 0}"#, "scheduled lost"),
        ("task_requeued", r#"{"resting": {"state": "blocked"}}"#, "dead cancelled"),
        ("task_cancelled", "{}", "blocked ready scheduled claimed intended outside lost waiting review dead"),
        ("task_cancelled", r#"{"drop": true}"#, "blocked ready scheduled claimed intended outside lost waiting review dead cancelled"),
        ("task_split", r#"{"children": [], "waits": true}"#, "blocked ready scheduled claimed waiting"),
        ("task_split", r#"{"children": [], "waits": false}"#, "blocked ready scheduled claimed intended outside lost waiting"),
        ("task_updated", r#"{"resting": {"state": "blocked"}}"#, "blocked ready scheduled waiting"),
        ("dependency_added", r#"{"on": [], "resting": {"state": "blocked"}}"#, "blocked ready scheduled waiting"),
        ("dependency_removed", r#"{"on": [], "resting": {"state": "blocked"}}"#, "blocked ready scheduled waiting"),
        ("task_updated", r#"{"title": "x"}"#, "blocked ready scheduled claimed intended outside lost waiting review done dead cancelled"),
        (
            "task_asked",
            r#"{"token": 1, "question": "x"}"#,
            "blocked ready scheduled claimed intended outside lost waiting review done dead cancelled",
        ),
        ("task_used", r#"{"token": 1}"#, "blocked ready scheduled claimed intended outside lost waiting review done dead cancelled"),
        ("task_noted", r#"{"text": "x"}"#, "blocked ready scheduled claimed intended outside lost waiting review done dead cancelled"),
    ];

    #[test]
    fn each_event_follows_the_states_of_the_table_and_no_other() {
        for (kind, data, states) in TABLE {
            let mut data: serde_json::Value = serde_json::from_str(data).expect("JSON");
            data[if *kind == "intent_dropped" { "task" } else { "id" }] = "T".into();
            let fact = Fact::parse(kind, &data.to_string()).expect("an event");
            for state in TaskState::ALL {
                for hold in [Hold::Session, Hold::Intent, Hold::Outside, Hold::Nobody] {
                    let name = match hold {
                        Hold::Nobody if state == Claimed => "lost".to_owned(),
                        Hold::Intent if state == Claimed => "intended".to_owned(),
                        Hold::Outside if state == Claimed => "outside".to_owned(),
                        _ => state.to_string(),
                    };
                    let expected = states.split(' ').any(|allowed| allowed == name);
                    assert_eq!(check(&fact, state, hold).is_ok(), expected, "{kind} {data} after {name}");
                }
            }
        }
    }
}

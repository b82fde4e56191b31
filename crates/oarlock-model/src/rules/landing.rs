//! When a submission lands, and what a refusal does to its task. A task with the gate `merge` is done by landing and by nothing else.

use crate::Rejection;
use crate::landing::{BranchName, Landing, LandingState, ObjectId};
use crate::limits;
use crate::rules::retry;
use crate::seeded;
use crate::task::{Gate, Task, TaskState};

/// The effect of a refusal on its task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Failures from now on.
    pub failures: u32,
    /// Whether the task is given back; otherwise it waits for a person.
    pub is_given_back: bool,
}

/// A refusal counts as a failed attempt. The last one gives nothing back.
pub fn refusal(task: &Task) -> Refusal {
    let failures = task.failures.saturating_add(1).min(limits::ATTEMPTS_MAX);
    let is_last = retry::death_by_failure(failures, task.spec.max_attempts).is_some();
    Refusal { failures, is_given_back: !is_last }
}

/// The open submission with this number, which is the last one of its task.
///
/// # Errors
/// `state_conflict`: the task is not in review any more, or has another submission: its holder lost it, and somebody else did the work again.
pub fn submitted<'t>(task: &'t Task, submission: u64, verb: &'static str) -> Result<&'t Landing, Rejection> {
    let conflict = |why: &str| Rejection::StateConflict { verb, task: task.id.clone(), state: task.state, why: Some(why.to_owned()) };
    match &task.landing {
        Some(landing) if landing.submission != submission && !seeded::is(seeded::OLD_SUBMISSION_LANDS) => {
            Err(conflict("it was submitted again"))
        }
        Some(landing) if landing.is_open() && task.state == TaskState::Review => Ok(landing),
        Some(_) => Err(conflict("its submission is over")),
        None => Err(conflict("it was never submitted")),
    }
}

/// Whether the submission has landed by this commit already: the same call again changes nothing.
pub fn has_landed(task: &Task, submission: u64, commit: &ObjectId) -> bool {
    task.landing.as_ref().is_some_and(|landing| {
        landing.state == LandingState::Landed && landing.submission == submission && landing.landed_commit.as_ref() == Some(commit)
    })
}

/// Lets pass who wants to take a task out of the queue, or to change what lands.
///
/// # Errors
/// `state_conflict`: its target branch is being moved.
pub fn check_not_landing(task: &Task, verb: &'static str) -> Result<(), Rejection> {
    match task.open_landing() {
        Some(landing) if landing.candidate.is_some() && !seeded::is(seeded::LANDING_TAKEN_BACK) => Err(Rejection::StateConflict {
            verb,
            task: task.id.clone(),
            state: task.state,
            why: Some("its commit is landing; `oarlock merge` completes that".to_owned()),
        }),
        _ => Ok(()),
    }
}

/// Lets pass a submission that is not its target branch itself: whatever was committed there would count as landed, untested.
///
/// # Errors
/// `invalid_request`: that branch was submitted.
pub fn check_branch(task: &Task, branch: Option<&BranchName>) -> Result<(), Rejection> {
    match (&task.spec.onto, branch) {
        (Some(onto), Some(branch)) if onto == branch => Err(Rejection::invalid(
            format!("{} lands on {onto}, and {onto} itself was submitted: nothing is there to merge or to test", task.id),
            format!("commit the work on a branch of its own (`git switch -c oarlock/{}`), or name its branch with --branch", task.id),
        )),
        _ => Ok(()),
    }
}

/// Lets pass who approves a task that does not wait for landing.
///
/// # Errors
/// `state_conflict`: only landing makes it done.
pub fn check_approval(task: &Task) -> Result<(), Rejection> {
    if task.spec.gate != Some(Gate::Merge) || seeded::is(seeded::APPROVED_WITHOUT_LANDING) {
        return Ok(());
    }
    let why = match task.open_landing() {
        Some(_) => "it waits for landing, and `oarlock merge` approves it",
        None => "only landing makes it done: `oarlock reject` gives it back, and `oarlock update --gate human` lets a person approve it",
    };
    Err(Rejection::StateConflict { verb: "approve", task: task.id.clone(), state: task.state, why: Some(why.to_owned()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorCode;
    use crate::ident::TaskId;
    use crate::landing::LandingRefusal;
    use crate::task::TaskSpec;
    use crate::time::{StoreTime, WallTime};

    fn commit(digit: char) -> ObjectId {
        ObjectId::parse(&digit.to_string().repeat(40)).expect("valid")
    }

    fn submitted_task(gate: Gate) -> Task {
        let mut task = Task::new(TaskId::parse("T-1").expect("valid"), TaskSpec::new("t"), WallTime(0));
        task.spec.gate = Some(gate);
        task.state = TaskState::Review;
        task.landing = Some(Landing::queued(None, commit('a'), 7, StoreTime(0)));
        task
    }

    #[test]
    fn a_refusal_is_a_failed_attempt_and_the_last_one_waits_for_a_person() {
        for (failures, max_attempts, expected, is_given_back) in
            [(0, 3, 1, true), (1, 3, 2, true), (2, 3, 3, false), (0, 1, 1, false), (3, 3, 4, false), (1_000, 1_000, 1_000, false)]
        {
            let mut task = submitted_task(Gate::Merge);
            (task.failures, task.spec.max_attempts) = (failures, max_attempts);
            assert_eq!(refusal(&task), Refusal { failures: expected, is_given_back }, "{failures} of {max_attempts}");
        }
    }

    #[test]
    fn the_target_is_no_submission_and_a_refused_task_keeps_its_turn() {
        let mut task = submitted_task(Gate::Merge);
        let branch = |name: &str| BranchName::parse(name).expect("valid");
        assert!(check_branch(&task, Some(&branch("main"))).is_ok(), "it has no target yet");
        task.spec.onto = Some(branch("main"));
        assert!(check_branch(&task, Some(&branch("oarlock/T-1"))).is_ok() && check_branch(&task, None).is_ok());
        assert_eq!(check_branch(&task, Some(&branch("main"))).map_err(|no| no.code()).err(), Some(ErrorCode::InvalidRequest));
        let again = |before: &Landing, number| Landing::queued(None, commit('b'), number, StoreTime(1)).after(Some(before));
        let mut first = Landing::queued(None, commit('a'), 7, StoreTime(0));
        first.refuse(LandingRefusal::Test, Vec::new());
        let mut second = again(&first, 12);
        second.refuse(LandingRefusal::Conflict, Vec::new());
        assert_eq!((second.turn(), again(&second, 20).turn()), (7, 7));
        second.land(commit('c'));
        assert_eq!(again(&second, 30).turn(), 30);
    }

    #[test]
    fn only_the_last_open_submission_lands() {
        let open = submitted_task(Gate::Merge);
        assert!(submitted(&open, 7, "land").is_ok());
        let mut landed = open.clone();
        landed.landing.as_mut().expect("one").land(commit('b'));
        landed.state = TaskState::Done;
        let mut given_back = open.clone();
        given_back.state = TaskState::Claimed;
        let mut refused = open.clone();
        refused.landing.as_mut().expect("one").refuse(LandingRefusal::Test, Vec::new());
        let never = Task { landing: None, ..open.clone() };
        for (task, submission) in [(&open, 8), (&landed, 7), (&given_back, 7), (&refused, 7), (&never, 7)] {
            assert_eq!(submitted(task, submission, "land").map_err(|no| no.code()).err(), Some(ErrorCode::StateConflict), "{task:?}");
        }
        assert!(has_landed(&landed, 7, &commit('b')));
        assert!(!has_landed(&landed, 7, &commit('c')) && !has_landed(&landed, 8, &commit('b')) && !has_landed(&open, 7, &commit('a')));
    }

    #[test]
    fn a_person_approves_what_does_not_wait_for_landing() {
        assert!(check_approval(&submitted_task(Gate::Human)).is_ok());
        let mut task = submitted_task(Gate::Merge);
        assert!(check_approval(&task).is_err() && check_not_landing(&task, "reject").is_ok());
        task.landing.as_mut().expect("one").candidate = Some(commit('b'));
        assert!(check_not_landing(&task, "reject").is_err());
        task.landing = None;
        assert!(check_approval(&task).is_err() && check_not_landing(&task, "reject").is_ok());
    }
}

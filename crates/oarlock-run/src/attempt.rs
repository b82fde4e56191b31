//! The outcome of one attempt: how the store sees a grant, and the report of its program's result.

use std::fmt::Write as _;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use oarlock_model::landing::{BranchName, ObjectId};
use oarlock_model::task::{Gate, GrantEnd, TaskState};
use oarlock_model::{Rejection, SessionId, TaskId, Token};
use oarlock_ops::OpError;
use oarlock_ops::call;
use oarlock_ops::caller::Caller;
use oarlock_ops::request::Mutation;
use oarlock_ops::settings::Settings;
use oarlock_ops::shapes::TaskShape;
use oarlock_ops::store::{Store, StoreResult, View};
use oarlock_ops::task::{Claimed, Done, Fail, Release};

use crate::child::ending;
use crate::outcome::Outcome;
use crate::watch::is_busy;

/// How often a busy store is asked again; each time it is waited for by itself.
const BUSY_TRIES: u32 = 4;

/// A task that a worker was granted.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) id: TaskId,
    pub(crate) token: Token,
    pub(crate) title: String,
    pub(crate) attempt: u32,
    /// Whether it is done by landing a commit.
    pub(crate) lands: bool,
    pub(crate) created_at: String,
    /// How long the lease holds after a renewal.
    pub(crate) ttl: Duration,
    /// When it was granted.
    pub(crate) since: Instant,
}

impl Held {
    pub(crate) fn of(claimed: &Claimed) -> Self {
        Self {
            id: claimed.task.id.clone(),
            token: claimed.lease.token,
            title: claimed.task.title.clone(),
            attempt: claimed.lease.attempt,
            lands: claimed.task.gate == Some(Gate::Merge),
            created_at: claimed.task.created_at.clone(),
            ttl: Duration::from_millis(claimed.lease.ttl_ms.max(0).unsigned_abs()),
            since: Instant::now(),
        }
    }
}

/// The state of a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is held.
    Held,
    /// The program itself has ended it, in its worker's name.
    Ended(Outcome),
    /// It ended without the worker's doing: the program must stop.
    Gone(Outcome),
}

/// The remains of an ended program that have to be handed in.
#[derive(Clone, Debug)]
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) output: String,
    pub(crate) errors: String,
    /// Why its work does not count as finished, whatever its exit status says.
    pub(crate) fault: Option<String>,
    /// Whether its client said that it has finished, and had to be stopped only because it did not end.
    pub(crate) lingered: bool,
}

impl Finished {
    /// Whether its result counts.
    pub(crate) fn is_success(&self) -> bool {
        self.has_finished() && self.fault.is_none()
    }

    /// Whether the program came to its own good end.
    pub(crate) fn has_finished(&self) -> bool {
        self.lingered || self.status.success()
    }

    /// Why it does not.
    fn reason(&self) -> String {
        let ended = if self.has_finished() { None } else { Some(ending(self.status)) };
        let errors = Some(self.errors.clone()).filter(|errors| !errors.is_empty());
        ended.into_iter().chain(self.fault.clone()).chain(errors).collect::<Vec<_>>().join(": ")
    }
}

/// Looks what has become of a grant of this session.
pub(crate) fn fate(view: &dyn View, session: &SessionId, held: &Held) -> StoreResult<Fate> {
    // Most often it is simply held, which is known without reading the task and its text.
    if view.claims_of(session)?.contains(&held.id) {
        return Ok(Fate::Held);
    }
    let Some(task) = view.task(&held.id)? else { return Ok(Fate::Gone(Outcome::Lost)) };
    let end = task.grant.filter(|grant| grant.token == held.token).and_then(|grant| grant.end);
    Ok(match end {
        Some(GrantEnd::Done) if task.state == TaskState::Review => Fate::Ended(Outcome::Submitted),
        Some(GrantEnd::Done) => Fate::Ended(Outcome::Done),
        Some(GrantEnd::Failed) => Fate::Ended(Outcome::Failed),
        Some(GrantEnd::Released) => Fate::Ended(Outcome::Released),
        Some(GrantEnd::Split) => Fate::Ended(Outcome::Split),
        Some(GrantEnd::Cancelled) => Fate::Gone(Outcome::Cancelled),
        Some(GrantEnd::TakenOver | GrantEnd::Lost) | None => Fate::Gone(Outcome::Lost),
    })
}

/// The task's Markdown: its title as a heading, unless its text begins with one of its own, and its text; below it whatever else its
/// holder has to know, each under a heading, `notes` last.
pub(crate) fn markdown(task: &TaskShape, notes: &[(&'static str, String)]) -> String {
    let mut text = own_markdown(task);
    for (heading, section) in task.handover().into_iter().chain(notes.iter().cloned()) {
        text.truncate(text.trim_end_matches('\n').len());
        let _ = write!(text, "\n\n# {heading}\n\n{}\n", section.trim_end());
    }
    text
}

fn own_markdown(task: &TaskShape) -> String {
    let begins_with_heading = task.body.lines().find(|line| !line.trim().is_empty()).is_some_and(|line| line.starts_with("# "));
    if begins_with_heading {
        return task.body.clone();
    }
    let body = task.body.trim_end_matches('\n');
    if body.is_empty() { format!("# {}\n", task.title) } else { format!("# {}\n\n{body}\n", task.title) }
}

/// Reports how a program ended: exit 0 is done, with its output as the result, anything else a failed attempt.
///
/// When the program reported by itself (`oarlock done` and the like), that counts.
///
/// # Errors
/// The session is over, and store errors. A task that was lost or cancelled meanwhile is an outcome.
pub(crate) fn report(
    store: &mut dyn Store,
    caller: &Caller,
    settings: &Settings,
    held: &Held,
    finished: &Finished,
) -> Result<Outcome, OpError> {
    let output = Some(finished.output.clone()).filter(|output| finished.is_success() && !output.is_empty());
    let refused = if finished.is_success() {
        let done = Done { token: Some(held.token), result: output.clone(), ..done_here(&held.id) };
        match order(store, caller, settings, &done) {
            Ok(reply) if reply.task.state == TaskState::Review => {
                pin(&reply.task);
                return Ok(Outcome::Submitted);
            }
            Ok(_) => return Ok(Outcome::Done),
            Err(error) => error,
        }
    } else {
        match order(store, caller, settings, &failure(held, &finished.reason())) {
            Ok(_) => return Ok(Outcome::Failed),
            Err(error) => error,
        }
    };
    match &refused {
        OpError::Rejected(Rejection::StaleSession { .. }) => return Err(refused),
        OpError::Rejected(_) => {}
        _ => return Err(refused),
    }
    settle_refusal(store, caller, settings, held, &refused, output)
}

/// A report that a task is done, with the commit that it submits if it is to land: the tip of its branch, or the checked-out commit.
pub(crate) fn done_here(id: &TaskId) -> Done {
    let tip = std::env::current_dir().ok().and_then(|dir| oarlock_git::tip_here(&dir, &format!("oarlock/{id}")));
    let commit = tip.as_ref().and_then(|tip| ObjectId::parse(&tip.commit).ok());
    let branch = tip.and_then(|tip| BranchName::parse(&tip.branch?).ok());
    Done { branch, commit, ..Done::of(id.clone()) }
}

/// Keeps a submitted commit whatever becomes of its branch. Where that fails, the landing queue does it.
fn pin(task: &TaskShape) {
    if let (Some(landing), Ok(dir)) = (&task.landing, std::env::current_dir()) {
        let _ = oarlock_git::merge::pin_submission(&dir, task.id.as_str(), landing.commit.as_str());
    }
}

/// The store refused the report: what the task has become counts. The output of a program that made parts of its task is kept for
/// the one who joins them.
fn settle_refusal(
    store: &mut dyn Store,
    caller: &Caller,
    settings: &Settings,
    held: &Held,
    refused: &OpError,
    output: Option<String>,
) -> Result<Outcome, OpError> {
    let session = caller.session.as_ref().ok_or_else(|| OpError::Internal("a worker has no session".into()))?;
    let (fate, has_parts) = {
        let view = store.snapshot()?;
        (fate(&*view, session, held)?, !view.open_children(&held.id, 1)?.is_empty())
    };
    let handed_over = Release { id: held.id.clone(), token: Some(held.token), result: output, force: false };
    match fate {
        Fate::Ended(Outcome::Split) if handed_over.result.is_some() => {
            tolerate(order(store, caller, settings, &handed_over))?;
            Ok(Outcome::Split)
        }
        Fate::Ended(outcome) | Fate::Gone(outcome) => Ok(outcome),
        // It added parts to its own task: given back, the task waits for them.
        Fate::Held if has_parts => {
            tolerate(order(store, caller, settings, &handed_over))?;
            Ok(Outcome::Split)
        }
        Fate::Held => match order(store, caller, settings, &failure(held, &format!("its outcome was refused: {refused}"))) {
            Ok(_) => Ok(Outcome::Failed),
            // The program gave it back and claimed it again: that grant is not the one it was started for.
            Err(OpError::Rejected(_)) => Ok(Outcome::Released),
            Err(error) => Err(error),
        },
    }
}

/// Fails an attempt whose program was not started; `for_good` if no later one could be.
///
/// # Errors
/// The session is over, and store errors. A task that was lost or cancelled meanwhile is an outcome.
pub(crate) fn fail_unstarted(
    store: &mut dyn Store,
    caller: &Caller,
    settings: &Settings,
    held: &Held,
    reason: &str,
    for_good: bool,
) -> Result<Outcome, OpError> {
    match order(store, caller, settings, &Fail { no_retry: for_good, ..failure(held, reason) }) {
        Ok(_) => Ok(Outcome::Failed),
        Err(refused @ OpError::Rejected(Rejection::StaleSession { .. })) => Err(refused),
        Err(OpError::Rejected(_)) => {
            let session = caller.session.as_ref().ok_or_else(|| OpError::Internal("a worker has no session".into()))?;
            match fate(&*store.snapshot()?, session, held)? {
                Fate::Ended(outcome) | Fate::Gone(outcome) => Ok(outcome),
                Fate::Held => Ok(Outcome::Released),
            }
        }
        Err(error) => Err(error),
    }
}

/// Gives back a task that the session holds; that it does not hold it any more is as good.
///
/// # Errors
/// Store errors.
pub(crate) fn release_own(store: &mut dyn Store, caller: &Caller, settings: &Settings, id: &TaskId) -> Result<(), OpError> {
    tolerate(order(store, caller, settings, &Release { id: id.clone(), token: None, result: None, force: false }))
}

/// A refusal is as good: the task is not held any more.
fn tolerate<T>(released: Result<T, OpError>) -> Result<(), OpError> {
    match released {
        Ok(_) | Err(OpError::Rejected(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Orders something, asking a busy store more than once: an outcome is worth waiting for.
fn order<M: Mutation>(store: &mut dyn Store, caller: &Caller, settings: &Settings, request: &M) -> Result<M::Reply, OpError> {
    for _ in 1..BUSY_TRIES {
        match call::mutate(store, caller, settings, request) {
            Err(error) if is_busy(&error) => {}
            answer => return answer,
        }
    }
    call::mutate(store, caller, settings, request)
}

fn failure(held: &Held, reason: &str) -> Fail {
    Fail { id: held.id.clone(), token: Some(held.token), reason: reason.to_owned(), no_retry: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestStores;
    use oarlock_ops::task::{Add, TaskReply};

    fn added(body: Option<&str>) -> TaskShape {
        let stores = TestStores::new();
        let mut add = Add { title: "Write the parser".into(), ..Add::default() };
        add.fields.body = body.map(str::to_owned);
        let TaskReply { task } = stores.order(&add);
        task
    }

    #[test]
    fn the_title_is_a_heading_unless_the_text_has_one() {
        assert_eq!(markdown(&added(None), &[]), "# Write the parser\n");
        assert_eq!(markdown(&added(Some("Use a table.\n\n")), &[]), "# Write the parser\n\nUse a table.\n");
        assert_eq!(markdown(&added(Some("\n# T-1: The parser\n\n- all of it\n")), &[]), "\n# T-1: The parser\n\n- all of it\n");
    }
}

//! Handing in kept results: under its token, or for the task as it is when nobody has had it since; and when that is refused, as a note.

use oarlock_model::task::{Task, TaskState};
use oarlock_model::{Rejection, TaskId, limits, seeded};
use oarlock_ops::OpError;
use oarlock_ops::call;
use oarlock_ops::caller::Caller;
use oarlock_ops::settings::Settings;
use oarlock_ops::shapes::rfc3339;
use oarlock_ops::store::Store;
use oarlock_ops::task::{Claim, Done, Note, Release};

use super::{Kept, Shelf};
use crate::attempt::done_here;
use crate::progress::Tell;

/// The outcome of a kept result.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Delivered {
    /// The task is done with it.
    Done,
    /// It is a note of the task; whether all of it.
    Noted { whole: bool },
    /// It was there already.
    Known,
    /// There is no such task any more.
    NoTask,
}

/// Hands in all results that are kept for this store, in the name of a worker that has just joined. What cannot be handed in now is tried again at the
/// next start.
pub(crate) fn deliver_all(store: &mut dyn Store, caller: &Caller, settings: &Settings, shelf: &Shelf, tell: &dyn Tell) {
    for found in shelf.kept() {
        let (id, agent, path) = (found.kept.task.clone(), found.kept.agent.clone(), found.path.clone());
        match deliver(store, caller, settings, &found.kept) {
            Ok(Delivered::Done) => {
                tell.line(&format!("{id} is done: the result of {agent} that was kept in {} is handed in", path.display()));
                // Found again, it would be known.
                let _ = found.remove();
            }
            Ok(Delivered::Known) => {
                let _ = found.remove();
            }
            Ok(Delivered::Noted { whole: true }) => {
                tell.line(&format!("the result of {agent} for {id} that was kept in {} is a note of the task now", path.display()));
                let _ = found.remove();
            }
            Ok(Delivered::Noted { whole: false }) => match found.set_aside() {
                Ok(path) => {
                    tell.warning(&format!("{id} has the beginning of the result of {agent} as a note; all of it is in {}", path.display()))
                }
                Err(error) => tell.warning(&format!("{} could not be renamed: {error}", path.display())),
            },
            Ok(Delivered::NoTask) => tell.warning(&format!("{} has a result for {id}, a task that is not there any more", path.display())),
            Err(error) => tell.warning(&format!("the result of {agent} for {id} stays in {}: {error}", path.display())),
        }
    }
}

fn deliver(store: &mut dyn Store, caller: &Caller, settings: &Settings, kept: &Kept) -> Result<Delivered, OpError> {
    let Some(task) = task_of(store, kept)? else { return Ok(Delivered::NoTask) };
    if is_handed_in(&task, kept) {
        return Ok(Delivered::Known);
    }
    let refused = match done(store, caller, settings, kept) {
        Ok(()) => return Ok(Delivered::Done),
        Err(OpError::Rejected(refused)) => refused,
        Err(error) => return Err(error),
    };
    // The session of that time is over, and so is its lease. When nobody was granted the task since, the result is still that of the last
    // attempt, and this session takes the task to finish it.
    let Some(task) = task_of(store, kept)? else { return Ok(Delivered::NoTask) };
    let is_last = seeded::is(seeded::KEPT_OVERWRITES) || task.grant.as_ref().is_some_and(|grant| grant.token == kept.token);
    if is_last && task.state == TaskState::Ready {
        match take_and_finish(store, caller, settings, kept) {
            Ok(()) => return Ok(Delivered::Done),
            Err(OpError::Rejected(_)) => {}
            Err(error) => return Err(error),
        }
    }
    let (text, whole) = note_of(kept, &refused);
    call::mutate(store, caller, settings, &Note { id: kept.task.clone(), text })?;
    Ok(Delivered::Noted { whole })
}

/// The task that is meant, unless the store was made again and has another one of this id.
fn task_of(store: &mut dyn Store, kept: &Kept) -> Result<Option<Task>, OpError> {
    Ok(store.snapshot()?.task(&kept.task)?.filter(|task| rfc3339(task.created_at) == kept.created_at))
}

fn is_handed_in(task: &Task, kept: &Kept) -> bool {
    let is_finished = matches!(task.state, TaskState::Done | TaskState::Review);
    is_finished && task.grant.as_ref().is_some_and(|grant| grant.token == kept.token) && task.result == kept.result
}

fn take_and_finish(store: &mut dyn Store, caller: &Caller, settings: &Settings, kept: &Kept) -> Result<(), OpError> {
    let claim = Claim { id: Some(kept.task.clone()), ..Claim::default() };
    let claimed = call::mutate(store, caller, settings, &claim)?.into_claims().pop();
    let token = claimed.ok_or_else(|| OpError::Internal("a claim granted nothing".into()))?.lease.token;
    let finished = done(store, caller, settings, &Kept { token, ..kept.clone() });
    if finished.is_err() {
        release(store, caller, settings, &kept.task)?;
    }
    finished
}

fn done(store: &mut dyn Store, caller: &Caller, settings: &Settings, kept: &Kept) -> Result<(), OpError> {
    let done = Done { token: Some(kept.token), result: kept.result.clone(), ..done_here(&kept.task) };
    call::mutate(store, caller, settings, &done).map(drop)
}

fn release(store: &mut dyn Store, caller: &Caller, settings: &Settings, id: &TaskId) -> Result<(), OpError> {
    match call::mutate(store, caller, settings, &Release { id: id.clone(), token: None, result: None, force: false }) {
        Ok(_) | Err(OpError::Rejected(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// A result that came too late, as a note, and whether all of it is in it.
pub(crate) fn note_of(kept: &Kept, refused: &Rejection) -> (String, bool) {
    let head = format!("{} finished this under token {}, but it was refused ({refused}). The result:\n\n", kept.agent, kept.token);
    let result = kept.result.as_deref().unwrap_or("(none)");
    let room = limits::NOTE_CHARS_MAX.saturating_sub(head.chars().count());
    if result.chars().count() <= room {
        return (format!("{head}{result}"), true);
    }
    const MORE: &str = "\n[…]";
    let end = result.char_indices().nth(room.saturating_sub(MORE.chars().count())).map_or(result.len(), |(at, _)| at);
    (format!("{head}{}{MORE}", &result[..end]), false)
}

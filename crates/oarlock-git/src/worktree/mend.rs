//! After a kill: whatever step the last attempt in a worktree was at, it is brought into order, and no work is lost.

use std::fs;
use std::io;
use std::path::Path;

use super::leave::{End, add, keep_unowned, settle, status};
use super::place::{Place, State, turn};
use super::refusal::Refusal;
use super::top::DOT_GIT;
use crate::unmade::unlock_unmade;

/// Brings a worktree into order: afterwards it is not there, or it is clean and at no branch. Returns warnings. `top` is a worktree of the
/// repository that is there.
///
/// # Errors
/// The directory is none of ours, or git fails.
pub(crate) fn mend(place: &Place, top: &Path) -> Result<Vec<String>, Refusal> {
    let state = place.state()?;
    match (&state, place.dir.symlink_metadata()) {
        (_, Err(error)) if error.kind() == io::ErrorKind::NotFound => {
            let lost = match &state {
                Some(State::Working(work)) => {
                    vec![format!("the worktree {} is gone, and with it the uncommitted work of {}", place.dir.display(), work.task)]
                }
                Some(State::Making) => {
                    unmake(place, top)?;
                    Vec::new()
                }
                _ => Vec::new(),
            };
            return place.note_free().map(|()| lost);
        }
        (_, Err(error)) => {
            return Err(Refusal::of_worktree(format!("{} cannot be reached: {error}", place.dir.display()), "check its permissions"));
        }
        (Some(State::Making), Ok(_)) => return unmake(place, top).map(|()| Vec::new()),
        (None, Ok(found)) if found.is_dir() && is_empty(&place.dir) => return Ok(Vec::new()),
        _ => {}
    }
    if !place.is_made() {
        let repair = if place.dir.join(DOT_GIT).symlink_metadata().is_ok() {
            "if the repository was moved, `git worktree repair` in it helps; otherwise "
        } else {
            ""
        };
        return Err(Refusal::of_worktree(
            format!("{} is there and is not a worktree of this repository", place.dir.display()),
            format!("{repair}save what it holds and move it away"),
        ));
    }
    match state {
        Some(State::Switching(commit)) => {
            place.free_git_locks(None);
            // It was clean before, so everything that differs now was written by the switch.
            place.git().ask(&["checkout", "--quiet", "--force", "--detach", &commit])?;
            place.note_free()?;
        }
        Some(State::Working(work)) => {
            settle(place, &work, End::Unfinished, true, None)?;
        }
        Some(State::Making) | None => {}
    }
    if status(&place.git())?.is_empty() {
        return Ok(Vec::new());
    }
    let kept = keep_unowned(place)?;
    let rest = status(&place.git())?;
    if let Some(first) = rest.first() {
        let why = add(&place.git(), &rest)?.map(|why| format!(": {why}")).unwrap_or_default();
        return Err(Refusal::of_worktree(
            format!("{} has files that cannot be committed, first {}{why}", place.dir.display(), first.get(3..).unwrap_or(first)),
            "repair what git names, for example install the filter (LFS); if there is another repository inside, move it away",
        ));
    }
    let kept = kept.unwrap_or_else(|| "a branch".to_owned());
    Ok(vec![format!("{} had changes of no attempt; they are kept as {kept}", place.dir.display())])
}

/// Takes away a worktree that was not made to its end, in which nothing was ever started.
fn unmake(place: &Place, top: &Path) -> Result<(), Refusal> {
    let failed = |error: io::Error| {
        Refusal::of_worktree(format!("{} cannot be removed: {error}", place.dir.display()), "remove it yourself: it was never finished")
    };
    if place.dir.is_symlink() {
        return Err(failed(io::Error::other("it is a link")));
    }
    match fs::remove_dir_all(&place.dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let turn = place.dir.parent().map(|home| turn(home, &place.common)).transpose()?;
    let dot_git = place.dir.join(DOT_GIT);
    unlock_unmade(&place.common, &|path| path == dot_git);
    place.git_at(top).ask(&["worktree", "prune", "--expire=now"])?;
    drop(turn);
    place.note_free()
}

fn is_empty(dir: &Path) -> bool {
    fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_none())
}

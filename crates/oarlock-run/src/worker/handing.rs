//! Handing in what came of an attempt. A result that is finished is not given up because the store cannot be written: it is tried again while
//! the lease lasts, then kept in a file, and at the very last printed.

use std::time::{Duration as StdDuration, Instant};

use oarlock_model::duration::words::to_the_second;
use oarlock_model::{Rejection, seeded};
use oarlock_ops::OpError;
use oarlock_ops::call;
use oarlock_ops::caller::Caller;
use oarlock_ops::task::Note;
use serde_json::json;

use super::Worker;
use crate::attempt::{self, Finished, Held};
use crate::duration::ms;
use crate::kept::{Kept, note_of};
use crate::outcome::Outcome;
use crate::watch::{Watch, is_passing};

/// The pause before the first further try, doubled with each.
const AGAIN_FIRST: StdDuration = StdDuration::from_millis(250);
/// The longest pause between two tries.
const AGAIN_MAX: StdDuration = StdDuration::from_secs(5);

impl Worker<'_, '_> {
    /// Reports how the program ended, again and again while the store cannot be written and the lease may still be renewed.
    ///
    /// # Errors
    /// The session is over, the store is gone or cannot be written for too long, or a signal came; a result that was finished is
    /// kept then, and the error says where.
    pub(super) fn hand_in(&mut self, watch: &mut Watch, held: &Held, finished: &Finished) -> Result<Outcome, OpError> {
        let until = self.heart.renewed_at().max(held.since) + held.ttl;
        let mut pause = AGAIN_FIRST;
        let mut is_told = false;
        loop {
            let error = match attempt::report(&mut *self.store, &self.caller, self.settings, held, finished) {
                Ok(Outcome::Lost) if finished.has_finished() => {
                    self.note_lost(held, finished);
                    return Ok(Outcome::Lost);
                }
                Ok(outcome) => return Ok(outcome),
                Err(OpError::Rejected(refused @ Rejection::StaleSession { .. })) if finished.has_finished() => {
                    self.note(held, finished, &refused);
                    return Err(refused.into());
                }
                Err(error) => error,
            };
            if !is_passing(&error) {
                return Err(self.keep(held, finished, error));
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(self.keep(held, finished, error));
            }
            if !is_told {
                let time = to_the_second(ms(left));
                self.tell.warning(&format!("what came of {} cannot be handed in: {error}; trying again for {time}", held.id));
                is_told = true;
            }
            let again_at = Instant::now() + pause.min(left);
            while let Some(left) = again_at.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
                if self.signals.taken() {
                    return Err(self.keep(held, finished, OpError::Interrupted));
                }
                // Somebody who could write rings the notifiers: then it may work here too.
                match watch.wait(ms(left).max(1), &[]) {
                    Err(error) if !is_passing(&error) => return Err(self.keep(held, finished, error)),
                    _ => {}
                }
            }
            pause = (pause * 2).min(AGAIN_MAX);
        }
    }

    /// Keeps a result that cannot be handed in; the error says where it is.
    pub(super) fn keep(&self, held: &Held, finished: &Finished, error: OpError) -> OpError {
        let Some(kept) = self.kept(held, finished).filter(|_| finished.is_success()) else { return error };
        if seeded::is(seeded::RESULT_THROWN_AWAY) {
            return error;
        }
        let (code, id) = (error.code(), &held.id);
        let told = |message: String, hint: String, details| OpError::Reported { code, message, hint, retry_after_ms: None, details };
        if let Some(path) = self.shelf.keep(&kept) {
            let message = format!("{error}; the result of {id} is kept in {}", path.display());
            let hint = "once the store can be written, start `oarlock work` on it again: it hands the result in".to_owned();
            return told(message, hint, json!({"task": id, "token": held.token, "kept": path.to_string_lossy()}));
        }
        self.tell.warning(&format!("the result of {id} (token {}) can be kept nowhere; it is:", held.token));
        finished.output.lines().for_each(|line| self.tell.output("", line));
        let message = format!("{error}; the result of {id} could not be stored; it is printed here");
        let hint = format!("make room, then hand it in yourself: `oarlock done {id} --token {} --result TEXT`, or as a note", held.token);
        told(message, hint, json!({"task": id, "token": held.token, "result": finished.output}))
    }

    /// The task was lost before its result could be handed in: anyone who has it now is to see the result.
    fn note_lost(&mut self, held: &Held, finished: &Finished) {
        let refused = Rejection::LeaseLost { task: held.id.clone(), how: "lost", holder: None };
        self.note(held, finished, &refused);
    }

    /// Writes a finished result into the task's history, in nobody's name: the session may be over.
    fn note(&mut self, held: &Held, finished: &Finished, refused: &Rejection) {
        let Some(kept) = self.kept(held, finished).filter(|kept| kept.result.is_some()) else { return };
        let (text, whole) = note_of(&kept, refused);
        let noted = call::mutate(&mut *self.store, &Caller::default(), self.settings, &Note { id: held.id.clone(), text });
        if noted.is_ok() && whole {
            return self.tell.warning(&format!("the result of {} came too late; it is a note of the task", held.id));
        }
        match self.shelf.keep_for_people(&kept) {
            Some(path) => self.tell.warning(&format!("the result of {} came too late; all of it is in {}", held.id, path.display())),
            None => self.tell.warning(&format!("the result of {} came too late, and all of it could be kept nowhere", held.id)),
        }
    }

    fn kept(&self, held: &Held, finished: &Finished) -> Option<Kept> {
        let result = (!finished.output.is_empty()).then(|| finished.output.clone());
        Kept::new(self.url.to_string_lossy().into_owned(), held, &self.report.session, result)
    }
}

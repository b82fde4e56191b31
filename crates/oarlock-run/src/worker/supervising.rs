//! Watching a program that works on a task: when it is stopped, and why.

use std::time::{Duration as StdDuration, Instant};

use oarlock_git::Entered;
use oarlock_ops::OpError;
use oarlock_ops::call;
use oarlock_ops::message::Send;
use oarlock_ops::task::Note;

use super::followed::{Following, Stop};
use super::{GONE_GRACE, Worker};
use crate::attempt::{self, Fate, Held};
use crate::child::Running;
use crate::duration::ms;
use crate::outcome::Outcome;
use crate::watch::{SLICE_MS, Watch, is_gone, is_passing};

impl Worker<'_, '_> {
    /// Waits until the program has ended, and ends it when its task is gone, the session is over, its time is over, or a signal came.
    pub(super) fn supervise(&mut self, watch: &mut Watch, running: &mut Running, following: &mut Following, held: &Held) -> Option<Stop> {
        let mut stop = None;
        let mut stop_at = None;
        loop {
            if running.has_ended() {
                return stop;
            }
            if self.signals.taken() {
                match stop {
                    Some(Stop::Ended(OpError::Interrupted)) => running.kill(),
                    _ => (stop, stop_at) = (Some(Stop::Ended(OpError::Interrupted)), None),
                }
            }
            self.tell_agent();
            if stop.is_none() {
                stop = self.reason_to_stop(held).or_else(|| self.follow(following, held));
            }
            if let Some(stop) = &stop {
                let grace = if matches!(stop, Stop::Ended(error) if is_gone(error)) { GONE_GRACE } else { StdDuration::ZERO };
                if *stop_at.get_or_insert_with(|| Instant::now() + grace) <= Instant::now() {
                    running.terminate();
                }
            }
            let left_ms = running.kill_if_due().filter(|left| *left > 0);
            let over_ms =
                self.orders.hand_over().map(|order| ms(order.until.saturating_duration_since(Instant::now()))).filter(|left| *left > 0);
            match watch.wait(left_ms.into_iter().chain(over_ms).min().unwrap_or(SLICE_MS), running.process()) {
                Err(error) if !is_passing(&error) => stop = stop.or(Some(Stop::Ended(error))),
                _ => {}
            }
        }
    }

    fn reason_to_stop(&mut self, held: &Held) -> Option<Stop> {
        if let Some(fault) = self.heart.take_fault() {
            return Some(Stop::Ended(fault));
        }
        match self.fate(held) {
            Ok(Fate::Held | Fate::Ended(_)) => {}
            Ok(Fate::Gone(outcome)) => return Some(Stop::Gone(outcome)),
            Err(error) if is_passing(&error) => {}
            Err(error) => return Some(Stop::Ended(error)),
        }
        self.orders.hand_over().filter(|order| order.until <= Instant::now()).map(|order| Stop::GivenBack(order.why))
    }

    fn fate(&mut self, held: &Held) -> Result<Fate, OpError> {
        Ok(attempt::fate(&*self.store.snapshot()?, &self.report.session, held)?)
    }

    /// Sends the agent what the run has to say to it: its hooks and its inbox show it.
    fn tell_agent(&mut self) {
        for (subject, text) in self.orders.take_told() {
            self.send_to_agent(subject, text);
        }
    }

    pub(super) fn send_to_agent(&mut self, subject: String, text: String) {
        let to = vec![self.report.agent.to_string()];
        let send = Send { to, text, subject: Some(subject), thread: None, reply_to: None, ack: false };
        // It only hurries the program; that the program has to end does not depend on it.
        if let Err(error) = call::mutate(&mut *self.store, &self.caller, self.settings, &send) {
            self.tell.warning(&format!("{} could not be told \"{}\": {error}", self.report.agent, send.subject.unwrap_or_default()));
        }
    }

    /// Gives the task of a program that was stopped back, with a note that says why. What the program itself reported counts.
    ///
    /// # Errors
    /// The session is over, and store errors.
    pub(super) fn give_back(&mut self, held: &Held, place: Option<&Entered>, why: &str) -> Result<Outcome, OpError> {
        if let Fate::Ended(outcome) | Fate::Gone(outcome) = self.fate(held)? {
            return Ok(outcome);
        }
        let kept = place.map(|entered| format!("; its work so far is on the branch {}", entered.branch)).unwrap_or_default();
        let text = format!("{} was stopped before it had finished: {why}{kept}", self.report.agent);
        call::mutate(&mut *self.store, &self.caller, self.settings, &Note { id: held.id.clone(), text })?;
        attempt::release_own(&mut *self.store, &self.caller, self.settings, &held.id)?;
        Ok(Outcome::Released)
    }
}

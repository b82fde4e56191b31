//! One attempt: the command is started for a task, followed until it ends, and what came of it is handed in.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Instant;

use oarlock_git::{Entered, REPOSITORY_VARIABLES};
use oarlock_model::Rejection;
use oarlock_model::duration::words::to_the_second;
use oarlock_model::ident::shown;
use oarlock_ops::OpError;
use oarlock_ops::task::Claimed;

use super::Worker;
use super::commands::{Choice, until_unix};
use super::followed::{Following, Stop};
use super::isolated::{self, Begun, abandon};
use crate::attempt::{self, Finished, Held};
use crate::child::{Running, Start};
use crate::duration::ms;
use crate::isolation::unless_stopped;
use crate::observed::Observed;
use crate::outcome::Outcome;
use crate::stdio::Printed;
use crate::watch::{Watch, is_gone};

impl Worker<'_, '_> {
    /// Runs the command for one task and reports what came of it.
    pub(super) fn attempt(&mut self, watch: &mut Watch, claimed: &Claimed) -> Result<(), OpError> {
        let held = Held::of(claimed);
        let again = if held.attempt > 1 { format!(" (attempt {})", held.attempt) } else { String::new() };
        self.tell.line(&format!("claimed {} \"{}\"{again}", held.id, held.title));
        let begun = Instant::now();
        let begin = isolated::begin(self.cell.as_ref(), &mut *self.store, &self.caller, self.settings, self.tell, claimed, &held);
        let place = match begin.map_err(|error| unless_stopped(error, self.signals))? {
            Begun::Here => None,
            Begun::Worktree(entered) => Some(entered),
            Begun::Ended(outcome) => {
                self.record(held, outcome, ms(begun.elapsed()));
                return self.release_leftovers();
            }
        };
        // None was free a moment ago only if the clock stood still: then the first one is as good as any.
        let choice = self.commands.choose(Instant::now()).unwrap_or_else(|_| self.commands.first());
        let started = self.directory.check().and_then(|()| self.start(claimed, place.as_deref(), &choice));
        let mut running = match started {
            Ok(running) => running,
            Err(error) => {
                abandon(self.cell.as_ref(), self.tell, true);
                attempt::release_own(&mut *self.store, &self.caller, self.settings, &held.id)?;
                return Err(error);
            }
        };
        let dir = place.as_ref().map_or_else(|| self.directory.path().to_owned(), |entered| entered.top.clone());
        let mut following = Following::new(running.observed().clone(), self.work.stuck_after.map(|time| time.as_std()), &dir);
        let stopped = self.supervise(watch, &mut running, &mut following, &held);
        let signals = self.signals;
        let collected = running.collect(&|| signals.taken());
        self.report_usage(&mut following, &held);
        self.pass_on_questions(&following, &held);
        let observed = following.observed;
        let outcome = match stopped {
            Some(Stop::Gone(outcome)) => {
                abandon(self.cell.as_ref(), self.tell, false);
                outcome
            }
            Some(Stop::GivenBack(why)) => {
                abandon(self.cell.as_ref(), self.tell, true);
                self.give_back(&held, place.as_deref(), &why)?
            }
            Some(Stop::Ended(error)) => {
                let mut finished = collected.ok().filter(|_| is_gone(&error)).map(|collected| finished(collected, &observed, false));
                match finished.as_mut() {
                    Some(finished) => drop(isolated::end(self.cell.as_ref(), &held, finished)),
                    None => {
                        let is_over = matches!(error, OpError::Rejected(Rejection::StaleSession { .. }));
                        abandon(self.cell.as_ref(), self.tell, !is_over);
                    }
                }
                return Err(match finished {
                    Some(finished) => self.keep(&held, &finished, error),
                    None => error,
                });
            }
            stopped @ (None | Some(Stop::Lingered | Stop::Stuck(_))) => {
                let collected = collected.map_err(|error| OpError::Internal(format!("failed to collect a program: {error}")))?;
                let mut finished = finished(collected, &observed, matches!(stopped, Some(Stop::Lingered)));
                if let Some(Stop::Stuck(why)) = stopped {
                    finished.fault = Some(why);
                }
                // It failed because its directory was removed: that is not the task's fault.
                if let Err(gone) = self.directory.check()
                    && !finished.has_finished()
                {
                    attempt::release_own(&mut *self.store, &self.caller, self.settings, &held.id)?;
                    return Err(gone);
                }
                let limited = observed.limit().filter(|_| !finished.is_success() && !self.work.once);
                let unusable = isolated::end(self.cell.as_ref(), &held, &mut finished);
                let outcome = match limited {
                    Some(until) => self.give_back_limited(&held, place.as_deref(), &choice, &observed, until)?,
                    None => self.hand_in(watch, &held, &finished)?,
                };
                if finished.is_success() {
                    self.commands.succeeded(choice.index);
                }
                if let Some(error) = unusable {
                    self.record(held, outcome, ms(begun.elapsed()));
                    return Err(error);
                }
                outcome
            }
        };
        self.record(held, outcome, ms(begun.elapsed()));
        self.release_leftovers()
    }

    /// The provider takes no requests: the task is given back, and the command is not tried before the limit ends.
    fn give_back_limited(
        &mut self,
        held: &Held,
        place: Option<&Entered>,
        choice: &Choice,
        observed: &Observed,
        until: Option<i64>,
    ) -> Result<Outcome, OpError> {
        let pause = self.commands.limit(choice.index, until.map(until_unix), Instant::now());
        let client = observed.client().map_or("the client", |client| client.as_str());
        let next = match self.commands.choose(Instant::now()) {
            Ok(Choice { command, .. }) => format!("`{}` takes over", program_of(&command)),
            Err(_) => "nothing takes over".to_owned(),
        };
        let why = format!("{client} is at a rate limit for {}; {next}", to_the_second(ms(pause)));
        self.tell.warning(&format!("{}: {why}", self.report.agent));
        self.give_back(held, place, &why)
    }

    fn start(&self, claimed: &Claimed, place: Option<&Entered>, choice: &Choice) -> Result<Running, OpError> {
        let mut variables = vec![
            ("OARLOCK_AGENT", self.report.agent.to_string().into()),
            ("OARLOCK_SESSION", self.report.session.to_string().into()),
            ("OARLOCK_TASK", claimed.task.id.to_string().into()),
            ("OARLOCK_TOKEN", claimed.lease.token.to_string().into()),
            ("OARLOCK_STORE", self.url.clone()),
        ];
        if !claimed.task.resources.is_empty() {
            let names: Vec<&str> = claimed.task.resources.iter().map(|name| name.as_str()).collect();
            variables.push(("OARLOCK_RESOURCES", names.join(",").into()));
        }
        let mut command = choice.command.clone();
        if let Some(entered) = place {
            variables.extend([("OARLOCK_WORKTREE", entered.top.clone().into()), ("OARLOCK_BRANCH", entered.branch.clone().into())]);
            variables.push(("PWD", entered.dir.clone().into()));
            // A program that is named by a path is found from where the worker was started.
            if let Some(program) = command.first_mut().filter(|program| Path::new(program).components().count() > 1) {
                *program = self.directory.path().join(&*program).into_os_string();
            }
        }
        let notes = place.map(|entered| entered.notes.clone()).unwrap_or_default();
        let input = attempt::markdown(&claimed.task, &notes);
        // What would lead git elsewhere: a hook of git that started the worker has set it.
        let removed = place.map(|_| REPOSITORY_VARIABLES.map(OsString::from).to_vec()).unwrap_or_default();
        let dir = place.map(|entered| entered.dir.as_path());
        let start = Start { command: &command, variables, removed, dir, input, profile: choice.profile };
        Running::start(start, self.scope, self.tell).map_err(|error| cannot_start(&choice.command, &error))
    }
}

/// The remains of a program that has ended. From a known client the result is its answer, not its stream.
fn finished((status, printed): (ExitStatus, Printed), observed: &Observed, lingered: bool) -> Finished {
    let (output, errors) = printed.into_texts();
    let Some(words) = observed.words() else { return Finished { status, output, errors, fault: None, lingered } };
    let asked = (!words.questions.is_empty()).then(|| format!("it asked, and nobody could answer: {}", words.questions.join("; ")));
    let fault = words.error.map(|error| [Some(error), asked].into_iter().flatten().collect::<Vec<_>>().join("; "));
    // One that was stopped because it did not end has at least to have said that it succeeded.
    let lingered = lingered && fault.is_none();
    Finished { status, output: words.result.unwrap_or(output), errors, fault, lingered }
}

/// The name of a command's program, for people.
fn program_of(command: &[OsString]) -> String {
    command.first().map(|program| shown(&program.to_string_lossy())).unwrap_or_default()
}

fn cannot_start(command: &[OsString], error: &std::io::Error) -> OpError {
    Rejection::invalid(
        format!("\"{}\" cannot be started: {error}", program_of(command)),
        "name a program that is there and may be run; the task was given back",
    )
    .into()
}

#[cfg(test)]
mod tests;

//! The workers of a run: processes of their own, each in a slot with a name. A worker that dies is replaced; one that says that
//! it cannot work is not.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, Read};
use std::path::PathBuf;
use std::process::{ChildStderr, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Scope;
use std::time::{Duration, Instant};

use oarlock_host::notifier::Listener;
use oarlock_host::process::ProcessId;
use oarlock_host::process::guard::{self, Guarded};
use oarlock_model::{AgentName, ErrorCode, TaskId, limits};
use oarlock_ops::OpError;
use oarlock_ops::store::Store;

use crate::capture::Lines;
use crate::child::{TERM_GRACE, ending};
use crate::launch::{Run, WorkerProgram};
use crate::orders::Order;
use crate::profile::Profile;
use crate::progress::Tell;
use crate::signals::Signals;
use crate::worker::GONE_GRACE;
use crate::worker_names::{self, NameLock};

/// How often the worker of one slot is replaced.
const REPLACEMENTS_MAX: u32 = 3;
/// How long a worker may take to stop its program and to leave, beyond what it gives its program.
pub(crate) const LEAVE_GRACE: Duration = Duration::from_secs(5);
/// How shells say that a program cannot be run, or is not there.
const UNSTARTABLE: [i32; 2] = [126, 127];
/// Characters of a name that come from the task.
const NAME_CHARS_MAX: usize = 48;
/// The last lines of a worker that are remembered, to say why it ended.
const LAST_LINES: usize = 3;

/// Every worker of a run.
pub(crate) struct Pool<'scope, 'env> {
    pub(crate) scope: &'scope Scope<'scope, 'env>,
    pub(crate) tell: &'env dyn Tell,
    pub(crate) program: &'env WorkerProgram,
    pub(crate) run: &'env Run,
    pub(crate) task: TaskId,
    /// The branch that parts begin at, when workers have worktrees.
    pub(crate) onto: Option<String>,
    pub(crate) url: OsString,
    /// The directory of the store.
    pub(crate) store_dir: PathBuf,
    /// The names that no other run takes.
    pub(crate) names: Vec<NameLock>,
    pub(crate) slots: Vec<Slot>,
    /// Those that end are not replaced any more.
    pub(crate) is_closing: bool,
}

/// One place for a worker.
#[derive(Debug)]
pub(crate) struct Slot {
    /// The agent's name.
    pub(crate) name: AgentName,
    /// Its name in printed lines.
    pub(crate) label: String,
    worker: Option<Worker>,
    replacements: u32,
    /// Whether its worker was ordered to leave: the slot is for another one when there is more work.
    is_leaving: bool,
    /// Why nobody is there any more.
    exit_reason: Option<String>,
}

#[derive(Debug)]
struct Worker {
    /// It ends, with what it has started, if we are killed.
    guarded: Guarded,
    process: Option<String>,
    /// Where it hears what the run orders.
    orders: Option<ChildStdin>,
    last_lines: Arc<Mutex<VecDeque<String>>>,
}

/// The meaning of a worker's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It died, or could not go on for now.
    Replace,
    /// Its name was taken: another worker with another name.
    Rename,
    /// It said that it cannot work, or was asked to end.
    Final,
}

/// Judges by the exit codes of the contract.
fn verdict(status: ExitStatus) -> Verdict {
    use ErrorCode::{AlreadyExists, DataDamaged, Denied, Interrupted, LimitReached, NotFound, NothingReady, Usage};
    let Some(exit) = status.code() else { return Verdict::Replace };
    let is = |code: &ErrorCode| i32::from(code.exit()) == exit;
    if is(&AlreadyExists) {
        return Verdict::Rename;
    }
    let can_never = [Usage, NotFound, LimitReached, NothingReady, Denied, DataDamaged, Interrupted];
    // Its session, its store or a bug: another may fare better.
    if exit == 0 || UNSTARTABLE.contains(&exit) || can_never.iter().any(is) { Verdict::Final } else { Verdict::Replace }
}

/// The name of worker number `number` of a task, and what lines call it.
fn name_of(task: &TaskId, number: usize) -> Option<(AgentName, String)> {
    let head: String = task.as_str().chars().take(NAME_CHARS_MAX).collect();
    let label = format!("w{number}");
    AgentName::parse(&format!("{}-{label}", head.trim_end_matches(['-', '.', '_']))).ok().map(|name| (name, label))
}

impl Pool<'_, '_> {
    /// Starts `count` workers.
    ///
    /// # Errors
    /// The program cannot be started, and store errors; those that were started are ended when the pool is dropped.
    pub(crate) fn start(&mut self, store: &mut dyn Store, count: usize) -> Result<(), OpError> {
        for _ in 0..count {
            let (name, label) = self.free_name(store)?;
            let failed = |error| OpError::Internal(format!("failed to start a worker with {}: {error}", self.program.program.display()));
            let worker = self.start_worker(&name, &label).map_err(failed)?;
            self.slots.push(Slot { name, label, worker: Some(worker), replacements: 0, is_leaving: false, exit_reason: None });
        }
        Ok(())
    }

    /// The names of all workers, those that have ended included.
    pub(crate) fn names(&self) -> Vec<AgentName> {
        self.slots.iter().map(|slot| slot.name.clone()).collect()
    }

    /// The names of those that live.
    pub(crate) fn living(&self) -> impl Iterator<Item = &AgentName> {
        self.slots.iter().filter(|slot| slot.worker.is_some()).map(|slot| &slot.name)
    }

    /// The identities of those that live.
    pub(crate) fn processes(&self) -> Vec<String> {
        self.slots.iter().filter_map(|slot| slot.worker.as_ref()?.process.clone()).collect()
    }

    /// Why the slots are empty that are.
    pub(crate) fn exit_reasons(&self) -> Vec<String> {
        self.slots.iter().filter_map(|slot| Some(format!("{}: {}", slot.label, slot.exit_reason.as_ref()?))).collect()
    }

    /// Collects those that have ended and replaces them where that makes sense. The names that are new.
    ///
    /// # Errors
    /// Store errors.
    pub(crate) fn reap(&mut self, store: &mut dyn Store) -> Result<Vec<(AgentName, String)>, OpError> {
        let mut renamed = Vec::new();
        for index in 0..self.slots.len() {
            let Some(status) = collect_if_ended(&mut self.slots[index]) else { continue };
            let replaceable = self.slots[index].replacements < REPLACEMENTS_MAX;
            let verdict = verdict(status);
            let label = self.slots[index].label.clone();
            let why = self.slots[index].exit_reason.clone().unwrap_or_default();
            if self.slots[index].is_leaving && status.success() {
                continue;
            }
            if self.is_closing || verdict == Verdict::Final || !replaceable {
                // One that was ordered to leave has nothing to say.
                if !(self.is_closing && status.success()) {
                    self.tell.line(&format!("{label} has ended ({why})"));
                }
                continue;
            }
            if verdict == Verdict::Rename {
                let (name, label) = self.free_name(store)?;
                self.slots[index].name = name.clone();
                self.slots[index].label.clone_from(&label);
                renamed.push((name, label));
            }
            self.tell.line(&format!("{label} ended ({why}); another takes its place"));
            self.replace(index);
        }
        Ok(renamed)
    }

    fn replace(&mut self, index: usize) {
        let (name, label) = (self.slots[index].name.clone(), self.slots[index].label.clone());
        let started = self.start_worker(&name, &label);
        let slot = &mut self.slots[index];
        slot.replacements += 1;
        slot.is_leaving = false;
        match started {
            Ok(worker) => (slot.worker, slot.exit_reason) = (Some(worker), None),
            Err(error) => slot.exit_reason = Some(format!("it could not be replaced: {error}")),
        }
    }

    /// The workers that have not been ordered to leave.
    pub(crate) fn staying(&self) -> impl Iterator<Item = &AgentName> {
        self.slots.iter().filter(|slot| slot.worker.is_some() && !slot.is_leaving).map(|slot| &slot.name)
    }

    /// Starts `count` more workers, first in the places of those that have left. The names that are new.
    ///
    /// # Errors
    /// As [`Pool::start`].
    pub(crate) fn grow(&mut self, store: &mut dyn Store, count: usize) -> Result<Vec<(AgentName, String)>, OpError> {
        let left: Vec<usize> =
            (0..self.slots.len()).filter(|index| self.slots[*index].is_leaving && self.slots[*index].worker.is_none()).collect();
        let again = left.into_iter().take(count).collect::<Vec<_>>();
        for index in &again {
            self.replace(*index);
            self.slots[*index].replacements = 0;
        }
        let before = self.slots.len();
        self.start(store, count - again.len())?;
        Ok(self.slots[before..].iter().map(|slot| (slot.name.clone(), slot.label.clone())).collect())
    }

    /// Orders these workers to leave when they have nothing to do.
    pub(crate) fn shrink(&mut self, names: &[AgentName]) {
        for slot in self.slots.iter_mut().filter(|slot| names.contains(&slot.name)) {
            if let Some(orders) = slot.worker.as_mut().and_then(|worker| worker.orders.as_mut()) {
                Order::Leave.write(orders);
                slot.is_leaving = true;
            }
        }
    }

    /// Orders all workers to do something.
    pub(crate) fn order(&mut self, order: &Order) {
        let workers = self.slots.iter_mut().filter_map(|slot| slot.worker.as_mut());
        workers.filter_map(|worker| worker.orders.as_mut()).for_each(|orders| order.write(orders));
    }

    /// Asks all to end: they stop their programs and leave.
    pub(crate) fn terminate(&mut self) {
        for worker in self.slots.iter_mut().filter_map(|slot| slot.worker.as_mut()) {
            // Only the worker itself: it ends its program, and says what becomes of the task.
            worker.guarded.terminate_group();
        }
    }

    /// Waits until all have ended by themselves, at most as long as a worker needs for that; a signal ends the wait.
    pub(crate) fn linger(&mut self, signals: &Signals) {
        let mut listener = Listener::deaf();
        let until = Instant::now() + GONE_GRACE + TERM_GRACE;
        loop {
            for slot in &mut self.slots {
                collect_if_ended(slot);
            }
            let left = until.saturating_duration_since(Instant::now());
            if self.living().next().is_none() || left.is_zero() || signals.taken() {
                return;
            }
            self.wait(&mut listener, left);
        }
    }

    /// Asks all to end and waits until they have; a further signal makes them hurry, and anyone who is too slow is killed.
    pub(crate) fn dismiss(&mut self, signals: &Signals) {
        self.terminate();
        let mut listener = Listener::deaf();
        let mut until = Instant::now() + TERM_GRACE + LEAVE_GRACE;
        loop {
            for slot in &mut self.slots {
                collect_if_ended(slot);
            }
            if self.living().next().is_none() {
                return;
            }
            if signals.taken() {
                self.terminate();
                until = until.min(Instant::now() + LEAVE_GRACE);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                self.kill();
                return;
            }
            self.wait(&mut listener, left);
        }
    }

    fn wait(&self, listener: &mut Listener, left: Duration) {
        let processes: Vec<ProcessId> = self.processes().iter().filter_map(|text| ProcessId::parse(text).ok()).collect();
        // A signal ends the wait as well; not being able to wait only makes the loop look more often.
        let _ = listener.wait(Some(left.min(Duration::from_millis(500))), &processes);
    }

    fn kill(&mut self) {
        for slot in &mut self.slots {
            drop(slot.worker.take());
        }
    }

    /// A name that no live session has, no other slot and no other run.
    fn free_name(&mut self, store: &mut dyn Store) -> Result<(AgentName, String), OpError> {
        let view = store.snapshot()?;
        for number in 1..=limits::RUN_AGENTS_MAX * 64 {
            let Some((name, label)) = name_of(&self.task, number) else { break };
            let is_used = self.slots.iter().any(|slot| slot.name == name);
            if !is_used
                && view.agent(&name)?.is_none_or(|agent| !agent.is_live())
                && let Some(lock) = worker_names::take(&self.store_dir, &name)
            {
                self.names.push(lock);
                return Ok((name, label));
            }
        }
        Err(OpError::Internal(format!("no free name for a worker on {}", self.task)))
    }

    fn start_worker(&self, name: &AgentName, label: &str) -> io::Result<Worker> {
        let mut command = Command::new(&self.program.program);
        command.args(&self.program.args).arg("work").arg("--as").arg(name.as_str()).arg("--subtree").arg(self.task.as_str());
        command.arg("--ordered");
        if !self.run.can.is_empty() {
            let can: Vec<&str> = self.run.can.iter().map(|label| label.as_str()).collect();
            command.arg("--can").arg(can.join(","));
        }
        if let Some(ttl) = self.run.ttl {
            command.arg("--ttl").arg(ttl.to_string());
        }
        if self.run.profile != Profile::Auto {
            command.arg("--profile").arg(self.run.profile.as_str());
        }
        if let Some(stuck_after) = self.run.stuck_after {
            command.arg("--stuck-after").arg(stuck_after.to_string());
        }
        if let Some(onto) = &self.onto {
            command.arg("--worktree").arg("--onto").arg(onto);
        }
        command.arg("--").args(&self.run.command);
        // Anyone who called us may be an agent itself; its workers are others.
        for variable in ["OARLOCK_AGENT", "OARLOCK_SESSION", "OARLOCK_TASK", "OARLOCK_TOKEN"] {
            command.env_remove(variable);
        }
        command.env("OARLOCK_STORE", &self.url);
        // In a group of its own, so that an interrupt from the keyboard reaches it through us, once.
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut guarded = guard::spawn(command)?;
        let process = ProcessId::of(guarded.id()).ok().flatten().map(|process| process.to_text());
        let last_lines = Arc::<Mutex<VecDeque<String>>>::default();
        let (orders, _, stderr) = guarded.streams();
        if let Some(stderr) = stderr {
            let (tell, label, last_lines) = (self.tell, label.to_owned(), Arc::clone(&last_lines));
            self.scope.spawn(move || pass_on(stderr, &label, tell, &last_lines));
        }
        Ok(Worker { guarded, process, orders, last_lines })
    }
}

impl Drop for Pool<'_, '_> {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The status of a worker that has ended; the slot remembers why.
fn collect_if_ended(slot: &mut Slot) -> Option<ExitStatus> {
    let worker = slot.worker.take_if(|worker| worker.guarded.has_ended())?;
    let status = worker.guarded.collect().ok()?;
    let said = worker.last_lines.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect::<Vec<_>>().join(" / ");
    slot.exit_reason =
        Some(if said.is_empty() || status.code().is_none() { ending(status) } else { format!("{}: {said}", ending(status)) });
    Some(status)
}

/// Passes a worker's standard error on until it is closed.
fn pass_on(mut stderr: ChildStderr, label: &str, tell: &dyn Tell, last_lines: &Mutex<VecDeque<String>>) {
    let mut lines = Lines::default();
    let mut on_line = |line: &str| {
        if !line.trim().is_empty() {
            let mut last = last_lines.lock().unwrap_or_else(PoisonError::into_inner);
            if last.len() == LAST_LINES {
                last.pop_front();
            }
            last.push_back(line.chars().take(limits::TITLE_CHARS_MAX).collect());
        }
        tell.output(label, line);
    };
    let mut chunk = [0; 8 * 1_024];
    loop {
        match stderr.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => lines.push(&chunk[..read], &mut on_line),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    lines.finish(&mut on_line);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    #[test]
    fn names_come_from_the_task_and_fit() {
        let (name, label) = name_of(&"notes".parse().expect("an id"), 2).expect("it fits");
        assert_eq!((name.as_str(), label.as_str()), ("notes-w2", "w2"));
        let long: TaskId = format!("{}-{}", "a".repeat(47), "b".repeat(16)).parse().expect("an id");
        let (name, _) = name_of(&long, 16_384).expect("it fits");
        assert_eq!(name.as_str(), format!("{}-w16384", "a".repeat(47)));
    }

    #[test]
    fn the_dead_are_replaced_and_those_that_gave_up_are_not() {
        assert_eq!(verdict(ExitStatus::from_raw(9)), Verdict::Replace);
        for code in [1, 5, 7, 70] {
            assert_eq!(verdict(ExitStatus::from_raw(code << 8)), Verdict::Replace, "{code}");
        }
        assert_eq!(verdict(ExitStatus::from_raw(4 << 8)), Verdict::Rename);
        for code in [0, 2, 3, 6, 8, 9, 65, 126, 127, 130] {
            assert_eq!(verdict(ExitStatus::from_raw(code << 8)), Verdict::Final, "{code}");
        }
    }
}

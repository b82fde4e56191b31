//! The landing queue of a run: its parts land on one branch while its workers go on.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{Scope, ScopedJoinHandle};

use oarlock_model::landing::BranchName;
use oarlock_model::task::Gate;
use oarlock_model::{Rejection, TaskId};
use oarlock_ops::OpError;
use oarlock_ops::call;
use oarlock_ops::caller::Caller;
use oarlock_ops::settings::Settings;
use oarlock_ops::store::Store;
use oarlock_ops::task::{TaskFields, Update};

use crate::Stores;
use crate::landing::{Merge, MergeEnd, merge_until};
use crate::launch::RunLanding;
use crate::progress::{Progress, Tell};
use crate::signals::Signals;
use crate::tree;

/// The branch that the parts of a task land on when none is named: `oarlock/run/PARENT`.
///
/// # Errors
/// `invalid_request`: the id cannot be a part of a branch's name.
pub(super) fn branch_of(task: &TaskId) -> Result<BranchName, OpError> {
    Ok(BranchName::parse(&format!("{}run/{task}", oarlock_git::BRANCHES))?)
}

/// Gives the gate `merge` to every part that has no gate, or to the task itself if it has no parts.
///
/// # Errors
/// Store errors.
pub(super) fn gate(store: &mut dyn Store, caller: &Caller, settings: &Settings, task: &TaskId, onto: &BranchName) -> Result<(), OpError> {
    let mut wanted = Vec::new();
    {
        let view = store.snapshot()?;
        for id in tree::tasks_of(&*view, task)? {
            let Some(found) = view.task(&id)? else { continue };
            let is_gated = match found.spec.gate {
                Some(Gate::Merge) => found.spec.onto.is_some(),
                Some(Gate::Human) => true,
                None => false,
            };
            // An integrated task has nothing to land.
            if !found.state.is_finished() && !is_gated && !found.auto_finish && view.children(&id)?.is_empty() {
                wanted.push(id);
            }
        }
    }
    for id in wanted {
        let fields = TaskFields { gate: Some(Gate::Merge), onto: Some(onto.clone()), ..TaskFields::default() };
        match call::mutate(store, caller, settings, &Update { id, title: None, fields, needs: None, clear: Vec::new() }) {
            // It was finished or submitted a moment ago.
            Ok(_) | Err(OpError::Rejected(Rejection::StateConflict { .. })) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A queue at work.
pub(super) struct Queue<'scope> {
    signals: Arc<Signals>,
    thread: ScopedJoinHandle<'scope, Result<MergeEnd, OpError>>,
}

impl<'scope> Queue<'scope> {
    /// Starts it.
    pub(super) fn start<'env>(
        scope: &'scope Scope<'scope, 'env>,
        stores: &'env dyn Stores,
        settings: &'env Settings,
        merge: Merge,
        tell: &'env dyn Tell,
    ) -> Self {
        let signals = Arc::<Signals>::default();
        let own = Arc::clone(&signals);
        let thread = scope.spawn(move || merge_until(&own, stores, settings, &merge, &mut Relay(tell)));
        Self { signals, thread }
    }

    /// Whether it has ended by itself, which it does only when it cannot go on.
    pub(super) fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Ends it: what it has done, and why it ended before that, if it did.
    pub(super) fn stop(self) -> Result<MergeEnd, OpError> {
        self.signals.raise();
        self.thread.join().unwrap_or_else(|_| Err(OpError::Internal("the landing queue has ended".into())))
    }
}

/// The queue's request of a run that lands.
pub(super) fn request(landing: &RunLanding, onto: BranchName, directory: PathBuf) -> Merge {
    let RunLanding { test, test_timeout, slots } = landing.clone();
    Merge { onto: Some(onto), test, test_timeout, slots, once: false, caller: Caller::default(), directory }
}

/// Passes on what the queue says.
struct Relay<'a>(&'a dyn Tell);

impl Progress for Relay<'_> {
    fn line(&mut self, line: &str) {
        self.0.line(line);
    }

    fn warning(&mut self, line: &str) {
        self.0.warning(line);
    }

    fn output(&mut self, source: &str, line: &str) {
        self.0.output(source, line);
    }
}

//! From what the user named to a task that workers can claim from: split it, add it, or go on with it.

use oarlock_model::task::TaskState;
use oarlock_model::{Rejection, TaskId};
use oarlock_ops::OpError;
use oarlock_ops::call::{self, Caller};
use oarlock_ops::request::Mutation;
use oarlock_ops::settings::Settings;
use oarlock_ops::store::Store;
use oarlock_ops::task::Split;

use crate::progress::Tell;
use crate::run::Target;

/// A task that workers can claim, or claim from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Prepared {
    /// The parent.
    pub(crate) task: TaskId,
    /// Whether it has parts; without, it is work for one.
    pub(crate) has_parts: bool,
}

/// Who prepares: the store, on whose behalf, and for how many agents.
pub(crate) struct Preparing<'a> {
    pub(crate) store: &'a mut dyn Store,
    pub(crate) caller: &'a Caller,
    pub(crate) settings: &'a Settings,
    pub(crate) agents: usize,
    pub(crate) tell: &'a dyn Tell,
}

impl Preparing<'_> {
    /// Makes the target ready to be worked on.
    ///
    /// # Errors
    /// `already_exists` or `state_conflict` when it is finished, `not_found`, `invalid_request` for an empty document, and those of
    /// splitting and adding.
    pub(crate) fn prepare(&mut self, target: &Target) -> Result<Prepared, OpError> {
        match target {
            Target::File { path, document } => self.prepare_file(path, document),
            Target::Task(id) => match self.state_of(id)? {
                Some(state) if state.is_finished() => {
                    Err(Rejection::StateConflict { verb: "run", task: id.clone(), state, why: None }.into())
                }
                Some(state) => self.go_on(id, state, None),
                None => Err(Rejection::not_found("task", id).into()),
            },
        }
    }

    fn prepare_file(&mut self, path: &str, document: &str) -> Result<Prepared, OpError> {
        let split = self.split_of(path, Some(document));
        let id = split.file_id()?;
        if let Some(state) = self.state_of(&id)? {
            return self.go_on_with_file(&id, state, document);
        }
        if document.trim().is_empty() {
            return Err(Rejection::invalid(format!("{} is empty", oarlock_model::ident::shown(path)), "write the task into it").into());
        }
        match self.order(&Split { or_whole: true, ..split }) {
            Ok(reply) if reply.plan.parallelizable => {
                self.tell.line(&format!("{id} is split into {} parts", reply.created.len()));
                Ok(Prepared { task: id, has_parts: true })
            }
            Ok(reply) => {
                self.tell.line(&format!("{id} is work for one agent: {}", reply.plan.reason.unwrap_or_default()));
                Ok(Prepared { task: id, has_parts: false })
            }
            // Somebody else was a moment faster with the same file.
            Err(error @ OpError::Rejected(Rejection::AlreadyExists { .. })) => match self.state_of(&id)? {
                Some(state) => self.go_on_with_file(&id, state, document),
                None => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    fn go_on_with_file(&mut self, id: &TaskId, state: TaskState, document: &str) -> Result<Prepared, OpError> {
        if !state.is_finished() {
            return self.go_on(id, state, Some(document));
        }
        let hint = match state {
            TaskState::Done => "`oarlock task` with this id shows what came of it; give the file another name to do it again",
            _ => "`oarlock task` with this id shows why, `oarlock requeue` brings it back",
        };
        Err(Rejection::AlreadyExists { noun: "task", id: id.to_string(), detail: Some(format!("it is {state}")), hint }.into())
    }

    /// An unfinished task: with its parts, or split now if it can be, or as it is.
    fn go_on(&mut self, id: &TaskId, state: TaskState, document: Option<&str>) -> Result<Prepared, OpError> {
        let (body, parts, done) = {
            let view = self.store.snapshot()?;
            let parts = view.children(id)?;
            let mut done = 0;
            for part in &parts {
                done += usize::from(view.task_state(part)? == Some(TaskState::Done));
            }
            (view.task(id)?.map(|task| task.spec.body).unwrap_or_default(), parts.len(), done)
        };
        if document.is_some_and(|document| document != body) {
            self.tell.line(&format!("the file has changed since {id} was made from it; the task stays as it was"));
        }
        if parts > 0 {
            self.tell.line(&format!("going on with {id}: {done} of {parts} parts are done"));
            return Ok(Prepared { task: id.clone(), has_parts: true });
        }
        let may_be_split = matches!(state, TaskState::Ready | TaskState::Blocked) && !body.trim().is_empty();
        let reason = if may_be_split { self.split_task(id)? } else { Some(format!("it is {state}")) };
        match &reason {
            Some(reason) => self.tell.line(&format!("{id} is worked on in one piece: {reason}")),
            None => self.tell.line(&format!("{id} is split into parts")),
        }
        Ok(Prepared { task: id.clone(), has_parts: reason.is_none() })
    }

    /// Splits a task; why not, when it stays whole.
    fn split_task(&mut self, id: &TaskId) -> Result<Option<String>, OpError> {
        match self.order(&self.split_of(id.as_str(), None)) {
            Ok(reply) if reply.plan.parallelizable => Ok(None),
            Ok(reply) => Ok(Some(reply.plan.reason.unwrap_or_default())),
            Err(OpError::Rejected(rejection)) => Ok(Some(rejection.to_string())),
            Err(error) => Err(error),
        }
    }

    fn split_of(&self, id: &str, document: Option<&str>) -> Split {
        Split { id: id.to_owned(), agents: Some(self.agents), auto_finish: true, document: document.map(str::to_owned), ..Split::default() }
    }

    fn order<M: Mutation>(&mut self, request: &M) -> Result<M::Reply, OpError> {
        call::mutate(self.store, self.caller, self.settings, request)
    }

    fn state_of(&mut self, id: &TaskId) -> Result<Option<TaskState>, OpError> {
        Ok(self.store.snapshot()?.task_state(id)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stores;
    use crate::testing::{Heard, TestStores, task_id};
    use oarlock_ops::task::{Add, Cancel};

    const TWO_PARTS: &str = "# Two parts\n\n## Approach\n\n1. Create `src/alpha.rs` (30 minutes)\n2. Create `src/beta.rs` (30 minutes)\n";
    const ONE_STEP: &str = "# TASK-7: One \u{202e}step\n\n1. Write the parser in `src/parser.rs`\n";

    fn prepare(stores: &TestStores, target: Target) -> (Result<Prepared, OpError>, Vec<String>) {
        let mut store = stores.open().expect("it opens");
        let (heard, settings, caller) = (Heard::default(), Settings::default(), Caller::default());
        let prepared = Preparing { store: &mut *store, caller: &caller, settings: &settings, agents: 2, tell: &heard }.prepare(&target);
        (prepared, heard.lines())
    }

    fn file(document: &str) -> Target {
        Target::File { path: "docs/demo.md".into(), document: document.into() }
    }

    #[test]
    fn a_file_is_split_once_and_then_gone_on_with() {
        let stores = TestStores::new();
        let want = Prepared { task: task_id("demo"), has_parts: true };
        let (prepared, lines) = prepare(&stores, file(TWO_PARTS));
        assert_eq!(prepared.as_ref(), Ok(&want));
        assert_eq!(lines, ["demo is split into 2 parts"]);
        let (prepared, lines) = prepare(&stores, file(TWO_PARTS));
        assert_eq!(prepared.as_ref(), Ok(&want));
        assert_eq!(lines, ["going on with demo: 0 of 2 parts are done"]);
        let (_, lines) = prepare(&stores, file("# Other\n"));
        assert!(lines[0].starts_with("the file has changed"), "{lines:?}");
    }

    #[test]
    fn a_finished_file_is_refused() {
        let stores = TestStores::new();
        prepare(&stores, file(TWO_PARTS)).0.expect("it is new");
        stores.order(&Cancel { id: task_id("demo") });
        assert_eq!(prepare(&stores, file(TWO_PARTS)).0.expect_err("finished").code().code, "already_exists");
        assert_eq!(prepare(&stores, Target::Task(task_id("demo"))).0.expect_err("finished").code().code, "state_conflict");
        assert_eq!(prepare(&stores, Target::Task(task_id("none"))).0.expect_err("missing").code().code, "not_found");
    }

    #[test]
    fn what_cannot_be_split_is_one_task_with_the_whole_text() {
        let stores = TestStores::new();
        let (prepared, _) = prepare(&stores, file(ONE_STEP));
        assert_eq!(prepared, Ok(Prepared { task: task_id("demo"), has_parts: false }));
        let task = stores.task("demo");
        assert_eq!((task.title.as_str(), task.body.as_str()), ("One step", ONE_STEP));
        let (prepared, lines) = prepare(&stores, Target::Task(task_id("demo")));
        assert_eq!(prepared, Ok(Prepared { task: task_id("demo"), has_parts: false }));
        assert!(lines[0].starts_with("demo is worked on in one piece: there is only one step"), "{lines:?}");
        assert_eq!(
            prepare(&stores, Target::File { path: "x.md".into(), document: " \n".into() }).0.expect_err("empty").code().code,
            "invalid_request"
        );
    }

    #[test]
    fn a_document_that_is_longer_than_a_body_may_be_is_one_task_too() {
        let stores = TestStores::new();
        let long = format!("{ONE_STEP}\n{}\n", "Words that say nothing.\n".repeat(oarlock_model::limits::BODY_BYTES_MAX / 20));
        assert!(long.len() > oarlock_model::limits::BODY_BYTES_MAX);
        assert_eq!(prepare(&stores, file(&long)).0, Ok(Prepared { task: task_id("demo"), has_parts: false }));
        assert_eq!(stores.task("demo").body.len(), long.len());
    }

    #[test]
    fn a_task_is_split_when_it_can_be() {
        let stores = TestStores::new();
        let mut add = Add { title: "Two".into(), id: Some(task_id("T-9")), ..Add::default() };
        add.fields.body = Some(TWO_PARTS.into());
        stores.order(&add);
        assert_eq!(prepare(&stores, Target::Task(task_id("T-9"))).0, Ok(Prepared { task: task_id("T-9"), has_parts: true }));
    }
}

//! From what the user named to a task that workers can claim from: split it, add it, or go on with it.

use oarlock_model::ident::shown;
use oarlock_model::rules::transition::{MaySplit, may_split};
use oarlock_model::task::TaskState;
use oarlock_model::{Rejection, TaskId};
use oarlock_ops::OpError;
use oarlock_ops::call;
use oarlock_ops::request::Mutation;
use oarlock_ops::settings::Settings;
use oarlock_ops::store::Store;
use oarlock_ops::task::document::{Document, Found};
use oarlock_ops::task::{Plan, Split, SplitOrKeep, SplitReply};

use crate::launch::{Planning, Run, Target};
use crate::planning::Asking;
use crate::progress::Tell;
use crate::signals::Signals;

/// The most agents that a plan advises.
const ADVISED_AGENTS_MAX: usize = 8;

/// A task that workers can claim, or claim from.
#[derive(Debug, PartialEq)]
pub(crate) struct Prepared {
    /// The parent.
    pub(crate) task: TaskId,
    /// Whether it has parts; without, it is work for one.
    pub(crate) has_parts: bool,
    /// How many workers it is for, if it has parts.
    pub(crate) agents: usize,
    /// Why nothing can be begun, if so: the task is finished, or is not that of the document.
    pub(crate) refusal: Option<OpError>,
}

impl Prepared {
    fn of(task: TaskId, has_parts: bool, agents: usize) -> Self {
        Self { task, has_parts, agents, refusal: None }
    }

    fn refused(task: TaskId, rejection: Rejection) -> Self {
        Self { task, has_parts: false, agents: 0, refusal: Some(rejection.into()) }
    }
}

/// The thing to prepare, and its settings.
pub(crate) struct Preparing<'a> {
    pub(crate) store: &'a mut dyn Store,
    pub(crate) run: &'a Run,
    pub(crate) settings: &'a Settings,
    /// An agent that plans takes its time.
    pub(crate) signals: &'a Signals,
    pub(crate) tell: &'a dyn Tell,
}

impl Preparing<'_> {
    /// Makes the target ready to be worked on.
    ///
    /// # Errors
    /// `interrupted` while an agent planned; `not_found`, `invalid_request` for an empty document, and those of splitting and adding. A task that
    /// is finished, or that was made from something else, is [`Prepared::refusal`].
    pub(crate) fn prepare(&mut self) -> Result<Prepared, OpError> {
        match &self.run.target {
            Target::File { path, document, file, id } => {
                let document = Document { name: path, file: file.as_deref(), text: document };
                self.prepare_file(&document, id.as_ref())
            }
            Target::Task(id) => match self.state_of(id)? {
                Some(state) if state.is_finished() => {
                    Ok(Prepared::refused(id.clone(), Rejection::StateConflict { verb: "run", task: id.clone(), state, why: None }))
                }
                Some(state) => self.go_on(id, state),
                None => Err(Rejection::not_found("task", id).into()),
            },
        }
    }

    fn prepare_file(&mut self, document: &Document<'_>, id: Option<&TaskId>) -> Result<Prepared, OpError> {
        if document.text.trim_start_matches('\u{feff}').trim().is_empty() {
            return Err(Rejection::invalid(format!("{} is empty", shown(document.name)), "write the task into it").into());
        }
        if let Some(prepared) = self.go_on_with_file(document, id)? {
            return Ok(prepared);
        }
        let mut split = Split {
            id: document.name.to_owned(),
            new_id: id.cloned(),
            document: Some(document.text.to_owned()),
            file: document.file.map(str::to_owned),
            ..self.split_of(document.name)
        };
        let agents = self.plan(&mut split, document.text)?;
        match self.order(&SplitOrKeep { split }) {
            Ok(reply) => {
                let task = TaskId::parse(&reply.plan.task)?;
                if reply.plan.parallelizable {
                    self.tell.line(&format!("{task} is split into {} parts", reply.created.len()));
                } else {
                    self.tell.line(&format!("{task} is work for one agent: {}", reply.plan.reason.unwrap_or_default()));
                }
                Ok(Prepared::of(task, reply.plan.parallelizable, if reply.plan.parallelizable { agents } else { 1 }))
            }
            // Somebody else was a moment faster with the same file.
            Err(error @ OpError::Rejected(Rejection::AlreadyExists { .. })) => self.go_on_with_file(document, id)?.ok_or(error),
            Err(error) => Err(error),
        }
    }

    /// Goes on with the task that the document has, if it has one.
    fn go_on_with_file(&mut self, document: &Document<'_>, id: Option<&TaskId>) -> Result<Option<Prepared>, OpError> {
        let found = document.find(&*self.store.snapshot()?, id)?;
        Ok(match found {
            Found::Nothing(_) => None,
            Found::Made(task) if task.state.is_finished() => {
                let refusal = document.was_made(&task);
                Some(Prepared::refused(task.id, refusal))
            }
            Found::Made(task) => Some(self.go_on(&task.id, task.state)?),
            Found::Other(task, difference) => {
                let refusal = document.is_not_of(&task, difference);
                Some(Prepared::refused(task.id, refusal))
            }
        })
    }

    /// An unfinished task: with its parts, or split now if it can be, or as it is.
    fn go_on(&mut self, id: &TaskId, state: TaskState) -> Result<Prepared, OpError> {
        let (body, parts, done) = {
            let view = self.store.snapshot()?;
            let parts = view.children(id)?;
            let mut done = 0;
            for part in &parts {
                done += usize::from(view.task_state(part)? == Some(TaskState::Done));
            }
            (view.task(id)?.map(|task| task.spec.body).unwrap_or_default(), parts.len(), done)
        };
        if parts > 0 {
            self.tell.line(&format!("going on with {id}: {done} of {parts} parts are done"));
            let agents = if self.run.is_auto { self.run.agents.min(parts - done).max(1) } else { self.run.agents };
            return Ok(Prepared::of(id.clone(), true, agents));
        }
        let is_free = may_split(state) == MaySplit::Anybody && !body.trim().is_empty();
        let split = if is_free { self.split_task(id, &body)? } else { Err(format!("it is {state}")) };
        match &split {
            Err(reason) => self.tell.line(&format!("{id} is worked on in one piece: {reason}")),
            Ok(_) => self.tell.line(&format!("{id} is split into parts")),
        }
        Ok(Prepared::of(id.clone(), split.is_ok(), split.unwrap_or(1)))
    }

    /// Splits a task, for this many workers; why not, when it stays whole.
    fn split_task(&mut self, id: &TaskId, body: &str) -> Result<Result<usize, String>, OpError> {
        let mut split = self.split_of(id.as_str());
        let agents = self.plan(&mut split, body)?;
        match self.order(&split) {
            Ok(reply) if reply.plan.parallelizable => Ok(Ok(agents)),
            Ok(reply) => Ok(Err(reply.plan.reason.unwrap_or_default())),
            Err(OpError::Rejected(rejection)) => Ok(Err(rejection.to_string())),
            Err(error) => Err(error),
        }
    }

    fn split_of(&self, id: &str) -> Split {
        Split { id: id.to_owned(), agents: Some(self.run.agents), floor: self.run.floor, auto_finish: true, ..Split::default() }
    }

    /// Has the agent plan, if one is to, and gives the number of workers that the split is for.
    fn plan(&mut self, split: &mut Split, document: &str) -> Result<usize, OpError> {
        if let Some(Planning { agent, local }) = &self.run.planning {
            self.tell.line(&format!("asking {} for a plan (--planner rules plans without it)", agent.name()));
            let asking = Asking { agent, settings: self.settings, local: &**local, signals: self.signals, tell: self.tell };
            if let Some(warning) = asking.plan(split, document)? {
                self.tell.warning(&warning);
            }
        }
        if !self.run.is_auto {
            return Ok(self.run.agents);
        }
        let asked = Split { agents: Some(ADVISED_AGENTS_MAX), dry_run: true, ..split.clone() };
        let agents = match self.order(&asked) {
            Ok(SplitReply { plan: Plan { parallelizable: true, advice: Some(advice), .. }, .. }) => {
                let why = advice.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
                self.tell.line(&format!("the plan is best for {} agents{why}", advice.agents));
                advice.agents
            }
            // Its faults show when it is split.
            Ok(_) | Err(OpError::Rejected(_)) => self.run.agents,
            Err(error) => return Err(error),
        };
        split.agents = Some(agents);
        Ok(agents)
    }

    fn order<M: Mutation>(&mut self, request: &M) -> Result<M::Reply, OpError> {
        call::mutate(self.store, &self.run.caller, self.settings, request)
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
    use oarlock_model::ErrorCode;
    use oarlock_ops::caller::Caller;
    use oarlock_ops::task::{Add, Cancel};

    const TWO_PARTS: &str = "# Two parts\n\n## Approach\n\n1. Create `src/alpha.rs` (30 minutes)\n2. Create `src/beta.rs` (30 minutes)\n";
    const ONE_STEP: &str = "# TASK-7: One \u{202e}step\n\n1. Write the parser in `src/parser.rs`\n";

    fn prepare(stores: &TestStores, target: Target) -> (Result<Prepared, OpError>, Vec<String>) {
        let mut store = stores.open().expect("it opens");
        let (heard, settings, signals) = (Heard::default(), Settings::default(), Signals::default());
        let run = Run {
            target,
            agents: 2,
            agents_min: None,
            is_auto: false,
            planning: None,
            floor: None,
            command: Vec::new(),
            can: Vec::new(),
            ttl: None,
            budget: Default::default(),
            handover: crate::HANDOVER_DEFAULT,
            profile: Default::default(),
            stuck_after: None,
            isolation: None,
            landing: None,
            caller: Caller::default(),
        };
        let prepared = Preparing { store: &mut *store, run: &run, settings: &settings, signals: &signals, tell: &heard }.prepare();
        (prepared, heard.lines())
    }

    /// The prepared form of a task in one piece, for any number of agents.
    fn whole(id: &str) -> Prepared {
        Prepared::of(task_id(id), false, 1)
    }

    fn named(path: &str, document: &str) -> Target {
        Target::File { path: path.into(), document: document.into(), file: Some(path.into()), id: None }
    }

    fn refused(stores: &TestStores, target: Target) -> OpError {
        prepare(stores, target).0.expect("something is there").refusal.expect("it is not to be worked on")
    }

    fn file(document: &str) -> Target {
        named("docs/demo.md", document)
    }

    #[test]
    fn a_file_is_split_once_and_then_gone_on_with() {
        let stores = TestStores::new();
        let want = Prepared::of(task_id("demo"), true, 2);
        let (prepared, lines) = prepare(&stores, file(TWO_PARTS));
        assert_eq!(prepared.as_ref(), Ok(&want));
        assert_eq!(lines, ["demo is split into 2 parts"]);
        let (prepared, lines) = prepare(&stores, file(TWO_PARTS));
        assert_eq!(prepared.as_ref(), Ok(&want));
        assert_eq!(lines, ["going on with demo: 0 of 2 parts are done"]);
        let (prepared, _) = prepare(&stores, file(&TWO_PARTS.replace("1. Create", "1. ✅ Create").replace('\n', "\r\n")));
        assert_eq!(prepared.as_ref(), Ok(&want), "the same but for its marks");
    }

    #[test]
    fn another_document_is_not_taken_for_that_of_a_task() {
        let stores = TestStores::new();
        prepare(&stores, file(TWO_PARTS)).0.expect("it is new");
        for (target, part) in [
            (file("# Other\n"), "was edited since demo was made from it: the task is \"Two parts\", the file \"Other\""),
            (named("b/demo.md", TWO_PARTS), "demo was made from docs/demo.md"),
        ] {
            let error = refused(&stores, target);
            assert_eq!(error.code(), ErrorCode::StateConflict);
            assert!(error.to_string().contains(part), "{error}");
        }
        stores.order(&Add { title: "buy milk".into(), id: Some(task_id("todo")), ..Add::default() });
        let error = refused(&stores, named("todo.md", TWO_PARTS));
        assert!(error.code() == ErrorCode::StateConflict && error.to_string().contains("\"buy milk\""), "{error}");
        // With an id of its own it is another task, and that is gone on with, by its id and without.
        let mut other = named("todo.md", TWO_PARTS);
        let Target::File { id, .. } = &mut other else { unreachable!("a file") };
        *id = Some(task_id("list"));
        for target in [other.clone(), other, named("todo.md", TWO_PARTS)] {
            assert_eq!(prepare(&stores, target).0, Ok(Prepared::of(task_id("list"), true, 2)));
        }
    }

    #[test]
    fn a_file_whose_name_gives_no_id_is_known_by_its_path() {
        let stores = TestStores::new();
        let made = prepare(&stores, named("план.md", TWO_PARTS)).0.expect("it is new");
        assert_eq!(made, Prepared::of(task_id("T-1"), true, 2));
        assert_eq!(prepare(&stores, named("план.md", TWO_PARTS)).0, Ok(made));
        assert_eq!(refused(&stores, named("план.md", "# Other\n")).code(), ErrorCode::StateConflict);
        let other = prepare(&stores, named("計画.md", "# Other\n\nDo it.\n")).0.expect("it is new");
        assert!(other.task != task_id("T-1"), "{other:?}");
    }

    #[test]
    fn a_finished_file_is_refused() {
        let stores = TestStores::new();
        prepare(&stores, file(TWO_PARTS)).0.expect("it is new");
        stores.order(&Cancel { id: task_id("demo"), drop: false });
        assert_eq!(refused(&stores, file(TWO_PARTS)).code(), ErrorCode::AlreadyExists);
        assert_eq!(refused(&stores, Target::Task(task_id("demo"))).code(), ErrorCode::StateConflict);
        assert_eq!(prepare(&stores, Target::Task(task_id("none"))).0.expect_err("missing").code(), ErrorCode::NotFound);
    }

    #[test]
    fn what_cannot_be_split_is_one_task_with_the_whole_text() {
        let stores = TestStores::new();
        let (prepared, _) = prepare(&stores, file(ONE_STEP));
        assert_eq!(prepared, Ok(whole("demo")));
        let task = stores.task("demo");
        assert_eq!((task.title.as_str(), task.body.as_str()), ("One step", ONE_STEP));
        let (prepared, lines) = prepare(&stores, Target::Task(task_id("demo")));
        assert_eq!(prepared, Ok(whole("demo")));
        assert!(lines[0].starts_with("demo is worked on in one piece: there is only one step"), "{lines:?}");
        assert_eq!(prepare(&stores, named("x.md", " \n")).0.expect_err("empty").code(), ErrorCode::InvalidRequest);
    }

    #[test]
    fn a_document_that_is_longer_than_a_body_may_be_is_one_task_too() {
        let stores = TestStores::new();
        let long = format!("{ONE_STEP}\n{}\n", "Words that say nothing.\n".repeat(oarlock_model::limits::BODY_BYTES_MAX / 20));
        assert!(long.len() > oarlock_model::limits::BODY_BYTES_MAX);
        assert_eq!(prepare(&stores, file(&long)).0, Ok(whole("demo")));
        assert_eq!(stores.task("demo").body.len(), long.len());
    }

    #[test]
    fn a_task_is_split_when_it_can_be() {
        let stores = TestStores::new();
        let mut add = Add { title: "Two".into(), id: Some(task_id("T-9")), ..Add::default() };
        add.fields.body = Some(TWO_PARTS.into());
        stores.order(&add);
        assert_eq!(prepare(&stores, Target::Task(task_id("T-9"))).0, Ok(Prepared::of(task_id("T-9"), true, 2)));
    }
}

//! `split --planner agent`: the plan is asked for here, where its command runs, and passed on as a given one.

use clap::ArgMatches;
use oarlock_client::{Backend, ThisMachine};
use oarlock_model::rules::transition::{MaySplit, may_split};
use oarlock_model::{ErrorCode, TaskId};
use oarlock_ops::OpError;
use oarlock_ops::caller::Caller;
use oarlock_ops::local::task_named;
use oarlock_ops::registry::{self, Call};
use oarlock_ops::reply::Reply;
use oarlock_ops::request::Request as _;
use oarlock_ops::settings::Settings;
use oarlock_ops::task::document::Document;
use oarlock_ops::task::{Planner, ShowTask, ShowTaskReply, Split, SplitReply};
use oarlock_run::{PlanningAgent, plan_split};

use super::output::Output;
use super::runner::Narrator;
use super::usage::parsed;

/// A split whose plan an agent is to make.
pub(super) struct ByAgent {
    split: Split,
    agent: PlanningAgent,
    /// Whether the agent was asked.
    pub(super) is_asked: bool,
    /// Why the rules have made it after all, or the doubts about it.
    warning: Option<String>,
}

impl ByAgent {
    /// The split that a command line asks for, if it is one with an agent's plan.
    pub(super) fn of(verb: &str, matches: &ArgMatches) -> Result<Option<Self>, OpError> {
        if verb != Split::VERB {
            return Ok(None);
        }
        let mut split: Split = parsed(matches)?;
        let Some(words) = split.with.take() else { return Ok(None) };
        if *split.planner.get_or_insert(Planner::Agent) != Planner::Agent {
            return Err(OpError::Usage {
                message: "--with is the command of an agent that plans".into(),
                hint: "leave --planner rules out, or --with".into(),
            });
        }
        split.localise(&mut ThisMachine)?;
        let agent = PlanningAgent::of_shell(&words, split.planner_timeout);
        Ok(Some(Self { split, agent, is_asked: false, warning: None }))
    }

    pub(super) fn has_no_project(&mut self) {
        self.split.has_no_project();
    }

    pub(super) fn needs_store(&self) -> bool {
        self.split.needs_store()
    }

    /// Asks for the plan of a file that needs no store; the call with it.
    pub(super) fn plan(&mut self, settings: &Settings, output: &Output) -> Result<Box<dyn Call>, OpError> {
        let document = self.split.document.clone().unwrap_or_default();
        self.ask(&document, settings, output)
    }

    /// Asks for the plan of a file, or of a task of this store; the call with it. An agent is not asked for a plan that will be refused.
    pub(super) fn plan_at(&mut self, backend: &mut Backend<'_>, caller: &Caller, output: &Output) -> Result<Box<dyn Call>, OpError> {
        let named = if self.split.document.is_none() || self.split.or_task { task_named(&self.split.id) } else { None };
        let task = named.map(|id| shown(backend, caller, id)).transpose()?.flatten();
        let (document, is_refused) = match (task, &self.split.document) {
            (Some(found), _) => {
                let is_refused = may_split(found.task.state) == MaySplit::Nobody;
                (found.task.body, is_refused)
            }
            (None, Some(document)) => {
                let named = Document { name: &self.split.id, file: self.split.file.as_deref(), text: document }.id();
                let id = self.split.new_id.clone().or(named);
                (document.clone(), id.map(|id| shown(backend, caller, id)).transpose()?.flatten().is_some())
            }
            (None, None) => (String::new(), true),
        };
        if is_refused && !self.split.dry_run {
            self.split.planner = None;
            return Ok(Box::new(registry::ordered(self.split.clone())));
        }
        self.ask(&document, &Settings::default(), output)
    }

    fn ask(&mut self, document: &str, settings: &Settings, output: &Output) -> Result<Box<dyn Call>, OpError> {
        self.is_asked = true;
        let mut narrator = Narrator::new(output, false);
        self.warning = plan_split(&mut self.split, document, &self.agent, settings, &ThisMachine, &mut narrator)?;
        Ok(Box::new(registry::ordered(self.split.clone())))
    }

    /// Says in the plan why it is not the agent's, or the doubts about it.
    pub(super) fn annotate(&self, reply: &mut Reply) {
        if let Some((warning, reply)) = self.warning.clone().zip(reply.get_mut::<SplitReply>()) {
            reply.plan.warnings.push(warning);
        }
    }
}

/// A task of the store, if it is there.
fn shown(backend: &mut Backend<'_>, caller: &Caller, id: TaskId) -> Result<Option<ShowTaskReply>, OpError> {
    // An idempotency key is that of the split.
    let reader = Caller { key: None, ..caller.clone() };
    match backend.ask(&reader, ShowTask { id, limit: Some(1), after: None }) {
        Ok(reply) => Ok(Some(reply)),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

//! `split`: cuts a task or a document into parts that agents can claim.

mod make;
mod or_keep;
mod order;
mod planned;
mod planner;

use clap::Args;
use oarlock_model::duration::Duration;
use oarlock_model::limits::PATH_CHARS_MAX;
use oarlock_model::rules::change::Change;
use oarlock_model::rules::transition::{MaySplit, may_split};
use oarlock_model::task::{Task, TaskState};
use oarlock_model::{AgentName, Rejection, TaskId, Token, limits};
use oarlock_plan::{Floor, Grouping, Options, Plan, PlanError, Problem, TaskText};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeSet;

use crate::OpError;
use crate::caller::{Caller, Identity};
use crate::context::{Deciding, Reading};
use crate::local::{Existing, Local, Search, document_named, names_file, task_named};
use crate::lock::Lock;
use crate::request::{Mutation, Request};
use crate::search::{Asked, Findings, Found};
use crate::settings::Settings;
use crate::shapes::TaskShape;
use crate::store::{AgentView, View};
use crate::task::document::{Document, Found as Known};
use crate::task::release::held_by_me;
use crate::task::{add, candidates, values};
pub use or_keep::SplitOrKeep;
use planned::Making;
pub(crate) use planned::Planned;
pub use planner::Planner;

/// Documents up to this size, in bytes, are planned at once, which takes a millisecond; larger ones before the write lock is taken.
const PLANNED_AT_ONCE_BYTES_MAX: usize = 4_096;

/// Split a task or a Markdown file into parts. Steps that are not proven independent stay in one part. Splitting a task that you hold ends
/// your lease on it and the reservations that came with it: it waits for its parts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Split {
    /// A task id, or a file (has a /, ends in .md, or no task has that id) that becomes the parent task
    #[arg(value_name = "ID|FILE")]
    pub id: String,
    /// Id of the task made from the file [default: from its name]
    #[arg(id = "new_id", long = "id", value_name = "ID")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_id: Option<TaskId>,
    /// Number of agents to plan for [default: 3]
    #[arg(long, value_name = "N", value_parser = agents_named)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agents: Option<usize>,
    /// Make at most N parts
    #[arg(long, value_name = "N")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_subtasks: Option<usize>,
    /// How to group steps: auto, steps, component, feature or layer [default: auto]
    #[arg(long, alias = "by", value_name = "HOW")]
    #[serde(default, alias = "by", skip_serializing_if = "Option::is_none")]
    pub group_by: Option<Grouping>,
    /// Who makes the plan: rules, or agent, which --with asks [default: rules, or agent with --with]
    #[arg(long, value_name = "WHO", conflicts_with = "plan")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planner: Option<Planner>,
    /// Command that asks an agent for the plan, run by sh -c: it reads a prompt and prints JSON
    #[arg(long, value_name = "CMD", conflicts_with_all = ["plan", "prompt"])]
    #[serde(skip)]
    pub with: Option<String>,
    /// Time for one answer of the agent; after it the rules make the plan [default: 10m]
    #[arg(long, value_name = "D", requires = "with")]
    #[serde(skip)]
    pub planner_timeout: Option<Duration>,
    /// A plan made by an agent or a person, as JSON; - reads standard input
    #[arg(long, value_name = "FILE")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// Assign the parts to agents by capability, load and speed, while they are active
    #[arg(long)]
    #[serde(default)]
    pub assign: bool,
    /// Assign the parts to these agents, comma separated, even if they have not joined yet
    #[arg(long, value_name = "NAMES", value_delimiter = ',', conflicts_with = "assign")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assign_to: Vec<AgentName>,
    /// Finish the parent with its last part, instead of offering it for integration
    #[arg(long)]
    #[serde(default)]
    pub auto_finish: bool,
    /// Print the prompt of --planner agent and change nothing; --plan takes its answer
    #[arg(long, conflicts_with_all = ["plan", "assign", "assign_to"])]
    #[serde(default)]
    pub prompt: bool,
    /// Show the plan and change nothing
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
    /// The text of the file, where a file is split.
    #[arg(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// Where that file is: its path in the repository, or an absolute one outside.
    #[arg(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The files of the repository that the prompt lists.
    #[arg(skip)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// The files of the repository that match the patterns of a given plan.
    #[arg(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<Existing>,
    /// Whether the operand may be a task as well, although a file of that name was there: then the task is meant.
    #[arg(skip)]
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub or_task: bool,
    /// The least size of the document for a split, where its project has such a rule.
    #[arg(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<Floor>,
}

/// A number of agents on a command line. That of `run` takes `auto`, too: there the plan is made twice.
fn agents_named(text: &str) -> Result<usize, Rejection> {
    text.parse().map_err(|_| {
        let hint = match text {
            "auto" => {
                "split once with --dry-run: the plan advises a number; `oarlock run FILE --agents auto` takes it by itself".to_owned()
            }
            _ => format!("a number from 1 to {}", limits::RUN_AGENTS_MAX),
        };
        Rejection::invalid(format!("--agents \"{}\" is not a number of agents", oarlock_model::ident::shown(text)), hint)
    })
}

/// The reply of [`Split`]: the plan, and the parts that were made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SplitReply {
    /// The plan.
    #[serde(flatten)]
    pub plan: Plan,
    /// The parts that were made; none when nothing was split.
    pub created: Vec<TaskShape>,
    /// The token of the caller's lease on the task, which the split has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_ended: Option<Token>,
    /// Patterns and resources that were reserved with that lease, and are not any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reservations_ended: Vec<String>,
    /// With `--prompt`: the prompt for a language model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
}

impl Request for Split {
    const VERB: &'static str = "split";
    const ABOUT: &'static str = "Split a task or a Markdown file into parts";
    const EXAMPLE: &'static [&'static str] = &["docs/plan.md", "--agents", "3", "--dry-run"];
    const IDENTITY: Identity = Identity::Optional;
    const FORMER_FIELDS: &'static [&'static str] = &["by"];
    type Reply = SplitReply;

    fn localise(&mut self, local: &mut dyn Local) -> Result<(), OpError> {
        if self.document.is_none() && (self.names_file() || local.is_file(&self.id)) {
            self.or_task = task_named(&self.id).is_some();
            self.document = document_named(local, &self.id)?;
            self.file = local.document_path(&self.id)?;
        }
        self.floor = self.floor.or_else(|| local.floor(&self.id));
        if self.prompt {
            self.files = oarlock_plan::file_list(self.document.as_deref().unwrap_or_default(), &local.list_files()?);
        }
        if let Some(path) = &self.plan {
            let plan = local.read_text(path, limits::DOCUMENT_BYTES_MAX)?;
            self.repository = local.look_for(Search::for_plan(&plan))?;
            self.plan = Some(plan);
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Rejection> {
        if !self.names_file() && self.document.is_none() {
            TaskId::parse(&self.id)?;
            if self.new_id.is_some() {
                return Err(Rejection::invalid("--id names the task that is made of a file", "a task that exists keeps its id"));
            }
        }
        if self.file.as_ref().is_some_and(|file| file.chars().nth(PATH_CHARS_MAX).is_some()) {
            return Err(Rejection::limit("characters of the file's path", PATH_CHARS_MAX, PATH_CHARS_MAX + 1));
        }
        if self.planner == Some(Planner::Agent) && self.plan.is_none() && !self.prompt {
            return Err(Rejection::invalid(
                "planner \"agent\" comes without its plan",
                "on the command line give --with CMD, which asks for it; elsewhere pass the plan in \"plan\"",
            ));
        }
        values::check_list("agents", self.assign_to.len())?;
        values::check_list("files", self.files.len())?;
        if self.agents.is_some_and(|n| n == 0 || n > limits::RUN_AGENTS_MAX) {
            return Err(Rejection::invalid("--agents is out of range", format!("agents go from 1 to {}", limits::RUN_AGENTS_MAX)));
        }
        if self.max_subtasks.is_some_and(|n| n == 0 || n > limits::SUBTASKS_MAX) {
            return Err(Rejection::invalid("--max-subtasks is out of range", format!("parts go from 1 to {}", limits::SUBTASKS_MAX)));
        }
        Ok(())
    }

    /// A plan of a file that changes nothing needs neither project nor store.
    fn needs_store(&self) -> bool {
        self.document.is_none() || !self.changes_nothing() || self.assign || self.or_task
    }

    fn has_no_project(&mut self) {
        self.or_task = false;
    }

    fn without_store(&self, settings: &Settings) -> Result<Option<SplitReply>, OpError> {
        self.check()?;
        let Some(document) = self.document.as_ref().filter(|_| !self.needs_store()) else { return Ok(None) };
        let parent = match self.new_id.clone().or_else(|| self.named(document).id()) {
            Some(id) => id,
            // The store makes one up.
            None => TaskId::parse("T-1")?,
        };
        let mut plan = self.plan(&parent, document, &TaskText::of(document), settings, &[])?;
        self.distribute_to(&mut plan);
        let prompt = self.prompted(document, &plan);
        Ok(Some(SplitReply { plan, created: Vec::new(), lease_ended: None, reservations_ended: Vec::new(), prompt }))
    }
}

impl Mutation for Split {
    fn locks(&self, _caller: &Caller) -> Vec<Lock> {
        let mut locks = vec![Lock::Graph];
        locks.extend(TaskId::parse(&self.id).map(Lock::Task));
        locks
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<SplitReply, OpError> {
        self.split(cx, false)
    }

    /// Makes the plan. Whether the task may be split is asked with the lock.
    fn search(&self, cx: &Reading<'_>, findings: &mut Findings) -> Result<(), OpError> {
        let task = || TaskId::parse(&self.id);
        let is_task = self.document.is_none() || (self.or_task && cx.view.task_state(&task()?)?.is_some());
        let planned = match &self.document {
            Some(document) if !is_task => {
                let parent = self.parent_of_file(cx.view, document)?;
                self.planned(cx.view, parent, document, false, cx.settings)?
            }
            _ => {
                let task = cx.task(&task()?)?;
                self.planned(cx.view, task.id, &task.spec.body, true, cx.settings)?
            }
        };
        findings.found = Some(Found::Plan(Box::new(planned)));
        Ok(())
    }
}

impl Split {
    /// Splits. A document that cannot be split becomes one task for one agent if `or_whole`; otherwise nothing is made.
    fn split(&self, cx: &mut Deciding<'_>, or_whole: bool) -> Result<SplitReply, OpError> {
        let is_task = self.or_task && cx.view().task_state(&TaskId::parse(&self.id)?)?.is_some();
        let (parent, existing) = match &self.document {
            Some(document) if !is_task => (self.parent_of_file(cx.view(), document)?, None),
            _ if self.new_id.is_some() => {
                return Err(Rejection::invalid("--id names the task that is made of a file", "a task that exists keeps its id").into());
            }
            _ => {
                let task = self.splittable(cx)?;
                (task.id.clone(), Some(task))
            }
        };
        let found = match cx.take_found() {
            Some(Found::Plan(planned)) if planned.is_of(&parent, existing.as_ref()) => Some(*planned),
            _ => None,
        };
        let text = existing.as_ref().map(|task| task.spec.body.as_str()).or(self.document.as_deref()).unwrap_or_default();
        let Planned { mut plan, making, prompt, .. } = match found {
            Some(planned) => planned,
            // Planning a large document takes up to seconds.
            None if text.len() > PLANNED_AT_ONCE_BYTES_MAX => return Err(cx.search_first(Asked::ByRequest)),
            None => self.planned(cx.view(), parent.clone(), text, existing.is_some(), cx.settings())?,
        };
        self.distribute(cx, &mut plan)?;
        let shown = |plan| SplitReply { plan, created: Vec::new(), lease_ended: None, reservations_ended: Vec::new(), prompt };
        if self.changes_nothing() || !plan.parallelizable {
            if or_whole && !self.changes_nothing() && existing.is_none() {
                making.add_parent(cx, &parent, self.file.clone(), &plan)?;
            }
            return Ok(shown(plan));
        }
        let (parent_task, documents) = match existing {
            Some(task) => (task, making.documents),
            None => making.add_parent(cx, &parent, self.file.clone(), &plan)?,
        };
        let lease_ended = parent_task.holder().map(|grant| grant.token);
        let reservations_ended = cx.view().reservations_of_task(&parent_task.id)?.iter().map(|held| held.target.to_string()).collect();
        let created = make::parts(cx, &parent_task, documents, &plan, self.auto_finish)?;
        Ok(SplitReply { created, lease_ended, reservations_ended, ..shown(plan) })
    }

    /// Whether the operand is a file by its form: it contains `/` or ends in `.md`.
    pub fn names_file(&self) -> bool {
        names_file(&self.id)
    }

    fn named<'a>(&'a self, text: &'a str) -> Document<'a> {
        Document { name: &self.id, file: self.file.as_deref(), text }
    }

    fn changes_nothing(&self) -> bool {
        self.dry_run || self.prompt
    }

    /// The request to the planner.
    pub fn options(&self, parent: &TaskId, settings: &Settings) -> Options {
        Options {
            task: parent.to_string(),
            agents: self.agents.unwrap_or(settings.agents),
            subtasks_max: self.max_subtasks,
            grouping: self.group_by.unwrap_or_default(),
            floor: self.floor,
        }
    }

    fn plan(&self, parent: &TaskId, document: &str, read: &TaskText<'_>, settings: &Settings, known: &[String]) -> Result<Plan, OpError> {
        let options = self.options(parent, settings);
        match &self.plan {
            Some(given) => {
                let mut plan = oarlock_plan::validate(given, Some(document), &options, known).map_err(|problems| bad_plan(&problems))?;
                if let Some(existing) = &self.repository {
                    oarlock_plan::check_repository(&mut plan, existing).map_err(|problems| bad_plan(&problems))?;
                }
                if self.planner == Some(Planner::Agent) {
                    "agent".clone_into(&mut plan.planner);
                }
                Ok(plan)
            }
            None => read.split(&options).map_err(bad_document),
        }
    }

    /// The plan of a text in this store, and all that is made by it: this takes long, and nothing of it needs the lock. `is_own` shows that
    /// the text is that of the task itself.
    fn planned(&self, view: &dyn View, parent: TaskId, text: &str, is_own: bool, settings: &Settings) -> Result<Planned, OpError> {
        // Only what somebody else has made may name a capability that nobody has.
        let known = if self.plan.is_some() { known_capabilities(view)? } else { Vec::new() };
        let read = TaskText::of(text);
        let plan = self.plan(&parent, text, &read, settings, &known)?;
        let making = if self.changes_nothing() { Making::default() } else { Making::of(text, &read, &plan, is_own) };
        let prompt = self.prompted(text, &plan);
        Ok(Planned { parent, own_text: is_own.then(|| text.to_owned()), plan, making, prompt })
    }

    fn prompted(&self, text: &str, plan: &Plan) -> Option<String> {
        self.prompt.then(|| oarlock_plan::prompt(text, &plan.format, &self.files))
    }

    /// Gives the parts to the agents that are named, or to those that are active now.
    fn distribute(&self, cx: &Deciding<'_>, plan: &mut Plan) -> Result<(), OpError> {
        self.distribute_to(plan);
        if !self.assign || !plan.parallelizable {
            return Ok(());
        }
        let candidates = candidates::active(&cx.reading())?;
        let nobody = oarlock_plan::assign(plan, &candidates);
        if candidates.is_empty() {
            plan.warnings.push("no agent is active, so every part is open to all".to_owned());
        } else if !nobody.is_empty() {
            plan.warnings.push(format!("no active agent can do these, so they are open to all: {}", nobody.join(", ")));
        }
        Ok(())
    }

    /// Gives the parts to the agents that are named: who names them knows what they can do.
    fn distribute_to(&self, plan: &mut Plan) {
        if !self.assign_to.is_empty() && plan.parallelizable {
            let names: Vec<String> = self.assign_to.iter().map(ToString::to_string).collect();
            oarlock_plan::assign_to(plan, &names);
        }
    }

    fn parent_of_file(&self, view: &dyn View, text: &str) -> Result<TaskId, OpError> {
        let document = self.named(text);
        match document.find(view, self.new_id.as_ref())? {
            Known::Nothing(Some(id)) => Ok(id),
            Known::Nothing(None) => add::made_up_id(view),
            Known::Made(task) | Known::Other(task, _) if self.changes_nothing() => Ok(task.id),
            Known::Made(task) => Err(document.was_made(&task).into()),
            Known::Other(task, _) => Err(not_this_document(&task).into()),
        }
    }

    /// The task named by id, when it may be split now.
    fn splittable(&self, cx: &Deciding<'_>) -> Result<Task, OpError> {
        let task = cx.task(&TaskId::parse(&self.id)?)?;
        if self.changes_nothing() {
            return Ok(task);
        }
        if task.state == TaskState::Claimed {
            cx.me()?;
        }
        cx.check_change(&task, Change::Parts)?;
        if !cx.view().children(&task.id)?.is_empty() {
            return Err(split_before(&task.id, task.state).into());
        }
        match may_split(task.state) {
            MaySplit::Anybody => Ok(task),
            MaySplit::Holder => Ok(held_by_me(cx, "split", &task.id, None)?.0),
            MaySplit::Nobody => Err(Rejection::StateConflict { verb: "split", task: task.id, state: task.state, why: None }.into()),
        }
    }
}

/// The capabilities of all agents that ever joined.
fn known_capabilities(view: &dyn AgentView) -> Result<Vec<String>, OpError> {
    let mut known = BTreeSet::new();
    for agent in view.agents()? {
        known.extend(agent.capabilities.iter().chain(&agent.role).map(ToString::to_string));
    }
    Ok(known.into_iter().collect())
}

/// A task of this id that was made from something else.
fn not_this_document(task: &Task) -> Rejection {
    let of = task.spec.file.as_deref().map(|file| format!(", made from {}", oarlock_model::ident::shown(file))).unwrap_or_default();
    Rejection::AlreadyExists {
        noun: "task",
        id: task.id.to_string(),
        detail: Some(format!("it is {}{of}, \"{}\"", task.state, oarlock_model::ident::shown(&task.spec.title))),
        hint: "choose another id for the task of this file with --id ID",
    }
}

fn split_before(id: &TaskId, state: TaskState) -> Rejection {
    Rejection::AlreadyExists {
        noun: "task",
        id: id.to_string(),
        detail: Some(format!("it is {state}")),
        hint: "`oarlock tasks --parent ID` lists its parts; `oarlock run FILE` goes on with it",
    }
}

/// Problems of a plan that a message says; the details have all.
const PROBLEMS_SHOWN: usize = 5;

fn bad_plan(problems: &[Problem]) -> OpError {
    let shown: Vec<String> = problems.iter().take(PROBLEMS_SHOWN).map(|p| format!("{}: {}", p.place, p.message)).collect();
    let more = match problems.len().saturating_sub(PROBLEMS_SHOWN) {
        0 => String::new(),
        1 => " (and 1 more problem)".to_owned(),
        n => format!(" (and {n} more problems)"),
    };
    let rows: Vec<_> = problems
        .iter()
        .map(|p| match &p.hint {
            Some(hint) => json!({"place": p.place, "message": p.message, "hint": hint}),
            None => json!({"place": p.place, "message": p.message}),
        })
        .collect();
    Rejection::Invalid {
        message: format!("the plan cannot be used: {}{more}", shown.join("; ")),
        hint: "repair the plan; `oarlock split FILE --dry-run --json` shows one that is valid".into(),
        details: json!({ "problems": rows }),
    }
    .into()
}

fn bad_document(error: PlanError) -> OpError {
    match error {
        PlanError::DocumentTooLarge { bytes, limit } => Rejection::limit("bytes of the document", limit, bytes).into(),
        // Reading stops at the limit: how many more there are is not known.
        PlanError::TooManyLines { limit } => Rejection::limit("lines of the document", limit, limit + 1).into(),
        PlanError::TooManyHeadings { limit } => Rejection::limit("headings of the document", limit, limit + 1).into(),
        PlanError::TooManySteps { limit } => Rejection::limit("steps of the document", limit, limit + 1).into(),
        other => Rejection::invalid(other.to_string(), "pass a Markdown text").into(),
    }
}

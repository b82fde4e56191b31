//! Tokens and money of attempts, and the budget of a run. No door lists these: workers report what their clients used, and runs what became of a budget.

use clap::Args;
use oarlock_model::event::{BudgetExhausted, BudgetWarned, TaskAsked, TaskUsed};
use oarlock_model::ident::shown;
use oarlock_model::rules::budget::{BudgetKind, Level, Mark};
use oarlock_model::task::Task;
use oarlock_model::usage::Usage;
use oarlock_model::{Rejection, TaskId, Token, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::caller::{Caller, Identity};
use crate::context::Deciding;
use crate::lock::Lock;
use crate::request::{Mutation, Request};
use crate::task::values;

/// The reply of each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Noted {
    /// The task.
    pub task: TaskId,
}

/// Tokens and money of an attempt of the caller so far. A later report about the same attempt replaces it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct ReportUsage {
    /// The task
    pub id: TaskId,
    /// The token of the attempt
    #[arg(long, value_name = "N")]
    pub token: Token,
    /// The money, in millionths of a US dollar; absent when nobody reports it
    #[arg(long, value_name = "N")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_micros: Option<u64>,
    /// Tokens that models read
    #[arg(long, value_name = "N", default_value_t = 0)]
    #[serde(default)]
    pub input_tokens: u64,
    /// Those of them that came from a cache
    #[arg(long, value_name = "N", default_value_t = 0)]
    #[serde(default)]
    pub cached_tokens: u64,
    /// Tokens that models wrote
    #[arg(long, value_name = "N", default_value_t = 0)]
    #[serde(default)]
    pub output_tokens: u64,
    /// The client that reported it
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
}

impl ReportUsage {
    fn usage(&self) -> Usage {
        Usage {
            cost_usd: self.cost_micros.map(oarlock_model::usage::Usd::from_micros),
            input_tokens: self.input_tokens,
            cached_tokens: self.cached_tokens,
            output_tokens: self.output_tokens,
        }
    }
}

impl Request for ReportUsage {
    const VERB: &'static str = "report-usage";
    const ABOUT: &'static str = "Record what an attempt has used";
    const EXAMPLE: &'static [&'static str] = &[];
    const IDENTITY: Identity = Identity::Needed;
    type Reply = Noted;

    fn check(&self) -> Result<(), Rejection> {
        match &self.client {
            Some(client) if client.len() > limits::IDENTIFIER_CHARS_MAX || client.chars().any(char::is_control) => {
                Err(Rejection::invalid(format!("\"{}\" is not the name of a client", shown(client)), "give the name of its program"))
            }
            _ => Ok(()),
        }
    }
}

impl Mutation for ReportUsage {
    fn locks(&self, _caller: &Caller) -> Vec<Lock> {
        vec![Lock::Task(self.id.clone())]
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<Noted, OpError> {
        let task = attempted_by_me(cx, &self.id, self.token)?;
        cx.emit(TaskUsed { id: task.id.clone(), token: self.token, usage: self.usage(), client: self.client.clone() })?;
        Ok(Noted { task: task.id })
    }
}

/// The task, if the caller was granted it at any time: what was used was used, also when the attempt is over.
fn attempted_by_me(cx: &Deciding<'_>, id: &TaskId, token: Token) -> Result<Task, OpError> {
    let task = cx.task(id)?;
    let session = cx.me()?.session.clone();
    let is_last = task.grant.as_ref().is_some_and(|grant| grant.session == session);
    if !is_last && !cx.view().was_granted(id, &session)? {
        let current = task.grant.map(|grant| grant.token);
        return Err(Rejection::StaleToken { task: task.id, given: token, current }.into());
    }
    Ok(task)
}

/// An agent asks something, or wants a permission, in a place where nobody can answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct AskPerson {
    /// The task
    pub id: TaskId,
    /// The token of the attempt
    #[arg(long, value_name = "N")]
    pub token: Token,
    /// The question
    #[arg(long, value_name = "TEXT")]
    pub question: String,
}

impl Request for AskPerson {
    const VERB: &'static str = "ask-person";
    const ABOUT: &'static str = "Record a question that nobody was there to answer";
    const EXAMPLE: &'static [&'static str] = &[];
    const IDENTITY: Identity = Identity::Needed;
    type Reply = Noted;

    fn check(&self) -> Result<(), Rejection> {
        values::check_note("question", Some(&self.question))
    }
}

impl Mutation for AskPerson {
    fn locks(&self, _caller: &Caller) -> Vec<Lock> {
        vec![Lock::Task(self.id.clone())]
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<Noted, OpError> {
        let task = attempted_by_me(cx, &self.id, self.token)?;
        cx.emit(TaskAsked { id: task.id.clone(), token: self.token, question: self.question.clone() })?;
        Ok(Noted { task: task.id })
    }
}

/// A budget of a run is nearly used up, or used up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct MarkBudget {
    /// The task of the run
    pub id: TaskId,
    /// time, cost or tokens
    #[arg(long, value_name = "KIND", value_parser = kind)]
    #[schemars(with = "String")]
    pub budget: BudgetKind,
    /// Whether it is used up
    #[arg(long)]
    #[serde(default)]
    pub exhausted: bool,
    /// The amount used: milliseconds, millionths of a US dollar, or tokens
    #[arg(long, value_name = "N")]
    pub used: u64,
    /// The limit
    #[arg(long, value_name = "N")]
    pub limit: u64,
}

fn kind(text: &str) -> Result<BudgetKind, String> {
    serde_json::from_value(text.into()).map_err(|_| "time, cost or tokens".to_owned())
}

impl MarkBudget {
    /// The report of a mark.
    pub fn of(id: TaskId, mark: Mark) -> Self {
        Self { id, budget: mark.kind, exhausted: mark.level == Level::Exhausted, used: mark.used, limit: mark.limit }
    }
}

impl Request for MarkBudget {
    const VERB: &'static str = "mark-budget";
    const ABOUT: &'static str = "Record that a budget is nearly used up, or used up";
    const EXAMPLE: &'static [&'static str] = &[];
    const IDENTITY: Identity = Identity::Optional;
    type Reply = Noted;
}

impl Mutation for MarkBudget {
    fn locks(&self, _caller: &Caller) -> Vec<Lock> {
        vec![Lock::Task(self.id.clone())]
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<Noted, OpError> {
        cx.caller().authority.check_operator("run")?;
        let task = cx.task(&self.id)?;
        let level = if self.exhausted { Level::Exhausted } else { Level::Soft };
        let mark = Mark { kind: self.budget, level, used: self.used, limit: self.limit };
        match level {
            Level::Exhausted => cx.emit(BudgetExhausted::of(task.id.clone(), mark))?,
            Level::Soft => cx.emit(BudgetWarned::of(task.id.clone(), mark))?,
        }
        Ok(Noted { task: task.id })
    }
}

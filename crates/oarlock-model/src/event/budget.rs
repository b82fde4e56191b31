//! Facts about what work has used, and about the budget of a run.
//! Each struct is the data of the event of the same name; it is public as `event::NAME`.

use serde::{Deserialize, Serialize};

use crate::ident::{TaskId, Token};
use crate::rules::budget::{BudgetKind, Mark};
use crate::usage::Usage;

/// See [`Fact::TaskUsed`](super::Fact::TaskUsed).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskUsed {
    /// The task.
    pub id: TaskId,
    /// The grant of the attempt.
    pub token: Token,
    /// Tokens and money of the attempt so far: a later report of the same attempt counts instead of this one.
    #[serde(flatten)]
    pub usage: Usage,
    /// The client that reported it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
}

/// See [`Fact::TaskAsked`](super::Fact::TaskAsked).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskAsked {
    /// The task.
    pub id: TaskId,
    /// The grant of the attempt.
    pub token: Token,
    /// The question, or the permission that was wanted.
    pub question: String,
}

/// See [`Fact::BudgetWarned`](super::Fact::BudgetWarned).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BudgetWarned {
    /// The task of the run.
    pub id: TaskId,
    /// Which limit is near.
    pub budget: BudgetKind,
    /// The amount used: milliseconds, millionths of a US dollar, or tokens.
    pub used: u64,
    /// The limit, in the same unit.
    pub limit: u64,
}

/// See [`Fact::BudgetExhausted`](super::Fact::BudgetExhausted).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BudgetExhausted {
    /// The task of the run.
    pub id: TaskId,
    /// Which limit is reached.
    pub budget: BudgetKind,
    /// The amount used: milliseconds, millionths of a US dollar, or tokens.
    pub used: u64,
    /// The limit, in the same unit.
    pub limit: u64,
}

impl BudgetWarned {
    /// The event of this mark.
    pub fn of(id: TaskId, mark: Mark) -> Self {
        Self { id, budget: mark.kind, used: mark.used, limit: mark.limit }
    }
}

impl BudgetExhausted {
    /// The event of this mark.
    pub fn of(id: TaskId, mark: Mark) -> Self {
        Self { id, budget: mark.kind, used: mark.used, limit: mark.limit }
    }
}

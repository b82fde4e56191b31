//! TASK and LEASE.

use oarlock_model::task::{Gate, Grant, Task, TaskState};
use oarlock_model::{AgentName, Label, SessionId, TaskId, Token};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use crate::context::Reading;
use crate::shapes::rfc3339;
use crate::store::StoreResult;
use crate::task::parts;

/// The holder inside TASK.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the fields are those of the contract")]
pub struct HolderShape {
    pub agent: AgentName,
    pub session: SessionId,
    pub token: Token,
    pub since: String,
    pub ttl_ms: i64,
}

/// TASK of the contract.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the fields are those of the contract")]
pub struct TaskShape {
    pub id: TaskId,
    pub title: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<Label>,
    pub priority: u8,
    pub state: TaskState,
    pub stuck: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<TaskId>,
    pub needs: BTreeSet<TaskId>,
    pub blocked_by: Vec<TaskId>,
    pub capabilities: BTreeSet<Label>,
    pub writes: Vec<String>,
    pub resources: BTreeSet<Label>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate_minutes: Option<u32>,
    pub attempt: u32,
    pub max_attempts: u32,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failures: u32,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lost_leases: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned: Option<AgentName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Gate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_in_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<HolderShape>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<u8>,
    /// What came of it; before that, of a task whose parts are done, what came of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    pub artifacts: Vec<String>,
    pub created_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<AgentName>,
    pub updated_at: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

impl TaskShape {
    /// The shape of a task now.
    ///
    /// # Errors
    /// Store errors.
    pub fn of(cx: &Reading<'_>, task: Task) -> StoreResult<Self> {
        let may_be_stuck = matches!(task.state, TaskState::Blocked | TaskState::Waiting);
        let stuck = may_be_stuck && cx.view.is_stuck(&task.id)?;
        Self::with_stuck(cx, task, stuck)
    }

    /// The same, where it is already known whether the task is stuck.
    pub(crate) fn with_stuck(cx: &Reading<'_>, task: Task, stuck: bool) -> StoreResult<Self> {
        let waits = !task.needs.is_empty() && !task.state.is_finished();
        let blocked_by = if waits { cx.view.unmet_needs(&task.id)? } else { Vec::new() };
        let holder = task.holder().map(|grant| holder_shape(cx, grant)).transpose()?;
        // Whoever joins the parts of a task is to see what came of them.
        let is_joining = task.result.is_none() && matches!(task.state, TaskState::Ready | TaskState::Claimed);
        let result = if is_joining { parts::joined_results(cx.view, &task.id)? } else { task.result };
        Ok(Self {
            stuck,
            blocked_by,
            holder,
            id: task.id,
            title: task.spec.title,
            body: task.spec.body,
            kind: task.spec.kind,
            priority: task.spec.priority,
            state: task.state,
            parent: task.spec.parent,
            needs: task.needs,
            capabilities: task.spec.capabilities,
            writes: task.spec.writes.iter().map(|pattern| pattern.as_str().to_owned()).collect(),
            resources: task.spec.resources,
            estimate_minutes: task.spec.estimate_minutes,
            attempt: task.attempt,
            max_attempts: task.spec.max_attempts,
            failures: task.failures,
            lost_leases: task.losses,
            assigned: task.spec.assigned,
            gate: task.spec.gate,
            not_before: task.spec.not_before.map(rfc3339),
            retry_in_ms: task.retry_at.map(|at| at.since_ms(cx.now.store)),
            progress: task.progress,
            result,
            artifacts: task.artifacts,
            created_at: rfc3339(task.created_at),
            created_by: task.created_by,
            updated_at: rfc3339(task.updated_at),
        })
    }
}

fn holder_shape(cx: &Reading<'_>, grant: &Grant) -> StoreResult<HolderShape> {
    Ok(HolderShape {
        agent: grant.agent.clone(),
        session: grant.session.clone(),
        token: grant.token,
        since: rfc3339(grant.since),
        ttl_ms: cx.ttl_ms(grant)?,
    })
}

/// LEASE of the contract.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the fields are those of the contract")]
pub struct LeaseShape {
    pub task: TaskId,
    pub token: Token,
    pub ttl_ms: i64,
    pub attempt: u32,
}

impl LeaseShape {
    /// The shape of a task's lease now; absent when nobody holds it.
    ///
    /// # Errors
    /// Store errors.
    pub fn of(cx: &Reading<'_>, task: &Task) -> StoreResult<Option<Self>> {
        let Some(grant) = task.holder() else { return Ok(None) };
        Ok(Some(Self { task: task.id.clone(), token: grant.token, ttl_ms: cx.ttl_ms(grant)?, attempt: task.attempt }))
    }
}

//! Short forms of tasks: which facts of one are new to the model that reads it.

use oarlock_model::landing::BranchName;
use oarlock_model::task::{Gate, TaskState};
use oarlock_model::{AgentName, Label, SessionId, TaskId};
use oarlock_ops::shapes::{HolderShape, LandingShape, TaskShape};
use serde::Serialize;
use std::collections::BTreeSet;

/// All that a task says of its work, without empty lists, and without `stuck` where it is not.
#[derive(Serialize)]
struct Work<'a> {
    id: &'a TaskId,
    title: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    body: &'a str,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'a Label>,
    priority: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    own_priority: Option<u8>,
    state: TaskState,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stuck: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<&'a TaskId>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    needs: &'a BTreeSet<TaskId>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    blocked_by: &'a [TaskId],
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    capabilities: &'a BTreeSet<Label>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    writes: &'a [String],
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    resources: &'a BTreeSet<Label>,
    #[serde(skip_serializing_if = "Option::is_none")]
    estimate_minutes: Option<u32>,
    #[serde(skip_serializing_if = "is_zero")]
    failures: u32,
    #[serde(skip_serializing_if = "is_zero")]
    lost_leases: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    assigned: Option<&'a AgentName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gate: Option<Gate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    onto: Option<&'a BranchName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reviewer: Option<&'a Label>,
    #[serde(skip_serializing_if = "Option::is_none")]
    landing: Option<&'a LandingShape>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_before: Option<&'a String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_in_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    integrates: &'a [TaskId],
    #[serde(skip_serializing_if = "Option::is_none")]
    part_results: Option<&'a String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rejected: Option<&'a String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_failure: Option<&'a String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    artifacts: &'a [String],
}

/// A task's own facts, beside its work.
#[derive(Serialize)]
struct Record<'a> {
    attempt: u32,
    max_attempts: u32,
    created_at: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_by: Option<&'a AgentName>,
    updated_at: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    holder: Option<&'a HolderShape>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// A task in its two halves. Every field is in one of them: a new one does not compile until it is.
fn halves(task: &TaskShape) -> (Work<'_>, Record<'_>) {
    let TaskShape {
        id,
        title,
        body,
        kind,
        priority,
        own_priority,
        state,
        stuck,
        parent,
        needs,
        blocked_by,
        capabilities,
        writes,
        resources,
        estimate_minutes,
        attempt,
        max_attempts,
        failures,
        lost_leases,
        assigned,
        gate,
        onto,
        reviewer,
        landing,
        file,
        not_before,
        retry_in_ms,
        holder,
        progress,
        result,
        integrates,
        part_results,
        rejected,
        last_failure,
        artifacts,
        created_at,
        created_by,
        updated_at,
    } = task;
    let work = Work {
        id,
        title,
        body,
        kind: kind.as_ref(),
        priority: *priority,
        own_priority: *own_priority,
        state: *state,
        stuck: *stuck,
        parent: parent.as_ref(),
        needs,
        blocked_by,
        capabilities,
        writes,
        resources,
        estimate_minutes: *estimate_minutes,
        failures: *failures,
        lost_leases: *lost_leases,
        assigned: assigned.as_ref(),
        gate: *gate,
        onto: onto.as_ref(),
        reviewer: reviewer.as_ref(),
        landing: landing.as_ref(),
        file: file.as_ref(),
        not_before: not_before.as_ref(),
        retry_in_ms: *retry_in_ms,
        progress: *progress,
        result: result.as_ref(),
        integrates,
        part_results: part_results.as_ref(),
        rejected: rejected.as_ref(),
        last_failure: last_failure.as_ref(),
        artifacts,
    };
    let record = Record {
        attempt: *attempt,
        max_attempts: *max_attempts,
        created_at,
        created_by: created_by.as_ref(),
        updated_at,
        holder: holder.as_ref(),
    };
    (work, record)
}

/// A task in a list.
#[derive(Serialize)]
pub(super) struct ListedTask<'a> {
    #[serde(flatten)]
    work: Work<'a>,
    #[serde(flatten)]
    record: Record<'a>,
}

impl<'a> ListedTask<'a> {
    pub(super) fn of(task: &'a TaskShape) -> Self {
        let (work, record) = halves(task);
        Self { work, record }
    }
}

/// A task for the agent that has just claimed it: its token and times are those of the lease.
#[derive(Serialize)]
pub(super) struct ClaimedTask<'a> {
    #[serde(flatten)]
    work: Work<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    holder: Option<ClaimingHolder<'a>>,
}

impl<'a> ClaimedTask<'a> {
    pub(super) fn of(task: &'a TaskShape) -> Self {
        let (mut work, record) = halves(task);
        // The results of its parts may be all the result that there is.
        work.result = work.result.filter(|result| work.part_results != Some(result));
        Self { work, holder: record.holder.map(ClaimingHolder::of) }
    }
}

/// The holder of a task, without its lease.
#[derive(Serialize)]
struct ClaimingHolder<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<&'a SessionId>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    outside: bool,
}

impl<'a> ClaimingHolder<'a> {
    fn of(holder: &'a HolderShape) -> Self {
        match holder {
            HolderShape::Agent { agent, session, .. } => Self { agent: Some(agent.as_str()), session: Some(session), outside: false },
            HolderShape::Outside { outside, agent, .. } => Self { agent: agent.as_deref(), session: None, outside: *outside },
        }
    }
}

/// A task for its holder that ends its work: the other facts it has had from its claim, or has just written.
#[derive(Serialize)]
pub(super) struct EndedTask<'a> {
    id: &'a TaskId,
    state: TaskState,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stuck: bool,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    blocked_by: &'a [TaskId],
    #[serde(skip_serializing_if = "is_zero")]
    failures: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_in_ms: Option<i64>,
}

impl<'a> EndedTask<'a> {
    pub(super) fn of(TaskShape { id, state, stuck, blocked_by, failures, retry_in_ms, .. }: &'a TaskShape) -> Self {
        Self { id, state: *state, stuck: *stuck, blocked_by, failures: *failures, retry_in_ms: *retry_in_ms }
    }
}

/// A part that was just made from a document: the plan has the other facts.
#[derive(Serialize)]
pub(super) struct CreatedTask<'a> {
    id: &'a TaskId,
    state: TaskState,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    blocked_by: &'a [TaskId],
    #[serde(skip_serializing_if = "Option::is_none")]
    assigned: Option<&'a AgentName>,
}

impl<'a> CreatedTask<'a> {
    pub(super) fn of(TaskShape { id, state, blocked_by, assigned, .. }: &'a TaskShape) -> Self {
        Self { id, state: *state, blocked_by, assigned: assigned.as_ref() }
    }
}

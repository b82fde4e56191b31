//! TASK and LEASE.

use oarlock_model::landing::BranchName;
use oarlock_model::task::{Gate, Grant, OutsideHold, Task, TaskState};
use oarlock_model::{AgentName, Label, SessionId, TaskId, Token, seeded};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use crate::context::Reading;
use crate::shapes::LandingShape;
use crate::shapes::related::{Related, may_join};
use crate::shapes::rfc3339;
use crate::store::StoreResult;

/// The holder inside TASK.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum HolderShape {
    /// A session of an agent.
    Agent {
        /// The agent.
        agent: AgentName,
        /// The session that has the lease.
        session: SessionId,
        /// The fencing token of the lease.
        token: Token,
        /// The time of the grant, in RFC 3339.
        since: String,
        /// The time until the lease expires, in milliseconds; 0 when it has.
        ttl_ms: i64,
        /// Present and true while its claim is not complete: the files beside the store do not show the grant yet, or the call was killed before
        /// it ended. The session cannot use the task, and nobody else can claim it, until the claim or the next call settles that.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        intended: bool,
    },
    /// A holder outside the store, for example an old script of RALF's.
    Outside {
        /// Always true.
        outside: bool,
        /// Its name there, which may be any text; absent where the source gives none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        agent: Option<String>,
        /// The time since when it has the task, in RFC 3339.
        since: String,
        /// The time of its last sign of life, in RFC 3339.
        last_seen: String,
        /// The source that reported it, for example `ralf`.
        source: Label,
    },
}

/// A task: TASK of the contract.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TaskShape {
    /// The task id.
    pub id: TaskId,
    /// The title, one line of at most 500 characters.
    pub title: String,
    /// The Markdown text of the work, at most 1 MiB (16 MiB for a task made from a document); absent when empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
    /// The kind of work.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<Label>,
    /// The effective priority from 0, most urgent, to 4: the most urgent of its own, its parent's, and those of unfinished tasks that wait for it.
    pub priority: u8,
    /// Its own priority, if that differs from the effective one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_priority: Option<u8>,
    /// The state.
    pub state: TaskState,
    /// Whether it waits for a task that is dead or cancelled, so that it cannot become ready by itself.
    pub stuck: bool,
    /// The task that it is a part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<TaskId>,
    /// The tasks that must be done first.
    pub needs: BTreeSet<TaskId>,
    /// The needs that are not done yet, its own and those of all tasks above it.
    pub blocked_by: Vec<TaskId>,
    /// The capabilities that an agent must have to claim it.
    pub capabilities: BTreeSet<Label>,
    /// The patterns of the paths that it will change.
    pub writes: Vec<String>,
    /// The resources of which only one task may use each at a time.
    pub resources: BTreeSet<Label>,
    /// The estimated time, in minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate_minutes: Option<u32>,
    /// The number of the current attempt, or of the last one if nobody holds it; 0 before the first claim.
    pub attempt: u32,
    /// The number of failures, or of lost leases, after which the task is dead.
    pub max_attempts: u32,
    /// The number of failed attempts; absent for 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failures: u32,
    /// The number of lost leases: a death of the owner, or a grant to another session after expiry; absent for 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lost_leases: u32,
    /// The agent that it is meant for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned: Option<AgentName>,
    /// The approval that it needs when its work is submitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Gate>,
    /// The branch that its commit lands on, with the gate `merge`; absent until a queue takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onto: Option<BranchName>,
    /// The role or capability of the agents that may approve it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewer: Option<Label>,
    /// The commit that it submitted last for landing, and what became of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub landing: Option<LandingShape>,
    /// The document that it was made from: a path in the repository, or an absolute path outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The time before which it is not ready, in RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<String>,
    /// The time until it is ready again after a failure, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_in_ms: Option<i64>,
    /// The holder: a session of an agent, or somebody outside the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<HolderShape>,
    /// The progress that its holder reported, from 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<u8>,
    /// The result. Before it has one of its own, the joined results of its parts, once all of them are done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// The parts whose results its holder has to integrate; absent unless it can be claimed or is held, and all its parts are done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub integrates: Vec<TaskId>,
    /// The joined results of its parts, beside its own result: in replies about single tasks, once all parts are done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part_results: Option<String>,
    /// The reason of its last rejection, until it is submitted again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<String>,
    /// The reason of its last failure, until it is submitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<String>,
    /// The paths that its holder named as made by the work.
    pub artifacts: Vec<String>,
    /// The time it was added, in RFC 3339.
    pub created_at: String,
    /// The agent that added it; absent where the caller had no identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<AgentName>,
    /// The time of its last change, in RFC 3339.
    pub updated_at: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

impl TaskShape {
    /// Bytes of its long texts, for the size of a page.
    pub(crate) fn text_bytes(&self) -> usize {
        let texts = [&self.result, &self.part_results, &self.rejected, &self.last_failure];
        self.body.len() + texts.into_iter().flatten().map(String::len).sum::<usize>()
    }

    /// The shape of a task now.
    ///
    /// # Errors
    /// Store errors.
    pub fn of(cx: &Reading<'_>, task: Task) -> StoreResult<Self> {
        let mut related = Related::to_one(cx.view, cx.now, &task)?;
        Self::made(cx, task, &mut related, true)
    }

    /// The shape of a task in a list, with the facts read for the whole list: without the results of its parts beside its own.
    pub(crate) fn listed(cx: &Reading<'_>, task: Task, related: &mut Related) -> StoreResult<Self> {
        Self::made(cx, task, related, false)
    }

    fn made(cx: &Reading<'_>, task: Task, related: &mut Related, is_single: bool) -> StoreResult<Self> {
        let (stuck, blocked_by) = (related.is_stuck(&task.id), related.take_unmet_needs(&task.id));
        let holder = match task.outside_holder() {
            Some(hold) => Some(outside_shape(hold)),
            None => task.holder().map(|grant| holder_shape(grant, related.ttl_ms(cx.now, grant))),
        };
        let may_join = may_join(&task);
        let parts = related.parts(cx.view, &task.id)?;
        let integrates = if may_join { parts.done } else { Vec::new() };
        // A task that finished with its last part has the joined results as its own.
        let part_results = parts.results.clone().filter(|results| is_single && (may_join || task.result.as_ref() != Some(results)));
        let result = task.result.or_else(|| parts.results.filter(|_| may_join));
        let progress = if task.state.is_finished() || task.state == TaskState::Review { None } else { task.progress };
        Ok(Self {
            stuck,
            blocked_by,
            holder,
            integrates,
            part_results,
            rejected: task.rejected.filter(|_| !seeded::is(seeded::REASON_FORGOTTEN)),
            last_failure: task.last_failure,
            id: task.id,
            title: task.spec.title,
            body: task.spec.body,
            kind: task.spec.kind,
            priority: task.priority,
            own_priority: task.spec.priority.filter(|own| *own != task.priority),
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
            onto: task.spec.onto,
            reviewer: task.spec.reviewer,
            landing: task.landing.map(LandingShape::of),
            file: task.spec.file,
            not_before: task.spec.not_before.map(rfc3339),
            retry_in_ms: task.retry_at.map(|at| at.since_ms(cx.now.store)),
            progress,
            result,
            artifacts: task.artifacts,
            created_at: rfc3339(task.created_at),
            created_by: task.created_by,
            updated_at: rfc3339(task.updated_at),
        })
    }
}

impl TaskShape {
    /// The notes for its next holder beside its text, each with a heading: that it is an integration, the reasons of the last
    /// rejection and failure, the result that a former holder left, and the results of its parts.
    pub fn handover(&self) -> Vec<(&'static str, String)> {
        let mut sections = Vec::new();
        if !self.integrates.is_empty() {
            let parts = self.integrates.iter().map(TaskId::as_str).collect::<Vec<_>>().join(", ");
            let text =
                format!("The parts of this task are done: {parts}. Check that they fit together, and give one result for the whole task.");
            sections.push(("Integration", text));
        }
        let own = self.result.clone().filter(|_| self.result != self.part_results);
        sections.extend(self.rejected.clone().map(|reason| ("Why the last result was rejected", reason)));
        sections.extend(self.last_failure.clone().map(|reason| ("Why the last attempt failed", reason)));
        sections.extend(own.map(|result| ("Result of an earlier attempt", result)));
        sections.extend(self.part_results.clone().map(|results| ("Results of the parts", results)));
        sections
    }
}

fn holder_shape(grant: &Grant, ttl_ms: i64) -> HolderShape {
    HolderShape::Agent {
        agent: grant.agent.clone(),
        session: grant.session.clone(),
        token: grant.token,
        since: rfc3339(grant.since),
        ttl_ms,
        intended: grant.is_intent(),
    }
}

fn outside_shape(hold: &OutsideHold) -> HolderShape {
    HolderShape::Outside {
        outside: true,
        agent: hold.holder.clone(),
        since: rfc3339(hold.since),
        last_seen: rfc3339(hold.seen),
        source: hold.source.clone(),
    }
}

/// A lease: LEASE of the contract.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LeaseShape {
    /// The task.
    pub task: TaskId,
    /// The fencing token: later grants of any task have higher ones.
    pub token: Token,
    /// The time until the lease expires, in milliseconds; 0 when it has.
    pub ttl_ms: i64,
    /// The number of the attempt, from 1.
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

//! AGENT.

use oarlock_model::agent::Agent;
use oarlock_model::rules::liveness::{self, Activity, AgentState};
use oarlock_model::{AgentName, Label, SessionId, TaskId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use crate::context::Reading;
use crate::shapes::rfc3339;
use crate::store::StoreResult;

/// An agent: AGENT of the contract.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgentShape {
    /// The name.
    pub name: AgentName,
    /// The id of its current session.
    pub session: SessionId,
    /// The role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Label>,
    /// The capabilities.
    pub capabilities: BTreeSet<Label>,
    /// The program that the agent runs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// Whether it is there, judged by its heartbeat and its process.
    pub state: AgentState,
    /// How its work goes, judged by its calls.
    pub activity: Activity,
    /// The status that it reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The current action that it reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// The time of its last call, in RFC 3339.
    pub last_seen: String,
    /// The time since then, in milliseconds.
    pub age_ms: i64,
    /// The age from which it counts as stale, in milliseconds.
    pub timeout_ms: i64,
    /// The name of its machine; absent where it is not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// The id of its process on that machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// The number of tasks that it may hold at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_claims: Option<u32>,
    /// The tasks that it holds.
    pub claims: Vec<TaskId>,
}

impl AgentShape {
    /// Bytes of what may be long in it, for the size of a page.
    pub(crate) fn text_bytes(&self) -> usize {
        let texts = [&self.status, &self.action, &self.program].into_iter().flatten().map(String::len).sum::<usize>();
        texts + self.claims.iter().map(|id| id.as_str().len()).sum::<usize>()
    }

    /// The shape of an agent now.
    ///
    /// # Errors
    /// Store errors.
    pub fn of(cx: &Reading<'_>, agent: &Agent) -> StoreResult<Self> {
        Ok(Self::holding(cx, agent, cx.view.claims_of(&agent.session)?))
    }

    /// The shape of an agent now that holds these tasks.
    pub(crate) fn holding(cx: &Reading<'_>, agent: &Agent, claims: Vec<TaskId>) -> Self {
        Self {
            name: agent.name.clone(),
            session: agent.session.clone(),
            role: agent.role.clone(),
            capabilities: agent.capabilities.clone(),
            program: agent.program.clone(),
            state: cx.agent_state(agent),
            activity: liveness::activity(&agent.presence, claims.len(), cx.now),
            status: agent.presence.status.clone(),
            action: agent.presence.action.clone(),
            last_seen: rfc3339(agent.presence.seen_wall),
            age_ms: cx.now.store.since_ms(agent.presence.seen),
            timeout_ms: agent.timeout_ms,
            host: agent.host.name.clone(),
            pid: agent.host.pid,
            max_claims: agent.max_claims,
            claims,
        }
    }
}

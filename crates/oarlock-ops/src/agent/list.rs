//! `agents`: who is there.

use clap::Args;
use oarlock_model::rules::liveness::AgentState;
use oarlock_model::{Label, Rejection};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::context::Reading;
use crate::request::{Identity, Query, Request};
use crate::shapes::AgentShape;

/// Lists active agents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Agents {
    /// Stale, lost and left agents too
    #[arg(long)]
    #[serde(default)]
    pub all: bool,
    /// Only those with this role
    #[arg(long, value_name = "R")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Label>,
    /// Only those that can do this
    #[arg(long, value_name = "X")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub can: Option<Label>,
    /// Fail (exit 8) when fewer are active
    #[arg(long, value_name = "N")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<u64>,
}

/// The reply of [`Agents`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgentsReply {
    /// The agents.
    pub agents: Vec<AgentShape>,
    /// How many of them are active.
    pub active: u64,
}

impl Request for Agents {
    const VERB: &'static str = "agents";
    const ABOUT: &'static str = "List the agents that are active";
    const EXAMPLE: &'static [&'static str] = &["--can", "rust"];
    const IDENTITY: Identity = Identity::Optional;
    type Reply = AgentsReply;
}

impl Query for Agents {
    fn answer(&self, cx: &Reading<'_>) -> Result<AgentsReply, OpError> {
        let mut agents = Vec::new();
        let mut active = 0;
        for agent in cx.view.agents()? {
            let fits_role = self.role.as_ref().is_none_or(|role| agent.role.as_ref() == Some(role));
            if !fits_role || !self.can.as_ref().is_none_or(|capability| agent.can(capability)) {
                continue;
            }
            let is_active = cx.agent_state(&agent) == AgentState::Active;
            active += u64::from(is_active);
            if is_active || self.all {
                agents.push(AgentShape::of(cx, &agent)?);
            }
        }
        match self.at_least {
            Some(wanted) if active < wanted => Err(Rejection::NotEnoughAgents { active, wanted }.into()),
            _ => Ok(AgentsReply { agents, active }),
        }
    }
}

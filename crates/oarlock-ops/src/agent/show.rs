//! `agent`: one agent.

use clap::Args;
use oarlock_model::AgentName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::caller::Identity;
use crate::context::Reading;
use crate::request::{Query, Request};
use crate::shapes::AgentShape;

/// Show one agent, in any state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct ShowAgent {
    /// The agent's name
    pub name: AgentName,
}

/// The reply of [`ShowAgent`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShowAgentReply {
    /// The agent.
    pub agent: AgentShape,
}

impl Request for ShowAgent {
    const VERB: &'static str = "agent";
    const ABOUT: &'static str = "Show one agent";
    const EXAMPLE: &'static [&'static str] = &["ada"];
    const IDENTITY: Identity = Identity::Optional;
    type Reply = ShowAgentReply;
}

impl Query for ShowAgent {
    fn answer(&self, cx: &Reading<'_>) -> Result<ShowAgentReply, OpError> {
        let agent = cx.agent(&self.name)?;
        Ok(ShowAgentReply { agent: AgentShape::of(cx, &agent)? })
    }
}

//! `agents`: who is there.

use clap::Args;
use oarlock_model::rules::liveness::AgentState;
use oarlock_model::{AgentName, Label, Rejection, SessionId, TaskId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::OpError;
use crate::caller::Identity;
use crate::context::Reading;
use crate::cursor;
use crate::page::{self, Filling};
use crate::request::{Query, Request, is_list};
use crate::shapes::AgentShape;
use crate::task::values;

/// List the active agents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Agents {
    /// Include stale, lost and left agents
    #[arg(long)]
    #[serde(default)]
    pub all: bool,
    /// Only agents with this role
    #[arg(long, value_name = "R")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Label>,
    /// Only agents with this capability
    #[arg(long, value_name = "X")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub can: Option<Label>,
    /// Fail (exit 8) when fewer are active
    #[arg(long, value_name = "N")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<u64>,
    /// At most this many [default: 1000]
    #[arg(long, value_name = "N")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Continue after the `next` of a page
    #[arg(long, value_name = "CURSOR")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// The reply of [`Agents`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgentsReply {
    /// The agents.
    pub agents: Vec<AgentShape>,
    /// How many are active, those of other pages included.
    pub active: u64,
    /// Where the next page begins; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl Request for Agents {
    const VERB: &'static str = "agents";
    const ABOUT: &'static str = "List the active agents";
    const EXAMPLE: &'static [&'static str] = &["--can", "rust"];
    const IDENTITY: Identity = Identity::Optional;
    type Reply = AgentsReply;

    is_list!();

    fn check(&self) -> Result<(), Rejection> {
        values::page_limit(self.limit)?;
        cursor::check(self.after.as_deref())
    }
}

impl Query for Agents {
    fn answer(&self, cx: &Reading<'_>) -> Result<AgentsReply, OpError> {
        let after: Option<AgentName> = cursor::place(cx.view, self.after.as_deref())?;
        let limit = values::page_limit(self.limit)?;
        let (mut listed, mut active) = (Vec::new(), 0);
        for agent in cx.view.agents()? {
            let fits_role = self.role.as_ref().is_none_or(|role| agent.role.as_ref() == Some(role));
            if !fits_role || !self.can.as_ref().is_none_or(|capability| agent.can(capability)) {
                continue;
            }
            let is_active = cx.agent_state(&agent) == AgentState::Active;
            active += u64::from(is_active);
            // One more shows whether the list goes on.
            if (is_active || self.all) && after.as_ref().is_none_or(|after| agent.name > *after) && listed.len() <= limit {
                listed.push(agent);
            }
        }
        let sessions: Vec<&SessionId> = listed.iter().map(|agent| &agent.session).collect();
        let mut claims: BTreeMap<SessionId, Vec<TaskId>> = BTreeMap::new();
        for (session, task) in cx.view.claims_of_all(&sessions)? {
            claims.entry(session).or_default().push(task);
        }
        let mut filling = Filling::new(limit);
        let (mut agents, mut next) = (Vec::<AgentShape>::new(), None);
        for agent in listed {
            let held = claims.remove(&agent.session).unwrap_or_default();
            match filling.take(agent, |agent| Ok::<_, OpError>(AgentShape::holding(cx, &agent, held)), AgentShape::text_bytes)? {
                Some(shape) => agents.push(shape),
                None => {
                    next =
                        agents.last().filter(|_| page::goes_on(true)).map(|last| cursor::after_place(cx.view, &last.name)).transpose()?;
                    break;
                }
            }
        }
        match self.at_least {
            Some(wanted) if active < wanted => Err(Rejection::NotEnoughAgents { active, wanted }.into()),
            _ => Ok(AgentsReply { agents, active, next }),
        }
    }
}

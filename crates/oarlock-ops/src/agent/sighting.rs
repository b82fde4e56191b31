//! An agent was seen elsewhere. No door lists it: only the bridge to RALF's files orders it.

use clap::Args;
use oarlock_model::{AgentName, Rejection};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::agent::{Heartbeat, ShowAgentReply};
use crate::caller::{Caller, Identity};
use crate::context::Deciding;
use crate::lock::Lock;
use crate::request::{Mutation, Request};
use crate::shapes::AgentShape;
use crate::store::Durability;

/// Notes when an agent that beats in a file was last seen: a while ago, and not now, as by a heartbeat of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Sighting {
    /// The agent; it has joined.
    pub name: AgentName,
    /// How long ago it was seen, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub seen_ms_ago: i64,
    /// It joined for this: its joining was no sign of life.
    #[arg(long)]
    #[serde(default)]
    pub is_first: bool,
    /// Its content: all of it, so that a left-out fact is no longer true.
    #[command(flatten)]
    #[serde(flatten)]
    pub says: Heartbeat,
}

impl Request for Sighting {
    const VERB: &'static str = "sighting";
    const ABOUT: &'static str = "Record when an agent was seen elsewhere";
    const EXAMPLE: &'static [&'static str] = &[];
    const IDENTITY: Identity = Identity::Optional;
    type Reply = ShowAgentReply;

    fn check(&self) -> Result<(), Rejection> {
        self.says.check()
    }
}

impl Mutation for Sighting {
    const DURABILITY: Durability = Durability::Presence;

    fn locks(&self, _caller: &Caller) -> Vec<Lock> {
        vec![Lock::Agent(self.name.clone())]
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<ShowAgentReply, OpError> {
        let mut agent = cx.reading().agent(&self.name)?;
        let now = cx.now();
        let ago_ms = self.seen_ms_ago.clamp(0, oarlock_model::limits::DURATION_MS_MAX);
        let (seen, seen_wall) = (now.store.plus_ms(-ago_ms), now.wall.plus_ms(-ago_ms));
        let presence = &mut agent.presence;
        if self.is_first || seen > presence.seen {
            (presence.seen, presence.seen_wall) = (seen, seen_wall);
        }
        presence.beat = if self.is_first { seen } else { presence.beat.max(seen) };
        self.says.tell(presence, seen);
        presence.status.clone_from(&self.says.status);
        presence.action.clone_from(&self.says.action);
        if agent.is_live() {
            cx.tx().write_presence(&agent.name, &agent.presence)?;
        }
        Ok(ShowAgentReply { agent: AgentShape::of(&cx.reading(), &agent)? })
    }
}

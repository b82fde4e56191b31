//! Operations on agents: join, agents, agent, heartbeat, leave.

mod heartbeat;
mod join;
pub(crate) mod leave;
mod list;
pub(crate) mod notices;
mod show;
mod sighting;

pub use heartbeat::{Heartbeat, HeartbeatReply};
pub use join::{Join, JoinReply};
pub use leave::{Leave, LeaveReply};
pub use list::{Agents, AgentsReply};
pub use notices::Notices;
pub use show::{ShowAgent, ShowAgentReply};
pub use sighting::Sighting;

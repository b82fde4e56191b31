//! Operations on agents: join, agents, agent, heartbeat, leave.

mod heartbeat;
mod join;
mod leave;
mod list;
mod show;

pub use heartbeat::{Heartbeat, HeartbeatReply};
pub use join::{Join, JoinReply};
pub use leave::{Leave, LeaveReply};
pub use list::{Agents, AgentsReply};
pub use show::{ShowAgent, ShowAgentReply};

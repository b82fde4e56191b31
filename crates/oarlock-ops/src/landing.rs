//! Operations of the landing queue. No door lists them but `landing-status`: the worker of a queue orders them. Git is not asked here; a commit
//! is a name that the worker passes on.

mod queue;
mod steps;

pub use queue::{LandingStatus, LandingStatusReply, QueuedTask, TakeLandings, TakeLandingsReply, WaitingTask};
pub use steps::{Land, LandingReply, RefuseLanding, RequeueLanding, StartLanding, TestedLanding};

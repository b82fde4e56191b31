//! Operations of the landing queue and of the radar. No door lists them but `landing-status`: the worker of a queue and the radar order them. Git is not asked here; a commit
//! is a name that the worker passes on.

mod predict;
mod queue;
mod steps;

pub use predict::{PredictConflict, PredictConflictReply};
pub use queue::{LandingStatus, LandingStatusReply, QueuedTask, TakeLandings, TakeLandingsReply, WaitingTask};
pub use steps::{Land, LandingReply, RefuseLanding, RequeueLanding, StartLanding, TestedLanding};

//! The fact that two tasks would conflict.

use serde::{Deserialize, Serialize};

use crate::conflict::ConflictFile;
use crate::ident::{AgentName, TaskId};

/// See [`Fact::ConflictPredicted`](super::Fact::ConflictPredicted).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConflictPredicted {
    /// The first task, by its id.
    pub id: TaskId,
    /// The second one.
    pub with: TaskId,
    /// The files in which they conflict; none when they do not conflict any more.
    pub files: Vec<ConflictFile>,
    /// The agents that got a notice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notified: Vec<AgentName>,
}

//! What is asked of the splitter, and what of it is refused.

use oarlock_model::ident::is_identifier;
use oarlock_model::limits::{IDENTIFIER_CHARS_MAX, SUBTASKS_MAX};

use crate::PlanError;
use crate::parts::floor::Floor;
use crate::parts::grouping::Grouping;

/// What is asked of the splitter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Identifier of the parent task; the parts are `PARENT-SUB1` and so on, so it leaves room for that.
    pub task: String,
    /// Agents that may work at once, at least 1.
    pub agents: usize,
    /// Most parts, 1 to 1,000; 99 when absent.
    pub subtasks_max: Option<usize>,
    /// What a part holds.
    pub grouping: Grouping,
    /// What the document must have at least.
    pub floor: Option<Floor>,
}

impl Options {
    /// The usual asking: three agents.
    #[must_use]
    pub fn new(task: impl Into<String>) -> Self {
        Self { task: task.into(), agents: 3, subtasks_max: None, grouping: Grouping::Auto, floor: None }
    }

    pub(crate) fn check(&self) -> Result<(), PlanError> {
        if !is_identifier(&self.task) {
            return Err(PlanError::TaskInvalid { task: oarlock_model::ident::shown(&self.task) });
        }
        let limit = IDENTIFIER_CHARS_MAX - "-SUB1000".len();
        if self.task.len() > limit {
            return Err(PlanError::TaskTooLong { task: self.task.clone(), limit });
        }
        if self.agents == 0 {
            return Err(PlanError::NoAgents);
        }
        if self.subtasks_max.is_some_and(|max| max == 0 || max > SUBTASKS_MAX) {
            return Err(PlanError::SubtasksMaxInvalid { limit: SUBTASKS_MAX });
        }
        Ok(())
    }
}

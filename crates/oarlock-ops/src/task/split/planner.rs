//! Who makes the plan of a split.

use oarlock_model::Rejection;
use oarlock_model::ident::shown;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// Who makes a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Planner {
    /// The rules of Oarlock.
    #[default]
    Rules,
    /// An agent that was asked for it; Oarlock checks its plan and adds the orders that the document states.
    Agent,
}

impl FromStr for Planner {
    type Err = Rejection;

    fn from_str(text: &str) -> Result<Self, Rejection> {
        match text {
            "rules" => Ok(Self::Rules),
            "agent" => Ok(Self::Agent),
            _ => Err(Rejection::invalid(format!("\"{}\" is not a planner", shown(text)), "rules or agent")),
        }
    }
}

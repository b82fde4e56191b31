//! The plan: how a task is cut into parts, and what orders them.
//! These are the values that the `split` verb prints and reads; the rules that make them live in the other modules.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A task cut into parts, in the shape in which every door shows it (fields that do not apply are absent, never null).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// Identifier of the parent task.
    #[serde(default)]
    pub task: String,
    /// Whether the work is cut into parts: for a plan of the splitter because at least two can run at once and that is
    /// worth it, for a given plan because it has at least two.
    #[serde(default)]
    pub parallelizable: bool,
    /// How the document is written: `speckit`, `kiro`, `openspec`, `superpowers`, `issues`, `bmad`, `agentos`, `backlog`, `prp`, `gsd`,
    /// `cursor`, `taskmaster`, `ralf`, or `plain`. Absent for a given plan that names its parts.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub format: String,
    /// Who made the plan: `rules` of this crate, an `agent` that was asked for it, or it was `given` by the caller.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub planner: String,
    /// Why the work stays in one piece; absent when it is parallelizable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The steps of the document, in its order.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// The parts; each step is in exactly one of them. One part when the work stays in one piece, none without steps.
    #[serde(default)]
    pub subtasks: Vec<Subtask>,
    /// What orders the steps, without the pairs that follow from other pairs (stated dependencies are always here).
    #[serde(default)]
    pub edges: Vec<Edge>,
    /// Identifiers of the parts that can start together, wave after wave.
    #[serde(default)]
    pub waves: Vec<Vec<String>>,
    /// Minutes until the last part is finished, with the asked number of agents and list scheduling.
    #[serde(default)]
    pub makespan_minutes: u64,
    /// Minutes that one agent alone needs.
    #[serde(default)]
    pub serial_minutes: u64,
    /// How many agents are worth it; absent for a given plan that names its parts, for one of more than 400 steps, and for one without steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<Advice>,
    /// Files that several steps write, and that keep them in order.
    #[serde(default)]
    pub conflicts: Vec<Conflict>,
    /// What a person should look at before trusting the plan.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// How many agents are worth it for a plan.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Advice {
    /// The smallest number of agents that needs at most 5 % more time than the best.
    pub agents: usize,
    /// Minutes until the last part is finished, for each number of agents from 1 to 8.
    #[serde(deserialize_with = "keys_as_numbers")]
    pub makespan_minutes: BTreeMap<usize, u64>,
    /// Why more agents do not help; absent where they do, and where the plan is not split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Keys of JSON objects are texts, and serde turns them into numbers only where it reads the text itself, not below a flattened field.
fn keys_as_numbers<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<usize, u64>, D::Error> {
    let minutes = BTreeMap::<String, u64>::deserialize(deserializer)?;
    minutes.into_iter().map(|(agents, minutes)| Ok((agents.parse().map_err(serde::de::Error::custom)?, minutes))).collect()
}

/// One step of the document: a list item, a phase or a heading with the text below it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// Number from 1 in document order.
    pub n: usize,
    /// One line of text without markup.
    #[serde(default)]
    pub title: String,
    /// First line in the document, from 1.
    #[serde(default)]
    pub line: usize,
    /// Last line in the document, inclusive; the step's nested text is covered.
    #[serde(default)]
    pub end: usize,
    /// All its lines: first and last of each range, from 1, both included. Usually one range, that of `line` and `end`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<[usize; 2]>,
    /// Patterns of the files that it creates or changes, as far as the document shows them.
    #[serde(default)]
    pub writes: Vec<String>,
    /// Minutes stated by the document for this step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate_minutes: Option<u64>,
    /// Title of the phase that the step belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
}

/// One part of the work: what one agent claims.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Subtask {
    /// Identifier, `PARENT-SUB1` and so on unless a given plan named it otherwise.
    pub id: String,
    /// One line of text.
    pub title: String,
    /// Numbers of its steps, ascending.
    #[serde(default)]
    pub steps: Vec<usize>,
    /// Identifiers of the parts that must be done before it.
    #[serde(default)]
    pub depends_on: Vec<String>,
    /// Patterns of the files that it creates or changes.
    #[serde(default)]
    pub writes: Vec<String>,
    /// Capabilities that its agent must have.
    #[serde(default)]
    pub capabilities: Vec<String>,
    /// Minutes, stated or assumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate_minutes: Option<u64>,
    /// Name of the agent that it is meant for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned: Option<String>,
}

/// An order between two steps: `to` starts when `from` is done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Edge {
    /// Number of the earlier step.
    pub from: usize,
    /// Number of the later step.
    pub to: usize,
    /// One line for people.
    #[serde(default)]
    pub reason: String,
    /// How sure the order is, 0 to 1: stated ones are near 1, "nothing shows otherwise" is low.
    #[serde(default = "sure")]
    pub confidence: f64,
}

/// A file that two steps write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Conflict {
    /// Numbers of the two steps.
    pub steps: [usize; 2],
    /// The file or pattern.
    pub path: String,
    /// One line for people: how the plan deals with it.
    pub message: String,
}

/// A given plan that states an edge without a confidence means it.
fn sure() -> f64 {
    1.0
}

//! The graph of a store's tasks.

use oarlock_ops::shapes::{HolderShape, TaskShape};
use std::collections::{BTreeMap, BTreeSet};

use crate::graph::{Graph, Node};

impl Graph {
    /// The graph of these tasks. A task waits for its needs, for its parts, and for the needs of the tasks above it.
    pub fn of_tasks(tasks: &[TaskShape]) -> Self {
        let by_id: BTreeMap<&str, &TaskShape> = tasks.iter().map(|task| (task.id.as_str(), task)).collect();
        let mut needs = Vec::new();
        for task in tasks {
            if let Some(parent) = &task.parent {
                needs.push((task.id.to_string(), parent.to_string()));
            }
            // Parents may be chained, but not in a circle: a store refuses that. A damaged one ends after as many steps as there are tasks.
            let mut above = Some(task);
            for _ in 0..=tasks.len() {
                let Some(at) = above else { break };
                needs.extend(at.needs.iter().map(|need| (need.to_string(), task.id.to_string())));
                above = at.parent.as_ref().and_then(|parent| by_id.get(parent.as_str()).copied());
            }
        }
        let whole: BTreeSet<&str> = tasks.iter().filter_map(|task| task.parent.as_ref()).map(|parent| parent.as_str()).collect();
        Self::new(tasks.iter().map(|task| node(task, whole.contains(task.id.as_str()))).collect(), &needs)
    }
}

/// The node of a task. The estimate of one that has parts is that of its parts.
fn node(task: &TaskShape, has_parts: bool) -> Node {
    let agent = match &task.holder {
        Some(HolderShape::Agent { agent, .. }) => Some(agent.to_string()),
        Some(HolderShape::Outside { agent, .. }) => agent.clone(),
        None => None,
    };
    let minutes = task.estimate_minutes.filter(|_| !has_parts);
    Node { id: task.id.to_string(), title: task.title.clone(), state: task.state, agent, minutes }
}

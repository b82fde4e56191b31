//! Tasks and which waits for which.

use oarlock_model::task::TaskState;
use std::collections::{BTreeMap, BTreeSet};

/// Nodes of one picture: a larger one can neither be read nor laid out at once.
pub const NODES_MAX: usize = 2_000;

/// A task in a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its state.
    pub state: TaskState,
    /// Who holds it, or had it last.
    pub agent: Option<String>,
    /// The time it takes, in minutes; absent where nobody has estimated it.
    pub minutes: Option<u32>,
}

/// Tasks, and which of them must be done before which.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    /// The tasks.
    pub nodes: Vec<Node>,
    /// Pairs of places in `nodes`: the first must be done before the second. Sorted, each once, and without a cycle.
    pub edges: Vec<(usize, usize)>,
    /// The layer of each node: 0 for those that wait for none of the others, else one more than the highest layer among those it waits for.
    pub layers: Vec<usize>,
    /// Whether each node lies on the critical path: the chain of unfinished tasks that takes longest. Tasks without an estimate count as one
    /// minute.
    pub critical: Vec<bool>,
}

impl Graph {
    /// A graph of these nodes and needs: pairs of the id that must be done first and the id that waits for it. Needs that name other tasks, or
    /// would close a cycle, are left out: a picture shows what can be shown.
    pub fn new(nodes: Vec<Node>, needs: &[(String, String)]) -> Self {
        let place: BTreeMap<&str, usize> = nodes.iter().enumerate().map(|(at, node)| (node.id.as_str(), at)).collect();
        let pairs: BTreeSet<(usize, usize)> = needs
            .iter()
            .filter_map(|(before, after)| Some((*place.get(before.as_str())?, *place.get(after.as_str())?)))
            .filter(|(before, after)| before != after)
            .collect();
        let (order, layers) = layers(nodes.len(), &pairs);
        let rank: BTreeMap<usize, usize> = order.iter().enumerate().map(|(rank, node)| (*node, rank)).collect();
        let edges: Vec<(usize, usize)> = pairs.into_iter().filter(|(before, after)| rank[before] < rank[after]).collect();
        let critical = critical(&nodes, &edges, &order);
        Self { nodes, edges, layers, critical }
    }

    /// Whether an edge lies on the critical path.
    pub fn is_critical(&self, edge: (usize, usize)) -> bool {
        self.critical[edge.0] && self.critical[edge.1] && self.layers[edge.1] == self.next_critical_layer(edge.0)
    }

    /// The layer of the critical node that comes next after this one; the critical path has one node in each of its layers.
    fn next_critical_layer(&self, from: usize) -> usize {
        let later = (0..self.nodes.len()).filter(|node| self.critical[*node] && self.layers[*node] > self.layers[from]);
        later.map(|node| self.layers[node]).min().unwrap_or(0)
    }

    /// The ids of the critical path, first to last.
    pub fn critical_path(&self) -> Vec<&str> {
        let mut path: Vec<usize> = (0..self.nodes.len()).filter(|node| self.critical[*node]).collect();
        path.sort_by_key(|node| self.layers[*node]);
        path.into_iter().map(|node| self.nodes[node].id.as_str()).collect()
    }
}

/// An order in which every node comes after those it waits for, and the layer of each (Kahn's algorithm). Where needs close a cycle, its
/// nodes follow in their own order.
fn layers(count: usize, pairs: &BTreeSet<(usize, usize)>) -> (Vec<usize>, Vec<usize>) {
    let (mut waits, mut after) = (vec![0_usize; count], vec![Vec::new(); count]);
    for (before, behind) in pairs {
        waits[*behind] += 1;
        after[*before].push(*behind);
    }
    let mut layers = vec![0; count];
    let mut order: Vec<usize> = (0..count).filter(|node| waits[*node] == 0).collect();
    let (mut done, mut is_ordered) = (0, vec![false; count]);
    loop {
        while let Some(node) = order.get(done).copied() {
            done += 1;
            is_ordered[node] = true;
            for next in &after[node] {
                if is_ordered[*next] {
                    continue;
                }
                layers[*next] = layers[*next].max(layers[node] + 1);
                waits[*next] = waits[*next].saturating_sub(1);
                if waits[*next] == 0 && !order[done..].contains(next) {
                    order.push(*next);
                }
            }
        }
        match (0..count).find(|node| !is_ordered[*node]) {
            Some(of_a_cycle) => order.push(of_a_cycle),
            None => return (order, layers),
        }
    }
}

/// The chain of unfinished nodes that takes longest; the first of several.
fn critical(nodes: &[Node], edges: &[(usize, usize)], order: &[usize]) -> Vec<bool> {
    let minutes = |node: usize| u64::from(nodes[node].minutes.unwrap_or(1).max(1));
    let is_open = |node: usize| !nodes[node].state.is_finished();
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    for (from, to) in edges {
        if is_open(*from) && is_open(*to) {
            before[*to].push(*from);
        }
    }
    let (mut ends, mut from) = (vec![0_u64; nodes.len()], vec![None; nodes.len()]);
    for node in order.iter().copied().filter(|node| is_open(*node)) {
        // Of several that end at once the first is taken, so that the same graph gives the same path.
        let last = before[node].iter().copied().max_by_key(|previous| (ends[*previous], std::cmp::Reverse(*previous)));
        ends[node] = last.map_or(0, |previous| ends[previous]) + minutes(node);
        from[node] = last;
    }
    let mut critical = vec![false; nodes.len()];
    let mut at = (0..nodes.len()).filter(|node| ends[*node] > 0).max_by_key(|node| (ends[*node], std::cmp::Reverse(*node)));
    while let Some(node) = at {
        critical[node] = true;
        at = from[node];
    }
    critical
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A graph of tasks `id:state:minutes` and needs `before>after`.
    pub(crate) fn graph(nodes: &[&str], needs: &[&str]) -> Graph {
        let nodes = nodes.iter().map(|node| {
            let mut parts = node.split(':');
            let id = parts.next().expect("an id").to_owned();
            let state: TaskState = parts.next().unwrap_or("ready").parse().expect("a state");
            Node {
                title: format!("do {id}"),
                id,
                state,
                agent: None,
                minutes: parts.next().map(|minutes| minutes.parse().expect("minutes")),
            }
        });
        let pair = |need: &&str| need.split_once('>').map(|(before, after)| (before.to_owned(), after.to_owned())).expect("a need");
        Graph::new(nodes.collect(), &needs.iter().map(pair).collect::<Vec<_>>())
    }

    #[test]
    fn layers_follow_the_needs() {
        let made = graph(&["a", "b", "c", "d", "e"], &["a>b", "a>c", "b>d", "c>d", "a>d", "a>d", "x>a", "e>e"]);
        assert_eq!(made.layers, [0, 1, 1, 2, 0]);
        assert_eq!(made.edges, [(0, 1), (0, 2), (0, 3), (1, 3), (2, 3)]);
    }

    #[test]
    fn a_cycle_loses_an_edge_and_no_node() {
        let made = graph(&["a", "b", "c"], &["a>b", "b>c", "c>a"]);
        assert_eq!(made.nodes.len(), 3);
        assert_eq!(made.edges, [(0, 1), (1, 2)]);
    }

    #[test]
    fn the_critical_path_is_the_longest_of_what_is_not_finished() {
        let made = graph(
            &["a:done:500", "b:ready:10", "c:blocked:30", "d:ready:35", "e:blocked:5", "f:cancelled:90"],
            &["a>b", "b>c", "d>e", "c>e", "f>e"],
        );
        assert_eq!(made.critical_path(), ["b", "c", "e"]);
        let critical: Vec<_> = made.edges.iter().filter(|edge| made.is_critical(**edge)).collect();
        assert_eq!(critical, [&(1, 2), &(2, 4)]);
        assert!(graph(&["a:done"], &[]).critical_path().is_empty());
        assert_eq!(graph(&["a", "b"], &[]).critical_path(), ["a"], "one of several that take as long");
    }
}

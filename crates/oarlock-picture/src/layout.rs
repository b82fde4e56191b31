//! The place of each node: layers from left to right, as few crossings as the heuristic finds.

use rust_sugiyama::configure::{Config, RankingType};
use rust_sugiyama::from_vertices_and_edges;

use crate::graph::Graph;

/// The width of a node, in pixels.
pub(crate) const NODE_WIDTH: f64 = 190.0;
/// The height of a node.
pub(crate) const NODE_HEIGHT: f64 = 46.0;
/// Space between two layers, for the edges.
const LAYER_GAP: f64 = 60.0;
/// Space between two nodes of a layer, and between two parts of a picture.
const NODE_GAP: f64 = 18.0;
/// Nodes that stand below each other where nothing connects them.
const LOOSE_ROWS: usize = 12;

/// A node's place: the top left corner, in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Placed {
    /// From the left.
    pub x: f64,
    /// From the top.
    pub y: f64,
}

/// A picture's size, and the place of each node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layout {
    /// The width, in pixels.
    pub width: f64,
    /// The height.
    pub height: f64,
    /// Places in the order of the graph's nodes.
    pub places: Vec<Placed>,
}

/// Lays a graph out, its first layer at the left: the method of Sugiyama, Tagawa and Toda (1981), with coordinates by Brandes and Köpf (2001).
/// Parts that no edge connects stand below each other, and nodes without any edge in columns at the end.
pub fn layout(graph: &Graph) -> Layout {
    let mut made = Layout { places: vec![Placed::default(); graph.nodes.len()], ..Layout::default() };
    let mut has_edge = vec![false; graph.nodes.len()];
    for (from, to) in &graph.edges {
        (has_edge[*from], has_edge[*to]) = (true, true);
    }
    // The library names nodes in its answer by their place in the list that it was given, whatever their numbers are.
    let joined: Vec<usize> = (0..graph.nodes.len()).filter(|node| has_edge[*node]).collect();
    let mut number = vec![0_u32; graph.nodes.len()];
    for (at, node) in (0_u32..).zip(&joined) {
        number[*node] = at;
    }
    // It lays layers out from top to bottom. Here they go from left to right, so a node's height is its width there.
    let vertices: Vec<(u32, (f64, f64))> = joined.iter().map(|node| (number[*node], (NODE_HEIGHT + NODE_GAP, 1.0))).collect();
    let edges: Vec<(u32, u32)> = graph.edges.iter().map(|(from, to)| (number[*from], number[*to])).collect();
    let config = Config {
        // Each task as early as it can begin, which is also what takes least time for thousands of edges.
        ranking_type: RankingType::Up,
        vertex_spacing: 1.0,
        ..Config::default()
    };
    let mut parts: Vec<Vec<(usize, f64)>> = if vertices.is_empty() {
        Vec::new()
    } else {
        let laid = from_vertices_and_edges(&vertices, &edges, &config);
        laid.into_iter().map(|(nodes, _, _)| nodes.into_iter().map(|(at, (across, _))| (joined[at], across)).collect()).collect()
    };
    // The library gives parts and nodes in no certain order.
    for part in &mut parts {
        part.sort_by_key(|(node, _)| *node);
    }
    parts.sort_by_key(|part| part.first().map(|(node, _)| *node));
    let column = |layer: usize| layer as f64 * (NODE_WIDTH + LAYER_GAP);
    for part in parts {
        let top = part.iter().map(|(_, across)| *across).fold(f64::INFINITY, f64::min);
        let below = if made.height > 0.0 { made.height + NODE_GAP } else { 0.0 };
        for (node, across) in part {
            let place = Placed { x: column(graph.layers[node]), y: below + (across - top).round() };
            made.place(node, place);
        }
    }
    let below = if made.height > 0.0 { made.height + NODE_GAP } else { 0.0 };
    for (n, node) in (0..graph.nodes.len()).filter(|node| !has_edge[*node]).enumerate() {
        let (column, row) = (n / LOOSE_ROWS, n % LOOSE_ROWS);
        let place = Placed { x: column as f64 * (NODE_WIDTH + NODE_GAP), y: below + row as f64 * (NODE_HEIGHT + NODE_GAP) };
        made.place(node, place);
    }
    made
}

impl Layout {
    fn place(&mut self, node: usize, place: Placed) {
        self.places[node] = place;
        self.width = self.width.max(place.x + NODE_WIDTH);
        self.height = self.height.max(place.y + NODE_HEIGHT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::tests::graph;

    fn overlap(a: Placed, b: Placed) -> bool {
        (a.x - b.x).abs() < NODE_WIDTH && (a.y - b.y).abs() < NODE_HEIGHT
    }

    #[test]
    fn no_node_lies_on_another_and_none_stands_before_one_it_waits_for() {
        let names: Vec<String> = (0..120).map(|n| format!("n{n}")).collect();
        let nodes: Vec<&str> = names.iter().map(String::as_str).collect();
        // Needs as plans have them: each of some earlier ones; every eleventh is alone.
        let needs: Vec<String> = (1..120_usize)
            .filter(|n| n % 11 != 0)
            .flat_map(|n| [(n * 7 + 3) % n, (n * 5) % n].map(|before| format!("n{before}>n{n}")))
            .collect();
        let made = graph(&nodes, &needs.iter().map(String::as_str).collect::<Vec<_>>());
        let laid = layout(&made);
        for a in 0..120 {
            for b in 0..a {
                assert!(!overlap(laid.places[a], laid.places[b]), "{a} {b}: {:?} {:?}", laid.places[a], laid.places[b]);
            }
            assert!(laid.places[a].x + NODE_WIDTH <= laid.width && laid.places[a].y + NODE_HEIGHT <= laid.height);
            assert!(laid.places[a].x >= 0.0 && laid.places[a].y >= 0.0);
        }
        for (from, to) in &made.edges {
            assert!(laid.places[*from].x + NODE_WIDTH < laid.places[*to].x, "{from} {to}");
        }
        assert_eq!(laid, layout(&made), "the same graph gives the same picture");
    }

    #[test]
    fn graphs_without_edges_or_nodes_have_a_layout() {
        assert_eq!(layout(&graph(&[], &[])), Layout::default());
        let loose = layout(&graph(&["a", "b"], &[]));
        assert!(!overlap(loose.places[0], loose.places[1]));
    }
}

//! The layers, as lines.

use std::fmt::Write;

use crate::escape::line;
use crate::graph::Graph;

/// The graph as text: the tasks of each layer, with those that each waits for. Tasks on the critical path have an asterisk.
pub fn text(graph: &Graph) -> String {
    let mut needs: Vec<Vec<&str>> = vec![Vec::new(); graph.nodes.len()];
    for (from, to) in &graph.edges {
        needs[*to].push(&graph.nodes[*from].id);
    }
    let id_columns = graph.nodes.iter().map(|node| node.id.len()).max().unwrap_or(0);
    let state_columns = graph.nodes.iter().map(|node| node.state.as_str().len()).max().unwrap_or(0);
    let mut out = String::new();
    let last = graph.layers.iter().max().map_or(0, |last| last + 1);
    for layer in 0..last {
        let _ = writeln!(out, "layer {}", layer + 1);
        for (n, node) in graph.nodes.iter().enumerate().filter(|(n, _)| graph.layers[*n] == layer) {
            let mark = if graph.critical[n] { '*' } else { ' ' };
            let (id, state) = (line(&node.id, 64), node.state.as_str());
            let _ = write!(out, "{mark} {id:id_columns$}  {state:state_columns$}  {}", line(&node.title, 60));
            if let Some(agent) = &node.agent {
                let _ = write!(out, "  by {}", line(agent, 64));
            }
            if !needs[n].is_empty() {
                let _ = write!(out, "  after {}", needs[n].join(", "));
            }
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::graph::tests::graph;

    #[test]
    fn layers_are_lines() {
        let mut made = graph(&["api:done", "page:claimed:30", "tests:blocked"], &["api>tests", "page>tests"]);
        made.nodes[1].agent = Some("ada".into());
        assert_eq!(
            super::text(&made),
            "layer 1\n  api    done     do api\n* page   claimed  do page  by ada\nlayer 2\n* tests  blocked  do tests  after api, page\n"
        );
        assert_eq!(super::text(&graph(&[], &[])), "");
    }
}

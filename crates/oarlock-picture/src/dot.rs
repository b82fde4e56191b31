//! Graphviz's language.

use std::fmt::Write;

use crate::escape::line;
use crate::graph::Graph;

/// The graph in DOT (the language of Graphviz), from left to right.
pub fn dot(graph: &Graph) -> String {
    let mut out = String::from("digraph tasks {\n  rankdir=LR;\n  node [shape=box, style=rounded, fontname=\"sans-serif\"];\n");
    for node in &graph.nodes {
        let agent = node.agent.as_ref().map_or(String::new(), |agent| format!(" · {agent}"));
        let label = format!("{}\\n{}\\n{}{}", quoted(&node.id), quoted(&node.title), node.state.as_str(), quoted(&agent));
        let _ = writeln!(out, "  \"{}\" [label=\"{label}\"];", quoted(&node.id));
    }
    for edge in &graph.edges {
        let bold = if graph.is_critical(*edge) { " [penwidth=2.5]" } else { "" };
        let _ = writeln!(out, "  \"{}\" -> \"{}\"{bold};", quoted(&graph.nodes[edge.0].id), quoted(&graph.nodes[edge.1].id));
    }
    out.push_str("}\n");
    out
}

/// A text inside a quoted string: a backslash there begins an escape of Graphviz's own.
fn quoted(text: &str) -> String {
    line(text, 60).replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use crate::graph::tests::graph;

    #[test]
    fn nodes_and_edges_are_quoted() {
        let mut made = graph(&["a:done", "b:ready:5", "c:blocked:5"], &["a>b", "b>c"]);
        made.nodes[1].title = "say \"hi\" \\ bye\n]; x [".into();
        made.nodes[1].agent = Some("ada".into());
        assert_eq!(
            super::dot(&made),
            "digraph tasks {\n  rankdir=LR;\n  node [shape=box, style=rounded, fontname=\"sans-serif\"];\n  \
             \"a\" [label=\"a\\ndo a\\ndone\"];\n  \
             \"b\" [label=\"b\\nsay \\\"hi\\\" \\\\ bye\\\\u{a}]; x [\\nready · ada\"];\n  \
             \"c\" [label=\"c\\ndo c\\nblocked\"];\n  \
             \"a\" -> \"b\";\n  \"b\" -> \"c\" [penwidth=2.5];\n}\n"
        );
    }
}

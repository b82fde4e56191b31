//! Mermaid's flowcharts, as forges draw them in Markdown.

use std::fmt::Write;

use crate::escape::line;
use crate::graph::Graph;

/// The graph as a flowchart of Mermaid, from left to right. Nodes are numbered: an id may be a word of Mermaid's own, such as `end`.
pub fn mermaid(graph: &Graph) -> String {
    let mut out = String::from("flowchart LR\n");
    for (n, node) in graph.nodes.iter().enumerate() {
        let agent = node.agent.as_ref().map_or(String::new(), |agent| format!(" · {}", quoted(agent)));
        let _ = writeln!(out, "  n{n}[\"{}<br/>{}<br/>{}{agent}\"]", quoted(&node.id), quoted(&node.title), node.state.as_str());
    }
    for (from, to) in &graph.edges {
        let arrow = if graph.is_critical((*from, *to)) { "==>" } else { "-->" };
        let _ = writeln!(out, "  n{from} {arrow} n{to}");
    }
    out
}

/// A text inside a quoted label: what Mermaid, or the page around it, reads as more than text is written as an entity of Mermaid's
/// (<https://mermaid.js.org/syntax/flowchart.html>, "Entity codes to escape characters"). A backtick would begin Markdown.
fn quoted(text: &str) -> String {
    let mut out = String::new();
    for c in line(text, 60).chars() {
        match c {
            '"' => out.push_str("#quot;"),
            '#' | '&' | '<' | '>' | '`' | ';' | '\\' => {
                let _ = write!(out, "#{};", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::graph::tests::graph;

    #[test]
    fn labels_stay_labels() {
        let mut made = graph(&["end:done", "b", "c:blocked"], &["end>b", "b>c"]);
        made.nodes[1].title = "a \"b\" <script>#x;`y`</script>".into();
        assert_eq!(
            super::mermaid(&made),
            "flowchart LR\n  n0[\"end<br/>do end<br/>done\"]\n  \
             n1[\"b<br/>a #quot;b#quot; #60;script#62;#35;x#59;#96;y#96;#60;/script#62;<br/>ready\"]\n  \
             n2[\"c<br/>do c<br/>blocked\"]\n  n0 --> n1\n  n1 ==> n2\n"
        );
    }
}

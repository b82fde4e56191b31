//! Scalable Vector Graphics: one file that needs nothing else.

use oarlock_model::task::TaskState;
use std::fmt::Write;

use crate::escape::xml;
use crate::graph::Graph;
use crate::layout::{Layout, NODE_HEIGHT, NODE_WIDTH, Placed, layout};

/// Space around the picture, in pixels.
pub(crate) const MARGIN: f64 = 16.0;
/// The height of the line below the picture that explains it.
const LEGEND_HEIGHT: f64 = 30.0;
/// Columns of a node's first line.
const ID_COLUMNS: usize = 20;
/// Columns of a node's second line.
const TITLE_COLUMNS: usize = 27;

/// Colours by state, in light and in dark, chosen so that text on them has a contrast of at least 4.5 to 1 (WCAG 2.1, criterion 1.4.3). States
/// are also shown by a sign and a word.
pub(crate) const STYLE: &str = "\
svg{--ink:#1c2430;--soft:#55606e;--paper:#fff;--line:#8b96a5;--ready:#d9f2e1;--claimed:#d6ecff;--blocked:#f3f0e6;--review:#efe2fb;--done:#e7ebef;--dead:#fde0dd}\
@media(prefers-color-scheme:dark){svg{--ink:#e8edf3;--soft:#a9b4c1;--paper:#11161d;--line:#667383;--ready:#12402a;--claimed:#0f3a5c;--blocked:#35311f;\
--review:#3b2357;--done:#252d36;--dead:#59211d}}\
text{font:12px ui-sans-serif,system-ui,sans-serif;fill:var(--ink)}.id{font-weight:600}.soft{fill:var(--soft);font-size:11px}\
rect{stroke:var(--line)}.paper{fill:var(--paper);stroke:none}.critical{stroke:var(--ink);stroke-width:2}\
path{fill:none;stroke:var(--line);stroke-width:1.3}path.critical{stroke:var(--ink);stroke-width:2.2}\
.ready{fill:var(--ready)}.claimed{fill:var(--claimed)}.blocked{fill:var(--blocked)}.review{fill:var(--review)}.done{fill:var(--done)}.dead{fill:var(--dead)}";

/// The graph as SVG: layers from left to right, the critical path with strong lines. Light or dark as the reader's system is.
pub fn svg(graph: &Graph) -> String {
    let laid = layout(graph);
    let (width, height) = (laid.width.max(NODE_WIDTH) + 2.0 * MARGIN, laid.height + 2.0 * MARGIN + LEGEND_HEIGHT);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-label=\"{} tasks and their order\" width=\"{width}\" \
         height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n<style>{STYLE}</style>\n<rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>\n\
         <defs><marker id=\"head\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerUnits=\"userSpaceOnUse\" markerWidth=\"9\" markerHeight=\"9\" orient=\"auto\">\
         <path d=\"M0 0L8 4L0 8z\" style=\"fill:var(--line);stroke:none\"/></marker></defs>\n",
        graph.nodes.len()
    );
    for edge in &graph.edges {
        draw_edge(&mut out, graph, &laid, *edge);
    }
    for (n, place) in laid.places.iter().enumerate() {
        draw_node(&mut out, graph, n, *place);
    }
    let _ = writeln!(out, "<text class=\"soft\" x=\"{MARGIN}\" y=\"{}\">{}</text>\n</svg>", height - MARGIN + 4.0, legend(graph));
    out
}

/// From the right side of one node to the left side of another: level at both ends, so that edges of a layer leave it side by side.
fn draw_edge(out: &mut String, graph: &Graph, laid: &Layout, edge: (usize, usize)) {
    let (from, to) = (laid.places[edge.0], laid.places[edge.1]);
    let (x1, y1) = (from.x + MARGIN + NODE_WIDTH, from.y + MARGIN + NODE_HEIGHT / 2.0);
    let (x2, y2) = (to.x + MARGIN - 2.0, to.y + MARGIN + NODE_HEIGHT / 2.0);
    let bend = 30.0;
    let class = if graph.is_critical(edge) { " class=\"critical\"" } else { "" };
    let (a, b) = (x1 + bend, x2 - bend);
    let _ = writeln!(out, "<path{class} d=\"M{x1} {y1}C{a} {y1} {b} {y2} {x2} {y2}\" marker-end=\"url(#head)\"/>");
}

fn draw_node(out: &mut String, graph: &Graph, n: usize, place: Placed) {
    let node = &graph.nodes[n];
    let (x, y) = (place.x + MARGIN, place.y + MARGIN);
    let (sign, class) = look(node.state);
    let critical = if graph.critical[n] { " critical" } else { "" };
    let who = node.agent.as_ref().map_or(String::new(), |agent| format!(", {}", xml(agent, 64)));
    let minutes = node.minutes.map_or(String::new(), |minutes| format!(", {minutes} min"));
    let _ = write!(
        out,
        "<g><title>{}: {} ({}{who}{minutes})</title><rect class=\"{class}{critical}\" x=\"{x}\" y=\"{y}\" width=\"{NODE_WIDTH}\" \
         height=\"{NODE_HEIGHT}\" rx=\"7\"/>",
        xml(&node.id, 64),
        xml(&node.title, 500),
        node.state.as_str()
    );
    let _ = write!(out, "<text class=\"id\" x=\"{}\" y=\"{}\">{sign} {}</text>", x + 9.0, y + 18.0, xml(&node.id, ID_COLUMNS));
    let end = x + NODE_WIDTH - 9.0;
    let _ = write!(out, "<text class=\"soft\" text-anchor=\"end\" x=\"{end}\" y=\"{}\">{}</text>", y + 18.0, node.state.as_str());
    let _ = writeln!(out, "<text x=\"{}\" y=\"{}\">{}</text></g>", x + 9.0, y + 36.0, xml(&node.title, TITLE_COLUMNS));
}

/// The sign and the colour of a state.
fn look(state: TaskState) -> (char, &'static str) {
    match state {
        TaskState::Ready => ('○', "ready"),
        TaskState::Claimed => ('▶', "claimed"),
        TaskState::Blocked | TaskState::Waiting | TaskState::Scheduled => ('…', "blocked"),
        TaskState::Review => ('?', "review"),
        TaskState::Done => ('✓', "done"),
        TaskState::Dead => ('✗', "dead"),
        TaskState::Cancelled => ('–', "dead"),
    }
}

/// How many tasks are in each state, and what the strong lines are.
fn legend(graph: &Graph) -> String {
    let count = |state: TaskState| graph.nodes.iter().filter(|node| node.state == state).count();
    let mut parts: Vec<String> =
        TaskState::ALL.into_iter().filter(|state| count(*state) > 0).map(|state| format!("{} {}", count(state), state.as_str())).collect();
    let path = graph.critical_path();
    if path.len() > 1 {
        parts.push(format!("strong lines: the longest chain, {} tasks", path.len()));
    }
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::tests::graph;

    #[test]
    fn a_picture_has_every_task_and_no_word_of_a_title_is_markup() {
        let mut made = graph(&["a:done", "b:claimed:20", "c:blocked:5"], &["a>b", "b>c"]);
        made.nodes[1].title = "</text><script>alert(1)</script>".into();
        made.nodes[1].agent = Some("ada<x>".into());
        let picture = svg(&made);
        assert!(!picture.contains("<script>") && !picture.contains("<x>"));
        assert_eq!(picture.matches("<rect").count(), 4);
        assert_eq!(picture.matches("marker-end").count(), 2);
        assert!(picture.contains("▶ b") && picture.contains("✓ a") && picture.contains("(claimed, ada&lt;x&gt;, 20 min)"));
        assert!(picture.contains("1 claimed · 1 done · 1 blocked") || picture.contains("strong lines: the longest chain, 2 tasks"));
        assert!(!picture.contains("href") && !picture.contains("url(http"), "it asks no other place for anything");
        assert_eq!(picture, svg(&made));
    }
}

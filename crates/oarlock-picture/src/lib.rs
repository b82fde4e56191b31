//! Pictures of tasks: which waits for which, as a layered graph, and who did which when, as a timeline. One layout serves every form: SVG, and whatever else draws by coordinates.
//! DOT and Mermaid leave the layout to the programs that read them; text lists the layers.
//!
//! Everything here is a pure function of plain values, and the same graph gives the same bytes.

mod dot;
mod escape;
mod graph;
mod layout;
mod mermaid;
mod svg;
mod tasks;
mod text;
mod timeline;
mod timeline_svg;
mod timeline_text;
pub mod width;

pub use dot::dot;
pub use graph::{Graph, NODES_MAX, Node};
pub use layout::{Layout, Placed, layout};
pub use mermaid::mermaid;
pub use svg::svg;
pub use text::text;
pub use timeline::{SPANS_MAX, Span, SpanEnd, TIMELINE_KINDS, Timeline};
pub use timeline_svg::timeline_svg;
pub use timeline_text::timeline_text;

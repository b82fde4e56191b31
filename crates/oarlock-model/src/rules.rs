//! The rules: pure functions of plain values. `now` is passed in; a rule called twice answers the same.

pub mod attention;
pub mod authority;
pub mod budget;
pub mod change;
pub mod claim;
pub mod derived;
pub mod fence;
pub mod graph;
pub mod holdings;
pub mod inbox;
pub mod intent;
pub mod landing;
pub mod liveness;
pub mod merge;
pub mod naming;
pub mod near;
pub mod outside;
pub mod radar;
pub mod rank;
pub mod recipients;
pub mod reserve;
pub mod resting;
pub mod retry;
pub mod transition;
pub mod urgency;
pub mod vote;

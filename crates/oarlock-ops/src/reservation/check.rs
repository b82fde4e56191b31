//! `check`: may these paths be written?

use clap::Args;
use oarlock_model::pattern::Pattern;
use oarlock_model::pattern_wire::asked;
use oarlock_model::reservation::{Mode, Target};
use oarlock_model::rules::reserve::{Steps, Wanted};
use oarlock_model::{Rejection, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::caller::Identity;
use crate::context::Reading;
use crate::local::Local;
use crate::request::{Query, Request};
use crate::reservation::obstacles::{self, Obstacles};
use crate::reservation::reserve::ReservationsReply;
use crate::shapes::ReservationShape;
use crate::task::values;

/// Check whether paths may be written. Fails with exit 4 when another agent holds one of them exclusively; otherwise lists who shares
/// them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Check {
    /// Paths relative to the current directory, or absolute paths inside the repository; a trailing / means everything below
    #[arg(value_name = "PATH", required_unless_present = "globs")]
    #[serde(default)]
    pub paths: Vec<String>,
    /// A pattern from the repository's root; repeatable
    #[arg(long = "glob", value_name = "GLOB")]
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "asked::list")]
    pub globs: Vec<Pattern>,
}

impl Request for Check {
    const VERB: &'static str = "check";
    const ABOUT: &'static str = "Check whether paths may be written";
    const EXAMPLE: &'static [&'static str] = &["src/main.rs"];
    const IDENTITY: Identity = Identity::Optional;
    type Reply = ReservationsReply;

    fn localise(&mut self, local: &mut dyn Local) -> Result<(), OpError> {
        for path in &mut self.paths {
            let below = if path.ends_with('/') { "/" } else { "" };
            *path = format!("{}{below}", local.repository_path(path)?);
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Rejection> {
        if self.paths.is_empty() && self.globs.is_empty() {
            return Err(Rejection::invalid("no path to check", "name at least one"));
        }
        values::check_list("paths", self.paths.len())?;
        values::check_list("patterns", self.globs.len())
    }
}

impl Query for Check {
    fn answer(&self, cx: &Reading<'_>) -> Result<ReservationsReply, OpError> {
        let mut wanted = Vec::new();
        for path in &self.paths {
            // Sharing is what every writer of a path at least wants: only exclusive holders stand in its way.
            let pattern = match path.strip_suffix('/') {
                _ if path == "." || path == "./" => Pattern::parse("**"),
                Some(folder) => Pattern::parse("**").and_then(|all| all.with_literal_prefix(folder)),
                None => Pattern::of_path(path),
            };
            wanted.push(Wanted { target: Target::Paths(pattern.map_err(Rejection::from)?), mode: Mode::Shared });
        }
        let of_glob = |glob: &Pattern| Wanted { target: Target::Paths(glob.clone()), mode: Mode::Shared };
        wanted.extend(self.globs.iter().map(of_glob));
        let mut obstacles = Obstacles::of_question(cx.me.map(|me| &me.session));
        let (overlaps, more) = obstacles.held(cx, &wanted)?;
        if !overlaps.is_empty() {
            return Err(Rejection::ReservationOverlap { overlaps, more }.into());
        }
        let overlapping = obstacles::overlapping(cx.view, &wanted, &mut Steps::at_most(limits::SEARCH_STEPS_MAX))?;
        let mut reservations = ReservationShape::of_all(cx.view, cx.now, &overlapping)?;
        reservations.retain(|shape| shape.ttl_ms > 0);
        Ok(ReservationsReply { reservations })
    }
}

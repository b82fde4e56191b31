//! How steps are put together into parts when somebody asks for it: by step, by component, by feature, or by layer. The order of the steps is
//! the same; only what one agent gets in one piece differs.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use oarlock_model::Rejection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::parts::group;
use crate::step_info::gather::{StepInfo, StepInfos};
use crate::text::titles::Role;
use crate::text::words::tokens;

/// More steps than this are only put together automatically.
const STEPS_MAX: usize = 300;

/// What a part holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Grouping {
    /// Chains of steps, shared by the agents.
    #[default]
    Auto,
    /// Each step.
    Steps,
    /// What the document calls a component, else what lies in one folder.
    Component,
    /// A phase, story or component of the document.
    Feature,
    /// Data, logic, interface, surface, tests, documentation.
    Layer,
}

impl Grouping {
    const NAMES: [(&'static str, Grouping); 5] = [
        ("auto", Grouping::Auto),
        ("steps", Grouping::Steps),
        ("component", Grouping::Component),
        ("feature", Grouping::Feature),
        ("layer", Grouping::Layer),
    ];
}

impl fmt::Display for Grouping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Grouping::NAMES.iter().find(|(_, grouping)| grouping == self).map_or("auto", |(name, _)| name);
        f.write_str(name)
    }
}

impl FromStr for Grouping {
    type Err = Rejection;

    fn from_str(text: &str) -> Result<Self, Rejection> {
        let found = Grouping::NAMES.iter().find(|(name, _)| *name == text).map(|(_, grouping)| *grouping);
        found.ok_or_else(|| {
            let shown = oarlock_model::ident::shown(text);
            Rejection::invalid(format!("\"{shown}\" is no way to put steps together"), "auto, steps, component, feature or layer")
        })
    }
}

/// Parts of steps that have the same thing in common, as far as the parts can be ordered; `None` where the usual cut is meant.
pub(crate) fn parts(infos: &StepInfos, needs: &[Vec<usize>], grouping: Grouping) -> Option<Vec<Vec<usize>>> {
    let count = infos.steps.len();
    if grouping == Grouping::Auto || count > STEPS_MAX {
        return None;
    }
    let keys: Vec<Option<String>> = infos.steps.iter().map(|step| key(infos, step, grouping)).collect();
    let mut part_of: Vec<usize> = (0..count).collect();
    let mut last: BTreeMap<&str, usize> = BTreeMap::new();
    for step in 0..count {
        let Some(key) = keys[step].as_deref() else { continue };
        if let Some(part) = last.get(key) {
            part_of[step] = *part;
            // Two pieces of work between which another one must be done stay two.
            if !group::can_be_ordered(&part_of, needs) {
                part_of[step] = step;
            }
        }
        last.insert(key, part_of[step]);
    }
    let mut parts: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    part_of.iter().enumerate().for_each(|(step, part)| parts.entry(*part).or_default().push(step));
    Some(parts.into_values().collect())
}

/// What a step has in common with others.
fn key(infos: &StepInfos, step: &StepInfo, grouping: Grouping) -> Option<String> {
    match grouping {
        Grouping::Auto | Grouping::Steps => None,
        Grouping::Component => {
            // What the document calls a component is one; else a folder is.
            let own = (step.draft.kind.clone(), step.draft.id.clone());
            let labels = [Some(own), step.draft.phase_label.clone()];
            let named = labels
                .into_iter()
                .flatten()
                .find(|(kind, _)| ["component", "module", "track", "workstream", "stream"].contains(&kind.as_str()));
            if let Some((kind, id)) = named {
                return Some(format!("{kind} {id}"));
            }
            let path = infos.table.pattern(*step.files.writes.first()?).as_str();
            let folder = path.trim_end_matches("/**").trim_end_matches("/*");
            Some(folder.rsplit_once('/').map_or_else(|| folder.to_owned(), |(folder, _)| folder.to_owned()))
        }
        Grouping::Feature => step.draft.phase.clone().or_else(|| step.draft.title.split(':').next().map(str::to_owned)),
        Grouping::Layer => Some(layer(infos, step).to_owned()),
    }
}

/// The layer of a program that a step works on: by what it does, then by the words of its files, then by those of its title.
fn layer(infos: &StepInfos, step: &StepInfo) -> &'static str {
    const LAYERS: [(&str, &[&str]); 6] = [
        ("tests", &["test", "tests", "spec", "specs", "e2e"]),
        ("documentation", &["docs", "doc", "readme", "guide", "changelog"]),
        (
            "data",
            &["model", "models", "schema", "schemas", "migration", "migrations", "db", "database", "entities", "sql", "store", "storage"],
        ),
        (
            "surface",
            &["ui", "web", "page", "pages", "view", "views", "screen", "screens", "css", "html", "frontend", "form", "cli", "components"],
        ),
        (
            "interface",
            &["api", "route", "routes", "handler", "handlers", "endpoint", "endpoints", "controller", "controllers", "http", "rpc"],
        ),
        ("delivery", &["ci", "deploy", "docker", "infra", "terraform", "config", "cron", "ops"]),
    ];
    let of = |words: &[String]| LAYERS.iter().find(|(_, names)| words.iter().any(|w| names.contains(&w.as_str()))).map(|(layer, _)| *layer);
    match step.role {
        Role::Verify => "tests",
        Role::Document => "documentation",
        _ => {
            let paths: Vec<String> = step.files.writes.iter().flat_map(|id| tokens(infos.table.pattern(*id).as_str())).collect();
            of(&paths).or_else(|| of(&tokens(&step.draft.title))).unwrap_or("logic")
        }
    }
}

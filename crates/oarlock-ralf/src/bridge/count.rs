//! The work of a pass, counted by kind.

use std::path::Path;

use super::Synced;
use crate::actions::Action;
use crate::detach::Left;
use crate::displayed_state::DisplayedState;
use crate::write::WriteError;

impl Synced {
    pub(super) fn count(&mut self, action: &Action) {
        let (side, name) = match action {
            Action::Seen { is_new, .. } => {
                if *is_new {
                    self.add_imported("agents", 1);
                }
                (&mut self.imported, "heartbeats")
            }
            Action::Leave(_) => (&mut self.imported, "departures"),
            Action::Add(..) => (&mut self.imported, "tasks"),
            Action::Update(..) => (&mut self.imported, "updates"),
            Action::Take { is_new: false, .. } => return,
            Action::Take { .. } => (&mut self.imported, "claims"),
            Action::Free { abandoned: true, .. } => (&mut self.imported, "abandoned"),
            Action::Free { .. } | Action::Release { .. } => (&mut self.imported, "releases"),
            Action::Finish { .. } => (&mut self.imported, "completions"),
            Action::Cancel(_) => (&mut self.imported, "cancellations"),
            Action::HoldBack(..) => (&mut self.imported, "held_back"),
            Action::BringBack(_) => (&mut self.imported, "brought_back"),
            Action::Show(_, DisplayedState::Claimed(..)) => (&mut self.exported, "claims"),
            Action::Show(_, DisplayedState::Done) => (&mut self.exported, "completions"),
            Action::Show(_, DisplayedState::Open) => (&mut self.exported, "releases"),
            Action::Show(_, DisplayedState::Split) => (&mut self.exported, "splits"),
            Action::Show(_, DisplayedState::Cancelled) => (&mut self.exported, "cancellations"),
            Action::Show(_, DisplayedState::Failed) => (&mut self.exported, "failures"),
            Action::MakePart(..) => (&mut self.exported, "parts"),
            Action::ShowAgent { .. } => (&mut self.exported, "heartbeats"),
        };
        *side.entry(name).or_insert(0) += 1;
    }

    /// Something that the store says could not be written into the files.
    pub(super) fn fail(&mut self, why: &WriteError, root: &Path) {
        self.warnings.push(why.to_string());
        self.left.push(Left::of(why, root));
    }

    pub(super) fn add_imported(&mut self, name: &'static str, count: usize) {
        if count > 0 {
            *self.imported.entry(name).or_insert(0) += count;
        }
    }

    pub(super) fn add_exported(&mut self, name: &'static str, count: usize) {
        if count > 0 {
            *self.exported.entry(name).or_insert(0) += count;
        }
    }
}

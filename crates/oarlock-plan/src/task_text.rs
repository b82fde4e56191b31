//! The text of a task, read once: what is asked of it are a plan, its title, and the texts of the plan's parts.

use crate::document::Document;
use crate::part;
use crate::plan::Plan;
use crate::sections::{self, Section};
use crate::split::{self, Options};
use crate::{PlanError, name};

/// A task document that was read, or why it cannot be.
#[derive(Debug)]
pub struct TaskText<'a> {
    source: &'a str,
    read: Result<(Document<'a>, Vec<Section>), PlanError>,
}

impl<'a> TaskText<'a> {
    /// Reads `source`.
    #[must_use]
    pub fn of(source: &'a str) -> Self {
        let read = Document::read(source).map(|document| {
            let sections = sections::sections(&document);
            (document, sections)
        });
        Self { source, read }
    }

    /// Splits it, as [`crate::split`] does.
    ///
    /// # Errors
    /// Those of [`crate::split`].
    pub fn split(&self, options: &Options) -> Result<Plan, PlanError> {
        options.check()?;
        let (document, sections) = self.read.as_ref().map_err(Clone::clone)?;
        split::of(self.source, document, sections, options)
    }

    /// Its title, as [`crate::title`] gives it.
    #[must_use]
    pub fn title(&self) -> Option<String> {
        let (document, _) = self.read.as_ref().ok()?;
        name::title_of(document)
    }

    /// The texts of the parts of its plan, as [`crate::subtask_documents`] gives them.
    #[must_use]
    pub fn subtask_documents(&self, plan: &Plan) -> Vec<String> {
        part::documents(self.read.as_ref().ok().map(|(document, sections)| (document, sections.as_slice())), plan)
    }
}

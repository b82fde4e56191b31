//! The text of a task, read once: what is asked of it are a plan, its title, and the texts of the plan's parts.

use crate::PlanError;
use crate::parts::documents;
use crate::parts::options::Options;
use crate::parts::split;
use crate::plan::Plan;
use crate::read::document::Document;
use crate::read::name;
use crate::read::sections::{self, Section};

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

    /// Splits it, as [`split`] does.
    ///
    /// # Errors
    /// Those of [`split`].
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

    /// The texts of the parts of its plan, as [`subtask_documents`] gives them.
    #[must_use]
    pub fn subtask_documents(&self, plan: &Plan) -> Vec<String> {
        documents::of_parts(self.read.as_ref().ok().map(|(document, sections)| (document, sections.as_slice())), plan)
    }
}

/// Splits a task document into parts that agents can work on at once.
///
/// Damaged Markdown still gives a plan; what cannot be split safely gives one with `parallelizable` false, a reason, and
/// all steps in one part. The same input always gives the same plan.
///
/// # Errors
/// The document is larger than 16 MiB, has a NUL character, too many lines or more than 2,000 steps; or the options are
/// outside their range.
pub fn split(document: &str, options: &Options) -> Result<Plan, PlanError> {
    TaskText::of(document).split(options)
}

/// The Markdown that the worker of each part gets, in the order of `plan.subtasks`: what it belongs to, its files, what it waits for, its
/// steps copied as they stand in `document`, and the acceptance criteria that concern it. Each is at most 1 MiB; longer steps are cut with
/// a note.
///
/// `document` must be the one that `plan` was made from; steps outside it are listed by title only.
#[must_use]
pub fn subtask_documents(document: &str, plan: &Plan) -> Vec<String> {
    TaskText::of(document).subtask_documents(plan)
}

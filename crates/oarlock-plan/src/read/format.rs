//! The formats of plans that have rules of their own, one file for each. A format says by its markers what is a step, and often in which
//! order steps run; its reader yields the same [`Draft`]s as prose does, and says how the format binds steps that nothing else orders.
//!
//! A new format is a new file here, a line in [`read`], and its examples in `tests/formats`.

mod agentos;
mod bmad;
mod fields;
mod gsd;
mod issues;
mod kiro;
mod openspec;
mod other;
mod prp;
mod speckit;
mod superpowers;
mod taskmaster;

use crate::read::document::Document;
use crate::read::draft::Draft;

/// How a document is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// GitHub spec-kit, `specs/NAME/tasks.md`.
    SpecKit,
    /// Kiro, `.kiro/specs/NAME/tasks.md`.
    Kiro,
    /// OpenSpec, `openspec/changes/NAME/tasks.md`.
    OpenSpec,
    /// Superpowers and the plan mode of coding agents, `docs/plans/*.md`.
    Superpowers,
    /// Issues, collections of issues, and epics.
    Issues,
    /// BMAD stories.
    Bmad,
    /// Agent OS, `.agent-os/specs/NAME/tasks.md`.
    AgentOs,
    /// Backlog.md, `backlog/tasks/*.md`.
    Backlog,
    /// Product requirement prompts, `PRPs/*.md`.
    Prp,
    /// GSD, `.planning/phases/NAME/*-PLAN.md`.
    Gsd,
    /// Cursor, `.cursor/plans/*.plan.md`.
    Cursor,
    /// The JSON of task-master.
    TaskMaster,
    /// A task file of RALF's agents.
    Ralf,
    /// None of these.
    Plain,
}

impl Format {
    /// The name that a plan shows.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SpecKit => "speckit",
            Self::Kiro => "kiro",
            Self::OpenSpec => "openspec",
            Self::Superpowers => "superpowers",
            Self::Issues => "issues",
            Self::Bmad => "bmad",
            Self::AgentOs => "agentos",
            Self::Backlog => "backlog",
            Self::Prp => "prp",
            Self::Gsd => "gsd",
            Self::Cursor => "cursor",
            Self::TaskMaster => "taskmaster",
            Self::Ralf => "ralf",
            Self::Plain => "plain",
        }
    }
}

/// How a format binds two steps that nothing else orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Groups follow one another, except for user stories. In a group, neighbours marked as parallel run at once, and all else in order.
    Marked,
    /// Each step builds on all before it, except for neighbours that are marked, or that do the same to files of their own.
    Sequence,
    /// The same without exception, but for what the document says of groups.
    Chain,
    /// Order is judged by content, as in prose.
    Content,
}

/// The steps of a document as its format has them.
#[derive(Debug)]
pub(crate) struct Outline {
    /// The steps, in document order.
    pub(crate) drafts: Vec<Draft>,
    /// How they are bound.
    pub(crate) manner: Manner,
}

/// The format of `document`, and its steps where the format says what they are. Without them the document is read as prose.
pub(crate) fn read(document: &Document<'_>) -> (Format, Option<Outline>) {
    // The most peculiar marks come first, so that a general one never takes a document from them.
    type Reader = fn(&Document<'_>) -> Option<Outline>;
    let readers: [(Format, Reader); 10] = [
        (Format::TaskMaster, taskmaster::read),
        (Format::Gsd, gsd::read),
        (Format::SpecKit, speckit::read),
        (Format::Superpowers, superpowers::read),
        (Format::AgentOs, agentos::read),
        (Format::Prp, prp::read),
        (Format::Bmad, bmad::read),
        (Format::Issues, issues::read),
        (Format::OpenSpec, openspec::read),
        (Format::Kiro, kiro::read),
    ];
    for (format, reader) in readers {
        if let Some(outline) = reader(document) {
            return (format, Some(outline));
        }
    }
    other::read(document)
}

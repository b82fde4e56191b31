//! What a reader of a format yields: the steps, and how the format binds them.

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
    /// Each step is a piece of work of its own: it waits for what is stated, for what its kind of work needs, and for files.
    Apart,
    /// The list is in the order of the work: by content, and what two steps both speak of keeps them in order.
    Listed,
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

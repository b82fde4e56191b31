//! Groups of verbs: the order and the headings in which help and the reference list them.

/// The part of the work that a verb belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Group {
    /// The project as a whole: making it, and seeing how it is.
    Project,
    /// Adding, claiming and finishing tasks.
    Tasks,
    /// Sessions and their heartbeats.
    Agents,
    /// Reservations of paths.
    Files,
    /// Messages between agents.
    Messages,
    /// Shared state entries.
    State,
    /// Running commands on tasks.
    Running,
    /// Access for other machines and for models.
    Serving,
    /// Set-up, copies, checks and repair.
    Administration,
}

impl Group {
    /// All groups, in the order in which they are listed.
    pub const ALL: [Group; 9] = [
        Self::Project,
        Self::Tasks,
        Self::Agents,
        Self::Files,
        Self::Messages,
        Self::State,
        Self::Running,
        Self::Serving,
        Self::Administration,
    ];

    /// The heading, one word.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Project => "Project",
            Self::Tasks => "Tasks",
            Self::Agents => "Agents",
            Self::Files => "Files",
            Self::Messages => "Messages",
            Self::State => "State",
            Self::Running => "Running",
            Self::Serving => "Serving",
            Self::Administration => "Administration",
        }
    }
}

//! RALF's files, as they really are: heartbeats, events, queues, chat and state in YAML, tasks in Markdown, in both layouts and every
//! generation. Nothing of them is trusted: they are written by programs without locks, by language models, and by hand.
//!
//! [`Project::read`] reads one; `salvage` takes damaged files apart, so that one slip hides nothing else.

mod bridge;
mod edit;
mod fault;
mod layout;
mod project;
mod reconcile;
mod salvage;
mod scalar;
mod task_file;
mod time;
mod write;
mod yaml;

pub use bridge::{Bridge, Synced};
pub use edit::{EditError, Fields};
pub use fault::Fault;
pub use project::{Agent, Clock, Event, Project, Source, Task};
pub use reconcile::Conflict;
pub use task_file::Folder;
pub use write::{WriteError, Writer};

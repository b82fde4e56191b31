//! RALF's files, as they really are: heartbeats, events, queues, chat and state in YAML, tasks in Markdown, in both layouts and every
//! generation. Nothing of them is trusted: they are written by programs without locks, by language models, and by hand.
//!
//! [`Project::read`] reads one; `salvage` takes damaged files apart, so that one slip hides nothing else.

mod fault;
mod layout;
mod project;
mod salvage;
mod task_file;
mod time;
mod yaml;

pub use fault::Fault;
pub use project::{Agent, Clock, Event, Project, Source, Task};
pub use task_file::Folder;

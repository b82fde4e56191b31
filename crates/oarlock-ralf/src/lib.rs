//! RALF's files, as they really are: heartbeats, events, queues, chat and state in YAML, tasks in Markdown, in both layouts and every
//! generation. Nothing of them is trusted: they are written by programs without locks, by language models, and by hand.
//!
//! [`Project::read`] reads one; `salvage` takes damaged files apart, so that one slip hides nothing else.

mod attached;
mod bridge;
mod edit;
mod fault;
mod files;
mod hooks;
mod in_files;
mod in_place;
mod layout;
mod lines;
mod nouns;
mod part_file;
mod project;
mod reconcile;
mod salvage;
mod scalar;
mod task_file;
mod time;
mod write;
mod yaml;

pub use attached::Attached;
pub use bridge::{Bridge, Synced};
pub use edit::{Append, EditError, Fields, append_items, set_block, set_item};
pub use fault::Fault;
pub use files::{FLOOR, Files, FilesError, TaskDocument, is_project, workers};
pub use hooks::{Hook, hooks};
pub use nouns::{Agent, AgentState, Clock, Event, Message, Source, Task};
pub use project::Project;
pub use reconcile::{Conflict, PROGRAM};
pub use task_file::Folder;
pub use time::age_ms;
pub use write::{WriteError, Writer};

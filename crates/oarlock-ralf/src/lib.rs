//! RALF's files, as they really are: heartbeats, events, queues, chat and state in YAML, tasks in Markdown, in both layouts and every
//! generation. Nothing of them is trusted: they are written by programs without locks, by language models, and by hand.
//!
//! [`Project::read`] reads one; `salvage` takes damaged files apart, so that one slip hides nothing else.

mod actions;
mod alive;
mod beat;
mod beside;
mod bridge;
mod detach;
mod digest;
mod displayed_state;
mod edit;
mod external;
mod fault;
mod fields;
mod file_view;
mod files;
mod flow;
mod held;
mod hidden;
mod hooks;
mod in_place;
mod layout;
mod lines;
mod locate;
mod lock;
mod memo;
mod moved;
mod part_file;
mod project;
mod reconcile;
mod salvage;
mod scalar;
mod shape;
mod short_id;
mod show;
mod sync_state;
mod task_file;
mod time;
mod types;
mod values;
mod wanted;
mod write;
mod yaml;

pub use actions::Conflict;
pub use alive::may_work;
pub use beside::Beside;
pub use bridge::{Bridge, Synced};
pub use detach::Left;
pub use edit::{Append, append_items, set_block, set_item};
pub use fault::Fault;
pub use fields::{EditError, Fields};
pub use files::{FLOOR, Files, FilesError, TaskDocument, workers};
pub use hidden::hide_from_git;
pub use hooks::{Hook, hooks};
pub use locate::{LocateError, Located, VARIABLES, below, is_project, locate};
pub use lock::while_waiting;
pub use project::Project;
pub use reconcile::PROGRAM;
pub use sync_state::SyncState;
pub use task_file::Folder;
pub use time::age_ms;
pub use types::{Agent, AgentState, Clock, Event, Message, Source, Task};
pub use write::{WriteError, Writer};

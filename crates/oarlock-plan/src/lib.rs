//! From a task document (Markdown) to a plan: steps, what orders them, which files they write, and parts for agents.
//! Pure functions of text: no files, no clock, no randomness; the same input always gives the same plan.
//!
//! The way through the house, each folder using only those before it: `text` knows words, `read` finds the steps of a
//! document, `step_info` gathers what is known about each, `order` says which waits for which, `parts` cuts them into parts
//! and gives these out, `check` judges plans that somebody else made, `ask` asks a model for one ([`Conversation`]).
//! [`plan`](Plan) is what all of it comes to, [`rule`] names every rule that a split rests on, and [`TaskText`] is the
//! front door: a text that is read once.
//!
//! The principle: what is not shown to be independent stays in one part or in order. A wrong split costs more than none.

mod ask;
mod at_once;
mod check;
mod error;
mod order;
mod parts;
mod plan;
mod read;
pub mod rule;
mod step_info;
mod task_text;
mod text;

pub use ask::conversation::{Conversation, Turn};
pub use ask::files::file_list;
pub use ask::prompt::{plan_schema, prompt};
pub use check::problem::Problem;
pub use check::repository::{Existing, Search, check_repository};
pub use check::validate::validate;
pub use error::PlanError;
pub use parts::assign::{Candidate, assign, assign_to};
pub use parts::documents::{CRITERIA_OF_PART, CRITERIA_OF_WHOLE, OBJECTIVE_OF_WHOLE};
pub use parts::floor::Floor;
pub use parts::grouping::Grouping;
pub use parts::interpretation::MINUTES_DEFAULT;
pub use parts::options::Options;
pub use plan::{Advice, Conflict, Edge, Plan, Step, Subtask};
pub use read::name::{task_id_from_file_name, title};
pub use read::same::is_same_document;
pub use task_text::{TaskText, split, subtask_documents};
pub use text::durations::minutes_of_field;

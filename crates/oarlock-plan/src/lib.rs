//! From a task document (Markdown) to a plan: steps, what orders them, which files they write, and parts for agents.
//! Pure functions of text: no files, no clock, no randomness; the same input always gives the same plan.
//!
//! The way through the house: `document` reads lines, `sections` tells what each part of the text is for, `steps` finds
//! the work, `units` cuts phases into it, `facts` gathers what is known about each step (`words`, `paths`, `files` with
//! `verbs`, `refs`, `estimate`), `depend`
//! orders the steps, `group` cuts them into parts, `schedule` times them, `assign` gives them out. [`validate`] checks a plan that somebody else
//! made, [`subtask_documents`] writes what a worker reads.
//!
//! The principle: what is not shown to be independent stays in one part or in order. A wrong split costs more than none.

mod assign;
mod at_once;
mod bits;
mod by;
mod claim;
mod criteria;
mod depend;
mod document;
mod error;
mod estimate;
mod facts;
mod files;
mod floor;
mod group;
mod items;
mod label;
mod marks;
mod name;
mod overlap;
mod part;
mod paths;
mod phrases;
mod plan;
mod prompt;
mod reading;
mod refs;
mod repository;
pub mod rule;
mod said;
mod same;
mod schedule;
mod sections;
mod split;
mod steps;
mod tables;
mod task_text;
mod text;
mod titles;
mod tree;
mod units;
mod validate;
mod verbs;
mod words;

pub use assign::{Candidate, assign, assign_to};
pub use by::By;
pub use error::PlanError;
pub use estimate::minutes_of_field;
pub use floor::Floor;
pub use name::{task_id_from_file_name, title};
pub use part::{CRITERIA_OF_PART, CRITERIA_OF_WHOLE, OBJECTIVE_OF_WHOLE, subtask_documents};
pub use plan::{Conflict, Edge, Plan, Step, Subtask};
pub use prompt::{plan_schema, prompt};
pub use reading::MINUTES_DEFAULT;
pub use repository::{Existing, Search, check_repository};
pub use same::is_same_document;
pub use split::{Options, split};
pub use task_text::TaskText;
pub use validate::{Problem, validate};

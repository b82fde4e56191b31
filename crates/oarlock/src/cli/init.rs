//! `init`: makes the project.

use clap::Args;
use oarlock_model::{Label, Rejection};
use oarlock_ops::OpError;
use oarlock_ops::store::Store;
use oarlock_sqlite::{Options, SqliteStore};
use serde::Serialize;
use serde_json::json;

use super::exec::Where;
use crate::project::{Project, TASK_PREFIX};
use crate::trust;

/// Makes the project of this repository, or of this directory where there is none.
#[derive(Clone, Debug, Args)]
pub(crate) struct Init {
    /// The prefix of made-up task ids
    #[arg(long, value_name = "T")]
    pub(crate) prefix: Option<Label>,
    /// Use the store that came with the repository, with all that its tasks and messages say
    #[arg(long)]
    pub(crate) accept: bool,
}

/// The reply of `init`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Made {
    pub(crate) project: MadeProject,
}

/// The project that is there now.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct MadeProject {
    pub(crate) root: String,
    /// The store, as `--store` takes it.
    pub(crate) store: String,
    /// Whether it was not there before.
    pub(crate) created: bool,
    /// Stores of the same repository that are not at its place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) other_stores: Vec<String>,
}

impl Init {
    pub(crate) fn run(&self, target: &Where, options: Options) -> Result<Made, OpError> {
        let prefix = self.prefix.as_ref().map_or(TASK_PREFIX, Label::as_str);
        if prefix.len() > 32 {
            return Err(Rejection::invalid("the prefix is longer than 32 characters", "use a short one, for example T").into());
        }
        if let Some(project) = target.project() {
            project.check_single()?;
            project.make_dir()?;
        }
        if self.accept {
            trust::check_acceptable(target.place())?
        } else {
            trust::check(target.place())?
        }
        let (mut store, created) = SqliteStore::create(target.place(), prefix, options)?;
        let root = target.project().map_or_else(|| target.place().dir().to_owned(), |project: &Project| project.root().to_owned());
        trust::remember(target.place(), store.identity().id())?;
        let known = store.snapshot()?.task_prefix()?;
        if self.prefix.is_some() && known != prefix {
            return Err(Rejection::Conflict {
                message: format!("the project in {} has the prefix {known}, not {prefix}", root.display()),
                hint: format!(
                    "a prefix is chosen once, with the project: leave --prefix out, or give ids such as {prefix}-1 with `add --id`"
                ),
                details: json!({"root": root.display().to_string(), "prefix": known, "wanted": prefix}),
            }
            .into());
        }
        let root = root.display().to_string();
        Ok(Made { project: MadeProject { root, store: target.url(), created, other_stores: target.other_stores() } })
    }
}

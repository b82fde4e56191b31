//! Making a store.

use oarlock_model::{Label, Rejection, limits};
use oarlock_ops::OpError;
use oarlock_sqlite::Options;
use serde::Serialize;
use serde_json::json;

use crate::opening::create;
use crate::project::{Project, TASK_PREFIX};
use crate::trust;
use crate::whereabouts::StoreTarget;

/// The reply of `init`.
#[derive(Clone, Debug, Serialize)]
pub struct Made {
    /// The project.
    pub project: MadeProject,
}

/// The project that is there now.
#[derive(Clone, Debug, Serialize)]
pub struct MadeProject {
    /// Its root directory.
    pub root: String,
    /// The store, as `--store` takes it.
    pub store: String,
    /// Whether it was not there before.
    pub created: bool,
    /// Stores of the same repository that are not at its place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_stores: Vec<String>,
}

/// Makes the store of this place, with the directory around it, unless it is there. `prefix` is that of made-up task ids; a store that came with
/// the repository is used only if the caller accepts it.
///
/// # Errors
/// `state_conflict` for another prefix than the store has, `denied` for a store that may be somebody else's, those of the store.
pub fn make(target: &StoreTarget, prefix: Option<&Label>, accept: bool, options: Options) -> Result<Made, OpError> {
    let wanted = prefix.map_or(TASK_PREFIX, Label::as_str);
    if wanted.len() > limits::TASK_PREFIX_BYTES_MAX {
        let message = format!("the prefix is longer than {} characters", limits::TASK_PREFIX_BYTES_MAX);
        return Err(Rejection::invalid(message, "use a short one, for example T").into());
    }
    if let Some(project) = target.project() {
        project.check_single()?;
        project.make_dir()?;
    }
    if accept {
        trust::check_acceptable(target.place())?
    } else {
        trust::check(target.place())?
    }
    let (mut store, created) = create(target.place(), wanted, options)?;
    let root = target.project().map_or_else(|| target.place().dir().to_owned(), |project: &Project| project.root().to_owned());
    trust::remember(target.place(), store.identity().id())?;
    let known = store.snapshot()?.task_prefix()?;
    if prefix.is_some() && known != wanted {
        return Err(Rejection::Conflict {
            message: format!("the project in {} has the prefix {known}, not {wanted}", root.display()),
            hint: format!("a prefix is chosen once, with the project: leave --prefix out, or give ids such as {wanted}-1 with `add --id`"),
            details: json!({"root": root.display().to_string(), "prefix": known, "wanted": wanted}),
        }
        .into());
    }
    let root = root.display().to_string();
    Ok(Made { project: MadeProject { root, store: target.url(), created, other_stores: target.other_stores() } })
}

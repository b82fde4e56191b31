//! Replies of verbs that are the command line's own.

use serde::Serialize;

/// The reply of `help`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Help {
    /// The text.
    pub(crate) text: String,
}

/// The reply of `setup`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SetUp {
    pub(crate) changes: Vec<SetUpFile>,
    pub(crate) dry_run: bool,
    /// What is left for the person to do.
    pub(crate) notes: Vec<String>,
}

/// A file that a set-up is about.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SetUpFile {
    pub(crate) client: &'static str,
    pub(crate) file: String,
    /// `create`, `edit`, `delete` or `unchanged`.
    pub(crate) action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) diff: Option<String>,
}

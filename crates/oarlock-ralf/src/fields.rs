//! The request of an edit, and the reasons to refuse it.

use serde_json::Value;
use thiserror::Error;

/// Why a text is not edited.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EditError {
    /// There is no such item.
    #[error("there is no item {0}")]
    Missing(String),
    /// The place is written in a form that cannot be edited line by line.
    #[error("line {line} is written in a form that is not edited: {form}")]
    Form {
        /// From 1.
        line: usize,
        /// The form.
        form: &'static str,
    },
    /// The result would not be read as it should.
    #[error("the edit would damage the file: {0}")]
    Damage(String),
}

/// New values of fields, in the order in which new ones are written.
pub type Fields<'a> = [(&'a str, Value)];

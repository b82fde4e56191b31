//! FAULT of the contract: the fault of a file, its place, and the saved part.

use serde::Serialize;

/// One place of a file that a parser refuses or that means something else than it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The file, from the project's root.
    pub file: String,
    /// From 1; 0 for the file as a whole.
    pub line: usize,
    /// From 1; 0 when it is not known.
    pub column: usize,
    /// The fault, in one line.
    pub cause: String,
    /// Items that were read anyway.
    pub recovered: usize,
    /// Items that could not be read.
    pub lost: usize,
    /// Whether no agent reads the file: another one of the folder, or one of an older layout.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unread: bool,
}

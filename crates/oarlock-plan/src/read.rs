//! From text to the steps of a plan, as they stand in the document. It says nothing about order, files or parts.
//!
//! One file for each way in which plans are written: [`prose`] finds the steps of ordinary Markdown. A format with rules
//! of its own has a file in [`format`](self::format) and hands on the same [`draft::Draft`]s.
//! The other files are what such readers share: lines ([`document`]) and what each may say ([`marks`]), the purpose of
//! sections, list items, labels, paths, drawn trees, titles and names.

pub(crate) mod document;
pub(crate) mod draft;
pub(crate) mod entry;
pub(crate) mod format;
pub(crate) mod items;
pub(crate) mod label;
pub(crate) mod marks;
pub(crate) mod name;
pub(crate) mod paths;
pub(crate) mod prose;
pub(crate) mod same;
pub(crate) mod sections;
pub(crate) mod tree;

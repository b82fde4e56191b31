//! Paths as texts: joined, cleared, and what could be a file.

use super::word::has_name;
use crate::hook::Written;

/// A path seen from a directory.
pub(super) fn joined(dir: &str, path: &str) -> String {
    if dir.is_empty() || path.starts_with('/') || path.starts_with('~') {
        path.to_owned()
    } else {
        format!("{}/{path}", dir.trim_end_matches('/'))
    }
}

/// A path without what leads nowhere.
pub(super) fn cleared(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "." => {}
            "" if !parts.is_empty() => {}
            ".." if parts.last().is_some_and(|last| !matches!(*last, "" | "..")) => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Whether a path could be a file: not a terminal, a descriptor, or a directory that only leads somewhere.
pub(super) fn is_file_name(path: &str) -> bool {
    path != "-" && has_name(path) && !path.starts_with("/dev/")
}

/// These paths in a directory.
pub(super) fn moved(dir: &str, written: Vec<Written>) -> Vec<Written> {
    written.into_iter().map(|written| Written { path: joined(dir, &written.path), ..written }).collect()
}

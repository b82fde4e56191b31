//! The patches of `apply_patch`: which files one touches.

/// The paths that a patch adds, updates, deletes or moves to.
pub(super) fn paths(patch: &str) -> impl Iterator<Item = &str> {
    const HEADS: [&str; 4] = ["*** Add File:", "*** Update File:", "*** Delete File:", "*** Move to:"];
    patch
        .lines()
        .filter_map(|line| HEADS.iter().find_map(|head| line.trim_end().strip_prefix(head)))
        .map(str::trim)
        .filter(|path| !path.is_empty())
}

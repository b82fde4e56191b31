//! Patches: which files one touches, of those of `apply_patch` and of `diff`.

/// The paths that a patch of `apply_patch` adds, updates, deletes or moves to.
pub(super) fn paths(patch: &str) -> impl Iterator<Item = &str> {
    const HEADS: [&str; 4] = ["*** Add File:", "*** Update File:", "*** Delete File:", "*** Move to:"];
    patch
        .lines()
        .filter_map(|line| HEADS.iter().find_map(|head| line.trim_end().strip_prefix(head)))
        .map(str::trim)
        .filter(|path| !path.is_empty())
}

/// The paths that a patch of `diff` or git touches, without this many directories at their beginning; where that is not said, both the whole
/// path and the one without the first are meant, of which `patch` takes the existing one.
pub(super) fn of_diff(text: &str, strip: Option<usize>) -> impl Iterator<Item = String> {
    const HEADS: [&str; 6] = ["--- ", "+++ ", "rename from ", "rename to ", "copy to ", "*** "];
    // How many lines of the current part are still to come, of the old file and the new one.
    let mut left = (0_usize, 0_usize);
    let mut found = Vec::new();
    for line in text.lines() {
        if left != (0, 0) {
            match line.as_bytes().first() {
                Some(b'-') => left.0 = left.0.saturating_sub(1),
                Some(b'+') => left.1 = left.1.saturating_sub(1),
                Some(b'\\') => {}
                _ => left = (left.0.saturating_sub(1), left.1.saturating_sub(1)),
            }
            continue;
        }
        if let Some(range) = line.strip_prefix("@@ -") {
            left = counts(range);
            continue;
        }
        let Some((head, path)) = HEADS.iter().find_map(|head| Some((*head, line.strip_prefix(head)?))) else { continue };
        // Behind a tab is the time.
        let path = path.split('\t').next().unwrap_or(path).trim();
        if path.is_empty() || path == "/dev/null" {
            continue;
        }
        let whole = |count: usize| path.split('/').skip(count).collect::<Vec<_>>().join("/");
        let is_bare = head.starts_with("rename") || head.starts_with("copy");
        match strip {
            _ if is_bare => found.push(path.to_owned()),
            Some(count) => found.push(whole(count)),
            None => found.extend([whole(0), whole(1)]),
        }
    }
    found.into_iter().filter(|path| !path.is_empty())
}

/// The numbers of lines in `1,3 +1,4 @@`.
fn counts(range: &str) -> (usize, usize) {
    let mut parts = range.split(' ');
    let mut count = || {
        let part = parts.next().unwrap_or_default();
        part.split_once(',').map_or(Some(1), |(_, count)| count.parse().ok()).unwrap_or(0)
    };
    (count(), count())
}

//! Which task an item with a short id may mean.

/// Whether the longer id is the shorter one and a slug, which no number begins and which is that of no part.
pub(crate) fn goes_on_with_slug(id: &str, longer: &str) -> bool {
    let rest = longer.strip_prefix(id).filter(|rest| rest.starts_with('-'));
    rest.is_some_and(|rest| !is_of_part(rest) && !rest[1..].starts_with(|c: char| c.is_ascii_digit()))
}

/// Whether an id ends as that of a part does: `TASK-7-fix-x-SUB2` is none of the files that `TASK-7` may mean.
fn is_of_part(id: &str) -> bool {
    id.match_indices("-SUB").any(|(at, found)| id[at + found.len()..].starts_with(|c: char| c.is_ascii_digit()))
}

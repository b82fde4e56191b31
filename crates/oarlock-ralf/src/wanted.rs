//! Which items of a queue are read where only some tasks are asked for: a claim asks for one among hundreds.

use std::collections::BTreeSet;
use std::ops::Bound;

use crate::short_id::goes_on_with_slug;

/// The ids of the tasks that are asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted(BTreeSet<String>);

impl Wanted {
    pub(crate) fn of(ids: impl IntoIterator<Item = String>) -> Self {
        Self(ids.into_iter().collect())
    }

    /// Whether this one is asked for by its whole id.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.0.contains(id)
    }

    /// Whether each item means one of these tasks by its whole id, or none of them. An item may have a shorter id than its task's file; which
    /// task it means depends on all others then, and all are read.
    pub(crate) fn is_by_whole_id<'a>(&self, mut items: impl Iterator<Item = &'a String>) -> bool {
        items.all(|item| {
            let longer = self.0.range::<str, _>((Bound::Excluded(item.as_str()), Bound::Unbounded));
            !longer.take_while(|id| id.starts_with(item.as_str())).any(|id| goes_on_with_slug(item, id))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_with_a_shorter_id_than_a_wanted_task_lets_all_be_read() {
        let wanted = Wanted::of(["TASK-7-fix-x", "TASK-9", "TASK-8-SUB1"].map(str::to_owned));
        let is_by_whole_id = |items: &[&str]| {
            let items: Vec<String> = items.iter().map(|item| (*item).to_owned()).collect();
            wanted.is_by_whole_id(items.iter())
        };
        assert!(is_by_whole_id(&["TASK-7-fix-x", "TASK-9", "TASK-8", "TASK-9-slug", "TASK-7-fix-x-SUB1", "TASK-77"]));
        assert!(!is_by_whole_id(&["TASK-9", "TASK-7"]));
        assert!(!is_by_whole_id(&["TASK-7-fix"]));
        assert!(wanted.has("TASK-9") && !wanted.has("TASK-7"));
    }
}

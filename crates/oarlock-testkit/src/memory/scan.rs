//! The shared parts of scans: sorting, pages, and which events and texts are meant.

use oarlock_model::event::Event;
use oarlock_model::task::Task;
use oarlock_ops::store::QueuePlace;

pub(super) fn sorted<'a, T: 'a, K: Ord>(items: impl Iterator<Item = &'a T>, key: impl Fn(&T) -> K) -> Vec<&'a T> {
    let mut items: Vec<&T> = items.collect();
    items.sort_by_key(|item| key(item));
    items
}

/// The first items, no more once they have `bytes_max` bytes; the first always comes.
pub(super) fn page<'a, T: Clone + 'a>(
    items: impl Iterator<Item = &'a T>,
    limit: usize,
    bytes_max: usize,
    bytes_of: impl Fn(&T) -> usize,
) -> Vec<T> {
    let mut page = Vec::new();
    let mut bytes: usize = 0;
    for item in items.take(limit) {
        bytes = bytes.saturating_add(bytes_of(item));
        if bytes > bytes_max && !page.is_empty() {
            break;
        }
        page.push(item.clone());
    }
    page
}

pub(super) fn place(task: &Task) -> QueuePlace {
    (task.rank(), task.seq)
}

/// Whether the event is about this task; messages and reservations may have the same id.
pub(super) fn is_about_task(event: &Event, id: &str) -> bool {
    event.fact.task().is_some_and(|task| task.as_str() == id)
}

pub(super) fn contains_whatever_case(text: &str, wanted: &str) -> bool {
    text.to_ascii_lowercase().contains(&wanted.to_ascii_lowercase())
}

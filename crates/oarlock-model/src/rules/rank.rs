//! The order of the ready queue (semantics 13).

use crate::limits;
use crate::time::StoreTime;

/// The stored rank of a task: smaller goes first. One priority level weighs as much as one hour of
/// waiting, so that old work overtakes urgent work in the end and nothing starves.
pub fn rank(ready_at: StoreTime, priority: u8) -> i64 {
    ready_at.0.saturating_add(i64::from(priority) * limits::RANK_MS_PER_PRIORITY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_work_overtakes_urgent_work() {
        let hour = limits::RANK_MS_PER_PRIORITY;
        assert!(rank(StoreTime(0), 0) < rank(StoreTime(0), 1));
        assert!(rank(StoreTime(0), 2) < rank(StoreTime(2 * hour + 1), 0));
        assert!(rank(StoreTime(2 * hour - 1), 0) < rank(StoreTime(0), 2));
    }
}

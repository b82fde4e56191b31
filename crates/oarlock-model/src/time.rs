//! Two kinds of time that must never be compared with each other.

use serde::{Deserialize, Serialize};

/// Store time in milliseconds: monotonic, agreed between processes, deaf to wall-clock steps (semantics 6).
/// Every lease, timeout and back-off is judged by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StoreTime(pub i64);

impl StoreTime {
    /// This moment and `ms` milliseconds.
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this moment; never negative.
    pub fn since_ms(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0).max(0)
    }
}

/// Wall time in milliseconds since 1970-01-01 UTC: for people, `--not-before` and deadlines only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WallTime(pub i64);

impl WallTime {
    /// This moment and `ms` milliseconds.
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }
}

/// The moment of one transaction, read from the store's clock inside it (semantics 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Judges leases, timeouts and back-offs.
    pub store: StoreTime,
    /// Shown to people; judges `--not-before`.
    pub wall: WallTime,
}

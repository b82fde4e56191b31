//! Elapsed time as the JSON shapes have it.

/// Milliseconds as the JSON shapes have them.
pub(crate) fn ms(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

//! Moments as they are written.

use oarlock_model::WallTime;

/// Wall time as RFC 3339 in UTC with milliseconds.
pub fn rfc3339(at: WallTime) -> String {
    // The upper end is the calendar's own: the last moment that is in the year 9999 in every time zone.
    let clamped = at.0.clamp(-62_135_596_800_000, 253_402_207_200_000);
    match jiff::Timestamp::from_millisecond(clamped) {
        Ok(timestamp) => format!("{timestamp:.3}"),
        Err(_) => format!("@{}", at.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rfc_3339_with_milliseconds() {
        assert_eq!(rfc3339(WallTime(0)), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(WallTime(1_767_225_599_007)), "2025-12-31T23:59:59.007Z");
        assert!(rfc3339(WallTime(i64::MAX)).starts_with("9999-"));
    }
}

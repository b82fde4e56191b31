//! Times as the writers of these files put them: with a zone in four spellings or none, with fractions or only a date, and often untrue.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use oarlock_model::WallTime;
use oarlock_ops::shapes::rfc3339;
use serde_json::Value;

/// How far a clock may go before its times are taken for untrue, in milliseconds.
pub(crate) const CLOCK_SLACK_MS: i64 = 5_000;

/// A time of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stated {
    /// Milliseconds since 1970 in UTC.
    pub(crate) unix_ms: i64,
    /// Whether it names its zone; without one it is taken for UTC.
    pub(crate) has_zone: bool,
}

/// The time that a value states; nothing for placeholders, null and other texts.
pub(crate) fn of(value: &Value) -> Option<Stated> {
    match value {
        Value::String(text) => parse(text.trim()),
        _ => None,
    }
}

fn parse(text: &str) -> Option<Stated> {
    if text.len() < 8 || text.len() > 40 || !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(Stated { unix_ms: time.as_millisecond(), has_zone: true });
    }
    let without_zone =
        |at: DateTime| at.to_zoned(TimeZone::UTC).ok().map(|at| Stated { unix_ms: at.timestamp().as_millisecond(), has_zone: false });
    if let Ok(at) = text.parse::<DateTime>() {
        return without_zone(at);
    }
    text.parse::<Date>().ok().and_then(|date| without_zone(date.at(0, 0, 0, 0)))
}

/// How long ago a time of these files was at `now_ms`, in milliseconds; nothing for other texts.
#[must_use]
pub fn age_ms(text: &str, now_ms: i64) -> Option<i64> {
    parse(text.trim()).map(|stated| now_ms.saturating_sub(stated.unix_ms))
}

/// RFC 3339 in UTC with milliseconds, as replies have it.
pub(crate) fn shown(unix_ms: i64) -> String {
    rfc3339(WallTime(unix_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_read() {
        let noon = 1_769_947_200_000; // 2026-02-01T12:00:00Z
        for (text, shift, has_zone) in [
            ("2026-02-01T12:00:00Z", 0, true),
            ("2026-02-01T19:00:00+07:00", 0, true),
            ("2026-02-01T19:00:00+0700", 0, true),
            ("2026-02-01T12:00:00+0000", 0, true),
            ("2026-02-01 12:00:00+00:00", 0, true),
            ("2026-02-01T12:00:00.177", 177, false),
            ("2026-02-01T12:00:00.175021", 175, false),
            ("2026-02-01T12:00:00.747638+00:00", 747, true),
            ("2026-02-01", -43_200_000, false),
        ] {
            let want = Stated { unix_ms: noon + shift, has_zone };
            assert_eq!(parse(text), Some(want), "{text}");
        }
        for text in ["", "{TIMESTAMP}", "TIMESTAMP", "null", "idle|running", "2026-13-45T99:00:00Z", "20"] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!((age_ms(" 2026-02-01T12:00:00Z ", noon + 5), age_ms("soon", noon)), (Some(5), None));
        assert_eq!(shown(noon + 7), "2026-02-01T12:00:00.007Z");
    }
}

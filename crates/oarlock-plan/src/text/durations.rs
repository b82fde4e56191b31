//! Durations in prose: "(20 min)", "2-3 hours", "1 week". Minutes of work; a day is eight hours, a week five days.

/// Estimates are capped at this many minutes (a thousand working days).
const MINUTES_MAX: u64 = 480_000;

/// The first duration in `text`, in minutes; of a range the middle.
pub(crate) fn minutes_in(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let standalone = at == 0 || !(bytes[at - 1].is_ascii_alphanumeric() || b".-_/".contains(&bytes[at - 1]));
        let (low, after) = number(text, at);
        let (value, after) = range_end(text, after).map_or((low, after), |(high, end)| ((low + high) / 2.0, end));
        if standalone && let Some(unit) = unit_minutes(&text[after..]) {
            return whole(value * unit);
        }
        at = after.max(at + 1);
    }
    None
}

/// Minutes of work that a field states: "45 minutes", "2-3 hours" (the middle), "1 week" (five days of eight hours); a bare number is
/// minutes. At most 480,000; nothing where no duration is named.
#[must_use]
pub fn minutes_of_field(text: &str) -> Option<u64> {
    minutes_in(text).or_else(|| {
        let trimmed = text.trim();
        let digits = trimmed.bytes().take_while(u8::is_ascii_digit).count();
        (digits > 0 && digits == trimmed.len()).then(|| trimmed.parse::<f64>().ok().and_then(whole))?
    })
}

fn number(text: &str, at: usize) -> (f64, usize) {
    let bytes = text.as_bytes();
    let mut end = at;
    while end < bytes.len() && (bytes[end].is_ascii_digit() || (bytes[end] == b'.' && bytes.get(end + 1).is_some_and(u8::is_ascii_digit))) {
        end += 1;
    }
    (text[at..end].parse().unwrap_or(0.0), end)
}

/// The upper end of "2-3", "2 to 3" or "2–3", with the offset behind it.
fn range_end(text: &str, after: usize) -> Option<(f64, usize)> {
    let rest = &text[after..];
    let trimmed = rest.trim_start();
    let tail = ["-", "–", "to "].iter().find_map(|mark| trimmed.strip_prefix(mark))?.trim_start();
    let at = text.len() - tail.len();
    tail.bytes().next().filter(u8::is_ascii_digit)?;
    Some(number(text, at))
}

fn unit_minutes(rest: &str) -> Option<f64> {
    let rest = rest.trim_start_matches([' ', '+', '\u{a0}', '-']);
    let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
    Some(match rest[..letters].to_ascii_lowercase().as_str() {
        "m" | "min" | "mins" | "minute" | "minutes" => 1.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 60.0,
        "d" | "day" | "days" => 480.0,
        "w" | "week" | "weeks" => 2_400.0,
        _ => return None,
    })
}

fn whole(minutes: f64) -> Option<u64> {
    if !minutes.is_finite() || minutes < 1.0 {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is positive and capped")]
    Some((minutes.ceil() as u64).min(MINUTES_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        for (text, want) in [
            ("Design (20 min)", Some(20)),
            ("2-3 hours", Some(150)),
            ("1.5h", Some(90)),
            ("3 to 5 days", Some(1_920)),
            ("1 week", Some(2_400)),
            ("180 minutes (~3 hours)", Some(180)),
            ("40K tokens", None),
            ("Phase 2: build 3 modules", None),
            ("error-42 minutes", None),
            ("Days 2-3", None),
            ("", None),
            ("0 minutes", None),
            ("99999999999999999999 weeks", Some(MINUTES_MAX)),
        ] {
            assert_eq!(minutes_in(text), want, "{text}");
        }
        assert_eq!(minutes_of_field(" 45 "), Some(45));
        assert_eq!(minutes_of_field("45K"), None);
    }
}

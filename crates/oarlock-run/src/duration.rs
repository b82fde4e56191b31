//! Elapsed time in words, for people.

/// `350 ms`, `12 s`, `3 min 5 s`, `2 h 10 min`: two units at most.
pub(crate) fn in_words(ms: i64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        0 => format!("{ms} ms"),
        1..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// Milliseconds as the JSON shapes have them.
pub(crate) fn ms(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_units_are_enough() {
        for (ms, words) in
            [(0, "0 ms"), (999, "999 ms"), (1_000, "1 s"), (59_999, "59 s"), (65_000, "1 min 5 s"), (7_800_000, "2 h 10 min")]
        {
            assert_eq!(in_words(ms), words);
        }
    }
}

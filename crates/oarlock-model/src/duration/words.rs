//! Lengths of time as people read them: `12 s`, `15 min`, `2 h 05 min`.

/// A length of time for people, in milliseconds: `350 ms`, `12 s`, `59 min`, `2 h 05 min`, `3 days`. Smaller units are cut off.
pub fn in_words(ms: i64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        0 if ms > 0 => format!("{ms} ms"),
        0 => "0 s".to_owned(),
        1..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h {:02} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// The same to the second below an hour, for measured times: `3 min 5 s`, `2 h 10 min`.
pub fn to_the_second(ms: i64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600.. => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => in_words(ms),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_have_two_units_at_most() {
        for (ms, words, exact) in [
            (0, "0 s", "0 s"),
            (999, "999 ms", "999 ms"),
            (1_000, "1 s", "1 s"),
            (59_999, "59 s", "59 s"),
            (65_000, "1 min", "1 min 5 s"),
            (7_500_000, "2 h 05 min", "2 h 5 min"),
            (259_200_000, "3 days", "72 h 0 min"),
        ] {
            assert_eq!((in_words(ms), to_the_second(ms)), (words.to_owned(), exact.to_owned()));
        }
    }
}

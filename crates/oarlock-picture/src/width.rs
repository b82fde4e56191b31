//! How many columns of a terminal a text takes.

use unicode_width::UnicodeWidthStr;

/// The columns of a text.
pub fn columns(text: &str) -> usize {
    text.width()
}

/// The text, or its beginning and an ellipsis where it is wider than `columns_max`.
pub fn cut(text: &str, columns_max: usize) -> String {
    if columns(text) <= columns_max {
        return text.to_owned();
    }
    // What follows a joiner changes the width of the text before it: each beginning is measured as a whole.
    let ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
    let end = ends.take_while(|end| columns(&text[..*end]) < columns_max).last().unwrap_or(0);
    format!("{}…", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_those_of_a_terminal() {
        for (text, want) in [
            ("plan", 4),
            ("план", 4),
            ("日本語", 6),
            ("한국", 4),
            ("e\u{301}", 1),
            ("👨\u{200d}👩\u{200d}👧", 2),
            ("👍🏽", 2),
            ("می\u{200c}خواهم", 7),
        ] {
            assert_eq!(columns(text), want, "{text}");
        }
        assert_eq!((cut("日本語", 6), cut("日本語", 5), cut("日本語", 4)), ("日本語".into(), "日本…".into(), "日…".into()));
        assert_eq!(cut("plan", 3), "pl…");
    }
}

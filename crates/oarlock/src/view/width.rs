//! How many columns of a terminal a text takes (Unicode Standard Annex 11, as far as tables need it).

/// The columns of a text.
pub(crate) fn columns(text: &str) -> usize {
    each(text).map(|(_, columns)| columns).sum()
}

/// The text, or its beginning and an ellipsis where it is wider than `columns_max`.
pub(crate) fn cut(text: &str, columns_max: usize) -> String {
    if columns(text) <= columns_max {
        return text.to_owned();
    }
    let mut left = columns_max.saturating_sub(1);
    let fits = each(text).map_while(|(c, columns)| {
        left = left.checked_sub(columns)?;
        Some(c)
    });
    fits.chain(['…']).collect()
}

/// Each character with its columns. What a joiner joins to the one before takes none of its own.
fn each(text: &str) -> impl Iterator<Item = (char, usize)> {
    let mut is_joined = false;
    text.chars().map(move |c| {
        let columns = if is_joined { 0 } else { of_char(c) };
        is_joined = c == '\u{200d}';
        (c, columns)
    })
}

fn of_char(c: char) -> usize {
    match c {
        // Most text.
        '\u{20}'..='\u{2ff}' => 1,
        // Marks that are put onto the character before, joiners, variations, colours of skin.
        '\u{300}'..='\u{36f}'
        | '\u{483}'..='\u{489}'
        | '\u{591}'..='\u{5bd}'
        | '\u{610}'..='\u{61a}'
        | '\u{64b}'..='\u{65f}'
        | '\u{e31}'
        | '\u{e34}'..='\u{e3a}'
        | '\u{e47}'..='\u{e4e}'
        | '\u{1ab0}'..='\u{1aff}'
        | '\u{200b}'..='\u{200f}'
        | '\u{20d0}'..='\u{20ff}'
        | '\u{302a}'..='\u{302d}'
        | '\u{3099}'..='\u{309a}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{fe20}'..='\u{fe2f}'
        | '\u{1f3fb}'..='\u{1f3ff}'
        | '\u{e0020}'..='\u{e01ef}' => 0,
        // Hangul, the scripts of China and Japan, full-width forms, and pictures.
        '\u{1100}'..='\u{115f}'
        | '\u{231a}'..='\u{231b}'
        | '\u{23e9}'..='\u{23ec}'
        | '\u{2614}'..='\u{2615}'
        | '\u{2705}'
        | '\u{274c}'
        | '\u{2b1b}'..='\u{2b1c}'
        | '\u{2e80}'..='\u{303e}'
        | '\u{3041}'..='\u{a4cf}'
        | '\u{a960}'..='\u{a97f}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1f64f}'
        | '\u{1f680}'..='\u{1f6ff}'
        | '\u{1f900}'..='\u{1f9ff}'
        | '\u{1fa70}'..='\u{1faff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
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

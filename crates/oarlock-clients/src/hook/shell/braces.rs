//! Words with braces, `src/{a,b}.rs`, which a shell makes several of.

/// The most words that are made of one; of more, those with braces stay as they are.
const WORDS_MAX: usize = 64;

/// The longest word that is looked into, in bytes; there is no longer path.
const WORD_BYTES_MAX: usize = 4_096;

/// The words that one stands for; nothing when it is only itself, or has quotes or anything else by which braces could be mere characters.
pub(super) fn expanded(word: &str) -> Option<Vec<String>> {
    if word.len() > WORD_BYTES_MAX || !word.contains('{') || word.contains(['\'', '"', '\\', '$', '`']) {
        return None;
    }
    let (mut words, mut is_changed) = (vec![word.to_owned()], false);
    while words.len() <= WORDS_MAX {
        let Some(at) = words.iter().position(|word| choices(word).is_some()) else {
            return is_changed.then_some(words);
        };
        let made: Vec<String> = choices(&words[at]).unwrap_or_default();
        words.splice(at..=at, made);
        is_changed = true;
    }
    None
}

/// One word for each choice of the first braces that have several.
fn choices(word: &str) -> Option<Vec<String>> {
    word.match_indices('{').find_map(|(start, _)| {
        let (mut depth, mut commas) = (0, Vec::new());
        let end = word[start..].char_indices().find_map(|(at, c)| {
            depth += i32::from(c == '{');
            depth -= i32::from(c == '}');
            if c == ',' && depth == 1 {
                commas.push(start + at);
            }
            (depth == 0).then_some(start + at)
        })?;
        let mut from = start + 1;
        let mut parts = Vec::new();
        for to in commas.iter().copied().chain([end]) {
            parts.push(format!("{}{}{}", &word[..start], &word[from..to], &word[end + 1..]));
            from = to + 1;
        }
        (parts.len() > 1).then_some(parts)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_with_commas_are_choices() {
        let of = |word: &str| expanded(word).map(|words| words.join(" "));
        assert_eq!(of("src/{a,b}.rs").as_deref(), Some("src/a.rs src/b.rs"));
        assert_eq!(of("{a,b{1,2}}x").as_deref(), Some("ax b1x b2x"));
        assert_eq!(of("a{,.bak}").as_deref(), Some("a a.bak"));
        assert_eq!(of("{a}{b,c}").as_deref(), Some("{a}b {a}c"));
        for same in ["{}", "a{b}c", "{a,b", "a,b}", "'{a,b}'", "\"{a,b}\"", "${x,,}", "{1..3}", ""] {
            assert_eq!(of(same), None, "{same}");
        }
        assert_eq!(of(&"{a,b}".repeat(20)), None, "not without end");
        assert_eq!(of(&"{".repeat(1_000_000)), None, "not for long");
    }
}

//! Braces, which patterns do not have: the patterns that a shell would make of them, and lists of patterns in one text.

/// The most texts that are made of one.
const TEXTS_MAX: usize = 64;

/// The longest text that is looked into, in bytes; there is no longer path.
const TEXT_BYTES_MAX: usize = 4_096;

/// The texts that a shell makes of one with alternatives in braces: `src/{a,b}.rs` is `src/a.rs` and `src/b.rs`. Braces in
/// a class (`[{]`) and braces without a comma stand for themselves. `None` when it has no alternatives, or more than 64.
#[must_use]
pub fn expanded(text: &str) -> Option<Vec<String>> {
    if text.len() > TEXT_BYTES_MAX || !text.contains('{') {
        return None;
    }
    let (mut texts, mut is_changed) = (vec![text.to_owned()], false);
    while texts.len() <= TEXTS_MAX {
        let found = texts.iter().enumerate().find_map(|(at, text)| alternatives(text).map(|made| (at, made)));
        let Some((at, made)) = found else {
            return is_changed.then_some(texts);
        };
        texts.splice(at..=at, made);
        is_changed = true;
    }
    None
}

/// The items of a list with commas between; commas in braces and in classes are no ends of an item.
#[must_use]
pub fn listed(text: &str) -> Vec<&str> {
    let (mut items, mut from, mut depth) = (Vec::new(), 0_usize, 0_usize);
    for (at, c) in outside_classes(text) {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                items.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    items.push(&text[from..]);
    items
}

/// One text for each alternative of the first braces that have several.
fn alternatives(text: &str) -> Option<Vec<String>> {
    let marks: Vec<(usize, char)> = outside_classes(text).filter(|(_, c)| matches!(c, '{' | '}' | ',')).collect();
    let opening = marks.iter().enumerate().filter(|(_, (_, c))| *c == '{');
    opening.map(|(k, (start, _))| (k, *start)).find_map(|(k, start)| {
        let (mut depth, mut from, mut ends) = (0, start + 1, Vec::new());
        for (at, c) in &marks[k..] {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            if depth == 0 || (depth == 1 && *c == ',') {
                ends.push((from, *at));
                from = at + 1;
            }
            if depth == 0 {
                let made = ends.iter().map(|(from, to)| format!("{}{}{}", &text[..start], &text[*from..*to], &text[at + 1..]));
                return (ends.len() > 1).then(|| made.collect());
            }
        }
        None
    })
}

/// The characters that are in no class, each with its place in bytes. A class ends in its component.
fn outside_classes(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut end = 0;
    text.char_indices().filter(move |(at, c)| {
        if *at >= end && *c == '[' {
            end = class_end(text, *at).unwrap_or(end);
        }
        *at >= end
    })
}

/// The place behind the class that begins at `open`.
fn class_end(text: &str, open: usize) -> Option<usize> {
    let inside = open + 1;
    let first = inside + usize::from(text[inside..].starts_with('!'));
    // A `]` that comes first means itself.
    let from = first + text[first..].chars().next().filter(|c| *c != '/')?.len_utf8();
    let length = text[from..].find([']', '/'])?;
    text[from + length..].starts_with(']').then_some(from + length + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_with_commas_are_alternatives() {
        let of = |text: &str| expanded(text).map(|texts| texts.join(" "));
        assert_eq!(of("src/{a,b}.rs").as_deref(), Some("src/a.rs src/b.rs"));
        assert_eq!(of("{a,b{1,2}}x").as_deref(), Some("ax b1x b2x"));
        assert_eq!(of("a{,.bak}").as_deref(), Some("a a.bak"));
        assert_eq!(of("{a}{b,c}").as_deref(), Some("{a}b {a}c"));
        assert_eq!(of("[{]{b,[,]}").as_deref(), Some("[{]b [{][,]"));
        for same in ["{}", "a{b}c", "{a,b", "a,b}", "{1..3}", "[{a,b}]", ""] {
            assert_eq!(of(same), None, "{same}");
        }
        assert_eq!(of(&"{a,b}".repeat(20)), None, "not without end");
        assert_eq!(of(&"{".repeat(1_000_000)), None, "not for long");
        assert_eq!(of(&"{".repeat(4_000)), None, "not for long");
    }

    #[test]
    fn lists_end_their_items_at_commas_outside_of_braces() {
        for (text, items) in [
            ("a,b", vec!["a", "b"]),
            ("src/{a,b}.rs,docs", vec!["src/{a,b}.rs", "docs"]),
            ("[a,b].rs,c", vec!["[a,b].rs", "c"]),
            ("[]a,b", vec!["[]a", "b"]),
            ("a[/,b]", vec!["a[/", "b]"]),
            ("{a,b", vec!["{a,b"]),
            ("}a,b", vec!["}a", "b"]),
            ("", vec![""]),
            ("é,[é,]", vec!["é", "[é,]"]),
        ] {
            assert_eq!(listed(text), items, "{text}");
        }
    }
}

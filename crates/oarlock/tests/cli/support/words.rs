//! Command lines as one text.

/// The words of a line: separated by blanks, or quoted with `'` where a word has blanks or is empty.
pub(crate) fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut is_quoted = false;
    for c in line.chars() {
        match c {
            '\'' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            ' ' if !is_quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    assert!(!is_quoted, "a quote is open: {line}");
    words.extend(word);
    words
}

#[test]
fn words_are_split_as_in_a_shell() {
    assert_eq!(words("add 'a b'  --body '' x'y z'"), ["add", "a b", "--body", "", "xy z"]);
}

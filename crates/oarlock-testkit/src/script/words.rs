//! Words of a line, quoted as in a POSIX shell (2.2 Quoting): single and double quotes and the backslash,
//! without expansions. Inside double quotes `\n`, `\t` and `\a` are a line end, a tab and a notifier.

/// Splits a line into words.
///
/// # Errors
/// A quote that does not end.
pub fn words(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some('\'') => break,
                        Some(c) => word.push(c),
                        None => return Err("a single quote does not end".to_owned()),
                    }
                }
            }
            '"' => quoted(&mut chars, word.get_or_insert_default())?,
            '\\' => word.get_or_insert_default().extend(chars.next()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

fn quoted(chars: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), String> {
    loop {
        match chars.next() {
            Some('"') => return Ok(()),
            Some('\\') => match chars.next() {
                Some('n') => word.push('\n'),
                Some('t') => word.push('\t'),
                Some('a') => word.push('\u{7}'),
                Some(c) => word.push(c),
                None => break,
            },
            Some(c) => word.push(c),
            None => break,
        }
    }
    Err("a double quote does not end".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_those_of_a_shell() {
        let check = |line: &str, expected: &[&str]| assert_eq!(words(line).expect(line), expected, "{line}");
        check("add 'two words' --id A", &["add", "two words", "--id", "A"]);
        check(r#"a"b c"'d e'f "" x\ y"#, &["ab cd ef", "", "x y"]);
        check(r#"state-set k '{"a":"b"}' "l\n\"m""#, &["state-set", "k", r#"{"a":"b"}"#, "l\n\"m"]);
        check("  ", &[]);
        assert!(words("'a").is_err() && words("\"a").is_err());
    }
}

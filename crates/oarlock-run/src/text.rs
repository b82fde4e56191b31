//! The output of a program, made fit for the store and for a terminal: valid UTF-8 without control characters.

/// Longest operating system command (`ESC ] … BEL`) that is taken for one; hostile output must not hide what follows it.
const COMMAND_CHARS_MAX: usize = 1_024;

/// Bytes as text: invalid UTF-8 replaced, terminal control sequences (ECMA-48, sections 5.4 and 5.6) removed, other control
/// characters escaped, except tab and line ends. What operations refuse in a text is not in it.
pub(crate) fn clean(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_ref();
    while let Some(at) = rest.find(|c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let Some(c) = rest.chars().next() else { break };
        let sequence = if c == '\u{1b}' { sequence_bytes(rest) } else { 0 };
        if sequence > 0 {
            rest = &rest[sequence..];
        } else {
            out.extend(c.escape_unicode());
            rest = &rest[c.len_utf8()..];
        }
    }
    out.push_str(rest);
    out
}

/// How many bytes the control sequence at the beginning of `text` has; 0 when it is none.
fn sequence_bytes(text: &str) -> usize {
    let bytes = text.as_bytes();
    match bytes.get(1) {
        Some(b'[') => {
            let parameters = bytes[2..].iter().take_while(|b| (0x20..=0x3f).contains(*b)).count();
            match bytes.get(2 + parameters) {
                Some(0x40..=0x7e) => parameters + 3,
                _ => 0,
            }
        }
        Some(b']') => {
            let end = bytes[2..].iter().take(COMMAND_CHARS_MAX).position(|b| matches!(b, 0x07 | 0x1b));
            match end.map(|end| (end + 2, bytes[end + 2])) {
                Some((end, 0x07)) => end + 1,
                Some((end, _)) if bytes.get(end + 1) == Some(&b'\\') => end + 2,
                _ => 0,
            }
        }
        Some(0x20..=0x2f) => match bytes.get(2) {
            Some(0x30..=0x7e) => 3,
            _ => 0,
        },
        Some(0x30..=0x7e) => 2,
        _ => 0,
    }
}

/// One line for a terminal or a message: what a carriage return has overwritten is left out, so a progress bar is its last state.
pub(crate) fn clean_line(bytes: &[u8]) -> String {
    let line = clean(bytes);
    let line = line.trim_end();
    line.rsplit('\r').next().unwrap_or(line).to_owned()
}

/// One line of at most `chars_max` characters, for a title or a message; the first line that says something.
pub(crate) fn first_line(text: &str, chars_max: usize) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    match line.char_indices().nth(chars_max) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_stays_as_it_is() {
        let text = "Zwölf Boxkämpfer\r\n\tjagen 日本 ✅\n";
        assert_eq!(clean(text.as_bytes()), text);
    }

    #[test]
    fn colours_and_titles_go_away() {
        assert_eq!(clean(b"\x1b[1;31mred\x1b[0m \x1b]0;title\x07x\x1b]8;;http://a\x1b\\y\x1b(B\x1bcz"), "red xyz");
    }

    #[test]
    fn a_command_that_never_ends_hides_nothing() {
        let hostile = format!("\u{1b}]{}important", "a".repeat(5_000));
        assert!(clean(hostile.as_bytes()).ends_with("important"));
        assert_eq!(clean(b"\x1b[31"), "\\u{1b}[31");
        assert_eq!(clean(b"end\x1b"), "end\\u{1b}");
    }

    #[test]
    fn whatever_comes_in_no_control_character_comes_out() {
        let mut state = 7_u32;
        for length in 0..400 {
            let bytes: Vec<u8> = (0..length)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    b"\x1b\x1b[];0am\x07\\\n\x00\x9b\xc2\x85\xff\xe2"[(state >> 16) as usize % 17]
                })
                .collect();
            assert!(!clean(&bytes).chars().any(|c| c.is_control() && c != '\n'), "{bytes:?}");
        }
    }

    #[test]
    fn a_line_shows_what_a_terminal_would() {
        assert_eq!(clean_line(b"10 %\r55 %\r100 %\r\n"), "100 %");
        assert_eq!(first_line("\n  one two\nthree", 4), "one …");
        assert_eq!(first_line("", 4), "");
    }
}

//! Escapes in `$'…'`, as bash reads them.

/// The character that the escape at the beginning of `chars` means, and how long it is. None means nothing (`\0`).
/// Reads one escape. An unknown one means the character behind its backslash.
pub(super) fn read(chars: &[char]) -> (Option<char>, usize) {
    let Some(kind) = chars.get(1) else { return (Some('\\'), 1) };
    let plain = |c: char| (Some(c), 2);
    match kind {
        'a' => plain('\u{7}'),
        'b' => plain('\u{8}'),
        'e' | 'E' => plain('\u{1b}'),
        'f' => plain('\u{c}'),
        'n' => plain('\n'),
        'r' => plain('\r'),
        't' => plain('\t'),
        'v' => plain('\u{b}'),
        '0'..='7' => number(chars, 1, 3, 8),
        'x' => number(chars, 2, 2, 16),
        'u' => number(chars, 2, 4, 16),
        'U' => number(chars, 2, 8, 16),
        'c' => match chars.get(2).filter(|c| c.is_ascii()) {
            Some(c) => (char::from_u32(u32::from(*c) & 0x1f).filter(|c| *c != '\0'), 3),
            None => plain('c'),
        },
        c => plain(*c),
    }
}

/// The character with the number that is written from `from` on, in at most this many digits.
fn number(chars: &[char], from: usize, digits_max: usize, radix: u32) -> (Option<char>, usize) {
    let digits: Vec<u32> = chars.iter().skip(from).take(digits_max).map_while(|c| c.to_digit(radix)).collect();
    if digits.is_empty() {
        return (chars.get(1).copied(), 2);
    }
    let value = digits.iter().fold(0_u32, |value, digit| value.wrapping_mul(radix).wrapping_add(*digit));
    (char::from_u32(value).filter(|c| *c != '\0'), from + digits.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_those_of_bash() {
        for (text, c, length) in [
            (r"\t", Some('\t'), 2),
            (r"\n", Some('\n'), 2),
            (r"\'", Some('\''), 2),
            (r"\\", Some('\\'), 2),
            (r"\011x", Some('\t'), 4),
            (r"\x9", Some('\t'), 3),
            (r"\x41b", Some('A'), 4),
            (r"\u00e9", Some('é'), 6),
            (r"\U0001F600", Some('😀'), 10),
            (r"\cI", Some('\t'), 3),
            (r"\q", Some('q'), 2),
            (r"\xz", Some('x'), 2),
            (r"\0", None, 2),
            (r"\UFFFFFFFF", None, 10),
            (r"\", Some('\\'), 1),
        ] {
            let chars: Vec<char> = text.chars().collect();
            assert_eq!(read(&chars), (c, length), "{text}");
        }
    }
}

//! Keeping what a program prints within bounds: the beginning and the end, and a line that says how much is missing between.

use std::collections::VecDeque;

use crate::text::{clean, clean_line};

/// Room for the line that means the omitted lines.
const MARK_BYTES_MAX: usize = 64;

/// Longest line that is passed on in one piece.
const LINE_BYTES_MAX: usize = 8 * 1_024;

/// The beginning and the end of a stream of bytes.
#[derive(Debug)]
pub(crate) struct Capture {
    head: Vec<u8>,
    head_max: usize,
    tail: VecDeque<u8>,
    tail_max: usize,
    left_out: u64,
}

impl Capture {
    /// Keeps the first `head_max` and the last `tail_max` bytes.
    pub(crate) fn new(head_max: usize, tail_max: usize) -> Self {
        Self { head: Vec::new(), head_max, tail: VecDeque::new(), tail_max, left_out: 0 }
    }

    /// Takes what came next.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let (first, rest) = bytes.split_at(bytes.len().min(self.head_max - self.head.len()));
        self.head.extend_from_slice(first);
        let over = (self.tail.len() + rest.len()).saturating_sub(self.tail_max);
        self.left_out += over as u64;
        let old = over.min(self.tail.len());
        self.tail.drain(..old);
        self.tail.extend(&rest[over - old..]);
    }

    /// Whether nothing was left out.
    pub(crate) fn is_whole(&self) -> bool {
        self.left_out == 0
    }

    /// All of it as clean text of at most `bytes_max` bytes, which has room for more than [`MARK_BYTES_MAX`].
    pub(crate) fn into_text(self, bytes_max: usize) -> String {
        let tail: Vec<u8> = self.tail.into();
        if self.left_out == 0 {
            return clip(clean(&[self.head, tail].concat()), bytes_max);
        }
        shortened(&clean(&self.head), &clean(&tail), self.left_out, bytes_max)
    }
}

/// The text, or its beginning and end, within `bytes_max` bytes.
pub(crate) fn clip(text: String, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text;
    }
    let middle = text.floor_char_boundary(text.len() / 2);
    let (head, tail) = text.split_at(middle);
    shortened(head, tail, 0, bytes_max)
}

fn shortened(head: &str, tail: &str, left_out: u64, bytes_max: usize) -> String {
    let room = bytes_max.saturating_sub(MARK_BYTES_MAX) / 2;
    let first = &head[..head.floor_char_boundary(room)];
    let last = &tail[tail.ceil_char_boundary(tail.len().saturating_sub(room))..];
    let missing = left_out + (head.len() - first.len() + tail.len() - last.len()) as u64;
    format!("{}\n[… {missing} bytes left out …]\n{}", first.trim_end(), last.trim_start())
}

/// Cuts a stream into lines as it comes.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    begun: Vec<u8>,
}

impl Lines {
    /// Takes what came next and passes each line on that is complete, or too long to wait for its end.
    pub(crate) fn push(&mut self, bytes: &[u8], on_line: &mut dyn FnMut(&str)) {
        for piece in bytes.split_inclusive(|b| *b == b'\n') {
            for chunk in piece.chunks(LINE_BYTES_MAX) {
                self.begun.extend_from_slice(chunk);
                if self.begun.ends_with(b"\n") || self.begun.len() >= LINE_BYTES_MAX {
                    self.flush(on_line);
                }
            }
        }
    }

    /// Passes on what has no end of line.
    pub(crate) fn finish(&mut self, on_line: &mut dyn FnMut(&str)) {
        if !self.begun.is_empty() {
            self.flush(on_line);
        }
    }

    fn flush(&mut self, on_line: &mut dyn FnMut(&str)) {
        on_line(&clean_line(&self.begun));
        self.begun.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captured(pieces: &[&[u8]], head: usize, tail: usize, bytes_max: usize) -> String {
        let mut capture = Capture::new(head, tail);
        pieces.iter().for_each(|piece| capture.push(piece));
        capture.into_text(bytes_max)
    }

    #[test]
    fn what_fits_is_kept_whole() {
        assert_eq!(captured(&[b"ab", b"cdef", b"gh"], 4, 4, 200), "abcdefgh");
    }

    #[test]
    fn the_middle_goes_and_is_counted() {
        assert_eq!(captured(&[b"0123456789", b"abcdefghij"], 4, 4, 200), "0123\n[… 12 bytes left out …]\nghij");
        let one_by_one: Vec<[u8; 1]> = b"0123456789abcdefghij".iter().map(|b| [*b]).collect();
        let pieces: Vec<&[u8]> = one_by_one.iter().map(|b| b.as_slice()).collect();
        assert_eq!(captured(&pieces, 4, 4, 200), "0123\n[… 12 bytes left out …]\nghij");
        assert_eq!(captured(&[b"abcdef"], 0, 3, 200).lines().last(), Some("def"));
    }

    #[test]
    fn text_that_grows_when_it_is_cleaned_stays_within_its_limit() {
        for byte in [0_u8, 0xff, b'x'] {
            let text = captured(&[&[byte; 4_000]], 2_000, 2_000, 1_000);
            assert!(text.len() <= 1_000, "{}", text.len());
            assert!(byte == b'x' || text.contains("bytes left out"));
        }
        assert!(clip("é".repeat(500), 300).len() <= 300);
    }

    #[test]
    fn memory_is_bounded() {
        let mut capture = Capture::new(10, 10);
        for _ in 0..1_000 {
            capture.push(&[b'y'; 1_000]);
        }
        assert_eq!((capture.head.len(), capture.tail.len(), capture.left_out), (10, 10, 999_980));
    }

    #[test]
    fn lines_come_whole_and_long_ones_in_pieces() {
        let mut lines = Lines::default();
        let mut got: Vec<String> = Vec::new();
        let mut take = |line: &str| got.push(line.to_owned());
        for piece in [&b"one\ntw"[..], b"o\n\nthr", b"ee"] {
            lines.push(piece, &mut take);
        }
        lines.push(&[b'x'; 2 * LINE_BYTES_MAX + 1], &mut take);
        lines.finish(&mut take);
        assert_eq!(got[..3], ["one", "two", ""]);
        assert!(got[3].starts_with("threexxx") && got.iter().all(|line| line.len() <= LINE_BYTES_MAX + 5));
        assert_eq!(got[3..].iter().map(String::len).sum::<usize>(), 5 + 2 * LINE_BYTES_MAX + 1);
    }
}

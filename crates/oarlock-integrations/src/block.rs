//! A marked block in a text file: everything between two lines that only Oarlock writes.

use crate::edit::{Edited, newline_of};

/// How a file marks foreign lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comment {
    /// `<!-- … -->`
    Markdown,
    /// `# …`
    Hash,
}

impl Comment {
    fn line(self, words: &str) -> String {
        match self {
            Self::Markdown => format!("<!-- {words} -->"),
            Self::Hash => format!("# {words}"),
        }
    }

    /// The beginning of the first line of a block of any version.
    fn opening(self) -> String {
        match self {
            Self::Markdown => "<!-- oarlock:begin".into(),
            Self::Hash => "# oarlock:begin".into(),
        }
    }

    fn closing(self) -> String {
        self.line("oarlock:end")
    }
}

/// The version of the blocks that are written.
pub const VERSION: u32 = 1;

/// The whole block: its version is in its first line, so that a later version knows what it replaces.
pub fn block(comment: Comment, body: &str) -> String {
    format!("{}\n{}\n{}\n", comment.line(&format!("oarlock:begin {VERSION}")), body.trim_end(), comment.closing())
}

/// Puts a block at the end of a text that has none, in one piece. One that is there is left as it is: see [`take_out`].
pub fn put(text: &str, comment: Comment, block: &str) -> Edited {
    let mut edited = Edited::of(text);
    if !has(text, comment) {
        append(&mut edited, block);
    }
    edited
}

/// Puts a block at the end of a text, with an empty line before it.
pub fn append(edited: &mut Edited, block: &str) {
    let newline = newline_of(&edited.text);
    let lead = match edited.text.as_str() {
        "" => "",
        text if text.ends_with('\n') => "\n",
        _ => "\n\n",
    };
    edited.insert(edited.text.len(), format!("{lead}{block}").replace('\n', newline));
}

/// Whether a text has a block.
pub fn has(text: &str, comment: Comment) -> bool {
    place(text, comment).is_some()
}

/// Takes every block out, with the empty line before it. What somebody else has put into one stays: `foreign` shows what that is of the lines
/// between the marks. Of the blocks of other versions it is not known.
pub fn take_out(text: &str, comment: Comment, foreign: impl Fn(&str) -> String) -> String {
    let current = comment.line(&format!("oarlock:begin {VERSION}"));
    let mut text = text.to_owned();
    while let Some((start, end)) = place(&text, comment) {
        let (before, block) = (&text[..start], &text[start..end]);
        let is_current = block.lines().next() == Some(current.as_str());
        // The first line and the last are the marks.
        let inside = block.lines().count().saturating_sub(2);
        let inside: String = block.split_inclusive('\n').skip(1).take(inside).collect();
        let foreign = if is_current { foreign(&inside) } else { String::new() };
        let spaced = ["\r\n\r\n", "\n\n"].iter().find(|gap| before.ends_with(**gap)).map_or(0, |gap| gap.len() / 2);
        let spaced = if foreign.is_empty() { spaced } else { 0 };
        text.replace_range(start - spaced..end, &foreign);
    }
    text
}

/// The lines of a text that are neither empty nor Oarlock's: those of `ours` are expected once each, in their order, and `is_always_ours` reports others.
pub fn foreign_lines(text: &str, ours: &str, is_always_ours: impl Fn(&str) -> bool) -> String {
    let mut left = ours.lines();
    let mut is_ours = |line: &str| {
        let mut ahead = left.clone();
        let is_next = ahead.any(|own| own == line);
        if is_next {
            left = ahead;
        }
        is_next || is_always_ours(line)
    };
    text.split_inclusive('\n').filter(|line| !line.trim().is_empty() && !is_ours(line.trim_end())).collect()
}

/// From the first character of the first line to behind the last line.
fn place(text: &str, comment: Comment) -> Option<(usize, usize)> {
    let first = line_beginnings(text, &comment.opening()).next()?;
    let end = first + line_beginnings(&text[first..], &comment.closing()).next()?;
    // A mark whose block has lost its end is not the beginning of the next one.
    let start = first + line_beginnings(&text[first..end], &comment.opening()).last()?;
    let rest = &text[end..];
    Some((start, end + rest.find('\n').map_or(rest.len(), |newline| newline + 1)))
}

fn line_beginnings<'t>(text: &'t str, words: &'t str) -> impl Iterator<Item = usize> + 't {
    text.match_indices(words).map(|(at, _)| at).filter(|at| *at == 0 || text[..*at].ends_with('\n'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::undo;

    #[test]
    fn a_block_is_put_at_the_end_and_taken_out_again() {
        let block = block(Comment::Markdown, "Use oarlock.\n");
        for found in ["", "# Rules\n", "# Rules", "# Rules\r\n\r\nBe kind.\r\n", "\n"] {
            let edited = put(found, Comment::Markdown, &block);
            assert!(edited.text.contains("Use oarlock."), "{found:?}");
            assert_eq!(put(&edited.text, Comment::Markdown, &block).insertions, vec![]);
            assert_eq!(undo(&edited.text, &edited.insertions).as_deref(), Some(found));
            let is_crlf = found.contains('\r');
            assert_eq!(edited.text.replace("\r\n", "").contains('\n'), !is_crlf, "{found:?}");
            let left = take_out(&edited.text, Comment::Markdown, |inside| foreign_lines(inside, "Use oarlock.", |_| false));
            assert_eq!(left.trim_end(), found.trim_end(), "{found:?}");
        }
    }

    #[test]
    fn an_older_block_is_known_and_a_torn_one_is_left_alone() {
        let old = "a\n\n<!-- oarlock:begin 0 some words -->\nold\n<!-- oarlock:end -->\nb\n";
        let take_out = |text: &str| super::take_out(text, Comment::Markdown, |inside| foreign_lines(inside, "ours", |_| false));
        assert_eq!(take_out(old), "a\nb\n");
        let torn = "a\n<!-- oarlock:begin 1 -->\nb\n";
        assert!(!has(torn, Comment::Markdown));
        assert_eq!(take_out(torn), torn);
        let edited = put(torn, Comment::Markdown, &block(Comment::Markdown, "ours"));
        assert_eq!(take_out(&edited.text), torn);
    }

    #[test]
    fn what_somebody_writes_into_a_block_is_theirs() {
        for newline in ["\n", "\r\n"] {
            let text = "a\n\n<!-- oarlock:begin 1 -->\nours\nif mine\n\nfi\nour end\nfi\n<!-- oarlock:end -->\nb\n".replace('\n', newline);
            let left = take_out(&text, Comment::Markdown, |inside| foreign_lines(inside, "ours\nfi", |line| line == "our end"));
            assert_eq!(left, "a\n\nif mine\nfi\nb\n".replace('\n', newline));
        }
    }
}

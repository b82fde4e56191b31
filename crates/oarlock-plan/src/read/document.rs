//! Reading a Markdown document: lines with their kind, headings with their extent, front matter.
//! It reads lines rather than CommonMark blocks, because agents leave fences open, nest them and misnumber lists, and a
//! conforming parser then loses whole sections; here the damage stays where it is.

use oarlock_model::limits::DOCUMENT_BYTES_MAX;

use crate::PlanError;
use crate::at_once::both;
use crate::read::marks::Marks;
use crate::read::paths::{self, Found};
use crate::text::clip;

/// Most lines that are read; a document of 16 MiB in ordinary prose has about a tenth of them.
pub(crate) const LINES_MAX: usize = 2_000_000;
/// A document of so many bytes is worth a second thread, which costs some hundredths of a millisecond.
const LARGE_BYTES: usize = 1 << 18;
/// Headings that are read. Each costs some microseconds: without a bound, 16 MiB of them would take six seconds.
const HEADINGS_MAX: usize = 200_000;
/// How often reading starts again after a fence that never closes.
const UNCLOSED_FENCES_MAX: usize = 16;
/// Front matter and comments that are longer are taken for text.
const BLOCK_LINES_MAX: usize = 200;

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing but white space.
    Blank,
    /// A fence or what it holds.
    Code,
    /// Front matter or a comment.
    Meta,
    /// A heading of level 1 to 6.
    Heading(u8),
    /// A list item with its number, if it has one.
    Item(Option<u32>),
    /// A thematic break or the underline of a heading.
    Rule,
    /// Anything else.
    Text,
}

/// One line: byte offsets into the document, so that a million of them stay small.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    start: u32,
    end: u32,
    /// Where the text begins behind indentation, `#`, list marker and check box.
    text: u32,
    /// Columns of white space before the line, a tab counting four.
    pub(crate) indent: u16,
    /// What the line is.
    pub(crate) kind: Kind,
    /// Ticked or not, when there is a check box.
    pub(crate) tick: Option<bool>,
    /// What it may say.
    pub(crate) marks: Marks,
}

/// A heading and the lines up to the next one of its level or above.
#[derive(Debug, Clone)]
pub(crate) struct Heading {
    /// Index of its line.
    pub(crate) line: usize,
    /// 1 to 6.
    pub(crate) level: u8,
    /// Index of the first line that no longer belongs to it.
    pub(crate) end: usize,
}

/// A document that was read.
#[derive(Debug)]
pub(crate) struct Document<'a> {
    source: &'a str,
    /// All lines; index 0 is line 1.
    pub(crate) lines: Vec<Line>,
    /// All headings, in order.
    pub(crate) headings: Vec<Heading>,
    front_matter: (usize, usize),
}

impl<'a> Document<'a> {
    /// Reads `source`, or refuses it when it is too large.
    pub(crate) fn read(source: &'a str) -> Result<Self, PlanError> {
        if source.len() > DOCUMENT_BYTES_MAX {
            return Err(PlanError::DocumentTooLarge { bytes: source.len(), limit: DOCUMENT_BYTES_MAX });
        }
        let mut lines = lines_of(source)?;
        let front_matter = mark_front_matter(source, &mut lines);
        mark_code(source, &mut lines);
        mark_comments(source, &mut lines);
        classify(source, &mut lines);
        mark_underlined_headings(source, &mut lines);
        let headings = headings(&lines);
        if headings.len() > HEADINGS_MAX {
            return Err(PlanError::TooManyHeadings { limit: HEADINGS_MAX });
        }
        Ok(Self { source, lines, headings, front_matter })
    }

    /// Whether it is worth a second thread.
    pub(crate) fn is_large(&self) -> bool {
        self.source.len() >= LARGE_BYTES
    }

    /// The whole line at `index`, without its end.
    pub(crate) fn raw(&self, index: usize) -> &'a str {
        let line = self.lines[index];
        &self.source[line.start as usize..line.end as usize]
    }

    /// The text of the line at `index`, without its markers.
    pub(crate) fn text(&self, index: usize) -> &'a str {
        let line = self.lines[index];
        &self.source[line.text as usize..line.end as usize]
    }

    /// The paths in the text of the line at `index`, from left to right; at most `limit`.
    pub(crate) fn paths(&self, index: usize, limit: usize) -> Vec<Found> {
        if self.lines[index].marks.path() { paths::find(clip(self.text(index)), limit) } else { Vec::new() }
    }

    /// The source of the lines from `first` to `last`, both included, as it stands.
    pub(crate) fn slice(&self, first: usize, last: usize) -> &'a str {
        &self.source[self.lines[first].start as usize..self.lines[last].end as usize]
    }

    /// The value of a front matter key.
    pub(crate) fn front_matter(&self, key: &str) -> Option<&'a str> {
        (self.front_matter.0..self.front_matter.1).find_map(|i| {
            let (name, value) = self.raw(i).split_once(':')?;
            let value = value.trim().trim_matches(['"', '\'']).trim();
            (name.trim() == key && !value.is_empty()).then_some(value)
        })
    }
}

/// The lines and what they may say, of the halves of a large document at once.
fn lines_of(source: &str) -> Result<Vec<Line>, PlanError> {
    let begin = if source.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    if source.len() < LARGE_BYTES {
        return lines_between(source, begin, source.len());
    }
    let half = source.as_bytes()[source.len() / 2..].iter().position(|byte| *byte == b'\n');
    let half = half.map_or(source.len(), |length| source.len() / 2 + length + 1);
    let (front, back) = both(|| lines_between(source, begin, half), || lines_between(source, half, source.len()));
    let mut lines = front?;
    lines.extend(back?);
    if lines.len() > LINES_MAX {
        return Err(PlanError::TooManyLines { limit: LINES_MAX });
    }
    Ok(lines)
}

/// The lines between two places that lines begin at, and what they may say.
fn lines_between(source: &str, from: usize, to: usize) -> Result<Vec<Line>, PlanError> {
    let mut lines = raw_lines(&source[..to], from)?;
    mark(source, &mut lines);
    Ok(lines)
}

fn raw_lines(source: &str, from: usize) -> Result<Vec<Line>, PlanError> {
    let mut lines = Vec::with_capacity(((source.len() - from) / 32).min(LINES_MAX));
    let mut start = from;
    let bytes = source.as_bytes();
    while start < bytes.len() {
        let stop = source[start..].find('\n').map_or(source.len(), |length| start + length);
        let end = if stop > start && bytes[stop - 1] == b'\r' { stop - 1 } else { stop };
        if lines.len() == LINES_MAX {
            return Err(PlanError::TooManyLines { limit: LINES_MAX });
        }
        let body = &source[start..end];
        let indent: usize = body.chars().take_while(|c| *c == ' ' || *c == '\t').map(|c| if c == '\t' { 4 } else { 1 }).sum();
        let text = end - body.trim_start().len();
        let kind = if text == end { Kind::Blank } else { Kind::Text };
        let short = |n: usize| u32::try_from(n).expect("a document is far below 4 GiB");
        let indent = u16::try_from(indent).unwrap_or(u16::MAX);
        lines.push(Line { start: short(start), end: short(end), text: short(text), indent, kind, tick: None, marks: Marks::NONE });
        start = stop + 1;
    }
    Ok(lines)
}

/// Tells what each line may say.
fn mark(source: &str, lines: &mut [Line]) {
    let mut marks = vec![Marks::NONE; lines.len()];
    Marks::of_each(lines.iter().map(|line| &source[line.start as usize..line.end as usize]), |at, found| marks[at] = found);
    lines.iter_mut().zip(marks).for_each(|(line, marks)| line.marks = marks);
}

fn body<'a>(source: &'a str, line: &Line) -> &'a str {
    source[line.text as usize..line.end as usize].trim_end()
}

/// Marks front matter and returns the lines between its fences.
fn mark_front_matter(source: &str, lines: &mut [Line]) -> (usize, usize) {
    if lines.first().is_none_or(|l| body(source, l) != "---") {
        return (0, 0);
    }
    let limit = lines.len().min(BLOCK_LINES_MAX);
    let Some(close) = (1..limit).find(|i| body(source, &lines[*i]) == "---") else {
        return (0, 0);
    };
    // Without a single `key: value` it is a rule with prose below.
    if !(1..close).any(|i| body(source, &lines[i]).contains(':')) {
        return (0, 0);
    }
    for line in &mut lines[..=close] {
        line.kind = Kind::Meta;
    }
    (1, close)
}

/// A fence line: its character, its length and what follows.
fn fence(text: &str) -> Option<(char, usize, &str)> {
    let mark = text.chars().next().filter(|c| *c == '`' || *c == '~')?;
    let length = text.chars().take_while(|c| *c == mark).count();
    let info = text[length..].trim();
    // A line such as ```` ```x``` ```` is a code span, not a fence.
    (length >= 3 && !(mark == '`' && info.contains('`'))).then_some((mark, length, info))
}

/// Marks fenced code. A fence that shows Markdown may hold fences of its own. One that never closes ends at the next
/// heading of level 1 or 2 instead of swallowing the rest of the document.
fn mark_code(source: &str, lines: &mut [Line]) {
    let mut from = 0;
    for _ in 0..=UNCLOSED_FENCES_MAX {
        let Some(open) = mark_code_from(source, lines, from) else {
            return;
        };
        let next = (open + 1..lines.len()).find(|i| {
            let text = &source[lines[*i].start as usize..lines[*i].end as usize];
            text.starts_with("## ") || text.starts_with("# ")
        });
        let Some(next) = next else { return };
        for line in &mut lines[next..] {
            if line.kind == Kind::Code {
                line.kind = if line.text == line.end { Kind::Blank } else { Kind::Text };
            }
        }
        from = next;
    }
}

/// Marks code from line `from` on and returns the fence that was still open at the end.
fn mark_code_from(source: &str, lines: &mut [Line], from: usize) -> Option<usize> {
    let mut open: Vec<(char, usize, bool)> = Vec::new();
    let mut opened_at = None;
    for (i, line) in lines.iter_mut().enumerate().skip(from) {
        if line.kind == Kind::Meta {
            continue;
        }
        let found = fence(body(source, line));
        let inside = !open.is_empty();
        if let Some((mark, length, info)) = found {
            match open.last() {
                None => {
                    opened_at = Some(i);
                    open.push((mark, length, shows_markdown(info)));
                }
                Some((m, l, _)) if *m == mark && length >= *l && info.is_empty() => {
                    open.pop();
                }
                Some((m, _, true)) if *m == mark && !info.is_empty() && open.len() < 8 => {
                    open.push((mark, length, shows_markdown(info)));
                }
                Some(_) => {}
            }
        }
        if inside || !open.is_empty() {
            line.kind = Kind::Code;
        }
    }
    opened_at.filter(|_| !open.is_empty())
}

fn shows_markdown(info: &str) -> bool {
    let word = info.split_whitespace().next().unwrap_or("");
    ["markdown", "md", "mdx"].contains(&word.to_ascii_lowercase().as_str())
}

/// Marks comments that begin a line.
fn mark_comments(source: &str, lines: &mut [Line]) {
    let mut i = 0;
    while i < lines.len() {
        if lines[i].kind == Kind::Text && body(source, &lines[i]).starts_with("<!--") {
            let limit = lines.len().min(i + BLOCK_LINES_MAX);
            if let Some(close) = (i..limit).find(|j| body(source, &lines[*j]).contains("-->")) {
                for line in &mut lines[i..=close] {
                    line.kind = Kind::Meta;
                }
                i = close;
            }
        }
        i += 1;
    }
}

fn classify(source: &str, lines: &mut [Line]) {
    for line in lines.iter_mut().filter(|l| l.kind == Kind::Text) {
        let text = body(source, line);
        let (kind, skip) = if line.indent < 4 && is_rule(text) {
            (Kind::Rule, 0)
        } else if let Some((level, skip)) = heading(text).filter(|_| line.indent < 4) {
            (Kind::Heading(level), skip)
        } else if let Some((number, skip)) = item(text) {
            (Kind::Item(number), skip)
        } else {
            (Kind::Text, 0)
        };
        line.kind = kind;
        line.text += u32::try_from(skip).expect("a marker is short");
        if matches!(kind, Kind::Item(_)) {
            let rest = body(source, line);
            if let Some((ticked, skip)) = check_box(rest) {
                line.tick = Some(ticked);
                line.text += u32::try_from(skip).expect("a check box is short");
            }
        }
    }
}

fn is_rule(text: &str) -> bool {
    let Some(mark) = text.chars().next().filter(|c| "-*_=".contains(*c)) else {
        return false;
    };
    text.len() >= 3 && text.chars().all(|c| c == mark || c == ' ') && text.chars().filter(|c| *c == mark).count() >= 3
}

fn heading(text: &str) -> Option<(u8, usize)> {
    let level = text.bytes().take_while(|b| *b == b'#').count();
    let rest = text.get(level..).filter(|_| (1..=6).contains(&level))?;
    let skip = level + rest.len() - rest.trim_start().len();
    (rest.is_empty() || rest.starts_with([' ', '\t'])).then_some((u8::try_from(level).ok()?, skip))
}

/// The number of a list item, and the length of its marker with the white space behind.
fn item(text: &str) -> Option<(Option<u32>, usize)> {
    let (number, marker) = if text.starts_with(['-', '*', '+', '•']) {
        (None, text.chars().next().map_or(1, char::len_utf8))
    } else {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let closes = text.as_bytes().get(digits).is_some_and(|b| *b == b'.' || *b == b')');
        if digits == 0 || digits > 6 || !closes {
            return None;
        }
        (text[..digits].parse().ok(), digits + 1)
    };
    let rest = &text[marker..];
    let skip = marker + rest.len() - rest.trim_start().len();
    (rest.starts_with([' ', '\t'])).then_some((number, skip))
}

fn check_box(text: &str) -> Option<(bool, usize)> {
    let inner = text.strip_prefix('[')?;
    let mark = inner.chars().next()?;
    let rest = inner[mark.len_utf8()..].strip_prefix(']')?;
    // `[ ]*` is an optional task of Kiro's.
    let rest = rest.strip_prefix('*').filter(|rest| rest.starts_with(' ')).unwrap_or(rest);
    let ticked = match mark {
        // All but the first two say that work has begun.
        ' ' | '_' | '-' | '~' | '/' | '>' => false,
        'x' | 'X' | '✓' | '✔' | '✅' => true,
        _ => return None,
    };
    (rest.is_empty() || rest.starts_with(' ')).then_some((ticked, text.len() - rest.trim_start().len()))
}

/// A line of text under which a row of `=` or `-` stands is a heading.
fn mark_underlined_headings(source: &str, lines: &mut [Line]) {
    for i in 1..lines.len() {
        if lines[i].kind != Kind::Rule || lines[i - 1].kind != Kind::Text || (i >= 2 && lines[i - 2].kind == Kind::Text) {
            continue;
        }
        let under = body(source, &lines[i]);
        let above = body(source, &lines[i - 1]);
        // Bold fields are often followed by a rule without a blank line.
        if above.starts_with("**") || above.starts_with('|') {
            continue;
        }
        if under.bytes().all(|b| b == b'=') {
            lines[i - 1].kind = Kind::Heading(1);
        } else if under.bytes().all(|b| b == b'-') {
            lines[i - 1].kind = Kind::Heading(2);
        }
    }
}

fn headings(lines: &[Line]) -> Vec<Heading> {
    let mut out: Vec<Heading> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        let Kind::Heading(level) = line.kind else {
            continue;
        };
        while let Some(last) = open.last().copied().filter(|h| out[*h].level >= level) {
            out[last].end = i;
            open.pop();
        }
        open.push(out.len());
        out.push(Heading { line: i, level, end: lines.len() });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(source: &str) -> Vec<Kind> {
        Document::read(source).expect("small").lines.iter().map(|l| l.kind).collect()
    }

    #[test]
    fn lines_have_their_kind() {
        let source = "---\ntitle: T\n---\n# H\n\n- a\n  1. [x] b\n```\n# no\n```\n<!-- c\nd -->\ntext\n---\n*b*";
        use Kind::{Blank, Code, Heading as H, Item, Meta, Rule, Text};
        let want = [Meta, Meta, Meta, H(1), Blank, Item(None), Item(Some(1)), Code, Code, Code, Meta, Meta, H(2), Rule, Text];
        assert_eq!(kinds(source), want);
        let doc = Document::read(source).expect("small");
        assert_eq!(doc.lines[6].tick, Some(true));
        assert_eq!((doc.text(6), doc.front_matter("title")), ("b", Some("T")));
    }

    #[test]
    fn a_fence_that_shows_markdown_may_hold_fences() {
        let source = "```markdown\n## x\n```python\ncode\n```\n```\n## real\n";
        assert_eq!(kinds(source)[6], Kind::Heading(2));
    }

    #[test]
    fn a_fence_that_never_closes_ends_at_the_next_section() {
        let source = "## A\n```bash\nls\n\n## B\n1. x\n";
        let kinds = kinds(source);
        assert_eq!((kinds[2], kinds[4], kinds[5]), (Kind::Code, Kind::Heading(2), Kind::Item(Some(1))));
    }

    #[test]
    fn carriage_returns_and_byte_order_marks_are_not_text() {
        let source = "\u{feff}# T\r\n\r\nx\r\n";
        let doc = Document::read(source).expect("small");
        assert_eq!((doc.text(0), doc.text(2), doc.lines.len()), ("T", "x", 3));
    }

    #[test]
    fn headings_reach_to_the_next_of_their_level() {
        let doc = Document::read("# A\n## B\n### C\n## D\nx").expect("small");
        let ends: Vec<_> = doc.headings.iter().map(|h| h.end).collect();
        assert_eq!(ends, [5, 3, 3, 5]);
    }

    #[test]
    fn hostile_lines_do_not_panic() {
        for source in ["", "\n", "#", "-", "1.", "[", "```", "~~~", "<!--", "---", "- [", "- [é", "é\n===", "\u{feff}", "•é", "1)é"] {
            Document::read(source).expect("small");
        }
    }
}

//! Whether two texts are the same document: work on it ticks boxes and sets marks, and editors change the ends of lines.

/// Whether two texts differ at most in ticked boxes, status marks, a byte order mark and white space at the ends of lines and of the text.
#[must_use]
pub fn is_same_document(a: &str, b: &str) -> bool {
    a == b || essence(a) == essence(b)
}

/// What is left of a text without all this.
fn essence(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut blank = 0;
    for line in text.trim_start_matches('\u{feff}').lines() {
        let line = line_essence(line);
        if line.is_empty() {
            blank += 1;
            continue;
        }
        // Lines without text count between others only.
        out.extend(std::iter::repeat_n('\n', if out.is_empty() { 0 } else { blank + 1 }));
        blank = 0;
        out.push_str(&line);
    }
    out
}

fn line_essence(line: &str) -> String {
    let line = line.trim_end();
    // Most lines have no marks.
    if line.is_ascii() && !line.contains(['[', '~', '(', ':']) {
        return line.to_owned();
    }
    let line = with_open_boxes(line);
    let line = without_status_words(&line);
    let mut out = String::with_capacity(line.len());
    for c in line.chars() {
        if is_mark(c) {
            // The blank that set it off goes with it.
            if out.ends_with(' ') || out.is_empty() {
                out.truncate(out.trim_end_matches(' ').len().max(indent(&out)));
            }
        } else if !(c == ' ' && out.ends_with(' ') && out.trim_start() != "") {
            out.push(c);
        }
    }
    let out = out.replace("~~", "");
    let out = without_status_value(&out);
    out.trim_end().to_owned()
}

fn indent(text: &str) -> usize {
    text.len() - text.trim_start().len()
}

/// Emoji and signs that say how far something is.
fn is_mark(c: char) -> bool {
    matches!(
        c,
        '✅' | '☑'
            | '✔'
            | '✓'
            | '❌'
            | '✖'
            | '✗'
            | '✘'
            | '☐'
            | '☒'
            | '⬜'
            | '⬛'
            | '🔲'
            | '🔳'
            | '⏳'
            | '⌛'
            | '🚧'
            | '🔄'
            | '⏸'
            | '▶'
            | '⏭'
            | '🟢'
            | '🟡'
            | '🟠'
            | '🔴'
            | '🔵'
            | '⚪'
            | '⚫'
            | '🆗'
            | '\u{fe0f}'
    )
}

/// Each box, `[x]`, `[-]` and so on, as an open one.
fn with_open_boxes(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find('[') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let inside = &from[1..];
        let mark = inside.chars().next().filter(|c| " _xX-~/>!*".contains(*c) || is_mark(*c));
        let after = mark.and_then(|mark| inside[mark.len_utf8()..].trim_start_matches('\u{fe0f}').strip_prefix(']'));
        let is_apart = before.is_empty() && out.is_empty() || out.ends_with(|c: char| c.is_whitespace() || "|*>#".contains(c));
        match after
            .filter(|after| is_apart && (after.is_empty() || after.starts_with(char::is_whitespace) || after.starts_with(['*', '|'])))
        {
            Some(after) => {
                out.push_str("[ ]");
                rest = after;
            }
            None => {
                out.push('[');
                rest = inside;
            }
        }
    }
    out.push_str(rest);
    out
}

/// Without words in brackets that say how far something is: `(done)`, `[DONE]`, `(in progress)`.
fn without_status_words(line: &str) -> String {
    let mut out = line.to_owned();
    for (open, close) in [('(', ')'), ('[', ']')] {
        let mut from = 0;
        while let Some(start) = out[from..].find(open).map(|at| from + at) {
            let Some(end) = out[start..].find(close).map(|at| start + at) else { break };
            let inside = out[start + 1..end].trim_matches(|c: char| c.is_whitespace() || c == '*' || c == '_' || is_mark(c));
            // `[done](link)` is a link.
            let is_link = out[end + 1..].starts_with(['(', '[', ':']);
            if is_status(inside) && !is_link {
                let before = out[..start].trim_end().len().max(indent(&out[..start]));
                out.replace_range(before..=end, "");
                from = before;
            } else {
                from = start + 1;
            }
        }
    }
    out
}

/// Without the value of a field that says how far something is: `**Status:** in progress`.
fn without_status_value(line: &str) -> String {
    let Some((name, value)) = line.split_once(':') else { return line.to_owned() };
    let bare = |text: &str| text.trim_matches(|c: char| c.is_whitespace() || "*_-+>#|`".contains(c)).to_lowercase();
    let is_field = matches!(bare(name).as_str(), "status" | "state" | "progress");
    if is_field && (bare(value).is_empty() || is_status(&bare(value))) { format!("{name}:") } else { line.to_owned() }
}

fn is_status(word: &str) -> bool {
    let word = word.to_lowercase();
    let is_share = word.strip_suffix('%').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    is_share
        || matches!(
            word.as_str(),
            "done"
                | "complete"
                | "completed"
                | "finished"
                | "in progress"
                | "in-progress"
                | "in_progress"
                | "wip"
                | "doing"
                | "started"
                | "todo"
                | "to do"
                | "open"
                | "pending"
                | "not started"
                | "not_started"
                | "blocked"
                | "skipped"
                | "closed"
                | "ready"
                | "review"
                | "in review"
                | "active"
                | "new"
                | "planned"
                | "cancelled"
                | "canceled"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = "# Plan\n\n**Status:** todo\n\n- [ ] Write `src/a.rs`\n- [ ] Write `src/b.rs`\n\n1. First\n   - [ ] nested\n\n## Phase 1: Core\n\n| [ ] | x |\n";

    #[test]
    fn work_on_a_document_leaves_it_the_same() {
        for other in [
            PLAN.to_owned(),
            PLAN.replace("- [ ] Write `src/a.rs`", "- [x] Write `src/a.rs`"),
            PLAN.replace("[ ]", "[X]"),
            PLAN.replace("- [ ] Write `src/b.rs`", "- [-] Write `src/b.rs`  "),
            PLAN.replace("- [ ] Write `src/b.rs`", "- [✅] Write `src/b.rs`"),
            PLAN.replace("Write `src/a.rs`", "Write `src/a.rs` ✅"),
            PLAN.replace("Write `src/a.rs`", "✅ Write `src/a.rs`"),
            PLAN.replace("Write `src/a.rs`", "~~Write `src/a.rs`~~"),
            PLAN.replace("Write `src/a.rs`", "Write `src/a.rs` (done)"),
            PLAN.replace("Phase 1: Core", "Phase 1: Core [DONE]"),
            PLAN.replace("Phase 1: Core", "✔️ Phase 1: Core **(in progress)**").replace("**(in progress)**", "(in progress)"),
            PLAN.replace("todo", "in progress"),
            PLAN.replace("todo", "50%"),
            PLAN.replace('\n', "\r\n"),
            PLAN.replace('\n', " \t\n"),
            format!("\u{feff}{PLAN}\n\n"),
            PLAN.trim_end().to_owned(),
        ] {
            assert!(is_same_document(PLAN, &other), "{other}");
            assert!(is_same_document(&other, PLAN), "{other}");
        }
    }

    #[test]
    fn another_text_is_another_document() {
        for other in [
            PLAN.replace("a.rs", "c.rs"),
            PLAN.replace("First", "Second"),
            PLAN.replace("- [ ] Write `src/b.rs`\n", ""),
            PLAN.replace("   - [ ] nested", "- [ ] nested"),
            PLAN.replace("**Status:** todo", "**Status:** see the other file"),
            format!("{PLAN}- [ ] more\n"),
            String::new(),
        ] {
            assert!(!is_same_document(PLAN, &other), "{other}");
        }
        assert!(!is_same_document("- a[x]\n", "- a[ ]\n"), "an index is no box");
        assert!(!is_same_document("[x](a)\n", "[ ](a)\n"), "a link is no box");
    }

    #[test]
    fn odd_lines_do_not_panic() {
        for text in [
            "[",
            "[x",
            "[✅",
            "(",
            "()",
            "[]",
            "~~",
            "✅",
            " ✅ ",
            "é[",
            "[é]",
            "(é",
            "status:",
            ":",
            "[✔\u{fe0f}] a",
            "((done)",
            "[done](x)",
        ] {
            assert!(is_same_document(text, text) && essence(text).len() <= text.len() + 3, "{text}");
        }
    }
}

//! The lines of a text in which something is edited: where its sections, blocks and fields are, and what a line's value is.

use crate::fields::{EditError, Fields};
use crate::flow;
use crate::salvage::{dash, indent, is_top_key, key};
use crate::scalar;
use crate::yaml;
use serde_json::Value;

/// The text as lines, with its way of ending them.
pub(crate) struct Lines {
    /// The mark of a byte order that some editors put first.
    mark: &'static str,
    pub(crate) list: Vec<String>,
    ends_with_newline: bool,
    pub(crate) newline: &'static str,
}

impl Lines {
    pub(crate) fn of(text: &str) -> Result<Self, EditError> {
        let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let (mark, text) = text.strip_prefix('\u{feff}').map_or(("", text), |text| ("\u{feff}", text));
        let list: Vec<String> = text.split_terminator(newline).map(str::to_owned).collect();
        match list.iter().position(|line| line.contains(['\r', '\n'])) {
            Some(at) => Err(EditError::Form { line: at + 1, form: "lines that end in different ways" }),
            None => Ok(Self { mark, list, ends_with_newline: text.is_empty() || text.ends_with('\n'), newline }),
        }
    }

    pub(crate) fn text(&self) -> String {
        let mut text = self.mark.to_owned() + &self.list.join(self.newline);
        if self.ends_with_newline && !self.list.is_empty() {
            text.push_str(self.newline);
        }
        text
    }

    /// The line of `section:` at the margin.
    pub(crate) fn section(&self, section: &str) -> Option<usize> {
        self.list.iter().position(|line| line.strip_prefix(section).is_some_and(|rest| rest.starts_with(':')))
    }

    /// The same, made at the end when it is not there, and ready for lines below it.
    pub(crate) fn open_section(&mut self, section: &str) -> Result<usize, EditError> {
        let Some(top) = self.section(section) else {
            self.list.push(format!("{section}:"));
            return Ok(self.list.len() - 1);
        };
        let value = value_of(&self.list[top]);
        if !["", "{}", "null", "~"].contains(&value.as_str()) {
            return Err(EditError::Form { line: top + 1, form: "a map in brackets" });
        }
        if !value.is_empty() {
            self.list[top] = with_value(&self.list[top], "");
        }
        Ok(top)
    }

    /// Sets fields of a block, which is made where it is not there.
    pub(crate) fn set_block(&mut self, section: &str, name: &str, fields: &Fields<'_>) -> Result<(), EditError> {
        let top = self.open_section(section)?;
        let (end, indent_of_blocks, block) = self.block(top, name);
        let Some(at) = block else {
            let mut block = vec![format!("{}{}:", " ".repeat(indent_of_blocks), scalar::key(name))];
            block.extend(fields.iter().map(|(name, value)| field_line(indent_of_blocks + 2, name, &scalar::inline(value))));
            self.insert(self.last_written(top, end), block);
            return Ok(());
        };
        let inline = value_of(&self.list[at]);
        if !inline.is_empty() {
            // A block in one line is the writer's own: it is written out.
            let Ok(Value::Object(old)) = yaml::read(&inline) else {
                return Err(EditError::Form { line: at + 1, form: "a block that is no map" });
            };
            self.list[at] = with_value(&self.list[at], "");
            let old = old.iter().map(|(name, value)| field_line(indent_of_blocks + 2, name, &scalar::inline(value)));
            self.insert(at + 1, old.collect());
        }
        let last = self.end_of_block(at, indent_of_blocks);
        let column = self.list[at + 1..last].iter().find(|line| key(line).is_some()).map_or(indent_of_blocks + 2, |line| indent(line));
        self.set_fields(at + 1, last, column, fields);
        Ok(())
    }

    /// Sets fields that stand directly below a section.
    pub(crate) fn set_section(&mut self, section: &str, fields: &Fields<'_>) -> Result<(), EditError> {
        let top = self.open_section(section)?;
        let end = self.end_of_section(top);
        let column =
            self.list[top + 1..end].iter().find(|line| key(line).is_some() && line.starts_with(' ')).map_or(2, |line| indent(line));
        self.set_fields(top + 1, self.last_written(top, end), column, fields);
        Ok(())
    }

    /// Takes fields of a block away, except these.
    pub(crate) fn keep_fields(&mut self, section: &str, name: &str, fields: &Fields<'_>) {
        let Some((end, column, Some(at))) = self.section(section).map(|top| self.block(top, name)) else { return };
        let last = self.end_of_block(at, column).min(end);
        let Some(inner) = self.list[at + 1..last].iter().find(|line| key(line).is_some()).map(|line| indent(line)) else { return };
        let mut is_kept = true;
        let lines: Vec<String> = self.list.drain(at + 1..last).collect();
        let kept = lines.into_iter().filter(|line| {
            let is_field = indent(line) == inner && !line.trim().is_empty() && !line.trim_start().starts_with(['#', '-']);
            if is_field {
                is_kept = fields.iter().any(|(name, _)| is_key(line, name));
            }
            is_kept
        });
        let kept: Vec<String> = kept.collect();
        self.insert(at + 1, kept);
    }

    /// Takes a block away, if it is there.
    pub(crate) fn remove_block(&mut self, section: &str, name: &str) {
        let Some(top) = self.section(section) else { return };
        let (end, column, block) = self.block(top, name);
        let Some(at) = block else { return };
        let last = self.end_of_block(at, column).min(end);
        self.list.drain(at..last);
        let says = |line: &String| indent(line) > 0 && !line.trim().is_empty() && !line.trim_start().starts_with('#');
        if !self.list[top + 1..end - (last - at)].iter().any(says) {
            // An empty map stays one: a name without a value is null, and readers expect blocks.
            self.list[top] = with_value(&self.list[top], "{}");
        }
    }

    /// Of the section that begins at `top`: the line behind it, the column of its blocks, and the line of the one called `name`.
    pub(crate) fn block(&self, top: usize, name: &str) -> (usize, usize, Option<usize>) {
        let end = self.end_of_section(top);
        let says = |line: &&String| line.starts_with(' ') && !line.trim().is_empty() && !line.trim_start().starts_with('#');
        let column = self.list[top + 1..end].iter().find(says).map_or(2, |line| indent(line));
        let is_block = |line: &String| indent(line) == column && is_key(line, name);
        (end, column, self.list[top + 1..end].iter().position(is_block).map(|at| top + 1 + at))
    }

    pub(crate) fn insert(&mut self, at: usize, more: Vec<String>) {
        // What comes behind a last line without an end gives it one.
        self.list.splice(at..at, more);
    }

    /// The line behind the section that begins at `top`.
    pub(crate) fn end_of_section(&self, top: usize) -> usize {
        self.list[top + 1..].iter().position(|line| is_top_key(line) || line.starts_with("---")).map_or(self.list.len(), |at| top + 1 + at)
    }

    /// The line behind the block that begins at `at`.
    pub(crate) fn end_of_block(&self, at: usize, column: usize) -> usize {
        let ends = |line: &String| !line.trim().is_empty() && !line.trim_start().starts_with('#') && indent(line) <= column;
        let end = self.list[at + 1..].iter().position(ends).map_or(self.list.len(), |n| at + 1 + n);
        self.last_written(at, end)
    }

    /// The line behind the last one before `end` that says something: blank lines and comments there belong to what follows.
    pub(crate) fn last_written(&self, from: usize, end: usize) -> usize {
        let says = |line: &String| !line.trim().is_empty() && !line.trim_start().starts_with('#');
        (from + 1..end).rev().find(|at| says(&self.list[*at])).map_or(from + 1, |at| at + 1)
    }

    /// Sets fields of the block between two lines, whose keys stand at `column`.
    pub(crate) fn set_fields(&mut self, first: usize, end: usize, column: usize, fields: &Fields<'_>) {
        let mut end = end;
        for (name, value) in fields {
            let is_it = |line: &String| {
                let bare = line.replacen("- ", "  ", usize::from(dash(line) == column.checked_sub(2)));
                indent(&bare) == column && is_key(&bare, name)
            };
            // Of a key that is twice the last one counts, for those parsers that take it.
            match (first..end).rev().find(|at| is_it(&self.list[*at])) {
                Some(at) => {
                    // A value over several lines gives way whole.
                    // In a text over several lines a hash begins no comment.
                    let is_text = value_of(&self.list[at]).starts_with(['|', '>']);
                    let goes_on = |line: &String| {
                        !line.trim().is_empty()
                            && (indent(line) > column || dash(line) == Some(column))
                            && (is_text || !line.trim_start().starts_with('#'))
                    };
                    let mut more = self.list[at + 1..end].iter().take_while(|line| goes_on(line) || line.trim().is_empty()).count();
                    while more > 0 && self.list[at + more].trim().is_empty() {
                        more -= 1;
                    }
                    self.list.drain(at + 1..at + 1 + more);
                    end -= more;
                    let old = value_of(&self.list[at]);
                    let new = scalar::like(value, &old);
                    self.list[at] = with_value(&self.list[at], &new);
                }
                None => {
                    self.list.insert(end, field_line(column, name, &scalar::inline(value)));
                    end += 1;
                }
            }
        }
    }
}

fn field_line(column: usize, name: &str, value: &str) -> String {
    format!("{}{}: {value}", " ".repeat(column), scalar::key(name))
}

/// Whether a line begins with this key, plain or in quotes.
fn is_key(line: &str, name: &str) -> bool {
    let quoted = || [scalar::key(name), format!("'{name}'"), scalar::quoted(name)].iter().any(|key| starts_with_key(line, key));
    key(line).map_or_else(quoted, |(found, _)| found == name)
}

fn starts_with_key(line: &str, key: &str) -> bool {
    line.trim_start().strip_prefix(key).is_some_and(|rest| rest.starts_with(':'))
}

/// Where the value of a line begins and ends: behind its first colon with a space, up to a comment.
fn value_range(line: &str) -> (usize, usize) {
    // A key in quotes may have colons itself.
    let lead = line.len() - line.trim_start_matches([' ', '-']).len();
    let from = lead + end_of_quotes(&line[lead..]);
    let colon = line[from..].find(": ").map(|at| from + at);
    let colon = colon.or_else(|| line.trim_end().strip_suffix(':').map(str::len)).unwrap_or(line.len().saturating_sub(1));
    let start = (colon + 1).min(line.len());
    let start = start + (line[start..].len() - line[start..].trim_start().len());
    let rest = &line[start..];
    let inside = end_of_value(rest);
    let comment = if inside == 0 && rest.starts_with('#') { Some(0) } else { rest[inside..].find(" #").map(|at| inside + at) };
    let end = start + comment.unwrap_or(rest.len());
    (start, start + line[start..end].trim_end().len())
}

/// The place behind the quotes or brackets that a value begins with; all of it when they do not end here, nothing without any.
fn end_of_value(value: &str) -> usize {
    if !value.starts_with(['[', '{']) {
        return end_of_quotes(value);
    }
    flow::read(value, 0).map_or(value.len(), |flow| flow.end)
}

/// The place behind the quotes that a text begins with.
pub(crate) fn end_of_quotes(value: &str) -> usize {
    let Some(quote) = value.chars().next().filter(|c| *c == '"' || *c == '\'') else { return 0 };
    let mut chars = value.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' if quote == '"' => drop(chars.next()),
            // Two of them inside stand for one.
            '\'' if quote == '\'' && chars.peek().is_some_and(|(_, next)| *next == '\'') => drop(chars.next()),
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    value.len()
}

pub(crate) fn value_of(line: &str) -> String {
    let (start, end) = value_range(line);
    line[start..end].to_owned()
}

pub(crate) fn with_value(line: &str, value: &str) -> String {
    let (start, end) = value_range(line);
    let (before, after) = (&line[..start], &line[end..]);
    if value.is_empty() {
        format!("{}{after}", before.trim_end())
    } else {
        format!("{}{}{value}{after}", before, if before.ends_with(' ') { "" } else { " " })
    }
}

//! Edits of the text itself: the fields of one block, one item, one more event. Every other byte stays what it is: comments, order, quotes,
//! blank lines, the damage of others. Whether an edit is safe is checked by reading the result again.

use serde_json::{Map, Value};
use thiserror::Error;

use crate::salvage::{self, dash, indent, is_top_key, key};
use crate::scalar;
use crate::yaml;

/// Why a text is not edited.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EditError {
    /// There is no such item.
    #[error("there is no item {0}")]
    Missing(String),
    /// The place is written in a form that cannot be edited line by line.
    #[error("line {line} is written in a form that is not edited: {form}")]
    Form {
        /// From 1.
        line: usize,
        /// What form.
        form: &'static str,
    },
    /// The result would not be read as it should.
    #[error("the edit would damage the file: {0}")]
    Damage(String),
}

/// New values of fields, in the order in which new ones are written.
pub type Fields<'a> = [(&'a str, Value)];

/// Sets fields of the block `name` below `section` (`heartbeats`, `agents`); makes block and section when they are not there.
///
/// # Errors
/// The text cannot be edited there, or would not say what it should: see [`EditError`].
pub fn set_block(text: &str, section: &str, name: &str, fields: &Fields<'_>) -> Result<String, EditError> {
    let mut lines = Lines::of(text)?;
    lines.set_block(section, name, fields)?;
    let edited = lines.text();
    let read = |text: &str| salvage::blocks(text, &[section]);
    let pieces = Pieces { read: &read, is_own: &|item| item.name.as_deref() == Some(name), fields, is_gone: false };
    check(text, &edited, &pieces, |value| set(below(below(value, section), name), fields))?;
    Ok(edited)
}

/// The same, or with no fields takes the block away; with `is_whole` other fields of the block go. And sets fields directly below `metadata`, which says who changed the file.
pub(crate) fn set_state(
    text: &str,
    section: &str,
    name: &str,
    fields: Option<&Fields<'_>>,
    is_whole: bool,
    metadata: &Fields<'_>,
) -> Result<String, EditError> {
    let mut lines = Lines::of(text)?;
    match fields {
        Some(fields) => {
            if is_whole {
                lines.keep_fields(section, name, fields);
            }
            lines.set_block(section, name, fields)?;
        }
        None => lines.remove_block(section, name),
    }
    lines.set_section("metadata", metadata)?;
    let edited = lines.text();
    let read = |text: &str| salvage::blocks(text, &[section]);
    let is_own = |item: &salvage::Item| item.name.as_deref() == Some(name);
    let pieces = Pieces { read: &read, is_own: &is_own, fields: fields.unwrap_or(&[]), is_gone: fields.is_none() };
    check(text, &edited, &pieces, |value| {
        match fields {
            Some(fields) => {
                let block = below(below(value, section), name);
                if is_whole {
                    *block = Value::Object(Map::new());
                }
                set(block, fields);
            }
            None => drop(value.get_mut(section).and_then(Value::as_object_mut).map(|blocks| blocks.remove(name))),
        }
        set(below(value, "metadata"), metadata);
    })?;
    Ok(edited)
}

/// Sets fields of the item with the id `id` in the list under one of `names`, or at the top.
///
/// # Errors
/// The text cannot be edited there, or would not say what it should: see [`EditError`].
pub fn set_item(text: &str, names: &[&str], id: &str, fields: &Fields<'_>) -> Result<String, EditError> {
    let read = salvage::list(text, names);
    let has_id = |fields: &Map<String, Value>| ["id", "task_id"].iter().any(|name| fields.get(*name).and_then(Value::as_str) == Some(id));
    let item = read.items.iter().find(|item| has_id(&item.fields)).filter(|item| item.line > 0);
    let item = item.ok_or_else(|| EditError::Missing(id.to_owned()))?;
    let first = item.line - 1;
    let mut lines = Lines::of(text)?;
    let Some(column) = dash(&lines.list[first]) else {
        return Err(EditError::Form { line: item.line, form: "an item that has lost its dash" });
    };
    if lines.list[first].trim_start().trim_start_matches("- ").starts_with('{') {
        return Err(EditError::Form { line: item.line, form: "an item in brackets" });
    }
    let ends = |line: &String| !line.trim().is_empty() && (dash(line).is_some_and(|at| at <= column) || indent(line) <= column);
    let last = lines.list[first + 1..].iter().position(ends).map_or(lines.list.len(), |at| first + 1 + at);
    // Its fields stand where the first one does, behind the dash.
    let of_fields = lines.list[first].len() - lines.list[first][column + 1..].trim_start().len();
    lines.set_fields(first, lines.last_written(first, last), of_fields, fields);
    let edited = lines.text();
    let read = |text: &str| salvage::list(text, names);
    let pieces = Pieces { read: &read, is_own: &|item| has_id(&item.fields), fields, is_gone: false };
    check(text, &edited, &pieces, |value| {
        let name = names.iter().find(|name| value.get(**name).is_some_and(Value::is_array));
        let list = match name {
            Some(name) => value[*name].as_array_mut(),
            None => value.as_array_mut(),
        };
        let item = list.and_then(|list| list.iter_mut().find(|item| item.as_object().is_some_and(has_id)));
        item.into_iter().for_each(|item| set(item, fields));
    })?;
    Ok(edited)
}

/// How more items get into a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Append {
    /// These bytes at the end of the file, in one write.
    AtEnd(String),
    /// The whole text, because something follows the list.
    Whole(String),
}

/// More items in the list that stands under `section`, or at the top: complete, and in the shape that the file has.
///
/// # Errors
/// The text cannot be edited there, or would not say what it should: see [`EditError`].
pub fn append_items(text: &str, section: &str, more: &[Vec<(&str, Value)>]) -> Result<Append, EditError> {
    let lines = Lines::of(text)?;
    // A file that is not there yet begins with the name of its list, as the hooks begin one.
    let top = if text.is_empty() { None } else { lines.section(section) };
    let head = if text.is_empty() { format!("{section}:\n") } else { String::new() };
    let end = top.map_or(lines.list.len(), |top| lines.end_of_section(top));
    let dashes: Vec<usize> =
        lines.list[top.map_or(0, |top| top + 1)..end].iter().filter_map(|line| dash(line).filter(|column| *column <= 2)).collect();
    let column = if top.is_some() && !dashes.is_empty() && dashes.iter().all(|column| *column == 2) { 2 } else { 0 };
    let ends = lines.newline;
    let items = |column| (head.clone() + &more.iter().map(|item| item_text(item, column)).collect::<String>()).replace('\n', ends);
    let item = items(column);
    let newline = if text.is_empty() || text.ends_with('\n') { "" } else { ends };
    let edited = match top {
        // An empty list in brackets becomes one with an item.
        Some(top) if !["", "null", "~"].contains(&value_of(&lines.list[top]).as_str()) => {
            if value_of(&lines.list[top]) != "[]" {
                return Err(EditError::Form { line: top + 1, form: "a list in brackets" });
            }
            let mut lines = lines;
            lines.list[top] = with_value(&lines.list[top], "");
            lines.insert(top + 1, items(0).lines().map(str::to_owned).collect());
            lines.text()
        }
        Some(top) => {
            if lines.list[end..].iter().all(|line| line.trim().is_empty() || line.starts_with('#')) {
                return checked_append(text, section, format!("{newline}{item}"), more);
            }
            let mut lines = lines;
            let at = lines.last_written(top, end);
            lines.insert(at, item.lines().map(str::to_owned).collect());
            lines.text()
        }
        None => return checked_append(text, section, format!("{newline}{item}"), more),
    };
    check_appended(text, &edited, section, more)?;
    Ok(Append::Whole(edited))
}

fn checked_append(text: &str, section: &str, more: String, items: &[Vec<(&str, Value)>]) -> Result<Append, EditError> {
    check_appended(text, &format!("{text}{more}"), section, items)?;
    Ok(Append::AtEnd(more))
}

/// A valid list must stay valid, and have the new items more; a damaged one has those that it had before, too.
fn check_appended(before: &str, after: &str, section: &str, more: &[Vec<(&str, Value)>]) -> Result<(), EditError> {
    let (old, new) = (salvage::list(before, &[section]), salvage::list(after, &[section]));
    if old.damages.is_empty() && !new.damages.is_empty() {
        return Err(EditError::Damage(new.damages[0].cause.clone()));
    }
    let fields = |item: &Vec<(&str, Value)>| item.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect::<Map<_, _>>();
    let known = |read: &salvage::Read, wanted: &Map<String, Value>| read.items.iter().filter(|item| item.fields == *wanted).count();
    let is_there = |item: &Vec<(&str, Value)>| known(&new, &fields(item)) > known(&old, &fields(item));
    if new.items.len() != old.items.len() + more.len() || !more.iter().all(is_there) {
        return Err(EditError::Damage("the new item would not be read".to_owned()));
    }
    Ok(())
}

/// An item whose dash stands at `column`, each text quoted.
fn item_text(fields: &Fields<'_>, column: usize) -> String {
    let margin = " ".repeat(column);
    let mut out = String::new();
    for (at, (name, value)) in fields.iter().enumerate() {
        let lead = if at == 0 { "- " } else { "  " };
        match value {
            Value::Array(items) if !items.is_empty() => {
                out.push_str(&format!("{margin}{lead}{}:\n", scalar::key(name)));
                items.iter().for_each(|item| out.push_str(&format!("{margin}    - {}\n", scalar::inline(item))));
            }
            value => out.push_str(&format!("{margin}{lead}{}: {}\n", scalar::key(name), scalar::inline(value))),
        }
    }
    out
}

/// Whether the result says what it should: where the text was valid, it says what `change` makes of that, and nothing else has changed. A
/// damaged one is read piece by piece: the own piece has the fields, the others are what they were.
fn check(before: &str, after: &str, pieces: &Pieces<'_>, change: impl FnOnce(&mut Value)) -> Result<(), EditError> {
    let Ok(mut expected) = yaml::parse(before) else {
        let (old, new) = ((pieces.read)(before), (pieces.read)(after));
        let others = |read: &salvage::Read| -> Vec<Map<String, Value>> {
            read.items.iter().filter(|item| !(pieces.is_own)(item)).map(|item| item.fields.clone()).collect()
        };
        let own = new.items.iter().find(|item| (pieces.is_own)(item));
        let is_set = |own: &salvage::Item| pieces.fields.iter().all(|(name, value)| own.fields.get(*name) == Some(value));
        let is_done = if pieces.is_gone { own.is_none() } else { own.is_some_and(is_set) };
        return if is_done && others(&old) == others(&new) {
            Ok(())
        } else {
            Err(EditError::Damage("it is damaged, and the edit would change more than it should".to_owned()))
        };
    };
    let new = yaml::parse(after).map_err(|broken| EditError::Damage(format!("line {}: {}", broken.line, broken.cause)))?;
    if expected.is_null() {
        expected = Value::Object(Map::new());
    }
    change(&mut expected);
    if new == expected {
        Ok(())
    } else {
        Err(EditError::Damage("it would not say what was set, or something else would change".to_owned()))
    }
}

/// How the pieces of a damaged text are told apart.
struct Pieces<'a> {
    read: &'a dyn Fn(&str) -> salvage::Read,
    is_own: &'a dyn Fn(&salvage::Item) -> bool,
    fields: &'a Fields<'a>,
    /// Whether the own piece is to be gone.
    is_gone: bool,
}

/// The map below `name`, which is made where it is not there.
fn below<'a>(value: &'a mut Value, name: &str) -> &'a mut Value {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    &mut value[name]
}

fn set(value: &mut Value, fields: &Fields<'_>) {
    for (name, new) in fields {
        *below(value, name) = new.clone();
    }
}

/// The text as lines, with its way of ending them.
struct Lines {
    /// The mark of a byte order that some editors put first.
    mark: &'static str,
    list: Vec<String>,
    ends_with_newline: bool,
    newline: &'static str,
}

impl Lines {
    fn of(text: &str) -> Result<Self, EditError> {
        let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let (mark, text) = text.strip_prefix('\u{feff}').map_or(("", text), |text| ("\u{feff}", text));
        let list: Vec<String> = text.split_terminator(newline).map(str::to_owned).collect();
        match list.iter().position(|line| line.contains(['\r', '\n'])) {
            Some(at) => Err(EditError::Form { line: at + 1, form: "lines that end in different ways" }),
            None => Ok(Self { mark, list, ends_with_newline: text.is_empty() || text.ends_with('\n'), newline }),
        }
    }

    fn text(&self) -> String {
        let mut text = self.mark.to_owned() + &self.list.join(self.newline);
        if self.ends_with_newline && !self.list.is_empty() {
            text.push_str(self.newline);
        }
        text
    }

    /// The line of `section:` at the margin.
    fn section(&self, section: &str) -> Option<usize> {
        self.list.iter().position(|line| line.strip_prefix(section).is_some_and(|rest| rest.starts_with(':')))
    }

    /// The same, made at the end when it is not there, and ready for lines below it.
    fn open_section(&mut self, section: &str) -> Result<usize, EditError> {
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
    fn set_block(&mut self, section: &str, name: &str, fields: &Fields<'_>) -> Result<(), EditError> {
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
            let Ok(Value::Object(old)) = yaml::parse(&inline) else {
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
    fn set_section(&mut self, section: &str, fields: &Fields<'_>) -> Result<(), EditError> {
        let top = self.open_section(section)?;
        let end = self.end_of_section(top);
        let column =
            self.list[top + 1..end].iter().find(|line| key(line).is_some() && line.starts_with(' ')).map_or(2, |line| indent(line));
        self.set_fields(top + 1, self.last_written(top, end), column, fields);
        Ok(())
    }

    /// Takes fields of a block away, except these.
    fn keep_fields(&mut self, section: &str, name: &str, fields: &Fields<'_>) {
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
    fn remove_block(&mut self, section: &str, name: &str) {
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
    fn block(&self, top: usize, name: &str) -> (usize, usize, Option<usize>) {
        let end = self.end_of_section(top);
        let says = |line: &&String| line.starts_with(' ') && !line.trim().is_empty() && !line.trim_start().starts_with('#');
        let column = self.list[top + 1..end].iter().find(says).map_or(2, |line| indent(line));
        let is_block = |line: &String| indent(line) == column && is_key(line, name);
        (end, column, self.list[top + 1..end].iter().position(is_block).map(|at| top + 1 + at))
    }

    fn insert(&mut self, at: usize, more: Vec<String>) {
        // What comes behind a last line without an end gives it one.
        self.list.splice(at..at, more);
    }

    /// The line behind the section that begins at `top`.
    fn end_of_section(&self, top: usize) -> usize {
        self.list[top + 1..].iter().position(|line| is_top_key(line) || line.starts_with("---")).map_or(self.list.len(), |at| top + 1 + at)
    }

    /// The line behind the block that begins at `at`.
    fn end_of_block(&self, at: usize, column: usize) -> usize {
        let ends = |line: &String| !line.trim().is_empty() && !line.trim_start().starts_with('#') && indent(line) <= column;
        let end = self.list[at + 1..].iter().position(ends).map_or(self.list.len(), |n| at + 1 + n);
        self.last_written(at, end)
    }

    /// The line behind the last one before `end` that says something: blank lines and comments there belong to what follows.
    fn last_written(&self, from: usize, end: usize) -> usize {
        let says = |line: &String| !line.trim().is_empty() && !line.trim_start().starts_with('#');
        (from + 1..end).rev().find(|at| says(&self.list[*at])).map_or(from + 1, |at| at + 1)
    }

    /// Sets fields of the block between two lines, whose keys stand at `column`.
    fn set_fields(&mut self, first: usize, end: usize, column: usize, fields: &Fields<'_>) {
        let mut end = end;
        for (name, value) in fields {
            let is_it = |line: &String| {
                let bare = line.replacen("- ", "  ", usize::from(dash(line) == column.checked_sub(2)));
                indent(&bare) == column && is_key(&bare, name)
            };
            // Of a key that stands twice the last one counts, for those parsers that take it.
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
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(c) = value[at..].chars().next() {
        match c {
            '[' | '{' => depth += 1,
            ']' | '}' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            '"' | '\'' => {
                at += end_of_quotes(&value[at..]);
                continue;
            }
            _ => {}
        }
        at += c.len_utf8();
    }
    value.len()
}

/// The place behind the quotes that a text begins with.
fn end_of_quotes(value: &str) -> usize {
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

fn value_of(line: &str) -> String {
    let (start, end) = value_range(line);
    line[start..end].to_owned()
}

fn with_value(line: &str, value: &str) -> String {
    let (start, end) = value_range(line);
    let (before, after) = (&line[..start], &line[end..]);
    if value.is_empty() {
        format!("{}{after}", before.trim_end())
    } else {
        format!("{}{}{value}{after}", before, if before.ends_with(' ') { "" } else { " " })
    }
}

#[cfg(test)]
#[path = "edit_tests.rs"]
mod tests;

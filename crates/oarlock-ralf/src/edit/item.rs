//! Edits of one item of a queue: claims and their ends are written so, hundreds in a second, into files with hundreds of items.

use std::ops::Range;

use serde_json::{Map, Value};

use super::{Pieces, check, set};
use crate::fields::{EditError, Fields};
use crate::flow;
use crate::lines::Lines;
use crate::salvage::{self, Item, QUEUES, dash, indent, is_top_key, key};
use crate::values::{self, unmarked};
use crate::yaml;

/// Sets fields of the task with the id `id` in the text of a queue.
///
/// # Errors
/// The text cannot be edited there, or would not say what it should: see [`EditError`].
pub fn set_item(text: &str, id: &str, fields: &Fields<'_>) -> Result<String, EditError> {
    // A number is an id too.
    let has_id = |fields: &Map<String, Value>| values::id(fields).as_deref() == Some(id);
    let read = salvage::queue(unmarked(text));
    let at = read.items.iter().position(|item| has_id(&item.fields)).ok_or_else(|| EditError::Missing(id.to_owned()))?;
    let item = read.items[at].clone();
    let is_whole = read.damages.is_empty();
    drop(read);
    let edited = match braces(text, item.line, &has_id) {
        Some(open) => flow::set(text, open, fields),
        None if item.line == 0 => None,
        None => {
            let lines = lines_of(text, item.line)?;
            let new = with_fields(text, lines.clone(), item.line, fields)?;
            let edited = [&text[..lines.start], &new, &text[lines.end..]].concat();
            if is_whole && let Some(says) = said_alone(text, &lines, &new, &item, fields) {
                let more_lines = new.lines().count() as isize - text[lines].lines().count() as isize;
                remember(unmarked(text), unmarked(&edited), at, &says, more_lines);
                return Ok(edited);
            }
            Some(edited)
        }
    };
    let edited = edited.ok_or(EditError::Form { line: item.line, form: "an item whose place is not known" })?;
    let read = |text: &str| salvage::list(text, &QUEUES);
    let pieces = Pieces { read: &read, is_own: &|item| has_id(&item.fields), fields, is_gone: false, is_strict: false };
    check(text, &edited, &pieces, |value| {
        let item = list_in(value).and_then(|list| list.iter_mut().find(|item| item.as_object().is_some_and(has_id)));
        item.into_iter().for_each(|item| set(item, fields));
    })?;
    Ok(edited)
}

/// The list of a queue.
fn list_in(value: &mut Value) -> Option<&mut Vec<Value>> {
    match salvage::name_of_list(value, &QUEUES) {
        Some(name) => value[name].as_array_mut(),
        None => value.as_array_mut(),
    }
}

/// The item after its edit, where it and the rest of the text can be known without reading all of it again.
///
/// A parser comes to the item's first line in the same state as before, as nothing before it has changed, and leaves its last line in the same
/// state, as the next line is where an item begins or the list is over. So the result is read as before but for the item, if the item is one
/// where these lines say it is, and its lines alone are one item. Its lines are those of an item of the list, and no text that looks like it, where
/// everything before it is written line by line and the last key at the margin is the one whose value the list is.
fn said_alone(text: &str, lines: &Range<usize>, new: &str, item: &Item, fields: &Fields<'_>) -> Option<Map<String, Value>> {
    let old = &text[lines.clone()];
    let value = yaml::parse(unmarked(text)).ok()?;
    let name = salvage::name_of_list(&value, &QUEUES)?;
    let before = || unmarked(&text[..lines.start]).lines();
    let is_of_list = before().rfind(|line| is_top_key(line)).and_then(key).is_some_and(|(key, _)| key == name);
    let is_sure = is_of_list && !old.contains(['&', '*']) && before().all(is_line_by_line) && one_item(old).as_ref() == Some(&item.fields);
    let mut says = Value::Object(item.fields.clone());
    set(&mut says, fields);
    one_item(new).filter(|new| is_sure && says.as_object() == Some(new))
}

/// The item in a text that is one item of a list.
fn one_item(text: &str) -> Option<Map<String, Value>> {
    let Ok(Value::Array(mut items)) = yaml::read(text) else { return None };
    match (items.pop(), items.is_empty()) {
        (Some(Value::Object(fields)), true) => Some(fields),
        _ => None,
    }
}

/// Whether a line leaves nothing open for the next one: a comment, or a key or item with nothing, a plain word or a quoted text behind it. A key
/// in an unusual form counts as leaving something open, and so does the mark between two documents.
fn is_line_by_line(line: &str) -> bool {
    let mut rest = line.trim_matches(' ');
    if rest.starts_with('#') {
        return true;
    }
    while let Some(item) = rest.strip_prefix("- ") {
        rest = item.trim_start_matches(' ');
    }
    let value = match key(rest) {
        Some((_, value)) => value,
        None if rest.contains(": ") || rest.ends_with(':') => return false,
        None => rest,
    };
    match value.chars().next() {
        _ if line.contains('\t') => false,
        None => true,
        Some(quote @ ('"' | '\'')) => {
            let inner = value[1..].strip_suffix(quote);
            inner.is_some_and(|inner| !inner.contains([quote, '\\']))
        }
        Some(first) => first.is_alphanumeric() || "_./~(+".contains(first),
    }
}

/// Keeps what the edited text says for the next who reads it.
fn remember(before: &str, after: &str, at: usize, says: &Map<String, Value>, more_lines: isize) {
    yaml::remember_changed(before, after, |value| {
        if let Some(item) = list_in(value).and_then(|list| list.get_mut(at)) {
            *item = Value::Object(says.clone());
        }
    });
    salvage::remember_queue(before, after, at, says, more_lines);
}

/// Where the braces of an item open that is written in them: the one whose dash is in this line, or one of a list that is in brackets itself.
fn braces(text: &str, line: usize, has_id: &dyn Fn(&Map<String, Value>) -> bool) -> Option<usize> {
    let start_of = |line: usize| text.split_inclusive('\n').take(line).map(str::len).sum::<usize>();
    let of_list = QUEUES.iter().find_map(|name| {
        let at = text.lines().position(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(':')))?;
        let value = start_of(at) + name.len() + 1;
        let rest = &text[value..];
        rest.trim_start_matches([' ', '\t']).starts_with('[').then(|| value + rest.len() - rest.trim_start_matches([' ', '\t']).len())
    });
    let is_it =
        |part: &std::ops::Range<usize>| matches!(yaml::read(text[part.clone()].trim()), Ok(Value::Object(fields)) if has_id(&fields));
    if let Some(part) = of_list.and_then(|list| flow::read(text, list)).and_then(|list| list.parts.into_iter().find(is_it)) {
        return Some(part.start + text[part].find('{')?);
    }
    let first = text.split_inclusive('\n').nth(line.checked_sub(1)?)?;
    let item = first.trim_start_matches(' ').strip_prefix('-')?.trim_start_matches(' ');
    item.starts_with('{').then(|| start_of(line - 1) + first.len() - item.len())
}

/// The bytes of the lines of the item that begins in this line, counted from 1: up to the next item, or the end of the list.
fn lines_of(text: &str, line: usize) -> Result<Range<usize>, EditError> {
    let mut lines = text.split_inclusive('\n').skip(line - 1);
    let start = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let first = lines.next().unwrap_or_default();
    let Some(column) = dash(unmarked(first).trim_end_matches(['\r', '\n'])) else {
        return Err(EditError::Form { line, form: "an item that has lost its dash" });
    };
    let ends = |line: &&str| !line.trim().is_empty() && (dash(line).is_some_and(|at| at <= column) || indent(line) <= column);
    let more: usize = lines.take_while(|line| !ends(&line.trim_end_matches(['\r', '\n']))).map(str::len).sum();
    Ok(start..start + first.len() + more)
}

/// The lines of an item with these fields, each in a line of its own; the item begins in this line of the text.
fn with_fields(text: &str, item: Range<usize>, line: usize, fields: &Fields<'_>) -> Result<String, EditError> {
    let item = &text[item];
    let mut lines = Lines::of(item).map_err(|error| match error {
        EditError::Form { line: within, form } => EditError::Form { line: line - 1 + within, form },
        other => other,
    })?;
    // One line that ends with the file has no end of its own to go by.
    if !item.contains('\n') && text.contains("\r\n") {
        lines.newline = "\r\n";
    }
    // Its fields stand where the first one does, behind the dash.
    let first = lines.list[0].trim_start_matches(' ');
    let column = lines.list[0].len() - first[1..].trim_start().len();
    lines.set_fields(0, lines.last_written(0, lines.list.len()), column, fields);
    Ok(lines.text())
}

#[cfg(test)]
#[path = "item_tests.rs"]
mod tests;

//! Edits of the text itself: the fields of one block, one item, one more event. Every other byte stays what it is: comments, order, quotes,
//! blank lines, the damage of others. Whether an edit is safe is checked by reading the result again.

mod item;

pub use item::set_item;

use serde_json::{Map, Value};

use crate::fields::{EditError, Fields};
use crate::lines::{Lines, value_of, with_value};
use crate::salvage::{self, dash};
use crate::scalar;
use crate::values::unmarked;
use crate::yaml;

/// Sets fields of the block `name` below `section` (`heartbeats`, `agents`); makes block and section when they are not there.
///
/// # Errors
/// The text cannot be edited there, or would not say what it should: see [`EditError`].
pub fn set_block(text: &str, section: &str, name: &str, fields: &Fields<'_>) -> Result<String, EditError> {
    let mut lines = Lines::of(text)?;
    lines.set_block(section, name, fields)?;
    let edited = lines.text();
    let read = |text: &str| salvage::blocks(text, &[section]);
    let pieces = Pieces { read: &read, is_own: &|item| item.name.as_deref() == Some(name), fields, is_gone: false, is_strict: false };
    check(text, &edited, &pieces, |value| set(below(below(value, section), name), fields))?;
    Ok(edited)
}

/// The same, or with no fields takes the block away; with `is_whole` other fields of the block go. A damaged text is not edited: what states it has is not known. And sets fields directly below `metadata`, which says who changed the file.
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
    let pieces = Pieces { read: &read, is_own: &is_own, fields: fields.unwrap_or(&[]), is_gone: fields.is_none(), is_strict: true };
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

/// How more items get into a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Append {
    /// These bytes at the end of the file, in one write.
    AtEnd(String),
    /// The whole text, because something follows the list.
    Whole(String),
}

/// More items in the list that is under `section`, or at the top: complete, and in the shape that the file has.
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
    let (before, after) = (unmarked(before), unmarked(after));
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

/// An item whose dash is at `column`, each text quoted.
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
    let (before, after) = (unmarked(before), unmarked(after));
    let parsed = yaml::parse(before);
    if let (Err(broken), true) = (&parsed, pieces.is_strict) {
        return Err(EditError::Damage(format!("it is damaged, line {}: {}", broken.line, broken.cause)));
    }
    let Ok(said) = parsed else {
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
    let mut expected = if said.is_null() { Value::Object(Map::new()) } else { (*said).clone() };
    change(&mut expected);
    if *new == expected {
        Ok(())
    } else {
        Err(EditError::Damage("the edit would not give the wanted value, or would change something else".to_owned()))
    }
}

/// How the pieces of a damaged text are distinguished.
struct Pieces<'a> {
    read: &'a dyn Fn(&str) -> salvage::Read,
    is_own: &'a dyn Fn(&salvage::Item) -> bool,
    fields: &'a Fields<'a>,
    /// Whether the own piece is to be gone.
    is_gone: bool,
    /// Whether a damaged text is not edited at all.
    is_strict: bool,
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

#[cfg(test)]
#[path = "edit_tests.rs"]
mod tests;

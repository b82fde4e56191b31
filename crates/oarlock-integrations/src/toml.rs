//! Tables and elements put into TOML files, and taken out again. Documents are edited by `toml_edit`, and only the text of the edit changes.

mod splice;
#[cfg(test)]
mod tests;

use toml_edit::{Array, DocumentMut, InlineTable, Item, RawString, Table, TableLike, Value};

use crate::block::{self, Comment};
use crate::client::is_our_program;
use crate::edit::{EditError, Edited};
use splice::{Splice, read, splice};

/// The required content of a TOML file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TomlWant {
    /// The table `[table.name]` with these lines; one that is there is left as it is.
    Table(&'static str, &'static str, String),
    /// A text in the array of this key in this table.
    Element(&'static str, &'static str, String),
}

/// Puts the wanted content into a text; existing content stays as it is.
///
/// # Errors
/// Text that is not TOML, that has something else where a table or an array is needed, or in which other lines would have to move.
pub fn put(text: &str, wants: &[TomlWant]) -> Result<Edited, EditError> {
    read(text)?;
    let mut edited = Edited::of(text);
    let mut appended = DocumentMut::new();
    for want in wants {
        match want {
            TomlWant::Table(table, name, body) => put_table(&mut edited, &mut appended, table, name, body)?,
            TomlWant::Element(table, key, value) => put_element(&mut edited, &mut appended, table, key, value)?,
        }
    }
    if !appended.is_empty() {
        // An earlier block is not touched: new lines are in one of their own.
        block::append(&mut edited, &block::block(Comment::Hash, appended.to_string().trim()));
    }
    // The result must be the intended one.
    read(&edited.text)?;
    Ok(edited)
}

/// Whether a text has one of Oarlock's own tables.
pub fn has_any(text: &str, wants: &[TomlWant]) -> bool {
    let Ok(document) = read(text) else { return false };
    wants.iter().any(|want| match want {
        TomlWant::Table(table, name, _) => document.get(table).and_then(|found| found.get(name)).is_some_and(is_ours),
        TomlWant::Element(..) => false,
    })
}

/// Takes Oarlock's parts out of a text by their form: its blocks but for what somebody has added there, its entries in others'
/// inline tables and its elements in others' arrays, with the array and the table that are empty then. Nothing is left where nothing but
/// white space is.
///
/// # Errors
/// Text that is not TOML, or that would not be without them, or in which other lines would have to move.
pub fn take_out(text: &str, wants: &[TomlWant]) -> Result<Option<String>, EditError> {
    let mut text = block::take_out(text, Comment::Hash, |inside| foreign(inside, wants).unwrap_or_else(|_| inside.to_owned()));
    for want in wants {
        match want {
            TomlWant::Table(table, name, _) => take_inline_table(&mut text, table, name)?,
            TomlWant::Element(table, key, value) => take_element(&mut text, table, key, value)?,
        }
    }
    read(&text)?;
    Ok((!text.trim().is_empty()).then_some(text))
}

/// The lines of its block that are not Oarlock's.
///
/// # Errors
/// Lines that are no TOML by themselves, or in which other lines would have to move.
fn foreign(inside: &str, wants: &[TomlWant]) -> Result<String, EditError> {
    let mut text = inside.to_owned();
    for want in wants {
        match want {
            // What somebody has set of the server goes with it: a server without its command is not one.
            TomlWant::Table(table, name, _) => {
                let taken = splice(&text, |document| remove(document, table, name))?;
                if let Some(splice) = taken {
                    splice.but_comments(&text).apply(&mut text);
                }
            }
            TomlWant::Element(table, key, _) => {
                // Also that of a store that has moved, or of another machine.
                let document = read(&text)?;
                let array = document.get(table).and_then(|found| found.get(key)).and_then(Item::as_array);
                let is_ours = |value: &&str| value.rsplit(['/', '\\']).next() == Some(".oarlock");
                let values = array.into_iter().flatten().filter_map(Value::as_str).filter(is_ours);
                for value in values.map(str::to_owned).collect::<Vec<_>>() {
                    take_element(&mut text, table, key, &value)?;
                }
            }
        }
    }
    Ok(if text.trim().is_empty() { String::new() } else { text })
}

/// Whether everything that one text sets is set in the other in the same place, with what may have been added.
pub fn has_all(text: &str, of: &str) -> bool {
    fn holds(all: &Item, part: &Item) -> bool {
        match (all.as_table_like(), part.as_table_like()) {
            (Some(all), Some(part)) => part.iter().all(|(key, item)| all.get(key).is_some_and(|found| holds(found, item))),
            (None, None) => true,
            _ => false,
        }
    }
    match (read(text), read(of)) {
        (Ok(all), Ok(part)) => holds(all.as_item(), part.as_item()),
        _ => false,
    }
}

/// Whether a server is Oarlock's, and not somebody's own of that name.
fn is_ours(server: &Item) -> bool {
    let args = server.get("args").and_then(Item::as_array);
    server.get("command").and_then(Item::as_str).is_some_and(is_our_program)
        && args.is_some_and(|args| args.iter().map(Value::as_str).eq([Some("mcp")]))
}

fn put_table(edited: &mut Edited, appended: &mut DocumentMut, table: &str, name: &str, body: &str) -> Result<(), EditError> {
    let document = read(&edited.text)?;
    let body = read(body)?.into_mut().into_table();
    match document.get(table) {
        Some(found) if found.get(name).is_some() => Ok(()),
        Some(found) if found.is_inline_table() => {
            let mut inline = body.into_inline_table();
            inline.fmt();
            insert(edited, |document| {
                if let Some(found) = document.get_mut(table).and_then(Item::as_inline_table_mut) {
                    insert_inline(found, name, inline.into());
                }
            })
        }
        None | Some(Item::Table(_)) => {
            append_table(appended, table, true).insert(name, Item::Table(plain(body)));
            Ok(())
        }
        Some(other) => Err(EditError::at(&edited.text, other.span().map_or(0, |span| span.start), format!("\"{table}\" is not a table"))),
    }
}

fn put_element(edited: &mut Edited, appended: &mut DocumentMut, table: &str, key: &str, value: &str) -> Result<(), EditError> {
    let document = read(&edited.text)?;
    let only = Value::Array(Array::from_iter([text(value)]));
    let Some(found) = document.get(table) else {
        append_table(appended, table, false).insert(key, Item::Value(only));
        return Ok(());
    };
    let unfit = |item: &Item, what: String| Err(EditError::at(&edited.text, item.span().map_or(0, |span| span.start), what));
    match (found.get(key), found) {
        (Some(item), _) => match item.as_array() {
            Some(array) if array.iter().any(|item| item.as_str() == Some(value)) => Ok(()),
            Some(_) => insert(edited, |document| {
                if let Some(array) = document[table].get_mut(key).and_then(Item::as_array_mut) {
                    insert_first(array, value);
                }
            }),
            None => unfit(item, format!("\"{table}.{key}\" is not an array")),
        },
        (None, Item::Value(Value::InlineTable(_))) => insert(edited, |document| {
            if let Some(found) = document.get_mut(table).and_then(Item::as_inline_table_mut) {
                insert_inline(found, key, only);
            }
        }),
        (None, Item::Table(_)) => insert(edited, |document| {
            if let Some(found) = document.get_mut(table).and_then(Item::as_table_mut) {
                // One that only its own tables make gets a header by this.
                if found.is_implicit() && !found.is_dotted() {
                    found.decor_mut().set_prefix("");
                }
                found.insert(key, Item::Value(only));
            }
        }),
        (None, other) => unfit(other, format!("\"{table}\" is not a table")),
    }
}

/// Puts an edit into a text, which may only add to it.
fn insert(edited: &mut Edited, edit: impl FnOnce(&mut DocumentMut)) -> Result<(), EditError> {
    match splice(&edited.text, edit)? {
        Some(Splice { range, text }) if range.is_empty() => edited.insert(range.start, text),
        Some(Splice { range, .. }) => {
            return Err(EditError::at(&edited.text, range.start, "nothing can be added here without changing other text"));
        }
        None => {}
    }
    Ok(())
}

/// The table of this name in Oarlock's block; an implicit one is only a part of its tables' names.
fn append_table<'d>(appended: &'d mut DocumentMut, name: &str, is_implicit: bool) -> &'d mut Table {
    let mut table = plain(Table::new());
    table.set_implicit(is_implicit);
    let item = appended.entry(name).or_insert(Item::Table(table));
    item.as_table_mut().expect("all that is appended are tables")
}

/// A table without an empty line before it.
fn plain(mut table: Table) -> Table {
    table.decor_mut().set_prefix("");
    table
}

/// A text between double quotes: JSON's escapes are TOML's as well.
fn text(value: &str) -> Value {
    serde_json::Value::from(value).to_string().parse().unwrap_or_else(|_| Value::from(value))
}

/// Adds an element before the others, where it looks as the first one did.
fn insert_first(array: &mut Array, value: &str) {
    let mut value = text(value);
    if let Some(first) = array.get_mut(0) {
        let prefix = first.decor().prefix().and_then(RawString::as_str).unwrap_or_default().to_owned();
        // On the same line, or on a line of its own without the comment that may be before it.
        let own = prefix.rfind('\n').map_or(" ", |at| &prefix[at..]);
        first.decor_mut().set_prefix(own);
        value.decor_mut().set_prefix(prefix);
    }
    array.insert_formatted(0, value);
}

/// Adds an entry behind the others, before the space that an inline table ends with.
fn insert_inline(inline: &mut InlineTable, key: &str, mut value: Value) {
    let last = inline.iter_mut().last().map(|(_, value)| value).filter(|last| !last.as_inline_table().is_some_and(InlineTable::is_dotted));
    if let Some(last) = last {
        let suffix = last.decor().suffix().and_then(RawString::as_str).unwrap_or_default().to_owned();
        last.decor_mut().set_suffix("");
        value.decor_mut().set_prefix(" ");
        value.decor_mut().set_suffix(suffix);
    }
    inline.insert(key, value);
}

/// Takes an entry away, wherever in a table it is.
fn remove(document: &mut DocumentMut, table: &str, key: &str) {
    match document.get_mut(table) {
        Some(Item::Value(Value::InlineTable(inline))) => {
            let is_last = inline.iter().last().is_some_and(|(last, _)| last == key);
            let suffix = inline.remove(key).and_then(|value| value.decor().suffix().and_then(RawString::as_str).map(str::to_owned));
            if let Some(last) = inline.iter_mut().last().map(|(_, value)| value).filter(|_| is_last) {
                last.decor_mut().set_suffix(suffix.unwrap_or_default());
            }
        }
        Some(found) => {
            found.as_table_like_mut().and_then(|table: &mut dyn TableLike| table.remove(key));
        }
        None => {}
    }
}

/// Takes a server out of an inline table: elsewhere it is in a block. Somebody's own of that name stays.
fn take_inline_table(text: &mut String, table: &str, name: &str) -> Result<(), EditError> {
    let document = read(text)?;
    let server = document.get(table).filter(|found| found.is_inline_table()).and_then(|found| found.get(name));
    if server.is_some_and(is_ours)
        && let Some(splice) = splice(text, |document| remove(document, table, name))?
    {
        splice.apply(text);
    }
    Ok(())
}

fn take_element(text: &mut String, table: &str, key: &str, value: &str) -> Result<(), EditError> {
    let document = read(text)?;
    let array = document.get(table).and_then(|found| found.get(key)).and_then(Item::as_array);
    let Some(index) = array.and_then(|array| array.iter().position(|item| item.as_str() == Some(value))) else { return Ok(()) };
    let taken = splice(text, |document| {
        if let Some(array) = document[table].get_mut(key).and_then(Item::as_array_mut) {
            remove_element(array, index);
        }
    })?;
    if let Some(splice) = taken {
        splice.apply(text);
    }
    if take_empty_array(text, table, key)? {
        take_empty_table(text, table)?;
    }
    Ok(())
}

/// Removes an element; a comment beside it goes to the element that follows, or to the end of the array.
fn remove_element(array: &mut Array, index: usize) {
    let removed = array.remove(index);
    let text_of = |raw: Option<&RawString>| raw.and_then(RawString::as_str).unwrap_or_default().to_owned();
    let (prefix, suffix) = (text_of(removed.decor().prefix()), text_of(removed.decor().suffix()));
    let behind_comment = |rest: String| match prefix.trim_end() {
        kept if !kept.contains('#') => rest,
        kept if rest.trim_start_matches([' ', '\t', '\r']).starts_with('\n') => format!("{kept}{rest}"),
        kept => format!("{kept}\n{rest}"),
    };
    if let Some(next) = array.get_mut(index) {
        let own = text_of(next.decor().prefix());
        let is_only_space = own.trim().is_empty() && prefix.trim().is_empty() && !suffix.contains('#');
        let suffix = if suffix.contains('#') { &suffix } else { "" };
        next.decor_mut().set_prefix(if is_only_space { prefix } else { behind_comment(format!("{suffix}{own}")) });
    } else {
        let trailing = behind_comment(format!("{suffix}{}", text_of(Some(array.trailing()))));
        array.set_trailing(trailing);
    }
}

/// Takes an array away in which nothing is left, with its key, as it was made. Whether there was one.
fn take_empty_array(text: &mut String, table: &str, key: &str) -> Result<bool, EditError> {
    let document = read(text)?;
    let array = document.get(table).and_then(|found| found.get(key)).and_then(Item::as_array).filter(|array| array.is_empty());
    let Some(array) = array else { return Ok(false) };
    // An array over several lines, or with a comment in it or beside it, is somebody's.
    let is_bare = array.span().is_some_and(|span| text[span].chars().all(|c| matches!(c, '[' | ']' | ' ')));
    let is_explained = array.decor().suffix().is_some_and(|suffix| suffix.span().is_some_and(|span| text[span].contains('#')));
    if !is_bare || is_explained {
        return Ok(false);
    }
    let taken = splice(text, |document| remove(document, table, key))?;
    Ok(taken.map(|splice| splice.but_comments(text).apply(text)).is_some())
}

/// Takes the header of a table away that nothing is below, and no comment beside.
fn take_empty_table(text: &mut String, name: &str) -> Result<(), EditError> {
    let mut is_explained = false;
    let taken = splice(text, |document| {
        let Some(table) = document.get_mut(name).and_then(Item::as_table_mut) else { return };
        let decor = table.decor();
        let prefix = decor.prefix().and_then(RawString::as_str).unwrap_or_default();
        let above = prefix.trim_end_matches([' ', '\t']).lines().next_back();
        let beside = decor.suffix().and_then(RawString::as_str).unwrap_or_default();
        is_explained = beside.contains('#') || above.is_some_and(|line| line.trim_start().starts_with('#'));
        if table.is_empty() && !table.is_dotted() {
            document.remove(name);
        } else if table.get_values().is_empty() {
            table.set_implicit(true);
        }
    })?;
    if let Some(splice) = taken.filter(|_| !is_explained) {
        let mut below = text[splice.range.end..].lines().take_while(|line| !line.trim_start().starts_with('['));
        if below.all(|line| line.trim().is_empty()) {
            splice.but_comments(text).apply(text);
        }
    }
    Ok(())
}

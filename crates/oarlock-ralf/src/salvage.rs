//! Reading a damaged file piece by piece. A writer appends without parsing, so one slip breaks a log for weeks; the other items are as
//! good as before. Whole files are given to a YAML parser first; only where it refuses are they taken apart here, by their lines.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::memo::Memo;
use crate::yaml::{self, Broken};

/// One item of a list, or one named block.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Item {
    /// Its first line, from 1.
    pub(crate) line: usize,
    /// Its name, where it is a block of a map.
    pub(crate) name: Option<String>,
    /// Its fields.
    pub(crate) fields: Map<String, Value>,
}

/// The content of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Read {
    pub(crate) items: Vec<Item>,
    /// The block called `metadata`, `queue_metadata` and the like.
    pub(crate) metadata: Map<String, Value>,
    /// Top-level fields beside the list.
    pub(crate) fields: Map<String, Value>,
    pub(crate) damages: Vec<Damage>,
}

/// A damage: where, why, and how many items were saved or lost at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Damage {
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) cause: String,
    pub(crate) recovered: usize,
    pub(crate) lost: usize,
}

/// Names of the block beside the list.
const METADATA: [&str; 3] = ["metadata", "queue_metadata", "swarm_metrics"];

/// Lists of tasks that a queue file has.
pub(crate) const QUEUES: [&str; 2] = ["queue", "tasks"];

/// The queues that were read last.
static LAST: Memo<Read> = Memo::new();

/// The tasks of a queue: the items of the list that [`list`] finds under one of its names.
pub(crate) fn queue(text: &str) -> Arc<Read> {
    let read = LAST.of(text, || Ok::<_, Infallible>(list(text, &QUEUES)));
    read.unwrap_or_else(|never| match never {})
}

/// A queue in which fields of one item have changed, and with that how many lines it has: the next who reads it need not take it apart.
pub(crate) fn remember_queue(before: &str, after: &str, at: usize, fields: &Map<String, Value>, more_lines: isize) {
    LAST.change(before, after, |read| {
        read.items[at].fields.clone_from(fields);
        read.items[at + 1..].iter_mut().for_each(|item| item.line = item.line.saturating_add_signed(more_lines));
        debug_assert_eq!(*read, list(after, &QUEUES), "{after}");
    });
}

/// The items of a list that is under one of `names`, or at the top.
pub(crate) fn list(text: &str, names: &[&str]) -> Read {
    let lines: Vec<&str> = text.lines().collect();
    match yaml::parse(text) {
        Ok(value) => whole_list(&value, names, &lines),
        Err(broken) => {
            let mut read = pieces_of_list(&lines, names, &broken);
            add_unseen(&mut read, broken);
            read
        }
    }
}

/// The blocks of a map that is under one of `names`: `heartbeats:` and a name below it for each.
pub(crate) fn blocks(text: &str, names: &[&str]) -> Read {
    let lines: Vec<&str> = text.lines().collect();
    match yaml::parse(text) {
        Ok(value) => whole_blocks(&value, names, &lines),
        Err(broken) => {
            let mut read = pieces_of_blocks(&lines, names);
            add_unseen(&mut read, broken);
            read
        }
    }
}

/// The part that the parser saw and no piece shows, such as items behind the metadata: everything from there on was saved.
fn add_unseen(read: &mut Read, broken: Broken) {
    if read.damages.iter().any(|damage| damage.line == broken.line) {
        return;
    }
    let after = read.items.iter().filter(|item| item.line >= broken.line).count();
    let damaged = read.damages.iter().map(|damage| damage.recovered).sum::<usize>();
    let recovered = after.saturating_sub(damaged).max(usize::from(damaged == 0 && !read.items.is_empty() && after > 0));
    read.damages.push(Damage { line: broken.line, column: broken.column, cause: broken.cause, recovered, lost: 0 });
    read.damages.sort_by_key(|damage| damage.line);
}

/// Under which of these names the list of a document is: the first that is there.
pub(crate) fn name_of_list<'n>(value: &Value, names: &[&'n str]) -> Option<&'n str> {
    names.iter().copied().find(|name| value.get(name).is_some())
}

fn whole_list(value: &Value, names: &[&str], lines: &[&str]) -> Read {
    let mut read = Read::default();
    let items = match value {
        Value::Array(items) => items.as_slice(),
        Value::Object(fields) => {
            let name = name_of_list(value, names);
            let others = fields.iter().filter(|(known, _)| name != Some(known.as_str()));
            read.fields = others.map(|(name, value)| (name.clone(), value.clone())).collect();
            take_metadata(fields, &mut read);
            name.and_then(|name| fields[name].as_array()).map_or(&[][..], Vec::as_slice)
        }
        _ => &[],
    };
    let starts = starts_of_whole(lines, names, items.len());
    for (at, item) in items.iter().enumerate() {
        let line = starts.get(at).map_or(0, |line| line + 1);
        let fields = match item {
            Value::Object(fields) => fields.clone(),
            // One document of several, or an item that is only text.
            other => Map::from_iter([("text".to_owned(), other.clone())]),
        };
        read.items.push(Item { line, name: None, fields });
    }
    read
}

fn take_metadata(fields: &Map<String, Value>, read: &mut Read) {
    for name in METADATA {
        if let Some(Value::Object(metadata)) = fields.get(name) {
            read.metadata.extend(metadata.clone());
        }
    }
}

/// Where the `count` items of a valid list begin: the lines with its dash.
fn starts_of_whole(lines: &[&str], names: &[&str], count: usize) -> Vec<usize> {
    let is_name = |line: &str| {
        let top = key(line).filter(|_| is_top_key(line));
        top.is_some_and(|(key, rest)| names.contains(&key) && (rest.is_empty() || rest.starts_with('#')))
    };
    let from = lines.iter().position(|line| is_name(line)).map_or(0, |at| at + 1);
    let Some(base) = lines[from..].iter().find_map(|line| dash(line)) else { return Vec::new() };
    let mut starts = Vec::with_capacity(count);
    for (at, line) in lines.iter().enumerate().skip(from) {
        if from > 0 && is_top_key(line) {
            break;
        }
        if dash(line) == Some(base) {
            starts.push(at);
        }
    }
    // Lines of quoted text can look like items: then no line is better than a wrong one.
    if starts.len() == count { starts } else { Vec::new() }
}

/// The column of the dash that begins an item.
pub(crate) fn dash(line: &str) -> Option<usize> {
    let rest = line.trim_start_matches(' ');
    (rest.starts_with("- ") || rest == "-").then(|| line.len() - rest.len())
}

/// Columns of white space before a line.
pub(crate) fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// `key:` at the left margin.
pub(crate) fn is_top_key(line: &str) -> bool {
    line.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && key(line).is_some()
}

/// The key that a line begins with behind its indentation, and what follows the colon.
pub(crate) fn key(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = line.trim_start_matches(' ').split_once(':')?;
    let plain = !name.is_empty() && name.len() <= 64 && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-. ".contains(c));
    (plain && !name.ends_with(' ') && (rest.is_empty() || rest.starts_with(' '))).then_some((name, rest.trim_start()))
}

/// Lines of the item that is being read, and where it begins.
struct Piece<'a> {
    first: usize,
    /// Column of its fields.
    column: usize,
    lines: Vec<&'a str>,
    /// Whether its last field has nothing behind its colon, so that a list may follow.
    is_open: bool,
}

impl<'a> Piece<'a> {
    fn new(first: usize, column: usize, line: &'a str) -> Self {
        let mut piece = Self { first, column, lines: Vec::new(), is_open: false };
        piece.push(line);
        piece
    }

    fn push(&mut self, line: &'a str) {
        if let Some((_, value)) = key(line).filter(|_| dash(line).is_none()) {
            self.is_open = value.is_empty();
        }
        self.lines.push(line);
    }
}

fn pieces_of_list(lines: &[&str], names: &[&str], broken: &Broken) -> Read {
    let mut pieces: Vec<Piece<'_>> = Vec::new();
    let mut rest: Vec<Piece<'_>> = Vec::new();
    let mut list = Shape::default();
    let mut open = Open::Nothing;
    for (at, line) in lines.iter().enumerate() {
        let begun = dash(line).filter(|column| list.begins_item(*column, line, &open, pieces.last()));
        let margin = is_top_key(line).then(|| key(line).unwrap_or_default());
        match (begun, margin) {
            (Some(column), _) => {
                list.base = Some(list.base.map_or(column, |base| base.min(column)));
                list.first_key = list.first_key.or(first_key(line));
                pieces.push(Piece::new(at, column + 2, line));
                open = Open::Item;
            }
            (None, Some((name, ""))) if names.contains(&name) => {
                list.is_named = true;
                open = Open::Nothing;
            }
            // An item that has lost its dash goes on at the margin.
            (None, Some((name, _))) if open == Open::Item && pieces.last().is_some_and(|p| p.column == 0) && !METADATA.contains(&name) => {
                pieces.last_mut().expect("an item is open").push(line);
            }
            (None, Some((name, _))) if FIRST_KEYS.contains(&name) && (list.is_named || list.base.is_some()) => {
                pieces.push(Piece::new(at, 0, line));
                open = Open::Item;
            }
            (None, Some(_)) => {
                rest.push(Piece::new(at, 0, line));
                open = Open::Rest;
            }
            (None, None) => {
                let target = match open {
                    Open::Item => pieces.last_mut(),
                    Open::Rest => rest.last_mut(),
                    Open::Nothing => None,
                };
                if let Some(piece) = target {
                    piece.push(line);
                }
            }
        }
    }
    let mut read = Read::default();
    pieces.iter().for_each(|piece| take_item(piece, None, &mut read, broken));
    rest.iter().for_each(|piece| take_rest(piece, &mut read));
    read
}

/// Keys with which items begin.
const FIRST_KEYS: [&str; 3] = ["timestamp", "id", "task_id"];

/// The possible continuation of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Nothing,
    Item,
    Rest,
}

/// How the items of a list are written, as far as it has been seen.
#[derive(Debug, Default)]
struct Shape {
    /// Column of their dashes, the leftmost of them.
    base: Option<usize>,
    first_key: Option<String>,
    /// Whether the name of the list has been seen.
    is_named: bool,
}

impl Shape {
    /// Whether a dash at `column` begins an item, and no list inside one.
    fn begins_item(&self, column: usize, line: &str, open: &Open, last: Option<&Piece<'_>>) -> bool {
        let begins = first_key(line);
        let nested = *open == Open::Item && last.is_some_and(|piece| column >= piece.column && piece.is_open);
        match self.base {
            None => begins.is_some() && *open != Open::Rest,
            Some(base) if column < base => begins.is_some(),
            Some(base) if column == base => !nested && (*open != Open::Rest || begins.is_some()),
            // Writers indent differently: such an item begins as the others do.
            Some(_) => column <= 2 && begins.is_some() && begins == self.first_key && !nested,
        }
    }
}

/// The key behind the dash of an item.
fn first_key(line: &str) -> Option<String> {
    key(line.trim_start_matches(' ').strip_prefix("- ")?).map(|(name, _)| name.to_owned())
}

/// One item, whole or field by field.
fn take_item(piece: &Piece<'_>, name: Option<String>, read: &mut Read, whole: &Broken) {
    let text = dedented(piece);
    match yaml::read(&text) {
        Ok(Value::Object(fields)) => {
            let lost_dash = piece.column == 0 && name.is_none();
            if lost_dash {
                let cause = "an item has lost its dash".to_owned();
                read.damages.push(Damage { line: piece.first + 1, column: 1, cause, recovered: 1, lost: 0 });
            }
            read.items.push(Item { line: piece.first + 1, name, fields });
        }
        Ok(Value::Null) if name.is_some() => read.items.push(Item { line: piece.first + 1, name, fields: Map::new() }),
        Ok(_) => {}
        Err(broken) => {
            let fields = fields_of(&text);
            let saved = !fields.is_empty();
            let line = piece.first + broken.line.max(1);
            let column = if whole.line == line { whole.column } else { broken.column + piece.column };
            let cause = if whole.line == line { whole.cause.clone() } else { broken.cause };
            read.damages.push(Damage { line, column, cause, recovered: usize::from(saved), lost: usize::from(!saved) });
            if saved {
                read.items.push(Item { line: piece.first + 1, name, fields });
            }
        }
    }
}

/// A block beside the list.
fn take_rest(piece: &Piece<'_>, read: &mut Read) {
    let text = dedented(piece);
    let fields = match yaml::read(&text) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) => return,
        Err(broken) => {
            let line = piece.first + broken.line.max(1);
            read.damages.push(Damage { line, column: broken.column, cause: broken.cause, recovered: 0, lost: 0 });
            let (name, _) = key(piece.lines[0]).unwrap_or_default();
            let below: Vec<&str> = piece.lines[1..].to_vec();
            let inner = Piece {
                first: piece.first + 1,
                column: below.iter().find_map(|line| key(line).map(|_| line.len() - line.trim_start().len())).unwrap_or(2),
                lines: below,
                is_open: false,
            };
            Map::from_iter([(name.to_owned(), Value::Object(fields_of(&dedented(&inner))))])
        }
    };
    take_metadata(&fields, read);
    read.fields.extend(fields);
}

/// The lines of a piece without their common indentation; the dash becomes white space.
fn dedented(piece: &Piece<'_>) -> String {
    let mut text = String::new();
    for (at, line) in piece.lines.iter().enumerate() {
        let line = if at == 0 && piece.column >= 2 { line.replacen("- ", "  ", 1) } else { (*line).to_owned() };
        let spaces = line.len() - line.trim_start_matches(' ').len();
        text.push_str(&line[spaces.min(piece.column)..]);
        text.push('\n');
    }
    text
}

/// The fields of an item that is no YAML, each by itself.
fn fields_of(text: &str) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut open: Option<(String, Vec<&str>)> = None;
    for line in text.lines() {
        let at_margin = !line.starts_with(' ') && !line.starts_with("- ") && !line.starts_with('#');
        match key(line).filter(|_| at_margin) {
            Some((name, _)) => {
                close(open.take(), &mut fields);
                open = Some((name.to_owned(), vec![line]));
            }
            None => {
                if let Some((_, lines)) = &mut open {
                    lines.push(line);
                }
            }
        }
    }
    close(open, &mut fields);
    fields
}

fn close(field: Option<(String, Vec<&str>)>, fields: &mut Map<String, Value>) {
    let Some((name, lines)) = field else { return };
    let text = lines.join("\n");
    let value = match yaml::read(&text) {
        Ok(Value::Object(mut parsed)) if parsed.len() == 1 => parsed.remove(&name).unwrap_or_default(),
        _ => as_written(&lines),
    };
    // Of a key that is twice the last one counts, as with the parsers that took it.
    fields.insert(name, value);
}

/// The text of a value that is no YAML: a list line by line, anything else as it is, without the quotes around it.
fn as_written(lines: &[&str]) -> Value {
    let first = lines[0].split_once(':').map_or("", |(_, value)| value.trim());
    let below: Vec<&str> = lines[1..].iter().map(|line| line.trim()).filter(|line| !line.is_empty()).collect();
    if first.is_empty() && !below.is_empty() && below[0].starts_with("- ") {
        let mut items: Vec<String> = Vec::new();
        for line in below {
            match (line.strip_prefix("- "), items.last_mut()) {
                (None, Some(last)) => {
                    last.push(' ');
                    last.push_str(line);
                }
                (item, _) => items.push(item.unwrap_or(line).to_owned()),
            }
        }
        let value = |item: String| yaml::read(&item).ok().filter(Value::is_string).unwrap_or(Value::String(item));
        return Value::Array(items.into_iter().map(value).collect());
    }
    let text = std::iter::once(first).chain(below).collect::<Vec<_>>().join(" ");
    let text = text.trim();
    let unquoted = ['"', '\''].iter().find_map(|q| text.strip_prefix(*q)?.strip_suffix(*q)).unwrap_or(text);
    Value::String(unquoted.to_owned())
}

fn whole_blocks(value: &Value, names: &[&str], lines: &[&str]) -> Read {
    let mut read = Read::default();
    let Value::Object(fields) = value else { return read };
    let name = names.iter().find(|name| fields.get(**name).is_some_and(Value::is_object));
    let others = fields.iter().filter(|(known, _)| name.is_none_or(|name| known != name));
    read.fields = others.map(|(name, value)| (name.clone(), value.clone())).collect();
    take_metadata(fields, &mut read);
    let Some(blocks) = name.and_then(|name| fields[*name].as_object()) else { return read };
    let top = names.iter().find_map(|name| lines.iter().position(|line| line.strip_prefix(name) == Some(":")));
    // The first line with each name, looked up once: there may be hundreds of blocks.
    let mut starts: HashMap<&str, usize> = HashMap::new();
    let below = top.map_or(&[][..], |top| &lines[top + 1..]);
    for (at, line) in below.iter().enumerate().take_while(|(_, line)| !is_top_key(line)).filter(|(_, line)| line.starts_with(' ')) {
        if let Some((name, _)) = key(line) {
            starts.entry(name).or_insert(top.unwrap_or(0) + at + 2);
        }
    }
    for (name, block) in blocks {
        let line = starts.get(name.as_str()).copied().unwrap_or(0);
        let fields = block.as_object().cloned().unwrap_or_default();
        read.items.push(Item { line, name: Some(name.clone()), fields });
    }
    read.items.sort_by_key(|item| item.line);
    read
}

fn pieces_of_blocks(lines: &[&str], names: &[&str]) -> Read {
    let mut read = Read::default();
    let mut in_blocks = false;
    let mut open: Option<(String, Piece<'_>)> = None;
    let mut rest: Vec<Piece<'_>> = Vec::new();
    let nowhere = Broken { line: 0, column: 0, cause: String::new() };
    let finish = |open: &mut Option<(String, Piece<'_>)>, read: &mut Read| {
        if let Some((name, mut piece)) = open.take() {
            let first = piece.first;
            piece.lines.remove(0);
            piece.first += 1;
            let before = read.items.len();
            take_item(&piece, Some(name), read, &nowhere);
            read.items[before..].iter_mut().for_each(|item| item.line = first + 1);
        }
    };
    for (at, line) in lines.iter().enumerate() {
        if is_top_key(line) {
            finish(&mut open, &mut read);
            let (name, value) = key(line).unwrap_or_default();
            in_blocks = names.contains(&name) && value.is_empty();
            if !in_blocks {
                rest.push(Piece::new(at, 0, line));
            }
            continue;
        }
        if !in_blocks {
            if let Some(piece) = rest.last_mut() {
                piece.lines.push(line);
            }
        } else if let Some((name, _)) = key(line).filter(|(_, value)| value.is_empty() && (1..=2).contains(&indent(line))) {
            finish(&mut open, &mut read);
            open = Some((name.to_owned(), Piece::new(at, indent(line) + 2, line)));
        } else if let Some((_, piece)) = &mut open {
            piece.lines.push(line);
        }
    }
    finish(&mut open, &mut read);
    for piece in rest {
        take_rest(&piece, &mut read);
    }
    read
}

#[cfg(test)]
#[path = "salvage_tests.rs"]
mod tests;

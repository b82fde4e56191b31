//! Members and elements put into JSON files, comments and layout kept, and taken out again.

use jsonc_parser::ast::{Array, Object, ObjectProp, Value as Node};
use jsonc_parser::common::{Range, Ranged};
use jsonc_parser::tokens::Token;
use jsonc_parser::{CollectOptions, CommentCollectionStrategy, ParseOptions, parse_to_ast};
use serde_json::Value;

use crate::client::is_our_program;
use crate::edit::{EditError, Edited, newline_of};

/// The keys that lead to a value.
pub type Path = &'static [&'static str];

/// What has to stand in a JSON file.
#[derive(Clone, Debug, PartialEq)]
pub enum JsonWant {
    /// A member of this path; one that is there is left as it is.
    Member(Path, Value),
    /// An element of the array of this path, known by a text that only Oarlock's elements have in them.
    Element(Path, Value, &'static str),
    /// A text among those of this path, which may be an array, a single text, or absent: then all of these.
    Among(Path, &'static str, &'static [&'static str]),
    /// A member that is there for the file's own sake and stays as long as anything else does.
    Frame(Path, Value),
}

/// Puts what is wanted into a text; what is there already stays as it is.
///
/// # Errors
/// Text that is not JSON, or that has something else where an object or array is needed.
pub fn put(text: &str, wants: &[JsonWant]) -> Result<Edited, EditError> {
    let (mark, text) = without_mark(text);
    let mut edited = Edited::of(text);
    for want in wants {
        // The place of a fault is told as it is in the file.
        put_one(&mut edited, want).map_err(|error| put_one(&mut Edited::of(text), want).err().unwrap_or(error))?;
    }
    // What was made must be what was meant.
    Document::read(&edited.text)?;
    edited.text.insert_str(0, mark);
    for insertion in &mut edited.insertions {
        insertion.at += mark.len();
    }
    Ok(edited)
}

/// The byte order mark with which some editors begin a file, and the text behind it. Editors do not count it as a column.
fn without_mark(text: &str) -> (&str, &str) {
    text.split_at(if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 })
}

/// Whether a text has one of Oarlock's own members or elements.
pub fn has_any(text: &str, wants: &[JsonWant]) -> bool {
    let Ok(document) = Document::read(without_mark(text).1) else { return false };
    wants.iter().any(|want| match want {
        JsonWant::Member(path, value) => document.is_ours(path, value),
        JsonWant::Element(path, _, mark) => document.element(path, mark).is_some(),
        JsonWant::Among(..) | JsonWant::Frame(..) => false,
    })
}

/// Takes what is Oarlock's out of a text by what it looks like, and the containers that are empty then. Nothing is left where only
/// empty containers are.
///
/// # Errors
/// Text that is not JSON.
pub fn take_out(text: &str, wants: &[JsonWant]) -> Result<Option<String>, EditError> {
    let (mark, text) = without_mark(text);
    let mut text = text.to_owned();
    for want in wants {
        let path = match want {
            JsonWant::Member(path, value) => {
                let document = Document::read(&text)?;
                if let Some(range) = document.member(path).filter(|_| document.is_ours(path, value)) {
                    text.replace_range(range, "");
                }
                path.split_last().map_or(*path, |(_, above)| above)
            }
            JsonWant::Element(path, _, mark) => {
                while let Some(range) = Document::read(&text)?.element(path, mark) {
                    text.replace_range(range, "");
                }
                path
            }
            JsonWant::Among(path, _, all) => {
                // A text among others may be somebody else's wish as well.
                let document = Document::read(&text)?;
                let found = document.reached(path).filter(|found| found.rest.is_empty());
                let Some(range) =
                    document.member(path).filter(|_| found.is_some_and(|found| to_value(found.node) == Value::from(all.to_vec())))
                else {
                    continue;
                };
                text.replace_range(range, "");
                path.split_last().map_or(*path, |(_, above)| above)
            }
            JsonWant::Frame(..) => continue,
        };
        for length in (1..=path.len()).rev() {
            let document = Document::read(&text)?;
            // A comment in it is somebody's.
            let is_plain = |node: &Node<'_>| text[node.start()..node.end()].chars().all(|c| c.is_whitespace() || "{}[],".contains(c));
            let is_bare = |found: Reached<'_, '_>| found.rest.is_empty() && is_empty(found.node) && is_plain(found.node);
            let is_bare = document.reached(&path[..length]).is_some_and(is_bare);
            // Without it, an earlier one of that name would be read, which was not before.
            let is_only = is_bare && !document.is_repeated(&path[..length]);
            let Some(range) = document.member(&path[..length]).filter(|_| is_only) else { break };
            text.replace_range(range, "");
        }
    }
    let is_frame = |key: &str| wants.iter().any(|want| matches!(want, JsonWant::Frame([name], _) if *name == key));
    let document = Document::read(&text)?;
    let members = document.node.as_ref().and_then(Node::as_object).map(|object| object.properties.as_slice());
    let is_bare = !document.has_comments && members.is_some_and(|members| members.iter().all(|member| is_frame(member.name.as_str())));
    Ok((!is_bare).then(|| format!("{mark}{text}")))
}

/// The member of a name that readers of JSON see: where several have it, the last one.
fn seen<'n, 'a>(object: &'n Object<'a>, key: &str) -> Option<&'n ObjectProp<'a>> {
    object.properties.iter().rev().find(|property| property.name.as_str() == key)
}

fn is_empty(node: &Node<'_>) -> bool {
    node.as_object().map_or_else(|| node.as_array().is_some_and(|array| array.elements.is_empty()), |object| object.properties.is_empty())
}

/// A parsed text.
struct Document<'a> {
    text: &'a str,
    node: Option<Node<'a>>,
    /// Where commas are.
    commas: Vec<usize>,
    has_comments: bool,
}

/// How far a path leads.
struct Reached<'n, 'a> {
    node: &'n Node<'a>,
    /// The keys that are not there.
    rest: &'n [&'static str],
}

impl<'a> Document<'a> {
    fn read(text: &'a str) -> Result<Self, EditError> {
        let options = ParseOptions {
            allow_comments: true,
            allow_trailing_commas: true,
            allow_loose_object_property_names: false,
            allow_missing_commas: false,
            allow_single_quoted_strings: false,
            allow_hexadecimal_numbers: false,
            allow_unary_plus_numbers: false,
            ..ParseOptions::default()
        };
        let collect = CollectOptions { tokens: true, comments: CommentCollectionStrategy::Separate };
        let parsed =
            parse_to_ast(text, &collect, &options).map_err(|error| EditError::at(text, error.range().start, error.kind().to_string()))?;
        let tokens = parsed.tokens.unwrap_or_default();
        let commas = tokens.iter().filter(|token| token.token == Token::Comma).map(|token| token.range.start).collect();
        Ok(Self { text, node: parsed.value, commas, has_comments: parsed.comments.is_some_and(|comments| !comments.is_empty()) })
    }

    fn reached<'n>(&'n self, path: &'n [&'static str]) -> Option<Reached<'n, 'a>> {
        let mut node = self.node.as_ref()?;
        for (at, key) in path.iter().enumerate() {
            match node.as_object().and_then(|object| seen(object, key)) {
                Some(property) => node = &property.value,
                None => return Some(Reached { node, rest: &path[at..] }),
            }
        }
        Some(Reached { node, rest: &[] })
    }

    /// Whether a member is one of Oarlock's servers, and not somebody's own of that name: the same arguments, and a program of that name.
    fn is_ours(&self, path: &[&'static str], wanted: &Value) -> bool {
        let Some(found) = self.reached(path).filter(|found| found.rest.is_empty()).map(|found| to_value(found.node)) else { return false };
        let command = |value: &Value| match &value["command"] {
            Value::Array(words) => (words.first().cloned().unwrap_or_default(), words.get(1..).map(<[Value]>::to_vec)),
            program => (program.clone(), value["args"].as_array().cloned()),
        };
        let ((program, args), (_, wanted_args)) = (command(&found), command(wanted));
        program.as_str().is_some_and(is_our_program) && args == wanted_args
    }

    /// Whether several members have the name that this path ends with.
    fn is_repeated(&self, path: &[&'static str]) -> bool {
        let Some((key, above)) = path.split_last() else { return false };
        let object = self.reached(above).filter(|found| found.rest.is_empty()).and_then(|found| found.node.as_object());
        object.is_some_and(|object| object.properties.iter().filter(|property| property.name.as_str() == *key).count() > 1)
    }

    /// The text of a member with its comma.
    fn member(&self, path: &[&'static str]) -> Option<std::ops::Range<usize>> {
        let (key, above) = path.split_last()?;
        let found = self.reached(above).filter(|found| found.rest.is_empty())?;
        let object = found.node.as_object()?;
        let at = object.properties.iter().rposition(|property| property.name.as_str() == *key)?;
        let ranges: Vec<Range> = object.properties.iter().map(Ranged::range).collect();
        Some(self.item(object.range, &ranges, at))
    }

    /// The text of the first element that has `mark` in it, with its comma.
    fn element(&self, path: &[&'static str], mark: &str) -> Option<std::ops::Range<usize>> {
        let found = self.reached(path).filter(|found| found.rest.is_empty())?;
        let array = found.node.as_array()?;
        let ranges: Vec<Range> = array.elements.iter().map(Ranged::range).collect();
        let has_mark = |range: &Range| self.text[range.start..range.end].contains(mark);
        let at = ranges.iter().position(has_mark)?;
        // A group that has others' hooks beside ours keeps them.
        let hooks = array.elements[at].as_object().and_then(|group| seen(group, "hooks")).and_then(|hooks| hooks.value.as_array());
        if let Some(hooks) = hooks {
            let inner: Vec<Range> = hooks.elements.iter().map(Ranged::range).collect();
            let ours = inner.iter().position(has_mark);
            if let Some(ours) = ours.filter(|_| !inner.iter().all(has_mark)) {
                return Some(self.item(hooks.range, &inner, ours));
            }
        }
        Some(self.item(array.range, &ranges, at))
    }

    /// The text of one item of a container: with the comma after it and the space before it, or, for the last one, with the comma
    /// before it.
    fn item(&self, container: Range, items: &[Range], at: usize) -> std::ops::Range<usize> {
        let (start, end) = (items[at].start, items[at].end);
        let comma_after = self.commas.iter().find(|comma| **comma >= end && **comma < container.end);
        let comma_after = comma_after.filter(|comma| items.get(at + 1).is_none_or(|next| **comma < next.start));
        let before = &self.text[container.start + 1..start];
        let space = before.len() - before.trim_end().len();
        match comma_after {
            Some(comma) => start - space..comma + 1,
            None if at > 0 => {
                let previous = items[at - 1].end;
                let comma = self.commas.iter().find(|comma| **comma >= previous && **comma < start).copied();
                comma.unwrap_or(start - space)..end
            }
            None => start - space..end,
        }
    }
}

fn put_one(edited: &mut Edited, want: &JsonWant) -> Result<(), EditError> {
    match want {
        JsonWant::Member(path, value) | JsonWant::Frame(path, value) => put_member(edited, path, value),
        JsonWant::Element(path, value, mark) => put_element(edited, path, value, mark),
        JsonWant::Among(path, value, all) => put_among(edited, path, value, all),
    }
}

fn put_member(edited: &mut Edited, path: &[&'static str], value: &Value) -> Result<(), EditError> {
    let text = edited.text.clone();
    let document = Document::read(&text)?;
    let Some(found) = document.reached(path) else {
        let at = text.len();
        let lead = if text.is_empty() || text.ends_with('\n') { "" } else { newline_of(&text) };
        edited.insert(at, format!("{lead}{}{}", laid_out(&nested(path, value), "  ", "", newline_of(&text)), newline_of(&text)));
        return Ok(());
    };
    let Some((key, below)) = found.rest.split_first() else { return Ok(()) };
    let Some(object) = found.node.as_object() else { return Err(unfit(&text, found.node, path, found.rest.len(), "an object")) };
    let firsts = object.properties.first().map(|property| property.range.start);
    let value = nested(below, value);
    insert_first(edited, object.range, firsts, |place| format!("{}: {}", Value::from(*key), place.lay_out(&value)));
    Ok(())
}

fn put_element(edited: &mut Edited, path: &[&'static str], value: &Value, mark: &str) -> Result<(), EditError> {
    let text = edited.text.clone();
    let document = Document::read(&text)?;
    match document.reached(path).filter(|found| found.rest.is_empty()) {
        None => put_member(edited, path, &Value::Array(vec![value.clone()])),
        Some(_) if document.element(path, mark).is_some() => Ok(()),
        Some(found) => {
            let Some(array) = found.node.as_array() else { return Err(unfit(&text, found.node, path, 0, "an array")) };
            let first = array.elements.first().map(|element| element.range().start);
            insert_first(edited, array.range, first, |place| place.lay_out(value));
            Ok(())
        }
    }
}

fn put_among(edited: &mut Edited, path: &[&'static str], value: &str, all: &[&str]) -> Result<(), EditError> {
    let text = edited.text.clone();
    let document = Document::read(&text)?;
    let Some(found) = document.reached(path).filter(|found| found.rest.is_empty()) else {
        return put_member(edited, path, &Value::from(all.to_vec()));
    };
    let is_it = |node: &Node<'_>| node.as_string_lit().is_some_and(|text| text.value == value);
    match found.node {
        Node::Array(Array { elements, .. }) if elements.iter().any(is_it) => Ok(()),
        Node::Array(array) => {
            let first = array.elements.first().map(|element| element.range().start);
            insert_first(edited, array.range, first, |place| place.lay_out(&Value::from(value)));
            Ok(())
        }
        node if is_it(node) => Ok(()),
        Node::StringLit(only) => {
            edited.insert(only.range.end, "]".into());
            edited.insert(only.range.start, format!("[{}, ", Value::from(value)));
            Ok(())
        }
        node => Err(unfit(&text, node, path, 0, "a text or an array")),
    }
}

fn unfit(text: &str, node: &Node<'_>, path: &[&str], missing: usize, needed: &str) -> EditError {
    let path = path[..path.len() - missing].join(".");
    let what = if path.is_empty() { "the file".to_owned() } else { format!("\"{path}\"") };
    EditError::at(text, node.range().start, format!("{what} is not {needed}"))
}

fn nested(path: &[&'static str], value: &Value) -> Value {
    path.iter().rev().fold(value.clone(), |value, key| Value::Object([((*key).to_owned(), value)].into_iter().collect()))
}

/// Where an item is going to stand.
struct PlaceOf<'a> {
    unit: &'a str,
    indent: &'a str,
    newline: &'a str,
    is_on_one_line: bool,
}

impl PlaceOf<'_> {
    fn lay_out(&self, value: &Value) -> String {
        if self.is_on_one_line { value.to_string() } else { laid_out(value, self.unit, self.indent, self.newline) }
    }
}

/// A value over several lines, the first one without its indentation.
fn laid_out(value: &Value, unit: &str, indent: &str, newline: &str) -> String {
    let deeper = format!("{indent}{unit}");
    let listed = |items: Vec<String>, open: char, close: char| {
        format!("{open}{newline}{deeper}{}{newline}{indent}{close}", items.join(&format!(",{newline}{deeper}")))
    };
    match value {
        Value::Object(members) if !members.is_empty() => {
            let members =
                members.iter().map(|(key, value)| format!("{}: {}", Value::from(key.as_str()), laid_out(value, unit, &deeper, newline)));
            listed(members.collect(), '{', '}')
        }
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            listed(items.iter().map(|item| laid_out(item, unit, &deeper, newline)).collect(), '[', ']')
        }
        Value::Array(items) => format!("[{}]", items.iter().map(Value::to_string).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

/// Inserts an item as the first one of a container, in the container's own layout, in one piece.
fn insert_first(edited: &mut Edited, container: Range, first: Option<usize>, item: impl Fn(&PlaceOf<'_>) -> String) {
    let text = edited.text.clone();
    let newline = newline_of(&text);
    let inside = container.start + 1;
    let comma = if first.is_some() { "," } else { "" };
    let head = &text[inside..first.unwrap_or(container.end - 1)];
    let is_on_one_line = first.is_some() && !head.contains('\n');
    let unit = unit_of(&text);
    if is_on_one_line {
        let place = PlaceOf { unit, indent: "", newline, is_on_one_line };
        // Up to a comment that stands before the first item.
        let space = &head[..head.len() - head.trim_start().len()];
        edited.insert(inside, format!("{space}{}{comma}", item(&place)));
        return;
    }
    let outer = indent_at(&text, container.start);
    let indent = match first {
        Some(first) => indent_at(&text, first),
        None => format!("{outer}{unit}"),
    };
    let place = PlaceOf { unit, indent: &indent, newline, is_on_one_line };
    let item = item(&place);
    if head.contains('\n') {
        // What stands behind the bracket, such as a comment, stays there.
        let end = inside + head.find('\n').unwrap_or(0);
        let at = if text[..end].ends_with('\r') { end - 1 } else { end };
        edited.insert(at, format!("{newline}{indent}{item}{comma}"));
    } else {
        edited.insert(inside, format!("{newline}{indent}{item}{newline}{outer}"));
    }
}

/// The white space before the first character of the line that `at` is on.
fn indent_at(text: &str, at: usize) -> String {
    let line = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    text[line..].chars().take_while(|c| matches!(c, ' ' | '\t')).collect()
}

/// What the file indents by: that of its first indented line.
fn unit_of(text: &str) -> &str {
    let indented = text.lines().find_map(|line| {
        let space = &line[..line.len() - line.trim_start_matches([' ', '\t']).len()];
        (!space.is_empty() && !line.trim().is_empty()).then_some(space)
    });
    match indented {
        Some(space) if space.starts_with('\t') => "\t",
        Some(space) if space.len() <= 8 => space,
        _ => "  ",
    }
}

/// Whether an object has this path, for those who ask what a file says.
pub fn value_at(text: &str, path: &[&'static str]) -> Option<Value> {
    let document = Document::read(without_mark(text).1).ok()?;
    let found = document.reached(path).filter(|found| found.rest.is_empty())?;
    Some(to_value(found.node))
}

fn to_value(node: &Node<'_>) -> Value {
    match node {
        Node::Object(Object { properties, .. }) => {
            properties.iter().map(|property| (property.name.as_str().to_owned(), to_value(&property.value))).collect()
        }
        Node::Array(array) => array.elements.iter().map(to_value).collect(),
        Node::StringLit(text) => Value::from(text.value.as_ref()),
        Node::NumberLit(number) => serde_json::from_str(number.value).unwrap_or_default(),
        Node::BooleanLit(boolean) => Value::from(boolean.value),
        Node::NullKeyword(_) => Value::Null,
    }
}

#[cfg(test)]
mod tests;

//! Members and elements put into JSON files, comments and layout kept, and taken out again. `jsonc-parser`'s syntax tree reads a file, lays
//! out values as the file is laid out, and takes items out. Putting them in stays here: the tree trims empty lines when it inserts, and what
//! is put in must be text that is inserted and nothing else, so that it can be taken out again to the byte.

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstInputValue, CstNode, CstObject, CstObjectProp, CstRootNode};
use serde_json::Value;

use crate::client::is_our_program;
use crate::edit::{EditError, Edited, newline_of};

/// The keys that lead to a value.
pub type Path = &'static [&'static str];

/// The required content of a JSON file.
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

/// Puts the wanted content into a text; existing content stays as it is.
///
/// # Errors
/// Text that is not JSON, or that has something else where an object or array is needed.
pub fn put(text: &str, wants: &[JsonWant]) -> Result<Edited, EditError> {
    let (mark, text) = without_mark(text);
    let mut edited = Edited::of(text);
    for want in wants {
        // The place of a fault is reported as it is in the file.
        put_one(&mut edited, want).map_err(|error| put_one(&mut Edited::of(text), want).err().unwrap_or(error))?;
    }
    // The result must be the intended one.
    read(&edited.text)?;
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
    let Ok(root) = read(without_mark(text).1) else { return false };
    wants.iter().any(|want| match want {
        JsonWant::Member(path, value) => is_ours(&root, path, value),
        JsonWant::Element(path, _, mark) => element(&root, path, mark).is_some(),
        JsonWant::Among(..) | JsonWant::Frame(..) => false,
    })
}

/// Takes Oarlock's parts out of a text by their form, and the containers that are empty then. Nothing is left where only
/// empty containers are.
///
/// # Errors
/// Text that is not JSON.
pub fn take_out(text: &str, wants: &[JsonWant]) -> Result<Option<String>, EditError> {
    let (mark, text) = without_mark(text);
    let root = read(text)?;
    for want in wants {
        let path = match want {
            JsonWant::Member(path, value) => {
                if let Some(member) = member(&root, path).filter(|_| is_ours(&root, path, value)) {
                    member.remove();
                }
                path.split_last().map_or(*path, |(_, above)| above)
            }
            JsonWant::Element(path, _, mark) => {
                while let Some(element) = element(&root, path, mark) {
                    element.remove();
                }
                path
            }
            JsonWant::Among(path, _, all) => {
                // A text among others may be somebody else's wish as well.
                let is_all =
                    |member: &CstObjectProp| member.value().and_then(|found| found.to_serde_value()) == Some(Value::from(all.to_vec()));
                let Some(member) = member(&root, path).filter(is_all) else { continue };
                member.remove();
                path.split_last().map_or(*path, |(_, above)| above)
            }
            JsonWant::Frame(..) => continue,
        };
        for length in (1..=path.len()).rev() {
            // A comment in it is somebody's. Without one of several of a name, an earlier one would be read, which was not before.
            let is_bare = found(&root, &path[..length]).is_some_and(|node| is_bare(&node)) && !is_repeated(&root, &path[..length]);
            let Some(member) = member(&root, &path[..length]).filter(|_| is_bare) else { break };
            member.remove();
        }
    }
    let is_frame = |member: &CstObjectProp| {
        wants.iter().any(|want| matches!(want, JsonWant::Frame([name], _) if member.decoded_name().as_deref() == Some(*name)))
    };
    let is_bare = !has_comment(&root.clone().into()) && root.object_value().is_some_and(|object| object.properties().iter().all(is_frame));
    Ok((!is_bare).then(|| format!("{mark}{root}")))
}

/// Whether an object has this path, for those who ask what a file says.
pub fn value_at(text: &str, path: &[&'static str]) -> Option<Value> {
    found(&read(without_mark(text).1).ok()?, path)?.to_serde_value()
}

fn read(text: &str) -> Result<CstRootNode, EditError> {
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
    CstRootNode::parse(text, &options).map_err(|error| EditError::at(text, error.range().start, error.kind().to_string()))
}

/// The member of a name that readers of JSON see: where several have it, the last one.
fn seen(object: &CstObject, key: &str) -> Option<CstObjectProp> {
    object.properties().into_iter().rev().find(|member| member.decoded_name().as_deref() == Some(key))
}

/// How far a path leads, and the keys that are not there. Nothing where the file has no value at all.
fn reached<'p>(root: &CstRootNode, path: &'p [&'static str]) -> Option<(CstNode, &'p [&'static str])> {
    let mut node = root.value()?;
    for (at, key) in path.iter().enumerate() {
        match node.as_object().and_then(|object| seen(&object, key)).and_then(|member| member.value()) {
            Some(value) => node = value,
            None => return Some((node, &path[at..])),
        }
    }
    Some((node, &[]))
}

/// The value that a path leads to.
fn found(root: &CstRootNode, path: &[&'static str]) -> Option<CstNode> {
    reached(root, path).filter(|(_, rest)| rest.is_empty()).map(|(node, _)| node)
}

/// The member that a path leads to.
fn member(root: &CstRootNode, path: &[&'static str]) -> Option<CstObjectProp> {
    let (key, above) = path.split_last()?;
    seen(&found(root, above)?.as_object()?, key)
}

/// The first element that has `mark` in it; of a group that has others' hooks beside ours, our hook.
fn element(root: &CstRootNode, path: &[&'static str], mark: &str) -> Option<CstNode> {
    let has_mark = |node: &CstNode| node.to_string().contains(mark);
    let element = found(root, path)?.as_array()?.elements().into_iter().find(has_mark)?;
    let hooks = element.as_object().and_then(|group| seen(&group, "hooks")).and_then(|hooks| hooks.array_value());
    let (ours, others): (Vec<_>, Vec<_>) = hooks.map(|hooks| hooks.elements()).unwrap_or_default().into_iter().partition(has_mark);
    Some(ours.into_iter().next().filter(|_| !others.is_empty()).unwrap_or(element))
}

/// Whether a member is one of Oarlock's servers, and not somebody's own of that name: the same arguments, and a program of that name.
fn is_ours(root: &CstRootNode, path: &[&'static str], wanted: &Value) -> bool {
    let Some(found) = found(root, path).and_then(|found| found.to_serde_value()) else { return false };
    let command = |value: &Value| match &value["command"] {
        Value::Array(words) => (words.first().cloned().unwrap_or_default(), words.get(1..).map(<[Value]>::to_vec)),
        program => (program.clone(), value["args"].as_array().cloned()),
    };
    let ((program, args), (_, wanted_args)) = (command(&found), command(wanted));
    program.as_str().is_some_and(is_our_program) && args == wanted_args
}

/// Whether several members have the name that this path ends with.
fn is_repeated(root: &CstRootNode, path: &[&'static str]) -> bool {
    let Some((key, above)) = path.split_last() else { return false };
    let object = found(root, above).and_then(|found| found.as_object());
    let is_it = |member: &CstObjectProp| member.decoded_name().as_deref() == Some(*key);
    object.is_some_and(|object| object.properties().into_iter().filter(is_it).count() > 1)
}

/// Whether an object or array has nothing in it, not even a comment.
fn is_bare(node: &CstNode) -> bool {
    let is_filling = |child: &CstNode| child.is_token() || child.is_whitespace() || child.is_newline();
    (node.as_object().is_some() || node.as_array().is_some()) && node.children().iter().all(is_filling)
}

fn has_comment(node: &CstNode) -> bool {
    node.is_comment() || node.children().iter().any(has_comment)
}

/// Where a node begins, in bytes of the text.
fn start_of(node: &CstNode) -> usize {
    let before: usize = node.previous_siblings().map(|sibling| sibling.to_string().len()).sum();
    before + node.parent().map_or(0, |parent| start_of(&parent.into()))
}

fn put_one(edited: &mut Edited, want: &JsonWant) -> Result<(), EditError> {
    let root = read(&edited.text)?;
    match want {
        JsonWant::Member(path, value) | JsonWant::Frame(path, value) => put_member(edited, &root, path, value),
        JsonWant::Element(path, value, mark) => match found(&root, path) {
            None => put_member(edited, &root, path, &Value::Array(vec![value.clone()])),
            Some(_) if element(&root, path, mark).is_some() => Ok(()),
            Some(node) if node.as_array().is_some() => insert_first(edited, &root, &node, None, value),
            Some(node) => Err(unfit(edited, &node, path, "an array")),
        },
        JsonWant::Among(path, value, all) => put_among(edited, &root, path, value, all),
    }
}

fn put_member(edited: &mut Edited, root: &CstRootNode, path: &[&'static str], value: &Value) -> Result<(), EditError> {
    let Some((node, rest)) = reached(root, path) else {
        let newline = newline_of(&edited.text);
        let lead = if edited.text.is_empty() || edited.text.ends_with('\n') { "" } else { newline };
        let whole = read("")?;
        whole.set_value(input(&nested(path, value)));
        edited.insert(edited.text.len(), format!("{lead}{}", whole.to_string().replace('\n', newline)));
        return Ok(());
    };
    match rest.split_first() {
        None => Ok(()),
        Some((key, below)) if node.as_object().is_some() => insert_first(edited, root, &node, Some(key), &nested(below, value)),
        Some(_) => Err(unfit(edited, &node, &path[..path.len() - rest.len()], "an object")),
    }
}

fn put_among(edited: &mut Edited, root: &CstRootNode, path: &[&'static str], value: &str, all: &[&str]) -> Result<(), EditError> {
    let Some(node) = found(root, path) else { return put_member(edited, root, path, &Value::from(all.to_vec())) };
    let is_it = |node: &CstNode| node.to_serde_value().is_some_and(|found| found == value);
    match node.as_array() {
        Some(array) if array.elements().iter().any(is_it) => Ok(()),
        Some(_) => insert_first(edited, root, &node, None, &Value::from(value)),
        None if is_it(&node) => Ok(()),
        None if node.as_string_lit().is_some() => {
            let start = start_of(&node);
            edited.insert(start + node.to_string().len(), "]".into());
            edited.insert(start, format!("[{}, ", Value::from(value)));
            Ok(())
        }
        None => Err(unfit(edited, &node, path, "a text or an array")),
    }
}

fn unfit(edited: &Edited, node: &CstNode, path: &[&str], needed: &str) -> EditError {
    let what = if path.is_empty() { "the file".to_owned() } else { format!("\"{}\"", path.join(".")) };
    EditError::at(&edited.text, start_of(node), format!("{what} is not {needed}"))
}

fn nested(path: &[&'static str], value: &Value) -> Value {
    path.iter().rev().fold(value.clone(), |value, key| Value::Object([((*key).to_owned(), value)].into_iter().collect()))
}

/// A value for the tree to lay out. What it calls a number it writes as it is.
fn input(value: &Value) -> CstInputValue {
    match value {
        Value::Object(members) => CstInputValue::Object(members.iter().map(|(key, value)| (key.clone(), input(value))).collect()),
        Value::Array(items) => CstInputValue::Array(items.iter().map(input).collect()),
        other => CstInputValue::Number(other.to_string()),
    }
}

/// Inserts an item as the first one of an object (with its key) or array, in the container's own layout, in one piece.
fn insert_first(edited: &mut Edited, root: &CstRootNode, container: &CstNode, key: Option<&str>, value: &Value) -> Result<(), EditError> {
    let inside = start_of(container) + 1;
    let first = container.children_exclude_trivia_and_tokens().first().map(start_of);
    let head = &edited.text[inside..first.unwrap_or(inside + container.to_string().len() - 2)];
    let comma = if first.is_some() { "," } else { "" };
    if first.is_some() && !head.contains('\n') {
        // On one line, up to a comment that is before the first item.
        let space = &head[..head.len() - head.trim_start().len()];
        let key = key.map(|key| format!("{}: ", Value::from(key))).unwrap_or_default();
        edited.insert(inside, format!("{space}{key}{value}{comma}"));
        return Ok(());
    }
    // Text behind the bracket, such as a comment, stays there.
    let line = head.find('\n').map(|end| head[..end].trim_end_matches('\r').len());
    let item: CstNode = match (container.as_object(), container.as_array(), key) {
        (Some(object), _, Some(key)) => object.insert(0, key, input(value)).into(),
        (_, Some(array), None) => array.insert(0, input(value)),
        _ => return Ok(()),
    };
    let (newline, indent) = (newline_of(&edited.text), item.indent_text().unwrap_or_default());
    match line {
        Some(line) => edited.insert(inside + line, format!("{newline}{indent}{item}{comma}")),
        None => {
            let unit = root.single_indent_text().unwrap_or_else(|| "  ".into());
            let outer = indent.strip_suffix(&unit).unwrap_or_default();
            edited.insert(inside, format!("{newline}{indent}{item}{newline}{outer}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;

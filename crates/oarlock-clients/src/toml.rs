//! Tables and elements put into TOML files, comments and layout kept, and taken out again.

use toml_edit::{Document, Item, Value};

use crate::block::{self, Comment};
use crate::edit::{EditError, Edited, newline_of};

/// What has to stand in a TOML file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TomlWant {
    /// The table `[table.name]` with these lines; one that is there is left as it is.
    Table(&'static str, &'static str, String),
    /// A text in the array of this key in this table.
    Element(&'static str, &'static str, String),
}

/// Puts what is wanted into a text; what is there already stays as it is.
///
/// # Errors
/// Text that is not TOML, or that has something else where a table or an array is needed.
pub fn put(text: &str, wants: &[TomlWant]) -> Result<Edited, EditError> {
    read(text)?;
    let mut edited = Edited::of(text);
    let mut appended = String::new();
    for want in wants {
        match want {
            TomlWant::Table(table, name, body) => put_table(&mut edited, &mut appended, table, name, body)?,
            TomlWant::Element(table, key, value) => put_element(&mut edited, &mut appended, table, key, value)?,
        }
    }
    if !appended.is_empty() {
        // A block of before is not touched: what is new stands in one of its own.
        block::append(&mut edited, &block::block(Comment::Hash, appended.trim()));
    }
    // What was made must be what was meant.
    read(&edited.text)?;
    Ok(edited)
}

/// Whether a text has one of Oarlock's own tables.
pub fn has_any(text: &str, wants: &[TomlWant]) -> bool {
    let Ok(document) = read(text) else { return false };
    wants.iter().any(|want| match want {
        TomlWant::Table(table, name, _) => document.get(table).and_then(|found| found.get(name)).is_some(),
        TomlWant::Element(..) => false,
    })
}

/// Takes what is Oarlock's out of a text by what it looks like: its blocks, and its elements in others' arrays. Nothing is left where
/// nothing but white space is.
///
/// # Errors
/// Text that is not TOML, or that would not be without them.
pub fn take_out(text: &str, wants: &[TomlWant]) -> Result<Option<String>, EditError> {
    let mut text = block::take_out(text, Comment::Hash);
    for want in wants {
        let TomlWant::Element(table, key, value) = want else { continue };
        let document = read(&text)?;
        let array = document.get(table).and_then(|found| found.get(key)).and_then(Item::as_array);
        let span = array.and_then(|array| array.iter().find(|item| item.as_str() == Some(value))).and_then(Value::span);
        if let Some(span) = span {
            let rest = &text[span.end..];
            let comma = rest.find(|c: char| !c.is_whitespace()).filter(|at| rest[*at..].starts_with(','));
            let end = comma.map_or(span.end, |at| span.end + at + 1);
            let gap = text[end..].chars().take_while(|c| *c == ' ').count();
            text.replace_range(span.start..end + gap, "");
        }
    }
    read(&text)?;
    Ok((!text.trim().is_empty()).then_some(text))
}

fn read(text: &str) -> Result<Document<String>, EditError> {
    Document::parse(text.to_owned())
        .map_err(|error| EditError::at(text, error.span().map_or(0, |span| span.start), error.message().to_owned()))
}

fn put_table(edited: &mut Edited, appended: &mut String, table: &str, name: &str, body: &str) -> Result<(), EditError> {
    let document = read(&edited.text)?;
    match document.get(table) {
        Some(found) if found.get(name).is_some() => Ok(()),
        Some(Item::Value(Value::InlineTable(inline))) => {
            let at = inline.span().map_or(0, |span| span.start + 1);
            let comma = if inline.is_empty() { "" } else { "," };
            let members: Vec<&str> = body.lines().collect();
            edited.insert(at, format!(" {name} = {{ {} }}{comma}", members.join(", ")));
            Ok(())
        }
        None | Some(Item::Table(_)) => {
            appended.push_str(&format!("[{table}.{name}]\n{body}\n"));
            Ok(())
        }
        Some(other) => Err(EditError::at(&edited.text, other.span().map_or(0, |span| span.start), format!("\"{table}\" is not a table"))),
    }
}

fn put_element(edited: &mut Edited, appended: &mut String, table: &str, key: &str, value: &str) -> Result<(), EditError> {
    let document = read(&edited.text)?;
    // What JSON escapes in a text, and how, TOML understands as well.
    let quoted = serde_json::Value::from(value).to_string();
    let Some(found) = document.get(table) else {
        appended.push_str(&format!("[{table}]\n{key} = [{quoted}]\n"));
        return Ok(());
    };
    let unfit = |item: &Item, what: String| EditError::at(&edited.text, item.span().map_or(0, |span| span.start), what);
    match (found.get(key), found) {
        (Some(Item::Value(Value::Array(array))), _) => {
            if array.iter().any(|item| item.as_str() == Some(value)) {
                return Ok(());
            }
            let at = array.span().map_or(0, |span| span.start + 1);
            let comma = if array.is_empty() { "" } else { ", " };
            edited.insert(at, format!("{quoted}{comma}"));
        }
        (Some(other), _) => return Err(unfit(other, format!("\"{table}.{key}\" is not an array"))),
        (None, Item::Value(Value::InlineTable(inline))) => {
            let at = inline.span().map_or(0, |span| span.start + 1);
            let comma = if inline.is_empty() { " " } else { "," };
            edited.insert(at, format!(" {key} = [{quoted}]{comma}"));
        }
        (None, Item::Table(here)) => match here.span().filter(|_| !here.is_implicit() && !here.is_dotted()) {
            Some(header) => {
                // Behind the line of the header, before the table's first key.
                let rest = &edited.text[header.end..];
                let newline = newline_of(&edited.text);
                match rest.find('\n') {
                    Some(end) => edited.insert(header.end + end + 1, format!("{key} = [{quoted}]{newline}")),
                    None => edited.insert(edited.text.len(), format!("{newline}{key} = [{quoted}]")),
                }
            }
            // Written as `table.key = …` at the top: another such line, before all tables.
            None => edited.insert(0, format!("{table}.{key} = [{quoted}]{}", newline_of(&edited.text))),
        },
        (None, other) => return Err(unfit(other, format!("\"{table}\" is not a table"))),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::undo;

    fn wants() -> Vec<TomlWant> {
        vec![
            TomlWant::Table("mcp_servers", "oarlock", "command = \"oarlock\"\nargs = [\"mcp\"]".into()),
            TomlWant::Element("sandbox_workspace_write", "writable_roots", "/home/a \"b\"/.oarlock".into()),
        ]
    }

    const FOUND: &[&str] = &[
        "",
        "# mine\nmodel = \"x\"",
        "model = \"x\"\r\n\r\n[mcp_servers.other]\r\ncommand = \"y\" # why\r\n",
        "[sandbox_workspace_write]\nnetwork_access = true\n",
        "[sandbox_workspace_write] # odd\n  writable_roots = [ \"/tmp\" ]\n[z]\na = 1\n",
        "[sandbox_workspace_write]",
        "sandbox_workspace_write.network_access = true\n[a]\n",
        "mcp_servers = { other = { command = \"y\" } }\nsandbox_workspace_write = {}\n",
        "[sandbox_workspace_write]\nwritable_roots = [\n  # none\n]\n",
    ];

    #[test]
    fn what_is_put_in_is_there_and_can_be_taken_out_again() {
        for found in FOUND {
            let edited = put(found, &wants()).map_err(|error| format!("{found:?}: {error}")).expect("it fits");
            let document = read(&edited.text).expect("TOML");
            let command = document["mcp_servers"]["oarlock"]["command"].as_str();
            assert_eq!(command, Some("oarlock"), "{}", edited.text);
            let roots = document["sandbox_workspace_write"]["writable_roots"].as_array().expect("an array");
            assert!(roots.iter().any(|root| root.as_str() == Some("/home/a \"b\"/.oarlock")), "{}", edited.text);
            assert_eq!(put(&edited.text, &wants()).expect("TOML").insertions, vec![], "twice is once");
            assert_eq!(undo(&edited.text, &edited.insertions).as_deref(), Some(*found));
            if found.contains("\r\n") {
                assert!(!edited.text.replace("\r\n", "").contains('\n'), "{:?}", edited.text);
            }
        }
    }

    #[test]
    fn without_a_journal_it_is_known_by_what_it_looks_like() {
        for found in FOUND.iter().filter(|found| !found.starts_with("mcp_servers =")) {
            let text = put(found, &wants()).expect("it fits").text;
            let left = take_out(&text, &wants()).expect("TOML").unwrap_or_default();
            assert!(!left.contains("oarlock"), "{left:?}");
            assert_eq!(left.contains("network_access"), found.contains("network_access"), "{left:?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_told_with_its_place() {
        let error = put("a = 1\nmcp_servers = 3\n", &wants()).expect_err("a number");
        assert_eq!((error.line, error.message.as_str()), (2, "\"mcp_servers\" is not a table"));
        assert_eq!(put("a = \n", &wants()).expect_err("no TOML").line, 1);
    }
}

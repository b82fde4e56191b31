//! Tables and elements put into TOML files, comments and layout kept, and taken out again.

use std::ops::Range;

use toml_edit::{Document, Item, Value};

use crate::block::{self, Comment};
use crate::client::is_our_program;
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
        TomlWant::Table(table, name, _) => document.get(table).and_then(|found| found.get(name)).is_some_and(is_ours),
        TomlWant::Element(..) => false,
    })
}

/// Takes what is Oarlock's out of a text by what it looks like: its blocks but for what somebody has added there, its entries in others'
/// inline tables and its elements in others' arrays, with the array and the table that are empty then. Nothing is left where nothing but
/// white space is.
///
/// # Errors
/// Text that is not TOML, or that would not be without them.
pub fn take_out(text: &str, wants: &[TomlWant]) -> Result<Option<String>, EditError> {
    let mut text = block::take_out(text, Comment::Hash, |inside| foreign(inside, wants).unwrap_or_else(|_| inside.to_owned()));
    for want in wants {
        match want {
            TomlWant::Table(table, name, _) => take_table(&mut text, table, name)?,
            TomlWant::Element(table, key, value) => take_element(&mut text, table, key, value)?,
        }
    }
    read(&text)?;
    Ok((!text.trim().is_empty()).then_some(text))
}

/// What is not Oarlock's of the lines of its block.
///
/// # Errors
/// Lines that are no TOML by themselves, or would not be without Oarlock's.
fn foreign(inside: &str, wants: &[TomlWant]) -> Result<String, EditError> {
    let mut text = inside.to_owned();
    for want in wants {
        match want {
            // What somebody has set of the server goes with it: without its command it is none.
            TomlWant::Table(table, name, _) => {
                let mut is_in_it = false;
                let is_kept = |line: &&str| {
                    if let Some(header) = line.trim_start().strip_prefix('[') {
                        let path: String = header.chars().filter(|c| !matches!(c, ' ' | '\t' | '"' | '\'')).collect();
                        let rest = path.trim_start_matches('[').strip_prefix(table).and_then(|rest| rest.strip_prefix('.'));
                        is_in_it = rest.and_then(|rest| rest.strip_prefix(*name)).is_some_and(|rest| rest.starts_with([']', '.']));
                    }
                    !is_in_it
                };
                text = text.split_inclusive('\n').filter(is_kept).collect();
                read(&text)?;
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

/// Whether everything that stands in one text stands in the other in the same place, with what may have been added.
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

/// Takes a server out of an inline table: elsewhere it stands in a block. Somebody's own of that name stays.
fn take_table(text: &mut String, table: &str, name: &str) -> Result<(), EditError> {
    let document = read(text)?;
    let server = document.get(table).filter(|found| found.is_inline_table()).and_then(|found| found.get(name));
    if let Some(range) = server.filter(|server| is_ours(server)).and_then(Item::span).and_then(|span| entry_at(text, name, span)) {
        text.replace_range(range, "");
    }
    Ok(())
}

/// Whether a server is Oarlock's, and not somebody's own of that name.
fn is_ours(server: &Item) -> bool {
    let args = server.get("args").and_then(Item::as_array);
    server.get("command").and_then(Item::as_str).is_some_and(is_our_program)
        && args.is_some_and(|args| args.iter().map(Value::as_str).eq([Some("mcp")]))
}

fn take_element(text: &mut String, table: &str, key: &str, value: &str) -> Result<(), EditError> {
    let document = read(text)?;
    let array = document.get(table).and_then(|found| found.get(key)).and_then(Item::as_array);
    let Some(span) = array.and_then(|array| array.iter().find(|item| item.as_str() == Some(value))).and_then(Value::span) else {
        return Ok(());
    };
    let rest = &text[span.end..];
    let comma = rest.find(|c: char| !c.is_whitespace()).filter(|at| rest[*at..].starts_with(','));
    let end = comma.map_or(span.end, |at| span.end + at + 1);
    let gap = text[end..].chars().take_while(|c| *c == ' ').count();
    text.replace_range(span.start..end + gap, "");
    if take_empty_array(text, table, key)? {
        take_empty_table(text, table)?;
    }
    Ok(())
}

/// Takes an array away in which nothing is left, with its key, as it was made. Whether there was one.
fn take_empty_array(text: &mut String, table: &str, key: &str) -> Result<bool, EditError> {
    let document = read(text)?;
    let Some(found) = document.get(table) else { return Ok(false) };
    let array = found.get(key).and_then(Item::as_array).filter(|array| array.is_empty());
    // What stands in it over several lines, such as a comment, is somebody's.
    let is_bare = |span: &Range<usize>| text[span.start..span.end].chars().all(|c| matches!(c, '[' | ']' | ' '));
    let Some(span) = array.and_then(|array| array.span()).filter(is_bare) else { return Ok(false) };
    let range = if found.is_inline_table() { entry_at(text, key, span) } else { line_at(text, table, key, span) };
    let is_there = range.is_some();
    if let Some(range) = range {
        text.replace_range(range, "");
    }
    Ok(is_there)
}

/// Takes the header of a table away that nothing stands below, and no comment beside.
fn take_empty_table(text: &mut String, table: &str) -> Result<(), EditError> {
    let document = read(text)?;
    let found = document.get(table).and_then(Item::as_table).filter(|found| found.is_empty() && !found.is_implicit() && !found.is_dotted());
    let Some(header) = found.and_then(|found| found.span()) else { return Ok(()) };
    let line = line_around(text, header);
    let is_plain = text[line.clone()].trim() == format!("[{table}]");
    let is_explained = text[..line.start].lines().next_back().is_some_and(|line| line.trim_start().starts_with('#'));
    let mut below = text[line.end..].lines().take_while(|line| !line.trim_start().starts_with('['));
    if is_plain && !is_explained && below.all(|line| line.trim().is_empty()) {
        text.replace_range(line, "");
    }
    Ok(())
}

/// Where an entry of an inline table stands: with its key, and one of the commas beside it.
fn entry_at(text: &str, key: &str, value: Range<usize>) -> Option<Range<usize>> {
    let before = text[..value.start].trim_end().strip_suffix('=')?.trim_end().strip_suffix(key)?.trim_end();
    let after = &text[value.end..];
    let gap = after.len() - after.trim_start().len();
    match (before.chars().next_back()?, after[gap..].starts_with(',')) {
        ('{' | ',', true) => Some(before.len()..value.end + gap + 1),
        (',', false) => Some(before.len() - 1..value.end),
        ('{', false) => Some(before.len()..value.end + gap),
        _ => None,
    }
}

/// The line that has this key and its value, and nothing else.
fn line_at(text: &str, table: &str, key: &str, value: Range<usize>) -> Option<Range<usize>> {
    let line = line_around(text, value.clone());
    let name: String = text[line.start..value.start].trim().strip_suffix('=')?.split_whitespace().collect();
    let is_alone = text[value.end..line.end].trim().is_empty() && (name == key || name == format!("{table}.{key}"));
    is_alone.then_some(line)
}

/// The lines that a place is on, with their ends.
fn line_around(text: &str, place: Range<usize>) -> Range<usize> {
    let start = text[..place.start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[place.end..].find('\n').map_or(text.len(), |at| place.end + at + 1);
    start..end
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
        for found in FOUND {
            let text = put(found, &wants()).expect("it fits").text;
            let left = take_out(&text, &wants()).expect("TOML").unwrap_or_default();
            assert!(!left.contains("oarlock"), "{left:?}");
            assert_eq!(left.contains("network_access"), found.contains("network_access"), "{left:?}");
        }
    }

    #[test]
    fn nothing_empty_that_set_up_makes_is_left_without_a_journal() {
        for (found, left) in [
            ("[sandbox_workspace_write]\nnetwork_access = true\n", "[sandbox_workspace_write]\nnetwork_access = true\n"),
            ("sandbox_workspace_write.network_access = true\n[a]\n", "sandbox_workspace_write.network_access = true\n[a]\n"),
            ("model = \"x\"\r\n\r\n[mcp_servers.other]\r\ncommand = 1\r\n", "model = \"x\"\r\n\r\n[mcp_servers.other]\r\ncommand = 1\r\n"),
            (
                "mcp_servers = { other = { command = \"y\" } }\nsandbox_workspace_write = {}\n",
                "mcp_servers = { other = { command = \"y\" } }\nsandbox_workspace_write = {}\n",
            ),
            ("sandbox_workspace_write = { network_access = true }\n", "sandbox_workspace_write = { network_access = true }\n"),
            ("[sandbox_workspace_write]\n[z]\na = 1\n", "[z]\na = 1\n"),
            ("a = 1\n[sandbox_workspace_write]", "a = 1\n"),
            // Comments are somebody's, and what they stand beside.
            ("# mine\n[sandbox_workspace_write]\n", "# mine\n[sandbox_workspace_write]\n"),
            ("[sandbox_workspace_write] # odd\n[z]\n", "[sandbox_workspace_write] # odd\n[z]\n"),
            ("[sandbox_workspace_write]\n# keep\n[z]\n", "[sandbox_workspace_write]\n# keep\n[z]\n"),
            (
                "[sandbox_workspace_write]\nwritable_roots = [\n  # none\n]\n",
                "[sandbox_workspace_write]\nwritable_roots = [\n  # none\n]\n",
            ),
        ] {
            let text = put(found, &wants()).expect("it fits").text;
            assert_ne!(text, found);
            assert_eq!(take_out(&text, &wants()).expect("TOML").unwrap_or_default(), left, "{found:?}");
        }
    }

    #[test]
    fn what_set_up_has_not_made_stays() {
        for found in [
            "[sandbox_workspace_write]\nwritable_roots = []\n",
            "[sandbox_workspace_write]\n",
            "mcp_servers = { oarlock = { command = \"mine\", args = [\"mcp\"] } }\n",
            "mcp_servers = { oarlock = { command = \"oarlock\", args = [\"other\"] } }\n",
        ] {
            assert_eq!(take_out(found, &wants()), Ok(Some(found.to_owned())));
        }
        let ours = "\"/home/a \\\"b\\\"/.oarlock\"";
        for (found, left) in [
            // Its block has lost its marks.
            (format!("[sandbox_workspace_write]\nwritable_roots = [{ours}]\n"), None),
            (
                format!("[sandbox_workspace_write]\nwritable_roots = [{ours}] # why\n"),
                Some("[sandbox_workspace_write]\nwritable_roots = [] # why\n"),
            ),
            (
                format!("[sandbox_workspace_write]\nwritable_roots = [{ours}, \"/data\"]\n"),
                Some("[sandbox_workspace_write]\nwritable_roots = [\"/data\"]\n"),
            ),
        ] {
            assert_eq!(take_out(&found, &wants()).expect("TOML").as_deref(), left);
        }
    }

    #[test]
    fn what_does_not_fit_is_told_with_its_place() {
        let error = put("a = 1\nmcp_servers = 3\n", &wants()).expect_err("a number");
        assert_eq!((error.line, error.message.as_str()), (2, "\"mcp_servers\" is not a table"));
        assert_eq!(put("a = \n", &wants()).expect_err("no TOML").line, 1);
    }

    #[test]
    fn what_somebody_writes_into_a_block_is_theirs() {
        let made = put("a = 1\n", &wants()).expect("TOML").text;
        let theirs = [
            ("\n# oarlock:end", "\nnetwork_access = true\n# oarlock:end", "[sandbox_workspace_write]\nnetwork_access = true\n"),
            (".oarlock\"]", ".oarlock\", \"/mine\"]", "[sandbox_workspace_write]\nwritable_roots = [\"/mine\"]\n"),
            ("args = [\"mcp\"]", "args = [\"mcp\"]\nstartup_timeout_sec = 9", ""),
            ("args = [\"mcp\"]", "args = [\"mcp\"]\n[mcp_servers.oarlock.env]\nX = \"1\"\n  [theirs]\nb = 2", "  [theirs]\nb = 2\n"),
            ("/home/a \\\"b\\\"/", "/elsewhere/", ""),
        ];
        for (find, becomes, stays) in theirs {
            let changed = made.replacen(find, becomes, 1);
            assert_ne!(changed, made, "{find}");
            let left = take_out(&changed, &wants()).expect("TOML").unwrap_or_default();
            assert!(left.starts_with("a = 1\n") && left.trim_end() == format!("a = 1\n\n{stays}").trim_end(), "{find}: {left}");
        }
    }

    #[test]
    fn a_key_below_a_header_that_is_gone_is_not_kept() {
        let all = "a = 1\n[t]\nb = 2\nc = [1]\n";
        assert!(has_all(all, "t = { b = 3 }") && has_all(all, "") && has_all(all, all));
        assert!(!has_all("a = 1\nb = 2\n", "[t]\nb = 2\n") && !has_all("t = 1", "[t]\nb = 2\n"));
    }
}

//! The table of labelled calls (`calls.txt`): which of them write what others hold. `OARLOCK_CALLS` names another table.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Reach, Surroundings, Written};

const TOP: &str = "/home/ada/repo";

/// The holdings of others, in parts.
const HELD: [&[&str]; 4] = [&["src", "**"], &["web", "app", "**"], &["package.json"], &["docs", "plan.md"]];

/// Links of the repository, and where they lead: `linked` to a folder, the other to a file.
const LINKS: [(&str, &[&str]); 2] = [("linked", &["src"]), ("plan-link.md", &["docs", "plan.md"])];

struct Call {
    kind: String,
    is_held: bool,
    dir: String,
    /// The tool whose JSON the input is; a shell's command where none is named.
    tool: Option<String>,
    input: String,
}

fn calls(table: &str) -> Vec<Call> {
    let (mut kind, mut calls) = (String::new(), Vec::<Call>::new());
    for line in table.lines() {
        if let Some(name) = line.strip_prefix("## ") {
            kind = name.to_owned();
        } else if let (Some(more), Some(last)) = (line.strip_prefix("    "), calls.last_mut()) {
            last.input.push('\n');
            last.input.push_str(more);
        } else if let Some((mark @ ("+" | "-"), mut rest)) = line.split_once(' ') {
            let mut given = |sign: char| {
                let behind = rest.strip_prefix(sign)?;
                let (word, input) = behind.split_once(' ')?;
                rest = input;
                Some(word.to_owned())
            };
            let dir = given('@').map_or(TOP.to_owned(), |dir| format!("{TOP}/{dir}"));
            let tool = given('%');
            calls.push(Call { kind: kind.clone(), is_held: mark == "+", dir, tool, input: rest.to_owned() });
        }
    }
    calls
}

/// Whether a path or pattern in parts could be what another one covers, of which only whole parts are wild.
fn could_be(pattern: &[&str], held: &[&str]) -> bool {
    match (pattern, held) {
        ([], []) => true,
        (["**", rest @ ..], _) => could_be(rest, held) || !held.is_empty() && could_be(pattern, &held[1..]),
        (_, ["**", rest @ ..]) => could_be(pattern, rest) || !pattern.is_empty() && could_be(&pattern[1..], held),
        ([one, pattern @ ..], [other, held @ ..]) => matches(one.as_bytes(), other.as_bytes()) && could_be(pattern, held),
        _ => false,
    }
}

fn matches(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => matches(rest, name) || !name.is_empty() && matches(pattern, &name[1..]),
        ([b'?', rest @ ..], [_, name @ ..]) => matches(rest, name),
        ([b'[', one, b']', rest @ ..], [c, name @ ..]) if one == c => matches(rest, name),
        ([one, rest @ ..], [c, name @ ..]) => one == c && matches(rest, name),
        _ => false,
    }
}

fn is_held(written: &Written, dir: &str) -> bool {
    let path = match written.path.strip_prefix("~/") {
        Some(rest) => format!("/home/ada/{rest}"),
        None if written.path.starts_with('~') => return false,
        None if written.path.starts_with('/') => written.path.clone(),
        None => format!("{dir}/{}", written.path),
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let top: Vec<&str> = TOP.split('/').skip(1).collect();
    let Some(parts) = parts.strip_prefix(top.as_slice()) else {
        return written.reach != Reach::File && top.starts_with(&parts);
    };
    // A write to a link itself is nobody's here, and has nothing below it.
    let itself = |rest: &[&str]| rest.is_empty() && written.is_entry && !written.path.ends_with('/');
    let parts = match parts.split_first().and_then(|(first, rest)| Some((LINKS.iter().find(|(link, _)| link == first)?.1, rest))) {
        Some((_, rest)) if itself(rest) => return false,
        Some((target, rest)) => [target, rest].concat(),
        None => parts.to_vec(),
    };
    let parts = parts.as_slice();
    // A name has no wildcards.
    let literal: Vec<String> =
        parts.iter().map(|part| part.chars().map(|c| if "*?[".contains(c) { format!("[{c}]") } else { c.to_string() }).collect()).collect();
    let mut pattern: Vec<&str> = literal.iter().map(String::as_str).collect();
    match &written.reach {
        Reach::File => {}
        Reach::Tree => pattern.push("**"),
        Reach::Below(below) => pattern.extend(below.split('/')),
    }
    // A reservation of a folder's contents is none of the folder's name.
    let is_folder = written.reach == Reach::File && [&["src"][..], &["web", "app"]].contains(&parts);
    !is_folder && HELD.iter().any(|held| could_be(&pattern, held))
}

fn around(dir: &str) -> Surroundings<'_> {
    Surroundings { cwd: Some(dir), home: Some("/home/ada"), top: Some(TOP), project: None }
}

#[test]
fn the_table_of_calls_is_read_as_it_is_labelled() {
    let mut wrong = String::new();
    let mut counts: BTreeMap<String, [usize; 4]> = BTreeMap::new();
    let other = std::env::var_os("OARLOCK_CALLS").map(|path| std::fs::read_to_string(path).expect("the table can be read"));
    for call in calls(other.as_deref().unwrap_or(include_str!("calls.txt"))) {
        let input: Value = match &call.tool {
            Some(_) => serde_json::from_str(&call.input).expect("the input of a tool that is named is JSON"),
            None => json!({"command": call.input}),
        };
        let tool = call.tool.as_deref().unwrap_or("Bash");
        let written = super::writes(tool, &input, &around(&call.dir));
        let found = written.iter().any(|written| is_held(written, &call.dir));
        let count = counts.entry(call.kind.clone()).or_default();
        let at = if call.is_held { 0 } else { 2 };
        count[at] += 1;
        if found != call.is_held {
            count[at + 1] += 1;
            let what = if found { "refused" } else { "passed" };
            wrong.push_str(&format!("{what} [{}] {tool} {}\n    {written:?}\n", call.kind, call.input));
        }
    }
    let line = |(kind, [held, missed, free, refused]): (&String, &[usize; 4])| {
        format!("{kind}: {missed} of {held} held missed, {refused} of {free} free refused\n")
    };
    let table: String = counts.iter().map(line).collect();
    let total: usize = counts.values().map(|count| count[0] + count[2]).sum();
    assert!(total > 4_500 || other.is_some(), "only {total} calls are read");
    assert!(wrong.is_empty(), "{table}{wrong}");
}

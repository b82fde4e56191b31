//! The kinds of events and their fields, read from the sources: an event's struct is its documentation.

use oarlock_model::event::{Fact, RALF_CONFLICT, RALF_EVENT};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use super::markdown::{code, sentence, table};
use crate::support::workspace;

/// A field: name, type as Rust has it, whether it may be absent, documentation.
type Field = (String, String, bool, String);

pub(super) fn page() -> String {
    let mut text = String::from(
        "# Events\n\nThe log is one list of events in one order. `oarlock events` prints it, `GET /v1/events` streams it. Each event is \
         [EventShape](json.md#eventshape): `cursor`, `at`, `kind`, `agent`, `session`, `subject` (the id of the task, agent, entry, \
         reservation or message) and `data`, whose fields are listed here. Nothing that lasts changes without an event.\n\n",
    );
    let dir = workspace().join("crates/oarlock-model/src");
    let about = kinds(&fs::read_to_string(dir.join("event.rs")).expect("a source"));
    let mut structs = BTreeMap::new();
    for entry in fs::read_dir(dir.join("event")).expect("a folder of sources") {
        let source = fs::read_to_string(entry.expect("an entry").path()).expect("a source");
        structs.extend(structs_of(&source));
    }
    let external = [(RALF_EVENT.word, "RALF_EVENT"), (RALF_CONFLICT.word, "RALF_CONFLICT")];
    let external_source = fs::read_to_string(dir.join("event/external.rs")).expect("a source");
    let rows = Fact::KINDS.iter().map(|kind| {
        let known = about.get(*kind).map(|(_, about)| about.clone());
        let known = known.or_else(|| {
            let constant = external.iter().find(|(word, _)| word == kind)?.1;
            doc_above(&external_source, &format!("pub const {constant}:"))
        });
        [format!("[{kind}](#{kind})"), sentence(&known.expect(kind))]
    });
    text.push_str(&table(["kind", "meaning"], rows));
    for kind in Fact::KINDS {
        let Some((name, about)) = about.get(*kind) else { continue };
        let fields: &Vec<Field> = structs.get(name).expect(name);
        let _ = writeln!(text, "\n## {kind}\n\n{}\n", sentence(about));
        text.push_str(&table(
            ["field", "type", "always", "meaning"],
            fields.iter().map(|(name, rust, may_be_absent, about)| {
                let always = if *may_be_absent { "" } else { "yes" };
                [code(name), json_type(rust), always.to_owned(), sentence(about)]
            }),
        ));
    }
    for (word, constant) in external {
        let about = doc_above(&external_source, &format!("pub const {constant}:")).expect("documentation");
        let _ = writeln!(text, "\n## {word}\n\n{}", sentence(&about));
    }
    text
}

/// The doc comment above the line that begins so.
fn doc_above(source: &str, line: &str) -> Option<String> {
    let before = source.split_once(&format!("\n{line}"))?.0;
    let mut lines: Vec<&str> = before.lines().rev().map_while(|line| line.strip_prefix("/// ")).collect();
    lines.reverse();
    Some(lines.join(" "))
}

/// Each kind with its struct and its documentation, from the table of kinds.
fn kinds(source: &str) -> BTreeMap<String, (String, String)> {
    let mut found = BTreeMap::new();
    let mut doc = Vec::new();
    for line in source.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("/// ") {
            doc.push(text);
            continue;
        }
        if let Some((name, rest)) = line.split_once(" = \"")
            && let Some((kind, _)) = rest.split_once("\", about ")
        {
            found.insert(kind.to_owned(), (name.to_owned(), doc.join(" ")));
        }
        doc.clear();
    }
    found
}

/// The structs of a source with their fields.
fn structs_of(source: &str) -> Vec<(String, Vec<Field>)> {
    let mut found = Vec::new();
    for part in source.split("\npub struct ").skip(1) {
        let (name, rest) = part.split_once([' ', ';', '<']).unwrap_or((part, ""));
        let body = rest.split_once("\n}").map_or("", |(body, _)| body);
        let (mut fields, mut doc, mut attributes) = (Vec::new(), Vec::new(), String::new());
        for line in body.lines().map(str::trim) {
            if let Some(text) = line.strip_prefix("/// ") {
                doc.push(text);
            } else if line.starts_with("#[") {
                attributes.push_str(line);
            } else if let Some((field, kind)) = line.strip_prefix("pub ").and_then(|field| field.trim_end_matches(',').split_once(": ")) {
                let renamed = attributes.split_once("rename = \"").and_then(|(_, rest)| rest.split_once('"')).map(|(name, _)| name);
                let name = renamed.unwrap_or(field).to_owned();
                fields.push((name, kind.to_owned(), attributes.contains("skip_serializing_if"), doc.join(" ")));
                doc.clear();
                attributes.clear();
            }
        }
        found.push((name.to_owned(), fields));
    }
    found
}

/// The JSON type of a Rust type.
fn json_type(rust: &str) -> String {
    if let Some(inner) = ["Option<", "Box<"].iter().find_map(|outer| rust.strip_prefix(outer)) {
        return json_type(inner.strip_suffix('>').unwrap_or(inner));
    }
    if let Some(inner) = ["Vec<", "BTreeSet<"].iter().find_map(|outer| rust.strip_prefix(outer)) {
        return format!("list of {}", json_type(inner.strip_suffix('>').unwrap_or(inner)));
    }
    match rust {
        "bool" => "boolean",
        "u8" | "u16" | "u32" | "u64" | "i64" | "usize" | "Token" | "StoreTime" => "integer",
        "String" | "TaskId" | "AgentName" | "SessionId" | "StateKey" | "MessageId" | "ReservationId" | "Label" | "WallTime" => "string",
        "Value" => "any JSON",
        _ if rust.ends_with("Reason") || rust.ends_with("Proof") || rust.ends_with("Mode") => "string",
        _ => "object",
    }
    .to_owned()
}

//! The types of the verbs for Python: `python/oarlock/_verbs.pyi` is made from the registry, and this holds it current.
//!
//! `UPDATE_EXPECT=1 cargo test -p oarlock-ops --test python` writes it again.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use oarlock_ops::registry::{ENTRIES, Entry};
use oarlock_ops::schema::Shared;
use serde_json::{Map, Value};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../python/oarlock/_verbs.pyi");
const HEAD: &str = "\
# Made from the registry of verbs; not to be edited. `UPDATE_EXPECT=1 cargo test -p oarlock-ops --test python` writes it again.
from typing import Any, Dict, List, Literal, Mapping, Optional, Sequence, Union

from typing_extensions import NotRequired, TypedDict
";
/// Words of Python that no argument can be called; such a field has `_` behind its name.
const KEYWORDS: [&str; 6] = ["from", "in", "is", "as", "with", "global"];
const REFERENCE: &str = "#/components/schemas/";

/// Which way values go: an argument may be any sequence, a result is a list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    In,
    Out,
}

struct Stubs {
    /// The types that schemas refer to, by name.
    definitions: Value,
    /// Classes of objects that have no name of their own, by the name made for them.
    made: BTreeMap<String, String>,
    /// Definitions that are referred to and not yet written.
    wanted: BTreeSet<String>,
}

impl Stubs {
    /// The type of a value. `name` is what a class is called that has to be made for it.
    fn of(&mut self, schema: &Value, way: Way, name: &str) -> String {
        if let Some(target) = schema["$ref"].as_str() {
            let target = target.strip_prefix(REFERENCE).expect("a definition").to_owned();
            self.wanted.insert(target.clone());
            return target;
        }
        if let Some(values) = schema["enum"].as_array() {
            return literal(values);
        }
        if let Some(value) = schema.get("const") {
            return literal(std::slice::from_ref(value));
        }
        if let Some(choices) = schema["anyOf"].as_array().or_else(|| schema["oneOf"].as_array()) {
            let choices = choices.clone();
            if let Some(merged) = self.merged(&choices) {
                return self.of_object(&merged, way, name);
            }
            let mut types: Vec<String> = Vec::new();
            for (n, choice) in choices.iter().enumerate() {
                let one = self.of(choice, way, &format!("{name}{}", n + 1));
                if !types.contains(&one) {
                    types.push(one);
                }
            }
            // Words of one list, each with a description of its own.
            let words: Option<Vec<&str>> = types.iter().map(|one| one.strip_prefix("Literal[")?.strip_suffix(']')).collect();
            return match (words, types.as_slice()) {
                (Some(words), _) => format!("Literal[{}]", words.join(", ")),
                (None, [one]) => one.clone(),
                (None, types) => format!("Union[{}]", types.join(", ")),
            };
        }
        let list = |items: String| if way == Way::In { format!("Sequence[{items}]") } else { format!("List[{items}]") };
        match schema["type"].as_str() {
            Some("string") => "str".to_owned(),
            Some("integer") => "int".to_owned(),
            Some("number") => "float".to_owned(),
            Some("boolean") => "bool".to_owned(),
            Some("array") => list(self.of(&schema["items"], way, name)),
            Some("object") => self.of_object(schema, way, name),
            _ => "Any".to_owned(),
        }
    }

    /// One object for several that have no field to distinguish them: what not all of them have may be missing.
    fn merged(&self, choices: &[Value]) -> Option<Value> {
        let whole = |choice: &Value| match choice["$ref"].as_str().and_then(|target| target.strip_prefix(REFERENCE)) {
            Some(target) => self.definitions[target].clone(),
            None => choice.clone(),
        };
        let objects: Vec<Value> = choices.iter().map(whole).collect();
        let is_tagged = |object: &Value| {
            object["properties"].as_object().is_none_or(|fields| fields.values().any(|field| field.get("const").is_some()))
        };
        if objects.len() < 2 || objects.iter().any(is_tagged) {
            return None;
        }
        let (mut fields, mut required) = (Map::new(), Vec::new());
        for (name, field) in objects.iter().filter_map(|object| object["properties"].as_object()).flatten() {
            fields.entry(name.clone()).or_insert_with(|| field.clone());
        }
        let is_required =
            |object: &Value, name: &str| object["required"].as_array().is_some_and(|names| names.iter().any(|other| other == name));
        required.extend(fields.keys().filter(|name| objects.iter().all(|object| is_required(object, name))).cloned());
        Some(serde_json::json!({"type": "object", "properties": fields, "required": required}))
    }

    fn of_object(&mut self, schema: &Value, way: Way, name: &str) -> String {
        let fields = schema["properties"].as_object().filter(|fields| !fields.is_empty());
        let Some(fields) = fields else {
            let values = self.of(&schema["additionalProperties"], way, name);
            return if way == Way::In { format!("Mapping[str, {values}]") } else { format!("Dict[str, {values}]") };
        };
        let class = self.class(name, fields, schema, way);
        self.made.insert(name.to_owned(), class);
        name.to_owned()
    }

    /// A dictionary with these fields; fields that are not required may be missing.
    fn class(&mut self, name: &str, fields: &Map<String, Value>, schema: &Value, way: Way) -> String {
        let required: BTreeSet<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let mut lines = Vec::new();
        for (field, schema) in fields {
            let own = self.of(schema, way, &format!("{name}{}", camel(field)));
            lines.push((field, if required.contains(field.as_str()) { own } else { format!("NotRequired[{own}]") }));
        }
        let mut out = String::new();
        if lines.iter().any(|(field, _)| KEYWORDS.contains(&field.as_str())) {
            let _ = writeln!(out, "{name} = TypedDict(\n    \"{name}\",\n    {{");
            for (field, own) in &lines {
                let _ = writeln!(out, "        \"{field}\": {own},");
            }
            out.push_str("    },\n)\n");
        } else {
            let _ = writeln!(out, "class {name}(TypedDict):");
            for (field, own) in &lines {
                let _ = writeln!(out, "    {field}: {own}");
            }
        }
        out
    }

    /// The definition of this name.
    fn define(&mut self, name: &str, schema: &Value, way: Way) -> String {
        match schema["properties"].as_object().filter(|fields| !fields.is_empty() && schema.get("oneOf").is_none()) {
            Some(fields) => self.class(name, fields, schema, way),
            None => match self.of(schema, way, name) {
                // It was made as a class of this name.
                own if own == name => self.made.remove(name).unwrap_or_default(),
                own => format!("{name} = {own}\n"),
            },
        }
    }
}

fn literal(values: &[Value]) -> String {
    let all: Vec<String> =
        values.iter().map(|value| if value == &Value::Bool(true) { "True".to_owned() } else { value.to_string() }).collect();
    format!("Literal[{}]", all.join(", "))
}

fn camel(word: &str) -> String {
    let mut up = true;
    let mut out = String::new();
    for c in word.chars() {
        if c.is_alphanumeric() {
            out.extend(if up { c.to_uppercase().collect::<Vec<_>>() } else { vec![c] });
        }
        up = !c.is_alphanumeric();
    }
    out
}

/// The fields that a caller gives: those that the command line has arguments for. Doors fill in the rest.
fn given(entry: &Entry, request: &Value) -> Vec<String> {
    let command = (entry.arguments)(clap::Command::new(entry.verb));
    let fields = request["properties"].as_object();
    let name = |id: &str| match id {
        "kind" if entry.verb != "events" => "type".to_owned(),
        id => id.to_owned(),
    };
    let names = command.get_arguments().map(|argument| name(argument.get_id().as_str()));
    let mut known: Vec<String> = names.filter(|name| fields.is_some_and(|fields| fields.contains_key(name))).collect();
    known.dedup();
    known
}

fn stubs() -> String {
    let mut shared = Shared::default();
    let mut methods = String::new();
    let schemas: Vec<(&Entry, Value, Value)> =
        ENTRIES.iter().map(|entry| (entry, shared.request(entry.request_schema), shared.reply(entry.reply_schema))).collect();
    let definitions = shared.into_definitions();
    let mut stubs = Stubs { definitions: definitions.clone(), made: BTreeMap::new(), wanted: BTreeSet::new() };
    let whole = |schema: &Value| match schema["$ref"].as_str() {
        Some(target) => definitions[target.strip_prefix(REFERENCE).expect("a definition")].clone(),
        None => schema.clone(),
    };
    for (entry, request, reply) in &schemas {
        let request = whole(request);
        let required: BTreeSet<&str> = request["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let class = camel(entry.verb);
        let (mut needed, mut free) = (Vec::new(), vec!["idempotency_key: Optional[str] = None".to_owned()]);
        for field in given(entry, &request) {
            let own = stubs.of(&request["properties"][&field], Way::In, &format!("{class}Request{}", camel(&field)));
            let name = if KEYWORDS.contains(&field.as_str()) { format!("{field}_") } else { field.clone() };
            if required.contains(field.as_str()) {
                needed.push(format!("{name}: {own}"));
            } else {
                free.push(format!("{name}: Optional[{own}] = None"));
            }
        }
        let reply = stubs.of(reply, Way::Out, &format!("{class}Reply"));
        let all: Vec<String> = needed.into_iter().chain(free).map(|argument| format!("        {argument},\n")).collect();
        let _ = write!(
            methods,
            "    def {}(\n        self,\n        *,\n{}    ) -> {reply}:\n        \"\"\"{}.\"\"\"\n",
            entry.verb.replace('-', "_"),
            all.concat(),
            entry.about
        );
    }
    let mut classes = BTreeMap::new();
    while let Some(name) = stubs.wanted.iter().find(|name| !classes.contains_key(*name)).cloned() {
        classes.insert(name.clone(), stubs.define(&name, &definitions[&name], Way::Out));
    }
    classes.append(&mut stubs.made);
    let classes: Vec<String> = classes.into_values().collect();
    format!("{HEAD}\n{}\nclass Verbs:\n{methods}", classes.join("\n"))
}

#[test]
fn the_types_for_python_are_those_of_the_registry() {
    expect_test::expect_file![FILE].assert_eq(&stubs());
}

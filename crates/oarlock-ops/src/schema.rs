//! JSON Schema of requests and replies, in the dialect that every client of this field reads: no `format`, nothing
//! nullable (absent fields are left out), no names of Rust's types.

use std::sync::OnceLock;

use oarlock_model::Rejection;
pub use schemars::generate::Contract;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value};

use crate::registry::{ENTRIES, Entry};

/// How the schema of one type is made.
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// The schema of a type.
pub fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// A schema that means itself, with nothing to refer to.
pub fn whole(schema: SchemaOf, contract: Contract) -> Value {
    let mut settings = settings(contract);
    settings.inline_subschemas = true;
    let mut schema = schema(&mut settings.into_generator()).to_value();
    tidy(&mut schema);
    schema
}

/// The schemas of many requests and replies, with what they share said once.
#[derive(Debug)]
pub struct Shared {
    requests: SchemaGenerator,
    replies: SchemaGenerator,
}

impl Default for Shared {
    fn default() -> Self {
        let generator = |contract| {
            let mut settings = settings(contract);
            settings.definitions_path = "/components/schemas".into();
            settings.into_generator()
        };
        Self { requests: generator(Contract::Deserialize), replies: generator(Contract::Serialize) }
    }
}

impl Shared {
    /// The schema of a request.
    pub fn request(&mut self, schema: SchemaOf) -> Value {
        let mut schema = schema(&mut self.requests).to_value();
        tidy(&mut schema);
        schema
    }

    /// The schema of a reply.
    pub fn reply(&mut self, schema: SchemaOf) -> Value {
        let mut schema = schema(&mut self.replies).to_value();
        tidy(&mut schema);
        schema
    }

    /// The types that they refer to, by name. A type of requests and replies is written as replies have it.
    pub fn into_definitions(mut self) -> Value {
        let mut all = self.requests.take_definitions(true);
        all.extend(self.replies.take_definitions(true));
        let mut all = Value::Object(all);
        all.as_object_mut().into_iter().flat_map(|all| all.values_mut()).for_each(tidy);
        all
    }
}

/// The names of the fields that a request may have, those that only doors fill in included.
pub fn fields(entry: &Entry) -> &'static [String] {
    static FIELDS: [OnceLock<Vec<String>>; ENTRIES.len()] = [const { OnceLock::new() }; ENTRIES.len()];
    let Some(n) = ENTRIES.iter().position(|other| other.verb == entry.verb) else { return &[] };
    FIELDS[n].get_or_init(|| {
        let schema = whole(entry.request_schema, Contract::Deserialize);
        schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
    })
}

/// Refuses a field that the verb does not have: it is a slip, and would be passed over in silence.
///
/// # Errors
/// `invalid_request` with the fields that it has.
pub fn check_fields(entry: &Entry, request: &Value) -> Result<(), Rejection> {
    let known = fields(entry);
    match request.as_object().into_iter().flatten().find(|(name, _)| !known.contains(name) && !entry.former_fields.contains(&name.as_str()))
    {
        Some((name, _)) => Err(Rejection::invalid(
            format!("{} has no field \"{}\"", entry.verb, oarlock_model::ident::shown(name)),
            format!("its fields are {}", known.join(", ")),
        )),
        None => Ok(()),
    }
}

/// The settings of generators here.
pub(crate) fn settings(contract: Contract) -> SchemaSettings {
    let mut settings = SchemaSettings::draft2020_12();
    settings.meta_schema = None;
    settings.contract = contract;
    settings
}

/// Takes out what clients stumble over, and what says nothing.
pub(crate) fn tidy(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Object(object) => {
            tidy_object(object);
            for (name, value) in object.iter_mut() {
                match value {
                    // Names of fields are not words of the schema.
                    Value::Object(fields) if name == "properties" || name == "$defs" || name == "schemas" => {
                        fields.values_mut().for_each(tidy)
                    }
                    _ if name == "enum" || name == "const" || name == "required" => {}
                    value => tidy(value),
                }
            }
        }
        _ => {}
    }
}

fn tidy_object(object: &mut Map<String, Value>) {
    object.retain(|name, value| match name.as_str() {
        "format" | "$schema" => false,
        "title" => !value.is_string(),
        "default" => !(value.is_null() || *value == Value::Bool(false) || value.as_array().is_some_and(Vec::is_empty)),
        "minimum" => value.as_f64() != Some(0.0),
        _ => true,
    });
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".into(), only);
        }
    }
    if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
        choices.retain(|choice| choice["type"] != "null");
        if let [Value::Object(_)] = choices.as_slice()
            && let Some(Value::Array(mut only)) = object.remove("anyOf")
            && let Some(Value::Object(only)) = only.pop()
        {
            for (name, value) in only {
                object.entry(name).or_insert(value);
            }
            tidy_object(object);
        }
    }
    // The outer description is about the field, which is what a reader wants to know.
    if let Some(Value::String(text)) = object.get_mut("description") {
        *text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offences(value: &Value, place: &str, found: &mut Vec<String>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| offences(item, place, found)),
            Value::Object(object) => {
                for (name, value) in object {
                    let inside = format!("{place}/{name}");
                    let is_field = place.ends_with("/properties");
                    if !is_field && (name == "format" || name == "$schema" || (name == "type" && value.is_array())) {
                        found.push(inside.clone());
                    }
                    offences(value, &inside, found);
                }
            }
            Value::String(text) if text == "null" => found.push(place.to_owned()),
            _ => {}
        }
    }

    #[test]
    fn no_schema_has_a_format_or_may_be_null() {
        let mut found = Vec::new();
        for entry in ENTRIES {
            offences(&whole(entry.request_schema, Contract::Deserialize), entry.verb, &mut found);
            offences(&whole(entry.reply_schema, Contract::Serialize), entry.verb, &mut found);
        }
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn former_names_of_fields_are_read_and_not_listed() {
        for (verb, request) in [
            ("add", serde_json::json!({"title": "t", "can": ["rust"]})),
            ("update", serde_json::json!({"id": "T-1", "can": ["rust"], "clear": ["can"]})),
            ("claim", serde_json::json!({"within": "T-1"})),
            ("join", serde_json::json!({"timeout": "60s"})),
            ("split", serde_json::json!({"id": "T-1", "by": "steps"})),
        ] {
            let entry = crate::registry::find(verb).expect("a verb");
            check_fields(entry, &request).expect(verb);
            let read = (entry.from_json)(request.clone()).and_then(|call| call.to_json()).expect(verb);
            for former in entry.former_fields {
                assert!(request.get(former).is_some() && read.get(former).is_none(), "{verb}: {former} in {read}");
                assert!(!fields(entry).iter().any(|field| field == former), "{verb}");
            }
            // What it said is there under its new name.
            let count = |value: &Value| value.as_object().map_or(0, |fields| fields.values().filter(|value| !value.is_null()).count());
            assert!(count(&read) >= count(&request), "{verb}: {read}");
        }
    }

    /// Of the command that plans a split: no request brings a command, and its plan is passed on as a given one.
    const RUN_HERE: [&str; 2] = ["with", "planner_timeout"];

    #[test]
    fn every_argument_of_the_command_line_is_a_field_of_the_request() {
        for entry in ENTRIES {
            let known = fields(entry);
            let command = (entry.arguments)(clap::Command::new(entry.verb));
            // A file of the caller's own machine is read there: its text is what the request has.
            let here_only = |name: &str| name.ends_with("_file") || RUN_HERE.contains(&name);
            for argument in command.get_arguments().map(|argument| argument.get_id().as_str()).filter(|name| !here_only(name)) {
                // `type` is a word of Rust.
                let argument = if argument == "kind" && entry.verb != "events" { "type" } else { argument };
                assert!(known.iter().any(|field| field == argument), "{} has no field {argument}: {known:?}", entry.verb);
            }
        }
    }
}

//! The tools: a few verbs of the registry, each with a schema of its own, all of them in few bytes.

use oarlock_model::Rejection;
use oarlock_ops::registry::{self, Entry};
use oarlock_ops::schema::{self, Contract};
use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use serde_json::{Map, Value, json};
use std::sync::{Arc, OnceLock};

/// A verb that is a tool, and the fields that a model has use for. The others, and the other verbs, are reached by the
/// command line: each field is read with every request of a model.
struct Offer {
    verb: &'static str,
    fields: &'static [&'static str],
    /// Whether the same call again changes nothing more.
    idempotent: bool,
}

/// The tools, in the order in which work goes.
const OFFERS: &[Offer] = &[
    Offer { verb: "agents", fields: &["all", "role", "can", "limit", "after"], idempotent: true },
    Offer { verb: "tasks", fields: &["state", "parent", "agent", "search", "limit", "after"], idempotent: true },
    Offer {
        verb: "split",
        fields: &["id", "document", "agents", "group_by", "plan", "assign", "auto_finish", "dry_run"],
        idempotent: false,
    },
    Offer { verb: "claim", fields: &["id", "ttl", "wait", "or_message", "reserve"], idempotent: false },
    Offer { verb: "renew", fields: &["id", "token", "ttl", "progress", "note"], idempotent: true },
    Offer { verb: "done", fields: &["id", "token", "result", "artifact", "branch", "claim", "reserve", "wait"], idempotent: true },
    Offer { verb: "fail", fields: &["id", "token", "reason", "no_retry"], idempotent: false },
    Offer { verb: "reserve", fields: &["globs", "shared", "ttl", "task", "reason", "wait"], idempotent: false },
    Offer { verb: "send", fields: &["to", "text", "subject", "reply_to", "ack"], idempotent: false },
    Offer { verb: "inbox", fields: &["wait", "all", "limit", "after"], idempotent: true },
    Offer { verb: "ack", fields: &["ids", "from"], idempotent: true },
    Offer { verb: "sync", fields: &["merge"], idempotent: true },
];

/// The verb behind a tool.
pub(super) fn entry(name: &str) -> Option<&'static Entry> {
    OFFERS.iter().find(|offer| offer.verb == name).and_then(|offer| registry::find(offer.verb))
}

/// The field of a tool whose reply is short that asks for all of it. Each tool takes it, and none lists it: each field
/// is read with every request of a model, which seldom has use for this one.
const FULL: &str = "full";

/// Takes the field [`FULL`] out of a request: it is a word to this server, not to the verb.
///
/// # Errors
/// `invalid_request`.
pub(super) fn take_full(request: &mut Map<String, Value>) -> Result<bool, Rejection> {
    match request.remove(FULL) {
        None => Ok(false),
        Some(Value::Bool(full)) => Ok(full),
        Some(_) => Err(Rejection::invalid("full is neither true nor false", "leave it out, or pass true for the whole reply")),
    }
}

/// The field that is true where a tool waits for work, unless the call says otherwise: a model that waits has no other ears.
const ON: &str = "or_message";

/// The description of a page's length: a model gets shorter pages than a program.
const LIMIT: &str = "At most this many";

/// The request of a tool with its defaults.
pub(super) fn completed(name: &str, mut request: Map<String, Value>) -> Map<String, Value> {
    let waits_for_work = name == "claim" || (name == "done" && request.get("claim") == Some(&Value::Bool(true)));
    if waits_for_work && request.contains_key("wait") {
        request.entry(ON).or_insert(Value::Bool(true));
    }
    request
}

/// The names of all tools.
pub(super) fn names() -> Vec<&'static str> {
    OFFERS.iter().map(|offer| offer.verb).collect()
}

/// All tools, as clients list them. Nothing of it comes from the store: no agent's text can change what a tool says it is.
pub(crate) fn all() -> &'static [Tool] {
    static TOOLS: OnceLock<Vec<Tool>> = OnceLock::new();
    TOOLS.get_or_init(|| OFFERS.iter().filter_map(|offer| Some(tool(offer, registry::find(offer.verb)?))).collect())
}

fn tool(offer: &Offer, entry: &Entry) -> Tool {
    let mut annotations = ToolAnnotations::new().read_only(!entry.mutates).open_world(false);
    if entry.mutates {
        annotations = annotations.destructive(false).idempotent(offer.idempotent);
    }
    Tool::new(offer.verb, entry.about, Arc::new(input(offer, entry)))
        .with_raw_output_schema(Arc::new(output(entry)))
        .with_annotations(annotations)
}

fn input(offer: &Offer, entry: &Entry) -> JsonObject {
    let schema = schema::whole(entry.request_schema, Contract::Deserialize);
    let offered = |name: &str| offer.fields.contains(&name);
    let properties: Map<String, Value> = schema["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| offered(name))
        .map(|(name, field)| {
            let mut field = shortened(field.clone());
            if name == ON {
                field["default"] = Value::Bool(true);
            }
            if name == "limit" {
                field["description"] = json!(LIMIT);
            }
            (name.clone(), field)
        })
        .collect();
    let required: Vec<&Value> =
        schema["required"].as_array().into_iter().flatten().filter(|name| name.as_str().is_some_and(offered)).collect();
    let mut input = Map::from_iter([("type".to_owned(), json!("object")), ("properties".to_owned(), Value::Object(properties))]);
    if !required.is_empty() {
        input.insert("required".into(), json!(required));
    }
    input
}

/// A field without what a model can do without: words of an enumeration explain themselves, and `-` is a dash here.
fn shortened(mut field: Value) -> Value {
    if let Some(items) = field.get_mut("items") {
        let mut short = shortened(items.take());
        short.as_object_mut().and_then(|short| short.remove("description"));
        *items = short;
    }
    let Some(object) = field.as_object_mut() else { return field };
    let words: Option<Vec<Value>> = object
        .get("oneOf")
        .and_then(Value::as_array)
        .and_then(|choices| choices.iter().map(|choice| choice.get("const").cloned()).collect());
    if let Some(words) = words {
        object.remove("oneOf");
        object.insert("enum".into(), json!(words));
    }
    if let Some(Value::String(text)) = object.get_mut("description")
        && let Some(short) = text.strip_suffix("; - reads standard input")
    {
        *text = short.to_owned();
    }
    field
}

/// The fields that several replies have when something has happened to the agent: their names say all.
const SELDOM: [&str; 4] = ["lost", "cancelled", "blocked", "reservations_ended"];

/// The outline of a reply: its fields and their kinds. The reference has the rest.
fn output(entry: &Entry) -> JsonObject {
    let schema = schema::whole(entry.reply_schema, Contract::Serialize);
    // One of several forms has the fields of any of them.
    let forms: Vec<&Value> = match schema["anyOf"].as_array() {
        Some(forms) => forms.iter().collect(),
        None => vec![&schema],
    };
    let mut properties = Map::new();
    let fields = forms.iter().filter_map(|form| form["properties"].as_object()).flatten();
    for (name, field) in fields.filter(|(name, _)| !SELDOM.contains(&name.as_str())) {
        let kind = field["type"].as_str().unwrap_or("object");
        properties.insert(name.clone(), json!({ "type": kind }));
    }
    // Which of them are always there is in the reference: here it would cost as much as a tool.
    Map::from_iter([("type".to_owned(), json!("object")), ("properties".to_owned(), Value::Object(properties))])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_short() {
        let list = serde_json::to_string(&json!({"tools": all()})).expect("JSON");
        assert!(all().len() <= 12 && list.len() <= 10_240, "{} tools in {} bytes", all().len(), list.len());
        let instructions = oarlock_ops::teaching::instructions();
        assert!(instructions.len() < 800, "{} bytes", instructions.len());
        for word in instructions.split('`').skip(1).step_by(2).filter(|word| !word.contains(' ')) {
            assert!(names().contains(&word), "{word} is a tool");
        }
    }

    #[test]
    fn enumerations_are_lists_of_words() {
        let field = |tool: &str, field: &str| {
            let tool = all().iter().find(|one| one.name == tool).expect("a tool");
            tool.input_schema["properties"][field].clone()
        };
        let states = field("tasks", "state");
        assert_eq!((&states["type"], states["items"]["enum"].as_array().map(Vec::len)), (&json!("array"), Some(9)), "{states}");
        assert_eq!(field("split", "group_by")["enum"], json!(["auto", "steps", "component", "feature", "layer"]));
        assert!(!serde_json::to_string(all()).expect("JSON").contains("standard input"));
    }

    #[test]
    fn every_tool_is_a_verb_with_fields_that_it_has() {
        for (offer, tool) in OFFERS.iter().zip(all()) {
            assert_eq!(tool.name, offer.verb);
            let shown = tool.input_schema["properties"].as_object().expect("an object");
            assert_eq!(shown.len(), offer.fields.len(), "{}: {shown:?}", offer.verb);
            assert!(shown.values().all(|field| field["description"].is_string()), "{}: {shown:?}", offer.verb);
            let output = tool.output_schema.as_ref().expect("each has one");
            assert!(!output["properties"].as_object().expect("an object").is_empty(), "{}", offer.verb);
        }
    }
}

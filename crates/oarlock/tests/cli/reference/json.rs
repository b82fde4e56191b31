//! The requests and replies of all verbs as JSON.

use oarlock_ops::registry;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::markdown::{code, sentence, table};

pub(super) fn page() -> String {
    let document = oarlock_server::reference::openapi();
    let mut text = String::from(
        "# JSON of requests and replies\n\n`oarlock VERB --json` prints the reply on standard output. Over [HTTP](http.md), the request is the \
         body of `POST /v1/VERB`, and the reply is the body of the answer. Absent fields are left out and never `null`. Times are RFC 3339 in \
         UTC with milliseconds; fields that end in `_ms` are milliseconds. Durations in requests are texts such as `\"15m\"`. Unknown fields \
         of a reply are to be ignored: later versions may add some. A list that was cut short has `next`, the cursor for `after`.\n\n\
         ## Verbs\n\n",
    );
    for entry in registry::ENTRIES {
        let post = &document["paths"][format!("/v1/{}", entry.verb)]["post"];
        let request = &post["requestBody"]["content"]["application/json"]["schema"];
        let reply = &post["responses"]["200"]["content"]["application/json"]["schema"];
        let _ = writeln!(text, "### {}\n\n{}.\n\nRequest:\n\n{}", entry.verb, entry.about, body(request, &document));
        let _ = writeln!(text, "Reply:\n\n{}", body(reply, &document));
    }
    text.push_str("## Shapes\n\nTypes that several requests and replies share.\n\n");
    // A whole request or reply is shown with its verb, and here only if another shape refers to it.
    let inner = document["components"]["schemas"].to_string();
    let is_shown = |name: &str| !is_of_a_verb(name, &document) || inner.contains(&format!("#/components/schemas/{name}\""));
    let shapes: BTreeMap<&String, &Value> = document["components"]["schemas"].as_object().into_iter().flatten().collect();
    for (name, schema) in shapes.into_iter().filter(|(name, _)| is_shown(name)) {
        let about = sentence(schema["description"].as_str().unwrap_or_default());
        let _ = writeln!(text, "### {name}\n\n{about}\n\n{}", body(schema, &document));
    }
    text
}

/// Whether the shape is a whole request or reply, which its verb shows.
fn is_of_a_verb(name: &str, document: &Value) -> bool {
    let reference = format!("#/components/schemas/{name}");
    document["paths"].as_object().into_iter().flatten().any(|(_, path)| {
        let post = &path["post"];
        post["requestBody"]["content"]["application/json"]["schema"]["$ref"] == reference.as_str()
            || post["responses"]["200"]["content"]["application/json"]["schema"]["$ref"] == reference.as_str()
    })
}

/// The schema that a reference points to.
fn resolved<'a>(schema: &'a Value, document: &'a Value) -> &'a Value {
    match schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
        Some(pointer) => document.pointer(pointer).unwrap_or(schema),
        None => schema,
    }
}

/// The fields of an object; its kind where it is something else.
fn body(schema: &Value, document: &Value) -> String {
    let schema = resolved(schema, document);
    let forms = schema["anyOf"].as_array().or_else(|| schema["oneOf"].as_array());
    if let Some(forms) = forms.filter(|forms| forms.iter().any(|form| resolved(form, document)["properties"].is_object())) {
        let own = if schema["properties"].is_object() { fields(schema) + "\n" } else { String::new() };
        let forms: Vec<String> = forms
            .iter()
            .enumerate()
            .map(|(n, form)| {
                let form = resolved(form, document);
                let about = sentence(form["description"].as_str().unwrap_or("Another form"));
                format!("Form {}: {about}\n\n{}", n + 1, fields(form))
            })
            .collect();
        return own + &forms.join("\n");
    }
    match schema["properties"].as_object().is_some_and(|fields| !fields.is_empty()) {
        true => fields(schema),
        false if schema["type"] == "object" && schema["additionalProperties"].is_null() => "No fields.\n".to_owned(),
        false => format!("{}.\n", kind(schema)),
    }
}

pub(super) fn fields(schema: &Value) -> String {
    let required = |name: &str| schema["required"].as_array().is_some_and(|names| names.iter().any(|required| required == name));
    table(
        ["field", "type", "always", "meaning"],
        schema["properties"].as_object().into_iter().flatten().map(|(name, field)| {
            let always = if required(name) { "yes" } else { "" };
            [code(name), kind(field), always.to_owned(), sentence(field["description"].as_str().unwrap_or_default())]
        }),
    )
}

/// A type in words.
fn kind(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap_or_default();
        return format!("[{name}](#{})", name.to_lowercase());
    }
    if let Some(word) = schema.get("const") {
        return code(word);
    }
    if let Some(words) = schema["enum"].as_array() {
        return words.iter().map(|word| code(word.as_str().unwrap_or_default())).collect::<Vec<_>>().join(", ");
    }
    for several in ["oneOf", "anyOf", "allOf"] {
        if let Some(forms) = schema[several].as_array() {
            let forms: Vec<String> = forms.iter().map(kind).collect();
            return forms.join(if several == "allOf" { " and " } else { " or " });
        }
    }
    match schema["type"].as_str() {
        Some("array") => format!("list of {}", kind(&schema["items"])),
        Some("object") if schema["additionalProperties"].is_object() => format!("object of {}", kind(&schema["additionalProperties"])),
        Some(word) => word.to_owned(),
        None => match schema["type"].as_array() {
            Some(words) => words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
            None => "any JSON".to_owned(),
        },
    }
}

//! `/openapi.json`: every verb of the registry as OpenAPI 3.1 describes it.

use oarlock_client::gateway::{AccessVerb, CreatedKey, GoneKeys, ListedKeys, NewKey, RevokedKeys, header};
use oarlock_model::ErrorCode;
use oarlock_ops::schema::SchemaOf;
use oarlock_ops::{registry, schema};
use serde_json::{Map, Value, json};
use std::sync::OnceLock;

/// The document as text; it never changes.
pub(super) fn text() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| document().to_string())
}

/// The document.
pub(crate) fn document() -> Value {
    let mut shared = schema::Shared::default();
    let mut paths = Map::new();
    for entry in registry::ENTRIES {
        let request = shared.request(entry.request_schema);
        let reply = shared.reply(entry.reply_schema);
        let operation = json!({
            "operationId": entry.verb.replace('-', "_"),
            "summary": entry.about,
            "parameters": parameters(),
            "requestBody": {"content": {"application/json": {"schema": request}}},
            "responses": responses(&reply),
        });
        paths.insert(format!("/v1/{}", entry.verb), json!({"post": operation}));
    }
    paths["/v1/events"]["get"] = json!({
        "operationId": "follow_events",
        "summary": "Follow the log as server-sent events; each has the cursor as its id, the kind as its type, EVENT as its data",
        "parameters": [
            {"name": "after", "in": "query", "schema": {"type": "string"}, "description": "Go on after this cursor"},
            {"name": "kind", "in": "query", "schema": {"type": "string"}, "description": "Only these kinds, comma separated"},
            {"name": "Last-Event-ID", "in": "header", "schema": {"type": "string"}, "description": "As after; goes before it"},
        ],
        "responses": {"200": {"description": "The stream", "content": {"text/event-stream": {"schema": {"type": "string"}}}}, "default": {"$ref": "#/components/responses/Error"}},
    });
    for verb in AccessVerb::ALL {
        let (summary, request, reply): (_, SchemaOf, SchemaOf) = match verb {
            AccessVerb::Create => ("Make an access key; it is shown once", schema::of::<NewKey>, schema::of::<CreatedKey>),
            AccessVerb::List => {
                ("List the access keys that the caller may see", schema::of::<Map<String, Value>>, schema::of::<ListedKeys>)
            }
            AccessVerb::Revoke => {
                ("Revoke access keys, by id or name, and those made by them", schema::of::<RevokedKeys>, schema::of::<GoneKeys>)
            }
        };
        let (request, reply) = (shared.request(request), shared.reply(reply));
        let operation = json!({
            "operationId": verb.path().replace('-', "_"),
            "summary": summary,
            "requestBody": {"content": {"application/json": {"schema": request}}},
            "responses": {
                "200": {"description": "Done", "content": {"application/json": {"schema": reply}}},
                "default": {"$ref": "#/components/responses/Error"},
            },
        });
        paths.insert(format!("/v1/{}", verb.path()), json!({ "post": operation }));
    }
    let open = |summary: &str, kind: &str| json!({"get": {"summary": summary, "security": [], "responses": {"200": {"description": summary, "content": {kind: {}}}}}});
    paths.insert("/healthz".into(), open("Whether the gateway runs", "application/json"));
    paths.insert("/openapi.json".into(), open("This document", "application/json"));
    let metrics = json!({"get": {"summary": "Counters for Prometheus", "responses": {"200": {"description": "The counters", "content": {"application/openmetrics-text": {}}}}}});
    paths.insert("/metrics".into(), metrics);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Oarlock",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Coordination for coding agents that work on one repository. Each verb of the command line is a POST; \
                its flags and operands are fields, durations are texts such as \"15m\".",
        },
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": shared.into_definitions(),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "An access key; `oarlock serve` names the file with that of its user, `oarlock access create` makes others"}},
            "responses": {"Error": {"description": "A refusal or a failure", "content": {"application/json": {"schema": error_schema()}}}},
        },
    })
}

fn parameters() -> Value {
    let parameter = |name: &str, about: &str| json!({"name": name, "in": "header", "schema": {"type": "string"}, "description": about});
    json!([
        parameter(header::AGENT, "The caller's name; also the field `as`"),
        parameter(header::SESSION, "The caller's session; also the field `session`"),
        parameter(
            header::KEY,
            "Idempotency key: the same call again gives the same reply; also the field `idempotency_key`, or `key` where the verb has no such field"
        ),
        parameter(header::PREFER, "`wait=SECONDS`: answer 202 after this time, though the call would wait on"),
        parameter(header::WAITED, "How long the call has waited before, in milliseconds, as the 202 said"),
    ])
}

fn responses(reply: &Value) -> Value {
    json!({
        "200": {"description": "Done", "content": {"application/json": {"schema": reply}}},
        "202": {"description": "It still waits: ask again", "content": {"application/json": {"schema": {
            "type": "object", "properties": {"waiting": {"const": true}, "waited_ms": {"type": "integer"}}, "required": ["waiting", "waited_ms"],
        }}}},
        "default": {"$ref": "#/components/responses/Error"},
    })
}

fn error_schema() -> Value {
    let codes: Vec<&str> = ErrorCode::ALL.iter().map(|code| code.word()).collect();
    json!({
        "type": "object",
        "required": ["error"],
        "properties": {"error": {
            "type": "object",
            "required": ["code", "message", "hint", "retryable"],
            "properties": {
                "code": {"enum": codes},
                "message": {"type": "string"},
                "hint": {"type": "string", "description": "What to do next"},
                "retryable": {"type": "boolean"},
                "retry_after_ms": {"type": "integer"},
                "details": {"type": "object", "description": "Facts for programs"},
            },
        }},
    })
}

//! Calls that the door makes in several pieces: lists whose long texts are not printed, where a page ends early because of them, and
//! `ack --from`, which goes step by step.

use oarlock_model::limits::PAGE_ITEMS_DEFAULT;
use oarlock_ops::OpError;
use oarlock_ops::call::Caller;
use oarlock_ops::registry::{Call, Entry};
use serde_json::{Value, json};

use super::exec::Door;
use super::output::Output;

/// Characters of a text in an event's line; what is cut off would not be printed.
const EVENT_TEXT_CHARS: usize = 200;

/// A list of a reply.
struct List {
    verb: &'static str,
    field: &'static str,
    /// Whether each further page comes before the one that was read, not after it.
    goes_back: bool,
    /// Whether the text for people has a line for each item, without the long texts.
    is_table: bool,
}

const fn list(verb: &'static str, field: &'static str, goes_back: bool, is_table: bool) -> List {
    List { verb, field, goes_back, is_table }
}

const LISTS: [List; 9] = [
    list("tasks", "tasks", false, true),
    list("ready", "tasks", false, true),
    list("task", "events", true, true),
    list("events", "events", false, true),
    list("inbox", "messages", true, false),
    list("thread", "messages", false, false),
    list("state", "entries", false, false),
    list("reservations", "reservations", false, true),
    list("agents", "agents", false, true),
];

/// Makes a call, and goes on as long as only the size of texts that are not printed has cut the list.
///
/// # Errors
/// Those of the call.
pub(super) fn call(entry: &Entry, call: &dyn Call, door: &mut Door<'_>, caller: &Caller, output: &Output) -> Result<Value, OpError> {
    let mut reply = door(entry.verb, call, caller)?;
    while entry.verb == "ack" && reply["more"] == true {
        // The key of the call is that of its first step; a message is acknowledged once, however often that is said.
        let before = reply["acknowledged"].as_u64().unwrap_or(0);
        reply = door(entry.verb, call, &Caller { key: None, ..caller.clone() })?;
        reply["acknowledged"] = json!(before + reply["acknowledged"].as_u64().unwrap_or(0));
    }
    let Some(list) = LISTS.iter().find(|list| list.verb == entry.verb) else { return Ok(reply) };
    if output.json || !(output.quiet || list.is_table) || reply["next"].is_null() {
        return Ok(reply);
    }
    let mut request = call.to_json()?;
    let limit = request["limit"].as_u64().unwrap_or(PAGE_ITEMS_DEFAULT as u64);
    if let Some(request) = request.as_object_mut() {
        request.remove("wait");
    }
    // An idempotency key is that of the first page: what follows only reads.
    let reader = Caller { key: None, ..caller.clone() };
    // What was not shown before begins with the oldest, unlike the rest of an inbox.
    let goes_back = list.goes_back && request["new"] != true;
    let mut items = take(&mut reply, list, output.quiet);
    while let (Some(next), true) = (reply["next"].as_str(), (items.len() as u64) < limit) {
        request["after"] = json!(next);
        request["limit"] = json!(limit - items.len() as u64);
        let mut page = door(entry.verb, &*(entry.from_json)(request.clone())?, &reader)?;
        let more = take(&mut page, list, output.quiet);
        if goes_back {
            items.splice(0..0, more);
        } else {
            items.extend(more);
        }
        for field in ["next", "cursor", "older"] {
            match page.get_mut(field) {
                Some(value) => reply[field] = value.take(),
                None => drop(reply.as_object_mut().and_then(|reply| reply.remove(field))),
            }
        }
    }
    reply[list.field] = Value::Array(items);
    Ok(reply)
}

/// The items of a page, without what is not printed: many pages are kept before the first line is.
fn take(page: &mut Value, list: &List, quiet: bool) -> Vec<Value> {
    let Value::Array(mut items) = page[list.field].take() else { return Vec::new() };
    for item in items.iter_mut().filter_map(Value::as_object_mut) {
        let drops: &[&str] = match list.field {
            "tasks" => &["body", "result", "part_results", "rejected", "last_failure"],
            "messages" if quiet => &["text"],
            "events" if quiet => &["data"],
            "entries" if quiet => &["value"],
            _ => &[],
        };
        drops.iter().for_each(|field| drop(item.remove(*field)));
        if let (true, Some(Value::Object(data))) = (list.field == "events", item.get_mut("data")) {
            data.values_mut().for_each(cut);
        }
    }
    items
}

/// Cuts a text that would be cut for its line anyway.
fn cut(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some((at, _)) = text.char_indices().nth(EVENT_TEXT_CHARS) {
                text.truncate(at);
            }
        }
        Value::Object(fields) => fields.values_mut().for_each(cut),
        _ => {}
    }
}

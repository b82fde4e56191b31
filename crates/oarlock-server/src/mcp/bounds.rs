//! The bound of an answer to a model. Lists go on with `next`; long texts are cut, and say how much is missing; a cut text says where all
//! of it is. A claimed task's body is never cut, and no message is left out that counts as read.

use oarlock_model::limits::MODEL_ANSWER_BYTES_MAX;
use oarlock_model::seeded;
use oarlock_ops::agent::Agents;
use oarlock_ops::message::ReaderRoom;
use oarlock_ops::request::Request as _;
use oarlock_ops::state::GetState;
use oarlock_ops::task::Tasks;
use serde_json::{Map, Value, json};

/// Bytes of an answer beside the reply: the protocol's own, and the note about cuts.
const FRAME_BYTES: usize = 600;

/// The space of an inbox: a reply is in an answer twice, as text and as structured content, and quotes of the text are escaped.
pub(super) const INBOX_ROOM: ReaderRoom = ReaderRoom { bytes: 7_500, text_bytes: 1_200, frame_bytes: 260 };

/// Items of a list when a model names no number: about what fits.
const LIST_ITEMS_DEFAULT: usize = 30;

/// Fields of an object that a user's JSON may have.
const FIELDS_MAX: usize = 60;

/// How much of a reply is left: bytes of a text, items of a list, levels of nested values.
#[derive(Clone, Copy)]
struct Cut {
    text_bytes: usize,
    items: usize,
    depth: usize,
}

/// From much left to little; the first that fits is taken.
const CUTS: [Cut; 6] = [
    Cut { text_bytes: 4_000, items: 300, depth: 16 },
    Cut { text_bytes: 1_500, items: 100, depth: 12 },
    Cut { text_bytes: 600, items: 40, depth: 10 },
    Cut { text_bytes: 240, items: 20, depth: 8 },
    Cut { text_bytes: 100, items: 8, depth: 7 },
    Cut { text_bytes: 30, items: 4, depth: 6 },
];

/// The verbs of lists that a model pages through. Asking again for fewer items changes nothing.
const LISTS: [&str; 3] = [Tasks::VERB, Agents::VERB, GetState::VERB];

/// The request with what bounds its reply from the start.
pub(super) fn request(verb: &str, request: &mut Map<String, Value>) {
    if LISTS.contains(&verb) {
        request.entry("limit").or_insert(json!(LIST_ITEMS_DEFAULT));
    }
    if verb == "inbox" {
        request.insert("room".into(), json!(INBOX_ROOM));
    }
}

/// How many of the items of a list fit, when its reply is too long for all of them; none for a reply that needs no other request.
pub(super) fn fewer_items(items: &[Value]) -> Option<usize> {
    let cut = Cut { text_bytes: 240, items: 20, depth: 8 };
    let mut left = room();
    let fit = items
        .iter()
        .take_while(|item| {
            let bytes = bytes_of(&shortened(item, cut, 1, &mut Vec::new(), ""));
            let has_room = bytes <= left;
            left = left.saturating_sub(bytes);
            has_room
        })
        .count();
    Some(fit.max(1)).filter(|fit| *fit < items.len() && items.len() > 1)
}

/// Whether a reply is short enough as it is.
pub(super) fn is_short(reply: &Value) -> bool {
    seeded::is(seeded::MCP_ANSWER_UNBOUNDED) || fits(reply)
}

/// Cuts too long parts of a reply.
pub(super) fn reply(verb: &str, mut reply: Value) -> Value {
    if is_short(&reply) {
        return reply;
    }
    let bodies = take_bodies(&mut reply);
    let shorter = CUTS.iter().map(|cut| {
        let mut lists = Vec::new();
        let mut short = shortened(&reply, *cut, 0, &mut lists, "");
        if let Value::Object(fields) = &mut short {
            let what = if fields.contains_key("error") { "error" } else { verb };
            fields.insert("cut".into(), note(what, &lists).into());
        }
        short
    });
    let mut short = if fits(&reply) { reply } else { first_that_fits(shorter) };
    give_bodies(&mut short, bodies);
    short
}

/// The first of these that fits, or else the last.
fn first_that_fits(shorter: impl Iterator<Item = Value>) -> Value {
    let mut last = Value::Null;
    for short in shorter {
        last = short;
        if fits(&last) {
            break;
        }
    }
    last
}

/// The note about a cut, and where the whole text is.
fn note(verb: &str, lists: &[String]) -> String {
    let whole = match verb {
        "inbox" => "texts are cut; `oarlock thread ID` shows all of one; `after` with `next` leads to other messages",
        "error" => "`oarlock thread ID` shows all of a message; the same command with --json shows all of the rest",
        "tasks" => "texts are cut; `oarlock task ID` shows all of one; `after` with `next` leads to the rest",
        "agents" => "`oarlock agent NAME` shows all of one; `after` with `next` leads to the rest",
        "claim" | "done" => "the task's body is whole; `oarlock task ID` shows all of the rest",
        "split" => "tasks with this parent lists all parts; `oarlock split ID --dry-run --json` shows all of a plan",
        "sync" | "state" => "`oarlock state KEY` shows all of an entry",
        "reserve" => "`oarlock reservations` shows all",
        _ => "the same command with --json shows all",
    };
    if lists.is_empty() { whole.to_owned() } else { format!("{}; {whole}", lists.join(", ")) }
}

fn room() -> usize {
    MODEL_ANSWER_BYTES_MAX - FRAME_BYTES
}

fn fits(reply: &Value) -> bool {
    bytes_of(reply) <= room()
}

/// The size of a value in an answer: once as structured content, once as text inside of JSON.
fn bytes_of(value: &Value) -> usize {
    let mut counted = Bytes::default();
    // Counting cannot fail, and a value has no keys that are no text.
    let _ = serde_json::to_writer(&mut counted, value);
    2 * counted.all + counted.escaped + 2
}

/// Counts the bytes of JSON, and those that get a backslash when it is quoted: JSON has no others that would have to be escaped.
#[derive(Default)]
struct Bytes {
    all: usize,
    escaped: usize,
}

impl std::io::Write for Bytes {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.all += bytes.len();
        self.escaped += bytes.iter().filter(|byte| matches!(byte, b'"' | b'\\')).count();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The tasks of a reply that were just claimed.
const CLAIMED: [&str; 2] = ["/task", "/claimed/task"];

fn take_bodies(reply: &mut Value) -> Vec<(String, Value)> {
    let many = reply["claims"].as_array().map_or(0, Vec::len);
    let is_claim = reply.get("lease").is_some();
    let tasks = CLAIMED.iter().map(|at| (*at).to_owned()).chain((0..many).map(|n| format!("/claims/{n}/task")));
    let tasks: Vec<String> = tasks.filter(|at| at != "/task" || is_claim).collect();
    let mut bodies = Vec::new();
    for at in tasks {
        if let Some(body) = reply.pointer_mut(&at).and_then(Value::as_object_mut).and_then(|task| task.remove("body")) {
            bodies.push((at, body));
        }
    }
    bodies
}

fn give_bodies(reply: &mut Value, bodies: Vec<(String, Value)>) {
    for (at, body) in bodies {
        if let Some(task) = reply.pointer_mut(&at).and_then(Value::as_object_mut) {
            task.insert("body".into(), body);
        }
    }
}

/// The rest of a value; `lists` gets a line for each list that was cut. Only the rest is copied: the whole may be large.
fn shortened(value: &Value, cut: Cut, depth: usize, lists: &mut Vec<String>, name: &str) -> Value {
    if depth >= cut.depth && (value.is_array() || value.is_object()) {
        return "… (nested deeper)".into();
    }
    match value {
        // A cursor that is cut leads nowhere.
        Value::String(text) if text.len() > cut.text_bytes && !matches!(name, "next" | "cursor" | "id") => {
            let end = text.floor_char_boundary(cut.text_bytes);
            format!("{}… (and {} more bytes)", &text[..end], text.len() - end).into()
        }
        Value::Array(items) => {
            // Shown messages count as read, and shown claims as taken: all of these are shown.
            let is_cut = items.len() > cut.items && !matches!(name, "messages" | "claims");
            if is_cut && lists.len() < 5 {
                lists.push(format!("{name}: {} of {}", cut.items, items.len()));
            }
            let left = if is_cut { cut.items } else { items.len() };
            items.iter().take(left).map(|item| shortened(item, cut, depth + 1, lists, "")).collect()
        }
        Value::Object(fields) => {
            let is_cut = fields.len() > FIELDS_MAX;
            let left = if is_cut { FIELDS_MAX } else { fields.len() };
            let short = fields.iter().take(left).map(|(name, value)| (name.clone(), shortened(value, cut, depth + 1, lists, name)));
            let more = is_cut.then(|| ("…".to_owned(), format!("and {} more fields", fields.len() - left).into()));
            let short: Map<String, Value> = short.collect();
            Value::Object(short.into_iter().chain(more).collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_reply_stays_as_it_is() {
        let short = json!({"messages": [{"id": "M-1", "text": "hi"}], "next": "5-a"});
        assert_eq!(reply("inbox", short.clone()), short);
        assert_eq!(fewer_items(&[json!({"id": "T-1"}), json!({"id": "T-2"})]), None);
        assert_eq!(fewer_items(&[json!("x".repeat(1 << 20))]), None, "one item is all that can be asked for");
    }

    #[test]
    fn a_claims_body_is_whole_and_all_else_is_bounded() {
        let body = "b".repeat(1 << 20);
        let long = "r".repeat(1 << 20);
        let claim = |body: &str| json!({"task": {"id": "T-1", "body": body, "part_results": long, "writes": vec!["src/**"; 900]}, "lease": {"token": 4}});
        let short = reply("claim", claim(&body));
        assert_eq!(short["task"]["body"], body.as_str());
        let rest = reply("claim", claim(""));
        assert!(bytes_of(&rest) <= room() && rest["lease"]["token"] == 4, "{rest}");
        assert!(rest["cut"].as_str().is_some_and(|note| note.contains("writes: ") && note.contains("oarlock task ID")), "{rest}");
        let next = reply("done", json!({"task": {"id": "T-1"}, "claimed": claim(&body)}));
        assert_eq!(next["claimed"]["task"]["body"], body.as_str());
        let many = reply("claim", json!({"claims": [claim(&body), claim(&body)]}));
        assert_eq!(many["claims"][1]["task"]["body"], body.as_str());
    }

    #[test]
    fn every_message_that_counts_as_read_is_there() {
        let message =
            |n: usize| json!({"id": format!("M-{n}"), "to": vec!["a-long-name-of-an-agent"; 1_000], "text": "\"\n".repeat(1 << 16)});
        let messages: Vec<Value> = (0..20).map(message).collect();
        for (verb, found) in [
            ("inbox", reply("inbox", json!({"messages": messages, "next": "5/7/ada-k3"}))),
            ("claim", reply("claim", json!({"error": {"code": "messages_waiting", "details": {"messages": messages}}}))),
        ] {
            let shown = found.get("messages").unwrap_or(&found["error"]["details"]["messages"]);
            assert_eq!(shown.as_array().map(Vec::len), Some(20), "{verb}");
            assert!(bytes_of(&found) <= room(), "{verb}: {} bytes", bytes_of(&found));
        }
        assert_eq!(reply("inbox", json!({"messages": messages, "next": "5/7/ada-k3"}))["next"], "5/7/ada-k3");
    }

    #[test]
    fn whatever_a_user_keeps_is_bounded() {
        let mut deep = json!("x".repeat(200));
        for _ in 0..40 {
            deep = json!([deep.clone(), deep["no"]]);
        }
        let wide: Map<String, Value> = (0..5_000).map(|n| (format!("field-{n}"), json!(vec![n; 50]))).collect();
        for value in [deep, Value::Object(wide), json!(vec![vec!["x".repeat(500); 50]; 50])] {
            let found = reply("sync", json!({"state": {"key": "agent/ada", "version": 3, "value": value}}));
            assert!(bytes_of(&found) <= room() && found["state"]["version"] == 3, "{} bytes", bytes_of(&found));
        }
    }

    #[test]
    fn bytes_are_counted_as_they_are_written() {
        for value in [json!("a\"b\\c\n\u{1}é\u{7f}\u{2028}"), json!({"k\"": [1, -2.5, null, true, {"x": "\t"}], "": []}), json!([])] {
            let text = value.to_string();
            assert_eq!(bytes_of(&value), text.len() + Value::String(text.clone()).to_string().len(), "{text}");
        }
    }

    #[test]
    fn a_list_that_is_too_long_is_asked_for_again() {
        let task = json!({"id": "T-1", "title": "t".repeat(200), "body": "b".repeat(1 << 20), "state": "ready"});
        let tasks = vec![task; 30];
        let fewer = fewer_items(&tasks).expect("it does not fit");
        assert!((5..30).contains(&fewer), "{fewer}");
        let kept = json!({"tasks": tasks[..fewer].to_vec(), "next": "x"});
        let short = reply("tasks", kept);
        assert_eq!(short["tasks"].as_array().map(Vec::len), Some(fewer));
        assert!(bytes_of(&short) <= room() && short["cut"].is_string(), "{} bytes", bytes_of(&short));
    }
}

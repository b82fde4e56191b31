//! Finding the one JSON object in what a program printed: alone, in a fence, between sentences, or wrapped by a client.

use serde_json::{Map, Value};

/// Most places at which an object is looked for: hostile output must not cost more.
const BEGINS_MAX: usize = 2_000;
/// How deep answers may be wrapped.
const WRAPS_MAX: usize = 3;

/// The one object in `output` that has the field `key`.
///
/// # Errors
/// There is none, or there are several that differ: one line that says so to the planner that answered.
pub(crate) fn object(output: &str, key: &str) -> Result<Map<String, Value>, String> {
    if output.trim().is_empty() {
        return Err("nothing was printed on standard output".to_owned());
    }
    let mut texts = vec![output.to_owned()];
    let mut objects = 0;
    for _ in 0..WRAPS_MAX {
        let found: Vec<Map<String, Value>> = texts.iter().flat_map(|text| objects_in(text)).collect();
        objects += found.len();
        let mut answers: Vec<&Map<String, Value>> = found.iter().filter(|object| object.contains_key(key)).collect();
        answers.dedup();
        match answers[..] {
            [answer] => return Ok(answer.clone()),
            [] => texts = found.iter().filter_map(wrapped).collect(),
            _ => return Err(format!("there are {} JSON objects with \"{key}\"; answer with exactly one", answers.len())),
        }
    }
    Err(match torn(output, key) {
        Some(error) => format!("the JSON object is not valid: {error}"),
        None if objects == 0 => "there is no JSON object in the answer".to_owned(),
        None => format!("no JSON object of the answer has the field \"{key}\""),
    })
}

/// Where an answer breaks off that begins like one.
fn torn(output: &str, key: &str) -> Option<serde_json::Error> {
    let begin = output[..output.find(&format!("\"{key}\""))?].rfind('{')?;
    serde_json::from_str::<Value>(output[begin..].trim_end_matches(['`', '\n', ' '])).err()
}

/// The objects that stand in a text, none within another.
fn objects_in(text: &str) -> Vec<Map<String, Value>> {
    let mut out = Vec::new();
    let mut at = 0;
    for _ in 0..BEGINS_MAX {
        let Some(begin) = text[at..].find('{').map(|begin| at + begin) else { break };
        let mut values = serde_json::Deserializer::from_str(&text[begin..]).into_iter::<Value>();
        match values.next() {
            Some(Ok(Value::Object(object))) => {
                out.push(object);
                at = begin + values.byte_offset();
            }
            _ => at = begin + 1,
        }
    }
    out
}

/// The text that a client has wrapped into an object of its own: in its result, in the message of an event, or in a part of one.
fn wrapped(object: &Map<String, Value>) -> Option<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let below = |field: &str| object.get(field)?.get("text").and_then(text);
    ["result", "response", "text"]
        .iter()
        .find_map(|field| object.get(*field).and_then(text))
        .or_else(|| below("item"))
        .or_else(|| below("part"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(output: &str) -> Result<usize, String> {
        object(output, "steps").map(|object| object["steps"].as_array().map_or(0, Vec::len))
    }

    #[test]
    fn an_answer_is_found_alone_in_a_fence_between_sentences_and_wrapped() {
        let plan = r#"{"steps":[{"n":1}],"needs":[]}"#;
        let quoted = serde_json::to_string(plan).expect("a text");
        for output in [
            plan.to_owned(),
            format!("Here is the plan {{as asked}}:\n```json\n{plan}\n```\nIt has {{1}} step."),
            format!("{plan}\n{plan}\n"),
            format!(r#"{{"type":"result","subtype":"success","result":{quoted}}}"#),
            format!(
                "{{\"type\":\"thread.started\"}}\n{{\"type\":\"item.completed\",\"item\":{{\"type\":\"agent_message\",\"text\":{quoted}}}}}\n"
            ),
            format!(r#"{{"type":"text","part":{{"text":{quoted}}}}}"#),
        ] {
            assert_eq!(steps(&output), Ok(1), "{output}");
        }
    }

    #[test]
    fn what_is_no_single_answer_is_named() {
        for (output, part) in [
            ("", "nothing was printed"),
            ("I cannot do that.", "no JSON object"),
            (r#"{"steps":[{"n":1}"#, "is not valid: EOF"),
            (r#"{"needs":[]}"#, "the field \"steps\""),
            (r#"{"steps":[]} or else {"steps":[1]}"#, "2 JSON objects"),
            (r#"{"result":"not logged in"}"#, "the field \"steps\""),
        ] {
            let error = steps(output).expect_err(output);
            assert!(error.contains(part), "{output}: {error}");
        }
    }

    #[test]
    fn hostile_output_ends_soon() {
        for piece in ["{", "{\"a\":", "{\"a\":[", "{\"steps\":[{", "\u{2028}{{"] {
            assert!(steps(&piece.repeat(200_000)).is_err());
        }
    }
}

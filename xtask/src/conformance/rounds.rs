//! Calls that need something of the client before they can end, in the way of 2026: the answer says what, and the client calls
//! again with it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use rmcp::model::{ClientCapabilities, InputRequiredResult, InputResponses};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::{Value, json};

use super::shared::{Answer, Shared, internal};

/// The tool that leaves out what the client cannot give.
const MODEST: &str = "test_input_required_result_capabilities";

/// The next step in a call.
pub(super) enum Step {
    /// The client has to answer this.
    Ask(InputRequiredResult),
    /// All is known; this is to be said.
    Done(String),
}

/// The parts of a repeated call: the state that it was given, and the answers.
pub(super) type Retry<'a> = (Option<&'a str>, Option<&'a InputResponses>);

/// The server's memory of calls that are to be made again. A client gets a handle nobody can guess, for one use.
#[derive(Default)]
pub(super) struct States(Mutex<BTreeMap<String, (String, usize)>>);

impl States {
    fn keep(&self, name: &str, round: usize) -> String {
        let handle = format!("{:032x}", fastrand::u128(..));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(handle.clone(), (name.to_owned(), round));
        handle
    }

    fn take(&self, name: &str, handle: &str) -> Answer<usize> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(handle);
        let round = kept.filter(|(of, _)| of == name).map(|(_, round)| round);
        round.ok_or_else(|| ErrorData::invalid_params("requestState is not one of this server", None))
    }
}

/// A tool or a prompt that asks.
struct Asking {
    /// In each round requests by their keys.
    rounds: Vec<Value>,
    /// Rounds are distinguished by a state.
    has_state: bool,
}

/// A request for the user.
pub(super) fn elicitation(message: &str, schema: &Value) -> Value {
    json!({"method": "elicitation/create", "params": {"mode": "form", "message": message, "requestedSchema": schema}})
}

/// A request for the client's model.
pub(super) fn sampling(prompt: &str, tokens_max: u32) -> Value {
    let messages = json!([{"role": "user", "content": {"type": "text", "text": prompt}}]);
    json!({"method": "sampling/createMessage", "params": {"messages": messages, "maxTokens": tokens_max}})
}

fn roots() -> Value {
    json!({"method": "roots/list", "params": {}})
}

/// A request for one required field.
fn field(message: &str, field: &str, kind: &str) -> Value {
    elicitation(message, &json!({"type": "object", "properties": {field: {"type": kind}}, "required": [field]}))
}

fn asking(name: &str) -> Option<Asking> {
    let user_name = || field("What is your name?", "name", "string");
    let (rounds, has_state) = match name {
        "test_input_required_result_elicitation" | "test_streaming_elicitation" => (vec![json!({"user_name": user_name()})], false),
        "test_input_required_result_sampling" => {
            (vec![json!({"capital_question": sampling("What is the capital of France?", 100)})], false)
        }
        "test_input_required_result_list_roots" => (vec![json!({"client_roots": roots()})], false),
        "test_input_required_result_request_state" | "test_input_required_result_tampered_state" => {
            (vec![json!({"confirm": field("Please confirm", "ok", "boolean")})], true)
        }
        "test_input_required_result_multiple_inputs" => {
            let greeting = sampling("Generate a greeting", 50);
            (vec![json!({"user_name": user_name(), "greeting": greeting, "client_roots": roots()})], true)
        }
        "test_input_required_result_multi_round" => {
            let first = json!({"step1": field("Step 1: What is your name?", "name", "string")});
            let second = json!({"step2": field("Step 2: What is your favorite color?", "color", "string")});
            (vec![first, second], true)
        }
        MODEST => {
            let question = sampling("What is the capital of France?", 100);
            (vec![json!({"user_name": user_name(), "capital_question": question, "client_roots": roots()})], false)
        }
        "test_input_required_result_prompt" => {
            (vec![json!({"user_context": field("What context should the prompt use?", "context", "string")})], false)
        }
        _ => return None,
    };
    Some(Asking { rounds, has_state })
}

/// The next step when `name` is called; none when it does not ask.
///
/// # Errors
/// The state is not the server's, or the client cannot give the needed answer.
pub(super) fn step(shared: &Shared, name: &str, retry: Retry<'_>, context: &RequestContext<RoleServer>) -> Answer<Option<Step>> {
    let Some(asking) = asking(name) else { return Ok(None) };
    let (state, answers) = retry;
    let round = match state {
        Some(handle) if asking.has_state => shared.states.take(name, handle)?,
        _ => 0,
    };
    let mut requests = asking.rounds.get(round).cloned().unwrap_or_default();
    if name == MODEST
        && let Value::Object(requests) = &mut requests
    {
        requests.retain(|_, request| require(context, capability(request)).is_ok());
    }
    // Answers without the state that belongs to them are answers to nothing.
    let answers = answers.filter(|_| state.is_some() || !asking.has_state);
    let is_answered =
        |(key, request): (&String, &Value)| answers.and_then(|answers| answers.get(key)).is_some_and(|answer| answers_to(request, answer));
    let is_complete = requests.as_object().into_iter().flatten().all(is_answered);
    let next = if is_complete { round + 1 } else { round };
    if next == asking.rounds.len() {
        return Ok(Some(Step::Done(conclusion(name, &json!(answers)))));
    }
    if is_complete {
        requests = asking.rounds.get(next).cloned().unwrap_or_default();
    }
    requests.as_object().into_iter().flatten().try_for_each(|(_, request)| require(context, capability(request)))?;
    let state = asking.has_state.then(|| shared.states.keep(name, next));
    Ok(Some(Step::Ask(InputRequiredResult::new(Some(serde_json::from_value(requests).map_err(internal)?), state))))
}

fn conclusion(name: &str, answers: &Value) -> String {
    let user = &answers["user_name"]["content"]["name"];
    match (name, user) {
        ("test_input_required_result_elicitation", Value::String(user)) => format!("Hello, {user}!"),
        ("test_input_required_result_request_state", _) => "state-ok".into(),
        _ => format!("The client answered: {answers}"),
    }
}

/// Whether an answer is one to this request.
fn answers_to(request: &Value, answer: &Value) -> bool {
    match capability(request) {
        "elicitation" => match answer["action"].as_str() {
            Some("accept") => {
                let required = request["params"]["requestedSchema"]["required"].as_array().into_iter().flatten();
                required.filter_map(Value::as_str).all(|field| answer["content"].get(field).is_some())
            }
            Some("decline" | "cancel") => true,
            _ => false,
        },
        "sampling" => answer["content"].is_object() || answer["content"].is_array(),
        _ => answer["roots"].is_array(),
    }
}

/// The capability of a client that a request needs.
fn capability(request: &Value) -> &'static str {
    match request["method"].as_str() {
        Some("elicitation/create") => "elicitation",
        Some("sampling/createMessage") => "sampling",
        _ => "roots",
    }
}

/// Insists on a capability of the client.
///
/// # Errors
/// The client did not declare it.
pub(super) fn require(context: &RequestContext<RoleServer>, capability: &str) -> Answer<()> {
    let declared = json!(context.client_capabilities());
    if declared[capability].is_object() {
        return Ok(());
    }
    let required: ClientCapabilities = serde_json::from_value(json!({capability: {}})).map_err(internal)?;
    Err(ErrorData::missing_required_client_capability(required))
}

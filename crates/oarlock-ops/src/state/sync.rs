//! `sync`: merges into the caller's own entry `agent/NAME`.

use clap::Args;
use oarlock_model::{Rejection, StateKey};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::OpError;
use crate::caller::{Caller, Identity};
use crate::context::Deciding;
use crate::local::Local;
use crate::lock::Lock;
use crate::request::{Mutation, Request};
use crate::state::set::{self, EntryReply};
use crate::task::values;

/// Merge values into your own state entry, `agent/NAME`. Only you write it; every agent can read it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Sync {
    /// KEY=TEXT sets a text, KEY:=JSON any value (null removes the key)
    #[arg(value_name = "KEY=TEXT")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<String>,
    /// A JSON object to merge (RFC 7396)
    #[arg(long, value_name = "JSON", value_parser = set::json_argument)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Map<String, Value>>")]
    pub merge: Option<Value>,
}

impl Request for Sync {
    const VERB: &'static str = "sync";
    const ABOUT: &'static str = "Merge values into your own state entry";
    const EXAMPLE: &'static [&'static str] = &["phase=testing", "passed:=12"];
    const IDENTITY: Identity = Identity::Needed;
    type Reply = EntryReply;

    fn localise(&mut self, local: &mut dyn Local) -> Result<(), OpError> {
        self.merge.as_mut().map_or(Ok(()), |merge| set::read_if_dash(merge, local))
    }

    fn check(&self) -> Result<(), Rejection> {
        values::check_list("values", self.set.len())?;
        if self.merge.as_ref().is_some_and(|merge| !merge.is_object()) {
            return Err(Rejection::invalid(
                "--merge is not a JSON object",
                "pass an object, for example --merge '{\"phase\":\"testing\"}'",
            ));
        }
        self.patch().map_err(|error| match error {
            OpError::Rejected(rejection) => rejection,
            other => Rejection::invalid(other.to_string(), "write KEY=TEXT or KEY:=JSON"),
        })?;
        Ok(())
    }
}

impl Mutation for Sync {
    fn locks(&self, caller: &Caller) -> Vec<Lock> {
        // Who calls may only be known by its processes: then any entry may be meant.
        vec![caller.name.as_ref().map_or(Lock::Everything, |name| Lock::Entry(StateKey::of_agent(name)))]
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<EntryReply, OpError> {
        let key = StateKey::of_agent(&cx.me()?.name);
        let version = set::writable_version(cx, &key, None)?;
        let value = set::merged(cx, &key, self.patch()?)?;
        set::write(cx, &key, value, version + 1)
    }
}

impl Sync {
    /// All that is given, as one merge patch; single fields win over `--merge`.
    fn patch(&self) -> Result<Value, OpError> {
        let mut patch = match &self.merge {
            Some(Value::Object(map)) => map.clone(),
            _ => Map::new(),
        };
        for pair in &self.set {
            let (key, value) = read_pair(pair)?;
            patch.insert(key, value);
        }
        Ok(Value::Object(patch))
    }
}

fn read_pair(pair: &str) -> Result<(String, Value), OpError> {
    let wrong = || {
        Rejection::invalid(
            format!("\"{}\" is neither KEY=TEXT nor KEY:=JSON", oarlock_model::ident::shown(pair)),
            "for example phase=testing or passed:=12",
        )
    };
    let (key, text) = pair.split_once('=').ok_or_else(wrong)?;
    let (key, value) = match key.strip_suffix(':') {
        Some(key) => (key, values::parse_json(&format!("the value of {}", oarlock_model::ident::shown(key)), text)?),
        None => (key, Value::String(text.to_owned())),
    };
    if key.is_empty() || key.chars().any(char::is_control) {
        return Err(wrong().into());
    }
    Ok((key.to_owned(), value))
}

//! Requests about access keys and their replies, the same at a gateway and beside the store itself.

use oarlock_model::duration::Duration;
use oarlock_model::rules::authority::Authority;
use oarlock_model::{AgentName, Rejection};
use oarlock_ops::OpError;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The operations on access keys. Each has a path of its own at a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessVerb {
    /// Make a key.
    Create,
    /// List keys.
    List,
    /// Revoke keys, and the keys that were made with them.
    Revoke,
}

impl AccessVerb {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Create, Self::List, Self::Revoke];

    /// Its path below `/v1/`.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Create => "access-create",
            Self::List => "access-list",
            Self::Revoke => "access-revoke",
        }
    }

    /// The verb with this path below `/v1/`.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.path() == path)
    }

    /// The request of this verb with these fields. `list` has no fields, and ignores any.
    ///
    /// # Errors
    /// `invalid_request` for a missing, unknown or malformed field.
    pub fn request(self, fields: Value) -> Result<AccessRequest, Rejection> {
        Ok(match self {
            Self::Create => AccessRequest::Create(read(fields)?),
            Self::List => AccessRequest::List,
            Self::Revoke => AccessRequest::Revoke(read(fields)?),
        })
    }

    /// The reply of this verb, or nothing if the JSON is not one.
    pub(super) fn reply(self, json: Value) -> Option<AccessReply> {
        match self {
            Self::Create => serde_json::from_value(json).map(AccessReply::Created),
            Self::List => serde_json::from_value(json).map(AccessReply::Listed),
            Self::Revoke => serde_json::from_value(json).map(AccessReply::Revoked),
        }
        .ok()
    }
}

/// A request about access keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessRequest {
    /// Make a key.
    Create(NewKey),
    /// List the keys that the caller may see.
    List,
    /// Revoke keys.
    Revoke(RevokedKeys),
}

impl AccessRequest {
    /// Its verb.
    #[must_use]
    pub fn verb(&self) -> AccessVerb {
        match self {
            Self::Create(_) => AccessVerb::Create,
            Self::List => AccessVerb::List,
            Self::Revoke(_) => AccessVerb::Revoke,
        }
    }

    /// Its fields as JSON.
    ///
    /// # Errors
    /// `internal` when they cannot be written.
    pub fn fields(&self) -> Result<Value, OpError> {
        Ok(match self {
            Self::Create(key) => serde_json::to_value(key)?,
            Self::List => Value::Object(serde_json::Map::new()),
            Self::Revoke(keys) => serde_json::to_value(keys)?,
        })
    }
}

/// A key that is to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// The agent or operator that the key speaks for.
    pub name: AgentName,
    /// The role of its bearer; `agent` if absent.
    #[serde(default = "agent")]
    pub role: Authority,
    /// The only verbs that its bearer may use; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verbs: Vec<String>,
    /// The time until it ends; absent for a key without an end.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<Duration>,
}

/// Nobody gets more than was asked for.
fn agent() -> Authority {
    Authority::Agent
}

/// The keys that are to be revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokedKeys {
    /// The id of a key, or the name that keys speak for.
    pub id: String,
}

/// One key, as it is kept and listed. It does not contain the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Access {
    /// Its id. It is not secret.
    pub id: String,
    /// The agent it speaks for, or the operator it belongs to.
    pub name: AgentName,
    /// The role of its bearer.
    pub role: Authority,
    /// The only verbs its bearer may use; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verbs: Vec<String>,
    /// The id of the key it was made with. When that key is revoked, so is this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// The time it was made, by the wall clock, in RFC 3339.
    pub created_at: String,
    /// The time it ends, by the wall clock, in milliseconds since 1970; absent for a key without an end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at_ms: Option<i64>,
}

impl Access {
    /// Whether it has not ended at this time, in milliseconds since 1970.
    #[must_use]
    pub fn lives(&self, now_ms: i64) -> bool {
        self.ends_at_ms.is_none_or(|ends_ms| now_ms < ends_ms)
    }
}

/// The reply to a request about access keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum AccessReply {
    /// A key was made.
    Created(CreatedKey),
    /// The keys that the caller may see.
    Listed(ListedKeys),
    /// Keys were revoked.
    Revoked(GoneKeys),
}

/// The reply of `access create`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CreatedKey {
    /// The new key, without its secret.
    pub access: Access,
    /// The secret. It is shown only here: the store keeps only its hash.
    pub key: String,
}

/// The reply of `access list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ListedKeys {
    /// The keys, oldest first.
    pub access: Vec<Access>,
}

/// The reply of `access revoke`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GoneKeys {
    /// The revoked keys, oldest first.
    pub revoked: Vec<Access>,
}

fn read<T: DeserializeOwned>(fields: Value) -> Result<T, Rejection> {
    serde_json::from_value(fields).map_err(|error| {
        Rejection::invalid(format!("the request cannot be read: {error}"), "see `oarlock access --help`, or /openapi.json")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_reply_of_its_own_verb_is_one() {
        let access = json!({"id": "k1", "name": "ada", "role": "agent", "created_at": "2026-01-01T00:00:00Z"});
        let replies = [json!({"access": access, "key": "oarlock_x"}), json!({"access": [access]}), json!({"revoked": [access]})];
        for (at, verb) in AccessVerb::ALL.into_iter().enumerate() {
            for (of, reply) in replies.iter().enumerate() {
                assert_eq!(verb.reply(reply.clone()).is_some(), at == of, "{verb:?} and {reply}");
            }
        }
    }

    #[test]
    fn a_request_is_the_same_after_its_way_as_json() {
        let key = NewKey {
            name: AgentName::parse("ada").expect("a name"),
            role: Authority::Operator,
            verbs: vec!["claim".into()],
            lifetime: Some(Duration::from_ms(60_000)),
        };
        for request in [AccessRequest::Create(key), AccessRequest::List, AccessRequest::Revoke(RevokedKeys { id: "ada".into() })] {
            assert_eq!(request.verb().request(request.fields().expect("JSON")), Ok(request));
        }
    }
}

//! The rights of a key that an agent makes for its helper: less than its own, or the same.

use oarlock_client::gateway::NewKey;
use oarlock_model::Rejection;
use oarlock_model::rules::authority::Authority;

use super::key::Principal;

/// The verbs of a new key; refused when it would be wider than the one it comes from.
pub(super) fn narrowed(by: &Principal, wanted: &NewKey) -> Result<Vec<String>, Rejection> {
    let Some(own) = by.name.as_ref().filter(|_| by.authority == Authority::Agent) else { return Ok(wanted.verbs.clone()) };
    let denied = |message: String| Rejection::Denied { message, hint: "ask an operator for such a key" };
    if wanted.role == Authority::Operator {
        return Err(denied("an agent cannot make an operator's key".into()));
    }
    if !wanted.name.as_str().strip_prefix(own.as_str()).is_some_and(|rest| rest.starts_with('.')) {
        return Err(denied(format!("{own} makes keys only for its own helpers, called {own}.NAME")));
    }
    match wanted.verbs.iter().find(|verb| by.check_verb(verb).is_err()) {
        Some(verb) => Err(denied(format!("{own} may not use {verb} itself"))),
        None if wanted.verbs.is_empty() => Ok(by.verbs.clone()),
        None => Ok(wanted.verbs.clone()),
    }
}

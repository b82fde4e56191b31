//! Who calls, and how: the common flags of the command line as headers or as fields of a request.

use hyper::HeaderMap;
use oarlock_client::gateway::{field, header};
use oarlock_host::process::ProcessId;
use oarlock_model::rules::authority::Authority;
use oarlock_model::{AgentName, Rejection, SessionId, limits};
use oarlock_ops::caller::Caller;
use serde_json::{Map, Value};
use std::time::Duration;

use super::access::Principal;

/// The longest wait in one piece, in seconds.
const WAIT_S_MAX: u64 = 86_400;

/// Processes above a caller, at most.
const PROCESSES_MAX: usize = 64;

/// The caller, as a request names it.
#[derive(Debug, Default)]
pub(super) struct Common {
    name: Option<AgentName>,
    session: Option<SessionId>,
    key: Option<String>,
    processes: Vec<String>,
    /// How long it has waited before.
    pub(super) waited_ms: i64,
    /// How long it waits in one piece.
    pub(super) slice: Option<Duration>,
}

/// Takes it from the headers and out of the fields of a request; what the verb has itself (`own`) stays.
///
/// # Errors
/// `invalid_request`.
pub(super) fn take(headers: &HeaderMap, fields: &mut Map<String, Value>, own: &[String]) -> Result<Common, Rejection> {
    let mut field = |name: &str| match own.iter().any(|own| own == name) {
        // A field of the verb itself.
        true => None,
        false => fields.remove(name),
    };
    let mut text = |names: &[&str], header: &str| -> Result<Option<String>, Rejection> {
        for name in names {
            match field(name) {
                Some(Value::String(text)) => return Ok(Some(text)),
                Some(Value::Null) | None => {}
                Some(_) => return Err(Rejection::invalid(format!("{name} is not a text"), "give it as a JSON string")),
            }
        }
        match headers.get(header).map(|value| value.to_str()) {
            Some(Ok(text)) => Ok(Some(text.to_owned())),
            Some(Err(_)) => Err(Rejection::invalid(format!("the header {header} is not plain text"), "use ASCII")),
            None => Ok(None),
        }
    };
    let empty_is_none = |text: Option<String>| text.filter(|text| !text.is_empty());
    let name = empty_is_none(text(&[field::AGENT], header::AGENT)?).map(|name| AgentName::parse(&name)).transpose()?;
    let session = empty_is_none(text(&[field::SESSION], header::SESSION)?).map(|session| SessionId::parse(&session)).transpose()?;
    let key = text(&[field::KEY, "key"], header::KEY)?;
    let processes = text(&[], header::PROCESSES)?.unwrap_or_default();
    let processes: Vec<String> = processes.split(',').map(str::trim).filter(|process| !process.is_empty()).map(str::to_owned).collect();
    if processes.len() > PROCESSES_MAX {
        return Err(Rejection::limit("processes above the caller", PROCESSES_MAX, processes.len()));
    }
    let waited_ms = text(&[], header::WAITED)?.map_or(Ok(0), |ms| {
        ms.parse()
            .ok()
            .filter(|ms| (0..=limits::DURATION_MS_MAX).contains(ms))
            .ok_or_else(|| Rejection::invalid("the header oarlock-waited is not a number of milliseconds", "leave it out"))
    })?;
    // A preference that is not understood is none (RFC 7240, section 2).
    let slice = text(&[], header::PREFER)?.and_then(|prefer| {
        let wait = prefer.split([',', ';']).find_map(|part| part.trim().strip_prefix("wait=")?.parse::<u64>().ok())?;
        Some(Duration::from_secs(wait.min(WAIT_S_MAX)))
    });
    Ok(Common { name, session, key, processes, waited_ms, slice })
}

/// The caller that headers alone report.
///
/// # Errors
/// `invalid_request`, `denied`.
pub(crate) fn common_of(headers: &HeaderMap, principal: &Principal) -> Result<Caller, Rejection> {
    take(headers, &mut Map::new(), &[])?.caller(principal)
}

/// A process of another machine cannot be seen from here: a session that means one is judged by its heartbeat.
pub(super) fn forget_strangers(fields: &mut Map<String, Value>) {
    let Some(owner) = fields.get("owner").filter(|owner| owner["by"] == "process") else { return };
    let boot_of = |process: ProcessId| process.boot_id;
    let theirs = owner["process"].as_str().and_then(|text| ProcessId::parse(text).ok()).map(boot_of);
    if theirs.is_none() || theirs != ProcessId::current().ok().map(boot_of) {
        fields.remove("owner");
        fields.remove("pid");
    }
}

impl Common {
    /// The caller that this principal may be.
    ///
    /// # Errors
    /// `denied` when an agent's key is used under another name.
    pub(super) fn caller(&self, principal: &Principal) -> Result<Caller, Rejection> {
        let of_session = |session: &SessionId| session.agent().or_else(|| session.bare_name());
        let given = self.name.clone().or_else(|| self.session.as_ref().and_then(of_session));
        if let Some(given) = &given {
            principal.check_name(given)?;
        }
        let name = match &principal.name {
            Some(own) => given.or_else(|| Some(own.clone())),
            None => self.name.clone(),
        };
        // A session whose id does not say whose it is proves nothing; the store compares it with the name's.
        let is_operator = principal.authority == Authority::Operator;
        Ok(Caller {
            name,
            session: self.session.clone(),
            ancestors: if is_operator { self.processes.clone() } else { Vec::new() },
            key: self.key.clone(),
            authority: principal.authority,
            root: principal.root.clone(),
        })
    }
}

//! Who calls: what a caller says of itself, and which agent and session that means (semantics 7).

use oarlock_model::agent::{Agent, SessionEnd};
use oarlock_model::rules::authority::{self, Authority, speaks_for};
use oarlock_model::{AgentName, Rejection, SessionId, StoreIdentity, seeded};

use crate::OpError;
use crate::store::{AgentView, StoreResult, View};
use std::collections::BTreeSet;

/// Who calls, as far as the caller says or shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The name it gives.
    pub name: Option<AgentName>,
    /// The session it means.
    pub session: Option<SessionId>,
    /// The processes above it, nearest first; they show who it is when it gives no name.
    pub ancestors: Vec<String>,
    /// The idempotency key of the call.
    pub key: Option<String>,
    /// Its rights on the work of others.
    pub authority: Authority,
    /// The principal whose limits count for it: the agent whose key it has, or whose helper it is by its key. None without a key of an
    /// agent.
    pub root: Option<AgentName>,
}

impl Caller {
    /// The name it gives, or the one inside its session's id.
    pub fn agent_name(&self) -> Option<AgentName> {
        self.name.clone().or_else(|| self.session.as_ref().and_then(|session| session.agent().or_else(|| session.bare_name())))
    }

    /// Whom it names, and which session it means if one. A bare name means that agent's session of now.
    ///
    /// # Errors
    /// `invalid_request` when the session is of another name.
    fn meant(&self) -> Result<(Option<AgentName>, Option<&SessionId>), Rejection> {
        let Some(session) = &self.session else { return Ok((self.name.clone(), None)) };
        if self.name.as_ref().is_some_and(|name| name.as_str() == session.as_str()) {
            return Ok((self.name.clone(), None));
        }
        let agent = session.agent();
        let meant = agent.is_some().then_some(session);
        match (agent.or_else(|| session.bare_name()), &self.name) {
            (Some(agent), Some(name)) if agent != *name => Err(Rejection::Invalid {
                message: format!("the caller is {name}, and the session {session} is of another agent, {agent}"),
                hint: format!(
                    "let both name one agent: unset OARLOCK_SESSION to act as {name}, or OARLOCK_AGENT and --as to act as {agent}"
                ),
                details: serde_json::json!({"agent": name, "session": session}),
            }),
            (None, _) => Err(Rejection::invalid(
                format!("\"{session}\" is not a session id"),
                "use the id that `join` replied, as in OARLOCK_SESSION",
            )),
            (agent, _) => Ok((agent, meant)),
        }
    }

    /// A caller that gives this name.
    pub fn named(name: AgentName) -> Self {
        Self { name: Some(name), ..Self::default() }
    }
}

/// Whether a verb needs to know who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// It is refused without.
    Needed,
    /// It is recorded when known.
    Optional,
    /// It makes its caller known; who that was before does not matter.
    Made,
}

/// The agent that calls, if that can be known.
///
/// # Errors
/// `identity_required`, `not_found` (a name that never joined), `stale_session` (also when a session of another store is given),
/// `invalid_request` when name and session do not fit.
pub fn identify(view: &dyn View, caller: &Caller, identity: Identity) -> Result<Option<Agent>, OpError> {
    if identity == Identity::Made {
        return Ok(None);
    }
    let (named, session) = caller.meant()?;
    let found = match &named {
        Some(name) => view.agent(name)?,
        None => by_ancestor(view, caller)?,
    };
    if let (None, Some(name), Some(session)) = (&found, &named, session) {
        return Err(Rejection::StaleSession { agent: name.clone(), session: session.clone(), why: NOT_OURS, current: None }.into());
    }
    match (found, &named) {
        (Some(agent), _) => match stale(&agent, session, view.identity()) {
            Some(rejection) if identity == Identity::Needed || session.is_some() => Err(rejection.into()),
            Some(_) => Ok(None),
            None => Ok(Some(agent)),
        },
        (None, Some(name)) if identity == Identity::Needed => Err(Rejection::not_found("agent", name).into()),
        (None, None) if identity == Identity::Needed => Err(Rejection::IdentityRequired.into()),
        (None, _) => Ok(None),
    }
}

/// By which name an agent is counted: its own, or the agent's whose helper it is. Known are the agents of the store, and the name by which a
/// gateway counts its key.
///
/// # Errors
/// Store errors.
pub(crate) fn counts_as(view: &dyn AgentView, caller: &Caller, name: &AgentName) -> StoreResult<AgentName> {
    let mut known = BTreeSet::new();
    for above in authority::above(name) {
        if caller.root.as_ref() == Some(&above) || view.agent(&above)?.is_some() {
            known.insert(above);
        }
    }
    Ok(authority::root_of(name, |name| known.contains(name)))
}

/// Why a session that this store never had is over.
const NOT_OURS: &str = "another store gave it, or this one before it was made again or restored";

fn stale(agent: &Agent, session: Option<&SessionId>, store: &StoreIdentity) -> Option<Rejection> {
    let meant = session.unwrap_or(&agent.session);
    let is_ours = || meant.as_str().rsplit_once('.').is_some_and(|(_, given)| store.read(given).is_some());
    let is_same = *meant == agent.session
        || seeded::is(seeded::OLD_SESSION_ACTS)
        // The seeded fault ignores the tag.
        || (seeded::is(seeded::TAGS_IGNORED) && store.untagged(meant.as_str()) == store.untagged(agent.session.as_str()));
    let why = match agent.end {
        _ if !is_same && !is_ours() => NOT_OURS,
        _ if !is_same => "another session of this agent took its place",
        Some(SessionEnd::Left) => "it left",
        Some(SessionEnd::TakenOver) => "it was taken over",
        Some(SessionEnd::Lost) => "it is lost",
        None => return None,
    };
    let current = agent.is_live().then(|| agent.session.clone());
    Some(Rejection::StaleSession { agent: agent.name.clone(), session: meant.clone(), why, current })
}

/// The one session that owns a process above the caller; two candidates count as none. A helper, which shares its parent's process, says its own
/// name.
fn by_ancestor(view: &dyn AgentView, caller: &Caller) -> StoreResult<Option<Agent>> {
    if caller.ancestors.is_empty() {
        return Ok(None);
    }
    let mut candidates = view.agents_of_processes(&caller.ancestors)?;
    let names: Vec<AgentName> = candidates.iter().map(|agent| agent.name.clone()).collect();
    candidates.retain(|agent| !names.iter().any(|name| *name != agent.name && speaks_for(name, &agent.name)));
    Ok(if candidates.len() == 1 { candidates.pop() } else { None })
}

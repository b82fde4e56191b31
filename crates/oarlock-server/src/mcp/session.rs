//! As whom a tool is called. A client that started this server is one agent, which joins before its first call and whose
//! process is known; a sub-agent that shares the connection is another one, with a session of its own: it can neither use
//! nor lose what its parent holds.

use oarlock_client::ThisMachine;
use oarlock_client::caller::ancestors;
use oarlock_client::hook_state::{HookState, call_by_content, harness};
use oarlock_model::ErrorCode;
use oarlock_model::agent::{Host, Owner};
use oarlock_model::rules::authority::Authority;
use oarlock_model::rules::naming;
use oarlock_model::{AgentName, Rejection, SessionId};
use oarlock_ops::OpError;
use oarlock_ops::agent::{Heartbeat, Join, ShowAgent};
use oarlock_ops::caller::Caller;
use oarlock_ops::local::Local as _;
use oarlock_ops::registry::Entry;
use rmcp::RoleServer;
use rmcp::service::RequestContext;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::backend::Backend;
use crate::gateway::{Principal, Quotas, Tab, common_of};

/// The field of `_meta` by which any harness can distinguish its sub-agents: an identifier for each of them.
const THREAD: &str = "oarlock/thread";

/// The field of `_meta` in which Codex says whose turn it is.
const CODEX: &str = "x-codex-turn-metadata";

/// The field of `_meta` in which Claude Code says which call of a tool it is: its hooks know whose.
const CLAUDE_CALL: &str = "claudecode/toolUseId";

/// How long a join may take.
const JOIN_PATIENCE: Duration = Duration::from_secs(30);

/// Sessions that a server remembers, at most.
const SESSIONS_MAX: usize = 1_000;

/// Whose request it is, as far as the connection and the request report.
#[derive(Clone, Default)]
pub(crate) struct CallOrigin {
    /// A caller that is known by its key and headers; nothing on standard input.
    remote: Option<Remote>,
    /// Which sub-agent of it, if one.
    thread: Option<String>,
    /// The client's id of this call.
    call: Option<String>,
    /// The client's run, as it calls it, with the client's name.
    run: Option<(&'static str, String)>,
}

#[derive(Clone)]
struct Remote {
    principal: Principal,
    caller: Caller,
    tab: Tab,
    quotas: Arc<Quotas>,
}

impl CallOrigin {
    /// The origin of a request.
    ///
    /// # Errors
    /// `denied`, `invalid_request`: headers that do not fit the key. A request by HTTP without its principal is not answered:
    /// it would count as one of this machine's own.
    pub(super) fn of(context: &RequestContext<RoleServer>) -> Result<Self, OpError> {
        let mut origin = Self::default();
        let text = |value: Option<&Value>| value.and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
        let codex = match context.meta.0.get(CODEX) {
            Some(Value::String(json)) => serde_json::from_str(json).unwrap_or_default(),
            Some(value) => value.clone(),
            None => Value::Null,
        };
        let (run, thread) = (text(codex.get("session_id")), text(codex.get("thread_id")));
        origin.thread = text(context.meta.0.get(THREAD)).or_else(|| thread.filter(|thread| run.as_ref().is_some_and(|run| run != thread)));
        origin.run = run.map(|run| ("codex", run));
        origin.call = text(context.meta.0.get(CLAUDE_CALL));
        if let Some(parts) = context.extensions.get::<hyper::http::request::Parts>() {
            let principal = parts.extensions.get::<Principal>();
            let found = (principal, parts.extensions.get::<Tab>(), parts.extensions.get::<Arc<Quotas>>());
            let (Some(principal), Some(tab), Some(quotas)) = found else {
                return Err(OpError::Internal("a request came in by another way than the gateway's".into()));
            };
            let caller = common_of(&parts.headers, principal)?;
            origin.remote = Some(Remote { principal: principal.clone(), caller, tab: tab.clone(), quotas: Arc::clone(quotas) });
        }
        Ok(origin)
    }

    /// The name of the client's run when it joins, where the client gives one.
    fn harness(&self) -> Option<String> {
        self.run.as_ref().map(|(client, run)| harness(client, run))
    }

    /// Says which call it is, where the client does not: by its content.
    pub(super) fn about(mut self, tool: &str, request: &Value) -> Self {
        if self.call.is_none() {
            self.call = Some(call_by_content(tool, request));
        }
        self
    }

    /// At whose expense its calls are, at a gateway.
    pub(super) fn tab(&self) -> Option<&Tab> {
        self.remote.as_ref().map(|remote| &remote.tab)
    }

    /// Counts a call against the quota of its caller, and checks that its key may make it.
    ///
    /// # Errors
    /// `denied`, `limit_reached`.
    pub(super) fn admit(&self, entry: &Entry, bytes: usize) -> Result<(), OpError> {
        let Some(remote) = &self.remote else { return Ok(()) };
        remote.principal.check_verb(entry.verb)?;
        remote.quotas.admit(&remote.principal, &remote.caller, entry, bytes)
    }
}

/// The key of a session: the texts stay apart, whatever a client writes into them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Known {
    key_id: Option<String>,
    base: Option<AgentName>,
    run: Option<String>,
    thread: Option<String>,
}

/// The sessions of a server's agents.
pub(crate) struct Sessions {
    /// The name of the agent that the server was started for.
    name: Option<AgentName>,
    /// The session it was started in: nobody has to join.
    session: Mutex<Option<SessionId>>,
    /// The process that the sessions stand for.
    owner: Owner,
    /// The name that a restarted server of the same client would give, too.
    harness: Option<String>,
    /// The caller that the hooks of the same client have noted.
    memory: Option<HookState>,
    joined: Mutex<HashMap<Known, Caller>>,
    /// One joins at a time.
    joining: tokio::sync::Mutex<()>,
}

impl Sessions {
    /// Those of a server that a client has started as its own: of this name, in this session.
    pub(crate) fn of_client(
        name: Option<AgentName>,
        session: Option<SessionId>,
        owner: Owner,
        harness: Option<String>,
        memory: Option<HookState>,
    ) -> Self {
        Self {
            name,
            session: Mutex::new(session),
            owner,
            harness,
            memory,
            joined: Mutex::default(),
            joining: tokio::sync::Mutex::default(),
        }
    }

    /// Those of a gateway, whose callers say who they are.
    pub(crate) fn of_gateway() -> Self {
        Self::of_client(None, None, Owner::None, None, None)
    }

    /// The caller of a request; its agent joins if it has not.
    ///
    /// # Errors
    /// `identity_required` when a connection by HTTP names nobody; those of joining.
    pub(super) async fn caller(&self, backend: &Backend, origin: &CallOrigin) -> Result<Caller, OpError> {
        let noted = || self.memory.as_ref().filter(|_| origin.run.is_none())?.caller_of_call(origin.call.as_ref()?);
        if origin.remote.is_none()
            && let Some((name, session)) = noted()
        {
            return Ok(Caller { name: Some(name), session, authority: Authority::Operator, ..Caller::default() });
        }
        self.caller_of(backend, origin).await
    }

    async fn caller_of(&self, backend: &Backend, origin: &CallOrigin) -> Result<Caller, OpError> {
        if let Some(remote) = origin.remote.as_ref().filter(|remote| remote.caller.session.is_some() && origin.thread.is_none()) {
            return Ok(remote.caller.clone());
        }
        let base = match &origin.remote {
            Some(remote) => Some(remote.caller.agent_name().ok_or(Rejection::IdentityRequired)?),
            None => self.name.clone().or_else(|| self.given_session().as_ref().and_then(SessionId::agent)),
        };
        let key = Known {
            key_id: origin.remote.as_ref().map(|remote| remote.principal.key_id.clone()),
            base: base.clone(),
            run: origin.harness(),
            thread: origin.thread.clone(),
        };
        if let Some(caller) = self.known(&key) {
            return Ok(caller);
        }
        let _one = self.joining.lock().await;
        if let Some(caller) = self.known(&key) {
            return Ok(caller);
        }
        let caller = self.enter(backend, origin, base).await?;
        let mut joined = self.joined.lock().unwrap_or_else(PoisonError::into_inner);
        if joined.len() >= SESSIONS_MAX {
            // Any of them: it resumes its session with its next call.
            let one = joined.keys().next().cloned();
            one.and_then(|one| joined.remove(&one));
        }
        joined.insert(key, caller.clone());
        Ok(caller)
    }

    /// The session that the server was started in, as long as it lives.
    fn given_session(&self) -> Option<SessionId> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn known(&self, key: &Known) -> Option<Caller> {
        self.joined.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    /// The caller's session has ended: its next call joins again.
    pub(super) fn forget(&self, caller: &Caller) {
        let mut given = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        if *given == caller.session {
            *given = None;
        }
        self.joined
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|_, known| known.session != caller.session || known.name != caller.name);
    }

    async fn enter(&self, backend: &Backend, origin: &CallOrigin, base: Option<AgentName>) -> Result<Caller, OpError> {
        // Who started this server on its own machine could open the store's file as well.
        let authority = origin.remote.as_ref().map_or(Authority::Operator, |remote| remote.principal.authority);
        let root = origin.remote.as_ref().and_then(|remote| remote.principal.root.clone());
        let mut caller = Caller { name: base.clone(), authority, root: root.clone(), ..Caller::default() };
        let mut base = base;
        if origin.remote.is_none() {
            let above = self.joined_by_hook(backend).await?.filter(|above| base.is_none() || base == above.name);
            match (above, &origin.run) {
                (Some(above), _) if origin.thread.is_none() => return Ok(Caller { authority, ..above }),
                (Some(above), _) => base = above.name,
                (None, Some((client, run))) if base.is_none() => base = Some(naming::session(client, run)?),
                _ => {}
            }
        }
        if let (None, Some(session), None) = (&origin.thread, self.given_session(), &origin.remote) {
            caller.session = Some(session);
            return Ok(caller);
        }
        let run = origin.harness().or_else(|| self.harness.clone());
        let name = match (&origin.thread, base) {
            (Some(thread), Some(base)) => Some(naming::helper(&base, thread)?),
            // Of whom nothing is known but its run: another client's helper of the same text is another agent.
            (Some(thread), None) => {
                Some(naming::helper(&AgentName::parse("agent")?, &format!("{}/{thread}", run.as_deref().unwrap_or_default()))?)
            }
            (None, base) => base,
        };
        if let (Some(name), Some(remote)) = (&name, &origin.remote) {
            remote.principal.check_name(name)?;
        }
        if let Some(name) = &name
            && let Some(session) = Self::live_session(backend, name, origin.thread.is_some(), origin.tab()).await?
        {
            // It joined by another way, and means no process, or for its client's as a helper: it is the one that is meant, and its work
            // must not be freed by a look at its inbox.
            return Ok(Caller { name: Some(name.clone()), session: Some(session), authority, root, ..Caller::default() });
        }
        let by_http = || name.as_ref().filter(|_| origin.remote.is_some()).map(|name| format!("mcp:{name}"));
        let harness =
            run.or_else(by_http).map(|run| origin.thread.as_ref().map_or(run.clone(), |thread| naming::run(&format!("{run}/{thread}"))));
        let mut join = Join { name, harness, owner: self.owner.clone(), program: Some("mcp".into()), ..Join::default() };
        if self.owner != Owner::None {
            join.host = Host { pid: Some(std::process::id()), ..ThisMachine.host() };
        }
        // An agent's key joins only under its own name: a helper by the same key acts under that of its parent.
        if authority == Authority::Operator {
            caller.name = None;
        }
        let joined = backend.order(join, &caller, JOIN_PATIENCE, origin.tab().map(|tab| (tab, 0))).await?;
        Ok(Caller { name: Some(joined.agent.name), session: Some(joined.session), authority, root, ..Caller::default() })
    }

    /// The session of the client that started this server, should a hook have joined for it.
    async fn joined_by_hook(&self, backend: &Backend) -> Result<Option<Caller>, OpError> {
        let asks = Caller { ancestors: ancestors(), ..Caller::default() };
        match backend.order(Heartbeat::default(), &asks, JOIN_PATIENCE, None).await {
            Ok(beat) => Ok(Some(Caller { name: Some(beat.agent.name), session: Some(beat.agent.session), ..Caller::default() })),
            Err(error) if error.code() == ErrorCode::IdentityRequired => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The session of this name that has not ended, should it stand for no process, or be a helper's.
    async fn live_session(backend: &Backend, name: &AgentName, is_helper: bool, tab: Option<&Tab>) -> Result<Option<SessionId>, OpError> {
        let shown = ShowAgent { name: name.clone() };
        let agent = match backend.ask(shown, &Caller::default(), JOIN_PATIENCE, tab.map(|tab| (tab, 0))).await {
            Ok(reply) => reply.agent,
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(Some(agent.session).filter(|_| !agent.state.has_ended() && (is_helper || agent.pid.is_none())))
    }
}

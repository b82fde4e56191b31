//! As whom a hook acts: as the agent whose session it was started in, else as an agent of the client's session, with a name that the
//! same session always has.

use crate::client::Client;
use crate::hook::HookInput;
use oarlock_client::ThisMachine;
use oarlock_client::hook_state::{HookState, harness};
use oarlock_host::process::ProcessId;
use oarlock_model::agent::{Host, Owner};
use oarlock_model::rules::authority::Authority;
use oarlock_model::rules::naming;
use oarlock_model::{AgentName, Rejection, SessionId, seeded};
use oarlock_ops::OpError;
use oarlock_ops::agent::Join;
use oarlock_ops::caller::Caller;
use oarlock_ops::local::Local as _;
use std::fs::OpenOptions;
use std::io::Write as _;

/// Programs that only start others: what a client's session means is the client, not the shell that it ran the hook with.
const SHELLS: [&str; 13] = ["sh", "bash", "dash", "zsh", "fish", "ksh", "ash", "busybox", "env", "timeout", "cmd", "powershell", "pwsh"];

/// Whom a hook acts for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentIdentity {
    /// The agent.
    pub name: AgentName,
    /// The session, when the client was started in one.
    pub session: Option<SessionId>,
    /// How it is known.
    known_by: KnownBy,
    /// The client's name for its run.
    pub(super) harness: String,
}

/// How a hook knows whom it acts for, and so what it may do in its name.
#[derive(Clone, Debug, PartialEq, Eq)]
enum KnownBy {
    /// By the id of the client's session, whose agent the hook makes and ends.
    Run,
    /// By a name that the environment gives, which may be another session's.
    Named,
    /// As a helper of this agent, which the hook makes and ends as well.
    Helper(AgentName),
    /// By a name or session that is somebody's own: a worker's, which `oarlock work` started, or anyone who calls git.
    Guest,
    /// By nothing but the processes above, nearest first: one of them may have joined.
    Unknown(Vec<String>),
}

impl AgentIdentity {
    /// The agent whose session a client's call is about, with the name and session that the environment gives.
    ///
    /// # Errors
    /// Names that are refused.
    pub fn of(client: Client, input: &HookInput, name: Option<AgentName>, session: Option<SessionId>) -> Result<Self, OpError> {
        let given = name.or_else(|| session.as_ref().and_then(SessionId::agent));
        let own = match (&given, &input.session) {
            (Some(name), _) => name.clone(),
            (None, Some(id)) if seeded::is(seeded::RESUMED_IS_ANOTHER) => {
                naming::session(client.name(), &format!("{id}{}", std::process::id()))?
            }
            (None, Some(id)) => naming::session(client.name(), id)?,
            (None, None) => return Self::above(None, None),
        };
        let run = input.session.as_deref().unwrap_or(own.as_str());
        let harness = harness(client.name(), run);
        let known_by = match (&session, given) {
            (Some(_), _) => KnownBy::Guest,
            (None, Some(_)) => KnownBy::Named,
            (None, None) => KnownBy::Run,
        };
        Ok(Self { name: own, session, known_by, harness })
    }

    /// The same run under the name of its own, where the one that was given is another's.
    ///
    /// # Errors
    /// A name that is refused.
    pub(super) fn renamed(&self, client: Client, input: &HookInput) -> Result<Self, Rejection> {
        let run = input.session.as_deref().unwrap_or("session");
        Ok(Self { name: naming::session(client.name(), run)?, session: None, known_by: KnownBy::Run, harness: self.harness.clone() })
    }

    /// The same in the session that its run has joined, when it has.
    fn of_run(&self, memory: &HookState) -> Self {
        memory.session_of_run(&self.harness).map_or_else(|| self.clone(), |session| self.in_session(session))
    }

    /// Whether it has only a name that the environment gives, which may be another session's.
    pub(super) fn is_only_named(&self) -> bool {
        self.session.is_none() && self.known_by == KnownBy::Named
    }

    /// Whether the hook makes its sessions and ends them.
    pub(crate) fn joins(&self) -> bool {
        matches!(self.known_by, KnownBy::Run | KnownBy::Named | KnownBy::Helper(_))
    }

    /// Whose helper it is.
    pub(crate) fn parent(&self) -> Option<&AgentName> {
        if let KnownBy::Helper(parent) = &self.known_by { Some(parent) } else { None }
    }

    /// The same in this session.
    pub(crate) fn in_session(&self, session: SessionId) -> Self {
        Self { name: session.agent().unwrap_or_else(|| self.name.clone()), session: Some(session), ..self.clone() }
    }

    /// A helper of this agent, by what its client calls it.
    ///
    /// # Errors
    /// A name that is refused.
    pub(super) fn helper(&self, thread: &str) -> Result<Self, Rejection> {
        Ok(Self {
            name: naming::helper(&self.name, thread)?,
            session: None,
            known_by: KnownBy::Helper(self.name.clone()),
            harness: naming::run(&format!("{}/{thread}", self.harness)),
        })
    }

    /// The agent of the client's session, in the session that its run has joined, and the agent that the call is about: the same, or one of its helpers.
    ///
    /// # Errors
    /// A helper's name that is refused.
    pub fn with_helper(self, client: Client, input: &HookInput, memory: &HookState) -> Result<(Self, Self), Rejection> {
        let thread = match &input.thread {
            // Gemini names no helpers. They run between two calls of one tool, so the call is a helper's where there is exactly one.
            None if client == Client::Gemini => memory.helpers(&self.name).pop().filter(|_| memory.helpers(&self.name).len() == 1),
            thread => thread.clone(),
        };
        let main = if self.joins() && client != Client::Git { self.of_run(memory) } else { self };
        let thread = thread.filter(|_| !seeded::is(seeded::HELPER_IS_PARENT));
        let who = thread.map_or_else(|| Ok(main.clone()), |thread| main.helper(&thread))?;
        Ok((main, who))
    }

    /// Anyone who is named, or owns a process above, should there be one.
    ///
    /// # Errors
    /// None for a name that was read.
    pub fn above(name: Option<AgentName>, session: Option<SessionId>) -> Result<Self, OpError> {
        let given = name.or_else(|| session.as_ref().and_then(SessionId::agent));
        let known_by = if given.is_some() { KnownBy::Guest } else { KnownBy::Unknown(oarlock_client::caller::ancestors()) };
        let name = given.map_or_else(|| AgentName::parse("somebody"), Ok)?;
        Ok(Self { name, session, known_by, harness: String::new() })
    }

    /// The caller of its calls.
    pub(crate) fn caller(&self) -> Caller {
        let (name, ancestors) = match &self.known_by {
            KnownBy::Unknown(ancestors) => (None, ancestors.clone()),
            _ => (Some(self.name.clone()), Vec::new()),
        };
        Caller { name, session: self.session.clone(), ancestors, authority: Authority::Operator, key: None, root: None }
    }

    /// The request by which it joins. The session means the client's process, and so does a helper's: it ends with it.
    pub(crate) fn join_request(&self, client: Client, is_local: bool) -> Join {
        let mut join = Join {
            name: Some(self.name.clone()),
            harness: Some(self.harness.clone()),
            program: Some(client.name().into()),
            host: ThisMachine.host(),
            ..Join::default()
        };
        if let Some(process) = client_process().filter(|_| is_local) {
            join.host = Host { pid: Some(process.pid), ..join.host };
            join.owner = Owner::Process { process: process.to_text() };
        }
        join
    }
}

/// The client that runs this hook: the nearest process above that is no shell.
fn client_process() -> Option<ProcessId> {
    let ancestors = ProcessId::current().ok()?.ancestors();
    ancestors.into_iter().find(|process| process.program().is_some_and(|program| !SHELLS.contains(&program.as_str())))
}

/// Claude Code reads a file before each command that it runs: there the agent's name is passed on.
pub(super) fn pass_on(who: &AgentIdentity) {
    let Some(file) = std::env::var_os("CLAUDE_ENV_FILE").filter(|file| !file.is_empty()) else { return };
    // A name needs no quoting: it is made of letters, digits, dots, dashes and underscores.
    let line = format!("export OARLOCK_AGENT={}\n", who.name);
    let _ = OpenOptions::new().create(true).append(true).open(file).and_then(|mut file| file.write_all(line.as_bytes()));
}

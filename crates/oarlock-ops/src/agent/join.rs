//! `join`: registers an agent as a new session.

use clap::Args;
use oarlock_model::agent::{Agent, Host, Owner};
use oarlock_model::duration::Duration;
use oarlock_model::event::{AgentJoined, AgentLeft, LeaveReason};
use oarlock_model::rules::authority::{Authority, speaks_for};
use oarlock_model::rules::liveness::AgentState;
use oarlock_model::{AgentName, Label, Rejection, SessionId, seeded};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::agent::leave;
use crate::caller::{Caller, Identity};
use crate::context::Deciding;
use crate::local::Local;
use crate::lock::Lock;
use crate::owners::{OwnerLiveness, Owners};
use crate::portions::{Extent, Progress};
use crate::request::{Mutation, Request};
use crate::shapes::AgentShape;
use crate::task::values;
use oarlock_model::event::ReleaseReason;

/// Register an agent as a new session. A restart is a new session: leases and reservations of the old one end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Join {
    /// The agent's name [default: OARLOCK_AGENT, else generated]
    pub name: Option<AgentName>,
    /// Its role, for example planner; counts as a capability
    #[arg(long)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Label>,
    /// Its capabilities, comma separated
    #[arg(long, value_name = "CAPS", value_delimiter = ',')]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub can: Vec<Label>,
    /// After this long without a call it is shown as stale [default: 120s]
    #[arg(long, alias = "timeout", value_name = "D")]
    #[serde(default, alias = "timeout", skip_serializing_if = "Option::is_none")]
    pub stale_after: Option<Duration>,
    /// The program that it runs in, for people
    #[arg(long)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// Number of tasks that it may hold at once
    #[arg(long, value_name = "N")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_claims: Option<u32>,
    /// The process that the session belongs to; when it dies, its tasks are free at once
    #[arg(long)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// End a live session of the same name and free what it held
    #[arg(long)]
    #[serde(default)]
    pub take_over: bool,
    /// The id that a client gave its run; the same id rejoins the same session
    #[arg(long, value_name = "ID")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub harness: Option<String>,
    /// The process of the session, as its own machine identifies it.
    #[arg(skip)]
    #[serde(default)]
    pub owner: Owner,
    /// The machine the session runs on.
    #[arg(skip)]
    #[serde(default)]
    pub host: Host,
}

/// The reply of [`Join`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JoinReply {
    /// The agent.
    pub agent: AgentShape,
    /// Its session; pass it as OARLOCK_SESSION to be protected against an own restart.
    pub session: SessionId,
    /// Whether it was the same session before.
    pub resumed: bool,
}

impl Request for Join {
    const VERB: &'static str = "join";
    const ABOUT: &'static str = "Register an agent as a new session";
    const EXAMPLE: &'static [&'static str] = &["ada", "--role", "executor", "--can", "rust,sql"];
    const IDENTITY: Identity = Identity::Made;
    const FORMER_FIELDS: &'static [&'static str] = &["timeout"];
    type Reply = JoinReply;

    fn localise(&mut self, local: &mut dyn Local) -> Result<(), OpError> {
        self.host = local.host();
        if let Some(pid) = self.pid {
            self.owner = Owner::Process { process: local.process(pid)? };
            self.host.pid = Some(pid);
        }
        Ok(())
    }

    fn check_remote(&self) -> Result<(), Rejection> {
        match self.owner {
            // The lock would be held by the gateway, which lives on when the agent dies.
            Owner::Lock { .. } => Err(Rejection::invalid(
                "a lock on this machine cannot represent a session elsewhere",
                "leave \"owner\" out, or name a process",
            )),
            Owner::None if self.pid.is_some() => Err(Rejection::invalid(
                "a process is known on its own machine only",
                "leave \"pid\" out; `oarlock join --pid` gives more details",
            )),
            Owner::Process { .. } | Owner::None => Ok(()),
        }
    }

    fn check(&self) -> Result<(), Rejection> {
        values::check_list("capabilities", self.can.len())?;
        values::check_note("program", self.program.as_deref())?;
        values::check_note("harness id", self.harness.as_deref())?;
        if self.name.as_ref().is_some_and(|name| name.as_str() == "all") {
            return Err(Rejection::invalid("no agent can be called \"all\"", "messages to all go to everybody: choose another name"));
        }
        match self.max_claims {
            Some(0) => Err(Rejection::invalid("--max-claims is 0", "an agent holds at least one task at once")),
            _ => Ok(()),
        }
    }
}

impl Mutation for Join {
    fn locks(&self, caller: &Caller) -> Vec<Lock> {
        match self.wanted_name(caller) {
            // One with a key may end another session of its own.
            Some(name) if caller.root.is_none() => vec![Lock::Agent(name.clone())],
            _ => vec![Lock::Roster],
        }
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<JoinReply, OpError> {
        let name = match self.wanted_name(cx.caller()) {
            Some(name) => name.clone(),
            None => match self.resumed_name(cx)? {
                Some(name) => name,
                None => made_up_name(cx)?,
            },
        };
        let speaks = cx.caller().name.as_ref().is_some_and(|own| speaks_for(own, &name));
        if cx.caller().authority == Authority::Agent && !speaks {
            return Err(Rejection::Denied {
                message: format!("this access key does not speak for {name}"),
                hint: "join under the name of the key, or ask an operator for a key with another name",
            }
            .into());
        }
        if let Some(old) = cx.view().agent(&name)?.filter(Agent::is_live) {
            if self.resumes(cx.owners(), &old) {
                // Its owner was restarted: the new process takes the session's lock, or the session would be lost.
                if matches!(self.owner, Owner::Lock { .. }) && cx.owners().liveness(&old) != OwnerLiveness::Alive {
                    cx.tx().take_owner_lock(&old.session)?;
                }
                return Self::reply(cx, &name, true);
            }
            if cx.reading().agent_state(&old) == AgentState::Active && !self.take_over {
                return Err(occupied(cx, &old).into());
            }
            cx.identify(None);
            let mut progress = cx.take_progress();
            if leave::free(cx, &old, ReleaseReason::TakenOver, &mut progress.tasks)? == Extent::Part {
                return Err(cx.go_on_later(progress));
            }
            cx.emit(AgentLeft { name: name.clone(), session: old.session, reason: LeaveReason::TakenOver })?;
        }
        self.enter(cx, name)
    }
}

impl Join {
    fn wanted_name<'a>(&'a self, caller: &'a Caller) -> Option<&'a AgentName> {
        self.name.as_ref().or(caller.name.as_ref())
    }

    /// The agent that this run of a harness, which gives no name, has joined as before. Anybody can send a harness, so only
    /// sessions that stand for processes are resumed by it alone: those are of this machine.
    fn resumed_name(&self, cx: &Deciding<'_>) -> Result<Option<AgentName>, OpError> {
        let (Some(harness), Some(process)) = (&self.harness, self.owner.process()) else { return Ok(None) };
        let view = cx.view();
        let mut candidates = view.agents_of_harness(harness)?;
        candidates.append(&mut view.agents_of_processes(&[process.to_owned()])?);
        candidates.retain(|agent| self.resumes(cx.owners(), agent));
        Ok(candidates.into_iter().map(|agent| agent.name).min())
    }

    /// The same harness run, or the same owning process, is the same session; but two owners that live and hold locks are two.
    fn resumes(&self, owners: &dyn Owners, old: &Agent) -> bool {
        let same_owner = self.owner != Owner::None && self.owner == old.owner;
        let both_lock = matches!((&self.owner, &old.owner), (Owner::Lock { .. }, Owner::Lock { .. }));
        let is_alone = same_owner || !both_lock || owners.liveness(old) != OwnerLiveness::Alive;
        let same_harness = self.harness.is_some() && self.harness == old.harness;
        let same_process = same_owner && matches!(self.owner, Owner::Process { .. });
        (same_harness && is_alone) || same_process
    }

    fn enter(&self, cx: &mut Deciding<'_>, name: AgentName) -> Result<JoinReply, OpError> {
        make_room(cx)?;
        let session = SessionId::of(&name, cx.view().identity(), cx.next_token().0);
        if matches!(self.owner, Owner::Lock { .. }) {
            cx.tx().take_owner_lock(&session)?;
        }
        let joined = AgentJoined {
            name: name.clone(),
            session: session.clone(),
            role: self.role.clone(),
            capabilities: self.can.iter().cloned().collect(),
            program: self.program.clone(),
            timeout_ms: self.stale_after.unwrap_or(cx.settings().heartbeat_timeout).as_ms(),
            max_claims: self.max_claims,
            owner: self.owner_of_session(cx),
            host: self.host_of_session(cx),
            harness: self.harness.clone(),
        };
        cx.emit_as(Some(name.clone()), Some(session), joined.into())?;
        Self::reply(cx, &name, false)
    }

    /// Who has no name is known by the processes above it: so an agent with a key of its own, which could name any, names none.
    fn owner_of_session(&self, cx: &Deciding<'_>) -> Owner {
        match cx.caller().authority {
            Authority::Agent => Owner::None,
            Authority::Operator => self.owner.clone(),
        }
    }

    /// An embedded store knows its machine's boot better than its callers do.
    fn host_of_session(&self, cx: &Deciding<'_>) -> Host {
        let mut host = self.host.clone();
        if self.owner_of_session(cx) == Owner::None {
            host.pid = None;
        }
        if host.boot_id.is_empty() {
            host.boot_id = cx.owners().boot_id().to_owned();
        }
        host
    }

    fn reply(cx: &Deciding<'_>, name: &AgentName, resumed: bool) -> Result<JoinReply, OpError> {
        let agent = cx.reading().agent(name)?;
        Ok(JoinReply { session: agent.session.clone(), agent: AgentShape::of(&cx.reading(), &agent)?, resumed })
    }
}

/// A principal with as many live sessions as it may have gives up the one that was silent for longest, if that is stale and holds no
/// task: helpers come and go, and not all of them leave.
fn make_room(cx: &mut Deciding<'_>) -> Result<(), OpError> {
    let Some(root) = &cx.caller().root else { return Ok(()) };
    let family = cx.view().live_family(root)?;
    let Err(full) = cx.holdings().check_session(if seeded::is(seeded::HELPERS_COUNT_APART) { 0 } else { family.len() }) else {
        return Ok(());
    };
    let mut silent: Vec<Agent> = family.into_iter().filter(|agent| cx.reading().agent_state(agent) == AgentState::Stale).collect();
    silent.sort_by_key(|agent| agent.presence.seen);
    for agent in silent {
        if cx.view().first_held_by(&agent.session, 1)?.is_empty() {
            cx.identify(None);
            if leave::free(cx, &agent, ReleaseReason::TakenOver, &mut Vec::new())? == Extent::Part {
                return Err(cx.go_on_later(Progress::default()));
            }
            return cx.emit(AgentLeft { name: agent.name, session: agent.session, reason: LeaveReason::TakenOver });
        }
    }
    Err(full.into())
}

fn occupied(cx: &Deciding<'_>, old: &Agent) -> Rejection {
    let age_s = cx.now().store.since_ms(old.presence.seen) / 1_000;
    Rejection::AlreadyExists {
        noun: "agent",
        id: old.name.to_string(),
        detail: Some(format!("its session {} was seen {age_s} s ago", old.session)),
        hint: "choose another name, or end that session with --take-over",
    }
}

fn made_up_name(cx: &Deciding<'_>) -> Result<AgentName, OpError> {
    let mut number = cx.next_token().0.saturating_sub(cx.view().identity().base());
    loop {
        let name = AgentName::parse(&format!("agent-{number}"))?;
        if cx.view().agent(&name)?.is_none() {
            return Ok(name);
        }
        number += 1;
    }
}

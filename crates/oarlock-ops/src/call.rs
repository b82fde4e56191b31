//! Running a request: identity, one transaction, once for a key (semantics 7, 9, 18).

use oarlock_model::agent::Agent;
use oarlock_model::rules::authority::{Authority, speaks_for};
use oarlock_model::rules::liveness;
use oarlock_model::{AgentName, Rejection, SessionId, StoreIdentity, planted};

use crate::OpError;
use crate::context::{Deciding, How, Reading};
use crate::lock::Lock;
use crate::once::{Once, check_key};
use crate::outside::{self, Grants, Step};
use crate::portions::Extent;
use crate::request::{Identity, Mutation, Query};
use crate::search::{Asked, Findings, Found, Tried};
use crate::settings::Settings;
use crate::settle;
use crate::steps;
use crate::store::{AgentView, Durability, Store, StoreError, StoreResult, View};
use crate::wait::wait_for;

/// Who calls, as far as the caller says or shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The name it gives.
    pub name: Option<AgentName>,
    /// The session it means.
    pub session: Option<SessionId>,
    /// The processes above it, nearest first; they tell who it is when it gives no name.
    pub ancestors: Vec<String>,
    /// The idempotency key of the call.
    pub key: Option<String>,
    /// What it may do to the work of others.
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
                "use the id that `join` replied, as it stands in OARLOCK_SESSION",
            )),
            (agent, _) => Ok((agent, meant)),
        }
    }

    /// A caller that gives this name.
    pub fn named(name: AgentName) -> Self {
        Self { name: Some(name), ..Self::default() }
    }
}

/// A reply, with its JSON where that is written anyway, to be kept.
pub(crate) type Written<R> = (R, Option<String>);

/// Runs a query.
///
/// # Errors
/// Refusals and store errors.
pub fn query<Q: Query>(store: &mut dyn Store, caller: &Caller, settings: &Settings, request: &Q) -> Result<Q::Reply, OpError> {
    wait_for(store, request.waiting(), &mut |store, _| query_once(store, caller, settings, request), &mut |_, _| Ok(true))
}

/// The answer of now.
pub(crate) fn query_once<Q: Query>(store: &mut dyn Store, caller: &Caller, settings: &Settings, request: &Q) -> Result<Q::Reply, OpError> {
    request.check()?;
    settle_if_due(store, settings)?;
    let view = store.snapshot()?;
    let me = identify(&*view, caller, request.identity())?;
    request.answer(&Reading { view: &*view, now: view.now(), me: me.as_ref(), caller, settings })
}

/// Runs a mutation: exactly once for an idempotency key.
///
/// # Errors
/// Refusals and store errors; nothing has changed then, except what time had already made true.
pub fn mutate<M: Mutation>(store: &mut dyn Store, caller: &Caller, settings: &Settings, request: &M) -> Result<M::Reply, OpError> {
    if request.goes_on() {
        return steps::run(store, caller, settings, request);
    }
    let attempt = &mut |store: &mut dyn Store, findings: &mut Findings| {
        step_once(store, caller, settings, request, None, findings).map(|(reply, _)| reply)
    };
    wait_for(store, request.waiting(), attempt, &mut |store, findings| is_worth_trying(store, caller, settings, request, findings))
}

/// Whether another try may go better; whoever asks is noted as there.
pub(crate) fn is_worth_trying<M: Mutation>(
    store: &mut dyn Store,
    caller: &Caller,
    settings: &Settings,
    request: &M,
    findings: &mut Findings,
) -> Result<bool, OpError> {
    let view = store.snapshot()?;
    if let Some(dead) = settle::due(&*view)? {
        findings.dying = dead;
        return Ok(true);
    }
    let now = view.now();
    let me = identify(&*view, caller, request.identity())?;
    let is_worth_it = request.worth_trying(&Reading { view: &*view, now, me: me.as_ref(), caller, settings }, findings)?;
    drop(view);
    if let Some(me) = me.filter(|me| liveness::sighting_due(&me.presence, me.timeout_ms, now)) {
        note_waiting(store, &me)?;
    }
    Ok(is_worth_it)
}

/// Whoever waits is there: without this, a long wait would look like an absence. No lease is renewed.
fn note_waiting(store: &mut dyn Store, me: &Agent) -> Result<(), OpError> {
    let mut tx = store.begin(&[Lock::Agent(me.name.clone())], Durability::Presence)?;
    let now = tx.view().now();
    if let Some(mut agent) = tx.view().agent(&me.name)?.filter(|agent| agent.is_live() && agent.session == me.session) {
        agent.presence.seen = now.store;
        agent.presence.seen_wall = now.wall;
        tx.write_presence(&me.name, &agent.presence)?;
    }
    Ok(tx.commit()?)
}

/// One transaction of a request, after as many searches as it takes: its only transaction, its first, or, when that has given `first`,
/// its second.
pub(crate) fn step_once<M: Mutation>(
    store: &mut dyn Store,
    caller: &Caller,
    settings: &Settings,
    request: &M,
    first: Option<&M::Reply>,
    findings: &mut Findings,
) -> Result<Written<M::Reply>, OpError> {
    loop {
        match try_step(store, caller, settings, request, first, findings)? {
            Tried::Done(done) => return Ok(done),
            Tried::Search => search(store, caller, settings, request, findings),
            Tried::Portion => {}
        }
    }
}

/// Searches for what the last try asked for. Should it fail, the next try says so.
pub(crate) fn search<M: Mutation>(store: &mut dyn Store, caller: &Caller, settings: &Settings, request: &M, findings: &mut Findings) {
    let asked = findings.asked.take();
    let searched = || {
        findings.begin_search()?;
        let view = store.snapshot()?;
        if let Some(Asked::Way(edges)) = asked {
            findings.found = Some(edges.found(&*view)?);
            return Ok(());
        }
        let me = identify(&*view, caller, request.identity())?;
        request.search(&Reading { view: &*view, now: view.now(), me: me.as_ref(), caller, settings }, findings)
    };
    if let Err(error) = searched() {
        findings.found = Some(Found::Refused(error));
    }
}

/// One try of such a transaction, which may ask for a search, or do a portion of what there is to do.
pub(crate) fn try_step<M: Mutation>(
    store: &mut dyn Store,
    caller: &Caller,
    settings: &Settings,
    request: &M,
    first: Option<&M::Reply>,
    findings: &mut Findings,
) -> Result<Tried<Written<M::Reply>>, OpError> {
    let tried = match findings.take_refusal() {
        Some(refusal) => Err(refusal),
        None => try_transaction(store, caller, settings, request, first, findings),
    };
    if !matches!(tried, Ok(Tried::Search)) {
        findings.decided();
    }
    if !matches!(tried, Ok(Tried::Search | Tried::Portion)) {
        findings.unfit.clear();
        let unwritable = findings.unwritable.take();
        // Nothing else is left, and nobody waits for more: why that one cannot be had is what there is to say.
        if let (Err(no), Some(why), None) = (&tried, unwritable, request.waiting())
            && (no.is_not_yet() || request.grants(first.is_some()) != Grants::Any)
        {
            return Err(why);
        }
    }
    tried
}

/// One transaction; two, with a mark in files beside the store between them, where it grants tasks that these have.
fn try_transaction<M: Mutation>(
    store: &mut dyn Store,
    caller: &Caller,
    settings: &Settings,
    request: &M,
    first: Option<&M::Reply>,
    findings: &mut Findings,
) -> Result<Tried<Written<M::Reply>>, OpError> {
    request.check()?;
    check_key(caller)?;
    let mut transact = |store: &mut dyn Store, step: &mut Step<'_>, findings: &mut Findings| {
        transact(store, (caller, settings), request, first, findings, step)
    };
    let grants = request.grants(first.is_some());
    let outside = outside::beside(store).filter(|_| grants != Grants::Nothing && !planted::is(planted::FILE_LOCK_SKIPPED));
    let tried = match outside {
        Some(outside) => outside::grant(&*outside, store, settings, &grants, findings, &mut transact),
        None => transact(store, &mut Step::default(), findings),
    };
    if std::mem::take(&mut findings.changes_tasks) {
        outside::catch_up(store, settings);
    }
    tried
}

fn transact<M: Mutation>(
    store: &mut dyn Store,
    by: (&Caller, &Settings),
    request: &M,
    first: Option<&M::Reply>,
    findings: &mut Findings,
    step: &mut Step<'_>,
) -> Result<Tried<Written<M::Reply>>, OpError> {
    // Nobody is told of what is only intended: the grant that follows presses it to the disk.
    if step.how == How::Intended && M::DURABILITY == Durability::Full {
        let before = findings.clone();
        if let Some(tried) = transact_as(store, by, request, first, findings, step, Durability::Presence)? {
            return Ok(tried);
        }
        *findings = before;
    }
    let tried = transact_as(store, by, request, first, findings, step, M::DURABILITY)?;
    tried.ok_or_else(|| OpError::from(StoreError::Internal("a call was not pressed to the disk as hard as it asked for".into())))
}

/// Runs the transaction with a commit of this durability. None, with nothing committed, if its reply needs a stronger one.
fn transact_as<M: Mutation>(
    store: &mut dyn Store,
    (caller, settings): (&Caller, &Settings),
    request: &M,
    first: Option<&M::Reply>,
    findings: &mut Findings,
    step: &mut Step<'_>,
    durability: Durability,
) -> Result<Option<Tried<Written<M::Reply>>>, OpError> {
    let locks = if first.is_none() { request.locks(caller) } else { request.locks_of_next() };
    let once = caller.key.as_ref().map(|key| Once::of(caller, key, request)).transpose()?;
    let mut tx = store.begin(&locks, durability)?;
    if let Some(once) = &once
        && let Some(text) = once.kept::<M>(tx.view())?
    {
        let reply = serde_json::from_str(&text)?;
        // Half a reply answers the first step; the second is still to be made.
        if first.is_none() || request.is_whole(&reply) {
            return Ok(Some(Tried::Done((reply, Some(text)))));
        }
    }
    let mut cx = Deciding::new(&mut *tx, caller, settings, &locks);
    if settle::settle(&mut cx, &mut findings.dying)? == Extent::Part {
        findings.changes_tasks |= cx.changes_tasks();
        tx.commit()?;
        return Ok(Some(Tried::Portion));
    }
    if let How::Shown { refused, .. } = &step.how {
        settle::drop_intents(&mut cx, refused)?;
    }
    cx.keep()?;
    let cx = cx.with_found(findings.found.take(), findings.searches()).with_progress(std::mem::take(&mut findings.progress));
    let mut cx = cx.with_granting(&step.how, &findings.unfit);
    if matches!(&step.how, How::Shown { shown, .. } if shown.is_empty()) {
        tx.commit()?;
        return Ok(Some(Tried::Search));
    }
    let decided = decide(&mut cx, caller, request, first);
    step.granted = cx.take_granted();
    findings.changes_tasks |= cx.changes_tasks();
    if let Some(progress) = cx.take_portion() {
        tx.commit()?;
        findings.progress = progress;
        return Ok(Some(Tried::Portion));
    }
    let asked = cx.take_asked();
    if decided.is_err() {
        step.granted.clear();
    }
    if let Some(check) = step.check.filter(|_| !step.granted.is_empty()) {
        check(&step.granted)?;
    }
    match decided {
        Err(_) if asked.is_some() => {
            findings.asked = asked;
            if tx.undo_to_mark()? {
                tx.commit()?;
            }
            Ok(Some(Tried::Search))
        }
        // The reply is told, and what it says must last.
        Ok(_) if durability != M::DURABILITY && step.granted.is_empty() => Ok(None),
        Ok(reply) => {
            let forgets = planted::is(planted::KEYS_FORGOTTEN) || (first.is_some() && planted::is(planted::CLAIMS_AGAIN));
            // Nobody has been told of what is only intended.
            let is_told = step.how != How::Intended || step.granted.is_empty();
            let text = once.filter(|_| is_told && !forgets).map(|once| once.keep(&mut *tx, &reply)).transpose()?;
            tx.commit()?;
            Ok(Some(Tried::Done((reply, text))))
        }
        Err(OpError::Rejected(refused)) => {
            let dead = settle::dead_in_the_way(tx.view(), &refused)?;
            if tx.undo_to_mark()? {
                tx.commit()?;
            }
            if dead.is_empty() {
                return Err(refused.into());
            }
            // Only the dead stand in the way: they are ended first, and then it is decided again.
            findings.dying = dead;
            Ok(Some(Tried::Portion))
        }
        Err(error) => Err(error),
    }
}

fn decide<M: Mutation>(cx: &mut Deciding<'_>, caller: &Caller, request: &M, first: Option<&M::Reply>) -> Result<M::Reply, OpError> {
    let me = identify(cx.view(), caller, request.identity())?;
    let touch = me.as_ref().filter(|agent| liveness::presence_due(&agent.presence, agent.timeout_ms, cx.now())).cloned();
    cx.identify(me);
    let reply = match first {
        None => request.decide(cx)?,
        Some(first) => request.go_on(cx, first)?,
    };
    if let Some(agent) = touch {
        touch_presence(cx, &agent.name)?;
    }
    Ok(reply)
}

/// Notes that the agent was there. It renews no lease: an agent that merely asks does not keep work.
fn touch_presence(cx: &mut Deciding<'_>, name: &AgentName) -> Result<(), OpError> {
    let now = cx.now();
    // A heartbeat has just written it: being there is not progress.
    if let Some(mut agent) = cx.view().agent(name)?.filter(|agent| agent.is_live() && agent.presence.seen < now.store) {
        agent.presence.seen = now.store;
        agent.presence.seen_wall = now.wall;
        agent.presence.progressed = now.store;
        if planted::is(planted::POLLING_RENEWS) {
            agent.presence.beat = now.store;
        }
        cx.tx().write_presence(name, &agent.presence)?;
    }
    Ok(())
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

/// Why a session that this store never had is over.
const NOT_OURS: &str = "another store gave it, or this one before it was made anew or restored";

fn stale(agent: &Agent, session: Option<&SessionId>, store: &StoreIdentity) -> Option<Rejection> {
    use oarlock_model::agent::SessionEnd;
    let meant = session.unwrap_or(&agent.session);
    let is_ours = || meant.as_str().rsplit_once('.').is_some_and(|(_, given)| store.read(given).is_some());
    let is_same = *meant == agent.session
        || planted::is(planted::OLD_SESSION_ACTS)
        // What is planted takes the tag for nothing.
        || (planted::is(planted::TAGS_IGNORED) && store.untagged(meant.as_str()) == store.untagged(agent.session.as_str()));
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

/// Settles deaths and due times, if there are any: what every call does first.
///
/// # Errors
/// Store errors.
pub fn settle_if_due(store: &mut dyn Store, settings: &Settings) -> Result<(), OpError> {
    if store.is_read_only() {
        return Ok(());
    }
    let Some(mut dying) = settle::due(&*store.snapshot()?)? else { return Ok(()) };
    let locks = [Lock::Everything];
    let caller = Caller::default();
    loop {
        let mut tx = store.begin(&locks, Durability::Presence)?;
        let mut cx = Deciding::new(&mut *tx, &caller, settings, &locks);
        let extent = settle::settle(&mut cx, &mut dying)?;
        let changes_tasks = cx.changes_tasks();
        tx.commit()?;
        if changes_tasks {
            outside::catch_up(store, settings);
        }
        if extent == Extent::All {
            return Ok(());
        }
    }
}

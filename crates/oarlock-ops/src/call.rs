//! Running a request: one transaction, once for a key (semantics 9, 18). Who calls is found out in `caller`.

use oarlock_model::agent::Agent;
use oarlock_model::rules::liveness;
use oarlock_model::{AgentName, TaskId, seeded};

use crate::OpError;
use crate::caller::{Caller, identify};
use crate::context::{Deciding, How, Reading};
use crate::lock::Lock;
use crate::once::{Once, check_key};
use crate::outside::grant::{self, Step};
use crate::outside::{self, Grants};
use crate::portions::Extent;
use crate::reap;
use crate::request::{Mutation, Query};
use crate::search::{Asked, Findings, Found, Tried};
use crate::settings::Settings;
use crate::steps;
use crate::store::{Durability, Store, StoreError};
use crate::task::SettleIntents;
use crate::wait::wait_for;

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
    reap_if_due(store, settings)?;
    let owners = store.owners();
    let view = store.snapshot()?;
    let me = identify(&*view, caller, request.identity())?;
    request.answer(&Reading { view: &*view, owners: &*owners, now: view.now(), me: me.as_ref(), caller, settings })
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

/// Whether another try may go better; anyone who asks is noted as there.
pub(crate) fn is_worth_trying<M: Mutation>(
    store: &mut dyn Store,
    caller: &Caller,
    settings: &Settings,
    request: &M,
    findings: &mut Findings,
) -> Result<bool, OpError> {
    let owners = store.owners();
    let view = store.snapshot()?;
    if let Some(dead) = reap::due(&*view, &*owners)? {
        findings.dying = dead;
        return Ok(true);
    }
    let now = view.now();
    let me = identify(&*view, caller, request.identity())?;
    let is_worth_it =
        request.worth_trying(&Reading { view: &*view, owners: &*owners, now, me: me.as_ref(), caller, settings }, findings)?;
    drop(view);
    if let Some(me) = me.filter(|me| liveness::sighting_due(&me.presence, me.timeout_ms, now)) {
        note_waiting(store, &me)?;
    }
    Ok(is_worth_it)
}

/// Anyone who waits is there: without this, a long wait would look like an absence. No lease is renewed.
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
        let owners = store.owners();
        let view = store.snapshot()?;
        if let Some(Asked::Way(edges)) = asked {
            findings.found = Some(Found::of_way(edges, &*view)?);
            return Ok(());
        }
        let me = identify(&*view, caller, request.identity())?;
        request.search(&Reading { view: &*view, owners: &*owners, now: view.now(), me: me.as_ref(), caller, settings }, findings)
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
    let outside = outside::beside(store).filter(|_| grants != Grants::Nothing && !seeded::is(seeded::FILE_LOCK_SKIPPED));
    let tried = match outside {
        Some(outside) => {
            let drop_intents = &mut |store: &mut dyn Store, unmarked: Vec<TaskId>| {
                let drop_them = SettleIntents { unmarked, ..SettleIntents::default() };
                let _ = mutate(store, &Caller::default(), settings, &drop_them);
            };
            grant::grant(&*outside, store, settings, &grants, findings, &mut transact, drop_intents)
        }
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
    // Nobody is informed of an intended grant: the grant that follows presses it to the disk.
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
    let owners = store.owners();
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
    let mut cx = Deciding::new(&mut *tx, &*owners, caller, settings, &locks);
    if reap::reap(&mut cx, &mut findings.dying)? == Extent::Part {
        findings.changes_tasks |= cx.changes_tasks();
        tx.commit()?;
        return Ok(Some(Tried::Portion));
    }
    if let How::Shown { refused, .. } = &step.how {
        reap::drop_intents(&mut cx, refused)?;
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
        // The reply is reported, and what it says must last.
        Ok(_) if durability != M::DURABILITY && step.granted.is_empty() => Ok(None),
        Ok(reply) => {
            let forgets = seeded::is(seeded::KEYS_FORGOTTEN) || (first.is_some() && seeded::is(seeded::CLAIMS_AGAIN));
            // Nobody has been informed of an intended grant.
            let is_told = step.how != How::Intended || step.granted.is_empty();
            let text = once.filter(|_| is_told && !forgets).map(|once| once.keep(&mut *tx, &reply)).transpose()?;
            tx.commit()?;
            Ok(Some(Tried::Done((reply, text))))
        }
        Err(OpError::Rejected(refused)) => {
            let dead = reap::dead_in_the_way(tx.view(), &*owners, &refused)?;
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
        if seeded::is(seeded::POLLING_RENEWS) {
            agent.presence.beat = now.store;
        }
        cx.tx().write_presence(name, &agent.presence)?;
    }
    Ok(())
}

/// Settles deaths and due times, if there are any: what every call does first.
///
/// # Errors
/// Store errors.
pub fn reap_if_due(store: &mut dyn Store, settings: &Settings) -> Result<(), OpError> {
    if store.is_read_only() {
        return Ok(());
    }
    let owners = store.owners();
    let Some(mut dying) = reap::due(&*store.snapshot()?, &*owners)? else { return Ok(()) };
    let locks = [Lock::Everything];
    let caller = Caller::default();
    loop {
        let mut tx = store.begin(&locks, Durability::Presence)?;
        let mut cx = Deciding::new(&mut *tx, &*owners, &caller, settings, &locks);
        let extent = reap::reap(&mut cx, &mut dying)?;
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

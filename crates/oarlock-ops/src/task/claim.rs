//! `claim`: pick and take in one step (semantics 1, 2, 13).

mod best;

use clap::Args;
use oarlock_model::agent::Agent;
use oarlock_model::duration::Duration;
use oarlock_model::event::{LossReason, TaskClaimed};
use oarlock_model::rules::claim::{self, Ineligible};
use oarlock_model::rules::fence;
use oarlock_model::rules::inbox::{Room, Senders};
use oarlock_model::rules::outside;
use oarlock_model::task::{Task, TaskState};
use oarlock_model::{AgentName, Rejection, TaskId, Token, limits, seeded};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use crate::OpError;
use crate::agent::notices::{self, Notices};
use crate::caller::{Caller, Identity};
use crate::context::{Deciding, Reading};
use crate::lock::Lock;
use crate::message::{fair_page, mark_shown};
use crate::outside::Grants;
use crate::owners::Owners;
use crate::reap;
use crate::request::{Mutation, Request, Waiting};
use crate::reservation::acquire;
use crate::search::{Asked, Blockers, Findings, Found, Seen};
use crate::shapes::{LeaseShape, MessageShape, ReservationShape, TaskShape};
use crate::store::{InboxList, InboxPart, Offer, StoreResult, View, unread_count};
use crate::task::choice::PassedOver;
use crate::task::unready::Looked;
use crate::topic::Topics;

/// Take the best ready task, or the named one. No two agents ever hold the same task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Claim {
    /// The task [default: the best ready task]
    pub id: Option<TaskId>,
    /// How long the lease lasts without a heartbeat or renewal [default: 15m]
    #[arg(long, value_name = "D")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<Duration>,
    /// Wait up to D for a task
    #[arg(long, value_name = "D")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<Duration>,
    /// End the wait for a message that asks for an acknowledgement, or that a person sent
    #[arg(long)]
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub or_message: bool,
    /// Also reserve its write set and resources, all or none, until the lease ends
    #[arg(long)]
    #[serde(default)]
    pub reserve: bool,
    /// Take up to N tasks at once
    #[arg(long, value_name = "N", conflicts_with = "id")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<usize>,
    /// Only this task and its parts, at any depth
    #[arg(long, alias = "within", value_name = "ID", conflicts_with = "id")]
    #[serde(default, alias = "within", skip_serializing_if = "Option::is_none")]
    pub subtree: Option<TaskId>,
    /// The token of the task that the same call has finished: `done --claim` sets it.
    #[arg(skip)]
    #[serde(skip)]
    pub after: Option<Token>,
}

/// One claim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Claimed {
    /// The task.
    pub task: TaskShape,
    /// Its lease.
    pub lease: LeaseShape,
    /// The reservations that were made with it.
    pub reservations: Vec<ReservationShape>,
}

/// The reply of [`Claim`]: one claim, or a list of them with `--count`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ClaimReply {
    /// With `--count`.
    Many {
        /// The claims, in the order of the queue.
        claims: Vec<Claimed>,
        /// Messages that the agent has neither acknowledged nor been shown.
        #[serde(default)]
        unread: u64,
        /// Notices about its other work.
        #[serde(flatten)]
        notices: Notices,
    },
    /// Without.
    One(Box<ClaimedOne>),
}

/// The reply of a claim of one task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClaimedOne {
    /// The claim.
    #[serde(flatten)]
    pub claimed: Claimed,
    /// Messages that the agent has neither acknowledged nor been shown.
    #[serde(default)]
    pub unread: u64,
    /// Notices about its other work.
    #[serde(flatten)]
    pub notices: Notices,
}

impl Claimed {
    /// The claim of a task that is held, as it was reported; nothing when nobody holds it.
    pub(super) fn held(cx: &Reading<'_>, task: Task) -> Result<Option<Self>, OpError> {
        let Some(lease) = LeaseShape::of(cx, &task)? else { return Ok(None) };
        let reservations = cx.view.reservations_of_task(&task.id)?;
        let reservations = ReservationShape::of_all(cx.view, cx.now, &reservations)?;
        Ok(Some(Self { task: TaskShape::of(cx, task)?, lease, reservations }))
    }
}

impl ClaimReply {
    /// The reply of one claim.
    pub(super) fn of_one(claimed: Claimed, unread: u64, notices: Notices) -> Self {
        ClaimReply::One(Box::new(ClaimedOne { claimed, unread, notices }))
    }

    /// The claims, however many were asked for.
    pub fn claims(&self) -> &[Claimed] {
        match self {
            ClaimReply::Many { claims, .. } => claims,
            ClaimReply::One(one) => std::slice::from_ref(&one.claimed),
        }
    }

    /// How many messages wait for the agent, and what else it has to know.
    pub fn notices(&self) -> (u64, &Notices) {
        match self {
            ClaimReply::Many { unread, notices, .. } => (*unread, notices),
            ClaimReply::One(one) => (one.unread, &one.notices),
        }
    }

    /// The claims, by value.
    pub fn into_claims(self) -> Vec<Claimed> {
        match self {
            ClaimReply::Many { claims, .. } => claims,
            ClaimReply::One(one) => vec![one.claimed],
        }
    }
}

impl Request for Claim {
    const VERB: &'static str = "claim";
    const ABOUT: &'static str = "Take the best ready task, or the one named";
    const EXAMPLE: &'static [&'static str] = &["--wait", "10m"];
    const IDENTITY: Identity = Identity::Needed;
    const FORMER_FIELDS: &'static [&'static str] = &["within"];
    type Reply = ClaimReply;

    fn check(&self) -> Result<(), Rejection> {
        match self.count {
            Some(0) => Err(Rejection::invalid("--count is 0", "claim at least one task")),
            Some(n) if n > limits::CLAIM_COUNT_MAX => Err(Rejection::limit("tasks of one claim", limits::CLAIM_COUNT_MAX, n)),
            Some(_) if self.id.is_some() => Err(Rejection::invalid("a claim names a task and a count", "leave one of them out")),
            _ => Ok(()),
        }
    }

    fn waiting(&self) -> Option<Waiting> {
        let messages = if self.hears_messages() { Topics::MESSAGES } else { Topics::NONE };
        self.wait.map(|d| Waiting { for_ms: Some(d.as_ms()), topics: Topics::TASKS.union(Topics::RESERVATIONS).union(messages) })
    }
}

impl Mutation for Claim {
    fn locks(&self, _caller: &Caller) -> Vec<Lock> {
        let mut locks = vec![self.id.clone().map_or(Lock::Queue, Lock::Task)];
        if self.reserve {
            locks.push(Lock::Reservations);
        }
        locks
    }

    fn grants(&self, _is_next: bool) -> Grants {
        self.id.clone().map_or(Grants::Any, Grants::Task)
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<ClaimReply, OpError> {
        let me = cx.me()?.clone();
        match self.take_what_is_there(cx, &me) {
            // A task that is ready goes first, whatever waits.
            Err(no) if self.hears_messages() && (no.is_not_yet() || no.is_all_done()) => Err(messages_waiting(cx, &me)?.unwrap_or(no)),
            outcome => outcome,
        }
    }

    fn search(&self, cx: &Reading<'_>, findings: &mut Findings) -> Result<(), OpError> {
        let me = cx.me()?;
        let mut passed_over = PassedOver::default();
        let found = self.find(cx, me, &findings.unfit, &mut passed_over)?;
        let now = cx.now.store;
        let (blockers, expired) = (passed_over.blockers, passed_over.expired);
        findings.dying = dead_holders(cx.view, cx.owners, &blockers)?;
        if !findings.dying.is_empty() {
            // What only they hold is free once they are ended: then it is searched again.
            return Ok(());
        }
        findings.seen = Some(Seen { seq: cx.view.last_seq()?, at: now, noted: now, blockers, expired });
        // Where there is nothing to write down, the refusal needs no transaction.
        let is_only_read = found.in_vain.is_empty() && found.first_end.is_none() && !self.hears_messages();
        findings.found = Some(match found.nothing.clone().filter(|_| is_only_read) {
            Some(nothing) => Found::Refused(nothing.into()),
            None => Found::Tasks(found),
        });
        Ok(())
    }

    fn worth_trying(&self, cx: &Reading<'_>, findings: &mut Findings) -> Result<bool, OpError> {
        let me = cx.me()?;
        if self.hears_messages() && hears_of_one(cx, me)? {
            return Ok(true);
        }
        // With everything done there is nothing to wait for: the try says so.
        if self.id.is_some() || self.look(cx.view)?.is_all_done() {
            return Ok(true);
        }
        if !claim::has_room(me, cx.view.claim_count(&me.session)?) {
            return Ok(false);
        }
        if !self.may_have_changed(cx, me, findings)? {
            return Ok(false);
        }
        let noted = findings.seen.as_ref().map(|seen| seen.noted);
        self.search(cx, findings)?;
        if !findings.dying.is_empty() {
            return Ok(true);
        }
        if let Some(Found::Tasks(found)) = &findings.found
            && (found.nothing.is_none() || noted.is_none_or(|noted| best::is_note_due(noted, cx.now)))
        {
            return Ok(true);
        }
        if let (Some(seen), Some(noted)) = (&mut findings.seen, noted) {
            seen.noted = noted;
        }
        findings.found = None;
        Ok(false)
    }
}

impl Claim {
    /// Whether a message may end its wait.
    fn hears_messages(&self) -> bool {
        self.wait.is_some() && self.or_message && !seeded::is(seeded::DEAF_CLAIM)
    }

    fn take_what_is_there(&self, cx: &mut Deciding<'_>, me: &Agent) -> Result<ClaimReply, OpError> {
        let held = cx.view().claim_count(&me.session)?;
        let of_principal = cx.held(&me.session)?.leases;
        if cx.shown().is_none() {
            cx.holdings().check_lease(of_principal)?;
        }
        let room = cx.holdings().room_for_leases(of_principal);
        let claims = match (cx.shown(), &self.id) {
            (Some(shown), _) => self.make_good(cx, shown)?,
            (None, Some(id)) => vec![self.claim_named(cx, me, held, id)?],
            (None, None) => self.claim_best(cx, me, held, room)?,
        };
        if cx.only_intends() {
            // Nobody gets this reply, so the notices stay for the one that somebody gets.
            return Ok(ClaimReply::Many { claims, unread: 0, notices: Notices::default() });
        }
        let taken: Vec<&TaskId> = claims.iter().map(|claimed| &claimed.lease.task).collect();
        let (unread, notices) = (unread_count(cx.view(), &me.name)?, notices::take(cx)?.without(&taken));
        Ok(match (self.count, <[Claimed; 1]>::try_from(claims)) {
            (None, Ok([claimed])) => ClaimReply::of_one(claimed, unread, notices),
            (_, Ok([claimed])) => ClaimReply::Many { claims: vec![claimed], unread, notices },
            (_, Err(claims)) => ClaimReply::Many { claims, unread, notices },
        })
    }

    fn claim_named(&self, cx: &mut Deciding<'_>, me: &Agent, held: usize, id: &TaskId) -> Result<Claimed, OpError> {
        let task = cx.task(id)?;
        match task.state {
            TaskState::Ready => {}
            TaskState::Claimed => refuse_live_lease(&cx.reading(), &task, me)?,
            state => return Err(not_claimable(cx, &task, state)?),
        }
        if cx.unfit().contains(id) {
            let why = Some("it is taken or over in the files beside the store".to_owned());
            return Err(Rejection::StateConflict { verb: "claim", task: id.clone(), state: task.state, why }.into());
        }
        match ineligible(&cx.reading(), &task, me)? {
            Some(Ineligible::Capability) => {
                let missing: Vec<String> = task.spec.capabilities.iter().filter(|c| !me.can(c)).map(ToString::to_string).collect();
                let why = format!("it needs {}, which {} does not have", missing.join(", "), me.name);
                return Err(Rejection::StateConflict { verb: "claim", task: id.clone(), state: task.state, why: Some(why) }.into());
            }
            Some(Ineligible::Assigned) => {
                let agent = task.spec.assigned.clone().unwrap_or_else(|| me.name.clone());
                return Err(Rejection::AssignedElsewhere { task: id.clone(), agent }.into());
            }
            None => {}
        }
        if let Some(max) = me.max_claims.filter(|_| !claim::has_room(me, held)) {
            return Err(Rejection::limit(format!("claims of {}", me.name), max as usize, held + 1).into());
        }
        if self.reserve {
            acquire::check_for_claim(cx, &task)?;
        }
        match self.grant(cx, task)? {
            Some(claimed) => Ok(claimed),
            None => {
                // The lost lease was one too many: the task has died, and that stays so.
                cx.keep()?;
                let why = Some("its lease was lost too often".to_owned());
                Err(Rejection::StateConflict { verb: "claim", task: id.clone(), state: TaskState::Dead, why }.into())
            }
        }
    }

    /// The tasks that this claim is about.
    fn look(&self, view: &dyn View) -> StoreResult<Looked> {
        Looked::at(view, self.subtree.as_ref())
    }

    /// Grants a task that may be granted. An expired lease is counted as lost first; nothing comes
    /// back when that was one too many and the task died.
    fn take(&self, cx: &mut Deciding<'_>, offer: &Offer) -> Result<Option<Claimed>, OpError> {
        let task = cx.task(&offer.id)?;
        self.grant(cx, task)
    }

    /// Grants what the caller intended and the files show now. Where none of that is left, it looks again.
    fn make_good(&self, cx: &mut Deciding<'_>, shown: Vec<TaskId>) -> Result<Vec<Claimed>, OpError> {
        let session = cx.me()?.session.clone();
        let mut claims = Vec::new();
        for id in shown {
            let mut task = cx.task(&id)?;
            let Some(intent) = task.intent().filter(|intent| intent.session == session) else { continue };
            let (token, ttl_ms, reserve) = (intent.token, intent.ttl_ms, intent.reserve);
            let fact = TaskClaimed { id, token, ttl_ms, attempt: task.attempt, reserve, after: self.after };
            fact.grant_to(cx.me()?, &mut task, cx.now());
            cx.emit(fact)?;
            claims.extend(Claimed::held(&cx.reading(), task)?);
        }
        if claims.is_empty() { Err(cx.search_first(Asked::ByRequest)) } else { Ok(claims) }
    }

    fn grant(&self, cx: &mut Deciding<'_>, task: Task) -> Result<Option<Claimed>, OpError> {
        if task.state == TaskState::Claimed && !reap::lose_lease(cx, &task, LossReason::Expired, false)? {
            return Ok(None);
        }
        // Whose silence was too long is still shown there. Otherwise the files say by now that it is free.
        let given_up = || task.abandoned_hold().map(|hold| hold.holder.clone().unwrap_or_default());
        let before = task.holder().map(|grant| grant.agent.to_string()).or_else(given_up);
        let mut task = if task.state == TaskState::Claimed { cx.task(&task.id)? } else { task };
        let fact = TaskClaimed {
            id: task.id.clone(),
            token: cx.next_token(),
            ttl_ms: self.ttl.unwrap_or(cx.settings().lease_ttl).as_ms(),
            attempt: claim::next_attempt(&task),
            reserve: self.reserve,
            after: self.after,
        };
        let lease = LeaseShape { task: task.id.clone(), token: fact.token, ttl_ms: fact.ttl_ms, attempt: fact.attempt };
        fact.grant_to(cx.me()?, &mut task, cx.now());
        cx.grant(fact, before)?;
        let reservations =
            if self.reserve && !seeded::is(seeded::CLAIM_WITHOUT_ITS_FILES) { acquire::with_claim(cx, &task)? } else { Vec::new() };
        Ok(Some(Claimed { task: TaskShape::of(&cx.reading(), task)?, lease, reservations }))
    }
}

/// The agents whose reservations keep tasks from a caller although they are dead.
fn dead_holders(view: &dyn View, owners: &dyn Owners, blockers: &Blockers) -> StoreResult<Vec<AgentName>> {
    let mut holders = BTreeSet::new();
    for id in blockers.reservations.iter().take(limits::OWNERS_CHECKED_MAX) {
        holders.extend(view.reservation(id)?.map(|reservation| reservation.agent));
    }
    holders.into_iter().filter_map(|name| reap::is_dead(view, owners, &name).map(|dead| dead.then_some(name)).transpose()).collect()
}

/// Whether a message waits that ends a claim.
fn hears_of_one(cx: &Reading<'_>, me: &Agent) -> Result<bool, OpError> {
    Ok(!cx.view.inbox(&me.name, &InboxPart { list: InboxList::Urgent(Senders::Any), beyond: None, limit: 1 })?.is_empty())
}

/// The refusal of a claim that would wait while urgent messages are unread. What it shows counts as read from then on: else the
/// agent would get them again with each claim.
fn messages_waiting(cx: &mut Deciding<'_>, me: &Agent) -> Result<Option<OpError>, OpError> {
    let room = Room { items: limits::WAITING_MESSAGES_MAX, bytes: limits::PAGE_BYTES_MAX };
    let mut messages = fair_page(cx.view(), &me.name, InboxList::Urgent(Senders::Any), None, room, &|message| message.text.len())?.messages;
    if messages.is_empty() {
        return Ok(None);
    }
    messages.sort_by_key(|message| message.seq);
    mark_shown(cx, &me.name, &messages)?;
    cx.keep()?;
    let (agent, count, unread) = (me.name.clone(), messages.len(), unread_count(cx.view(), &me.name)?);
    let shapes: Vec<MessageShape> =
        messages.into_iter().map(|message| MessageShape::of(cx.view().identity(), message, Some(&me.name))).collect();
    Ok(Some(Rejection::MessagesWaiting { agent, count, messages: serde_json::to_value(shapes)?, unread }.into()))
}

fn refuse_live_lease(cx: &Reading<'_>, task: &Task, me: &Agent) -> Result<(), OpError> {
    outside::check_free(task, cx.now)?;
    let Some(grant) = task.holder() else { return Ok(()) };
    let holder = cx.view.agent(&grant.agent)?;
    let facts = fence::holder_facts(grant, holder.as_ref(), cx.now);
    if facts.ttl_ms == 0 || seeded::is(seeded::LIVE_LEASE_IGNORED) {
        return Ok(());
    }
    if grant.session == me.session {
        let why = Some(format!("{} holds it already with token {}", me.name, grant.token));
        return Err(Rejection::StateConflict { verb: "claim", task: task.id.clone(), state: task.state, why }.into());
    }
    Err(Rejection::LeaseHeld { task: task.id.clone(), holder: facts }.into())
}

fn not_claimable(cx: &Deciding<'_>, task: &Task, state: TaskState) -> Result<OpError, OpError> {
    let why = match state {
        TaskState::Blocked => {
            let unmet = cx.view().unmet_needs(&task.id)?;
            Some(format!("it needs {}", unmet.iter().map(TaskId::as_str).collect::<Vec<_>>().join(", ")))
        }
        TaskState::Waiting => Some("it waits for its parts".to_owned()),
        _ => None,
    };
    Ok(Rejection::StateConflict { verb: "claim", task: task.id.clone(), state, why }.into())
}

/// Why this agent may not have this task, if it may not.
pub(crate) fn ineligible(cx: &Reading<'_>, task: &Task, me: &Agent) -> Result<Option<Ineligible>, OpError> {
    let assignee_active = match &task.spec.assigned {
        Some(assignee) if *assignee != me.name => cx.is_active(assignee)?,
        _ => false,
    };
    Ok(claim::ineligible(&task.spec, me, assignee_active))
}

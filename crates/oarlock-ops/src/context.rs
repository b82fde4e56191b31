//! The context of a deciding operation: a view, the moment, the caller, and the emitting of events.

use std::collections::BTreeSet;

use oarlock_model::agent::Agent;
use oarlock_model::event::{Fact, TaskAdded, TaskClaimed, TaskIntended};
use oarlock_model::message::Message;
use oarlock_model::rules::authority::Authority;
use oarlock_model::rules::change::{self, By, Change};
use oarlock_model::rules::holdings::{Held, Holdings};
use oarlock_model::rules::liveness;
use oarlock_model::task::{Grant, Task};
use oarlock_model::{AgentName, MessageId, Now, Rejection, SessionId, TaskId, Token, limits, seeded};

use crate::OpError;
use crate::caller::{self, Caller, Identity};
use crate::lock::{self, Lock};
use crate::outside::Intent;
use crate::owners::Owners;
use crate::portions::Progress;
use crate::presence;
use crate::search::{Asked, Found};
use crate::settings::Settings;
use crate::store::{NewEvent, StoreResult, Transaction, View};

/// Reading: a view and who is asking.
pub struct Reading<'a> {
    /// The view.
    pub view: &'a dyn View,
    /// The liveness check of the machine.
    pub owners: &'a dyn Owners,
    /// The moment.
    pub now: Now,
    /// Who is asking, if known.
    pub me: Option<&'a Agent>,
    /// The caller as it named itself.
    pub caller: &'a Caller,
    /// Defaults.
    pub settings: &'a Settings,
}

impl<'a> Reading<'a> {
    /// The caller, which must be known.
    ///
    /// # Errors
    /// `identity_required`.
    pub fn me(&self) -> Result<&'a Agent, OpError> {
        self.me.ok_or(OpError::Rejected(Rejection::IdentityRequired))
    }

    /// The limits of the caller's holdings.
    pub fn holdings(&self) -> Holdings {
        match self.caller.authority {
            Authority::Agent => self.settings.agent_holdings,
            Authority::Operator => Holdings::default(),
        }
    }

    /// The holdings that count against that: all of the caller's principal, or those of this session where there is no principal.
    ///
    /// # Errors
    /// Store errors.
    pub fn held(&self, session: &SessionId) -> StoreResult<Held> {
        match &self.caller.root {
            Some(root) if !seeded::is(seeded::HELPERS_COUNT_APART) => self.view.holdings_of(root),
            _ => Ok(Held { leases: self.view.claim_count(session)?, reservations: self.view.reservation_count_of(session)?, sessions: 0 }),
        }
    }

    /// Why nobody is known: the refusal that a verb gives which needs to know.
    pub fn why_unknown(&self) -> Option<Rejection> {
        match caller::identify(self.view, self.caller, Identity::Needed) {
            Err(OpError::Rejected(why)) => Some(why),
            _ => None,
        }
    }

    /// The task with this id.
    ///
    /// # Errors
    /// `not_found`, store errors.
    pub fn task(&self, id: &TaskId) -> Result<Task, OpError> {
        self.view.task(id)?.ok_or_else(|| Rejection::not_found("task", id).into())
    }

    /// The message that this store shows by the id.
    ///
    /// # Errors
    /// `not_found`, also for an id that another store gave; store errors.
    pub fn message(&self, shown: &MessageId) -> Result<Message, OpError> {
        let found = match shown.known_to(self.view.identity()) {
            Some(id) => self.view.message(&id)?,
            None => None,
        };
        found.ok_or_else(|| Rejection::not_found("message", shown).into())
    }

    /// The agent of this name.
    ///
    /// # Errors
    /// `not_found`, store errors.
    pub fn agent(&self, name: &AgentName) -> Result<Agent, OpError> {
        self.view.agent(name)?.ok_or_else(|| Rejection::not_found("agent", name).into())
    }

    /// Whether the agent is active now.
    ///
    /// # Errors
    /// Store errors.
    pub fn is_active(&self, name: &AgentName) -> StoreResult<bool> {
        Ok(self.view.agent(name)?.is_some_and(|agent| self.agent_state(&agent) == liveness::AgentState::Active))
    }

    /// The state of an agent.
    pub fn agent_state(&self, agent: &Agent) -> liveness::AgentState {
        presence::state(self.owners, agent, self.now)
    }

    /// How long a grant still holds, in milliseconds.
    ///
    /// # Errors
    /// Store errors.
    pub fn ttl_ms(&self, grant: &Grant) -> StoreResult<i64> {
        let holder = if liveness::is_renewed_now(grant, self.now) { None } else { self.view.agent(&grant.agent)? };
        Ok(liveness::grant_ttl_ms(grant, holder.as_ref(), self.now))
    }
}

/// Deciding: reading, and emitting events that take effect at once inside the transaction.
pub struct Deciding<'a> {
    tx: &'a mut dyn Transaction,
    owners: &'a dyn Owners,
    caller: &'a Caller,
    me: Option<Agent>,
    settings: &'a Settings,
    locks: &'a [Lock],
    now: Now,
    speaking: bool,
    found: Option<Found>,
    searches: usize,
    asked: Option<Asked>,
    first_seq: u64,
    emitted: usize,
    progress: Progress,
    portion: Option<Progress>,
    granting: Granting,
    unfit: BTreeSet<TaskId>,
    changes_tasks: bool,
}

/// The fate of a decision's grants.
#[derive(Clone, Debug, Default)]
pub(crate) struct Granting {
    /// How it is granted.
    pub(crate) how: How,
    /// The grants so far.
    pub(crate) granted: Vec<Intent>,
}

/// How tasks are granted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum How {
    /// At once.
    #[default]
    AtOnce,
    /// Not yet: the files beside the store have to show it first.
    Intended,
    /// Those that the files show, and no others; what they refused is dropped.
    Shown {
        /// The tasks that they show.
        shown: Vec<Intent>,
        /// The tasks that they do not show.
        refused: Vec<Intent>,
    },
}

impl<'a> Deciding<'a> {
    /// A context inside `tx`; `me` is set once the caller is identified.
    pub(crate) fn new(
        tx: &'a mut dyn Transaction,
        owners: &'a dyn Owners,
        caller: &'a Caller,
        settings: &'a Settings,
        locks: &'a [Lock],
    ) -> Self {
        let (found, searches, asked, emitted, portion) = (None, 0, None, 0, None);
        let (granting, unfit, changes_tasks) = (Granting::default(), BTreeSet::new(), false);
        Self {
            now: tx.view().now(),
            first_seq: tx.next_seq(),
            tx,
            owners,
            caller,
            me: None,
            settings,
            locks,
            speaking: false,
            found,
            searches,
            asked,
            emitted,
            progress: Progress::default(),
            portion,
            granting,
            unfit,
            changes_tasks,
        }
    }

    /// The findings for this decision of the last of N searches.
    pub(crate) fn with_found(self, found: Option<Found>, searches: usize) -> Self {
        Self { found, searches, ..self }
    }

    /// The findings of a search for this decision, once.
    pub(crate) fn take_found(&mut self) -> Option<Found> {
        self.found.take()
    }

    /// How many searches there were for this decision.
    pub(crate) fn searches(&self) -> usize {
        self.searches
    }

    /// This cannot be decided in bounded time: it is searched for outside of the write lock, and then it is decided again. What was
    /// emitted is undone; the error is to be returned.
    pub(crate) fn search_first(&mut self, asked: Asked) -> OpError {
        self.asked = Some(asked);
        OpError::Internal("a decision that waits for a search ended without one".into())
    }

    /// The decision's question to a search.
    pub(crate) fn take_asked(&mut self) -> Option<Asked> {
        self.asked.take()
    }

    /// The number that the first event of this decision has, or would have.
    pub(crate) fn first_seq(&self) -> u64 {
        self.first_seq
    }

    /// The call goes on after portions that did this much.
    pub(crate) fn with_progress(self, progress: Progress) -> Self {
        Self { progress, ..self }
    }

    /// The progress of the portions of this call before this one, once.
    pub(crate) fn take_progress(&mut self) -> Progress {
        std::mem::take(&mut self.progress)
    }

    /// Events that still fit into this portion.
    pub(crate) fn room(&self) -> usize {
        limits::PORTION_ROWS_MAX.saturating_sub(self.emitted)
    }

    /// The emitted events are committed, and the call is decided again after them, with this progress. The error is to be returned.
    pub(crate) fn go_on_later(&mut self, progress: Progress) -> OpError {
        self.portion = Some(Progress { is_begun: true, ..progress });
        OpError::Internal("a call in portions ended after one of them".into())
    }

    /// The progress with which the call goes on, if this was a portion of it.
    pub(crate) fn take_portion(&mut self) -> Option<Progress> {
        self.portion.take()
    }

    /// How it grants tasks, and which it does not.
    pub(crate) fn with_granting(self, how: &How, unfit: &BTreeSet<TaskId>) -> Self {
        Self { granting: Granting { how: how.clone(), granted: Vec::new() }, unfit: unfit.clone(), ..self }
    }

    /// The tasks that it has granted, or intends to grant.
    pub(crate) fn take_granted(&mut self) -> Vec<Intent> {
        std::mem::take(&mut self.granting.granted)
    }

    /// The tasks that the files show as the caller's, where they were asked.
    pub(crate) fn shown(&self) -> Option<Vec<TaskId>> {
        match &self.granting.how {
            How::Shown { shown, .. } => Some(shown.iter().map(|intent| intent.task.clone()).collect()),
            _ => None,
        }
    }

    /// Whether the grants are only intended so far: the call is decided again once the files show it.
    pub(crate) fn only_intends(&self) -> bool {
        self.granting.how == How::Intended
    }

    /// Tasks that this call does not choose.
    pub(crate) fn unfit(&self) -> &BTreeSet<TaskId> {
        &self.unfit
    }

    /// Whether anything has changed that tasks show.
    pub(crate) fn changes_tasks(&self) -> bool {
        self.changes_tasks
    }

    /// Grants a task to the caller, or means to; `before` has just lost it.
    ///
    /// # Errors
    /// Store errors.
    pub(crate) fn grant(&mut self, fact: TaskClaimed, before: Option<String>) -> Result<(), OpError> {
        let intent = Intent { task: fact.id.clone(), token: fact.token, agent: self.me()?.name.clone(), since: self.now.wall, before };
        self.granting.granted.push(intent);
        match self.only_intends() {
            true => {
                let TaskClaimed { id, token, ttl_ms, attempt, reserve, .. } = fact;
                self.emit(TaskIntended { id, token, ttl_ms, attempt, reserve })
            }
            false => self.emit(fact),
        }
    }

    pub(crate) fn identify(&mut self, me: Option<Agent>) {
        self.me = me;
        self.speaking = true;
    }

    /// The transaction, for the few writes that are not events.
    pub fn tx(&mut self) -> &mut dyn Transaction {
        self.tx
    }

    /// The view.
    pub fn view(&self) -> &dyn View {
        self.tx.view()
    }

    /// The liveness check of the machine.
    pub fn owners(&self) -> &'a dyn Owners {
        self.owners
    }

    /// The same, for reading only.
    pub fn reading(&self) -> Reading<'_> {
        Reading {
            view: self.view(),
            owners: self.owners,
            now: self.now,
            me: self.me.as_ref(),
            caller: self.caller,
            settings: self.settings,
        }
    }

    /// The moment.
    pub fn now(&self) -> Now {
        self.now
    }

    /// Defaults.
    pub fn settings(&self) -> &'a Settings {
        self.settings
    }

    /// The limits of the caller's holdings.
    pub fn holdings(&self) -> Holdings {
        self.reading().holdings()
    }

    /// The holdings that count against that: all of the caller's principal, or those of this session where there is no principal.
    ///
    /// # Errors
    /// Store errors.
    pub fn held(&self, session: &SessionId) -> StoreResult<Held> {
        self.reading().held(session)
    }

    /// The caller as it named itself.
    pub fn caller(&self) -> &'a Caller {
        self.caller
    }

    /// The caller, which must be known.
    ///
    /// # Errors
    /// `identity_required`.
    pub fn me(&self) -> Result<&Agent, OpError> {
        match &self.me {
            Some(me) => Ok(me),
            // Why nobody is known, where a name was given but counts for nothing.
            None => Err(caller::identify(self.view(), self.caller, Identity::Needed)
                .err()
                .unwrap_or(OpError::Rejected(Rejection::IdentityRequired))),
        }
    }

    /// The task with this id.
    ///
    /// # Errors
    /// `not_found`, store errors.
    pub fn task(&self, id: &TaskId) -> Result<Task, OpError> {
        self.reading().task(id)
    }

    /// Whether the caller may change a task; with the session to inform, if there is one.
    ///
    /// # Errors
    /// `lease_held`, `denied`, store errors.
    pub fn check_change(&self, task: &Task, change: Change) -> Result<Option<SessionId>, OpError> {
        let given = self.caller.agent_name();
        let name = self.me.as_ref().map(|me| &me.name).or(given.as_ref());
        let by = By { authority: self.caller.authority, name, session: self.session() };
        let holder = match task.holder() {
            Some(grant) => self.view().agent(&grant.agent)?,
            None => None,
        };
        let mut above = Vec::new();
        if by.authority == Authority::Agent {
            let mut next = task.spec.parent.clone();
            // A damaged store can have a task below itself.
            while let Some(id) = next.take().filter(|_| above.len() < limits::PARENT_DEPTH_MAX) {
                let parent = self.task(&id)?;
                next.clone_from(&parent.spec.parent);
                above.push(parent);
            }
        }
        Ok(change::check_change(task, &above, change, by, holder.as_ref(), self.now)?.cloned())
    }

    /// The caller's session, if it has one.
    pub fn session(&self) -> Option<&SessionId> {
        self.me.as_ref().map(|me| &me.session)
    }

    /// The number the next event gets, which is also the token of a grant it makes.
    pub fn next_token(&self) -> Token {
        Token(self.tx.next_seq())
    }

    /// Emits an event on behalf of the caller.
    ///
    /// # Errors
    /// Store errors.
    pub fn emit(&mut self, fact: impl Into<Fact>) -> Result<(), OpError> {
        let (agent, session) = self.speaker();
        self.emit_as(agent, session, fact.into())
    }

    /// Emits that a task is added, and says what it is then, not numbered yet: it need not be read again.
    ///
    /// # Errors
    /// Store errors.
    pub fn add(&mut self, fact: TaskAdded) -> Result<Task, OpError> {
        let body = fact.spec.body.clone();
        let mut task = self.add_without_text(fact)?;
        task.spec.body = body;
        Ok(task)
    }

    /// The same for who needs all of the task but its text, which may be large: that is empty in the returned task.
    ///
    /// # Errors
    /// Store errors.
    pub fn add_without_text(&mut self, mut fact: TaskAdded) -> Result<Task, OpError> {
        let body = std::mem::take(&mut fact.spec.body);
        let task = fact.clone().into_task(self.speaker().0, self.now.wall);
        fact.spec.body = body;
        self.emit(fact)?;
        Ok(task)
    }

    fn speaker(&self) -> (Option<AgentName>, Option<SessionId>) {
        match (&self.me, self.speaking) {
            (Some(me), true) => (Some(me.name.clone()), Some(me.session.clone())),
            (None, true) => (self.caller.name.clone(), None),
            (_, false) => (None, None),
        }
    }

    /// Emits an event on behalf of a session that is not (yet) the caller's.
    ///
    /// # Errors
    /// Store errors.
    pub fn emit_as(&mut self, agent: Option<AgentName>, session: Option<SessionId>, fact: Fact) -> Result<(), OpError> {
        debug_assert!(lock::covers(self.locks, &fact), "{} is not covered by {:?}", fact.kind(), self.locks);
        self.emitted += 1;
        self.changes_tasks |= fact.kind().starts_with("task_") || matches!(fact, Fact::LeaseLost(_) | Fact::IntentDropped(_));
        let next_seq = self.tx.next_seq();
        let seq = self.tx.append(NewEvent { at: self.now.wall, store_at: self.now.store, agent, session, fact })?;
        debug_assert_eq!(seq, next_seq, "facts name what they make by its number");
        Ok(())
    }

    /// The events emitted so far stay, even if the request is refused later.
    ///
    /// # Errors
    /// Store errors.
    pub fn keep(&mut self) -> Result<(), OpError> {
        Ok(self.tx.mark()?)
    }
}

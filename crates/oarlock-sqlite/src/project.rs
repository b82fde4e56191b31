//! Projecting events onto tables: what `State::apply` says, in SQL. It decides nothing; a row that is
//! not as the event needs it means that log and tables do not fit together, and nothing is committed.

use oarlock_model::agent::SessionEnd;
use oarlock_model::event::{
    Event, Fact, LeaseLost, LeaveReason, ReleaseReason, SpecChange, TaskAdded, TaskCancelled, TaskClaimed, TaskIntended, TaskUpdated,
};
use oarlock_model::landing::Landing;
use oarlock_model::rules::authority::speaks_for;
use oarlock_model::rules::transition::{self, Hold};
use oarlock_model::state::{EndedReservation, Notice, NoticeKind};
use oarlock_model::task::{Gate, Grant, GrantEnd, Resting, TaskState};
use oarlock_model::{SessionId, TaskId, seeded};
use oarlock_ops::store::Counts;
use rusqlite::Connection;

use crate::error::bad_row;
use crate::rows::task::Key;
use crate::rows::{Sql, agent, entry, event, int, landing, message, meta, outside, proposal, queue, reservation, task, to_json};

/// Appends one event and projects it.
pub(crate) struct Projection<'a> {
    pub(crate) conn: &'a Connection,
    /// How many tasks are in each state; it becomes what it is after the event.
    pub(crate) counts: &'a mut Counts,
}

impl Projection<'_> {
    /// Applies the event to log and tables.
    pub(crate) fn apply(&mut self, event: &Event) -> Sql<()> {
        let mut prev = None;
        match &event.fact {
            Fact::TaskAdded(fact) => self.add(event, fact)?,
            fact => match fact.task() {
                Some(id) => {
                    let key = task::key(self.conn, id)?.ok_or_else(|| bad_row("task", format!("{id} is missing")))?;
                    prev = Some(key.last_event);
                    self.apply_to_task(event, key)?;
                }
                None => self.apply_elsewhere(event)?,
            },
        }
        event::insert(self.conn, event, prev, self.counts)
    }

    fn add(&mut self, event: &Event, fact: &TaskAdded) -> Sql<()> {
        let seq = queue::next_seq(self.conn)?;
        self.counts.shift(None, fact.resting.state());
        task::insert(self.conn, seq, event.seq, event.at, event.agent.as_ref(), fact)
    }

    fn apply_to_task(&mut self, event: &Event, key: Key) -> Sql<()> {
        let conn = self.conn;
        transition::check(&event.fact, key.state, key.hold)
            .map_err(|why| bad_row(event.fact.kind(), format!("it cannot follow: {why}")))?;
        match &event.fact {
            Fact::TaskClaimed(fact) => return self.claim(event, key, fact, false),
            Fact::TaskIntended(fact) => {
                let TaskIntended { id, token, ttl_ms, attempt, reserve } = fact.clone();
                return self.claim(event, key, &TaskClaimed { id, token, ttl_ms, attempt, reserve, after: None }, true);
            }
            Fact::TaskDone(fact) => {
                self.moved(key, TaskState::Done);
                return task::finish(conn, key, TaskState::Done, event.at, event.seq, fact.result.as_ref(), &fact.artifacts);
            }
            Fact::TaskSubmitted(fact) => {
                self.moved(key, TaskState::Review);
                return task::finish(conn, key, TaskState::Review, event.at, event.seq, fact.result.as_ref(), &fact.artifacts);
            }
            _ => task::touch(conn, key.seq, event.at, event.seq)?,
        }
        match &event.fact {
            Fact::TaskUpdated(fact) => self.update(key, fact),
            Fact::TaskSplit(fact) => {
                if fact.auto_finish {
                    task::set_auto_finish(conn, key.seq)?;
                }
                if !fact.waits {
                    return Ok(());
                }
                if key.state == TaskState::Claimed {
                    self.give_back_attempt(key)?;
                }
                task::end_grant(conn, key.seq, GrantEnd::Split)?;
                self.rest(key, Resting::Waiting)
            }
            Fact::TaskReadied(_) => self.rest(key, Resting::Ready { ready_at: event.store_at }),
            Fact::TaskProgressed(fact) => fact.progress.map_or(Ok(()), |progress| task::set_progress(conn, key.seq, progress)),
            Fact::TaskReleased(fact) => {
                self.give_back_attempt(key)?;
                let end = match fact.reason {
                    ReleaseReason::Released | ReleaseReason::Left => GrantEnd::Released,
                    ReleaseReason::TakenOver => GrantEnd::TakenOver,
                };
                task::end_grant(conn, key.seq, end)?;
                self.rest(key, fact.resting)
            }
            Fact::TaskTakenOutside(fact) => {
                self.moved(key, TaskState::Claimed);
                outside::take(conn, key.seq, fact)
            }
            Fact::TaskLeftOutside(fact) => {
                outside::leave(conn, key.seq, fact)?;
                self.rest(key, fact.resting)
            }
            Fact::IntentDropped(fact) => {
                let intent = task::running_grant(conn, &fact.task)?.filter(Grant::is_intent);
                if intent.is_none_or(|intent| intent.token != fact.token) {
                    return Err(bad_row("intent", format!("task {} has none with {}", fact.task, fact.token)));
                }
                self.give_back_attempt(key)?;
                task::end_grant(conn, key.seq, GrantEnd::Released)?;
                self.rest_if(key, fact.resting)
            }
            Fact::TaskFailed(fact) => {
                let (attempt, _, losses, _) = task::counts(conn, key.seq)?;
                task::set_counts(conn, key.seq, attempt, fact.failures, losses)?;
                task::end_grant(conn, key.seq, GrantEnd::Failed)?;
                task::set_last_failure(conn, key.seq, &fact.reason)?;
                self.rest(key, Resting::Scheduled { retry_at: fact.retry_at })?;
                task::forget_ready(conn, key.seq)
            }
            Fact::TaskNoted(fact) if fact.as_result => task::set_result(conn, key.seq, &fact.text),
            Fact::LandingQueued(fact) => {
                let queued = fact.applied(landing::get(conn, key.seq)?, event.seq, event.store_at);
                landing::set(conn, key.seq, &queued.map_err(|why| bad_row("landing", why))?)
            }
            Fact::LandingStarted(fact) => landing::change(conn, key.seq, &fact.id, Landing::start),
            Fact::LandingTested(fact) => landing::change(conn, key.seq, &fact.id, |landing| landing.candidate.clone_from(&fact.candidate)),
            Fact::LandingLanded(fact) => landing::change(conn, key.seq, &fact.id, |landing| landing.land(fact.commit.clone())),
            Fact::LandingRefused(fact) => {
                landing::change(conn, key.seq, &fact.id, |landing| landing.refuse(fact.reason, fact.files.clone()))?;
                let (attempt, _, losses, _) = task::counts(conn, key.seq)?;
                task::set_counts(conn, key.seq, attempt, fact.failures, losses)?;
                fact.brief.as_ref().map_or(Ok(()), |brief| task::set_rejected(conn, key.seq, brief))
            }
            Fact::TaskRejected(fact) => {
                task::set_rejected(conn, key.seq, &fact.reason)?;
                landing::withdraw(conn, key.seq)?;
                self.rest(key, fact.resting)
            }
            Fact::TaskCancelled(fact) => self.cancel(key, fact),
            Fact::TaskRequeued(fact) => {
                task::set_counts(conn, key.seq, 0, 0, 0)?;
                task::forget_retry(conn, key.seq)?;
                task::set_dropped(conn, key.seq, false)?;
                self.rest(key, fact.resting)
            }
            Fact::TaskDied(_) => {
                task::end_grant(conn, key.seq, GrantEnd::Lost)?;
                task::forget_retry(conn, key.seq)?;
                self.set_state(key, TaskState::Dead)
            }
            Fact::DependencyAdded(fact) => {
                fact.on.iter().try_for_each(|need| task::add_need(conn, key.seq, need))?;
                let notice =
                    |(task, session): (&TaskId, &SessionId)| Notice { session: session.clone(), kind: NoticeKind::Blocked(task.clone()) };
                fact.notify.iter().map(notice).try_for_each(|notice| agent::add_notice(conn, &notice))?;
                self.rest_if(key, fact.resting)
            }
            Fact::DependencyRemoved(fact) => {
                fact.on.iter().try_for_each(|need| task::remove_need(conn, key.seq, need))?;
                self.rest_if(key, fact.resting)
            }
            Fact::LeaseLost(fact) => self.lose_lease(key, fact),
            _ => Ok(()),
        }
    }

    fn apply_elsewhere(&mut self, event: &Event) -> Sql<()> {
        let conn = self.conn;
        match &event.fact {
            Fact::AgentJoined(fact) => agent::join(conn, event, fact),
            Fact::AgentLeft(fact) => {
                let end = match fact.reason {
                    LeaveReason::Left => SessionEnd::Left,
                    LeaveReason::TakenOver => SessionEnd::TakenOver,
                };
                agent::end(conn, &fact.name, &fact.session, end)
            }
            Fact::AgentLost(fact) => agent::end(conn, &fact.name, &fact.session, SessionEnd::Lost),
            Fact::StateSet(fact) => entry::put(conn, &fact.key, Some(to_json(&fact.value)?), fact.version, event.at, event.agent.as_ref()),
            Fact::StateDeleted(fact) => entry::put(conn, &fact.key, None, fact.version, event.at, event.agent.as_ref()),
            Fact::ReservationMade(fact) => match (&event.agent, &event.session) {
                (Some(agent), Some(session)) => reservation::insert(conn, event, fact, agent, session),
                _ => Err(bad_row("reservation", "it names no session")),
            },
            Fact::ReservationEnded(fact) => {
                let ended = reservation::delete(conn, &fact.id)?;
                let notice = EndedReservation::notice(&ended, fact.reason, event.session.as_ref());
                notice.map_or(Ok(()), |notice| agent::add_notice(conn, &notice))
            }
            Fact::MessageSent(fact) => match &event.agent {
                Some(from) if fact.counts_as.as_ref().is_none_or(|root| speaks_for(root, from)) => message::insert(conn, event, fact, from),
                Some(from) => Err(bad_row("message", format!("{from} does not count as {}", fact.counts_as(from)))),
                None => Err(bad_row("message", "it names no sender")),
            },
            Fact::MessageAcked(fact) => message::ack(conn, &fact.id, &fact.by),
            Fact::ProposalOpened(fact) => proposal::insert(conn, event, fact),
            Fact::VoteCast(fact) => proposal::vote(conn, fact),
            Fact::ProposalClosed(fact) => proposal::close(conn, fact),
            Fact::StoreRestored(fact) => fact.identity.as_ref().map_or(Ok(()), |identity| meta::begin(conn, identity)),
            _ => Ok(()),
        }
    }

    /// The event grants the task, or means to; a grant that was meant keeps the token of its intent.
    fn claim(&mut self, event: &Event, key: Key, fact: &TaskClaimed, intended: bool) -> Sql<()> {
        let is_own_number = fact.token.0 == event.seq;
        if (intended || key.hold != Hold::Intent) && !is_own_number {
            return Err(bad_row("claim", format!("token {} is not the number of its event", fact.token)));
        }
        if key.hold == Hold::Intent {
            let intent = task::running_grant(self.conn, &fact.id)?.filter(Grant::is_intent);
            if intent.is_none_or(|intent| intent.token != fact.token || Some(&intent.session) != event.session.as_ref()) {
                return Err(bad_row("claim", format!("task {} has no intent {}", fact.id, fact.token)));
            }
        }
        if !seeded::is(seeded::COUNTS_DRIFT) {
            self.moved(key, TaskState::Claimed);
        }
        task::claim(self.conn, key.seq, fact, intended, event)
    }

    fn update(&mut self, key: Key, fact: &TaskUpdated) -> Sql<()> {
        if fact.change != SpecChange::default() {
            let mut changed = task::get(self.conn, &fact.id)?.ok_or_else(|| bad_row("task", format!("{} is missing", fact.id)))?;
            fact.change.apply(&mut changed.spec);
            changed.priority = fact.priority().unwrap_or(changed.priority);
            task::set_spec(self.conn, key.seq, &changed)?;
            if key.state == TaskState::Review && fact.change.gate.is_some_and(|gate| gate != Gate::Merge) {
                landing::withdraw(self.conn, key.seq)?;
            }
            if let Some(body) = &fact.change.body {
                task::set_body(self.conn, key.seq, body)?;
            }
        } else if let Some(priority) = fact.priority() {
            task::set_priority(self.conn, key.seq, priority)?;
        }
        self.rest_if(key, fact.resting)
    }

    fn cancel(&mut self, key: Key, fact: &TaskCancelled) -> Sql<()> {
        if key.state == TaskState::Claimed
            && let Some(grant) = task::running_grant(self.conn, &fact.id)?
        {
            agent::add_notice(self.conn, &Notice { session: grant.session, kind: NoticeKind::Cancelled(fact.id.clone()) })?;
        }
        task::end_grant(self.conn, key.seq, GrantEnd::Cancelled)?;
        outside::forget(self.conn, key.seq)?;
        // Only a task in review can be on its way.
        if key.state == TaskState::Review {
            landing::withdraw(self.conn, key.seq)?;
        }
        task::forget_retry(self.conn, key.seq)?;
        if fact.drop {
            task::set_dropped(self.conn, key.seq, true)?;
        }
        self.set_state(key, TaskState::Cancelled)
    }

    fn lose_lease(&mut self, key: Key, fact: &LeaseLost) -> Sql<()> {
        if task::last_grant(self.conn, key.seq)?.1 != Some(int(fact.token.0)) {
            return Err(bad_row("lease", format!("task {} is not held with {}", fact.task, fact.token)));
        }
        let (attempt, failures, ..) = task::counts(self.conn, key.seq)?;
        task::set_counts(self.conn, key.seq, attempt, failures, fact.losses)?;
        task::end_grant(self.conn, key.seq, GrantEnd::Lost)?;
        let kind = NoticeKind::Lost(fact.task.clone());
        agent::add_notice(self.conn, &Notice { session: fact.holder_session.clone(), kind })?;
        self.rest_if(key, fact.resting)
    }

    /// A lease given back is no attempt.
    fn give_back_attempt(&self, key: Key) -> Sql<()> {
        let (_, failures, losses, _) = task::counts(self.conn, key.seq)?;
        task::set_counts(self.conn, key.seq, failures + losses, failures, losses)
    }

    fn rest(&mut self, key: Key, place: Resting) -> Sql<()> {
        self.moved(key, place.state());
        task::rest(self.conn, key.seq, place)
    }

    fn rest_if(&mut self, key: Key, place: Option<Resting>) -> Sql<()> {
        place.map_or(Ok(()), |place| self.rest(key, place))
    }

    fn set_state(&mut self, key: Key, state: TaskState) -> Sql<()> {
        self.moved(key, state);
        task::set_state(self.conn, key.seq, state)
    }

    fn moved(&mut self, key: Key, to: TaskState) {
        self.counts.shift(Some(key.state), to);
    }
}

//! `State::apply`: one arm for each kind of event.

use std::collections::BTreeSet;

use super::{ApplyError, EndedReservation, Entry, Notice, NoticeKind, State};
use crate::agent::{Agent, Presence, SessionEnd};
use crate::event::{
    AgentJoined, Event, Fact, LeaseLost, LeaveReason, MessageSent, ReleaseReason, ReservationMade, TaskAdded, TaskCancelled, TaskClaimed,
    TaskIntended, TaskLeftOutside, TaskTakenOutside, open_landing,
};
use crate::ident::{AgentName, ProposalId, SessionId, TaskId};
use crate::landing::Landing;
use crate::message::Message;
use crate::proposal::Proposal;
use crate::reservation::Reservation;
use crate::rules::authority::speaks_for;
use crate::rules::transition::{self, Hold};
use crate::task::{Gate, Grant, GrantEnd, OutsideHold, Resting, Task, TaskState};

type Applied<T = ()> = Result<T, String>;

impl State {
    /// Applies one event.
    ///
    /// # Errors
    /// [`ApplyError`] when the event cannot follow those before it; the state is then unchanged
    /// except that it must not be used further.
    pub fn apply(&mut self, event: &Event) -> Result<(), ApplyError> {
        if event.seq <= self.last_seq {
            let why = format!("its number is not above {}", self.last_seq);
            return Err(ApplyError { seq: event.seq, kind: event.fact.kind(), why });
        }
        self.last_seq = event.seq;
        self.apply_fact(event).map_err(|why| ApplyError { seq: event.seq, kind: event.fact.kind(), why })
    }

    fn apply_fact(&mut self, event: &Event) -> Applied {
        match &event.fact {
            Fact::AgentJoined(fact) => self.join(event, fact),
            Fact::AgentLeft(fact) => {
                let end = match fact.reason {
                    LeaveReason::Left => SessionEnd::Left,
                    LeaveReason::TakenOver => SessionEnd::TakenOver,
                };
                self.end_session(&fact.name, &fact.session, end)
            }
            Fact::AgentLost(fact) => self.end_session(&fact.name, &fact.session, SessionEnd::Lost),
            Fact::TaskAdded(fact) => self.add_task(event, fact),
            Fact::TaskUpdated(fact) => {
                let task = self.changed(event, &fact.id)?;
                fact.change.apply(&mut task.spec);
                if fact.change.gate.is_some_and(|gate| gate != Gate::Merge) {
                    task.withdraw_landing();
                }
                if let Some(priority) = fact.priority() {
                    task.priority = priority;
                }
                rest_if(task, fact.resting);
                Ok(())
            }
            Fact::TaskNoted(fact) => {
                let task = self.changed(event, &fact.id)?;
                if fact.as_result {
                    task.result = Some(fact.text.clone());
                }
                Ok(())
            }
            Fact::TaskUsed(fact) => self.changed(event, &fact.id).map(drop),
            Fact::TaskAsked(fact) => self.changed(event, &fact.id).map(drop),
            Fact::BudgetWarned(fact) => self.changed(event, &fact.id).map(drop),
            Fact::BudgetExhausted(fact) => self.changed(event, &fact.id).map(drop),
            Fact::TaskSplit(fact) => {
                let task = self.changed(event, &fact.id)?;
                task.auto_finish |= fact.auto_finish;
                if fact.waits {
                    if task.state == TaskState::Claimed {
                        task.attempt = task.failures + task.losses;
                    }
                    task.end_grant(GrantEnd::Split);
                    task.state = TaskState::Waiting;
                }
                Ok(())
            }
            Fact::TaskReadied(fact) => {
                let task = self.changed(event, &fact.id)?;
                task.rest(Resting::Ready { ready_at: event.store_at });
                Ok(())
            }
            Fact::TaskIntended(fact) => self.intend(event, fact),
            Fact::IntentDropped(fact) => {
                let task = self.changed(event, &fact.task)?;
                if task.intent().is_none_or(|intent| intent.token != fact.token) {
                    return Err(format!("task {} has no intent {}", fact.task, fact.token));
                }
                task.drop_intent();
                rest_if(task, fact.resting);
                Ok(())
            }
            Fact::TaskClaimed(fact) => self.claim(event, fact),
            Fact::TaskProgressed(fact) => {
                let task = self.changed(event, &fact.id)?;
                if fact.progress.is_some() {
                    task.progress = fact.progress;
                }
                Ok(())
            }
            Fact::TaskReleased(fact) => {
                let task = self.changed(event, &fact.id)?;
                task.attempt = task.failures + task.losses;
                task.end_grant(match fact.reason {
                    ReleaseReason::Released | ReleaseReason::Left => GrantEnd::Released,
                    ReleaseReason::TakenOver => GrantEnd::TakenOver,
                });
                task.rest(fact.resting);
                Ok(())
            }
            Fact::TaskTakenOutside(fact) => self.take_outside(event, fact),
            Fact::TaskLeftOutside(fact) => self.leave_outside(event, fact),
            Fact::TaskFailed(fact) => {
                let task = self.changed(event, &fact.id)?;
                task.failures = fact.failures;
                task.end_grant(GrantEnd::Failed);
                task.last_failure = Some(fact.reason.clone());
                task.rest(Resting::Scheduled { retry_at: fact.retry_at });
                task.ready_at = None;
                Ok(())
            }
            Fact::TaskDone(fact) => {
                let task = self.changed(event, &fact.id)?;
                task.finish(TaskState::Done, fact.result.as_ref(), &fact.artifacts);
                Ok(())
            }
            Fact::TaskSubmitted(fact) => {
                let task = self.changed(event, &fact.id)?;
                task.finish(TaskState::Review, fact.result.as_ref(), &fact.artifacts);
                Ok(())
            }
            Fact::TaskApproved(fact) => self.changed(event, &fact.id).map(drop),
            Fact::ConflictPredicted(fact) => self.changed(event, &fact.id).map(drop),
            Fact::TaskRejected(fact) => {
                let task = self.changed(event, &fact.id)?;
                task.rejected = Some(fact.reason.clone());
                task.withdraw_landing();
                task.rest(fact.resting);
                Ok(())
            }
            Fact::LandingQueued(fact) => {
                let task = self.changed(event, &fact.id)?;
                task.landing = Some(fact.applied(task.landing.take(), event.seq, event.store_at)?);
                Ok(())
            }
            Fact::LandingStarted(fact) => self.landing(event, &fact.id, Landing::start),
            Fact::LandingTested(fact) => self.landing(event, &fact.id, |landing| landing.candidate.clone_from(&fact.candidate)),
            Fact::LandingLanded(fact) => self.landing(event, &fact.id, |landing| landing.land(fact.commit.clone())),
            Fact::LandingRefused(fact) => {
                self.landing(event, &fact.id, |landing| landing.refuse(fact.reason, fact.files.clone()))?;
                let task = self.changed(event, &fact.id)?;
                task.failures = fact.failures;
                if fact.brief.is_some() {
                    task.rejected.clone_from(&fact.brief);
                }
                Ok(())
            }
            Fact::TaskCancelled(fact) => self.cancel(event, fact),
            Fact::TaskRequeued(fact) => {
                let task = self.changed(event, &fact.id)?;
                (task.attempt, task.failures, task.losses) = (0, 0, 0);
                task.retry_at = None;
                task.dropped = false;
                task.rest(fact.resting);
                Ok(())
            }
            Fact::TaskDied(fact) => {
                let task = self.changed(event, &fact.id)?;
                task.end_grant(GrantEnd::Lost);
                task.state = TaskState::Dead;
                task.retry_at = None;
                Ok(())
            }
            Fact::DependencyAdded(fact) => {
                self.known(&fact.on)?;
                let task = self.changed(event, &fact.id)?;
                task.needs.extend(fact.on.iter().cloned());
                rest_if(task, fact.resting);
                for (task, session) in &fact.notify {
                    self.notices.insert(Notice { session: session.clone(), kind: NoticeKind::Blocked(task.clone()) });
                }
                Ok(())
            }
            Fact::DependencyRemoved(fact) => {
                let task = self.changed(event, &fact.id)?;
                task.needs.retain(|id| !fact.on.contains(id));
                rest_if(task, fact.resting);
                Ok(())
            }
            Fact::LeaseLost(fact) => self.lose_lease(event, fact),
            Fact::StateSet(fact) => self.set_entry(event, &fact.key, Some(fact.value.clone()), fact.version),
            Fact::StateDeleted(fact) => self.set_entry(event, &fact.key, None, fact.version),
            Fact::ReservationMade(fact) => self.reserve(event, fact),
            Fact::ReservationEnded(fact) => {
                let ended = self.reservations.remove(&fact.id).ok_or_else(|| format!("there is no reservation {}", fact.id))?;
                if let Some(notice) = EndedReservation::notice(&ended, fact.reason, event.session.as_ref()) {
                    self.add_notice(&ended.agent, notice);
                }
                Ok(())
            }
            Fact::MessageSent(fact) => self.send(event, fact),
            Fact::MessageAcked(fact) => {
                let message = self.messages.get_mut(&fact.id).ok_or_else(|| format!("there is no message {}", fact.id))?;
                message.acked_by.insert(fact.by.clone());
                Ok(())
            }
            Fact::ProposalOpened(fact) => {
                let proposal = fact.clone().into_proposal(event.agent.clone(), event.at, event.store_at);
                match self.proposals.insert(fact.id.clone(), proposal) {
                    Some(_) => Err(format!("proposal {} exists", fact.id)),
                    None => Ok(()),
                }
            }
            Fact::VoteCast(fact) => {
                let proposal = self.open_proposal(&fact.id)?;
                if !proposal.options.contains(&fact.option) {
                    return Err(format!("{:?} is no option of proposal {}", fact.option, fact.id));
                }
                proposal.votes.insert(fact.voter.clone(), fact.option.clone());
                Ok(())
            }
            Fact::ProposalClosed(fact) => {
                let proposal = self.open_proposal(&fact.id)?;
                if let Some(decision) = fact.decision.as_ref().filter(|decision| !proposal.options.contains(decision)) {
                    return Err(format!("{decision:?} is no option of proposal {}", fact.id));
                }
                proposal.closed = Some(fact.closing());
                Ok(())
            }
            Fact::External(fact) => self.told_of(event, fact.task()),
            Fact::StoreRestored(_) => Ok(()),
        }
    }

    fn join(&mut self, event: &Event, fact: &AgentJoined) -> Applied {
        if self.agents.get(&fact.name).is_some_and(Agent::is_live) {
            return Err(format!("agent {} has a live session", fact.name));
        }
        let presence =
            Presence { seen: event.store_at, seen_wall: event.at, beat: event.store_at, progressed: event.store_at, ..Presence::default() };
        let agent = Agent {
            name: fact.name.clone(),
            session: fact.session.clone(),
            role: fact.role.clone(),
            capabilities: fact.capabilities.clone(),
            program: fact.program.clone(),
            timeout_ms: fact.timeout_ms,
            max_claims: fact.max_claims,
            owner: fact.owner.clone(),
            host: fact.host.clone(),
            harness: fact.harness.clone(),
            end: None,
            presence,
        };
        self.agents.insert(fact.name.clone(), agent);
        Ok(())
    }

    fn end_session(&mut self, name: &AgentName, session: &SessionId, end: SessionEnd) -> Applied {
        let agent = self.agents.get_mut(name).ok_or_else(|| format!("there is no agent {name}"))?;
        if agent.session != *session || !agent.is_live() {
            return Err(format!("{session} is not the live session of {name}"));
        }
        agent.end = Some(end);
        self.notices.retain(|notice| notice.session != *session);
        Ok(())
    }

    fn known(&self, ids: &BTreeSet<TaskId>) -> Applied {
        match ids.iter().find(|id| !self.tasks.contains_key(*id)) {
            Some(id) => Err(format!("there is no task {id}")),
            None => Ok(()),
        }
    }

    /// The task, marked as changed by this event, which can follow.
    fn changed(&mut self, event: &Event, id: &TaskId) -> Applied<&mut Task> {
        let task = self.tasks.get_mut(id).ok_or_else(|| format!("there is no task {id}"))?;
        transition::check(&event.fact, task.state, Hold::of(task))?;
        task.updated_at = event.at;
        Ok(task)
    }

    /// Changes the submission of a task that is on its way.
    fn landing(&mut self, event: &Event, id: &TaskId, change: impl FnOnce(&mut Landing)) -> Applied {
        let task = self.changed(event, id)?;
        let mut landing = open_landing(task.landing.take(), id)?;
        change(&mut landing);
        task.landing = Some(landing);
        Ok(())
    }

    /// Something was reported that is in a task's history, if it is about one.
    fn told_of(&mut self, event: &Event, task: Option<&TaskId>) -> Applied {
        task.map_or(Ok(()), |task| self.changed(event, task).map(drop))
    }

    fn add_task(&mut self, event: &Event, fact: &TaskAdded) -> Applied {
        if self.tasks.contains_key(&fact.id) {
            return Err(format!("task {} exists", fact.id));
        }
        self.known(&fact.needs)?;
        self.known(&fact.spec.parent.iter().cloned().collect())?;
        let task = Task { seq: self.tasks.len() as u64 + 1, ..fact.clone().into_task(event.agent.clone(), event.at) };
        self.tasks.insert(fact.id.clone(), task);
        Ok(())
    }

    fn claim(&mut self, event: &Event, fact: &TaskClaimed) -> Applied {
        let task = self.changed(event, &fact.id)?;
        match task.intent() {
            // The intent becomes the grant, under the token that it has.
            Some(intent) if intent.token == fact.token && event.session.as_ref() == Some(&intent.session) => {}
            Some(intent) => return Err(format!("task {} is meant for {}", fact.id, intent.session)),
            None if fact.token.0 != event.seq => return Err(format!("token {} is not the number of its event", fact.token)),
            None => {}
        }
        let session = grant(task, event, fact, false)?;
        self.grantees.entry(fact.id.clone()).or_default().insert(session);
        Ok(())
    }

    fn take_outside(&mut self, event: &Event, fact: &TaskTakenOutside) -> Applied {
        let task = self.changed(event, &fact.id)?;
        task.taken_outside(OutsideHold {
            holder: fact.holder.clone(),
            since: fact.since,
            seen: fact.seen,
            source: fact.source.clone(),
            end: None,
        });
        Ok(())
    }

    fn leave_outside(&mut self, event: &Event, fact: &TaskLeftOutside) -> Applied {
        let task = self.changed(event, &fact.id)?;
        if let Some(hold) = &mut task.outside {
            (hold.end, hold.seen) = (Some(fact.reason), fact.seen);
        }
        task.rest(fact.resting);
        Ok(())
    }

    fn intend(&mut self, event: &Event, fact: &TaskIntended) -> Applied {
        let TaskIntended { id, token, ttl_ms, attempt, reserve } = fact.clone();
        if token.0 != event.seq {
            return Err(format!("token {token} is not the number of its event"));
        }
        let task = self.changed(event, &id)?;
        grant(task, event, &TaskClaimed { id, token, ttl_ms, attempt, reserve, after: None }, true).map(drop)
    }

    fn cancel(&mut self, event: &Event, fact: &TaskCancelled) -> Applied {
        let id = &fact.id;
        let task = self.changed(event, id)?;
        if task.dropped {
            return Err(format!("task {id} is {} and dropped", task.state));
        }
        task.dropped |= fact.drop;
        let held_by = task.holder().map(|grant| grant.session.clone());
        task.end_grant(GrantEnd::Cancelled);
        task.outside = None;
        task.withdraw_landing();
        task.state = TaskState::Cancelled;
        task.retry_at = None;
        if let Some(session) = held_by {
            self.notices.insert(Notice { session, kind: NoticeKind::Cancelled(id.clone()) });
        }
        Ok(())
    }

    fn lose_lease(&mut self, event: &Event, fact: &LeaseLost) -> Applied {
        let task = self.changed(event, &fact.task)?;
        if task.grant.as_ref().is_none_or(|grant| grant.token != fact.token) {
            return Err(format!("the last grant of task {} is not {}", fact.task, fact.token));
        }
        task.losses = fact.losses;
        task.end_grant(GrantEnd::Lost);
        rest_if(task, fact.resting);
        self.add_notice(&fact.holder, Notice { session: fact.holder_session.clone(), kind: NoticeKind::Lost(fact.task.clone()) });
        Ok(())
    }

    /// Keeps a notice for a session of this agent. A session that is over gets none.
    fn add_notice(&mut self, agent: &AgentName, notice: Notice) {
        if self.agents.get(agent).is_some_and(|agent| agent.is_live() && agent.session == notice.session) {
            self.notices.insert(notice);
        }
    }

    fn set_entry(&mut self, event: &Event, key: &crate::StateKey, value: Option<serde_json::Value>, version: u64) -> Applied {
        if self.entries.get(key).is_some_and(|entry| entry.version >= version) {
            return Err(format!("version {version} of {key} does not rise"));
        }
        let entry = Entry { key: key.clone(), value, version, updated_at: event.at, updated_by: event.agent.clone() };
        self.entries.insert(key.clone(), entry);
        Ok(())
    }

    fn reserve(&mut self, event: &Event, fact: &ReservationMade) -> Applied {
        let (Some(agent), Some(session)) = (event.agent.clone(), event.session.clone()) else {
            return Err("it names no session".into());
        };
        let reservation = Reservation {
            id: fact.id.clone(),
            target: fact.target.clone(),
            mode: fact.mode,
            agent,
            session,
            task: fact.task.clone(),
            made: event.store_at,
            ttl_ms: fact.ttl_ms,
            reason: fact.reason.clone(),
        };
        match self.reservations.insert(fact.id.clone(), reservation) {
            Some(_) => Err(format!("reservation {} exists", fact.id)),
            None => Ok(()),
        }
    }

    /// A proposal that still takes votes.
    fn open_proposal(&mut self, id: &ProposalId) -> Applied<&mut Proposal> {
        match self.proposals.get_mut(id) {
            Some(proposal) if proposal.is_open() => Ok(proposal),
            Some(_) => Err(format!("proposal {id} is closed")),
            None => Err(format!("there is no proposal {id}")),
        }
    }

    fn send(&mut self, event: &Event, fact: &MessageSent) -> Applied {
        let Some(from) = event.agent.clone() else { return Err("it names no sender".into()) };
        let counts_as = AgentName::parse(fact.counts_as(&from)).map_err(|error| error.to_string())?;
        if !speaks_for(&counts_as, &from) {
            return Err(format!("{counts_as} does not speak for {from}"));
        }
        let message = Message {
            seq: event.seq,
            id: fact.id.clone(),
            thread: fact.thread.clone(),
            from,
            counts_as,
            to: fact.to.clone(),
            subject: fact.subject.clone(),
            text: fact.text.clone(),
            sent_at: event.at,
            reply_to: fact.reply_to.clone(),
            ack_required: fact.ack_required,
            outside: event.session.is_none(),
            acked_by: BTreeSet::new(),
            shown_to: BTreeSet::new(),
        };
        match self.messages.insert(fact.id.clone(), message) {
            Some(_) => Err(format!("message {} exists", fact.id)),
            None => Ok(()),
        }
    }
}

/// Grants the task to the event's session, which it returns.
fn grant(task: &mut Task, event: &Event, fact: &TaskClaimed, intended: bool) -> Applied<SessionId> {
    let (Some(agent), Some(session)) = (event.agent.clone(), event.session.clone()) else {
        return Err("it names no session".into());
    };
    task.attempt = fact.attempt;
    task.granted(Grant {
        token: fact.token,
        agent,
        session: session.clone(),
        since: event.at,
        renewed: event.store_at,
        ttl_ms: fact.ttl_ms,
        reserve: fact.reserve,
        intended,
        end: None,
    });
    Ok(session)
}

fn rest_if(task: &mut Task, resting: Option<Resting>) {
    if let Some(resting) = resting {
        task.rest(resting);
    }
}

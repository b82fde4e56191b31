//! The reading half: each question answered by a scan that says what it means.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::atomic::Ordering::Relaxed;

use oarlock_model::agent::{Agent, Owner};
use oarlock_model::event::Event;
use oarlock_model::message::Message;
use oarlock_model::reservation::{Reservation, Target};
use oarlock_model::rules::authority;
use oarlock_model::rules::authority::speaks_for;
use oarlock_model::rules::holdings::Held;
use oarlock_model::rules::inbox::{Order, Senders};
use oarlock_model::rules::liveness;
use oarlock_model::rules::reserve::{StarvedClaim, targets_overlap};
use oarlock_model::rules::urgency::{Around, Number, Waiter};
use oarlock_model::state::{Entry, State};
use oarlock_model::task::{Grant, Task, TaskState};
use oarlock_model::{AgentName, MessageId, Now, ReservationId, SessionId, StateKey, StoreIdentity, StoreTime, TaskId, limits};
use oarlock_ops::store::{
    AtRest, Counts, EntryPage, EventFilter, Expired, InboxList, InboxPart, Near, Offer, OwnerSight, QueuePlace, Remembered, ReplyKey,
    Standing, StoreResult, TaskFilter, View,
};

use super::Moment;
use super::graph::is_open;
use super::scan::{contains_whatever_case, is_about_task, page, place, sorted};

impl Moment {
    fn live_agents(&self) -> impl Iterator<Item = &Agent> {
        self.world.state.agents.values().filter(|agent| agent.is_live())
    }

    pub(super) fn all_tasks(&self) -> impl Iterator<Item = &Task> {
        self.world.state.tasks.values()
    }

    pub(super) fn task_ref(&self, id: &TaskId) -> Option<&Task> {
        self.world.state.tasks.get(id)
    }

    fn in_state(&self, state: TaskState) -> impl Iterator<Item = &Task> {
        self.all_tasks().filter(move |task| task.state == state)
    }

    fn lease_ttl_ms(&self, grant: &Grant) -> i64 {
        let holder = self.world.state.agents.get(&grant.agent);
        liveness::lease_ttl_ms(grant, liveness::beat_for(grant, holder), self.now)
    }

    /// When a reservation that is tied to no task ends.
    fn ends_at(&self, reservation: &Reservation) -> StoreTime {
        let holder = self.world.state.agents.get(&reservation.agent);
        liveness::reservation_ends_at(reservation, liveness::beat_for_reservation(reservation, holder))
    }

    /// The messages of a list beyond its place, in its order.
    fn inbox_part(&self, agent: &AgentName, part: &InboxPart<'_>) -> Vec<&Message> {
        let is_listed = |message: &&Message| match part.list {
            InboxList::All => message.to.contains(agent),
            InboxList::Open(senders) => message.to.contains(agent) && !message.acked_by.contains(agent) && senders.admits(message),
            InboxList::Unread(senders) => message.is_unread_by(agent) && senders.admits(message),
            InboxList::Urgent(senders) => message.is_unread_by(agent) && message.is_urgent() && senders.admits(message),
        };
        let order = part.list.order();
        let is_beyond = |message: &&Message| part.beyond.is_none_or(|beyond| order.is_beyond(message.seq, beyond));
        let mut messages: Vec<&Message> = self.all_messages().into_iter().filter(is_listed).filter(is_beyond).collect();
        if order == Order::NewestFirst {
            messages.reverse();
        }
        messages
    }

    fn all_messages(&self) -> Vec<&Message> {
        sorted(self.world.state.messages.values(), |message| message.seq)
    }
}

impl View for Moment {
    fn now(&self) -> Now {
        self.now
    }

    fn identity(&self) -> &StoreIdentity {
        &self.world.identity
    }

    fn boot_id(&self) -> &str {
        &self.boot_id
    }

    fn owner_sight(&self, agent: &Agent) -> OwnerSight {
        self.sight(agent)
    }

    fn turn(&self) -> Option<u64> {
        Some(self.turns.fetch_add(1, Relaxed))
    }

    fn agent(&self, name: &AgentName) -> StoreResult<Option<Agent>> {
        Ok(self.world.state.agents.get(name).cloned())
    }

    fn agents(&self) -> StoreResult<Vec<Agent>> {
        Ok(self.world.state.agents.values().cloned().collect())
    }

    fn owned_agents(&self, skip: usize, limit: usize) -> StoreResult<Vec<Agent>> {
        Ok(self.live_agents().filter(|agent| agent.owner != Owner::None).skip(skip).take(limit).cloned().collect())
    }

    fn owned_agent_count(&self) -> StoreResult<usize> {
        Ok(self.live_agents().filter(|agent| agent.owner != Owner::None).count())
    }

    fn agents_of_other_boots(&self, limit: usize) -> StoreResult<Vec<Agent>> {
        let elsewhere = self.live_agents().filter(|agent| agent.owner == Owner::None && agent.host.boot_id != self.boot_id);
        Ok(sorted(elsewhere, |agent| (agent.host.boot_id.clone(), agent.name.clone())).into_iter().take(limit).cloned().collect())
    }

    fn agents_of_processes(&self, processes: &[String]) -> StoreResult<Vec<Agent>> {
        let is_one = |agent: &&Agent| agent.owner.process().is_some_and(|process| processes.iter().any(|one| one == process));
        Ok(self.live_agents().filter(is_one).cloned().collect())
    }

    fn agents_of_harness(&self, harness: &str) -> StoreResult<Vec<Agent>> {
        let is_of_it = |agent: &&Agent| agent.owner != Owner::None && agent.harness.as_deref() == Some(harness);
        Ok(self.live_agents().filter(is_of_it).cloned().collect())
    }

    fn present_agents(&self, limit: usize) -> StoreResult<Vec<Agent>> {
        let is_seen = |agent: &&Agent| self.now.store.since_ms(agent.presence.seen) <= agent.timeout_ms || agent.owner != Owner::None;
        let present = sorted(self.live_agents().filter(is_seen), |agent| (Reverse(agent.presence.seen), agent.name.clone()));
        Ok(present.into_iter().take(limit).cloned().collect())
    }

    fn live_family(&self, root: &AgentName) -> StoreResult<Vec<Agent>> {
        let is_of_it = |agent: &&Agent| agent.is_live() && authority::speaks_for(root, &agent.name);
        Ok(self.world.state.agents.values().filter(is_of_it).cloned().collect())
    }

    fn holdings_of(&self, root: &AgentName) -> StoreResult<Held> {
        let mut held = Held::default();
        for agent in self.live_family(root)? {
            held.sessions += 1;
            held.leases += self.claim_count(&agent.session)?;
            held.reservations += self.reservations_of(&agent.session)?.len();
        }
        Ok(held)
    }

    fn claims_of(&self, session: &SessionId) -> StoreResult<Vec<TaskId>> {
        let mut held = self.first_held_by(session, usize::MAX)?;
        held.retain(|id| self.task_ref(id).is_some_and(|task| task.intent().is_none()));
        Ok(held)
    }

    fn first_held_by(&self, session: &SessionId, limit: usize) -> StoreResult<Vec<TaskId>> {
        let held = self.all_tasks().filter(|task| task.holder().is_some_and(|grant| grant.session == *session));
        let held = sorted(held, |task| task.grant.as_ref().map(|grant| grant.token));
        Ok(held.into_iter().take(limit).map(|task| task.id.clone()).collect())
    }

    fn claim_count(&self, session: &SessionId) -> StoreResult<usize> {
        Ok(self.first_held_by(session, usize::MAX)?.len())
    }

    fn running_grant(&self, id: &TaskId) -> StoreResult<Option<Grant>> {
        Ok(self.task_ref(id).and_then(|task| task.holder()).cloned())
    }

    fn offer(&self, id: &TaskId) -> StoreResult<Option<Offer>> {
        let has_expired = |task: &Task| task.holder().is_some_and(|grant| self.lease_ttl_ms(grant) == 0);
        Ok(self.task_ref(id).filter(|task| task.state == TaskState::Ready || has_expired(task)).map(Offer::from))
    }

    fn task(&self, id: &TaskId) -> StoreResult<Option<Task>> {
        Ok(self.task_ref(id).cloned())
    }

    fn task_state(&self, id: &TaskId) -> StoreResult<Option<TaskState>> {
        Ok(self.task_ref(id).map(|task| task.state))
    }

    fn tasks_of_file(&self, file: &str) -> StoreResult<Vec<TaskId>> {
        let tasks = self.all_tasks().filter(|task| task.spec.file.as_deref() == Some(file));
        Ok(sorted(tasks, |task| task.seq).into_iter().map(|task| task.id.clone()).collect())
    }

    fn next_task_seq(&self) -> StoreResult<u64> {
        Ok(self.world.state.tasks.len() as u64 + 1)
    }

    fn tasks(&self, filter: &TaskFilter) -> StoreResult<Vec<Task>> {
        let admits = |task: &&Task| {
            let texts = [task.id.as_str(), &task.spec.title, &task.spec.body];
            task.seq > filter.after_seq
                && (filter.states.is_empty() || filter.states.contains(&task.state))
                && filter.parent.as_ref().is_none_or(|parent| task.spec.parent.as_ref() == Some(parent))
                && filter.agent.as_ref().is_none_or(|agent| task.grant.as_ref().is_some_and(|grant| grant.agent == *agent))
                && filter.search.as_ref().is_none_or(|wanted| texts.iter().any(|text| contains_whatever_case(text, wanted)))
        };
        let tasks = sorted(self.all_tasks().filter(admits), |task| task.seq).into_iter();
        Ok(page(tasks, filter.limit, filter.bytes_max, Task::text_bytes))
    }

    fn children(&self, id: &TaskId) -> StoreResult<Vec<TaskId>> {
        Ok(self.children_of(id).into_iter().map(|task| task.id.clone()).collect())
    }

    fn open_children(&self, id: &TaskId, limit: usize) -> StoreResult<Vec<TaskId>> {
        Ok(self.open_children_of(id).take(limit).map(|child| child.id.clone()).collect())
    }

    fn tree(&self, id: &TaskId) -> StoreResult<Vec<(TaskId, TaskState)>> {
        Ok(self.tree_of(id, |_| true).into_iter().map(|task| (task.id.clone(), task.state)).collect())
    }

    fn open_tree(&self, id: &TaskId) -> StoreResult<Vec<TaskId>> {
        Ok(self.tree_of(id, is_open).into_iter().map(|task| task.id.clone()).collect())
    }

    fn dependants(&self, id: &TaskId) -> StoreResult<Vec<TaskId>> {
        Ok(self.dependants_on(id).into_iter().map(|task| task.id.clone()).collect())
    }

    fn standing(&self, id: &TaskId) -> StoreResult<Option<Standing>> {
        Ok(self.task_ref(id).map(|task| Standing { state: task.state, priority: task.priority, parent: task.spec.parent.clone() }))
    }

    fn task_number(&self, id: &TaskId) -> StoreResult<Option<Number>> {
        Ok(self.task_ref(id).map(|task| task.seq))
    }

    fn around(&self, task: Number) -> StoreResult<Option<Around>> {
        let parts = |task: &Task| self.children_of(&task.id).into_iter().map(|part| part.seq).collect();
        Ok(self.numbered(task).map(|task| Around { parts: parts(task), ..self.with_needs(task) }))
    }

    fn above(&self, task: Number) -> StoreResult<Option<Around>> {
        Ok(self.numbered(task).map(|task| self.with_needs(task)))
    }

    fn dependants_of(&self, tasks: &[Number]) -> StoreResult<Vec<(Number, Number)>> {
        let of = |need: &Task| self.dependants_on(&need.id).into_iter().map(|task| (need.seq, task.seq)).collect();
        Ok(tasks.iter().filter_map(|task| self.numbered(*task)).flat_map(|need| -> Vec<_> { of(need) }).collect())
    }

    fn waiters(&self, tasks: &[Number]) -> StoreResult<Vec<Waiter>> {
        Ok(tasks.iter().filter_map(|task| self.numbered(*task)).map(|task| self.waiter(task)).collect())
    }

    fn waiting_parts(&self, task: Number) -> StoreResult<Vec<Waiter>> {
        let parts = self.numbered(task).map(|task| self.children_of(&task.id)).unwrap_or_default();
        Ok(parts.into_iter().map(|task| self.waiter(task)).collect())
    }

    fn unmet_needs(&self, id: &TaskId) -> StoreResult<Vec<TaskId>> {
        let all = self.task_ref(id).into_iter().flat_map(|task| self.with_parents(task));
        let unmet: BTreeSet<TaskId> = all.flat_map(|task| &task.needs).filter(|need| !self.is_done(need)).cloned().collect();
        Ok(unmet.into_iter().collect())
    }

    fn waits_for(&self, id: &TaskId) -> StoreResult<Vec<TaskId>> {
        let mut before = self.unmet_needs(id)?;
        before.append(&mut self.open_children(id, usize::MAX)?);
        Ok(before)
    }

    fn at_rest(&self, near: Near<'_>, done: &[TaskId]) -> StoreResult<Vec<AtRest>> {
        let tasks = match near {
            Near::Task(id) => self.task_ref(id).into_iter().collect(),
            Near::PartsOf(id) => self.children_of(id),
            Near::DependantsOf(id) => self.dependants_on(id),
        };
        Ok(tasks.into_iter().map(|task| self.resting(task, done)).collect())
    }

    fn ready_in_tree(&self, id: &TaskId) -> StoreResult<Vec<TaskId>> {
        let tree = self.tree(id)?;
        let ready = tree.iter().filter_map(|(id, _)| self.task_ref(id)).filter(|task| task.state == TaskState::Ready);
        Ok(sorted(ready, place).into_iter().map(|task| task.id.clone()).collect())
    }

    fn ready_offers(&self, after: Option<QueuePlace>, limit: usize) -> StoreResult<Vec<Offer>> {
        let ready = self.in_state(TaskState::Ready).filter(|task| after.is_none_or(|after| place(task) > after));
        Ok(sorted(ready, place).into_iter().take(limit).map(Offer::from).collect())
    }

    fn expired_offers(&self, _read_max: usize) -> StoreResult<Option<Expired>> {
        let expired = self.all_tasks().filter(|task| task.holder().is_some_and(|grant| self.lease_ttl_ms(grant) == 0));
        let offers = sorted(expired, place).into_iter().map(Offer::from).collect();
        Ok(Some(Expired { offers, first_end: None }))
    }

    fn may_be_due(&self) -> StoreResult<bool> {
        // The thorough look costs little here.
        Ok(true)
    }

    fn due_tasks(&self, limit: usize) -> StoreResult<Vec<TaskId>> {
        let scheduled = |with_retry: bool| self.in_state(TaskState::Scheduled).filter(move |task| task.retry_at.is_some() == with_retry);
        let date_has_come = |task: &&Task| task.spec.not_before.is_none_or(|at| at <= self.now.wall);
        let retries = scheduled(true).filter(|task| task.retry_at <= Some(self.now.store)).filter(date_has_come);
        let dates = scheduled(false).filter(|task| task.spec.not_before.is_some()).filter(date_has_come);
        let order = |task: &Task| (task.retry_at, task.spec.not_before, task.seq);
        let due = sorted(retries, order).into_iter().take(limit).chain(sorted(dates, order).into_iter().take(limit));
        Ok(due.map(|task| task.id.clone()).collect())
    }

    fn next_due_ms(&self) -> StoreResult<Option<i64>> {
        let scheduled = || self.in_state(TaskState::Scheduled);
        let retries = scheduled().filter_map(|task| task.retry_at).map(|at| at.0 - self.now.store.0);
        let dates = scheduled().filter_map(|task| task.spec.not_before).map(|at| at.0 - self.now.wall.0);
        let leases = self.all_tasks().filter_map(Task::holder).map(|grant| self.lease_ttl_ms(grant));
        let own = self.world.state.reservations.values().filter(|reservation| reservation.task.is_none());
        let reservations = own.map(|reservation| self.ends_at(reservation).0 - self.now.store.0);
        Ok(retries.chain(dates).chain(leases).chain(reservations).filter(|ms| *ms > 0).min())
    }

    fn was_granted(&self, task: &TaskId, session: &SessionId) -> StoreResult<bool> {
        Ok(self.world.state.grantees.get(task).is_some_and(|sessions| sessions.contains(session)))
    }

    fn counts(&self) -> StoreResult<Counts> {
        let mut counts = Counts::default();
        for state in TaskState::ALL {
            counts.set(state, self.in_state(state).count() as u64);
        }
        Ok(counts)
    }

    fn dead_letters(&self, limit: usize) -> StoreResult<Vec<TaskId>> {
        let dead = sorted(self.in_state(TaskState::Dead), |task| task.seq);
        Ok(dead.into_iter().take(limit).map(|task| task.id.clone()).collect())
    }

    fn stuck_tasks(&self, limit: usize) -> StoreResult<BTreeSet<TaskId>> {
        Ok(self.stuck().into_iter().take(limit).collect())
    }

    fn dead_ends(&self, id: &TaskId, limit: usize) -> StoreResult<Vec<TaskId>> {
        Ok(self.dead_ends_below(id).into_iter().map(|task| task.id.clone()).take(limit).collect())
    }

    fn is_stuck(&self, id: &TaskId) -> StoreResult<bool> {
        Ok(self.stuck().contains(id))
    }

    fn outside_tasks(&self, limit: usize) -> StoreResult<Vec<Task>> {
        let outside = self.all_tasks().filter(|task| task.outside.is_some());
        Ok(sorted(outside, |task| task.seq).into_iter().take(limit).cloned().collect())
    }

    fn oldest_ready(&self) -> StoreResult<Option<(TaskId, StoreTime)>> {
        let oldest = self.in_state(TaskState::Ready).min_by_key(|task| (task.ready_at, task.seq));
        Ok(oldest.map(|task| (task.id.clone(), task.ready_at.unwrap_or_default())))
    }

    fn entry(&self, key: &StateKey) -> StoreResult<Option<Entry>> {
        Ok(self.world.state.entries.get(key).cloned())
    }

    fn entries(&self, prefix: &str, wanted: &EntryPage<'_>) -> StoreResult<Vec<Entry>> {
        let has_prefix = |entry: &&Entry| entry.value.is_some() && entry.key.as_str().starts_with(prefix);
        let is_after = |entry: &&Entry| wanted.after.is_none_or(|after| entry.key > *after);
        let entries = self.world.state.entries.values().filter(has_prefix).filter(is_after);
        let bytes = |entry: &Entry| entry.value.as_ref().map_or(0, |value| value.to_string().len());
        Ok(page(entries, wanted.limit, wanted.bytes_max, bytes))
    }

    fn reservations(&self) -> StoreResult<Vec<Reservation>> {
        let reservations = self.world.state.reservations.values();
        Ok(sorted(reservations, |reservation| reservation.id.seq()).into_iter().cloned().collect())
    }

    fn reservations_near(&self, targets: &[&Target]) -> StoreResult<Vec<Reservation>> {
        // The index is allowed to find too much.
        let overlaps = |held: &Reservation| targets.iter().any(|target| targets_overlap(&held.target, target));
        Ok(self.reservations()?.into_iter().filter(overlaps).collect())
    }

    fn reservation_count(&self) -> StoreResult<usize> {
        Ok(self.world.state.reservations.len())
    }

    fn reservation_count_of(&self, session: &SessionId) -> StoreResult<usize> {
        Ok(self.reservations_of(session)?.len())
    }

    fn reservation(&self, id: &ReservationId) -> StoreResult<Option<Reservation>> {
        Ok(self.world.state.reservations.get(id).cloned())
    }

    fn reservations_of(&self, session: &SessionId) -> StoreResult<Vec<Reservation>> {
        Ok(self.reservations()?.into_iter().filter(|reservation| reservation.session == *session).collect())
    }

    fn first_reservations_of(&self, session: &SessionId, untied: bool, limit: usize) -> StoreResult<Vec<Reservation>> {
        let mut own = self.reservations_of(session)?;
        own.retain(|reservation| !untied || reservation.task.is_none());
        own.truncate(limit);
        Ok(own)
    }

    fn reservations_of_task(&self, task: &TaskId) -> StoreResult<Vec<Reservation>> {
        Ok(self.reservations()?.into_iter().filter(|reservation| reservation.task.as_ref() == Some(task)).collect())
    }

    fn expired_reservations(&self, limit: usize) -> StoreResult<Vec<ReservationId>> {
        let has_run_out = |r: &Reservation| r.task.is_none() && self.ends_at(r) <= self.now.store;
        Ok(self.reservations()?.into_iter().filter(has_run_out).map(|reservation| reservation.id).take(limit).collect())
    }

    fn starved_claims(&self) -> StoreResult<Vec<(TaskId, StarvedClaim)>> {
        Ok(self.world.starved.iter().map(|(task, starved)| (task.clone(), starved.clone())).collect())
    }

    fn message(&self, id: &MessageId) -> StoreResult<Option<Message>> {
        Ok(self.world.state.messages.get(id).cloned())
    }

    fn inbox(&self, agent: &AgentName, part: &InboxPart<'_>) -> StoreResult<Vec<Message>> {
        Ok(page(self.inbox_part(agent, part).into_iter(), part.limit, limits::PAGE_BYTES_MAX, |message| message.text.len()))
    }

    fn inbox_count(&self, agent: &AgentName, part: &InboxPart<'_>) -> StoreResult<u64> {
        Ok(self.inbox_part(agent, part).len().min(part.limit) as u64)
    }

    fn open_from(&self, agent: &AgentName, from: &AgentName, limit: usize) -> StoreResult<Vec<u64>> {
        let part = InboxPart { list: InboxList::Open(Senders::Any), beyond: None, limit };
        let messages = self.inbox_part(agent, &part).into_iter();
        Ok(messages.filter(|message| speaks_for(from, &message.from)).map(|message| message.seq).take(limit).collect())
    }

    fn thread(&self, id: &MessageId, after: u64, limit: usize) -> StoreResult<Vec<Message>> {
        let messages = self.all_messages().into_iter().filter(|message| message.thread == *id && message.seq > after);
        Ok(page(messages, limit, limits::PAGE_BYTES_MAX, |message| message.text.len()))
    }

    fn events(&self, filter: &EventFilter) -> StoreResult<Vec<Event>> {
        let admits = |event: &&Event| {
            event.seq > filter.after_seq
                && filter.before_seq.is_none_or(|before| event.seq < before)
                && (filter.kinds.is_empty() || filter.kinds.iter().any(|kind| kind == event.fact.kind()))
                && filter.subject.as_ref().is_none_or(|subject| is_about_task(event, subject))
        };
        let bytes = |event: &Event| event.fact.data_text().map_or(0, |text| text.len());
        let events = self.world.log.iter().filter(admits);
        if !filter.newest {
            return Ok(page(events, filter.limit, filter.bytes_max, bytes));
        }
        let mut newest = page(events.rev(), filter.limit, filter.bytes_max, bytes);
        newest.reverse();
        Ok(newest)
    }

    fn last_event_of(&self, subject: &str, kind: &str) -> StoreResult<Option<Event>> {
        Ok(self.world.log.iter().rfind(|event| event.fact.kind() == kind && is_about_task(event, subject)).cloned())
    }

    fn last_seq(&self) -> StoreResult<u64> {
        Ok(self.world.state.last_seq)
    }

    fn task_prefix(&self) -> StoreResult<String> {
        Ok(self.prefix.clone())
    }

    fn remembered(&self, key: &ReplyKey) -> StoreResult<Option<Remembered>> {
        let kept = self.world.replies.get(key).filter(|(at, _)| at.plus_ms(limits::IDEMPOTENCY_MS) > self.now.store);
        Ok(kept.map(|(_, remembered)| remembered.clone()))
    }

    fn state(&self) -> StoreResult<State> {
        Ok(self.world.state.clone())
    }
}

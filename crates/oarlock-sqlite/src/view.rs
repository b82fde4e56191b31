//! [`SqliteView`]: the reading half of the port, over one transaction.

use oarlock_host::clock::HostId;
use oarlock_host::owner::{OwnerState, probe};
use oarlock_host::process::{Liveness, ProcessId};
use oarlock_model::agent::{Agent, Owner};
use oarlock_model::event::Event;
use oarlock_model::message::Message;
use oarlock_model::reservation::{Reservation, Target};
use oarlock_model::rules::holdings::Held;
use oarlock_model::rules::reserve::StarvedClaim;
use oarlock_model::rules::urgency::{Around, Number, Waiter};
use oarlock_model::state::{Entry, State};
use oarlock_model::task::{Grant, Task, TaskState};
use oarlock_model::{AgentName, MessageId, Now, ReservationId, SessionId, StateKey, StoreIdentity, StoreTime, TaskId};
use oarlock_ops::store::{
    AtRest, Counts, EntryPage, EventFilter, Expired, InboxPart, Near, Offer, OwnerSight, QueuePlace, Remembered, ReplyKey, Standing,
    StoreResult, TaskFilter, View,
};
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::path::Path;

use crate::error::store_error;
use crate::rows::reservation::RunOut;
use crate::rows::{self, agent, entry, event, graph, inbox, lease, message, offer, outside, queue, reply, reservation, task};
use crate::witness::Witness;

/// A view of one moment.
pub(crate) struct SqliteView<'a> {
    pub(crate) conn: &'a Connection,
    pub(crate) now: Now,
    pub(crate) host: &'a HostId,
    pub(crate) owners: &'a Path,
    pub(crate) prefix: &'a str,
    pub(crate) identity: &'a StoreIdentity,
    pub(crate) witness: &'a Witness,
    /// Whether the transaction is only for reading and ends with this view.
    pub(crate) ends_with_view: bool,
}

impl Drop for SqliteView<'_> {
    fn drop(&mut self) {
        if self.ends_with_view {
            // Nothing was written; should it fail, the next BEGIN says what is wrong.
            let _ = self.conn.prepare_cached("COMMIT").and_then(|mut s| s.execute([]));
        }
    }
}

impl SqliteView<'_> {
    /// The lock that stands for a session's life, and the process where there is no such file.
    fn locked_owner(&self, session: &SessionId, process: &str) -> OwnerSight {
        match probe(self.owners, session.as_str()) {
            Ok(OwnerState::Held) => OwnerSight::Alive,
            Ok(OwnerState::Free) => OwnerSight::Died,
            // A missing file proves nothing by itself.
            Ok(OwnerState::Missing) | Err(_) => sight_of(process),
        }
    }
}

fn sight_of(process: &str) -> OwnerSight {
    match ProcessId::parse(process).map(|process| process.liveness()) {
        Ok(Liveness::Alive) => OwnerSight::Alive,
        Ok(Liveness::Dead) => OwnerSight::Died,
        Ok(Liveness::Unknown) | Err(_) => OwnerSight::Unknown,
    }
}

impl View for SqliteView<'_> {
    fn now(&self) -> Now {
        self.now
    }

    fn identity(&self) -> &StoreIdentity {
        self.identity
    }

    fn boot_id(&self) -> &str {
        &self.host.boot_id
    }

    fn owner_sight(&self, agent: &Agent) -> OwnerSight {
        if !agent.is_live() {
            return OwnerSight::Unknown;
        }
        let (theirs, ours) = (&agent.host.boot_id, &self.host.boot_id);
        if !theirs.is_empty() && !ours.is_empty() && theirs != ours {
            return OwnerSight::OtherBoot;
        }
        match &agent.owner {
            Owner::None => OwnerSight::Unknown,
            Owner::Process { process } => sight_of(process),
            Owner::Lock { process, .. } => self.locked_owner(&agent.session, process),
        }
    }

    fn turn(&self) -> Option<u64> {
        self.witness.turn()
    }

    fn agent(&self, name: &AgentName) -> StoreResult<Option<Agent>> {
        agent::get(self.conn, name).map_err(store_error)
    }

    fn agents(&self) -> StoreResult<Vec<Agent>> {
        agent::list(self.conn).map_err(store_error)
    }

    fn owned_agents(&self, skip: usize, limit: usize) -> StoreResult<Vec<Agent>> {
        agent::owned(self.conn, skip, limit).map_err(store_error)
    }

    fn owned_agent_count(&self) -> StoreResult<usize> {
        agent::owned_count(self.conn).map_err(store_error)
    }

    fn agents_of_other_boots(&self, limit: usize) -> StoreResult<Vec<Agent>> {
        agent::of_other_boots(self.conn, &self.host.boot_id, limit).map_err(store_error)
    }

    fn agents_of_processes(&self, processes: &[String]) -> StoreResult<Vec<Agent>> {
        agent::of_processes(self.conn, processes).map_err(store_error)
    }

    fn agents_of_harness(&self, harness: &str) -> StoreResult<Vec<Agent>> {
        agent::of_harness(self.conn, harness).map_err(store_error)
    }

    fn present_agents(&self, limit: usize) -> StoreResult<Vec<Agent>> {
        agent::present(self.conn, self.now.store, limit).map_err(store_error)
    }

    fn live_family(&self, root: &AgentName) -> StoreResult<Vec<Agent>> {
        agent::live_family(self.conn, root).map_err(store_error)
    }

    fn holdings_of(&self, root: &AgentName) -> StoreResult<Held> {
        agent::holdings_of(self.conn, root).map_err(store_error)
    }

    fn claims_of(&self, session: &SessionId) -> StoreResult<Vec<TaskId>> {
        queue::claims_of(self.conn, session).map_err(store_error)
    }

    fn first_held_by(&self, session: &SessionId, limit: usize) -> StoreResult<Vec<TaskId>> {
        queue::held_by(self.conn, session, limit).map_err(store_error)
    }

    fn claim_count(&self, session: &SessionId) -> StoreResult<usize> {
        queue::claim_count(self.conn, session).map_err(store_error)
    }

    fn running_grant(&self, id: &TaskId) -> StoreResult<Option<Grant>> {
        task::running_grant(self.conn, id).map_err(store_error)
    }

    fn offer(&self, id: &TaskId) -> StoreResult<Option<Offer>> {
        offer::get(self.conn, id, self.now).map_err(store_error)
    }

    fn task(&self, id: &TaskId) -> StoreResult<Option<Task>> {
        task::get(self.conn, id).map_err(store_error)
    }

    fn task_state(&self, id: &TaskId) -> StoreResult<Option<TaskState>> {
        Ok(task::key(self.conn, id).map_err(store_error)?.map(|key| key.state))
    }

    fn tasks_of_file(&self, file: &str) -> StoreResult<Vec<TaskId>> {
        task::of_file(self.conn, file).map_err(store_error)
    }

    fn next_task_seq(&self) -> StoreResult<u64> {
        Ok(queue::next_seq(self.conn).map_err(store_error)?.unsigned_abs())
    }

    fn tasks(&self, filter: &TaskFilter) -> StoreResult<Vec<Task>> {
        queue::list(self.conn, filter).map_err(store_error)
    }

    fn children(&self, id: &TaskId) -> StoreResult<Vec<TaskId>> {
        graph::children(self.conn, id).map_err(store_error)
    }

    fn open_children(&self, id: &TaskId, limit: usize) -> StoreResult<Vec<TaskId>> {
        graph::open_children(self.conn, id, limit).map_err(store_error)
    }

    fn tree(&self, id: &TaskId) -> StoreResult<Vec<(TaskId, TaskState)>> {
        graph::tree(self.conn, id).map_err(store_error)
    }

    fn open_tree(&self, id: &TaskId) -> StoreResult<Vec<TaskId>> {
        graph::open_tree(self.conn, id).map_err(store_error)
    }

    fn dependants(&self, id: &TaskId) -> StoreResult<Vec<TaskId>> {
        graph::dependants(self.conn, id).map_err(store_error)
    }

    fn standing(&self, id: &TaskId) -> StoreResult<Option<Standing>> {
        graph::standing(self.conn, id).map_err(store_error)
    }

    fn task_number(&self, id: &TaskId) -> StoreResult<Option<Number>> {
        Ok(task::key(self.conn, id).map_err(store_error)?.map(|key| key.seq.unsigned_abs()))
    }

    fn around(&self, task: Number) -> StoreResult<Option<Around>> {
        graph::around(self.conn, task).map_err(store_error)
    }

    fn above(&self, task: Number) -> StoreResult<Option<Around>> {
        graph::above(self.conn, task).map_err(store_error)
    }

    fn dependants_of(&self, tasks: &[Number]) -> StoreResult<Vec<(Number, Number)>> {
        graph::dependants_of(self.conn, tasks).map_err(store_error)
    }

    fn waiters(&self, tasks: &[Number]) -> StoreResult<Vec<Waiter>> {
        graph::waiters(self.conn, tasks).map_err(store_error)
    }

    fn waiting_parts(&self, task: Number) -> StoreResult<Vec<Waiter>> {
        graph::waiting_parts(self.conn, task).map_err(store_error)
    }

    fn unmet_needs(&self, id: &TaskId) -> StoreResult<Vec<TaskId>> {
        graph::unmet_needs(self.conn, id).map_err(store_error)
    }

    fn waits_for(&self, id: &TaskId) -> StoreResult<Vec<TaskId>> {
        graph::waits_for(self.conn, id).map_err(store_error)
    }

    fn at_rest(&self, near: Near<'_>, done: &[TaskId]) -> StoreResult<Vec<AtRest>> {
        graph::at_rest(self.conn, near, done).map_err(store_error)
    }

    fn ready_offers(&self, after: Option<QueuePlace>, limit: usize) -> StoreResult<Vec<Offer>> {
        offer::ready(self.conn, after, limit).map_err(store_error)
    }

    fn ready_in_tree(&self, id: &TaskId) -> StoreResult<Vec<TaskId>> {
        graph::ready_in_tree(self.conn, id).map_err(store_error)
    }

    fn expired_offers(&self, read_max: usize) -> StoreResult<Option<Expired>> {
        let expired = lease::expired(self.conn, self.now, read_max).map_err(store_error)?;
        // Not what the store says, only how far ahead nobody need read again: kept if the transaction commits.
        if let Some(first_end) = expired.as_ref().and_then(|expired| expired.first_end).filter(|_| !self.ends_with_view) {
            lease::set_bound(self.conn, first_end).map_err(store_error)?;
        }
        Ok(expired)
    }

    fn may_be_due(&self) -> StoreResult<bool> {
        queue::may_be_due(self.conn, self.now, &self.host.boot_id).map_err(store_error)
    }

    fn due_tasks(&self, limit: usize) -> StoreResult<Vec<TaskId>> {
        queue::due(self.conn, self.now, limit).map_err(store_error)
    }

    fn next_due_ms(&self) -> StoreResult<Option<i64>> {
        queue::next_due_ms(self.conn, self.now).map_err(store_error)
    }

    fn was_granted(&self, id: &TaskId, session: &SessionId) -> StoreResult<bool> {
        let Some(key) = task::key(self.conn, id).map_err(store_error)? else { return Ok(false) };
        let mut granted = false;
        let look = |link: &event::Link| {
            granted = link.kind == "task_claimed" && link.session.as_deref() == Some(session.as_str());
            !granted
        };
        event::walk_back(self.conn, key.last_event, look).map_err(store_error)?;
        Ok(granted)
    }

    fn counts(&self) -> StoreResult<Counts> {
        Ok(event::end(self.conn).map_err(store_error)?.counts)
    }

    fn dead_letters(&self, limit: usize) -> StoreResult<Vec<TaskId>> {
        queue::dead_letters(self.conn, limit).map_err(store_error)
    }

    fn stuck_tasks(&self, limit: usize) -> StoreResult<BTreeSet<TaskId>> {
        queue::stuck(self.conn, limit).map_err(store_error)
    }

    fn dead_ends(&self, id: &TaskId, limit: usize) -> StoreResult<Vec<TaskId>> {
        queue::dead_ends(self.conn, id, limit).map_err(store_error)
    }

    fn is_stuck(&self, id: &TaskId) -> StoreResult<bool> {
        queue::is_stuck(self.conn, id).map_err(store_error)
    }

    fn outside_tasks(&self, limit: usize) -> StoreResult<Vec<Task>> {
        outside::list(self.conn, limit).map_err(store_error)
    }

    fn oldest_ready(&self) -> StoreResult<Option<(TaskId, StoreTime)>> {
        queue::oldest_ready(self.conn).map_err(store_error)
    }

    fn entry(&self, key: &StateKey) -> StoreResult<Option<Entry>> {
        entry::get(self.conn, key).map_err(store_error)
    }

    fn entries(&self, prefix: &str, page: &EntryPage<'_>) -> StoreResult<Vec<Entry>> {
        entry::with_prefix(self.conn, prefix, page).map_err(store_error)
    }

    fn reservations(&self) -> StoreResult<Vec<Reservation>> {
        reservation::list(self.conn).map_err(store_error)
    }

    fn reservations_near(&self, targets: &[&Target]) -> StoreResult<Vec<Reservation>> {
        reservation::near(self.conn, targets).map_err(store_error)
    }

    fn reservation_count(&self) -> StoreResult<usize> {
        reservation::count(self.conn).map_err(store_error)
    }

    fn reservation_count_of(&self, session: &SessionId) -> StoreResult<usize> {
        reservation::count_of_session(self.conn, session).map_err(store_error)
    }

    fn reservation(&self, id: &ReservationId) -> StoreResult<Option<Reservation>> {
        reservation::get(self.conn, id).map_err(store_error)
    }

    fn reservations_of(&self, session: &SessionId) -> StoreResult<Vec<Reservation>> {
        reservation::of_session(self.conn, session).map_err(store_error)
    }

    fn first_reservations_of(&self, session: &SessionId, untied: bool, limit: usize) -> StoreResult<Vec<Reservation>> {
        reservation::first_of_session(self.conn, session, untied, limit).map_err(store_error)
    }

    fn reservations_of_task(&self, task: &TaskId) -> StoreResult<Vec<Reservation>> {
        reservation::of_task(self.conn, task).map_err(store_error)
    }

    fn expired_reservations(&self, limit: usize) -> StoreResult<Vec<ReservationId>> {
        let RunOut { ids, first_end } = reservation::expired(self.conn, self.now.store, limit).map_err(store_error)?;
        if let Some(first_end) = first_end.filter(|_| !self.ends_with_view) {
            reservation::set_next_end(self.conn, first_end).map_err(store_error)?;
        }
        Ok(ids)
    }

    fn starved_claims(&self) -> StoreResult<Vec<(TaskId, StarvedClaim)>> {
        reservation::starved(self.conn).map_err(store_error)
    }

    fn message(&self, id: &MessageId) -> StoreResult<Option<Message>> {
        message::get(self.conn, id).map_err(store_error)
    }

    fn inbox(&self, agent: &AgentName, part: &InboxPart<'_>) -> StoreResult<Vec<Message>> {
        inbox::page(self.conn, agent, part).map_err(store_error)
    }

    fn inbox_count(&self, agent: &AgentName, part: &InboxPart<'_>) -> StoreResult<u64> {
        inbox::count(self.conn, agent, part).map_err(store_error)
    }

    fn open_from(&self, agent: &AgentName, from: &AgentName, limit: usize) -> StoreResult<Vec<u64>> {
        inbox::open_from(self.conn, agent, from, limit).map_err(store_error)
    }

    fn thread(&self, id: &MessageId, after: u64, limit: usize) -> StoreResult<Vec<Message>> {
        message::thread(self.conn, id, after, limit).map_err(store_error)
    }

    fn events(&self, filter: &EventFilter) -> StoreResult<Vec<Event>> {
        let Some(subject) = &filter.subject else { return event::page(self.conn, filter).map_err(store_error) };
        let key = match TaskId::parse(subject) {
            Ok(id) => task::key(self.conn, &id).map_err(store_error)?,
            Err(_) => None,
        };
        match key {
            Some(key) => event::of_task(self.conn, key.last_event, filter).map_err(store_error),
            None => Ok(Vec::new()),
        }
    }

    fn last_event_of(&self, subject: &str, kind: &str) -> StoreResult<Option<Event>> {
        let Some(id) = TaskId::parse(subject).ok() else { return Ok(None) };
        let Some(key) = task::key(self.conn, &id).map_err(store_error)? else { return Ok(None) };
        let mut found = None;
        let look = |link: &event::Link| {
            found = (link.kind == kind).then_some(link.seq);
            found.is_none()
        };
        event::walk_back(self.conn, key.last_event, look).map_err(store_error)?;
        match found {
            Some(seq) => event::get(self.conn, seq).map_err(store_error),
            None => Ok(None),
        }
    }

    fn last_seq(&self) -> StoreResult<u64> {
        Ok(event::end(self.conn).map_err(store_error)?.seq)
    }

    fn task_prefix(&self) -> StoreResult<String> {
        Ok(self.prefix.to_owned())
    }

    fn remembered(&self, key: &ReplyKey) -> StoreResult<Option<Remembered>> {
        reply::get(self.conn, key, self.now.store).map_err(store_error)
    }

    fn state(&self) -> StoreResult<State> {
        rows::whole::state(self.conn).map_err(store_error)
    }
}

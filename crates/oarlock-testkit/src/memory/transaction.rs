//! The writing half: a copy of the world that takes the original's place at the commit.

use oarlock_model::agent::Presence;
use oarlock_model::event::{Fact, StoreRestored};
use oarlock_model::rules::reserve::StarvedClaim;
use oarlock_model::state::Notice;
use oarlock_model::{AgentName, MessageId, SessionId, StoreTime, TaskId, WallTime};
use oarlock_ops::owners::OwnerLiveness;
use oarlock_ops::store::{NewEvent, ReplyKey, StoreError, StoreResult, StoredReply, Transaction, View};

use super::{Moment, World};

/// A transaction on a copy.
pub(super) struct MemoryTransaction<'a> {
    moment: Moment,
    original: &'a mut World,
    wrote: bool,
    marked: Option<(World, bool)>,
}

impl<'a> MemoryTransaction<'a> {
    pub(super) fn new(moment: Moment, original: &'a mut World) -> Self {
        Self { moment, original, wrote: false, marked: None }
    }

    /// The world, about to be changed.
    fn writing(&mut self) -> &mut World {
        self.wrote = true;
        &mut self.moment.world
    }
}

fn missing(what: impl std::fmt::Display) -> StoreError {
    StoreError::Internal(format!("there is no {what} to write to"))
}

impl Transaction for MemoryTransaction<'_> {
    fn next_seq(&self) -> u64 {
        self.moment.world.next_seq
    }

    fn skip_to(&mut self, seq: u64) {
        let next_seq = &mut self.moment.world.next_seq;
        *next_seq = seq.max(*next_seq);
    }

    fn append(&mut self, event: NewEvent) -> StoreResult<u64> {
        let world = self.writing();
        let event = event.numbered(world.next_seq);
        world.state.apply(&event).map_err(|error| StoreError::Internal(error.to_string()))?;
        world.next_seq = event.seq + 1;
        if let Fact::StoreRestored(StoreRestored { identity: Some(new), .. }) = &event.fact {
            world.identity = new.identity();
        }
        let seq = event.seq;
        world.log.push(event);
        Ok(seq)
    }

    fn write_presence(&mut self, name: &AgentName, presence: &Presence) -> StoreResult<()> {
        let agent = self.writing().state.agents.get_mut(name);
        agent.ok_or_else(|| missing(name))?.presence = presence.clone();
        Ok(())
    }

    fn write_shown(&mut self, agent: &AgentName, messages: &[MessageId]) -> StoreResult<()> {
        let all = &mut self.writing().state.messages;
        for id in messages {
            if let Some(message) = all.get_mut(id).filter(|message| message.to.contains(agent)) {
                message.shown_to.insert(agent.clone());
            }
        }
        Ok(())
    }

    fn write_renewal(&mut self, task: &TaskId, renewed: StoreTime, ttl_ms: i64) -> StoreResult<()> {
        let grant = self.writing().state.tasks.get_mut(task).and_then(|task| task.grant.as_mut());
        let grant = grant.ok_or_else(|| missing(task))?;
        (grant.renewed, grant.ttl_ms) = (renewed, ttl_ms);
        Ok(())
    }

    fn write_outside_seen(&mut self, task: &TaskId, seen: WallTime) -> StoreResult<()> {
        let hold = self.writing().state.tasks.get_mut(task).and_then(|task| task.outside.as_mut());
        hold.ok_or_else(|| missing(task))?.seen = seen;
        Ok(())
    }

    fn take_notices(&mut self, session: &SessionId) -> StoreResult<Vec<Notice>> {
        let notices = &self.moment.world.state.notices;
        let taken: Vec<Notice> = notices.iter().filter(|notice| notice.session == *session).cloned().collect();
        if !taken.is_empty() {
            self.writing().state.notices.retain(|notice| notice.session != *session);
        }
        Ok(taken)
    }

    fn note_first_end(&mut self, _read_at: StoreTime, _first_end: StoreTime) -> StoreResult<()> {
        // It remembers read texts, and here nothing is too long to be read again.
        Ok(())
    }

    fn write_starved(&mut self, task: &TaskId, starved: Option<&StarvedClaim>) -> StoreResult<()> {
        let world = self.writing();
        match starved {
            Some(starved) => world.starved.insert(task.clone(), starved.clone()),
            None => world.starved.remove(task),
        };
        Ok(())
    }

    fn remember(&mut self, key: &ReplyKey, remembered: &StoredReply) -> StoreResult<()> {
        let now = self.moment.now.store;
        self.writing().replies.insert(*key, (now, remembered.clone()));
        Ok(())
    }

    fn take_owner_lock(&mut self, session: &SessionId) -> StoreResult<()> {
        self.moment.taken.lock().expect("nobody panics while holding it").insert(session.clone());
        self.moment.world.owners.insert(session.clone(), OwnerLiveness::Alive);
        Ok(())
    }

    fn mark(&mut self) -> StoreResult<()> {
        self.marked = Some((self.moment.world.clone(), self.wrote));
        Ok(())
    }

    fn undo_to_mark(&mut self) -> StoreResult<bool> {
        // Without a mark nothing was written that must stay: anyone who asks drops the transaction.
        let Some((world, wrote)) = self.marked.take() else { return Ok(false) };
        (self.moment.world, self.wrote) = (world, wrote);
        Ok(wrote)
    }

    fn commit(self: Box<Self>) -> StoreResult<()> {
        *self.original = self.moment.world;
        Ok(())
    }

    fn view(&self) -> &dyn View {
        &self.moment
    }
}

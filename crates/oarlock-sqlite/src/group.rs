//! Group commit: many calls in one transaction, each under a savepoint of its own, with one sync for all of them.

use oarlock_model::agent::Presence;
use oarlock_model::rules::reserve::StarvedClaim;
use oarlock_model::state::Notice;
use oarlock_model::{AgentName, MessageId, SessionId, StoreIdentity, StoreTime, TaskId, WallTime};
use oarlock_ops::lock::Lock;
use oarlock_ops::outside::Outside;
use oarlock_ops::owners::Owners;
use oarlock_ops::store::{
    Durability, Listening, NewEvent, ReplyKey, ServedStore, Store, StoreError, StoreResult, StoredReply, Transaction, View,
};
use oarlock_ops::topic::Topics;

use std::sync::Arc;

use crate::owners::LocalOwners;
use crate::store::SqliteStore;
use crate::transaction::{Part, SqliteTransaction};
use crate::view::SqliteView;

impl ServedStore for SqliteStore {
    fn identity(&self) -> &StoreIdentity {
        self.identity()
    }

    fn group(&mut self, durability: Durability, work: &mut dyn FnMut(&mut dyn Store) -> StoreResult<()>) -> StoreResult<bool> {
        let owners = self.local_owners();
        let mut group = Group { owners, tx: self.transaction(durability)?, spoiled: None };
        let worked = work(&mut group);
        if worked.is_err() || group.spoiled.is_some() {
            // Dropping the transaction rolls it back.
            return Ok(false);
        }
        Box::new(group.tx).commit().map(|()| true)
    }

    fn wants_upkeep(&mut self) -> bool {
        self.log_has_grown()
    }

    fn upkeep(&mut self) {
        self.checkpoint_ahead();
    }
}

/// The transaction that the calls share.
struct Group<'a> {
    owners: LocalOwners,
    tx: SqliteTransaction<'a>,
    /// Why it cannot be committed any more.
    spoiled: Option<StoreError>,
}

impl Group<'_> {
    fn check(&self) -> StoreResult<()> {
        self.spoiled.clone().map_or(Ok(()), Err)
    }
}

impl Store for Group<'_> {
    fn owners(&mut self) -> Box<dyn Owners> {
        Box::new(self.owners.clone())
    }

    /// The group's members cannot wait for the lock of a file.
    fn outside(&self) -> Option<Arc<dyn Outside>> {
        None
    }

    fn is_read_only(&self) -> bool {
        false
    }

    fn begin<'b>(&'b mut self, _locks: &[Lock], _durability: Durability) -> StoreResult<Box<dyn Transaction + 'b>> {
        self.check()?;
        match self.tx.begin_part() {
            Ok(part) => Ok(Box::new(Member { group: self, part, open: true })),
            Err(error) => {
                self.spoiled = Some(error.clone());
                Err(error)
            }
        }
    }

    fn snapshot<'b>(&'b mut self) -> StoreResult<Box<dyn View + 'b>> {
        self.check()?;
        let SqliteView { conn, now, prefix, identity, .. } = *self.tx.sqlite_view();
        Ok(Box::new(SqliteView { conn, now, prefix, identity, ends_with_view: false }))
    }

    fn listen(&mut self, _topics: Topics) -> StoreResult<Box<dyn Listening>> {
        Err(StoreError::Internal("a call that shares its transaction cannot wait".into()))
    }
}

/// One call's part of the group. Dropped, it undoes what it did.
struct Member<'g, 'a> {
    group: &'g mut Group<'a>,
    part: Part,
    open: bool,
}

impl Member<'_, '_> {
    /// A failure of the store inside one part may have undone the others too: none of them is committed.
    fn noted<T>(&mut self, result: StoreResult<T>) -> StoreResult<T> {
        if let Err(error) = &result {
            self.group.spoiled.get_or_insert_with(|| error.clone());
        }
        result
    }
}

impl Drop for Member<'_, '_> {
    fn drop(&mut self) {
        if self.open {
            let undone = self.group.tx.undo_part(&self.part);
            let _ = self.noted(undone);
        }
    }
}

impl Transaction for Member<'_, '_> {
    fn next_seq(&self) -> u64 {
        self.group.tx.next_seq()
    }

    fn skip_to(&mut self, seq: u64) {
        self.group.tx.skip_to(seq);
    }

    fn append(&mut self, event: NewEvent) -> StoreResult<u64> {
        let done = self.group.tx.append(event);
        self.noted(done)
    }

    fn write_presence(&mut self, name: &AgentName, presence: &Presence) -> StoreResult<()> {
        let done = self.group.tx.write_presence(name, presence);
        self.noted(done)
    }

    fn write_shown(&mut self, agent: &AgentName, messages: &[MessageId]) -> StoreResult<()> {
        let done = self.group.tx.write_shown(agent, messages);
        self.noted(done)
    }

    fn write_renewal(&mut self, task: &TaskId, renewed: StoreTime, ttl_ms: i64) -> StoreResult<()> {
        let done = self.group.tx.write_renewal(task, renewed, ttl_ms);
        self.noted(done)
    }

    fn write_outside_seen(&mut self, task: &TaskId, seen: WallTime) -> StoreResult<()> {
        let done = self.group.tx.write_outside_seen(task, seen);
        self.noted(done)
    }

    fn take_notices(&mut self, session: &SessionId) -> StoreResult<Vec<Notice>> {
        let done = self.group.tx.take_notices(session);
        self.noted(done)
    }

    fn note_first_end(&mut self, read_at: StoreTime, first_end: StoreTime) -> StoreResult<()> {
        let done = self.group.tx.note_first_end(read_at, first_end);
        self.noted(done)
    }

    fn write_starved(&mut self, task: &TaskId, starved: Option<&StarvedClaim>) -> StoreResult<()> {
        let done = self.group.tx.write_starved(task, starved);
        self.noted(done)
    }

    fn remember(&mut self, key: &ReplyKey, remembered: &StoredReply) -> StoreResult<()> {
        let done = self.group.tx.remember(key, remembered);
        self.noted(done)
    }

    fn take_owner_lock(&mut self, session: &SessionId) -> StoreResult<()> {
        self.group.tx.take_owner_lock(session)
    }

    fn mark(&mut self) -> StoreResult<()> {
        let done = self.group.tx.mark();
        self.noted(done)
    }

    fn undo_to_mark(&mut self) -> StoreResult<bool> {
        let done = self.group.tx.undo_to_mark();
        self.noted(done)
    }

    fn commit(mut self: Box<Self>) -> StoreResult<()> {
        self.open = false;
        let done = self.group.tx.end_part();
        self.noted(done)
    }

    fn view(&self) -> &dyn View {
        self.group.tx.view()
    }
}

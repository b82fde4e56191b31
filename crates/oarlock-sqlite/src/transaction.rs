//! [`SqliteTransaction`]: the writing half of the port.

use oarlock_host::fair_lock::Passage;
use oarlock_host::notifier::Notifiers;
use oarlock_host::owner::{self, OwnerLock};
use oarlock_model::agent::Presence;
use oarlock_model::event::{Event, Fact};
use oarlock_model::rules::reserve::StarvedClaim;
use oarlock_model::state::Notice;
use oarlock_model::{AgentName, MessageId, SessionId, StoreTime, TaskId, WallTime, seeded};
use oarlock_ops::store::{Counts, NewEvent, ReplyKey, StoreError, StoreResult, StoredReply, Transaction, View};
use oarlock_ops::topic::Topics;

use std::path::Path;

use crate::error::{io_error, store_error};
use crate::high_water_mark::HighWaterMark;
use crate::project::Projection;
use crate::rows::event::End;
use crate::rows::{agent, lease, message, outside, reply, reservation, task};
use crate::view::SqliteView;
use crate::void_commit;

/// The work of a transaction so far, apart from SQLite's own.
#[derive(Clone, Copy)]
struct Done {
    next_seq: u64,
    counts: Counts,
    topics: Topics,
    wrote: bool,
}

/// Where one call's part of a group began.
pub(crate) struct Part {
    before: Done,
    taking: usize,
    lost: usize,
}

/// A writing transaction. Dropped, it rolls back.
pub(crate) struct SqliteTransaction<'a> {
    view: SqliteView<'a>,
    passage: Option<Passage<'a>>,
    notifiers: &'a Notifiers,
    high_water_mark: &'a HighWaterMark,
    /// Where the locks of owners lie.
    locks: &'a Path,
    owned: &'a mut Vec<OwnerLock>,
    taking: Vec<OwnerLock>,
    lost: Vec<SessionId>,
    done: Done,
    marked: Option<Done>,
    open: bool,
}

impl<'a> SqliteTransaction<'a> {
    /// Wraps a transaction that has begun where the log has this end.
    pub(crate) fn new(
        view: SqliteView<'a>,
        passage: Passage<'a>,
        (notifiers, high_water_mark): (&'a Notifiers, &'a HighWaterMark),
        (locks, owned): (&'a Path, &'a mut Vec<OwnerLock>),
        end: End,
    ) -> Self {
        let done = Done { next_seq: end.seq + 1, counts: end.counts, topics: Topics::NONE, wrote: false };
        Self {
            view,
            passage: Some(passage),
            notifiers,
            high_water_mark,
            locks,
            owned,
            taking: Vec::new(),
            lost: Vec::new(),
            done,
            marked: None,
            open: true,
        }
    }

    /// One call's part of a group begins here.
    pub(crate) fn begin_part(&mut self) -> StoreResult<Part> {
        self.execute("SAVEPOINT part")?;
        // What the parts before it wrote is not its own to keep.
        self.done.wrote = false;
        self.marked = None;
        Ok(Part { before: self.done, taking: self.taking.len(), lost: self.lost.len() })
    }

    /// Its writes stay, if the group is committed.
    pub(crate) fn end_part(&mut self) -> StoreResult<()> {
        self.execute("RELEASE part")
    }

    /// Its writes are undone.
    pub(crate) fn undo_part(&mut self, part: &Part) -> StoreResult<()> {
        self.execute("ROLLBACK TO part")?;
        self.execute("RELEASE part")?;
        self.done = part.before;
        self.taking.truncate(part.taking);
        self.lost.truncate(part.lost);
        Ok(())
    }

    /// The view, as its own type.
    pub(crate) fn sqlite_view(&self) -> &SqliteView<'a> {
        &self.view
    }

    /// Appends an event that has its number: one of another store's log.
    pub(crate) fn append_numbered(&mut self, event: &Event) -> StoreResult<()> {
        debug_assert!(event.seq >= self.done.next_seq, "event numbers rise");
        self.done.wrote = true;
        Projection { conn: self.view.conn, counts: &mut self.done.counts }.apply(event).map_err(store_error)?;
        self.done.next_seq = event.seq + 1;
        self.done.topics = self.done.topics.union(Topics::of(&event.fact));
        if let Fact::AgentLost(lost) = &event.fact {
            self.lost.push(lost.session.clone());
        }
        Ok(())
    }

    fn execute(&self, sql: &str) -> StoreResult<()> {
        self.view.conn.prepare_cached(sql).and_then(|mut s| s.execute([])).map(drop).map_err(store_error)
    }

    /// Makes sure that a commit that failed stays without effect.
    fn void_commit(mut self: Box<Self>, error: rusqlite::Error) -> StoreError {
        self.open = false;
        void_commit::after(self.view.conn, error)
    }
}

impl Transaction for SqliteTransaction<'_> {
    fn next_seq(&self) -> u64 {
        self.done.next_seq
    }

    fn skip_to(&mut self, seq: u64) {
        self.done.next_seq = self.done.next_seq.max(seq);
    }

    fn append(&mut self, event: NewEvent) -> StoreResult<u64> {
        let event = event.numbered(self.done.next_seq);
        self.append_numbered(&event).map(|()| event.seq)
    }

    fn write_presence(&mut self, name: &AgentName, presence: &Presence) -> StoreResult<()> {
        self.done.wrote = true;
        agent::write_presence(self.view.conn, name, presence).map_err(store_error)
    }

    fn write_shown(&mut self, agent: &AgentName, messages: &[MessageId]) -> StoreResult<()> {
        self.done.wrote = true;
        message::shown(self.view.conn, agent, messages).map_err(store_error)
    }

    fn write_renewal(&mut self, id: &TaskId, renewed: StoreTime, ttl_ms: i64) -> StoreResult<()> {
        self.done.wrote = true;
        task::renew(self.view.conn, id, renewed, ttl_ms).map_err(store_error)
    }

    fn write_outside_seen(&mut self, id: &TaskId, seen: WallTime) -> StoreResult<()> {
        self.done.wrote = true;
        outside::seen(self.view.conn, id, seen).map_err(store_error)
    }

    fn take_notices(&mut self, session: &SessionId) -> StoreResult<Vec<Notice>> {
        let notices = agent::take_notices(self.view.conn, session).map_err(store_error)?;
        self.done.wrote |= !notices.is_empty();
        Ok(notices)
    }

    fn note_first_end(&mut self, read_at: StoreTime, first_end: StoreTime) -> StoreResult<()> {
        self.done.wrote = true;
        lease::raise_bound(self.view.conn, read_at, first_end).map_err(store_error)
    }

    fn write_starved(&mut self, id: &TaskId, starved: Option<&StarvedClaim>) -> StoreResult<()> {
        self.done.wrote = true;
        reservation::put_starved(self.view.conn, id, starved).map_err(store_error)
    }

    fn remember(&mut self, key: &ReplyKey, remembered: &StoredReply) -> StoreResult<()> {
        self.done.wrote = true;
        reply::put(self.view.conn, key, remembered, self.view.now.store).map_err(store_error)
    }

    fn take_owner_lock(&mut self, session: &SessionId) -> StoreResult<()> {
        let taken = OwnerLock::acquire(self.locks, session.as_str()).map_err(|error| io_error("lock", self.locks, &error))?;
        match taken {
            Some(lock) => {
                self.taking.push(lock);
                Ok(())
            }
            None => Err(StoreError::Internal(format!("somebody holds the lock of the new session {session}"))),
        }
    }

    fn mark(&mut self) -> StoreResult<()> {
        if !self.done.wrote {
            return Ok(());
        }
        if self.marked.is_some() {
            self.execute("RELEASE mark")?;
        }
        self.execute("SAVEPOINT mark")?;
        self.marked = Some(self.done);
        Ok(())
    }

    fn undo_to_mark(&mut self) -> StoreResult<bool> {
        let Some(marked) = self.marked.take() else { return Ok(false) };
        self.execute("ROLLBACK TO mark")?;
        self.execute("RELEASE mark")?;
        self.done = marked;
        Ok(true)
    }

    fn commit(mut self: Box<Self>) -> StoreResult<()> {
        let committed = self.view.conn.prepare_cached("COMMIT").and_then(|mut s| s.execute([]));
        if let Err(error) = committed {
            return Err(self.void_commit(error));
        }
        self.open = false;
        self.high_water_mark.saw(self.done.next_seq - 1);
        self.owned.append(&mut self.taking);
        // The next writer goes on while this one wakes the waiters.
        drop(self.passage.take());
        for session in &self.lost {
            // The lock file of the dead; should it stay, `doctor` finds it and it does no harm.
            let _ = owner::remove_stale(self.locks, session.as_str());
        }
        for (topic, notifier) in Topics::NAMED {
            if self.done.topics.meets(topic) && !seeded::is(seeded::NO_WAKE) {
                // A notifier that cannot be rung delays waiters until their next look; it does not undo the commit.
                let _ = self.notifiers.ring(notifier);
            }
        }
        Ok(())
    }

    fn view(&self) -> &dyn View {
        &self.view
    }
}

impl Drop for SqliteTransaction<'_> {
    fn drop(&mut self) {
        if self.open {
            // Should the rollback fail, SQLite has rolled back by itself or the next BEGIN reports the fault.
            let _ = self.view.conn.execute_batch("ROLLBACK");
        }
    }
}

//! [`SqliteStore`]: opening, beginning transactions, and keeping the write-ahead log short.

use oarlock_host::clock::{Clock, SystemClock};
use oarlock_host::fair_lock::FairLock;
use oarlock_host::notifier::{Listener, Notifiers};
use oarlock_host::owner::OwnerLock;
use oarlock_host::shared_state::SharedState;
use oarlock_model::identity::{EPOCH_SHIFT, Fresh};
use oarlock_model::{StoreIdentity, seeded};
use oarlock_ops::OpError;
use oarlock_ops::graph;
use oarlock_ops::lock::Lock;
use oarlock_ops::outside::Outside;
use oarlock_ops::owners::Owners;
use oarlock_ops::store::{Durability, Listening, Store, StoreError, StoreResult, Transaction, View};
use oarlock_ops::topic::Topics;
use rusqlite::{Connection, OpenFlags};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::birth::Births;
use crate::bounds::Budget;
use crate::clock::StoreClock;
use crate::connection::connect;
use crate::error::{gone, io_error, store_error};
use crate::high_water_mark::{HighWaterMark, Made};
use crate::listen::{self, SqliteListening};
use crate::owners::LocalOwners;
use crate::place::StorePaths;
use crate::reading::{Copy, Reading, cannot_write};
use crate::rows::event::{self, End};
use crate::rows::meta;
use crate::transaction::SqliteTransaction;
use crate::view::SqliteView;
use crate::{clock, migrate, schema};

/// The oldest SQLite that may be used, as its version number: before it, two connections of which one
/// resets the write-ahead log can damage the file (sqlite.org, "The WAL-reset bug", fixed in 3.51.3).
const SQLITE_VERSION_MIN: i32 = 3_051_003;

/// Frames in the log after which a writer moves them into the database, unless its handle was opened otherwise.
const CHECKPOINT_FRAMES: u32 = 1_000;

/// The same when a handle is closed: the next one-shot command then has little to recover.
const CHECKPOINT_FRAMES_AT_CLOSE: u32 = 100;

/// Frames by which the log grows until its content is moved into the database beside anyone who writes: eight megabytes.
const AHEAD_FRAMES: u32 = 2_048;

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long a busy store is waited for.
    pub busy: Duration,
    /// The clock; replaced in tests.
    pub clock: Arc<dyn Clock>,
    /// How hard commits are pressed to the disk; only measurements use another than FULL.
    pub synchronous: Synchronous,
    /// Where identities come from; fixed in tests.
    pub births: Births,
    /// Frames in the log after which this handle moves them into the database. Anyone who is waiting for it waits meanwhile: a
    /// handle for many callers does it seldom, so that few of them do.
    pub checkpoint_frames: u32,
}

/// SQLite's `synchronous` setting for acknowledged commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Synchronous {
    /// An acknowledged commit survives a loss of power.
    Full,
    /// It survives the death of its process; a loss of power may take the last ones.
    Normal,
    /// Nothing is promised. For measuring the processor without the disk.
    Off,
}

impl Synchronous {
    fn pragma(self) -> &'static str {
        match self {
            Synchronous::Full => "PRAGMA synchronous = FULL",
            Synchronous::Normal => "PRAGMA synchronous = NORMAL",
            Synchronous::Off => "PRAGMA synchronous = OFF",
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            busy: Duration::from_millis(oarlock_model::limits::BUSY_MS_DEFAULT.unsigned_abs()),
            clock: Arc::new(SystemClock),
            synchronous: Synchronous::Full,
            births: Births::Random,
            checkpoint_frames: CHECKPOINT_FRAMES,
        }
    }
}

/// A handle of an embedded store. Handles of many threads and processes may be open at once.
#[derive(Debug)]
pub struct SqliteStore {
    conn: Connection,
    budget: Budget,
    place: StorePaths,
    owners: PathBuf,
    notifiers: Notifiers,
    fair_lock: FairLock,
    clock: StoreClock,
    options: Options,
    synchronous: Synchronous,
    prefix: String,
    identity: StoreIdentity,
    epoch: u64,
    owned: Vec<OwnerLock>,
    listening: Option<(Topics, Arc<Mutex<Listener>>)>,
    inode: (u64, u64),
    high_water_mark: HighWaterMark,
    wal_frames: Arc<AtomicU32>,
    /// The frames when it was last said that the log has grown.
    moved_at: u32,
    /// Whether the store can only be read.
    reads_only: bool,
    /// The copy that is read in place of the store; it outlives the connection.
    copy: Option<Copy>,
    outside: Option<Arc<dyn Outside>>,
}

impl SqliteStore {
    /// Files that lie beside it have tasks of it: claims are written through to them.
    #[must_use]
    pub fn with_outside(mut self, outside: Arc<dyn Outside>) -> Self {
        self.outside = Some(outside);
        self
    }

    /// Makes a store, or opens the one that is there. Returns it and whether it was made.
    ///
    /// # Errors
    /// `store_unavailable` (permissions, space, a shared file system), `data_damaged`, `store_busy`.
    pub fn create(place: &StorePaths, prefix: &str, options: Options) -> StoreResult<(Self, bool)> {
        // A process killed while it made the store the old way leaves an empty file: that one is made again.
        place.check_dir()?;
        let is_there = place.file().symlink_metadata().is_ok_and(|found| !found.is_file() || found.len() > 0);
        let made = !is_there && Self::make(place, prefix, &options)?;
        Ok((Self::open(place, options)?, made))
    }

    /// Opens a store that is there.
    ///
    /// # Errors
    /// As [`SqliteStore::create`]; `store_unavailable` also when there is none.
    pub fn open(place: &StorePaths, options: Options) -> StoreResult<Self> {
        if rusqlite::version_number() < SQLITE_VERSION_MIN {
            return Err(StoreError::Internal(format!("SQLite {} can damage stores; 3.51.3 is needed", rusqlite::version())));
        }
        let inode = place.check()?;
        place.check_filesystem()?;
        if !place.is_writable() {
            return Self::open_reading(place, options, inode);
        }
        // An empty one may be somebody else's, made in this moment: anyone who writes its first frame has synced its name.
        let had_log = std::fs::metadata(place.log()).is_ok_and(|log| log.len() > 0);
        let conn = connect(place.file(), OpenFlags::SQLITE_OPEN_READ_WRITE, options.busy)?;
        // What forbids to write may be more than permissions: SQLite has then opened it for reading.
        if conn.is_readonly(rusqlite::MAIN_DB).map_err(store_error)? {
            drop(conn);
            return Self::open_reading(place, options, inode);
        }
        migrate::check_application(&conn)?;
        if !had_log {
            // The log has a name now, which must not be lost with what will stand in it.
            place.sync_dir()?;
        }
        schema::check(&conn)?;
        if migrate::is_behind(&conn)? {
            migrate::migrate(&conn)?;
        }
        let shared_state = place.shared_state()?;
        Self::opened(place, options, inode, Reading { conn, copy: None }, shared_state, false)
    }

    /// Opens a store that can only be read. Nobody of those who write it hears of this handle: it looks for news by itself.
    fn open_reading(place: &StorePaths, options: Options, inode: (u64, u64)) -> StoreResult<Self> {
        let reading = Reading::open(place, options.busy)?;
        Self::opened(place, options, inode, reading, None, true)
    }

    fn opened(
        place: &StorePaths,
        options: Options,
        inode: (u64, u64),
        Reading { mut conn, copy }: Reading,
        shared_state: Option<SharedState>,
        reads_only: bool,
    ) -> StoreResult<Self> {
        let wal_frames = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&wal_frames);
        conn.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages: std::ffi::c_int| {
            counter.store(pages.unsigned_abs(), Ordering::Relaxed);
            Ok(())
        }))
        .map_err(store_error)?;
        let budget = Budget::of_calls(&mut conn).map_err(store_error)?;
        let made = Made::read(&conn)?;
        let identity = meta::identity(&conn).map_err(store_error)?;
        let epoch = epoch_of(event::end(&conn).map_err(store_error)?.seq);
        let clock = clock::StoreClock::agree(&conn, Arc::clone(&options.clock), reads_only)?;
        let notifiers = Notifiers::new(&place.beside("bells"), &Topics::NAMED.map(|(_, name)| name), shared_state.clone())
            .map_err(|error| io_error("open", place.dir(), &error))?;
        let high_water_mark = HighWaterMark::of(&made, shared_state.clone(), &clock.host.boot_id);
        let synchronous = options.synchronous;
        conn.execute_batch(synchronous.pragma()).map_err(store_error)?;
        let mut store = Self {
            conn,
            budget,
            place: place.clone(),
            owners: place.beside("owners"),
            notifiers,
            high_water_mark,
            fair_lock: FairLock::on(shared_state),
            clock,
            options,
            synchronous,
            prefix: made.prefix.clone(),
            identity,
            epoch,
            owned: Vec::new(),
            listening: None,
            inode,
            wal_frames,
            moved_at: 0,
            reads_only,
            outside: None,
            copy,
        };
        if !made.is_derived && !store.reads_only {
            store.derive_again()?;
        }
        Ok(store)
    }

    /// Brings states and priorities in line with the graph, once, in a store of an older program.
    fn derive_again(&mut self) -> StoreResult<()> {
        let mut tx = self.transaction(Durability::Full)?;
        if !Made::read(tx.sqlite_view().conn)?.is_derived {
            graph::derive_again(&mut tx).map_err(|error| match error {
                OpError::Store(error) => error,
                other => StoreError::Internal(other.to_string()),
            })?;
            tx.sqlite_view().conn.execute("UPDATE meta SET is_derived = 1", []).map_err(store_error)?;
        }
        Box::new(tx).commit()
    }

    /// Where the store is.
    pub fn place(&self) -> &StorePaths {
        &self.place
    }

    /// The identity of the store, as this handle last saw it: a restore may have given it another since.
    pub fn identity(&self) -> &StoreIdentity {
        &self.identity
    }

    /// The connection, for administration inside this crate.
    pub(crate) fn connection(&self) -> &Connection {
        &self.conn
    }

    /// The same, for replacing the content.
    pub(crate) fn connection_mut(&mut self) -> &mut Connection {
        &mut self.conn
    }

    /// The source of the next identity of this store.
    pub(crate) fn fresh(&self) -> StoreResult<Fresh> {
        self.options.births.next(&self.identity)
    }

    /// The last number that anybody saw committed here in this boot.
    pub(crate) fn seen(&self) -> u64 {
        self.high_water_mark.last_seq()
    }

    /// Whether the log has grown so much by this handle's commits that another one should move it. It is said once for the same growth.
    pub(crate) fn log_has_grown(&mut self) -> bool {
        let frames = self.wal_frames.load(Ordering::Relaxed);
        // It begins again once all of it is moved.
        self.moved_at = self.moved_at.min(frames);
        let has_grown = frames - self.moved_at >= AHEAD_FRAMES;
        if has_grown {
            self.moved_at = frames;
        }
        has_grown
    }

    /// Moves the log's present content into the database, beside anyone who writes: it keeps nobody waiting. What they write meanwhile stays in
    /// the log, and the checkpoint that is due in the fair lock has only that to move. Should it fail, that one moves all of it.
    pub(crate) fn checkpoint_ahead(&mut self) {
        let _ = self.conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    }

    /// Goes on although the log ends before its last seen end.
    pub(crate) fn forget_seen(&mut self) {
        self.high_water_mark = HighWaterMark::nobody();
    }

    /// Moves store time forward after another store's content came in.
    pub(crate) fn catch_up(&mut self) -> StoreResult<()> {
        self.clock.catch_up(&self.conn)?;
        self.clock.agree_again(&self.conn)
    }

    /// The liveness check of this machine.
    pub(crate) fn local_owners(&self) -> LocalOwners {
        LocalOwners { boot_id: self.clock.host.boot_id.clone(), locks: self.owners.clone(), high_water_mark: self.high_water_mark.clone() }
    }

    /// Begins a writing transaction.
    pub(crate) fn transaction(&mut self, durability: Durability) -> StoreResult<SqliteTransaction<'_>> {
        self.check_unmoved()?;
        if self.reads_only {
            return Err(cannot_write(&self.place));
        }
        self.set_durability(durability)?;
        self.budget.renew();
        // The fair lock is only for fairness: without it SQLite's own lock still admits one writer at a time.
        let passage = self.fair_lock.enter(self.options.busy);
        Self::checkpoint_if_due(&self.conn, &self.wal_frames, self.options.checkpoint_frames);
        let sql = if seeded::is(seeded::DEFERRED_BEGIN) { "BEGIN" } else { "BEGIN IMMEDIATE" };
        let end = begin(&self.conn, sql, &mut self.clock, (&mut self.epoch, &mut self.identity), &self.high_water_mark)?;
        let view =
            SqliteView { conn: &self.conn, now: self.clock.now(), prefix: &self.prefix, identity: &self.identity, ends_with_view: false };
        Ok(SqliteTransaction::new(view, passage, (&self.notifiers, &self.high_water_mark), (&self.owners, &mut self.owned), end))
    }

    /// The memory that is shared with those who write.
    fn shared_state(&self) -> Option<SharedState> {
        if self.reads_only { None } else { self.place.shared_state().ok().flatten() }
    }

    /// A deleted or replaced file must not be written on: acknowledged writes would be lost there.
    fn check_unmoved(&self) -> StoreResult<()> {
        if self.place.inode()? == self.inode {
            return Ok(());
        }
        Err(gone(
            format!("the store {} was replaced by another file", self.place.file().display()),
            "stop, and start again with the new store",
        ))
    }

    /// Presence need not be pressed to the disk: after a loss of power no session lives.
    fn set_durability(&mut self, durability: Durability) -> StoreResult<()> {
        let wanted = match durability {
            Durability::Presence if self.options.synchronous == Synchronous::Full => Synchronous::Normal,
            _ => self.options.synchronous,
        };
        if wanted != self.synchronous {
            self.conn.prepare_cached(wanted.pragma()).and_then(|mut s| s.execute([])).map_err(store_error)?;
            self.synchronous = wanted;
        }
        Ok(())
    }

    /// Moves the log into the database when it has grown; anyone who finds it due does it. Called inside the
    /// gate: while somebody writes, a checkpoint never reaches the end of the log, which then grows for ever.
    fn checkpoint_if_due(conn: &Connection, wal_frames: &AtomicU32, due_frames: u32) {
        if wal_frames.load(Ordering::Relaxed) < due_frames {
            return;
        }
        wal_frames.store(0, Ordering::Relaxed);
        // What this handle last saw may be old: another one may have done it since.
        let there = conn.query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)));
        let is_due =
            |(frames, moved): (i64, i64)| frames - moved >= i64::from(due_frames / 2) || (frames >= due_frames.into() && frames > moved);
        if there.is_ok_and(is_due) {
            // PASSIVE waits for nobody. Should it fail, the log stays as it is and the next one tries again.
            let _ = conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        }
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        // The moved part is only remembered while somebody has the store open: a log
        // that the last one leaves behind is read again by the next. So it is emptied, if nobody minds.
        if self.wal_frames.load(Ordering::Relaxed) >= CHECKPOINT_FRAMES_AT_CLOSE && self.conn.busy_timeout(Duration::ZERO).is_ok() {
            let _ = self.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        }
    }
}

impl Store for SqliteStore {
    fn begin<'a>(&'a mut self, _locks: &[Lock], durability: Durability) -> StoreResult<Box<dyn Transaction + 'a>> {
        Ok(Box::new(self.transaction(durability)?))
    }

    fn snapshot<'a>(&'a mut self) -> StoreResult<Box<dyn View + 'a>> {
        self.check_unmoved()?;
        self.budget.renew();
        self.copy.as_ref().map_or(Ok(()), Copy::check)?;
        begin(&self.conn, "BEGIN", &mut self.clock, (&mut self.epoch, &mut self.identity), &self.high_water_mark)?;
        Ok(Box::new(SqliteView {
            conn: &self.conn,
            now: self.clock.now(),
            prefix: &self.prefix,
            identity: &self.identity,
            ends_with_view: true,
        }))
    }

    fn is_read_only(&self) -> bool {
        self.reads_only
    }

    fn owners(&mut self) -> Box<dyn Owners> {
        Box::new(self.local_owners())
    }

    fn outside(&self) -> Option<Arc<dyn Outside>> {
        self.outside.clone()
    }

    fn listen(&mut self, topics: Topics) -> StoreResult<Box<dyn Listening>> {
        // Closing a listener takes the kernel longer than all the rest of a wake-up: one is kept for the next wait.
        let listener = match &self.listening {
            Some((kept, listener)) if *kept == topics && listener.lock().is_ok_and(|kept| kept.hears()) => Arc::clone(listener),
            _ => Arc::new(Mutex::new(listen::listener(&self.notifiers, topics, self.shared_state()))),
        };
        self.listening = Some((topics, Arc::clone(&listener)));
        Ok(Box::new(SqliteListening::new(listener)))
    }
}

/// Begins a transaction and returns the end of the log. When the store was restored since this handle last looked, it has another
/// identity and its clock may have moved: the handle reads them again.
fn begin(
    conn: &Connection,
    sql: &str,
    clock: &mut StoreClock,
    (epoch, identity): (&mut u64, &mut StoreIdentity),
    high_water_mark: &HighWaterMark,
) -> StoreResult<End> {
    let run = |sql: &str| conn.prepare_cached(sql).and_then(|mut s| s.execute([])).map(drop).map_err(store_error);
    loop {
        let seen = high_water_mark.last_seq();
        run(sql)?;
        let end = event::end(conn).map_err(store_error).and_then(|end| HighWaterMark::check(seen, end.seq).map(|()| end));
        let end = match end {
            Ok(end) if epoch_of(end.seq) == *epoch => return Ok(end),
            Ok(end) => end,
            Err(error) => {
                // SQLite has rolled back by itself after some failures of the disk; the report says why.
                let _ = run("ROLLBACK");
                return Err(error);
            }
        };
        run("ROLLBACK")?;
        clock.agree_again(conn)?;
        *identity = meta::identity(conn).map_err(store_error)?;
        *epoch = epoch_of(end.seq);
    }
}

fn epoch_of(seq: u64) -> u64 {
    seq >> EPOCH_SHIFT
}

//! `backup` and `restore`: whole copies by SQLite's backup interface, while others go on working.

use oarlock_host::file;
use oarlock_model::Rejection;
use oarlock_model::event::Scrutiny;
use oarlock_ops::OpError;
use oarlock_ops::admin::{RestoreReply, file_exists};
use oarlock_ops::store::{EventFilter, StoreError};
use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags, params};
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use super::epoch;
use crate::connection::connect;
use crate::error::{damaged, io_error, store_error};
use crate::high_water_mark::{HighWaterMark, Made};
use crate::place::{StorePaths, make_private, private_dirs};
use crate::rows::{event, meta};
use crate::store::{Options, SqliteStore};
use crate::{migrate, reading, rows, schema, void_commit};

/// Writes a copy to a new file: first beside it, then under its name, so that a half-written copy is
/// never taken for a backup.
pub(crate) fn backup(store: &SqliteStore, to: &Path) -> Result<u64, OpError> {
    if to.exists() {
        return Err(file_exists(to));
    }
    let partial = suffixed(to, &format!("partial-{}", std::process::id()));
    let copied = copy_to_file(store.connection(), &partial);
    let published = copied.and_then(|()| {
        file::sync(&partial).map_err(|error| io_error("write", &partial, &error))?;
        // A link fails when the name was taken meanwhile; a rename would overwrite.
        fs::hard_link(&partial, to).map_err(|error| io_error("write", to, &error))?;
        StorePaths::of_file(to).sync_dir()
    });
    let _ = fs::remove_file(&partial);
    published?;
    Ok(fs::metadata(to).map_err(|error| io_error("look at", to, &error))?.len())
}

fn copy_to_file(from: &Connection, to: &Path) -> Result<(), StoreError> {
    make_private(to)?;
    let mut target = Connection::open(to).map_err(store_error)?;
    copy(from, &mut target)
}

/// Copies everything in one step: one consistent moment of the source, one transaction of the target.
fn copy(from: &Connection, to: &mut Connection) -> Result<(), StoreError> {
    step(&Backup::new(from, to).map_err(store_error)?, -1)
}

/// Checks a backup, starts its new epoch in a scratch copy, and puts that in place of the store.
pub(crate) fn restore(place: &StorePaths, options: &Options, from: &Path) -> Result<RestoreReply, OpError> {
    if !from.is_file() {
        return Err(Rejection::not_found("file", from.display()).into());
    }
    let scratch = Scratch::new(place, "restore")?;
    // The content alone: the mode is that of a store, whatever that of the backup is.
    make_private(scratch.place.file())?;
    let copied = File::open(from).and_then(|mut from| {
        let mut to = OpenOptions::new().write(true).open(scratch.place.file())?;
        std::io::copy(&mut from, &mut to)
    });
    copied.map_err(|error| io_error("copy", from, &error))?;
    check(scratch.place.file()).map_err(|error| not_a_backup(from, error))?;
    replace(place, options, &scratch, None)
}

/// The store is whole: it is the file that was named that is not.
fn not_a_backup(from: &Path, error: OpError) -> OpError {
    match error {
        OpError::Store(StoreError::Damaged { message, .. }) => OpError::Damaged {
            message: format!("{} cannot be restored: {}", from.display(), message.trim_start_matches("the store is damaged: ")),
            hint: "take another backup; the store was not touched".into(),
            details: serde_json::json!({"file": from.display().to_string()}),
        },
        other => other,
    }
}

/// Refuses a store that is not sound.
fn check(file: &Path) -> Result<(), OpError> {
    let conn = connect(file, OpenFlags::SQLITE_OPEN_READ_WRITE, std::time::Duration::from_secs(1))?;
    migrate::check_application(&conn)?;
    migrate::is_behind(&conn)?;
    schema::check(&conn)?;
    let faults = integrity(&conn)?;
    if !faults.is_empty() {
        return Err(damaged(&faults.join("; ")).into());
    }
    Ok(check_log(&conn)?)
}

/// Refuses a log with an event that cannot be true or is out of bounds. Whether the tables are what it says, `doctor` looks: that
/// takes a replay.
fn check_log(conn: &Connection) -> Result<(), StoreError> {
    let (mut scrutiny, mut failed) = (Scrutiny::after(meta::origin(conn).map_err(store_error)?), None);
    event::each(conn, &EventFilter { limit: i64::MAX as usize, ..EventFilter::default() }, |event, _| {
        failed = scrutiny.read(&event).err().map(|why| format!("event {}: {why}", event.seq));
        Ok(failed.is_none())
    })
    .map_err(store_error)?;
    failed.map_or(Ok(()), |why| Err(damaged(&why)))
}

/// The findings of SQLite's own check, at most a hundred.
pub(crate) fn integrity(conn: &Connection) -> Result<Vec<String>, StoreError> {
    let found = rows::all(conn, "PRAGMA integrity_check(100)", [], |row| row.get::<_, String>(0)).map_err(store_error)?;
    Ok(found.into_iter().filter(|line| line != "ok").collect())
}

/// Starts a new epoch in the scratch store and puts its content in place of the store's. The replaced store is kept beside
/// it; while that is done, nobody writes to it. With `last_seq`, only a store whose log still ends there is replaced.
pub(crate) fn replace(place: &StorePaths, options: &Options, scratch: &Scratch, last_seq: Option<u64>) -> Result<RestoreReply, OpError> {
    let opened = SqliteStore::open(place, options.clone()).ok();
    let mut store = SqliteStore::open(&scratch.place, options.clone())?;
    // Also past values of either: its numbers are never given again, whatever can still be read.
    let shared_state = place.shared_state().ok().flatten();
    let seen = HighWaterMark::of(&Made::read(store.connection())?, shared_state, &options.clock.host().boot_id).last_seq();
    let seen = seen.max(opened.as_ref().map_or(0, SqliteStore::seen));
    let live = opened.filter(|live| integrity(live.connection()).is_ok_and(|faults| faults.is_empty()));
    let floor_seq = match &live {
        Some(live) => event::end(live.connection()).map_err(store_error)?.seq.max(seen),
        None => seen,
    };
    // A store rebuilt from its log has a clock that began just now.
    store.catch_up()?;
    let mut reply = epoch::start(&mut store, floor_seq)?;
    let names = (options.clock.wall_ms()..).map(|ms| suffixed(place.file(), &format!("replaced-{ms}")));
    let kept = names.into_iter().find(|name| !name.exists()).unwrap_or_else(|| suffixed(place.file(), "replaced"));
    match live {
        Some(mut live) => {
            let looker = SqliteStore::open(place, options.clone())?;
            keep_clock(looker.connection(), store.connection())?;
            let copying = Backup::new(store.connection(), live.connection_mut()).map_err(store_error)?;
            // A step of no pages takes the write lock of the target, which is held until the copy is there.
            step(&copying, 0)?;
            let now_seq = event::end(looker.connection()).map_err(store_error)?.seq;
            // Anyone who restored it meanwhile has given numbers of this epoch.
            if last_seq.is_some_and(|last_seq| last_seq != now_seq) || now_seq >= reply.last_event {
                return Err(StoreError::Busy("it was written to while it was looked at".into()).into());
            }
            backup(&looker, &kept)?;
            let copied = copying.step(-1);
            drop(copying);
            match copied {
                Ok(rusqlite::backup::StepResult::Done) => {}
                Ok(_) => return Err(being_written().into()),
                Err(error) => return Err(void_commit::after(live.connection(), error).into()),
            }
        }
        None => {
            store.connection().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(store_error)?;
            drop(store);
            swap_files(place, scratch.place.file(), &kept)?;
        }
    }
    if kept.exists() {
        reply.kept = Some(kept.display().to_string());
    }
    Ok(reply)
}

fn step(backup: &Backup<'_, '_>, pages: i32) -> Result<(), StoreError> {
    use rusqlite::backup::StepResult;
    match backup.step(pages).map_err(store_error)? {
        StepResult::Done => Ok(()),
        StepResult::More if pages == 0 => Ok(()),
        _ => Err(being_written()),
    }
}

fn being_written() -> StoreError {
    StoreError::Busy("the store was being written while it was copied".into())
}

/// Time never goes back for handles that are open on the replaced store.
fn keep_clock(live: &Connection, scratch: &Connection) -> Result<(), OpError> {
    let rows = rows::all(live, "SELECT boot_id, time_namespace, offset_ms, skew_ms FROM clocks", [], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?, row.get::<_, i64>(3)?))
    })
    .map_err(store_error)?;
    for (boot, namespace, offset_ms, skew_ms) in rows {
        let sql = "INSERT INTO clocks (boot_id, time_namespace, offset_ms, skew_ms) VALUES (?1, ?2, ?3, ?4)
                   ON CONFLICT DO UPDATE SET offset_ms = max(offset_ms, excluded.offset_ms)";
        scratch.execute(sql, params![boot, namespace, offset_ms, skew_ms]).map_err(store_error)?;
    }
    Ok(())
}

/// Moves an unreadable store aside, with its log, and the new one into its place.
fn swap_files(place: &StorePaths, new: &Path, kept: &Path) -> Result<(), OpError> {
    // The log first: a new database must never meet an old log.
    for suffix in ["-wal", "-shm", ""] {
        let old = PathBuf::from(format!("{}{suffix}", place.file().display()));
        if old.exists() {
            let aside = PathBuf::from(format!("{}{suffix}", kept.display()));
            fs::rename(&old, &aside).map_err(|error| io_error("move", &old, &error))?;
        }
    }
    fs::rename(new, place.file()).map_err(|error| io_error("move", new, &error))?;
    Ok(place.sync_dir()?)
}

fn suffixed(file: &Path, suffix: &str) -> PathBuf {
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    file.with_file_name(format!("{name}.{suffix}"))
}

/// A directory beside the store that goes away with this value.
pub(crate) struct Scratch {
    dir: PathBuf,
    /// The store inside it.
    pub(crate) place: StorePaths,
}

impl Scratch {
    pub(crate) fn new(place: &StorePaths, what: &str) -> Result<Self, StoreError> {
        let dir = place.dir().join(format!("{what}-{}", std::process::id()));
        place.check_dir()?;
        let _ = fs::remove_dir_all(&dir);
        private_dirs().create(&dir).map_err(|error| io_error("make", &dir, &error))?;
        Ok(Self::at(dir))
    }

    /// One where temporary files are: for a store that can only be read.
    pub(crate) fn elsewhere(what: &str) -> Result<Self, StoreError> {
        Ok(Self::at(reading::private_dir(what)?))
    }

    fn at(dir: PathBuf) -> Self {
        Self { place: StorePaths::of_file(dir.join(crate::place::STORE_FILE)), dir }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

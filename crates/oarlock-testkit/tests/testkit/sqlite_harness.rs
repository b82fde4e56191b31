//! The embedded store under a harness: one handle for each process, in a directory that goes away.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use oarlock_host::clock::ManualClock;
use oarlock_ops::store::{Durability, ServedStore as _, Store, StoreResult};
use oarlock_sqlite::{Births, Options, SqliteStore, StorePaths, Synchronous};
use oarlock_testkit::Harness;
use oarlock_testkit::virtual_wait::VirtualWait;
use tempfile::TempDir;

/// SQLite under a harness.
pub(crate) struct SqliteHarness {
    // Handles go before the directory does.
    handles: BTreeMap<String, VirtualWait<SqliteStore>>,
    clock: ManualClock,
    place: StorePaths,
    has_gateway: bool,
    _dir: TempDir,
}

impl SqliteHarness {
    pub(crate) fn new() -> Self {
        Self::with(false)
    }

    /// With a gateway beside the processes that open the store themselves.
    pub(crate) fn with_gateway() -> Self {
        Self::with(true)
    }

    fn with(has_gateway: bool) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let place = StorePaths::of_file(dir.path().join("oarlock.db"));
        Self::made_at(dir, place, has_gateway)
    }

    /// At a place inside of a directory that is to go away with it.
    pub(crate) fn made_at(dir: TempDir, place: StorePaths, has_gateway: bool) -> Self {
        let clock = ManualClock::new();
        let (store, made) = SqliteStore::create(&place, "T", options(&clock)).expect("an empty directory");
        assert!(made);
        drop(store);
        Self { handles: BTreeMap::new(), clock, place, has_gateway, _dir: dir }
    }

    fn handle(&mut self, process: &str) -> &mut VirtualWait<SqliteStore> {
        let (clock, place) = (&self.clock, &self.place);
        self.handles.entry(process.to_owned()).or_insert_with(|| {
            let store = SqliteStore::open(place, options(clock)).expect("the store was made");
            let clock = clock.clone();
            VirtualWait::new(store, Arc::new(move |ms| clock.advance_ms(ms)))
        })
    }

    fn owners(&self) -> PathBuf {
        self.place.dir().join("owners")
    }
}

fn options(clock: &ManualClock) -> Options {
    Options { clock: Arc::new(clock.clone()), synchronous: Synchronous::Off, births: Births::Fixed(0), ..Options::default() }
}

impl Harness for SqliteHarness {
    fn name(&self) -> &'static str {
        if self.has_gateway { "sqlite with a gateway" } else { "sqlite" }
    }

    fn store(&mut self, process: &str) -> &mut dyn Store {
        self.handle(process)
    }

    fn has_gateway(&self) -> bool {
        self.has_gateway
    }

    fn group(&mut self, work: &mut dyn FnMut(&mut dyn Store) -> StoreResult<()>) -> Option<StoreResult<bool>> {
        self.has_gateway.then(|| self.handle("the gateway").inner().group(Durability::Full, work))
    }

    fn advance_ms(&mut self, ms: i64) {
        self.clock.advance_ms(ms);
    }

    fn step_wall_ms(&mut self, ms: i64) {
        self.clock.step_wall_ms(ms);
    }

    fn kill(&mut self, process: &str) {
        let prefix = format!("{process}.");
        let locks = lock_files(&self.owners(), &prefix);
        die(locks, || drop(self.handles.remove(process)));
    }

    fn reboot(&mut self, boot_id: &str) {
        let locks = lock_files(&self.owners(), "");
        die(locks, || self.handles.clear());
        self.clock.reboot(boot_id);
    }
}

fn lock_files(owners: &Path, prefix: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(owners).expect("the store has this directory").filter_map(Result::ok).map(|file| file.path());
    let belongs = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.starts_with(prefix) && name.ends_with(".lock")
    };
    files.filter(belongs).collect()
}

/// The remains of a death: an end in good order removes the lock files, so they are put back, as
/// they were but held by nobody.
fn die(locks: Vec<PathBuf>, end: impl FnOnce()) {
    let spare = |path: &Path| path.with_extension("spare");
    for lock in &locks {
        fs::hard_link(lock, spare(lock)).expect("the file is there");
    }
    end();
    for lock in &locks {
        // Those of an earlier death are still there, and a rename between two links of one file does nothing.
        let _ = fs::remove_file(lock);
        fs::rename(spare(lock), lock).expect("the link is there");
    }
}

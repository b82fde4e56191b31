//! Shared parts of this crate's tests: stores in temporary directories, and a listener that remembers.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use oarlock_model::TaskId;
use oarlock_ops::OpError;
use oarlock_ops::call;
use oarlock_ops::caller::Caller;
use oarlock_ops::lock::Lock;
use oarlock_ops::outside::Outside;
use oarlock_ops::owners::Owners;
use oarlock_ops::request::{Mutation, Query};
use oarlock_ops::settings::Settings;
use oarlock_ops::shapes::{EventShape, HolderShape};
use oarlock_ops::store::{Durability, Listening, Store, StoreError, StoreResult, Transaction, View};
use oarlock_ops::topic::Topics;
use oarlock_sqlite::{Options, SqliteStore, StorePaths, Synchronous};
use tempfile::TempDir;

use crate::Stores;
use crate::progress::{Live, Progress, Tell};

/// A store that goes away with the test.
pub(crate) struct TestStores {
    dir: TempDir,
}

impl TestStores {
    pub(crate) fn new() -> Self {
        let stores = Self { dir: tempfile::tempdir().expect("a temporary directory") };
        SqliteStore::create(&stores.place(), "T", options()).expect("a new store");
        stores
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    fn place(&self) -> StorePaths {
        StorePaths::of_file(self.dir.path().join("oarlock.db"))
    }

    /// Waits until a program has made this file in the directory.
    pub(crate) fn until_made(&self, name: &str) {
        while !self.dir().join(name).exists() {
            std::thread::yield_now();
        }
    }

    pub(crate) fn order<M: Mutation>(&self, request: &M) -> M::Reply {
        self.order_by(&Caller::default(), request)
    }

    /// The same, from the holder of a task: its program, for example.
    pub(crate) fn order_as_holder<M: Mutation>(&self, task: &str, request: &M) -> M::Reply {
        let agent =
            self.task(task).holder.and_then(|holder| if let HolderShape::Agent { agent, .. } = holder { Some(agent) } else { None });
        self.order_by(&Caller::named(agent.expect("an agent holds it")), request)
    }

    fn order_by<M: Mutation>(&self, caller: &Caller, request: &M) -> M::Reply {
        let mut store = self.open().expect("it opens");
        call::mutate(&mut *store, caller, &Settings::default(), request).expect("it is allowed")
    }

    pub(crate) fn ask<Q: Query>(&self, request: &Q) -> Q::Reply {
        let mut store = self.open().expect("it opens");
        call::query(&mut *store, &Caller::default(), &Settings::default(), request).expect("it is allowed")
    }

    pub(crate) fn task(&self, id: &str) -> oarlock_ops::shapes::TaskShape {
        self.ask(&oarlock_ops::task::ShowTask { id: task_id(id), limit: None, after: None }).task
    }
}

/// The same store as another process has it, from its URL.
pub(crate) struct StoresAt {
    url: String,
}

impl StoresAt {
    pub(crate) fn new(url: String) -> Self {
        Self { url }
    }
}

impl Stores for StoresAt {
    fn open(&self) -> Result<Box<dyn Store>, OpError> {
        let file = self.url.strip_prefix("sqlite:").expect("a store of these tests");
        Ok(Box::new(SqliteStore::open(&StorePaths::of_file(file), options())?))
    }

    fn url(&self) -> OsString {
        self.url.clone().into()
    }

    fn file(&self) -> PathBuf {
        self.url.strip_prefix("sqlite:").expect("a store of these tests").into()
    }

    fn refuges(&self) -> Vec<PathBuf> {
        Vec::new()
    }
}

fn options() -> Options {
    Options { synchronous: Synchronous::Off, ..Options::default() }
}

impl Stores for TestStores {
    fn open(&self) -> Result<Box<dyn Store>, OpError> {
        Ok(Box::new(SqliteStore::open(&self.place(), options())?))
    }

    fn url(&self) -> OsString {
        format!("sqlite:{}", self.place().file().display()).into()
    }

    fn file(&self) -> PathBuf {
        self.place().file().to_owned()
    }

    fn refuges(&self) -> Vec<PathBuf> {
        vec![self.dir().join("kept")]
    }
}

/// The same store, which cannot be written while that is asked for, as on a full disk.
pub(crate) struct FailingStores<'a> {
    inner: &'a TestStores,
    is_failing: Arc<AtomicBool>,
}

impl<'a> FailingStores<'a> {
    pub(crate) fn new(inner: &'a TestStores) -> Self {
        Self { inner, is_failing: Arc::default() }
    }

    pub(crate) fn set_failing(&self, failing: bool) {
        self.is_failing.store(failing, Ordering::SeqCst);
    }
}

impl Stores for FailingStores<'_> {
    fn open(&self) -> Result<Box<dyn Store>, OpError> {
        Ok(Box::new(Failing { inner: self.inner.open()?, is_failing: Arc::clone(&self.is_failing) }))
    }

    fn url(&self) -> OsString {
        self.inner.url()
    }

    fn file(&self) -> PathBuf {
        self.inner.file()
    }

    fn refuges(&self) -> Vec<PathBuf> {
        self.inner.refuges()
    }
}

struct Failing {
    inner: Box<dyn Store>,
    is_failing: Arc<AtomicBool>,
}

impl Store for Failing {
    fn is_read_only(&self) -> bool {
        self.inner.is_read_only()
    }

    fn owners(&mut self) -> Box<dyn Owners> {
        self.inner.owners()
    }

    fn outside(&self) -> Option<Arc<dyn Outside>> {
        self.inner.outside()
    }

    fn begin<'a>(&'a mut self, locks: &[Lock], durability: Durability) -> StoreResult<Box<dyn Transaction + 'a>> {
        if self.is_failing.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable { message: "the disk is full".into(), hint: "make room".into() });
        }
        self.inner.begin(locks, durability)
    }

    fn snapshot<'a>(&'a mut self) -> StoreResult<Box<dyn View + 'a>> {
        self.inner.snapshot()
    }

    fn listen(&mut self, topics: Topics) -> StoreResult<Box<dyn Listening>> {
        self.inner.listen(topics)
    }
}

pub(crate) fn task_id(id: &str) -> TaskId {
    TaskId::parse(id).expect("a valid id")
}

/// Remembers what it hears.
#[derive(Default)]
pub(crate) struct Heard {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    lines: Vec<String>,
    outputs: Vec<String>,
}

impl Heard {
    pub(crate) fn lines(&self) -> Vec<String> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).lines.clone()
    }

    pub(crate) fn outputs(&self) -> Vec<String> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).outputs.clone()
    }
}

impl Tell for Heard {
    fn line(&self, line: &str) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).lines.push(line.to_owned());
    }

    fn warning(&self, line: &str) {
        Tell::line(self, line);
    }

    fn output(&self, _source: &str, line: &str) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).outputs.push(line.to_owned());
    }

    fn event(&self, _event: &EventShape) {}

    fn live(&self, _live: &Live) {}
}

/// Heard by several at once.
impl Progress for &Heard {
    fn line(&mut self, line: &str) {
        Tell::line(*self, line);
    }

    fn output(&mut self, source: &str, line: &str) {
        Tell::output(*self, source, line);
    }
}

impl Progress for Heard {
    fn line(&mut self, line: &str) {
        Tell::line(self, line);
    }

    fn output(&mut self, source: &str, line: &str) {
        Tell::output(self, source, line);
    }
}

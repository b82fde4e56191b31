//! The marks in the files of an attached project: claims are written through, no matter who else takes tasks there, and whenever a call is killed.

#![expect(clippy::panic, reason = "a test fails by panicking, and says why")]

mod claims;
mod files;
mod killed;
mod simulated;
mod writers;

use oarlock_model::task::Task;
use oarlock_model::{AgentName, TaskId};
use oarlock_ops::OpError;
use oarlock_ops::agent::Join;
use oarlock_ops::call;
use oarlock_ops::caller::Caller;
use oarlock_ops::outside::Beneath;
use oarlock_ops::settings::Settings;
use oarlock_ops::store::{EventFilter, Store};
use oarlock_ops::task::Claim;
use oarlock_ralf::{Beside, Bridge, SyncState};
use oarlock_sqlite::{Options, SqliteStore, StorePaths};
use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

const QUEUE: &str = ".autonomous/agents/communications/queue.yaml";
const LOCK: &str = ".autonomous/agents/communications/.queue.lock";

/// An attached project with three tasks in its queue, of which the first has a file.
struct Project {
    temp: TempDir,
}

impl Project {
    fn new() -> Self {
        let project = Self { temp: tempfile::tempdir().expect("temporary") };
        let items = (1..=3).map(|n| format!("  - task_id: TASK-{n}\n    title: 'T{n}'   # {n}\n    status: pending\n"));
        project.write(QUEUE, &format!("# next\nqueue:\n{}", items.collect::<String>()));
        project.write("tasks/active/TASK-1/task.md", "# TASK-1: T1\n\n**Status:** pending\n");
        fs::create_dir_all(project.dir()).expect("a folder");
        SqliteStore::create(&project.place(), "T", Options::default()).expect("a store");
        project.sync();
        let mut store = project.store();
        for name in ["ada", "bob"] {
            let join = Join { name: Some(named(name)), ..Join::default() };
            call::mutate(&mut store, &Caller::default(), &Settings::default(), &join).expect("joins");
        }
        project
    }

    fn root(&self) -> PathBuf {
        self.temp.path().join("root")
    }

    fn dir(&self) -> PathBuf {
        self.root().join(".oarlock")
    }

    fn place(&self) -> StorePaths {
        StorePaths::of_file(self.dir().join("oarlock.db"))
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.root().join(name);
        fs::create_dir_all(path.parent().expect("below")).expect("a folder");
        fs::write(path, text).expect("writes");
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.root().join(name)).expect("a file")
    }

    fn store(&self) -> SqliteStore {
        let store = SqliteStore::open(&self.place(), Options::default()).expect("opens");
        store.with_outside(Arc::new(Beside::new(self.dir(), Duration::from_millis(50))))
    }

    fn sync(&self) {
        let mut store = self.store();
        let mut attached = SyncState::read(&self.dir()).expect("reads").unwrap_or_else(|| SyncState::new(self.root(), 0));
        let mut beneath = Beneath(&mut store);
        let settings = Settings::default();
        let mut bridge = Bridge::new(self.root(), &mut beneath, &settings).beside(&self.dir());
        bridge.sync(&mut attached, false).expect("syncs");
        attached.write(&self.dir()).expect("kept");
    }

    /// The item of a task, without the common fields.
    fn item(&self, n: usize) -> String {
        let queue = self.read(QUEUE);
        let item = queue.split("  - ").find(|item| item.starts_with(&format!("task_id: TASK-{n}\n"))).expect("an item");
        let lines = item.lines().skip(2).map(str::trim).filter(|line| !line.starts_with("claimed_at"));
        lines.collect::<Vec<_>>().join(", ")
    }

    /// An old script takes a task: it sets its fields under its lock.
    fn old_script(&self, n: usize, fields: &str) {
        let lock = File::create(self.root().join(LOCK)).expect("a lock");
        lock.lock().expect("locked");
        let old = format!("task_id: TASK-{n}\n    title: 'T{n}'   # {n}\n    status: pending\n");
        let queue = self.read(QUEUE);
        assert!(queue.contains(&old), "{queue}");
        self.write(QUEUE, &queue.replace(&old, &format!("task_id: TASK-{n}\n    title: 'T{n}'   # {n}\n{fields}")));
    }

    /// The last step of an old script, without a lock.
    fn old_moves(&self, n: usize) {
        let of = |folder: &str| self.root().join(format!("tasks/{folder}/TASK-{n}"));
        fs::create_dir_all(self.root().join("tasks/completed")).expect("a folder");
        fs::rename(of("active"), of("completed")).expect("moved");
    }

    fn task(&self, n: usize) -> Task {
        let mut store = self.store();
        let view = store.snapshot().expect("reads");
        view.task(&id(n)).expect("reads").expect("there")
    }

    fn kinds(&self, n: usize) -> Vec<&'static str> {
        let mut store = self.store();
        let filter = EventFilter { subject: Some(id(n).to_string()), limit: 100, bytes_max: usize::MAX, ..EventFilter::default() };
        let events = store.snapshot().expect("reads").events(&filter).expect("reads");
        events.iter().map(|event| event.fact.kind()).filter(|kind| *kind != "task_added" && *kind != "task_updated").collect()
    }
}

fn named(name: &str) -> AgentName {
    AgentName::parse(name).expect("a name")
}

fn id(n: usize) -> TaskId {
    TaskId::parse(&format!("TASK-{n}")).expect("an id")
}

fn claim(store: &mut dyn Store, who: &str, request: Claim) -> Result<Vec<String>, OpError> {
    let reply = call::mutate(store, &Caller::named(named(who)), &Settings::default(), &request)?;
    Ok(reply.into_claims().into_iter().map(|claim| claim.lease.task.to_string()).collect())
}

fn best() -> Claim {
    Claim::default()
}

fn one(n: usize) -> Claim {
    Claim { id: Some(id(n)), ..Claim::default() }
}

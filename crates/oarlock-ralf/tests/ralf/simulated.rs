//! The simulation of a list beside a store, with the files of an attached project as the list: old scripts edit the queue between the steps of
//! calls that are killed.

#[path = "../../../oarlock-testkit/tests/testkit/sqlite_harness.rs"]
#[expect(dead_code, reason = "the harness has its place from here")]
mod sqlite_harness;

use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use oarlock_model::TaskId;
use oarlock_ops::OpError;
use oarlock_ops::outside::{Held, Intent, Marked, Outside, Patience};
use oarlock_ops::settings::Settings;
use oarlock_ops::store::{Store, StoreResult};
use oarlock_ralf::{Beside, Bridge, SyncState};
use oarlock_sqlite::StorePaths;
use oarlock_testkit::Harness as _;
use oarlock_testkit::paper::{Hook, Item, Items, List, Mortal, Point, Sheet, Trace, Way};
use oarlock_testkit::sim::{Plan, run_beside};

use sqlite_harness::SqliteHarness;

const STEPS: usize = 150;
/// Seeds that are run each time.
const KEPT: [u64; 1] = [1];
/// How many further seeds are run each time; they are reported before they run.
const FRESH: usize = 1;

const COMMUNICATIONS: &str = ".autonomous/agents/communications";

/// The queue of a project. A clone is the same one.
#[derive(Clone)]
struct Queue {
    root: PathBuf,
    files: Arc<Beside>,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    way: Way,
    /// The lock, while an old script has it.
    lock: Option<File>,
    /// A call of the store has it.
    is_held: bool,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.text())
    }
}

/// An item, as scripts read and write it.
fn item_of(block: &str) -> Item {
    let field =
        |name: &str| block.lines().find_map(|line| line.trim().strip_prefix(name)).map(|value| value.trim().trim_matches(['"', '\'']));
    match field("status:").unwrap_or_default() {
        "pending" => Item::Open,
        "claimed" | "in_progress" => Item::Taken(field("claimed_by:").unwrap_or_default().to_owned()),
        "completed" => Item::Done { is_known: false },
        _ => Item::Over,
    }
}

fn block_of(task: &TaskId, item: &Item) -> String {
    let (status, by) = match item {
        Item::Open => ("pending", None),
        Item::Taken(by) => ("in_progress", Some(by)),
        Item::Done { .. } => ("completed", None),
        Item::Over | Item::InParts => ("cancelled", None),
    };
    let by = by.map(|by| format!("    claimed_by: {by}\n")).unwrap_or_default();
    format!("  - task_id: {task}\n    title: 'task {task}'\n    status: {status}\n{by}")
}

/// The items of a text, each with its text.
fn blocks(text: &str) -> Vec<(TaskId, &str)> {
    let starts: Vec<usize> = text.match_indices("  - task_id: ").map(|(at, _)| at).collect();
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let block = |(start, end): (usize, usize)| {
        let id = text[start..end].lines().next()?.trim_start_matches("  - task_id: ").trim();
        Some((TaskId::parse(id).ok()?, &text[start..end]))
    };
    starts.iter().copied().zip(ends).filter_map(block).collect()
}

impl Queue {
    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn file(&self) -> PathBuf {
        self.root.join(COMMUNICATIONS).join("queue.yaml")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.file()).expect("a queue")
    }

    fn sheet(&self, shared: &Shared) -> Sheet {
        let items: Items = blocks(&self.text()).into_iter().map(|(task, block)| (task, item_of(block))).collect();
        Sheet { items, is_locked: shared.lock.is_some(), is_held: shared.is_held }
    }

    /// A mark on the sheet is written into the file, and every other item stays byte for byte.
    fn put(&self, shared: &mut Shared, before: &Sheet, after: &Sheet) {
        if before.items != after.items {
            let text = self.text();
            let known = blocks(&text);
            let head = &text[..text.find("  - task_id: ").unwrap_or(text.len())];
            let mut new = head.to_owned();
            for (task, block) in &known {
                match after.items.get(task) {
                    Some(item) if before.items.get(task) == Some(item) => new.push_str(block),
                    Some(item) => new.push_str(&block_of(task, item)),
                    None => {}
                }
            }
            let added = after.items.iter().filter(|(task, _)| !before.items.contains_key(*task));
            new.extend(added.map(|(task, item)| block_of(task, item)));
            // As awk and mv do it.
            let beside = self.file().with_extension("tmp");
            File::create(&beside).and_then(|mut file| file.write_all(new.as_bytes())).expect("writes");
            fs::rename(beside, self.file()).expect("moves");
        }
        if after.is_locked != before.is_locked {
            shared.lock = after.is_locked.then(|| {
                let lock = File::create(self.root.join(COMMUNICATIONS).join(".queue.lock")).expect("a lock");
                lock.try_lock().expect("nobody has it");
                lock
            });
        }
    }

    fn reach(&self, point: Point) -> StoreResult<()> {
        let mut shared = self.shared();
        let before = self.sheet(&shared);
        let mut after = before.clone();
        let reached = shared.way.reach(point, &mut after);
        self.put(&mut shared, &before, &after);
        reached
    }
}

impl List for Queue {
    fn items(&self) -> Items {
        self.sheet(&self.shared()).items
    }

    fn change(&self, change: &mut dyn FnMut(&mut Sheet)) {
        let mut shared = self.shared();
        let before = self.sheet(&shared);
        let mut after = before.clone();
        change(&mut after);
        self.put(&mut shared, &before, &after);
    }

    fn call(&self, store: &mut dyn Store, hook: Hook, call: &mut dyn FnMut(&mut dyn Store)) -> Trace {
        self.shared().way.begin(hook);
        call(&mut Mortal::new(store, Arc::new(self.clone()), &|point| self.reach(point)));
        self.shared().way.end()
    }
}

impl Outside for Queue {
    fn is_there(&self) -> bool {
        self.files.is_there()
    }

    fn knows(&self, task: &TaskId) -> StoreResult<bool> {
        self.files.knows(task)
    }

    /// Nobody waits: anyone who has the lock does nothing until this returns.
    fn lock(&self, _patience: Patience) -> StoreResult<Option<Box<dyn Held + '_>>> {
        self.shared().way.trace.caught_up = false;
        self.reach(Point::Lock)?;
        let Some(held) = self.files.lock(Patience::None)? else { return Ok(None) };
        self.shared().is_held = true;
        Ok(Some(Box::new(Watched { held, queue: self })))
    }
}

/// The files under their lock, with the points of a call.
struct Watched<'a> {
    held: Box<dyn Held + 'a>,
    queue: &'a Queue,
}

impl Held for Watched<'_> {
    fn catch_up(&mut self, store: &mut dyn Store, settings: &Settings, also: &[TaskId]) -> Result<(), OpError> {
        self.held.catch_up(store, settings, also)?;
        let mut shared = self.queue.shared();
        if shared.way.trace.killed.is_none() {
            (shared.way.trace.settled, shared.way.trace.caught_up) = (true, true);
        }
        Ok(())
    }

    fn taken(&self, intents: &[Intent]) -> StoreResult<Vec<TaskId>> {
        self.held.taken(intents)
    }

    fn mark(&mut self, intents: &[Intent]) -> Result<Vec<Marked>, OpError> {
        self.queue.shared().way.trace.intents = intents.iter().map(|intent| (intent.clone(), false)).collect();
        let (first, others) = intents.split_at(1.min(intents.len()));
        let mut marks = Vec::new();
        for (point, part) in [(Point::Intended, first), (Point::Marking, others)].into_iter().filter(|(_, part)| !part.is_empty()) {
            self.queue.reach(point)?;
            let of_part = self.held.mark(part)?;
            let items = self.queue.items();
            for (n, (mark, intent)) in of_part.iter().zip(part).enumerate() {
                self.queue.shared().way.trace.intents[marks.len() + n].1 = *mark == Marked::Shown && items.contains_key(&intent.task);
            }
            marks.extend(of_part);
        }
        self.queue.reach(Point::Marked)?;
        Ok(marks)
    }

    fn granted(&mut self, store: &mut dyn Store, intents: &[Intent]) -> bool {
        self.queue.reach(Point::Granted).is_ok() && self.held.granted(store, intents)
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        self.queue.shared().is_held = false;
    }
}

/// An attached project whose queue is empty.
fn project() -> (SqliteHarness, Queue) {
    let temp = tempfile::tempdir().expect("temporary");
    let root = temp.path().join("root");
    let dir = root.join(".oarlock");
    for folder in [&dir, &root.join(COMMUNICATIONS), &root.join("tasks/active")] {
        fs::create_dir_all(folder).expect("a folder");
    }
    let queue = Queue { files: Arc::new(Beside::new(&dir, Duration::ZERO)), root: root.clone(), shared: Arc::default() };
    fs::write(queue.file(), "# what is next\nqueue:\n").expect("writes");
    let mut harness = SqliteHarness::made_at(temp, StorePaths::of_file(dir.join("oarlock.db")), false);
    let mut attached = SyncState::new(root.clone(), 0);
    let settings = Settings::default();
    Bridge::new(root, harness.store("-"), &settings).beside(&dir).sync(&mut attached, false).expect("syncs");
    attached.write(&dir).expect("kept");
    (harness, queue)
}

#[test]
fn with_a_project_beside_the_store_nothing_is_done_on_both_sides() {
    let fresh = std::iter::repeat_with(|| fastrand::u64(..)).take(FRESH);
    for seed in KEPT.into_iter().chain(fresh) {
        writeln!(std::io::stderr(), "seed {seed}").expect("somebody reads");
        let (harness, queue) = project();
        let report =
            run_beside(Plan { seed, steps: STEPS }, Box::new(harness), Box::new(queue)).unwrap_or_else(|violation| panic!("{violation}"));
        // Whether a fresh seed meets everything is chance.
        for semantics in [1, 2, 10, 12, 13, 17].into_iter().filter(|_| KEPT.contains(&seed)) {
            assert!(report.judged.get(&semantics).is_some_and(|times| *times > 0), "seed {seed}: semantics {semantics} was not tried");
        }
    }
}

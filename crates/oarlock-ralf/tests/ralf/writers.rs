//! Others who write the queue meanwhile, with its lock and without.

use oarlock_model::ErrorCode;
use oarlock_model::TaskId;
use oarlock_model::task::TaskState;
use oarlock_ops::OpError;
use oarlock_ops::call;
use oarlock_ops::caller::Caller;
use oarlock_ops::outside::{Held, Intent, Marked, Outside, Patience, catch_up};
use oarlock_ops::settings::Settings;
use oarlock_ops::store::{Store, StoreError, StoreResult};
use oarlock_ops::task::{Claim, Done};
use oarlock_ralf::Beside;
use oarlock_sqlite::{Options, SqliteStore};
use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::{LOCK, Project, QUEUE, best, claim, id, named, one};

#[test]
fn a_task_of_the_store_alone_needs_no_lock() {
    let project = Project::new();
    let mut store = project.store();
    let add = oarlock_ops::task::Add {
        title: "own".to_owned(),
        id: Some(TaskId::parse("OWN-1").expect("an id")),
        fields: oarlock_ops::task::TaskFields { priority: Some(0), ..Default::default() },
        needs: Vec::new(),
        parent: None,
    };
    call::mutate(&mut store, &Caller::default(), &Settings::default(), &add).expect("added");
    let lock = File::create(project.root().join(LOCK)).expect("a lock");
    lock.lock().expect("locked");
    let own = Claim { id: Some(TaskId::parse("OWN-1").expect("an id")), ..Claim::default() };
    assert_eq!(claim(&mut store, "ada", own).expect("claims"), ["OWN-1"]);
}

#[test]
fn a_writer_without_a_lock_that_was_faster_keeps_the_task() {
    /// Between the intent and the mark somebody writes who knows no lock.
    #[derive(Debug)]
    struct Unlocked(Beside, PathBuf);
    struct Writes<'a>(Box<dyn Held + 'a>, PathBuf);
    impl Outside for Unlocked {
        fn is_there(&self) -> bool {
            self.0.is_there()
        }
        fn knows(&self, task: &TaskId) -> StoreResult<bool> {
            self.0.knows(task)
        }
        fn lock(&self, patience: Patience) -> StoreResult<Option<Box<dyn Held + '_>>> {
            Ok(self.0.lock(patience)?.map(|held| Box::new(Writes(held, self.1.clone())) as Box<dyn Held + '_>))
        }
    }
    impl Held for Writes<'_> {
        fn taken(&self, intents: &[Intent]) -> StoreResult<Vec<TaskId>> {
            self.0.taken(intents)
        }
        fn granted(&mut self, store: &mut dyn Store, intents: &[Intent]) -> bool {
            self.0.granted(store, intents)
        }
        fn catch_up(&mut self, store: &mut dyn Store, settings: &Settings, also: &[TaskId]) -> Result<(), OpError> {
            self.0.catch_up(store, settings, also)
        }
        fn mark(&mut self, intents: &[Intent]) -> Result<Vec<Marked>, OpError> {
            let queue = fs::read_to_string(&self.1).expect("a queue");
            let taken = queue.replacen("    status: pending", "    status: in_progress\n    claimed_by: run-9", 1);
            fs::write(&self.1, taken).expect("writes");
            self.0.mark(intents)
        }
    }
    let project = Project::new();
    let beside = Unlocked(Beside::new(project.dir(), Duration::from_millis(50)), project.root().join(QUEUE));
    let mut store = SqliteStore::open(&project.place(), Options::default()).expect("opens").with_outside(Arc::new(beside));
    let refused = claim(&mut store, "ada", one(1)).expect_err("somebody was faster");
    assert_eq!(refused.code(), ErrorCode::LeaseHeld, "{refused}");
    assert_eq!(project.kinds(1), ["task_intended", "intent_dropped", "task_taken_outside"]);
    assert!(project.item(1).contains("run-9"));
    let task = project.task(1);
    assert_eq!((task.attempt, task.losses, task.failures), (0, 0, 0), "it counts as neither a failure nor a loss");
}

#[test]
fn a_queue_that_changes_at_every_look_lets_nothing_be_claimed() {
    /// Others write so fast that the mark is never put in place.
    #[derive(Debug)]
    struct Changing(Beside);
    struct Changes<'a>(Box<dyn Held + 'a>);
    impl Outside for Changing {
        fn is_there(&self) -> bool {
            self.0.is_there()
        }
        fn knows(&self, task: &TaskId) -> StoreResult<bool> {
            self.0.knows(task)
        }
        fn lock(&self, patience: Patience) -> StoreResult<Option<Box<dyn Held + '_>>> {
            Ok(self.0.lock(patience)?.map(|held| Box::new(Changes(held)) as Box<dyn Held + '_>))
        }
    }
    impl Held for Changes<'_> {
        fn taken(&self, intents: &[Intent]) -> StoreResult<Vec<TaskId>> {
            self.0.taken(intents)
        }
        fn granted(&mut self, store: &mut dyn Store, intents: &[Intent]) -> bool {
            self.0.granted(store, intents)
        }
        fn catch_up(&mut self, store: &mut dyn Store, settings: &Settings, also: &[TaskId]) -> Result<(), OpError> {
            self.0.catch_up(store, settings, also)
        }
        fn mark(&mut self, _: &[Intent]) -> Result<Vec<Marked>, OpError> {
            // What `Writer::edit` says of it, see `a_file_that_changes_at_every_look_is_left`.
            Err(StoreError::Busy(format!("{QUEUE} changes all the time")).into())
        }
    }
    let project = Project::new();
    let beside = Changing(Beside::new(project.dir(), Duration::from_millis(50)));
    let mut store = SqliteStore::open(&project.place(), Options::default()).expect("opens").with_outside(Arc::new(beside));
    let queue = project.read(QUEUE);
    for request in [one(2), best()] {
        let refused = claim(&mut store, "ada", request).expect_err("it cannot be marked");
        assert_eq!(refused.code(), ErrorCode::StoreBusy);
        assert!(refused.to_string().contains("changes all the time"), "{refused}");
    }
    assert_eq!(project.kinds(2), ["task_intended", "intent_dropped"]);
    let task = project.task(2);
    assert_eq!((task.state, task.attempt, project.read(QUEUE)), (TaskState::Ready, 0, queue));
}

/// Tasks of the race below.
const RACED: usize = 40;

/// An old script: under its lock it takes the first item that is open, and later says that it is done.
fn old_worker(root: &std::path::Path, name: &str, ran: &std::sync::Mutex<Vec<(usize, String)>>) {
    let queue = root.join(QUEUE);
    let edit = |change: &dyn Fn(&str) -> Option<(String, usize)>| {
        let lock = File::create(root.join(LOCK)).expect("a lock");
        lock.lock().expect("locked");
        let text = fs::read_to_string(&queue).expect("a queue");
        let (new, task) = change(&text)?;
        // As awk and mv do it.
        fs::write(queue.with_extension(name), new).expect("writes");
        fs::rename(queue.with_extension(name), &queue).expect("moves");
        Some(task)
    };
    let number = |item: &str| item.split("TASK-").nth(1).and_then(|rest| rest.split('\n').next()).and_then(|n| n.parse::<usize>().ok());
    let take = |text: &str| {
        let item = text.split("  - ").find(|item| item.contains("status: pending"))?;
        let taken = item.replace("status: pending", &format!("status: claimed\n    claimed_by: {name}"));
        Some((text.replace(item, &taken), number(item)?))
    };
    while let Some(task) = edit(&take) {
        ran.lock().expect("not poisoned").push((task, name.to_owned()));
        let finish = |text: &str| {
            let item = text.split("  - ").find(|item| item.starts_with(&format!("task_id: TASK-{task}\n")))?;
            Some((text.replace(item, &item.replace("status: claimed", "status: completed")), task))
        };
        assert_eq!(edit(&finish), Some(task));
    }
}

#[test]
fn no_task_runs_on_both_sides_and_no_completion_is_lost() {
    let project = Project::new();
    // Whether a task with a file of its own is open is for the folder to say, and these scripts move none.
    fs::remove_dir_all(project.root().join("tasks/active/TASK-1")).expect("removed");
    let items = (1..=RACED).map(|n| format!("  - task_id: TASK-{n}\n    title: 'T{n}'\n    status: pending\n"));
    project.write(QUEUE, &format!("queue:\n{}", items.collect::<String>()));
    project.sync();
    let ran = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for name in ["run-1", "run-2"] {
            let (root, ran) = (project.root(), &ran);
            scope.spawn(move || old_worker(&root, name, ran));
        }
        for name in ["ada", "bob"] {
            let (project, ran) = (&project, &ran);
            scope.spawn(move || {
                let beside = Beside::new(project.dir(), Duration::from_secs(60));
                let mut store = SqliteStore::open(&project.place(), Options::default()).expect("opens").with_outside(Arc::new(beside));
                loop {
                    match claim(&mut store, name, best()) {
                        Ok(tasks) => {
                            for task in tasks {
                                let n = task.trim_start_matches("TASK-").parse().expect("a number");
                                ran.lock().expect("not poisoned").push((n, name.to_owned()));
                                call::mutate(&mut store, &Caller::named(named(name)), &Settings::default(), &Done::of(id(n)))
                                    .expect("done");
                            }
                        }
                        Err(no) => {
                            assert!(no.is_not_yet() || no.is_all_done(), "{name}: {no}");
                            break;
                        }
                    }
                }
            });
        }
    });
    let mut ran = ran.into_inner().expect("not poisoned");
    ran.sort();
    let tasks: Vec<usize> = ran.iter().map(|(task, _)| *task).collect();
    assert_eq!(tasks, (1..=RACED).collect::<Vec<_>>(), "each runs once, on one side: {ran:?}");
    let mut store = project.store();
    catch_up(&mut store, &Settings::default());
    project.sync();
    for n in 1..=RACED {
        assert_eq!(
            (project.task(n).state, project.item(n).contains("completed")),
            (TaskState::Done, true),
            "TASK-{n}: {}",
            project.item(n)
        );
    }
}

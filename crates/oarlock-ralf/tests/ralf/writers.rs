//! Others who write the queue meanwhile, with its lock and without.

use oarlock_model::ErrorCode;
use oarlock_model::TaskId;
use oarlock_model::task::TaskState;
use oarlock_ops::OpError;
use oarlock_ops::call;
use oarlock_ops::caller::Caller;
use oarlock_ops::outside::{Held, Intent, Marked, Outside, Patience, catch_up};
use oarlock_ops::settings::Settings;
use oarlock_ops::shapes::HolderShape;
use oarlock_ops::store::{Store, StoreError, StoreResult};
use oarlock_ops::task::{Claim, Done, ShowTask, Tasks};
use oarlock_ralf::Beside;
use oarlock_sqlite::{Options, SqliteStore};
use std::fs::{self, File};
use std::sync::{Arc, Mutex};
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

/// The files of a project to which something happens as tasks are marked in them.
struct Meanwhile<F>(Beside, F);

struct MeanwhileHeld<'a, F>(Box<dyn Held + 'a>, &'a F);

impl<F> std::fmt::Debug for Meanwhile<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl<F: Fn(&mut dyn Held, &[Intent]) -> Result<Vec<Marked>, OpError> + Send + Sync> Outside for Meanwhile<F> {
    fn is_there(&self) -> bool {
        self.0.is_there()
    }
    fn knows(&self, task: &TaskId) -> StoreResult<bool> {
        self.0.knows(task)
    }
    fn lock(&self, patience: Patience) -> StoreResult<Option<Box<dyn Held + '_>>> {
        Ok(self.0.lock(patience)?.map(|held| Box::new(MeanwhileHeld(held, &self.1)) as Box<dyn Held + '_>))
    }
}

impl<F: Fn(&mut dyn Held, &[Intent]) -> Result<Vec<Marked>, OpError>> Held for MeanwhileHeld<'_, F> {
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
        (self.1)(&mut *self.0, intents)
    }
}

/// The store of a project, and what happens as tasks are marked in its files. A lock of theirs is waited for as long as `patience`.
fn store_where(
    project: &Project,
    patience: Duration,
    at_mark: impl Fn(&mut dyn Held, &[Intent]) -> Result<Vec<Marked>, OpError> + Send + Sync + 'static,
) -> SqliteStore {
    let files = Meanwhile(Beside::new(project.dir(), patience), at_mark);
    SqliteStore::open(&project.place(), Options::default()).expect("opens").with_outside(Arc::new(files))
}

#[test]
fn a_task_is_shown_as_intended_from_the_intent_to_the_grant() {
    let project = Project::new();
    let shown = |store: &mut dyn Store| {
        let request = ShowTask { id: id(1), limit: None, after: None };
        let reply = call::query(store, &Caller::default(), &Settings::default(), &request).expect("shown");
        let list = call::query(store, &Caller::default(), &Settings::default(), &Tasks::default()).expect("listed");
        let listed = list.tasks.into_iter().find(|task| task.id == id(1)).expect("in the list");
        [reply.task, listed].map(|task| {
            assert_eq!(task.state, TaskState::Claimed);
            matches!(task.holder, Some(HolderShape::Agent { intended: true, .. }))
        })
    };
    // Somebody else asks while the claim is writing its mark.
    let (place, seen) = (project.place(), Arc::new(Mutex::new(None)));
    let meanwhile = Arc::clone(&seen);
    let mut store = store_where(&project, Duration::from_millis(50), move |held, intents| {
        let mut other = SqliteStore::open(&place, Options::default()).expect("opens");
        *meanwhile.lock().expect("no panic") = Some(shown(&mut other));
        held.mark(intents)
    });
    assert_eq!(claim(&mut store, "ada", one(1)).expect("claims"), ["TASK-1"]);
    assert_eq!(*seen.lock().expect("no panic"), Some([true; 2]));
    assert_eq!(shown(&mut store), [false; 2]);
}

#[test]
fn a_writer_without_a_lock_that_was_faster_keeps_the_task() {
    let project = Project::new();
    let queue = project.root().join(QUEUE);
    // Between the intent and the mark somebody writes who knows no lock.
    let mut store = store_where(&project, Duration::from_millis(50), move |held, intents| {
        let text = fs::read_to_string(&queue).expect("a queue");
        let taken = text.replacen("    status: pending", "    status: in_progress\n    claimed_by: run-9", 1);
        fs::write(&queue, taken).expect("writes");
        held.mark(intents)
    });
    let refused = claim(&mut store, "ada", one(1)).expect_err("somebody was faster");
    assert_eq!(refused.code(), ErrorCode::LeaseHeld, "{refused}");
    assert_eq!(project.kinds(1), ["task_intended", "intent_dropped", "task_taken_outside"]);
    assert!(project.item(1).contains("run-9"));
    let task = project.task(1);
    assert_eq!((task.attempt, task.losses, task.failures), (0, 0, 0), "it counts as neither a failure nor a loss");
}

#[test]
fn a_queue_that_changes_at_every_look_lets_nothing_be_claimed() {
    let project = Project::new();
    // Others write so fast that the mark is never put in place; what `Writer::edit` says of it, see `a_file_that_changes_at_every_look_is_left`.
    let mut store =
        store_where(&project, Duration::from_millis(50), |_, _| Err(StoreError::Busy(format!("{QUEUE} changes all the time")).into()));
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

#[test]
fn a_queue_that_is_in_pieces_for_a_moment_is_read_again() {
    let project = Project::new();
    let (whole, queue) = (project.read(QUEUE), project.root().join(QUEUE));
    let mut store = store_where(&project, Duration::from_secs(600), move |held, intents| {
        fs::write(&queue, whole.replace("task_id: TASK-2", "task_id TASK-2")).expect("writes");
        let mends = std::thread::spawn({
            let (queue, whole) = (queue.clone(), whole.clone());
            // Whole at once: a file that is emptied and filled again may be marked in between, and that be written over.
            move || {
                let new = queue.with_extension("new");
                fs::write(&new, whole).and_then(|()| fs::rename(&new, queue)).expect("writes");
            }
        });
        let marked = held.mark(intents);
        mends.join().expect("no panic");
        marked
    });
    assert_eq!(claim(&mut store, "ada", one(2)).expect("claims"), ["TASK-2"]);
    assert!(project.item(2).contains("claimed_by"), "{}", project.item(2));
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

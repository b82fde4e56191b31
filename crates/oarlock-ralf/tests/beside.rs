//! Claims are written through to the files of an attached project: what is told was shown before, whoever else takes tasks there, and whenever a
//! call is killed.

use oarlock_model::ErrorCode;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use oarlock_model::agent::Owner;
use oarlock_model::task::{Task, TaskState};
use oarlock_model::{AgentName, TaskId};
use oarlock_ops::OpError;
use oarlock_ops::agent::Join;
use oarlock_ops::call::{self, Caller};
use oarlock_ops::lock::Lock;
use oarlock_ops::outside::{Beneath, Held, Intent, Marked, Outside, Patience, catch_up};
use oarlock_ops::settings::Settings;
use oarlock_ops::store::{Durability, EventFilter, Listening, Store, StoreError, StoreResult, Transaction, View};
use oarlock_ops::task::{Claim, Done, Release};
use oarlock_ops::topic::Topics;
use oarlock_ralf::{Attached, Beside, Bridge};
use oarlock_sqlite::{Options, Place, SqliteStore};
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

    fn place(&self) -> Place {
        Place::of_file(self.dir().join("oarlock.db"))
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
        let mut attached = Attached::read(&self.dir()).expect("reads").unwrap_or_else(|| Attached::new(self.root(), 0));
        let mut beneath = Beneath(&mut store);
        let settings = Settings::default();
        let mut bridge = Bridge::new(self.root(), &mut beneath, &settings).beside(&self.dir());
        bridge.sync(&mut attached, false).expect("syncs");
        attached.write(&self.dir()).expect("kept");
    }

    /// The item of a task, without what is the same for all.
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

/// A store that notes how lasting each commit was to be.
struct Noted(SqliteStore, Vec<Durability>);

impl Store for Noted {
    fn begin<'a>(&'a mut self, locks: &[Lock], durability: Durability) -> StoreResult<Box<dyn Transaction + 'a>> {
        self.1.push(durability);
        self.0.begin(locks, durability)
    }
    fn snapshot<'a>(&'a mut self) -> StoreResult<Box<dyn View + 'a>> {
        self.0.snapshot()
    }
    fn is_read_only(&self) -> bool {
        self.0.is_read_only()
    }
    fn outside(&self) -> Option<Arc<dyn Outside>> {
        self.0.outside()
    }
    fn listen(&mut self, topics: Topics) -> StoreResult<Box<dyn Listening>> {
        self.0.listen(topics)
    }
}

#[test]
fn what_is_told_has_been_pressed_to_the_disk_and_what_is_intended_is_with_it() {
    use Durability::{Full, Presence};
    let project = Project::new();
    let mut store = Noted(project.store(), Vec::new());
    assert_eq!(claim(&mut store, "ada", one(1)).expect("claims"), ["TASK-1"]);
    assert_eq!(std::mem::take(&mut store.1), [Presence, Full], "one press for both");
    for n in [2, 3] {
        claim(&mut store, "bob", one(n)).expect("claims");
    }
    store.1.clear();
    let request = Done { claim: true, ..Done::of(id(1)) };
    let reply = call::mutate(&mut store, &Caller::named(named("ada")), &Settings::default(), &request).expect("done");
    assert!(reply.claimed.is_none(), "there is no more: {reply:?}");
    assert_eq!(store.1, [Full, Presence], "the end is pressed, and nothing is intended after it");
    assert_eq!(project.task(1).state, TaskState::Done);
}

#[test]
fn what_happens_beside_a_grant_reaches_the_files_with_the_same_call() {
    let project = Project::new();
    let mut store = project.store();
    claim(&mut store, "ada", one(1)).expect("claims");
    // Nobody has the lock of the files when bob's work ends: they are told by the next call, which grants something else.
    claim(&mut store, "bob", one(2)).expect("claims");
    let lock = File::create(project.root().join(LOCK)).expect("a lock");
    lock.lock().expect("locked");
    call::mutate(&mut store, &Caller::named(named("bob")), &Settings::default(), &Done::of(id(2))).expect("done");
    assert!(project.item(2).contains("in_progress"), "{}", project.item(2));
    drop(lock);
    claim(&mut store, "bob", one(3)).expect("claims");
    assert!(project.item(2).contains("completed") && project.item(3).contains("bob"), "{}", project.read(QUEUE));
}

#[test]
fn a_claim_is_shown_before_it_is_told_and_its_end_with_the_same_call() {
    let project = Project::new();
    let mut store = project.store();
    let before = project.read(QUEUE);
    assert_eq!(claim(&mut store, "ada", best()).expect("claims"), ["TASK-1"]);
    assert!(project.item(1).contains("claimed_by: \"ada\""), "{}", project.item(1));
    assert!(project.read("tasks/active/TASK-1/task.md").contains("in_progress"));
    assert_eq!(project.kinds(1), ["task_intended", "task_claimed"]);
    let grant = project.task(1).grant.expect("granted");
    assert!(!grant.intended);
    let as_bob = Caller::named(named("bob"));
    let refused = call::mutate(&mut store, &as_bob, &Settings::default(), &one(1)).expect_err("it is held");
    assert_eq!(refused.code(), ErrorCode::LeaseHeld);
    let as_ada = Caller::named(named("ada"));
    call::mutate(&mut store, &as_ada, &Settings::default(), &Release { id: id(1), token: None, result: None, force: false })
        .expect("given back");
    let without_nulls: String =
        project.read(QUEUE).lines().filter(|line| !line.contains("claimed_")).map(|line| format!("{line}\n")).collect();
    assert_eq!(without_nulls, before, "every other byte is what it was");
    assert_eq!(claim(&mut store, "ada", Claim { count: Some(2), ..Claim::default() }).expect("claims"), ["TASK-1", "TASK-2"]);
    call::mutate(&mut store, &as_ada, &Settings::default(), &Done::of(id(1))).expect("done");
    assert!(project.item(1).starts_with("status: completed") || project.item(1).contains("completed"), "{}", project.item(1));
    assert!(project.read("tasks/completed/TASK-1/task.md").contains("completed"));
    assert!(project.item(2).contains("\"ada\"") && project.item(3).contains("pending"));
}

#[test]
fn what_an_old_script_took_is_not_granted_and_what_it_finished_is_done() {
    let project = Project::new();
    let mut store = project.store();
    project.old_script(1, "    status: in_progress\n    claimed_by: run-7\n");
    assert_eq!(claim(&mut store, "ada", best()).expect("claims"), ["TASK-2"]);
    assert_eq!(claim(&mut store, "ada", one(1)).expect_err("it is taken").code(), ErrorCode::LeaseHeld);
    assert_eq!(project.task(1).outside_holder().and_then(|hold| hold.holder.clone()).as_deref(), Some("run-7"));
    assert!(project.item(1).contains("claimed_by: run-7"), "{}", project.item(1));
    project.old_script(3, "    status: completed\n");
    assert_eq!(claim(&mut store, "ada", best()).expect_err("nothing is left").code(), ErrorCode::NothingReady);
    assert_eq!(project.task(3).state, TaskState::Done);
    // By its own file alone, which the queue knows nothing of.
    project.write("tasks/active/TASK-2/task.md", "# TASK-2\n\n**Status:** in_progress\n");
    let as_ada = Caller::named(named("ada"));
    call::mutate(&mut store, &as_ada, &Settings::default(), &Done::of(id(2))).expect("done");
    project.sync();
    assert_eq!(project.task(2).state, TaskState::Done);
}

#[test]
fn a_completion_is_known_to_the_next_call_though_the_old_script_has_not_moved_the_folder_yet() {
    let project = Project::new();
    let mut store = project.store();
    let next = |store: &mut SqliteStore| catch_up(store, &Settings::default());
    // Its script marks the item under the lock, and moves the folder afterwards without it: the queue does not change again.
    project.old_script(1, "    status: in_progress\n    claimed_by: run-7\n");
    next(&mut store);
    assert!(project.task(1).outside_holder().is_some());
    project.write(QUEUE, &project.read(QUEUE).replace("in_progress", "completed"));
    next(&mut store);
    assert_eq!(project.task(1).state, TaskState::Done);
    next(&mut store);
    assert!(project.root().join("tasks/active/TASK-1").is_dir(), "the folder is the script's to move");
    project.old_moves(1);
    project.sync();
    assert_eq!(project.task(1).state, TaskState::Done);

    // One that nobody had seen as taken: its folder, which says that it is open, still counts.
    project.write("tasks/active/TASK-3/task.md", "# TASK-3: T3\n\n**Status:** pending\n");
    project.old_script(3, "    status: completed\n    claimed_by: run-8\n");
    next(&mut store);
    assert_eq!(project.task(3).state, TaskState::Ready);
    project.old_moves(3);
    next(&mut store);
    assert_eq!(project.task(3).state, TaskState::Done);
}

#[test]
fn one_whose_script_never_moves_the_folder_is_done_and_the_look_after_that_moves_it() {
    let project = Project::new();
    project.old_script(1, "    status: in_progress\n    claimed_by: run-7\n");
    project.sync();
    project.write(QUEUE, &project.read(QUEUE).replace("in_progress", "completed"));
    project.sync();
    assert_eq!(project.task(1).state, TaskState::Done);
    assert!(project.root().join("tasks/active/TASK-1").is_dir(), "its script may be about to move it");
    project.sync();
    assert!(project.read("tasks/completed/TASK-1/task.md").contains("completed"));
}

#[test]
fn a_lock_that_others_hold_lets_nothing_be_claimed_and_everything_be_ended() {
    let project = Project::new();
    let mut store = project.store();
    claim(&mut store, "ada", best()).expect("claims");
    let lock = File::create(project.root().join(LOCK)).expect("a lock");
    lock.lock().expect("locked");
    let (seq, queue) = (store.snapshot().and_then(|view| view.last_seq()).expect("reads"), project.read(QUEUE));
    for request in [best(), one(2)] {
        assert_eq!(claim(&mut store, "bob", request).expect_err("locked").code(), ErrorCode::StoreBusy);
    }
    assert_eq!((store.snapshot().and_then(|view| view.last_seq()).expect("reads"), project.read(QUEUE)), (seq, queue));
    let as_ada = Caller::named(named("ada"));
    call::mutate(&mut store, &as_ada, &Settings::default(), &Done::of(id(1))).expect("done in the store at once");
    assert!(project.item(1).contains("\"ada\""), "the files still say so, which harms nobody");
    drop(lock);
    assert_eq!(claim(&mut store, "bob", best()).expect("claims"), ["TASK-2"]);
    assert!(project.item(1).contains("completed"), "the next call that has the lock says it: {}", project.item(1));
}

#[test]
fn an_item_that_cannot_be_edited_is_refused_with_its_place_and_the_others_go_on() {
    let project = Project::new();
    project.write(QUEUE, "queue:\n  - !!map {task_id: TASK-1, status: pending}\n  - task_id: TASK-2\n    status: pending\n");
    let mut store = project.store();
    let refused = claim(&mut store, "ada", one(1)).expect_err("its form is not edited");
    assert_eq!(refused.code(), ErrorCode::DataDamaged);
    assert!(refused.to_string().contains("queue.yaml, line 2"), "{refused}");
    assert_eq!(project.task(1).state, TaskState::Ready);
    assert_eq!(claim(&mut store, "ada", best()).expect("the next one"), ["TASK-2"]);
    assert_eq!(claim(&mut store, "ada", best()).expect("only the store has it"), ["TASK-3"]);
    assert_eq!(claim(&mut store, "ada", best()).expect_err("nothing else").code(), ErrorCode::DataDamaged);
}

#[test]
fn an_item_in_braces_is_marked_and_given_back_like_any_other() {
    let project = Project::new();
    let queue = "queue:\n  - {task_id: TASK-1, title: 'a, b', status: pending}  # first\n  - task_id: TASK-2\n    status: pending\n";
    project.write(QUEUE, queue);
    let mut store = project.store();
    assert_eq!(claim(&mut store, "ada", best()).expect("claims"), ["TASK-1"]);
    let line = project.read(QUEUE).lines().nth(1).expect("an item").to_owned();
    assert!(line.starts_with("  - {task_id: TASK-1, title: 'a, b', status: in_progress, claimed_by: \"ada\", claimed_at: \""), "{line}");
    assert!(line.ends_with("}  # first"), "{line}");
    let release = Release { id: id(1), token: None, result: None, force: false };
    call::mutate(&mut store, &Caller::named(named("ada")), &Settings::default(), &release).expect("given back");
    assert!(project.read(QUEUE).contains("status: pending, claimed_by: null, claimed_at: null}  # first"), "{}", project.read(QUEUE));
}

/// A task that has a file and no item in the queue.
fn with_file(project: &Project, n: usize, text: &str) -> String {
    let file = format!("tasks/active/TASK-{n}/task.md");
    project.write(&file, text);
    project.sync();
    file
}

#[test]
fn a_task_without_status_line_and_item_gets_a_line_that_scripts_see() {
    let project = Project::new();
    let file = with_file(&project, 4, "# TASK-4: T4\n\n**Priority:** HIGH\n**Created:** now\n\n## Objective\n\nDo it.\n");
    let mut store = project.store();
    assert_eq!(claim(&mut store, "ada", one(4)).expect("claims"), ["TASK-4"]);
    let marked = "# TASK-4: T4\n\n**Priority:** HIGH\n**Status:** in_progress\n**Created:** now\n\n## Objective\n\nDo it.\n";
    assert_eq!(project.read(&file), marked);
    let as_ada = Caller::named(named("ada"));
    let release = Release { id: id(4), token: None, result: None, force: false };
    call::mutate(&mut store, &as_ada, &Settings::default(), &release).expect("given back");
    assert_eq!(project.read(&file), marked.replace("in_progress", "pending"));
    project.sync();
    let filter = EventFilter { subject: Some("TASK-4".into()), limit: 100, bytes_max: usize::MAX, ..EventFilter::default() };
    let events = store.snapshot().expect("reads").events(&filter).expect("reads");
    assert!(events.iter().all(|event| event.fact.kind() != "task_updated"), "what it asks for is the same: {events:?}");
    claim(&mut store, "ada", one(4)).expect("claims");
    call::mutate(&mut store, &as_ada, &Settings::default(), &Done::of(id(4))).expect("done");
    assert!(project.read("tasks/completed/TASK-4/task.md").contains("completed"));
}

#[test]
fn what_somebody_took_by_its_file_alone_is_seen_when_a_claim_decides() {
    let project = Project::new();
    let text = "# TASK-4: T4\n\n**Status:** pending\n**Priority:** CRITICAL\n";
    with_file(&project, 4, text);
    let file = with_file(&project, 5, &text.replace('4', "5"));
    let mut store = project.store();
    // By the status line, and by the working folder.
    project.write("tasks/active/TASK-4/task.md", &text.replace("pending", "in_progress"));
    fs::create_dir_all(project.root().join("tasks/working")).expect("a folder");
    fs::rename(project.root().join("tasks/active/TASK-5"), project.root().join("tasks/working/TASK-5")).expect("moves");
    assert_eq!(claim(&mut store, "ada", best()).expect("claims"), ["TASK-1"]);
    for n in [4, 5] {
        assert_eq!(claim(&mut store, "ada", one(n)).expect_err("it is taken").code(), ErrorCode::LeaseHeld);
        assert_eq!(project.kinds(n), ["task_taken_outside"], "it was never intended for anybody here");
    }
    assert!(!project.root().join(file).exists());
}

#[test]
fn however_many_are_taken_by_their_files_a_claim_finds_the_one_that_is_not() {
    const MANY: usize = 80;
    let project = Project::new();
    let text = |n: usize, status: &str| format!("# TASK-{n}: x\n\n**Status:** {status}\n**Priority:** CRITICAL\n");
    (10..10 + MANY).for_each(|n| project.write(&format!("tasks/active/TASK-{n}/task.md"), &text(n, "pending")));
    project.sync();
    (10..10 + MANY).for_each(|n| project.write(&format!("tasks/active/TASK-{n}/task.md"), &text(n, "in_progress")));
    let mut store = project.store();
    assert_eq!(claim(&mut store, "ada", best()).expect("claims"), ["TASK-1"]);
    assert!((10..10 + MANY).all(|n| project.task(n).outside_holder().is_some()), "the store knows of all of them");
}

#[test]
fn what_is_called_off_or_ended_by_force_is_shown_by_the_same_call() {
    let project = Project::new();
    let mut store = project.store();
    let cancel = |n| oarlock_ops::task::Cancel { id: id(n), drop: false };
    call::mutate(&mut store, &Caller::default(), &Settings::default(), &cancel(1)).expect("cancelled");
    assert!(project.item(1).contains("status: cancelled"), "{}", project.item(1));
    assert!(project.read("tasks/cancelled/TASK-1/task.md").contains("**Status:** cancelled"));
    project.old_script(2, "    status: in_progress\n    claimed_by: run-7\n");
    assert_eq!(claim(&mut store, "ada", one(2)).expect_err("it is taken").code(), ErrorCode::LeaseHeld);
    let force = Release { id: id(2), token: None, result: None, force: true };
    call::mutate(&mut store, &Caller::default(), &Settings::default(), &force).expect("ended");
    assert!(project.item(2).starts_with("status: pending, claimed_by: null"), "{}", project.item(2));
    // The same one takes it again, by a script that writes no time: it has it.
    project.write(
        QUEUE,
        &project.read(QUEUE).replacen("status: pending\n    claimed_by: null", "status: in_progress\n    claimed_by: run-7", 1),
    );
    assert_eq!(claim(&mut store, "ada", one(2)).expect_err("it is taken again").code(), ErrorCode::LeaseHeld);
    assert!(project.item(2).contains("run-7"), "{}", project.item(2));
    // While the lock is held, the next call that has it does so.
    let lock = File::create(project.root().join(LOCK)).expect("a lock");
    lock.lock().expect("locked");
    call::mutate(&mut store, &Caller::default(), &Settings::default(), &force).expect("ended in the store");
    call::mutate(&mut store, &Caller::default(), &Settings::default(), &cancel(3)).expect("cancelled in the store");
    assert!(project.item(2).contains("run-7") && project.item(3).contains("pending"));
    drop(lock);
    catch_up(&mut store, &Settings::default());
    assert!(project.item(2).contains("status: pending") && project.item(3).contains("cancelled"), "{}", project.read(QUEUE));
}

#[test]
fn a_task_that_was_held_back_is_not_shown_as_called_off_when_its_file_is_back() {
    let project = Project::new();
    let file = with_file(&project, 4, "# TASK-4: T4\n\n**Status:** pending\n");
    let text = project.read(&file);
    fs::remove_dir_all(project.root().join("tasks/active/TASK-4")).expect("removed");
    project.sync();
    assert_eq!(project.task(4).state, TaskState::Cancelled);
    project.write(&file, &text);
    let mut store = project.store();
    claim(&mut store, "ada", best()).expect("a call that brings over what has changed");
    assert_eq!(project.read(&file), text);
    project.sync();
    assert_eq!(project.task(4).state, TaskState::Ready);
}

#[test]
fn a_queue_that_cannot_be_read_hides_no_task_that_is_granted() {
    let project = Project::new();
    let mut store = project.store();
    let whole = project.read(QUEUE);
    let in_pieces = whole.replace("task_id: TASK-2", "task_id TASK-2");
    let mut no_text = whole.clone().into_bytes();
    no_text[whole.find("T3").expect("a title")] = 0xff;
    for broken in [no_text, in_pieces.clone().into_bytes()] {
        fs::write(project.root().join(QUEUE), &broken).expect("writes");
        let refused = claim(&mut store, "ada", one(2)).expect_err("it may stand there");
        assert_eq!(refused.code(), ErrorCode::DataDamaged, "{refused}");
        assert!(refused.to_string().contains("queue.yaml"), "{refused}");
        assert_eq!(project.task(2).state, TaskState::Ready);
        assert_eq!(fs::read(project.root().join(QUEUE)).expect("a queue"), broken);
    }
    // What can be read of a queue in pieces is claimed all the same.
    assert_eq!(claim(&mut store, "ada", one(3)).expect("claims"), ["TASK-3"]);
    assert!(project.read(QUEUE).contains("task_id TASK-2\n    title: 'T2'   # 2\n    status: pending"), "{}", project.read(QUEUE));
}

#[test]
fn one_id_in_two_folders_is_the_open_task_and_its_end_keeps_both() {
    let project = Project::new();
    project.write("tasks/completed/TASK-1/task.md", "# TASK-1: old\n\n**Status:** completed\n");
    let mut store = project.store();
    assert_eq!(claim(&mut store, "ada", one(1)).expect("claims"), ["TASK-1"]);
    assert!(project.read("tasks/active/TASK-1/task.md").contains("in_progress"));
    call::mutate(&mut store, &Caller::named(named("ada")), &Settings::default(), &Done::of(id(1))).expect("done");
    assert!(!project.root().join("tasks/active/TASK-1").exists());
    assert!(project.read("tasks/completed/TASK-1/task.md").contains("# TASK-1: old"), "what was there stays");
    let names = fs::read_dir(project.root().join("tasks/completed")).expect("a folder");
    let beside: Vec<_> = names.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    assert!(beside.len() == 2 && beside.iter().any(|name| name.starts_with("TASK-1.backup.")), "{beside:?}");
    // In `working/` somebody is at it, whatever lies in `completed/`.
    project.write("tasks/working/TASK-7/task.md", "# TASK-7: x\n\n**Status:** pending\n");
    project.write("tasks/completed/TASK-7/task.md", "# TASK-7: x\n\n**Status:** completed\n");
    project.sync();
    assert_eq!(claim(&mut store, "ada", one(7)).expect_err("somebody is at it").code(), ErrorCode::LeaseHeld);
}

#[test]
fn files_that_cannot_be_written_let_nothing_be_claimed_and_everything_be_ended() {
    let project = Project::new();
    let mut store = project.store();
    claim(&mut store, "ada", best()).expect("claims");
    let add = oarlock_ops::task::Add {
        title: "own".to_owned(),
        id: Some(TaskId::parse("OWN-1").expect("an id")),
        fields: Default::default(),
        needs: Vec::new(),
        parent: None,
    };
    call::mutate(&mut store, &Caller::default(), &Settings::default(), &add).expect("added");
    // As on a read-only disk no lock can be had: a folder is where its file belongs.
    fs::remove_file(project.root().join(LOCK)).expect("removed");
    fs::create_dir(project.root().join(LOCK)).expect("a folder");
    let (seq, queue) = (store.snapshot().and_then(|view| view.last_seq()).expect("reads"), project.read(QUEUE));
    for request in [best(), one(2)] {
        let refused = claim(&mut store, "bob", request).expect_err("it cannot be shown");
        assert_eq!(refused.code(), ErrorCode::StoreUnavailable, "{refused}");
        assert!(refused.to_string().contains(".queue.lock"), "{refused}");
    }
    assert_eq!((store.snapshot().and_then(|view| view.last_seq()).expect("reads"), project.read(QUEUE)), (seq, queue));
    let own = Claim { id: Some(TaskId::parse("OWN-1").expect("an id")), ..Claim::default() };
    assert_eq!(claim(&mut store, "bob", own).expect("only the store has it"), ["OWN-1"]);
    call::mutate(&mut store, &Caller::named(named("ada")), &Settings::default(), &Done::of(id(1))).expect("done in the store");
    fs::remove_dir(project.root().join(LOCK)).expect("removed");
    assert_eq!(claim(&mut store, "bob", best()).expect("claims"), ["TASK-2"]);
    assert!(project.item(1).contains("completed"), "{}", project.item(1));
}

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

/// Stops where it is told to, and says so: the parent kills it there.
#[derive(Debug)]
struct Stopping(Beside, &'static str);
struct Stops<'a>(Box<dyn Held + 'a>, &'static str);

fn stop() -> ! {
    let mut out = std::io::stdout();
    writeln!(out, "stopped").and_then(|()| out.flush()).expect("told");
    loop {
        std::thread::park();
    }
}

impl Outside for Stopping {
    fn is_there(&self) -> bool {
        self.0.is_there()
    }
    fn knows(&self, task: &TaskId) -> StoreResult<bool> {
        self.0.knows(task)
    }
    fn lock(&self, patience: Patience) -> StoreResult<Option<Box<dyn Held + '_>>> {
        Ok(self.0.lock(patience)?.map(|held| Box::new(Stops(held, self.1)) as Box<dyn Held + '_>))
    }
}

impl Held for Stops<'_> {
    fn catch_up(&mut self, store: &mut dyn Store, settings: &Settings, also: &[TaskId]) -> Result<(), OpError> {
        self.0.catch_up(store, settings, also)
    }
    fn mark(&mut self, intents: &[Intent]) -> Result<Vec<Marked>, OpError> {
        if self.1 == "intent" {
            stop();
        }
        let marked = self.0.mark(intents);
        if self.1 == "mark" {
            stop();
        }
        marked
    }
}

/// The process that is killed; no test of its own.
#[test]
#[ignore = "a process that other tests start and kill"]
fn child() {
    let dir = PathBuf::from(std::env::var_os("BESIDE_DIR").expect("named by the test that starts it"));
    let (at, who) = (std::env::var("BESIDE_AT").expect("named"), std::env::var("BESIDE_WHO").expect("named"));
    let at = ["intent", "mark", "grant"].into_iter().find(|known| *known == at).expect("a place");
    let place = Place::of_file(dir.join("oarlock.db"));
    let beside = Stopping(Beside::new(dir, Duration::from_secs(5)), at);
    let mut store = SqliteStore::open(&place, Options::default()).expect("opens").with_outside(Arc::new(beside));
    if who != "ada" {
        let process = oarlock_host::process::ProcessId::current().expect("a process").to_text();
        let join = Join { name: Some(named(&who)), owner: Owner::Lock { process, grace_ms: 0 }, ..Join::default() };
        call::mutate(&mut store, &Caller::default(), &Settings::default(), &join).expect("joins");
    }
    claim(&mut store, &who, best()).expect("claims");
    stop();
}

/// A call that is killed there. `ada` has a session that outlives it, `eve` one that dies with it.
fn killed(project: &Project, at: &str, who: &str) {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--ignored", "--exact", "child", "--nocapture"])
        .env("BESIDE_DIR", project.dir())
        .env("BESIDE_AT", at)
        .env("BESIDE_WHO", who)
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.contains("stopped")), "it stops at {at}");
    child.kill().expect("killed");
    child.wait().expect("gone");
}

#[test]
fn a_killed_call_is_settled_by_the_next_one_that_has_the_lock() {
    for (at, who, is_granted) in [
        ("intent", "ada", false),
        ("mark", "ada", true),
        ("grant", "ada", true),
        ("intent", "eve", false),
        ("mark", "eve", false),
        ("grant", "eve", false),
    ] {
        let project = Project::new();
        killed(&project, at, who);
        let mut store = project.store();
        if at != "grant" {
            // Until somebody has looked, nobody else can have it.
            assert_ne!(project.task(1).state, TaskState::Done);
        }
        catch_up(&mut store, &Settings::default());
        call::settle_if_due(&mut store, &Settings::default()).expect("settles");
        catch_up(&mut store, &Settings::default());
        let task = project.task(1);
        let what = format!("{at} {who}: {:?} {:?}", task.state, project.kinds(1));
        assert!(task.intent().is_none(), "{what}");
        assert_eq!(task.holder().map(|grant| grant.agent.as_str()), is_granted.then_some(who), "{what}");
        assert_eq!(project.item(1).contains("claimed_by: \""), is_granted, "{what}: {}", project.item(1));
        assert_eq!(project.read("tasks/active/TASK-1/task.md").contains("in_progress"), is_granted, "{what}");
        // Only a grant that was told can be lost.
        assert_eq!(task.losses, u32::from(at == "grant" && !is_granted), "{what}");
        if !is_granted {
            assert_eq!(claim(&mut store, "bob", best()).expect("anybody can have it"), ["TASK-1"], "{what}");
        }
    }
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

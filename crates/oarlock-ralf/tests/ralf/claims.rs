//! A claim is shown before it is reported, and its end as soon as the lock is free.

use oarlock_model::ErrorCode;
use oarlock_model::task::TaskState;
use oarlock_ops::call;
use oarlock_ops::caller::Caller;
use oarlock_ops::lock::Lock;
use oarlock_ops::outside::{Outside, catch_up};
use oarlock_ops::owners::Owners;
use oarlock_ops::settings::Settings;
use oarlock_ops::store::{Durability, Listening, Store, StoreResult, Transaction, View};
use oarlock_ops::task::{Claim, Done, Release};
use oarlock_ops::topic::Topics;
use oarlock_sqlite::SqliteStore;
use std::fs::File;
use std::sync::Arc;

use crate::{LOCK, Project, QUEUE, best, claim, id, named, one};

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
    fn owners(&mut self) -> Box<dyn Owners> {
        self.0.owners()
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
    // Nobody has the lock of the files when bob's work ends: the next call reports it to them, which grants something else.
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
fn an_item_that_was_done_before_somebody_had_the_task_by_its_file_ends_nothing() {
    let project = Project::new();
    project.write("tasks/active/TASK-1/task.md", "# TASK-1: T1\n\n**Status:** in_progress\n");
    project.old_script(1, "    status: completed\n    claimed_by: run-7\n");
    let mut store = project.store();
    // By looks and by calls, also when the queue has changed otherwise.
    for n in 0..3 {
        project.sync();
        project.write(QUEUE, &format!("{}# {n}\n", project.read(QUEUE)));
        catch_up(&mut store, &Settings::default());
        assert!(project.task(1).outside_holder().is_some(), "{n}: its file says that somebody is at it");
    }
    assert!(project.root().join("tasks/active/TASK-1").is_dir(), "and nobody moves it away");
    project.old_moves(1);
    project.sync();
    assert_eq!(project.task(1).state, TaskState::Done);
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

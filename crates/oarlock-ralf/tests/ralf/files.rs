//! Tasks of files that lack something, or that cannot be read or written.

use oarlock_model::ErrorCode;
use oarlock_model::TaskId;
use oarlock_model::task::TaskState;
use oarlock_ops::call;
use oarlock_ops::caller::Caller;
use oarlock_ops::outside::catch_up;
use oarlock_ops::settings::Settings;
use oarlock_ops::store::{EventFilter, Store};
use oarlock_ops::task::{Claim, Done, Release};
use std::fs::{self, File};

use crate::{LOCK, Project, QUEUE, best, claim, id, named, one};

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
    // What can be read of a queue in pieces is claimed anyway.
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
fn an_item_whose_short_id_means_two_files_is_a_task_of_its_own_in_every_call() {
    let project = Project::new();
    for slug in ["alpha", "beta"] {
        project.write(&format!("tasks/active/TASK-2-{slug}/task.md"), "# TASK-2: x\n\n**Status:** pending\n");
    }
    // This one is the item's own, and the other is another task.
    for name in ["TASK-3", "TASK-3-gamma"] {
        project.write(&format!("tasks/active/{name}/task.md"), "# TASK-3: x\n\n**Status:** pending\n");
    }
    let mut store = project.store();
    project.sync();
    let before = project.read(QUEUE);
    let gamma = TaskId::parse("TASK-3-gamma").expect("an id");
    let claimed = claim(&mut store, "bob", Claim { id: Some(gamma), ..Claim::default() }).expect("claims");
    assert_eq!((claimed, project.read(QUEUE)), (vec!["TASK-3-gamma".to_owned()], before.clone()));
    // A call reads the file of its own task alone, and must not take the item for it.
    let beta = || TaskId::parse("TASK-2-beta").expect("an id");
    let claimed = claim(&mut store, "ada", Claim { id: Some(beta()), ..Claim::default() }).expect("claims");
    assert_eq!((claimed, project.read(QUEUE)), (vec!["TASK-2-beta".to_owned()], before));
    assert_eq!(claim(&mut store, "bob", one(2)).expect("nobody has it"), ["TASK-2"]);
    call::mutate(&mut store, &Caller::named(named("ada")), &Settings::default(), &Done::of(beta())).expect("done");
    assert!(project.root().join("tasks/completed/TASK-2-beta").exists());
    let queue = project.read(QUEUE);
    assert!(queue.contains("claimed_by: \"bob\"") && !queue.contains("ada") && !queue.contains("completed"), "{queue}");
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

//! A gateway of a project that is attached: what it grants is written into files whose lock an old script may have for a while.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::ralf::{QUEUE, ralf, read};
use crate::support::{Project, Served};

/// How long something is waited for that must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// A project with its gateway, two agents, and a task that only the store has.
fn served() -> (Project, Served) {
    let project = ralf();
    project.ok("ralf attach .");
    project.ok("join ada");
    project.ok("join bob");
    project.ok("add own --id OWN-1 --priority 4");
    let served = project.serve("");
    (project, served)
}

/// The lock of the queue, as an old script takes it.
fn locked(project: &Project) -> File {
    let lock = File::create(project.root().join(QUEUE).with_file_name(".queue.lock")).expect("a lock");
    lock.lock().expect("it is free");
    lock
}

/// Whether somebody waits for it, where the system reports.
fn is_waited_for(lock: &File) -> bool {
    let Ok(all) = std::fs::read_to_string("/proc/locks") else { return true };
    let inode = format!(":{} ", lock.metadata().expect("a file").ino());
    all.lines().any(|line| line.contains("-> FLOCK") && line.contains(&inode))
}

/// Waits until the item of a task says so.
fn until_the_queue_says(project: &Project, task: &str, what: &str) {
    let start = Instant::now();
    loop {
        let queue = read(project, QUEUE);
        let item = queue.split("  - ").find(|item| item.contains(task)).expect("an item").to_owned();
        if item.contains(what) {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "{task} does not come to {what}: {item}");
        std::thread::yield_now();
    }
}

#[test]
fn a_claim_waits_for_the_lock_of_the_files_and_keeps_nobody_else_from_anything() {
    let (project, served) = served();
    let through = |line: &str| project.call(line).env("OARLOCK_STORE", &served.url);
    let lock = locked(&project);
    let claiming = through("claim TASK-1 --as ada --lock-timeout 60s").start();
    let start = Instant::now();
    while !is_waited_for(&lock) {
        assert!(start.elapsed() < PATIENCE, "nobody waits for the lock");
        std::thread::yield_now();
    }
    // Meanwhile others write, read, and end what they have.
    through("heartbeat --as bob").ok();
    through("add more --id OWN-2 --priority 4").ok();
    through("note OWN-1 hm --as bob").ok();
    through("send ada --text hi --as bob").ok();
    assert_eq!(through("task TASK-1").ok()["task"]["state"], "ready", "nothing is granted before the files show it");
    assert!(read(&project, QUEUE).contains("status: pending   # the planner's"), "nor do they");
    drop(lock);
    let reply = claiming.reply().ok();
    assert_eq!(reply["lease"]["task"], "TASK-1", "{reply}");
    until_the_queue_says(&project, "TASK-1", "claimed_by: \"ada\"");
}

#[test]
fn an_end_reaches_the_files_when_their_lock_is_free_and_needs_no_other_call() {
    let (project, served) = served();
    let through = |line: &str| project.call(line).env("OARLOCK_STORE", &served.url);
    through("claim TASK-1 --as ada").ok();
    until_the_queue_says(&project, "TASK-1", "claimed_by: \"ada\"");
    let lock = locked(&project);
    let reply = through("done TASK-1 --as ada --result parsed").ok();
    assert_eq!(reply["task"]["state"], "done", "it ends at once");
    assert!(read(&project, QUEUE).contains("claimed_by: \"ada\""), "the files say so later, which harms nobody");
    // Who asks for nothing that the files have is served anyway.
    assert_eq!(through("claim OWN-1 --as bob").ok()["lease"]["task"], "OWN-1");
    through("done OWN-1 --as bob").ok();
    drop(lock);
    until_the_queue_says(&project, "TASK-1", "status: completed");
    assert_eq!(json!(project.task("TASK-1")["state"]), json!("done"));
}

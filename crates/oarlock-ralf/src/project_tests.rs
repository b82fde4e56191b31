//! Whole projects, small ones, in both layouts, and hostile ones.

use std::fs;
use std::path::Path;

use super::*;

/// 2026-11-25T00:00:00Z.
const NOW: i64 = 1_795_564_800_000;

fn put(root: &Path, file: &str, text: &str) {
    let path = root.join(file);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, text).expect("a file");
}

fn project() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path();
    put(
        root,
        ".autonomous/agents/communications/heartbeat.yaml",
        "heartbeats:\n  planner:\n    last_seen: '2026-02-03T23:43:34+07:00'\n    status: running\n  executor:\n    last_seen: '2999-01-01T00:00:00Z'\n    status: idle\n  scout:\n    last_seen: null\nmetadata:\n  timeout_seconds: 60\n",
    );
    put(root, ".autonomous/agents/communications/events.yaml", "- timestamp: '2026-02-01T16:01:00Z'\n  type: started\n  task_id: T-1\n");
    put(root, ".autonomous/communications/events.yaml", "events:\n- id: 1\n  type: done: it\n");
    put(root, ".autonomous/agents/communications/queue.yaml", "tasks:\n- id: TASK-A-1\n  status: in_progress\n  blockedBy: [TASK-B-2]\n");
    put(root, ".autonomous/communications/chat-log.yaml", "messages: []\nmetadata: {}\n");
    put(root, ".autonomous/tasks/active/TASK-7-mend.md", "# TASK-7: Mend it\n\n**Status:** pending\n**Estimated Minutes:** 40\n");
    put(root, "tasks/active/TASK-A-1/task.md", "# TASK-A-1: Whole\n\n**Status:** claimed\n**Depends On:** TASK-B-2\n");
    put(root, "tasks/active/TASK-A-1/subtasks/TASK-A-1A/task.md", "# TASK-A-1A: Part\n\n**Status:** pending\n");
    put(root, "tasks/active/TASK-A-1/RESULTS.md", "# no task\n");
    put(root, "tasks/completed/2026-02/TASK-B-2/task.md", "# TASK-B-2: Done\n\n**Status:** pending\n");
    dir
}

#[test]
fn both_layouts_of_a_project_are_read() {
    let dir = project();
    let project = Project::read(dir.path(), NOW).expect("reads");
    assert_eq!((project.generation, project.events.len(), project.queue.len(), project.messages.len()), ("3", 2, 1, 0));
    let counts: Vec<_> = project.counts().into_iter().collect();
    assert_eq!(counts, [("claimed", 1), ("done", 1), ("ready", 2)]);
    let task = |id: &str| project.tasks.iter().find(|task| task.id == id).expect("a task");
    assert_eq!(task("TASK-7-mend").estimate_minutes, Some(40));
    assert_eq!((task("TASK-A-1A").parent.as_deref(), task("TASK-A-1").needs.as_slice()), (Some("TASK-A-1"), &["TASK-B-2".to_owned()][..]));
    assert_eq!(project.queue[0].needs, ["TASK-B-2"]);
    assert_eq!(project.faults.len(), 1);
    assert_eq!((project.faults[0].file.as_str(), project.faults[0].line), (".autonomous/communications/events.yaml", 3));
    assert_eq!(project.events[1].kind.as_deref(), Some("done: it"));
}

#[test]
fn a_lying_clock_is_clamped_and_flagged() {
    let dir = project();
    let changed =
        fs::metadata(dir.path().join(".autonomous/agents/communications/heartbeat.yaml")).and_then(|m| m.modified()).expect("a time");
    let changed = i64::try_from(changed.duration_since(UNIX_EPOCH).expect("after 1970").as_millis()).expect("small");
    let agents = |now| Project::read(dir.path(), now).expect("reads").agents;
    let now = agents(changed + 1_000);
    let states: Vec<_> = now.iter().map(|agent| (agent.name.as_str(), agent.state, agent.clock)).collect();
    assert_eq!(states, [("planner", "stale", Clock::Fine), ("executor", "active", Clock::Future), ("scout", "stale", Clock::None)]);
    assert_eq!(now[1].age_ms, Some(1_000), "it was seen when the file changed");
    assert_eq!(agents(changed + 61_000)[1].state, "stale", "and not for ever");
}

#[test]
fn links_that_lead_out_are_not_followed() {
    let outside = tempfile::tempdir().expect("a folder");
    put(outside.path(), "events.yaml", "- id: 1\n");
    put(outside.path(), "active/TASK-9/task.md", "# x\n");
    let dir = tempfile::tempdir().expect("a folder");
    put(dir.path(), ".autonomous/communications/heartbeat.yaml", "heartbeats: {}\n");
    std::os::unix::fs::symlink(outside.path().join("events.yaml"), dir.path().join(".autonomous/communications/events.yaml"))
        .expect("a link");
    std::os::unix::fs::symlink(outside.path(), dir.path().join("tasks")).expect("a link");
    let project = Project::read(dir.path(), NOW).expect("reads");
    assert_eq!((project.events.len(), project.tasks.len(), project.faults.len()), (0, 0, 2), "{:?}", project.faults);
}

#[test]
fn what_is_too_large_or_no_text_is_a_fault_and_not_an_empty_file() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = dir.path().join(".autonomous/communications");
    fs::create_dir_all(&folder).expect("a folder");
    fs::File::create(folder.join("events.yaml")).and_then(|file| file.set_len(100 << 20)).expect("a large file");
    fs::write(folder.join("queue.yaml"), b"queue:\n- id: \xff\n").expect("a file");
    let project = Project::read(dir.path(), NOW).expect("reads");
    let causes: Vec<_> = project.faults.iter().map(|fault| fault.cause.as_str()).collect();
    assert_eq!(causes.len(), 2, "{causes:?}");
    assert!(causes[0].contains("bytes; at most") && causes[1].contains("line 2 is not UTF-8"), "{causes:?}");
}

#[test]
fn one_file_is_a_project_too() {
    let dir = project();
    let events = Project::read(&dir.path().join(".autonomous/communications/events.yaml"), NOW).expect("reads");
    assert_eq!((events.generation, events.events.len(), events.events[0].source.file.as_str()), ("files", 1, "events.yaml"));
    let task = Project::read(&dir.path().join("tasks/completed/2026-02/TASK-B-2/task.md"), NOW).expect("reads");
    assert_eq!((task.tasks[0].id.as_str(), task.tasks[0].state), ("TASK-B-2", "done"));
    assert!(Project::read(&dir.path().join("missing"), NOW).is_err());
}

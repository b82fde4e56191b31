use super::*;
use crate::task_file::Folder;
use crate::types::{Source, Task};
use serde_json::json;
use std::fs::{File, FileTimes};
use std::time::{Duration, SystemTime};

const HOUR: i64 = 3_600_000;

/// A project in which files were last changed when a test says.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("temporary"))
    }

    fn file(&self, name: &str, changed_ms: i64) {
        let file = self.0.path().join(name);
        fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        fs::write(&file, "x").expect("written");
        for path in [file.as_path(), file.parent().expect("a folder")] {
            let at = SystemTime::UNIX_EPOCH + Duration::from_millis(changed_ms.unsigned_abs());
            File::open(path).expect("opened").set_times(FileTimes::new().set_modified(at)).expect("set");
        }
    }

    fn held(&self, file: Option<&Task>, queue: Option<&Task>, alive: &[&Agent], now_ms: i64) -> Option<Held> {
        let tasks = BTreeMap::from([("TASK-1", FileView { file, queue })]);
        by_id(self.0.path(), &tasks, alive, now_ms).remove("TASK-1")
    }
}

fn task(state: &'static str, file: &str) -> Task {
    Task { id: "TASK-1".to_owned(), state, source: Source { file: file.to_owned(), line: 1 }, ..Task::default() }
}

fn item(claimed_by: &str, taken_ms: Option<i64>) -> Task {
    Task { claimed_by: Some(claimed_by.to_owned()), taken_ms, moved_ms: taken_ms, ..task("claimed", "queue.yaml") }
}

fn beat(name: &str, age_ms: i64, run_dir: Option<&str>) -> Agent {
    let fields = run_dir.map(|dir| ("run_dir".to_owned(), json!(dir))).into_iter().collect();
    Agent {
        name: name.to_owned(),
        state: "active",
        status: None,
        action: None,
        last_seen: None,
        age_ms: Some(age_ms),
        timeout_ms: 120_000,
        clock: crate::types::Clock::Fine,
        pid: None,
        loop_number: None,
        run_number: None,
        source: Source::default(),
        fields,
    }
}

#[test]
fn an_item_its_holders_heartbeat_its_run_and_the_tasks_files_are_signs_of_life() {
    let place = Place::new();
    place.file("tasks/active/TASK-1/task.md", HOUR);
    place.file("tasks/active/TASK-1/PLAN.md", HOUR);
    place.file("runs/executor/run-0053/THOUGHTS.md", 4 * HOUR);
    place.file("elsewhere/RESULTS.md", 6 * HOUR);
    let file = Task { folder: Some(Folder::Active), ..task("ready", "tasks/active/TASK-1/task.md") };
    let now = 10 * HOUR;
    let seen = |queue: &Task, alive: &[&Agent]| place.held(Some(&file), Some(queue), alive, now).expect("taken").seen_ms;
    assert_eq!(seen(&item("nobody-known", None), &[]), Some(HOUR), "only the task's own files");
    assert_eq!(seen(&item("nobody-known", Some(2 * HOUR)), &[]), Some(2 * HOUR), "its item");
    assert_eq!(seen(&item("run-0053", Some(2 * HOUR)), &[]), Some(4 * HOUR), "the folder of the run of that name");
    let (ada, there) = (beat("ada", HOUR, None), beat("ada", 5 * HOUR, Some("elsewhere")));
    assert_eq!(seen(&item("ada", Some(2 * HOUR)), &[&ada]), Some(9 * HOUR), "its heartbeat");
    assert_eq!(seen(&item("ada", Some(2 * HOUR)), &[&there]), Some(6 * HOUR), "the run that its heartbeat names");
    place.file("tasks/active/TASK-1/RESULTS.md", 99 * HOUR);
    assert_eq!(seen(&item("ada", None), &[]), Some(now), "no file was changed later than now");
}

#[test]
fn what_leads_out_of_the_project_is_no_sign() {
    let (place, outside) = (Place::new(), Place::new());
    outside.file("run/x", 9 * HOUR);
    let queue = item("ada", Some(HOUR));
    for dir in [outside.0.path().join("run").to_string_lossy().into_owned(), "..".to_owned()] {
        let ada = beat("ada", 8 * HOUR, Some(&dir));
        assert_eq!(place.held(None, Some(&queue), &[&ada], 10 * HOUR).expect("taken").seen_ms, Some(2 * HOUR), "{dir}");
    }
    let queue = item("../../etc", Some(HOUR));
    assert_eq!(place.held(None, Some(&queue), &[], 10 * HOUR).expect("taken").seen_ms, Some(HOUR));
}

#[test]
fn who_is_named_is_any_text_and_no_placeholder() {
    let place = Place::new();
    let holder = |name: &str| place.held(None, Some(&item(name, None)), &[], HOUR).expect("taken").holder;
    assert_eq!(holder("run-test-005").as_deref(), Some("run-test-005"));
    assert_eq!(holder("two words (user)").as_deref(), Some("two words (user)"));
    assert_eq!(holder("a\u{1b}[2Jb").as_deref(), Some("a[2Jb"));
    assert_eq!(holder(&"é".repeat(300)).map(|name| name.len()), Some(limits::OUTSIDE_NAME_BYTES_MAX));
    for nobody in ["", "null", "{RUN_ID}", "$RUN_ID", "unknown", "planner|executor"] {
        assert_eq!(holder(nobody), None, "{nobody}");
    }
    assert_eq!(place.held(None, Some(&task("ready", "queue.yaml")), &[], HOUR), None, "nobody has it");
    let by_line = Task { folder: Some(Folder::Active), ..task("claimed", "tasks/active/TASK-1.md") };
    assert_eq!(place.held(Some(&by_line), None, &[], HOUR), Some(Held::default()), "a status line names nobody");
}

#[test]
fn a_time_behind_the_files_change_counts_as_that() {
    assert_eq!(stated_ms(&json!("2026-02-01T12:00:00Z"), 1_769_947_200_000), Some(1_769_947_200_000));
    assert_eq!(stated_ms(&json!("2026-02-01T19:00:00Z"), 1_769_947_200_000), Some(1_769_947_200_000));
    assert_eq!(stated_ms(&json!("{TIMESTAMP}"), 1), None);
}

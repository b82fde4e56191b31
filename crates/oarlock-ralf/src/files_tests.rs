//! A project that has only its files.

use serde_json::json;

use super::*;

fn fields(n: u64) -> Map<String, Value> {
    Map::from_iter([("n".to_owned(), json!(n))])
}

fn files(dir: &Path) -> Files {
    Files::new(dir, Duration::from_secs(30))
}

#[test]
fn a_folder_of_the_project_is_no_project_of_its_own() {
    let dir = tempfile::tempdir().expect("a folder");
    let communications = dir.path().join(".autonomous/communications");
    fs::create_dir_all(&communications).expect("a folder");
    fs::create_dir_all(dir.path().join(".autonomous/tasks/active")).expect("a folder");
    assert_eq!(Files::find_root(&communications).as_deref(), Some(dir.path()));
}

#[test]
fn states_are_written_in_place_under_the_files_own_lock() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join(".autonomous/communications/agent-state.yaml");
    files(dir.path()).set_state(&file, "ada", Some(&fields(1))).expect("its folder is made");
    let opened = fs::File::open(&file).expect("a file");
    opened.lock().expect("locks");
    let refused = Files::new(dir.path(), Duration::from_millis(20)).set_state(&file, "ada", Some(&fields(2)));
    assert!(refused.as_ref().is_err_and(FilesError::is_locked), "{refused:?}");
    assert!(refused.expect_err("it is locked").to_string().contains("agent-state.yaml has been held for"));
    let refused = Files::new(dir.path(), Duration::from_millis(20)).reset_states(&file);
    assert!(refused.is_err_and(|error| error.is_locked()));
    opened.unlock().expect("unlocks");
    files(dir.path()).set_state(&file, "ada", Some(&fields(3))).expect("it is free");
    files(dir.path()).set_state(&file, "bob", Some(&fields(4))).expect("it is free");
    files(dir.path()).set_state(&file, "ada", None).expect("it is free");
    files(dir.path()).reset_states(&file).expect("it is free");
    // Who has opened it before sees all of it: no other file has taken its place.
    assert_eq!(io::read_to_string(&opened).expect("reads"), fs::read_to_string(&file).expect("reads"));
    assert!(files(dir.path()).states(&file).expect("states").is_empty());
}

#[test]
fn a_write_that_broke_off_is_finished_by_the_next_one_and_seen_by_readers() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("agent-state.yaml");
    let project = files(dir.path());
    project.set_state(&file, "ada", Some(&fields(1))).expect("writes");
    let before = fs::read_to_string(&file).expect("reads");
    project.set_state(&file, "bob", Some(&fields(2))).expect("writes");
    let after = fs::read_to_string(&file).expect("reads");
    // As a process leaves it that is killed behind half of its write.
    let copy = format!("oarlock write {} {}\n{before}{after}", before.len(), after.len());
    let half = after.find("bob").expect("bob") + 1;
    let torn = format!("{}{}", &after[..half], before.get(half..).unwrap_or_default());
    let left = || {
        fs::write(dir.path().join(".agent-state.yaml.oarlock-copy"), &copy).expect("a copy");
        fs::write(&file, &torn).expect("a file");
    };
    left();
    assert_eq!(project.states(&file).expect("states").keys().collect::<Vec<_>>(), ["ada", "bob"]);
    assert_eq!(fs::read_to_string(&file).expect("reads"), torn, "who reads writes nothing");
    project.set_state(&file, "eve", Some(&fields(3))).expect("writes");
    let states = project.states(&file).expect("states");
    assert_eq!(states.values().map(|state| state["n"].as_u64()).collect::<Vec<_>>(), [Some(1), Some(2), Some(3)]);
    assert!(!dir.path().join(".agent-state.yaml.oarlock-copy").exists());
    left();
    project.reset_states(&file).expect("writes");
    assert!(project.states(&file).expect("states").is_empty());
}

#[test]
fn a_file_without_a_folder_in_its_path_is_in_this_one() {
    assert!(absolute(Path::new("a/state.yaml")).is_absolute());
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("a/b/state");
    files(Path::new("/nowhere")).set_state(&file, "ada", Some(&fields(1))).expect("its folders are made");
    assert_eq!(files(Path::new("/nowhere")).states(&file).expect("states").len(), 1);
    let below = files(Path::new("/nowhere")).set_state(&file.join("c/state"), "ada", Some(&fields(1)));
    assert!(below.expect_err("a file is no folder").to_string().contains("a/b/state"), "the path that is in the way is named");
}

#[test]
fn open_tasks_have_a_floor_and_nothing_else_has() {
    let dir = tempfile::tempdir().expect("a folder");
    let active = dir.path().join("tasks/active");
    fs::create_dir_all(active.join("TASK-2")).expect("a folder");
    let small = "# T\n\n## Steps\n\n1. Create `src/a.rs` (20 minutes)\n2. Create `src/b.rs` (20 minutes)\n";
    for file in ["tasks/active/TASK-1.md", "tasks/active/TASK-2/task.md", "TASK-3.md"] {
        fs::write(dir.path().join(file), small).expect("a file");
    }
    let project = files(dir.path());
    for (named, is_task) in [("TASK-1", true), ("TASK-1.md", true), ("TASK-2", true), ("TASK-9", false)] {
        assert_eq!(project.is_task(Path::new(named)), is_task, "{named}");
    }
    assert!(project.is_task(&active.join("TASK-2/task.md")) && !project.is_task(&dir.path().join("TASK-3.md")));
    let plan = project.task(Path::new("TASK-1")).and_then(|task| task.plan(&[], 3, None)).expect("a plan");
    assert!(!plan.parallelizable);
    assert!(plan.reason.expect("a reason").contains("2 steps of at least 5"));
    let mut open = project.open_tasks().expect("tasks");
    open.sort();
    assert_eq!(open, [active.join("TASK-1.md"), active.join("TASK-2/task.md")]);
}

#[test]
fn a_plan_is_made_for_those_who_are_named() {
    let names = |n: usize| vec!["a".to_owned(); n];
    for (agents, otherwise, most, want) in [(0, 3, None, 3), (1, 3, None, 2), (5, 3, None, 5), (5, 3, Some(2), 2), (0, 0, None, 1)] {
        assert_eq!(workers(&names(agents), otherwise, most), want);
    }
}

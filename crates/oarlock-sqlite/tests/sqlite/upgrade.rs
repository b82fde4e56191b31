//! Stores that an older program wrote are brought up to date when they are opened: their tables, and what follows from their graph.

use oarlock_model::TaskId;
use oarlock_model::rules::derived::{self, Facts};
use oarlock_model::state::State;
use oarlock_model::task::TaskState;
use oarlock_ops::admin::Administration;
use rusqlite::Connection;

use crate::home::{Home, assert_replays, log, ok, state};

/// A store of the first schema, with lawful data of that time: parts that do not wait for what their parent needs (P11 and H for N), needs
/// that are less urgent than what waits for them (N for U), and needs that are closed to a cycle by parts (P needs C, which needs P11,
/// which is a part of P; Q needs its own part Q1).
fn old() -> Home {
    let home = Home::empty();
    let conn = Connection::open(home.file()).expect("a new file");
    let schema = include_str!("../../migrations/0001_initial.sql");
    let rows = include_str!("old/v1.sql");
    conn.execute_batch(&format!("{schema} {rows} PRAGMA application_id = 1329680972; PRAGMA user_version = 1; PRAGMA journal_mode = WAL;"))
        .expect("what the old program wrote");
    home
}

fn assert_derived(state: &State) {
    let facts = state.tasks.iter().map(|(id, task)| (id.clone(), Facts::from(task))).collect();
    assert_eq!(derived::faults(&facts), Vec::<String>::new());
}

#[test]
fn states_and_priorities_follow_from_the_graph_after_an_upgrade() {
    let home = old();
    let mut store = home.open();
    let now = state(&mut store);
    assert_derived(&now);
    assert_replays(&mut store);
    let task = |id: &str| &now.tasks[&TaskId::parse(id).expect("valid")];
    assert_eq!([task("P11").state, task("H").state, task("Q1").state], [TaskState::Blocked, TaskState::Claimed, TaskState::Ready]);
    assert_eq!(["N", "P", "P1", "P11", "Q"].map(|id| task(id).priority), [0, 1, 1, 1, 2]);
    // What it was given by hand stays its own.
    assert_eq!(task("P11").spec.priority, Some(3));
    assert!(task("Q").needs.is_empty() && task("P").needs.iter().map(TaskId::as_str).eq(["N"]), "{:?}", task("P").needs);
    let events = log(&mut store).len();
    drop(store);
    // Once is enough.
    assert_eq!(log(&mut home.open()).len(), events);
    let looked = home.admin().doctor(false, false).expect("looks");
    assert!(looked.ok, "{looked:?}");
}

#[test]
fn an_upgraded_store_goes_on() {
    let home = old();
    let mut store = home.open();
    ok(&mut store, "bob: join");
    ok(&mut store, "bob: claim N");
    let unblocked = ok(&mut store, "bob: done N")["unblocked"].clone();
    // H is held by a session of another boot, which is found dead first.
    assert_eq!(unblocked, serde_json::json!(["U", "P11", "H"]));
    // The tree that was cancelled together comes back together.
    assert_eq!(ok(&mut store, "-: requeue E --parts")["requeued"], serde_json::json!(["E1"]));
    assert_derived(&state(&mut store));
}

#[test]
fn doctor_finds_what_does_not_follow_and_mends_it() {
    let home = Home::lived_in();
    let mut store = home.open();
    for line in ["-: add p --id P --priority 1", "-: add x --id X --parent P", "-: add y --id Y"] {
        ok(&mut store, line);
    }
    drop(store);
    // As a program would that knows nothing of it: log and tables fit together, but not with the graph.
    home.tamper(
        "UPDATE tasks SET priority = 2, rank = rank + 3600000 WHERE id = 'X';
         UPDATE events SET data = json_remove(data, '$.effective_priority') WHERE kind = 'task_added' AND json_extract(data, '$.id') = 'X'",
    );
    let looked = home.admin().doctor(false, false).expect("looks");
    let wrong: Vec<_> = looked.checks.iter().filter(|check| !check.ok).map(|check| check.check.as_str()).collect();
    assert_eq!(wrong, ["graph"], "{looked:?}");
    let mended = home.admin().doctor(true, false).expect("mends");
    assert!(mended.ok, "{mended:?}");
    assert_derived(&state(&mut home.open()));
    assert!(home.admin().doctor(false, false).expect("looks").ok);
}

//! A call of two steps that is cut off between them: completed work stays, and a repetition with its key goes on there, once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use oarlock_testkit::faulty::{FailPoint, Faulty, StoreStep};
use oarlock_testkit::say;
use serde_json::json;

use crate::home::{Home, ok};

#[test]
fn a_call_cut_off_between_its_steps_goes_on_when_it_is_repeated() {
    let done = "ada: done A --result fine --claim --key k";
    // The process dies after the first commit, before the second transaction, inside it, and after its commit.
    for (step, after, turn) in
        [(StoreStep::Commit, true, 1), (StoreStep::Begin, false, 2), (StoreStep::Write, true, 4), (StoreStep::Commit, true, 2)]
    {
        let home = Home::new();
        let mut store = home.open();
        for line in ["ada: join", "-: add a --id A", "-: add b --id B", "-: add c --id C", "ada: claim A"] {
            ok(&mut store, line);
        }
        let passed = Arc::new(AtomicUsize::new(0));
        let point = FailPoint { step, after };
        let counted = Arc::clone(&passed);
        let at = Arc::new(move |here: FailPoint| {
            assert!(here != point || counted.fetch_add(1, Ordering::SeqCst) + 1 != turn, "the process dies here");
        });
        let mut dying = Faulty::new(home.open(), at);
        assert!(catch_unwind(AssertUnwindSafe(|| say(&mut dying, done))).is_err(), "{point:?} is passed {turn} times");
        drop(dying);
        let reply = ok(&mut store, done);
        assert_eq!((&reply["task"]["state"], &reply["claimed"]["task"]["id"]), (&json!("done"), &json!("B")), "{point:?}: {reply}");
        assert_eq!(ok(&mut store, done), reply, "{point:?}");
        assert_eq!(ok(&mut store, "-: agent ada")["agent"]["claims"], json!(["B"]), "{point:?}");
        let ends = ok(&mut store, "-: events --kind task_done");
        assert_eq!(ends["events"].as_array().map(Vec::len), Some(1), "{point:?}");
    }
}

//! Runs that a budget ends, with real worker processes.

use super::super::tests::{run_to_its_end, shell};
use super::*;
use crate::launch::{Run, Target};
use crate::testing::{TestStores, task_id};
use oarlock_model::ErrorCode;
use oarlock_model::task::TaskState;
use oarlock_model::usage::Usd;
use oarlock_ops::budget::ReportUsage;
use oarlock_ops::log::{Events, EventsReply};
use oarlock_ops::shapes::HolderShape;
use oarlock_ops::task::{Add, ShowTask};
use std::thread;

fn time(time_ms: u64) -> Budget {
    Budget { time_ms: Some(time_ms), ..Budget::default() }
}

/// The first part ends at once, the second one never.
fn one_hangs(stores: &TestStores) -> Run {
    let started = stores.dir().join("started");
    let script = format!("case $OARLOCK_TASK in *SUB2) touch '{}'; exec sleep 1000;; esac; echo fine", started.display());
    shell(&script)
}

fn notes_of(stores: &TestStores, id: &str) -> Vec<String> {
    let events = stores.ask(&ShowTask { id: task_id(id), limit: None, after: None }).events;
    events
        .iter()
        .filter(|event| event.kind == "task_noted")
        .map(|event| event.data["text"].as_str().unwrap_or_default().to_owned())
        .collect()
}

fn until_event(stores: &TestStores, kind: &str) {
    loop {
        let EventsReply { events, .. } = stores.ask(&Events { kind: vec![kind.into()], ..Events::default() });
        if !events.is_empty() {
            return;
        }
        thread::yield_now();
    }
}

#[test]
fn at_the_limit_of_time_what_runs_is_stopped_and_given_back_and_a_further_run_goes_on() {
    let stores = TestStores::new();
    let (end, lines) = run_to_its_end(&stores, &Run { budget: time(700), ..one_hangs(&stores) });
    let error = end.error.expect("it was stopped");
    assert_eq!((error.code(), error.code().exit()), (ErrorCode::LimitReached, 6));
    assert!(error.to_string().ends_with("(--max-time): 1 of 2 parts are done"), "{error}");
    let states: Vec<TaskState> = end.report.parts.iter().map(|part| part.state).collect();
    assert_eq!(states, [TaskState::Done, TaskState::Ready], "{lines:?}");
    let budget = end.report.budget.expect("it had one");
    assert!(budget.exhausted == Some(BudgetKind::Time) && budget.time_ms >= 700, "{budget:?}");
    let notes = notes_of(&stores, "two-SUB2");
    assert!(notes.len() == 1 && notes[0].contains("the budget of the run is used up"), "{notes:?}");
    assert!(lines.iter().any(|line| line.starts_with("the budget is nearly used up")), "{lines:?}");
    assert_eq!(stores.ask(&Events { kind: vec!["budget_exhausted".into()], ..Events::default() }).events.len(), 1);
    // The agent got two messages.
    let inbox = stores.ask(&Events { kind: vec!["message_sent".into()], ..Events::default() }).events;
    assert_eq!(inbox.len(), 2, "{inbox:?}");
    // A higher one goes on, and the attempt that was stopped does not count.
    let (end, lines) = run_to_its_end(&stores, &Run { budget: time(600_000), ..shell("echo fine") });
    assert_eq!((end.error, end.report.parts[1].attempts, lines[0].as_str()), (None, 1, "going on with two: 1 of 2 parts are done"));
}

#[test]
fn a_program_that_finishes_while_it_hands_over_loses_nothing() {
    let stores = TestStores::new();
    let (started, go) = (stores.dir().join("started"), stores.dir().join("go"));
    let script = format!("touch '{}'; while [ ! -e '{}' ]; do :; done; echo finished", started.display(), go.display());
    let add = |id: &str, parent: Option<&str>, needs: &[&str]| {
        let mut add = Add { title: id.to_owned(), id: Some(task_id(id)), parent: parent.map(task_id), ..Add::default() };
        add.needs = needs.iter().map(|id| task_id(id)).collect();
        stores.order(&add);
    };
    add("P", None, &[]);
    add("A", Some("P"), &[]);
    add("B", Some("P"), &["A"]);
    let target = Target::Task(task_id("P"));
    let run = Run { target, agents: 1, budget: time(500), handover: StdDuration::from_secs(60), ..shell(&script) };
    let end = thread::scope(|scope| {
        scope.spawn(|| {
            until_event(&stores, "budget_exhausted");
            std::fs::write(&go, "").expect("written");
        });
        run_to_its_end(&stores, &run).0
    });
    assert_eq!(end.error.expect("one part is left").code(), ErrorCode::LimitReached);
    let parts: Vec<_> = end.report.parts.iter().map(|part| (part.state, part.result.as_deref())).collect();
    assert_eq!(parts, [(TaskState::Done, Some("finished")), (TaskState::Ready, None)]);
}

#[test]
fn money_and_tokens_of_all_attempts_count_and_those_of_earlier_runs() {
    let stores = TestStores::new();
    let budget = Budget { cost: Some(Usd::from_micros(500_000)), ..Budget::default() };
    let end = thread::scope(|scope| {
        scope.spawn(|| {
            stores.until_made("started");
            let Some(HolderShape::Agent { token, .. }) = stores.task("two-SUB2").holder else { unreachable!("a worker holds it") };
            let report = |micros| ReportUsage {
                id: task_id("two-SUB2"),
                token,
                cost_micros: Some(micros),
                input_tokens: 1_000,
                cached_tokens: 900,
                output_tokens: 10,
                client: Some("claude".into()),
            };
            stores.order_as_holder("two-SUB2", &report(400_000));
            until_event(&stores, "budget_warned");
            // The same attempt, which has gone on.
            stores.order_as_holder("two-SUB2", &report(600_000));
        });
        run_to_its_end(&stores, &Run { budget, ..one_hangs(&stores) }).0
    });
    let error = end.error.expect("it was stopped");
    assert_eq!(error.to_string(), "the budget of two is used up, $0.60 of $0.50 (--max-cost): 1 of 2 parts are done");
    let usage = end.report.usage.expect("it was reported");
    assert_eq!((usage.usage.cost_usd, usage.tokens, usage.unpriced), (Some(Usd::from_micros(600_000)), 1_010, 0));
    assert_eq!(end.report.parts[1].usage, Some(usage));
    // Nothing starts while the limit is not higher.
    let (end, lines) = run_to_its_end(&stores, &Run { budget, ..shell("echo fine") });
    assert_eq!((end.error.map(|error| error.code()), end.report.agents.len()), (Some(ErrorCode::LimitReached), 2), "{lines:?}");
    let more = Budget { cost: Some(Usd::from_micros(700_000)), tokens: Some(u64::MAX), ..Budget::default() };
    let (end, _) = run_to_its_end(&stores, &Run { budget: more, ..shell("echo fine") });
    assert_eq!((end.error, end.report.usage), (None, Some(usage)));
}

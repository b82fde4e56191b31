//! Workers whose program is a client, or gets stuck: shell scripts print the lines of the clients.

use super::super::tests::{add, shell, work_with};
use super::super::{Work, WorkReport, work_until};
use crate::orders::{Order, Orders};
use crate::outcome::Outcome;
use crate::profile::Profile;
use crate::signals::Signals;
use crate::testing::{Heard, TestStores};
use oarlock_model::duration::Duration;
use oarlock_model::task::TaskState;
use oarlock_ops::OpError;
use oarlock_ops::log::{Attention, Events};
use oarlock_ops::settings::Settings;
use oarlock_ops::shapes::EventShape;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;

const INIT: &str = r#"echo '{"type":"system","subtype":"init","session_id":"s","model":"opus"}'"#;
const RESULT: &str = r#"echo '{"type":"result","subtype":"success","is_error":false,"result":"All done.","total_cost_usd":0.25,"usage":{"input_tokens":100,"output_tokens":10}}'"#;
const LIMIT: &str =
    r#"echo '{"type":"result","subtype":"success","is_error":true,"result":"Claude AI usage limit reached","total_cost_usd":0}'; exit 1"#;

/// A program in the directory of the stores.
fn program(stores: &TestStores, name: &str, script: &str) -> OsString {
    let path = stores.dir().join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("it may run");
    path.into_os_string()
}

fn claude(stores: &TestStores, script: &str) -> Work {
    Work { command: vec![program(stores, "claude", script), "-p".into()], ..shell("") }
}

fn events(stores: &TestStores, kind: &str) -> Vec<EventShape> {
    stores.ask(&Events { kind: vec![kind.into()], ..Events::default() }).events
}

fn outcomes(result: Result<WorkReport, OpError>) -> Vec<Outcome> {
    result.expect("it worked").tasks.iter().map(|task| task.outcome).collect()
}

#[test]
fn the_result_of_a_client_is_its_answer_and_its_use_is_known() {
    let stores = TestStores::new();
    add(&stores, "T-1");
    let (result, _) = work_with(&stores, &claude(&stores, &format!("echo \"$@\" > $(dirname $0)/args; {INIT}; {RESULT}")));
    assert_eq!(outcomes(result), [Outcome::Done]);
    let args = std::fs::read_to_string(stores.dir().join("args")).expect("it ran");
    assert_eq!(args, "--output-format stream-json --verbose -p\n");
    assert_eq!(stores.task("T-1").result.as_deref(), Some("All done."));
    let used = events(&stores, "task_used");
    assert_eq!(used.len(), 1);
    assert_eq!((&used[0].data["cost_usd"], &used[0].data["client"]), (&0.25.into(), &"claude".into()));
}

#[test]
fn a_client_behind_a_script_is_recognised_and_one_may_be_left_alone() {
    let stores = TestStores::new();
    for (id, profile, result) in [("T-1", Profile::Auto, Some("before\n\nAll done.")), ("T-2", Profile::None, None)] {
        add(&stores, id);
        work_with(&stores, &Work { profile, ..shell(&format!("echo before; {INIT}; {RESULT}")) }).0.expect("it worked");
        let got = stores.task(id).result.expect("it has one");
        assert!(result.map_or(got.contains("total_cost_usd"), |result| got == result), "{got}");
    }
    assert_eq!(events(&stores, "task_used").len(), 1);
}

#[test]
fn an_error_that_a_client_reports_is_a_failed_attempt_whatever_its_exit_code() {
    let stores = TestStores::new();
    add(&stores, "T-1");
    let failed = r#"echo '{"type":"result","subtype":"error_max_turns","is_error":true,"total_cost_usd":0.5,"permission_denials":[{"tool_name":"Bash","tool_input":{"command":"make"}}]}'"#;
    let (result, heard) = work_with(&stores, &shell(&format!("{INIT}; {failed}")));
    assert_eq!(outcomes(result), [Outcome::Failed]);
    let reason = stores.task("T-1").last_failure.expect("it has one");
    assert_eq!(reason, "error max turns; it asked, and nobody could answer: permission for Bash make");
    assert!(heard.lines().contains(&"T-1 asks, and nobody can answer: permission for Bash make".to_owned()), "{:?}", heard.lines());
    assert_eq!(events(&stores, "task_asked").len(), 1);
}

#[test]
fn a_question_waits_for_a_person_while_the_agent_is_at_work() {
    let stores = TestStores::new();
    add(&stores, "T-1");
    let (asked, go) = (stores.dir().join("asked"), stores.dir().join("go"));
    let question = r#"echo '{"type":"assistant","message":{"id":"m","content":[{"type":"tool_use","name":"AskUserQuestion","input":{"questions":[{"question":"Which table?"}]}}]}}'"#;
    let wait = format!("touch {}; while [ ! -e {} ]; do :; done", asked.display(), go.display());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let found = loop {
                let items = stores.ask(&Attention::default()).items;
                if let Some(found) = items.into_iter().find(|item| item.reason.as_str() == "agent_asks") {
                    break found;
                }
                std::thread::yield_now();
            };
            assert_eq!((found.subject.as_str(), found.about.as_str(), found.next.as_str()), ("T-1", "Which table?", "oarlock task T-1"));
            std::fs::write(&go, "").expect("written");
        });
        work_with(&stores, &shell(&format!("{INIT}; {question}; {wait}; {RESULT}"))).0.expect("it worked");
    });
    assert!(stores.ask(&Attention::default()).items.iter().all(|item| item.reason.as_str() != "agent_asks"));
}

#[test]
fn at_a_rate_limit_the_task_is_given_back_and_a_second_command_takes_over() {
    let stores = TestStores::new();
    add(&stores, "T-1");
    let orders = Orders::default();
    let other = program(&stores, "other", "echo 'made by the other'");
    let work = Work { fallback: Some(vec![other]), once: false, ..claude(&stores, &format!("{INIT}; {LIMIT}")) };
    let mut heard = Heard::default();
    let result = std::thread::scope(|scope| {
        scope.spawn(|| {
            while stores.task("T-1").state != TaskState::Done {
                std::thread::yield_now();
            }
            orders.take(Order::Leave);
        });
        work_until(&Signals::default(), &orders, &stores, &Settings::default(), &work, &mut heard)
    });
    assert_eq!(outcomes(result), [Outcome::Released, Outcome::Done], "{:?}", heard.lines());
    let task = stores.task("T-1");
    assert_eq!((task.result.as_deref(), task.failures, task.attempt), (Some("made by the other"), 0, 1));
    assert!(heard.lines().iter().any(|line| line.contains("claude is at a rate limit for 1 min 0 s; `")), "{:?}", heard.lines());
}

#[test]
fn a_program_without_a_sign_of_life_gets_a_message_and_is_then_stopped_with_all_that_it_has_started() {
    let stores = TestStores::new();
    add(&stores, "T-1");
    let pid = stores.dir().join("pid");
    // It ignores the request to end, and has a child in a session of its own.
    let script = format!(
        "trap '' TERM; setsid sh -c 'trap \"\" TERM; echo $$ > {}; while :; do read x; done' & while :; do wait; done",
        pid.display()
    );
    let (result, heard) = work_with(&stores, &Work { stuck_after: Some(Duration::from_ms(1_000)), ..shell(&script) });
    assert_eq!(outcomes(result), [Outcome::Failed], "{:?}", heard.lines());
    let reason = stores.task("T-1").last_failure.expect("it has one");
    assert!(reason.contains("stuck: no output, no progress and no change of a file for 1 s"), "{reason}");
    assert_eq!(events(&stores, "message_sent").len(), 1, "one nudge");
    let child: i32 = std::fs::read_to_string(pid).expect("it ran").trim().parse().expect("a number");
    assert!(!std::path::Path::new(&format!("/proc/{child}")).exists(), "{child} lives");
}

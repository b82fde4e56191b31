//! The library's handle reaches a gateway by its URL, and the one that the environment names.

use oarlock::Oarlock;
use oarlock::client::Reader;
use oarlock::model::ErrorCode;
use oarlock::model::duration::Duration;
use oarlock::ops::OpError;
use oarlock::ops::agent::Agents;
use oarlock::ops::log::Events;
use oarlock::ops::shapes::EventShape;
use oarlock::ops::task::{Add, Claim};
use serde_json::json;
use std::process::Command;

use crate::support::Project;

/// The input for the process of [`a_handle_works_at_a_gateway`].
const URL: &str = "OARLOCK_TEST_HANDLE_AT";

/// Reads until the first task is done.
struct First(Vec<String>);

impl Reader for First {
    fn event(&mut self, event: &EventShape) -> Result<bool, OpError> {
        self.0.push(event.kind.clone());
        Ok(event.kind != "task_done")
    }
}

/// Not a test by itself: what the next one starts in a process of its own, which has the key's file in its environment.
#[test]
fn works_when_it_is_told_where() {
    let Some(url) = std::env::var_os(URL) else { return };
    let mut ada = Oarlock::open(&url).expect("a gateway").joined_as("ada").expect("joined");
    ada.order_once("key-1", &Add { title: "one".into(), ..Add::default() }).expect("added");
    ada.order_once("key-1", &Add { title: "one".into(), ..Add::default() }).expect("added once");
    let claim = ada.order(&Claim::default()).expect("claimed").into_claims().swap_remove(0);
    ada.call("done", json!({"id": claim.task.id}), None).expect("done");
    let none = ada.order(&Claim::default()).expect_err("nothing is left");
    assert_eq!(none.code(), ErrorCode::NothingReady, "{none}");
    // What happens is followed there, too.
    let mut read = First(Vec::new());
    ada.follow(&Events { wait: Some(Duration::from_ms(20_000)), ..Events::default() }, &mut read).expect("followed");
    assert_eq!(read.0.last().map(String::as_str), Some("task_done"), "{:?}", read.0);
    // The one that the environment names, as for the command line; by verbs as well.
    let mut named = Oarlock::open_here().expect("the same");
    assert_eq!(named.ask(&Agents::default()).expect("asked").agents.len(), 1);
    let tasks = named.call("tasks", json!({}), None).expect("asked");
    assert_eq!(tasks["tasks"].as_array().map(Vec::len), Some(1), "{tasks}");
    let error = named.call("task", json!({"id": "nowhere"}), None).expect_err("there is none");
    assert_eq!(error.code(), ErrorCode::NotFound);
}

#[test]
fn a_handle_works_at_a_gateway() {
    let project = Project::new();
    let served = project.serve("");
    let elsewhere = tempfile::tempdir().expect("temporary");
    let mut child = Command::new(std::env::current_exe().expect("this program"));
    child.args(["--exact", "gateway::handle::works_when_it_is_told_where", "--nocapture"]).current_dir(elsewhere.path());
    child.env(URL, &served.url).env("OARLOCK_STORE", &served.url).env("OARLOCK_KEY_FILE", &served.key_file);
    let output = child.output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    // It stood for that process, which has ended.
    let agent = project.ok("agent ada");
    assert_eq!(agent["agent"]["state"], "lost", "{agent}");
    assert_eq!(project.ok("tasks --state done")["tasks"].as_array().map(Vec::len), Some(1));
}

//! Calls that are killed between intent, mark and grant.

use oarlock_model::TaskId;
use oarlock_model::agent::Owner;
use oarlock_model::task::TaskState;
use oarlock_ops::OpError;
use oarlock_ops::agent::Join;
use oarlock_ops::call;
use oarlock_ops::caller::Caller;
use oarlock_ops::outside::{Held, Intent, Marked, Outside, Patience, catch_up};
use oarlock_ops::settings::Settings;
use oarlock_ops::store::{Store, StoreResult};
use oarlock_ralf::Beside;
use oarlock_sqlite::{Options, SqliteStore, StorePaths};
use std::io::{BufRead, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use crate::{Project, best, claim, named};

/// Stops where it is asked to, and says so: the parent kills it there.
#[derive(Debug)]
struct Stopping(Beside, &'static str);
struct Stops<'a>(Box<dyn Held + 'a>, &'static str);

fn stop() -> ! {
    let mut out = std::io::stdout();
    writeln!(out, "stopped").and_then(|()| out.flush()).expect("told");
    loop {
        std::thread::park();
    }
}

impl Outside for Stopping {
    fn is_there(&self) -> bool {
        self.0.is_there()
    }
    fn knows(&self, task: &TaskId) -> StoreResult<bool> {
        self.0.knows(task)
    }
    fn lock(&self, patience: Patience) -> StoreResult<Option<Box<dyn Held + '_>>> {
        Ok(self.0.lock(patience)?.map(|held| Box::new(Stops(held, self.1)) as Box<dyn Held + '_>))
    }
}

impl Held for Stops<'_> {
    fn taken(&self, intents: &[Intent]) -> StoreResult<Vec<TaskId>> {
        self.0.taken(intents)
    }
    fn granted(&mut self, store: &mut dyn Store, intents: &[Intent]) -> bool {
        self.0.granted(store, intents)
    }
    fn catch_up(&mut self, store: &mut dyn Store, settings: &Settings, also: &[TaskId]) -> Result<(), OpError> {
        self.0.catch_up(store, settings, also)
    }
    fn mark(&mut self, intents: &[Intent]) -> Result<Vec<Marked>, OpError> {
        if self.1 == "intent" {
            stop();
        }
        let marked = self.0.mark(intents);
        if self.1 == "mark" {
            stop();
        }
        marked
    }
}

/// The process that is killed; no test of its own.
#[test]
#[ignore = "a process that other tests start and kill"]
fn child() {
    let dir = PathBuf::from(std::env::var_os("BESIDE_DIR").expect("named by the test that starts it"));
    let (at, who) = (std::env::var("BESIDE_AT").expect("named"), std::env::var("BESIDE_WHO").expect("named"));
    let at = ["intent", "mark", "grant"].into_iter().find(|known| *known == at).expect("a place");
    let place = StorePaths::of_file(dir.join("oarlock.db"));
    let beside = Stopping(Beside::new(dir, Duration::from_secs(5)), at);
    let mut store = SqliteStore::open(&place, Options::default()).expect("opens").with_outside(Arc::new(beside));
    if who != "ada" {
        let process = oarlock_host::process::ProcessId::current().expect("a process").to_text();
        let join = Join { name: Some(named(&who)), owner: Owner::Lock { process, grace_ms: 0 }, ..Join::default() };
        call::mutate(&mut store, &Caller::default(), &Settings::default(), &join).expect("joins");
    }
    claim(&mut store, &who, best()).expect("claims");
    stop();
}

/// A call that is killed there. `ada` has a session that outlives it, `eve` one that dies with it.
fn killed(project: &Project, at: &str, who: &str) {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--ignored", "--exact", "killed::child", "--nocapture"])
        .env("BESIDE_DIR", project.dir())
        .env("BESIDE_AT", at)
        .env("BESIDE_WHO", who)
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.contains("stopped")), "it stops at {at}");
    child.kill().expect("killed");
    child.wait().expect("gone");
}

#[test]
fn a_killed_call_is_settled_by_the_next_one_that_has_the_lock() {
    for (at, who, is_granted) in [
        ("intent", "ada", false),
        ("mark", "ada", true),
        ("grant", "ada", true),
        ("intent", "eve", false),
        ("mark", "eve", false),
        ("grant", "eve", false),
    ] {
        let project = Project::new();
        killed(&project, at, who);
        let mut store = project.store();
        if at != "grant" {
            // Until somebody has looked, nobody else can have it.
            assert_ne!(project.task(1).state, TaskState::Done);
        }
        catch_up(&mut store, &Settings::default());
        call::reap_if_due(&mut store, &Settings::default()).expect("settles");
        catch_up(&mut store, &Settings::default());
        let task = project.task(1);
        let what = format!("{at} {who}: {:?} {:?}", task.state, project.kinds(1));
        assert!(task.intent().is_none(), "{what}");
        assert_eq!(task.holder().map(|grant| grant.agent.as_str()), is_granted.then_some(who), "{what}");
        assert_eq!(project.item(1).contains("claimed_by: \""), is_granted, "{what}: {}", project.item(1));
        assert_eq!(project.read("tasks/active/TASK-1/task.md").contains("in_progress"), is_granted, "{what}");
        // Only a grant that was reported can be lost.
        assert_eq!(task.losses, u32::from(at == "grant" && !is_granted), "{what}");
        if !is_granted {
            assert_eq!(claim(&mut store, "bob", best()).expect("anybody can have it"), ["TASK-1"], "{what}");
        }
    }
}

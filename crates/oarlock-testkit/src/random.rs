//! Random pieces: few names, few tasks and small numbers, so that calls meet each other often.

use oarlock_model::TaskId;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::harness::{Actor, Step, Writing};
use crate::paper::{Item, Point};

const AGENTS: [&str; 3] = ["ada", "bob", "cy"];
const TASKS: [&str; 6] = ["A", "B", "C", "D", "E", "F"];
const GLOBS: [&str; 5] = ["src/**", "src/a.rs", "src/*.rs", "docs/**", "**"];
const KEYS: [&str; 4] = ["build/last", "agent/ada", "agent/bob", "x"];

/// Pieces of at most `length` steps, which begin with three joins and some tasks. In every third of them a list beside the store has the tasks
/// too: others write on it, and calls are killed while they do.
pub fn pieces(length: usize) -> impl Strategy<Value = Vec<Step>> {
    let beside = prop_oneof![8 => step().boxed(), 2 => writing().boxed(), 1 => strike().boxed()];
    prop_oneof![
        2 => vec(step(), 1..length).prop_map(|steps| prologue().into_iter().chain(steps).collect()),
        1 => vec(beside, 1..length).prop_map(|steps| prologue().into_iter().chain(list()).chain(steps).collect()),
    ]
}

/// The tasks of the prologue on a list, and one that the store does not know yet.
fn list() -> Vec<Step> {
    ["A", "B", "C", "E"].into_iter().map(|id| Step::Paper(Writing::Item(task_id(id), Item::Open))).collect()
}

fn task_id(id: &str) -> TaskId {
    TaskId::parse(id).expect("a valid id")
}

/// The actions of others on the list.
fn writing() -> impl Strategy<Value = Step> {
    let item = select(vec![
        Some(Item::Open),
        Some(Item::Taken("run-1".to_owned())),
        Some(Item::Taken("run-1".to_owned())),
        Some(Item::Taken("run-2".to_owned())),
        Some(Item::Taken("ada".to_owned())),
        Some(Item::Done { is_known: false }),
        None,
    ]);
    let on_items = (task(), item).prop_map(|(id, item)| match item {
        Some(item) => Writing::Item(task_id(id), item),
        None => Writing::Erased(task_id(id)),
    });
    prop_oneof![6 => on_items.boxed(), 1 => any::<bool>().prop_map(Writing::Lock).boxed()].prop_map(Step::Paper)
}

/// The next call is killed on its way.
fn strike() -> impl Strategy<Value = Step> {
    select(&Point::ALL[..]).prop_map(Step::Strike)
}

fn prologue() -> Vec<Step> {
    let lines = [
        ("ada", "start --can rust"),
        ("bob", "join --role tester --max-claims 2"),
        ("cy", "start --grace 30s --timeout 60s"),
        ("-", "add a --id A --writes src/a.rs --priority 1"),
        ("-", "add b --id B --needs A --max-attempts 1 --writes src/** --resources port"),
        ("-", "add c --id C --body-file plan.md --max-attempts 9"),
        ("-", "add d --id D --priority 0 --writes docs/**"),
    ];
    lines.into_iter().map(|(actor, line)| call(actor, line)).collect()
}

fn call(actor: &str, line: &str) -> Step {
    Step::Call(Actor::parse(actor), line.split(' ').map(str::to_owned).collect())
}

/// Anything that can happen.
pub fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (agent(), holding()).prop_map(|(agent, words)| Step::Call(Actor::parse(agent), words)),
        6 => (anybody(), working()).prop_map(|(actor, words)| Step::Call(actor, words)),
        3 => (anybody(), planning()).prop_map(|(actor, words)| Step::Call(actor, words)),
        2 => (agent(), reserving()).prop_map(|(agent, words)| Step::Call(Actor::parse(agent), words)),
        2 => (agent(), telling()).prop_map(|(agent, words)| Step::Call(Actor::parse(agent), words)),
        2 => (anybody(), voting()).prop_map(|(actor, words)| Step::Call(actor, words)),
        2 => (agent(), being()).prop_map(|(agent, words)| Step::Call(Actor::parse(agent), words)),
        2 => anybody().prop_flat_map(|actor| asking().prop_map(move |words| Step::Call(actor.clone(), words))),
        1 => outside().prop_map(|words| Step::Call(Actor::Nobody, words)),
        2 => select(vec![1, 500, 5_000, 31_000, 61_000, 301_000, 3_601_000]).prop_map(Step::Tick),
        1 => agent().prop_map(|agent| Step::Kill(agent.to_owned())),
        1 => select(vec![-3_600_000, 3_600_000]).prop_map(Step::Wall),
        1 => prop_oneof![9 => Just(Step::Tick(601_000)), 1 => Just(Step::Reboot)],
    ]
}

fn agent() -> impl Strategy<Value = &'static str> {
    select(&AGENTS[..])
}

fn task() -> impl Strategy<Value = &'static str> {
    select(&TASKS[..])
}

fn anybody() -> impl Strategy<Value = Actor> {
    prop_oneof![
        8 => agent().prop_map(Actor::parse),
        1 => agent().prop_map(|agent| Actor::Below(agent.to_owned())),
        1 => Just(Actor::Nobody),
    ]
}

/// A line whose parts are separated by single spaces; empty parts are left out.
fn line(parts: impl IntoIterator<Item = impl Into<String>>) -> Vec<String> {
    let parts: Vec<String> = parts.into_iter().map(Into::into).collect();
    parts.iter().flat_map(|part| part.split(' ')).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// One of some texts, or now and then nothing.
fn maybe(texts: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    prop_oneof![2 => Just(""), 1 => select(texts)]
}

/// The token flag: none, the right one, or an old one.
fn token(task: &str) -> impl Strategy<Value = String> + use<> {
    let right = format!("--token {{token:{task}}}");
    prop_oneof![3 => Just(String::new()), 2 => Just(right), 1 => (1..40u32).prop_map(|n| format!("--token {n}"))]
}

/// The actions of a holder on its task.
fn holding() -> impl Strategy<Value = Vec<String>> {
    let verb = select(vec![
        "renew ID --progress 50",
        "renew ID --ttl 2s",
        "done ID --result ok",
        "done ID --result other",
        "done ID",
        "done ID --artifact a.txt",
        "done ID --claim",
        "done ID --result ok --claim --reserve --wait 2s",
        "fail ID --reason broken",
        "fail ID --reason broken --no-retry",
        "release ID",
        "split ID --agents 2",
    ]);
    (verb, task()).prop_flat_map(|(verb, task)| {
        let with_token = !verb.starts_with("split");
        token(task).prop_map(move |token| line([verb.replace("ID", task), if with_token { token } else { String::new() }]))
    })
}

/// Taking work.
fn working() -> impl Strategy<Value = Vec<String>> {
    let ttl = maybe(&["--ttl 2s", "--ttl 300s", "--ttl 1h"]);
    let how = || maybe(&["--reserve", "--wait 3s", "--count 2", "--session {session:ada}", "--key k1", "--key k2"]);
    prop_oneof![
        (task(), ttl, how()).prop_map(|(task, ttl, how)| line(["claim", task, ttl, how])),
        (maybe(&["--ttl 2s", "--ttl 300s"]), how()).prop_map(|(ttl, how)| line(["claim", ttl, how])),
    ]
}

/// Work of those who know nothing of the store.
fn outside() -> impl Strategy<Value = Vec<String>> {
    let verb = select(vec![
        "take-outside ID --source ralf --holder run-1",
        "take-outside ID --source ralf --holder run-1",
        "take-outside ID --source ralf --seen-ms-ago 61000",
        "leave-outside ID",
        "leave-outside ID --abandoned --seen-ms-ago 3600000",
        "finish-outside ID --source ralf --holder run-1",
        "release ID --force",
    ]);
    (verb, task()).prop_map(|(verb, task)| line([verb.replace("ID", task)]))
}

/// Making and changing work.
fn planning() -> impl Strategy<Value = Vec<String>> {
    let add = (
        task(),
        maybe(&["--needs A", "--needs B,C", "--needs D"]),
        maybe(&["--parent A", "--parent B", "--parent C", "--parent E"]),
        add_flags(),
    );
    prop_oneof![
        4 => add.prop_map(|(id, needs, parent, flags)| line(["add t --id", id, needs, parent, flags])),
        1 => (task(), add_flags()).prop_map(|(id, flags)| line(["update", id, flags])),
        1 => (task(), select(vec!["--priority 0", "--priority 1", "--priority 4"])).prop_map(|(id, flags)| line(["update", id, flags])),
        1 => (task(), select(vec!["--needs A", "--needs B", "--needs E,F"])).prop_map(|(id, needs)| line(["update", id, needs])),
        2 => (task(), task(), maybe(&["--remove"])).prop_map(|(id, on, remove)| line(["depend", id, "--on", on, remove])),
        3 => (select(vec!["requeue", "requeue --parts", "cancel", "cancel --drop", "approve", "requeue", "approve"]), task()).prop_map(|(verb, id)| line([verb, id])),
        1 => task().prop_map(|id| line(["reject", id, "--reason again"])),
        1 => task().prop_map(|id| line(["note", id, "hm"])),
        1 => (task(), maybe(&["--auto-finish"])).prop_map(|(id, auto)| line(["split --agents 2", id, auto])),
    ]
}

fn add_flags() -> impl Strategy<Value = &'static str> {
    maybe(&[
        "--priority 0",
        "--priority 4",
        "--can rust",
        "--can tester",
        "--writes src/**,docs/**",
        "--writes docs/**",
        "--resources port",
        "--assign bob",
        "--max-attempts 1",
        "--not-before 10s",
        "--gate human",
        "--gate human --reviewer tester",
        "--body-file plan.md",
        "--body-file plan.md",
        "--key k3",
    ])
}

fn reserving() -> impl Strategy<Value = Vec<String>> {
    let glob = || select(&GLOBS[..]);
    prop_oneof![
        3 => (glob(), maybe(&["--shared"]), maybe(&["--ttl 2s", "--ttl 30m", "--wait 2s", "--task A", "--task B"])).prop_map(|(glob, shared, ttl)| line(["reserve", glob, shared, ttl])),
        1 => (glob(), glob()).prop_map(|(a, b)| line(["reserve", a, b])),
        1 => glob().prop_map(|glob| line(["unreserve", glob])),
        1 => Just(line(["unreserve"])),
        1 => Just(line(["unreserve {reservation}"])),
    ]
}

fn telling() -> impl Strategy<Value = Vec<String>> {
    let to = select(vec!["ada", "bob", "all", "role:tester", "can:rust", "ada bob"]);
    prop_oneof![
        3 => (to, maybe(&["--ack", "--reply-to {message}", "--thread {message}", "--key k4"])).prop_map(|(to, how)| line(["send", to, "--text hi", how])),
        1 => Just(line(["ack {message}"])),
        1 => maybe(&["--all"]).prop_map(|all| line(["inbox", all])),
        1 => (select(&KEYS[..]), maybe(&["--replace", "--if-version 0", "--if-version 1"])).prop_map(|(key, how)| line(["state-set", key, "{\"a\":{\"b\":1}}", how])),
        1 => (select(&KEYS[..]), maybe(&["--if-version 2"])).prop_map(|(key, how)| line(["state-delete", key, how])),
        1 => Just(line(["sync phase=testing n:=1 gone:=null"])),
    ]
}

/// Asking a question, and voting on the last one.
fn voting() -> impl Strategy<Value = Vec<String>> {
    let quorum = maybe(&["--quorum all", "--quorum 1", "--quorum 2", "--quorum 4", "--quorum majority"]);
    let deadline = maybe(&["--deadline 1s", "--deadline 30s", "--deadline 1h"]);
    prop_oneof![
        2 => (quorum, deadline).prop_map(|(quorum, deadline)| line(["propose q --options a,b,c", quorum, deadline])),
        5 => (select(vec!["a", "b", "c", "d"]), maybe(&["--key k5", "--session {session:bob}"])).prop_map(|(option, how)| line(["vote {proposal}", option, how])),
        1 => maybe(&["--wait 2s"]).prop_map(|wait| line(["decision {proposal}", wait])),
    ]
}

fn being() -> impl Strategy<Value = Vec<String>> {
    prop_oneof![
        2 => maybe(&["--action testing", "--status busy", "--session {session:bob}"]).prop_map(|how| line(["heartbeat", how])),
        1 => Just(line(["renew"])),
        2 => select(vec!["join", "join --take-over", "start --take-over --can rust", "join --harness h1", "start --harness h1 --grace 30s", "start --grace 30s"]).prop_map(|join| line([join])),
        1 => Just(line(["leave"])),
    ]
}

fn asking() -> impl Strategy<Value = Vec<String>> {
    let questions = vec![
        "status",
        "ready",
        "agents --all",
        "tasks",
        "tasks --state ready,claimed,blocked",
        "tasks --agent bob",
        "reservations",
        "prime",
        "state",
        "check src/a.rs",
        "events --limit 5",
        "events --kind task_claimed,lease_lost",
        "wait A --timeout 2s",
        "thread {message}",
        "tasks --search a --limit 2",
    ];
    prop_oneof![
        3 => select(questions).prop_map(|question| line([question])),
        1 => task().prop_map(|id| line(["task", id])),
        1 => agent().prop_map(|name| line(["agent", name])),
    ]
}

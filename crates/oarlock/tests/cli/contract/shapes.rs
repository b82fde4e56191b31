//! Shapes: which fields each reply has. That nothing is null and that times are times is checked for every reply.

use serde_json::{Value, json};
use std::collections::BTreeSet;

use crate::support::{Project, THREE_PARTS};

const TASK: &str =
    "id title priority state stuck needs blocked_by capabilities writes resources attempt max_attempts artifacts created_at updated_at";
const AGENT: &str = "name session capabilities state activity last_seen age_ms timeout_ms claims";
const LEASE: &str = "task token ttl_ms attempt";
const ENTRY: &str = "key value version updated_at updated_by";
const RESERVATION: &str = "id pattern mode agent ttl_ms";
const MESSAGE: &str = "id thread from to text sent_at ack_required acked";
const EVENT: &str = "cursor at kind subject data";
const PLAN: &str =
    "task format planner advice parallelizable steps subtasks edges waves makespan_minutes serial_minutes conflicts warnings";

/// The object has all these fields; `exactly` says that it has no other.
#[track_caller]
fn has(value: &Value, fields: &str, exactly: bool) {
    let there: BTreeSet<&str> = value.as_object().map(|map| map.keys().map(String::as_str).collect()).unwrap_or_default();
    let wanted: BTreeSet<&str> = fields.split(' ').collect();
    assert!(wanted.is_subset(&there), "{:?} are missing in {value}", wanted.difference(&there));
    assert!(!exactly || there == wanted, "{:?} are too many in {value}", there.difference(&wanted));
}

#[test]
fn each_reply_has_its_fields() {
    let project = Project::none();
    project.write("plan.md", THREE_PARTS);
    has(&project.ok("init")["project"], "root store created", true);
    let joined = project.ok("join ada");
    has(&joined, "agent session resumed", true);
    has(&joined["agent"], AGENT, false);
    project.ok("join bob");
    let agents = project.ok("agents");
    has(&agents, "agents active", true);
    has(&agents["agents"][0], AGENT, false);
    has(&project.ok("agent ada"), "agent", true);
    let beat = project.ok("heartbeat --as ada --status busy --action testing");
    has(&beat, "agent renewed lost cancelled unread", true);
    has(&beat["agent"], &format!("{AGENT} status action"), false);

    for (line, field) in [
        ("add t --id A", "task"),
        ("update A --priority 1", "task"),
        ("note A text", "task"),
        ("add u --id B", "task"),
        ("depend B --on A", "task"),
        ("depend B --on A --remove", "task"),
    ] {
        let reply = project.ok(line);
        has(&reply, field, true);
        has(&reply[field], TASK, false);
    }
    has(&project.ok("tasks"), "tasks", true);
    has(&project.ok("tasks --limit 1"), "tasks next", true);
    has(&project.ok("ready"), "tasks", true);
    let shown = project.ok("task A");
    has(&shown, "task events", true);
    has(&shown["events"][0], EVENT, false);
    let split = project.ok("split ./plan.md --auto-finish");
    has(&split, &format!("{PLAN} created"), true);
    has(&split["created"][0], &format!("{TASK} parent body estimate_minutes"), false);

    let claimed = project.ok("claim A --as ada");
    has(&claimed, "task lease reservations unread", true);
    has(&claimed["lease"], LEASE, true);
    has(&claimed["task"]["holder"], "agent session token since ttl_ms", true);
    let many = project.ok("claim --count 2 --as bob");
    has(&many, "claims unread", true);
    has(&many["claims"][0], "task lease reservations", true);
    let renewed = project.ok("renew A --progress 50 --note half --as ada");
    has(&renewed, "lease unread", true);
    has(&renewed["lease"], LEASE, true);
    assert_eq!(project.task("A")["progress"], 50);
    let done = project.ok("done A --result r --artifact a.txt b.txt --as ada");
    has(&done, "task unblocked unread", true);
    assert_eq!((&done["task"]["result"], &done["task"]["artifacts"]), (&json!("r"), &json!(["a.txt", "b.txt"])));
    has(&project.ok("wait A"), "tasks", true);
    has(&project.ok("status"), "agents tasks lost stuck dead_letters cursor", false);
    has(&project.ok("prime"), "text", true);
    has(&project.ok("leave --as bob"), "released", true);
}

#[test]
fn each_reply_of_state_reservations_messages_and_log_has_its_fields() {
    let project = Project::with(&["ada", "bob"]);
    for line in ["sync a=b --as ada", "state-set k {} --as ada"] {
        let reply = project.ok(line);
        has(&reply, "state", true);
        has(&reply["state"], ENTRY, true);
    }
    has(&project.ok("state")["entries"][0], ENTRY, true);
    let deleted = project.ok("state-delete k --as ada");
    has(&deleted["state"], &ENTRY.replace("value ", ""), true);

    let reserved = project.ok("reserve src/** --reason because --as ada");
    has(&reserved, "reservations", true);
    has(&reserved["reservations"][0], &format!("{RESERVATION} reason"), true);
    has(&project.ok("reservations")["reservations"][0], RESERVATION, false);
    has(&project.ok("check src/x --as ada"), "reservations", true);
    has(&project.ok("unreserve --as ada"), "reservations", true);

    let sent = project.ok("send bob --text t --subject s --ack --as ada");
    has(&sent, "messages", true);
    has(&sent["messages"][0], &format!("{MESSAGE} subject"), true);
    let id = sent["messages"][0]["id"].as_str().expect("an id").to_owned();
    let answer = project.ok(&format!("send ada --text t --reply-to {id} --as bob"));
    has(&answer["messages"][0], &format!("{MESSAGE} reply_to"), true);
    for line in ["inbox --as bob", &format!("thread {id}"), &format!("ack {id} --as bob")] {
        has(&project.ok(line)["messages"][0], MESSAGE, false);
    }
    let events = project.ok("events");
    has(&events, "events cursor", true);
    has(&events["events"][0], &format!("{EVENT} agent session"), true);
    let end = events["cursor"].as_str().expect("a cursor");
    has(&project.ok(&format!("events --after {end}")), "events cursor", true);
}

#[test]
fn what_was_given_stands_in_the_shapes() {
    let project = Project::new();
    let joined = project.ok("join ada --role planner --can sql,rust --program agent --timeout 90s --pid 1");
    let agent = &joined["agent"];
    for (field, value) in [
        ("role", json!("planner")),
        ("capabilities", json!(["rust", "sql"])),
        ("program", json!("agent")),
        ("timeout_ms", json!(90_000)),
        ("pid", json!(1)),
        ("state", json!("active")),
        ("activity", json!("idle")),
    ] {
        assert_eq!(agent[field], value, "{field}");
    }
    project.ok("add other --id N");
    project.ok("add above --id P");
    let added = project.ok("add title --id T --body b --type bug --priority 1 --needs N --can x,y --writes src/a,src/b/** --resources gpu --estimate 45m --parent P --assign ada --max-attempts 5 --not-before 2h --gate human --as ada");
    let task = &added["task"];
    for (field, value) in [
        ("title", json!("title")),
        ("body", json!("b")),
        ("type", json!("bug")),
        ("priority", json!(1)),
        ("state", json!("blocked")),
        ("needs", json!(["N"])),
        ("blocked_by", json!(["N"])),
        ("capabilities", json!(["x", "y"])),
        ("resources", json!(["gpu"])),
        ("estimate_minutes", json!(45)),
        ("parent", json!("P")),
        ("assigned", json!("ada")),
        ("max_attempts", json!(5)),
        ("attempt", json!(0)),
        ("created_by", json!("ada")),
    ] {
        assert_eq!(task[field], value, "{field}");
    }
    assert_eq!(task["writes"].as_array().map(Vec::len), Some(2), "{task}");
    assert_eq!(project.task("P")["state"], "waiting");
    assert_eq!(project.ok("add plain")["task"]["priority"], 2);
    assert_eq!(project.ok("add plain")["task"]["max_attempts"], 3);
}

#[test]
fn a_cleared_value_is_absent_and_not_null() {
    let project = Project::with(&["ada"]);
    project.ok("add t --id T --assign ada");
    let task = project.ok("update T --assign ''")["task"].clone();
    assert!(task.get("assigned").is_none(), "{task}");
}

#[test]
fn a_cleared_value_is_no_null_in_the_log_either() {
    let project = Project::new();
    project.ok("add t --id T --assign ada");
    project.ok("update T --assign ''");
    project.ok("events");
    project.ok("task T");
}

#[test]
fn tasks_are_listed_oldest_first_filtered_and_page_by_page() {
    let project = Project::with(&["ada"]);
    for n in 1..=7 {
        project.ok(&format!("add 'task number {n}' --id T{n} --body 'body {n}' --priority {}", n % 5));
    }
    project.ok("add part --id PART --parent T7");
    project.ok("claim T3 --as ada");
    let ids = |line: &str| {
        let reply = project.ok(line);
        reply["tasks"].as_array().expect("a list").iter().map(|t| t["id"].as_str().expect("an id").to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(ids("tasks"), "T1 T2 T3 T4 T5 T6 T7 PART");
    assert_eq!(ids("tasks --state claimed,waiting"), "T3 T7");
    assert_eq!(ids("tasks --parent T7"), "PART");
    assert_eq!(ids("tasks --agent ada"), "T3");
    assert_eq!(ids("tasks --search 'body 5'"), "T5");
    assert_eq!(ids("tasks --search 'number 6'"), "T6");
    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let page = project.ok(&format!("tasks --limit 3{after}"));
        seen.extend(page["tasks"].as_array().expect("a list").iter().map(|t| t["id"].as_str().expect("an id").to_owned()));
        match page["next"].as_str() {
            Some(next) => after = format!(" --after {next}"),
            None => break,
        }
    }
    assert_eq!(seen.join(" "), "T1 T2 T3 T4 T5 T6 T7 PART");
    // The claim order: the most urgent first, of the same priority the oldest.
    assert_eq!(ids("ready"), "T5 T1 T6 T2 PART T4");
    assert_eq!(project.ok("claim --as ada")["task"]["id"], "T5");
}

#[test]
fn prime_is_short_whatever_the_titles() {
    let project = Project::with(&["ada"]);
    let title = "ü".repeat(500);
    for n in 0..12 {
        project.ok(&format!("add {title} --id T{n} --writes {}/**", "ä".repeat(100)));
    }
    project.ok("claim --count 6 --reserve --as ada");
    project.ok(&format!("send ada --text {} --as ada", "x".repeat(5_000)));
    project.ok("join bob");
    for n in 0..9 {
        project.ok(&format!("reserve {}{n}/** --as bob", "ö".repeat(200)));
    }
    for line in ["prime", "prime --as ada", "prime --as bob"] {
        let text = project.ok(line)["text"].as_str().expect("a text").to_owned();
        assert!(text.len() <= 3_000, "{} bytes", text.len());
        assert!(text.contains("claim"), "it says how to go on: {text}");
        assert_eq!(project.text(line).trim_end(), text.trim_end());
    }
    assert!(project.ok("prime --as ada")["text"].as_str().is_some_and(|text| text.contains("ada")));
}

#[test]
fn text_for_people_has_no_colour_without_a_terminal_and_no_control_characters() {
    let project = Project::with(&["ada"]);
    project.ok("add t --id T");
    project.ok("claim T --as ada");
    project.ok("reserve src/** --as ada");
    project.call_args(&["send", "ada", "--as", "ada", "--text", "hidden \u{202e} turned"]).ok();
    project.call_args(&["state-set", "k", "\"\\u001b[31mred\"", "--as", "ada"]).ok();
    for line in [
        "tasks",
        "task T",
        "agents",
        "agent ada",
        "status",
        "ready",
        "reservations",
        "inbox --as ada",
        "state",
        "events",
        "prime",
        "--help",
        "--version",
    ] {
        let text = project.text(line);
        assert!(!text.is_empty(), "{line}");
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{line}: {text:?}");
    }
}

//! Events, messages and states, both ways.

use serde_json::json;

use super::{CHAT, EVENTS, STATES, ralf, read, sync};

#[test]
fn events_of_old_scripts_stand_in_the_log_once() {
    let project = ralf();
    project.ok("ralf attach .");
    assert_eq!(project.ok("events --kind ralf_event")["events"], json!([]), "what was there is history, and stays in the files");
    let more = "- timestamp: '2026-02-01T16:02:00Z'\n  task_id: TASK-1\n  type: discovery\n  agent: executor\n  notes: 'it: works'\n";
    project.write(EVENTS, read(&project, EVENTS) + more + "- timestamp: now\n  type: info\n");
    assert_eq!(sync(&project).0, json!({"events": 2}));
    assert_eq!(sync(&project).0, json!({}));
    let events = project.ok("events --kind ralf_event")["events"].clone();
    assert_eq!((&events[0]["subject"], &events[0]["data"]["fields"]["notes"]), (&json!("TASK-1"), &json!("it: works")));
    assert_eq!(events[1]["subject"], EVENTS, "an event about nothing is the file's");
    assert!(project.ok("task TASK-1")["events"].to_string().contains("discovery"), "it stands in the task's history");
    // What the store says of itself in the file does not come back.
    project.ok("join ada");
    project.ok("claim TASK-1 --as ada");
    project.ok("done TASK-1 --as ada --result made");
    assert_eq!(sync(&project).1["events"], 2);
    assert!(read(&project, EVENTS).contains("  result: \"success\"\n  notes: \"made\"\n"));
    assert_eq!(sync(&project).0, json!({}));
    // The log is lost, as it once was: only new lines come.
    project.write(EVENTS, "events:\n- timestamp: later\n  type: start\n");
    assert_eq!(sync(&project).0, json!({"events": 1}));
}

#[test]
fn messages_cross_over_both_ways() {
    let project = ralf();
    project.write(CHAT, "# Bidirectional Chat\nmessages: []\n\nmetadata:\n  last_message_id: 0\n");
    project.ok("ralf attach .");
    project.ok("join ada");
    project.ok("join bob");
    project.ok("send bob --as ada --text 'it is \"ready\": yes' --subject Ready");
    assert_eq!(sync(&project).1["messages"], 1);
    let chat = read(&project, CHAT);
    assert!(chat.starts_with("# Bidirectional Chat\nmessages:\n- id: \"oarlock-"), "{chat}");
    assert!(
        chat.contains("  from: \"ada\"\n  to: \"bob\"\n") && chat.contains("  content: \"Ready\\n\\nit is \\\"ready\\\": yes\"\n"),
        "{chat}"
    );
    assert!(chat.ends_with("\n\nmetadata:\n  last_message_id: 0\n"), "{chat}");
    let theirs = "- from: planner\n  to: [ada, executor]\n  timestamp: '2026-02-01T16:02:00Z'\n  type: question\n  task_id: TASK-1\n  content: Why?\n  resolved: false\n";
    project.write(CHAT, chat.replace("\nmetadata", &format!("{theirs}\nmetadata")));
    assert_eq!(sync(&project).0["messages"], 1);
    assert_eq!(sync(&project).0, json!({}));
    let inbox = project.ok("inbox --as ada")["messages"].clone();
    assert_eq!(
        (&inbox[0]["from"], &inbox[0]["text"], &inbox[0]["subject"]),
        (&json!("planner"), &json!("Why?"), &json!("question TASK-1"))
    );
    assert_eq!(project.ok("agent executor")["agent"]["state"], "left", "it was only named");
}

#[test]
fn states_follow_whoever_changed_them() {
    let project = ralf();
    let before = "agents:\n  planner:\n    status: working   # mine\n    loop: 3\n\nmetadata:\n  last_updated: '2026-02-01T13:33:22Z'\n  updated_by: system\n";
    project.write(STATES, before);
    project.ok("ralf attach .");
    assert_eq!(read(&project, STATES), before);
    assert_eq!(project.ok("state")["entries"], json!([]), "nobody of that name is there");
    project.ok("join ada");
    project.ok("sync --as ada phase=testing passed:=12");
    assert_eq!(sync(&project).1["states"], 1);
    let shown = read(&project, STATES);
    assert!(shown.contains("  ada:\n    passed: 12\n    phase: \"testing\"\n") && shown.contains("updated_by: ada"), "{shown}");
    project.write(STATES, shown.replace("loop: 3", "loop: 4").replace("passed: 12", "passed: 13"));
    assert_eq!(sync(&project).0["states"], 2);
    assert_eq!(project.ok("state agent/ada")["entries"][0]["value"]["passed"], 13);
    assert_eq!(project.ok("state agent/planner")["entries"][0]["value"], json!({"loop": 4, "status": "working"}));
    assert_eq!(sync(&project), (json!({}), json!({}), json!([])));
    // Both change it: the store counts, and both values are reported.
    project.ok("sync --as ada passed:=14");
    project.write(STATES, read(&project, STATES).replace("passed: 13", "passed: 99"));
    let conflict = sync(&project).2[0].clone();
    assert_eq!((&conflict["task"], &conflict["kept"]), (&json!("agent/ada"), &json!("store")));
    assert!(read(&project, STATES).contains("passed: 14"));
    let told = project.ok("events --kind ralf_conflict")["events"][0].clone();
    assert_eq!(told["subject"], "agent/ada");
    assert!(told["data"]["files"].to_string().contains("99") && told["data"]["store"].to_string().contains("14"), "{told}");
    project.ok("state-delete agent/ada --as ada");
    assert_eq!(sync(&project).1["states"], 1);
    assert!(!read(&project, STATES).contains("ada:"));
    assert_eq!(sync(&project), (json!({}), json!({}), json!([])));
}

#[test]
fn what_stands_behind_our_own_entries_is_no_news() {
    let project = ralf();
    let item = |at: &str| format!("- timestamp: \"{at}\"\n  type: info\n");
    // Somebody has appended behind the end of the list.
    project.write(EVENTS, format!("events:\n{}metadata:\n  last_event_id: 1\n{}", item("x"), item("y")));
    project.ok("ralf attach .");
    project.ok("join ada");
    project.ok("claim TASK-1 --as ada");
    project.ok("ralf sync .");
    let text = read(&project, EVENTS);
    assert!(text.find("oarlock-") < text.find("metadata:"), "{text}");
    assert_eq!(project.ok("ralf sync .")["imported"], json!({}));
    project.write(EVENTS, text + &item("z"));
    assert_eq!(project.ok("ralf sync .")["imported"], json!({"events": 1}));
}

//! Task states: which verb leads from where to where, and the refusals.

use crate::support::{Project, THREE_PARTS};

/// How a task `ID` gets into each state. It is ada who acts later.
const STATES: [(&str, &[&str]); 11] = [
    ("ready", &["add t --id ID --body-file plan.md"]),
    ("blocked", &["add n --id ID-N", "add t --id ID --body-file plan.md --needs ID-N"]),
    ("scheduled", &["add t --id ID --not-before 1h"]),
    ("claimed", &["add t --id ID --body-file plan.md", "claim ID --as ada"]),
    ("held", &["add t --id ID --body-file plan.md", "claim ID --as bob"]),
    ("waiting", &["add t --id ID --body-file plan.md", "split ID"]),
    ("review", &["add t --id ID --gate human", "claim ID --as bob", "done ID --as bob"]),
    ("done", &["add t --id ID", "claim ID --as bob", "done ID --as bob"]),
    ("dead", &["add t --id ID", "claim ID --as bob", "fail ID --reason r --no-retry --as bob"]),
    ("cancelled", &["add t --id ID", "cancel ID"]),
    ("retried", &["add t --id ID", "claim ID --as bob", "fail ID --reason r --as bob"]),
];

/// The effect of the verb in each state of [`STATES`]: the state it leads to, or the error code.
const TABLE: [(&str, [&str; 11]); 10] = [
    // ready, blocked, scheduled, claimed, held, waiting, review, done, dead, cancelled, retried
    ("claim ID --as ada", ["claimed", "C", "C", "C", "H", "C", "C", "C", "C", "C", "C"]),
    ("done ID --as ada", ["C", "C", "C", "done", "H", "C", "C", "C", "C", "C", "C"]),
    ("fail ID --reason r --as ada", ["C", "C", "C", "scheduled", "H", "C", "C", "C", "C", "C", "C"]),
    ("release ID --as ada", ["C", "C", "C", "ready", "H", "C", "C", "C", "C", "C", "C"]),
    ("renew ID --as ada", ["C", "C", "C", "claimed", "H", "C", "C", "C", "C", "C", "C"]),
    ("approve ID", ["C", "C", "C", "C", "4", "C", "done", "C", "C", "C", "C"]),
    ("reject ID --reason r", ["C", "C", "C", "C", "4", "C", "ready", "C", "C", "C", "C"]),
    ("split ID --as ada", ["waiting", "waiting", "C", "waiting", "H", "A", "C", "C", "C", "C", "C"]),
    ("cancel ID", ["cancelled", "cancelled", "cancelled", "cancelled", "cancelled", "cancelled", "cancelled", "C", "C", "C", "cancelled"]),
    ("requeue ID", ["C", "C", "C", "C", "4", "C", "C", "C", "ready", "ready", "C"]),
];

#[test]
fn every_verb_does_in_every_state_what_the_table_says() {
    let project = Project::with(&["ada", "bob"]);
    project.write("plan.md", THREE_PARTS);
    for (row, (verb, outcomes)) in TABLE.iter().enumerate() {
        for ((state, setup), outcome) in STATES.iter().zip(outcomes) {
            let id = format!("{state}-{row}");
            for line in *setup {
                project.ok(&line.replace("ID", &id));
            }
            let before = project.task(&id);
            let wanted = match *state {
                "held" => "claimed",
                "retried" => "scheduled",
                other => other,
            };
            assert_eq!(before["state"], wanted, "{setup:?}");
            let line = verb.replace("ID", &id);
            let reply = project.call(&line).run();
            match *outcome {
                "C" => drop(reply.fails(4, "state_conflict")),
                "H" => drop(reply.fails(4, "lease_held")),
                "A" => drop(reply.fails(4, "already_exists")),
                // The contract leaves open which of the two it is.
                "4" => assert_eq!(reply.code, 4, "{}", reply.stderr),
                after => {
                    reply.ok();
                    assert_eq!(project.task(&id)["state"], after, "{line} in state {state}");
                    continue;
                }
            }
            let after = project.task(&id);
            assert_eq!(after["state"], before["state"], "{line}");
            assert_eq!(after["updated_at"], before["updated_at"], "a refusal changes nothing: {line}");
        }
    }
}

#[test]
fn an_unfinished_task_can_be_changed_and_a_finished_one_cannot() {
    let project = Project::with(&["ada", "bob"]);
    project.write("plan.md", THREE_PARTS);
    for (state, setup) in STATES {
        for line in setup {
            project.ok(&line.replace("ID", state));
        }
        let line = format!("update {state} --title new --priority 0");
        match state {
            "done" | "dead" | "cancelled" => drop(project.fails(&line, 4, "state_conflict")),
            _ => {
                let task = project.ok(&line)["task"].clone();
                assert_eq!((&task["title"], &task["priority"]), (&"new".into(), &0.into()), "{state}");
            }
        }
        project.ok(&format!("note {state} 'a note'"));
        let events = project.ok(&format!("task {state}"))["events"].clone();
        assert!(events.as_array().is_some_and(|list| list.iter().any(|e| e["kind"] == "task_noted" && e["data"]["text"] == "a note")));
    }
}

#[test]
fn a_finished_dependency_readies_what_waited_for_it() {
    let project = Project::with(&["ada"]);
    for line in ["add a --id A", "add b --id B", "add c --id C --needs A,B", "add d --id D --needs C"] {
        project.ok(line);
    }
    assert_eq!(project.task("C")["blocked_by"], serde_json::json!(["A", "B"]));
    project.claim("A", "ada");
    assert_eq!(project.ok("done A --as ada")["unblocked"], serde_json::json!([]));
    assert_eq!(project.task("C")["blocked_by"], serde_json::json!(["B"]));
    project.claim("B", "ada");
    assert_eq!(project.ok("done B --as ada")["unblocked"], serde_json::json!(["C"]));
    assert_eq!((&project.task("C")["state"], &project.task("D")["state"]), (&"ready".into(), &"blocked".into()));
    project.ok("depend D --on C --remove");
    assert_eq!(project.task("D")["state"], "ready");
    project.ok("depend D --on C");
    assert_eq!(project.task("D")["state"], "blocked");
    project.fails("depend C --on D", 2, "invalid_request");
    project.fails("depend C --on C", 2, "invalid_request");
    project.fails("depend C --on NOPE", 3, "not_found");
    project.fails("add x --needs NOPE", 3, "not_found");
}

#[test]
fn a_task_behind_a_dead_or_cancelled_one_is_shown_as_stuck() {
    let project = Project::with(&["ada"]);
    for line in [
        "add a --id A",
        "add b --id B --needs A",
        "add c --id C --needs B",
        "add d --id D",
        "add e --id E --needs D",
        "cancel A",
        "claim D --as ada",
        "fail D --reason r --no-retry --as ada",
    ] {
        project.ok(line);
    }
    for id in ["B", "C", "E"] {
        let task = project.task(id);
        assert_eq!((&task["state"], &task["stuck"]), (&"blocked".into(), &true.into()), "{id}");
    }
    let status = project.ok("status");
    assert_eq!(status["stuck"], serde_json::json!(["B", "C", "E"]));
    assert_eq!(status["dead_letters"], serde_json::json!(["D"]));
    project.ok("requeue A");
    assert_eq!(project.task("C")["stuck"], false);
    project.ok("requeue D");
    let task = project.task("D");
    assert_eq!((&task["state"], &task["attempt"]), (&"ready".into(), &0.into()));
}

#[test]
fn the_last_attempt_makes_a_dead_letter_and_requeue_gives_all_attempts_back() {
    let project = Project::with(&["ada"]);
    project.write(".oarlock/config.toml", "retry_first = \"1s\"\n");
    project.ok("add t --id T --max-attempts 2");
    project.claim("T", "ada");
    assert_eq!(project.ok("fail T --reason first --as ada")["task"]["state"], "scheduled");
    // The back-off of the first failure is at most a second and a half.
    assert_eq!(project.ok("claim T --wait 30s --as ada")["lease"]["attempt"], 2);
    assert_eq!(project.ok("fail T --reason second --as ada")["task"]["state"], "dead");
    project.ok("requeue T");
    assert_eq!(project.ok("claim T --as ada")["lease"]["attempt"], 1);
    // Giving back is no attempt.
    for _ in 0..3 {
        project.ok("release T --as ada");
        assert_eq!(project.ok("claim T --as ada")["lease"]["attempt"], 1);
    }
}

#[test]
fn a_parent_waits_for_its_parts_and_goes_on_when_the_last_is_done() {
    let project = Project::with(&["ada"]);
    project.write("plan.md", THREE_PARTS);
    for (id, flag, after) in [("P", "", "ready"), ("Q", " --auto-finish", "done")] {
        project.ok(&format!("add t --id {id} --body-file plan.md"));
        project.ok(&format!("split {id}{flag}"));
        for n in 1..=3 {
            assert_eq!(project.task(id)["state"], "waiting");
            project.claim(&format!("{id}-SUB{n}"), "ada");
            let done = project.ok(&format!("done {id}-SUB{n} --result 'part {n}' --as ada"));
            let unblocked = if n == 3 && after == "ready" { serde_json::json!([id]) } else { serde_json::json!([]) };
            assert_eq!(done["unblocked"], unblocked);
        }
        assert_eq!(project.task(id)["state"], after);
    }
    project.claim("P", "ada");
    assert_eq!(project.ok("done P --as ada")["task"]["state"], "done");
    assert_eq!(project.kinds_of("Q").iter().filter(|kind| *kind == "task_done").count(), 1);
}

#[test]
fn cancelling_takes_the_parts_along_and_tells_who_holds_one() {
    let project = Project::with(&["ada"]);
    project.write("plan.md", THREE_PARTS);
    project.ok("split ./plan.md");
    project.claim("plan-SUB1", "ada");
    project.claim("plan-SUB2", "ada");
    project.ok("done plan-SUB2 --as ada");
    project.ok("cancel plan");
    let states: Vec<String> = ["plan", "plan-SUB1", "plan-SUB2", "plan-SUB3"]
        .iter()
        .map(|id| project.task(id)["state"].as_str().expect("a word").to_owned())
        .collect();
    assert_eq!(states, ["cancelled", "cancelled", "done", "cancelled"]);
    assert_eq!(project.ok("heartbeat --as ada")["cancelled"], serde_json::json!(["plan-SUB1"]));
    assert_eq!(project.ok("heartbeat --as ada")["cancelled"], serde_json::json!([]));
    let reply = project.call("done plan-SUB1 --as ada").run();
    assert!([4, 5].contains(&reply.code), "{}", reply.stderr);
}

#[test]
fn a_gate_asks_a_person_before_a_task_is_done() {
    let project = Project::with(&["ada"]);
    project.ok("add t --id T --gate human");
    project.ok("add u --id U --needs T");
    let token = project.claim("T", "ada");
    assert_eq!(project.ok("done T --result first --as ada")["task"]["state"], "review");
    assert_eq!(project.ok(&format!("done T --token {token} --result first --as ada"))["task"]["state"], "review", "the same again");
    assert_eq!(project.task("U")["state"], "blocked");
    project.ok("reject T --reason 'no tests'");
    assert_eq!(project.task("T")["state"], "ready");
    project.claim("T", "ada");
    project.ok("done T --result second --as ada");
    let approved = project.ok("approve T")["task"].clone();
    assert_eq!((&approved["state"], &approved["result"]), (&"done".into(), &"second".into()));
    assert_eq!(project.task("U")["state"], "ready");
    assert_eq!(project.kinds_of("T").iter().filter(|kind| *kind == "task_done").count(), 1);
}

#[test]
fn a_claim_looks_at_capability_assignment_and_room() {
    let project = Project::new();
    project.ok("join ada --can rust --max-claims 1");
    project.ok("join bob --role sql");
    project.ok("add s --id S --can sql");
    project.ok("add r --id R --assign bob");
    project.fails("claim --as ada", 8, "nothing_ready");
    project.fails("claim S --as ada", 4, "state_conflict");
    project.fails("claim R --as ada", 4, "lease_held");
    project.ok("add x --id X");
    project.ok("add y --id Y");
    project.claim("X", "ada");
    project.fails("claim --as ada", 8, "nothing_ready");
    let both = project.ok("claim --count 9 --as bob")["claims"].clone();
    let ids: Vec<&str> = both.as_array().expect("a list").iter().filter_map(|c| c["task"]["id"].as_str()).collect();
    assert_eq!(ids, ["S", "R", "Y"]);
    // An assignment to somebody who is not there holds nobody off.
    project.ok("add z --id Z --assign bob");
    project.ok("leave --as bob");
    project.ok("release X --as ada");
    project.claim("Z", "ada");
}

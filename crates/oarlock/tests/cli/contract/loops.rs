//! The loop of an agent: claim, done, and the next; how it hears of messages meanwhile, and when it ends.

use rustix::process::Signal;
use serde_json::json;
use std::time::{Duration, Instant};

use crate::support::Project;

/// Far less than the waits of these tests.
const SOON: Duration = Duration::from_secs(20);

#[test]
fn with_everything_done_a_claim_says_stop_and_does_not_wait() {
    let project = Project::with(&["ada", "bob"]);
    let empty = project.fails("claim --as ada", 8, "nothing_ready");
    assert!(empty["details"].get("all_done").is_none() && empty["retryable"] == true, "{empty}");
    project.ok("add t --id T");
    project.claim("T", "ada");
    let begun = Instant::now();
    let waiting = project.start("claim --wait 60s --as bob");
    project.ok("done T --as ada");
    let error = waiting.reply().fails(8, "nothing_ready");
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    let facts = json!({"blocked": 0, "claimed": 0, "scheduled": 0, "waiting": 0, "review": 0, "dead": 0, "stuck": 0, "unread": 0, "all_done": true});
    assert_eq!((&error["details"], &error["retryable"]), (&facts, &json!(false)), "{error}");
    let text = project.call("claim --as ada").plain().run();
    assert!(text.code == 8 && text.stderr.contains("everything is done: stop"), "{}", text.stderr);
}

#[test]
fn a_claim_in_vain_counts_and_names_what_needs_somebody() {
    let project = Project::with(&["ada"]);
    project.ok("add a --id A --max-attempts 1");
    project.ok("add b --id B --needs A");
    project.ok("add c --id C --not-before 1h");
    project.claim("A", "ada");
    project.ok("fail A --reason broken --as ada");
    let error = project.fails("claim --as ada", 8, "nothing_ready");
    let count = |field: &str| error["details"][field].as_u64();
    assert_eq!(["blocked", "claimed", "scheduled", "dead", "stuck"].map(count), [1, 0, 1, 1, 1].map(Some), "{error}");
    let message = error["message"].as_str().expect("a text");
    assert!(message.contains("1 dead (A), 1 stuck (B)"), "{message}");
    assert!(error["hint"].as_str().expect("a text").contains("oarlock requeue A"), "{error}");
    let error = project.fails("claim --wait 1s --as ada", 8, "timed_out");
    assert_eq!((&error["details"]["dead"], &error["details"]["stuck"]), (&json!(1), &json!(1)), "{error}");
}

#[test]
fn every_reply_of_the_loop_counts_unread_messages() {
    let project = Project::with(&["ada", "bob"]);
    project.ok("add t --id T");
    project.ok("add u --id U");
    assert_eq!(project.ok("claim T --as bob")["unread"], 0);
    project.ok("send bob --text one --as ada");
    project.ok("send bob --text two --as ada");
    for line in ["claim U --as bob", "renew T --as bob", "heartbeat --as bob", "done T --as bob"] {
        assert_eq!(project.ok(line)["unread"], 2, "{line}");
    }
    project.ok("release U --as bob");
    assert_eq!(project.ok("claim --count 2 --as bob")["unread"], 2);
    for line in ["renew U --as bob", "heartbeat --as bob", "done U --as bob"] {
        let text = project.text(line);
        assert!(text.contains("2") && text.contains("oarlock inbox"), "{line}: {text}");
    }
    let error = project.fails("claim --as bob", 8, "nothing_ready");
    assert!(error["details"]["unread"] == 2 && error["hint"].as_str().expect("a text").contains("oarlock inbox"), "{error}");
    project.ok("inbox --as bob");
    assert!(!project.text("heartbeat --as bob").contains("oarlock inbox"));
}

#[test]
fn a_claim_that_waits_ends_for_a_message_and_shows_it_once() {
    let project = Project::with(&["ada", "bob"]);
    project.ok("add t --id T --not-before 1h");
    let begun = Instant::now();
    let waiting = project.start("claim --wait 60s --or-message --as bob");
    project.ok("send bob --text hello --as ada");
    project.ok("send bob --text 'stop T' --subject urgent --ack --as ada");
    let error = waiting.reply().fails(8, "messages_waiting");
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    let messages = error["details"]["messages"].as_array().expect("a list");
    assert_eq!((messages.len(), &messages[0]["text"], &messages[0]["from"]), (1, &json!("stop T"), &json!("ada")), "{error}");
    assert_eq!(error["details"]["unread"], 1, "the other one");
    project.fails("claim --wait 1s --or-message --as bob", 8, "timed_out");
    // It is neither acknowledged nor gone.
    assert_eq!(project.ok("inbox --as bob")["messages"].as_array().map(Vec::len), Some(2));
    project.ok("send bob --text 'again' --ack --as ada");
    let text = project.call("claim --wait 60s --or-message --as bob").plain().run();
    assert!(text.code == 8 && text.stderr.contains("again") && text.stderr.contains("oarlock ack"), "{}", text.stderr);
    project.ok("add ready --id R");
    project.ok("send bob --text 'and again' --ack --as ada");
    assert_eq!(project.ok("claim --wait 60s --or-message --as bob")["task"]["id"], "R", "a ready task goes first");
}

#[test]
fn one_call_ends_a_task_and_takes_the_next() {
    let project = Project::with(&["ada", "bob"]);
    project.ok("add a --id A");
    project.ok("add b --id B --needs A --writes src/**");
    project.claim("A", "ada");
    let reply = project.ok("done A --result fine --claim --reserve --as ada");
    assert_eq!((&reply["task"]["state"], &reply["unblocked"], &reply["unread"]), (&json!("done"), &json!(["B"]), &json!(0)));
    let claimed = &reply["claimed"];
    assert_eq!((&claimed["task"]["id"], &claimed["task"]["holder"]["agent"]), (&json!("B"), &json!("ada")), "{reply}");
    assert!(claimed["lease"]["token"].is_u64() && claimed["reservations"][0]["pattern"] == "src/**", "{reply}");
    assert!(reply.get("nothing_ready").is_none());
    let reply = project.ok("done B --claim --wait 60s --as ada");
    assert_eq!(reply["nothing_ready"]["all_done"], true, "{reply}");
    assert!(reply["nothing_ready"]["blocked"] == 0 && reply.get("claimed").is_none(), "{reply}");
    project.fails("done B --reserve --as ada", 2, "usage");
    // As text, and only the id of the next task.
    for id in ["C", "D", "E"] {
        project.ok(&format!("add {id} --id {id}"));
    }
    project.claim("C", "ada");
    let text = project.text("done C --claim --as ada");
    assert!(text.contains("D D") && text.contains("token"), "{text}");
    assert_eq!(project.text("done D --claim -q --as ada"), "E\n");
    assert_eq!(project.text("done E --claim -q --as ada"), "");
    let text = project.text("done E --claim --as ada");
    assert!(text.contains("everything is done: stop"), "{text}");
}

#[test]
fn what_a_key_has_ended_and_taken_is_not_taken_twice() {
    let project = Project::with(&["ada"]);
    for id in ["A", "B", "C"] {
        project.ok(&format!("add {id} --id {id}"));
    }
    project.claim("A", "ada");
    let racing: Vec<_> = (0..4).map(|_| project.start("done A --result r --claim --key k --as ada")).collect();
    let replies: Vec<_> = racing.into_iter().map(|call| call.reply().ok()).collect();
    assert!(replies.iter().all(|reply| reply["claimed"]["lease"] == replies[0]["claimed"]["lease"]), "{replies:?}");
    assert_eq!(project.ok("done A --result r --claim --as ada")["claimed"]["task"]["id"], "B", "nor without the key");
    assert_eq!(project.ok("agent ada")["agent"]["claims"], json!(["B"]));
}

#[test]
fn an_interrupted_wait_for_the_next_task_is_no_failure() {
    let project = Project::with(&["ada", "bob"]);
    let served = project.serve("");
    for (line, through) in [("done A --claim --wait 60s --as ada", None), ("done B --claim --wait 60s --as bob", Some(&served.url))] {
        let (id, agent) = if through.is_none() { ("A", "ada") } else { ("B", "bob") };
        project.ok(&format!("add t --id {id}"));
        project.ok(&format!("add later --id {id}-LATER --not-before 1h"));
        project.claim(id, agent);
        let begun = Instant::now();
        let call = project.call(line);
        let waiting = if let Some(url) = through { call.env("OARLOCK_STORE", url) } else { call }.start();
        project.ok(&format!("wait {id}"));
        waiting.signal(Signal::INT);
        let reply = waiting.reply().ok();
        assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
        assert_eq!(
            (&reply["task"]["state"], &reply["nothing_ready"]["scheduled"]),
            (&json!("done"), &json!(if id == "A" { 1 } else { 2 })),
            "{reply}"
        );
    }
}

#[test]
fn each_reply_of_the_loop_tells_once_what_happened_to_the_agent() {
    let project = Project::with(&["ada"]);
    for id in ["A", "B", "C", "D", "E", "F"] {
        project.ok(&format!("add t --id {id}"));
    }
    // Tasks cancelled under an agent are named by its next call, as JSON and as text, and not again.
    for (held, line) in [("A", "claim E --as ada"), ("B", "done E --as ada"), ("C", "renew --as ada"), ("D", "heartbeat --as ada")] {
        project.claim(held, "ada");
        project.ok(&format!("cancel {held}"));
        assert_eq!(project.ok(line)["cancelled"], json!([held]), "{line}");
        let again = project.ok("heartbeat --as ada");
        assert_eq!(again["cancelled"], json!([]), "{line}");
    }
    project.claim("F", "ada");
    project.ok("add g --id G");
    for (n, line) in ["claim G", "done G", "renew", "renew F", "heartbeat"].into_iter().enumerate() {
        let gone = format!("X-{n}");
        project.ok(&format!("add x --id {gone}"));
        project.claim(&gone, "ada");
        project.ok(&format!("cancel {gone}"));
        let text = project.text(&format!("{line} --as ada"));
        assert!(text.contains(&format!("CANCELLED, stop working on: {gone}")), "{line}: {text}");
    }
    assert!(project.text("renew --as ada").starts_with("F "), "all leases, a line each");
    // A call that ends a task and takes the next names it with the end.
    project.ok("add h --id H");
    project.claim("H", "ada");
    project.ok("cancel H");
    let reply = project.ok("done F --claim --as ada");
    assert_eq!((&reply["cancelled"], reply["claimed"].get("cancelled")), (&json!(["H"]), None), "{reply}");
}

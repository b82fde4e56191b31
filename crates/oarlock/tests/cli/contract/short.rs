//! Text for people and agents: short unless `--full` is given, and without internals. The JSON stays whole.

use crate::support::Project;

/// Bytes that the loop of [`the_loop_costs_few_bytes`] printed before replies were short, the claimed task's own text apart.
const LONG_LOOP_BYTES: usize = 2_843;

fn body() -> String {
    let text = "Write the parser. ".repeat(100);
    format!("{}\n", &text[..1_499])
}

fn printed(project: &Project, line: &str) -> String {
    let reply = project.call(line).plain().run();
    assert_eq!(reply.code, 0, "{line}: {}", reply.stderr);
    reply.stdout + &reply.stderr
}

#[test]
fn the_loop_costs_few_bytes() {
    let project = Project::new();
    project.call("add 'Write the parser' --body - --writes src/parser.rs").input(body()).ok();
    project.ok("add 'Write the printer'");
    project.ok("join ada");
    let done = "done T-1 --as ada --result 'parser written: src/parser.rs, 12 tests pass, no open points'";
    let loop_of = ["prime --as ada", "claim --reserve --as ada", "renew T-1 --progress 50 --note half --as ada", done, "inbox --as ada"];
    let texts: Vec<String> = loop_of.iter().map(|line| printed(&project, line)).collect();
    assert!(texts[1].contains(body().trim_end()), "a claimed task's own text is never cut: {}", texts[1]);
    assert!(texts[1].contains("token ") && texts[1].contains("src/parser.rs"), "{}", texts[1]);
    assert_eq!(texts[3], "T-1 is done\n");
    let bytes = texts.iter().map(String::len).sum::<usize>() - body().len();
    assert!(bytes * 2 <= LONG_LOOP_BYTES, "{bytes} bytes: {texts:?}");
}

#[test]
fn replies_do_not_repeat_what_the_caller_has_unless_all_is_asked_for() {
    let project = Project::with(&["ada", "bob"]);
    let long = "a text of some length ".repeat(50);
    project.call("add first --id T --body -").input(long.clone()).ok();
    for (line, wanted) in [
        ("note T 'a note' --as ada", "T is ready\n".to_owned()),
        ("update T --title other", "T is ready\n".to_owned()),
        ("claim T --as ada", String::new()),
        ("sync phase=x --as ada", "agent/ada: version 1\n".to_owned()),
        ("release T --as ada", "T is ready\n".to_owned()),
        ("cancel T", "T is cancelled\n".to_owned()),
        ("requeue T", "T is ready\n".to_owned()),
    ] {
        let text = printed(&project, line);
        assert!(wanted.is_empty() || text == wanted, "{line}: {text}");
        assert_eq!(text.contains(long.trim_end()), line.starts_with("claim"), "{line}: {text}");
    }
    assert!(printed(&project, "note T again --full").contains(long.trim_end()));
    assert!(printed(&project, "--full note T again").contains(long.trim_end()));
    assert_eq!(project.ok("note T again")["task"]["body"], long);
    let sent = printed(&project, &format!("send bob --as ada --text '{long}'"));
    assert!(sent.starts_with("sent M-") && sent.ends_with(" to bob\n"), "{sent}");
    let id = project.ok("inbox --as bob")["messages"][0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(printed(&project, &format!("ack {id} --as bob")), format!("acknowledged: {id}\n"));
}

#[test]
fn people_read_the_beginning_of_a_long_message_and_where_the_rest_is() {
    let project = Project::with(&["ada", "bob"]);
    let text = format!("{}END", "long ".repeat(2_000));
    let sent = project.call("send ada --text - --as bob").input(text.clone()).ok();
    let id = sent["messages"][0]["id"].as_str().expect("an id");
    let inbox = project.text("inbox --as ada");
    assert!(inbox.len() < 5_000 && inbox.contains(&format!("more bytes: oarlock thread {id}")), "{inbox}");
    for line in [format!("thread {id}"), "inbox --full --as ada".to_owned()] {
        assert!(project.text(&line).contains("END"), "{line}");
    }
    assert_eq!(project.ok("inbox --as ada")["messages"][0]["text"], text, "JSON is never cut");
}

#[test]
fn line_ends_of_windows_are_line_ends() {
    let project = Project::with(&["ada"]);
    project.call("add t --id T --body -").input("one\r\ntwo\r\n").ok();
    for line in ["task T", "claim T --as ada"] {
        let text = printed(&project, line);
        assert!(text.contains("one\ntwo\n") && !text.contains("\\u{d}"), "{line}: {text}");
    }
    assert_eq!(project.task("T")["body"], "one\r\ntwo\r\n", "what is stored is as it was");
}

#[test]
fn a_history_for_people_has_durations_and_what_was_reserved() {
    let project = Project::with(&["ada"]);
    project.ok("add t --id T --not-before 1s --writes src/a.rs --resources port");
    project.ok("claim T --wait 30s --reserve --as ada");
    project.ok("fail T --reason broken --as ada");
    let history = printed(&project, "task T");
    assert!(history.contains("retry_in=") && !history.contains("retry_at"), "{history}");
    assert!(history.contains("ttl=15 min") && history.contains("not_before=20"), "{history}");
    let failed = project.ok("events --kind task_failed")["events"][0]["data"].clone();
    assert!(failed["retry_in_ms"].as_i64() >= Some(1_000) && failed["retry_at"].is_i64(), "{failed}");
    let events = printed(&project, "events --kind reservation_made");
    assert!(events.contains("target=src/a.rs") && events.contains("target=resource:port"), "{events}");
}

#[test]
fn lists_say_whom_a_task_is_meant_for_and_what_is_done_has_no_percent() {
    let project = Project::with(&["ada"]);
    project.ok("add t --id T --assign ada");
    for line in ["tasks", "ready"] {
        let text = printed(&project, line);
        assert!(text.contains("for ada"), "{line}: {text}");
    }
    project.ok("claim T --as ada");
    project.ok("renew T --progress 50 --as ada");
    assert!(!printed(&project, "tasks").contains("for ada"), "it is held");
    assert_eq!(project.task("T")["progress"], 50);
    project.ok("done T --as ada");
    assert!(!printed(&project, "task T").contains("percent") && project.task("T").get("progress").is_none());
}

#[test]
fn the_split_of_a_held_task_says_that_its_lease_has_ended() {
    let project = Project::with(&["ada"]);
    let document = "# Two\n\n1. Write `a.rs`\n2. Write `b.rs`\n";
    for id in ["T", "U"] {
        project.call(&format!("add two --id {id} --body - --writes src/{id}/**")).input(document).ok();
        project.ok(&format!("claim {id} --reserve --as ada"));
    }
    let reply = project.ok("split T --as ada");
    assert_eq!((&reply["lease_ended"].is_u64(), &reply["reservations_ended"]), (&true, &serde_json::json!(["src/T/**"])), "{reply}");
    let text = printed(&project, "split U --as ada");
    assert!(text.contains("your lease on U (token") && text.contains("and so did its reservations: src/U/**"), "{text}");
    assert!(printed(&project, "split --help").contains("ends your lease"));
    let open = project.ok("split T-SUB1 --dry-run");
    assert!(open.get("lease_ended").is_none(), "{open}");
}

#[test]
fn a_claim_tells_what_the_last_holders_left() {
    let project = Project::with(&["ada"]);
    project.ok("add whole --id P --gate human");
    project.ok("add part --id P1 --parent P");
    project.ok("claim P1 --as ada");
    project.ok("done P1 --result 'the part' --as ada");
    let text = printed(&project, "claim P --as ada");
    assert!(text.contains("Integration\n") && text.contains("Results of the parts\n## part (P1)\n\nthe part\n"), "{text}");
    project.ok("done P --result 'first try' --as ada");
    project.ok("reject P --reason 'no tests'");
    let text = printed(&project, "claim P --as ada");
    for wanted in ["Why the last result was rejected\nno tests\n", "Result of an earlier attempt\nfirst try\n", "Results of the parts\n"] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    project.ok("done P --result 'second try' --as ada");
    project.ok("approve P");
    let text = printed(&project, "task P");
    assert!(text.contains("result\nsecond try\n") && text.contains("results of the parts\n## part (P1)"), "{text}");
}

//! Lists that are cut short: `next`, the line on standard error, and what `-q` and tables leave out.

use serde_json::json;

use crate::support::Project;

/// The lines on the two streams of a call for people.
fn streams(project: &Project, line: &str) -> (Vec<String>, String) {
    let reply = project.call(line).plain().run();
    assert_eq!(reply.code, 0, "oarlock {line}\n{}", reply.stderr);
    (reply.stdout.lines().map(str::to_owned).collect(), reply.stderr)
}

fn large(project: &Project, count: usize) {
    project.write("large.txt", "x".repeat(900_000));
    for n in 0..count {
        project.ok(&format!("add t{n} --body-file large.txt"));
    }
}

#[test]
fn bodies_do_not_count_where_they_are_not_printed() {
    let project = Project::with(&["ada", "bob"]);
    large(&project, 7);
    for n in 0..3 {
        project.call(&format!("send bob --subject s{n} --text - --as ada")).input("x".repeat(900_000)).ok();
    }
    assert!(project.ok("tasks")["next"].is_string() && project.ok("ready")["next"].is_string());
    for (line, count) in [("tasks -q", 7), ("ready -q", 7), ("events -q", 12), ("events -q --kind task_added", 7), ("inbox -q --as bob", 3)]
    {
        let (ids, stderr) = streams(&project, line);
        assert_eq!((ids.len(), stderr.as_str()), (count, ""), "{line}: {ids:?}");
    }
    let (ids, _) = streams(&project, "tasks -q");
    assert_eq!(ids, ["T-1", "T-2", "T-3", "T-4", "T-5", "T-6", "T-7"]);
    let (table, stderr) = streams(&project, "tasks");
    assert_eq!((table.len(), stderr.as_str()), (8, ""), "{table:?}");
    assert_eq!(streams(&project, "ready").0.len(), 8);
    assert_eq!(streams(&project, "events").0.len(), 12);
    // The messages are in the order of time, though the newest page was read first.
    let sent: Vec<String> = streams(&project, "events -q --kind message_sent").0;
    let inbox = streams(&project, "inbox -q --as bob").0;
    assert_eq!(inbox.len(), sent.len());
    assert!(inbox.is_sorted_by_key(|id| id.rsplit('-').next().and_then(|number| number.parse::<u64>().ok())), "{inbox:?}");
}

#[test]
fn a_list_that_goes_on_says_how_on_standard_error() {
    let project = Project::with(&["ada", "bob", "cy"]);
    for n in 0..4 {
        project.ok(&format!("add t{n}"));
        project.ok(&format!("note T-1 n{n}"));
        project.ok(&format!("state-set k{n} {n} --as ada"));
        project.ok(&format!("reserve src/{n}.rs --as ada"));
    }
    let first = project.ok("send bob --text m0 --as ada")["messages"][0]["id"].as_str().expect("an id").to_owned();
    for n in 1..4 {
        project.ok(&format!("send bob --text m{n} --thread {first} --as ada"));
    }
    let lists = [
        ("tasks", "the list goes on"),
        ("ready", "the list goes on"),
        ("events", "the list goes on"),
        ("task T-1", "the history has older events"),
        ("inbox --as bob", "there are 2 older messages"),
        (&format!("thread {first}"), "the list goes on"),
        ("state", "the list goes on"),
        ("reservations", "the list goes on"),
        ("agents", "the list goes on"),
    ];
    for (line, words) in lists {
        let reply = project.ok(&format!("{line} --limit 2"));
        let next = reply["next"].as_str().expect(line);
        for quiet in ["", " -q"] {
            let (_, stderr) = streams(&project, &format!("{line} --limit 2{quiet}"));
            assert_eq!(stderr, format!("{words}: add --after {next}\n"), "{line}{quiet}");
        }
        let rest = project.ok(&format!("{line} --limit 100 --after {next}"));
        assert!(rest.get("next").is_none(), "{line}: {rest}");
    }
    // The request is not larger than the list: nothing to say.
    assert_eq!(streams(&project, "tasks --limit 4").1, "");
    assert_eq!(project.ok("tasks --limit 4").get("next"), None);
}

#[test]
fn the_history_and_the_inbox_show_the_newest() {
    let project = Project::with(&["ada", "bob"]);
    project.ok("add t");
    for n in 0..5 {
        project.ok(&format!("note T-1 n{n}"));
        project.ok(&format!("send bob --text m{n} --as ada"));
    }
    let page = project.ok("task T-1 --limit 2");
    let texts = |reply: &serde_json::Value| {
        reply["events"].as_array().expect("a list").iter().map(|e| e["data"]["text"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(texts(&page), ["n3", "n4"]);
    let older = project.ok(&format!("task T-1 --limit 2 --after {}", page["next"].as_str().expect("a cursor")));
    assert_eq!(texts(&older), ["n1", "n2"]);
    let page = project.ok("inbox --limit 2 --as bob");
    assert_eq!((&page["messages"][0]["text"], &page["messages"][1]["text"], &page["older"]), (&json!("m3"), &json!("m4"), &json!(3)));
    let older = project.ok(&format!("inbox --limit 9 --as bob --after {}", page["next"].as_str().expect("a cursor")));
    assert_eq!(older["messages"].as_array().map(Vec::len), Some(3));
    // With a key, which is that of the first page only, the ids of all come anyway.
    assert_eq!(streams(&project, "inbox -q --as bob --key k1").0.len(), 5);
    project.fails("inbox --as bob --wait 1s --after 5", 2, "usage");
}

//! Values: a wrong form or range is `invalid_request`, too large or too many is `limit_reached`.

use crate::support::{Project, words};

const BODY_BYTES_MAX: usize = 1 << 20;

#[test]
fn a_title_is_read_from_standard_input_where_it_is_a_dash() {
    let project = Project::new();
    let added = project.call("add - --body b").input("write the parser\r\n").ok();
    assert_eq!((&added["task"]["title"], &added["task"]["body"]), (&"write the parser".into(), &"b".into()));
    assert_eq!(project.call("update T-1 --title -").input("read it").ok()["task"]["title"], "read it");
    project.call("add -").input("two\nlines").fails(2, "invalid_request");
    project.call("add -").input("").fails(2, "invalid_request");
    project.call("add -").input("x".repeat(501)).fails(6, "limit_reached");
    for line in ["add - --body -", "add - --body-file -", "update T-1 --title - --body -"] {
        project.call(line).input("x").fails(2, "invalid_request");
    }
    assert_eq!(project.ok("tasks")["tasks"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_value_out_of_form_or_range_is_an_invalid_request() {
    let project = Project::with(&["ada"]);
    project.ok("add t --id T");
    let before = project.ok("status")["cursor"].clone();
    let mut wrong = Vec::new();
    for line in [
        // Identifiers.
        "task ../../x",
        "task .hidden",
        "task 'a b'",
        "task ''",
        "task a/b",
        "add t --id ../../x",
        "add t --parent a/b",
        "add t --needs a,../b",
        "add t --can 'a b'",
        "add t --assign ../x",
        "join ../../x",
        "join 'ada lovelace'",
        "join x --role ../x",
        "claim --as ../../x",
        "claim ../../x --as ada",
        "status --as ../x",
        "status --session ../x",
        "depend T --on ../x",
        "send ../x --text t --as ada",
        "send role:../x --text t --as ada",
        "ack ../x --as ada",
        "thread ../x",
        "state ../x",
        "state-set a//b 1 --as ada",
        "init --prefix ../x",
        // Durations: from one second to thirty days.
        "claim --ttl 0s --as ada",
        "claim --ttl 31d --as ada",
        "claim --ttl 1.5h --as ada",
        "claim --ttl 10 --as ada",
        "claim --ttl '' --as ada",
        "claim --ttl 99999999999999999999s --as ada",
        "claim --wait 0s --as ada",
        "join x --timeout 31d",
        "add t --not-before 0s",
        "add t --estimate soon",
        "wait T --timeout 0s",
        "reserve a --ttl 0s --as ada",
        "inbox --wait 1w --as ada",
        "events --wait 0s",
        "status --busy 0s",
        // Numbers.
        "add t --priority 5",
        "add t --priority -1",
        "add t --priority x",
        "add t --priority 256",
        "add t --max-attempts 0",
        "add t --max-attempts 1001",
        "add t --max-attempts -1",
        "tasks --limit 0",
        "tasks --limit 10001",
        "tasks --limit -1",
        "tasks --limit x",
        "events --limit 0",
        "events --limit 10001",
        "ready --limit 0",
        "ready --limit 10001",
        "claim --count 0 --as ada",
        "join x --max-claims 0",
        "join x --pid x",
        "done T --token x --as ada",
        "done T --token -1 --as ada",
        "done T --token 99999999999999999999 --as ada",
        "renew T --progress 101 --as ada",
        "renew T --progress -1 --as ada",
        "state-set k 1 --if-version x --as ada",
        "agents --at-least x",
        "split T --agents 0",
        "split T --max-subtasks 0",
        // Words out of a list, cursors, JSON, patterns, texts.
        "tasks --state nope",
        "events --kind nope",
        "events --after nope",
        "tasks --after -1",
        "add t --gate robot",
        "state-set k {bad --as ada",
        "state-set k '' --as ada",
        "sync novalue --as ada",
        "sync =x --as ada",
        "sync k:={bad --as ada",
        "sync --merge [1] --as ada",
        "reserve /abs --as ada",
        "reserve ../x --as ada",
        "reserve a/../b --as ada",
        "reserve '!src' --as ada",
        "reserve '' --as ada",
        "add t --writes /abs",
        "check ../outside",
        "check /etc/passwd",
        "add ''",
        "add '  '",
        "add 'a\nb'",
        "add 'a\u{7}b'",
        "add t --body 'a\u{1b}[31mb'",
        "fail T --reason '' --as ada",
        "send ada --text '' --as ada",
        "heartbeat --key '' --as ada",
        "status --store nonsense",
        "status --store sqlite:",
    ] {
        let reply = project.call(line).run();
        let error = reply.stderr.contains("\"code\":\"invalid_request\"");
        if reply.code != 2 || !error {
            wrong.push(format!("oarlock {line}: exit {}\n{}{}", reply.code, reply.stdout, reply.stderr));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.concat());
    assert_eq!(project.ok("status")["cursor"], before, "a refused call changes nothing");
}

#[test]
fn a_bad_value_that_begins_with_a_dash_is_an_invalid_request_too() {
    let project = Project::with(&["ada"]);
    project.fails("claim --ttl -1s --as ada", 2, "invalid_request");
    project.fails("add t --id -x", 2, "invalid_request");
}

#[test]
fn the_ends_of_each_range_are_accepted() {
    let project = Project::with(&["ada"]);
    let id = "a".repeat(64);
    for line in [
        &format!("add t --id {id} --priority 0 --max-attempts 1"),
        "add t --priority 4 --max-attempts 1000 --not-before 30d",
        "add t --not-before 1s",
        "tasks --limit 1",
        "tasks --limit 10000",
        "events --limit 10000",
        "ready --limit 10000",
        "join x --timeout 1s",
        "join y --timeout 30d",
        &format!("claim {id} --ttl 30d --as ada"),
        &format!("renew {id} --progress 0 --as ada"),
        &format!("renew {id} --progress 100 --as ada"),
        "state-set a/b/c 1 --as ada",
    ] {
        project.ok(line);
    }
    project.fails(&format!("task {id}a"), 2, "invalid_request");
}

#[test]
fn what_is_too_large_reaches_a_limit() {
    let project = Project::with(&["ada"]);
    project.ok("add t --id T");
    project.ok("claim T --as ada");
    let over = project.write("over.txt", "x".repeat(BODY_BYTES_MAX + 1));
    let fits = project.write("fits.txt", "x".repeat(BODY_BYTES_MAX));
    let (over, fits) = (over.display(), fits.display());
    for line in
        [format!("add t --body-file {over}"), format!("update T --body-file {over}"), format!("done T --result-file {over} --as ada")]
    {
        let error = project.fails(&line, 6, "limit_reached");
        assert_eq!(error["details"]["limit"], BODY_BYTES_MAX, "{error}");
        assert_eq!(error["details"]["actual"], BODY_BYTES_MAX + 1, "{error}");
    }
    for line in ["add t --body -", "add t --body-file -", "done T --result - --as ada", "send ada --text - --as ada"] {
        project.call(line).input("x".repeat(BODY_BYTES_MAX + 1)).fails(6, "limit_reached");
    }
    assert_eq!(project.ok(&format!("add t --body-file {fits}"))["task"]["body"].as_str().map(str::len), Some(BODY_BYTES_MAX));
    assert_eq!(project.call("add t --body -").input("from a pipe\n").ok()["task"]["body"], "from a pipe\n");
    assert_eq!(project.call("done T --result - --as ada").input("from a pipe").ok()["task"]["result"], "from a pipe");

    let ids: Vec<String> = (0..1_001).map(|n| format!("x{n}")).collect();
    let ids = ids.join(",");
    let long = |chars: usize| "ü".repeat(chars);
    for line in [
        format!("add {}", long(501)),
        format!("add t --needs {ids}"),
        format!("add t --can {ids}"),
        format!("update T --title {}", long(501)),
        format!("heartbeat --action {} --as ada", long(2_001)),
        format!("status --key {}", long(201)).replace("status", "add t"),
        "claim --count 1001 --as ada".to_owned(),
    ] {
        project.fails(&line, 6, "limit_reached");
    }
    project.ok(&format!("add {}", long(500)));
    let deep = format!("{}1{}", "[".repeat(65), "]".repeat(65));
    project.fails(&format!("state-set deep {deep} --as ada"), 6, "limit_reached");
    // Far too deep for a reader that calls itself: refused, not crashed.
    let deeper = "[".repeat(100_000);
    let reply = project.call_args(&["state-set", "deep", &deeper, "--as", "ada"]).run();
    assert!([2, 6].contains(&reply.code), "{}", reply.stderr);
}

#[test]
fn values_that_look_like_flags_are_values() {
    let project = Project::with(&["ada"]);
    assert_eq!(project.call_args(&["add", "--", "--not-a-flag"]).ok()["task"]["title"], "--not-a-flag");
    assert_eq!(words("add t --priority -1").len(), 4);
    assert_eq!(project.ok("state-set n -1 --as ada")["state"]["value"], -1);
    assert_eq!(project.ok("state-set key {} --key key --as ada")["state"]["key"], "key");
}

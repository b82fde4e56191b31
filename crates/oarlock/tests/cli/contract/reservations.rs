//! Reservations and `check`: who may write where.

use serde_json::json;
use std::os::unix::fs::symlink;

use crate::support::Project;

#[test]
fn overlapping_patterns_exclude_each_other_unless_both_share() {
    let project = Project::with(&["ada", "bob"]);
    for (held, wanted, overlaps) in [
        ("src/**", "src/main.rs", true),
        ("src/**", "src", true),
        ("src/*.rs", "src/a/b.rs", false),
        ("src/*.rs", "src/m?in.rs", true),
        ("src/[a-c].rs", "src/b.rs", true),
        ("src/[a-c].rs", "src/d.rs", false),
        ("**/test.rs", "a/b/test.rs", true),
        ("src/*", "s*/lib.rs", true),
        ("src/a.rs", "src/A.rs", false),
        ("docs/**", "src/**", false),
        ("src//a/./b", "src/a/b", true),
        ("src", "src/a.rs", true),
        ("src", "src/a/b/*.rs", true),
        ("crates/*/src", "crates/x/src/lib.rs", true),
        ("crates/*/src", "crates/x/tests/all.rs", false),
        ("src", "srcs", false),
        ("src/a.rs", "**/*.css", false),
    ] {
        for (first, second, refused) in
            [("", "", overlaps), (" --shared", "", overlaps), ("", " --shared", overlaps), (" --shared", " --shared", false)]
        {
            project.ok(&format!("reserve {held}{first} --as ada"));
            let line = format!("reserve {wanted}{second} --as bob");
            if refused {
                project.fails(&line, 4, "reservation_overlap");
            } else {
                project.ok(&line);
                project.ok("unreserve --as bob");
            }
            project.ok("unreserve --as ada");
        }
    }
    assert_eq!(project.ok("reservations")["reservations"], json!([]));
}

#[test]
fn braces_are_refused_whole_with_what_to_write_instead() {
    let project = Project::with(&["ada"]);
    project.ok("add t --id T");
    for line in [
        "reserve 'src/{a,b}.rs' --as ada",
        "check --glob 'src/{a,b}.rs' --as ada",
        "add u --writes 'docs,src/{a,b}.rs'",
        "update T --writes 'src/{a,b}.rs'",
    ] {
        let error = project.fails(line, 2, "invalid_request");
        let message = error["message"].as_str().unwrap_or_default();
        assert!(message.contains("write 2 patterns: `src/a.rs`, `src/b.rs`"), "{line}: {message}");
    }
    for line in ["reserve 'a/{b}' --as ada", "reserve '!a' --as ada", "reserve /a --as ada", "reserve a/../b --as ada"] {
        project.fails(line, 2, "invalid_request");
    }
    project.ok("reserve 'a/[{]b[}]' --as ada");
    assert_eq!(
        project.ok("update T --writes 'src/[{]a,docs' --writes '[a,b].rs'")["task"]["writes"],
        json!(["src/[{]a", "docs", "[a,b].rs"])
    );
    project.ok("join bob");
    project.fails("check 'a/{b}' --as bob", 4, "reservation_overlap");
    project.ok("check 'a/b' '{b}' --as bob");
}

#[test]
fn a_path_is_held_by_whoever_holds_a_folder_above_it() {
    let project = Project::with(&["ada", "bob"]);
    project.ok("reserve src 'crates/*/tests' --as ada");
    for path in ["src", "src/a.rs", "src/deep/a.rs", "crates/x/tests/t.rs"] {
        project.fails(&format!("check {path} --as bob"), 4, "reservation_overlap");
    }
    project.ok("check crates/x/src/a.rs srcs Makefile --as bob");
    // A folder is held by anyone who holds something in it.
    project.ok("reserve lib/a.rs --as ada");
    project.fails("check lib --as bob", 4, "reservation_overlap");
    // What could lie below a file is in nobody's way.
    project.ok("reserve '**/*.css' --as ada");
    project.ok("check Makefile docs/a.md --as bob");
}

#[test]
fn all_patterns_are_reserved_or_none() {
    let project = Project::with(&["ada", "bob"]);
    project.ok("reserve b/** --as ada");
    project.fails("reserve a/** b/x c/** --as bob", 4, "reservation_overlap");
    assert_eq!(project.ok("reservations")["reservations"].as_array().map(Vec::len), Some(1));
    // Nobody is in one's own way.
    project.ok("reserve b/x --as ada");
    let made = project.ok("reserve a/** c/** --ttl 2h --reason moving --as bob")["reservations"].clone();
    assert_eq!(made.as_array().map(Vec::len), Some(2));
    assert_eq!((&made[0]["mode"], &made[0]["reason"], &made[0]["agent"]), (&"exclusive".into(), &"moving".into(), &"bob".into()));
    assert!(made[0]["ttl_ms"].as_i64().is_some_and(|ms| ms > 7_000_000 && ms <= 7_200_000), "{made}");
}

#[test]
fn reservations_end_by_id_by_pattern_with_the_session_and_with_time() {
    let project = Project::with(&["ada", "bob"]);
    let made = project.ok("reserve a b c d --as ada")["reservations"].clone();
    let id = made[0]["id"].as_str().expect("an id");
    project.fails(&format!("unreserve {id} --as bob"), 9, "denied");
    assert_eq!(project.ok(&format!("unreserve {id} --as ada"))["reservations"][0]["pattern"], "a");
    assert_eq!(project.ok("unreserve b --as ada")["reservations"][0]["pattern"], "b");
    project.fails("unreserve b --as ada", 3, "not_found");
    project.ok("leave --as ada");
    assert_eq!(project.ok("reservations")["reservations"], json!([]));
    project.ok("reserve x --ttl 1s --as bob");
    project.ok("join carl");
    // carl gets it when bob's second is over.
    project.ok("reserve x --wait 60s --as carl");
}

#[test]
fn a_waiter_gets_what_another_process_gives_back() {
    let project = Project::with(&["ada", "bob"]);
    project.ok("reserve src/** --as ada");
    let waiting = project.start("reserve src/main.rs --wait 60s --as bob");
    project.ok("unreserve --as ada");
    assert_eq!(waiting.reply().ok()["reservations"][0]["agent"], "bob");
    project.fails("reserve src/** --wait 1s --as ada", 8, "timed_out");
}

#[test]
fn a_claim_brings_its_write_set_and_resources_all_or_nothing_until_the_lease_ends() {
    let project = Project::with(&["ada", "bob"]);
    project.ok("add t --id T --writes src/a/**,docs/a.md --resources gpu");
    project.ok("add u --id U --writes src/a/x.rs");
    project.ok("add v --id V --resources gpu");
    let claimed = project.ok("claim T --reserve --as ada");
    let patterns: Vec<&str> = claimed["reservations"].as_array().expect("a list").iter().filter_map(|r| r["pattern"].as_str()).collect();
    assert!(patterns.len() == 3 && patterns.contains(&"src/a/**") && patterns.contains(&"docs/a.md"), "{patterns:?}");
    assert!(claimed["reservations"].as_array().expect("a list").iter().all(|r| r["task"] == "T"));
    for id in ["U", "V"] {
        project.fails(&format!("claim {id} --reserve --as bob"), 4, "reservation_overlap");
    }
    project.fails("claim --reserve --as bob", 8, "nothing_ready");
    assert_eq!(project.task("U")["state"], "ready", "nothing was taken");
    project.ok("done T --as ada");
    assert_eq!(project.ok("reservations")["reservations"], json!([]));
    project.ok("claim U --reserve --as bob");
    // Without --reserve nothing is reserved.
    assert_eq!(project.ok("claim V --as ada")["reservations"], json!([]));
}

#[test]
fn check_tells_whether_paths_may_be_written() {
    let project = Project::with(&["ada", "bob"]);
    project.ok("reserve src/** --as ada");
    project.ok("reserve docs/** --shared --as ada");
    let error = project.fails("check README.md src/main.rs --as bob", 4, "reservation_overlap");
    assert_eq!((&error["details"]["overlaps"][0]["agent"], &error["details"]["overlaps"][0]["pattern"]), (&"ada".into(), &"src/**".into()));
    project.fails("check src/main.rs", 4, "reservation_overlap");
    project.ok("check README.md --as bob");
    project.ok("check src/main.rs --as ada");
    assert_eq!(project.ok("check docs/a.md --as bob")["reservations"][0]["mode"], "shared");
}

#[test]
fn paths_to_check_are_seen_from_the_current_directory() {
    let project = Project::with(&["ada"]);
    project.ok("reserve src/deep/** --as ada");
    project.write("src/deep/x.rs", "");
    project.write("src/other/x.rs", "");
    let root = project.root();
    let check = |path: &str, dir: &str, held: bool| {
        let call = project.call(&format!("check {path}")).dir(root.join(dir));
        if held { drop(call.fails(4, "reservation_overlap")) } else { drop(call.ok()) }
    };
    check("src/deep/x.rs", ".", true);
    check("x.rs", "src/deep", true);
    check("x.rs", "src/other", false);
    check("../deep/not-yet.rs", "src/other", true);
    check("./deep/../deep/x.rs", "src", true);
    check(&root.join("src/deep/x.rs").display().to_string(), "src/other", true);
    check(&root.join("src/other/x.rs").display().to_string(), "src/deep", false);
    project.call("check ../../outside").dir(root.join("src")).fails(2, "invalid_request");
    project.call(&format!("check {}", project.beside("x").display())).fails(2, "invalid_request");
}

#[test]
fn symlinks_are_followed_before_a_path_is_checked() {
    let project = Project::with(&["ada"]);
    project.ok("reserve src/deep/** --as ada");
    project.write("src/deep/x.rs", "");
    let root = project.root();
    symlink(root.join("src/deep"), root.join("link")).expect("a new link");
    symlink(project.home(), root.join("away")).expect("a new link");
    symlink(&root, project.beside("way-in")).expect("a new link");
    project.fails("check link/x.rs", 4, "reservation_overlap");
    project.fails("check link/new.rs", 4, "reservation_overlap");
    project.fails("check away/x.rs", 2, "invalid_request");
    project.call("check src/deep/x.rs").dir(project.beside("way-in")).fails(4, "reservation_overlap");
    project.fails(&format!("check {}/src/deep/x.rs", project.beside("way-in").display()), 4, "reservation_overlap");
    project.ok(&format!("check {}/src/x.rs", project.beside("way-in").display()));
}

#[test]
fn a_linked_worktree_checks_the_same_paths() {
    let project = Project::git();
    project.ok("init");
    project.ok("join ada");
    let linked = project.beside("linked");
    project.git_in(&project.root(), &format!("worktree add --quiet {}", linked.display()));
    project.ok("reserve src/** --as ada");
    project.call("check src/a.rs").dir(&linked).fails(4, "reservation_overlap");
    project.call(&format!("check {}/src/a.rs", linked.display())).dir(&linked).fails(4, "reservation_overlap");
    project.call("check docs/a.md").dir(&linked).ok();
    // From outside of it, and where it lies below the main one.
    project.fails(&format!("check {}/src/a.rs", linked.display()), 4, "reservation_overlap");
    project.git_in(&project.root(), "worktree add --quiet -b below .trees/below");
    project.fails("check .trees/below/src/a.rs", 4, "reservation_overlap");
    project.call("check src/a.rs").dir(project.root().join(".trees/below")).fails(4, "reservation_overlap");
    project.ok("check .trees/other/src/a.rs");
    // Another repository below is not this one.
    project.git_in(&project.root(), "init --quiet vendor");
    project.ok("check vendor/src/a.rs");
}

#[test]
fn patterns_can_be_checked() {
    let project = Project::with(&["ada", "bob"]);
    project.ok("reserve src/a.rs --as ada");
    project.fails("check --glob 'src/*.rs' --as bob", 4, "reservation_overlap");
    project.fails("check lib/x.rs --glob '**/a.*' --as bob", 4, "reservation_overlap");
    project.ok("check --glob 'src/*.md' --glob 'lib/**' --as bob");
    project.fails("check --glob /src --as bob", 2, "invalid_request");
    project.fails("check", 2, "usage");
}

#[test]
fn any_name_of_a_file_can_be_checked() {
    let project = Project::with(&["ada", "bob"]);
    project.ok("reserve src/** --as ada");
    for name in ["src/a\tb", "src/a\nb", "src/a\\b", "src/{a,b}.rs", "src/[a]*?", "src/\u{1b}[31m"] {
        project.call_args(&["check", name, "--as", "bob"]).fails(4, "reservation_overlap");
        project.call_args(&["check", &name.replace("src", "lib"), "--as", "bob"]).ok();
    }
    let deep = format!("src/{}", vec!["a-long-name"; 100].join("/"));
    project.fails(&format!("check {deep} --as bob"), 4, "reservation_overlap");
}

#[test]
fn the_root_itself_can_be_checked() {
    let project = Project::with(&["ada", "bob"]);
    project.ok("check . --as bob");
    project.ok("reserve src/** --as ada");
    project.fails("check . --as bob", 4, "reservation_overlap");
}

#[test]
fn patterns_that_would_hold_everybody_up_are_refused() {
    let project = Project::with(&["ada", "bob"]);
    let wide: Vec<String> = (0..40).map(|n| format!("'{}{n}'", "*a".repeat(100))).collect();
    project.ok(&format!("reserve --shared {} --as ada", wide.join(" ")));
    for _ in 0..3 {
        // Held targets are compared with wanted ones, while nobody else can write.
        project.call(&format!("reserve --shared {} --as bob", wide.join(" "))).run();
    }
    let error = project.fails(&format!("reserve --shared {} --as bob", wide.join(" ")), 6, "limit_reached");
    assert!(error["details"]["actual"].as_u64() > error["details"]["limit"].as_u64(), "{error}");
    project.ok("reserve 'src/**/*.rs' --as bob");
}

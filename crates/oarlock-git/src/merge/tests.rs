//! Merging and moving in real repositories.

use super::testing::Sandbox;
use super::{Conflict, MergeRepository, Merged, Message, Moved, TestTree};

fn clean(merged: Merged) -> (String, Vec<String>, Vec<String>) {
    let clean = if let Merged::Clean { tree, driven, lost } = merged { Some((tree, driven, lost)) } else { None };
    clean.expect("it is clean")
}

fn conflicts_of(merged: Merged) -> Vec<Conflict> {
    let conflicts = if let Merged::Conflicting(conflicts) = merged { Some(conflicts) } else { None };
    conflicts.expect("it conflicts")
}

fn message(task: &str) -> Message {
    Message { task: task.into(), title: "the\ttitle".into(), agent: Some("ada".into()), token: Some(7) }
}

#[test]
fn settings_of_the_user_change_no_candidate() {
    let sandbox = Sandbox::new();
    let base = sandbox.commit("old.txt", "1\n2\n3\n4\n5\n6\n7\n8\n");
    let renamed = {
        sandbox.git(&["checkout", "-q", "-b", "renamed", &base]);
        sandbox.git(&["mv", "old.txt", "new.txt"]);
        sandbox.git(&["commit", "-q", "-m", "renamed"]);
        sandbox.git(&["checkout", "-q", "main"]);
        sandbox.git(&["rev-parse", "renamed"])
    };
    let changed = sandbox.branch("changed", &base, &[("old.txt", "1\n2\n3\n4\n5\n6\n7\neight\n")]);
    let repository = sandbox.repository();
    let (tree, driven, lost) = clean(repository.merge(&renamed, &changed).expect("git runs"));
    for setting in
        [("merge.renames", "false"), ("merge.directoryRenames", "true"), ("merge.conflictStyle", "zdiff3"), ("merge.default", "ours")]
    {
        sandbox.git(&["config", setting.0, setting.1]);
        assert_eq!(clean(repository.merge(&renamed, &changed).expect("git runs")).0, tree, "{setting:?}");
    }
    assert_eq!((driven, lost), (vec![], vec![]));
    assert_eq!(sandbox.git(&["ls-tree", "--name-only", &tree]), "new.txt");
}

#[test]
fn a_conflict_has_both_sides_and_what_was_before() {
    let sandbox = Sandbox::new();
    let base = sandbox.commit("a.txt", "one\n<<<<<<< x\ntwo\n");
    sandbox.commit("b.txt", "b\n");
    let ours = sandbox.commit("a.txt", "ONE\n<<<<<<< x\ntwo\n");
    let theirs = sandbox.branch("theirs", &base, &[("a.txt", "uno\n<<<<<<< x\ntwo\n"), ("b.txt", "B\n"), ("c.txt", "c\n")]);
    let conflicts = conflicts_of(sandbox.repository().merge(&ours, &theirs).expect("git runs"));
    let paths: Vec<&str> = conflicts.iter().map(|conflict| conflict.path.as_str()).collect();
    assert_eq!(paths, ["a.txt", "b.txt"]);
    let hunk = &conflicts[0].hunks[0];
    assert_eq!((hunk.ours.as_str(), hunk.base.as_str(), hunk.theirs.as_str()), ("ONE\n", "one\n", "uno\n"));
    assert!(conflicts[1].message.contains("add/add"), "{}", conflicts[1].message);
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "", "nothing was written into the worktree");
}

#[test]
fn deleted_binary_and_unrelated_files_conflict_without_hunks() {
    let sandbox = Sandbox::new();
    sandbox.commit("gone.txt", "1\n");
    let base = sandbox.commit("bin", "\0a");
    sandbox.git(&["rm", "-q", "gone.txt"]);
    let ours = sandbox.commit("bin", "\0b");
    let theirs = sandbox.branch("theirs", &base, &[("gone.txt", "2\n"), ("bin", "\0c")]);
    let repository = sandbox.repository();
    let conflicts = conflicts_of(repository.merge(&ours, &theirs).expect("git runs"));
    let mut found: Vec<(&str, bool)> = conflicts.iter().map(|conflict| (conflict.path.as_str(), conflict.hunks.is_empty())).collect();
    found.sort_unstable();
    assert_eq!(found, [("bin", true), ("gone.txt", true)]);
    sandbox.git(&["checkout", "-q", "--orphan", "other"]);
    let orphan = sandbox.commit("x", "x\n");
    assert_eq!(repository.merge(&ours, &orphan), Ok(Merged::Unrelated));
}

#[test]
fn a_driver_that_drops_a_side_is_seen_whichever_side_brings_its_attribute() {
    let sandbox = Sandbox::new();
    sandbox.git(&["config", "merge.ours.driver", "true"]);
    let base = sandbox.commit("strings", "a\n");
    let ours = sandbox.commit("strings", "a\nmine\n");
    let theirs = sandbox.branch("theirs", &base, &[("strings", "yours\na\n"), (".gitattributes", "strings merge=ours\n")]);
    let (_, driven, lost) = clean(sandbox.repository().merge(&ours, &theirs).expect("git runs"));
    assert_eq!((driven, lost), (vec!["strings".to_owned()], vec!["strings".to_owned()]));
}

#[test]
fn what_a_driver_made_of_a_renamed_file_is_not_known() {
    let sandbox = Sandbox::new();
    sandbox.git(&["config", "merge.ours.driver", "true"]);
    sandbox.commit(".gitattributes", "*.txt merge=ours\n");
    let text = |one: &str, two: &str| format!("1\n2\n{one}\n4\n5\n6\n7\n8\n9\n{two}\n");
    let base = sandbox.commit("a.txt", &text("3", "10"));
    sandbox.git(&["checkout", "-q", "-b", "theirs", &base]);
    sandbox.git(&["mv", "a.txt", "b.txt"]);
    let theirs = sandbox.commit("b.txt", &text("three", "10"));
    sandbox.git(&["checkout", "-q", "main"]);
    let ours = sandbox.commit("a.txt", &text("3", "ten"));
    let (_, driven, lost) = clean(sandbox.repository().merge(&ours, &theirs).expect("git runs"));
    assert_eq!((driven, lost), (vec!["a.txt".to_owned()], vec!["a.txt".to_owned()]));
}

#[test]
fn git_s_own_merge_of_text_loses_nothing() {
    let sandbox = Sandbox::new();
    let lines = |text: &str| text.split(' ').fold(String::new(), |out, line| out + line + "\n");
    let base = sandbox.commit("c", &lines("{ a } b c d e f g { h } i j k l m"));
    let ours = sandbox.commit("c", &lines("{ a b c d e f g { h } i j k l m new }"));
    let theirs = sandbox.branch("theirs", &base, &[("c", &lines("{ a } b c d e f g { h i j k l m new }"))]);
    let (_, driven, lost) = clean(sandbox.repository().merge(&ours, &theirs).expect("git runs"));
    assert_eq!((driven, lost), (vec![], vec![]));
}

#[test]
fn union_keeps_the_lines_of_both_and_is_named() {
    let sandbox = Sandbox::new();
    sandbox.commit(".gitattributes", "CHANGELOG.md merge=union\n");
    let base = sandbox.commit("CHANGELOG.md", "# Changes\n");
    let ours = sandbox.commit("CHANGELOG.md", "# Changes\n- mine\n");
    let theirs = sandbox.branch("theirs", &base, &[("CHANGELOG.md", "# Changes\n- yours\n")]);
    let (tree, driven, lost) = clean(sandbox.repository().merge(&ours, &theirs).expect("git runs"));
    assert_eq!((driven, lost), (vec!["CHANGELOG.md".to_owned()], vec![]));
    let text = sandbox.git(&["cat-file", "blob", &format!("{tree}:CHANGELOG.md")]);
    assert!(text.contains("- mine") && text.contains("- yours"), "{text}");
}

#[test]
fn a_branch_moves_by_its_old_value_and_its_landings_are_read_back() {
    let sandbox = Sandbox::new();
    let first = sandbox.commit("a", "1\n");
    let work = sandbox.branch("work", &first, &[("b", "1\n")]);
    sandbox.git(&["branch", "target", &first]);
    let repository = sandbox.repository();
    let tree = repository.tree_of(&work).expect("a tree");
    let merge = repository.commit_merge(&tree, &first, &work, &message("T-1")).expect("a commit");
    assert_eq!(repository.move_branch("target", &merge, &work).expect("git runs"), Moved::Stale);
    assert_eq!(repository.move_branch("target", &merge, &first).expect("git runs"), Moved::Moved);
    assert_eq!(repository.move_branch("target", &merge, &first).expect("git runs"), Moved::Moved, "it is there");
    // A commit of an agent that has such trailers, too, is none of the branch's own line.
    sandbox.git(&["checkout", "-q", "work"]);
    std::fs::write(sandbox.path("b"), "2\n").expect("written");
    sandbox.git(&["commit", "-q", "-am", "x\n\nOarlock-Task: T-9\nOarlock-Token: 1\n"]);
    let forged = sandbox.git(&["rev-parse", "HEAD"]);
    let second =
        repository.commit_merge(&repository.tree_of(&forged).expect("a tree"), &merge, &forged, &message("T-2")).expect("a commit");
    assert_eq!(repository.move_branch("target", &second, &merge).expect("git runs"), Moved::Moved);
    let landed = repository.landed(&second, None, None, 100).expect("git runs");
    let found: Vec<_> = landed
        .iter()
        .map(|landed| (landed.task.as_str(), landed.agent.as_str(), landed.token.as_str(), landed.parents[1].as_str()))
        .collect();
    assert_eq!(found, [("T-2", "ada", "7", forged.as_str()), ("T-1", "ada", "7", work.as_str())]);
    assert_eq!(repository.landed(&second, Some(&merge), Some("b"), 100).expect("git runs").len(), 1);
    assert_eq!(repository.landed(&second, None, Some("a"), 100).expect("git runs").len(), 0);
}

#[test]
fn a_checked_out_branch_moves_with_its_worktree_unless_files_are_in_the_way() {
    let sandbox = Sandbox::new();
    let first = sandbox.commit("a", "1\n");
    sandbox.git(&["config", "merge.verifySignatures", "true"]);
    let work = sandbox.branch("work", &first, &[("b", "1\n")]);
    let repository = sandbox.repository();
    let merge = repository.commit_merge(&repository.tree_of(&work).expect("a tree"), &first, &work, &message("T-1")).expect("a commit");
    let blocked = || matches!(repository.move_branch("main", &merge, &first).expect("git runs"), Moved::Blocked { .. });
    std::fs::write(sandbox.path("a"), "changed\n").expect("written");
    assert!(blocked(), "a tracked file is changed");
    sandbox.git(&["checkout", "-q", "a"]);
    std::fs::write(sandbox.path("b"), "untracked\n").expect("written");
    assert!(blocked(), "an untracked file is in the way");
    assert_eq!(std::fs::read_to_string(sandbox.path("b")).expect("read"), "untracked\n");
    assert_eq!(sandbox.git(&["rev-parse", "main"]), first);
    std::fs::write(sandbox.path(".git/info/exclude"), "b\n").expect("written");
    assert!(blocked(), "so is one that git ignores");
    assert_eq!(std::fs::read_to_string(sandbox.path("b")).expect("read"), "untracked\n");
    std::fs::write(sandbox.path(".git/info/exclude"), "").expect("written");
    std::fs::rename(sandbox.path("b"), sandbox.path("elsewhere")).expect("moved");
    sandbox.git(&["config", "branch.main.mergeoptions", "--squash"]);
    assert_eq!(repository.move_branch("main", &merge, &first).expect("git runs"), Moved::Moved);
    assert_eq!(std::fs::read_to_string(sandbox.path("b")).expect("read"), "1\n");
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "?? elsewhere");
}

#[test]
fn a_branch_on_which_somebody_has_gone_on_has_moved() {
    let sandbox = Sandbox::new();
    let first = sandbox.commit("a", "1\n");
    let work = sandbox.branch("work", &first, &[("b", "1\n")]);
    let repository = sandbox.repository();
    let tree = repository.tree_of(&work).expect("a tree");
    let merge = repository.commit_merge(&tree, &first, &work, &message("T-1")).expect("a commit");
    let further = repository.commit_merge(&tree, &merge, &work, &message("T-2")).expect("a commit");
    sandbox.git(&["branch", "target", &further]);
    assert_eq!(repository.move_branch("target", &merge, &first).expect("git runs"), Moved::Moved);
    assert_eq!(sandbox.git(&["rev-parse", "target"]), further);
}

#[test]
fn the_worktree_of_tests_has_the_commit_and_nothing_else() {
    let sandbox = Sandbox::new();
    sandbox.commit(".gitignore", "out\n");
    let first = sandbox.commit("a", "1\n");
    let second = sandbox.commit("a", "2\n");
    let repository = sandbox.repository();
    let tree = TestTree::new(&repository, sandbox.path("tests/tree"));
    tree.check_out(&first).expect("it is made");
    for name in ["a", "out", "more"] {
        std::fs::write(tree.dir().join(name), "of a test\n").expect("written");
    }
    tree.check_out(&second).expect("it is used again");
    assert_eq!(std::fs::read_to_string(tree.dir().join("a")).expect("read"), "2\n");
    assert!(!tree.dir().join("out").exists() && !tree.dir().join("more").exists());
    std::fs::remove_dir_all(tree.dir()).expect("gone");
    tree.check_out(&first).expect("it is made again");
    tree.remove();
    assert_eq!(sandbox.git(&["worktree", "list", "--porcelain"]).matches("worktree ").count(), 1);
}

#[test]
fn a_submitted_commit_outlives_its_branch_and_leaves_nothing_behind_once_it_is_let_go() {
    let sandbox = Sandbox::new();
    let first = sandbox.commit("a", "1\n");
    let work = sandbox.branch("work", &first, &[("b", "2\n")]);
    let lost = sandbox.branch("lost", &first, &[("c", "3\n")]);
    let repository = sandbox.repository();
    for (task, commit) in [("T-1", &work), ("T..2", &lost)] {
        repository.pin(task, commit).expect("it is there");
    }
    assert!(repository.pin("T-3", &"0".repeat(39).chars().chain(['1']).collect::<String>()).is_err(), "no such commit");
    sandbox.git(&["branch", "-D", "work", "lost"]);
    sandbox.git(&["reflog", "expire", "--expire=now", "--all"]);
    sandbox.git(&["gc", "--quiet", "--prune=now"]);
    let mut pinned = repository.pinned().expect("read");
    pinned.sort();
    assert_eq!(pinned, [("T-1".to_owned(), work.clone()), ("T..2".to_owned(), lost.clone())]);
    // What has landed is in a branch; what is given up is kept.
    sandbox.git(&["branch", "landed", &work]);
    for (task, commit) in pinned {
        repository.unpin(&task, &commit).expect("it goes");
    }
    assert_eq!(repository.pinned().expect("read"), []);
    let kept = sandbox.git(&["for-each-ref", "--format=%(objectname)", "refs/oarlock/kept"]);
    assert_eq!(kept, lost);
}

#[test]
fn files_in_the_way_of_a_move_show_without_trying_it() {
    let sandbox = Sandbox::new();
    let first = sandbox.commit("a", "1\n");
    let next = sandbox.branch("next", &first, &[("b", "2\n")]);
    let repository = sandbox.repository();
    let why = |onto: &str| repository.in_the_way(onto, &next, &first).expect("git answers").map(|(_, why)| why);
    assert_eq!((why("main"), why("next")), (None, None));
    std::fs::write(sandbox.path("b"), "mine").expect("written");
    assert_eq!(why("main").as_deref(), Some("the untracked b is in the way"));
    std::fs::write(sandbox.path("a"), "changed").expect("written");
    assert_eq!(why("main").as_deref(), Some("uncommitted changes in a"));
}

#[test]
fn an_older_git_has_the_attributes_of_the_merged_tree_too() {
    let sandbox = Sandbox::new();
    let first = sandbox.commit("sub/CHANGES", "list\n");
    let ours = sandbox.branch("ours", &first, &[("sub/.gitattributes", "CHANGES merge=union\n"), ("sub/CHANGES", "list\nours\n")]);
    let theirs = sandbox.branch("theirs", &first, &[("sub/CHANGES", "list\ntheirs\n")]);
    // The worktree of the person has none of it.
    sandbox.git(&["checkout", "-q", "--detach", &first]);
    for version in [(2, 38), super::attributes::FROM_TREES] {
        let repository = MergeRepository::taken_for(&sandbox.path(".git"), version);
        for (one, other) in [(&ours, &theirs), (&theirs, &ours)] {
            let (tree, driven, lost) = clean(repository.merge(one, other).expect("git merges"));
            assert_eq!((driven, lost), (vec!["sub/CHANGES".to_owned()], Vec::new()), "{version:?}");
            assert_eq!(sandbox.git(&["show", &format!("{tree}:sub/CHANGES")]).lines().count(), 3);
        }
    }
    let left = std::fs::read_dir(sandbox.path(".git")).expect("there").filter_map(Result::ok);
    assert!(left.map(|entry| entry.file_name()).all(|name| !name.to_string_lossy().starts_with("oarlock")), "nothing is left");
}

#[test]
fn a_worktree_of_tests_that_git_was_killed_over_is_made_again() {
    let sandbox = Sandbox::new();
    let commit = sandbox.commit("a", "1\n");
    let tree = TestTree::new(&sandbox.repository(), sandbox.path(".oarlock/landing/x/tree-0"));
    let half_made = || {
        tree.check_out(&commit).expect("it is made");
        std::fs::remove_dir_all(tree.dir()).expect("there");
        std::fs::write(sandbox.path(".git/worktrees/tree-0/locked"), "initializing").expect("written");
    };
    half_made();
    tree.check_out(&commit).expect("it is made again");
    half_made();
    sandbox.repository().forget_gone_worktrees();
    assert_eq!(sandbox.git(&["worktree", "list"]).lines().count(), 1);
}

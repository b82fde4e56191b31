//! Attempts one after the other: where they begin and what they leave.

use super::*;

#[test]
fn a_worktree_is_made_once_and_moved_from_task_to_task() {
    let repo = Repo::new();
    let worktrees = repo.worktrees();
    let place = worktrees.take("ada").expect("free");
    let (entered, left) = attempt(&worktrees, &place, "T-1", &Ground::default(), End::Finished, |dir| {
        assert_eq!(git(dir, &["symbolic-ref", "HEAD"]), "refs/heads/oarlock/T-1");
        write(dir, "build/ignored.o", "kept");
        write(dir, ".git-is-not-here", "x");
        write(dir, "new.txt", "new\n");
        fs::remove_file(dir.join("a.txt")).expect("there");
    });
    assert_eq!(
        (entered.top.as_path(), entered.dir.as_path(), entered.branch.as_str()),
        (&*repo.of("ada"), &*repo.of("ada"), "oarlock/T-1")
    );
    assert_eq!((left.is_changed, left.refused.as_deref()), (true, None));
    assert_eq!(repo.subjects("oarlock/T-1"), ["Title of T-1"]);
    assert_eq!(repo.show("oarlock/T-1:new.txt"), "new");
    assert!(!try_git(&repo.top(), &["show", "oarlock/T-1:a.txt"]).0, "it was removed");
    assert_eq!(git(&repo.of("ada"), &["rev-parse", "--abbrev-ref", "HEAD"]), "HEAD", "the branch is free");
    // The next task begins at the target, in the same worktree.
    let (entered, left) = attempt(&worktrees, &place, "T-2", &Ground::default(), End::Finished, |dir| {
        assert!(dir.join("a.txt").exists() && !dir.join("new.txt").exists());
    });
    assert_eq!((entered.commit.as_str(), left.is_changed), (&*repo.git("rev-parse main"), false));
    assert_eq!(repo.git("worktree list --porcelain").matches("worktree ").count(), 2);
    assert_eq!(repo.git("status --porcelain"), "", "the caller's worktree has nothing new");
    assert_eq!(repo.git("symbolic-ref HEAD"), "refs/heads/main");
}

#[test]
fn commits_of_the_command_stay_as_they_are() {
    let repo = Repo::new();
    let worktrees = repo.worktrees();
    let place = worktrees.take("ada").expect("free");
    let mut own = String::new();
    attempt(&worktrees, &place, "T-1", &Ground::default(), End::Finished, |dir| {
        commit(dir, "x.txt", "x\n", "mine");
        own = git(dir, &["rev-parse", "HEAD"]);
        write(dir, "y.txt", "y\n");
    });
    assert_eq!(repo.subjects("oarlock/T-1"), ["Title of T-1", "mine"]);
    assert_eq!(repo.git("rev-parse oarlock/T-1^"), own);
}

#[test]
fn the_next_attempt_goes_on_from_the_branch_with_the_newest_target() {
    let repo = Repo::new();
    let worktrees = repo.worktrees();
    let (ada, bob) = (worktrees.take("ada").expect("free"), worktrees.take("bob").expect("free"));
    attempt(&worktrees, &ada, "T-1", &Ground::default(), End::Unfinished, |dir| write(dir, "half.txt", "half\n"));
    assert_eq!(repo.subjects("oarlock/T-1"), ["unfinished: Title of T-1"]);
    repo.commit("later.txt", "later\n", "later");
    let (entered, _) = attempt(&worktrees, &bob, "T-1", &Ground::default(), End::Finished, |dir| {
        assert!(dir.join("half.txt").exists() && dir.join("later.txt").exists());
        write(dir, "whole.txt", "whole\n");
    });
    assert_eq!(repo.subjects("oarlock/T-1"), ["Title of T-1", "Merge main into oarlock/T-1", "unfinished: Title of T-1"]);
    assert!(
        entered.notes.iter().any(|(heading, text)| *heading == "Work of earlier attempts" && text.contains("unfinished: Title of T-1")),
        "{:?}",
        entered.notes
    );
    // Where the target conflicts, the branch stays as it is, and that is said.
    attempt(&worktrees, &ada, "T-2", &Ground::default(), End::Unfinished, |dir| write(dir, "a.txt", "one\nTWO\nthree\n"));
    repo.commit("a.txt", "one\n2\nthree\n", "other");
    let tip = repo.git("rev-parse oarlock/T-2");
    let (entered, _) = attempt(&worktrees, &bob, "T-2", &Ground::default(), End::Unfinished, |dir| {
        assert_eq!(fs::read_to_string(dir.join("a.txt")).expect("there"), "one\nTWO\nthree\n");
    });
    assert_eq!((entered.commit.as_str(), repo.git("rev-parse oarlock/T-2").as_str()), (&*tip, &*tip));
    let (heading, text) = &entered.notes[0];
    assert!(
        heading.contains("conflicts with its target") && text.contains("- a.txt") && text.contains("git merge main"),
        "{heading}: {text}"
    );
}

#[test]
fn lines_that_a_merge_driver_drops_stay_out_of_the_next_attempt() {
    let repo = Repo::new();
    repo.commit(".gitattributes", "*.list merge=ours\n", "attributes");
    repo.commit("names.list", "one\n", "names");
    repo.configure("merge.ours.driver", "true");
    let worktrees = repo.worktrees();
    let place = worktrees.take("ada").expect("free");
    attempt(&worktrees, &place, "T-1", &Ground::default(), End::Unfinished, |dir| write(dir, "names.list", "one\nmine\n"));
    repo.commit("names.list", "landed\none\n", "landed");
    let tip = repo.git("rev-parse oarlock/T-1");
    let (entered, _) = attempt(&worktrees, &place, "T-1", &Ground::default(), End::Unfinished, |_| {});
    assert_eq!(entered.commit, tip, "the landed line is not merged away");
    let (heading, text) = &entered.notes[0];
    assert!(heading.contains("conflicts with its target") && text.contains("- names.list"), "{heading}: {text}");
}

#[test]
fn a_task_begins_with_the_branches_that_it_needs() {
    let repo = Repo::new();
    let worktrees = repo.worktrees();
    let place = worktrees.take("ada").expect("free");
    for (task, name) in [("T-1", "one.txt"), ("T-2", "two.txt")] {
        attempt(&worktrees, &place, task, &Ground::default(), End::Finished, |dir| write(dir, name, "x\n"));
    }
    attempt(&worktrees, &place, "T-3", &needs(&["T-1", "T-2", "T-none"]), End::Finished, |dir| {
        assert!(dir.join("one.txt").exists() && dir.join("two.txt").exists());
    });
    assert_eq!(repo.git("rev-list --count main..oarlock/T-3"), "3");
    // What conflicts fails the attempt before anything is started, and no branch is made.
    for (task, text) in [("T-4", "four\ntwo\nthree\n"), ("T-5", "five\ntwo\nthree\n")] {
        attempt(&worktrees, &place, task, &Ground::default(), End::Finished, |dir| write(dir, "a.txt", text));
    }
    let refusal = worktrees.enter(&place, "T-6", "six", &needs(&["T-4", "T-5"])).expect_err("they conflict");
    assert_eq!(refusal.concern, Concern::Task);
    assert!(refusal.message.contains("oarlock/T-5") && refusal.message.contains("main and oarlock/T-4 in a.txt"), "{refusal}");
    assert_eq!(repo.git("branch --list oarlock/T-6"), "");
    // The parts of a task are for it to join: what does not merge is said.
    let ground = Ground { parts: vec!["T-4".into(), "T-5".into()], ..Ground::default() };
    let (entered, _) = attempt(&worktrees, &place, "T-7", &ground, End::Finished, |dir| {
        assert!(fs::read_to_string(dir.join("a.txt")).expect("there").starts_with("four"));
    });
    assert!(entered.notes.iter().any(|(_, text)| text.contains("oarlock/T-5") && text.contains("- a.txt")), "{:?}", entered.notes);
}

#[test]
fn where_git_knows_nobody_the_agent_commits() {
    let repo = Repo::new();
    repo.git("config --unset user.name");
    repo.git("config --unset user.email");
    repo.configure("user.useConfigOnly", "true");
    let worktrees = repo.worktrees();
    let who = |agent: &str, task: &str| {
        let place = worktrees.take(agent).expect("free");
        attempt(&worktrees, &place, task, &Ground::default(), End::Finished, |dir| write(dir, task, "x\n"));
        repo.git(&format!("log -1 --format=%an|%ae|%cn|%ce oarlock/{task}"))
    };
    let has_global = Command::new("git").args(["config", "--global", "user.name"]).output().is_ok_and(|run| run.status.success());
    if !has_global {
        assert_eq!(who("ada", "T-1"), "ada|ada@oarlock.invalid|ada|ada@oarlock.invalid");
    }
    repo.configure("user.name", "Tess");
    repo.configure("user.email", "tess@example.org");
    assert_eq!(who("bob", "T-2"), "Tess|tess@example.org|Tess|tess@example.org");
}

#[test]
#[cfg(unix)]
fn a_hook_judges_finished_work_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let repo = Repo::new();
    let hook = repo.top().join(".git/hooks/pre-commit");
    write(&repo.top(), ".git/hooks/pre-commit", "#!/bin/sh\necho 'line 3 is too long' >&2\nexit 1\n");
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).expect("ours");
    let worktrees = repo.worktrees();
    let place = worktrees.take("ada").expect("free");
    let (_, left) = attempt(&worktrees, &place, "T-1", &Ground::default(), End::Finished, |dir| write(dir, "long.txt", "x\n"));
    assert!(left.refused.as_deref().is_some_and(|why| why.contains("line 3 is too long")), "{left:?}");
    assert_eq!(repo.subjects("oarlock/T-1"), ["unfinished: Title of T-1"], "nothing is lost");
    let (_, left) = attempt(&worktrees, &place, "T-2", &Ground::default(), End::Unfinished, |dir| write(dir, "long.txt", "x\n"));
    assert_eq!((left.refused, repo.subjects("oarlock/T-2").len()), (None, 1));
}

#[test]
#[cfg(unix)]
fn a_hook_judges_what_earlier_attempts_left() {
    use std::os::unix::fs::PermissionsExt as _;
    let repo = Repo::new();
    let hook = repo.top().join(".git/hooks/pre-commit");
    write(&repo.top(), ".git/hooks/pre-commit", "#!/bin/sh\n! git diff --cached --name-only HEAD | grep -q long || exit 1\n");
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).expect("ours");
    let worktrees = repo.worktrees();
    let place = worktrees.take("ada").expect("free");
    let finish = |task: &str, work: &dyn Fn(&Path)| attempt(&worktrees, &place, task, &Ground::default(), End::Finished, work).1;
    // The same work again, none, and some on top of it are refused as the first was.
    let works: [&dyn Fn(&Path); 4] =
        [&|dir| write(dir, "long.txt", "x\n"), &|dir| write(dir, "long.txt", "x\n"), &|_| {}, &|dir| write(dir, "more.txt", "x\n")];
    for work in works {
        let left = finish("T-1", work);
        assert!(left.refused.as_deref().is_some_and(|why| why.contains("git refused the commit")), "{left:?}");
    }
    assert_eq!(repo.subjects("oarlock/T-1"), ["unfinished: Title of T-1"]);
    assert_eq!(repo.git("diff --name-only main oarlock/T-1"), "long.txt\nmore.txt");
    // Repaired, it counts as one commit.
    let left = finish("T-1", &|dir| fs::rename(dir.join("long.txt"), dir.join("short.txt")).expect("there"));
    assert_eq!((left.refused, repo.subjects("oarlock/T-1")), (None, vec!["Title of T-1".to_owned()]));
    // With the command's own commits and the newest target in between, all of it is judged, and stays.
    finish("T-2", &|dir| write(dir, "long.txt", "x\n"));
    repo.git("config core.hooksPath none");
    repo.commit("long-on-main.txt", "x\n", "on main");
    repo.git("config --unset core.hooksPath");
    let left = finish("T-2", &|dir| commit(dir, "own.txt", "x\n", "own"));
    assert!(left.refused.is_some(), "{left:?}");
    let left = finish("T-2", &|dir| fs::remove_file(dir.join("long.txt")).expect("there"));
    assert_eq!(left.refused, None);
    let subjects = repo.subjects("oarlock/T-2");
    assert_eq!((subjects[0].as_str(), subjects[1].as_str()), ("Title of T-2", "own"), "{subjects:?}");
    assert_eq!(repo.git("diff --name-only main oarlock/T-2"), "own.txt");
    assert_eq!(repo.git("for-each-ref refs/oarlock"), "", "nothing is left over");
}

#[test]
fn commits_off_the_branch_are_brought_onto_it_or_kept() {
    let repo = Repo::new();
    let worktrees = repo.worktrees();
    let place = worktrees.take("ada").expect("free");
    // Detached, and on a branch of its own: both go on from the task's.
    attempt(&worktrees, &place, "T-1", &Ground::default(), End::Finished, |dir| {
        git(dir, &["checkout", "--quiet", "--detach"]);
        commit(dir, "x.txt", "x\n", "detached");
        git(dir, &["switch", "--quiet", "-c", "feature"]);
        commit(dir, "y.txt", "y\n", "on another");
        write(dir, "z.txt", "z\n");
    });
    assert_eq!(repo.subjects("oarlock/T-1"), ["Title of T-1", "on another", "detached"]);
    assert_eq!(repo.subjects("feature"), ["on another", "detached"], "that branch is not ours to commit on");
    // A new branch without a commit: its files are the work.
    attempt(&worktrees, &place, "T-2", &Ground::default(), End::Finished, |dir| {
        git(dir, &["switch", "--quiet", "--orphan", "empty"]);
        write(dir, "only.txt", "x\n");
    });
    assert_eq!(repo.git("ls-tree --name-only oarlock/T-2"), "only.txt");
    // Commits that do not build on the branch are kept beside it, and does not count as finished.
    attempt(&worktrees, &place, "T-3", &Ground::default(), End::Unfinished, |dir| write(dir, "x.txt", "x\n"));
    let tip = repo.git("rev-parse oarlock/T-3");
    let (_, left) = attempt(&worktrees, &place, "T-3", &Ground::default(), End::Finished, |dir| {
        git(dir, &["checkout", "--quiet", "--detach", "main"]);
        commit(dir, "elsewhere.txt", "x\n", "elsewhere");
        write(dir, "more.txt", "x\n");
    });
    assert_eq!(repo.git("rev-parse oarlock/T-3"), tip);
    let why = left.refused.expect("it is not finished");
    let kept = repo.git("for-each-ref --format=%(refname) refs/oarlock/kept");
    assert!(why.contains(&kept) && kept.starts_with("refs/oarlock/kept/T-3/"), "{why}");
    assert_eq!(repo.subjects(&kept), ["unfinished: Title of T-3", "elsewhere"]);
}

#[test]
fn operations_that_were_left_in_the_middle_end() {
    let repo = Repo::new();
    repo.git("branch other");
    repo.commit("a.txt", "ONE\ntwo\nthree\n", "mine");
    let worktrees = repo.worktrees();
    let place = worktrees.take("ada").expect("free");
    repo.git("switch --quiet other");
    repo.commit("a.txt", "1\ntwo\nthree\n", "theirs");
    repo.git("switch --quiet main");
    let (_, left) = attempt(&worktrees, &place, "T-1", &Ground::default(), End::Finished, |dir| {
        assert!(!try_git(dir, &["merge", "other"]).0, "it conflicts");
    });
    assert!(left.refused.as_deref().is_some_and(|why| why.contains("conflicts in a.txt")), "{left:?}");
    assert!(repo.show("oarlock/T-1:a.txt").contains("<<<<<<<"));
    // One that was resolved, and only not staged, ends with the commit.
    let (_, left) = attempt(&worktrees, &place, "T-4", &Ground::default(), End::Finished, |dir| {
        assert!(!try_git(dir, &["merge", "other"]).0, "it conflicts");
        write(dir, "a.txt", "ONE and 1\ntwo\nthree\n");
    });
    assert_eq!((left.refused, repo.git("rev-list --merges --count main..oarlock/T-4").as_str()), (None, "1"));
    let (_, left) = attempt(&worktrees, &place, "T-2", &Ground::default(), End::Unfinished, |dir| {
        commit(dir, "x.txt", "x\n", "mine");
        assert!(!try_git(dir, &["rebase", "other"]).0, "it conflicts");
    });
    assert_eq!(left.refused, None);
    attempt(&worktrees, &place, "T-3", &Ground::default(), End::Finished, |dir| assert!(!git(dir, &["status"]).contains("rebas")));
    assert_eq!(repo.subjects("oarlock/T-3"), [""; 0]);
}

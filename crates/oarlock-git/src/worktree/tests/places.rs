//! The places of worktrees, the files that worktrees share, and the removal of both.

use super::*;

fn stock(repo: &Repo) -> Stock {
    Stock::of(&repo.top().join(".oarlock"), &repo.top()).expect("a repository").expect("there are some")
}

fn holds(repo: &Repo) -> Vec<String> {
    stock(repo).look().expect("it can be read").into_iter().flat_map(|found| found.holds).collect()
}

#[test]
fn what_is_not_a_worktree_of_the_repository_is_never_worked_in() {
    let repo = Repo::new();
    let worktrees = repo.worktrees();
    let place = worktrees.take("ada").expect("free");
    let refused = |part: &str| {
        let refusal = worktrees.enter(&place, "T-1", "t", &Ground::default()).expect_err(part);
        assert!(refusal.concern == Concern::Worktree && refusal.message.contains(part), "{refusal}");
    };
    // From a directory without a repository of its own git would find the caller's.
    write(&repo.of("ada"), "file", "x");
    refused("is not a worktree of this repository");
    assert!(repo.of("ada").join("file").exists());
    git(&repo.of("ada"), &["init", "--quiet", "."]);
    refused("is not a worktree of this repository");
    fs::remove_dir_all(repo.of("ada")).expect("ours");
    // A copy of another worktree has that one's branch.
    repo.git("worktree add --quiet --detach .oarlock/worktrees/bob");
    fs::create_dir(repo.of("ada")).expect("ours");
    fs::copy(repo.of("bob").join(".git"), repo.of("ada").join(".git")).expect("copied");
    refused("is not a worktree of this repository");
    fs::remove_dir_all(repo.of("ada")).expect("ours");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(repo.of("bob"), repo.of("ada")).expect("linked");
        refused("is not a worktree of this repository");
        fs::remove_file(repo.of("ada")).expect("ours");
    }
    // Gone, and still known to git.
    attempt(&worktrees, &place, "T-1", &Ground::default(), End::Finished, |_| {});
    fs::remove_dir_all(repo.of("ada")).expect("ours");
    attempt(&worktrees, &place, "T-1", &Ground::default(), End::Finished, |_| {});
    assert!(worktrees.try_take_now("ada").is_none(), "it is taken");
    for name in ["", "..", ".x", "a/b", "a."] {
        assert!(worktrees.take(name).is_err(), "{name:?}");
    }
    for task in ["a..b", "x.lock", "a b"] {
        assert_eq!(worktrees.enter(&place, task, "t", &Ground::default()).expect_err(task).concern, Concern::Name);
    }
}

#[test]
#[cfg(unix)]
fn a_repository_cannot_bring_the_directory() {
    let repo = Repo::new();
    let worktrees = repo.worktrees();
    fs::create_dir(repo.top().join(".oarlock")).expect("new");
    std::os::unix::fs::symlink(repo.beside("elsewhere"), repo.top().join(".oarlock/worktrees")).expect("linked");
    let refusal = worktrees.take("ada").expect_err("a link");
    assert!(refusal.message.contains("is not a directory"), "{refusal}");
}

#[test]
#[cfg(unix)]
fn what_git_does_not_have_is_linked_or_copied_and_never_committed() {
    let repo = Repo::new();
    repo.commit(".gitignore", "node_modules/\n.env\n", "ignore");
    repo.write(".env", "PORT=1\n");
    repo.write("node_modules/x/index.js", "x\n");
    std::os::unix::fs::symlink("x/index.js", repo.top().join("node_modules/bin")).expect("linked");
    let shared = Shared { link: vec!["node_modules".into(), "missing".into()], copy: vec![".env".into(), "a.txt".into()] };
    let worktrees = repo.worktrees_with(shared);
    let place = worktrees.take("ada").expect("free");
    let (_, left) = attempt(&worktrees, &place, "T-1", &Ground::default(), End::Finished, |dir| {
        assert!(dir.join("node_modules").is_symlink() && dir.join("node_modules/x/index.js").exists());
        assert_eq!(fs::read_to_string(dir.join(".env")).expect("copied"), "PORT=1\n");
        assert_eq!(git(dir, &["status", "--porcelain"]), "");
        write(dir, ".env", "PORT=2\n");
        write(dir, "work.txt", "x\n");
    });
    assert_eq!((left.refused, repo.git("diff --name-only main oarlock/T-1").as_str()), (None, "work.txt"));
    // An agent's own copy stays its own.
    attempt(&worktrees, &place, "T-2", &Ground::default(), End::Finished, |dir| {
        assert_eq!(fs::read_to_string(dir.join(".env")).expect("copied"), "PORT=2\n");
    });
    assert_eq!(fs::read_to_string(repo.top().join(".env")).expect("there"), "PORT=1\n");
    drop(place);
    stock(&repo).remove("ada", false).expect("nothing is lost");
    assert!(repo.top().join("node_modules/x/index.js").exists(), "what a link leads to stays");
}

#[test]
#[cfg(unix)]
fn shared_paths_stay_in_the_repository() {
    let repo = Repo::new();
    write(&repo.beside(""), "secret", "x");
    std::os::unix::fs::symlink(repo.beside("secret"), repo.top().join("leads-out")).expect("linked");
    std::os::unix::fs::symlink(".git", repo.top().join("git-inside")).expect("linked");
    for path in ["../secret", "/etc/passwd", "leads-out", "git-inside", ".git", ".GIT/config", ".oarlock/oarlock.db", "", ".", "a\nb"] {
        write(&repo.top(), ".oarlock/oarlock.db", "x");
        let worktrees = repo.worktrees_with(Shared { link: vec![path.to_owned()], copy: Vec::new() });
        let place = worktrees.take("ada").expect("free");
        let refusal = worktrees.enter(&place, "T-1", "t", &Ground::default()).expect_err(path);
        assert!(refusal.message.contains("the shared path"), "{path:?}: {refusal}");
    }
}

#[test]
fn a_worktree_that_holds_work_is_not_removed() {
    let repo = Repo::new();
    let worktrees = repo.worktrees();
    assert_eq!(Stock::of(&repo.top().join(".oarlock"), &repo.beside("nowhere")).expect("none").map(|_| ()), None);
    {
        let place = worktrees.take("ada").expect("free");
        attempt(&worktrees, &place, "T-1", &Ground::default(), End::Finished, |dir| write(dir, "x.txt", "x\n"));
        assert_eq!(holds(&repo), ["it is in use"]);
    }
    assert_eq!(holds(&repo), ["its commits are on no branch but those of tasks"]);
    write(&repo.of("ada"), "y.txt", "y\n");
    assert!(holds(&repo)[0].contains("1 uncommitted or untracked path, first y.txt"), "{:?}", holds(&repo));
    stock(&repo).remove("ada", false).expect_err("it holds work");
    assert!(repo.of("ada").join("y.txt").exists());
    // By force everything is committed first.
    stock(&repo).remove("ada", true).expect("kept");
    assert!(!repo.of("ada").exists());
    let kept = repo.git("for-each-ref --format=%(refname) refs/oarlock/kept");
    assert_eq!(repo.show(&format!("{kept}:y.txt")), "y");
    // Landed and clean: it goes.
    let place = worktrees.take("ada").expect("free");
    attempt(&worktrees, &place, "T-2", &Ground::default(), End::Finished, |dir| write(dir, "z.txt", "z\n"));
    drop(place);
    repo.git("merge --quiet oarlock/T-2");
    assert_eq!(holds(&repo), [""; 0]);
    stock(&repo).remove("ada", false).expect("clean");
    let left = fs::read_dir(repo.top().join(".oarlock/worktrees")).expect("there").flatten();
    assert_eq!(left.filter(|entry| entry.file_name().to_string_lossy().contains("ada")).count(), 0);
    // A directory that is not a worktree is not removed.
    write(&repo.of("eve"), "x", "x");
    stock(&repo).remove("eve", true).expect_err("not ours");
}

#[test]
fn a_branch_that_git_cannot_have_beside_another_is_named() {
    let repo = Repo::new();
    let worktrees = repo.worktrees();
    let place = worktrees.take("ada").expect("free");
    repo.git("branch oarlock/x/theirs");
    let refused = worktrees.enter(&place, "x", "Title", &Ground::default()).expect_err("git cannot have both");
    assert_eq!(refused.concern, Concern::Name);
    assert_eq!(refused.message, "git cannot have the branch oarlock/x beside the branch oarlock/x/theirs");
    repo.git("branch --move oarlock/x/theirs oarlock");
    let refused = worktrees.enter(&place, "x", "Title", &Ground::default()).expect_err("nor that");
    assert_eq!(refused.concern, Concern::Worktree);
    assert!(refused.hint.contains("git branch --move oarlock NEW"), "{refused:?}");
    repo.git("branch --move oarlock theirs");
    attempt(&worktrees, &place, "x", &Ground::default(), End::Finished, |_| ());
}

#[test]
fn a_branch_begins_at_a_detached_head_and_no_attempt_does() {
    let repo = Repo::new();
    repo.git("checkout --quiet --detach HEAD~1");
    let refused = Worktrees::open(&repo.top(), None, Shared::default()).expect_err("no branch");
    assert!(refused.message.contains("HEAD is detached"), "{refused:?}");
    let (worktrees, _) = Worktrees::open_for_new_branch(&repo.top(), None, Shared::default()).expect("a repository");
    worktrees.make_branch("oarlock/run/plan").expect("it is new");
    assert_eq!(repo.git("rev-parse oarlock/run/plan"), repo.git("rev-parse HEAD"));
    let (worktrees, _) = Worktrees::open_for_new_branch(&repo.top(), Some("main"), Shared::default()).expect("a repository");
    worktrees.make_branch("other").expect("it is new");
    assert_eq!(repo.git("rev-parse other"), repo.git("rev-parse main"));
}

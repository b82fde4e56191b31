//! Repositories in other states, branches in others' hands, and comparing branches.

use super::*;

fn refused(here: &Path, onto: Option<&str>, part: &str) {
    let refusal = Worktrees::open(here, onto, Shared::default()).map(drop).expect_err(part);
    assert!(refusal.message.contains(part), "{refusal}");
    assert!(!refusal.hint.is_empty());
}

#[test]
fn what_has_no_branch_to_begin_at_is_refused() {
    let repo = Repo::new();
    let none = tempfile::tempdir().expect("temporary");
    refused(none.path(), None, "is not in a worktree of a git repository");
    git(none.path(), &["init", "--quiet", "--initial-branch=main", "."]);
    refused(none.path(), None, "the branch main has no commit yet");
    refused(&repo.top(), Some("none"), "there is no local branch none");
    for name in ["-x", "a..b", "main~1", "refs/heads/../x"] {
        refused(&repo.top(), Some(name), "cannot be the name of a branch");
    }
    repo.git("checkout --quiet --detach");
    refused(&repo.top(), None, "HEAD is detached");
    assert_eq!(Worktrees::open(&repo.top(), Some("main"), Shared::default()).expect("named").0.target(), "main");
    refused(&repo.top().join(".git"), None, "is not in a worktree of a git repository");
}

#[test]
fn what_agents_will_not_see_is_said() {
    let repo = Repo::new();
    repo.write("a.txt", "changed\n");
    repo.write("untracked.txt", "x\n");
    let (_, warnings) = Worktrees::open(&repo.top(), None, Shared::default()).expect("a repository");
    assert!(warnings.len() == 1 && warnings[0].contains("1 changed file in") && warnings[0].contains("(a.txt)"), "{warnings:?}");
    assert_eq!(Worktrees::open(&repo.top(), Some("main"), Shared::default()).expect("named").1, [""; 0]);
}

#[test]
fn a_command_starts_in_the_same_sub_directory() {
    let repo = Repo::new();
    let worktrees = Worktrees::open(&repo.top().join("sub"), None, Shared::default()).expect("a repository").0;
    let place = worktrees.take("ada").expect("free");
    let (entered, _) = attempt(&worktrees, &place, "T-1", &Ground::default(), End::Finished, |dir| assert!(dir.join("b.txt").exists()));
    assert_eq!(entered.dir, repo.of("ada").join("sub"));
    // A directory that is not committed is in no worktree.
    fs::create_dir(repo.top().join("new")).expect("new");
    let worktrees = Worktrees::open(&repo.top().join("new"), None, Shared::default()).expect("a repository").0;
    let refusal = worktrees.enter(&place, "T-2", "t", &Ground::default()).expect_err("not there");
    assert!(
        refusal.concern == Concern::Worktree && refusal.message.contains("the directory new is not in the branch oarlock/T-2"),
        "{refusal}"
    );
    // From a linked worktree tasks begin at its branch.
    repo.git("worktree add --quiet -b side ../side");
    commit(&repo.beside("side"), "side.txt", "x\n", "side");
    let worktrees = Worktrees::open(&repo.beside("side"), None, Shared::default()).expect("a repository").0;
    assert_eq!(worktrees.target(), "side");
    attempt(&worktrees, &place, "T-3", &Ground::default(), End::Finished, |dir| assert!(dir.join("side.txt").exists()));
}

#[test]
fn a_branch_in_somebody_elses_hands_is_not_taken() {
    let repo = Repo::new();
    let worktrees = repo.worktrees();
    let place = worktrees.take("ada").expect("free");
    repo.git("worktree add --quiet -b oarlock/T-1 ../mine");
    let refusal = worktrees.enter(&place, "T-1", "t", &Ground::default()).expect_err("in use");
    assert!(refusal.concern == Concern::Worktree && refusal.message.contains("oarlock/T-1 is checked out in"), "{refusal}");
    // Git has room for a branch or for branches below its name.
    repo.git("branch oarlock/T-2/x");
    let refusal = worktrees.enter(&place, "T-2", "t", &Ground::default()).expect_err("in the way");
    assert!(refusal.concern == Concern::Name && refusal.message.contains("beside the branch oarlock/T-2/x"), "{refusal}");
    attempt(&worktrees, &place, "T-3", &Ground::default(), End::Finished, |dir| write(dir, "x.txt", "x\n"));
    assert_eq!(repo.subjects("oarlock/T-3"), ["Title of T-3"]);
}

#[test]
fn repositories_inside_of_a_worktree_are_said() {
    let repo = Repo::new();
    let worktrees = repo.worktrees();
    let place = worktrees.take("ada").expect("free");
    let (_, left) = attempt(&worktrees, &place, "T-1", &Ground::default(), End::Finished, |dir| {
        write(dir, "fine.txt", "x\n");
        write(dir, "inner/file.txt", "x\n");
        git(&dir.join("inner"), &["init", "--quiet", "."]);
    });
    assert!(left.refused.as_deref().is_some_and(|why| why.contains("inner")), "{left:?}");
    assert_eq!(repo.git("diff --name-only main oarlock/T-1"), "fine.txt");
    let refusal = worktrees.enter(&place, "T-2", "t", &Ground::default()).expect_err("it is not clean");
    assert!(refusal.concern == Concern::Worktree && refusal.message.contains("inner/"), "{refusal}");
    assert!(repo.of("ada").join("inner/file.txt").exists());
}

#[test]
fn shallow_and_sparse_repositories_and_submodules_work() {
    let origin = Repo::new();
    let clone = |words: &[&str]| {
        let temp = tempfile::tempdir().expect("temporary");
        let url = format!("file://{}", origin.top().display());
        git(temp.path(), &[&["clone", "--quiet"], words, &[&url, "repo"]].concat());
        let repo = Repo { temp };
        repo.configure("user.name", "Tess");
        repo.configure("user.email", "tess@example.org");
        repo
    };
    origin.configure("uploadpack.allowFilter", "true");
    for words in [&["--depth=1"][..], &["--filter=blob:none"], &["--sparse"]] {
        let repo = clone(words);
        let worktrees = repo.worktrees();
        let place = worktrees.take("ada").expect("free");
        attempt(&worktrees, &place, "T-1", &Ground::default(), End::Unfinished, |dir| write(dir, "sub/deep/new.txt", "x\n"));
        repo.commit("later.txt", "x\n", "later");
        attempt(&worktrees, &place, "T-1", &Ground::default(), End::Finished, |dir| {
            assert!(dir.join("later.txt").exists(), "{words:?}");
            write(dir, "y.txt", "y\n");
        });
        assert_eq!(repo.git("diff --name-only main oarlock/T-1"), "sub/deep/new.txt\ny.txt", "{words:?}");
    }
    let repo = Repo::new();
    git(
        &repo.top(),
        &["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &format!("file://{}", origin.top().display()), "lib"],
    );
    repo.git("commit --quiet -m lib");
    let (worktrees, warnings) = Worktrees::open(&repo.top(), None, Shared::default()).expect("a repository");
    assert!(warnings.iter().any(|warning| warning.contains("submodules are empty")), "{warnings:?}");
    let place = worktrees.take("ada").expect("free");
    attempt(&worktrees, &place, "T-1", &Ground::default(), End::Finished, |dir| {
        git(dir, &["-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init"]);
        assert!(dir.join("lib/a.txt").exists());
        write(dir, "z.txt", "z\n");
    });
    assert_eq!(repo.git("diff --name-only main oarlock/T-1"), "z.txt");
    drop(place);
    let found = worktrees.stock().look().expect("readable").swap_remove(0);
    assert!(found.holds.iter().any(|why| why.contains("submodules")), "{found:?}");
}

#[test]
fn every_pair_of_branches_is_compared() {
    let repo = Repo::new();
    let worktrees = repo.worktrees();
    let place = worktrees.take("ada").expect("free");
    for (task, name, text) in [("T-1", "a.txt", "1\ntwo\nthree\n"), ("T-2", "a.txt", "2\ntwo\nthree\n"), ("T-3", "c.txt", "c\n")] {
        attempt(&worktrees, &place, task, &Ground::default(), End::Finished, |dir| write(dir, name, text));
    }
    let compare = |branches: &[&str], onto: Option<&str>| {
        Pairs { branches: branches.iter().map(|name| (*name).to_owned()).collect(), onto: onto.map(str::to_owned).into_iter().collect() }
            .compare(&repo.top(), &|name| name == "oarlock/T-over")
    };
    let lines =
        |compared: Compared| compared.pairs.into_iter().map(|pair| format!("{} {} {:?}", pair.a, pair.b, pair.files)).collect::<Vec<_>>();
    assert_eq!(
        lines(compare(&[], None).expect("all")),
        ["oarlock/T-1 oarlock/T-2 [\"a.txt\"]", "oarlock/T-1 oarlock/T-3 []", "oarlock/T-2 oarlock/T-3 []"]
    );
    assert_eq!(lines(compare(&["T-2", "oarlock/T-1", "T-2"], None).expect("named")), ["oarlock/T-2 oarlock/T-1 [\"a.txt\"]"]);
    // What has landed is not live any more.
    repo.git("switch --quiet -c landed");
    repo.git("merge --quiet oarlock/T-1");
    repo.git("switch --quiet main");
    assert_eq!(lines(compare(&[], Some("landed")).expect("onto")).len(), 1);
    assert_eq!(lines(compare(&[], None).expect("all")).len(), 3);
    // Uncommitted files count as well, and nothing of it is touched.
    worktrees.enter(&place, "T-4", "four", &Ground::default()).expect("it begins");
    write(&repo.of("ada"), "c.txt", "other\n");
    assert_eq!(lines(compare(&["T-3", "T-4"], None).expect("named")), ["oarlock/T-3 oarlock/T-4 [\"c.txt\"]"]);
    assert_eq!(git(&repo.of("ada"), &["status", "--porcelain"]), "?? c.txt");
    for (names, part) in [(&["none"][..], "there is no local branch none"), (&["-x"], "cannot be the name")] {
        let refusal = compare(names, None).expect_err(part);
        assert!(refusal.message.contains(part), "{refusal}");
    }
    assert_eq!(compare(&["main"], None).expect("alone").pairs, []);
}

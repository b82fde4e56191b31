//! A worker that is killed (SIGKILL) while its target moves: each task lands exactly once.

use super::Repo;

/// A hook that kills the worker, once, when git moves the target and has got this far. Git itself goes on.
fn kill_at(repo: &Repo, state: &str, target: &str) {
    let flag = repo.project.beside("killed");
    let script = format!(
        "#!/bin/sh\n\
         [ \"$1\" = {state} ] || exit 0\n\
         grep -q 'refs/heads/{target}$' || exit 0\n\
         [ -e '{flag}' ] && exit 0\n\
         touch '{flag}'\n\
         kill -9 $(cut -d' ' -f4 /proc/$PPID/stat)\n",
        flag = flag.display()
    );
    repo.hook("reference-transaction", &script);
}

#[test]
fn a_worker_killed_between_reference_and_store_has_landed_once() {
    for target in ["main", "target"] {
        for state in ["prepared", "committed"] {
            let repo = Repo::new();
            if target != "main" {
                repo.git("branch target");
            }
            for task in ["A", "B"] {
                repo.submit(task, "main", &[(task, "x\n")]);
            }
            kill_at(&repo, state, target);
            let merge = format!("merge --onto {target} --once --test true");
            let killed = repo.project.call(&merge).start().output();
            assert!(!killed.status.success() && killed.stdout.is_empty(), "{target} {state}: it was not killed");
            assert_eq!(repo.project.task("A")["state"], "review");
            // Nobody takes it out of the queue meanwhile, and an agent does not get it.
            repo.project.fails("reject A --reason x", 4, "state_conflict");
            let reply = repo.project.ok(&merge);
            assert_eq!(Repo::tasks(&reply, "landed"), ["A", "B"], "{target} {state}: {reply}");
            assert_eq!(repo.landed_on(target), ["A", "B"], "{target} {state}");
            for task in ["A", "B"] {
                let landing = repo.project.task(task)["landing"].clone();
                let commit = landing["landed_commit"].as_str().expect("a commit").to_owned();
                assert_eq!(repo.git(&format!("log -1 '--format=%(trailers:key=Oarlock-Task,valueonly)' {commit}")), task);
                assert_eq!(repo.project.kinds_of(task).iter().filter(|kind| *kind == "task_done").count(), 1);
            }
            assert_eq!(repo.git("status --porcelain"), "");
            repo.project.ok("doctor");
        }
    }
}

#[test]
fn a_worker_killed_during_a_test_leaves_no_worktree_and_no_test() {
    let repo = Repo::new();
    repo.submit("A", "main", &[("a.txt", "a\n")]);
    let flag = repo.project.beside("killed");
    // The test's guard is its parent, and the worker the guard's.
    let test = format!(
        "test -e {0} || {{ touch {0}; guard=$(cut -d' ' -f4 /proc/$$/stat); kill -9 $(cut -d' ' -f4 /proc/$guard/stat); sleep 1000; }}",
        flag.display()
    );
    let merge = ["merge", "--onto", "main", "--once", "--test", &test];
    let killed = repo.project.call_args(&merge).start().output();
    assert!(!killed.status.success() && killed.stdout.is_empty(), "it was not killed");
    assert_eq!(repo.project.task("A")["landing"]["state"], "testing");
    let reply = repo.project.call_args(&merge).ok();
    assert_eq!((Repo::tasks(&reply, "landed"), &reply["tests_run"]), (vec!["A".into()], &1.into()));
    assert_eq!(repo.git("worktree list --porcelain").matches("worktree ").count(), 2);
}

//! `merge`: submitted commits land on a target branch, in real repositories.

mod crash;
mod refused;
mod submitted;

use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use crate::support::{Project, fifo, heard, object};

/// A repository with a target branch and an agent that works in a worktree of its own.
pub(crate) struct Repo {
    pub(crate) project: Project,
}

impl Repo {
    /// `main` is checked out, and is the target where a test names no other.
    pub(crate) fn new() -> Self {
        let project = Project::none();
        project.git_in(&project.root(), "init --quiet -b main .");
        project.write("f.txt", "one\ntwo\nthree\nfour\nfive\n");
        project.git_in(&project.root(), "add -A");
        project.git_in(&project.root(), "commit --quiet -m first");
        project.ok("init");
        project.ok("join ada");
        let agent = project.beside("agent");
        project.git_in(&project.root(), &format!("worktree add --quiet --detach '{}' main", agent.display()));
        Self { project }
    }

    pub(crate) fn agent(&self) -> PathBuf {
        self.project.beside("agent")
    }

    pub(crate) fn git(&self, line: &str) -> String {
        self.project.git_in(&self.project.root(), line).trim().to_owned()
    }

    /// A branch from `base` with these files, committed in the agent's worktree.
    pub(crate) fn branch(&self, branch: &str, base: &str, files: &[(&str, &str)]) -> String {
        self.project.git_in(&self.agent(), &format!("checkout --quiet -B '{branch}' {base}"));
        for (name, text) in files {
            fs::write(self.agent().join(name), text).expect("written");
        }
        self.project.git_in(&self.agent(), "add -A");
        self.project.git_in(&self.agent(), &format!("commit --quiet --allow-empty -m '{branch}'"));
        self.project.git_in(&self.agent(), "rev-parse HEAD").trim().to_owned()
    }

    /// A task that ada has done on its branch, and handed in.
    pub(crate) fn submit(&self, task: &str, base: &str, files: &[(&str, &str)]) -> String {
        self.project.ok(&format!("add 'task {task}' --id {task} --gate merge"));
        self.submit_again(task, base, files)
    }

    pub(crate) fn submit_again(&self, task: &str, base: &str, files: &[(&str, &str)]) -> String {
        self.project.ok(&format!("claim {task} --as ada"));
        let commit = self.branch(&format!("oarlock/{task}"), base, files);
        self.project.call(&format!("done {task} --as ada --result 'did {task}'")).dir(self.agent()).ok();
        commit
    }

    /// `merge --once` with more flags: its reply.
    pub(crate) fn merge(&self, flags: &str) -> Value {
        self.project.ok(&format!("merge --onto main --once {flags}"))
    }

    /// The tasks of the landing commits of a branch, oldest first.
    pub(crate) fn landed_on(&self, branch: &str) -> Vec<String> {
        let listed = self.git(&format!("log --first-parent --reverse '--format=%(trailers:key=Oarlock-Task,valueonly)' {branch}"));
        listed.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    /// An executable hook.
    pub(crate) fn hook(&self, name: &str, script: &str) {
        let hook = self.project.root().join(".git/hooks").join(name);
        fs::create_dir_all(hook.parent().expect("a directory")).expect("made");
        fs::write(&hook, script).expect("written");
        fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).expect("executable");
    }

    pub(crate) fn tasks(reply: &Value, list: &str) -> Vec<String> {
        let list = reply[list].as_array().expect("a list");
        list.iter().map(|item| item["task"].as_str().expect("an id").to_owned()).collect()
    }
}

#[test]
fn submissions_land_in_their_order_as_merge_commits_of_a_tested_tree() {
    let repo = Repo::new();
    let first = repo.git("rev-parse main");
    let a = repo.submit("A", &first, &[("f.txt", "ONE\ntwo\nthree\nfour\nfive\n")]);
    repo.submit("B", &first, &[("f.txt", "one\ntwo\nthree\nfour\nFIVE\n")]);
    let task = repo.project.task("A");
    assert_eq!((&task["state"], &task["gate"]), (&"review".into(), &"merge".into()));
    assert_eq!(task["landing"], json!({"state": "queued", "branch": "oarlock/A", "commit": a, "files": []}));
    let status = repo.project.ok("merge --status --onto main");
    assert_eq!((&status["onto"], &status["landed"], &status["refused"]), (&"main".into(), &0.into(), &0.into()));
    assert_eq!(Repo::tasks(&status, "queue"), ["A", "B"]);
    assert!(status["queue"][0]["waiting_ms"].is_i64() && status["queue"][0]["state"] == "queued", "{status}");

    let reply = repo.merge("--test 'grep -q two f.txt'");
    assert_eq!(
        (Repo::tasks(&reply, "landed"), &reply["refused"], &reply["tests_run"]),
        (vec!["A".into(), "B".into()], &json!([]), &1.into())
    );
    assert_eq!(fs::read_to_string(repo.project.root().join("f.txt")).expect("read"), "ONE\ntwo\nthree\nfour\nFIVE\n");
    assert_eq!(repo.git("status --porcelain"), "");
    assert_eq!(repo.landed_on("main"), ["A", "B"]);
    let task = repo.project.task("A");
    let landed = task["landing"]["landed_commit"].as_str().expect("a commit").to_owned();
    assert_eq!(
        (&task["state"], &task["landing"]["state"], &reply["landed"][0]["commit"]),
        (&"done".into(), &"landed".into(), &json!(landed))
    );
    // A fast-forward would have done.
    assert_eq!(repo.git(&format!("log -1 --format=%P {landed}")), format!("{first} {a}"));
    let token = repo.project.ok("events --kind task_claimed")["events"][0]["data"]["token"].clone();
    let trailers = repo.git(&format!("log -1 '--format=%(trailers)%an %ae' {landed}"));
    assert_eq!(trailers, format!("Oarlock-Task: A\nOarlock-Agent: ada\nOarlock-Token: {token}\nada ada@oarlock.invalid"));
    let kinds = repo.project.kinds_of("A");
    let after = ["landing_started", "landing_tested", "landing_landed", "task_approved", "task_done"];
    assert_eq!(kinds[kinds.len() - 5..], after, "{kinds:?}");
    let status = repo.project.ok("merge --status --onto main");
    assert_eq!((&status["queue"], &status["landed"]), (&json!([]), &2.into()));
    assert_eq!(repo.git("worktree list --porcelain").matches("worktree ").count(), 2, "that of the tests is gone");
    repo.project.ok("doctor");
}

#[test]
fn people_read_what_waits_and_what_became_of_it() {
    let repo = Repo::new();
    repo.submit("A", "main", &[("f.txt", "uno\n")]);
    repo.submit("B", "main", &[("f.txt", "eins\n")]);
    let status = repo.project.text("merge --status --onto main");
    assert!(status.contains("A") && status.contains("queued") && status.ends_with("main: 2 queued, 0 landed, 0 refused\n"), "{status}");
    assert!(repo.project.text("task A").contains("landing done by its agent, not tested yet: commit "));
    let reply = repo.project.call("merge --onto main --once").plain().run();
    assert_eq!(reply.code, 0, "{}", reply.stderr);
    assert!(reply.stdout.contains("refused (conflict)") && reply.stdout.contains("f.txt"), "{}", reply.stdout);
    assert!(reply.stdout.ends_with("main: 1 landed, 1 refused, nothing was tested\n"), "{}", reply.stdout);
    assert!(reply.stderr.contains("A \"task A\" has landed on main as "), "{}", reply.stderr);
}

#[test]
fn only_the_submitted_commit_lands_however_its_branch_moves() {
    let repo = Repo::new();
    let commit = repo.submit("A", "main", &[("a.txt", "submitted\n")]);
    repo.branch("oarlock/A", "oarlock/A", &[("a.txt", "forced afterwards\n")]);
    repo.submit("B", "main", &[("b.txt", "b\n")]);
    repo.project.git_in(&repo.agent(), "checkout --quiet --detach main");
    repo.git("branch --quiet -D oarlock/B");
    let reply = repo.merge("");
    assert_eq!(
        (Repo::tasks(&reply, "landed"), &reply["tests_run"], &reply["tested"]),
        (vec!["A".into(), "B".into()], &0.into(), &false.into())
    );
    assert_eq!(repo.git("show main:a.txt"), "submitted");
    assert!(repo.git(&format!("branch --contains {commit}")).contains("main"));
}

#[test]
fn a_submission_without_changes_lands_at_once_without_a_test() {
    let repo = Repo::new();
    repo.submit("A", "main", &[]);
    repo.project.ok("add 'nothing at all' --id B --gate merge");
    repo.project.ok("claim B --as ada");
    repo.project.ok("done B --as ada --branch main");
    let reply = repo.merge("--test false");
    assert_eq!((Repo::tasks(&reply, "landed"), &reply["tests_run"]), (vec!["A".into(), "B".into()], &0.into()));
    assert_eq!(reply["landed"][0]["tests"], 0);
    assert_eq!(repo.landed_on("main"), ["A", "B"]);
}

#[test]
fn a_tree_that_has_passed_is_not_tested_again() {
    let repo = Repo::new();
    repo.git("branch other");
    let count = repo.project.beside("count");
    let test = format!("--test 'echo x >> {}'", count.display());
    repo.submit("A", "main", &[("a.txt", "a\n")]);
    assert_eq!(repo.merge(&test)["tests_run"], 1);
    repo.submit("B", "other", &[("a.txt", "a\n")]);
    let reply = repo.project.ok(&format!("merge --onto other --once {test}"));
    assert_eq!((Repo::tasks(&reply, "landed"), &reply["tests_run"]), (vec!["B".into()], &0.into()));
    assert_eq!(fs::read_to_string(count).expect("read"), "x\n");
}

#[test]
fn a_target_whose_worktree_has_changes_stays_and_the_task_stays_queued() {
    let repo = Repo::new();
    repo.submit("A", "main", &[("f.txt", "new\n"), ("g.txt", "g\n")]);
    let first = repo.git("rev-parse main");
    let blocked = |why: &str| {
        let reply = repo.project.call("merge --onto main --once --test true").run();
        assert_eq!(reply.code, 4, "{why}");
        let report = object(&reply.stdout, "merge");
        assert_eq!((&report["landed"], &report["refused"]), (&json!([]), &json!([])));
        assert!(reply.stderr.contains("state_conflict") && reply.stderr.contains(why), "{}", reply.stderr);
        assert_eq!((repo.git("rev-parse main"), &repo.project.task("A")["landing"]["state"]), (first.clone(), &"queued".into()));
    };
    repo.project.write("f.txt", "changed\n");
    blocked("f.txt");
    repo.git("checkout --quiet f.txt");
    let untracked = repo.project.write("g.txt", "mine\n");
    blocked("g.txt");
    assert_eq!(fs::read_to_string(&untracked).expect("read"), "mine\n");
    fs::remove_file(untracked).expect("removed");
    let reply = repo.merge("--test true");
    assert_eq!((Repo::tasks(&reply, "landed"), &reply["tests_run"]), (vec!["A".into()], &0.into()), "its tree has passed before");
    assert_eq!(repo.git("status --porcelain"), "");
}

#[test]
fn a_target_that_somebody_moves_during_the_test_is_merged_again() {
    let repo = Repo::new();
    repo.git("branch target");
    repo.submit("A", "main", &[("a.txt", "a\n")]);
    let other = repo.branch("person", "main", &[("p.txt", "p\n")]);
    // The test is blind to where it runs but for its directory: it moves the branch as a person would.
    let flag = repo.project.beside("moved");
    let test = format!("test -e {0} || {{ touch {0}; git update-ref refs/heads/target {other}; }}", flag.display());
    let reply = repo.project.call_args(&["merge", "--onto", "target", "--once", "--test", &test]).ok();
    assert_eq!((Repo::tasks(&reply, "landed"), &reply["tests_run"]), (vec!["A".into()], &2.into()));
    assert_eq!(repo.git("ls-tree --name-only target"), "a.txt\nf.txt\np.txt");
    assert_eq!(repo.git("log -1 --format=%P target").split(' ').next(), Some(other.as_str()));
}

#[test]
fn a_queue_waits_for_submissions_until_it_is_asked_to_end() {
    let repo = Repo::new();
    let worker = repo.project.start("merge --onto main --test true");
    repo.submit("A", "main", &[("a.txt", "a\n")]);
    repo.project.ok("wait A --timeout 60s");
    worker.signal(rustix::process::Signal::TERM);
    let reply = worker.reply();
    assert_eq!(reply.code, 130, "{}", reply.stderr);
    assert_eq!(Repo::tasks(&object(&reply.stdout, "merge"), "landed"), ["A"]);
}

#[test]
fn a_project_whose_queue_is_worked_is_not_forgotten() {
    let repo = Repo::new();
    repo.submit("T-1", "main", &[("new.txt", "new\n")]);
    let (started, go) = (fifo(&repo.project, "started"), fifo(&repo.project, "go"));
    let test = format!("echo up > '{}'; read x < '{}'", started.display(), go.display());
    let queue = repo.project.call_args(&["merge", "--onto", "main", "--once", "--test", &test]).start();
    heard(&started);
    let error = repo.project.fails("forget --force", 4, "state_conflict");
    assert!(error["message"].as_str().is_some_and(|text| text.contains("landing queue")), "{error}");
    fs::write(&go, "go\n").expect("it reads");
    assert!(queue.output().status.success());
    repo.project.ok("forget");
    let left: Vec<String> = fs::read_dir(repo.project.root().join(".git"))
        .expect("there")
        .map(|entry| entry.expect("read").file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with("oarlock"))
        .collect();
    assert_eq!((left, repo.git("worktree list --porcelain").matches("/landing/").count()), (vec![], 0));
}

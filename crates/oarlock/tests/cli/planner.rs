//! Plans by an agent: `split --planner agent --with CMD`, and what `run` asks its own command.

use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::{Project, THREE_PARTS};

/// The steps of [`THREE_PARTS`]: the third one is said to need the first.
fn plan() -> Value {
    let step = |n: usize, file: &str| json!({"n": n, "title": format!("Make {file}"), "lines": [[n + 3, n + 3]], "writes": [format!("src/{file}.rs")]});
    json!({"steps": [step(1, "one"), step(2, "two"), step(3, "three")], "needs": [[1, 3, "the clock is read"]]})
}

/// A project with the document, and an agent's answers in files beside it.
struct Scene {
    project: Project,
}

impl Scene {
    fn new() -> Self {
        let project = Project::new();
        project.write("plan.md", THREE_PARTS);
        Self { project }
    }

    /// A script that an agent's command runs, with `$DIR` for its own directory.
    fn script(&self, body: &str) -> String {
        let dir = self.project.beside("agent");
        fs::create_dir_all(&dir).expect("a new directory");
        fs::write(dir.join("agent.sh"), format!("DIR={}\n{body}\n", dir.display())).expect("a script");
        format!("sh {}", dir.join("agent.sh").display())
    }

    /// One that answers the n-th question with the n-th of these texts, and keeps the questions.
    fn answers(&self, answers: &[&str]) -> String {
        let dir = self.project.beside("agent");
        fs::create_dir_all(&dir).expect("a new directory");
        for (n, answer) in answers.iter().enumerate() {
            fs::write(dir.join(format!("answer{}", n + 1)), answer).expect("an answer");
        }
        self.script(
            r#"n=$(($(cat "$DIR/count" 2>/dev/null || echo 0) + 1)); echo $n > "$DIR/count"; cat > "$DIR/question$n"; cat "$DIR/answer$n""#,
        )
    }

    fn kept(&self, name: &str) -> String {
        fs::read_to_string(self.project.beside("agent").join(name)).expect("the command wrote it")
    }

    fn questions(&self) -> usize {
        self.kept("count").trim().parse().expect("a number")
    }

    #[track_caller]
    fn split(&self, flags: &[&str], with: &str) -> Value {
        self.project.call_args(&[&["split", "plan.md", "--planner", "agent", "--with", with][..], flags].concat()).ok()
    }

    /// A split that the rules have made after all; why.
    #[track_caller]
    fn by_rules(&self, flags: &[&str], with: &str) -> String {
        let reply = self.split(&[&["--dry-run"][..], flags].concat(), with);
        assert_eq!(
            (&reply["planner"], &reply["steps"][2]["title"]),
            (&json!("rules"), &json!("Create src/three.rs with the clock")),
            "{reply}"
        );
        let warnings = reply["warnings"].as_array().expect("a list");
        let why = warnings.last().and_then(Value::as_str).expect("a warning").to_owned();
        assert!(why.starts_with("planned by rules, not by sh "), "{why}");
        why
    }
}

#[test]
fn an_agent_plans_and_its_plan_is_attacked_before_parts_are_made() {
    let scene = Scene::new();
    let attack = r#"Here: {"needs": [[1, 2, "the writer prints what the reader gives"]], "free": [[2, 3]]} Done."#;
    let with = scene.answers(&[&format!("```json\n{}\n```", plan()), attack]);
    let reply = scene.split(&[], &with);
    let shown = json!({"planner": reply["planner"], "format": reply["format"], "agents": reply["advice"]["agents"], "split": reply["parallelizable"]});
    assert_eq!(shown, json!({"planner": "agent", "format": "ralf", "agents": 2, "split": true}));
    let edges = reply["edges"].as_array().expect("a list");
    let edges: Vec<_> = edges.iter().map(|edge| (edge["from"].clone(), edge["to"].clone(), edge["reason"].clone())).collect();
    let said = |to: usize, why: &str| (json!(1), json!(to), json!(why));
    assert_eq!(
        edges,
        [said(2, "asked again, the agent says: the writer prints what the reader gives"), said(3, "the agent says: the clock is read")]
    );
    assert_eq!(reply["created"].as_array().map(Vec::len), Some(reply["subtasks"].as_array().map_or(0, Vec::len)));
    let (first, second) = (scene.kept("question1"), scene.kept("question2"));
    assert!(first.contains("\n4| 1. Create `src/one.rs` with the reader\n") && first.contains("- plan.md\n"), "{first}");
    assert!(second.starts_with("Attack this plan") && second.contains("- 1 beside 2\n- 2 beside 3\n"), "{second}");
    assert_eq!(scene.questions(), 2);
    // There is no question before a certain refusal.
    scene.project.call_args(&["split", "plan.md", "--planner", "agent", "--with", &with]).fails(4, "already_exists");
    assert_eq!(scene.questions(), 2);
    // A task with that text is planned alike.
    scene.project.call("add whole --id W --body-file plan.md").ok();
    let dir = scene.project.beside("agent");
    fs::write(dir.join("answer3"), plan().to_string()).expect("an answer");
    fs::write(dir.join("answer4"), r#"{"needs":[]}"#).expect("an answer");
    let reply = scene.project.call_args(&["split", "W", "--planner", "agent", "--with", &with]).ok();
    assert_eq!((&reply["planner"], &reply["task"], scene.questions()), (&json!("agent"), &json!("W"), 4));
}

#[test]
fn faults_are_told_back_with_their_lines() {
    let scene = Scene::new();
    let mut outside = plan();
    outside["steps"][2]["lines"] = json!([[6, 60]]);
    outside["steps"][1]["writes"] = json!(["../two.rs"]);
    let mut short = plan();
    short["steps"].as_array_mut().expect("a list").pop();
    short["needs"] = json!([]);
    let with = scene.answers(&[&outside.to_string(), &short.to_string(), &plan().to_string(), &plan().to_string()]);
    assert_eq!(scene.split(&["--dry-run"], &with)["planner"], "agent");
    let (second, third) = (scene.kept("question2"), scene.kept("question3"));
    assert!(second.contains("steps[2].lines[0]: line 60 is not in the document") && second.contains("steps[1].writes[0]: "), "{second}");
    assert!(third.contains("line 6: \"Create src/three.rs with the clock\" is in no step"), "{third}");
    assert_eq!(scene.questions(), 4);
}

#[test]
fn the_rules_plan_where_an_agent_does_not() {
    let scene = Scene::new();
    let garbage = scene.script("echo 'I have split it into three parts.'");
    assert!(scene.by_rules(&[], &garbage).contains("3 answers could not be used, the last one because: there is no JSON object"));
    let cycle = {
        let mut plan = plan();
        plan["needs"] = json!([[1, 3, "x"], [3, 1, "y"]]);
        plan.to_string()
    };
    let with = scene.script(&format!("echo '{cycle}'"));
    assert!(scene.by_rules(&[], &with).contains("step 3 before step 1 (the agent says: y), step 1 before step 3 (the agent says: x)"));
    let with = scene.script(&format!("echo '{0}'; echo '{0}' | tr x y", plan().to_string().replace("clock", "xx")));
    assert!(scene.by_rules(&[], &with).contains("there are 2 JSON objects"));
    let silent = scene.script("echo 'please log in' >&2; exit 1");
    assert!(scene.by_rules(&[], &silent).contains("exit status 1: please log in"));
    let slow = scene.script("sleep 1000");
    assert!(scene.by_rules(&["--planner-timeout", "1s"], &slow).contains("it gave no answer within 1s"));
    let huge = scene.script("head -c 5000000 /dev/zero | tr '\\0' '{'");
    assert!(scene.by_rules(&[], &huge).contains("longer than 1 MiB"));
    let missing = scene.script("exec no-such-client");
    assert!(scene.by_rules(&[], &missing).contains("it cannot be run, exit status 127"));
}

#[test]
fn what_an_agent_writes_while_it_plans_is_dropped() {
    let scene = Scene::new();
    let body = r#"ls -A > "$DIR/list"; pwd > "$DIR/pwd"; env > "$DIR/env"; mkdir src; echo x > src/one.rs"#;
    let with = scene.script(&format!("{body}; echo '{}'", plan()));
    let reply =
        scene.project.call_args(&["split", "plan.md", "--dry-run", "--planner", "agent", "--with", &with]).env("OARLOCK_AGENT", "ada");
    let reply = reply.env("CLAUDECODE", "1").ok();
    assert_eq!(reply["planner"], "agent");
    assert!(!scene.project.root().join("src").exists() && scene.kept("list").is_empty());
    let env = scene.kept("env");
    assert!(!env.lines().any(|line| line.starts_with("OARLOCK_") || line.starts_with("CLAUDECODE")), "{env}");
    assert!(!std::path::Path::new(scene.kept("pwd").trim()).exists());
    // A program with a slash is found from where the command is started, anyway.
    let program = scene.project.write("bin/planner.sh", format!("#!/bin/sh\necho '{}'\n", plan()));
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("it may be run");
    assert_eq!(scene.split(&["--dry-run"], "bin/planner.sh --now")["planner"], "agent");
}

#[test]
fn a_planner_is_asked_for_in_one_way() {
    let scene = Scene::new();
    let fails = |line: &str, code| drop(scene.project.fails(line, 2, code));
    fails("split plan.md --planner agent --dry-run", "invalid_request");
    fails("split plan.md --planner nobody --dry-run", "invalid_request");
    fails("split plan.md --agents auto --dry-run", "invalid_request");
    fails("split plan.md --planner rules --with cat --dry-run", "usage");
    fails("split plan.md --planner agent --with cat --plan plan.json --dry-run", "usage");
    fails("run plan.md --planner agent -- sh agent.sh", "invalid_request");
    fails("run plan.md --agents some -- sh agent.sh", "invalid_request");
    fails("split plan.md --with cat --plan plan.json --dry-run", "usage");
    let missing = scene.project.fails("split plan.md --plan none.json --dry-run", 3, "not_found");
    assert!(missing.to_string().contains("starts in the current directory"), "{missing}");
    assert_eq!(scene.project.ok("split plan.md --planner rules --dry-run")["planner"], "rules");
    // A command that asks an agent says who plans.
    let asks = format!("echo '{}'", plan());
    assert_eq!(scene.project.call_args(&["split", "plan.md", "--dry-run", "--with", &asks]).ok()["planner"], "agent");
    // Without a project, too.
    let none = Project::none();
    none.write("plan.md", THREE_PARTS);
    let with = format!("echo '{}'", plan());
    assert_eq!(none.call_args(&["split", "plan.md", "--dry-run", "--planner", "agent", "--with", &with]).ok()["planner"], "agent");
}

/// A client of this name, in a folder of its own: it plans where it may only read, and otherwise works.
fn client(project: &Project, name: &str, read_only: &str) -> String {
    let dir = project.beside("bin");
    fs::create_dir_all(&dir).expect("a new directory");
    let body =
        format!("#!/bin/sh\ncat > /dev/null\ncase \"$*\" in *'{read_only}'*) echo '{}';; *) echo did $OARLOCK_TASK;; esac\n", plan());
    fs::write(dir.join(name), body).expect("a script");
    fs::set_permissions(dir.join(name), fs::Permissions::from_mode(0o755)).expect("it may be run");
    format!("{}:{}", dir.display(), std::env::var("PATH").unwrap_or_default())
}

#[test]
fn a_run_asks_its_own_client_for_the_plan_and_says_so() {
    let project = Project::new();
    project.write("plan.md", THREE_PARTS);
    let path = client(&project, "claude", "--permission-mode dontAsk");
    let line = ["run", "plan.md", "--agents", "2", "--", "claude", "-p", "--permission-mode", "acceptEdits"];
    let reply = project.call_args(&line).env("PATH", &path).plain().run();
    assert_eq!(reply.code, 0, "{}", reply.stderr);
    assert!(reply.stderr.contains("asking claude for a plan (--planner rules plans without it)\n"), "{}", reply.stderr);
    assert!(project.task("plan-SUB1")["title"].as_str().is_some_and(|title| title.starts_with("Make one")));
    let rules = ["run", "plan.md", "--id", "rules", "--planner", "rules", "--", "claude", "-p"];
    let reply = project.call_args(&rules).env("PATH", &path).plain().run();
    assert!(reply.code == 0 && !reply.stderr.contains("asking"), "{}", reply.stderr);
    assert!(project.task("rules-SUB1")["title"].as_str().is_some_and(|title| title.starts_with("Create src/one.rs")));
}

#[test]
fn a_run_has_as_many_workers_as_its_plan_advises() {
    let project = Project::new();
    project.write("plan.md", THREE_PARTS);
    let with = format!("echo '{}'", plan());
    let line = ["run", "plan.md", "--agents", "auto", "--planner", "agent", "--with", &with, "--", "sh", "-c", "echo did"];
    let reply = project.call_args(&line).plain().run();
    assert!(reply.code == 0 && reply.stderr.contains("the plan is best for 2 agents: "), "{}", reply.stderr);
    let rules = project.call_args(&["run", "plan.md", "--id", "rules", "--agents", "auto", "--", "sh", "-c", "echo did"]).ok();
    assert_eq!((rules["parts"].as_array().map(Vec::len), rules["agents"].as_array().map(Vec::len)), (Some(3), Some(3)));
}

//! The printed lines in loops that are killed.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::ralf;

/// The names of all processes that were started with this in their environment.
fn marked(mark: &str) -> Vec<String> {
    let processes = fs::read_dir("/proc").expect("processes").flatten();
    let has_mark = |path: &std::path::Path| {
        fs::read(path.join("environ")).is_ok_and(|environment| String::from_utf8_lossy(&environment).contains(mark))
    };
    let marked = processes.map(|entry| entry.path()).filter(|path| has_mark(path));
    marked.filter_map(|path| fs::read_to_string(path.join("comm")).ok()).map(|name| name.trim().to_owned()).collect()
}

/// Looks until it is so; what it was last is reported otherwise.
fn until(mark: &str, is_so: impl Fn(&[String]) -> bool) {
    let start = Instant::now();
    loop {
        let names = marked(mark);
        if is_so(&names) {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(15), "still there: {names:?}");
        thread::yield_now();
    }
}

#[test]
fn a_loop_that_is_killed_leaves_no_pause_behind() {
    let project = ralf();
    project.ok("ralf attach .");
    let hooks = project.ok("ralf hooks .")["hooks"].clone();
    let line = |when: &str| {
        let is_it = |hook: &&serde_json::Value| hook["loop"] == "executor" && hook["when"].as_str().is_some_and(|w| w.starts_with(when));
        hooks.as_array().into_iter().flatten().find(is_it).and_then(|hook| hook["line"].as_str()).expect("a line").to_owned()
    };
    let mark = format!("LOOP_MARK={}", project.root().display());
    let (name, value) = mark.split_once('=').expect("a variable");
    for end in ["kill $BEAT", "kill -9 $$"] {
        let script = format!(
            "{}\nTASK=TASK-1\n{}\necho begun\nread go\n{end}\necho on\nread never\n",
            line("before the loop"),
            line("before the child")
        );
        let folder = std::path::Path::new(env!("CARGO_BIN_EXE_oarlock")).parent().expect("a folder");
        let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
        let mut command = Command::new("bash");
        project.clean(&mut command);
        command.args(["-c", &script]).env("PATH", path).env(name, value).current_dir(project.root());
        let mut running = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("bash");
        let mut lines = BufReader::new(running.stdout.take().expect("a pipe")).lines();
        assert!(lines.by_ref().any(|line| line.expect("text") == "begun"));
        until(&mark, |names| names.iter().any(|name| name == "sleep"));
        std::io::Write::write_all(running.stdin.as_mut().expect("a pipe"), b"\n").expect("written");
        if end == "kill $BEAT" {
            assert_eq!(lines.next().expect("a line").expect("text"), "on");
            // Only the loop itself is left.
            until(&mark, |names| names == ["bash"]);
            running.kill().expect("killed");
        }
        running.wait().expect("ended");
        until(&mark, <[String]>::is_empty);
    }
}

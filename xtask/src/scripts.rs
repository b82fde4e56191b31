//! `cargo xtask scripts`: real shell and Python writers of RALF's files, locked under either name and not at all, beside agents of a store
//! and their looks at the files; then nothing that was written may be lost, and no file may ever have been invalid.

mod oracle;
mod race;
mod shared;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use oarlock_host::process::children::die_with_parent;
use oarlock_ralf::Files;
use serde_json::{Map, json};

use crate::output::{Outcome, say};
use crate::{python, workspace};

pub(crate) use shared::WORKER;
use shared::{AGENTS, Place, WRITERS, call};

/// The old writers: the program, what it does, and its name. Those of one file lock it under one name, as those under two names undo each
/// other whatever we do.
const OLD: [(Program, &str, &str); 8] = [
    (Program::Shell, "events", "e-shell"),
    (Program::Shell, "append", "e-bare"),
    (Program::Shell, "queue", "one"),
    (Program::Shell, "queue", "two"),
    (Program::Python, "beat", "b-one"),
    (Program::Python, "beat", "b-two"),
    (Program::Python, "state", "s-one"),
    (Program::Python, "chat", "c-one"),
];
/// Writers without a lock that rewrite a whole file.
const UNLOCKED: [(Program, &str, &str); 2] = [(Program::Python, "beat-unlocked", "u-python"), (Program::Shell, "sed", "u-shell")];
/// Tasks of the queue that agents take.
const TASKS: usize = 40;

#[derive(Clone, Copy, Debug)]
enum Program {
    Shell,
    Python,
}

/// Let old writers of RALF's files work beside agents of a store, or race them for tasks.
///
/// Runs 8 old-style writers of RALF's files and 8 agents of a store, and fails when anything that was written is lost or a file was
/// ever invalid. With --race, old scripts and agents of a store take tasks of one project, and it fails on a task that ran twice or
/// a completion that is lost.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// For how long; of a race, at each time that a task takes.
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u64,
    /// 2 more writers that rewrite the heartbeats without a lock: what these undo is reported, and must be repaired by the next look.
    #[arg(long, conflicts_with = "race")]
    unlocked: bool,
    /// Who runs each task, instead of what each file says.
    #[arg(long)]
    race: bool,
    #[command(flatten)]
    of_race: race::RaceArguments,
}

/// Runs the writers, or the race.
///
/// # Errors
/// A writer that cannot be started, or anything that was lost.
pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    if arguments.race {
        return race::Race::new(arguments.seconds, &arguments.of_race)?.run();
    }
    let (seconds, unlocked) = (arguments.seconds, arguments.unlocked);
    let Some(python) = python::with_yaml()? else {
        say("scripts: there is no Python 3.9 with venv. Nothing was run.");
        return Ok(());
    };
    let dir = tempfile::tempdir()?;
    let place = Place::make(dir.path())?;
    place.oarlock(&["ralf", "attach", "."])?;
    let writers: Vec<_> = OLD.iter().chain(UNLOCKED.iter().filter(|_| unlocked)).copied().collect();
    let mut old = Vec::new();
    for (program, kind, name) in &writers {
        old.push((*name, *kind, place.start(*program, &python, kind, name)?));
    }
    let mut ours = Vec::new();
    for n in 0..AGENTS + WRITERS {
        let kind = if n < AGENTS { "agent" } else { "writer" };
        ours.push((n, place.start_ours(kind, n)?));
    }
    // Messages go to agents that are there.
    let invalid = place.watch(Duration::from_secs(seconds))?;
    fs::write(&place.stop, "")?;
    let mut counts = BTreeMap::new();
    for (name, _, child) in old {
        counts.insert(name.to_owned(), finished(name, child)?);
    }
    for (n, child) in ours {
        counts.insert(format!("o{n}"), finished(&format!("o{n}"), child)?);
    }
    // Two looks: the second finds nothing left to do, or what the first brought about.
    for _ in 0..2 {
        place.oarlock(&["ralf", "sync", "."])?;
    }
    oracle::check(&place, &writers.map_kinds(), &counts, &invalid)
}

/// Works as a process of ours: `KIND N ROOT STOP PROGRAM`, or one of the race's.
///
/// # Errors
/// A call that fails for another reason than that somebody else was quicker.
pub(crate) fn work(arguments: &[String]) -> Outcome<()> {
    if let Some((race::WORKER, rest)) = arguments.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return race::work(rest);
    }
    let [kind, n, root, stop, program] = arguments else { return Err("such a process is started by `cargo xtask scripts`".into()) };
    let (stop, root, name) = (Path::new(stop), Path::new(root), format!("o{n}"));
    let files = Files::new(root, Duration::from_secs(30));
    let oarlock = |arguments: &[&str]| call(Path::new(program), root, arguments);
    let as_me = ["--as", name.as_str()];
    if kind == "agent" {
        oarlock(&["join", &name])?;
    }
    let mut count: u64 = 0;
    while !stop.exists() {
        count += 1;
        let number = count.to_string();
        if kind == "writer" {
            let fields = Map::from_iter([("progress".to_owned(), json!(count)), ("status".to_owned(), json!("it is: \"working\""))]);
            files.set_state(&files.state_file(), &name, Some(&fields))?;
            continue;
        }
        let task = format!("NEW-{}", (count as usize * 7 + n.parse::<usize>()? * 5) % TASKS);
        let _ = oarlock(&[&["claim", &task][..], &as_me].concat());
        oarlock(&[&["heartbeat", "--status", &format!("n-{number}")][..], &as_me].concat())?;
        oarlock(&[&["sync", &format!("progress:={number}")][..], &as_me].concat())?;
        if count.is_multiple_of(5) {
            oarlock(&[&["send", "o0", "o1", "--text", &format!("{name}-{number}")][..], &as_me].concat())?;
        }
        if count.is_multiple_of(3) {
            oarlock(&["ralf", "sync", "."])?;
        }
        let verb = if count.is_multiple_of(10) { "done" } else { "release" };
        let _ = oarlock(&[&[verb, &task][..], &as_me].concat());
    }
    say(count);
    Ok(())
}

/// The last words of a writer: how often it wrote.
fn finished(name: &str, child: Child) -> Outcome<u64> {
    let output = child.wait_with_output()?;
    if !output.status.success() {
        return Err(format!("{name} failed: {}", output.status).into());
    }
    let said = String::from_utf8(output.stdout)?;
    said.trim().parse().map_err(|_| format!("{name} said {said:?} instead of a number").into())
}

/// The writers by what they write.
trait MapKinds {
    fn map_kinds(&self) -> Vec<(String, String)>;
}

impl MapKinds for Vec<(Program, &'static str, &'static str)> {
    fn map_kinds(&self) -> Vec<(String, String)> {
        self.iter().map(|(_, kind, name)| ((*name).to_owned(), (*kind).to_owned())).collect()
    }
}

impl Place {
    fn make(root: &Path) -> Outcome<Self> {
        let communications = root.join(".autonomous/agents/communications");
        fs::create_dir_all(&communications)?;
        fs::create_dir_all(root.join("tasks/active"))?;
        fs::write(communications.join("events.yaml"), "events:\n")?;
        fs::write(communications.join("heartbeat.yaml"), "heartbeats: {}\nmetadata:\n  timeout_seconds: 120\n")?;
        fs::write(communications.join("chat-log.yaml"), "# theirs\nmessages: []\n\nmetadata:\n  last_message_id: 0\n")?;
        fs::write(communications.join("agent-state.yaml"), "agents: {}\nmetadata:\n  last_updated: x\n  updated_by: system\n")?;
        let mut queue = "# what is next\nqueue:\n".to_owned();
        for name in ["OLD-one", "OLD-two"].map(str::to_owned).into_iter().chain((0..TASKS).map(|n| format!("NEW-{n}"))) {
            queue.push_str(&format!("  - id: {name}\n    title: 'Task {name}'  # theirs\n    status: pending\n    notes: \"0\"\n"));
        }
        fs::write(communications.join("queue.yaml"), queue + "\nmetadata:\n  queue_depth_target: 3-5\n")?;
        // Written once: a shell reads its script while it runs.
        fs::write(root.join("old.sh"), include_str!("scripts/old.sh"))?;
        fs::write(root.join("old.py"), include_str!("scripts/old.py"))?;
        // In this program's profile, so that `cargo run --release --package xtask -- scripts` races what users run.
        let program = workspace::program()?;
        Ok(Self { root: root.to_owned(), stop: root.join("stop"), communications, program })
    }

    fn start(&self, program: Program, python: &Path, kind: &str, name: &str) -> Outcome<Child> {
        let mut command = match program {
            Program::Shell => Command::new("bash"),
            Program::Python => Command::new(python),
        };
        let script = match program {
            Program::Shell => "old.sh",
            Program::Python => "old.py",
        };
        command.arg(self.root.join(script)).arg(kind).arg(name).arg(&self.communications).arg(&self.stop).stdout(Stdio::piped());
        die_with_parent(&mut command);
        Ok(command.spawn()?)
    }

    fn start_ours(&self, kind: &str, n: usize) -> Outcome<Child> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(WORKER).arg(kind).arg(n.to_string()).arg(&self.root).arg(&self.stop).arg(&self.program).stdout(Stdio::piped());
        die_with_parent(&mut command);
        Ok(command.spawn()?)
    }

    /// Reads all files again and again, each under both of its locks, and shows which were invalid.
    fn watch(&self, during: Duration) -> Outcome<BTreeMap<String, usize>> {
        let (start, mut invalid) = (Instant::now(), BTreeMap::new());
        while start.elapsed() < during {
            for stem in ["events", "heartbeat", "agent-state", "queue", "chat-log"] {
                if let Some(cause) = oracle::fault_of(&self.communications, stem)? {
                    *invalid.entry(format!("{stem}.yaml: {cause}")).or_insert(0) += 1;
                }
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(invalid)
    }
}

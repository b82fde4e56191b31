//! Real processes: a shell under guard, what it starts, and what that starts.

use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

use super::*;
use crate::process::{Liveness, ProcessId};
use crate::testing::Helper;

/// How many processes [`family`] starts below the shell.
const BELOW: usize = if cfg!(target_os = "linux") { 3 } else { 1 };

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]).stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

fn process(pid: &str) -> ProcessId {
    ProcessId::of(pid.trim().parse().expect("a pid")).expect("proc is ours").expect("it lives")
}

/// A shell under guard, and what it has started: a child in its group, and on Linux one with a session of its own and the child of that.
pub(crate) fn family() -> (Guarded, Vec<ProcessId>) {
    let detached = "setsid sh -c 'sleep 600 & echo $$ $!; wait' &";
    let script = format!("sleep 600 & echo $!; {} wait", if cfg!(target_os = "linux") { detached } else { "" });
    let mut guarded = spawn(shell(&script)).expect("sh starts");
    let mut said = BufReader::new(guarded.streams().1.expect("piped"));
    let mut below = Vec::new();
    while below.len() < BELOW {
        let mut line = String::new();
        said.read_line(&mut line).expect("it writes");
        below.extend(line.split_whitespace().map(process));
    }
    (guarded, below)
}

fn until_dead(process: &ProcessId) {
    while process.liveness() != Liveness::Dead {
        std::thread::yield_now();
    }
}

fn until_ended(guarded: &mut Guarded) {
    while !guarded.has_ended() {
        std::thread::yield_now();
    }
}

#[test]
fn everything_below_dies_with_the_parent() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut parent = Helper::start("guardian", dir.path());
    let below: Vec<ProcessId> = (0..BELOW).map(|_| ProcessId::parse(&parent.line()).expect("its text")).collect();
    assert!(below.iter().all(|process| process.liveness() == Liveness::Alive));
    parent.kill();
    below.iter().for_each(until_dead);
}

#[test]
fn everything_below_ends_when_it_is_asked_killed_collected_or_let_go() {
    let ends: [fn(Guarded); 4] = [
        |mut guarded| {
            guarded.terminate_all();
            assert!(guarded.all_ended_within(Duration::from_secs(60)));
            assert_eq!(guarded.collect().expect("it is ours").signal(), Some(libc::SIGTERM));
        },
        |mut guarded| {
            guarded.kill_all();
            assert!(guarded.all_ended_within(Duration::from_secs(60)));
            assert_eq!(guarded.collect().expect("it is ours").signal(), Some(libc::SIGKILL));
        },
        |guarded| assert_eq!(guarded.collect().expect("it is ours").signal(), Some(libc::SIGKILL)),
        drop,
    ];
    for end in ends {
        let (mut guarded, below) = family();
        assert!(!guarded.has_ended() && !guarded.all_ended_within(Duration::ZERO));
        end(guarded);
        // At once, not some time later: nobody who comes next meets them.
        assert!(below.iter().all(|process| process.liveness() == Liveness::Dead));
    }
}

#[test]
fn a_group_may_be_asked_alone() {
    let (mut guarded, below) = family();
    guarded.terminate_group();
    until_ended(&mut guarded);
    until_dead(&below[0]);
    assert_eq!(guarded.all_ended_within(Duration::ZERO), below.len() == 1);
    assert!(below[1..].iter().all(|process| process.liveness() == Liveness::Alive));
    assert_eq!(guarded.collect().expect("it is ours").signal(), Some(libc::SIGTERM));
    below.iter().for_each(until_dead);
}

#[test]
fn the_end_of_a_program_is_told_as_it_was() {
    for (script, code, signal) in
        [("exit 0", Some(0), None), ("exit 7", Some(7), None), ("kill -9 $$", None, Some(9)), ("kill -15 $$", None, Some(15))]
    {
        let mut guarded = spawn(shell(script)).expect("sh starts");
        until_ended(&mut guarded);
        assert!(guarded.all_ended_within(Duration::from_secs(60)), "nobody is left: {script}");
        let status = guarded.collect().expect("it is ours");
        assert_eq!((status.code(), status.signal()), (code, signal), "{script}");
    }
}

#[test]
fn a_program_that_leaves_something_behind_has_ended_all_the_same() {
    let mut guarded = spawn(shell("trap '' TERM; sleep 600 >&- & exit 3")).expect("sh starts");
    until_ended(&mut guarded);
    guarded.terminate_all();
    assert!(!guarded.all_ended_within(Duration::from_millis(50)), "it does not listen");
    assert_eq!(guarded.collect().expect("it is ours").code(), Some(3));
}

#[test]
fn what_cannot_be_started_is_an_error() {
    let error = spawn(Command::new("/no/such/program")).expect_err("it is not there");
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
}

#[test]
#[cfg(target_os = "linux")]
fn the_guard_is_the_parent_of_a_program_that_leads_its_own_group() {
    let guarded =
        spawn(shell("cut -d' ' -f4,5 /proc/$$/stat; cut -d' ' -f4,5 /proc/$PPID/stat; echo $$ $PPID; cat /proc/$$/task/$$/children"));
    let mut guarded = guarded.expect("sh starts");
    let said = std::io::read_to_string(guarded.streams().1.expect("piped")).expect("text");
    let numbers: Vec<u32> = said.split_whitespace().map(|word| word.parse().expect("a number")).collect();
    let [parent, group, grandparent, guards_group, program, guard] = numbers[..6] else { unreachable!("{said}") };
    assert_eq!((parent, group, program), (guard, program, guarded.id()));
    assert_eq!((grandparent, guards_group), (std::process::id(), guard));
    // It has no child that it did not start: at most `cat` itself.
    assert!(numbers.len() <= 7, "{said}");
    guarded.collect().expect("it is ours");
}

#[test]
#[cfg(target_os = "linux")]
fn a_program_whose_guard_is_killed_dies_and_its_group_with_it() {
    let (mut guarded, below) = family();
    let program = ProcessId::of(guarded.id()).expect("proc is ours").expect("it lives");
    guarded.guard.kill().expect("it is ours");
    until_ended(&mut guarded);
    until_dead(&program);
    assert_eq!(guarded.collect().expect("it is ours").signal(), Some(libc::SIGKILL));
    until_dead(&below[0]);
    // Nobody knows the detached ones any more.
    for process in &below[1..] {
        let pid = rustix::process::Pid::from_raw(process.pid as i32).expect("a pid");
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it is ours");
    }
}

//! Children: tied to the life of their parent, and ended together with what they started themselves.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, waitid};

/// Makes the command's process be killed (SIGKILL) when the calling process ends, however it ends. Only Linux can: elsewhere
/// it does nothing, and [`super::guard`] is what ends a child with its parent.
///
/// Three things to know (pr_set_pdeathsig(2const)): the kernel watches the **thread** that spawns, so spawn from one that
/// lives as long as the child is to live; the child's own children are not covered, unless it does the same; and a
/// program with set-user-id or capabilities drops it. Spawning fails when the parent ended before the child could say so.
#[cfg_attr(not(target_os = "linux"), expect(unused_variables, reason = "there is nothing to ask the kernel for"))]
pub fn die_with_parent(command: &mut Command) {
    #[cfg(target_os = "linux")]
    ask_for_death(command);
}

/// Implements [`die_with_parent`] with prctl(2).
#[cfg(target_os = "linux")]
fn ask_for_death(command: &mut Command) {
    let parent = std::process::id();
    let in_child = move || {
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        // A parent that ended before the call above is never reported: look whether it is still ours.
        let is_still_there = rustix::process::getppid().is_some_and(|pid| u32::try_from(pid.as_raw_pid()) == Ok(parent));
        if is_still_there { Ok(()) } else { Err(io::Error::from(Errno::SRCH)) }
    };
    #[expect(unsafe_code, reason = "the closure makes two system calls and allocates nothing, as needed after a fork")]
    // SAFETY: see the reason; what it captures is one number.
    unsafe {
        command.pre_exec(in_child);
    }
}

/// Makes the command's process the leader of a group of its own, which [`terminate_group`] and [`kill_group`] can end, and which input at
/// the terminal does not reach.
pub fn lead_group(command: &mut Command) {
    command.process_group(0);
}

/// Whether the child has ended. It stays uncollected, so that its number, and its group's, belongs to nobody else.
pub fn has_ended(child: &mut Child) -> bool {
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    // An error means that it is no child of ours any more.
    !matches!(waitid(WaitId::Pid(Pid::from_child(child)), look), Ok(None))
}

/// The number of the signal that ended a process, if one did.
#[must_use]
pub fn signal_of(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

/// Stops (SIGSTOP) a child, or lets it go on (SIGCONT). False where processes cannot be stopped.
#[must_use]
pub fn set_stopped(child: &Child, stopped: bool) -> bool {
    let signal = if stopped { Signal::STOP } else { Signal::CONT };
    // One that has ended needs no signal.
    let _ = rustix::process::kill_process(Pid::from_child(child), signal);
    true
}

/// Asks (SIGTERM) every process of the group led by the child `leader` to end; the child was started with
/// `process_group(0)`. False when the group has no process left.
///
/// Call it before the child is collected, or while it is known that one of the group lives: a pid is free for others
/// once its group is empty and its leader is collected.
///
/// # Errors
/// The number cannot be the group of a child (0, 1, or our own group), or the signal is not permitted.
pub fn terminate_group(leader: u32) -> io::Result<bool> {
    signal_group(leader, Signal::TERM)
}

/// As [`terminate_group`], at once and without a way to refuse (SIGKILL).
///
/// # Errors
/// As [`terminate_group`].
pub fn kill_group(leader: u32) -> io::Result<bool> {
    signal_group(leader, Signal::KILL)
}

/// Group 1 would be "everybody", and our own group is never a child's.
fn signal_group(leader: u32, signal: Signal) -> io::Result<bool> {
    let group = i32::try_from(leader).ok().filter(|leader| *leader > 1).and_then(Pid::from_raw);
    let Some(group) = group.filter(|group| *group != rustix::process::getpgrp()) else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{leader} is not the process group of a child")));
    };
    match rustix::process::kill_process_group(group, signal) {
        Ok(()) => Ok(true),
        Err(Errno::SRCH) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::process::{Child, Stdio};

    use super::*;
    use crate::process::{Liveness, ProcessId};
    #[cfg(target_os = "linux")]
    use crate::testing;

    /// A shell that starts `cat` (in the same group), reports its pid and waits for it.
    fn family() -> (Child, ProcessId) {
        let script = "exec 3<&0; cat <&3 >/dev/null & echo $!; wait";
        let mut shell = Command::new("sh")
            .args(["-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("sh starts");
        let mut line = String::new();
        BufReader::new(shell.stdout.take().expect("piped")).read_line(&mut line).expect("it writes");
        let grandchild = ProcessId::of(line.trim().parse().expect("a pid")).expect("proc is ours").expect("it lives");
        (shell, grandchild)
    }

    fn until_dead(process: &ProcessId) {
        while process.liveness() != Liveness::Dead {
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_group_ends_together() {
        for end in [terminate_group, kill_group] {
            let (mut shell, grandchild) = family();
            assert!(end(shell.id()).expect("it is ours"));
            shell.wait().expect("it is ours");
            until_dead(&grandchild);
        }
    }

    #[test]
    fn groups_that_are_no_child_are_refused() {
        let own = u32::try_from(rustix::process::getpgrp().as_raw_pid()).expect("a pid is positive");
        for leader in [0, 1, own, u32::MAX] {
            assert_eq!(kill_group(leader).expect_err("no child").kind(), io::ErrorKind::InvalidInput);
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_child_dies_with_its_parent() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut parent = testing::Helper::start("parent", dir.path());
        let child = ProcessId::parse(&parent.line()).expect("the id of its child");
        assert_eq!(child.liveness(), Liveness::Alive);
        parent.kill();
        until_dead(&child);
    }
}

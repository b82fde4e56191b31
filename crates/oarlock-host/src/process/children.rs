//! Children: tied to the life of their parent, and ended together with what they started themselves.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, getppid};

/// Makes the command's process be killed (SIGKILL) when the calling process ends, however it ends.
///
/// Three things to know (pr_set_pdeathsig(2const)): the kernel watches the **thread** that spawns, so spawn from one that
/// lives as long as the child is to live; the child's own children are not covered, unless it does the same; and a
/// program with set-user-id or capabilities drops it. Spawning fails when the parent ended before the child could say so.
pub fn die_with_parent(command: &mut Command) {
    let parent = std::process::id();
    let in_child = move || {
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        // A parent that ended before the call above is never reported: look whether it is still ours.
        let is_still_there = getppid().is_some_and(|pid| u32::try_from(pid.as_raw_pid()) == Ok(parent));
        if is_still_there { Ok(()) } else { Err(io::Error::from(Errno::SRCH)) }
    };
    #[expect(unsafe_code, reason = "the closure makes two system calls and allocates nothing, as needed after a fork")]
    // SAFETY: see the reason; what it captures is one number.
    unsafe {
        command.pre_exec(in_child);
    }
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
    use crate::testing;

    /// A shell that starts `cat` (in the same group), tells its pid and waits for it.
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
    fn a_child_dies_with_its_parent() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut parent = testing::Helper::start("parent", dir.path());
        let child = ProcessId::parse(&parent.line()).expect("the id of its child");
        assert_eq!(child.liveness(), Liveness::Alive);
        parent.kill();
        until_dead(&child);
    }
}

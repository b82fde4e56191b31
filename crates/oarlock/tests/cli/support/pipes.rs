//! How the programs that workers start talk to the test.

use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::{Pid, test_kill_process};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use super::Project;

const PATIENCE: Duration = Duration::from_secs(60);

/// A named pipe beside the project.
pub(crate) fn fifo(project: &Project, name: &str) -> PathBuf {
    let path = project.beside(name);
    mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a new pipe");
    path
}

/// The text that somebody writes into a pipe; the test waits for it.
pub(crate) fn heard(pipe: &Path) -> String {
    let (tell, told) = channel();
    let path = pipe.to_owned();
    thread::spawn(move || tell.send(fs::read_to_string(path)));
    told.recv_timeout(PATIENCE).expect("somebody writes").expect("a pipe of text")
}

/// Whether a process ends; one that nobody has asked for its exit yet counts as ended.
pub(crate) fn gone(pid: i32) -> bool {
    let pid = Pid::from_raw(pid).expect("not zero");
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
        let is_zombie = stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z'));
        if test_kill_process(pid).is_err() || is_zombie {
            return true;
        }
        thread::yield_now();
    }
    false
}

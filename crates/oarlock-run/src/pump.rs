//! The streams of one program, moved by one thread: its input written, its output kept within bounds, its errors passed on
//! line by line. It never waits for one stream while another could go on.

use std::io::{self, PipeReader, Read, Write};
use std::os::fd::AsFd;
use std::process::{ChildStderr, ChildStdin, ChildStdout};

use oarlock_model::limits;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use crate::capture::{Capture, Lines};

/// How much of the errors a failure's reason repeats.
const ERROR_TAIL_BYTES: usize = 2_000;
/// How much is read or written at once.
const CHUNK_BYTES: usize = 64 * 1_024;

/// The parent's ends of a program's streams.
#[derive(Debug)]
pub(crate) struct Pipes {
    pub(crate) stdin: ChildStdin,
    pub(crate) stdout: ChildStdout,
    pub(crate) stderr: ChildStderr,
}

/// What a program printed.
#[derive(Debug)]
pub(crate) struct Printed {
    output: Capture,
    errors: Capture,
}

impl Printed {
    fn new() -> Self {
        let half = limits::BODY_BYTES_MAX / 2;
        Self { output: Capture::new(half, half), errors: Capture::new(0, ERROR_TAIL_BYTES) }
    }

    /// Its output, trimmed, at most 1 MiB, and the last 2 kB of its errors.
    pub(crate) fn into_texts(self) -> (String, String) {
        let trimmed = |text: String| text.trim().to_owned();
        (trimmed(self.output.into_text(limits::BODY_BYTES_MAX)), trimmed(self.errors.into_text(4 * ERROR_TAIL_BYTES)))
    }
}

/// Moves everything until all streams are closed, or the other end of `stop` is.
pub(crate) fn pump(pipes: Pipes, input: &[u8], stop: &PipeReader, on_error_line: &mut dyn FnMut(&str)) -> Printed {
    let mut printed = Printed::new();
    let mut errors = Lines::default();
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut left = input;
    // Without it, a program that does not read would stop us from reading what it prints.
    let mut stdin = rustix::io::ioctl_fionbio(&pipes.stdin, true).is_ok().then_some(pipes.stdin);
    let (mut stdout, mut stderr) = (Some(pipes.stdout), Some(pipes.stderr));
    loop {
        stdin = stdin.filter(|_| !left.is_empty());
        if stdin.is_none() && stdout.is_none() && stderr.is_none() {
            break;
        }
        let ready = match wait(stop, stdin.as_ref(), stdout.as_ref(), stderr.as_ref()) {
            Some(ready) if !ready.stop => ready,
            _ => break,
        };
        if ready.stdin {
            match stdin.as_mut().map(|pipe| pipe.write(&left[..left.len().min(CHUNK_BYTES)])) {
                Some(Ok(written)) => left = &left[written..],
                Some(Err(error)) if is_passing(&error) => {}
                // It does not want to read: no reason to treat it as failed.
                _ => stdin = None,
            }
        }
        if ready.stdout && !read(&mut stdout, &mut chunk, &mut |bytes| printed.output.push(bytes)) {
            stdout = None;
        }
        if ready.stderr {
            let is_open = read(&mut stderr, &mut chunk, &mut |bytes| {
                printed.errors.push(bytes);
                errors.push(bytes, on_error_line);
            });
            if !is_open {
                stderr = None;
            }
        }
    }
    errors.finish(on_error_line);
    printed
}

/// Which streams can go on, by reading, writing or having ended.
struct Ready {
    stop: bool,
    stdin: bool,
    stdout: bool,
    stderr: bool,
}

/// Waits until some stream can go on; nothing when the kernel cannot tell.
fn wait(stop: &PipeReader, stdin: Option<&ChildStdin>, stdout: Option<&ChildStdout>, stderr: Option<&ChildStderr>) -> Option<Ready> {
    // A closed stream is replaced by `stop`, which says nothing but its own end.
    let stop = stop.as_fd();
    let mut fds = [
        PollFd::from_borrowed_fd(stop, PollFlags::IN),
        PollFd::from_borrowed_fd(stdin.map_or(stop, AsFd::as_fd), PollFlags::OUT),
        PollFd::from_borrowed_fd(stdout.map_or(stop, AsFd::as_fd), PollFlags::IN),
        PollFd::from_borrowed_fd(stderr.map_or(stop, AsFd::as_fd), PollFlags::IN),
    ];
    loop {
        match poll(&mut fds, None) {
            Err(Errno::INTR) => {}
            Err(_) => return None,
            Ok(_) => break,
        }
    }
    let [stop, stdin, stdout, stderr] = fds.each_ref().map(|fd| !fd.revents().is_empty());
    Some(Ready { stop, stdin, stdout, stderr })
}

fn read<R: Read>(pipe: &mut Option<R>, chunk: &mut [u8], take: &mut dyn FnMut(&[u8])) -> bool {
    match pipe.as_mut().map(|pipe| pipe.read(chunk)) {
        Some(Ok(0)) | None => false,
        Some(Ok(read)) => {
            take(&chunk[..read]);
            true
        }
        Some(Err(error)) => is_passing(&error),
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

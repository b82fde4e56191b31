//! All streams moved by one thread, which waits for whichever can go on (poll(2)).

use std::io::{self, PipeReader, Read, Write};
use std::os::fd::AsFd;
use std::process::{ChildStderr, ChildStdin, ChildStdout};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use super::{CHUNK_BYTES, Pipes, Printed, Sink};
use crate::observed::Observed;

/// Moves everything until all streams are closed, or the other end of `stop` is.
pub(crate) fn exchange(pipes: Pipes, input: &[u8], stop: PipeReader, on_error_line: &mut dyn FnMut(&str), observed: &Observed) -> Printed {
    let mut sink = Sink::new(on_error_line, observed);
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
        let ready = match wait(&stop, stdin.as_ref(), stdout.as_ref(), stderr.as_ref()) {
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
        if ready.stdout && !read(&mut stdout, &mut chunk, &mut |bytes| sink.output(bytes)) {
            stdout = None;
        }
        if ready.stderr && !read(&mut stderr, &mut chunk, &mut |bytes| sink.errors(bytes)) {
            stderr = None;
        }
    }
    sink.finish()
}

/// Which streams can go on, by reading, writing or having ended.
struct Ready {
    stop: bool,
    stdin: bool,
    stdout: bool,
    stderr: bool,
}

/// Waits until some stream can go on; nothing when the kernel cannot know.
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

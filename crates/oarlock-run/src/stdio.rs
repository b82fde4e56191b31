//! The streams of one program: its input written, its output kept within bounds, its errors passed on
//! line by line. No stream waits for another that could go on.

// One thread that polls, or one for each stream where pipes cannot be polled.
#[cfg(all(unix, not(feature = "portable")))]
#[path = "stdio/poll.rs"]
mod moving;
#[cfg(not(all(unix, not(feature = "portable"))))]
#[path = "stdio/threads.rs"]
mod moving;

use std::process::{ChildStderr, ChildStdin, ChildStdout};

use oarlock_model::limits;

pub(crate) use moving::exchange;

use crate::capture::{Capture, Lines};
use crate::observed::Observed;

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

/// The output of a program.
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

    /// Whether nothing of its output was left out.
    pub(crate) fn is_whole(&self) -> bool {
        self.output.is_whole()
    }

    /// Its output, trimmed, at most 1 MiB, and the last 2 kB of its errors.
    pub(crate) fn into_texts(self) -> (String, String) {
        let trimmed = |text: String| text.trim().to_owned();
        (trimmed(self.output.into_text(limits::BODY_BYTES_MAX)), trimmed(self.errors.into_text(4 * ERROR_TAIL_BYTES)))
    }
}

/// Takes what a program prints.
struct Sink<'tell> {
    printed: Printed,
    lines: Lines,
    on_error_line: &'tell mut dyn FnMut(&str),
    observed: &'tell Observed,
}

impl<'tell> Sink<'tell> {
    fn new(on_error_line: &'tell mut dyn FnMut(&str), observed: &'tell Observed) -> Self {
        Self { printed: Printed::new(), lines: Lines::default(), on_error_line, observed }
    }

    fn output(&mut self, bytes: &[u8]) {
        self.observed.output(bytes);
        self.printed.output.push(bytes);
    }

    fn errors(&mut self, bytes: &[u8]) {
        self.observed.errors();
        self.printed.errors.push(bytes);
        self.lines.push(bytes, self.on_error_line);
    }

    fn finish(mut self) -> Printed {
        self.observed.finish();
        self.lines.finish(self.on_error_line);
        self.printed
    }
}

//! Worker processes that start together.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc;

use crate::output::Outcome;

/// When the workers of a crew end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Each when it is through.
    Each,
    /// All when the first is through.
    AllWithFirst,
}

/// Workers that are ready to start.
pub(super) struct Crew {
    members: Vec<Member>,
}

struct Member {
    child: Child,
    input: Option<ChildStdin>,
    output: Option<BufReader<ChildStdout>>,
}

/// This program as a worker with these arguments.
///
/// # Errors
/// The system does not say which program this is.
pub(super) fn worker(arguments: &[&str]) -> Outcome<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(super::given::WORKER).args(arguments);
    Ok(command)
}

/// Runs a worker to its end and returns what it printed.
///
/// # Errors
/// It fails: what it said.
pub(super) fn answer(mut command: Command) -> Outcome<String> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(String::from_utf8(output.stdout)?.trim().to_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{}: {}", output.status, said.trim()).into())
}

impl Crew {
    /// Starts the workers and returns when all of them are ready.
    ///
    /// # Errors
    /// A worker cannot be started or ends before it is ready.
    pub(super) fn muster(commands: Vec<Command>) -> Outcome<Self> {
        let mut crew = Crew { members: Vec::with_capacity(commands.len()) };
        for mut command in commands {
            let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
            let (input, output) = (child.stdin.take(), child.stdout.take().map(BufReader::new));
            crew.members.push(Member { child, input, output });
        }
        for member in &mut crew.members {
            if member.next_line()? != "ready" {
                return Err(member.why_it_ended());
            }
        }
        Ok(crew)
    }

    /// Lets all start, and returns the line that each says in the end.
    ///
    /// # Errors
    /// A worker ends without that line.
    pub(super) fn race(mut self, end: End) -> Outcome<Vec<String>> {
        let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
        for member in &mut self.members {
            inputs.push(member.input.take().ok_or("a worker without an input")?);
            outputs.push(member.output.take().ok_or("a worker without an output")?);
        }
        for input in &mut inputs {
            input.write_all(b"go\n")?;
        }
        let lines = last_lines(outputs, inputs, end)?;
        for (member, line) in self.members.iter_mut().zip(&lines) {
            if line.is_empty() || !member.child.wait()?.success() {
                return Err(member.why_it_ended());
            }
        }
        Ok(lines)
    }

    /// Lets the first worker start, and returns it for a conversation line by line.
    ///
    /// # Errors
    /// It has ended.
    pub(super) fn start_first(&mut self) -> Outcome<()> {
        let member = self.members.first_mut().ok_or("an empty crew")?;
        Ok(member.input.as_mut().ok_or("a worker without an input")?.write_all(b"go\n")?)
    }

    /// The next line of the first worker.
    ///
    /// # Errors
    /// It has ended: what it said.
    pub(super) fn first_says(&mut self) -> Outcome<String> {
        let member = self.members.first_mut().ok_or("an empty crew")?;
        let line = member.next_line()?;
        if line.is_empty() { Err(member.why_it_ended()) } else { Ok(line) }
    }
}

/// Reads the line that each worker says in the end. A worker whose input is closed stops.
fn last_lines(outputs: Vec<BufReader<ChildStdout>>, inputs: Vec<ChildStdin>, end: End) -> Outcome<Vec<String>> {
    let mut lines = vec![String::new(); outputs.len()];
    let mut inputs = Some(inputs);
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        for (n, mut output) in outputs.into_iter().enumerate() {
            let sender = sender.clone();
            scope.spawn(move || {
                let mut line = String::new();
                let read = output.read_line(&mut line).map(|_| line.trim().to_owned());
                // The receiver is gone only when the race failed already.
                let _ = sender.send((n, read));
            });
        }
        for _ in 0..lines.len() {
            let (n, line) = receiver.recv()?;
            lines[n] = line?;
            if end == End::AllWithFirst {
                inputs = None;
            }
        }
        Ok(lines)
    })
}

impl Member {
    fn next_line(&mut self) -> Outcome<String> {
        let mut line = String::new();
        self.output.as_mut().ok_or("a worker without an output")?.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }

    fn why_it_ended(&mut self) -> Box<dyn std::error::Error> {
        let mut said = String::new();
        if let Some(mut errors) = self.child.stderr.take() {
            // What cannot be read is not shown; that it ended is said below.
            let _ = self.child.kill();
            let _ = errors.read_to_string(&mut said);
        }
        format!("a worker ended: {}", said.trim()).into()
    }
}

impl Drop for Crew {
    /// Nobody outlives the bench. A worker that has ended and was waited for is not killed again by std.
    fn drop(&mut self) {
        for member in &mut self.members {
            let _ = member.child.kill();
            let _ = member.child.wait();
        }
    }
}

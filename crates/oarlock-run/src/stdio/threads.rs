//! Each stream moved by a thread of its own, for systems whose pipes cannot be polled. A thread whose stream somebody else keeps open stays
//! until that one ends, and disturbs nobody.

use std::io::{self, PipeReader, Read, Write};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use super::{CHUNK_BYTES, Pipes, Printed, Sink};
use crate::observed::Observed;

/// How many pieces wait to be taken before who reads them waits.
const PIECES_MAX: usize = 16;

/// The messages of a thread.
enum Event {
    Output(Vec<u8>),
    Errors(Vec<u8>),
    Closed,
    Stop,
}

/// Moves everything until all streams are closed, or the other end of `stop` is.
pub(crate) fn exchange(
    pipes: Pipes,
    input: &[u8],
    mut stop: PipeReader,
    on_error_line: &mut dyn FnMut(&str),
    observed: &Observed,
) -> Printed {
    let mut sink = Sink::new(on_error_line, observed);
    let (sender, events) = sync_channel(PIECES_MAX);
    let (mut stdin, input, closed) = (pipes.stdin, input.to_vec(), sender.clone());
    thread::spawn(move || {
        // It may not want to read: no reason to treat it as failed.
        let _ = stdin.write_all(&input);
        drop(stdin);
        let _ = closed.send(Event::Closed);
    });
    read(pipes.stdout, sender.clone(), Event::Output);
    read(pipes.stderr, sender.clone(), Event::Errors);
    thread::spawn(move || {
        let _ = stop.read(&mut [0]);
        let _ = sender.send(Event::Stop);
    });
    let mut open = 3;
    while open > 0 {
        match events.recv() {
            Ok(Event::Output(bytes)) => sink.output(&bytes),
            Ok(Event::Errors(bytes)) => sink.errors(&bytes),
            Ok(Event::Closed) => open -= 1,
            Ok(Event::Stop) | Err(_) => break,
        }
    }
    sink.finish()
}

fn read(mut pipe: impl Read + Send + 'static, sender: SyncSender<Event>, event: fn(Vec<u8>) -> Event) {
    thread::spawn(move || {
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let said = match pipe.read(&mut chunk) {
                Ok(0) => Event::Closed,
                Ok(read) => event(chunk[..read].to_vec()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => Event::Closed,
            };
            let is_last = matches!(said, Event::Closed);
            if sender.send(said).is_err() || is_last {
                return;
            }
        }
    });
}

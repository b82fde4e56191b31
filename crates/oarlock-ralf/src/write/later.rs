//! Closing files that others have taken the place of. The last who closes such a file waits until its blocks are free, and an edit waits for
//! nothing of the kind: one thread of the process does.

use std::fs::File;
use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};
use std::thread;

/// The thread that closes files, and the process that it is of.
static CLOSER: Mutex<Option<(u32, Sender<File>)>> = Mutex::new(None);

/// Closes a file on another thread; at once, where none can be had.
pub(super) fn close(file: File) {
    // After a fork the child has the variable and not the thread, and perhaps a lock that nobody gives back: nothing waits for it.
    let Ok(mut closer) = CLOSER.try_lock() else { return };
    let own = std::process::id();
    if closer.as_ref().is_none_or(|(process, _)| *process != own) {
        // What the parent had is not even dropped: that may wait for a thread that is not there.
        std::mem::forget(std::mem::replace(&mut *closer, started().map(|sender| (own, sender))));
    }
    // Where it cannot be sent, it comes back and is closed here.
    let _ = closer.as_ref().map(|(_, sender)| sender.send(file));
}

fn started() -> Option<Sender<File>> {
    let (sender, files) = channel::<File>();
    let close_all = move || files.into_iter().for_each(drop);
    thread::Builder::new().name("close".to_owned()).spawn(close_all).ok().map(|_| sender)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::io::Read as _;
    use std::os::fd::OwnedFd;

    #[test]
    fn a_file_that_was_handed_over_is_closed() {
        // The reader of a pipe sees the end when its writer is closed, no matter who does that.
        for _ in 0..3 {
            let (mut reader, writer) = std::io::pipe().expect("a pipe");
            close(File::from(OwnedFd::from(writer)));
            assert_eq!(reader.read(&mut [0]).expect("the end"), 0);
        }
    }
}

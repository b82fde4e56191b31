//! The other end of a pipe.

use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Whether nobody can read this pipe or socket any more. Of a file or a terminal, and where the system
/// does not say, somebody can.
pub fn reader_has_gone(writer: impl AsFd) -> bool {
    let mut fds = [PollFd::new(&writer, PollFlags::empty())];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut fds, Some(&at_once)).is_ok_and(|ready| ready > 0) && fds[0].revents().intersects(PollFlags::ERR | PollFlags::HUP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_without_a_reader_is_told_before_anything_is_written() {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        assert!(!reader_has_gone(&writer));
        drop(reader);
        assert!(reader_has_gone(&writer));
        assert!(!reader_has_gone(tempfile::tempfile().expect("a file")));
    }
}

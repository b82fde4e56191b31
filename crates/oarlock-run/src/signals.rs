//! The signals that end a worker or a run: SIGINT, SIGTERM and SIGHUP. They set a flag; waiting is interrupted by them, or short, and
//! looks at it. SIGPIPE does nothing, so that writing to a program that has ended is an error and not our end. On Windows there are only
//! the first two, and Ctrl-Break.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use oarlock_ops::OpError;
#[cfg(unix)]
use signal_hook::consts::{SIGHUP, SIGPIPE};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::{SigId, flag, low_level};

/// The signal of Ctrl-Break, and of a request to end a process group, on Windows (signal.h).
#[cfg(windows)]
const SIGBREAK: i32 = 21;

/// Whether somebody asked this process to end.
#[derive(Debug, Default)]
pub struct Signals {
    came: Arc<AtomicBool>,
    installed: Vec<SigId>,
}

impl Signals {
    /// Catches the signals until it is dropped.
    ///
    /// # Errors
    /// The kernel refuses a handler.
    pub fn install() -> Result<Self, OpError> {
        let mut signals = Self::default();
        let came = || Arc::clone(&signals.came);
        let caught = [(SIGINT, came()), (SIGTERM, came())].into_iter();
        #[cfg(windows)]
        let caught = caught.chain([(SIGBREAK, came())]);
        #[cfg(unix)]
        let caught = caught.chain([(SIGPIPE, Arc::default())]);
        // Under nohup(1) a hang-up is ignored on purpose, and stays so.
        #[cfg(unix)]
        let caught = caught.chain((!is_ignored(SIGHUP)).then(|| (SIGHUP, came())));
        let mut installed = Vec::new();
        for (signal, came) in caught {
            let id =
                flag::register(signal, came).map_err(|error| OpError::Internal(format!("signal {signal} cannot be caught: {error}")))?;
            installed.push(id);
        }
        signals.installed = installed;
        Ok(signals)
    }

    /// Whether a signal came since this was last asked. Several at once count as one, as they do for the kernel.
    pub fn taken(&self) -> bool {
        self.came.swap(false, Ordering::SeqCst)
    }

    /// Whether one came that was not taken yet.
    pub(crate) fn pending(&self) -> bool {
        self.came.load(Ordering::SeqCst)
    }

    /// Does what a signal does.
    pub(crate) fn raise(&self) {
        self.came.store(true, Ordering::SeqCst);
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        for id in self.installed.drain(..) {
            low_level::unregister(id);
        }
    }
}

/// The name of a signal: `SIGKILL`.
pub(crate) fn name(signal: i32) -> Option<&'static str> {
    #[cfg(unix)]
    return signal_hook::low_level::signal_name(signal);
    #[cfg(not(unix))]
    return match signal {
        SIGINT => Some("SIGINT"),
        SIGTERM => Some("SIGTERM"),
        _ => None,
    };
}

/// Whether the signal was ignored when this process started (proc_pid_status(5), `SigIgn`). Systems without `/proc` do not say: no.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return false };
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask & (1 << (signal - 1)) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_taken_once() {
        let signals = Signals::default();
        assert!(!signals.taken());
        signals.raise();
        assert!(signals.taken());
        assert!(!signals.taken());
    }
}

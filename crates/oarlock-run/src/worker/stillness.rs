//! Programs that are alive and do nothing: no output, no progress of their task, and no change of a file for too long.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration as StdDuration, Instant, SystemTime};

/// How long a client whose stream is read may be still, unless that is said: it prints something with every step.
const CLIENT_STILL_MAX: StdDuration = StdDuration::from_secs(30 * 60);
/// Files that are looked at: beyond that the directory counts as changed.
const FILES_MAX: usize = 50_000;
/// Directories that are not the program's work.
const NOT_WORK: [&str; 2] = [".git", ".oarlock"];
/// Signs of life this soon after a nudge may be those of the nudge.
const OF_NUDGE: StdDuration = StdDuration::from_secs(2);

/// The decision about a program that may be stuck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing.
    Fine,
    /// Send its agent a message.
    Nudge,
    /// Stop it.
    Stop,
}

/// How long a program has been still.
#[derive(Debug)]
pub(super) struct Stillness {
    limit: Option<StdDuration>,
    dir: PathBuf,
    active_at: Instant,
    nudged_at: Option<Instant>,
}

impl Stillness {
    /// Of a program that starts now, in this directory; `limit` is the operator's.
    pub(super) fn new(limit: Option<StdDuration>, dir: PathBuf) -> Self {
        Self { limit, dir, active_at: Instant::now(), nudged_at: None }
    }

    /// How long it may be still, if that is limited.
    pub(super) fn limit(&self, is_client: bool) -> Option<StdDuration> {
        self.limit.or(is_client.then_some(CLIENT_STILL_MAX))
    }

    /// Judges by the last output, and the last progress that its agent reported; files are looked at only when it would be stuck without them.
    pub(super) fn judge(&mut self, is_client: bool, printed_at: Instant, progressed_at: Option<Instant>) -> Verdict {
        let Some(limit) = self.limit(is_client) else { return Verdict::Fine };
        let progressed_at = progressed_at.filter(|at| self.nudged_at.is_none_or(|nudged| *at > nudged + OF_NUDGE));
        self.active_at = self.active_at.max(printed_at).max(progressed_at.unwrap_or(printed_at));
        if self.verdict(limit) != Verdict::Fine && self.has_changed_files() {
            self.active_at = Instant::now();
        }
        let verdict = self.verdict(limit);
        if verdict == Verdict::Nudge {
            self.nudged_at = Some(Instant::now());
        }
        verdict
    }

    fn verdict(&self, limit: StdDuration) -> Verdict {
        let nudged_for = self.nudged_at.filter(|at| *at >= self.active_at).map(|at| at.elapsed());
        decide(self.active_at.elapsed(), nudged_for, limit)
    }

    /// Whether a file in its directory has changed since it was last active.
    fn has_changed_files(&self) -> bool {
        let Some(since) = SystemTime::now().checked_sub(self.active_at.elapsed()) else { return false };
        has_newer(&self.dir, since)
    }
}

/// Still for this long, after a nudge this long ago if there was one.
fn decide(still_for: StdDuration, nudged_for: Option<StdDuration>, limit: StdDuration) -> Verdict {
    match nudged_for {
        _ if still_for < limit => Verdict::Fine,
        None => Verdict::Nudge,
        Some(nudged_for) if nudged_for >= limit => Verdict::Stop,
        Some(_) => Verdict::Fine,
    }
}

/// Whether anything below the directory was changed after that moment. Links are not followed; where the directory cannot be read, nothing has.
fn has_newer(dir: &Path, since: SystemTime) -> bool {
    let mut open = vec![dir.to_owned()];
    let mut looked_at = 0;
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
            looked_at += 1;
            if looked_at > FILES_MAX {
                return true;
            }
            if NOT_WORK.iter().any(|name| entry.file_name() == *name) {
                continue;
            }
            // Not that of what a link leads to.
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.modified().is_ok_and(|at| at > since) {
                return true;
            }
            if metadata.is_dir() {
                open.push(entry.path());
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_still_program_is_nudged_once_and_then_stopped() {
        let seconds = StdDuration::from_secs;
        for (still, nudged, want) in [
            (0, None, Verdict::Fine),
            (9, None, Verdict::Fine),
            (10, None, Verdict::Nudge),
            (15, Some(5), Verdict::Fine),
            (20, Some(10), Verdict::Stop),
            // It moved after the nudge.
            (3, Some(50), Verdict::Fine),
        ] {
            assert_eq!(decide(seconds(still), nudged.map(seconds), seconds(10)), want, "{still} {nudged:?}");
        }
    }

    #[test]
    fn files_that_change_are_a_sign_of_life_but_not_those_of_git() {
        let dir = tempfile::tempdir().expect("a directory");
        let old = SystemTime::now() + StdDuration::from_secs(60);
        for name in [".git", "src/deep"] {
            fs::create_dir_all(dir.path().join(name)).expect("made");
        }
        assert!(!has_newer(dir.path(), old) && !has_newer(Path::new("/no/such/directory"), SystemTime::UNIX_EPOCH));
        let touch = |name: &str| {
            let file = fs::File::create(dir.path().join(name)).expect("made");
            file.set_modified(old + StdDuration::from_secs(60)).expect("set");
        };
        touch(".git/index");
        assert!(!has_newer(dir.path(), old));
        touch("src/deep/a.rs");
        assert!(has_newer(dir.path(), old));
    }

    #[test]
    fn without_a_limit_only_clients_can_be_stuck() {
        let here = PathBuf::new();
        assert_eq!(Stillness::new(None, here.clone()).limit(false), None);
        assert_eq!(Stillness::new(None, here.clone()).limit(true), Some(CLIENT_STILL_MAX));
        assert_eq!(Stillness::new(Some(StdDuration::from_secs(5)), here).limit(true), Some(StdDuration::from_secs(5)));
    }
}

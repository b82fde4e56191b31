//! Processes: a name for one that no later process can have, whether it lives, and who its ancestors are.
//! Starting and ending children is in [`children`].

use std::fmt;
use std::io;

pub use crate::family::{children, guard, pipe};

use crate::system::{clock, process as system};

/// The most ancestors that are looked for.
pub const ANCESTORS_MAX: usize = 64;

/// One process, distinguished from all others that ever get its pid: by the boot, the pid namespace and its start.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProcessId {
    /// The boot it runs in; as [`crate::clock::HostId::boot_id`].
    pub boot_id: String,
    /// The pid namespace in which its pid was read; as [`crate::clock::HostId::pid_namespace`].
    pub pid_namespace: String,
    /// Its pid there.
    pub pid: u32,
    /// Its start: on Linux in clock ticks (1/100 s) since the boot, as the first time namespace of the boot counts it
    /// (proc_pid_stat(5), field 22, less the offset of our time namespace); elsewhere in seconds of Unix time.
    pub started: u64,
}

/// Whether a process lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liveness {
    /// It runs, sleeps or is stopped.
    Alive,
    /// It has ended, also when its parent has not collected it yet.
    Dead,
    /// It cannot be distinguished from here: another pid namespace, or a `/proc` that hides it.
    Unknown,
}

/// The text is not a process id as [`ProcessId::to_text`] writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedProcessId;

impl fmt::Display for MalformedProcessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a process id: it has four parts, `BOOT:NAMESPACE:PID:START`")
    }
}

impl std::error::Error for MalformedProcessId {}

impl ProcessId {
    /// This process.
    ///
    /// # Errors
    /// `/proc` is not mounted, or shows another pid namespace than ours.
    pub fn current() -> io::Result<Self> {
        Self::of(std::process::id())?.ok_or_else(|| io::Error::other("this process is not found in /proc"))
    }

    /// The process that has this pid now, if there is one (also one that has ended and is not collected yet).
    ///
    /// # Errors
    /// `/proc` is not mounted, or shows another pid namespace than ours, or does not let us read.
    pub fn of(pid: u32) -> io::Result<Option<Self>> {
        system::check_view()?;
        Ok(system::read(pid)?.map(|stat| Self::at(&Place::read(), pid, &stat)))
    }

    /// Whether it lives now. A process of another boot is dead; nothing is known of one in another pid namespace.
    #[must_use]
    pub fn liveness(&self) -> Liveness {
        let here = Place::read();
        if self.boot_id.is_empty() || here.boot_id.is_empty() {
            return Liveness::Unknown;
        }
        if self.boot_id != here.boot_id {
            return Liveness::Dead;
        }
        if self.pid_namespace.is_empty() || self.pid_namespace != here.pid_namespace || system::check_view().is_err() {
            return Liveness::Unknown;
        }
        match system::read(self.pid) {
            Ok(Some(stat)) if stat.has_ended() || !self.started_at(here.start(&stat)) => Liveness::Dead,
            Ok(Some(_)) => Liveness::Alive,
            // A `/proc` mounted with hidepid shows nothing of other users' processes, but they can be asked for.
            Ok(None) if system::exists(self.pid) => Liveness::Unknown,
            Ok(None) => Liveness::Dead,
            Err(_) => Liveness::Unknown,
        }
    }

    /// Its parent, its parent's parent and so on, as far as they can be seen: at most [`ANCESTORS_MAX`], the last one
    /// being the first process of the pid namespace. Empty when it has ended, or is of another namespace.
    #[must_use]
    pub fn ancestors(&self) -> Vec<Self> {
        let mut ancestors = Vec::new();
        let here = Place::read();
        if self.liveness() != Liveness::Alive {
            return ancestors;
        }
        let Ok(Some(mut child)) = system::read(self.pid) else {
            return ancestors;
        };
        while ancestors.len() < ANCESTORS_MAX && child.parent != 0 {
            let Ok(Some(parent)) = system::read(child.parent) else {
                break;
            };
            // A parent, also one that adopts, is older than its child; else the pid has changed hands meanwhile.
            if parent.started > child.started {
                break;
            }
            ancestors.push(Self::at(&here, child.parent, &parent));
            child = parent;
        }
        ancestors
    }

    /// The name of the program it runs, as the system knows it: on Linux at most 15 bytes, and a program may change its own. Nothing when it has
    /// ended or may not be seen.
    #[must_use]
    pub fn program(&self) -> Option<String> {
        system::program(self.pid).filter(|_| self.liveness() == Liveness::Alive)
    }

    /// `BOOT:NAMESPACE:PID:START`, for a store.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{}:{}:{}:{}", self.boot_id, self.pid_namespace, self.pid, self.started)
    }

    /// Reads what [`ProcessId::to_text`] wrote.
    ///
    /// # Errors
    /// It has not the four parts, or one is not of its kind.
    pub fn parse(text: &str) -> Result<Self, MalformedProcessId> {
        let mut parts = text.split(':');
        let mut part = || parts.next().ok_or(MalformedProcessId);
        let (boot_id, pid_namespace) = (id_part(part()?)?, id_part(part()?)?);
        let pid = part()?.parse().map_err(|_| MalformedProcessId)?;
        let started = part()?.parse().map_err(|_| MalformedProcessId)?;
        if parts.next().is_some() {
            return Err(MalformedProcessId);
        }
        let process = Self { boot_id, pid_namespace, pid, started };
        // One text for one process: no `+7`, no `007`.
        if process.to_text() == text { Ok(process) } else { Err(MalformedProcessId) }
    }

    fn at(place: &Place, pid: u32, stat: &system::Stat) -> Self {
        let Place { boot_id, pid_namespace, .. } = place.clone();
        Self { boot_id, pid_namespace, pid, started: place.start(stat) }
    }

    /// Two readers in time namespaces whose offsets are not whole ticks may differ by one.
    fn started_at(&self, started: u64) -> bool {
        self.started.abs_diff(started) <= 1
    }
}

/// The parts of a process id that are the same for all processes we can see, read once for many.
#[derive(Clone)]
struct Place {
    boot_id: String,
    pid_namespace: String,
    offset_ticks: i64,
}

impl Place {
    fn read() -> Self {
        Self { boot_id: clock::boot_id(), pid_namespace: clock::pid_namespace(), offset_ticks: system::offset_ticks() }
    }

    fn start(&self, stat: &system::Stat) -> u64 {
        stat.started.saturating_add_signed(self.offset_ticks.saturating_neg())
    }
}

fn id_part(text: &str) -> Result<String, MalformedProcessId> {
    let fine = text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if fine { Ok(text.to_owned()) } else { Err(MalformedProcessId) }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    fn sleeper() -> std::process::Child {
        Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("cat starts")
    }

    #[test]
    fn this_process_lives_and_survives_its_text() {
        let own = ProcessId::current().expect("Linux has /proc");
        assert_eq!(own.liveness(), Liveness::Alive);
        assert_eq!(ProcessId::parse(&own.to_text()), Ok(own));
    }

    #[test]
    fn malformed_texts_are_refused() {
        for text in ["", "a:b:1", "a:b:1:2:3", "a:b:+1:2", "a:b:01:2", "a:b:1:-2", "a/b:c:1:2", ":::", "a:b:4294967296:1"] {
            assert_eq!(ProcessId::parse(text), Err(MalformedProcessId), "{text:?}");
        }
        assert!(ProcessId::parse("::1:2").is_ok(), "what the system did not tell is empty");
        assert!(ProcessId::parse(&format!("{}:b:1:2", "a".repeat(65))).is_err());
    }

    #[test]
    fn an_ended_child_is_dead_before_and_after_it_is_collected() {
        let mut child = sleeper();
        let process = ProcessId::of(child.id()).expect("proc is ours").expect("it lives");
        assert_eq!(process.liveness(), Liveness::Alive);
        child.kill().expect("it is ours");
        while process.liveness() != Liveness::Dead {
            std::thread::yield_now();
        }
        assert!(ProcessId::of(child.id()).expect("proc is ours").is_some(), "not collected yet");
        child.wait().expect("it is ours");
        assert_eq!(process.liveness(), Liveness::Dead);
    }

    #[test]
    fn what_differs_decides_what_can_be_said() {
        let own = ProcessId::current().expect("Linux has /proc");
        let with = |change: fn(&mut ProcessId)| {
            let mut process = own.clone();
            change(&mut process);
            process.liveness()
        };
        assert_eq!(with(|p| p.boot_id = "other".to_owned()), Liveness::Dead);
        assert_eq!(with(|p| p.boot_id.clear()), Liveness::Unknown);
        assert_eq!(with(|p| p.pid_namespace = "7".to_owned()), Liveness::Unknown);
        assert_eq!(with(|p| p.started += 100), Liveness::Dead);
        assert_eq!(with(|p| p.pid = u32::MAX), Liveness::Dead);
    }

    #[test]
    fn ancestors_lead_from_a_child_through_us_to_the_first_process() {
        let mut child = sleeper();
        let process = ProcessId::of(child.id()).expect("proc is ours").expect("it lives");
        let ancestors = process.ancestors();
        let own = ProcessId::current().expect("Linux has /proc");
        assert_eq!(ancestors.first(), Some(&own));
        assert_eq!(ancestors[1..], own.ancestors());
        child.kill().and_then(|()| child.wait()).expect("it is ours");
        assert!(process.ancestors().is_empty());
    }
}

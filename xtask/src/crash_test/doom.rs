//! How a process of the crash test ends, or is stopped: by itself at a fail point, or by the crash test at a moment of its choice.

use std::fmt;
use std::str::FromStr;

use oarlock_testkit::faulty::{FailPoint, StoreStep};

/// Where it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum KillPoint {
    /// From outside, whatever it is doing.
    Outside,
    /// At a fail point of the store.
    Point(FailPoint),
    /// Before or after a call that changes a file.
    Disk { after: bool },
}

/// The fate of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Doom {
    pub(super) place: KillPoint,
    /// How many times the place is passed unharmed.
    pub(super) after: u32,
    /// Whether it is stopped for a while and goes on, instead of being killed.
    pub(super) stops: bool,
}

impl Doom {
    /// Every place, one after another; half of the processes are killed from outside.
    pub(super) fn nth(n: usize, rng: &mut fastrand::Rng) -> Self {
        let points = StoreStep::ALL.into_iter().flat_map(|step| [false, true].map(|after| KillPoint::Point(FailPoint { step, after })));
        let places: Vec<KillPoint> = points.chain([false, true].map(|after| KillPoint::Disk { after })).collect();
        let place = if n.is_multiple_of(2) { KillPoint::Outside } else { places[n / 2 % places.len()] };
        Self { place, after: rng.u32(..12), stops: rng.u8(..12) == 0 }
    }

    pub(super) fn signal(&self) -> i32 {
        if self.stops { libc::SIGSTOP } else { libc::SIGKILL }
    }

    /// Lets it happen to this process.
    pub(super) fn meet(&self) {
        oarlock_faultdisk::signal_self(self.signal());
    }
}

impl fmt::Display for Doom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self.place {
            KillPoint::Outside => "outside".to_owned(),
            KillPoint::Point(FailPoint { step, after }) => {
                format!("{}-{}", if after { "after" } else { "before" }, format!("{step:?}").to_lowercase())
            }
            KillPoint::Disk { after } => format!("{}-disk", if after { "after" } else { "before" }),
        };
        write!(f, "{place}:{}:{}", self.after, if self.stops { "stop" } else { "kill" })
    }
}

impl FromStr for Doom {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let none = || format!("{text} is no doom");
        let [place, after, signal] = text.split(':').collect::<Vec<_>>()[..] else { return Err(none()) };
        let place = match place.split_once('-') {
            None => KillPoint::Outside,
            Some((side, step)) => {
                match (side == "after", StoreStep::ALL.into_iter().find(|known| format!("{known:?}").to_lowercase() == step)) {
                    (after, Some(step)) => KillPoint::Point(FailPoint { step, after }),
                    (after, None) => KillPoint::Disk { after },
                }
            }
        };
        Ok(Self { place, after: after.parse().map_err(|_| none())?, stops: signal == "stop" })
    }
}

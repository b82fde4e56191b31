//! The commands of a worker: the one it was given, and the one that takes over while the provider of the first takes no requests.

use std::ffi::OsString;
use std::time::{Duration as StdDuration, Instant, SystemTime, UNIX_EPOCH};

use crate::profile::{Profile, with_stream};

/// The pause after a rate limit whose end is not known, doubled with each further one in a row.
const PAUSE_FIRST: StdDuration = StdDuration::from_secs(60);
/// The longest such pause.
const PAUSE_MAX: StdDuration = StdDuration::from_secs(15 * 60);
/// The longest pause where the provider names the end: windows of usage are shorter.
const NAMED_MAX: StdDuration = StdDuration::from_secs(7 * 24 * 3_600);

/// One command, ready to be started.
#[derive(Debug)]
pub(super) struct Choice {
    /// Its place among the commands.
    pub(super) index: usize,
    pub(super) command: Vec<OsString>,
    pub(super) profile: Profile,
}

#[derive(Debug)]
struct Known {
    command: Vec<OsString>,
    profile: Profile,
    limited_until: Option<Instant>,
    /// Limits one after the other.
    limits: u32,
}

/// The commands in their order.
#[derive(Debug)]
pub(super) struct Commands(Vec<Known>);

impl Commands {
    pub(super) fn new(command: &[OsString], profile: Profile, fallback: Option<&Vec<OsString>>) -> Self {
        let known = |(command, profile)| Known { command, profile, limited_until: None, limits: 0 };
        let fallback = fallback.filter(|fallback| !fallback.is_empty()).map(|fallback| with_stream(fallback, Profile::Auto));
        Self([with_stream(command, profile)].into_iter().chain(fallback).map(known).collect())
    }

    /// The command that the worker was given.
    pub(super) fn first(&self) -> Choice {
        let of = |known: &Known| Choice { index: 0, command: known.command.clone(), profile: known.profile };
        self.0.first().map_or(Choice { index: 0, command: Vec::new(), profile: Profile::None }, of)
    }

    /// The first command whose provider takes requests.
    ///
    /// # Errors
    /// None does before this moment.
    pub(super) fn choose(&self, now: Instant) -> Result<Choice, Instant> {
        let is_free = |known: &&Known| known.limited_until.is_none_or(|until| until <= now);
        if let Some((index, known)) = self.0.iter().enumerate().find(|(_, known)| is_free(known)) {
            return Ok(Choice { index, command: known.command.clone(), profile: known.profile });
        }
        Err(self.0.iter().filter_map(|known| known.limited_until).min().unwrap_or(now))
    }

    /// The provider of a command takes no requests: for this long, where that is known. How long it is not tried.
    pub(super) fn limit(&mut self, index: usize, named: Option<StdDuration>, now: Instant) -> StdDuration {
        let Some(known) = self.0.get_mut(index) else { return StdDuration::ZERO };
        let doubled = PAUSE_FIRST.saturating_mul(2_u32.saturating_pow(known.limits)).min(PAUSE_MAX);
        let pause = named.map_or(doubled, |named| named.clamp(StdDuration::from_secs(1), NAMED_MAX));
        known.limits = known.limits.saturating_add(1);
        known.limited_until = now.checked_add(pause);
        pause
    }

    /// A command came to an end of its own.
    pub(super) fn succeeded(&mut self, index: usize) {
        if let Some(known) = self.0.get_mut(index) {
            (known.limits, known.limited_until) = (0, None);
        }
    }
}

/// How long it is until a moment in seconds of Unix time; nothing when it is past.
pub(super) fn until_unix(seconds: i64) -> StdDuration {
    let at = u64::try_from(seconds).ok().and_then(|seconds| UNIX_EPOCH.checked_add(StdDuration::from_secs(seconds)));
    at.and_then(|at| at.duration_since(SystemTime::now()).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<OsString> {
        text.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn the_second_command_takes_over_while_the_first_is_limited() {
        let mut commands = Commands::new(&words("sh one"), Profile::Auto, Some(&words("sh two")));
        let now = Instant::now();
        let at = |commands: &Commands, seconds| commands.choose(now + StdDuration::from_secs(seconds)).map(|choice| choice.index);
        assert_eq!(at(&commands, 0), Ok(0));
        assert_eq!(commands.limit(0, None, now), StdDuration::from_secs(60));
        assert_eq!((at(&commands, 0), at(&commands, 60)), (Ok(1), Ok(0)));
        assert_eq!(commands.limit(1, Some(StdDuration::from_secs(30)), now), StdDuration::from_secs(30));
        assert_eq!(at(&commands, 0), Err(now + StdDuration::from_secs(30)));
        commands.succeeded(1);
        assert_eq!(at(&commands, 0), Ok(1));
    }

    #[test]
    fn limits_in_a_row_pause_longer_and_ends_that_are_named_count() {
        let mut commands = Commands::new(&words("sh one"), Profile::Auto, None);
        let now = Instant::now();
        let pauses: Vec<u64> = (0..6).map(|_| commands.limit(0, None, now).as_secs()).collect();
        assert_eq!(pauses, [60, 120, 240, 480, 900, 900]);
        assert_eq!(commands.limit(0, Some(StdDuration::ZERO), now).as_secs(), 1);
        assert_eq!(commands.limit(0, Some(StdDuration::MAX), now), NAMED_MAX);
        assert_eq!(commands.limit(7, None, now), StdDuration::ZERO);
    }
}

//! Leases and agents in time: which lease is live, which agent is active (semantics 4, 5, 8, 9).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::agent::{Agent, Presence, SessionEnd};
use crate::ident::SessionId;
use crate::limits;
use crate::reservation::Reservation;
use crate::seeded;
use crate::task::Grant;
use crate::time::{Now, StoreTime};

/// When the lease ends: its TTL after the later of its own renewal and its session's heartbeat. A
/// heartbeat counts only for the session that holds the lease, so `beat` is absent when that
/// session is no longer its agent's current one.
pub fn lease_ends_at(grant: &Grant, beat: Option<StoreTime>) -> StoreTime {
    beat.map_or(grant.renewed, |beat| beat.max(grant.renewed)).plus_ms(grant.ttl_ms)
}

/// How long the lease still holds, in milliseconds; 0 when it has expired.
pub fn lease_ttl_ms(grant: &Grant, beat: Option<StoreTime>, now: Now) -> i64 {
    lease_ends_at(grant, beat).since_ms(now.store)
}

/// How long the lease of this holder still holds, in milliseconds; 0 when it has expired. `holder` is the grant's agent, if it is known.
pub fn grant_ttl_ms(grant: &Grant, holder: Option<&Agent>, now: Now) -> i64 {
    // No heartbeat can be later than this very moment.
    let beat = if is_renewed_now(grant, now) { None } else { beat_for(grant, holder) };
    lease_ttl_ms(grant, beat, now)
}

/// Whether a lease was renewed at this very moment, so that its holder need not be read to know its end.
pub fn is_renewed_now(grant: &Grant, now: Now) -> bool {
    grant.renewed == now.store
}

/// The beat that counts for a grant: that of its agent, if the agent's current session holds it.
pub fn beat_for(grant: &Grant, holder: Option<&Agent>) -> Option<StoreTime> {
    beat_of(&grant.session, holder)
}

/// The beat that counts for a reservation: that of its agent, if the agent's current session holds it.
pub fn beat_for_reservation(reservation: &Reservation, holder: Option<&Agent>) -> Option<StoreTime> {
    beat_of(&reservation.session, holder)
}

/// When a reservation that is tied to no task ends: its TTL after the later of its making and its session's heartbeat. So a heartbeat
/// renews all of them and writes none of them, and without heartbeats each holds for its TTL.
pub fn reservation_ends_at(reservation: &Reservation, beat: Option<StoreTime>) -> StoreTime {
    let beat = beat.filter(|_| !seeded::is(seeded::BEAT_LEAVES_RESERVATIONS));
    beat.map_or(reservation.made, |beat| beat.max(reservation.made)).plus_ms(reservation.ttl_ms)
}

/// How long a reservation still holds, in milliseconds: its own time, or that of the lease it is tied to. `grant` is the one that holds
/// that task now.
pub fn reservation_ttl_ms(reservation: &Reservation, holder: Option<&Agent>, grant: Option<&Grant>, now: Now) -> i64 {
    if reservation.task.is_none() {
        return reservation_ends_at(reservation, beat_for_reservation(reservation, holder)).since_ms(now.store);
    }
    let grant = grant.filter(|grant| grant.session == reservation.session);
    grant.map_or(0, |grant| grant_ttl_ms(grant, holder, now))
}

/// The last heartbeat of the agent, if this session is its current one and not over.
fn beat_of(session: &SessionId, agent: Option<&Agent>) -> Option<StoreTime> {
    agent.filter(|agent| agent.session == *session && agent.is_live()).map(|agent| agent.presence.beat)
}

/// An agent's state, as others see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AgentState {
    /// It was seen within its timeout.
    Active,
    /// It was not; it may come back, and its leases run until their TTL.
    Stale,
    /// Its death is proven.
    Lost,
    /// It left.
    Left,
}

impl AgentState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Active, Self::Stale, Self::Lost, Self::Left];

    /// The state's word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Stale => "stale",
            Self::Lost => "lost",
            Self::Left => "left",
        }
    }

    /// Whether its session is over: it left, or its death is proven.
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Lost | Self::Left)
    }
}

/// The state of an agent. An owner that is seen alive keeps its agent active whatever its heartbeats say.
pub fn agent_state(agent: &Agent, is_owner_seen_alive: bool, now: Now) -> AgentState {
    match agent.end {
        Some(SessionEnd::Left | SessionEnd::TakenOver) => AgentState::Left,
        Some(SessionEnd::Lost) => AgentState::Lost,
        None if is_owner_seen_alive => AgentState::Active,
        None if now.store.since_ms(agent.presence.seen) <= agent.timeout_ms => AgentState::Active,
        None => AgentState::Stale,
    }
}

/// An agent's activity, apart from whether it is alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// It holds nothing.
    Idle,
    /// It holds work and moves.
    Progressing,
    /// It holds work and has shown no progress for [`limits::STUCK_AFTER_MS`].
    Stuck,
}

impl Activity {
    /// Its word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Progressing => "progressing",
            Self::Stuck => "stuck",
        }
    }
}

/// The activity of an agent that holds `claims` leases.
pub fn activity(presence: &Presence, claims: usize, now: Now) -> Activity {
    match claims {
        0 => Activity::Idle,
        _ if now.store.since_ms(presence.progressed) > limits::STUCK_AFTER_MS => Activity::Stuck,
        _ => Activity::Progressing,
    }
}

/// Whether an agent that is there should be noted again: at every eighth of its timeout.
pub fn sighting_due(presence: &Presence, timeout_ms: i64, now: Now) -> bool {
    now.store.since_ms(presence.seen) >= timeout_ms / 8
}

/// Whether an accepted call should write the agent's presence: when a sighting is due
/// (for progress, every eighth of [`limits::STUCK_AFTER_MS`]), so that presence costs little.
pub fn presence_due(presence: &Presence, timeout_ms: i64, now: Now) -> bool {
    sighting_due(presence, timeout_ms, now) || now.store.since_ms(presence.progressed) >= limits::STUCK_AFTER_MS / 8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::{AgentName, ReservationId, Token};
    use crate::pattern::Pattern;
    use crate::reservation::{Mode, Target};
    use crate::time::WallTime;

    fn grant() -> Grant {
        let agent = AgentName::parse("ada").expect("valid");
        Grant {
            token: Token(7),
            session: SessionId::of(&agent, &crate::StoreIdentity::default(), 1),
            agent,
            since: WallTime(0),
            renewed: StoreTime(1_000),
            ttl_ms: 500,
            reserve: false,
            intended: false,
            end: None,
        }
    }

    #[test]
    fn a_heartbeat_extends_a_lease_and_never_shortens_it() {
        let at = |ms| Now { store: StoreTime(ms), wall: WallTime(0) };
        assert_eq!(lease_ttl_ms(&grant(), None, at(1_499)), 1);
        assert_eq!(lease_ttl_ms(&grant(), None, at(1_500)), 0);
        assert_eq!(lease_ttl_ms(&grant(), Some(StoreTime(1_400)), at(1_500)), 400);
        assert_eq!(lease_ttl_ms(&grant(), Some(StoreTime(10)), at(1_400)), 100);
    }

    #[test]
    fn a_heartbeat_extends_a_reservation_and_never_shortens_it() {
        let agent = AgentName::parse("ada").expect("valid");
        let reservation = Reservation {
            id: ReservationId::of(9),
            target: Target::Paths(Pattern::parse("src/**").expect("a pattern")),
            mode: Mode::Exclusive,
            session: SessionId::of(&agent, &crate::StoreIdentity::default(), 1),
            agent,
            task: None,
            made: StoreTime(1_000),
            ttl_ms: 500,
            reason: None,
        };
        assert_eq!(reservation_ends_at(&reservation, None), StoreTime(1_500));
        assert_eq!(reservation_ends_at(&reservation, Some(StoreTime(10))), StoreTime(1_500), "a beat before its making counts for nothing");
        assert_eq!(reservation_ends_at(&reservation, Some(StoreTime(1_400))), StoreTime(1_900));
    }
}

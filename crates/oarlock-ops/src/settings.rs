//! Defaults that a project or a user may change. Data only: never a store, a key or a command.

use oarlock_model::duration::Duration;
use oarlock_model::limits;
use oarlock_model::rules::holdings::Holdings;

/// The defaults that operations use where a request leaves something out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The TTL of a lease.
    pub lease_ttl: Duration,
    /// The TTL of a reservation.
    pub reservation_ttl: Duration,
    /// The heartbeat timeout of an agent.
    pub heartbeat_timeout: Duration,
    /// The attempts of a task.
    pub max_attempts: u32,
    /// The pause after a task's first failure; it doubles with each further one.
    pub retry_first: Duration,
    /// The agents a split is made for.
    pub agents: usize,
    /// How long a busy store is waited for.
    pub busy: Duration,
    /// After this time without a sign of life, a task held through RALF's files alone counts as abandoned.
    pub abandoned_after: Duration,
    /// The holdings allowed to a caller with an agent's access; operators are bound by the limits of the store only.
    pub agent_holdings: Holdings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lease_ttl: Duration::from_ms(limits::LEASE_TTL_MS_DEFAULT),
            reservation_ttl: Duration::from_ms(limits::RESERVATION_TTL_MS_DEFAULT),
            heartbeat_timeout: Duration::from_ms(limits::HEARTBEAT_TIMEOUT_MS_DEFAULT),
            max_attempts: limits::ATTEMPTS_DEFAULT,
            retry_first: Duration::from_ms(limits::RETRY_FIRST_MS_DEFAULT),
            agents: 3,
            busy: Duration::from_ms(limits::BUSY_MS_DEFAULT),
            abandoned_after: Duration::from_ms(limits::ABANDONED_AFTER_MS_DEFAULT),
            agent_holdings: Holdings::default(),
        }
    }
}

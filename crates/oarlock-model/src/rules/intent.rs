//! The fate of the intent to grant a task when its call is gone.

use crate::agent::Agent;
use crate::task::Grant;

/// The fate of an intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Its session gets the task.
    Granted,
    /// Nobody does. What the files show of it is taken back.
    Dropped,
}

/// Settles an intent. Anyone who asks holds the lock of the files, so the call that had the intent has ended without a reply. What the files
/// show counts, as long as there is somebody who can work: a mark is the last thing that such a call does before the grant.
#[must_use]
pub fn settle(intent: &Grant, is_marked: bool, holder: Option<&Agent>) -> Settled {
    let lives = holder.is_some_and(|agent| agent.is_live() && agent.session == intent.session);
    if is_marked && (lives || crate::seeded::is(crate::seeded::INTENT_BELIEVED)) { Settled::Granted } else { Settled::Dropped }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{Host, Owner, Presence, SessionEnd};
    use crate::ident::{AgentName, SessionId, Token};
    use crate::time::{StoreTime, WallTime};

    fn agent(session: &str, end: Option<SessionEnd>) -> Agent {
        Agent {
            name: AgentName::parse("ada").expect("valid"),
            session: SessionId::parse(session).expect("valid"),
            role: None,
            capabilities: Default::default(),
            program: None,
            timeout_ms: 60_000,
            max_claims: None,
            owner: Owner::None,
            host: Host::default(),
            harness: None,
            end,
            presence: Presence::default(),
        }
    }

    #[test]
    fn only_what_the_files_show_and_somebody_can_do_is_granted() {
        let intent = Grant {
            token: Token(7),
            agent: AgentName::parse("ada").expect("valid"),
            session: SessionId::parse("ada.1-k3f9z2").expect("valid"),
            since: WallTime(0),
            renewed: StoreTime(0),
            ttl_ms: 1_000,
            reserve: false,
            intended: true,
            end: None,
        };
        let (live, over) = (agent("ada.1-k3f9z2", None), agent("ada.1-k3f9z2", Some(SessionEnd::Lost)));
        let next = agent("ada.9-k3f9z2", None);
        for (is_marked, holder, want) in [
            (true, Some(&live), Settled::Granted),
            (false, Some(&live), Settled::Dropped),
            (true, Some(&over), Settled::Dropped),
            (true, Some(&next), Settled::Dropped),
            (true, None, Settled::Dropped),
            (false, None, Settled::Dropped),
        ] {
            assert_eq!(settle(&intent, is_marked, holder), want, "{is_marked} {holder:?}");
        }
    }
}

//! Open connections: whose they are once a request with a key has come by them, and those of which nobody knows yet.
//!
//! Anyone who shows no key has no place of its own. Of these connections there are only this many, and the oldest makes room for the newest:
//! a program that means it sends its first request at once, and anyone who only opens connections pushes out its own.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use oarlock_ops::OpError;
use tokio::sync::Notify;

use super::access::Principal;
use super::bounds::{Account, Ledger, Of, Places};

/// Connections that have shown no key, at most.
pub(super) const STRANGERS_MAX: usize = 512;

/// All connections of one gateway.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    strangers: Mutex<VecDeque<Arc<Connection>>>,
    last: AtomicU64,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    number: u64,
    owner: Mutex<Option<(Account, Places)>>,
    /// Whether it has to make room.
    is_over: Notify,
}

impl Connections {
    /// A new one, of nobody yet. The oldest of nobody has to go when there are too many.
    pub(super) fn enter(&self) -> Arc<Connection> {
        let number = self.last.fetch_add(1, Ordering::Relaxed);
        let new = Arc::new(Connection { number, owner: Mutex::default(), is_over: Notify::new() });
        let mut strangers = self.strangers.lock().unwrap_or_else(PoisonError::into_inner);
        strangers.push_back(Arc::clone(&new));
        if strangers.len() > STRANGERS_MAX
            && let Some(oldest) = strangers.pop_front()
        {
            oldest.is_over.notify_one();
        }
        new
    }

    /// It has ended, or is somebody's.
    fn forget(&self, connection: &Connection) {
        let mut strangers = self.strangers.lock().unwrap_or_else(PoisonError::into_inner);
        // They stand in the order of their numbers.
        if let Ok(at) = strangers.binary_search_by_key(&connection.number, |stranger| stranger.number) {
            strangers.remove(at);
        }
    }

    /// It has ended.
    pub(super) fn leave(&self, connection: &Connection) {
        self.forget(connection);
    }

    /// A request of this principal has come by it.
    ///
    /// # Errors
    /// `limit_reached` and `store_busy` when its owner has too many.
    pub(super) fn belongs_to(&self, connection: &Connection, ledger: &Arc<Ledger>, principal: &Principal) -> Result<Account, OpError> {
        let account = Account::of(ledger, principal);
        let mut owner = connection.owner.lock().unwrap_or_else(PoisonError::into_inner);
        if owner.as_ref().is_none_or(|(own, _)| !own.is_same(&account)) {
            let places = account.take(Of::Connections, 1)?;
            *owner = Some((account.clone(), places));
            drop(owner);
            self.forget(connection);
        }
        Ok(account)
    }
}

impl Connection {
    /// Waits until it has to make room.
    pub(super) async fn is_over(&self) {
        self.is_over.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::bounds::Bounds;
    use oarlock_model::AgentName;
    use oarlock_model::rules::authority::Authority;

    #[tokio::test]
    async fn the_oldest_stranger_makes_room_and_nobody_who_is_known() {
        let (connections, ledger) = (Connections::default(), Ledger::new(Bounds::OF_AGENTS));
        let ada = AgentName::parse("ada").expect("a name");
        let ada =
            Principal { key_id: "k".into(), name: Some(ada.clone()), root: Some(ada), authority: Authority::Agent, verbs: Vec::new() };
        let (known, oldest) = (connections.enter(), connections.enter());
        connections.belongs_to(&known, &ledger, &ada).expect("its first");
        let more: Vec<_> = (0..STRANGERS_MAX).map(|_| connections.enter()).collect();
        oldest.is_over().await;
        connections.leave(&more[0]);
        connections.enter();
        assert_eq!(connections.strangers.lock().expect("alone").len(), STRANGERS_MAX);
        // It stays its owner's, and counts once.
        for _ in 0..1_000 {
            connections.belongs_to(&known, &ledger, &ada).expect("the same one");
        }
    }

    #[test]
    fn one_agent_has_its_share_of_connections() {
        let (connections, ledger) = (Connections::default(), Ledger::new(Bounds { connections: 2, ..Bounds::OF_AGENTS }));
        let ada = AgentName::parse("ada").expect("a name");
        let ada =
            Principal { key_id: "k".into(), name: Some(ada.clone()), root: Some(ada), authority: Authority::Agent, verbs: Vec::new() };
        let open: Vec<_> = (0..3).map(|_| connections.enter()).collect();
        let taken: Vec<bool> = open.iter().map(|one| connections.belongs_to(one, &ledger, &ada).is_ok()).collect();
        assert_eq!(taken, [true, true, false]);
        drop(open);
        for one in connections.strangers.lock().expect("alone").drain(..) {
            drop(one);
        }
        let again = connections.enter();
        assert!(connections.belongs_to(&again, &ledger, &ada).is_ok(), "what has ended is given back");
    }
}

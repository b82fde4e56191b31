//! [`Authors`]: who can have written an event.

use std::collections::BTreeMap;

use super::{Event, Fact};
use crate::ident::{AgentName, SessionId};

/// The sessions of a log read from its beginning: the session that an event is by is the one its agent had joined with last.
/// Tables do not record who caused each event, so a log that was changed in this place shows it here alone.
#[derive(Clone, Debug, Default)]
pub struct Authors {
    sessions: BTreeMap<AgentName, SessionId>,
}

impl Authors {
    /// Reads the next event.
    ///
    /// # Errors
    /// In words, why it cannot be by whom it says.
    pub fn read(&mut self, event: &Event) -> Result<(), String> {
        if let Fact::AgentJoined(joined) = &event.fact {
            self.sessions.insert(joined.name.clone(), joined.session.clone());
        }
        match (&event.agent, &event.session) {
            // Anyone who has left may still speak under its name, where no session is needed.
            (_, None) => Ok(()),
            (Some(agent), Some(session)) if self.sessions.get(agent) == Some(session) => Ok(()),
            (None, Some(session)) => Err(format!("it is by the session {session}, but by no agent")),
            (Some(agent), Some(session)) => Err(format!("it is by the session {session}, which {agent} had not joined with")),
        }
    }
}

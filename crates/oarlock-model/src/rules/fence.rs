//! The fence before every effect of a holder (semantics 3, 4, 7).

use crate::Rejection;
use crate::agent::Agent;
use crate::ident::{SessionId, Token};
use crate::rejection::HolderFacts;
use crate::rules::{liveness, outside};
use crate::seeded;
use crate::task::{Grant, GrantEnd, Task};
use crate::time::Now;

/// The facts that the fence needs besides the task.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// The session that calls.
    pub session: &'a SessionId,
    /// The token it gives, if it gives one.
    pub token: Option<Token>,
    /// Whether this session was ever granted the task.
    pub held_before: bool,
    /// The number before the first one of the store's identity: lower numbers were granted before a restore.
    pub base: u64,
}

/// Lets the caller pass when it is the task's last grantee and that grant still counts, whether its
/// TTL has passed or not: expiry makes a lease stealable, not void. The grant may have ended with
/// `done` or `fail`; what that means is for the verb to say.
///
/// A given token is checked before anything else: any but the last grant's is stale.
///
/// # Errors
/// `stale_token`, `lease_lost` (held it, lost it), `lease_held` (never held it; also where somebody outside of the store has it).
pub fn fence<'t>(task: &'t Task, caller: Caller<'_>, holder: Option<&Agent>, now: Now) -> Result<Option<&'t Grant>, Rejection> {
    let last = task.grant.as_ref();
    let current = last.map(|grant| grant.token).filter(|token| token.0 > caller.base);
    if let Some(given) = caller.token
        && current != Some(given)
        && !seeded::is(seeded::NO_TOKEN_CHECK)
    {
        return Err(Rejection::StaleToken { task: task.id.clone(), given, current });
    }
    let Some(grant) = last else { return outside::check_free(task, now).map(|()| None) };
    let lost = |how| Rejection::LeaseLost { task: task.id.clone(), how, holder: task.holder().map(|g| holder_facts(g, holder, now)) };
    let mine = grant.session == *caller.session;
    match grant.end {
        // A session that failed the task and names no token believes it still holds it.
        Some(GrantEnd::Failed) if mine && caller.token.is_none() => Err(lost("given up as failed")),
        Some(end) if mine || caller.token.is_some() => match ended_without_us(end) {
            Some(how) => Err(lost(how)),
            None => {
                outside::check_free(task, now)?;
                Ok(mine.then_some(grant))
            }
        },
        // It does not know of it yet, and may never.
        None if mine && grant.intended => Ok(None),
        None if mine && seeded::is(seeded::EXPIRY_VOIDS) && holder_facts(grant, holder, now).ttl_ms == 0 => Err(lost("expired")),
        None if mine => Ok(Some(grant)),
        _ if caller.held_before => Err(lost("granted again")),
        None => Err(Rejection::LeaseHeld { task: task.id.clone(), holder: holder_facts(grant, holder, now) }),
        Some(_) => outside::check_free(task, now).map(|()| None),
    }
}

/// Facts about the holder of a grant.
pub fn holder_facts(grant: &Grant, holder: Option<&Agent>, now: Now) -> HolderFacts {
    HolderFacts {
        agent: grant.agent.clone(),
        session: grant.session.clone(),
        token: grant.token,
        ttl_ms: liveness::grant_ttl_ms(grant, holder, now),
    }
}

/// How a grant ended that its holder did not finish.
fn ended_without_us(end: GrantEnd) -> Option<&'static str> {
    match end {
        GrantEnd::Released => Some("released"),
        GrantEnd::TakenOver => Some("taken over"),
        GrantEnd::Lost => Some("lost with its session"),
        GrantEnd::Split => Some("given up by the split"),
        GrantEnd::Cancelled => Some("cancelled with its task"),
        GrantEnd::Done | GrantEnd::Failed => None,
    }
}

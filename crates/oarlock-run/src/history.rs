//! The log of one task: who had it, for how long, and which attempt succeeded.

use oarlock_model::event::{Event, Fact};
use oarlock_model::usage::Usage;
use oarlock_model::{AgentName, StoreTime, TaskId, Token, limits};
use oarlock_ops::store::{EventFilter, StoreResult, View};

/// Most events of one task that are read.
const EVENTS_MAX: usize = 10_000;

/// One grant of a task, in store time: it does not jump when somebody sets the clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) agent: AgentName,
    pub(crate) from: StoreTime,
    /// When it ended; absent while it runs.
    pub(crate) to: Option<StoreTime>,
    /// Whether it ended with `done`.
    pub(crate) is_success: bool,
    /// Its number.
    pub(crate) token: Token,
    /// Tokens and money, as its client reported; nothing where none did.
    pub(crate) usage: Option<Usage>,
}

impl Span {
    /// How long it lasted, in milliseconds; 0 while it runs.
    pub(crate) fn wall_ms(&self) -> i64 {
        self.to.map_or(0, |to| to.since_ms(self.from))
    }
}

/// The grants of a task, oldest first.
pub(crate) fn spans_of(view: &dyn View, id: &TaskId) -> StoreResult<Vec<Span>> {
    let mut spans = Vec::new();
    each_event_of(view, id, &mut |event| follow(&mut spans, event))?;
    Ok(spans)
}

/// Passes on the events of a task, oldest first, as many as are read.
pub(crate) fn each_event_of(view: &dyn View, id: &TaskId, see: &mut dyn FnMut(&Event)) -> StoreResult<()> {
    let mut filter = EventFilter { subject: Some(id.to_string()), limit: 500, bytes_max: limits::PAGE_BYTES_MAX, ..EventFilter::default() };
    let mut read = 0;
    while read < EVENTS_MAX {
        let events = view.events(&filter)?;
        let Some(last) = events.last() else { break };
        filter.after_seq = last.seq;
        read += events.len();
        events.iter().for_each(&mut *see);
    }
    Ok(())
}

/// Takes one more event of the task into account.
fn follow(spans: &mut Vec<Span>, event: &Event) {
    let is_success = match &event.fact {
        Fact::TaskClaimed(claimed) => {
            if let Some(agent) = event.agent.clone() {
                spans.push(Span { agent, from: event.store_at, to: None, is_success: false, token: claimed.token, usage: None });
            }
            return;
        }
        Fact::TaskUsed(used) => {
            if let Some(span) = spans.iter_mut().rev().find(|span| span.token == used.token) {
                span.usage = Some(span.usage.unwrap_or_default().or_more(&used.usage));
            }
            return;
        }
        Fact::TaskDone(done) => done.token.is_some(),
        Fact::TaskSubmitted(submitted) => submitted.token.is_some(),
        Fact::TaskFailed(_) | Fact::TaskReleased(_) | Fact::LeaseLost(_) | Fact::TaskCancelled(_) => false,
        Fact::TaskSplit(split) if split.waits => false,
        _ => return,
    };
    if let Some(span) = spans.last_mut().filter(|span| span.to.is_none()) {
        span.to = Some(event.store_at);
        span.is_success = is_success;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oarlock_model::WallTime;
    use oarlock_model::event::{TaskClaimed, TaskDone, TaskFailed};

    #[test]
    fn the_successful_attempt_is_told_from_the_failed_one() {
        let id: TaskId = "T-1".parse().expect("an id");
        let mut spans = Vec::new();
        let mut at = |ms: i64, fact: Fact| {
            let agent = Some("ada".parse().expect("a name"));
            follow(&mut spans, &Event { seq: 1, at: WallTime(0), store_at: StoreTime(ms), agent, session: None, fact });
        };
        let claimed = || Fact::from(TaskClaimed { id: id.clone(), token: Token(1), ttl_ms: 1, attempt: 1, reserve: false, after: None });
        at(10, claimed());
        at(15, TaskFailed { id: id.clone(), token: Token(1), reason: "no".into(), failures: 1, retry_at: None }.into());
        at(20, claimed());
        at(
            50,
            TaskDone {
                id: id.clone(),
                token: Some(Token(1)),
                result: None,
                artifacts: Vec::new(),
                unblocked: Vec::new(),
                unmet_needs: Vec::new(),
            }
            .into(),
        );
        let seen: Vec<(i64, bool)> = spans.iter().map(|span| (span.wall_ms(), span.is_success)).collect();
        assert_eq!(seen, [(5, false), (30, true)]);
    }
}

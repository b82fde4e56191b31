//! Who did which task when: one bar for each attempt, from the claim to its end.

use jiff::Timestamp;
use oarlock_ops::shapes::EventShape;
use std::collections::{BTreeMap, BTreeSet};

/// Attempts of one picture; of more, the last ones are drawn.
pub const SPANS_MAX: usize = 2_000;

/// The kinds of events that begin or end an attempt, or move one: what has to be read of a log for its timeline.
pub const TIMELINE_KINDS: [&str; 8] =
    ["task_claimed", "task_done", "task_submitted", "task_failed", "task_released", "task_split", "task_cancelled", "lease_lost"];

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SpanEnd {
    /// It has not.
    Running,
    /// With `done`, or with a submission for review or landing.
    Done,
    /// With `fail`.
    Failed,
    /// The task was given back, split or cancelled.
    Released,
    /// The lease was lost: its holder died, or somebody else got the task.
    Lost,
}

impl SpanEnd {
    /// All ends.
    pub const ALL: [Self; 5] = [Self::Running, Self::Done, Self::Failed, Self::Released, Self::Lost];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Released => "given back",
            Self::Lost => "lost",
        }
    }

    /// Its sign, so that no picture shows it by colour alone.
    pub fn sign(self) -> char {
        match self {
            Self::Running => '▶',
            Self::Done => '✓',
            Self::Failed => '✗',
            Self::Released => '↩',
            Self::Lost => '?',
        }
    }

    /// The end that an event of this kind gives to the attempt at its task.
    fn of_kind(kind: &str) -> Option<Self> {
        Some(match kind {
            "task_done" | "task_submitted" => Self::Done,
            "task_failed" => Self::Failed,
            "task_released" | "task_split" | "task_cancelled" => Self::Released,
            "lease_lost" => Self::Lost,
            _ => return None,
        })
    }
}

/// An attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The task.
    pub task: String,
    /// Who held it.
    pub agent: String,
    /// When it was claimed, in milliseconds of the Unix epoch.
    pub start_ms: i64,
    /// When it ended; for one that has not, the moment of the picture.
    pub end_ms: i64,
    /// How it ended.
    pub end: SpanEnd,
    /// Its row among those of its agent: attempts that overlap stand below each other.
    pub row: usize,
}

impl Span {
    /// How long it took, in milliseconds.
    pub fn took_ms(&self) -> i64 {
        self.end_ms - self.start_ms
    }
}

/// Attempts in time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    /// The attempts, by their start.
    pub spans: Vec<Span>,
    /// When the first of them began.
    pub start_ms: i64,
    /// When the last of them ended.
    pub end_ms: i64,
    /// The agents in the order of their first attempts, each with how many rows its attempts take.
    pub agents: Vec<(String, usize)>,
    /// How many earlier attempts are left out.
    pub left_out: usize,
}

impl Timeline {
    /// The timeline of these events, oldest first, at a moment in milliseconds of the Unix epoch. `only`: of these tasks and no others.
    pub fn of_events(events: &[EventShape], only: Option<&BTreeSet<String>>, now_ms: i64) -> Self {
        let (mut spans, mut open): (Vec<Span>, BTreeMap<&str, usize>) = (Vec::new(), BTreeMap::new());
        for event in events.iter().filter(|event| only.is_none_or(|only| only.contains(&event.subject))) {
            let Ok(at) = event.at.parse::<Timestamp>() else { continue };
            let at_ms = at.as_millisecond();
            let close = |spans: &mut Vec<Span>, place: usize, end: SpanEnd| {
                // A wall clock may have been set back meanwhile.
                spans[place].end_ms = at_ms.max(spans[place].start_ms);
                spans[place].end = end;
            };
            if event.kind == "task_claimed" {
                let agent = event.agent.as_ref().map(ToString::to_string).unwrap_or_default();
                if let Some(place) = open.insert(&event.subject, spans.len()) {
                    close(&mut spans, place, SpanEnd::Lost);
                }
                let task = event.subject.clone();
                spans.push(Span { task, agent, start_ms: at_ms, end_ms: now_ms.max(at_ms), end: SpanEnd::Running, row: 0 });
            } else if let Some(end) = SpanEnd::of_kind(&event.kind)
                && let Some(place) = open.remove(event.subject.as_str())
            {
                close(&mut spans, place, end);
            }
        }
        spans.sort_by(|a, b| (a.start_ms, &a.task).cmp(&(b.start_ms, &b.task)));
        let left_out = spans.len().saturating_sub(SPANS_MAX);
        spans.drain(..left_out);
        let agents = rows(&mut spans);
        let start_ms = spans.iter().map(|span| span.start_ms).min().unwrap_or(now_ms);
        let end_ms = spans.iter().map(|span| span.end_ms).max().unwrap_or(now_ms);
        Self { spans, start_ms, end_ms, agents, left_out }
    }

    /// From the first claim to the last end, in milliseconds.
    pub fn wall_ms(&self) -> i64 {
        self.end_ms - self.start_ms
    }

    /// The time of all attempts one after another, in milliseconds.
    pub fn worked_ms(&self) -> i64 {
        self.spans.iter().map(Span::took_ms).sum()
    }
}

/// Gives each attempt the first row of its agent that is free when it begins. The agents come in the order of their first attempts.
fn rows(spans: &mut [Span]) -> Vec<(String, usize)> {
    let mut agents: Vec<(String, Vec<i64>)> = Vec::new();
    for span in spans {
        let place = agents.iter().position(|(agent, _)| *agent == span.agent).unwrap_or_else(|| {
            agents.push((span.agent.clone(), Vec::new()));
            agents.len() - 1
        });
        let free_at = &mut agents[place].1;
        span.row = free_at.iter().position(|free| *free <= span.start_ms).unwrap_or_else(|| {
            free_at.push(0);
            free_at.len() - 1
        });
        free_at[span.row] = span.end_ms;
    }
    agents.into_iter().map(|(agent, rows)| (agent, rows.len())).collect()
}

/// The time of day, in UTC.
pub(crate) fn clock(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| "?".into(), |at| at.strftime("%H:%M:%S").to_string())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::Value;

    /// Events `SECOND KIND TASK [AGENT]`.
    pub(crate) fn events(lines: &[&str]) -> Vec<EventShape> {
        let event = |line: &&str| {
            let words: Vec<&str> = line.split(' ').collect();
            let second: i64 = words[0].parse().expect("a second");
            EventShape {
                cursor: "1".into(),
                at: Timestamp::from_second(second).expect("a moment").to_string(),
                kind: words[1].into(),
                agent: words.get(3).map(|agent| agent.parse().expect("a name")),
                session: None,
                subject: words[2].into(),
                data: Value::Null,
            }
        };
        lines.iter().map(event).collect()
    }

    #[test]
    fn attempts_begin_with_a_claim_and_end_as_the_log_says() {
        let log = events(&[
            "10 task_claimed A ada",
            "12 task_claimed B ada",
            "15 task_claimed C bob",
            "20 task_done A ada",
            "21 task_failed B ada",
            "30 task_claimed B bob",
            "40 lease_lost C cy",
            "41 task_claimed C cy",
            "50 task_claimed B dan",
        ]);
        let made = Timeline::of_events(&log, None, 60_000);
        let seen: Vec<_> =
            made.spans.iter().map(|s| (s.task.as_str(), s.agent.as_str(), s.start_ms / 1_000, s.end_ms / 1_000, s.end, s.row)).collect();
        assert_eq!(
            seen,
            [
                ("A", "ada", 10, 20, SpanEnd::Done, 0),
                ("B", "ada", 12, 21, SpanEnd::Failed, 1),
                ("C", "bob", 15, 40, SpanEnd::Lost, 0),
                ("B", "bob", 30, 50, SpanEnd::Lost, 1),
                ("C", "cy", 41, 60, SpanEnd::Running, 0),
                ("B", "dan", 50, 60, SpanEnd::Running, 0),
            ]
        );
        assert_eq!(made.agents, [("ada".to_owned(), 2), ("bob".into(), 2), ("cy".into(), 1), ("dan".into(), 1)]);
        assert_eq!((made.wall_ms(), made.worked_ms()), (50_000, 93_000));
        let only = Timeline::of_events(&log, Some(&BTreeSet::from(["A".to_owned()])), 60_000);
        assert_eq!(only.spans.len(), 1);
        assert_eq!(Timeline::of_events(&[], None, 5).wall_ms(), 0);
    }
}

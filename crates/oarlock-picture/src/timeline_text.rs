//! The timeline as text.

use oarlock_model::duration::words::to_the_second;
use std::fmt::Write;

use crate::escape::line;
use crate::timeline::{SpanEnd, Timeline, clock};

/// Columns of the bars.
const COLUMNS: usize = 60;

/// The timeline as text: a bar for each agent, and a line for each attempt.
pub fn timeline_text(timeline: &Timeline) -> String {
    let mut out = String::new();
    if timeline.spans.is_empty() {
        return "nothing was claimed\n".into();
    }
    let (wall, worked) = (timeline.wall_ms(), timeline.worked_ms());
    let _ = writeln!(
        out,
        "{} to {} UTC: {}; attempts one after another: {}",
        clock(timeline.start_ms),
        clock(timeline.end_ms),
        to_the_second(wall),
        to_the_second(worked)
    );
    if timeline.left_out > 0 {
        let _ = writeln!(out, "{} earlier attempts are left out", timeline.left_out);
    }
    let name_columns = timeline.agents.iter().map(|(agent, _)| agent.len()).max().unwrap_or(0);
    for (agent, rows) in &timeline.agents {
        for row in 0..*rows {
            let mut bar = vec!['·'; COLUMNS];
            for span in timeline.spans.iter().filter(|span| span.agent == *agent && span.row == row) {
                let (from, to) = (column(timeline, span.start_ms), column(timeline, span.end_ms).max(column(timeline, span.start_ms) + 1));
                bar[from..to].fill(fill(span.end));
            }
            let name = if row == 0 { agent.as_str() } else { "" };
            let _ = writeln!(out, "{name:name_columns$}  {}", bar.into_iter().collect::<String>());
        }
    }
    let task_columns = timeline.spans.iter().map(|span| span.task.len()).max().unwrap_or(0);
    out.push('\n');
    for span in &timeline.spans {
        let (sign, task, agent) = (span.end.sign(), line(&span.task, 64), line(&span.agent, 64));
        let took = to_the_second(span.took_ms());
        let _ = writeln!(
            out,
            "{}  {sign} {task:task_columns$}  {agent:name_columns$}  {} after {took}",
            clock(span.start_ms),
            span.end.as_str()
        );
    }
    out
}

/// The column of a moment; the last one for the end.
fn column(timeline: &Timeline, at_ms: i64) -> usize {
    let columns = i64::try_from(COLUMNS).unwrap_or(i64::MAX);
    let at = (at_ms - timeline.start_ms).saturating_mul(columns) / timeline.wall_ms().max(1);
    usize::try_from(at.clamp(0, columns - 1)).unwrap_or(0)
}

/// The filling of a bar.
fn fill(end: SpanEnd) -> char {
    match end {
        SpanEnd::Done => '█',
        SpanEnd::Running => '▒',
        SpanEnd::Failed | SpanEnd::Released | SpanEnd::Lost => '░',
    }
}

#[cfg(test)]
mod tests {
    use super::timeline_text;
    use crate::timeline::Timeline;
    use crate::timeline::tests::events;

    #[test]
    fn bars_and_lines() {
        let log = events(&[
            "0 task_claimed A ada",
            "30 task_done A ada",
            "30 task_claimed B bob",
            "45 task_failed B bob",
            "45 task_claimed B ada",
        ]);
        let text = timeline_text(&Timeline::of_events(&log, None, 60_000));
        let full = |c: char, n: usize| c.to_string().repeat(n);
        let expected = format!(
            "00:00:00 to 00:01:00 UTC: 1 min 0 s; attempts one after another: 1 min 0 s\nada  {}{}{}·\nbob  {}{}{}\n\n\
             00:00:00  ✓ A  ada  done after 30 s\n00:00:30  ✗ B  bob  failed after 15 s\n00:00:45  ▶ B  ada  running after 15 s\n",
            full('█', 30),
            full('·', 15),
            full('▒', 14),
            full('·', 30),
            full('░', 15),
            full('·', 15),
        );
        assert_eq!(text, expected);
        assert_eq!(timeline_text(&Timeline::default()), "nothing was claimed\n");
    }
}

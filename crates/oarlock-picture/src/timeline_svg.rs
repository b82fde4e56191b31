//! The timeline as SVG.

use oarlock_model::duration::words::to_the_second;
use std::fmt::Write;

use crate::escape::xml;
use crate::svg::{MARGIN, STYLE};
use crate::timeline::{Span, SpanEnd, Timeline, clock};

/// The width of the bars' area, in pixels.
const WIDTH: f64 = 900.0;
/// The width of the agents' names.
const NAMES: f64 = 130.0;
/// The height of a row, and of the bar in it.
const ROW: f64 = 30.0;
const BAR: f64 = 22.0;
/// The height of the axis.
const AXIS: f64 = 26.0;
/// Lines of the axis, at most.
const TICKS_MAX: i64 = 8;
/// Steps of the axis, in milliseconds.
const STEPS: [i64; 17] = [
    100,
    500,
    1_000,
    5_000,
    10_000,
    30_000,
    60_000,
    300_000,
    600_000,
    1_800_000,
    3_600_000,
    10_800_000,
    21_600_000,
    43_200_000,
    86_400_000,
    604_800_000,
    2_592_000_000,
];

/// The timeline as SVG: a row for each agent, and the time from left to right.
pub fn timeline_svg(timeline: &Timeline) -> String {
    let rows: usize = timeline.agents.iter().map(|(_, rows)| rows).sum();
    let (width, height) = (NAMES + WIDTH + 2.0 * MARGIN, rows as f64 * ROW + AXIS + 2.0 * MARGIN + ROW);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-label=\"{} attempts in time\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\">\n<style>{STYLE}</style>\n<rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>\n",
        timeline.spans.len()
    );
    axis(&mut out, timeline, rows as f64 * ROW);
    let mut top = MARGIN + AXIS;
    for (agent, rows) in &timeline.agents {
        let _ = writeln!(out, "<text class=\"id\" x=\"{MARGIN}\" y=\"{}\">{}</text>", top + 16.0, xml(agent, 17));
        for span in timeline.spans.iter().filter(|span| span.agent == *agent) {
            bar(&mut out, timeline, span, top + span.row as f64 * ROW);
        }
        top += *rows as f64 * ROW;
    }
    let _ = writeln!(out, "<text class=\"soft\" x=\"{MARGIN}\" y=\"{}\">{}</text>\n</svg>", height - MARGIN, legend(timeline));
    out
}

fn x(timeline: &Timeline, at_ms: i64) -> f64 {
    let share = (at_ms - timeline.start_ms) as f64 / timeline.wall_ms().max(1) as f64;
    MARGIN + NAMES + (share * WIDTH * 10.0).round() / 10.0
}

fn axis(out: &mut String, timeline: &Timeline, height: f64) {
    let step = STEPS.into_iter().find(|step| timeline.wall_ms() / step < TICKS_MAX).unwrap_or(STEPS[STEPS.len() - 1]);
    let ticks = (timeline.wall_ms() / step).min(TICKS_MAX * 4);
    for tick in 0..=ticks {
        let at = x(timeline, timeline.start_ms + tick * step);
        let _ = writeln!(
            out,
            "<path d=\"M{at} {}V{}\" opacity=\".4\"/><text class=\"soft\" x=\"{}\" y=\"{}\">{}</text>",
            MARGIN + 14.0,
            MARGIN + AXIS + height,
            at + 3.0,
            MARGIN + 10.0,
            clock(timeline.start_ms + tick * step)
        );
    }
}

fn bar(out: &mut String, timeline: &Timeline, span: &Span, y: f64) {
    let left = x(timeline, span.start_ms);
    let width = (x(timeline, span.end_ms) - left).max(2.0);
    let class = match span.end {
        SpanEnd::Running => "claimed",
        SpanEnd::Done => "ready",
        SpanEnd::Released => "blocked",
        SpanEnd::Failed | SpanEnd::Lost => "dead",
    };
    let label = format!("{} {}", span.end.sign(), span.task);
    let _ = write!(
        out,
        "<g><title>{} by {}: {} after {}, from {}</title><rect class=\"{class}\" x=\"{left}\" y=\"{y}\" width=\"{width}\" height=\"{BAR}\" rx=\"4\"/>",
        xml(&span.task, 64),
        xml(&span.agent, 64),
        span.end.as_str(),
        to_the_second(span.took_ms()),
        clock(span.start_ms)
    );
    // About seven pixels a column.
    let columns = ((width - 8.0) / 7.0).max(0.0) as usize;
    if columns >= 3 {
        let _ = write!(out, "<text x=\"{}\" y=\"{}\">{}</text>", left + 5.0, y + 15.5, xml(&label, columns));
    }
    out.push_str("</g>\n");
}

/// How long all took, and how many attempts ended in which way.
fn legend(timeline: &Timeline) -> String {
    let count = |end: SpanEnd| timeline.spans.iter().filter(|span| span.end == end).count();
    let ends = SpanEnd::ALL.into_iter().filter(|end| count(*end) > 0).map(|end| format!("{} {} {}", end.sign(), count(end), end.as_str()));
    let mut parts = vec![format!("{}, one after another {}", to_the_second(timeline.wall_ms()), to_the_second(timeline.worked_ms()))];
    parts.extend(ends);
    if timeline.left_out > 0 {
        parts.push(format!("{} earlier attempts left out", timeline.left_out));
    }
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::timeline_svg;
    use crate::timeline::Timeline;
    use crate::timeline::tests::events;

    #[test]
    fn every_attempt_has_a_bar_and_a_title() {
        let log = events(&[
            "0 task_claimed A ada",
            "30 task_done A ada",
            "30 task_claimed B bob",
            "45 task_failed B bob",
            "45 task_claimed B ada",
        ]);
        let made = Timeline::of_events(&log, None, 60_000);
        let picture = timeline_svg(&made);
        assert_eq!((picture.matches("<g>").count(), picture.matches("<title>").count()), (3, 3));
        assert!(picture.contains("✗ B") && picture.contains("B by bob: failed after 15 s, from 00:00:30"), "{picture}");
        assert!(picture.contains("✓ 1 done · ✗ 1 failed"), "{picture}");
        assert_eq!(picture, timeline_svg(&made));
        assert!(timeline_svg(&Timeline::default()).ends_with("</svg>\n"));
    }
}

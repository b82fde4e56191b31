//! A line about work that takes a while: on a terminal, on standard error, and gone when the work is done.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::time::Duration;

use super::output::Output;

/// How often a line is drawn again while nothing else changes it.
const DRAWN_EVERY: Duration = Duration::from_millis(250);

/// Work that takes less than this is not worth a line.
const SHOWN_AFTER: Duration = Duration::from_secs(1);

impl Output {
    /// A line that shows its message. It is never drawn with `--json` or `--quiet`, where standard error is not a terminal, or on a terminal
    /// that cannot take a line back.
    pub(crate) fn progress(&self) -> ProgressBar {
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let is_shown = !self.json && !self.quiet && !is_dumb;
        // Standard error that is not a terminal counts as hidden, too.
        let target = if is_shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        ProgressBar::with_draw_target(None, target).with_finish(ProgressFinish::AndClear).with_style(style("{wide_msg}"))
    }

    /// Does some work. If that takes more than a second, a line says which work it is and for how long it has been going on.
    pub(crate) fn during<T>(&self, doing: impl Into<String>, work: impl FnOnce() -> T) -> T {
        let bar = self.progress();
        if bar.is_hidden() {
            return work();
        }
        let doing = doing.into();
        let late = move |state: &ProgressState, line: &mut dyn Write| {
            if state.elapsed() >= SHOWN_AFTER {
                let _ = write!(line, "{doing} ({} s)", state.elapsed().as_secs());
            }
        };
        bar.set_style(style("{late}").with_key("late", late));
        bar.enable_steady_tick(DRAWN_EVERY);
        let done = work();
        bar.finish_and_clear();
        done
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is a constant")
}

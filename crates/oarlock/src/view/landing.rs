//! The text about the landing queue.

use oarlock_ops::landing::LandingStatusReply;
use oarlock_run::{Landed, MergeReport};

use super::{Cell, Page, View, duration, safe, shown, texts};

impl View for MergeReport {
    fn show(&self, _verb: &str, page: &mut Page) {
        let short = |commit: &str| commit.get(..12).unwrap_or(commit).to_owned();
        let landed = self.landed.iter().map(|landed| {
            let how = match landed {
                Landed { flaky: true, .. } => "landed, flaky test",
                Landed { unchanged: true, .. } => "landed, no changes",
                _ => "landed",
            };
            vec![
                Cell::bold(shown(&landed.task)),
                Cell::new(how),
                Cell::new(short(landed.commit.as_str())),
                Cell::new(landed.tests.to_string()),
                Cell::new(""),
            ]
        });
        let refused = self.refused.iter().map(|refused| {
            let how = if refused.waits_for_person {
                format!("refused ({}), waits for a person", refused.reason)
            } else {
                format!("refused ({})", refused.reason)
            };
            vec![Cell::bold(shown(&refused.task)), Cell::new(how), Cell::new(""), Cell::new(""), Cell::new(safe(&refused.files.join(", ")))]
        });
        if !self.landed.is_empty() || !self.refused.is_empty() {
            page.table(&["TASK", "OUTCOME", "COMMIT", "TESTS", "FILES"], landed.chain(refused));
        }
        summary(self, page);
    }

    fn ids(&self) -> Vec<String> {
        texts(self.landed.iter().map(|landed| &landed.task))
    }
}

/// The last line about a queue: its target, and what it has done.
pub(super) fn summary(report: &MergeReport, page: &mut Page) {
    let tests = match (report.tested, report.tests_run) {
        (false, _) => "nothing was tested".to_owned(),
        (true, 1) => "1 test run".to_owned(),
        (true, runs) => format!("{runs} tests run"),
    };
    let onto = page.paint.bold(&safe(report.onto.as_str()));
    page.line(format_args!("{onto}: {} landed, {} refused, {tests}", report.landed.len(), report.refused.len()));
}

impl View for LandingStatusReply {
    fn show(&self, _verb: &str, page: &mut Page) {
        let paint = page.paint;
        let row = |waiting: &oarlock_ops::landing::WaitingTask| {
            vec![Cell::bold(shown(&waiting.task)), Cell::new(waiting.state.as_str()), Cell::new(duration(waiting.waiting_ms))]
        };
        if !self.queue.is_empty() {
            page.table(&["TASK", "STATE", "WAITING"], self.queue.iter().map(row));
        }
        let onto = paint.bold(&safe(self.onto.as_str()));
        page.line(format_args!("{onto}: {} queued, {} landed, {} refused", self.queue.len(), self.landed, self.refused));
    }

    fn ids(&self) -> Vec<String> {
        texts(self.queue.iter().map(|waiting| &waiting.task))
    }
}

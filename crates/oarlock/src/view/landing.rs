//! The text about the landing queue.

use oarlock_ops::landing::LandingStatusReply;
use oarlock_run::MergeReport;

use super::{Cell, Page, View, duration, safe, shown, texts};

impl View for MergeReport {
    fn show(&self, _verb: &str, page: &mut Page) {
        let paint = page.paint;
        let short = |commit: &str| commit.get(..12).unwrap_or(commit).to_owned();
        let landed = self.landed.iter().map(|landed| {
            let how = if landed.flaky { "landed, flaky test" } else { "landed" };
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
        let tests = if self.tested {
            format!("{} test{} run", self.tests_run, if self.tests_run == 1 { "" } else { "s" })
        } else {
            "nothing was tested".to_owned()
        };
        let onto = paint.bold(&safe(self.onto.as_str()));
        page.line(format_args!("{onto}: {} landed, {} refused, {tests}", self.landed.len(), self.refused.len()));
    }

    fn ids(&self) -> Vec<String> {
        texts(self.landed.iter().map(|landed| &landed.task))
    }
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

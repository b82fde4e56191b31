//! State entries as text.

use oarlock_ops::request::Request as _;
use oarlock_ops::shapes::EntryShape;
use oarlock_ops::state::{EntryReply, GetStateReply, StateDelete};

use super::{Page, View, list_goes_on, safe, shown, texts};

fn entry_line(page: &mut Page, entry: &EntryShape) {
    let by = entry.updated_by.as_ref().map(|agent| format!(" by {}", shown(agent))).unwrap_or_default();
    let head = format!("version {}{by}, {}", entry.version, safe(&entry.updated_at));
    let value = entry.value.as_ref().map_or_else(|| "(deleted)".to_owned(), shown);
    page.line(format_args!("{} {value}  {}", page.paint.bold(&shown(&entry.key)), page.paint.dim(&head)));
}

impl View for EntryReply {
    fn show(&self, verb: &str, page: &mut Page) {
        match page.full || verb == StateDelete::VERB {
            true => entry_line(page, &self.state),
            false => page.line(format_args!("{}: version {}", page.paint.bold(&shown(&self.state.key)), self.state.version)),
        }
    }

    fn ids(&self) -> Vec<String> {
        texts([&self.state.key])
    }
}

impl View for GetStateReply {
    fn show(&self, _verb: &str, page: &mut Page) {
        for entry in &self.entries {
            entry_line(page, entry);
        }
        if self.entries.is_empty() {
            page.line("entries: none");
        }
    }

    fn ids(&self) -> Vec<String> {
        texts(self.entries.iter().map(|entry| &entry.key))
    }

    fn rest(&self, _verb: &str) -> Option<String> {
        list_goes_on(self.next.as_ref())
    }
}

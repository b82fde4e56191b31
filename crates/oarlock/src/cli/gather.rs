//! Calls that the door makes in several pieces: lists whose long texts are not printed, where a page ends early because of them, and
//! `ack --from`, which goes step by step.

use oarlock_client::Backend;
use oarlock_model::limits::PAGE_ITEMS_DEFAULT;
use oarlock_ops::OpError;
use oarlock_ops::agent::AgentsReply;
use oarlock_ops::caller::Caller;
use oarlock_ops::log::EventsReply;
use oarlock_ops::message::{AckReply, InboxReply, ThreadReply};
use oarlock_ops::registry::Call;
use oarlock_ops::reply::Reply;
use oarlock_ops::request::Page;
use oarlock_ops::reservation::ReservationListReply;
use oarlock_ops::shapes::{AgentShape, EntryShape, EventShape, MessageShape, ReservationShape, TaskShape};
use oarlock_ops::state::GetStateReply;
use oarlock_ops::task::{ReadyReply, ShowTaskReply, TasksReply};
use serde_json::Value;

use super::output::Output;

/// Characters of a text in an event's line; the rest would not be printed.
const EVENT_TEXT_CHARS: usize = 200;

/// An item of a list, without unprinted fields: many pages are kept before the first line is.
trait Item {
    fn strip(&mut self, quiet: bool);
}

impl Item for TaskShape {
    fn strip(&mut self, _quiet: bool) {
        self.body = String::new();
        for text in [&mut self.result, &mut self.part_results, &mut self.rejected, &mut self.last_failure] {
            *text = None;
        }
    }
}

impl Item for EventShape {
    fn strip(&mut self, quiet: bool) {
        match &mut self.data {
            data if quiet => *data = Value::Null,
            data => cut(data),
        }
    }
}

impl Item for MessageShape {
    fn strip(&mut self, quiet: bool) {
        if quiet {
            self.text = String::new();
        }
    }
}

impl Item for EntryShape {
    fn strip(&mut self, quiet: bool) {
        if quiet {
            self.value = None;
        }
    }
}

impl Item for ReservationShape {
    fn strip(&mut self, _quiet: bool) {}
}

impl Item for AgentShape {
    fn strip(&mut self, _quiet: bool) {}
}

/// A reply that is a page of a list.
trait List: Sized + 'static {
    type Item: Item;
    /// Whether each further page comes before the one that was read, not after it.
    const GOES_BACK: bool = false;
    /// Whether the text for people has a line for each item, without the long texts.
    const IS_TABLE: bool;

    fn items(&mut self) -> &mut Vec<Self::Item>;
    fn next(&self) -> Option<&String>;

    /// Takes the page that follows, and goes on where it ends.
    fn join(&mut self, page: Self, goes_back: bool);
}

macro_rules! lists {
    ($($reply:ty, $item:ty, $items:ident, table: $is_table:literal, back: $goes_back:literal $(, also: $also:ident)*;)*) => {
        $(impl List for $reply {
            type Item = $item;
            const GOES_BACK: bool = $goes_back;
            const IS_TABLE: bool = $is_table;

            fn items(&mut self) -> &mut Vec<$item> {
                &mut self.$items
            }

            fn next(&self) -> Option<&String> {
                self.next.as_ref()
            }

            fn join(&mut self, page: Self, goes_back: bool) {
                match goes_back {
                    true => drop(self.$items.splice(0..0, page.$items)),
                    false => self.$items.extend(page.$items),
                }
                self.next = page.next;
                $(self.$also = page.$also;)*
            }
        })*

        /// Makes a reply whole that is a page of a list.
        fn make_whole(reply: &mut Reply, pages: &mut Pages<'_, '_>) -> Result<(), OpError> {
            $(if let Some(list) = reply.get_mut::<$reply>() {
                return pages.gather(list);
            })*
            Ok(())
        }
    };
}

lists! {
    TasksReply, TaskShape, tasks, table: true, back: false;
    ReadyReply, TaskShape, tasks, table: true, back: false;
    ShowTaskReply, EventShape, events, table: true, back: true;
    EventsReply, EventShape, events, table: true, back: false, also: cursor;
    InboxReply, MessageShape, messages, table: false, back: true, also: older;
    ThreadReply, MessageShape, messages, table: false, back: false;
    GetStateReply, EntryShape, entries, table: false, back: false;
    ReservationListReply, ReservationShape, reservations, table: true, back: false;
    AgentsReply, AgentShape, agents, table: true, back: false;
}

/// Makes a call, and goes on as long as only the size of texts that are not printed has cut the list.
///
/// # Errors
/// Those of the call.
pub(super) fn call(call: &dyn Call, backend: &mut Backend<'_>, caller: &Caller, output: &Output) -> Result<Reply, OpError> {
    let mut reply = backend.call(call, caller)?;
    // An idempotency key is that of the first step or page.
    let reader = Caller { key: None, ..caller.clone() };
    while let Some(AckReply { more: true, acknowledged: before, .. }) = reply.get::<AckReply>() {
        // A message is acknowledged once, however often that is said.
        let before = before.unwrap_or(0);
        reply = backend.call(call, &reader)?;
        if let Some(ack) = reply.get_mut::<AckReply>() {
            ack.acknowledged = Some(before + ack.acknowledged.unwrap_or(0));
        }
    }
    if output.json {
        return Ok(reply);
    }
    make_whole(&mut reply, &mut Pages { call, backend, reader: &reader, quiet: output.quiet })?;
    Ok(reply)
}

/// How the further pages of a list are got.
struct Pages<'a, 'd> {
    call: &'a dyn Call,
    backend: &'a mut Backend<'d>,
    reader: &'a Caller,
    quiet: bool,
}

impl Pages<'_, '_> {
    fn gather<L: List>(&mut self, list: &mut L) -> Result<(), OpError> {
        if !(self.quiet || L::IS_TABLE) || list.next().is_none() {
            return Ok(());
        }
        let limit = self.call.limit().unwrap_or(PAGE_ITEMS_DEFAULT);
        // The list of new messages begins with the oldest, unlike the rest of an inbox.
        let goes_back = L::GOES_BACK && !self.call.begins_with_oldest();
        let quiet = self.quiet;
        list.items().iter_mut().for_each(|item| item.strip(quiet));
        while let Some(after) = list.next().cloned() {
            let left = limit.saturating_sub(list.items().len());
            let Some(call) = self.call.at_page(Page { after, limit: left }).filter(|_| left > 0) else { break };
            let mut page: L = self.backend.call(&*call, self.reader)?.into_reply(call.verb())?;
            page.items().iter_mut().for_each(|item| item.strip(quiet));
            list.join(page, goes_back);
        }
        Ok(())
    }
}

/// Cuts a text that would be cut for its line anyway.
fn cut(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some((at, _)) = text.char_indices().nth(EVENT_TEXT_CHARS) {
                text.truncate(at);
            }
        }
        Value::Object(fields) => fields.values_mut().for_each(cut),
        _ => {}
    }
}

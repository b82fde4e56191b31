//! Messages as text.

use oarlock_ops::OpError;
use oarlock_ops::message::{AckReply, InboxReply, MessagesReply, ThreadReply};
use oarlock_ops::shapes::MessageShape;

use super::{Page, Paint, View, counted, joined, list_goes_on, safe, shown, texts};

/// Bytes of a message's text that people read of a list.
const MESSAGE_BYTES_SHOWN: usize = 4_000;

/// A message; its text is cut, unless `whole`.
pub(super) fn message_block(page: &mut Page, message: &MessageShape, whole: bool) {
    let subject = message.subject.as_ref().map(|subject| format!(": {}", safe(subject).replace('\n', " "))).unwrap_or_default();
    let ack = match (message.ack_required, message.acked) {
        (_, true) => " (acknowledged)",
        (true, false) => " (asks for an acknowledgement)",
        _ => "",
    };
    let id = shown(&message.id);
    page.line(format_args!("{} {} to {}{subject}{ack}", page.paint.bold(&id), shown(&message.from), joined(&message.to)));
    page.line(page.paint.dim(&format!("  {}, thread {}", safe(&message.sent_at), shown(&message.thread))));
    let body = safe(&message.text);
    let end = if whole { body.len() } else { body.floor_char_boundary(MESSAGE_BYTES_SHOWN) };
    for line in body[..end].lines() {
        page.line(format_args!("  {line}"));
    }
    if end < body.len() {
        page.line(format_args!("  … and {} more bytes: oarlock thread {id}", body.len() - end));
    }
}

fn message_blocks(page: &mut Page, messages: &[MessageShape], whole: bool) {
    if messages.is_empty() {
        page.line("no messages");
    }
    for message in messages {
        message_block(page, message, whole);
    }
}

fn ids_of(messages: &[MessageShape]) -> Vec<String> {
    texts(messages.iter().map(|message| &message.id))
}

/// The messages that an error shows, as text; nothing for an error that shows none.
pub(crate) fn messages_of(error: &OpError) -> String {
    let mut page = Page::new(Paint::plain(), false);
    for message in error.messages() {
        message_block(&mut page, &message, false);
    }
    page.out
}

impl View for MessagesReply {
    fn show(&self, _verb: &str, page: &mut Page) {
        if page.full {
            return message_blocks(page, &self.messages, true);
        }
        for message in &self.messages {
            page.line(format_args!("sent {} to {}", page.paint.bold(&shown(&message.id)), joined(&message.to)));
        }
    }

    fn ids(&self) -> Vec<String> {
        ids_of(&self.messages)
    }

    fn rest(&self, _verb: &str) -> Option<String> {
        let left_out = self.left_out?;
        Some(format!("{left_out} more agents are in these groups than one message reaches: name them, or a smaller group"))
    }
}

impl View for InboxReply {
    fn show(&self, _verb: &str, page: &mut Page) {
        message_blocks(page, &self.messages, page.full);
    }

    fn ids(&self) -> Vec<String> {
        ids_of(&self.messages)
    }

    fn rest(&self, _verb: &str) -> Option<String> {
        match (self.older, &self.next) {
            (Some(older), Some(next)) => Some(format!("there are {older} older messages: add --after {}", safe(next))),
            _ => list_goes_on(self.next.as_ref()),
        }
    }
}

impl View for AckReply {
    fn show(&self, _verb: &str, page: &mut Page) {
        match self.acknowledged {
            _ if page.full => message_blocks(page, &self.messages, true),
            Some(acknowledged) => page.line(format_args!("acknowledged {}", counted(acknowledged, "message"))),
            None => page.line(format_args!("acknowledged: {}", joined(ids_of(&self.messages)))),
        }
    }

    fn ids(&self) -> Vec<String> {
        ids_of(&self.messages)
    }
}

impl View for ThreadReply {
    fn show(&self, _verb: &str, page: &mut Page) {
        message_blocks(page, &self.messages, true);
    }

    fn ids(&self) -> Vec<String> {
        ids_of(&self.messages)
    }

    fn rest(&self, _verb: &str) -> Option<String> {
        list_goes_on(self.next.as_ref())
    }
}

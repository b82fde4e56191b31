//! `inbox`: the messages that the caller has not acknowledged.

use clap::Args;
use oarlock_model::duration::Duration;
use oarlock_model::event::MessageAcked;
use oarlock_model::message::Message;
use oarlock_model::rules::inbox::{self, Page, Place, Room, Senders};
use oarlock_model::{AgentName, MessageId, Rejection, limits, seeded};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::agent::Heartbeat;
use crate::caller::{Caller, Identity};
use crate::context::{Deciding, Reading};
use crate::cursor;
use crate::lock::Lock;
use crate::page;
use crate::request::{Mutation, Request, Waiting, is_list};
use crate::search::Findings;
use crate::shapes::MessageShape;
use crate::store::{Durability, InboxList, InboxPart, MessageView, StoreResult};
use crate::task::values;
use crate::topic::Topics;

/// Show the newest messages that you have not acknowledged, oldest first. While messages of others wait, one sender and its helpers get at
/// most half of a page. Reading acknowledges nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Inbox {
    /// Wait up to D for a message
    #[arg(long, value_name = "D", conflicts_with = "after")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<Duration>,
    /// Include acknowledged messages, in order of time
    #[arg(long)]
    #[serde(default)]
    pub all: bool,
    /// Only messages that were not shown before, oldest first
    #[arg(long, conflicts_with = "all")]
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub new: bool,
    /// Show them without counting them as read
    #[arg(long)]
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub peek: bool,
    /// Room for a reader with little of it; the page ends where that is full.
    #[arg(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<ReaderRoom>,
    /// Count these as read and show nothing: for programs that pass messages on one by one
    #[arg(skip)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mark: Vec<MessageId>,
    /// At most this many [default: 1000]
    #[arg(long, value_name = "N")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Continue after the `next` of a page: older messages; with --new, later ones
    #[arg(long, value_name = "CURSOR")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// The room of a model or a hook. Its door cuts the texts; here they count as if they were cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReaderRoom {
    /// Bytes of the whole page.
    pub bytes: usize,
    /// Bytes of one text that are shown.
    pub text_bytes: usize,
    /// Bytes that are shown of a message beside its texts and its recipients: ids, moments, the names of the fields.
    pub frame_bytes: usize,
}

impl ReaderRoom {
    /// Recipients that are shown.
    const RECIPIENTS_SHOWN: usize = 10;

    /// The room that a message takes.
    fn size(self, message: &Message) -> usize {
        let recipients: usize = message.to.iter().take(Self::RECIPIENTS_SHOWN).map(|name| name.as_str().len() + 3).sum();
        let texts = message.text.len().min(self.text_bytes) + message.subject.as_ref().map_or(0, |s| s.len().min(self.text_bytes));
        // A request may name any number.
        self.frame_bytes.saturating_add(recipients).saturating_add(texts)
    }
}

/// The reply of [`Inbox`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InboxReply {
    /// The messages, oldest first.
    pub messages: Vec<MessageShape>,
    /// Where the list goes on; absent when nothing is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// How many other messages there are, if any, counted up to 10,000: older ones, and of a sender that fills the inbox the ones between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub older: Option<u64>,
}

impl Request for Inbox {
    const VERB: &'static str = "inbox";
    const ABOUT: &'static str = "Show messages that you have not acknowledged";
    const EXAMPLE: &'static [&'static str] = &[];
    const IDENTITY: Identity = Identity::Needed;
    type Reply = InboxReply;

    is_list!(wait: None);

    fn begins_with_oldest(&self) -> bool {
        self.new
    }

    fn check(&self) -> Result<(), Rejection> {
        values::check_list("messages", self.mark.len())?;
        values::page_limit(self.limit)?;
        cursor::check(self.after.as_deref())?;
        match (self.wait, &self.after) {
            (Some(_), Some(_)) => Err(Rejection::invalid("older messages do not come by waiting", "leave out wait or after")),
            _ => Ok(()),
        }
    }

    fn waiting(&self) -> Option<Waiting> {
        self.wait.map(|d| Waiting { for_ms: Some(d.as_ms()), topics: Topics::MESSAGES })
    }
}

impl Mutation for Inbox {
    const DURABILITY: Durability = Durability::Presence;

    fn locks(&self, caller: &Caller) -> Vec<Lock> {
        Heartbeat::default().locks(caller)
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<InboxReply, OpError> {
        let me = cx.me()?.name.clone();
        if !self.mark.is_empty() {
            // One of another store is none of those that this one can show.
            let known: Vec<MessageId> = self.mark.iter().filter_map(|id| id.known_to(cx.view().identity())).collect();
            cx.tx().write_shown(&me, &known)?;
            return Ok(InboxReply { messages: Vec::new(), next: None, older: None });
        }
        let room = Room { items: values::page_limit(self.limit)?, bytes: self.room.map_or(limits::PAGE_BYTES_MAX, |room| room.bytes) };
        let after: Option<Place> = cursor::place(cx.view(), self.after.as_deref())?;
        let Page { mut messages, next } = match self.all {
            true => whole_list(cx.view(), &me, after.map(|place| place.others), room, &|message| self.size(message))?,
            false => fair_page(cx.view(), &me, self.list(), after.as_ref(), room, &|message| self.size(message))?,
        };
        if messages.is_empty() && self.wait.is_some() {
            return Err(Rejection::timed_out("no message came").into());
        }
        messages.sort_by_key(|message| message.seq);
        if seeded::is(seeded::READING_ACKNOWLEDGES) {
            for message in &messages {
                cx.emit(MessageAcked { id: message.id.clone(), by: me.clone() })?;
            }
        }
        if !self.peek {
            mark_shown(cx, &me, &messages)?;
        }
        let older = match &next {
            Some(next) if !self.new => Some(rest(cx.view(), &me, self.all, next)?),
            _ => None,
        };
        let next = next.filter(|_| page::goes_on(true)).map(|place| cursor::after_place(cx.view(), &place)).transpose()?;
        let messages = messages.into_iter().map(|message| MessageShape::of(cx.view().identity(), message, Some(&me))).collect();
        Ok(InboxReply { messages, next, older })
    }

    fn worth_trying(&self, cx: &Reading<'_>, _findings: &mut Findings) -> Result<bool, OpError> {
        Ok(!cx.view.inbox(&cx.me()?.name, &InboxPart { list: self.list(), beyond: None, limit: 1 })?.is_empty())
    }
}

impl Inbox {
    /// The list of unread messages begins with the oldest, every other list with the newest page.
    fn list(&self) -> InboxList<'static> {
        match (self.all, self.new) {
            (true, _) => InboxList::All,
            (false, true) => InboxList::Unread(Senders::Any),
            (false, false) => InboxList::Open(Senders::Any),
        }
    }

    /// The bytes that a message takes on a page.
    fn size(&self, message: &Message) -> usize {
        self.room.map_or(message.text.len(), |room| room.size(message))
    }
}

/// A page of a list, of which one sender gets at most half while messages of others wait.
pub(crate) fn fair_page(
    view: &dyn MessageView,
    me: &AgentName,
    list: InboxList<'_>,
    after: Option<&Place>,
    room: Room,
    size: &dyn Fn(&Message) -> usize,
) -> StoreResult<Page> {
    let mut read = |senders: Senders<'_>, beyond, limit| view.inbox(me, &InboxPart { list: list.of(senders), beyond, limit });
    inbox::page(after, room, list.order(), size, &mut read)
}

/// A page of all messages, also of the acknowledged ones: nothing of these waits, so it is the order of time alone.
fn whole_list(
    view: &dyn MessageView,
    me: &AgentName,
    after: Option<u64>,
    room: Room,
    size: &dyn Fn(&Message) -> usize,
) -> StoreResult<Page> {
    let mut messages = view.inbox(me, &InboxPart { list: InboxList::All, beyond: after, limit: room.items })?;
    let sizes: Vec<usize> = messages.iter().map(size).collect();
    messages.truncate(room.fits(&sizes));
    let next = match messages.last() {
        Some(last) => !view.inbox(me, &InboxPart { list: InboxList::All, beyond: Some(last.seq), limit: 1 })?.is_empty(),
        None => false,
    };
    let next = messages.last().filter(|_| next).map(|last| Place::at(last.seq));
    Ok(Page { messages, next })
}

/// How many messages come beyond a place.
fn rest(view: &dyn MessageView, me: &AgentName, all: bool, place: &Place) -> StoreResult<u64> {
    let limit = limits::MESSAGES_COUNTED_MAX;
    let count = |list, beyond| view.inbox_count(me, &InboxPart { list, beyond: Some(beyond), limit });
    if all {
        return count(InboxList::All, place.others);
    }
    let everybody = count(InboxList::Open(Senders::Any), place.others)?;
    let Some((sender, own)) = &place.own else { return Ok(everybody) };
    let own_list = InboxList::Open(Senders::Only(sender));
    let between = count(own_list, *own)?.saturating_sub(count(own_list, place.others)?);
    Ok((everybody + between).min(limit as u64))
}

/// Notes what an agent has been shown. It writes nothing where all of it was shown before.
pub(crate) fn mark_shown(cx: &mut Deciding<'_>, me: &AgentName, messages: &[Message]) -> Result<(), OpError> {
    let new: Vec<MessageId> = messages.iter().filter(|message| message.is_unread_by(me)).map(|message| message.id.clone()).collect();
    if !new.is_empty() && !seeded::is(seeded::SHOWN_FOR_EVER) {
        cx.tx().write_shown(me, &new)?;
    }
    Ok(())
}

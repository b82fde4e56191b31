//! `inbox`: what was sent to the caller and not acknowledged.

use clap::Args;
use oarlock_model::duration::Duration;
use oarlock_model::event::MessageAcked;
use oarlock_model::{Rejection, limits, planted};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::agent::Heartbeat;
use crate::call::Caller;
use crate::context::{Deciding, Reading};
use crate::lock::Lock;
use crate::message::ack::MessagesReply;
use crate::request::{Identity, Mutation, Request, Waiting};
use crate::shapes::MessageShape;
use crate::store::Durability;
use crate::topic::Topics;

/// Shows messages that are not acknowledged, oldest first. Reading acknowledges nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Inbox {
    /// Wait so long for a message
    #[arg(long, value_name = "D")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<Duration>,
    /// Acknowledged ones too
    #[arg(long)]
    #[serde(default)]
    pub all: bool,
}

impl Request for Inbox {
    const VERB: &'static str = "inbox";
    const ABOUT: &'static str = "Show the messages that are not acknowledged";
    const EXAMPLE: &'static [&'static str] = &[];
    const IDENTITY: Identity = Identity::Needed;
    type Reply = MessagesReply;

    fn waiting(&self) -> Option<Waiting> {
        self.wait.map(|d| Waiting { for_ms: Some(d.as_ms()), topics: Topics::MESSAGES })
    }
}

impl Mutation for Inbox {
    const DURABILITY: Durability = Durability::Presence;

    fn locks(&self, caller: &Caller) -> Vec<Lock> {
        Heartbeat::default().locks(caller)
    }

    fn decide(&self, cx: &mut Deciding<'_>) -> Result<MessagesReply, OpError> {
        let mut me = cx.me()?.clone();
        let messages = cx.view().inbox(&me.name, self.all, limits::PAGE_ITEMS_DEFAULT)?;
        if messages.is_empty() && self.wait.is_some() {
            return Err(Rejection::timed_out("no message came").into());
        }
        if planted::is(planted::READING_ACKNOWLEDGES) {
            for message in &messages {
                cx.emit(MessageAcked { id: message.id.clone(), by: me.name.clone() })?;
            }
        }
        let last = messages.last().map_or(0, |message| message.seq);
        if last > me.presence.read_mark {
            me.presence.read_mark = last;
            cx.tx().write_presence(&me.name, &me.presence)?;
        }
        Ok(MessagesReply { messages: messages.into_iter().map(|message| MessageShape::of(message, Some(&me.name))).collect() })
    }

    fn worth_trying(&self, cx: &Reading<'_>) -> Result<bool, OpError> {
        Ok(!cx.view.inbox(&cx.me()?.name, self.all, 1)?.is_empty())
    }
}

//! `thread`: a conversation.

use clap::Args;
use oarlock_model::{MessageId, Rejection, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::context::Reading;
use crate::message::ack::MessagesReply;
use crate::request::{Identity, Query, Request};
use crate::shapes::MessageShape;

/// Shows the messages of a thread, oldest first; any message of it may be named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Thread {
    /// The thread, or a message of it
    pub id: MessageId,
}

impl Request for Thread {
    const VERB: &'static str = "thread";
    const ABOUT: &'static str = "Show the messages of a thread";
    const EXAMPLE: &'static [&'static str] = &["M-12"];
    const IDENTITY: Identity = Identity::Optional;
    type Reply = MessagesReply;
}

impl Query for Thread {
    fn answer(&self, cx: &Reading<'_>) -> Result<MessagesReply, OpError> {
        let not_found = || Rejection::not_found("thread", &self.id);
        let id = self.id.known_to(cx.view.identity()).ok_or_else(not_found)?;
        let thread = cx.view.message(&id)?.map_or(id, |message| message.thread);
        let messages = cx.view.thread(&thread, limits::PAGE_ITEMS_DEFAULT)?;
        if messages.is_empty() {
            return Err(not_found().into());
        }
        let reader = cx.me.map(|me| &me.name);
        Ok(MessagesReply { messages: messages.into_iter().map(|message| MessageShape::of(cx, message, reader)).collect() })
    }
}

//! `thread`: a conversation.

use clap::Args;
use oarlock_model::{MessageId, Rejection};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::caller::Identity;
use crate::context::Reading;
use crate::cursor;
use crate::page;
use crate::request::{Query, Request, is_list};
use crate::shapes::MessageShape;
use crate::task::values;

/// Show the messages of a thread, oldest first. Any message of it identifies the thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Thread {
    /// The thread, or a message of it
    pub id: MessageId,
    /// At most this many [default: 1000]
    #[arg(long, value_name = "N")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Continue after the `next` of a page
    #[arg(long, value_name = "CURSOR")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// The reply of [`Thread`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ThreadReply {
    /// The messages, oldest first.
    pub messages: Vec<MessageShape>,
    /// Where the next page begins; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl Request for Thread {
    const VERB: &'static str = "thread";
    const ABOUT: &'static str = "Show the messages of a thread";
    const EXAMPLE: &'static [&'static str] = &["M-12"];
    const IDENTITY: Identity = Identity::Optional;
    type Reply = ThreadReply;

    is_list!();

    fn check(&self) -> Result<(), Rejection> {
        values::page_limit(self.limit)?;
        cursor::check(self.after.as_deref())
    }
}

impl Query for Thread {
    fn answer(&self, cx: &Reading<'_>) -> Result<ThreadReply, OpError> {
        let not_found = || Rejection::not_found("thread", &self.id);
        let id = self.id.known_to(cx.view.identity()).ok_or_else(not_found)?;
        let thread = cx.view.message(&id)?.map_or(id, |message| message.thread);
        let after = cursor::place(cx.view, self.after.as_deref())?.unwrap_or(0);
        let messages = cx.view.thread(&thread, after, values::page_limit(self.limit)?)?;
        // Behind the last message of a thread there is nothing, and the thread is there anyway.
        if messages.is_empty() && (after == 0 || cx.view.thread(&thread, 0, 1)?.is_empty()) {
            return Err(not_found().into());
        }
        let reader = cx.me.map(|me| &me.name);
        let last = messages.last().map(|message| message.seq);
        let is_cut = last.map_or(Ok(false), |last| cx.view.thread(&thread, last, 1).map(|more| !more.is_empty()))?;
        let next = last.filter(|_| page::goes_on(is_cut)).map(|last| cursor::after_place(cx.view, &last)).transpose()?;
        Ok(ThreadReply {
            messages: messages.into_iter().map(|message| MessageShape::of(cx.view.identity(), message, reader)).collect(),
            next,
        })
    }
}

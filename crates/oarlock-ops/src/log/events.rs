//! `events`: the log, oldest first (semantics 17).

use clap::Args;
use oarlock_model::duration::Duration;
use oarlock_model::event::Fact;
use oarlock_model::ident::shown;
use oarlock_model::{Rejection, limits, seeded};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::caller::Identity;
use crate::context::Reading;
use crate::cursor;
use crate::page;
use crate::request::{Query, Request, Waiting, is_list};
use crate::shapes::EventShape;
use crate::store::EventFilter;
use crate::task::values;
use crate::topic::Topics;

/// Print the log. A reader that continues from its cursor sees each later event exactly once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Events {
    /// Continue after this cursor [default: from the start]
    #[arg(long, value_name = "CURSOR")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Only these kinds, comma separated
    #[arg(long, value_name = "K", value_delimiter = ',')]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kind: Vec<String>,
    /// Print new events until interrupted
    #[arg(long)]
    #[serde(default)]
    pub follow: bool,
    /// Wait up to D for the first event
    #[arg(long, value_name = "D")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<Duration>,
    /// At most this many [default: 1000]
    #[arg(long, value_name = "N")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// The reply of [`Events`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EventsReply {
    /// The events.
    pub events: Vec<EventShape>,
    /// Where to go on; always present.
    pub cursor: String,
    /// The same, when there are more events now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl Request for Events {
    const VERB: &'static str = "events";
    const ABOUT: &'static str = "Print the log of events";
    const EXAMPLE: &'static [&'static str] = &["--kind", "task_claimed,task_done"];
    const IDENTITY: Identity = Identity::Optional;
    type Reply = EventsReply;

    is_list!(wait: None);

    fn check(&self) -> Result<(), Rejection> {
        values::page_limit(self.limit)?;
        cursor::check(self.after.as_deref())?;
        match self.kind.iter().find(|kind| !Fact::KINDS.contains(&kind.as_str())) {
            Some(kind) => Err(Rejection::invalid(
                format!("\"{}\" is not an event kind", shown(kind)),
                format!("use one of {}", Fact::KINDS.join(", ")),
            )),
            None => Ok(()),
        }
    }

    fn waiting(&self) -> Option<Waiting> {
        match (self.wait, self.follow) {
            (Some(d), _) => Some(Waiting { for_ms: Some(d.as_ms()), topics: Topics::LOG }),
            (None, true) => Some(Waiting { for_ms: None, topics: Topics::LOG }),
            (None, false) => None,
        }
    }
}

impl Query for Events {
    fn answer(&self, cx: &Reading<'_>) -> Result<EventsReply, OpError> {
        let mut after_seq = cursor::after_event(cx.view, self.after.as_deref())?;
        if seeded::is(seeded::READER_SKIPS) && after_seq > 0 {
            after_seq += 1;
        }
        let limit = values::page_limit(self.limit)?;
        let kinds = self.kind.clone();
        let mut filter = EventFilter { after_seq, kinds, limit, bytes_max: limits::PAGE_BYTES_MAX, ..EventFilter::default() };
        let events = cx.view.events(&filter)?;
        if events.is_empty() && (self.wait.is_some() || self.follow) {
            return Err(Rejection::timed_out("nothing was logged").into());
        }
        let seen_all = cx.view.last_seq()?.max(after_seq);
        let last = events.last().map_or(after_seq, |last| last.seq);
        (filter.after_seq, filter.limit) = (last, 1);
        let is_cut = !events.is_empty() && last < seen_all && !cx.view.events(&filter)?.is_empty();
        // A page that was not cut has seen everything up to now, whatever the kinds asked for.
        let cursor = cursor::after(cx.view, if is_cut { last } else { seen_all })?;
        let next = page::goes_on(is_cut).then(|| cursor.clone());
        let events = events.into_iter().map(|event| EventShape::of(cx.view, event)).collect::<Result<_, _>>()?;
        Ok(EventsReply { events, cursor, next })
    }
}

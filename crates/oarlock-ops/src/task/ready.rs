//! `ready`: what can be claimed now, in claim order.

use clap::Args;
use oarlock_model::{Rejection, TaskId, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use crate::OpError;
use crate::caller::Identity;
use crate::context::Reading;
use crate::cursor;
use crate::page::{self, Filling};
use crate::request::{Query, Request, is_list};
use crate::shapes::TaskShape;
use crate::shapes::related::Related;
use crate::store::{Offer, QueuePlace};
use crate::task::choice::{Candidates, all_expired};
use crate::task::values;

/// List the tasks that can be claimed now, in claim order. Tasks with an expired lease are included.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Args)]
pub struct Ready {
    /// At most this many [default: 1000]
    #[arg(long, value_name = "N")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Continue after the `next` of a page
    #[arg(long, value_name = "CURSOR")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// The reply of [`Ready`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReadyReply {
    /// The tasks.
    pub tasks: Vec<TaskShape>,
    /// Where the next page begins; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl Request for Ready {
    const VERB: &'static str = "ready";
    const ABOUT: &'static str = "List the tasks that can be claimed now, in claim order";
    const EXAMPLE: &'static [&'static str] = &["--limit", "10"];
    const IDENTITY: Identity = Identity::Optional;
    type Reply = ReadyReply;

    is_list!();

    fn check(&self) -> Result<(), Rejection> {
        values::page_limit(self.limit)?;
        cursor::check(self.after.as_deref())
    }
}

impl Query for Ready {
    fn answer(&self, cx: &Reading<'_>) -> Result<ReadyReply, OpError> {
        let limit = values::page_limit(self.limit)?;
        let after: Option<Place> = cursor::place(cx.view, self.after.as_deref())?;
        let mut offers = Candidates::listed(all_expired(cx.view)?.offers, limit, after.map(|place| place.0));
        // One more shows whether the list goes on.
        let mut ids = Vec::new();
        while ids.len() <= limit
            && let Some(offer) = offers.next(cx.view)?
        {
            ids.push(offer.id);
        }
        let ids: Vec<&TaskId> = ids.iter().collect();
        let mut filling = Filling::new(limit);
        let (mut tasks, mut last, mut next) = (Vec::new(), None, None);
        let mut read = 0;
        // As much is read at once as fits into a page.
        'page: while read < ids.len() {
            let some = cx.view.tasks_with(&ids[read..], limits::PAGE_BYTES_MAX)?;
            if some.is_empty() {
                break;
            }
            read += some.len();
            let mut related = Related::to_all(cx.view, cx.now, &some)?;
            for task in some {
                let place = Place(Offer::from(&task).place);
                let Some(shape) = filling.take(task, |task| TaskShape::listed(cx, task, &mut related), TaskShape::text_bytes)? else {
                    next = last.filter(|_| page::goes_on(true)).map(|last| cursor::after_place(cx.view, &last)).transpose()?;
                    break 'page;
                };
                tasks.push(shape);
                last = Some(place);
            }
        }
        Ok(ReadyReply { tasks, next })
    }
}

/// A place in the ready queue, as a cursor says it: `RANK.NUMBER`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place(QueuePlace);

impl Display for Place {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self((rank, seq)) = self;
        write!(f, "{rank}.{seq}")
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (rank, seq) = text.split_once('.').ok_or(())?;
        Ok(Self((rank.parse().map_err(drop)?, seq.parse().map_err(drop)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written() {
        for place in [Place((0, 1)), Place((-3_600_000, 7)), Place((i64::MAX, u64::MAX)), Place((i64::MIN, 0))] {
            assert_eq!(place.to_string().parse(), Ok(place));
        }
        for bad in ["", "1", "1.", ".1", "1.-1", "1.1.1", "a.1", "99999999999999999999.1"] {
            assert_eq!(bad.parse::<Place>(), Err(()), "{bad}");
        }
    }
}

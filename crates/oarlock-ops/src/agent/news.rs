//! News: what others and time have done to a session since it last heard.

use oarlock_model::TaskId;
use oarlock_model::state::{self, EndedReservation, Notice};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::context::Deciding;

/// News that a reply contains once; empty lists are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct News {
    /// Tasks whose lease it lost: stop working on them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<TaskId>,
    /// Tasks that were cancelled under it: stop working on them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cancelled: Vec<TaskId>,
    /// Tasks it holds that got a need that is not done: `oarlock task ID` shows it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocked: Vec<TaskId>,
    /// Reservations that ended without its doing: reserve again before writing there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reservations_ended: Vec<EndedReservation>,
}

impl News {
    /// The same without what concerns these tasks: a reply that gives or ends one does not say that it was lost before.
    #[must_use]
    pub(crate) fn without(mut self, tasks: &[&TaskId]) -> Self {
        for list in [&mut self.lost, &mut self.cancelled, &mut self.blocked] {
            list.retain(|task| !tasks.contains(&task));
        }
        self
    }
}

/// Takes the caller's news: they are not said again.
///
/// # Errors
/// Store errors.
pub(crate) fn take(cx: &mut Deciding<'_>) -> Result<News, OpError> {
    let session = cx.me()?.session.clone();
    let mut notices = cx.tx().take_notices(&session)?;
    if notices.is_empty() {
        return Ok(News::default());
    }
    notices.sort();
    let held = cx.view().claims_of(&session)?;
    let mut all = News::default();
    for Notice { news, .. } in notices {
        match news {
            state::News::Lost(task) => all.lost.push(task),
            state::News::Cancelled(task) => all.cancelled.push(task),
            // What is no longer so is no news.
            state::News::Blocked(task) if held.contains(&task) && !cx.view().unmet_needs(&task)?.is_empty() => all.blocked.push(task),
            state::News::Blocked(_) => {}
            state::News::ReservationEnded(ended) => {
                let id = ended.id.shown_by(cx.view().identity());
                all.reservations_ended.push(EndedReservation { id, ..ended });
            }
        }
    }
    Ok(all)
}

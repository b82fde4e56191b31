//! Notices: what others and time have done to a session since it last heard.

use oarlock_model::TaskId;
use oarlock_model::state::{self, EndedReservation, Notice};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OpError;
use crate::context::Deciding;

/// Notices that a reply contains once; empty lists are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Notices {
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

impl Notices {
    /// The same without what concerns these tasks: a reply that gives or ends one does not say that it was lost before.
    #[must_use]
    pub(crate) fn without(mut self, tasks: &[&TaskId]) -> Self {
        for list in [&mut self.lost, &mut self.cancelled, &mut self.blocked] {
            list.retain(|task| !tasks.contains(&task));
        }
        self
    }
}

/// Takes the notices of the caller: later replies do not repeat them.
///
/// # Errors
/// Store errors.
pub(crate) fn take(cx: &mut Deciding<'_>) -> Result<Notices, OpError> {
    let session = cx.me()?.session.clone();
    let mut notices = cx.tx().take_notices(&session)?;
    if notices.is_empty() {
        return Ok(Notices::default());
    }
    notices.sort();
    let held = cx.view().claims_of(&session)?;
    let mut all = Notices::default();
    for Notice { kind, .. } in notices {
        match kind {
            state::NoticeKind::Lost(task) => all.lost.push(task),
            state::NoticeKind::Cancelled(task) => all.cancelled.push(task),
            // A blocked notice that is no longer true is left out.
            state::NoticeKind::Blocked(task) if held.contains(&task) && !cx.view().unmet_needs(&task)?.is_empty() => all.blocked.push(task),
            state::NoticeKind::Blocked(_) => {}
            state::NoticeKind::ReservationEnded(ended) => {
                let id = ended.id.shown_by(cx.view().identity());
                all.reservations_ended.push(EndedReservation { id, ..ended });
            }
        }
    }
    Ok(all)
}

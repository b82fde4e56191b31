//! Reservations as text.

use oarlock_model::reservation::Mode;
use oarlock_ops::request::Request as _;
use oarlock_ops::reservation::{Check, ReservationListReply, ReservationsReply, Unreserve};
use oarlock_ops::shapes::ReservationShape;

use super::{Cell, Page, View, duration, joined, known, list_goes_on, safe, shown, texts};

pub(super) fn reservation_table(page: &mut Page, reservations: &[ReservationShape]) {
    if reservations.is_empty() {
        page.line("nothing is reserved");
        return;
    }
    let row = |r: &ReservationShape| {
        vec![
            Cell::bold(safe(&r.pattern)),
            Cell::new(r.mode.as_str()),
            Cell::new(shown(&r.agent)),
            Cell::new(known(r.task.as_ref())),
            Cell::new(duration(r.ttl_ms)),
            Cell::new(shown(&r.id)),
            Cell::new(known(r.reason.as_ref())),
        ]
    };
    page.table(&["PATTERN", "MODE", "AGENT", "TASK", "LEFT", "ID", "REASON"], reservations.iter().map(row));
}

/// Reservations that were made, if any, each with its id, and how long they hold.
pub(super) fn reserved(page: &mut Page, made: &[ReservationShape], word: &str) {
    let Some(left_ms) = made.iter().map(|made| made.ttl_ms).min() else { return };
    let shared = if made.iter().any(|made| made.mode == Mode::Shared) { " shared" } else { "" };
    let patterns = made.iter().map(|made| format!("{} ({})", made.pattern, made.id));
    page.line(format_args!("{word}{shared} for {}: {}", duration(left_ms), joined(patterns)));
}

fn ids_of(reservations: &[ReservationShape]) -> Vec<String> {
    texts(reservations.iter().map(|reservation| &reservation.id))
}

impl View for ReservationsReply {
    fn show(&self, verb: &str, page: &mut Page) {
        match verb {
            // Those that have ended do not hold any more: only what they were is reported.
            Unreserve::VERB if self.reservations.is_empty() => page.line("there was nothing of yours to end"),
            Unreserve::VERB => page.line(format_args!("ended: {}", joined(self.reservations.iter().map(|r| &r.pattern)))),
            Check::VERB => {
                page.line("nobody else holds this exclusively");
                if !self.reservations.is_empty() {
                    reservation_table(page, &self.reservations);
                }
            }
            _ if page.full => reservation_table(page, &self.reservations),
            _ => reserved(page, &self.reservations, "reserved"),
        }
    }

    fn ids(&self) -> Vec<String> {
        ids_of(&self.reservations)
    }
}

impl View for ReservationListReply {
    fn show(&self, _verb: &str, page: &mut Page) {
        reservation_table(page, &self.reservations);
    }

    fn ids(&self) -> Vec<String> {
        ids_of(&self.reservations)
    }

    fn rest(&self, _verb: &str) -> Option<String> {
        list_goes_on(self.next.as_ref())
    }
}

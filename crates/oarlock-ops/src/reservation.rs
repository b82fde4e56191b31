//! Operations on reservations: reserve, unreserve, reservations, check (semantics 14).

pub(crate) mod acquire;
mod check;
mod list;
pub(crate) mod obstacles;
mod reserve;
mod unreserve;

pub use check::Check;
pub use list::{ReservationListReply, Reservations};
pub use reserve::{ReservationsReply, Reserve};
pub use unreserve::Unreserve;

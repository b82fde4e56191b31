//! Which step waits for which, and when things run: the orders that the document states ([`said`]), those that files,
//! roles and words show ([`depend`]), and the arithmetic of orders ([`schedule`]).

pub(crate) mod bits;
pub(crate) mod depend;
pub(crate) mod said;
pub(crate) mod schedule;

//! Which step waits for which, and when things run: the orders that the document states, in its steps ([`stated_order`]) and in
//! sentences beside them ([`spoken`], with [`sentence`] and [`names`]), those that its format binds ([`manner`], with
//! [`groups`] and [`twins`] for lists in sections), those that files, roles and words show ([`depend`], with [`kinship`]), and the arithmetic of orders ([`schedule`]).

pub(crate) mod bits;
pub(crate) mod conflicts;
pub(crate) mod depend;
pub(crate) mod groups;
pub(crate) mod kinship;
pub(crate) mod manner;
pub(crate) mod names;
pub(crate) mod schedule;
pub(crate) mod sentence;
pub(crate) mod shared;
pub(crate) mod spoken;
pub(crate) mod stated_order;
pub(crate) mod twins;
pub(crate) mod why;

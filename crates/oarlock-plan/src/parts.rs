//! From ordered steps to parts for agents: cutting ([`group`], [`by`]), judging whether it is worth it ([`split`],
//! [`floor`], [`lost`]), giving parts out ([`assign`]), and the document that the worker of a part reads ([`documents`]).

pub(crate) mod assign;
pub(crate) mod criteria;
pub(crate) mod documents;
pub(crate) mod floor;
pub(crate) mod group;
pub(crate) mod grouping;
pub(crate) mod interpretation;
pub(crate) mod lost;
pub(crate) mod options;
pub(crate) mod split;

//! The contract of the command line and of its JSON, paragraph by paragraph.

mod entries;
mod errors;
mod fences;
mod flags;
mod help;
mod identity;
mod keys;
mod log;
mod loops;
mod messages;
mod names;
mod numbers;
mod pages;
mod plans;
mod reservations;
mod shapes;
mod short;
mod split;
mod states;
mod stores;
mod values;

//! Asking a language model for a plan: what it is asked, how its answer is read, what is told back, and the second question by which a plan
//! is attacked before it is believed. Only texts: whoever starts the program that answers is elsewhere.

mod answer;
mod attack;
pub(crate) mod conversation;
pub(crate) mod files;
pub(crate) mod prompt;

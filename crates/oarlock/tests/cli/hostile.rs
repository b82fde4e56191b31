//! Traps in a clone, in a pull or of another user of the machine: nothing of it is believed, followed or waited for.

mod brought;
mod files;
mod setup;

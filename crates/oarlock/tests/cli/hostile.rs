//! What a clone, a pull or another user of the machine can put in the way: nothing of it is believed, followed or waited for.

mod brought;
mod files;
mod setup;

//! The embedded store where it is more than a store: files, copies, other clocks, other processes, crowds.
//! Behaviour that all stores share is tested by the scripts and random pieces of `oarlock-testkit`.

#![expect(clippy::panic, reason = "a test fails by panicking, and says why")]

mod copies;
mod crowd;
mod damage;
mod doctor;
mod failing;
mod faults;
mod home;
mod hostile;
mod identity;
mod opening;
mod portions;
mod power;
mod steps;
mod time;
mod transfer;
mod upgrade;

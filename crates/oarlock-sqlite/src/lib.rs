//! The embedded store: all SQL of Oarlock for SQLite, and its migrations.
//!
//! It finds and writes rows and decides nothing. One writer at a time, admitted by a fair lock;
//! readers never wait. Waiters of other processes are woken by notifiers after the commit.

mod admin;
mod birth;
mod bounds;
mod clock;
mod connection;
mod error;
mod group;
mod high_water_mark;
mod listen;
mod make;
mod migrate;
mod owners;
mod place;
mod project;
mod reading;
mod rows;
mod schema;
#[cfg(test)]
mod statements;
mod store;
mod transaction;
mod view;
mod void_commit;

pub use admin::SqliteAdministration;
pub use birth::Births;
pub use place::{STORE_FILE, StorePaths};
pub use store::{Options, SqliteStore, Synchronous};

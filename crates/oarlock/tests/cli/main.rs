//! Tests of the binary from outside: input, output and exit code.
//! They know the contract and nothing of the inside.

mod clients;
mod complete;
mod contract;
mod documents;
mod gateway;
mod hostile;
mod landing;
mod machine;
mod pictures;
mod planner;
mod processes;
mod project;
mod ralf;
mod reference;
mod runner;
mod selftest;
mod support;
mod teaching;

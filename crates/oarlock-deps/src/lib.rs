//! Nothing but dependencies. Cargo builds what comes from elsewhere with the features that the chosen packages ask for together,
//! so each choice of packages would build all of it once more. The tests of every crate depend on this one, and so does `xtask`:
//! whatever is chosen, the features are the same, and built crates stay built. No program that users run has it.

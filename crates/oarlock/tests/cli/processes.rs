//! Several processes at once.

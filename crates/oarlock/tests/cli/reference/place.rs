//! Where the sources are that the reference is made of.

use std::path::{Path, PathBuf};

/// The root of the repository.
pub(super) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("crates/oarlock lies in it").to_owned()
}

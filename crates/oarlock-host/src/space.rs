//! How much room is left on a disk.

use std::io;
use std::path::Path;

/// The bytes that a process without privileges can still write on the file system of `path`.
///
/// # Errors
/// The path does not exist or cannot be reached.
pub fn free_bytes(path: &Path) -> io::Result<u64> {
    crate::family::space::free_bytes(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_space_is_told_and_a_missing_path_is_an_error() {
        assert!(free_bytes(Path::new("/")).is_ok());
        let error = free_bytes(Path::new("/no/such/path")).expect_err("it does not exist");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}

//! Reading the small files and links of `/proc` with a bound on their size.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// More than any line that is read here can have.
const BYTES_MAX: u64 = 4_096;

/// The first 4,096 bytes of a file.
pub(crate) fn read(path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The trimmed text of a file; empty if it is missing, unreadable or not text.
pub(crate) fn text_or_empty(path: impl AsRef<Path>) -> String {
    let text = read(path).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    text.map(|text| text.trim().to_owned()).unwrap_or_default()
}

/// The number in the link of a namespace, `pid:[4026531836]`; empty if there is none.
pub(crate) fn namespace(path: &str) -> String {
    let link = std::fs::read_link(path).unwrap_or_default();
    let number = link.to_str().and_then(|text| text.split_once('[')?.1.strip_suffix(']'));
    number.unwrap_or_default().to_owned()
}

//! The lock files that are made beside a project's files belong to nobody's commit: git learns so where nothing that it tracks changes, in
//! `info/exclude` of the repository.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use oarlock_git::exclude_of;
use oarlock_host::file::{Links, WithoutTraps as _, canonical, read_small};

use crate::layout::locked_folders;

/// The longest such file that is read, in bytes.
const BYTES_MAX: u64 = 1 << 20;
/// The text above the lines.
const HEAD: &str = "# lock files of RALF's scripts and of oarlock";

/// Has git ignore the lock files in the communications folders of the project at `root`. A project in no repository needs nothing.
///
/// # Errors
/// The file cannot be read or written.
pub fn hide_from_git(root: &Path) -> io::Result<()> {
    let root = canonical(root)?;
    let Some((top, exclude)) = exclude_of(&root) else { return Ok(()) };
    let Some(inside) = root.strip_prefix(canonical(&top)?).ok().and_then(Path::to_str) else { return Ok(()) };
    let known = match read_small(&exclude, BYTES_MAX, Links::Refused) {
        Ok(bytes) => String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned(),
        Err(_) => return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{} is not a small file", exclude.display()))),
    };
    let text = with_lines(&known, inside, &locked_folders(&root));
    if text == known {
        return Ok(());
    }
    if let Some(folder) = exclude.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().create(true).append(true).made_with(0o644).without_traps().open(&exclude)?;
    file.write_all(&text.as_bytes()[known.len()..])
}

/// The text with the lines that are still missing at its end.
fn with_lines(known: &str, inside: &str, folders: &[&str]) -> String {
    let mut text = known.to_owned();
    let mut missing: Vec<String> = Vec::new();
    for folder in folders {
        let place = [inside, *folder].iter().filter(|part| !part.is_empty()).map(|part| escaped(part)).collect::<Vec<_>>().join("/");
        missing.extend([format!("/{place}/.*.lock"), format!("/{place}/*.yaml.lock")]);
    }
    missing.retain(|line| !known.lines().any(|known| known == line));
    if missing.is_empty() {
        return text;
    }
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    if !known.lines().any(|line| line == HEAD) {
        text.push_str(HEAD);
        text.push('\n');
    }
    missing.iter().for_each(|line| text.push_str(&format!("{line}\n")));
    text
}

/// A path in which nothing is a pattern.
fn escaped(path: &str) -> String {
    path.chars().flat_map(|c| ["\\*?[ ".contains(c).then_some('\\'), Some(c)]).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_added_once_and_behind_what_is_there() {
        let folders = [".autonomous/communications"];
        let once = with_lines("*.o", "5-memory/a [1]", &folders);
        assert!(once.starts_with("*.o\n# lock files"), "{once}");
        assert!(once.contains("\n/5-memory/a\\ \\[1]/.autonomous/communications/.*.lock\n"), "{once}");
        assert_eq!(with_lines(&once, "5-memory/a [1]", &folders), once);
        assert!(with_lines("", "", &folders).contains("\n/.autonomous/communications/*.yaml.lock\n"));
    }
}

//! The files of a repository, as far as a prompt lists them.

use std::collections::{BTreeMap, HashSet};

use oarlock_model::text::visible_line;

use crate::text::folder_and_name;

/// So many files are listed one by one; of a larger repository those that the document names, and the folders.
const FILES_MAX: usize = 300;
/// Most folders of a larger repository.
const FOLDERS_MAX: usize = 150;
/// Longest line, in characters.
const LINE_CHARS_MAX: usize = 200;

/// The lines by which a prompt shows which files are there, from the paths of a repository: each file of a small one. Of a larger one the
/// files whose names the document has, and the folders with the number of files in each. At most 450 lines of 200 characters.
#[must_use]
pub fn file_list(document: &str, paths: &[String]) -> Vec<String> {
    let line = |text: &str| visible_line(text, LINE_CHARS_MAX);
    if paths.len() <= FILES_MAX {
        let mut all: Vec<String> = paths.iter().map(|path| line(path)).collect();
        all.sort_unstable();
        return all;
    }
    let is_of_name = |c: char| c.is_alphanumeric() || "._-@+$[]".contains(c);
    let words: HashSet<&str> = document.split(|c: char| !is_of_name(c)).map(|word| word.trim_matches('.')).collect();
    let is_named = |path: &&String| words.contains(folder_and_name(path).1.trim_start_matches('.'));
    let mut named: Vec<String> = paths.iter().filter(is_named).take(FILES_MAX).map(|path| line(path)).collect();
    named.sort_unstable();
    let mut folders: BTreeMap<&str, usize> = BTreeMap::new();
    for path in paths {
        *folders.entry(folder_and_name(path).0).or_default() += 1;
    }
    let count = folders.len();
    // The folders near the root say most.
    let mut shown: Vec<(&str, usize)> = folders.into_iter().collect();
    shown.sort_by_key(|(folder, _)| (folder.matches('/').count(), *folder));
    shown.truncate(FOLDERS_MAX - 1);
    shown.sort_unstable();
    let folder = |(folder, files): &(&str, usize)| line(&format!("{}/ ({files} files)", if folder.is_empty() { "." } else { *folder }));
    named.extend(shown.iter().map(folder));
    if count > shown.len() {
        named.push(format!("and {} folders more", count - shown.len()));
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_repository_is_listed_whole_and_a_large_one_by_what_is_named() {
        let few = ["src/b.rs", "src/a\u{202e}.rs"].map(str::to_owned);
        assert_eq!(file_list("", &few).len(), 2);
        assert!(file_list("", &few).iter().all(|line| !line.contains('\u{202e}')));
        let many: Vec<String> = (0..5_000).map(|n| format!("src/part{}/file{n}.rs", n % 200)).collect();
        let list = file_list("Change `file77.rs` and src/part3/file3.rs.", &many);
        assert_eq!(list[..2], ["src/part3/file3.rs", "src/part77/file77.rs"]);
        assert!(list.len() <= FILES_MAX + FOLDERS_MAX && list.last().is_some_and(|last| last.starts_with("and ")), "{list:?}");
    }
}

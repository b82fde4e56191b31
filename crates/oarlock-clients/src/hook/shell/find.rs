//! `find`, where it removes what it finds, or runs another program for it.

use super::simple::{Word, has_name};
use crate::hook::Written;

/// How many directories to search are looked at.
const ROOTS_MAX: usize = 64;

/// A call of `find`.
pub(super) struct Search<'a> {
    roots: Vec<Word>,
    /// Whether it removes what it finds.
    removes: bool,
    /// Whether it looks for anything but all files, all directories, or those of a name.
    is_narrow: bool,
    /// The pattern of the names that it looks for.
    name: Option<String>,
    /// Programs that it runs, and whether where each file is.
    pub(super) runs: Vec<(&'a [Word], bool)>,
}

/// Reads the words behind `find`.
pub(super) fn read(args: &[Word]) -> Search<'_> {
    let options = args.iter().take_while(|arg| matches!(arg.known(), Some("-H" | "-L" | "-P"))).count();
    let args = &args[options..];
    let begins = |arg: &Word| arg.text.starts_with('-') || matches!(arg.known(), Some("(" | "!" | ","));
    let (roots, mut rest) = args.split_at(args.iter().position(begins).unwrap_or(args.len()));
    let mut roots: Vec<Word> = roots.iter().take(ROOTS_MAX).cloned().collect();
    if roots.is_empty() {
        roots.push(Word::of("."));
    }
    let mut search = Search { roots, removes: false, is_narrow: false, name: None, runs: Vec::new() };
    let mut has_choice = false;
    while let Some((word, behind)) = rest.split_first() {
        rest = behind;
        match word.text.as_str() {
            "-delete" => search.removes = true,
            "-exec" | "-execdir" | "-ok" | "-okdir" => {
                let end = rest.iter().position(|arg| arg.is(";") || arg.is("+")).unwrap_or(rest.len());
                search.runs.push((&rest[..end], word.text.ends_with("dir")));
                rest = rest.get(end + 1..).unwrap_or_default();
            }
            "-depth" | "-print" | "-print0" | "-type" | "-mindepth" | "-xdev" | "-mount" => {}
            // Not only those of one name.
            "!" | "-not" | "-o" | "-or" | "," => has_choice = true,
            "-name" if search.name.is_none() => {
                let (name, behind) = rest.split_first().map_or((None, rest), |(name, behind)| (Some(name), behind));
                // Its patterns are the shell's, which are ours.
                search.name = name.map(|name| name.known().map_or_else(|| name.pattern.clone(), str::to_owned));
                rest = behind;
            }
            option => search.is_narrow |= option.starts_with('-'),
        }
    }
    if has_choice {
        search.is_narrow |= search.name.take().is_some();
    }
    search
}

impl Search<'_> {
    /// What it removes by itself: everything below its directories, or what has the name there. A narrow search through no directory in
    /// particular is left out, as almost nothing of all that is found.
    pub(super) fn removed(&self) -> Vec<Written> {
        let is_narrow = self.is_narrow || self.name.is_some();
        let is_meant = |root: &&Word| !is_narrow || root.known().is_none_or(has_name);
        let written = |root: &Word| self.named(root).unwrap_or_else(|| root.clone()).as_tree();
        self.roots.iter().filter(|_| self.removes).filter(is_meant).filter_map(written).collect()
    }

    /// What has the name that it looks for, below one of its directories; nothing when it looks for none.
    fn named(&self, root: &Word) -> Option<Word> {
        Some(Word::anywhere_below(root.known()?, self.name.as_ref()?))
    }

    /// The words of a program that it runs, once for each directory, with what is found as something below it.
    pub(super) fn run_on(&self, words: &[Word]) -> Vec<(Word, Vec<Word>)> {
        let with = |root: &Word| {
            let beginning = root.known().map_or(root.text.clone(), |path| format!("{}/", path.trim_end_matches('/')));
            let found = self.named(root).unwrap_or_else(|| Word::beginning(beginning));
            let put = |word: &Word| match word.text.split_once("{}") {
                Some(("", _)) => found.clone(),
                Some((before, _)) => Word::beginning(before),
                None => word.clone(),
            };
            let words: Vec<Word> = words.iter().map(put).collect();
            (found, words)
        };
        self.roots.iter().map(with).collect()
    }
}

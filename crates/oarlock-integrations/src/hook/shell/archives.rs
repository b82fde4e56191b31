//! The paths that archive programs write when they unpack and pack.

use super::Shell;
use super::options::Options;
use super::paths::{is_file_name, joined};
use super::specs::within;
use super::word::{Word, has_name};
use crate::hook::Written;

/// Letters of `tar` that take a value.
const TAR_VALUED: &str = "f C b T X g N I K F L H V";

pub(super) fn tar(args: &[Word]) -> Vec<Written> {
    let args = dashed(args, TAR_VALUED);
    let long = "file directory blocking-factor files-from exclude-from exclude transform xform strip-components strip starting-file \
                use-compress-program mode owner group newer format label";
    let options = Options::read(&args, &format!("{TAR_VALUED} {long}"), "");
    if options.has(&["c", "r", "u", "A", "create", "append", "update", "delete"]) {
        let archives = options.values(&["f", "file"]).into_iter().filter(|file| !file.is_known || is_file_name(&file.text));
        let mut found: Vec<Written> = archives.filter_map(Word::as_file).collect();
        if options.has(&["remove-files"]) {
            found.extend(options.operands.iter().filter_map(|word| word.as_tree()));
        }
        return found;
    }
    if !options.has(&["x", "extract", "get"]) || options.has(&["O", "to-stdout", "t"]) {
        return Vec::new();
    }
    let below = options.values(&["one-top-level"]);
    if let Some(dir) = below.last() {
        return dir.as_tree().into_iter().collect();
    }
    let here = Word::of(".");
    let dir = match options.values(&["C", "directory"]).as_slice() {
        [] => here.clone(),
        [dir] => (*dir).clone(),
        // Each is seen from the one before.
        _ => return Vec::new(),
    };
    let are_renamed = options.has(&["transform", "xform", "strip-components", "strip", "wildcards", "s", "T", "files-from"]);
    let members: Option<Vec<&str>> = options.operands.iter().map(|word| word.known()).collect();
    match (members, dir.known()) {
        (Some(members), Some(path)) if !members.is_empty() && !are_renamed => {
            let path = if dir == here { "" } else { path };
            members.iter().map(|member| Written::tree(joined(path, member.trim_start_matches('/')))).collect()
        }
        // What an archive has in it, only the run decides: here it could be anything.
        _ if dir == here => vec![Shell::somewhere("")],
        _ => dir.as_tree().filter(|written| has_name(&written.path)).into_iter().chain(within(&dir)).collect(),
    }
}

/// The words of a program with dashes before the letters that may go without: their values follow all of them.
pub(super) fn dashed(args: &[Word], valued: &str) -> Vec<Word> {
    let Some((letters, rest)) =
        args.split_first().filter(|(first, _)| first.is_known && !first.text.starts_with('-') && first.text.len() < 32)
    else {
        return args.to_vec();
    };
    let mut words = Vec::new();
    let mut rest = rest.iter();
    for letter in letters.text.chars() {
        words.push(Word::of(format!("-{letter}")));
        if valued.split(' ').any(|valued| valued.starts_with(letter)) {
            words.extend(rest.next().cloned());
        }
    }
    words.extend(rest.cloned());
    words
}

pub(super) fn unzip(options: &Options<'_>) -> Vec<Written> {
    if options.has(&["l", "t", "p", "c", "v", "z", "Z"]) {
        return Vec::new();
    }
    let dirs = options.values(&["d"]);
    let members = options.operands.get(1..).unwrap_or_default();
    match dirs.last() {
        Some(dir) => dir.as_tree().filter(|written| has_name(&written.path)).into_iter().chain(within(dir)).collect(),
        None if !members.is_empty() => members.iter().filter_map(|word| word.as_tree()).collect(),
        None => vec![Shell::somewhere("")],
    }
}

pub(super) fn seven_zip(args: &[Word]) -> Vec<Written> {
    let Some((verb, rest)) = args.split_first() else { return Vec::new() };
    match verb.known() {
        Some("x" | "e") => match rest.iter().find(|arg| arg.text.starts_with("-o")) {
            Some(dir) => dir.after(2).as_tree().into_iter().collect(),
            None => vec![Shell::somewhere("")],
        },
        Some("a" | "u" | "d") => rest.iter().find(|arg| !arg.text.starts_with('-')).and_then(Word::as_file).into_iter().collect(),
        _ => Vec::new(),
    }
}

pub(super) fn cpio(options: &Options<'_>) -> Vec<Written> {
    if options.has(&["t", "list", "o", "create"]) || !options.has(&["i", "extract", "p", "pass-through"]) {
        return Vec::new();
    }
    let here = Word::of("");
    let dir = options.values(&["D", "directory"]).last().copied().unwrap_or(&here).clone();
    let to = options.operands.first().filter(|_| options.has(&["p", "pass-through"])).copied().unwrap_or(&dir);
    within(to)
}

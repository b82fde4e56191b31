//! What `git` writes over: files of the worktree, not what it keeps of its own.

use super::joined;
use super::options::Options;
use super::programs::{onto, trees};
use super::simple::Word;
use crate::hook::Written;

/// What a call of `git` is going to write.
pub(super) fn writes(args: &[Word]) -> Vec<Written> {
    let (mut args, mut at) = (args, String::new());
    loop {
        args = match args {
            [option, dir, rest @ ..] if option.is("-C") => {
                // It could be anywhere.
                let Some(dir) = dir.known() else { return Vec::new() };
                at = joined(&at, dir);
                rest
            }
            [option, _, rest @ ..] if option.is("-c") => rest,
            [option, rest @ ..] if option.is("--no-pager") => rest,
            _ => break,
        };
    }
    let moved = |written: Written| Written {
        path: if written.path == "." && !at.is_empty() { at.clone() } else { joined(&at, &written.path) },
        ..written
    };
    writes_here(args).into_iter().map(moved).collect()
}

fn writes_here(args: &[Word]) -> Vec<Written> {
    let Some((verb, rest)) = args.split_first() else { return Vec::new() };
    let has = |word: &str| rest.iter().any(|arg| arg.is(word));
    let spares_files = ["--help", "-h", "--cached", "--staged", "-S", "-n", "--dry-run"].into_iter().any(has);
    if spares_files && !has("--worktree") && !has("-W") {
        return Vec::new();
    }
    let all = || vec![Written::tree(".")];
    match verb.known().unwrap_or_default() {
        "rm" => trees(&Options::read(rest, "", "").operands),
        "mv" => onto(&Options::read(rest, "", ""), true),
        "restore" | "checkout" if has(":/") || has("*") => all(),
        "restore" => trees(&Options::read(rest, "s source", "").operands),
        "checkout" => match rest.iter().position(|arg| arg.is("--")) {
            Some(at) => rest[at + 1..].iter().filter_map(Word::as_tree).collect(),
            None if has(".") || has("-f") || has("--force") => all(),
            None => {
                // A branch or a path, and paths: what is there is a path.
                let options = Options::read(rest, "b B orphan conflict", "");
                let (first, paths) = options.operands.split_at(options.operands.len().min(1));
                let first = trees(first).into_iter().map(|first| Written { only_if_there: true, ..first });
                first.chain(trees(paths)).collect()
            }
        },
        "switch" if has("-f") || has("--force") || has("--discard-changes") => all(),
        "reset" if has("--hard") => all(),
        "clean" => {
            let options = Options::read(rest, "e exclude", "");
            match options.operands.as_slice() {
                _ if options.has(&["n"]) || !options.has(&["f", "force"]) => Vec::new(),
                [] => all(),
                paths => trees(paths),
            }
        }
        "stash" => stash(rest),
        _ => Vec::new(),
    }
}

/// Putting changes away writes files as much as bringing them back.
fn stash(args: &[Word]) -> Vec<Written> {
    let all = || vec![Written::tree(".")];
    let Some((verb, rest)) = args.split_first() else { return all() };
    let paths = match verb.known() {
        Some("pop" | "apply" | "branch" | "save") => return all(),
        Some("push") => rest,
        Some(option) if option.starts_with('-') => args,
        _ => return Vec::new(),
    };
    let options = Options::read(paths, "m message pathspec-from-file", "");
    match options.operands.as_slice() {
        _ if options.has(&["pathspec-from-file"]) => Vec::new(),
        [] => all(),
        paths => trees(paths),
    }
}

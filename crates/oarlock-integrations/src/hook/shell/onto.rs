//! Sources and a destination: what commands write that have both.

use super::Shell;
use super::options::Options;
use super::word::{Word, has_name};
use crate::hook::Written;

/// The effect of a command with sources and a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Onto {
    /// Writes into a file that is there, also through a link.
    Copies,
    /// Takes the sources away, and replaces existing files.
    Moves,
    /// Makes links, and replaces existing files.
    Links,
}

/// Of a command with sources and a destination: the destination, what would stand in it were it a directory, and, of a move, the sources.
pub(super) fn onto(options: &Options<'_>, does: Onto) -> Vec<Written> {
    let named = options.values(&["t", "target-directory"]);
    let (target, sources) = match (named.as_slice(), options.operands.as_slice()) {
        ([.., target], sources) => (*target, sources),
        ([], [sources @ .., target]) if !sources.is_empty() => (*target, sources),
        _ => return Vec::new(),
    };
    if options.has(&["help", "version"]) {
        return Vec::new();
    }
    let taken = sources.iter().filter(|_| does == Onto::Moves);
    let mut found: Vec<Written> = taken.filter_map(|source| source.as_tree()).map(Written::entry).collect();
    let itself = |written: Written| if does == Onto::Copies { written } else { written.entry() };
    let Some(path) = target.known() else {
        found.extend(target.as_tree());
        return found;
    };
    let dir = path.trim_end_matches('/');
    let is_no_dir = options.has(&["T", "no-target-directory"]) || does == Onto::Links && options.has(&["n", "h", "no-dereference"]);
    if is_no_dir {
        found.extend(Some(itself(Written::tree(dir))).filter(|_| has_name(dir)));
        return found;
    }
    let is_dir = dir.len() < path.len() || !named.is_empty();
    for source in sources {
        match source.name() {
            Some(name) => found.push(Written::tree(format!("{dir}/{name}"))),
            None if has_name(dir) && !source.is_known => {
                let names = source.name_pattern().filter(|_| is_dir || sources.len() > 1 || source.value.contains('/'));
                found.extend(names.map(|name| Written::below(dir, format!("{name}/**"))));
            }
            // All that is in a directory.
            None if has_name(dir) && source.is_known => found.push(Shell::somewhere(dir)),
            None => {}
        }
    }
    // A directory that is only where one is stays as it is.
    found.extend(Some(itself(Written::file(dir))).filter(|_| has_name(dir)));
    found
}

/// The files fetched into the directory of the second operand, or into one here.
pub(super) fn into_second(args: &[Word], valued: &str) -> Vec<Written> {
    let options = Options::read(args, valued, "");
    match options.operands.as_slice() {
        [_, dir, ..] => dir.as_tree().into_iter().collect(),
        [_] => vec![Shell::somewhere("")],
        [] => Vec::new(),
    }
}

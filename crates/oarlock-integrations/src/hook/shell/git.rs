//! The paths that `git` overwrites: files of the worktree, not git's own files.

use super::Shell;
use super::onto::{Onto, into_second, onto};
use super::options::Options;
use super::paths::{cleared, joined, moved};
use super::specs::within;
use super::word::Word;
use super::word::{ONE, STAR};
use crate::hook::{Reach, Written, patch};

/// Where a call of `git` looks, and the words from its verb on.
pub(super) struct Call<'a> {
    /// The directory that `-C` and `--work-tree` lead to; nothing where only the run decides.
    pub(super) dir: Option<String>,
    pub(super) words: &'a [Word],
    /// Whether changes are put away before it begins, and brought back.
    stashes: bool,
}

/// Reads the options before the verb.
pub(super) fn read(mut args: &[Word]) -> Call<'_> {
    let mut dir = Some(String::new());
    let mut stashes = false;
    while let [option, rest @ ..] = args {
        stashes |= option.is("-c") && rest.first().is_some_and(|set| set.text.to_ascii_lowercase().ends_with(".autostash=true"));
        let known = |word: Option<&Word>, dir: Option<String>| Some(joined(&dir?, word?.known()?));
        args = match option.known() {
            Some("-C") => {
                dir = known(rest.first(), dir);
                rest.get(1..).unwrap_or_default()
            }
            Some("--work-tree") => {
                dir = known(rest.first(), dir);
                rest.get(1..).unwrap_or_default()
            }
            Some("-c" | "--git-dir" | "--namespace" | "--exec-path" | "--config-env" | "--super-prefix") => {
                rest.get(1..).unwrap_or_default()
            }
            _ if option.text.starts_with("--work-tree=") => {
                dir = known(Some(&option.after("--work-tree=".len())), dir);
                rest
            }
            _ if option.text.starts_with('-') => rest,
            _ => break,
        };
    }
    Call { dir, words: args, stashes: stashes || args.iter().any(|arg| arg.is("--autostash")) }
}

/// The commands that a call runs in the worktree.
pub(super) fn commands(args: &[Word]) -> Vec<String> {
    let Some((verb, rest)) = read(args).words.split_first() else { return Vec::new() };
    let texts = |options: &Options<'_>, names: &[&str]| options.values(names).into_iter().map(|text| text.value.clone()).collect();
    match verb.known() {
        Some("rebase") => texts(&Options::read(rest, "x exec onto s strategy X C", ""), &["x", "exec"]),
        Some("filter-branch") => texts(&Options::read(rest, FILTERS, ""), &["tree-filter"]),
        Some("bisect") if rest.first().is_some_and(|verb| verb.is("run")) => {
            let words: Vec<&str> = rest[1..].iter().map(|word| word.value.as_str()).collect();
            vec![super::quoted(&words)]
        }
        _ => Vec::new(),
    }
}

/// Options of `git filter-branch` that take a value.
const FILTERS: &str =
    "setup subdirectory-filter env-filter tree-filter index-filter parent-filter msg-filter commit-filter tag-name-filter d original";

/// The file of the patch that a call applies; none where it applies what it reads.
pub(super) fn patch_file(args: &[Word]) -> Option<Word> {
    let call = read(args);
    let (verb, rest) = call.words.split_first()?;
    if !matches!(verb.known(), Some("apply" | "am")) {
        return None;
    }
    Options::read(rest, "p C directory exclude include", "").operands.first().map(|file| (*file).clone())
}

/// The paths that a call of `git` is going to write. `text` is the patch that it applies, where that is known.
/// `top` is the top of the worktree that it works in, where that is known and another directory.
pub(super) fn writes(args: &[Word], text: Option<&str>, top: Option<&str>) -> Vec<Written> {
    let call = read(args);
    // It could be anywhere.
    let Some(dir) = call.dir else { return Vec::new() };
    let at = |written: Written| Written {
        path: if written.path == "." && !dir.is_empty() { dir.clone() } else { joined(&dir, &written.path) },
        ..written
    };
    // An exclusion cannot be written as a pattern: it is taken to keep away from others' paths.
    let mut left_out: Vec<&str> = call.words.iter().filter_map(excluded).collect();
    let words: Vec<Word> = call.words.iter().filter(|word| excluded(word).is_none()).cloned().collect();
    left_out.retain(|path| !path.split('/').next().is_some_and(super::search::is_filled));
    let had_only_those = words.len() < call.words.len() && words.last().is_some_and(|word| word.is("--"));
    let leaves_out = |written: &Written| {
        let dir = written.path.trim_end_matches('/').trim_start_matches("./");
        let is_all = matches!(dir, "" | ".") || top == Some(dir);
        let covers = |path: &&str| is_all || path.strip_prefix(dir).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        (written.reach != Reach::File && left_out.iter().any(covers)) || (had_only_those && !left_out.is_empty())
    };
    let mut written = writes_here(&words, text, top);
    if call.stashes && words.first().is_some_and(|verb| matches!(verb.known(), Some("pull" | "rebase" | "merge"))) {
        written.extend(undone(vec![Written::tree(top.unwrap_or("."))]));
    }
    let written = written.into_iter().filter(|written| !leaves_out(written)).map(at);
    // Git replaces a link, and goes through none.
    let is_own = words.first().is_some_and(|verb| matches!(verb.known(), Some("checkout" | "restore" | "stash" | "clean" | "reset")));
    written.map(|written| if is_own { written.entry() } else { written }).collect()
}

/// The path of a pattern that leaves something out: `:!x`, `:^x`, `:(exclude)x`.
fn excluded(word: &Word) -> Option<&str> {
    let text = word.known()?;
    let path = [":!", ":^", ":(exclude)", ":(top,exclude)", ":(exclude,top)"].iter().find_map(|sign| text.strip_prefix(sign))?;
    Some(path.trim_start_matches('/').trim_end_matches("/**").trim_end_matches("/*").trim_end_matches('/'))
}

/// Whether a `*` or `?` of git, which may also stand for slashes, makes of a pattern this path.
fn matches(pattern: &Word, path: &str) -> bool {
    let pattern: String = pattern
        .value
        .chars()
        .map(|c| {
            if c == '*' {
                STAR
            } else if c == '?' {
                ONE
            } else {
                c
            }
        })
        .collect();
    super::expand::matches(&pattern, path)
}

fn files(words: &[&Word]) -> Vec<Written> {
    words.iter().filter_map(|word| word.as_file()).collect()
}

fn trees(words: &[&Word], top: Option<&str>) -> Vec<Written> {
    // `:/` is the top, and so is `:(top)`.
    let plain = |word: &&Word| match word.text.strip_prefix(":/").or_else(|| word.text.strip_prefix(":(top)")) {
        Some("") => Word::of(top.unwrap_or(".")),
        Some(rest) => opened(Word::of(joined(top.unwrap_or_default(), rest))),
        None => match word.text.strip_prefix(":(glob)") {
            Some(rest) => Word::of(rest).globbed(),
            None => opened((*word).clone()),
        },
    };
    words.iter().map(plain).filter_map(|word| word.as_tree()).collect()
}

/// A word whose wildcards git reads: they stand for slashes, too.
fn opened(word: Word) -> Word {
    let Some(first) = word.known().and_then(|text| text.find(['*', '?'])) else { return word };
    let dir = word.text[..first].rfind('/').map_or("", |end| &word.text[..=end]);
    let tail = word.text.rsplit(['*', '?', '/']).next().unwrap_or_default();
    Word::of(format!("{dir}{STAR}{STAR}/{STAR}{tail}"))
}

/// Changes that are thrown away or put away, and nothing else.
fn undone(written: Vec<Written>) -> Vec<Written> {
    written.into_iter().map(|written| Written { only_undoes: true, ..written }).collect()
}

fn writes_here(args: &[Word], text: Option<&str>, top: Option<&str>) -> Vec<Written> {
    let Some((verb, rest)) = args.split_first() else { return Vec::new() };
    let has = |word: &str| rest.iter().any(|arg| arg.is(word));
    let letters =
        |letter: char| rest.iter().any(|arg| arg.text.starts_with('-') && !arg.text.starts_with("--") && arg.text.contains(letter));
    let all = || undone(vec![Written::tree(top.unwrap_or("."))]);
    let trees = |words: &[&Word]| trees(words, top);
    let verb = verb.known().unwrap_or_default();
    if has("--help") || has("-h") || has("--dry-run") {
        return Vec::new();
    }
    let takes_output = matches!(
        verb,
        "diff" | "log" | "show" | "format-patch" | "archive" | "bundle" | "diff-tree" | "range-diff" | "shortlog" | "reflog"
    );
    match verb {
        "rm" if !has("--cached") && !letters('n') => trees(&Options::read(rest, "", "").operands).into_iter().map(Written::entry).collect(),
        "mv" if !letters('n') => onto(&Options::read(rest, "", ""), Onto::Moves),
        "restore" => {
            let options = Options::read(rest, "s source pathspec-from-file", "");
            if options.has(&["S", "staged"]) && !options.has(&["W", "worktree"]) {
                return Vec::new();
            }
            let written = trees(&options.operands);
            if options.has(&["s", "source"]) { written } else { undone(written) }
        }
        "checkout" => checkout(rest, top),
        "checkout-index" if letters('f') || has("--force") => {
            let options = Options::read(rest, "prefix stage", "");
            match options.values(&["prefix"]).last() {
                None if options.has(&["a", "all"]) => all(),
                None => files(&options.operands),
                // They go elsewhere.
                Some(prefix) if options.has(&["a", "all"]) => within(prefix),
                Some(prefix) => {
                    let path = |word: &&Word| Word::of(format!("{}{}", prefix.value, word.value));
                    options.operands.iter().map(path).filter_map(|word| word.as_file()).collect()
                }
            }
        }
        "switch" if letters('f') || has("--force") || has("--discard-changes") => all(),
        "reset" if has("--hard") => all(),
        // It begins again, whatever has been changed.
        "rebase" if has("--abort") || has("--skip") => all(),
        "clang-format" if !has("--diff") && !has("--staged") => vec![Written::tree(top.unwrap_or("."))],
        "cliff" => files(&Options::read(rest, "o output prepend c config t tag", "").values(&["o", "output", "prepend"])),
        "subtree" if rest.first().is_some_and(|verb| matches!(verb.known(), Some("add" | "pull" | "merge"))) => {
            trees(&Options::read(rest, "P prefix m message", "").values(&["P", "prefix"]))
        }
        "lfs" if has("pull") || has("checkout") => {
            let options = Options::read(rest, "I include X exclude", "");
            let included = options.values(&["I", "include"]).into_iter().map(Word::globbed);
            let named = options.operands.iter().skip(1).take(if has("checkout") { usize::MAX } else { 0 }).map(|word| word.globbed());
            included.chain(named).filter_map(|word| word.as_tree()).collect()
        }
        "filter-repo" if !has("--analyze") => all(),
        "mergetool" => trees(&Options::read(rest, "t tool O", "").operands),
        "read-tree" if letters('u') => all(),
        "sparse-checkout" if has("set") || has("disable") || has("reapply") => all(),
        "clean" => {
            // It stays where it is.
            let all = || undone(vec![Written::tree(".")]);
            let options = Options::read(rest, "e exclude", "");
            match options.operands.as_slice() {
                _ if options.has(&["n", "i", "interactive"]) || !options.has(&["f", "force"]) => Vec::new(),
                [] => all(),
                paths => undone(trees(paths)),
            }
        }
        "stash" => undone(stash(rest, top)),
        "apply" | "am" => apply(rest, text),
        "clone" => into_second(
            rest,
            "b branch depth c config o origin u upload-pack reference filter j jobs template shallow-since separate-git-dir",
        ),
        "submodule" if has("add") => {
            let at = rest.iter().position(|arg| arg.is("add")).unwrap_or(0);
            into_second(&rest[at + 1..], "b branch name depth reference")
        }
        "submodule" if has("update") || has("deinit") => {
            trees(&Options::read(rest, "depth reference j jobs", "").operands.into_iter().skip(1).collect::<Vec<_>>())
        }
        "worktree" if has("add") || has("move") || has("remove") => {
            let at = rest.iter().position(|arg| matches!(arg.known(), Some("add" | "move" | "remove"))).unwrap_or(0);
            let count = if rest[at].is("move") { 2 } else { 1 };
            trees(&Options::read(&rest[at + 1..], "b B reason", "").operands.into_iter().take(count).collect::<Vec<_>>())
        }
        "init" => trees(&Options::read(rest, "b initial-branch template separate-git-dir object-format", "").operands),
        "merge-file" if !has("-p") && !has("--stdout") => {
            files(&Options::read(rest, "L", "").operands.into_iter().take(1).collect::<Vec<_>>())
        }
        "bundle" if has("create") => {
            let options = Options::read(rest, "", "");
            files(&options.operands.into_iter().skip(1).take(1).collect::<Vec<_>>())
        }
        "config" => files(&Options::read(rest, "f file", "").values(&["f", "file"]))
            .into_iter()
            .filter(|_| !["--get", "--get-all", "--get-regexp", "--list", "-l", "get", "list"].iter().any(|reads| has(reads)))
            .collect(),
        "bugreport" | "diagnose" => {
            Options::read(rest, "o output-directory s suffix", "").values(&["o", "output-directory"]).into_iter().flat_map(within).collect()
        }
        _ if takes_output => {
            let options = Options::read(rest, "o output output-directory n format prefix", "");
            let mut found = files(&options.values(&["output"]));
            match verb {
                "format-patch" => found.extend(options.values(&["o", "output-directory"]).into_iter().flat_map(within)),
                "archive" => found.extend(files(&options.values(&["o"]))),
                _ => {}
            }
            found
        }
        _ => Vec::new(),
    }
}

fn checkout(rest: &[Word], top: Option<&str>) -> Vec<Written> {
    let has = |word: &str| rest.iter().any(|arg| arg.is(word));
    let here = || undone(vec![Written::tree(".")]);
    let all = || undone(vec![Written::tree(top.unwrap_or("."))]);
    let trees = |words: &[&Word]| trees(words, top);
    if let Some(at) = rest.iter().position(|arg| arg.is("--")) {
        let paths = trees(&rest[at + 1..].iter().collect::<Vec<_>>());
        // What another commit has is written, where one is named.
        let names_commit = rest[..at].iter().any(|arg| !arg.text.starts_with('-') && !arg.is("HEAD"));
        return if names_commit { paths } else { undone(paths) };
    }
    let options = Options::read(rest, "b B orphan conflict pathspec-from-file", "");
    if has(".") || has("*") {
        return here();
    }
    if has(":/") || options.has(&["f", "force"]) && options.operands.len() < 2 {
        return all();
    }
    if options.has(&["ours", "theirs", "2", "3", "m", "merge", "conflict"]) {
        return trees(&options.operands);
    }
    if options.has(&["b", "B", "orphan"]) {
        return Vec::new();
    }
    // A branch or a path, and paths: an existing name is a path.
    let (first, paths) = options.operands.split_at(options.operands.len().min(1));
    let first = undone(trees(first)).into_iter().map(|first| Written { only_if_there: true, ..first });
    let is_head = options.operands.first().is_some_and(|commit| commit.is("HEAD"));
    first.chain(if is_head { undone(trees(paths)) } else { trees(paths) }).collect()
}

/// The paths that a patch changes, below the place where it is applied; `am` always begins at the top.
fn apply(rest: &[Word], text: Option<&str>) -> Vec<Written> {
    let options = Options::read(rest, "p C directory exclude include", "");
    let only_looks = ["check", "stat", "numstat", "summary", "cached", "abort", "skip", "quit", "continue", "show-current-patch"];
    if options.has(&only_looks) && !options.has(&["apply"]) {
        return Vec::new();
    }
    let (includes, excludes) = (options.values(&["include"]), options.values(&["exclude"]));
    let Some(text) = text else {
        // Only its file shows the content of the patch; its directory may be given.
        let below = options.values(&["directory"]).last().map_or(Some(""), |dir| dir.known());
        return match below {
            Some(below) if !includes.is_empty() => {
                let wild = |pattern: &Word| pattern.value.replace('*', &super::word::ANY.to_string()).replace('?', &ONE.to_string());
                let paths = includes.iter().map(|pattern| Word::of(joined(below, &wild(pattern))));
                paths.filter_map(|word| word.as_tree()).collect()
            }
            Some(below) => vec![Shell::somewhere(below)],
            None => Vec::new(),
        };
    };
    let strip = options.values(&["p"]).last().and_then(|count| count.known()?.parse().ok()).unwrap_or(1);
    let is_meant = |path: &String| {
        !excludes.iter().any(|pattern| matches(pattern, path))
            && (includes.is_empty() || includes.iter().any(|pattern| matches(pattern, path)))
    };
    let written = patch::of_diff(text, Some(strip)).filter(is_meant).filter_map(|path| Word::of(path).as_tree()).collect();
    match options.values(&["directory"]).last().map(|dir| dir.known()) {
        Some(Some(dir)) => moved(dir, written),
        Some(None) => Vec::new(),
        None => written,
    }
}

/// Putting changes away writes files as much as bringing them back.
fn stash(args: &[Word], top: Option<&str>) -> Vec<Written> {
    let all = || vec![Written::tree(top.unwrap_or("."))];
    let Some((verb, rest)) = args.split_first() else { return all() };
    let paths = match verb.known() {
        Some("pop" | "apply" | "branch" | "save") => return all(),
        Some("push") => rest,
        Some(option) if option.starts_with('-') => args,
        _ => return Vec::new(),
    };
    let options = Options::read(paths, "m message pathspec-from-file", "");
    match options.operands.as_slice() {
        // Staged files are the caller's own.
        _ if options.has(&["pathspec-from-file", "S", "staged"]) => Vec::new(),
        [] => all(),
        paths => trees(paths, top),
    }
}

impl Shell<'_> {
    /// The top of the worktree in which a call of git works, where it is another directory than that of the call and is known for sure.
    pub(super) fn top_of_call(&self, args: &[Word]) -> Option<String> {
        let top = self.around.top?.trim_end_matches('/');
        let place = cleared(&self.absolute(&joined(self.state.dir.as_deref()?, &read(args).dir?))?);
        let rest = place.strip_prefix(top)?;
        if rest.is_empty() || !rest.starts_with('/') {
            return None;
        }
        // Below where the agent is, there may be a worktree or a repository of its own.
        let is_above = self.around.cwd.is_some_and(|cwd| cwd.starts_with(&place));
        let is_own = |part: &str| {
            part.starts_with('.') || part.contains("worktree") || super::search::is_filled(part) || part == "wt" || part == "external"
        };
        (is_above || !rest.split('/').filter(|part| !part.is_empty()).any(is_own)).then(|| top.to_owned())
    }

    /// The top of the repository that the shell is in, where it is known.
    pub(super) fn top(&self) -> Option<String> {
        let top = self.around.top?.trim_end_matches('/');
        let here = cleared(&self.here_absolute()?);
        let rest = here.strip_prefix(top)?;
        (rest.is_empty() || rest.starts_with('/')).then(|| top.to_owned())
    }
}

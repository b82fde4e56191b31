//! Programs that bring files from one machine to another, or fetch them.

use super::Shell;
use super::onto::into_second;
use super::options::Options;
use super::paths::{is_file_name, joined, moved};
use super::specs::within;
use super::word::{Word, has_name};
use crate::hook::Written;

/// Options of `curl` that take a value; an address among the values is none that is fetched.
pub(super) const CURL_VALUED: &str = "A b c C d D e E F H K m o P Q r t T u U w x X y Y z output output-dir url data data-raw data-binary data-ascii \
     data-urlencode json form form-string header referer user-agent user request cookie cookie-jar dump-header proxy preproxy \
     proxy-user range upload-file write-out max-time connect-timeout retry retry-delay retry-max-time limit-rate cacert capath cert key \
     config resolve connect-to interface trace trace-ascii stderr doh-url etag-save etag-compare hsts libcurl alt-svc";

/// Options of `rsync` that take a value.
pub(super) const RSYNC_VALUED: &str = "e f B M T rsh filter exclude include exclude-from include-from files-from backup-dir suffix log-file chmod \
     chown usermap groupmap temp-dir partial-dir compare-dest copy-dest link-dest rsync-path max-size min-size timeout bwlimit port \
     password-file out-format";

/// Options of `wget` that take a value.
pub(super) const WGET_VALUED: &str = "O o a e i B t T w Q P U l A R D I X output-document output-file directory-prefix header user-agent tries timeout wait \
     post-data method body-data load-cookies save-cookies referer";

/// Options of `ansible` that take a value.
pub(super) const ANSIBLE_VALUED: &str =
    "m a i c e u l module-name args inventory connection extra-vars user limit become-user playbook-dir";

/// Options of `aws` that take a value.
pub(super) const AWS_VALUED: &str =
    "bucket key profile region range version-id function-name payload endpoint-url output query cli-binary-format invocation-type";

/// Whether a call of `ansible` is for this machine.
pub(super) fn is_local(options: &Options<'_>) -> bool {
    let is_here = |word: &&Word| matches!(word.text.trim_end_matches(','), "localhost" | "127.0.0.1");
    let named = options.values(&["c", "connection"]);
    options.operands.iter().any(is_here)
        || named.iter().any(|word| word.is("local"))
        || options.values(&["i", "inventory"]).iter().any(is_here)
}

/// Modules of `ansible` that write: `path=FILE`, `dest=FILE`.
pub(super) fn ansible(options: &Options<'_>) -> Vec<Written> {
    const WRITES: &str = "lineinfile blockinfile replace copy template file get_url unarchive assemble ini_file xml synchronize git";
    let module = options.values(&["m", "module-name"]).last().map_or("", |module| module.text.rsplit('.').next().unwrap_or_default());
    if !super::options::is_among(WRITES, module) || !is_local(options) || options.has(&["C", "check"]) {
        return Vec::new();
    }
    let args = options.values(&["a", "args"]);
    let fields = args.iter().flat_map(|args| args.value.split_whitespace()).filter_map(|field| field.split_once('='));
    let files = fields.filter(|(name, _)| matches!(*name, "path" | "dest" | "name" | "destfile"));
    files.filter_map(|(_, file)| Word::of(file.trim_matches(['"', '\''])).as_tree()).collect()
}

/// Of files that come from another machine, or go there: the writes on this machine.
pub(super) fn remote(operands: &[&Word], is_far: impl Fn(&str) -> bool) -> Vec<Written> {
    match operands.split_last() {
        Some((target, sources)) if !sources.is_empty() && !is_far(&target.text) => {
            let mut found: Vec<Written> = target.as_file().into_iter().collect();
            for source in sources {
                let name = source.name().map(|name| name.rsplit(':').next().unwrap_or(name));
                if let (Some(name), Some(dir)) = (name, target.known()) {
                    found.push(Written::tree(joined(dir, name)));
                }
            }
            found.extend(
                target
                    .known()
                    .filter(|dir| dir.ends_with('/') || sources.iter().any(|source| source.name().is_none()))
                    .map(Shell::somewhere),
            );
            found
        }
        _ => Vec::new(),
    }
}

pub(super) fn rsync(options: &Options<'_>) -> Vec<Written> {
    let Some((target, sources)) = options.operands.split_last().filter(|(_, sources)| !sources.is_empty()) else { return Vec::new() };
    let is_far = |word: &Word| word.text.split('/').next().is_some_and(|first| first.contains(':'));
    if options.has(&["n", "dry-run", "list-only"]) {
        return Vec::new();
    }
    let mut found = Vec::new();
    if options.has(&["remove-source-files"]) {
        found.extend(sources.iter().filter(|source| !is_far(source)).filter_map(|source| source.as_tree()));
    }
    if is_far(target) {
        return found;
    }
    // The files of a source, under names that only the run decides.
    let is_spread = |source: &&Word| source.name().is_none() || source.text.ends_with('/') || source.tail().ends_with('/');
    if options.has(&["R", "relative"]) || options.has_beginning("delete") || sources.iter().any(is_spread) {
        found.extend(target.as_tree().filter(|written| has_name(&written.path)));
        return found;
    }
    let dir = target.text.trim_end_matches('/');
    if !target.is_known {
        found.extend(target.as_tree());
        return found;
    }
    let names = sources.iter().filter_map(|source| source.name()).map(|name| name.rsplit(':').next().unwrap_or(name));
    found.extend(names.map(|name| Written::tree(format!("{dir}/{name}"))));
    found.extend(Some(Written::file(dir)).filter(|_| has_name(dir)));
    found
}

pub(super) fn curl(options: &Options<'_>) -> Vec<Written> {
    let dir = match options.values(&["output-dir"]).last().map(|dir| dir.known()) {
        // It could be anywhere.
        Some(None) => return Vec::new(),
        Some(Some(dir)) => dir.to_owned(),
        None => String::new(),
    };
    let named = options.values(&["o", "output"]);
    let is_file = |word: &&&Word| !word.is_known || is_file_name(&word.text);
    let mut found: Vec<Written> = Vec::new();
    // A `#` means a part of the address.
    found.extend(named.iter().filter(|word| !word.text.contains('#')).filter(is_file).filter_map(|word| word.as_file()));
    let beside = options.values_of_any("D dump-header c cookie-jar trace trace-ascii etag-save stderr hsts alt-svc libcurl");
    let beside: Vec<Written> = beside.iter().filter(is_file).filter_map(|word| word.as_file()).collect();
    let are_told = options.has(&["J", "remote-header-name"]);
    if options.has(&["O", "remote-name", "remote-name-all"]) {
        let addresses = options.operands.iter().copied().chain(options.values(&["url"])).filter(|_| !are_told);
        found.extend(addresses.filter_map(|word| word.known().and_then(file_of_address)).map(Written::file));
        found.push(Shell::somewhere(""));
    }
    moved(&dir, found).into_iter().chain(beside).collect()
}

pub(super) fn wget(options: &Options<'_>) -> Vec<Written> {
    if options.has(&["spider", "help", "version"]) {
        return Vec::new();
    }
    let logs = options.values_of_any("o output-file a save-cookies").into_iter().filter_map(Word::as_file);
    let mut found: Vec<Written> = logs.collect();
    let named = options.values(&["O", "output-document"]);
    if !named.is_empty() {
        found.extend(named.into_iter().filter(|word| !word.is_known || is_file_name(&word.text)).filter_map(Word::as_file));
        return found;
    }
    if options.operands.is_empty() && options.values(&["i"]).is_empty() {
        return found;
    }
    let here = Word::of(".");
    let dir = options.values(&["P", "directory-prefix"]).last().copied().unwrap_or(&here).clone();
    let Some(path) = dir.known() else { return within(&dir) };
    let names = options.operands.iter().filter_map(|word| word.known().and_then(file_of_address));
    found.extend(names.map(|name| Written::file(joined(path, name))));
    found.push(Shell::somewhere(path));
    found
}

/// The last name in an address.
fn file_of_address(address: &str) -> Option<&str> {
    let behind = address.split_once("://").map_or(address, |(_, behind)| behind);
    let path = behind.split(['?', '#']).next()?;
    let (_, name) = path.rsplit_once('/')?;
    (!matches!(name, "" | "." | "..") && !name.contains(['{', '['])).then_some(name)
}

pub(super) fn hub(args: &[Word]) -> Vec<Written> {
    let words: Vec<&str> = args.iter().take(2).filter_map(Word::known).collect();
    let rest = args.get(2..).unwrap_or_default();
    match words.as_slice() {
        ["repo", "clone"] => into_second(rest, "u upstream-remote-name"),
        ["gist", "clone"] => into_second(rest, ""),
        ["release" | "run", "download"] => {
            let options = Options::read(rest, "D dir O output p pattern R repo A archive n name", "");
            let mut found: Vec<Written> = options.values(&["O", "output"]).into_iter().filter_map(Word::as_file).collect();
            match options.values(&["D", "dir"]).last() {
                Some(dir) => found.extend(within(dir)),
                None if found.is_empty() => found.push(Shell::somewhere("")),
                None => {}
            }
            found
        }
        _ => Vec::new(),
    }
}

//! What the common programs write, by their options and operands.

use super::options::Options;
use super::simple::{Word, has_name, is_assignment};
use super::{git, joined};
use crate::hook::Written;

/// Options of `curl` that take a value; an address among the values is none that is fetched.
const CURL_VALUED: &str = "A b c C d D e E F H K m o P Q r t T u U w x X y Y z output output-dir url data data-raw data-binary data-ascii \
     data-urlencode json form form-string header referer user-agent user request cookie cookie-jar dump-header proxy preproxy \
     proxy-user range upload-file write-out max-time connect-timeout retry retry-delay retry-max-time limit-rate cacert capath cert key \
     config resolve connect-to interface trace trace-ascii stderr doh-url";

/// Options of `rsync` that take a value.
const RSYNC_VALUED: &str = "e f B M T rsh filter exclude include exclude-from include-from files-from backup-dir suffix log-file chmod \
     chown usermap groupmap temp-dir partial-dir compare-dest copy-dest link-dest rsync-path max-size min-size timeout bwlimit port \
     password-file out-format";

/// Letters of `tar` that take a value.
const TAR_VALUED: &str = "f C b T X g N I K F L H V";

/// What a program is going to write.
pub(super) fn writes(program: &str, args: &[Word]) -> Vec<Written> {
    let read = |valued: &str, attached: &str| Options::read(args, valued, attached);
    match program {
        "tee" | "unlink" => files(&read("", "").operands),
        "touch" => files(&read("d r t date reference time", "").operands),
        "shred" => files(&read("n s iterations size random-source", "").operands),
        "truncate" => files(&read("s r size reference", "").operands),
        "rm" | "rmdir" => trees(&read("", "").operands),
        "sed" => sed(&read("e f l expression file line-length", "i")),
        "perl" | "ruby" => {
            let options = read("e E I r", "i M m F d D C x");
            let scripts = usize::from(!options.has(&["e", "E"]));
            if options.has(&["i"]) { files(options.operands.get(scripts..).unwrap_or_default()) } else { Vec::new() }
        }
        "awk" | "gawk" => awk(&read("F f v i e E l file field-separator assign include source exec load", "d D o p L")),
        "mv" => onto(&read("t S target-directory suffix", ""), true),
        "cp" => onto(&read("t S target-directory suffix", ""), false),
        "install" => {
            let options = read("t S m o g target-directory suffix mode owner group strip-program", "");
            // Directories hold nothing yet.
            if options.has(&["d", "directory"]) { Vec::new() } else { onto(&options, false) }
        }
        "ln" => {
            let options = read("t S target-directory suffix", "");
            match options.operands.as_slice() {
                [only] if options.values(&["t", "target-directory"]).is_empty() => only.name().map(Written::file).into_iter().collect(),
                _ => onto(&options, false),
            }
        }
        "rsync" => rsync(&read(RSYNC_VALUED, "")),
        "dd" => args.iter().filter(|arg| arg.text.starts_with("of=")).filter_map(|arg| arg.after(3).as_file()).collect(),
        "curl" => curl(&read(CURL_VALUED, "")),
        "wget" => {
            let options = read("O o a e i B t T w Q P U l A R D I X output-document output-file directory-prefix header user-agent", "");
            let is_file = |word: &&Word| !word.is("-") && !options.has(&["spider"]);
            options.values(&["O", "output-document"]).into_iter().filter(is_file).filter_map(Word::as_file).collect()
        }
        "tar" | "bsdtar" | "gtar" => tar(args),
        "unzip" => {
            let options = read("d P", "");
            let is_silent = options.has(&["l", "t", "p", "c", "v", "z", "Z"]);
            options.values(&["d"]).into_iter().filter(|_| !is_silent).filter_map(Word::as_tree).collect()
        }
        "patch" => patch(&read(
            "p i d o B D F g r V Y x z strip input directory output prefix ifdef fuzz get reject-file version-control basename-prefix suffix",
            "",
        )),
        "git" => git::writes(args),
        _ => Vec::new(),
    }
}

/// These words as files.
fn files(words: &[&Word]) -> Vec<Written> {
    words.iter().filter_map(|word| word.as_file()).collect()
}

/// These words as files, or directories with all that is in them.
pub(super) fn trees(words: &[&Word]) -> Vec<Written> {
    words.iter().filter_map(|word| word.as_tree()).collect()
}

fn sed(options: &Options<'_>) -> Vec<Written> {
    if !options.has(&["i", "in-place"]) {
        return Vec::new();
    }
    let operands = match options.operands.as_slice() {
        // Where the option's value is a word of its own, none is given so.
        [suffix, rest @ ..] if suffix.is("") => rest,
        operands => operands,
    };
    let scripts = usize::from(!options.has(&["e", "f", "expression", "file"]));
    files(operands.get(scripts..).unwrap_or_default())
}

fn awk(options: &Options<'_>) -> Vec<Written> {
    if !options.values(&["i", "include"]).iter().any(|word| word.is("inplace")) {
        return Vec::new();
    }
    let scripts = usize::from(!options.has(&["f", "e", "E", "file", "source", "exec"]));
    let operands = options.operands.get(scripts..).unwrap_or_default();
    operands.iter().filter(|word| !is_assignment(&word.text)).filter_map(|word| word.as_file()).collect()
}

/// Of a command with sources and a destination: the destination, what would stand in it were it a directory, and, of a move, the sources.
pub(super) fn onto(options: &Options<'_>, moves: bool) -> Vec<Written> {
    let named = options.values(&["t", "target-directory"]);
    let (target, sources) = match (named.as_slice(), options.operands.as_slice()) {
        ([.., target], sources) => (*target, sources),
        ([], [sources @ .., target]) if !sources.is_empty() => (*target, sources),
        _ => return Vec::new(),
    };
    let mut found = if moves { trees(sources) } else { Vec::new() };
    let Some(path) = target.known() else {
        found.extend(target.as_tree());
        return found;
    };
    let dir = path.trim_end_matches('/');
    if options.has(&["T", "no-target-directory"]) {
        found.extend(Some(Written::tree(dir)).filter(|_| has_name(dir)));
        return found;
    }
    let is_dir = dir.len() < path.len() || !named.is_empty();
    for source in sources {
        match source.name() {
            Some(name) => found.push(Written::tree(format!("{dir}/{name}"))),
            None if is_dir && has_name(dir) => {
                found.extend(source.name_pattern().map(|name| Written::below(dir, format!("{name}/**"))));
            }
            None => {}
        }
    }
    // A directory that is only where one is stays as it is.
    found.extend(Some(Written::file(dir)).filter(|_| has_name(dir)));
    found
}

fn rsync(options: &Options<'_>) -> Vec<Written> {
    let Some((target, sources)) = options.operands.split_last().filter(|(_, sources)| !sources.is_empty()) else { return Vec::new() };
    let is_far = target.text.split('/').next().is_some_and(|first| first.contains(':'));
    if is_far || options.has(&["n", "dry-run", "list-only"]) {
        return Vec::new();
    }
    // What is in a source, under names that only the run tells.
    let is_spread = |source: &&Word| source.name().is_none() || source.text.ends_with('/') || source.tail.ends_with('/');
    if options.has(&["R", "relative"]) || options.has_beginning("delete") || sources.iter().any(is_spread) {
        return target.as_tree().filter(|written| has_name(&written.path)).into_iter().collect();
    }
    let dir = target.text.trim_end_matches('/');
    if !target.is_known {
        return target.as_tree().into_iter().collect();
    }
    let mut found: Vec<Written> =
        sources.iter().filter_map(|source| source.name()).map(|name| Written::tree(format!("{dir}/{name}"))).collect();
    found.extend(Some(Written::file(dir)).filter(|_| has_name(dir)));
    found
}

fn curl(options: &Options<'_>) -> Vec<Written> {
    let dir = match options.values(&["output-dir"]).last().map(|dir| dir.known()) {
        // It could be anywhere.
        Some(None) => return Vec::new(),
        Some(Some(dir)) => dir.to_owned(),
        None => String::new(),
    };
    let named = options.values(&["o", "output"]);
    let mut found: Vec<Written> = Vec::new();
    // A `#` stands for a part of the address.
    found.extend(named.iter().filter(|word| !word.is("-") && !word.text.contains('#')).filter_map(|word| word.as_file()));
    let by_their_names = options.has(&["O", "remote-name", "remote-name-all"]) && !options.has(&["J", "remote-header-name"]);
    if by_their_names && named.is_empty() {
        let addresses = options.operands.iter().copied().chain(options.values(&["url"]));
        found.extend(addresses.filter_map(|word| word.known().and_then(file_of_address)).map(Written::file));
    }
    found.into_iter().map(|written| Written { path: joined(&dir, &written.path), ..written }).collect()
}

/// The last name in an address.
fn file_of_address(address: &str) -> Option<&str> {
    let (_, behind) = address.split_once("://")?;
    let path = behind.split(['?', '#']).next()?;
    let (_, name) = path.rsplit_once('/')?;
    (!matches!(name, "" | "." | "..") && !name.contains(['{', '['])).then_some(name)
}

fn tar(args: &[Word]) -> Vec<Written> {
    let args = dashed(args);
    let long = "file directory blocking-factor files-from exclude-from exclude transform xform strip-components strip starting-file \
                use-compress-program mode owner group newer format label";
    let options = Options::read(&args, &format!("{TAR_VALUED} {long}"), "");
    if !options.has(&["x", "extract", "get"]) || options.has(&["O", "to-stdout", "one-top-level", "t", "c"]) {
        return Vec::new();
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
        // What an archive has in it, only the run tells: here it could be anything.
        _ if dir == here => Vec::new(),
        _ => dir.as_tree().into_iter().collect(),
    }
}

/// The words of `tar` with dashes before the letters that may go without: their values follow all of them.
fn dashed(args: &[Word]) -> Vec<Word> {
    let Some((letters, rest)) = args.split_first().filter(|(first, _)| first.is_known && !first.text.starts_with('-')) else {
        return args.to_vec();
    };
    let mut words = Vec::new();
    let mut rest = rest.iter();
    for letter in letters.text.chars() {
        words.push(Word::of(format!("-{letter}")));
        if TAR_VALUED.split(' ').any(|valued| valued.starts_with(letter)) {
            words.extend(rest.next().cloned());
        }
    }
    words.extend(rest.cloned());
    words
}

fn patch(options: &Options<'_>) -> Vec<Written> {
    if options.has(&["dry-run", "C", "check"]) {
        return Vec::new();
    }
    let dir = match options.values(&["d", "directory"]).last().map(|dir| dir.known()) {
        Some(None) => return Vec::new(),
        Some(Some(dir)) => dir.to_owned(),
        None => String::new(),
    };
    let named = options.values(&["o", "output"]);
    let target = named.last().or(options.operands.first()).filter(|word| !word.is("-"));
    let found = target.and_then(|word| word.as_file());
    found.into_iter().map(|written| Written { path: joined(&dir, &written.path), ..written }).collect()
}

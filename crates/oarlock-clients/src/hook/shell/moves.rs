//! Programs that bring files from one place to another: copies, downloads, archives, patches.

use super::archives::{cpio, dashed, seven_zip, tar, unzip};
use super::options::Options;
use super::programs::moved;
use super::specs::within;
use super::word::{Word, has_name};
use super::{Shell, is_file_name, joined, makes};
use crate::hook::{Written, patch};

/// Options of `curl` that take a value; an address among the values is none that is fetched.
const CURL_VALUED: &str = "A b c C d D e E F H K m o P Q r t T u U w x X y Y z output output-dir url data data-raw data-binary data-ascii \
     data-urlencode json form form-string header referer user-agent user request cookie cookie-jar dump-header proxy preproxy \
     proxy-user range upload-file write-out max-time connect-timeout retry retry-delay retry-max-time limit-rate cacert capath cert key \
     config resolve connect-to interface trace trace-ascii stderr doh-url etag-save etag-compare hsts libcurl alt-svc";

/// Options of `rsync` that take a value.
const RSYNC_VALUED: &str = "e f B M T rsh filter exclude include exclude-from include-from files-from backup-dir suffix log-file chmod \
     chown usermap groupmap temp-dir partial-dir compare-dest copy-dest link-dest rsync-path max-size min-size timeout bwlimit port \
     password-file out-format";

/// Options of `wget` that take a value.
const WGET_VALUED: &str = "O o a e i B t T w Q P U l A R D I X output-document output-file directory-prefix header user-agent tries timeout wait \
     post-data method body-data load-cookies save-cookies referer";

/// Options of `patch` that take a value.
pub(super) const PATCH_VALUED: &str =
    "p i d o B D F g r V Y x z strip input directory output prefix ifdef fuzz get reject-file version-control basename-prefix suffix";

/// What a program is going to write; nothing for one that is not read here.
pub(super) fn writes(program: &str, args: &[Word]) -> Option<Vec<Written>> {
    let read = |valued: &str, attached: &str| Options::read(args, valued, attached);
    let verb = |at: usize, text: &str| args.get(at).is_some_and(|arg| arg.is(text));
    Some(match program {
        "mv" | "gmv" => onto(&read("t S target-directory suffix", ""), Onto::Moves),
        "cp" | "gcp" | "cpx" | "copyfiles" | "cpy" | "ncp" => onto(&read("t S target-directory suffix u", ""), Onto::Copies),
        "install" | "ginstall" => {
            let options = read("t S m o g target-directory suffix mode owner group strip-program", "");
            // Directories hold nothing yet.
            if options.has(&["d", "directory"]) { Vec::new() } else { onto(&options, Onto::Copies) }
        }
        "ln" | "link" => {
            let options = read("t S target-directory suffix", "");
            match options.operands.as_slice() {
                [only] if options.values(&["t", "target-directory"]).is_empty() => only.name().map(Written::file).into_iter().collect(),
                _ => onto(&options, Onto::Links),
            }
        }
        "rsync" => rsync(&read(RSYNC_VALUED, "")),
        "scp" | "rcp" => {
            remote(&read("P i F l o c S J D X", "").operands, |text| text.split('/').next().is_some_and(|first| first.contains(':')))
        }
        "gzip" | "gunzip" | "bzip2" | "bunzip2" | "xz" | "unxz" | "lzma" | "pigz" | "zstd" | "unzstd" | "lz4" | "unlz4" | "brotli"
        | "compress" | "uncompress" => makes::packed(program, &read("S suffix T threads o output", "")),
        "dos2unix" | "unix2dos" | "mac2unix" | "unix2mac" => {
            let options = read("c D convmode", "");
            match options.operands.as_slice() {
                _ if options.has_any("i info O to-stdout help version") => Vec::new(),
                pairs if options.has_any("n newfile") => pairs.iter().skip(1).step_by(2).filter_map(|word| word.as_file()).collect(),
                files => files.iter().filter_map(|word| word.as_file()).collect(),
            }
        }
        "gcc" | "g++" | "cc" | "c++" | "clang" | "clang++" | "emcc" | "gfortran" => makes::compiled(args),
        "javac"
            if !args.iter().any(|arg| matches!(arg.known(), Some("-d" | "-help" | "--help" | "-version" | "--version" | "-proc:only"))) =>
        {
            let options =
                Options::read_single(args, "cp classpath sourcepath target source processor s h p processorpath encoding release");
            makes::beside(&options.operands, &["java"], &["class"])
        }
        "tsc"
            if !args.iter().any(|arg| {
                ["--noemit", "--outdir", "--outfile", "--build", "-b", "--init", "-p", "--project"]
                    .contains(&arg.text.to_ascii_lowercase().as_str())
            }) =>
        {
            let options = Options::read_single(args, "target t module m lib rootDir jsx moduleResolution types");
            makes::beside(&options.operands, &["ts", "tsx", "mts", "cts"], &["js", "jsx", "mjs", "cjs", "d.ts"])
        }
        "sass" | "grass" if args.iter().any(|arg| arg.is("--update")) && !args.iter().any(|arg| arg.text.contains(':')) => {
            read("I load-path s style", "").operands.iter().filter_map(|word| word.as_tree()).collect()
        }
        "protoc" => makes::protoc(args),
        "zip" if args.iter().any(|arg| matches!(arg.known(), Some("-sf" | "-su" | "-sU" | "-h" | "-h2"))) => Vec::new(),
        "zip"
            if args
                .iter()
                .any(|arg| arg.text.starts_with('-') && !arg.text.starts_with("--") && arg.text.contains('m') || arg.is("--move")) =>
        {
            read("x i P n t b", "").operands.iter().filter_map(|word| word.as_tree()).collect()
        }
        "zipfile" | "tarfile" => {
            let options = read("", "");
            match options.operands.as_slice() {
                [archive, ..] if options.has_any("c create") => archive.as_file().into_iter().collect(),
                [_, dir, ..] if options.has_any("e extract") => dir.as_tree().into_iter().chain(within(dir)).collect(),
                _ => Vec::new(),
            }
        }
        "comby" if args.iter().any(|arg| matches!(arg.known(), Some("-i" | "-in-place" | "--in-place"))) => {
            let options = Options::read_single(args, "d f directory extensions matcher config templates jobs exclude-dir");
            let here = Word::of(".");
            let dir = options.values(&["d", "directory"]).last().copied().unwrap_or(&here).clone();
            let places = options.operands.get(2..).unwrap_or_default();
            match dir.known() {
                _ if options.has_any("stdout diff") => Vec::new(),
                Some(_) if places.is_empty() && options.has(&["f"]) => {
                    options.values(&["f"]).into_iter().filter_map(Word::as_tree).collect()
                }
                Some(path) if places.iter().any(|word| word.text.starts_with('.') && !word.text.contains('/')) => {
                    let endings = places.iter().flat_map(|word| word.text.split(',')).filter(|end| end.starts_with('.'));
                    endings.map(|end| Written::below(path, format!("**/*{end}"))).collect()
                }
                _ if places.is_empty() => dir.as_tree().into_iter().collect(),
                Some(path) => places.iter().filter_map(|word| Word::of(joined(path, &word.value)).as_tree()).collect(),
                None => Vec::new(),
            }
        }
        "jupyter" | "jupyter-nbconvert" | "jupytext"
            if args.iter().any(|arg| arg.is("--to") || arg.text.starts_with("--to="))
                && !args.iter().any(|arg| {
                    ["--output", "--stdout", "--inplace", "-o", "--output-dir", "--test", "--sync"]
                        .iter()
                        .any(|flag| arg.text.starts_with(flag))
                }) =>
        {
            let options = Options::read(args, "to template from set-kernel opt", "");
            let stem = |word: &&Word| word.known()?.strip_suffix(".ipynb").map(|stem| Word::of(format!("{stem}.{}", super::word::STAR)));
            let notebooks = options.operands.iter();
            notebooks.filter_map(stem).filter_map(|word| word.as_file()).collect()
        }
        "Rscript" | "R" | "julia" => {
            let options = Options::read(args, "e eval E print", "");
            options
                .values(&["e", "eval", "E"])
                .into_iter()
                .flat_map(|text| makes::written_by_call(&text.value, program == "julia"))
                .collect()
        }
        "dd" => args.iter().filter(|arg| arg.text.starts_with("of=")).filter_map(|arg| arg.after(3).as_file()).collect(),
        "curl" => curl(&read(CURL_VALUED, "")),
        "wget" | "wget2" => wget(&read(WGET_VALUED, "")),
        "tar" | "bsdtar" | "gtar" => tar(args),
        "unzip" => unzip(&read("d P", "")),
        "7z" | "7za" | "7zz" => seven_zip(args),
        "cpio" => cpio(&read("D directory F file H format I O E R C", "")),
        "ar" => {
            let letters = args.first().map_or("", |arg| arg.text.trim_start_matches('-'));
            match args.get(1) {
                Some(archive) if letters.contains(['r', 'q', 'd', 'm', 's']) => archive.as_file().into_iter().collect(),
                Some(_) if letters.contains('x') => vec![Shell::somewhere("")],
                _ => Vec::new(),
            }
        }
        "jar" => {
            let args = dashed(args, "f e m C");
            let options = Options::read(&args, "f e m C file main-class manifest", "");
            match () {
                () if options.has(&["c", "u", "create", "update"]) => {
                    options.values(&["f", "file"]).into_iter().filter_map(Word::as_file).collect()
                }
                () if options.has(&["x", "extract"]) => vec![Shell::somewhere("")],
                () => Vec::new(),
            }
        }
        "aws" if verb(0, "s3") => match args.get(1).and_then(Word::known) {
            Some("cp" | "sync" | "mv") => {
                let rest = &args[2..];
                let options = Options::read(rest, "exclude include profile region acl storage-class endpoint-url", "");
                if options.has(&["dryrun"]) { Vec::new() } else { remote(&options.operands, |text| text.starts_with("s3://")) }
            }
            _ => Vec::new(),
        },
        "gsutil" | "gcloud" | "azcopy" | "rclone" | "s3cmd" | "mc" => {
            let at = args
                .iter()
                .position(|arg| matches!(arg.known(), Some("cp" | "rsync" | "mv" | "copy" | "sync" | "move" | "copyto" | "get")));
            let Some(at) = at else { return Some(Vec::new()) };
            let options = Options::read(&args[at + 1..], "exclude include x filter transfers", "");
            if options.has(&["n", "dry-run"]) && program != "gsutil" {
                return Some(Vec::new());
            }
            remote(&options.operands, |text| text.split('/').next().is_some_and(|first| first.contains(':')))
        }
        "kubectl" | "oc" if verb(0, "cp") => {
            let options = Options::read(&args[1..], "c container n namespace", "");
            remote(&options.operands, |text| text.contains(':'))
        }
        "docker" => {
            if args.iter().any(|arg| arg.is("save") || arg.is("export")) {
                return Some(Options::read(args, "o output", "").values(&["o", "output"]).into_iter().filter_map(Word::as_file).collect());
            }
            let at = args.iter().position(|arg| arg.is("cp"));
            let Some(at) = at else { return Some(Vec::new()) };
            remote(&Options::read(&args[at + 1..], "", "").operands, |text| text.contains(':'))
        }
        "gh" | "glab" => hub(args),
        "svn" | "hg" | "bzr" | "jj"
            if args.first().is_some_and(|arg| matches!(arg.known(), Some("checkout" | "co" | "export" | "clone"))) =>
        {
            into_second(&args[1..], "r b u branch revision username password")
        }
        "svn" | "hg" | "jj" | "bzr" => match args.first().and_then(Word::known) {
            Some("revert" | "restore" | "rm" | "remove" | "delete") => {
                Options::read(&args[1..], "r rev from to revision", "").operands.iter().filter_map(|word| word.as_tree()).collect()
            }
            _ => Vec::new(),
        },
        "degit" | "tiged" | "giget" => into_second(args, ""),
        "create-next-app" | "create-react-app" | "create-vite" | "create-expo-app" | "express-generator" | "create-remix" => {
            Options::read(args, "t template e example", "").operands.first().and_then(|word| word.as_tree()).into_iter().collect()
        }
        "npm" | "pnpm" | "yarn" | "bun"
            if verb(0, "create") || (verb(0, "init") && args.get(1).is_some_and(|arg| !arg.text.starts_with('-'))) =>
        {
            let options = Options::read(&args[1..], "t template", "");
            options.operands.get(1).and_then(|word| word.as_tree()).into_iter().collect()
        }
        "npm" | "pnpm" if verb(0, "pkg") || args.iter().any(|arg| arg.is("pkg")) => {
            let options = Options::read(args, "prefix C w workspace", "");
            let dir = options.values(&["prefix", "C", "w", "workspace"]).last().and_then(|dir| dir.known()).unwrap_or("").to_owned();
            let changes = options.operands.get(1).is_some_and(|verb| matches!(verb.known(), Some("set" | "delete" | "fix")));
            if changes { vec![Written::file(joined(&dir, "package.json"))] } else { Vec::new() }
        }
        "npm" | "pnpm" | "yarn" if args.iter().any(|arg| arg.is("audit")) => {
            let fixes = args.iter().any(|arg| arg.is("fix") || arg.is("--fix")) && !args.iter().any(|arg| arg.is("--dry-run"));
            let forces = args.iter().any(|arg| arg.is("--force") || arg.is("--fix"));
            let all = [Written::file("package-lock.json"), Written::file("package.json")];
            all.into_iter().take(usize::from(fixes) + usize::from(fixes && forces)).collect()
        }
        "npm"
            if args.iter().any(|arg| arg.is("install") || arg.is("i"))
                && Options::read(args, "prefix C w workspace registry", "").operands.len() == 1 =>
        {
            let options = Options::read(args, "prefix C w workspace registry", "");
            let dir = options.values(&["prefix", "C"]).last().and_then(|dir| dir.known()).unwrap_or("").to_owned();
            let spares = options.has(&["g", "global", "no-save", "no-package-lock", "dry-run"]);
            [Written::file(joined(&dir, "package-lock.json"))].into_iter().filter(|_| !spares).collect()
        }
        "unrar" | "rar" if verb(0, "x") || verb(0, "e") => {
            let options = Options::read(&args[1..], "", "");
            options.operands.last().filter(|last| last.text.ends_with('/')).map_or_else(|| vec![Shell::somewhere("")], |dir| within(dir))
        }
        "npm" if verb(0, "init") => vec![Written::file("package.json")],
        "go" if verb(0, "mod") => match args.get(1).and_then(Word::known) {
            Some("tidy" | "init" | "edit") => vec![Written::file("go.mod"), Written::file("go.sum")],
            Some("vendor") => vec![Written::tree("vendor")],
            _ => Vec::new(),
        },
        "uv" if verb(0, "pip") => {
            let options = Options::read(args, "o output-file t target r c e", "");
            let outputs = options.values(&["o", "output-file", "t", "target"]);
            outputs.into_iter().filter_map(Word::as_tree).collect()
        }
        "terraform" | "tofu" if args.iter().any(|arg| arg.is("output") || arg.is("show")) => Vec::new(),
        _ => return None,
    })
}

/// What a command with sources and a destination does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Onto {
    /// Writes into a file that is there, also through a link.
    Copies,
    /// Takes the sources away, and replaces what is there.
    Moves,
    /// Makes links, and replaces what is there.
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

/// Of files that come from another machine, or go there: what is written here.
fn remote(operands: &[&Word], is_far: impl Fn(&str) -> bool) -> Vec<Written> {
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

fn rsync(options: &Options<'_>) -> Vec<Written> {
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
    // What is in a source, under names that only the run tells.
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

fn curl(options: &Options<'_>) -> Vec<Written> {
    let dir = match options.values(&["output-dir"]).last().map(|dir| dir.known()) {
        // It could be anywhere.
        Some(None) => return Vec::new(),
        Some(Some(dir)) => dir.to_owned(),
        None => String::new(),
    };
    let named = options.values(&["o", "output"]);
    let is_file = |word: &&&Word| !word.is_known || is_file_name(&word.text);
    let mut found: Vec<Written> = Vec::new();
    // A `#` stands for a part of the address.
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

fn wget(options: &Options<'_>) -> Vec<Written> {
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

fn hub(args: &[Word]) -> Vec<Written> {
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

/// What is fetched into the directory that the second operand names, or into one here.
pub(super) fn into_second(args: &[Word], valued: &str) -> Vec<Written> {
    let options = Options::read(args, valued, "");
    match options.operands.as_slice() {
        [_, dir, ..] => dir.as_tree().into_iter().collect(),
        [_] => vec![Shell::somewhere("")],
        [] => Vec::new(),
    }
}

/// What `patch` writes, with the text of the patch where it is known.
pub(super) fn patched(options: &Options<'_>, text: Option<&str>) -> Vec<Written> {
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
    let found: Vec<Written> = match (target, text) {
        (Some(target), _) => target.as_file().into_iter().collect(),
        (None, Some(text)) => {
            let strip = options.values(&["p", "strip"]).last().and_then(|count| count.known()?.parse().ok());
            patch::of_diff(text, strip).filter_map(|path| Word::of(path).as_tree()).collect()
        }
        (None, None) => Vec::new(),
    };
    moved(&dir, found)
}

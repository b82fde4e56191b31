//! Programs that bring files from one place to another: copies, downloads, archives, patches.

use super::archives::{cpio, dashed, seven_zip, tar, unzip};
use super::fetches::{ANSIBLE_VALUED, AWS_VALUED, CURL_VALUED, RSYNC_VALUED, WGET_VALUED, ansible, curl, hub, remote, rsync, wget};
use super::onto::{Onto, into_second, onto};
use super::options::Options;
use super::paths::{joined, moved};
use super::specs::within;
use super::word::{STAR, Word};
use super::{Shell, makes};
use crate::hook::{Written, patch};

/// Options of `patch` that take a value.
pub(super) const PATCH_VALUED: &str =
    "p i d o B D F g r V Y x z strip input directory output prefix ifdef fuzz get reject-file version-control basename-prefix suffix";

/// The paths that a program is going to write; none for a program that is not known here.
pub(super) fn writes(program: &str, args: &[Word]) -> Option<Vec<Written>> {
    let read = |valued: &str, attached: &str| Options::read(args, valued, attached);
    let verb = |at: usize, text: &str| args.get(at).is_some_and(|arg| arg.is(text));
    Some(match program {
        "mv" | "gmv" => onto(&read("t S target-directory suffix", ""), Onto::Moves),
        "cp" | "gcp" => {
            let options = read("t S target-directory suffix", "");
            let does = if options.has(&["remove-destination", "l", "link", "s", "symbolic-link"]) { Onto::Links } else { Onto::Copies };
            onto(&options, does)
        }
        "cpx" | "copyfiles" | "cpy" | "cpy-cli" | "ncp" => onto(&read("u up", ""), Onto::Copies),
        "install" | "ginstall" => {
            let options = read("t S m o g target-directory suffix mode owner group strip-program", "");
            // Directories hold nothing yet.
            // Existing files are removed before.
            if options.has(&["d", "directory"]) { Vec::new() } else { onto(&options, Onto::Links) }
        }
        "ln" | "link" => {
            let options = read("t S target-directory suffix", "");
            match options.operands.as_slice() {
                [only] if options.values(&["t", "target-directory"]).is_empty() => only.name().map(Written::file).into_iter().collect(),
                _ => onto(&options, Onto::Links),
            }
        }
        "rsync" => rsync(&read(RSYNC_VALUED, "")),
        "scp" | "rcp" | "sftp" => {
            remote(&read("P i F l o c S J D X", "").operands, |text| text.split('/').next().is_some_and(|first| first.contains(':')))
        }
        "gzip" | "gunzip" | "bzip2" | "bunzip2" | "xz" | "unxz" | "lzma" | "pigz" | "zstd" | "unzstd" | "lz4" | "unlz4" | "brotli"
        | "compress" | "uncompress" | "lzip" | "plzip" | "lzop" | "pbzip2" | "pixz" => {
            makes::packed(program, &read("S suffix T threads o output", ""))
        }
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
                ["--noemit", "--outdir", "--outfile", "--build", "-b", "--init", "-p", "--project", "--declarationdir", "--tsbuildinfofile"]
                    .contains(&arg.text.to_ascii_lowercase().as_str())
            }) =>
        {
            let options = Options::read_single(args, "target t module m lib rootDir jsx moduleResolution types");
            makes::beside(&options.operands, &["ts", "tsx", "mts", "cts"], &["js", "jsx", "mjs", "cjs", "d.ts"])
        }
        "jest" | "vitest" | "ava" | "pytest" | "py.test" | "playwright" if args.iter().any(renews_snapshots) => {
            let options = read("c config t testNamePattern k n m w maxWorkers reporter project g grep p", "");
            let is_verb = |word: &Word| matches!(word.known(), Some("run" | "watch" | "test" | "related" | "dev"));
            let tests = options.operands.iter().filter(|word| !is_verb(word));
            // They are in a folder beside the tests.
            let beside = |word: &&Word| match word.known()?.rsplit_once('/') {
                Some((dir, name)) if name.contains('.') => Some(Shell::somewhere(dir)),
                _ if word.text.contains('.') && !word.text.contains('/') => None,
                _ => word.as_tree(),
            };
            tests.filter_map(beside).chain(super::specs::written(program, args).unwrap_or_default()).collect()
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
                Some(_) if letters.contains('x') => match Options::read(args, "output", "").values(&["output"]).last() {
                    Some(dir) => within(dir),
                    None => vec![Shell::somewhere("")],
                },
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
                let is_far = |text: &str| text.starts_with("s3://");
                let mut found = remote(&options.operands, is_far);
                let sources = options.operands.iter().take(usize::from(args[1].is("mv"))).filter(|source| !is_far(&source.text));
                found.extend(sources.filter_map(|source| source.as_tree()).map(Written::entry));
                if options.has(&["dryrun"]) { Vec::new() } else { found }
            }
            _ => Vec::new(),
        },
        "aws" if args.get(1).is_some_and(|arg| matches!(arg.known(), Some("get-object" | "invoke" | "get-object-torrent"))) => {
            let options = Options::read(&args[2..], AWS_VALUED, "");
            options.operands.last().and_then(|file| file.as_file()).into_iter().collect()
        }
        "ansible" => ansible(&read(ANSIBLE_VALUED, "")),
        "gsutil" | "gcloud" | "azcopy" | "rclone" | "s3cmd" | "mc" => {
            let at = args
                .iter()
                .position(|arg| matches!(arg.known(), Some("cp" | "rsync" | "mv" | "copy" | "sync" | "move" | "copyto" | "get")));
            let Some(at) = at else { return Some(Vec::new()) };
            let options = Options::read(&args[at + 1..], "exclude include x filter transfers", "");
            if options.has(&["n", "dry-run"]) && program != "gsutil" {
                return Some(Vec::new());
            }
            let is_far = |text: &str| text.split('/').next().is_some_and(|first| first.contains(':'));
            let mut found = remote(&options.operands, is_far);
            let sources = options
                .operands
                .iter()
                .take(usize::from(matches!(args[at].known(), Some("mv" | "move"))))
                .filter(|word| !is_far(&word.text));
            found.extend(sources.filter_map(|source| source.as_tree()).map(Written::entry));
            found
        }
        "skopeo" if verb(0, "copy") => {
            let places = args.iter().filter_map(|arg| arg.text.split_once(':').map(|(kind, _)| (kind, arg.after(kind.len() + 1))));
            let mut here = places.filter(|(kind, _)| matches!(*kind, "dir" | "oci" | "oci-archive" | "docker-archive"));
            here.next_back()
                .and_then(|(_, place)| Word::of(place.value.split(':').next().unwrap_or_default()).as_tree())
                .into_iter()
                .collect()
        }
        "kubectl" | "oc" if verb(0, "cp") => {
            let options = Options::read(&args[1..], "c container n namespace", "");
            remote(&options.operands, |text| text.contains(':'))
        }
        "gh" | "glab" => hub(args),
        "svn" | "hg" | "bzr" | "jj"
            if args.first().is_some_and(|arg| matches!(arg.known(), Some("checkout" | "co" | "export" | "clone"))) =>
        {
            into_second(&args[1..], "r b u branch revision username password")
        }
        "svn" | "hg" | "jj" | "bzr" | "sl" => {
            let Some((verb, rest)) = args.split_first() else { return Some(Vec::new()) };
            let options = Options::read(rest, "r rev from to revision I X include exclude", "");
            let all = || vec![Written { only_undoes: true, ..Written::tree(".") }];
            match verb.known() {
                Some("revert" | "restore" | "purge" | "clean" | "undo") if options.operands.is_empty() && program != "svn" => all(),
                Some("shelve") if options.operands.is_empty() => all(),
                Some("update" | "up" | "checkout" | "co") if program != "svn" && options.has(&["C", "clean"]) => all(),
                Some("mv" | "move" | "rename") => onto(&options, Onto::Moves),
                Some("cp" | "copy") => onto(&options, Onto::Copies),
                Some("update" | "up") if program == "svn" => trees(&options),
                Some("switch") => options.operands.get(1).and_then(|dir| dir.as_tree()).into_iter().collect(),
                Some("revert" | "restore" | "rm" | "remove" | "delete" | "purge" | "shelve" | "resolve") => trees(&options),
                _ => Vec::new(),
            }
        }
        "hub" if verb(0, "clone") => into_second(&args[1..], "b branch depth"),
        "step" if verb(0, "certificate") && verb(1, "create") => {
            let options = Options::read(&args[2..], "profile ca ca-key kty size not-after san", "");
            options.operands.iter().skip(1).filter_map(|word| word.as_file()).collect()
        }
        "gpg" | "gpg2" if !args.iter().any(|arg| arg.text.starts_with("--output") || arg.is("-o")) => {
            let options = read("r u recipient local-user passphrase", "");
            let makes = options.has_any("c symmetric e encrypt s sign b detach-sign clearsign clear-sign");
            let made =
                options.operands.iter().take(if makes { usize::MAX } else { 0 }).map(|word| Word::of(format!("{}.{STAR}", word.value)));
            made.filter_map(|word| word.as_file()).collect()
        }
        "degit" | "tiged" | "giget" => into_second(args, ""),
        "create-next-app" | "create-react-app" | "create-vite" | "create-expo-app" | "express-generator" | "create-remix" => {
            Options::read(args, "t template e example", "").operands.first().and_then(|word| word.as_tree()).into_iter().collect()
        }
        "npm" | "pnpm" | "yarn" | "bun"
            if verb(0, "create") || (verb(0, "init") && args.get(1).is_some_and(|arg| !arg.text.starts_with('-'))) =>
        {
            // These change a project that is there.
            if args.get(1).is_some_and(|arg| arg.text.starts_with("@eslint/") || arg.text.starts_with("playwright")) {
                return Some(vec![Written::file("package.json")]);
            }
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
        "pnpm" | "bun" if args.iter().any(|arg| arg.is("install") || arg.is("i")) => {
            let options = Options::read(args, "filter F C dir store-dir registry cwd", "");
            let dir = options.values(&["C", "dir", "cwd"]).last().and_then(|dir| dir.known()).unwrap_or("").to_owned();
            let lock = if program == "bun" { "bun.lock" } else { "pnpm-lock.yaml" };
            let spares = options.has(&["g", "global", "no-save", "dry-run"]);
            // With names of packages it is `add`.
            let files = if options.operands.len() > 1 { vec!["package.json", lock] } else { vec![lock] };
            let is_kept = spares || (options.operands.len() == 1 && options.has(&["frozen-lockfile"]));
            files.into_iter().filter(|_| !is_kept).map(|file| Written::file(joined(&dir, file))).collect()
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
            Some("tidy" | "init") => vec![Written::file("go.mod"), Written::file("go.sum")],
            Some("edit") => {
                let options =
                    Options::read_single(&args[2..], "require droprequire replace dropreplace exclude module go toolchain retract");
                let named = options.operands.last().and_then(|file| file.as_file());
                named.into_iter().chain([Written::file("go.mod")]).take(usize::from(!options.has(&["json", "print"])) * 2).collect()
            }
            Some("vendor") => match Options::read_single(&args[2..], "o").values(&["o"]).last() {
                Some(dir) => dir.as_tree().into_iter().collect(),
                None => vec![Written::tree("vendor")],
            },
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

/// Whether the option makes tests rewrite their snapshots.
fn renews_snapshots(arg: &Word) -> bool {
    matches!(
        arg.known(),
        Some(
            "-u" | "--update"
                | "--updateSnapshot"
                | "--update-snapshots"
                | "--update-snapshot"
                | "--snapshot-update"
                | "--inline-snapshot=fix"
        )
    )
}

fn trees(options: &Options<'_>) -> Vec<Written> {
    options.operands.iter().filter_map(|word| word.as_tree()).collect()
}

/// The paths that `patch` writes, with the text of the patch where it is known.
pub(super) fn patched(options: &Options<'_>, text: Option<&str>) -> Vec<Written> {
    if options.has(&["dry-run", "C", "check", "help", "version"]) {
        return Vec::new();
    }
    let rejects = options.values(&["r", "reject-file"]).into_iter().filter_map(Word::as_file);
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
        // Only its file shows the content of the patch; it is below where it is applied.
        (None, None) => vec![Shell::somewhere("")],
    };
    moved(&dir, found.into_iter().chain(rejects).collect())
}

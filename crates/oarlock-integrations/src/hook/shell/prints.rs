//! The output of programs that print names: `echo`, `ls`, `git ls-files` and the like, as far as it is known, for the commands that
//! read it.

use super::options::Options;
use super::paths::{cleared, joined};
use super::search::expressions;
use super::word::{ANY, STAR, Word};
use super::{Printed, Shell, git};

/// The longest text that is printed, in bytes.
const BYTES_MAX: usize = 262_144;

/// The output of a program, where it is known.
pub(super) fn of(shell: &Shell<'_>, name: &str, args: &[Word]) -> Printed {
    let input = || shell.state.input.as_deref().map(str::to_owned);
    let text = match name {
        "echo" => {
            let words: Vec<&str> = args
                .iter()
                .skip_while(|arg| matches!(arg.known(), Some("-n" | "-e" | "-E" | "-ne" | "-en")))
                .map(|arg| arg.value.as_str())
                .collect();
            let text = words.join(" ");
            let is_escaped = args.first().is_some_and(|arg| matches!(arg.known(), Some("-e" | "-ne" | "-en")));
            format!("{}\n", if is_escaped { text.replace("\\n", "\n") } else { text })
        }
        "printf" => printed(args)?,
        "cat" | "tac" | "tee" | "sponge" | "nl" => {
            let files: Vec<&Word> = args.iter().filter(|arg| !arg.text.starts_with('-') || arg.is("-")).collect();
            if files.is_empty() || name == "tee" {
                return input();
            }
            files.iter().map(|file| shell.content(file)).collect::<Option<Vec<_>>>()?.concat()
        }
        "sort" | "uniq" | "head" | "tail" => {
            let options = Options::read(args, "n c k t S T s w f lines bytes key", "");
            if !options.operands.is_empty() {
                return None;
            }
            return input();
        }
        "tr" => {
            let is_of_lines = args.first().is_some_and(|arg| matches!(arg.value.as_str(), "\\n" | "\\0" | "\n"));
            return input().filter(|_| is_of_lines);
        }
        "grep" | "egrep" | "fgrep" | "rg" | "ag" | "ack" => return grep(shell, name, args),
        "pwd" => format!("{}\n", shell.here_absolute()?),
        "dirname" => {
            let path = args.iter().find(|arg| !arg.text.starts_with('-'))?.value.trim_end_matches('/').to_owned();
            match path.rsplit_once('/') {
                Some(("", _)) => "/\n".into(),
                Some((dir, _)) => format!("{dir}\n"),
                None if path.starts_with(ANY) => return None,
                None => ".\n".into(),
            }
        }
        "basename" => {
            let options = Options::read(args, "s suffix", "");
            let path = options.operands.first()?.value.trim_end_matches('/');
            let name = path.rsplit('/').next().unwrap_or(path);
            let end =
                options.values(&["s", "suffix"]).last().copied().or(options.operands.get(1).copied()).map_or("", |end| end.value.as_str());
            format!("{}\n", name.strip_suffix(end).unwrap_or(name))
        }
        "realpath" | "readlink" | "grealpath" | "greadlink" => {
            let path = args.iter().rfind(|arg| !arg.text.starts_with('-'))?;
            let seen = shell.seen(&path.value)?;
            format!("{}\n", shell.absolute(&seen).unwrap_or(seen))
        }
        "ls" => ls(args),
        "seq" => {
            let numbers: Option<Vec<i64>> = args.iter().map(|arg| arg.known()?.parse().ok()).collect();
            let (from, step, to) = match numbers?.as_slice() {
                [to] => (1, 1, *to),
                [from, to] => (*from, 1, *to),
                [from, step, to] if *step > 0 => (*from, *step, *to),
                _ => return None,
            };
            (from..=to).step_by(usize::try_from(step).ok()?).take(64).map(|number| format!("{number}\n")).collect()
        }
        "mktemp" | "tempfile" => {
            let options = Options::read(args, "p tmpdir suffix", "t");
            match options.operands.first() {
                Some(name) if !options.has(&["p", "tmpdir", "t"]) => format!("{}\n", name.value.replace("XXXXXX", &ANY.to_string())),
                _ => format!("/tmp/{ANY}\n"),
            }
        }
        "Get-ChildItem" | "gci" => {
            let options = Options::read_single(args, "Path Filter Include Exclude LiteralPath Depth path filter include");
            let here = Word::of(".");
            let given = options.values_of_any("Path path LiteralPath");
            let places: Vec<&Word> = options.operands.iter().copied().chain(given).collect();
            let names: Vec<String> = options
                .values_of_any("Filter Include filter include")
                .iter()
                .map(|name| name.value.replace('*', &STAR.to_string()))
                .collect();
            let places = if places.is_empty() { vec![&here] } else { places };
            places.iter().map(|place| below(place, &names)).collect()
        }
        "filterdiff" => filtered(args)?,
        "diff" | "gdiff" => {
            let options = Options::read(args, "x exclude label L U C", "");
            match options.operands.as_slice() {
                [old, new] if !options.has(&["q", "brief", "y"]) => format!("--- {}\n+++ {}\n", old.value, new.value),
                _ => return None,
            }
        }
        "shellcheck" if args.iter().any(|arg| arg.is("diff") || arg.text.ends_with("=diff")) => {
            heads("", &Options::read(args, "f format s shell e exclude S severity o enable", "").operands)
        }
        "which" => format!("{}\n", args.iter().rfind(|arg| !arg.text.starts_with('-'))?.known()?),
        "npm" | "yarn" | "pnpm" if args.first().is_some_and(|arg| arg.is("bin")) => match args.get(1) {
            Some(name) => format!("node_modules/.bin/{}\n", name.known()?),
            None => "node_modules/.bin\n".into(),
        },
        "sed" | "gsed" => prefixed(&input()?, args)?,
        "cut" => cut(&input()?, args)?,
        "awk" | "gawk" | "mawk" => fields(&input()?, args)?,
        "mkdir" | "touch" | "rm" | "mv" | "cp" | "chmod" | "sleep" | "cd" | "ln" => String::new(),
        _ => return None,
    };
    Some(text).filter(|text| text.len() <= BYTES_MAX)
}

/// `printf`, with `%s` and the ends of lines.
fn printed(args: &[Word]) -> Printed {
    let (format, mut values) = args.split_first()?;
    let format = format.value.replace("\\n", "\n").replace("\\0", "\n").replace("\\t", "\t");
    let mut out = String::new();
    loop {
        let mut takes = 0;
        let mut rest = format.chars();
        while let Some(c) = rest.next() {
            if c != '%' {
                out.push(c);
                continue;
            }
            match rest.next() {
                Some('%') => out.push('%'),
                Some('s' | 'b' | 'q') => {
                    out.push_str(values.get(takes).map_or("", |value| value.value.as_str()));
                    takes += 1;
                }
                _ => {
                    out.push(ANY);
                    takes += 1;
                }
            }
        }
        values = values.get(takes..).unwrap_or_default();
        if values.is_empty() || takes == 0 || out.len() > BYTES_MAX {
            return Some(out);
        }
    }
}

fn ls(args: &[Word]) -> String {
    let options = Options::read(args, "I w T", "");
    if options.operands.is_empty() {
        return format!("{STAR}\n");
    }
    let shown = |word: &&Word| {
        let name = word.value.rsplit('/').next().unwrap_or(&word.value);
        // A directory is shown by the names that are in it.
        let is_itself = options.has(&["d"]) || !word.is_known || name.trim_start_matches('.').contains('.');
        if is_itself { format!("{}\n", word.value) } else { format!("{ANY}\n") }
    };
    options.operands.iter().map(shown).collect()
}

/// The heads of the patch that `filterdiff` leaves, as far as it names the files.
fn filtered(args: &[Word]) -> Printed {
    let options = Options::read(args, "i x p include exclude strip-match strip addprefix lines hunks", "");
    let names = options.values(&["i", "include"]);
    let heads = |name: &&Word| {
        let name = name.value.replace('*', &STAR.to_string());
        format!("--- {name}\n+++ {name}\n")
    };
    (!names.is_empty()).then(|| names.iter().map(heads).collect())
}

/// `sed 's/^/TEXT/'`
fn prefixed(input: &str, args: &[Word]) -> Printed {
    let options = Options::read(args, "e expression f l", "i");
    let script = options.values(&["e", "expression"]).last().copied().or(options.operands.first().copied())?.known()?;
    let behind = script.strip_prefix('s')?;
    let divider = behind.chars().next()?;
    let mut parts = behind.split(divider).skip(1);
    let (from, to, flags) = (parts.next()?, parts.next()?, parts.next()?);
    let is_plain = from == "^" && flags.chars().all(|c| c == 'g') && !to.contains(['&', '\\']) && parts.next().is_none();
    is_plain.then(|| input.lines().map(|line| format!("{to}{line}\n")).collect())
}

/// `cut -c4-`, and `cut` at blanks.
fn cut(input: &str, args: &[Word]) -> Printed {
    let options = Options::read(args, "c d f b", "");
    if let Some(from) = options.values(&["c", "b"]).last() {
        let from: usize = from.known()?.strip_suffix('-')?.parse().ok()?;
        return Some(input.lines().map(|line| format!("{}\n", line.chars().skip(from.saturating_sub(1)).collect::<String>())).collect());
    }
    let divider = options.values(&["d"]).last()?.known()?;
    let field: usize = options.values(&["f"]).last()?.known()?.trim_end_matches('-').parse().ok()?;
    let of = |line: &str| line.split(divider).nth(field.checked_sub(1)?).map(|field| format!("{field}\n"));
    Some(input.lines().filter_map(of).collect())
}

/// `awk '{print $2}'`
fn fields(input: &str, args: &[Word]) -> Printed {
    let [program] = args else { return None };
    let field = program.known()?.split_once('{')?.1.trim().strip_prefix("print $")?.strip_suffix('}')?.trim();
    let of = |line: &str| match field {
        "NF" => line.split_whitespace().last().map(|field| format!("{field}\n")),
        field => line.split_whitespace().nth(field.parse::<usize>().ok()?.checked_sub(1)?).map(|field| format!("{field}\n")),
    };
    Some(input.lines().filter_map(of).collect())
}

/// Names of files in which something is found, or those lines of the input that match.
fn grep(shell: &Shell<'_>, name: &str, args: &[Word]) -> Printed {
    let is_rg = matches!(name, "rg" | "ag");
    let valued = "e f m A B C g t T include exclude exclude-dir glob type type-not regexp file max-count color colour context after-context before-context \
                  sort iglob max-depth d D";
    let options = Options::read(args, valued, "");
    if options.has(&["q", "quiet", "silent"]) {
        return Some(String::new());
    }
    let lists_all = options.has(&["files"]);
    let given = options.values(&["e", "regexp"]);
    let skip = usize::from(given.is_empty() && !options.has(&["f", "file"]) && !lists_all);
    let places = options.operands.get(skip..).unwrap_or_default();
    if options.has(&["l", "files-with-matches", "L", "files-without-match", "name-only"]) || lists_all {
        let here = Word::of(".");
        let places: Vec<&Word> = if places.is_empty() { vec![&here] } else { places.to_vec() };
        if !is_rg && !options.has(&["r", "R", "recursive", "dereference-recursive"]) && options.operands.len() <= skip {
            return None;
        }
        let mut names: Vec<String> = options
            .values(&["include", "g", "glob", "iglob"])
            .iter()
            .filter(|name| !name.text.starts_with('!'))
            .map(|name| {
                let name = name.value.trim_start_matches("**/");
                name.replace('*', &STAR.to_string())
            })
            .collect();
        names.extend(
            options.values(&["t", "type"]).iter().filter_map(|kind| kind.known()).map(|kind| format!("{STAR}.{}", ending_of(kind))),
        );
        return Some(places.iter().map(|place| below(place, &names)).collect());
    }
    let text = shell.state.input.as_deref().filter(|_| places.is_empty())?;
    let pattern = given.last().copied().or(options.operands.first().copied())?.known()?;
    if options.has(&["v", "invert-match"]) {
        let has = |line: &&str| {
            !expressions(pattern, true).is_some_and(|all| {
                all.len() == 1 && !line.contains(ANY) && all.iter().any(|one| one.narrowed(line).is_some()) && !line.contains(STAR)
            })
        };
        return Some(text.lines().filter(has).map(|line| format!("{line}\n")).collect());
    }
    if options.has(&["o", "c", "n"]) {
        return None;
    }
    let is_extended = options.has(&["E", "P", "extended-regexp", "perl-regexp"]) || name != "grep";
    let Some(all) = expressions(pattern, is_extended) else { return Some(text.to_owned()) };
    Some(
        text.lines()
            .take(1_000)
            .flat_map(|line| all.iter().filter_map(move |one| one.narrowed(line)))
            .map(|line| format!("{line}\n"))
            .collect(),
    )
}

fn ending_of(kind: &str) -> &str {
    match kind {
        "rust" => "rs",
        "python" => "py",
        "javascript" => "js",
        "typescript" => "ts",
        "markdown" => "md",
        "ruby" => "rb",
        kind => kind,
    }
}

/// Lines with the possible files of a place: itself if it is a file, or the files below it with one of these names.
fn below(place: &Word, names: &[String]) -> String {
    let path = place.value.trim_end_matches('/');
    let name = path.rsplit('/').next().unwrap_or(path);
    if !place.is_known || name.trim_start_matches('.').contains('.') {
        return format!("{path}\n");
    }
    if names.is_empty() {
        return format!("{path}/{ANY}\n");
    }
    names.iter().map(|name| format!("{path}/{STAR}{STAR}/{name}\n")).collect()
}

/// How the names of an archive's members begin, for a `tar` that reads it.
pub(super) const ARCHIVE: &str = "archive of git\n";

/// Whether an option asks for something other than a patch.
fn is_about_names(arg: &Word) -> bool {
    [
        "--name",
        "--stat",
        "--numstat",
        "--shortstat",
        "--quiet",
        "--summary",
        "--raw",
        "-s",
        "--no-patch",
        "--output",
        "--dirstat",
        "--check",
    ]
    .iter()
    .any(|option| arg.text.starts_with(option))
}

/// The output of `git`.
pub(super) fn of_git(shell: &Shell<'_>, args: &[Word]) -> Printed {
    let call = git::read(args);
    let (verb, rest) = call.words.split_first()?;
    let dir = call.dir?;
    match verb.known()? {
        "rev-parse" if rest.iter().any(|arg| arg.is("--show-toplevel")) => {
            Some(format!("{}\n", if dir.is_empty() { shell.top()? } else { return None }))
        }
        // Seen from anywhere, the top itself is as good as the way up to it.
        "rev-parse" if rest.iter().any(|arg| arg.is("--show-cdup")) && dir.is_empty() => Some(format!("{}/\n", shell.top()?)),
        "diff" | "log" | "show" if dir.is_empty() && rest.iter().any(|arg| arg.is("--name-only")) => {
            let places = places_of(rest);
            (!places.is_empty()).then(|| tracked(&places))
        }
        "rev-parse" if rest.iter().any(|arg| arg.is("--show-prefix")) && dir.is_empty() => {
            let here = cleared(&shell.here_absolute()?);
            let below = here.strip_prefix(&shell.top()?)?.trim_start_matches('/').to_owned();
            Some(if below.is_empty() { "\n".into() } else { format!("{below}/\n") })
        }
        "diff" | "show" if !rest.iter().any(is_about_names) => {
            let places = places_of(rest);
            (!places.is_empty()).then(|| heads(&dir, &places))
        }
        "stash" if rest.first().is_some_and(|arg| arg.is("show")) && rest.iter().any(|arg| arg.is("-p") || arg.is("--patch")) => {
            let places = places_of(&rest[1..]);
            (!places.is_empty()).then(|| heads(&dir, &places))
        }
        "format-patch" if rest.iter().any(|arg| arg.is("--stdout")) => {
            let places = places_of(rest);
            (!places.is_empty()).then(|| heads(&dir, &places))
        }
        "archive" if !rest.iter().any(|arg| arg.text.starts_with("-o") || arg.text.starts_with("--output")) => {
            let options = Options::read(rest, "format prefix", "");
            let prefix = options.values(&["prefix"]).last().map_or("", |prefix| prefix.value.as_str());
            let members = options.operands.get(1..).unwrap_or_default();
            if members.is_empty() {
                return Some(format!("{ARCHIVE}{}\n", if prefix.is_empty() { "." } else { prefix }));
            }
            let lines = members.iter().map(|member| format!("{prefix}{}\n", member.value));
            Some(format!("{ARCHIVE}{}", lines.collect::<String>()))
        }
        "ls-files" if dir.is_empty() => {
            let options = Options::read(rest, "x X exclude exclude-from", "");
            Some(tracked(&options.operands))
        }
        "ls-tree" if dir.is_empty() && rest.iter().any(|arg| matches!(arg.known(), Some("--name-only" | "--name-status"))) => {
            Some(tracked(Options::read(rest, "format abbrev", "").operands.get(1..).unwrap_or_default()))
        }
        // Behind two letters and a blank.
        "status" if dir.is_empty() && rest.iter().any(|arg| matches!(arg.known(), Some("--porcelain" | "-s" | "--short"))) => {
            let options = Options::read(rest, "", "");
            let names = (!options.operands.is_empty()).then(|| tracked(&options.operands))?;
            Some(names.lines().map(|name| format!(" M {name}\n")).collect())
        }
        "grep" if dir.is_empty() => {
            let options = Options::read(rest, "e f A B C m O threads", "");
            if !options.has(&["l", "files-with-matches", "name-only", "L"]) {
                return None;
            }
            let behind = rest.iter().position(|arg| arg.is("--"));
            let skip = usize::from(options.values(&["e"]).is_empty());
            let places: Vec<&Word> = match behind {
                Some(at) => rest[at + 1..].iter().collect(),
                None => options.operands.get(skip..).unwrap_or_default().to_vec(),
            };
            Some(tracked(&places))
        }
        _ => None,
    }
}

/// The heads of a patch for these paths.
fn heads(dir: &str, places: &[&Word]) -> String {
    let head = |word: &&Word| {
        let path = joined(dir, &word.value).trim_end_matches('/').to_owned();
        format!("diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n")
    };
    places.iter().map(head).collect()
}

/// The paths that a call of git is about: those behind `--`, or those that cannot be commits.
fn places_of(rest: &[Word]) -> Vec<&Word> {
    let is_path = |word: &Word| !word.text.contains("..") && !word.text.contains([':', '~', '^', '@']) && !word.text.starts_with("origin/");
    match rest.iter().position(|arg| arg.is("--")) {
        Some(at) => rest[at + 1..].iter().collect(),
        None => {
            let given = rest.iter().filter(|word| !word.text.starts_with('-')).enumerate();
            given.filter(|(at, word)| is_path(word) && (*at > 0 || word.text.contains('/'))).map(|(_, word)| word).collect()
        }
    }
}

/// Lines with the files that git's patterns mean.
fn tracked(places: &[&Word]) -> String {
    if places.is_empty() {
        return format!("./{ANY}\n");
    }
    let mut out = String::new();
    for place in places {
        let opened = Word::of(place.value.replace("**/", "*").replace("**", "*").replace('*', &STAR.to_string()));
        if opened.is_known {
            out.push_str(&below(&opened, &[]));
            continue;
        }
        // Git's `*` also means slashes.
        let (dir, name) = opened.value.rsplit_once('/').map_or((".", opened.value.as_str()), |(dir, name)| (dir, name));
        out.push_str(&format!("{dir}/{STAR}{STAR}/{name}\n"));
    }
    out
}

//! Programs that look for files and run others on what they find: `find`, `fd`, `xargs`, `parallel`.

use super::options::{Options, is_among};
use super::paths::joined;
use super::word::{ANY, ONE, STAR, Word};
use super::{Printed, Shell};
use crate::hook::{Reach, Written};

/// How many directories, names, lines and words are looked at.
const MANY: usize = 64;

/// Tests of `find` that take a value.
const VALUED: &str = "-newer -mtime -mmin -atime -amin -ctime -cmin -size -perm -user -group -links -inum -samefile -fstype -mindepth -maxdepth -type -xtype -name \
                      -iname -path -wholename -ipath -regex -iregex -lname -ilname -printf -newermt -newerat -newerct -used -uid -gid -regextype -anewer -cnewer -context";

/// A call of `find`.
#[derive(Default)]
struct Find<'a> {
    roots: Vec<Word>,
    /// Whether a root that is a link is gone into.
    follows: bool,
    /// The names or paths that it looks for, one for each way; an empty one is any.
    ways: Vec<Way>,
    is_flat: bool,
    removes: bool,
    /// Programs that it runs, and whether where each file is.
    runs: Vec<(&'a [Word], bool)>,
    /// Whether it leaves out a folder of its own that could be what others have.
    leaves_out: bool,
    written: Vec<Written>,
}

#[derive(Clone, Default)]
struct Way {
    name: Option<String>,
    path: Option<String>,
    is_pruned: bool,
}

/// A pattern as `find` and git read it, in which wildcards are meant.
fn opened(word: &Word, folds_case: bool) -> String {
    let open = |c: char| match c {
        '*' => STAR,
        '?' => ONE,
        c if folds_case && c.is_ascii_alphabetic() => ONE,
        c => c,
    };
    word.value.chars().map(open).collect()
}

fn read(args: &[Word]) -> Find<'_> {
    let options = args.iter().take_while(|arg| matches!(arg.known(), Some("-H" | "-L" | "-P"))).count();
    let (given, args) = args.split_at(options);
    let begins = |arg: &Word| arg.text.starts_with('-') || matches!(arg.known(), Some("(" | "!" | ","));
    let (roots, mut rest) = args.split_at(args.iter().position(begins).unwrap_or(args.len()));
    let follows = given.last().is_some_and(|last| !last.is("-P")) || roots.iter().any(|root| root.text.ends_with('/'));
    let mut find = Find { roots: roots.iter().take(MANY).cloned().collect(), follows, ..Find::default() };
    if find.roots.is_empty() {
        find.roots.push(Word::of("."));
    }
    let (mut way, mut is_negated) = (Way::default(), false);
    let mut left_out: Vec<String> = Vec::new();
    while let Some((word, behind)) = rest.split_first() {
        rest = behind;
        let test = word.text.as_str();
        if is_among(VALUED, test) {
            let value = rest.first();
            rest = rest.get(1..).unwrap_or_default();
            match (test, value) {
                ("-name" | "-iname", Some(value)) if !is_negated => way.name = Some(opened(value, test == "-iname")),
                ("-path" | "-wholename" | "-ipath", Some(value)) if is_negated => left_out.push(value.value.clone()),
                ("-path" | "-wholename" | "-ipath", Some(value)) if !is_negated => {
                    way.path = Some(opened(value, test == "-ipath").replace(STAR, &ANY.to_string()))
                }
                ("-maxdepth", Some(value)) => find.is_flat = value.is("1") || value.is("0"),
                _ => {}
            }
            is_negated = false;
            continue;
        }
        match test {
            "-delete" => find.removes = true,
            "-exec" | "-execdir" | "-ok" | "-okdir" => {
                let end = rest.iter().position(|arg| arg.is(";") || arg.is("+")).unwrap_or(rest.len());
                find.runs.push((&rest[..end], test.ends_with("dir")));
                rest = rest.get(end + 1..).unwrap_or_default();
            }
            "-fprint" | "-fprint0" | "-fls" | "-fprintf" => {
                find.written.extend(rest.first().and_then(Word::as_file));
                rest = rest.get(1..).unwrap_or_default();
            }
            "!" | "-not" => is_negated = true,
            "-prune" => {
                way.is_pruned = true;
                // `( -path A -o -path B ) -prune`
                find.ways.iter_mut().for_each(|way| way.is_pruned = true);
                left_out.extend(find.ways.iter().chain([&way]).filter_map(|way| way.path.clone()));
            }
            "-o" | "-or" | "," => find.ways.push(std::mem::take(&mut way)),
            _ => {}
        }
    }
    find.ways.push(way);
    // A pruned path that is then acted on, without another way, is meant.
    if find.ways.len() > 1 {
        find.leaves_out = find.roots.iter().any(|root| left_out.iter().any(|path| is_folder_of(&root.value, path)));
    } else {
        find.leaves_out =
            !find.ways[0].is_pruned && find.roots.iter().any(|root| left_out.iter().any(|path| is_folder_of(&root.value, path)));
    }
    if find.ways.len() > 1 {
        find.ways.retain(|way| !way.is_pruned);
    }
    find.ways.truncate(MANY);
    find
}

/// Whether a path is a folder right in another one that is none of those which programs fill: an action on all but such a folder cannot
/// be written as a pattern, and is taken to keep away from what others have.
fn is_folder_of(root: &str, path: &str) -> bool {
    let root = root.trim_end_matches('/');
    let below = path.strip_prefix(root).and_then(|rest| rest.strip_prefix('/')).or_else(|| path.strip_prefix("./").filter(|_| root == "."));
    let Some(below) = below.or(Some(path).filter(|path| root == "." && !path.starts_with('/'))) else { return false };
    let name = below.split('/').next().unwrap_or(below);
    !name.is_empty() && !name.contains(super::word::is_open) && !name.contains(['*', '?']) && !is_filled(name)
}

/// Whether a folder of this name is one that programs fill.
pub(super) fn is_filled(name: &str) -> bool {
    const NAMES: &str = "node_modules target dist build out vendor venv env coverage tmp temp logs third_party bower_components __pycache__ site-packages \
                         generated gen bin obj deps _build elm-stuff";
    name.starts_with('.') || is_among(NAMES, name)
}

impl Find<'_> {
    /// The found paths, with unknown parts where only the run decides.
    fn found(&self) -> Vec<String> {
        let mut found = Vec::new();
        if self.leaves_out {
            return found;
        }
        for root in &self.roots {
            let dir = root.value.trim_end_matches('/');
            for way in &self.ways {
                let between = if self.is_flat { String::new() } else { format!("{STAR}{STAR}/") };
                found.push(match (&way.path, &way.name) {
                    (Some(path), name) if path.starts_with(dir) => match (path.strip_suffix(ANY), name) {
                        (Some(path), Some(name)) => format!("{path}{between}{name}"),
                        _ => path.clone(),
                    },
                    (_, Some(name)) => format!("{dir}/{between}{name}"),
                    _ if self.is_flat => format!("{dir}/{STAR}"),
                    _ => format!("{dir}/{ANY}"),
                });
            }
        }
        found.truncate(MANY);
        found
    }
}

fn lines(found: &[String]) -> Printed {
    Some(found.iter().map(|path| format!("{path}\n")).collect())
}

impl Shell<'_> {
    pub(super) fn find(&mut self, args: &[Word]) -> Printed {
        let find = read(args);
        let found = find.found();
        self.add(find.written.clone());
        let before = self.found.len();
        if find.removes {
            let removed: Vec<Written> = found.iter().filter_map(|path| Word::of(path.as_str()).as_tree()).map(Written::entry).collect();
            self.add(removed);
        }
        for (words, beside) in &find.runs {
            self.run_on(words, &found, *beside);
        }
        if find.follows {
            // Files below a followed link.
            let dir = self.state.dir.clone().unwrap_or_default();
            let roots: Vec<String> = find.roots.iter().map(|root| joined(&dir, root.value.trim_end_matches('/'))).collect();
            for written in self.found[before..].iter_mut().filter(|written| roots.contains(&written.path)) {
                written.is_entry = false;
            }
        } else {
            let is_below = |written: &Written| matches!(written.reach, Reach::Below(_));
            for written in self.found[before..].iter_mut().filter(|written| is_below(written)) {
                written.is_entry = true;
            }
        }
        if find.removes || !find.runs.is_empty() { None } else { lines(&found) }
    }

    /// Runs a program with the found paths in place of `{}`.
    fn run_on(&mut self, words: &[Word], found: &[String], beside: bool) {
        let before = self.found.len();
        for path in found {
            let words: Vec<Word> = words
                .iter()
                .map(|word| if word.value.contains("{}") { Word::of(word.value.replace("{}", path)) } else { word.clone() })
                .collect();
            self.apart(|shell| shell.run(&words));
        }
        if beside {
            // Its other paths are seen from where each file is.
            let below: Vec<String> = found.iter().filter_map(|path| Some(Word::of(path.as_str()).in_directory()?.0.to_owned())).collect();
            let dir = self.state.dir.as_deref().unwrap_or_default().to_owned();
            let new = self.found.split_off(before);
            let is_found = |written: &Written| {
                below.iter().any(|below| written.path.starts_with(&joined(&dir, below)) && written.reach != Reach::File)
            };
            self.found.extend(new.into_iter().filter(is_found));
        }
    }

    pub(super) fn fd(&mut self, args: &[Word]) -> Printed {
        let at = args.iter().position(|arg| matches!(arg.known(), Some("-x" | "-X" | "--exec" | "--exec-batch"))).unwrap_or(args.len());
        let (own, program) = args.split_at(at);
        let options = Options::read(
            own,
            "e extension t type E exclude d max-depth min-depth S size o owner base-directory C j threads c color changed-within",
            "",
        );
        let extensions: Vec<&str> = options.values(&["e", "extension"]).iter().filter_map(|word| word.known()).collect();
        let (pattern, dirs) = options.operands.split_first().map_or((None, &[][..]), |(first, rest)| (Some(*first), rest));
        let here = Word::of(".");
        let dirs: Vec<&Word> = if dirs.is_empty() { vec![&here] } else { dirs.to_vec() };
        let names: Vec<String> = match pattern.and_then(|word| word.known()) {
            text if !extensions.is_empty() => {
                let text = text.filter(|text| text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-'));
                let name = text.map_or(STAR.to_string(), |text| format!("{STAR}{text}{STAR}"));
                extensions.iter().map(|end| format!("{name}.{}", end.trim_start_matches('.'))).collect()
            }
            None | Some("." | "") => vec![STAR.to_string()],
            Some(text) if options.has(&["g", "glob"]) => vec![opened(&Word::of(text), false)],
            Some(text) => expressions(text, true).map_or_else(|| vec![STAR.to_string()], |all| all.iter().map(Expression::name).collect()),
        };
        let found: Vec<String> = dirs
            .iter()
            .flat_map(|dir| names.iter().map(|name| format!("{}/{STAR}{STAR}/{name}", dir.value.trim_end_matches('/'))))
            .take(MANY)
            .collect();
        match program.split_first() {
            Some((_, words)) => {
                let mut words: Vec<Word> = words.iter().take_while(|word| !word.is(";")).cloned().collect();
                if !words.iter().any(|word| word.value.contains('{')) {
                    words.push(Word::of("{}"));
                }
                self.run_on(&words, &found, false);
                None
            }
            None => lines(&found),
        }
    }

    pub(super) fn xargs(&mut self, args: &[Word]) -> Printed {
        let valued = "I n P L d E s a max-args max-procs max-lines delimiter arg-file replace J R S max-chars";
        let at = super::specs::verb_at(args, valued).unwrap_or(args.len());
        let options = Options::read(&args[..at], valued, "i l");
        if options.has(&["help", "version"]) {
            return None;
        }
        let input = match options.values(&["a", "arg-file"]).last() {
            Some(file) => self.content(file),
            None => self.state.input.clone(),
        };
        let words = &args[at..];
        let by_lines = options.has(&["0", "null", "d", "delimiter"]);
        let mark = options.values(&["I", "replace", "J"]).last().and_then(|mark| mark.known()).map(str::to_owned);
        let mark = mark.or_else(|| options.has(&["i", "I", "replace"]).then(|| "{}".to_owned()));
        let unknown = ANY.to_string();
        let text = input.as_deref().unwrap_or(&unknown);
        if words.is_empty() {
            return input.map(|text| text.to_string());
        }
        if !self.spend(text.len()) {
            return None;
        }
        match mark {
            Some(mark) if !mark.is_empty() => {
                for line in text.lines().filter(|line| !line.trim().is_empty()).take(MANY) {
                    let put = |word: &Word| Word::of(word.value.replace(&mark, line.trim()));
                    let words: Vec<Word> = words.iter().map(put).collect();
                    self.apart(|shell| shell.run(&words));
                }
            }
            _ => {
                let more: Vec<Word> =
                    if by_lines { text.lines().map(Word::of).collect() } else { text.split_whitespace().map(Word::of).collect() };
                let words: Vec<Word> = words.iter().cloned().chain(more).collect();
                self.apart(|shell| {
                    shell.state.input = None;
                    shell.run(&words)
                });
            }
        }
        None
    }

    pub(super) fn parallel(&mut self, args: &[Word]) -> Printed {
        let valued = "j jobs a arg-file I colsep C N n max-args delay timeout joblog results S sshlogin workdir wd tmpdir retries d delimiter halt L";
        let (args, given) = match args.iter().position(|arg| matches!(arg.known(), Some(":::" | ":::+" | "::::"))) {
            Some(at) => (&args[..at], Some(&args[at + 1..]).filter(|_| !args[at].is("::::"))),
            None => (args, None),
        };
        let at = super::specs::verb_at(args, valued).unwrap_or(args.len());
        let options = Options::read(&args[..at], valued, "");
        if options.has(&["dry-run", "dryrun", "help", "version", "S", "sshlogin"]) {
            return None;
        }
        let values: Vec<String> = match (given, &self.state.input) {
            (Some(given), _) => given.iter().filter(|word| !word.text.starts_with(":::")).map(|word| word.value.clone()).collect(),
            (None, Some(text)) => text.lines().map(str::to_owned).collect(),
            (None, None) => vec![ANY.to_string()],
        };
        let template = args[at..].iter().map(|word| word.value.as_str()).collect::<Vec<_>>().join(" ");
        for value in values.iter().take(MANY) {
            let name = value.rsplit('/').next().unwrap_or(value);
            let stem = |path: &str| path.rsplit_once('.').map_or(path, |(stem, _)| stem).to_owned();
            let dir = value.rsplit_once('/').map_or(".", |(dir, _)| dir);
            let mut text = template
                .replace("{.}", &stem(value))
                .replace("{/}", name)
                .replace("{//}", dir)
                .replace("{/.}", &stem(name))
                .replace("{1}", value)
                .replace("{}", value);
            if text == template {
                text = if template.is_empty() { value.clone() } else { format!("{template} {value}") };
            }
            self.apart(|shell| shell.run_text(&text));
        }
        None
    }
}

/// A plain regular expression: a text with what may be anything in it, and whether it is bound to the beginning and the end.
pub(super) struct Expression {
    begins: bool,
    ends: bool,
    text: String,
}

impl Expression {
    /// As the name of a file.
    fn name(&self) -> String {
        let star = |is_bound: bool| if is_bound { String::new() } else { STAR.to_string() };
        format!("{}{}{}", star(self.begins), self.text, star(self.ends))
    }

    /// The rest of a path that is partly known, if it matches. A text that is bound to nothing is taken to be the beginning of the path.
    pub(super) fn narrowed(&self, path: &str) -> Option<String> {
        let open = path.find(super::word::is_open);
        let Some(open) = open else {
            let fits = match (self.begins, self.ends) {
                _ if self.text.contains(super::word::is_open) => true,
                (true, true) => path == self.text,
                (true, false) => path.starts_with(&self.text),
                (false, true) => path.ends_with(&self.text),
                (false, false) => path.contains(&self.text),
            };
            return fits.then(|| path.to_owned());
        };
        let known = path[..open].trim_start_matches("./");
        let tail = path.rsplit(super::word::is_open).next().unwrap_or_default();
        if self.ends && !self.begins {
            return match tail {
                "" => Some(format!("{}{STAR}{STAR}/{STAR}{}", &path[..open], self.text)),
                tail => (tail.ends_with(&self.text) || self.text.ends_with(tail)).then(|| path.to_owned()),
            };
        }
        if self.begins || !self.ends {
            let wanted = self.text.trim_start_matches("./");
            return match () {
                () if known.starts_with(wanted) || (!self.begins && known.contains(wanted)) => Some(path.to_owned()),
                () if wanted.starts_with(known) => {
                    let name = path.rsplit('/').next().unwrap_or(path);
                    let between = if wanted.ends_with('/') { String::new() } else { format!("{STAR}/") };
                    Some(format!("{wanted}{between}{STAR}{STAR}/{name}"))
                }
                () if !self.begins && path.contains(wanted) => Some(path.to_owned()),
                () => None,
            };
        }
        Some(self.text.clone())
    }
}

/// The choices of a regular expression, if it is plain.
pub(super) fn expressions(text: &str, is_extended: bool) -> Option<Vec<Expression>> {
    if text.len() > 200 {
        return None;
    }
    // `\(`, `\|` and `\)` are what `(`, `|` and `)` are in the other kind.
    let text = if is_extended { text.to_owned() } else { text.replace("\\(", "(").replace("\\|", "|").replace("\\)", ")") };
    let texts: Vec<String> = match (text.find('('), text.find(')')) {
        (Some(open), Some(close)) if open < close => text[open + 1..close]
            .trim_start_matches("?:")
            .split('|')
            .map(|part| format!("{}{part}{}", &text[..open], &text[close + 1..]))
            .collect(),
        _ => text.split('|').map(str::to_owned).collect(),
    };
    texts.iter().take(MANY).map(|text| plain(text)).collect()
}

fn plain(text: &str) -> Option<Expression> {
    let (begins, text) = text.strip_prefix('^').map_or((false, text), |text| (true, text));
    let (ends, text) = text.strip_suffix('$').map_or((false, text), |text| (true, text));
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.push(chars.next().filter(|c| !c.is_alphanumeric())?),
            '.' if chars.peek() == Some(&'*') => {
                chars.next();
                out.push(ANY);
            }
            '.' => out.push(ONE),
            '*' | '+' | '?' | '[' | ']' | '{' | '}' | '(' | ')' | '^' | '$' => return None,
            c => out.push(c),
        }
    }
    Some(Expression { begins, ends, text: out })
}

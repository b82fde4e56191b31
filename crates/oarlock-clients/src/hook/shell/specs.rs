//! What programs write, as data: one line for each program or verb of one, with the options that matter. A program whose line says nothing
//! of operands and outputs writes no file that its command line names.

mod table;

use super::options::{Options, is_among};
use super::word::{Word, has_name};
use super::{Shell, is_file_name, joined};
use crate::hook::{By, Written};

/// Which operands of a program are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operands {
    /// None.
    Nothing,
    /// Each, as a file.
    Files,
    /// Each, with all below it.
    Trees,
    /// Files with these endings below each, or below where it runs when there is none.
    Below(&'static str),
    /// Files with these endings below where it runs; operands are none of them.
    Here(&'static str),
    /// As [`Operands::Below`], but nothing without operands.
    Named(&'static str),
    /// The last of several.
    Last,
    /// The last, also where it is the only one.
    Final,
    /// `IN:OUT`, or the last of several.
    Pairs,
    /// The second.
    Second,
    /// The first.
    First,
}

/// A program, or one of its verbs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spec {
    /// Its names, with spaces between them.
    names: &'static str,
    /// Its verbs that this is about; `a/b` is the verb `b` behind `a`.
    verbs: &'static str,
    /// Options that take a value in the next word.
    valued: &'static str,
    /// Options that take one in the same word only.
    attached: &'static str,
    /// Whether long options have one dash.
    single: bool,
    /// Options of which one has to be given for operands to be written.
    when: &'static str,
    /// Options with which nothing is written, or `option=value`.
    unless: &'static str,
    /// Options with which the operands are left as they are, since the output goes elsewhere.
    spares: &'static str,
    /// Words behind the verb that belong to it.
    more: &'static str,
    /// How many operands before the files are none.
    skip: usize,
    /// Options with which there are none of those.
    skip_unless: &'static str,
    operands: Operands,
    /// Options whose values are written.
    outputs: &'static str,
    /// Options whose values are written where the operands are.
    edits: &'static str,
    /// Options whose values are directories in which something is written.
    within: &'static str,
    /// Files that are written where it runs.
    fixed: &'static str,
    /// Whether these are only where there are operands.
    with_operands: bool,
    /// Whether these are only where there are none.
    without_operands: bool,
    /// Whether it says nothing of a call that has none of the options in `when`.
    is_only: bool,
    /// Options that name the directory it runs in.
    dir: &'static str,
    /// Whether its first operand names that directory.
    enters: bool,
    /// Whether an operand that is a link is removed or replaced itself.
    is_entry: bool,
    /// Options with which it is not.
    follows: &'static str,
    /// Options with which it is, where it is not otherwise.
    entries: &'static str,
}

/// A program that is known to write nothing that its options or operands name.
const fn reads(names: &'static str) -> Spec {
    Spec {
        names,
        verbs: "",
        valued: "",
        attached: "",
        single: false,
        when: "",
        unless: "",
        spares: "",
        more: "",
        skip: 0,
        skip_unless: "",
        operands: Operands::Nothing,
        outputs: "",
        edits: "",
        within: "",
        fixed: "",
        with_operands: false,
        without_operands: false,
        is_only: false,
        dir: "",
        enters: false,
        is_entry: false,
        follows: "",
        entries: "",
    }
}

const fn writes(names: &'static str, operands: Operands) -> Spec {
    Spec { operands, ..reads(names) }
}

const fn puts(names: &'static str, outputs: &'static str) -> Spec {
    Spec { outputs, ..reads(names) }
}

impl Spec {
    const fn verbs(self, verbs: &'static str) -> Self {
        Self { verbs, ..self }
    }
    const fn valued(self, valued: &'static str) -> Self {
        Self { valued, ..self }
    }
    const fn attached(self, attached: &'static str) -> Self {
        Self { attached, ..self }
    }
    const fn single(self) -> Self {
        Self { single: true, ..self }
    }
    const fn when(self, when: &'static str) -> Self {
        Self { when, ..self }
    }
    const fn unless(self, unless: &'static str) -> Self {
        Self { unless, ..self }
    }
    const fn spares(self, spares: &'static str) -> Self {
        Self { spares, ..self }
    }
    const fn skip(self, skip: usize, skip_unless: &'static str) -> Self {
        Self { skip, skip_unless, ..self }
    }
    /// A second verb behind the first, where one of these stands there.
    const fn skip_verb(self, more: &'static str) -> Self {
        Self { more, ..self }
    }
    const fn operands(self, operands: Operands) -> Self {
        Self { operands, ..self }
    }
    const fn outputs(self, outputs: &'static str) -> Self {
        Self { outputs, ..self }
    }
    const fn edits(self, edits: &'static str) -> Self {
        Self { edits, ..self }
    }
    const fn within(self, within: &'static str) -> Self {
        Self { within, ..self }
    }
    const fn fixed(self, fixed: &'static str) -> Self {
        Self { fixed, ..self }
    }
    const fn with_operands(self) -> Self {
        Self { with_operands: true, ..self }
    }
    const fn without_operands(self) -> Self {
        Self { without_operands: true, ..self }
    }
    /// Of other calls another line tells.
    const fn only(self) -> Self {
        Self { is_only: true, ..self }
    }
    const fn dir(self, dir: &'static str) -> Self {
        Self { dir, ..self }
    }
    const fn enters(self) -> Self {
        Self { enters: true, ..self }
    }

    /// Operands that are links are removed or replaced themselves.
    const fn entries(self) -> Self {
        Self { is_entry: true, ..self }
    }
    /// The same, but for these options.
    const fn entries_unless(self, follows: &'static str) -> Self {
        Self { is_entry: true, follows, ..self }
    }
    /// Operands that are links are written themselves with these options.
    const fn entries_when(self, entries: &'static str) -> Self {
        Self { entries, ..self }
    }

    /// What a call with these arguments writes; nothing where another line tells.
    fn written(&self, args: &[Word]) -> Option<Vec<Written>> {
        let values = [self.valued, self.outputs, self.edits, self.within, self.dir].join(" ");
        let options = if self.single { Options::read_single(args, &values) } else { Options::read(args, &values, self.attached) };
        if self.is_only && !options.says_any(self.when) {
            return None;
        }
        if options.says_any(self.unless) || options.has_any("help version") {
            return Some(Vec::new());
        }
        // Where the value of an option is a word of its own, none is given so: `sed -i ''`.
        let mut options = options;
        options.operands.retain(|word| !word.is(""));
        if options.operands.first().is_some_and(|first| first.known().is_some_and(|first| is_among(self.more, first))) {
            options.operands.remove(0);
        }
        let mut dirs: Vec<Word> = options.values_of_any(self.dir).into_iter().cloned().collect();
        if self.enters && !options.operands.is_empty() {
            dirs.push(options.operands.remove(0).clone());
        }
        let mut found = Vec::new();
        let outputs = options.values_of_any(self.outputs);
        // `FORMAT:FILE` and `FORMAT=FILE`.
        let files = outputs
            .into_iter()
            .map(|word| word.text.strip_prefix("file://").map_or_else(|| word.clone(), |rest| word.after(word.text.len() - rest.len())));
        let files = files.map(|word| match word.text.rsplit_once([':', '=']) {
            Some((before, _)) if !before.is_empty() => word.after(before.len() + 1),
            _ => word.clone(),
        });
        let files = files.filter(|file| !file.is_known || is_file_name(&file.text));
        found.extend(files.filter_map(|file| file.as_tree()).map(|written| written.by(By::Output)));
        for dir in options.values_of_any(self.within) {
            found.extend(within(dir).into_iter().map(|written| written.by(By::Output)));
        }
        if (self.when.is_empty() || options.says_any(self.when)) && !options.has_any(self.spares) {
            let skip = if options.has_any(self.skip_unless) { 0 } else { self.skip };
            let operands = of_operands(self.operands, options.operands.get(skip..).unwrap_or_default());
            let is_entry = self.is_entry && !options.has_any(self.follows) || options.has_any(self.entries);
            found.extend(operands.into_iter().map(|written| if is_entry { written.entry() } else { written }));
            found.extend(options.values_of_any(self.edits).into_iter().filter_map(Word::as_tree));
            let is_meant = if options.operands.is_empty() { !self.with_operands } else { !self.without_operands };
            if is_meant {
                found.extend(self.fixed.split(' ').filter(|file| !file.is_empty()).map(Written::file));
            }
        }
        Some(match dirs.last().map(|dir| dir.known()) {
            None => found,
            Some(Some(dir)) => found.into_iter().map(|w| Written { path: joined(dir, &w.path), ..w }).collect(),
            // It could be anywhere.
            Some(None) => Vec::new(),
        })
    }
}

/// Something in a directory.
pub(super) fn within(dir: &Word) -> Vec<Written> {
    match dir.known() {
        Some(path) if path.starts_with("/dev/") => Vec::new(),
        Some(path) => vec![Shell::somewhere(if path.is_empty() { "." } else { path })],
        None => dir.as_tree().into_iter().collect(),
    }
}

fn of_operands(kind: Operands, given: &[&Word]) -> Vec<Written> {
    let operands = given;
    let is_file = |word: &&&Word| !word.is_known || word.text == "." || is_file_name(&word.text) || word.text.starts_with("..");
    let operands: Vec<&Word> = operands.iter().filter(is_file).copied().collect();
    // It may be a folder, but not the one that it is in.
    let whole = |word: &&Word| if word.known().is_some_and(|path| !has_name(path)) { word.as_file() } else { word.as_tree() };
    let one = |word: Option<&&Word>| word.and_then(whole).into_iter().collect();
    match kind {
        Operands::Nothing => Vec::new(),
        Operands::Files => operands.iter().filter_map(|word| word.as_file()).collect(),
        Operands::Trees => operands.iter().filter_map(|word| word.as_tree()).collect(),
        // What stands behind `--` is for the program that it runs.
        Operands::Here(_) if operands.iter().any(|word| matches!(word.known(), Some("--check" | "stdout" | "--emit=stdout" | "-l"))) => {
            Vec::new()
        }
        Operands::Here(endings) => Word::of(".").as_files_below(endings),
        // Only the input is there.
        Operands::Below(_) if operands.is_empty() && !given.is_empty() => Vec::new(),
        Operands::Below(endings) if operands.is_empty() => Word::of(".").as_files_below(endings),
        // `./...`, as Go's tools say it.
        Operands::Below(endings) | Operands::Named(endings) => {
            let plain = |word: &&Word| word.known().and_then(|text| text.strip_suffix("...")).map_or_else(|| word.globbed(), Word::of);
            operands.iter().map(plain).flat_map(|word| word.as_files_below(endings)).collect()
        }
        Operands::Last => one(operands.last().filter(|_| operands.len() > 1)),
        Operands::Final => one(operands.last()),
        Operands::Pairs => {
            let out =
                |word: &&Word| word.text.split_once(':').map(|(before, _)| word.after(before.len() + 1)).and_then(|out| out.as_tree());
            let pairs: Vec<Written> = operands.iter().filter_map(out).collect();
            if pairs.is_empty() { one(operands.last().filter(|_| operands.len() > 1)) } else { pairs }
        }
        Operands::Second => one(operands.get(1)),
        Operands::First => one(operands.first()),
    }
}

/// Whether an option says, in whatever formatter has it, that no file is to be changed.
fn only_checks(arg: &Word) -> bool {
    matches!(arg.known(), Some("--check" | "--check-only" | "--dry-run" | "--dryrun" | "--stdout" | "--diff" | "--list-different"))
}

/// What a program is known to write; nothing when it is not known at all.
pub(super) fn written(name: &str, args: &[Word]) -> Option<Vec<Written>> {
    let marked = |found: Vec<Written>, formats: bool| match formats {
        true => found.into_iter().map(|written| written.by(By::Formatter)).collect(),
        false => found,
    };
    let all = table::SPECS.iter().flat_map(|(formats, kind)| kind.iter().map(move |spec| (*formats, spec)));
    for (formats, spec) in all.filter(|(_, spec)| is_among(spec.names, name)) {
        if formats && name != "prettier" && args.iter().any(only_checks) {
            return Some(Vec::new());
        }
        if spec.verbs.is_empty() {
            match spec.written(args) {
                Some(found) => return Some(marked(found, formats)),
                None => continue,
            }
        }
        let values = [spec.valued, spec.dir].join(" ");
        let Some(at) = verb_at(args, &values) else { continue };
        let words = if spec.verbs.contains('/') { 3 } else { 1 };
        let given = |count: usize| -> Option<String> {
            let words: Option<Vec<&str>> = args.get(at..at + count)?.iter().map(Word::known).collect();
            Some(words?.join("/"))
        };
        let Some(words) = (1..=words).find(|count| given(*count).is_some_and(|verb| is_among(spec.verbs, &verb))) else { continue };
        // `+nightly` chooses a toolchain.
        let before = args[..at].iter().filter(|word| !word.text.starts_with('+'));
        let rest: Vec<Word> = before.chain(&args[at + words..]).cloned().collect();
        if let Some(found) = spec.written(&rest) {
            return Some(marked(found, formats));
        }
    }
    // Another verb of it is not known at all.
    None
}

/// Where the first word is that is no option, nor the value of one of those.
pub(super) fn verb_at(args: &[Word], valued: &str) -> Option<usize> {
    let mut at = 0;
    while let Some(word) = args.get(at) {
        if word.text.starts_with('-') {
            let takes_next = is_among(valued, word.text.trim_start_matches('-'));
            at += if takes_next { 2 } else { 1 };
        } else if word.text.starts_with('+') {
            at += 1;
        } else {
            return Some(at);
        }
    }
    None
}

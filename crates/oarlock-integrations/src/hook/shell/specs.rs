//! The writes of programs, as data: one line for each program or verb of one, with the options that matter. A program whose line says nothing
//! of operands and outputs writes no file that its command line names.

mod spec;
mod table;

use super::Shell;
use super::options::{Options, is_among};
use super::paths::{is_file_name, joined};
use super::word::{Word, has_name};
use crate::hook::{By, Written};
use spec::{Operands, Spec};

impl Spec {
    /// The paths that a call with these arguments writes; none where another line describes it.
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
        // Arguments behind `--` are for the program that it runs.
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

/// The known writes of a program; none when the program is unknown.
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

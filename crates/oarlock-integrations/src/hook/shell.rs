//! Which files a shell command is going to write, as far as its text reports: redirections and the programs that are known to write. The text
//! is read as a shell would run it: it goes from directory to directory, gives values to variables and calls functions. It is a guard rail
//! and no wall: what a program does by itself, or what only the run decides, is found when it is committed.

mod archives;
mod code;
mod containers;
mod escapes;
mod expand;
mod fetches;
mod git;
mod makes;
mod moves;
mod names;
mod onto;
mod options;
mod parse;
mod paths;
mod prints;
mod programs;
mod run;
mod search;
mod specs;
mod starters;
mod syntax;
mod word;

use std::collections::HashMap;
use std::rc::Rc;

use super::{Reach, Surroundings, Written};
use expand::Value;
use paths::{cleared, joined};
use syntax::{Command, Script};
use word::Word;

/// The output of commands, where it is known.
type Printed = Option<String>;

/// How deep commands are looked into that stand in others or are started by them; each level takes up to three.
const DEPTH_MAX: usize = 48;

/// How much work one text may make, in bytes that are looked at; a command counts as [`COMMAND_COST`] of them.
const WORK_MAX: usize = 4_000_000;

/// The cost of one command.
const COMMAND_COST: usize = 64;

/// The longest path of a directory that commands go to, in bytes: there is none longer.
const DIR_BYTES_MAX: usize = 4_096;

/// The most places that are kept of what a command writes.
const FOUND_MAX: usize = 10_000;

/// The paths that a command is going to write, relative to `dir` where that is given.
pub(super) fn writes(command: &str, dir: Option<&str>, around: &Surroundings<'_>) -> Vec<Written> {
    let mut shell = Shell::new(around, dir.unwrap_or_default());
    shell.run_text(&word::cleaned(command));
    shell.found.retain(|written| written.path != "/dev" && !written.path.starts_with("/dev/"));
    shell.found
}

/// The paths that a program text of a language is going to write.
pub(super) fn code_writes(language: &str, text: &str, around: &Surroundings<'_>) -> Vec<Written> {
    let mut shell = Shell::new(around, "");
    let text = word::cleaned(text);
    match code::Language::parse(language) {
        Some(language) if shell.spend(text.len()) => shell.code(language, &text, &[], true),
        Some(_) => {}
        None => drop(shell.run_text(&text)),
    }
    shell.found
}

/// Whether one of the commands is `oarlock` with neither `--as` nor `--session`.
pub(super) fn calls_oarlock(command: &str) -> bool {
    let around = Surroundings::default();
    let mut shell = Shell::new(&around, "");
    shell.run_text(&word::cleaned(command));
    shell.calls_oarlock
}

/// Words as a command line.
pub(super) fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("'{}'", word.replace('\'', "'\\''"))).collect::<Vec<_>>().join(" ")
}

/// Where a shell is, and what it knows.
#[derive(Clone, Default)]
struct State {
    /// Nothing when only the run decides, and then relative paths could be anywhere.
    dir: Option<Rc<str>>,
    /// Where it was before.
    before: Option<Rc<str>>,
    /// Where it was at each `pushd`.
    left: Rc<Vec<Option<Rc<str>>>>,
    values: Rc<HashMap<String, Value>>,
    functions: Rc<HashMap<String, Rc<Command>>>,
    /// `$1` and those behind it, where they are known.
    args: Option<Rc<Vec<String>>>,
    /// The input of its commands, where it is known.
    input: Option<Rc<str>>,
}

/// A shell that runs commands.
struct Shell<'a> {
    around: &'a Surroundings<'a>,
    state: State,
    /// Links that the commands have made, and where they lead.
    links: Vec<(String, String)>,
    /// Files that the commands have written, with their contents.
    files: HashMap<String, Rc<str>>,
    found: Vec<Written>,
    /// Work that may still be done.
    work: usize,
    depth: usize,
    /// Which of a variable's values counts, and how many the one with the most has.
    pick: usize,
    picks: usize,
    /// Whether the last `read` has left lines for another one.
    has_more: bool,
    calls_oarlock: bool,
}

impl<'a> Shell<'a> {
    fn new(around: &'a Surroundings<'a>, dir: &str) -> Self {
        let state = State { dir: Some(dir.into()), ..State::default() };
        Self {
            around,
            state,
            links: Vec::new(),
            files: HashMap::new(),
            found: Vec::new(),
            work: WORK_MAX,
            depth: 0,
            pick: 0,
            picks: 1,
            has_more: false,
            calls_oarlock: false,
        }
    }

    /// Counts work. Whether it may be done.
    fn spend(&mut self, bytes: usize) -> bool {
        let is_left = self.work > bytes;
        self.work = self.work.saturating_sub(bytes);
        is_left
    }

    /// Runs a text as commands; what it prints, where that is known.
    fn run_text(&mut self, text: &str) -> Option<String> {
        if self.depth >= DEPTH_MAX || !self.spend(text.len()) {
            return None;
        }
        self.script(&parse::script(text))
    }

    /// Runs commands in a shell of their own; what they print.
    fn captured(&mut self, script: &Script) -> Option<String> {
        if self.depth >= DEPTH_MAX {
            return None;
        }
        self.apart(|shell| shell.script(script))
    }

    /// Runs something whose state is forgotten behind it.
    fn apart<T>(&mut self, run: impl FnOnce(&mut Self) -> T) -> T {
        let state = self.state.clone();
        let done = run(self);
        self.state = state;
        done
    }

    /// Notes a written path, seen from where the shell is.
    fn add(&mut self, written: impl IntoIterator<Item = Written>) {
        for written in written {
            if self.found.len() >= FOUND_MAX {
                return;
            }
            match &self.state.dir {
                Some(dir) if !written.is_waste() => {
                    let path = joined(dir, &written.path);
                    if let Some(path) = self.behind_link(&path, written.reach == Reach::File && !written.is_entry) {
                        self.found.push(Written { path, ..written.clone() });
                    }
                    self.found.push(Written { path, ..written });
                }
                None if written.path.starts_with(['/', '~']) => self.found.push(written),
                _ => {}
            }
        }
    }

    /// Where a path leads that goes through a link which the commands have made. What takes away a link, as a tree, names the link itself.
    fn behind_link(&self, path: &str, is_file: bool) -> Option<String> {
        if self.links.is_empty() {
            return None;
        }
        let path = cleared(&self.absolute(path)?);
        self.links.iter().rev().find_map(|(link, target)| {
            let rest = path.strip_prefix(link)?;
            (rest.starts_with('/') || rest.is_empty() && is_file).then(|| format!("{target}{rest}"))
        })
    }

    /// Notes the link that `ln -s TARGET LINK` makes.
    fn link(&mut self, args: &[Word]) {
        let options = options::Options::read(args, "t S target-directory suffix", "");
        let [target, link] = options.operands.as_slice() else { return };
        let (Some(target), Some(link)) = (target.known(), link.known()) else { return };
        let Some(link) = self.file_name(link.trim_end_matches('/')) else { return };
        let target = match link.rsplit_once('/') {
            Some((dir, _)) if options.has(&["s", "symbolic"]) => joined(dir, target),
            _ => return,
        };
        if self.links.len() < 64 {
            self.links.push((link, cleared(&target)));
        }
    }

    /// A path seen from where the agent works: absolute where that is known.
    fn absolute(&self, path: &str) -> Option<String> {
        if path.starts_with(['/', '~']) {
            return Some(path.to_owned());
        }
        let cwd = self.around.cwd.filter(|cwd| cwd.starts_with('/'))?.trim_end_matches('/');
        Some(if path.is_empty() { cwd.to_owned() } else { format!("{cwd}/{path}") })
    }

    /// The absolute path of the directory that the shell is in, where it is known.
    fn here_absolute(&self) -> Option<String> {
        self.absolute(self.state.dir.as_deref()?)
    }

    /// The name under which the content of a file is kept.
    fn file_name(&self, path: &str) -> Option<String> {
        let seen = joined(self.state.dir.as_deref()?, path);
        Some(cleared(&self.absolute(&seen).unwrap_or(seen)))
    }

    /// The content of a file that the commands have written themselves.
    fn content(&self, path: &Word) -> Option<Rc<str>> {
        let name = path.known()?;
        if matches!(name, "/dev/stdin" | "-") {
            return self.state.input.clone();
        }
        self.files.get(name).or_else(|| self.files.get(&self.file_name(name)?)).cloned()
    }

    fn change_dir(&mut self, to: Option<&Word>) {
        let dir = match (to.map(|to| to.known()), &self.state.dir) {
            (None, _) => self.around.home.map(str::to_owned),
            (Some(Some("-")), _) => self.state.before.as_deref().map(str::to_owned),
            (Some(Some(to)), _) if to.starts_with(['/', '~']) => Some(to.to_owned()),
            (Some(Some(to)), Some(dir)) => Some(joined(dir, to)),
            _ => None,
        };
        let dir = dir.filter(|dir| dir.len() <= DIR_BYTES_MAX).map(|dir| Rc::from(if dir.len() > 256 { cleared(&dir) } else { dir }));
        self.state.before = std::mem::replace(&mut self.state.dir, dir);
    }

    /// Something that is written in a directory, under a name that only the run decides.
    fn somewhere(dir: &str) -> Written {
        Written::tree(joined(dir, "some-file"))
    }
}

#[cfg(test)]
mod tests;

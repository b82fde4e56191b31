//! Which files a shell command is going to write, as far as its text tells: redirections and the common commands that write. It is a
//! guard rail and no wall: what a program does by itself, or what only the run tells, is found when it is committed.

mod braces;
mod escapes;
mod find;
mod git;
mod lexer;
mod nesting;
mod options;
mod place;
mod programs;
mod simple;
mod values;

use std::rc::Rc;

use super::Written;
use super::patch;
use lexer::commands;
use simple::{Simple, Word, env_dir, has_name, program};
use values::Values;

/// How deep commands inside commands are looked into.
const DEPTH_MAX: usize = 4;

/// The longest path of a directory that commands go to, in bytes: there is none longer.
const DIR_BYTES_MAX: usize = 4_096;

/// Programs that run a text as commands.
const SHELLS: [&str; 5] = ["sh", "bash", "zsh", "dash", "ksh"];

/// What a command is going to write, seen from `dir` where that is given. `cwd` is the directory that the agent works in, if it is known.
pub(super) fn writes(command: &str, dir: Option<&str>, cwd: Option<&str>) -> Vec<Written> {
    let mut found = Vec::new();
    look(command, Some(dir.unwrap_or_default().into()), cwd, 0, &mut found);
    found.retain(|written| written.path != "/dev" && !written.path.starts_with("/dev/"));
    found
}

/// Whether one of the commands is `oarlock` with neither `--as` nor `--session`.
pub(super) fn calls_oarlock(command: &str) -> bool {
    let says_who = |word: &Word| ["--as", "--session"].iter().any(|flag| word.text == *flag || word.text.starts_with(&format!("{flag}=")));
    let runs_it = |word: &str| word == "oarlock" || word.ends_with("/oarlock");
    commands(command).iter().any(|simple| {
        let words = simple.program();
        words.first().is_some_and(|first| first.known().is_some_and(runs_it))
            && !words.iter().any(says_who)
            && !simple.assigns("OARLOCK_AGENT")
            && words.len() > 1
            && !words.iter().any(|word| word.is("--help") || word.is("--version"))
    })
}

/// Words as a command line.
pub(super) fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("'{}'", word.replace('\'', "'\\''"))).collect::<Vec<_>>().join(" ")
}

/// A shell that runs commands.
struct Shell<'f> {
    /// Where it is; nothing when only the run tells, and then relative paths could be anywhere.
    dir: Option<Rc<str>>,
    /// Where the agent works.
    cwd: Option<&'f str>,
    /// Where it was at each `pushd`.
    left: Vec<Option<Rc<str>>>,
    depth: usize,
    values: Values,
    found: &'f mut Vec<Written>,
}

fn look(command: &str, dir: Option<Rc<str>>, cwd: Option<&str>, depth: usize, found: &mut Vec<Written>) {
    if depth > DEPTH_MAX {
        return;
    }
    let mut shell = Shell { dir, cwd, left: Vec::new(), depth, values: Values::default(), found };
    // Where the shells around it are, how many directories they have left, and what they know.
    let mut around = Vec::new();
    for simple in commands(command) {
        around.extend(std::iter::repeat_with(|| (shell.dir.clone(), shell.left.len(), shell.values.clone())).take(simple.enters));
        shell.simple(&simple);
        for _ in 0..simple.leaves {
            if let Some((dir, left, values)) = around.pop() {
                (shell.dir, shell.values) = (dir, values);
                shell.left.truncate(left);
            }
        }
    }
}

impl Shell<'_> {
    fn simple(&mut self, simple: &Simple) {
        for inner in &simple.inner {
            self.look(inner);
        }
        // A value is used later, and perhaps from another directory.
        let here = self.dir.as_deref().and_then(|dir| place::absolute(dir, self.cwd));
        self.values.note(&place::put(simple, here.as_deref()));
        let here = here.or_else(|| self.dir.as_ref().map(|_| ".".to_owned()));
        for simple in self.values.resolved(simple).iter().map(|simple| place::put(simple, here.as_deref())) {
            self.add(simple.outputs.iter().filter_map(Word::as_file).collect());
            self.run(simple.program(), &simple.here);
        }
    }

    fn add(&mut self, written: Vec<Written>) {
        let dir = self.dir.clone();
        let is_somewhere = dir.as_ref().is_some_and(|dir| has_name(dir));
        self.found.extend(written.into_iter().filter(|written| is_somewhere || !written.is_anything()).filter_map(|written| match &dir {
            Some(dir) => Some(Written { path: joined(dir, &written.path), ..written }),
            None => Some(written).filter(|written| written.path.starts_with(['/', '~'])),
        }));
    }

    /// Another shell that is started here.
    fn look(&mut self, command: &str) {
        look(command, self.dir.clone(), self.cwd, self.depth + 1, self.found);
    }

    /// A program's name, its arguments, and the text that the line gives it to read.
    fn run(&mut self, words: &[Word], here: &str) {
        let Some((name, args)) = words.split_first() else { return };
        let Some(name) = name.known() else { return };
        let name = name.rsplit('/').next().unwrap_or(name);
        match name {
            "cd" | "pushd" => {
                if name == "pushd" {
                    self.left.push(self.dir.clone());
                }
                self.change_dir(args);
            }
            "popd" => self.dir = self.left.pop().flatten(),
            name if SHELLS.contains(&name) => {
                let script = args.iter().position(|arg| arg.text.starts_with('-') && !arg.text.starts_with("--") && arg.text.contains('c'));
                if let Some(script) = script.and_then(|at| args.get(at + 1)) {
                    self.look(script.known().unwrap_or_default());
                } else if args.iter().all(|arg| arg.text.starts_with('-')) || args.iter().any(|arg| arg.is("-s")) {
                    // Without a script of its own it runs what it reads.
                    self.look(here);
                }
            }
            "eval" => {
                let words: Option<Vec<&str>> = args.iter().map(Word::known).collect();
                self.look(&words.unwrap_or_default().join(" "));
            }
            "apply_patch" | "applypatch" => {
                let text =
                    if here.is_empty() { args.iter().filter_map(Word::known).collect::<Vec<_>>().join("\n") } else { here.to_owned() };
                self.add(patch::paths(&text).map(Written::file).collect());
            }
            "find" => self.search(&find::read(args)),
            "env" => {
                if let Some((dir, args)) = env_dir(args) {
                    let here = self.dir.clone();
                    self.change_dir(&[dir]);
                    let words: Vec<Word> = [Word::of("env")].into_iter().chain(args).collect();
                    self.run(program(&words), "");
                    self.dir = here;
                }
            }
            _ => self.add(programs::writes(name, args)),
        }
    }

    fn change_dir(&mut self, args: &[Word]) {
        let to = args.iter().find(|word| !word.text.starts_with('-') || word.is("-"));
        let dir = match (to.and_then(Word::known), &self.dir) {
            (Some(to), _) if to.starts_with(['/', '~']) => Some(to.to_owned()),
            (Some(to), Some(dir)) if to != "-" => Some(joined(dir, to)),
            _ => None,
        };
        self.dir = dir.filter(|dir| dir.len() <= DIR_BYTES_MAX).map(Rc::from);
    }

    fn search(&mut self, search: &find::Search<'_>) {
        self.add(search.removed());
        for (words, beside) in &search.runs {
            let words = program(words);
            match words.first().and_then(Word::known) {
                // A search in a search could grow without end.
                None | Some("find") => {}
                Some(name) if SHELLS.contains(&name) => self.run(words, ""),
                Some(name) => {
                    for (found, words) in search.run_on(words) {
                        let mut written = programs::writes(name, words.get(1..).unwrap_or_default());
                        // Its other paths are seen from where each file is.
                        let is_found = |written: &Written| found.in_directory().is_some_and(|(dir, _)| written.path.starts_with(dir));
                        written.retain(|written| !beside || is_found(written));
                        self.add(written);
                    }
                }
            }
        }
    }
}

fn joined(dir: &str, path: &str) -> String {
    if dir.is_empty() || path.starts_with('/') || path.starts_with('~') {
        path.to_owned()
    } else {
        format!("{}/{path}", dir.trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests;

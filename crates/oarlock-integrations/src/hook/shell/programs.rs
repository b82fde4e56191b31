//! Programs: those that start others, those that a table describes, and the few that are read by code of their own.

use super::names::{SHELLS, short_name};
use super::options::Options;
use super::paths::is_file_name;
use super::specs::{self, within};
use super::starters::{self, Started};
use super::word::Word;
use super::{Printed, Shell, code, containers, git, moves, prints};
use crate::hook::{By, Written, patch};

/// Options by which programs that are not known name what they write.
const OUTPUTS: &str = "o out output outfile out-file outFile output-file outputFile output_file out-dir outdir outDir output-dir outputDir \
                       output_dir output-directory output-path outputPath";

impl Shell<'_> {
    /// Runs a program with its arguments; what it prints, where that is known.
    pub(super) fn program(&mut self, words: &[Word]) -> Printed {
        let Some((first, args)) = words.split_first() else { return Some(String::new()) };
        let full = first.known()?;
        let name = short_name(full);
        self.calls_oarlock |= name == "oarlock" && is_call_without_name(args);
        if name == "command" && args.first().is_some_and(|arg| arg.is("-v")) {
            return Some(format!("{}\n", args.get(1)?.known()?));
        }
        if matches!(name, "env" | "sudo" | "doas") {
            let given = args.iter().filter(|arg| !arg.text.starts_with('-')).take_while(|arg| super::word::is_assignment(&arg.text));
            let given: Vec<(String, String)> =
                given.filter_map(|arg| arg.value.split_once('=')).map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            if !given.is_empty() {
                return self.apart(|shell| {
                    given.into_iter().for_each(|(name, value)| shell.set(&name, vec![vec![value]]));
                    let plain: Vec<Word> = args.iter().filter(|arg| !super::word::is_assignment(&arg.text)).cloned().collect();
                    let words: Vec<Word> = [first.clone()].into_iter().chain(plain).collect();
                    shell.program(&words)
                });
            }
        }
        if let Some(started) = starters::read(name, args) {
            let others = code::written_by_others(name, args, None);
            self.add(others);
            self.add(specs::written(name, args).unwrap_or_default());
            return self.start(started);
        }
        if matches!(name, "at" | "batch") {
            let text = self.state.input.clone()?;
            return self.apart(|shell| shell.run_text(&text));
        }
        if SHELLS.contains(&name) {
            return self.shell(args);
        }
        match name {
            "apply_patch" | "applypatch" => {
                let text = match &self.state.input {
                    Some(input) => input.to_string(),
                    None => args.iter().map(|arg| arg.value.as_str()).collect::<Vec<_>>().join("\n"),
                };
                let written: Vec<Written> = patch::paths(&text).map(Written::file).collect();
                self.add(written);
                return None;
            }
            "find" | "gfind" => return self.find(args),
            "fd" | "fdfind" => return self.fd(args),
            "xargs" | "gxargs" => return self.xargs(args),
            "parallel" => return self.parallel(args),
            "git" => return self.git(args),
            "docker" | "podman" | "nerdctl" | "docker-compose" | "podman-compose" => return self.container(args),
            "buildah" => {
                self.add(containers::writes(args));
                return None;
            }
            "patch" | "gpatch" => {
                let written = self.patch(args);
                self.add(written);
                return None;
            }
            "ed" | "red" | "ex" | "vi" | "vim" | "nvim" | "emacs" => {
                let written = code::edited(name, args, self.state.input.as_deref());
                self.add(written);
                return None;
            }
            _ => {}
        }
        if code::is_interpreter(name) || code::is_interpreter_with(name, args) {
            return self.interpreter(name, args);
        }
        let written = code::written_by_others(name, args, self.state.input.as_deref());
        self.add(written);
        if let Some(written) = moves::writes(name, args) {
            if let ("tar" | "bsdtar" | "gtar", Some(members)) =
                (name, self.state.input.as_deref().and_then(|text| text.strip_prefix(prints::ARCHIVE)))
            {
                let members: Vec<Word> = members.lines().take(256).map(Word::of).collect();
                let all: Vec<Word> = args.iter().cloned().chain(members).collect();
                self.add(moves::writes(name, &all).unwrap_or_default());
            }
            self.add(written);
            if matches!(name, "ln" | "link") {
                self.link(args);
            }
        } else if let Some(written) = specs::written(name, args) {
            self.add(written);
            self.add(code::written_in_script(name, args, self.state.input.as_deref()));
            for text in code::run_in_script(name, args) {
                self.apart(|shell| shell.run_text(&text));
            }
        } else if let Some(content) = self.content(first) {
            // A script that the commands have written themselves.
            return self.run_script(&content, args);
        } else if full.eq_ignore_ascii_case(name) && name.chars().any(|c| c.is_ascii_uppercase()) {
            // PowerShell's names are the same in any case.
            let lower = name.to_ascii_lowercase();
            // `A, B` is a list.
            let mut args: Vec<Word> = args.iter().map(|arg| Word::of(arg.value.trim_end_matches(','))).collect();
            // The output of the pipe is meant.
            if !args.iter().any(|arg| !arg.text.starts_with('-')) && lower.ends_with("-item") {
                args.extend(self.state.input.iter().flat_map(|input| input.lines()).take(64).map(Word::of));
            }
            self.add(specs::written(&lower, &args).unwrap_or_default());
        } else {
            self.add(by_its_options(args));
        }
        match name {
            "cargo" | "go" | "dotnet" if args.iter().any(|arg| arg.is("run")) => {
                let behind = args.iter().position(|arg| arg.is("--")).map_or(args.len(), |at| at + 1);
                self.add(by_its_options(&args[behind..]));
            }
            _ => {}
        }
        prints::of(self, name, args)
    }

    fn start(&mut self, started: Started) -> Printed {
        match started {
            Started::Words(words, dir) => self.run_in(dir.as_ref(), |shell| shell.run(&words)),
            Started::Text(text, dir) => self.run_in(dir.as_ref(), |shell| shell.apart(|shell| shell.run_text(&text))),
            Started::Texts(texts) => {
                for text in texts {
                    self.apart(|shell| shell.run_text(&text));
                }
                None
            }
            Started::Elsewhere => None,
        }
    }

    /// A shell: the text behind `-c`, a script of which the text is known, or what it reads.
    fn shell(&mut self, args: &[Word]) -> Printed {
        let mut at = 0;
        let mut is_command = false;
        while let Some(arg) = args.get(at).filter(|arg| arg.text.starts_with(['-', '+']) && arg.text.len() > 1) {
            let is_short = !arg.text.starts_with("--");
            let letters = arg.text.get(1..).unwrap_or_default();
            if is_short && letters.contains('n') && letters.chars().all(|c| "neuxvf".contains(c)) {
                return None;
            }
            is_command |= is_short && arg.text.starts_with('-') && letters.contains('c');
            at += if is_short && letters.ends_with(['o', 'O']) || matches!(arg.text.as_str(), "--rcfile" | "--init-file") { 2 } else { 1 };
            if is_short && letters.contains('s') && !letters.contains('c') {
                let text = self.state.input.clone()?;
                let given = args.get(at..).unwrap_or_default();
                return self.run_script(&text, given.strip_prefix(&[Word::of("--")]).unwrap_or(given));
            }
        }
        let rest = args.get(at..).unwrap_or_default();
        match rest.split_first() {
            Some((text, args)) if is_command => self.run_text_with(&text.value, args),
            Some((script, args)) => {
                let text = self.content(script);
                match text {
                    Some(text) => self.run_script(&text, args),
                    None => {
                        self.add(by_its_options(args));
                        None
                    }
                }
            }
            None => {
                let text = self.state.input.clone()?;
                self.run_script(&text, &[])
            }
        }
    }

    /// The text behind `-c`, whose first argument is its `$0`.
    fn run_text_with(&mut self, text: &str, args: &[Word]) -> Printed {
        self.apart(|shell| {
            if let Some(first) = args.first() {
                shell.set("0", vec![vec![first.value.clone()]]);
            }
            shell.run_script(text, args.get(1..).unwrap_or_default())
        })
    }

    fn interpreter(&mut self, name: &str, args: &[Word]) -> Printed {
        self.add(specs::written(name, args).unwrap_or_default());
        let call = code::read(name, args);
        if let Some(words) = call.module {
            return self.run(&words);
        }
        self.add(call.edited);
        let is_script = call.texts.is_empty();
        let mut texts: Vec<String> = call.texts;
        if let Some(script) = &call.script {
            match self.content(script) {
                Some(text) => texts.push(text.to_string()),
                // `vendor/bin/NAME`, and what the package manager links.
                None if script.text.contains("bin/") || script.text.starts_with("npm:") => {
                    let name = script.text.trim_start_matches("npm:");
                    let name = [".js", ".cjs", ".mjs"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
                    let words: Vec<Word> = [Word::of(name)].into_iter().chain(call.args.iter().cloned()).collect();
                    return self.run(&words);
                }
                None => self.add(by_its_options(&call.args)),
            }
        } else if texts.is_empty() && call.reads_input {
            texts.extend(self.state.input.as_deref().map(str::to_owned));
        }
        for text in texts {
            if !self.spend(text.len()) {
                return None;
            }
            let args: Vec<String> = call.args.iter().map(|arg| arg.value.clone()).collect();
            self.code(call.language, &text, &args, is_script);
        }
        None
    }

    /// The paths that a program text of a language writes, and the commands it runs.
    pub(super) fn code(&mut self, language: code::Language, text: &str, args: &[String], is_script: bool) {
        let found = code::writes(language, text, args, is_script);
        self.add(found.written);
        for command in found.commands {
            self.apart(|shell| shell.run_text(&command));
        }
    }

    fn git(&mut self, args: &[Word]) -> Printed {
        let patch_text = || self.state.input.as_deref().map(str::to_owned);
        let text = match git::patch_file(args) {
            Some(file) => self.content(&file).map(|text| text.to_string()).or_else(|| if file.is("-") { patch_text() } else { None }),
            None => patch_text(),
        };
        for text in git::commands(args) {
            self.apart(|shell| shell.run_text(&text));
        }
        let args = self.with_paths_from_file(args);
        let top = self.top_of_call(&args);
        let written = git::writes(&args, text.as_deref(), top.as_deref());
        self.add(written);
        prints::of_git(self, &args)
    }

    /// The words of a call of git, with the paths that `--pathspec-from-file` reads, where they are known.
    fn with_paths_from_file(&self, args: &[Word]) -> Vec<Word> {
        const OPTION: &str = "--pathspec-from-file";
        let Some(at) = args.iter().position(|arg| arg.text.starts_with(OPTION)) else { return args.to_vec() };
        let own = args[at].text.strip_prefix(OPTION).and_then(|rest| rest.strip_prefix('='));
        let (file, width) = match own {
            Some(file) => (Word::of(file), 1),
            None => (args.get(at + 1).cloned().unwrap_or_default(), 2),
        };
        let Some(text) = self.content(&file) else { return args.to_vec() };
        let mut words = args.to_vec();
        words.drain(at..(at + width).min(args.len()));
        if !words.iter().any(|word| word.is("--")) {
            words.push(Word::of("--"));
        }
        words.extend(text.lines().filter(|line| !line.is_empty()).take(256).map(Word::of));
        words
    }

    fn patch(&mut self, args: &[Word]) -> Vec<Written> {
        let options = Options::read(args, moves::PATCH_VALUED, "");
        let named = options.values(&["i", "input"]).last().copied().or(options.operands.get(1).copied());
        let text = named.map_or_else(|| self.state.input.clone(), |file| self.content(file));
        moves::patched(&options, text.as_deref())
    }

    /// A container that sees directories of this machine under other names.
    fn container(&mut self, args: &[Word]) -> Printed {
        let Some(run) = containers::run(args) else {
            self.add(containers::writes(args));
            return None;
        };
        self.add(run.written);
        let before = self.found.len();
        self.apart(|shell| {
            shell.state.dir = Some(run.dir.clone().into());
            shell.run(&run.words)
        });
        let inside = self.found.split_off(before);
        for written in inside {
            let mut seen = run.mounts.iter().filter_map(|(from, to)| {
                let rest = written.path.strip_prefix(to.trim_end_matches('/'))?;
                (rest.is_empty() || rest.starts_with('/')).then(|| format!("{}{rest}", from.trim_end_matches('/')))
            });
            let seen = seen.next_back();
            self.add(seen.map(|path| Written { path, ..written }));
        }
        None
    }
}

/// Options by which programs that are not known say that they write the files they are called with.
const MENDS: &str = "fix write in-place inplace in_place overwrite autofix auto-fix autocorrect auto-correct fix-all write-changes";

/// Whether the name of an option begins or ends as those of outputs do.
fn is_like_output(name: &str) -> bool {
    const ENDS: [&str; 9] =
        ["-out", "-output", "-outfile", "-out-file", "-output-file", "-out-dir", "-output-dir", "-output-path", "-export"];
    const KINDS: &str = "file dir path folder directory to filename name location root base html json xml csv report";
    const NAMES: &str = "dest destination dest-dir save-to save-path save-dir report-path report-file";
    let is_other = ["no-", "exclude", "ignore", "without", "skip", "compare", "expected"].iter().any(|other| name.starts_with(other));
    let behind = name.strip_prefix('D').unwrap_or(name);
    let behind = behind.strip_prefix("output").or(behind.strip_prefix("out"));
    let rest = behind.map(|rest| rest.trim_start_matches(['-', '_']).to_ascii_lowercase());
    let is_it = rest.is_some_and(|rest| super::options::is_among(KINDS, &rest) || rest.is_empty());
    !is_other && (is_it || ENDS.iter().any(|end| name.ends_with(end)) || super::options::is_among(NAMES, name))
}

/// The output of an unknown program, and the files it edits, as its options show them.
pub(super) fn by_its_options(args: &[Word]) -> Vec<Written> {
    let is_path = |word: &&Word| !word.is_known || (word.text.contains(['/', '.']) || word.text.len() > 1) && is_file_name(&word.text);
    let is_plain_path = |word: &Word| is_path(&word) && (!word.is_known || word.text.contains(['/', '.']));
    let mut found = Vec::new();
    let is_mending = |word: &Word| word.text.strip_prefix("--").is_some_and(|name| super::options::is_among(MENDS, name));
    let only_looks = |word: &Word| matches!(word.known(), Some("--check" | "--dry-run" | "--diff" | "--stdout" | "--help"));
    let mends = args.iter().any(is_mending) && !args.iter().any(only_looks);
    let mut rest = args.iter().peekable();
    while let Some(word) = rest.next() {
        let Some(name) = word.text.strip_prefix('-') else { continue };
        let name = name.strip_prefix('-').unwrap_or(name);
        let (name, value) = match name.split_once('=') {
            Some((name, value)) => (name, Some(word.after(word.text.len() - value.len()))),
            None => (name, rest.peek().filter(|next| !next.text.starts_with('-')).map(|next| (*next).clone())),
        };
        let is_output = super::options::is_among(OUTPUTS, name) || (is_like_output(name) && value.as_ref().is_some_and(is_plain_path));
        if is_output && let Some(value) = value.as_ref().filter(is_path) {
            found.extend(value.as_tree().map(|written| written.by(By::Output)));
            if name.to_ascii_lowercase().contains("dir") {
                found.extend(within(value).into_iter().map(|written| written.by(By::Output)));
            }
        }
    }
    if mends && found.is_empty() {
        // What follows another option could be its value.
        let follows =
            |at: usize| at > 0 && args[at - 1].text.starts_with('-') && !args[at - 1].text.contains('=') && !is_mending(&args[at - 1]);
        let operands =
            args.iter().enumerate().filter(|(at, word)| !word.text.starts_with('-') && !follows(*at)).map(|(_, word)| word.globbed());
        found.extend(operands.filter(|word| !word.is_known || is_file_name(&word.text)).filter_map(|word| word.as_tree()));
        return found.into_iter().map(|written| written.by(By::Formatter)).collect();
    }
    found
}

fn is_call_without_name(args: &[Word]) -> bool {
    let says_who = |word: &Word| ["--as", "--session"].iter().any(|flag| word.text == *flag || word.text.starts_with(&format!("{flag}=")));
    !args.is_empty() && !args.iter().any(says_who) && !args.iter().any(|word| word.is("--help") || word.is("--version"))
}

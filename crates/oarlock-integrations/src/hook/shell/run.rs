//! How a shell runs its commands: lists, loops, functions, redirections, and the builtins that change where it is and what it knows.

use std::rc::Rc;

use super::expand::{CHOICES_MAX, Value};
use super::names::{SHELLS, short_name};
use super::paths::joined;
use super::syntax::{Assign, Command, List, Node, Redirect, Script, Spelled};
use super::word::{ANY, Word, is_assignment, is_name};
use super::{COMMAND_COST, DEPTH_MAX, Printed, Shell, State};

/// The most values of a loop that are looked at.
const TURNS_MAX: usize = 64;

fn together(before: Printed, more: Printed) -> Printed {
    match (before, more) {
        (Some(mut before), Some(more)) => {
            before.push_str(&more);
            Some(before)
        }
        _ => None,
    }
}

impl Shell<'_> {
    pub(super) fn script(&mut self, script: &Script) -> Printed {
        let mut printed = Some(String::new());
        for list in script {
            let more = if list.is_background { self.apart(|shell| shell.list(list)) } else { self.list(list) };
            printed = together(printed, more);
        }
        printed
    }

    fn list(&mut self, list: &List) -> Printed {
        let mut printed = Some(String::new());
        for pipeline in &list.pipelines {
            let more = match pipeline.as_slice() {
                [command] => self.command(command),
                commands => {
                    let state = self.state.clone();
                    let mut last = None;
                    for (at, command) in commands.iter().enumerate() {
                        self.state = State { input: if at == 0 { state.input.clone() } else { last.map(String::into) }, ..state.clone() };
                        last = self.command(command);
                    }
                    self.state = state;
                    last
                }
            };
            printed = together(printed, more);
        }
        printed
    }

    fn command(&mut self, command: &Command) -> Printed {
        if self.depth >= DEPTH_MAX || !self.spend(COMMAND_COST) {
            return None;
        }
        self.depth += 1;
        let printed = self.command_here(command);
        self.depth -= 1;
        printed
    }

    fn command_here(&mut self, command: &Command) -> Printed {
        let mut input = None;
        let mut kept = None;
        for redirect in &command.redirects {
            if !matches!(redirect, Redirect::Output { .. }) && input.is_none() {
                input = Some(self.state.input.clone());
            }
            match redirect {
                Redirect::Output { to, is_standard } => {
                    for name in self.expand(to) {
                        let name = Word::of(name);
                        self.add(name.as_file());
                        if *is_standard {
                            kept = name.known().map(str::to_owned);
                        }
                    }
                }
                Redirect::Input(from) => {
                    let from = Word::of(self.expand_whole(from));
                    self.state.input = self.content(&from);
                }
                Redirect::Here(text) => self.state.input = text.get().map(|text| self.expand_text(text).into()),
                Redirect::HereWord(word) => self.state.input = Some(format!("{}\n", self.expand_whole(word)).into()),
            }
        }
        let printed = self.node(&command.node);
        // What a command has read of the input of all is gone; its own input is forgotten.
        if let Some(input) = input {
            self.state.input = input;
        }
        let Some(name) = kept else { return printed };
        if let (Some(text), Some(name)) = (printed, self.file_name(&name)) {
            self.keep(name, &text);
        }
        Some(String::new())
    }

    /// Keeps the content of a file; its former content may still be there.
    pub(super) fn keep(&mut self, name: String, text: &str) {
        let before = self.files.get(&name).map_or("", |text| text);
        let text = format!("{before}{text}");
        if self.spend(text.len()) {
            self.files.insert(name, text.into());
        }
    }

    fn node(&mut self, node: &Node) -> Printed {
        match node {
            Node::Simple { assigns, words } => self.simple(assigns, words),
            Node::Group(script) => self.script(script),
            Node::Subshell(script) => self.apart(|shell| shell.script(script)),
            Node::If(parts) => {
                for (condition, _) in parts.iter().take(1) {
                    self.script(condition);
                }
                let branches = parts.iter().enumerate().map(|(at, (condition, body))| (if at > 0 { Some(condition) } else { None }, body));
                self.branches(branches.collect())
            }
            Node::Case(word, arms) => {
                self.expand_whole(word);
                self.branches(arms.iter().map(|body| (None, body)).collect())
            }
            Node::Loop(condition, body) => {
                let mut printed = Some(String::new());
                for _ in 0..TURNS_MAX {
                    self.has_more = false;
                    self.script(condition);
                    let goes_on = self.has_more;
                    let more = self.script(body);
                    printed = together(printed, more);
                    if !goes_on || self.work == 0 {
                        break;
                    }
                }
                printed
            }
            Node::For { name, words, body } => self.for_loop(name, words.as_deref(), body),
            Node::Function(name, body) => {
                Rc::make_mut(&mut self.state.functions).insert(name.clone(), Rc::clone(body));
                Some(String::new())
            }
            Node::Test(words) => {
                for word in words {
                    self.expand_whole(word);
                }
                Some(String::new())
            }
        }
    }

    /// Ways of which one is gone: each is, and what they leave behind may be true.
    fn branches(&mut self, branches: Vec<(Option<&Script>, &Script)>) -> Printed {
        let start = self.state.clone();
        let mut printed = Some(String::new());
        let mut ends: Vec<State> = Vec::new();
        for (condition, body) in branches {
            self.state = start.clone();
            if let Some(condition) = condition {
                self.script(condition);
            }
            let more = self.script(body);
            printed = together(printed, more);
            ends.push(self.state.clone());
        }
        self.state = start;
        for end in ends {
            self.merge(end);
        }
        printed
    }

    fn merge(&mut self, end: State) {
        if self.state.dir != end.dir && end.dir.is_some() {
            (self.state.dir, self.state.before) = (end.dir, end.before);
        }
        if !Rc::ptr_eq(&self.state.functions, &end.functions) {
            self.state.functions = end.functions;
        }
        if Rc::ptr_eq(&self.state.values, &end.values) || !self.spend(end.values.len() * 16) {
            return;
        }
        let values = Rc::make_mut(&mut self.state.values);
        for (name, choices) in end.values.iter() {
            let known = values.entry(name.clone()).or_default();
            for choice in choices {
                if known.len() < CHOICES_MAX && !known.contains(choice) {
                    known.push(choice.clone());
                }
            }
        }
    }

    fn for_loop(&mut self, name: &str, words: Option<&[Spelled]>, body: &Script) -> Printed {
        let values: Vec<String> = match words {
            Some(words) => words.iter().flat_map(|word| self.expand(word)).collect(),
            None => self.state.args.as_ref().map_or_else(|| vec![ANY.to_string()], |args| args.to_vec()),
        };
        let mut printed = Some(String::new());
        let count = values.len();
        for value in values.into_iter().take(TURNS_MAX) {
            if is_name(name) {
                self.set(name, vec![vec![value]]);
            }
            let more = self.script(body);
            printed = together(printed, more);
        }
        if count == 0 && words.is_some_and(<[_]>::is_empty) {
            // It counts.
            printed = self.script(body);
        }
        printed
    }

    pub(super) fn set(&mut self, name: &str, value: Value) {
        if self.spend(name.len() + value.iter().flatten().map(String::len).sum::<usize>()) {
            Rc::make_mut(&mut self.state.values).insert(name.to_owned(), value);
        }
    }

    fn unset(&mut self, name: &str) {
        // Nothing, and not something that only the run decides.
        self.set(name, vec![vec![String::new()]]);
    }

    fn assign(&mut self, assigns: &[Assign]) {
        for assign in assigns {
            let mut choices = Value::new();
            let mut at = 0;
            loop {
                (self.pick, self.picks) = (at, 1);
                let given: Vec<String> = if assign.is_array {
                    assign.values.iter().flat_map(|word| self.expand(word)).collect()
                } else {
                    assign.values.iter().map(|word| self.expand_whole(word)).collect()
                };
                if assign.adds && self.append(assign, &given) {
                    break;
                }
                choices.push(given);
                at += 1;
                if at >= self.picks.min(CHOICES_MAX) {
                    break;
                }
            }
            (self.pick, self.picks) = (0, 1);
            if !assign.keys.is_empty() {
                self.set(&format!("!{}", assign.name), vec![assign.keys.clone()]);
            }
            if !choices.is_empty() {
                self.set(&assign.name, choices);
            }
        }
    }

    /// Adds to the value that a variable has, in its place: a text may add to one again and again. Whether it has one.
    fn append(&mut self, assign: &Assign, given: &[String]) -> bool {
        let is_known = self.state.values.contains_key(&assign.name);
        if is_known && self.spend(given.iter().map(String::len).sum()) {
            let values = Rc::make_mut(&mut self.state.values).get_mut(&assign.name);
            for choice in values.into_iter().flatten() {
                match choice.first_mut() {
                    Some(first) if !assign.is_array => first.push_str(&given.concat()),
                    _ => choice.extend_from_slice(given),
                }
            }
        }
        is_known
    }

    fn simple(&mut self, assigns: &[Assign], words: &[Spelled]) -> Printed {
        if words.is_empty() {
            self.assign(assigns);
            return Some(String::new());
        }
        let mut printed = Some(String::new());
        let mut at = 0;
        loop {
            (self.pick, self.picks) = (at, 1);
            let fields: Vec<Word> = words.iter().flat_map(|word| self.expand(word)).map(Word::of).collect();
            let picks = self.picks.min(CHOICES_MAX);
            let (pick, before) = (self.pick, self.calls_oarlock);
            if fields
                .first()
                .and_then(Word::known)
                .is_some_and(|first| ["export", "local", "readonly", "declare", "typeset"].contains(&first))
            {
                self.assign(assigns);
            }
            let first = fields.first().and_then(Word::known).map(short_name);
            let more = match first {
                // Their own commands see the variables set for them.
                Some(name) if !assigns.is_empty() && (SHELLS.contains(&name) || matches!(name, "env" | "xargs" | "parallel" | "find")) => {
                    self.apart(|shell| {
                        shell.assign(assigns);
                        shell.run(&fields)
                    })
                }
                Some("read") if !assigns.is_empty() => {
                    self.assign(assigns);
                    let more = self.run(&fields);
                    Rc::make_mut(&mut self.state.values).remove("IFS");
                    more
                }
                _ => self.run(&fields),
            };
            if assigns.iter().any(|assign| assign.name == "OARLOCK_AGENT") {
                self.calls_oarlock = before;
            }
            self.pick = pick;
            printed = together(printed, more);
            at += 1;
            if at >= picks {
                break;
            }
        }
        (self.pick, self.picks) = (0, 1);
        printed
    }

    /// Runs a program, a function or a builtin, with its arguments.
    pub(super) fn run(&mut self, words: &[Word]) -> Printed {
        if self.depth >= DEPTH_MAX || !self.spend(COMMAND_COST) {
            return None;
        }
        self.depth += 1;
        let printed = self.run_here(words);
        self.depth -= 1;
        printed
    }

    fn run_here(&mut self, words: &[Word]) -> Printed {
        let none = || Some(String::new());
        let words = &words[words.iter().take_while(|word| is_assignment(&word.text)).count()..];
        let Some((first, args)) = words.split_first() else { return none() };
        let name = first.known()?;
        if let Some(body) = self.state.functions.get(name).map(Rc::clone) {
            return self.call(&body, args);
        }
        let values = || args.iter().map(|arg| arg.value.clone()).collect::<Vec<_>>();
        match name {
            "cd" | "pushd" => {
                if name == "pushd" {
                    let dir = self.state.dir.clone();
                    Rc::make_mut(&mut self.state.left).push(dir);
                }
                let to = args.iter().find(|word| !word.text.starts_with('-') || word.is("-"));
                self.change_dir(to);
                none()
            }
            "popd" => {
                let dir = Rc::make_mut(&mut self.state.left).pop().flatten();
                self.state.before = std::mem::replace(&mut self.state.dir, dir);
                none()
            }
            "eval" => self.run_text(&values().join(" ")),
            "trap" => {
                let command = args.iter().find(|arg| !arg.text.starts_with('-'))?;
                self.apart(|shell| shell.run_text(&command.value));
                none()
            }
            "source" | "." => {
                let text = self.content(args.first()?)?;
                self.run_text(&text)
            }
            "set" => {
                if let Some(at) = args.iter().position(|arg| arg.is("--")) {
                    self.state.args = Some(Rc::new(values().split_off(at + 1)));
                }
                none()
            }
            "shift" => {
                if let Some(args) = &mut self.state.args {
                    let args = Rc::make_mut(args);
                    if !args.is_empty() {
                        args.remove(0);
                    }
                }
                none()
            }
            "unset" => {
                args.iter().filter_map(Word::known).for_each(|name| self.unset(name));
                none()
            }
            "read" => {
                self.read(args);
                none()
            }
            "printf" if args.first().is_some_and(|arg| arg.is("-v")) => {
                let text = super::prints::of(self, "printf", args.get(2..).unwrap_or_default());
                if let Some(name) = args.get(1).and_then(Word::known) {
                    self.set(name, vec![vec![text.unwrap_or_else(|| ANY.to_string())]]);
                }
                none()
            }
            "mapfile" | "readarray" => {
                let lines: Vec<String> = match &self.state.input {
                    Some(text) => text.lines().map(str::to_owned).collect(),
                    None => vec![ANY.to_string()],
                };
                let options = super::options::Options::read(args, "d n O s u C c", "");
                let name = options.operands.first().and_then(|word| word.known()).unwrap_or("MAPFILE").to_owned();
                self.set(&name, vec![lines]);
                none()
            }
            "export" | "local" | "readonly" | "declare" | "typeset" | ":" | "true" | "false" | "test" | "[" | "shopt" | "exit"
            | "return" | "break" | "continue" | "wait" | "alias" | "unalias" | "ulimit" | "umask" | "hash" | "let" | "getopts" => none(),
            _ => self.program(words),
        }
    }

    fn call(&mut self, body: &Rc<Command>, args: &[Word]) -> Printed {
        let args = args.iter().map(|arg| arg.value.clone()).collect();
        let before = self.state.args.replace(Rc::new(args));
        let printed = self.command(body);
        self.state.args = before;
        printed
    }

    /// Gives the variables of `read` what the next line has.
    fn read(&mut self, args: &[Word]) {
        let options = super::options::Options::read(args, "a d i n N p t u", "");
        let mut names: Vec<String> = options
            .operands
            .iter()
            .filter_map(|word| word.known())
            .chain(options.values(&["a"]).iter().filter_map(|w| w.known()))
            .map(str::to_owned)
            .collect();
        if names.is_empty() {
            names.push("REPLY".into());
        }
        let Some(text) = self.state.input.clone() else {
            return names.iter().for_each(|name| self.set(name, vec![vec![ANY.to_string()]]));
        };
        let (line, rest) = text.split_once('\n').unwrap_or((&text, ""));
        self.has_more = !rest.trim().is_empty();
        self.state.input = Some(rest.into());
        if options.has(&["a"]) {
            let words = line.split([' ', '\t', ',']).filter(|word| !word.is_empty()).map(str::to_owned).collect();
            return self.set(&names.remove(0), vec![words]);
        }
        let ifs = self.state.values.get("IFS").and_then(|choices| choices.first()?.first().cloned()).filter(|ifs| !ifs.trim().is_empty());
        let divides = |c: char| ifs.as_ref().map_or(c.is_whitespace(), |ifs| ifs.contains(c));
        let mut left = line.trim();
        let last = names.len() - 1;
        for (at, name) in names.iter().enumerate() {
            let (word, behind) = if at == last { (left, "") } else { left.split_once(divides).unwrap_or((left, "")) };
            self.set(name, vec![vec![word.to_owned()]]);
            left = behind.trim_start();
        }
    }

    /// Runs a program in another directory.
    pub(super) fn run_in(&mut self, dir: Option<&Word>, run: impl FnOnce(&mut Self) -> Printed) -> Printed {
        let Some(dir) = dir else { return run(self) };
        self.apart(|shell| {
            shell.change_dir(Some(dir));
            run(shell)
        })
    }

    /// A text as a script with arguments, in a shell of its own.
    pub(super) fn run_script(&mut self, text: &str, args: &[Word]) -> Printed {
        self.apart(|shell| {
            shell.state.args = Some(Rc::new(args.iter().map(|arg| arg.value.clone()).collect()));
            shell.run_text(text)
        })
    }

    /// The files of which names are printed, seen from where the shell is.
    pub(super) fn seen(&self, path: &str) -> Option<String> {
        Some(joined(self.state.dir.as_deref()?, path))
    }
}

//! Programs in which files are written under names that stand in them.

use std::collections::{HashMap, HashSet};

use super::Language;
use super::calls::{CALLS, Effect};
use super::tokens::{Token, tokens};
use super::values::{Values, join_paths};
use crate::hook::Written;
use crate::hook::shell::options::is_among;
use crate::hook::shell::programs::moved;
use crate::hook::shell::word::Word;

/// What a program writes, and the commands that it runs.
#[derive(Debug, Default)]
pub(in crate::hook::shell) struct Found {
    pub(in crate::hook::shell) written: Vec<Written>,
    pub(in crate::hook::shell) commands: Vec<String>,
}

/// How far the arguments of one call are read, in tokens.
pub(super) const ARGUMENTS_MAX: usize = 120;

/// What a program writes under names that are in it.
pub(in crate::hook::shell) fn writes(language: Language, text: &str) -> Found {
    let tokens = tokens(language, text);
    let mut reader = Reader::new(language, &tokens);
    for at in 0..tokens.len() {
        reader.token(at);
    }
    let calls = reader.calls_of_own();
    if calls.is_empty() {
        return reader.found;
    }
    // Once more, with what the program's own functions are called with.
    let mut again = Reader { names: reader.names, calls, imported: reader.imported, ..Reader::new(language, &tokens) };
    for at in 0..tokens.len() {
        again.token(at);
    }
    again.found
}

/// The most functions of a program's own that are looked at, and calls of each.
const FUNCTIONS_MAX: usize = 64;

pub(super) struct Reader<'t> {
    pub(super) language: Language,
    pub(super) tokens: &'t [Token<'t>],
    pub(super) names: HashMap<&'t str, Values>,
    /// Where it is, seen from where it began.
    dir: Option<String>,
    /// The program's own functions, by the place of their name: what each of their arguments may be.
    calls: HashMap<usize, Vec<(&'t str, Option<Values>)>>,
    /// What has been imported under its own name, with its module.
    imported: HashSet<(&'t str, &'t str)>,
    found: Found,
}

impl<'t> Reader<'t> {
    fn new(language: Language, tokens: &'t [Token<'t>]) -> Self {
        Self {
            language,
            tokens,
            names: HashMap::new(),
            dir: Some(String::new()),
            calls: HashMap::new(),
            imported: HashSet::new(),
            found: Found::default(),
        }
    }

    /// Where the parameters of a function begin whose name is at this place, if there is one.
    fn parameters_at(&self, at: usize) -> Option<usize> {
        self.name(at)?;
        let is_named = at > 0 && matches!(self.name(at - 1), Some("def" | "function"));
        if is_named && self.is(at + 1, '(') {
            return Some(at + 2);
        }
        // `NAME = (A, B) => …`, `NAME = async function (A) …`
        if self.language != Language::JavaScript || !self.is(at + 1, '=') {
            return None;
        }
        let mut open = at + 2;
        while matches!(self.name(open), Some("async" | "function")) {
            open += 1;
        }
        if !self.is(open, '(') {
            return None;
        }
        let is_function = matches!(self.name(open - 1), Some("function"));
        let close = (open..(open + 40).min(self.tokens.len())).find(|at| self.is(*at, ')'))?;
        (is_function || self.is(close + 1, '=') && self.is(close + 2, '>')).then_some(open + 1)
    }

    /// The program's own functions, with what they are called with.
    fn calls_of_own(&self) -> HashMap<usize, Vec<(&'t str, Option<Values>)>> {
        let mut functions: HashMap<&'t str, (usize, Vec<&'t str>)> = HashMap::new();
        for at in 0..self.tokens.len() {
            if functions.len() >= FUNCTIONS_MAX {
                break;
            }
            if let (Some(name), Some(from)) = (self.name(at), self.parameters_at(at)) {
                let end = (from..(from + 80).min(self.tokens.len())).find(|at| self.is(*at, ')')).unwrap_or(from);
                let names = (from..end).filter(|at| self.is(at - 1, '(') || self.is(at - 1, ',')).filter_map(|at| self.name(at));
                functions.insert(name, (at, names.filter(|name| *name != "self").collect()));
            }
        }
        let mut calls: HashMap<usize, Vec<(&'t str, Option<Values>)>> = HashMap::new();
        if functions.is_empty() {
            return calls;
        }
        let mut left = FUNCTIONS_MAX * 8;
        for at in 0..self.tokens.len() {
            let Some((place, names)) = self.name(at).and_then(|name| functions.get(name)) else { continue };
            if at == *place || !self.is(at + 1, '(') || left == 0 {
                continue;
            }
            left -= 1;
            let args = self.arguments(at + 2);
            let known = calls.entry(*place).or_insert_with(|| names.iter().map(|name| (*name, None)).collect());
            for (at, (name, value)) in args.into_iter().enumerate() {
                let slot = match name {
                    Some(name) => known.iter_mut().find(|(own, _)| *own == name),
                    None => known.get_mut(at),
                };
                if let (Some((_, slot)), Some(value)) = (slot, value) {
                    let values = slot.get_or_insert_with(Values::default);
                    values.is_path |= value.is_path;
                    values.texts.extend(value.texts);
                    values.texts.truncate(64);
                }
            }
        }
        calls
    }

    /// Notes `from MODULE import A, B`.
    fn import(&mut self, at: usize) {
        let (Some(module), Some("import")) = (self.name(at + 1), self.name(at + 2)) else { return };
        for place in at + 3..(at + 40).min(self.tokens.len()) {
            match &self.tokens[place] {
                Token::Line => break,
                Token::Name(name) => drop(self.imported.insert((module, name))),
                _ => {}
            }
        }
    }

    /// Gives the parameter of `LIST.forEach(NAME => …)` or `LIST.each { |NAME| … }` the list's values.
    fn each(&mut self, at: usize) {
        let mut place = at + 1;
        while self.is(place, '(')
            || self.is(place, '{')
            || self.is(place, '|')
            || self.is(place, '[')
            || matches!(self.name(place), Some("do" | "async"))
        {
            place += 1;
        }
        if place == at + 1 {
            return;
        }
        let (Some(name), Some(values)) = (self.name(place), self.receiver(at)) else { return };
        self.names.insert(name, Values { is_list: false, ..values.clone() });
        if self.is(place + 1, ',')
            && let Some(second) = self.name(place + 2)
        {
            self.names.insert(second, values.seconds());
        }
    }

    pub(super) fn name(&self, at: usize) -> Option<&'t str> {
        match self.tokens.get(at) {
            Some(Token::Name(name)) => Some(name),
            _ => None,
        }
    }

    pub(super) fn is(&self, at: usize, sign: char) -> bool {
        matches!(self.tokens.get(at), Some(Token::Sign(c)) if *c == sign)
    }

    fn token(&mut self, at: usize) {
        let Some(name) = self.name(at) else { return };
        let is_qualified = at > 0 && (self.is(at - 1, '.') || self.is(at - 1, ':') || self.is(at - 1, '>'));
        if !is_qualified && self.is(at + 1, '=') && !self.is(at + 2, '=') && !self.is(at + 2, '>') && !self.calls.contains_key(&at) {
            match self.expression(at + 2, 0) {
                Some((values, behind)) if self.is_whole(behind) => drop(self.names.insert(name, values)),
                _ => drop(self.names.remove(name)),
            }
            return;
        }
        if let Some(given) = self.calls.get(&at) {
            for (name, values) in given {
                match values {
                    Some(values) => drop(self.names.insert(name, values.clone())),
                    None => drop(self.names.remove(name)),
                }
            }
        }
        if name == "from" && self.language == Language::Python {
            return self.import(at);
        }
        if matches!(name, "forEach" | "each" | "map") && at > 0 && self.is(at - 1, '.') {
            return self.each(at);
        }
        if matches!(name, "for" | "foreach") {
            return self.for_loop(at + 1);
        }
        let calls = CALLS.iter().filter(|(language, _, names, _)| *language == self.language && is_among(names, name));
        // One that asks for more before the name goes first.
        let mut calls: Vec<_> = calls
            .filter(|(_, before, ..)| {
                before.is_empty() || self.has_before(at, before) || (!is_qualified && self.imported.contains(&(*before, name)))
            })
            .collect();
        calls.sort_by_key(|(_, before, ..)| before.is_empty());
        if let Some((_, before, _, effect)) = calls.first() {
            self.call(at, *effect, !before.is_empty());
        }
    }
    /// Whether an expression ends before this place, and nothing more is made of its value.
    fn is_whole(&self, behind: usize) -> bool {
        matches!(self.tokens.get(behind), None | Some(Token::Sign(',' | ')' | ';' | '}' | ']') | Token::Line | Token::Name(_)))
    }

    /// Whether a name is one of those that stand before this one, with dots between them.
    fn has_before(&self, at: usize, before: &str) -> bool {
        let mut at = at;
        for _ in 0..4 {
            // `a.b`, `a::b`, `a->b`, `require('a').b`
            let mut left = at;
            while left > 0
                && (self.is(left - 1, '.')
                    || self.is(left - 1, ':')
                    || self.is(left - 1, '>')
                    || self.is(left - 1, '-')
                    || self.is(left - 1, '?'))
            {
                left -= 1;
            }
            if left == at || left == 0 {
                return false;
            }
            if self.is(left - 1, ')') {
                let text = left.checked_sub(2).and_then(|at| self.tokens.get(at));
                return matches!(text, Some(Token::Text(text)) if text.trim_start_matches("node:").split('/').any(|part| part == before));
            }
            at = left - 1;
            match self.name(at) {
                Some(name) if name == before => return true,
                Some(_) => {}
                None => return false,
            }
        }
        false
    }

    fn for_loop(&mut self, from: usize) {
        let mut names = Vec::new();
        for at in from..from + 12 {
            match self.tokens.get(at) {
                Some(Token::Name("in" | "of")) => {
                    let ends = |behind: usize| self.is_whole(behind) || self.is(behind, ':') || self.is(behind, '{');
                    let Some((values, _)) = self.expression(at + 1, 0).filter(|(_, behind)| ends(*behind)) else { break };
                    for (place, name) in names.into_iter().enumerate() {
                        // Of several, the first is the directory of a walk.
                        let values = if place == 0 { Values { is_list: false, ..values.clone() } } else { values.seconds() };
                        self.names.insert(name, values);
                    }
                    return;
                }
                Some(Token::Name("const" | "let" | "var" | "my" | "each" | "await")) | Some(Token::Sign('(' | ',' | ')' | '[' | ']'))
                    if !(self.language == Language::Perl && self.is(at, '(')) => {}
                // `for my $name (LIST)`
                Some(Token::Sign('(')) => {
                    if let (Some((values, _)), Some(name)) = (self.expression(at, 0), names.pop()) {
                        self.names.insert(name, Values { is_list: false, ..values });
                    }
                    return;
                }
                Some(Token::Name(name)) => names.push(*name),
                _ => break,
            }
        }
        for name in names {
            self.names.remove(name);
        }
    }

    /// A call of the name at this place.
    fn call(&mut self, at: usize, effect: Effect, is_qualified: bool) {
        let has_brackets = self.is(at + 1, '(');
        if !has_brackets && !matches!(self.language, Language::Ruby | Language::Perl) {
            return;
        }
        let is_method = at > 0 && (self.is(at - 1, '.') || self.is(at - 1, '>'));
        if matches!(effect, Effect::Itself | Effect::RemovesItself | Effect::Moves) {
            let Some(itself) = self.receiver(at) else { return };
            if effect == Effect::Moves && !itself.is_path {
                return;
            }
            if effect == Effect::Itself {
                self.write(&itself)
            } else {
                self.remove(&itself)
            }
            if effect == Effect::Moves {
                let args = self.arguments(at + 2);
                args.first().and_then(|arg| arg.1.clone()).into_iter().for_each(|to| self.write(&to));
            }
            return;
        }
        let args = self.arguments(at + 1 + usize::from(has_brackets));
        let plain: Vec<Option<Values>> = args.iter().filter(|(name, _)| name.is_none()).map(|(_, value)| value.clone()).collect();
        let named = |names: &[&str]| {
            args.iter().find(|(name, _)| name.is_some_and(|name| names.contains(&name))).and_then(|(_, value)| value.clone())
        };
        let arg = |at: usize| plain.get(at).cloned().flatten();
        match effect {
            Effect::First => arg(0).or_else(|| named(&["path", "path_or_buf", "fname"])).into_iter().for_each(|file| self.write(&file)),
            Effect::Second => arg(1).or_else(|| named(&["dst", "f"])).into_iter().for_each(|file| self.write(&file)),
            Effect::Both => {
                arg(0).into_iter().for_each(|from| self.remove(&from));
                arg(1).into_iter().for_each(|to| self.write(&to));
            }
            Effect::Removes => arg(0).or_else(|| named(&["path"])).into_iter().for_each(|file| self.remove(&file)),
            Effect::RemovesAll => plain.into_iter().flatten().for_each(|file| self.remove(&file)),
            Effect::Opens => {
                // `Path(…).open("w")` is called on what it opens.
                let on_itself = is_method && !is_qualified && self.language == Language::Python;
                let itself = if on_itself { self.receiver(at) } else { None };
                let (file, mode) = match itself {
                    Some(itself) if itself.is_path => (Some(itself), arg(0)),
                    // The first is a handle.
                    _ if self.language == Language::Perl => match (arg(1), arg(2)) {
                        (mode, Some(file)) => (Some(file), mode),
                        (Some(both), None) => {
                            let file = both.texts.first().map(|text| text.trim_start_matches(['+', '>', '<', ' ']).to_owned());
                            (file.map(Values::of), Some(both))
                        }
                        _ => (None, None),
                    },
                    _ => (arg(0).or_else(|| named(&["file", "name"])), arg(1).or_else(|| named(&["mode"]))),
                };
                let signs: &[char] = if self.language == Language::Perl { &['>', '+'] } else { &['w', 'a', 'x', '+'] };
                let writes = mode.is_some_and(|mode| mode.texts.iter().any(|mode| mode.len() < 200 && mode.contains(signs)));
                file.filter(|_| writes).into_iter().for_each(|file| self.write(&file));
            }
            Effect::Runs => self.run(&plain),
            Effect::InPlace => {
                let is_in_place = args.iter().any(|(name, _)| *name == Some("inplace"));
                arg(0).or_else(|| named(&["files"])).filter(|_| is_in_place).into_iter().for_each(|file| self.write(&file));
            }
            Effect::Goes => {
                let to = arg(0).filter(|to| to.texts.len() == 1).map(|to| to.texts[0].clone());
                self.dir = to.and_then(|to| Some(join_paths(self.dir.as_deref()?, &to)));
            }
            Effect::Itself | Effect::RemovesItself | Effect::Moves => {}
        }
    }

    fn run(&mut self, args: &[Option<Values>]) {
        let Some(Some(first)) = args.first() else { return };
        let quoted = |texts: &[String]| {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            crate::hook::shell::quoted(&texts)
        };
        let command = match args.get(1) {
            _ if first.is_list => quoted(&first.texts),
            Some(Some(more)) if more.is_list => quoted(&[first.texts.clone(), more.texts.clone()].concat()),
            _ => first.texts.join("\n"),
        };
        let command = match self.dir.as_deref() {
            Some("") => command,
            Some(dir) => format!("cd {} && {command}", quoted(&[dir.to_owned()])),
            None => return,
        };
        self.found.commands.push(command);
    }

    fn write(&mut self, values: &Values) {
        let written = self.written(values);
        self.found.written.extend(written);
    }

    /// The names themselves are taken away, whatever a link among them leads to.
    fn remove(&mut self, values: &Values) {
        let written = self.written(values);
        self.found.written.extend(written.into_iter().map(Written::entry));
    }

    fn written(&self, values: &Values) -> Vec<Written> {
        let Some(dir) = &self.dir else { return Vec::new() };
        let files = values.texts.iter().map(Word::of).filter(|word| !word.text.contains('\n') && word.text.len() < 4_096);
        moved(dir, files.filter_map(|word| word.as_tree()).collect())
    }

    /// The value of what stands before the dot of a method.
    fn receiver(&mut self, at: usize) -> Option<Values> {
        if at < 2 || !(self.is(at - 1, '.') || self.is(at - 1, '>')) {
            return None;
        }
        // Back to where the expression begins.
        let (mut begin, mut open, mut steps) = (at - 1, 0_usize, 0);
        while begin > 0 && steps < ARGUMENTS_MAX {
            steps += 1;
            match &self.tokens[begin - 1] {
                Token::Sign(')' | ']') => open += 1,
                Token::Sign('(' | '[') if open == 0 => break,
                Token::Sign('(' | '[') => open -= 1,
                Token::Sign('.') | Token::Name(_) | Token::Text(_) => {
                    let follows = |token: &Token<'_>| matches!(token, Token::Name(_) | Token::Text(_) | Token::Sign(')' | ']'));
                    // Two names side by side: the first is a word of the language.
                    if open == 0 && !matches!(self.tokens[begin - 1], Token::Sign('.')) && follows(&self.tokens[begin]) {
                        break;
                    }
                }
                _ if open > 0 => {}
                _ => break,
            }
            begin -= 1;
        }
        self.expression_until(begin, at - 1)
    }

    fn expression_until(&self, from: usize, end: usize) -> Option<Values> {
        let (values, behind) = self.expression(from, 0)?;
        (behind >= end).then_some(values)
    }

    /// The arguments from a place on: their names, where they have some, and their values, where they are known.
    pub(super) fn arguments(&self, from: usize) -> Vec<(Option<&'t str>, Option<Values>)> {
        let mut args = Vec::new();
        let mut at = from;
        let end = (from + ARGUMENTS_MAX).min(self.tokens.len());
        while at < end && !self.is(at, ')') {
            while matches!(self.tokens.get(at), Some(Token::Line)) {
                at += 1;
            }
            let name = self.name(at).filter(|_| {
                (self.is(at + 1, '=') && !self.is(at + 2, '='))
                    || (self.language != Language::Python && self.is(at + 1, ':') && !self.is(at + 2, ':'))
            });
            if name.is_some() {
                at += 2;
            }
            let value = self.expression(at, 0);
            let mut behind = value.as_ref().map_or(at, |(_, behind)| *behind);
            // What follows makes another value of it.
            let is_whole = self.is_whole(behind);
            args.push((name, value.filter(|_| is_whole).map(|(values, _)| values)));
            let mut open = 0_usize;
            while behind < end {
                match self.tokens[behind] {
                    Token::Sign('(' | '[' | '{') => open += 1,
                    Token::Sign(')' | ']' | '}') if open == 0 => return args,
                    Token::Sign(')' | ']' | '}') => open -= 1,
                    Token::Sign(',') if open == 0 => break,
                    Token::Sign(';') if open == 0 => return args,
                    _ => {}
                }
                behind += 1;
            }
            at = behind + 1;
        }
        args
    }
}

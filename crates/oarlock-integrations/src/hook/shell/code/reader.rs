//! Programs in which files are written under names that stand in them.

use std::collections::{HashMap, HashSet};

use super::calls::CALLS;
use super::language::Language;
use super::tokens::{Token, tokens};
use super::values::Values;
use crate::hook::Written;
use crate::hook::shell::options::is_among;

/// The paths that a program writes, and the commands that it runs.
#[derive(Debug, Default)]
pub(in crate::hook::shell) struct Found {
    pub(in crate::hook::shell) written: Vec<Written>,
    pub(in crate::hook::shell) commands: Vec<String>,
}

/// How far the arguments of one call are read, in tokens.
pub(super) const ARGUMENTS_MAX: usize = 120;

/// The paths that a program writes under names in its own text.
pub(in crate::hook::shell) fn writes(language: Language, text: &str, args: &[String], is_script: bool) -> Found {
    let text = if language == Language::Python { plain_python(text) } else { text.into() };
    let tokens = tokens(language, &text);
    let mut reader = Reader::new(language, &tokens);
    reader.give_arguments(args, is_script);
    for at in 0..tokens.len() {
        reader.token(at);
    }
    let calls = reader.calls_of_own();
    if calls.is_empty() {
        return reader.found;
    }
    // Once more, with what the program's own functions are called with.
    let (names, imported, renamed, modules) = (reader.names, reader.imported, reader.renamed, reader.modules);
    let mut again = Reader { names, calls, imported, renamed, modules, ..Reader::new(language, &tokens) };
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
    pub(super) dir: Option<String>,
    /// The program's own functions, by the place of their name: what each of their arguments may be.
    calls: HashMap<usize, Vec<(&'t str, Option<Values>)>>,
    /// Names imported under their own name, with their module.
    pub(super) imported: HashSet<(&'t str, &'t str)>,
    /// Names imported under another name: the name, and the original.
    pub(super) renamed: HashMap<&'t str, &'t str>,
    /// Names that are modules, of JavaScript.
    pub(super) modules: HashMap<&'t str, &'t str>,
    /// Where the `=` is behind several names.
    pub(super) unpacked: usize,
    /// Whether a statement of it changes a database, once that has been asked.
    pub(super) changes: Option<bool>,
    pub(super) found: Found,
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
            renamed: HashMap::new(),
            modules: HashMap::new(),
            unpacked: 0,
            changes: None,
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
        let Some(name) = self.name(at) else { return self.sign_at(at) };
        let is_qualified = at > 0 && (self.is(at - 1, '.') || self.is(at - 1, ':') || self.is(at - 1, '>'));
        if !is_qualified
            && at + 1 != self.unpacked
            && self.is(at + 1, '=')
            && !self.is(at + 2, '=')
            && !self.is(at + 2, '>')
            && !self.calls.contains_key(&at)
        {
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
        match (self.language, name) {
            (Language::Python, "from" | "import") => return self.import(at),
            (Language::JavaScript, "from" | "require") => return self.import_script(at),
            (Language::JavaScript, "execa" | "execaSync") if matches!(self.tokens.get(at + 1), Some(Token::Text(_))) => {
                return self.run_text(at + 1);
            }
            (Language::Perl, "unlink" | "rename" | "chmod" | "utime" | "system") => self.loop_behind(at),
            _ => {}
        }
        if !is_qualified && self.unpack(at) {
            return;
        }
        let name = self.renamed.get(name).copied().unwrap_or(name);
        if matches!(name, "forEach" | "each" | "map") && at > 0 && self.is(at - 1, '.') {
            return self.each(at);
        }
        if name == "glob" && self.language == Language::Ruby {
            self.block_behind(at);
        }
        if matches!(name, "for" | "foreach") {
            return self.for_loop(at + 1);
        }
        let calls = CALLS.iter().filter(|(language, _, names, _)| *language == self.language && is_among(names, name));
        // One that asks for more before the name goes first.
        let mut calls: Vec<_> = calls
            .filter(|(_, before, ..)| {
                before.is_empty()
                    || self.has_before(at, before)
                    || (!is_qualified && self.imported.contains(&(*before, self.name(at).unwrap_or(name))))
            })
            .collect();
        calls.sort_by_key(|(_, before, ..)| before.is_empty());
        if let Some((_, before, _, effect)) = calls.first() {
            self.call(at, *effect, !before.is_empty());
        }
    }

    /// A bracket, in which a comprehension may be, or a text that runs: `$\`…\``.
    fn sign_at(&mut self, at: usize) {
        match (self.language, self.tokens.get(at)) {
            (Language::Python, Some(Token::Sign('[' | '(' | '{'))) => self.comprehension(at),
            (Language::JavaScript, Some(Token::Sign('$'))) if matches!(self.tokens.get(at + 1), Some(Token::Text(_))) => {
                self.run_text(at + 1)
            }
            _ => {}
        }
    }

    fn run_text(&mut self, at: usize) {
        let text = self.expression(at, 0).map(|(values, _)| values);
        self.run(&[text], at);
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
                Some(name) if name == before || self.renamed.get(name) == Some(&before) || self.modules.get(name) == Some(&before) => {
                    return true;
                }
                Some(_) => {}
                None => return false,
            }
        }
        false
    }

    pub(super) fn for_loop(&mut self, from: usize) {
        if self.language == Language::Php && self.is(from, '(') {
            return self.foreach(from + 1);
        }
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
                    if let Some((values, _)) = self.expression(at, 0) {
                        self.names.insert(names.pop().unwrap_or("_"), Values { is_list: false, ..values });
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

    /// `Dir.glob(PATTERN) { |NAME| … }`
    fn block_behind(&mut self, at: usize) {
        let Some(end) = self.closing(at + 1).filter(|end| self.is(end + 1, '{') && self.is(end + 2, '|')) else { return };
        if let (Some(name), Some((values, _))) = (self.name(end + 3), self.expression(at.saturating_sub(2), 0)) {
            self.names.insert(name, Values { is_list: false, ..values });
        }
    }

    /// `LIST as NAME`, `LIST as KEY => NAME` of PHP.
    fn foreach(&mut self, from: usize) {
        let Some((values, behind)) = self.expression(from, 0).filter(|(_, behind)| self.name(*behind) == Some("as")) else { return };
        let end = (behind..(behind + 8).min(self.tokens.len())).find(|at| self.is(*at, ')')).unwrap_or(behind);
        if let Some(name) = (behind + 1..end).rev().find_map(|at| self.name(at)) {
            self.names.insert(name, Values { is_list: false, ..values });
        }
    }

    /// The value before the dot of a method.
    pub(super) fn receiver(&mut self, at: usize) -> Option<Values> {
        if at < 2 || !(self.is(at - 1, '.') || self.is(at - 1, '>')) {
            return None;
        }
        // Back to where the expression begins, over the `.` or `->`.
        let end = if self.is(at - 2, '-') { at - 2 } else { at - 1 };
        let (mut begin, mut open, mut steps) = (end, 0_usize, 0);
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
        self.expression_until(begin, end)
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

/// The text of Python's notebooks without lines of another language: `%cd DIR`, `!COMMAND`, `%%writefile FILE`, `%%bash`.
fn plain_python(text: &str) -> std::borrow::Cow<'_, str> {
    let is_magic = |line: &str| line.starts_with("%cd ") || line.starts_with("%%") || line.starts_with('!') && !line.starts_with("!=");
    if !text.lines().any(|line| is_magic(line.trim_start())) {
        return text.into();
    }
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"));
    let mut out = String::new();
    let mut lines = text.lines();
    while let Some(whole) = lines.next() {
        let line = whole.trim_start();
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["%cd", dir] => out.push_str(&format!("os.chdir({})\n", quoted(dir))),
            ["%%writefile" | "%%file", .., file] => {
                out.push_str(&format!("open({}, \"w\")\n", quoted(file)));
                return out.into();
            }
            ["%%bash" | "%%sh" | "%%script", ..] => {
                let rest: Vec<&str> = lines.collect();
                out.push_str(&format!("os.system({})\n", quoted(&rest.join("\n"))));
                return out.into();
            }
            [first, ..] if first.starts_with("%%") => {}
            _ if line.starts_with('!') && !line.starts_with("!=") => out.push_str(&format!("os.system({})\n", quoted(&line[1..]))),
            _ => {
                out.push_str(whole);
                out.push('\n');
            }
        }
    }
    out.into()
}

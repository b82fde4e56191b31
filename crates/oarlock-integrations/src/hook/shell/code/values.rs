//! As much of expressions as it takes to know a path.

use super::language::Language;
use super::reader::{ARGUMENTS_MAX, Reader};
use super::tokens::{INSERTED, Token};
use crate::hook::shell::word::{ANY, STAR};

/// The most values that a name may have.
const VALUES_MAX: usize = 32;

/// How deep expressions are nested.
const DEPTH_MAX: usize = 8;

/// Some values that an expression may have, and whether it is a path by its type.
#[derive(Clone, Debug, Default)]
pub(super) struct Values {
    pub(super) texts: Vec<String>,
    pub(super) is_path: bool,
    pub(super) is_list: bool,
    /// Whether it is a table of names and values.
    pub(super) is_table: bool,
    /// Of a list of pairs or a table, the second member of each.
    pub(super) seconds: Vec<String>,
}

impl Values {
    pub(super) fn of(text: impl Into<String>) -> Self {
        Self { texts: vec![text.into()], ..Self::default() }
    }

    /// The values that a loop has in its second name.
    pub(super) fn seconds(&self) -> Self {
        match self.seconds.is_empty() {
            true => Self::of(ANY.to_string()),
            false => Self { texts: self.seconds.clone(), ..Self::default() },
        }
    }

    pub(super) fn map(self, change: impl Fn(&str) -> String) -> Self {
        Self { texts: self.texts.iter().map(|text| change(text)).collect(), ..self }
    }

    /// Each of these with each of others.
    pub(super) fn with(&self, other: &Self, join: impl Fn(&str, &str) -> String) -> Self {
        let pairs = self.texts.iter().flat_map(|one| other.texts.iter().map(move |other| (one, other)));
        let bounded = |text: String| if text.len() > 4_096 { ANY.to_string() } else { text };
        let texts = pairs.take(VALUES_MAX).map(|(one, other)| bounded(join(one, other))).collect();
        Self { texts, is_path: self.is_path, ..Self::default() }
    }
}

pub(super) fn join_paths(one: &str, other: &str) -> String {
    match one {
        _ if other.starts_with('/') => other.to_owned(),
        "" => other.to_owned(),
        one => format!("{}/{other}", one.trim_end_matches('/')),
    }
}

impl Reader<'_> {
    /// The values of the expression that begins at a place, and where it ends.
    pub(super) fn expression(&self, from: usize, depth: usize) -> Option<(Values, usize)> {
        if depth > DEPTH_MAX {
            return None;
        }
        let (mut values, mut at) = self.term(from, depth)?;
        loop {
            match self.tokens.get(at) {
                Some(Token::Sign('/')) if self.language == Language::Python => {
                    let (other, behind) = self.term(at + 1, depth + 1).unwrap_or_else(|| (Values::of(ANY.to_string()), at + 2));
                    values = values.with(&other, join_paths);
                    at = behind;
                }
                Some(Token::Sign('+')) => {
                    let (other, behind) = self.term(at + 1, depth + 1).unwrap_or_else(|| (Values::of(ANY.to_string()), at + 2));
                    values = values.with(&other, |one, other| format!("{one}{other}"));
                    at = behind;
                }
                Some(Token::Sign('%')) if self.language == Language::Python => {
                    let (given, behind) = match self.is(at + 1, '(') {
                        true => (self.arguments_at(at + 2, depth + 1), self.closing(at + 1)? + 1),
                        false => {
                            let (one, behind) = self.term(at + 1, depth + 1).unwrap_or_else(|| (Values::of(ANY.to_string()), at + 2));
                            (vec![Some(one)], behind)
                        }
                    };
                    let given: Vec<Values> = given.into_iter().map(|one| one.unwrap_or_else(|| Values::of(ANY.to_string()))).collect();
                    values = self.formatted(&values, &given);
                    at = behind;
                }
                Some(Token::Sign('.')) if self.language == Language::Perl => {
                    let (other, behind) = self.term(at + 1, depth + 1).unwrap_or_else(|| (Values::of(ANY.to_string()), at + 2));
                    values = values.with(&other, |one, other| format!("{one}{other}"));
                    at = behind;
                }
                Some(Token::Sign('.')) => {
                    // Another method makes something of it that is not known.
                    let Some((changed, behind)) = self.method(&values, at + 1, depth) else { return Some((values, at)) };
                    (values, at) = (changed, behind);
                }
                _ => return Some((values, at)),
            }
        }
    }

    /// The result of a method or a field of a value.
    fn method(&self, values: &Values, at: usize, depth: usize) -> Option<(Values, usize)> {
        let name = self.name(at)?;
        let calls = self.is(at + 1, '(');
        let behind = if calls { self.closing(at + 1)? + 1 } else { at + 1 };
        let arg = || if calls { self.expression(at + 2, depth + 1).map(|(values, _)| values) } else { None };
        let same = |values: &Values| values.clone();
        let changed = match name {
            "resolve" | "absolute" | "expanduser" | "strip" | "as_posix" | "rstrip" | "toString" | "trim" | "to_s" | "freeze" => {
                same(values)
            }
            "items" | "keys" | "entries" | "copy" if calls => same(values),
            "values" if calls && !values.seconds.is_empty() => values.seconds(),
            "format" if calls && self.language == Language::Python => {
                let given = self.arguments_at(at + 2, depth + 1);
                let given: Vec<Values> = given.into_iter().map(|one| one.unwrap_or_else(|| Values::of(ANY.to_string()))).collect();
                self.formatted(values, &given)
            }
            "parent" => values.clone().map(|path| path.rsplit_once('/').map_or(".", |(dir, _)| dir).to_owned()),
            "joinpath" | "join" if values.is_path => values.with(&arg()?, join_paths),
            "with_suffix" => values.with(&arg()?, |path, end| {
                let (dir, name) = path.rsplit_once('/').map_or(("", path), |(dir, name)| (dir, name));
                let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
                join_paths(dir, &format!("{stem}{end}"))
            }),
            "with_name" => values.with(&arg()?, |path, name| join_paths(path.rsplit_once('/').map_or("", |(dir, _)| dir), name)),
            "glob" if values.is_path => Values { is_path: true, ..values.with(&arg()?, |dir, name| join_paths(dir, &opened(name))) },
            "rglob" => {
                Values { is_path: true, ..values.with(&arg()?, |dir, name| join_paths(dir, &format!("{STAR}{STAR}/{}", opened(name)))) }
            }
            "iterdir" => Values { is_path: true, ..values.clone().map(|dir| join_paths(dir, &STAR.to_string())) },
            "split" | "splitlines" if calls => {
                let texts = values.texts.iter().flat_map(|text| text.split_whitespace()).take(VALUES_MAX).map(str::to_owned).collect();
                Values { texts, is_list: true, ..Values::default() }
            }
            _ => return None,
        };
        Some((changed, behind))
    }

    /// Where the bracket that opens at a place closes.
    pub(super) fn closing(&self, from: usize) -> Option<usize> {
        let mut open = 0_usize;
        for at in from..(from + ARGUMENTS_MAX).min(self.tokens.len()) {
            match self.tokens[at] {
                Token::Sign('(' | '[' | '{') => open += 1,
                Token::Sign(')' | ']' | '}') if open == 1 => return Some(at),
                Token::Sign(')' | ']' | '}') => open = open.checked_sub(1)?,
                _ => {}
            }
        }
        None
    }

    fn term(&self, from: usize, depth: usize) -> Option<(Values, usize)> {
        if depth > DEPTH_MAX {
            return None;
        }
        let mut at = from;
        while matches!(self.tokens.get(at), Some(Token::Name("await" | "new" | "my" | "const" | "let" | "var" | "assert")))
            || (depth > 0 && matches!(self.tokens.get(at), Some(Token::Line)))
        {
            at += 1;
        }
        match self.tokens.get(at)? {
            Token::Text(text) => Some((self.text(text), at + 1)),
            Token::Name(name @ ("ARGV" | "argv" | "arg")) if self.names.get(name).is_some_and(|args| args.is_list) => {
                self.argument(name, at)
            }
            Token::Name("shift") if self.language == Language::Perl => {
                let first = self.names.get("ARGV")?.texts.first()?;
                Some((Values::of(first.clone()), at + 1))
            }
            // `glob "src/*.c"`
            Token::Name("glob") if self.language == Language::Perl && matches!(self.tokens.get(at + 1), Some(Token::Text(_))) => {
                let (values, behind) = self.term(at + 1, depth + 1)?;
                Some((values.map(opened), behind))
            }
            // `Dir["src/*.rb"]`
            Token::Name("Dir") if self.language == Language::Ruby && self.is(at + 1, '[') => {
                let (values, behind) = self.list(at + 1)?;
                Some((Values { is_list: true, ..values.map(opened) }, behind))
            }
            Token::Sign('[') => self.list(at),
            Token::Sign('{') if self.language != Language::Perl => self.table(at),
            Token::Sign('(') => {
                // In Python a list may have these brackets, too.
                let (values, behind) = self.expression(at + 1, depth + 1)?;
                match self.is(behind, ')') {
                    true => Some((values, behind + 1)),
                    false => self.list(at),
                }
            }
            Token::Name(name) => self.named_term(name, at, depth),
            _ => None,
        }
    }

    /// A text with the values of the names that it inserts.
    fn text(&self, text: &str) -> Values {
        if !text.contains(INSERTED) {
            return Values::of(text);
        }
        let unknown = Values::of(ANY.to_string());
        text.split(INSERTED).enumerate().fold(Values::of(""), |whole, (at, part)| {
            let part = if at % 2 == 0 { Values::of(part) } else { self.names.get(part).cloned().unwrap_or_else(|| unknown.clone()) };
            whole.with(&part, |one, other| format!("{one}{other}"))
        })
    }

    /// `NAME[N]`, `NAME[N:]` and `NAME` of the program's own arguments.
    fn argument(&self, name: &str, at: usize) -> Option<(Values, usize)> {
        let args = self.names.get(name)?;
        if !self.is(at + 1, '[') {
            return Some((args.clone(), at + 1));
        }
        let end = self.closing(at + 1)?;
        let digits: String = (at + 2..end).map_while(|at| self.sign(at).filter(char::is_ascii_digit)).collect();
        let behind = args.texts.get(digits.parse::<usize>().ok()?..)?;
        let is_slice = (at + 2..end).any(|at| matches!(self.sign(at), Some(':' | '.')));
        let texts = behind.iter().take(if is_slice { VALUES_MAX } else { 1 }).cloned().collect();
        Some((Values { texts, is_list: is_slice, ..Values::default() }, end + 1))
    }

    fn sign(&self, at: usize) -> Option<char> {
        match self.tokens.get(at) {
            Some(Token::Sign(c)) => Some(*c),
            _ => None,
        }
    }

    /// The text of a format, `%s/%s` or `{}/{}`, with these values in it.
    fn formatted(&self, format: &Values, values: &[Values]) -> Values {
        let mut whole = Values::of("");
        let join = |one: &str, other: &str| format!("{one}{other}");
        let mut given = values.iter();
        let text = format.texts.first().map_or("", String::as_str);
        let mut rest = text;
        while let Some(at) = rest.find(['%', '{']) {
            let (before, behind) = rest.split_at(at);
            let end = if behind.starts_with('{') { behind.find('}').map(|end| end + 1) } else { Some(2) };
            let Some(end) = end.filter(|end| behind.is_char_boundary(*end) && *end <= behind.len()) else { break };
            whole = whole.with(&Values::of(before), join);
            whole = whole.with(given.next().unwrap_or(&Values::of(ANY.to_string())), join);
            rest = &behind[end..];
        }
        whole.with(&Values::of(rest), join)
    }

    fn list(&self, at: usize) -> Option<(Values, usize)> {
        let end = self.closing(at)?;
        let (mut texts, mut seconds) = (Vec::new(), Vec::new());
        let mut place = at + 1;
        while place < end && texts.len() < VALUES_MAX {
            while place < end && matches!(self.tokens[place], Token::Line) {
                place += 1;
            }
            match self.expression(place, DEPTH_MAX - 2) {
                // Of pairs, each has its place.
                Some((values, behind)) if values.is_list && (self.is(place, '(') || self.is(place, '[')) && values.texts.len() > 1 => {
                    let mut parts = values.texts.into_iter();
                    texts.extend(parts.next());
                    seconds.extend(parts.next());
                    place = behind.max(place + 1);
                }
                Some((values, behind)) => {
                    texts.extend(values.texts);
                    place = behind.max(place + 1);
                }
                None => place += 1,
            }
            while place < end && !self.is(place, ',') {
                place += 1;
            }
            place += 1;
        }
        Some((Values { texts, is_list: true, seconds, ..Values::default() }, end + 1))
    }

    /// `{KEY: VALUE, …}`, of which the keys are the values that loops go through.
    fn table(&self, at: usize) -> Option<(Values, usize)> {
        let end = self.closing(at)?;
        let (mut texts, mut seconds) = (Vec::new(), Vec::new());
        let mut place = at + 1;
        while place < end && texts.len() < VALUES_MAX {
            if !matches!(self.tokens[place], Token::Text(_)) {
                place += 1;
                continue;
            }
            let Token::Text(key) = &self.tokens[place] else { break };
            place += 1;
            let is_key = self.is(place, ':') || (self.is(place, '=') && self.is(place + 1, '>'));
            texts.push(key.clone());
            if is_key {
                place += if self.is(place, ':') { 1 } else { 2 };
                seconds.push(match self.tokens.get(place) {
                    Some(Token::Text(value)) => value.clone(),
                    _ => ANY.to_string(),
                });
            }
            let mut open = 0_usize;
            while place < end {
                match self.tokens[place] {
                    Token::Sign('(' | '[' | '{') => open += 1,
                    Token::Sign(')' | ']' | '}') => open = open.saturating_sub(1),
                    Token::Sign(',') if open == 0 => break,
                    _ => {}
                }
                place += 1;
            }
        }
        Some((Values { texts, is_list: true, is_table: true, seconds, ..Values::default() }, end + 1))
    }

    fn named_term(&self, name: &str, at: usize, depth: usize) -> Option<(Values, usize)> {
        // `os.path.join`, `path.join`, `pathlib.Path`
        let mut last = at;
        let mut whole = name.to_owned();
        while self.is(last + 1, '.') && self.name(last + 2).is_some() {
            let next = self.name(last + 2)?;
            // Methods of a value that is known are none of its name.
            if self.names.contains_key(name) && last == at {
                break;
            }
            whole = format!("{whole}.{next}");
            last += 2;
            if self.is(last + 1, '(') {
                break;
            }
        }
        if let Some(values) = self.names.get(name).filter(|_| last == at) {
            return Some((values.clone(), at + 1));
        }
        if matches!(whole.as_str(), "sys.argv" | "process.argv" | "Deno.args" | "Bun.argv") {
            return self.argument(&whole, last);
        }
        if !self.is(last + 1, '(') {
            return None;
        }
        let end = self.closing(last + 1)?;
        // `import pathlib as p`, `from pathlib import Path as P`
        let first = whole.split('.').next().unwrap_or_default();
        if let Some(real) = self.renamed.get(first).or(self.modules.get(first)) {
            whole = format!("{real}{}", &whole[first.len()..]);
        }
        let parts = || -> Vec<Values> {
            let args = self.arguments_at(last + 2, depth + 1);
            args.into_iter().map(|arg| arg.unwrap_or_else(|| Values::of(ANY.to_string()))).collect()
        };
        let joined = |is_path: bool| {
            let parts = parts();
            let (first, rest) = parts.split_first()?;
            let whole = rest.iter().fold(first.clone(), |path, part| path.with(part, join_paths));
            Some(Values { is_path, is_list: false, ..whole })
        };
        let values = match whole.as_str() {
            "Path" | "pathlib.Path" | "PurePath" | "Pathname" | "Pathname.new" | "path" | "Path.new" if end > last + 2 => joined(true)?,
            "Path" | "pathlib.Path" | "Path.cwd" | "pathlib.Path.cwd" | "os.getcwd" | "process.cwd" | "Dir.pwd" | "getcwd" => {
                Values { is_path: whole.contains("Path"), ..Values::of(".") }
            }
            "os.path.join" | "path.join" | "path.resolve" | "File.join" | "join" | "resolve" | "path.posix.join" => joined(false)?,
            "process.argv.slice" => {
                let from = (last + 2..end).map_while(|at| self.sign(at)).collect::<String>().parse().unwrap_or(0);
                let texts = self.names.get("process.argv")?.texts.iter().skip(from).cloned().collect();
                Values { texts, is_list: true, ..Values::default() }
            }
            "Bun.file" => parts().into_iter().next()?,
            "shlex.split" => {
                let texts = parts().into_iter().next()?.texts.iter().flat_map(|text| text.split_whitespace()).map(str::to_owned).collect();
                Values { texts, is_list: true, ..Values::default() }
            }
            "Object.entries" | "Object.keys" => parts().into_iter().next()?,
            "Object.values" => parts().into_iter().next()?.seconds(),
            "str" | "String" | "os.path.abspath" | "os.path.realpath" | "os.path.expanduser" | "os.fspath" | "File.expand_path"
            | "sorted" | "list" | "set" | "reversed" | "enumerate" | "tuple" => parts().into_iter().next()?,
            "glob.glob" | "glob.iglob" | "glob" | "Dir.glob" | "globSync" | "glob.sync" => parts().into_iter().next()?.map(opened),
            "os.path.dirname" | "path.dirname" | "File.dirname" | "dirname" => {
                parts().into_iter().next()?.map(|path| path.rsplit_once('/').map_or(".", |(dir, _)| dir).to_owned())
            }
            "readdirSync" | "fs.readdirSync" | "os.listdir" | "Dir.children" => {
                Values { is_list: true, ..parts().into_iter().next()?.map(|_| STAR.to_string()) }
            }
            "os.walk" | "os.scandir" => parts().into_iter().next()?.map(|dir| join_paths(dir, &ANY.to_string())),
            _ => return None,
        };
        Some((values, end + 1))
    }

    fn arguments_at(&self, from: usize, depth: usize) -> Vec<Option<Values>> {
        let mut args = Vec::new();
        let mut at = from;
        while at < self.tokens.len() && args.len() < 8 && !self.is(at, ')') {
            let value = self.expression(at, depth);
            let mut behind = value.as_ref().map_or(at, |(_, behind)| *behind);
            let is_whole = self.is(behind, ',') || self.is(behind, ')');
            args.push(value.filter(|_| is_whole).map(|(values, _)| values));
            let (mut open, mut steps) = (0_usize, 0);
            while behind < self.tokens.len() && steps < ARGUMENTS_MAX {
                match self.tokens[behind] {
                    Token::Sign('(' | '[' | '{') => open += 1,
                    Token::Sign(')' | ']' | '}') if open == 0 => return args,
                    Token::Sign(')' | ']' | '}') => open -= 1,
                    Token::Sign(',') if open == 0 => break,
                    _ => {}
                }
                behind += 1;
                steps += 1;
            }
            at = behind + 1;
        }
        args
    }
}

/// A pattern of names with its wildcards.
fn opened(pattern: &str) -> String {
    pattern.replace('*', &STAR.to_string())
}

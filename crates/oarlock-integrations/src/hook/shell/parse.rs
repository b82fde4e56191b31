//! A shell's text as commands. It is read once, from left to right; too deep nesting ends the reading.

mod heres;
mod redirects;
mod words;

use std::cell::OnceCell;
use std::rc::Rc;

use super::syntax::{Assign, Command, List, Node, Script, Spelled};
use super::word::is_name;

/// How deep commands are nested, by brackets, quotes and words such as `if`.
const DEPTH_MAX: usize = 40;

/// How long a sum in `((…))` may be, in bytes.
const SUM_MAX: usize = 1_000;

/// Commands whose arguments give values to variables.
const DECLARES: [&str; 5] = ["export", "local", "readonly", "declare", "typeset"];

/// The commands of a text. Text that no shell would take gives the part that was understood.
pub(super) fn script(text: &str) -> Script {
    Parser::new(text, 0).whole()
}

/// A text that comes behind a command line, as the word that its reader reads.
type Waiting = (Rc<OnceCell<Spelled>>, heres::Mark);

#[cfg(test)]
thread_local! {
    /// How often a text was looked at, for the tests of how that grows.
    pub(super) static STEPS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
    /// Texts that begin with the next line.
    waiting: Vec<Waiting>,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str, depth: usize) -> Self {
        Self { text, at: 0, depth, waiting: Vec::new() }
    }

    /// All of it. What closes something that was not opened is passed over.
    fn whole(mut self) -> Script {
        let mut lists = Vec::new();
        loop {
            lists.append(&mut self.script());
            if self.is_at_end() {
                self.take_heres();
                return lists;
            }
            self.skip_closer();
        }
    }

    fn rest(&self) -> &'t str {
        #[cfg(test)]
        STEPS.with(|steps| steps.set(steps.get() + 1));
        self.text.get(self.at..).unwrap_or_default()
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        #[cfg(test)]
        STEPS.with(|steps| steps.set(steps.get() + 1));
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    fn is_at_end(&self) -> bool {
        self.at >= self.text.len()
    }

    /// One level deeper; too deep, and nothing more is read.
    fn nested<T: Default>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        if self.depth >= DEPTH_MAX {
            self.at = self.text.len();
            return T::default();
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    fn skip_blanks(&mut self) {
        loop {
            match self.byte(0) {
                Some(b' ' | b'\t' | b'\r') => self.at += 1,
                Some(b'\\') if self.byte(1) == Some(b'\n') => self.at += 2,
                _ => return,
            }
        }
    }

    /// Over blanks, ends of lines and comments, and the texts that lines announce.
    fn skip_lines(&mut self) {
        loop {
            self.skip_blanks();
            match self.byte(0) {
                Some(b'\n') => {
                    self.at += 1;
                    self.take_heres();
                }
                Some(b'#') => self.at += self.rest().find('\n').unwrap_or(self.rest().len()),
                Some(b';') if self.byte(1) != Some(b';') => self.at += 1,
                _ => return,
            }
        }
    }

    /// The plain word that begins here, if it ends like one.
    fn keyword(&self) -> &'t str {
        let rest = self.rest();
        let is_of_word = |b: &u8| b.is_ascii_alphabetic() || matches!(b, b'{' | b'}' | b'[' | b']' | b'!');
        let length = rest.bytes().take(9).take_while(|b| is_of_word(b)).count();
        let ends = rest.as_bytes().get(length).is_none_or(|b| b.is_ascii_whitespace() || b";&|()<>".contains(b));
        if ends { &rest[..length] } else { "" }
    }

    fn takes(&mut self, keyword: &str) -> bool {
        self.skip_lines();
        let is_it = self.keyword() == keyword;
        self.at += if is_it { keyword.len() } else { 0 };
        is_it
    }

    /// Whether something that is open around here closes, or goes on.
    fn closes(&self) -> bool {
        matches!(self.byte(0), None | Some(b')'))
            || self.rest().starts_with(";;")
            || matches!(self.keyword(), "then" | "elif" | "else" | "fi" | "do" | "done" | "esac" | "}")
    }

    fn skip_closer(&mut self) {
        let length = self.keyword().len().max(1);
        self.at += length;
        while !self.text.is_char_boundary(self.at) {
            self.at += 1;
        }
    }

    fn script(&mut self) -> Script {
        let mut lists = Vec::new();
        loop {
            self.skip_lines();
            if self.closes() {
                return lists;
            }
            let start = self.at;
            lists.push(self.list());
            if self.at == start {
                self.skip_closer();
            }
        }
    }

    /// Commands up to the `)` that closes them, and behind it.
    fn script_in_brackets(&mut self) -> Script {
        self.nested(|parser| {
            let mut lists = Vec::new();
            loop {
                lists.append(&mut parser.script());
                match parser.byte(0) {
                    None => return lists,
                    Some(b')') => {
                        parser.at += 1;
                        return lists;
                    }
                    _ => parser.skip_closer(),
                }
            }
        })
    }

    fn list(&mut self) -> List {
        let mut list = List::default();
        loop {
            list.pipelines.push(self.pipeline());
            self.skip_blanks();
            match (self.byte(0), self.byte(1)) {
                (Some(b'&'), Some(b'&')) | (Some(b'|'), Some(b'|')) => {
                    self.at += 2;
                    self.skip_lines();
                }
                (Some(b'&'), _) => {
                    self.at += 1;
                    list.is_background = true;
                    return list;
                }
                _ => return list,
            }
            if self.closes() {
                return list;
            }
        }
    }

    fn pipeline(&mut self) -> Vec<Command> {
        let mut commands = vec![self.command()];
        loop {
            self.skip_blanks();
            if self.byte(0) != Some(b'|') || self.byte(1) == Some(b'|') {
                return commands;
            }
            self.at += if self.byte(1) == Some(b'&') { 2 } else { 1 };
            self.skip_lines();
            if self.closes() {
                return commands;
            }
            commands.push(self.command());
        }
    }

    fn command(&mut self) -> Command {
        self.skip_blanks();
        let keyword = self.keyword();
        match keyword {
            "!" | "time" | "coproc" => {
                self.at += keyword.len();
                self.skip_blanks();
                while self.byte(0) == Some(b'-') {
                    self.word();
                    self.skip_blanks();
                }
                self.nested(Self::command)
            }
            "{" => self.compound(Self::group, 1),
            "if" => self.compound(Self::condition, 2),
            "while" | "until" => self.compound(Self::while_loop, 5),
            "for" => self.compound(Self::for_loop, 3),
            "select" => self.compound(Self::for_loop, 6),
            "case" => self.compound(Self::case, 4),
            "[[" => self.compound(Self::test, 2),
            "function" => self.compound(Self::function, 8),
            _ if self.byte(0) == Some(b'(') => match self.sum_end(self.at) {
                Some(end) => {
                    self.at = end;
                    Command::default()
                }
                None => self.compound(|parser| Node::Subshell(parser.script_in_brackets()), 1),
            },
            _ => self.simple(),
        }
    }

    /// A command that begins with a word or bracket of this many bytes, with its redirections.
    fn compound(&mut self, read: fn(&mut Self) -> Node, length: usize) -> Command {
        self.at += length;
        let node = self.nested(read);
        let mut redirects = Vec::new();
        self.redirects(&mut redirects);
        Command { node, redirects }
    }

    /// Behind the `((…))` that begins at a place, where one does: in it, `>` compares.
    fn sum_end(&self, from: usize) -> Option<usize> {
        let bytes = self.text.as_bytes().get(from..)?;
        if !bytes.starts_with(b"((") {
            return None;
        }
        let mut open = 0;
        for (at, byte) in bytes.iter().enumerate().take(SUM_MAX) {
            match byte {
                b'(' => open += 1,
                b')' if open == 2 => return (bytes.get(at + 1) == Some(&b')')).then_some(from + at + 2),
                b')' => open -= 1,
                _ => {}
            }
        }
        None
    }

    fn group(&mut self) -> Node {
        let script = self.script();
        self.takes("}");
        Node::Group(script)
    }

    fn condition(&mut self) -> Node {
        let mut parts = Vec::new();
        let mut has_condition = true;
        loop {
            let condition = if has_condition { self.script() } else { Script::new() };
            self.takes("then");
            parts.push((condition, self.script()));
            has_condition = self.takes("elif");
            if !has_condition && !self.takes("else") {
                break;
            }
        }
        self.takes("fi");
        Node::If(parts)
    }

    fn body(&mut self) -> Script {
        if self.takes("do") {
            let body = self.script();
            self.takes("done");
            body
        } else if self.takes("{") {
            let body = self.script();
            self.takes("}");
            body
        } else {
            Script::new()
        }
    }

    fn while_loop(&mut self) -> Node {
        let condition = self.script();
        Node::Loop(condition, self.body())
    }

    fn for_loop(&mut self) -> Node {
        self.skip_blanks();
        if let Some(end) = self.sum_end(self.at) {
            self.at = end;
            return Node::For { name: String::new(), words: Some(Vec::new()), body: self.body() };
        }
        let name = self.plain_name();
        self.skip_lines();
        let words = self.takes("in").then(|| {
            let mut words = Vec::new();
            loop {
                self.skip_blanks();
                match self.word() {
                    Some(word) => words.push(word),
                    None => return words,
                }
            }
        });
        Node::For { name, words, body: self.body() }
    }

    fn plain_name(&mut self) -> String {
        self.skip_blanks();
        let rest = self.rest();
        let length = rest.find(|c: char| c.is_whitespace() || ";&|()<>".contains(c)).unwrap_or(rest.len());
        self.at += length;
        rest[..length].to_owned()
    }

    fn case(&mut self) -> Node {
        self.skip_blanks();
        let word = self.word().unwrap_or_default();
        self.takes("in");
        let mut arms = Vec::new();
        loop {
            self.skip_lines();
            if self.is_at_end() || self.takes("esac") {
                return Node::Case(word, arms);
            }
            // The pattern.
            let start = self.at;
            if self.byte(0) == Some(b'(') {
                self.at += 1;
            }
            loop {
                self.skip_blanks();
                if self.byte(0) == Some(b'|') {
                    self.at += 1;
                } else if self.word().is_none() {
                    break;
                }
            }
            if self.byte(0) == Some(b')') {
                self.at += 1;
            }
            arms.push(self.script());
            while matches!(self.byte(0), Some(b';' | b'&')) {
                self.at += 1;
            }
            if self.at == start {
                return Node::Case(word, arms);
            }
        }
    }

    fn test(&mut self) -> Node {
        let mut words = Vec::new();
        loop {
            self.skip_lines();
            if self.is_at_end() || self.keyword() == "]]" {
                self.at += 2;
                return Node::Test(words);
            }
            match self.word() {
                Some(word) => words.push(word),
                // What compares.
                None => self.at += 1,
            }
        }
    }

    fn function(&mut self) -> Node {
        let name = self.plain_name();
        self.skip_blanks();
        if self.rest().starts_with("()") {
            self.at += 2;
        }
        self.skip_lines();
        Node::Function(name, Rc::new(self.nested(Self::command)))
    }

    fn simple(&mut self) -> Command {
        let (mut assigns, mut words, mut redirects) = (Vec::new(), Vec::<Spelled>::new(), Vec::new());
        let mut declares = false;
        loop {
            self.redirects(&mut redirects);
            if (words.is_empty() || declares)
                && let Some(assign) = self.assignment()
            {
                assigns.push(assign);
                continue;
            }
            let start = self.at;
            let Some(word) = self.word() else {
                // `NAME () {`
                let name = self.text.get(start.saturating_sub(200)..start).and_then(|text| text.split_whitespace().last());
                if words.len() == 1 && self.byte(0) == Some(b'(') {
                    let name = name.unwrap_or_default().to_owned();
                    return self.function_of(name);
                }
                return Command { node: Node::Simple { assigns, words }, redirects };
            };
            if words.is_empty() {
                declares = DECLARES.contains(&&self.text[start..self.at]);
            }
            words.push(word);
        }
    }

    fn function_of(&mut self, name: String) -> Command {
        self.at += 1;
        self.skip_blanks();
        if self.byte(0) == Some(b')') {
            self.at += 1;
        }
        self.skip_lines();
        let body = self.nested(Self::command);
        Command { node: Node::Function(name, Rc::new(body)), redirects: Vec::new() }
    }

    /// `NAME=…` right here.
    fn assignment(&mut self) -> Option<Assign> {
        let rest = self.rest();
        let length = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
        let name = rest.get(..length).filter(|name| is_name(name))?;
        let mut behind = &rest[length..];
        if behind.starts_with('[') {
            let end = behind.bytes().take(64).position(|b| b == b']')?;
            behind = behind.get(end + 1..)?;
        }
        let adds = behind.starts_with('+');
        behind = behind.get(usize::from(adds)..)?.strip_prefix('=')?;
        self.at = self.text.len() - behind.len();
        if self.byte(0) != Some(b'(') {
            let value = self.word().unwrap_or_default();
            return Some(Assign { name: name.to_owned(), adds, values: vec![value], is_array: false, keys: Vec::new() });
        }
        self.at += 1;
        let mut keys = Vec::new();
        let mut values = Vec::new();
        loop {
            self.skip_lines();
            if self.byte(0) == Some(b'[') {
                // `[KEY]=VALUE`
                let end = self.rest().bytes().take(256).position(|b| b == b']');
                let key = end.filter(|end| self.byte(end + 1) == Some(b'=')).and_then(|end| self.rest().get(1..end));
                keys.extend(key.filter(|key| !key.contains('$')).map(|key| key.trim_matches(['"', '\'']).to_owned()));
                self.at += end.filter(|end| self.byte(end + 1) == Some(b'=')).map_or(0, |end| end + 2);
            }
            match self.word() {
                Some(word) => values.push(word),
                None if matches!(self.byte(0), None | Some(b')')) => break,
                None => self.at += 1,
            }
        }
        self.at += 1;
        Some(Assign { name: name.to_owned(), adds, values, is_array: true, keys })
    }
}

//! A shell's text as simple commands: words, redirections, texts given on the line, and commands inside of commands.

use std::rc::Rc;

/// A simple command. A word that only the run tells is `None`.
#[derive(Debug, Default)]
pub(super) struct Simple {
    pub(super) words: Vec<Option<String>>,
    /// Files it writes by redirection.
    pub(super) outputs: Vec<String>,
    /// What it reads from the command line itself.
    pub(super) here: String,
    /// Commands that run inside its words.
    pub(super) inner: Vec<String>,
}

impl Simple {
    /// Its words from the program's name on: what only starts another program, with its options, goes before.
    pub(super) fn program(&self) -> &[Option<String>] {
        /// Each with its options that take a value, and how many operands stand before the program.
        const BEFORE: [(&str, &[&str], usize); 22] = [
            ("sudo", &["-u", "-g", "-h", "-p", "-C", "-D"], 0),
            ("env", &["-u", "--unset", "-C", "--chdir"], 0),
            ("command", &[], 0),
            ("exec", &["-a"], 0),
            ("nohup", &[], 0),
            ("time", &["-f", "-o"], 0),
            ("builtin", &[], 0),
            ("nice", &["-n"], 0),
            ("ionice", &["-c", "-n"], 0),
            ("stdbuf", &["-i", "-o", "-e"], 0),
            ("timeout", &["-k", "-s", "--signal", "--kill-after"], 1),
            ("xargs", &["-I", "-n", "-P", "-L", "-d", "-E", "-s"], 0),
            ("busybox", &[], 0),
            ("then", &[], 0),
            ("do", &[], 0),
            ("else", &[], 0),
            ("if", &[], 0),
            ("elif", &[], 0),
            ("while", &[], 0),
            ("until", &[], 0),
            ("!", &[], 0),
            ("{", &[], 0),
        ];
        let mut words = self.words.as_slice();
        while let [Some(first), rest @ ..] = words {
            if is_assignment(first) {
                words = rest;
                continue;
            }
            let Some((_, with_value, operands)) = BEFORE.iter().find(|(name, ..)| name == first) else { break };
            words = rest;
            while let [Some(option), rest @ ..] = words {
                if !option.starts_with('-') || option.len() < 2 {
                    break;
                }
                words = if with_value.contains(&option.as_str()) { rest.get(1..).unwrap_or_default() } else { rest };
            }
            words = words.get(*operands..).unwrap_or_default();
        }
        words
    }

    pub(super) fn assigns(&self, name: &str) -> bool {
        self.words.iter().flatten().any(|word| word.split_once('=').is_some_and(|(left, _)| left == name))
    }
}

fn is_assignment(word: &str) -> bool {
    let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    word.split_once('=').is_some_and(|(name, _)| is_name(name))
}

/// The simple commands of a text, in their order. Text that no shell would take gives what was understood of it.
pub(super) fn commands(text: &str) -> Vec<Simple> {
    let mut lexer = Lexer { chars: text.chars().collect(), ..Lexer::default() };
    lexer.scan();
    lexer.out
}

/// What the next word is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Word,
    Output,
    Input,
    HereWord,
}

#[derive(Default)]
struct Lexer {
    chars: Rc<[char]>,
    at: usize,
    out: Vec<Simple>,
    now: Simple,
    /// Words that end texts which begin with the next line, and whether tabs before them are passed over.
    waiting: Vec<(String, bool)>,
    /// How deep it is inside of others' `$(`, and how many brackets are open: with the last one it ends.
    depth: usize,
    open: usize,
}

/// How deep commands inside words are told from their surroundings with all their quotes; deeper, brackets are counted.
const NESTED_MAX: usize = 8;

impl Lexer {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn end_command(&mut self) {
        let done = std::mem::take(&mut self.now);
        if !done.words.is_empty() || !done.outputs.is_empty() || !done.inner.is_empty() {
            self.out.push(done);
        }
    }

    /// To the end of the text, or to the bracket that closes it.
    fn scan(&mut self) {
        let mut role = Role::Word;
        while let Some(c) = self.peek(0) {
            match c {
                '\n' => {
                    self.at += 1;
                    self.here_texts();
                    self.end_command();
                    role = Role::Word;
                }
                c if c.is_whitespace() => self.at += 1,
                '\\' if self.peek(1) == Some('\n') => self.at += 2,
                '#' => {
                    while self.peek(0).is_some_and(|c| c != '\n') {
                        self.at += 1;
                    }
                }
                ')' if self.depth > 0 && self.open == 1 => break,
                ';' | '|' | '(' | ')' => {
                    self.open = if c == '(' { self.open + 1 } else { self.open - usize::from(c == ')' && self.open > 0) };
                    self.at += 1;
                    self.end_command();
                }
                '&' if self.peek(1) == Some('>') => {
                    self.at += 2;
                    role = self.output();
                }
                '&' => {
                    self.at += 1;
                    self.end_command();
                }
                '>' => {
                    self.at += 1;
                    role = self.output();
                }
                '<' => role = self.input(),
                c if c.is_ascii_digit() && self.is_descriptor() => self.at += 1,
                _ => {
                    let word = self.word();
                    self.take(word, role);
                    role = Role::Word;
                }
            }
        }
        self.here_texts();
        self.end_command();
    }

    /// A digit right before a redirection.
    fn is_descriptor(&self) -> bool {
        let is_start = self.at == 0 || self.chars[self.at - 1].is_whitespace();
        is_start && matches!(self.peek(1), Some('>' | '<'))
    }

    /// Behind a `>`.
    fn output(&mut self) -> Role {
        while matches!(self.peek(0), Some('>' | '|')) {
            self.at += 1;
        }
        if self.peek(0) == Some('&') {
            self.at += 1;
            // Onto another descriptor, not a file.
            if self.peek(0).is_some_and(|c| c.is_ascii_digit() || c == '-') {
                while self.peek(0).is_some_and(|c| c.is_ascii_digit() || c == '-') {
                    self.at += 1;
                }
                return Role::Word;
            }
        }
        if self.peek(0) == Some('(') { Role::Word } else { Role::Output }
    }

    fn input(&mut self) -> Role {
        if self.peek(1) == Some('<') && self.peek(2) == Some('<') {
            self.at += 3;
            return Role::HereWord;
        }
        if self.peek(1) == Some('<') {
            self.at += 2;
            let strips = self.peek(0) == Some('-');
            self.at += usize::from(strips);
            while self.peek(0).is_some_and(|c| c == ' ' || c == '\t') {
                self.at += 1;
            }
            let (mark, _) = self.word();
            self.waiting.push((mark.unwrap_or_default(), strips));
            return Role::Word;
        }
        self.at += 1;
        if self.peek(0) == Some('(') { Role::Word } else { Role::Input }
    }

    fn take(&mut self, (word, inner): (Option<String>, Vec<String>), role: Role) {
        self.now.inner.extend(inner);
        match role {
            Role::Word => self.now.words.push(word),
            Role::Output => self.now.outputs.extend(word),
            Role::HereWord => self.now.here = word.unwrap_or_default(),
            Role::Input => {}
        }
    }

    /// The texts that begin with this line.
    fn here_texts(&mut self) {
        for (mark, strips) in std::mem::take(&mut self.waiting) {
            let mut text = String::new();
            while self.at < self.chars.len() {
                let end = self.chars[self.at..].iter().position(|c| *c == '\n').map_or(self.chars.len(), |length| self.at + length);
                let line: String = self.chars[self.at..end].iter().collect();
                self.at = (end + 1).min(self.chars.len());
                let shown = if strips { line.trim_start_matches('\t') } else { &line };
                if shown.trim_end_matches('\r') == mark {
                    break;
                }
                text.push_str(shown);
                text.push('\n');
            }
            self.now.here = text;
        }
    }

    /// A word, `None` when the run decides what it is, and the commands inside it.
    fn word(&mut self) -> (Option<String>, Vec<String>) {
        let (mut word, mut is_known, mut inner) = (String::new(), true, Vec::new());
        while let Some(c) = self.peek(0) {
            match c {
                c if c.is_whitespace() || matches!(c, ';' | '|' | '&' | '(' | ')' | '<' | '>') => break,
                '\'' => {
                    self.at += 1;
                    while let Some(c) = self.peek(0).filter(|c| *c != '\'') {
                        word.push(c);
                        self.at += 1;
                    }
                    self.at += 1;
                }
                '"' => {
                    self.at += 1;
                    while let Some(c) = self.peek(0).filter(|c| *c != '"') {
                        match c {
                            '\\' if matches!(self.peek(1), Some('"' | '\\' | '$' | '`')) => {
                                word.extend(self.peek(1));
                                self.at += 2;
                            }
                            '$' | '`' => is_known &= self.expansion(&mut word, &mut inner),
                            c => {
                                word.push(c);
                                self.at += 1;
                            }
                        }
                    }
                    self.at += 1;
                }
                '\\' => {
                    word.extend(self.peek(1).filter(|c| *c != '\n'));
                    self.at += 2;
                }
                '$' | '`' => is_known &= self.expansion(&mut word, &mut inner),
                '*' | '?' | '[' => {
                    is_known = false;
                    word.push(c);
                    self.at += 1;
                }
                c => {
                    word.push(c);
                    self.at += 1;
                }
            }
        }
        // An assignment is one, whatever its value will be.
        (Some(word).filter(|word| is_known || is_assignment(word) || word == "[["), inner)
    }

    /// A `$` or a backtick: whether it is an ordinary character after all.
    fn expansion(&mut self, word: &mut String, inner: &mut Vec<String>) -> bool {
        let (open, close) = match (self.peek(0), self.peek(1)) {
            (Some('$'), Some('(')) => ('(', ')'),
            (Some('$'), Some('{')) => ('{', '}'),
            (Some('`'), _) => ('\0', '`'),
            (_, Some(c)) if c.is_alphanumeric() || matches!(c, '_' | '@' | '*' | '?' | '$' | '!' | '#') => {
                self.at += 2;
                while self.peek(0).is_some_and(|c| c.is_alphanumeric() || c == '_') {
                    self.at += 1;
                }
                return false;
            }
            _ => {
                word.push('$');
                self.at += 1;
                return true;
            }
        };
        self.at += if close == '`' { 1 } else { 2 };
        let start = self.at;
        if open == '(' && self.depth < NESTED_MAX {
            // Quotes and texts inside may have brackets of their own.
            let chars = Rc::clone(&self.chars);
            let mut nested = Self { chars, at: start, depth: self.depth + 1, open: 1, ..Self::default() };
            nested.scan();
            self.at = nested.at;
        } else {
            let mut depth = 1;
            while let Some(c) = self.peek(0) {
                depth += i32::from(c == open);
                depth -= i32::from(c == close);
                if depth == 0 {
                    break;
                }
                self.at += 1;
            }
        }
        if close != '}' {
            inner.push(self.chars[start..self.at.min(self.chars.len())].iter().collect());
        }
        self.at += 1;
        false
    }
}

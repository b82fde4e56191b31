//! A shell's text as simple commands: words, redirections, texts given on the line, and commands inside of commands.

use std::rc::Rc;

use super::braces;
use super::escapes;
use super::nesting::{Nesting, Separator};
use super::place;
use super::simple::{Simple, Word, escaped, is_assignment};

/// The simple commands of a text, in their order. Text that no shell would take gives what was understood of it.
pub(super) fn commands(text: &str) -> Vec<Simple> {
    let mut lexer = Lexer { chars: text.chars().collect(), ..Lexer::default() };
    lexer.scan();
    lexer.out
}

/// A text as one word.
pub(super) fn word(text: &str) -> Word {
    Lexer { chars: text.chars().collect(), ..Lexer::default() }.word().0
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
    /// Words that end texts which begin with the next line, whether tabs before them are passed over, and the number of the command that reads
    /// the text.
    waiting: Vec<(String, bool, usize)>,
    /// How deep it is inside of others' `$(`: there it ends with the bracket that it has not opened.
    depth: usize,
    nesting: Nesting,
    /// Inside `[[`, where `<` and `>` compare.
    is_in_test: bool,
}

/// How deep commands inside words are told from their surroundings with all their quotes; deeper, brackets are counted.
const NESTED_MAX: usize = 8;

/// How long a sum in `((…))` may be, in characters.
const SUM_MAX: usize = 1_000;

/// Behind how many words of a command one is still looked at for whether it begins a loop or ends one.
const KEYWORD_MAX: usize = 8;

/// How long a class of characters in brackets may be.
const CLASS_MAX: usize = 64;

/// A word as it is read.
#[derive(Default)]
struct Spelling {
    /// Its characters; what only the run tells has left none, or its wildcards.
    text: String,
    /// Where the first part ends, and the last one begins, that are known.
    known: Option<(usize, usize)>,
    /// The same as a pattern; what only the run tells is [`ANYTHING`].
    pattern: String,
    /// Commands inside it.
    inner: Vec<String>,
}

/// Stands in a pattern for what only the run tells, until it is seen whether that is a part of a name.
const ANYTHING: char = '\0';

impl Spelling {
    fn push(&mut self, c: char) {
        self.text.push(c);
        self.pattern.push_str(&escaped(c.encode_utf8(&mut [0; 4])));
    }

    /// At this place is something that only the run tells, spelled so, and with this meaning in a pattern.
    fn unknown(&mut self, spelled: &str, pattern: char) {
        let begins = self.known.map_or(self.text.len(), |(begins, _)| begins);
        self.text.push_str(spelled);
        self.pattern.push(pattern);
        self.known = Some((begins, self.text.len()));
    }

    /// Its pattern: what is no part of a name may be several.
    fn pattern(&self) -> String {
        let part = |part: &str| match part {
            "**" => part.to_owned(),
            part if !part.is_empty() && part.chars().all(|c| c == ANYTHING) => "**".to_owned(),
            part => {
                let mut out = String::new();
                for c in part.chars().map(|c| if c == ANYTHING { '*' } else { c }) {
                    // An escaped one is followed by a bracket.
                    if c != '*' || !out.ends_with('*') {
                        out.push(c);
                    }
                }
                out
            }
        };
        let mut parts: Vec<String> = self.pattern.split('/').map(part).collect();
        // What the whole path begins with may have directories in it.
        if let Some(first) = parts.first_mut().filter(|_| self.pattern.starts_with(ANYTHING)) {
            *first = "**".to_owned();
        }
        parts.join("/")
    }

    fn finish(self) -> (Word, Vec<String>) {
        let word = match self.known {
            // Programs of that name.
            Some(_) if matches!(self.text.as_str(), "[" | "[[") => Word::of(self.text),
            Some((end, tail)) => Word {
                pattern: self.pattern(),
                text: self.text.get(..end).unwrap_or_default().to_owned(),
                is_known: false,
                spelled: String::new(),
                tail: self.text.get(tail..).unwrap_or_default().to_owned(),
            },
            None => Word::of(self.text),
        };
        (word, self.inner)
    }
}

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
                    self.separate(Separator::NewLine);
                    role = Role::Word;
                }
                c if c.is_whitespace() => self.at += 1,
                '\\' if self.peek(1) == Some('\n') => self.at += 2,
                '#' => {
                    while self.peek(0).is_some_and(|c| c != '\n') {
                        self.at += 1;
                    }
                }
                '<' | '>' | '(' | ')' | '&' | '|' if self.is_in_test => self.at += 1,
                '(' => {
                    if let Some(end) = self.sum_end() {
                        self.at = end;
                    } else {
                        self.at += 1;
                        self.end_command();
                        self.nesting.open(self.out.len());
                    }
                    role = Role::Word;
                }
                ')' => {
                    self.end_command();
                    if !self.nesting.close(&mut self.out) && self.depth > 0 {
                        break;
                    }
                    self.at += 1;
                    role = Role::Word;
                }
                ';' => {
                    self.at += 1;
                    self.separate(Separator::Sequence);
                    role = Role::Word;
                }
                '&' if self.peek(1) == Some('>') => {
                    self.at += 2;
                    role = self.output(role);
                }
                '&' | '|' => {
                    let (separator, length) = match (c, self.peek(1)) {
                        ('&', Some('&')) | ('|', Some('|')) => (Separator::AndOr, 2),
                        ('&', _) => (Separator::Background, 1),
                        (_, Some('&')) => (Separator::Pipe, 2),
                        _ => (Separator::Pipe, 1),
                    };
                    self.at += length;
                    self.separate(separator);
                    role = Role::Word;
                }
                '>' => {
                    self.at += 1;
                    role = self.output(role);
                }
                '<' => role = self.input(role),
                c if c.is_ascii_digit() && self.is_descriptor() => self.at += 1,
                _ => {
                    let start = self.at;
                    let (mut word, inner) = self.word();
                    let spelled: String = self.chars[start..self.at.min(self.chars.len())].iter().collect();
                    match braces::expanded(&spelled).filter(|_| role == Role::Word) {
                        Some(words) => {
                            for spelled in words {
                                self.take((self::word(&spelled), Vec::new()), role);
                            }
                        }
                        None => {
                            if !word.is_known {
                                word.spelled = spelled;
                            }
                            self.take((word, inner), role);
                        }
                    }
                    role = Role::Word;
                }
            }
        }
        self.here_texts();
        self.end_command();
    }

    fn separate(&mut self, separator: Separator) {
        self.end_command();
        self.now.is_piped = separator == Separator::Pipe;
        self.is_in_test = false;
        self.nesting.separate(separator, &mut self.out);
    }

    /// Behind the `((…))` that begins here, where one does: in it, `>` compares.
    fn sum_end(&self) -> Option<usize> {
        if self.peek(0) != Some('(') || self.peek(1) != Some('(') {
            return None;
        }
        let mut open = 0;
        for (at, c) in self.chars.iter().enumerate().skip(self.at).take(SUM_MAX) {
            match c {
                '(' => open += 1,
                ')' if open == 2 => return (self.chars.get(at + 1) == Some(&')')).then_some(at + 2),
                ')' => open -= 1,
                _ => {}
            }
        }
        None
    }

    /// A digit right before a redirection.
    fn is_descriptor(&self) -> bool {
        let is_start = self.at == 0 || self.chars[self.at - 1].is_whitespace();
        is_start && matches!(self.peek(1), Some('>' | '<'))
    }

    /// Behind a `>`; what went before may have been one.
    fn output(&mut self, before: Role) -> Role {
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
        if self.peek(0) == Some('(') { self.process(before) } else { Role::Output }
    }

    /// The `(…)` of a `<(…)` or `>(…)`, which is a file's name to its command.
    fn process(&mut self, role: Role) -> Role {
        self.at += 1;
        let inner = self.bracketed('(', ')');
        self.take((Word::default(), vec![inner]), role);
        Role::Word
    }

    fn input(&mut self, before: Role) -> Role {
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
            self.waiting.push((mark.text, strips, self.out.len()));
            return Role::Word;
        }
        self.at += 1;
        if self.peek(0) == Some('(') { self.process(before) } else { Role::Input }
    }

    fn take(&mut self, (word, inner): (Word, Vec<String>), role: Role) {
        self.now.inner.extend(inner);
        match role {
            Role::Word => {
                if word.is("]]") {
                    self.is_in_test = false;
                } else if self.now.words.len() < KEYWORD_MAX && self.now.program().is_empty() {
                    self.is_in_test = word.is("[[");
                    self.nesting.word(word.known().unwrap_or_default(), self.out.len());
                }
                self.now.words.push(word);
            }
            Role::Output => self.now.outputs.push(word),
            Role::HereWord => self.now.here = word.known().unwrap_or_default().to_owned(),
            Role::Input => {}
        }
    }

    /// The texts that begin with this line.
    fn here_texts(&mut self) {
        for (mark, strips, reader) in std::mem::take(&mut self.waiting) {
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
            // Whoever reads what the reader prints may read the text.
            let behind = self.out.iter_mut().chain([&mut self.now]).skip(reader).enumerate();
            for (_, command) in behind.take_while(|(at, command)| *at == 0 || command.is_piped) {
                command.here.clone_from(&text);
            }
        }
    }

    /// A word and the commands inside it.
    fn word(&mut self) -> (Word, Vec<String>) {
        let mut word = Spelling::default();
        while let Some(c) = self.peek(0) {
            match c {
                '(' if word.text.ends_with('=') && is_assignment(&word.text) => {
                    // The values of an array are no commands.
                    self.at += 1;
                    self.bracketed('(', ')');
                    word.unknown("", ANYTHING);
                }
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
                                self.peek(1).into_iter().for_each(|c| word.push(c));
                                self.at += 2;
                            }
                            '$' | '`' => self.expansion(&mut word, true),
                            c => {
                                word.push(c);
                                self.at += 1;
                            }
                        }
                    }
                    self.at += 1;
                }
                '\\' => {
                    self.peek(1).filter(|c| *c != '\n').into_iter().for_each(|c| word.push(c));
                    self.at += 2;
                }
                '$' | '`' => self.expansion(&mut word, false),
                '*' | '?' => {
                    word.unknown(c.encode_utf8(&mut [0; 4]), c);
                    self.at += 1;
                }
                '[' => {
                    // One of those in the brackets, or a bracket.
                    let in_brackets =
                        self.chars[self.at..].iter().take(CLASS_MAX).position(|c| *c == ']' || c.is_whitespace() || *c == '/');
                    let end = in_brackets.map(|length| self.at + length).filter(|end| self.chars[*end] == ']');
                    word.unknown("[", if end.is_some() { '?' } else { ANYTHING });
                    self.at = end.unwrap_or(self.at) + 1;
                }
                c => {
                    word.push(c);
                    self.at += 1;
                }
            }
        }
        word.finish()
    }

    /// A `$` or a backtick, which may be an ordinary character after all.
    fn expansion(&mut self, word: &mut Spelling, in_quotes: bool) {
        let start = self.at;
        let (open, close) = match (self.peek(0), self.peek(1)) {
            (Some('$'), Some('(')) => ('(', ')'),
            (Some('$'), Some('{')) => ('{', '}'),
            (Some('`'), _) => ('\0', '`'),
            (_, Some('\'')) if !in_quotes => return self.escaped_quote(word),
            (_, Some(c)) if c.is_alphanumeric() || matches!(c, '_' | '@' | '*' | '?' | '$' | '!' | '#') => {
                self.at += 2;
                while self.peek(0).is_some_and(|c| c.is_alphanumeric() || c == '_') {
                    self.at += 1;
                }
                return if self.chars[start..self.at] == ['$', 'P', 'W', 'D'] {
                    word.push(place::HERE)
                } else {
                    word.unknown("", ANYTHING)
                };
            }
            _ => {
                word.push('$');
                self.at += 1;
                return;
            }
        };
        self.at += usize::from(close != '`');
        if let Some(end) = self.sum_end() {
            self.at = end;
            return word.unknown("", ANYTHING);
        }
        self.at += 1;
        let inner = self.bracketed(open, close);
        if place::is_here(&inner, close == '}') {
            return word.push(place::HERE);
        }
        word.unknown("", ANYTHING);
        if close != '}' {
            word.inner.push(inner);
        }
    }

    /// `$'…'`, in which a backslash begins an escape.
    fn escaped_quote(&mut self, word: &mut Spelling) {
        self.at += 2;
        while let Some(c) = self.peek(0).filter(|c| *c != '\'') {
            let (c, length) = if c == '\\' { escapes::read(&self.chars[self.at..]) } else { (Some(c), 1) };
            c.into_iter().for_each(|c| word.push(c));
            self.at += length;
        }
        self.at += 1;
    }

    /// What stands before the bracket that closes the one before, and goes behind it.
    fn bracketed(&mut self, open: char, close: char) -> String {
        let start = self.at.min(self.chars.len());
        if open == '(' && self.depth < NESTED_MAX {
            // Quotes and texts inside may have brackets of their own.
            let mut nested = Self { chars: Rc::clone(&self.chars), at: start, depth: self.depth + 1, ..Self::default() };
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
        let inner = self.chars[start..self.at.clamp(start, self.chars.len())].iter().collect();
        self.at += 1;
        inner
    }
}
